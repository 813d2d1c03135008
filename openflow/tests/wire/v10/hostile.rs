//! Bytes that nobody honest sends: read as an error or as a value, never with a panic, always soon.

use proptest::prelude::*;

use super::V10;
use crate::common::hostile::{
    CASES, check_cut_anywhere, check_every_16_bits, check_fixed_size, filled, mutated, random,
    read_both_ways, with_zeros,
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
fn every_16_bit_field_may_hold_anything() {
    check_every_16_bits(V10);
}

#[test]
fn an_action_or_flow_entry_of_length_zero_ends_the_reading() {
    assert_eq!(with_zeros(V10, "flow_mod_add_tcp", 74), ("action len", 74));
    assert_eq!(with_zeros(V10, "stats_reply_flow_more", 12), ("length", 12));
}

#[test]
fn the_longest_message_of_the_smallest_parts_is_read_soon() {
    let whole = V10.vector("flow_mod_delete_all").len();
    let actions = filled(V10, "flow_mod_delete_all", whole, &[0, 3, 0, 8, 0, 0, 0, 0]);
    assert_eq!(read_both_ways(V10, actions).0, None);
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
