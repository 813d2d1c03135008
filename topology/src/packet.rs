//! As much of a packet as it takes to learn hosts and to tell flows apart.
//!
//! Reads from a borrowed frame, copies nothing and never fails on what it does not know: a field that is
//! absent, cut off or of another protocol is simply not there. Only a frame too short for an Ethernet header
//! is no packet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::{BufMut, Bytes, BytesMut};
use godwit_openflow::types::MacAddr;

mod arp;
mod ndp;

use crate::host::Sender;

pub use arp::{Arp, arp_reply, arp_request};
pub use ndp::neighbour_solicitation;

/// The Ethernet type of ARP.
pub const ETHERTYPE_ARP: u16 = 0x0806;
/// The Ethernet type of IPv4.
pub const ETHERTYPE_IPV4: u16 = 0x0800;
/// The Ethernet type of IPv6.
pub const ETHERTYPE_IPV6: u16 = 0x86dd;

const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_SERVICE_VLAN: u16 = 0x88a8;
/// Extension headers looked through for the transport header; senders use one or two.
const MAX_EXTENSIONS: usize = 8;

/// What was read of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParsedPacket {
    /// The sender.
    pub eth_src: MacAddr,
    /// The receiver.
    pub eth_dst: MacAddr,
    /// The Ethernet type behind all VLAN tags, or a length if below 0x0600.
    pub eth_type: u16,
    /// The outer VLAN tag.
    pub vlan: Option<VlanTag>,
    /// The tag within that one.
    pub inner_vlan: Option<VlanTag>,
    /// The ARP message.
    pub arp: Option<Arp>,
    /// The IPv4 header.
    pub ipv4: Option<Ipv4>,
    /// The IPv6 header.
    pub ipv6: Option<Ipv6>,
    /// The transport header's ports.
    pub ports: Option<TransportPorts>,
}

/// A VLAN tag (IEEE 802.1Q).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VlanTag {
    /// The tag protocol identifier: 0x8100 or 0x88a8.
    pub tpid: u16,
    /// The VLAN's number, 12 bits.
    pub vid: u16,
    /// The priority, 3 bits.
    pub pcp: u8,
}

/// What was read of an IPv4 header (RFC 791).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4 {
    /// The sender.
    pub src: Ipv4Addr,
    /// The receiver.
    pub dst: Ipv4Addr,
    /// The protocol number of what it carries.
    pub proto: u8,
}

/// What was read of an IPv6 header (RFC 8200).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv6 {
    /// The sender.
    pub src: Ipv6Addr,
    /// The receiver.
    pub dst: Ipv6Addr,
    /// The protocol number of what it carries, behind the extension headers that could be read.
    pub proto: u8,
}

/// The ports of TCP, UDP or SCTP. Absent in all fragments but the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportPorts {
    /// The sender's.
    pub src: u16,
    /// The receiver's.
    pub dst: u16,
}

impl ParsedPacket {
    /// Reads a frame; none if it is too short for an Ethernet header.
    #[must_use]
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let mut rest = Reader(frame);
        let eth_dst = MacAddr(rest.take()?);
        let eth_src = MacAddr(rest.take()?);
        let mut eth_type = rest.u16()?;
        let vlan = take_tag(&mut rest, &mut eth_type);
        let inner_vlan = vlan.and_then(|_| take_tag(&mut rest, &mut eth_type));
        let mut packet = Self {
            eth_src,
            eth_dst,
            eth_type,
            vlan,
            inner_vlan,
            arp: None,
            ipv4: None,
            ipv6: None,
            ports: None,
        };
        match eth_type {
            ETHERTYPE_ARP => packet.arp = Arp::parse(&mut rest),
            ETHERTYPE_IPV4 => {
                (packet.ipv4, packet.ports) =
                    ipv4(rest).map_or((None, None), |(ip, ports)| (Some(ip), ports));
            }
            ETHERTYPE_IPV6 => {
                (packet.ipv6, packet.ports) =
                    ipv6(rest).map_or((None, None), |(ip, ports)| (Some(ip), ports));
            }
            _ => {}
        }
        Some(packet)
    }

    /// The IP address that the packet shows its sender to have: ARP's word if it speaks for `eth_src` itself,
    /// or the IP source. Unspecified and multicast addresses are left out.
    #[must_use]
    pub fn sender_ip(&self) -> Option<IpAddr> {
        let arp = self
            .arp
            .filter(|arp| arp.sha == self.eth_src)
            .map(|arp| IpAddr::V4(arp.spa));
        arp.or(self.ipv4.map(|ip| IpAddr::V4(ip.src)))
            .or(self.ipv6.map(|ip| IpAddr::V6(ip.src)))
            .filter(|ip| !ip.is_unspecified() && !ip.is_multicast())
    }

    /// What the packet says of its sender.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender {
            mac: self.eth_src,
            addresses: self.sender_ip().into_iter().collect(),
            vlan: self.vlan_id(),
        }
    }

    /// The VLAN that the packet is in, by its outer tag. A tag with the number 0 is only a priority (IEEE 802.1Q
    /// §6.9.1).
    #[must_use]
    pub fn vlan_id(&self) -> Option<u16> {
        self.vlan.map(|tag| tag.vid).filter(|vid| *vid != 0)
    }

    /// The protocol number that IP carries.
    #[must_use]
    pub fn ip_proto(&self) -> Option<u8> {
        self.ipv4
            .map(|ip| ip.proto)
            .or(self.ipv6.map(|ip| ip.proto))
    }
}

/// A frame with a VLAN tag put into it.
#[must_use]
pub fn tagged(frame: &Bytes, vid: u16) -> Bytes {
    let (addresses, rest) = frame.split_at(frame.len().min(12));
    let mut tagged = BytesMut::with_capacity(frame.len() + 4);
    tagged.put_slice(addresses);
    tagged.put_u16(ETHERTYPE_VLAN);
    tagged.put_u16(vid & 0x0fff);
    tagged.put_slice(rest);
    tagged.freeze()
}

/// What is left of a frame. Every read is checked.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    fn u8(&mut self) -> Option<u8> {
        self.take().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }
}

fn take_tag(rest: &mut Reader<'_>, eth_type: &mut u16) -> Option<VlanTag> {
    if !matches!(*eth_type, ETHERTYPE_VLAN | ETHERTYPE_SERVICE_VLAN) {
        return None;
    }
    let mut ahead = *rest;
    let (control, inner_type) = (ahead.u16()?, ahead.u16()?);
    let tag = VlanTag {
        tpid: *eth_type,
        vid: control & 0x0fff,
        pcp: (control >> 13) as u8,
    };
    *rest = ahead;
    *eth_type = inner_type;
    Some(tag)
}

fn ipv4(mut rest: Reader<'_>) -> Option<(Ipv4, Option<TransportPorts>)> {
    let first = rest.u8()?;
    let header_len = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || header_len < 20 {
        return None;
    }
    rest.skip(5)?;
    let fragment_offset = rest.u16()? & 0x1fff;
    rest.skip(1)?;
    let proto = rest.u8()?;
    rest.skip(2)?;
    let ip = Ipv4 {
        src: rest.take::<4>()?.into(),
        dst: rest.take::<4>()?.into(),
        proto,
    };
    let ports = (fragment_offset == 0)
        .then(|| {
            rest.skip(header_len - 20)
                .and_then(|()| transport_ports(proto, rest))
        })
        .flatten();
    Some((ip, ports))
}

fn ipv6(mut rest: Reader<'_>) -> Option<(Ipv6, Option<TransportPorts>)> {
    if rest.u8()? >> 4 != 6 {
        return None;
    }
    rest.skip(5)?;
    let next_header = rest.u8()?;
    rest.skip(1)?;
    let (src, dst) = (rest.take::<16>()?.into(), rest.take::<16>()?.into());
    let (proto, first_fragment) = skip_extensions(&mut rest, next_header);
    let ports = first_fragment
        .then(|| transport_ports(proto, rest))
        .flatten();
    Some((Ipv6 { src, dst, proto }, ports))
}

/// Goes past the extension headers (RFC 8200 §4). The protocol behind them, and whether its header follows.
fn skip_extensions(rest: &mut Reader<'_>, mut proto: u8) -> (u8, bool) {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const DESTINATION: u8 = 60;
    for _ in 0..MAX_EXTENSIONS {
        let mut ahead = *rest;
        match proto {
            HOP_BY_HOP | ROUTING | DESTINATION => {
                let Some([next, length]) = ahead.take() else {
                    return (proto, false);
                };
                if ahead.skip(usize::from(length) * 8 + 6).is_none() {
                    return (proto, false);
                }
                proto = next;
            }
            FRAGMENT => {
                let Some([next, _, high, low, ..]) = ahead.take::<8>() else {
                    return (proto, false);
                };
                proto = next;
                if u16::from_be_bytes([high, low]) >> 3 != 0 {
                    return (proto, false);
                }
            }
            _ => return (proto, true),
        }
        *rest = ahead;
    }
    (proto, false)
}

fn transport_ports(proto: u8, mut rest: Reader<'_>) -> Option<TransportPorts> {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    const SCTP: u8 = 132;
    if !matches!(proto, TCP | UDP | SCTP) {
        return None;
    }
    Some(TransportPorts {
        src: rest.u16()?,
        dst: rest.u16()?,
    })
}

#[cfg(test)]
mod tests;
