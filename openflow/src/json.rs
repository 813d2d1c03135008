//! What is common to reading JSON by hand: values that are a number or a text, and objects of such values. The errors name
//! the member and the value that are wrong.

use std::fmt;

use bytes::Bytes;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, Visitor};
use serde_path_to_error::Path;

use crate::model::hex;

/// Reads a decimal number, or a hexadecimal one after `0x`.
pub(crate) fn number(text: &str) -> Option<u128> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // A sign is not a part of what is read here, but of what the standard library reads.
    digits
        .bytes()
        .all(|digit| digit.is_ascii_hexdigit())
        .then(|| u128::from_str_radix(digits, radix).ok())
        .flatten()
}

/// A value as it stands in JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    /// A whole number.
    Number(u64),
    /// A text.
    Text(String),
    /// What nothing here is: a number that is negative, not whole or too large, a truth value, or null.
    Other(String),
}

impl Scalar {
    /// The number that it is, or says.
    pub(crate) fn number(&self) -> Option<u128> {
        match self {
            Self::Number(number) => Some((*number).into()),
            Self::Text(text) => number(text),
            Self::Other(_) => None,
        }
    }

    /// What a person would have written.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) | Self::Other(text) => text,
        }
    }
}

impl fmt::Display for Scalar {
    /// The value as JSON has it, cut short where it is long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 64;
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) if text.chars().count() > LONGEST => {
                let start: String = text.chars().take(LONGEST).collect();
                write!(f, "{start:?}…")
            }
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// Reads the value of the member with this name.
pub(crate) struct ScalarOf<'a>(pub(crate) &'a str);

impl<'de> DeserializeSeed<'de> for ScalarOf<'_> {
    type Value = Scalar;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for ScalarOf<'_> {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number or a text for `{}`", self.0)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(
            u64::try_from(number)
                .map_or_else(|_| Scalar::Other(number.to_string()), Scalar::Number),
        )
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Other(number.to_string()))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other(truth.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other("null".to_owned()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(text))
    }
}

/// An object with a `type` that says which other members it has.
#[derive(Debug)]
pub(crate) struct Members {
    /// What it is: `action` or `instruction`.
    what: &'static str,
    members: Vec<(String, Scalar)>,
}

impl Members {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self {
            what,
            members: Vec::new(),
        }
    }

    /// Adds a member that has been read.
    pub(crate) fn push(&mut self, name: String, value: Scalar) -> Result<(), String> {
        if self.members.iter().any(|(known, _)| *known == name) {
            return Err(format!("`{name}` is given twice"));
        }
        self.members.push((name, value));
        Ok(())
    }

    /// The value of `name`, which is then no longer there.
    pub(crate) fn take(&mut self, name: &str) -> Option<Scalar> {
        let at = self.members.iter().position(|(known, _)| known == name)?;
        Some(self.members.swap_remove(at).1)
    }

    /// The value of `name`, which must be there.
    pub(crate) fn need(&mut self, name: &str) -> Result<Scalar, String> {
        self.take(name)
            .ok_or_else(|| format!("an {} of this type needs `{name}`", self.what))
    }

    /// A number that must be there.
    pub(crate) fn number<T: TryFrom<u128>>(&mut self, name: &str) -> Result<T, String> {
        as_number(name, &self.need(name)?)
    }

    /// A number that may be left out.
    pub(crate) fn optional<T: TryFrom<u128>>(&mut self, name: &str) -> Result<Option<T>, String> {
        self.take(name)
            .map(|value| as_number(name, &value))
            .transpose()
    }

    /// Bytes, as text of hex digits, that must be there.
    pub(crate) fn bytes(&mut self, name: &str) -> Result<Bytes, String> {
        let value = self.need(name)?;
        match &value {
            Scalar::Text(text) => hex::from_text(text),
            _ => None,
        }
        .ok_or_else(|| format!("`{name}` is {value}, not a text of pairs of hex digits"))
    }

    /// That every member has been taken.
    pub(crate) fn finish(self) -> Result<(), String> {
        match self.members.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!("an {} of this type has no `{name}`", self.what)),
        }
    }
}

fn as_number<T: TryFrom<u128>>(name: &str, value: &Scalar) -> Result<T, String> {
    let highest = u128::MAX >> (128 - 8 * size_of::<T>());
    value
        .number()
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| format!("`{name}` is {value}, not a number from 0 to {highest}"))
}

/// What stands where an error of reading is about, and the error.
pub(crate) fn with_path<E: Error>(path: &Path, error: &E) -> E {
    match path.iter().next() {
        None => E::custom(error),
        // The position at the end of the error is found there again by what reads JSON.
        Some(_) => E::custom(format!("`{path}`: {error}")),
    }
}

/// Reads and writes as the derived functions of a type with `remote = "Self"` do; errors of reading name the member.
macro_rules! naming_the_path {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                <$type>::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut track = serde_path_to_error::Track::new();
                let tracked = serde_path_to_error::Deserializer::new(deserializer, &mut track);
                let read = <$type>::deserialize(tracked);
                read.map_err(|error| $crate::json::with_path(&track.path(), &error))
            }
        }
    };
}

pub(crate) use naming_the_path;
