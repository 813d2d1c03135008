//! What rules share: groups and meters. They are compared as rules are. The groups of routes are numbered as those.

use std::collections::{BTreeSet, HashMap};

use godwit_openflow::model::group::in_order;
use godwit_openflow::model::{
    Action, FlowRule, GroupCommand, GroupDescription, Instruction, MeterCommand, MeterConfig,
    StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{GroupId, MeterId};

use super::Owner;
use crate::app::Desired;
use crate::carried::Shared;
use crate::switch::{RequestError, SwitchHandle};

/// Where the numbers of routes' groups begin: people and other controllers count from below.
const FIRST: u32 = 0x6000_0000;
/// Which part of a route's number is in that of its groups.
const PART: u32 = 0x1fff_ffff;

/// The number of a route's group, on every switch where it has one.
#[must_use]
pub const fn group_of(route: u32) -> GroupId {
    GroupId(FIRST | route & PART)
}

/// Whether a group is a route's by its number.
#[must_use]
pub const fn is_of_route(group: GroupId) -> bool {
    group.0 & !PART == FIRST
}

/// The groups and meters that a rule uses.
pub fn used_by(rule: &FlowRule) -> impl Iterator<Item = Shared> {
    let groups = rule.actions().filter_map(|action| match action {
        Action::Group(group) => Some(Shared::Group(*group)),
        _ => None,
    });
    let meters = rule.instructions.iter();
    let meters = meters.filter_map(|instruction| match instruction {
        Instruction::Meter(meter) => Some(Shared::Meter(*meter)),
        _ => None,
    });
    groups.chain(meters)
}

/// The groups and meters that a switch holds.
#[derive(Debug, Default)]
pub struct SharedHeld {
    /// The groups.
    pub groups: Vec<GroupDescription>,
    /// The meters.
    pub meters: Vec<MeterConfig>,
}

impl SharedHeld {
    /// Asks a switch for its groups or its meters, or both.
    ///
    /// # Errors
    /// When it doesn't say.
    pub async fn read(
        switch: &SwitchHandle,
        groups: bool,
        meters: bool,
    ) -> Result<Self, RequestError> {
        let mut held = Self::default();
        if groups {
            let StatsReply::GroupDescription(all) =
                switch.request(StatsRequest::GroupDescription).await?
            else {
                return Err(RequestError::Unexpected);
            };
            held.groups = all;
        }
        if meters {
            let StatsReply::MeterConfig(all) = switch
                .request(StatsRequest::MeterConfig(MeterId::ALL))
                .await?
            else {
                return Err(RequestError::Unexpected);
            };
            held.meters = all;
        }
        Ok(held)
    }
}

/// What makes a switch hold the groups and meters that are desired.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SharedChanges {
    /// What is missing, and what is there in another form, in the order in which it is to be sent, before the rules that use
    /// it.
    pub before: Vec<(Shared, Wrong, ToSwitch)>,
    /// Groups of routes that nobody wants any more, to be deleted after the rules. Those of routes that are being changed
    /// are left alone.
    pub after: Vec<ToSwitch>,
}

/// What is wrong with a group or a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It is not there.
    Missing,
    /// It does something else.
    Changed,
}

impl SharedChanges {
    /// The changes to what a switch holds. What others have made is left alone, unless its number is wanted.
    #[must_use]
    pub fn between(desired: &Desired, held: &SharedHeld) -> Self {
        let mut changes = Self::default();
        for meter in &desired.meters {
            let (wrong, command) = match held.meters.iter().find(|one| one.meter == meter.meter) {
                None => (Wrong::Missing, MeterCommand::Add),
                Some(there) if there.does_the_same(meter) => continue,
                Some(_) => (Wrong::Changed, MeterCommand::Modify),
            };
            let message = meter.clone().message(command).into();
            let name = Shared::Meter(meter.meter);
            changes.before.push((name, wrong, message));
        }
        let there: HashMap<GroupId, &GroupDescription> =
            held.groups.iter().map(|one| (one.group, one)).collect();
        // Those that point at each other in a circle no switch takes: nobody gets to desire them.
        let (order, _) = in_order(&desired.groups);
        for group in order
            .into_iter()
            .filter_map(|place| desired.groups.get(place))
        {
            let (wrong, command) = match there.get(&group.group) {
                None => (Wrong::Missing, GroupCommand::Add),
                Some(there) if there.does_the_same(group) => continue,
                Some(_) => (Wrong::Changed, GroupCommand::Modify),
            };
            let message = group.clone().message(command).into();
            let name = Shared::Group(group.group);
            changes.before.push((name, wrong, message));
        }
        let busy = desired.busy.iter();
        let busy = busy.filter_map(|cookie| Owner::Routing.own_part(*cookie));
        let mut wanted: BTreeSet<GroupId> = busy.map(group_of).collect();
        wanted.extend(desired.groups.iter().map(|group| group.group));
        let unwanted = held
            .groups
            .iter()
            .filter(|held| is_of_route(held.group) && !wanted.contains(&held.group));
        let deleted = unwanted
            .cloned()
            .map(|group| group.message(GroupCommand::Delete).into());
        changes.after.extend(deleted);
        changes
    }
}

#[cfg(test)]
mod tests {
    use godwit_openflow::model::{Bucket, GroupType, MeterBand, MeterFlags};
    use godwit_openflow::types::PortNo;

    use super::*;

    fn group(number: GroupId, port: u32) -> GroupDescription {
        GroupDescription {
            group_type: GroupType::Select,
            group: number,
            buckets: vec![Bucket {
                weight: 1,
                watch_port: None,
                watch_group: None,
                actions: vec![Action::output(PortNo(port))],
            }],
        }
    }

    #[test]
    fn what_is_missing_comes_before_the_rules_and_what_is_unwanted_goes_after() {
        let desired = Desired {
            groups: [1, 2, 3].map(|route| group(group_of(route), 7)).to_vec(),
            busy: vec![Owner::Routing.cookie(9)],
            ..Desired::default()
        };
        let held = [
            group(group_of(2), 7),
            group(group_of(3), 8),
            group(group_of(4), 7),
            group(group_of(9), 7),
            group(GroupId(5), 7),
        ];
        let held = SharedHeld {
            groups: held.to_vec(),
            meters: Vec::new(),
        };
        let changes = SharedChanges::between(&desired, &held);
        let named: Vec<_> = changes.before.iter().map(|one| (one.0, one.1)).collect();
        let expected = [
            (Shared::Group(group_of(1)), Wrong::Missing),
            (Shared::Group(group_of(3)), Wrong::Changed),
        ];
        assert_eq!(named, expected);
        let gone = group(group_of(4), 7).message(GroupCommand::Delete);
        assert_eq!(changes.after, [gone.into()]);
    }

    #[test]
    fn meters_come_first_and_groups_behind_those_that_they_point_at() {
        let mut above = group(GroupId(1), 7);
        above.buckets[0].actions = vec![Action::Group(GroupId(2))];
        let meter = |number, rate| MeterConfig {
            flags: MeterFlags::KBPS,
            meter: MeterId(number),
            bands: vec![MeterBand::Drop { rate, burst: 0 }],
        };
        let desired = Desired {
            groups: vec![above.clone(), group(GroupId(2), 7)],
            meters: vec![meter(1, 10), meter(2, 10), meter(3, 10)],
            ..Desired::default()
        };
        let mut held = SharedHeld {
            groups: Vec::new(),
            meters: vec![meter(2, 10), meter(3, 11), meter(4, 1)],
        };
        let changes = SharedChanges::between(&desired, &held);
        let messages: Vec<ToSwitch> = changes.before.into_iter().map(|one| one.2).collect();
        let expected = [
            meter(1, 10).message(MeterCommand::Add).into(),
            meter(3, 10).message(MeterCommand::Modify).into(),
            group(GroupId(2), 7).message(GroupCommand::Add).into(),
            above.message(GroupCommand::Add).into(),
        ];
        assert_eq!(messages, expected);
        held.groups.clone_from(&desired.groups);
        held.meters.clone_from(&desired.meters);
        let none = SharedChanges::between(&desired, &held);
        assert_eq!(none, SharedChanges::default());
    }
}
