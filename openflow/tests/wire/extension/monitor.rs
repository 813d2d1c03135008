//! Flow monitors (ONF EXT-187).

use bytes::Bytes;
use godwit_openflow::model::{
    Action, FlowEvent, FlowMonitor, FlowUpdate, FromSwitch, Instruction, MonitorFlags, Pattern,
    StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{Cookie, PortNo, TableId, Xid};

use super::{V13, captured, check_both_ways, fault, frame};
use crate::common::{decode_from, decode_to};

fn monitor(number: u32, out_port: Option<PortNo>, pattern: Pattern) -> FlowMonitor {
    FlowMonitor {
        monitor: number,
        flags: MonitorFlags(0x3f),
        out_port,
        table: TableId::ALL,
        pattern,
    }
}

#[test]
fn a_request_holds_several_monitors() {
    check_both_ways(
        V13,
        &ToSwitch::stats(StatsRequest::FlowMonitor(vec![
            monitor(1, None, Pattern::new()),
            monitor(2, Some(PortNo(7)), Pattern::new().in_port(PortNo(3))),
        ])),
        "ffff 0000 00000000 4f4e4600 0000074e
         00000001 003f 0004 ffffffff ff 000000 0001 0004 00000000
         00000002 003f 000c 00000007 ff 000000 0001 000c 80000004 00000003 00000000",
    );
}

#[test]
fn open_vswitchs_own_request_is_understood() {
    let request = decode_to(frame(captured::MONITOR_SOME)).expect("a message");
    let pattern = Pattern::new()
        .in_port(PortNo(3))
        .eth_type(0x0800)
        .with_masked(
            godwit_openflow::model::Field::Ipv4Src,
            10 << 24,
            0xff00_0000,
        );
    let flags = MonitorFlags(MonitorFlags(0x3f).0 & !MonitorFlags::INITIAL.0);
    let expected = FlowMonitor {
        flags,
        table: TableId(0),
        ..monitor(1, None, pattern)
    };
    assert_eq!(
        request,
        ToSwitch::stats(StatsRequest::FlowMonitor(vec![expected]))
    );
}

fn updates(digits: &str) -> Vec<FlowUpdate> {
    match decode_from(frame(digits)).expect("a message") {
        FromSwitch::Stats {
            more: false,
            body: StatsReply::FlowMonitor(updates),
        } => updates,
        other => panic!("{other:?}"),
    }
}

#[test]
fn open_vswitchs_own_updates_are_understood() {
    assert_eq!(updates(captured::UPDATE_NONE), []);

    let pattern = Pattern::new()
        .in_port(PortNo(3))
        .eth_type(0x0800)
        .ipv4_src([10, 1, 1, 1].into());
    let actions = vec![
        Action::output(PortNo(2)),
        Action::SetField {
            field: godwit_openflow::model::Field::Metadata,
            value: 1,
        },
    ];
    let full = |event, reason, instructions| FlowUpdate::Full {
        event,
        reason,
        table: TableId(0),
        priority: 5,
        idle_timeout: 9,
        hard_timeout: 0,
        cookie: Cookie(0x77),
        pattern: pattern.clone(),
        instructions,
    };
    assert_eq!(
        updates(captured::UPDATE_ADDED),
        [full(
            FlowEvent::Added,
            0,
            vec![Instruction::ApplyActions(actions)]
        )]
    );
    assert_eq!(
        updates(captured::UPDATE_MODIFIED),
        [full(FlowEvent::Modified, 0, Vec::new())]
    );
    let deleted = updates(captured::UPDATE_DELETED);
    assert_eq!(deleted[0], full(FlowEvent::Deleted, 2, Vec::new()));
    assert!(
        matches!(&deleted[1], FlowUpdate::Full { priority: 0, pattern, .. } if pattern.is_empty())
    );
}

#[test]
fn an_update_may_be_short_or_unknown() {
    check_both_ways(
        V13,
        &FromSwitch::Stats {
            more: true,
            body: StatsReply::FlowMonitor(vec![
                FlowUpdate::Abbreviated { xid: Xid(0x99) },
                FlowUpdate::Unknown {
                    event: 4,
                    body: Bytes::from_static(&[0; 4]),
                },
            ]),
        },
        "ffff 0001 00000000 4f4e4600 0000074e 0008 0003 00000099 0008 0004 00000000",
    );
}

#[test]
fn a_monitor_is_cancelled_paused_and_resumed() {
    check_both_ways(
        V13,
        &ToSwitch::FlowMonitorCancel(9),
        "4f4e4600 0000074e 00000009",
    );
    check_both_ways(V13, &FromSwitch::FlowMonitorPaused, "4f4e4600 0000074f");
    check_both_ways(V13, &FromSwitch::FlowMonitorResumed, "4f4e4600 00000750");
}

#[test]
fn other_types_stay_bytes() {
    let message = decode_to(frame("0404 0000 00000001 4f4e4600 0000074f")).expect("a message");
    assert!(
        matches!(message, ToSwitch::Experimenter { exp_type: 1871, .. }),
        "{message:?}"
    );
    for other in ["4f4e4600 0000074f", "00002320 0000074e", "4f4e4600"] {
        let digits = format!("0413 0000 00000001 ffff 0000 00000000 {other} 0000000000000000");
        let message = decode_from(frame(&digits)).expect("a message");
        let FromSwitch::Stats { body, .. } = message else {
            panic!("{message:?}");
        };
        assert!(!matches!(body, StatsReply::FlowMonitor(_)), "{other}");
    }
}

#[test]
fn lengths_that_lie_are_refused_where_they_stand() {
    let request = "0412 0000 00000001 ffff 0000 00000000 4f4e4600 0000074e";
    for (body, field, offset) in [
        // The length of the match twice, not the same.
        (
            "00000001 003f 0008 ffffffff ff 000000 0001 0004 00000000",
            "match_len",
            30,
        ),
        (
            "00000001 003f 0000 ffffffff ff 000000 0001 0004 00000000",
            "match_len",
            30,
        ),
        (
            "00000001 003f 0003 ffffffff ff 000000 0001 0003 00000000",
            "match.length",
            42,
        ),
        (
            "00000001 003f 000c ffffffff ff 000000 0001 000c 00000000",
            "match.length",
            42,
        ),
        ("00000001 003f 0004 ffffffff ff 000000", "match.type", 40),
        ("00000001 003f", "match_len", 30),
    ] {
        let found = fault::<ToSwitch>(frame(&format!("{request} {body}")));
        assert_eq!(found, (field, offset), "{body}");
    }
    let reply = "0413 0000 00000001 ffff 0000 00000000 4f4e4600 0000074e";
    for (body, field, offset) in [
        ("0000 0003 00000000", "length", 24),
        ("0004 0003 00000000", "length", 24),
        ("0007 0003 00000000", "length", 24),
        ("0010 0003 00000000", "length", 24),
        ("0010 0003 00000000 0000000000000000", "length", 32),
        ("0010 0000 0000 0000 0000 0000 0004 00 00", "cookie", 40),
        (
            "0020 0000 0000 0000 0000 0000 0008 00 00 0000000000000000 0001 0004 00000000",
            "match_len",
            36,
        ),
        (
            "0028 0000 0000 0000 0000 0000 0004 00 00 0000000000000000 0001 0004 00000000 0004 0000 00000000",
            "instructions.len",
            58,
        ),
    ] {
        let found = fault::<FromSwitch>(frame(&format!("{reply} {body}")));
        assert_eq!(found, (field, offset), "{body}");
    }
    let cancel = "0404 0000 00000001 4f4e4600 0000074e";
    assert_eq!(
        fault::<ToSwitch>(frame(&format!("{cancel} 0000"))),
        ("id", 16)
    );
    fault::<ToSwitch>(frame(&format!("{cancel} 00000001 00000000")));
    fault::<FromSwitch>(frame("0404 0000 00000001 4f4e4600 0000074f 00000000"));
}

#[test]
fn an_unknown_update_with_a_known_number_or_a_crooked_length_is_not_written() {
    for (event, size) in [(0, 4), (3, 4), (4, 0), (4, 8), (9, 5)] {
        let update = FlowUpdate::Unknown {
            event,
            body: vec![0; size].into(),
        };
        let message = FromSwitch::Stats {
            more: false,
            body: StatsReply::FlowMonitor(vec![update]),
        };
        assert!(V13.encode(&message).is_err(), "{message:?}");
    }
}

#[test]
fn a_reply_full_of_the_smallest_updates_is_read() {
    let count = (65_528 - 24) / 8;
    let digits = format!(
        "0413 0000 00000001 ffff 0000 00000000 4f4e4600 0000074e {}",
        "0008000300000001".repeat(count)
    );
    assert_eq!(updates(&digits).len(), count);
}
