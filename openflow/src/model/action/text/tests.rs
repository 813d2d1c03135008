use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::model::Field;
use crate::types::{GroupId, PortNo, TableId};

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
fn an_output_says_how_much_of_a_packet_only_when_it_is_a_part() {
    let output = |max_len| Action::Output {
        port: PortNo::CONTROLLER,
        max_len,
    };
    let part = json!({"type": "output", "port": "controller", "max_len": 128});
    assert_eq!(written(output(128)), part);
    for whole in [0, Action::NO_BUFFER] {
        let text = written(output(whole));
        assert_eq!(text, json!({"type": "output", "port": "controller"}));
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
            Action::SetQueue(9),
            json!({"type": "set_queue", "queue": 9}),
        ),
        (
            Action::Enqueue {
                port: PortNo(4),
                queue: 9,
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
        (Instruction::Meter(5), json!({"type": "meter", "meter": 5})),
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
