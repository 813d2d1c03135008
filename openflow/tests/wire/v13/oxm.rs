//! Matches and set-field actions that a careless or hostile sender makes.

use bytes::Bytes;
use godwit_openflow::DecodeError;
use godwit_openflow::error::Problem;
use godwit_openflow::model::{Action, Field, FlowMod, Instruction, Pattern, RawOxm, ToSwitch};
use godwit_openflow::types::PortNo;

use super::V13;
use crate::common::{decode_to, hex, unhex};

/// Where the match of a FLOW_MOD begins, and its first field.
const MATCH: usize = 48;
const FIELDS: usize = MATCH + 4;

/// A FLOW_MOD with these match fields, and these instructions.
fn flow_mod_bytes(fields: &str, instructions: &str) -> Bytes {
    let head = hex(&V13.vector("flow_mod_delete_all")[4..MATCH]);
    let length = 4 + fields.len() / 2;
    let pad = "00".repeat(length.next_multiple_of(8) - length);
    let body = format!("{head}0001{length:04x}{fields}{pad}{instructions}");
    unhex(&format!("040e{:04x}{body}", 4 + body.len() / 2))
}

fn flow_mod(bytes: Bytes) -> Result<FlowMod, DecodeError> {
    match decode_to(bytes)? {
        ToSwitch::FlowMod(change) => Ok(change),
        other => panic!("{other:?}"),
    }
}

fn pattern(fields: &str) -> Result<Pattern, DecodeError> {
    flow_mod(flow_mod_bytes(fields, "")).map(|change| change.rule.pattern)
}

fn refused(fields: &str) -> (&'static str, usize, Problem) {
    let error = pattern(fields).unwrap_err();
    (error.field, error.offset - FIELDS, error.problem)
}

fn actions(actions: &str) -> Result<Vec<Action>, DecodeError> {
    let length = 8 + actions.len() / 2;
    let change = flow_mod(flow_mod_bytes(
        "",
        &format!("0004{length:04x}00000000{actions}"),
    ))?;
    match change.rule.instructions.as_slice() {
        [Instruction::ApplyActions(actions)] => Ok(actions.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn fields_may_come_in_any_order_and_go_out_in_that_of_their_numbers() {
    let sorted = "800000040000000380000a020800800014010680001a020050";
    let shuffled = "80001a0200508000140106800000040000000380000a020800";
    let expected = Pattern::new()
        .in_port(PortNo(3))
        .eth_type(0x0800)
        .with(Field::IpProto, 6)
        .with(Field::TcpSrc, 0x50);
    assert_eq!(pattern(shuffled), Ok(expected));
    let change = flow_mod(flow_mod_bytes(shuffled, "")).unwrap();
    let written = V13.encode(&ToSwitch::FlowMod(change)).unwrap();
    assert_eq!(hex(&written), hex(&flow_mod_bytes(sorted, "")));
}

#[test]
fn a_field_twice_is_an_error_even_where_its_mask_is_zero() {
    let in_port = "8000000400000003";
    assert_eq!(
        refused(&format!("{in_port}{in_port}")),
        ("in_port", 8, Problem::Duplicate)
    );
    let anything = "8000070c000000000000000000000000";
    assert_eq!(
        refused(&format!("{anything}{anything}")),
        ("eth_dst", 16, Problem::Duplicate)
    );
    let register = "000100040000002a";
    let error = refused(&format!("{register}{in_port}{register}"));
    assert_eq!(error, ("match.oxm_fields", 0, Problem::Duplicate));
}

#[test]
fn experimenters_may_use_the_same_number() {
    let fields = "ffff0208000000010000002affff0208000000020000002a";
    assert_eq!(pattern(fields).unwrap().unknown().len(), 2);
    let fields = "ffff0208000000010000002affff0208000000010000002b";
    assert_eq!(refused(fields).2, Problem::Duplicate);
}

#[test]
fn a_mask_where_the_specification_has_none_is_kept_as_it_came() {
    for field in ["8000010800000003ffffffff", "80001d040050fff0"] {
        let pattern = pattern(field).unwrap();
        assert_eq!(pattern.fields().count(), 0);
        assert!(pattern.unknown()[0].has_mask);
        let mut message = bytes::BytesMut::new();
        let rule = godwit_openflow::model::FlowRule::new(1, pattern, Vec::new());
        let change =
            godwit_openflow::model::ToSwitch::FlowMod(godwit_openflow::model::FlowMod::add(rule));
        let (version, xid) = (
            godwit_openflow::types::Version::V13,
            godwit_openflow::types::Xid(1),
        );
        godwit_openflow::codec::encode_to_switch(version, xid, &change, &mut message).unwrap();
        let hex: String = message.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(hex.contains(field), "{hex}");
    }
}

#[test]
fn a_mask_of_zero_requires_nothing_and_a_full_one_is_none() {
    assert_eq!(
        pattern("8000070c020000000001000000000000"),
        Ok(Pattern::new())
    );
    let exact = Pattern::new().with(Field::EthDst, 0x0200_0000_0001);
    assert_eq!(pattern("8000070c020000000001ffffffffffff"), Ok(exact));
}

#[test]
fn value_bits_outside_the_mask_mean_nothing() {
    let expected = Pattern::new().with_masked(Field::Ipv4Dst, 0x0a00_0000, 0xff00_0000);
    assert_eq!(pattern("800019080a010203ff000000"), Ok(expected));
}

#[test]
fn value_bits_beyond_the_width_that_count_are_an_error() {
    assert_eq!(
        refused("80000c022007"),
        ("vlan_vid", 4, Problem::Value(0x2007))
    );
    assert_eq!(refused("80000e0108"), ("vlan_pcp", 4, Problem::Value(8)));
    assert_eq!(
        refused("80000d0430073fff"),
        ("vlan_vid", 4, Problem::Value(0x3007))
    );
    let expected = Pattern::new().with(Field::VlanVid, 0x1007);
    assert_eq!(
        pattern("80000d041007ffff"),
        Ok(expected),
        "a mask may ask for zeros there"
    );
}

#[test]
fn a_payload_of_another_length_is_an_error() {
    assert_eq!(
        refused("80000003000003"),
        ("oxm_length", 3, Problem::Length(3))
    );
    assert_eq!(refused("80000000"), ("oxm_length", 3, Problem::Length(0)));
    assert_eq!(
        refused("80000706020000000001"),
        ("oxm_length", 3, Problem::Length(6))
    );
    assert_eq!(
        refused("8000000500000003aa"),
        ("oxm_length", 3, Problem::Length(5))
    );
    assert_eq!(
        refused("000100ff00"),
        ("oxm_length", 3, Problem::Length(255))
    );
    assert_eq!(
        refused("800000"),
        ("oxm_length", 3, Problem::Truncated { needed: 1, left: 0 })
    );
}

#[test]
fn unknown_fields_are_kept_with_whatever_length_they_have() {
    let raw = |class, field, payload: &'static [u8]| RawOxm {
        class,
        field,
        has_mask: false,
        payload: Bytes::from_static(payload),
    };
    let pattern = pattern("8000500101ffff02010000010000").unwrap();
    assert_eq!(
        pattern.unknown(),
        [
            raw(0x8000, 40, &[1]),
            raw(0xffff, 1, &[0]),
            raw(0x0001, 0, &[])
        ]
    );
}

#[test]
fn a_match_of_another_type_or_a_wrong_length_is_an_error() {
    let change = |at: usize, new: [u8; 2]| {
        let mut bytes = V13.vector("flow_mod_add_tcp").to_vec();
        bytes[at..at + 2].copy_from_slice(&new);
        let error = flow_mod(bytes.into()).unwrap_err();
        (error.field, error.offset, error.problem)
    };
    assert_eq!(
        change(MATCH, [0, 0]),
        ("match.type", MATCH, Problem::Value(0))
    );
    assert_eq!(
        change(MATCH + 2, [0, 0]),
        ("match.length", MATCH + 2, Problem::Length(0))
    );
    assert_eq!(
        change(MATCH + 2, [0, 3]),
        ("match.length", MATCH + 2, Problem::Length(3))
    );
    assert_eq!(
        change(MATCH + 2, [9, 0]),
        ("match.length", MATCH + 2, Problem::Length(0x900))
    );
}

#[test]
fn a_match_without_its_padding_is_an_error() {
    let whole = flow_mod_bytes("80000a020800", "");
    let mut bytes = whole[..whole.len() - 1].to_vec();
    bytes[3] -= 1;
    let error = flow_mod(bytes.into()).unwrap_err();
    assert_eq!(
        (error.field, error.problem),
        ("match.pad", Problem::Truncated { needed: 6, left: 5 })
    );
}

#[test]
fn a_packet_in_without_its_port_is_an_error() {
    let mut bytes = V13.vector("packet_in_no_match").to_vec();
    // The port's field becomes one of another class.
    bytes[28..30].copy_from_slice(&[0, 1]);
    let error = crate::common::decode_from(bytes.into()).unwrap_err();
    assert_eq!(
        (error.field, error.offset, error.problem),
        ("match.in_port", 24, Problem::Missing)
    );
}

#[test]
fn a_set_field_may_have_no_mask_and_no_more_than_its_padding() {
    let set = Action::SetField {
        field: Field::EthType,
        value: 0x0800,
    };
    assert_eq!(actions("0019001080000a020800000000000000"), Ok(vec![set]));
    let masked = actions("0019001080000d041007ffff00000000").unwrap_err();
    assert_eq!(
        (masked.field, masked.problem),
        ("oxm_hasmask", Problem::Value(1))
    );
    let longer = actions("0019001880000a0208000000000000000000000000000000").unwrap_err();
    assert_eq!(longer.field, "actions.len");
    let shorter = actions("0019000880000a02").unwrap_err();
    assert_eq!(
        (shorter.field, shorter.problem),
        ("oxm_length", Problem::Length(2))
    );
    let wide = actions("0019001080000c022007000000000000").unwrap_err();
    assert_eq!(
        (wide.field, wide.problem),
        ("vlan_vid", Problem::Value(0x2007))
    );
}

#[test]
fn a_wrong_length_of_an_action_or_instruction_is_an_error() {
    for length in [0_u16, 1, 4, 7, 12, 24, 0xfff8] {
        let error = actions(&format!("0016{length:04x}00000001")).unwrap_err();
        assert_eq!(
            (error.field, error.problem),
            ("actions.len", Problem::Length(length.into()))
        );
        let instruction = format!("0006{length:04x}00000001");
        let error = flow_mod(flow_mod_bytes("", &instruction)).unwrap_err();
        assert_eq!(
            (error.field, error.problem),
            ("instructions.len", Problem::Length(length.into()))
        );
    }
    let long_output = actions(&format!("00000018{}", "00".repeat(20))).unwrap_err();
    assert_eq!(
        (long_output.field, long_output.problem),
        ("actions.len", Problem::Length(8))
    );
    let clear_with_action =
        flow_mod(flow_mod_bytes("", "00050010000000000016000800000001")).unwrap_err();
    assert_eq!(clear_with_action.field, "instructions.len");
}

#[test]
fn an_instruction_that_is_not_known_is_kept() {
    let change = flow_mod(flow_mod_bytes("", "fffe001000abcdef0102030405060708")).unwrap();
    let body = unhex("00abcdef0102030405060708");
    let expected = [Instruction::Unknown {
        instruction_type: 0xfffe,
        body,
    }];
    assert_eq!(change.rule.instructions, expected);
}
