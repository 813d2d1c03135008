//! Groups.

use godwit_openflow::model::{
    Action, Bucket, BucketStats, Field, GroupCommand, GroupDescription, GroupFeatures, GroupMod,
    GroupStats, GroupType, StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{GroupId, PortNo};

use crate::common::Named;
use crate::common::expected::{output, set};

fn bucket(weight: u16, actions: Vec<Action>) -> Bucket {
    Bucket {
        weight,
        watch_port: None,
        watch_group: None,
        actions,
    }
}

fn change(
    command: GroupCommand,
    group_type: GroupType,
    group: GroupId,
    buckets: Vec<Bucket>,
) -> ToSwitch {
    ToSwitch::GroupMod(GroupMod {
        command,
        group_type,
        group,
        buckets,
    })
}

pub(super) fn changes() -> Named<ToSwitch> {
    let one = vec![bucket(1, vec![output(PortNo(2), 0)])];
    let failover = vec![
        Bucket {
            watch_port: Some(PortNo(1)),
            ..bucket(0, vec![Action::PopVlan, output(PortNo(1), 0)])
        },
        Bucket {
            watch_group: Some(GroupId(0x78)),
            ..bucket(0, vec![Action::Group(GroupId(0x78))])
        },
        Bucket {
            watch_port: Some(PortNo(3)),
            watch_group: Some(GroupId(0x79)),
            ..bucket(0, vec![])
        },
    ];
    vec![
        (
            "group_mod",
            change(GroupCommand::Add, GroupType::Select, GroupId(1), one),
        ),
        (
            "group_mod_modify_failover",
            change(
                GroupCommand::Modify,
                GroupType::FastFailover,
                GroupId(0x77),
                failover,
            ),
        ),
        (
            "group_mod_delete_all",
            change(GroupCommand::Delete, GroupType::All, GroupId::ALL, vec![]),
        ),
    ]
}

pub(super) fn requests() -> Named<StatsRequest> {
    vec![
        ("request_group", StatsRequest::Groups(GroupId::ALL)),
        ("request_group_desc", StatsRequest::GroupDescription),
        ("request_group_features", StatsRequest::GroupFeatures),
    ]
}

pub(super) fn replies() -> Named<StatsReply> {
    let counted = GroupStats {
        group: GroupId(0x77),
        references: 3,
        packets: 30,
        bytes: 3000,
        duration_ns: 20_000_000_005,
        buckets: vec![
            BucketStats {
                packets: 10,
                bytes: 1000,
            },
            BucketStats {
                packets: 20,
                bytes: 2000,
            },
        ],
    };
    let unused = GroupStats {
        group: GroupId(1),
        references: 0,
        packets: 0,
        bytes: 0,
        duration_ns: 0,
        buckets: vec![],
    };
    let described = vec![
        GroupDescription {
            group_type: GroupType::Select,
            group: GroupId(0x77),
            buckets: vec![
                bucket(3, vec![set(Field::VlanVid, 0x1007), output(PortNo(1), 0)]),
                Bucket {
                    watch_port: Some(PortNo(2)),
                    watch_group: Some(GroupId(0x78)),
                    ..bucket(1, vec![])
                },
            ],
        },
        GroupDescription {
            group_type: GroupType::All,
            group: GroupId(1),
            buckets: vec![],
        },
    ];
    let features = GroupFeatures {
        types: 15,
        capabilities: 3,
        max_groups: [100, 200, 300, 400],
        actions: [0x801, 0x802, 0x803, 0x804],
    };
    vec![
        ("reply_group", StatsReply::Groups(vec![counted, unused])),
        ("reply_group_desc", StatsReply::GroupDescription(described)),
        ("reply_group_features", StatsReply::GroupFeatures(features)),
    ]
}
