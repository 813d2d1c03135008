//! Orders of switches whose costs and conflicts are made up.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const MOST: u64 = 9;

fn candidate(dpid: u64, rules: u64, packets_per_s: u64, neighbours: &[u64]) -> Candidate {
    let ids = |ids: &[u64]| ids.iter().copied().map(DatapathId).collect();
    Candidate {
        dpid: DatapathId(dpid),
        cost: Cost {
            rules,
            packets_per_s,
        },
        footprint: Footprint {
            switches: ids(&[dpid]),
            neighbours: ids(neighbours),
            flows: BTreeSet::new(),
        },
    }
}

/// What the order gives when each ends before the next look and nothing ever changes.
fn one_after_another(order: Order, candidates: &[Candidate]) -> Vec<u64> {
    let mut left = candidates.to_vec();
    let mut sequence = Sequence::new(order);
    let mut given = Vec::new();
    while let Some(&next) = sequence.next(&left, &[], 1).first() {
        left.retain(|candidate| candidate.dpid != next);
        given.push(next.0);
    }
    given
}

/// A star: 1 in the middle of 2, 3 and 4.
fn star() -> Vec<Candidate> {
    vec![
        candidate(1, 2, 0, &[2, 3, 4]),
        candidate(4, 9, 0, &[1]),
        candidate(3, 5, 7, &[1]),
        candidate(2, 5, 3, &[1]),
    ]
}

#[test]
fn given_is_the_order_of_the_request() {
    assert_eq!(one_after_another(Order::Given, &star()), [1, 4, 3, 2]);
}

#[test]
fn least_cost_looks_at_rules_first_and_at_traffic_between_equals() {
    assert_eq!(one_after_another(Order::Lmcf, &star()), [1, 2, 3, 4]);
}

#[test]
fn the_largest_set_goes_first_in_the_order_of_the_request() {
    assert_eq!(one_after_another(Order::MisSs, &star()), [4, 3, 2, 1]);
}

#[test]
fn the_set_that_costs_least_for_each_of_its_switches_goes_first() {
    assert_eq!(one_after_another(Order::MisLmcf, &star()), [1, 2, 3, 4]);
    let mut dear = star();
    dear[0].cost.rules = 7;
    // 19 rules for three switches against 7 for one.
    assert_eq!(one_after_another(Order::MisLmcf, &dear), [2, 3, 4, 1]);
}

#[test]
fn nobody_overtakes_in_the_given_order() {
    let star = star();
    let mut given = Sequence::new(Order::Given);
    let middle = [(DatapathId(1), &star[0].footprint)];
    let others = &star[1..];
    assert_eq!(given.next(others, &middle, 3), []);
    let mut by_cost = Sequence::new(Order::Lmcf);
    let free = candidate(9, 99, 0, &[]);
    let with_free: Vec<Candidate> = others.iter().cloned().chain([free]).collect();
    assert_eq!(by_cost.next(&with_free, &middle, 3), [DatapathId(9)]);
    assert_eq!(given.next(&with_free, &middle, 3), []);
}

#[test]
fn a_set_is_finished_before_the_next_is_chosen() {
    let star = star();
    let mut sequence = Sequence::new(Order::MisSs);
    let first = sequence.next(&star, &[], 4);
    assert_eq!(first, [DatapathId(4), DatapathId(3), DatapathId(2)]);
    let elsewhere = Footprint::default();
    let left = &star[..1];
    assert_eq!(sequence.next(left, &[(DatapathId(9), &elsewhere)], 3), []);
    assert_eq!(sequence.next(left, &[], 3), [DatapathId(1)]);
}

#[test]
fn flows_and_switches_in_common_are_conflicts_too() {
    let plain = || candidate(1, 1, 1, &[]).footprint;
    let there = (DatapathId(2), candidate(2, 1, 1, &[]).footprint);
    let conflicts =
        |here: &Footprint, other: &Footprint| conflict((DatapathId(1), here), (there.0, other));
    assert!(!conflicts(&plain(), &there.1));
    let mut ours = plain();
    ours.switches.insert(DatapathId(7));
    let mut theirs = there.1.clone();
    assert!(!conflicts(&ours, &theirs));
    theirs.switches.insert(DatapathId(7));
    assert!(conflicts(&ours, &theirs));
    let (mut ours, mut theirs) = (plain(), there.1.clone());
    ours.flows.insert(5);
    assert!(!conflicts(&ours, &theirs));
    theirs.flows.insert(5);
    assert!(conflicts(&ours, &theirs));
}

#[test]
fn where_there_are_too_many_sets_every_switch_has_its_chance() {
    // 30 pairs that exclude each other: 2^30 maximal sets of 30.
    let paired = |dpid: u64| {
        candidate(
            dpid,
            dpid,
            0,
            &[if dpid.is_multiple_of(2) {
                dpid + 1
            } else {
                dpid - 1
            }],
        )
    };
    let all: Vec<Candidate> = (2..62).map(paired).collect();
    let sets = maximal_independent_sets(&all);
    assert!(sets.len() >= MOST_SETS && sets.len() <= MOST_SETS + all.len());
    for index in 0..all.len() {
        assert!(sets.iter().any(|set| set.contains(&index)), "{index}");
    }
    assert!(sets.iter().all(|set| set.len() == 30));
}

/// Switches with random costs and conflicts, in a random order.
fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let cost = (0..5_u64, 0..5_u64);
    let near = proptest::collection::vec(proptest::bool::weighted(0.3), (MOST * MOST) as usize);
    let costs = proptest::collection::vec(cost, 1..=MOST as usize);
    (costs, near)
        .prop_map(|(costs, near)| {
            let neighbours = |one: usize| -> Vec<u64> {
                let others = (0..costs.len()).filter(|other| *other != one);
                let is_near = |other: &usize| {
                    let (low, high) = (one.min(*other), one.max(*other));
                    near[low * MOST as usize + high]
                };
                others.filter(is_near).map(|other| other as u64).collect()
            };
            let made = costs.iter().enumerate();
            made.map(|(index, &(rules, rate))| {
                candidate(index as u64, rules, rate, &neighbours(index))
            })
            .collect::<Vec<Candidate>>()
        })
        .prop_shuffle()
}

fn conflicting(one: &Candidate, other: &Candidate) -> bool {
    conflict((one.dpid, &one.footprint), (other.dpid, &other.footprint))
}

/// By trying every subset.
fn all_maximal(candidates: &[Candidate]) -> BTreeSet<BTreeSet<usize>> {
    let count = candidates.len();
    let subset =
        |bits: u32| -> BTreeSet<usize> { (0..count).filter(|i| bits >> i & 1 == 1).collect() };
    let goes_with = |set: &BTreeSet<usize>, index: usize| {
        set.iter()
            .all(|&other| other == index || !conflicting(&candidates[index], &candidates[other]))
    };
    (1..1_u32 << count)
        .map(subset)
        .filter(|set| (0..count).all(|index| set.contains(&index) == goes_with(set, index)))
        .collect()
}

proptest! {
    #[test]
    fn every_maximal_independent_set_is_found_and_nothing_else(candidates in any_candidates()) {
        prop_assert_eq!(maximal_independent_sets(&candidates), all_maximal(&candidates));
    }

    #[test]
    fn every_order_gives_each_once_never_two_that_conflict_and_no_more_than_there_is_room(
        candidates in any_candidates(),
        room in 1..4_usize,
        ends in proptest::collection::vec(0..4_usize, 64),
        order in proptest::sample::select(Order::ALL.to_vec()),
    ) {
        let by_id: BTreeMap<DatapathId, &Candidate> =
            candidates.iter().map(|candidate| (candidate.dpid, candidate)).collect();
        let mut sequence = Sequence::new(order);
        let mut left = candidates.clone();
        let mut under_way: Vec<DatapathId> = Vec::new();
        let mut begun = Vec::new();
        for end in ends {
            let felt: Vec<_> = under_way.iter().map(|dpid| (*dpid, &by_id[dpid].footprint)).collect();
            let next = sequence.next(&left, &felt, room - under_way.len());
            prop_assert!(!next.is_empty() || !under_way.is_empty() || left.is_empty(), "stuck");
            left.retain(|candidate| !next.contains(&candidate.dpid));
            under_way.extend(&next);
            begun.extend(next);
            prop_assert!(under_way.len() <= room);
            for (index, one) in under_way.iter().enumerate() {
                for other in &under_way[index + 1..] {
                    prop_assert!(!conflicting(by_id[one], by_id[other]));
                }
            }
            if !under_way.is_empty() {
                under_way.remove(end % under_way.len());
            }
        }
        begun.sort();
        prop_assert_eq!(begun, by_id.keys().copied().collect::<Vec<_>>());
    }

    #[test]
    fn sets_go_one_after_another_by_their_size(candidates in any_candidates()) {
        let mut left = candidates;
        while !left.is_empty() {
            let sets = all_maximal(&left);
            let next = Sequence::new(Order::MisSs).next(&left, &[], usize::MAX);
            let places = left.iter().enumerate().filter(|(_, one)| next.contains(&one.dpid));
            let set: BTreeSet<usize> = places.map(|(index, _)| index).collect();
            prop_assert!(sets.contains(&set));
            prop_assert_eq!(Some(set.len()), sets.iter().map(BTreeSet::len).max());
            left.retain(|candidate| !next.contains(&candidate.dpid));
        }
    }

    #[test]
    fn the_cheapest_set_goes_first_and_within_it_the_cheapest_switch(candidates in any_candidates()) {
        let next = Sequence::new(Order::MisLmcf).next(&candidates, &[], usize::MAX);
        let cost_of = |dpid: &DatapathId| {
            candidates.iter().find(|one| one.dpid == *dpid).unwrap().cost
        };
        let costs: Vec<Cost> = next.iter().map(cost_of).collect();
        prop_assert!(costs.is_sorted());
        let mean = |costs: &[Cost]| {
            let sum: u64 = costs.iter().map(|cost| cost.rules).sum();
            sum as f64 / costs.len() as f64
        };
        for set in all_maximal(&candidates) {
            let others: Vec<Cost> = set.iter().map(|&index| candidates[index].cost).collect();
            prop_assert!(mean(&costs) <= mean(&others));
        }
    }
}
