//! What reads have in common: the terminal's width, `--watch`, and `godwit wait`.

use std::future::{pending, ready};
use std::time::Duration;

use serde_json::json;

use super::super::console::Screen;
use super::super::watch::watch;
use super::server::{Canned, Server};
use super::{Capture, Console, Outcome, client_command, godwit, parsed, refused, run};

/// A flow entry with a long match.
fn long_entry() -> String {
    let fields = json!({
        "eth_type": 2048, "ip_proto": 17, "ipv4_src": "10.0.0.0/24", "ipv4_dst": "10.0.1.0/24",
        "udp_dst": 5001, "eth_src": "00:00:00:00:00:01", "eth_dst": "00:00:00:00:00:02",
    });
    json!([{
        "table": 0, "priority": 100, "match": fields, "instructions": [],
        "packets": 1_234_567, "bytes": 1_234_567_000_u64, "duration_ns": 1,
    }])
    .to_string()
}

fn small() -> Option<Screen> {
    Some(Screen {
        columns: 100,
        lines: 5,
    })
}

fn captured_on(screen: fn() -> Option<Screen>) -> (Console, Capture, Capture) {
    let (console, out, err) = super::captured();
    (console.on(screen), out, err)
}

#[tokio::test]
async fn a_table_is_as_wide_as_the_terminal_at_the_most_and_loses_nothing() {
    let server = Server::start([Canned::ok(&long_entry())]).await;
    let command = client_command(&["flows", "s7"], &server.url);
    let (mut console, out, _) = captured_on(small);
    assert_eq!(run(&command, &mut console).await, Outcome::Done);
    let text = out.text();
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    // Numbers stay whole.
    assert!(
        text.contains(" 1234567 ") && text.contains(" 1234567000 "),
        "{text}"
    );
    // Lines end where a field does.
    for part in [
        "eth_src=00:00:00:00:00:01",
        "ipv4_src=10.0.0.0/24",
        "udp_dst=5001",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains('\u{200b}'));
}

#[tokio::test]
async fn what_is_no_terminal_gets_each_entry_in_one_line() {
    let server = Server::start([Canned::ok(&long_entry())]).await;
    let ran = godwit(&["flows", "s7"], &server.url).await;
    assert_eq!(ran.out.lines().count(), 3, "{}", ran.out);
    assert!(ran.out.lines().last().unwrap().chars().count() > 120);
}

#[tokio::test]
async fn watching_goes_on_when_a_read_fails_and_ends_when_it_is_interrupted() {
    let down = Canned::problem("503 Service Unavailable", r#"{"title":"not ready"}"#);
    let server = Server::start([Canned::ok("[1]"), down, Canned::ok("[2]")]).await;
    let command = client_command(&["switches", "--json"], &server.url);
    let (mut console, out, err) = super::captured();
    let seen = out.clone();
    let interrupt = async move {
        while !seen.text().contains("[2]") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let ended = watch(&command, Duration::from_millis(1), &mut console, interrupt).await;
    assert_eq!(ended.unwrap(), Outcome::Done);
    assert!(out.text().starts_with("[1]\n[2]\n"), "{}", out.text());
    assert!(err.text().contains("error: not ready"), "{}", err.text());
}

#[tokio::test]
async fn watching_what_fails_at_once_says_why_and_ends() {
    let down = Canned::problem("404 Not Found", r#"{"title":"no such switch"}"#);
    let server = Server::start([down]).await;
    let command = client_command(&["flows", "s9", "--watch"], &server.url);
    let (mut console, _, err) = super::captured();
    assert_eq!(run(&command, &mut console).await, Outcome::Failed);
    assert!(err.text().contains("no such switch"), "{}", err.text());
}

#[tokio::test]
async fn on_a_terminal_a_watched_table_stays_in_its_place() {
    let server = Server::start([Canned::ok("[]")]).await;
    let command = client_command(&["links"], &server.url);
    let (mut console, out, err) = captured_on(small);
    let seen = out.clone();
    let interrupt = async move {
        while seen.text().matches("\x1b[H").count() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let ended = watch(&command, Duration::from_millis(1), &mut console, interrupt).await;
    assert_eq!(ended.unwrap(), Outcome::Done);
    let text = out.text();
    assert_eq!(text.matches("\x1b[2J").count(), 1, "{text:?}");
    // Messages are part of the picture.
    assert!(text.matches("no links").count() >= 3, "{text:?}");
    assert_eq!(err.text(), "");
}

#[tokio::test]
async fn watching_ends_when_nobody_reads_any_more() {
    let server = Server::start([Canned::ok("[]")]).await;
    let command = client_command(&["links", "--json"], &server.url);
    let broken = super::Failing(std::io::ErrorKind::BrokenPipe);
    let mut console = Console::new(Box::new(broken), Box::new(Capture::default()), false);
    let ended = watch(&command, Duration::from_secs(60), &mut console, pending()).await;
    assert_eq!(ended.unwrap(), Outcome::Done);
}

#[tokio::test]
async fn an_interrupt_before_the_first_answer_ends_a_watch() {
    let command = client_command(&["links"], "http://127.0.0.1:9");
    let (mut console, _, _) = super::captured();
    let ended = watch(&command, Duration::from_secs(60), &mut console, ready(())).await;
    assert_eq!(ended.unwrap(), Outcome::Done);
}

#[test]
fn the_interval_of_a_watch_is_optional_and_bounded() {
    let watch = |args: &[&str]| match parsed(args.iter().copied()).command {
        super::Command::Client(command) => command.watch(),
        _ => panic!("not a client command"),
    };
    assert_eq!(watch(&["links"]), None);
    assert_eq!(watch(&["links", "--watch"]), Some(Duration::from_secs(2)));
    assert_eq!(
        watch(&["flows", "--watch=0.5", "s7"]),
        Some(Duration::from_millis(500))
    );
    // What stands behind is not taken for the interval.
    assert_eq!(
        watch(&["flows", "--watch", "s7"]),
        Some(Duration::from_secs(2))
    );
    for wrong in ["--watch=0", "--watch=soon", "--watch=-1"] {
        refused(&["links", wrong]);
    }
    refused(&["restore", "s7", "--watch"]);
}

/// A topology of so many switches in a row, the last link seen in one direction only.
fn row(switches: u32) -> String {
    let end = |dpid: u32, port| json!({ "dpid": format!("{dpid:016x}"), "port": port });
    let mut links = Vec::new();
    for dpid in 1..switches {
        links.push(json!({ "src": end(dpid, 2), "dst": end(dpid + 1, 1) }));
        if dpid + 1 < switches {
            links.push(json!({ "src": end(dpid + 1, 1), "dst": end(dpid, 2) }));
        }
    }
    let dpids: Vec<_> = (1..=switches).map(|dpid| format!("{dpid:016x}")).collect();
    json!({ "revision": 9, "switches": dpids, "links": links, "hosts": [] }).to_string()
}

#[tokio::test]
async fn waiting_ends_when_there_is_enough_whatever_was_before() {
    let down = Canned::problem("503 Service Unavailable", r#"{"title":"not ready"}"#);
    let few = Canned::ok(&row(3));
    let server = Server::start([Canned::HangUp, down, few, Canned::ok(&row(5))]).await;
    let ran = godwit(&["wait", "--switches", "5", "--links", "3"], &server.url).await;
    assert_eq!(ran.outcome, Outcome::Done, "{}", ran.err);
    assert!(
        ran.out.starts_with("5 switches, 3 links after "),
        "{}",
        ran.out
    );
    assert_eq!(server.requests(), ["GET /v1/topology"; 4]);
}

#[tokio::test]
async fn waiting_too_long_fails_and_says_what_is_missing() {
    let server = Server::start([Canned::ok(&row(3))]).await;
    let args = [
        "wait",
        "--switches=3",
        "--links=2",
        "--hosts=4",
        "--timeout=300ms",
    ];
    let ran = godwit(&args, &server.url).await;
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(
        ran.err,
        "error: after 300.0 ms there are 3 switches, 1 of 2 links, 0 of 4 hosts\n"
    );
    let ran = godwit(
        &["wait", "--hosts=1", "--timeout=0.2"],
        "http://127.0.0.1:9",
    )
    .await;
    assert_eq!(ran.outcome, Outcome::Failed);
    assert!(ran.err.contains("no controller at"), "{}", ran.err);
}

#[tokio::test]
async fn waiting_for_json_gives_the_topology_as_it_came() {
    let server = Server::start([Canned::ok(&row(2))]).await;
    let ran = godwit(&["wait", "--switches=1", "--json"], &server.url).await;
    assert_eq!(ran.out, row(2) + "\n");
}

#[test]
fn waiting_for_nothing_is_wrong_usage() {
    refused(&["wait"]);
    refused(&["wait", "--switches=1", "--timeout=never"]);
}

#[tokio::test]
async fn an_audit_is_shown_with_the_rules_that_it_names() {
    let rule = json!({"table": 0, "priority": 7, "cookie": "0x5", "match": {"in_port": 1}, "instructions": []});
    let with = |more: serde_json::Value| {
        let mut all = rule.clone();
        let all_fields = all.as_object_mut().unwrap();
        all_fields.extend(more.as_object().unwrap().clone());
        all
    };
    let repair = |kind: &str, changed: serde_json::Value| {
        with(json!({"repair": kind, "owner": "routing", "changed": changed, "times": 1}))
    };
    let report = json!({
        "dpid": "0000000000000007", "name": "s7", "result": "audited", "audited_at": "2026-11-21T08:00:00Z",
        "rules": 9, "restored": 1, "mended": 1, "unmended_rules": 1, "alien_rules": 1, "alien": [rule],
        "repairs": [repair("mended", json!(["cookie", "flags"])), repair("restored", json!([])),
            repair("restored", json!([]))],
        "unmended": [with(json!({"owner": "acl", "changed": [], "why": "the switch is full"}))],
    });
    let all = json!({"audit_interval_s": 10, "switches": [report]}).to_string();
    let server = Server::start([Canned::ok(&all), Canned::ok(&report.to_string())]).await;
    let ran = godwit(&["audit"], &server.url).await;
    assert_eq!(ran.outcome, Outcome::Done);
    let words = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split_whitespace());
        lines
            .map(|line| line.collect::<Vec<_>>().join(" "))
            .collect()
    };
    let lines = words(&ran.out);
    assert!(
        lines[2].ends_with("2026-11-21T08:00:00Z audited 9 1 1 1 1"),
        "{}",
        ran.out
    );
    // Repairs of earlier audits are not shown again.
    assert_eq!(
        lines[6..],
        [
            "s7 mended routing 0 7 0x5 in_port=1 cookie, flags had been changed",
            "s7 restored routing 0 7 0x5 in_port=1",
            "s7 missing acl 0 7 0x5 in_port=1 the switch is full",
            "s7 alien - 0 7 0x5 in_port=1 drop",
        ]
    );
    let one = godwit(&["audit", "s7", "--last"], &server.url).await;
    assert_eq!(words(&one.out), lines);
    let expected = ["POST /v1/audit", "GET /v1/switches/s7/audit"];
    assert_eq!(server.requests(), expected);
}
