//! Entries whose switch is being emptied.

use std::collections::BTreeSet;
use std::time::Duration;

use godwit_openflow::model::FlowMod;
use serde_json::json;

use crate::bench::{Bench, SOURCE, TARGET, body, until};
use crate::held::translated;

async fn moved(bench: &Bench) {
    let translate = |rule: &_| Some(Ok(translated(rule)));
    let moved = bench.entries.moved(SOURCE, TARGET, translate);
    bench.entries.keep_soon(&moved);
    bench.network.store().flush().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_have_moved_belong_to_their_new_switch_also_after_a_restart() {
    let bench = Bench::new().await;
    let (_, id) = bench.post(body(1)).await;
    let there = translated(&bench.source.entries()[0]);
    {
        let _lease = bench.entries.lease(BTreeSet::from([SOURCE, TARGET]));
        bench.target.change(&FlowMod::add(there.clone()));
        // While they are leased, both switches keep what they have.
        bench.reconnect(SOURCE, false).await;
        bench.reconnect(TARGET, false).await;
        assert_eq!(
            (bench.source.priorities(), bench.target.priorities()),
            (vec![1], vec![1])
        );
        moved(&bench).await;
    }
    until("the source to be empty", || {
        bench.source.priorities().is_empty()
    })
    .await;
    assert!(bench.target.entries().iter().eq([&there]));
    bench.reconnect(TARGET, true).await;
    assert!(bench.target.entries().iter().eq([&there]));
    let bench = bench.restarted().await;
    assert_eq!(bench.target.entries(), [there]);
    assert!(bench.source.priorities().is_empty());
    assert_eq!(bench.delete(id).await, 204);
    assert!(bench.target.priorities().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_cant_stand_at_the_new_place_is_refused_with_the_reason() {
    let bench = Bench::new().await;
    let (_, id) = bench.post(body(1)).await;
    let translate = |_: &_| Some(Err("the target has no such port".to_owned()));
    assert!(bench.entries.moved(SOURCE, TARGET, translate).contains(&id));
    let (_, entry) = bench.get(id).await;
    assert_eq!(
        (&entry["state"], &entry["error"]),
        (&"refused".into(), &"the target has no such port".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbours_entry_reads_as_the_migration_left_it() {
    let bench = Bench::new().await;
    bench.post(body(1)).await;
    let mut changed = bench.source.entries()[0].clone();
    changed.instructions.clear();
    assert_eq!(bench.entries.changed(TARGET, &changed), None);
    let id = bench.entries.changed(SOURCE, &changed);
    assert_eq!(id, Some(1));
    bench.entries.keep_soon(&id);
    bench.network.store().flush().await.unwrap();
    let bench = bench.restarted().await;
    assert_eq!(bench.source.entries(), [changed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_timed_out_where_it_was_going_ends_only_if_it_gets_there() {
    let bench = Bench::new().await;
    let mut asked = body(1);
    asked["idle_timeout"] = json!(60);
    let (_, id) = bench.post(asked).await;
    for arrives in [false, true] {
        let lease = bench.entries.lease(BTreeSet::from([SOURCE, TARGET]));
        bench
            .target
            .change(&FlowMod::add(translated(&bench.source.entries()[0])));
        bench.target.expire(1);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(bench.get(id).await.0, 200);
        if arrives {
            moved(&bench).await;
        }
        drop(lease);
        assert_eq!(bench.get(id).await.0, if arrives { 404 } else { 200 });
    }
}
