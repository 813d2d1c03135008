//! The end of a migration that is done: the routes' new paths are theirs.

use godwit_controller::SwitchState;
use godwit_openflow::types::DatapathId;
use godwit_topology::Path;

use super::Job;
use super::standing::Way;
use crate::migration::planning::waypoints;
use crate::migration::record::{Ended, FlowCount, Migration, Phase, State};
use crate::migration::request::Request;
use crate::migration::revert::{Moved, Moves, Reverted};
use crate::plan::Flow;
use crate::routing::counters::{Counters, OnSwitch, Tally};
use crate::routing::table::{Route, State as RouteState};

impl Job {
    /// Hands the routes over, takes the source out of service (or into it, on a way back) and writes the end down.
    /// What an earlier run has done of it is done again to the same effect.
    pub(super) async fn commit(&self, migration: &Migration) -> Ended {
        let timer = migration.phase(Phase::Commit);
        let request = &self.planned.request;
        let mut counts = Vec::new();
        let mut moves = Moves::new();
        for flow in &self.planned.flows {
            let id = flow.template.id;
            let table = self.routing.table();
            if let Some((counted, moved)) = table.with(id, |route| self.hand_over(route, flow)) {
                counts.extend(counted.map(|tally| FlowCount { id, tally }));
                moves.insert(id, moved);
            }
        }
        if request.algorithm.keeps_counters() {
            migration.set_counters(counts);
        }
        self.mend_reconnected(migration).await;
        let state = match &self.reverted {
            None => {
                migration.set_moves(moves);
                SwitchState::Drained
            }
            Some(reverted) => {
                reverted.migration.set_reverted(migration.id());
                SwitchState::Active
            }
        };
        self.set_source(state).await;
        drop(timer);
        let mut settled = self.settle_others().await;
        settled.extend(self.thaw(true).await);
        let ended = self.end(migration, State::Committed, None, settled).await;
        tracing::info!(id = migration.id(), "migration committed");
        ended
    }

    /// The new path is the route's own from now on. Gives what the switch that it left had counted, and what its way
    /// back needs.
    fn hand_over(&self, route: &mut Route, flow: &Flow) -> (Option<Tally>, Moved) {
        let Flow {
            template, old, new, ..
        } = flow;
        let request = &self.planned.request;
        let [left, taking] = request.left_and_taking();
        let left = left.filter(|left| new.hop_at(*left).is_none());
        let on_left = left.and_then(|left| route.counters.on_switch(left));
        let counted = on_left.map(OnSwitch::total);
        if !request.algorithm.keeps_counters() {
            route.counters = Counters::default();
        }
        route.counters.set_path(new.switches());
        if let (Some(left), Some(taking)) = (left, taking) {
            route.counters.carry_over(left, taking);
        }
        let undone = |reverted: &Reverted| reverted.moves.get(&template.id).cloned();
        let via = match self.reverted.as_ref().and_then(undone) {
            None => waypoints_kept(route, request),
            Some(moved) => moved.via,
        };
        route.state = RouteState::Active;
        route.via = via;
        let path: Path = std::mem::replace(&mut route.path, new.clone());
        let moved = Moved {
            before: old.clone().unwrap_or(path),
            after: new.clone(),
            via: self.via.get(&template.id).cloned().unwrap_or_default(),
        };
        (counted, moved)
    }

    /// Switches that came back in the meantime have been compared with what is wanted but for the rules under change.
    async fn mend_reconnected(&self, migration: &Migration) {
        let was_away =
            |&(dpid, before): &(DatapathId, Option<u64>)| self.connection(dpid) != before;
        if !self.connections.iter().any(was_away) {
            return;
        }
        let network = self.network();
        let rounds = &self.planned.rounds;
        let mut standing = super::standing::Standing::read(network, rounds).await;
        for round in rounds {
            let missing = standing.missing(round, Way::Done);
            if let Err(error) = missing.messages.apply(network.switches()).await {
                tracing::warn!(id = migration.id(), %error, "a switch that came back did not take its rules");
            }
        }
    }
}

/// The switches that the route was asked to cross, with the target in the source's place. A target that
/// was only this migration's wish does not bind the route for ever.
fn waypoints_kept(route: &Route, request: &Request) -> Vec<DatapathId> {
    if route.via.contains(&request.source) {
        waypoints(route, request)
    } else {
        route.via.clone()
    }
}
