//! Arbitrary statistics, requests and replies.

use bytes::{Bytes, BytesMut};
use godwit_openflow::codec::encode_to_switch;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{FlowRule, FlowStats, StatsReply, StatsRequest, TableStats, ToSwitch};
use godwit_openflow::types::{TableId, Version, Xid};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::ports::{named_port, port_no};
use super::{pattern, queues, rule};
use crate::common::{aggregate, data, description, duration_ns, port_stats, text};

/// As a table's number: of the emergency flows.
const EMERGENCY: u8 = 0xfe;

pub(super) fn request() -> impl Strategy<Value = StatsRequest> {
    prop_oneof![
        Just(StatsRequest::Description),
        filter().prop_map(StatsRequest::Flows),
        filter().prop_map(StatsRequest::Aggregate),
        Just(StatsRequest::Tables),
        port_no().prop_map(StatsRequest::Ports),
        queues::filter().prop_map(StatsRequest::Queues),
        (any::<u32>(), data(60)).prop_map(|(experimenter, body)| StatsRequest::Experimenter {
            experimenter,
            exp_type: 0,
            body,
        }),
        (6..0xffff_u16, data(40))
            .prop_map(|(stats_type, body)| StatsRequest::Unknown { stats_type, body }),
        (filter(), 1..=2_u16).prop_filter_map("not in 1.0", |(filter, stats_type)| {
            of_emergency_flows(filter).map(|body| StatsRequest::Unknown { stats_type, body })
        }),
    ]
}

fn filter() -> impl Strategy<Value = FlowFilter> {
    let table = any::<u8>().prop_filter("names the emergency flows", |&table| table != EMERGENCY);
    (pattern(), table, of(named_port())).prop_map(|(pattern, table, out_port)| FlowFilter {
        table: TableId(table),
        out_port,
        pattern,
        ..FlowFilter::all()
    })
}

/// The body of a request about emergency flows.
fn of_emergency_flows(filter: FlowFilter) -> Option<Bytes> {
    let request = ToSwitch::stats(StatsRequest::Flows(filter));
    let mut buffer = BytesMut::new();
    encode_to_switch(Version::V10, Xid(0), &request, &mut buffer).ok()?;
    let mut body = buffer.split_off(12);
    body[40] = EMERGENCY;
    Some(body.freeze())
}

fn flow_stats() -> impl Strategy<Value = FlowStats> {
    (rule(), any::<u8>(), duration_ns(), any::<[u64; 2]>()).prop_map(
        |(rule, table, duration_ns, [packets, bytes])| FlowStats {
            rule: FlowRule {
                table: TableId(table),
                ..rule
            },
            duration_ns,
            packets,
            bytes,
        },
    )
}

fn table_stats() -> impl Strategy<Value = TableStats> {
    (any::<u8>(), text(32), any::<[u32; 3]>(), any::<[u64; 2]>()).prop_map(
        |(table, name, [max_entries, wildcards, active], [lookups, matched])| TableStats {
            table,
            name: Some(name),
            max_entries: Some(max_entries),
            wildcards: Some(wildcards),
            active,
            lookups,
            matched,
        },
    )
}

pub(super) fn reply() -> impl Strategy<Value = StatsReply> {
    prop_oneof![
        description(),
        vec(flow_stats(), 0..5).prop_map(StatsReply::Flows),
        aggregate(),
        vec(table_stats(), 0..4).prop_map(StatsReply::Tables),
        vec(port_stats(port_no()), 0..4).prop_map(StatsReply::Ports),
        vec(queues::stats(), 0..4).prop_map(StatsReply::Queues),
        (any::<u32>(), data(60)).prop_map(|(experimenter, body)| StatsReply::Experimenter {
            experimenter,
            exp_type: 0,
            body,
        }),
        (6..0xffff_u16, data(60))
            .prop_map(|(stats_type, body)| StatsReply::Unknown { stats_type, body }),
    ]
}
