//! FLOW_MOD (OF 1.0.2 §5.3.3, `ofp_flow_mod`) and FLOW_REMOVED (§5.4.2, `ofp_flow_removed`).

use bytes::BytesMut;

use super::consts::{flow_mod as codes, reason};
use super::{action, pattern, port, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{FlowCommand, FlowFlags, FlowMod, FlowRemoved, FlowRemovedReason, FlowRule};
use crate::types::{Cookie, GroupId, PortNo, TableId};
use crate::wire::records;
use crate::wire::{Put, Reader, pad};

/// `None` when it has flags that the model has no word for, `OFPFF_EMERG` among them: an emergency flow stands in a
/// cache of its own and is not in force while there is a connection, so it is no entry of a flow table.
pub(super) fn decode_mod(reader: &mut Reader) -> Result<Option<FlowMod>, DecodeError> {
    let pattern = pattern::decode(reader)?;
    let cookie = Cookie(reader.u64("cookie")?);
    let command = decode_command(reader)?;
    let idle_timeout = reader.u16("idle_timeout")?;
    let hard_timeout = reader.u16("hard_timeout")?;
    let priority = reader.u16("priority")?;
    let buffer_id = records::decode_buffer_id(reader)?;
    let out_port = raise_out_port(reader.u16("out_port")?);
    let flags = reader.u16("flags")?;
    let rest = reader.sub("actions", reader.left())?;
    let instructions = action::decode_instructions(rest, &pattern)?;
    if flags & !codes::SHARED_FLAGS != 0 {
        return Ok(None);
    }
    Ok(Some(FlowMod {
        command,
        rule: FlowRule {
            table: TableId(0),
            priority,
            pattern,
            cookie,
            instructions,
            idle_timeout,
            hard_timeout,
            flags: FlowFlags(flags),
        },
        cookie_mask: 0,
        buffer_id,
        out_port,
        out_group: None,
    }))
}

fn decode_command(reader: &mut Reader) -> Result<FlowCommand, DecodeError> {
    let at = reader.offset();
    Ok(match reader.u16("command")? {
        codes::ADD => FlowCommand::Add,
        codes::MODIFY => FlowCommand::Modify,
        codes::MODIFY_STRICT => FlowCommand::ModifyStrict,
        codes::DELETE => FlowCommand::Delete,
        codes::DELETE_STRICT => FlowCommand::DeleteStrict,
        other => return Err(reader.error_at(at, "command", Problem::Value(other.into()))),
    })
}

pub(super) fn decode_removed(reader: &mut Reader) -> Result<FlowRemoved, DecodeError> {
    let pattern = pattern::decode(reader)?;
    let cookie = Cookie(reader.u64("cookie")?);
    let priority = reader.u16("priority")?;
    let reason = match reader.u8("reason")? {
        reason::IDLE_TIMEOUT => FlowRemovedReason::IdleTimeout,
        reason::HARD_TIMEOUT => FlowRemovedReason::HardTimeout,
        reason::DELETE => FlowRemovedReason::Delete,
        other => FlowRemovedReason::Unknown(other),
    };
    reader.skip("pad", 1)?;
    let duration_ns = records::decode_duration(reader)?;
    let idle_timeout = reader.u16("idle_timeout")?;
    reader.skip("pad2", 2)?;
    Ok(FlowRemoved {
        cookie,
        priority,
        reason,
        table: TableId(0),
        duration_ns,
        idle_timeout,
        hard_timeout: 0,
        packets: reader.u64("packet_count")?,
        bytes: reader.u64("byte_count")?,
        pattern,
    })
}

/// `OFPP_NONE` asks nothing.
pub(super) fn raise_out_port(number: u16) -> Option<PortNo> {
    Some(port::raise(number)).filter(|&port| port != PortNo::ANY)
}

/// Whether the body of a FLOW_MOD is one that [`decode_mod`] gives back.
pub(super) fn is_beyond_model(body: &[u8]) -> bool {
    body.get(codes::FLAGS_OFFSET..codes::FLAGS_OFFSET + 2)
        .and_then(|flags| flags.try_into().ok())
        .is_some_and(|flags| u16::from_be_bytes(flags) & !codes::SHARED_FLAGS != 0)
}

/// [`FlowFlags::RESET_COUNTS`] is left out: in 1.0 an ADD over the same entry always resets, and the bit
/// means something else.
pub(super) fn encode_mod(flow_mod: &FlowMod, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let rule = &flow_mod.rule;
    check_table(flow_mod)?;
    if flow_mod.cookie_mask != 0 {
        return Err(unsupported(
            "cookie_mask: it changes and deletes flow entries whatever their cookie",
        ));
    }
    check_out_group(flow_mod.out_group)?;
    let others = rule.flags.0 & !FlowFlags::RESET_COUNTS.0;
    if others & !codes::SHARED_FLAGS != 0 {
        return Err(unsupported(format!("the flow flags {others:#06x}")));
    }
    pattern::encode(&rule.pattern, buffer)?;
    buffer.put_u64(rule.cookie.0);
    buffer.put_u16(match flow_mod.command {
        FlowCommand::Add => codes::ADD,
        FlowCommand::Modify => codes::MODIFY,
        FlowCommand::ModifyStrict => codes::MODIFY_STRICT,
        FlowCommand::Delete => codes::DELETE,
        FlowCommand::DeleteStrict => codes::DELETE_STRICT,
    });
    buffer.put_u16(rule.idle_timeout);
    buffer.put_u16(rule.hard_timeout);
    buffer.put_u16(rule.priority);
    records::encode_buffer_id(flow_mod.buffer_id, buffer);
    buffer.put_u16(lower_out_port(flow_mod.out_port)?);
    buffer.put_u16(others);
    action::encode_instructions(&rule.instructions, &rule.pattern, buffer)
}

/// 1.0 names no table when it changes one: an entry is added to the first, a delete looks through all.
fn check_table(flow_mod: &FlowMod) -> Result<(), Unsupported> {
    let deletes = matches!(
        flow_mod.command,
        FlowCommand::Delete | FlowCommand::DeleteStrict
    );
    match flow_mod.rule.table {
        TableId(0) => Ok(()),
        TableId::ALL if deletes => Ok(()),
        TableId(table) => Err(unsupported(format!(
            "table {table} in a FLOW_MOD: there is only table 0"
        ))),
    }
}

pub(super) fn check_out_group(out_group: Option<GroupId>) -> Result<(), Unsupported> {
    match out_group {
        None | Some(GroupId::ANY) => Ok(()),
        Some(_) => Err(unsupported("out_group: it has no groups")),
    }
}

pub(super) fn encode_removed(
    removed: &FlowRemoved,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    if removed.table != TableId(0) {
        return Err(unsupported(format!(
            "table {} in a FLOW_REMOVED: it names no table there",
            removed.table.0
        )));
    }
    if removed.hard_timeout != 0 {
        return Err(unsupported("the hard timeout in a FLOW_REMOVED"));
    }
    pattern::encode(&removed.pattern, buffer)?;
    buffer.put_u64(removed.cookie.0);
    buffer.put_u16(removed.priority);
    buffer.put_u8(match removed.reason {
        FlowRemovedReason::IdleTimeout => reason::IDLE_TIMEOUT,
        FlowRemovedReason::HardTimeout => reason::HARD_TIMEOUT,
        FlowRemovedReason::Delete => reason::DELETE,
        FlowRemovedReason::GroupDelete => {
            return Err(unsupported("the FLOW_REMOVED reason `group delete`"));
        }
        FlowRemovedReason::Unknown(other) => other,
    });
    pad(buffer, 1);
    encode_duration(removed.duration_ns, buffer)?;
    buffer.put_u16(removed.idle_timeout);
    pad(buffer, 2);
    buffer.put_u64(removed.packets);
    buffer.put_u64(removed.bytes);
    Ok(())
}

/// `duration_sec` and `duration_nsec`.
pub(super) fn encode_duration(duration_ns: u64, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let (seconds, nanoseconds) = records::split_duration(duration_ns).ok_or_else(|| {
        unsupported(format!(
            "a duration of {duration_ns} ns: it has 32 bits for the seconds"
        ))
    })?;
    buffer.put_u32(seconds);
    buffer.put_u32(nanoseconds);
    Ok(())
}

pub(super) fn lower_out_port(out_port: Option<PortNo>) -> Result<u16, Unsupported> {
    port::lower(out_port.unwrap_or(PortNo::ANY))
}
