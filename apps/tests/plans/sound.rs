//! The plans that the engine makes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use godwit_apps::migration::planning::Planned;
use godwit_apps::migration::request::Algorithm;
use godwit_apps::plan::Flow;

use crate::case::Case;
use crate::emulated::sort;
use crate::random::Random;
use crate::walk::{COUNTED, Walk};
use crate::wiring::Wiring;

/// A case is a network, its routes, a switch to be emptied, and an algorithm.
const CASES: usize = 10_000;

/// How many times routes are laid over one network.
const LAID: usize = 4;

/// In how many orders each round is tried, whole or in part, and undone before it stands; it is then carried out in one
/// more, and in the end undone in another.
const ORDERS: usize = 1;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Clone, Algorithm::Move, Algorithm::FreezeCopy];

/// Where the seeds begin.
pub(crate) fn first_seed() -> u64 {
    let given = std::env::var("GODWIT_SEED").ok();
    given.map_or(0, |text| text.parse().expect("GODWIT_SEED is a number"))
}

/// What has been proved so far.
#[derive(Debug, Default)]
struct Proved {
    cases: usize,
    by_algorithm: BTreeMap<&'static str, usize>,
    flows: usize,
    rounds: usize,
    states: usize,
}

#[test]
fn every_plan_keeps_its_promise_after_every_change_in_any_order() {
    let proved = Mutex::new(Proved::default());
    let next = AtomicU64::new(first_seed());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while proved.lock().is_ok_and(|proved| proved.cases < CASES) {
                    prove_network(next.fetch_add(1, Ordering::Relaxed), &proved);
                }
            });
        }
    });
    println!("{:?}", proved.into_inner().unwrap());
}

fn prove_network(seed: u64, proved: &Mutex<Proved>) {
    let mut random = Random::new(seed);
    let wiring = Wiring::random(&mut random);
    for laid in 0..LAID {
        let Some(case) = Case::random(&wiring, &mut random) else {
            continue;
        };
        for algorithm in ALGORITHMS {
            let case = case.for_algorithm(algorithm, &mut random);
            if case.moving.is_empty() {
                continue;
            }
            let planned = case.plan(algorithm);
            let planned =
                planned.unwrap_or_else(|why| panic!("seed {seed}, {laid}, {algorithm:?}: {why}"));
            let states = prove(&case, &planned, ORDERS, &mut random).unwrap_or_else(|harm| {
                panic!("seed {seed}, {laid}, {algorithm:?}: {harm}\n{planned:#?}")
            });
            let mut proved = proved.lock().unwrap();
            proved.cases += 1;
            *proved.by_algorithm.entry(name(algorithm)).or_default() += 1;
            proved.flows += planned.flows.len();
            proved.rounds += planned.rounds.len();
            proved.states += states;
        }
    }
}

const fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Clone => "clone",
        Algorithm::Move => "move",
        Algorithm::FreezeCopy => "freeze-copy",
    }
}

/// Carries a plan out and back. Gives the number of states of the tables that were looked at.
pub(crate) fn prove(
    case: &Case<'_>,
    planned: &Planned,
    orders: usize,
    random: &mut Random,
) -> Result<usize, String> {
    let guarantee = planned.request.algorithm.guarantee();
    let mut walk = Walk::new(case, planned, &planned.rounds, guarantee);
    let before = walk.held();
    walk.forth(orders, random)?;
    only_the_new_ways_are_left(case, planned, &walk)?;
    for flow in &planned.flows {
        goes_where_it_shall(case, flow, &walk)?;
        counts_on(planned.request.algorithm, flow, &walk)?;
    }
    walk.back(random)?;
    if walk.held() != before {
        return Err("the whole plan is not undone".to_owned());
    }
    Ok(walk.states)
}

/// Every table holds what it would hold had the routes gone the new ways from the beginning: the source nothing of them.
fn only_the_new_ways_are_left(
    case: &Case<'_>,
    planned: &Planned,
    walk: &Walk<'_>,
) -> Result<(), String> {
    let held = walk.held();
    if held[&case.source] != walk.unmoved[&case.source] {
        return Err(format!("rules are left on the source, {}", case.source));
    }
    let mut wanted = walk.unmoved.clone();
    for flow in &planned.flows {
        for (dpid, rule) in flow.template.rules(&flow.new) {
            wanted.entry(dpid).and_modify(|rules| rules.push(rule));
        }
    }
    wanted.values_mut().for_each(|rules| sort(rules));
    if held != wanted {
        return Err("the tables are not those of the new ways".to_owned());
    }
    Ok(())
}

/// Not through the source, through the target, and through all switches that the route was asked to cross, in order.
fn goes_where_it_shall(case: &Case<'_>, flow: &Flow, walk: &Walk<'_>) -> Result<(), String> {
    let id = flow.template.id;
    let way = walk.way(id);
    let route = case
        .moving
        .iter()
        .find(|carried| carried.route.template.id == id);
    let via = &route.unwrap().route.via;
    let mut wanted: Vec<_> = via
        .iter()
        .filter_map(|dpid| match *dpid == case.source {
            true => case.target,
            false => Some(*dpid),
        })
        .collect();
    wanted.dedup();
    let mut rest = way.iter();
    let in_order = wanted
        .iter()
        .all(|dpid| rest.any(|crossed| crossed == dpid));
    let crosses_target = case.target.is_none_or(|target| way.contains(&target));
    if way.contains(&case.source) || !crosses_target || !in_order {
        let (source, target) = (case.source, case.target);
        return Err(format!(
            "flow {id} goes {way:?}, not from {source} to {target:?} through {via:?}"
        ));
    }
    Ok(())
}

/// `clone` and `move` keep the counters of rules that were there before; `freeze-copy` starts all of them again.
fn counts_on(algorithm: Algorithm, flow: &Flow, walk: &Walk<'_>) -> Result<(), String> {
    let old: BTreeMap<_, _> = flow
        .old
        .iter()
        .flat_map(|path| flow.template.rules(path))
        .collect();
    for (dpid, rule) in flow.template.rules(&flow.new) {
        let kept = algorithm.keeps_counters()
            && old
                .get(&dpid)
                .is_some_and(|before| before.same_identity(&rule));
        let wanted = if kept { COUNTED } else { 0 };
        let counted = walk.tables.packets(dpid, &rule);
        if counted != Some(wanted) {
            let id = flow.template.id;
            return Err(format!(
                "flow {id} on {dpid}: {counted:?} packets, not {wanted}"
            ));
        }
    }
    Ok(())
}
