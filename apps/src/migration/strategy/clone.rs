//! `clone`: every new rule first; flip from the destination towards the source; when the old way is at rest,
//! remove it. At every moment every packet has a way to its destination.

use crate::plan::{Flow, Round, make_before_break};

/// The rounds.
#[must_use]
pub fn plan(flows: &[Flow]) -> Vec<Round> {
    make_before_break(flows)
}
