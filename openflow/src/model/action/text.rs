//! Actions and instructions as JSON, in the forms that the REST interface promises.

#[cfg(test)]
mod tests;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Action, Instruction};
use crate::model::pattern::FieldValue;
use crate::model::pattern::Masked;

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.name())?;
        match self {
            Self::Output { port, max_len } => {
                map.serialize_entry("port", port)?;
                if *max_len != 0 && *max_len != Self::NO_BUFFER {
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
                let masked = Masked::new(*value, field.full_mask());
                map.serialize_entry(
                    "value",
                    &FieldValue {
                        field: *field,
                        masked,
                    },
                )?;
            }
            Self::SetNwTtl(ttl) => map.serialize_entry("ttl", ttl)?,
            Self::PopVlan | Self::DecNwTtl => {}
            Self::Unknown { action_type, body } => {
                map.serialize_entry("action_type", action_type)?;
                map.serialize_entry("body", &hex(body))?;
            }
        }
        map.end()
    }
}

impl Action {
    const fn name(&self) -> &'static str {
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
            Self::Unknown {
                instruction_type,
                body,
            } => {
                map.serialize_entry("type", "unknown")?;
                map.serialize_entry("instruction_type", instruction_type)?;
                map.serialize_entry("body", &hex(body))?;
            }
        }
        map.end()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
