//! Arbitrary values that are within both versions.

use bytes::Bytes;
use godwit_openflow::model::{
    Action, AggregateStats, Description, ErrorReport, Field, FlowCommand, HelloElement, PacketOut,
    Port, PortStats, PortStatus, PortStatusReason, StatsReply, SwitchConfig,
};
use godwit_openflow::types::{BufferId, MacAddr, PortNo, Version};
use proptest::collection::{btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

pub fn data(most: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..most).prop_map(Bytes::from)
}

/// A text of at most this many bytes, some of its characters longer than one.
pub fn text(most: usize) -> impl Strategy<Value = String> {
    let characters = vec!['a', 'Z', '0', ' ', '.', '_', '-', 'ü', '鳥'];
    vec(select(characters), 0..=most).prop_map(move |characters| {
        let mut text = String::new();
        for character in characters {
            if text.len() + character.len_utf8() <= most {
                text.push(character);
            }
        }
        text
    })
}

pub fn mac() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_map(MacAddr)
}

pub fn duration_ns() -> impl Strategy<Value = u64> {
    (any::<u32>(), 0..1_000_000_000_u64)
        .prop_map(|(seconds, rest)| u64::from(seconds) * 1_000_000_000 + rest)
}

pub fn buffer_id() -> impl Strategy<Value = Option<BufferId>> {
    of((0..u32::MAX).prop_map(BufferId))
}

pub fn versions() -> impl Strategy<Value = Option<Vec<u8>>> {
    of(btree_set(any::<u8>(), 0..8).prop_map(|set| set.into_iter().collect()))
}

/// Elements of HELLO that are not a version bitmap.
pub fn elements() -> impl Strategy<Value = Vec<HelloElement>> {
    let element = (prop_oneof![Just(0), 2..=0xffff_u16], data(20))
        .prop_map(|(element_type, body)| HelloElement { element_type, body });
    prop_oneof![2 => Just(Vec::new()), 1 => vec(element, 1..4)]
}

pub fn config() -> impl Strategy<Value = SwitchConfig> {
    any::<[u16; 2]>().prop_map(|[flags, miss_send_len]| SwitchConfig {
        flags,
        miss_send_len,
    })
}

pub fn error(version: Version) -> impl Strategy<Value = ErrorReport> {
    (any::<[u16; 2]>(), data(80)).prop_map(move |([error_type, code], data)| ErrorReport {
        version,
        error_type,
        code,
        data,
    })
}

pub fn command() -> impl Strategy<Value = FlowCommand> {
    select(vec![
        FlowCommand::Add,
        FlowCommand::Modify,
        FlowCommand::ModifyStrict,
        FlowCommand::Delete,
        FlowCommand::DeleteStrict,
    ])
}

/// Any value of this field.
pub fn set(field: Field) -> impl Strategy<Value = Action> {
    any::<u128>().prop_map(move |value| Action::SetField {
        field,
        value: value & field.full_mask(),
    })
}

pub fn packet_out(
    in_port: impl Strategy<Value = PortNo>,
    action: impl Strategy<Value = Action>,
) -> impl Strategy<Value = PacketOut> {
    (buffer_id(), in_port, vec(action, 0..6), data(200)).prop_map(
        |(buffer_id, in_port, actions, data)| PacketOut {
            buffer_id,
            in_port,
            actions,
            data,
        },
    )
}

/// Ports without a speed.
pub fn port(number: impl Strategy<Value = PortNo>) -> impl Strategy<Value = Port> {
    (
        number,
        mac(),
        text(15),
        any::<[u32; 2]>(),
        any::<[u32; 4]>(),
    )
        .prop_map(|(number, mac, name, [config, state], features)| Port {
            number,
            mac,
            name,
            admin_down: config & 1 != 0,
            link_down: state & 1 != 0,
            config: config.into(),
            state: state.into(),
            features: features.map(u64::from),
            current_speed: 0,
            max_speed: 0,
        })
}

pub fn port_status(port: impl Strategy<Value = Port>) -> impl Strategy<Value = PortStatus> {
    let reason = prop_oneof![
        Just(PortStatusReason::Add),
        Just(PortStatusReason::Delete),
        Just(PortStatusReason::Modify),
        (3..=255_u8).prop_map(PortStatusReason::Unknown),
    ];
    (reason, port).prop_map(|(reason, port)| PortStatus { reason, port })
}

/// What a port counted, without for how long.
pub fn port_stats(port: impl Strategy<Value = PortNo>) -> impl Strategy<Value = PortStats> {
    (port, vec(of(0..u64::MAX), 12)).prop_map(|(port, counters)| PortStats {
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

pub fn description() -> impl Strategy<Value = StatsReply> {
    (text(255), text(255), text(255), text(31), text(255)).prop_map(
        |(manufacturer, hardware, software, serial, datapath)| {
            StatsReply::Description(Description {
                manufacturer,
                hardware,
                software,
                serial,
                datapath,
            })
        },
    )
}

pub fn aggregate() -> impl Strategy<Value = StatsReply> {
    (any::<[u64; 2]>(), any::<u32>()).prop_map(|([packets, bytes], flows)| {
        StatsReply::Aggregate(AggregateStats {
            packets,
            bytes,
            flows,
        })
    })
}
