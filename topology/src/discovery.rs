//! Finding the links: LLDP out of every port, and conclusions from where it arrives.
//!
//! A state machine without I/O. Tell it which switches and ports are up and which LLDP frames came in; send
//! what [`Discovery::poll`] returns; call it again at [`Discovery::next_deadline`], and after every input,
//! since an input may make a probe due at once.
//!
//! - A port that came up is probed at once and then after 250 ms, 500 ms, 1 s, and every few seconds.
//! - When a link is found in one direction only, the far port is probed at once.
//! - A link goes with its port or switch, when another one takes its place, or when three probes in a row
//!   brought nothing. Probes are counted rather than time, so a controller that was stopped for a while loses
//!   no link when it wakes.
//! - A port is *settled* as an edge port when two probes and [`SETTLE_TIME`] brought no link.
//!
//! - A port whose probes reach no other end is also probed with frames that bridges pass on; see `segment`.
//!
//! A frame makes a link only if this run signed it, its nonce is out for that very port, it has not arrived
//! anywhere else, and neither end is a port where hosts are. Anything else raises an [`Alarm`]. What this
//! cannot see is a relay between two ports where no host was ever seen: the frame is genuine, only the way it
//! took is not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_openflow::types::{DatapathId, PortNo};

use self::class::HostClasses;
use self::lldp::Reach;
use self::port::Port;
use crate::graph::Graph;
use crate::link::{Link, PortRef};
use crate::schedule::Schedule;
use crate::timing::Timing;

mod class;
pub mod lldp;
mod port;
mod segment;
mod verdict;

pub use class::CLASS_HOLD;
pub use lldp::{KeyError, LldpError, RunKey};
pub use port::{MAX_PEERS, NONCE_WINDOW, SETTLE_TIME};
pub use verdict::{Alarm, AlarmReason, Change, Counters, LldpVerdict, PortKind, Probe};

/// A probe younger than this may still be on its way: the far port is given that long before it is probed
/// again. Round trips measure well below it, even with a hundred switches coming up.
const IN_FLIGHT: Duration = Duration::from_millis(50);

/// The LLDP prober.
#[derive(Debug)]
pub struct Discovery {
    key: RunKey,
    timing: Timing,
    next_nonce: u64,
    switches: BTreeMap<DatapathId, Instant>,
    ports: BTreeMap<PortRef, Port>,
    classes: HostClasses,
    graph: Arc<Graph>,
    schedule: Schedule<(PortRef, Timer)>,
    changes: Vec<Change>,
    /// What the last frame says of how long its link takes.
    crossing: Option<(Link, Duration)>,
    counters: Counters,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Probe,
    Settle,
    ForgetClass,
}

/// Why a link is given up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// A port went down or away: whatever is plugged in now may be something else.
    PortEvent,
    /// Another link took its place.
    Displaced,
    /// The far switch left, or probes got lost. The cable is likely still there.
    Silence,
}

impl Discovery {
    /// A prober that knows nothing yet and signs with `key`.
    #[must_use]
    pub fn new(key: RunKey, timing: Timing) -> Self {
        Self {
            key,
            timing,
            next_nonce: 1,
            switches: BTreeMap::new(),
            ports: BTreeMap::new(),
            classes: HostClasses::default(),
            graph: Arc::default(),
            schedule: Schedule::new(),
            changes: Vec::new(),
            crossing: None,
            counters: Counters::default(),
        }
    }

    /// A switch is connected and has these ports up. All of them become due for a probe. A switch that was
    /// connected already is taken to have lost its old connection first.
    pub fn switch_up(
        &mut self,
        dpid: DatapathId,
        up: impl IntoIterator<Item = PortNo>,
        now: Instant,
    ) {
        self.switch_down(dpid, now);
        self.switches.insert(dpid, now);
        Arc::make_mut(&mut self.graph).add_switch(dpid);
        for port in up {
            self.port_up(PortRef::new(dpid, port), now);
        }
    }

    /// A switch is gone, and all its links with it.
    pub fn switch_down(&mut self, dpid: DatapathId, now: Instant) {
        if self.switches.remove(&dpid).is_none() {
            return;
        }
        let ports: Vec<PortRef> = self.ports_of(dpid).collect();
        for port in ports {
            self.forget_port(port, now);
        }
        // Indirect links went with their ports.
        for link in Arc::make_mut(&mut self.graph).remove_switch(dpid) {
            self.changes.push(Change::LinkDown(link));
            self.after_loss(link, Loss::Silence, now);
        }
    }

    /// A port came up, or was added and is up. Ignored for reserved port numbers, for switches that are not
    /// connected, and for ports that are up already.
    pub fn port_up(&mut self, port: PortRef, now: Instant) {
        let connected = self.switches.contains_key(&port.dpid);
        if connected && port.port.is_physical() && !self.ports.contains_key(&port) {
            self.ports.insert(port, Port::default());
            self.schedule.set((port, Timer::Probe), now);
        }
    }

    /// A port went down: its links go at once.
    pub fn port_down(&mut self, port: PortRef, now: Instant) {
        if self.ports.contains_key(&port) {
            self.forget_port(port, now);
            let links = [self.graph.link_from(port), self.graph.link_to(port)];
            for link in links.into_iter().flatten() {
                self.lose(link, Loss::PortEvent, now);
            }
        }
    }

    /// A port was removed from its switch: its links go at once.
    pub fn port_removed(&mut self, port: PortRef, now: Instant) {
        self.port_down(port, now);
    }

    /// A host was seen on an edge port: from now on LLDP on that port is an attack.
    ///
    /// This is remembered for [`CLASS_HOLD`] after the port goes down, so that a short flap does not wash it
    /// off. It does not count against a switch that connected later or just before, since then the host may
    /// have been behind that switch all along. Nor is a port meant that was on a segment with other switches since it came
    /// up: that segment may fall apart for a while and come together again.
    pub fn host_seen(&mut self, port: PortRef, now: Instant) {
        let bridged = self.ports.get(&port).is_some_and(Port::was_on_segment);
        if self.kind(port) == PortKind::Edge && !bridged {
            self.classes.seen(port, now);
            self.schedule.cancel((port, Timer::ForgetClass));
        }
    }

    /// An LLDP frame came in on a port.
    pub fn on_lldp(
        &mut self,
        dpid: DatapathId,
        in_port: PortNo,
        frame: &[u8],
        now: Instant,
    ) -> LldpVerdict {
        let at = PortRef::new(dpid, in_port);
        self.crossing = None;
        let verdict = match lldp::decode(&self.key, frame) {
            Err(error) => LldpVerdict::Malformed(error),
            Ok(lldp::Decoded::Foreign) => LldpVerdict::Foreign,
            Ok(lldp::Decoded::Probe {
                from,
                authentic: false,
                ..
            }) => LldpVerdict::Alarm(Alarm {
                port: at,
                claimed: from,
                reason: AlarmReason::BadSignature,
            }),
            Ok(lldp::Decoded::Probe {
                from,
                nonce,
                reach,
                authentic: true,
            }) => {
                let accepted = match reach {
                    Reach::Cable => self.accept(from, at, nonce, now),
                    Reach::Segment => self.accept_from_segment(from, at, nonce, now),
                };
                accepted.unwrap_or_else(|reason| {
                    LldpVerdict::Alarm(Alarm {
                        port: at,
                        claimed: from,
                        reason,
                    })
                })
            }
        };
        self.counters.count(&verdict);
        verdict
    }

    /// A probe to be sent out of a port behind all that was sent there before: when [`LldpVerdict::Marker`]
    /// reports its nonce, everything that the switch had put on that link earlier has arrived; where several links begin
    /// at the port, on all of them. None if the port is not up.
    pub fn marker(&mut self, port: PortRef, now: Instant) -> Option<Probe> {
        let reach = match self.kind(port) {
            PortKind::Shared => Reach::Segment,
            _ => Reach::Cable,
        };
        self.emit(port, reach, true, now)
    }

    /// The probes that are due, and what changed since the last call.
    pub fn poll(&mut self, now: Instant) -> (Vec<Probe>, Vec<Change>) {
        let mut probes = Vec::new();
        while let Some((port, timer)) = self.schedule.pop_due(now) {
            match timer {
                Timer::Probe => {
                    if let Some(probe) = self.probe_due(port, now) {
                        probes.push(probe);
                        probes.extend(self.probe_segment(port, now));
                    }
                }
                Timer::Settle => self.settle(port, now),
                Timer::ForgetClass => self.classes.remove(port),
            }
        }
        (probes, self.take_changes())
    }

    /// What changed since the last call, without waiting for the next poll.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The link that the last frame crossed, and how long that frame was under way from being sent by the controller to
    /// coming back to it. None when it was no regular probe, and when this was asked before.
    pub fn take_crossing(&mut self) -> Option<(Link, Duration)> {
        self.crossing.take()
    }

    /// When [`Self::poll`] has something to do next. In the past if it is overdue.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.schedule.next()
    }

    /// Whether a port may be treated as an edge port: it is up and was probed for long enough without a link
    /// being found in either direction.
    #[must_use]
    pub fn is_settled(&self, port: PortRef, now: Instant) -> bool {
        !self.graph.has_cable(port)
            && self
                .ports
                .get(&port)
                .and_then(Port::settles_at)
                .is_some_and(|at| at <= now)
    }

    /// Whether a port is up, as far as the prober was told.
    #[must_use]
    pub fn is_up(&self, port: PortRef) -> bool {
        self.ports.contains_key(&port)
    }

    /// What a port is known to be, as of the last poll.
    #[must_use]
    pub fn kind(&self, port: PortRef) -> PortKind {
        match self.ports.get(&port) {
            Some(_) if self.graph.has_cable(port) => PortKind::Link,
            Some(_) if self.is_on_segment(port) => PortKind::Shared,
            Some(state) if state.is_settled() => PortKind::Edge,
            _ => PortKind::Unknown,
        }
    }

    /// All ports that are up, with what they are known to be.
    pub fn kinds(&self) -> impl Iterator<Item = (PortRef, PortKind)> + '_ {
        self.ports.keys().map(|port| (*port, self.kind(*port)))
    }

    /// The switches and links found so far.
    #[must_use]
    pub const fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// How many frames of each sort have come in.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    fn accept(
        &mut self,
        from: PortRef,
        at: PortRef,
        nonce: u64,
        now: Instant,
    ) -> Result<LldpVerdict, AlarmReason> {
        if self.is_host_port(at, from.dpid, now) {
            return Err(AlarmReason::HostPort);
        }
        if !self.ports.contains_key(&at) {
            return Ok(LldpVerdict::Late { from });
        }
        let from_host_port = self.is_host_port(from, at.dpid, now);
        let Some(sender) = self.ports.get_mut(&from) else {
            return Ok(LldpVerdict::Late { from });
        };
        let arrival = sender.arrived(nonce, at, now)?;
        if from_host_port {
            return Err(AlarmReason::FromHostPort);
        }
        sender.answered();
        let link = Link { src: from, dst: at };
        if self.graph.link_from(from) != Some(link) {
            self.learn(link, now);
        }
        self.crossing = arrival.took.map(|took| (link, took));
        Ok(if arrival.marker {
            LldpVerdict::Marker { nonce, from, at }
        } else {
            LldpVerdict::Link(link)
        })
    }

    /// Whether hosts live on a port, as far as a link with the switch `other` is concerned: only hosts that
    /// were seen when a link with that switch would have been found already.
    fn is_host_port(&self, port: PortRef, other: DatapathId, now: Instant) -> bool {
        let connected = self.switches.get(&other);
        self.classes
            .last_seen(port, now)
            .is_some_and(|seen| connected.is_none_or(|connected| seen >= *connected + SETTLE_TIME))
    }

    fn learn(&mut self, link: Link, now: Instant) {
        let Link { src, dst } = link;
        self.leave_segment(src);
        self.leave_segment(dst);
        // A cable has two ends: a link of either end with a third port is no more, in both directions.
        let links = [src, dst].map(|end| [self.graph.link_from(end), self.graph.link_to(end)]);
        for other in links.into_iter().flatten().flatten() {
            if other != link.reversed() && self.graph.contains_link(&other) {
                self.lose(other, Loss::Displaced, now);
            }
        }
        for end in [src, dst] {
            if let Some(state) = self.ports.get_mut(&end)
                && state.unsettle()
            {
                self.changes.push(Change::EdgeDown(end));
            }
        }
        Arc::make_mut(&mut self.graph).add_link(link);
        self.changes.push(Change::LinkUp(link));
        for end in [src, dst] {
            self.schedule.cancel((end, Timer::Settle));
            self.classes.remove(end);
        }
        self.schedule.set(
            (src, Timer::Probe),
            now + port::spread(src, self.next_nonce, &self.timing),
        );
        if self.graph.link_from(dst).is_none() {
            self.schedule
                .hasten((dst, Timer::Probe), self.reverse_probe_at(link, now));
        }
    }

    /// When to probe the far end of a link known in one direction: at once, unless a probe that the near
    /// switch could have received is still on its way.
    fn reverse_probe_at(&self, link: Link, now: Instant) -> Instant {
        let connected = self.switches.get(&link.src.dpid);
        match self.ports.get(&link.dst).and_then(Port::last_probe) {
            Some(last) if connected.is_some_and(|at| *at <= last) => now.max(last + IN_FLIGHT),
            _ => now,
        }
    }

    fn lose(&mut self, link: Link, loss: Loss, now: Instant) {
        if Arc::make_mut(&mut self.graph).remove_link(&link) {
            self.changes.push(Change::LinkDown(link));
            self.after_loss(link, loss, now);
        }
    }

    /// Starts to probe the ends of a lost link anew, as far as they are up.
    fn after_loss(&mut self, link: Link, loss: Loss, now: Instant) {
        for end in [link.src, link.dst] {
            if self.graph.link_from(end).is_some() {
                continue;
            }
            if let Some(state) = self.ports.get_mut(&end) {
                // A link that fell silent is still a better guess than a host, for a while.
                state.restart((loss == Loss::Silence).then(|| now + CLASS_HOLD));
                self.schedule.cancel((end, Timer::Settle));
                self.schedule.set((end, Timer::Probe), now);
            }
        }
    }

    fn forget_port(&mut self, port: PortRef, now: Instant) {
        self.leave_segment(port);
        if self
            .ports
            .remove(&port)
            .is_some_and(|state| state.is_settled())
        {
            self.changes.push(Change::EdgeDown(port));
        }
        self.schedule.cancel((port, Timer::Probe));
        self.schedule.cancel((port, Timer::Settle));
        if let Some(until) = self.classes.hold(port, now) {
            self.schedule.set((port, Timer::ForgetClass), until);
        }
    }

    fn probe_due(&mut self, port: PortRef, now: Instant) -> Option<Probe> {
        let link = self.graph.link_from(port);
        if let Some(link) = link
            && self
                .ports
                .get(&port)
                .is_some_and(|state| state.has_missed_too_many(&self.timing))
        {
            // Makes the port due again, now without a link.
            self.lose(link, Loss::Silence, now);
            return None;
        }
        let probe = self.emit(port, Reach::Cable, false, now)?;
        let state = self.ports.get_mut(&port)?;
        let settles_at = state.probed(now);
        let next = now + state.delay(port, link.is_some(), &self.timing);
        self.schedule.set((port, Timer::Probe), next);
        if let Some(at) = settles_at
            && self.kind(port) == PortKind::Unknown
        {
            self.schedule.set((port, Timer::Settle), at);
        }
        Some(probe)
    }

    fn emit(&mut self, port: PortRef, reach: Reach, marker: bool, now: Instant) -> Option<Probe> {
        let state = self.ports.get_mut(&port)?;
        let nonce = self.next_nonce;
        self.next_nonce += 1;
        state.sent(nonce, marker, now);
        Some(Probe {
            port,
            nonce,
            frame: lldp::encode(&self.key, port, nonce, reach, self.timing.probe_ttl_s()),
        })
    }

    fn settle(&mut self, port: PortRef, now: Instant) {
        if self.is_settled(port, now)
            && let Some(state) = self.ports.get_mut(&port)
        {
            state.settle();
            self.changes.push(Change::EdgeUp(port));
        }
    }

    fn is_on_segment(&self, port: PortRef) -> bool {
        let mut from = self.graph.indirect_from(port);
        from.next().is_some() || self.graph.indirect_to(port).next().is_some()
    }

    fn ports_of(&self, dpid: DatapathId) -> impl Iterator<Item = PortRef> + '_ {
        let all = PortRef::new(dpid, PortNo(0))..=PortRef::new(dpid, PortNo(u32::MAX));
        self.ports.range(all).map(|(port, _)| *port)
    }
}

#[cfg(test)]
mod tests;
