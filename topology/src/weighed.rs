//! The network at one moment, with its links weighed by one metric.

use std::collections::BTreeSet;

use godwit_openflow::types::DatapathId;

use crate::cost::CABLE_COST;
use crate::link::{Link, PortRef};
use crate::metric::Metric;
use crate::path::Path;
use crate::routing::{self, Constraints, NoPath, ShortestPathTree};
use crate::snapshot::{RouteError, TopologySnapshot};
use crate::spread::{Choices, MOST_PATHS, Spread};

/// Paths over the switches of a snapshot that are not excluded.
///
/// Whatever the metric, what somebody has set for a link or its ports is what it costs, a link costs the same both ways,
/// and an indirect one ten times what a cable would.
#[derive(Debug, Clone, Copy)]
pub struct Weighed<'a> {
    topology: &'a TopologySnapshot,
    metric: Metric,
}

impl<'a> Weighed<'a> {
    pub(crate) const fn new(topology: &'a TopologySnapshot, metric: Metric) -> Self {
        Self { topology, metric }
    }

    /// What links are weighed by.
    #[must_use]
    pub const fn metric(&self) -> Metric {
        self.metric
    }

    /// What a link costs.
    #[must_use]
    pub fn cost(&self, link: &Link) -> u64 {
        let topology = self.topology;
        let measured = match self.metric {
            Metric::Hops => CABLE_COST.into(),
            Metric::Latency => topology.latencies.cost(link),
            Metric::Utilisation => topology.loads.cost(link),
        };
        let indirect = topology.graph.is_indirect(link);
        topology.costs.or(link, indirect, measured)
    }

    /// What a path costs: the sum over its links.
    #[must_use]
    pub fn cost_of(&self, path: &Path) -> u64 {
        path.links()
            .fold(0, |sum: u64, link| sum.saturating_add(self.cost(&link)))
    }

    /// The shortest path between two switches; see [`routing::shortest_path`].
    ///
    /// # Errors
    /// See [`NoPath`].
    pub fn shortest_path(
        &self,
        from: DatapathId,
        to: DatapathId,
        constraints: &Constraints,
    ) -> Result<Vec<Link>, NoPath> {
        let constraints = self.with_excluded(constraints);
        let cost = |link: &Link| self.cost(link);
        routing::shortest_path_by(&self.topology.graph, from, to, &constraints, cost)
    }

    /// The best `k` paths between two switches; see [`routing::k_shortest_paths`].
    ///
    /// # Errors
    /// See [`NoPath`].
    pub fn k_shortest_paths(
        &self,
        from: DatapathId,
        to: DatapathId,
        k: usize,
        constraints: &Constraints,
    ) -> Result<Vec<Vec<Link>>, NoPath> {
        let constraints = self.with_excluded(constraints);
        let cost = |link: &Link| self.cost(link);
        routing::k_shortest_paths_by(&self.topology.graph, from, to, k, &constraints, cost)
    }

    /// The shortest paths from everywhere to one switch; see [`routing::tree_to`].
    ///
    /// # Errors
    /// See [`NoPath`].
    pub fn tree_to(
        &self,
        to: DatapathId,
        avoid: &BTreeSet<DatapathId>,
    ) -> Result<ShortestPathTree, NoPath> {
        let avoid = avoid.union(&self.topology.excluded).copied().collect();
        routing::tree_to_by(&self.topology.graph, to, &avoid, |link| self.cost(link))
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
        let links = self.shortest_path(from.dpid, to.dpid, constraints)?;
        Ok(Path::new(from, &links, to)?)
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
        let all = self.k_shortest_paths(from.dpid, to.dpid, k, constraints)?;
        all.iter()
            .map(|links| Ok(Path::new(from, links, to)?))
            .collect()
    }

    /// At the most so many paths of least cost between two ports, over which the switches spread packets of which
    /// `branches` says that they can. Where one has a choice between cables and indirect links, it is among the cables.
    ///
    /// # Errors
    /// See [`RouteError`].
    pub fn spread(
        &self,
        from: PortRef,
        to: PortRef,
        most: usize,
        branches: impl FnMut(DatapathId) -> bool,
    ) -> Result<Spread, RouteError> {
        let tree = self.tree_to(to.dpid, &BTreeSet::new())?;
        if tree.distance_from(from.dpid).is_none() {
            let (from, to) = (from.dpid, to.dpid);
            return Err(NoPath::Disconnected { from, to }.into());
        }
        let equal = |here: DatapathId| {
            let is_equal = |link: &Link| {
                let beyond = tree.distance_from(link.dst.dpid);
                let whole = beyond.map(|beyond| beyond.saturating_add(self.cost(link)));
                whole.is_some() && whole == tree.distance_from(here)
            };
            let links = self.topology.graph.usable_from(here);
            links.filter(is_equal).collect()
        };
        let choices = Choices::new(&tree, (from, to), equal, branches);
        Ok(choices.spread(most.clamp(1, MOST_PATHS))?)
    }

    fn with_excluded(&self, constraints: &Constraints) -> Constraints {
        let excluded = &self.topology.excluded;
        Constraints {
            avoid: constraints.avoid.union(excluded).copied().collect(),
            via: constraints.via.clone(),
        }
    }
}
