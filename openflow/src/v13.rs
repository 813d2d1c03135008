//! OpenFlow 1.3 (wire version 0x04): which message type is read and written where.

mod action;
mod consts;
mod error;
mod flow;
mod handshake;
mod instruction;
mod multipart;
mod oxm;
mod packet;
mod port;

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, Problem, Unsupported};
use crate::hello;
use crate::model::{FromSwitch, ToSwitch};
use crate::types::{Version, Xid};
use crate::wire::{Reader, patch_length, records};
use consts::*;

/// Reads a whole message, header included, that came from a switch, other than a HELLO.
pub(crate) fn decode_from_switch(message: &Bytes) -> Result<FromSwitch, DecodeError> {
    let message_type = message.get(1).copied().unwrap_or_default();
    let mut body = Reader::body(message.clone());
    let body = &mut body;
    let decoded = match message_type {
        OFPT_ERROR => FromSwitch::Error(error::decode(body)?),
        OFPT_ECHO_REQUEST => FromSwitch::EchoRequest(body.rest()),
        OFPT_ECHO_REPLY => FromSwitch::EchoReply(body.rest()),
        OFPT_EXPERIMENTER => {
            let (experimenter, exp_type, body) = handshake::decode_experimenter(body)?;
            FromSwitch::Experimenter {
                experimenter,
                exp_type,
                body,
            }
        }
        OFPT_FEATURES_REPLY => FromSwitch::Features(handshake::decode_features(body)?),
        OFPT_GET_CONFIG_REPLY => FromSwitch::Config(records::decode_config(body)?),
        OFPT_PACKET_IN => FromSwitch::PacketIn(packet::decode_in(body)?),
        OFPT_FLOW_REMOVED => FromSwitch::FlowRemoved(flow::decode_removed(body)?),
        OFPT_PORT_STATUS => FromSwitch::PortStatus(port::decode_status(body)?),
        OFPT_MULTIPART_REPLY => multipart::decode_reply(body)?,
        OFPT_BARRIER_REPLY => FromSwitch::BarrierReply,
        _ => FromSwitch::Unknown {
            message_type,
            body: body.rest(),
        },
    };
    body.finish("header.length")?;
    Ok(decoded)
}

/// Reads a whole message, header included, that goes to a switch, other than a HELLO.
pub(crate) fn decode_to_switch(message: &Bytes) -> Result<ToSwitch, DecodeError> {
    let message_type = message.get(1).copied().unwrap_or_default();
    let mut body = Reader::body(message.clone());
    let body = &mut body;
    let decoded = match message_type {
        OFPT_ERROR => ToSwitch::Error(error::decode(body)?),
        OFPT_ECHO_REQUEST => ToSwitch::EchoRequest(body.rest()),
        OFPT_ECHO_REPLY => ToSwitch::EchoReply(body.rest()),
        OFPT_EXPERIMENTER => {
            let (experimenter, exp_type, body) = handshake::decode_experimenter(body)?;
            ToSwitch::Experimenter {
                experimenter,
                exp_type,
                body,
            }
        }
        OFPT_FEATURES_REQUEST => ToSwitch::FeaturesRequest,
        OFPT_GET_CONFIG_REQUEST => ToSwitch::GetConfigRequest,
        OFPT_SET_CONFIG => ToSwitch::SetConfig(records::decode_config(body)?),
        OFPT_PACKET_OUT => ToSwitch::PacketOut(packet::decode_out(body)?),
        OFPT_FLOW_MOD => ToSwitch::FlowMod(flow::decode_mod(body)?),
        OFPT_MULTIPART_REQUEST => multipart::decode_request(body)?,
        OFPT_BARRIER_REQUEST => ToSwitch::BarrierRequest,
        _ => ToSwitch::Unknown {
            message_type,
            body: body.rest(),
        },
    };
    body.finish("header.length")?;
    Ok(decoded)
}

/// Appends a message to a switch, header included.
pub(crate) fn encode_to_switch(
    xid: Xid,
    message: &ToSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let start = put_header(buffer, VERSION, type_to_switch(message), xid);
    match message {
        ToSwitch::Hello { bitmap } => hello::encode(bitmap.as_deref(), buffer),
        ToSwitch::Error(report) => error::encode(report, buffer)?,
        ToSwitch::SetConfig(config) => records::encode_config(config, buffer),
        ToSwitch::PacketOut(packet) => packet::encode_out(packet, buffer)?,
        ToSwitch::FlowMod(change) => flow::encode_mod(change, buffer)?,
        ToSwitch::StatsRequest(request) => multipart::encode_request(request, buffer)?,
        ToSwitch::Experimenter {
            experimenter,
            exp_type,
            body,
        } => {
            handshake::encode_experimenter(*experimenter, *exp_type, body, buffer);
        }
        ToSwitch::EchoRequest(body)
        | ToSwitch::EchoReply(body)
        | ToSwitch::Unknown { body, .. } => {
            buffer.put_slice(body);
        }
        ToSwitch::FeaturesRequest | ToSwitch::GetConfigRequest | ToSwitch::BarrierRequest => {}
    }
    patch_length(buffer, start, 2);
    Ok(())
}

/// Appends a message from a switch, header included.
pub(crate) fn encode_from_switch(
    xid: Xid,
    message: &FromSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let version = match message {
        FromSwitch::Hello { header_version, .. } => *header_version,
        _ => VERSION,
    };
    let start = put_header(buffer, version, type_from_switch(message), xid);
    match message {
        FromSwitch::Hello { bitmap, .. } => hello::encode(bitmap.as_deref(), buffer),
        FromSwitch::Error(report) => error::encode(report, buffer)?,
        FromSwitch::Features(features) => handshake::encode_features(features, buffer)?,
        FromSwitch::Config(config) => records::encode_config(config, buffer),
        FromSwitch::PacketIn(packet) => packet::encode_in(packet, buffer)?,
        FromSwitch::FlowRemoved(removed) => flow::encode_removed(removed, buffer)?,
        FromSwitch::PortStatus(status) => port::encode_status(status, buffer),
        FromSwitch::Stats { more, body } => multipart::encode_reply(*more, body, buffer)?,
        FromSwitch::Experimenter {
            experimenter,
            exp_type,
            body,
        } => {
            handshake::encode_experimenter(*experimenter, *exp_type, body, buffer);
        }
        FromSwitch::EchoRequest(body)
        | FromSwitch::EchoReply(body)
        | FromSwitch::Unknown { body, .. } => {
            buffer.put_slice(body);
        }
        FromSwitch::BarrierReply => {}
    }
    patch_length(buffer, start, 2);
    Ok(())
}

const fn type_to_switch(message: &ToSwitch) -> u8 {
    match message {
        ToSwitch::Hello { .. } => OFPT_HELLO,
        ToSwitch::Error(_) => OFPT_ERROR,
        ToSwitch::EchoRequest(_) => OFPT_ECHO_REQUEST,
        ToSwitch::EchoReply(_) => OFPT_ECHO_REPLY,
        ToSwitch::FeaturesRequest => OFPT_FEATURES_REQUEST,
        ToSwitch::GetConfigRequest => OFPT_GET_CONFIG_REQUEST,
        ToSwitch::SetConfig(_) => OFPT_SET_CONFIG,
        ToSwitch::PacketOut(_) => OFPT_PACKET_OUT,
        ToSwitch::FlowMod(_) => OFPT_FLOW_MOD,
        ToSwitch::BarrierRequest => OFPT_BARRIER_REQUEST,
        ToSwitch::StatsRequest(_) => OFPT_MULTIPART_REQUEST,
        ToSwitch::Experimenter { .. } => OFPT_EXPERIMENTER,
        ToSwitch::Unknown { message_type, .. } => *message_type,
    }
}

const fn type_from_switch(message: &FromSwitch) -> u8 {
    match message {
        FromSwitch::Hello { .. } => OFPT_HELLO,
        FromSwitch::Error(_) => OFPT_ERROR,
        FromSwitch::EchoRequest(_) => OFPT_ECHO_REQUEST,
        FromSwitch::EchoReply(_) => OFPT_ECHO_REPLY,
        FromSwitch::Features(_) => OFPT_FEATURES_REPLY,
        FromSwitch::Config(_) => OFPT_GET_CONFIG_REPLY,
        FromSwitch::PacketIn(_) => OFPT_PACKET_IN,
        FromSwitch::FlowRemoved(_) => OFPT_FLOW_REMOVED,
        FromSwitch::PortStatus(_) => OFPT_PORT_STATUS,
        FromSwitch::BarrierReply => OFPT_BARRIER_REPLY,
        FromSwitch::Stats { .. } => OFPT_MULTIPART_REPLY,
        FromSwitch::Experimenter { .. } => OFPT_EXPERIMENTER,
        FromSwitch::Unknown { message_type, .. } => *message_type,
    }
}

/// Appends an `ofp_header` whose length is still to be filled in; says where it begins.
fn put_header(buffer: &mut BytesMut, version: u8, message_type: u8, xid: Xid) -> usize {
    let start = buffer.len();
    buffer.put_u8(version);
    buffer.put_u8(message_type);
    buffer.put_u16(0);
    buffer.put_u32(xid.0);
    start
}

/// Reads the type and length that begin every action and every instruction, and gives its type and
/// what follows (OF 1.3.5 §7.2.4 and §7.2.5: their lengths are multiples of 8).
fn decode_record(reader: &mut Reader, field: &'static str) -> Result<(u16, Reader), DecodeError> {
    let record_type = reader.u16(field)?;
    let at = reader.offset();
    let length = usize::from(reader.u16(field)?);
    if length < RECORD_HEADER + 4
        || !length.is_multiple_of(8)
        || length - RECORD_HEADER > reader.left()
    {
        return Err(reader.error_at(at, field, Problem::Length(length)));
    }
    Ok((record_type, reader.sub(field, length - RECORD_HEADER)?))
}

/// Appends an action or instruction that is kept as bytes.
fn encode_record(
    record_type: u16,
    body: &[u8],
    what: &str,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let length = RECORD_HEADER + body.len();
    match u16::try_from(length) {
        Ok(wire_length) if length.is_multiple_of(8) => {
            buffer.put_u16(record_type);
            buffer.put_u16(wire_length);
            buffer.put_slice(body);
            Ok(())
        }
        _ => Err(unsupported(format!("{what} of {length} bytes"))),
    }
}

/// The bytes of the type and length that begin an action or instruction.
const RECORD_HEADER: usize = 4;

fn unsupported(what: impl Into<String>) -> Unsupported {
    Unsupported::new(Version::V13, what)
}
