//! What a switch may send.

use godwit_openflow::model::{
    AggregateStats, Description, Features, FlowRemoved, FlowRemovedReason, FlowRule, FlowStats,
    FromSwitch, PacketIn, PacketInReason, Pattern, Port, PortStats, PortStatus, PortStatusReason,
    StatsReply, TableStats,
};
use godwit_openflow::types::{Cookie, DatapathId, TableId};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::{buffer_id, config, data, error, mac, pattern, port_no, rule, versions};

/// Any message from a switch.
pub(in crate::v10) fn from_switch() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        versions().prop_map(|bitmap| FromSwitch::Hello {
            bitmap,
            header_version: 1
        }),
        error().prop_map(FromSwitch::Error),
        data(60).prop_map(FromSwitch::EchoRequest),
        data(60).prop_map(FromSwitch::EchoReply),
        features().prop_map(FromSwitch::Features),
        config().prop_map(FromSwitch::Config),
        packet_in().prop_map(FromSwitch::PacketIn),
        flow_removed().prop_map(FromSwitch::FlowRemoved),
        port_status().prop_map(FromSwitch::PortStatus),
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

fn port() -> impl Strategy<Value = Port> {
    (
        port_no(),
        mac(),
        text(15),
        any::<u32>(),
        any::<u32>(),
        any::<[u32; 4]>(),
    )
        .prop_map(|(number, mac, name, config, state, features)| Port {
            number,
            mac,
            name,
            admin_down: config & 1 != 0,
            link_down: state & 1 != 0,
            config,
            state,
            features,
            current_speed: 0,
            max_speed: 0,
        })
}

fn features() -> impl Strategy<Value = Features> {
    (
        any::<u64>(),
        any::<u32>(),
        any::<u8>(),
        any::<u32>(),
        vec(port(), 0..5),
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

fn port_status() -> impl Strategy<Value = PortStatus> {
    let reason = prop_oneof![
        Just(PortStatusReason::Add),
        Just(PortStatusReason::Delete),
        Just(PortStatusReason::Modify),
        (3..=255_u8).prop_map(PortStatusReason::Unknown),
    ];
    (reason, port()).prop_map(|(reason, port)| PortStatus { reason, port })
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

fn port_stats() -> impl Strategy<Value = PortStats> {
    (port_no(), vec(of(0..u64::MAX), 12)).prop_map(|(port, counters)| PortStats {
        port,
        rx_packets: counters[0],
        tx_packets: counters[1],
        rx_bytes: counters[2],
        tx_bytes: counters[3],
        rx_dropped: counters[4],
        tx_dropped: counters[5],
        rx_errors: counters[6],
        tx_errors: counters[7],
        rx_frame_errors: counters[8],
        rx_overrun_errors: counters[9],
        rx_crc_errors: counters[10],
        collisions: counters[11],
        duration_ns: None,
    })
}

fn description() -> impl Strategy<Value = Description> {
    (text(255), text(255), text(255), text(31), text(255)).prop_map(
        |(manufacturer, hardware, software, serial, datapath)| Description {
            manufacturer,
            hardware,
            software,
            serial,
            datapath,
        },
    )
}

fn stats_reply() -> impl Strategy<Value = StatsReply> {
    prop_oneof![
        description().prop_map(StatsReply::Description),
        vec(flow_stats(), 0..5).prop_map(StatsReply::Flows),
        (any::<[u64; 2]>(), any::<u32>()).prop_map(|([packets, bytes], flows)| {
            StatsReply::Aggregate(AggregateStats {
                packets,
                bytes,
                flows,
            })
        }),
        vec(table_stats(), 0..4).prop_map(StatsReply::Tables),
        vec(port_stats(), 0..4).prop_map(StatsReply::Ports),
        (5..=0xffff_u16, data(60))
            .prop_map(|(stats_type, body)| StatsReply::Unknown { stats_type, body }),
    ]
}

fn duration_ns() -> impl Strategy<Value = u64> {
    (any::<u32>(), 0..1_000_000_000_u64)
        .prop_map(|(seconds, rest)| u64::from(seconds) * 1_000_000_000 + rest)
}

fn text(most: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[a-zA-Z0-9 ._-]{{0,{most}}}")).expect("a pattern")
}
