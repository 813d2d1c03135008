//! The network at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use godwit_openflow::types::{DatapathId, MacAddr, PortNo};

use crate::broadcast::BroadcastTree;
use crate::cost::Costs;
use crate::discovery::PortKind;
use crate::graph::Graph;
use crate::host::{Host, HostTracker};
use crate::latency::Latencies;
use crate::link::{Link, PortRef};
use crate::load::Loads;
use crate::metric::Metric;
use crate::path::{Path, PathError};
use crate::routing::{Constraints, NoPath, ShortestPathTree};
use crate::segment::Segments;
use crate::weighed::Weighed;

/// Why there is no path between two ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Their switches are not joined as asked.
    #[error(transparent)]
    NoPath(#[from] NoPath),
    /// The ports do not make ends of a path, because both are the same.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// The hosts of a snapshot.
#[derive(Debug, Default)]
pub(crate) struct HostTable {
    by_mac: BTreeMap<MacAddr, Host>,
    by_ip: BTreeMap<IpAddr, MacAddr>,
}

impl From<&HostTracker> for HostTable {
    fn from(tracker: &HostTracker) -> Self {
        Self {
            by_mac: tracker
                .hosts()
                .map(|host| (host.mac, host.clone()))
                .collect(),
            by_ip: tracker.addresses().collect(),
        }
    }
}

/// All that is known of the network at one revision. Never changes, cheap to keep.
///
/// Routing leaves out the switches that are excluded (drained); the listings show everything.
#[derive(Debug, Default)]
pub struct TopologySnapshot {
    pub(crate) revision: u64,
    pub(crate) graph: Arc<Graph>,
    pub(crate) hosts: Arc<HostTable>,
    pub(crate) ports: Arc<BTreeMap<PortRef, PortKind>>,
    pub(crate) excluded: Arc<BTreeSet<DatapathId>>,
    pub(crate) costs: Arc<Costs>,
    pub(crate) metric: Metric,
    pub(crate) latencies: Arc<Latencies>,
    pub(crate) loads: Arc<Loads>,
    pub(crate) segments: Arc<Segments>,
    pub(crate) broadcast: OnceLock<BroadcastTree>,
}

impl TopologySnapshot {
    /// A number that grows with every change of the network.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// All switches and links, excluded switches among them.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// All connected switches, by datapath id.
    pub fn switches(&self) -> impl Iterator<Item = DatapathId> + '_ {
        self.graph.switches()
    }

    /// All links, one per direction, by source.
    pub fn links(&self) -> impl Iterator<Item = Link> + '_ {
        self.graph.links()
    }

    /// The switches that routing leaves out.
    #[must_use]
    pub fn excluded(&self) -> &BTreeSet<DatapathId> {
        &self.excluded
    }

    /// What links are weighed by for all who ask for nothing else.
    #[must_use]
    pub const fn metric(&self) -> Metric {
        self.metric
    }

    /// What a link costs.
    #[must_use]
    pub fn cost(&self, link: &Link) -> u64 {
        self.by(self.metric).cost(link)
    }

    /// What a path costs: the sum over its links.
    #[must_use]
    pub fn cost_of(&self, path: &Path) -> u64 {
        self.by(self.metric).cost_of(path)
    }

    /// What packets take to cross a link in this direction; none where it isn't known. It may be newer in a later
    /// snapshot of the same revision.
    #[must_use]
    pub fn latency(&self, link: &Link) -> Option<Duration> {
        self.latencies.of(link)
    }

    /// Ports that bridges join to each other.
    #[must_use]
    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    /// The ports by which a broadcast may be sent from switch to switch.
    #[must_use]
    pub fn broadcast_tree(&self) -> &BroadcastTree {
        self.broadcast.get_or_init(|| {
            BroadcastTree::of(&self.graph, &self.segments, &self.excluded, &self.costs)
        })
    }

    /// The ports by which a broadcast from a station at this port reaches all other stations, each once: the edge ports,
    /// and one port of each segment but its own.
    pub fn broadcast_from(&self, port: PortRef) -> impl Iterator<Item = PortRef> + '_ {
        let segments = self.segments.iter().filter_map(|ports| ports.first());
        let segments = segments.map(move |any| self.segments.nearest(*any, port.dpid));
        self.edge_ports()
            .chain(segments)
            .filter(move |other| !self.segments.same(*other, port))
    }

    /// All hosts, by Ethernet address, also those whose port is away at present.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> + '_ {
        self.hosts.by_mac.values()
    }

    /// The host with this Ethernet address.
    #[must_use]
    pub fn host_by_mac(&self, mac: MacAddr) -> Option<&Host> {
        self.hosts.by_mac.get(&mac)
    }

    /// The host that has this IP address.
    #[must_use]
    pub fn host_by_ip(&self, ip: IpAddr) -> Option<&Host> {
        self.hosts
            .by_ip
            .get(&ip)
            .and_then(|mac| self.host_by_mac(*mac))
    }

    /// The hosts that hang on a switch, by Ethernet address.
    pub fn hosts_on(&self, dpid: DatapathId) -> impl Iterator<Item = &Host> + '_ {
        self.hosts()
            .filter(move |host| host.attachment.dpid == dpid)
    }

    /// What a port is known to be.
    #[must_use]
    pub fn kind(&self, port: PortRef) -> PortKind {
        self.ports.get(&port).copied().unwrap_or(PortKind::Unknown)
    }

    /// The ports where hosts may be: up, probed for long enough, and no link found.
    pub fn edge_ports(&self) -> impl Iterator<Item = PortRef> + '_ {
        edges(self.ports.iter())
    }

    /// The edge ports of one switch.
    pub fn edge_ports_of(&self, dpid: DatapathId) -> impl Iterator<Item = PortRef> + '_ {
        let all = PortRef::new(dpid, PortNo(0))..=PortRef::new(dpid, PortNo(u32::MAX));
        edges(self.ports.range(all))
    }

    /// The same network, with links weighed by this metric.
    #[must_use]
    pub const fn by(&self, metric: Metric) -> Weighed<'_> {
        Weighed::new(self, metric)
    }

    /// The same network, with links weighed by what was asked for, else as they are for all who ask for nothing.
    #[must_use]
    pub fn by_asked(&self, asked: Option<Metric>) -> Weighed<'_> {
        self.by(asked.unwrap_or(self.metric))
    }

    /// The shortest path between two switches; see [`Weighed::shortest_path`].
    ///
    /// # Errors
    /// See [`NoPath`].
    pub fn shortest_path(
        &self,
        from: DatapathId,
        to: DatapathId,
        constraints: &Constraints,
    ) -> Result<Vec<Link>, NoPath> {
        self.by(self.metric).shortest_path(from, to, constraints)
    }

    /// The shortest paths from everywhere to one switch; see [`Weighed::tree_to`].
    ///
    /// # Errors
    /// See [`NoPath`].
    pub fn tree_to(
        &self,
        to: DatapathId,
        avoid: &BTreeSet<DatapathId>,
    ) -> Result<ShortestPathTree, NoPath> {
        self.by(self.metric).tree_to(to, avoid)
    }

    /// The shortest path between two ports.
    ///
    /// # Errors
    /// See [`RouteError`].
    pub fn path(
        &self,
        from: PortRef,
        to: PortRef,
        constraints: &Constraints,
    ) -> Result<Path, RouteError> {
        self.by(self.metric).path(from, to, constraints)
    }

    /// The best `k` paths between two ports, shortest first.
    ///
    /// # Errors
    /// See [`RouteError`].
    pub fn paths(
        &self,
        from: PortRef,
        to: PortRef,
        k: usize,
        constraints: &Constraints,
    ) -> Result<Vec<Path>, RouteError> {
        self.by(self.metric).paths(from, to, k, constraints)
    }
}

fn edges<'a>(
    ports: impl Iterator<Item = (&'a PortRef, &'a PortKind)>,
) -> impl Iterator<Item = PortRef> {
    ports
        .filter(|(_, kind)| **kind == PortKind::Edge)
        .map(|(port, _)| *port)
}
