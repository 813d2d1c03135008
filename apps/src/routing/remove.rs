//! Taking routes away.

use godwit_controller::{Round, RoundError};
use godwit_openflow::model::FlowMod;
use godwit_openflow::types::DatapathId;

use super::Routing;
use super::table::{Origin, Route, State};
use crate::plan::FlowId;

impl Routing {
    /// Takes a route away; `false` if there is none of this number. When this returns, every switch that is connected has
    /// confirmed.
    ///
    /// # Errors
    /// When a switch would not delete its rule; the route is then still there.
    pub async fn delete(&self, id: FlowId) -> Result<bool, RoundError> {
        Ok(self.delete_all(&[id]).await? == 1)
    }

    /// Takes routes away, and says how many of these numbers there were. When this returns, every switch that is connected
    /// has confirmed.
    ///
    /// # Errors
    /// When a switch would not delete a rule; the routes are then still there, all of them.
    pub async fn delete_all(&self, ids: &[FlowId]) -> Result<usize, RoundError> {
        let lease = self.table.lease(ids).await;
        let routes = lease.routes();
        for route in &routes {
            if let (Origin::Forwarding, Some(from), Some(to)) =
                (route.origin, route.from.mac, route.to.mac)
            {
                self.parted.note(from, to);
            }
        }
        if let Err(error) = self.take_off(&routes).await {
            // Some of their rules are gone: the keeper puts them back, all or none.
            lease.update(|route| route.state = State::Broken);
            return Err(error);
        }
        lease.remove_all();
        self.save(routes.iter().map(|route| route.template.id))
            .await;
        Ok(routes.len())
    }

    /// Takes the rules of routes off the switches that are connected.
    async fn take_off(&self, routes: &[Route]) -> Result<(), RoundError> {
        let (spread, plain): (Vec<&Route>, Vec<&Route>) =
            routes.iter().partition(|route| route.spread.is_some());
        let mut ways: Vec<_> = plain
            .into_iter()
            .map(|route| removals(route).into_iter())
            .collect();
        // First hops first: what is let in no more needs no rule further on.
        loop {
            let hops: Vec<_> = ways.iter_mut().filter_map(Iterator::next).collect();
            if hops.is_empty() {
                break;
            }
            let connected = |dpid| self.network.switches().get(dpid).is_some();
            let round: Round = hops
                .into_iter()
                .filter(|(dpid, _)| connected(*dpid))
                .collect();
            round.apply(self.network.switches()).await?;
        }
        for route in spread {
            self.take_away(route).await?;
        }
        Ok(())
    }
}

/// What deletes the rules of a route that isn't spread, from the first hop to the last.
fn removals(route: &Route) -> Vec<(DatapathId, FlowMod)> {
    route
        .template
        .rules(&route.path)
        .map(|(dpid, rule)| (dpid, FlowMod::delete_strict(rule)))
        .collect()
}
