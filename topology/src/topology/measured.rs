//! What is measured of links, and when what they cost has changed by it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_openflow::types::{DatapathId, PortNo};

use super::Topology;
use crate::change::TopologyChange;
#[cfg(doc)]
use crate::load::Loads;
use crate::metric::Metric;

/// How fresh latencies are in a snapshot. Finer would copy those of all links with every probe.
pub const LATENCY_RESOLUTION: Duration = Duration::from_secs(1);

impl Topology {
    /// What links are weighed by from now on for all who ask for nothing else.
    pub fn set_metric(&mut self, metric: Metric) -> Vec<TopologyChange> {
        let mut changes = Vec::new();
        if std::mem::replace(&mut self.metric, metric) != metric {
            self.note(TopologyChange::CostsChanged, &mut changes);
        }
        changes
    }

    /// A switch has answered an echo after this time; what its links take can be told only with that.
    pub fn echo_answered(&mut self, dpid: DatapathId, after: Duration) {
        if self.graph().contains_switch(dpid) {
            Arc::make_mut(&mut self.latencies).answered(dpid, after);
        }
    }

    /// What parts of their speeds the ports of a switch send or receive; see [`Loads::set`].
    pub fn observe_loads(
        &mut self,
        dpid: DatapathId,
        ports: impl IntoIterator<Item = (PortNo, f64)>,
    ) -> Vec<TopologyChange> {
        let mut changes = Vec::new();
        if self.graph().contains_switch(dpid) {
            self.set_loads(dpid, ports, &mut changes);
        }
        changes
    }

    /// Takes in what the last discovery frame says of how long its link takes.
    pub(super) fn measure_crossing(&mut self, now: Instant, changes: &mut Vec<TopologyChange>) {
        if let Some((link, took)) = self.discovery.take_crossing() {
            let changed = Arc::make_mut(&mut self.latencies).crossed(link, took);
            self.measured_since.get_or_insert(now);
            self.note_costs(changed, Metric::Latency, changes);
        }
    }

    /// The next snapshot has the latencies that were measured, if it is time.
    pub(super) fn refresh_latencies(&mut self, now: Instant) {
        let due = |since: Instant| now.saturating_duration_since(since) >= LATENCY_RESOLUTION;
        if self.measured_since.is_some_and(due) {
            self.measured_since = None;
            self.measures_changed = true;
        }
    }

    pub(super) fn set_loads(
        &mut self,
        dpid: DatapathId,
        ports: impl IntoIterator<Item = (PortNo, f64)>,
        changes: &mut Vec<TopologyChange>,
    ) {
        let changed = Arc::make_mut(&mut self.loads).set(dpid, ports);
        self.note_costs(changed, Metric::Utilisation, changes);
    }

    /// Costs by a metric have changed. Who asked for that one finds them in the next snapshot; that it is the one which is
    /// set makes it a change of the network.
    fn note_costs(&mut self, changed: bool, by: Metric, changes: &mut Vec<TopologyChange>) {
        if changed && by == self.metric {
            self.note(TopologyChange::CostsChanged, changes);
        }
        self.measures_changed |= changed;
    }
}
