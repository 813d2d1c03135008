//! What is asked for.

use std::time::Duration;

use godwit_openflow::types::DatapathId;
use serde::{Deserialize, Serialize};

use super::record::MigrationId;

/// How long a migration may be reverted where nobody says otherwise: long enough to see on a dashboard that is filled
/// once a minute, or to be told by an alert that waits for a few of those, that the new ways are worse; short enough
/// that the network is likely to be what the old ways were made for.
pub const DEFAULT_HOLD: Duration = Duration::from_secs(300);

/// The longest hold: a day, which covers a maintenance window and the morning after it. Until then about 300 bytes a
/// flow are kept.
pub const LONGEST_HOLD: Duration = Duration::from_secs(86_400);

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
    /// How long after the commit it may be reverted.
    pub hold: Duration,
    /// The migration that this one is the way back of: then routes go from the ways that it gave them to those they
    /// had, and [`Self::source`] and [`Self::target`] are those of that migration.
    pub reverts: Option<MigrationId>,
}

impl Request {
    /// The switches that it names.
    pub fn switches(&self) -> impl Iterator<Item = DatapathId> + use<> {
        [Some(self.source), self.target].into_iter().flatten()
    }

    /// The switch that is left, and the one that takes its place.
    #[must_use]
    pub const fn left_and_taking(&self) -> [Option<DatapathId>; 2] {
        match self.reverts {
            None => [Some(self.source), self.target],
            Some(_) => [self.target, Some(self.source)],
        }
    }
}
