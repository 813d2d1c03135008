//! Audits: what somebody does to rules behind the controller's back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use godwit_apps::migration::record::State;
use godwit_apps::migration::request::{Algorithm, Request};
use godwit_controller::{Event, Owner};
use godwit_openflow::model::{Action, FlowFlags, FlowMod, FlowRule, Pattern};
use godwit_openflow::types::{Cookie, PortNo};
use serde_json::Value;

use crate::bench::{Bench, SOURCE, TARGET, until, wish};
use crate::fabric::Mood;

/// Audits a switch now, and gives the report.
async fn audited(bench: &Bench, dpid: u64) -> Value {
    let path = format!("/v1/switches/{dpid:#x}/audit");
    let (status, _, report) = bench.http("POST", &path).await;
    assert_eq!(status, 200, "{report}");
    report
}

fn counts(report: &Value) -> [u64; 4] {
    ["restored", "mended", "unmended_rules", "alien_rules"].map(|key| report[key].as_u64().unwrap())
}

fn alien(number: u16) -> FlowRule {
    let pattern = Pattern::new().eth_type(number);
    FlowRule::new(7, pattern, vec![Action::output(PortNo(1))]).with_cookie(Cookie(0x5))
}

fn is_core(rule: &FlowRule) -> bool {
    Owner::Core.own_part(rule.cookie).is_some()
}

/// All that a switch holds of godwit's, in an order.
fn held(bench: &Bench, dpid: u64) -> Vec<FlowRule> {
    let mut rules = bench.fabric.rules(dpid, |rule| rule.cookie != Cookie(0x5));
    rules.sort_by_key(|rule| rule.cookie.0);
    rules
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_or_changed_is_put_right_and_what_is_added_is_told_once() {
    let bench = Bench::new().await;
    bench.routes(5).await;
    assert_eq!(counts(&audited(&bench, 2).await), [0; 4]);
    let mut events = bench.network.subscribe();
    let whole = held(&bench, 2);
    let mut routes = bench.fabric.routing_rules(2);
    routes.sort_by_key(|rule| rule.cookie.0);
    let remove = |rule: &FlowRule| {
        bench
            .fabric
            .change(2, &FlowMod::delete_strict(rule.clone()))
    };
    remove(&routes[0]);
    bench.fabric.rules(2, is_core).iter().for_each(remove);
    let mut other = routes[1].clone();
    other.instructions.clear();
    bench.fabric.change(2, &FlowMod::modify_strict(other));
    for (index, change) in [
        (2, (|rule| rule.cookie = Cookie(0x5)) as fn(&mut FlowRule)),
        (3, |rule| rule.idle_timeout = 9),
        (4, |rule| rule.flags = FlowFlags::NONE),
    ] {
        let mut other = routes[index].clone();
        change(&mut other);
        bench.fabric.change(2, &FlowMod::add(other));
    }
    bench.fabric.change(2, &FlowMod::add(alien(1)));
    let report = audited(&bench, 2).await;
    assert_eq!(counts(&report), [3, 4, 0, 1], "{report}");
    assert_eq!(held(&bench, 2), whole);
    let repairs = report["repairs"].as_array().unwrap();
    let of = |repair: &Value| {
        let name = |key: &str| repair[key].as_str().unwrap_or_default().to_owned();
        let changed = repair["changed"].as_array().unwrap().iter();
        let changed: Vec<_> = changed.filter_map(Value::as_str).collect();
        format!("{} {} {}", name("owner"), name("repair"), changed.join(","))
    };
    let repairs: BTreeSet<String> = repairs.iter().map(of).collect();
    let expected = [
        "core restored ",
        "routing restored ",
        "routing mended instructions",
        "routing mended cookie",
        "routing mended timeouts",
        "routing mended flags",
    ];
    assert_eq!(repairs, expected.map(str::to_owned).into());
    assert_eq!(report["alien"][0]["cookie"], "0x0000000000000005");
    bench.fabric.change(2, &FlowMod::add(alien(2)));
    let report = audited(&bench, 2).await;
    assert_eq!(counts(&report), [0, 0, 0, 2], "{report}");
    assert_eq!(
        bench.fabric.rules(2, |rule| rule.cookie == Cookie(5)).len(),
        2
    );
    let (mut told, mut aliens) = (0, 0);
    let mut hears = async || {
        while told < 7 || aliens < 2 {
            match &*events.recv().await.unwrap() {
                Event::RuleRestored { .. } | Event::RuleMended { .. } => told += 1,
                Event::AlienRule { .. } => aliens += 1,
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), hears())
        .await
        .unwrap();
    assert_eq!((told, aliens), (7, 2));
    let (_, _, metrics) = bench.http_text("GET", "/metrics").await;
    for line in [
        "godwit_rules_restored_total 3",
        "godwit_rules_mended_total 4",
        "godwit_alien_rules 2",
        "godwit_rules_wrong 0",
    ] {
        assert!(metrics.contains(&format!("\n{line}\n")), "{metrics}");
    }
    let (status, _, all) = bench.http("POST", "/v1/audit").await;
    assert_eq!(
        (status, all["switches"].as_array().unwrap().len()),
        (200, 5)
    );
    let (status, _, last) = bench.http("GET", "/v1/switches/0x2/audit").await;
    assert_eq!((status, &last["totals"]["audits"]), (200, &4.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_whose_rule_is_put_back_has_carried_all_that_it_had_and_goes_on() {
    let bench = Bench::new().await;
    let route = bench.routes(1).await[0];
    let delivered = async || {
        bench.routing.refresh(&[route], true).await;
        let route = bench.routing.table().get(route).unwrap();
        route.counters.delivered().packets
    };
    bench.fabric.carry(10);
    assert_eq!(delivered().await, 10);
    let rule = bench.fabric.routing_rules(4).remove(0);
    bench
        .fabric
        .change(4, &FlowMod::delete_strict(rule.clone()));
    assert_eq!(counts(&audited(&bench, 4).await), [1, 0, 0, 0]);
    assert_eq!(delivered().await, 10);
    bench.fabric.carry(300);
    assert_eq!(delivered().await, 310);
    let mut other = rule.clone();
    other.cookie = Cookie(0x5);
    bench.fabric.change(4, &FlowMod::add(other));
    assert_eq!(delivered().await, 310);
    assert_eq!(counts(&audited(&bench, 4).await), [0, 1, 0, 0]);
    bench.fabric.carry(7);
    assert_eq!(delivered().await, 317);
    let mut other = rule.clone();
    other.instructions.clear();
    bench.fabric.change(4, &FlowMod::modify_strict(other));
    assert_eq!(counts(&audited(&bench, 4).await), [0, 1, 0, 0]);
    bench.fabric.carry(3);
    assert_eq!(delivered().await, 320);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_switch_refuses_is_named_with_its_owner() {
    let bench = Bench::new().await;
    bench.routes(2).await;
    let rules = bench.fabric.routing_rules(2);
    bench
        .fabric
        .change(2, &FlowMod::delete_strict(rules[0].clone()));
    bench.fabric.mood(2, Mood::Refuses);
    let report = audited(&bench, 2).await;
    assert_eq!(counts(&report), [0, 0, 1, 0], "{report}");
    let wrong = &report["unmended"][0];
    assert_eq!(wrong["owner"], "routing");
    let why = wrong["why"].as_str().unwrap();
    assert!(why.contains("TABLE_FULL"), "{why}");
    bench.fabric.mood(2, Mood::Well);
    assert_eq!(counts(&audited(&bench, 2).await), [1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn switches_of_a_migration_are_left_alone_and_others_are_not() {
    let bench = Bench::new().await;
    bench.routes(3).await;
    bench.fabric.mood(3, Mood::HoldsBarriers);
    let migration = bench.migrate(Algorithm::Clone).await;
    until("the new way", || !bench.fabric.routing_rules(5).is_empty()).await;
    for dpid in [1, 2, 3, 5] {
        let report = audited(&bench, dpid).await;
        assert_eq!(report["result"], "skipped", "{report}");
        assert!(report["why"].as_str().unwrap().contains("moved"));
    }
    // Where the routes end nothing is changed; but they are leased, and so left as they are.
    let rule = bench.fabric.routing_rules(4).remove(0);
    let report = audited(&bench, 4).await;
    assert_eq!(report["result"], "audited", "{report}");
    assert_eq!(counts(&report), [0; 4], "{report}");
    assert!(bench.fabric.routing_rules(4).contains(&rule));
    bench.fabric.mood(3, Mood::Well);
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
    for dpid in [1, 2, 3, 4, 5] {
        let report = audited(&bench, dpid).await;
        assert_eq!(report["result"], "audited", "{report}");
        assert_eq!(counts(&report), [0; 4], "{report}");
    }
    assert_eq!(bench.fabric.harm(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_put_back_that_is_being_taken_away() {
    let bench = Arc::new(Bench::new().await);
    let over = Arc::new(AtomicBool::new(false));
    let auditing = {
        let (bench, over) = (Arc::clone(&bench), Arc::clone(&over));
        tokio::spawn(async move {
            let (mut restored, mut round) = (0, 0);
            while !over.load(Ordering::Relaxed) {
                round += 1;
                for dpid in 1..=5 {
                    let rules = bench.fabric.routing_rules(dpid);
                    if let Some(rule) = rules.get(round % rules.len().max(1)) {
                        bench
                            .fabric
                            .change(dpid, &FlowMod::delete_strict(rule.clone()));
                    }
                }
                let (_, _, all) = bench.http("POST", "/v1/audit").await;
                for report in all["switches"].as_array().unwrap() {
                    restored += report["restored"].as_u64().unwrap();
                }
            }
            restored
        })
    };
    let mut made = Vec::new();
    for index in 0..120 {
        made.extend(bench.create(vec![wish(index)]).await.unwrap());
        if index % 3 == 0 {
            let id = made.swap_remove(index as usize / 2 % made.len());
            bench.routing.delete(id).await.unwrap();
        }
        if index % 20 == 0 {
            let ways = [(SOURCE, TARGET), (TARGET, SOURCE)];
            let (source, target) = ways[index as usize / 20 % 2];
            let request = Request::new(source, Some(target), Algorithm::Clone);
            let (migration, _) = bench.migrations.begin(request, None).await.unwrap();
            bench.end_of(&migration).await;
            let restore = format!("/v1/switches/{source}/restore");
            bench.http("POST", &restore).await;
        }
    }
    over.store(true, Ordering::Relaxed);
    let restored = auditing.await.unwrap();
    assert!(restored > 5, "{restored}");
    bench.http("POST", "/v1/audit").await;
    // Exactly what the routes want is there.
    let mut wanted = BTreeSet::new();
    bench.routing.table().for_each(|_, route| {
        for dpid in route.path.switches() {
            wanted.insert((dpid.0, route.template.id));
        }
    });
    let mut there = BTreeSet::new();
    for dpid in 1..=5 {
        for rule in bench.fabric.routing_rules(dpid) {
            there.insert((dpid, Owner::Routing.own_part(rule.cookie).unwrap()));
        }
    }
    assert_eq!(there, wanted);
    for id in made {
        bench.routing.delete(id).await.unwrap();
    }
    bench.http("POST", "/v1/audit").await;
    for dpid in 1..=5 {
        assert_eq!(bench.fabric.routing_rules(dpid), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_switch_gets_nothing_but_what_every_switch_holds() {
    let bench = Bench::new().await;
    bench.routes(2).await;
    let migration = bench.migrate(Algorithm::Clone).await;
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
    bench.fabric.rules(2, is_core).iter().for_each(|rule| {
        bench
            .fabric
            .change(2, &FlowMod::delete_strict(rule.clone()))
    });
    let report = audited(&bench, 2).await;
    assert_eq!(counts(&report), [2, 0, 0, 0], "{report}");
    assert_eq!(bench.fabric.rules(2, |_| true).len(), 2);
    assert!(bench.fabric.delivers());
}
