//! Any message to a switch.

use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{FlowMod, StatsRequest, ToSwitch};
use godwit_openflow::types::{Cookie, GroupId, PortNo, TableId, Version};
use proptest::option::of;
use proptest::prelude::*;

use super::{action, experimenter, pattern, port_no, rule, unknown_stats};
use crate::common::generated::{buffer_id, command, config, data, error, packet_out, versions};

/// A port or none; the number that means none is not a port's.
fn out_port() -> impl Strategy<Value = Option<PortNo>> {
    port_no().prop_map(|port| Some(port).filter(|&port| port != PortNo::ANY))
}

fn out_group() -> impl Strategy<Value = Option<GroupId>> {
    of((0..u32::MAX).prop_map(GroupId))
}

fn flow_mod() -> impl Strategy<Value = FlowMod> {
    (
        command(),
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

/// Any message to a switch.
pub(crate) fn messages() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        3 => small_to_switch(),
        1 => flow_mod().prop_map(ToSwitch::FlowMod),
        1 => packet_out(port_no(), action()).prop_map(ToSwitch::PacketOut),
        1 => stats_request().prop_map(ToSwitch::StatsRequest),
    ]
}

fn small_to_switch() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        versions().prop_map(|bitmap| ToSwitch::Hello { bitmap }),
        error(Version::V13).prop_map(ToSwitch::Error),
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
