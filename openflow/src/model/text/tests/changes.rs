//! What changes a switch.

use super::*;
use crate::model::*;
use crate::types::*;

fn pattern(json: &str) -> Pattern {
    serde_json::from_str(json).unwrap()
}

fn web() -> FlowRule {
    let pattern = pattern(
        r#"{"in_port":3,"eth_type":"0x0800","ip_proto":6,"ipv4_dst":"10.0.0.0/24","tcp_dst":80}"#,
    );
    FlowRule::new(100, pattern, vec![Action::output(PortNo(2))]).with_cookie(Cookie(0x2a))
}

#[test]
fn a_flow_entry() {
    assert_eq!(
        web().to_string(),
        "cookie=0x2a, table=0, priority=100,tcp,in_port=3,ipv4_dst=10.0.0.0/24,tcp_dst=80 actions=output:2"
    );
}

#[test]
fn a_change_of_a_flow_table() {
    let mut change = FlowMod::add(FlowRule {
        idle_timeout: 10,
        hard_timeout: 60,
        table: TableId(4),
        ..web().with_flags(FlowFlags::SEND_FLOW_REMOVED.with(FlowFlags(1 << 9)))
    });
    change.buffer_id = Some(BufferId(0x111));
    assert_eq!(
        to(ToSwitch::FlowMod(change)),
        "FLOW_MOD (OF1.3) (xid=0x7): ADD cookie=0x2a, table=4, buffer=0x00000111, idle_timeout=10, hard_timeout=60, \
         send_flow_rem 0x200, priority=100,tcp,in_port=3,ipv4_dst=10.0.0.0/24,tcp_dst=80 actions=output:2"
    );
    let delete = FlowMod {
        command: FlowCommand::Delete,
        cookie_mask: 0xff,
        out_port: Some(PortNo::LOCAL),
        out_group: Some(GroupId(5)),
        ..FlowMod::add(FlowRule::new(0, Pattern::new(), Vec::new()))
    };
    assert_eq!(
        to(ToSwitch::FlowMod(delete)),
        "FLOW_MOD (OF1.3) (xid=0x7): DEL cookie=0x0/0xff, table=0, out_port=LOCAL, out_group=5, priority=0 actions=drop"
    );
}

#[test]
fn protocols_are_said_by_their_names() {
    for (json, expected) in [
        ("{}", "priority=1"),
        (r#"{"eth_type":2048}"#, "priority=1,ip"),
        (
            r#"{"eth_type":2048,"ip_proto":47}"#,
            "priority=1,ip,ip_proto=47",
        ),
        (r#"{"eth_type":34525,"ip_proto":58}"#, "priority=1,icmp6"),
        (r#"{"eth_type":2054,"arp_op":1}"#, "priority=1,arp,arp_op=1"),
        (r#"{"eth_type":35020}"#, "priority=1,eth_type=0x88cc"),
        (
            r#"{"vlan_vid":7,"vlan_pcp":3}"#,
            "priority=1,vlan_vid=7,vlan_pcp=3",
        ),
        (r#"{"vlan_vid":"none"}"#, "priority=1,vlan_vid=none"),
        (
            r#"{"metadata":"0x10/0xf0"}"#,
            "priority=1,metadata=0x10/0xf0",
        ),
        (
            r#"{"oxm_0xffff_0x00002320_5":"abcd"}"#,
            "priority=1,oxm_0xffff_0x00002320_5=abcd",
        ),
    ] {
        let text = FlowRule::new(1, pattern(json), Vec::new()).to_string();
        let text = text.strip_prefix("cookie=0x0, table=0, ").unwrap();
        assert_eq!(text.strip_suffix(" actions=drop").unwrap(), expected);
    }
}

#[test]
fn actions_and_instructions() {
    let actions = vec![
        Action::output(PortNo::CONTROLLER),
        Action::output(PortNo::IN_PORT),
        Action::Output {
            port: PortNo(3),
            max_len: 64,
        },
        Action::Enqueue {
            port: PortNo(1),
            queue: QueueId(2),
        },
        Action::Group(GroupId(9)),
        Action::SetQueue(QueueId(4)),
        Action::PushVlan(0x8100),
        Action::PopVlan,
        Action::PopMpls(0x0800),
        Action::SetField {
            field: Field::VlanVid,
            value: 0x1007,
        },
        Action::SetField {
            field: Field::Ipv4Src,
            value: 0x0a00_0001,
        },
        Action::DecNwTtl,
        Action::SetNwTtl(64),
        Action::Unknown {
            action_type: 0x1234,
            body: Bytes::from_static(b"\0\0\0\x01"),
        },
    ];
    let rule = FlowRule {
        instructions: vec![
            Instruction::Meter(MeterId(1)),
            Instruction::ApplyActions(actions),
            Instruction::ClearActions,
            Instruction::WriteActions(vec![Action::output(PortNo(5)), Action::PopVlan]),
            Instruction::WriteMetadata {
                value: 0xff,
                mask: 0xfff,
            },
            Instruction::GotoTable(TableId(2)),
        ],
        ..FlowRule::new(1, Pattern::new(), Vec::new())
    };
    assert_eq!(
        rule.to_string(),
        "cookie=0x0, table=0, priority=1 actions=meter:1,CONTROLLER:65535,IN_PORT,output(port=3,max_len=64),\
         enqueue:1:2,group:9,set_queue:4,push_vlan:0x8100,pop_vlan,pop_mpls:0x0800,set_field:7->vlan_vid,\
         set_field:10.0.0.1->ipv4_src,dec_nw_ttl,set_nw_ttl:64,unknown(0x1234,00000001),clear_actions,\
         write_actions(output:5,pop_vlan),write_metadata:0xff/0xfff,goto_table:2"
    );
}

#[test]
fn groups_and_meters() {
    let bucket = |weight, port| Bucket {
        weight,
        watch_port: None,
        watch_group: None,
        actions: vec![Action::output(PortNo(port))],
    };
    let change = GroupMod {
        command: GroupCommand::Add,
        group_type: GroupType::Select,
        group: GroupId(5),
        buckets: vec![bucket(3, 1), bucket(1, 2)],
    };
    assert_eq!(
        to(ToSwitch::GroupMod(change)),
        "GROUP_MOD (OF1.3) (xid=0x7): ADD group_id=5,type=select,bucket=weight:3,actions=output:1,\
         bucket=weight:1,actions=output:2"
    );
    let change = MeterMod {
        command: MeterCommand::Modify,
        flags: MeterFlags(0b101),
        meter: MeterId(2),
        bands: vec![
            MeterBand::Drop {
                rate: 1000,
                burst: 0,
            },
            MeterBand::DscpRemark {
                rate: 500,
                burst: 50,
                precedence_level: 1,
            },
        ],
    };
    assert_eq!(
        to(ToSwitch::MeterMod(change)),
        "METER_MOD (OF1.3) (xid=0x7): MOD meter=2 kbps burst bands=type=drop rate=1000, \
         type=dscp_remark rate=500 burst_size=50 prec_level=1"
    );
}

#[test]
fn ports_tables_and_packets() {
    let change = PortMod {
        port: PortNo(3),
        mac: "02:00:00:00:00:03".parse().unwrap(),
        config: 1,
        mask: 1 | 1 << 36,
        advertise: 0,
    };
    assert_eq!(
        to(ToSwitch::PortMod(change)),
        "PORT_MOD (OF1.3) (xid=0x7): port: 3: addr:02:00:00:00:00:03, config: PORT_DOWN, mask: PORT_DOWN NO_FLOOD, \
         advertise: UNCHANGED"
    );
    let change = TableMod {
        table: TableId::ALL,
        config: 0,
    };
    assert_eq!(
        to(ToSwitch::TableMod(change)),
        "TABLE_MOD (OF1.3) (xid=0x7): table_id=ALL config=0x0"
    );
    let packet = PacketOut::to_port(PortNo::FLOOD, Bytes::from_static(&[0; 60]));
    assert_eq!(
        to(ToSwitch::PacketOut(packet)),
        "PACKET_OUT (OF1.3) (xid=0x7): in_port=CONTROLLER actions=FLOOD data_len=60"
    );
}

#[test]
fn roles_and_what_is_told_by_itself() {
    let role = RoleMessage {
        role: Role::Master,
        generation: Some(9),
    };
    assert_eq!(
        to(ToSwitch::RoleRequest(role)),
        "ROLE_REQUEST (OF1.3) (xid=0x7): role=master generation_id=9"
    );
    let config = AsyncConfig {
        packet_in: [3, 0],
        port_status: [7, 7],
        flow_removed: [0x11, 0],
    };
    assert_eq!(
        to(ToSwitch::SetAsyncConfig(config)),
        "SET_ASYNC (OF1.3) (xid=0x7): master: PACKET_IN: no_match action, PORT_STATUS: add delete modify, \
         FLOW_REMOVED: idle 0x10; slave: PACKET_IN: 0, PORT_STATUS: add delete modify, FLOW_REMOVED: 0"
    );
}

#[test]
fn a_bundle() {
    let control = BundleControl {
        bundle: BundleId(0x20),
        step: BundleStep::OpenRequest,
        flags: BundleFlags(3),
        properties: Bytes::new(),
    };
    assert_eq!(
        to(ToSwitch::BundleControl(control)),
        "BUNDLE_CONTROL (OF1.3) (xid=0x7): bundle_id=0x20 type=OPEN_REQUEST flags=atomic ordered"
    );
    let add = BundleAdd {
        bundle: BundleId(0x20),
        flags: BundleFlags(2),
        xid: Xid(7),
        message: Box::new(ToSwitch::FlowMod(FlowMod::add(web()))),
        properties: Bytes::new(),
    };
    assert_eq!(
        to(ToSwitch::BundleAdd(add)),
        "BUNDLE_ADD_MESSAGE (OF1.3) (xid=0x7): bundle_id=0x20 flags=ordered (xid=0x7) FLOW_MOD: ADD cookie=0x2a, \
         table=0, priority=100,tcp,in_port=3,ipv4_dst=10.0.0.0/24,tcp_dst=80 actions=output:2"
    );
}

#[test]
fn requests_for_statistics() {
    let filter = FlowFilter {
        table: TableId(1),
        pattern: pattern(r#"{"eth_type":2048,"ipv4_src":"10.0.0.1"}"#),
        ..FlowFilter::all()
    };
    for (request, expected) in [
        (StatsRequest::Description, "DESC"),
        (StatsRequest::Flows(FlowFilter::all()), "FLOW all"),
        (
            StatsRequest::Flows(filter),
            "FLOW table=1,ip,ipv4_src=10.0.0.1",
        ),
        (StatsRequest::Ports(PortNo::ANY), "PORT port_no=ANY"),
        (
            StatsRequest::Queues(QueueFilter {
                port: PortNo(1),
                queue: QueueId::ALL,
            }),
            "QUEUE port=1 queue=ALL",
        ),
        (StatsRequest::Groups(GroupId::ANY), "GROUP group_id=ANY"),
        (StatsRequest::Meters(MeterId::ALL), "METER meter=all"),
    ] {
        let expected = format!("MULTIPART_REQUEST (OF1.3) (xid=0x7): {expected}");
        assert_eq!(to(ToSwitch::stats(request)), expected);
    }
}
