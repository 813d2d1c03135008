//! What planning and checking cost: routes by the thousand, and entries by the thousand that belong to no route.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use godwit_apps::migration::planning::{Planned, complete, plan};
use godwit_apps::migration::request::{Algorithm, Request};
use godwit_apps::migration::revert::entries::Displaced;
use godwit_apps::migration::transplant::graft::{Scene, graft};
use godwit_apps::migration::transplant::{Holdings, Site};
use godwit_apps::plan::entry::Entry;
use godwit_apps::plan::verify::entries::back::{WayBack, verify_back};
use godwit_apps::plan::verify::entries::verify_entries;
use godwit_apps::plan::verify::{Guarantee, verify};
use godwit_apps::plan::{Template, Treatment};
use godwit_apps::routing::table::{Origin, Route};
use godwit_controller::rest::endpoint::Endpoint;
use godwit_openflow::model::{Action, FlowRule, FlowStats, Pattern, Port};
use godwit_openflow::types::{Cookie, DatapathId, MacAddr, PortNo, Version};
use godwit_topology::{Constraints, PortRef, RunKey, Timing, Topology, TopologySnapshot};

const SOURCE: DatapathId = DatapathId(1);
const TARGET: DatapathId = DatapathId(2);
const NEIGHBOURS: std::ops::RangeInclusive<u64> = 3..=6;

/// Two switches with a link to each of four others.
fn topology() -> std::sync::Arc<TopologySnapshot> {
    let now = Instant::now();
    let mut links: BTreeMap<PortRef, PortRef> = BTreeMap::new();
    for neighbour in NEIGHBOURS {
        for spine in [SOURCE, TARGET] {
            let up = PortRef::new(DatapathId(neighbour), PortNo(spine.0 as u32));
            let down = PortRef::new(spine, PortNo(neighbour as u32));
            links.insert(up, down);
            links.insert(down, up);
        }
    }
    let mut topology = Topology::new(RunKey::from_bytes([7; 64]), Timing::default());
    for dpid in (1..=*NEIGHBOURS.end()).map(DatapathId) {
        let ports = links.keys().filter(|end| end.dpid == dpid);
        topology.switch_up(dpid, ports.map(|end| end.port), now);
    }
    for probe in topology.poll(now).probes {
        let far = links[&probe.port];
        topology.on_lldp(far.dpid, far.port, &probe.frame, now);
    }
    topology.snapshot()
}

fn request() -> Request {
    Request::new(SOURCE, Some(TARGET), Algorithm::Clone)
}

fn station(number: u32) -> MacAddr {
    let [a, b, c, d] = number.to_be_bytes();
    MacAddr([2, 0, a, b, c, d])
}

fn routes(topology: &TopologySnapshot, count: u32) -> Vec<Route> {
    let constraints = Constraints {
        avoid: BTreeSet::new(),
        via: vec![SOURCE],
    };
    let route = |id: u32| {
        let end = |dpid: u64, number: u32| Endpoint {
            mac: Some(station(number)),
            port: PortRef::new(DatapathId(dpid), PortNo(1_000 + number)),
        };
        let (from, to) = (end(3, 2 * id), end(4, 2 * id + 1));
        let path = topology.path(from.port, to.port, &constraints).unwrap();
        let pattern = Pattern::new()
            .eth_src(station(2 * id))
            .eth_dst(station(2 * id + 1));
        let template = Template {
            id,
            priority: 100,
            pattern,
            ingress: None,
            idle_timeout: 0,
            hard_timeout: 0,
            treatment: Treatment::default(),
        };
        Route::new(from, to, template, path, Origin::Request)
    };
    (1..=count).map(route).collect()
}

fn site(dpid: DatapathId, rules: Vec<FlowRule>) -> Site {
    let port = |number| Port {
        number: PortNo(number),
        mac: station(number),
        name: String::new(),
        admin_down: false,
        link_down: false,
        config: 0,
        state: 0,
        features: [0; 4],
        current_speed: 0,
        max_speed: 0,
    };
    let stats = |rule| FlowStats {
        rule,
        duration_ns: 1_000_000_000,
        packets: 1,
        bytes: 100,
    };
    Site {
        dpid,
        version: Version::V13,
        tables: 8,
        ports: (1..=6).map(port).collect(),
        holdings: Holdings {
            rules: rules.into_iter().map(stats).collect(),
            ..Holdings::default()
        },
    }
}

/// The source sends each station's packets to one neighbour; each neighbour sends those of the others to the source.
fn sites(count: u32) -> BTreeMap<DatapathId, Site> {
    let home = |number: u32| 3 + number % 4;
    let rule = |number: u32, port: u32| {
        let pattern = Pattern::new().eth_dst(station(number));
        FlowRule::new(10, pattern, vec![Action::output(PortNo(port))]).with_cookie(Cookie(1))
    };
    let mut sites = BTreeMap::new();
    let source = (0..count).map(|number| rule(number, home(number)));
    sites.insert(SOURCE, site(SOURCE, source.collect()));
    let own = (0..count).map(|number| rule(1_000_000 + number, 3));
    sites.insert(TARGET, site(TARGET, own.collect()));
    for neighbour in NEIGHBOURS {
        let others = (0..count / 4).map(|number| {
            rule(
                number,
                if u64::from(home(number)) == neighbour {
                    1_000
                } else {
                    1
                },
            )
        });
        let dpid = DatapathId(neighbour);
        sites.insert(dpid, site(dpid, others.collect()));
    }
    sites
}

/// What the switches hold once the plan has been carried out.
fn moved(sites: &BTreeMap<DatapathId, Site>, planned: &Planned) -> BTreeMap<DatapathId, Site> {
    let mut rules: BTreeMap<DatapathId, BTreeMap<_, FlowRule>> = sites
        .iter()
        .map(|(dpid, site)| {
            let rules = site.holdings.rules.iter().map(|stats| &stats.rule);
            let named = rules.map(|rule| (rule.owned_identity(), rule.clone()));
            (*dpid, named.collect())
        })
        .collect();
    for step in planned.rounds.iter().flat_map(|round| &round.entries) {
        let held = rules.get_mut(&step.dpid).unwrap();
        match (&step.before, &step.after) {
            (_, Some(Entry::Rule(rule))) => _ = held.insert(rule.owned_identity(), rule.clone()),
            (Some(Entry::Rule(rule)), None) => _ = held.remove(&rule.owned_identity()),
            _ => {}
        }
    }
    rules
        .into_iter()
        .map(|(dpid, rules)| (dpid, site(dpid, rules.into_values().collect())))
        .collect()
}

/// The rules of a plan as the budget of checking counts them: each change of each round.
fn changes(planned: &Planned) -> Throughput {
    let rounds = planned.rounds.iter();
    let changes: usize = rounds
        .map(|round| round.steps.len() + round.entries.len())
        .sum();
    Throughput::Elements(changes as u64)
}

fn measure_routes(criterion: &mut Criterion, topology: &TopologySnapshot, count: u32) {
    let routes = routes(topology, count);
    let planned = plan(topology, &request(), &routes).unwrap();
    let mut group = criterion.benchmark_group(format!("{count} routes"));
    group.throughput(changes(&planned));
    group.bench_function("plan", |bencher| {
        bencher.iter(|| plan(topology, &request(), black_box(&routes)).unwrap());
    });
    group.bench_function("verify", |bencher| {
        bencher.iter(|| {
            verify(
                &planned.flows,
                black_box(&planned.rounds),
                Guarantee::Delivery,
            )
        });
    });
    group.finish();
}

fn measure_entries(criterion: &mut Criterion, topology: &TopologySnapshot, count: u32) {
    let (sites, moving) = (sites(count), BTreeSet::new());
    let scene = Scene {
        graph: topology.graph(),
        source: &sites[&SOURCE],
        target: &sites[&TARGET],
        neighbours: &sites,
        moving: &moving,
        mixes: true,
        detours: true,
    };
    let nothing = plan(topology, &request(), &[]).unwrap();
    let whole = complete(topology, nothing, &moving, &sites).unwrap();
    let mut group = criterion.benchmark_group(format!("{count} entries"));
    group.throughput(changes(&whole));
    group.bench_function("plan", |bencher| {
        bencher.iter(|| graft(black_box(&scene)).unwrap());
    });
    group.bench_function("verify", |bencher| {
        bencher.iter(|| {
            verify_entries(&scene, black_box(&whole.rounds), Guarantee::Delivery).unwrap()
        });
    });
    let displaced = Displaced::of(&whole).unwrap();
    let moved = moved(&sites, &whole);
    let back = WayBack {
        graph: topology.graph(),
        source: SOURCE,
        target: TARGET,
        sites: &moved,
        moving: &moving,
        displaced: &displaced,
        added: &[],
    };
    let steps = displaced.back(SOURCE, TARGET, &moved, &[]).unwrap();
    let (_, rounds) = steps.into_rounds(Vec::new(), SOURCE, false);
    group.bench_function("verify the way back", |bencher| {
        bencher.iter(|| verify_back(&back, black_box(&rounds), Guarantee::Delivery).unwrap());
    });
    group.finish();
}

fn measure(criterion: &mut Criterion) {
    let topology = topology();
    for count in [1_000, 10_000] {
        measure_routes(criterion, &topology, count);
        measure_entries(criterion, &topology, count);
    }
}

criterion_group!(benches, measure);
criterion_main!(benches);
