//! The network changes under a migration or a redirection: everything goes back, and no packet is harmed.

use std::sync::Arc;
use std::time::Duration;

use godwit_apps::migration::record::{Migration, State};
use godwit_apps::migration::request::{Algorithm, Request};
use godwit_apps::plan::FlowId;
use godwit_apps::routing::table::State as RouteState;
use godwit_openflow::model::FlowRule;
use godwit_openflow::types::{DatapathId, PortNo};

use crate::bench::{Bench, PATIENCE, until};
use crate::fabric::{Mood, at};

const ROUTES: u32 = 3;

/// A migration whose new rules are there, confirmed by s5 and not yet by s3.
async fn half_way(bench: &Bench) -> Arc<Migration> {
    half_way_of(bench, Bench::request(Algorithm::Clone)).await
}

async fn half_way_of(bench: &Bench, request: Request) -> Arc<Migration> {
    bench.fabric.mood(3, Mood::HoldsBarriers);
    let (migration, ..) = bench.migrations.begin(request, None).await.unwrap();
    until("the new way", || {
        let is_there = |dpid| bench.fabric.routing_rules(dpid).len() == ROUTES as usize;
        is_there(3) && is_there(5)
    })
    .await;
    // What a switch says it says in order.
    let confirming = bench.network.switches().get(DatapathId(5)).unwrap();
    confirming.apply(&[]).await.unwrap();
    migration
}

async fn assert_rolled_back(bench: &Bench, migration: &Migration, because: &str) {
    let (state, error) = bench.end_of(migration).await;
    assert_eq!(state, State::RolledBack, "{error}");
    assert!(error.contains(because), "{error}");
    assert_eq!(bench.fabric.harm(), [""; 0]);
    until("the new way to be empty", || {
        [3, 5]
            .iter()
            .all(|dpid| bench.fabric.routing_rules(*dpid).is_empty())
    })
    .await;
    assert_eq!(bench.fabric.routing_rules(2).len(), ROUTES as usize);
    bench.routing.table().for_each(|_, route| {
        assert_eq!(route.state, RouteState::Active);
        assert!(route.path.hop_at(DatapathId(2)).is_some());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_comes_back_empty_between_two_rounds_sends_everything_back() {
    for forgets in [true, false] {
        let bench = Bench::new().await;
        bench.routes(ROUTES).await;
        let migration = half_way(&bench).await;
        bench.reconnect(5, forgets).await;
        bench.fabric.mood(3, Mood::Well);
        assert_rolled_back(&bench, &migration, "switch 0000000000000005 was away").await;
        // With the network as it was the same migration goes through.
        bench.discovered().await;
        let again = bench.migrate(Algorithm::Clone).await;
        assert_eq!(bench.end_of(&again).await.0, State::Committed);
        assert_eq!(bench.fabric.harm(), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_the_new_way_that_goes_down_between_two_rounds_sends_everything_back() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    let migration = half_way(&bench).await;
    bench.fabric.cut_link(at(5, 2));
    until("the link to be gone", || {
        bench.network.topology().links().count() == 8
    })
    .await;
    bench.fabric.mood(3, Mood::Well);
    assert_rolled_back(&bench, &migration, "is gone").await;
}

/// No port says so: three probes have to be missed.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_the_new_way_that_dies_in_one_direction_between_two_rounds_sends_everything_back()
{
    let dies = |from| async move {
        let bench = Bench::new().await;
        bench.routes(ROUTES).await;
        let mut request = Bench::request(Algorithm::Clone);
        request.bounds.deadline = PATIENCE;
        let migration = half_way_of(&bench, request).await;
        bench.fabric.deafen(from);
        until("one direction to be gone", || {
            let topology = bench.network.topology();
            topology.graph().link_from(from).is_none()
        })
        .await;
        bench.fabric.mood(3, Mood::Well);
        assert_rolled_back(&bench, &migration, "is gone").await;
    };
    // The routes use the first; answers to them would use the other.
    tokio::join!(dies(at(5, 2)), dies(at(4, 3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_hangs_between_two_rounds_is_rid_of_its_rules_when_it_goes_on() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    bench.fabric.mood(5, Mood::HoldsBarriers);
    let migration = bench.migrate(Algorithm::Clone).await;
    until("the first round", || {
        !bench.fabric.routing_rules(5).is_empty()
    })
    .await;
    bench.fabric.mood(3, Mood::Hangs);
    bench.fabric.mood(5, Mood::Well);
    let (state, error) = bench.end_of(&migration).await;
    assert_eq!(state, State::RolledBack);
    let told = "switches that do not answer are put right when they do: 0000000000000003";
    assert!(error.contains(told), "{error}");
    assert_eq!(bench.fabric.routing_rules(5), []);
    bench.fabric.mood(3, Mood::Well);
    bench.discovered().await;
    let again = bench.migrate(Algorithm::Clone).await;
    assert_eq!(bench.end_of(&again).await.0, State::Committed);
    assert_eq!(bench.fabric.harm(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_way_stays_until_every_switch_has_confirmed_that_nothing_leads_there() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    bench.fabric.mood(1, Mood::HoldsBarriers);
    // It must not be taken for gone before it goes on.
    let mut request = Bench::request(Algorithm::Clone);
    request.bounds.deadline = Duration::from_millis(500);
    let (migration, ..) = bench.migrations.begin(request, None).await.unwrap();
    let turned = |rule: &FlowRule| rule.output_ports().eq([PortNo(3)]);
    let is_turned = || bench.fabric.rules(1, turned).len();
    until("the flip", || is_turned() == ROUTES as usize).await;
    let (state, error) = bench.end_of(&migration).await;
    assert_eq!(state, State::RolledBack, "{error}");
    let told = "switches that do not answer are put right when they do: 0000000000000001";
    assert!(error.contains(told), "{error}");
    for dpid in [2, 3, 5] {
        assert_eq!(bench.fabric.routing_rules(dpid).len(), ROUTES as usize);
    }
    bench.fabric.mood(1, Mood::Well);
    until("the new way to be empty", || {
        [3, 5]
            .iter()
            .all(|dpid| bench.fabric.routing_rules(*dpid).is_empty())
    })
    .await;
    assert_eq!(is_turned(), 0);
    assert_eq!(bench.fabric.harm(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_hangs_while_it_is_drained_holds_up_its_removal_and_no_packet() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    bench.fabric.mood(1, Mood::HoldsBarriers);
    let migration = bench.migrate(Algorithm::Clone).await;
    until("the flip", || {
        let turned = |rule: &FlowRule| rule.output_ports().eq([PortNo(3)]);
        bench.fabric.rules(1, turned).len() == ROUTES as usize
    })
    .await;
    bench.fabric.mood(2, Mood::Hangs);
    bench.fabric.mood(1, Mood::Well);
    let drain = || {
        let view = serde_json::to_value(migration.view()).unwrap();
        let phases = view["phases"].as_array().unwrap().clone();
        let drain = phases.iter().find(|phase| phase["name"] == "drain")?;
        drain["duration_us"].as_u64().map(Duration::from_micros)
    };
    until("the end of the drain", || drain().is_some()).await;
    let drained = drain().unwrap();
    assert!(
        drained >= Duration::from_secs(5),
        "it was not at rest: {drained:?}"
    );
    assert!(drained < Duration::from_secs(6), "{drained:?}");
    // It is not done before the source has confirmed that it is empty.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(migration.state(), State::Running);
    assert!(!migration.cancel());
    bench.fabric.mood(2, Mood::Well);
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
    assert_eq!(bench.fabric.routing_rules(2), []);
    assert_eq!(bench.fabric.harm(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirection_that_one_switch_refuses_leaves_nothing_on_the_others() {
    let bench = Bench::new().await;
    let ids = bench.routes(ROUTES).await;
    bench.fabric.mood(1, Mood::Refuses);
    bench.fabric.cut_link(at(2, 2));
    let broken = || bench.routing.table().get(ids[0]).unwrap().state == RouteState::Broken;
    until("the routes to be broken", broken).await;
    // The switches are told at the same time, and one is done before the other.
    let is_empty = |dpid| bench.fabric.routing_rules(dpid).is_empty();
    until("the new way to be taken back", || {
        bench.fabric.refused(1) > 0 && is_empty(3) && is_empty(5)
    })
    .await;
    bench.fabric.mood(1, Mood::Well);
    until("the routes to be mended", || {
        bench.fabric.delivers() && !broken()
    })
    .await;
    until("the old way to be empty", || {
        bench.fabric.routing_rules(2).is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_that_are_taken_away_together_stay_together_when_a_switch_refuses() {
    let bench = Bench::new().await;
    let ids = bench.routes(ROUTES).await;
    // The second of their hops: the first has let go by then.
    bench.fabric.mood(2, Mood::Refuses);
    bench.routing.delete_all(&ids).await.unwrap_err();
    assert!(bench.fabric.refused(2) > 0);
    bench.fabric.mood(2, Mood::Well);
    let is_active = |id: &FlowId| {
        let route = bench.routing.table().get(*id);
        route.is_some_and(|route| route.state == RouteState::Active)
    };
    until("all to be there again", || {
        ids.iter().all(is_active) && bench.fabric.delivers()
    })
    .await;
    assert_eq!(bench.routing.delete_all(&ids).await.unwrap(), ids.len());
    for dpid in 1..=5 {
        assert_eq!(bench.fabric.routing_rules(dpid), []);
    }
    assert_eq!(bench.routing.delete_all(&ids).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counters_of_a_switch_that_lost_its_rules_go_on() {
    let bench = Bench::new().await;
    let ids = bench.routes(1).await;
    let delivered = async || {
        assert!(bench.routing.refresh(&ids, false).await.is_empty());
        let route = bench.routing.table().get(ids[0]).unwrap();
        route.counters.delivered().packets
    };
    bench.fabric.carry(10);
    bench.fabric.age(4, Duration::from_secs(60));
    assert_eq!(delivered().await, 10);
    bench.reconnect(4, true).await;
    until("the rule to be back", || bench.fabric.delivers()).await;
    bench.fabric.carry(3);
    assert_eq!(delivered().await, 13);
    bench.fabric.carry(4);
    assert_eq!(delivered().await, 17);
}
