//! Flow tables: TABLE_MOD, their counters, and in `features` what they can do (OF 1.3.5 §7.3.3, §7.3.5.4, §7.3.5.5).

pub(super) mod features;

use bytes::BytesMut;

use super::unsupported;
use crate::error::{DecodeError, Unsupported};
use crate::model::{TableMod, TableStats};
use crate::types::TableId;
use crate::wire::{Put, Reader, pad};

/// OF 1.3.5 §7.3.3, ofp_table_mod.
pub(super) fn decode_mod(body: &mut Reader) -> Result<TableMod, DecodeError> {
    let table = TableId(body.u8("table_id")?);
    body.skip("pad", 3)?;
    Ok(TableMod {
        table,
        config: body.u32("config")?,
    })
}

/// OF 1.3.5 §7.3.5.4, ofp_table_stats.
pub(super) fn decode_stats(body: &mut Reader) -> Result<TableStats, DecodeError> {
    let table = body.u8("table_id")?;
    body.skip("pad", 3)?;
    Ok(TableStats {
        table,
        name: None,
        max_entries: None,
        wildcards: None,
        active: body.u32("active_count")?,
        lookups: body.u64("lookup_count")?,
        matched: body.u64("matched_count")?,
    })
}

/// OF 1.3.5 §7.3.3, ofp_table_mod.
pub(super) fn encode_mod(change: TableMod, buffer: &mut BytesMut) {
    buffer.put_u8(change.table.0);
    pad(buffer, 3);
    buffer.put_u32(change.config);
}

/// OF 1.3.5 §7.3.5.4, ofp_table_stats.
pub(super) fn encode_stats(stats: &TableStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    if stats.name.is_some() || stats.max_entries.is_some() || stats.wildcards.is_some() {
        return Err(unsupported(
            "a table's name, size and wildcards in its statistics",
        ));
    }
    buffer.put_u8(stats.table);
    pad(buffer, 3);
    buffer.put_u32(stats.active);
    buffer.put_u64(stats.lookups);
    buffer.put_u64(stats.matched);
    Ok(())
}
