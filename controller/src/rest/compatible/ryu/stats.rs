//! What switches report, in Ryu's words. Each function makes what stands behind the switch's datapath id.

use bytes::BytesMut;
use godwit_openflow::codec::encode_from_switch;
use godwit_openflow::model::bits::ONLY_1_0_SHIFT;
use godwit_openflow::model::{
    AggregateStats, Bucket, Description, FlowStats, FromSwitch, GroupDescription, GroupStats,
    GroupType, MeterBand, MeterConfig, MeterStats, Port, PortStats, QueueConfigReply,
    QueueProperty, QueueStats, Role, RoleMessage, StatsReply, TableStats,
};
use godwit_openflow::types::{GroupId, PortNo, Version, Xid};
use serde_json::{Value, json};

use super::super::{METER_FLAGS, set};
use super::{action, names, pattern};

/// What a switch says that doesn't count something (OF 1.3.5 §7.3.5.6).
const NOT_COUNTED: u64 = u64::MAX;

/// What stands before the first statistics in a reply: two headers.
const REPLY_HEADERS: usize = 16;

/// A group's counters, and a meter's, without those of its parts: both have the same length (OF 1.3.5 §7.3.5.9,
/// §7.3.5.12), and each part 16 bytes.
const COUNTERS_LENGTH: usize = 40;
const PART_LENGTH: usize = 16;

const SECOND: u64 = 1_000_000_000;

pub(super) fn description(description: &Description) -> Value {
    json!({
        "mfr_desc": description.manufacturer,
        "hw_desc": description.hardware,
        "sw_desc": description.software,
        "serial_num": description.serial,
        "dp_desc": description.datapath,
    })
}

pub(super) fn flow(version: Version, stats: &FlowStats) -> Value {
    let rule = &stats.rule;
    let mut flow = json!({
        "priority": rule.priority,
        "cookie": rule.cookie.0,
        "idle_timeout": rule.idle_timeout,
        "hard_timeout": rule.hard_timeout,
        "byte_count": stats.bytes,
        "duration_sec": stats.duration_ns / SECOND,
        "duration_nsec": stats.duration_ns % SECOND,
        "packet_count": stats.packets,
        "actions": action::of_instructions(version, &rule.instructions),
        "match": pattern::to_json(version, &rule.pattern),
        "table_id": names::table(version, rule.table),
    });
    if let (Version::V13, Some(flow)) = (version, flow.as_object_mut()) {
        flow.insert("length".to_owned(), length(stats).into());
        flow.insert("flags".to_owned(), rule.flags.0.into());
    }
    flow
}

/// How many bytes the entry had in 1.3's reply; 0 when this can't be said, which no entry is that came in one.
fn length(stats: &FlowStats) -> usize {
    let reply = FromSwitch::Stats {
        more: false,
        body: StatsReply::Flows(vec![stats.clone()]),
    };
    let mut buffer = BytesMut::new();
    match encode_from_switch(Version::V13, Xid(0), &reply, &mut buffer) {
        Ok(()) => buffer.len() - REPLY_HEADERS,
        Err(_) => 0,
    }
}

pub(super) fn aggregate(sum: &AggregateStats) -> Value {
    json!({
        "packet_count": sum.packets,
        "byte_count": sum.bytes,
        "flow_count": sum.flows,
    })
}

/// The fields that a table of 1.0 can leave out (OF 1.0.2 §5.2.3, `ofp_flow_wildcards`).
const WILDCARDS: [(u64, &str); 12] = [
    (1, "IN_PORT"),
    (1 << 1, "DL_VLAN"),
    (1 << 2, "DL_SRC"),
    (1 << 3, "DL_DST"),
    (1 << 4, "DL_TYPE"),
    (1 << 5, "NW_PROTO"),
    (1 << 6, "TP_SRC"),
    (1 << 7, "TP_DST"),
    (0x3f << 8, "NW_SRC"),
    (0x3f << 14, "NW_DST"),
    (1 << 20, "DL_VLAN_PCP"),
    (1 << 21, "NW_TOS"),
];

pub(super) fn table(version: Version, stats: &TableStats) -> Value {
    let mut table = json!({
        "table_id": names::table(version, godwit_openflow::types::TableId(stats.table)),
        "active_count": stats.active,
        "lookup_count": stats.lookups,
        "matched_count": stats.matched,
    });
    if let (Version::V10, Some(table)) = (version, table.as_object_mut()) {
        let bits = stats.wildcards.unwrap_or(0);
        let names = set(&WILDCARDS, bits.into());
        table.insert(
            "name".to_owned(),
            stats.name.clone().unwrap_or_default().into(),
        );
        table.insert("wildcards".to_owned(), names.into());
        table.insert(
            "max_entries".to_owned(),
            stats.max_entries.unwrap_or(0).into(),
        );
    }
    table
}

fn counted(counter: Option<u64>) -> u64 {
    counter.unwrap_or(NOT_COUNTED)
}

/// Seconds and the nanoseconds beyond them.
fn duration(nanoseconds: Option<u64>) -> (u64, u64) {
    nanoseconds.map_or((u32::MAX.into(), u32::MAX.into()), |all| {
        (all / SECOND, all % SECOND)
    })
}

pub(super) fn port(version: Version, stats: &PortStats) -> Value {
    let mut port = json!({
        "port_no": names::port(version, stats.port),
        "rx_packets": counted(stats.rx_packets),
        "tx_packets": counted(stats.tx_packets),
        "rx_bytes": counted(stats.rx_bytes),
        "tx_bytes": counted(stats.tx_bytes),
        "rx_dropped": counted(stats.rx_dropped),
        "tx_dropped": counted(stats.tx_dropped),
        "rx_errors": counted(stats.rx_errors),
        "tx_errors": counted(stats.tx_errors),
        "rx_frame_err": counted(stats.rx_frame_errors),
        "rx_over_err": counted(stats.rx_overrun_errors),
        "rx_crc_err": counted(stats.rx_crc_errors),
        "collisions": counted(stats.collisions),
    });
    if version == Version::V13 {
        add_duration(&mut port, stats.duration_ns);
    }
    port
}

fn add_duration(object: &mut Value, nanoseconds: Option<u64>) {
    let (seconds, rest) = duration(nanoseconds);
    if let Some(object) = object.as_object_mut() {
        object.insert("duration_sec".to_owned(), seconds.into());
        object.insert("duration_nsec".to_owned(), rest.into());
    }
}

pub(super) fn port_description(version: Version, port: &Port) -> Value {
    let [current, advertised, supported, peer] = port.features.map(|bits| features(version, bits));
    let mut description = json!({
        "port_no": names::port(version, port.number),
        "hw_addr": port.mac,
        "name": port.name,
        // Bits that both versions have are the same in both.
        "config": plain_bits(port.config),
        "state": plain_bits(port.state),
        "curr": current,
        "advertised": advertised,
        "supported": supported,
        "peer": peer,
    });
    if let (Version::V13, Some(description)) = (version, description.as_object_mut()) {
        description.insert("curr_speed".to_owned(), port.current_speed.into());
        description.insert("max_speed".to_owned(), port.max_speed.into());
    }
    description
}

fn plain_bits(bits: u64) -> u64 {
    (bits | bits >> ONLY_1_0_SHIFT) & u64::from(u32::MAX)
}

/// A port's features as the version numbers them: 1.3 has put its faster speeds, four bits, before 1.0's last five.
fn features(version: Version, bits: u64) -> u64 {
    match version {
        Version::V13 => bits,
        Version::V10 => bits & 0x7f | bits >> 4 & 0xf80 | bits >> ONLY_1_0_SHIFT,
    }
}

pub(super) fn queue(version: Version, stats: &QueueStats) -> Value {
    let mut queue = json!({
        // Here Ryu names nothing.
        "port_no": bare_port(version, stats.port),
        "queue_id": stats.queue.0,
        "tx_bytes": counted(stats.tx_bytes),
        "tx_errors": counted(stats.tx_errors),
        "tx_packets": counted(stats.tx_packets),
    });
    if version == Version::V13 {
        add_duration(&mut queue, stats.duration_ns);
    }
    queue
}

/// A port's number as the version has it: 1.0's have 16 bits.
fn bare_port(version: Version, port: PortNo) -> u32 {
    match version {
        Version::V10 => port.0 & 0xffff,
        Version::V13 => port.0,
    }
}

pub(super) fn queue_config(reply: &QueueConfigReply) -> Value {
    let property = |property: &QueueProperty| match property {
        QueueProperty::MinRate { rate } => json!({ "property": "MIN_RATE", "rate": rate }),
        QueueProperty::MaxRate { rate } => json!({ "property": "MAX_RATE", "rate": rate }),
        QueueProperty::Experimenter { experimenter, body } => json!({
            "property": "EXPERIMENTER", "experimenter": experimenter, "data": body.as_ref(),
        }),
        QueueProperty::Unknown { .. } => json!({ "property": "UNKNOWN" }),
    };
    let queues = reply.queues.iter().map(|queue| {
        let properties: Vec<Value> = queue.properties.iter().map(property).collect();
        json!({
            "properties": properties,
            "port": names::port(Version::V13, queue.port),
            "queue_id": names::queue(queue.queue),
        })
    });
    json!({
        "port": names::port(Version::V13, reply.port),
        "queues": queues.collect::<Vec<Value>>(),
    })
}

pub(super) fn group(stats: &GroupStats) -> Value {
    let buckets = stats
        .buckets
        .iter()
        .map(|bucket| json!({ "packet_count": bucket.packets, "byte_count": bucket.bytes }));
    json!({
        "length": COUNTERS_LENGTH + PART_LENGTH * stats.buckets.len(),
        "ref_count": stats.references,
        "packet_count": stats.packets,
        "byte_count": stats.bytes,
        "duration_sec": stats.duration_ns / SECOND,
        "duration_nsec": stats.duration_ns % SECOND,
        "bucket_stats": buckets.collect::<Vec<Value>>(),
        "group_id": names::group(stats.group),
    })
}

pub(super) fn group_description(group: &GroupDescription) -> Value {
    let kind = match group.group_type {
        GroupType::All => Some("ALL"),
        GroupType::Select => Some("SELECT"),
        GroupType::Indirect => Some("INDIRECT"),
        GroupType::FastFailover => Some("FF"),
        GroupType::Unknown(_) => None,
    };
    let bucket = |bucket: &Bucket| {
        json!({
            "weight": bucket.weight,
            "watch_port": bucket.watch_port.unwrap_or(PortNo::ANY).0,
            "watch_group": bucket.watch_group.unwrap_or(GroupId::ANY).0,
            "actions": action::of_actions(Version::V13, &bucket.actions),
        })
    };
    let buckets: Vec<Value> = group.buckets.iter().map(bucket).collect();
    json!({ "group_id": names::group(group.group), "type": kind, "buckets": buckets })
}

pub(super) fn meter(stats: &MeterStats) -> Value {
    let bands = stats
        .bands
        .iter()
        .map(|band| json!({ "packet_band_count": band.packets, "byte_band_count": band.bytes }));
    json!({
        "len": COUNTERS_LENGTH + PART_LENGTH * stats.bands.len(),
        "flow_count": stats.flows,
        "packet_in_count": stats.packets,
        "byte_in_count": stats.bytes,
        "duration_sec": stats.duration_ns / SECOND,
        "duration_nsec": stats.duration_ns % SECOND,
        "band_stats": bands.collect::<Vec<Value>>(),
        "meter_id": names::meter(stats.meter),
    })
}

pub(super) fn meter_config(config: &MeterConfig) -> Value {
    let bands: Vec<Value> = config.bands.iter().map(band).collect();
    json!({ "flags": set(&METER_FLAGS, config.flags.0.into()), "bands": bands, "meter_id": names::meter(config.meter) })
}

fn band(band: &MeterBand) -> Value {
    match band {
        MeterBand::Drop { rate, burst } => {
            json!({ "type": "DROP", "rate": rate, "burst_size": burst })
        }
        MeterBand::DscpRemark {
            rate,
            burst,
            precedence_level,
        } => json!({
            "type": "DSCP_REMARK", "rate": rate, "burst_size": burst, "prec_level": precedence_level,
        }),
        MeterBand::Experimenter {
            rate,
            burst,
            experimenter,
            ..
        } => json!({
            "type": "EXPERIMENTER", "rate": rate, "burst_size": burst, "experimenter": experimenter,
        }),
        MeterBand::Unknown { .. } => json!({ "type": "" }),
    }
}

pub(super) fn role(message: RoleMessage) -> Value {
    let role = match message.role {
        Role::NoChange => "NOCHANGE".into(),
        Role::Equal => "EQUAL".into(),
        Role::Master => "MASTER".into(),
        Role::Slave => "SLAVE".into(),
        Role::Unknown(other) => Value::from(other),
    };
    json!({ "role": role, "generation_id": message.generation.unwrap_or(u64::MAX) })
}
