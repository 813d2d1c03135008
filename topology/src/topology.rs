//! Discovery, graph and hosts as one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use godwit_openflow::types::{DatapathId, MacAddr, PortNo};

use crate::change::TopologyChange;
use crate::cost::Costs;
use crate::discovery::{Alarm, Change, Counters, Discovery, LldpVerdict, PortKind, Probe, RunKey};
use crate::graph::Graph;
use crate::host::{HostChange, HostTracker, Question, Sender};
use crate::latency::Latencies;
use crate::link::{Link, PortRef};
use crate::load::Loads;
use crate::metric::Metric;
use crate::packet::ParsedPacket;
use crate::segment::Segments;
use crate::snapshot::{HostTable, TopologySnapshot};
use crate::timing::Timing;

mod measured;

pub use measured::LATENCY_RESOLUTION;

/// How fresh a host's time of last sight is in a snapshot. Finer would copy all hosts with every packet.
pub const LAST_SEEN_RESOLUTION: Duration = Duration::from_secs(1);

/// Senders remembered for a port until it is known what it is: those of the first second or so.
const MAX_EARLY_SIGHTINGS: usize = 32;
/// The least time between two alarms reported for one port; further ones are only counted.
const ALARM_INTERVAL: Duration = Duration::from_secs(1);

/// The network as it is known, kept up to date by what is reported here.
///
/// Every input returns what changed by it. After any of them, and at [`Self::next_deadline`], call
/// [`Self::poll`] and send the probes it returns.
#[derive(Debug)]
pub struct Topology {
    discovery: Discovery,
    hosts: HostTracker,
    early: BTreeMap<PortRef, Vec<Sighting>>,
    alarmed: BTreeMap<PortRef, Instant>,
    excluded: Arc<BTreeSet<DatapathId>>,
    costs: Arc<Costs>,
    metric: Metric,
    latencies: Arc<Latencies>,
    loads: Arc<Loads>,
    segments: Arc<Segments>,
    revision: u64,
    snapshot: Arc<TopologySnapshot>,
    hosts_changed: bool,
    ports_changed: bool,
    sights_published: Option<Instant>,
    /// Since when there are latencies that no snapshot has.
    measured_since: Option<Instant>,
    measures_changed: bool,
}

/// What is to be done, and what happened.
#[derive(Debug, Default)]
#[must_use]
pub struct Poll {
    /// Frames to be sent.
    pub probes: Vec<Probe>,
    /// Hosts to be asked whether they are still there.
    pub questions: Vec<Question>,
    /// What changed.
    pub changes: Vec<TopologyChange>,
}

#[derive(Debug)]
struct Sighting {
    sender: Sender,
    now: Instant,
    wall: SystemTime,
}

impl Topology {
    /// An empty network, whose probes are signed with `key`.
    #[must_use]
    pub fn new(key: RunKey, timing: Timing) -> Self {
        Self {
            discovery: Discovery::new(key, timing),
            hosts: HostTracker::new(timing),
            early: BTreeMap::new(),
            alarmed: BTreeMap::new(),
            excluded: Arc::default(),
            costs: Arc::default(),
            metric: Metric::default(),
            latencies: Arc::default(),
            loads: Arc::default(),
            segments: Arc::default(),
            revision: 0,
            snapshot: Arc::default(),
            hosts_changed: false,
            ports_changed: false,
            sights_published: None,
            measured_since: None,
            measures_changed: false,
        }
    }

    /// A switch is connected, and these of its ports are up.
    pub fn switch_up(
        &mut self,
        dpid: DatapathId,
        up: impl IntoIterator<Item = PortNo>,
        now: Instant,
    ) -> Vec<TopologyChange> {
        let mut changes = self.switch_down(dpid, now);
        self.discovery.switch_up(dpid, up, now);
        self.absorb(now, &mut changes);
        self.note(TopologyChange::SwitchUp { dpid }, &mut changes);
        changes
    }

    /// A switch is gone.
    pub fn switch_down(&mut self, dpid: DatapathId, now: Instant) -> Vec<TopologyChange> {
        let mut changes = Vec::new();
        if self.graph().contains_switch(dpid) {
            self.early.retain(|port, _| port.dpid != dpid);
            self.alarmed.retain(|port, _| port.dpid != dpid);
            self.discovery.switch_down(dpid, now);
            Arc::make_mut(&mut self.latencies).forget_switch(dpid);
            self.set_loads(dpid, [], &mut changes);
            self.absorb(now, &mut changes);
            self.note(TopologyChange::SwitchDown { dpid }, &mut changes);
        }
        changes
    }

    /// A port came up, or was added and is up.
    pub fn port_up(&mut self, port: PortRef, now: Instant) -> Vec<TopologyChange> {
        self.discovery.port_up(port, now);
        self.absorbed(now)
    }

    /// A port went down.
    pub fn port_down(&mut self, port: PortRef, now: Instant) -> Vec<TopologyChange> {
        self.early.remove(&port);
        self.discovery.port_down(port, now);
        self.absorbed(now)
    }

    /// A port was removed from its switch.
    pub fn port_removed(&mut self, port: PortRef, now: Instant) -> Vec<TopologyChange> {
        self.port_down(port, now)
    }

    /// An LLDP frame came in.
    pub fn on_lldp(
        &mut self,
        dpid: DatapathId,
        in_port: PortNo,
        frame: &[u8],
        now: Instant,
    ) -> (LldpVerdict, Vec<TopologyChange>) {
        let verdict = self.discovery.on_lldp(dpid, in_port, frame, now);
        let mut changes = self.absorbed(now);
        self.measure_crossing(now, &mut changes);
        if let LldpVerdict::Alarm(alarm) = verdict
            && self.is_news(&alarm, now)
        {
            self.note(TopologyChange::Alarm { alarm }, &mut changes);
        }
        (verdict, changes)
    }

    /// A packet came in, seen at the time of day `wall`: learns where its sender is, if the port is an edge
    /// port. On a port of which that is not known yet, the sighting waits until it is.
    pub fn observe_packet(
        &mut self,
        packet: &ParsedPacket,
        port: PortRef,
        now: Instant,
        wall: SystemTime,
    ) -> Vec<TopologyChange> {
        self.observe_host(packet.sender(), port, now, wall)
    }

    /// A host was seen on a port; otherwise as [`Self::observe_packet`].
    ///
    /// On a segment that other switches are on, what is sent elsewhere comes by as well: there only hosts are learnt that
    /// are not known to be at another place, and they are at the segment's lowest port, whichever they are seen at.
    pub fn observe_host(
        &mut self,
        sender: Sender,
        port: PortRef,
        now: Instant,
        wall: SystemTime,
    ) -> Vec<TopologyChange> {
        let mut changes = Vec::new();
        match self.discovery.kind(port) {
            PortKind::Edge => self.sight(&sender, port, (now, wall), &mut changes),
            PortKind::Shared => {
                let known = self.hosts.get(sender.mac).filter(|host| host.attached);
                let place = known.map(|host| host.attachment);
                let lowest = self.segments.at(port).and_then(BTreeSet::first);
                let place = place.or(lowest.copied()).unwrap_or(port);
                if self.segments.same(place, port) {
                    self.sight(&sender, place, (now, wall), &mut changes);
                }
            }
            PortKind::Unknown if self.discovery.is_up(port) => {
                let waiting = self.early.entry(port).or_default();
                waiting.retain(|Sighting { sender: early, .. }| {
                    let says_more = |ip| !sender.addresses.contains(ip);
                    (early.mac, early.vlan) != (sender.mac, sender.vlan)
                        || early.addresses.iter().any(says_more)
                });
                if waiting.len() < MAX_EARLY_SIGHTINGS {
                    waiting.push(Sighting { sender, now, wall });
                }
            }
            PortKind::Unknown | PortKind::Link => {}
        }
        changes
    }

    /// Takes a switch out of routing. Lasts until [`Self::include`], also over a
    /// loss of the connection.
    pub fn exclude(&mut self, dpid: DatapathId) -> Vec<TopologyChange> {
        let mut changes = Vec::new();
        if Arc::make_mut(&mut self.excluded).insert(dpid) {
            self.find_segments();
            self.note(TopologyChange::SwitchExcluded { dpid }, &mut changes);
        }
        changes
    }

    /// Puts a switch back into routing.
    pub fn include(&mut self, dpid: DatapathId) -> Vec<TopologyChange> {
        let mut changes = Vec::new();
        if Arc::make_mut(&mut self.excluded).remove(&dpid) {
            self.find_segments();
            self.note(TopologyChange::SwitchIncluded { dpid }, &mut changes);
        }
        changes
    }

    /// Forgets a host. It is known again when it is next seen.
    pub fn forget_host(&mut self, mac: MacAddr) -> Vec<TopologyChange> {
        let mut changes = Vec::new();
        let gone = self.hosts.forget(mac);
        self.note_hosts(gone, &mut changes);
        changes
    }

    /// What links were set to cost.
    #[must_use]
    pub fn costs(&self) -> &Costs {
        &self.costs
    }

    /// Sets what links cost, from now on: paths that were found before stay what they are.
    pub fn set_costs(&mut self, costs: Costs) -> Vec<TopologyChange> {
        let mut changes = Vec::new();
        if *self.costs != costs {
            self.costs = Arc::new(costs);
            self.find_segments();
            self.note(TopologyChange::CostsChanged, &mut changes);
        }
        changes
    }

    /// Does what is due.
    pub fn poll(&mut self, now: Instant) -> Poll {
        let mut poll = Poll::default();
        let (probes, found) = self.discovery.poll(now);
        poll.probes = probes;
        self.apply(found, now, &mut poll.changes);
        let moved = self.hosts.poll(now);
        self.note_hosts(moved, &mut poll.changes);
        poll.questions = self.hosts.take_questions();
        self.refresh_latencies(now);
        poll
    }

    /// When [`Self::poll`] has something to do next. In the past if it is overdue.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.discovery
            .next_deadline()
            .into_iter()
            .chain(self.hosts.next_deadline())
            .min()
    }

    /// A frame whose arrival proves that a link is drained; see [`Discovery::marker`].
    pub fn marker(&mut self, port: PortRef, now: Instant) -> Option<Probe> {
        self.discovery.marker(port, now)
    }

    /// What a port is known to be.
    #[must_use]
    pub fn kind(&self, port: PortRef) -> PortKind {
        self.discovery.kind(port)
    }

    /// Whether a port may be treated as an edge port by now.
    #[must_use]
    pub fn is_settled(&self, port: PortRef, now: Instant) -> bool {
        self.discovery.is_settled(port, now)
    }

    /// The switches and links as they are now.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        self.discovery.graph()
    }

    /// A number that grows with every change; alarms and conflicts change nothing.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// How many LLDP frames of each sort have come in.
    #[must_use]
    pub const fn lldp_counters(&self) -> Counters {
        self.discovery.counters()
    }

    /// How many sightings of hosts were refused because a bound was reached.
    #[must_use]
    pub const fn refused_hosts(&self) -> u64 {
        self.hosts.refused()
    }

    /// All that is known now. Without a change since the last call, the same one.
    ///
    /// Hosts' times of last sight and links' latencies may be newer in a later snapshot of the same revision; what
    /// links cost by the metric that is set may not.
    #[must_use]
    pub fn snapshot(&mut self) -> Arc<TopologySnapshot> {
        let newer = std::mem::take(&mut self.measures_changed);
        if self.snapshot.revision == self.revision && !self.hosts_changed && !newer {
            return Arc::clone(&self.snapshot);
        }
        let hosts = if std::mem::take(&mut self.hosts_changed) {
            Arc::new(HostTable::from(&self.hosts))
        } else {
            Arc::clone(&self.snapshot.hosts)
        };
        let ports = if std::mem::take(&mut self.ports_changed) {
            Arc::new(self.discovery.kinds().collect())
        } else {
            Arc::clone(&self.snapshot.ports)
        };
        self.snapshot = Arc::new(TopologySnapshot {
            revision: self.revision,
            graph: Arc::clone(self.discovery.graph()),
            hosts,
            ports,
            excluded: Arc::clone(&self.excluded),
            costs: Arc::clone(&self.costs),
            metric: self.metric,
            latencies: Arc::clone(&self.latencies),
            loads: Arc::clone(&self.loads),
            segments: Arc::clone(&self.segments),
            broadcast: OnceLock::new(),
        });
        Arc::clone(&self.snapshot)
    }

    fn absorbed(&mut self, now: Instant) -> Vec<TopologyChange> {
        let mut changes = Vec::new();
        self.absorb(now, &mut changes);
        changes
    }

    fn absorb(&mut self, now: Instant, changes: &mut Vec<TopologyChange>) {
        let found = self.discovery.take_changes();
        self.apply(found, now, changes);
    }

    fn apply(&mut self, found: Vec<Change>, now: Instant, changes: &mut Vec<TopologyChange>) {
        for change in found {
            self.ports_changed = true;
            match change {
                Change::LinkUp(link) => {
                    self.note(TopologyChange::LinkUp { link }, changes);
                    self.link_changed(link);
                    if !self.graph().is_indirect(&link) {
                        for end in [link.src, link.dst] {
                            self.early.remove(&end);
                            let gone = self.hosts.port_is_link(end);
                            self.note_hosts(gone, changes);
                        }
                    }
                }
                Change::LinkDown(link) => {
                    self.replace_lost_ends(link, now, changes);
                    Arc::make_mut(&mut self.latencies).forget_link(&link);
                    self.note(TopologyChange::LinkDown { link }, changes);
                    self.link_changed(link);
                }
                Change::EdgeUp(port) => {
                    self.note(TopologyChange::EdgeUp { port }, changes);
                    self.hosts.port_back(port, now);
                    self.hosts_changed = true;
                    for early in self.early.remove(&port).unwrap_or_default() {
                        let seen = self.observe_host(early.sender, port, early.now, early.wall);
                        changes.extend(seen);
                    }
                }
                Change::EdgeDown(port) => {
                    self.note(TopologyChange::EdgeDown { port }, changes);
                    let moved = self.hosts.port_gone(port, now);
                    self.hosts_changed = true;
                    self.note_hosts(moved, changes);
                }
            }
        }
    }

    /// Hosts on a segment are found at another port of it when theirs is gone.
    fn replace_lost_ends(&mut self, link: Link, now: Instant, changes: &mut Vec<TopologyChange>) {
        for end in [link.src, link.dst] {
            if self.discovery.is_up(end) {
                continue;
            }
            let ports = self.segments.at(end).into_iter().flatten();
            let up = |port: &&PortRef| self.discovery.kind(**port) == PortKind::Shared;
            let other = ports.filter(|port| **port != end).find(up).copied();
            if let Some(other) = other {
                let moved = self.hosts.port_replaced(end, other, now);
                self.note_hosts(moved, changes);
            }
        }
    }

    fn link_changed(&mut self, link: Link) {
        if self.graph().is_indirect(&link) || !self.segments.is_empty() {
            self.find_segments();
        }
    }

    fn find_segments(&mut self) {
        self.segments = Arc::new(Segments::of(
            self.discovery.graph(),
            &self.excluded,
            &self.costs,
        ));
    }

    fn sight(
        &mut self,
        sender: &Sender,
        port: PortRef,
        (now, wall): (Instant, SystemTime),
        changes: &mut Vec<TopologyChange>,
    ) {
        let change = self.hosts.observe(sender, port, now, wall);
        self.note_hosts(change, changes);
        // A claim that is not granted says nothing about the port: the packet may have been flooded there.
        if self
            .hosts
            .get(sender.mac)
            .is_some_and(|host| host.attachment == port)
        {
            self.discovery.host_seen(port, now);
            let due = self
                .sights_published
                .is_none_or(|last| now >= last + LAST_SEEN_RESOLUTION);
            if due {
                self.sights_published = Some(now);
                self.hosts_changed = true;
            }
        }
    }

    fn note_hosts(
        &mut self,
        found: impl IntoIterator<Item = HostChange>,
        changes: &mut Vec<TopologyChange>,
    ) {
        for change in found {
            self.hosts_changed = true;
            self.note(change.into(), changes);
        }
    }

    fn note(&mut self, change: TopologyChange, changes: &mut Vec<TopologyChange>) {
        self.revision += u64::from(change.is_change());
        changes.push(change);
    }

    fn is_news(&mut self, alarm: &Alarm, now: Instant) -> bool {
        let last = self.alarmed.get(&alarm.port);
        let news = last.is_none_or(|last| now.saturating_duration_since(*last) >= ALARM_INTERVAL);
        if news && self.discovery.is_up(alarm.port) {
            self.alarmed.insert(alarm.port, now);
        }
        news
    }
}

#[cfg(test)]
mod tests;
