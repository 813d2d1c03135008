//! What is known of a host, what changes about it, and what is asked of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use godwit_openflow::types::MacAddr;

use super::MAX_ADDRESSES;
use crate::link::PortRef;

/// A host as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its Ethernet address, by which it is known.
    pub mac: MacAddr,
    /// Its IPv4 addresses.
    pub ipv4: BTreeSet<Ipv4Addr>,
    /// Its IPv6 addresses.
    pub ipv6: BTreeSet<Ipv6Addr>,
    /// The VLANs that it has sent in. Frames without a tag, or with a tag that is only a priority, are in none.
    pub vlans: BTreeSet<u16>,
    /// The edge port it was last seen on.
    pub attachment: PortRef,
    /// Whether that port is still there.
    pub attached: bool,
    /// Whether it was heard since that port came up.
    pub confirmed: bool,
    /// When it was last seen.
    pub last_seen: SystemTime,
    /// The VLANs that its addresses are in, as far as they are in one.
    tags: BTreeMap<IpAddr, u16>,
}

impl Host {
    pub(super) fn new(mac: MacAddr, at: PortRef, last_seen: SystemTime) -> Self {
        Self {
            mac,
            ipv4: BTreeSet::new(),
            ipv6: BTreeSet::new(),
            vlans: BTreeSet::new(),
            attachment: at,
            attached: true,
            confirmed: true,
            last_seen,
            tags: BTreeMap::new(),
        }
    }

    /// Whether it is there, as far as is known: its port is up, and it was heard on it since it came up.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.attached && self.confirmed
    }

    /// The VLAN in which it has shown an address; none if without a tag.
    #[must_use]
    pub fn vlan_of(&self, address: IpAddr) -> Option<u16> {
        self.tags.get(&address).copied()
    }

    /// Whether an address is one of its own.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.ipv4.contains(&address),
            IpAddr::V6(address) => self.ipv6.contains(&address),
        }
    }

    /// Notes the VLAN that an address is in; whether that is news.
    pub(super) fn tag(&mut self, address: IpAddr, vlan: Option<u16>) -> bool {
        let before = match vlan {
            Some(vlan) => self.tags.insert(address, vlan),
            None => self.tags.remove(&address),
        };
        before != vlan
    }

    /// Adds an address; false if it has it, or as many as it may.
    pub(super) fn insert(&mut self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => self.ipv4.len() < MAX_ADDRESSES && self.ipv4.insert(ip),
            IpAddr::V6(ip) => self.ipv6.len() < MAX_ADDRESSES && self.ipv6.insert(ip),
        }
    }

    pub(super) fn take(&mut self, ip: IpAddr) {
        self.tags.remove(&ip);
        match ip {
            IpAddr::V4(ip) => self.ipv4.remove(&ip),
            IpAddr::V6(ip) => self.ipv6.remove(&ip),
        };
    }

    /// To be asked whether it is still there: for each of its addresses, since it may have given up some.
    pub(super) fn questions(&self) -> impl Iterator<Item = Question> + '_ {
        self.addresses().map(|address| Question {
            mac: self.mac,
            at: self.attachment,
            address,
            vlan: self.vlan_of(address),
        })
    }

    /// Its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let v4 = self.ipv4.iter().map(|ip| IpAddr::V4(*ip));
        v4.chain(self.ipv6.iter().map(|ip| IpAddr::V6(*ip)))
    }
}

/// What a packet says of its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The Ethernet address.
    pub mac: MacAddr,
    /// IP addresses that it claims.
    pub addresses: Vec<IpAddr>,
    /// The VLAN that the packet is in, if it has a tag.
    pub vlan: Option<u16>,
}

/// A host that is to be asked whether it is still there. Its answer is a sighting like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The host.
    pub mac: MacAddr,
    /// Where to ask.
    pub at: PortRef,
    /// For which of its addresses.
    pub address: IpAddr,
    /// In which VLAN that is.
    pub vlan: Option<u16>,
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
    /// A host has a further IP address, is in a further VLAN, or was heard again after its port came back.
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
