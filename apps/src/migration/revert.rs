//! The way back of a migration that is committed: its routes go to the paths that they had before.
//!
//! It is a migration of its own, by `clone` whatever the first one was, and differs from others in three things only:
//! the new paths are not looked for but known; which routes go is not asked of the source, which has none of them, but
//! of the record; and the source ends in service. [`entries`] is the same for what belongs to no route.

pub mod entries;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use godwit_openflow::types::DatapathId;
use godwit_topology::{Graph, Path};

use super::planning::Refusal;
use super::record::{Migration, MigrationId, State};
use crate::plan::{Flow, FlowId};
use crate::routing::table::{Route, State as RouteState};

/// What a migration did to a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The way that it went before.
    pub before: Path,
    /// The way that the migration gave it.
    pub after: Path,
    /// The switches that it had to cross before.
    pub via: Vec<DatapathId>,
}

/// What a migration did to its routes.
pub type Moves = BTreeMap<FlowId, Moved>;

/// A migration that is being reverted, and what it did: its record may give that up once its hold is over.
#[derive(Debug, Clone)]
pub(super) struct Reverted {
    pub(super) migration: Arc<Migration>,
    pub(super) moves: Arc<Moves>,
}

/// Why a migration can't be reverted any more, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Irreversible {
    /// It is under way, or went back by itself.
    #[error("migration {id} is {}: only one that is committed can be reverted", state.name())]
    NotCommitted {
        /// The migration.
        id: MigrationId,
        /// Where it is.
        state: State,
    },
    /// It is a way back.
    #[error("migration {id} is itself the way back of migration {reverts}: migrate again instead")]
    WayBack {
        /// The migration.
        id: MigrationId,
        /// The one that it reverted.
        reverts: MigrationId,
    },
    /// It was reverted.
    #[error("migration {id} was reverted already, by migration {by}")]
    Already {
        /// The migration.
        id: MigrationId,
        /// Its way back.
        by: MigrationId,
    },
    /// It is too late.
    #[error("migration {id} can't be reverted any more: its hold of {} s is over", hold.as_secs())]
    Over {
        /// The migration.
        id: MigrationId,
        /// How long it could be reverted.
        hold: Duration,
    },
}

/// What the migration did to this route, if the route still runs on the path that the migration gave it.
#[must_use]
pub fn still_moved<'a>(moves: &'a Moves, route: &Route) -> Option<&'a Moved> {
    let moved = moves.get(&route.template.id)?;
    (moved.after == route.path).then_some(moved)
}

/// The flows of the way back: those of `routes` that still run on the paths that the migration gave them. Routes that
/// are gone or go elsewhere by now, and those that were made since, stay where they are. Pure.
///
/// # Errors
/// With everything that stands in the way.
pub fn flows(
    graph: &Graph,
    unused: &BTreeSet<DatapathId>,
    source: DatapathId,
    routes: &[Route],
    moves: &Moves,
) -> Result<Vec<Flow>, Refusal> {
    let mut obstacles = BTreeSet::new();
    if !graph.contains_switch(source) {
        obstacles.insert(format!("switch {source} is not connected"));
    }
    let mut flows = Vec::new();
    for route in routes {
        let Some(moved) = still_moved(moves, route).filter(|_| route.state != RouteState::Broken)
        else {
            continue;
        };
        obstacles.extend(obstacles_on(&moved.before, graph, unused, source));
        flows.push(Flow {
            template: route.template.clone(),
            old: Some(route.path.clone()),
            new: moved.before.clone(),
        });
    }
    if flows.is_empty() {
        let gone = moves.keys().map(|id| {
            format!("route {id} has been deleted or goes another way by now, or is broken")
        });
        obstacles.extend(gone);
    }
    if obstacles.is_empty() {
        Ok(flows)
    } else {
        let reasons = obstacles.into_iter().collect();
        Err(Refusal::NoWayBack { reasons })
    }
}

/// What is no longer there of a path, and which of its switches, other than the source, carry no traffic now.
fn obstacles_on(
    path: &Path,
    graph: &Graph,
    unused: &BTreeSet<DatapathId>,
    source: DatapathId,
) -> Vec<String> {
    let mut obstacles = Vec::new();
    for dpid in path.switches() {
        if !graph.contains_switch(dpid) {
            obstacles.push(format!("switch {dpid} is not connected"));
        } else if dpid != source && unused.contains(&dpid) {
            obstacles.push(format!("switch {dpid} carries no traffic now"));
        }
    }
    let gone = path.links().filter(|link| !graph.is_usable(link));
    obstacles
        .extend(gone.map(|link| format!("the link from {} to {} is gone", link.src, link.dst)));
    obstacles
}

#[cfg(test)]
mod tests;
