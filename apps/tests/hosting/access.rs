//! The access list, and the ARP proxy as the controller asks it.

use std::sync::Arc;

use godwit_apps::acl::{self, AccessList};
use godwit_apps::arp::ArpProxy;
use godwit_controller::{App, Network, Owner, Store};
use godwit_openflow::model::{FlowMod, FlowRule, Pattern};
use godwit_openflow::types::{Cookie, Version};
use serde_json::{Value, json};

use crate::bench::{Bench, ONE, until};

fn apps(network: &Network) -> Vec<Arc<dyn App>> {
    let acl = AccessList::new(network.clone()).unwrap();
    vec![Arc::new(acl), Arc::new(ArpProxy)]
}

async fn bench(versions: [Version; 2]) -> Bench {
    Bench::of(versions, Store::in_memory(), apps).await
}

fn deny(priority: u16, address: &str) -> Value {
    let pattern = json!({"eth_type": 0x0800, "ipv4_src": address});
    json!({"priority": priority, "match": pattern, "action": "deny"})
}

/// How many entries each switch holds for each rule.
fn held(bench: &Bench) -> [Vec<u32>; 2] {
    [&bench.one, &bench.other].map(|switch| {
        let rules = switch.rules_of(Owner::Acl);
        assert!(
            rules
                .iter()
                .all(|rule| rule.instructions.is_empty() && rule.priority == acl::PRIORITY)
        );
        let ids = rules
            .iter()
            .map(|rule| Owner::Acl.own_part(rule.cookie).unwrap());
        ids.collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_on_every_switch_when_it_is_answered_and_gone_when_that_is() {
    let bench = bench([Version::V13, Version::V10]).await;
    let (status, made) = bench
        .http("POST", "/v1/acl", Some(deny(5, "10.0.0.0/30")))
        .await;
    assert_eq!(
        (status, &made["id"], &made["action"]),
        (201, &json!(1), &json!("deny"))
    );
    assert_eq!(held(&bench), [[1], [1]]);
    let allow = json!({
        "name": "the printer", "priority": 6, "action": "allow",
        "match": {"eth_type": 0x0800, "ipv4_src": "10.0.0.1"},
    });
    let (status, made) = bench
        .http("POST", "/v1/acl", Some(json!([allow, deny(1, "10.9.9.9")])))
        .await;
    assert_eq!((status, &made[0]["id"]), (201, &json!(2)));
    assert_eq!(held(&bench), [[1, 1, 3], [1, 1, 3]]);
    let (_, list) = bench.http("GET", "/v1/acl", None).await;
    let ids: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["id"].clone())
        .collect();
    assert_eq!(ids, [2, 1, 3]);
    assert_eq!(
        bench.http("GET", "/v1/acl/2", None).await.1["name"],
        "the printer"
    );
    // A switch that has lost everything gets all of it again, and so does one of the next run.
    bench.reconnect(true).await;
    assert_eq!(held(&bench), [[1, 1, 3], [1, 1, 3]]);
    let bench = bench.restarted(apps).await;
    assert_eq!(held(&bench), [[1, 1, 3], [1, 1, 3]]);
    assert_eq!(bench.http("DELETE", "/v1/acl/2", None).await.0, 204);
    assert_eq!(held(&bench), [[1, 3], [1, 3]]);
    for id in [1, 3] {
        assert_eq!(
            bench.http("DELETE", &format!("/v1/acl/{id}"), None).await.0,
            204
        );
    }
    assert_eq!(held(&bench), [[0; 0], [0; 0]]);
    assert_eq!(bench.http("DELETE", "/v1/acl/1", None).await.0, 404);
    // Numbers are never used again.
    let bench = bench.restarted(apps).await;
    let (_, made) = bench
        .http("POST", "/v1/acl", Some(deny(5, "10.0.0.9")))
        .await;
    assert_eq!(made["id"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_switch_takes_a_change_when_it_is_thawed() {
    let bench = bench([Version::V13; 2]).await;
    bench.network.held().freeze(ONE);
    let (status, made) = bench
        .http("POST", "/v1/acl", Some(deny(5, "10.0.0.1")))
        .await;
    assert_eq!((status, &made["queued"]), (202, &json!(true)));
    assert_eq!(
        made["pending"],
        json!({"0000000000000001": "its work is being moved away"})
    );
    assert_eq!(held(&bench), [vec![], vec![1]]);
    assert_eq!(bench.app("acl").await["pending"], json!([ONE]));
    assert!(bench.network.held().take(ONE).is_empty());
    until("the rule", || held(&bench) == [[1], [1]]).await;
    bench.network.held().freeze(ONE);
    assert_eq!(bench.http("DELETE", "/v1/acl/1", None).await.0, 202);
    assert!(bench.network.held().take(ONE).is_empty());
    until("the rule to go", || held(&bench) == [[0; 0], [0; 0]]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_switch_refuses_is_on_none() {
    let bench = bench([Version::V13; 2]).await;
    bench.other.refuse(acl::PRIORITY);
    let (status, problem) = bench
        .http("POST", "/v1/acl", Some(deny(5, "10.0.0.1")))
        .await;
    assert_eq!(status, 422);
    let reason = problem["reasons"][0].as_str().unwrap();
    assert!(reason.starts_with("switch 0000000000000002: "), "{reason}");
    assert_eq!(held(&bench), [[0; 0], [0; 0]]);
    assert_eq!(bench.http("GET", "/v1/acl", None).await.1, json!([]));
    // Somebody else's rule is not overwritten.
    let pattern = Pattern::new()
        .eth_type(0x0800)
        .ipv4_src([10, 0, 0, 1].into());
    let theirs = FlowRule::new(acl::PRIORITY, pattern, Vec::new()).with_cookie(Cookie(5));
    bench.one.change(&FlowMod::add(theirs));
    let (status, problem) = bench
        .http("POST", "/v1/acl", Some(deny(5, "10.0.0.1")))
        .await;
    assert_eq!(status, 422);
    assert!(
        problem["reasons"]
            .to_string()
            .contains("rules of others stand there"),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_rule_names_its_field_and_the_mend() {
    let bench = bench([Version::V13, Version::V10]).await;
    let with = |pattern: Value| json!({"match": pattern, "action": "deny"});
    for (body, field, detail) in [
        (with(json!({"tcp_dst": 80})), "match.tcp_dst", "ip_proto"),
        (
            with(json!({"in_port": 1})),
            "match.in_port",
            "make a static entry",
        ),
        (with(json!({})), "match", "say at least `eth_type`"),
        (
            with(json!({"eth_type": 0x86dd, "ipv6_src": "::1"})),
            "match",
            "switch s2 speaks OpenFlow 1.0",
        ),
        (json!({"match": {}, "action": "drop"}), "action", "drop"),
        (
            json!({"match": {}, "action": "allow", "why": 1}),
            "why",
            "unknown field `why`",
        ),
        (
            json!([deny(1, "10.0.0.1"), with(json!({"in_port": 1}))]),
            "[1].match.in_port",
            "same on every switch",
        ),
    ] {
        let (status, problem) = bench.http("POST", "/v1/acl", Some(body)).await;
        assert_eq!(status, 422, "{problem}");
        assert_eq!(problem["field"], field, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(detail),
            "{problem}"
        );
    }
    assert_eq!(held(&bench), [[0; 0], [0; 0]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_disabled_denies_nothing() {
    let bench = bench([Version::V13; 2]).await;
    assert_eq!(
        bench
            .http("POST", "/v1/acl", Some(deny(5, "10.0.0.1")))
            .await
            .0,
        201
    );
    assert_eq!(bench.switch_app("acl", false).await.0, 200);
    assert_eq!(held(&bench), [[0; 0], [0; 0]]);
    assert_eq!(bench.http("GET", "/v1/acl", None).await.0, 409);
    assert_eq!(bench.switch_app("acl", true).await.0, 200);
    assert_eq!(held(&bench), [[1], [1]]);
    let arp = bench.app("arp").await;
    assert_eq!(arp["filter"], json!([{"eth_type": 0x0806, "arp_op": 1}]));
}
