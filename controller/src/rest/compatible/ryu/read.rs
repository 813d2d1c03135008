//! What Ryu's clients write, read into godwit's own words.

use godwit_openflow::model::Pattern;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::types::{Cookie, GroupId, PortNo, TableId, Version};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Map, Value};

use super::names;
use super::pattern::{DSCP_SHIFT, VLAN_PRESENT};
use crate::rest::error::ApiError;

/// A number, decimal or hexadecimal after `0x`.
#[must_use]
pub fn number_of(text: &str) -> Option<u64> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match hex {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if text.starts_with('+') => None,
        None => text.parse().ok(),
    }
}

/// Reads a number that may be written as text.
fn lenient<'de, T: TryFrom<u64>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = match &value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_u64(),
        Value::String(text) => number_of(text),
        _ => None,
    };
    let fitting = number.and_then(|number| T::try_from(number).ok());
    fitting
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("{value} is not a number that fits here")))
}

/// Which entries are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EntryFilter {
    #[serde(deserialize_with = "lenient")]
    table_id: Option<u8>,
    /// Ryu sends them on in the message's header, where they mean nothing.
    #[serde(rename = "flags")]
    _flags: Option<Value>,
    out_port: Option<Value>,
    #[serde(deserialize_with = "lenient")]
    out_group: Option<u32>,
    #[serde(deserialize_with = "lenient")]
    cookie: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    cookie_mask: Option<u64>,
    #[serde(rename = "match")]
    pattern: Map<String, Value>,
    #[serde(deserialize_with = "lenient")]
    pub(super) priority: Option<u16>,
}

impl EntryFilter {
    /// What to ask a switch of this version for, but for the priority.
    pub(super) fn flow_filter(self, version: Version) -> Result<FlowFilter, ApiError> {
        let mut filter = FlowFilter::all();
        filter.table = self.table_id.map_or(TableId::ALL, TableId);
        filter.out_port = match self.out_port {
            None => None,
            Some(value) => Some(port(&value).ok_or_else(|| {
                ApiError::impossible(format!("{value} is not a port")).at("out_port")
            })?),
        };
        filter.out_port = filter.out_port.filter(|port| *port != PortNo::ANY);
        filter.pattern = pattern(self.pattern)?;
        if version == Version::V13 {
            let group = self.out_group.map(GroupId);
            filter.out_group = group.filter(|group| *group != GroupId::ANY);
            filter.cookie = Cookie(self.cookie.unwrap_or(0));
            filter.cookie_mask = self.cookie_mask.unwrap_or(0);
        }
        Ok(filter)
    }
}

/// A port by its number, or by the name of a reserved one.
pub(super) fn port(value: &Value) -> Option<PortNo> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => number_of(text)
            .and_then(|number| u32::try_from(number).ok())
            .or_else(|| names::port_of(text).map(|port| port.0)),
        _ => None,
    }
    .map(PortNo)
}

/// What Ryu calls by the names of OpenFlow 1.0's header, and what godwit calls it.
const OLD_NAMES: [(&str, &str); 8] = [
    ("dl_src", "eth_src"),
    ("dl_dst", "eth_dst"),
    ("dl_type", "eth_type"),
    ("dl_vlan", "vlan_vid"),
    ("dl_vlan_pcp", "vlan_pcp"),
    ("nw_src", "ipv4_src"),
    ("nw_dst", "ipv4_dst"),
    ("nw_proto", "ip_proto"),
];

const ARP: u64 = 0x0806;

/// What has no name of its own in 1.0's header: what it means depends on the packet's kind.
fn specific(name: &str, ethertype: Option<u64>, protocol: Option<u64>) -> Option<&'static str> {
    Some(match (name, ethertype, protocol) {
        ("nw_src", Some(ARP), _) => "arp_spa",
        ("nw_dst", Some(ARP), _) => "arp_tpa",
        ("nw_proto", Some(ARP), _) => "arp_op",
        ("tp_src", _, Some(6)) => "tcp_src",
        ("tp_dst", _, Some(6)) => "tcp_dst",
        ("tp_src", _, Some(17)) => "udp_src",
        ("tp_dst", _, Some(17)) => "udp_dst",
        ("tp_src", _, Some(132)) => "sctp_src",
        ("tp_dst", _, Some(132)) => "sctp_dst",
        ("tp_src", _, Some(1)) => "icmpv4_type",
        ("tp_dst", _, Some(1)) => "icmpv4_code",
        _ => return None,
    })
}

/// Reads a match, by old names and new.
///
/// # Errors
/// 422 with the field that is none, or whose value is none.
pub fn pattern(fields: Map<String, Value>) -> Result<Pattern, ApiError> {
    serde_json::from_value(Value::Object(pattern_json(fields)?))
        .map_err(|error| ApiError::impossible(error.to_string()).at("match"))
}

/// The same match in the names and values of godwit's own JSON.
///
/// # Errors
/// As [`pattern`], as far as it can be told from the names.
pub(super) fn pattern_json(fields: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    let number = |names: [&str; 2]| {
        let value = names.iter().find_map(|name| fields.get(*name))?;
        value
            .as_u64()
            .or_else(|| value.as_str().and_then(number_of))
    };
    let ethertype = number(["dl_type", "eth_type"]);
    let protocol = number(["nw_proto", "ip_proto"]);
    let mut own = Map::new();
    for (name, value) in fields {
        let fault = |detail: String| ApiError::impossible(detail).at(format!("match.{name}"));
        let mut meant = specific(&name, ethertype, protocol).unwrap_or(&name);
        if let Some((_, new)) = OLD_NAMES.iter().find(|(old, _)| *old == meant) {
            meant = new;
        }
        let (meant, value) = match meant {
            "tp_src" | "tp_dst" => {
                return Err(fault(format!("`{name}` needs nw_proto=6, 17, 132 or 1")));
            }
            "nw_tos" => (
                "ip_dscp",
                dscp(&value).ok_or_else(|| {
                    fault(format!("{value} is not a type of service, a multiple of 4"))
                })?,
            ),
            "vlan_vid" => ("vlan_vid", vlan(value)),
            "in_port" => match port(&value) {
                Some(port) => ("in_port", port.0.into()),
                None => return Err(fault(format!("{value} is not a port"))),
            },
            meant => (meant, value),
        };
        if own.insert(meant.to_owned(), value).is_some() {
            return Err(fault(format!("`{meant}` is asked for twice")));
        }
    }
    Ok(own)
}

/// 1.0's type of service as DSCP; the two bits below it are not compared there.
fn dscp(value: &Value) -> Option<Value> {
    let tos = value
        .as_u64()
        .or_else(|| value.as_str().and_then(number_of))?;
    (tos <= 0xfc && tos & 3 == 0).then(|| (tos >> DSCP_SHIFT).into())
}

/// A decimal number is the id of a tag; what is hexadecimal or masked are the bits as they stand, with the one that says
/// that there is a tag. 65,535 is how 1.0 says that there is none.
fn vlan(value: Value) -> Value {
    let Value::String(text) = &value else {
        return if value.as_u64() == Some(0xffff) {
            "none".into()
        } else {
            value
        };
    };
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    match number_of(text) {
        Some(0xffff) => "none".into(),
        Some(0) if is_hex => "none".into(),
        Some(bits) if is_hex && u128::from(bits) & VLAN_PRESENT != 0 => {
            (bits & !(VLAN_PRESENT as u64)).into()
        }
        _ => value,
    }
}
