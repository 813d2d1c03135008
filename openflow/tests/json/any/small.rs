//! Parts that several messages share.

use godwit_openflow::model::*;
use godwit_openflow::types::{
    BundleId, Cookie, DatapathId, GroupId, MacAddr, MeterId, QueueId, TableId, Version, Xid,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{data, instruction, pattern, port, text};

pub(super) fn hello_elements() -> impl Strategy<Value = Vec<HelloElement>> {
    let element =
        (any::<u16>(), data()).prop_map(|(element_type, body)| HelloElement { element_type, body });
    vec(element, 0..3)
}

pub(super) fn error() -> impl Strategy<Value = ErrorReport> {
    (select(Version::ALL.to_vec()), any::<[u16; 2]>(), data()).prop_map(
        |(version, [error_type, code], data)| ErrorReport {
            version,
            error_type,
            code,
            data,
        },
    )
}

pub(super) fn config() -> impl Strategy<Value = SwitchConfig> {
    any::<[u16; 2]>().prop_map(|[flags, miss_send_len]| SwitchConfig {
        flags,
        miss_send_len,
    })
}

pub(super) fn a_port() -> impl Strategy<Value = Port> {
    (
        port(),
        any::<([u8; 6], [bool; 2], [u64; 6], [u32; 2])>(),
        text(),
    )
        .prop_map(
            |(number, (mac, [admin_down, link_down], bits, speeds), name)| {
                let [config, state, current, advertised, supported, peer] = bits;
                Port {
                    number,
                    mac: MacAddr(mac),
                    name,
                    admin_down,
                    link_down,
                    config,
                    state,
                    features: [current, advertised, supported, peer],
                    current_speed: speeds[0],
                    max_speed: speeds[1],
                }
            },
        )
}

pub(super) fn features() -> impl Strategy<Value = Features> {
    let numbers = any::<(u64, u32, [u8; 2], u64, Option<u32>)>();
    (numbers, of(vec(a_port(), 0..3))).prop_map(
        |((dpid, buffers, [tables, auxiliary_id], capabilities, actions), ports)| Features {
            datapath_id: DatapathId(dpid),
            buffers,
            tables,
            auxiliary_id,
            capabilities,
            actions,
            ports,
        },
    )
}

pub(super) fn role() -> impl Strategy<Value = RoleMessage> {
    let role = prop_oneof![
        Just(Role::NoChange),
        Just(Role::Equal),
        Just(Role::Master),
        Just(Role::Slave),
        any::<u32>().prop_map(Role::Unknown),
    ];
    (role, any::<Option<u64>>()).prop_map(|(role, generation)| RoleMessage { role, generation })
}

pub(super) fn async_config() -> impl Strategy<Value = AsyncConfig> {
    any::<[[u32; 2]; 3]>().prop_map(|[packet_in, port_status, flow_removed]| AsyncConfig {
        packet_in,
        port_status,
        flow_removed,
    })
}

pub(super) fn bundle_control() -> impl Strategy<Value = BundleControl> {
    let step = prop_oneof![
        Just(BundleStep::OpenRequest),
        Just(BundleStep::OpenReply),
        Just(BundleStep::CloseRequest),
        Just(BundleStep::CloseReply),
        Just(BundleStep::CommitRequest),
        Just(BundleStep::CommitReply),
        Just(BundleStep::DiscardRequest),
        Just(BundleStep::DiscardReply),
        any::<u16>().prop_map(BundleStep::Unknown),
    ];
    (any::<u32>(), step, any::<u16>(), data()).prop_map(|(bundle, step, flags, properties)| {
        BundleControl {
            bundle: BundleId(bundle),
            step,
            flags: BundleFlags(flags),
            properties,
        }
    })
}

pub(super) fn bands() -> impl Strategy<Value = Vec<MeterBand>> {
    let band = prop_oneof![
        any::<[u32; 2]>().prop_map(|[rate, burst]| MeterBand::Drop { rate, burst }),
        any::<([u32; 2], u8)>().prop_map(|([rate, burst], precedence_level)| {
            MeterBand::DscpRemark {
                rate,
                burst,
                precedence_level,
            }
        }),
        (any::<[u32; 3]>(), data()).prop_map(|([rate, burst, experimenter], body)| {
            MeterBand::Experimenter {
                rate,
                burst,
                experimenter,
                body,
            }
        }),
        (any::<u16>(), data()).prop_map(|(band_type, body)| MeterBand::Unknown { band_type, body }),
    ];
    vec(band, 0..3)
}

pub(super) fn group_type() -> impl Strategy<Value = GroupType> {
    prop_oneof![
        Just(GroupType::All),
        Just(GroupType::Select),
        Just(GroupType::Indirect),
        Just(GroupType::FastFailover),
        any::<u8>().prop_map(GroupType::Unknown),
    ]
}

pub(super) fn queue_property() -> impl Strategy<Value = QueueProperty> {
    prop_oneof![
        any::<u16>().prop_map(|rate| QueueProperty::MinRate { rate }),
        any::<u16>().prop_map(|rate| QueueProperty::MaxRate { rate }),
        (any::<u32>(), data())
            .prop_map(|(experimenter, body)| QueueProperty::Experimenter { experimenter, body }),
        (any::<u16>(), data())
            .prop_map(|(property, body)| QueueProperty::Unknown { property, body }),
    ]
}

pub(super) fn queues() -> impl Strategy<Value = QueueConfigReply> {
    let queue = (any::<u32>(), port(), vec(queue_property(), 0..3)).prop_map(
        |(queue, port, properties)| QueueConfig {
            queue: QueueId(queue),
            port,
            properties,
        },
    );
    (port(), vec(queue, 0..3)).prop_map(|(port, queues)| QueueConfigReply { port, queues })
}

fn kinds() -> impl Strategy<Value = Vec<KindId>> {
    vec(
        (any::<u16>(), data()).prop_map(|(number, body)| KindId { number, body }),
        0..3,
    )
}

fn fields() -> impl Strategy<Value = Vec<FieldId>> {
    let field = any::<(u16, u8, bool, u8, Option<u32>)>().prop_map(
        |(class, field, has_mask, length, experimenter)| FieldId {
            class,
            field,
            has_mask,
            length,
            experimenter,
        },
    );
    vec(field, 0..3)
}

fn table_property() -> impl Strategy<Value = TableProperty> {
    let of = || select(vec![Entries::Matching, Entries::TableMiss]);
    let tables = vec(any::<u8>().prop_map(TableId), 0..4);
    prop_oneof![
        (of(), kinds()).prop_map(|(of, kinds)| TableProperty::Instructions { of, kinds }),
        (of(), tables).prop_map(|(of, tables)| TableProperty::NextTables { of, tables }),
        (of(), kinds()).prop_map(|(of, kinds)| TableProperty::WriteActions { of, kinds }),
        (of(), kinds()).prop_map(|(of, kinds)| TableProperty::ApplyActions { of, kinds }),
        fields().prop_map(|fields| TableProperty::Match { fields }),
        fields().prop_map(|fields| TableProperty::Wildcards { fields }),
        (of(), fields()).prop_map(|(of, fields)| TableProperty::WriteSetField { of, fields }),
        (of(), fields()).prop_map(|(of, fields)| TableProperty::ApplySetField { of, fields }),
        (of(), any::<[u32; 2]>(), data()).prop_map(|(of, [experimenter, exp_type], body)| {
            TableProperty::Experimenter {
                of,
                experimenter,
                exp_type,
                body,
            }
        }),
        (any::<u16>(), data())
            .prop_map(|(property, body)| TableProperty::Unknown { property, body }),
    ]
}

pub(super) fn table_features() -> impl Strategy<Value = TableFeatures> {
    (
        any::<(u8, [u64; 2], [u32; 2])>(),
        text(),
        vec(table_property(), 0..4),
    )
        .prop_map(
            |(
                (table, [metadata_match, metadata_write], [config, max_entries]),
                name,
                properties,
            )| {
                TableFeatures {
                    table: TableId(table),
                    name,
                    metadata_match,
                    metadata_write,
                    config,
                    max_entries,
                    properties,
                }
            },
        )
}

pub(super) fn flow_filter() -> impl Strategy<Value = FlowFilter> {
    let numbers = any::<(u8, Option<u32>, [u64; 2])>();
    (numbers, of(port()), pattern()).prop_map(
        |((table, out_group, [cookie, cookie_mask]), out_port, pattern)| FlowFilter {
            table: TableId(table),
            out_port,
            out_group: out_group.map(GroupId),
            cookie: Cookie(cookie),
            cookie_mask,
            pattern,
        },
    )
}

pub(super) fn flow_monitor() -> impl Strategy<Value = FlowMonitor> {
    (any::<(u32, u16, u8)>(), of(port()), pattern()).prop_map(
        |((monitor, flags, table), out_port, pattern)| FlowMonitor {
            monitor,
            flags: MonitorFlags(flags),
            out_port,
            table: TableId(table),
            pattern,
        },
    )
}

pub(super) fn flow_update() -> impl Strategy<Value = FlowUpdate> {
    let event = select(vec![
        FlowEvent::Added,
        FlowEvent::Deleted,
        FlowEvent::Modified,
    ]);
    let numbers = any::<(u8, [u16; 4], u64)>();
    let full = (event, numbers, pattern(), vec(instruction(), 0..3)).prop_map(
        |(event, (table, [reason, priority, idle, hard], cookie), pattern, instructions)| {
            FlowUpdate::Full {
                event,
                reason,
                table: TableId(table),
                priority,
                idle_timeout: idle,
                hard_timeout: hard,
                cookie: Cookie(cookie),
                pattern,
                instructions,
            }
        },
    );
    prop_oneof![
        full,
        any::<u32>().prop_map(|xid| FlowUpdate::Abbreviated { xid: Xid(xid) }),
        (any::<u16>(), data()).prop_map(|(event, body)| FlowUpdate::Unknown { event, body }),
    ]
}

pub(super) fn meter() -> impl Strategy<Value = MeterId> {
    any::<u32>().prop_map(MeterId)
}
