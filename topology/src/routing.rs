//! Shortest paths over the usable links of a [`Graph`].
//!
//! Every answer depends on the network alone, not on the order in which it was discovered: among paths of
//! equal cost the one wins whose next switch has the lowest datapath id, and among parallel links the one
//! with the lowest port, hop after hop from the start.
//!
//! | question | function |
//! |---|---|
//! | one path, avoiding and passing through given switches | [`shortest_path`] |
//! | paths from many switches to one | [`tree_to`], once per distinct end |
//! | the k best paths | [`k_shortest_paths`] |

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use godwit_openflow::types::{DatapathId, PortNo};

use crate::graph::Graph;
use crate::link::Link;

mod via;
mod yen;

pub use yen::{k_shortest_paths, k_shortest_paths_by};

/// What a path must keep to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraints {
    /// Switches that the path must not touch.
    pub avoid: BTreeSet<DatapathId>,
    /// Switches that it must pass through, in this order.
    pub via: Vec<DatapathId>,
}

/// Why there is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPath {
    /// A switch that the question names is not in the network.
    #[error("switch {0} is not known")]
    UnknownSwitch(DatapathId),
    /// The path would have to start at, end at or pass through a switch that it must avoid.
    #[error("switch {0} is to be avoided, but the path would have to use it")]
    Avoided(DatapathId),
    /// No chain of usable links joins the two.
    #[error("no usable path leads from switch {from} to switch {to}")]
    Disconnected {
        /// Where the path would start.
        from: DatapathId,
        /// Where it would end.
        to: DatapathId,
    },
    /// Every way through the waypoints would visit some switch twice.
    #[error(
        "no loop-free path leads from switch {from} to switch {to} through {}",
        list(via)
    )]
    NoLoopFreePathVia {
        /// Where the path would start.
        from: DatapathId,
        /// Where it would end.
        to: DatapathId,
        /// The waypoints.
        via: Vec<DatapathId>,
    },
}

/// The shortest path between two switches, each link counting one. Between a switch and itself: no links.
///
/// With one waypoint the answer is exact: the shortest of all loop-free paths through it. With several, the
/// stretches are put together one by one with a bounded search, which may miss a path on rare networks
/// but never returns one that visits a switch twice.
///
/// # Errors
/// See [`NoPath`].
pub fn shortest_path(
    graph: &Graph,
    from: DatapathId,
    to: DatapathId,
    constraints: &Constraints,
) -> Result<Vec<Link>, NoPath> {
    shortest_path_by(graph, from, to, constraints, |_| 1)
}

/// Like [`shortest_path`] with a cost for each link; 0 counts as 1.
///
/// With waypoints the cost of a link must be the same in both directions.
///
/// # Errors
/// See [`NoPath`].
pub fn shortest_path_by(
    graph: &Graph,
    from: DatapathId,
    to: DatapathId,
    constraints: &Constraints,
    cost: impl Fn(&Link) -> u64,
) -> Result<Vec<Link>, NoPath> {
    check_ends(graph, [from, to], &constraints.avoid)?;
    let via = via::waypoints(graph, from, to, constraints)?;
    if via.is_empty() {
        let allowed = |link: &Link| !constraints.avoid.contains(&link.src.dpid);
        return search(graph, to, allowed, &cost)
            .path_from(from)
            .ok_or(NoPath::Disconnected { from, to });
    }
    via::path_through(graph, from, to, &via, &constraints.avoid, &cost)
}

/// For every switch its shortest path to one end: a single search that serves any number of flows.
#[derive(Debug, Clone)]
pub struct ShortestPathTree {
    to: DatapathId,
    distance: BTreeMap<DatapathId, u64>,
    next: BTreeMap<DatapathId, Link>,
}

impl ShortestPathTree {
    /// The end that all its paths lead to.
    #[must_use]
    pub const fn to(&self) -> DatapathId {
        self.to
    }

    /// The cost of the path from this switch; none where no path leads from it.
    #[must_use]
    pub fn distance_from(&self, from: DatapathId) -> Option<u64> {
        self.distance.get(&from).copied()
    }

    /// The first link of the path from this switch; none at the end itself, or where no path leads from it.
    #[must_use]
    pub fn next_from(&self, from: DatapathId) -> Option<Link> {
        self.next.get(&from).copied()
    }

    /// The path from this switch, the same that [`shortest_path`] gives; none where there is none.
    #[must_use]
    pub fn path_from(&self, from: DatapathId) -> Option<Vec<Link>> {
        self.distance.get(&from)?;
        let mut links = Vec::new();
        let mut here = from;
        while let Some(link) = self.next.get(&here) {
            links.push(*link);
            here = link.dst.dpid;
        }
        Some(links)
    }
}

/// The shortest paths from everywhere to `to`, each link counting one.
///
/// # Errors
/// [`NoPath::UnknownSwitch`] and [`NoPath::Avoided`], of `to`.
pub fn tree_to(
    graph: &Graph,
    to: DatapathId,
    avoid: &BTreeSet<DatapathId>,
) -> Result<ShortestPathTree, NoPath> {
    tree_to_by(graph, to, avoid, |_| 1)
}

/// Like [`tree_to`] with a cost for each link; 0 counts as 1.
///
/// # Errors
/// [`NoPath::UnknownSwitch`] and [`NoPath::Avoided`], of `to`.
pub fn tree_to_by(
    graph: &Graph,
    to: DatapathId,
    avoid: &BTreeSet<DatapathId>,
    cost: impl Fn(&Link) -> u64,
) -> Result<ShortestPathTree, NoPath> {
    check_ends(graph, [to], avoid)?;
    Ok(search(
        graph,
        to,
        |link| !avoid.contains(&link.src.dpid),
        &cost,
    ))
}

/// What a link costs.
type Cost<'a> = &'a dyn Fn(&Link) -> u64;

/// Dijkstra from the end backwards over the links that `allowed` lets through.
fn search(
    graph: &Graph,
    to: DatapathId,
    allowed: impl Fn(&Link) -> bool,
    cost: Cost<'_>,
) -> ShortestPathTree {
    let mut distance = BTreeMap::from([(to, 0_u64)]);
    let mut next: BTreeMap<DatapathId, Link> = BTreeMap::new();
    let mut settled = BTreeSet::new();
    let mut queue = BinaryHeap::from([Reverse((0_u64, to))]);
    while let Some(Reverse((so_far, here))) = queue.pop() {
        if !settled.insert(here) {
            continue;
        }
        for link in graph.ways_to(here).filter(|link| allowed(link)) {
            let before = link.src.dpid;
            if settled.contains(&before) {
                continue;
            }
            let total = so_far.saturating_add(cost(&link).max(1));
            let known = distance.get(&before).copied();
            let wins_tie = || {
                next.get(&before)
                    .is_some_and(|other| tie(&link) < tie(other))
            };
            if known.is_none_or(|known| total < known) {
                distance.insert(before, total);
                queue.push(Reverse((total, before)));
                next.insert(before, link);
            } else if known == Some(total) && wins_tie() {
                next.insert(before, link);
            }
        }
    }
    ShortestPathTree { to, distance, next }
}

/// What decides between links of equal cost that leave the same switch.
pub(crate) fn tie(link: &Link) -> (DatapathId, PortNo) {
    (link.dst.dpid, link.src.port)
}

fn check_ends(
    graph: &Graph,
    ends: impl IntoIterator<Item = DatapathId>,
    avoid: &BTreeSet<DatapathId>,
) -> Result<(), NoPath> {
    for end in ends {
        if !graph.contains_switch(end) {
            return Err(NoPath::UnknownSwitch(end));
        }
        if avoid.contains(&end) {
            return Err(NoPath::Avoided(end));
        }
    }
    Ok(())
}

fn list(switches: &[DatapathId]) -> String {
    switches
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests;
