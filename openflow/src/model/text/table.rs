//! Flow tables.

use std::fmt::{self, Display, Formatter};

use super::{Hex, Known, Words, experimenter, joined};
use crate::model::{
    Entries, Field, FieldId, KindId, TableFeatures, TableMod, TableProperty, TableStats,
};
use crate::types::TableId;

/// The number of a table, or all.
struct Table(TableId);

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            TableId::ALL => f.write_str("ALL"),
            TableId(number) => write!(f, "{number}"),
        }
    }
}

impl Display for TableMod {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "table_id={} config={:#x}",
            Table(self.table),
            self.config
        )
    }
}

impl Display for TableStats {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "table {}", self.table)?;
        if let Some(name) = &self.name {
            write!(f, " (\"{}\")", Words(name))?;
        }
        let (active, lookups, matched) = (self.active, self.lookups, self.matched);
        write!(f, ": active={active}, lookup={lookups}, matched={matched}")?;
        if self.max_entries.is_some() {
            write!(f, ", max={}", Known(self.max_entries))?;
        }
        if let Some(wildcards) = self.wildcards {
            write!(f, ", wild={wildcards:#x}")?;
        }
        Ok(())
    }
}

impl Display for KindId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)?;
        match self.body.is_empty() {
            true => Ok(()),
            false => write!(f, "({})", Hex(&self.body)),
        }
    }
}

impl Display for FieldId {
    /// The name where it has one; a mask that may be there is `/mask`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let known = match self.class {
            0x8000 => Field::from_number(self.field),
            _ => None,
        };
        match (known, self.experimenter) {
            (Some(field), _) => f.write_str(field.name())?,
            (None, Some(whose)) => {
                write!(f, "oxm_{:#06x}_{whose:#010x}_{}", self.class, self.field)?;
            }
            (None, None) => write!(f, "oxm_{:#06x}_{}", self.class, self.field)?,
        }
        match self.has_mask {
            true => f.write_str("/mask"),
            false => Ok(()),
        }
    }
}

impl Display for Entries {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Matching => "",
            Self::TableMiss => "_miss",
        })
    }
}

impl Display for TableProperty {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instructions { of, kinds } => list(f, "instructions", Some(*of), kinds),
            Self::NextTables { of, tables } => {
                let tables: Vec<u8> = tables.iter().map(|table| table.0).collect();
                list(f, "next_tables", Some(*of), &tables)
            }
            Self::WriteActions { of, kinds } => list(f, "write_actions", Some(*of), kinds),
            Self::ApplyActions { of, kinds } => list(f, "apply_actions", Some(*of), kinds),
            Self::Match { fields } => list(f, "match", None, fields),
            Self::Wildcards { fields } => list(f, "wildcards", None, fields),
            Self::WriteSetField { of, fields } => list(f, "write_set_field", Some(*of), fields),
            Self::ApplySetField { of, fields } => list(f, "apply_set_field", Some(*of), fields),
            Self::Experimenter {
                of,
                experimenter: whose,
                exp_type,
                body,
            } => {
                write!(f, "experimenter{of}=(exp_type={exp_type} ")?;
                experimenter(f, *whose, body)?;
                f.write_str(")")
            }
            Self::Unknown { property, body } => write!(f, "unknown({property},{})", Hex(body)),
        }
    }
}

fn list<T: Display>(
    f: &mut Formatter<'_>,
    name: &str,
    of: Option<Entries>,
    list: &[T],
) -> fmt::Result {
    let of = of.unwrap_or(Entries::Matching);
    write!(f, "{name}{of}=[")?;
    joined(f, list, ",")?;
    f.write_str("]")
}

impl Display for TableFeatures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "table {} (\"{}\"): metadata: match={:#x} write={:#x}, config={:#x}, max_entries={}",
            Table(self.table),
            Words(&self.name),
            self.metadata_match,
            self.metadata_write,
            self.config,
            self.max_entries,
        )?;
        self.properties
            .iter()
            .try_for_each(|property| write!(f, ", {property}"))
    }
}
