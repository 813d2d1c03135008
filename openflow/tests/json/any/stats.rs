//! Statistics, asked for and told.

use godwit_openflow::model::*;
use godwit_openflow::types::{GroupId, MeterId, QueueId};
use proptest::collection::vec;
use proptest::prelude::*;

use super::small::{
    a_port, bands, flow_filter, flow_monitor, flow_update, group_type, meter, table_features,
};
use super::{buckets, data, port, rule, text};

pub(crate) fn stats_request() -> impl Strategy<Value = StatsRequest> {
    let plain = prop_oneof![
        Just(StatsRequest::Description),
        Just(StatsRequest::Tables),
        Just(StatsRequest::PortDescription),
        Just(StatsRequest::GroupDescription),
        Just(StatsRequest::GroupFeatures),
        Just(StatsRequest::MeterFeatures),
    ];
    prop_oneof![
        plain,
        flow_filter().prop_map(StatsRequest::Flows),
        flow_filter().prop_map(StatsRequest::Aggregate),
        flow_filter().prop_map(StatsRequest::AgedFlows),
        port().prop_map(StatsRequest::Ports),
        (port(), any::<u32>()).prop_map(|(port, queue)| StatsRequest::Queues(QueueFilter {
            port,
            queue: QueueId(queue)
        })),
        any::<u32>().prop_map(|group| StatsRequest::Groups(GroupId(group))),
        meter().prop_map(StatsRequest::Meters),
        meter().prop_map(StatsRequest::MeterConfig),
        vec(table_features(), 0..3).prop_map(StatsRequest::TableFeatures),
        vec(flow_monitor(), 0..3).prop_map(StatsRequest::FlowMonitor),
        (any::<[u32; 2]>(), data()).prop_map(|([experimenter, exp_type], body)| {
            StatsRequest::Experimenter {
                experimenter,
                exp_type,
                body,
            }
        }),
        (any::<u16>(), data())
            .prop_map(|(stats_type, body)| StatsRequest::Unknown { stats_type, body }),
    ]
}

pub(crate) fn stats_reply() -> impl Strategy<Value = StatsReply> {
    prop_oneof![flows(), of_ports_and_tables(), groups(), meters(), others()]
}

fn flows() -> impl Strategy<Value = StatsReply> {
    let flow =
        (rule(), any::<[u64; 3]>()).prop_map(|(rule, [duration_ns, packets, bytes])| FlowStats {
            rule,
            duration_ns,
            packets,
            bytes,
        });
    type Ages = (u64, [Option<u64>; 2], [Option<u16>; 2]);
    let aged = (rule(), any::<Ages>()).prop_map(
        |(rule, (duration_ns, [packets, bytes], [idle_age, hard_age]))| AgedFlowStats {
            rule,
            duration_ns,
            packets,
            bytes,
            idle_age,
            hard_age,
        },
    );
    prop_oneof![
        vec(flow, 0..3).prop_map(StatsReply::Flows),
        vec(aged, 0..3).prop_map(StatsReply::AgedFlows),
        vec(flow_update(), 0..3).prop_map(StatsReply::FlowMonitor),
    ]
}

fn of_ports_and_tables() -> impl Strategy<Value = StatsReply> {
    let table = (
        proptest::option::of(text()),
        any::<(u8, [Option<u32>; 2], u32, [u64; 2])>(),
    )
        .prop_map(
            |(name, (table, [max_entries, wildcards], active, [lookups, matched]))| TableStats {
                table,
                name,
                max_entries,
                wildcards,
                active,
                lookups,
                matched,
            },
        );
    let port_stats = (port(), any::<[Option<u64>; 13]>()).prop_map(|(port, counters)| PortStats {
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
        duration_ns: counters[12],
    });
    let queue = (port(), any::<(u32, [Option<u64>; 4])>()).prop_map(|(port, (queue, counters))| {
        QueueStats {
            port,
            queue: QueueId(queue),
            tx_bytes: counters[0],
            tx_packets: counters[1],
            tx_errors: counters[2],
            duration_ns: counters[3],
        }
    });
    prop_oneof![
        vec(table, 0..3).prop_map(StatsReply::Tables),
        vec(table_features(), 0..3).prop_map(StatsReply::TableFeatures),
        vec(port_stats, 0..3).prop_map(StatsReply::Ports),
        vec(a_port(), 0..3).prop_map(StatsReply::PortDescription),
        vec(queue, 0..3).prop_map(StatsReply::Queues),
    ]
}

fn groups() -> impl Strategy<Value = StatsReply> {
    let stats = any::<([u32; 2], [u64; 3], Vec<[u64; 2]>)>().prop_map(
        |([group, references], [packets, bytes, duration_ns], buckets)| GroupStats {
            group: GroupId(group),
            references,
            packets,
            bytes,
            duration_ns,
            buckets: (buckets.into_iter().take(3))
                .map(|[packets, bytes]| BucketStats { packets, bytes })
                .collect(),
        },
    );
    let description =
        (group_type(), any::<u32>(), buckets()).prop_map(|(group_type, group, buckets)| {
            GroupDescription {
                group_type,
                group: GroupId(group),
                buckets,
            }
        });
    prop_oneof![
        vec(stats, 0..3).prop_map(StatsReply::Groups),
        vec(description, 0..3).prop_map(StatsReply::GroupDescription),
        any::<([u32; 2], [[u32; 4]; 2])>().prop_map(
            |([types, capabilities], [max_groups, actions])| {
                StatsReply::GroupFeatures(GroupFeatures {
                    types,
                    capabilities,
                    max_groups,
                    actions,
                })
            }
        ),
    ]
}

fn meters() -> impl Strategy<Value = StatsReply> {
    let stats = any::<([u32; 2], [u64; 3], Vec<[u64; 2]>)>().prop_map(
        |([meter, flows], [packets, bytes, duration_ns], bands)| MeterStats {
            meter: MeterId(meter),
            flows,
            packets,
            bytes,
            duration_ns,
            bands: (bands.into_iter().take(3))
                .map(|[packets, bytes]| MeterBandStats { packets, bytes })
                .collect(),
        },
    );
    let config = (any::<u16>(), meter(), bands()).prop_map(|(flags, meter, bands)| MeterConfig {
        flags: MeterFlags(flags),
        meter,
        bands,
    });
    prop_oneof![
        vec(stats, 0..3).prop_map(StatsReply::Meters),
        vec(config, 0..3).prop_map(StatsReply::MeterConfig),
        any::<([u32; 3], [u8; 2])>().prop_map(
            |([max_meters, band_types, capabilities], [max_bands, max_color])| {
                StatsReply::MeterFeatures(MeterFeatures {
                    max_meters,
                    band_types,
                    capabilities,
                    max_bands,
                    max_color,
                })
            }
        ),
    ]
}

fn others() -> impl Strategy<Value = StatsReply> {
    prop_oneof![
        [text(), text(), text(), text(), text()].prop_map(
            |[manufacturer, hardware, software, serial, datapath]| {
                StatsReply::Description(Description {
                    manufacturer,
                    hardware,
                    software,
                    serial,
                    datapath,
                })
            }
        ),
        any::<([u64; 2], u32)>().prop_map(|([packets, bytes], flows)| {
            StatsReply::Aggregate(AggregateStats {
                packets,
                bytes,
                flows,
            })
        }),
        (any::<[u32; 2]>(), data()).prop_map(|([experimenter, exp_type], body)| {
            StatsReply::Experimenter {
                experimenter,
                exp_type,
                body,
            }
        }),
        (any::<u16>(), data())
            .prop_map(|(stats_type, body)| StatsReply::Unknown { stats_type, body }),
    ]
}
