//! Any message to a switch.

use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{FlowMod, PortMod, StatsRequest, ToSwitch};
use godwit_openflow::types::{Cookie, GroupId, MeterId, TableId, Version};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{
    action, experimenter, group, group_or_none, meter, pattern, port_no, port_or_none, queue, role,
    rule, table, unknown_stats,
};
use crate::common::{buffer_id, command, config, data, elements, error, mac, packet_out, versions};

fn flow_mod() -> impl Strategy<Value = FlowMod> {
    (
        command(),
        rule(),
        any::<u64>(),
        buffer_id(),
        port_or_none(),
        group_or_none(),
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
        port_or_none(),
        group_or_none(),
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

fn port_mod() -> impl Strategy<Value = PortMod> {
    (port_no(), mac(), any::<[u32; 3]>()).prop_map(|(port, mac, [config, mask, advertise])| {
        PortMod {
            port,
            mac,
            config: config.into(),
            mask: mask.into(),
            advertise: advertise.into(),
        }
    })
}

fn stats_request() -> impl Strategy<Value = StatsRequest> {
    prop_oneof![
        Just(StatsRequest::Description),
        filter().prop_map(StatsRequest::Flows),
        filter().prop_map(StatsRequest::Aggregate),
        Just(StatsRequest::Tables),
        port_no().prop_map(StatsRequest::Ports),
        Just(StatsRequest::PortDescription),
        queue::filter().prop_map(StatsRequest::Queues),
        any::<u32>().prop_map(|group| StatsRequest::Groups(GroupId(group))),
        Just(StatsRequest::GroupDescription),
        Just(StatsRequest::GroupFeatures),
        any::<u32>().prop_map(|meter| StatsRequest::Meters(MeterId(meter))),
        any::<u32>().prop_map(|meter| StatsRequest::MeterConfig(MeterId(meter))),
        Just(StatsRequest::MeterFeatures),
        vec(table::features(), 0..3).prop_map(StatsRequest::TableFeatures),
        experimenter().prop_map(
            |(experimenter, exp_type, body)| StatsRequest::Experimenter {
                experimenter,
                exp_type,
                body,
            }
        ),
        (unknown_stats(), data(40))
            .prop_map(|(stats_type, body)| StatsRequest::Unknown { stats_type, body }),
    ]
}

/// Any message to a switch, but for those of extensions.
pub fn messages() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        3 => small_to_switch(),
        1 => flow_mod().prop_map(ToSwitch::FlowMod),
        1 => packet_out(port_no(), action()).prop_map(ToSwitch::PacketOut),
        2 => configuration(),
        2 => (any::<bool>(), stats_request())
            .prop_map(|(more, body)| ToSwitch::StatsRequest { more, body }),
    ]
}

/// The types of messages that only switches send, and those that the version does not define.
fn unknown_type() -> impl Strategy<Value = u8> {
    prop_oneof![
        select(vec![6, 8, 10, 11, 12, 19, 21, 23, 25, 27_u8]),
        30..=255_u8,
    ]
}

fn small_to_switch() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        (versions(), elements())
            .prop_map(|(bitmap, elements)| ToSwitch::Hello { bitmap, elements }),
        error(Version::V13).prop_map(ToSwitch::Error),
        data(60).prop_map(ToSwitch::EchoRequest),
        data(60).prop_map(ToSwitch::EchoReply),
        Just(ToSwitch::FeaturesRequest),
        Just(ToSwitch::GetConfigRequest),
        config().prop_map(ToSwitch::SetConfig),
        Just(ToSwitch::BarrierRequest),
        Just(ToSwitch::AsyncConfigRequest),
        experimenter().prop_map(|(experimenter, exp_type, body)| ToSwitch::Experimenter {
            experimenter,
            exp_type,
            body,
        }),
        (unknown_type(), data(60))
            .prop_map(|(message_type, body)| ToSwitch::Unknown { message_type, body }),
    ]
}

fn configuration() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        2 => group::change().prop_map(ToSwitch::GroupMod),
        1 => port_mod().prop_map(ToSwitch::PortMod),
        1 => table::change().prop_map(ToSwitch::TableMod),
        2 => meter::change().prop_map(ToSwitch::MeterMod),
        1 => port_no().prop_map(ToSwitch::QueueConfigRequest),
        1 => role::role().prop_map(ToSwitch::RoleRequest),
        1 => role::async_config().prop_map(ToSwitch::SetAsyncConfig),
    ]
}
