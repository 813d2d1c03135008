//! Putting routes in place, taking them away, reading what they have carried.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use godwit_controller::rest::endpoint::{self, Endpoint};
use godwit_controller::{Owner, ReadError, RoundError};
use godwit_openflow::model::{FlowMod, FlowRule, Pattern};
use godwit_openflow::types::{DatapathId, Version};
use godwit_topology::snapshot::RouteError;
use godwit_topology::{Constraints, Metric, NoPath, Path, ShortestPathTree, TopologySnapshot};
use tokio::task::JoinSet;

use super::Routing;
use super::counters::{OnSwitch, Tally};
use super::table::{Duplicate, Lease, Origin, Route, State};
use crate::others::{self, Question, Unread};
use crate::plan::{self, Flow, FlowId, Kind, Template, Treatment};

/// A route that somebody wants.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Where it begins.
    pub from: Endpoint,
    /// Where it ends.
    pub to: Endpoint,
    /// Its ends as they were named.
    pub names: [serde_json::Value; 2],
    /// What it matches besides the addresses of its ends.
    pub asked: Pattern,
    /// Switches that it must cross.
    pub via: Vec<DatapathId>,
    /// What makes its path short; as for all unless this says.
    pub metric: Option<Metric>,
    /// The priority of its rules.
    pub priority: u16,
    /// Seconds without a packet until it ends; 0 is never.
    pub idle_timeout: u16,
    /// Seconds until it ends; 0 is never.
    pub hard_timeout: u16,
    /// How its packets are treated on their way.
    pub treatment: Treatment,
    /// Over how many paths of equal cost it is spread at the most, if it is.
    pub spread: Option<usize>,
    /// Who wants it.
    pub origin: Origin,
}

/// Routes that were not made.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// There is no path for one of them.
    #[error("route {}: {source}", index + 1)]
    NoPath {
        /// Which.
        index: usize,
        /// Why.
        source: RouteError,
    },
    /// One of them begins and ends at the same port, or on the same segment.
    #[error("route {}: it begins and ends at the same place", index + 1)]
    NoWay {
        /// Which.
        index: usize,
    },
    /// One of them is the same to a switch as another route.
    #[error("route {}: route {other} has the same match and priority", index + 1)]
    Duplicate {
        /// Which.
        index: usize,
        /// The route that is there.
        other: FlowId,
    },
    /// A switch of its path knows no meters, and queues only together with ports.
    #[error("route {}: switch {dpid} speaks OpenFlow 1.0, where a route has no queue and no meter", index + 1)]
    TooOld {
        /// Which.
        index: usize,
        /// The first such switch.
        dpid: DatapathId,
    },
    /// A switch of the paths does not say what it holds.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// Rules of others would be overwritten.
    #[error("{} in the way", if rules.len() == 1 { "a rule stands" } else { "rules stand" })]
    Occupied {
        /// The rules.
        rules: Vec<String>,
    },
    /// A switch would not take a rule. Nothing is left of the others.
    #[error("{0}; nothing was left installed")]
    Refused(RoundError),
    /// A switch would not take a rule, and another would not take back one.
    #[error("{refused}; and what was installed could not all be taken back: {undo}")]
    Torn {
        /// What was refused.
        refused: RoundError,
        /// What could not be undone.
        undo: RoundError,
    },
}

impl InstallError {
    /// The same with what became of taking back the rest.
    fn with(self, undone: Result<(), RoundError>) -> Self {
        match (self, undone) {
            (Self::Refused(refused), Err(undo)) => Self::Torn { refused, undo },
            (error, Ok(())) => error,
            (error, Err(undo)) => {
                tracing::warn!(%undo, "rules of routes that were not made may be left");
                error
            }
        }
    }
}

impl From<Duplicate> for InstallError {
    fn from(duplicate: Duplicate) -> Self {
        Self::Duplicate {
            index: duplicate.index,
            other: duplicate.other,
        }
    }
}

/// Finds paths for many routes at once: one Dijkstra for each place where they end, not for each route.
pub(crate) struct PathFinder<'a> {
    topology: &'a TopologySnapshot,
    trees: HashMap<(DatapathId, Option<Metric>), Result<ShortestPathTree, NoPath>>,
}

impl<'a> PathFinder<'a> {
    pub(crate) fn new(topology: &'a TopologySnapshot) -> Self {
        Self {
            topology,
            trees: HashMap::new(),
        }
    }

    pub(crate) fn find(
        &mut self,
        from: Endpoint,
        to: Endpoint,
        via: &[DatapathId],
        metric: Option<Metric>,
    ) -> Result<Path, RouteError> {
        let weighed = self.topology.by_asked(metric);
        let (from, to) = endpoint::ports_between(self.topology, from, to);
        if !via.is_empty() {
            let constraints = Constraints {
                avoid: BTreeSet::new(),
                via: via.to_vec(),
            };
            return weighed.path(from, to, &constraints);
        }
        let (start, end) = (from.dpid, to.dpid);
        let tree = self
            .trees
            .entry((end, metric))
            .or_insert_with(|| weighed.tree_to(end, &BTreeSet::new()));
        let tree = tree.as_ref().map_err(Clone::clone)?;
        let links = tree.path_from(start).ok_or(NoPath::Disconnected {
            from: start,
            to: end,
        })?;
        Ok(Path::new(from, &links, to)?)
    }
}

impl Routing {
    /// Makes routes, all or none. When this returns `Ok`, every switch of every path has confirmed its rule.
    ///
    /// # Errors
    /// As [`InstallError`] says; then nothing is left of them.
    pub async fn create(&self, wishes: Vec<Wish>) -> Result<Vec<FlowId>, InstallError> {
        // Before the paths are computed, so that no change in between is missed.
        let revision = self.network.topology().revision();
        let lease = self.admit(wishes).await?;
        if let Some(&last) = lease.ids().last() {
            self.reserve(last).await;
        }
        self.send(lease, revision).await
    }

    /// Installs the routes of a lease, all or none.
    async fn send(&self, lease: Lease, revision: u64) -> Result<Vec<FlowId>, InstallError> {
        let (spread, plain): (Vec<Route>, Vec<Route>) = lease
            .routes()
            .into_iter()
            .partition(|route| route.spread.is_some());
        let flows: Vec<Flow> = plain
            .into_iter()
            .map(|route| Flow {
                template: route.template,
                old: None,
                new: route.path,
            })
            .collect();
        let rounds = plan::make_before_break(&flows);
        if let Err(error) = self.check_free(&lease, &flows, &rounds).await {
            lease.remove_all();
            return Err(error);
        }
        for route in &spread {
            if let Err(error) = self.check_free_for(route).await {
                lease.remove_all();
                return Err(error);
            }
        }
        for (index, round) in rounds.iter().enumerate() {
            if let Err(refused) = round.messages().apply(self.network.switches()).await {
                let undone = self.undo(&rounds[..=index]).await;
                lease.remove_all();
                return Err(InstallError::Refused(refused).with(undone));
            }
        }
        for (index, route) in spread.iter().enumerate() {
            if let Err(error) = self.lay(None, route, true).await {
                let mut undone = self.undo(&rounds).await;
                for route in &spread[..=index] {
                    undone = undone.and(self.take_up(route.template.id, route.places()).await);
                }
                lease.remove_all();
                return Err(error.with(undone));
            }
        }
        lease.update(|route| route.state = State::Active);
        let ids = lease.ids().to_vec();
        // Who asked hears of it when it will outlive the controller. Hosts that begin to talk don't wait for the disk.
        if lease.routes().iter().any(is_request) {
            self.save(ids.iter().copied()).await;
        } else {
            self.note(ids.iter().copied());
        }
        drop(lease);
        if self.network.topology().revision() != revision {
            self.look_again();
        }
        Ok(ids)
    }

    async fn undo(&self, rounds: &[plan::Round]) -> Result<(), RoundError> {
        let steps = rounds.iter().rev().flat_map(|round| &round.steps);
        let undo: godwit_controller::Round = steps
            .filter_map(|step| Some((step.dpid, step.undo()?)))
            .collect();
        undo.apply(self.network.switches()).await
    }

    /// Whether nobody else's rules stand where those of the routes are to be.
    ///
    /// Routes between hosts that begin to talk are not checked: every first packet would cost a reading of every
    /// switch on its way, and nobody else has reason to match two stations at that priority.
    async fn check_free(
        &self,
        lease: &Lease,
        flows: &[Flow],
        rounds: &[plan::Round],
    ) -> Result<(), InstallError> {
        if !lease.routes().iter().any(is_request) {
            return Ok(());
        }
        let question = Question::Overwritten;
        let rules = others::in_the_way(&self.network, flows, rounds, question).await?;
        if rules.is_empty() {
            Ok(())
        } else {
            Err(InstallError::Occupied { rules })
        }
    }

    /// Takes the routes into the table, on paths that no switch under migration lies on.
    ///
    /// A migration takes its switch out of the graph first and then leases the routes that cross it. So a route
    /// that is in the table before is seen by the migration, and one that comes after sees the smaller graph here.
    async fn admit(&self, wishes: Vec<Wish>) -> Result<Lease, InstallError> {
        loop {
            let lease = self.find_paths(wishes.clone()).await?;
            let topology = self.network.topology();
            let gone = |route: &Route| {
                let switches = route.switches();
                switches
                    .iter()
                    .any(|dpid| topology.excluded().contains(dpid))
            };
            if !lease.routes().iter().any(gone) {
                return Ok(lease);
            }
            lease.remove_all();
        }
    }

    /// Finds the paths and takes the routes into the table, before anything is sent.
    async fn find_paths(&self, wishes: Vec<Wish>) -> Result<Lease, InstallError> {
        let topology = self.network.topology();
        let mut finder = PathFinder::new(&topology);
        let mut routes = Vec::with_capacity(wishes.len());
        for (index, wish) in wishes.into_iter().enumerate() {
            if topology.segments().same(wish.from.port, wish.to.port) {
                return Err(InstallError::NoWay { index });
            }
            let path = finder
                .find(wish.from, wish.to, &wish.via, wish.metric)
                .map_err(|source| InstallError::NoPath { index, source })?;
            if let Some(dpid) = self.too_old(wish.treatment, &path) {
                return Err(InstallError::TooOld { index, dpid });
            }
            let template = Template {
                id: 0,
                priority: wish.priority,
                pattern: between(&wish.asked, wish.from, wish.to),
                ingress: wish.from.mac.is_none().then_some(wish.from.port.port),
                idle_timeout: wish.idle_timeout,
                hard_timeout: wish.hard_timeout,
                treatment: wish.treatment,
            };
            let mut route = Route::new(wish.from, wish.to, template, path, wish.origin);
            if let Some(most) = wish.spread {
                let ends = (wish.from, wish.to);
                let spreading = self.find_spread(&topology, ends, wish.metric, most).await;
                route =
                    route.over(spreading.map_err(|source| InstallError::NoPath { index, source })?);
            }
            route.names = wish.names;
            route.asked = wish.asked;
            route.via = wish.via;
            route.metric = wish.metric;
            routes.push(route);
        }
        Ok(self.table.insert(routes)?)
    }

    /// The first switch of a path that can't treat packets so.
    fn too_old(&self, treatment: Treatment, path: &Path) -> Option<DatapathId> {
        if treatment.is_plain() {
            return None;
        }
        path.switches().find(|dpid| {
            let switch = self.network.switches().get(*dpid);
            switch.is_some_and(|switch| switch.version() == Version::V10)
        })
    }

    /// Moves routes to other paths, make before break. What is on the old path is not waited for: it is gone, or
    /// going. Rules on switches that are gone are left to their return.
    ///
    /// # Errors
    /// When a switch would not take its rule. What the others were sent is taken back.
    pub(super) async fn redirect(&self, flows: &[Flow]) -> Result<(), RoundError> {
        let switches = self.network.switches();
        let mut rounds = plan::make_before_break(flows);
        for round in rounds.iter_mut().filter(|round| round.kind == Kind::Remove) {
            round.steps.retain(|step| switches.get(step.dpid).is_some());
        }
        for (index, round) in rounds.iter().enumerate() {
            let Err(error) = round.messages().apply(switches).await else {
                continue;
            };
            for done in rounds[..=index].iter().rev() {
                if let Err(error) = done.undo().apply(switches).await {
                    tracing::warn!(%error, "rules of a way that was given up may be left");
                }
            }
            return Err(error);
        }
        Ok(())
    }

    /// Deletes rules that may be there, on switches that are.
    pub(super) async fn clear_away(&self, rules: &[(DatapathId, FlowRule)]) {
        let present = rules
            .iter()
            .filter(|(dpid, _)| self.network.switches().get(*dpid).is_some());
        let round: godwit_controller::Round = present
            .map(|(dpid, rule)| (*dpid, FlowMod::delete_strict(rule.clone())))
            .collect();
        if let Err(error) = round.apply(self.network.switches()).await {
            tracing::warn!(%error, "rules of a way that was given up may be left");
        }
    }

    /// Brings the counters of routes up to date: of their last hops, or of every switch of their paths.
    /// Switches that don't answer are named; what was read of them before stands. What is shown of it is on the disk
    /// by then, so that a controller that is killed shows no less when it is there again; of very many routes it may
    /// not be.
    pub async fn refresh(&self, ids: &[FlowId], everywhere: bool) -> Vec<(DatapathId, ReadError)> {
        let wanted: BTreeSet<FlowId> = ids.iter().copied().collect();
        let mut switches: BTreeMap<DatapathId, ()> = BTreeMap::new();
        self.table.for_each(|id, route| {
            if wanted.contains(&id) {
                if everywhere {
                    switches.extend(route.switches().into_iter().map(|dpid| (dpid, ())));
                } else {
                    switches.insert(route.path.destination().dpid, ());
                }
            }
        });
        let mut reading = JoinSet::new();
        for dpid in switches.into_keys() {
            let Some(switch) = self.network.switches().get(dpid) else {
                continue;
            };
            let network = self.network.clone();
            reading.spawn(async move {
                (
                    dpid,
                    network.read_exact(&switch, Some(Owner::Routing)).await,
                )
            });
        }
        let mut failed = Vec::new();
        while let Some(result) = reading.join_next().await {
            match result {
                Ok((dpid, Ok(flows))) => {
                    for stats in flows {
                        let tally = Tally {
                            packets: stats.packets,
                            bytes: stats.bytes,
                        };
                        self.take_in(dpid, &stats.rule, tally, stats.duration_ns);
                    }
                }
                Ok((dpid, Err(error))) => failed.push((dpid, error)),
                Err(error) => tracing::error!(%error, "reading counters ended abnormally"),
            }
        }
        self.save_few_changed().await;
        failed
    }

    /// Takes in what a rule reports, when it is a live rule of a route.
    pub(crate) fn take_in(&self, dpid: DatapathId, rule: &FlowRule, tally: Tally, age_ns: u64) {
        let Some(id) = Owner::Routing.own_part(rule.cookie) else {
            return;
        };
        self.table.count(id, |route| {
            let total = |route: &Route| route.counters.on_switch(dpid).map(OnSwitch::total);
            // While a route moves, the switches of its old path still count.
            let on_switch = route.counters.on_switch(dpid);
            if !on_switch.is_some_and(OnSwitch::is_live) {
                return false;
            }
            let before = total(route);
            route.counters.read(dpid, tally, age_ns);
            total(route) != before
        });
    }
}

fn is_request(route: &Route) -> bool {
    route.origin == Origin::Request
}

/// What a route's rules match: what was asked for, and the stations at its ends. Where the request names a
/// station itself, that stands.
fn between(asked: &Pattern, from: Endpoint, to: Endpoint) -> Pattern {
    use godwit_openflow::model::Field;
    let mut pattern = asked.clone();
    if let (None, Some(mac)) = (asked.get(Field::EthSrc), from.mac) {
        pattern = pattern.eth_src(mac);
    }
    if let (None, Some(mac)) = (asked.get(Field::EthDst), to.mac) {
        pattern = pattern.eth_dst(mac);
    }
    pattern
}
