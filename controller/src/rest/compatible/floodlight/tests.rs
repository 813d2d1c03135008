use godwit_openflow::model::{Action, Field, FlowFlags, FlowRule, FlowStats, Instruction, Pattern};
use godwit_openflow::types::{Cookie, MeterId, TableId};
use godwit_topology::PortRef;

use super::*;

fn between(src: (u64, u32), dst: (u64, u32)) -> Link {
    let end = |(dpid, port)| PortRef {
        dpid: DatapathId(dpid),
        port: PortNo(port),
    };
    Link {
        src: end(src),
        dst: end(dst),
    }
}

#[test]
fn a_link_both_ways_is_listed_once() {
    let links = [
        between((2, 1), (1, 2)),
        between((1, 2), (2, 1)),
        between((3, 1), (2, 2)),
    ];
    let expected = vec![
        (between((1, 2), (2, 1)), true),
        (between((3, 1), (2, 2)), false),
    ];
    assert_eq!(joined(&links), expected);
    let told = described(expected[1].0, expected[1].1);
    let wanted = json!({
        "src-switch": "00:00:00:00:00:00:00:03", "src-port": 1,
        "dst-switch": "00:00:00:00:00:00:00:02", "dst-port": 2,
        "type": "internal", "direction": "unidirectional",
    });
    assert_eq!(told, wanted);
}

#[test]
fn a_cluster_is_what_links_join() {
    let switches = [1, 2, 3, 4].map(DatapathId);
    let links = [between((4, 1), (1, 2)), between((2, 1), (9, 1))];
    let expected: Vec<BTreeSet<DatapathId>> = vec![
        BTreeSet::from([DatapathId(1), DatapathId(4)]),
        BTreeSet::from([DatapathId(2)]),
        BTreeSet::from([DatapathId(3)]),
    ];
    assert_eq!(connected(&switches, &links), expected);
}

fn rule() -> FlowRule {
    let pattern = Pattern::new()
        .in_port(PortNo(1))
        .with(Field::EthType, 0x0800)
        .with(Field::IpProto, 6)
        .with_masked(Field::Ipv4Src, 0x0a01_0000, 0xffff_0000)
        .with_masked(Field::EthDst, 1 << 40, 1 << 40)
        .with(Field::TcpDst, 80);
    let set = Action::SetField {
        field: Field::VlanVid,
        value: 0x1005,
    };
    let actions = vec![Action::PushVlan(0x8100), set, Action::output(PortNo::FLOOD)];
    let mut rule = FlowRule::new(32768, pattern, actions);
    rule.instructions.push(Instruction::Meter(MeterId(3)));
    rule.instructions.push(Instruction::GotoTable(TableId(1)));
    rule.cookie = Cookie(5);
    rule.flags = FlowFlags::SEND_FLOW_REMOVED;
    rule
}

#[test]
fn an_entry_has_its_numbers_as_text() {
    let stats = FlowStats {
        rule: rule(),
        duration_ns: 3_608_000_000,
        packets: 3,
        bytes: 294,
    };
    let expected = json!({
        "version": "OF_13",
        "cookie": "5",
        "table_id": "0x0",
        "packet_count": "3",
        "byte_count": "294",
        "duration_sec": "3",
        "duration_nsec": "608000000",
        "priority": "32768",
        "idle_timeout_s": "0",
        "hard_timeout_s": "0",
        "flags": ["SEND_FLOW_REM"],
        "match": {
            "in_port": "1",
            "eth_dst": "01:00:00:00:00:00/01:00:00:00:00:00",
            "eth_type": "0x800",
            "ip_proto": "0x6",
            "ipv4_src": "10.1.0.0/16",
            "tcp_dst": "80",
        },
        "instructions": {
            "instruction_apply_actions": {
                "actions": "push_vlan=33024,set_field=eth_vlan_vid->0x1005,output=flood",
            },
            "instruction_goto_meter": { "instruction_goto_meter": "3" },
            "instruction_goto_table": { "instruction_goto_table": "1" },
        },
    });
    assert_eq!(quoted(entry::counted(Version::V13, &stats)), expected);
    let mut dropping = stats;
    dropping.rule.instructions.clear();
    let old = entry::counted(Version::V10, &dropping);
    assert_eq!(old["actions"], json!({ "none": "drop" }));
    assert_eq!((old.get("flags"), old.get("instructions")), (None, None));
}

#[test]
fn a_pushed_entry_is_an_addition() {
    let pushed = entry::pushed(Version::V13, &rule());
    assert_eq!(
        (&pushed["command"], &pushed["cookie"]),
        (&json!("ADD"), &json!("5"))
    );
    assert_eq!(pushed["match"]["tcp_dst"], "80");
    assert!(
        pushed["instructions"]
            .get("instruction_apply_actions")
            .is_some()
    );
    assert_eq!(entry::pushed(Version::V10, &rule()).get("tableId"), None);
}

#[test]
fn memory_is_read_in_bytes() {
    let status = "Name:\tgodwit\nVmRSS:\t   12345 kB\n";
    assert_eq!(kibibytes(status, "VmRSS:"), Some(12_345 * 1024));
    assert_eq!(kibibytes(status, "MemAvailable:"), None);
}

fn read_pushed(body: Value) -> Result<read::Pushed, ApiError> {
    read::pushed(body.as_object().unwrap().clone())
}

#[test]
fn a_pushed_entry_is_read_into_godwits_words() {
    let body = json!({
        "switch": "00:00:00:00:00:00:00:01", "name": "flow-mod-1", "cookie": "0", "priority": "32768",
        "in_port": "1", "eth_type": "0x0800", "ip_proto": "udp", "tp_src": "53", "eth_vlan_vid": "0xffff",
        "active": "true", "table": "2",
        "actions": "push_vlan=0x8100,set_vlan_vid=7,set_tp_dst=9,enqueue=2:0x0a,output=FLOOD",
    });
    let pushed = read_pushed(body).unwrap();
    assert_eq!(
        (pushed.name.as_str(), pushed.dpid),
        ("flow-mod-1", DatapathId(1))
    );
    let expected = json!({
        "priority": 32768,
        "table": 2,
        "match": { "in_port": "1", "eth_type": "0x0800", "ip_proto": 17, "udp_src": "53", "vlan_vid": "none" },
        "instructions": [{ "type": "apply_actions", "actions": [
            { "type": "push_vlan", "ethertype": 0x8100 },
            { "type": "set_field", "field": "vlan_vid", "value": "7" },
            { "type": "set_field", "field": "udp_dst", "value": "9" },
            { "type": "enqueue", "port": 2, "queue": 10 },
            { "type": "output", "port": "flood" },
        ] }],
    });
    assert_eq!(pushed.rule, expected);
}

#[test]
fn what_is_not_a_static_entry_is_refused_with_its_field() {
    let good = json!({ "switch": "00:00:00:00:00:00:00:01", "name": "x", "actions": "output=1" });
    assert!(read_pushed(good.clone()).is_ok());
    let wrong = [
        ("switch", json!("one")),
        ("colour", json!("red")),
        ("active", json!("false")),
        ("priority", json!("high")),
        ("actions", json!("explode")),
        ("actions", json!("enqueue=1")),
        ("tp_dst", json!("80")),
        ("instruction_goto_table", json!("next")),
        ("instruction_explode", json!("1")),
    ];
    for (field, value) in wrong {
        let mut body = good.clone();
        body[field] = value.clone();
        let error = read_pushed(body).unwrap_err();
        assert_eq!(
            error.problem().field.as_deref(),
            Some(field),
            "{field}: {value}"
        );
    }
    for missing in ["switch", "name"] {
        let mut body = good.as_object().unwrap().clone();
        body.remove(missing);
        assert_eq!(
            read::pushed(body).unwrap_err().problem().field.as_deref(),
            Some(missing)
        );
    }
}

#[test]
fn what_is_listed_can_be_pushed_again() {
    let listed = entry::pushed(Version::V13, &rule());
    let mut body = listed["match"].as_object().unwrap().clone();
    let instructions = listed["instructions"].as_object().unwrap();
    for (name, value) in instructions {
        let text = value.as_object().unwrap().values().next().unwrap();
        body.insert(name.clone(), text.clone());
    }
    body.insert("name".to_owned(), "again".into());
    body.insert("switch".to_owned(), dpid_text(DatapathId(1)).into());
    let pushed = read::pushed(body).unwrap();
    let again: Pattern = serde_json::from_value(pushed.rule["match"].clone()).unwrap();
    assert_eq!(again, rule().pattern);
    let mut does: Vec<Instruction> =
        serde_json::from_value(pushed.rule["instructions"].clone()).unwrap();
    assert!(
        rule()
            .instructions
            .iter()
            .all(|wanted| does.contains(wanted))
    );
    does.retain(|instruction| !rule().instructions.contains(instruction));
    assert_eq!(does, []);
}
