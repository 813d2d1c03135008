//! What the prober knows of one port that is up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::verdict::AlarmReason;
use crate::link::PortRef;
use crate::timing::Timing;

/// How long a probe may take to its far end. Beyond that it is a replay, however genuine its signature.
pub const NONCE_WINDOW: Duration = Duration::from_secs(5);
/// Ports of other switches that one port may have indirect links to: a segment of so many makes some four thousand.
pub const MAX_PEERS: usize = 64;
/// How long a port must have been probed without a link before hosts are believed to be there: room for the
/// first probe to be lost, its repetition after 250 ms, and the answer to that.
pub const SETTLE_TIME: Duration = Duration::from_millis(600);

/// How long to wait after the first, second, third probe that brought no link: one lost frame costs a
/// quarter of a second, and three are made up for within two.
const BACK_OFF: [Duration; 3] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(1000),
];
/// Probes before a port may settle.
const SETTLE_PROBES: u32 = 2;
/// The least time that the last of those probes is given to be answered, when a poll came late.
const SETTLE_ANSWER_TIME: Duration = Duration::from_millis(300);
/// How long the last of them is waited for.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// Nonces remembered for a port: more than a window sees in probes and markers together.
const MAX_OUTSTANDING: usize = 64;

#[derive(Debug)]
struct Outstanding {
    nonce: u64,
    marker: bool,
    sent: Instant,
    arrived: BTreeSet<PortRef>,
}

impl Outstanding {
    fn took(&self, now: Instant) -> Option<Duration> {
        (!self.marker).then(|| now.saturating_duration_since(self.sent))
    }
}

/// A genuine frame came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// It was a marker, and has arrived wherever it should.
    pub(super) marker: bool,
    /// How long it was under way, from the controller to the controller; of a regular probe only, since a marker waits
    /// behind packets on purpose.
    pub(super) took: Option<Duration>,
}

/// Probing state of one port.
#[derive(Debug, Default)]
pub(super) struct Port {
    probes: u32,
    first_probe: Option<Instant>,
    last_probe: Option<Instant>,
    unanswered: u32,
    outstanding: VecDeque<Outstanding>,
    not_before: Option<Instant>,
    settles_at: Option<Instant>,
    settled: bool,
    on_segment: bool,
    /// How many probes to everybody have not arrived there, since the last one that did.
    peers: BTreeMap<PortRef, u32>,
}

impl Port {
    /// A frame with this nonce is about to leave the port.
    pub(super) fn sent(&mut self, nonce: u64, marker: bool, now: Instant) {
        while self
            .outstanding
            .front()
            .is_some_and(|oldest| is_over(oldest.sent, now))
            || self.outstanding.len() >= MAX_OUTSTANDING
        {
            self.outstanding.pop_front();
        }
        self.outstanding.push_back(Outstanding {
            nonce,
            marker,
            sent: now,
            arrived: BTreeSet::new(),
        });
    }

    /// A regular probe was sent. Returns when the port settles if this was the probe that decides it.
    pub(super) fn probed(&mut self, now: Instant) -> Option<Instant> {
        self.probes = self.probes.saturating_add(1);
        self.unanswered = self.unanswered.saturating_add(1);
        let first = *self.first_probe.get_or_insert(now);
        self.last_probe = Some(now);
        if self.probes != SETTLE_PROBES {
            return None;
        }
        let enough = (first + SETTLE_TIME).max(now + SETTLE_ANSWER_TIME);
        self.settles_at = Some(
            self.not_before
                .map_or(enough, |not_before| enough.max(not_before)),
        );
        self.settles_at
    }

    /// A genuine frame for the other end of the cable that says it was sent from here arrived at `at`.
    pub(super) fn arrived(
        &mut self,
        nonce: u64,
        at: PortRef,
        now: Instant,
    ) -> Result<Arrival, AlarmReason> {
        let sent = self.outstanding(nonce, now)?;
        sent.arrived.insert(at);
        if sent.arrived.len() > 1 {
            sent.arrived.retain(|first| *first != at);
            return Err(AlarmReason::SeenTwice);
        }
        Ok(Arrival {
            marker: sent.marker,
            took: sent.took(now),
        })
    }

    /// The same of a frame for everybody, which may arrive at several ports. It is a marker when it has arrived at all
    /// ports that such frames arrive at. Nothing is said of a port too many.
    pub(super) fn arrived_at_peer(
        &mut self,
        nonce: u64,
        at: PortRef,
        now: Instant,
    ) -> Result<Arrival, AlarmReason> {
        let known = self.peers.contains_key(&at);
        if !known && self.peers.len() >= MAX_PEERS {
            return self.outstanding(nonce, now).map(|_| Arrival {
                marker: false,
                took: None,
            });
        }
        let sent = self.outstanding(nonce, now)?;
        let news = sent.arrived.insert(at);
        let (marker, arrived) = (sent.marker, sent.arrived.clone());
        let took = sent.took(now).filter(|_| news);
        self.peers.insert(at, 0);
        Ok(Arrival {
            marker: marker && news && self.peers.keys().all(|peer| arrived.contains(peer)),
            took,
        })
    }

    fn outstanding(&mut self, nonce: u64, now: Instant) -> Result<&mut Outstanding, AlarmReason> {
        self.outstanding
            .iter_mut()
            .find(|sent| sent.nonce == nonce && !is_over(sent.sent, now))
            .ok_or(AlarmReason::Replayed)
    }

    /// A regular probe to everybody is about to be sent: the ports where too many in a row have not arrived by now, which
    /// are no longer peers.
    pub(super) fn probed_peers(&mut self, most: u32) -> Vec<PortRef> {
        let silent = self.peers.iter().filter(|(_, missed)| **missed >= most);
        let silent: Vec<PortRef> = silent.map(|(peer, _)| *peer).collect();
        for peer in &silent {
            self.peers.remove(peer);
        }
        self.peers.values_mut().for_each(|missed| *missed += 1);
        silent
    }

    /// A port is not to be reached from here any more.
    pub(super) fn forget_peer(&mut self, peer: PortRef) {
        self.peers.remove(&peer);
    }

    pub(super) fn is_peer(&self, port: PortRef) -> bool {
        self.peers.contains_key(&port)
    }

    pub(super) const fn answered(&mut self) {
        self.unanswered = 0;
    }

    /// How long after the probe just sent the next one is due.
    pub(super) fn delay(&self, port: PortRef, linked: bool, timing: &Timing) -> Duration {
        let interval = timing.probe_interval;
        if linked && self.has_missed_too_many(timing) {
            return LAST_WAIT;
        }
        let sent = self.probes.saturating_sub(1) as usize;
        match BACK_OFF.get(sent) {
            Some(delay) if !linked => *delay,
            // The first interval is spread widely, so that ports which came up together part for good.
            _ if sent == BACK_OFF.len() => spread(port, u64::from(self.probes), timing),
            _ => interval - (interval / 5).mul_f64(fraction(port, u64::from(self.probes))),
        }
    }

    /// Starts over: the link was lost. The port does not settle before `not_before`.
    pub(super) fn restart(&mut self, not_before: Option<Instant>) {
        self.probes = 0;
        self.first_probe = None;
        self.unanswered = 0;
        self.not_before = not_before;
        self.unsettle();
    }

    pub(super) const fn has_missed_too_many(&self, timing: &Timing) -> bool {
        self.unanswered >= timing.missed_probes
    }

    /// Whether this is the first probe since the port came up, or since a link was lost.
    pub(super) const fn is_first(&self) -> bool {
        self.probes == 1
    }

    pub(super) const fn settle(&mut self) {
        self.settled = true;
    }

    /// The port turned out to be on a segment with other switches. Whether it was no edge port before.
    pub(super) const fn joined_segment(&mut self) -> bool {
        self.on_segment = true;
        !std::mem::replace(&mut self.settled, true)
    }

    /// Whether other switches have been on the same segment since the port came up: then it leads to a bridge.
    pub(super) const fn was_on_segment(&self) -> bool {
        self.on_segment
    }

    /// The port is no edge port, or not yet again. Whether it was one.
    pub(super) const fn unsettle(&mut self) -> bool {
        self.settles_at = None;
        std::mem::replace(&mut self.settled, false)
    }

    pub(super) const fn is_settled(&self) -> bool {
        self.settled
    }

    pub(super) const fn settles_at(&self) -> Option<Instant> {
        self.settles_at
    }

    pub(super) const fn last_probe(&self) -> Option<Instant> {
        self.last_probe
    }
}

/// Between a fifth of the probe interval and all of it.
pub(super) fn spread(port: PortRef, salt: u64, timing: &Timing) -> Duration {
    timing
        .probe_interval
        .mul_f64(0.2 + 0.8 * fraction(port, salt))
}

fn is_over(sent: Instant, now: Instant) -> bool {
    now.saturating_duration_since(sent) > NONCE_WINDOW
}

/// A number in [0, 1) that looks random and is always the same for the same port and salt.
fn fraction(port: PortRef, salt: u64) -> f64 {
    let mut bits = port.dpid.0 ^ u64::from(port.port.0).rotate_left(32) ^ salt.rotate_left(17);
    for _ in 0..3 {
        bits = (bits ^ (bits >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    f64::from((bits >> 40) as u32) / f64::from(1_u32 << 24)
}
