//! The new ways of routes: without the source, and through the target.

use std::collections::{BTreeSet, HashMap};

use godwit_openflow::types::DatapathId;
use godwit_topology::{Constraints, Link, NoPath, Path, RouteError, TopologySnapshot};

use crate::migration::request::Request;
use crate::migration::transplant::ports::links_between;
use crate::routing::table::Route;

/// The path with one switch in another's place.
pub(super) fn in_place(
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

/// Two switches, and those that have to be crossed between them.
type Errand = (DatapathId, DatapathId, Vec<DatapathId>);

/// Finds ways without the source and through the target, once for each pair of switches.
pub(super) struct WayFinder<'a> {
    topology: &'a TopologySnapshot,
    request: &'a Request,
    found: HashMap<Errand, Result<Vec<Link>, NoPath>>,
}

impl<'a> WayFinder<'a> {
    pub(super) fn new(topology: &'a TopologySnapshot, request: &'a Request) -> Self {
        Self {
            topology,
            request,
            found: HashMap::new(),
        }
    }

    /// The new way of one route.
    pub(super) fn find(&mut self, route: &Route) -> Result<Path, RouteError> {
        let via = waypoints(route, self.request);
        let (from, to) = (route.path.source(), route.path.destination());
        let (topology, source) = (self.topology, self.request.source);
        let found = self
            .found
            .entry((from.dpid, to.dpid, via))
            .or_insert_with_key(|(from, to, via)| {
                let constraints = Constraints {
                    avoid: BTreeSet::from([source]),
                    via: via.clone(),
                };
                topology.shortest_path(*from, *to, &constraints)
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
