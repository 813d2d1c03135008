use bytes::BytesMut;
use godwit_openflow::{
    Frame,
    codec::{encode_from_switch, encode_to_switch},
    message::Direction::{FromSwitch as Back, ToSwitch as There},
    model::{FlowMod, FlowRule, FromSwitch, Pattern, StatsRequest, ToSwitch},
    types::{Cookie, PortNo, Version, Xid},
};
use serde_json::json;

use super::super::command::{Command, Cut, Report};
use super::{Effect, Rules};

fn to_switch(xid: u32, message: impl Into<ToSwitch>) -> Frame {
    let mut bytes = BytesMut::new();
    encode_to_switch(Version::V13, Xid(xid), &message.into(), &mut bytes).unwrap();
    Frame::new(bytes.freeze()).unwrap()
}

fn from_switch(xid: u32, message: &FromSwitch) -> Frame {
    let mut bytes = BytesMut::new();
    encode_from_switch(Version::V13, Xid(xid), message, &mut bytes).unwrap();
    Frame::new(bytes.freeze()).unwrap()
}

fn rule(cookie: u64) -> FlowRule {
    FlowRule::new(1, Pattern::new(), Vec::new()).with_cookie(Cookie(cookie))
}

fn add(xid: u32) -> Frame {
    to_switch(xid, FlowMod::add(rule(0xc0_0001)))
}

fn arm(rules: &mut Rules, order: serde_json::Value) -> Result<(), String> {
    let mut order = order;
    order["do"] = json!("arm");
    let Command::Arm(order) = serde_json::from_value(order).unwrap() else {
        panic!("not an order");
    };
    rules.arm(order).map(drop)
}

fn armed(
    pattern: serde_json::Value,
    strikes: serde_json::Value,
    action: serde_json::Value,
) -> Rules {
    let mut rules = Rules::default();
    let order = json!({"rule": "r", "match": pattern, "strikes": strikes, "action": action});
    arm(&mut rules, order).unwrap();
    rules
}

fn flow_mods() -> serde_json::Value {
    json!({"direction": "to_switch", "message": "flow_mod"})
}

/// The transaction ids of what is sent on that way.
fn xids(effects: &[Effect], wanted: godwit_openflow::message::Direction) -> Vec<u32> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send { way, bytes, .. } if *way == wanted => Some(bytes.clone()),
        _ => None,
    });
    sent.map(|bytes| Frame::new(bytes).unwrap().xid().0)
        .collect()
}

fn struck(effects: &[Effect]) -> Vec<u64> {
    let told = effects.iter().filter_map(|effect| match effect {
        Effect::Tell(Report::Struck { occurrence, .. }) => Some(*occurrence),
        _ => None,
    });
    told.collect()
}

#[test]
fn messages_pass_unchanged_when_no_rule_strikes_them() {
    let mut rules = armed(flow_mods(), json!({"nth": 1}), json!({"type": "drop"}));
    let barrier = to_switch(7, ToSwitch::BarrierRequest);
    let effects = rules.judge(1, There, &barrier, 0);
    assert_eq!(effects, [super::sent(There, barrier.bytes().clone())]);
}

#[test]
fn the_nth_the_following_and_every_nth_are_struck() {
    for (strikes, lost) in [
        (json!({"nth": 2}), vec![2]),
        (json!({"from": 3}), vec![3, 4, 5, 6]),
        (json!({"every": 2}), vec![2, 4, 6]),
        (json!({"every": 0}), vec![]),
    ] {
        let mut rules = armed(flow_mods(), strikes, json!({"type": "drop"}));
        let passed: Vec<_> = (1..=6)
            .flat_map(|xid| xids(&rules.judge(1, There, &add(xid), 0), There))
            .collect();
        let left: Vec<_> = (1..=6).filter(|xid| !lost.contains(xid)).collect();
        assert_eq!(passed, left);
    }
}

#[test]
fn a_rule_sees_only_what_agrees_with_all_that_it_gives() {
    let delete = to_switch(1, FlowMod::delete_strict(rule(5)));
    let cases = [
        (json!({"which": "delete"}), true),
        (json!({"which": "delete_strict"}), true),
        (json!({"which": "add"}), false),
        (json!({"table": 0}), true),
        (json!({"table": 1}), false),
        (json!({"cookie": "0x5"}), true),
        (json!({"cookie": "0x105"}), false),
        (json!({"cookie": "0x105", "cookie_mask": 0xff}), true),
    ];
    for (more, strikes) in cases {
        let mut pattern = flow_mods();
        pattern
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let mut rules = armed(pattern, json!({"nth": 1}), json!({"type": "drop"}));
        assert_eq!(rules.judge(1, There, &delete, 0).len(), 1);
        assert!(struck(&rules.judge(1, Back, &delete, 0)).is_empty());
        let Report::Counts { rules: counts, .. } = rules.counts() else {
            panic!("not counts");
        };
        assert_eq!(counts["r"].struck, u64::from(strikes), "{more}");
    }
}

#[test]
fn statistics_are_told_apart_by_their_type() {
    let pattern = json!({"direction": "to_switch", "message": "stats_request", "which": "ports"});
    let mut rules = armed(pattern, json!({"nth": 1}), json!({"type": "drop"}));
    let tables = to_switch(1, ToSwitch::stats(StatsRequest::Tables));
    let ports = to_switch(2, ToSwitch::stats(StatsRequest::Ports(PortNo::ANY)));
    assert_eq!(xids(&rules.judge(1, There, &tables, 0), There), [1]);
    assert!(xids(&rules.judge(1, There, &ports, 0), There).is_empty());
}

#[test]
fn an_error_is_answered_in_the_switchs_place() {
    let action = json!({"type": "error", "error_type": 5, "code": 1});
    let mut rules = armed(flow_mods(), json!({"nth": 1}), action);
    let effects = rules.judge(1, There, &add(9), 0);
    assert_eq!(
        (xids(&effects, There), xids(&effects, Back)),
        (vec![], vec![9])
    );
    let Some(Effect::Send { bytes, .. }) = effects.last() else {
        panic!("nothing sent");
    };
    match Frame::new(bytes.clone()).unwrap().from_switch().unwrap() {
        FromSwitch::Error(report) => {
            assert_eq!((report.error_type, report.code), (5, 1));
            assert_eq!(report.data, add(9).bytes().slice(..report.data.len()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_controller_is_not_answered_for() {
    let pattern = json!({"direction": "from_switch", "message": "barrier_reply"});
    let action = json!({"type": "error", "error_type": 5, "code": 1});
    let order = json!({"rule": "r", "match": pattern, "action": action});
    assert!(arm(&mut Rules::default(), order).is_err());
}

#[test]
fn what_is_held_is_given_back_in_order_and_dies_with_its_connection() {
    let mut rules = armed(flow_mods(), json!({"from": 1}), json!({"type": "hold"}));
    for (line, xid) in [(1, 1), (2, 2), (1, 3)] {
        assert!(xids(&rules.judge(line, There, &add(xid), 0), There).is_empty());
    }
    rules.forget(2);
    let released = rules.release("r");
    let xids: Vec<_> = released
        .into_iter()
        .map(|held| Frame::new(held.bytes).unwrap().xid().0)
        .collect();
    assert_eq!(xids, [1, 3]);
    assert!(rules.disarm("r").is_empty());
    assert_eq!(self::xids(&rules.judge(1, There, &add(4), 0), There), [4]);
}

#[test]
fn a_rule_may_wait_for_another_to_strike() {
    let mut rules = armed(flow_mods(), json!({"nth": 2}), json!({"type": "pass"}));
    let pattern = json!({"direction": "from_switch", "message": "barrier_reply"});
    let order = json!({"rule": "then", "match": pattern, "after": "r", "action": {"type": "drop"}});
    arm(&mut rules, order).unwrap();
    let reply = from_switch(1, &FromSwitch::BarrierReply);
    assert_eq!(rules.judge(1, Back, &reply, 0).len(), 1);
    rules.judge(1, There, &add(2), 0);
    assert_eq!(xids(&rules.judge(1, Back, &reply, 0), Back), [1]);
    assert_eq!(struck(&rules.judge(1, There, &add(3), 0)), [2]);
    assert!(xids(&rules.judge(1, Back, &reply, 0), Back).is_empty());
}

#[test]
fn cuts_and_hangs_come_on_the_side_of_the_message_that_is_asked_for() {
    let cut = Effect::Cut(Cut {
        reset: true,
        refuse_ms: Some(500),
    });
    for (moment, on) in [("before", vec![]), ("after", vec![1])] {
        let action =
            json!({"type": "disconnect", "moment": moment, "reset": true, "refuse_ms": 500});
        let mut rules = armed(flow_mods(), json!({"nth": 1}), action);
        let effects = rules.judge(1, There, &add(1), 0);
        assert_eq!(xids(&effects, There), on);
        assert_eq!(struck(&effects), [1]);
        assert_eq!(effects[effects.len() - 2], cut);
    }
    let place = |moment| {
        let action = json!({"type": "hang", "moment": moment});
        let mut rules = armed(flow_mods(), json!({"nth": 1}), action);
        let effects = rules.judge(1, There, &add(1), 0);
        assert_eq!(xids(&effects, There), [1]);
        effects.iter().position(|effect| *effect == Effect::Hang)
    };
    assert_eq!((place("before"), place("after")), (Some(0), Some(1)));
}

#[test]
fn a_message_is_doubled_delayed_or_rewritten() {
    let judge = |action| armed(flow_mods(), json!({"nth": 1}), action).judge(1, There, &add(1), 0);
    assert_eq!(xids(&judge(json!({"type": "duplicate"})), There), [1, 1]);
    assert_eq!(
        xids(&judge(json!({"type": "rewrite", "xid": 77})), There),
        [77]
    );
    let message = json!({"type": "barrier_request"});
    let effects = judge(json!({"type": "rewrite", "message": message}));
    let Some(Effect::Send { bytes, .. }) = effects.last() else {
        panic!("nothing sent");
    };
    assert_eq!(*bytes, to_switch(1, ToSwitch::BarrierRequest).bytes());
    match judge(json!({"type": "delay", "ms": 30})).last() {
        Some(Effect::Send { delay, .. }) => assert_eq!(delay.as_millis(), 30),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for line in [
        r#"{"do": "arm", "rule": "r", "match": {"direction": "to_switch", "message": "flow_mud"}, "action": {"type": "drop"}}"#,
        r#"{"do": "arm", "rule": "r", "match": {"direction": "to_switch", "message": "flow_mod", "colour": 1}, "action": {"type": "drop"}}"#,
        r#"{"do": "arm", "rule": "r", "match": {"direction": "to_switch", "message": "flow_mod"}, "action": {"type": "drop", "ms": 4}}"#,
        r#"{"do": "dance"}"#,
    ] {
        assert!(serde_json::from_str::<Command>(line).is_err(), "{line}");
    }
}
