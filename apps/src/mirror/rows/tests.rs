use super::*;

/// A bridge with the ports 1 to 3 and somebody else's mirror of all that enters by port 1.
fn bridge() -> Bridge {
    let port = |number: u32| json!({ "_uuid": ["uuid", format!("p{number}")], "interfaces": ["uuid", format!("i{number}")] });
    let interface =
        |number: u32| json!({ "_uuid": ["uuid", format!("i{number}")], "ofport": number });
    let answers = [
        json!({ "rows": [{ "_uuid": ["uuid", "b"], "mirrors": ["uuid", "m"],
            "ports": ["set", [["uuid", "p1"], ["uuid", "p2"], ["uuid", "p3"]]] }] }),
        json!({ "rows": [port(1), port(2), port(3), port(4)] }),
        json!({ "rows": [interface(1), interface(2), interface(3), interface(4)] }),
        json!({ "rows": [
            { "_uuid": ["uuid", "m"], "name": "theirs", "select_all": false, "select_vlan": 7,
                "select_src_port": ["uuid", "p1"], "select_dst_port": ["set", []], "output_port": ["uuid", "p3"],
                "statistics": ["map", [["tx_bytes", 600], ["tx_packets", 6]]], "external_ids": ["map", []] },
            { "_uuid": ["uuid", "elsewhere"], "name": "another bridge's" },
        ] }),
    ];
    Bridge::read(&answers).unwrap()
}

fn request(body: Value) -> MirrorRequest {
    serde_json::from_value(body).unwrap()
}

#[test]
fn what_others_have_made_is_read_and_is_theirs() {
    let listed = serde_json::to_value(bridge().mirrors()).unwrap();
    assert_eq!(
        listed,
        json!([{ "name": "theirs", "in": [1], "out": [], "all": false, "vlans": [7], "output": 3,
            "packets": 6, "bytes": 600, "own": false }])
    );
    let empty = [json!({ "rows": [] })];
    assert!(Bridge::read(&empty).is_none());
}

#[test]
fn a_mirror_is_made_beside_those_that_are_there() {
    let asked = request(json!({ "ports": [1, 2], "direction": "in", "output": 3 }));
    let operations = bridge().change("mine", Some(&asked)).unwrap();
    let [wait, insert, update] = &operations[..] else {
        panic!("{operations:?}");
    };
    assert_eq!(
        wait["rows"],
        json!([{ "mirrors": ["set", [["uuid", "m"]]] }])
    );
    let row = &insert["row"];
    assert_eq!(
        row["select_src_port"],
        json!(["set", [["uuid", "p1"], ["uuid", "p2"]]])
    );
    assert_eq!(row["select_dst_port"], json!(["set", []]));
    assert_eq!(
        (&row["select_all"], &row["output_port"]),
        (&json!(false), &json!(["uuid", "p3"]))
    );
    let both = json!(["set", [["uuid", "m"], ["named-uuid", "mirror"]]]);
    assert_eq!(update["row"]["mirrors"], both);
}

#[test]
fn a_mirror_of_the_same_name_is_replaced_and_one_that_ends_leaves_the_others() {
    let all = request(json!({ "output": 3 }));
    let operations = bridge().change("theirs", Some(&all)).unwrap();
    assert_eq!(operations[1]["row"]["select_all"], true);
    assert_eq!(
        operations[2]["row"]["mirrors"],
        json!(["set", [["named-uuid", "mirror"]]])
    );
    let operations = bridge().change("theirs", None).unwrap();
    assert_eq!(operations[1]["row"]["mirrors"], json!(["set", []]));
}

#[test]
fn what_can_not_be_is_refused_with_its_field() {
    let wrong = [
        (json!({ "ports": [9], "output": 3 }), "ports"),
        (json!({ "ports": [4], "output": 3 }), "ports"),
        (json!({ "ports": [], "output": 3 }), "ports"),
        (json!({ "ports": [1], "output": 9 }), "output"),
        (json!({ "ports": [1, 3], "output": 3 }), "output"),
        (json!({ "vlans": [4096], "output": 3 }), "vlans"),
    ];
    for (body, field) in wrong {
        let error = bridge()
            .change("mine", Some(&request(body.clone())))
            .unwrap_err();
        assert_eq!(error.problem().status, 422, "{body}");
        assert_eq!(error.problem().field.as_deref(), Some(field), "{body}");
    }
    let name = "n".repeat(LONGEST_NAME + 1);
    let asked = request(json!({ "output": 3 }));
    assert!(bridge().change(&name, Some(&asked)).is_err());
}
