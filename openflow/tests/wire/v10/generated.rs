//! Arbitrary messages within what 1.0 can say.

mod reports;
mod requests;

use bytes::Bytes;
use godwit_openflow::model::{Action, Field, FlowRule, Pattern};
use godwit_openflow::types::{Cookie, PortNo};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::common::generated::set;

pub(super) use reports::from_switch;
pub(super) use requests::to_switch;

fn port_no() -> impl Strategy<Value = PortNo> {
    prop_oneof![0..=0xff00_u32, 0xffff_fff8..=0xffff_ffff_u32].prop_map(PortNo)
}

fn named_port() -> impl Strategy<Value = PortNo> {
    prop_oneof![0..=0xff00_u32, 0xffff_fff8..=0xffff_fffe_u32].prop_map(PortNo)
}

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
        Just(Terms::new()),
        (133..=255_u128).prop_map(|number| vec![(Field::IpProto, number, 0xff)]),
        of_protocol(6, Field::TcpSrc, Field::TcpDst),
        of_protocol(17, Field::UdpSrc, Field::UdpDst),
        of_protocol(1, Field::Icmpv4Type, Field::Icmpv4Code),
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
        Just(Terms::new()),
        (0x0807..=0xffff_u128).prop_map(|number| vec![(Field::EthType, number, 0xffff)]),
        joined(ipv4),
        joined(arp),
    ]
    .boxed()
}

pub(super) fn pattern() -> impl Strategy<Value = Pattern> {
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

/// An action for packets of this IP protocol.
fn action(ip_proto: Option<u128>) -> impl Strategy<Value = Action> {
    let (source, destination) = match ip_proto {
        Some(17) => (Field::UdpSrc, Field::UdpDst),
        Some(1) => (Field::Icmpv4Type, Field::Icmpv4Code),
        _ => (Field::TcpSrc, Field::TcpDst),
    };
    // Only where the pattern names another protocol altogether does no transport field fit.
    let transport = match ip_proto {
        None | Some(1 | 6 | 17) => prop_oneof![set(source), set(destination)].boxed(),
        Some(_) => set(Field::IpDscp).boxed(),
    };
    prop_oneof![
        (port_no(), any::<u16>()).prop_map(|(port, max_len)| Action::Output { port, max_len }),
        (0x1000..0x2000_u128).prop_map(|value| Action::SetField {
            field: Field::VlanVid,
            value
        }),
        set(Field::VlanPcp),
        Just(Action::PopVlan),
        set(Field::EthSrc),
        set(Field::EthDst),
        set(Field::Ipv4Src),
        set(Field::Ipv4Dst),
        set(Field::IpDscp),
        transport,
        (port_no(), any::<u32>()).prop_map(|(port, queue)| Action::Enqueue { port, queue }),
        (12..=0xffff_u16, 0..4_usize, any::<u8>()).prop_map(|(action_type, words, byte)| {
            let body = Bytes::from(vec![byte; 4 + 8 * words]);
            Action::Unknown { action_type, body }
        }),
    ]
}

fn rule() -> impl Strategy<Value = FlowRule> {
    pattern().prop_flat_map(|pattern| {
        let actions = vec(action(pattern.exact(Field::IpProto)), 0..6);
        (
            any::<u16>(),
            Just(pattern),
            actions,
            any::<[u16; 2]>(),
            any::<u64>(),
        )
            .prop_map(
                |(priority, pattern, actions, [idle_timeout, hard_timeout], cookie)| FlowRule {
                    idle_timeout,
                    hard_timeout,
                    ..FlowRule::new(priority, pattern, actions).with_cookie(Cookie(cookie))
                },
            )
    })
}
