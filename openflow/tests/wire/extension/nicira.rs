//! Nicira's roles, and flow statistics with ages.

use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    Action, AgedFlowStats, Field, FlowRule, FromSwitch, Instruction, Pattern, Role, RoleMessage,
    StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{Cookie, GroupId, PortNo, TableId};

use super::{V10, captured, check_both_ways, fault, frame};
use crate::common::{decode_from, decode_to};

const fn role(role: Role) -> RoleMessage {
    RoleMessage {
        role,
        generation: None,
    }
}

#[test]
fn roles_have_niciras_numbers() {
    for (number, named) in [
        (0, Role::Equal),
        (1, Role::Master),
        (2, Role::Slave),
        (3, Role::Unknown(3)),
    ] {
        let body = |subtype: u32| format!("00002320 {subtype:08x} {number:08x}");
        check_both_ways(V10, &ToSwitch::RoleRequest(role(named)), &body(10));
        check_both_ways(V10, &FromSwitch::Role(role(named)), &body(11));
    }
}

#[test]
fn a_role_that_1_0_cannot_say_is_refused() {
    let generation = RoleMessage {
        generation: Some(1),
        ..role(Role::Master)
    };
    // In 1.3 this number is that of the role "equal".
    let unknown = role(Role::Unknown(1));
    for message in [role(Role::NoChange), generation, unknown] {
        assert!(V10.encode(&ToSwitch::RoleRequest(message)).is_err());
        assert!(V10.encode(&FromSwitch::Role(message)).is_err());
    }
}

#[test]
fn ages_are_asked_for_but_not_declined() {
    check_both_ways(V10, &ToSwitch::SetFlowAge, "00002320 00000012");
}

#[test]
fn other_subtypes_and_the_wrong_direction_stay_bytes() {
    for subtype in ["0000000b", "0000000c", "000000ff"] {
        let digits = format!("0104 0000 00000001 00002320 {subtype} 00000000");
        let message = decode_to(frame(&digits)).expect("a message");
        assert!(
            matches!(message, ToSwitch::Experimenter { .. }),
            "{message:?}"
        );
    }
    for other in [
        "00002320 00000001 00000000",
        "4f4e4600 00000000",
        "00002320",
    ] {
        let digits = format!("0111 0000 00000001 ffff 0000 {other}");
        let message = decode_from(frame(&digits)).expect("a message");
        let FromSwitch::Stats { body, .. } = message else {
            panic!("{message:?}");
        };
        assert!(!matches!(body, StatsReply::AgedFlows(_)), "{other}");
    }
}

#[test]
fn wrong_lengths_are_refused_where_they_stand() {
    for body in [
        "00002320 0000000a 0000",
        "00002320 0000000a 00000001 00000000",
        "00002320 00000012 00000000",
    ] {
        fault::<ToSwitch>(frame(&format!("0104 0000 00000001 {body}")));
    }
    let request = "0110 0000 00000001 ffff 0000 00002320 00000000 00000000";
    for (body, field, offset) in [
        ("ffff 0001 ff 000000", "match_len", 26),
        ("ffff 0008 ff 000000 00000602 0800", "match_len", 26),
        ("ffff 0006 ff 000000 00000602 0800", "match.pad", 38),
        ("ffff 0005 ff 000000 00000602 0800 0000", "nxm_length", 35),
        ("ffff 0003 ff 000000 00000602 0800 0000", "nxm_length", 35),
        ("ffff 0006 ff 000000 00000602 0800 0000 00", "length", 2),
    ] {
        let found = fault::<ToSwitch>(frame(&format!("{request} {body}")));
        assert_eq!(found, (field, offset), "{body}");
    }
    let reply = "0111 0000 00000001 ffff 0000 00002320 00000000 00000000";
    let entry = |length: u16, match_length: u16, rest: &str| {
        frame(&format!(
            "{reply} {length:04x} 00 00 00000000 00000000 0000 0000 0000 {match_length:04x} 0000 0000 {} {rest}",
            "00".repeat(24)
        ))
    };
    let good = "00000602 0800 0000";
    assert!(decode_from(entry(56, 6, good)).is_ok());
    for length in [0, 1, 7, 40, 47, 52, 57, 64, 0xffff] {
        assert_eq!(
            fault::<FromSwitch>(entry(length, 6, good)),
            ("length", 24),
            "{length}"
        );
    }
    assert_eq!(fault::<FromSwitch>(entry(56, 9, good)), ("match_len", 42));
    assert_eq!(fault::<FromSwitch>(entry(48, 6, good)), ("match_len", 42));
    assert_eq!(fault::<FromSwitch>(entry(56, 0, good)), ("action len", 74));
}

#[test]
fn ages_are_one_more_on_the_wire() {
    let entry = |idle_age, hard_age| FromSwitch::Stats {
        more: false,
        body: StatsReply::AgedFlows(vec![AgedFlowStats {
            rule: FlowRule::new(1, Pattern::new(), Vec::new()),
            duration_ns: 2_000_000_005,
            packets: Some(3),
            bytes: None,
            idle_age,
            hard_age,
        }]),
    };
    for (idle, hard, wire) in [
        (None, Some(0), "0000 0001"),
        (Some(65_534), None, "ffff 0000"),
        (Some(9), Some(10), "000a 000b"),
    ] {
        let body = format!(
            "ffff 0000 00002320 00000000 00000000
             0030 00 00 00000002 00000005 0001 0000 0000 0000 {wire} 0000000000000000 0000000000000003 ffffffffffffffff"
        );
        check_both_ways(V10, &entry(idle, hard), &body);
    }
    assert!(V10.encode(&entry(Some(65_535), None)).is_err());
    assert!(V10.encode(&entry(None, Some(65_535))).is_err());
}

#[test]
fn open_vswitchs_own_request_is_understood() {
    let request = decode_to(frame(captured::AGED_FLOWS_REQUEST)).expect("a message");
    let pattern = Pattern::new()
        .eth_type(0x0800)
        .with(Field::VlanVid, 0x1007)
        .with(Field::IpDscp, 2)
        .with(Field::IpProto, 132)
        .with(Field::SctpDst, 3)
        .with(Field::Metadata, 7);
    let filter = FlowFilter {
        cookie: Cookie(0x77),
        cookie_mask: 0xff,
        pattern,
        ..FlowFilter::all()
    };
    assert_eq!(request, ToSwitch::stats(StatsRequest::AgedFlows(filter)));
}

#[test]
fn a_filter_names_a_port_and_a_table_but_no_group() {
    let filter = FlowFilter {
        table: TableId(254),
        out_port: Some(PortNo::CONTROLLER),
        cookie: Cookie(5),
        cookie_mask: u64::MAX,
        ..FlowFilter::all()
    };
    check_both_ways(
        V10,
        &ToSwitch::stats(StatsRequest::AgedFlows(filter.clone())),
        "ffff 0000 00002320 00000000 00000000 fffd 000c fe 000000 00013c08 0000000000000005 00000000",
    );
    let group = FlowFilter {
        out_group: Some(GroupId(1)),
        ..filter
    };
    assert!(
        V10.encode(&ToSwitch::stats(StatsRequest::AgedFlows(group)))
            .is_err()
    );
}

#[test]
fn open_vswitchs_own_entries_are_understood() {
    let reply = decode_from(frame(captured::AGED_FLOWS_REPLY)).expect("a message");
    let FromSwitch::Stats {
        more: false,
        body: StatsReply::AgedFlows(entries),
    } = reply
    else {
        panic!("{reply:?}");
    };
    let patterns: Vec<&Pattern> = entries.iter().map(|entry| &entry.rule.pattern).collect();
    let ip = || Pattern::new().eth_type(0x0800);
    let tagged = Pattern::new().with_masked(Field::VlanVid, 0x1000, 0x1000);
    let tag = Pattern::new().with(Field::VlanVid, 0x1007);
    assert_eq!(*patterns[0], tag.with(Field::VlanPcp, 2));
    assert_eq!(*patterns[1], Pattern::new().with(Field::VlanVid, 0));
    assert_eq!(*patterns[2], tagged.clone().with(Field::VlanPcp, 3));
    // As much as "no tag", but in other bytes.
    assert_eq!(patterns[3].unknown().len(), 1);
    assert_eq!(*patterns[4], tagged);
    let sctp = ip().with(Field::IpProto, 132).with(Field::SctpSrc, 5);
    assert_eq!(*patterns[5], sctp.with(Field::Metadata, 7));
    for (pattern, unknown) in [(patterns[6], 2), (patterns[7], 1)] {
        assert_eq!(pattern.exact(Field::EthType), Some(0x0800));
        assert_eq!(pattern.unknown().len(), unknown);
    }

    let last = &entries[8];
    assert_eq!(
        (last.idle_age, last.hard_age, last.packets),
        (Some(0), Some(0), Some(0))
    );
    assert_eq!((last.rule.priority, last.rule.idle_timeout), (5, 9));
    assert_eq!(last.rule.cookie, Cookie(0x77));
    assert_eq!(last.rule.pattern.exact(Field::InPort), Some(3));
    assert_eq!(last.rule.pattern.unknown().len(), 1, "a register");
    let [Instruction::ApplyActions(actions)] = &last.rule.instructions[..] else {
        panic!("{:?}", last.rule.instructions);
    };
    assert_eq!(actions[0], Action::output(PortNo(2)));
    assert_eq!(actions.len(), 2);
}
