//! `ovs-ofctl ofp-print` reads what is written here, and prints what was meant.

use godwit_openflow::model::{
    Action, Field, FlowMod, FlowRule, FromSwitch, Pattern, StatsReply, TableProperty, ToSwitch,
};
use godwit_openflow::types::{GroupId, PortNo, QueueId};

use super::{V13, expected};
use crate::common::ovs::{accepted, check_all, check_meanings};

/// Messages with something that Open vSwitch doesn't have: this experimenter, the fields IN_PHY_PORT,
/// PBB_ISID and IPV6_EXTHDR, the action COPY_TTL_OUT, a table without any property.
const FOREIGN: [&str; 12] = [
    "experimenter",
    "flow_mod_add_sctp",
    "flow_mod_add_pbb",
    "flow_mod_add_neighbour",
    "flow_mod_add_every_instruction",
    "meter_mod_add",
    "reply_experimenter",
    "reply_flow_more",
    "reply_table_features_more",
    "reply_table_features_experimenters",
    "request_experimenter",
    "request_table_features_more",
];

#[test]
fn open_vswitch_accepts_every_message_of_the_corpus() {
    check_all(V13, expected::to_switch(), &FOREIGN);
    check_all(V13, expected::from_switch(), &FOREIGN);
}

#[test]
fn open_vswitch_prints_what_was_meant() {
    let meanings = [
        (
            "flow_mod_add_tcp",
            "ADD tcp,in_port=3,dl_vlan=100,dl_vlan_pcp=5,dl_src=02:00:00:00:00:01,\
             dl_dst=02:00:00:00:00:00/fe:ff:00:00:00:00,nw_src=10.1.0.0/16,nw_dst=10.2.0.7,nw_tos=184,\
             nw_ecn=1,tp_src=1234,tp_dst=80 actions=output:2",
        ),
        (
            "flow_mod_add_table_miss",
            "ADD priority=0 actions=CONTROLLER:128",
        ),
        (
            "flow_mod_add_unknown_fields",
            "actset_output=4,reg0=0x2a,reg1=0x100/0xff00,in_port=1",
        ),
        ("flow_mod_add_vlan_present", "vlan_tci=0x1000/0x1000"),
        (
            "flow_mod_add_advertisement",
            "icmp6,icmp_type=136,nd_tll=02:00:00:00:00:02",
        ),
        (
            "flow_mod_modify",
            "MOD arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.0/24,arp_op=1",
        ),
        ("flow_mod_modify", "cookie:0x5/0xff actions=ALL"),
        ("flow_mod_delete_all", "DEL table:255 actions=drop"),
        ("flow_mod_delete_strict", "DEL_STRICT tcp,in_port=3"),
        (
            "packet_out_buffer",
            "in_port=5 actions=set_field:4103->vlan_vid,TABLE buffer=0x00000111",
        ),
        (
            "request_flow_some",
            "table=2 out_port=4 udp,nw_dst=10.0.0.1/255.0.0.255,tp_src=68,tp_dst=67",
        ),
        ("hello_bitmap", "version bitmap: 0x01, 0x04"),
        (
            "group_mod",
            "ADD group_id=1,type=select,bucket=actions=output:2",
        ),
        (
            "group_mod_modify_failover",
            "MOD group_id=119,type=ff,bucket=watch_port:1,actions=pop_vlan,output:1,\
             bucket=watch_group:120,actions=group:120,bucket=watch_port:3,watch_group:121,actions=drop",
        ),
        ("meter_mod_modify", "MOD meter=controller pktps bands="),
        ("meter_mod_modify", "type=drop rate=1000"),
        ("port_mod", "port: 3: addr:02:00:00:00:00:03"),
        ("port_mod", "mask:   PORT_DOWN NO_FWD"),
        ("table_mod", "table_id: ALL_TABLES"),
        ("queue_get_config_request", "port=7"),
        ("role_request", "role=primary generation_id=3"),
        ("set_async", "PORT_STATUS: add delete\n"),
        ("request_queue", "port=1 queue=2"),
        ("request_group", "group_id=ALL"),
        ("request_meter_config", "meter=all"),
    ];
    check_meanings(V13, &expected::to_switch(), &meanings);
}

#[test]
fn open_vswitch_reads_the_same_fields_of_ipv6_and_the_same_actions() {
    let pattern = Pattern::new()
        .eth_type(0x86dd)
        .with(Field::IpProto, 58)
        .with_masked(Field::Ipv6Src, 0x2001_0db8 << 96, 0xffff_ffff << 96)
        .with_masked(Field::Ipv6Flabel, 0x12300, 0xfff00)
        .with(Field::Icmpv6Type, 135)
        .with(Field::Ipv6NdTarget, 0x2001_0db8 << 96 | 1)
        .with(Field::Ipv6NdSll, 0x0200_0000_0001);
    let actions = vec![
        Action::PushVlan(0x8100),
        Action::SetField {
            field: Field::VlanVid,
            value: 0x1007,
        },
        Action::PopVlan,
        Action::SetQueue(QueueId(9)),
        Action::SetNwTtl(63),
        Action::DecNwTtl,
        Action::SetField {
            field: Field::Ipv6Dst,
            value: 0x2001_0db8 << 96 | 7,
        },
        Action::Group(GroupId(0x77)),
        Action::output(PortNo::CONTROLLER),
    ];
    let message = ToSwitch::FlowMod(FlowMod::add(FlowRule::new(7, pattern, actions)));
    let Some(text) = accepted(
        "a rule for IPv6",
        &V13.encode(&message).expect("expressible"),
    ) else {
        return;
    };
    let meaning = "ADD priority=7,icmp6,ipv6_src=2001:db8::/32,ipv6_label=0x12300/0xfff00,icmp_type=135,\
                   nd_target=2001:db8::1,nd_sll=02:00:00:00:00:01 actions=push_vlan:0x8100,\
                   set_field:4103->vlan_vid,pop_vlan,set_queue:9,mod_nw_ttl:63,dec_ttl,\
                   set_field:2001:db8::7->ipv6_dst,group:119,CONTROLLER:65535";
    assert!(text.contains(meaning), "{text}");
}

#[test]
fn open_vswitch_reads_the_same_statistics() {
    let meanings = [
        (
            "reply_aggregate",
            "packet_count=1000 byte_count=100000 flow_count=10",
        ),
        (
            "reply_port",
            "rx pkts=101, bytes=103, drop=105, errs=107, frame=109, over=110, crc=111",
        ),
        ("reply_port", "duration=20.000000005s"),
        ("reply_desc", "Software: Software 1.3"),
        ("reply_table", "active=3, lookup=500, matched=400"),
        (
            "flow_removed",
            "reason=hard table_id=2 cookie:0x1122334455667788 duration600.500s idle60 hard600",
        ),
        (
            "packet_in_no_match",
            "cookie=0xee total_len=64 in_port=3 (via no_match) data_len=64 (unbuffered)",
        ),
        ("port_status", "MOD: 2(s7-eth2): addr:02:00:00:00:00:02"),
        (
            "reply_group",
            "group_id=119,duration=20.000000005s,ref_count=3,packet_count=30,byte_count=3000,\
             bucket0:packet_count=10,byte_count=1000,bucket1:packet_count=20,byte_count=2000",
        ),
        (
            "reply_group_desc",
            "group_id=119,type=select,bucket=weight:3,actions=set_field:4103->vlan_vid,output:1,\
             bucket=watch_port:2,watch_group:120,actions=drop",
        ),
        ("reply_group_features", "max_groups=0x12c"),
        (
            "reply_meter",
            "meter:5 flow_count:4 packet_in_count:1000 byte_in_count:100000 duration:20.000000005s",
        ),
        (
            "reply_meter_config",
            "type=dscp_remark rate=100000 prec_level=1",
        ),
        (
            "reply_meter_features",
            "max_meter:1000 max_bands:8 max_color:2",
        ),
        (
            "reply_queue",
            "port 1 queue 2: bytes=3, pkts=4, errors=5, duration=6.000000007s",
        ),
        (
            "reply_queue",
            "port 1 queue 3: bytes=?, pkts=?, errors=?, duration=?",
        ),
        ("queue_get_config_reply", "min_rate:10.0% max_rate:90.0%"),
        ("role_reply", "role=secondary generation_id=3"),
    ];
    check_meanings(V13, &expected::from_switch(), &meanings);
}

#[test]
fn open_vswitch_reads_a_table_with_every_property_but_those_of_experimenters() {
    let Some((_, FromSwitch::Stats { body, .. })) = expected::from_switch()
        .into_iter()
        .find(|(name, _)| *name == "reply_table_features_more")
    else {
        panic!("a vector");
    };
    let StatsReply::TableFeatures(mut tables) = body else {
        panic!("features of tables");
    };
    tables.remove(0);
    tables[0]
        .properties
        .retain(|property| !matches!(property, TableProperty::Experimenter { .. }));
    let reply = FromSwitch::Stats {
        more: false,
        body: StatsReply::TableFeatures(tables),
    };
    let Some(text) = accepted("a table", &V13.encode(&reply).expect("expressible")) else {
        return;
    };
    for meaning in [
        "table 2 (\"second\")",
        "metadata: match=0xffffffff00000000 write=0xffffffff",
        "next tables: 2-4,253-254",
        "instructions: meter apply_actions goto_table",
        "actions: output set_field",
    ] {
        assert!(text.contains(meaning), "{text}");
    }
}
