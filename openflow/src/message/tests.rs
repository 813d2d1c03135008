use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::model::{FlowMod, FlowRule, Pattern};

fn frame(bytes: &[u8]) -> Frame {
    Frame::new(Bytes::copy_from_slice(bytes)).unwrap()
}

fn header(version: u8, message_type: u8) -> Frame {
    frame(&[version, message_type, 0, 8, 0, 0, 0, 7])
}

fn round_trip(message: &Message) {
    let mut buffer = BytesMut::new();
    message.encode(&mut buffer).unwrap();
    let decoded = Message::decode(
        &Frame::new(buffer.freeze()).unwrap(),
        Some(message.direction()),
    );
    assert_eq!(decoded.as_ref(), Ok(message));
}

#[test]
fn a_message_is_one_flat_object() {
    let message = Message {
        version: Version::V13,
        xid: Xid(7),
        body: Body::ToSwitch(ToSwitch::BarrierRequest),
    };
    let value = serde_json::to_value(&message).unwrap();
    assert_eq!(
        value,
        json!({"version": "1.3", "xid": 7, "to": "switch", "type": "barrier_request"})
    );
    assert_eq!(serde_json::from_value::<Message>(value).unwrap(), message);
    assert_eq!(message.name(), "BARRIER_REQUEST");
    round_trip(&message);
}

#[test]
fn a_body_stands_beside_its_type_and_is_read_in_any_order_of_members() {
    let rule = FlowRule::new(5, Pattern::new(), Vec::new());
    let message = Message {
        version: Version::V10,
        xid: Xid(u32::MAX),
        body: Body::ToSwitch(ToSwitch::FlowMod(FlowMod::add(rule))),
    };
    let text = serde_json::to_string(&message).unwrap();
    assert!(
        text.starts_with(
            r#"{"version":"1.0","xid":4294967295,"to":"switch","type":"flow_mod","body":{"command":"add""#
        ),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
    // A `Value` sorts its members: the body comes first.
    let value: Value = serde_json::from_str(&text).unwrap();
    let sorted = value.to_string();
    assert!(sorted.starts_with(r#"{"body""#), "{sorted}");
    assert_eq!(serde_json::from_str::<Message>(&sorted).unwrap(), message);
}

#[test]
fn what_is_wrong_with_an_envelope_is_named() {
    let read = |value: Value| {
        serde_json::from_value::<Message>(value)
            .unwrap_err()
            .to_string()
    };
    let error = read(json!({"version": "1.1", "xid": 7, "to": "switch", "type": "hello"}));
    assert!(error.contains("`1.1`"), "{error}");
    let error = read(json!({"version": "1.3", "xid": 7, "to": "host", "type": "hello"}));
    assert!(error.contains("`host`"), "{error}");
    let error = read(json!({"version": "1.3", "xid": 7, "type": "barrier_reply"}));
    assert!(error.contains("`to`"), "{error}");
    let error = read(json!({"version": "1.3", "xid": 7, "to": "switch", "type": "barrier_reply"}));
    assert!(error.contains("`barrier_reply`"), "{error}");
    let error = read(
        json!({"version": "1.3", "xid": 7, "to": "controller", "type": "barrier_reply", "extra": 1}),
    );
    assert!(error.contains("extra"), "{error}");
}

#[test]
fn what_is_wrong_with_a_body_is_named_with_its_place() {
    let rule = FlowRule::new(5, Pattern::new(), Vec::new());
    let message = Message {
        version: Version::V13,
        xid: Xid(7),
        body: Body::ToSwitch(ToSwitch::FlowMod(FlowMod::add(rule))),
    };
    let text = serde_json::to_string(&message).unwrap();
    for (right, wrong, expected) in [
        (
            r#""priority":5"#,
            r#""priority":70000"#,
            "`body.rule.priority`: invalid value: integer `70000`, expected u16",
        ),
        (
            r#""priority":5"#,
            r#""priorty":5"#,
            "`body.rule.priorty`: unknown field `priorty`, expected one of",
        ),
        (
            r#""pattern":{}"#,
            r#""pattern":{"eth_dst":1}"#,
            "`body.rule.pattern`: `1` is not a value of `eth_dst`: a MAC address",
        ),
        (
            r#""instructions":[]"#,
            r#""instructions":[{"type":"clear_actions"},{"type":"goto_table","table":-1}]"#,
            "`body.rule.instructions[1]`: instruction `goto_table`: `table` is -1, not a number from 0 to 255",
        ),
    ] {
        assert!(text.contains(right), "{text}");
        let error = serde_json::from_str::<Message>(&text.replace(right, wrong)).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn the_direction_is_that_of_the_type() {
    for (version, request, reply) in [(1, 18, 19), (4, 20, 21)] {
        for hint in [None, Some(Direction::ToSwitch), Some(Direction::FromSwitch)] {
            let body = |number| {
                Message::decode(&header(version, number), hint)
                    .unwrap()
                    .body
            };
            assert_eq!(body(request), Body::ToSwitch(ToSwitch::BarrierRequest));
            assert_eq!(body(reply), Body::FromSwitch(FromSwitch::BarrierReply));
        }
    }
}

#[test]
fn what_goes_both_ways_is_from_a_switch_unless_told_otherwise() {
    let echo = header(4, 2);
    assert_eq!(
        Message::decode(&echo, None).unwrap().body,
        Body::FromSwitch(FromSwitch::EchoRequest(Bytes::new()))
    );
    assert_eq!(
        Message::decode(&echo, Some(Direction::ToSwitch))
            .unwrap()
            .body,
        Body::ToSwitch(ToSwitch::EchoRequest(Bytes::new()))
    );
    let stranger = frame(&[4, 4, 0, 16, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2]);
    assert!(matches!(
        Message::decode(&stranger, None).unwrap().body,
        Body::FromSwitch(FromSwitch::Experimenter {
            experimenter: 1,
            exp_type: 2,
            ..
        })
    ));
}

#[test]
fn a_hello_of_any_version_is_read_and_written_back() {
    for (number, version) in [
        (0, Version::V10),
        (1, Version::V10),
        (2, Version::V10),
        (4, Version::V13),
        (6, Version::V13),
    ] {
        let message = Message::decode(&header(number, 0), None).unwrap();
        assert_eq!(message.version, version);
        assert_eq!(message.name(), "HELLO");
        round_trip(&message);
    }
}

#[test]
fn a_version_that_is_not_spoken_is_an_error() {
    for (frame, direction) in [
        (header(5, 6), None),
        (header(5, 14), Some(Direction::ToSwitch)),
        (header(5, 0), Some(Direction::ToSwitch)),
    ] {
        let error = Message::decode(&frame, direction).unwrap_err();
        assert_eq!((error.version, error.problem), (5, Problem::Version));
    }
}

#[test]
fn names_are_those_of_the_version() {
    for (version, kind, name) in [(1, 16, "STATS_REQUEST"), (4, 18, "MULTIPART_REQUEST")] {
        let bytes = match version {
            1 => frame(&[version, kind, 0, 12, 0, 0, 0, 7, 0, 0, 0, 0]),
            _ => frame(&[version, kind, 0, 16, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0]),
        };
        assert_eq!(Message::decode(&bytes, None).unwrap().name(), name);
    }
    assert_eq!(
        Message::decode(&header(4, 99), None).unwrap().name(),
        "UNKNOWN"
    );
}
