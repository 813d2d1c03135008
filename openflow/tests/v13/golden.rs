//! Every vector is read as what it means, and what it means is written as the vector's bytes.

use std::collections::BTreeSet;

use godwit_openflow::codec::Frame;

use super::corpus::{XID, decode_from, decode_to, encode_from, encode_to, hex, vector, vectors};
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
fn every_vector_has_a_meaning_and_the_transaction_id_it_was_made_with() {
    let mut meant = BTreeSet::new();
    meant.extend(
        expected::to_switch()
            .iter()
            .map(|(name, _)| (*name).to_owned()),
    );
    meant.extend(
        expected::from_switch()
            .iter()
            .map(|(name, _)| (*name).to_owned()),
    );
    let vectors = vectors();
    assert_eq!(
        meant,
        vectors.iter().map(|(name, _)| name.clone()).collect()
    );
    for (name, bytes) in vectors {
        assert_eq!(Frame::new(bytes).unwrap().xid(), XID, "{name}");
    }
}

#[test]
fn a_packet_shares_the_memory_of_its_message() {
    let bytes = vector("packet_in_no_match");
    let packet = match decode_from(bytes.clone()) {
        Ok(godwit_openflow::model::FromSwitch::PacketIn(packet)) => packet,
        other => panic!("{other:?}"),
    };
    let whole = bytes.as_ptr_range();
    let part = packet.data.as_ptr_range();
    assert!(whole.start < part.start && part.end == whole.end);
}
