//! Writes that were only held when the controller ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_controller::held::HeldWrite;
use godwit_controller::{Batch, Slice, Store, SwitchState};
use godwit_openflow::model::{FlowCommand, FlowMod, FlowRule};
use godwit_openflow::types::DatapathId;
use tokio::task::JoinSet;

use crate::bench::{Bench, SOURCE, TARGET, body, until};
use crate::held::{thaw, translated};
use crate::switch::Switch;

/// What is held, in its order.
fn held(bench: &Bench) -> Vec<(FlowCommand, u16, u64)> {
    let listed = bench.network.held().list().into_iter();
    let write = |held: HeldWrite| {
        let rule = held.write.rule;
        (held.write.command, rule.priority, rule.cookie.0)
    };
    listed.map(write).collect()
}

/// Entries 1 and 2 stand; while the source is frozen 3 is asked for, 1 goes and 4 takes its place, which goes too, and 5
/// takes its.
async fn frozen() -> Bench {
    let bench = Bench::new().await;
    assert_eq!(bench.post(body(1)).await, (201, 1));
    assert_eq!(bench.post(body(2)).await, (201, 2));
    bench.network.held().freeze(SOURCE);
    bench.network.held().written(SOURCE).await;
    assert_eq!(bench.post(body(3)).await, (202, 3));
    assert_eq!(bench.delete(1).await, 202);
    assert_eq!(bench.post(body(1)).await, (202, 4));
    assert_eq!(bench.delete(4).await, 202);
    assert_eq!(bench.post(body(1)).await, (202, 5));
    bench
}

/// The records of that when the source keeps its work. Those that stood before are as they were sent.
fn in_the_end() -> [(u64, String, DatapathId); 3] {
    let states = [(2, "installing"), (3, "active"), (5, "active")];
    states.map(|(id, state)| (id, state.to_owned(), SOURCE))
}

fn cookie(bench: &Bench, id: u32) -> u64 {
    let entry = bench.entries.get(id).expect("the entry");
    entry.rule.cookie.0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_held_again_in_its_order_and_made_where_the_work_is() {
    let bench = frozen().await;
    let cookies: Vec<u64> = (1..=5).map(|id| cookie(&bench, id)).collect();
    let bench = bench.restarted_frozen().await;
    let (add, delete) = (FlowCommand::Add, FlowCommand::DeleteStrict);
    let again = [
        (delete, 1, cookies[0]),
        (add, 3, cookies[2]),
        (delete, 1, cookies[3]),
        (add, 1, cookies[4]),
    ];
    assert_eq!(held(&bench), again);
    assert_eq!(bench.get(3).await.1["state"], "queued");
    assert_eq!(bench.get(1).await.1["state"], "leaving");
    // Meanwhile the switch is left as it is, and what is asked for now stands behind.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(bench.source.priorities(), [1, 2]);
    assert_eq!(bench.delete(3).await, 202);
    assert_eq!(bench.post(body(6)).await, (202, 6));
    // It dies once more, in the middle of making them.
    let first = bench.network.held().take(SOURCE);
    assert_eq!(first.len(), again.len() + 2);
    bench
        .target
        .change(&FlowMod::add(translated(&first[1].write.rule)));
    let bench = bench.restarted_frozen().await;
    assert_eq!(held(&bench).len(), again.len() + 1);
    let form = |rule: &FlowRule| Some(Ok(translated(rule)));
    let moved = bench.entries.moved(SOURCE, TARGET, form);
    bench.entries.keep_soon(&moved);
    thaw(&bench, TARGET).await;
    until("the source to be empty", || {
        bench.source.priorities().is_empty()
    })
    .await;
    until("the entries", || bench.target.priorities() == [2, 1, 6]).await;
    let active = |id| (id, "active".to_owned(), TARGET);
    assert_eq!(bench.records().await, [active(2), active(5), active(6)]);
    let there = bench.target.entries();
    let of_five = there.iter().find(|rule| rule.priority == 1);
    assert_eq!(of_five.expect("entry 5").cookie.0, cookies[4]);
    // The next run has nothing to do.
    let bench = bench.restarted().await;
    assert_eq!(bench.target.entries(), there);
    assert!(held(&bench).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_for_a_switch_that_is_not_frozen_again_is_there_or_gone_on_the_disk_too() {
    let bench = frozen().await;
    let bench = bench.restarted().await;
    until("the entries", || bench.source.priorities() == [2, 3, 1]).await;
    assert_eq!(bench.records().await, in_the_end());
    assert_eq!(bench.post(body(7)).await, (201, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_was_promised_is_not_put_on_a_switch_that_is_drained() {
    let bench = Bench::new().await;
    bench.network.held().freeze(SOURCE);
    assert_eq!(bench.post(body(1)).await, (202, 1));
    // As if it was about to be held when the last of what was held had been made.
    bench.network.set_state(SOURCE, SwitchState::Drained).await;
    let bench = bench.restarted().await;
    assert_eq!(bench.get(1).await.0, 404);
    assert!(bench.source.priorities().is_empty());
    assert_eq!(bench.records().await, []);
    assert_eq!(bench.post(body(1)).await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_held_write_is_kept_only_when_that_is_said() {
    let bench = frozen().await;
    let queued = |id| (id, "queued".to_owned(), SOURCE);
    let removing = |id| (id, "removing".to_owned(), SOURCE);
    let before = bench.records().await;
    assert_eq!(before[2..], [queued(3), removing(4), queued(5)]);
    let mut settled = Vec::new();
    for held in bench.network.held().take(SOURCE) {
        let rule = held.write.rule.clone();
        settled.extend(bench.entries.settled(&held, Ok((SOURCE, rule))));
    }
    assert_eq!(settled, [3, 1, 4, 4, 5]);
    assert_eq!(bench.records().await, before);
    // Together with whatever else is to be written.
    let mut batch = Batch::default();
    bench.entries.put(&settled, &mut batch).unwrap();
    batch.put(Slice::VALUES, 99, &1).unwrap();
    bench.network.store().write(batch).await.unwrap();
    assert_eq!(bench.records().await, in_the_end());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_given_up_before_a_migration_put_it_there_again_is_taken_away_when_that_is_over() {
    let bench = Bench::new().await;
    let (_, id) = bench.post(body(1)).await;
    let stood = bench.source.entries()[0].clone();
    assert_eq!(bench.delete(id).await, 204);
    let lease = bench.entries.lease([SOURCE].into());
    bench.reconnect(SOURCE, true).await;
    bench.source.change(&FlowMod::add(stood));
    drop(lease);
    until("the entry to be gone", || {
        bench.source.priorities().is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_ask_for_at_once_is_on_the_disk_when_it_is_answered() {
    const WRITERS: u16 = 100;
    const EACH: u16 = 10;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("godwit.redb");
    let store = Store::open(&path).unwrap();
    let switches = [SOURCE, TARGET].map(Switch::new);
    let bench = Arc::new(Bench::with(store, switches).await);
    bench.network.held().freeze(SOURCE);
    let begun = Instant::now();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let bench = Arc::clone(&bench);
        writers.spawn(async move {
            for number in 1..=EACH {
                let (status, _) = bench.post(body(writer * EACH + number)).await;
                assert_eq!(status, 202);
            }
        });
    }
    while let Some(wrote) = writers.join_next().await {
        wrote.unwrap();
    }
    let took = begun.elapsed();
    println!("{WRITERS} clients, {} writes: {took:?}", WRITERS * EACH);
    // Each is on the disk: another who opens a copy finds it.
    let copy = directory.path().join("copy.redb");
    std::fs::copy(&path, &copy).unwrap();
    let copy = Store::open(&copy).unwrap();
    let records = copy.load::<serde_json::Value>(Slice::ENTRIES).unwrap();
    assert_eq!(records.len(), usize::from(WRITERS * EACH));
    assert_eq!(bench.network.held().list().len(), records.len());
}
