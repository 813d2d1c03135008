//! The switches and the links between them.
//!
//! A multigraph: two switches may be joined by any number of cables. A link is *usable* once both of its
//! directions are known, since a route needs its way back. petgraph holds the adjacency and is seen nowhere
//! else; the maps beside it answer by datapath id and port, and give every listing a fixed order.

use std::collections::BTreeMap;

use godwit_openflow::types::DatapathId;
use petgraph::Direction;
use petgraph::stable_graph::{EdgeIndex, NodeIndex, StableDiGraph};

use crate::link::{Link, PortRef};

/// Switches and directed links. At most one link leaves a port, and at most one arrives at it.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    inner: StableDiGraph<DatapathId, Link>,
    nodes: BTreeMap<DatapathId, NodeIndex>,
    leaving: BTreeMap<PortRef, EdgeIndex>,
    arriving: BTreeMap<PortRef, EdgeIndex>,
}

impl Graph {
    /// A graph without switches.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a switch; false if it was there already.
    pub fn add_switch(&mut self, dpid: DatapathId) -> bool {
        if self.nodes.contains_key(&dpid) {
            return false;
        }
        let node = self.inner.add_node(dpid);
        self.nodes.insert(dpid, node);
        true
    }

    /// Removes a switch, and returns the links that went with it, in order.
    pub fn remove_switch(&mut self, dpid: DatapathId) -> Vec<Link> {
        let gone: Vec<Link> = self
            .links()
            .filter(|link| link.src.dpid == dpid || link.dst.dpid == dpid)
            .collect();
        for link in &gone {
            self.remove_link(link);
        }
        if let Some(node) = self.nodes.remove(&dpid) {
            self.inner.remove_node(node);
        }
        gone
    }

    /// Adds a link, and its switches where they are new. Returns the links that it displaces: another one
    /// that left the same port, another one that arrived at the same port.
    pub fn add_link(&mut self, link: Link) -> Vec<Link> {
        if self.contains_link(&link) {
            return Vec::new();
        }
        let displaced: Vec<Link> = [self.link_from(link.src), self.link_to(link.dst)]
            .into_iter()
            .flatten()
            .collect();
        for old in &displaced {
            self.remove_link(old);
        }
        let (src, dst) = (self.node(link.src.dpid), self.node(link.dst.dpid));
        let edge = self.inner.add_edge(src, dst, link);
        self.leaving.insert(link.src, edge);
        self.arriving.insert(link.dst, edge);
        displaced
    }

    /// Removes a link; false if it was not there.
    pub fn remove_link(&mut self, link: &Link) -> bool {
        if !self.contains_link(link) {
            return false;
        }
        self.arriving.remove(&link.dst);
        if let Some(edge) = self.leaving.remove(&link.src) {
            self.inner.remove_edge(edge);
        }
        true
    }

    /// Whether the switch is known.
    #[must_use]
    pub fn contains_switch(&self, dpid: DatapathId) -> bool {
        self.nodes.contains_key(&dpid)
    }

    /// Whether this direction of the link is known.
    #[must_use]
    pub fn contains_link(&self, link: &Link) -> bool {
        self.link_from(link.src)
            .is_some_and(|known| known.dst == link.dst)
    }

    /// Whether both directions of the link are known, so that routes may use it.
    #[must_use]
    pub fn is_usable(&self, link: &Link) -> bool {
        self.contains_link(link) && self.contains_link(&link.reversed())
    }

    /// The link that leaves this port.
    #[must_use]
    pub fn link_from(&self, src: PortRef) -> Option<Link> {
        self.leaving
            .get(&src)
            .and_then(|edge| self.inner.edge_weight(*edge))
            .copied()
    }

    /// The link that arrives at this port.
    #[must_use]
    pub fn link_to(&self, dst: PortRef) -> Option<Link> {
        self.arriving
            .get(&dst)
            .and_then(|edge| self.inner.edge_weight(*edge))
            .copied()
    }

    /// All switches, by datapath id.
    pub fn switches(&self) -> impl Iterator<Item = DatapathId> + '_ {
        self.nodes.keys().copied()
    }

    /// All links, one per direction, by source.
    pub fn links(&self) -> impl Iterator<Item = Link> + '_ {
        self.leaving
            .values()
            .filter_map(|edge| self.inner.edge_weight(*edge))
            .copied()
    }

    /// The usable links that leave a switch, in no particular order.
    pub fn usable_from(&self, dpid: DatapathId) -> impl Iterator<Item = Link> + '_ {
        self.usable(dpid, Direction::Outgoing)
    }

    /// The usable links that arrive at a switch, in no particular order.
    pub fn usable_to(&self, dpid: DatapathId) -> impl Iterator<Item = Link> + '_ {
        self.usable(dpid, Direction::Incoming)
    }

    /// How many switches there are.
    #[must_use]
    pub fn switch_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many links there are, each direction counted.
    #[must_use]
    pub fn link_count(&self) -> usize {
        self.leaving.len()
    }

    fn usable(&self, dpid: DatapathId, direction: Direction) -> impl Iterator<Item = Link> + '_ {
        self.nodes
            .get(&dpid)
            .into_iter()
            .flat_map(move |node| self.inner.edges_directed(*node, direction))
            .map(|edge| *edge.weight())
            .filter(|link| self.contains_link(&link.reversed()))
    }

    fn node(&mut self, dpid: DatapathId) -> NodeIndex {
        *self
            .nodes
            .entry(dpid)
            .or_insert_with(|| self.inner.add_node(dpid))
    }
}

#[cfg(test)]
mod tests;
