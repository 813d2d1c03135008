//! What survives the process of a migration that is over.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use godwit_openflow::types::DatapathId;
use godwit_topology::Path;
use serde::{Deserialize, Serialize};

use super::{FlowCount, Migration, MigrationId, OtherCount, Phase, State};
use crate::migration::journal::Listed;
use crate::migration::planning::RuleCounts;
use crate::migration::request::{Request, Shape};
use crate::migration::revert::entries::Displaced;
use crate::migration::revert::{Moved, Moves};
use crate::plan::FlowId;
use crate::routing::counters::Tally;

impl Migration {
    /// What survives the process, if it ends like this.
    pub(in crate::migration) fn saved(&self, ended: Ended) -> Saved {
        let status = self.status();
        let RuleCounts {
            installed,
            modified,
            removed,
        } = status.rules;
        Saved {
            id: self.id,
            key: self.key.clone(),
            request: self.request.clone(),
            started_at: self.started_at,
            ended,
            flows: status.flows,
            rules: [installed, modified, removed],
            rounds: status.rounds,
            phases: status.phases.clone(),
            counters: status.counters.iter().map(numbers).collect(),
            shape: status.shape,
            carried: status.carried.clone(),
            moves: MovesRecord::of(&status.moves),
            displaced: status.displaced.as_deref().cloned(),
            reverted_by: status.reverted_by,
        }
    }

    /// The same, of one that is over; `None` while it is not.
    pub(in crate::migration) fn saved_again(&self) -> Option<Saved> {
        let ended = {
            let status = self.status();
            let (at, took) = status.finished?;
            Ended {
                state: status.state,
                error: status.error.clone(),
                at,
                took,
            }
        };
        Some(self.saved(ended))
    }

    /// One that an earlier run has brought to its end.
    pub(in crate::migration) fn restored(saved: Saved) -> Self {
        let this = Self::resumed(saved.id, saved.request, saved.key, saved.started_at);
        let [installed, modified, removed] = saved.rules;
        {
            let mut status = this.status();
            status.flows = saved.flows;
            status.rules = RuleCounts {
                installed,
                modified,
                removed,
            };
            status.rounds = saved.rounds;
            status.plan_forgotten = true;
            status.phases = saved.phases;
            status.shape = saved.shape;
            status.carried = saved.carried;
            status.counters = saved.counters.into_iter().map(flow_count).collect();
            status.moves = Arc::new(saved.moves.moves());
            status.displaced = saved.displaced.map(Arc::new);
            status.reverted_by = saved.reverted_by;
        }
        this.end(saved.ended);
        this
    }

    /// One that an earlier run has begun. How long ago that was goes by the wall clock.
    pub(in crate::migration) fn resumed(
        id: MigrationId,
        request: Request,
        key: Option<String>,
        started_at: SystemTime,
    ) -> Self {
        let mut this = Self::new(id, request, key);
        let ago = started_at.elapsed().unwrap_or_default();
        this.started = this.started.checked_sub(ago).unwrap_or(this.started);
        this.started_at = started_at;
        this
    }
}

/// How a migration ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::migration) struct Ended {
    pub(in crate::migration) state: State,
    /// Why, if it is not the end that was wished for.
    pub(in crate::migration) error: Option<String>,
    pub(in crate::migration) at: SystemTime,
    pub(in crate::migration) took: Duration,
}

/// A migration that is over, as it survives the process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::migration) struct Saved {
    id: MigrationId,
    key: Option<String>,
    request: Request,
    started_at: SystemTime,
    ended: Ended,
    flows: usize,
    /// Installed, modified, removed.
    rules: [usize; 3],
    rounds: usize,
    phases: Vec<(Phase, Duration)>,
    /// The route, packets, bytes.
    counters: Vec<(FlowId, u64, u64)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    carried: Vec<OtherCount>,
    moves: MovesRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    displaced: Option<Displaced>,
    reverted_by: Option<MigrationId>,
    shape: Option<Shape>,
}

impl Saved {
    pub(in crate::migration) const fn id(&self) -> MigrationId {
        self.id
    }
}

const fn numbers(count: &FlowCount) -> (FlowId, u64, u64) {
    (count.id, count.tally.packets, count.tally.bytes)
}

const fn flow_count((id, packets, bytes): (FlowId, u64, u64)) -> FlowCount {
    let tally = Tally { packets, bytes };
    FlowCount { id, tally }
}

/// What a migration did to its routes, with each path listed once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct MovesRecord {
    paths: Vec<Path>,
    /// The route, its path before and after, and what it had to cross before.
    routes: Vec<(FlowId, usize, usize, Vec<DatapathId>)>,
}

impl MovesRecord {
    fn of(moves: &Moves) -> Self {
        let mut paths = Listed::new();
        let mut route = |(&id, moved): (&FlowId, &Moved)| {
            let Moved { before, after, via } = moved;
            (id, paths.place(before), paths.place(after), via.clone())
        };
        let routes = moves.iter().map(&mut route).collect();
        Self {
            paths: paths.all,
            routes,
        }
    }

    /// Those whose paths are listed; a record that lacks one was not written here.
    fn moves(&self) -> Moves {
        let path = |place: usize| self.paths.get(place).cloned();
        let moved = |(id, before, after, via): &(FlowId, usize, usize, Vec<DatapathId>)| {
            let moved = Moved {
                before: path(*before)?,
                after: path(*after)?,
                via: via.clone(),
            };
            Some((*id, moved))
        };
        self.routes.iter().filter_map(moved).collect()
    }
}
