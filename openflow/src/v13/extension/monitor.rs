//! Flow monitors: a switch reports changes of its flow entries as they happen (ONF EXT-187).
//!
//! Open vSwitch puts a whole `ofp_match` where the document's drawing has bare fields; `match_len` is its length
//! without the padding. So does this.

use bytes::BytesMut;

use super::super::{instruction, oxm, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{FlowEvent, FlowMonitor, FlowUpdate, MonitorFlags, Pattern};
use crate::types::{Cookie, PortNo, TableId, Xid};
use crate::wire::{Put, Reader, pad, patch_length};

/// ONF EXT-187, `onf_flow_update_event`.
mod event {
    pub(super) const ADDED: u16 = 0;
    pub(super) const DELETED: u16 = 1;
    pub(super) const MODIFIED: u16 = 2;
    pub(super) const ABBREV: u16 = 3;
}

/// The size of `onf_flow_update_header`: length and event.
const UPDATE_HEADER: usize = 4;

/// ONF EXT-187, onf_flow_monitor_request.
pub(super) fn decode_request(body: &mut Reader) -> Result<FlowMonitor, DecodeError> {
    let monitor = body.u32("id")?;
    let flags = MonitorFlags(body.u16("flags")?);
    let match_length = MatchLength::decode(body)?;
    let out_port = PortNo(body.u32("out_port")?);
    let table = TableId(body.u8("table_id")?);
    body.skip("zeros", 3)?;
    Ok(FlowMonitor {
        monitor,
        flags,
        out_port: (out_port != PortNo::ANY).then_some(out_port),
        table,
        pattern: match_length.decode_match(body)?,
    })
}

/// ONF EXT-187, onf_flow_monitor_request.
pub(super) fn encode_request(
    monitor: &FlowMonitor,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u32(monitor.monitor);
    buffer.put_u16(monitor.flags.0);
    let length_at = buffer.len();
    buffer.put_u16(0);
    buffer.put_u32(monitor.out_port.unwrap_or(PortNo::ANY).0);
    buffer.put_u8(monitor.table.0);
    pad(buffer, 3);
    encode_match(&monitor.pattern, length_at, buffer)
}

/// ONF EXT-187, onf_flow_update_header and what each event makes of it.
pub(super) fn decode_update(body: &mut Reader) -> Result<FlowUpdate, DecodeError> {
    let at = body.offset();
    let length = usize::from(body.u16("length")?);
    if length < 2 * UPDATE_HEADER || !length.is_multiple_of(8) || length - 2 > body.left() {
        return Err(body.error_at(at, "length", Problem::Length(length)));
    }
    let mut update = body.sub("length", length - 2)?;
    let event = match update.u16("event")? {
        event::ADDED => FlowEvent::Added,
        event::DELETED => FlowEvent::Deleted,
        event::MODIFIED => FlowEvent::Modified,
        event::ABBREV => {
            let xid = Xid(update.u32("xid")?);
            update.finish("length")?;
            return Ok(FlowUpdate::Abbreviated { xid });
        }
        event => {
            return Ok(FlowUpdate::Unknown {
                event,
                body: update.rest(),
            });
        }
    };
    decode_full(event, &mut update)
}

/// ONF EXT-187, onf_flow_update_full after its header.
fn decode_full(event: FlowEvent, update: &mut Reader) -> Result<FlowUpdate, DecodeError> {
    let reason = update.u16("reason")?;
    let priority = update.u16("priority")?;
    let idle_timeout = update.u16("idle_timeout")?;
    let hard_timeout = update.u16("hard_timeout")?;
    let match_length = MatchLength::decode(update)?;
    let table = TableId(update.u8("table_id")?);
    update.skip("pad", 1)?;
    Ok(FlowUpdate::Full {
        event,
        reason,
        table,
        priority,
        idle_timeout,
        hard_timeout,
        cookie: Cookie(update.u64("cookie")?),
        pattern: match_length.decode_match(update)?,
        instructions: instruction::decode_all(update)?,
    })
}

/// ONF EXT-187, onf_flow_update_header and what each event makes of it.
pub(super) fn encode_update(update: &FlowUpdate, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    buffer.put_u16(0);
    match update {
        FlowUpdate::Full {
            event,
            reason,
            table,
            priority,
            idle_timeout,
            hard_timeout,
            cookie,
            pattern,
            instructions,
        } => {
            buffer.put_u16(match event {
                FlowEvent::Added => event::ADDED,
                FlowEvent::Deleted => event::DELETED,
                FlowEvent::Modified => event::MODIFIED,
            });
            buffer.put_u16(*reason);
            buffer.put_u16(*priority);
            buffer.put_u16(*idle_timeout);
            buffer.put_u16(*hard_timeout);
            let length_at = buffer.len();
            buffer.put_u16(0);
            buffer.put_u8(table.0);
            pad(buffer, 1);
            buffer.put_u64(cookie.0);
            encode_match(pattern, length_at, buffer)?;
            instruction::encode_all(instructions, buffer)?;
        }
        FlowUpdate::Abbreviated { xid } => {
            buffer.put_u16(event::ABBREV);
            buffer.put_u32(xid.0);
        }
        FlowUpdate::Unknown { event, body } => {
            if *event <= event::ABBREV || !(UPDATE_HEADER + body.len()).is_multiple_of(8) {
                return Err(unsupported(format!(
                    "an unknown flow update of event {event} with {} bytes",
                    body.len()
                )));
            }
            buffer.put_u16(*event);
            buffer.put_slice(body);
        }
    }
    patch_length(buffer, start, 0);
    Ok(())
}

/// `match_len`, which stands before the match and says its length a second time.
struct MatchLength {
    at: usize,
    length: u16,
}

impl MatchLength {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        let at = reader.offset();
        let length = reader.u16("match_len")?;
        Ok(Self { at, length })
    }

    /// The match, if it is as long as was said.
    fn decode_match(self, reader: &mut Reader) -> Result<Pattern, DecodeError> {
        let mut header = reader.clone();
        header.skip("match.type", 2)?;
        if header.u16("match.length")? != self.length {
            let problem = Problem::Length(self.length.into());
            return Err(reader.error_at(self.at, "match_len", problem));
        }
        oxm::decode_match(reader)
    }
}

/// The match with its padding; its length without that also goes to `length_at`.
fn encode_match(
    pattern: &Pattern,
    length_at: usize,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let start = buffer.len();
    oxm::encode_match(pattern, buffer)?;
    buffer.copy_within(start + 2..start + 4, length_at);
    Ok(())
}
