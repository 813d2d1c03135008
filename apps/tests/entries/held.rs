//! Entries that are asked for, or given up, while their switch is frozen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use godwit_controller::Round;
use godwit_openflow::model::{FlowMod, FlowRule};
use godwit_openflow::types::{Cookie, DatapathId, PortNo};
use serde_json::json;

use crate::bench::{Bench, SOURCE, TARGET, body, until};

/// As on the source, with the ports of the target.
pub(crate) fn translated(rule: &FlowRule) -> FlowRule {
    let mut rule = rule.clone();
    rule.pattern = rule.pattern.in_port(PortNo(7));
    rule
}

/// Makes what is held for the source on `place`, one after another, until nothing is held.
pub(crate) async fn thaw(bench: &Bench, place: DatapathId) {
    let mut settled = Vec::new();
    loop {
        let held = bench.network.held().take(SOURCE);
        if held.is_empty() {
            return bench.entries.keep_soon(&settled);
        }
        for held in held {
            let mut write = held.write.clone();
            if place == TARGET {
                write.rule = translated(&write.rule);
            }
            let round: Round = [(place, write.clone())].into_iter().collect();
            let outcome = match round.apply(bench.network.switches()).await {
                Ok(()) => Ok((place, write.rule)),
                Err(error) => Err(error.to_string()),
            };
            settled.extend(bench.entries.settled(&held, outcome));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_while_frozen_is_held_and_visible_and_comes_to_the_new_place() {
    let bench = Bench::new().await;
    let (_, old) = bench.post(body(1)).await;
    bench.network.held().freeze(SOURCE);
    bench.network.held().written(SOURCE).await;
    let (status, made) = bench
        .http(
            "POST",
            "/v1/switches/s1/rules",
            Some(json!([body(2), body(3)])),
        )
        .await;
    assert_eq!(
        (status, &made[0]["queued"], &made[1]["queued"]),
        (202, &true.into(), &true.into())
    );
    let second = u32::try_from(made[0]["id"].as_u64().unwrap()).unwrap();
    assert_eq!(bench.delete(old).await, 202);
    assert_eq!(bench.delete(old).await, 409);
    // What is going is in nobody's way.
    let (status, again) = bench.post(body(1)).await;
    assert_eq!(status, 202);
    assert_eq!(bench.post(body(2)).await.0, 409);
    assert_eq!(bench.get(second).await.1["state"], "queued");
    let (_, queued) = bench.http("GET", "/v1/queued", None).await;
    let commands: Vec<_> = queued
        .as_array()
        .unwrap()
        .iter()
        .map(|held| {
            (
                held["command"].as_str().unwrap(),
                held["priority"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        commands,
        [("add", 2), ("add", 3), ("delete_strict", 1), ("add", 1)]
    );
    assert_eq!(
        (&queued[0]["writer"], &queued[0]["dpid"]),
        (&"entries".into(), &SOURCE.to_string().into())
    );
    assert_eq!(bench.source.priorities(), [1]);

    // The migration has moved the old one already.
    let form = |rule: &FlowRule| Some(Ok(translated(rule)));
    let moved = bench.entries.moved(SOURCE, TARGET, form);
    // Of those that are held nothing is written down before they are made: one that is only about to be held may be given up.
    assert_eq!(moved, [old].into());
    bench.entries.keep_soon(&moved);
    let there = translated(&bench.source.entries()[0]);
    bench.target.change(&FlowMod::add(there));
    thaw(&bench, TARGET).await;
    assert_eq!(bench.target.priorities(), [2, 3, 1]);
    assert_eq!(bench.get(old).await.0, 404);
    let (_, entry) = bench.get(second).await;
    assert_eq!(
        (&entry["state"], &entry["place"]),
        (&"active".into(), &TARGET.to_string().into())
    );
    let by_place = format!("/v1/switches/s2/rules/{again}");
    assert_eq!(bench.http("GET", &by_place, None).await.0, 200);
    assert_eq!(bench.delete(second).await, 204);
    assert_eq!(bench.http("DELETE", &by_place, None).await.0, 204);
    assert_eq!(bench.target.priorities(), [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_when_its_time_comes_stays_listed_with_the_reason() {
    let bench = Bench::new().await;
    bench.network.held().freeze(SOURCE);
    let (_, id) = bench.post(body(5)).await;
    let (_, other) = bench.post(body(6)).await;
    bench.source.refuse(5);
    thaw(&bench, SOURCE).await;
    let (_, entry) = bench.get(id).await;
    assert_eq!(entry["state"], "refused");
    let why = entry["error"].as_str().unwrap();
    assert!(why.contains("OFPFMFC_TABLE_FULL"), "{why}");
    let (_, all) = bench.http("GET", "/v1/entries", None).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(bench.get(other).await.1["state"], "active");
    // It is in nobody's way, and no switch gets it.
    bench.reconnect(SOURCE, true).await;
    assert_eq!(bench.source.priorities(), [6]);
    assert_eq!(bench.delete(id).await, 204);
    assert_eq!(bench.entries.list().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_switch_that_comes_back_is_left_as_it_is_until_it_is_thawed() {
    let bench = Bench::new().await;
    bench.post(body(1)).await;
    bench.network.held().freeze(SOURCE);
    bench.post(body(2)).await;
    bench.reconnect(SOURCE, true).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(bench.source.priorities().is_empty());
    thaw(&bench, SOURCE).await;
    until("both", || bench.source.priorities() == [1, 2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_writes_through_freezes_and_thaws_are_all_in_force_once() {
    const WRITES: u16 = 1_000;
    let bench = Bench::new().await;
    let done = AtomicBool::new(false);
    let work = async {
        let mut held = 0;
        for priority in 1..=WRITES {
            let (status, id) = bench.post(body(priority)).await;
            assert!(matches!(status, 201 | 202), "{status}");
            held += u16::from(status == 202);
            // Every third goes again.
            if priority % 3 == 0 {
                let mut status = bench.delete(id).await;
                while status == 409 {
                    // What was held for it is being made at this moment.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    status = bench.delete(id).await;
                }
                assert!(matches!(status, 202 | 204), "{status}");
            }
        }
        done.store(true, Ordering::Relaxed);
        held
    };
    let freezing = async {
        while !done.load(Ordering::Relaxed) {
            bench.network.held().freeze(SOURCE);
            bench.network.held().written(SOURCE).await;
            let before = bench.source.priorities();
            tokio::time::sleep(Duration::from_millis(15)).await;
            assert_eq!(bench.source.priorities(), before);
            thaw(&bench, SOURCE).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (held, ()) = tokio::join!(work, freezing);
    let wanted: Vec<u16> = (1..=WRITES).filter(|priority| priority % 3 != 0).collect();
    assert!(bench.source.priorities() == wanted, "some are lost");
    assert!(
        bench
            .entries
            .list()
            .iter()
            .all(|(_, entry)| entry.rule.cookie != Cookie(0))
    );
    assert_eq!(bench.entries.list().len(), wanted.len());
    assert!((50..950).contains(&held), "{held} were held");
}
