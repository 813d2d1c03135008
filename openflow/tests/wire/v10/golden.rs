//! Every vector is read as what it means, and what it means is written as the vector's bytes.

use super::{V10, expected};
use crate::common::golden::{check, check_completeness};

#[test]
fn what_a_controller_sends_is_read_and_written_as_another_implementation_does() {
    check(V10, expected::to_switch());
}

#[test]
fn what_a_switch_sends_is_read_and_written_as_another_implementation_does() {
    check(V10, expected::from_switch());
}

#[test]
fn every_vector_has_a_meaning_and_the_transaction_id_it_was_made_with() {
    check_completeness(V10, expected::to_switch(), expected::from_switch());
}
