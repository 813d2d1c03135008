//! Putting static entries on their switch, and taking them away.

use std::collections::HashSet;

use bytes::BytesMut;
use godwit_controller::held::{HoldError, WriteGuard};
use godwit_controller::limits::APPLY_DEADLINE;
use godwit_controller::switch::{ApplyError, RequestError, SwitchHandle};
use godwit_controller::{Batch, Owner, Slice, StoreError, SwitchState};
use godwit_openflow::codec::encode_to_switch;
use godwit_openflow::error::Unsupported;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    ErrorReport, FlowMod, FlowRule, FlowStats, Identity, StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{DatapathId, Version, Xid};

use super::table::{Duplicate, EntryId, MOST_ENTRIES, NoRoom, State, StaticEntry};
use super::{Entries, LAST_NUMBER, NAME};
use crate::others::described;

/// How often a write is begun anew whose switch was frozen or thawed in the same moment.
const TRIES: usize = 8;

/// Refusals and occupied places that are named.
const MOST_NAMED: usize = 100;

/// Why entries were not made. Nothing is left of them then.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The static entries of an earlier run could not be read.
    #[error("the static entries can't be read: {0}")]
    Unreadable(String),
    /// The switch's version has no words for an entry.
    #[error("{source}")]
    Unsupported {
        /// The entry's index.
        index: usize,
        /// What it can't say.
        source: Unsupported,
    },
    /// The switch is not to carry traffic.
    #[error("switch {0} is drained; its work stands on another switch")]
    Drained(DatapathId),
    /// It is the same to the switch as another static entry.
    #[error("{}", duplicate(*.0))]
    Duplicate(Duplicate),
    /// The entry that it was to replace can't be taken away.
    #[error("the entry that it was to replace stays: {0}")]
    InTheWay(String),
    /// A rule of somebody else stands there.
    #[error(
        "a rule of somebody else has the same table, priority and match, and would be overwritten"
    )]
    Occupied {
        /// The first entry's index.
        index: usize,
        /// Such rules.
        rules: Vec<String>,
    },
    /// The switch does not say what it holds.
    #[error("the switch's rules can't be read: {0}")]
    Unread(#[from] RequestError),
    /// There are too many static entries.
    #[error("there may be {MOST_ENTRIES} static entries")]
    TooMany,
    /// Too much is held for the switch, or it is frozen and thawed all the time.
    #[error("the entry could not be held: {0}")]
    NotHeld(#[from] HoldError),
    /// They could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The switch has refused some.
    #[error("the switch refused: {}", refusals.first().map_or("", |(_, why)| why))]
    Refused {
        /// Which, and why.
        refusals: Vec<(usize, String)>,
    },
    /// The switch has not confirmed them.
    #[error("{0}")]
    Unconfirmed(ApplyError),
}

fn duplicate(Duplicate { other, .. }: Duplicate) -> String {
    let other = other.map_or_else(
        || "another entry of this request".to_owned(),
        |id| format!("static entry {id}"),
    );
    format!("{other} has the same table, priority and match")
}

/// How an entry was taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Done,
    /// Its switch is frozen: it goes when the switch's work has its new place.
    Held,
    /// Its switch is not connected: it goes when the switch is back.
    Awaited,
}

/// Why an entry was not taken away.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// There is none with this number.
    #[error("no static entry has this number")]
    Unknown,
    /// It is being installed or removed.
    #[error("the entry is being installed or removed already")]
    Busy,
    /// Its removal could not be held.
    #[error("the removal could not be held: {0}")]
    NotHeld(#[from] HoldError),
    /// That it is gone could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The switch did not confirm.
    #[error("the switch did not take the entry away: {0}")]
    Apply(ApplyError),
}

impl Entries {
    /// Makes entries of a switch, all or none. When this returns they are in force and survive the controller, or, if
    /// the switch is frozen, they are held.
    ///
    /// # Errors
    /// When one can't be made; then none is.
    pub async fn create(
        &self,
        switch: &SwitchHandle,
        rules: Vec<FlowRule>,
    ) -> Result<Vec<(EntryId, StaticEntry)>, CreateError> {
        self.create_named(switch, rules, None).await
    }

    /// The same, under a name.
    pub(super) async fn create_named(
        &self,
        switch: &SwitchHandle,
        rules: Vec<FlowRule>,
        name: Option<&str>,
    ) -> Result<Vec<(EntryId, StaticEntry)>, CreateError> {
        let dpid = switch.dpid();
        if let Some(problem) = self.problem() {
            return Err(CreateError::Unreadable(problem.to_owned()));
        }
        check_version(switch.version(), &rules)?;
        check_free(switch, &rules).await?;
        for _ in 0..TRIES {
            let guard = self.network().held().begin_write(dpid).await;
            // What is still held for it goes where its work goes.
            if guard.is_some() && self.network().state(dpid) == SwitchState::Drained {
                return Err(CreateError::Drained(dpid));
            }
            let state = if guard.is_some() {
                State::Installing
            } else {
                State::Queued
            };
            let fresh = rules
                .iter()
                .map(|rule| StaticEntry::new(dpid, switch.name(), rule.clone(), state).named(name));
            let made = self.add(fresh.collect()).await?;
            match self.write(switch, guard, &made).await {
                // It may have been made, and even refused, in the same moment: what is said is that it was held.
                Ok(()) if state == State::Queued => return Ok(made),
                Ok(()) => {
                    let now = made
                        .into_iter()
                        .filter_map(|(id, _)| Some((id, self.get(id)?)));
                    return Ok(now.collect());
                }
                Err(error) => {
                    let ids: Vec<EntryId> = made.iter().map(|(id, _)| *id).collect();
                    if let Err(error) = self.forget(&ids).await {
                        tracing::warn!(%dpid, %error, "static entries that were refused are still kept on the disk");
                    }
                    if !matches!(error, CreateError::NotHeld(HoldError::NotFrozen)) {
                        return Err(error);
                    }
                }
            }
        }
        Err(HoldError::NotFrozen.into())
    }

    /// Writes the entries down, in memory and on the disk.
    async fn add(
        &self,
        entries: Vec<StaticEntry>,
    ) -> Result<Vec<(EntryId, StaticEntry)>, CreateError> {
        let (made, last) = {
            let mut table = self.lock();
            let made = table.insert(entries).map_err(|no_room| match no_room {
                NoRoom::Duplicate(duplicate) => CreateError::Duplicate(duplicate),
                NoRoom::Full => CreateError::TooMany,
            })?;
            (made, table.last())
        };
        let mut batch = Batch::default();
        let mut write = || {
            batch.put(Slice::VALUES, LAST_NUMBER, &last)?;
            for (id, entry) in &made {
                batch.put(Slice::ENTRIES, (*id).into(), entry)?;
            }
            Ok(())
        };
        let written = match write() {
            Ok(()) => self.network().store().write(batch).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            let mut table = self.lock();
            made.iter().for_each(|(id, _)| _ = table.remove(*id));
            return Err(error.into());
        }
        Ok(made)
    }

    /// Sends entries to their switch, or holds them.
    async fn write(
        &self,
        switch: &SwitchHandle,
        guard: Option<WriteGuard>,
        made: &[(EntryId, StaticEntry)],
    ) -> Result<(), CreateError> {
        let adds = made
            .iter()
            .map(|(_, entry)| FlowMod::add(entry.rule.clone()));
        let Some(_under_way) = guard else {
            let held = self.network().held();
            return Ok(held.hold_all(switch.dpid(), NAME, adds.collect())?);
        };
        let messages: Vec<ToSwitch> = adds.map(ToSwitch::FlowMod).collect();
        if let Err(error) = switch.apply(&messages).await {
            undo(switch, made, &error).await;
            return Err(refused(error, made));
        }
        let mut table = self.lock();
        for (id, _) in made {
            table.update(*id, |entry| entry.state = State::Active);
        }
        Ok(())
    }

    /// Takes an entry away.
    ///
    /// # Errors
    /// When it can't be; then it stays.
    pub async fn remove(&self, id: EntryId) -> Result<Removal, RemoveError> {
        for _ in 0..TRIES {
            let place = self.get(id).ok_or(RemoveError::Unknown)?.place;
            let guard = self.network().held().begin_write(place).await;
            let Some(entry) = self.begin_removal(id, place)? else {
                continue;
            };
            match self.take_away(id, &entry, guard).await {
                Err(RemoveError::NotHeld(HoldError::NotFrozen)) => self.stays(id, &entry).await,
                Err(error) => {
                    self.stays(id, &entry).await;
                    return Err(error);
                }
                Ok(removal) => return Ok(removal),
            }
        }
        Err(HoldError::NotFrozen.into())
    }

    /// An entry that was not taken away is what it was.
    async fn stays(&self, id: EntryId, entry: &StaticEntry) {
        self.lock().update(id, |now| now.state = entry.state);
        if let Err(error) = self.keep(id).await {
            tracing::warn!(entry = id, %error, "a static entry stays, but would not survive the controller");
        }
    }

    /// Marks an entry as going; gives it as it was, or nothing when it stands elsewhere by now.
    fn begin_removal(
        &self,
        id: EntryId,
        place: DatapathId,
    ) -> Result<Option<StaticEntry>, RemoveError> {
        let mut table = self.lock();
        let entry = table.get(id).ok_or(RemoveError::Unknown)?.clone();
        let frozen = self.network().held().is_frozen(place);
        match entry.state {
            State::Installing | State::Removing | State::Leaving => return Err(RemoveError::Busy),
            // What was held for it is being made at this moment.
            State::Queued if !frozen => return Err(RemoveError::Busy),
            State::Queued | State::Active | State::Refused => {}
        }
        if entry.place != place {
            return Ok(None);
        }
        table.update(id, |entry| entry.state = State::Removing);
        Ok(Some(entry))
    }

    /// Takes an entry away that is marked as going. That it goes is on the disk before anything is sent.
    async fn take_away(
        &self,
        id: EntryId,
        entry: &StaticEntry,
        guard: Option<WriteGuard>,
    ) -> Result<Removal, RemoveError> {
        self.keep(id).await?;
        if entry.state == State::Refused {
            self.drop_record(id);
            return Ok(Removal::Done);
        }
        let Some(_under_way) = guard else {
            let delete = FlowMod::delete_strict(entry.rule.clone());
            let held = self.network().held();
            held.hold_all(entry.place, NAME, vec![delete])?;
            self.lock().update(id, |entry| entry.state = State::Leaving);
            return Ok(Removal::Held);
        };
        let removal = match self.network().switches().get(entry.place) {
            None => Removal::Awaited,
            Some(switch) => match switch
                .apply(&[deletion(switch.version(), &entry.rule)])
                .await
            {
                Ok(()) => Removal::Done,
                // When it is back, what it holds is compared with what is still wanted.
                Err(ApplyError::Disconnected) => Removal::Awaited,
                Err(error) => return Err(RemoveError::Apply(error)),
            },
        };
        self.drop_record(id);
        Ok(removal)
    }
}

/// Deletes exactly this entry; where the version can say so, only if it is still ours.
fn deletion(version: Version, rule: &FlowRule) -> ToSwitch {
    let mut delete = FlowMod::delete_strict(rule.clone());
    if version == Version::V13 {
        delete.cookie_mask = u64::MAX;
    }
    delete.into()
}

/// Takes away what the switch has taken of a batch that it did not take whole.
async fn undo(switch: &SwitchHandle, made: &[(EntryId, StaticEntry)], error: &ApplyError) {
    let refused = |index| match error {
        ApplyError::Rejected(refusal) if refusal.nothing_in_force => true,
        ApplyError::Rejected(refusal) => refusal
            .messages
            .iter()
            .any(|(refused, _)| *refused == index),
        ApplyError::Unsupported { .. } | ApplyError::QueueFull => true,
        ApplyError::TimedOut | ApplyError::Disconnected | ApplyError::Unknown => false,
    };
    let deletions: Vec<ToSwitch> = made
        .iter()
        .enumerate()
        .filter(|(index, _)| !refused(*index))
        .map(|(_, (_, entry))| deletion(switch.version(), &entry.rule))
        .collect();
    if deletions.is_empty() {
        return;
    }
    if let Err(error) = switch.apply(&deletions).await {
        // When the switch connects again it is compared with what is wanted, and these are not.
        tracing::warn!(%switch, %error, "static entries that were given up could not be taken away");
    }
}

fn refused(error: ApplyError, made: &[(EntryId, StaticEntry)]) -> CreateError {
    let named = |(index, report): &(usize, ErrorReport)| {
        let (_, entry) = made.get(*index)?;
        let why = report.explained();
        Some((*index, format!("{why}, at {}", described(&entry.rule))))
    };
    match error {
        ApplyError::Unsupported { index, source } => CreateError::Unsupported { index, source },
        ApplyError::Rejected(list) => {
            let listed = list.messages.iter();
            let refusals: Vec<_> = listed.filter_map(named).take(MOST_NAMED).collect();
            if refusals.is_empty() {
                return CreateError::Unconfirmed(ApplyError::Rejected(list));
            }
            CreateError::Refused { refusals }
        }
        other => CreateError::Unconfirmed(other),
    }
}

/// Whether the version has words for all of them.
fn check_version(version: Version, rules: &[FlowRule]) -> Result<(), CreateError> {
    let mut buffer = BytesMut::new();
    for (index, rule) in rules.iter().enumerate() {
        buffer.clear();
        let add = ToSwitch::FlowMod(FlowMod::add(rule.clone()));
        encode_to_switch(version, Xid(0), &add, &mut buffer)
            .map_err(|source| CreateError::Unsupported { index, source })?;
    }
    Ok(())
}

/// Whether no rule of somebody else would be overwritten. A rule under an entry's cookie is an entry's, of which the
/// table knows.
async fn check_free(switch: &SwitchHandle, rules: &[FlowRule]) -> Result<(), CreateError> {
    let mut filter = FlowFilter::all();
    if let [rule] = rules {
        filter.table = rule.table;
        filter.pattern = rule.pattern.clone();
    }
    let request = StatsRequest::Flows(filter);
    let StatsReply::Flows(held) = switch.request_within(request, APPLY_DEADLINE).await? else {
        return Err(RequestError::Unexpected.into());
    };
    let foreign = |stats: &&FlowStats| Owner::Entries.own_part(stats.rule.cookie).is_none();
    let there: HashSet<Identity<'_>> = held
        .iter()
        .filter(foreign)
        .map(|stats| stats.rule.identity())
        .collect();
    let occupied = |(_, rule): &(usize, &FlowRule)| there.contains(&rule.identity());
    let mut occupied = rules.iter().enumerate().filter(occupied).peekable();
    match occupied.peek() {
        None => Ok(()),
        Some(&(index, _)) => {
            let wanted: Vec<&FlowRule> = occupied.map(|(_, rule)| rule).take(MOST_NAMED).collect();
            let stands =
                |stats: &&FlowStats| wanted.iter().any(|rule| rule.same_identity(&stats.rule));
            let rules = held
                .iter()
                .filter(stands)
                .map(|stats| described(&stats.rule));
            Err(CreateError::Occupied {
                index,
                rules: rules.collect(),
            })
        }
    }
}
