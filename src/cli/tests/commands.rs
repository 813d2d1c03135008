//! The commands that read and the ones that change one thing, against a canned server.

use std::io;

use serde_json::json;
use tokio::net::TcpListener;

use super::server::{Canned, Server};
use super::{Capture, Console, Failing, Outcome, client_command, godwit, run};

const SWITCHES: &str = r#"[ {"dpid":"0000000000000007","name":"s7","openflow":"1.3",
    "address":"127.0.0.1:40000","state":"active","connected_at":"2026-11-21T08:00:00.123456Z",
    "ports":[{"number":1},{"number":2}],"unheard_of":{"x":1}} ]"#;

const RULES: &str = r#"[
  {"table":0,"priority":100,"match":{"udp_dst":5001,"eth_type":2048,"ipv4_dst":"10.0.0.0/24"},
   "instructions":[{"type":"apply_actions","actions":[
      {"type":"set_field","field":"eth_dst","value":"00:00:00:00:00:02"},
      {"type":"output","port":2,"max_len":65535}]},{"type":"goto_table","table":1}],
   "packets":18446744073709551615,"bytes":640,"duration_ns":4211000000},
  {"table":1,"priority":0,"match":{},"instructions":[],"packets":0,"bytes":0,"duration_ns":90000000000}
]"#;

/// The lines of a table, each as its words.
fn words(table: &str) -> Vec<Vec<&str>> {
    table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[tokio::test]
async fn switches_are_shown_as_a_table() {
    let server = Server::start([Canned::ok(SWITCHES)]).await;
    let ran = godwit(&["switches"], &server.url).await;
    assert_eq!(ran.outcome, Outcome::Done);
    assert_eq!(server.requests(), ["GET /v1/switches"]);
    let lines = words(&ran.out);
    assert_eq!(lines.len(), 3, "{}", ran.out);
    assert_eq!(lines[0][..4], ["dpid", "name", "openflow", "state"]);
    assert_eq!(
        lines[2],
        [
            "0000000000000007",
            "s7",
            "1.3",
            "active",
            "2",
            "127.0.0.1:40000",
            "2026-11-21T08:00:00Z"
        ]
    );
    assert_eq!(ran.err, "");
}

#[tokio::test]
async fn json_prints_the_body_byte_for_byte() {
    let server = Server::start([Canned::ok(SWITCHES)]).await;
    let ran = godwit(&["switches", "--json"], &server.url).await;
    assert_eq!(ran.out, format!("{SWITCHES}\n"));
}

#[tokio::test]
async fn an_empty_list_says_so_on_stderr_and_is_no_failure() {
    for (command, message) in [
        ("links", "no links\n"),
        ("hosts", "no hosts\n"),
        ("routes", "no routes\n"),
    ] {
        let server = Server::start([Canned::ok("[]")]).await;
        let ran = godwit(&[command], &server.url).await;
        assert_eq!(
            (ran.outcome, ran.out.as_str(), ran.err.as_str()),
            (Outcome::Done, "", message)
        );
    }
}

#[tokio::test]
async fn links_and_hosts_show_where_they_are_attached() {
    let server = Server::start([
        Canned::ok(
            r#"[{"src":{"dpid":"0000000000000001","port":2},"dst":{"dpid":"0000000000000007","port":10},
                 "one_way":true,"indirect":true,"cost":10,"latency_us":2500,"broadcast":false}]"#,
        ),
        Canned::ok(
            r#"[{"mac":"00:00:00:00:00:01","ipv4":["10.0.0.1","10.0.0.9"],"ipv6":[],"vlans":[10,20],
                 "attachment":{"dpid":"0000000000000001","port":1},"last_seen":null}]"#,
        ),
    ])
    .await;
    let links = godwit(&["links"], &server.url).await;
    assert_eq!(
        words(&links.out)[2].join(" "),
        "0000000000000001 2 0000000000000007 10 10 2.5 ms one way, indirect"
    );
    let hosts = godwit(&["hosts"], &server.url).await;
    assert_eq!(
        words(&hosts.out)[2],
        [
            "00:00:00:00:00:01",
            "10.0.0.1,",
            "10.0.0.9",
            "-",
            "10,",
            "20",
            "0000000000000001",
            "1",
            "-"
        ]
    );
}

#[tokio::test]
async fn flow_entries_are_compact_and_their_counters_exact() {
    let server = Server::start([Canned::ok(RULES)]).await;
    let ran = godwit(&["flows", "s7"], &server.url).await;
    assert_eq!(server.requests(), ["GET /v1/switches/s7/rules"]);
    let lines = words(&ran.out);
    assert_eq!(
        lines[2],
        [
            "0",
            "100",
            "eth_type=0x0800,ipv4_dst=10.0.0.0/24,udp_dst=5001",
            "set_field:eth_dst=00:00:00:00:00:02,output:2,goto_table:1",
            "18446744073709551615",
            "640",
            "4.21",
            "s"
        ]
    );
    assert_eq!(
        lines[3],
        ["1", "0", "any", "drop", "0", "0", "1", "min", "30", "s"]
    );
}

#[tokio::test]
async fn numbers_are_aligned_to_the_right() {
    let server = Server::start([Canned::ok(RULES)]).await;
    let ran = godwit(&["flows", "s7"], &server.url).await;
    let ends: Vec<usize> = ["18446744073709551615 ", " 0  "]
        .iter()
        .zip(ran.out.lines().skip(2))
        .map(|(number, line)| line.rfind(number.trim_end()).unwrap() + number.trim_end().len())
        .collect();
    let header = ran.out.lines().next().unwrap();
    assert_eq!(ends[0], header.find("packets").unwrap() + "packets".len());
}

#[tokio::test]
async fn a_switch_name_stays_one_segment_of_the_path() {
    let server = Server::start([Canned::ok("[]")]).await;
    godwit(&["flows", "a/b c?d#e%2f"], &server.url).await;
    assert_eq!(
        server.requests(),
        ["GET /v1/switches/a%2Fb%20c%3Fd%23e%252f/rules"]
    );
}

#[tokio::test]
async fn a_base_url_may_have_a_path_of_its_own() {
    let server = Server::start([Canned::ok("[]")]).await;
    godwit(&["links"], &format!("{}/godwit/", server.url)).await;
    assert_eq!(server.requests(), ["GET /godwit/v1/links"]);
}

#[tokio::test]
async fn names_from_the_network_cannot_steer_the_terminal() {
    let server = Server::start([Canned::ok(r#"[{"dpid":"1","name":"\u001b[2Jx\ny"}]"#)]).await;
    let ran = godwit(&["switches"], &server.url).await;
    assert!(!ran.out.contains('\u{1b}'));
    assert!(ran.out.contains("\\u{1b}[2Jx\\ny"), "{}", ran.out);
}

#[tokio::test]
async fn stats_shows_ports_with_rates_and_the_tables_in_use() {
    let body = r#"{"ports":[{"number":1,"name":"s7-eth1","rx_packets":5,"tx_packets":6,"rx_bytes":7,"tx_bytes":8,
        "rx_dropped":null,"rx_errors":1,"tx_errors":2,
        "rx":{"bits_per_second":9500000.5,"packets_per_second":811.26,"utilisation":0.0095},
        "tx":{"bits_per_second":12,"packets_per_second":null,"utilisation":null}}],
        "tables":[{"table":0,"active":3,"lookups":9,"matched":8},{"table":1,"active":0,"lookups":0,"matched":0}]}"#;
    let server = Server::start([Canned::ok(body)]).await;
    let ran = godwit(&["stats", "s7"], &server.url).await;
    assert_eq!(server.requests(), ["POST /v1/switches/s7/statistics"]);
    let lines = words(&ran.out);
    let wanted = "1 s7-eth1 9.50 Mb/s 811.3 0.9 % 12 b/s - - 5 7 6 8 - 3";
    assert_eq!(lines[2].join(" "), wanted);
    assert_eq!(lines[6], ["0", "-", "3", "9", "8"]);
    assert_eq!(ran.err, "1 unused tables not shown\n");

    let server = Server::start([Canned::ok(body)]).await;
    let ran = godwit(&["stats", "s7", "--json"], &server.url).await;
    assert_eq!(ran.out, format!("{body}\n"));

    let body = r#"{"ports":[{"number":1,"rx":{"bits_per_second":null}}],"tables":[]}"#;
    let server = Server::start([Canned::ok(body)]).await;
    let ran = godwit(&["stats", "s7"], &server.url).await;
    assert!(ran.err.starts_with("no rates yet"), "{}", ran.err);
}

#[tokio::test]
async fn paths_are_asked_for_with_their_constraints() {
    let body = r#"[{"cost":2,"hops":[{"dpid":"0000000000000001","in_port":1,"out_port":2},
        {"dpid":"0000000000000007","in_port":3,"out_port":4}]}]"#;
    let server = Server::start([Canned::ok(body)]).await;
    let args = [
        "paths", "10.0.0.1", "fe80::1", "--k", "3", "--avoid", "s 2", "--via", "s3",
    ];
    let ran = godwit(&args, &server.url).await;
    assert_eq!(
        server.requests(),
        ["GET /v1/paths?from=10.0.0.1&to=fe80%3A%3A1&k=3&avoid=s+2&via=s3"]
    );
    assert!(
        ran.out
            .lines()
            .nth(2)
            .unwrap()
            .trim()
            .ends_with("1:0x1:2 > 3:0x7:4"),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn route_add_sends_exactly_what_was_asked_for_and_shows_the_path() {
    let created = r#"{"id":"r1","from":"10.0.0.1","to":{"dpid":"0000000000000007","port":3},
        "match":{"udp_dst":5001},"path":{"cost":1,"hops":[{"dpid":"0000000000000007","in_port":1,"out_port":3}]}}"#;
    let server = Server::start([Canned::status("201 Created", created)]).await;
    let args = "route add 10.0.0.1 s7/3 --match udp_dst=5001 --match ipv4_src=10.0.0.1 --via s2 --priority 9";
    let ran = godwit(&args.split(' ').collect::<Vec<_>>(), &server.url).await;
    assert_eq!(ran.outcome, Outcome::Done);
    assert_eq!(server.requests(), ["POST /v1/routes"]);
    assert_eq!(
        server.body(0),
        json!({"from": "10.0.0.1", "to": {"dpid": "s7", "port": 3}, "via": ["s2"], "priority": 9,
               "match": {"udp_dst": 5001, "ipv4_src": "10.0.0.1"}})
    );
    let lines = words(&ran.out);
    assert_eq!(lines[0], ["id", "r1"]);
    assert_eq!(lines[2], ["to", "0x7/3"]);
    assert_eq!(lines[4], ["path", "1:0x7:3"]);
}

#[tokio::test]
async fn route_add_over_several_paths_shows_all_of_them_and_where_there_is_but_one() {
    let hops = |middle: u64| {
        json!({"cost": 1, "hops": [{"dpid": "0000000000000001", "in_port": 9, "out_port": middle},
            {"dpid": format!("{middle:016x}"), "in_port": 1, "out_port": 2}]})
    };
    let created = json!({"id": 4, "from": "10.0.0.1", "to": "10.0.0.2", "match": {}, "path": hops(2), "spread": "ecmp",
        "max_paths": 2, "paths": [hops(2), hops(3)],
        "single_path_at": [{"dpid": "0000000000000003", "why": "it has no select groups"}]});
    let server = Server::start([Canned::status("201 Created", &created.to_string())]).await;
    let args = "route add 10.0.0.1 10.0.0.2 --spread ecmp --max-paths 2";
    let ran = godwit(&args.split(' ').collect::<Vec<_>>(), &server.url).await;
    assert_eq!(ran.outcome, Outcome::Done, "{}", ran.err);
    let asked = json!({"from": "10.0.0.1", "to": "10.0.0.2", "spread": "ecmp", "max_paths": 2});
    assert_eq!(server.body(0), asked);
    let lines = words(&ran.out);
    assert_eq!(lines[4], ["path", "9:0x1:2", ">", "1:0x2:2"]);
    assert_eq!(lines[5], ["path", "9:0x1:3", ">", "1:0x3:2"]);
    let why = "single path from 0x3 on: it has no select groups";
    assert_eq!(lines[6].join(" "), why);
    for wrong in [
        "--max-paths 3",
        "--spread ecmp --via s2",
        "--spread ecmp --max-paths 17",
    ] {
        let args = format!("route add 10.0.0.1 10.0.0.2 {wrong}");
        super::refused(&args.split(' ').collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_field_matched_twice_is_wrong_usage_and_nothing_is_sent() {
    let server = Server::start([Canned::HangUp]).await;
    let args = [
        "route", "add", "10.0.0.1", "10.0.0.2", "--match", "a=1", "--match", "a=2",
    ];
    let ran = godwit(&args, &server.url).await;
    assert_eq!(ran.outcome, Outcome::Misused);
    assert_eq!(ran.outcome.status(), 2);
    assert_eq!(ran.err, "error: --match a is given twice\n");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn route_rm_and_restore_say_what_they_did() {
    let server = Server::start([Canned::status("204 No Content", ""), Canned::ok("{}")]).await;
    let ran = godwit(&["route", "rm", "r1"], &server.url).await;
    assert_eq!(
        (ran.outcome, ran.err.as_str()),
        (Outcome::Done, "route r1 removed\n")
    );
    let ran = godwit(&["restore", "s7"], &server.url).await;
    assert_eq!(ran.err, "switch s7 may carry traffic again\n");
    assert_eq!(
        server.requests(),
        ["DELETE /v1/routes/r1", "POST /v1/switches/s7/restore"]
    );
}

#[tokio::test]
async fn a_problem_names_the_field_and_all_reasons_and_fails() {
    let problem = r#"{"type":"about:blank","title":"Unprocessable","status":422,
        "detail":"no path without s7","field":"source","unmovable":["h1 hangs on s7","r3"]}"#;
    let server = Server::start([Canned::problem("422 Unprocessable Content", problem)]).await;
    let ran = godwit(&["flows", "s7", "--json"], &server.url).await;
    assert_eq!(ran.outcome.status(), 1);
    assert_eq!(ran.out, "");
    assert_eq!(
        ran.err,
        "error: Unprocessable: no path without s7 (field source)\n  h1 hangs on s7\n  r3\n"
    );
}

#[tokio::test]
async fn an_error_that_is_no_problem_document_is_still_explained() {
    let page = Canned::Answer(
        "502 Bad Gateway",
        "text/html",
        "\n<h1>oops</h1>\nmore".to_owned(),
    );
    let server = Server::start([page]).await;
    let ran = godwit(&["links"], &server.url).await;
    assert_eq!(ran.outcome, Outcome::Failed);
    let expected = format!(
        "error: GET {}/v1/links answered 502 Bad Gateway: <h1>oops</h1>\n",
        server.url
    );
    assert_eq!(ran.err, expected);
}

#[tokio::test]
async fn an_answer_of_something_else_than_a_controller_is_not_shown_as_data() {
    for (body, reason) in [
        ("<html>", "not JSON"),
        (r#"{"links":1}"#, "expected a list of links"),
    ] {
        let server = Server::start([Canned::ok(body)]).await;
        let ran = godwit(&["links"], &server.url).await;
        assert_eq!((ran.outcome, ran.out.as_str()), (Outcome::Failed, ""));
        assert!(ran.err.contains(reason), "{}", ran.err);
    }
}

#[tokio::test]
async fn an_unreachable_controller_is_one_line_with_its_url_and_the_remedy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://user:secret@{}", listener.local_addr().unwrap());
    drop(listener);
    let ran = godwit(&["links"], &url).await;
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    let shown = url.replace("user:secret@", "");
    for part in [
        shown.as_str(),
        "refused",
        "godwit run",
        "--url",
        "GODWIT_URL",
    ] {
        assert!(ran.err.contains(part), "{part} not in {}", ran.err);
    }
    assert!(!ran.err.contains("secret"));
}

#[tokio::test]
async fn a_reader_that_went_away_is_no_failure_but_a_full_disk_is() {
    let server = Server::start([Canned::ok(SWITCHES)]).await;
    for (kind, expected) in [
        (io::ErrorKind::BrokenPipe, Outcome::Done),
        (io::ErrorKind::StorageFull, Outcome::Failed),
    ] {
        let err = Capture::default();
        let mut console = Console::new(Box::new(Failing(kind)), Box::new(err.clone()), false);
        let command = client_command(&["switches"], &server.url);
        assert_eq!(run(&command, &mut console).await, expected);
        assert_eq!(
            err.text().is_empty(),
            expected == Outcome::Done,
            "{}",
            err.text()
        );
    }
}
