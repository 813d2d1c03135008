//! Every vector is read as what it means, and what it means is written as the vector's bytes.

use std::collections::BTreeSet;

use super::corpus::{decode_from, decode_to, encode_from, encode_to, hex, names, vector};
use super::expected;

#[test]
fn what_a_controller_sends_is_read_and_written_as_another_implementation_does() {
    for (name, message) in expected::to_switch() {
        let bytes = vector(name);
        assert_eq!(decode_to(bytes.clone()).as_ref(), Ok(&message), "{name}");
        let encoded = encode_to(&message).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(hex(&encoded), hex(&bytes), "{name}");
    }
}

#[test]
fn what_a_switch_sends_is_read_and_written_as_another_implementation_does() {
    for (name, message) in expected::from_switch() {
        let bytes = vector(name);
        assert_eq!(decode_from(bytes.clone()).as_ref(), Ok(&message), "{name}");
        let encoded = encode_from(&message).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(hex(&encoded), hex(&bytes), "{name}");
    }
}

#[test]
fn every_vector_has_a_meaning() {
    let to_switch = expected::to_switch()
        .into_iter()
        .map(|(name, _)| name.to_owned());
    let from_switch = expected::from_switch()
        .into_iter()
        .map(|(name, _)| name.to_owned());
    let meant: BTreeSet<String> = to_switch.chain(from_switch).collect();
    assert_eq!(meant, names().into_iter().collect());
}
