//! Bytes that nobody honest sends: read as an error or as a value, never with a panic, always soon.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use godwit_openflow::DecodeError;
use proptest::prelude::*;

use super::corpus::{decode_from, decode_to, encode_from, encode_to, names, vector};

/// Far more than the longest message takes on a busy machine, far less than a loop without end.
const SOON: Duration = Duration::from_secs(2);

/// Reads the bytes as either side would, with the header's length mended so that they are a frame. What can
/// be read is then written, and from then on nothing changes any more.
fn read_both_ways(mut bytes: BytesMut) -> [Option<DecodeError>; 2] {
    let length = u16::try_from(bytes.len()).expect("a message's size");
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let bytes = bytes.freeze();
    let begun = Instant::now();
    let to_switch = decode_to(bytes.clone());
    let from_switch = decode_from(bytes);
    assert!(begun.elapsed() < SOON);
    if let Some(first) = to_switch
        .as_ref()
        .ok()
        .and_then(|message| encode_to(message).ok())
    {
        let second = decode_to(first.clone()).map(|message| encode_to(&message));
        assert_eq!(second, Ok(Ok(first)));
    }
    if let Some(first) = from_switch
        .as_ref()
        .ok()
        .and_then(|message| encode_from(message).ok())
    {
        let second = decode_from(first.clone()).map(|message| encode_from(&message));
        assert_eq!(second, Ok(Ok(first)));
    }
    [to_switch.err(), from_switch.err()]
}

fn corpus() -> impl Iterator<Item = (String, Bytes)> {
    names().into_iter().map(|name| {
        let bytes = vector(&name);
        (name, bytes)
    })
}

#[test]
fn a_message_cut_anywhere_is_no_panic_and_an_error_lies_within_it() {
    for (name, bytes) in corpus() {
        for length in 8..bytes.len() {
            for error in read_both_ways(BytesMut::from(&bytes[..length]))
                .into_iter()
                .flatten()
            {
                assert!(error.offset <= length, "{name} cut at {length}: {error}");
                assert_eq!(error.message_type, bytes[1], "{name} cut at {length}");
            }
        }
    }
}

#[test]
fn a_message_of_fixed_size_is_refused_when_cut_or_prolonged() {
    for name in [
        "flow_removed",
        "port_status",
        "stats_reply_desc",
        "stats_reply_aggregate",
        "get_config_reply",
    ] {
        let bytes = vector(name);
        for length in 8..bytes.len() {
            let [_, error] = read_both_ways(BytesMut::from(&bytes[..length]));
            assert!(error.is_some(), "{name} cut at {length}");
        }
        let mut longer = BytesMut::from(&bytes[..]);
        longer.extend_from_slice(&[0; 8]);
        let [_, error] = read_both_ways(longer);
        assert_eq!(error.map(|error| error.field), Some("length"), "{name}");
    }
}

#[test]
fn every_16_bit_field_may_hold_anything() {
    for (_, bytes) in corpus() {
        for at in (8..bytes.len().saturating_sub(1)).step_by(2) {
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
fn an_action_or_flow_entry_of_length_zero_ends_the_reading() {
    let mut flow_mod = BytesMut::from(&vector("flow_mod_add_tcp")[..]);
    flow_mod[74..76].copy_from_slice(&[0, 0]);
    let [error, _] = read_both_ways(flow_mod);
    let error = error.expect("an error");
    assert_eq!((error.field, error.offset), ("action len", 74));

    let mut flows = BytesMut::from(&vector("stats_reply_flow_more")[..]);
    flows[12..14].copy_from_slice(&[0, 0]);
    let [_, error] = read_both_ways(flows);
    let error = error.expect("an error");
    assert_eq!((error.field, error.offset), ("length", 12));
}

#[test]
fn the_longest_message_of_the_smallest_parts_is_read_soon() {
    let mut bytes = BytesMut::from(&vector("flow_mod_delete_all")[..]);
    while bytes.len() + 8 <= usize::from(u16::MAX) {
        bytes.extend_from_slice(&[0, 3, 0, 8, 0, 0, 0, 0]);
    }
    assert_eq!(read_both_ways(bytes)[0], None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn a_mutated_message_is_no_panic(
        choice in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        insert in prop::collection::vec(any::<u8>(), 0..24),
    ) {
        let names = names();
        let bytes = vector(&names[choice.index(names.len())]);
        let mut changed = BytesMut::from(&bytes[..]);
        for (at, byte) in changes {
            let at = at.index(changed.len());
            changed[at] = byte;
        }
        changed[0] = 1;
        let at = 8 + cut.index(changed.len() - 7);
        let tail = changed.split_off(at);
        changed.extend_from_slice(&insert);
        changed.extend_from_slice(&tail);
        read_both_ways(changed);
    }

    #[test]
    fn random_bytes_below_any_header_are_no_panic(
        message_type in 0..24_u8,
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = BytesMut::from(&[1, message_type, 0, 0, 0, 0, 0, 0][..]);
        bytes.extend_from_slice(&body);
        read_both_ways(bytes);
    }
}
