//! Planning: which flows go which way instead, in which rounds; and what stands in the way.

mod refusal;
mod ways;

use std::collections::{BTreeMap, BTreeSet};

use godwit_controller::rules::shared::group_of;
use godwit_controller::{Network, SwitchState};
use godwit_openflow::types::DatapathId;
use godwit_topology::{Constraints, TopologySnapshot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::execute::readback::{Perishable, perishable};
use super::request::{Algorithm, Request, Shape};
use super::transplant::detours::{self, Detour};
use super::transplant::graft::{Scene, graft};
use super::transplant::ports::{PortMap, links_by_neighbour};
use super::transplant::read::{self, Depth, Readings};
use super::transplant::{Site, Transplant};
use crate::others::{self, Unread};
use crate::plan::verify::entries::verify_entries;
use crate::plan::verify::verify;
use crate::plan::{Change, Flow, FlowId, Kind, Round};
use crate::routing::table::Route;

pub use refusal::Refusal;
pub(super) use ways::joined;
pub use ways::waypoints;
use ways::{Ways, ways};

/// A plan that has been verified.
#[derive(Debug)]
pub struct Planned {
    /// What is asked for.
    pub request: Request,
    /// The flows, with their old ways and new.
    pub flows: Vec<Flow>,
    /// The rounds.
    pub rounds: Vec<Round>,
    /// What else the source holds, and where it goes: nothing of that where only routes move, but also then what a
    /// later write to the source has to be on the target. `None` without a target.
    pub transplant: Option<Transplant>,
    /// Which shape the plan has, and why.
    pub shape: Chosen,
    /// What stood on switches that get new entries and may have had to make room for them.
    pub perishable: Vec<Perishable>,
}

/// The shape of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ChosenShape")]
pub struct Chosen {
    /// The shape.
    pub shape: Shape,
    /// Why this one.
    #[serde(rename = "shape_reason")]
    pub reason: String,
}

impl Default for Chosen {
    fn default() -> Self {
        Self::new(Shape::ReRoute, "only routes move, each the shortest way")
    }
}

impl Chosen {
    fn new(shape: Shape, reason: impl Into<String>) -> Self {
        Self {
            shape,
            reason: reason.into(),
        }
    }
}

/// Rules by what happens to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, JsonSchema)]
pub struct RuleCounts {
    /// Put where there was none, or put anew.
    pub installed: usize,
    /// Changed in place.
    pub modified: usize,
    /// Deleted.
    pub removed: usize,
}

impl Planned {
    /// Every switch that is named or whose rules change.
    #[must_use]
    pub fn switches(&self) -> BTreeSet<DatapathId> {
        let changed = self.rounds.iter().flat_map(Round::switches);
        self.request.switches().chain(changed).collect()
    }

    /// How many rules change, and how.
    #[must_use]
    pub fn rule_counts(&self) -> RuleCounts {
        let mut counts = RuleCounts::default();
        let routes = self.rounds.iter().flat_map(|round| &round.steps);
        let others = self.rounds.iter().flat_map(|round| &round.entries);
        let changes = routes
            .map(|step| step.change)
            .chain(others.map(|step| step.change));
        for change in changes {
            match change {
                Change::Install | Change::Replace => counts.installed += 1,
                Change::Modify => counts.modified += 1,
                Change::Remove => counts.removed += 1,
            }
        }
        counts
    }

    /// The index of the round after which there is no way back: the last that changes where live
    /// traffic goes. Everything before can be undone.
    #[must_use]
    pub fn point_of_no_return(&self) -> usize {
        let live = |round: &Round| round.kind != Kind::Remove;
        self.rounds
            .iter()
            .rposition(live)
            .map_or(0, |index| index + 1)
    }
}

/// Checks what can be seen without asking a switch.
///
/// # Errors
/// With what stands in the way.
pub fn check(network: &Network, request: &Request) -> Result<(), Refusal> {
    if request.target == Some(request.source) {
        return Err(Refusal::SameSwitch);
    }
    for dpid in request.switches() {
        match network.state(dpid) {
            SwitchState::Active => {}
            SwitchState::Frozen => return Err(Refusal::Frozen(dpid)),
            SwitchState::Drained => return Err(Refusal::Drained(dpid)),
        }
    }
    let topology = network.topology();
    let hosts: Vec<String> = topology
        .hosts_on(request.source)
        .map(|host| format!("host {} on port {}", host.mac, host.attachment.port))
        .collect();
    if hosts.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Hosts { hosts })
    }
}

/// Makes the plan of a migration, with all that switches have to be asked for, and proves it.
///
/// All switches are asked at once, and answer while the rounds are made: the target for everything, the source whether it
/// holds more than these routes' rules, the switches that get new rules whether they hold any of others. Only one that
/// does is read, and only when the source holds what belongs to no route, its neighbours are asked as well.
///
/// # Errors
/// With what stands in the way.
pub async fn prepare(
    network: &Network,
    request: &Request,
    routes: &[Route],
    leaving: &[FlowId],
) -> Result<Planned, Refusal> {
    let topology = network.topology();
    let ways = ways(&topology, request, routes)?;
    let joined = ways.flows.iter().flat_map(joined);
    let mut wanted: BTreeMap<DatapathId, Depth> =
        joined.map(|dpid| (dpid, Depth::RulesAmongOthers)).collect();
    let crossing = |route: &&Route| route.path.hop_at(request.source).is_some();
    let routes_there = routes.iter().filter(crossing).count() + leaving.len();
    let beyond = Depth::Beyond {
        routes: routes_there,
    };
    wanted.insert(request.source, beyond);
    wanted.extend(request.target.map(|target| (target, Depth::Everything)));
    let readings = Readings::begin(network, wanted);
    let planned = ways.prove(request)?;
    let unread = |unread: Unread| match unread {
        Unread { dpid, why } if dpid == request.source => Refusal::Unreadable(why.to_string()),
        unread => Refusal::Unread(unread),
    };
    let mut sites = readings.sites().await.map_err(unread)?;
    let unasked = others::gaining(&planned.rounds).into_iter();
    let unasked = unasked.filter(|dpid| !sites.contains_key(dpid));
    let unasked: Vec<_> = unasked
        .map(|dpid| (dpid, Depth::RulesAmongOthers))
        .collect();
    sites.extend(read::sites(network, unasked).await?);
    let mut moving = numbers(routes);
    moving.extend(leaving);
    if let Some(source) = sites.get_mut(&request.source) {
        let gone: Vec<_> = leaving.iter().map(|id| group_of(*id)).collect();
        let groups = &mut source.holdings.groups;
        groups.retain(|(group, _)| !gone.contains(&group.group));
    }
    let source = sites.get(&request.source);
    if request.target.is_some() && source.is_some_and(|source| source.holds_others(&moving)) {
        let neighbours = links_by_neighbour(topology.graph(), request.source);
        let unknown = neighbours
            .keys()
            .filter(|dpid| Some(**dpid) != request.target);
        let mut wanted: BTreeMap<_, _> = unknown.map(|dpid| (*dpid, Depth::Everything)).collect();
        if let Some(target) = request.target.filter(|_| takes_detours(request)) {
            let crossed = detours::crossed(topology.graph(), request.source, target);
            wanted.extend(crossed.into_iter().map(|dpid| (dpid, Depth::Everything)));
        }
        sites.extend(read::sites(network, wanted).await?);
    }
    let mut planned = complete(&topology, planned, &moving, &sites)?;
    planned.perishable = perishable(&planned.rounds, &sites, &moving);
    Ok(planned)
}

/// Whether neighbours without a link to the target may be reached otherwise.
fn takes_detours(request: &Request) -> bool {
    request.shape != Some(Shape::Substitution)
}

/// The routes that are spread over the source among others: they leave it by themselves before anything is moved.
///
/// # Errors
/// With those that have no other way.
pub fn leaving(
    topology: &TopologySnapshot,
    source: DatapathId,
    spread: &[Route],
) -> Result<Vec<FlowId>, Refusal> {
    let constraints = Constraints {
        avoid: BTreeSet::from([source]),
        ..Constraints::default()
    };
    let stranded = |route: &Route| {
        let (from, to) = (route.path.source(), route.path.destination());
        let why = topology.path(from, to, &constraints).err()?;
        Some((route.template.id, why))
    };
    let routes: Vec<_> = spread.iter().filter_map(stranded).collect();
    if routes.is_empty() {
        Ok(numbers(spread).into_iter().collect())
    } else {
        Err(Refusal::NoPath { routes })
    }
}

fn numbers(routes: &[Route]) -> BTreeSet<FlowId> {
    routes.iter().map(|route| route.template.id).collect()
}

/// Adds to the plan of the routes what becomes of everything else, and checks both against what the switches hold. Pure.
///
/// `sites` has the source and the target, every switch that gets new rules, and the neighbours of a source that holds
/// what belongs to no route.
///
/// # Errors
/// With what stands in the way.
pub fn complete(
    topology: &TopologySnapshot,
    planned: Planned,
    moving: &BTreeSet<FlowId>,
    sites: &BTreeMap<DatapathId, Site>,
) -> Result<Planned, Refusal> {
    let request = planned.request.clone();
    let missing = || Refusal::Unreadable("it was not asked".to_owned());
    let source = sites.get(&request.source).ok_or_else(missing)?;
    let holds_others = source.holds_others(moving);
    let Some(target) = request.target.and_then(|target| sites.get(&target)) else {
        if holds_others {
            return Err(foreign(source, moving));
        }
        return check_found(&planned, sites).map(|()| planned);
    };
    if holds_others && request.shape == Some(Shape::ReRoute) {
        return Err(foreign(source, moving));
    }
    check_found(&planned, sites)?;
    let graph = topology.graph();
    let scene = Scene {
        graph,
        source,
        target,
        neighbours: sites,
        moving,
        mixes: request.algorithm == Algorithm::Clone,
        detours: takes_detours(&request),
    };
    if holds_others {
        transplanted(&scene, planned)
    } else {
        let own = target.holdings.rules.iter();
        let transplant = Transplant {
            ports: PortMap::between(graph, source.dpid, target.dpid, &source.ports),
            own: own.map(|stats| stats.rule.clone()).collect(),
            ..Transplant::default()
        };
        Ok(Planned {
            transplant: Some(transplant),
            ..planned
        })
    }
}

/// The plan with everything that belongs to no route.
fn transplanted(scene: &Scene<'_>, planned: Planned) -> Result<Planned, Refusal> {
    let refused = |reasons| Refusal::Transplant { reasons };
    let steps = graft(scene).map_err(refused)?;
    let reasons = others::shadowed(scene, &planned.flows, &steps);
    if !reasons.is_empty() {
        return Err(Refusal::RulesAhead { rules: reasons });
    }
    let guarantee = planned.request.algorithm.guarantee();
    let cut = !scene.mixes;
    let shape = chosen(&planned, &steps.detours);
    let (transplant, rounds) = steps.into_rounds(planned.rounds, scene.target.dpid, cut);
    if cut {
        // Steps of routes have been put into other rounds.
        verify(&planned.flows, &rounds, guarantee)?;
    }
    verify_entries(scene, &rounds, guarantee)?;
    Ok(Planned {
        transplant: Some(transplant),
        rounds,
        shape,
        ..planned
    })
}

/// The shape of a plan that moves what belongs to no route, and why it has that.
fn chosen(planned: &Planned, detours: &[Detour]) -> Chosen {
    let mut why = if detours.is_empty() {
        "the target has a link to every neighbour that the source's entries use".to_owned()
    } else {
        let way = |detour: &Detour| {
            let Detour {
                neighbour,
                links,
                vlan,
            } = detour;
            format!(
                "switch {neighbour} over {} links with VLAN {vlan}",
                links.len()
            )
        };
        let ways: Vec<String> = detours.iter().map(way).collect();
        format!(
            "the target has no link to, and labelled detours to: {}",
            ways.join(", ")
        )
    };
    let shape = match (detours.is_empty(), planned.shape.shape) {
        (false, _) => Shape::Detour,
        (true, Shape::Substitution) => return planned.shape.clone(),
        (true, _) => Shape::Substitution,
    };
    if !planned.flows.is_empty() {
        why += "; routes go the shortest way";
    }
    Chosen::new(shape, why)
}

/// What the source holds that no route put there.
fn foreign(source: &Site, moving: &BTreeSet<FlowId>) -> Refusal {
    let rules = source.others(moving);
    let mut rules: Vec<String> = rules.map(|stats| others::described(&stats.rule)).collect();
    let groups = source.holdings.groups.iter();
    rules.extend(groups.map(|(group, _)| format!("group {}", group.group.0)));
    let meters = source.holdings.meters.iter();
    rules.extend(meters.map(|(meter, _)| format!("meter {}", meter.meter.0)));
    Refusal::ForeignRules { rules }
}

pub(super) fn check_found(
    planned: &Planned,
    sites: &BTreeMap<DatapathId, Site>,
) -> Result<(), Refusal> {
    let rules = others::found_in(&planned.flows, &planned.rounds, sites);
    if rules.is_empty() {
        Ok(())
    } else {
        Err(Refusal::RulesAhead { rules })
    }
}

/// Asks the switches that get new rules whether anything of others stands there. Gives what may have to make room.
///
/// # Errors
/// With what stands in the way.
pub async fn check_ahead(network: &Network, planned: &Planned) -> Result<Vec<Perishable>, Refusal> {
    let gaining = others::gaining(&planned.rounds);
    let wanted = gaining
        .into_iter()
        .map(|dpid| (dpid, Depth::RulesAmongOthers));
    let sites = read::sites(network, wanted).await?;
    check_found(planned, &sites)?;
    let moving = planned.flows.iter().map(|flow| flow.template.id).collect();
    Ok(perishable(&planned.rounds, &sites, &moving))
}

/// Makes the plan and proves it. Pure.
///
/// # Errors
/// With what stands in the way.
pub fn plan(
    topology: &TopologySnapshot,
    request: &Request,
    routes: &[Route],
) -> Result<Planned, Refusal> {
    ways(topology, request, routes)?.prove(request)
}

/// The rounds for these flows, proven. Pure.
///
/// # Errors
/// When they could harm traffic.
pub fn prove(request: &Request, flows: Vec<Flow>) -> Result<Planned, Refusal> {
    let shape = Chosen::default();
    Ways { flows, shape }.prove(request)
}
