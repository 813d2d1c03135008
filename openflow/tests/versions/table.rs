//! The table: its sections, and what becomes of each row in each version.

mod fields;
mod flow;
mod messages;
mod properties;
mod stats;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use bytes::BytesMut;
use godwit_openflow::codec::{Frame, encode_from_switch, encode_to_switch};
use godwit_openflow::model::{FromSwitch, ToSwitch};
use godwit_openflow::types::{Version, Xid};
use serde::de::DeserializeOwned;
use serde_json::json;

const BEGIN: &str = "<!-- versions: begin -->";
const END: &str = "<!-- versions: end -->";

/// A message either way.
enum Said {
    To(ToSwitch),
    From(FromSwitch),
}

/// One of something, as a version that has it would say it.
type Row = (String, fn(Version, &str) -> Said);

/// What becomes of a message in a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is written, and read back as what it was.
    Whole,
    /// It is written, but not all that it says.
    Part,
    /// It is refused.
    Refused,
}

impl Outcome {
    const fn mark(self) -> &'static str {
        match self {
            Self::Whole => "yes",
            Self::Part => "in part",
            Self::Refused => "",
        }
    }
}

fn outcome(version: Version, said: &Said) -> Outcome {
    let mut buffer = BytesMut::new();
    let written = match said {
        Said::To(message) => encode_to_switch(version, Xid(7), message, &mut buffer),
        Said::From(message) => encode_from_switch(version, Xid(7), message, &mut buffer),
    };
    if written.is_err() {
        assert!(buffer.is_empty(), "a refused message leaves nothing behind");
        return Outcome::Refused;
    }
    let read_back = Frame::new(buffer.freeze()).is_ok_and(|frame| match said {
        Said::To(message) => frame.to_switch().as_ref() == Ok(message),
        Said::From(message) => frame.from_switch().as_ref() == Ok(message),
    });
    if read_back {
        Outcome::Whole
    } else {
        Outcome::Part
    }
}

/// Rows of the same kind, one for each name.
fn rows(names: &[&str], build: fn(Version, &str) -> Said) -> Vec<Row> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), build))
        .collect()
}

fn section(table: &mut String, title: &str, rows: &[Row]) {
    let _ = write!(table, "\n### {title}\n\n| | 1.0 | 1.3 |\n|---|---|---|\n");
    for (name, build) in rows {
        let marks = Version::ALL.map(|version| outcome(version, &build(version, name)).mark());
        let _ = writeln!(table, "| `{name}` | {} | {} |", marks[0], marks[1]);
    }
}

fn table() -> String {
    let mut table = String::new();
    section(&mut table, "Messages to a switch", &messages::to_switch());
    section(
        &mut table,
        "Messages from a switch",
        &messages::from_switch(),
    );
    section(&mut table, "Statistics requests", &stats::requests());
    section(&mut table, "Statistics replies", &stats::replies());
    section(&mut table, "Flow entries and their changes", &flow::rules());
    section(&mut table, "Instructions", &flow::instructions());
    section(&mut table, "Actions", &flow::actions());
    fields::section(&mut table);
    section(&mut table, "Groups", &properties::groups());
    section(&mut table, "Meter bands", &properties::bands());
    section(&mut table, "Properties of queues", &properties::queues());
    section(&mut table, "Properties of tables", &properties::tables());
    section(&mut table, "Roles", &properties::roles());
    section(
        &mut table,
        "Reports of flow monitors",
        &properties::updates(),
    );
    table
}

/// The names of all variants of a tagged enumeration: what reading a name that is none of them says.
fn names_of<T: DeserializeOwned>() -> BTreeSet<String> {
    let Err(error) = serde_json::from_value::<T>(json!({"type": "?"})) else {
        panic!("`?` is no type");
    };
    let error = error.to_string();
    let (_, expected) = error
        .split_once("unknown variant `?`, expected one of ")
        .unwrap_or_else(|| panic!("{error}"));
    expected
        .split(", ")
        .map(|name| name.trim_matches('`').to_owned())
        .collect()
}

/// That there is a row for every variant.
fn assert_complete<T: DeserializeOwned>(rows: &[Row]) {
    let named: BTreeSet<String> = rows.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(named, names_of::<T>());
}

#[test]
fn nothing_is_missing_from_the_table() {
    use godwit_openflow::model::{FlowUpdate, MeterBand, QueueProperty, StatsReply, StatsRequest};
    assert_complete::<ToSwitch>(&messages::to_switch());
    assert_complete::<FromSwitch>(&messages::from_switch());
    assert_complete::<StatsRequest>(&stats::requests());
    assert_complete::<StatsReply>(&stats::replies());
    assert_complete::<MeterBand>(&properties::bands());
    assert_complete::<QueueProperty>(&properties::queues());
    assert_complete::<FlowUpdate>(&properties::updates());
    flow::assert_complete();
    properties::assert_tables_complete();
}

#[test]
fn the_table_in_the_readme_is_what_the_code_does() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let start = readme.find(BEGIN).unwrap() + BEGIN.len();
    let end = readme.find(END).unwrap();
    let expected = format!("\n{}\n", table());
    if std::env::var_os("GODWIT_BLESS").is_some_and(|bless| bless == "1") {
        let blessed = format!("{}{expected}{}", &readme[..start], &readme[end..]);
        std::fs::write(&path, blessed).unwrap();
        return;
    }
    for (line, (written, meant)) in readme[start..end].lines().zip(expected.lines()).enumerate() {
        assert_eq!(written, meant, "line {line} of the table in README.md");
    }
    assert_eq!(&readme[start..end], expected);
}
