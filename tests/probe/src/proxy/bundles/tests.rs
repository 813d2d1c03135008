use bytes::{Bytes, BytesMut};
use godwit_openflow::{
    Frame,
    codec::{encode_from_switch, encode_to_switch},
    message::Direction::{FromSwitch as Back, ToSwitch as There},
    model::{
        BundleAdd, BundleControl, BundleFlags, BundleStep, FlowMod, FlowRule, FromSwitch, Pattern,
        ToSwitch,
    },
    types::{BundleId, Version, Xid},
};
use serde_json::json;

use super::super::command::Command;
use super::super::rules::{Effect, Rules};

const BUNDLE: BundleId = BundleId(3);

fn control(step: BundleStep) -> BundleControl {
    BundleControl {
        bundle: BUNDLE,
        step,
        flags: BundleFlags::ATOMIC,
        properties: Bytes::new(),
    }
}

fn to_switch(xid: u32, message: &ToSwitch) -> Frame {
    let mut bytes = BytesMut::new();
    encode_to_switch(Version::V13, Xid(xid), message, &mut bytes).unwrap();
    Frame::new(bytes.freeze()).unwrap()
}

fn step_to_switch(xid: u32, step: BundleStep) -> Frame {
    to_switch(xid, &ToSwitch::BundleControl(control(step)))
}

fn step_from_switch(xid: u32, step: BundleStep) -> Frame {
    let mut bytes = BytesMut::new();
    let message = FromSwitch::BundleControl(control(step));
    encode_from_switch(Version::V13, Xid(xid), &message, &mut bytes).unwrap();
    Frame::new(bytes.freeze()).unwrap()
}

fn add(xid: u32) -> Frame {
    let rule = FlowRule::new(1, Pattern::new(), Vec::new());
    to_switch(
        xid,
        &ToSwitch::BundleAdd(BundleAdd {
            bundle: BUNDLE,
            flags: BundleFlags::ATOMIC,
            xid: Xid(xid),
            message: Box::new(FlowMod::add(rule).into()),
            properties: Bytes::new(),
        }),
    )
}

fn sent(effects: Vec<Effect>) -> Vec<(godwit_openflow::message::Direction, Frame)> {
    let sent = effects.into_iter().filter_map(|effect| match effect {
        Effect::Send { way, bytes, .. } => Some((way, Frame::new(bytes).unwrap())),
        _ => None,
    });
    sent.collect()
}

/// Rules that refuse the second flow-mod, told by whichever way it comes.
fn refusing() -> Rules {
    let order = json!({
        "do": "arm", "rule": "full", "strikes": {"nth": 2},
        "match": {"direction": "to_switch", "message": "flow_mod", "which": "add"},
        "action": {"type": "error", "error_type": 5, "code": 1},
    });
    let Ok(Command::Arm(order)) = serde_json::from_value(order) else {
        panic!("not an order");
    };
    let mut rules = Rules::default();
    rules.arm(order).unwrap();
    rules
}

#[test]
fn a_refused_message_fails_its_bundle_when_that_is_committed() {
    let mut rules = refusing();
    let passed: Vec<_> = (1..=3)
        .map(|xid| sent(rules.judge(1, There, &add(xid), 0)).len())
        .collect();
    assert_eq!(passed, [1, 0, 1]);

    let ended = sent(rules.judge(1, There, &step_to_switch(9, BundleStep::CommitRequest), 0));
    let [(Back, about), (Back, failed), (There, discard)] = ended.as_slice() else {
        panic!("{ended:?}");
    };
    let error = |frame: &Frame| match frame.from_switch() {
        Ok(FromSwitch::Error(report)) => (frame.xid().0, report.to_string(), report.data),
        other => panic!("{other:?}"),
    };
    let (xid, name, data) = error(about);
    assert_eq!(
        (xid, name.as_str()),
        (2, "OFPET_FLOW_MOD_FAILED/OFPFMFC_TABLE_FULL")
    );
    // It quotes the flow-mod: version, type, length, transaction id.
    assert_eq!(data[..2], [4, 14]);
    assert_eq!(data[4..8], [0, 0, 0, 2]);
    let (xid, name, data) = error(failed);
    assert_eq!(
        (xid, name.as_str()),
        (9, "OFPET_EXPERIMENTER/OFPBFC_MSG_FAILED")
    );
    assert_eq!(data[..4], [0x4f, 0x4e, 0x46, 0]);
    assert!(matches!(
        discard.to_switch(),
        Ok(ToSwitch::BundleControl(BundleControl {
            bundle: BUNDLE,
            step: BundleStep::DiscardRequest,
            ..
        }))
    ));
    let reply = step_from_switch(9, BundleStep::DiscardReply);
    assert!(rules.judge(1, Back, &reply, 0).is_empty());
}

#[test]
fn other_bundles_and_other_connections_are_let_be() {
    let mut rules = refusing();
    for xid in 1..=2 {
        rules.judge(1, There, &add(xid), 0);
    }
    let commit = step_to_switch(9, BundleStep::CommitRequest);
    assert_eq!(
        sent(rules.judge(2, There, &commit, 0)),
        [(There, commit.clone())]
    );
    rules.forget(1);
    assert_eq!(sent(rules.judge(1, There, &commit, 0)), [(There, commit)]);
}

#[test]
fn a_bundle_that_the_controller_discards_is_not_answered_for() {
    let mut rules = refusing();
    for xid in 1..=2 {
        rules.judge(1, There, &add(xid), 0);
    }
    let discard = step_to_switch(9, BundleStep::DiscardRequest);
    assert_eq!(sent(rules.judge(1, There, &discard, 0)), [(There, discard)]);
    let reply = step_from_switch(9, BundleStep::DiscardReply);
    assert_eq!(sent(rules.judge(1, Back, &reply, 0)), [(Back, reply)]);
}
