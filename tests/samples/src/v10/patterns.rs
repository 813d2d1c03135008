//! Arbitrary matches.

use godwit_openflow::model::{Field, Pattern};
use proptest::option::of;
use proptest::prelude::*;

use super::ports::port_no;

/// Values and masks to be set in a pattern.
type Terms = Vec<(Field, u128, u128)>;

fn term(field: Field) -> impl Strategy<Value = Terms> {
    let full = field.full_mask();
    of(any::<u128>()).prop_map(move |value| {
        value
            .map(|value| (field, value & full, full))
            .into_iter()
            .collect()
    })
}

fn prefix(field: Field) -> impl Strategy<Value = Terms> {
    (any::<u32>(), 0..=32_u32).prop_map(move |(value, length)| {
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        vec![(field, value.into(), mask.into())]
    })
}

fn joined(parts: Vec<BoxedStrategy<Terms>>) -> BoxedStrategy<Terms> {
    parts.prop_map(|parts| parts.concat()).boxed()
}

fn fixed(field: Field, value: u128) -> BoxedStrategy<Terms> {
    Just(vec![(field, value, field.full_mask())]).boxed()
}

fn vlan() -> BoxedStrategy<Terms> {
    let pcp = || {
        (0..8_u128)
            .prop_map(|pcp| vec![(Field::VlanPcp, pcp, 7)])
            .boxed()
    };
    let tagged = || {
        (0x1000..0x2000_u128)
            .prop_map(|vid| vec![(Field::VlanVid, vid, 0x1fff)])
            .boxed()
    };
    prop_oneof![
        Just(Terms::new()),
        fixed(Field::VlanVid, 0),
        tagged(),
        joined(vec![tagged(), pcp()]),
        joined(vec![
            Just(vec![(Field::VlanVid, 0x1000, 0x1000)]).boxed(),
            pcp()
        ]),
    ]
    .boxed()
}

fn transport() -> BoxedStrategy<Terms> {
    let of_protocol = |number, source, destination| {
        joined(vec![
            fixed(Field::IpProto, number),
            term(source).boxed(),
            term(destination).boxed(),
        ])
    };
    prop_oneof![
        1 => Just(Terms::new()),
        1 => (133..=255_u128).prop_map(|number| vec![(Field::IpProto, number, 0xff)]),
        2 => of_protocol(6, Field::TcpSrc, Field::TcpDst),
        2 => of_protocol(17, Field::UdpSrc, Field::UdpDst),
        2 => of_protocol(1, Field::Icmpv4Type, Field::Icmpv4Code),
    ]
    .boxed()
}

fn network() -> BoxedStrategy<Terms> {
    let ipv4 = vec![
        fixed(Field::EthType, 0x0800),
        prefix(Field::Ipv4Src).boxed(),
        prefix(Field::Ipv4Dst).boxed(),
        term(Field::IpDscp).boxed(),
        transport(),
    ];
    let arp = vec![
        fixed(Field::EthType, 0x0806),
        prefix(Field::ArpSpa).boxed(),
        prefix(Field::ArpTpa).boxed(),
        of(0..256_u128)
            .prop_map(|op| {
                op.map(|op| (Field::ArpOp, op, 0xffff))
                    .into_iter()
                    .collect()
            })
            .boxed(),
    ];
    prop_oneof![
        1 => Just(Terms::new()),
        1 => (0x0807..=0xffff_u128).prop_map(|number| vec![(Field::EthType, number, 0xffff)]),
        4 => joined(ipv4),
        1 => joined(arp),
    ]
    .boxed()
}

pub fn pattern() -> impl Strategy<Value = Pattern> {
    let in_port = of(port_no()).prop_map(|port| {
        port.map(|port| (Field::InPort, port.0.into(), Field::InPort.full_mask()))
            .into_iter()
            .collect()
    });
    let parts = vec![
        in_port.boxed(),
        term(Field::EthSrc).boxed(),
        term(Field::EthDst).boxed(),
        vlan(),
        network(),
    ];
    joined(parts).prop_map(|terms| {
        terms
            .into_iter()
            .fold(Pattern::new(), |pattern, (field, value, mask)| {
                pattern.with_masked(field, value, mask)
            })
    })
}
