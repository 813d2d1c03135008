use std::time::Duration;

use godwit_openflow::types::{Cookie, Version};

use super::*;
use crate::migration::guard::Limits;
use crate::migration::planning::Chosen;
use crate::migration::request::{Algorithm, Bounds, Request};
use crate::migration::transplant::graft::{Scene as Ground, graft};
use crate::migration::transplant::tests::world::graph;
use crate::migration::transplant::{Holdings, Site};

const SOURCE: DatapathId = DatapathId(1);
const TARGET: DatapathId = DatapathId(2);
const SENDER: DatapathId = DatapathId(3);
const RECEIVER: DatapathId = DatapathId(4);

fn rule(cookie: u64, pattern: Pattern, out: u32) -> FlowRule {
    FlowRule::new(9, pattern, vec![Action::output(PortNo(out))]).with_cookie(Cookie(cookie))
}

fn udp(port: u128) -> Pattern {
    Pattern::new().eth_type(0x800).with(Field::UdpDst, port)
}

/// The pairs for what these switches hold: each pair's name, and where its first and last counters are.
fn pairs_of(holdings: [(DatapathId, Vec<FlowRule>); 3]) -> Vec<(String, Vec<u64>, Vec<u64>)> {
    let graph = graph();
    let site = |dpid: DatapathId, rules: Vec<FlowRule>| Site {
        dpid,
        version: Version::V13,
        tables: 4,
        ports: Vec::new(),
        holdings: Holdings {
            rules: rules
                .into_iter()
                .map(|rule| FlowStats {
                    rule,
                    duration_ns: 0,
                    packets: 0,
                    bytes: 0,
                })
                .collect(),
            ..Holdings::default()
        },
    };
    let sites: BTreeMap<DatapathId, Site> = holdings
        .into_iter()
        .chain([(TARGET, Vec::new())])
        .map(|(dpid, rules)| (dpid, site(dpid, rules)))
        .collect();
    let moving = BTreeSet::new();
    let ground = Ground {
        graph: &graph,
        source: &sites[&SOURCE],
        target: &sites[&TARGET],
        neighbours: &sites,
        moving: &moving,
        mixes: true,
        detours: true,
    };
    let steps = graft(&ground).unwrap();
    let (transplant, rounds) = steps.into_rounds(Vec::new(), TARGET, false);
    let planned = Planned {
        request: Request {
            source: SOURCE,
            target: Some(TARGET),
            algorithm: Algorithm::Clone,
            shape: None,
            limits: Limits::default(),
            bounds: Bounds::default(),
            queue: false,
            hold: Duration::ZERO,
            reverts: None,
        },
        flows: Vec::new(),
        rounds,
        transplant: Some(transplant),
        shape: Chosen::default(),
        perishable: Vec::new(),
    };
    let held = sites
        .iter()
        .map(|(dpid, site)| (*dpid, site.holdings.rules.clone()))
        .collect();
    let all = Pairs::of(&graph, &planned, &held);
    let at = |places: &BTreeSet<usize>| {
        let mut at: Vec<u64> = places.iter().map(|place| all.switches[*place].0).collect();
        at.sort_unstable();
        at
    };
    let named = |pair: &Pair| (pair.name.clone(), at(&pair.first), at(&pair.last));
    all.pairs.iter().map(named).collect()
}

#[test]
fn an_entry_is_paired_with_what_sends_to_it_and_what_takes_from_it() {
    let pairs = pairs_of([
        (SENDER, vec![rule(7, udp(5), 1)]),
        (SOURCE, vec![rule(8, udp(5), 4)]),
        (RECEIVER, vec![rule(9, udp(5).in_port(PortNo(1)), 100)]),
    ]);
    assert_eq!(pairs.len(), 2, "{pairs:?}");
    // What the target has in its stead counts as well, and at the receiver what waits for the target's.
    assert!(pairs[0].0.contains("7, eth_type"), "{pairs:?}");
    assert_eq!((&*pairs[0].1, &*pairs[0].2), (&[3][..], &[1, 2][..]));
    assert!(pairs[1].0.contains("8, eth_type"), "{pairs:?}");
    assert_eq!((&*pairs[1].1, &*pairs[1].2), (&[1, 2][..], &[4, 4][..]));
}

#[test]
fn what_nothing_takes_for_certain_is_left_out() {
    // The sender sends more than the entry takes, and the entry more than the receiver takes.
    let pairs = pairs_of([
        (SENDER, vec![rule(7, Pattern::new().eth_type(0x800), 1)]),
        (SOURCE, vec![rule(8, udp(5), 4)]),
        (RECEIVER, vec![rule(9, udp(5).with(Field::Ipv4Dst, 1), 100)]),
    ]);
    assert!(pairs.is_empty(), "{pairs:?}");
}

#[test]
fn what_may_have_to_go_back_by_the_port_that_it_came_in_at_is_left_out() {
    let pairs = pairs_of([
        (SENDER, vec![]),
        (
            SOURCE,
            vec![rule(8, udp(5), 4), rule(9, udp(6).in_port(PortNo(3)), 4)],
        ),
        (
            RECEIVER,
            vec![rule(9, udp(5), 100), rule(9, udp(6), 100), {
                let host = udp(5).in_port(PortNo(100));
                FlowRule {
                    priority: 20,
                    ..rule(10, host, 1)
                }
            }],
        ),
    ]);
    // Of the receiver's own only what it sends itself, and of the source's the one for another port.
    let names: Vec<&str> = pairs.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].contains("a, in_port=100"), "{names:?}");
    assert!(names[1].contains("9, in_port=3"), "{names:?}");
}
