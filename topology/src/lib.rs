//! The network as a graph: where the switches are joined, where the hosts are, and how to get from one to
//! another.
//!
//! | module | what lives there |
//! |---|---|
//! | [`topology`] | the façade: what happened goes in, [`TopologyChange`]s and snapshots come out |
//! | [`snapshot`] | the network at one moment, immutable |
//! | [`discovery`] | LLDP probes and what follows from them |
//! | [`host`] | hosts, where they are attached, how they move |
//! | [`graph`], [`link`] | switches, ports, links |
//! | [`segment`], [`broadcast`] | ports that bridges join; how a broadcast comes everywhere once |
//! | [`cost`], [`timing`] | what links cost; how soon what is silent is given up |
//! | [`metric`], [`latency`], [`load`], [`weighed`] | what makes a path short: hops, time, room |
//! | [`routing`], [`path`] | shortest paths, waypoints, the k best; paths that cannot loop |
//! | [`spread`] | several paths of equal cost at once |
//! | [`packet`] | as much of a packet as that takes |
//!
//! Nothing here does I/O or reads a clock: time comes in as an argument, frames to be sent go out as values.

pub mod broadcast;
pub mod change;
pub mod cost;
pub mod discovery;
pub mod graph;
pub mod host;
pub mod latency;
pub mod link;
pub mod load;
pub mod metric;
pub mod packet;
pub mod path;
pub mod routing;
mod schedule;
pub mod segment;
pub mod snapshot;
pub mod spread;
pub mod timing;
pub mod topology;
pub mod weighed;

pub use broadcast::BroadcastTree;
pub use change::TopologyChange;
pub use cost::Costs;
pub use discovery::{Alarm, AlarmReason, LldpVerdict, PortKind, Probe, RunKey};
pub use graph::Graph;
pub use host::{Host, Question, Sender};
pub use latency::Latencies;
pub use link::{Link, PortRef};
pub use load::Loads;
pub use metric::Metric;
pub use packet::ParsedPacket;
pub use path::{Hop, Path, PathError};
pub use routing::{Constraints, NoPath, ShortestPathTree};
pub use segment::Segments;
pub use snapshot::{RouteError, TopologySnapshot};
pub use spread::Spread;
pub use timing::Timing;
pub use topology::{Poll, Topology};
pub use weighed::Weighed;
