mod bench;

use std::time::Duration;

use bytes::Bytes;
use godwit_openflow::Frame;
use godwit_openflow::model::{Description, FromSwitch, PortStatusReason, StatsReply, ToSwitch};
use godwit_openflow::types::{PortNo, Version, Xid};

use self::bench::{
    Bench, DESCRIPTION, FEATURES, PORTS_13, STAGES, STRANGE, Stage, description, features,
    flow_removed, frame, hello, packet_in, port, port_description, port_status, raw, refusal,
    summary,
};
use super::super::close::CloseReason;
use super::Output;
use super::negotiation::negotiate;
use crate::limits::{HANDSHAKE_DEADLINE, PORTS};

#[test]
fn every_message_has_its_effect_in_every_state() {
    for version in Version::ALL {
        let other = if version == Version::V13 {
            Version::V10
        } else {
            Version::V13
        };
        let truncated = raw(version.wire(), 10, 9, &[0; 3]);
        let no_hello = "close: no_hello";
        // AwaitHello, AwaitFeatures, AwaitDetails, AwaitAdmission, Ready
        let table: [(&str, Frame, [&str; 5]); 14] = [
            (
                "hello",
                frame(version, 0, &hello(version)),
                ["FEATURES_REQUEST", "", "", "", ""],
            ),
            (
                "echo request",
                frame(
                    version,
                    9,
                    &FromSwitch::EchoRequest(Bytes::from_static(b"x")),
                ),
                [
                    no_hello,
                    "ECHO_REPLY",
                    "ECHO_REPLY",
                    "ECHO_REPLY",
                    "ECHO_REPLY",
                ],
            ),
            (
                "echo reply",
                frame(version, 9, &FromSwitch::EchoReply(Bytes::new())),
                [no_hello, "", "", "answer: echo", "answer: echo"],
            ),
            (
                "strange features",
                frame(version, STRANGE, &features(version)),
                [no_hello, "", "", "", ""],
            ),
            (
                "strange description",
                frame(version, STRANGE, &description()),
                [no_hello, "", "", "answer: stats", "answer: stats"],
            ),
            (
                "packet-in",
                frame(version, 0, &packet_in()),
                [no_hello, "drop", "drop", "drop", "deliver: packet-in"],
            ),
            (
                "port status",
                frame(
                    version,
                    0,
                    &port_status(PortStatusReason::Add, port(2, "s1-eth2")),
                ),
                [
                    no_hello,
                    "",
                    "",
                    "deliver: port-status",
                    "deliver: port-status",
                ],
            ),
            (
                "flow removed",
                frame(version, 0, &flow_removed()),
                [
                    no_hello,
                    "",
                    "",
                    "deliver: flow-removed",
                    "deliver: flow-removed",
                ],
            ),
            (
                "error",
                frame(version, STRANGE, &refusal(version)),
                [
                    "close: refused",
                    "close: refused",
                    "close: refused",
                    "answer: error",
                    "answer: error",
                ],
            ),
            (
                "barrier reply",
                frame(version, STRANGE, &FromSwitch::BarrierReply),
                [no_hello, "", "", "answer: barrier", "answer: barrier"],
            ),
            (
                "unknown type",
                raw(version.wire(), 0xcc, 9, &[]),
                [no_hello, "ERROR 1/1", "ERROR 1/1", "ERROR 1/1", "ERROR 1/1"],
            ),
            (
                "other version",
                frame(other, 0, &packet_in()),
                [no_hello, "ERROR 1/0", "ERROR 1/0", "ERROR 1/0", "ERROR 1/0"],
            ),
            (
                "version nobody speaks",
                raw(0x63, 10, 0, &[]),
                [no_hello, "ERROR 1/0", "ERROR 1/0", "ERROR 1/0", "ERROR 1/0"],
            ),
            ("truncated packet-in", truncated, {
                let refused = "ERROR 1/6, answer: undecodable";
                [no_hello, refused, refused, refused, refused]
            }),
        ];
        for (event, frame, effects) in table {
            for (stage, effect) in STAGES.into_iter().zip(effects) {
                let mut bench = Bench::at(stage, version);
                let outputs = bench.session.on_frame(&frame, bench.now);
                assert_eq!(
                    summary(&outputs),
                    effect,
                    "{event} in {stage:?} of {version}"
                );
            }
        }
    }
}

#[test]
fn time_has_its_effect_in_every_state() {
    let effects = [
        (Stage::AwaitHello, "close: handshake_timeout"),
        (Stage::AwaitFeatures, "close: handshake_timeout"),
        (Stage::AwaitDetails, "close: handshake_timeout"),
        (Stage::AwaitAdmission, "close: still_busy"),
        (Stage::Ready, "ECHO_REQUEST"),
    ];
    for (stage, effect) in effects {
        let mut bench = Bench::at(stage, Version::V13);
        let wait = bench.session.next_deadline().unwrap() - bench.now;
        assert_eq!(
            bench.tick_after(wait - Duration::from_millis(1)),
            "",
            "too early in {stage:?}"
        );
        assert_eq!(
            bench.tick_after(Duration::from_millis(1)),
            effect,
            "in {stage:?}"
        );
    }
}

#[test]
fn a_peer_that_talks_for_ever_does_not_put_the_deadline_of_the_handshake_off() {
    let mut bench = Bench::after_hello(Version::V13);
    let mut said = String::new();
    for _ in 0..60 {
        bench.now += HANDSHAKE_DEADLINE / 50;
        said = summary(&bench.give(0, &packet_in()));
        if said != "drop" {
            break;
        }
    }
    assert_eq!(said, "close: handshake_timeout");
}

#[test]
fn a_silent_switch_is_asked_once_and_then_closed() {
    let mut bench = Bench::ready(Version::V10);
    assert_eq!(bench.tick_after(Duration::from_secs(5)), "ECHO_REQUEST");
    assert_eq!(bench.tick_after(Duration::from_millis(9_999)), "");
    assert_eq!(bench.tick_after(Duration::from_millis(1)), "close: silent");
    assert_eq!(bench.session.next_deadline(), None);
    assert_eq!(
        summary(&bench.give(0, &packet_in())),
        "",
        "a closed session does nothing more"
    );
}

#[test]
fn any_message_shows_life_and_not_only_the_echo_reply() {
    let mut bench = Bench::ready(Version::V13);
    assert_eq!(bench.tick_after(Duration::from_secs(5)), "ECHO_REQUEST");
    bench.now += Duration::from_secs(9);
    bench.give(0, &packet_in());
    assert_eq!(bench.tick_after(Duration::from_millis(4_999)), "");
    assert_eq!(bench.tick_after(Duration::from_millis(1)), "ECHO_REQUEST");
}

#[test]
fn an_echo_is_answered_with_its_own_id_and_payload() {
    let mut bench = Bench::ready(Version::V13);
    let payload = Bytes::from_static(b"are you there?");
    let outputs = bench.give(77, &FromSwitch::EchoRequest(payload.clone()));
    match outputs.as_slice() {
        [
            Output::Send {
                version: Version::V13,
                xid: Xid(77),
                message: ToSwitch::EchoReply(answer),
            },
        ] => {
            assert_eq!(*answer, payload);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn versions_are_negotiated_by_bitmap_or_else_by_header() {
    type Case<'a> = (u8, Option<&'a [u8]>, Option<Version>);
    let cases: [Case; 16] = [
        (1, None, Some(Version::V10)),
        (4, None, Some(Version::V13)),
        (5, None, Some(Version::V13)),
        (6, None, Some(Version::V13)),
        (0x0f, None, Some(Version::V13)),
        (0x40, None, Some(Version::V13)),
        (0, None, None),
        (2, None, None),
        (3, None, None),
        (4, Some(&[1, 4]), Some(Version::V13)),
        (1, Some(&[1]), Some(Version::V10)),
        (1, Some(&[1, 4]), Some(Version::V13)),
        (6, Some(&[1, 6]), Some(Version::V10)),
        (4, Some(&[]), None),
        (4, Some(&[2, 3, 5]), None),
        (3, Some(&[1, 3]), Some(Version::V10)),
    ];
    for (header, bitmap, version) in cases {
        assert_eq!(
            negotiate(header, bitmap).ok(),
            version,
            "header {header}, bitmap {bitmap:?}"
        );
    }
}

#[test]
fn a_switch_of_another_version_is_told_what_to_do() {
    let mut bench = Bench::new(Version::V13);
    let outputs = bench.session.on_frame(&raw(2, 0, 5, &[]), bench.now);
    match outputs.as_slice() {
        [
            Output::Send {
                version: Version::V10,
                xid: Xid(5),
                message: ToSwitch::Error(report),
            },
            Output::Close(reason @ CloseReason::Incompatible(_)),
        ] => {
            assert_eq!((report.error_type, report.code), (0, 0));
            let text = std::str::from_utf8(&report.data).unwrap();
            assert!(
                text.contains("the switch offers 1.1") && text.contains("protocols=OpenFlow10"),
                "{text}"
            );
            assert_eq!(reason.to_string(), text, "the log line says the same");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hello_whose_element_has_no_length_is_refused() {
    for element in [[0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 3], [0, 1, 0xff, 0xff]] {
        let mut bench = Bench::new(Version::V13);
        let outputs = bench
            .session
            .on_frame(&raw(4, 0, 0x98c2_0000, &element), bench.now);
        assert_eq!(
            summary(&outputs),
            "ERROR 0/0, close: malformed_handshake",
            "{element:?}"
        );
    }
}

#[test]
fn messages_of_another_version_are_counted_and_then_it_is_enough() {
    let mut bench = Bench::ready(Version::V13);
    for _ in 0..4 {
        let outputs = bench
            .session
            .on_frame(&frame(Version::V10, 0, &packet_in()), bench.now);
        assert_eq!(summary(&outputs), "ERROR 1/0");
    }
    let outputs = bench
        .session
        .on_frame(&frame(Version::V10, 0, &packet_in()), bench.now);
    assert_eq!(summary(&outputs), "ERROR 1/0, close: wrong_version");
}

#[test]
fn undecodable_messages_are_forgiven_when_they_are_rare() {
    let mut bench = Bench::ready(Version::V13);
    let bad = raw(4, 10, 9, &[0; 3]);
    for _ in 0..20 {
        bench.now += Duration::from_secs(20);
        assert_eq!(
            summary(&bench.session.on_frame(&bad, bench.now)),
            "ERROR 1/6, answer: undecodable"
        );
    }
    let mut said = Vec::new();
    for _ in 0..5 {
        said.push(summary(&bench.session.on_frame(&bad, bench.now)));
    }
    assert!(
        said.iter().any(|said| said.ends_with("close: undecodable")),
        "{said:?}"
    );
}

#[test]
fn an_undecodable_error_is_not_answered_with_an_error() {
    let mut bench = Bench::ready(Version::V13);
    assert_eq!(
        summary(&bench.session.on_frame(&raw(4, 1, 9, &[0]), bench.now)),
        "answer: undecodable"
    );
}

#[test]
fn a_malformed_answer_of_the_handshake_ends_it_at_once() {
    let mut bench = Bench::after_hello(Version::V13);
    let outputs = bench
        .session
        .on_frame(&raw(4, 6, FEATURES, &[0; 5]), bench.now);
    assert_eq!(
        summary(&outputs),
        "ERROR 1/6, answer: undecodable, close: malformed_handshake"
    );
}

#[test]
fn ports_are_as_the_last_change_left_them_whenever_it_came() {
    let mut bench = Bench::after_features(Version::V13);
    bench.give(
        0,
        &port_status(PortStatusReason::Delete, port(1, "s1-eth1")),
    );
    bench.give(0, &port_status(PortStatusReason::Add, port(7, "s1-eth7")));
    bench.give(DESCRIPTION, &description());
    let outputs = bench.give(PORTS_13, &port_description());
    let [Output::Identified { ports, .. }] = outputs.as_slice() else {
        panic!("{outputs:?}")
    };
    let numbers: Vec<u32> = ports.snapshot().iter().map(|port| port.number.0).collect();
    assert_eq!(numbers, [7, PortNo::LOCAL.0]);
}

#[test]
fn a_description_in_parts_is_joined_and_one_without_end_is_not() {
    let mut bench = Bench::after_features(Version::V13);
    bench.give(DESCRIPTION, &description());
    let part = |first: u32| {
        let ports = (first..first + 500)
            .map(|number| port(number, "p"))
            .collect();
        FromSwitch::Stats {
            more: true,
            body: StatsReply::PortDescription(ports),
        }
    };
    assert_eq!(summary(&bench.give(PORTS_13, &part(10))), "");
    let outputs = bench.give(PORTS_13, &port_description());
    let [Output::Identified { ports, .. }] = outputs.as_slice() else {
        panic!("{outputs:?}")
    };
    assert_eq!(ports.snapshot().len(), 502);

    let mut bench = Bench::after_features(Version::V13);
    bench.give(DESCRIPTION, &description());
    let mut said = String::new();
    let mut parts = 0;
    while said.is_empty() && parts < PORTS {
        said = summary(&bench.give(PORTS_13, &part(10)));
        parts += 1;
    }
    assert_eq!(said, "close: handshake_too_large");
}

#[test]
fn a_switch_without_a_description_is_welcome() {
    let mut bench = Bench::after_features(Version::V10);
    let outputs = bench.give(DESCRIPTION, &refusal(Version::V10));
    let [Output::Identified { identity, ports }] = outputs.as_slice() else {
        panic!("{outputs:?}")
    };
    assert_eq!(identity.description, Description::default());
    assert_eq!(ports.local_name().as_deref(), Some("s1"));
}

#[test]
fn an_auxiliary_connection_is_turned_away() {
    let mut bench = Bench::after_hello(Version::V13);
    let FromSwitch::Features(mut features) = features(Version::V13) else {
        unreachable!()
    };
    features.auxiliary_id = 3;
    let outputs = bench.give(FEATURES, &FromSwitch::Features(features));
    assert_eq!(summary(&outputs), "close: auxiliary");
}

#[test]
fn nothing_that_changes_a_switch_is_sent_before_it_is_admitted() {
    for stage in [
        Stage::AwaitFeatures,
        Stage::AwaitDetails,
        Stage::AwaitAdmission,
    ] {
        let mut bench = Bench::at(stage, Version::V13);
        for message in [
            packet_in(),
            flow_removed(),
            port_status(PortStatusReason::Modify, port(1, "p")),
        ] {
            let outputs = bench.give(0, &message);
            assert!(
                !outputs
                    .iter()
                    .any(|output| matches!(output, Output::Send { .. })),
                "{stage:?}"
            );
        }
    }
}

#[test]
fn a_flood_of_packets_is_cut_and_the_probes_of_links_are_not() {
    let mut bench = Bench::ready(Version::V13);
    let delivered =
        |outputs: Vec<Output>| usize::from(matches!(outputs.as_slice(), [Output::Deliver(_)]));
    let flood = frame(Version::V13, 0, &packet_in());
    let through: usize = (0..10_000)
        .map(|_| delivered(bench.session.on_frame(&flood, bench.now)))
        .sum();
    assert_eq!(through, 4_000, "the burst");
    let FromSwitch::PacketIn(mut probe) = packet_in() else {
        unreachable!()
    };
    let mut data = [0; 60];
    data[12..14].copy_from_slice(&[0x88, 0xcc]);
    probe.data = Bytes::copy_from_slice(&data);
    assert_eq!(
        summary(&bench.give(0, &FromSwitch::PacketIn(probe))),
        "deliver: packet-in"
    );
    bench.now += Duration::from_millis(100);
    let through: usize = (0..10_000)
        .map(|_| delivered(bench.session.on_frame(&flood, bench.now)))
        .sum();
    assert_eq!(through, 2_000, "a tenth of a second's worth");
}
