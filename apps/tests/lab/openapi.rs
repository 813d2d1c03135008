//! What `GET /openapi.json` says, held against what is served.

use serde_json::{Value, json};

use crate::bench::{Bench, header};

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];
const JSON: &str = "Content-Type: application/json\r\n";

/// A client that believes no answer that the document does not describe.
struct Client {
    bench: Bench,
    document: Value,
}

impl Client {
    async fn new() -> Self {
        let bench = Bench::whole().await;
        let (status, kind, document) = bench.http("GET", "/openapi.json").await;
        assert_eq!((status, kind.as_str()), (200, "application/json"));
        Self { bench, document }
    }

    /// Whether a value is what a schema of the document says.
    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let whole = json!({ "allOf": [schema], "components": self.document["components"] });
        let validator = jsonschema::validator_for(&whole).unwrap();
        let faults = validator.iter_errors(value);
        faults
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect()
    }

    /// Asks, at the path with its names filled in, and gives the answer's body. The status has to be this one; body,
    /// status and answer have to be described.
    async fn ask(
        &self,
        method: &str,
        path: &str,
        names: &[&str],
        body: Value,
        status: u16,
    ) -> Value {
        let (bare, query) = path.split_once('?').unwrap_or((path, ""));
        let described = &self.document["paths"][bare][method];
        let what = format!("{method} {path}");
        assert!(described.is_object(), "{what} is not described");
        let mut names = names.iter();
        let filled: Vec<&str> = bare
            .split('/')
            .map(|part| {
                if part.starts_with('{') {
                    *names.next().unwrap()
                } else {
                    part
                }
            })
            .collect();
        let mut url = filled.join("/");
        if !query.is_empty() {
            url = format!("{url}?{query}");
        }
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let headers = if body.is_null() { "" } else { JSON };
        let upper = method.to_uppercase();
        let (got, head, text) = self.bench.ask(&upper, &url, headers, &text).await;
        assert_eq!(got, status, "{what}: {text}");
        if got < 300 && !body.is_null() {
            let schema = &described["requestBody"]["content"]["application/json"]["schema"];
            assert_eq!(self.faults(schema, &body), [""; 0], "{what} takes {body}");
        }
        let answer = &described["responses"][got.to_string()];
        assert!(answer.is_object(), "{what} may answer {got}: {text}");
        let kind = header(&head, "content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap();
        if text.is_empty() {
            assert!(answer["content"].is_null(), "{what} has no body");
            return Value::Null;
        }
        let any = &answer["content"]["*/*"];
        let content = answer["content"].get(kind).unwrap_or(any);
        assert!(content.is_object(), "{what} answers {kind}");
        let Ok(value) = serde_json::from_str(&text) else {
            return text.into();
        };
        assert_eq!(
            self.faults(&content["schema"], &value),
            [""; 0],
            "{what} answers {text}"
        );
        value
    }

    async fn get(&self, path: &str, names: &[&str]) -> Value {
        self.ask("get", path, names, Value::Null, 200).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_described_is_served_and_no_other_method_of_it() {
    let client = Client::new().await;
    let paths = client.document["paths"].as_object().unwrap();
    assert!(paths.len() > 60, "{} paths", paths.len());
    for (path, operations) in paths {
        let filled: Vec<&str> = path
            .split('/')
            .map(|part| if part.contains('{') { "7" } else { part })
            .collect();
        let filled = filled.join("/");
        for method in METHODS {
            let described = operations[method].is_object();
            if described && path == "/v1/events" {
                continue;
            }
            let upper = method.to_uppercase();
            let (status, head, text) = client.bench.ask(&upper, &filled, "", "").await;
            assert!(!text.contains("nothing is served"), "{method} {path}");
            if described {
                let known = &operations[method]["responses"][status.to_string()];
                assert!(
                    known.is_object(),
                    "{method} {path} may answer {status}: {text}"
                );
            } else {
                assert_eq!(status, 405, "{method} {path}");
                let allowed = header(&head, "allow").unwrap().to_lowercase();
                assert!(!allowed.split(',').any(|known| known == method));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_has_a_name_of_its_own_a_summary_and_an_answer() {
    let client = Client::new().await;
    let mut names = std::collections::BTreeSet::new();
    for (path, operations) in client.document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{name} is there twice");
            assert!(!operation["summary"].as_str().unwrap().is_empty());
            let answers = operation["responses"].as_object().unwrap();
            let good = answers.keys().any(|status| status.starts_with('2'));
            assert!(good, "{method} {path}");
            for parameter in operation["parameters"].as_array().unwrap() {
                let schema = &parameter["schema"];
                assert!(schema.is_object(), "{method} {path}: {parameter}");
                jsonschema::validator_for(&json!({
                    "allOf": [schema], "components": client.document["components"],
                }))
                .unwrap();
            }
        }
    }
    for (name, schema) in client.document["components"]["schemas"]
        .as_object()
        .unwrap()
    {
        let whole = json!({ "allOf": [schema], "components": client.document["components"] });
        assert!(jsonschema::validator_for(&whole).is_ok(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_answered_as_described() {
    let client = Client::new().await;
    client.bench.routes(2).await;
    let lists = [
        "/healthz",
        "/readyz",
        "/metrics",
        "/docs",
        "/",
        "/v1/switches",
        "/v1/queued",
        "/v1/links",
        "/v1/hosts",
        "/v1/topology",
        "/v1/apps",
        "/v1/routes",
        "/v1/migrations",
        "/v1/drains",
        "/v1/entries",
        "/v1/acl",
        "/v1/statistics",
        "/v1/statistics.csv",
        "/stats/switches",
        "/wm/core/controller/switches/json",
        "/wm/topology/links/json",
    ];
    for path in lists {
        client.get(path, &[]).await;
    }
    let one = ["0x1"];
    client.get("/v1/switches/{id}", &one).await;
    client.get("/v1/switches/{id}/rules", &one).await;
    let statistics = "/v1/switches/{id}/statistics";
    client.ask("post", statistics, &one, Value::Null, 200).await;
    client.get(statistics, &one).await;
    client.get("/v1/statistics?history=3", &[]).await;
    client.get("/v1/routes/{id}?per_switch=true", &["1"]).await;
    let ways = "/v1/paths?from=0x1/1&to=0x4/1&k=2";
    client.get(ways, &[]).await;
    client.get("/docs/{file}", &["swagger-ui.css"]).await;
    client.get("/dashboard/{file}", &["main.js"]).await;
    client.get("/v1/statistics?busiest=2", &[]).await;
    let none = client
        .ask("get", "/v1/switches/{id}", &["0x77"], Value::Null, 404)
        .await;
    assert_eq!(none["status"], 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_taken_and_answered_as_described() {
    let client = Client::new().await;
    let (here, there) = (
        json!({ "dpid": "0x1", "port": 1 }),
        json!({ "dpid": "0x4", "port": 1 }),
    );
    let matching = |port: u16| json!({ "eth_type": 0x0800, "ip_proto": 17, "udp_dst": port });
    let route = |port| json!({ "from": here, "to": there, "match": matching(port) });
    client
        .ask("post", "/v1/routes", &[], route(5001), 201)
        .await;
    let two = json!([route(5002), route(5003)]);
    let made = client.ask("post", "/v1/routes", &[], two, 201).await;
    assert_eq!(made.as_array().unwrap().len(), 2);
    client
        .ask("post", "/v1/routes", &[], route(5001), 409)
        .await;
    client
        .ask("delete", "/v1/routes/{id}", &["1"], Value::Null, 204)
        .await;

    let rules = "/v1/switches/{id}/rules";
    let entry = json!({
        "table": 0, "priority": 7, "match": matching(6000), "idle_timeout": 0, "hard_timeout": 0,
        "instructions": [{ "type": "apply_actions", "actions": [{ "type": "output", "port": 2 }] }],
    });
    let made = client
        .ask("post", rules, &["0x1"], entry.clone(), 201)
        .await;
    let id = made["id"].to_string();
    let rule = "/v1/switches/{id}/rules/{rule}";
    client.get(rule, &["0x1", &id]).await;
    client.get("/v1/entries", &[]).await;
    client.get("/v1/switches/{id}/rules", &["0x1"]).await;
    client.ask("post", rules, &["0x1"], entry, 409).await;
    let wrong = json!({ "match": { "udp_dst": 1 }, "actions": [] });
    client.ask("post", rules, &["0x1"], wrong, 422).await;
    client
        .ask("delete", rule, &["0x1", &id], Value::Null, 204)
        .await;

    let rule = |switch: &str, priority: u16| json!({ "switch": switch, "priority": priority, "match": {}, "actions": [] });
    let three = json!([rule("0x1", 9), rule("0x2", 9), rule("0x1", 8)]);
    let made = client
        .ask("post", "/v1/rules", &[], three.clone(), 201)
        .await;
    let made = made.as_array().unwrap();
    assert_eq!(made[2]["priority"], 8);
    let again = json!([rule("0x3", 9), rule("0x2", 9)]);
    let problem = client.ask("post", "/v1/rules", &[], again, 409).await;
    assert_eq!(problem["field"], "[1]");
    let left = client.get("/v1/entries", &[]).await;
    assert_eq!(
        left.as_array().unwrap().len(),
        3,
        "the one on 0x3 is taken away again"
    );
    let mut ids: Vec<u64> = made.iter().map(|one| one["id"].as_u64().unwrap()).collect();
    let wrong = json!({ "ids": [ids[0], 999] });
    client
        .ask("post", "/v1/rules/delete", &[], wrong, 404)
        .await;
    ids.push(ids[0]);
    client
        .ask("post", "/v1/rules/delete", &[], json!({ "ids": ids }), 204)
        .await;
    assert_eq!(client.get("/v1/entries", &[]).await, json!([]));
    client
        .ask(
            "post",
            "/v1/routes/delete",
            &[],
            json!({ "ids": [2, 999] }),
            404,
        )
        .await;
    client
        .ask(
            "post",
            "/v1/routes/delete",
            &[],
            json!({ "ids": [2, 3] }),
            204,
        )
        .await;
    assert_eq!(client.get("/v1/routes", &[]).await, json!([]));

    let denied = json!({ "name": "no telnet", "action": "deny", "match": { "eth_type": 0x0800, "ip_proto": 6, "tcp_dst": 23 } });
    client.ask("post", "/v1/acl", &[], denied, 201).await;
    client.get("/v1/acl/{id}", &["1"]).await;
    client
        .ask("delete", "/v1/acl/{id}", &["1"], Value::Null, 204)
        .await;

    let enabled = "/v1/apps/{name}/enabled";
    client
        .ask("put", enabled, &["acl"], json!(false), 200)
        .await;
    client.ask("get", "/v1/acl", &[], Value::Null, 409).await;
    client
        .ask("put", enabled, &["acl"], json!({ "enabled": true }), 200)
        .await;

    let cost = json!({ "src": { "dpid": "0x1", "port": 2 }, "dst": { "dpid": "0x2", "port": 1 }, "cost": 5 });
    client.ask("put", "/v1/links/cost", &[], cost, 204).await;
    let free = json!({ "cost": null });
    client
        .ask(
            "put",
            "/v1/switches/{id}/ports/{port}/cost",
            &["0x1", "2"],
            free,
            204,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_is_described_from_its_plan_to_its_end() {
    let client = Client::new().await;
    client.bench.routes(2).await;
    let asked =
        |dry| json!({ "source": "0x2", "target": "0x3", "algorithm": "clone", "dry_run": dry });
    client
        .ask("post", "/v1/migrations", &[], asked(true), 200)
        .await;
    let begun = client
        .ask("post", "/v1/migrations", &[], asked(false), 202)
        .await;
    let id = begun["id"].to_string();
    loop {
        let now = client.get("/v1/migrations/{id}", &[&id]).await;
        if now["state"] == "committed" {
            break;
        }
        assert_ne!(now["state"], "rolled_back", "{now}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    client.get("/v1/migrations/{id}/plan", &[&id]).await;
    client.get("/v1/routes/{id}?per_switch=true", &["1"]).await;
    client.get("/v1/switches", &[]).await;
    let restore = "/v1/switches/{id}/restore";
    client
        .ask("post", restore, &["0x2"], Value::Null, 200)
        .await;
    client
        .ask("post", restore, &["0x2"], Value::Null, 409)
        .await;
    let drain = json!({ "switches": ["0x3"], "order": "given" });
    let begun = client.ask("post", "/v1/drains", &[], drain, 202).await;
    client
        .get("/v1/drains/{id}", &[&begun["id"].to_string()])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_nobody_else() {
    let bench = Bench::new().await;
    let (status, head, page) = bench.ask("GET", "/docs", "", "").await;
    assert_eq!(status, 200);
    assert!(!page.contains("http"), "{page}");
    let policy = header(&head, "content-security-policy").unwrap();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    let named = page.split('"').filter(|text| text.starts_with("/docs/"));
    let files: Vec<&str> = named.collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        let asked = bench.ask("HEAD", file, "", "").await;
        assert_eq!(asked.0, 200, "{file}");
    }
    let (_, head, start) = bench.ask("GET", "/docs/start.js", "", "").await;
    assert_eq!(header(&head, "content-type"), Some("text/javascript"));
    assert!(start.contains("validatorUrl: null"), "{start}");
    assert_eq!(bench.http("GET", "/docs/no-such-file").await.0, 404);
}
