//! Arbitrary actions.

use bytes::Bytes;
use godwit_openflow::model::{Action, Field};
use godwit_openflow::types::QueueId;
use proptest::collection::vec;
use proptest::prelude::*;

use super::ports::port_no;
use crate::common::set;

/// An action for packets of this IP protocol.
pub(super) fn action(ip_proto: Option<u128>) -> impl Strategy<Value = Action> {
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
        (port_no(), any::<u32>()).prop_map(|(port, queue)| Action::Enqueue {
            port,
            queue: QueueId(queue)
        }),
        (any::<u32>(), words(0))
            .prop_map(|(experimenter, body)| Action::Experimenter { experimenter, body }),
        (12..0xffff_u16, words(4))
            .prop_map(|(action_type, body)| Action::Unknown { action_type, body }),
    ]
}

/// The rest of an action, of which as many bytes are before a multiple of 8.
fn words(before: usize) -> impl Strategy<Value = Bytes> {
    (0..4_usize)
        .prop_flat_map(move |words| vec(any::<u8>(), before + 8 * words))
        .prop_map(Bytes::from)
}
