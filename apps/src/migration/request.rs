//! What is asked for.

use std::time::Duration;

use godwit_controller::limits::APPLY_DEADLINE;
use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::guard::Limits;
use super::record::MigrationId;

/// How long a migration may be reverted where nobody says otherwise: long enough to see on a dashboard that is filled
/// once a minute, or to be told by an alert that waits for a few of those, that the new ways are worse; short enough
/// that the network is likely to be what the old ways were made for.
pub const DEFAULT_HOLD: Duration = Duration::from_secs(300);

/// The longest hold: a day, which covers a maintenance window and the morning after it. Until then about 300 bytes a
/// flow are kept.
pub const LONGEST_HOLD: Duration = Duration::from_secs(86_400);

/// The least bound on a drain: twice the time for which a switch may go on forwarding by its cache. With less, what is
/// merely late would count as somebody else's.
pub const LEAST_DRAIN_BOUND: Duration = Duration::from_millis(200);

/// The longest bound on a drain. So long the old rules may stand beside the new, and both paths' switches stay taken.
pub const LONGEST_DRAIN_BOUND: Duration = Duration::from_secs(600);

/// The least deadline of a batch: a thousand rules take 4 ms on a switch that has a processor to itself, and a hundred
/// times that where it has not.
pub const LEAST_DEADLINE: Duration = Duration::from_millis(100);

/// The longest deadline of a batch. A switch that has not confirmed after a minute is not at work on it.
pub const LONGEST_DEADLINE: Duration = Duration::from_secs(60);

/// How long the parts of a migration may take at most that end by something being seen, in case it is never seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// After so long the old way is given up even if something still comes along it: 5 s where nobody says otherwise.
    /// What still comes then is not one of the flows that were moved, but somebody sending at the source; slower links
    /// or larger buffers than these 5 s of packets need more.
    pub drain: Duration,
    /// How long a switch may take to confirm its batch of a round: [`APPLY_DEADLINE`] where nobody says otherwise. When
    /// it is over before the last flip, the migration goes back. Less gets off a switch that hangs sooner; a switch
    /// that takes hardware tables' time (some write 50 rules a second) needs more.
    pub deadline: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            drain: Duration::from_secs(5),
            deadline: APPLY_DEADLINE,
        }
    }
}

/// How the work is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Flow by flow: remove at the source, install the new way. Counters start again.
    FreezeCopy,
    /// As freeze-copy, but counters are read before and restored after.
    Move,
    /// Install the new way first, flip, and remove the old way when it is at rest. Nothing is lost.
    Clone,
}

/// How traffic goes round the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The target takes the source's place: it has a link to each neighbour in use.
    Substitution,
    /// The target takes the source's place, and neighbours without a link are reached by labelled detours.
    Detour,
    /// Each route goes the shortest way without the source, through the target.
    ReRoute,
}

/// A migration to be planned. Its switches are connected and different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The switch to be emptied.
    pub source: DatapathId,
    /// The switch that its traffic shall cross instead; without one it goes wherever the shortest paths lead.
    pub target: Option<DatapathId>,
    /// How.
    pub algorithm: Algorithm,
    /// Which shape the plan shall have; `None` leaves it to the planner.
    pub shape: Option<Shape>,
    /// What it may cost.
    pub limits: Limits,
    /// How long its parts may take.
    pub bounds: Bounds,
    /// Whether it waits for migrations that are in its way instead of being refused.
    pub queue: bool,
    /// How long after the commit it may be reverted.
    pub hold: Duration,
    /// The migration that this one is the way back of: then routes go from the ways that it gave them to those they
    /// had, and [`Self::source`] and [`Self::target`] are those of that migration.
    pub reverts: Option<MigrationId>,
}

impl Request {
    /// One with all that nobody has said as it is by default.
    #[must_use]
    pub fn new(source: DatapathId, target: Option<DatapathId>, algorithm: Algorithm) -> Self {
        Self {
            source,
            target,
            algorithm,
            shape: None,
            limits: Limits::default(),
            bounds: Bounds::default(),
            queue: false,
            hold: DEFAULT_HOLD,
            reverts: None,
        }
    }

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
