//! Any action and any instruction.

use bytes::Bytes;
use godwit_openflow::model::{Action, Instruction};
use godwit_openflow::types::{GroupId, MeterId, QueueId, TableId};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{field, port_no, raw_oxm};
use crate::common::set;

/// What follows type and length in a structure of a multiple of 8 bytes.
fn record_body() -> impl Strategy<Value = Bytes> {
    (0..5_usize)
        .prop_flat_map(|words| vec(any::<u8>(), 4 + 8 * words))
        .prop_map(Bytes::from)
}

/// What follows the experimenter's number in such a structure.
fn experimenter() -> impl Strategy<Value = (u32, Bytes)> {
    let body = (0..5_usize).prop_flat_map(|words| vec(any::<u8>(), 8 * words));
    (any::<u32>(), body.prop_map(Bytes::from))
}

pub fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => forwarding(),
        3 => rewriting(),
        1 => foreign(),
    ]
}

fn forwarding() -> impl Strategy<Value = Action> {
    prop_oneof![
        (port_no(), any::<u16>()).prop_map(|(port, max_len)| Action::Output { port, max_len }),
        any::<u32>().prop_map(|group| Action::Group(GroupId(group))),
        any::<u32>().prop_map(|queue| Action::SetQueue(QueueId(queue))),
    ]
}

fn rewriting() -> impl Strategy<Value = Action> {
    prop_oneof![
        any::<u16>().prop_map(Action::PushVlan),
        Just(Action::PopVlan),
        any::<u16>().prop_map(Action::PushMpls),
        any::<u16>().prop_map(Action::PopMpls),
        field().prop_flat_map(set),
        Just(Action::DecNwTtl),
        any::<u8>().prop_map(Action::SetNwTtl),
        Just(Action::CopyTtlOut),
        Just(Action::CopyTtlIn),
        any::<u8>().prop_map(Action::SetMplsTtl),
        Just(Action::DecMplsTtl),
        any::<u16>().prop_map(Action::PushPbb),
        Just(Action::PopPbb),
    ]
}

/// What the model has no word for, among them the setting of a field that it doesn't know.
fn foreign() -> impl Strategy<Value = Action> {
    let unknown_type = prop_oneof![1..=10_u16, 13..=14_u16, 28..=0xfffe_u16];
    prop_oneof![
        experimenter().prop_map(|(experimenter, body)| Action::Experimenter { experimenter, body }),
        (unknown_type, record_body())
            .prop_map(|(action_type, body)| Action::Unknown { action_type, body }),
        raw_oxm().prop_map(|oxm| {
            let mut body = oxm.class.to_be_bytes().to_vec();
            body.push(oxm.field << 1 | u8::from(oxm.has_mask));
            body.push(oxm.payload.len() as u8);
            body.extend(oxm.payload);
            body.resize((4 + body.len()).next_multiple_of(8) - 4, 0);
            Action::Unknown {
                action_type: 25,
                body: body.into(),
            }
        }),
    ]
}

pub fn instruction() -> impl Strategy<Value = Instruction> {
    prop_oneof![
        any::<u8>().prop_map(|table| Instruction::GotoTable(TableId(table))),
        any::<[u64; 2]>().prop_map(|[value, mask]| Instruction::WriteMetadata { value, mask }),
        vec(action(), 0..5).prop_map(Instruction::WriteActions),
        vec(action(), 0..5).prop_map(Instruction::ApplyActions),
        Just(Instruction::ClearActions),
        any::<u32>().prop_map(|meter| Instruction::Meter(MeterId(meter))),
        experimenter()
            .prop_map(|(experimenter, body)| Instruction::Experimenter { experimenter, body }),
        (7..=0xfffe_u16, record_body()).prop_map(|(instruction_type, body)| Instruction::Unknown {
            instruction_type,
            body
        }),
    ]
}
