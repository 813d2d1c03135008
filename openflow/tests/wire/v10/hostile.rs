//! Bytes that nobody honest sends: read as an error or as a value, never with a panic, always soon.

use bytes::BytesMut;
use godwit_openflow::DecodeError;
use godwit_openflow::error::Problem;
use proptest::prelude::*;

use super::V10;
use crate::common::hostile::{
    CASES, check_cut_anywhere, check_every_16_bits, check_fixed_size, filled, mutated, prolonged,
    random, read_both_ways, with_zeros,
};

#[test]
fn a_message_cut_anywhere_is_no_panic_and_an_error_lies_within_it() {
    check_cut_anywhere(V10);
}

#[test]
fn a_message_of_fixed_size_is_refused_when_cut_or_prolonged() {
    let names = [
        "flow_removed",
        "port_status",
        "stats_reply_desc",
        "stats_reply_aggregate",
        "get_config_reply",
    ];
    check_fixed_size(V10, &names, "length");
}

#[test]
fn a_request_of_fixed_size_is_refused_when_cut_or_prolonged() {
    for name in [
        "set_config",
        "port_mod",
        "queue_get_config_request",
        "stats_request_flow_some",
        "stats_request_aggregate",
        "stats_request_port",
        "stats_request_queue",
    ] {
        let bytes = V10.vector(name);
        for length in 8..bytes.len() {
            let (error, _) = read_both_ways(V10, BytesMut::from(&bytes[..length]));
            assert!(error.is_some(), "{name} cut at {length}");
        }
        let (error, _) = read_both_ways(V10, prolonged(&bytes));
        assert_eq!(error.map(|error| error.field), Some("length"), "{name}");
    }
}

#[test]
fn every_16_bit_field_may_hold_anything() {
    check_every_16_bits(V10);
}

#[test]
fn an_action_or_flow_entry_of_length_zero_ends_the_reading() {
    assert_eq!(with_zeros(V10, "flow_mod_add_tcp", 74), ("action len", 74));
    assert_eq!(with_zeros(V10, "stats_reply_flow_more", 12), ("length", 12));
    assert_eq!(
        with_zeros(V10, "queue_get_config_reply", 20),
        ("queue len", 20)
    );
    assert_eq!(
        with_zeros(V10, "queue_get_config_reply", 26),
        ("property len", 26)
    );
}

/// What is said of the 16 bits at `at` of the vector when they hold `value`.
fn with(name: &str, at: usize, value: u16) -> Option<DecodeError> {
    let mut bytes = BytesMut::from(&V10.vector(name)[..]);
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
    let (to_switch, from_switch) = read_both_ways(V10, bytes);
    to_switch.or(from_switch)
}

#[test]
fn a_length_below_its_header_or_beyond_its_container_is_named_with_its_value() {
    for (name, field, at, lengths) in [
        ("flow_mod_add_tcp", "action len", 74, [7, 9, 12, 16, 0xfff8]),
        (
            "packet_out_data",
            "actions_len",
            14,
            [51, 52, 100, 0x8000, 0xffff],
        ),
        (
            "stats_reply_flow_more",
            "length",
            12,
            [80, 87, 95, 97, 0xfff8],
        ),
        // The first queue has 24 bytes, the message 64 more than stand before it.
        (
            "queue_get_config_reply",
            "queue len",
            20,
            [1, 6, 7, 65, 0xffff],
        ),
        // The first property has 16 bytes, all that its queue holds.
        (
            "queue_get_config_reply",
            "property len",
            26,
            [7, 8, 15, 17, 24],
        ),
    ] {
        for length in lengths {
            let error = with(name, at, length).unwrap_or_else(|| panic!("{name} {length}"));
            assert_eq!(
                (error.field, error.offset, error.problem),
                (field, at, Problem::Length(length.into())),
                "{name}"
            );
        }
    }
}

#[test]
fn a_vendors_action_holds_its_number() {
    let mut bytes = BytesMut::from(&V10.vector("flow_mod_add_icmp_drop")[..]);
    bytes.extend_from_slice(&[0xff, 0xff, 0, 4]);
    let (error, _) = read_both_ways(V10, bytes.clone());
    assert_eq!(error.map(|error| error.problem), Some(Problem::Length(4)));
    let end = bytes.len();
    bytes[end - 1] = 8;
    bytes.extend_from_slice(&[0, 0xab, 0xcd, 0xef]);
    assert_eq!(read_both_ways(V10, bytes).0, None);
}

#[test]
fn the_longest_message_of_the_smallest_parts_is_read_soon() {
    let whole = V10.vector("flow_mod_delete_all").len();
    let actions = filled(V10, "flow_mod_delete_all", whole, &[0, 3, 0, 8, 0, 0, 0, 0]);
    assert_eq!(read_both_ways(V10, actions).0, None);
    let queue = [0, 0, 0, 1, 0, 8, 0, 0];
    let queues = filled(V10, "queue_get_config_reply", 16, &queue);
    assert_eq!(read_both_ways(V10, queues).1, None);
    let property = [0, 0, 0, 8, 0, 0, 0, 0];
    let mut properties = filled(V10, "queue_get_config_reply", 24, &property);
    let length = u16::try_from(properties.len() - 16).expect("a length");
    properties[20..22].copy_from_slice(&length.to_be_bytes());
    assert_eq!(read_both_ways(V10, properties).1, None);
    let counters = filled(V10, "stats_reply_queue", 12, &[1; 32]);
    assert_eq!(read_both_ways(V10, counters).1, None);
    let ports = filled(V10, "features_reply", 32, &[1; 48]);
    assert_eq!(read_both_ways(V10, ports).1, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_mutated_message_is_no_panic(bytes in mutated(V10)) {
        read_both_ways(V10, bytes);
    }

    #[test]
    fn random_bytes_below_any_header_are_no_panic(bytes in random(V10)) {
        read_both_ways(V10, bytes);
    }
}
