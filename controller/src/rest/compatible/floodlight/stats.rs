//! What switches report besides flow entries, as Floodlight writes it.

use godwit_openflow::model::bits::{capability, port_config, port_feature, port_state};
use godwit_openflow::model::{
    AggregateStats, Bucket, Description, Features, GroupDescription, GroupFeatures, GroupStats,
    GroupType, MeterBand, MeterConfig, MeterFeatures, MeterStats, Port, PortStats, QueueStats,
    TableStats,
};
use godwit_openflow::types::{GroupId, PortNo, Version};
use serde_json::{Value, json};

use super::super::{GROUP_CAPABILITIES, METER_FLAGS, set};
use super::entry::{actions_text, port_text};
use super::{dpid_text, version_text};

const SECOND: u64 = 1_000_000_000;

/// What a switch says that doesn't count something (OF 1.3.5 §7.3.5.6); as a signed number, which Java's are.
const NOT_COUNTED: i64 = -1;

fn counted(counter: Option<u64>) -> Value {
    counter.map_or_else(|| NOT_COUNTED.into(), Value::from)
}

pub(super) fn description(version: Version, said: &Description) -> Value {
    json!({ "desc": {
        "version": version_text(version),
        "manufacturer_description": said.manufacturer,
        "hardware_description": said.hardware,
        "software_description": said.software,
        "serial_number": said.serial,
        "datapath_description": said.datapath,
    } })
}

pub(super) fn aggregate(version: Version, sum: &AggregateStats) -> Value {
    json!({
        "version": version_text(version),
        "flow_count": sum.flows,
        "packet_count": sum.packets,
        "byte_count": sum.bytes,
        "flags": [],
    })
}

pub(super) fn tables(version: Version, tables: &[TableStats]) -> Value {
    let table = |stats: &TableStats| {
        let mut table = json!({
            "table_id": format!("{:#x}", stats.table),
            "active_count": stats.active,
            "lookup_count": stats.lookups,
            "match_count": stats.matched,
        });
        if let (Version::V10, Some(table)) = (version, table.as_object_mut()) {
            table.insert(
                "name".to_owned(),
                stats.name.clone().unwrap_or_default().into(),
            );
            table.insert("wildcards".to_owned(), stats.wildcards.unwrap_or(0).into());
            table.insert(
                "max_entries".to_owned(),
                stats.max_entries.unwrap_or(0).into(),
            );
        }
        table
    };
    let all: Vec<Value> = tables.iter().map(table).collect();
    json!({ "version": version_text(version), "table": all })
}

pub(super) fn ports(version: Version, ports: &[PortStats]) -> Value {
    let port = |stats: &PortStats| {
        let mut port = json!({
            "port_number": port_text(stats.port),
            "receive_packets": counted(stats.rx_packets),
            "transmit_packets": counted(stats.tx_packets),
            "receive_bytes": counted(stats.rx_bytes),
            "transmit_bytes": counted(stats.tx_bytes),
            "receive_dropped": counted(stats.rx_dropped),
            "transmit_dropped": counted(stats.tx_dropped),
            "receive_errors": counted(stats.rx_errors),
            "transmit_errors": counted(stats.tx_errors),
            "receive_frame_errors": counted(stats.rx_frame_errors),
            "receive_overrun_errors": counted(stats.rx_overrun_errors),
            "receive_CRC_errors": counted(stats.rx_crc_errors),
            "collisions": counted(stats.collisions),
        });
        if let (Version::V13, Some(port)) = (version, port.as_object_mut()) {
            let duration = stats.duration_ns;
            let part = |of: fn(u64) -> u64| counted(duration.map(of));
            port.insert("duration_sec".to_owned(), part(|all| all / SECOND));
            port.insert("duration_nsec".to_owned(), part(|all| all % SECOND));
        }
        port
    };
    let all: Vec<Value> = ports.iter().map(port).collect();
    json!({ "port_reply": [{ "version": version_text(version), "port": all }] })
}

/// Floodlight's own answer is no JSON where there are queues; this is what it would say.
pub(super) fn queues(version: Version, queues: &[QueueStats]) -> Value {
    if queues.is_empty() {
        return json!({});
    }
    let queue = |stats: &QueueStats| {
        let duration = stats.duration_ns.unwrap_or(0);
        json!({
            "duration_nsec": duration % SECOND,
            "duration_sec": duration / SECOND,
            "queue_id": stats.queue.0,
            "port": stats.port.0,
            "tx_bytes": counted(stats.tx_bytes),
            "tx_errors": counted(stats.tx_errors),
            "tx_packets": counted(stats.tx_packets),
        })
    };
    let all: Vec<Value> = queues.iter().map(queue).collect();
    json!({ "version": version_text(version), "queues": all })
}

fn group_text(group: GroupId) -> String {
    match group {
        GroupId::MAX => "max".to_owned(),
        GroupId::ALL => "all".to_owned(),
        GroupId::ANY => "any".to_owned(),
        GroupId(number) => number.to_string(),
    }
}

pub(super) fn groups(groups: &[GroupStats]) -> Value {
    let group = |stats: &GroupStats| {
        let buckets = stats.buckets.iter();
        let buckets = buckets
            .map(|bucket| json!({ "packet_count": bucket.packets, "byte_count": bucket.bytes }));
        json!({
            "group_number": group_text(stats.group),
            "reference_count": stats.references,
            "packet_count": stats.packets,
            "byte_count": stats.bytes,
            "bucket_counters": buckets.collect::<Vec<_>>(),
            "duration_sec": stats.duration_ns / SECOND,
            "duration_nsec": stats.duration_ns % SECOND,
        })
    };
    let all: Vec<Value> = groups.iter().map(group).collect();
    json!({ "version": version_text(Version::V13), "group": all })
}

pub(super) fn group_descriptions(groups: &[GroupDescription]) -> Value {
    let bucket = |bucket: &Bucket| {
        let (key, does) = if bucket.actions.is_empty() {
            ("none", "drop".to_owned())
        } else {
            ("actions", actions_text(&bucket.actions))
        };
        json!({
            "weight": bucket.weight,
            "watch_port": bucket.watch_port.unwrap_or(PortNo::ANY).0,
            "watch_group": group_text(bucket.watch_group.unwrap_or(GroupId::ANY)),
            key: does,
        })
    };
    let group = |group: &GroupDescription| {
        let kind = match group.group_type {
            GroupType::All => "ALL",
            GroupType::Select => "SELECT",
            GroupType::Indirect => "INDIRECT",
            GroupType::FastFailover => "FF",
            GroupType::Unknown(_) => "UNKNOWN",
        };
        let buckets: Vec<Value> = group.buckets.iter().map(bucket).collect();
        json!({ "group_type": kind, "group_number": group_text(group.group), "buckets": buckets })
    };
    let all: Vec<Value> = groups.iter().map(group).collect();
    json!({ "version": version_text(Version::V13), "group_desc": all })
}

pub(super) fn group_features(features: &GroupFeatures) -> Value {
    let [most_all, most_select, most_indirect, most_ff] = features.max_groups;
    let [all, select, indirect, ff] = features.actions;
    json!({
        "version": version_text(Version::V13),
        "group_features": {
            "capabilities": set(&GROUP_CAPABILITIES, features.capabilities.into()),
            "max_groups_all": most_all,
            "max_groups_select": most_select,
            "max_groups_indirect": most_indirect,
            "max_groups_ff": most_ff,
            "actions_all": all,
            "actions_select": select,
            "actions_indirect": indirect,
            "actions_ff": ff,
        },
    })
}

pub(super) fn meters(meters: &[MeterStats]) -> Value {
    let meter = |stats: &MeterStats| {
        let bands = stats.bands.iter().map(
            |band| json!({ "packet_band_count": band.packets, "byte_band_count": band.bytes }),
        );
        json!({
            "meter_id": stats.meter.0,
            "flow_count": stats.flows,
            "packet_in_count": stats.packets,
            "byte_in_count": stats.bytes,
            "meter_band_stats": bands.collect::<Vec<_>>(),
            "duration_sec": stats.duration_ns / SECOND,
            // This is how it is spelt there.
            "duration_nssec": stats.duration_ns % SECOND,
        })
    };
    let all: Vec<Value> = meters.iter().map(meter).collect();
    json!({ "version": version_text(Version::V13), "meter": all })
}

pub(super) fn meter_configs(meters: &[MeterConfig]) -> Value {
    let band = |band: &MeterBand| match band {
        MeterBand::Drop { rate, burst } => {
            json!({ "band_type": 1, "rate": rate, "burst_size": burst })
        }
        MeterBand::DscpRemark {
            rate,
            burst,
            precedence_level,
        } => {
            json!({ "band_type": 2, "rate": rate, "burst_size": burst, "prec_level": precedence_level })
        }
        MeterBand::Experimenter {
            rate,
            burst,
            experimenter,
            ..
        } => {
            json!({ "band_type": 0xffff, "rate": rate, "burst_size": burst, "experimenter": experimenter })
        }
        MeterBand::Unknown { band_type, .. } => json!({ "band_type": band_type }),
    };
    let meter = |config: &MeterConfig| {
        let bands: Vec<Value> = config.bands.iter().map(band).collect();
        json!({
            "meter_id": config.meter.0,
            "flags": set(&METER_FLAGS, config.flags.0.into()),
            "meter_bands": bands,
        })
    };
    let all: Vec<Value> = meters.iter().map(meter).collect();
    json!({ "version": version_text(Version::V13), "meter_config": all })
}

pub(super) fn meter_features(features: &MeterFeatures) -> Value {
    json!({
        "version": version_text(Version::V13),
        "meter_features": {
            "max_meters": features.max_meters,
            "band_types": features.band_types,
            "capabilities": features.capabilities,
            "max_bands": features.max_bands,
            "max_colors": features.max_color,
        },
    })
}

/// `OFPPC_…` of both versions (OF 1.3.5 §7.2.1, OF 1.0.2 §5.2.1).
const PORT_CONFIG: [(u64, &str); 7] = [
    (port_config::PORT_DOWN, "PORT_DOWN"),
    (port_config::NO_SPANNING_TREE, "NO_STP"),
    (port_config::NO_RECEIVE, "NO_RECV"),
    (port_config::NO_RECEIVE_SPANNING_TREE, "NO_RECV_STP"),
    (port_config::NO_FLOOD, "NO_FLOOD"),
    (port_config::NO_FORWARD, "NO_FWD"),
    (port_config::NO_PACKET_IN, "NO_PACKET_IN"),
];

/// `OFPPS_…` but the state of the spanning tree.
const PORT_STATE: [(u64, &str); 3] = [
    (port_state::LINK_DOWN, "LINK_DOWN"),
    (port_state::BLOCKED, "BLOCKED"),
    (port_state::LIVE, "LIVE"),
];

/// `OFPPF_…`.
const PORT_FEATURES: [(u64, &str); 16] = [
    (port_feature::SPEED_10_MB_HALF_DUPLEX, "PF_10MB_HD"),
    (port_feature::SPEED_10_MB, "PF_10MB_FD"),
    (port_feature::SPEED_100_MB_HALF_DUPLEX, "PF_100MB_HD"),
    (port_feature::SPEED_100_MB, "PF_100MB_FD"),
    (port_feature::SPEED_1_GB_HALF_DUPLEX, "PF_1GB_HD"),
    (port_feature::SPEED_1_GB, "PF_1GB_FD"),
    (port_feature::SPEED_10_GB, "PF_10GB_FD"),
    (port_feature::SPEED_40_GB, "PF_40GB_FD"),
    (port_feature::SPEED_100_GB, "PF_100GB_FD"),
    (port_feature::SPEED_1_TB, "PF_1TB_FD"),
    (port_feature::SPEED_OTHER, "PF_OTHER"),
    (port_feature::COPPER, "PF_COPPER"),
    (port_feature::FIBER, "PF_FIBER"),
    (port_feature::AUTO_NEGOTIATION, "PF_AUTONEG"),
    (port_feature::PAUSE, "PF_PAUSE"),
    (port_feature::ASYMMETRIC_PAUSE, "PF_PAUSE_ASYM"),
];

pub(super) fn port_descriptions(version: Version, ports: &[Port]) -> Value {
    let all: Vec<Value> = ports
        .iter()
        .map(|port| port_description(version, port))
        .collect();
    json!({ "version": version_text(version), "port_desc": all })
}

fn port_description(version: Version, port: &Port) -> Value {
    let [current, advertised, supported, peer] =
        port.features.map(|bits| set(&PORT_FEATURES, bits));
    let mut description = json!({
        "port_number": port_text(port.number),
        "hardware_address": port.mac,
        "name": port.name,
        "config": set(&PORT_CONFIG, port.config),
        "state": set(&PORT_STATE, port.state),
        "current_features": current,
        "advertised_features": advertised,
        "supported_features": supported,
        "peer_features": peer,
    });
    if let (Version::V13, Some(description)) = (version, description.as_object_mut()) {
        description.insert("curr_speed".to_owned(), port.current_speed.into());
        description.insert("max_speed".to_owned(), port.max_speed.into());
    }
    description
}

/// `OFPC_…` of both versions (OF 1.3.5 §7.3.1, OF 1.0.2 §5.3.1).
const CAPABILITIES: [(u64, &str); 9] = [
    (capability::FLOW_STATS, "FLOW_STATS"),
    (capability::TABLE_STATS, "TABLE_STATS"),
    (capability::PORT_STATS, "PORT_STATS"),
    (capability::GROUP_STATS, "GROUP_STATS"),
    (capability::SPANNING_TREE, "STP"),
    (capability::IP_REASSEMBLY, "IP_REASM"),
    (capability::QUEUE_STATS, "QUEUE_STATS"),
    (capability::ARP_MATCH_IP, "ARP_MATCH_IP"),
    (capability::PORT_BLOCKED, "PORT_BLOCKED"),
];

/// `OFPAT_…` of 1.0 (OF 1.0.2 §5.2.4).
const ACTIONS: [(u64, &str); 12] = [
    (1, "OUTPUT"),
    (1 << 1, "SET_VLAN_VID"),
    (1 << 2, "SET_VLAN_PCP"),
    (1 << 3, "STRIP_VLAN"),
    (1 << 4, "SET_DL_SRC"),
    (1 << 5, "SET_DL_DST"),
    (1 << 6, "SET_NW_SRC"),
    (1 << 7, "SET_NW_DST"),
    (1 << 8, "SET_NW_TOS"),
    (1 << 9, "SET_TP_SRC"),
    (1 << 10, "SET_TP_DST"),
    (1 << 11, "ENQUEUE"),
];

pub(super) fn features(version: Version, said: &Features, ports: &[Port]) -> Value {
    let list = |names: Vec<&str>| format!("[{}]", names.join(", "));
    let mut features = json!({
        "capabilities": list(set(&CAPABILITIES, said.capabilities)),
        "dpid": dpid_text(said.datapath_id),
        "buffers": said.buffers,
        "tables": said.tables,
        "version": version_text(version),
    });
    if let (Version::V10, Some(features)) = (version, features.as_object_mut()) {
        let ports: Vec<Value> = ports
            .iter()
            .map(|port| port_description(version, port))
            .collect();
        features.insert("port_desc".to_owned(), ports.into());
        let actions = set(&ACTIONS, said.actions.unwrap_or(0).into());
        features.insert("actions".to_owned(), list(actions).into());
    }
    features
}
