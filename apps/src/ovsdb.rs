//! Open vSwitch's database (OVSDB, RFC 7047), for what OpenFlow can't say: queues and mirrors are made there.
//!
//! | file | what it does |
//! |---|---|
//! | `client` | transactions |
//! | `databases` | which database has a switch, and whether Open vSwitch has done what it says |
//! | `values` | how rows are written |

mod client;
mod databases;
pub(crate) mod values;

pub use client::{Address, Error};
pub use databases::Databases;
