//! OpenFlow 1.0.2 (wire version 0x01) and 1.3.5 (0x04): decoding, encoding, and one
//! version-neutral vocabulary above both.
//!
//! | module | what lives there |
//! |---|---|
//! | [`types`] | identifiers, port numbers, addresses |
//! | [`model`] | what everything above the wire speaks |
//! | [`codec`] | frames: cutting a byte stream by the header's length |
//! | [`message`] | one message with its version, transaction id and direction |
//! | `v10`, `v13` | the wire formats, one message family per file |
//! | [`error`] | what can be wrong with bytes, and what a version can't say |
//!
//! Nothing here needs a runtime or a clock. Bytes that are wrong are values ([`DecodeError`]), never panics;
//! bytes that are merely unknown are kept.
//!
//! Citations have one form: `OF 1.3.5 §7.4.1, ofp_packet_in`.

pub mod codec;
pub mod error;
mod hello;
mod json;
pub mod message;
pub mod model;
#[cfg(feature = "schema")]
mod schema;
pub mod types;
mod v10;
mod v13;
mod wire;

pub use codec::{Frame, FrameCodec};
pub use error::{DecodeError, FrameError, Unsupported};

/// The example of `README.md`, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
