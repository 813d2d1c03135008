//! Patterns as JSON, by the names and forms that the REST interface promises.

mod raw;
mod value;

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Pattern;
use super::field::Field;
use crate::json::{Scalar, ScalarOf};
pub(crate) use value::FieldValue;
use value::{format_masked, parse_masked};

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
    /// A value to be set has a mask.
    #[error("`{text}` is not a value to set `{}` to: it has a mask", field.name())]
    Masked {
        /// The field.
        field: Field,
        /// What was given.
        text: String,
    },
    /// The value of a field that this library doesn't know is not hex digits.
    #[error(
        "`{text}` is not a value of `{name}`: pairs of hex digits, with a mask of as many after `/` if wanted"
    )]
    Raw {
        /// The field.
        name: String,
        /// What was given.
        text: String,
    },
    /// The field is given twice.
    #[error("`{0}` is given twice")]
    Twice(String),
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

    /// The names and values of the fields that this library doesn't know.
    pub(crate) fn unknown_members(&self) -> impl Iterator<Item = (String, String)> + '_ {
        raw::members(self.unknown())
    }
}

impl Serialize for Pattern {
    /// An object of field names. Fields that this library doesn't know appear, in their order, as
    /// `oxm_<class>_<number>`, those of experimenters as `oxm_0xffff_<experimenter>_<number>`, with value and mask in hex.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (field, masked) in self.fields() {
            map.serialize_entry(field.name(), &FieldValue { field, masked })?;
        }
        for (name, value) in self.unknown_members() {
            map.serialize_entry(&name, &value)?;
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
        let mut pattern = Pattern::new();
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(ScalarOf(&name))?;
            set_member(&mut pattern, &name, value).map_err(A::Error::custom)?;
            if let Some(name) = seen.replace(name) {
                return Err(A::Error::custom(PatternError::Twice(name)));
            }
        }
        Ok(pattern)
    }
}

fn set_member(pattern: &mut Pattern, name: &str, value: Scalar) -> Result<(), PatternError> {
    if let Some(field) = Field::from_name(name) {
        return pattern.set_text(field, &value.into_text());
    }
    match raw::parse(name, &value.into_text())? {
        Some(oxm) => pattern.push_unknown(oxm),
        None => return Err(PatternError::UnknownField(name.to_owned())),
    }
    Ok(())
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
        for (name, value) in self.unknown_members() {
            if !std::mem::take(&mut first) {
                f.write_str(",")?;
            }
            write!(f, "{name}={value}")?;
        }
        Ok(())
    }
}
