//! What flow tables can do (OF 1.3.5 §7.3.5.5).

use bytes::BytesMut;

use super::super::consts::*;
use super::super::record::{Extent, put_length};
use super::super::unsupported;
use crate::error::{DecodeError, Unsupported};
use crate::model::{Entries, FieldId, KindId, TableFeatures, TableProperty};
use crate::types::TableId;
use crate::wire::{Put, Reader, pad, pad_to_8, put_text};

const FEATURES: Extent = Extent {
    field: "length",
    before: 0,
    least: 64,
    step: 8,
};

/// Its length leaves out the padding to a multiple of 8.
const PROPERTY: Extent = Extent {
    field: "properties.length",
    before: 2,
    least: 4,
    step: 1,
};

/// The type and length of an instruction or action; only experimenters' have more.
const KIND: Extent = Extent {
    field: "properties.ids.len",
    before: 2,
    least: 4,
    step: 1,
};

/// OF 1.3.5 §7.3.5.5.2, ofp_table_features.
pub(in crate::v13) fn decode(reader: &mut Reader) -> Result<TableFeatures, DecodeError> {
    let mut body = FEATURES.decode(reader)?;
    let table = TableId(body.u8("table_id")?);
    body.skip("pad", 5)?;
    Ok(TableFeatures {
        table,
        name: body.text("name", TABLE_NAME_LENGTH)?,
        metadata_match: body.u64("metadata_match")?,
        metadata_write: body.u64("metadata_write")?,
        config: body.u32("config")?,
        max_entries: body.u32("max_entries")?,
        properties: body.list(decode_property)?,
    })
}

/// OF 1.3.5 §7.3.5.5.2, ofp_table_feature_prop_header and what each type makes of it.
fn decode_property(reader: &mut Reader) -> Result<TableProperty, DecodeError> {
    let property = reader.u16("properties.type")?;
    let mut body = PROPERTY.decode(reader)?;
    let length = PROPERTY.least + body.left();
    reader.skip("properties.pad", length.next_multiple_of(8) - length)?;
    let body = &mut body;
    let (general, of) = split(property);
    let decoded = match general {
        OFPTFPT_INSTRUCTIONS => TableProperty::Instructions {
            of,
            kinds: body.list(decode_kind)?,
        },
        OFPTFPT_NEXT_TABLES => TableProperty::NextTables {
            of,
            tables: body.rest().into_iter().map(TableId).collect(),
        },
        OFPTFPT_WRITE_ACTIONS => TableProperty::WriteActions {
            of,
            kinds: body.list(decode_kind)?,
        },
        OFPTFPT_APPLY_ACTIONS => TableProperty::ApplyActions {
            of,
            kinds: body.list(decode_kind)?,
        },
        OFPTFPT_MATCH => TableProperty::Match {
            fields: body.list(decode_field)?,
        },
        OFPTFPT_WILDCARDS => TableProperty::Wildcards {
            fields: body.list(decode_field)?,
        },
        OFPTFPT_WRITE_SETFIELD => TableProperty::WriteSetField {
            of,
            fields: body.list(decode_field)?,
        },
        OFPTFPT_APPLY_SETFIELD => TableProperty::ApplySetField {
            of,
            fields: body.list(decode_field)?,
        },
        OFPTFPT_EXPERIMENTER => TableProperty::Experimenter {
            of,
            experimenter: body.u32("properties.experimenter")?,
            exp_type: body.u32("properties.exp_type")?,
            body: body.rest(),
        },
        _ => TableProperty::Unknown {
            property,
            body: body.rest(),
        },
    };
    body.finish(PROPERTY.field)?;
    Ok(decoded)
}

/// The number of a property for entries with a match, and which entries it is about. The fields that entries match
/// are nothing to the table-miss entry.
const fn split(property: u16) -> (u16, Entries) {
    let miss = property & 1 == 1;
    match property & !1 {
        OFPTFPT_MATCH | OFPTFPT_WILDCARDS if miss => (property, Entries::TableMiss),
        general if miss => (general, Entries::TableMiss),
        general => (general, Entries::Matching),
    }
}

/// OF 1.3.5 §7.3.5.5.2: an ofp_instruction or ofp_action_header without padding, with the experimenter's number where it
/// has one.
fn decode_kind(reader: &mut Reader) -> Result<KindId, DecodeError> {
    Ok(KindId {
        number: reader.u16("properties.ids.type")?,
        body: KIND.decode(reader)?.rest(),
    })
}

/// OF 1.3.5 §7.3.5.5.2: an OXM header, with the experimenter's number where it has one.
fn decode_field(reader: &mut Reader) -> Result<FieldId, DecodeError> {
    let class = reader.u16("oxm_class")?;
    let field_and_mask = reader.u8("oxm_field")?;
    Ok(FieldId {
        class,
        field: field_and_mask >> 1,
        has_mask: field_and_mask & 1 != 0,
        length: reader.u8("oxm_length")?,
        experimenter: match class {
            OFPXMC_EXPERIMENTER => Some(reader.u32("oxm_experimenter")?),
            _ => None,
        },
    })
}

/// OF 1.3.5 §7.3.5.5.2, ofp_table_features.
pub(in crate::v13) fn encode(
    features: &TableFeatures,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let start = buffer.len();
    buffer.put_u16(0);
    buffer.put_u8(features.table.0);
    pad(buffer, 5);
    put_text(buffer, &features.name, TABLE_NAME_LENGTH);
    buffer.put_u64(features.metadata_match);
    buffer.put_u64(features.metadata_write);
    buffer.put_u32(features.config);
    buffer.put_u32(features.max_entries);
    for property in &features.properties {
        encode_property(property, buffer)?;
    }
    put_length(buffer, start, FEATURES.before, "the features of a table")
}

/// OF 1.3.5 §7.3.5.5.2, ofp_table_feature_prop_header and what each type makes of it.
fn encode_property(property: &TableProperty, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    buffer.put_u16(property_number(property));
    buffer.put_u16(0);
    match property {
        TableProperty::Instructions { kinds, .. }
        | TableProperty::WriteActions { kinds, .. }
        | TableProperty::ApplyActions { kinds, .. } => kinds
            .iter()
            .try_for_each(|kind| encode_kind(kind, buffer))?,
        TableProperty::NextTables { tables, .. } => {
            tables.iter().for_each(|table| buffer.put_u8(table.0));
        }
        TableProperty::Match { fields }
        | TableProperty::Wildcards { fields }
        | TableProperty::WriteSetField { fields, .. }
        | TableProperty::ApplySetField { fields, .. } => fields
            .iter()
            .try_for_each(|field| encode_field(field, buffer))?,
        TableProperty::Experimenter {
            experimenter,
            exp_type,
            body,
            ..
        } => {
            buffer.put_u32(*experimenter);
            buffer.put_u32(*exp_type);
            buffer.put_slice(body);
        }
        TableProperty::Unknown { body, .. } => buffer.put_slice(body),
    }
    put_length(buffer, start, PROPERTY.before, "a property of a table")?;
    pad_to_8(buffer, start);
    Ok(())
}

const fn property_number(property: &TableProperty) -> u16 {
    let (general, of) = match property {
        TableProperty::Instructions { of, .. } => (OFPTFPT_INSTRUCTIONS, *of),
        TableProperty::NextTables { of, .. } => (OFPTFPT_NEXT_TABLES, *of),
        TableProperty::WriteActions { of, .. } => (OFPTFPT_WRITE_ACTIONS, *of),
        TableProperty::ApplyActions { of, .. } => (OFPTFPT_APPLY_ACTIONS, *of),
        TableProperty::Match { .. } => (OFPTFPT_MATCH, Entries::Matching),
        TableProperty::Wildcards { .. } => (OFPTFPT_WILDCARDS, Entries::Matching),
        TableProperty::WriteSetField { of, .. } => (OFPTFPT_WRITE_SETFIELD, *of),
        TableProperty::ApplySetField { of, .. } => (OFPTFPT_APPLY_SETFIELD, *of),
        TableProperty::Experimenter { of, .. } => (OFPTFPT_EXPERIMENTER, *of),
        TableProperty::Unknown { property, .. } => return *property,
    };
    match of {
        Entries::Matching => general,
        Entries::TableMiss => general | 1,
    }
}

fn encode_kind(kind: &KindId, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    buffer.put_u16(kind.number);
    buffer.put_u16(0);
    buffer.put_slice(&kind.body);
    put_length(
        buffer,
        start,
        KIND.before,
        "the type of an instruction or action",
    )
}

fn encode_field(field: &FieldId, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    if field.field > 0x7f {
        return Err(unsupported(format!("match field number {}", field.field)));
    }
    if (field.class == OFPXMC_EXPERIMENTER) != field.experimenter.is_some() {
        return Err(unsupported(format!(
            "an experimenter's number that is missing or too much in a match field of class {:#06x}",
            field.class
        )));
    }
    buffer.put_u16(field.class);
    buffer.put_u8(field.field << 1 | u8::from(field.has_mask));
    buffer.put_u8(field.length);
    if let Some(experimenter) = field.experimenter {
        buffer.put_u32(experimenter);
    }
    Ok(())
}
