//! `godwit migrate` and `godwit revert`, against a canned server.

use std::future::{pending, ready};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::client::Client;
use super::super::follow::Patience;
use super::super::migrate::migrate_until;
use super::server::{Canned, Server};
use super::{ClientCommand, Outcome, Ran, captured, client_command, godwit};

const ACCEPTED: &str = r#"{"id":"m1","state":"planned"}"#;
const RUNNING: &str =
    r#"{"id":"m1","state":"running","phases":[{"name":"freeze","duration_us":12}]}"#;

fn accepted() -> Canned {
    Canned::status("202 Accepted", ACCEPTED)
}

fn ended(state: &str, error: Option<&str>, counters: usize) -> Value {
    let counters: Vec<Value> = (0..counters)
        .map(|index| json!({ "id": format!("r{index}"), "packets": 1000 + index, "bytes": 64 }))
        .collect();
    json!({
        "id": "m1", "algorithm": "clone", "source": "0000000000000007",
        "target": "0000000000000006", "state": state, "flows": 2,
        "rules": { "installed": 8, "modified": 3, "removed": 5 }, "rounds": 4,
        "started_at": "2026-11-21T08:00:00Z", "finished_at": "2026-11-21T08:00:01Z",
        "duration_us": 61_234,
        "phases": [{ "name": "freeze", "duration_us": 812 }, { "name": "drain", "duration_us": 1_500_000 }],
        "counters": counters, "error": error,
    })
}

const HASTY: Patience = Patience {
    poll: Duration::from_millis(5),
    silence: Duration::from_millis(100),
    end: Duration::from_millis(200),
};

async fn migrate_hastily(
    server: &Server,
    interrupt: impl Future<Output = ()>,
) -> (Option<Outcome>, String) {
    let ClientCommand::Migrate(args) = client_command(&["migrate", "s7"], &server.url) else {
        panic!("not migrate")
    };
    let client = Client::new(&args.common.url).unwrap();
    let (mut console, _, err) = captured();
    let outcome = migrate_until(&client, &args, &mut console, HASTY, interrupt)
        .await
        .ok();
    (outcome, err.text())
}

#[tokio::test]
async fn a_committed_migration_is_waited_for_and_summed_up() {
    let last = ended("committed", None, 23).to_string();
    let server = Server::start([accepted(), Canned::ok(RUNNING), Canned::ok(&last)]).await;
    let ran = godwit(&["migrate", "s7", "s6"], &server.url).await;
    assert_eq!(ran.outcome.status(), 0, "{}", ran.err);
    let asked = [
        "POST /v1/migrations",
        "GET /v1/migrations/m1",
        "GET /v1/migrations/m1",
    ];
    assert_eq!(server.requests(), asked);
    assert_eq!(
        server.body(0),
        json!({ "source": "s7", "target": "s6", "algorithm": "clone", "dry_run": false })
    );
    assert_eq!(ran.err, "");
    let shown: Vec<String> = ran
        .out
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for line in [
        "id m1",
        "algorithm clone",
        "source 0000000000000007",
        "target 0000000000000006",
        "state committed",
        "flows 2",
        "rules 8 installed, 3 modified, 5 removed",
        "rounds 4",
        "duration 61.2 ms",
        "freeze 812 µs",
        "drain 1.50 s",
        "r0 1000 64",
        "r19 1019 64",
        "… and 3 more",
    ] {
        assert!(
            shown.iter().any(|shown| shown == line),
            "{line} not in\n{}",
            ran.out
        );
    }
    assert!(!ran.out.contains("r20"));
}

#[tokio::test]
async fn a_migration_that_was_rolled_back_fails_with_its_reason() {
    let last = ended("rolled_back", Some("s3 was lost"), 0).to_string();
    let server = Server::start([accepted(), Canned::ok(&last)]).await;
    let ran = godwit(
        &["migrate", "s7", "--algorithm", "freeze-copy"],
        &server.url,
    )
    .await;
    assert_eq!(ran.outcome.status(), 1);
    assert_eq!(
        server.body(0),
        json!({ "source": "s7", "algorithm": "freeze-copy", "dry_run": false })
    );
    assert!(ran.out.contains("rolled_back"));
    assert_eq!(
        ran.err,
        "error: migration m1 ended rolled_back: s3 was lost\n"
    );
}

#[tokio::test]
async fn json_prints_the_last_answer_unchanged_and_keeps_the_exit_status() {
    let last = ended("failed", Some("s3 keeps 2 rules"), 0).to_string();
    let server = Server::start([accepted(), Canned::ok(&last)]).await;
    let ran = godwit(&["migrate", "s7", "--json"], &server.url).await;
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(ran.out, format!("{last}\n"));
}

#[tokio::test]
async fn no_wait_prints_the_id_and_leaves() {
    let server = Server::start([accepted()]).await;
    let ran = godwit(&["migrate", "s7", "--no-wait"], &server.url).await;
    assert_eq!((ran.outcome, ran.out.as_str()), (Outcome::Done, "m1\n"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_hold_is_asked_for_and_the_end_says_until_when_it_lasts() {
    let mut last = ended("committed", None, 0);
    last["hold_until"] = json!("2026-11-21T08:01:01Z");
    let server = Server::start([accepted(), Canned::ok(&last.to_string())]).await;
    let ran = godwit(&["migrate", "s7", "--hold", "60"], &server.url).await;
    assert_eq!(ran.outcome, Outcome::Done);
    assert_eq!(server.body(0)["hold"], 60);
    assert!(ran.out.contains("reversible until"), "{}", ran.out);
    assert!(!ran.out.contains("reverts"), "{}", ran.out);
}

#[tokio::test]
async fn what_a_migration_may_cost_and_how_it_goes_is_asked_for_only_when_it_is_said() {
    let server = Server::start([accepted()]).await;
    let args =
        "migrate s7 s6 --shape re-route --queue --max-loss-packets 0 --max-silence-ms 50 --no-wait";
    godwit(&args.split(' ').collect::<Vec<_>>(), &server.url).await;
    let body = json!({
        "source": "s7", "target": "s6", "algorithm": "clone", "dry_run": false,
        "shape": "re-route", "queue": true, "max_loss_packets": 0, "max_silence_ms": 50,
    });
    assert_eq!(server.body(0), body);
    godwit(&["migrate", "s7", "--no-wait"], &server.url).await;
    let plain = json!({ "source": "s7", "algorithm": "clone", "dry_run": false });
    assert_eq!(server.body(1), plain);
}

#[tokio::test]
async fn a_revert_is_waited_for_like_any_migration() {
    for (state, outcome) in [
        ("committed", Outcome::Done),
        ("rolled_back", Outcome::Failed),
    ] {
        let mut last = ended(state, None, 0);
        last["reverts"] = json!(7);
        let server = Server::start([accepted(), Canned::ok(&last.to_string())]).await;
        let ran = godwit(&["revert", "7"], &server.url).await;
        assert_eq!(ran.outcome, outcome, "{}", ran.err);
        let asked = ["POST /v1/migrations/7/revert", "GET /v1/migrations/m1"];
        assert_eq!(server.requests(), asked);
        assert!(ran.out.contains("reverts"), "{}", ran.out);
    }
}

#[tokio::test]
async fn a_revert_without_waiting_prints_the_id_of_the_way_back() {
    let server = Server::start([accepted()]).await;
    let ran = godwit(&["revert", "7", "--no-wait"], &server.url).await;
    assert_eq!((ran.outcome, ran.out.as_str()), (Outcome::Done, "m1\n"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_refused_migration_is_not_waited_for() {
    let problem = r#"{"title":"Conflict","status":409,"detail":"s7 is being migrated by m0"}"#;
    let server = Server::start([Canned::problem("409 Conflict", problem)]).await;
    let ran = godwit(&["migrate", "s7"], &server.url).await;
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(ran.err, "error: Conflict: s7 is being migrated by m0\n");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_interrupted_wait_leaves_the_migration_alone_and_says_how_to_find_it() {
    let server = Server::start([accepted(), Canned::ok(RUNNING)]).await;
    let (outcome, err) = migrate_hastily(&server, ready(())).await;
    assert_eq!(outcome, Some(Outcome::Interrupted));
    assert_eq!(Outcome::Interrupted.status(), 130);
    for part in [
        "migration m1 goes on".to_owned(),
        format!("godwit migrations --url {}", server.url),
        format!("curl -X DELETE {}/v1/migrations/m1", server.url),
    ] {
        assert!(err.contains(&part), "{part} not in {err}");
    }
    assert!(
        server
            .requests()
            .iter()
            .all(|request| !request.starts_with("DELETE"))
    );
}

#[tokio::test]
async fn a_migration_without_end_is_given_up_in_the_end() {
    let server = Server::start([accepted(), Canned::ok(RUNNING)]).await;
    let (outcome, err) = migrate_hastily(&server, pending()).await;
    assert_eq!(outcome, Some(Outcome::Failed));
    assert!(err.contains("not finished after 200.0 ms"), "{err}");
}

#[tokio::test]
async fn a_controller_that_is_started_again_is_waited_for() {
    let last = ended("committed", None, 0).to_string();
    let unready = Canned::problem(
        "503 Service Unavailable",
        r#"{"title":"Not ready","status":503}"#,
    );
    let server = Server::start([accepted(), Canned::HangUp, unready, Canned::ok(&last)]).await;
    let (outcome, err) = migrate_hastily(&server, pending()).await;
    assert_eq!(outcome, Some(Outcome::Done), "{err}");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_controller_that_stays_away_is_a_failure_that_says_what_is_known() {
    let server = Server::start([accepted(), Canned::HangUp]).await;
    let (outcome, err) = migrate_hastily(&server, pending()).await;
    assert_eq!(outcome, None);
    assert!(err.contains("lost sight of the migration"), "{err}");
    assert!(server.requests().len() > 3);
}

async fn dry_run(plan: &Value) -> Ran {
    let server = Server::start([Canned::ok(&plan.to_string())]).await;
    let ran = godwit(&["migrate", "s7", "s6", "--dry-run"], &server.url).await;
    assert_eq!(server.requests(), ["POST /v1/migrations"]);
    assert_eq!(server.body(0)["dry_run"], json!(true));
    ran
}

#[tokio::test]
async fn a_dry_run_shows_every_rule_of_the_plan() {
    let rule = json!({
        "table": 0, "priority": 100, "match": { "udp_dst": 5001 },
        "instructions": [{ "type": "apply_actions", "actions": [{ "type": "output", "port": 2 }] }],
    });
    let ran = dry_run(&json!({ "rounds": [
        { "name": "install", "batches": [{ "dpid": "0000000000000006", "changes": [
            { "command": "add", "rule": rule, "why": "new hop of r1", "undo": "delete" },
        ] }] },
        { "name": "flip", "batches": [{ "dpid": "0000000000000003", "changes": [
            { "command": "modify", "rule": rule, "undo": { "command": "modify", "rule": rule } },
        ] }] },
    ] }))
    .await;
    assert_eq!(ran.outcome, Outcome::Done);
    let lines: Vec<Vec<&str>> = ran
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines.len(), 4, "{}", ran.out);
    let first = "1 install 0x6 add 100 udp_dst=5001 -> output:2 new hop of r1 delete";
    assert_eq!(lines[2].join(" "), first);
    assert!(
        lines[3]
            .join(" ")
            .starts_with("2 flip 0x3 modify 100 udp_dst=5001")
    );
}

#[tokio::test]
async fn an_empty_plan_says_that_nothing_would_change() {
    let ran = dry_run(&json!({ "rounds": [] })).await;
    assert_eq!((ran.outcome, ran.out.as_str()), (Outcome::Done, ""));
    assert_eq!(ran.err, "nothing would be changed\n");
}
