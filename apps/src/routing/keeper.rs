//! The keeper: the task that makes routes for hosts that begin to talk, and keeps all routes on paths
//! that are alive.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use godwit_controller::SwitchState;
use godwit_controller::rest::endpoint::Endpoint;
use godwit_openflow::model::FlowRule;
use godwit_openflow::types::{DatapathId, MacAddr};
use godwit_topology::{Path, PortKind, PortRef, TopologySnapshot};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::Routing;
use super::forwarding::Then;
use super::install::PathFinder;
use super::kept::{SAVE_EVERY, SAVE_SHARE};
use super::lay::is_alive;
use super::pair::Pair;
use super::table::{Lease, Origin, Route, State};
use super::waiting::Place;
use crate::plan::{Flow, FlowId};

/// How often all routes are looked at even if nothing seems to have changed: a switch may have refused a rule, and
/// a route may have been under change when the network changed.
const RETRY: Duration = Duration::from_secs(2);

/// How long after a start a path may be incomplete without being gone: Open vSwitch tries to connect again after 8 s at
/// the latest, a switch that is there is compared and probed within one, and a link whose other end came later is found
/// with the next probe, 5 s on.
const FIND_AGAIN: Duration = Duration::from_secs(15);

/// How many pieces of work are taken at once: a storm of changes is looked at once, not once each.
const BATCH: usize = 256;

/// A piece of work.
#[derive(Debug)]
pub(super) enum Task {
    /// Two hosts begin to talk.
    Connect {
        ends: [(MacAddr, PortRef); 2],
        then: Then,
        /// Kept until it is done.
        place: Place,
    },
}

/// Expired routes that are being taken away at the same time.
const EXPIRING: usize = 256;

/// Spread routes that are being brought to other paths at the same time.
const MENDING: usize = 256;

/// The task. It ends when it is dropped.
pub struct Keeper {
    routing: Routing,
    tasks: mpsc::Receiver<Task>,
    connecting: JoinSet<()>,
    /// What goes through the routes of hosts that are gone.
    forgetting: JoinSet<()>,
    expiring: JoinSet<()>,
    mending: JoinSet<()>,
}

impl Keeper {
    pub(super) fn new(routing: Routing, tasks: mpsc::Receiver<Task>) -> Self {
        Self {
            routing,
            tasks,
            connecting: JoinSet::new(),
            forgetting: JoinSet::new(),
            expiring: JoinSet::new(),
            mending: JoinSet::new(),
        }
    }

    /// Runs for as long as the controller does.
    pub async fn run(mut self) {
        let look = Arc::clone(&self.routing.look);
        let expiries = self.routing.expiries.clone();
        let mut batch = Vec::with_capacity(BATCH);
        let mut retry = tokio::time::interval(RETRY);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut save_at = Instant::now() + SAVE_EVERY;
        let table = self.routing.table.clone();
        loop {
            tokio::select! {
                () = look.notified() => self.look_again().await,
                _ = retry.tick() => self.look_again().await,
                () = table.changed() => self.routing.note_changed(),
                () = tokio::time::sleep_until(save_at.into()) => {
                    let begun = Instant::now();
                    self.routing.note_changed();
                    save_at = Instant::now() + SAVE_EVERY.max(begun.elapsed() * SAVE_SHARE);
                }
                _ = self.tasks.recv_many(&mut batch, BATCH) => {
                    batch.drain(..).for_each(|task| self.begin(task));
                }
                () = expiries.wait(), if self.expiring.len() < EXPIRING => {
                    for expired in expiries.take(EXPIRING - self.expiring.len()) {
                        self.expiring.spawn(expired.see_to(self.routing.clone()));
                    }
                }
                Some(_) = self.expiring.join_next() => {}
            }
            while self.connecting.try_join_next().is_some() {}
            while self.forgetting.try_join_next().is_some() {}
            while self.mending.try_join_next().is_some() {}
        }
    }

    /// Each piece of work runs on its own, so that one that waits for a switch holds up no other. There are no more than
    /// there are places.
    fn begin(&mut self, task: Task) {
        let routing = self.routing.clone();
        match task {
            Task::Connect { ends, then, place } => {
                self.connecting.spawn(async move {
                    Pair { routing, ends }.connect(then).await;
                    drop(place);
                });
            }
        }
    }

    /// Looks at every route that nobody is changing, and moves those whose path is no longer there.
    async fn look_again(&mut self) {
        if self.routing.stopping.load(Ordering::Acquire) {
            return;
        }
        self.forget_routes();
        let network = self.routing.network.clone();
        let topology = network.topology();
        // A switch that is being emptied is left to its migration; one that is empty must stay so.
        let is_drained = |dpid: &DatapathId| network.state(*dpid) == SwitchState::Drained;
        let drained: BTreeSet<DatapathId> = topology
            .excluded()
            .iter()
            .copied()
            .filter(is_drained)
            .collect();
        self.routing
            .table
            .mark_seen(|route| route.paths().iter().all(|path| is_whole(path, &topology)));
        let has_ended = |port: PortRef| {
            let switch = network.switches().get(port.dpid);
            switch.is_some_and(|switch| !switch.port(port.port).is_some_and(|port| port.is_up()))
        };
        let lease = self.routing.table.lease_free(|_, route| {
            route.spread.is_none() && needs_change(route, &topology, &drained, &has_ended)
        });
        self.mend_spread(&topology, &has_ended);
        let mut moves = Vec::new();
        let mut finder = PathFinder::new(&topology);
        for route in lease.routes() {
            let (from, to) = (current(route.from, &topology), current(route.to, &topology));
            if let Ok(new) = finder.find(from, to, &route.via, route.metric) {
                moves.push(Move::new(route, new, from, to));
            }
        }
        lease.update(|route| route.state = State::Broken);
        if !moves.is_empty() {
            tracing::info!(
                routes = lease.ids().len(),
                redirected = moves.len(),
                "routes whose path is gone"
            );
            self.redirect(moves).await;
        }
    }

    /// Begins to bring spread routes to the paths that they should have now, each by itself: a change that can wait takes
    /// longer than others should.
    fn mend_spread(
        &mut self,
        topology: &Arc<TopologySnapshot>,
        has_ended: &impl Fn(PortRef) -> bool,
    ) {
        let table = &self.routing.table;
        let mut wanted = Vec::new();
        table.for_each(|id, route| {
            if !route.is_leased() && wants_other_paths(route, topology, has_ended) {
                wanted.push(id);
            }
        });
        for id in wanted {
            if self.mending.len() >= MENDING {
                break;
            }
            let lease = table.lease_free(|other, _| other == id);
            let (routing, topology) = (self.routing.clone(), Arc::clone(topology));
            self.mending.spawn(mend(routing, lease, topology));
        }
    }

    /// Takes away the routes that were made because hosts that are gone had begun to talk. Those that somebody asked for
    /// stay.
    fn forget_routes(&mut self) {
        let gone = self.routing.take_gone();
        if gone.is_empty() {
            return;
        }
        let is_end = |end: Endpoint| end.mac.filter(|mac| gone.contains(mac));
        let mut routes = Vec::new();
        self.routing.table.for_each(|id, route| {
            let end = is_end(route.from).or_else(|| is_end(route.to));
            if let (Origin::Forwarding, Some(mac)) = (route.origin, end) {
                routes.push((id, mac));
            }
        });
        if !routes.is_empty() {
            self.forgetting.spawn(forget(self.routing.clone(), routes));
        }
    }

    /// Moves routes. Those that need a switch which doesn't do its part stay broken and are tried again; they don't
    /// hold up the others.
    async fn redirect(&self, mut moves: Vec<Move>) {
        while !moves.is_empty() {
            let flows: Vec<Flow> = moves.iter().map(|one| one.flow.clone()).collect();
            let Err(error) = self.routing.redirect(&flows).await else {
                break;
            };
            tracing::warn!(%error, "routes could not be redirected");
            let failed: BTreeSet<DatapathId> =
                error.failures.iter().map(|failure| failure.dpid).collect();
            let before = moves.len();
            moves.retain(|one| !one.crosses(&failed));
            if moves.len() == before {
                return;
            }
        }
        for one in moves {
            self.routing.clear_away(&one.leftover).await;
            self.routing.table.with(one.flow.template.id, |route| {
                route.counters.set_path(one.flow.new.switches());
                route.path = one.flow.new;
                (route.from, route.to) = (one.from, one.to);
                route.state = State::Active;
            });
        }
        self.routing.table.save_soon();
    }
}

/// Brings leased spread routes to the paths that they should have.
async fn mend(routing: Routing, lease: Lease, topology: Arc<TopologySnapshot>) {
    for route in lease.routes() {
        let ends = (current(route.from, &topology), current(route.to, &topology));
        let Err(why) = routing.mend(&route, ends, &topology).await else {
            continue;
        };
        // One that crosses a switch which is about to be emptied has a way still.
        let mut paths = route.paths().iter();
        if route.state != State::Broken && !paths.any(|path| is_whole(path, &topology)) {
            tracing::info!(route = route.template.id, %why, "a route whose paths are gone");
            lease.update(|route| route.state = State::Broken);
        }
    }
    drop(lease);
    if routing.network.topology().revision() != topology.revision() {
        routing.look_again();
    }
}

/// Takes routes away whose end is gone, each with that end.
async fn forget(routing: Routing, routes: Vec<(FlowId, MacAddr)>) {
    for (id, mac) in routes {
        // Somebody may hold the route for a while, and the host be there again.
        drop(routing.table.lease(&[id]).await);
        if routing.network.topology().host_by_mac(mac).is_some() {
            continue;
        }
        if let Err(error) = routing.delete(id).await {
            tracing::warn!(%error, "a route of a host that is gone is left");
        }
    }
}

/// A route that goes another way from now on.
struct Move {
    flow: Flow,
    from: Endpoint,
    to: Endpoint,
    /// Rules that may be left of a way that was given up half made.
    leftover: Vec<(DatapathId, FlowRule)>,
}

impl Move {
    fn new(route: Route, new: Path, from: Endpoint, to: Endpoint) -> Self {
        let (mut old, mut leftover) = (Some(route.path), Vec::new());
        if route.state == State::Broken {
            // It is not known which of its rules are there: all of the new way are added, those of the old deleted.
            let gone = old
                .take()
                .into_iter()
                .flat_map(|path| route.template.rules(&path).collect::<Vec<_>>());
            leftover.extend(gone.filter(|(dpid, _)| new.hop_at(*dpid).is_none()));
        }
        let flow = Flow {
            template: route.template,
            old,
            new,
        };
        Self {
            flow,
            from,
            to,
            leftover,
        }
    }

    fn crosses(&self, switches: &BTreeSet<DatapathId>) -> bool {
        let paths = self.flow.old.iter().chain([&self.flow.new]);
        paths
            .flat_map(Path::switches)
            .any(|dpid| switches.contains(&dpid))
    }
}

/// Whether a route's path is gone, or its ends are elsewhere. `has_ended` says of a port of a connected switch that it is
/// down or gone.
fn needs_change(
    route: &Route,
    topology: &TopologySnapshot,
    drained: &BTreeSet<DatapathId>,
    has_ended: &impl Fn(PortRef) -> bool,
) -> bool {
    route.state == State::Broken
        || current(route.from, topology) != route.from
        || current(route.to, topology) != route.to
        || route.path.switches().any(|dpid| drained.contains(&dpid))
        || !is_whole(&route.path, topology)
            && (!may_come_back(route) || is_gone(&route.path, topology, has_ended))
}

/// Whether a spread route is to have other paths than it has, or its ends are elsewhere.
fn wants_other_paths(
    route: &Route,
    topology: &TopologySnapshot,
    has_ended: &impl Fn(PortRef) -> bool,
) -> bool {
    let Some(spreading) = &route.spread else {
        return false;
    };
    let is_gone = |path: &Path| is_gone(path, topology, has_ended);
    if route.state == State::Broken {
        return true;
    }
    if may_come_back(route) && !route.paths().iter().any(is_gone) {
        return false;
    }
    let left = spreading.left(|path| is_alive(path, topology));
    current(route.from, topology) != route.from
        || current(route.to, topology) != route.to
        || left.as_ref() != Some(&spreading.now)
}

/// Whether all switches and links of a path are there.
fn is_whole(path: &Path, topology: &TopologySnapshot) -> bool {
    let graph = topology.graph();
    path.links().all(|link| graph.is_usable(&link))
        && path.switches().all(|dpid| graph.contains_switch(dpid))
}

/// Whether the controller has been started so lately that what is missing of the route's path may not have been found
/// yet.
fn may_come_back(route: &Route) -> bool {
    route
        .unseen_since
        .is_some_and(|since| since.elapsed() < FIND_AGAIN)
}

/// Whether a link of a path is known to be gone: a port of it is down, both its ends were probed in vain, or one of them
/// leads elsewhere.
fn is_gone(path: &Path, topology: &TopologySnapshot, has_ended: impl Fn(PortRef) -> bool) -> bool {
    let graph = topology.graph();
    path.links().any(|link| {
        let ends = [link.src, link.dst];
        ends.into_iter().any(&has_ended)
            || ends.map(|end| topology.kind(end)) == [PortKind::Edge; 2]
            || graph.link_from(link.src).is_some_and(|other| other != link)
            || graph.link_to(link.dst).is_some_and(|other| other != link)
    })
}

/// Where the end of a route is now.
fn current(end: Endpoint, topology: &TopologySnapshot) -> Endpoint {
    let host = end.mac.and_then(|mac| topology.host_by_mac(mac));
    host.map_or(end, |host| Endpoint {
        port: host.attachment,
        ..end
    })
}

#[cfg(test)]
mod tests {
    use super::super::kept::tests::route;
    use super::*;

    fn needs(route: &Route, has_ended: bool) -> bool {
        // As it is just after a start: no switch has connected.
        let nothing = TopologySnapshot::default();
        needs_change(route, &nothing, &BTreeSet::new(), &|_| has_ended)
    }

    #[test]
    fn what_has_not_been_found_again_since_the_start_is_waited_for() {
        let now = Instant::now();
        let mut route = route();
        assert!(needs(&route, false), "a path that was seen and is gone");
        route.unseen_since = Some(now);
        assert!(!needs(&route, false));
        assert!(needs(&route, true), "a port of the path is down");
        let drained = route.path.switches().collect();
        let nothing = TopologySnapshot::default();
        assert!(needs_change(&route, &nothing, &drained, &|_| false));
        route.unseen_since = now.checked_sub(FIND_AGAIN);
        assert!(needs(&route, false), "not for ever");
        route.unseen_since = Some(now);
        route.state = State::Broken;
        assert!(needs(&route, false));
    }
}
