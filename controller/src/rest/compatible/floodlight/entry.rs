//! Flow entries, as Floodlight writes them.

use godwit_openflow::model::{
    Action, Field, FlowFlags, FlowRule, FlowStats, Instruction, Masked, Pattern,
};
use godwit_openflow::types::{PortNo, Version};
use serde_json::{Map, Value, json};

use super::super::ryu::{plain, port_name};
use super::version_text;

const SECOND: u64 = 1_000_000_000;

/// `OFPFF_…` (OF 1.3.5 §7.3.4.1).
const FLAGS: [(FlowFlags, &str); 5] = [
    (FlowFlags::SEND_FLOW_REMOVED, "SEND_FLOW_REM"),
    (FlowFlags::CHECK_OVERLAP, "CHECK_OVERLAP"),
    (FlowFlags::RESET_COUNTS, "RESET_COUNTS"),
    (FlowFlags::NO_PACKET_COUNTS, "NO_PKT_COUNTS"),
    (FlowFlags::NO_BYTE_COUNTS, "NO_BYT_COUNTS"),
];

/// An entry with what it has counted.
pub(super) fn counted(version: Version, stats: &FlowStats) -> Value {
    let rule = &stats.rule;
    let mut entry = json!({
        "version": version_text(version),
        "cookie": rule.cookie.0,
        "table_id": format!("{:#x}", rule.table.0),
        "packet_count": stats.packets,
        "byte_count": stats.bytes,
        "duration_sec": stats.duration_ns / SECOND,
        "duration_nsec": stats.duration_ns % SECOND,
        "priority": rule.priority,
        "idle_timeout_s": rule.idle_timeout,
        "hard_timeout_s": rule.hard_timeout,
        "match": pattern(&rule.pattern),
    });
    if let Some(entry) = entry.as_object_mut() {
        if version == Version::V13 {
            let set = FLAGS.iter().filter(|(flag, _)| rule.flags.contains(*flag));
            let names: Vec<&str> = set.map(|(_, name)| *name).collect();
            entry.insert("flags".to_owned(), names.into());
        }
        entry.extend([does(version, rule)]);
    }
    entry
}

/// An entry as the static entry pusher lists it; all of its numbers are text.
#[must_use]
pub fn pushed(version: Version, rule: &FlowRule) -> Value {
    let mut entry = json!({
        "version": version_text(version),
        "command": "ADD",
        "cookie": rule.cookie.0.to_string(),
        "priority": rule.priority.to_string(),
        "idleTimeoutSec": rule.idle_timeout.to_string(),
        "hardTimeoutSec": rule.hard_timeout.to_string(),
        "outPort": "any",
        "match": pattern(&rule.pattern),
    });
    if let Some(entry) = entry.as_object_mut() {
        if version == Version::V13 {
            let more = [
                ("flags", rule.flags.0.to_string()),
                ("cookieMask", "0".to_owned()),
                ("outGroup", "any".to_owned()),
                ("tableId", format!("{:#x}", rule.table.0)),
            ];
            entry.extend(more.map(|(name, text)| (name.to_owned(), text.into())));
        }
        entry.extend([does(version, rule)]);
    }
    entry
}

/// What an entry does, under the name that the version gives it.
fn does(version: Version, rule: &FlowRule) -> (String, Value) {
    match version {
        Version::V10 => {
            let all: Vec<&Action> = rule.actions().collect();
            ("actions".to_owned(), actions(&all))
        }
        Version::V13 => ("instructions".to_owned(), instructions(&rule.instructions)),
    }
}

fn drop() -> Value {
    json!({ "none": "drop" })
}

fn instructions(all: &[Instruction]) -> Value {
    if all.is_empty() {
        return drop();
    }
    let one = |instruction: &Instruction| -> (&str, Value) {
        match instruction {
            Instruction::ApplyActions(list) => {
                ("instruction_apply_actions", actions(&Vec::from_iter(list)))
            }
            Instruction::WriteActions(list) => {
                ("instruction_write_actions", actions(&Vec::from_iter(list)))
            }
            Instruction::ClearActions => ("instruction_clear_actions", json!({})),
            Instruction::GotoTable(table) => (
                "instruction_goto_table",
                json!({ "instruction_goto_table": table.0.to_string() }),
            ),
            Instruction::Meter(meter) => (
                "instruction_goto_meter",
                json!({ "instruction_goto_meter": meter.0.to_string() }),
            ),
            Instruction::WriteMetadata { value, mask } => (
                "instruction_write_metadata",
                json!({
                    "instruction_write_metadata": value.to_string(),
                    "instruction_write_metadata_mask": mask.to_string(),
                }),
            ),
            Instruction::Experimenter { experimenter, .. } => (
                "instruction_experimenter",
                json!({ "instruction_experimenter": experimenter.to_string() }),
            ),
            Instruction::Unknown {
                instruction_type, ..
            } => (
                "instruction_experimenter",
                json!({ "type": instruction_type.to_string() }),
            ),
        }
    };
    let named = all
        .iter()
        .map(one)
        .map(|(name, value)| (name.to_owned(), value));
    named.collect::<Map<_, _>>().into()
}

fn actions(all: &[&Action]) -> Value {
    if all.is_empty() {
        return drop();
    }
    json!({ "actions": actions_text(all.iter().copied()) })
}

/// A list of actions in one text.
pub(super) fn actions_text<'a>(all: impl IntoIterator<Item = &'a Action>) -> String {
    let texts: Vec<String> = all.into_iter().map(action).collect();
    texts.join(",")
}

fn action(action: &Action) -> String {
    match action {
        Action::Output { port, .. } => format!("output={}", port_text(*port)),
        Action::Enqueue { port, queue } => {
            format!("enqueue={}:0x{:02x}", port_text(*port), queue.0)
        }
        Action::Group(group) => format!("group={}", group.0),
        Action::SetQueue(queue) => format!("set_queue={}", queue.0),
        Action::PushVlan(ethertype) => format!("push_vlan={ethertype}"),
        Action::PopVlan => "pop_vlan".to_owned(),
        Action::PushMpls(ethertype) => format!("push_mpls={ethertype}"),
        Action::PopMpls(ethertype) => format!("pop_mpls={ethertype}"),
        Action::SetField { field, value } => {
            let masked = Masked::new(*value, field.full_mask());
            format!("set_field={}->{}", name(*field), text(*field, masked))
        }
        Action::DecNwTtl => "dec_ip_ttl".to_owned(),
        Action::SetNwTtl(ttl) => format!("set_ip_ttl={ttl}"),
        Action::CopyTtlOut => "copy_ip_ttl_out".to_owned(),
        Action::CopyTtlIn => "copy_ip_ttl_in".to_owned(),
        Action::SetMplsTtl(ttl) => format!("set_mpls_ttl={ttl}"),
        Action::DecMplsTtl => "dec_mpls_ttl".to_owned(),
        Action::PushPbb(ethertype) => format!("push_pbb={ethertype}"),
        Action::PopPbb => "pop_pbb".to_owned(),
        Action::Experimenter { experimenter, .. } => format!("experimenter={experimenter}"),
        Action::Unknown { action_type, .. } => format!("unknown={action_type}"),
    }
}

/// A port: its number, or the name of a reserved one in small letters.
pub(super) fn port_text(port: PortNo) -> String {
    let name = port_name(Version::V13, port);
    name.map_or_else(|| port.0.to_string(), str::to_lowercase)
}

/// The fields that Floodlight calls otherwise than their OXM names.
const NAMES: [(Field, &str); 5] = [
    (Field::InPhyPort, "in_phys_port"),
    (Field::VlanVid, "eth_vlan_vid"),
    (Field::VlanPcp, "eth_vlan_pcp"),
    (Field::ArpOp, "arp_opcode"),
    (Field::Ipv6Flabel, "ipv6_label"),
];

fn name(field: Field) -> &'static str {
    let other = NAMES.iter().find(|(known, _)| *known == field);
    other.map_or_else(|| field.name(), |(_, name)| name)
}

/// What is matched; fields that this library doesn't know are left out, as Floodlight leaves out what it doesn't.
fn pattern(pattern: &Pattern) -> Value {
    let fields = pattern
        .fields()
        .map(|(field, masked)| (name(field).to_owned(), Value::from(text(field, masked))));
    fields.collect::<Map<_, _>>().into()
}

fn text(field: Field, masked: Masked) -> String {
    let (value, mask) = (masked.value(), masked.mask());
    let one = |bits: u128| match field {
        Field::EthType | Field::IpProto | Field::VlanVid => format!("{bits:#x}"),
        Field::InPort => port_text(PortNo(u32::try_from(bits).unwrap_or(u32::MAX))),
        _ => plain(field, bits),
    };
    if mask == field.full_mask() {
        return one(value);
    }
    // What the mask leaves out are the low bits: a prefix.
    let open = !mask & field.full_mask();
    match field {
        Field::Ipv4Src
        | Field::Ipv4Dst
        | Field::ArpSpa
        | Field::ArpTpa
        | Field::Ipv6Src
        | Field::Ipv6Dst
            if open & open.wrapping_add(1) == 0 =>
        {
            format!("{}/{}", one(value), mask.count_ones())
        }
        _ => format!("{}/{}", one(value), one(mask)),
    }
}

/// The field that Floodlight calls by this name.
pub(super) fn field(name: &str) -> Option<Field> {
    let other = NAMES.iter().find(|(_, known)| *known == name);
    other.map_or_else(|| Field::from_name(name), |(field, _)| Some(*field))
}
