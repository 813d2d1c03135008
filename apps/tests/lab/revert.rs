//! Back to the source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use godwit_apps::migration::BeginError;
use godwit_apps::migration::record::{Migration, State};
use godwit_apps::migration::request::{Algorithm, Request};
use godwit_apps::routing::install::Wish;
use godwit_apps::routing::table::State as RouteState;
use godwit_controller::SwitchState;
use godwit_openflow::model::FlowRule;
use serde_json::Value;

use crate::bench::{Bench, HERE, SOURCE, TARGET, THERE, packet, until, wish};
use crate::fabric::{Mood, at};

const ROUTES: u32 = 3;
const PROBLEM: &str = "application/problem+json";

/// The rules of all switches, in a fixed order: cookies, priorities, matches, actions, all.
fn tables(bench: &Bench) -> BTreeMap<u64, Vec<FlowRule>> {
    let table = |dpid| {
        let mut rules = bench.fabric.rules(dpid, |_| true);
        rules.sort_by_key(|rule| (rule.cookie.0, rule.priority, rule.pattern.to_string()));
        (dpid, rules)
    };
    (1..=5).map(table).collect()
}

/// A migration that is committed.
async fn committed(bench: &Bench, request: Request) -> Arc<Migration> {
    let (migration, _) = bench.migrations.begin(request, None).await.unwrap();
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
    migration
}

fn held(hold: Duration) -> Request {
    Request {
        hold,
        ..Bench::request(Algorithm::Clone)
    }
}

async fn revert(bench: &Bench, migration: &Migration) -> Result<Arc<Migration>, BeginError> {
    let begun = bench.migrations.revert(migration.id(), None).await;
    begun.map(|(migration, _)| migration)
}

async fn revert_by_rest(bench: &Bench, id: u64) -> (u16, Value) {
    let (status, kind, body) = bench
        .http("POST", &format!("/v1/migrations/{id}/revert"))
        .await;
    assert_eq!(kind == PROBLEM, status >= 400);
    (status, body)
}

async fn record(bench: &Bench, id: u64) -> Value {
    bench.http("GET", &format!("/v1/migrations/{id}")).await.2
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_gives_exactly_what_was_there_whatever_the_algorithm_and_the_target() {
    for algorithm in [Algorithm::Clone, Algorithm::Move, Algorithm::FreezeCopy] {
        for target in [Some(TARGET), None] {
            let bench = Bench::new().await;
            let ids = bench.routes(ROUTES).await;
            bench.fabric.carry(10);
            let before = tables(&bench);
            let request = Request {
                target,
                ..Bench::request(algorithm)
            };
            let migration = committed(&bench, request).await;
            assert_ne!(tables(&bench), before);
            let harm = bench.fabric.harm();
            bench.fabric.carry(5);
            let back = revert(&bench, &migration).await.unwrap();
            assert_eq!(bench.end_of(&back).await, (State::Committed, String::new()));
            assert_eq!(tables(&bench), before);
            assert_eq!(bench.fabric.harm(), harm, "the way back harms nothing");
            for dpid in [SOURCE, TARGET] {
                assert_eq!(bench.network.state(dpid), SwitchState::Active);
            }
            bench.fabric.carry(1);
            assert!(bench.routing.refresh(&ids, false).await.is_empty());
            let expected = match algorithm {
                Algorithm::FreezeCopy => 6,
                Algorithm::Move | Algorithm::Clone => 16,
            };
            for id in ids {
                let route = bench.routing.table().get(id).unwrap();
                assert_eq!(route.counters.delivered().packets, expected);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_records_name_each_other() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    let migration = committed(&bench, held(Duration::from_secs(60))).await;
    let first = record(&bench, migration.id()).await;
    let finished = humantime::parse_rfc3339(first["finished_at"].as_str().unwrap()).unwrap();
    let until = humantime::parse_rfc3339(first["hold_until"].as_str().unwrap()).unwrap();
    assert_eq!(
        until.duration_since(finished).unwrap(),
        Duration::from_secs(60)
    );
    let (status, accepted) = revert_by_rest(&bench, migration.id()).await;
    assert_eq!(
        (status, &accepted["reverts"]),
        (202, &migration.id().into())
    );
    let back = bench.migrations.get(accepted["id"].as_u64().unwrap());
    let back = back.unwrap();
    assert_eq!(bench.end_of(&back).await.0, State::Committed);
    let (first, second) = (
        record(&bench, migration.id()).await,
        record(&bench, back.id()).await,
    );
    assert_eq!(first["reverted_by"], back.id());
    assert_eq!(first["hold_until"], Value::Null);
    assert_eq!(second["algorithm"], "clone");
    assert_eq!(second["hold_until"], Value::Null);
    // Neither can be reverted now.
    let (status, problem) = revert_by_rest(&bench, migration.id()).await;
    assert_eq!(status, 409);
    let other = format!("/v1/migrations/{}", back.id());
    assert_eq!(problem["conflicts_with"], other);
    assert_eq!(revert_by_rest(&bench, back.id()).await.0, 409);
    assert_eq!(revert_by_rest(&bench, 77).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_hold_there_is_no_way_back() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    for hold in [Duration::ZERO, Duration::from_millis(50)] {
        let migration = committed(&bench, held(hold)).await;
        tokio::time::sleep(hold).await;
        let (status, problem) = revert_by_rest(&bench, migration.id()).await;
        assert_eq!(status, 409, "{problem}");
        let shown = record(&bench, migration.id()).await;
        assert_eq!(shown["hold_until"], Value::Null);
        assert_eq!(bench.network.state(SOURCE), SwitchState::Drained);
        assert_eq!(bench.http("POST", "/v1/switches/0x2/restore").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_under_way_is_cancelled_and_not_reverted() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    bench.fabric.mood(3, Mood::HoldsBarriers);
    let migration = bench.migrate(Algorithm::Clone).await;
    let (status, problem) = revert_by_rest(&bench, migration.id()).await;
    assert_eq!(status, 409, "{problem}");
    bench.fabric.mood(3, Mood::Well);
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_routes_only_those_that_are_still_there_go_back() {
    let bench = Bench::new().await;
    let ids = bench.routes(ROUTES).await;
    let migration = committed(&bench, Bench::request(Algorithm::Clone)).await;
    let deleted = format!("/v1/routes/{}", ids[0]);
    assert_eq!(bench.http("DELETE", &deleted).await.0, 204);
    let since = bench.create(vec![wish(70)]).await.unwrap()[0];
    let back = revert(&bench, &migration).await.unwrap();
    assert_eq!(bench.end_of(&back).await.0, State::Committed);
    let on_source = |id| {
        let route = bench.routing.table().get(id).unwrap();
        assert_eq!(route.state, RouteState::Active);
        route.path.hop_at(SOURCE).is_some()
    };
    assert!(on_source(ids[1]) && on_source(ids[2]) && !on_source(since));
    assert_eq!(bench.fabric.routing_rules(2).len(), 2);
    assert_eq!(bench.fabric.routing_rules(3).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_the_old_paths_that_is_gone_refuses_and_nothing_is_touched() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    let migration = committed(&bench, Bench::request(Algorithm::Clone)).await;
    let before = tables(&bench);
    bench.fabric.cut_link(at(2, 2));
    until("the link to be gone", || {
        bench.network.topology().links().count() == 8
    })
    .await;
    let (status, problem) = revert_by_rest(&bench, migration.id()).await;
    assert_eq!(status, 422);
    let reasons = problem["reasons"].to_string();
    assert!(reasons.contains("the link from"), "{problem}");
    bench.fabric.unplug(2);
    until("the source to be away", || {
        bench.network.switches().get(SOURCE).is_none()
    })
    .await;
    let (status, problem) = revert_by_rest(&bench, migration.id()).await;
    assert_eq!(status, 422);
    let reasons = problem["reasons"].to_string();
    assert!(reasons.contains("is not connected"), "{problem}");
    assert_eq!(tables(&bench), before);
    assert_eq!(bench.network.state(SOURCE), SwitchState::Drained);
    assert!(bench.migrations.touching(SOURCE).is_none());
}

/// The way back, with the rules on the source confirmed not before the source is well.
async fn half_way_back(bench: &Bench, migration: &Migration) -> Arc<Migration> {
    bench.fabric.mood(2, Mood::HoldsBarriers);
    let back = revert(bench, migration).await.unwrap();
    until("the rules at the source", || {
        bench.fabric.routing_rules(2).len() == ROUTES as usize
    })
    .await;
    back
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_that_rolls_back_leaves_the_source_drained_and_can_be_tried_again() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    let before = tables(&bench);
    let migration = committed(&bench, Bench::request(Algorithm::Clone)).await;
    let moved = tables(&bench);
    let back = half_way_back(&bench, &migration).await;
    assert_eq!(bench.network.state(SOURCE), SwitchState::Frozen);
    // Under way it is a migration like any other.
    let under_way = format!("/v1/migrations/{}", back.id());
    let (status, problem) = revert_by_rest(&bench, migration.id()).await;
    assert_eq!(
        (status, &problem["conflicts_with"]),
        (409, &under_way.as_str().into())
    );
    let (status, _, problem) = bench.http("POST", "/v1/switches/0x2/restore").await;
    assert_eq!(
        (status, &problem["conflicts_with"]),
        (409, &under_way.as_str().into())
    );
    assert_eq!(bench.http("DELETE", &under_way).await.0, 202);
    bench.fabric.mood(2, Mood::Well);
    let ended = bench.end_of(&back).await;
    assert_eq!(ended, (State::RolledBack, "cancelled".to_owned()));
    assert_eq!(tables(&bench), moved);
    assert_eq!(bench.network.state(SOURCE), SwitchState::Drained);
    assert_eq!(
        record(&bench, migration.id()).await["reverted_by"],
        Value::Null
    );
    let again = revert(&bench, &migration).await.unwrap();
    assert_eq!(bench.end_of(&again).await.0, State::Committed);
    assert_eq!(tables(&bench), before);
    assert_eq!(bench.network.state(SOURCE), SwitchState::Active);
    assert_eq!(bench.fabric.harm(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_in_service_stays_so_when_its_revert_rolls_back() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    let migration = committed(&bench, Bench::request(Algorithm::Clone)).await;
    assert_eq!(bench.http("POST", "/v1/switches/0x2/restore").await.0, 200);
    let back = half_way_back(&bench, &migration).await;
    assert_eq!(bench.network.state(SOURCE), SwitchState::Active);
    assert!(back.cancel());
    bench.fabric.mood(2, Mood::Well);
    assert_eq!(bench.end_of(&back).await.0, State::RolledBack);
    assert_eq!(bench.network.state(SOURCE), SwitchState::Active);
    assert_eq!(bench.fabric.harm(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gives_the_same_way_back() {
    let bench = Bench::new().await;
    bench.routes(ROUTES).await;
    let migration = committed(&bench, Bench::request(Algorithm::Clone)).await;
    let key = || Some("a key".to_owned());
    let revert = async || bench.migrations.revert(migration.id(), key()).await;
    let (back, fresh) = revert().await.unwrap();
    assert_eq!(bench.end_of(&back).await.0, State::Committed);
    let (same, again) = revert().await.unwrap();
    assert_eq!((same.id(), fresh, again), (back.id(), true, false));
    let other = bench
        .migrations
        .begin(Bench::request(Algorithm::Clone), key())
        .await;
    assert!(matches!(other, Err(BeginError::KeyReused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_routes_of_its_own_keeps_them() {
    let bench = Bench::new().await;
    let ids = bench.routes(ROUTES).await;
    let migration = committed(&bench, Bench::request(Algorithm::Clone)).await;
    let own = bench.create(vec![wish(70)]).await.unwrap()[0];
    bench.fabric.watch(&packet(70), HERE, THERE);
    let back = revert(&bench, &migration).await.unwrap();
    assert_eq!(bench.end_of(&back).await.0, State::Committed);
    assert_eq!(bench.fabric.harm(), [""; 0]);
    let path = bench.routing.table().get(own).unwrap().path;
    assert!(path.hop_at(TARGET).is_some());
    // What each switch counted while it carried a route is not lost on the way.
    let counters = bench.routing.table().get(ids[0]).unwrap().counters;
    let carried = counters.on_switch(SOURCE).unwrap().carried_over().unwrap();
    assert_eq!(carried.from, TARGET);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_had_to_cross_the_source_has_to_again() {
    let bench = Bench::new().await;
    let asked = Wish {
        via: vec![SOURCE],
        ..wish(0)
    };
    let id = bench.create(vec![asked]).await.unwrap()[0];
    let via = || bench.routing.table().get(id).unwrap().via;
    let migration = committed(&bench, Bench::request(Algorithm::Clone)).await;
    assert_eq!(via(), [TARGET]);
    let back = revert(&bench, &migration).await.unwrap();
    assert_eq!(bench.end_of(&back).await.0, State::Committed);
    assert_eq!(via(), [SOURCE]);
}
