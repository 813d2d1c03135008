//! Audits beside static entries that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use godwit_openflow::model::FlowMod;
use serde_json::{Value, json};

use crate::bench::{Bench, SOURCE, body};

async fn audit(bench: &Bench) -> Value {
    let (status, report) = bench.http("POST", "/v1/switches/s1/audit", None).await;
    assert_eq!(status, 200, "{report}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_somebody_removes_is_back_and_one_that_is_deleted_is_not() {
    let bench = Arc::new(Bench::new().await);
    let over = Arc::new(AtomicBool::new(false));
    let auditing = {
        let (bench, over) = (Arc::clone(&bench), Arc::clone(&over));
        tokio::spawn(async move {
            let mut restored = 0;
            while !over.load(Ordering::Relaxed) {
                for rule in bench.source.entries().into_iter().step_by(2) {
                    bench.source.change(&FlowMod::delete_strict(rule));
                }
                restored += audit(&bench).await["restored"].as_u64().unwrap();
            }
            restored
        })
    };
    let mut made = Vec::new();
    for priority in 1..=200 {
        let (status, id) = bench.post(body(priority)).await;
        assert_eq!(status, 201);
        made.push(id);
        if priority % 3 > 0 {
            let id = made.swap_remove(usize::from(priority) / 2 % made.len());
            assert_eq!(bench.delete(id).await, 204);
        }
    }
    over.store(true, Ordering::Relaxed);
    assert!(auditing.await.unwrap() > 0);
    audit(&bench).await;
    assert_eq!(bench.source.entries().len(), made.len());
    for id in made {
        assert_eq!(bench.delete(id).await, 204);
    }
    audit(&bench).await;
    assert_eq!(bench.source.priorities(), [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hard_timeout_is_not_made_longer_and_an_entry_that_has_expired_is_not_put_back() {
    let bench = Bench::new().await;
    let mut ending = body(5);
    ending["hard_timeout"] = 60.into();
    bench.post(ending.clone()).await;
    assert_eq!(audit(&bench).await["mended"], 0);
    let rule = bench.source.entries().remove(0);
    bench.source.change(&FlowMod::delete_strict(rule));
    assert_eq!(audit(&bench).await["restored"], 1);
    let rule = bench.source.entries().remove(0);
    assert!((50..=60).contains(&rule.hard_timeout));
    bench.source.expire(5);
    let report = audit(&bench).await;
    assert_eq!(
        (&report["restored"], &report["unmended_rules"]),
        (&0.into(), &0.into())
    );
    assert_eq!(bench.source.priorities(), [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_put_right_on_a_frozen_switch() {
    let bench = Bench::new().await;
    bench.post(body(5)).await;
    bench.network.held().freeze(SOURCE);
    let rule = bench.source.entries().remove(0);
    bench.source.change(&FlowMod::delete_strict(rule));
    assert_eq!(audit(&bench).await["result"], "skipped");
    assert_eq!(bench.source.priorities(), [0; 0]);
    assert!(bench.network.held().take(SOURCE).is_empty());
    assert_eq!(audit(&bench).await["restored"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_makes_an_entry_is_told_what_is_in_its_way() {
    let bench = Bench::new().await;
    let make = async |body: Value| {
        let path = "/v1/switches/s1/rules";
        let (status, made) = bench.http("POST", path, Some(body)).await;
        assert_eq!(status, 201, "{made}");
        made
    };
    let plain = make(body(5)).await;
    assert_eq!(plain.get("warnings"), None, "{plain}");
    let lldp = json!({"priority": 6, "match": {"eth_type": 0x88cc}, "actions": []});
    let made = make(json!([body(7), lldp])).await;
    assert_eq!(made[0].get("warnings"), None, "{made}");
    let warnings = made[1]["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{made}");
    let text = warnings[0].as_str().unwrap();
    assert!(
        text.contains("no packet meets it: a rule of core above"),
        "{text}"
    );
}
