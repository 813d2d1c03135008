//! Any group, and what is reported of it.

use godwit_openflow::model::{
    Bucket, BucketStats, GroupCommand, GroupDescription, GroupFeatures, GroupMod, GroupStats,
    GroupType,
};
use godwit_openflow::types::GroupId;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{action, group_or_none, port_or_none};
use crate::common::duration_ns;

fn group_id() -> impl Strategy<Value = GroupId> {
    any::<u32>().prop_map(GroupId)
}

fn group_type() -> impl Strategy<Value = GroupType> {
    prop_oneof![
        Just(GroupType::All),
        Just(GroupType::Select),
        Just(GroupType::Indirect),
        Just(GroupType::FastFailover),
        (4..=255_u8).prop_map(GroupType::Unknown),
    ]
}

fn buckets() -> impl Strategy<Value = Vec<Bucket>> {
    let bucket = (
        any::<u16>(),
        port_or_none(),
        group_or_none(),
        vec(action(), 0..4),
    )
        .prop_map(|(weight, watch_port, watch_group, actions)| Bucket {
            weight,
            watch_port,
            watch_group,
            actions,
        });
    vec(bucket, 0..4)
}

pub(super) fn change() -> impl Strategy<Value = GroupMod> {
    let command = select(vec![
        GroupCommand::Add,
        GroupCommand::Modify,
        GroupCommand::Delete,
    ]);
    (command, group_type(), group_id(), buckets()).prop_map(
        |(command, group_type, group, buckets)| GroupMod {
            command,
            group_type,
            group,
            buckets,
        },
    )
}

pub(super) fn description() -> impl Strategy<Value = GroupDescription> {
    (group_type(), group_id(), buckets()).prop_map(|(group_type, group, buckets)| {
        GroupDescription {
            group_type,
            group,
            buckets,
        }
    })
}

pub(super) fn stats() -> impl Strategy<Value = GroupStats> {
    let bucket = any::<[u64; 2]>().prop_map(|[packets, bytes]| BucketStats { packets, bytes });
    (
        group_id(),
        any::<u32>(),
        any::<[u64; 2]>(),
        duration_ns(),
        vec(bucket, 0..4),
    )
        .prop_map(
            |(group, references, [packets, bytes], duration_ns, buckets)| GroupStats {
                group,
                references,
                packets,
                bytes,
                duration_ns,
                buckets,
            },
        )
}

pub(super) fn features() -> impl Strategy<Value = GroupFeatures> {
    (any::<[u32; 2]>(), any::<[u32; 4]>(), any::<[u32; 4]>()).prop_map(
        |([types, capabilities], max_groups, actions)| GroupFeatures {
            types,
            capabilities,
            max_groups,
            actions,
        },
    )
}
