//! One of all statistics.

use godwit_openflow::model::*;
use godwit_openflow::types::*;

use super::messages::{NOBODY, data, port, rule};
use super::{Row, Said, rows};

pub(crate) fn requests() -> Vec<Row> {
    rows(
        &[
            "description",
            "flows",
            "aggregate",
            "tables",
            "ports",
            "port_description",
            "queues",
            "groups",
            "group_description",
            "group_features",
            "meters",
            "meter_config",
            "meter_features",
            "table_features",
            "flow_monitor",
            "aged_flows",
            "experimenter",
            "unknown",
        ],
        |_, name| Said::To(ToSwitch::stats(request(name))),
    )
}

fn request(name: &str) -> StatsRequest {
    match name {
        "description" => StatsRequest::Description,
        "flows" => StatsRequest::Flows(FlowFilter::all()),
        "aggregate" => StatsRequest::Aggregate(FlowFilter::all()),
        "tables" => StatsRequest::Tables,
        "ports" => StatsRequest::Ports(PortNo(1)),
        "port_description" => StatsRequest::PortDescription,
        "queues" => StatsRequest::Queues(QueueFilter {
            port: PortNo(1),
            queue: QueueId(1),
        }),
        "groups" => StatsRequest::Groups(GroupId(1)),
        "group_description" => StatsRequest::GroupDescription,
        "group_features" => StatsRequest::GroupFeatures,
        "meters" => StatsRequest::Meters(MeterId(1)),
        "meter_config" => StatsRequest::MeterConfig(MeterId(1)),
        "meter_features" => StatsRequest::MeterFeatures,
        "table_features" => StatsRequest::TableFeatures(Vec::new()),
        "flow_monitor" => StatsRequest::FlowMonitor(vec![FlowMonitor {
            monitor: 1,
            flags: MonitorFlags::ADD,
            out_port: None,
            table: TableId::ALL,
            pattern: Pattern::new(),
        }]),
        "aged_flows" => StatsRequest::AgedFlows(FlowFilter::all()),
        "experimenter" => StatsRequest::Experimenter {
            experimenter: NOBODY,
            exp_type: 0,
            body: data(),
        },
        "unknown" => StatsRequest::Unknown {
            stats_type: 99,
            body: data(),
        },
        _ => panic!("{name}"),
    }
}

pub(crate) fn replies() -> Vec<Row> {
    rows(
        &[
            "description",
            "flows",
            "aggregate",
            "tables",
            "ports",
            "port_description",
            "queues",
            "groups",
            "group_description",
            "group_features",
            "meters",
            "meter_config",
            "meter_features",
            "table_features",
            "flow_monitor",
            "aged_flows",
            "experimenter",
            "unknown",
        ],
        |version, name| {
            Said::From(FromSwitch::Stats {
                more: false,
                body: reply(version, name),
            })
        },
    )
}

fn reply(version: Version, name: &str) -> StatsReply {
    match name {
        "description" => StatsReply::Description(Description::default()),
        "flows" => StatsReply::Flows(vec![FlowStats {
            rule: rule(),
            duration_ns: 1_000_000_001,
            packets: 1,
            bytes: 60,
        }]),
        "aggregate" => StatsReply::Aggregate(AggregateStats {
            packets: 1,
            bytes: 60,
            flows: 1,
        }),
        "tables" => StatsReply::Tables(vec![table(version)]),
        "ports" => StatsReply::Ports(vec![port_stats(version)]),
        "port_description" => StatsReply::PortDescription(vec![port(1)]),
        "queues" => StatsReply::Queues(vec![QueueStats {
            port: PortNo(1),
            queue: QueueId(1),
            tx_bytes: Some(60),
            tx_packets: Some(1),
            tx_errors: Some(0),
            duration_ns: (version == Version::V13).then_some(1),
        }]),
        "aged_flows" => StatsReply::AgedFlows(vec![AgedFlowStats {
            rule: rule(),
            duration_ns: 1_000_000_001,
            packets: Some(1),
            bytes: Some(60),
            idle_age: Some(1),
            hard_age: Some(2),
        }]),
        "experimenter" => StatsReply::Experimenter {
            experimenter: NOBODY,
            exp_type: 0,
            body: data(),
        },
        "unknown" => StatsReply::Unknown {
            stats_type: 99,
            body: data(),
        },
        _ => reply_of_1_3(name),
    }
}

fn reply_of_1_3(name: &str) -> StatsReply {
    match name {
        "groups" => StatsReply::Groups(vec![GroupStats {
            group: GroupId(1),
            references: 0,
            packets: 1,
            bytes: 60,
            duration_ns: 1,
            buckets: vec![BucketStats::default()],
        }]),
        "group_description" => StatsReply::GroupDescription(vec![GroupDescription {
            group_type: GroupType::All,
            group: GroupId(1),
            buckets: Vec::new(),
        }]),
        "group_features" => StatsReply::GroupFeatures(GroupFeatures::default()),
        "meters" => StatsReply::Meters(vec![MeterStats {
            meter: MeterId(1),
            flows: 0,
            packets: 1,
            bytes: 60,
            duration_ns: 1,
            bands: vec![MeterBandStats::default()],
        }]),
        "meter_config" => StatsReply::MeterConfig(vec![MeterConfig {
            flags: MeterFlags::KBPS,
            meter: MeterId(1),
            bands: vec![MeterBand::Drop { rate: 1, burst: 0 }],
        }]),
        "meter_features" => StatsReply::MeterFeatures(MeterFeatures::default()),
        "table_features" => StatsReply::TableFeatures(vec![super::properties::table(Vec::new())]),
        "flow_monitor" => StatsReply::FlowMonitor(vec![FlowUpdate::Abbreviated { xid: Xid(1) }]),
        _ => panic!("{name}"),
    }
}

fn table(version: Version) -> TableStats {
    let only_1_0 = version == Version::V10;
    TableStats {
        table: 0,
        name: only_1_0.then(|| "main".to_owned()),
        max_entries: only_1_0.then_some(10),
        wildcards: only_1_0.then_some(1),
        active: 1,
        lookups: 2,
        matched: 1,
    }
}

fn port_stats(version: Version) -> PortStats {
    PortStats {
        port: PortNo(1),
        rx_packets: Some(1),
        tx_packets: Some(1),
        rx_bytes: Some(60),
        tx_bytes: Some(60),
        rx_dropped: None,
        tx_dropped: None,
        rx_errors: None,
        tx_errors: None,
        rx_frame_errors: None,
        rx_overrun_errors: None,
        rx_crc_errors: None,
        collisions: None,
        duration_ns: (version == Version::V13).then_some(1),
    }
}
