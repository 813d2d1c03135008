//! What the vectors mean, written by hand from what the generator put in.

use bytes::Bytes;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    Action, AggregateStats, Description, ErrorReport, Features, Field, FlowCommand, FlowFlags,
    FlowMod, FlowRemoved, FlowRemovedReason, FlowRule, FlowStats, FromSwitch, Instruction,
    PacketIn, PacketInReason, PacketOut, Pattern, Port, PortStats, PortStatus, PortStatusReason,
    RawOxm, StatsReply, StatsRequest, SwitchConfig, TableStats, ToSwitch,
};
use godwit_openflow::types::{
    BufferId, Cookie, DatapathId, GroupId, MacAddr, PortNo, TableId, Version,
};

use super::corpus::unhex;

type Named<T> = Vec<(&'static str, T)>;

fn frame() -> Bytes {
    let header = unhex("0200000000020200000000010800");
    header.into_iter().chain(0..50).collect()
}

fn mac(last: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, last])
}

fn tcp() -> Pattern {
    Pattern::new()
        .in_port(PortNo(3))
        .with_masked(Field::EthDst, 0x0200_0000_0000, 0xfeff_0000_0000)
        .eth_src(mac(1))
        .eth_type(0x0800)
        .with(Field::VlanVid, 0x1064)
        .with(Field::VlanPcp, 5)
        .with(Field::IpDscp, 46)
        .with(Field::IpEcn, 1)
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
        .with_masked(Field::Ipv4Dst, 0x0a00_0001, 0xff00_00ff)
        .with(Field::UdpSrc, 68)
        .with(Field::UdpDst, 67)
}

fn arp() -> Pattern {
    Pattern::new()
        .eth_type(0x0806)
        .with(Field::ArpOp, 1)
        .with(Field::ArpSpa, 0x0a00_0001)
        .with_masked(Field::ArpTpa, 0x0a00_0000, 0xffff_ff00)
        .with(Field::ArpSha, mac(1).to_u64().into())
        .with_masked(Field::ArpTha, 0, 0xff)
}

fn neighbour() -> Pattern {
    Pattern::new()
        .eth_type(0x86dd)
        .with(Field::IpProto, 58)
        .with_masked(Field::Ipv6Src, 0x2001_0db8 << 96, 0xffff_ffff << 96)
        .with(Field::Ipv6Dst, 0xff02_0000_0000_0000_0000_0001_ff00_0001)
        .with_masked(Field::Ipv6Flabel, 0x12300, 0xfff00)
        .with(Field::Icmpv6Type, 135)
        .with(Field::Icmpv6Code, 0)
        .with(Field::Ipv6NdTarget, 0x2001_0db8 << 96 | 1)
        .with(Field::Ipv6NdSll, mac(1).to_u64().into())
        .with_masked(Field::Ipv6Exthdr, 0x40, 0x41)
}

fn mpls() -> Pattern {
    Pattern::new()
        .with_masked(
            Field::Metadata,
            0x1122_3344_0000_0000,
            0xffff_ffff_0000_0000,
        )
        .eth_type(0x8847)
        .with(Field::MplsLabel, 0xabcde)
        .with(Field::MplsTc, 3)
        .with(Field::MplsBos, 1)
        .with(Field::TunnelId, 0x0102_0304_0506_0708)
}

/// Two registers of Open vSwitch and a field of the ONF's as experimenter.
fn unknown_fields() -> Pattern {
    let raw = |class, field, has_mask, payload| RawOxm {
        class,
        field,
        has_mask,
        payload: unhex(payload),
    };
    let mut pattern = Pattern::new().in_port(PortNo(1));
    pattern.push_unknown(raw(0x0001, 0, false, "0000002a"));
    pattern.push_unknown(raw(0x0001, 1, true, "000001000000ff00"));
    pattern.push_unknown(raw(0xffff, 43, false, "4f4e460000000004"));
    pattern
}

fn patterns() -> Named<Pattern> {
    let icmp = Pattern::new()
        .eth_type(0x0800)
        .with(Field::IpProto, 1)
        .with(Field::Icmpv4Type, 8)
        .with(Field::Icmpv4Code, 0);
    let sctp = Pattern::new()
        .in_port(PortNo(1))
        .with(Field::InPhyPort, 2)
        .eth_type(0x86dd)
        .with(Field::IpProto, 132)
        .with(Field::SctpSrc, 7)
        .with(Field::SctpDst, 9);
    let advertisement = Pattern::new()
        .eth_type(0x86dd)
        .with(Field::IpProto, 58)
        .with(Field::Icmpv6Type, 136)
        .with(Field::Ipv6NdTll, mac(2).to_u64().into());
    let pbb = Pattern::new()
        .eth_type(0x88e7)
        .with_masked(Field::PbbIsid, 0x123400, 0xffff00)
        .with_masked(Field::TunnelId, 5, 0xff);
    let vlan_present = Pattern::new().with_masked(Field::VlanVid, 0x1000, 0x1000);
    vec![
        ("flow_mod_add_tcp", tcp()),
        ("flow_mod_add_udp", udp()),
        ("flow_mod_add_sctp", sctp),
        ("flow_mod_add_icmp", icmp),
        ("flow_mod_add_arp", arp()),
        ("flow_mod_add_neighbour", neighbour()),
        ("flow_mod_add_advertisement", advertisement),
        ("flow_mod_add_mpls", mpls()),
        ("flow_mod_add_pbb", pbb),
        ("flow_mod_add_vlan_present", vlan_present),
        (
            "flow_mod_add_untagged",
            Pattern::new().with(Field::VlanVid, 0),
        ),
        ("flow_mod_add_unknown_fields", unknown_fields()),
    ]
}

fn output(port: PortNo, max_len: u16) -> Action {
    Action::Output { port, max_len }
}

fn set(field: Field, value: u128) -> Action {
    Action::SetField { field, value }
}

fn unknown(action_type: u16, body: &str) -> Action {
    Action::Unknown {
        action_type,
        body: unhex(body),
    }
}

fn every_action() -> Vec<Action> {
    vec![
        unknown(11, "00000000"),
        unknown(15, "40000000"),
        Action::PopVlan,
        Action::PushVlan(0x88a8),
        Action::PopMpls(0x0800),
        Action::PushMpls(0x8848),
        set(Field::VlanVid, 0x1007),
        set(Field::EthDst, mac(0x0b).to_u64().into()),
        set(Field::Ipv6Dst, 0x2001_0db8 << 96 | 7),
        set(Field::TcpDst, 8080),
        set(Field::PbbIsid, 0x010203),
        unknown(25, "000100040000002a00000000"),
        Action::DecNwTtl,
        Action::SetNwTtl(63),
        Action::SetQueue(9),
        Action::Group(GroupId(0x77)),
        unknown(0xffff, "00abcdef0102030405060708"),
        output(PortNo::CONTROLLER, 0xffff),
        output(PortNo(2), 0),
    ]
}

fn every_instruction() -> Vec<Instruction> {
    vec![
        Instruction::Meter(5),
        Instruction::ApplyActions(every_action()),
        Instruction::ClearActions,
        Instruction::WriteActions(vec![output(PortNo::LOCAL, 0)]),
        Instruction::WriteMetadata {
            value: 0xaabb,
            mask: 0xffff,
        },
        Instruction::GotoTable(TableId(3)),
    ]
}

fn rule(priority: u16, pattern: Pattern, port: PortNo) -> FlowRule {
    FlowRule::new(priority, pattern, vec![output(port, 0)])
}

fn error() -> ErrorReport {
    ErrorReport {
        version: Version::V13,
        error_type: 5,
        code: 3,
        data: unhex("040e00380a0b0c0d"),
    }
}

/// The messages to a switch.
pub(super) fn to_switch() -> Named<ToSwitch> {
    let mut all = vec![
        (
            "hello_bitmap",
            ToSwitch::Hello {
                bitmap: Some(vec![1, 4]),
            },
        ),
        ("hello", ToSwitch::Hello { bitmap: None }),
        (
            "echo_request",
            ToSwitch::EchoRequest(Bytes::from("are you there")),
        ),
        (
            "echo_reply",
            ToSwitch::EchoReply(Bytes::from("are you there")),
        ),
        ("error", ToSwitch::Error(error())),
        (
            "experimenter",
            ToSwitch::Experimenter {
                experimenter: 0x00ab_cdef,
                exp_type: 7,
                body: Bytes::from("some data"),
            },
        ),
        ("features_request", ToSwitch::FeaturesRequest),
        ("get_config_request", ToSwitch::GetConfigRequest),
        (
            "set_config",
            ToSwitch::SetConfig(SwitchConfig {
                flags: 2,
                miss_send_len: 0xffff,
            }),
        ),
        ("barrier_request", ToSwitch::BarrierRequest),
        (
            "role_request",
            ToSwitch::Unknown {
                message_type: 24,
                body: unhex("00000002000000000000000000000003"),
            },
        ),
        (
            "group_mod",
            ToSwitch::Unknown {
                message_type: 15,
                body: unhex(concat!(
                    "0000010000000001",
                    "00200001ffffffffffffffff00000000",
                    "00000010000000020000000000000000"
                )),
            },
        ),
        (
            "packet_out_data",
            ToSwitch::PacketOut(PacketOut {
                buffer_id: None,
                in_port: PortNo::CONTROLLER,
                actions: vec![output(PortNo::FLOOD, 0)],
                data: frame(),
            }),
        ),
        (
            "packet_out_buffer",
            ToSwitch::PacketOut(PacketOut {
                buffer_id: Some(BufferId(0x111)),
                in_port: PortNo(5),
                actions: vec![set(Field::VlanVid, 0x1007), output(PortNo::TABLE, 0)],
                data: Bytes::new(),
            }),
        ),
    ];
    let flow_mods = flow_mods().into_iter();
    all.extend(flow_mods.map(|(name, change)| (name, ToSwitch::FlowMod(change))));
    let requests = stats_requests().into_iter();
    all.extend(requests.map(|(name, request)| (name, ToSwitch::StatsRequest(request))));
    all.push(("request_table_features_more", table_features()));
    all
}

fn flow_mods() -> Named<FlowMod> {
    let mut all: Named<FlowMod> = patterns()
        .into_iter()
        .map(|(name, pattern)| (name, FlowMod::add(rule(0x8000, pattern, PortNo(2)))))
        .collect();
    let every_instruction = FlowRule {
        table: TableId(2),
        priority: 1000,
        pattern: udp(),
        cookie: Cookie(0x1122_3344_5566_7788),
        instructions: every_instruction(),
        idle_timeout: 60,
        hard_timeout: 600,
        flags: FlowFlags(0b1_0011),
    };
    let table_miss = FlowRule::new(0, Pattern::new(), vec![output(PortNo::CONTROLLER, 128)]);
    let modify = rule(0x8000, arp(), PortNo::ALL).with_cookie(Cookie(5));
    let delete_all = FlowRule {
        table: TableId::ALL,
        ..FlowRule::new(0x8000, Pattern::new(), vec![])
    };
    all.extend([
        (
            "flow_mod_add_every_instruction",
            FlowMod {
                buffer_id: Some(BufferId(0x222)),
                ..FlowMod::add(every_instruction)
            },
        ),
        ("flow_mod_add_table_miss", FlowMod::add(table_miss)),
        (
            "flow_mod_modify",
            FlowMod {
                cookie_mask: 0xff,
                ..FlowMod::new(FlowCommand::Modify, modify)
            },
        ),
        (
            "flow_mod_modify_strict",
            FlowMod::modify_strict(rule(0x8000, udp(), PortNo::IN_PORT)),
        ),
        (
            "flow_mod_delete_all",
            FlowMod::new(FlowCommand::Delete, delete_all),
        ),
        (
            "flow_mod_delete_strict",
            FlowMod {
                out_port: Some(PortNo(7)),
                out_group: Some(GroupId(8)),
                ..FlowMod::delete_strict(FlowRule::new(0x8000, tcp(), vec![]))
            },
        ),
    ]);
    all
}

fn stats_requests() -> Named<StatsRequest> {
    let some = FlowFilter {
        table: TableId(2),
        out_port: Some(PortNo(4)),
        out_group: Some(GroupId(5)),
        cookie: Cookie(0x1100),
        cookie_mask: 0xff00,
        pattern: udp(),
    };
    vec![
        ("request_desc", StatsRequest::Description),
        ("request_flow_all", StatsRequest::Flows(FlowFilter::all())),
        ("request_flow_some", StatsRequest::Flows(some.clone())),
        ("request_aggregate", StatsRequest::Aggregate(some)),
        ("request_table", StatsRequest::Tables),
        ("request_port", StatsRequest::Ports(PortNo::ANY)),
        ("request_port_desc", StatsRequest::PortDescription),
        (
            "request_group_desc",
            StatsRequest::Unknown {
                stats_type: 7,
                body: Bytes::new(),
            },
        ),
        (
            "request_queue",
            StatsRequest::Unknown {
                stats_type: 5,
                body: unhex("0000000100000002"),
            },
        ),
    ]
}

/// The first part of a request for more tables: only whole messages are requests to the model.
fn table_features() -> ToSwitch {
    let mut body = unhex("000c000100000000").to_vec();
    body.extend(unhex("00400100000000006669727374").iter());
    body.resize(8 + 60, 0);
    body.extend(100_u32.to_be_bytes());
    ToSwitch::Unknown {
        message_type: 18,
        body: body.into(),
    }
}

fn port(number: PortNo, last: u8, name: &str, config: u32, state: u32) -> Port {
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
pub(super) fn from_switch() -> Named<FromSwitch> {
    let mut all = vec![
        (
            "hello_bitmap",
            FromSwitch::Hello {
                bitmap: Some(vec![1, 4]),
                header_version: 4,
            },
        ),
        (
            "hello",
            FromSwitch::Hello {
                bitmap: None,
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
            "role_reply",
            FromSwitch::Unknown {
                message_type: 25,
                body: unhex("00000003000000000000000000000003"),
            },
        ),
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
    let replies = stats_replies().into_iter();
    all.extend(replies.map(|(name, body)| {
        let more = name == "reply_flow_more";
        (name, FromSwitch::Stats { more, body })
    }));
    all
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
    let description = Description {
        manufacturer: "Maker".to_owned(),
        hardware: "Hardware".to_owned(),
        software: "Software 1.3".to_owned(),
        serial: "None".to_owned(),
        datapath: "switch seven".to_owned(),
    };
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
        ("reply_desc", StatsReply::Description(description)),
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
        ("reply_port", StatsReply::Ports(port_stats())),
        ("reply_port_desc", StatsReply::PortDescription(ports)),
        (
            "reply_queue",
            StatsReply::Unknown {
                stats_type: 5,
                body: unhex(concat!(
                    "0000000100000002",
                    "000000000000000300000000000000040000000000000005",
                    "0000000600000007"
                )),
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

fn port_stats() -> Vec<PortStats> {
    let all = PortStats {
        port: PortNo(1),
        rx_packets: Some(101),
        tx_packets: Some(102),
        rx_bytes: Some(103),
        tx_bytes: Some(104),
        rx_dropped: Some(105),
        tx_dropped: Some(106),
        rx_errors: Some(107),
        tx_errors: Some(108),
        rx_frame_errors: Some(109),
        rx_overrun_errors: Some(110),
        rx_crc_errors: Some(111),
        collisions: Some(112),
        duration_ns: Some(20_000_000_005),
    };
    let few = PortStats {
        port: PortNo::LOCAL,
        rx_packets: Some(1),
        tx_packets: Some(2),
        rx_bytes: Some(3),
        tx_bytes: Some(4),
        rx_dropped: None,
        tx_dropped: None,
        rx_errors: None,
        tx_errors: None,
        rx_frame_errors: None,
        rx_overrun_errors: None,
        rx_crc_errors: None,
        collisions: None,
        duration_ns: None,
    };
    vec![all, few]
}
