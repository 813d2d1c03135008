//! Reserved numbers, which Ryu writes by the names that the specifications' headers give them, without their prefix.

use godwit_openflow::types::{GroupId, MeterId, PortNo, QueueId, TableId, Version};
use serde_json::Value;

/// Most `OFPP_…` of both versions (OF 1.3.5 §7.2.1, OF 1.0.2 §5.2.1).
const PORTS: [(PortNo, &str); 8] = [
    (PortNo::MAX, "MAX"),
    (PortNo::IN_PORT, "IN_PORT"),
    (PortNo::TABLE, "TABLE"),
    (PortNo::NORMAL, "NORMAL"),
    (PortNo::FLOOD, "FLOOD"),
    (PortNo::ALL, "ALL"),
    (PortNo::CONTROLLER, "CONTROLLER"),
    (PortNo::LOCAL, "LOCAL"),
];

/// The name of a reserved port.
pub(in crate::rest::compatible) fn port_name(
    version: Version,
    port: PortNo,
) -> Option<&'static str> {
    if port == PortNo::ANY {
        return Some(match version {
            Version::V10 => "NONE",
            Version::V13 => "ANY",
        });
    }
    named(&PORTS, port)
}

/// The port of this name, with the prefix or without, in capitals or not.
pub(super) fn port_of(name: &str) -> Option<PortNo> {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("OFPP_").unwrap_or(&name);
    if name == "ANY" || name == "NONE" {
        return Some(PortNo::ANY);
    }
    PORTS
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(port, _)| *port)
}

/// A port as JSON: a number, or the name of a reserved one.
pub(super) fn port(version: Version, port: PortNo) -> Value {
    named_or(port_name(version, port), port.0)
}

/// A port within text.
pub(super) fn port_text(version: Version, port: PortNo) -> String {
    text_or(port_name(version, port), port.0)
}

/// `OFPTT_…` (OF 1.3.5 §7.3.4.1); 1.0 has none.
pub(super) fn table(version: Version, table: TableId) -> Value {
    let name = match (version, table.0) {
        (Version::V13, 0xfe) => Some("MAX"),
        (Version::V13, 0xff) => Some("ALL"),
        _ => None,
    };
    named_or(name, table.0.into())
}

/// `OFPG_…` (OF 1.3.5 §7.3.4.2).
const GROUPS: [(GroupId, &str); 3] = [
    (GroupId::MAX, "MAX"),
    (GroupId::ALL, "ALL"),
    (GroupId::ANY, "ANY"),
];

pub(super) fn group(group: GroupId) -> Value {
    named_or(named(&GROUPS, group), group.0)
}

pub(super) fn group_text(group: GroupId) -> String {
    text_or(named(&GROUPS, group), group.0)
}

/// `OFPM_…` (OF 1.3.5 §7.3.4.4).
const METERS: [(MeterId, &str); 4] = [
    (MeterId::MAX, "MAX"),
    (MeterId::SLOW_PATH, "SLOWPATH"),
    (MeterId::CONTROLLER, "CONTROLLER"),
    (MeterId::ALL, "ALL"),
];

pub(super) fn meter(meter: MeterId) -> Value {
    named_or(named(&METERS, meter), meter.0)
}

pub(super) fn meter_text(meter: MeterId) -> String {
    text_or(named(&METERS, meter), meter.0)
}

/// `OFPQ_ALL` (OF 1.3.5 §7.2.2).
const QUEUES: [(QueueId, &str); 1] = [(QueueId::ALL, "ALL")];

pub(super) fn queue(queue: QueueId) -> Value {
    named_or(named(&QUEUES, queue), queue.0)
}

pub(super) fn queue_text(queue: QueueId) -> String {
    text_or(named(&QUEUES, queue), queue.0)
}

fn named<T: PartialEq>(names: &[(T, &'static str)], number: T) -> Option<&'static str> {
    names
        .iter()
        .find(|(known, _)| *known == number)
        .map(|(_, name)| *name)
}

fn named_or(name: Option<&str>, number: u32) -> Value {
    name.map_or_else(|| number.into(), Value::from)
}

fn text_or(name: Option<&str>, number: u32) -> String {
    name.map_or_else(|| number.to_string(), str::to_owned)
}
