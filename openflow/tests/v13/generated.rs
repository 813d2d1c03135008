//! Arbitrary messages within what 1.3 can say.

use bytes::Bytes;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    Action, AggregateStats, Description, ErrorReport, Features, Field, FlowCommand, FlowFlags,
    FlowMod, FlowRemoved, FlowRemovedReason, FlowRule, FlowStats, FromSwitch, Instruction,
    PacketIn, PacketInReason, PacketOut, Pattern, Port, PortStats, PortStatus, PortStatusReason,
    RawOxm, StatsReply, StatsRequest, SwitchConfig, TableStats, ToSwitch,
};
use godwit_openflow::types::{
    BufferId, Cookie, DatapathId, GroupId, MacAddr, PortNo, TableId, Version,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

fn data(most: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..most).prop_map(Bytes::from)
}

/// A text of at most this many bytes, some of its characters longer than one.
fn text(most: usize) -> impl Strategy<Value = String> {
    vec(select(vec!['a', 'Z', '0', ' ', '-', 'ü', '鳥']), 0..most).prop_map(move |characters| {
        let mut text = String::new();
        for character in characters {
            if text.len() + character.len_utf8() <= most {
                text.push(character);
            }
        }
        text
    })
}

fn port_no() -> impl Strategy<Value = PortNo> {
    prop_oneof![1..=0xffff_ff00_u32, 0xffff_fff8..=0xffff_ffff_u32].prop_map(PortNo)
}

/// A port or none; the number that means none is not a port's.
fn out_port() -> impl Strategy<Value = Option<PortNo>> {
    port_no().prop_map(|port| Some(port).filter(|&port| port != PortNo::ANY))
}

fn out_group() -> impl Strategy<Value = Option<GroupId>> {
    of((0..u32::MAX).prop_map(GroupId))
}

fn buffer_id() -> impl Strategy<Value = Option<BufferId>> {
    of((0..u32::MAX).prop_map(BufferId))
}

fn duration_ns() -> impl Strategy<Value = u64> {
    (any::<u32>(), 0..1_000_000_000_u64)
        .prop_map(|(seconds, rest)| u64::from(seconds) * 1_000_000_000 + rest)
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
        (field(), any::<u128>()).prop_map(|(field, value)| Action::SetField {
            field,
            value: value & field.full_mask()
        }),
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

fn flow_mod() -> impl Strategy<Value = FlowMod> {
    let commands = select(vec![
        FlowCommand::Add,
        FlowCommand::Modify,
        FlowCommand::ModifyStrict,
        FlowCommand::Delete,
        FlowCommand::DeleteStrict,
    ]);
    (
        commands,
        rule(),
        any::<u64>(),
        buffer_id(),
        out_port(),
        out_group(),
    )
        .prop_map(
            |(command, rule, cookie_mask, buffer_id, out_port, out_group)| FlowMod {
                command,
                rule,
                cookie_mask,
                buffer_id,
                out_port,
                out_group,
            },
        )
}

fn filter() -> impl Strategy<Value = FlowFilter> {
    (
        any::<u8>(),
        out_port(),
        out_group(),
        any::<[u64; 2]>(),
        pattern(),
    )
        .prop_map(
            |(table, out_port, out_group, [cookie, cookie_mask], pattern)| FlowFilter {
                table: TableId(table),
                out_port,
                out_group,
                cookie: Cookie(cookie),
                cookie_mask,
                pattern,
            },
        )
}

fn error() -> impl Strategy<Value = ErrorReport> {
    (any::<[u16; 2]>(), data(80)).prop_map(|([error_type, code], data)| ErrorReport {
        version: Version::V13,
        error_type,
        code,
        data,
    })
}

fn config() -> impl Strategy<Value = SwitchConfig> {
    any::<[u16; 2]>().prop_map(|[flags, miss_send_len]| SwitchConfig {
        flags,
        miss_send_len,
    })
}

fn versions() -> impl Strategy<Value = Option<Vec<u8>>> {
    of(btree_set(any::<u8>(), 0..8).prop_map(|set| set.into_iter().collect()))
}

fn packet_out() -> impl Strategy<Value = PacketOut> {
    (buffer_id(), port_no(), vec(action(), 0..6), data(200)).prop_map(
        |(buffer_id, in_port, actions, data)| PacketOut {
            buffer_id,
            in_port,
            actions,
            data,
        },
    )
}

/// The numbers of the multipart types that the model has no word for.
fn unknown_stats() -> impl Strategy<Value = u16> {
    prop_oneof![5..=12_u16, 14..=0xffff_u16]
}

fn stats_request() -> impl Strategy<Value = StatsRequest> {
    prop_oneof![
        Just(StatsRequest::Description),
        filter().prop_map(StatsRequest::Flows),
        filter().prop_map(StatsRequest::Aggregate),
        Just(StatsRequest::Tables),
        port_no().prop_map(StatsRequest::Ports),
        Just(StatsRequest::PortDescription),
        (unknown_stats(), data(40))
            .prop_map(|(stats_type, body)| StatsRequest::Unknown { stats_type, body }),
    ]
}

fn experimenter() -> impl Strategy<Value = (u32, u32, Bytes)> {
    (any::<u32>(), any::<u32>(), data(60))
}

/// Any message to a switch.
pub(super) fn to_switch() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        3 => small_to_switch(),
        1 => flow_mod().prop_map(ToSwitch::FlowMod),
        1 => packet_out().prop_map(ToSwitch::PacketOut),
        1 => stats_request().prop_map(ToSwitch::StatsRequest),
    ]
}

fn small_to_switch() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        versions().prop_map(|bitmap| ToSwitch::Hello { bitmap }),
        error().prop_map(ToSwitch::Error),
        data(60).prop_map(ToSwitch::EchoRequest),
        data(60).prop_map(ToSwitch::EchoReply),
        Just(ToSwitch::FeaturesRequest),
        Just(ToSwitch::GetConfigRequest),
        config().prop_map(ToSwitch::SetConfig),
        Just(ToSwitch::BarrierRequest),
        experimenter().prop_map(|(experimenter, exp_type, body)| ToSwitch::Experimenter {
            experimenter,
            exp_type,
            body,
        }),
        (21..=255_u8, data(60))
            .prop_map(|(message_type, body)| ToSwitch::Unknown { message_type, body }),
    ]
}

fn port() -> impl Strategy<Value = Port> {
    (
        port_no(),
        any::<[u8; 6]>(),
        text(15),
        any::<[u32; 4]>(),
        any::<[u32; 4]>(),
    )
        .prop_map(
            |(number, mac, name, [config, state, current_speed, max_speed], features)| Port {
                number,
                mac: MacAddr(mac),
                name,
                admin_down: config & 1 != 0,
                link_down: state & 1 != 0,
                config,
                state,
                features,
                current_speed,
                max_speed,
            },
        )
}

fn features() -> impl Strategy<Value = Features> {
    (any::<u64>(), any::<[u32; 2]>(), any::<[u8; 2]>()).prop_map(
        |(datapath_id, [buffers, capabilities], [tables, auxiliary_id])| Features {
            datapath_id: DatapathId(datapath_id),
            buffers,
            tables,
            auxiliary_id,
            capabilities,
            ports: None,
        },
    )
}

fn packet_in() -> impl Strategy<Value = PacketIn> {
    let reason = prop_oneof![
        Just(PacketInReason::NoMatch),
        Just(PacketInReason::Action),
        Just(PacketInReason::InvalidTtl),
        (3..=255_u8).prop_map(PacketInReason::Unknown),
    ];
    let cookie = of((0..u64::MAX).prop_map(Cookie));
    (
        buffer_id(),
        any::<u16>(),
        reason,
        any::<u8>(),
        cookie,
        port_no(),
        pattern(),
        data(200),
    )
        .prop_map(
            |(buffer_id, total_len, reason, table, cookie, in_port, pattern, data)| PacketIn {
                buffer_id,
                total_len,
                reason,
                table: TableId(table),
                cookie,
                in_port,
                pattern: pattern.in_port(in_port),
                data,
            },
        )
}

fn flow_removed() -> impl Strategy<Value = FlowRemoved> {
    let reason = prop_oneof![
        Just(FlowRemovedReason::IdleTimeout),
        Just(FlowRemovedReason::HardTimeout),
        Just(FlowRemovedReason::Delete),
        Just(FlowRemovedReason::GroupDelete),
        (4..=255_u8).prop_map(FlowRemovedReason::Unknown),
    ];
    (
        pattern(),
        any::<[u64; 3]>(),
        any::<[u16; 3]>(),
        any::<u8>(),
        reason,
        duration_ns(),
    )
        .prop_map(
            |(
                pattern,
                [cookie, packets, bytes],
                [priority, idle_timeout, hard_timeout],
                table,
                reason,
                ns,
            )| {
                FlowRemoved {
                    cookie: Cookie(cookie),
                    priority,
                    reason,
                    table: TableId(table),
                    duration_ns: ns,
                    idle_timeout,
                    hard_timeout,
                    packets,
                    bytes,
                    pattern,
                }
            },
        )
}

fn port_status() -> impl Strategy<Value = PortStatus> {
    let reason = prop_oneof![
        Just(PortStatusReason::Add),
        Just(PortStatusReason::Delete),
        Just(PortStatusReason::Modify),
        (3..=255_u8).prop_map(PortStatusReason::Unknown),
    ];
    (reason, port()).prop_map(|(reason, port)| PortStatus { reason, port })
}

fn flow_stats() -> impl Strategy<Value = FlowStats> {
    (rule(), duration_ns(), any::<[u64; 2]>()).prop_map(|(rule, duration_ns, [packets, bytes])| {
        FlowStats {
            rule,
            duration_ns,
            packets,
            bytes,
        }
    })
}

fn table_stats() -> impl Strategy<Value = TableStats> {
    (any::<u8>(), any::<u32>(), any::<[u64; 2]>()).prop_map(
        |(table, active, [lookups, matched])| TableStats {
            table,
            name: None,
            max_entries: None,
            wildcards: None,
            active,
            lookups,
            matched,
        },
    )
}

fn port_stats() -> impl Strategy<Value = PortStats> {
    (port_no(), vec(of(0..u64::MAX), 12), of(duration_ns())).prop_map(
        |(port, counters, duration_ns)| PortStats {
            port,
            rx_packets: counters[0],
            tx_packets: counters[1],
            rx_bytes: counters[2],
            tx_bytes: counters[3],
            rx_dropped: counters[4],
            tx_dropped: counters[5],
            rx_errors: counters[6],
            tx_errors: counters[7],
            rx_frame_errors: counters[8],
            rx_overrun_errors: counters[9],
            rx_crc_errors: counters[10],
            collisions: counters[11],
            duration_ns,
        },
    )
}

fn description() -> impl Strategy<Value = Description> {
    (text(255), text(255), text(255), text(31), text(255)).prop_map(
        |(manufacturer, hardware, software, serial, datapath)| Description {
            manufacturer,
            hardware,
            software,
            serial,
            datapath,
        },
    )
}

fn stats_reply() -> impl Strategy<Value = StatsReply> {
    prop_oneof![
        description().prop_map(StatsReply::Description),
        vec(flow_stats(), 0..5).prop_map(StatsReply::Flows),
        (any::<[u64; 2]>(), any::<u32>()).prop_map(|([packets, bytes], flows)| {
            StatsReply::Aggregate(AggregateStats {
                packets,
                bytes,
                flows,
            })
        }),
        vec(table_stats(), 0..4).prop_map(StatsReply::Tables),
        vec(port_stats(), 0..4).prop_map(StatsReply::Ports),
        vec(port(), 0..4).prop_map(StatsReply::PortDescription),
        (unknown_stats(), data(60))
            .prop_map(|(stats_type, body)| StatsReply::Unknown { stats_type, body }),
    ]
}

/// Any message from a switch.
pub(super) fn from_switch() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        3 => small_from_switch(),
        1 => packet_in().prop_map(FromSwitch::PacketIn),
        1 => flow_removed().prop_map(FromSwitch::FlowRemoved),
        3 => (any::<bool>(), stats_reply()).prop_map(|(more, body)| FromSwitch::Stats { more, body }),
    ]
}

fn small_from_switch() -> impl Strategy<Value = FromSwitch> {
    prop_oneof![
        (versions(), any::<u8>()).prop_map(|(bitmap, header_version)| FromSwitch::Hello {
            bitmap,
            header_version
        }),
        error().prop_map(FromSwitch::Error),
        data(60).prop_map(FromSwitch::EchoRequest),
        data(60).prop_map(FromSwitch::EchoReply),
        features().prop_map(FromSwitch::Features),
        config().prop_map(FromSwitch::Config),
        port_status().prop_map(FromSwitch::PortStatus),
        Just(FromSwitch::BarrierReply),
        experimenter().prop_map(|(experimenter, exp_type, body)| FromSwitch::Experimenter {
            experimenter,
            exp_type,
            body,
        }),
        (22..=255_u8, data(60))
            .prop_map(|(message_type, body)| FromSwitch::Unknown { message_type, body }),
    ]
}
