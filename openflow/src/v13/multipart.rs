//! MULTIPART: what a switch reports on request (OF 1.3.5 §7.3.5).

use bytes::{BufMut, BytesMut};

use super::consts::*;
use super::{flow, instruction, oxm, port, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::outbound::FlowFilter;
use crate::model::{
    FlowFlags, FlowRule, FlowStats, FromSwitch, PortStats, StatsReply, StatsRequest, TableStats,
    ToSwitch,
};
use crate::types::{Cookie, PortNo, TableId};
use crate::wire::records::{self, NOT_COUNTED};
use crate::wire::{Reader, pad, patch_length};

/// OF 1.3.5 §7.3.5, ofp_multipart_request. One that is a part of several has no word in the model
/// (only requests that change tables come so), and is kept whole.
pub(super) fn decode_request(body: &mut Reader) -> Result<ToSwitch, DecodeError> {
    let mut whole = body.clone();
    let stats_type = body.u16("type")?;
    let flags = body.u16("flags")?;
    body.skip("pad", 4)?;
    if flags & OFPMPF_REQ_MORE != 0 {
        body.rest();
        return Ok(ToSwitch::Unknown {
            message_type: OFPT_MULTIPART_REQUEST,
            body: whole.rest(),
        });
    }
    Ok(ToSwitch::StatsRequest(match stats_type {
        OFPMP_DESC => StatsRequest::Description,
        OFPMP_FLOW => StatsRequest::Flows(decode_filter(body)?),
        OFPMP_AGGREGATE => StatsRequest::Aggregate(decode_filter(body)?),
        OFPMP_TABLE => StatsRequest::Tables,
        OFPMP_PORT_STATS => {
            let port = PortNo(body.u32("port_no")?);
            body.skip("pad", 4)?;
            StatsRequest::Ports(port)
        }
        OFPMP_PORT_DESC => StatsRequest::PortDescription,
        _ => StatsRequest::Unknown {
            stats_type,
            body: body.rest(),
        },
    }))
}

/// OF 1.3.5 §7.3.5.2, ofp_flow_stats_request; §7.3.5.3, ofp_aggregate_stats_request.
fn decode_filter(body: &mut Reader) -> Result<FlowFilter, DecodeError> {
    let table = TableId(body.u8("table_id")?);
    body.skip("pad", 3)?;
    let (out_port, out_group) = flow::decode_out(body)?;
    body.skip("pad2", 4)?;
    let cookie = Cookie(body.u64("cookie")?);
    let cookie_mask = body.u64("cookie_mask")?;
    let pattern = oxm::decode_match(body)?;
    Ok(FlowFilter {
        table,
        out_port,
        out_group,
        cookie,
        cookie_mask,
        pattern,
    })
}

/// OF 1.3.5 §7.3.5, ofp_multipart_reply.
pub(super) fn decode_reply(body: &mut Reader) -> Result<FromSwitch, DecodeError> {
    let stats_type = body.u16("type")?;
    let more = body.u16("flags")? & OFPMPF_REPLY_MORE != 0;
    body.skip("pad", 4)?;
    let body = match stats_type {
        OFPMP_DESC => StatsReply::Description(records::decode_description(body)?),
        OFPMP_FLOW => StatsReply::Flows(body.list(decode_flow)?),
        OFPMP_AGGREGATE => StatsReply::Aggregate(records::decode_aggregate(body)?),
        OFPMP_TABLE => StatsReply::Tables(body.list(decode_table)?),
        OFPMP_PORT_STATS => StatsReply::Ports(body.list(decode_port)?),
        OFPMP_PORT_DESC => StatsReply::PortDescription(body.list(port::decode)?),
        _ => StatsReply::Unknown {
            stats_type,
            body: body.rest(),
        },
    };
    Ok(FromSwitch::Stats { more, body })
}

/// OF 1.3.5 §7.3.5.2, ofp_flow_stats.
fn decode_flow(body: &mut Reader) -> Result<FlowStats, DecodeError> {
    let at = body.offset();
    let length = usize::from(body.u16("length")?);
    if length < 2 || length - 2 > body.left() {
        return Err(body.error_at(at, "length", Problem::Length(length)));
    }
    let mut entry = body.sub("length", length - 2)?;
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

/// OF 1.3.5 §7.3.5.4, ofp_table_stats.
fn decode_table(body: &mut Reader) -> Result<TableStats, DecodeError> {
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

/// OF 1.3.5 §7.3.5.6, ofp_port_stats.
fn decode_port(body: &mut Reader) -> Result<PortStats, DecodeError> {
    let port = PortNo(body.u32("port_no")?);
    body.skip("pad", 4)?;
    let counters = records::decode_port_counters(body, port)?;
    let duration_ns = match body.clone().u64("duration_sec")? {
        NOT_COUNTED => {
            body.skip("duration_sec", 8)?;
            None
        }
        _ => Some(records::decode_duration(body)?),
    };
    Ok(PortStats {
        duration_ns,
        ..counters
    })
}

/// OF 1.3.5 §7.3.5, ofp_multipart_request.
pub(super) fn encode_request(
    request: &StatsRequest,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u16(match request {
        StatsRequest::Description => OFPMP_DESC,
        StatsRequest::Flows(_) => OFPMP_FLOW,
        StatsRequest::Aggregate(_) => OFPMP_AGGREGATE,
        StatsRequest::Tables => OFPMP_TABLE,
        StatsRequest::Ports(_) => OFPMP_PORT_STATS,
        StatsRequest::PortDescription => OFPMP_PORT_DESC,
        StatsRequest::Unknown { stats_type, .. } => *stats_type,
    });
    pad(buffer, 6);
    match request {
        StatsRequest::Description | StatsRequest::Tables | StatsRequest::PortDescription => {}
        StatsRequest::Flows(filter) | StatsRequest::Aggregate(filter) => {
            encode_filter(filter, buffer)?
        }
        StatsRequest::Ports(port) => {
            buffer.put_u32(port.0);
            pad(buffer, 4);
        }
        StatsRequest::Unknown { body, .. } => buffer.put_slice(body),
    }
    Ok(())
}

/// OF 1.3.5 §7.3.5.2, ofp_flow_stats_request; §7.3.5.3, ofp_aggregate_stats_request.
fn encode_filter(filter: &FlowFilter, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    buffer.put_u8(filter.table.0);
    pad(buffer, 3);
    flow::encode_out(filter.out_port, filter.out_group, buffer);
    pad(buffer, 4);
    buffer.put_u64(filter.cookie.0);
    buffer.put_u64(filter.cookie_mask);
    oxm::encode_match(&filter.pattern, buffer)
}

/// OF 1.3.5 §7.3.5, ofp_multipart_reply.
pub(super) fn encode_reply(
    more: bool,
    reply: &StatsReply,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u16(match reply {
        StatsReply::Description(_) => OFPMP_DESC,
        StatsReply::Flows(_) => OFPMP_FLOW,
        StatsReply::Aggregate(_) => OFPMP_AGGREGATE,
        StatsReply::Tables(_) => OFPMP_TABLE,
        StatsReply::Ports(_) => OFPMP_PORT_STATS,
        StatsReply::PortDescription(_) => OFPMP_PORT_DESC,
        StatsReply::Unknown { stats_type, .. } => *stats_type,
    });
    buffer.put_u16(if more { OFPMPF_REPLY_MORE } else { 0 });
    pad(buffer, 4);
    match reply {
        StatsReply::Description(description) => records::encode_description(description, buffer),
        StatsReply::Flows(flows) => flows
            .iter()
            .try_for_each(|flow| encode_flow(flow, buffer))?,
        StatsReply::Aggregate(sums) => records::encode_aggregate(sums, buffer),
        StatsReply::Tables(tables) => tables
            .iter()
            .try_for_each(|table| encode_table(table, buffer))?,
        StatsReply::Ports(ports) => ports
            .iter()
            .try_for_each(|port| encode_port(port, buffer))?,
        StatsReply::PortDescription(ports) => {
            ports.iter().for_each(|port| port::encode(port, buffer))
        }
        StatsReply::Unknown { body, .. } => buffer.put_slice(body),
    }
    Ok(())
}

/// OF 1.3.5 §7.3.5.2, ofp_flow_stats.
fn encode_flow(stats: &FlowStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    let rule = &stats.rule;
    buffer.put_u16(0);
    buffer.put_u8(rule.table.0);
    pad(buffer, 1);
    flow::encode_duration(stats.duration_ns, buffer)?;
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
    patch_length(buffer, start, 0);
    Ok(())
}

/// OF 1.3.5 §7.3.5.4, ofp_table_stats.
fn encode_table(stats: &TableStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
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

/// OF 1.3.5 §7.3.5.6, ofp_port_stats.
fn encode_port(stats: &PortStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    buffer.put_u32(stats.port.0);
    pad(buffer, 4);
    records::encode_port_counters(stats, buffer);
    match stats.duration_ns {
        Some(duration_ns) => flow::encode_duration(duration_ns, buffer),
        None => {
            buffer.put_u64(NOT_COUNTED);
            Ok(())
        }
    }
}
