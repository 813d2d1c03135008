//! `move`: flow by flow, the source's rule is removed and the new way installed. Live rules elsewhere are
//! changed in place, so that they go on counting; what the source had counted is read before and carried over.

use godwit_openflow::types::DatapathId;

use super::{break_before_make, install_rounds};
use crate::plan::{Flow, Round};

/// The rounds.
#[must_use]
pub fn plan(flows: &[Flow], source: DatapathId) -> Vec<Round> {
    break_before_make(flows, source, install_rounds)
}
