//! Discovery, graph and hosts as one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use godwit_openflow::types::{DatapathId, MacAddr, PortNo};

use crate::change::TopologyChange;
use crate::discovery::{Alarm, Change, Counters, Discovery, LldpVerdict, PortKind, Probe, RunKey};
use crate::graph::Graph;
use crate::host::{HostChange, HostTracker};
use crate::link::PortRef;
use crate::packet::ParsedPacket;
use crate::snapshot::{HostTable, TopologySnapshot};

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
    revision: u64,
    snapshot: Arc<TopologySnapshot>,
    hosts_changed: bool,
    ports_changed: bool,
    sights_published: Option<Instant>,
}

/// What is to be done, and what happened.
#[derive(Debug, Default)]
#[must_use]
pub struct Poll {
    /// Frames to be sent.
    pub probes: Vec<Probe>,
    /// What changed.
    pub changes: Vec<TopologyChange>,
}

#[derive(Debug)]
struct Sighting {
    mac: MacAddr,
    ips: Vec<IpAddr>,
    now: Instant,
    wall: SystemTime,
}

impl Topology {
    /// An empty network, whose probes are signed with `key`.
    #[must_use]
    pub fn new(key: RunKey) -> Self {
        Self {
            discovery: Discovery::new(key),
            hosts: HostTracker::new(),
            early: BTreeMap::new(),
            alarmed: BTreeMap::new(),
            excluded: Arc::default(),
            revision: 0,
            snapshot: Arc::default(),
            hosts_changed: false,
            ports_changed: false,
            sights_published: None,
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
        self.observe_host(
            packet.eth_src,
            packet.sender_ip().as_slice(),
            port,
            now,
            wall,
        )
    }

    /// A host was seen on a port, with these IP addresses; otherwise as [`Self::observe_packet`].
    pub fn observe_host(
        &mut self,
        mac: MacAddr,
        ips: &[IpAddr],
        port: PortRef,
        now: Instant,
        wall: SystemTime,
    ) -> Vec<TopologyChange> {
        let mut changes = Vec::new();
        match self.discovery.kind(port) {
            PortKind::Edge => self.sight(mac, ips, port, (now, wall), &mut changes),
            PortKind::Unknown if self.discovery.is_up(port) => {
                let waiting = self.early.entry(port).or_default();
                waiting.retain(|sighting| {
                    sighting.mac != mac || !sighting.ips.iter().all(|ip| ips.contains(ip))
                });
                if waiting.len() < MAX_EARLY_SIGHTINGS {
                    waiting.push(Sighting {
                        mac,
                        ips: ips.to_vec(),
                        now,
                        wall,
                    });
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
            self.note(TopologyChange::SwitchExcluded { dpid }, &mut changes);
        }
        changes
    }

    /// Puts a switch back into routing.
    pub fn include(&mut self, dpid: DatapathId) -> Vec<TopologyChange> {
        let mut changes = Vec::new();
        if Arc::make_mut(&mut self.excluded).remove(&dpid) {
            self.note(TopologyChange::SwitchIncluded { dpid }, &mut changes);
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
    /// Hosts' times of last sight may be newer in a later snapshot of the same revision.
    #[must_use]
    pub fn snapshot(&mut self) -> Arc<TopologySnapshot> {
        if self.snapshot.revision == self.revision && !self.hosts_changed {
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
                    for end in [link.src, link.dst] {
                        self.early.remove(&end);
                        let gone = self.hosts.port_is_link(end);
                        self.note_hosts(gone, changes);
                    }
                }
                Change::LinkDown(link) => self.note(TopologyChange::LinkDown { link }, changes),
                Change::EdgeUp(port) => {
                    self.note(TopologyChange::EdgeUp { port }, changes);
                    self.hosts.port_back(port);
                    self.hosts_changed = true;
                    for early in self.early.remove(&port).unwrap_or_default() {
                        self.sight(
                            early.mac,
                            &early.ips,
                            port,
                            (early.now, early.wall),
                            changes,
                        );
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

    fn sight(
        &mut self,
        mac: MacAddr,
        ips: &[IpAddr],
        port: PortRef,
        (now, wall): (Instant, SystemTime),
        changes: &mut Vec<TopologyChange>,
    ) {
        let change = self.hosts.observe(mac, ips, port, now, wall);
        self.note_hosts(change, changes);
        // A claim that is not granted says nothing about the port: the packet may have been flooded there.
        if self
            .hosts
            .get(mac)
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
