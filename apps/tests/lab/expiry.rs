//! Rules that time out.

use std::time::Duration;

use godwit_apps::migration::record::State;
use godwit_apps::migration::request::Algorithm;
use godwit_apps::routing::install::Wish;
use godwit_controller::Owner;

use crate::bench::{Bench, HERE, THERE, packet, until, wish};
use crate::fabric::Mood;

/// More than the keeper takes as work of other kinds.
const MANY: u32 = 5_000;

#[tokio::test(flavor = "multi_thread")]
async fn routes_that_time_out_all_at_once_are_all_taken_away() {
    let bench = Bench::new().await;
    let wishes = (0..MANY).map(|index| Wish {
        idle_timeout: 60,
        ..wish(index)
    });
    bench.create(wishes.collect()).await.unwrap();
    bench.fabric.expire(2, |rule| rule.idle_timeout > 0);
    until("every route to be gone", || {
        bench.routing.table().is_empty()
    })
    .await;
    for dpid in [1, 2, 4] {
        assert_eq!(bench.fabric.routing_rules(dpid), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_times_out_before_its_route_comes_there_is_put_back() {
    let bench = Bench::new().await;
    let asked = Wish {
        idle_timeout: 1,
        ..wish(0)
    };
    let ids = bench.create(vec![asked]).await.unwrap();
    bench.fabric.watch(&packet(0), HERE, THERE);
    bench.fabric.mood(3, Mood::HoldsBarriers);
    let migration = bench.migrate(Algorithm::Clone).await;
    until("the new way", || {
        [3, 5]
            .iter()
            .all(|dpid| !bench.fabric.routing_rules(*dpid).is_empty())
    })
    .await;
    let of_the_route = |cookie| Owner::Routing.own_part(cookie) == Some(ids[0]);
    bench.fabric.expire(5, |rule| of_the_route(rule.cookie));
    // What the switch said is heard before the route arrives, and so much time has passed.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    bench.fabric.mood(3, Mood::Well);
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
    until("the rule to be back", || bench.fabric.delivers()).await;
    assert!(bench.routing.table().get(ids[0]).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_was_left_behind_and_times_out_does_not_end_its_route() {
    let bench = Bench::new().await;
    let ids = bench.routes(1).await;
    bench.fabric.mood(1, Mood::HoldsBarriers);
    let migration = bench.migrate(Algorithm::Clone).await;
    until("the flip", || {
        bench
            .fabric
            .routing_rules(1)
            .iter()
            .all(|rule| rule.output_ports().any(|port| port.0 == 3))
    })
    .await;
    bench
        .fabric
        .expire(2, |rule| Owner::Routing.own_part(rule.cookie).is_some());
    bench.fabric.mood(1, Mood::Well);
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(bench.routing.table().get(ids[0]).is_some());
    assert_eq!(bench.fabric.harm(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_are_written_anew_have_what_is_left_of_their_time() {
    for algorithm in [Algorithm::FreezeCopy, Algorithm::Move, Algorithm::Clone] {
        let bench = Bench::new().await;
        let asked = Wish {
            hard_timeout: 60,
            ..wish(0)
        };
        bench.create(vec![asked]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2100)).await;
        let migration = bench.migrate(algorithm).await;
        assert_eq!(bench.end_of(&migration).await.0, State::Committed);
        let anew: &[u64] = match algorithm {
            Algorithm::FreezeCopy => &[1, 3, 4, 5],
            Algorithm::Move | Algorithm::Clone => &[3, 5],
        };
        for &dpid in anew {
            let rules = bench.fabric.routing_rules(dpid);
            let left: Vec<u16> = rules.iter().map(|rule| rule.hard_timeout).collect();
            assert!(
                matches!(left.as_slice(), [55..=58]),
                "{algorithm:?}, s{dpid}: {left:?}"
            );
        }
    }
}
