//! What Floodlight's clients write, read into godwit's own words.

use godwit_openflow::types::DatapathId;

/// A datapath id: eight pairs of digits joined by colons, or as godwit writes it.
#[must_use]
pub fn dpid(text: &str) -> Option<DatapathId> {
    text.parse().ok()
}
