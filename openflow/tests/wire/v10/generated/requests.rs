//! What a controller may send.

use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{FlowFlags, FlowMod, StatsRequest, ToSwitch};
use godwit_openflow::types::{TableId, Version};
use proptest::option::of;
use proptest::prelude::*;

use super::{action, named_port, pattern, port_no, rule};
use crate::common::generated::{buffer_id, command, config, data, error, packet_out, versions};

/// Any message to a switch.
pub(in crate::v10) fn to_switch() -> impl Strategy<Value = ToSwitch> {
    prop_oneof![
        versions().prop_map(|bitmap| ToSwitch::Hello { bitmap }),
        error(Version::V10).prop_map(ToSwitch::Error),
        data(60).prop_map(ToSwitch::EchoRequest),
        data(60).prop_map(ToSwitch::EchoReply),
        Just(ToSwitch::FeaturesRequest),
        Just(ToSwitch::GetConfigRequest),
        config().prop_map(ToSwitch::SetConfig),
        Just(ToSwitch::BarrierRequest),
        (any::<u32>(), data(60)).prop_map(|(experimenter, body)| ToSwitch::Experimenter {
            experimenter,
            exp_type: 0,
            body,
        }),
        (20..=255_u8, data(60))
            .prop_map(|(message_type, body)| ToSwitch::Unknown { message_type, body }),
        flow_mod().prop_map(ToSwitch::FlowMod),
        packet_out(named_port(), action(None)).prop_map(ToSwitch::PacketOut),
        stats_request().prop_map(ToSwitch::StatsRequest),
    ]
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

fn stats_request() -> impl Strategy<Value = StatsRequest> {
    prop_oneof![
        Just(StatsRequest::Description),
        filter().prop_map(StatsRequest::Flows),
        filter().prop_map(StatsRequest::Aggregate),
        Just(StatsRequest::Tables),
        port_no().prop_map(StatsRequest::Ports),
        (5..=0xffff_u16, data(40))
            .prop_map(|(stats_type, body)| StatsRequest::Unknown { stats_type, body }),
    ]
}

fn filter() -> impl Strategy<Value = FlowFilter> {
    let table = any::<u8>().prop_filter("names the emergency flows", |&number| number != 0xfe);
    (pattern(), table, of(named_port())).prop_map(|(pattern, table, out_port)| FlowFilter {
        table: TableId(table),
        out_port,
        pattern,
        ..FlowFilter::all()
    })
}
