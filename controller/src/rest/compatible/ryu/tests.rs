use bytes::Bytes;
use godwit_openflow::model::bits::{port_config, port_feature};
use godwit_openflow::model::{
    Action, Bucket, Field, FieldId, FlowFlags, FlowRule, FlowStats, GroupDescription, GroupType,
    Instruction, MeterBand, MeterConfig, MeterFlags, Pattern, Port, PortStats, RawOxm, TableStats,
};
use godwit_openflow::types::{
    Cookie, GroupId, MacAddr, MeterId, PortNo, QueueId, TableId, Version,
};
use serde_json::{Value, json};

use super::{action, entry, features, pattern, read, stats};

fn matched(version: Version, pattern: &Pattern) -> Value {
    pattern::to_json(version, pattern).into()
}

#[test]
fn a_match_of_1_3_has_the_old_names_where_there_are_any() {
    let asked = Pattern::new()
        .in_port(PortNo::LOCAL)
        .with(Field::EthType, 0x0800)
        .with_masked(Field::EthDst, 1 << 40, 1 << 40)
        .with(Field::VlanVid, 0x1064)
        .with(Field::VlanPcp, 3)
        .with(Field::IpDscp, 46)
        .with(Field::IpProto, 6)
        .with_masked(Field::Ipv4Src, 0x0a01_0000, 0xffff_0000)
        .with(Field::TcpDst, 80)
        .with_masked(Field::Metadata, 5, 0xff);
    let expected = json!({
        "in_port": "LOCAL",
        "dl_type": 2048,
        "dl_dst": "01:00:00:00:00:00/01:00:00:00:00:00",
        "dl_vlan": "100",
        "vlan_pcp": 3,
        "ip_dscp": 46,
        "nw_proto": 6,
        "nw_src": "10.1.0.0/255.255.0.0",
        "tp_dst": 80,
        "metadata": "5/255",
    });
    assert_eq!(matched(Version::V13, &asked), expected);
    let untagged = Pattern::new().with(Field::VlanVid, 0);
    assert_eq!(
        matched(Version::V13, &untagged),
        json!({ "dl_vlan": "0x0000" })
    );
    let tagged = Pattern::new().with_masked(Field::VlanVid, 0x1000, 0x1000);
    assert_eq!(
        matched(Version::V13, &tagged),
        json!({ "dl_vlan": "0x1000/0x1000" })
    );
    let mut extension = Pattern::new();
    extension.push_unknown(RawOxm {
        class: 1,
        field: 2,
        has_mask: true,
        payload: Bytes::from_static(&[0, 7, 0, 255]),
    });
    assert_eq!(
        matched(Version::V13, &extension),
        json!({ "field_130": "0x0007/0x00ff" })
    );
}

#[test]
fn a_match_of_1_0_has_that_versions_values() {
    let asked = Pattern::new()
        .with(Field::VlanVid, 0)
        .with(Field::EthType, 0x0800)
        .with(Field::IpDscp, 46)
        .with(Field::IpProto, 1)
        .with_masked(Field::Ipv4Dst, 0x0a01_0000, 0xffff_0000)
        .with(Field::Icmpv4Type, 8);
    let expected = json!({
        "dl_vlan": 65535,
        "dl_type": 2048,
        "nw_tos": 184,
        "nw_proto": 1,
        "nw_dst": "10.1.0.0/16",
        "tp_src": 8,
    });
    assert_eq!(matched(Version::V10, &asked), expected);
    let arp = Pattern::new()
        .with(Field::EthType, 0x0806)
        .with(Field::ArpOp, 2)
        .with(Field::ArpTpa, 0x0a00_0001)
        .with(Field::VlanVid, 0x1005)
        .with(Field::VlanPcp, 4);
    let expected = json!({
        "dl_type": 2054,
        "nw_proto": 2,
        "nw_dst": "10.0.0.1",
        "dl_vlan": 5,
        "dl_vlan_pcp": 4,
    });
    assert_eq!(matched(Version::V10, &arp), expected);
}

#[test]
fn what_is_written_as_a_match_reads_as_the_same() {
    let both = Pattern::new()
        .in_port(PortNo(3))
        .with(Field::EthSrc, MacAddr([2, 0, 0, 0, 0, 1]).to_u64().into())
        .with(Field::VlanVid, 0x1064)
        .with(Field::EthType, 0x0800)
        .with(Field::IpDscp, 46)
        .with(Field::IpProto, 17)
        .with_masked(Field::Ipv4Src, 0x0a01_0000, 0xffff_0000)
        .with(Field::UdpSrc, 53);
    let arp = Pattern::new()
        .with(Field::EthType, 0x0806)
        .with(Field::ArpOp, 1)
        .with(Field::ArpSpa, 0x0a00_0009);
    let untagged = Pattern::new().with(Field::VlanVid, 0);
    let any_tag = Pattern::new().with_masked(Field::VlanVid, 0x1000, 0x1000);
    for version in Version::ALL {
        for pattern in [&both, &arp, &untagged] {
            let written = pattern::to_json(version, pattern);
            assert_eq!(
                read::pattern(written.clone()).unwrap(),
                *pattern,
                "{written:?}"
            );
        }
    }
    let written = pattern::to_json(Version::V13, &any_tag);
    assert_eq!(read::pattern(written).unwrap(), any_tag);
}

#[test]
fn a_match_that_means_nothing_is_refused_with_its_field() {
    let wrong = [
        (json!({ "tp_dst": 80 }), "match.tp_dst"),
        (json!({ "nw_tos": 3, "dl_type": 2048 }), "match.nw_tos"),
        (json!({ "in_port": "nowhere" }), "match.in_port"),
        (json!({ "colour": 1 }), "match"),
        (
            json!({ "dl_src": "02:00:00:00:00:01", "eth_src": "02:00:00:00:00:01" }),
            "match.eth_src",
        ),
    ];
    for (fields, field) in wrong {
        let error = read::pattern(fields.as_object().unwrap().clone()).unwrap_err();
        assert_eq!(error.problem().field.as_deref(), Some(field), "{fields}");
    }
}

#[test]
fn numbers_are_decimal_or_hexadecimal() {
    assert_eq!(read::number_of("18446744073709551615"), Some(u64::MAX));
    assert_eq!(read::number_of("0xff"), Some(255));
    for wrong in ["", "-1", "+1", "ff", "0x", "18446744073709551616"] {
        assert_eq!(read::number_of(wrong), None, "{wrong}");
    }
}

#[test]
fn actions_and_instructions_are_texts_in_one_list() {
    let set = |field, value| Action::SetField { field, value };
    let instructions = [
        Instruction::Meter(MeterId(7)),
        Instruction::ApplyActions(vec![
            Action::PushVlan(0x8100),
            set(Field::VlanVid, 0x10c8),
            set(Field::Ipv4Dst, 0x0a09_0909),
            Action::SetQueue(QueueId(1)),
            Action::Group(GroupId(5)),
            Action::output(PortNo::CONTROLLER),
        ]),
        Instruction::ClearActions,
        Instruction::WriteActions(vec![Action::output(PortNo(3)), Action::DecNwTtl]),
        Instruction::WriteMetadata {
            value: 5,
            mask: 255,
        },
        Instruction::GotoTable(TableId(9)),
    ];
    let expected = json!([
        "METER:7",
        "PUSH_VLAN:33024",
        "SET_FIELD: {vlan_vid:4296}",
        "SET_FIELD: {ipv4_dst:10.9.9.9}",
        "SET_QUEUE:1",
        "GROUP:5",
        "OUTPUT:CONTROLLER",
        "CLEAR_ACTIONS",
        { "WRITE_ACTIONS": ["OUTPUT:3", "DEC_NW_TTL"] },
        "WRITE_METADATA:0x5/0xff",
        "GOTO_TABLE:9",
    ]);
    assert_eq!(
        Value::from(action::of_instructions(Version::V13, &instructions)),
        expected
    );
    let plain = [
        Action::PopVlan,
        set(Field::VlanVid, 0x10c8),
        set(Field::EthSrc, 3),
        set(Field::IpDscp, 8),
        set(Field::UdpDst, 54),
        Action::Enqueue {
            port: PortNo(1),
            queue: QueueId(2),
        },
        Action::output(PortNo::ANY),
    ];
    let expected = json!([
        "STRIP_VLAN",
        "SET_VLAN_VID:200",
        "SET_DL_SRC:00:00:00:00:00:03",
        "SET_NW_TOS:32",
        "SET_TP_DST:54",
        "ENQUEUE:1:2",
        "OUTPUT:NONE",
    ]);
    assert_eq!(
        Value::from(action::of_actions(Version::V10, &plain)),
        expected
    );
}

fn counted() -> FlowStats {
    let pattern = Pattern::new().in_port(PortNo(1));
    let mut rule = FlowRule::new(7, pattern, vec![Action::output(PortNo(2))]);
    rule.cookie = Cookie(u64::MAX);
    rule.flags = FlowFlags::SEND_FLOW_REMOVED;
    FlowStats {
        rule,
        duration_ns: 2_676_000_000,
        packets: 3,
        bytes: 4,
    }
}

#[test]
fn an_entry_of_1_3_has_its_length_and_flags() {
    let expected = json!({
        "length": 88,
        "table_id": 0,
        "duration_sec": 2,
        "duration_nsec": 676_000_000,
        "priority": 7,
        "idle_timeout": 0,
        "hard_timeout": 0,
        "flags": 1,
        "cookie": u64::MAX,
        "packet_count": 3,
        "byte_count": 4,
        "match": { "in_port": 1 },
        "actions": ["OUTPUT:2"],
    });
    assert_eq!(stats::flow(Version::V13, &counted()), expected);
    let plain = stats::flow(Version::V10, &counted());
    assert_eq!((plain.get("length"), plain.get("flags")), (None, None));
}

#[test]
fn a_port_has_the_bits_of_its_version() {
    let port = Port {
        number: PortNo(1),
        mac: MacAddr::default(),
        name: "s1-eth1".to_owned(),
        admin_down: true,
        link_down: false,
        config: port_config::PORT_DOWN | port_config::NO_FLOOD,
        state: 0,
        features: [port_feature::SPEED_10_GB | port_feature::COPPER, 0, 0, 0],
        current_speed: 10_000_000,
        max_speed: 0,
    };
    let old = stats::port_description(Version::V10, &port);
    assert_eq!(
        (&old["config"], &old["curr"]),
        (&json!(1 | 1 << 4), &json!(1 << 6 | 1 << 7))
    );
    assert_eq!(old.get("curr_speed"), None);
    let new = stats::port_description(Version::V13, &port);
    assert_eq!(
        (&new["curr"], &new["curr_speed"]),
        (&json!(1 << 6 | 1 << 11), &json!(10_000_000))
    );
}

#[test]
fn what_is_not_counted_is_all_ones() {
    let port = PortStats {
        port: PortNo::LOCAL,
        rx_packets: Some(1),
        tx_packets: None,
        rx_bytes: None,
        tx_bytes: None,
        rx_dropped: None,
        tx_dropped: None,
        rx_errors: None,
        tx_errors: None,
        rx_frame_errors: None,
        rx_overrun_errors: None,
        rx_crc_errors: None,
        collisions: None,
        duration_ns: None,
    };
    let told = stats::port(Version::V13, &port);
    assert_eq!(told["port_no"], "LOCAL");
    assert_eq!(
        (&told["rx_packets"], &told["tx_packets"]),
        (&json!(1), &json!(u64::MAX))
    );
    assert_eq!(told["duration_sec"], json!(u32::MAX));
}

#[test]
fn a_table_of_1_0_names_what_it_can_leave_out() {
    let table = TableStats {
        table: 0,
        name: Some("classifier".to_owned()),
        max_entries: Some(1_000_000),
        wildcards: Some(1 | 1 << 3 | 0x20 << 14),
        active: 2,
        lookups: 3,
        matched: 1,
    };
    let told = stats::table(Version::V10, &table);
    assert_eq!(told["wildcards"], json!(["IN_PORT", "DL_DST", "NW_DST"]));
    let expected =
        json!({ "table_id": 0, "active_count": 2, "lookup_count": 3, "matched_count": 1 });
    assert_eq!(stats::table(Version::V13, &table), expected);
}

#[test]
fn groups_meters_and_features_are_named() {
    let group = GroupDescription {
        group_type: GroupType::FastFailover,
        group: GroupId(7),
        buckets: vec![Bucket {
            weight: 0,
            watch_port: Some(PortNo(2)),
            watch_group: None,
            actions: vec![Action::output(PortNo(2))],
        }],
    };
    let expected = json!({
        "type": "FF",
        "group_id": 7,
        "buckets": [
            { "weight": 0, "watch_port": 2, "watch_group": u32::MAX, "actions": ["OUTPUT:2"] },
        ],
    });
    assert_eq!(stats::group_description(&group), expected);
    let meter = MeterConfig {
        flags: MeterFlags(5),
        meter: MeterId::CONTROLLER,
        bands: vec![MeterBand::DscpRemark {
            rate: 9,
            burst: 8,
            precedence_level: 1,
        }],
    };
    let expected = json!({
        "flags": ["KBPS", "BURST"],
        "meter_id": "CONTROLLER",
        "bands": [{ "type": "DSCP_REMARK", "rate": 9, "burst_size": 8, "prec_level": 1 }],
    });
    assert_eq!(stats::meter_config(&meter), expected);
    let tables = godwit_openflow::model::TableFeatures {
        table: TableId(0xfe),
        name: "last".to_owned(),
        metadata_match: 1,
        metadata_write: 2,
        config: 3,
        max_entries: 4,
        properties: vec![godwit_openflow::model::TableProperty::WriteSetField {
            of: godwit_openflow::model::Entries::TableMiss,
            fields: vec![FieldId {
                class: 0x8000,
                field: 3,
                has_mask: true,
                length: 12,
                experimenter: None,
            }],
        }],
    };
    let told = features::table(&tables);
    assert_eq!(told["table_id"], "MAX");
    let expected = json!([{
        "type": "WRITE_SETFIELD_MISS",
        "oxm_ids": [{ "type": "eth_dst", "hasmask": 1, "length": 12 }],
    }]);
    assert_eq!(told["properties"], expected);
}

#[test]
fn a_written_entry_is_read_into_godwits_words() {
    let body = json!({
        "dpid": 1, "cookie": 1, "table_id": 2, "priority": "11111", "idle_timeout": 30,
        "match": { "in_port": "LOCAL", "dl_type": 2048, "nw_proto": 6, "tp_dst": 80, "dl_vlan": "0x1064" },
        "actions": [
            { "type": "METER", "meter_id": 7 },
            { "type": "SET_FIELD", "field": "eth_dst", "value": "02:00:00:00:00:09" },
            { "type": "OUTPUT", "port": "CONTROLLER", "max_len": 128 },
            { "type": "WRITE_ACTIONS", "actions": [{ "type": "OUTPUT", "port": 3, "max_len": 65535 }] },
        ],
    });
    let written = entry::written(body.as_object().unwrap().clone(), Version::V13).unwrap();
    assert_eq!(written.dpid.0, 1);
    let expected = json!({
        "table": 2,
        "priority": 11111,
        "idle_timeout": 30,
        "match": { "in_port": 0xffff_fffe_u32, "eth_type": 2048, "ip_proto": 6, "tcp_dst": 80, "vlan_vid": 100 },
        "instructions": [
            { "type": "meter", "meter": 7 },
            { "type": "write_actions", "actions": [{ "type": "output", "port": 3 }] },
            { "type": "apply_actions", "actions": [
                { "type": "set_field", "field": "eth_dst", "value": "02:00:00:00:00:09" },
                { "type": "output", "port": "controller", "max_len": 128 },
            ] },
        ],
    });
    assert_eq!(written.rule, expected);
    let bare = json!({ "dpid": "0x2" });
    let bare = entry::written(bare.as_object().unwrap().clone(), Version::V10).unwrap();
    assert_eq!((bare.dpid.0, &bare.rule["priority"]), (2, &json!(0x8000)));
}

#[test]
fn what_is_not_an_entry_is_refused_with_its_field() {
    let wrong = [
        (json!({}), "dpid"),
        (json!({ "dpid": "s1" }), "dpid"),
        (json!({ "dpid": 1, "colour": 1 }), "colour"),
        (json!({ "dpid": 1, "buffer_id": 7 }), "buffer_id"),
        (json!({ "dpid": 1, "match": [] }), "match"),
        (
            json!({ "dpid": 1, "match": { "tp_src": 1 } }),
            "match.tp_src",
        ),
        (
            json!({ "dpid": 1, "actions": [{ "type": "OUTPUT" }] }),
            "actions[0]",
        ),
    ];
    for (body, field) in wrong {
        let error = entry::written(body.as_object().unwrap().clone(), Version::V13).unwrap_err();
        assert_eq!(error.problem().field.as_deref(), Some(field), "{body}");
    }
}
