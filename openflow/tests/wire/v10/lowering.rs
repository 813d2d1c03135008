//! What 1.0 can't say is refused by name.

mod messages;
mod reports;

use bytes::Bytes;
use godwit_openflow::model::{
    Action, Field, FlowCommand, FlowFlags, FlowMod, FlowRule, Instruction, PacketOut, Pattern,
    RawOxm, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{GroupId, MeterId, PortNo, QueueId, TableId, Version};

use super::V10;
use crate::common::decode_to;

fn ipv4() -> Pattern {
    Pattern::new().eth_type(0x0800)
}

fn add(pattern: Pattern, actions: Vec<Action>) -> FlowMod {
    FlowMod::add(FlowRule::new(1, pattern, actions))
}

/// What is said of a flow-mod that 1.0 has no way to say.
fn refusal(flow_mod: FlowMod) -> String {
    let refused = V10
        .encode(&ToSwitch::FlowMod(flow_mod))
        .expect_err("1.0 can't say this");
    assert_eq!(refused.version, Version::V10);
    refused.what
}

#[test]
fn match_fields_that_1_0_has_not_are_named() {
    let expressible = [
        Field::InPort,
        Field::EthDst,
        Field::EthSrc,
        Field::EthType,
        Field::VlanVid,
        Field::VlanPcp,
        Field::IpDscp,
        Field::IpProto,
        Field::Ipv4Src,
        Field::Ipv4Dst,
        Field::TcpSrc,
        Field::TcpDst,
        Field::UdpSrc,
        Field::UdpDst,
        Field::Icmpv4Type,
        Field::Icmpv4Code,
        Field::ArpOp,
        Field::ArpSpa,
        Field::ArpTpa,
    ];
    for field in Field::all().filter(|field| !expressible.contains(field)) {
        let what = refusal(add(Pattern::new().with(field, 1), vec![]));
        assert_eq!(what, format!("the match field {}", field.name()));
    }
}

#[test]
fn an_unknown_match_field_is_named_by_its_numbers() {
    let mut pattern = Pattern::new();
    pattern.push_unknown(RawOxm {
        class: 0x0001,
        field: 31,
        has_mask: false,
        payload: Bytes::from_static(&[0, 0, 0, 1]),
    });
    assert_eq!(
        refusal(add(pattern, vec![])),
        "the match field 31 of class 0x0001"
    );
}

#[test]
fn a_field_without_what_it_needs_is_refused_with_what_is_missing() {
    let missing = |field: Field, needs: &str| {
        let what = refusal(add(Pattern::new().with(field, 1), vec![]));
        assert_eq!(
            what,
            format!(
                "the match field {} without {needs}: add what is missing to the match",
                field.name()
            )
        );
    };
    for field in [
        Field::IpDscp,
        Field::IpProto,
        Field::Ipv4Src,
        Field::Ipv4Dst,
    ] {
        missing(field, "eth_type=0x0800");
    }
    for field in [Field::ArpOp, Field::ArpSpa, Field::ArpTpa] {
        missing(field, "eth_type=0x0806");
    }
    for (protocol, fields) in [
        (6, [Field::TcpSrc, Field::TcpDst]),
        (17, [Field::UdpSrc, Field::UdpDst]),
        (1, [Field::Icmpv4Type, Field::Icmpv4Code]),
    ] {
        for field in fields {
            missing(field, &format!("eth_type=0x0800 and ip_proto={protocol}"));
        }
    }
    let over_ipv6 = Pattern::new().eth_type(0x86dd).with(Field::IpProto, 6);
    assert!(
        refusal(add(over_ipv6, vec![]))
            .starts_with("the match field ip_proto without eth_type=0x0800")
    );
}

#[test]
fn masks_other_than_prefixes_of_ipv4_addresses_are_refused() {
    let group_bit = Pattern::new().with_masked(Field::EthDst, 1 << 40, 1 << 40);
    assert_eq!(
        refusal(add(group_bit, vec![])),
        "a mask on the match field eth_dst"
    );
    for mask in [0x0000_00ff, 0xff00_ff00, 0xffff_fffe << 1 | 1, 0x7fff_ffff] {
        let pattern = ipv4().with_masked(Field::Ipv4Dst, 0, mask);
        assert_eq!(
            refusal(add(pattern, vec![])),
            "a mask on the match field ipv4_dst that is not a prefix"
        );
    }
    for length in 0..=32 {
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        let pattern = ipv4().with_masked(Field::Ipv4Dst, 0x0a00_0000, mask.into());
        V10.encode(&ToSwitch::FlowMod(add(pattern, vec![])))
            .expect("a prefix");
    }
}

#[test]
fn vlan_matches_that_1_0_has_no_way_to_say_are_refused() {
    let any_tag = Pattern::new().with_masked(Field::VlanVid, 0x1000, 0x1000);
    assert_eq!(
        refusal(add(any_tag, vec![])),
        "a mask on the match field vlan_vid"
    );
    let no_present_bit = Pattern::new().with(Field::VlanVid, 7);
    assert!(refusal(add(no_present_bit, vec![])).contains("vlan_vid=7 without the bit 0x1000"));
    let priority_alone = Pattern::new().with(Field::VlanPcp, 3);
    assert!(refusal(add(priority_alone, vec![])).contains("vlan_pcp without a vlan_vid"));
    let untagged = Pattern::new()
        .with(Field::VlanVid, 0)
        .with(Field::VlanPcp, 3);
    assert!(refusal(add(untagged, vec![])).contains("vlan_pcp without a vlan_vid"));
}

#[test]
fn an_arp_operation_of_more_than_8_bits_is_refused() {
    let pattern = Pattern::new().eth_type(0x0806).with(Field::ArpOp, 256);
    assert_eq!(refusal(add(pattern, vec![])), "the match arp_op=256");
}

#[test]
fn ports_beyond_16_bits_are_refused_wherever_they_stand() {
    for number in [0xff01, 0xfff8, 0xffff, 0x1_0000, 0xffff_0000, 0xffff_ff00] {
        let port = PortNo(number);
        let what = format!("port {number}: its port numbers end at 65280");
        assert_eq!(refusal(add(Pattern::new().in_port(port), vec![])), what);
        assert_eq!(
            refusal(add(Pattern::new(), vec![Action::output(port)])),
            what
        );
        let out_port = FlowMod {
            out_port: Some(port),
            ..add(Pattern::new(), vec![])
        };
        assert_eq!(refusal(out_port), what);
        let request = ToSwitch::stats(StatsRequest::Ports(port));
        assert_eq!(V10.encode(&request).expect_err("no such port").what, what);
    }
}

#[test]
fn actions_that_1_0_has_not_are_named() {
    let cases = [
        (Action::Group(GroupId(1)), "the action group"),
        (Action::PushVlan(0x8100), "the action push_vlan"),
        (Action::PushMpls(0x8847), "the action push_mpls"),
        (Action::PopMpls(0x0800), "the action pop_mpls"),
        (Action::DecNwTtl, "the action dec_nw_ttl"),
        (Action::SetNwTtl(1), "the action set_nw_ttl"),
        (Action::CopyTtlOut, "the action copy_ttl_out"),
        (Action::CopyTtlIn, "the action copy_ttl_in"),
        (Action::SetMplsTtl(1), "the action set_mpls_ttl"),
        (Action::DecMplsTtl, "the action dec_mpls_ttl"),
        (Action::PushPbb(0x88e7), "the action push_pbb"),
        (Action::PopPbb, "the action pop_pbb"),
        (
            Action::Experimenter {
                experimenter: 0x00ab_cdef,
                body: Bytes::from_static(&[0; 4]),
            },
            "the action of experimenter 0x00abcdef with 4 bytes after that number: with 8 before them they have \
             to be a multiple of 8",
        ),
        (
            Action::SetQueue(QueueId(1)),
            "set_queue by itself: use enqueue, which names the port as well",
        ),
        (
            Action::SetField {
                field: Field::Ipv6Dst,
                value: 1,
            },
            "set_field of ipv6_dst",
        ),
        (
            Action::SetField {
                field: Field::SctpDst,
                value: 1,
            },
            "set_field of sctp_dst",
        ),
        (
            Action::SetField {
                field: Field::VlanVid,
                value: 7,
            },
            "set_field of vlan_vid without the bit 0x1000, which says that there is a tag",
        ),
        (
            Action::SetField {
                field: Field::TcpDst,
                value: 0x1_0000,
            },
            "set_field of tcp_dst: the value is too large for it",
        ),
        (
            Action::Unknown {
                action_type: 11,
                body: Bytes::from_static(&[0; 12]),
            },
            "the unknown action of type 11 with 12 bytes",
        ),
        (
            Action::Unknown {
                action_type: 0xffff,
                body: Bytes::from_static(&[0; 12]),
            },
            "the unknown action of type 65535 with 12 bytes",
        ),
        (
            Action::Unknown {
                action_type: 0xfffe,
                body: Bytes::from_static(&[0; 5]),
            },
            "the unknown action of type 65534 with 5 bytes",
        ),
    ];
    for (action, what) in cases {
        assert_eq!(refusal(add(Pattern::new(), vec![action.clone()])), what);
        let packet = PacketOut {
            actions: vec![action],
            ..PacketOut::to_port(PortNo(1), Bytes::new())
        };
        assert_eq!(
            V10.encode(&ToSwitch::PacketOut(packet))
                .expect_err("1.0 can't")
                .what,
            what
        );
    }
}

#[test]
fn a_transport_field_must_not_contradict_the_match() {
    let set = |field| vec![Action::SetField { field, value: 53 }];
    let of_udp = ipv4().with(Field::IpProto, 17);
    assert_eq!(
        refusal(add(of_udp.clone(), set(Field::TcpDst))),
        "set_field of tcp_dst where the match has another ip_proto than 6"
    );
    V10.encode(&ToSwitch::FlowMod(add(of_udp, set(Field::UdpDst))))
        .expect("the same protocol");
    V10.encode(&ToSwitch::FlowMod(add(ipv4(), set(Field::TcpDst))))
        .expect("no protocol");
}

#[test]
fn instructions_other_than_one_apply_actions_are_named() {
    let apply = || Instruction::ApplyActions(vec![Action::output(PortNo(1))]);
    let cases = [
        (vec![Instruction::GotoTable(TableId(1))], "goto_table"),
        (
            vec![apply(), Instruction::GotoTable(TableId(1))],
            "goto_table",
        ),
        (
            vec![Instruction::WriteMetadata { value: 1, mask: 1 }],
            "write_metadata",
        ),
        (vec![Instruction::WriteActions(vec![])], "write_actions"),
        (vec![Instruction::ClearActions], "clear_actions"),
        (vec![Instruction::Meter(MeterId(1)), apply()], "meter"),
        (vec![apply(), apply()], "apply_actions, a second time"),
        (
            vec![Instruction::Experimenter {
                experimenter: 1,
                body: Bytes::new(),
            }],
            "of an experimenter",
        ),
        (
            vec![Instruction::Unknown {
                instruction_type: 7,
                body: Bytes::new(),
            }],
            "of an unknown type",
        ),
    ];
    for (instructions, name) in cases {
        let mut flow_mod = add(Pattern::new(), vec![]);
        flow_mod.rule.instructions = instructions;
        assert!(
            refusal(flow_mod).starts_with(&format!("the instruction {name}:")),
            "{name}"
        );
    }
}

#[test]
fn conditions_that_a_flow_mod_of_1_0_has_not_are_refused() {
    let delete = |rule| FlowMod::new(FlowCommand::Delete, rule);
    let rule = || FlowRule::new(1, Pattern::new(), vec![]);
    for flow_mod in [delete(rule()), FlowMod::add(rule())] {
        let masked = FlowMod {
            cookie_mask: 1,
            ..flow_mod
        };
        assert!(refusal(masked).starts_with("cookie_mask:"));
    }
    assert!(
        refusal(FlowMod {
            out_group: Some(GroupId(1)),
            ..delete(rule())
        })
        .starts_with("out_group:")
    );
    V10.encode(&ToSwitch::FlowMod(FlowMod {
        out_group: Some(GroupId::ANY),
        ..delete(rule())
    }))
    .expect("no condition");
    let in_table_1 = FlowRule {
        table: TableId(1),
        ..rule()
    };
    assert_eq!(
        refusal(FlowMod::add(in_table_1)),
        "table 1 in a FLOW_MOD: there is only table 0"
    );
    let in_all = || FlowRule {
        table: TableId::ALL,
        ..rule()
    };
    assert!(refusal(FlowMod::add(in_all())).starts_with("table 255"));
    V10.encode(&ToSwitch::FlowMod(delete(in_all())))
        .expect("a delete looks through all tables");
    assert_eq!(
        refusal(FlowMod::add(rule().with_flags(FlowFlags(1 << 3)))),
        "the flow flags 0x0008"
    );
}

#[test]
fn the_flag_that_resets_counts_is_never_sent_since_it_would_mean_an_emergency_flow() {
    let flags = FlowFlags::RESET_COUNTS.with(FlowFlags::SEND_FLOW_REMOVED);
    let rule = FlowRule::new(1, Pattern::new(), vec![]).with_flags(flags);
    let bytes = V10
        .encode(&ToSwitch::FlowMod(FlowMod::add(rule)))
        .expect("expressible");
    assert_eq!(bytes[70..72], [0, 1]);
}

#[test]
fn a_packet_from_the_controller_came_in_on_no_port() {
    let packet = PacketOut::to_port(PortNo(1), Bytes::from_static(b"frame"));
    assert_eq!(packet.in_port, PortNo::CONTROLLER);
    let bytes = V10
        .encode(&ToSwitch::PacketOut(packet.clone()))
        .expect("expressible");
    assert_eq!(bytes[12..14], [0xff, 0xff]);
    assert_eq!(decode_to(bytes), Ok(ToSwitch::PacketOut(packet)));
}

#[test]
fn a_message_beyond_the_length_field_is_refused_and_leaves_the_buffer_alone() {
    let body = Bytes::from(vec![0; 65_528]);
    assert!(V10.encode(&ToSwitch::EchoRequest(body)).is_err());
    let most = Bytes::from(vec![0; 65_527]);
    assert!(V10.encode(&ToSwitch::EchoRequest(most)).is_ok());
    let actions = vec![Action::PopVlan; 8_192];
    assert!(
        V10.encode(&ToSwitch::FlowMod(add(Pattern::new(), actions)))
            .is_err()
    );
}
