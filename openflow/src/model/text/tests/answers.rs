//! What a switch says.

use super::*;
use crate::model::*;
use crate::types::*;

fn stats(body: StatsReply) -> String {
    from(FromSwitch::Stats { more: false, body })
}

fn flow(priority: u16) -> FlowStats {
    FlowStats {
        rule: FlowRule {
            idle_timeout: 30,
            ..FlowRule::new(
                priority,
                Pattern::new().in_port(PortNo(1)),
                vec![Action::output(PortNo(2))],
            )
        },
        duration_ns: 4_205_000_000,
        packets: 12,
        bytes: 1176,
    }
}

fn port() -> Port {
    Port {
        number: PortNo(1),
        mac: "02:00:00:00:00:01".parse().unwrap(),
        name: "s1-eth1".to_owned(),
        admin_down: false,
        link_down: true,
        config: 1 << 6,
        state: 1,
        features: [0x840, 0, 0, 0],
        current_speed: 10_000_000,
        max_speed: 0,
    }
}

#[test]
fn flow_entries_with_their_counters() {
    let one = "cookie=0x0, duration=4.205s, table=0, n_packets=12, n_bytes=1176, idle_timeout=30, \
               priority=5,in_port=1 actions=output:2";
    let other = one.replace("priority=5", "priority=6");
    let head = "MULTIPART_REPLY (OF1.3) (xid=0x7): FLOW";
    let reply = || StatsReply::Flows(vec![flow(5), flow(6)]);
    assert_eq!(stats(reply()), format!("{head} {one}; {other}"));
    let message = Message {
        version: Version::V13,
        xid: Xid(7),
        body: Body::FromSwitch(FromSwitch::Stats {
            more: true,
            body: reply(),
        }),
    };
    assert_eq!(
        format!("{message:#}"),
        format!("MULTIPART_REPLY (OF1.3) (xid=0x7): (more) FLOW\n {one}\n {other}")
    );
    assert_eq!(stats(StatsReply::Flows(Vec::new())), format!("{head} none"));
}

#[test]
fn flow_entries_with_their_ages() {
    let FlowStats { rule, .. } = flow(5);
    let aged = AgedFlowStats {
        rule,
        duration_ns: 1_000_000_000,
        packets: None,
        bytes: Some(7),
        idle_age: Some(3),
        hard_age: None,
    };
    assert_eq!(
        stats(StatsReply::AgedFlows(vec![aged])),
        "MULTIPART_REPLY (OF1.3) (xid=0x7): FLOW_AGES cookie=0x0, duration=1s, table=0, n_packets=?, n_bytes=7, \
         idle_age=3, idle_timeout=30, priority=5,in_port=1 actions=output:2"
    );
}

#[test]
fn the_end_of_a_flow_entry() {
    let removed = FlowRemoved {
        cookie: Cookie(5),
        priority: 9,
        reason: FlowRemovedReason::IdleTimeout,
        table: TableId(2),
        duration_ns: 30_000_000_001,
        idle_timeout: 30,
        hard_timeout: 0,
        packets: 1,
        bytes: 60,
        pattern: Pattern::new().eth_type(0x0806),
    };
    assert_eq!(
        from(FromSwitch::FlowRemoved(removed)),
        "FLOW_REMOVED (OF1.3) (xid=0x7): reason=idle, cookie=0x5, duration=30.000000001s, table=2, n_packets=1, \
         n_bytes=60, idle_timeout=30, priority=9,arp"
    );
}

#[test]
fn a_packet_for_the_controller() {
    let mut packet = PacketIn {
        buffer_id: None,
        total_len: 60,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: Some(Cookie(u64::MAX)),
        in_port: PortNo(3),
        pattern: Pattern::new().in_port(PortNo(3)),
        data: Bytes::from_static(&[0; 42]),
    };
    assert_eq!(
        from(FromSwitch::PacketIn(packet.clone())),
        "PACKET_IN (OF1.3) (xid=0x7): table_id=0 cookie=0xffffffffffffffff total_len=60 in_port=3 (via no_match) \
         data_len=42 (unbuffered)"
    );
    packet.pattern.set(Field::Metadata, 5, u128::MAX);
    packet.buffer_id = Some(BufferId(0x101));
    packet.cookie = None;
    assert_eq!(
        from(FromSwitch::PacketIn(packet)),
        "PACKET_IN (OF1.3) (xid=0x7): table_id=0 total_len=60 in_port=3,metadata=5 (via no_match) data_len=42 \
         buffer=0x00000101"
    );
}

#[test]
fn ports() {
    let line = "1(s1-eth1): addr:02:00:00:00:00:01, config: NO_PACKET_IN, state: LINK_DOWN, \
                current: 10GB-FD COPPER, speed: 10000000 kb/s now, 0 kb/s max";
    let status = PortStatus {
        reason: PortStatusReason::Modify,
        port: port(),
    };
    assert_eq!(
        from(FromSwitch::PortStatus(status)),
        format!("PORT_STATUS (OF1.3) (xid=0x7): MOD: {line}")
    );
    let features = Features {
        datapath_id: DatapathId(7),
        buffers: 256,
        tables: 254,
        auxiliary_id: 0,
        capabilities: 0xc7 | 1 << 39,
        actions: Some(0xfff),
        ports: Some(vec![port()]),
    };
    let head = "FEATURES_REPLY (OF1.0) (xid=0x7): dpid:0000000000000007 n_buffers:256, n_tables:254, auxiliary_id:0, \
                capabilities: FLOW_STATS TABLE_STATS PORT_STATS QUEUE_STATS ARP_MATCH_IP 0x80, actions: output \
                set_vlan_vid set_vlan_pcp strip_vlan mod_dl_src mod_dl_dst mod_nw_src mod_nw_dst mod_nw_tos mod_tp_src \
                mod_tp_dst enqueue, ports:";
    assert_eq!(
        super::line(
            Version::V10,
            Body::FromSwitch(FromSwitch::Features(features))
        ),
        format!("{head} {line}")
    );
}

#[test]
fn counters_of_ports_and_queues() {
    let counters = PortStats {
        port: PortNo::LOCAL,
        rx_packets: Some(1),
        tx_packets: Some(2),
        rx_bytes: Some(3),
        tx_bytes: Some(4),
        rx_dropped: Some(5),
        tx_dropped: Some(6),
        rx_errors: Some(7),
        tx_errors: Some(8),
        rx_frame_errors: None,
        rx_overrun_errors: Some(10),
        rx_crc_errors: Some(11),
        collisions: Some(12),
        duration_ns: Some(1_500_000_000),
    };
    assert_eq!(
        stats(StatsReply::Ports(vec![counters])),
        "MULTIPART_REPLY (OF1.3) (xid=0x7): PORT port LOCAL: rx pkts=1, bytes=3, drop=5, errs=7, frame=?, over=10, \
         crc=11, tx pkts=2, bytes=4, drop=6, errs=8, coll=12, duration=1.5s"
    );
    let queue = QueueConfig {
        queue: QueueId(2),
        port: PortNo(1),
        properties: vec![
            QueueProperty::MinRate { rate: 505 },
            QueueProperty::MaxRate { rate: 0xffff },
        ],
    };
    assert_eq!(
        from(FromSwitch::QueueConfig(QueueConfigReply {
            port: PortNo(1),
            queues: vec![queue],
        })),
        "QUEUE_GET_CONFIG_REPLY (OF1.3) (xid=0x7): port=1 port 1 queue 2: min_rate:50.5%, max_rate:(disabled)"
    );
}

#[test]
fn groups_and_meters() {
    let group = GroupStats {
        group: GroupId(1),
        references: 2,
        packets: 3,
        bytes: 4,
        duration_ns: 0,
        buckets: vec![BucketStats {
            packets: 3,
            bytes: 4,
        }],
    };
    assert_eq!(
        stats(StatsReply::Groups(vec![group])),
        "MULTIPART_REPLY (OF1.3) (xid=0x7): GROUP group_id=1,duration=0s,ref_count=2,packet_count=3,byte_count=4,\
         bucket0:packet_count=3,byte_count=4"
    );
    let meter = MeterStats {
        meter: MeterId(1),
        flows: 2,
        packets: 3,
        bytes: 4,
        duration_ns: 5_000_000,
        bands: vec![MeterBandStats {
            packets: 1,
            bytes: 2,
        }],
    };
    assert_eq!(
        stats(StatsReply::Meters(vec![meter])),
        "MULTIPART_REPLY (OF1.3) (xid=0x7): METER meter:1 flow_count:2 packet_in_count:3 byte_in_count:4 \
         duration:0.005s bands: 0: packet_count:1 byte_count:2"
    );
}

#[test]
fn tables() {
    let counters = TableStats {
        table: 0,
        name: Some("classifier".to_owned()),
        max_entries: Some(1_000_000),
        wildcards: Some(0x003f_ffff),
        active: 1,
        lookups: 2,
        matched: 3,
    };
    assert_eq!(
        stats(StatsReply::Tables(vec![counters])),
        "MULTIPART_REPLY (OF1.3) (xid=0x7): TABLE table 0 (\"classifier\"): active=1, lookup=2, matched=3, max=1000000, \
         wild=0x3fffff"
    );
    let features = TableFeatures {
        table: TableId(3),
        name: "acl".to_owned(),
        metadata_match: u64::MAX,
        metadata_write: 0,
        config: 3,
        max_entries: 100,
        properties: vec![
            TableProperty::NextTables {
                of: Entries::TableMiss,
                tables: vec![TableId(4), TableId(5)],
            },
            TableProperty::Match {
                fields: vec![FieldId {
                    class: 0x8000,
                    field: 12,
                    has_mask: true,
                    length: 8,
                    experimenter: None,
                }],
            },
        ],
    };
    assert_eq!(
        stats(StatsReply::TableFeatures(vec![features])),
        "MULTIPART_REPLY (OF1.3) (xid=0x7): TABLE_FEATURES table 3 (\"acl\"): metadata: match=0xffffffffffffffff \
         write=0x0, config=0x3, max_entries=100, next_tables_miss=[4,5], match=[ipv4_dst/mask]"
    );
}

#[test]
fn errors_descriptions_and_configurations() {
    let report = ErrorReport {
        version: Version::V13,
        error_type: 1,
        code: 1,
        data: Bytes::from_static(&[4, 99]),
    };
    assert_eq!(
        from(FromSwitch::Error(report)),
        "ERROR (OF1.3) (xid=0x7): OFPET_BAD_REQUEST/OFPBRC_BAD_TYPE data=0463"
    );
    let config = SwitchConfig {
        flags: 5,
        miss_send_len: 128,
    };
    assert_eq!(
        from(FromSwitch::Config(config)),
        "GET_CONFIG_REPLY (OF1.3) (xid=0x7): frags=drop invalid_ttl_to_controller miss_send_len=128"
    );
    let description = Description {
        manufacturer: "Nicira, Inc.".to_owned(),
        datapath: "None".to_owned(),
        ..Description::default()
    };
    assert_eq!(
        stats(StatsReply::Description(description)),
        "MULTIPART_REPLY (OF1.3) (xid=0x7): DESC Manufacturer: Nicira, Inc., Hardware: , Software: , Serial Num: , \
         DP Description: None"
    );
}
