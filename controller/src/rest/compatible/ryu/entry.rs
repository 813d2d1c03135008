//! Flow entries that Ryu's clients write, read into godwit's own words.

use godwit_openflow::types::{DatapathId, PortNo, Version};
use serde_json::{Map, Value, json};

use super::read::{number_of, pattern_json, port};
use crate::rest::error::ApiError;

/// An entry that is to be added or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The switch.
    pub dpid: DatapathId,
    /// The rest, as the body of `POST /v1/switches/{id}/rules`.
    pub rule: Value,
}

/// The switch that an entry is for.
///
/// # Errors
/// 422 when it isn't said.
pub fn dpid(body: &Map<String, Value>) -> Result<DatapathId, ApiError> {
    let number = body.get("dpid").and_then(number);
    let missing =
        || ApiError::impossible("`dpid` is the datapath id of the switch, a number").at("dpid");
    number.map(DatapathId).ok_or_else(missing)
}

/// Reads an entry for a switch of this version. Its cookie is not taken: godwit knows its entries by theirs.
///
/// # Errors
/// 422 with the field at fault.
pub fn written(body: Map<String, Value>, version: Version) -> Result<Written, ApiError> {
    let dpid = dpid(&body)?;
    let (mut rule, mut instructions, mut pattern) = (Map::new(), Vec::new(), Map::new());
    // As Ryu has it.
    let priority: u64 = match version {
        Version::V10 => 0x8000,
        Version::V13 => 0,
    };
    rule.insert("priority".to_owned(), priority.into());
    for (key, value) in body {
        let wrong = || ApiError::impossible(format!("{value} is not a value for it")).at(&key);
        match key.as_str() {
            "dpid" | "cookie" | "cookie_mask" => {}
            "buffer_id" if is_no_buffer(&value) => {}
            "table_id" => {
                _ = rule.insert("table".to_owned(), number(&value).ok_or_else(wrong)?.into())
            }
            "priority" | "idle_timeout" | "hard_timeout" | "flags" => {
                let number = number(&value).ok_or_else(wrong)?;
                rule.insert(key, number.into());
            }
            "match" => pattern = pattern_json(value.as_object().ok_or_else(wrong)?.clone())?,
            "actions" => {
                let list = value.as_array().ok_or_else(wrong)?.clone();
                instructions = self::instructions(&list)?;
            }
            _ => {
                let why = format!("`{key}` means nothing in an entry here");
                return Err(ApiError::impossible(why).at(key));
            }
        }
    }
    rule.insert("match".to_owned(), pattern.into());
    rule.insert("instructions".to_owned(), instructions.into());
    Ok(Written {
        dpid,
        rule: rule.into(),
    })
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| number_of(value.as_str()?))
}

fn is_no_buffer(value: &Value) -> bool {
    number(value) == Some(u32::MAX.into())
        || value
            .as_str()
            .is_some_and(|text| text.ends_with("NO_BUFFER"))
}

/// The instructions that a list of actions is: all that are actions are applied, in order.
fn instructions(list: &[Value]) -> Result<Vec<Value>, ApiError> {
    let (mut applied, mut instructions) = (Vec::new(), Vec::new());
    for (index, item) in list.iter().enumerate() {
        let wrong = || {
            ApiError::impossible(format!("{item} is not an action")).at(format!("actions[{index}]"))
        };
        match (action(item), instruction(item)) {
            (Some(action), _) => applied.push(action),
            (None, Some(instruction)) => instructions.push(instruction),
            (None, None) => return Err(wrong()),
        }
    }
    if !applied.is_empty() {
        instructions.push(json!({ "type": "apply_actions", "actions": applied }));
    }
    Ok(instructions)
}

fn instruction(item: &Value) -> Option<Value> {
    let number = |key: &str| number(&item[key]);
    Some(match item["type"].as_str()? {
        "GOTO_TABLE" => json!({ "type": "goto_table", "table": number("table_id")? }),
        "METER" => json!({ "type": "meter", "meter": number("meter_id")? }),
        "CLEAR_ACTIONS" => json!({ "type": "clear_actions" }),
        "WRITE_METADATA" => json!({
            "type": "write_metadata",
            "value": format!("{:#x}", number("metadata")?),
            "mask": format!("{:#x}", number("metadata_mask").unwrap_or(u64::MAX)),
        }),
        "WRITE_ACTIONS" => {
            let list: Option<Vec<Value>> = item["actions"].as_array()?.iter().map(action).collect();
            json!({ "type": "write_actions", "actions": list? })
        }
        _ => return None,
    })
}

/// Headers that have an action of their own in OpenFlow 1.0, and the field that they are.
const SETTERS: [(&str, &str, &str); 6] = [
    ("SET_VLAN_VID", "vlan_vid", "vlan_vid"),
    ("SET_VLAN_PCP", "vlan_pcp", "vlan_pcp"),
    ("SET_DL_SRC", "dl_src", "eth_src"),
    ("SET_DL_DST", "dl_dst", "eth_dst"),
    ("SET_NW_SRC", "nw_src", "ipv4_src"),
    ("SET_NW_DST", "nw_dst", "ipv4_dst"),
];

fn action(item: &Value) -> Option<Value> {
    let kind = item["type"].as_str()?;
    if let Some((_, key, field)) = SETTERS.iter().find(|(name, _, _)| *name == kind) {
        return Some(json!({ "type": "set_field", "field": field, "value": item[key] }));
    }
    let number = |key: &str| number(&item[key]);
    let to = || port(&item["port"]).map(|port: PortNo| json!(port));
    Some(match kind {
        "OUTPUT" => match number("max_len") {
            Some(length) if port(&item["port"]) == Some(PortNo::CONTROLLER) => {
                json!({ "type": "output", "port": to()?, "max_len": length })
            }
            _ => json!({ "type": "output", "port": to()? }),
        },
        "ENQUEUE" => json!({ "type": "enqueue", "port": to()?, "queue": number("queue_id")? }),
        "SET_FIELD" => {
            json!({ "type": "set_field", "field": item["field"], "value": item["value"] })
        }
        "PUSH_VLAN" | "PUSH_MPLS" | "POP_MPLS" | "PUSH_PBB" => {
            json!({ "type": kind.to_lowercase(), "ethertype": number("ethertype")? })
        }
        "STRIP_VLAN" => json!({ "type": "pop_vlan" }),
        "POP_VLAN" | "POP_PBB" | "DEC_NW_TTL" | "DEC_MPLS_TTL" | "COPY_TTL_IN" | "COPY_TTL_OUT" => {
            json!({ "type": kind.to_lowercase() })
        }
        "SET_NW_TTL" => json!({ "type": "set_nw_ttl", "ttl": number("nw_ttl")? }),
        "SET_MPLS_TTL" => json!({ "type": "set_mpls_ttl", "ttl": number("mpls_ttl")? }),
        "SET_QUEUE" => json!({ "type": "set_queue", "queue": number("queue_id")? }),
        "GROUP" => json!({ "type": "group", "group": number("group_id")? }),
        _ => return None,
    })
}
