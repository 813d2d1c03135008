//! When is nothing on the old way any more?
//!
//! A barrier says that a switch has taken a rule, not that packets follow it: cached flows are looked at again
//! later, and what was sent before is still on the links. Three things together say that the old way is empty:
//!
//! * *Markers.* A probe sent out of the port where the old way parted, behind the last packet, comes out at the
//!   next switch behind that packet, since links keep the order; from there the next, to the end of the old way.
//! * *Rest.* The counters of every rule on the old way, nudged up to date, have stood still since before the last
//!   markers set out.
//! * *Silence.* Nothing but the markers has come in at the source's ports. A switch that is short of processor time
//!   credits its rules late even when nudged, and would seem at rest; port counters are the interfaces' own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use godwit_controller::switch::RequestError;
use godwit_controller::{Network, Owner};
use godwit_openflow::model::{FlowStats, StatsReply, StatsRequest};
use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::PortRef;
use tokio::task::JoinSet;

use crate::plan::{Difference, Flow, FlowId};
use crate::routing::counters::Tally;

/// How long a switch may go on forwarding by its cache after it has confirmed a change. Measured on Open
/// vSwitch 3.1: none at 100 cached flows, 11 ms at 2,000, 82 ms at 8,000.
pub const REVALIDATION: Duration = Duration::from_millis(100);

/// After so long the old way is given up even if something still comes along it: then it is not one of the
/// flows that were moved, but somebody sending at the source.
const BOUND: Duration = Duration::from_secs(5);

/// How long one reading of the switches may take, so that one that hangs does not keep the counts of the others from
/// being read again within [`BOUND`]. 100,000 rules take half a second.
const READING_BOUND: Duration = Duration::from_secs(2);

/// How long a marker may take over one link. Beyond that it is taken as lost, and rest alone decides.
const MARKER_BOUND: Duration = Duration::from_millis(500);

/// Frames of our own that may come in at a port in one pass: a marker, and a probe of discovery.
const OWN_FRAMES: u64 = 2;

/// The rules of the old way, and the links that it took.
#[derive(Debug, Default)]
pub struct OldWay {
    /// The flows whose rules are watched, on each switch.
    rules: BTreeMap<DatapathId, BTreeSet<FlowId>>,
    /// Ports to send markers out of: first all of the first layer; when they have arrived, the next.
    markers: Vec<BTreeSet<PortRef>>,
    /// Ports that have to fall silent: nothing else comes in there once the flows are gone.
    entries: BTreeSet<PortRef>,
}

/// What a rule has counted, and how old it is in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// What it has counted.
    pub tally: Tally,
    /// How old it is.
    pub age_ns: u64,
}

/// What the rules of flows on switches have counted.
pub type Readings = BTreeMap<(DatapathId, FlowId), Reading>;

/// What was found.
#[derive(Debug, Default)]
pub struct Rest {
    /// The final counts.
    pub readings: Readings,
    /// Whether the old way came to rest, rather than the bound being reached.
    pub at_rest: bool,
}

impl OldWay {
    /// The switches that only the old paths of these flows cross, and the links to and between them.
    #[must_use]
    pub fn of(flows: &[Flow]) -> Self {
        let mut way = Self::default();
        for flow in flows {
            let Some(old) = &flow.old else { continue };
            let left: BTreeSet<DatapathId> = Difference::of(flow)
                .remove
                .iter()
                .map(|step| step.dpid)
                .collect();
            for &dpid in &left {
                way.rules.entry(dpid).or_default().insert(flow.template.id);
            }
            way.add_markers(old, &left);
        }
        way
    }

    /// The same, where the ports of `left` by which these flows came in are to fall silent, except those that are
    /// `busy` with other flows.
    #[must_use]
    pub fn off(flows: &[Flow], left: DatapathId, busy: &BTreeSet<PortRef>) -> Self {
        let hops = flows
            .iter()
            .filter_map(|flow| flow.old.as_ref()?.hop_at(left));
        let entries = hops.map(|hop| PortRef::new(left, hop.in_port));
        Self {
            entries: entries.filter(|port| !busy.contains(port)).collect(),
            ..Self::of(flows)
        }
    }

    /// Markers start where the flow parts from the old path, and follow it until it is met again.
    fn add_markers(&mut self, old: &godwit_topology::Path, left: &BTreeSet<DatapathId>) {
        let mut layer = 0;
        for pair in old.hops().windows(2) {
            let [hop, next] = pair else { continue };
            if left.contains(&hop.dpid) || left.contains(&next.dpid) {
                let port = PortRef {
                    dpid: hop.dpid,
                    port: hop.out_port,
                };
                match self.markers.get_mut(layer) {
                    Some(ports) => _ = ports.insert(port),
                    None => self.markers.push(BTreeSet::from([port])),
                }
                layer += 1;
            } else {
                layer = 0;
            }
        }
    }

    /// Whether there is nothing to wait for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Waits until the old way is empty, or for five seconds at the most. `since` is when the last change that
    /// took traffic off it was confirmed.
    pub async fn rest(&self, network: &Network, since: Instant) -> Rest {
        let mut readings = Readings::new();
        let coming = self.come_to_rest(network, since, &mut readings);
        let at_rest = tokio::time::timeout(BOUND, coming).await.is_ok();
        if !at_rest {
            tracing::warn!(bound = ?BOUND,
                "the old way did not come to rest: something else still sends along it, or a switch does not answer");
        }
        Rest { readings, at_rest }
    }

    /// Ends when the old way is empty. What was read until then is in `known`, whenever this is cut off.
    async fn come_to_rest(&self, network: &Network, since: Instant, known: &mut Readings) {
        let mut last_change = since;
        self.read_into(network, known).await;
        let mut entered = self.entered(network).await;
        loop {
            let set_out = Instant::now();
            self.send_markers(network).await;
            let before = known.clone();
            let all_read = self.read_into(network, known).await;
            let moved = known.iter().any(|(rule, reading)| {
                before.get(rule).map(|before| before.tally) != Some(reading.tally)
            });
            let now_entered = self.entered(network).await;
            let silent = match (&entered, &now_entered) {
                (Some(before), Some(now)) => now.iter().all(|(port, count)| {
                    before
                        .get(port)
                        .is_some_and(|before| count.saturating_sub(*before) <= OWN_FRAMES)
                }),
                _ => false,
            };
            entered = now_entered;
            if moved || !silent || !all_read {
                last_change = Instant::now();
            } else if set_out >= since + REVALIDATION
                && last_change <= set_out
                && last_change.elapsed() >= REVALIDATION
            {
                return;
            }
        }
    }

    /// How many packets have come in at the ports that have to fall silent; `None` when a switch doesn't answer in
    /// time. One that is gone, or doesn't count, is left out.
    async fn entered(&self, network: &Network) -> Option<BTreeMap<PortRef, u64>> {
        let mut counts = BTreeMap::new();
        let switches: BTreeSet<DatapathId> = self.entries.iter().map(|port| port.dpid).collect();
        for dpid in switches {
            let Some(switch) = network.switches().get(dpid) else {
                continue;
            };
            let request = StatsRequest::Ports(PortNo::ANY);
            match switch.request_within(request, READING_BOUND).await {
                Ok(StatsReply::Ports(ports)) => {
                    let all = ports.iter().filter_map(|stats| {
                        Some((PortRef::new(dpid, stats.port), stats.rx_packets?))
                    });
                    counts.extend(all.filter(|(port, _)| self.entries.contains(port)));
                }
                Err(RequestError::TimedOut) => return None,
                _ => {}
            }
        }
        Some(counts)
    }

    async fn send_markers(&self, network: &Network) {
        for layer in &self.markers {
            let mut waiting = Vec::with_capacity(layer.len());
            for &port in layer {
                waiting.push(network.marker(port).await);
            }
            let arrived = async {
                for marker in waiting {
                    // A marker that can't be sent, for want of the link, is not waited for.
                    let _ = marker.await;
                }
            };
            if tokio::time::timeout(MARKER_BOUND, arrived).await.is_err() {
                tracing::debug!("a marker did not arrive; rest alone decides");
            }
        }
    }

    /// The counts of the watched rules, up to date. Switches that don't answer are left out.
    pub async fn read(&self, network: &Network) -> Readings {
        let mut readings = Readings::new();
        self.read_into(network, &mut readings).await;
        readings
    }

    /// Brings `readings` up to date. `false` when a switch does not answer in time; one that is gone, or can't be
    /// read, is left out.
    async fn read_into(&self, network: &Network, readings: &mut Readings) -> bool {
        let mut reading = JoinSet::new();
        for &dpid in self.rules.keys() {
            let Some(switch) = network.switches().get(dpid) else {
                continue;
            };
            let network = network.clone();
            reading.spawn(async move {
                let exact = network.read_exact(&switch, Some(Owner::Routing));
                (dpid, tokio::time::timeout(READING_BOUND, exact).await)
            });
        }
        let mut all_answered = true;
        while let Some(result) = reading.join_next().await {
            match result {
                Ok((dpid, Ok(Ok(flows)))) => self.take_in(dpid, &flows, readings),
                Ok((dpid, Ok(Err(error)))) => {
                    tracing::warn!(%dpid, %error, "the counters of the old way can't be read");
                }
                Ok((dpid, Err(_))) => {
                    all_answered = false;
                    tracing::warn!(%dpid, "the counters of the old way were not answered in time");
                }
                Err(error) => {
                    all_answered = false;
                    tracing::error!(%error, "reading counters ended abnormally");
                }
            }
        }
        all_answered
    }

    fn take_in(&self, dpid: DatapathId, flows: &[FlowStats], readings: &mut Readings) {
        let Some(watched) = self.rules.get(&dpid) else {
            return;
        };
        for stats in flows {
            let id = Owner::Routing.own_part(stats.rule.cookie);
            if let Some(id) = id.filter(|id| watched.contains(id)) {
                let tally = Tally {
                    packets: stats.packets,
                    bytes: stats.bytes,
                };
                let age_ns = stats.duration_ns;
                readings.insert((dpid, id), Reading { tally, age_ns });
            }
        }
    }
}
