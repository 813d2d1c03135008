//! What became of a migration: its state, its phases, its numbers.

mod saved;
mod view;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use godwit_controller::{Event, Network};
use godwit_openflow::model::{FlowRule, Pattern};
use godwit_openflow::types::Cookie;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::planning::{Planned, RuleCounts};
use super::request::{Request, Shape};
use super::revert::entries::Displaced;
use super::revert::{Irreversible, Moves};
use crate::plan::FlowId;
use crate::routing::counters::Tally;

pub(super) use saved::{Ended, Saved};
pub use view::{MigrationDto, PlanDto};

/// A migration's number.
pub type MigrationId = u64;

/// Where a migration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MigrationState")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PhaseName")]
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
    /// Waiting until the switches' caches follow what the next flip relies on.
    Confirm,
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

impl Phase {
    /// Its name in REST.
    const fn name(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Plan => "plan",
            Self::Read => "read",
            Self::Cut => "cut",
            Self::Install => "install",
            Self::Confirm => "confirm",
            Self::Flip => "flip",
            Self::Drain => "drain",
            Self::Remove => "remove",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
        }
    }
}

/// What the switch that was left had counted for one flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FlowCount {
    /// The route.
    pub id: FlowId,
    /// What it had counted.
    #[serde(flatten)]
    pub tally: Tally,
}

/// What the source had counted for a rule that belongs to no route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherCount {
    table: u8,
    priority: u16,
    cookie: Cookie,
    r#match: Pattern,
    packets: u64,
    bytes: u64,
}

impl OtherCount {
    /// Of a rule as it stood on the source.
    #[must_use]
    pub fn of(rule: &FlowRule, tally: Tally) -> Self {
        Self {
            table: rule.table.0,
            priority: rule.priority,
            cookie: rule.cookie,
            r#match: rule.pattern.clone(),
            packets: tally.packets,
            bytes: tally.bytes,
        }
    }
}

/// A migration.
#[derive(Debug)]
pub struct Migration {
    id: MigrationId,
    request: Request,
    /// The idempotency key that it was asked for with.
    key: Option<String>,
    started: Instant,
    started_at: SystemTime,
    cancelled: AtomicBool,
    /// Who is told when a phase begins.
    heard_by: OnceLock<Network>,
    status: Mutex<Status>,
}

#[derive(Debug)]
struct Status {
    state: State,
    past_return: bool,
    flows: usize,
    rules: RuleCounts,
    rounds: usize,
    /// The shape that the plan was given.
    shape: Option<Shape>,
    plan: Option<Arc<Planned>>,
    /// Whether there was a plan that is no longer kept.
    plan_forgotten: bool,
    phases: Vec<(Phase, Duration)>,
    counters: Vec<FlowCount>,
    carried: Vec<OtherCount>,
    finished: Option<(SystemTime, Duration)>,
    error: Option<String>,
    /// What its way back needs, for as long as it may be reverted.
    moves: Arc<Moves>,
    /// The same for what belongs to no route.
    displaced: Option<Arc<Displaced>>,
    reverted_by: Option<MigrationId>,
}

impl Migration {
    /// A migration that was just asked for.
    #[must_use]
    pub fn new(id: MigrationId, request: Request, key: Option<String>) -> Self {
        let status = Status {
            state: State::Planned,
            past_return: false,
            flows: 0,
            rules: RuleCounts::default(),
            rounds: 0,
            shape: None,
            plan: None,
            plan_forgotten: false,
            phases: Vec::new(),
            counters: Vec::new(),
            carried: Vec::new(),
            finished: None,
            error: None,
            moves: Arc::default(),
            displaced: None,
            reverted_by: None,
        };
        Self {
            id,
            request,
            key,
            started: Instant::now(),
            started_at: SystemTime::now(),
            cancelled: AtomicBool::new(false),
            heard_by: OnceLock::new(),
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

    /// The idempotency key that it was asked for with.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> State {
        self.status().state
    }

    /// When it was asked for.
    #[must_use]
    pub const fn started_at(&self) -> SystemTime {
        self.started_at
    }

    /// Takes it to another state that is not final.
    pub fn set_state(&self, state: State) {
        self.status().state = state;
    }

    /// Where it is, for the apps.
    #[must_use]
    pub fn event(&self) -> Event {
        Event::Migration {
            id: self.id,
            source: self.request.source,
            target: self.request.target,
            state: self.state().name(),
        }
    }

    /// The end that it has from now on, once [`Self::end`] takes it.
    pub(super) fn ending(&self, state: State, error: Option<String>) -> Ended {
        Ended {
            state,
            error,
            at: SystemTime::now(),
            took: self.started.elapsed(),
        }
    }

    /// Ends it.
    pub(super) fn end(&self, ended: Ended) {
        let mut status = self.status();
        status.state = ended.state;
        status.error = ended.error;
        status.finished = Some((ended.at, ended.took));
    }

    /// Takes in the plan.
    pub fn planned(&self, planned: Arc<Planned>) {
        let mut status = self.status();
        status.flows = planned.flows.len();
        status.rules = planned.rule_counts();
        status.rounds = planned.rounds.len();
        status.shape = Some(planned.shape.shape);
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

    /// From now on the phases that begin are told.
    pub(super) fn heard_by(&self, network: Network) {
        // It has one network all its life.
        let _ = self.heard_by.set(network);
    }

    /// Takes the time until the guard is dropped, and adds it to that phase.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> Timer<'_> {
        if let Some(network) = self.heard_by.get() {
            network.announce_if_room(Event::MigrationPhase {
                id: self.id,
                phase: phase.name(),
            });
        }
        Timer {
            migration: self,
            phase,
            started: Instant::now(),
        }
    }

    /// How long a phase has taken by now.
    #[must_use]
    pub fn took(&self, phase: Phase) -> Option<Duration> {
        let status = self.status();
        let mut phases = status.phases.iter();
        phases
            .find(|(name, _)| *name == phase)
            .map(|(_, took)| *took)
    }

    /// What the switch that was left had counted, in its final numbers: the source, or on the way back the target.
    pub fn set_counters(&self, counters: Vec<FlowCount>) {
        self.status().counters = counters;
    }

    /// What the source had counted for rules of no route, in its final numbers. Nothing does not undo what was set.
    pub fn set_carried(&self, carried: Vec<OtherCount>) {
        if !carried.is_empty() {
            self.status().carried = carried;
        }
    }

    /// Keeps what its way back needs: that, and what its plan did to what belongs to no route.
    pub(super) fn set_moves(&self, moves: Moves) {
        let displaced = self.plan().filter(|_| !self.request.hold.is_zero());
        let displaced = displaced.and_then(|plan| Displaced::of(&plan));
        let mut status = self.status();
        status.moves = Arc::new(moves);
        status.displaced = displaced.map(Arc::new);
    }

    /// What it did to its routes; nothing any more once it can't be reverted.
    #[must_use]
    pub fn moves(&self) -> Arc<Moves> {
        Arc::clone(&self.status().moves)
    }

    /// What it did to what belongs to no route; nothing any more once it can't be reverted.
    #[must_use]
    pub fn displaced(&self) -> Option<Arc<Displaced>> {
        self.status().displaced.clone()
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
            let mut status = self.status();
            status.moves = Arc::default();
            status.displaced = None;
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
