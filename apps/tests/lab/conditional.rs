//! Reads that are left out and writes that are not made, because of what the client knows.

use serde_json::{Value, json};

use crate::bench::{Bench, header};

const JSON: &str = "Content-Type: application/json\r\n";

/// The tag of a resource.
async fn tag(bench: &Bench, path: &str) -> String {
    let (status, head, body) = bench.ask("GET", path, "", "").await;
    assert_eq!(status, 200, "{body}");
    header(&head, "etag").unwrap().to_owned()
}

async fn read_again(bench: &Bench, path: &str, tag: &str) -> (u16, String) {
    let known = format!("If-None-Match: {tag}\r\n");
    let (status, head, body) = bench.ask("GET", path, &known, "").await;
    assert!(header(&head, "etag").is_some());
    (status, body)
}

async fn write(
    bench: &Bench,
    (method, path): (&str, &str),
    tag: &str,
    body: &Value,
) -> (u16, Value) {
    let headers = format!("{JSON}If-Match: {tag}\r\n");
    let (status, _, text) = bench.ask(method, path, &headers, &body.to_string()).await;
    (status, serde_json::from_str(&text).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_has_already_is_not_sent_again() {
    let bench = Bench::whole().await;
    bench.routes(2).await;
    for path in [
        "/v1/topology",
        "/v1/routes",
        "/v1/links",
        "/v1/entries",
        "/v1/acl",
    ] {
        let known = tag(&bench, path).await;
        assert_eq!(
            read_again(&bench, path, &known).await,
            (304, String::new()),
            "{path}"
        );
        let one_of = format!("\"other\", {known}");
        assert_eq!(read_again(&bench, path, &one_of).await.0, 304, "{path}");
        assert_eq!(read_again(&bench, path, "\"other\"").await.0, 200, "{path}");
    }
    let known = tag(&bench, "/v1/routes").await;
    bench.create(vec![crate::bench::wish(7)]).await.unwrap();
    assert_eq!(read_again(&bench, "/v1/routes", &known).await.0, 200);
    assert_ne!(tag(&bench, "/v1/routes").await, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_change_the_same_the_second_learns_of_the_first() {
    let bench = Bench::whole().await;
    let denied = |port: u16| json!({ "action": "deny", "match": { "eth_type": 0x0800, "ip_proto": 6, "tcp_dst": port } });
    let add = ("POST", "/v1/acl");
    let known = tag(&bench, "/v1/acl").await;
    assert_eq!(write(&bench, add, &known, &denied(23)).await.0, 201);
    let (status, problem) = write(&bench, add, &known, &denied(24)).await;
    assert_eq!((status, &problem["status"]), (412, &412.into()));
    let detail = problem["detail"].as_str().unwrap();
    let now = tag(&bench, "/v1/acl").await;
    assert!(
        detail.contains(&now) && detail.contains("GET /v1/acl"),
        "{detail}"
    );
    assert_eq!(write(&bench, add, &now, &denied(24)).await.0, 201);
    assert_eq!(write(&bench, add, "*", &denied(25)).await.0, 201);

    let enable = ("PUT", "/v1/apps/acl/enabled");
    let known = tag(&bench, "/v1/apps/acl").await;
    assert_eq!(write(&bench, enable, &known, &json!(false)).await.0, 200);
    assert_eq!(write(&bench, enable, &known, &json!(true)).await.0, 412);
    let now = tag(&bench, "/v1/apps/acl").await;
    assert_eq!(write(&bench, enable, &now, &json!(true)).await.0, 200);

    let (cost, body) = (
        ("PUT", "/v1/switches/0x1/ports/2/cost"),
        json!({ "cost": 9 }),
    );
    let known = tag(&bench, "/v1/links").await;
    assert_eq!(write(&bench, cost, &known, &body).await.0, 204);
    assert_eq!(write(&bench, cost, &known, &body).await.0, 412);
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_does_not_make_a_tag_stale_for_writers() {
    let bench = Bench::whole().await;
    bench.routes(1).await;
    let known = tag(&bench, "/v1/routes/1").await;
    bench.fabric.carry(3);
    let path = "/v1/routes/1";
    let (status, _) = write(&bench, ("DELETE", path), "\"0-0\"", &Value::Null).await;
    assert_eq!(status, 412);
    assert_eq!(
        write(&bench, ("DELETE", path), &known, &Value::Null)
            .await
            .0,
        204
    );
    // What isn't there says so, whatever the tag.
    assert_eq!(
        write(&bench, ("DELETE", path), &known, &Value::Null)
            .await
            .0,
        404
    );
    // And what has no tag can't be asked for by one.
    let drains = ("POST", "/v1/drains");
    let (status, problem) = write(&bench, drains, &known, &json!({})).await;
    assert_eq!(status, 412, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_with_the_same_tag_one_is_done() {
    let bench = std::sync::Arc::new(Bench::whole().await);
    let known = tag(&bench, "/v1/acl").await;
    let writers = (0..8_u16).map(|port| {
        let (bench, known) = (std::sync::Arc::clone(&bench), known.clone());
        tokio::spawn(async move {
            let body = json!({ "action": "deny", "match": { "eth_type": 0x0800, "ip_proto": 6, "tcp_dst": port } });
            write(&bench, ("POST", "/v1/acl"), &known, &body).await.0
        })
    });
    let mut done = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        done.push(writer.await.unwrap());
    }
    done.sort_unstable();
    assert_eq!(done, [201, 412, 412, 412, 412, 412, 412, 412]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_given_in_parts_to_who_wants_that() {
    let bench = Bench::whole().await;
    bench.routes(5).await;
    let lists = [
        "/v1/routes",
        "/v1/links",
        "/v1/switches",
        "/v1/switches/0x1/rules",
    ];
    for list in lists {
        let (_, _, whole) = bench.http("GET", list).await;
        let whole = whole.as_array().unwrap().len();
        let (mut path, mut seen) = (format!("{list}?limit=2"), 0);
        loop {
            let (status, head, body) = bench.ask("GET", &path, "", "").await;
            assert_eq!(status, 200, "{path}: {body}");
            let total = whole.to_string();
            assert_eq!(header(&head, "x-total-count"), Some(total.as_str()));
            let part: Vec<Value> = serde_json::from_str(&body).unwrap();
            assert!(part.len() <= 2);
            seen += part.len();
            let Some(next) = header(&head, "link") else {
                break;
            };
            let next = next.strip_prefix('<').unwrap();
            next.split_once(">; rel=\"next\"")
                .unwrap()
                .0
                .clone_into(&mut path);
        }
        assert_eq!(seen, whole, "{list}");
    }
    assert_eq!(bench.http("GET", "/v1/routes?limit=0").await.0, 400);
    assert_eq!(bench.http("GET", "/v1/links?after=nobody").await.0, 422);
}
