//! Entries from their beginning to their end, over restarts of switches and of the controller.

use std::time::Duration;

use godwit_controller::{Batch, Slice};
use godwit_openflow::model::{FlowMod, FlowRule, Pattern};
use serde_json::json;

use crate::bench::{Bench, SOURCE, body, until};

#[tokio::test(flavor = "multi_thread")]
async fn entries_survive_their_switch_and_the_controller_and_numbers_are_never_used_again() {
    let bench = Bench::new().await;
    assert_eq!(bench.post(body(1)).await, (201, 1));
    assert_eq!(bench.post(body(2)).await, (201, 2));
    assert_eq!(bench.post(body(3)).await, (201, 3));
    assert_eq!(bench.delete(3).await, 204);
    bench.reconnect(SOURCE, true).await;
    assert_eq!(bench.source.priorities(), [1, 2]);
    let bench = bench.restarted().await;
    assert_eq!(bench.source.priorities(), [1, 2]);
    assert_eq!(bench.post(body(2)).await.0, 409);
    assert_eq!(bench.post(body(4)).await, (201, 4));
    assert_eq!(bench.delete(1).await, 204);
    let bench = bench.restarted().await;
    assert_eq!(bench.source.priorities(), [2, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_or_going_when_the_controller_ended_is_there_or_gone_afterwards() {
    let bench = Bench::new().await;
    let (_, going) = bench.post(body(1)).await;
    bench.network.held().freeze(SOURCE);
    assert_eq!(bench.post(body(2)).await.0, 202);
    assert_eq!(bench.delete(going).await, 202);
    let bench = bench.restarted().await;
    assert_eq!(bench.source.priorities(), [2]);
    assert_eq!(bench.get(going).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_that_the_switch_refuses_in_part_leaves_nothing() {
    let bench = Bench::new().await;
    bench.source.refuse(7);
    let many: Vec<_> = (1..=20).map(body).collect();
    let (status, problem) = bench
        .http("POST", "/v1/switches/s1/rules", Some(json!(many)))
        .await;
    assert_eq!((status, &problem["field"]), (422, &"[6]".into()));
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("OFPFMFC_TABLE_FULL")
    );
    assert!(bench.source.priorities().is_empty());
    assert!(bench.entries.list().is_empty());
    assert!(bench.restarted().await.entries.list().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_of_somebody_else_stays_whatever_is_asked_for() {
    let bench = Bench::new().await;
    let theirs = FlowRule::new(
        9,
        Pattern::new().in_port(godwit_openflow::types::PortNo(1)),
        Vec::new(),
    );
    bench.source.change(&FlowMod::add(theirs));
    let (status, problem) = bench
        .http("POST", "/v1/switches/s1/rules", Some(body(9)))
        .await;
    assert_eq!(status, 422);
    assert!(
        problem["reasons"][0]
            .as_str()
            .unwrap()
            .contains("priority 9")
    );
    assert!(bench.source.priorities().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_ends_with_its_timeout() {
    let bench = Bench::new().await;
    let mut asked = body(1);
    asked["idle_timeout"] = json!(60);
    let (_, idle) = bench.post(asked).await;
    bench.source.expire(1);
    until("its end", || bench.entries.get(idle).is_none()).await;
    let mut asked = body(2);
    asked["hard_timeout"] = json!(1);
    let (_, hard) = bench.post(asked).await;
    // The switch is away when it times out, and says nothing of it later.
    bench.source.unplug();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    bench.reconnect(SOURCE, true).await;
    until("its end", || bench.entries.get(hard).is_none()).await;
    assert!(bench.source.priorities().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_comes_back_with_what_is_left_of_its_hard_timeout() {
    let bench = Bench::new().await;
    let mut asked = body(1);
    asked["hard_timeout"] = json!(100);
    bench.post(asked).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    bench.reconnect(SOURCE, true).await;
    let left = bench.source.entries()[0].hard_timeout;
    assert!((90..100).contains(&left), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_given_up_while_its_switch_is_away_goes_when_it_is_back() {
    let bench = Bench::new().await;
    let (_, id) = bench.post(body(1)).await;
    bench.post(body(2)).await;
    bench.source.unplug();
    until("the switch to be gone", || {
        bench.network.switches().get(SOURCE).is_none()
    })
    .await;
    assert_eq!(bench.delete(id).await, 202);
    bench.reconnect(SOURCE, false).await;
    assert_eq!(bench.source.priorities(), [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_cant_be_read_stay_where_they_are_and_none_is_made() {
    let bench = Bench::new().await;
    bench.post(body(1)).await;
    let mut damage = Batch::default();
    damage.put(Slice::ENTRIES, 5, &"nonsense").unwrap();
    bench.network.store().write(damage).await.unwrap();
    let bench = bench.restarted().await;
    assert_eq!(bench.source.priorities(), [1]);
    let (status, problem) = bench
        .http("POST", "/v1/switches/s1/rules", Some(body(2)))
        .await;
    assert_eq!(status, 503);
    assert!(problem["detail"].as_str().unwrap().contains("record 5"));
}
