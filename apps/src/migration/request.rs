//! What is asked for.

use godwit_openflow::types::DatapathId;
use serde::{Deserialize, Serialize};

/// How the work is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Flow by flow: remove at the source, install the new way. Counters start again.
    FreezeCopy,
    /// As freeze-copy, but counters are read before and restored after.
    Move,
    /// Install the new way first, flip, and remove the old way when it is at rest. Nothing is lost.
    Clone,
}

/// A migration to be planned. Its switches are connected and different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The switch to be emptied.
    pub source: DatapathId,
    /// The switch that its traffic shall cross instead; without one it goes wherever the shortest paths lead.
    pub target: Option<DatapathId>,
    /// How.
    pub algorithm: Algorithm,
}

impl Request {
    /// The switches that it names.
    pub fn switches(&self) -> impl Iterator<Item = DatapathId> + use<> {
        [Some(self.source), self.target].into_iter().flatten()
    }
}
