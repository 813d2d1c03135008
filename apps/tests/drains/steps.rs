//! Drains, step by step.

use std::collections::{BTreeMap, BTreeSet};

use godwit_apps::drains::check::{footprint, without_all};
use godwit_apps::drains::order::{Candidate, Cost, Footprint, Order, Sequence, conflict};
use godwit_apps::migration::planning::Planned;
use godwit_apps::routing::table::Route;
use godwit_openflow::types::DatapathId;

use crate::network::Network;
use crate::random::Random;

const CASES: u64 = 400;

/// How a drain ended.
#[derive(Debug, Default)]
struct Ended {
    sequence: Vec<DatapathId>,
    /// None of these could go any more.
    left: Vec<DatapathId>,
    /// The most that were under way at once.
    at_once: usize,
}

fn cost(planned: &Planned) -> Cost {
    let counts = planned.rule_counts();
    Cost {
        rules: (counts.installed + counts.modified + counts.removed) as u64,
        packets_per_s: 0,
    }
}

fn candidates(network: &Network, left: &[DatapathId]) -> Vec<Candidate> {
    let candidate = |&dpid: &DatapathId| {
        let planned = network.plan(dpid).ok()?;
        Some(Candidate {
            dpid,
            cost: cost(&planned),
            footprint: footprint(&network.now, &planned),
        })
    };
    left.iter().filter_map(candidate).collect()
}

/// The first of a step is the cheapest of all that could go, or of its set.
fn assert_cheapest(order: Order, next: &[DatapathId], candidates: &[Candidate]) {
    let cost_of = |dpid: &DatapathId| {
        let mut all = candidates.iter();
        all.find(|one| one.dpid == *dpid).unwrap().cost
    };
    let costs: Vec<Cost> = next.iter().map(cost_of).collect();
    if order.is_by_cost() {
        assert!(costs.is_sorted(), "{costs:?}");
    }
    if order == Order::Lmcf {
        let least = candidates.iter().map(|one| one.cost).min();
        assert_eq!(costs.first().copied(), least);
    }
}

/// Empties the switches of the list until none of those left can go. Migrations end in any order.
fn drain(
    network: &mut Network,
    list: &[DatapathId],
    order: Order,
    parallel: usize,
    random: &mut Random,
) -> Ended {
    let mut ended = Ended {
        left: list.to_vec(),
        ..Ended::default()
    };
    let mut sequence = Sequence::new(order);
    let mut under_way: BTreeMap<DatapathId, (Planned, Footprint)> = BTreeMap::new();
    loop {
        let can_go = candidates(network, &ended.left);
        let felt: Vec<(DatapathId, &Footprint)> = under_way
            .iter()
            .map(|(&dpid, (_, footprint))| (dpid, footprint))
            .collect();
        let next = sequence.next(&can_go, &felt, parallel - under_way.len());
        if under_way.is_empty() {
            assert_eq!(next.is_empty(), can_go.is_empty(), "one that can go, goes");
            assert_cheapest(order, &next, &can_go);
        }
        for dpid in next {
            // With those of this step out of the graph that have begun already, it may be refused after all.
            network.exclude(dpid);
            let Ok(planned) = network.plan(dpid) else {
                panic!("switch {dpid} could go a moment before");
            };
            let footprint = footprint(&network.now, &planned);
            for (other, (_, felt)) in &under_way {
                let conflicts = conflict((dpid, &footprint), (*other, felt));
                assert!(!conflicts || !footprint.switches.is_disjoint(&felt.switches));
            }
            under_way.insert(dpid, (planned, footprint));
            ended.left.retain(|left| *left != dpid);
            ended.sequence.push(dpid);
        }
        ended.at_once = ended.at_once.max(under_way.len());
        assert!(under_way.len() <= parallel);
        let running: Vec<DatapathId> = under_way.keys().copied().collect();
        if running.is_empty() {
            return ended;
        }
        let (planned, _) = under_way.remove(random.pick(&running)).unwrap();
        network.commit(&planned);
        network.assert_carried();
        let source = planned.request.source;
        let mut routes = network.routes.values();
        assert!(routes.all(|route| route.path.hop_at(source).is_none()));
    }
}

fn seeds() -> impl Iterator<Item = u64> {
    let first = std::env::var("GODWIT_SEED").ok();
    let first = first.map_or(1, |seed| seed.parse().expect("a seed is a number"));
    first..first + CASES
}

fn routes(network: &Network) -> Vec<Route> {
    network.routes.values().cloned().collect()
}

#[test]
fn whatever_the_order_each_goes_once_and_every_route_has_a_way_at_every_moment() {
    let (mut emptied, mut side_by_side, mut stopped) = (0, 0, 0);
    for seed in seeds() {
        for order in Order::ALL {
            let mut random = Random::new(seed);
            let mut network = Network::random(&mut random);
            let list = network.any_list(&mut random);
            let set: BTreeSet<DatapathId> = list.iter().copied().collect();
            let is_possible = without_all(&network.now, &routes(&network), &set).is_empty();
            let has_via = network.routes.values().any(|route| !route.via.is_empty());
            let parallel = random.within(1..=4);
            println!("seed {seed}, {order:?}, {parallel} at once");
            let ended = drain(&mut network, &list, order, parallel, &mut random);
            let gone: BTreeSet<DatapathId> = ended.sequence.iter().copied().collect();
            assert_eq!(gone.len(), ended.sequence.len(), "each once");
            let left: BTreeSet<DatapathId> = ended.left.iter().copied().collect();
            assert!(gone.is_disjoint(&left));
            assert_eq!(&gone | &left, set);
            // Waypoints may want more than the ends do: then a switch may have to wait for ever.
            if is_possible && !has_via {
                assert_eq!(left, BTreeSet::new(), "what was promised");
            }
            if !is_possible {
                assert_ne!(left, BTreeSet::new(), "what was refused");
            }
            if order == Order::Given && left.is_empty() && !has_via {
                assert_eq!(ended.sequence, list);
            }
            emptied += gone.len();
            side_by_side += usize::from(ended.at_once > 1);
            stopped += usize::from(!left.is_empty());
        }
    }
    println!("{emptied} emptied, {side_by_side} drains side by side, {stopped} stopped");
    assert!(emptied > 1_000 && side_by_side > 20 && stopped > 20);
}
