//! How the database writes rows, sets and maps (RFC 7047 §5.1).

use serde_json::{Value, json};

/// The rows that the question with this index selected.
pub(crate) fn rows(answers: &[Value], index: usize) -> &[Value] {
    let rows = answers
        .get(index)
        .and_then(|answer| answer["rows"].as_array());
    rows.map_or(&[][..], Vec::as_slice)
}

/// What is not there.
pub(crate) fn empty() -> Value {
    json!(["set", []])
}

/// A map of text to text.
pub(crate) fn map(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Value {
    let pairs: Vec<Value> = pairs
        .into_iter()
        .map(|(key, value)| json!([key, value]))
        .collect();
    json!(["map", pairs])
}

/// The row that a value refers to.
pub(crate) fn id(value: &Value) -> Option<String> {
    (value[0] == "uuid")
        .then(|| value[1].as_str().map(str::to_owned))
        .flatten()
}

/// One row or a set of them.
pub(crate) fn ids(value: &Value) -> Vec<String> {
    match id(value) {
        Some(one) => vec![one],
        None => value[1]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(id)
            .collect(),
    }
}

/// The pairs of a map.
pub(crate) fn pairs(value: &Value) -> Vec<(&Value, &Value)> {
    let all = value[1].as_array().into_iter().flatten();
    all.map(|pair| (&pair[0], &pair[1])).collect()
}

/// What a map has for a key.
pub(crate) fn text<'a>(map: &'a Value, key: &str) -> Option<&'a str> {
    let found = pairs(map).into_iter().find(|(known, _)| *known == key);
    found.and_then(|(_, value)| value.as_str())
}

/// The same as a number.
pub(crate) fn number_in(map: &Value, key: &str) -> Option<u64> {
    text(map, key)?.parse().ok()
}
