//! A switch that holds entries of everybody, one that may take its place, and what is around them.

mod filling;

use std::collections::{BTreeMap, BTreeSet};

use godwit_apps::migration::planning::{Planned, Refusal, complete, plan};
use godwit_apps::migration::request::{Algorithm, Request, Shape};
use godwit_apps::migration::transplant::graft::Scene;
use godwit_apps::migration::transplant::{Holdings, Site};
use godwit_apps::plan::{FlowId, Round, Template, Treatment};
use godwit_apps::routing::table::{Origin, Route};
use godwit_controller::rest::endpoint::Endpoint;
use godwit_controller::rules::base;
use godwit_openflow::model::{
    Action, Bucket, Field, FlowMod, FlowRule, FlowStats, GroupCommand, GroupDescription, GroupMod,
    GroupStats, GroupType, Instruction, MeterBand, MeterCommand, MeterFlags, MeterMod, MeterStats,
    Pattern, Port,
};
use godwit_openflow::types::{
    Cookie, DatapathId, GroupId, MacAddr, MeterId, PortNo, TableId, Version,
};
use godwit_topology::{Constraints, PortRef};

use crate::pipeline::{Fabric, Packet};
use crate::random::Random;
use crate::wiring::{FIRST_HOST_PORT, Wiring};

pub(crate) const SOURCE: DatapathId = DatapathId(1);
pub(crate) const TARGET: DatapathId = DatapathId(2);

/// Ports for hosts on each neighbour.
const HOSTS: u32 = 2;

/// How old every entry is, in seconds.
const AGE: u16 = 7;

pub(crate) struct Ground<'a> {
    pub(crate) wiring: &'a Wiring,
    pub(crate) fabric: Fabric<'a>,
    pub(crate) routes: Vec<Route>,
    pub(crate) probes: Vec<(Packet, PortRef)>,
    odd: Odd,
}

/// What makes a plan hard, or impossible.
struct Odd {
    /// Entries of the source that match much.
    wide: bool,
    /// Entries that make several copies, on the source.
    copies: bool,
    /// The target has entries for the same packets.
    meets: bool,
    /// Neighbours send to the target already, or flood.
    neighbours: bool,
}

/// The first two switches have the same neighbours, mostly; the others are joined anyhow.
pub(crate) fn wiring(random: &mut Random) -> Wiring {
    let neighbours = random.within(2..=5);
    let mut pairs = Vec::new();
    for neighbour in 3..3 + neighbours {
        for _ in 0..1 + random.below(5) / 3 {
            pairs.push((1, neighbour));
        }
        let links = if random.chance(6) {
            0
        } else {
            1 + random.below(4) / 3
        };
        pairs.extend((0..links).map(|_| (2, neighbour)));
    }
    if random.chance(15) {
        pairs.push((1, 2));
    }
    for _ in 0..random.below(3) {
        let ends = (3 + random.below(neighbours), 3 + random.below(neighbours));
        if ends.0 != ends.1 {
            pairs.push(ends);
        }
    }
    furnished(neighbours, 0, pairs, random)
}

/// The same, where the second switch has no link to one or two of the neighbours, and reaches them over others or over
/// switches that have nothing else to do.
pub(crate) fn wiring_with_detours(random: &mut Random) -> Wiring {
    let neighbours = random.within(2..=5);
    let far = random.within(1..=2.min(neighbours - 1));
    let mut pairs: Vec<(usize, usize)> = (3..3 + neighbours).map(|one| (1, one)).collect();
    pairs.extend((3 + far..3 + neighbours).map(|one| (2, one)));
    let mut relays = 0;
    for neighbour in 3..3 + far {
        let length = random.below(4);
        if length == 0 {
            let over = 3 + far + random.below(neighbours - far);
            pairs.push((over, neighbour));
            continue;
        }
        let first = 3 + neighbours + relays;
        let last = first + length - 1;
        pairs.push((2, first));
        pairs.extend((first..last).map(|relay| (relay, relay + 1)));
        pairs.push((last, neighbour));
        relays += length;
    }
    furnished(neighbours, relays, pairs, random)
}

fn furnished(
    neighbours: usize,
    relays: usize,
    mut pairs: Vec<(usize, usize)>,
    random: &mut Random,
) -> Wiring {
    random.shuffle(&mut pairs);
    let mut wiring = Wiring::of(2 + neighbours + relays, &pairs);
    wiring.hosts = HOSTS;
    wiring.relays = relays;
    wiring
}

fn mac(dpid: DatapathId, host: u32) -> MacAddr {
    MacAddr([2, 0, 0, 0, dpid.0 as u8, host as u8])
}

fn host_port(host: u32) -> PortNo {
    PortNo(FIRST_HOST_PORT + host)
}

/// All stations but those of routes.
fn stations(wiring: &Wiring) -> Vec<(DatapathId, u32)> {
    let neighbours = wiring.around();
    neighbours
        .flat_map(|dpid| (0..HOSTS).map(move |host| (dpid, host)))
        .collect()
}

impl<'a> Ground<'a> {
    pub(crate) fn random(wiring: &'a Wiring, random: &mut Random) -> Self {
        let mut ground = Self {
            wiring,
            fabric: Fabric::new(wiring),
            routes: Vec::new(),
            probes: Vec::new(),
            odd: Odd {
                wide: random.chance(20),
                copies: random.chance(20),
                meets: random.chance(8),
                neighbours: random.chance(5),
            },
        };
        for dpid in wiring.dpids() {
            for rule in base() {
                ground.add(dpid, rule);
            }
        }
        ground.fill_source(random);
        ground.fill_target(random);
        for dpid in wiring.around() {
            ground.fill_neighbour(dpid, random);
        }
        for id in 1..=random.below(3) as u32 {
            ground.lay_route(id, random);
        }
        ground.send_probes(random);
        ground
    }

    fn add(&mut self, dpid: DatapathId, rule: FlowRule) {
        let identity = (rule.table, rule.priority, rule.pattern.clone());
        if !self.fabric.switches[&dpid].rules.contains_key(&identity) {
            self.fabric
                .change(dpid, &FlowMod::add(rule).into())
                .unwrap();
        }
    }

    fn group(
        &mut self,
        dpid: DatapathId,
        number: u32,
        group_type: GroupType,
        buckets: Vec<Bucket>,
    ) -> Action {
        let group = GroupId(number);
        let add = GroupMod {
            command: GroupCommand::Add,
            group_type,
            group,
            buckets,
        };
        self.fabric.change(dpid, &add.into()).unwrap();
        Action::Group(group)
    }

    fn next_group(&self, dpid: DatapathId) -> u32 {
        self.fabric.switches[&dpid].groups.len() as u32 + 1
    }

    /// A port of one switch to another.
    fn towards(&self, from: DatapathId, to: DatapathId, random: &mut Random) -> Option<PortNo> {
        let ports: Vec<PortNo> = self
            .wiring
            .cabled(from)
            .filter(|port| self.wiring.links[&PortRef::new(from, *port)].dpid == to)
            .collect();
        (!ports.is_empty()).then(|| *random.pick(&ports))
    }

    fn any_port(&self, dpid: DatapathId, random: &mut Random) -> PortNo {
        let ports: Vec<PortNo> = self.wiring.cabled(dpid).collect();
        *random.pick(&ports)
    }

    /// A route through the source, from a station of one neighbour to one of another, both its own.
    fn lay_route(&mut self, id: FlowId, random: &mut Random) {
        let neighbours: Vec<DatapathId> = self.wiring.around().collect();
        let (from, to) = (*random.pick(&neighbours), *random.pick(&neighbours));
        if from == to {
            return;
        }
        let end = |dpid: DatapathId, host: u32| Endpoint {
            mac: Some(MacAddr([2, 0, 0, 5, id as u8, host as u8])),
            port: PortRef::new(dpid, host_port(host)),
        };
        let (from, to) = (end(from, 0), end(to, 1));
        let constraints = Constraints {
            avoid: BTreeSet::from([TARGET]),
            via: vec![SOURCE],
        };
        let Ok(path) = self.wiring.topology.path(from.port, to.port, &constraints) else {
            return;
        };
        let pattern = Pattern::new()
            .eth_src(from.mac.unwrap())
            .eth_dst(to.mac.unwrap());
        let template = Template {
            id,
            priority: 100,
            pattern: pattern.clone(),
            ingress: None,
            idle_timeout: 0,
            hard_timeout: 0,
            treatment: Treatment::default(),
        };
        let route = Route::new(from, to, template, path, Origin::Request);
        for (dpid, rule) in route.template.rules(&route.path) {
            self.add(dpid, rule);
        }
        let packet = pattern
            .eth_type(0x0800)
            .with(Field::Ipv4Dst, 1)
            .with(Field::VlanVid, 0);
        self.probes.push((Packet::new(packet), from.port));
        self.routes.push(route);
    }

    fn send_probes(&mut self, random: &mut Random) {
        let all = stations(self.wiring);
        for _ in 0..8 {
            let ((from, host), (to, other)) = (*random.pick(&all), *random.pick(&all));
            let tag = if random.chance(20) { 0x1005 } else { 0 };
            let packet = Pattern::new()
                .eth_src(mac(from, host))
                .eth_dst(mac(to, other))
                .eth_type(0x0800)
                .with(Field::Ipv4Dst, random.within(1..=2) as u128)
                .with(Field::VlanVid, tag);
            let probe = (Packet::new(packet), PortRef::new(from, host_port(host)));
            if from != to && !self.probes.contains(&probe) {
                self.probes.push(probe);
            }
        }
    }

    pub(crate) fn sites(&self) -> BTreeMap<DatapathId, Site> {
        self.sites_of(&self.fabric)
    }

    /// What the switches hold in a later state.
    pub(crate) fn sites_of(&self, fabric: &Fabric<'_>) -> BTreeMap<DatapathId, Site> {
        let dpids = self.wiring.dpids();
        dpids.map(|dpid| (dpid, self.site(dpid, fabric))).collect()
    }

    fn site(&self, dpid: DatapathId, fabric: &Fabric<'_>) -> Site {
        let switch = &fabric.switches[&dpid];
        let stats = |rule: &FlowRule| FlowStats {
            rule: rule.clone(),
            duration_ns: u64::from(AGE) * 1_000_000_000,
            packets: 3,
            bytes: 300,
        };
        let group = |group: &GroupDescription| (group.clone(), GroupStats::silent(group.group));
        let meters = switch
            .meters
            .values()
            .map(|meter| (meter.clone(), MeterStats::silent(meter.meter)));
        Site {
            dpid,
            version: Version::V13,
            tables: 4,
            ports: self.wiring.ports(dpid).map(port).collect(),
            holdings: Holdings {
                rules: switch.rules.values().map(stats).collect(),
                groups: switch.groups.values().map(group).collect(),
                meters: meters.collect(),
            },
        }
    }

    pub(crate) fn moving(&self) -> BTreeSet<FlowId> {
        self.routes.iter().map(|route| route.template.id).collect()
    }

    pub(crate) fn plan(
        &self,
        algorithm: Algorithm,
        shape: Option<Shape>,
        sites: &BTreeMap<DatapathId, Site>,
    ) -> Result<Planned, Refusal> {
        let request = Request {
            shape,
            ..Request::new(SOURCE, Some(TARGET), algorithm)
        };
        let topology = &self.wiring.topology;
        let planned = plan(topology, &request, &self.routes)?;
        complete(topology, planned, &self.moving(), sites)
    }
}

pub(crate) fn scene<'s>(
    ground: &'s Ground<'_>,
    sites: &'s BTreeMap<DatapathId, Site>,
    moving: &'s BTreeSet<FlowId>,
) -> Scene<'s> {
    Scene {
        graph: ground.wiring.topology.graph(),
        source: &sites[&SOURCE],
        target: &sites[&TARGET],
        neighbours: sites,
        moving,
        mixes: true,
        detours: true,
    }
}

fn port(number: PortNo) -> Port {
    Port {
        number,
        mac: MacAddr([2, 0, 0, 0, 0, 1]),
        name: String::new(),
        admin_down: false,
        link_down: false,
        config: 0,
        state: 0,
        features: [0; 4],
        current_speed: 0,
        max_speed: 0,
    }
}

/// The same plan, but with these rounds.
pub(crate) fn with_rounds(planned: &Planned, rounds: Vec<Round>) -> Planned {
    Planned {
        request: planned.request.clone(),
        flows: planned.flows.clone(),
        rounds,
        transplant: planned.transplant.clone(),
        shape: planned.shape.clone(),
        perishable: Vec::new(),
    }
}
