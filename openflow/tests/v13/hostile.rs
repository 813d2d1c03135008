//! Bytes that nobody honest sends: read as an error or as a value, never with a panic, always soon.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use godwit_openflow::DecodeError;
use proptest::prelude::*;
use proptest::sample::Index;

use super::corpus::{decode_from, decode_to, encode_from, encode_to, vector, vectors};

/// Far more than the longest message takes, far less than a loop without end.
const SOON: Duration = Duration::from_secs(2);

/// Reads the bytes as either side would, after the header's length was made theirs. What was read and can
/// be written must then be read as the same.
fn read_both_ways(mut bytes: BytesMut) -> (Option<DecodeError>, Option<DecodeError>) {
    let length = u16::try_from(bytes.len()).expect("a message's size");
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let bytes = bytes.freeze();
    let begun = Instant::now();
    let to_switch = decode_to(bytes.clone());
    let from_switch = decode_from(bytes);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    if let Ok(Ok(again)) = to_switch.as_ref().map(encode_to) {
        assert_eq!(decode_to(again), to_switch);
    }
    if let Ok(Ok(again)) = from_switch.as_ref().map(encode_from) {
        assert_eq!(decode_from(again), from_switch);
    }
    (to_switch.err(), from_switch.err())
}

#[test]
fn a_message_cut_anywhere_is_no_panic_and_an_error_lies_within_it() {
    for (name, bytes) in vectors() {
        for length in 8..bytes.len() {
            let (to_switch, from_switch) = read_both_ways(BytesMut::from(&bytes[..length]));
            for error in to_switch.into_iter().chain(from_switch) {
                assert!(error.offset <= length, "{name} cut at {length}: {error}");
                assert_eq!(
                    (error.version, error.message_type),
                    (4, bytes[1]),
                    "{name} cut at {length}"
                );
            }
        }
    }
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
    ];
    for name in names {
        let bytes = vector(name);
        for length in 8..bytes.len() {
            assert!(
                read_both_ways(BytesMut::from(&bytes[..length])).1.is_some(),
                "{name} cut at {length}"
            );
        }
        let mut longer = BytesMut::from(&bytes[..]);
        longer.extend_from_slice(&[0; 8]);
        let (_, error) = read_both_ways(longer);
        assert_eq!(
            error.map(|error| error.field),
            Some("header.length"),
            "{name}"
        );
    }
}

#[test]
fn a_request_without_a_body_is_refused_with_one() {
    for name in [
        "features_request",
        "get_config_request",
        "barrier_request",
        "request_desc",
        "request_port_desc",
    ] {
        let mut longer = BytesMut::from(&vector(name)[..]);
        longer.extend_from_slice(&[0; 8]);
        let (error, _) = read_both_ways(longer);
        assert_eq!(
            error.map(|error| error.field),
            Some("header.length"),
            "{name}"
        );
    }
}

#[test]
fn every_16_bit_field_may_hold_anything() {
    for (_, bytes) in vectors() {
        for at in 8..bytes.len().saturating_sub(1) {
            let old = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
            for new in [0, 1, 7, old.wrapping_sub(1), old.wrapping_add(1), u16::MAX] {
                let mut changed = BytesMut::from(&bytes[..]);
                changed[at..at + 2].copy_from_slice(&new.to_be_bytes());
                read_both_ways(changed);
            }
        }
    }
}

#[test]
fn a_part_of_length_zero_ends_the_reading() {
    let with_zeros = |name, at: usize| {
        let mut bytes = BytesMut::from(&vector(name)[..]);
        bytes[at..at + 2].copy_from_slice(&[0, 0]);
        let (to_switch, from_switch) = read_both_ways(bytes);
        let error = to_switch.or(from_switch).expect("an error");
        (error.field, error.offset)
    };
    assert_eq!(with_zeros("flow_mod_delete_all", 50), ("match.length", 50));
    assert_eq!(
        with_zeros("flow_mod_add_table_miss", 58),
        ("instructions.len", 58)
    );
    assert_eq!(
        with_zeros("flow_mod_add_table_miss", 66),
        ("actions.len", 66)
    );
    assert_eq!(with_zeros("packet_out_data", 26), ("actions.len", 26));
    assert_eq!(with_zeros("reply_flow_more", 16), ("length", 16));
    assert_eq!(with_zeros("hello_bitmap", 10), ("elements.length", 10));
}

/// A message of the largest size whose body ends in as many copies of `part` as fit.
fn filled(name: &str, prefix: usize, part: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::from(&vector(name)[..prefix]);
    while bytes.len() + part.len() <= usize::from(u16::MAX) {
        bytes.extend_from_slice(part);
    }
    bytes
}

#[test]
fn the_longest_messages_of_the_smallest_parts_are_read_soon() {
    let instructions = filled("flow_mod_delete_all", 56, &[0, 5, 0, 8, 0, 0, 0, 0]);
    assert_eq!(read_both_ways(instructions).0, None);

    let mut actions = filled("packet_out_data", 24, &[0, 18, 0, 8, 0, 0, 0, 0]);
    let length = u16::try_from(actions.len() - 24).expect("fits");
    actions[16..18].copy_from_slice(&length.to_be_bytes());
    assert_eq!(read_both_ways(actions).0, None);

    let mut flow = vec![0, 56];
    flow.resize(48, 0);
    flow.extend([0, 1, 0, 4, 0, 0, 0, 0]);
    assert_eq!(read_both_ways(filled("reply_flow_none", 16, &flow)).1, None);

    let elements = filled("hello_bitmap", 8, &[0, 1, 0, 8, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(read_both_ways(elements).0, None);
}

#[test]
fn the_most_unknown_fields_of_one_match_are_read_soon() {
    let mut bytes = BytesMut::from(&vector("flow_mod_delete_all")[..52]);
    for number in 0_u16.. {
        if bytes.len() + 4 > usize::from(u16::MAX) - 8 {
            break;
        }
        bytes.extend_from_slice(&[0, (number >> 7) as u8, (number << 1) as u8, 0]);
    }
    let length = u16::try_from(bytes.len() - 48).expect("fits");
    bytes[50..52].copy_from_slice(&length.to_be_bytes());
    bytes.resize(48 + usize::from(length.next_multiple_of(8)), 0);
    assert_eq!(read_both_ways(bytes).0, None);
}

fn any_vector() -> impl Strategy<Value = Bytes> {
    let vectors: Vec<Bytes> = vectors().into_iter().map(|(_, bytes)| bytes).collect();
    proptest::sample::select(vectors)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_mutated_message_is_no_panic(
        bytes in any_vector(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..12),
        cut in any::<Index>(),
        insert in prop::collection::vec(any::<u8>(), 0..24),
    ) {
        let mut changed = BytesMut::from(&bytes[..]);
        for (at, byte) in changes {
            let at = 1 + at.index(changed.len() - 1);
            changed[at] = byte;
        }
        let tail = changed.split_off(8 + cut.index(bytes.len() - 7));
        changed.extend_from_slice(&insert);
        changed.extend_from_slice(&tail);
        read_both_ways(changed);
    }

    #[test]
    fn random_bytes_below_any_header_are_no_panic(
        message_type in 0..32_u8,
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = BytesMut::from(&[4, message_type, 0, 0, 0, 0, 0, 0][..]);
        bytes.extend_from_slice(&body);
        read_both_ways(bytes);
    }
}
