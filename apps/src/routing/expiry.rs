//! Rules that have timed out, and what becomes of their routes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use godwit_controller::Round;
use godwit_openflow::model::FlowMod;
use godwit_openflow::types::DatapathId;
use tokio::sync::Notify;

use super::Routing;
use super::table::State;
use crate::plan::FlowId;

/// Rules that have timed out and are not seen to yet. A switch says so once, so none is ever dropped; there can't be
/// more than one for each route and switch. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Expiries {
    waiting: Arc<Mutex<BTreeMap<(FlowId, DatapathId), bool>>>,
    there: Arc<Notify>,
}

/// A rule that has timed out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expired {
    id: FlowId,
    dpid: DatapathId,
    /// Whether the route was about to move here and had not yet.
    ahead: bool,
}

impl Expiries {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(FlowId, DatapathId), bool>> {
        // Every operation leaves it whole, so a panic elsewhere can't have torn it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, id: FlowId, dpid: DatapathId, ahead: bool) {
        self.lock().insert((id, dpid), ahead);
        self.there.notify_one();
    }

    /// Waits until there is one.
    pub(super) async fn wait(&self) {
        while self.lock().is_empty() {
            self.there.notified().await;
        }
    }

    /// At most so many of them.
    pub(super) fn take(&self, most: usize) -> Vec<Expired> {
        let mut waiting = self.lock();
        let mut taken = Vec::with_capacity(most.min(waiting.len()));
        while taken.len() < most
            && let Some(((id, dpid), ahead)) = waiting.pop_first()
        {
            taken.push(Expired { id, dpid, ahead });
        }
        taken
    }
}

impl Expired {
    /// A route ends with any of its rules. But one that timed out before the route went there says nothing of the
    /// route, and one that was left behind by a move even less.
    pub(super) async fn see_to(self, routing: Routing) {
        let Self { id, dpid, ahead } = self;
        let lease = routing.table.lease(&[id]).await;
        let Some(route) = lease.routes().pop() else {
            return;
        };
        let Some((_, mut rule)) = route
            .template
            .rules(&route.path)
            .find(|(at, _)| *at == dpid)
        else {
            return;
        };
        if ahead {
            tracing::info!(route = id, %dpid, "a rule that timed out before its route came there is put back");
            rule.hard_timeout = route.remaining();
            let round: Round = [(dpid, FlowMod::add(rule))].into_iter().collect();
            if let Err(error) = round.apply(routing.network.switches()).await {
                tracing::warn!(route = id, %error, "a rule could not be put back");
                lease.update(|route| route.state = State::Broken);
                routing.look_again();
            } else {
                lease.update(|route| route.counters.restarted(dpid));
            }
            return;
        }
        drop(lease);
        match routing.delete(id).await {
            Ok(true) => tracing::info!(route = id, "a route has expired"),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(route = id, %error, "an expired route could not be taken away");
            }
        }
    }
}
