//! What Floodlight's clients write, read into godwit's own words.

use godwit_openflow::types::DatapathId;
use serde_json::{Map, Value, json};

use super::entry::field;
use crate::rest::compatible::ryu::read::number_of;
use crate::rest::error::ApiError;

/// A datapath id: eight pairs of digits joined by colons, or as godwit writes it.
#[must_use]
pub fn dpid(text: &str) -> Option<DatapathId> {
    text.parse().ok()
}

/// An entry that is to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// What it is called from now on.
    pub name: String,
    /// The switch.
    pub dpid: DatapathId,
    /// The rest, as the body of `POST /v1/switches/{id}/rules`.
    pub rule: Value,
}

/// Protocols by the names that Floodlight knows.
const PROTOCOLS: [(&str, u64); 4] = [("icmp", 1), ("tcp", 6), ("udp", 17), ("sctp", 132)];

/// Reads an entry. Its cookie is not taken: godwit knows its entries by theirs.
///
/// # Errors
/// 422 with the field at fault.
pub fn pushed(body: Map<String, Value>) -> Result<Pushed, ApiError> {
    let body: Map<String, Value> = body
        .into_iter()
        .map(|(key, value)| (key.trim().to_lowercase(), value))
        .collect();
    let needed = |key: &str| {
        let value = body.get(key).and_then(Value::as_str);
        value.ok_or_else(|| ApiError::impossible(format!("`{key}` is missing")).at(key))
    };
    let name = needed("name")?.to_owned();
    let switch = needed("switch")?;
    let dpid = dpid(switch).ok_or_else(|| {
        ApiError::impossible(format!("`{switch}` is not a datapath id")).at("switch")
    })?;
    let protocol = body.get("ip_proto").and_then(protocol);
    let (mut pattern, mut rule, mut instructions) = (Map::new(), Map::new(), Vec::new());
    for (key, value) in &body {
        let wrong = || ApiError::impossible(format!("{value} is not a value for it")).at(key);
        match key.as_str() {
            "name" | "switch" | "cookie" => {}
            "active" if is(value, "true") || value.as_bool() == Some(true) => {}
            "entry_type" if is(value, "flow") => {}
            "priority" | "idle_timeout" | "hard_timeout" => {
                rule.insert(key.clone(), number(value).ok_or_else(wrong)?.into());
            }
            "table" => _ = rule.insert(key.clone(), number(value).ok_or_else(wrong)?.into()),
            "actions" => {
                let list = actions(value.as_str().ok_or_else(wrong)?, protocol, key)?;
                instructions.push(json!({ "type": "apply_actions", "actions": list }));
            }
            "ip_proto" => _ = pattern.insert(key.clone(), protocol.ok_or_else(wrong)?.into()),
            "tp_src" | "tp_dst" => {
                let port = transport(key, protocol).ok_or_else(wrong)?;
                pattern.insert(port, value.clone());
            }
            "eth_vlan_vid" if number(value) == Some(0xffff) => {
                pattern.insert("vlan_vid".to_owned(), "none".into());
            }
            key if key.starts_with("instruction_") => {
                instructions.push(instruction(key, value, protocol).ok_or_else(wrong)??);
            }
            other => match field(other) {
                Some(field) => _ = pattern.insert(field.name().to_owned(), value.clone()),
                None => {
                    let why = format!("`{other}` means nothing in a static entry");
                    return Err(ApiError::impossible(why).at(other));
                }
            },
        }
    }
    rule.insert("match".to_owned(), pattern.into());
    rule.insert("instructions".to_owned(), instructions.into());
    Ok(Pushed {
        name,
        dpid,
        rule: rule.into(),
    })
}

fn is(value: &Value, wanted: &str) -> bool {
    let text = value.as_str();
    text.is_some_and(|text| text.eq_ignore_ascii_case(wanted))
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| number_of(value.as_str()?))
}

fn protocol(value: &Value) -> Option<u64> {
    let named = |text: &str| {
        PROTOCOLS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
    };
    let by_name = value.as_str().and_then(named);
    by_name.map_or_else(|| number(value), |(_, number)| Some(*number))
}

/// The field for a port, source or destination, of this protocol.
fn transport(key: &str, protocol: Option<u64>) -> Option<String> {
    let protocol = PROTOCOLS
        .iter()
        .find(|(_, number)| Some(*number) == protocol);
    let (name, _) = protocol.filter(|(name, _)| *name != "icmp")?;
    Some(format!("{name}_{}", key.trim_start_matches("tp_")))
}

/// An instruction; `None` when its value is none.
fn instruction(key: &str, value: &Value, protocol: Option<u64>) -> Option<Result<Value, ApiError>> {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    // The value alone, or behind its own name.
    let bare = |text: &str| number_of(text.rsplit('=').next().unwrap_or(text));
    Some(Ok(match key {
        "instruction_apply_actions" | "instruction_write_actions" => {
            let kind = key.trim_start_matches("instruction_");
            let list = match actions(&text, protocol, key) {
                Ok(list) => list,
                Err(error) => return Some(Err(error)),
            };
            json!({ "type": kind, "actions": list })
        }
        "instruction_clear_actions" => json!({ "type": "clear_actions" }),
        "instruction_goto_table" => json!({ "type": "goto_table", "table": bare(&text)? }),
        "instruction_goto_meter" => json!({ "type": "meter", "meter": bare(&text)? }),
        "instruction_write_metadata" => {
            let (value, mask) = text
                .split_once(',')
                .unwrap_or((&text, "0xffffffffffffffff"));
            json!({
                "type": "write_metadata",
                "value": format!("{:#x}", bare(value)?),
                "mask": format!("{:#x}", bare(mask)?),
            })
        }
        _ => return None,
    }))
}

/// A list of actions from its text.
fn actions(text: &str, protocol: Option<u64>, key: &str) -> Result<Vec<Value>, ApiError> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let read = parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let wrong = || ApiError::impossible(format!("`{part}` is not an action")).at(key);
        action(name.trim(), value.trim(), protocol).ok_or_else(wrong)
    });
    read.collect()
}

/// Headers that have an action of their own.
const SETTERS: [(&str, &str); 7] = [
    ("set_vlan_vid", "vlan_vid"),
    ("set_vlan_pcp", "vlan_pcp"),
    ("set_eth_src", "eth_src"),
    ("set_eth_dst", "eth_dst"),
    ("set_ipv4_src", "ipv4_src"),
    ("set_ipv4_dst", "ipv4_dst"),
    ("set_ip_ecn", "ip_ecn"),
];

fn action(name: &str, value: &str, protocol: Option<u64>) -> Option<Value> {
    if let Some((_, field)) = SETTERS.iter().find(|(setter, _)| *setter == name) {
        return Some(set(field, value));
    }
    let port =
        |text: &str| number_of(text).map_or_else(|| Value::from(text.to_lowercase()), Value::from);
    Some(match name {
        "output" => json!({ "type": "output", "port": port(value) }),
        "enqueue" => {
            let (to, queue) = value.split_once(':')?;
            json!({ "type": "enqueue", "port": port(to), "queue": number_of(queue)? })
        }
        "strip_vlan" | "pop_vlan" => json!({ "type": "pop_vlan" }),
        "push_vlan" | "push_mpls" | "pop_mpls" => {
            json!({ "type": name, "ethertype": number_of(value)? })
        }
        "set_queue" => json!({ "type": name, "queue": number_of(value)? }),
        "group" => json!({ "type": name, "group": number_of(value)? }),
        "set_ip_ttl" => json!({ "type": "set_nw_ttl", "ttl": number_of(value)? }),
        "dec_ip_ttl" => json!({ "type": "dec_nw_ttl" }),
        "copy_ip_ttl_in" => json!({ "type": "copy_ttl_in" }),
        "copy_ip_ttl_out" => json!({ "type": "copy_ttl_out" }),
        "set_mpls_ttl" => json!({ "type": name, "ttl": number_of(value)? }),
        "dec_mpls_ttl" => json!({ "type": name }),
        "set_mpls_label" | "set_mpls_tc" => set(name.trim_start_matches("set_"), value),
        "set_tp_src" | "set_tp_dst" => set(
            &transport(name.trim_start_matches("set_"), protocol)?,
            value,
        ),
        "set_field" => {
            let (name, value) = value.split_once("->")?;
            set(field(name)?.name(), value)
        }
        _ => return None,
    })
}

fn set(field: &str, value: &str) -> Value {
    json!({ "type": "set_field", "field": field, "value": value })
}
