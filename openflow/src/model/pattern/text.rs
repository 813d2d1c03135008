//! Patterns as JSON, by the names and forms that the REST interface promises.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::field::{Field, Format};
use super::{Masked, Pattern};
use crate::types::{MacAddr, PortNo};

/// `OFPVID_PRESENT` (OF 1.3.5 §7.2.3.7): the packet has a VLAN tag.
const VLAN_PRESENT: u128 = 0x1000;

/// A match that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// No field has this name.
    #[error("`{0}` is not a match field of OpenFlow 1.3")]
    UnknownField(String),
    /// The value is not one of this field.
    #[error("`{text}` is not a value of `{}`: {expected}", field.name())]
    Value {
        /// The field.
        field: Field,
        /// What was given.
        text: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// The field takes no mask.
    #[error("`{}` can't be masked", .0.name())]
    NotMaskable(Field),
    /// The field is given twice.
    #[error("`{}` is given twice", .0.name())]
    Twice(Field),
}

impl Pattern {
    /// Requires `field` to have the value that `text` says: `value`, `value/mask` or `address/prefix`.
    ///
    /// # Errors
    /// When the text is not a value of the field, is too large for it, or has a mask where none may be.
    pub fn set_text(&mut self, field: Field, text: &str) -> Result<(), PatternError> {
        let (value, mask) = parse_masked(field, text)?;
        self.set(field, value, mask);
        Ok(())
    }
}

fn parse_masked(field: Field, text: &str) -> Result<(u128, u128), PatternError> {
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
        None if field.format() == Format::Vlan => {
            number(mask).ok_or_else(|| value_error(field, text))?
        }
        None => parse_value(field, mask)?,
    };
    let value = match field.format() {
        Format::Vlan => number(value).ok_or_else(|| value_error(field, text))?,
        _ => parse_value(field, value)?,
    };
    Ok((value, mask))
}

fn parse_value(field: Field, text: &str) -> Result<u128, PatternError> {
    let value = match field.format() {
        Format::Mac => text.parse::<MacAddr>().ok().map(|mac| mac.to_u64().into()),
        Format::Ipv4 => text
            .parse::<Ipv4Addr>()
            .ok()
            .map(|address| u32::from(address).into()),
        Format::Ipv6 => text.parse::<Ipv6Addr>().ok().map(u128::from),
        Format::Port => text.parse::<PortNo>().ok().map(|port| port.0.into()),
        Format::Vlan if text == "none" => Some(0),
        Format::Vlan => number(text).map(|vid| {
            if vid < VLAN_PRESENT {
                vid | VLAN_PRESENT
            } else {
                vid
            }
        }),
        Format::Decimal => number(text),
    };
    value
        .filter(|value| value & !field.full_mask() == 0)
        .ok_or_else(|| value_error(field, text))
}

/// Reads a decimal number, or a hexadecimal one after `0x`.
fn number(text: &str) -> Option<u128> {
    match text.strip_prefix("0x") {
        Some(hex) => u128::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
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

fn format_masked(field: Field, masked: Masked) -> String {
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
        Format::Decimal if exact => Json::Number(masked.value() as u64),
        Format::Port if exact && PortNo(masked.value() as u32).is_physical() => {
            Json::Number(masked.value() as u64)
        }
        _ => Json::Text(format_masked(field, masked)),
    }
}

impl Serialize for Pattern {
    /// An object of field names. Fields that this library doesn't know appear as
    /// `oxm_<class>_<number>` with their payload in hex; those are for reading and not taken back.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (field, masked) in self.fields() {
            map.serialize_entry(field.name(), &FieldValue { field, masked })?;
        }
        for oxm in self.unknown() {
            let payload: String = oxm
                .payload
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            map.serialize_entry(&format!("oxm_{:#06x}_{}", oxm.class, oxm.field), &payload)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PatternVisitor)
    }
}

struct PatternVisitor;

impl<'de> Visitor<'de> for PatternVisitor {
    type Value = Pattern;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of match fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pattern, A::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Number(u64),
            Text(String),
        }
        let mut pattern = Pattern::new();
        while let Some(name) = map.next_key::<String>()? {
            let field = Field::from_name(&name)
                .ok_or_else(|| A::Error::custom(PatternError::UnknownField(name.clone())))?;
            if pattern.get(field).is_some() {
                return Err(A::Error::custom(PatternError::Twice(field)));
            }
            let text = match map.next_value::<Value>() {
                Ok(Value::Number(number)) => number.to_string(),
                Ok(Value::Text(text)) => text,
                Err(_) => {
                    return Err(A::Error::custom(format!(
                        "`{name}` must be a number or a text"
                    )));
                }
            };
            pattern.set_text(field, &text).map_err(A::Error::custom)?;
        }
        Ok(pattern)
    }
}

impl fmt::Display for Pattern {
    /// `field=value` joined by commas; `*` for every packet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("*");
        }
        let mut first = true;
        for (field, masked) in self.fields() {
            if !std::mem::take(&mut first) {
                f.write_str(",")?;
            }
            write!(f, "{}={}", field.name(), format_masked(field, masked))?;
        }
        for oxm in self.unknown() {
            if !std::mem::take(&mut first) {
                f.write_str(",")?;
            }
            write!(f, "oxm_{:#06x}_{}", oxm.class, oxm.field)?;
        }
        Ok(())
    }
}
