//! What the vectors mean, written by hand from what the generator put in.

mod reports;

use bytes::Bytes;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    Action, ErrorReport, Field, FlowCommand, FlowFlags, FlowMod, FlowRule, PacketOut, Pattern,
    PortMod, QueueFilter, StatsRequest, SwitchConfig, ToSwitch,
};
use godwit_openflow::types::{BufferId, Cookie, PortNo, QueueId, TableId, Version};
pub(super) use reports::from_switch;

use super::V10;
use crate::common::Named;
use crate::common::expected::{mac, output, set};

const FRAME: &[u8] =
    b"\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x01\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01\
    \x00\x00\x00\x00\x00\x01\x0a\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x02";

fn tcp() -> Pattern {
    Pattern::new()
        .in_port(PortNo(3))
        .eth_src(mac(1))
        .eth_dst(mac(2))
        .with(Field::VlanVid, 0x1000 | 100)
        .with(Field::VlanPcp, 5)
        .eth_type(0x0800)
        .with(Field::IpDscp, 46)
        .with(Field::IpProto, 6)
        .with_masked(Field::Ipv4Src, 0x0a01_0000, 0xffff_0000)
        .with(Field::Ipv4Dst, 0x0a02_0007)
        .with(Field::TcpSrc, 1234)
        .with(Field::TcpDst, 80)
}

fn udp() -> Pattern {
    Pattern::new()
        .eth_type(0x0800)
        .with(Field::IpProto, 17)
        .with_masked(Field::Ipv4Dst, 0x0a00_0000, 0xff00_0000)
        .with(Field::UdpDst, 53)
}

fn arp() -> Pattern {
    Pattern::new()
        .eth_type(0x0806)
        .with(Field::ArpOp, 1)
        .with(Field::ArpSpa, 0x0a00_0001)
        .with_masked(Field::ArpTpa, 0x0a00_0000, 0xffff_ff00)
}

/// For packets of UDP.
fn every_action() -> Vec<Action> {
    vec![
        set(Field::VlanVid, 0x1007),
        set(Field::VlanPcp, 3),
        Action::PopVlan,
        set(Field::EthSrc, 0x0200_0000_000a),
        set(Field::EthDst, 0x0200_0000_000b),
        set(Field::Ipv4Src, 0xc000_0201),
        set(Field::Ipv4Dst, 0xc000_0202),
        set(Field::IpDscp, 46),
        set(Field::UdpSrc, 5353),
        set(Field::UdpDst, 5354),
        Action::Enqueue {
            port: PortNo(4),
            queue: QueueId(9),
        },
        Action::Experimenter {
            experimenter: 0x00ab_cdef,
            body: Bytes::from_static(&[1, 2, 3, 4, 5, 6, 7, 8]),
        },
        output(PortNo::CONTROLLER, 128),
        output(PortNo(2), 0),
    ]
}

fn rule(priority: u16, pattern: Pattern, actions: Vec<Action>) -> FlowRule {
    FlowRule::new(priority, pattern, actions)
}

fn tcp_rule() -> FlowRule {
    FlowRule {
        idle_timeout: 60,
        hard_timeout: 600,
        ..rule(1000, tcp(), vec![output(PortNo(2), 0)]).with_cookie(Cookie(0x1122_3344_5566_7788))
    }
}

fn change(command: FlowCommand, pattern: Pattern, actions: Vec<Action>) -> FlowMod {
    FlowMod::new(command, rule(0x8000, pattern, actions))
}

/// Vectors that a switch would be sent.
pub(super) fn to_switch() -> Named<ToSwitch> {
    let mut all = vec![
        ("hello", ToSwitch::hello(None)),
        ("hello_bitmap", ToSwitch::hello(Some(vec![1, 4]))),
        ("error", ToSwitch::Error(error())),
        (
            "echo_request",
            ToSwitch::EchoRequest(Bytes::from_static(b"ping")),
        ),
        (
            "echo_reply",
            ToSwitch::EchoReply(Bytes::from_static(b"ping")),
        ),
        (
            "vendor",
            ToSwitch::Experimenter {
                experimenter: 0x00ab_cdef,
                exp_type: 0,
                body: Bytes::from_static(b"some data"),
            },
        ),
        ("features_request", ToSwitch::FeaturesRequest),
        ("get_config_request", ToSwitch::GetConfigRequest),
        (
            "set_config",
            ToSwitch::SetConfig(SwitchConfig {
                flags: 1,
                miss_send_len: 0xffff,
            }),
        ),
        ("barrier_request", ToSwitch::BarrierRequest),
        (
            "port_mod",
            ToSwitch::PortMod(PortMod {
                port: PortNo(3),
                mac: mac(3),
                config: 1,
                mask: 1,
                advertise: 0,
            }),
        ),
        (
            "port_mod_every_bit",
            ToSwitch::PortMod(PortMod {
                port: PortNo::LOCAL,
                mac: mac(0xfe),
                config: 0b100_0101 | 1 << 36,
                mask: 0b110_0101 | 0b01_1010 << 32,
                advertise: 0xf87f,
            }),
        ),
        (
            "queue_get_config_request",
            ToSwitch::QueueConfigRequest(PortNo(3)),
        ),
        (
            "packet_out_data",
            ToSwitch::PacketOut(PacketOut {
                buffer_id: None,
                in_port: PortNo::CONTROLLER,
                actions: vec![output(PortNo::FLOOD, 0)],
                data: Bytes::from_static(FRAME),
            }),
        ),
        (
            "packet_out_buffer",
            ToSwitch::PacketOut(PacketOut {
                buffer_id: Some(BufferId(0x111)),
                in_port: PortNo(5),
                actions: vec![output(PortNo::TABLE, 0)],
                data: Bytes::new(),
            }),
        ),
    ];
    all.extend(flow_mods());
    all.extend(stats_requests());
    all
}

fn flow_mods() -> Named<ToSwitch> {
    let emergency = V10.vector("flow_mod_add_emergency").slice(8..);
    let icmp = Pattern::new()
        .eth_type(0x0800)
        .with(Field::IpProto, 1)
        .with(Field::Icmpv4Type, 8)
        .with(Field::Icmpv4Code, 0);
    let tagged = Pattern::new()
        .with_masked(Field::VlanVid, 0x1000, 0x1000)
        .with(Field::VlanPcp, 6);
    let both = FlowFlags::SEND_FLOW_REMOVED.with(FlowFlags::CHECK_OVERLAP);
    let to_port_1 = Pattern::new().in_port(PortNo(1));
    let mods = [
        (
            "flow_mod_add_tcp",
            FlowMod::add(tcp_rule().with_flags(both)),
        ),
        (
            "flow_mod_add_udp_every_action",
            FlowMod {
                buffer_id: Some(BufferId(0x222)),
                ..change(FlowCommand::Add, udp(), every_action())
            },
        ),
        (
            "flow_mod_add_arp",
            change(FlowCommand::Add, arp(), vec![output(PortNo::LOCAL, 0)]),
        ),
        (
            "flow_mod_add_icmp_drop",
            change(FlowCommand::Add, icmp, vec![]),
        ),
        (
            "flow_mod_add_untagged",
            change(
                FlowCommand::Add,
                Pattern::new().with(Field::VlanVid, 0),
                vec![output(PortNo::IN_PORT, 0)],
            ),
        ),
        (
            "flow_mod_add_any_tag_of_priority",
            change(FlowCommand::Add, tagged, vec![Action::PopVlan]),
        ),
        (
            "flow_mod_modify",
            change(FlowCommand::Modify, to_port_1, vec![output(PortNo::ALL, 0)]),
        ),
        (
            "flow_mod_modify_strict",
            change(
                FlowCommand::ModifyStrict,
                udp(),
                vec![output(PortNo::NORMAL, 0)],
            ),
        ),
        (
            "flow_mod_delete_all",
            change(FlowCommand::Delete, Pattern::new(), vec![]),
        ),
        (
            "flow_mod_delete_strict",
            FlowMod {
                out_port: Some(PortNo(7)),
                ..change(
                    FlowCommand::DeleteStrict,
                    Pattern::new().eth_dst(mac(2)),
                    vec![],
                )
            },
        ),
    ];
    let mods = mods.map(|(name, flow_mod)| (name, ToSwitch::FlowMod(flow_mod)));
    let unknown = ToSwitch::Unknown {
        message_type: 14,
        body: emergency,
    };
    mods.into_iter()
        .chain([("flow_mod_add_emergency", unknown)])
        .collect()
}

fn stats_requests() -> Named<ToSwitch> {
    let some = FlowFilter {
        table: TableId(0),
        out_port: Some(PortNo(4)),
        pattern: udp(),
        ..FlowFilter::all()
    };
    let of_arp = FlowFilter {
        pattern: arp(),
        ..FlowFilter::all()
    };
    let every_queue = QueueFilter {
        port: PortNo::ANY,
        queue: QueueId::ALL,
    };
    let one_queue = QueueFilter {
        port: PortNo(4),
        queue: QueueId(9),
    };
    let vendor = StatsRequest::Experimenter {
        experimenter: 0x00ab_cdef,
        exp_type: 0,
        body: Bytes::from_static(b"some data"),
    };
    let emergency = StatsRequest::Unknown {
        stats_type: 1,
        body: V10.vector("stats_request_flow_emergency").slice(12..),
    };
    [
        ("stats_request_desc", StatsRequest::Description),
        (
            "stats_request_flow_all",
            StatsRequest::Flows(FlowFilter::all()),
        ),
        ("stats_request_flow_some", StatsRequest::Flows(some)),
        ("stats_request_aggregate", StatsRequest::Aggregate(of_arp)),
        ("stats_request_table", StatsRequest::Tables),
        ("stats_request_port", StatsRequest::Ports(PortNo::ANY)),
        ("stats_request_queue", StatsRequest::Queues(every_queue)),
        ("stats_request_queue_one", StatsRequest::Queues(one_queue)),
        ("stats_request_vendor", vendor),
        ("stats_request_flow_emergency", emergency),
    ]
    .map(|(name, request)| (name, ToSwitch::stats(request)))
    .into()
}

fn error() -> ErrorReport {
    ErrorReport {
        version: Version::V10,
        error_type: 3,
        code: 1,
        data: Bytes::from_static(b"\x01\x0e\x00\x50\x01\x02\x03\x04"),
    }
}
