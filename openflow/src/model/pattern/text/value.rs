//! The value of one field as text and in JSON.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Serialize, Serializer};

use super::super::Masked;
use super::super::field::{Field, Format};
use super::PatternError;
use crate::json::number;
use crate::types::{MacAddr, PortNo};

/// `OFPVID_PRESENT` (OF 1.3.5 §7.2.3.7): the packet has a VLAN tag.
const VLAN_PRESENT: u128 = 0x1000;

impl Field {
    /// A value of all bits of the field, from its text.
    pub(crate) fn parse_exact(self, text: &str) -> Result<u128, PatternError> {
        match parse_masked(self, text)? {
            (value, mask) if mask == self.full_mask() => Ok(value),
            _ => Err(PatternError::Masked {
                field: self,
                text: text.to_owned(),
            }),
        }
    }
}

pub(super) fn parse_masked(field: Field, text: &str) -> Result<(u128, u128), PatternError> {
    let full = field.full_mask();
    let Some((value, mask)) = text.split_once('/') else {
        return Ok((parse_value(field, text)?, full));
    };
    if !field.maskable() {
        return Err(PatternError::NotMaskable(field));
    }
    let prefix = matches!(field.format(), Format::Ipv4 | Format::Ipv6)
        .then(|| mask.parse::<u8>().ok())
        .flatten();
    let mask = match prefix {
        Some(length) if length <= field.bits() => {
            full & !full.checked_shr(u32::from(length)).unwrap_or(0)
        }
        Some(_) => return Err(value_error(field, text)),
        None => parse_bits(field, mask).ok_or_else(|| value_error(field, text))?,
    };
    let value = parse_bits(field, value).ok_or_else(|| value_error(field, text))?;
    Ok((value, mask))
}

fn parse_value(field: Field, text: &str) -> Result<u128, PatternError> {
    let bits = match field.format() {
        Format::Vlan if text == "none" => Some(0),
        // A VLAN id means packets that have a tag.
        Format::Vlan => parse_bits(field, text).map(|vid| vid | VLAN_PRESENT),
        _ => parse_bits(field, text),
    };
    bits.ok_or_else(|| value_error(field, text))
}

/// The bits of a value or a mask as they stand in a packet.
fn parse_bits(field: Field, text: &str) -> Option<u128> {
    let bits = match field.format() {
        Format::Mac => text.parse::<MacAddr>().ok().map(|mac| mac.to_u64().into()),
        Format::Ipv4 => text
            .parse::<Ipv4Addr>()
            .ok()
            .map(|address| u32::from(address).into()),
        Format::Ipv6 => text.parse::<Ipv6Addr>().ok().map(u128::from),
        Format::Port => text.parse::<PortNo>().ok().map(|port| port.0.into()),
        Format::Decimal | Format::Vlan => number(text),
    };
    bits.filter(|bits| bits & !field.full_mask() == 0)
}

fn value_error(field: Field, text: &str) -> PatternError {
    let expected = match field.format() {
        Format::Mac => "a MAC address",
        Format::Ipv4 => "an IPv4 address, with a prefix length or mask after `/` if wanted",
        Format::Ipv6 => "an IPv6 address, with a prefix length or mask after `/` if wanted",
        Format::Port => "a port number",
        Format::Vlan => "a VLAN id from 0 to 4095, or `none` for packets without a tag",
        Format::Decimal => "a number that fits its width, decimal or after 0x",
    };
    PatternError::Value {
        field,
        text: text.to_owned(),
        expected,
    }
}

/// A value as text, without its mask.
fn format_value(field: Field, value: u128) -> String {
    match field.format() {
        // The widths of the fields make these conversions exact: `Masked` holds no bit beyond them.
        Format::Mac => MacAddr::from_u64(value as u64).to_string(),
        Format::Ipv4 => Ipv4Addr::from(value as u32).to_string(),
        Format::Ipv6 => Ipv6Addr::from(value).to_string(),
        Format::Port => PortNo(value as u32).to_string(),
        Format::Decimal | Format::Vlan => value.to_string(),
    }
}

pub(super) fn format_masked(field: Field, masked: Masked) -> String {
    let full = field.full_mask();
    if masked.mask() == full {
        return format_value(field, masked.value());
    }
    let host_bits = !masked.mask() & full;
    let is_prefix = (host_bits & (host_bits + 1)) == 0;
    match field.format() {
        Format::Ipv4 | Format::Ipv6 if is_prefix => {
            format!(
                "{}/{}",
                format_value(field, masked.value()),
                masked.mask().count_ones()
            )
        }
        Format::Mac | Format::Ipv4 | Format::Ipv6 => {
            format!(
                "{}/{}",
                format_value(field, masked.value()),
                format_value(field, masked.mask())
            )
        }
        Format::Decimal | Format::Port | Format::Vlan => {
            format!("{:#x}/{:#x}", masked.value(), masked.mask())
        }
    }
}

/// One field's value, for JSON: a number where the field is one and has no mask, else text.
pub(crate) struct FieldValue {
    pub(crate) field: Field,
    pub(crate) masked: Masked,
}

impl Serialize for FieldValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match json(self.field, self.masked) {
            Json::Number(number) => serializer.serialize_u64(number),
            Json::Text(text) => serializer.serialize_str(&text),
        }
    }
}

impl fmt::Display for FieldValue {
    /// As in JSON, without the quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match json(self.field, self.masked) {
            Json::Number(number) => write!(f, "{number}"),
            Json::Text(text) => f.write_str(&text),
        }
    }
}

enum Json {
    Number(u64),
    Text(String),
}

fn json(field: Field, masked: Masked) -> Json {
    let exact = masked.mask() == field.full_mask();
    match field.format() {
        Format::Vlan if exact && masked.value() == 0 => Json::Text("none".to_owned()),
        Format::Vlan if exact && masked.value() & VLAN_PRESENT != 0 => {
            Json::Number((masked.value() & !VLAN_PRESENT) as u64)
        }
        // Without the bit that says that there is a tag, which a plain number implies.
        Format::Vlan if exact => Json::Text(format!("{:#x}/{:#x}", masked.value(), masked.mask())),
        Format::Decimal if exact => Json::Number(masked.value() as u64),
        Format::Port if exact && PortNo(masked.value() as u32).is_physical() => {
            Json::Number(masked.value() as u64)
        }
        _ => Json::Text(format_masked(field, masked)),
    }
}
