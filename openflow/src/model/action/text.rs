//! Actions and instructions as JSON, in the forms that the REST interface promises.

mod read;
#[cfg(test)]
mod tests;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Action, Instruction};
use crate::model::hex;
use crate::model::pattern::{FieldValue, Masked};

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.name())?;
        match self {
            Self::Output { port, max_len } => {
                map.serialize_entry("port", port)?;
                if *self != Self::output(*port) {
                    map.serialize_entry("max_len", max_len)?;
                }
            }
            Self::Group(group) => map.serialize_entry("group", group)?,
            Self::SetQueue(queue) => map.serialize_entry("queue", queue)?,
            Self::Enqueue { port, queue } => {
                map.serialize_entry("port", port)?;
                map.serialize_entry("queue", queue)?;
            }
            Self::PushVlan(ethertype) | Self::PushMpls(ethertype) | Self::PopMpls(ethertype) => {
                map.serialize_entry("ethertype", ethertype)?;
            }
            Self::SetField { field, value } => {
                map.serialize_entry("field", field.name())?;
                if *value & !field.full_mask() == 0 {
                    let masked = Masked::new(*value, field.full_mask());
                    let field = *field;
                    map.serialize_entry("value", &FieldValue { field, masked })?;
                } else {
                    // No switch takes it, but what stands here is what would be sent.
                    map.serialize_entry("value", &format!("{value:#x}"))?;
                }
            }
            Self::SetNwTtl(ttl) => map.serialize_entry("ttl", ttl)?,
            Self::SetMplsTtl(ttl) => map.serialize_entry("ttl", ttl)?,
            Self::PushPbb(ethertype) => map.serialize_entry("ethertype", ethertype)?,
            Self::PopVlan
            | Self::DecNwTtl
            | Self::CopyTtlOut
            | Self::CopyTtlIn
            | Self::DecMplsTtl
            | Self::PopPbb => {}
            Self::Experimenter { experimenter, body } => {
                map.serialize_entry("experimenter", experimenter)?;
                map.serialize_entry("body", &hex::to_text(body))?;
            }
            Self::Unknown { action_type, body } => {
                map.serialize_entry("action_type", action_type)?;
                map.serialize_entry("body", &hex::to_text(body))?;
            }
        }
        map.end()
    }
}

impl Action {
    /// What JSON calls it.
    pub(in crate::model) const fn name(&self) -> &'static str {
        match self {
            Self::Output { .. } => "output",
            Self::Group(_) => "group",
            Self::SetQueue(_) => "set_queue",
            Self::Enqueue { .. } => "enqueue",
            Self::PushVlan(_) => "push_vlan",
            Self::PopVlan => "pop_vlan",
            Self::PushMpls(_) => "push_mpls",
            Self::PopMpls(_) => "pop_mpls",
            Self::SetField { .. } => "set_field",
            Self::DecNwTtl => "dec_nw_ttl",
            Self::SetNwTtl(_) => "set_nw_ttl",
            Self::CopyTtlOut => "copy_ttl_out",
            Self::CopyTtlIn => "copy_ttl_in",
            Self::SetMplsTtl(_) => "set_mpls_ttl",
            Self::DecMplsTtl => "dec_mpls_ttl",
            Self::PushPbb(_) => "push_pbb",
            Self::PopPbb => "pop_pbb",
            Self::Experimenter { .. } => "experimenter",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl Serialize for Instruction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::GotoTable(table) => {
                map.serialize_entry("type", "goto_table")?;
                map.serialize_entry("table", table)?;
            }
            Self::WriteMetadata { value, mask } => {
                map.serialize_entry("type", "write_metadata")?;
                // 64 bits don't fit into every reader's numbers.
                map.serialize_entry("value", &format!("{value:#x}"))?;
                map.serialize_entry("mask", &format!("{mask:#x}"))?;
            }
            Self::WriteActions(actions) => {
                map.serialize_entry("type", "write_actions")?;
                map.serialize_entry("actions", actions)?;
            }
            Self::ApplyActions(actions) => {
                map.serialize_entry("type", "apply_actions")?;
                map.serialize_entry("actions", actions)?;
            }
            Self::ClearActions => map.serialize_entry("type", "clear_actions")?,
            Self::Meter(meter) => {
                map.serialize_entry("type", "meter")?;
                map.serialize_entry("meter", meter)?;
            }
            Self::Experimenter { experimenter, body } => {
                map.serialize_entry("type", "experimenter")?;
                map.serialize_entry("experimenter", experimenter)?;
                map.serialize_entry("body", &hex::to_text(body))?;
            }
            Self::Unknown {
                instruction_type,
                body,
            } => {
                map.serialize_entry("type", "unknown")?;
                map.serialize_entry("instruction_type", instruction_type)?;
                map.serialize_entry("body", &hex::to_text(body))?;
            }
        }
        map.end()
    }
}
