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
//! | `admit` | who gets which switches |
//! | [`request`] | what is asked for: a `Request` that can't be wrong |
//! | [`planning`] | which flows go which way instead, and why some can't |
//! | `prepare` | up to the moment when the first message would be sent |
//! | [`strategy`] | the rounds, one algorithm a file |
//! | [`execute`] | the script: install, flip, drain, collect, remove, commit, and back |
//! | [`journal`] | what is about to be done, on the disk before it is |
//! | `recover` | what an earlier run of the controller has left: finished or undone |
//! | [`transplant`] | everything else that the source holds: entries of anybody, groups, meters |
//! | [`guard`] | limits on what may be lost, watched while it runs |
//! | [`forecast`] | what a plan is expected to do |
//! | [`waiting`] | requests that wait until others have given their switches back |
//! | [`settle`] | what moved rules bring with them, late writes, and writes that were held |
//! | [`drain`] | when nothing is on the old way any more |
//! | [`record`] | what became of it |
//! | [`revert`] | the way back of one that is committed |
//! | `rest` | `/v1/migrations`, `/v1/switches/{id}/restore` |

mod admit;
pub mod drain;
pub mod execute;
pub mod forecast;
pub mod guard;
pub mod journal;
pub mod planning;
mod prepare;
pub mod record;
mod recover;
pub mod request;
mod rest;
pub mod revert;
pub mod settle;
pub mod strategy;
pub mod transplant;
pub mod waiting;

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use godwit_controller::rest::Routes;
use godwit_controller::{App, Declaration, Network};
use godwit_openflow::types::DatapathId;
use tokio::sync::watch;

use admit::{Admitted, Inner};
use execute::Job;
use forecast::Pace;
use guard::Limits;
use journal::Hook;
use planning::{Planned, Refusal};
use record::{Migration, MigrationId, State};
use request::{Algorithm, Request};
use revert::Irreversible;
use waiting::MOST_WAITING;

use crate::entries::Entries;
use crate::routing::Routing;

/// Finished migrations that are remembered; the oldest go first.
const REMEMBERED: usize = 100;

/// The same while there are older ones that may still be reverted: that many in one hold are no way of working.
const REMEMBERED_HELD: usize = 1_000;

/// Flows, of all finished migrations together, whose plans are kept; those of the oldest go first. A plan takes about
/// 5 kB a flow, so that is 50 MB. The latest plan is kept however large it is: somebody will want to see it.
const PLANNED_FLOWS: usize = 10_000;

/// How long migrations may go on when the controller stops before they are sent back, if they still can be: one in good
/// order takes less, and a switch that hangs is given 5 s to confirm that it is as before. The controller waits 10 s;
/// what is not done then is done when it is started again.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// The app. Clones are the same.
#[derive(Debug, Clone)]
pub struct Migrations {
    routing: Routing,
    entries: Entries,
    inner: Arc<Mutex<Inner>>,
    /// See [`PLANNED_FLOWS`].
    planned_flows: usize,
    /// How fast switches have been, for forecasts.
    pace: Pace,
    hook: Hook,
    /// How often switches were given back so far.
    released: watch::Sender<u64>,
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
    /// No more requests may wait.
    #[error("{MOST_WAITING} migrations wait for their switches, which is as many as may")]
    Crowded,
    /// The same idempotency key came with another request.
    #[error("this idempotency key belongs to another request, which became migration {0}")]
    KeyReused(MigrationId),
    /// There is no migration to be reverted.
    #[error("no migration has the number {0}")]
    Unknown(MigrationId),
    /// The migration can't be reverted.
    #[error(transparent)]
    Irreversible(#[from] Irreversible),
    /// The journal does not take it.
    #[error("the migration can't be written to the journal: {0}")]
    Unwritten(String),
    /// The journal of an earlier run can't be read.
    #[error(
        "the journal of an earlier run can't be read, and migrations under way then are not known: {0}"
    )]
    Damaged(String),
    /// A fault of the controller.
    #[error("internal error: the migration could not be prepared")]
    Abandoned,
    /// It can't be done.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Migrations {
    /// The app, for the routes of `routing` and the static entries of `entries`. Migrations that an earlier run left in the store are taken up: their
    /// routes and switches are held from here on, so this has to be before switches connect and before the keeper of
    /// the routes runs; in a Tokio runtime.
    #[must_use]
    pub fn new(routing: Routing, entries: Entries) -> Self {
        Self::watched(routing, entries, Hook::from_environment())
    }

    /// The same, where `hook` is called before and after each record of the journal.
    #[must_use]
    pub fn watched(routing: Routing, entries: Entries, hook: Hook) -> Self {
        let this = Self {
            routing,
            entries,
            inner: Arc::default(),
            planned_flows: PLANNED_FLOWS,
            pace: Pace::default(),
            hook,
            released: watch::Sender::new(0),
        };
        this.recover();
        this
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
        self.lock().holder(dpid, MigrationId::MAX)
    }

    /// Changes whenever a migration has given its switches back.
    #[must_use]
    pub fn released(&self) -> watch::Receiver<u64> {
        self.released.subscribe()
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
        let (mut routes, mut spread) = (Vec::new(), Vec::new());
        self.routing.table().for_each(|_, route| {
            if !route.crosses(request.source) {
            } else if route.spread.is_some() {
                spread.push(route.clone());
            } else {
                routes.push(route.clone());
            }
        });
        let leaving = planning::leaving(&self.network().topology(), request.source, &spread)?;
        Ok(planning::prepare(self.network(), request, &routes, &leaving).await?)
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
            // What was asked of the way forth must not stand in the way back.
            limits: Limits::default(),
            queue: false,
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
            Admitted::Queued(migration) => return Ok((migration, true)),
            Admitted::Earlier(mut outcome) => {
                let known = outcome.wait_for(Option::is_some).await;
                let known = known.ok().and_then(|known| known.clone());
                let migration = known.unwrap_or(Err(BeginError::Abandoned))?;
                return Ok((migration, false));
            }
        };
        let begun = match self.start(&migration).await {
            Ok(()) => Ok((Arc::clone(&migration), true)),
            Err(BeginError::Overlaps { dpid, .. })
                if request.queue && !self.lock().waiting.is_full() =>
            {
                let wanted = request.switches().chain([dpid]).collect();
                self.wait_again(&migration, wanted);
                Ok((Arc::clone(&migration), true))
            }
            Err(error) => {
                self.forget(migration.id(), key.as_deref());
                Err(error)
            }
        };
        let outcome = begun.as_ref().map(|_| migration).map_err(Clone::clone);
        tell.send_replace(Some(outcome));
        if begun.is_err() {
            self.routing.look_again();
        }
        begun
    }

    /// Freezes, plans, and lets it run in the background. On an error the source is what it was before, and the
    /// switches are still taken.
    async fn start(&self, migration: &Arc<Migration>) -> Result<(), BeginError> {
        let request = migration.request();
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
                self.run(job, Arc::clone(migration));
                Ok(())
            }
            Err(error) => {
                let source = request.source;
                self.network().set_state(source, before).await;
                if request.reverts.is_none() {
                    let made =
                        settle::replay(self.network(), &self.entries, source, source, Ok).await;
                    self.entries.keep_soon(&made);
                }
                Err(error)
            }
        }
    }

    /// Runs a job in the background.
    fn run(&self, mut job: Job, migration: Arc<Migration>) {
        let this = self.clone();
        tokio::spawn(async move {
            let worked_on = Arc::clone(&migration);
            let worker = tokio::spawn(async move {
                let ended = job.run(&worked_on).await;
                (job, ended)
            });
            // A panic must not leave the switches taken for ever.
            let (job, ended) = match worker.await {
                Ok((job, ended)) => (Some(job), ended),
                Err(error) => {
                    tracing::error!(id = migration.id(), %error, "a migration ended abnormally");
                    let what =
                        "internal error: rules of both paths may be left, and the source is frozen";
                    (None, migration.ending(State::Failed, Some(what.to_owned())))
                }
            };
            let debts = job.map(|job| job.debts());
            // Whoever sees the end may begin the next one at once.
            debts.into_iter().flatten().for_each(|debt| this.pay(debt));
            this.release(migration.id());
            this.pace.learn(&migration);
            migration.end(ended);
            this.routing.network().announce(migration.event()).await;
            this.forget_old_plans();
            this.routing.look_again();
        });
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
}

impl App for Migrations {
    fn name(&self) -> &'static str {
        "migration"
    }

    fn declares(&self) -> Declaration {
        Declaration {
            description: "moves a running switch's work to another switch",
            needed: Some("a migration under way could neither end nor go back; cancel it instead"),
            ..Declaration::default()
        }
    }

    /// Those that are in good order end by themselves; the others go back while there is time.
    fn stopping(&self) {
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(STOP_GRACE).await;
            for migration in this.list() {
                migration.cancel();
            }
        });
    }

    fn is_moving(&self, dpid: DatapathId) -> bool {
        let inner = self.lock();
        let is_part = inner.touched.contains_key(&dpid) || inner.owing.contains_key(&dpid);
        is_part || !inner.planning.is_empty()
    }

    fn is_busy(&self) -> bool {
        !self.lock().touched.is_empty()
    }

    fn routes(&self) -> Option<Routes> {
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
