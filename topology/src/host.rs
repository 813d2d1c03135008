//! Where the hosts are.
//!
//! A state machine without I/O, fed with the sender addresses of packets that came in on edge ports.
//!
//! A host is followed to another port at once when its old port is gone: that is how a cable is moved. While
//! the old port is up, the newcomer may be an impostor, so the claim is only noted and reported as a
//! [`HostChange::Conflict`]. Whoever gets that should ask for the host at its old place (an ARP request sent
//! out of that port). A sign of life from there ends the claim; [`ANSWER_TIME`] without one, and
//! [`MOVE_SILENCE`] since the last, and the claim is granted. Silence alone proves little, since a host whose
//! traffic has rules is never heard of; that is why it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant, SystemTime};

use godwit_openflow::types::MacAddr;

use crate::link::PortRef;
use crate::schedule::Schedule;

/// How long a host must have been silent at a port that is up before it is believed to have left it.
pub const MOVE_SILENCE: Duration = Duration::from_secs(5);
/// How long a host that was claimed elsewhere has to answer at its old place.
pub const ANSWER_TIME: Duration = Duration::from_secs(1);
/// How long a host is remembered after its port went away: time for a switch to come back.
pub const STALE_TIME: Duration = Duration::from_secs(120);
/// Hosts that are tracked; more are refused, so that invented addresses cannot eat the memory.
pub const MAX_HOSTS: usize = 100_000;
/// Hosts on one port, so that one port cannot take all places. Room for a rack behind a plain switch.
pub const MAX_HOSTS_PER_PORT: usize = 1024;
/// IPv4 addresses, and IPv6 addresses, of one host: routers send with the addresses of others.
pub const MAX_ADDRESSES: usize = 16;

/// Claims that are under examination at a time; more are refused until one is decided.
const MAX_CLAIMS: usize = 1024;
/// The least time between two conflicts reported for one host.
const CONFLICT_INTERVAL: Duration = Duration::from_secs(1);

/// A host as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its Ethernet address, by which it is known.
    pub mac: MacAddr,
    /// Its IPv4 addresses.
    pub ipv4: BTreeSet<Ipv4Addr>,
    /// Its IPv6 addresses.
    pub ipv6: BTreeSet<Ipv6Addr>,
    /// The edge port it was last seen on.
    pub attachment: PortRef,
    /// Whether that port is still there.
    pub attached: bool,
    /// When it was last seen.
    pub last_seen: SystemTime,
}

/// What changed about a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostChange {
    /// A host that was not known.
    Added {
        /// The host.
        mac: MacAddr,
        /// Its port.
        at: PortRef,
    },
    /// A host is now on another port.
    Moved {
        /// The host.
        mac: MacAddr,
        /// Its old port.
        from: PortRef,
        /// Its new port.
        to: PortRef,
    },
    /// A host has a further IP address.
    AddressAdded {
        /// The host.
        mac: MacAddr,
    },
    /// A host that may still be on its port was seen on another: it is moving, or someone pretends to be it.
    Conflict {
        /// The host.
        mac: MacAddr,
        /// The port it keeps for now, where it should be asked for.
        attached: PortRef,
        /// The port where its address turned up.
        claimed: PortRef,
    },
    /// A host was forgotten.
    Gone {
        /// The host.
        mac: MacAddr,
        /// Its last port.
        at: PortRef,
    },
}

/// The hosts, by Ethernet address.
#[derive(Debug, Default)]
pub struct HostTracker {
    hosts: BTreeMap<MacAddr, Entry>,
    by_ip: BTreeMap<IpAddr, MacAddr>,
    by_port: BTreeMap<PortRef, BTreeSet<MacAddr>>,
    claims: BTreeMap<MacAddr, Claim>,
    schedule: Schedule<(MacAddr, Timer)>,
    refused: u64,
}

#[derive(Debug)]
struct Entry {
    host: Host,
    seen: Instant,
    reported: Option<Instant>,
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
}

impl HostTracker {
    /// A tracker that knows no host.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A packet from `mac`, with these sender addresses, came in on the edge port `port`. `wall` is the time of
    /// day, for display only.
    pub fn observe(
        &mut self,
        mac: MacAddr,
        ips: &[IpAddr],
        port: PortRef,
        now: Instant,
        wall: SystemTime,
    ) -> Option<HostChange> {
        if mac.is_multicast() || mac == MacAddr::default() {
            return None;
        }
        let Some(entry) = self.hosts.get_mut(&mac) else {
            return self.add(mac, ips, port, now, wall);
        };
        if entry.host.attachment == port {
            entry.seen = now;
            entry.host.last_seen = wall;
            entry.host.attached = true;
            self.schedule.cancel((mac, Timer::Forget));
            self.drop_claim(mac);
            return self
                .add_addresses(mac, ips)
                .then_some(HostChange::AddressAdded { mac });
        }
        if entry.host.attached {
            return self.claim(mac, port, now, wall);
        }
        let change = self.relocate(mac, port, now, wall);
        if change.is_some() {
            self.add_addresses(mac, ips);
        }
        change
    }

    /// A port ceased to be an edge port. Its hosts are kept for [`STALE_TIME`] and may turn up anywhere; those
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
                self.schedule.set((mac, Timer::Forget), now + STALE_TIME);
            }
            if let Some(claim) = self.claims.get(&mac).copied() {
                changes.extend(self.relocate(mac, claim.port, now, claim.wall));
            }
        }
        changes
    }

    /// A port is an edge port again: the hosts that were last seen there are taken to be there.
    pub fn port_back(&mut self, port: PortRef) {
        for mac in self.on_port(port) {
            if let Some(entry) = self.hosts.get_mut(&mac) {
                entry.host.attached = true;
            }
            self.schedule.cancel((mac, Timer::Forget));
        }
    }

    /// Forgets the hosts on a port at once: it turned out to lead to a switch, so they were never there.
    pub fn port_is_link(&mut self, port: PortRef) -> Vec<HostChange> {
        self.on_port(port)
            .into_iter()
            .filter_map(|mac| self.remove(mac))
            .collect()
    }

    /// Decides the claims that are due, and forgets hosts whose port has been away for too long.
    pub fn poll(&mut self, now: Instant) -> Vec<HostChange> {
        let mut changes = Vec::new();
        while let Some((mac, timer)) = self.schedule.pop_due(now) {
            match timer {
                Timer::Forget => changes.extend(self.remove(mac)),
                Timer::Decide => {
                    if let Some(claim) = self.claims.remove(&mac) {
                        changes.extend(self.relocate(mac, claim.port, now, claim.wall));
                    }
                }
            }
        }
        changes
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
        mac: MacAddr,
        ips: &[IpAddr],
        port: PortRef,
        now: Instant,
        wall: SystemTime,
    ) -> Option<HostChange> {
        if self.hosts.len() >= MAX_HOSTS || !self.has_room(port) {
            self.refused += 1;
            return None;
        }
        let host = Host {
            mac,
            ipv4: BTreeSet::new(),
            ipv6: BTreeSet::new(),
            attachment: port,
            attached: true,
            last_seen: wall,
        };
        self.hosts.insert(
            mac,
            Entry {
                host,
                seen: now,
                reported: None,
            },
        );
        self.by_port.entry(port).or_default().insert(mac);
        self.add_addresses(mac, ips);
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
        Some(HostChange::Conflict {
            mac,
            attached: entry.host.attachment,
            claimed: port,
        })
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
        entry.host.last_seen = wall;
        entry.seen = now;
        self.leave_port(mac, from);
        self.by_port.entry(to).or_default().insert(mac);
        Some(HostChange::Moved { mac, from, to })
    }

    fn remove(&mut self, mac: MacAddr) -> Option<HostChange> {
        let host = self.hosts.remove(&mac)?.host;
        self.drop_claim(mac);
        self.schedule.cancel((mac, Timer::Forget));
        self.leave_port(mac, host.attachment);
        for ip in host
            .ipv4
            .iter()
            .map(|ip| IpAddr::V4(*ip))
            .chain(host.ipv6.iter().map(|ip| IpAddr::V6(*ip)))
        {
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

    /// Whether any of the addresses is new to the host. An address that another host had is taken from it.
    fn add_addresses(&mut self, mac: MacAddr, ips: &[IpAddr]) -> bool {
        let mut added = false;
        for ip in ips.iter().filter(|ip| names_a_host(**ip)) {
            let Some(entry) = self.hosts.get_mut(&mac) else {
                break;
            };
            if !insert_address(&mut entry.host, *ip) {
                continue;
            }
            added = true;
            let before = self.by_ip.insert(*ip, mac).filter(|before| *before != mac);
            if let Some(other) = before.and_then(|before| self.hosts.get_mut(&before)) {
                remove_address(&mut other.host, *ip);
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

fn insert_address(host: &mut Host, ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => host.ipv4.len() < MAX_ADDRESSES && host.ipv4.insert(ip),
        IpAddr::V6(ip) => host.ipv6.len() < MAX_ADDRESSES && host.ipv6.insert(ip),
    }
}

fn remove_address(host: &mut Host, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => host.ipv4.remove(&ip),
        IpAddr::V6(ip) => host.ipv6.remove(&ip),
    };
}

#[cfg(test)]
mod tests;
