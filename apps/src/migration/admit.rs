//! Which migration gets which switches: one has them, others wait for them or are refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use godwit_controller::{Batch, Network, Slice};
use godwit_openflow::types::DatapathId;
use tokio::sync::watch;

use super::record::{Migration, MigrationId, State};
use super::request::Request;
use super::waiting::Waiting;
use super::{BeginError, Migrations, REMEMBERED, REMEMBERED_HELD, planning};

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) last_id: MigrationId,
    pub(super) all: BTreeMap<MigrationId, Arc<Migration>>,
    /// Which migration is changing rules on which switch.
    pub(super) touched: HashMap<DatapathId, MigrationId>,
    /// Those that are being planned: which other switches they will change is not known yet.
    pub(super) planning: BTreeSet<MigrationId>,
    /// Requests that are not begun yet.
    pub(super) waiting: Waiting,
    /// Requests by their idempotency key.
    pub(super) keys: HashMap<String, Keyed>,
    /// Switches that are gone and have to be put right when they return, each with the last migration that left it so.
    pub(super) owing: HashMap<DatapathId, MigrationId>,
    /// Why the journal of an earlier run can't be read: then it is not known which switches are half changed.
    pub(super) damaged: Option<String>,
}

/// What became of a request: nothing yet, a migration, or a refusal.
pub(super) type Outcome = Option<Result<Arc<Migration>, BeginError>>;

/// A request that came with an idempotency key.
#[derive(Debug)]
pub(super) struct Keyed {
    pub(super) request: Request,
    pub(super) id: MigrationId,
    pub(super) outcome: watch::Receiver<Outcome>,
}

/// A request that is in nobody's way.
pub(super) enum Admitted {
    /// Whoever asks the same with the same key is told by the sender.
    New(Arc<Migration>, watch::Sender<Outcome>),
    /// It waits for its switches; whoever asks the same with the same key has been told.
    Queued(Arc<Migration>),
    /// It was made before.
    Earlier(watch::Receiver<Outcome>),
}

impl Inner {
    /// Who has this switch, or left something to be put right there, or waits for it and came before `id`: nobody that
    /// `id` is.
    pub(super) fn holder(&self, dpid: DatapathId, id: MigrationId) -> Option<MigrationId> {
        let touching = self.touched.get(&dpid).copied();
        touching
            .filter(|other| *other != id)
            .or_else(|| self.owing.get(&dpid).copied())
            .or_else(|| self.waiting.before(id, dpid))
    }

    /// What can be seen without asking a switch: may this be begun at all?
    pub(super) fn check(&self, network: &Network, request: &Request) -> Result<(), BeginError> {
        match request.reverts {
            None => planning::check(network, request)?,
            Some(id) => {
                let reverted = self.all.get(&id).ok_or(BeginError::Unknown(id))?;
                reverted.check_reversible()?;
            }
        }
        Ok(())
    }
}

impl Migrations {
    /// Takes the switches of the request, so that no other migration gets them.
    pub(super) fn admit(
        &self,
        request: &Request,
        key: Option<String>,
    ) -> Result<Admitted, BeginError> {
        let mut inner = self.lock();
        if let Some(why) = &inner.damaged {
            return Err(BeginError::Damaged(why.clone()));
        }
        if let Some(earlier) = key.as_ref().and_then(|key| inner.keys.get(key)) {
            return if earlier.request == *request {
                Ok(Admitted::Earlier(earlier.outcome.clone()))
            } else {
                Err(BeginError::KeyReused(earlier.id))
            };
        }
        let taken = request
            .switches()
            .find_map(|dpid| Some((dpid, inner.holder(dpid, MigrationId::MAX)?)));
        match taken {
            Some((dpid, other)) if !request.queue => {
                return Err(BeginError::Overlaps { dpid, other });
            }
            Some(_) if inner.waiting.is_full() => return Err(BeginError::Crowded),
            Some(_) => {}
            None => inner.check(self.network(), request)?,
        }
        inner.last_id += 1;
        let id = inner.last_id;
        let migration = Arc::new(Migration::new(id, request.clone(), key.clone()));
        migration.heard_by(self.network().clone());
        inner.all.insert(id, Arc::clone(&migration));
        let (tell, outcome) = watch::channel(None);
        if taken.is_some() {
            inner.waiting.add(id, request.switches().collect());
            tell.send_replace(Some(Ok(Arc::clone(&migration))));
        } else {
            inner
                .touched
                .extend(request.switches().map(|dpid| (dpid, id)));
        }
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
            let mut batch = Batch::default();
            batch.delete(Slice::MIGRATIONS, oldest);
            self.network().store().write_later(batch);
            inner.keys.retain(|_, keyed| keyed.id != oldest);
        }
        Ok(match taken {
            Some(_) => Admitted::Queued(migration),
            None => Admitted::New(migration, tell),
        })
    }

    pub(super) fn release(&self, id: MigrationId) {
        let mut inner = self.lock();
        inner.touched.retain(|_, holder| *holder != id);
        inner.planning.remove(&id);
        drop(inner);
        self.released.send_modify(|count| *count += 1);
        self.begin_waiting();
    }

    pub(super) fn forget(&self, id: MigrationId, key: Option<&str>) {
        self.release(id);
        let mut inner = self.lock();
        inner.all.remove(&id);
        if let Some(key) = key {
            inner.keys.remove(key);
        }
    }

    /// The end of one that never began.
    pub(super) fn end_unbegun(&self, migration: &Migration, why: String) {
        let ended = migration.ending(State::RolledBack, Some(why));
        let mut batch = Batch::default();
        let saved = migration.saved(ended.clone());
        if batch.put(Slice::MIGRATIONS, migration.id(), &saved).is_ok() {
            self.network().store().write_later(batch);
        }
        migration.end(ended);
    }
}
