//! Spread routes on their switches: put in place, changed and taken away so that no packet meets a dead end or a circle.
//!
//! Each switch gets its group before the rule that uses it, and its rule when all that it sends packets to have theirs:
//! from the last hop backwards. In a change every packet so follows the old paths until it comes to a switch that is
//! changed, and from there on the new ones, since all behind that switch are changed as well. What is left over goes
//! last, and what is taken away goes from the first hop on.

use std::collections::BTreeSet;
use std::time::Duration;

use godwit_controller::limits::APPLY_DEADLINE;
use godwit_controller::rest::endpoint::{self, Endpoint};
use godwit_controller::switch::RequestError;
use godwit_controller::{Round, RoundError};
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{FlowMod, FlowRule, GroupCommand, StatsReply, StatsRequest};
use godwit_openflow::types::{DatapathId, Version};
use godwit_topology::snapshot::RouteError;
use godwit_topology::{Metric, NoPath, Path, TopologySnapshot};
use tokio::task::JoinSet;

use super::Routing;
use super::install::InstallError;
use super::spreading::{Abilities, Ability, Place, Spreading};
use super::table::{Lease, Route, State};
use crate::others::{Unread, described};
use crate::plan::FlowId;

/// How long packets may be on a way that none is sent into any more, beside what its links take.
const LINGER: Duration = Duration::from_millis(100);

/// The paths of a spread that can be used: all of their links are there, and none of their switches is set aside.
pub(super) fn is_alive(path: &Path, topology: &TopologySnapshot) -> bool {
    let graph = topology.graph();
    let is_there = |dpid| graph.contains_switch(dpid) && !topology.excluded().contains(&dpid);
    path.links().all(|link| graph.is_usable(&link)) && path.switches().all(is_there)
}

fn unread(dpid: DatapathId, why: RequestError) -> InstallError {
    InstallError::Unread(Unread { dpid, why })
}

/// A task that ended abnormally has done who knows what.
const fn torn() -> InstallError {
    InstallError::Refused(RoundError {
        failures: Vec::new(),
    })
}

impl Routing {
    /// The paths of least cost between two ends, over which the switches can spread packets.
    pub(super) async fn find_spread(
        &self,
        topology: &TopologySnapshot,
        (from, to): (Endpoint, Endpoint),
        metric: Option<Metric>,
        most: usize,
    ) -> Result<Spreading, RouteError> {
        let (from, to) = endpoint::ports_between(topology, from, to);
        let mut known = Abilities::new();
        loop {
            let mut unasked = Vec::new();
            let can_choose = |dpid| match known.get(&dpid) {
                Some(ability) => ability.is_select(),
                None => {
                    unasked.push(dpid);
                    true
                }
            };
            let weighed = topology.by_asked(metric);
            let spread = weighed.spread(from, to, most, can_choose)?;
            if unasked.is_empty() {
                return Ok(Spreading::new(most, spread, known));
            }
            known.extend(self.abilities(unasked).await);
        }
    }

    /// What switches make of a choice. All are asked at once; one that doesn't answer has no groups.
    async fn abilities(&self, switches: Vec<DatapathId>) -> Abilities {
        let mut asking = JoinSet::new();
        let mut known: Abilities = switches
            .iter()
            .map(|dpid| (*dpid, Ability::NoSelect))
            .collect();
        for dpid in switches {
            let Some(switch) = self.network.switches().get(dpid) else {
                continue;
            };
            if switch.version() == Version::V10 {
                known.insert(dpid, Ability::OldVersion);
                continue;
            }
            asking.spawn(async move { (dpid, switch.request(StatsRequest::GroupFeatures).await) });
        }
        while let Some(answer) = asking.join_next().await {
            if let Ok((dpid, Ok(StatsReply::GroupFeatures(features)))) = answer {
                known.insert(dpid, Ability::of(&features));
            }
        }
        known
    }

    /// Puts a spread route in place. `before` is what it has on switches now, as far as that is known; what is the same is
    /// left alone. A change that can wait is `gentle`: each switch is seen to do what it was told before packets are
    /// sent to it.
    ///
    /// # Errors
    /// When a switch has something else in that place, or doesn't take it. What the others have got stays.
    pub(super) async fn lay(
        &self,
        before: Option<&[Place]>,
        after: &Route,
        gentle: bool,
    ) -> Result<(), InstallError> {
        let Some(spreading) = &after.spread else {
            return Ok(());
        };
        let mut without_group = Vec::new();
        for level in spreading.places(&after.template) {
            let mut laying = JoinSet::new();
            let mut changed = Vec::new();
            for place in level {
                let own = before.unwrap_or_default();
                let was = own.iter().find(|was| was.dpid == place.dpid);
                if was == Some(&place) {
                    continue;
                }
                let had_group = before.is_none() || was.is_some_and(|was| was.group.is_some());
                if had_group && place.group.is_none() {
                    without_group.push(place.dpid);
                }
                changed.push(place.dpid);
                let routing = self.clone();
                laying.spawn(async move { routing.lay_one(place).await });
            }
            while let Some(laid) = laying.join_next().await {
                laid.unwrap_or_else(|_| Err(torn()))?;
            }
            if gentle {
                self.network.sweep_all(changed).await;
            }
        }
        let dropped = self.drop_group(after.template.id, without_group).await;
        dropped.map_err(InstallError::Refused)
    }

    /// Deletes a route's group on switches whose rules use it no more, once they are seen to do so: Open vSwitch takes a
    /// packet to a group in two steps, each with a cached decision of its own, and where the group is gone before the
    /// first step is decided anew, what has taken that step is lost.
    async fn drop_group(&self, id: FlowId, switches: Vec<DatapathId>) -> Result<(), RoundError> {
        self.network.sweep_all(switches.iter().copied()).await;
        let mut round = Round::default();
        for dpid in switches {
            if self.has_groups(dpid) {
                round.push(dpid, Spreading::no_group(id));
            }
        }
        round.apply(self.network.switches()).await
    }

    /// Whether nobody else's rules stand where those of a spread route are to be.
    pub(super) async fn check_free_for(&self, route: &Route) -> Result<(), InstallError> {
        let mut checking = JoinSet::new();
        for place in route.places() {
            let routing = self.clone();
            checking.spawn(async move { routing.standing(&place).await.map(|_| ()) });
        }
        while let Some(checked) = checking.join_next().await {
            checked.unwrap_or_else(|_| Err(torn()))?;
        }
        Ok(())
    }

    /// The rule of a route that stands where it is to be on a switch; none where nothing stands.
    async fn standing(&self, place: &Place) -> Result<Option<FlowRule>, InstallError> {
        let Place { dpid, rule, .. } = place;
        let mut filter = FlowFilter::all();
        filter.table = rule.table;
        filter.pattern = rule.pattern.clone();
        let held = match self.ask(*dpid, StatsRequest::Flows(filter)).await? {
            StatsReply::Flows(held) => held,
            _ => return Err(unread(*dpid, RequestError::Unexpected)),
        };
        let mut held = held.into_iter().map(|stats| stats.rule);
        match held.find(|held| held.same_identity(rule)) {
            Some(other) if other.cookie != rule.cookie => Err(InstallError::Occupied {
                rules: vec![format!(
                    "switch {dpid}: {} would be overwritten",
                    described(&other)
                )],
            }),
            standing => Ok(standing),
        }
    }

    async fn ask(
        &self,
        dpid: DatapathId,
        request: StatsRequest,
    ) -> Result<StatsReply, InstallError> {
        let switch = self.network.switches().get(dpid);
        let switch = switch.ok_or_else(|| unread(dpid, RequestError::Disconnected))?;
        let answer = switch.request_within(request, APPLY_DEADLINE).await;
        answer.map_err(|why| unread(dpid, why))
    }

    /// Makes one switch hold its part, by what it holds now.
    async fn lay_one(&self, place: Place) -> Result<(), InstallError> {
        let standing = self.standing(&place).await?;
        let Place { dpid, rule, group } = place;
        let mut round = Round::default();
        if let Some(group) = &group {
            let StatsReply::GroupDescription(groups) =
                self.ask(dpid, StatsRequest::GroupDescription).await?
            else {
                return Err(unread(dpid, RequestError::Unexpected));
            };
            match groups.iter().find(|held| held.group == group.group) {
                None => round.push(dpid, group.clone().message(GroupCommand::Add)),
                Some(held) if held.does_the_same(group) => {}
                Some(_) => round.push(dpid, group.clone().message(GroupCommand::Modify)),
            }
        }
        match standing {
            Some(held) if held.instructions == rule.instructions => {}
            Some(_) => round.push(dpid, FlowMod::modify_strict(rule)),
            None => round.push(dpid, FlowMod::add(rule)),
        }
        let switches = self.network.switches();
        round.apply(switches).await.map_err(InstallError::Refused)
    }

    fn has_groups(&self, dpid: DatapathId) -> bool {
        let switch = self.network.switches().get(dpid);
        switch.is_some_and(|switch| switch.version() != Version::V10)
    }

    /// Takes away what a spread route has on these switches, in this order, as far as they are there. When it returns, they
    /// are seen to do without.
    ///
    /// # Errors
    /// When a switch would not delete its rule.
    pub(super) async fn take_up(
        &self,
        id: FlowId,
        places: impl IntoIterator<Item = Place>,
    ) -> Result<(), RoundError> {
        let mut without_group = Vec::new();
        for place in places {
            if self.network.switches().get(place.dpid).is_none() {
                continue;
            }
            let mut removal = FlowMod::delete_strict(place.rule);
            if self.has_groups(place.dpid) {
                removal.cookie_mask = u64::MAX;
            }
            let round: Round = [(place.dpid, removal)].into_iter().collect();
            round.apply(self.network.switches()).await?;
            without_group.push(place.dpid);
        }
        self.drop_group(id, without_group).await
    }

    /// Takes away all that a spread route has: at its first switch, then, when nothing of it is under way any more, at the
    /// others.
    ///
    /// # Errors
    /// When a switch would not delete its rule.
    pub(super) async fn take_away(&self, route: &Route) -> Result<(), RoundError> {
        let id = route.template.id;
        let mut places = route.places().into_iter();
        if let Some(first) = places.next() {
            self.take_up(id, [first]).await?;
            self.linger(route, &self.network.topology()).await;
        }
        self.take_up(id, places).await
    }

    /// Waits until what was sent into the paths of a route has come out of them.
    async fn linger(&self, route: &Route, topology: &TopologySnapshot) {
        let takes = |path: &Path| -> Duration {
            path.links()
                .filter_map(|link| topology.latency(&link))
                .sum()
        };
        let longest = route.paths().iter().map(takes).max();
        tokio::time::sleep(LINGER + longest.unwrap_or_default()).await;
    }

    /// Brings a spread route that is leased to the paths that it should have: those that it was made with, as far as they
    /// can be used; else whatever is shortest.
    ///
    /// # Errors
    /// When there is no way. Then it is as it was.
    pub(super) async fn mend(
        &self,
        route: &Route,
        ends: (Endpoint, Endpoint),
        topology: &TopologySnapshot,
    ) -> Result<(), RouteError> {
        let Some(spreading) = &route.spread else {
            return Ok(());
        };
        let id = route.template.id;
        let alive = |path: &Path| is_alive(path, topology);
        let moved = ends != (route.from, route.to);
        let left = spreading.left(alive).filter(|_| !moved);
        let next = match left {
            Some(left) => spreading.with(left, Abilities::new()),
            None => {
                let found = self
                    .find_spread(topology, ends, route.metric, spreading.most)
                    .await?;
                if moved { found } else { spreading.to(found) }
            }
        };
        let is_known = route.state != State::Broken;
        let gentle = is_known && !moved && {
            let graph = topology.graph();
            let mut links = spreading.now.links();
            links.all(|link| graph.is_usable(&link))
        };
        let before = route.places();
        let after = route.clone().over(next.clone());
        let new: BTreeSet<DatapathId> = after.switches().into_iter().collect();
        let old: BTreeSet<DatapathId> = route.switches().into_iter().collect();
        if let Err(error) = self
            .lay(is_known.then_some(&before[..]), &after, gentle)
            .await
        {
            tracing::warn!(route = id, %error, "a route could not be spread anew");
            let own = after.places().into_iter();
            self.take_up_quietly(id, own.filter(|place| !old.contains(&place.dpid)))
                .await;
            self.table.with(id, |route| route.state = State::Broken);
            return Ok(());
        }
        if gentle {
            self.linger(route, topology).await;
        }
        let unused = before
            .into_iter()
            .filter(|place| !new.contains(&place.dpid));
        self.take_up_quietly(id, unused).await;
        self.table.with(id, |route| {
            (route.from, route.to) = ends;
            route.counters.set_path(after.switches());
            route.path = next.now.first().clone();
            route.spread = Some(next);
            route.state = State::Active;
        });
        self.table.save_soon();
        Ok(())
    }

    async fn take_up_quietly(&self, id: FlowId, places: impl IntoIterator<Item = Place>) {
        if let Err(error) = self.take_up(id, places).await {
            tracing::warn!(route = id, %error, "rules of a way that was given up may be left");
        }
    }

    /// Brings all spread routes off a switch that has been set aside, without loss.
    ///
    /// # Errors
    /// With those that have no other way, and why.
    pub async fn leave(&self, dpid: DatapathId) -> Result<(), Vec<(FlowId, RouteError)>> {
        let lease: Lease = self
            .table
            .lease_where(|_, route| route.spread.is_some() && route.crosses(dpid))
            .await;
        let topology = self.network.topology();
        let mut stranded = Vec::new();
        for route in lease.routes() {
            let id = route.template.id;
            match self.mend(&route, (route.from, route.to), &topology).await {
                Err(why) => stranded.push((id, why)),
                Ok(()) if self.table.get(id).is_some_and(|route| route.crosses(dpid)) => {
                    stranded.push((id, NoPath::Avoided(dpid).into()));
                }
                Ok(()) => {}
            }
        }
        if stranded.is_empty() {
            Ok(())
        } else {
            Err(stranded)
        }
    }
}
