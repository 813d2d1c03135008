//! The messages to a switch.

use bytes::Bytes;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    Field, FlowCommand, FlowFlags, FlowMod, FlowRule, PacketOut, Pattern, PortMod, StatsRequest,
    SwitchConfig, ToSwitch,
};
use godwit_openflow::types::{BufferId, Cookie, GroupId, PortNo, TableId};

use super::{
    arp, error, every_instruction, frame, group, meter, queue, role, rule, table, tcp, udp,
    unknown_fields,
};
use crate::common::Named;
use crate::common::expected::{mac, output, set};

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

/// The messages to a switch.
pub(crate) fn messages() -> Named<ToSwitch> {
    let mut all = vec![
        ("hello_bitmap", ToSwitch::hello(Some(vec![1, 4]))),
        ("hello", ToSwitch::hello(None)),
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
            "port_mod",
            ToSwitch::PortMod(PortMod {
                port: PortNo(3),
                mac: mac(3),
                config: 1 << 5,
                mask: 1 << 5 | 1,
                advertise: 0x20,
            }),
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
    let requests = [
        stats_requests(),
        group::requests(),
        meter::requests(),
        queue::requests(),
        table::requests(),
    ];
    all.extend(requests.into_iter().flatten().map(|(name, body)| {
        let more = name.ends_with("_more");
        (name, ToSwitch::StatsRequest { more, body })
    }));
    all.extend(group::changes());
    all.extend(meter::changes());
    all.extend(queue::to_switch());
    all.extend(role::to_switch());
    all.extend(table::changes());
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
            "request_experimenter",
            StatsRequest::Experimenter {
                experimenter: 0x00ab_cdef,
                exp_type: 7,
                body: Bytes::from("some data"),
            },
        ),
    ]
}
