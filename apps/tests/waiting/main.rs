//! Migrations that wait for one another, and limits on them, on the switches in memory of `tests/lab`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "../lab/bench.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod bench;
#[path = "../lab/fabric.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod fabric;
#[path = "../lab/flow_table.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod flow_table;

use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_apps::migration::BeginError;
use godwit_apps::migration::guard::Limits;
use godwit_apps::migration::record::{Migration, State};
use godwit_apps::migration::request::{Algorithm, Request};
use godwit_openflow::types::DatapathId;
use tokio::task::JoinSet;

use bench::{Bench, until};
use fabric::Mood;

/// A request that waits if it has to.
fn patient(source: u64, target: u64) -> Request {
    Request {
        source: DatapathId(source),
        target: Some(DatapathId(target)),
        queue: true,
        ..Bench::request(Algorithm::Clone)
    }
}

async fn begin(bench: &Bench, request: Request) -> Result<Arc<Migration>, BeginError> {
    let begun = bench.migrations.begin(request, None).await?;
    Ok(begun.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_begun_when_the_switches_are_given_back() {
    let bench = Bench::new().await;
    bench.routes(2).await;
    // The first hangs in its install, so that the others are sure to come while it is under way.
    bench.fabric.mood(3, Mood::HoldsBarriers);
    let first = {
        let migrations = bench.migrations.clone();
        tokio::spawn(async move { migrations.begin(patient(2, 3), None).await })
    };
    until("the first", || bench.migrations.list().len() == 1).await;
    let second = begin(&bench, patient(3, 2)).await.unwrap();
    let third = begin(&bench, patient(5, 2)).await.unwrap();
    let ids: Vec<_> = bench.migrations.list().iter().map(|one| one.id()).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!([second.state(), third.state()], [State::Planned; 2]);
    // Without waiting, the answer is whose turn it is.
    let eager = Request {
        queue: false,
        ..patient(5, 2)
    };
    let refused = begin(&bench, eager).await.unwrap_err();
    assert!(matches!(refused, BeginError::Overlaps { other: 1..=3, .. }));
    // One that has given up waiting lets the others past.
    assert!(bench.migrations.cancel(&second));
    assert_eq!(
        bench.end_of(&second).await,
        (State::RolledBack, "cancelled".to_owned())
    );
    bench.fabric.mood(3, Mood::Well);
    let first = first.await.unwrap().unwrap().0;
    assert_eq!(bench.end_of(&first).await.0, State::Committed);
    // Switch 2 is drained by now.
    let (state, why) = bench.end_of(&third).await;
    assert_eq!(state, State::RolledBack);
    assert!(why.contains("is drained already"), "{why}");
    assert!(!bench.migrations.cancel(&third));
    assert_eq!(bench.fabric.harm(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_all_come_to_an_end() {
    let bench = Bench::new().await;
    bench.routes(3).await;
    let mut asked = JoinSet::new();
    for number in 0..50_u64 {
        let [source, target] = [[2, 3], [3, 2], [5, 2], [2, 5], [3, 5]][number as usize % 5];
        let request = Request {
            queue: number % 3 != 0,
            ..patient(source, target)
        };
        let migrations = bench.migrations.clone();
        asked.spawn(async move { migrations.begin(request, None).await });
    }
    let answers = asked.join_all().await;
    let begun: Vec<_> = answers.into_iter().flatten().map(|(one, _)| one).collect();
    assert!(!begun.is_empty());
    for one in &begun {
        let (state, why) = bench.end_of(one).await;
        assert!(
            matches!(state, State::Committed | State::RolledBack),
            "{state:?}: {why}"
        );
    }
    assert_eq!(bench.fabric.harm(), [""; 0]);
    until("every switch given back", || {
        (1..=5).all(|dpid| bench.migrations.touching(DatapathId(dpid)).is_none())
    })
    .await;
    assert!(bench.fabric.delivers());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_wait_than_may() {
    let bench = Bench::new().await;
    bench.routes(1).await;
    bench.fabric.mood(3, Mood::HoldsBarriers);
    let first = {
        let migrations = bench.migrations.clone();
        tokio::spawn(async move { migrations.begin(patient(2, 3), None).await })
    };
    until("the first", || bench.migrations.list().len() == 1).await;
    let mut waiting = Vec::new();
    for _ in 0..100 {
        waiting.push(begin(&bench, patient(2, 3)).await.unwrap());
    }
    assert_eq!(
        begin(&bench, patient(2, 3)).await.unwrap_err(),
        BeginError::Crowded
    );
    bench.fabric.mood(3, Mood::Well);
    assert!(first.await.unwrap().is_ok());
    for one in &waiting {
        assert_eq!(bench.end_of(one).await.0, State::RolledBack);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_watched_for_a_while_before_the_way_back_is_given_up() {
    let bench = Bench::new().await;
    bench.routes(3).await;
    let guarded = Request {
        limits: Limits {
            max_loss_packets: Some(0),
            max_silence_ms: Some(100),
        },
        ..Bench::request(Algorithm::Clone)
    };
    let migration = begin(&bench, guarded).await.unwrap();
    until("the new way", || !bench.fabric.routing_rules(3).is_empty()).await;
    let flipped = Instant::now();
    while !migration.state().is_final() {
        bench.fabric.carry(20);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
    assert!(flipped.elapsed() >= Duration::from_secs(1));
    assert_eq!(bench.fabric.harm(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_can_not_be_watched_send_the_migration_back() {
    let bench = Bench::new().await;
    let ids = bench.routes(1).await;
    let guarded = Request {
        limits: Limits {
            max_loss_packets: Some(0),
            max_silence_ms: None,
        },
        ..Bench::request(Algorithm::Clone)
    };
    let migration = begin(&bench, guarded).await.unwrap();
    until("the new way", || !bench.fabric.routing_rules(3).is_empty()).await;
    until("the flip", || {
        let first = bench.fabric.routing_rules(1);
        first
            .iter()
            .any(|rule| rule.output_ports().next().map(|port| port.0) == Some(3))
    })
    .await;
    // The last hop, whose rule no longer changes, says nothing any more.
    bench.fabric.mood(4, Mood::Hangs);
    tokio::time::sleep(Duration::from_millis(7_500)).await;
    bench.fabric.mood(4, Mood::Well);
    let (state, why) = bench.end_of(&migration).await;
    assert_eq!(state, State::RolledBack, "{why}");
    assert!(why.contains("can't be watched"), "{why}");
    assert_eq!(bench.fabric.harm(), [""; 0]);
    assert_eq!(bench.fabric.routing_rules(2).len(), ids.len());
}
