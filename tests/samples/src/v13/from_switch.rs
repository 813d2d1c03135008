//! Any message from a switch.

use godwit_openflow::model::{
    Features, FlowRemoved, FlowRemovedReason, FlowStats, FromSwitch, PacketIn, PacketInReason,
    Port, PortStats, StatsReply,
};
use godwit_openflow::types::{Cookie, DatapathId, TableId, Version};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{
    experimenter, group, meter, pattern, port_no, queue, role, rule, table, unknown_stats,
};
use crate::common::{
    self, aggregate, buffer_id, config, data, description, duration_ns, elements, error,
    port_status, versions,
};

fn port() -> impl Strategy<Value = Port> {
    (common::port(port_no()), any::<[u32; 2]>()).prop_map(|(port, [current_speed, max_speed])| {
        Port {
            current_speed,
            max_speed,
            ..port
        }
    })
}

fn features() -> impl Strategy<Value = Features> {
    (any::<u64>(), any::<[u32; 2]>(), any::<[u8; 2]>()).prop_map(
        |(datapath_id, [buffers, capabilities], [tables, auxiliary_id])| Features {
            datapath_id: DatapathId(datapath_id),
            buffers,
            tables,
            auxiliary_id,
            capabilities: capabilities.into(),
            actions: None,
            ports: None,
        },
    )
}

fn packet_in() -> impl Strategy<Value = PacketIn> {
    let reason = prop_oneof![
        Just(PacketInReason::NoMatch),
        Just(PacketInReason::Action),
        Just(PacketInReason::InvalidTtl),
        (3..=255_u8).prop_map(PacketInReason::Unknown),
    ];
    let cookie = of((0..u64::MAX).prop_map(Cookie));
    (
        buffer_id(),
        any::<u16>(),
        reason,
        any::<u8>(),
        cookie,
        port_no(),
        pattern(),
        data(200),
    )
        .prop_map(
            |(buffer_id, total_len, reason, table, cookie, in_port, pattern, data)| PacketIn {
                buffer_id,
                total_len,
                reason,
                table: TableId(table),
                cookie,
                in_port,
                pattern: pattern.in_port(in_port),
                data,
            },
        )
}

fn flow_removed() -> impl Strategy<Value = FlowRemoved> {
    let reason = prop_oneof![
        Just(FlowRemovedReason::IdleTimeout),
        Just(FlowRemovedReason::HardTimeout),
        Just(FlowRemovedReason::Delete),
        Just(FlowRemovedReason::GroupDelete),
        (4..=255_u8).prop_map(FlowRemovedReason::Unknown),
    ];
    (
        pattern(),
        any::<[u64; 3]>(),
        any::<[u16; 3]>(),
        any::<u8>(),
        reason,
        duration_ns(),
    )
        .prop_map(
            |(
                pattern,
                [cookie, packets, bytes],
                [priority, idle_timeout, hard_timeout],
                table,
                reason,
                ns,
            )| {
                FlowRemoved {
                    cookie: Cookie(cookie),
                    priority,
                    reason,
                    table: TableId(table),
                    duration_ns: ns,
                    idle_timeout,
                    hard_timeout,
                    packets,
                    bytes,
                    pattern,
                }
            },
        )
}

fn flow_stats() -> impl Strategy<Value = FlowStats> {
    (rule(), duration_ns(), any::<[u64; 2]>()).prop_map(|(rule, duration_ns, [packets, bytes])| {
        FlowStats {
            rule,
            duration_ns,
            packets,
            bytes,
        }
    })
}

fn port_stats() -> impl Strategy<Value = PortStats> {
    (common::port_stats(port_no()), of(duration_ns())).prop_map(|(stats, duration_ns)| PortStats {
        duration_ns,
        ..stats
    })
}

fn stats_reply() -> impl Strategy<Value = StatsReply> {
    prop_oneof![
        description(),
        vec(flow_stats(), 0..5).prop_map(StatsReply::Flows),
        aggregate(),
        vec(table::stats(), 0..4).prop_map(StatsReply::Tables),
        vec(port_stats(), 0..4).prop_map(StatsReply::Ports),
        vec(port(), 0..4).prop_map(StatsReply::PortDescription),
        vec(queue::stats(), 0..4).prop_map(StatsReply::Queues),
        vec(group::stats(), 0..4).prop_map(StatsReply::Groups),
        vec(group::description(), 0..4).prop_map(StatsReply::GroupDescription),
        group::features().prop_map(StatsReply::GroupFeatures),
        vec(meter::stats(), 0..4).prop_map(StatsReply::Meters),
        vec(meter::config(), 0..4).prop_map(StatsReply::MeterConfig),
        meter::features().prop_map(StatsReply::MeterFeatures),
        vec(table::features(), 0..3).prop_map(StatsReply::TableFeatures),
        experimenter().prop_map(|(experimenter, exp_type, body)| StatsReply::Experimenter {
            experimenter,
            exp_type,
            body,
        }),
        (unknown_stats(), data(60))
            .prop_map(|(stats_type, body)| StatsReply::Unknown { stats_type, body }),
    ]
}

/// Any message from a switch, but for those of extensions.
pub fn messages() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        3 => small_from_switch(),
        1 => packet_in().prop_map(FromSwitch::PacketIn),
        1 => flow_removed().prop_map(FromSwitch::FlowRemoved),
        1 => queues_and_roles(),
        4 => (any::<bool>(), stats_reply()).prop_map(|(more, body)| FromSwitch::Stats { more, body }),
    ]
}

fn small_from_switch() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        (versions(), elements(), any::<u8>()).prop_map(|(bitmap, elements, header_version)| {
            FromSwitch::Hello {
                bitmap,
                elements,
                header_version,
            }
        }),
        error(Version::V13).prop_map(FromSwitch::Error),
        data(60).prop_map(FromSwitch::EchoRequest),
        data(60).prop_map(FromSwitch::EchoReply),
        features().prop_map(FromSwitch::Features),
        config().prop_map(FromSwitch::Config),
        port_status(port()).prop_map(FromSwitch::PortStatus),
        Just(FromSwitch::BarrierReply),
        experimenter().prop_map(|(experimenter, exp_type, body)| FromSwitch::Experimenter {
            experimenter,
            exp_type,
            body,
        }),
        (unknown_type(), data(60))
            .prop_map(|(message_type, body)| FromSwitch::Unknown { message_type, body }),
    ]
}

/// The types of messages that only controllers send, and those that the version does not define.
fn unknown_type() -> impl Strategy<Value = u8> {
    prop_oneof![
        select(vec![
            5, 7, 9, 13, 14, 15, 16, 17, 18, 20, 22, 24, 26, 28, 29_u8
        ]),
        30..=255_u8,
    ]
}

fn queues_and_roles() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        queue::config().prop_map(FromSwitch::QueueConfig),
        role::role().prop_map(FromSwitch::Role),
        role::async_config().prop_map(FromSwitch::AsyncConfig),
    ]
}
