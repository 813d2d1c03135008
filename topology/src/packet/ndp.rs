//! Neighbour discovery for IPv6 over Ethernet (RFC 4861).

use std::net::Ipv6Addr;

use bytes::{BufMut, Bytes, BytesMut};
use godwit_openflow::types::MacAddr;

use super::ETHERTYPE_IPV6;

const ICMPV6: u8 = 58;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;
/// The receiver drops what a router may have passed on (RFC 4861 §7.1.1).
const HOP_LIMIT: u8 = 255;

/// The untagged frame that asks the host `target` whether it still has the address `ip` (RFC 4861 §4.3, to one station
/// as for finding out whether it can be reached, §7.3).
#[must_use]
pub fn neighbour_solicitation(target: MacAddr, ip: Ipv6Addr, sender: MacAddr) -> Bytes {
    let own = link_local(sender);
    let mut message = BytesMut::with_capacity(32);
    message.put_u8(NEIGHBOUR_SOLICITATION);
    message.put_bytes(0, 7); // code, checksum, reserved
    message.put_slice(&ip.octets());
    message.put_slice(&[SOURCE_LINK_LAYER_ADDRESS, 1]);
    message.put_slice(&sender.0);
    let checksum = checksum(own, ip, &message);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());

    let mut frame = BytesMut::with_capacity(14 + 40 + message.len());
    frame.put_slice(&target.0);
    frame.put_slice(&sender.0);
    frame.put_u16(ETHERTYPE_IPV6);
    frame.put_u32(6 << 28);
    frame.put_u16(message.len() as u16);
    frame.put_slice(&[ICMPV6, HOP_LIMIT]);
    frame.put_slice(&own.octets());
    frame.put_slice(&ip.octets());
    frame.put_slice(&message);
    frame.freeze()
}

/// The address that a station gives itself (RFC 4291 §2.5.6, appendix A).
fn link_local(mac: MacAddr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    let half = |high, low| u16::from_be_bytes([high, low]);
    let interface = [half(a ^ 2, b), half(c, 0xff), half(0xfe, d), half(e, f)];
    let [first, second, third, fourth] = interface;
    Ipv6Addr::new(0xfe80, 0, 0, 0, first, second, third, fourth)
}

/// The sum over the message and what of the IP header stands for its ends (RFC 8200 §8.1).
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let words = message.chunks(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        [high] => u16::from_be_bytes([*high, 0]),
        _ => 0,
    });
    let ends = source.segments().into_iter().chain(destination.segments());
    let length = message.len() as u32 + u32::from(ICMPV6);
    let sum = words
        .chain(ends)
        .fold(length, |sum, word| sum + u32::from(word));
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}
