//! The annotated messages of `tests/vectors/v13`, and the way through the codec that all tests take.

use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use godwit_openflow::codec::{self, Frame};
use godwit_openflow::model::{FromSwitch, ToSwitch};
use godwit_openflow::types::{Version, Xid};
use godwit_openflow::{DecodeError, Unsupported};

/// The transaction id of every message here.
pub(super) const XID: Xid = Xid(0x0a0b_0c0d);

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/v13")
}

/// Every vector with its name, in the order of the names.
pub(super) fn vectors() -> Vec<(String, Bytes)> {
    let mut names: Vec<String> = std::fs::read_dir(directory())
        .expect("the vectors are there")
        .map(|entry| entry.expect("a directory entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hex"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| (name.clone(), vector(&name)))
        .collect()
}

/// The bytes of one vector, without its annotations.
pub(super) fn vector(name: &str) -> Bytes {
    let path = directory().join(name).with_extension("hex");
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let digits: String = text
        .lines()
        .filter_map(|line| line.split('#').next())
        .map(str::trim)
        .collect();
    unhex(&digits)
}

pub(super) fn unhex(digits: &str) -> Bytes {
    assert!(digits.len().is_multiple_of(2), "{digits}");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex digits"))
        .collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn decode_to(bytes: Bytes) -> Result<ToSwitch, DecodeError> {
    Frame::new(bytes).expect("a whole frame").to_switch()
}

pub(super) fn decode_from(bytes: Bytes) -> Result<FromSwitch, DecodeError> {
    Frame::new(bytes).expect("a whole frame").from_switch()
}

pub(super) fn encode_to(message: &ToSwitch) -> Result<Bytes, Unsupported> {
    let mut buffer = BytesMut::new();
    codec::encode_to_switch(Version::V13, XID, message, &mut buffer)?;
    Ok(buffer.freeze())
}

pub(super) fn encode_from(message: &FromSwitch) -> Result<Bytes, Unsupported> {
    let mut buffer = BytesMut::new();
    codec::encode_from_switch(Version::V13, XID, message, &mut buffer)?;
    Ok(buffer.freeze())
}
