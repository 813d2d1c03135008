//! Any value of the model at all, whether or not a version can say it.

mod messages;
mod small;
mod stats;

use bytes::Bytes;
use godwit_openflow::model::{
    Action, Bucket, Field, FlowFlags, FlowRule, Instruction, Pattern, RawOxm,
};
use godwit_openflow::types::{Cookie, GroupId, MeterId, PortNo, QueueId, TableId};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) use messages::{from_switch, to_switch};
pub(crate) use stats::{stats_reply, stats_request};

pub(crate) fn data() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..12).prop_map(Bytes::from)
}

/// Any text, control characters and quotes among them.
pub(crate) fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

pub(crate) fn port() -> impl Strategy<Value = PortNo> {
    prop_oneof![0..5_u32, any::<u32>(), 0xffff_ff00..=0xffff_ffff_u32].prop_map(PortNo)
}

fn field() -> impl Strategy<Value = Field> {
    select(Field::all().collect::<Vec<_>>())
}

/// A mask: of all bits, of the first ones, or of any.
fn mask(field: Field) -> BoxedStrategy<u128> {
    let full = field.full_mask();
    if !field.maskable() {
        return Just(full).boxed();
    }
    prop_oneof![
        Just(full),
        (0..=u32::from(field.bits()))
            .prop_map(move |length| { full & !full.checked_shr(length).unwrap_or(0) }),
        any::<u128>(),
    ]
    .boxed()
}

fn term() -> impl Strategy<Value = (Field, u128, u128)> {
    let value = prop_oneof![any::<u128>(), 0..9_u128, Just(u128::MAX)];
    field().prop_flat_map(move |field| (Just(field), value.clone(), mask(field)))
}

fn raw_oxm() -> impl Strategy<Value = RawOxm> {
    let class = prop_oneof![Just(0xffff_u16), Just(0x8000_u16), any::<u16>()];
    (class, 0..0x80_u8, any::<bool>(), data()).prop_map(|(class, field, has_mask, payload)| {
        RawOxm {
            class,
            field,
            has_mask,
            payload,
        }
    })
}

pub(crate) fn pattern() -> impl Strategy<Value = Pattern> {
    (vec(term(), 0..5), vec(raw_oxm(), 0..4)).prop_map(|(terms, unknown)| {
        let mut pattern = Pattern::new();
        for (field, value, mask) in terms {
            pattern.set(field, value, mask);
        }
        for oxm in unknown {
            pattern.push_unknown(oxm);
        }
        pattern
    })
}

fn output() -> impl Strategy<Value = Action> {
    let max_len = prop_oneof![Just(0), Just(Action::NO_BUFFER), any::<u16>()];
    let port = prop_oneof![Just(PortNo::CONTROLLER), port()];
    (port, max_len).prop_map(|(port, max_len)| Action::Output { port, max_len })
}

pub(crate) fn action() -> impl Strategy<Value = Action> {
    let plain = select(vec![
        Action::PopVlan,
        Action::DecNwTtl,
        Action::CopyTtlOut,
        Action::CopyTtlIn,
        Action::DecMplsTtl,
        Action::PopPbb,
    ]);
    let of_a_number = (0..8_usize, any::<u32>()).prop_map(|(kind, number)| match kind {
        0 => Action::Group(GroupId(number)),
        1 => Action::SetQueue(QueueId(number)),
        2 => Action::PushVlan(number as u16),
        3 => Action::PushMpls(number as u16),
        4 => Action::PopMpls(number as u16),
        5 => Action::PushPbb(number as u16),
        6 => Action::SetNwTtl(number as u8),
        _ => Action::SetMplsTtl(number as u8),
    });
    prop_oneof![
        output(),
        plain,
        of_a_number,
        (port(), any::<u32>()).prop_map(|(port, queue)| Action::Enqueue {
            port,
            queue: QueueId(queue)
        }),
        term().prop_map(|(field, value, _)| Action::SetField {
            field,
            value: value & field.full_mask()
        }),
        (any::<u32>(), data())
            .prop_map(|(experimenter, body)| Action::Experimenter { experimenter, body }),
        (any::<u16>(), data())
            .prop_map(|(action_type, body)| Action::Unknown { action_type, body }),
    ]
}

pub(crate) fn actions() -> impl Strategy<Value = Vec<Action>> {
    vec(action(), 0..4)
}

pub(crate) fn instruction() -> impl Strategy<Value = Instruction> {
    prop_oneof![
        any::<u8>().prop_map(|table| Instruction::GotoTable(TableId(table))),
        any::<[u64; 2]>().prop_map(|[value, mask]| Instruction::WriteMetadata { value, mask }),
        actions().prop_map(Instruction::WriteActions),
        actions().prop_map(Instruction::ApplyActions),
        Just(Instruction::ClearActions),
        any::<u32>().prop_map(|meter| Instruction::Meter(MeterId(meter))),
        (any::<u32>(), data())
            .prop_map(|(experimenter, body)| Instruction::Experimenter { experimenter, body }),
        (any::<u16>(), data()).prop_map(|(instruction_type, body)| Instruction::Unknown {
            instruction_type,
            body
        }),
    ]
}

pub(crate) fn rule() -> impl Strategy<Value = FlowRule> {
    let numbers = any::<(u8, u64, [u16; 4])>();
    (numbers, pattern(), vec(instruction(), 0..4)).prop_map(
        |(
            (table, cookie, [priority, idle_timeout, hard_timeout, flags]),
            pattern,
            instructions,
        )| {
            FlowRule {
                table: TableId(table),
                priority,
                pattern,
                cookie: Cookie(cookie),
                instructions,
                idle_timeout,
                hard_timeout,
                flags: FlowFlags(flags),
            }
        },
    )
}

pub(crate) fn buckets() -> impl Strategy<Value = Vec<Bucket>> {
    let bucket = (any::<u16>(), of(port()), of(any::<u32>()), actions()).prop_map(
        |(weight, watch_port, watch_group, actions)| Bucket {
            weight,
            watch_port,
            watch_group: watch_group.map(GroupId),
            actions,
        },
    );
    vec(bucket, 0..3)
}
