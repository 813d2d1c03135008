//! From a captured packet to its TCP segment.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice, ip_number};
use pcap_parser::Linktype;

/// A link-layer header that is not read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("link type {0} is not read here (Ethernet, Linux cooked, raw IP and loopback are)")]
pub(super) struct UnknownLink(pub(super) i32);

/// What a packet is for TCP.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    Segment(Segment<'a>),
    Fragment(Fragment),
    /// Something else, or too short to say.
    Other,
}

/// A part of an IP packet that holds TCP.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    source: IpAddr,
    destination: IpAddr,
    /// Source and destination, which only the first part has.
    ports: Option<(u16, u16)>,
}

impl Fragment {
    /// Source and destination, if this is the first part.
    pub(super) fn addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        let (source, destination) = self.ports?;
        Some((
            SocketAddr::new(self.source, source),
            SocketAddr::new(self.destination, destination),
        ))
    }
}

/// A TCP segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) sequence: u32,
    /// The next byte that the sender expects, if the segment says so.
    pub(super) acknowledgment: Option<u32>,
    pub(super) syn: bool,
    pub(super) payload: &'a [u8],
}

/// Reads a packet.
///
/// # Errors
/// When its link type is not one that is read here.
pub(super) fn read(link: Linktype, data: &[u8]) -> Result<Packet<'_>, UnknownLink> {
    let header = header(link).ok_or(UnknownLink(link.0))?;
    Ok(sliced(header, data).as_ref().map_or(Packet::Other, tcp))
}

/// What stands before the network layer.
#[derive(Clone, Copy)]
enum Header {
    Ethernet,
    /// A header of `length` bytes with an EtherType at `ether_type`.
    Cooked {
        length: usize,
        ether_type: usize,
    },
    /// This many bytes, then IP.
    Ip {
        skip: usize,
    },
}

/// By the numbers of <https://www.tcpdump.org/linktypes.html>.
const fn header(link: Linktype) -> Option<Header> {
    match link {
        Linktype::ETHERNET => Some(Header::Ethernet),
        Linktype::LINUX_SLL => Some(Header::Cooked {
            length: 16,
            ether_type: 14,
        }),
        Linktype::LINUX_SLL2 => Some(Header::Cooked {
            length: 20,
            ether_type: 0,
        }),
        // The address family, which is a different number on every system for IPv6: IP has its own version.
        Linktype::NULL | Linktype::LOOP => Some(Header::Ip { skip: 4 }),
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 => Some(Header::Ip { skip: 0 }),
        // What some systems write for raw IP.
        Linktype(12 | 14) => Some(Header::Ip { skip: 0 }),
        _ => None,
    }
}

fn sliced(header: Header, data: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    match header {
        Header::Ethernet => LaxSlicedPacket::from_ethernet(data).ok(),
        Header::Cooked { length, ether_type } => {
            let rest = data.get(length..)?;
            let number = data.get(ether_type..)?.first_chunk()?;
            let ether_type = EtherType(u16::from_be_bytes(*number));
            Some(LaxSlicedPacket::from_ether_type(ether_type, rest))
        }
        Header::Ip { skip } => LaxSlicedPacket::from_ip(data.get(skip..)?).ok(),
    }
}

fn tcp<'a>(packet: &LaxSlicedPacket<'a>) -> Packet<'a> {
    let (source, destination): (IpAddr, IpAddr) = match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        Some(LaxNetSlice::Ipv6(ip)) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        Some(LaxNetSlice::Arp(_)) | None => return Packet::Other,
    };
    if let Some(TransportSlice::Tcp(tcp)) = &packet.transport {
        return Packet::Segment(Segment {
            source: SocketAddr::new(source, tcp.source_port()),
            destination: SocketAddr::new(destination, tcp.destination_port()),
            sequence: tcp.sequence_number(),
            acknowledgment: tcp.ack().then(|| tcp.acknowledgment_number()),
            syn: tcp.syn(),
            payload: tcp.payload(),
        });
    }
    let payload = packet.net.as_ref().and_then(LaxNetSlice::ip_payload_ref);
    match payload {
        Some(ip) if ip.fragmented && ip.ip_number == ip_number::TCP => Packet::Fragment(Fragment {
            source,
            destination,
            ports: is_first_fragment(packet)
                .then(|| ports(ip.payload))
                .flatten(),
        }),
        _ => Packet::Other,
    }
}

fn is_first_fragment(packet: &LaxSlicedPacket<'_>) -> bool {
    match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => ip.header().fragments_offset().value() == 0,
        Some(LaxNetSlice::Ipv6(ip)) => ip.extensions().clone().into_iter().all(|extension| {
            !matches!(extension, etherparse::Ipv6ExtensionSlice::Fragment(fragment)
                if fragment.fragment_offset().value() != 0)
        }),
        Some(LaxNetSlice::Arp(_)) | None => false,
    }
}

/// Source and destination port, the first two fields of TCP.
fn ports(payload: &[u8]) -> Option<(u16, u16)> {
    let &[a, b, c, d] = payload.first_chunk()?;
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

#[cfg(test)]
mod tests;
