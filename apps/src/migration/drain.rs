//! When is nothing on the old way any more?
//!
//! A barrier says that a switch has taken a rule, not that packets follow it: cached flows are looked at again
//! later, and what was sent before is still on the links. Four things together say that the old way is empty:
//!
//! * *Sweeps.* The switches where the old way parted have gone through their caches ([`godwit_controller::sweep`]).
//! * *Markers.* A probe sent out of the port where the old way parted, behind the last packet, comes out at the
//!   next switch behind that packet, since links keep the order; from there the next, to the end of the old way.
//! * *Rest.* The counters of every rule on the old way, brought up to date, have stood still since before the last
//!   markers set out.
//! * *Silence.* Nothing but the markers has come in at the source's ports. A switch that is short of processor time
//!   credits its rules late even when nudged, and would seem at rest; port counters are the interfaces' own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use godwit_controller::carried::{Look, Place, Shared, SharedCount};
use godwit_controller::network::ReadError;
use godwit_controller::switch::{RequestError, SwitchHandle};
use godwit_controller::{Network, Owner};
use godwit_openflow::model::{FlowStats, StatsReply, StatsRequest};
use godwit_openflow::types::{DatapathId, GroupId, MeterId, PortNo};
use godwit_topology::PortRef;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::settle::{MovedRule, MovedShared, OldPorts};
use crate::plan::{Difference, Flow, FlowId};
use crate::routing::counters::Tally;

/// How long one reading of the switches may take, so that one that hangs does not keep the counts of the others from
/// being read again before the drain's bound. 100,000 rules take half a second, and their caches up to three.
const READING_BOUND: Duration = Duration::from_secs(4);

/// How long a marker may take over one link. Beyond that it is taken as lost, and rest alone decides.
const MARKER_BOUND: Duration = Duration::from_millis(500);

/// How long the ports have to be silent: a flow of 150 packets a second can't be taken for `OWN_FRAMES`.
pub(super) const SILENCE: Duration = Duration::from_millis(20);

/// Frames of our own that may come in at a port in one pass: a marker, and a probe of discovery.
const OWN_FRAMES: u64 = 2;

/// The rules of the old way, and the links that it took.
#[derive(Debug, Default)]
pub struct OldWay {
    /// The flows whose rules are watched, on each switch.
    rules: BTreeMap<DatapathId, BTreeSet<FlowId>>,
    /// Rules of no route that are watched, each with its index among the moved.
    others: BTreeMap<DatapathId, HashMap<Place, usize>>,
    /// Groups and meters whose counts are wanted, on each switch, and their index among the moved.
    shared: BTreeMap<DatapathId, HashMap<Shared, usize>>,
    /// Ports to send markers out of: first all of the first layer; when they have arrived, the next.
    markers: Vec<BTreeSet<PortRef>>,
    /// The switch that is left, of which everything is read: somebody may write to it meanwhile.
    left: Option<DatapathId>,
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

/// The counts of everything that is watched.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Of routes' rules.
    pub routes: Readings,
    /// Of rules of no route, by their index among the moved.
    pub others: BTreeMap<usize, Reading>,
    /// Of groups and meters, by their index among the moved.
    pub shared: BTreeMap<usize, SharedCount>,
    /// Everything that the switch that is left held when it was read last.
    pub left: Arc<[FlowStats]>,
}

impl Counts {
    /// Whether any counter is another than it was.
    fn differ(&self, before: &Self) -> bool {
        fn differ<K: Ord>(now: &BTreeMap<K, Reading>, before: &BTreeMap<K, Reading>) -> bool {
            now.iter().any(|(rule, reading)| {
                before.get(rule).map(|before| before.tally) != Some(reading.tally)
            })
        }
        let shared = |(index, count): (&usize, &SharedCount)| {
            before.shared.get(index).map(|before| before.all) != Some(count.all)
        };
        differ(&self.routes, &before.routes)
            || differ(&self.others, &before.others)
            || self.shared.iter().any(shared)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Rest {
    /// The final counts.
    pub counts: Counts,
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
            left: Some(left),
            ..Self::of(flows)
        }
    }

    /// The same, and these rules of no route. Markers set out from where the neighbours part from the switch that is
    /// left, then from that switch, whose ports have to fall silent.
    #[must_use]
    pub fn with(mut self, rules: &[MovedRule], old: &OldPorts, busy: &BTreeSet<PortRef>) -> Self {
        for (index, rule) in rules.iter().enumerate() {
            let here = self.others.entry(rule.from.dpid).or_default();
            here.insert(rule.from.clone(), index);
        }
        for (layer, ports) in [&old.parting, &old.exits].into_iter().enumerate() {
            match self.markers.get_mut(layer) {
                Some(markers) => markers.extend(ports),
                None => self.markers.push(ports.clone()),
            }
        }
        let entries = old.entries.iter().filter(|port| !busy.contains(port));
        self.entries.extend(entries);
        self
    }

    /// The same, and the counts of these groups and meters.
    #[must_use]
    pub fn counting(mut self, shared: &[MovedShared]) -> Self {
        for (index, moved) in shared.iter().enumerate() {
            let here = self.shared.entry(moved.from.dpid).or_default();
            here.insert(moved.from.shared, index);
        }
        self
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
        self.rules.is_empty() && self.others.is_empty() && self.shared.is_empty()
    }

    /// Waits until the old way is empty, or for `bound` at the most. The `turned` switches have confirmed the changes
    /// that took traffic off it.
    pub async fn rest(
        &self,
        network: &Network,
        turned: BTreeSet<DatapathId>,
        bound: Duration,
    ) -> Rest {
        let mut counts = Counts::default();
        let coming = self.come_to_rest(network, turned, &mut counts);
        let at_rest = tokio::time::timeout(bound, coming).await.is_ok();
        if !at_rest {
            tracing::warn!(
                ?bound,
                "the old way did not come to rest: something else still sends along it, or a switch does not answer"
            );
        }
        Rest { counts, at_rest }
    }

    /// Ends when the old way is empty. What was read until then is in `known`, whenever this is cut off.
    async fn come_to_rest(
        &self,
        network: &Network,
        turned: BTreeSet<DatapathId>,
        known: &mut Counts,
    ) {
        network.sweep_all(turned).await;
        self.read_into(network, known).await;
        loop {
            let silent = self.falls_silent(network).await;
            let before = known.clone();
            let all_read = self.read_into(network, known).await;
            let moved = known.differ(&before);
            if !moved && silent && all_read {
                return;
            }
        }
    }

    /// Sends markers along the old way, and says whether nothing but markers has come in at its end meanwhile, and for
    /// `SILENCE` at the least.
    async fn falls_silent(&self, network: &Network) -> bool {
        let (entered, begun) = (self.entered(network).await, Instant::now());
        self.send_markers(network).await;
        if self.entries.is_empty() {
            return true;
        }
        sleep_until(begun + SILENCE).await;
        let is_own = |before: &BTreeMap<PortRef, u64>, (port, count): (&PortRef, &u64)| {
            let before = before.get(port);
            before.is_some_and(|before| count.saturating_sub(*before) <= OWN_FRAMES)
        };
        match (entered, self.entered(network).await) {
            (Some(before), Some(now)) => now.iter().all(|port| is_own(&before, port)),
            _ => false,
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
    pub async fn read(&self, network: &Network) -> Counts {
        let mut counts = Counts::default();
        self.read_into(network, &mut counts).await;
        counts
    }

    /// Brings `counts` up to date. `false` when a switch does not answer in time; one that is gone, or can't be
    /// read, is left out.
    async fn read_into(&self, network: &Network, counts: &mut Counts) -> bool {
        let mut reading = JoinSet::new();
        let watched = self.rules.keys().chain(self.others.keys());
        let watched = watched.chain(self.shared.keys());
        let switches: BTreeSet<_> = watched.chain(&self.left).collect();
        for &dpid in switches {
            let is_whole = self.left == Some(dpid) || self.others.contains_key(&dpid);
            let owner = (!is_whole).then_some(Owner::Routing);
            let Some(switch) = network.switches().get(dpid) else {
                continue;
            };
            let (network, wanted) = (network.clone(), Wanted::of(self.shared.get(&dpid)));
            reading.spawn(async move {
                let exact = async {
                    // What its caches have forwarded is credited to all of its counters at once.
                    let flows = network.read_final(&switch, owner).await?;
                    Ok((flows, wanted.read(&network, &switch).await?))
                };
                (dpid, tokio::time::timeout(READING_BOUND, exact).await)
            });
        }
        let mut all_answered = true;
        while let Some(result) = reading.join_next().await {
            let result: Result<(DatapathId, Result<Result<_, ReadError>, _>), _> = result;
            match result {
                Ok((dpid, Ok(Ok((flows, shared))))) => {
                    self.take_in(dpid, &flows, counts);
                    self.take_in_shared(dpid, shared, counts);
                    if self.left == Some(dpid) {
                        counts.left = flows.into();
                    }
                }
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

    fn take_in(&self, dpid: DatapathId, flows: &[FlowStats], counts: &mut Counts) {
        let (routes, others) = (self.rules.get(&dpid), self.others.get(&dpid));
        for stats in flows {
            let reading = Reading {
                tally: Tally {
                    packets: stats.packets,
                    bytes: stats.bytes,
                },
                age_ns: stats.duration_ns,
            };
            let rule = &stats.rule;
            let route = Owner::Routing.own_part(rule.cookie);
            if let Some(id) = route.filter(|id| routes.is_some_and(|all| all.contains(id))) {
                counts.routes.insert((dpid, id), reading);
            } else if let Some(others) = others
                && let Some(&index) = others.get(&Place::of(dpid, rule))
            {
                counts.others.insert(index, reading);
            }
        }
    }

    fn take_in_shared(
        &self,
        dpid: DatapathId,
        shared: Vec<(Shared, SharedCount)>,
        counts: &mut Counts,
    ) {
        let Some(wanted) = self.shared.get(&dpid) else {
            return;
        };
        for (shared, count) in shared {
            if let Some(&index) = wanted.get(&shared) {
                counts.shared.insert(index, count);
            }
        }
    }
}

/// Whether a switch is asked for the counts of its groups, and of its meters.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    groups: bool,
    meters: bool,
}

impl Wanted {
    fn of(shared: Option<&HashMap<Shared, usize>>) -> Self {
        let any = |kind: fn(&Shared) -> bool| shared.is_some_and(|all| all.keys().any(kind));
        Self {
            groups: any(|shared| matches!(shared, Shared::Group(_))),
            meters: any(|shared| matches!(shared, Shared::Meter(_))),
        }
    }

    async fn read(
        self,
        network: &Network,
        switch: &SwitchHandle,
    ) -> Result<Vec<(Shared, SharedCount)>, RequestError> {
        let (groups, meters) =
            tokio::try_join!(self.groups(network, switch), self.meters(network, switch))?;
        Ok(groups.into_iter().chain(meters).collect())
    }

    async fn groups(
        self,
        network: &Network,
        switch: &SwitchHandle,
    ) -> Result<Vec<(Shared, SharedCount)>, RequestError> {
        if !self.groups {
            return Ok(Vec::new());
        }
        let look = network.carried().look_at_groups(switch.dpid());
        let request = StatsRequest::Groups(GroupId::ALL);
        let StatsReply::Groups(groups) = switch.request(request).await? else {
            return Err(RequestError::Unexpected);
        };
        let groups = groups.iter();
        let groups = groups.map(|stats| (Shared::Group(stats.group), SharedCount::from(stats)));
        Ok(still_there(network, look, groups.collect()))
    }

    async fn meters(
        self,
        network: &Network,
        switch: &SwitchHandle,
    ) -> Result<Vec<(Shared, SharedCount)>, RequestError> {
        if !self.meters {
            return Ok(Vec::new());
        }
        let look = network.carried().look_at_meters(switch.dpid());
        let request = StatsRequest::Meters(MeterId::ALL);
        let StatsReply::Meters(meters) = switch.request(request).await? else {
            return Err(RequestError::Unexpected);
        };
        let meters = meters.iter();
        let meters = meters.map(|stats| (Shared::Meter(stats.meter), SharedCount::from(stats)));
        Ok(still_there(network, look, meters.collect()))
    }
}

/// What was brought to others that had these numbers before is forgotten.
fn still_there(
    network: &Network,
    look: Look,
    counts: Vec<(Shared, SharedCount)>,
) -> Vec<(Shared, SharedCount)> {
    let ages = counts
        .iter()
        .map(|(shared, count)| (*shared, count.duration_ns));
    _ = network.carried().seen(look, ages);
    counts
}
