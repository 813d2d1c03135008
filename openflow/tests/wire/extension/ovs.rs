//! `ovs-ofctl ofp-print` reads what is written here, and prints what was meant.

use bytes::Bytes;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    Action, AgedFlowStats, BundleAdd, BundleControl, BundleFlags, BundleStep, Field, FlowEvent,
    FlowMod, FlowMonitor, FlowRule, FlowUpdate, FromSwitch, Instruction, MonitorFlags, Pattern,
    Role, RoleMessage, StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{BundleId, Cookie, PortNo, TableId, Xid};

use super::{V10, V13, captured};
use crate::common::ovs::accepted;
use crate::common::{Message, Wire};

/// Open vSwitch prints each of these of the message.
fn check<M: Message>(wire: Wire, message: &M, meanings: &[&str]) {
    let bytes = wire.encode(message).expect("expressible");
    let Some(text) = accepted("the message", &bytes) else {
        return;
    };
    for meaning in meanings {
        assert!(text.contains(meaning), "{meaning}: {text}");
    }
}

#[test]
fn what_was_captured_is_what_open_vswitch_reads() {
    for version in [1, 4] {
        for bytes in captured::of_version(version) {
            accepted("a captured message", &bytes);
        }
    }
}

#[test]
fn bundles() {
    let control = |step| BundleControl {
        bundle: BundleId(9),
        step,
        flags: BundleFlags(3),
        properties: Bytes::new(),
    };
    for (step, name) in [
        (BundleStep::OpenRequest, "type=OPEN_REQUEST"),
        (BundleStep::CloseRequest, "type=CLOSE_REQUEST"),
        (BundleStep::CommitRequest, "type=COMMIT_REQUEST"),
        (BundleStep::DiscardRequest, "type=DISCARD_REQUEST"),
    ] {
        let meanings = [
            "ONFT_BUNDLE_CONTROL",
            "bundle_id=0x9",
            name,
            "flags=atomic ordered",
        ];
        check(V13, &ToSwitch::BundleControl(control(step)), &meanings);
    }
    for (step, name) in [
        (BundleStep::OpenReply, "type=OPEN_REPLY"),
        (BundleStep::CloseReply, "type=CLOSE_REPLY"),
        (BundleStep::CommitReply, "type=COMMIT_REPLY"),
        (BundleStep::DiscardReply, "type=DISCARD_REPLY"),
    ] {
        check(V13, &FromSwitch::BundleControl(control(step)), &[name]);
    }
    let rule = FlowRule::new(
        7,
        Pattern::new().in_port(PortNo(3)),
        vec![Action::output(PortNo(2))],
    );
    let add = ToSwitch::BundleAdd(BundleAdd {
        bundle: BundleId(9),
        flags: BundleFlags::ATOMIC,
        xid: V13.xid,
        message: Box::new(ToSwitch::FlowMod(FlowMod::add(rule))),
        properties: Bytes::new(),
    });
    let meanings = [
        "ONFT_BUNDLE_ADD_MESSAGE",
        "bundle_id=0x9",
        "flags=atomic",
        "ADD priority=7,in_port=3 actions=output:2",
    ];
    check(V13, &add, &meanings);
}

#[test]
fn flow_monitors() {
    let monitor = |number, out_port, pattern| FlowMonitor {
        monitor: number,
        flags: MonitorFlags(0x3f),
        out_port,
        table: TableId(4),
        pattern,
    };
    let request = StatsRequest::FlowMonitor(vec![
        monitor(1, None, Pattern::new()),
        monitor(
            2,
            Some(PortNo(7)),
            Pattern::new().in_port(PortNo(3)).eth_type(0x0806),
        ),
    ]);
    let meanings = [
        "ONFST_FLOW_MONITOR request",
        "id=1 flags=initial,add,delete,modify,actions,own table=4",
        "id=2 flags=initial,add,delete,modify,actions,own out_port=7 table=4 arp,in_port=3",
    ];
    check(V13, &ToSwitch::stats(request), &meanings);
    check(
        V13,
        &ToSwitch::FlowMonitorCancel(5),
        &["ONFT_FLOW_MONITOR_CANCEL", "id=5"],
    );
    let full = |event| FlowUpdate::Full {
        event,
        reason: 1,
        table: TableId(4),
        priority: 9,
        idle_timeout: 5,
        hard_timeout: 6,
        cookie: Cookie(0x77),
        pattern: Pattern::new().in_port(PortNo(3)),
        instructions: vec![Instruction::ApplyActions(vec![Action::output(PortNo(2))])],
    };
    let updates = vec![
        full(FlowEvent::Added),
        full(FlowEvent::Modified),
        full(FlowEvent::Deleted),
        FlowUpdate::Abbreviated { xid: Xid(0x99) },
    ];
    let body = StatsReply::FlowMonitor(updates);
    let meanings = [
        "event=ADDED table=4 idle_timeout=5 hard_timeout=6 cookie=0x77 in_port=3 actions=output:2",
        "event=MODIFIED",
        "event=DELETED reason=hard",
        "event=ABBREV xid=0x99",
    ];
    check(V13, &FromSwitch::Stats { more: false, body }, &meanings);
    check(
        V13,
        &FromSwitch::FlowMonitorPaused,
        &["ONFT_FLOW_MONITOR_PAUSED"],
    );
    check(
        V13,
        &FromSwitch::FlowMonitorResumed,
        &["ONFT_FLOW_MONITOR_RESUMED"],
    );
}

#[test]
fn roles_and_ages() {
    for (role, name) in [
        (Role::Equal, "role=equal"),
        (Role::Master, "role=primary"),
        (Role::Slave, "role=secondary"),
    ] {
        let message = RoleMessage {
            role,
            generation: None,
        };
        check(
            V10,
            &ToSwitch::RoleRequest(message),
            &["NXT_ROLE_REQUEST", name],
        );
        check(V10, &FromSwitch::Role(message), &["NXT_ROLE_REPLY", name]);
    }
    check(V10, &ToSwitch::SetFlowAge, &["NXT_FLOW_AGE"]);
}

/// A pattern of many fields, and what Open vSwitch calls it.
fn many_fields() -> (Pattern, &'static str) {
    let pattern = Pattern::new()
        .in_port(PortNo(3))
        .eth_type(0x86dd)
        .with(Field::VlanVid, 0x1007)
        .with(Field::VlanPcp, 5)
        .with(Field::IpProto, 58)
        .with(Field::IpDscp, 46)
        .with(Field::IpEcn, 1)
        .with_masked(Field::Ipv6Src, 0x2001_0db8 << 96, 0xffff_ffff << 96)
        .with(Field::Ipv6Flabel, 0x12345)
        .with(Field::Icmpv6Type, 135)
        .with(Field::Ipv6NdTarget, 0x2001_0db8 << 96 | 1)
        .with(Field::Ipv6NdSll, 0x0200_0000_0001)
        .with(Field::TunnelId, 0x77)
        .with(Field::Metadata, 0x88);
    let text = "icmp6,tun_id=0x77,metadata=0x88,in_port=3,dl_vlan=7,dl_vlan_pcp=5,ipv6_src=2001:db8::/32,ipv6_label=0x12345,\
                nw_tos=184,nw_ecn=1,icmp_type=135,nd_target=2001:db8::1,nd_sll=02:00:00:00:00:01";
    (pattern, text)
}

#[test]
fn flow_statistics_with_ages() {
    let (pattern, text) = many_fields();
    let filter = FlowFilter {
        table: TableId(4),
        out_port: Some(PortNo(2)),
        cookie: Cookie(0x5),
        cookie_mask: 0xff,
        pattern: pattern.clone(),
        ..FlowFilter::all()
    };
    let meanings = ["NXST_FLOW request", "table=4 out_port=2", text];
    check(
        V10,
        &ToSwitch::stats(StatsRequest::AgedFlows(filter)),
        &meanings,
    );
    let rule = FlowRule {
        table: TableId(4),
        idle_timeout: 50,
        hard_timeout: 60,
        ..FlowRule::new(9, pattern, vec![Action::output(PortNo(2))])
    };
    let entry = AgedFlowStats {
        rule,
        duration_ns: 12_500_000_000,
        packets: Some(100),
        bytes: Some(6400),
        idle_age: Some(3),
        hard_age: Some(11),
    };
    let body = StatsReply::AgedFlows(vec![entry]);
    let entry = format!(
        "duration=12.500s, table=4, n_packets=100, n_bytes=6400, idle_timeout=50, hard_timeout=60, idle_age=3, \
         hard_age=11, priority=9,{text} actions=output:2"
    );
    let meanings = ["NXST_FLOW reply", &entry];
    check(V10, &FromSwitch::Stats { more: false, body }, &meanings);
}

#[test]
fn tags() {
    let present = || Pattern::new().with_masked(Field::VlanVid, 0x1000, 0x1000);
    for (pattern, text) in [
        (Pattern::new().with(Field::VlanVid, 0), "vlan_tci=0x0000"),
        (Pattern::new().with(Field::VlanVid, 0x1007), "dl_vlan=7"),
        (present(), "vlan_tci=0x1000/0x1000"),
        (present().with(Field::VlanPcp, 3), "dl_vlan_pcp=3"),
    ] {
        let filter = FlowFilter {
            pattern,
            ..FlowFilter::all()
        };
        check(
            V10,
            &ToSwitch::stats(StatsRequest::AgedFlows(filter)),
            &[text],
        );
    }
}
