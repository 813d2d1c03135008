use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::model::Field;
use crate::types::{GroupId, MeterId, PortNo, QueueId, TableId};

fn written(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn an_output_has_the_number_or_the_name_of_its_port() {
    assert_eq!(
        serde_json::to_string(&Action::output(PortNo(2))).unwrap(),
        r#"{"type":"output","port":2}"#
    );
    for (port, name) in [
        (PortNo::CONTROLLER, "controller"),
        (PortNo::FLOOD, "flood"),
        (PortNo::ALL, "all"),
        (PortNo::IN_PORT, "in_port"),
        (PortNo::LOCAL, "local"),
        (PortNo::NORMAL, "normal"),
    ] {
        assert_eq!(
            written(Action::output(port)),
            json!({"type": "output", "port": name})
        );
    }
}

#[test]
fn an_output_says_how_much_of_a_packet_unless_it_is_what_its_port_implies() {
    let cases = [
        (PortNo::CONTROLLER, Action::NO_BUFFER, None),
        (PortNo::CONTROLLER, 0, Some(0)),
        (PortNo::CONTROLLER, 128, Some(128)),
        (PortNo(2), 0, None),
        (PortNo(2), Action::NO_BUFFER, Some(Action::NO_BUFFER)),
    ];
    for (port, max_len, expected) in cases {
        let text = written(Action::Output { port, max_len });
        assert_eq!(text.get("max_len"), expected.map(Value::from).as_ref());
        assert_eq!(text["port"], serde_json::to_value(port).unwrap());
    }
}

#[test]
fn each_action_has_its_name_and_what_it_is_about() {
    let cases = [
        (
            Action::Group(GroupId(7)),
            json!({"type": "group", "group": 7}),
        ),
        (
            Action::SetQueue(QueueId(9)),
            json!({"type": "set_queue", "queue": 9}),
        ),
        (
            Action::Enqueue {
                port: PortNo(4),
                queue: QueueId(9),
            },
            json!({"type": "enqueue", "port": 4, "queue": 9}),
        ),
        (
            Action::PushVlan(0x8100),
            json!({"type": "push_vlan", "ethertype": 0x8100}),
        ),
        (Action::PopVlan, json!({"type": "pop_vlan"})),
        (
            Action::PushMpls(0x8847),
            json!({"type": "push_mpls", "ethertype": 0x8847}),
        ),
        (
            Action::PopMpls(0x0800),
            json!({"type": "pop_mpls", "ethertype": 0x0800}),
        ),
        (Action::DecNwTtl, json!({"type": "dec_nw_ttl"})),
        (
            Action::SetNwTtl(63),
            json!({"type": "set_nw_ttl", "ttl": 63}),
        ),
    ];
    for (action, expected) in cases {
        assert_eq!(written(action), expected);
    }
}

#[test]
fn a_field_is_set_to_a_value_in_the_form_it_has_in_a_match() {
    let cases = [
        (Field::EthDst, 0x0200_0000_000b, json!("02:00:00:00:00:0b")),
        (Field::Ipv4Src, 0x0a00_0001, json!("10.0.0.1")),
        (Field::Ipv6Dst, 0x2001_0db8 << 96 | 7, json!("2001:db8::7")),
        (Field::VlanVid, 0x1007, json!(7)),
        (Field::UdpDst, 5001, json!(5001)),
    ];
    for (field, value, expected) in cases {
        assert_eq!(
            written(Action::SetField { field, value }),
            json!({"type": "set_field", "field": field.name(), "value": expected})
        );
    }
}

#[test]
fn what_is_unknown_is_its_number_and_its_bytes() {
    let body = Bytes::from_static(b"\x00\xab\xcd\xef");
    let action = Action::Unknown {
        action_type: 0xffff,
        body: body.clone(),
    };
    assert_eq!(
        written(action),
        json!({"type": "unknown", "action_type": 0xffff, "body": "00abcdef"})
    );
    let instruction = Instruction::Unknown {
        instruction_type: 7,
        body,
    };
    assert_eq!(
        written(instruction),
        json!({"type": "unknown", "instruction_type": 7, "body": "00abcdef"})
    );
}

#[test]
fn each_instruction_has_its_name_and_what_it_is_about() {
    let actions = || vec![Action::output(PortNo(2)), Action::PopVlan];
    let list = json!([{"type": "output", "port": 2}, {"type": "pop_vlan"}]);
    let cases = [
        (
            Instruction::ApplyActions(actions()),
            json!({"type": "apply_actions", "actions": list}),
        ),
        (
            Instruction::WriteActions(actions()),
            json!({"type": "write_actions", "actions": list}),
        ),
        (Instruction::ClearActions, json!({"type": "clear_actions"})),
        (
            Instruction::GotoTable(TableId(3)),
            json!({"type": "goto_table", "table": 3}),
        ),
        (
            Instruction::Meter(MeterId(5)),
            json!({"type": "meter", "meter": 5}),
        ),
        (
            Instruction::WriteMetadata {
                value: u64::MAX,
                mask: 0xff,
            },
            json!({"type": "write_metadata", "value": "0xffffffffffffffff", "mask": "0xff"}),
        ),
    ];
    for (instruction, expected) in cases {
        assert_eq!(written(instruction), expected);
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[test]
fn what_people_write_is_read() {
    let cases = [
        (
            json!({"port": "controller", "type": "output"}),
            Action::output(PortNo::CONTROLLER),
        ),
        (
            json!({"type": "output", "port": "0x2", "max_len": "64"}),
            Action::Output {
                port: PortNo(2),
                max_len: 64,
            },
        ),
        (
            json!({"type": "push_vlan", "ethertype": "0x88a8"}),
            Action::PushVlan(0x88a8),
        ),
        (
            json!({"type": "set_field", "field": "eth_dst", "value": "00:00:00:00:00:02"}),
            Action::SetField {
                field: Field::EthDst,
                value: 2,
            },
        ),
        (
            json!({"type": "set_field", "field": "vlan_vid", "value": 7}),
            Action::SetField {
                field: Field::VlanVid,
                value: 0x1007,
            },
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), Ok(expected));
    }
    assert_eq!(
        read(json!({"type": "write_metadata", "value": 5})),
        Ok(Instruction::WriteMetadata {
            value: 5,
            mask: u64::MAX
        })
    );
}

#[test]
fn errors_name_what_is_wrong_with_an_action() {
    let cases = [
        (json!({"port": 2}), "an action needs a `type`"),
        (json!({"type": 3}), "`type` is 3, not a text"),
        (
            json!({"type": "outputs"}),
            "action `outputs`: there is no action of this type",
        ),
        (
            json!({"type": "output"}),
            "action `output`: an action of this type needs `port`",
        ),
        (
            json!({"type": "output", "port": "wan"}),
            "action `output`: `port`: `wan` is not a port number or a port's reserved name",
        ),
        (
            json!({"type": "output", "port": 2, "maxlen": 9}),
            "action `output`: an action of this type has no `maxlen`",
        ),
        (
            json!({"type": "output", "port": 2, "max_len": 65536}),
            "action `output`: `max_len` is 65536, not a number from 0 to 65535",
        ),
        (
            json!({"type": "group", "group": -1}),
            "action `group`: `group` is -1, not a number from 0 to 4294967295",
        ),
        (
            json!({"type": "set_field", "field": "dl_dst", "value": 1}),
            "action `set_field`: `dl_dst` is not a match field of OpenFlow 1.3",
        ),
        (
            json!({"type": "set_field", "field": "eth_dst", "value": 1}),
            "action `set_field`: `1` is not a value of `eth_dst`: a MAC address",
        ),
        (
            json!({"type": "set_field", "field": "ipv4_dst", "value": "10.0.0.0/8"}),
            "action `set_field`: `10.0.0.0/8` is not a value to set `ipv4_dst` to: it has a mask",
        ),
        (
            json!({"type": "pop_vlan", "port": {}}),
            "invalid type: map, expected a number or a text for `port`",
        ),
        (
            json!({"type": "unknown", "action_type": 9, "body": "0g"}),
            "action `unknown`: `body` is \"0g\", not a text of pairs of hex digits",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(read::<Action>(text), Err(expected.to_owned()));
    }
}

#[test]
fn errors_name_what_is_wrong_with_an_instruction() {
    let cases = [
        (json!({}), "an instruction needs a `type`"),
        (
            json!({"type": "output", "port": 2}),
            "instruction `output`: there is no instruction of this type",
        ),
        (
            json!({"type": "apply_actions"}),
            "instruction `apply_actions`: an instruction of this type needs `actions`",
        ),
        (
            json!({"type": "clear_actions", "actions": []}),
            "instruction `clear_actions`: an instruction of this type has no `actions`",
        ),
        (
            json!({"type": "goto_table", "table": 256}),
            "instruction `goto_table`: `table` is 256, not a number from 0 to 255",
        ),
        (
            json!({"type": "apply_actions", "actions": [{"type": "set_nw_ttl"}]}),
            "action `set_nw_ttl`: an action of this type needs `ttl`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(read::<Instruction>(text), Err(expected.to_owned()));
    }
}

#[test]
fn a_member_given_twice_is_refused() {
    let twice = r#"{"type": "output", "port": 1, "port": 2}"#;
    let error = serde_json::from_str::<Action>(twice).unwrap_err();
    assert!(
        error.to_string().starts_with("`port` is given twice"),
        "{error}"
    );
    let twice = r#"{"type": "apply_actions", "actions": [], "actions": []}"#;
    let error = serde_json::from_str::<Instruction>(twice).unwrap_err();
    assert!(
        error.to_string().starts_with("`actions` is given twice"),
        "{error}"
    );
}
