//! Connections against a scripted switch: over memory, and over loopback where sockets matter.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod apply;
mod attacks;
mod bench;
mod bundles;
mod duplicates;
mod fake_switch;
mod handshake;
mod hostile_bytes;
mod isolation;
mod server;
