//! Where the hosts are.
//!
//! A state machine without I/O, fed with the sender addresses of packets that came in on edge ports.
//!
//! A host is followed to another port at once when its old port is gone: that is how a cable is moved. While
//! the old port is up, the newcomer may be an impostor, so the claim is only noted and reported as a
//! [`HostChange::Conflict`], and the host is asked at its old place (see [`Question`]). A sign of life from there ends
//! the claim; [`ANSWER_TIME`] without one, and [`MOVE_SILENCE`] since the last, and the claim is granted. Silence
//! alone proves little, since a host whose traffic has rules is never heard of; that is why it is asked.
//!
//! For the same reason a host that was silent for long is asked before it is forgotten, [`QUESTIONS`] times; one that has
//! shown no address can't be asked, and stays for as long as its port does. When a port comes back, its hosts
//! are asked at once, since another network may be plugged in, and are not [present](Host::is_present) until they answer.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant, SystemTime};

use godwit_openflow::types::MacAddr;

use crate::link::PortRef;
use crate::schedule::Schedule;
use crate::timing::Timing;

mod record;

pub use record::{Host, HostChange, Question, Sender};

/// How long a host must have been silent at a port that is up before it is believed to have left it.
pub const MOVE_SILENCE: Duration = Duration::from_secs(5);
/// How long a host that was claimed elsewhere has to answer at its old place.
pub const ANSWER_TIME: Duration = Duration::from_secs(1);
/// How often a host is asked, [`ANSWER_TIME`] apart, before it is taken to be gone: two frames may get lost.
pub const QUESTIONS: u32 = 3;
/// Hosts that are tracked; more are refused, so that invented addresses cannot eat the memory.
pub const MAX_HOSTS: usize = 100_000;
/// Hosts on one port, so that one port cannot take all places. Room for a rack behind a plain switch.
pub const MAX_HOSTS_PER_PORT: usize = 1024;
/// IPv4 addresses, and IPv6 addresses, of one host: routers send with the addresses of others.
pub const MAX_ADDRESSES: usize = 16;
/// VLANs that one host is seen in: a machine that is in more is a switch.
pub const MAX_VLANS: usize = 64;

/// Claims that are under examination at a time; more are refused until one is decided.
const MAX_CLAIMS: usize = 1024;
/// The least time between two conflicts reported for one host.
const CONFLICT_INTERVAL: Duration = Duration::from_secs(1);

/// The hosts, by Ethernet address.
#[derive(Debug, Default)]
pub struct HostTracker {
    timing: Timing,
    hosts: BTreeMap<MacAddr, Entry>,
    by_ip: BTreeMap<IpAddr, MacAddr>,
    by_port: BTreeMap<PortRef, BTreeSet<MacAddr>>,
    claims: BTreeMap<MacAddr, Claim>,
    schedule: Schedule<(MacAddr, Timer)>,
    questions: Vec<Question>,
    refused: u64,
}

#[derive(Debug)]
struct Entry {
    host: Host,
    seen: Instant,
    reported: Option<Instant>,
    /// How often it was asked since it was last seen.
    asked: u32,
}

#[derive(Debug, Clone, Copy)]
struct Claim {
    port: PortRef,
    wall: SystemTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Forget,
    Decide,
    Ask,
}

impl HostTracker {
    /// A tracker that knows no host.
    #[must_use]
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            ..Self::default()
        }
    }

    /// A packet came in on the edge port `port`. `wall` is the time of day, for display only.
    pub fn observe(
        &mut self,
        sender: &Sender,
        port: PortRef,
        now: Instant,
        wall: SystemTime,
    ) -> Option<HostChange> {
        let mac = sender.mac;
        if mac.is_multicast() || mac == MacAddr::default() {
            return None;
        }
        let Some(entry) = self.hosts.get_mut(&mac) else {
            return self.add(sender, port, now, wall);
        };
        if entry.host.attachment == port {
            entry.seen = now;
            entry.host.last_seen = wall;
            entry.host.attached = true;
            let was_confirmed = std::mem::replace(&mut entry.host.confirmed, true);
            self.schedule.cancel((mac, Timer::Forget));
            self.is_here(mac, now);
            self.drop_claim(mac);
            let added = self.add_addresses(sender);
            return (added || !was_confirmed).then_some(HostChange::AddressAdded { mac });
        }
        if entry.host.attached {
            return self.claim(mac, port, now, wall);
        }
        let change = self.relocate(mac, port, now, wall);
        if change.is_some() {
            self.add_addresses(sender);
        }
        change
    }

    /// A port ceased to be an edge port. Its hosts are kept for [`Timing::host_memory`] and may turn up anywhere; those
    /// already claimed by another port move there now.
    pub fn port_gone(&mut self, port: PortRef, now: Instant) -> Vec<HostChange> {
        let void: Vec<MacAddr> = self
            .claims
            .iter()
            .filter(|(_, claim)| claim.port == port)
            .map(|(mac, _)| *mac)
            .collect();
        for mac in void {
            self.drop_claim(mac);
        }
        let mut changes = Vec::new();
        for mac in self.on_port(port) {
            if let Some(entry) = self.hosts.get_mut(&mac) {
                entry.host.attached = false;
                self.schedule.cancel((mac, Timer::Ask));
                let until = now + self.timing.host_memory;
                self.schedule.set((mac, Timer::Forget), until);
            }
            if let Some(claim) = self.claims.get(&mac).copied() {
                changes.extend(self.relocate(mac, claim.port, now, claim.wall));
            }
        }
        changes
    }

    /// A port is an edge port again: the hosts that were last seen there are asked whether they are there.
    pub fn port_back(&mut self, port: PortRef, now: Instant) {
        for mac in self.on_port(port) {
            if let Some(entry) = self.hosts.get_mut(&mac)
                && !entry.host.attached
            {
                entry.host.attached = true;
                entry.host.confirmed = false;
                entry.asked = 0;
                self.schedule.set((mac, Timer::Ask), now);
            }
            self.schedule.cancel((mac, Timer::Forget));
        }
    }

    /// The hosts on a port are to be found at another now, which leads to them as well.
    pub fn port_replaced(&mut self, port: PortRef, by: PortRef, now: Instant) -> Vec<HostChange> {
        let on_port = self.on_port(port).into_iter();
        on_port
            .filter_map(|mac| {
                let wall = self.get(mac)?.last_seen;
                self.relocate(mac, by, now, wall)
            })
            .collect()
    }

    /// Forgets a host. It is known again when it is next seen.
    pub fn forget(&mut self, mac: MacAddr) -> Option<HostChange> {
        self.remove(mac)
    }

    /// Forgets the hosts on a port at once: it turned out to lead to a switch, so they were never there.
    pub fn port_is_link(&mut self, port: PortRef) -> Vec<HostChange> {
        self.on_port(port)
            .into_iter()
            .filter_map(|mac| self.remove(mac))
            .collect()
    }

    /// Decides the claims that are due, asks hosts that were silent for too long, and forgets those that do not answer or
    /// whose port has been away for too long.
    pub fn poll(&mut self, now: Instant) -> Vec<HostChange> {
        let mut changes = Vec::new();
        while let Some((mac, timer)) = self.schedule.pop_due(now) {
            match timer {
                Timer::Forget => changes.extend(self.remove(mac)),
                Timer::Ask => changes.extend(self.ask_or_remove(mac, now)),
                Timer::Decide => {
                    if let Some(claim) = self.claims.remove(&mac) {
                        changes.extend(self.relocate(mac, claim.port, now, claim.wall));
                    }
                }
            }
        }
        changes
    }

    /// Whom to ask, since this was last called.
    pub fn take_questions(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.questions)
    }

    /// When [`Self::poll`] has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.schedule.next()
    }

    /// The host with this Ethernet address.
    #[must_use]
    pub fn get(&self, mac: MacAddr) -> Option<&Host> {
        self.hosts.get(&mac).map(|entry| &entry.host)
    }

    /// All hosts, by Ethernet address.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> + '_ {
        self.hosts.values().map(|entry| &entry.host)
    }

    /// Who holds which IP address.
    pub fn addresses(&self) -> impl Iterator<Item = (IpAddr, MacAddr)> + '_ {
        self.by_ip.iter().map(|(ip, mac)| (*ip, *mac))
    }

    /// How many sightings were refused because a bound was reached.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn add(
        &mut self,
        sender: &Sender,
        port: PortRef,
        now: Instant,
        wall: SystemTime,
    ) -> Option<HostChange> {
        let mac = sender.mac;
        if self.hosts.len() >= MAX_HOSTS || !self.has_room(port) {
            self.refused += 1;
            return None;
        }
        self.hosts.insert(
            mac,
            Entry {
                host: Host::new(mac, port, wall),
                seen: now,
                reported: None,
                asked: 0,
            },
        );
        self.by_port.entry(port).or_default().insert(mac);
        self.add_addresses(sender);
        let ask_at = now + self.timing.host_silence;
        self.schedule.set((mac, Timer::Ask), ask_at);
        Some(HostChange::Added { mac, at: port })
    }

    fn claim(
        &mut self,
        mac: MacAddr,
        port: PortRef,
        now: Instant,
        wall: SystemTime,
    ) -> Option<HostChange> {
        let entry = self.hosts.get_mut(&mac)?;
        if self.claims.get(&mac).is_none_or(|claim| claim.port != port) {
            if self.claims.len() >= MAX_CLAIMS && !self.claims.contains_key(&mac) {
                self.refused += 1;
                return None;
            }
            self.claims.insert(mac, Claim { port, wall });
            let decided = (now + ANSWER_TIME).max(entry.seen + MOVE_SILENCE);
            self.schedule.set((mac, Timer::Decide), decided);
        }
        if entry
            .reported
            .is_some_and(|last| now.saturating_duration_since(last) < CONFLICT_INTERVAL)
        {
            return None;
        }
        entry.reported = Some(now);
        let attached = entry.host.attachment;
        self.questions.extend(entry.host.questions());
        Some(HostChange::Conflict {
            mac,
            attached,
            claimed: port,
        })
    }

    /// A host was seen where it is: it need not be asked for a while.
    fn is_here(&mut self, mac: MacAddr, now: Instant) {
        if let Some(entry) = self.hosts.get_mut(&mac) {
            // One that speaks all the time would move its deadline all the time: it is looked at when it is due.
            let key = (mac, Timer::Ask);
            let ask_at = now + self.timing.host_silence;
            if std::mem::take(&mut entry.asked) > 0 || !self.schedule.contains(key) {
                self.schedule.set(key, ask_at);
            }
        }
    }

    fn ask_or_remove(&mut self, mac: MacAddr, now: Instant) -> Option<HostChange> {
        let entry = self.hosts.get_mut(&mac)?;
        let silent_at = entry.seen + self.timing.host_silence;
        let next = if entry.host.confirmed && now < silent_at {
            silent_at
        } else if entry.asked >= QUESTIONS {
            return self.remove(mac);
        } else if entry.host.confirmed && entry.host.addresses().next().is_none() {
            now + self.timing.host_silence
        } else {
            entry.asked += 1;
            self.questions.extend(entry.host.questions());
            now + ANSWER_TIME
        };
        self.schedule.set((mac, Timer::Ask), next);
        None
    }

    fn drop_claim(&mut self, mac: MacAddr) {
        if self.claims.remove(&mac).is_some() {
            self.schedule.cancel((mac, Timer::Decide));
        }
    }

    fn relocate(
        &mut self,
        mac: MacAddr,
        to: PortRef,
        now: Instant,
        wall: SystemTime,
    ) -> Option<HostChange> {
        if !self.has_room(to) {
            self.refused += 1;
            return None;
        }
        self.drop_claim(mac);
        self.schedule.cancel((mac, Timer::Forget));
        let entry = self.hosts.get_mut(&mac)?;
        let from = std::mem::replace(&mut entry.host.attachment, to);
        entry.host.attached = true;
        entry.host.confirmed = true;
        entry.host.last_seen = wall;
        entry.seen = now;
        self.is_here(mac, now);
        self.leave_port(mac, from);
        self.by_port.entry(to).or_default().insert(mac);
        Some(HostChange::Moved { mac, from, to })
    }

    fn remove(&mut self, mac: MacAddr) -> Option<HostChange> {
        let host = self.hosts.remove(&mac)?.host;
        self.drop_claim(mac);
        self.schedule.cancel((mac, Timer::Forget));
        self.schedule.cancel((mac, Timer::Ask));
        self.leave_port(mac, host.attachment);
        for ip in host.addresses() {
            self.by_ip.remove(&ip);
        }
        Some(HostChange::Gone {
            mac,
            at: host.attachment,
        })
    }

    fn leave_port(&mut self, mac: MacAddr, port: PortRef) {
        if let Some(macs) = self.by_port.get_mut(&port) {
            macs.remove(&mac);
            if macs.is_empty() {
                self.by_port.remove(&port);
            }
        }
    }

    /// Whether any of the addresses, or the VLAN, is new to the host. An address that another host had is taken from it.
    fn add_addresses(&mut self, sender: &Sender) -> bool {
        let (mac, vlan) = (sender.mac, sender.vlan.filter(|vlan| *vlan != 0));
        let mut added = false;
        if let (Some(vlan), Some(entry)) = (vlan, self.hosts.get_mut(&mac)) {
            let vlans = &mut entry.host.vlans;
            added = vlans.len() < MAX_VLANS && vlans.insert(vlan);
        }
        for ip in sender.addresses.iter().filter(|ip| names_a_host(**ip)) {
            let Some(entry) = self.hosts.get_mut(&mac) else {
                break;
            };
            let is_new = entry.host.insert(*ip);
            if is_new || entry.host.has(*ip) {
                added |= entry.host.tag(*ip, vlan);
            }
            if !is_new {
                continue;
            }
            added = true;
            let before = self.by_ip.insert(*ip, mac).filter(|before| *before != mac);
            if let Some(other) = before.and_then(|before| self.hosts.get_mut(&before)) {
                other.host.take(*ip);
            }
        }
        added
    }

    fn has_room(&self, port: PortRef) -> bool {
        self.by_port
            .get(&port)
            .is_none_or(|macs| macs.len() < MAX_HOSTS_PER_PORT)
    }

    fn on_port(&self, port: PortRef) -> Vec<MacAddr> {
        self.by_port
            .get(&port)
            .into_iter()
            .flatten()
            .copied()
            .collect()
    }
}

fn names_a_host(ip: IpAddr) -> bool {
    let broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    !(ip.is_unspecified() || ip.is_multicast() || ip.is_loopback() || broadcast)
}

#[cfg(test)]
mod tests;
