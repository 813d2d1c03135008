//! PACKET_IN (OF 1.0.2 §5.4.1, `ofp_packet_in`) and PACKET_OUT (§5.3.6, `ofp_packet_out`).

use bytes::BytesMut;

use super::consts::{port as port_consts, reason};
use super::{action, port, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{Field, PacketIn, PacketInReason, PacketOut, Pattern};
use crate::types::{PortNo, TableId};
use crate::wire::{Put, Reader, pad, records};

#[inline]
pub(super) fn decode_in(reader: &mut Reader) -> Result<PacketIn, DecodeError> {
    let buffer_id = records::decode_buffer_id(reader)?;
    let total_len = reader.u16("total_len")?;
    let in_port = port::raise(reader.u16("in_port")?);
    let reason = match reader.u8("reason")? {
        reason::NO_MATCH => PacketInReason::NoMatch,
        reason::ACTION => PacketInReason::Action,
        other => PacketInReason::Unknown(other),
    };
    reader.skip("pad", 1)?;
    Ok(PacketIn {
        buffer_id,
        total_len,
        reason,
        table: TableId(0),
        cookie: None,
        in_port,
        pattern: Pattern::new().in_port(in_port),
        data: reader.rest(),
    })
}

/// `OFPP_NONE` as the input port is raised to the controller's number, by which the model and 1.3 say that
/// the packet came in on no port.
pub(super) fn decode_out(reader: &mut Reader) -> Result<PacketOut, DecodeError> {
    let buffer_id = records::decode_buffer_id(reader)?;
    let in_port = match reader.u16("in_port")? {
        port_consts::NONE => PortNo::CONTROLLER,
        number => port::raise(number),
    };
    let length_at = reader.offset();
    let length = usize::from(reader.u16("actions_len")?);
    if length > reader.left() {
        return Err(reader.error_at(length_at, "actions_len", Problem::Length(length)));
    }
    let actions = action::decode_list(reader.sub("actions", length)?, None)?;
    Ok(PacketOut {
        buffer_id,
        in_port,
        actions,
        data: reader.rest(),
    })
}

/// Says nothing of the entry that sent the packet, and of the packet only where it came in.
pub(super) fn encode_in(packet: &PacketIn, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    if packet.table != TableId(0) {
        return Err(unsupported(format!(
            "table {} in a PACKET_IN: it names no table there",
            packet.table.0
        )));
    }
    if packet.cookie.is_some() {
        return Err(unsupported("the cookie in a PACKET_IN"));
    }
    check_metadata(packet)?;
    records::encode_buffer_id(packet.buffer_id, buffer);
    buffer.put_u16(packet.total_len);
    buffer.put_u16(port::lower(packet.in_port)?);
    buffer.put_u8(match packet.reason {
        PacketInReason::NoMatch => reason::NO_MATCH,
        PacketInReason::Action => reason::ACTION,
        PacketInReason::InvalidTtl => {
            return Err(unsupported("the PACKET_IN reason `invalid ttl`"));
        }
        PacketInReason::Unknown(other) => other,
    });
    pad(buffer, 1);
    buffer.put_slice(&packet.data);
    Ok(())
}

/// The pattern says where the packet came in, or nothing.
fn check_metadata(packet: &PacketIn) -> Result<(), Unsupported> {
    let in_port = Pattern::new().in_port(packet.in_port);
    if packet.pattern == in_port || packet.pattern.is_empty() {
        return Ok(());
    }
    let other = packet
        .pattern
        .fields()
        .map(|(field, _)| field)
        .find(|field| *field != Field::InPort);
    Err(unsupported(match other {
        Some(field) => format!("{} in a PACKET_IN", field.name()),
        None => "the metadata of a PACKET_IN other than its input port".to_owned(),
    }))
}

/// The controller as the input port is lowered to `OFPP_NONE`: in 1.0 that is what no port is called.
pub(super) fn encode_out(packet: &PacketOut, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    records::encode_buffer_id(packet.buffer_id, buffer);
    buffer.put_u16(match packet.in_port {
        PortNo::CONTROLLER => port_consts::NONE,
        other => port::lower(other)?,
    });
    let length_at = buffer.len();
    buffer.put_u16(0);
    let start = buffer.len();
    action::encode_list(&packet.actions, None, buffer)?;
    let length = u16::try_from(buffer.len() - start)
        .map_err(|_| unsupported("more than 65,535 bytes of actions"))?;
    buffer[length_at..start].copy_from_slice(&length.to_be_bytes());
    buffer.put_slice(&packet.data);
    Ok(())
}
