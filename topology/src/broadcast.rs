//! The ports by which a broadcast may be sent on so that it comes everywhere once.

use std::collections::{BTreeMap, BTreeSet};

use godwit_openflow::types::{DatapathId, PortNo};

use crate::cost::Costs;
use crate::graph::Graph;
use crate::link::{Link, PortRef};
use crate::segment::Segments;

/// A spanning tree, or one for each part of a network that isn't joined, over switches and segments.
///
/// A segment is one place however many switches are on it: a switch that can be reached without it, or a second port of
/// one switch, takes no part in it. Links of which one direction is known are left out. Among trees of equal cost the one
/// is taken that has the lowest ports, so the answer depends on the network alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BroadcastTree {
    ports: BTreeSet<PortRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Switch(DatapathId),
    Segment(PortRef),
}

impl BroadcastTree {
    /// The tree of a network, without the switches that are excluded.
    #[must_use]
    pub fn of(
        graph: &Graph,
        segments: &Segments,
        excluded: &BTreeSet<DatapathId>,
        costs: &Costs,
    ) -> Self {
        let mut edges = Vec::new();
        for link in graph.links() {
            if link.src < link.dst && graph.is_usable(&link) && !graph.is_indirect(&link) {
                let ends = [link.src, link.dst].map(|end| Place::Switch(end.dpid));
                edges.push((costs.of(&link, false), [link.src, link.dst], ends));
            }
        }
        for ports in segments.iter() {
            let Some(name) = ports.first() else { continue };
            for port in ports {
                // A link to another port of the segment says what the way into it costs.
                let links = graph.indirect_from(*port).chain(graph.indirect_to(*port));
                let cost = links.map(|link: Link| costs.of(&link, true)).min();
                let ends = [Place::Switch(port.dpid), Place::Segment(*name)];
                edges.push((cost.unwrap_or(1), [*port, *port], ends));
            }
        }
        edges.retain(|(_, ports, _)| ports.iter().all(|port| !excluded.contains(&port.dpid)));
        edges.sort_unstable();
        let mut joined = Joined::default();
        let mut tree = Self::default();
        for (_, ports, [one, other]) in edges {
            if joined.join(one, other) {
                tree.ports.extend(ports);
            }
        }
        tree
    }

    /// Whether a broadcast may be sent out of this port to another switch or into a segment, and be taken from there.
    #[must_use]
    pub fn contains(&self, port: PortRef) -> bool {
        self.ports.contains(&port)
    }

    /// The ports of a switch that lead on in the tree.
    pub fn ports_of(&self, dpid: DatapathId) -> impl Iterator<Item = PortRef> + '_ {
        let all = PortRef::new(dpid, PortNo(0))..=PortRef::new(dpid, PortNo(u32::MAX));
        self.ports.range(all).copied()
    }
}

/// Which places hang together.
#[derive(Default)]
struct Joined(BTreeMap<Place, Place>);

impl Joined {
    /// Joins what two places hang together with; false if that was one already.
    fn join(&mut self, one: Place, other: Place) -> bool {
        let (one, other) = (self.root(one), self.root(other));
        self.0.insert(one, other);
        one != other
    }

    fn root(&mut self, place: Place) -> Place {
        let mut root = place;
        while let Some(next) = self.0.get(&root).filter(|next| **next != root) {
            root = *next;
        }
        self.0.insert(place, root);
        root
    }
}

#[cfg(test)]
mod tests;
