//! A network with routes on it, and switches of it that are to be emptied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use godwit_apps::migration::planning::{Planned, Refusal, plan};
use godwit_apps::migration::request::{Algorithm, Request};
use godwit_apps::plan::{FlowId, Template, Treatment};
use godwit_apps::routing::table::{Origin, Route};
use godwit_controller::rest::endpoint::Endpoint;
use godwit_openflow::model::Pattern;
use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::{Constraints, PortRef, RunKey, Timing, Topology, TopologySnapshot};

use crate::random::Random;

/// Ports from this one on have no cable to another switch.
const FIRST_HOST_PORT: u32 = 100;

pub(crate) struct Network {
    topology: Topology,
    pub(crate) now: Arc<TopologySnapshot>,
    pub(crate) routes: BTreeMap<FlowId, Route>,
    pub(crate) switches: usize,
}

impl Network {
    /// 6 to 20 switches with two cables a switch on average, and some routes, a few of which have to cross a switch.
    pub(crate) fn random(random: &mut Random) -> Self {
        let switches = random.within(6..=20);
        let mut pairs: BTreeSet<(usize, usize)> = (2..=switches)
            .map(|new| (1 + random.below(new - 1), new))
            .collect();
        while pairs.len() < switches * 2 {
            let (one, other) = (1 + random.below(switches), 1 + random.below(switches));
            if one == other {
                // A small network has no room for so many.
                break;
            }
            pairs.insert((one.min(other), one.max(other)));
        }
        let mut topology = discovered(switches, &pairs);
        let now = topology.snapshot();
        let mut network = Self {
            topology,
            now,
            routes: BTreeMap::new(),
            switches,
        };
        for id in 1..=random.within(1..=12) as FlowId {
            if let Some(route) = network.any_route(id, random) {
                network.routes.insert(id, route);
            }
        }
        network
    }

    fn any(&self, random: &mut Random) -> DatapathId {
        DatapathId(1 + random.below(self.switches) as u64)
    }

    fn any_route(&self, id: FlowId, random: &mut Random) -> Option<Route> {
        let mut end = |port| Endpoint {
            mac: None,
            port: PortRef::new(self.any(random), PortNo(port)),
        };
        let (from, to) = (end(FIRST_HOST_PORT), end(FIRST_HOST_PORT + 1));
        let via = match random.chance(20) {
            true => vec![self.any(random)],
            false => Vec::new(),
        };
        let constraints = Constraints {
            avoid: BTreeSet::new(),
            via: via.clone(),
        };
        let path = self.now.path(from.port, to.port, &constraints).ok()?;
        let template = Template {
            id,
            priority: 100,
            pattern: Pattern::new().eth_type(0x0800).ipv4_dst(id.into()),
            ingress: Some(from.port.port),
            idle_timeout: 0,
            hard_timeout: 0,
            treatment: Treatment::default(),
        };
        let mut route = Route::new(from, to, template, path, Origin::Request);
        route.via = via;
        Some(route)
    }

    /// A list of switches without the ends of routes, in any order.
    pub(crate) fn any_list(&self, random: &mut Random) -> Vec<DatapathId> {
        let ends = self.routes.values().flat_map(|route| {
            let (from, to) = (route.path.source(), route.path.destination());
            [from.dpid, to.dpid]
        });
        let ends: BTreeSet<DatapathId> = ends.collect();
        let all = (1..=self.switches as u64).map(DatapathId);
        let mut list: Vec<DatapathId> = all
            .filter(|dpid| !ends.contains(dpid) && random.chance(60))
            .collect();
        random.shuffle(&mut list);
        list
    }

    /// What emptying a switch would do now.
    pub(crate) fn plan(&self, source: DatapathId) -> Result<Planned, Refusal> {
        let request = Request::new(source, None, Algorithm::Clone);
        let crossing = self.routes.values();
        let crossing = crossing.filter(|route| route.path.hop_at(source).is_some());
        let crossing: Vec<Route> = crossing.cloned().collect();
        plan(&self.now, &request, &crossing)
    }

    /// From now on no route is led over this switch.
    pub(crate) fn exclude(&mut self, dpid: DatapathId) {
        self.topology.exclude(dpid);
        self.now = self.topology.snapshot();
    }

    /// The plan has been carried out.
    pub(crate) fn commit(&mut self, planned: &Planned) {
        for flow in &planned.flows {
            let route = self.routes.get_mut(&flow.template.id).unwrap();
            route.path = flow.new.clone();
            route.via.retain(|dpid| *dpid != planned.request.source);
        }
    }

    /// Every route goes over links that are there, and crosses what it has to cross.
    pub(crate) fn assert_carried(&self) {
        for (id, route) in &self.routes {
            for link in route.path.links() {
                assert!(self.now.graph().contains_link(&link), "route {id}");
            }
            for via in &route.via {
                assert!(route.path.hop_at(*via).is_some(), "route {id}");
            }
        }
    }
}

/// Every port is probed, and every probe arrives.
fn discovered(switches: usize, pairs: &BTreeSet<(usize, usize)>) -> Topology {
    let now = Instant::now();
    let mut topology = Topology::new(RunKey::from_bytes([7; 64]), Timing::default());
    // The port towards a switch has that switch's number.
    let end =
        |at: usize, towards: usize| PortRef::new(DatapathId(at as u64), PortNo(towards as u32));
    let both = |&(one, other): &(usize, usize)| {
        [
            (end(one, other), end(other, one)),
            (end(other, one), end(one, other)),
        ]
    };
    let links: BTreeMap<PortRef, PortRef> = pairs.iter().flat_map(both).collect();
    for dpid in (1..=switches as u64).map(DatapathId) {
        let ports = links.keys().filter(|end| end.dpid == dpid);
        topology.switch_up(dpid, ports.map(|end| end.port), now);
    }
    for probe in topology.poll(now).probes {
        let far = links[&probe.port];
        topology.on_lldp(far.dpid, far.port, &probe.frame, now);
    }
    topology
}
