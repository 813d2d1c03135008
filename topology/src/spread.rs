//! Several paths of equal cost at once, as switches spread packets over them.
//!
//! What a switch does with a packet depends on the switch alone, not on the way the packet came. So paths that cross at a
//! switch can be put together anew there, and what is a spread has every path that comes of that: its packets follow
//! one of [`Spread::paths`], whatever each switch chooses.

use std::collections::BTreeMap;

use godwit_openflow::types::{DatapathId, PortNo};
use serde::{Deserialize, Serialize};

use crate::link::{Link, PortRef};
use crate::path::{Path, PathError};
use crate::routing::{ShortestPathTree, tie};

/// The most paths that one spread has: as many as a chassis commonly has uplinks. Each may be a bucket of a group.
pub const MOST_PATHS: usize = 16;

/// Paths from one port to another that switches choose among, one by one. At least one, and all that they can be put
/// together to.
///
/// Serialises as the list of its paths; what is read back is checked like any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Path>", into = "Vec<Path>")]
pub struct Spread {
    paths: Vec<Path>,
}

/// Why paths are no spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpreadError {
    /// None at all.
    #[error("a spread needs at least one path")]
    Empty,
    /// They don't all begin at one port and end at one.
    #[error("the paths of a spread begin at one port and end at one")]
    Ends,
    /// Put together, they may lead round in a circle, or to more than they are.
    #[error("at switch {dpid} the paths can be put together to others")]
    Open {
        /// Where.
        dpid: DatapathId,
    },
    /// One of them is none.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl Spread {
    /// The paths, that which a route without a choice takes first.
    #[must_use]
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// The path that a route without a choice takes.
    #[must_use]
    pub fn first(&self) -> &Path {
        &self.paths[0]
    }

    /// The ports by which packets may leave a switch, each once; none where no path goes.
    #[must_use]
    pub fn outputs(&self, dpid: DatapathId) -> Vec<PortNo> {
        let mut ports = Vec::new();
        for hop in self.paths.iter().filter_map(|path| path.hop_at(dpid)) {
            if !ports.contains(&hop.out_port) {
                ports.push(hop.out_port);
            }
        }
        ports
    }

    /// The switches, in the order in which they can be given rules: each behind all that it sends packets to, those of one
    /// list in any order. The last hop is the first list.
    #[must_use]
    pub fn levels(&self) -> Vec<Vec<DatapathId>> {
        let mut levels: Vec<Vec<DatapathId>> = Vec::new();
        for (dpid, level) in level_of(&self.paths) {
            if levels.len() <= level {
                levels.resize(level + 1, Vec::new());
            }
            levels[level].push(dpid);
        }
        levels
    }

    /// The switches, the last hop last.
    #[must_use]
    pub fn switches(&self) -> Vec<DatapathId> {
        self.levels().into_iter().rev().flatten().collect()
    }

    /// The links of all paths; some come several times.
    pub fn links(&self) -> impl Iterator<Item = Link> + '_ {
        self.paths.iter().flat_map(Path::links)
    }

    /// What is left of it where these paths are no more.
    #[must_use]
    pub fn retain(&self, is_there: impl Fn(&Path) -> bool) -> Option<Self> {
        let paths = self.paths.iter().filter(|path| is_there(path));
        let paths: Vec<Path> = paths.cloned().collect();
        (!paths.is_empty()).then_some(Self { paths })
    }
}

impl From<Path> for Spread {
    fn from(path: Path) -> Self {
        Self { paths: vec![path] }
    }
}

impl From<Spread> for Vec<Path> {
    fn from(spread: Spread) -> Self {
        spread.paths
    }
}

impl TryFrom<Vec<Path>> for Spread {
    type Error = SpreadError;

    fn try_from(paths: Vec<Path>) -> Result<Self, SpreadError> {
        let first = paths.first().ok_or(SpreadError::Empty)?;
        let ends = |path: &Path| (path.source(), path.destination());
        if paths.iter().any(|path| ends(path) != ends(first)) {
            return Err(SpreadError::Ends);
        }
        // Each link leads one level down at least, so there is no circle; and then counting says whether there are others.
        let levels = level_of(&paths);
        let mut onward: BTreeMap<DatapathId, Vec<Link>> = BTreeMap::new();
        for link in paths.iter().flat_map(Path::links) {
            if levels.get(&link.src.dpid) <= levels.get(&link.dst.dpid) {
                return Err(SpreadError::Open {
                    dpid: link.src.dpid,
                });
            }
            let links = onward.entry(link.src.dpid).or_default();
            if !links.contains(&link) {
                links.push(link);
            }
        }
        let all = walks(first.source().dpid, paths.len(), |dpid| {
            onward.get(&dpid).map_or(&[][..], Vec::as_slice)
        });
        let distinct = paths
            .iter()
            .enumerate()
            .all(|(at, path)| !paths[..at].contains(path));
        if !distinct || all.is_none_or(|all| all.len() != paths.len()) {
            return Err(SpreadError::Open {
                dpid: first.source().dpid,
            });
        }
        Ok(Self { paths })
    }
}

/// How many links it is at the most from each switch to the last.
fn level_of(paths: &[Path]) -> BTreeMap<DatapathId, usize> {
    let mut levels = BTreeMap::new();
    for path in paths {
        for (level, dpid) in path.switches().rev().enumerate() {
            let known = levels.entry(dpid).or_insert(level);
            *known = level.max(*known);
        }
    }
    levels
}

/// All ways on from a switch until there is none, in order; none when there are more than `most`.
fn walks<'a>(
    from: DatapathId,
    most: usize,
    onward: impl Fn(DatapathId) -> &'a [Link],
) -> Option<Vec<Vec<Link>>> {
    let mut found = Vec::new();
    let mut open: Vec<Vec<Link>> = vec![Vec::new()];
    while let Some(walk) = open.pop() {
        let here = walk.last().map_or(from, |link| link.dst.dpid);
        let links = onward(here);
        if links.is_empty() {
            if found.len() == most {
                return None;
            }
            found.push(walk);
            continue;
        }
        for link in links.iter().rev() {
            open.push([&walk[..], &[*link]].concat());
        }
    }
    Some(found)
}

/// The links of equal cost of each switch on the way to the end of a tree, as far as packets from `from` come.
pub(crate) struct Choices {
    from: PortRef,
    to: PortRef,
    /// In the order in which single paths prefer them.
    onward: BTreeMap<DatapathId, Vec<Link>>,
    /// The switches, farthest from the end first.
    order: Vec<DatapathId>,
}

impl Choices {
    /// `equal` gives the links of a switch that lead on at no more cost than the tree's; `branches` is asked of those with
    /// a choice whether they can choose at all.
    pub(crate) fn new(
        tree: &ShortestPathTree,
        (from, to): (PortRef, PortRef),
        equal: impl Fn(DatapathId) -> Vec<Link>,
        mut branches: impl FnMut(DatapathId) -> bool,
    ) -> Self {
        let mut onward: BTreeMap<DatapathId, Vec<Link>> = BTreeMap::new();
        let mut reached = vec![from.dpid];
        while let Some(here) = reached.pop() {
            if here == to.dpid || onward.contains_key(&here) {
                continue;
            }
            let mut links = equal(here);
            links.retain(|link| link.src != from);
            links.sort_by_key(tie);
            if links.is_empty() {
                links.extend(tree.next_from(here));
            }
            if links.len() > 1 && !branches(here) {
                links.truncate(1);
            }
            reached.extend(links.iter().map(|link| link.dst.dpid));
            onward.insert(here, links);
        }
        let mut order: Vec<DatapathId> = onward.keys().copied().collect();
        order.sort_by_key(|dpid| std::cmp::Reverse(tree.distance_from(*dpid)));
        Self {
            from,
            to,
            onward,
            order,
        }
    }

    /// The spread with as many of them as make no more than `most` paths: every switch first gets a second choice, those
    /// nearest to the source before the others, since paths that part early have least in common; then a third, and so on.
    pub(crate) fn spread(&self, most: usize) -> Result<Spread, PathError> {
        let mut taken: BTreeMap<DatapathId, usize> = BTreeMap::new();
        let mut best = self.walks(&taken, 1).unwrap_or_default();
        loop {
            let before = best.len();
            for dpid in &self.order {
                let all = self.onward.get(dpid).map_or(0, Vec::len);
                let mut more = taken.clone();
                let count = more.entry(*dpid).or_insert(1);
                *count += 1;
                if *count <= all
                    && let Some(found) = self.walks(&more, most)
                {
                    (taken, best) = (more, found);
                }
            }
            if best.len() == before {
                break;
            }
        }
        let path = |links: &Vec<Link>| Path::new(self.from, links, self.to);
        let first = best.first().map_or_else(|| path(&Vec::new()), path)?;
        // Where one of them would turn back on a segment, all would have to be put together differently.
        let all: Result<Vec<Path>, PathError> = best.iter().map(path).collect();
        let spread = all.map_err(SpreadError::from).and_then(Spread::try_from);
        Ok(spread.unwrap_or_else(|_| first.into()))
    }

    fn walks(&self, taken: &BTreeMap<DatapathId, usize>, most: usize) -> Option<Vec<Vec<Link>>> {
        walks(self.from.dpid, most, |dpid| {
            let links = self.onward.get(&dpid).map_or(&[][..], Vec::as_slice);
            let count = taken.get(&dpid).copied().unwrap_or(1);
            links.get(..count).unwrap_or(links)
        })
    }
}

#[cfg(test)]
mod tests;
