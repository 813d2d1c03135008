//! Lengths that lie, and bytes changed anywhere.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{V10, V13, captured};
use crate::common::Wire;
use crate::common::hostile::{CASES, read_both_ways};

/// Each version with the messages that it has here.
fn corpus() -> [(Wire, Vec<Bytes>); 2] {
    [V10, V13].map(|wire| (wire, captured::of_version(wire.version.wire()).collect()))
}

#[test]
fn a_message_cut_anywhere_is_an_error_within_it_or_a_value() {
    for (wire, messages) in corpus() {
        for bytes in messages {
            for length in 8..bytes.len() {
                let (to_switch, from_switch) =
                    read_both_ways(wire, BytesMut::from(&bytes[..length]));
                for error in to_switch.into_iter().chain(from_switch) {
                    assert!(error.offset <= length, "cut at {length}: {error}");
                    assert_eq!(
                        (error.version, error.message_type),
                        (bytes[0], bytes[1]),
                        "cut at {length}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_16_bits_may_lie() {
    for (wire, messages) in corpus() {
        for bytes in messages {
            for at in 8..bytes.len().saturating_sub(1) {
                let old = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
                for new in [0, 1, 7, old.wrapping_sub(1), old.wrapping_add(1), u16::MAX] {
                    let mut changed = BytesMut::from(&bytes[..]);
                    changed[at..at + 2].copy_from_slice(&new.to_be_bytes());
                    read_both_ways(wire, changed);
                }
            }
        }
    }
}

fn mutated() -> impl Strategy<Value = (Wire, BytesMut)> {
    let messages: Vec<(Wire, Bytes)> = corpus()
        .into_iter()
        .flat_map(|(wire, messages)| messages.into_iter().map(move |bytes| (wire, bytes)))
        .collect();
    let changes = vec((any::<Index>(), any::<u8>()), 1..12);
    let inserts = vec(any::<u8>(), 0..24);
    (select(messages), changes, any::<Index>(), inserts).prop_map(
        |((wire, bytes), changes, cut, insert)| {
            let mut changed = BytesMut::from(&bytes[..]);
            for (at, byte) in changes {
                let at = 8 + at.index(changed.len() - 8);
                changed[at] = byte;
            }
            let tail = changed.split_off(8 + cut.index(bytes.len() - 7));
            changed.extend_from_slice(&insert);
            changed.extend_from_slice(&tail);
            (wire, changed)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn changed_bytes_are_an_error_or_a_value((wire, bytes) in mutated()) {
        read_both_ways(wire, bytes);
    }
}
