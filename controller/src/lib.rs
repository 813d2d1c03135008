//! The controller's core: connections, sessions, rules, the keeper of the topology, REST, and the
//! trait that control apps implement.
//!
//! ```text
//!  switch ── reader task ──► dispatcher (one per switch, in order) ──► apps (a thread each) ──► Commands
//!    ▲            │                     │                                                         │
//!    │        replies                   │ observations (16,384)                                   │
//!    │            ▼                     ▼                                                         │
//!    │       SwitchHandle        topology keeper (1) ──► snapshot, events ──► apps                │
//!    └── writer task ◄── bytes (bounded) ◄── rounds: one write and one barrier ◄──────────────────┘
//! ```
//!
//! No switch waits for another or for an app: the picture of the network is an immutable snapshot, and what an app is
//! too slow for is dropped and counted.

pub mod app;
mod audit;
pub mod carried;
pub mod connection;
pub mod controller;
mod dispatch;
pub mod event;
mod event_log;
pub mod held;
mod hosting;
pub mod limits;
mod metrics;
pub mod network;
pub mod rest;
mod round_trips;
pub mod rules;
pub mod store;
pub mod sweep;
pub mod switch;
mod topology;

pub use app::{App, Commands, Declaration, Desired, HeldStill, Packet, Verdict, View};
pub use audit::{CookieMask, RulesSettings};
pub use controller::{Controller, ControllerConfig, StartError};
pub use event::Event;
pub use metrics::{Metrics, write_metric};
pub use network::{Network, ReadError, SwitchState};
pub use rules::{Owner, Round, RoundError};
pub use store::{Batch, Slice, Store, StoreError};
pub use topology::TopologySettings;
