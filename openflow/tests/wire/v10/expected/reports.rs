//! What the messages of a switch mean.

use bytes::Bytes;
use godwit_openflow::model::{
    AggregateStats, Features, FlowRemoved, FlowRemovedReason, FlowRule, FlowStats, FromSwitch,
    Instruction, PacketIn, PacketInReason, Pattern, Port, PortStatus, PortStatusReason,
    QueueConfig, QueueConfigReply, QueueProperty, QueueStats, StatsReply, SwitchConfig, TableStats,
};
use godwit_openflow::types::{BufferId, Cookie, DatapathId, PortNo, QueueId, TableId};

use super::{FRAME, error, every_action, rule, tcp, tcp_rule, udp};
use crate::common::Named;
use crate::common::expected::{description, mac, port_stats};

/// Vectors that a switch would send.
pub(in crate::v10) fn from_switch() -> Named<FromSwitch> {
    let hello = |bitmap| FromSwitch::Hello {
        bitmap,
        elements: Vec::new(),
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
            "features_reply_every_bit",
            FromSwitch::Features(every_bit()),
        ),
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
                    config: 1 << 36,
                    state: 1,
                    link_down: true,
                    ..port(PortNo(2), 2, "s7-eth2")
                },
            }),
        ),
        ("barrier_reply", FromSwitch::BarrierReply),
        (
            "queue_get_config_reply",
            FromSwitch::QueueConfig(queue_config()),
        ),
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
        features: [0x840, 0x841, 0x842, 0x843],
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
        capabilities: 0x47 | 1 << 39,
        actions: Some(0xfff),
        ports: Some(vec![port(PortNo(1), 1, "s7-eth1"), local]),
    }
}

fn every_bit() -> Features {
    let blocked = Port {
        admin_down: true,
        link_down: true,
        config: 0b110_0101 | 0b001_1010 << 32,
        state: 1 | 3 << 40,
        features: [0xf87f, 0x5055, 0xa82a, 0x8000],
        ..port(PortNo(1), 1, "a name of 16 ch.")
    };
    let silent = |number: u8, config, state| Port {
        config,
        state,
        features: [0x840, 0x841, 0x842, 0x843],
        ..port(PortNo(number.into()), number, "")
    };
    Features {
        buffers: 0,
        tables: 1,
        capabilities: 0x67 | 0x98 << 32,
        actions: Some(0x1000_0fff),
        ports: Some(vec![
            blocked,
            silent(2, 1 << 5 | 0b1010 << 32, 2 << 40),
            silent(3, 0b100_0100 | 1 << 36, 1 << 40),
        ]),
        ..features()
    }
}

fn queue_config() -> QueueConfigReply {
    let queue = |number, properties| QueueConfig {
        queue: QueueId(number),
        port: PortNo(3),
        properties,
    };
    let half = QueueProperty::MinRate { rate: 500 };
    let none = QueueProperty::Unknown {
        property: 0,
        body: Bytes::new(),
    };
    QueueConfigReply {
        port: PortNo(3),
        queues: vec![
            queue(1, vec![half.clone()]),
            queue(2, vec![]),
            queue(7, vec![none, half]),
        ],
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
    let queue = |port, number, tx_errors| QueueStats {
        port,
        queue: QueueId(number),
        tx_bytes: Some(u64::from(number) + 1),
        tx_packets: Some(u64::from(number) + 2),
        tx_errors,
        duration_ns: None,
    };
    let queues = StatsReply::Queues(vec![
        queue(PortNo(1), 2, Some(5)),
        queue(PortNo::LOCAL, 7, None),
    ]);
    let vendor = StatsReply::Experimenter {
        experimenter: 0x00ab_cdef,
        exp_type: 0,
        body: Bytes::from_static(b"some data"),
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
        (
            "stats_reply_vendor",
            FromSwitch::Stats {
                more: true,
                body: vendor,
            },
        ),
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
