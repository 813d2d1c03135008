//! Two hosts that begin to talk: the routes between them, and what waited for those.

use std::collections::BTreeSet;
use std::time::Duration;

use godwit_controller::Commands;
use godwit_controller::rest::endpoint::Endpoint;
use godwit_openflow::model::Pattern;
use godwit_openflow::types::{DatapathId, MacAddr};
use godwit_topology::PortRef;

use super::forwarding::Then;
use super::install::{InstallError, Wish};
use super::table::{Origin, State};
use super::{FORWARDING_PRIORITY, Routing};
use crate::plan::{FlowId, Treatment};

/// How long after a route was made packets may still arrive that had missed its rules.
const YOUNG: Duration = Duration::from_secs(1);

/// Two hosts that begin to talk.
pub(super) struct Pair {
    pub(super) routing: Routing,
    pub(super) ends: [(MacAddr, PortRef); 2],
}

impl Pair {
    /// Makes the routes between them that are not there yet, then sends what waited for them.
    pub(super) async fn connect(self, then: Then) {
        let [one, other] = self.ends.map(|(mac, port)| Endpoint {
            mac: Some(mac),
            port,
        });
        let wishes: Vec<Wish> = [(one, other), (other, one)]
            .into_iter()
            .filter(|(from, to)| self.find(*from, *to).is_none())
            .map(|(from, to)| wish(from, to))
            .collect();
        if wishes.is_empty() {
            let then = self.beside_the_route(one, other, then).await;
            return self.send(then);
        }
        match self.routing.create(wishes).await {
            Ok(made) => {
                self.await_caches(made).await;
                self.send(then);
            }
            // Another packet of theirs was quicker.
            Err(InstallError::Duplicate { .. }) => {
                let then = self.beside_the_route(one, other, then).await;
                self.send(then);
            }
            Err(error) => {
                tracing::info!(from = ?one.mac, to = ?other.mac, %error, "no route between two hosts");
            }
        }
    }

    /// Waits until routes that were just made are in force for these two, if they had some before. See [`Parted`].
    ///
    /// [`Parted`]: super::parted::Parted
    async fn await_caches(&self, made: Vec<FlowId>) {
        let [(one, _), (other, _)] = self.ends;
        if self.routing.parted.take(one, other) {
            let routes = made.into_iter();
            let routes = routes.filter_map(|id| self.routing.table.get(id));
            let switches: BTreeSet<DatapathId> =
                routes.flat_map(|route| route.switches()).collect();
            self.routing.network.sweep_all(switches).await;
        }
    }

    fn find(&self, from: Endpoint, to: Endpoint) -> Option<FlowId> {
        self.routing
            .table
            .find(FORWARDING_PRIORITY, &pattern(from, to))
    }

    /// What to do with a packet that came to the controller although its route is there, or being made. Just after
    /// the route was made it had been on its way already, and goes through the rules now. Later, a rule must be
    /// missing: through the tables the packet would come back for ever, so it goes straight to its host.
    async fn beside_the_route(&self, from: Endpoint, to: Endpoint, then: Then) -> Then {
        let Some(id) = self.find(from, to) else {
            return then;
        };
        if self
            .routing
            .table
            .get(id)
            .is_some_and(|route| route.state == State::Installing)
        {
            drop(self.routing.table.lease(&[id]).await);
        }
        let young = self
            .routing
            .table
            .get(id)
            .is_some_and(|route| route.made.elapsed() < YOUNG);
        match then {
            Then::ThroughTables(_, data) if !young => Then::OutOf(to.port, data),
            then => then,
        }
    }

    fn send(&self, then: Then) {
        let commands = match then {
            Then::ThroughTables(port, data) => Commands::default().through_tables(port, data),
            Then::OutOf(port, data) => Commands::default().packet_out(port, data),
        };
        for (dpid, packet) in commands.packet_outs {
            self.routing.network.packet_out(dpid, packet);
        }
    }
}

fn pattern(from: Endpoint, to: Endpoint) -> Pattern {
    let (Some(from), Some(to)) = (from.mac, to.mac) else {
        return Pattern::new();
    };
    Pattern::new().eth_src(from).eth_dst(to)
}

fn wish(from: Endpoint, to: Endpoint) -> Wish {
    let name = |end: Endpoint| {
        end.mac
            .map_or(serde_json::Value::Null, |mac| mac.to_string().into())
    };
    Wish {
        from,
        to,
        names: [name(from), name(to)],
        asked: Pattern::new(),
        via: Vec::new(),
        metric: None,
        priority: FORWARDING_PRIORITY,
        idle_timeout: 0,
        hard_timeout: 0,
        treatment: Treatment::default(),
        spread: None,
        origin: Origin::Forwarding,
    }
}
