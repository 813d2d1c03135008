//! Apps as the controller hosts them, and the access list and the ARP proxy among them, on switches that keep flow tables.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod access;
#[path = "../entries/asking.rs"]
mod asking;
mod bench;
#[path = "../lab/flow_table.rs"]
#[allow(dead_code, reason = "the fabric of other tests needs more of it")]
mod flow_table;
mod life;
mod probe;
#[path = "../entries/switch.rs"]
#[allow(dead_code, reason = "the tests of static entries need more of it")]
mod switch;
#[path = "../../examples/tripwire.rs"]
#[allow(dead_code, unreachable_pub, reason = "the example is a program, too")]
mod tripwire;
mod written_by_the_guide;
