//! Making groups and meters on their switch, and taking them away.

use godwit_controller::carried::{Shared, SharedPlace};
use godwit_controller::held::WriteGuard;
use godwit_controller::limits::APPLY_DEADLINE;
use godwit_controller::rules::shared::{SharedHeld, used_by};
use godwit_controller::switch::{ApplyError, RequestError, SwitchHandle};
use godwit_controller::{Batch, StoreError, SwitchState};
use godwit_openflow::model::group::in_order;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{GroupDescription, StatsReply, StatsRequest, ToSwitch};
use godwit_openflow::types::{GroupId, Version};

use super::Entries;
use crate::plan::entry::Entry;

/// Why a group or a meter was not made or taken away. Then it is as it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum MakeError {
    /// What was kept by an earlier run could not be read.
    #[error("what is kept of static entries can't be read: {0}")]
    Unreadable(String),
    #[error("OpenFlow 1.0 has no {0}s")]
    TooOld(&'static str),
    #[error("the work of the switch is being moved, or has been")]
    Moving,
    #[error("somebody else has made {0}, and it does something else; delete it first")]
    Foreign(Shared),
    #[error("the groups would point at each other in a circle")]
    Circle,
    #[error("there is no group {0}, at which it would point; make it first")]
    Nowhere(u32),
    /// There is none.
    #[error("the switch has no {0} with this number")]
    Unknown(&'static str),
    #[error("{0} is used by {1}, which would go with it")]
    Used(Shared, String),
    #[error("the switch does not say what it holds: {0}")]
    Unread(#[from] RequestError),
    #[error("{0}")]
    Refused(ApplyError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Entries {
    /// Makes a group or a meter, or changes one that was made here. When this returns it is in force and survives the
    /// controller. Gives whether it is new.
    pub(super) async fn make_shared(
        &self,
        switch: &SwitchHandle,
        form: Entry,
    ) -> Result<bool, MakeError> {
        let Some(shared) = form.shared() else {
            return Ok(false);
        };
        let _turn = self.sharing.lock().await;
        let _under_way = self.may_write(switch, shared).await?;
        let dpid = switch.dpid();
        let held = held(switch, shared).await?;
        let there = find(&held, shared);
        let place = SharedPlace { dpid, shared };
        let is_same = there.as_ref().is_some_and(|there| is_same(there, &form));
        let known = self.lock().shared.get(place).is_some();
        if there.is_some() && !known && !is_same {
            return Err(MakeError::Foreign(shared));
        }
        if let Entry::Group(group) = &form {
            check_pointing(&held.groups, group)?;
        }
        let before = self.keep_shared(place, Some(form.clone())).await?;
        if is_same {
            return Ok(!known);
        }
        let is_new = there.is_none();
        let message = if is_new {
            form.added()
        } else {
            form.modified()
        };
        self.send_shared(switch, message, place, before).await?;
        Ok(is_new)
    }

    /// Takes a group or a meter away that nothing uses, whoever made it.
    pub(super) async fn remove_shared(
        &self,
        switch: &SwitchHandle,
        shared: Shared,
    ) -> Result<(), MakeError> {
        let _turn = self.sharing.lock().await;
        let _under_way = self.may_write(switch, shared).await?;
        let dpid = switch.dpid();
        let place = SharedPlace { dpid, shared };
        let held = held(switch, shared).await?;
        let there = find(&held, shared);
        if there.is_none() && self.lock().shared.get(place).is_none() {
            return Err(MakeError::Unknown(kind(shared)));
        }
        check_unused(switch, &held, shared).await?;
        let before = self.keep_shared(place, None).await?;
        let Some(there) = there else {
            return Ok(());
        };
        let message = there.deleted();
        self.send_shared(switch, message, place, before).await
    }

    /// Leave to change the groups and meters of a switch.
    async fn may_write(
        &self,
        switch: &SwitchHandle,
        shared: Shared,
    ) -> Result<WriteGuard, MakeError> {
        if let Some(problem) = self.problem() {
            return Err(MakeError::Unreadable(problem.to_owned()));
        }
        if switch.version() == Version::V10 {
            return Err(MakeError::TooOld(kind(shared)));
        }
        let guard = self.network().held().begin_write(switch.dpid()).await;
        let is_active = self.network().state(switch.dpid()) == SwitchState::Active;
        guard.filter(|_| is_active).ok_or(MakeError::Moving)
    }

    /// Writes down what stands at a place. Gives what stood there.
    async fn keep_shared(
        &self,
        place: SharedPlace,
        form: Option<Entry>,
    ) -> Result<Option<Entry>, MakeError> {
        let mut batch = Batch::default();
        let before = {
            let mut table = self.lock();
            let before = table.shared.set(place, form);
            table.shared.put(&mut batch)?;
            before
        };
        if let Err(error) = self.network().store().write(batch).await {
            self.restore_shared(place, before);
            return Err(error.into());
        }
        Ok(before)
    }

    /// What stands at a place is what stood there.
    fn restore_shared(&self, place: SharedPlace, before: Option<Entry>) {
        if let Err(error) = self.put_back(place, before) {
            tracing::error!(dpid = %place.dpid, what = %place.shared, %error, "what becomes of it can't be kept");
        }
    }

    fn put_back(&self, place: SharedPlace, before: Option<Entry>) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        let mut table = self.lock();
        table.shared.set(place, before);
        table.shared.put(&mut batch)?;
        drop(table);
        self.network().store().write_later(batch);
        Ok(())
    }

    /// Sends a change. When the switch doesn't take it, what is kept of the place is what it was before.
    async fn send_shared(
        &self,
        switch: &SwitchHandle,
        message: ToSwitch,
        place: SharedPlace,
        before: Option<Entry>,
    ) -> Result<(), MakeError> {
        let sent = switch.apply(&[message]).await;
        sent.map_err(|error| {
            self.restore_shared(place, before);
            MakeError::Refused(error)
        })
    }
}

const fn kind(shared: Shared) -> &'static str {
    match shared {
        Shared::Group(_) => "group",
        Shared::Meter(_) => "meter",
    }
}

async fn held(switch: &SwitchHandle, shared: Shared) -> Result<SharedHeld, RequestError> {
    let is_group = matches!(shared, Shared::Group(_));
    SharedHeld::read(switch, is_group, !is_group).await
}

fn find(held: &SharedHeld, shared: Shared) -> Option<Entry> {
    match shared {
        Shared::Group(number) => {
            let found = held.groups.iter().find(|group| group.group == number);
            found.cloned().map(Entry::Group)
        }
        Shared::Meter(number) => {
            let found = held.meters.iter().find(|meter| meter.meter == number);
            found.cloned().map(Entry::Meter)
        }
    }
}

fn is_same(one: &Entry, other: &Entry) -> bool {
    match (one, other) {
        (Entry::Group(one), Entry::Group(other)) => one.does_the_same(other),
        (Entry::Meter(one), Entry::Meter(other)) => one.does_the_same(other),
        _ => false,
    }
}

/// Not every switch looks whether the groups are there that one points at: Open vSwitch doesn't.
fn check_pointing(held: &[GroupDescription], new: &GroupDescription) -> Result<(), MakeError> {
    let others = held.iter().filter(|group| group.group != new.group);
    let all = || others.clone().chain([new]);
    let is_there = |one: &GroupId| all().any(|group| group.group == *one);
    if let Some(nowhere) = new.points_at().find(|one| !is_there(one)) {
        return Err(MakeError::Nowhere(nowhere.0));
    }
    let (_, circle) = in_order(all());
    if circle.is_empty() {
        Ok(())
    } else {
        Err(MakeError::Circle)
    }
}

/// A switch would delete the rules that use it, too.
async fn check_unused(
    switch: &SwitchHandle,
    held: &SharedHeld,
    shared: Shared,
) -> Result<(), MakeError> {
    let request = StatsRequest::Flows(FlowFilter::all());
    let StatsReply::Flows(rules) = switch.request_within(request, APPLY_DEADLINE).await? else {
        return Err(RequestError::Unexpected.into());
    };
    let rules = rules.iter().map(|stats| &stats.rule);
    let users = rules.filter(|rule| used_by(rule).any(|one| one == shared));
    match users.count() {
        0 => {}
        1 => return Err(MakeError::Used(shared, "a flow entry".to_owned())),
        users => return Err(MakeError::Used(shared, format!("{users} flow entries"))),
    }
    let mut groups = held.groups.iter();
    let user = groups.find(|group| group.points_at().any(|one| Shared::Group(one) == shared));
    user.map_or(Ok(()), |user| {
        let user = format!("group {}", user.group.0);
        Err(MakeError::Used(shared, user))
    })
}
