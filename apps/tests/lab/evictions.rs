//! Tables that make room for new rules by giving up others without a word.

use std::time::Duration;

use godwit_apps::migration::record::State;
use godwit_apps::migration::request::Algorithm;
use godwit_apps::routing::install::Wish;
use godwit_openflow::model::{Action, FlowMod, FlowRule, Pattern};
use godwit_openflow::types::PortNo;

use crate::bench::{Bench, HERE, THERE, packet, until, wish};
use crate::fabric::Mood;

const ROUTES: u32 = 3;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Clone, Algorithm::Move, Algorithm::FreezeCopy];

/// A rule of somebody else that takes no packet of a route.
fn foreign(idle_timeout: u16, hard_timeout: u16) -> FlowRule {
    let pattern = Pattern::new().eth_type(0x0806);
    let mut rule = FlowRule::new(1, pattern, vec![Action::output(PortNo(1))]);
    (rule.idle_timeout, rule.hard_timeout) = (idle_timeout, hard_timeout);
    rule
}

/// How a migration ends when s5, on the new way, holds this rule, which is so old, and has room for so many more.
async fn ended(algorithm: Algorithm, rule: FlowRule, age: u64, room: usize) -> (State, String) {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    bench.fabric.change(5, &FlowMod::add(rule.clone()));
    bench.fabric.age(5, Duration::from_secs(age));
    bench.fabric.leave_room(5, room);
    let migration = bench.migrate(algorithm).await;
    let (state, error) = bench.end_of(&migration).await;
    let (old, new) = match state {
        State::Committed => (0, ROUTES as usize),
        _ => (ROUTES as usize, 0),
    };
    assert_eq!(
        bench.fabric.routing_rules(2).len(),
        old,
        "{algorithm:?}: {error}"
    );
    assert_eq!(
        bench.fabric.routing_rules(5).len(),
        new,
        "{algorithm:?}: {error}"
    );
    assert!(bench.fabric.delivers());
    let others = bench.fabric.rules(5, |there| there.priority == 1);
    let [there] = &others[..] else {
        panic!("{algorithm:?}: {others:?}");
    };
    assert_eq!(there.idle_timeout, rule.idle_timeout);
    let passed = match state {
        State::Committed => 0,
        // It is put there again.
        _ => u16::try_from(age).unwrap().min(rule.hard_timeout),
    };
    let left = rule.hard_timeout - passed;
    assert!(
        (left.saturating_sub(9)..=left).contains(&there.hard_timeout),
        "{there:?}"
    );
    if algorithm == Algorithm::Clone {
        assert_eq!(bench.fabric.harm(), [""; 0]);
    }
    (state, error)
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_rule_that_had_to_make_room_sends_everything_back() {
    let [clone, others @ ..] = ALGORITHMS;
    // It could not have ended by itself; it could, had nothing used it, but the table is full.
    let cases = [(0, 600, 100), (10, 0, 1), (10, 0, 100)].map(|case| (clone, case));
    for (algorithm, case) in cases
        .into_iter()
        .chain(others.map(|other| (other, (0, 600, 1))))
    {
        let (idle, hard, age) = case;
        let (state, error) = ended(algorithm, foreign(idle, hard), age, 2).await;
        assert_eq!(state, State::RolledBack, "{algorithm:?}: {error}");
        let named = [
            "switch 0000000000000005: table 0, priority 1",
            "eth_type=2054",
        ];
        let named = named.iter().all(|part| error.contains(part));
        assert!(named, "{algorithm:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_room_nothing_is_missed() {
    let rules = [foreign(10, 0), foreign(0, 600), foreign(0, 0)];
    for (algorithm, rule) in ALGORITHMS.into_iter().zip(rules) {
        let (state, error) = ended(algorithm, rule, 1, ROUTES as usize).await;
        assert_eq!(state, State::Committed, "{algorithm:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_owner_deletes_meanwhile_is_not_missed_where_there_is_room() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    let rule = foreign(0, 600);
    bench.fabric.change(5, &FlowMod::add(rule.clone()));
    bench.fabric.mood(3, Mood::HoldsBarriers);
    let migration = bench.migrate(Algorithm::Clone).await;
    until("the new way", || {
        bench.fabric.routing_rules(3).len() == ROUTES as usize
    })
    .await;
    bench.fabric.change(5, &FlowMod::delete_strict(rule));
    bench.fabric.mood(3, Mood::Well);
    let (state, error) = bench.end_of(&migration).await;
    assert_eq!(state, State::Committed, "{error}");
    assert!(
        bench
            .fabric
            .rules(5, |there| there.priority == 1)
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_rule_that_made_room_for_the_next_sends_everything_back() {
    for algorithm in ALGORITHMS {
        let bench = Bench::new().await;
        let wishes = (0..ROUTES).map(|index| Wish {
            idle_timeout: 60,
            ..wish(index)
        });
        bench.create(wishes.collect()).await.unwrap();
        for index in 0..ROUTES {
            bench.fabric.watch(&packet(index), HERE, THERE);
        }
        bench.fabric.leave_room(3, ROUTES as usize - 1);
        let migration = bench.migrate(algorithm).await;
        let (state, error) = bench.end_of(&migration).await;
        assert_eq!(state, State::RolledBack, "{algorithm:?}: {error}");
        assert!(
            error.contains("switch 0000000000000003: table 0"),
            "{error}"
        );
        assert_eq!(bench.fabric.routing_rules(2).len(), ROUTES as usize);
        assert!(bench.fabric.routing_rules(3).is_empty() && bench.fabric.delivers());
    }
}
