//! What can be wrong with bytes, what a version can't say, and the names of OpenFlow's own errors.

mod mend;
mod names;

pub(crate) use names::mend;
pub use names::names;

use crate::types::Version;

/// A byte stream from which no more frames can be cut: the connection can't go on.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The header's length is below its own size of 8 (OF 1.3.5 §7.1).
    #[error("a message claims {length} bytes, less than its own header")]
    TooShort {
        /// The length claimed.
        length: u16,
    },
    /// The stream ended within a message.
    #[error("the stream ended within a message")]
    Truncated,
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A message whose bytes are wrong. The frame was whole, so the connection can go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "message type {message_type} (version {version:#04x}): {field} at offset {offset}: {problem}"
)]
pub struct DecodeError {
    /// The version byte of the header.
    pub version: u8,
    /// The type byte of the header.
    pub message_type: u8,
    /// The field that is wrong, by its name in the specification.
    pub field: &'static str,
    /// Where it stands, in bytes from the start of the message.
    pub offset: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The message ends before the field does.
    #[error("needs {needed} bytes, {left} are left")]
    Truncated {
        /// How many bytes the field takes.
        needed: usize,
        /// How many there are.
        left: usize,
    },
    /// A length that can't be: below the structure's own header, beyond what contains it, or not a
    /// multiple of what it must be.
    #[error("the length {0} can't be")]
    Length(usize),
    /// A value that the specification rules out.
    #[error("the value {0} can't be")]
    Value(u64),
    /// A field that may stand once stands twice.
    #[error("is there twice")]
    Duplicate,
    /// A field that must be there is not.
    #[error("is missing")]
    Missing,
    /// A version that godwit doesn't speak.
    #[error("the version is not one that is spoken here")]
    Version,
    /// Structures nested deeper, or more of them, than a message may hold.
    #[error("more than {0} of them")]
    TooMany(usize),
}

/// Something that a version of OpenFlow has no way to say. Nothing is silently widened or dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("OpenFlow {version} can't express {what}")]
pub struct Unsupported {
    /// What was to be said.
    pub what: String,
    /// The version that can't.
    pub version: Version,
}

impl Unsupported {
    /// `version` can't say `what`.
    pub fn new(version: Version, what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            version,
        }
    }
}
