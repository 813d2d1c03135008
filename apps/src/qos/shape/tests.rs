use super::*;

fn request(body: Value) -> ShapeRequest {
    serde_json::from_value(body).unwrap()
}

#[test]
fn what_chooses_no_queue_gets_what_the_others_leave() {
    let asked = request(json!({ "max_rate_bps": 10_000_000, "queues": [
        { "queue": 2, "min_rate_bps": 3_000_000 },
        { "queue": 1, "name": "gold", "min_rate_bps": 6_500_000, "priority": 0 },
    ] }));
    let complete = asked.checked().unwrap();
    let numbers: Vec<u32> = complete.queues.iter().map(|queue| queue.queue).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(complete.queues[0].min_rate_bps, Some(500_000));
    let whole = request(
        json!({ "max_rate_bps": 1_000_000, "queues": [{ "queue": 1, "min_rate_bps": 1_000_000 }] }),
    );
    assert_eq!(
        whole.checked().unwrap().queues[0].min_rate_bps,
        Some(LEAST_RATE)
    );
    let own = request(json!({ "max_rate_bps": 1_000_000, "queues": [{ "queue": 0 }] }));
    assert_eq!(own.clone().checked().unwrap(), own);
}

#[test]
fn what_can_not_be_kept_is_refused_with_its_field() {
    let wrong = [
        (json!({ "max_rate_bps": 100 }), "max_rate_bps"),
        (
            json!({ "max_rate_bps": 100_000, "queues": [{ "queue": 61440 }] }),
            "queues[0].queue",
        ),
        (
            json!({ "max_rate_bps": 100_000, "queues": [{ "queue": 1 }, { "queue": 1 }] }),
            "queues[1].queue",
        ),
        (
            json!({ "max_rate_bps": 100_000, "queues": [{ "queue": 1, "max_rate_bps": 200_000 }] }),
            "queues[0].max_rate_bps",
        ),
        (
            json!({ "max_rate_bps": 100_000, "queues": [{ "queue": 1, "min_rate_bps": 30_000, "max_rate_bps": 20_000 }] }),
            "queues[0].min_rate_bps",
        ),
        (
            json!({ "max_rate_bps": 100_000, "queues": [
            { "queue": 1, "min_rate_bps": 70_000 }, { "queue": 2, "min_rate_bps": 40_000 },
        ] }),
            "queues",
        ),
    ];
    for (body, field) in wrong {
        let error = request(body.clone()).checked().unwrap_err();
        assert_eq!(error.problem().field.as_deref(), Some(field), "{body}");
    }
}

/// A bridge with two ports, the second shaped by godwit, and a port of another bridge.
fn answers() -> Vec<Value> {
    vec![
        json!({ "rows": [{ "ports": ["set", [["uuid", "p1"], ["uuid", "p2"]]] }] }),
        json!({ "rows": [
            { "_uuid": ["uuid", "p1"], "name": "s1-eth1", "interfaces": ["uuid", "i1"], "qos": ["set", []] },
            { "_uuid": ["uuid", "p2"], "name": "s1-eth2", "interfaces": ["uuid", "i2"], "qos": ["uuid", "q"] },
            { "_uuid": ["uuid", "p3"], "name": "s2-eth1", "interfaces": ["uuid", "i3"], "qos": ["set", []] },
        ] }),
        json!({ "rows": [
            { "_uuid": ["uuid", "i1"], "ofport": 1 },
            { "_uuid": ["uuid", "i2"], "ofport": 2 },
            { "_uuid": ["uuid", "i3"], "ofport": 1 },
        ] }),
        json!({ "rows": [{
            "_uuid": ["uuid", "q"], "type": "linux-htb", "other_config": ["map", [["max-rate", "10000000"]]],
            "queues": ["map", [[0, ["uuid", "k0"]], [7, ["uuid", "k7"]]]],
            "external_ids": ["map", [["godwit", "port"]]],
        }] }),
        json!({ "rows": [
            { "_uuid": ["uuid", "k0"], "other_config": ["map", []], "external_ids": ["map", [["godwit", "queue"]]] },
            {
                "_uuid": ["uuid", "k7"], "other_config": ["map", [["min-rate", "7000000"], ["priority", "1"]]],
                "external_ids": ["map", [["godwit", "queue"], ["godwit-name", "gold"]]],
            },
        ] }),
    ]
}

#[test]
fn the_database_is_read_as_ports_with_queues() {
    let ports = Ports::read(&answers()).unwrap();
    assert_eq!(ports.port(1).unwrap().name, "s1-eth1");
    let expected = json!([{
        "port": 2, "name": "s1-eth2", "type": "linux-htb", "max_rate_bps": 10_000_000, "own": true,
        "queues": [
            { "queue": 0, "name": null, "min_rate_bps": null, "max_rate_bps": null, "priority": null },
            { "queue": 7, "name": "gold", "min_rate_bps": 7_000_000, "max_rate_bps": null, "priority": 1 },
        ],
    }]);
    assert_eq!(serde_json::to_value(ports.shaped()).unwrap(), expected);
    assert!(!ports.is_foreign(ports.port(2).unwrap()));
    let mut foreign = answers();
    foreign[3]["rows"][0]["external_ids"] = json!(["map", []]);
    let ports = Ports::read(&foreign).unwrap();
    assert!(ports.is_foreign(ports.port(2).unwrap()));
    assert!(Ports::read(&[json!({ "rows": [] })]).is_none());
}

#[test]
fn a_change_replaces_what_was_there_in_one_transaction() {
    let ports = Ports::read(&answers()).unwrap();
    let shape = request(
        json!({ "max_rate_bps": 5_000_000, "queues": [{ "queue": 1, "name": "gold", "min_rate_bps": 3_500_000 }] }),
    );
    let operations = ports.change(ports.port(2).unwrap(), Some(&shape.checked().unwrap()));
    let kinds: Vec<String> = operations
        .iter()
        .map(|operation| {
            format!(
                "{} {}",
                operation["op"].as_str().unwrap(),
                operation["table"].as_str().unwrap()
            )
        })
        .collect();
    let expected = [
        "wait Port",
        "insert Queue",
        "insert Queue",
        "insert QoS",
        "update Port",
        "delete QoS",
        "delete Queue",
        "delete Queue",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(operations[0]["rows"], json!([{ "qos": ["uuid", "q"] }]));
    assert_eq!(
        operations[2]["row"]["other_config"],
        json!(["map", [["min-rate", "3500000"]]])
    );
    let queues = json!([
        "map",
        [[0, ["named-uuid", "queue0"]], [1, ["named-uuid", "queue1"]]]
    ]);
    assert_eq!(operations[3]["row"]["queues"], queues);
    let first = ports.change(ports.port(1).unwrap(), None);
    assert_eq!(first[1]["row"], json!({ "qos": ["set", []] }));
    assert_eq!(first.len(), 2);
}
