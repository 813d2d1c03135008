//! Bundles (ONF EXT-230).

use bytes::{Bytes, BytesMut};
use godwit_openflow::codec;
use godwit_openflow::model::{
    BundleAdd, BundleControl, BundleFlags, BundleStep, FlowMod, FlowRule, FromSwitch, Pattern,
    ToSwitch,
};
use godwit_openflow::types::{BundleId, PortNo, Version, Xid};

use super::{V13, captured, check_both_ways, fault, frame};
use crate::common::{decode_from, decode_to};

const ATOMIC_AND_ORDERED: BundleFlags = BundleFlags(BundleFlags::ATOMIC.0 | BundleFlags::ORDERED.0);

fn control(step: BundleStep, properties: &'static [u8]) -> BundleControl {
    BundleControl {
        bundle: BundleId(0x1122_3344),
        step,
        flags: ATOMIC_AND_ORDERED,
        properties: Bytes::from_static(properties),
    }
}

fn add(message: ToSwitch, properties: &'static [u8]) -> ToSwitch {
    ToSwitch::BundleAdd(BundleAdd {
        bundle: BundleId(0x1122_3344),
        flags: BundleFlags::ATOMIC,
        xid: Xid(0x0a0b_0c0d),
        message: Box::new(message),
        properties: Bytes::from_static(properties),
    })
}

#[test]
fn every_step_has_its_number_in_both_directions() {
    let steps = [
        BundleStep::OpenRequest,
        BundleStep::OpenReply,
        BundleStep::CloseRequest,
        BundleStep::CloseReply,
        BundleStep::CommitRequest,
        BundleStep::CommitReply,
        BundleStep::DiscardRequest,
        BundleStep::DiscardReply,
        BundleStep::Unknown(8),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        let body = format!("4f4e4600 000008fc 11223344 {number:04x} 0003");
        check_both_ways(V13, &ToSwitch::BundleControl(control(step, &[])), &body);
        check_both_ways(V13, &FromSwitch::BundleControl(control(step, &[])), &body);
    }
}

#[test]
fn properties_of_a_step_are_kept_as_they_came() {
    check_both_ways(
        V13,
        &ToSwitch::BundleControl(control(BundleStep::OpenRequest, &[0xff, 0xff, 0, 12, 1, 2])),
        "4f4e4600 000008fc 11223344 0000 0003 ffff000c0102",
    );
}

#[test]
fn open_vswitchs_own_messages_are_understood() {
    let opened = decode_from(frame(captured::OPEN_REPLY));
    let FromSwitch::BundleControl(opened) = opened.expect("a message") else {
        panic!("not a step of a bundle");
    };
    assert_eq!(
        (opened.bundle, opened.step),
        (BundleId(0), BundleStep::OpenReply)
    );

    let ToSwitch::BundleAdd(added) = decode_to(frame(captured::BUNDLE_ADD)).expect("a message")
    else {
        panic!("not a message for a bundle");
    };
    assert_eq!((added.flags, added.xid), (ATOMIC_AND_ORDERED, Xid(6)));
    let ToSwitch::FlowMod(flow_mod) = *added.message else {
        panic!("not a change of a flow table");
    };
    assert_eq!(flow_mod.rule.priority, 5);
    assert_eq!(
        flow_mod.rule.output_ports().collect::<Vec<_>>(),
        [PortNo(2)]
    );
}

#[test]
fn a_message_in_a_bundle_is_padded_only_before_properties() {
    let echo = || ToSwitch::EchoRequest(Bytes::from_static(&[0xaa, 0xbb, 0xcc]));
    let begin = "4f4e4600 000008fd 11223344 0000 0001 0402000b 0a0b0c0d aabbcc";
    check_both_ways(V13, &add(echo(), &[]), begin);
    let padded = format!("{begin} 0000000000 ffff0004");
    check_both_ways(V13, &add(echo(), &[0xff, 0xff, 0, 4]), &padded);
    let aligned = "4f4e4600 000008fd 11223344 0000 0001 04140008 0a0b0c0d ffff0004";
    check_both_ways(
        V13,
        &add(ToSwitch::BarrierRequest, &[0xff, 0xff, 0, 4]),
        aligned,
    );
}

#[test]
fn the_message_keeps_its_own_transaction_id() {
    let bytes = frame("0404 0000 00000001 4f4e4600 000008fd 00000009 0000 0000 0414 0008 00000002");
    let ToSwitch::BundleAdd(added) = decode_to(bytes).expect("a message") else {
        panic!("not a message for a bundle");
    };
    assert_eq!(added.xid, Xid(2));
}

/// The body of a bundle-add up to the message, with a header.
const ADD: &str = "0404 0000 00000001 4f4e4600 000008fd 00000009 0000 0000";

#[test]
fn a_message_that_is_not_given_away_is_added_with_the_same_bytes() {
    let rule = FlowRule::new(7, Pattern::new().in_port(PortNo(1)), Vec::new());
    let message = ToSwitch::FlowMod(FlowMod::add(rule));
    let xid = Xid(0x0a0b_0c0d);
    let (bundle, flags) = (BundleId(0x1122_3344), BundleFlags::ATOMIC);
    let mut given = BytesMut::new();
    codec::encode_to_switch(Version::V13, xid, &add(message.clone(), &[]), &mut given).unwrap();
    let mut kept = BytesMut::from(&b"before"[..]);
    codec::encode_into_bundle(Version::V13, xid, bundle, flags, &message, &mut kept).unwrap();
    assert_eq!(kept[6..], given);

    let nested = add(message.clone(), &[]);
    let refused = [(Version::V13, &nested), (Version::V10, &message)];
    for (version, message) in refused {
        let done = codec::encode_into_bundle(version, xid, bundle, flags, message, &mut kept);
        assert!(done.is_err());
        assert_eq!(kept.len(), 6 + given.len(), "the buffer is as it was");
    }
}

#[test]
fn a_bundle_in_a_bundle_is_refused_however_deep() {
    for inner in [
        "0404 0018 00000001 4f4e4600 000008fc 00000009 0000 0000",
        "0404 0020 00000001 4f4e4600 000008fd 00000009 0000 0000 0414 0008 00000001",
        // Too short to be a bundle's message, but one all the same.
        "0404 0010 00000001 4f4e4600 000008fd",
    ] {
        assert_eq!(
            fault::<ToSwitch>(frame(&format!("{ADD} {inner}"))),
            ("message", 24)
        );
    }

    let nested: String = (0..2700)
        .map(|depth| {
            let length = 24 * (2700 - depth) + 8;
            format!("0404{length:04x}000000014f4e4600000008fd0000000900000000")
        })
        .chain(["0414000800000001".to_owned()])
        .collect();
    assert_eq!(fault::<ToSwitch>(frame(&nested)), ("message", 24));
}

#[test]
fn a_bundle_in_a_bundle_is_not_written() {
    let control = ToSwitch::BundleControl(control(BundleStep::CommitRequest, &[]));
    let raw = ToSwitch::Experimenter {
        experimenter: 0x4f4e_4600,
        exp_type: 2301,
        body: Bytes::from_static(&[0; 8]),
    };
    let disguised = ToSwitch::Unknown {
        message_type: 4,
        body: Bytes::from_static(
            b"\x4f\x4e\x46\x00\x00\x00\x08\xfc\x00\x00\x00\x00\x00\x00\x00\x00",
        ),
    };
    for inner in [control, add(ToSwitch::BarrierRequest, &[]), raw, disguised] {
        let refused = V13.encode(&add(inner, &[])).expect_err("it nests");
        assert!(refused.what.contains("in a bundle"), "{refused}");
    }
}

#[test]
fn wrong_messages_in_a_bundle_are_refused_where_they_are_wrong() {
    for (inner, field, offset) in [
        ("0114 0008 00000001", "message.version", 24),
        ("0414 0007 00000001", "message.length", 26),
        ("0414 0009 00000001", "message.length", 26),
        ("0414 0010 00000001", "message.length", 26),
        ("0414 00", "message.length", 26),
        ("", "message.version", 24),
        // The error is in the command of the FLOW_MOD, 25 bytes into it.
        (
            "040e 0038 00000001 0000000000000000 0000000000000000 00 09 0000 0000 0000 ffffffff ffffffff ffffffff 0000 \
             0000 0001 0004 00000000",
            "command",
            24 + 25,
        ),
        // Something follows that can't be the padding to properties.
        ("0402 0009 00000001 aa 000000", "pad", 33),
    ] {
        let found = fault::<ToSwitch>(frame(&format!("{ADD} {inner}")));
        assert_eq!(found, (field, offset), "{inner}");
    }
}

#[test]
fn what_a_switch_does_not_send_stays_bytes() {
    let bytes = frame(captured::BUNDLE_ADD);
    let message = decode_from(bytes).expect("a message");
    assert!(
        matches!(
            message,
            FromSwitch::Experimenter {
                experimenter: 0x4f4e_4600,
                exp_type: 2301,
                ..
            }
        ),
        "{message:?}"
    );
}

#[test]
fn what_1_3_cannot_say_is_not_said_in_a_bundle_either() {
    let rule = FlowRule::new(
        1,
        Pattern::new(),
        vec![godwit_openflow::model::Action::Enqueue {
            port: PortNo(1),
            queue: godwit_openflow::types::QueueId(1),
        }],
    );
    assert!(
        V13.encode(&add(ToSwitch::FlowMod(FlowMod::add(rule)), &[]))
            .is_err()
    );
}
