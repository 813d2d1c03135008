//! What an earlier run of the controller has left: migrations that are remembered, those that are finished or undone
//! now, and switches that have to be put right when they return.

use std::sync::Arc;
use std::time::Duration;

use godwit_controller::SwitchState;
use tokio::sync::watch;

use super::Migrations;
use super::admit::Keyed;
use super::execute::{self, Job, Parts};
use super::journal::{self, Debt, Left, Unfinished};
use super::planning::Planned;
use super::record::{Migration, State};
use super::revert::Reverted;
use crate::routing::table::Lease;

/// How often it is seen whether a switch has returned that has to be put right.
const LOOK: Duration = Duration::from_millis(250);

impl Migrations {
    /// Takes up what an earlier run has left. Switches and routes of migrations under way are held when this returns.
    pub(super) fn recover(&self) {
        let left = match journal::left(self.network().store(), &self.hook) {
            Ok(left) => left,
            Err(error) => {
                tracing::error!(%error, "the journal can't be read: migrations are refused until it is mended");
                self.lock().damaged = Some(error.to_string());
                return;
            }
        };
        let Left {
            finished,
            unfinished,
            debts,
        } = left;
        for saved in finished {
            self.remember(Arc::new(Migration::restored(saved)));
        }
        for unfinished in unfinished {
            self.take_up(unfinished);
        }
        for debt in debts {
            self.pay(debt);
        }
    }

    fn remember(&self, migration: Arc<Migration>) {
        let mut inner = self.lock();
        let id = migration.id();
        inner.last_id = inner.last_id.max(id);
        if let Some(key) = migration.key() {
            let (_, outcome) = watch::channel(Some(Ok(Arc::clone(&migration))));
            let keyed = Keyed {
                request: migration.request().clone(),
                id,
                outcome,
            };
            inner.keys.insert(key.to_owned(), keyed);
        }
        inner.all.insert(id, migration);
    }

    fn take_up(&self, unfinished: Unfinished) {
        let id = unfinished.id;
        let Some(planned) = unfinished.begun.plan.planned() else {
            tracing::error!(
                id,
                "the plan of a migration can't be read from the journal: migrations are refused until it is mended"
            );
            self.lock().damaged = Some(format!("the plan of migration {id}"));
            return;
        };
        let planned = Arc::new(planned);
        let (request, begun) = (planned.request.clone(), &unfinished.begun);
        let (key, started_at) = (begun.key.clone(), begun.started_at);
        let migration = Arc::new(Migration::resumed(id, request, key, started_at));
        migration.heard_by(self.network().clone());
        migration.planned(Arc::clone(&planned));
        migration.set_state(State::Running);
        self.remember(Arc::clone(&migration));
        if planned.request.reverts.is_none() {
            self.entries.hold_again(planned.request.source);
        }
        let switches = planned.switches().into_iter();
        self.lock().touched.extend(switches.map(|dpid| (dpid, id)));
        let flows = planned.flows.iter();
        let ids: std::collections::BTreeSet<_> = flows.map(|flow| flow.template.id).collect();
        let lease = self.routing.table().lease_free(|id, _| ids.contains(&id));
        if lease.ids().len() < ids.len() {
            tracing::warn!(
                id,
                routes = lease.ids().len(),
                of = ids.len(),
                "not every route of the migration is there"
            );
        }
        unfinished.progress.recount(&self.routing);
        tracing::info!(
            id,
            past = unfinished.progress.is_past,
            "a migration of an earlier run is taken up"
        );
        tokio::spawn(self.clone().go_on(unfinished, migration, planned, lease));
    }

    async fn go_on(
        self,
        unfinished: Unfinished,
        migration: Arc<Migration>,
        planned: Arc<Planned>,
        lease: Lease,
    ) {
        let Unfinished {
            begun,
            progress,
            journal,
            ..
        } = unfinished;
        let before = if begun.was_drained {
            SwitchState::Drained
        } else {
            SwitchState::Active
        };
        let request = &planned.request;
        let reverted = request.reverts.map(|id| {
            // One that is forgotten has no way back that could be undone twice.
            let first = self.get(id);
            let migration =
                first.unwrap_or_else(|| Arc::new(Migration::new(id, request.clone(), None)));
            let moves = migration.moves();
            Reverted { migration, moves }
        });
        if reverted.is_none() || before == SwitchState::Drained {
            let network = self.network();
            network.set_state(request.source, SwitchState::Frozen).await;
        }
        let job = Job::new(Parts {
            routing: self.routing.clone(),
            entries: self.entries.clone(),
            lease,
            via: begun.plan.via(),
            planned,
            journal,
            before,
            reverted,
            progress: Some(progress),
        });
        self.run(job, migration);
    }

    /// Puts a switch right when it returns. Until then no migration has it.
    pub(super) fn pay(&self, debt: Debt) {
        let (dpid, id) = (debt.owed.dpid, debt.migration());
        self.lock().owing.insert(dpid, id);
        let this = self.clone();
        tokio::spawn(async move {
            let network = this.network();
            while network.switches().get(dpid).is_none()
                || !execute::put_right(network, &debt.owed).await
            {
                tokio::time::sleep(LOOK).await;
            }
            tracing::info!(%dpid, id, "the switch has returned and is put right");
            debt.strike(network.store());
            this.lock().owing.retain(|_, holder| *holder != id);
            this.released.send_modify(|count| *count += 1);
        });
    }
}
