//! FLOW_MOD and FLOW_REMOVED (OF 1.3.5 §7.3.4.1, §7.4.2), and in `stats` what is reported of flow entries.

pub(super) mod stats;

use bytes::BytesMut;

use super::consts::*;
use super::{instruction, oxm, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{FlowCommand, FlowFlags, FlowMod, FlowRemoved, FlowRemovedReason, FlowRule};
use crate::types::{Cookie, GroupId, PortNo, TableId};
use crate::wire::records::{self, NOT_COUNTED};
use crate::wire::{Put, Reader, pad};

/// OF 1.3.5 §7.3.4.1, ofp_flow_mod.
pub(super) fn decode_mod(body: &mut Reader) -> Result<FlowMod, DecodeError> {
    let cookie = Cookie(body.u64("cookie")?);
    let cookie_mask = body.u64("cookie_mask")?;
    let table = TableId(body.u8("table_id")?);
    let command = decode_command(body)?;
    let idle_timeout = body.u16("idle_timeout")?;
    let hard_timeout = body.u16("hard_timeout")?;
    let priority = body.u16("priority")?;
    let buffer_id = records::decode_buffer_id(body)?;
    let (out_port, out_group) = decode_out(body)?;
    let flags = FlowFlags(body.u16("flags")?);
    body.skip("pad", 2)?;
    let pattern = oxm::decode_match(body)?;
    let instructions = instruction::decode_all(body)?;
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
    Ok(FlowMod {
        command,
        rule,
        cookie_mask,
        buffer_id,
        out_port,
        out_group,
    })
}

/// OF 1.3.5 §7.3.4.1, ofp_flow_mod_command.
fn decode_command(body: &mut Reader) -> Result<FlowCommand, DecodeError> {
    let at = body.offset();
    match body.u8("command")? {
        OFPFC_ADD => Ok(FlowCommand::Add),
        OFPFC_MODIFY => Ok(FlowCommand::Modify),
        OFPFC_MODIFY_STRICT => Ok(FlowCommand::ModifyStrict),
        OFPFC_DELETE => Ok(FlowCommand::Delete),
        OFPFC_DELETE_STRICT => Ok(FlowCommand::DeleteStrict),
        other => Err(body.error_at(at, "command", Problem::Value(other.into()))),
    }
}

/// The output port and group that limit a deletion or a request; `OFPP_ANY` and `OFPG_ANY` limit nothing.
pub(super) fn decode_out(
    body: &mut Reader,
) -> Result<(Option<PortNo>, Option<GroupId>), DecodeError> {
    let port = PortNo(body.u32("out_port")?);
    let group = GroupId(body.u32("out_group")?);
    Ok((
        (port != PortNo::ANY).then_some(port),
        (group != GroupId::ANY).then_some(group),
    ))
}

/// OF 1.3.5 §7.4.2, ofp_flow_removed.
pub(super) fn decode_removed(body: &mut Reader) -> Result<FlowRemoved, DecodeError> {
    Ok(FlowRemoved {
        cookie: Cookie(body.u64("cookie")?),
        priority: body.u16("priority")?,
        reason: match body.u8("reason")? {
            OFPRR_IDLE_TIMEOUT => FlowRemovedReason::IdleTimeout,
            OFPRR_HARD_TIMEOUT => FlowRemovedReason::HardTimeout,
            OFPRR_DELETE => FlowRemovedReason::Delete,
            OFPRR_GROUP_DELETE => FlowRemovedReason::GroupDelete,
            other => FlowRemovedReason::Unknown(other),
        },
        table: TableId(body.u8("table_id")?),
        duration_ns: records::decode_duration(body)?,
        idle_timeout: body.u16("idle_timeout")?,
        hard_timeout: body.u16("hard_timeout")?,
        packets: body.u64("packet_count")?,
        bytes: body.u64("byte_count")?,
        pattern: oxm::decode_match(body)?,
    })
}

/// OF 1.3.5 §7.3.4.1, ofp_flow_mod.
pub(super) fn encode_mod(change: &FlowMod, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let rule = &change.rule;
    buffer.put_u64(rule.cookie.0);
    buffer.put_u64(change.cookie_mask);
    buffer.put_u8(rule.table.0);
    buffer.put_u8(match change.command {
        FlowCommand::Add => OFPFC_ADD,
        FlowCommand::Modify => OFPFC_MODIFY,
        FlowCommand::ModifyStrict => OFPFC_MODIFY_STRICT,
        FlowCommand::Delete => OFPFC_DELETE,
        FlowCommand::DeleteStrict => OFPFC_DELETE_STRICT,
    });
    buffer.put_u16(rule.idle_timeout);
    buffer.put_u16(rule.hard_timeout);
    buffer.put_u16(rule.priority);
    records::encode_buffer_id(change.buffer_id, buffer);
    encode_out(change.out_port, change.out_group, buffer);
    buffer.put_u16(rule.flags.0);
    pad(buffer, 2);
    oxm::encode_match(&rule.pattern, buffer)?;
    instruction::encode_all(&rule.instructions, buffer)
}

/// The output port and group that limit a deletion or a request.
pub(super) fn encode_out(port: Option<PortNo>, group: Option<GroupId>, buffer: &mut BytesMut) {
    buffer.put_u32(port.unwrap_or(PortNo::ANY).0);
    buffer.put_u32(group.unwrap_or(GroupId::ANY).0);
}

/// OF 1.3.5 §7.4.2, ofp_flow_removed.
pub(super) fn encode_removed(
    removed: &FlowRemoved,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u64(removed.cookie.0);
    buffer.put_u16(removed.priority);
    buffer.put_u8(match removed.reason {
        FlowRemovedReason::IdleTimeout => OFPRR_IDLE_TIMEOUT,
        FlowRemovedReason::HardTimeout => OFPRR_HARD_TIMEOUT,
        FlowRemovedReason::Delete => OFPRR_DELETE,
        FlowRemovedReason::GroupDelete => OFPRR_GROUP_DELETE,
        FlowRemovedReason::Unknown(other) => other,
    });
    buffer.put_u8(removed.table.0);
    encode_duration(removed.duration_ns, buffer)?;
    buffer.put_u16(removed.idle_timeout);
    buffer.put_u16(removed.hard_timeout);
    buffer.put_u64(removed.packets);
    buffer.put_u64(removed.bytes);
    oxm::encode_match(&removed.pattern, buffer)
}

/// Nanoseconds, as seconds and the nanoseconds beyond them.
pub(super) fn encode_duration(duration_ns: u64, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let (seconds, nanoseconds) = records::split_duration(duration_ns)
        .ok_or_else(|| unsupported(format!("a duration of {duration_ns} ns")))?;
    buffer.put_u32(seconds);
    buffer.put_u32(nanoseconds);
    Ok(())
}

/// A duration where all ones mean that the switch does not keep it.
pub(super) fn decode_known_duration(body: &mut Reader) -> Result<Option<u64>, DecodeError> {
    if body.clone().u64("duration_sec")? == NOT_COUNTED {
        body.skip("duration_sec", 8)?;
        return Ok(None);
    }
    records::decode_duration(body).map(Some)
}

/// A duration, or all ones where the switch does not keep it.
pub(super) fn encode_known_duration(
    duration_ns: Option<u64>,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    match duration_ns {
        Some(duration_ns) => encode_duration(duration_ns, buffer),
        None => {
            buffer.put_u64(NOT_COUNTED);
            Ok(())
        }
    }
}
