//! ARP for IPv4 over Ethernet (RFC 826).

use std::net::Ipv4Addr;

use bytes::{BufMut, Bytes, BytesMut};
use godwit_openflow::types::MacAddr;

use super::{ETHERTYPE_ARP, Reader};

/// What every such message begins with, before the operation: Ethernet, IPv4, lengths 6 and 4.
const PREFIX: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];
/// The least length of an Ethernet frame without its check sequence.
const MIN_FRAME_LEN: usize = 60;

/// An ARP message for IPv4 over Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub op: u16,
    /// The sender's Ethernet address.
    pub sha: MacAddr,
    /// The sender's IPv4 address.
    pub spa: Ipv4Addr,
    /// The target's Ethernet address.
    pub tha: MacAddr,
    /// The target's IPv4 address.
    pub tpa: Ipv4Addr,
}

impl Arp {
    /// The operation of a request.
    pub const REQUEST: u16 = 1;
    /// The operation of a reply.
    pub const REPLY: u16 = 2;

    pub(super) fn parse(rest: &mut Reader<'_>) -> Option<Self> {
        if rest.take()? != PREFIX {
            return None;
        }
        Some(Self {
            op: rest.u16()?,
            sha: MacAddr(rest.take()?),
            spa: rest.take::<4>()?.into(),
            tha: MacAddr(rest.take()?),
            tpa: rest.take::<4>()?.into(),
        })
    }
}

/// The untagged frame that answers a request on behalf of the host asked for, whose Ethernet address is `mac`.
#[must_use]
pub fn arp_reply(request: &Arp, mac: MacAddr) -> Bytes {
    let reply = Arp {
        op: Arp::REPLY,
        sha: mac,
        spa: request.tpa,
        tha: request.sha,
        tpa: request.spa,
    };
    frame(request.sha, mac, &reply)
}

/// The untagged frame that asks the host `target` whether it still has the address `ip`.
///
/// The sender's IPv4 address is left zero, so that nobody learns from it (an ARP probe, RFC 5227 §2.1.1).
#[must_use]
pub fn arp_request(target: MacAddr, ip: Ipv4Addr, sender: MacAddr) -> Bytes {
    let request = Arp {
        op: Arp::REQUEST,
        sha: sender,
        spa: Ipv4Addr::UNSPECIFIED,
        tha: MacAddr::default(),
        tpa: ip,
    };
    frame(target, sender, &request)
}

fn frame(eth_dst: MacAddr, eth_src: MacAddr, arp: &Arp) -> Bytes {
    let mut frame = BytesMut::with_capacity(MIN_FRAME_LEN);
    frame.put_slice(&eth_dst.0);
    frame.put_slice(&eth_src.0);
    frame.put_u16(ETHERTYPE_ARP);
    frame.put_slice(&PREFIX);
    frame.put_u16(arp.op);
    frame.put_slice(&arp.sha.0);
    frame.put_slice(&arp.spa.octets());
    frame.put_slice(&arp.tha.0);
    frame.put_slice(&arp.tpa.octets());
    frame.resize(MIN_FRAME_LEN, 0);
    frame.freeze()
}
