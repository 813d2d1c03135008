//! Any message from a switch.

use godwit_openflow::model::{
    Features, FlowRemoved, FlowRemovedReason, FlowStats, FromSwitch, PacketIn, PacketInReason,
    Port, PortStats, StatsReply, TableStats,
};
use godwit_openflow::types::{Cookie, DatapathId, TableId, Version};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::{experimenter, pattern, port_no, rule, unknown_stats};
use crate::common::generated::{
    self, aggregate, buffer_id, config, data, description, duration_ns, error, port_status,
    versions,
};

fn port() -> impl Strategy<Value = Port> {
    (generated::port(port_no()), any::<[u32; 2]>()).prop_map(
        |(port, [current_speed, max_speed])| Port {
            current_speed,
            max_speed,
            ..port
        },
    )
}

fn features() -> impl Strategy<Value = Features> {
    (any::<u64>(), any::<[u32; 2]>(), any::<[u8; 2]>()).prop_map(
        |(datapath_id, [buffers, capabilities], [tables, auxiliary_id])| Features {
            datapath_id: DatapathId(datapath_id),
            buffers,
            tables,
            auxiliary_id,
            capabilities,
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

fn table_stats() -> impl Strategy<Value = TableStats> {
    (any::<u8>(), any::<u32>(), any::<[u64; 2]>()).prop_map(
        |(table, active, [lookups, matched])| TableStats {
            table,
            name: None,
            max_entries: None,
            wildcards: None,
            active,
            lookups,
            matched,
        },
    )
}

fn port_stats() -> impl Strategy<Value = PortStats> {
    (generated::port_stats(port_no()), of(duration_ns())).prop_map(|(stats, duration_ns)| {
        PortStats {
            duration_ns,
            ..stats
        }
    })
}

fn stats_reply() -> impl Strategy<Value = StatsReply> {
    prop_oneof![
        description(),
        vec(flow_stats(), 0..5).prop_map(StatsReply::Flows),
        aggregate(),
        vec(table_stats(), 0..4).prop_map(StatsReply::Tables),
        vec(port_stats(), 0..4).prop_map(StatsReply::Ports),
        vec(port(), 0..4).prop_map(StatsReply::PortDescription),
        (unknown_stats(), data(60))
            .prop_map(|(stats_type, body)| StatsReply::Unknown { stats_type, body }),
    ]
}

/// Any message from a switch.
pub(crate) fn messages() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        3 => small_from_switch(),
        1 => packet_in().prop_map(FromSwitch::PacketIn),
        1 => flow_removed().prop_map(FromSwitch::FlowRemoved),
        3 => (any::<bool>(), stats_reply()).prop_map(|(more, body)| FromSwitch::Stats { more, body }),
    ]
}

fn small_from_switch() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        (versions(), any::<u8>()).prop_map(|(bitmap, header_version)| FromSwitch::Hello {
            bitmap,
            header_version
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
        (22..=255_u8, data(60))
            .prop_map(|(message_type, body)| FromSwitch::Unknown { message_type, body }),
    ]
}
