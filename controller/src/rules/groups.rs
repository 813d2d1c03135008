//! Groups of godwit's own: numbered as the routes that have them, and compared as rules are.

use std::collections::BTreeSet;

use godwit_openflow::model::{GroupCommand, GroupDescription, GroupMod};
use godwit_openflow::types::GroupId;

use super::Owner;
use crate::app::Desired;

/// Where the numbers of godwit's groups begin: people and other controllers count from below.
const FIRST: u32 = 0x6000_0000;
/// Which part of a route's number is in that of its groups.
const PART: u32 = 0x1fff_ffff;

/// The number of a route's group, on every switch where it has one.
#[must_use]
pub const fn group_of(route: u32) -> GroupId {
    GroupId(FIRST | route & PART)
}

/// Whether a group is godwit's by its number.
#[must_use]
pub const fn is_own_group(group: GroupId) -> bool {
    group.0 & !PART == FIRST
}

/// What makes a switch hold the groups that are desired: what is missing or differs, to be sent before the rules that use
/// them; and godwit's own that nobody wants any more, to be deleted after the rules. Those of routes that are being
/// changed are left alone.
#[must_use]
pub fn group_difference(
    desired: &Desired,
    reported: &[GroupDescription],
) -> (Vec<GroupMod>, Vec<GroupMod>) {
    let mut before = Vec::new();
    for group in &desired.groups {
        let command = match reported.iter().find(|held| held.group == group.group) {
            None => GroupCommand::Add,
            Some(held) if held.does_the_same(group) => continue,
            Some(_) => GroupCommand::Modify,
        };
        before.push(group.clone().message(command));
    }
    let busy = desired.busy.iter();
    let busy = busy.filter_map(|cookie| Owner::Routing.own_part(*cookie));
    let mut wanted: BTreeSet<GroupId> = busy.map(group_of).collect();
    wanted.extend(desired.groups.iter().map(|group| group.group));
    let unwanted = reported
        .iter()
        .filter(|held| is_own_group(held.group) && !wanted.contains(&held.group));
    let after = unwanted
        .cloned()
        .map(|group| group.message(GroupCommand::Delete));
    (before, after.collect())
}

#[cfg(test)]
mod tests {
    use godwit_openflow::model::{Action, Bucket, GroupType};
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
        let (before, after) = group_difference(&desired, &held);
        let said = |changes: &[GroupMod]| -> Vec<_> {
            changes.iter().map(|one| (one.command, one.group)).collect()
        };
        let expected = [
            (GroupCommand::Add, group_of(1)),
            (GroupCommand::Modify, group_of(3)),
        ];
        assert_eq!(said(&before), expected);
        assert_eq!(said(&after), [(GroupCommand::Delete, group_of(4))]);
        assert!(after.iter().all(|one| one.buckets.is_empty()));
    }
}
