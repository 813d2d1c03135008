//! Drains: several switches emptied one after another or side by side, in an order that never strands traffic.
//!
//! ```text
//! running ◄──► paused        failed ──► running (resumed)
//!    │            │             │
//!    ├──► failed ─┼─────────────┤
//!    └──► done    └► cancelled ◄┘
//! ```
//!
//! A switch is emptied by a migration without a target. A drain that is paused finishes what is under way and begins
//! nothing; one that is cancelled also undoes what is under way, where that is still possible. What is drained stays
//! drained, until `POST /v1/switches/{id}/restore`. After a restart of the controller a drain that was running goes on by
//! itself, once its switches are back.
//!
//! | file | what it does |
//! |---|---|
//! | [`order`] | which switch is next |
//! | [`check`] | whether switches can be emptied |
//! | [`record`] | how far a drain is |
//! | `work` | the task that carries it out |
//! | `rest` | `/v1/drains` |

pub mod check;
pub mod order;
pub mod record;
mod rest;
mod work;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use godwit_controller::rest::Routes;
use godwit_controller::{App, Batch, Declaration, Slice, StoreError, SwitchState};
use godwit_openflow::types::DatapathId;

use record::{Drain, DrainId, Progress, Request, State, Stored};
use work::{BACK_WITHIN, Worker};

use crate::migration::Migrations;
use crate::routing::Routing;

/// Drains that are remembered; the oldest that is over or failed goes first.
const REMEMBERED: usize = 100;

/// Switches of one drain: the sets of an order by sets are searched for among them, at every step.
pub const MOST_SWITCHES: usize = 100;

/// Switches that are emptied at once, at most. Each takes a share of the controller's and the switches' time.
pub const MOST_PARALLEL: usize = 16;

/// How many are emptied at once by an order by sets where nobody says otherwise.
pub const DEFAULT_PARALLEL_OF_SETS: usize = 4;

/// The app. Clones are the same.
#[derive(Debug, Clone)]
pub struct Drains {
    routing: Routing,
    migrations: Migrations,
    all: Arc<Mutex<BTreeMap<DrainId, Arc<Drain>>>>,
    /// One drain is checked and entered at a time, so that no two get the same switch.
    entering: Arc<tokio::sync::Mutex<()>>,
    /// Set when the controller is about to end.
    stopping: Arc<AtomicBool>,
    /// Why the drains of an earlier run can't be read: a new one would get the number of one of them.
    damaged: Option<Arc<str>>,
}

/// A drain that was not begun, paused, resumed or cancelled. Nothing has been touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrainError {
    /// No switch is named, or too many.
    #[error("a drain takes 1 to {MOST_SWITCHES} switches, not {0}")]
    Number(usize),
    /// So many can't be emptied at once.
    #[error("1 to {MOST_PARALLEL} switches may be emptied at once, not {0}")]
    Parallel(usize),
    /// Switches come twice or are drained already.
    #[error("some of the switches can't be drained")]
    Switches(Vec<String>),
    /// It can't be done in any order.
    #[error("the network can't do without these switches")]
    Impossible(Vec<String>),
    /// A switch can't be asked.
    #[error("it can't be checked whether the switches can be emptied: {0}")]
    Unchecked(String),
    /// A switch is part of another drain.
    #[error("switch {dpid} is part of drain {other}, which is not over")]
    Overlaps {
        /// The switch.
        dpid: DatapathId,
        /// The other drain.
        other: DrainId,
    },
    /// The same idempotency key came with another request.
    #[error("this idempotency key belongs to another request, which became drain {0}")]
    KeyReused(DrainId),
    /// There is no such drain.
    #[error("no drain has the number {0}")]
    Unknown(DrainId),
    /// It is in a state in which this has no meaning.
    #[error("drain {id} is {}, it can't be {verb}", state.name())]
    State {
        /// The drain.
        id: DrainId,
        /// Where it is.
        state: State,
        /// What was wanted of it.
        verb: &'static str,
    },
    /// The drains of an earlier run can't be read.
    #[error("the drains of before can't be read: {0}")]
    Damaged(String),
    /// It can't be kept.
    #[error("the drain can't be stored: {0}")]
    Store(String),
}

impl Drains {
    /// The app, with the drains of the network's store. Those that were running go on; so this has to be called within
    /// a Tokio runtime, when `migrations` has its migrations from before.
    #[must_use]
    pub fn new(routing: Routing, migrations: Migrations) -> Self {
        let stored = routing.network().store().load::<Stored>(Slice::DRAINS);
        let (stored, damaged) = match stored {
            Ok(stored) => (stored, None),
            Err(error) => {
                tracing::error!(%error, "the drains of before can't be read: drains are refused until the store is mended");
                (Vec::new(), Some(error.to_string().into()))
            }
        };
        let drains = Self {
            routing,
            migrations,
            all: Arc::default(),
            entering: Arc::default(),
            stopping: Arc::default(),
            damaged,
        };
        for (id, stored) in stored {
            let drain = Drain::stored(stored);
            drains.lock().insert(id, Arc::clone(&drain));
            let record = drain.record();
            let is_migrating = |member: &record::Member| member.state == Progress::Migrating;
            if record.state == State::Running || record.switches.iter().any(is_migrating) {
                drains.work_on(&drain, BACK_WITHIN);
            }
        }
        drains
    }

    /// Begins nothing from now on and leaves the drains as they are, because the controller is about to end. Those that
    /// are running go on after the next start; what becomes of their migrations meanwhile is not held against them.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DrainId, Arc<Drain>>> {
        // Every operation leaves it whole, so a panic elsewhere can't have torn it.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A drain by its number.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, id: DrainId) -> Result<Arc<Drain>, DrainError> {
        let known = self.lock().get(&id).cloned();
        known.ok_or(DrainError::Unknown(id))
    }

    /// All drains that are remembered, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Drain>> {
        self.lock().values().cloned().collect()
    }

    /// Begins a drain; gives it, and whether it is a new one. The rest happens in the background.
    ///
    /// # Errors
    /// When it can't be done; then everything is as it was.
    pub async fn begin(
        &self,
        request: Request,
        key: Option<String>,
    ) -> Result<(Arc<Drain>, bool), DrainError> {
        if let Some(why) = &self.damaged {
            return Err(DrainError::Damaged(why.to_string()));
        }
        let _entering = self.entering.lock().await;
        let same_key = |drain: &&Arc<Drain>| key.is_some() && drain.key() == key.as_deref();
        if let Some(earlier) = self.list().iter().find(same_key) {
            return if earlier.record().request() == request {
                Ok((Arc::clone(earlier), false))
            } else {
                Err(DrainError::KeyReused(earlier.id()))
            };
        }
        self.check(&request)?;
        self.check_others(&request.switches, None)?;
        let reasons = check::all(
            &self.routing,
            &self.migrations,
            &request.switches,
            request.algorithm,
        );
        let reasons = reasons.await.map_err(DrainError::Unchecked)?;
        if !reasons.is_empty() {
            return Err(DrainError::Impossible(reasons));
        }
        let last = self.lock().last_key_value().map_or(0, |(&id, _)| id);
        let drain = Drain::new(last + 1, &request, key);
        let stored = self.store(&drain).await;
        stored.map_err(|error| DrainError::Store(error.to_string()))?;
        self.lock().insert(drain.id(), Arc::clone(&drain));
        self.forget_old().await;
        tracing::info!(id = drain.id(), switches = request.switches.len(), "drain");
        self.work_on(&drain, Duration::ZERO);
        Ok((drain, true))
    }

    fn check(&self, request: &Request) -> Result<(), DrainError> {
        let count = request.switches.len();
        if count == 0 || count > MOST_SWITCHES {
            return Err(DrainError::Number(count));
        }
        if request.parallel == 0 || request.parallel > MOST_PARALLEL {
            return Err(DrainError::Parallel(request.parallel));
        }
        let mut reasons = Vec::new();
        let mut seen = BTreeSet::new();
        for &dpid in &request.switches {
            if !seen.insert(dpid) {
                reasons.push(format!("switch {dpid} comes twice"));
            } else if self.routing.network().state(dpid) == SwitchState::Drained {
                reasons.push(format!("switch {dpid} is drained already"));
            }
        }
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(DrainError::Switches(reasons))
        }
    }

    /// None of the switches is part of a drain, but for `own`, that may still begin it.
    fn check_others(
        &self,
        switches: &[DatapathId],
        own: Option<DrainId>,
    ) -> Result<(), DrainError> {
        for drain in self.list() {
            let record = drain.record();
            let is_over = record.state.is_over() || record.state == State::Failed;
            let is_done = |member: &record::Member| {
                member.state == Progress::Drained || is_over && member.state != Progress::Migrating
            };
            let open = record.switches.iter().filter(|member| !is_done(member));
            let shared = open.map(|m| m.dpid).find(|dpid| switches.contains(dpid));
            if let Some(dpid) = shared.filter(|_| own != Some(record.id)) {
                let other = record.id;
                return Err(DrainError::Overlaps { dpid, other });
            }
        }
        Ok(())
    }

    /// Finishes what is under way and begins nothing more. A drain that is paused stays so.
    ///
    /// # Errors
    /// When it is neither running nor paused.
    pub async fn pause(&self, id: DrainId) -> Result<Arc<Drain>, DrainError> {
        self.steer(id, "paused", |record| match record.state {
            State::Running | State::Paused => {
                record.state = State::Paused;
                true
            }
            State::Done | State::Cancelled | State::Failed => false,
        })
        .await
    }

    /// Goes on with a drain that is paused, or tries again where one has failed. A drain that is running goes on.
    ///
    /// # Errors
    /// When it is over, or another drain has got one of its switches meanwhile.
    pub async fn resume(&self, id: DrainId) -> Result<Arc<Drain>, DrainError> {
        let _entering = self.entering.lock().await;
        let record = self.get(id)?.record();
        let open = record.switches.iter();
        let open: Vec<DatapathId> = open
            .filter(|member| member.state != Progress::Drained)
            .map(|member| member.dpid)
            .collect();
        if !record.state.is_over() {
            self.check_others(&open, Some(id))?;
        }
        self.steer(id, "resumed", |record| {
            if record.state.is_over() {
                return false;
            }
            if record.state != State::Running {
                record.state = State::Running;
                (record.error, record.finished_at) = (None, None);
                for member in &mut record.switches {
                    if member.is_waiting() || member.state == Progress::Failed {
                        (member.state, member.why) = (Progress::Waiting, None);
                    }
                }
            }
            true
        })
        .await
    }

    /// Begins nothing more, and undoes what is under way where that is still possible. What is drained stays drained.
    ///
    /// # Errors
    /// When it is over.
    pub async fn cancel(&self, id: DrainId) -> Result<Arc<Drain>, DrainError> {
        let drain = self
            .steer(id, "cancelled", |record| {
                let may = !record.state.is_over();
                if may {
                    record.state = State::Cancelled;
                }
                may
            })
            .await?;
        for member in drain.record().switches {
            let migration = member.migration.and_then(|id| self.migrations.get(id));
            if let Some(migration) = migration.filter(|_| member.state == Progress::Migrating) {
                // One that is past its last flip ends committed.
                migration.cancel();
            }
        }
        Ok(drain)
    }

    /// Changes what a drain is at, if `change` finds that it may be changed so.
    async fn steer(
        &self,
        id: DrainId,
        verb: &'static str,
        change: impl FnOnce(&mut record::Record) -> bool,
    ) -> Result<Arc<Drain>, DrainError> {
        let drain = self.get(id)?;
        let (may, state) = drain.change(|record| {
            let before = record.state;
            (change(record), before)
        });
        if !may {
            return Err(DrainError::State { id, state, verb });
        }
        tracing::info!(id, verb, "drain");
        self.work_on(&drain, Duration::ZERO);
        drain.changed.notify_one();
        self.save(&drain).await;
        Ok(drain)
    }

    /// Starts the task of a drain unless it has one. It leaves by itself when there is nothing for it to do.
    fn work_on(&self, drain: &Arc<Drain>, patience: Duration) {
        if drain.take_up() {
            let worker = Worker::new(self.clone(), Arc::clone(drain), patience);
            let (this, drain) = (self.clone(), Arc::clone(drain));
            tokio::spawn(async move {
                if let Err(error) = tokio::spawn(worker.run()).await {
                    tracing::error!(id = drain.id(), %error, "a drain ended abnormally");
                    // Whoever resumes it finds its migrations as after a start of the controller.
                    drain.abandoned();
                    this.save(&drain).await;
                }
            });
        }
    }

    async fn store(&self, drain: &Drain) -> Result<(), StoreError> {
        let _storing = drain.storing.lock().await;
        let Some(stored) = drain.to_store() else {
            return Ok(());
        };
        let mut batch = Batch::default();
        batch.put(Slice::DRAINS, drain.id(), &stored)?;
        self.routing.network().store().write(batch).await?;
        drain.is_stored(stored);
        Ok(())
    }

    /// Keeps a drain as it is. A drain goes on when that is impossible: its migrations have a journal of their own, and
    /// what is drained is known without it.
    async fn save(&self, drain: &Drain) {
        if let Err(error) = self.store(drain).await {
            tracing::warn!(id = drain.id(), %error, "how far a drain is could not be stored");
        }
    }

    async fn forget_old(&self) {
        let forgotten: Vec<DrainId> = {
            let mut all = self.lock();
            let surplus = all.len().saturating_sub(REMEMBERED);
            let is_spare = |drain: &Drain| drain.record().finished_at.is_some();
            let old = all.iter().filter(|(_, drain)| is_spare(drain));
            let old: Vec<DrainId> = old.map(|(&id, _)| id).take(surplus).collect();
            all.retain(|id, _| !old.contains(id));
            old
        };
        let mut batch = Batch::default();
        forgotten
            .iter()
            .for_each(|&id| batch.delete(Slice::DRAINS, id));
        if let Err(error) = self.routing.network().store().write(batch).await {
            tracing::warn!(%error, "old drains could not be removed from the store");
        }
    }
}

impl App for Drains {
    fn name(&self) -> &'static str {
        "drains"
    }

    fn declares(&self) -> Declaration {
        Declaration {
            description: "several switches emptied in order",
            needed: Some("a drain under way could not end; cancel or pause it instead"),
            ..Declaration::default()
        }
    }

    fn stopping(&self) {
        self.stop();
    }

    fn routes(&self) -> Option<Routes> {
        Some(rest::router(self.clone()))
    }

    fn metrics(&self, out: &mut String) {
        let records: Vec<record::Record> = self.list().iter().map(|drain| drain.record()).collect();
        // Writing to a string can't fail.
        let _ = writeln!(
            out,
            "# HELP godwit_drains Drains by state.\n# TYPE godwit_drains gauge"
        );
        for state in State::ALL {
            let count = records
                .iter()
                .filter(|record| record.state == state)
                .count();
            let _ = writeln!(out, "godwit_drains{{state=\"{}\"}} {count}", state.name());
        }
        let waiting: usize = records
            .iter()
            .filter(|record| !record.state.is_over())
            .map(|record| record.waiting().len())
            .sum();
        let help = "Switches of drains that are not over which have still to be emptied.";
        godwit_controller::write_metric(
            out,
            "godwit_drain_switches_waiting",
            "gauge",
            help,
            waiting as u64,
        );
    }
}
