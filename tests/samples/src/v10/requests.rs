//! What a controller may send.

use bytes::{Bytes, BytesMut};
use godwit_openflow::codec::encode_to_switch;
use godwit_openflow::model::{FlowFlags, FlowMod, ToSwitch};
use godwit_openflow::types::{Version, Xid};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::ports::{named_port, port_mod, port_no};
use super::{action, rule, statistics};
use crate::common::{buffer_id, command, config, data, elements, error, packet_out, versions};

/// Any message to a switch.
pub fn to_switch() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        1 => (versions(), elements())
            .prop_map(|(bitmap, elements)| ToSwitch::Hello { bitmap, elements }),
        1 => error(Version::V10).prop_map(ToSwitch::Error),
        1 => data(60).prop_map(ToSwitch::EchoRequest),
        1 => data(60).prop_map(ToSwitch::EchoReply),
        1 => Just(ToSwitch::FeaturesRequest),
        1 => Just(ToSwitch::GetConfigRequest),
        1 => config().prop_map(ToSwitch::SetConfig),
        1 => Just(ToSwitch::BarrierRequest),
        1 => (any::<u32>(), data(60)).prop_map(|(experimenter, body)| ToSwitch::Experimenter {
            experimenter,
            exp_type: 0,
            body,
        }),
        1 => (unknown_type(), data(60))
            .prop_map(|(message_type, body)| ToSwitch::Unknown { message_type, body }),
        6 => flow_mod().prop_map(ToSwitch::FlowMod),
        1 => (flow_mod(), 4..=0xffff_u16).prop_filter_map("not in 1.0", |(flow_mod, flags)| {
            with_flags(flow_mod, flags).map(|body| ToSwitch::Unknown {
                message_type: 14,
                body,
            })
        }),
        1 => port_mod().prop_map(ToSwitch::PortMod),
        1 => port_no().prop_map(ToSwitch::QueueConfigRequest),
        1 => packet_out(named_port(), action(None)).prop_map(ToSwitch::PacketOut),
        4 => statistics::request().prop_map(ToSwitch::stats),
    ]
}

/// What only a switch sends, and what 1.0 does not define.
fn unknown_type() -> impl Strategy<Value = u8> {
    prop_oneof![select(vec![6_u8, 8, 10, 11, 12, 17, 19, 21]), 22..=255_u8]
}

/// The body of a FLOW_MOD with flags that the model has no word for, that of emergency flows among them.
fn with_flags(flow_mod: FlowMod, flags: u16) -> Option<Bytes> {
    let mut buffer = BytesMut::new();
    let message = ToSwitch::FlowMod(flow_mod);
    encode_to_switch(Version::V10, Xid(0), &message, &mut buffer).ok()?;
    let mut body = buffer.split_off(8);
    body[62..64].copy_from_slice(&flags.to_be_bytes());
    Some(body.freeze())
}

fn flow_mod() -> impl Strategy<Value = FlowMod> {
    (command(), rule(), 0..4_u16, buffer_id(), of(named_port())).prop_map(
        |(command, rule, flags, buffer_id, out_port)| FlowMod {
            buffer_id,
            out_port,
            ..FlowMod::new(command, rule.with_flags(FlowFlags(flags)))
        },
    )
}
