//! Up to the moment when the first message would be sent: the source frozen, the routes leased, the plan made, proven
//! and on the disk.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use godwit_controller::SwitchState;
use godwit_openflow::types::DatapathId;

use super::execute::{Job, Parts};
use super::journal::{Begun, Journal};
use super::planning::{self, Planned, Refusal};
use super::record::{Migration, MigrationId, Phase, State};
use super::request::Request;
use super::revert::entries::Displaced;
use super::revert::{self, Reverted};
use super::transplant::ports::links_by_neighbour;
use super::transplant::read::{self, Depth};
use super::{BeginError, Migrations};
use crate::plan::FlowId;
use crate::routing::table::Route;

impl Migrations {
    /// Up to the moment when the first message would be sent.
    pub(super) async fn prepare(
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
        if reverted.is_none() {
            let held = self.network().held();
            held.freeze(source);
            held.written(source).await;
        }
        if let Err(routes) = self.routing.leave(source).await {
            return Err(Refusal::NoPath { routes }.into());
        }
        let concerned = |route: &Route| {
            route.spread.is_none()
                && match &reverted {
                    None => route.path.hop_at(source).is_some(),
                    Some(reverted) => revert::still_moved(&reverted.moves, route).is_some(),
                }
        };
        let table = self.routing.table();
        let lease = table.lease_where(|_, route| concerned(route)).await;
        migration.set_state(State::Frozen);
        drop(freeze);
        let planning = migration.phase(Phase::Plan);
        // From here on no audit puts anything right that the plan is made of.
        self.lock().planning.insert(migration.id());
        self.network().held().all_right().await;
        let routes = lease.routes();
        let mut planned = match &reverted {
            None => planning::prepare(self.network(), request, &routes, &[]).await?,
            Some(Reverted {
                moves,
                migration: first,
            }) => {
                let topology = self.network().topology();
                let (graph, unused) = (topology.graph(), topology.excluded());
                let flows = revert::flows(graph, unused, source, &routes, moves)?;
                let planned = planning::prove(request, flows)?;
                match first.displaced() {
                    Some(displaced) => self.with_entries(planned, &displaced).await?,
                    None => planned,
                }
            }
        };
        self.touch(migration.id(), &planned)?;
        if reverted.is_some() {
            planned.perishable = planning::check_ahead(self.network(), &planned).await?;
        }
        let planned = Arc::new(planned);
        migration.planned(Arc::clone(&planned));
        drop(planning);
        let via: HashMap<FlowId, Vec<DatapathId>> = routes
            .into_iter()
            .map(|route| (route.template.id, route.via))
            .collect();
        let begun = Begun::new(migration, before == SwitchState::Drained, &planned, &via);
        let store = self.network().store().clone();
        let journal = Journal::begin(store, self.hook.clone(), migration.id(), begun)
            .await
            .map_err(|error| BeginError::Unwritten(error.to_string()))?;
        Ok(Job::new(Parts {
            routing: self.routing.clone(),
            entries: self.entries.clone(),
            lease,
            planned,
            journal,
            before,
            reverted,
            via,
            progress: None,
        }))
    }

    /// The way back of what belongs to no route beside that of the routes.
    async fn with_entries(
        &self,
        planned: Planned,
        displaced: &Displaced,
    ) -> Result<Planned, Refusal> {
        let [Some(target), Some(source)] = planned.request.left_and_taking() else {
            return Ok(planned);
        };
        let topology = self.network().topology();
        let graph = topology.graph();
        let around = [source, target].into_iter().flat_map(|dpid| {
            let neighbours = links_by_neighbour(graph, dpid).into_keys();
            neighbours.chain([dpid])
        });
        let switches: BTreeSet<DatapathId> = displaced.neighbours().chain(around).collect();
        let wanted = switches.into_iter().map(|dpid| (dpid, Depth::Everything));
        let sites = read::sites(self.network(), wanted).await?;
        let added = self.entries.list().into_iter().map(|(_, entry)| entry);
        let added = added.filter(|entry| entry.home == source && entry.place == target);
        let added: Vec<_> = added.map(|entry| entry.rule).collect();
        displaced.planned(planned, graph, &sites, &added)
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
            if let Some(other) = inner.holder(dpid, id) {
                return Err(BeginError::Overlaps { dpid, other });
            }
        }
        inner
            .touched
            .extend(switches.into_iter().map(|dpid| (dpid, id)));
        inner.planning.remove(&id);
        Ok(())
    }
}
