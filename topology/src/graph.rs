//! The switches and the links between them.
//!
//! A multigraph: two switches may be joined by any number of cables. A link is *usable* once both of its
//! directions are known, since a route needs its way back. petgraph holds the adjacency and is seen nowhere
//! else; the maps beside it answer by datapath id and port, and give every listing a fixed order.
//!
//! A link is *indirect* when something that speaks no OpenFlow stands between its ends, as a bridge does. Several
//! of them may begin at one port. Whoever asks for the cable at a port, or for neighbours, is told of cables alone;
//! the searches for paths use both.

use std::collections::{BTreeMap, BTreeSet};

use godwit_openflow::types::DatapathId;
use petgraph::Direction;
use petgraph::stable_graph::{EdgeIndex, NodeIndex, StableDiGraph};

use crate::link::{Link, PortRef};

/// Switches and directed links. At most one cable leaves a port, and at most one arrives at it.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    inner: StableDiGraph<DatapathId, Link>,
    nodes: BTreeMap<DatapathId, NodeIndex>,
    leaving: BTreeMap<PortRef, EdgeIndex>,
    arriving: BTreeMap<PortRef, EdgeIndex>,
    indirect: BTreeMap<Link, EdgeIndex>,
    /// The same, by the port where they arrive.
    indirect_to: BTreeSet<(PortRef, PortRef)>,
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

    /// Adds an indirect link, and its switches where they are new; false if a link between its ends is known in
    /// this direction. Displaces nothing.
    pub fn add_indirect(&mut self, link: Link) -> bool {
        if self.contains_link(&link) {
            return false;
        }
        let (src, dst) = (self.node(link.src.dpid), self.node(link.dst.dpid));
        let edge = self.inner.add_edge(src, dst, link);
        self.indirect.insert(link, edge);
        self.indirect_to.insert((link.dst, link.src));
        true
    }

    /// Removes a link; false if it was not there.
    pub fn remove_link(&mut self, link: &Link) -> bool {
        if let Some(edge) = self.indirect.remove(link) {
            self.indirect_to.remove(&(link.dst, link.src));
            self.inner.remove_edge(edge);
            return true;
        }
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
        let direct = self.link_from(link.src);
        direct.is_some_and(|known| known.dst == link.dst) || self.is_indirect(link)
    }

    /// Whether this direction of the link is known, and something stands between its ends.
    #[must_use]
    pub fn is_indirect(&self, link: &Link) -> bool {
        self.indirect.contains_key(link)
    }

    /// Whether a cable to a switch is at this port, as far as is known in either direction.
    #[must_use]
    pub fn has_cable(&self, port: PortRef) -> bool {
        self.leaving.contains_key(&port) || self.arriving.contains_key(&port)
    }

    /// The indirect links, by source.
    pub fn indirect(&self) -> impl Iterator<Item = Link> + '_ {
        self.indirect.keys().copied()
    }

    /// The indirect links that leave this port.
    pub fn indirect_from(&self, src: PortRef) -> impl Iterator<Item = Link> + '_ {
        let all = Link {
            src,
            dst: PortRef::FIRST,
        }..=Link {
            src,
            dst: PortRef::LAST,
        };
        self.indirect.range(all).map(|(link, _)| *link)
    }

    /// The indirect links that arrive at this port.
    pub fn indirect_to(&self, dst: PortRef) -> impl Iterator<Item = Link> + '_ {
        let all = (dst, PortRef::FIRST)..=(dst, PortRef::LAST);
        let links = self.indirect_to.range(all);
        links.map(|(dst, src)| Link {
            src: *src,
            dst: *dst,
        })
    }

    /// Whether both directions of the link are known, so that routes may use it.
    #[must_use]
    pub fn is_usable(&self, link: &Link) -> bool {
        self.contains_link(link) && self.contains_link(&link.reversed())
    }

    /// The cable that leaves this port.
    #[must_use]
    pub fn link_from(&self, src: PortRef) -> Option<Link> {
        self.leaving
            .get(&src)
            .and_then(|edge| self.inner.edge_weight(*edge))
            .copied()
    }

    /// The cable that arrives at this port.
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
        let cables = self.leaving.values();
        let cables = cables.filter_map(|edge| self.inner.edge_weight(*edge));
        let mut all: Vec<Link> = cables.chain(self.indirect.keys()).copied().collect();
        // Two ascending runs, so this is one pass.
        all.sort();
        all.into_iter()
    }

    /// The usable cables that leave a switch, in no particular order.
    pub fn usable_from(&self, dpid: DatapathId) -> impl Iterator<Item = Link> + '_ {
        self.ways(dpid, Direction::Outgoing)
            .filter(|link| !self.is_indirect(link))
    }

    /// The usable links that arrive at a switch, indirect ones among them, in no particular order.
    pub fn ways_to(&self, dpid: DatapathId) -> impl Iterator<Item = Link> + '_ {
        self.ways(dpid, Direction::Incoming)
    }

    /// How many switches there are.
    #[must_use]
    pub fn switch_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many links there are, each direction counted.
    #[must_use]
    pub fn link_count(&self) -> usize {
        self.leaving.len() + self.indirect.len()
    }

    fn ways(&self, dpid: DatapathId, direction: Direction) -> impl Iterator<Item = Link> + '_ {
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
