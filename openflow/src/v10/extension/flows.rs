//! `NXST_FLOW`: flow entries with their ages, matched by NXM (`nx_flow_stats_request`, `nx_flow_stats`).

use bytes::BytesMut;

use super::super::flow::{check_out_group, encode_duration, lower_out_port, raise_out_port};
use super::super::{action, unsupported};
use super::nxm;
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{AgedFlowStats, FlowFilter, FlowFlags, FlowRule};
use crate::types::{Cookie, TableId};
use crate::wire::records::{self, NOT_COUNTED};
use crate::wire::{Put, Reader, pad, pad_to_8, patch_length};

/// The size of `nx_flow_stats` without match and actions.
const ENTRY_LENGTH: usize = 48;

/// On the wire: a switch that does not say how old. Otherwise one more than the seconds.
const AGE_UNKNOWN: u16 = 0;

/// `nx_flow_stats_request`. The cookie, for which 1.0's own request has no place, is a field of the match here.
pub(super) fn decode_request(body: &mut Reader) -> Result<FlowFilter, DecodeError> {
    let out_port = raise_out_port(body.u16("out_port")?);
    let length_at = body.offset();
    let match_length = body.u16("match_len")?;
    let table = TableId(body.u8("table_id")?);
    body.skip("pad", 3)?;
    let mut fields = cut_match(body, length_at, match_length)?;
    let (pattern, cookie) = nxm::decode_with_cookie(&mut fields)?;
    let (cookie, cookie_mask) = cookie.unwrap_or_default();
    Ok(FlowFilter {
        table,
        out_port,
        out_group: None,
        cookie: Cookie(cookie),
        cookie_mask,
        pattern,
    })
}

/// `nx_flow_stats_request`.
pub(super) fn encode_request(
    filter: &FlowFilter,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    check_out_group(filter.out_group)?;
    buffer.put_u16(lower_out_port(filter.out_port)?);
    let length_at = buffer.len();
    buffer.put_u16(0);
    buffer.put_u8(filter.table.0);
    pad(buffer, 3);
    let start = buffer.len();
    nxm::encode(&filter.pattern, buffer)?;
    if filter.cookie_mask != 0 {
        nxm::encode_cookie(filter.cookie.0, filter.cookie_mask, buffer);
    }
    finish_match(start, length_at, buffer)
}

/// `nx_flow_stats`. Like 1.0's own, it says nothing of flags.
pub(super) fn decode_entry(body: &mut Reader) -> Result<AgedFlowStats, DecodeError> {
    let at = body.offset();
    let length = usize::from(body.u16("length")?);
    if length < ENTRY_LENGTH || !length.is_multiple_of(8) || length - 2 > body.left() {
        return Err(body.error_at(at, "length", Problem::Length(length)));
    }
    let mut entry = body.sub("length", length - 2)?;
    let table = TableId(entry.u8("table_id")?);
    entry.skip("pad", 1)?;
    let duration_ns = records::decode_duration(&mut entry)?;
    let priority = entry.u16("priority")?;
    let idle_timeout = entry.u16("idle_timeout")?;
    let hard_timeout = entry.u16("hard_timeout")?;
    let length_at = entry.offset();
    let match_length = entry.u16("match_len")?;
    let idle_age = raise_age(entry.u16("idle_age")?);
    let hard_age = raise_age(entry.u16("hard_age")?);
    let cookie = Cookie(entry.u64("cookie")?);
    let packets = entry.u64("packet_count")?;
    let bytes = entry.u64("byte_count")?;
    let pattern = nxm::decode(&mut cut_match(&mut entry, length_at, match_length)?)?;
    let instructions = action::decode_instructions(entry, &pattern)?;
    Ok(AgedFlowStats {
        rule: FlowRule {
            table,
            priority,
            pattern,
            cookie,
            instructions,
            idle_timeout,
            hard_timeout,
            flags: FlowFlags::NONE,
        },
        duration_ns,
        packets: (packets != NOT_COUNTED).then_some(packets),
        bytes: (bytes != NOT_COUNTED).then_some(bytes),
        idle_age,
        hard_age,
    })
}

/// `nx_flow_stats`. Leaves out the flags.
pub(super) fn encode_entry(
    stats: &AgedFlowStats,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let start = buffer.len();
    let rule = &stats.rule;
    buffer.put_u16(0);
    buffer.put_u8(rule.table.0);
    pad(buffer, 1);
    encode_duration(stats.duration_ns, buffer)?;
    buffer.put_u16(rule.priority);
    buffer.put_u16(rule.idle_timeout);
    buffer.put_u16(rule.hard_timeout);
    let length_at = buffer.len();
    buffer.put_u16(0);
    buffer.put_u16(lower_age(stats.idle_age)?);
    buffer.put_u16(lower_age(stats.hard_age)?);
    buffer.put_u64(rule.cookie.0);
    buffer.put_u64(stats.packets.unwrap_or(NOT_COUNTED));
    buffer.put_u64(stats.bytes.unwrap_or(NOT_COUNTED));
    let match_start = buffer.len();
    nxm::encode(&rule.pattern, buffer)?;
    finish_match(match_start, length_at, buffer)?;
    action::encode_instructions(&rule.instructions, &rule.pattern, buffer)?;
    patch_length(buffer, start, 0);
    Ok(())
}

/// The fields of a match, whose length without the padding stood at `length_at`; steps over the padding as well.
fn cut_match<'a>(
    reader: &mut Reader<'a>,
    length_at: usize,
    length: u16,
) -> Result<Reader<'a>, DecodeError> {
    let length = usize::from(length);
    if length > reader.left() {
        return Err(reader.error_at(length_at, "match_len", Problem::Length(length)));
    }
    let fields = reader.sub("match", length)?;
    reader.skip("match.pad", length.next_multiple_of(8) - length)?;
    Ok(fields)
}

/// Writes the length of the match that began at `start`, and pads it.
fn finish_match(start: usize, length_at: usize, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let length = u16::try_from(buffer.len() - start)
        .map_err(|_| unsupported("a match of more than 65,535 bytes"))?;
    buffer[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    pad_to_8(buffer, start);
    Ok(())
}

const fn raise_age(wire: u16) -> Option<u16> {
    wire.checked_sub(AGE_UNKNOWN + 1)
}

fn lower_age(age: Option<u16>) -> Result<u16, Unsupported> {
    match age {
        None => Ok(AGE_UNKNOWN),
        Some(seconds) => seconds
            .checked_add(AGE_UNKNOWN + 1)
            .ok_or_else(|| unsupported(format!("an age of {seconds} s"))),
    }
}
