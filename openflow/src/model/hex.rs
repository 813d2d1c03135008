//! Bytes in JSON: text of two hex digits each.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serializer};

use crate::json::Scalar;

pub(crate) fn to_text(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

pub(crate) fn from_text(text: &str) -> Option<Bytes> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect::<Option<Vec<u8>>>()
        .map(Bytes::from)
}

pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&to_text(bytes))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = String::deserialize(deserializer)?;
    from_text(&text).ok_or_else(|| {
        let value = Scalar::Text(text);
        serde::de::Error::custom(format!("{value} is not a text of pairs of hex digits"))
    })
}
