//! OpenFlow 1.0.2: which message type belongs to which family, and what the families share.
//!
//! Reading *raises* bytes into the model, writing *lowers* the model to bytes; `Unsupported` says what
//! 1.0 has no way to say. Two things are by design not refused: what 1.0 always does anyway
//! ([`FlowFlags::RESET_COUNTS`](crate::model::FlowFlags::RESET_COUNTS)), and what its *reports* have no
//! room for (the parts of the model marked "Not in 1.0" in messages from a switch), which are left out.

mod action;
mod consts;
mod error;
mod flow;
mod handshake;
mod packet;
mod pattern;
mod port;
mod stats;

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, Problem, Unsupported};
use crate::hello;
use crate::model::{FromSwitch, ToSwitch};
use crate::types::{Version, Xid};
use crate::wire::{HEADER_LENGTH, Reader, patch_length, records};
use consts::message_type as kind;

/// Reads a message that a switch sent, other than a HELLO.
pub(crate) fn decode_from_switch(message: &Bytes) -> Result<FromSwitch, DecodeError> {
    let message_type = message.get(1).copied().unwrap_or_default();
    let mut reader = Reader::body(message.clone());
    let decoded = match message_type {
        kind::ERROR => FromSwitch::Error(error::decode(&mut reader)?),
        kind::ECHO_REQUEST => FromSwitch::EchoRequest(reader.rest()),
        kind::ECHO_REPLY => FromSwitch::EchoReply(reader.rest()),
        kind::VENDOR => FromSwitch::Experimenter {
            experimenter: reader.u32("vendor")?,
            exp_type: 0,
            body: reader.rest(),
        },
        kind::FEATURES_REPLY => FromSwitch::Features(handshake::decode_features(&mut reader)?),
        kind::GET_CONFIG_REPLY => FromSwitch::Config(records::decode_config(&mut reader)?),
        kind::PACKET_IN => FromSwitch::PacketIn(packet::decode_in(&mut reader)?),
        kind::FLOW_REMOVED => FromSwitch::FlowRemoved(flow::decode_removed(&mut reader)?),
        kind::PORT_STATUS => FromSwitch::PortStatus(port::decode_status(&mut reader)?),
        kind::STATS_REPLY => stats::decode_reply(&mut reader)?,
        kind::BARRIER_REPLY => FromSwitch::BarrierReply,
        _ => FromSwitch::Unknown {
            message_type,
            body: reader.rest(),
        },
    };
    expect_end(&reader)?;
    Ok(decoded)
}

/// Reads a message that a controller sent, other than a HELLO.
pub(crate) fn decode_to_switch(message: &Bytes) -> Result<ToSwitch, DecodeError> {
    let message_type = message.get(1).copied().unwrap_or_default();
    let mut reader = Reader::body(message.clone());
    let decoded = match message_type {
        kind::ERROR => ToSwitch::Error(error::decode(&mut reader)?),
        kind::ECHO_REQUEST => ToSwitch::EchoRequest(reader.rest()),
        kind::ECHO_REPLY => ToSwitch::EchoReply(reader.rest()),
        kind::VENDOR => ToSwitch::Experimenter {
            experimenter: reader.u32("vendor")?,
            exp_type: 0,
            body: reader.rest(),
        },
        kind::FEATURES_REQUEST => ToSwitch::FeaturesRequest,
        kind::GET_CONFIG_REQUEST => ToSwitch::GetConfigRequest,
        kind::SET_CONFIG => ToSwitch::SetConfig(records::decode_config(&mut reader)?),
        kind::PACKET_OUT => ToSwitch::PacketOut(packet::decode_out(&mut reader)?),
        kind::FLOW_MOD => match flow::decode_mod(&mut reader)? {
            Some(flow_mod) => ToSwitch::FlowMod(flow_mod),
            None => ToSwitch::Unknown {
                message_type,
                body: message.slice(HEADER_LENGTH..),
            },
        },
        kind::STATS_REQUEST => ToSwitch::StatsRequest(stats::decode_request(&mut reader)?),
        kind::BARRIER_REQUEST => ToSwitch::BarrierRequest,
        _ => ToSwitch::Unknown {
            message_type,
            body: reader.rest(),
        },
    };
    expect_end(&reader)?;
    Ok(decoded)
}

/// Appends a message for a switch.
pub(crate) fn encode_to_switch(
    xid: Xid,
    message: &ToSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let start = put_header(xid, buffer);
    let message_type = match message {
        ToSwitch::Hello { bitmap } => {
            hello::encode(bitmap.as_deref(), buffer);
            kind::HELLO
        }
        ToSwitch::Error(report) => {
            error::encode(report, buffer)?;
            kind::ERROR
        }
        ToSwitch::EchoRequest(body) => put_body(kind::ECHO_REQUEST, body, buffer),
        ToSwitch::EchoReply(body) => put_body(kind::ECHO_REPLY, body, buffer),
        ToSwitch::Experimenter {
            experimenter, body, ..
        } => {
            buffer.put_u32(*experimenter);
            put_body(kind::VENDOR, body, buffer)
        }
        ToSwitch::FeaturesRequest => kind::FEATURES_REQUEST,
        ToSwitch::GetConfigRequest => kind::GET_CONFIG_REQUEST,
        ToSwitch::SetConfig(config) => {
            records::encode_config(config, buffer);
            kind::SET_CONFIG
        }
        ToSwitch::PacketOut(packet) => {
            packet::encode_out(packet, buffer)?;
            kind::PACKET_OUT
        }
        ToSwitch::FlowMod(flow_mod) => {
            flow::encode_mod(flow_mod, buffer)?;
            kind::FLOW_MOD
        }
        ToSwitch::BarrierRequest => kind::BARRIER_REQUEST,
        ToSwitch::StatsRequest(request) => {
            stats::encode_request(request, buffer)?;
            kind::STATS_REQUEST
        }
        ToSwitch::Unknown { message_type, body } => put_body(*message_type, body, buffer),
    };
    finish_header(start, message_type, buffer);
    Ok(())
}

/// Appends a message for a controller.
pub(crate) fn encode_from_switch(
    xid: Xid,
    message: &FromSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let start = put_header(xid, buffer);
    let message_type = match message {
        FromSwitch::Hello {
            bitmap,
            header_version,
        } => {
            buffer[start] = *header_version;
            hello::encode(bitmap.as_deref(), buffer);
            kind::HELLO
        }
        FromSwitch::Error(report) => {
            error::encode(report, buffer)?;
            kind::ERROR
        }
        FromSwitch::EchoRequest(body) => put_body(kind::ECHO_REQUEST, body, buffer),
        FromSwitch::EchoReply(body) => put_body(kind::ECHO_REPLY, body, buffer),
        FromSwitch::Experimenter {
            experimenter, body, ..
        } => {
            buffer.put_u32(*experimenter);
            put_body(kind::VENDOR, body, buffer)
        }
        FromSwitch::Features(features) => {
            handshake::encode_features(features, buffer)?;
            kind::FEATURES_REPLY
        }
        FromSwitch::Config(config) => {
            records::encode_config(config, buffer);
            kind::GET_CONFIG_REPLY
        }
        FromSwitch::PacketIn(packet) => {
            packet::encode_in(packet, buffer)?;
            kind::PACKET_IN
        }
        FromSwitch::FlowRemoved(removed) => {
            flow::encode_removed(removed, buffer)?;
            kind::FLOW_REMOVED
        }
        FromSwitch::PortStatus(status) => {
            port::encode_status(status, buffer)?;
            kind::PORT_STATUS
        }
        FromSwitch::BarrierReply => kind::BARRIER_REPLY,
        FromSwitch::Stats { more, body } => {
            stats::encode_reply(*more, body, buffer)?;
            kind::STATS_REPLY
        }
        FromSwitch::Unknown { message_type, body } => put_body(*message_type, body, buffer),
    };
    finish_header(start, message_type, buffer);
    Ok(())
}

/// A message is as long as its parts: bytes beyond them are a wrong length.
fn expect_end(reader: &Reader) -> Result<(), DecodeError> {
    if reader.is_empty() {
        return Ok(());
    }
    let length = reader.offset() + reader.left();
    Err(reader.error_at(
        consts::HEADER_LENGTH_OFFSET,
        "length",
        Problem::Length(length),
    ))
}

/// `ofp_header`, whose type and length [`finish_header`] fills in. Returns where it begins.
fn put_header(xid: Xid, buffer: &mut BytesMut) -> usize {
    let start = buffer.len();
    buffer.put_u8(Version::V10.wire());
    buffer.put_u8(0);
    buffer.put_u16(0);
    buffer.put_u32(xid.0);
    start
}

fn finish_header(start: usize, message_type: u8, buffer: &mut BytesMut) {
    buffer[start + consts::HEADER_TYPE_OFFSET] = message_type;
    patch_length(buffer, start, consts::HEADER_LENGTH_OFFSET);
}

fn put_body(message_type: u8, body: &Bytes, buffer: &mut BytesMut) -> u8 {
    buffer.put_slice(body);
    message_type
}

/// 1.0 can't say `what`.
fn unsupported(what: impl Into<String>) -> Unsupported {
    Unsupported::new(Version::V10, what)
}
