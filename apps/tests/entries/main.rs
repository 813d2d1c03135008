//! Static entries on switches that keep flow tables: made, held, moved, ended, and taken up by the next run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod asking;
mod audited;
mod bench;
#[path = "../lab/flow_table.rs"]
#[allow(dead_code, reason = "the fabric of other tests needs more of it")]
mod flow_table;
mod held;
mod held_again;
mod life;
mod moved;
#[allow(dead_code, reason = "the tests of other apps need more of it")]
mod switch;
