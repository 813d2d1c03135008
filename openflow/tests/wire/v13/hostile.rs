//! Bytes that nobody honest sends: read as an error or as a value, never with a panic, always soon.

use bytes::BytesMut;
use godwit_openflow::model::FromSwitch;
use proptest::prelude::*;

use super::V13;
use crate::common::decode_from;
use crate::common::hostile::{
    CASES, check_cut_anywhere, check_every_16_bits, check_fixed_size, filled, mutated, prolonged,
    random, read_both_ways, with_zeros,
};

#[test]
fn a_message_cut_anywhere_is_no_panic_and_an_error_lies_within_it() {
    check_cut_anywhere(V13);
}

#[test]
fn a_message_of_fixed_size_is_refused_when_cut_or_prolonged() {
    let names = [
        "features_reply",
        "get_config_reply",
        "port_status",
        "flow_removed",
        "reply_desc",
        "reply_aggregate",
        "reply_group_features",
        "reply_meter_features",
        "role_reply",
        "get_async_reply",
    ];
    check_fixed_size(V13, &names, "header.length");
}

#[test]
fn a_request_without_a_body_is_refused_with_one() {
    for name in [
        "features_request",
        "get_config_request",
        "barrier_request",
        "request_desc",
        "request_port_desc",
        "request_group_desc",
        "request_group_features",
        "request_meter_features",
        "get_async_request",
    ] {
        let (error, _) = read_both_ways(V13, prolonged(&V13.vector(name)));
        assert_eq!(
            error.map(|error| error.field),
            Some("header.length"),
            "{name}"
        );
    }
}

#[test]
fn every_16_bit_field_may_hold_anything() {
    check_every_16_bits(V13);
}

#[test]
fn a_part_of_length_zero_ends_the_reading() {
    assert_eq!(
        with_zeros(V13, "flow_mod_delete_all", 50),
        ("match.length", 50)
    );
    assert_eq!(
        with_zeros(V13, "flow_mod_add_table_miss", 58),
        ("instructions.len", 58)
    );
    assert_eq!(
        with_zeros(V13, "flow_mod_add_table_miss", 66),
        ("actions.len", 66)
    );
    assert_eq!(with_zeros(V13, "packet_out_data", 26), ("actions.len", 26));
    assert_eq!(with_zeros(V13, "reply_flow_more", 16), ("length", 16));
    assert_eq!(with_zeros(V13, "hello_bitmap", 10), ("elements.length", 10));
}

#[test]
fn a_name_without_a_zero_at_its_end_is_read_and_written_whole() {
    // After the header, reason and padding, `ofp_port` has its name at byte 16.
    const NAME: usize = 8 + 8 + 16;
    let mut bytes = BytesMut::from(&V13.vector("port_status")[..]);
    bytes[NAME..NAME + 16].copy_from_slice(b"sixteen letters!");
    let name = |bytes| match decode_from(bytes) {
        Ok(FromSwitch::PortStatus(status)) => status.port.name,
        other => panic!("{other:?}"),
    };
    let bytes = bytes.freeze();
    let read = decode_from(bytes.clone()).expect("a port status");
    assert_eq!(name(bytes), "sixteen letters!");
    assert_eq!(
        name(V13.encode(&read).expect("expressible")),
        "sixteen letters!"
    );
}

#[test]
fn the_longest_messages_of_the_smallest_parts_are_read_soon() {
    let instructions = filled(V13, "flow_mod_delete_all", 56, &[0, 5, 0, 8, 0, 0, 0, 0]);
    assert_eq!(read_both_ways(V13, instructions).0, None);

    let mut actions = filled(V13, "packet_out_data", 24, &[0, 18, 0, 8, 0, 0, 0, 0]);
    let length = u16::try_from(actions.len() - 24).expect("fits");
    actions[16..18].copy_from_slice(&length.to_be_bytes());
    assert_eq!(read_both_ways(V13, actions).0, None);

    let mut flow = vec![0, 56];
    flow.resize(48, 0);
    flow.extend([0, 1, 0, 4, 0, 0, 0, 0]);
    assert_eq!(
        read_both_ways(V13, filled(V13, "reply_flow_none", 16, &flow)).1,
        None
    );

    let elements = filled(
        V13,
        "hello_bitmap",
        8,
        &[0, 1, 0, 8, 0xff, 0xff, 0xff, 0xff],
    );
    assert_eq!(read_both_ways(V13, elements).0, None);
}

#[test]
fn the_most_unknown_fields_of_one_match_are_read_soon() {
    let mut bytes = BytesMut::from(&V13.vector("flow_mod_delete_all")[..52]);
    for number in 0_u16.. {
        if bytes.len() + 4 > usize::from(u16::MAX) - 8 {
            break;
        }
        bytes.extend_from_slice(&[0, (number >> 7) as u8, (number << 1) as u8, 0]);
    }
    let length = u16::try_from(bytes.len() - 48).expect("fits");
    bytes[50..52].copy_from_slice(&length.to_be_bytes());
    bytes.resize(48 + usize::from(length.next_multiple_of(8)), 0);
    assert_eq!(read_both_ways(V13, bytes).0, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_mutated_message_is_no_panic(bytes in mutated(V13)) {
        read_both_ways(V13, bytes);
    }

    #[test]
    fn random_bytes_below_any_header_are_no_panic(bytes in random(V13)) {
        read_both_ways(V13, bytes);
    }
}
