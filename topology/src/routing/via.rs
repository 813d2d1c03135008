//! Paths through waypoints.
//!
//! A loop-free path from A through W to B is a pair of paths from W, one to A and one to B, that share no
//! switch but W. The cheapest such pair is a flow of two units from W at minimum cost, when every switch
//! lets one unit through: two augmentations on the network with each switch split into an entry and an exit.

use std::collections::{BTreeMap, BTreeSet};

use godwit_openflow::types::DatapathId;

use super::yen::Candidates;
use super::{Constraints, Cost, NoPath, check_ends, search, tie};
use crate::graph::Graph;
use crate::link::Link;

/// How many stretches between waypoints are searched before giving up: each costs one search of the network,
/// and without a bound the choices multiply with every waypoint.
const STRETCH_BUDGET: usize = 200;
/// How many ways to reach each further waypoint are tried.
const CHOICES_PER_STRETCH: usize = 4;

/// The waypoints that ask for anything: those that are the path's own ends in their place are left out.
pub(super) fn waypoints(
    graph: &Graph,
    from: DatapathId,
    to: DatapathId,
    constraints: &Constraints,
) -> Result<Vec<DatapathId>, NoPath> {
    check_ends(graph, constraints.via.iter().copied(), &constraints.avoid)?;
    let mut via = constraints.via.clone();
    via.dedup();
    if via.first() == Some(&from) {
        via.remove(0);
    }
    if via.last() == Some(&to) {
        via.pop();
    }
    let distinct: BTreeSet<_> = via.iter().chain([&from, &to]).collect();
    if !via.is_empty() && distinct.len() != via.len() + 2 {
        return Err(NoPath::NoLoopFreePathVia {
            from,
            to,
            via: constraints.via.clone(),
        });
    }
    Ok(via)
}

/// The path from `from` to `to` through all of `via` in order. The waypoints are distinct and none is an end.
pub(super) fn path_through(
    graph: &Graph,
    from: DatapathId,
    to: DatapathId,
    via: &[DatapathId],
    avoid: &BTreeSet<DatapathId>,
    cost: Cost<'_>,
) -> Result<Vec<Link>, NoPath> {
    let blocked = || NoPath::NoLoopFreePathVia {
        from,
        to,
        via: via.to_vec(),
    };
    for stop in via.iter().chain([&to]) {
        if search(graph, *stop, |link| !avoid.contains(&link.src.dpid), cost)
            .path_from(from)
            .is_none()
        {
            return Err(NoPath::Disconnected { from, to: *stop });
        }
    }
    let mut stretches = Stretches {
        graph,
        to,
        cost,
        budget: STRETCH_BUDGET,
    };
    stretches.walk(from, via, avoid).ok_or_else(blocked)
}

/// Puts a path together from waypoint to waypoint, going back on a choice that leads nowhere.
struct Stretches<'a> {
    graph: &'a Graph,
    to: DatapathId,
    cost: Cost<'a>,
    budget: usize,
}

impl Stretches<'_> {
    /// A path from `here` through the rest of the waypoints to the end that avoids the `used` switches.
    fn walk(
        &mut self,
        here: DatapathId,
        via: &[DatapathId],
        used: &BTreeSet<DatapathId>,
    ) -> Option<Vec<Link>> {
        let (stop, rest) = match via {
            [] => return None,
            [only] => {
                self.budget = self.budget.checked_sub(1)?;
                return disjoint_pair(self.graph, here, *only, self.to, used, self.cost);
            }
            [stop, rest @ ..] => (*stop, rest),
        };
        let mut avoid = used.clone();
        avoid.extend(rest);
        avoid.insert(self.to);
        for stretch in
            Candidates::new(self.graph, here, stop, &avoid, self.cost).take(CHOICES_PER_STRETCH)
        {
            self.budget = self.budget.checked_sub(1)?;
            let mut used = used.clone();
            used.extend(stretch.iter().map(|link| link.src.dpid));
            if let Some(onward) = self.walk(stop, rest, &used) {
                return Some([stretch, onward].concat());
            }
        }
        None
    }
}

/// The cheapest loop-free path from `from` through `waypoint` to `to`.
fn disjoint_pair(
    graph: &Graph,
    from: DatapathId,
    waypoint: DatapathId,
    to: DatapathId,
    avoid: &BTreeSet<DatapathId>,
    cost: Cost<'_>,
) -> Option<Vec<Link>> {
    if from == to {
        return None;
    }
    let best = best_links(graph, avoid, cost);
    let mut flow = Flow::new(graph, &best, waypoint, [from, to]);
    if !flow.augment() || !flow.augment() {
        return None;
    }
    let mut to_start = flow.walk_to(from)?;
    to_start.reverse();
    let onward = flow.walk_to(to)?;
    to_start
        .windows(2)
        .chain(onward.windows(2))
        .map(|pair| best.get(&(pair[0], pair[1])).map(|(_, link)| *link))
        .collect()
}

type BestLinks = BTreeMap<(DatapathId, DatapathId), (u64, Link)>;

/// Of the links from one switch to another the one to take: a path uses at most one of them.
fn best_links(graph: &Graph, avoid: &BTreeSet<DatapathId>, cost: Cost<'_>) -> BestLinks {
    let mut best = BestLinks::new();
    for link in graph.links() {
        let (src, dst) = (link.src.dpid, link.dst.dpid);
        if src == dst || avoid.contains(&src) || avoid.contains(&dst) || !graph.is_usable(&link) {
            continue;
        }
        let candidate = (cost(&link).max(1), link);
        let slot = best.entry((src, dst)).or_insert(candidate);
        if (candidate.0, tie(&link)) < (slot.0, tie(&slot.1)) {
            *slot = candidate;
        }
    }
    best
}

/// An arc of unit capacity; its twin, the next or the previous in the list, is the way back.
struct Arc {
    to: usize,
    cost: i128,
    open: bool,
}

/// A flow network in which each switch `i` is an entry `2i` and an exit `2i + 1`.
struct Flow {
    switches: Vec<DatapathId>,
    arcs: Vec<Arc>,
    leaving: Vec<Vec<usize>>,
    source: usize,
    sink: usize,
}

impl Flow {
    fn new(graph: &Graph, best: &BestLinks, waypoint: DatapathId, ends: [DatapathId; 2]) -> Self {
        let switches: Vec<DatapathId> = graph.switches().collect();
        let index: BTreeMap<_, _> = switches
            .iter()
            .enumerate()
            .map(|(i, dpid)| (*dpid, i))
            .collect();
        let at = |dpid: DatapathId| index.get(&dpid).copied().unwrap_or_default();
        let sink = 2 * switches.len();
        let mut flow = Self {
            leaving: vec![Vec::new(); sink + 1],
            source: 2 * at(waypoint) + 1,
            arcs: Vec::new(),
            switches,
            sink,
        };
        for i in 0..flow.switches.len() {
            flow.arc(2 * i, 2 * i + 1, 0);
        }
        for ((src, dst), (cost, _)) in best {
            flow.arc(2 * at(*src) + 1, 2 * at(*dst), i128::from(*cost));
        }
        for end in ends {
            flow.arc(2 * at(end) + 1, sink, 0);
        }
        flow
    }

    fn arc(&mut self, from: usize, to: usize, cost: i128) {
        self.leaving[from].push(self.arcs.len());
        self.arcs.push(Arc {
            to,
            cost,
            open: true,
        });
        self.leaving[to].push(self.arcs.len());
        self.arcs.push(Arc {
            to: from,
            cost: -cost,
            open: false,
        });
    }

    /// Sends one more unit along the cheapest way that is open (Bellman-Ford: the ways back cost less than
    /// nothing). False if there is none.
    fn augment(&mut self) -> bool {
        let mut reached: Vec<Option<(i128, usize)>> = vec![None; self.leaving.len()];
        let mut queue = std::collections::VecDeque::from([self.source]);
        while let Some(node) = queue.pop_front() {
            let so_far = reached[node].map_or(0, |(cost, _)| cost);
            for &number in &self.leaving[node] {
                let arc = &self.arcs[number];
                let total = so_far + arc.cost;
                let better = reached[arc.to].is_none_or(|(known, _)| total < known);
                if arc.open && better && arc.to != self.source {
                    reached[arc.to] = Some((total, number));
                    queue.push_back(arc.to);
                }
            }
        }
        let mut node = self.sink;
        while node != self.source {
            let Some((_, number)) = reached[node] else {
                return false;
            };
            self.arcs[number].open = false;
            self.arcs[number ^ 1].open = true;
            node = self.arcs[number ^ 1].to;
        }
        true
    }

    /// The switches from the waypoint to `end` that the flow passes, found from the end backwards.
    fn walk_to(&self, end: DatapathId) -> Option<Vec<DatapathId>> {
        let mut node = 2 * self.switches.iter().position(|dpid| *dpid == end)?;
        let mut switches = vec![end];
        while node + 1 != self.source {
            // Odd arcs are the ways back: open ones point to where a unit came from.
            let back = self.leaving[node]
                .iter()
                .find(|number| *number % 2 == 1 && self.arcs[**number].open)?;
            let exit = self.arcs[*back].to;
            switches.push(self.switches[exit / 2]);
            node = exit - 1;
        }
        switches.reverse();
        Some(switches)
    }
}
