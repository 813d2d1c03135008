//! Every vector is read as what it means, and what it means is written as the vector's bytes.

use godwit_openflow::model::FromSwitch;

use super::{V13, expected};
use crate::common::decode_from;
use crate::common::golden::{check, check_completeness};

#[test]
fn what_a_controller_sends_is_read_and_written_as_another_implementation_does() {
    check(V13, expected::to_switch());
}

#[test]
fn what_a_switch_sends_is_read_and_written_as_another_implementation_does() {
    check(V13, expected::from_switch());
}

#[test]
fn every_vector_has_a_meaning_and_the_transaction_id_it_was_made_with() {
    check_completeness(V13, expected::to_switch(), expected::from_switch());
}

#[test]
fn a_packet_shares_the_memory_of_its_message() {
    let bytes = V13.vector("packet_in_no_match");
    let packet = match decode_from(bytes.clone()) {
        Ok(FromSwitch::PacketIn(packet)) => packet,
        other => panic!("{other:?}"),
    };
    let whole = bytes.as_ptr_range();
    let part = packet.data.as_ptr_range();
    assert!(whole.start < part.start && part.end == whole.end);
}
