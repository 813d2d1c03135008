//! The script of a migration, and the way back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use godwit_controller::switch::ApplyError;
use godwit_controller::{Network, RoundError, SwitchState};
use godwit_openflow::types::DatapathId;
use godwit_topology::{Path, PortRef};

use super::drain::{OldWay, REVALIDATION, Readings, Rest};
use super::planning::{Planned, waypoints};
use super::record::{FlowCount, Migration, Phase, State};
use super::revert::{Moved, Moves, Reverted};
use crate::plan::{Change, Flow, Kind, Round};
use crate::routing::Routing;
use crate::routing::counters::{Counters, OnSwitch, Tally};
use crate::routing::table::{Lease, Route, State as RouteState};

/// A migration that is ready to run: nothing has been sent yet.
#[derive(Debug)]
pub struct Job {
    routing: Routing,
    lease: Lease,
    planned: Arc<Planned>,
    /// What the source was before, and is again after a rollback.
    before: SwitchState,
    /// The migration that this one is the way back of.
    reverted: Option<Reverted>,
    /// Which connection each switch had when the plan was made: rules sent over an earlier one may be lost.
    connections: Vec<(DatapathId, Option<u64>)>,
}

/// Why a migration went back.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error("cancelled")]
    Cancelled,
    #[error("the network has changed under the plan: {0}")]
    Changed(String),
    #[error("round {} ({kind:?}): {source}", index + 1)]
    Refused {
        index: usize,
        kind: Kind,
        source: RoundError,
    },
}

impl Job {
    pub(super) fn new(
        routing: Routing,
        lease: Lease,
        planned: Arc<Planned>,
        before: SwitchState,
        reverted: Option<Reverted>,
    ) -> Self {
        let connection = |dpid| {
            routing
                .network()
                .switches()
                .get(dpid)
                .map(|switch| switch.connection_id())
        };
        let connections = planned
            .switches()
            .into_iter()
            .map(|dpid| (dpid, connection(dpid)))
            .collect();
        Self {
            routing,
            lease,
            planned,
            before,
            reverted,
            connections,
        }
    }

    fn network(&self) -> &Network {
        self.routing.network()
    }

    /// Carries the migration out. Gives the state that it ends in, and why if it is not the one that was wished for;
    /// it is in that state when the caller says so, with everything that it held given back.
    pub(super) async fn run(self, migration: &Migration) -> (State, Option<String>) {
        let source = self.planned.request.source;
        tracing::info!(id = migration.id(), %source, flows = self.planned.flows.len(), "migration begins");
        migration.set_state(State::Running);
        self.lease.update(|route| route.state = RouteState::Moving);
        match self.forward(migration).await {
            Ok(()) => {
                tracing::info!(id = migration.id(), "migration committed");
                (State::Committed, None)
            }
            Err((done, halt)) => self.back(migration, done, &halt).await,
        }
    }

    /// The script. On an error: how many rounds may have taken effect, and why it stopped.
    async fn forward(&self, migration: &Migration) -> Result<(), (usize, Halt)> {
        if self.planned.flows.is_empty() && !migration.pass_point_of_no_return() {
            return Err((0, Halt::Cancelled));
        }
        self.read_before_cut(migration).await;
        let last_live = self.planned.point_of_no_return();
        let (live, rest) = self.planned.rounds.split_at(last_live);
        let mut previous = None;
        for (index, round) in live.iter().enumerate() {
            if migration.is_cancelled() {
                return Err((index, Halt::Cancelled));
            }
            self.check_unchanged()
                .map_err(|what| (index, Halt::Changed(what)))?;
            self.apply(migration, round, previous)
                .await
                .map_err(|source| {
                    (
                        index + 1,
                        Halt::Refused {
                            index,
                            kind: round.kind,
                            source,
                        },
                    )
                })?;
            previous = Some(round.kind);
        }
        let flipped = Instant::now();
        if !self.planned.flows.is_empty() && !migration.pass_point_of_no_return() {
            return Err((last_live, Halt::Cancelled));
        }
        self.drain(migration, flipped).await;
        self.remove(migration, rest).await;
        self.commit(migration).await;
        Ok(())
    }

    /// Before anything more is turned over to the new ways: is what was installed there still there? A switch
    /// that has come back may have come back empty.
    fn check_unchanged(&self) -> Result<(), String> {
        for &(dpid, before) in &self.connections {
            let now = self.network().switches().get(dpid);
            if now.map(|switch| switch.connection_id()) != before {
                return Err(format!("switch {dpid} was away"));
            }
        }
        let topology = self.network().topology();
        let mut links = self.planned.flows.iter().flat_map(|flow| flow.new.links());
        match links.find(|link| !topology.graph().is_usable(link)) {
            Some(link) => Err(format!(
                "the link from {} to {} is gone",
                link.src, link.dst
            )),
            None => Ok(()),
        }
    }

    async fn apply(
        &self,
        migration: &Migration,
        round: &Round,
        previous: Option<Kind>,
    ) -> Result<(), RoundError> {
        let phase = match round.kind {
            Kind::Install => Phase::Install,
            Kind::Flip => Phase::Flip,
            Kind::Cut => Phase::Cut,
            Kind::Remove => Phase::Remove,
        };
        let _timer = migration.phase(phase);
        // A flip may rely on the one before: until a switch's cache has been looked at again, packets may still
        // leave it the old way and would meet the next flip from the wrong side.
        // And a switch that the flows come back to may still have in its cache that they are dropped there.
        let waits = match (previous, round.kind) {
            (Some(Kind::Flip), Kind::Flip) => true,
            (Some(Kind::Install), Kind::Flip) => self.comes_back(),
            _ => false,
        };
        if waits && self.planned.request.algorithm == super::request::Algorithm::Clone {
            tokio::time::sleep(REVALIDATION).await;
        }
        round.messages().apply(self.network().switches()).await
    }

    /// Whether a flow goes to a switch that it was on before and left.
    fn comes_back(&self) -> bool {
        let left_before = |flow: &Flow, dpid| {
            let left = |route: &mut Route| {
                let on_switch = route.counters.on_switch(dpid);
                on_switch.is_some_and(|on_switch| !on_switch.is_live())
            };
            self.routing.table().with(flow.template.id, left) == Some(true)
        };
        let back_to = |flow: &Flow| flow.new.switches().any(|dpid| left_before(flow, dpid));
        // Counters that were started again don't know.
        self.reverted.is_some() || self.planned.flows.iter().any(back_to)
    }

    /// `move`: the source's counters, before its rules are removed with traffic still coming.
    async fn read_before_cut(&self, migration: &Migration) {
        if self.planned.request.algorithm == super::request::Algorithm::Move {
            let _timer = migration.phase(Phase::Read);
            let way = OldWay::of(&self.planned.flows);
            self.take_in(&way.read(self.network()).await);
        }
    }

    async fn drain(&self, migration: &Migration, flipped: Instant) {
        let _timer = migration.phase(Phase::Drain);
        let [left, _] = self.planned.request.left_and_taking();
        let flows = &self.planned.flows;
        let way = left.map_or_else(
            || OldWay::of(flows),
            |left| OldWay::off(flows, left, &self.entered_by_others(left)),
        );
        if way.is_empty() || !self.planned.request.algorithm.keeps_counters() {
            return;
        }
        let Rest { readings, .. } = way.rest(self.network(), flipped).await;
        self.take_in(&readings);
    }

    /// Ports of a switch by which routes come in that stay there, or will when this is done. At a source there are
    /// none; a target that is left again may have routes of its own.
    fn entered_by_others(&self, dpid: DatapathId) -> BTreeSet<PortRef> {
        let flows = &self.planned.flows;
        let leaving: BTreeSet<_> = flows.iter().map(|flow| flow.template.id).collect();
        let mut ports = BTreeSet::new();
        let hops = flows.iter().filter_map(|flow| flow.new.hop_at(dpid));
        ports.extend(hops.map(|hop| PortRef::new(dpid, hop.in_port)));
        self.routing.table().for_each(|id, route| {
            if !leaving.contains(&id) {
                let hop = route.path.hop_at(dpid);
                ports.extend(hop.map(|hop| PortRef::new(dpid, hop.in_port)));
            }
        });
        ports
    }

    fn take_in(&self, readings: &Readings) {
        for (&(dpid, id), reading) in readings {
            self.routing.table().with(id, |route| {
                route.counters.read(dpid, reading.tally, reading.age_ns)
            });
        }
    }

    /// Removes what carries nothing any more. Past the last flip nothing stops a migration: a switch that
    /// doesn't answer is mended when it returns, since its rules are then no longer desired.
    async fn remove(&self, migration: &Migration, rounds: &[Round]) {
        let _timer = migration.phase(Phase::Remove);
        for round in rounds {
            if let Err(error) = round.messages().apply(self.network().switches()).await {
                tracing::warn!(id = migration.id(), %error, "not every old rule could be removed");
            }
        }
    }

    async fn commit(&self, migration: &Migration) {
        let timer = migration.phase(Phase::Commit);
        let request = &self.planned.request;
        let mut counts = Vec::new();
        let mut moves = Moves::new();
        for Flow { template, new, .. } in &self.planned.flows {
            let id = template.id;
            let table = self.routing.table();
            if let Some((counted, moved)) = table.with(id, |route| self.hand_over(route, new)) {
                counts.extend(counted.map(|tally| FlowCount { id, tally }));
                moves.insert(id, moved);
            }
        }
        if request.algorithm.keeps_counters() {
            migration.set_counters(counts);
        }
        self.mend_reconnected().await;
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
        self.network().set_state(request.source, state).await;
        drop(timer);
    }

    /// The new path is the route's own from now on. Gives what the switch that it left had counted, and what its way
    /// back needs.
    fn hand_over(&self, route: &mut Route, new: &Path) -> (Option<Tally>, Moved) {
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
        let undone = |reverted: &Reverted| reverted.moves.get(&route.template.id).cloned();
        let via = match self.reverted.as_ref().and_then(undone) {
            None => waypoints_kept(route, request),
            Some(moved) => moved.via,
        };
        route.state = RouteState::Active;
        let moved = Moved {
            before: std::mem::replace(&mut route.path, new.clone()),
            after: new.clone(),
            via: std::mem::replace(&mut route.via, via),
        };
        (counted, moved)
    }

    /// Undoes the first `done` rounds, the last first. Undoing a round that took effect only in part, or not
    /// at all, is safe: every undo names exactly one rule.
    async fn back(
        &self,
        migration: &Migration,
        done: usize,
        halt: &Halt,
    ) -> (State, Option<String>) {
        tracing::warn!(id = migration.id(), reason = %halt, "migration goes back");
        let timer = migration.phase(Phase::Rollback);
        let mut left = Vec::new();
        let mut flipped = None;
        let confirmed = match halt {
            Halt::Cancelled | Halt::Changed(_) => done,
            Halt::Refused { index, .. } => *index,
        };
        for (index, round) in self.planned.rounds.iter().enumerate().take(done).rev() {
            match (round.kind, flipped.take()) {
                // What was let onto the new way has to leave it before its rules go.
                (Kind::Install, Some(since)) => {
                    _ = self.reversed().rest(self.network(), since).await
                }
                // As on the way forth, a flip may rely on the one before.
                (Kind::Flip, Some(_)) => tokio::time::sleep(REVALIDATION).await,
                _ => {}
            }
            if let Err(error) = round.undo().apply(self.network().switches()).await {
                // A switch that is gone is mended when it returns: the old path is what it shall hold.
                let gone = |failure: &godwit_controller::rules::SwitchFailure| {
                    matches!(failure.error, ApplyError::Disconnected)
                };
                left.extend(
                    error
                        .failures
                        .iter()
                        .filter(|failure| !gone(failure))
                        .map(ToString::to_string),
                );
            }
            if round.kind == Kind::Flip {
                flipped = Some(Instant::now());
            }
            if index < confirmed {
                self.count_anew(round);
            }
        }
        // The keeper looks at them as soon as they are given back.
        self.lease.update(|route| route.state = RouteState::Active);
        self.mend_reconnected().await;
        self.network()
            .set_state(self.planned.request.source, self.before)
            .await;
        drop(timer);
        if left.is_empty() {
            (State::RolledBack, Some(halt.to_string()))
        } else {
            let left = left.join("; ");
            (
                State::Failed,
                Some(format!("{halt}; and not all could be undone: {left}")),
            )
        }
    }

    /// Rules that were deleted and are there again count from zero.
    fn count_anew(&self, round: &Round) {
        for step in round
            .steps
            .iter()
            .filter(|step| step.change == Change::Remove)
        {
            self.routing
                .table()
                .with(step.flow, |route| route.counters.restarted(step.dpid));
        }
    }

    /// The way that the flows took for a moment, as one that is old now.
    fn reversed(&self) -> OldWay {
        let flows = self.planned.flows.iter().filter_map(|flow| {
            let old = flow.old.clone()?;
            Some(Flow {
                template: flow.template.clone(),
                old: Some(flow.new.clone()),
                new: old,
            })
        });
        OldWay::of(&flows.collect::<Vec<_>>())
    }

    /// Gives switches that came back in the meantime what their routes want: rules under change were left
    /// alone when they were compared.
    async fn mend_reconnected(&self) {
        for &(dpid, before) in &self.connections {
            let Some(switch) = self.network().switches().get(dpid) else {
                continue;
            };
            if Some(switch.connection_id()) == before {
                continue;
            }
            let mut round = godwit_controller::Round::default();
            for flow in &self.planned.flows {
                let Some(route) = self.routing.table().get(flow.template.id) else {
                    continue;
                };
                let wanted = route
                    .template
                    .rules(&route.path)
                    .find(|(at, _)| *at == dpid);
                let other = flow
                    .template
                    .rules(&flow.new)
                    .chain(flow.old.iter().flat_map(|path| flow.template.rules(path)));
                match wanted {
                    Some((_, rule)) => round.push(dpid, godwit_openflow::model::FlowMod::add(rule)),
                    None => {
                        for (_, rule) in other.filter(|(at, _)| *at == dpid) {
                            round.push(dpid, godwit_openflow::model::FlowMod::delete_strict(rule));
                        }
                    }
                }
            }
            if let Err(error) = round.apply(self.network().switches()).await {
                tracing::warn!(%dpid, %error, "a switch that came back did not take its rules");
            }
        }
    }
}

/// The switches that the route was asked to cross, with the target in the source's place. A target that
/// was only this migration's wish does not bind the route for ever.
fn waypoints_kept(route: &Route, request: &super::request::Request) -> Vec<DatapathId> {
    if route.via.contains(&request.source) {
        waypoints(route, request)
    } else {
        route.via.clone()
    }
}
