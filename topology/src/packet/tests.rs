use proptest::prelude::*;

use super::*;

const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xa]);
const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xb]);

fn ethernet(tags: &[[u8; 4]], eth_type: u16, payload: &[u8]) -> Vec<u8> {
    [
        &B.0[..],
        &A.0,
        &tags.concat(),
        &eth_type.to_be_bytes(),
        payload,
    ]
    .concat()
}

fn ipv4(proto: u8, fragment: u16, options: usize, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x45 + (options / 4) as u8, 0, 0, 0, 0, 0];
    header.extend(fragment.to_be_bytes());
    header.extend([64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    header.extend(vec![0; options]);
    header.extend(payload);
    header
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0, 0, 0, next, 64];
    header.extend("fe80::1".parse::<Ipv6Addr>().unwrap().octets());
    header.extend("fe80::2".parse::<Ipv6Addr>().unwrap().octets());
    header.extend(payload);
    header
}

fn parse(frame: &[u8]) -> ParsedPacket {
    ParsedPacket::parse(frame).unwrap()
}

#[test]
fn an_ipv4_packet_is_read_to_its_ports_behind_options_and_two_tags() {
    let udp = [0x12, 0x34, 0x00, 0x35, 0, 8, 0, 0];
    let tags = [[0x88, 0xa8, 0x60, 0x64], [0x81, 0x00, 0x00, 0x05]];
    let packet = parse(&ethernet(&tags, ETHERTYPE_IPV4, &ipv4(17, 0x4000, 8, &udp)));
    assert_eq!(
        (packet.eth_src, packet.eth_dst, packet.eth_type),
        (A, B, ETHERTYPE_IPV4)
    );
    assert_eq!(
        packet.vlan,
        Some(VlanTag {
            tpid: 0x88a8,
            vid: 100,
            pcp: 3
        })
    );
    assert_eq!(
        packet.inner_vlan,
        Some(VlanTag {
            tpid: 0x8100,
            vid: 5,
            pcp: 0
        })
    );
    let ip = packet.ipv4.unwrap();
    assert_eq!(
        (ip.src.to_string(), ip.dst.to_string(), ip.proto),
        ("10.0.0.1".into(), "10.0.0.2".into(), 17)
    );
    assert_eq!(
        packet.ports,
        Some(TransportPorts {
            src: 0x1234,
            dst: 53
        })
    );
    assert_eq!(packet.sender_ip(), Some("10.0.0.1".parse().unwrap()));
    assert_eq!(packet.ip_proto(), Some(17));
}

#[test]
fn later_fragments_and_other_protocols_have_no_ports() {
    for payload in [
        ipv4(17, 0x0001, 0, &[0; 8]),
        ipv4(1, 0, 0, &[8, 0, 0, 0]),
        ipv4(6, 0, 0, &[0, 1, 0]),
    ] {
        let packet = parse(&ethernet(&[], ETHERTYPE_IPV4, &payload));
        assert!(packet.ipv4.is_some() && packet.ports.is_none());
    }
}

#[test]
fn an_ipv6_packet_is_read_behind_its_extension_headers() {
    let tcp = [0x01, 0xbb, 0x04, 0x00];
    let hop_by_hop = [43, 0, 0, 0, 0, 0, 0, 0];
    let routing = [44, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let fragment = [6, 0, 0, 1, 0, 0, 0, 9];
    let payload = [&hop_by_hop[..], &routing, &fragment, &tcp].concat();
    let packet = parse(&ethernet(&[], ETHERTYPE_IPV6, &ipv6(0, &payload)));
    assert_eq!(packet.ipv6.unwrap().proto, 6);
    assert_eq!(
        packet.ports,
        Some(TransportPorts {
            src: 443,
            dst: 1024
        })
    );
    assert_eq!(packet.sender_ip(), Some("fe80::1".parse().unwrap()));
    let endless = ipv6(0, &[0; 200]);
    assert_eq!(parse(&ethernet(&[], ETHERTYPE_IPV6, &endless)).ports, None);
}

#[test]
fn an_arp_request_is_read_and_answered() {
    let request = arp_request(B, Ipv4Addr::new(10, 0, 0, 2), A);
    let packet = parse(&request);
    assert_eq!((packet.eth_src, packet.eth_dst), (A, B));
    assert_eq!(
        packet.sender_ip(),
        None,
        "a probe teaches nobody an address"
    );
    let arp = Arp {
        spa: Ipv4Addr::new(10, 0, 0, 1),
        ..packet.arp.unwrap()
    };
    let reply = parse(&arp_reply(&arp, B));
    assert_eq!((reply.eth_src, reply.eth_dst), (B, A));
    let expected = Arp {
        op: Arp::REPLY,
        sha: B,
        spa: Ipv4Addr::new(10, 0, 0, 2),
        tha: A,
        tpa: Ipv4Addr::new(10, 0, 0, 1),
    };
    assert_eq!(reply.arp, Some(expected));
    assert_eq!(reply.sender_ip(), Some("10.0.0.2".parse().unwrap()));
}

#[test]
fn arp_that_speaks_for_someone_else_teaches_no_address() {
    let arp = Arp {
        op: Arp::REPLY,
        sha: B,
        spa: Ipv4Addr::new(10, 0, 0, 1),
        tha: A,
        tpa: Ipv4Addr::new(10, 0, 0, 2),
    };
    let mut frame = arp_reply(&arp, B).to_vec();
    frame[6..12].copy_from_slice(&A.0);
    let packet = parse(&frame);
    assert!(packet.arp.is_some());
    assert_eq!(packet.sender_ip(), None);
}

#[test]
fn a_frame_without_an_ethernet_header_is_no_packet() {
    assert_eq!(ParsedPacket::parse(&[0; 13]), None);
    assert!(ParsedPacket::parse(&[0; 14]).is_some());
}

proptest! {
    #[test]
    fn no_bytes_panic(noise in prop::collection::vec(any::<u8>(), 0..120), kind in 0_usize..4, cut: prop::sample::Index) {
        let _ = ParsedPacket::parse(&noise);
        let eth_type = [ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_ARP, ETHERTYPE_VLAN][kind];
        let frame = ethernet(&[], eth_type, &noise);
        let _ = ParsedPacket::parse(&frame);
        let nearly = match kind {
            0 => ethernet(&[], eth_type, &ipv4(6, 0, 4, &noise)),
            _ => ethernet(&[], ETHERTYPE_IPV6, &ipv6(noise.first().copied().unwrap_or(0), &noise)),
        };
        let _ = ParsedPacket::parse(&nearly[..cut.index(nearly.len())]);
    }
}

#[test]
fn a_solicitation_is_what_the_standard_says() {
    let target = MacAddr([2, 0, 0, 0, 0, 1]);
    let sender = MacAddr([2, 0x67, 0x6f, 0x64, 0x77, 0x74]);
    let ip: Ipv6Addr = "fe80::1".parse().unwrap();
    let frame = neighbour_solicitation(target, ip, sender);
    assert_eq!(frame.len(), 14 + 40 + 32);
    let packet = ParsedPacket::parse(&frame).unwrap();
    assert_eq!((packet.eth_src, packet.eth_dst), (sender, target));
    let header = packet.ipv6.unwrap();
    let own: Ipv6Addr = "fe80::67:6fff:fe64:7774".parse().unwrap();
    assert_eq!((header.src, header.dst, header.proto), (own, ip, 58));
    assert_eq!(frame[14 + 7], 255, "the hop limit");
    // Over a message with its checksum in place, the sum is all ones.
    let words = frame[14 + 8..].chunks(2);
    let words = words.map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum = words.sum::<u32>() + 32 + 58;
    assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
}

#[test]
fn a_tag_goes_behind_the_addresses() {
    let request = arp_request(MacAddr([2; 6]), Ipv4Addr::new(10, 0, 0, 1), MacAddr([4; 6]));
    let in_vlan = tagged(&request, 100);
    let packet = ParsedPacket::parse(&in_vlan).unwrap();
    assert_eq!(packet.vlan_id(), Some(100));
    assert_eq!(packet.arp, ParsedPacket::parse(&request).unwrap().arp);
    let priority = ParsedPacket::parse(&tagged(&request, 0)).unwrap();
    assert!(priority.vlan.is_some() && priority.vlan_id().is_none());
}
