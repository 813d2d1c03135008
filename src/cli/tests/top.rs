//! `godwit top` and `godwit apps`.

use serde_json::json;

use super::server::{Canned, Server};
use super::{Outcome, godwit};

fn statistics() -> String {
    let end = |port: u32| json!({ "dpid": "0000000000000001", "port": port });
    let link = |port: u32, rate: Option<f64>| {
        json!({
            "src": end(port), "dst": end(port + 10), "bits_per_second": rate, "packets_per_second": rate, "utilisation": 0.5,
        })
    };
    let route = |id: u32, rate: f64| {
        json!({
            "id": id, "from": "10.0.0.1", "to": "10.0.0.2", "bits_per_second": rate, "packets_per_second": 1.0,
        })
    };
    json!({
        "links": [link(1, Some(1000.0)), link(2, None), link(3, Some(3e6)), link(4, Some(2000.0))],
        "routes": [route(7, 1.0), route(8, 5e9)],
    })
    .to_string()
}

#[tokio::test]
async fn the_busiest_come_first_and_no_more_than_asked() {
    let switches = Canned::ok(r#"[{"dpid":"0000000000000001"},{"dpid":"0000000000000002"}]"#);
    let gone = Canned::problem("404 Not Found", r#"{"title":"gone"}"#);
    let server = Server::start([switches, Canned::ok("{}"), gone, Canned::ok(&statistics())]).await;
    let ran = godwit(&["top", "--once", "-n", "2"], &server.url).await;
    assert_eq!(ran.outcome, Outcome::Done, "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines[2].contains("0x1/3 → 0x1/13") && lines[2].contains("3.00 Mb/s"),
        "{}",
        ran.out
    );
    assert!(
        lines[3].contains("0x1/4 →") && lines[3].contains("50.0 %"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("0x1/1 →"), "{}", ran.out);
    assert!(lines[7].contains("5.00 Gb/s"), "{}", ran.out);
    assert_eq!(
        server.requests(),
        [
            "GET /v1/switches",
            "POST /v1/switches/0000000000000001/statistics",
            "POST /v1/switches/0000000000000002/statistics",
            "GET /v1/statistics",
        ]
    );
}

#[tokio::test]
async fn an_app_is_enabled_and_disabled_by_its_name() {
    let server = Server::start([Canned::ok("{}")]).await;
    let ran = godwit(&["apps", "disable", "acl"], &server.url).await;
    assert_eq!(
        (ran.outcome, ran.out.as_str()),
        (Outcome::Done, "acl is disabled\n")
    );
    godwit(&["apps", "enable", "acl"], &server.url).await;
    assert_eq!(server.requests(), ["PUT /v1/apps/acl/enabled"; 2]);
}
