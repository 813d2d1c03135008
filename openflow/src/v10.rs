//! OpenFlow 1.0.2: which message type belongs to which family, and what the families share.
//!
//! Reading *raises* bytes into the model, writing *lowers* the model to bytes; `Unsupported` says what
//! 1.0 has no way to say. One thing is by design not refused: what 1.0 always does anyway
//! ([`FlowFlags::RESET_COUNTS`](crate::model::FlowFlags::RESET_COUNTS)). What 1.0 says of emergency flows
//! ("emergency" flags of a FLOW_MOD, requests about table 254) the model has no word for; it stays bytes.

mod action;
mod bits;
mod consts;
mod error;
mod extension;
mod flow;
mod handshake;
mod packet;
mod pattern;
mod port;
mod queue;
mod stats;

use bytes::{Bytes, BytesMut};

use crate::error::{DecodeError, Problem, Unsupported};
use crate::hello;
use crate::model::{FromSwitch, ToSwitch};
use crate::types::{Version, Xid};
use crate::wire::{HEADER_LENGTH, Put, Reader, pad, patch_length, records};
use consts::message_type as kind;

/// Reads a message that a switch sent, other than a HELLO.
#[inline]
pub(crate) fn decode_from_switch(message: &Bytes) -> Result<FromSwitch, DecodeError> {
    let message_type = message.get(1).copied().unwrap_or_default();
    let mut reader = Reader::body(message);
    let decoded = match message_type {
        kind::ERROR => FromSwitch::Error(error::decode(&mut reader)?),
        kind::ECHO_REQUEST => FromSwitch::EchoRequest(reader.rest()),
        kind::ECHO_REPLY => FromSwitch::EchoReply(reader.rest()),
        kind::VENDOR => match extension::decode_from_switch(&mut reader)? {
            Some(known) => known,
            None => FromSwitch::Experimenter {
                experimenter: reader.u32("vendor")?,
                exp_type: 0,
                body: reader.rest(),
            },
        },
        kind::FEATURES_REPLY => FromSwitch::Features(handshake::decode_features(&mut reader)?),
        kind::GET_CONFIG_REPLY => FromSwitch::Config(records::decode_config(&mut reader)?),
        kind::PACKET_IN => FromSwitch::PacketIn(packet::decode_in(&mut reader)?),
        kind::FLOW_REMOVED => FromSwitch::FlowRemoved(flow::decode_removed(&mut reader)?),
        kind::PORT_STATUS => FromSwitch::PortStatus(port::decode_status(&mut reader)?),
        kind::STATS_REPLY => stats::decode_reply(&mut reader)?,
        kind::BARRIER_REPLY => FromSwitch::BarrierReply,
        kind::QUEUE_GET_CONFIG_REPLY => {
            FromSwitch::QueueConfig(queue::decode_config_reply(&mut reader)?)
        }
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
    let mut reader = Reader::body(message);
    let decoded = match message_type {
        kind::ERROR => ToSwitch::Error(error::decode(&mut reader)?),
        kind::ECHO_REQUEST => ToSwitch::EchoRequest(reader.rest()),
        kind::ECHO_REPLY => ToSwitch::EchoReply(reader.rest()),
        kind::VENDOR => match extension::decode_to_switch(&mut reader)? {
            Some(known) => known,
            None => ToSwitch::Experimenter {
                experimenter: reader.u32("vendor")?,
                exp_type: 0,
                body: reader.rest(),
            },
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
        kind::PORT_MOD => ToSwitch::PortMod(port::decode_mod(&mut reader)?),
        kind::STATS_REQUEST => ToSwitch::stats(stats::decode_request(&mut reader)?),
        kind::BARRIER_REQUEST => ToSwitch::BarrierRequest,
        kind::QUEUE_GET_CONFIG_REQUEST => {
            ToSwitch::QueueConfigRequest(queue::decode_config_request(&mut reader)?)
        }
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
        ToSwitch::Hello { bitmap, elements } => {
            hello::encode(Version::V10, bitmap.as_deref(), elements, buffer)?;
            kind::HELLO
        }
        ToSwitch::Error(report) => {
            error::encode(report, buffer)?;
            kind::ERROR
        }
        ToSwitch::EchoRequest(body) => put_body(kind::ECHO_REQUEST, body, buffer),
        ToSwitch::EchoReply(body) => put_body(kind::ECHO_REPLY, body, buffer),
        ToSwitch::Experimenter {
            experimenter,
            exp_type,
            body,
        } => {
            put_vendor(*experimenter, *exp_type, body, buffer)?;
            kind::VENDOR
        }
        ToSwitch::RoleRequest(_) | ToSwitch::SetFlowAge => {
            extension::encode_to_switch(message, buffer)?;
            kind::VENDOR
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
        ToSwitch::PortMod(port_mod) => {
            port::encode_mod(port_mod, buffer)?;
            kind::PORT_MOD
        }
        ToSwitch::BarrierRequest => kind::BARRIER_REQUEST,
        ToSwitch::StatsRequest { more: true, .. } => {
            return Err(unsupported("a statistics request in several parts"));
        }
        ToSwitch::StatsRequest {
            more: false,
            body: request,
        } => {
            stats::encode_request(request, buffer)?;
            kind::STATS_REQUEST
        }
        ToSwitch::QueueConfigRequest(port) => {
            queue::encode_config_request(*port, buffer)?;
            kind::QUEUE_GET_CONFIG_REQUEST
        }
        ToSwitch::Unknown { message_type, body } => {
            let kept = *message_type == kind::FLOW_MOD && flow::is_beyond_model(body);
            if !kept && kind::TO_SWITCH.contains(message_type) {
                return Err(unknown_message(*message_type));
            }
            put_body(*message_type, body, buffer)
        }
        ToSwitch::GroupMod(_) => return Err(unsupported("GROUP_MOD: it has no groups")),
        ToSwitch::TableMod(_) => return Err(unsupported("TABLE_MOD")),
        ToSwitch::MeterMod(_) => return Err(unsupported("METER_MOD: it has no meters")),
        ToSwitch::AsyncConfigRequest | ToSwitch::SetAsyncConfig(_) => {
            return Err(unsupported(
                "a choice of the messages that a switch sends by itself",
            ));
        }
        ToSwitch::BundleControl(_) | ToSwitch::BundleAdd(_) => {
            return Err(unsupported("bundles"));
        }
        ToSwitch::FlowMonitorCancel(_) => return Err(unsupported("flow monitors")),
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
            elements,
            header_version,
        } => {
            buffer[start] = *header_version;
            hello::encode(Version::V10, bitmap.as_deref(), elements, buffer)?;
            kind::HELLO
        }
        FromSwitch::Error(report) => {
            error::encode(report, buffer)?;
            kind::ERROR
        }
        FromSwitch::EchoRequest(body) => put_body(kind::ECHO_REQUEST, body, buffer),
        FromSwitch::EchoReply(body) => put_body(kind::ECHO_REPLY, body, buffer),
        FromSwitch::Experimenter {
            experimenter,
            exp_type,
            body,
        } => {
            put_vendor(*experimenter, *exp_type, body, buffer)?;
            kind::VENDOR
        }
        FromSwitch::Role(_) => {
            extension::encode_from_switch(message, buffer)?;
            kind::VENDOR
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
        FromSwitch::QueueConfig(reply) => {
            queue::encode_config_reply(reply, buffer)?;
            kind::QUEUE_GET_CONFIG_REPLY
        }
        FromSwitch::Unknown { message_type, body } => {
            if kind::FROM_SWITCH.contains(message_type) {
                return Err(unknown_message(*message_type));
            }
            put_body(*message_type, body, buffer)
        }
        FromSwitch::AsyncConfig(_) => {
            return Err(unsupported(
                "a choice of the messages that a switch sends by itself",
            ));
        }
        FromSwitch::BundleControl(_) => return Err(unsupported("bundles")),
        FromSwitch::FlowMonitorPaused | FromSwitch::FlowMonitorResumed => {
            return Err(unsupported("flow monitors"));
        }
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

/// `ofp_vendor_header` (OF 1.0.2 §5.5.4) after that of the message, which has no experimenter's type.
fn put_vendor(
    experimenter: u32,
    exp_type: u32,
    body: &Bytes,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    if exp_type != 0 {
        return Err(unsupported(format!(
            "the type {exp_type} of experimenter {experimenter:#010x}: it has a vendor's number alone"
        )));
    }
    buffer.put_u32(experimenter);
    buffer.put_slice(body);
    Ok(())
}

/// A text in a field of `size` bytes, padded with zeros. It may fill its field: then there is no zero at its end.
fn put_text(what: &str, text: &str, size: usize, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    if text.len() > size || text.contains('\0') {
        return Err(unsupported(format!(
            "the {what} {text:?}: it has {size} bytes without a zero"
        )));
    }
    buffer.put_slice(text.as_bytes());
    pad(buffer, size - text.len());
    Ok(())
}

/// A number that means something in 1.0 was unknown elsewhere, with another meaning.
fn unknown_message(message_type: u8) -> Unsupported {
    unsupported(format!("an unknown message of type {message_type}"))
}

/// 1.0 can't say `what`.
fn unsupported(what: impl Into<String>) -> Unsupported {
    Unsupported::new(Version::V10, what)
}
