//! What the switches count, by REST.

use std::time::{Duration, Instant, SystemTime};

use godwit_apps::migration::record::State;
use godwit_apps::migration::request::Algorithm;
use godwit_apps::statistics::{Settings, Statistics};
use godwit_controller::App as _;
use serde_json::Value;

use crate::bench::{Bench, until};
use crate::fabric::{Mood, at};

/// A little more than has to lie between two readings for a rate.
const A_WHILE: Duration = Duration::from_millis(1100);

const S1: &str = "/v1/switches/s1/statistics";
const S4: &str = "/v1/switches/s4/statistics";

async fn collected(bench: &Bench, path: &str) -> Value {
    let (status, _, body) = bench.http("POST", path).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Seconds between two collections.
fn between(before: &Value, after: &Value) -> f64 {
    let at = |body: &Value| -> SystemTime {
        humantime::parse_rfc3339(body["collected_at"].as_str().unwrap()).unwrap()
    };
    at(after).duration_since(at(before)).unwrap().as_secs_f64()
}

fn is_about(found: &Value, wanted: f64) {
    let found = found
        .as_f64()
        .unwrap_or_else(|| panic!("{found} for {wanted}"));
    assert!((found / wanted - 1.0).abs() < 0.1, "{found} for {wanted}");
}

fn list<'a>(body: &'a Value, name: &str) -> &'a [Value] {
    body[name]
        .as_array()
        .unwrap_or_else(|| panic!("{name} in {body}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_and_links_have_rates_once_they_were_read_twice() {
    let bench = Bench::new().await;
    let (status, _, problem) = bench.http("GET", S1).await;
    assert_eq!(status, 404, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("POST"));
    bench.fabric.set_counted(at(1, 2), [10, 1000, 7, 700]);
    let first = collected(&bench, S1).await;
    assert_eq!(
        list(&first, "ports")[1]["rx"]["bits_per_second"],
        Value::Null
    );
    tokio::time::sleep(A_WHILE).await;
    bench
        .fabric
        .set_counted(at(1, 2), [20, 2000, 1007, 1_000_700]);
    let second = collected(&bench, &format!("{S1}?history=5")).await;
    let seconds = between(&first, &second);
    let port = &list(&second, "ports")[1];
    assert_eq!(
        (&port["number"], &port["name"]),
        (&2.into(), &"s1-eth2".into())
    );
    assert_eq!(
        (&port["tx_bytes"], &port["tx"]["bytes"]),
        (&1_000_700.into(), &1_000_700.into())
    );
    is_about(&port["rx"]["packets_per_second"], 10.0 / seconds);
    is_about(&port["tx"]["bits_per_second"], 8e6 / seconds);
    is_about(&port["tx"]["smoothed_bits_per_second"], 8e6 / seconds);
    is_about(&port["tx"]["utilisation"], 0.8 / seconds);
    assert_eq!(list(&port["tx"], "history").len(), 1);
    // Its speed is not known.
    assert_eq!(list(&second, "ports")[0]["rx"]["utilisation"], Value::Null);
    assert_eq!(second["aggregate"]["flows"], 2);
    // The same without asking the switch, and as the link that begins there.
    let (_, _, last) = bench.http("GET", S1).await;
    assert_eq!(last["collected_at"], second["collected_at"]);
    assert_eq!(list(&last, "ports")[1]["tx"].get("history"), None);
    let (_, _, network) = bench.http("GET", "/v1/statistics").await;
    let links = list(&network, "links");
    assert_eq!(links.len(), 10);
    let link = links.iter().find(|link| {
        link["src"]["dpid"] == "0000000000000001" && link["dst"]["dpid"] == "0000000000000002"
    });
    let link = link.unwrap();
    assert_eq!(link["bits_per_second"], port["tx"]["bits_per_second"]);
    assert_eq!(link["bytes"], 1_000_700);
    // The busiest first, and those without a rate last.
    let (_, _, most) = bench.http("GET", "/v1/statistics?busiest=3").await;
    assert_eq!(list(&most, "links").len(), 3);
    assert_eq!(list(&most, "links")[0], *link);
    let (_, _, all) = bench.http("GET", "/v1/statistics?busiest=99").await;
    let rates = list(&all, "links").iter().map(|link| {
        let rate = link["bits_per_second"].as_f64();
        rate.map_or(f64::INFINITY, |rate| -rate)
    });
    assert_eq!(rates.clone().count(), 10);
    assert!(rates.is_sorted());
    assert_eq!(bench.http("GET", "/v1/statistics?busiest=0").await.0, 400);
    // The port was removed and added.
    tokio::time::sleep(A_WHILE).await;
    bench.fabric.set_counted(at(1, 2), [1, 100, 1, 100]);
    let third = collected(&bench, S1).await;
    assert_eq!(
        list(&third, "ports")[1]["tx"]["bits_per_second"],
        Value::Null
    );
    assert_eq!(list(&third, "ports")[1]["tx"]["bytes"], 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_has_the_same_rate_before_and_after_a_migration() {
    let bench = Bench::new().await;
    bench.routes(2).await;
    let rates = async |before: &Value, packets: u64| {
        tokio::time::sleep(A_WHILE).await;
        bench.fabric.carry(packets);
        let after = collected(&bench, S4).await;
        let (_, _, network) = bench.http("GET", "/v1/statistics?history=9").await;
        let routes = list(&network, "routes").to_vec();
        assert_eq!(routes.len(), 2);
        for route in &routes {
            is_about(
                &route["packets_per_second"],
                packets as f64 / between(before, &after),
            );
            is_about(
                &route["bits_per_second"],
                800.0 * packets as f64 / between(before, &after),
            );
        }
        (after, routes)
    };
    bench.fabric.carry(1_000_000);
    let body = collected(&bench, S4).await;
    let (body, routes) = rates(&body, 100).await;
    assert_eq!(routes[0]["packets"], 1_000_100);
    let migration = bench.migrate(Algorithm::Clone).await;
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
    let (body, routes) = rates(&body, 100).await;
    assert_eq!(routes[0]["packets"], 1_000_200);
    // The host's port has a speed that nobody knows.
    assert_eq!(routes[0]["utilisation"], Value::Null);
    let (_, routes) = rates(&body, 50).await;
    assert_eq!(list(&routes[0], "history").len(), 3);
    let rules = |body: &Value| {
        list(body, "flows")
            .iter()
            .filter(|rule| rule["priority"] == 0x8000)
            .count()
    };
    assert_eq!(rules(&body), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_ends_between_two_collections_has_its_final_count() {
    let bench = Bench::new().await;
    bench.routes(1).await;
    bench.fabric.carry(10);
    collected(&bench, S4).await;
    tokio::time::sleep(A_WHILE).await;
    bench.fabric.carry(990);
    bench.fabric.expire(4, |rule| rule.priority == 0x8000);
    let ended = async || {
        let (_, _, body) = bench.http("GET", S4).await;
        (
            body["removed"].clone(),
            list(&body, "ended").first().cloned(),
        )
    };
    let begun = Instant::now();
    let (removed, last) = loop {
        if let (removed, Some(last)) = ended().await {
            break (removed, last);
        }
        assert!(begun.elapsed() < A_WHILE, "its end was not heard");
    };
    assert_eq!(
        removed,
        serde_json::json!({"rules": 1, "packets": 1000, "bytes": 100_000})
    );
    assert_eq!(
        (&last["packets"], &last["reason"]),
        (&1000.into(), &"idle_timeout".into())
    );
    let rate = last["packets_per_second"].as_f64().unwrap();
    assert!((300.0..=900.0).contains(&rate), "{rate}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_hangs_delays_nobody_and_is_asked_once_at_a_time() {
    let bench = Bench::new().await;
    bench.fabric.mood(2, Mood::Hangs);
    tokio::spawn(bench.statistics.clone().run());
    let hung = "/v1/switches/s2/statistics";
    let (one, other, _) = tokio::join!(bench.http("POST", hung), bench.http("POST", hung), async {
        for dpid in [1, 3, 4, 5] {
            let begun = Instant::now();
            collected(&bench, &format!("/v1/switches/{dpid:#x}/statistics")).await;
            assert!(begun.elapsed() < Duration::from_secs(2));
        }
    });
    for (status, _, problem) in [one, other] {
        assert_eq!(status, 503, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains("s2"),
            "{problem}"
        );
    }
    let counted = async |name: &str| -> u64 {
        let (_, _, text) = bench.http_text("GET", "/metrics").await;
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{name} ")))
            .unwrap();
        line.split(' ').nth(1).unwrap().parse().unwrap()
    };
    // Each took 5 s, one behind the other, while four switches were collected every second.
    let failures = counted("godwit_statistics_failures_total").await;
    assert!((1..=2).contains(&failures), "{failures}");
    assert!(counted("godwit_statistics_skipped_total").await >= 3);
    assert!(counted("godwit_statistics_collections_total").await >= 16);
    bench.fabric.mood(2, Mood::Well);
    until("the switch to answer again", || {
        bench.network.topology().links().count() == 10
    })
    .await;
    collected(&bench, hung).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_metrics_have_a_line_each() {
    let bench = Bench::new().await;
    bench.routes(1).await;
    collected(&bench, S1).await;
    collected(&bench, S4).await;
    for (kind, lines, header) in [
        ("", 1 + 2 * 4, "time,dpid,switch,port,name,speed_bit_per_s,"),
        (
            "?kind=ports",
            1 + 2 * 4,
            "time,dpid,switch,port,name,speed_bit_per_s,",
        ),
        ("?kind=links", 1 + 10, "time,src_dpid,src_port,"),
        ("?kind=rules", 1 + 2 * 3, "time,dpid,switch,table,"),
        ("?kind=routes", 1 + 1, "time,route,from,to,"),
    ] {
        let path = format!("/v1/statistics.csv{kind}");
        let (status, content, text) = bench.http_text("GET", &path).await;
        assert_eq!((status, content.starts_with("text/csv")), (200, true));
        assert!(text.starts_with(header) && text.ends_with("\r\n"), "{text}");
        assert_eq!(text.matches("\r\n").count(), lines, "{text}");
        if kind != "?kind=rules" {
            let fields = |line: &str| line.split(',').count();
            let first = text.lines().next().map(fields);
            assert!(
                text.lines().all(|line| Some(fields(line)) == first),
                "{text}"
            );
        }
    }
    let (_, _, text) = bench.http_text("GET", "/metrics").await;
    for wanted in [
        "godwit_port_bytes_total{dpid=\"0000000000000001\",port=\"2\",direction=\"tx\"} 0",
        "godwit_link_packets_total{src=\"0000000000000004\",src_port=\"2\",dst=\"0000000000000002\",dst_port=\"2\"} 0",
        "godwit_route_packets_total{route=\"1\"} 0",
    ] {
        assert!(
            text.lines().any(|line| line == wanted),
            "{wanted} in {text}"
        );
    }
    for bad in [
        "/v1/statistics.csv?kind=hosts",
        "/v1/statistics.csv?knd=ports",
        "/v1/statistics?history=-1",
        "/v1/switches/s1/statistics?histroy=1",
    ] {
        let (status, kind, problem) = bench.http("GET", bad).await;
        assert_eq!(
            (status, kind.as_str()),
            (400, "application/problem+json"),
            "{problem}"
        );
    }
    let (status, ..) = bench.http("POST", "/v1/switches/nobody/statistics").await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_written_to_a_directory_and_a_failure_is_not_the_end() {
    let bench = Bench::new().await;
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("statistics");
    let settings = Settings {
        interval_s: 0,
        export_dir: Some(place.clone()),
        export_interval_s: 1,
        ..Settings::default()
    };
    let exporting = Statistics::new(bench.network.clone(), Some(bench.routing.clone()), settings);
    let running = tokio::spawn(exporting.clone().run());
    let links = place.join("links.csv");
    let lines = || std::fs::read_to_string(&links).map_or(0, |text| text.lines().count());
    until("all links in a file", || lines() == 11).await;
    let failures = || {
        let mut out = String::new();
        exporting.metrics(&mut out);
        let name = "godwit_statistics_export_failures_total ";
        let found = out.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(failures(), 0);
    // Nothing can be put where a directory is.
    std::fs::remove_file(&links).unwrap();
    std::fs::create_dir(&links).unwrap();
    until("a failure", || failures() > 0).await;
    std::fs::remove_dir(&links).unwrap();
    until("the file again", || lines() == 11).await;
    assert!(!running.is_finished());
    running.abort();
}
