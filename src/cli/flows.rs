//! Flow entries in one line: matches and actions as short as they stay readable.

use serde_json::{Map, Value};

use super::table::plain;

/// The fields of a match: `eth_type=0x0800,udp_dst=5001`.
pub(super) fn matches(value: Option<&Value>) -> String {
    match value.and_then(Value::as_object) {
        Some(fields) if !fields.is_empty() => fields
            .iter()
            .map(|(field, value)| format!("{field}={}", field_value(field, value)))
            .collect::<Vec<_>>()
            .join(","),
        _ => "any".to_owned(),
    }
}

fn field_value(field: &str, value: &Value) -> String {
    match (field, value.as_u64()) {
        // Ethertypes are known by their hexadecimal numbers.
        ("eth_type", Some(number)) => format!("0x{number:04x}"),
        _ => plain(value),
    }
}

/// The instructions of an entry; its apply-actions stand bare: `output:2,goto_table:1`.
pub(super) fn instructions(value: Option<&Value>) -> String {
    match value.and_then(Value::as_array) {
        Some(list) if !list.is_empty() => {
            list.iter().map(instruction).collect::<Vec<_>>().join(",")
        }
        _ => "drop".to_owned(),
    }
}

fn instruction(value: &Value) -> String {
    let actions = value.get("actions").and_then(Value::as_array);
    match (kind(value), actions) {
        (Some("apply_actions"), Some(actions)) if !actions.is_empty() => list(actions),
        (Some(kind), Some(actions)) => format!("{kind}({})", list(actions)),
        _ => action(value),
    }
}

fn list(actions: &[Value]) -> String {
    actions.iter().map(action).collect::<Vec<_>>().join(",")
}

fn action(value: &Value) -> String {
    let (Some(kind), Some(members)) = (kind(value), value.as_object()) else {
        return plain(value);
    };
    if kind == "set_field"
        && let Some(short) = set_field(members)
    {
        return short;
    }
    let arguments: Vec<(&String, &Value)> = members
        .iter()
        // How much of a packet the controller gets is rarely of interest.
        .filter(|(name, value)| !matches!(name.as_str(), "type" | "max_len") && !value.is_null())
        .collect();
    match arguments.as_slice() {
        [] => kind.to_owned(),
        [(name, value)] => format!("{kind}:{}", field_value(name, value)),
        several => {
            let shown: Vec<String> = several
                .iter()
                .map(|(name, value)| format!("{name}={}", field_value(name, value)))
                .collect();
            format!("{kind}({})", shown.join(","))
        }
    }
}

fn set_field(members: &Map<String, Value>) -> Option<String> {
    let field = members.get("field")?.as_str()?;
    let value = members.get("value")?;
    Some(format!("set_field:{field}={}", field_value(field, value)))
}

fn kind(value: &Value) -> Option<&str> {
    value.get("type").and_then(Value::as_str)
}
