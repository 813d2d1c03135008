//! The keeper: the task that makes routes for hosts that begin to talk, and keeps all routes on paths
//! that are alive.

use std::time::Duration;

use godwit_controller::Commands;
use godwit_controller::rest::endpoint::Endpoint;
use godwit_openflow::model::Pattern;
use godwit_openflow::types::{DatapathId, MacAddr};
use godwit_topology::{PortRef, TopologySnapshot};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::forwarding::Then;
use super::install::{InstallError, PathFinder, Wish};
use super::table::{Lease, Origin, Route, State};
use super::{FORWARDING_PRIORITY, Routing};
use crate::plan::{Flow, FlowId};

/// How soon broken routes are tried again when nothing has changed in between, for instance after a
/// switch refused a rule.
const RETRY: Duration = Duration::from_secs(2);

/// How long after a route was made packets may still arrive that had missed its rules.
const YOUNG: Duration = Duration::from_secs(1);

/// How many pieces of work are taken at once: a storm of changes is looked at once, not once each.
const BATCH: usize = 256;

/// A piece of work.
#[derive(Debug)]
pub(super) enum Task {
    /// The network has changed.
    LookAgain,
    /// Two hosts begin to talk.
    Connect {
        ends: [(MacAddr, PortRef); 2],
        then: Then,
    },
    /// A rule of this route has expired on this switch.
    Expired(FlowId, DatapathId),
}

/// Pairs of hosts whose routes are being made at the same time. A switch that hangs delays those through it by
/// the barrier's deadline; the others go on.
const CONNECTING: usize = 64;

/// The task. It ends when the app and all its clones are gone.
pub struct Keeper {
    routing: Routing,
    tasks: mpsc::Receiver<Task>,
    connecting: JoinSet<()>,
}

impl Keeper {
    pub(super) fn new(routing: Routing, tasks: mpsc::Receiver<Task>) -> Self {
        Self {
            routing,
            tasks,
            connecting: JoinSet::new(),
        }
    }

    /// Runs until nobody asks any more.
    pub async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let received =
                tokio::time::timeout(RETRY, self.tasks.recv_many(&mut batch, BATCH)).await;
            if received == Ok(0) {
                return;
            }
            let mut look_again = received.is_err() && self.any_broken();
            for task in batch.drain(..) {
                match task {
                    Task::LookAgain => look_again = true,
                    Task::Connect { ends, then } => {
                        if self.connecting.len() >= CONNECTING {
                            self.connecting.join_next().await;
                        }
                        let pair = Pair {
                            routing: self.routing.clone(),
                            ends,
                        };
                        self.connecting.spawn(pair.connect(then));
                    }
                    Task::Expired(id, dpid) => {
                        let routing = self.routing.clone();
                        self.connecting.spawn(expire(routing, id, dpid));
                    }
                }
            }
            while self.connecting.try_join_next().is_some() {}
            if look_again {
                self.look_again().await;
            }
        }
    }

    fn any_broken(&self) -> bool {
        let mut any = false;
        self.routing
            .table
            .for_each(|_, route| any |= route.state == State::Broken);
        any
    }

    /// Looks at every route that nobody is changing, and moves those whose path is no longer there.
    async fn look_again(&self) {
        let topology = self.routing.network.topology();
        let lease = self
            .routing
            .table
            .lease_free(|_, route| needs_change(route, &topology));
        if lease.ids().is_empty() {
            return;
        }
        let mut flows = Vec::new();
        let mut finder = PathFinder::new(&topology);
        for route in lease.routes() {
            let (from, to) = (current(route.from, &topology), current(route.to, &topology));
            if let Ok(new) = finder.find(from, to, &route.via) {
                flows.push((
                    Flow {
                        template: route.template,
                        old: Some(route.path),
                        new,
                    },
                    from,
                    to,
                ));
            }
        }
        self.redirect(&lease, flows).await;
    }

    async fn redirect(&self, lease: &Lease, flows: Vec<(Flow, Endpoint, Endpoint)>) {
        lease.update(|route| route.state = State::Broken);
        let plain: Vec<Flow> = flows.iter().map(|(flow, _, _)| flow.clone()).collect();
        let total = lease.ids().len();
        if plain.is_empty() {
            tracing::debug!(routes = total, "routes without a path");
            return;
        }
        tracing::info!(
            routes = total,
            redirected = plain.len(),
            "routes whose path is gone"
        );
        if let Err(error) = self.routing.redirect(&plain).await {
            tracing::warn!(%error, "routes could not be redirected; they are tried again");
            return;
        }
        for (flow, from, to) in flows {
            self.routing.table.with(flow.template.id, |route| {
                route.counters.set_path(flow.new.switches());
                route.path = flow.new;
                (route.from, route.to) = (from, to);
                route.state = State::Active;
            });
        }
    }
}

/// Two hosts that begin to talk.
struct Pair {
    routing: Routing,
    ends: [(MacAddr, PortRef); 2],
}

impl Pair {
    /// Makes the routes between them that are not there yet, then sends what waited for them.
    async fn connect(self, then: Then) {
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
            Ok(_) => self.send(then),
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
        // Whoever is making or moving it has the lease.
        drop(self.routing.table.lease(&[id]).await);
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

async fn expire(routing: Routing, id: FlowId, dpid: DatapathId) {
    // A rule that was left behind by a move may expire before it is removed: then the route itself lives on.
    drop(routing.table.lease(&[id]).await);
    if routing
        .table
        .get(id)
        .is_none_or(|route| route.path.hop_at(dpid).is_none())
    {
        return;
    }
    match routing.delete(id).await {
        Ok(true) => tracing::info!(route = id, "a route has expired"),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(route = id, %error, "an expired route could not be taken away")
        }
    }
}

/// Whether a route's path is gone, or its ends are elsewhere.
fn needs_change(route: &Route, topology: &TopologySnapshot) -> bool {
    route.state == State::Broken
        || current(route.from, topology) != route.from
        || current(route.to, topology) != route.to
        || !route
            .path
            .links()
            .all(|link| topology.graph().is_usable(&link))
        || route
            .path
            .switches()
            .any(|dpid| !topology.graph().contains_switch(dpid))
}

/// Where the end of a route is now.
fn current(end: Endpoint, topology: &TopologySnapshot) -> Endpoint {
    let host = end.mac.and_then(|mac| topology.host_by_mac(mac));
    host.map_or(end, |host| Endpoint {
        port: host.attachment,
        ..end
    })
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
        priority: FORWARDING_PRIORITY,
        idle_timeout: 0,
        hard_timeout: 0,
        origin: Origin::Forwarding,
    }
}
