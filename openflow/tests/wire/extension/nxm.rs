//! Matches in NXM, field by field.

use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{Field, Pattern, RawOxm, StatsRequest, ToSwitch};
use godwit_openflow::types::PortNo;

use super::{V10, check_both_ways, fault, frame};
use crate::common::{decode_to, hex};

fn request(pattern: Pattern) -> ToSwitch {
    ToSwitch::stats(StatsRequest::AgedFlows(FlowFilter {
        pattern,
        ..FlowFilter::all()
    }))
}

/// The body of a request with these fields.
fn body(fields: &str) -> String {
    let fields: String = fields.split_whitespace().collect();
    let length = fields.len() / 2;
    let padding = "00".repeat(length.next_multiple_of(8) - length);
    format!("ffff0000 00002320 00000000 00000000 ffff {length:04x} ff000000 {fields}{padding}")
}

fn read(fields: &str) -> Pattern {
    let bytes = frame(&format!("0110 0000 00000001 {}", body(fields)));
    match decode_to(bytes).expect("a message") {
        ToSwitch::StatsRequest {
            body: StatsRequest::AgedFlows(filter),
            ..
        } => filter.pattern,
        other => panic!("{other:?}"),
    }
}

/// What is wrong, and where within the fields.
fn wrong(fields: &str) -> (&'static str, usize) {
    let (field, offset) = fault::<ToSwitch>(frame(&format!("0110 0000 00000001 {}", body(fields))));
    (field, offset - 32)
}

fn check(pattern: Pattern, fields: &str) {
    check_both_ways(V10, &request(pattern), &body(fields));
}

#[test]
fn every_twin_has_its_number_and_size() {
    let fields = [
        (Field::EthDst, "00000206"),
        (Field::EthSrc, "00000406"),
        (Field::EthType, "00000602"),
        (Field::IpProto, "00000c01"),
        (Field::Ipv4Src, "00000e04"),
        (Field::Ipv4Dst, "00001004"),
        (Field::TcpSrc, "00001202"),
        (Field::TcpDst, "00001402"),
        (Field::UdpSrc, "00001602"),
        (Field::UdpDst, "00001802"),
        (Field::Icmpv4Type, "00001a01"),
        (Field::Icmpv4Code, "00001c01"),
        (Field::ArpOp, "00001e02"),
        (Field::ArpSpa, "00002004"),
        (Field::ArpTpa, "00002204"),
        (Field::TunnelId, "00012008"),
        (Field::ArpSha, "00012206"),
        (Field::ArpTha, "00012406"),
        (Field::Ipv6Src, "00012610"),
        (Field::Ipv6Dst, "00012810"),
        (Field::Icmpv6Type, "00012a01"),
        (Field::Icmpv6Code, "00012c01"),
        (Field::Ipv6NdTarget, "00012e10"),
        (Field::Ipv6NdSll, "00013006"),
        (Field::Ipv6NdTll, "00013206"),
        (Field::Ipv6Flabel, "00013604"),
        (Field::IpEcn, "00013801"),
        // Those that NXM has not.
        (Field::Metadata, "80000408"),
        (Field::SctpDst, "80002402"),
        (Field::MplsLabel, "80004404"),
    ];
    for (field, head) in fields {
        let size = usize::from(u8::from_str_radix(&head[6..], 16).expect("a size"));
        let value = 0x1234_5678_u128 & field.full_mask();
        let number = hex(&value.to_be_bytes()[16 - size..]);
        check(
            Pattern::new().with(field, value),
            &format!("{head}{number}"),
        );
    }
}

#[test]
fn a_port_has_16_bits_and_a_dscp_stands_above_the_ecn() {
    check(Pattern::new().in_port(PortNo(7)), "00000002 0007");
    check(Pattern::new().in_port(PortNo::LOCAL), "00000002 fffe");
    check(Pattern::new().with(Field::IpDscp, 46), "00000a01 b8");
    assert!(
        V10.encode(&request(Pattern::new().in_port(PortNo(0x1_0000))))
            .is_err()
    );
    assert_eq!(wrong("00000a01 b9"), ("ip_dscp", 4));
}

#[test]
fn open_vswitchs_other_way_to_say_a_field_is_read_too() {
    assert_eq!(
        read("80000004 fffffffe 80000a02 0800 80001001 2e"),
        Pattern::new()
            .in_port(PortNo::LOCAL)
            .eth_type(0x0800)
            .with(Field::IpDscp, 46)
    );
}

#[test]
fn masks_go_where_1_3_has_them_too() {
    check(
        Pattern::new().with_masked(Field::EthDst, 0x0100_0000_0000, 0x0100_0000_0000),
        "0000030c 010000000000 010000000000",
    );
    // NXM can mask a transport port, 1.3 can't: kept as it came.
    let masked = Pattern::new().with_masked(Field::TcpDst, 0x50, 0xff);
    assert!(V10.encode(&request(masked)).is_err());
    let raw = read("00001504 0050 00ff");
    assert_eq!(raw.fields().count(), 0);
    check(raw, "00001504 0050 00ff");
}

#[test]
fn a_tag_is_one_field_here_and_two_there() {
    let pattern = |vid, mask| Pattern::new().with_masked(Field::VlanVid, vid, mask);
    check(pattern(0, 0x1fff), "00000802 0000");
    check(pattern(0x1007, 0x1fff), "00000904 1007 1fff");
    check(pattern(0x1000, 0x1000), "00000904 1000 1000");
    check(pattern(0x0004, 0x000c), "00000904 0004 000c");
    check(
        pattern(0x1007, 0x1fff).with(Field::VlanPcp, 5),
        "00000802 b007",
    );
    check(
        pattern(0x1000, 0x1000).with(Field::VlanPcp, 5),
        "00000904 b000 f000",
    );
    check(
        pattern(0x1003, 0x100f).with(Field::VlanPcp, 0),
        "00000904 1003 f00f",
    );
}

#[test]
fn a_tag_that_1_3_cannot_ask_for_is_kept_as_it_came() {
    for fields in [
        "00000904 0000 1fff",
        "00000904 2000 6000",
        "00000904 b000 e000",
        "00000802 a000",
        "00000904 0000 0000",
        "00000904 0000 efff",
    ] {
        let pattern = read(fields);
        assert_eq!(
            (pattern.fields().count(), pattern.unknown().len()),
            (0, 1),
            "{fields}"
        );
        check(pattern, fields);
    }
}

#[test]
fn a_priority_without_a_tag_is_not_written() {
    let priority = Pattern::new().with(Field::VlanPcp, 5);
    let untagged = priority.clone().with(Field::VlanVid, 0);
    let some = Pattern::new()
        .with(Field::VlanVid, 0x1001)
        .with_masked(Field::VlanPcp, 1, 3);
    for pattern in [priority, untagged, some] {
        assert!(V10.encode(&request(pattern)).is_err());
    }
}

#[test]
fn fields_that_only_nxm_has_are_kept_as_they_came() {
    for fields in [
        "00010004 0000002a",
        "00010108 00000100 0000ff00",
        "00013401 01",
        "00013c01 40",
        "0001d308 00000020 00000020",
        "00020002 1234",
        "ffff1608 00002320 00000001",
    ] {
        let pattern = read(fields);
        assert_eq!(pattern.unknown().len(), 1, "{fields}");
        check(pattern, fields);
    }
}

#[test]
fn a_field_stands_once() {
    for (fields, found) in [
        ("00000602 0800 00000602 0800", ("eth_type", 6)),
        ("00000602 0800 80000a02 0800", ("eth_type", 6)),
        ("00000802 0000 00000802 0000", ("vlan_vid", 6)),
        ("00010004 00000001 00010004 00000002", ("match", 0)),
        (
            "00013c08 0000000000000001 00013c08 0000000000000001",
            ("cookie", 12),
        ),
    ] {
        assert_eq!(wrong(fields), found, "{fields}");
    }
    // Two registers.
    let registers = read("00010004 00000001 00010308 00000002 00000003");
    assert_eq!(registers.unknown().len(), 2);
    // The same number stands for a cookie and for a time to live.
    assert_eq!(
        read("00013c08 0000000000000001 00013c01 40")
            .unknown()
            .len(),
        1
    );
    // Two experimenters' fields of the same number.
    assert_eq!(
        read("ffff1604 00002320 ffff1604 4f4e4600").unknown().len(),
        2
    );
}

#[test]
fn a_field_has_its_size() {
    for fields in [
        "00000604 08000000",
        "00000601 08",
        "00000600",
        "00000f04 0a000000",
        "00000801 00",
        "00000904 0000",
        "00000603 080000",
    ] {
        assert_eq!(wrong(fields), ("nxm_length", 3), "{fields}");
    }
    assert_eq!(wrong("00013604 fff00000"), ("ipv6_flabel", 4));
    assert_eq!(wrong("00013801 04"), ("ip_ecn", 4));
}

#[test]
fn a_field_that_does_not_fit_is_not_written() {
    for (field, size) in [(0x80, 4), (1, 256)] {
        let mut pattern = Pattern::new();
        pattern.push_unknown(RawOxm {
            class: 1,
            field,
            has_mask: false,
            payload: vec![0; size].into(),
        });
        assert!(V10.encode(&request(pattern)).is_err());
    }
}
