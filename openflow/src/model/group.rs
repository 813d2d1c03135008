//! Groups: named sets of action lists that flow entries share (OF 1.3.5 §5.6). Not in 1.0.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::action::Action;
use crate::types::{GroupId, PortNo};

/// What a GROUP_MOD asks for (OF 1.3.5 §7.3.4.2, `ofp_group_mod_command`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupCommand {
    /// A new group.
    Add,
    /// Other buckets for a group that is there.
    Modify,
    /// Delete one group, or all ([`GroupId::ALL`]), and the flow entries that use them.
    Delete,
}

/// How a group uses its buckets (OF 1.3.5 §5.6.1, `ofp_group_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GroupType {
    /// All of them: multicast.
    All,
    /// One of them, chosen by the switch according to their weights.
    Select,
    /// The only one.
    Indirect,
    /// The first whose watched port or group is live.
    FastFailover,
    /// Some other number.
    Unknown(u8),
}

/// One action list of a group (OF 1.3.5 §7.3.4.2, `ofp_bucket`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its share in a select group; 0 elsewhere.
    #[serde(default)]
    pub weight: u16,
    /// The port whose state says whether the bucket is live; in fast failover, and where the switch looks at it in select
    /// groups (`OFPGFC_SELECT_LIVENESS`).
    #[serde(default)]
    pub watch_port: Option<PortNo>,
    /// The group whose state says whether the bucket is live; fast failover only.
    #[serde(default)]
    pub watch_group: Option<GroupId>,
    /// What to do with the packet.
    pub actions: Vec<Action>,
}

/// A change of the group table (OF 1.3.5 §7.3.4.2, `ofp_group_mod`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupMod {
    /// What to do.
    pub command: GroupCommand,
    /// How the group uses its buckets.
    pub group_type: GroupType,
    /// Which group.
    pub group: GroupId,
    /// Its buckets.
    pub buckets: Vec<Bucket>,
}

/// A group as it stands in the switch (OF 1.3.5 §7.3.5.10, `ofp_group_desc`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupDescription {
    /// How it uses its buckets.
    pub group_type: GroupType,
    /// Which group.
    pub group: GroupId,
    /// Its buckets.
    pub buckets: Vec<Bucket>,
}

impl GroupDescription {
    /// Whether two groups of one number do the same. A weight means something in a select group only (OF 1.3.5 §7.3.4.2),
    /// and what a switch reports of it elsewhere is its own.
    #[must_use]
    pub fn does_the_same(&self, other: &Self) -> bool {
        let weighs = self.group_type == GroupType::Select;
        let same = |(one, other): (&Bucket, &Bucket)| {
            (!weighs || one.weight == other.weight)
                && one.watch_port == other.watch_port
                && one.watch_group == other.watch_group
                && one.actions == other.actions
        };
        self.group_type == other.group_type
            && self.buckets.len() == other.buckets.len()
            && self.buckets.iter().zip(&other.buckets).all(same)
    }

    /// The groups that it points at, by its actions or because it watches them.
    pub fn points_at(&self) -> impl Iterator<Item = GroupId> {
        let used = self.buckets.iter().flat_map(|bucket| &bucket.actions);
        let used = used.filter_map(|action| match action {
            Action::Group(other) => Some(*other),
            _ => None,
        });
        used.chain(self.buckets.iter().filter_map(|bucket| bucket.watch_group))
    }

    /// The message that makes it, changes it, or deletes it. What is deleted is named by its number alone: some switches
    /// refuse the rest.
    #[must_use]
    pub fn message(mut self, command: GroupCommand) -> GroupMod {
        if command == GroupCommand::Delete {
            self.buckets.clear();
        }
        GroupMod {
            command,
            group_type: self.group_type,
            group: self.group,
            buckets: self.buckets,
        }
    }
}

/// The places of groups in a list, those that others point at before them, since a switch takes no group that points at one
/// which it doesn't have. Then the places of those that point at each other in a circle.
#[must_use]
pub fn in_order<'a>(
    groups: impl IntoIterator<Item = &'a GroupDescription>,
) -> (Vec<usize>, Vec<usize>) {
    let mut waiting: Vec<(usize, &GroupDescription)> = groups.into_iter().enumerate().collect();
    let known: BTreeSet<GroupId> = waiting.iter().map(|(_, group)| group.group).collect();
    let needs = |group: &GroupDescription| -> BTreeSet<GroupId> {
        let others = group.points_at();
        others.filter(|other| known.contains(other)).collect()
    };
    let mut done: BTreeSet<GroupId> = BTreeSet::new();
    let mut order = Vec::with_capacity(waiting.len());
    loop {
        let (ready, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|(_, group)| needs(group).is_subset(&done));
        let places = |some: &[(usize, &GroupDescription)]| -> Vec<usize> {
            some.iter().map(|(place, _)| *place).collect()
        };
        if ready.is_empty() {
            return (order, places(&rest));
        }
        done.extend(ready.iter().map(|(_, group)| group.group));
        order.extend(places(&ready));
        waiting = rest;
    }
}

/// What a bucket has counted (OF 1.3.5 §7.3.5.9, `ofp_bucket_counter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BucketStats {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What a group has counted (OF 1.3.5 §7.3.5.9, `ofp_group_stats`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupStats {
    /// Which group.
    pub group: GroupId,
    /// How many flow entries and groups send to it.
    pub references: u32,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// How long it has been there, in nanoseconds.
    pub duration_ns: u64,
    /// Each of its buckets, in order.
    pub buckets: Vec<BucketStats>,
}

impl GroupStats {
    /// A group of which nothing is known to have been counted, not even by bucket.
    #[must_use]
    pub const fn silent(group: GroupId) -> Self {
        Self {
            group,
            references: 0,
            packets: 0,
            bytes: 0,
            duration_ns: 0,
            buckets: Vec::new(),
        }
    }
}

/// What a switch's groups can do (OF 1.3.5 §7.3.5.11, `ofp_group_features`). The arrays are indexed by the number of the
/// group type: all, select, indirect, fast failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupFeatures {
    /// One bit for each group type that the switch has.
    pub types: u32,
    /// Bits of `ofp_group_capabilities`.
    pub capabilities: u32,
    /// How many groups of each type there may be.
    pub max_groups: [u32; 4],
    /// For each type, one bit for each action type that its buckets may hold.
    pub actions: [u32; 4],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(weight: u16, port: u32) -> Bucket {
        Bucket {
            weight,
            watch_port: None,
            watch_group: None,
            actions: vec![Action::output(PortNo(port))],
        }
    }

    fn group(group_type: GroupType, buckets: Vec<Bucket>) -> GroupDescription {
        GroupDescription {
            group_type,
            group: GroupId(1),
            buckets,
        }
    }

    #[test]
    fn groups_are_the_same_that_do_the_same() {
        let all = |buckets| group(GroupType::All, buckets);
        let select = |buckets| group(GroupType::Select, buckets);
        let watching = |port| Bucket {
            watch_port: Some(PortNo(port)),
            ..bucket(0, 1)
        };
        for (one, other, same) in [
            (all(vec![bucket(0, 1)]), all(vec![bucket(1, 1)]), true),
            (all(vec![bucket(0, 1)]), all(vec![bucket(0, 2)]), false),
            (all(vec![bucket(0, 1)]), all(vec![]), false),
            (all(vec![bucket(0, 1)]), select(vec![bucket(0, 1)]), false),
            (
                select(vec![bucket(1, 1)]),
                select(vec![bucket(2, 1)]),
                false,
            ),
            (all(vec![watching(1)]), all(vec![watching(2)]), false),
        ] {
            assert_eq!(one.does_the_same(&other), same, "{one:?} {other:?}");
        }
    }

    #[test]
    fn groups_come_behind_those_that_they_point_at() {
        let to = |number, others: &[u32]| GroupDescription {
            group: GroupId(number),
            buckets: others
                .iter()
                .map(|other| Bucket {
                    actions: vec![Action::Group(GroupId(*other))],
                    ..bucket(0, 1)
                })
                .collect(),
            ..group(GroupType::All, Vec::new())
        };
        let watching = GroupDescription {
            group: GroupId(9),
            buckets: vec![Bucket {
                watch_group: Some(GroupId(3)),
                ..bucket(0, 1)
            }],
            ..group(GroupType::FastFailover, Vec::new())
        };
        let all = [watching, to(1, &[2, 3]), to(2, &[3, 77]), to(3, &[])];
        assert_eq!(in_order(&all), (vec![3, 0, 2, 1], Vec::new()));
        let circle = [to(1, &[2]), to(2, &[1]), to(3, &[])];
        assert_eq!(in_order(&circle), (vec![2], vec![0, 1]));
    }
}
