//! Segments: ports of switches that something which speaks no OpenFlow joins to each other.
//!
//! What is broadcast into a segment comes out at all its other ports, and at hosts that are on it. Which port a frame for
//! one of its stations comes out at is what the bridges of the segment have learnt, so all that godwit sends there
//! on behalf of a station goes in by one port, the [nearest](Segments::nearest) to that station.

use std::collections::{BTreeMap, BTreeSet};

use godwit_openflow::types::DatapathId;

use crate::cost::Costs;
use crate::graph::Graph;
use crate::link::PortRef;
use crate::routing;

/// The segments of a network.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Segments {
    /// The lowest port of its segment, which names it, for each port.
    name: BTreeMap<PortRef, PortRef>,
    ports: BTreeMap<PortRef, BTreeSet<PortRef>>,
    nearest: BTreeMap<(PortRef, DatapathId), PortRef>,
}

impl Segments {
    /// The segments that the indirect links of a network make, in either direction. Paths to them avoid switches that are
    /// excluded.
    #[must_use]
    pub fn of(graph: &Graph, excluded: &BTreeSet<DatapathId>, costs: &Costs) -> Self {
        let mut segments = Self::default();
        for link in graph.indirect() {
            segments.join(link.src, link.dst);
        }
        let names: Vec<PortRef> = segments.ports.keys().copied().collect();
        for name in names {
            segments.measure(name, graph, excluded, costs);
        }
        segments
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ports.is_empty()
    }

    /// The ports of every segment.
    pub fn iter(&self) -> impl Iterator<Item = &BTreeSet<PortRef>> {
        self.ports.values()
    }

    /// The ports of the segment that this port is on.
    #[must_use]
    pub fn at(&self, port: PortRef) -> Option<&BTreeSet<PortRef>> {
        self.ports.get(self.name.get(&port)?)
    }

    /// Whether two ports are the same, or on one segment.
    #[must_use]
    pub fn same(&self, one: PortRef, other: PortRef) -> bool {
        let known = self.name.get(&one);
        one == other || known.is_some() && known == self.name.get(&other)
    }

    /// Of the ports of the segment that this port is on, the one from which the cheapest path leads to a switch, the lowest
    /// of several. The port itself where it is on no segment, or no path leads there.
    #[must_use]
    pub fn nearest(&self, port: PortRef, to: DatapathId) -> PortRef {
        let nearest = self.name.get(&port).map(|name| (*name, to));
        let nearest = nearest.and_then(|key| self.nearest.get(&key));
        nearest.copied().unwrap_or(port)
    }

    fn join(&mut self, one: PortRef, other: PortRef) {
        let of = |port| self.name.get(&port).copied().unwrap_or(port);
        let (low, high) = (of(one).min(of(other)), of(one).max(of(other)));
        let mut all = self.ports.remove(&high).unwrap_or_default();
        all.extend([one, other]);
        all.extend(self.ports.remove(&low).unwrap_or_default());
        for port in &all {
            self.name.insert(*port, low);
        }
        self.ports.insert(low, all);
    }

    fn measure(
        &mut self,
        name: PortRef,
        graph: &Graph,
        excluded: &BTreeSet<DatapathId>,
        costs: &Costs,
    ) {
        let mut best: BTreeMap<DatapathId, (u64, PortRef)> = BTreeMap::new();
        for port in self.ports.get(&name).into_iter().flatten() {
            let cost = |link: &crate::link::Link| costs.of(link, graph.is_indirect(link));
            let Ok(tree) = routing::tree_to_by(graph, port.dpid, excluded, cost) else {
                continue;
            };
            for dpid in graph.switches() {
                let Some(distance) = tree.distance_from(dpid) else {
                    continue;
                };
                let found = best.entry(dpid).or_insert((distance, *port));
                *found = (*found).min((distance, *port));
            }
        }
        let all = best.into_iter();
        self.nearest
            .extend(all.map(|(dpid, (_, port))| ((name, dpid), port)));
    }
}

#[cfg(test)]
mod tests;
