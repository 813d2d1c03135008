//! Any flow table: what it counts, what it can do.

use godwit_openflow::model::{
    Entries, FieldId, KindId, TableFeatures, TableMod, TableProperty, TableStats,
};
use godwit_openflow::types::TableId;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::{data, text};

pub(super) fn change() -> impl Strategy<Value = TableMod> {
    (any::<u8>(), any::<u32>()).prop_map(|(table, config)| TableMod {
        table: TableId(table),
        config,
    })
}

pub(super) fn stats() -> impl Strategy<Value = TableStats> {
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

fn entries() -> impl Strategy<Value = Entries> {
    select(vec![Entries::Matching, Entries::TableMiss])
}

fn kinds() -> impl Strategy<Value = Vec<KindId>> {
    let kind = (any::<u16>(), data(12)).prop_map(|(number, body)| KindId { number, body });
    vec(kind, 0..5)
}

fn fields() -> impl Strategy<Value = Vec<FieldId>> {
    let class = prop_oneof![Just(0x8000), Just(0xffff), any::<u16>()];
    let field = (class, 0..0x80_u8, any::<bool>(), any::<u8>(), any::<u32>()).prop_map(
        |(class, field, has_mask, length, experimenter)| FieldId {
            class,
            field,
            has_mask,
            length,
            experimenter: (class == 0xffff).then_some(experimenter),
        },
    );
    vec(field, 0..5)
}

fn property() -> impl Strategy<Value = TableProperty> {
    let tables = vec(any::<u8>().prop_map(TableId), 0..12);
    let unknown = prop_oneof![Just(9), Just(11), 16..=0xfffd_u16];
    prop_oneof![
        (entries(), kinds()).prop_map(|(of, kinds)| TableProperty::Instructions { of, kinds }),
        (entries(), tables).prop_map(|(of, tables)| TableProperty::NextTables { of, tables }),
        (entries(), kinds()).prop_map(|(of, kinds)| TableProperty::WriteActions { of, kinds }),
        (entries(), kinds()).prop_map(|(of, kinds)| TableProperty::ApplyActions { of, kinds }),
        fields().prop_map(|fields| TableProperty::Match { fields }),
        fields().prop_map(|fields| TableProperty::Wildcards { fields }),
        (entries(), fields()).prop_map(|(of, fields)| TableProperty::WriteSetField { of, fields }),
        (entries(), fields()).prop_map(|(of, fields)| TableProperty::ApplySetField { of, fields }),
        (entries(), any::<[u32; 2]>(), data(20)).prop_map(
            |(of, [experimenter, exp_type], body)| TableProperty::Experimenter {
                of,
                experimenter,
                exp_type,
                body,
            }
        ),
        (unknown, data(20)).prop_map(|(property, body)| TableProperty::Unknown { property, body }),
    ]
}

pub(super) fn features() -> impl Strategy<Value = TableFeatures> {
    (
        any::<u8>(),
        text(31),
        any::<[u64; 2]>(),
        any::<[u32; 2]>(),
        vec(property(), 0..6),
    )
        .prop_map(
            |(table, name, [metadata_match, metadata_write], [config, max_entries], properties)| {
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
