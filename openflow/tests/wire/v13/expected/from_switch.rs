//! The messages from a switch.

use bytes::Bytes;
use godwit_openflow::model::{
    AggregateStats, Features, Field, FlowFlags, FlowRemoved, FlowRemovedReason, FlowRule,
    FlowStats, FromSwitch, HelloElement, PacketIn, PacketInReason, Pattern, Port, PortStatus,
    PortStatusReason, StatsReply, SwitchConfig, TableStats,
};
use godwit_openflow::types::{BufferId, Cookie, DatapathId, PortNo, TableId};

use super::{
    error, every_instruction, frame, group, meter, queue, role, rule, table, tcp, unknown_fields,
};
use crate::common::Named;
use crate::common::expected::{description, mac, port_stats};

fn port(number: PortNo, last: u8, name: &str, config: u64, state: u64) -> Port {
    Port {
        number,
        mac: mac(last),
        name: name.to_owned(),
        admin_down: config & 1 != 0,
        link_down: state & 1 != 0,
        config,
        state,
        features: [0x840, 0x841, 0x842, 0x843],
        current_speed: 10_000_000,
        max_speed: 40_000_000,
    }
}

/// The messages from a switch.
pub(crate) fn messages() -> Named<FromSwitch> {
    let mut all = vec![
        (
            "hello_bitmap",
            FromSwitch::Hello {
                bitmap: Some(vec![1, 4]),
                elements: vec![],
                header_version: 4,
            },
        ),
        ("hello_elements", hello_elements()),
        (
            "hello",
            FromSwitch::Hello {
                bitmap: None,
                elements: vec![],
                header_version: 4,
            },
        ),
        (
            "echo_request",
            FromSwitch::EchoRequest(Bytes::from("are you there")),
        ),
        (
            "echo_reply",
            FromSwitch::EchoReply(Bytes::from("are you there")),
        ),
        ("error", FromSwitch::Error(error())),
        (
            "experimenter",
            FromSwitch::Experimenter {
                experimenter: 0x00ab_cdef,
                exp_type: 7,
                body: Bytes::from("some data"),
            },
        ),
        (
            "features_reply",
            FromSwitch::Features(Features {
                datapath_id: DatapathId(0x0000_0200_0000_0007),
                buffers: 256,
                tables: 254,
                auxiliary_id: 1,
                capabilities: 0x4f,
                actions: None,
                ports: None,
            }),
        ),
        (
            "get_config_reply",
            FromSwitch::Config(SwitchConfig {
                flags: 0,
                miss_send_len: 128,
            }),
        ),
        ("barrier_reply", FromSwitch::BarrierReply),
        (
            "port_status",
            FromSwitch::PortStatus(PortStatus {
                reason: PortStatusReason::Modify,
                port: port(PortNo(2), 2, "s7-eth2", 1 << 5, 1),
            }),
        ),
        ("flow_removed", FromSwitch::FlowRemoved(flow_removed())),
    ];
    let packets = packet_ins().into_iter();
    all.extend(packets.map(|(name, packet)| (name, FromSwitch::PacketIn(packet))));
    let replies = [
        stats_replies(),
        group::replies(),
        meter::replies(),
        queue::replies(),
        table::replies(),
    ];
    all.extend(replies.into_iter().flatten().map(|(name, body)| {
        let more = name.ends_with("_more");
        (name, FromSwitch::Stats { more, body })
    }));
    all.extend(queue::from_switch());
    all.extend(role::from_switch());
    all
}

fn hello_elements() -> FromSwitch {
    FromSwitch::Hello {
        bitmap: Some(vec![1, 4]),
        elements: vec![HelloElement {
            element_type: 0x1234,
            body: Bytes::from("what"),
        }],
        header_version: 4,
    }
}

fn flow_removed() -> FlowRemoved {
    FlowRemoved {
        cookie: Cookie(0x1122_3344_5566_7788),
        priority: 1000,
        reason: FlowRemovedReason::HardTimeout,
        table: TableId(2),
        duration_ns: 600_500_000_000,
        idle_timeout: 60,
        hard_timeout: 600,
        packets: 1 << 40,
        bytes: 1 << 50,
        pattern: tcp(),
    }
}

fn packet_ins() -> Named<PacketIn> {
    let miss = PacketIn {
        buffer_id: None,
        total_len: 64,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: Some(Cookie(0xee)),
        in_port: PortNo(3),
        pattern: Pattern::new().in_port(PortNo(3)),
        data: frame(),
    };
    let buffered = PacketIn {
        buffer_id: Some(BufferId(0x333)),
        total_len: 1500,
        reason: PacketInReason::Action,
        table: TableId(2),
        cookie: None,
        in_port: PortNo::LOCAL,
        pattern: Pattern::new()
            .in_port(PortNo::LOCAL)
            .with(Field::InPhyPort, 4)
            .with(Field::Metadata, 0x1234)
            .with(Field::TunnelId, 7),
        data: frame().slice(..20),
    };
    vec![
        ("packet_in_no_match", miss),
        ("packet_in_action_buffered", buffered),
    ]
}

fn stats_replies() -> Named<StatsReply> {
    let table = |table, active, lookups, matched| TableStats {
        table,
        name: None,
        max_entries: None,
        wildcards: None,
        active,
        lookups,
        matched,
    };
    let ports = vec![
        port(PortNo(1), 1, "s7-eth1", 0, 1 << 2),
        port(PortNo::LOCAL, 0xfe, "s7", 1, 1),
    ];
    vec![
        (
            "reply_desc",
            StatsReply::Description(description("Software 1.3")),
        ),
        ("reply_flow_more", StatsReply::Flows(flow_stats())),
        ("reply_flow_none", StatsReply::Flows(vec![])),
        (
            "reply_aggregate",
            StatsReply::Aggregate(AggregateStats {
                packets: 1000,
                bytes: 100_000,
                flows: 10,
            }),
        ),
        (
            "reply_table",
            StatsReply::Tables(vec![table(0, 3, 500, 400), table(253, 0, 0, 0)]),
        ),
        (
            "reply_port",
            StatsReply::Ports(port_stats(Some(20_000_000_005))),
        ),
        ("reply_port_desc", StatsReply::PortDescription(ports)),
        (
            "reply_experimenter",
            StatsReply::Experimenter {
                experimenter: 0x00ab_cdef,
                exp_type: 7,
                body: Bytes::from("the data"),
            },
        ),
    ]
}

fn flow_stats() -> Vec<FlowStats> {
    let counted = FlowRule {
        table: TableId(2),
        priority: 1000,
        pattern: tcp(),
        cookie: Cookie(0x1122_3344_5566_7788),
        instructions: every_instruction(),
        idle_timeout: 60,
        hard_timeout: 600,
        flags: FlowFlags::SEND_FLOW_REMOVED,
    };
    let nothing = FlowRule::new(0, Pattern::new(), vec![]);
    vec![
        FlowStats {
            rule: counted,
            duration_ns: 10_000_000_250,
            packets: 12,
            bytes: 1200,
        },
        FlowStats {
            rule: nothing,
            duration_ns: 0,
            packets: 0,
            bytes: 0,
        },
        FlowStats {
            rule: rule(7, unknown_fields(), PortNo(1)),
            duration_ns: 0,
            packets: 1 << 40,
            bytes: 1 << 50,
        },
    ]
}
