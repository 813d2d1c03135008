//! Drains of random networks, step by step, with the planner that the real ones have: whatever the order, no route is
//! ever without a way.
//!
//! Everything is random and depends on a seed alone, which a failure names. `GODWIT_SEED=n` begins with that seed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod network;
#[path = "../plans/random.rs"]
mod random;
mod steps;
