//! What 1.0 has no room for in the messages of a switch.

use bytes::Bytes;
use godwit_openflow::model::bits::{capability, port_feature, port_state};
use godwit_openflow::model::{
    AsyncConfig, BundleControl, BundleFlags, BundleStep, ErrorReport, Features, Field, FlowFlags,
    FlowRemoved, FlowRemovedReason, FromSwitch, GroupFeatures, MeterFeatures, PacketIn,
    PacketInReason, Pattern, Port, QueueConfig, QueueConfigReply, QueueProperty, StatsReply,
};
use godwit_openflow::types::{BundleId, Cookie, PortNo, QueueId, TableId, Version};

use super::super::{V10, expected};

fn refusal(message: &FromSwitch) -> String {
    V10.encode(message).expect_err("1.0 can't say this").what
}

fn vector(name: &str) -> FromSwitch {
    expected::from_switch()
        .into_iter()
        .find_map(|(other, message)| (other == name).then_some(message))
        .expect("a vector")
}

fn one_part(body: StatsReply) -> FromSwitch {
    FromSwitch::Stats { more: false, body }
}

fn changed_packet_in(change: impl FnOnce(&mut PacketIn)) -> FromSwitch {
    let FromSwitch::PacketIn(mut packet) = vector("packet_in_no_match") else {
        panic!("not a packet-in");
    };
    change(&mut packet);
    FromSwitch::PacketIn(packet)
}

fn changed_flow_removed(change: impl FnOnce(&mut FlowRemoved)) -> FromSwitch {
    let FromSwitch::FlowRemoved(mut removed) = vector("flow_removed") else {
        panic!("not a flow-removed");
    };
    change(&mut removed);
    FromSwitch::FlowRemoved(removed)
}

fn changed_features(change: impl FnOnce(&mut Features)) -> FromSwitch {
    let FromSwitch::Features(mut features) = vector("features_reply") else {
        panic!("not a features reply");
    };
    change(&mut features);
    FromSwitch::Features(features)
}

fn changed_port(change: impl FnOnce(&mut Port)) -> FromSwitch {
    let FromSwitch::PortStatus(mut status) = vector("port_status") else {
        panic!("not a port status");
    };
    change(&mut status.port);
    FromSwitch::PortStatus(status)
}

#[test]
fn a_packet_in_says_nothing_of_the_entry_that_sent_it() {
    for (message, what) in [
        (
            changed_packet_in(|packet| packet.table = TableId(3)),
            "table 3 in a PACKET_IN: it names no table there",
        ),
        (
            changed_packet_in(|packet| packet.cookie = Some(Cookie(0))),
            "the cookie in a PACKET_IN",
        ),
        (
            changed_packet_in(|packet| packet.pattern.set(Field::Metadata, 1, u128::MAX)),
            "metadata in a PACKET_IN",
        ),
        (
            changed_packet_in(|packet| packet.pattern = Pattern::new().in_port(PortNo(9))),
            "the metadata of a PACKET_IN other than its input port",
        ),
        (
            changed_packet_in(|packet| packet.reason = PacketInReason::InvalidTtl),
            "the PACKET_IN reason `invalid ttl`",
        ),
    ] {
        assert_eq!(refusal(&message), what);
    }
    let silent = changed_packet_in(|packet| packet.pattern = Pattern::new());
    assert_eq!(
        V10.encode(&silent).expect("expressible"),
        V10.vector("packet_in_no_match")
    );
}

#[test]
fn a_flow_removed_says_nothing_of_the_table_and_the_hard_timeout() {
    let longest = u64::from(u32::MAX) * 1_000_000_000 + 999_999_999;
    for (message, what) in [
        (
            changed_flow_removed(|removed| removed.table = TableId(3)),
            "table 3 in a FLOW_REMOVED: it names no table there",
        ),
        (
            changed_flow_removed(|removed| removed.hard_timeout = 7),
            "the hard timeout in a FLOW_REMOVED",
        ),
        (
            changed_flow_removed(|removed| removed.reason = FlowRemovedReason::GroupDelete),
            "the FLOW_REMOVED reason `group delete`",
        ),
        (
            changed_flow_removed(|removed| removed.duration_ns = longest + 1),
            "a duration of 4294967296000000000 ns: it has 32 bits for the seconds",
        ),
    ] {
        assert_eq!(refusal(&message), what);
    }
    V10.encode(&changed_flow_removed(|removed| {
        removed.duration_ns = longest;
    }))
    .expect("the longest");
}

#[test]
fn a_switch_has_one_connection_and_no_capability_of_1_3() {
    for (message, what) in [
        (
            changed_features(|features| features.auxiliary_id = 1),
            "the auxiliary connection 1: each switch has one connection",
        ),
        (
            changed_features(|features| features.capabilities |= capability::GROUP_STATS),
            "the capability `group statistics`",
        ),
    ] {
        assert_eq!(refusal(&message), what);
    }
}

#[test]
fn a_switch_that_says_nothing_of_its_actions_has_all() {
    let silent = changed_features(|features| features.actions = None);
    assert_eq!(
        V10.encode(&silent).expect("expressible"),
        V10.vector("features_reply")
    );
}

#[test]
fn a_port_has_no_speed_but_by_its_bits_and_no_bit_of_1_3() {
    let speeds = "the speeds of a port: it only has bits for some of them";
    for (message, what) in [
        (changed_port(|port| port.current_speed = 10_000_000), speeds),
        (changed_port(|port| port.max_speed = 10_000_000), speeds),
        (
            changed_port(|port| port.features[2] |= port_feature::SPEED_1_TB),
            "the port feature `1 Tb/s`",
        ),
        (
            changed_port(|port| port.state |= port_state::LIVE),
            "the port state `live`",
        ),
        (
            changed_port(|port| port.config |= 1 << 8),
            "the port configuration 0x100",
        ),
    ] {
        assert_eq!(refusal(&message), what);
    }
}

#[test]
fn a_text_that_does_not_fit_its_field_is_refused_rather_than_cut() {
    for (name, fits) in [
        ("sixteen letters!", true),
        ("seventeen letters", false),
        ("a\0b", false),
    ] {
        let message = changed_port(|port| name.clone_into(&mut port.name));
        assert_eq!(V10.encode(&message).is_ok(), fits, "{name:?}");
    }
    let FromSwitch::Stats {
        body: StatsReply::Description(mut description),
        ..
    } = vector("stats_reply_desc")
    else {
        panic!("not a description");
    };
    description.serial = "s".repeat(33);
    assert!(
        refusal(&one_part(StatsReply::Description(description)))
            .starts_with("the serial number \"sss")
    );
}

#[test]
fn down_is_what_the_words_say_whatever_the_bits_say() {
    let up = changed_port(|port| port.link_down = false);
    let bytes = V10.encode(&up).expect("expressible");
    let mut as_sent = V10.vector("port_status").to_vec();
    // The lowest bit of the port's state.
    as_sent[47] = 0;
    assert_eq!(bytes, as_sent);
}

#[test]
fn statistics_say_nothing_of_flags_and_ages() {
    let FromSwitch::Stats {
        body: StatsReply::Flows(mut flows),
        ..
    } = vector("stats_reply_flow_more")
    else {
        panic!("no flow entries");
    };
    flows[0].rule.flags = FlowFlags::SEND_FLOW_REMOVED;
    assert_eq!(
        refusal(&one_part(StatsReply::Flows(flows))),
        "the flow flags 0x0001 in a report"
    );
    let FromSwitch::Stats {
        body: StatsReply::Ports(mut ports),
        ..
    } = vector("stats_reply_port")
    else {
        panic!("no ports");
    };
    ports[0].duration_ns = Some(0);
    assert_eq!(
        refusal(&one_part(StatsReply::Ports(ports))),
        "how long a port has been there"
    );
    let FromSwitch::Stats {
        body: StatsReply::Queues(mut queues),
        ..
    } = vector("stats_reply_queue")
    else {
        panic!("no queues");
    };
    queues[0].duration_ns = Some(0);
    assert_eq!(
        refusal(&one_part(StatsReply::Queues(queues))),
        "how long a queue has been there"
    );
}

#[test]
fn the_queues_of_a_reply_are_of_its_port_and_have_what_1_0_knows() {
    let reply = |port, property| {
        FromSwitch::QueueConfig(QueueConfigReply {
            port: PortNo(1),
            queues: vec![QueueConfig {
                queue: QueueId(1),
                port: PortNo(port),
                properties: vec![property],
            }],
        })
    };
    let min_rate = || QueueProperty::MinRate { rate: 1 };
    V10.encode(&reply(1, min_rate())).expect("expressible");
    assert_eq!(
        refusal(&reply(2, min_rate())),
        "a queue of port 2 in the reply about port 1: one reply is about one port"
    );
    for (property, what) in [
        (
            QueueProperty::MaxRate { rate: 1 },
            "the maximum rate of a queue",
        ),
        (
            QueueProperty::Experimenter {
                experimenter: 0x00ab_cdef,
                body: Bytes::new(),
            },
            "the queue property of experimenter 0x00abcdef",
        ),
        (
            QueueProperty::Unknown {
                property: 1,
                body: Bytes::from_static(&[0; 8]),
            },
            "the unknown queue property 1 with 8 bytes",
        ),
    ] {
        assert_eq!(refusal(&reply(1, property)), what);
    }
}

#[test]
fn replies_that_1_0_has_not_are_named() {
    let groups = GroupFeatures::default();
    let meters = MeterFeatures::default();
    for (body, what) in [
        (
            StatsReply::PortDescription(vec![]),
            "port descriptions: its features reply lists the ports",
        ),
        (StatsReply::Groups(vec![]), "a report about groups"),
        (
            StatsReply::GroupDescription(vec![]),
            "a report about groups",
        ),
        (StatsReply::GroupFeatures(groups), "a report about groups"),
        (StatsReply::Meters(vec![]), "a report about meters"),
        (StatsReply::MeterConfig(vec![]), "a report about meters"),
        (StatsReply::MeterFeatures(meters), "a report about meters"),
        (
            StatsReply::TableFeatures(vec![]),
            "a report about the features of tables",
        ),
        (StatsReply::FlowMonitor(vec![]), "flow monitors"),
        (
            StatsReply::Unknown {
                stats_type: 5,
                body: Bytes::new(),
            },
            "unknown statistics of type 5",
        ),
        (
            StatsReply::Experimenter {
                experimenter: 1,
                exp_type: 2,
                body: Bytes::new(),
            },
            "the type 2 of experimenter 0x00000001: it has a vendor's number alone",
        ),
    ] {
        assert_eq!(refusal(&one_part(body)), what);
    }
}

#[test]
fn messages_that_a_switch_of_1_0_does_not_send_are_named() {
    let bundle = BundleControl {
        bundle: BundleId(1),
        step: BundleStep::OpenReply,
        flags: BundleFlags::default(),
        properties: Bytes::new(),
    };
    let by_1_3 = ErrorReport {
        version: Version::V13,
        error_type: 1,
        code: 1,
        data: Bytes::new(),
    };
    for (message, what) in [
        (
            FromSwitch::AsyncConfig(AsyncConfig::default()),
            "a choice of the messages that a switch sends by itself",
        ),
        (FromSwitch::BundleControl(bundle), "bundles"),
        (FromSwitch::FlowMonitorPaused, "flow monitors"),
        (FromSwitch::FlowMonitorResumed, "flow monitors"),
        (
            FromSwitch::Error(by_1_3),
            "an error numbered by OpenFlow 1.3",
        ),
    ] {
        assert_eq!(refusal(&message), what);
    }
    for message_type in [0, 1, 2, 3, 4, 6, 8, 10, 11, 12, 17, 19, 21] {
        let unknown = FromSwitch::Unknown {
            message_type,
            body: Bytes::new(),
        };
        assert_eq!(
            refusal(&unknown),
            format!("an unknown message of type {message_type}")
        );
    }
}
