//! The k shortest loop-free paths (Yen 1971): each next path leaves a known one at some switch, and is the
//! shortest from there that repeats neither what comes before nor a known continuation.

use std::collections::BTreeSet;

use godwit_openflow::types::{DatapathId, PortNo};

use super::{Constraints, Cost, NoPath, check_ends, search, shortest_path_by, tie, via};
use crate::graph::Graph;
use crate::link::Link;

/// How many paths are looked at to find those that pass through the waypoints: their number grows
/// exponentially with the network, and a list is read by people.
const MAX_EXAMINED: usize = 200;

/// Up to `k` loop-free paths, shortest first, each link counting one; at least one if there is any.
///
/// Paths over different parallel links are different paths. With waypoints, further paths than the first are
/// searched among a bounded number of the shortest.
///
/// # Errors
/// See [`NoPath`].
pub fn k_shortest_paths(
    graph: &Graph,
    from: DatapathId,
    to: DatapathId,
    k: usize,
    constraints: &Constraints,
) -> Result<Vec<Vec<Link>>, NoPath> {
    k_shortest_paths_by(graph, from, to, k, constraints, |_| 1)
}

/// Like [`k_shortest_paths`] with a cost for each link; 0 counts as 1.
///
/// # Errors
/// See [`NoPath`].
pub fn k_shortest_paths_by(
    graph: &Graph,
    from: DatapathId,
    to: DatapathId,
    k: usize,
    constraints: &Constraints,
    cost: impl Fn(&Link) -> u64,
) -> Result<Vec<Vec<Link>>, NoPath> {
    check_ends(graph, [from, to], &constraints.avoid)?;
    let via = via::waypoints(graph, from, to, constraints)?;
    let candidates = Candidates::new(graph, from, to, &constraints.avoid, &cost);
    if via.is_empty() {
        let paths: Vec<_> = candidates.take(k).collect();
        return if paths.is_empty() && k > 0 {
            Err(NoPath::Disconnected { from, to })
        } else {
            Ok(paths)
        };
    }
    let first = shortest_path_by(graph, from, to, constraints, &cost)?;
    let others = candidates
        .take(MAX_EXAMINED)
        .filter(|path| *path != first && passes(path, &via));
    Ok(std::iter::once(first.clone())
        .chain(others)
        .take(k)
        .collect())
}

fn passes(path: &[Link], via: &[DatapathId]) -> bool {
    let mut switches = path.iter().map(|link| link.dst.dpid);
    via.iter()
        .all(|waypoint| switches.any(|dpid| dpid == *waypoint))
}

/// The order of the paths: by cost, then as single paths are chosen.
type Ranked = (u64, Vec<(DatapathId, PortNo)>, Vec<Link>);

/// All loop-free paths, shortest first, found as they are asked for.
pub(super) struct Candidates<'a> {
    graph: &'a Graph,
    from: DatapathId,
    to: DatapathId,
    avoid: &'a BTreeSet<DatapathId>,
    cost: Cost<'a>,
    found: Vec<Vec<Link>>,
    waiting: BTreeSet<Ranked>,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        from: DatapathId,
        to: DatapathId,
        avoid: &'a BTreeSet<DatapathId>,
        cost: Cost<'a>,
    ) -> Self {
        let mut candidates = Self {
            graph,
            from,
            to,
            avoid,
            cost,
            found: Vec::new(),
            waiting: BTreeSet::new(),
        };
        candidates.branch(&[], &BTreeSet::new());
        candidates
    }

    /// Adds the shortest path that begins with `root` and goes on by none of the `taken` links.
    fn branch(&mut self, root: &[Link], taken: &BTreeSet<Link>) {
        let mut avoid = self.avoid.clone();
        avoid.extend(root.iter().map(|link| link.src.dpid));
        let spur = root.last().map_or(self.from, |link| link.dst.dpid);
        let allowed = |link: &Link| !avoid.contains(&link.src.dpid) && !taken.contains(link);
        if let Some(rest) = search(self.graph, self.to, allowed, self.cost).path_from(spur) {
            let path = [root, &rest].concat();
            let total = path.iter().fold(0, |sum: u64, link| {
                sum.saturating_add((self.cost)(link).max(1))
            });
            self.waiting
                .insert((total, path.iter().map(tie).collect(), path));
        }
    }
}

impl Iterator for Candidates<'_> {
    type Item = Vec<Link>;

    fn next(&mut self) -> Option<Vec<Link>> {
        // The paths that follow from the last one are only searched when another is wanted.
        if let Some(last) = self.found.last().cloned() {
            for at in 0..last.len() {
                let root = &last[..at];
                let taken: BTreeSet<Link> = self
                    .found
                    .iter()
                    .filter(|known| known.starts_with(root))
                    .filter_map(|known| known.get(at).copied())
                    .collect();
                self.branch(root, &taken);
            }
        }
        let (_, _, path) = self.waiting.pop_first()?;
        self.found.push(path.clone());
        Some(path)
    }
}
