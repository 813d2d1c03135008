//! What a switch means by a match that says more, or less, than it seems to.

use bytes::{Bytes, BytesMut};
use godwit_openflow::error::Problem;
use godwit_openflow::model::{Action, Field, FlowMod, Instruction, Pattern, ToSwitch};
use godwit_openflow::types::PortNo;
use proptest::prelude::*;

use super::V10;
use crate::common::decode_to;

/// Where the fields of `ofp_match` stand in a FLOW_MOD.
const WILDCARDS: usize = 8;
const IN_PORT: usize = 12;
const DL_VLAN: usize = 26;
const DL_VLAN_PCP: usize = 28;
const DL_TYPE: usize = 30;
const NW_PROTO: usize = 33;
const NW_SRC: usize = 36;
const TP_SRC: usize = 44;
/// Where the flags of a FLOW_MOD stand.
const FLAGS: usize = 70;

/// The vector of this name with some bytes changed.
fn changed(name: &str, changes: &[(usize, &[u8])]) -> Bytes {
    let mut bytes = BytesMut::from(&V10.vector(name)[..]);
    for (at, new) in changes {
        bytes[*at..at + new.len()].copy_from_slice(new);
    }
    bytes.freeze()
}

fn flow_mod(bytes: Bytes) -> FlowMod {
    match decode_to(bytes) {
        Ok(ToSwitch::FlowMod(flow_mod)) => flow_mod,
        other => panic!("not a flow-mod: {other:?}"),
    }
}

fn pattern(changes: &[(usize, &[u8])]) -> Pattern {
    flow_mod(changed("flow_mod_add_tcp", changes)).rule.pattern
}

#[test]
fn without_an_ethertype_the_network_fields_are_dropped() {
    // Everything compared but dl_type.
    let raised = pattern(&[(WILDCARDS, &[0, 0, 0, 0x10])]);
    assert_eq!(raised.get(Field::EthType), None);
    for field in [
        Field::Ipv4Src,
        Field::Ipv4Dst,
        Field::IpDscp,
        Field::IpProto,
        Field::TcpSrc,
        Field::TcpDst,
    ] {
        assert_eq!(raised.get(field), None, "{}", field.name());
    }
    assert_eq!(raised.exact(Field::InPort), Some(3));
}

#[test]
fn with_an_ethertype_that_is_neither_ipv4_nor_arp_the_network_fields_are_dropped() {
    let raised = pattern(&[(WILDCARDS, &[0, 0, 0, 0]), (DL_TYPE, &[0x88, 0xcc])]);
    let fields: Vec<Field> = raised.fields().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        [
            Field::InPort,
            Field::EthDst,
            Field::EthSrc,
            Field::EthType,
            Field::VlanVid,
            Field::VlanPcp
        ]
    );
}

#[test]
fn without_a_protocol_the_ports_are_dropped() {
    let raised = pattern(&[(WILDCARDS, &[0, 0, 0, 0x20])]);
    assert_eq!(raised.exact(Field::Ipv4Dst), Some(0x0a02_0007));
    assert_eq!(raised.get(Field::IpProto), None);
    assert_eq!(raised.get(Field::TcpSrc), None);
}

#[test]
fn a_protocol_without_ports_has_its_ports_dropped() {
    let raised = pattern(&[(WILDCARDS, &[0, 0, 0, 0]), (NW_PROTO, &[47])]);
    assert_eq!(raised.exact(Field::IpProto), Some(47));
    assert_eq!(
        raised
            .fields()
            .filter(|(field, _)| field.number() > Field::Ipv4Dst.number())
            .count(),
        0
    );
}

#[test]
fn the_ports_of_sctp_are_raised_so_that_the_match_grows_no_wider_than_the_switch_may_mean_it() {
    let bytes = changed("flow_mod_add_tcp", &[(NW_PROTO, &[132])]);
    let flow_mod = flow_mod(bytes);
    assert_eq!(flow_mod.rule.pattern.exact(Field::SctpSrc), Some(1234));
    assert_eq!(flow_mod.rule.pattern.exact(Field::SctpDst), Some(80));
    let refused = V10
        .encode(&ToSwitch::FlowMod(flow_mod))
        .expect_err("not in 1.0");
    assert_eq!(refused.what, "the match field sctp_src");
}

#[test]
fn the_lower_bits_of_the_type_of_service_are_ignored() {
    let raised = pattern(&[(32, &[0xbb])]);
    assert_eq!(raised.exact(Field::IpDscp), Some(46));
}

#[test]
fn the_address_bits_beyond_the_prefix_are_ignored() {
    let raised = pattern(&[(NW_SRC, &[10, 1, 2, 3])]);
    let masked = raised.get(Field::Ipv4Src).expect("compared");
    assert_eq!((masked.value(), masked.mask()), (0x0a01_0000, 0xffff_0000));
}

#[test]
fn thirty_two_ignored_address_bits_or_more_are_all() {
    for ignored in 32..64_u32 {
        let wildcards = ignored << 8;
        let raised = pattern(&[(WILDCARDS, &wildcards.to_be_bytes())]);
        assert_eq!(raised.get(Field::Ipv4Src), None, "{ignored}");
        assert_eq!(raised.exact(Field::Ipv4Dst), Some(0x0a02_0007));
    }
}

#[test]
fn wildcard_bits_that_mean_nothing_are_ignored() {
    let raised = flow_mod(changed("flow_mod_delete_all", &[(WILDCARDS, &[0xff; 4])]))
        .rule
        .pattern;
    assert!(raised.is_empty());
}

#[test]
fn an_untagged_packet_has_no_priority() {
    let raised = pattern(&[(DL_VLAN, &[0xff, 0xff])]);
    assert_eq!(raised.exact(Field::VlanVid), Some(0));
    assert_eq!(raised.get(Field::VlanPcp), None);
}

#[test]
fn values_that_no_packet_can_have_are_errors_at_their_place() {
    for (name, at, bytes, value) in [
        ("dl_vlan", DL_VLAN, &[0x10, 0x00][..], 0x1000),
        ("dl_vlan_pcp", DL_VLAN_PCP, &[8][..], 8),
    ] {
        let error = decode_to(changed("flow_mod_add_tcp", &[(at, bytes)])).expect_err(name);
        assert_eq!(
            (error.field, error.offset, error.problem),
            (name, at, Problem::Value(value))
        );
    }
    let icmp = changed("flow_mod_add_icmp_drop", &[(TP_SRC, &[1, 0])]);
    let error = decode_to(icmp).expect_err("an ICMP type of more than 8 bits");
    assert_eq!(
        (error.field, error.offset, error.problem),
        ("tp_src", TP_SRC, Problem::Value(256))
    );
}

#[test]
fn reserved_ports_have_the_numbers_of_1_3() {
    let reserved = [
        PortNo::IN_PORT,
        PortNo::TABLE,
        PortNo::NORMAL,
        PortNo::FLOOD,
        PortNo::ALL,
        PortNo::CONTROLLER,
        PortNo::LOCAL,
        PortNo::ANY,
    ];
    for (number, port) in (0xfff8..=0xffff_u16).zip(reserved) {
        let raised = pattern(&[(IN_PORT, &number.to_be_bytes())]);
        assert_eq!(raised.exact(Field::InPort), Some(port.0.into()));
    }
    assert_eq!(
        pattern(&[(IN_PORT, &[0xff, 0x00])]).exact(Field::InPort),
        Some(0xff00)
    );
}

#[test]
fn numbers_beyond_the_last_port_that_mean_nothing_have_such_numbers_in_1_3() {
    for number in 0xff01..0xfff8_u16 {
        let raised = pattern(&[(IN_PORT, &number.to_be_bytes())]);
        let port = 0xffff_0000 | u128::from(number);
        assert_eq!(raised.exact(Field::InPort), Some(port));
        assert!(port > PortNo::MAX.0.into());
    }
}

#[test]
fn every_port_number_is_written_as_it_was_read() {
    for number in (0..0xff00_u16).step_by(61).chain(0xff00..=u16::MAX) {
        let bytes = changed("port_mod", &[(8, &number.to_be_bytes())]);
        let message = decode_to(bytes.clone()).expect("a port-mod");
        assert_eq!(V10.encode(&message), Ok(bytes));
        let bytes = changed("stats_request_queue", &[(12, &number.to_be_bytes())]);
        let message = decode_to(bytes.clone()).expect("a request");
        assert_eq!(V10.encode(&message), Ok(bytes));
    }
}

#[test]
fn flags_that_the_model_has_no_word_for_keep_a_flow_mod_as_bytes() {
    for flags in (0..64_u16).chain((64..=u16::MAX).step_by(61)) {
        let bytes = changed("flow_mod_add_tcp", &[(FLAGS, &flags.to_be_bytes())]);
        let message = decode_to(bytes.clone()).expect("a flow-mod");
        match &message {
            ToSwitch::FlowMod(flow_mod) => assert_eq!(flow_mod.rule.flags.0, flags),
            ToSwitch::Unknown { message_type, .. } => {
                assert_eq!((*message_type, flags > 3), (14, true))
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(V10.encode(&message), Ok(bytes));
    }
}

#[test]
fn an_emergency_flow_is_read_with_the_same_care_as_others() {
    let emergency = [0, 4];
    let wrong = changed("flow_mod_add_tcp", &[(FLAGS, &emergency), (74, &[0, 0])]);
    assert_eq!(
        decode_to(wrong).expect_err("an action of no length").field,
        "action len"
    );
}

#[test]
fn a_transport_port_is_written_in_the_field_of_the_flows_protocol() {
    let set_tp = |protocol: u8| {
        let bytes = changed("flow_mod_add_udp_every_action", &[(NW_PROTO, &[protocol])]);
        let Some(Instruction::ApplyActions(actions)) =
            flow_mod(bytes).rule.instructions.into_iter().next()
        else {
            panic!("no actions");
        };
        let fields: Vec<Field> = actions
            .iter()
            .filter_map(|action| match action {
                Action::SetField {
                    field,
                    value: 5353 | 5354,
                } => Some(*field),
                _ => None,
            })
            .collect();
        fields
    };
    assert_eq!(set_tp(6), [Field::TcpSrc, Field::TcpDst]);
    assert_eq!(set_tp(17), [Field::UdpSrc, Field::UdpDst]);
    assert_eq!(set_tp(132), [Field::SctpSrc, Field::SctpDst]);
    assert_eq!(set_tp(2), [Field::TcpSrc, Field::TcpDst]);
}

proptest! {
    /// Whatever a switch compares, the raised pattern says no less of the fields that every packet has.
    #[test]
    fn every_match_is_read_and_what_is_read_is_written_unless_it_is_sctp(
        wildcards in any::<u32>(),
        dl_type in prop::sample::select(vec![0x0800_u16, 0x0806, 0x86dd, 0x05ff]),
        protocol in prop::sample::select(vec![1_u8, 6, 17, 47]),
    ) {
        let bytes = changed("flow_mod_add_tcp", &[
            (WILDCARDS, &wildcards.to_be_bytes()),
            (DL_TYPE, &dl_type.to_be_bytes()),
            (NW_PROTO, &[protocol]),
            (TP_SRC, &[0, 8, 0, 0]),
        ]);
        let flow_mod = flow_mod(bytes);
        let raised = &flow_mod.rule.pattern;
        prop_assert_eq!(raised.get(Field::InPort).is_none(), wildcards & 1 != 0);
        prop_assert_eq!(raised.get(Field::EthType).is_none(), wildcards & 0x10 != 0);
        prop_assert!(raised.check_prerequisites().is_ok());
        let again = V10.encode(&ToSwitch::FlowMod(flow_mod.clone()))?;
        prop_assert_eq!(decode_to(again)?, ToSwitch::FlowMod(flow_mod));
    }
}
