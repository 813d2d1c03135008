//! What groups, meters and tables can do, in Ryu's words.

use godwit_openflow::model::{
    Entries, Field, FieldId, GroupFeatures, KindId, MeterFeatures, TableFeatures, TableProperty,
};
use godwit_openflow::types::Version;
use serde_json::{Map, Value, json};

use super::super::{GROUP_CAPABILITIES, METER_FLAGS, set};
use super::names;

/// `OFPMBT_…`, by number.
const BAND_TYPES: [(u32, &str); 2] = [(1, "DROP"), (2, "DSCP_REMARK")];

/// `OFPGT_…`, by number (OF 1.3.5 §7.3.4.2).
const GROUP_TYPES: [&str; 4] = ["ALL", "SELECT", "INDIRECT", "FF"];

/// `OFPAT_…`, by number (OF 1.3.5 §7.2.5).
const ACTIONS: [(u32, &str); 16] = [
    (0, "OUTPUT"),
    (11, "COPY_TTL_OUT"),
    (12, "COPY_TTL_IN"),
    (15, "SET_MPLS_TTL"),
    (16, "DEC_MPLS_TTL"),
    (17, "PUSH_VLAN"),
    (18, "POP_VLAN"),
    (19, "PUSH_MPLS"),
    (20, "POP_MPLS"),
    (21, "SET_QUEUE"),
    (22, "GROUP"),
    (23, "SET_NW_TTL"),
    (24, "DEC_NW_TTL"),
    (25, "SET_FIELD"),
    (26, "PUSH_PBB"),
    (27, "POP_PBB"),
];

/// The names of the bits at these places that are set.
fn by_number(names: &[(u32, &'static str)], bits: u32) -> Vec<&'static str> {
    let set = names.iter().filter(|(number, _)| bits >> number & 1 == 1);
    set.map(|(_, name)| *name).collect()
}

pub(super) fn group(features: &GroupFeatures) -> Value {
    let kinds = || GROUP_TYPES.iter().zip(0_u32..);
    let types = kinds().filter(|(_, number)| features.types >> number & 1 == 1);
    let most = GROUP_TYPES.iter().zip(features.max_groups);
    let actions = GROUP_TYPES.iter().zip(features.actions);
    let named = |name: &str, value: Value| Value::from(Map::from_iter([(name.to_owned(), value)]));
    json!({
        "types": types.map(|(name, _)| *name).collect::<Vec<_>>(),
        "capabilities": set(&GROUP_CAPABILITIES, features.capabilities.into()),
        "max_groups": most.map(|(name, most)| named(name, most.into())).collect::<Vec<_>>(),
        "actions": actions
            .map(|(name, bits)| named(name, by_number(&ACTIONS, bits).into()))
            .collect::<Vec<_>>(),
    })
}

pub(super) fn meter(features: &MeterFeatures) -> Value {
    json!({
        "max_meter": features.max_meters,
        "band_types": by_number(&BAND_TYPES, features.band_types),
        "capabilities": set(&METER_FLAGS, features.capabilities.into()),
        "max_bands": features.max_bands,
        "max_color": features.max_color,
    })
}

pub(super) fn table(features: &TableFeatures) -> Value {
    json!({
        "table_id": names::table(Version::V13, features.table),
        "name": features.name,
        "metadata_match": features.metadata_match,
        "metadata_write": features.metadata_write,
        "config": features.config,
        "max_entries": features.max_entries,
        "properties": features.properties.iter().map(property).collect::<Vec<_>>(),
    })
}

/// Of entries that match; that of the table-miss entry has a name of its own (OF 1.3.5 §7.3.5.5.2).
fn property(property: &TableProperty) -> Value {
    let (name, of, key, list) = match property {
        TableProperty::Instructions { of, kinds } => {
            ("INSTRUCTIONS", of, "instruction_ids", ids(kinds))
        }
        TableProperty::NextTables { of, tables } => {
            let tables: Vec<u8> = tables.iter().map(|table| table.0).collect();
            ("NEXT_TABLES", of, "table_ids", json!(tables))
        }
        TableProperty::WriteActions { of, kinds } => {
            ("WRITE_ACTIONS", of, "action_ids", ids(kinds))
        }
        TableProperty::ApplyActions { of, kinds } => {
            ("APPLY_ACTIONS", of, "action_ids", ids(kinds))
        }
        TableProperty::Match { fields } => ("MATCH", &Entries::Matching, "oxm_ids", oxms(fields)),
        TableProperty::Wildcards { fields } => {
            ("WILDCARDS", &Entries::Matching, "oxm_ids", oxms(fields))
        }
        TableProperty::WriteSetField { of, fields } => {
            ("WRITE_SETFIELD", of, "oxm_ids", oxms(fields))
        }
        TableProperty::ApplySetField { of, fields } => {
            ("APPLY_SETFIELD", of, "oxm_ids", oxms(fields))
        }
        TableProperty::Experimenter { of, .. } => {
            return json!({ "type": kind("EXPERIMENTER", of) });
        }
        TableProperty::Unknown { .. } => return json!({ "type": "UNKNOWN" }),
    };
    json!({ "type": kind(name, of), key: list })
}

fn kind(name: &str, of: &Entries) -> String {
    match of {
        Entries::Matching => name.to_owned(),
        Entries::TableMiss => format!("{name}_MISS"),
    }
}

/// Each with its length: four bytes, and what an experimenter adds.
fn ids(kinds: &[KindId]) -> Value {
    let id = |kind: &KindId| json!({ "type": kind.number, "len": 4 + kind.body.len() });
    kinds.iter().map(id).collect()
}

/// `OFPXMC_OPENFLOW_BASIC` (OF 1.3.5 §7.2.3.3).
const BASIC: u16 = 0x8000;

fn oxms(fields: &[FieldId]) -> Value {
    let id = |id: &FieldId| {
        let known = (id.class == BASIC).then(|| Field::from_number(id.field));
        let name = known.flatten().map_or_else(
            || format!("field_{}", u32::from(id.class) << 7 | u32::from(id.field)),
            |field| field.name().to_owned(),
        );
        json!({ "type": name, "hasmask": u8::from(id.has_mask), "length": id.length })
    };
    fields.iter().map(id).collect()
}
