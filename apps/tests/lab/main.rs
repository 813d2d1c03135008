//! Routes and migrations on switches that keep flow tables as OpenFlow has them and go wrong when a test says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod audit;
mod bench;
mod conditional;
mod crash;
mod evictions;
mod expiry;
mod fabric;
mod faults;
mod flow_table;
mod held;
mod keys;
mod life;
mod openapi;
mod others;
mod rest;
mod revert;
mod smoke;
mod statistics;
