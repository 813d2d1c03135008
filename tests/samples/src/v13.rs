//! Arbitrary messages within what 1.3 can say.

mod action;
mod from_switch;
mod group;
mod meter;
mod queue;
mod role;
mod table;
mod to_switch;

use bytes::Bytes;
use godwit_openflow::model::{Field, FlowFlags, FlowRule, Pattern, RawOxm};
use godwit_openflow::types::{Cookie, GroupId, PortNo, TableId};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::data;

pub use action::{action, instruction};
pub use from_switch::messages as from_switch;
pub use to_switch::messages as to_switch;

fn port_no() -> impl Strategy<Value = PortNo> {
    prop_oneof![1..=0xffff_ff00_u32, 0xffff_fff8..=0xffff_ffff_u32].prop_map(PortNo)
}

/// A port or none; the number that means none is not a port's.
fn port_or_none() -> impl Strategy<Value = Option<PortNo>> {
    port_no().prop_map(|port| Some(port).filter(|&port| port != PortNo::ANY))
}

/// A group or none; the number that means none is not a group's.
fn group_or_none() -> impl Strategy<Value = Option<GroupId>> {
    of((0..u32::MAX).prop_map(GroupId))
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
pub fn pattern() -> impl Strategy<Value = Pattern> {
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

pub fn rule() -> impl Strategy<Value = FlowRule> {
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
    14..=0xfffe_u16
}

fn experimenter() -> impl Strategy<Value = (u32, u32, Bytes)> {
    (any::<u32>(), any::<u32>(), data(60))
}
