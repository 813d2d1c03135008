//! The task that carries a drain out: it looks at what can go, begins what the order says, and waits for the end.
//!
//! A step is a migration like any other, so everything that is promised of migrations is promised of a drain's steps: a
//! plan that would strand a route is refused before anything is sent, with those switches out of the graph that are being
//! emptied at that moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use godwit_openflow::types::DatapathId;
use tokio::time::{Instant, sleep};

use super::Drains;
use super::check::{self, Obstacle};
use super::order::{Candidate, Footprint, Order, Sequence};
use super::record::{Drain, Progress, State, Turn};
use crate::migration::record::{Migration, State as MigrationState};
use crate::migration::request::Request;

/// Between two looks at the migrations under way. A migration by `clone` takes half a second or more.
const POLL: Duration = Duration::from_millis(20);

/// Until it looks again whether more can begin when nothing of its own has ended meanwhile: to look, switches are asked
/// what they hold.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long a switch that does not answer is waited for before the drain stops: longer than it takes a switch to notice
/// that its connection is gone and to come back.
const AWAY_FOR: Duration = Duration::from_secs(10);

/// How long all switches and links may take to come back after a start of the controller.
pub(super) const BACK_WITHIN: Duration = Duration::from_secs(60);

/// A migration of this drain that has begun.
#[derive(Debug)]
struct Step {
    migration: Arc<Migration>,
    footprint: Footprint,
    /// It was under way when the controller stopped. If it was undone then, that says nothing against the switch.
    is_recovered: bool,
}

/// The task. It ends when nothing is under way and nothing is to be begun.
#[derive(Debug)]
pub(super) struct Worker {
    drains: Drains,
    drain: Arc<Drain>,
    sequence: Sequence,
    under_way: BTreeMap<DatapathId, Step>,
    /// Until then nothing is held against switches and links that are missing.
    patient_until: Instant,
    /// When it looks again for what can begin.
    look_at: Instant,
    /// Since when none could go.
    stuck_since: Option<Instant>,
    /// What could go and then could not: not tried again before something has changed.
    turned_down: BTreeMap<DatapathId, Obstacle>,
}

/// What can be begun and what can't.
#[derive(Debug, Default)]
struct Survey {
    candidates: Vec<Candidate>,
    obstacles: BTreeMap<DatapathId, Obstacle>,
}

impl Worker {
    /// For a drain that nobody is at, being patient for so long.
    pub(super) fn new(drains: Drains, drain: Arc<Drain>, patience: Duration) -> Self {
        let mut worker = Self {
            sequence: Sequence::new(drain.record().order),
            drains,
            drain,
            under_way: BTreeMap::new(),
            patient_until: Instant::now() + patience,
            look_at: Instant::now(),
            stuck_since: None,
            turned_down: BTreeMap::new(),
        };
        worker.take_up_what_was_under_way();
        worker
    }

    /// After a start of the controller: migrations that are still known are followed, the others' switches looked at
    /// again.
    fn take_up_what_was_under_way(&mut self) {
        let record = self.drain.record();
        let migrating = |state| state == Progress::Migrating;
        for member in record.switches.iter().filter(|m| migrating(m.state)) {
            let known = member
                .migration
                .and_then(|id| self.drains.migrations.get(id));
            match known {
                Some(migration) => self.follow(member.dpid, migration, true),
                None => self
                    .drain
                    .change(|record| record.set(member.dpid, Progress::Waiting, None)),
            }
        }
    }

    fn follow(&mut self, dpid: DatapathId, migration: Arc<Migration>, is_recovered: bool) {
        let topology = self.drains.routing.network().topology();
        let footprint = match migration.plan() {
            Some(plan) => check::footprint(&topology, &plan),
            None => Footprint {
                switches: [dpid].into(),
                ..Footprint::default()
            },
        };
        let step = Step {
            migration,
            footprint,
            is_recovered,
        };
        self.under_way.insert(dpid, step);
    }

    /// Until the end, until nothing is to be done for now, or until the controller is about to end.
    pub(super) async fn run(mut self) {
        while !self.drains.is_stopping() {
            self.collect();
            let turn = self.drain.turn(self.under_way.len());
            if let Turn::Begin(room) = turn
                && Instant::now() >= self.look_at
            {
                self.begin(room).await;
            }
            self.drains.save(&self.drain).await;
            if turn == Turn::Leave {
                return;
            }
            tokio::select! {
                () = sleep(POLL) => {}
                () = self.drain.changed.notified() => self.look_anew(),
            }
        }
    }

    fn look_anew(&mut self) {
        self.look_at = Instant::now();
        self.turned_down.clear();
    }

    /// Takes in what has ended.
    fn collect(&mut self) {
        let is_over = |step: &Step| step.migration.state().is_final();
        let over: Vec<DatapathId> = self
            .under_way
            .iter()
            .filter(|(_, step)| is_over(step))
            .map(|(&dpid, _)| dpid)
            .collect();
        for dpid in over {
            let Some(step) = self.under_way.remove(&dpid) else {
                continue;
            };
            self.look_anew();
            self.drain.change(|record| match step.migration.state() {
                MigrationState::Committed => record.set(dpid, Progress::Drained, None),
                MigrationState::RolledBack
                    if step.is_recovered || record.state == State::Cancelled =>
                {
                    record.set(dpid, Progress::Waiting, None);
                }
                state => {
                    let id = step.migration.id();
                    let why = error_of(&step.migration);
                    let what = format!("migration {id} ended {}{why}", state.name());
                    record.set(dpid, Progress::Failed, Some(what.clone()));
                    record.fail(format!("switch {dpid}: {what}"));
                }
            });
        }
    }

    /// Begins what the order says, no more than `room`.
    async fn begin(&mut self, room: usize) {
        self.look_at = Instant::now() + LOOK_AGAIN;
        if Instant::now() < self.patient_until && !self.is_network_back() {
            return;
        }
        self.patient_until = Instant::now();
        let mut survey = self.survey(room).await;
        let under_way: Vec<_> = self
            .under_way
            .iter()
            .map(|(&dpid, step)| (dpid, &step.footprint))
            .collect();
        let next = self.sequence.next(&survey.candidates, &under_way, room);
        for dpid in next {
            if self.drain.state() != State::Running || self.drains.is_stopping() {
                break;
            }
            if let Err(obstacle) = self.begin_one(dpid).await {
                if obstacle != Obstacle::Busy {
                    self.turned_down.insert(dpid, obstacle.clone());
                }
                survey.obstacles.insert(dpid, obstacle);
            }
        }
        self.note(&survey);
        self.stop_if_stuck(&survey);
    }

    /// Whether all switches of the drain are connected and links enough are known for all to go.
    fn is_network_back(&self) -> bool {
        let network = self.drains.routing.network();
        let waiting = self.drain.record().waiting();
        let is_here = |dpid: &DatapathId| network.switches().get(*dpid).is_some();
        let mut routes = Vec::new();
        let table = self.drains.routing.table();
        table.for_each(|_, route| routes.push(route.clone()));
        let all = waiting.iter().copied().collect();
        waiting.iter().all(is_here)
            && check::without_all(&network.topology(), &routes, &all).is_empty()
    }

    /// Looks at the switches that wait: at all of them, or where none is overtaken at as many as may begin.
    async fn survey(&self, room: usize) -> Survey {
        let Drains {
            routing,
            migrations,
            ..
        } = &self.drains;
        let record = self.drain.record();
        let waiting = record.waiting();
        if record.order.is_by_cost() {
            self.read_counters(&waiting).await;
        }
        let mut survey = Survey::default();
        for dpid in waiting {
            if let Some(obstacle) = self.turned_down.get(&dpid) {
                survey.obstacles.insert(dpid, obstacle.clone());
                continue;
            }
            match check::look(routing, migrations, dpid, record.algorithm).await {
                Ok(candidate) => survey.candidates.push(candidate),
                Err(obstacle) => {
                    let blocks = obstacle == Obstacle::Busy && record.order == Order::Given;
                    survey.obstacles.insert(dpid, obstacle);
                    if blocks {
                        break;
                    }
                }
            }
            if record.order == Order::Given && survey.candidates.len() == room {
                break;
            }
        }
        survey
    }

    /// Brings up to date what the routes have delivered that would have to move. One that can't be read now keeps the
    /// number that it had.
    async fn read_counters(&self, waiting: &[DatapathId]) {
        let mut ids = Vec::new();
        self.drains.routing.table().for_each(|id, route| {
            if waiting.iter().any(|dpid| route.crosses(*dpid)) {
                ids.push(id);
            }
        });
        self.drains.routing.refresh(&ids, false).await;
    }

    async fn begin_one(&mut self, dpid: DatapathId) -> Result<(), Obstacle> {
        let algorithm = self.drain.change(|record| {
            record.set(dpid, Progress::Migrating, None);
            record.algorithm
        });
        // After a crash it is known that the switch may be in the middle of it.
        self.drains.save(&self.drain).await;
        let request = Request::new(dpid, None, algorithm);
        match self.drains.migrations.begin(request, None).await {
            Ok((migration, _)) => {
                let is_given_up = self.drain.change(|record| {
                    record.sequence.push(dpid);
                    if let Some(member) = record.member(dpid) {
                        member.migration = Some(migration.id());
                    }
                    record.state == State::Cancelled
                });
                if is_given_up {
                    migration.cancel();
                }
                self.follow(dpid, migration, false);
                Ok(())
            }
            Err(error) => {
                self.drain
                    .change(|record| record.set(dpid, Progress::Waiting, None));
                Err(check::obstacle(&error))
            }
        }
    }

    /// Puts down what the look has shown.
    fn note(&self, survey: &Survey) {
        self.drain.change(|record| {
            for candidate in &survey.candidates {
                if let Some(member) = record.member(candidate.dpid) {
                    member.cost = Some(candidate.cost);
                    if member.state == Progress::PutOff {
                        (member.state, member.why) = (Progress::Waiting, None);
                    }
                }
            }
            for (&dpid, obstacle) in &survey.obstacles {
                match obstacle {
                    Obstacle::Drained => record.set(dpid, Progress::Drained, None),
                    Obstacle::Busy => record.set(dpid, Progress::Waiting, None),
                    Obstacle::Away(_) | Obstacle::Refused(_) | Obstacle::Impossible(_) => {
                        record.set(dpid, Progress::PutOff, Some(obstacle.describe()));
                    }
                }
            }
        });
    }

    /// The drain stops when none of what is left can go and nothing is under way that could change that.
    fn stop_if_stuck(&mut self, survey: &Survey) {
        let record = self.drain.record();
        let left: Vec<_> = record.switches.iter().filter(|m| m.is_waiting()).collect();
        let is_stuck = self.under_way.is_empty()
            && !left.is_empty()
            && left.iter().all(|member| member.state == Progress::PutOff);
        if !is_stuck {
            self.stuck_since = None;
            return;
        }
        let since = *self.stuck_since.get_or_insert_with(Instant::now);
        let mut obstacles = survey.obstacles.values();
        let may_pass = obstacles.any(|obstacle| matches!(obstacle, Obstacle::Away(_)));
        if may_pass && since.elapsed() < AWAY_FOR {
            return;
        }
        let reasons = left.iter().map(|member| {
            let why = member.why.as_deref().unwrap_or_default();
            format!("switch {}: {why}", member.dpid)
        });
        let reasons: Vec<String> = reasons.collect();
        let why = format!(
            "none of the switches that are left can be emptied: {}",
            reasons.join("; ")
        );
        self.drain.change(|record| record.fail(why));
    }
}

/// Why a migration did not succeed, with a colon before it.
fn error_of(migration: &Migration) -> String {
    // What it says to everybody.
    let view = serde_json::to_value(migration.view()).unwrap_or_default();
    let error = view.get("error").and_then(serde_json::Value::as_str);
    error.map_or_else(String::new, |error| format!(": {error}"))
}
