//! Moving a running switch's work to another switch.
//!
//! ```text
//! planned ──► frozen ──► running ──► committed
//!    │           │          │
//!    └───────────┴──────────┴──────► rolled_back      (failed: a rollback that could not be finished)
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | [`request`] | what is asked for: a `Request` that can't be wrong |
//! | [`planning`] | which flows go which way instead, and why some can't |
//! | [`strategy`] | the rounds, one algorithm a file |
//! | [`execute`] | the script: install, flip, drain, collect, remove, commit, and back |
//! | [`drain`] | when nothing is on the old way any more |
//! | [`record`] | what became of it |
//! | [`revert`] | the way back of one that is committed |
//! | `rest` | `/v1/migrations`, `/v1/switches/{id}/restore` |

pub mod drain;
pub mod execute;
pub mod planning;
pub mod record;
pub mod request;
mod rest;
pub mod revert;
pub mod strategy;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use godwit_controller::{App, Network, SwitchState};
use godwit_openflow::types::DatapathId;
use tokio::sync::watch;

use execute::Job;
use planning::{Planned, Refusal};
use record::{Migration, MigrationId, Phase, State};
use request::{Algorithm, Request};
use revert::{Irreversible, Reverted};

use crate::routing::Routing;
use crate::routing::table::Route;

/// Finished migrations that are remembered; the oldest go first.
const REMEMBERED: usize = 100;

/// The same while there are older ones that may still be reverted: that many in one hold are no way of working.
const REMEMBERED_HELD: usize = 1_000;

/// Flows, of all finished migrations together, whose plans are kept; those of the oldest go first. A plan takes about
/// 5 kB a flow, so that is 50 MB. The latest plan is kept however large it is: somebody will want to see it.
const PLANNED_FLOWS: usize = 10_000;

/// The app. Clones are the same.
#[derive(Debug, Clone)]
pub struct Migrations {
    routing: Routing,
    inner: Arc<Mutex<Inner>>,
    /// See [`PLANNED_FLOWS`].
    planned_flows: usize,
}

#[derive(Debug, Default)]
struct Inner {
    last_id: MigrationId,
    all: BTreeMap<MigrationId, Arc<Migration>>,
    /// Which migration is changing rules on which switch.
    touched: HashMap<DatapathId, MigrationId>,
    /// Requests by their idempotency key.
    keys: HashMap<String, Keyed>,
}

/// What became of a request: nothing yet, a migration, or a refusal.
type Outcome = Option<Result<Arc<Migration>, BeginError>>;

/// A request that came with an idempotency key.
#[derive(Debug)]
struct Keyed {
    request: Request,
    id: MigrationId,
    outcome: watch::Receiver<Outcome>,
}

/// A request that is in nobody's way.
enum Admitted {
    /// Whoever asks the same with the same key is told by the sender.
    New(Arc<Migration>, watch::Sender<Outcome>),
    /// It was made before.
    Earlier(watch::Receiver<Outcome>),
}

/// A migration that was not begun. Nothing has been touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    /// A switch of the request is part of another migration.
    #[error("switch {dpid} is part of migration {other}, which is under way")]
    Overlaps {
        /// The switch.
        dpid: DatapathId,
        /// The other migration.
        other: MigrationId,
    },
    /// The same idempotency key came with another request.
    #[error("this idempotency key belongs to another request, which became migration {0}")]
    KeyReused(MigrationId),
    /// There is no migration to be reverted.
    #[error("no migration has the number {0}")]
    Unknown(MigrationId),
    /// The migration can't be reverted.
    #[error(transparent)]
    Irreversible(#[from] Irreversible),
    /// A fault of the controller.
    #[error("internal error: the migration could not be prepared")]
    Abandoned,
    /// It can't be done.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Migrations {
    /// The app, for the routes of `routing`.
    #[must_use]
    pub fn new(routing: Routing) -> Self {
        Self {
            routing,
            inner: Arc::default(),
            planned_flows: PLANNED_FLOWS,
        }
    }

    /// The same, keeping the plans of so many flows of finished migrations instead of 10,000.
    #[must_use]
    pub const fn keeping_plans_of(mut self, flows: usize) -> Self {
        self.planned_flows = flows;
        self
    }

    fn network(&self) -> &Network {
        self.routing.network()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every operation leaves it whole, so a panic elsewhere can't have torn it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A migration by its number.
    #[must_use]
    pub fn get(&self, id: MigrationId) -> Option<Arc<Migration>> {
        self.lock().all.get(&id).cloned()
    }

    /// All migrations that are remembered, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Migration>> {
        self.lock().all.values().cloned().collect()
    }

    /// The migration that is changing rules on this switch.
    #[must_use]
    pub fn touching(&self, dpid: DatapathId) -> Option<MigrationId> {
        self.lock().touched.get(&dpid).copied()
    }

    /// Plans without doing: what would be sent, or why it can't be. Takes no lease and changes nothing.
    ///
    /// # Errors
    /// When it can't be done.
    pub async fn rehearse(&self, request: &Request) -> Result<Planned, BeginError> {
        for dpid in request.switches() {
            if let Some(other) = self.touching(dpid) {
                return Err(BeginError::Overlaps { dpid, other });
            }
        }
        planning::check(self.network(), request)?;
        let mut routes = Vec::new();
        self.routing.table().for_each(|_, route| {
            if route.path.hop_at(request.source).is_some() {
                routes.push(route.clone());
            }
        });
        planning::check_foreign(self.network(), request, &routes).await?;
        let planned = planning::plan(&self.network().topology(), request, &routes)?;
        planning::check_ahead(self.network(), &planned).await?;
        Ok(planned)
    }

    /// Begins the way back of a migration: its routes go to the paths that they had before, and the source is in
    /// service again. What it gives is as with [`Self::begin`].
    ///
    /// # Errors
    /// When it can't be done; then everything is as it was.
    pub async fn revert(
        &self,
        id: MigrationId,
        key: Option<String>,
    ) -> Result<(Arc<Migration>, bool), BeginError> {
        let reverted = self.get(id).ok_or(BeginError::Unknown(id))?;
        let request = Request {
            algorithm: Algorithm::Clone,
            hold: Duration::ZERO,
            reverts: Some(id),
            ..reverted.request().clone()
        };
        self.begin(request, key).await
    }

    /// Freezes the source, plans, and starts; gives the migration and whether it is a new one. The rest
    /// happens in the background.
    ///
    /// # Errors
    /// When it can't be done; then everything is as it was.
    pub async fn begin(
        &self,
        request: Request,
        key: Option<String>,
    ) -> Result<(Arc<Migration>, bool), BeginError> {
        let (migration, tell) = match self.admit(&request, key.clone())? {
            Admitted::New(migration, tell) => (migration, tell),
            Admitted::Earlier(mut outcome) => {
                let known = outcome.wait_for(Option::is_some).await;
                let known = known.ok().and_then(|known| known.clone());
                let migration = known.unwrap_or(Err(BeginError::Abandoned))?;
                return Ok((migration, false));
            }
        };
        let before = self.network().state(request.source);
        let preparing = {
            let (this, request, migration) = (self.clone(), request.clone(), migration.clone());
            tokio::spawn(async move { this.prepare(&request, &migration, before).await })
        };
        let prepared = preparing.await.unwrap_or_else(|error| {
            tracing::error!(%error, "preparing a migration ended abnormally");
            Err(BeginError::Abandoned)
        });
        match prepared {
            Ok(job) => {
                tell.send_replace(Some(Ok(Arc::clone(&migration))));
                let this = self.clone();
                let running = Arc::clone(&migration);
                tokio::spawn(async move {
                    let worked_on = Arc::clone(&running);
                    let worker = tokio::spawn(async move { job.run(&worked_on).await });
                    // A panic must not leave the switches taken for ever.
                    let (state, why) = worker.await.unwrap_or_else(|error| {
                        tracing::error!(id = running.id(), %error, "a migration ended abnormally");
                        let what = "internal error: rules of both paths may be left, and the source is frozen";
                        (State::Failed, Some(what.to_owned()))
                    });
                    // Whoever sees the end may begin the next one at once.
                    this.release(running.id());
                    running.end(state, why);
                    this.forget_old_plans();
                    this.routing.look_again();
                });
                Ok((migration, true))
            }
            Err(error) => {
                self.network().set_state(request.source, before).await;
                self.forget(migration.id(), key.as_deref());
                tell.send_replace(Some(Err(error.clone())));
                self.routing.look_again();
                Err(error)
            }
        }
    }

    /// Takes the switches of the request, so that no other migration gets them.
    fn admit(&self, request: &Request, key: Option<String>) -> Result<Admitted, BeginError> {
        let mut inner = self.lock();
        if let Some(earlier) = key.as_ref().and_then(|key| inner.keys.get(key)) {
            return if earlier.request == *request {
                Ok(Admitted::Earlier(earlier.outcome.clone()))
            } else {
                Err(BeginError::KeyReused(earlier.id))
            };
        }
        for dpid in request.switches() {
            if let Some(&other) = inner.touched.get(&dpid) {
                return Err(BeginError::Overlaps { dpid, other });
            }
        }
        match request.reverts {
            None => planning::check(self.network(), request)?,
            Some(id) => {
                let reverted = inner.all.get(&id).ok_or(BeginError::Unknown(id))?;
                reverted.check_reversible()?;
            }
        }
        inner.last_id += 1;
        let id = inner.last_id;
        let migration = Arc::new(Migration::new(id, request.clone()));
        inner.all.insert(id, Arc::clone(&migration));
        inner
            .touched
            .extend(request.switches().map(|dpid| (dpid, id)));
        let (tell, outcome) = watch::channel(None);
        if let Some(key) = key {
            let request = request.clone();
            inner.keys.insert(
                key,
                Keyed {
                    request,
                    id,
                    outcome,
                },
            );
        }
        while inner.all.len() > REMEMBERED {
            let is_crowded = inner.all.len() > REMEMBERED_HELD;
            let is_spare = |old: &Migration| is_crowded || old.check_reversible().is_err();
            let Some(oldest) = inner
                .all
                .iter()
                .find(|(_, old)| old.state().is_final() && is_spare(old))
                .map(|(&id, _)| id)
            else {
                break;
            };
            inner.all.remove(&oldest);
            inner.keys.retain(|_, keyed| keyed.id != oldest);
        }
        Ok(Admitted::New(migration, tell))
    }

    /// Up to the moment when the first message would be sent.
    async fn prepare(
        &self,
        request: &Request,
        migration: &Arc<Migration>,
        before: SwitchState,
    ) -> Result<Job, BeginError> {
        let reverted = self.reverted(request)?;
        let freeze = migration.phase(Phase::Freeze);
        // A source that was restored before it is gone back to has work of its own by now.
        if reverted.is_none() || before == SwitchState::Drained {
            self.network()
                .set_state(request.source, SwitchState::Frozen)
                .await;
        }
        let source = request.source;
        let concerned = |route: &Route| match &reverted {
            None => route.path.hop_at(source).is_some(),
            Some(reverted) => revert::still_moved(&reverted.moves, route).is_some(),
        };
        let table = self.routing.table();
        let lease = table.lease_where(|_, route| concerned(route)).await;
        migration.set_state(State::Frozen);
        drop(freeze);
        let planning = migration.phase(Phase::Plan);
        let routes = lease.routes();
        let planned = match &reverted {
            None => {
                planning::check_foreign(self.network(), request, &routes).await?;
                planning::plan(&self.network().topology(), request, &routes)?
            }
            Some(Reverted { moves, .. }) => {
                let topology = self.network().topology();
                let (graph, unused) = (topology.graph(), topology.excluded());
                let flows = revert::flows(graph, unused, source, &routes, moves)?;
                planning::prove(request, flows)?
            }
        };
        let planned = Arc::new(planned);
        self.touch(migration.id(), &planned)?;
        planning::check_ahead(self.network(), &planned).await?;
        migration.planned(Arc::clone(&planned));
        drop(planning);
        let routing = self.routing.clone();
        Ok(Job::new(routing, lease, planned, before, reverted))
    }

    /// The migration that the request is the way back of.
    fn reverted(&self, request: &Request) -> Result<Option<Reverted>, BeginError> {
        let Some(id) = request.reverts else {
            return Ok(None);
        };
        let migration = self.get(id).ok_or(BeginError::Unknown(id))?;
        let moves = migration.moves();
        Ok(Some(Reverted { migration, moves }))
    }

    /// Takes every switch whose rules will change. Routes are leased one by one, so two migrations could not
    /// change the same rule; but a switch in the middle of one is no target or source for another.
    fn touch(&self, id: MigrationId, planned: &Planned) -> Result<(), BeginError> {
        let mut inner = self.lock();
        let switches = planned.switches();
        for &dpid in &switches {
            if let Some(&other) = inner.touched.get(&dpid).filter(|other| **other != id) {
                return Err(BeginError::Overlaps { dpid, other });
            }
        }
        inner
            .touched
            .extend(switches.into_iter().map(|dpid| (dpid, id)));
        Ok(())
    }

    fn release(&self, id: MigrationId) {
        self.lock().touched.retain(|_, holder| *holder != id);
    }

    /// Finished migrations are remembered longer than their plans, which may be large.
    fn forget_old_plans(&self) {
        let inner = self.lock();
        inner.all.values().for_each(|old| old.forget_moves());
        let finished = inner
            .all
            .values()
            .rev()
            .filter(|old| old.state().is_final());
        let mut flows = 0;
        for migration in finished {
            let here = migration.plan().map_or(0, |plan| plan.flows.len());
            if flows > 0 && flows + here > self.planned_flows {
                migration.forget_plan();
            }
            flows += here;
        }
    }

    fn forget(&self, id: MigrationId, key: Option<&str>) {
        self.release(id);
        let mut inner = self.lock();
        inner.all.remove(&id);
        if let Some(key) = key {
            inner.keys.remove(key);
        }
    }
}

impl App for Migrations {
    fn name(&self) -> &'static str {
        "migration"
    }

    fn is_busy(&self) -> bool {
        !self.lock().touched.is_empty()
    }

    fn routes(&self) -> Option<Router> {
        Some(rest::router(self.clone()))
    }

    fn metrics(&self, out: &mut String) {
        // Writing to a string can't fail.
        let _ = writeln!(
            out,
            "# HELP godwit_migrations Migrations by state.\n# TYPE godwit_migrations gauge"
        );
        let all = self.list();
        for state in State::ALL {
            let count = all
                .iter()
                .filter(|migration| migration.state() == state)
                .count();
            let _ = writeln!(
                out,
                "godwit_migrations{{state=\"{}\"}} {count}",
                state.name()
            );
        }
    }
}
