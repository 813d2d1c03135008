//! What became of a migration: its state, its phases, its numbers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use godwit_openflow::types::DatapathId;
use serde::Serialize;

use super::planning::{Planned, RuleCounts};
use super::request::{Algorithm, Request};
use super::revert::{Irreversible, Moves};
use crate::plan::FlowId;
use crate::plan::text::RoundDto;
use crate::routing::counters::Tally;

/// A migration's number.
pub type MigrationId = u64;

/// Where a migration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Asked for.
    Planned,
    /// The source gets no new work.
    Frozen,
    /// Messages are being sent.
    Running,
    /// Done: the source is drained.
    Committed,
    /// Everything is as it was.
    RolledBack,
    /// A rollback could not be finished; the error says what is left where.
    Failed,
}

impl State {
    /// Every state, in order.
    pub const ALL: [Self; 6] = [
        Self::Planned,
        Self::Frozen,
        Self::Running,
        Self::Committed,
        Self::RolledBack,
        Self::Failed,
    ];

    /// Its name in JSON and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Frozen => "frozen",
            Self::Running => "running",
            Self::Committed => "committed",
            Self::RolledBack => "rolled_back",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Committed | Self::RolledBack | Self::Failed)
    }
}

/// A part of a migration whose time is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Taking the source out of the graph, waiting for changes under way.
    Freeze,
    /// Reading the source, finding ways, making rounds, proving them.
    Plan,
    /// Reading the source's counters before they are cut (`move`).
    Read,
    /// Removing live rules at the source (`freeze-copy`, `move`).
    Cut,
    /// New rules.
    Install,
    /// New next hops of live rules.
    Flip,
    /// Waiting until the old way is at rest.
    Drain,
    /// Removing rules that carry nothing any more.
    Remove,
    /// The routes' new paths are theirs from now on.
    Commit,
    /// Undoing.
    Rollback,
}

/// What the switch that was left had counted for one flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FlowCount {
    /// The route.
    pub id: FlowId,
    /// What it had counted.
    #[serde(flatten)]
    pub tally: Tally,
}

/// A migration.
#[derive(Debug)]
pub struct Migration {
    id: MigrationId,
    request: Request,
    started: Instant,
    started_at: SystemTime,
    cancelled: AtomicBool,
    status: Mutex<Status>,
}

#[derive(Debug)]
struct Status {
    state: State,
    past_return: bool,
    flows: usize,
    rules: RuleCounts,
    rounds: usize,
    plan: Option<Arc<Planned>>,
    /// Whether there was a plan that is no longer kept.
    plan_forgotten: bool,
    phases: Vec<(Phase, Duration)>,
    counters: Vec<FlowCount>,
    finished: Option<(SystemTime, Duration)>,
    error: Option<String>,
    /// What its way back needs, for as long as it may be reverted.
    moves: Arc<Moves>,
    reverted_by: Option<MigrationId>,
}

impl Migration {
    /// A migration that was just asked for.
    #[must_use]
    pub fn new(id: MigrationId, request: Request) -> Self {
        let status = Status {
            state: State::Planned,
            past_return: false,
            flows: 0,
            rules: RuleCounts::default(),
            rounds: 0,
            plan: None,
            plan_forgotten: false,
            phases: Vec::new(),
            counters: Vec::new(),
            finished: None,
            error: None,
            moves: Arc::default(),
            reverted_by: None,
        };
        Self {
            id,
            request,
            started: Instant::now(),
            started_at: SystemTime::now(),
            cancelled: AtomicBool::new(false),
            status: Mutex::new(status),
        }
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        // Every operation leaves it whole, so a panic elsewhere can't have torn it.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> MigrationId {
        self.id
    }

    /// What was asked for.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> State {
        self.status().state
    }

    /// Takes it to another state.
    pub fn set_state(&self, state: State) {
        let mut status = self.status();
        status.state = state;
        if state.is_final() {
            status.finished = Some((SystemTime::now(), self.started.elapsed()));
        }
    }

    /// Ends it in a state, with the reason if it is not the one that was wished for.
    pub fn end(&self, state: State, error: Option<String>) {
        self.status().error = error;
        self.set_state(state);
    }

    /// Takes in the plan.
    pub fn planned(&self, planned: Arc<Planned>) {
        let mut status = self.status();
        status.flows = planned.flows.len();
        status.rules = planned.rule_counts();
        status.rounds = planned.rounds.len();
        status.plan = Some(planned);
    }

    /// The plan, once it is made.
    #[must_use]
    pub fn plan(&self) -> Option<Arc<Planned>> {
        self.status().plan.clone()
    }

    /// Gives up the plan; the rest of the record stays.
    pub(super) fn forget_plan(&self) {
        let mut status = self.status();
        status.plan_forgotten |= status.plan.take().is_some();
    }

    /// Whether there was a plan that is no longer kept.
    #[must_use]
    pub fn plan_is_forgotten(&self) -> bool {
        self.status().plan_forgotten
    }

    /// Takes the time until the guard is dropped, and adds it to that phase.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> Timer<'_> {
        Timer {
            migration: self,
            phase,
            started: Instant::now(),
        }
    }

    /// What the switch that was left had counted, in its final numbers: the source, or on the way back the target.
    pub fn set_counters(&self, counters: Vec<FlowCount>) {
        self.status().counters = counters;
    }

    /// Keeps what its way back needs.
    pub(super) fn set_moves(&self, moves: Moves) {
        self.status().moves = Arc::new(moves);
    }

    /// What it did to its routes; nothing any more once it can't be reverted.
    #[must_use]
    pub fn moves(&self) -> Arc<Moves> {
        Arc::clone(&self.status().moves)
    }

    /// Whether it may be reverted now.
    ///
    /// # Errors
    /// When it is too early or too late.
    pub fn check_reversible(&self) -> Result<(), Irreversible> {
        let (id, hold) = (self.id, self.request.hold);
        let status = self.status();
        if status.state != State::Committed {
            let state = status.state;
            return Err(Irreversible::NotCommitted { id, state });
        }
        if let Some(reverts) = self.request.reverts {
            return Err(Irreversible::WayBack { id, reverts });
        }
        if let Some(by) = status.reverted_by {
            return Err(Irreversible::Already { id, by });
        }
        let took = status.finished.map_or(Duration::ZERO, |(_, took)| took);
        if self.started.elapsed() >= took.saturating_add(hold) {
            return Err(Irreversible::Over { id, hold });
        }
        Ok(())
    }

    /// Another migration was its way back.
    pub(super) fn set_reverted(&self, by: MigrationId) {
        self.status().reverted_by = Some(by);
    }

    /// Gives up what the way back needs once there is none.
    pub(super) fn forget_moves(&self) {
        if self.state().is_final() && self.check_reversible().is_err() {
            self.set_moves(Moves::new());
        }
    }

    /// Asks for a rollback. `false` when it is too late: the last flip is done, or all is.
    pub fn cancel(&self) -> bool {
        let status = self.status();
        if status.past_return || status.state.is_final() {
            return false;
        }
        self.cancelled.store(true, Ordering::Release);
        true
    }

    /// Whether somebody asked for a rollback.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// From here on it goes forward only. `false` when a cancel came first.
    pub fn pass_point_of_no_return(&self) -> bool {
        let mut status = self.status();
        status.past_return = !self.is_cancelled();
        status.past_return
    }

    /// As it is served.
    #[must_use]
    pub fn view(&self) -> MigrationDto {
        let is_held = self.check_reversible().is_ok();
        let status = self.status();
        let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let duration = status
            .finished
            .map_or_else(|| self.started.elapsed(), |(_, duration)| duration);
        MigrationDto {
            id: self.id,
            source: self.request.source,
            target: self.request.target,
            algorithm: self.request.algorithm,
            state: status.state,
            flows: status.flows,
            rules: status.rules,
            rounds: status.rounds,
            started_at: humantime::format_rfc3339_micros(self.started_at).to_string(),
            finished_at: status
                .finished
                .map(|(at, _)| humantime::format_rfc3339_micros(at).to_string()),
            hold_until: status
                .finished
                .filter(|_| is_held)
                .and_then(|(at, _)| at.checked_add(self.request.hold))
                .map(|at| humantime::format_rfc3339_micros(at).to_string()),
            reverts: self.request.reverts,
            reverted_by: status.reverted_by,
            duration_us: us(duration),
            phases: status
                .phases
                .iter()
                .map(|&(name, duration)| PhaseDto {
                    name,
                    duration_us: us(duration),
                })
                .collect(),
            counters: status.counters.clone(),
            error: status.error.clone(),
        }
    }
}

/// Takes the time of a phase.
#[derive(Debug)]
pub struct Timer<'a> {
    migration: &'a Migration,
    phase: Phase,
    started: Instant,
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        let mut status = self.migration.status();
        match status
            .phases
            .iter_mut()
            .find(|(phase, _)| *phase == self.phase)
        {
            Some((_, sum)) => *sum += took,
            None => status.phases.push((self.phase, took)),
        }
    }
}

/// A migration as it is served.
#[derive(Debug, Serialize)]
pub struct MigrationDto {
    id: MigrationId,
    source: DatapathId,
    target: Option<DatapathId>,
    algorithm: Algorithm,
    state: State,
    flows: usize,
    rules: RuleCounts,
    rounds: usize,
    started_at: String,
    finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverts: Option<MigrationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverted_by: Option<MigrationId>,
    duration_us: u64,
    phases: Vec<PhaseDto>,
    counters: Vec<FlowCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct PhaseDto {
    name: Phase,
    duration_us: u64,
}

/// A plan as it is served.
#[derive(Debug, Serialize)]
pub struct PlanDto {
    source: DatapathId,
    target: Option<DatapathId>,
    algorithm: Algorithm,
    flows: Vec<FlowDto>,
    rules: RuleCounts,
    rounds: Vec<RoundDto>,
}

#[derive(Debug, Serialize)]
struct FlowDto {
    id: FlowId,
    old: Option<godwit_topology::Path>,
    new: godwit_topology::Path,
}

impl PlanDto {
    /// Of a plan.
    #[must_use]
    pub fn new(planned: &Planned) -> Self {
        let flow = |flow: &crate::plan::Flow| FlowDto {
            id: flow.template.id,
            old: flow.old.clone(),
            new: flow.new.clone(),
        };
        Self {
            source: planned.request.source,
            target: planned.request.target,
            algorithm: planned.request.algorithm,
            flows: planned.flows.iter().map(flow).collect(),
            rules: planned.rule_counts(),
            rounds: planned.rounds.iter().map(RoundDto::from).collect(),
        }
    }
}
