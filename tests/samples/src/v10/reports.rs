//! What a switch may send.

use godwit_openflow::model::{
    Features, FlowRemoved, FlowRemovedReason, FromSwitch, PacketIn, PacketInReason, Pattern,
};
use godwit_openflow::types::{Cookie, DatapathId, TableId, Version};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::ports::{capabilities, port, port_no};
use super::{pattern, queues, statistics};
use crate::common::{buffer_id, config, data, duration_ns, elements, error, port_status, versions};

/// Any message from a switch.
pub fn from_switch() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        1 => (versions(), elements()).prop_map(|(bitmap, elements)| FromSwitch::Hello {
            bitmap,
            elements,
            header_version: 1
        }),
        1 => error(Version::V10).prop_map(FromSwitch::Error),
        1 => data(60).prop_map(FromSwitch::EchoRequest),
        1 => data(60).prop_map(FromSwitch::EchoReply),
        1 => features().prop_map(FromSwitch::Features),
        1 => config().prop_map(FromSwitch::Config),
        1 => packet_in().prop_map(FromSwitch::PacketIn),
        1 => flow_removed().prop_map(FromSwitch::FlowRemoved),
        1 => port_status(port()).prop_map(FromSwitch::PortStatus),
        1 => Just(FromSwitch::BarrierReply),
        1 => (any::<u32>(), data(60)).prop_map(|(experimenter, body)| FromSwitch::Experimenter {
            experimenter,
            exp_type: 0,
            body,
        }),
        1 => queues::config_reply().prop_map(FromSwitch::QueueConfig),
        1 => (unknown_type(), data(60))
            .prop_map(|(message_type, body)| FromSwitch::Unknown { message_type, body }),
        6 => (any::<bool>(), statistics::reply())
            .prop_map(|(more, body)| FromSwitch::Stats { more, body }),
    ]
}

/// What only a controller sends, and what 1.0 does not define.
fn unknown_type() -> impl Strategy<Value = u8> {
    prop_oneof![
        select(vec![5_u8, 7, 9, 13, 14, 15, 16, 18, 20]),
        22..=255_u8
    ]
}

fn features() -> impl Strategy<Value = Features> {
    (
        any::<u64>(),
        any::<u32>(),
        any::<u8>(),
        capabilities(),
        any::<u32>(),
        vec(port(), 0..5),
    )
        .prop_map(
            |(datapath_id, buffers, tables, capabilities, actions, ports)| Features {
                datapath_id: DatapathId(datapath_id),
                buffers,
                tables,
                auxiliary_id: 0,
                capabilities,
                actions: Some(actions),
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
