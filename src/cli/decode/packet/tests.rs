use std::io::Write as _;

use etherparse::PacketBuilder;
use proptest::prelude::*;

use super::*;

const LINKS: [i32; 11] = [0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 105];

fn ipv4() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .tcp(6653, 40000, 7, 1000)
        .ack(9)
        .write(&mut bytes, b"abc")
        .unwrap();
    bytes
}

fn ipv6() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv6([0xfd; 16], [0xfe; 16], 64)
        .tcp(6653, 40000, 7, 1000)
        .syn()
        .write(&mut bytes, b"abc")
        .unwrap();
    bytes
}

fn segment(link: i32, data: &[u8]) -> Segment<'_> {
    match read(Linktype(link), data) {
        Ok(Packet::Segment(segment)) => segment,
        other => panic!("{other:?}"),
    }
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn every_link_type_leads_to_the_segment() {
    let (four, six) = (ipv4(), ipv6());
    let macs = [2; 12];
    let packets = [
        (1, joined(&[&macs, &[8, 0], &four])),
        (1, joined(&[&macs, &[0x81, 0, 0, 5, 8, 0], &four])),
        (
            1,
            joined(&[&macs, &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0], &four]),
        ),
        (1, joined(&[&macs, &[8, 0], &four, &[0; 20]])),
        (
            113,
            joined(&[&[0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 8, 0], &four]),
        ),
        (
            276,
            joined(&[
                &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0],
                &four,
            ]),
        ),
        (0, joined(&[&[2, 0, 0, 0], &four])),
        (108, joined(&[&[0, 0, 0, 2], &four])),
        (101, four.clone()),
        (12, four.clone()),
        (228, four.clone()),
    ];
    for (link, packet) in &packets {
        let segment = segment(*link, packet);
        assert_eq!(segment.source, "10.0.0.1:6653".parse().unwrap());
        assert_eq!(segment.destination, "10.0.0.2:40000".parse().unwrap());
        assert_eq!((segment.sequence, segment.acknowledgment), (7, Some(9)));
        assert_eq!((segment.syn, segment.payload), (false, &b"abc"[..]));
    }
    for (link, packet) in [
        (1, joined(&[&macs, &[0x86, 0xdd], &six])),
        (0, joined(&[&[30, 0, 0, 0], &six])),
        (229, six.clone()),
    ] {
        let segment = segment(link, &packet);
        assert!(segment.source.is_ipv6());
        assert_eq!(
            (segment.syn, segment.acknowledgment, segment.payload),
            (true, None, &b"abc"[..])
        );
    }
}

#[test]
fn a_packet_that_was_not_captured_whole_gives_what_is_there() {
    let packet = ipv4();
    assert_eq!(segment(101, &packet[..packet.len() - 2]).payload, b"a");
    assert_eq!(read(Linktype(101), &packet[..30]), Ok(Packet::Other));
}

#[test]
fn other_link_types_are_refused() {
    assert_eq!(read(Linktype(105), &[]), Err(UnknownLink(105)));
}

#[test]
fn fragments_are_told_from_whole_packets() {
    let mut first = ipv4();
    first[6] = 0x20;
    let Ok(Packet::Fragment(fragment)) = read(Linktype(101), &first) else {
        panic!("not a fragment")
    };
    let (source, destination) = fragment.addresses().unwrap();
    assert_eq!((source.port(), destination.port()), (6653, 40000));
    let mut last = ipv4();
    last[7] = 5;
    let Ok(Packet::Fragment(fragment)) = read(Linktype(101), &last) else {
        panic!("not a fragment")
    };
    assert_eq!(fragment.addresses(), None);
}

#[test]
fn fragments_of_ipv6_are_told_too() {
    let whole = ipv6();
    for (offset, is_first) in [([0, 1], true), ([0, 8], false)] {
        let mut packet = Vec::new();
        packet.write_all(&whole[..40]).unwrap();
        packet[6] = 44;
        packet[5] += 8;
        packet
            .write_all(&[6, 0, offset[0], offset[1], 0, 0, 0, 1])
            .unwrap();
        packet.write_all(&whole[40..]).unwrap();
        let Ok(Packet::Fragment(fragment)) = read(Linktype(101), &packet) else {
            panic!("not a fragment")
        };
        assert_eq!(fragment.addresses().is_some(), is_first);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_panic(
        start in prop::sample::select(vec![Vec::new(), ipv4(), ipv6()]),
        change in any::<prop::sample::Index>(),
        value: u8,
        rest in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut bytes = [start, rest].concat();
        if !bytes.is_empty() {
            let index = change.index(bytes.len());
            bytes[index] = value;
        }
        for link in LINKS {
            let known = read(Linktype(link), &bytes).is_ok();
            prop_assert_eq!(known, link != 105);
        }
    }
}
