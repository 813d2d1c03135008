//! PACKET_IN and PACKET_OUT (OF 1.3.5 §7.4.1, §7.3.7).

use bytes::BytesMut;

use super::consts::*;
use super::record::wire_length;
use super::{action, oxm};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{Field, PacketIn, PacketInReason, PacketOut};
use crate::types::{Cookie, PortNo, TableId};
use crate::wire::{Put, Reader, pad, records};

/// OF 1.3.5 §7.4.1, ofp_packet_in. Its match holds the packet's metadata, always with the port it came in on.
#[inline]
pub(super) fn decode_in(body: &mut Reader) -> Result<PacketIn, DecodeError> {
    let buffer_id = records::decode_buffer_id(body)?;
    let total_len = body.u16("total_len")?;
    let reason = match body.u8("reason")? {
        OFPR_NO_MATCH => PacketInReason::NoMatch,
        OFPR_ACTION => PacketInReason::Action,
        OFPR_INVALID_TTL => PacketInReason::InvalidTtl,
        other => PacketInReason::Unknown(other),
    };
    let table = TableId(body.u8("table_id")?);
    let cookie = Some(body.u64("cookie")?)
        .filter(|&cookie| cookie != NO_COOKIE)
        .map(Cookie);
    let match_at = body.offset();
    let pattern = oxm::decode_match(body)?;
    let in_port = pattern
        .exact(Field::InPort)
        .and_then(|port| u32::try_from(port).ok())
        .map(PortNo)
        .ok_or_else(|| body.error_at(match_at, "match.in_port", Problem::Missing))?;
    body.skip("pad", 2)?;
    Ok(PacketIn {
        buffer_id,
        total_len,
        reason,
        table,
        cookie,
        in_port,
        pattern,
        data: body.rest(),
    })
}

/// OF 1.3.5 §7.3.7, ofp_packet_out.
pub(super) fn decode_out(body: &mut Reader) -> Result<PacketOut, DecodeError> {
    let buffer_id = records::decode_buffer_id(body)?;
    let in_port = PortNo(body.u32("in_port")?);
    let at = body.offset();
    let length = usize::from(body.u16("actions_len")?);
    body.skip("pad", 6)?;
    if length > body.left() {
        return Err(body.error_at(at, "actions_len", Problem::Length(length)));
    }
    let actions = action::decode_all(&mut body.sub("actions", length)?)?;
    Ok(PacketOut {
        buffer_id,
        in_port,
        actions,
        data: body.rest(),
    })
}

/// OF 1.3.5 §7.4.1, ofp_packet_in. The match gets the port the packet came in on, whatever it said of that before.
pub(super) fn encode_in(packet: &PacketIn, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    records::encode_buffer_id(packet.buffer_id, buffer);
    buffer.put_u16(packet.total_len);
    buffer.put_u8(match packet.reason {
        PacketInReason::NoMatch => OFPR_NO_MATCH,
        PacketInReason::Action => OFPR_ACTION,
        PacketInReason::InvalidTtl => OFPR_INVALID_TTL,
        PacketInReason::Unknown(other) => other,
    });
    buffer.put_u8(packet.table.0);
    buffer.put_u64(packet.cookie.map_or(NO_COOKIE, |cookie| cookie.0));
    oxm::encode_match(&packet.pattern.clone().in_port(packet.in_port), buffer)?;
    pad(buffer, 2);
    buffer.put_slice(&packet.data);
    Ok(())
}

/// OF 1.3.5 §7.3.7, ofp_packet_out.
pub(super) fn encode_out(packet: &PacketOut, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    records::encode_buffer_id(packet.buffer_id, buffer);
    buffer.put_u32(packet.in_port.0);
    let length_at = buffer.len();
    pad(buffer, 8);
    let start = buffer.len();
    action::encode_all(&packet.actions, buffer)?;
    let length = wire_length(buffer.len() - start, "actions")?;
    buffer[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    buffer.put_slice(&packet.data);
    Ok(())
}
