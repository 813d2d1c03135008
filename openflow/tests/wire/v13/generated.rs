//! Arbitrary messages within what 1.3 can say.

mod from_switch;
mod to_switch;

use bytes::Bytes;
use godwit_openflow::model::{Action, Field, FlowFlags, FlowRule, Instruction, Pattern, RawOxm};
use godwit_openflow::types::{Cookie, GroupId, PortNo, TableId};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::generated::{data, set};

pub(super) use from_switch::messages as from_switch;
pub(super) use to_switch::messages as to_switch;

fn port_no() -> impl Strategy<Value = PortNo> {
    prop_oneof![1..=0xffff_ff00_u32, 0xffff_fff8..=0xffff_ffff_u32].prop_map(PortNo)
}

fn field() -> impl Strategy<Value = Field> {
    select(Field::all().collect::<Vec<_>>())
}

fn raw_oxm() -> impl Strategy<Value = RawOxm> {
    let place = prop_oneof![(0..0x8000_u16, 0..0x80_u8), (Just(0x8000_u16), 40..0x80_u8)];
    (place, any::<bool>(), data(40)).prop_map(|((class, field), has_mask, payload)| RawOxm {
        class,
        field,
        has_mask,
        payload,
    })
}

/// Fields without regard to what they need: a codec must carry any of them.
pub(super) fn pattern() -> impl Strategy<Value = Pattern> {
    let known = btree_map(field(), (any::<u128>(), of(any::<u128>())), 0..8);
    let unknown = prop_oneof![4 => Just(None), 1 => raw_oxm().prop_map(Some)];
    (known, unknown).prop_map(|(known, unknown)| {
        let mut pattern = Pattern::new();
        for (field, (value, mask)) in known {
            let mask = mask.filter(|_| field.maskable()).unwrap_or(u128::MAX);
            pattern.set(field, value & field.full_mask(), mask);
        }
        unknown
            .into_iter()
            .for_each(|oxm| pattern.push_unknown(oxm));
        pattern
    })
}

/// What follows type and length in a structure of a multiple of 8 bytes.
fn record_body() -> impl Strategy<Value = Bytes> {
    (0..5_usize)
        .prop_flat_map(|words| vec(any::<u8>(), 4 + 8 * words))
        .prop_map(Bytes::from)
}

fn action() -> impl Strategy<Value = Action> {
    let unknown_type = prop_oneof![1..=16_u16, 26..=0xffff_u16];
    prop_oneof![
        (port_no(), any::<u16>()).prop_map(|(port, max_len)| Action::Output { port, max_len }),
        any::<u32>().prop_map(|group| Action::Group(GroupId(group))),
        any::<u32>().prop_map(Action::SetQueue),
        any::<u16>().prop_map(Action::PushVlan),
        Just(Action::PopVlan),
        any::<u16>().prop_map(Action::PushMpls),
        any::<u16>().prop_map(Action::PopMpls),
        field().prop_flat_map(set),
        Just(Action::DecNwTtl),
        any::<u8>().prop_map(Action::SetNwTtl),
        (unknown_type, record_body())
            .prop_map(|(action_type, body)| Action::Unknown { action_type, body }),
    ]
}

fn instruction() -> impl Strategy<Value = Instruction> {
    prop_oneof![
        any::<u8>().prop_map(|table| Instruction::GotoTable(TableId(table))),
        any::<[u64; 2]>().prop_map(|[value, mask]| Instruction::WriteMetadata { value, mask }),
        vec(action(), 0..5).prop_map(Instruction::WriteActions),
        vec(action(), 0..5).prop_map(Instruction::ApplyActions),
        Just(Instruction::ClearActions),
        any::<u32>().prop_map(Instruction::Meter),
        (7..=0xffff_u16, record_body()).prop_map(|(instruction_type, body)| Instruction::Unknown {
            instruction_type,
            body
        }),
    ]
}

fn rule() -> impl Strategy<Value = FlowRule> {
    (
        any::<u8>(),
        pattern(),
        any::<u64>(),
        vec(instruction(), 0..4),
        any::<[u16; 4]>(),
    )
        .prop_map(
            |(
                table,
                pattern,
                cookie,
                instructions,
                [priority, idle_timeout, hard_timeout, flags],
            )| FlowRule {
                table: TableId(table),
                priority,
                pattern,
                cookie: Cookie(cookie),
                instructions,
                idle_timeout,
                hard_timeout,
                flags: FlowFlags(flags),
            },
        )
}

/// The numbers of the multipart types that the model has no word for.
fn unknown_stats() -> impl Strategy<Value = u16> {
    prop_oneof![5..=12_u16, 14..=0xffff_u16]
}

fn experimenter() -> impl Strategy<Value = (u32, u32, Bytes)> {
    (any::<u32>(), any::<u32>(), data(60))
}
