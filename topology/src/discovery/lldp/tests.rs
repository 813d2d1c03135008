use proptest::prelude::*;

use super::*;

const KEY: RunKey = RunKey::from_bytes([7; 64]);

fn port(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

fn probe(key: &RunKey, from: PortRef, nonce: u64) -> Bytes {
    encode(key, from, nonce, Reach::Cable, 20)
}

fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind << 1 | (value.len() >> 8) as u8, value.len() as u8];
    bytes.extend(value);
    bytes
}

fn foreign(tlvs: &[Vec<u8>]) -> Vec<u8> {
    let mut frame = [
        &DESTINATION.0[..],
        &[2, 0, 0, 0, 0, 1],
        &ETHERTYPE.to_be_bytes(),
    ]
    .concat();
    frame.extend(tlvs.concat());
    frame
}

#[test]
fn a_probe_is_standard_lldp_octet_for_octet() {
    let frame = probe(&KEY, port(0x1234, 7), 9);
    let mut expected = vec![
        0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e, 0x02, 0, 0, 0, 0x12, 0x34, 0x88, 0xcc,
    ];
    expected.extend([0x02, 22, 7]);
    expected.extend(b"dpid:0000000000001234");
    expected.extend([0x04, 2, 7, b'7', 0x06, 2, 0, 20]);
    expected.extend([0xfe, 40, 0x02, b'g', b'w', 1]);
    expected.extend([
        0, 0, 0, 0, 0, 0, 0x12, 0x34, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9,
    ]);
    assert_eq!(frame[..expected.len()], expected);
    assert_eq!(frame.len(), expected.len() + TAG_LEN + 2);
    assert!(frame.ends_with(&[0, 0]));
    assert!(frame.len() >= 60, "no padding is needed");
}

#[test]
fn another_key_does_not_vouch_for_the_frame() {
    let frame = probe(&RunKey::generate().unwrap(), port(1, 2), 3);
    assert_eq!(
        decode(&KEY, &frame),
        Ok(Decoded::Probe {
            from: port(1, 2),
            nonce: 3,
            reach: Reach::Cable,
            authentic: false
        })
    );
}

#[test]
fn a_probe_for_everybody_is_the_same_but_for_its_destination_and_its_sort() {
    let (cable, segment) = (
        probe(&KEY, port(1, 2), 3),
        encode(&KEY, port(1, 2), 3, Reach::Segment, 20),
    );
    assert_eq!(segment[..6], [0xff; 6]);
    let tag = cable.len() - 2 - TAG_LEN;
    let sort = tag - SIGNED_LEN - 1;
    assert_eq!((cable[sort], segment[sort]), (1, 2));
    assert_eq!(cable[6..sort], segment[6..sort]);
    assert_ne!(
        cable[tag..],
        segment[tag..],
        "the tag is over the sort as well"
    );
}

#[test]
fn one_sort_can_not_be_made_of_the_other() {
    let sorts = [Reach::Cable, Reach::Segment].map(|reach| encode(&KEY, port(1, 2), 3, reach, 20));
    let sort = sorts[0].len() - 2 - TAG_LEN - SIGNED_LEN - 1;
    let is_authentic = |frame: &[u8]| {
        matches!(
            decode(&KEY, frame),
            Ok(Decoded::Probe {
                authentic: true,
                ..
            })
        )
    };
    for (own, other) in [(0, 1), (1, 0)] {
        let mut elsewhere = sorts[own].to_vec();
        elsewhere[..6].copy_from_slice(&sorts[other][..6]);
        assert!(!is_authentic(&elsewhere), "sent to the other's destination");
        elsewhere[sort] = sorts[other][sort];
        assert!(
            !is_authentic(&elsewhere),
            "with the other's subtype as well"
        );
    }
}

#[test]
fn a_key_does_not_show_itself() {
    assert_eq!(format!("{KEY:?}"), "RunKey(secret)");
}

#[test]
fn lldp_of_others_is_foreign_and_malformed_lldp_says_how() {
    let (chassis, id, ttl) = (
        tlv(1, b"\x04abcdef"),
        tlv(2, b"\x05eth0"),
        tlv(3, &[0, 120]),
    );
    let other_org = tlv(127, &[0x00, 0x80, 0xc2, 1, 0, 1]);
    let cases = [
        (
            vec![
                chassis.clone(),
                id.clone(),
                ttl.clone(),
                other_org,
                tlv(0, &[]),
            ],
            Ok(Decoded::Foreign),
        ),
        (
            vec![chassis.clone(), id.clone(), ttl.clone()],
            Ok(Decoded::Foreign),
        ),
        (
            vec![id.clone(), chassis.clone()],
            Err(LldpError::Order {
                expected: 1,
                found: 2,
            }),
        ),
        (
            vec![chassis.clone(), id.clone()],
            Err(LldpError::Missing { expected: 3 }),
        ),
        (
            vec![chassis.clone(), id.clone(), ttl.clone(), vec![0xfe]],
            Err(LldpError::Truncated { offset: 34 }),
        ),
        (
            vec![
                chassis.clone(),
                id.clone(),
                ttl.clone(),
                tlv(127, &[0x02, b'g', b'w', 1, 0]),
            ],
            Err(LldpError::ProbeLength { found: 5 }),
        ),
    ];
    for (tlvs, expected) in cases {
        assert_eq!(decode(&KEY, &foreign(&tlvs)), expected);
    }
    assert_eq!(decode(&KEY, &[0; 60]), Err(LldpError::NotLldp));
    assert_eq!(decode(&KEY, &[]), Err(LldpError::NotLldp));
}

#[test]
fn a_frame_cut_anywhere_is_an_error_or_no_longer_believed() {
    let frame = probe(&KEY, port(1, 2), 3);
    let whole = Ok(Decoded::Probe {
        from: port(1, 2),
        nonce: 3,
        reach: Reach::Cable,
        authentic: true,
    });
    for length in 0..frame.len() {
        let cut = decode(&KEY, &frame[..length]);
        // Only the End TLV may be missing.
        assert!(
            cut.is_err() || cut == Ok(Decoded::Foreign) || length == frame.len() - 2,
            "{length}: {cut:?}"
        );
    }
    assert_eq!(decode(&KEY, &frame), whole);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(dpid: u64, number: u32, nonce: u64, padding in 0_usize..40) {
        let from = port(dpid, number);
        for reach in [Reach::Cable, Reach::Segment] {
            let mut frame = encode(&KEY, from, nonce, reach, 20).to_vec();
            frame.resize(frame.len() + padding, 0);
            prop_assert_eq!(decode(&KEY, &frame), Ok(Decoded::Probe { from, nonce, reach, authentic: true }));
        }
    }

    #[test]
    fn no_change_of_the_signed_part_goes_unnoticed(at in 0_usize..36, bit in 0_u32..8) {
        let mut frame = probe(&KEY, port(1, 2), 3).to_vec();
        let start = frame.len() - 2 - TAG_LEN - SIGNED_LEN;
        frame[start + at] ^= 1 << bit;
        let noticed = matches!(decode(&KEY, &frame), Ok(Decoded::Probe { authentic: false, .. }));
        prop_assert!(noticed);
    }

    #[test]
    fn no_bytes_panic(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let _ = decode(&KEY, &noise);
        let _ = decode(&KEY, &foreign(&[noise]));
        let mut frame = probe(&KEY, port(1, 2), 3).to_vec();
        for (at, byte) in changes {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        let _ = decode(&KEY, &frame);
    }
}
