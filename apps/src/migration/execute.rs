//! The script of a migration, and the way back.
//!
//! | file | what it does |
//! |---|---|
//! | `forward` | freeze, read, install, flip, drain, remove: the script, up to where it may still go back |
//! | `finish` | what nothing stops any more: removing the old rules, as switches come back |
//! | `commit` | the routes' new paths are theirs |
//! | `back` | everything as it was |
//! | `awaited` | the same, where a switch that may send flows the new way did not come back in time |
//! | `late` | groups and meters that somebody wrote to the source meanwhile |
//! | `others` | what belongs to no route, beside its messages |
//! | `readback` | whether what was installed is there, and what stood there before |
//! | `shared` | the same of groups and meters |
//! | `standing` | what switches hold, and the least that has to be sent so that a round is done or undone |

mod awaited;
mod back;
mod commit;
mod finish;
mod forward;
mod late;
mod others;
pub(super) mod readback;
mod shared;
mod standing;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use godwit_controller::switch::ApplyError;
use godwit_controller::{Batch, Network, RoundError, StoreError, SwitchState};
use godwit_openflow::types::DatapathId;

use super::drain::Readings;
use super::guard::{Crossed, Guard};
use super::journal::{Debt, Journal, Owed, Progress};
use super::planning::Planned;
use super::record::{Ended, Migration, Saved, State};
use super::revert::Reverted;
use crate::entries::{Entries, EntryId};
use crate::plan::entry::EntryStep;
use crate::plan::{FlowId, Kind, Round};
use crate::routing::Routing;
use crate::routing::table::{Lease, State as RouteState};

use others::Others;
use readback::Gone;
use shared::Amiss;
use standing::Way;
pub(super) use standing::put_right;

/// How soon a switch is tried again that did not do its part.
const AGAIN: Duration = Duration::from_millis(250);

/// How soon an end is tried to be written again that the disk did not take.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// A migration that is ready to run: it is in the journal, and nothing has been sent yet.
#[derive(Debug)]
pub struct Job {
    routing: Routing,
    lease: Lease,
    planned: Arc<Planned>,
    journal: Arc<Journal>,
    guard: Guard,
    others: Others,
    /// What the source was before, and is again after a rollback.
    before: SwitchState,
    /// The migration that this one is the way back of.
    reverted: Option<Reverted>,
    /// The switches that each route had to cross before.
    via: HashMap<FlowId, Vec<DatapathId>>,
    /// Which connection each switch had when the plan was made: rules sent over an earlier one may be lost.
    connections: Vec<(DatapathId, Option<u64>)>,
    /// How far an earlier run had come.
    progress: Option<Progress>,
    /// Whether an earlier run had begun it.
    is_resumed: bool,
    /// When this was made: nothing that it installs is older.
    begun: Instant,
    /// What switches that are gone have to be told when they return.
    owed: Mutex<Vec<Owed>>,
}

/// What a job is made of.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) routing: Routing,
    pub(super) entries: Entries,
    pub(super) lease: Lease,
    pub(super) planned: Arc<Planned>,
    pub(super) journal: Journal,
    pub(super) before: SwitchState,
    pub(super) reverted: Option<Reverted>,
    pub(super) via: HashMap<FlowId, Vec<DatapathId>>,
    pub(super) progress: Option<Progress>,
}

/// Why a migration went back.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error("cancelled")]
    Cancelled,
    #[error("the network has changed under the plan: {0}")]
    Changed(String),
    #[error("entries are gone, as from a table that is full and makes room: {0}")]
    Gone(Gone),
    #[error("groups or meters are not there as they were put: {0}")]
    Amiss(Amiss),
    #[error("round {} ({kind:?}): {source}", index + 1)]
    Refused {
        index: usize,
        kind: Kind,
        source: RoundError,
    },
    #[error("a limit was crossed: {0}")]
    Guard(Crossed),
    #[error("the journal can't be written: {0}")]
    Journal(StoreError),
    #[error("{0}")]
    Restarted(String),
}

/// A migration that goes back.
#[derive(Debug)]
struct Halted {
    /// How many rounds may have taken effect, if only in part.
    done: usize,
    why: Halt,
}

impl Job {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            routing,
            entries,
            lease,
            planned,
            journal,
            before,
            reverted,
            via,
            progress,
        } = parts;
        let mut job = Self {
            guard: Guard::start(&routing, &planned),
            others: Others::new(entries, &planned),
            routing,
            lease,
            planned,
            journal: Arc::new(journal),
            before,
            reverted,
            via,
            connections: Vec::new(),
            is_resumed: progress.is_some(),
            progress,
            begun: Instant::now(),
            owed: Mutex::default(),
        };
        job.note_connections();
        job
    }

    /// From here on it is noticed when a switch goes away.
    fn note_connections(&mut self) {
        let switches = self.planned.switches().into_iter();
        let connections = switches.map(|dpid| (dpid, self.connection(dpid)));
        self.connections = connections.collect();
    }

    fn network(&self) -> &Network {
        self.routing.network()
    }

    fn connection(&self, dpid: DatapathId) -> Option<u64> {
        let switch = self.network().switches().get(dpid)?;
        Some(switch.connection_id())
    }

    /// Carries the migration out and writes its end down. When the caller makes that known and drops the job,
    /// everything that it held is given back.
    pub(super) async fn run(&mut self, migration: &Migration) -> Ended {
        let source = self.planned.request.source;
        tracing::info!(id = migration.id(), %source, flows = self.planned.flows.len(), "migration begins");
        if migration.state() == State::Frozen {
            self.network().announce(migration.event()).await;
        }
        migration.set_state(State::Running);
        self.network().announce(migration.event()).await;
        self.lease.update(|route| route.state = RouteState::Moving);
        let outcome = match self.progress.take() {
            None => self.forward(migration).await,
            Some(progress) => self.resume(migration, &progress).await,
        };
        match outcome {
            Ok(()) => self.commit(migration).await,
            Err(halted) => self.back(migration, &halted).await,
        }
    }

    /// Takes up what an earlier run left: past the last flip it is finished, else undone. Both read first what the
    /// switches hold.
    async fn resume(&mut self, migration: &Migration, progress: &Progress) -> Result<(), Halted> {
        self.all_here().await;
        self.note_connections();
        self.restore_others(&progress.before);
        self.begin_others();
        self.take_in_others(migration, &progress.others);
        self.bring_shared(progress.shared.clone());
        if let (true, None) = (progress.is_past, &progress.back) {
            migration.pass_point_of_no_return();
            return self.finish_resumed(migration, progress.is_final).await;
        }
        let why = "the controller was started anew before the last flip".to_owned();
        Err(Halted {
            done: self.planned.point_of_no_return(),
            why: Halt::Restarted(progress.back.clone().unwrap_or(why)),
        })
    }

    /// Takes in what rules of routes have counted.
    fn take_in(&self, readings: &Readings) {
        for (&(dpid, id), reading) in readings {
            self.routing.table().with(id, |route| {
                route.counters.read(dpid, reading.tally, reading.age_ns)
            });
        }
    }

    /// These switches are gone: what belongs to no route is put right there when they return. Rules of routes are
    /// compared with what the routes want whenever a switch connects.
    fn owe(&self, round: &Round, away: &BTreeSet<DatapathId>, way: Way) {
        let mut owed = self.owed();
        for &dpid in away {
            let steps = round.entries.iter().filter(|step| step.dpid == dpid);
            let steps: Vec<EntryStep> = steps.cloned().collect();
            if !steps.is_empty() {
                owed.push(Owed {
                    dpid,
                    undone: way == Way::Undone,
                    steps,
                });
            }
        }
    }

    fn owed(&self) -> MutexGuard<'_, Vec<Owed>> {
        // Every operation leaves it whole, so a panic elsewhere can't have torn it.
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What switches that are gone have to be told when they return, once it has ended.
    pub(super) fn debts(&self) -> Vec<Debt> {
        self.journal.debts(&self.owed())
    }

    /// Writes down how it ended, so that it is remembered, and forgets how it went. Together with that it is written what
    /// became of these static entries: until then the disk has the writes that were held for the source.
    async fn end(
        &self,
        migration: &Migration,
        state: State,
        error: Option<String>,
        settled: BTreeSet<EntryId>,
    ) -> Ended {
        let ended = migration.ending(state, error);
        let mut saved = vec![migration.saved(ended.clone())];
        if let (
            State::Committed,
            Some(Reverted {
                migration: first, ..
            }),
        ) = (state, &self.reverted)
        {
            saved.extend(first.saved_again());
        }
        let ending = Ending {
            routing: self.routing.clone(),
            journal: Arc::clone(&self.journal),
            routes: self.lease.ids().to_vec(),
            saved,
            owed: self.owed().clone(),
            entries: self.others.entries.clone(),
            settled,
        };
        if let Err(error) = ending.write().await {
            tracing::error!(id = migration.id(), %error, "the end of the migration can't be written yet");
            tokio::spawn(ending.write_until_written());
        }
        ended
    }

    /// The source takes work again, or takes none, as it was before the migration.
    async fn set_source(&self, state: SwitchState) {
        let source = self.planned.request.source;
        self.network().set_state(source, state).await;
    }
}

/// The end of a migration, to be written down.
struct Ending {
    routing: Routing,
    journal: Arc<Journal>,
    routes: Vec<FlowId>,
    saved: Vec<Saved>,
    owed: Vec<Owed>,
    entries: Entries,
    settled: BTreeSet<EntryId>,
}

impl Ending {
    /// Writes it, with the routes and static entries as they are now: none is ever there without the others.
    async fn write(&self) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        let routes = self.routes.iter().copied();
        self.routing.put_routes(routes, &mut batch)?;
        self.entries.put(&self.settled, &mut batch)?;
        self.journal.end(batch, &self.saved, &self.owed).await
    }

    async fn write_until_written(self) {
        while self.write().await.is_err() {
            tokio::time::sleep(WRITE_AGAIN).await;
        }
    }
}

/// Whether a switch is gone, so that there is nothing to wait for but its return.
const fn is_gone(failure: &godwit_controller::rules::SwitchFailure) -> bool {
    matches!(failure.error, ApplyError::Disconnected)
}
