//! Plans of migrations on networks of emulated switches: after every single change, in whatever order the switches
//! act, a packet of every flow is followed through tables that were changed by the very messages of the plan.
//!
//! Everything is random and depends on a seed alone, which a failure names. `GODWIT_SEED=n` begins with that seed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod backs;
mod case;
mod emulated;
mod faulty;
#[path = "../lab/flow_table.rs"]
#[allow(dead_code, reason = "nothing expires or grows older here")]
mod flow_table;
mod forged;
mod grafts;
mod pipeline;
mod random;
mod scene;
mod sound;
mod walk;
mod wiring;
