//! The annotated messages of `tests/vectors/v10`, and the way through the codec that all tests take.

use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use godwit_openflow::codec::{self, Frame};
use godwit_openflow::model::{FromSwitch, ToSwitch};
use godwit_openflow::types::{Version, Xid};
use godwit_openflow::{DecodeError, Unsupported};

/// The transaction id of every message here.
pub(super) const XID: Xid = Xid(0x0102_0304);

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/v10")
}

/// The names of all vectors, in order.
pub(super) fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory())
        .expect("the vectors are there")
        .map(|entry| entry.expect("a directory entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hex"))
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

/// The bytes of a vector, without its annotations.
pub(super) fn vector(name: &str) -> Bytes {
    let text = std::fs::read_to_string(directory().join(name).with_extension("hex"))
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let digits: Vec<u8> = text
        .lines()
        .flat_map(|line| line.split('#').next().unwrap_or_default().trim().bytes())
        .collect();
    digits
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("hex digits");
            u8::from_str_radix(pair, 16).unwrap_or_else(|error| panic!("{name}: {pair}: {error}"))
        })
        .collect()
}

pub(super) fn decode_to(bytes: Bytes) -> Result<ToSwitch, DecodeError> {
    Frame::new(bytes).expect("a whole frame").to_switch()
}

pub(super) fn decode_from(bytes: Bytes) -> Result<FromSwitch, DecodeError> {
    Frame::new(bytes).expect("a whole frame").from_switch()
}

pub(super) fn encode_to(message: &ToSwitch) -> Result<Bytes, Unsupported> {
    let mut buffer = BytesMut::new();
    codec::encode_to_switch(Version::V10, XID, message, &mut buffer)?;
    Ok(buffer.freeze())
}

pub(super) fn encode_from(message: &FromSwitch) -> Result<Bytes, Unsupported> {
    let mut buffer = BytesMut::new();
    codec::encode_from_switch(Version::V10, XID, message, &mut buffer)?;
    Ok(buffer.freeze())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
