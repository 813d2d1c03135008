//! `godwit drain` and what else concerns drains, against a canned server.

use std::future::ready;
use std::time::Duration;

use clap::error::ErrorKind;
use serde_json::{Value, json};

use super::super::client::Client;
use super::super::drain::drain_until;
use super::super::follow::Patience;
use super::server::{Canned, Server};
use super::{ClientCommand, Outcome, captured, client_command, godwit, refused};

fn drain(state: &str, finished_at: Option<&str>, members: [&str; 2]) -> Value {
    let member = |dpid: &str, state: &str| {
        json!({
            "dpid": dpid, "state": state, "migration": 3,
            "cost": { "rules": 12, "packets_per_s": 250 },
        })
    };
    json!({
        "id": 4, "state": state, "order": "mis-lmcf", "parallel": 4, "algorithm": "clone",
        "switches": [
            member("0000000000000007", members[0]), member("0000000000000002", members[1]),
        ],
        "sequence": ["0000000000000002", "0000000000000007"],
        "started_at": "2026-11-21T08:00:00Z", "finished_at": finished_at,
    })
}

const END: Option<&str> = Some("2026-11-21T08:00:09Z");

fn accepted() -> Canned {
    let begun = drain("running", None, ["waiting", "waiting"]);
    Canned::status("202 Accepted", &begun.to_string())
}

#[tokio::test]
async fn a_drain_is_waited_for_and_summed_up() {
    let running = drain("running", None, ["drained", "migrating"]).to_string();
    let last = drain("done", END, ["drained", "drained"]).to_string();
    let server = Server::start([accepted(), Canned::ok(&running), Canned::ok(&last)]).await;
    let args = "drain s7 s2 --order mis-lmcf --parallel 4 --algorithm move";
    let ran = godwit(&args.split(' ').collect::<Vec<_>>(), &server.url).await;
    assert_eq!((ran.outcome, ran.err.as_str()), (Outcome::Done, ""));
    let looks = ["POST /v1/drains", "GET /v1/drains/4", "GET /v1/drains/4"];
    assert_eq!(server.requests(), looks);
    let body = json!({
        "switches": ["s7", "s2"], "order": "mis-lmcf", "parallel": 4, "algorithm": "move",
    });
    assert_eq!(server.body(0), body);
    let shown: Vec<String> = ran
        .out
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for line in [
        "state done",
        "drained 2 of 2",
        "sequence 0x2, 0x7",
        "0000000000000007 drained 3 12 250 -",
    ] {
        assert!(
            shown.iter().any(|shown| shown == line),
            "{line} not in\n{}",
            ran.out
        );
    }
}

#[tokio::test]
async fn the_controller_chooses_how_many_go_at_once_unless_somebody_says() {
    let last = drain("done", END, ["drained", "drained"]).to_string();
    let server = Server::start([accepted(), Canned::ok(&last)]).await;
    let ran = godwit(&["drain", "s7"], &server.url).await;
    assert_eq!(ran.outcome, Outcome::Done);
    let body = json!({ "switches": ["s7"], "order": "given", "algorithm": "clone" });
    assert_eq!(server.body(0), body);
}

#[tokio::test]
async fn a_drain_that_stops_fails_with_its_reason_and_shows_what_was_put_off() {
    let mut last = drain("failed", END, ["drained", "put_off"]);
    last["error"] = json!("none of the switches that are left can be emptied");
    last["switches"][1]["why"] = json!("a route has no other way");
    let server = Server::start([accepted(), Canned::ok(&last.to_string())]).await;
    let ran = godwit(&["drain", "s7", "s2"], &server.url).await;
    assert_eq!(ran.outcome, Outcome::Failed);
    assert!(ran.out.contains("put off"), "{}", ran.out);
    assert!(ran.out.contains("a route has no other way"), "{}", ran.out);
    let expected =
        "error: drain 4 ended failed: none of the switches that are left can be emptied\n";
    assert_eq!(ran.err, expected);
}

#[tokio::test]
async fn no_wait_prints_the_id_and_json_the_body() {
    let server = Server::start([accepted()]).await;
    let ran = godwit(&["drain", "s7", "--no-wait"], &server.url).await;
    assert_eq!((ran.outcome, ran.out.as_str()), (Outcome::Done, "4\n"));
    let ran = godwit(&["drain", "s7", "--no-wait", "--json"], &server.url).await;
    let begun = drain("running", None, ["waiting", "waiting"]);
    assert_eq!(ran.out, format!("{begun}\n"));
}

#[tokio::test]
async fn a_drain_is_paused_resumed_and_cancelled_by_its_id() {
    for (verb, request) in [
        ("pause", "POST /v1/drains/4/pause"),
        ("resume", "POST /v1/drains/4/resume"),
        ("cancel", "DELETE /v1/drains/4"),
    ] {
        let after = drain("paused", None, ["drained", "waiting"]).to_string();
        let server = Server::start([Canned::status("202 Accepted", &after)]).await;
        let ran = godwit(&["drain", verb, "4"], &server.url).await;
        assert_eq!((ran.outcome, ran.out.as_str()), (Outcome::Done, ""));
        assert_eq!(ran.err, "drain 4 is paused, drained: 1 of 2\n");
        assert_eq!(server.requests(), [request]);
        let ran = godwit(&["drain", verb, "4", "--json"], &server.url).await;
        assert_eq!(ran.out, format!("{after}\n"));
    }
}

#[test]
fn a_drain_needs_a_switch_and_what_is_done_to_one_needs_its_id() {
    for args in [&["drain"][..], &["drain", "pause"], &["drain", "cancel"]] {
        assert_eq!(refused(args).kind(), ErrorKind::MissingRequiredArgument);
    }
    refused(&["drain", "s1", "--parallel", "0"]);
    refused(&["drain", "s1", "--order", "best"]);
}

#[tokio::test]
async fn drains_are_listed() {
    let drain = drain("failed", END, ["drained", "put_off"]);
    let server = Server::start([Canned::ok(&json!([drain]).to_string())]).await;
    let ran = godwit(&["drains"], &server.url).await;
    assert_eq!(server.requests(), ["GET /v1/drains"]);
    let row = ran.out.lines().last().unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    let expected = ["4", "mis-lmcf", "clone", "4", "failed", "1", "of", "2"];
    assert_eq!(words[..8], expected);
}

#[tokio::test]
async fn queued_writes_are_listed_with_their_rules() {
    let queued = json!([{
        "number": 9, "dpid": "0000000000000007", "writer": "entries", "command": "add",
        "rule": {
            "table": 0, "priority": 100, "match": { "udp_dst": 5001 },
            "instructions": [
                { "type": "apply_actions", "actions": [{ "type": "output", "port": 2 }] },
            ],
        },
        "since": "2026-11-21T08:00:00.5Z",
    }]);
    let server = Server::start([Canned::ok(&queued.to_string())]).await;
    let ran = godwit(&["queued"], &server.url).await;
    assert_eq!(server.requests(), ["GET /v1/queued"]);
    let row = ran.out.lines().last().unwrap();
    let shown = row.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.starts_with("9 0000000000000007 entries add 0 100 udp_dst=5001 output:2 2026"),
        "{shown}"
    );
}

#[tokio::test]
async fn an_interrupted_wait_leaves_the_drain_alone_and_says_how_to_find_it() {
    let running = drain("running", None, ["drained", "migrating"]).to_string();
    let server = Server::start([accepted(), Canned::ok(&running)]).await;
    let ClientCommand::Drain(args) = client_command(&["drain", "s7"], &server.url) else {
        panic!("not drain")
    };
    let client = Client::new(&args.common.url).unwrap();
    let (mut console, _, err) = captured();
    let hasty = Patience {
        poll: Duration::from_millis(5),
        silence: Duration::from_millis(100),
        end: Duration::from_millis(200),
    };
    let outcome = drain_until(&client, &args, &mut console, hasty, ready(())).await;
    assert_eq!(outcome.unwrap(), Outcome::Interrupted);
    for part in [
        "drain 4 goes on".to_owned(),
        format!("godwit drains --url {}", server.url),
        format!("godwit drain cancel 4 --url {}", server.url),
    ] {
        assert!(err.text().contains(&part), "{part} not in {}", err.text());
    }
    let requests = server.requests();
    assert!(!requests.iter().any(|asked| asked.starts_with("DELETE")));
}
