//! Random OpenFlow messages: proptest strategies for every message that a version can say.
//!
//! One place for the property tests of the wire formats, for the oracles that compare them with other implementations,
//! and for the seeds of the fuzzer.

#![allow(missing_docs, reason = "the strategies are named after what they make")]

pub mod common;
pub mod extension;
pub mod law;
pub mod seed;
pub mod v10;
pub mod v13;
pub mod workload;
