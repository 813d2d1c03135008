//! The new ways of routes: without the source, and through the target.

use std::collections::{BTreeSet, HashMap};

use godwit_openflow::types::DatapathId;
use godwit_topology::{Constraints, Link, Metric, NoPath, Path, RouteError, TopologySnapshot};

use super::{Chosen, Planned, Refusal};
use crate::migration::request::{Request, Shape};
use crate::migration::transplant::ports::links_between;
use crate::plan::Flow;
use crate::plan::verify::verify;
use crate::routing::table::Route;

/// The new ways of flows, and why these.
#[derive(Debug)]
pub(super) struct Ways {
    pub(super) flows: Vec<Flow>,
    pub(super) shape: Chosen,
}

impl Ways {
    /// The rounds that bring the flows there, proven.
    pub(super) fn prove(self, request: &Request) -> Result<Planned, Refusal> {
        let Self { flows, shape } = self;
        let rounds = request.algorithm.plan(&flows, request.source);
        verify(&flows, &rounds, request.algorithm.guarantee())?;
        Ok(Planned {
            request: request.clone(),
            flows,
            rounds,
            transplant: None,
            shape,
            perishable: Vec::new(),
        })
    }
}

/// The switches that only the new way of a flow crosses.
pub(in crate::migration) fn joined(flow: &Flow) -> impl Iterator<Item = DatapathId> {
    let is_old = |dpid| {
        flow.old
            .as_ref()
            .is_some_and(|old| old.hop_at(dpid).is_some())
    };
    flow.new.switches().filter(move |dpid| !is_old(*dpid))
}

/// The way that each route shall go.
pub(super) fn ways(
    topology: &TopologySnapshot,
    request: &Request,
    routes: &[Route],
) -> Result<Ways, Refusal> {
    if request.shape == Some(Shape::Substitution) {
        return substituted(topology, request, routes);
    }
    let mut finder = WayFinder::new(topology, request);
    let mut flows = Vec::with_capacity(routes.len());
    let mut without = Vec::new();
    for route in routes {
        match finder.find(route) {
            Ok(new) => flows.push(moved(route, new)),
            Err(why) => without.push((route.template.id, why)),
        }
    }
    if !without.is_empty() {
        return Err(Refusal::NoPath { routes: without });
    }
    let shape = Chosen::default();
    Ok(Ways { flows, shape })
}

/// Every route keeps its path, with the target in the source's place.
fn substituted(
    topology: &TopologySnapshot,
    request: &Request,
    routes: &[Route],
) -> Result<Ways, Refusal> {
    let Some(target) = request.target else {
        let reasons = vec!["without a target nothing can take the source's place".to_owned()];
        return Err(Refusal::Transplant { reasons });
    };
    let mut flows = Vec::with_capacity(routes.len());
    let mut reasons = BTreeSet::new();
    for route in routes {
        match in_place(topology, &route.path, request.source, target) {
            Ok(new) => flows.push(moved(route, new)),
            Err(why) => _ = reasons.insert(why),
        }
    }
    if !reasons.is_empty() {
        let reasons = reasons.into_iter().collect();
        return Err(Refusal::Transplant { reasons });
    }
    let shape = Chosen::new(
        Shape::Substitution,
        "it was asked for: every route keeps its path, with the target in the source's place",
    );
    Ok(Ways { flows, shape })
}

fn moved(route: &Route, new: Path) -> Flow {
    Flow {
        template: route.template.clone(),
        old: Some(route.path.clone()),
        new,
    }
}

/// The path with one switch in another's place.
fn in_place(
    topology: &TopologySnapshot,
    path: &Path,
    source: DatapathId,
    target: DatapathId,
) -> Result<Path, String> {
    let hops = path.hops();
    if hops.first().is_some_and(|hop| hop.dpid == source)
        || hops.last().is_some_and(|hop| hop.dpid == source)
    {
        return Err("a route begins or ends at the source".to_owned());
    }
    let mut new = hops.to_vec();
    for place in 0..hops.len() {
        let (Some(before), Some(after)) = (place.checked_sub(1), hops.get(place + 1)) else {
            continue;
        };
        if hops[place].dpid != source {
            continue;
        }
        let link = |from: DatapathId, to: DatapathId| {
            let links = links_between(topology.graph(), from, to);
            let none = format!("no link joins switch {from} and switch {to}");
            links.first().copied().ok_or(none)
        };
        let entry = link(hops[before].dpid, target)?;
        let exit = link(target, after.dpid)?;
        new[before].out_port = entry.src.port;
        new[place].dpid = target;
        new[place].in_port = entry.dst.port;
        new[place].out_port = exit.src.port;
        new[place + 1].in_port = exit.dst.port;
    }
    Path::try_from(new).map_err(|why| format!("with the target in the source's place, {why}"))
}

/// Two switches, those that have to be crossed between them, and what makes a way short.
type Errand = (DatapathId, DatapathId, Vec<DatapathId>, Option<Metric>);

/// Finds ways without the source and through the target, once for each pair of switches.
struct WayFinder<'a> {
    topology: &'a TopologySnapshot,
    request: &'a Request,
    found: HashMap<Errand, Result<Vec<Link>, NoPath>>,
}

impl<'a> WayFinder<'a> {
    fn new(topology: &'a TopologySnapshot, request: &'a Request) -> Self {
        Self {
            topology,
            request,
            found: HashMap::new(),
        }
    }

    /// The new way of one route.
    fn find(&mut self, route: &Route) -> Result<Path, RouteError> {
        let via = waypoints(route, self.request);
        let (from, to) = (route.path.source(), route.path.destination());
        let (topology, source) = (self.topology, self.request.source);
        let found = self
            .found
            .entry((from.dpid, to.dpid, via, route.metric))
            .or_insert_with_key(|(from, to, via, metric)| {
                let constraints = Constraints {
                    avoid: BTreeSet::from([source]),
                    via: via.clone(),
                };
                let weighed = topology.by_asked(*metric);
                weighed.shortest_path(*from, *to, &constraints)
            });
        let links = found.as_ref().map_err(NoPath::clone)?;
        Ok(Path::new(from, links, to)?)
    }
}

/// The switches that a route has to cross once the source is empty: those that it was asked to cross, with
/// the target in the source's place.
#[must_use]
pub fn waypoints(route: &Route, request: &Request) -> Vec<DatapathId> {
    let asked = route
        .via
        .iter()
        .filter(|dpid| **dpid != request.source)
        .copied();
    let mut via: Vec<DatapathId> = match request.target {
        Some(target) if route.via.contains(&request.source) => {
            let swap = |dpid: &DatapathId| {
                if *dpid == request.source {
                    target
                } else {
                    *dpid
                }
            };
            route.via.iter().map(swap).collect()
        }
        _ => asked.collect(),
    };
    let ends = [route.path.source().dpid, route.path.destination().dpid];
    if let Some(target) = request
        .target
        .filter(|target| !via.contains(target) && !ends.contains(target))
    {
        via.push(target);
    }
    via
}
