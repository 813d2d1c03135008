//! Arbitrary messages of the experimenters whose extensions Open vSwitch has.

use bytes::Bytes;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    Action, AgedFlowStats, BundleAdd, BundleControl, BundleFlags, BundleStep, Field, FlowEvent,
    FlowFlags, FlowMod, FlowMonitor, FlowRule, FlowUpdate, FromSwitch, Instruction, MonitorFlags,
    Pattern, RawOxm, Role, RoleMessage, StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{BundleId, Cookie, PortNo, TableId, Xid};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::{command, data, duration_ns, mac};
use crate::v13;

/// To a switch that speaks 1.3.
pub fn to_switch_v13() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        bundle_control().prop_map(ToSwitch::BundleControl),
        bundle_add().prop_map(ToSwitch::BundleAdd),
        vec(flow_monitor(), 0..4)
            .prop_map(|monitors| ToSwitch::stats(StatsRequest::FlowMonitor(monitors))),
        any::<u32>().prop_map(ToSwitch::FlowMonitorCancel),
    ]
}

/// From a switch that speaks 1.3.
pub fn from_switch_v13() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        bundle_control().prop_map(FromSwitch::BundleControl),
        (any::<bool>(), vec(flow_update(), 0..4)).prop_map(|(more, updates)| FromSwitch::Stats {
            more,
            body: StatsReply::FlowMonitor(updates),
        }),
        Just(FromSwitch::FlowMonitorPaused),
        Just(FromSwitch::FlowMonitorResumed),
    ]
}

/// To a switch that speaks 1.0.
pub fn to_switch_v10() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        nicira_role().prop_map(ToSwitch::RoleRequest),
        Just(ToSwitch::SetFlowAge),
        aged_flows_filter().prop_map(|filter| ToSwitch::stats(StatsRequest::AgedFlows(filter))),
    ]
}

/// From a switch that speaks 1.0.
pub fn from_switch_v10() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        nicira_role().prop_map(FromSwitch::Role),
        (any::<bool>(), vec(aged_flow(), 0..4)).prop_map(|(more, entries)| FromSwitch::Stats {
            more,
            body: StatsReply::AgedFlows(entries),
        }),
    ]
}

fn bundle_control() -> impl Strategy<Value = BundleControl> {
    let step = prop_oneof![
        select(vec![
            BundleStep::OpenRequest,
            BundleStep::OpenReply,
            BundleStep::CloseRequest,
            BundleStep::CloseReply,
            BundleStep::CommitRequest,
            BundleStep::CommitReply,
            BundleStep::DiscardRequest,
            BundleStep::DiscardReply,
        ]),
        (8..=u16::MAX).prop_map(BundleStep::Unknown),
    ];
    (any::<u32>(), step, any::<u16>(), bundle_properties()).prop_map(
        |(bundle, step, flags, properties)| BundleControl {
            bundle: BundleId(bundle),
            step,
            flags: BundleFlags(flags),
            properties,
        },
    )
}

fn bundle_add() -> impl Strategy<Value = BundleAdd> {
    (
        any::<[u32; 2]>(),
        any::<u16>(),
        in_bundle(),
        bundle_properties(),
    )
        .prop_map(|([bundle, xid], flags, message, properties)| BundleAdd {
            bundle: BundleId(bundle),
            flags: BundleFlags(flags),
            xid: Xid(xid),
            message: Box::new(message),
            properties,
        })
}

/// Any number of bytes: a codec carries them as they are.
fn bundle_properties() -> impl Strategy<Value = Bytes> {
    prop_oneof![2 => Just(Bytes::new()), 1 => data(40)]
}

/// Of all lengths, also of those that are no multiple of 8.
fn in_bundle() -> impl Strategy<Value = ToSwitch> {
    let flow_mod = (command(), rule(v13::pattern(), instructions_v13()))
        .prop_map(|(command, rule)| ToSwitch::FlowMod(FlowMod::new(command, rule)));
    prop_oneof![
        flow_mod,
        Just(ToSwitch::BarrierRequest),
        data(40).prop_map(ToSwitch::EchoRequest),
        (64..=u8::MAX, data(40))
            .prop_map(|(message_type, body)| ToSwitch::Unknown { message_type, body }),
    ]
}

fn flow_monitor() -> impl Strategy<Value = FlowMonitor> {
    (
        any::<u32>(),
        any::<u16>(),
        of((0..u32::MAX).prop_map(PortNo)),
        any::<u8>(),
        v13::pattern(),
    )
        .prop_map(|(monitor, flags, out_port, table, pattern)| FlowMonitor {
            monitor,
            flags: MonitorFlags(flags),
            out_port,
            table: TableId(table),
            pattern,
        })
}

fn flow_update() -> impl Strategy<Value = FlowUpdate> {
    let event = select(vec![
        FlowEvent::Added,
        FlowEvent::Deleted,
        FlowEvent::Modified,
    ]);
    let full = (
        event,
        any::<u16>(),
        rule(v13::pattern(), instructions_v13()),
    )
        .prop_map(|(event, reason, rule)| FlowUpdate::Full {
            event,
            reason,
            table: rule.table,
            priority: rule.priority,
            idle_timeout: rule.idle_timeout,
            hard_timeout: rule.hard_timeout,
            cookie: rule.cookie,
            pattern: rule.pattern,
            instructions: rule.instructions,
        });
    let unknown = (4..=u16::MAX, 0..4_usize)
        .prop_flat_map(|(event, words)| (Just(event), vec(any::<u8>(), 4 + 8 * words)))
        .prop_map(|(event, body)| FlowUpdate::Unknown {
            event,
            body: body.into(),
        });
    prop_oneof![
        full,
        any::<u32>().prop_map(|xid| FlowUpdate::Abbreviated { xid: Xid(xid) }),
        unknown,
    ]
}

fn instructions_v13() -> impl Strategy<Value = Vec<Instruction>> {
    let actions = || {
        let port = (1..=0xffff_ff00_u32).prop_map(|port| Action::output(PortNo(port)));
        vec(prop_oneof![port, Just(Action::PopVlan)], 0..4)
    };
    vec(
        prop_oneof![
            any::<u8>().prop_map(|table| Instruction::GotoTable(TableId(table))),
            actions().prop_map(Instruction::ApplyActions),
            actions().prop_map(Instruction::WriteActions),
            Just(Instruction::ClearActions),
        ],
        0..3,
    )
}

fn rule(
    pattern: impl Strategy<Value = Pattern>,
    instructions: impl Strategy<Value = Vec<Instruction>>,
) -> impl Strategy<Value = FlowRule> {
    (
        any::<u8>(),
        pattern,
        any::<u64>(),
        instructions,
        any::<[u16; 3]>(),
    )
        .prop_map(
            |(table, pattern, cookie, instructions, [priority, idle_timeout, hard_timeout])| {
                FlowRule {
                    table: TableId(table),
                    priority,
                    pattern,
                    cookie: Cookie(cookie),
                    instructions,
                    idle_timeout,
                    hard_timeout,
                    flags: FlowFlags::NONE,
                }
            },
        )
}

fn nicira_role() -> impl Strategy<Value = RoleMessage> {
    let role = prop_oneof![
        select(vec![Role::Equal, Role::Master, Role::Slave]),
        (3..=u32::MAX).prop_map(Role::Unknown),
    ];
    role.prop_map(|role| RoleMessage {
        role,
        generation: None,
    })
}

fn port_v10() -> impl Strategy<Value = PortNo> {
    prop_oneof![0..=0xff00_u32, 0xffff_fff8..0xffff_ffff_u32].prop_map(PortNo)
}

fn aged_flows_filter() -> impl Strategy<Value = FlowFilter> {
    let cookie = prop_oneof![
        Just((0, 0)),
        any::<u64>().prop_map(|cookie| (cookie, u64::MAX)),
        (any::<u64>(), 1..=u64::MAX),
    ];
    (any::<u8>(), of(port_v10()), cookie, nicira_pattern()).prop_map(
        |(table, out_port, (cookie, cookie_mask), pattern)| FlowFilter {
            table: TableId(table),
            out_port,
            out_group: None,
            cookie: Cookie(cookie),
            cookie_mask,
            pattern,
        },
    )
}

fn aged_flow() -> impl Strategy<Value = AgedFlowStats> {
    let action = prop_oneof![
        port_v10().prop_map(Action::output),
        mac().prop_map(|mac| Action::SetField {
            field: Field::EthDst,
            value: mac.to_u64().into(),
        }),
        Just(Action::PopVlan),
    ];
    let instructions = prop_oneof![
        Just(Vec::new()),
        vec(action, 1..4).prop_map(|actions| vec![Instruction::ApplyActions(actions)]),
    ];
    let counter = || of(0..u64::MAX);
    let age = || of(0..u16::MAX);
    (
        rule(nicira_pattern(), instructions),
        duration_ns(),
        counter(),
        counter(),
        age(),
        age(),
    )
        .prop_map(
            |(rule, duration_ns, packets, bytes, idle_age, hard_age)| AgedFlowStats {
                rule,
                duration_ns,
                packets,
                bytes,
                idle_age,
                hard_age,
            },
        )
}

/// Fields without regard to what they need, those of the VLAN tag apart.
pub fn nicira_pattern() -> impl Strategy<Value = Pattern> {
    let fields: Vec<Field> = Field::all()
        .filter(|field| !matches!(field, Field::InPort | Field::VlanVid | Field::VlanPcp))
        .collect();
    let known = btree_map(select(fields), (any::<u128>(), of(any::<u128>())), 0..8);
    (known, of(port_v10()), vlan(), nicira_fields()).prop_map(|(known, in_port, vlan, raw)| {
        let mut pattern = Pattern::new();
        for (field, (value, mask)) in known {
            let mask = mask.filter(|_| field.maskable()).unwrap_or(u128::MAX);
            pattern.set(field, value & field.full_mask(), mask);
        }
        if let Some(port) = in_port {
            pattern.set(Field::InPort, port.0.into(), Field::InPort.full_mask());
        }
        for (field, value, mask) in vlan {
            pattern.set(field, value, mask);
        }
        raw.into_iter().for_each(|oxm| pattern.push_unknown(oxm));
        pattern
    })
}

fn vlan() -> impl Strategy<Value = Vec<(Field, u128, u128)>> {
    let vid = (any::<u128>(), any::<u128>())
        .prop_map(|(value, mask)| vec![(Field::VlanVid, value, mask & 0x1fff)]);
    let tagged = (any::<u128>(), any::<u128>(), 0..8_u128).prop_map(|(value, mask, pcp)| {
        vec![
            (Field::VlanVid, value | 0x1000, mask & 0x1fff | 0x1000),
            (Field::VlanPcp, pcp, 7),
        ]
    });
    prop_oneof![
        Just(Vec::new()),
        Just(vec![(Field::VlanVid, 0, 0x1fff)]),
        vid,
        tagged,
    ]
}

/// Fields that only NXM has: a register, fragments, a VLAN tag as 1.3 can't ask for it, and anything of an experimenter.
fn nicira_fields() -> impl Strategy<Value = Vec<RawOxm>> {
    let raw = |class, field, has_mask, payload: Vec<u8>| RawOxm {
        class,
        field,
        has_mask,
        payload: payload.into(),
    };
    let register = (0..16_u8, any::<bool>()).prop_flat_map(move |(number, has_mask)| {
        vec(any::<u8>(), if has_mask { 8 } else { 4 })
            .prop_map(move |payload| raw(1, number, has_mask, payload))
    });
    let fragments = any::<u8>().prop_map(move |value| raw(1, 26, false, vec![value]));
    // Of the priority only some bits.
    let tag = any::<[u8; 2]>()
        .prop_map(move |[high, low]| raw(0, 4, true, vec![high, low, 0x40 | high & 0x1f, low]));
    let experimenter = vec(any::<u8>(), 4..40).prop_flat_map(move |payload| {
        (0..0x80_u8, any::<bool>())
            .prop_map(move |(field, has_mask)| raw(0xffff, field, has_mask, payload.clone()))
    });
    (of(register), of(fragments), of(experimenter), of(tag)).prop_map(
        |(register, fragments, experimenter, tag)| {
            [register, fragments, experimenter, tag]
                .into_iter()
                .flatten()
                .collect()
        },
    )
}
