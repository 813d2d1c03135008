//! What a switch may send.

use godwit_openflow::model::{
    Features, FlowRemoved, FlowRemovedReason, FlowRule, FlowStats, FromSwitch, PacketIn,
    PacketInReason, Pattern, StatsReply, TableStats,
};
use godwit_openflow::types::{Cookie, DatapathId, TableId, Version};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{pattern, port_no, rule};
use crate::common::generated::{
    aggregate, buffer_id, config, data, description, duration_ns, error, port, port_stats,
    port_status, text, versions,
};

/// Any message from a switch.
pub(in crate::v10) fn from_switch() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        versions().prop_map(|bitmap| FromSwitch::Hello {
            bitmap,
            header_version: 1
        }),
        error(Version::V10).prop_map(FromSwitch::Error),
        data(60).prop_map(FromSwitch::EchoRequest),
        data(60).prop_map(FromSwitch::EchoReply),
        features().prop_map(FromSwitch::Features),
        config().prop_map(FromSwitch::Config),
        packet_in().prop_map(FromSwitch::PacketIn),
        flow_removed().prop_map(FromSwitch::FlowRemoved),
        port_status(port(port_no())).prop_map(FromSwitch::PortStatus),
        Just(FromSwitch::BarrierReply),
        (any::<u32>(), data(60)).prop_map(|(experimenter, body)| FromSwitch::Experimenter {
            experimenter,
            exp_type: 0,
            body,
        }),
        (20..=255_u8, data(60))
            .prop_map(|(message_type, body)| FromSwitch::Unknown { message_type, body }),
        (any::<bool>(), stats_reply()).prop_map(|(more, body)| FromSwitch::Stats { more, body }),
    ]
}

fn features() -> impl Strategy<Value = Features> {
    (
        any::<u64>(),
        any::<u32>(),
        any::<u8>(),
        any::<u32>(),
        vec(port(port_no()), 0..5),
    )
        .prop_map(
            |(datapath_id, buffers, tables, capabilities, ports)| Features {
                datapath_id: DatapathId(datapath_id),
                buffers,
                tables,
                auxiliary_id: 0,
                capabilities,
                ports: Some(ports),
            },
        )
}

fn packet_in() -> impl Strategy<Value = PacketIn> {
    let reason = prop_oneof![
        Just(PacketInReason::NoMatch),
        Just(PacketInReason::Action),
        (2..=255_u8).prop_map(PacketInReason::Unknown),
    ];
    (buffer_id(), any::<u16>(), reason, port_no(), data(200)).prop_map(
        |(buffer_id, total_len, reason, in_port, data)| PacketIn {
            buffer_id,
            total_len,
            reason,
            table: TableId(0),
            cookie: None,
            in_port,
            pattern: Pattern::new().in_port(in_port),
            data,
        },
    )
}

fn flow_removed() -> impl Strategy<Value = FlowRemoved> {
    let reason = prop_oneof![
        Just(FlowRemovedReason::IdleTimeout),
        Just(FlowRemovedReason::HardTimeout),
        Just(FlowRemovedReason::Delete),
        (3..=255_u8).prop_map(FlowRemovedReason::Unknown),
    ];
    (
        pattern(),
        any::<[u64; 3]>(),
        any::<[u16; 2]>(),
        reason,
        duration_ns(),
    )
        .prop_map(
            |(pattern, [cookie, packets, bytes], [priority, idle_timeout], reason, duration_ns)| {
                FlowRemoved {
                    cookie: Cookie(cookie),
                    priority,
                    reason,
                    table: TableId(0),
                    duration_ns,
                    idle_timeout,
                    hard_timeout: 0,
                    packets,
                    bytes,
                    pattern,
                }
            },
        )
}

fn flow_stats() -> impl Strategy<Value = FlowStats> {
    (rule(), any::<u8>(), duration_ns(), any::<[u64; 2]>()).prop_map(
        |(rule, table, duration_ns, [packets, bytes])| FlowStats {
            rule: FlowRule {
                table: TableId(table),
                ..rule
            },
            duration_ns,
            packets,
            bytes,
        },
    )
}

fn table_stats() -> impl Strategy<Value = TableStats> {
    (any::<u8>(), text(31), any::<[u32; 3]>(), any::<[u64; 2]>()).prop_map(
        |(table, name, [max_entries, wildcards, active], [lookups, matched])| TableStats {
            table,
            name: Some(name),
            max_entries: Some(max_entries),
            wildcards: Some(wildcards),
            active,
            lookups,
            matched,
        },
    )
}

fn stats_reply() -> impl Strategy<Value = StatsReply> {
    prop_oneof![
        description(),
        vec(flow_stats(), 0..5).prop_map(StatsReply::Flows),
        aggregate(),
        vec(table_stats(), 0..4).prop_map(StatsReply::Tables),
        vec(port_stats(port_no()), 0..4).prop_map(StatsReply::Ports),
        (5..=0xffff_u16, data(60))
            .prop_map(|(stats_type, body)| StatsReply::Unknown { stats_type, body }),
    ]
}
