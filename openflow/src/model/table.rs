//! Flow tables: what they can do, and how they are configured (OF 1.3.5 §7.3.3, §7.3.5.5). Not in 1.0.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::hex;
use crate::types::TableId;

/// A change of a table's configuration (OF 1.3.5 §7.3.3, `ofp_table_mod`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableMod {
    /// Which table, or all ([`TableId::ALL`]).
    pub table: TableId,
    /// Bits of `ofp_table_config`.
    pub config: u32,
}

/// What a table can do (OF 1.3.5 §7.3.5.5.2, `ofp_table_features`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableFeatures {
    /// Which table.
    pub table: TableId,
    /// Its name.
    pub name: String,
    /// The bits of the metadata register that it can match.
    pub metadata_match: u64,
    /// The bits of the metadata register that it can write.
    pub metadata_write: u64,
    /// Bits of `ofp_table_config`.
    pub config: u32,
    /// How many entries it can hold.
    pub max_entries: u32,
    /// What its entries may say.
    pub properties: Vec<TableProperty>,
}

/// Which entries of a table a property is about (OF 1.3.5 §7.3.5.5.2: the properties with `_MISS` in their names).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entries {
    /// Those with a match.
    Matching,
    /// The table-miss entry.
    TableMiss,
}

/// What the entries of a table may say (OF 1.3.5 §7.3.5.5.2, `ofp_table_feature_prop_type`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum TableProperty {
    /// The instructions that they may have.
    Instructions {
        /// Of which entries.
        of: Entries,
        /// The instructions.
        kinds: Vec<KindId>,
    },
    /// The tables that they may go on in.
    NextTables {
        /// Of which entries.
        of: Entries,
        /// The tables.
        tables: Vec<TableId>,
    },
    /// The actions that they may write to the action set.
    WriteActions {
        /// Of which entries.
        of: Entries,
        /// The actions.
        kinds: Vec<KindId>,
    },
    /// The actions that they may apply.
    ApplyActions {
        /// Of which entries.
        of: Entries,
        /// The actions.
        kinds: Vec<KindId>,
    },
    /// The fields that they may match.
    Match {
        /// The fields.
        fields: Vec<FieldId>,
    },
    /// The fields that they may leave out.
    Wildcards {
        /// The fields.
        fields: Vec<FieldId>,
    },
    /// The fields that the action set may set.
    WriteSetField {
        /// Of which entries.
        of: Entries,
        /// The fields.
        fields: Vec<FieldId>,
    },
    /// The fields that applied actions may set.
    ApplySetField {
        /// Of which entries.
        of: Entries,
        /// The fields.
        fields: Vec<FieldId>,
    },
    /// What an experimenter says.
    Experimenter {
        /// Of which entries.
        of: Entries,
        /// Whose.
        experimenter: u32,
        /// The experimenter's type.
        exp_type: u32,
        /// The rest.
        #[serde(with = "hex")]
        body: Bytes,
    },
    /// A property that this model has no word for, kept as it came.
    Unknown {
        /// The property's number on the wire.
        property: u16,
        /// Everything after the four bytes of type and length.
        #[serde(with = "hex")]
        body: Bytes,
    },
}

/// The type of an action or instruction, in OpenFlow 1.3's numbering, without its arguments (OF 1.3.5 §7.3.5.5.2,
/// `ofp_action_header` and `ofp_instruction` in a property).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindId {
    /// The type on the wire.
    pub number: u16,
    /// What follows type and length: empty but for experimenters, whose number begins it.
    #[serde(with = "hex", default, skip_serializing_if = "Bytes::is_empty")]
    pub body: Bytes,
}

/// The header of a match field, without a value (OF 1.3.5 §7.2.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldId {
    /// The OXM class.
    pub class: u16,
    /// The field's number within the class, 7 bits.
    pub field: u8,
    /// Whether it may be masked.
    pub has_mask: bool,
    /// The length of its payload in bytes, as the switch says.
    pub length: u8,
    /// Whose, of class `OFPXMC_EXPERIMENTER`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experimenter: Option<u32>,
}
