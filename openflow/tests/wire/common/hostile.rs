//! Bytes that nobody honest sends: read as an error or as a value, never with a panic, always soon.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use godwit_openflow::DecodeError;
use godwit_openflow::model::{FromSwitch, ToSwitch};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{Message, Wire};

/// Far more than the longest message takes on a busy machine, far less than a loop without end.
const SOON: Duration = Duration::from_secs(2);

/// How many messages a property is tried with: they take microseconds each.
pub(crate) const CASES: u32 = 4096;

/// Reads the bytes as either side would, with the header's length mended so that they are a frame: the
/// error of a message to a switch, and that of one from a switch.
pub(crate) fn read_both_ways(
    wire: Wire,
    mut bytes: BytesMut,
) -> (Option<DecodeError>, Option<DecodeError>) {
    let length = u16::try_from(bytes.len()).expect("a message's size");
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let bytes = bytes.freeze();
    (
        read::<ToSwitch>(wire, bytes.clone()),
        read::<FromSwitch>(wire, bytes),
    )
}

/// What can be read is then written, and from then on nothing changes any more. It is then read as the same,
/// but for texts that were too long.
fn read<M: Message>(wire: Wire, bytes: Bytes) -> Option<DecodeError> {
    let begun = Instant::now();
    let message = M::decode(bytes);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    let message = match message {
        Ok(message) => message,
        Err(error) => return Some(error),
    };
    if let Ok(first) = wire.encode(&message) {
        let again = M::decode(first.clone());
        let second = again.as_ref().map(|again| wire.encode(again));
        assert_eq!(second, Ok(Ok(first)));
        if !message.has_texts() {
            assert_eq!(again, Ok(message));
        }
    }
    None
}

pub(crate) fn check_cut_anywhere(wire: Wire) {
    for (name, bytes) in wire.vectors() {
        for length in 8..bytes.len() {
            let (to_switch, from_switch) = read_both_ways(wire, BytesMut::from(&bytes[..length]));
            for error in to_switch.into_iter().chain(from_switch) {
                assert!(error.offset <= length, "{name} cut at {length}: {error}");
                assert_eq!(
                    (error.version, error.message_type),
                    (wire.version.wire(), bytes[1]),
                    "{name} cut at {length}"
                );
            }
        }
    }
}

/// The vectors of these names, from a switch, are refused at any other length; `field` is at fault when
/// they are longer.
pub(crate) fn check_fixed_size(wire: Wire, names: &[&str], field: &str) {
    for name in names {
        let bytes = wire.vector(name);
        for length in 8..bytes.len() {
            let (_, error) = read_both_ways(wire, BytesMut::from(&bytes[..length]));
            assert!(error.is_some(), "{name} cut at {length}");
        }
        let (_, error) = read_both_ways(wire, prolonged(&bytes));
        assert_eq!(error.map(|error| error.field), Some(field), "{name}");
    }
}

pub(crate) fn prolonged(bytes: &[u8]) -> BytesMut {
    let mut longer = BytesMut::from(bytes);
    longer.extend_from_slice(&[0; 8]);
    longer
}

pub(crate) fn check_every_16_bits(wire: Wire) {
    for (_, bytes) in wire.vectors() {
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

/// The field and offset of the error that is made of the vector by zeros in place of its 16 bits at `at`.
pub(crate) fn with_zeros(wire: Wire, name: &str, at: usize) -> (&'static str, usize) {
    let mut bytes = BytesMut::from(&wire.vector(name)[..]);
    bytes[at..at + 2].copy_from_slice(&[0, 0]);
    let (to_switch, from_switch) = read_both_ways(wire, bytes);
    let error = to_switch.or(from_switch).expect("an error");
    (error.field, error.offset)
}

/// A message of the largest size: the first bytes of a vector, then as many copies of `part` as fit.
pub(crate) fn filled(wire: Wire, name: &str, prefix: usize, part: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::from(&wire.vector(name)[..prefix]);
    while bytes.len() + part.len() <= usize::from(u16::MAX) {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Vectors with some bytes changed, but never the version, and some put in.
pub(crate) fn mutated(wire: Wire) -> impl Strategy<Value = BytesMut> {
    let vectors: Vec<Bytes> = wire.vectors().into_iter().map(|(_, bytes)| bytes).collect();
    let changes = vec((any::<Index>(), any::<u8>()), 1..12);
    let inserts = vec(any::<u8>(), 0..24);
    (select(vectors), changes, any::<Index>(), inserts).prop_map(|(bytes, changes, cut, insert)| {
        let mut changed = BytesMut::from(&bytes[..]);
        for (at, byte) in changes {
            let at = 1 + at.index(changed.len() - 1);
            changed[at] = byte;
        }
        let tail = changed.split_off(8 + cut.index(bytes.len() - 7));
        changed.extend_from_slice(&insert);
        changed.extend_from_slice(&tail);
        changed
    })
}

/// Random bytes below the header of a known type or a few unknown ones.
pub(crate) fn random(wire: Wire) -> impl Strategy<Value = BytesMut> {
    (0..32_u8, vec(any::<u8>(), 0..300)).prop_map(move |(message_type, body)| {
        let mut bytes = BytesMut::from(&[wire.version.wire(), message_type, 0, 0, 0, 0, 0, 0][..]);
        bytes.extend_from_slice(&body);
        bytes
    })
}
