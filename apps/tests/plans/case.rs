//! A network with routes on it and a switch that is to be emptied.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use godwit_apps::migration::planning::{Planned, Refusal, plan};
use godwit_apps::migration::request::{Algorithm, Request};
use godwit_apps::plan::{FlowId, Template, Treatment};
use godwit_apps::routing::table::{Origin, Route};
use godwit_controller::rest::endpoint::Endpoint;
use godwit_controller::rules::base;
use godwit_openflow::model::{Action, Field, FlowMod, FlowRule, Pattern};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo};
use godwit_topology::{Constraints, PortRef};

use crate::emulated::Emulated;
use crate::random::Random;
use crate::wiring::{FIRST_HOST_PORT, Wiring};

/// How many ends are tried, and how many routes of a case are moved at most.
const TRIES: u32 = 6;
const MOST_MOVING: usize = 4;

/// The least priority of a route; everything in the background is below.
const LEAST_PRIORITY: usize = 100;

/// A route and one of its packets.
#[derive(Clone)]
pub(crate) struct Carried {
    pub(crate) route: Route,
    pub(crate) packet: Pattern,
    /// Whether it takes the packets of another route as well where that one has no rule.
    wide: bool,
}

pub(crate) struct Case<'a> {
    pub(crate) wiring: &'a Wiring,
    pub(crate) source: DatapathId,
    pub(crate) target: Option<DatapathId>,
    /// Routes that cross the source.
    pub(crate) moving: Vec<Carried>,
    /// Routes that don't.
    pub(crate) staying: Vec<Carried>,
    /// Rules of others, below all routes, nowhere on the source: there they would stand in the way.
    background: Vec<(DatapathId, FlowRule)>,
}

/// What the rules of others in the background do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Background {
    /// They send packets anywhere, several copies of them too.
    Scatters,
    /// They drop packets or send them to the controller.
    Swallows,
}

impl<'a> Case<'a> {
    /// `None` when no route could be found that crosses the source and has another way.
    pub(crate) fn random(wiring: &'a Wiring, random: &mut Random) -> Option<Self> {
        let source = wiring.any(random);
        let mut moving: Vec<Carried> = Vec::new();
        let mut staying: Vec<Carried> = Vec::new();
        for id in 1..=TRIES {
            let earlier: Vec<&Carried> = moving.iter().chain(&staying).collect();
            let Some(carried) = any_route(wiring, source, &earlier, id, random) else {
                continue;
            };
            if carried.route.path.hop_at(source).is_none() {
                staying.push(carried);
            } else if moving.len() < MOST_MOVING {
                moving.push(carried);
            }
        }
        let target = Some(wiring.any(random)).filter(|target| *target != source);
        let mut case = Self {
            wiring,
            source,
            target: target.filter(|_| random.chance(70)),
            moving,
            staying,
            background: Vec::new(),
        };
        case.leave_out_what_has_no_other_way();
        (!case.moving.is_empty()).then_some(case)
    }

    fn leave_out_what_has_no_other_way(&mut self) {
        if let Err(Refusal::NoPath { routes }) = self.plan(Algorithm::Clone) {
            let without: BTreeSet<FlowId> = routes.into_iter().map(|(id, _)| id).collect();
            self.moving
                .retain(|carried| !without.contains(&carried.route.template.id));
        }
    }

    /// The same case for an algorithm: break before make lets packets meet whatever else there is, so there is
    /// nothing then that would forward them.
    pub(crate) fn for_algorithm(&self, algorithm: Algorithm, random: &mut Random) -> Self {
        let background = match algorithm {
            Algorithm::Clone => Background::Scatters,
            Algorithm::Move | Algorithm::FreezeCopy => Background::Swallows,
        };
        let narrow = |all: &[Carried]| -> Vec<Carried> {
            let kept = |carried: &&Carried| algorithm == Algorithm::Clone || !carried.wide;
            all.iter().filter(kept).cloned().collect()
        };
        self.with(
            background,
            narrow(&self.moving),
            narrow(&self.staying),
            random,
        )
    }

    /// The same case with nothing in the tables that could help a bad plan.
    pub(crate) fn bare(&self, random: &mut Random) -> Self {
        let narrow = |all: &[Carried]| -> Vec<Carried> {
            all.iter()
                .filter(|carried| !carried.wide)
                .cloned()
                .collect()
        };
        let (moving, staying) = (narrow(&self.moving), narrow(&self.staying));
        self.with(Background::Swallows, moving, staying, random)
    }

    fn with(
        &self,
        background: Background,
        moving: Vec<Carried>,
        staying: Vec<Carried>,
        random: &mut Random,
    ) -> Self {
        let elsewhere = self.wiring.dpids().filter(|dpid| *dpid != self.source);
        let background = elsewhere
            .flat_map(|dpid| any_background(self.wiring, dpid, background, random))
            .collect();
        Self {
            wiring: self.wiring,
            source: self.source,
            target: self.target,
            moving,
            staying,
            background,
        }
    }

    pub(crate) fn plan(&self, algorithm: Algorithm) -> Result<Planned, Refusal> {
        let request = Request::new(self.source, self.target, algorithm);
        let routes: Vec<Route> = self
            .moving
            .iter()
            .map(|carried| carried.route.clone())
            .collect();
        plan(&self.wiring.topology, &request, &routes)
    }

    /// The tables without the rules of the routes that are moved.
    pub(crate) fn tables_without_moving(&self) -> Emulated<'a> {
        let mut tables = Emulated::new(self.wiring);
        for dpid in self.wiring.dpids() {
            for rule in base() {
                tables.change(dpid, &FlowMod::add(rule).into());
            }
        }
        let staying = self.staying.iter().flat_map(|carried| {
            let route = &carried.route;
            route.template.rules(&route.path)
        });
        for (dpid, rule) in self.background.iter().cloned().chain(staying) {
            tables.change(dpid, &FlowMod::add(rule).into());
        }
        tables
    }
}

/// A route between any two ports, often those of an earlier route, often through the source.
fn any_route(
    wiring: &Wiring,
    source: DatapathId,
    earlier: &[&Carried],
    id: FlowId,
    random: &mut Random,
) -> Option<Carried> {
    let widened = earlier
        .last()
        .filter(|_| random.chance(20))
        .and_then(|narrow| Some((narrow.route.clone(), wider(narrow)?)))
        .filter(|(_, (pattern, ..))| {
            let same = |other: &&Carried| other.route.template.pattern == *pattern;
            !earlier.iter().any(same)
        });
    let wide = widened.is_some();
    let again = |route: &Route| [route.from, route.to];
    let [from, to] = match &widened {
        Some((narrow, _)) => again(narrow),
        None if !earlier.is_empty() && random.chance(40) => again(&random.pick(earlier).route),
        None => any_ends(wiring, source, random)?,
    };
    let others = [wiring.any(random), wiring.any(random)];
    let via = match random.below(20) {
        0..=8 => vec![source],
        9 => vec![source, others[0]],
        10 => vec![others[0], source],
        11..=12 => vec![others[0]],
        13 => others.to_vec(),
        _ => Vec::new(),
    };
    let constraints = Constraints {
        avoid: BTreeSet::new(),
        via: via.clone(),
    };
    let path = wiring
        .topology
        .path(from.port, to.port, &constraints)
        .ok()?;
    let (pattern, packet, priority) = match widened {
        Some((_, traffic)) => traffic,
        None => any_traffic(from, to, id, random),
    };
    let template = Template {
        id,
        priority,
        pattern,
        ingress: from.mac.is_none().then_some(from.port.port),
        idle_timeout: if random.chance(20) { 30 } else { 0 },
        hard_timeout: if random.chance(10) { 600 } else { 0 },
        treatment: Treatment::default(),
    };
    let mut route = Route::new(from, to, template, path, Origin::Request);
    route.via = via;
    Some(Carried {
        route,
        packet,
        wide,
    })
}

/// Two ports without cables, not on the source: hosts that are known, or mere ports.
fn any_ends(wiring: &Wiring, source: DatapathId, random: &mut Random) -> Option<[Endpoint; 2]> {
    let is_host = random.chance(50);
    let mut end = || {
        let dpid = wiring.any(random);
        let number = FIRST_HOST_PORT + random.below(3) as u32;
        Endpoint {
            mac: is_host.then_some(MacAddr([2, 0, 0, 1, dpid.0 as u8, number as u8])),
            port: PortRef::new(dpid, PortNo(number)),
        }
    };
    let [from, to] = [end(), end()];
    let possible = from.port != to.port && from.port.dpid != source && to.port.dpid != source;
    possible.then_some([from, to])
}

const TCP: u8 = 6;
const UDP: u8 = 17;

/// What a route matches, one of its packets, and its priority. Packets of different routes differ in their networks.
fn any_traffic(
    from: Endpoint,
    to: Endpoint,
    id: FlowId,
    random: &mut Random,
) -> (Pattern, Pattern, u16) {
    let byte = |random: &mut Random| random.within(1..=254) as u8;
    let source = Ipv4Addr::from([10, 0, id as u8, byte(random)]);
    let destination = Ipv4Addr::from([10, 1, id as u8, byte(random)]);
    let (protocol, ports) = match random.chance(50) {
        true => (TCP, [Field::TcpSrc, Field::TcpDst]),
        false => (UDP, [Field::UdpSrc, Field::UdpDst]),
    };
    let numbers = [
        random.within(1024..=65535) as u128,
        random.within(1..=1023) as u128,
    ];
    let ip = Pattern::new().eth_type(0x0800);
    let pair = ip.clone().ipv4_src(source).ipv4_dst(destination);
    let tuple = pair
        .with(Field::IpProto, protocol.into())
        .with(ports[0], numbers[0])
        .with(ports[1], numbers[1]);
    let asked = match random.below(4) {
        0 | 1 => tuple.clone(),
        2 => network_of(destination),
        _ => ip
            .ipv4_dst(destination)
            .with(Field::IpProto, protocol.into())
            .with(ports[1], numbers[1]),
    };
    let mut pattern = asked;
    let mut packet = tuple;
    if let (Some(from), Some(to)) = (from.mac, to.mac) {
        pattern = pattern.eth_src(from).eth_dst(to);
        packet = packet.eth_src(from).eth_dst(to);
    } else {
        let station = |last| MacAddr([2, 0, 0, 2, 0, last]);
        packet = packet.eth_src(station(1)).eth_dst(station(2));
    }
    let priority = random.within(LEAST_PRIORITY + 1..=0xfff0) as u16;
    (pattern, packet, priority)
}

fn network_of(address: Ipv4Addr) -> Pattern {
    Pattern::new().eth_type(0x0800).with_masked(
        Field::Ipv4Dst,
        u32::from(address).into(),
        0xffff_ff00,
    )
}

/// What takes the packets of `narrow` too, below it, and a packet that `narrow` does not take; if there can be one.
fn wider(narrow: &Carried) -> Option<(Pattern, Pattern, u16)> {
    let address = narrow.packet.exact(Field::Ipv4Dst)?;
    let address = u32::try_from(address).ok()?;
    let packet = narrow.packet.clone().ipv4_dst((address ^ 1).into());
    let taken = narrow.route.template.pattern.covers(&packet);
    (!taken).then(|| (network_of(address.into()), packet, LEAST_PRIORITY as u16))
}

fn any_background(
    wiring: &Wiring,
    dpid: DatapathId,
    background: Background,
    random: &mut Random,
) -> Vec<(DatapathId, FlowRule)> {
    let ports: Vec<PortNo> = wiring
        .cabled(dpid)
        .chain([PortNo(FIRST_HOST_PORT)])
        .collect();
    (0..random.below(3))
        .map(|_| {
            let pattern = match random.below(3) {
                0 => Pattern::new(),
                1 => Pattern::new().eth_type(0x0800),
                _ => Pattern::new().eth_type(0x0800).with_masked(
                    Field::Ipv4Dst,
                    0x0a01_0000,
                    0xffff_0000,
                ),
            };
            let outputs = match background {
                Background::Scatters => {
                    let copies = random.below(4);
                    (0..copies).map(|_| *random.pick(&ports)).collect()
                }
                Background::Swallows if random.chance(50) => vec![PortNo::CONTROLLER],
                Background::Swallows => Vec::new(),
            };
            let actions = outputs.into_iter().map(Action::output).collect();
            let priority = random.within(1..=LEAST_PRIORITY - 1) as u16;
            (dpid, FlowRule::new(priority, pattern, actions))
        })
        .collect()
}
