//! Whole messages.

use godwit_openflow::model::*;
use godwit_openflow::types::{BufferId, BundleId, Cookie, GroupId, MacAddr, TableId, Xid};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::small::{
    a_port, async_config, bands, bundle_control, config, error, features, group_type,
    hello_elements, meter, queues, role,
};
use super::{actions, buckets, data, pattern, port, rule, stats_reply, stats_request};

pub(crate) fn to_switch() -> impl Strategy<Value = ToSwitch> {
    let bundled = (
        any::<([u32; 2], u16)>(),
        prop_oneof![changes(), bodiless_to_switch()],
        data(),
    )
        .prop_map(|(([bundle, xid], flags), message, properties)| {
            ToSwitch::BundleAdd(BundleAdd {
                bundle: BundleId(bundle),
                flags: BundleFlags(flags),
                xid: Xid(xid),
                message: Box::new(message),
                properties,
            })
        });
    prop_oneof![
        4 => changes(),
        1 => bodiless_to_switch(),
        2 => others_to_switch(),
        1 => bundled,
        1 => (any::<bool>(), stats_request())
            .prop_map(|(more, body)| ToSwitch::StatsRequest { more, body }),
    ]
}

fn bodiless_to_switch() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        Just(ToSwitch::FeaturesRequest),
        Just(ToSwitch::GetConfigRequest),
        Just(ToSwitch::BarrierRequest),
        Just(ToSwitch::AsyncConfigRequest),
    ]
}

fn flow_mod() -> impl Strategy<Value = ToSwitch> {
    let command = select(vec![
        FlowCommand::Add,
        FlowCommand::Modify,
        FlowCommand::ModifyStrict,
        FlowCommand::Delete,
        FlowCommand::DeleteStrict,
    ]);
    (
        command,
        rule(),
        any::<(u64, [Option<u32>; 2])>(),
        of(port()),
    )
        .prop_map(
            |(command, rule, (cookie_mask, [buffer, group]), out_port)| {
                ToSwitch::FlowMod(FlowMod {
                    command,
                    rule,
                    cookie_mask,
                    buffer_id: buffer.map(BufferId),
                    out_port,
                    out_group: group.map(GroupId),
                })
            },
        )
}

/// What changes a switch.
fn changes() -> impl Strategy<Value = ToSwitch> {
    let group_command = select(vec![
        GroupCommand::Add,
        GroupCommand::Modify,
        GroupCommand::Delete,
    ]);
    let meter_command = select(vec![
        MeterCommand::Add,
        MeterCommand::Modify,
        MeterCommand::Delete,
    ]);
    prop_oneof![
        flow_mod(),
        (group_command, group_type(), any::<u32>(), buckets()).prop_map(
            |(command, group_type, group, buckets)| ToSwitch::GroupMod(GroupMod {
                command,
                group_type,
                group: GroupId(group),
                buckets,
            })
        ),
        (meter_command, any::<u16>(), meter(), bands()).prop_map(
            |(command, flags, meter, bands)| ToSwitch::MeterMod(MeterMod {
                command,
                flags: MeterFlags(flags),
                meter,
                bands,
            })
        ),
        (port(), any::<([u8; 6], [u64; 3])>()).prop_map(
            |(port, (mac, [config, mask, advertise]))| ToSwitch::PortMod(PortMod {
                port,
                mac: MacAddr(mac),
                config,
                mask,
                advertise,
            })
        ),
        any::<(u8, u32)>().prop_map(|(table, config)| ToSwitch::TableMod(TableMod {
            table: TableId(table),
            config
        })),
        (any::<Option<u32>>(), port(), actions(), data()).prop_map(
            |(buffer, in_port, actions, data)| ToSwitch::PacketOut(PacketOut {
                buffer_id: buffer.map(BufferId),
                in_port,
                actions,
                data,
            })
        ),
    ]
}

fn others_to_switch() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        (any::<Option<Vec<u8>>>(), hello_elements())
            .prop_map(|(bitmap, elements)| ToSwitch::Hello { bitmap, elements }),
        error().prop_map(ToSwitch::Error),
        data().prop_map(ToSwitch::EchoRequest),
        data().prop_map(ToSwitch::EchoReply),
        config().prop_map(ToSwitch::SetConfig),
        port().prop_map(ToSwitch::QueueConfigRequest),
        role().prop_map(ToSwitch::RoleRequest),
        async_config().prop_map(ToSwitch::SetAsyncConfig),
        bundle_control().prop_map(ToSwitch::BundleControl),
        any::<u32>().prop_map(ToSwitch::FlowMonitorCancel),
        Just(ToSwitch::SetFlowAge),
        (any::<[u32; 2]>(), data()).prop_map(|([experimenter, exp_type], body)| {
            ToSwitch::Experimenter {
                experimenter,
                exp_type,
                body,
            }
        }),
        (any::<u8>(), data())
            .prop_map(|(message_type, body)| ToSwitch::Unknown { message_type, body }),
    ]
}

pub(crate) fn from_switch() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        3 => reports(),
        2 => answers(),
        2 => others_from_switch(),
        1 => (any::<bool>(), stats_reply())
            .prop_map(|(more, body)| FromSwitch::Stats { more, body }),
    ]
}

/// What a switch says by itself.
fn reports() -> impl Strategy<Value = FromSwitch> {
    let packet_reason = prop_oneof![
        Just(PacketInReason::NoMatch),
        Just(PacketInReason::Action),
        Just(PacketInReason::InvalidTtl),
        any::<u8>().prop_map(PacketInReason::Unknown),
    ];
    let packet_in = (
        packet_reason,
        any::<(Option<u32>, u16, u8, Option<u64>)>(),
        port(),
        pattern(),
        data(),
    )
        .prop_map(
            |(reason, (buffer, total_len, table, cookie), in_port, pattern, data)| {
                FromSwitch::PacketIn(PacketIn {
                    buffer_id: buffer.map(BufferId),
                    total_len,
                    reason,
                    table: TableId(table),
                    cookie: cookie.map(Cookie),
                    in_port,
                    pattern,
                    data,
                })
            },
        );
    let port_reason = prop_oneof![
        Just(PortStatusReason::Add),
        Just(PortStatusReason::Delete),
        Just(PortStatusReason::Modify),
        any::<u8>().prop_map(PortStatusReason::Unknown),
    ];
    let port_status = (port_reason, a_port())
        .prop_map(|(reason, port)| FromSwitch::PortStatus(PortStatus { reason, port }));
    prop_oneof![packet_in, flow_removed(), port_status]
}

fn flow_removed() -> impl Strategy<Value = FromSwitch> {
    let reason = prop_oneof![
        Just(FlowRemovedReason::IdleTimeout),
        Just(FlowRemovedReason::HardTimeout),
        Just(FlowRemovedReason::Delete),
        Just(FlowRemovedReason::GroupDelete),
        any::<u8>().prop_map(FlowRemovedReason::Unknown),
    ];
    (reason, any::<([u64; 4], [u16; 3], u8)>(), pattern()).prop_map(
        |(reason, ([cookie, duration_ns, packets, bytes], numbers, table), pattern)| {
            let [priority, idle_timeout, hard_timeout] = numbers;
            FromSwitch::FlowRemoved(FlowRemoved {
                cookie: Cookie(cookie),
                priority,
                reason,
                table: TableId(table),
                duration_ns,
                idle_timeout,
                hard_timeout,
                packets,
                bytes,
                pattern,
            })
        },
    )
}

fn answers() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        features().prop_map(FromSwitch::Features),
        config().prop_map(FromSwitch::Config),
        Just(FromSwitch::BarrierReply),
        queues().prop_map(FromSwitch::QueueConfig),
        role().prop_map(FromSwitch::Role),
        async_config().prop_map(FromSwitch::AsyncConfig),
        bundle_control().prop_map(FromSwitch::BundleControl),
    ]
}

fn others_from_switch() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        (any::<Option<Vec<u8>>>(), hello_elements(), any::<u8>()).prop_map(
            |(bitmap, elements, header_version)| FromSwitch::Hello {
                bitmap,
                elements,
                header_version
            }
        ),
        error().prop_map(FromSwitch::Error),
        data().prop_map(FromSwitch::EchoRequest),
        data().prop_map(FromSwitch::EchoReply),
        Just(FromSwitch::FlowMonitorPaused),
        Just(FromSwitch::FlowMonitorResumed),
        (any::<[u32; 2]>(), data()).prop_map(|([experimenter, exp_type], body)| {
            FromSwitch::Experimenter {
                experimenter,
                exp_type,
                body,
            }
        }),
        (any::<u8>(), data())
            .prop_map(|(message_type, body)| FromSwitch::Unknown { message_type, body }),
    ]
}
