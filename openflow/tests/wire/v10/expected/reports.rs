//! What the messages of a switch mean.

use bytes::Bytes;
use godwit_openflow::model::{
    AggregateStats, Features, FlowRemoved, FlowRemovedReason, FlowRule, FlowStats, FromSwitch,
    Instruction, PacketIn, PacketInReason, Pattern, Port, PortStatus, PortStatusReason, StatsReply,
    SwitchConfig, TableStats,
};
use godwit_openflow::types::{BufferId, Cookie, DatapathId, PortNo, TableId};

use super::super::V10;
use super::{FRAME, error, every_action, rule, tcp, tcp_rule, udp};
use crate::common::Named;
use crate::common::expected::{description, mac, port_stats};

/// Vectors that a switch would send.
pub(in crate::v10) fn from_switch() -> Named<FromSwitch> {
    let hello = |bitmap| FromSwitch::Hello {
        bitmap,
        header_version: 1,
    };
    let mut all = vec![
        ("hello", hello(None)),
        ("hello_bitmap", hello(Some(vec![1, 4]))),
        ("error", FromSwitch::Error(error())),
        (
            "echo_request",
            FromSwitch::EchoRequest(Bytes::from_static(b"ping")),
        ),
        (
            "echo_reply",
            FromSwitch::EchoReply(Bytes::from_static(b"ping")),
        ),
        (
            "vendor",
            FromSwitch::Experimenter {
                experimenter: 0x00ab_cdef,
                exp_type: 0,
                body: Bytes::from_static(b"some data"),
            },
        ),
        ("features_reply", FromSwitch::Features(features())),
        (
            "get_config_reply",
            FromSwitch::Config(SwitchConfig {
                flags: 0,
                miss_send_len: 128,
            }),
        ),
        (
            "packet_in_no_match",
            FromSwitch::PacketIn(PacketIn {
                total_len: 42,
                ..packet_in(PortNo(3), Bytes::from_static(FRAME))
            }),
        ),
        (
            "packet_in_action_buffered",
            FromSwitch::PacketIn(PacketIn {
                buffer_id: Some(BufferId(0x333)),
                total_len: 1500,
                reason: PacketInReason::Action,
                ..packet_in(PortNo::LOCAL, Bytes::from_static(&FRAME[..20]))
            }),
        ),
        ("flow_removed", FromSwitch::FlowRemoved(flow_removed())),
        (
            "port_status",
            FromSwitch::PortStatus(PortStatus {
                reason: PortStatusReason::Modify,
                port: Port {
                    config: 1 << 4,
                    state: 1,
                    link_down: true,
                    ..port(PortNo(2), 2, "s7-eth2")
                },
            }),
        ),
        ("barrier_reply", FromSwitch::BarrierReply),
    ];
    all.extend(stats_replies());
    all
}

fn port(number: PortNo, last: u8, name: &str) -> Port {
    Port {
        number,
        mac: mac(last),
        name: name.to_owned(),
        admin_down: false,
        link_down: false,
        config: 0,
        state: 0,
        features: [0xc0, 0xc1, 0xc2, 0xc3],
        current_speed: 0,
        max_speed: 0,
    }
}

fn features() -> Features {
    let local = Port {
        admin_down: true,
        link_down: true,
        config: 1,
        state: 1,
        ..port(PortNo::LOCAL, 0xfe, "s7")
    };
    Features {
        datapath_id: DatapathId(0x0000_0200_0000_0007),
        buffers: 256,
        tables: 254,
        auxiliary_id: 0,
        capabilities: 0xc7,
        ports: Some(vec![port(PortNo(1), 1, "s7-eth1"), local]),
    }
}

fn packet_in(in_port: PortNo, data: Bytes) -> PacketIn {
    PacketIn {
        buffer_id: None,
        total_len: 0,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: None,
        in_port,
        pattern: Pattern::new().in_port(in_port),
        data,
    }
}

fn flow_removed() -> FlowRemoved {
    FlowRemoved {
        cookie: Cookie(0x1122_3344_5566_7788),
        priority: 1000,
        reason: FlowRemovedReason::HardTimeout,
        table: TableId(0),
        duration_ns: 600_500_000_000,
        idle_timeout: 60,
        hard_timeout: 0,
        packets: 1 << 40,
        bytes: 1 << 50,
        pattern: tcp(),
    }
}

fn stats_replies() -> Named<FromSwitch> {
    let aggregate = AggregateStats {
        packets: 1000,
        bytes: 100_000,
        flows: 10,
    };
    let table = TableStats {
        table: 0,
        name: Some("classifier".to_owned()),
        max_entries: Some(1_000_000),
        wildcards: Some(0x003f_ffff),
        active: 3,
        lookups: 500,
        matched: 400,
    };
    let queues = StatsReply::Unknown {
        stats_type: 5,
        body: V10.vector("stats_reply_queue").slice(12..),
    };
    let one_part = |body| FromSwitch::Stats { more: false, body };
    vec![
        (
            "stats_reply_desc",
            one_part(StatsReply::Description(description("Software 1.0"))),
        ),
        (
            "stats_reply_flow_more",
            FromSwitch::Stats {
                more: true,
                body: flow_stats(),
            },
        ),
        ("stats_reply_flow_none", one_part(StatsReply::Flows(vec![]))),
        (
            "stats_reply_aggregate",
            one_part(StatsReply::Aggregate(aggregate)),
        ),
        (
            "stats_reply_table",
            one_part(StatsReply::Tables(vec![table])),
        ),
        (
            "stats_reply_port",
            one_part(StatsReply::Ports(port_stats(None))),
        ),
        ("stats_reply_queue", one_part(queues)),
    ]
}

fn flow_stats() -> StatsReply {
    let counted = |rule, duration_ns, packets, bytes| FlowStats {
        rule,
        duration_ns,
        packets,
        bytes,
    };
    let instructions = vec![Instruction::ApplyActions(every_action())];
    StatsReply::Flows(vec![
        counted(tcp_rule(), 10_000_000_250, 12, 1200),
        counted(
            FlowRule {
                table: TableId(1),
                ..rule(1, Pattern::new(), vec![])
            },
            0,
            0,
            0,
        ),
        counted(
            FlowRule {
                instructions,
                ..rule(0, udp(), vec![]).with_cookie(Cookie(u64::MAX))
            },
            0,
            0,
            0,
        ),
    ])
}
