//! What apps are given, what they may do, and what becomes of those that misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use godwit_controller::{App, Commands, Declaration, Desired, Event, Owner, Packet, Verdict};
use godwit_openflow::model::{
    Action, FlowCommand, FlowMod, FlowRule, FromSwitch, Pattern, Port, PortStatus, PortStatusReason,
};
use godwit_openflow::types::{MacAddr, PortNo, TableId, Version};
use godwit_topology::PortRef;
use serde_json::{Value, json};

use crate::bench::{Bench, ONE, OTHER, frame, packet_in, until};
use crate::probe::Probe;

/// An Ethernet type that nobody else uses.
const ETHERTYPE: u16 = 0x88b5;

const OWNER: Owner = Owner::App(7);

fn all() -> Declaration {
    Declaration {
        filter: vec![Pattern::new()],
        owner: Some(OWNER),
        ..Declaration::default()
    }
}

/// Is asked before the others, and makes rules of its own.
fn first(declared: Declaration) -> Declaration {
    Declaration {
        priority: 500,
        owner: Some(Owner::App(8)),
        ..declared
    }
}

fn rule(priority: u16) -> FlowRule {
    let pattern = Pattern::new().eth_type(ETHERTYPE);
    FlowRule::new(priority, pattern, vec![Action::output(PortNo(2))])
}

/// Takes the packet and sends it on.
fn forward(packet: &Packet<'_>) -> Verdict {
    let out = PortRef::new(packet.port.dpid, PortNo(2));
    Verdict::Claim(Commands::default().packet_out(out, packet.data().clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_panics_harms_no_other_and_is_disabled_in_the_end() {
    let bad = Probe::new("bad", first(all()), |_| panic!("as the test wants it"));
    let good = Probe::new("good", all(), forward);
    let bench = Bench::new(|_| vec![bad.clone(), good.clone()]).await;
    for _ in 0..20 {
        bench.one.say(packet_in(1, frame(ETHERTYPE, &[])));
    }
    until("every packet", || bench.one.sent().len() == 20).await;
    assert_eq!((bad.packets(), good.packets()), (5, 20));
    let app = bench.app("bad").await;
    assert_eq!(
        (&app["enabled"], &app["panics"]),
        (&json!(false), &json!(5))
    );
    assert_eq!(
        app["disabled_because"],
        "it panicked 5 times within a minute"
    );
    let told = |event: &Event| matches!(event, Event::AppDisabled { app: "bad", .. });
    until("the other to hear of it", || good.heard(told) == 1).await;
    let (_, metrics) = bench.text("GET", "/metrics", None).await;
    assert!(metrics.contains("godwit_app_panics_total 5\n"), "{metrics}");
    assert!(metrics.contains("godwit_app_enabled{app=\"bad\"} 0\n"));
    // It gets another chance from whoever wants to give it one.
    let (status, app) = bench.switch_app("bad", true).await;
    assert_eq!((status, &app["enabled"]), (200, &json!(true)));
    assert_eq!(app.get("disabled_because"), None);
    // The switch was never dropped.
    assert_eq!(bench.network.connections().snapshot().ready, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_needed_is_not_disabled_by_its_panics() {
    let declared = Declaration {
        needed: Some("others rest on it"),
        ..all()
    };
    let bad = Probe::new("bad", declared, |_| panic!("as the test wants it"));
    let bench = Bench::new(|_| vec![bad.clone()]).await;
    for _ in 0..20 {
        bench.one.say(packet_in(1, frame(ETHERTYPE, &[])));
    }
    until("every packet", || bad.packets() == 20).await;
    assert_eq!(bench.app("bad").await["enabled"], true);
    let (status, problem) = bench.switch_app("bad", false).await;
    assert_eq!(status, 409);
    assert_eq!(
        problem["detail"],
        "`bad` can't be disabled: others rest on it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_slow_delays_only_itself_and_what_it_has_no_room_for_goes_on() {
    let go = Arc::new(AtomicBool::default());
    let goes = Arc::clone(&go);
    let slow = Probe::new("slow", first(all()), move |_| {
        while !goes.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Verdict::Claim(Commands::default())
    });
    let quick = Probe::new("quick", all(), forward);
    let bench = Bench::new(|_| vec![slow.clone(), quick.clone()]).await;
    let begun = Instant::now();
    for _ in 0..1_500 {
        bench.one.say(packet_in(1, frame(ETHERTYPE, &[])));
    }
    // 1,024 wait for the slow one, or less if the connection itself had no room for more.
    until("packets to pass it by", || quick.packets() > 0).await;
    bench.other.say(FromSwitch::PortStatus(PortStatus {
        reason: PortStatusReason::Modify,
        port: Port {
            number: PortNo(2),
            mac: MacAddr([2, 0, 0, 0, 0, 1]),
            name: "s2-eth2".to_owned(),
            admin_down: false,
            link_down: true,
            config: 0,
            state: 1,
            features: [0; 4],
            current_speed: 0,
            max_speed: 0,
        },
    }));
    let port = PortRef::new(OTHER, PortNo(2));
    let is_down = |event: &Event| matches!(event, Event::Port { port: at, up: false, removed: false } if *at == port);
    until("the event", || quick.heard(is_down) == 1).await;
    assert_eq!((slow.heard(is_down), slow.packets()), (0, 1));
    assert!(begun.elapsed() < Duration::from_secs(10));
    let app = bench.app("slow").await;
    assert!(app["packets_dropped"].as_u64().unwrap() > 0);
    go.store(true, Ordering::Release);
    until("the slow one to hear of it", || slow.heard(is_down) == 1).await;
    // No packet is lost without being counted.
    until("the end", || {
        let dropped = bench.network.connections().snapshot().packet_ins_dropped;
        slow.packets() + quick.packets() + dropped == 1_500
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_gets_only_the_packets_and_makes_only_the_rules_that_it_has_declared() {
    let declared = Declaration {
        filter: vec![Pattern::new().eth_type(ETHERTYPE)],
        rule_priorities: 10..=20,
        ..all()
    };
    // The first byte of the payload is the priority, the second the table, the third says how.
    let app = Probe::new("app", declared, |packet| {
        let payload = &packet.data()[14..17];
        let mut rule = rule(payload[0].into());
        rule.table = TableId(payload[1]);
        let command = if payload[2] == 0 {
            FlowCommand::Add
        } else {
            FlowCommand::Delete
        };
        let change = FlowMod::new(command, rule);
        Verdict::Claim(Commands::default().flow_mod(packet.port.dpid, change))
    });
    let none = Declaration {
        owner: None,
        ..all()
    };
    let rest = Probe::new("rest", none, |_| Verdict::Pass);
    let bench = Bench::new(|_| vec![app.clone(), rest.clone()]).await;
    for payload in [[9, 0, 0], [21, 0, 0], [10, 1, 0], [10, 0, 1], [15, 0, 0]] {
        bench.one.say(packet_in(1, frame(ETHERTYPE, &payload)));
    }
    bench
        .one
        .say(packet_in(1, frame(ETHERTYPE + 1, &[16, 0, 0])));
    until("the rule", || bench.one.rules_of(OWNER).len() == 1).await;
    assert_eq!(bench.one.rules_of(OWNER)[0].priority, 15);
    until("the packet of the other", || rest.packets() == 1).await;
    assert_eq!(app.packets(), 5);
    let shown = bench.app("app").await;
    assert_eq!(
        (&shown["rules_refused"], &shown["rules"]),
        (&json!(4), &json!(1))
    );
    assert_eq!(shown["filter"], json!([{"eth_type": ETHERTYPE}]));
    assert_eq!(shown["rule_priorities"], json!([10, 20]));
}

/// An app that wants one rule on every switch.
fn wanting() -> Arc<Probe> {
    let desired = Desired {
        rules: vec![rule(70)],
        ..Desired::default()
    };
    let declared = Declaration {
        timer: Some(Duration::from_millis(20)),
        ..all()
    };
    Arc::new(Probe::wanting("wanting", declared, desired, |_| {
        Verdict::Claim(Commands::default())
    }))
}

fn held(bench: &Bench) -> [usize; 2] {
    [&bench.one, &bench.other].map(|switch| switch.rules_of(OWNER).len())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_app_has_installed_goes_when_it_is_disabled_and_comes_back_also_over_a_restart() {
    let store = godwit_controller::Store::in_memory();
    let versions = [Version::V13, Version::V10];
    let bench = Bench::of(versions, store, |_| vec![wanting()]).await;
    assert_eq!(held(&bench), [1, 1]);
    let (status, app) = bench.switch_app("wanting", false).await;
    assert_eq!(
        (status, &app["enabled"], &app["rules"]),
        (200, &json!(false), &json!(0))
    );
    assert_eq!(held(&bench), [0, 0]);
    let (status, problem) = bench.http("GET", "/v1/probe/wanting", None).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("is disabled"));
    // A switch that comes back still has it, and loses it.
    bench
        .one
        .change(&FlowMod::add(rule(70).with_cookie(OWNER.cookie(0))));
    bench.reconnect(false).await;
    assert_eq!(held(&bench), [0, 0]);
    let app = wanting();
    let hosted = app.clone();
    let bench = bench.restarted(|_| vec![hosted as Arc<dyn App>]).await;
    assert_eq!(bench.app("wanting").await["enabled"], false);
    assert_eq!(held(&bench), [0, 0]);
    bench.one.say(packet_in(1, frame(ETHERTYPE, &[])));
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!((app.packets(), app.heard(|_| true)), (0, 0));
    let named = Some(json!({"enabled": true}));
    let (status, _) = bench.http("PUT", "/v1/apps/wanting/enabled", named).await;
    assert_eq!((status, held(&bench)), (200, [1, 1]));
    // It hears of the switches as if they had just come, and the clock.
    let ready = |event: &Event| matches!(event, Event::SwitchReady(_));
    until("the switches", || app.heard(ready) == 2).await;
    until("ticks", || {
        app.heard(|event| matches!(event, Event::Timer)) > 2
    })
    .await;
    let bench = bench.restarted(|_| vec![wanting()]).await;
    assert_eq!(bench.app("wanting").await["enabled"], true);
    assert_eq!(bench.http("GET", "/v1/probe/wanting", None).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_switch_loses_a_disabled_apps_rules_when_it_is_thawed() {
    let bench = Bench::new(|_| vec![wanting()]).await;
    bench.network.held().freeze(ONE);
    let (status, app) = bench.switch_app("wanting", false).await;
    assert_eq!((status, held(&bench)), (200, [1, 0]));
    assert_eq!(app["pending"], json!([ONE]));
    assert!(bench.network.held().take(ONE).is_empty());
    until("the rule to go", || held(&bench) == [0, 0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_request_is_refused_and_says_why() {
    let bench = Bench::new(|_| vec![wanting()]).await;
    let put = async |path: &str, body: Value| {
        let (status, problem) = bench.http("PUT", path, Some(body)).await;
        (
            status,
            problem["detail"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let (status, why) = put("/v1/apps/nobody/enabled", json!(true)).await;
    assert_eq!(status, 404);
    assert!(why.starts_with("no app `nobody` is hosted here"), "{why}");
    for body in [
        json!("yes"),
        json!({"enable": true}),
        json!({"enabled": 1}),
        json!(null),
    ] {
        let (status, why) = put("/v1/apps/wanting/enabled", body).await;
        assert_eq!(status, 422);
        assert!(why.contains("`true`, `false` or"), "{why}");
    }
    assert_eq!(bench.http("GET", "/v1/apps/nobody", None).await.0, 404);
    let (status, list) = bench.http("GET", "/v1/apps", None).await;
    assert_eq!((status, &list[0]["name"]), (200, &json!("wanting")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_apps_that_would_remove_each_others_rules_one_is_disabled() {
    let second = Probe::new("second", all(), |_| Verdict::Pass);
    let bench = Bench::new(|_| vec![wanting(), second]).await;
    assert_eq!(bench.app("wanting").await["enabled"], true);
    let app = bench.app("second").await;
    assert_eq!(app["enabled"], false);
    assert_eq!(
        app["disabled_because"],
        "`wanting` has the same name or owner"
    );
}
