//! The same for what switches pass up from the network: LLDP and other packets.

use std::hint::black_box;
use std::sync::LazyLock;

use godwit_openflow::types::MacAddr;
use godwit_topology::discovery::lldp::{self, Decoded};
use godwit_topology::packet;
use godwit_topology::{ParsedPacket, RunKey};

use super::Measure;

/// The most memory that reading one packet may ask for: it is read in place.
const PACKET_LIMIT: u64 = 4096;

static KEY: LazyLock<RunKey> = LazyLock::new(|| RunKey::generate().unwrap());

/// The bytes as an LLDP frame: they can be read or are refused, and none of them passes for a probe of this run.
/// A probe that was made of what they say is read as this run's own.
pub fn lldp(data: &[u8], measure: Measure) {
    let key = &*KEY;
    let asked = measure(&mut || {
        black_box(lldp::decode(key, data)).ok();
    });
    assert!(asked <= PACKET_LIMIT, "{asked} bytes of memory");
    if let Ok(Decoded::Probe {
        from,
        nonce,
        reach,
        authentic,
    }) = lldp::decode(key, data)
    {
        assert!(!authentic, "a probe was forged");
        let own = lldp::encode(key, from, nonce, reach, 20);
        let expected = Decoded::Probe {
            from,
            nonce,
            reach,
            authentic: true,
        };
        assert_eq!(lldp::decode(key, &own), Ok(expected));
    }
}

/// The bytes as a packet: they can be read, and a reply to what they ask by ARP is read as that.
pub fn packet(data: &[u8], measure: Measure) {
    let asked = measure(&mut || {
        black_box(ParsedPacket::parse(data));
    });
    assert!(asked <= PACKET_LIMIT, "{asked} bytes of memory");
    let parsed = ParsedPacket::parse(data);
    assert_eq!(parsed.is_some(), data.len() >= 14);
    let Some(parsed) = parsed else { return };
    let _ = (parsed.sender_ip(), parsed.ip_proto());
    if let Some(request) = parsed.arp {
        let mac = MacAddr([2, 0, 0, 0, 0, 9]);
        let reply =
            ParsedPacket::parse(&packet::arp_reply(&request, mac)).and_then(|reply| reply.arp);
        let reply = reply.unwrap();
        assert_eq!((reply.sha, reply.spa), (mac, request.tpa));
        assert_eq!((reply.tha, reply.tpa), (request.sha, request.spa));
    }
}
