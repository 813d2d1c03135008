//! The annotated messages of `tests/vectors`, and the way through the codec that all tests take.

pub(crate) mod expected;
pub(crate) mod golden;
pub(crate) mod hostile;
pub(crate) mod ovs;
pub(crate) mod samples;

use std::fmt::Debug;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use godwit_openflow::codec::{self, Frame};
use godwit_openflow::model::{FromSwitch, StatsReply, StatsRequest, ToSwitch};
use godwit_openflow::types::{Version, Xid};
use godwit_openflow::{DecodeError, Unsupported};
use proptest::prelude::*;

/// Messages with the names of the vectors that they are written as.
pub(crate) type Named<T> = Vec<(&'static str, T)>;

/// One version, and the vectors that were made in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire {
    pub(crate) version: Version,
    /// The transaction id of all its messages here.
    pub(crate) xid: Xid,
    /// The directory of its vectors.
    pub(crate) vectors: &'static str,
}

impl Wire {
    fn directory(self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/vectors")
            .join(self.vectors)
    }

    /// Every vector with its name, in the order of the names.
    pub(crate) fn vectors(self) -> Vec<(String, Bytes)> {
        let mut names: Vec<String> = std::fs::read_dir(self.directory())
            .expect("the vectors are there")
            .map(|entry| entry.expect("a directory entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "hex"))
            .map(|path| path.file_stem().expect("a name").to_owned())
            .map(|name| name.into_string().expect("a name in UTF-8"))
            .collect();
        names.sort();
        names
            .into_iter()
            .map(|name| (name.clone(), self.vector(&name)))
            .collect()
    }

    /// The bytes of one vector, without its annotations.
    pub(crate) fn vector(self, name: &str) -> Bytes {
        let path = self.directory().join(name).with_extension("hex");
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let digits: String = text
            .lines()
            .filter_map(|line| line.split('#').next())
            .map(str::trim)
            .collect();
        unhex(&digits)
    }

    pub(crate) fn encode<M: Message>(self, message: &M) -> Result<Bytes, Unsupported> {
        let mut buffer = BytesMut::new();
        message.append(self, &mut buffer)?;
        Ok(buffer.freeze())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(digits: &str) -> Bytes {
    assert!(digits.len().is_multiple_of(2), "{digits}");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex digits"))
        .collect()
}

pub(crate) fn decode_to(bytes: Bytes) -> Result<ToSwitch, DecodeError> {
    Frame::new(bytes).expect("a whole frame").to_switch()
}

pub(crate) fn decode_from(bytes: Bytes) -> Result<FromSwitch, DecodeError> {
    Frame::new(bytes).expect("a whole frame").from_switch()
}

/// A message of either direction.
pub(crate) trait Message: Debug + PartialEq + Sized {
    fn decode(bytes: Bytes) -> Result<Self, DecodeError>;

    fn append(&self, wire: Wire, buffer: &mut BytesMut) -> Result<(), Unsupported>;

    /// Whether it has texts, which are cut where they don't leave their field a zero at its end.
    fn has_texts(&self) -> bool;
}

impl Message for ToSwitch {
    fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        decode_to(bytes)
    }

    fn append(&self, wire: Wire, buffer: &mut BytesMut) -> Result<(), Unsupported> {
        codec::encode_to_switch(wire.version, wire.xid, self, buffer)
    }

    fn has_texts(&self) -> bool {
        match self {
            Self::StatsRequest { body, .. } => matches!(body, StatsRequest::TableFeatures(_)),
            Self::BundleAdd(add) => add.message.has_texts(),
            _ => false,
        }
    }
}

impl Message for FromSwitch {
    fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        decode_from(bytes)
    }

    fn append(&self, wire: Wire, buffer: &mut BytesMut) -> Result<(), Unsupported> {
        codec::encode_from_switch(wire.version, wire.xid, self, buffer)
    }

    fn has_texts(&self) -> bool {
        match self {
            Self::Features(features) => features.ports.is_some(),
            Self::PortStatus(_) => true,
            Self::Stats { body, .. } => matches!(
                body,
                StatsReply::Description(_)
                    | StatsReply::PortDescription(_)
                    | StatsReply::Tables(_)
                    | StatsReply::TableFeatures(_)
            ),
            _ => false,
        }
    }
}

/// Reading what was written of the message gives the message, and writing that gives the same bytes.
pub(crate) fn check_read_back<M: Message>(wire: Wire, message: M) -> Result<(), TestCaseError> {
    let bytes = wire.encode(&message)?;
    let read = M::decode(bytes.clone())?;
    prop_assert_eq!(&read, &message);
    prop_assert_eq!(wire.encode(&read)?, bytes);
    Ok(())
}
