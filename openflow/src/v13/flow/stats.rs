//! What is reported of flow entries, and of which (OF 1.3.5 §7.3.5.2, §7.3.5.3).

use bytes::BytesMut;

use super::super::record::{Extent, put_length};
use super::super::{instruction, oxm};
use super::{decode_out, encode_duration, encode_out};
use crate::error::{DecodeError, Unsupported};
use crate::model::{FlowFilter, FlowFlags, FlowRule, FlowStats};
use crate::types::{Cookie, TableId};
use crate::wire::{Put, Reader, pad, records};

/// With an empty match.
const STATS: Extent = Extent {
    field: "length",
    before: 0,
    least: 56,
    step: 8,
};

/// OF 1.3.5 §7.3.5.2, ofp_flow_stats_request; §7.3.5.3, ofp_aggregate_stats_request.
pub(in crate::v13) fn decode_filter(body: &mut Reader) -> Result<FlowFilter, DecodeError> {
    let table = TableId(body.u8("table_id")?);
    body.skip("pad", 3)?;
    let (out_port, out_group) = decode_out(body)?;
    body.skip("pad2", 4)?;
    Ok(FlowFilter {
        table,
        out_port,
        out_group,
        cookie: Cookie(body.u64("cookie")?),
        cookie_mask: body.u64("cookie_mask")?,
        pattern: oxm::decode_match(body)?,
    })
}

/// OF 1.3.5 §7.3.5.2, ofp_flow_stats.
pub(in crate::v13) fn decode(reader: &mut Reader) -> Result<FlowStats, DecodeError> {
    let mut entry = STATS.decode(reader)?;
    let table = TableId(entry.u8("table_id")?);
    entry.skip("pad", 1)?;
    let duration_ns = records::decode_duration(&mut entry)?;
    let priority = entry.u16("priority")?;
    let idle_timeout = entry.u16("idle_timeout")?;
    let hard_timeout = entry.u16("hard_timeout")?;
    let flags = FlowFlags(entry.u16("flags")?);
    entry.skip("pad2", 4)?;
    let cookie = Cookie(entry.u64("cookie")?);
    let packets = entry.u64("packet_count")?;
    let bytes = entry.u64("byte_count")?;
    let pattern = oxm::decode_match(&mut entry)?;
    let instructions = instruction::decode_all(&mut entry)?;
    let rule = FlowRule {
        table,
        priority,
        pattern,
        cookie,
        instructions,
        idle_timeout,
        hard_timeout,
        flags,
    };
    Ok(FlowStats {
        rule,
        duration_ns,
        packets,
        bytes,
    })
}

/// OF 1.3.5 §7.3.5.2, ofp_flow_stats_request; §7.3.5.3, ofp_aggregate_stats_request.
pub(in crate::v13) fn encode_filter(
    filter: &FlowFilter,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u8(filter.table.0);
    pad(buffer, 3);
    encode_out(filter.out_port, filter.out_group, buffer);
    pad(buffer, 4);
    buffer.put_u64(filter.cookie.0);
    buffer.put_u64(filter.cookie_mask);
    oxm::encode_match(&filter.pattern, buffer)
}

/// OF 1.3.5 §7.3.5.2, ofp_flow_stats.
pub(in crate::v13) fn encode(stats: &FlowStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    let rule = &stats.rule;
    buffer.put_u16(0);
    buffer.put_u8(rule.table.0);
    pad(buffer, 1);
    encode_duration(stats.duration_ns, buffer)?;
    buffer.put_u16(rule.priority);
    buffer.put_u16(rule.idle_timeout);
    buffer.put_u16(rule.hard_timeout);
    buffer.put_u16(rule.flags.0);
    pad(buffer, 4);
    buffer.put_u64(rule.cookie.0);
    buffer.put_u64(stats.packets);
    buffer.put_u64(stats.bytes);
    oxm::encode_match(&rule.pattern, buffer)?;
    instruction::encode_all(&rule.instructions, buffer)?;
    put_length(buffer, start, STATS.before, "the counters of a flow entry")
}
