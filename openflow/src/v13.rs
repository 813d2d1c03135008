//! OpenFlow 1.3 (wire version 0x04): which message type is read and written where.

mod action;
mod consts;
mod error;
mod extension;
mod flow;
mod group;
mod handshake;
mod instruction;
mod meter;
mod multipart;
mod oxm;
mod packet;
mod port;
mod queue;
mod record;
mod role;
mod table;

use bytes::{Bytes, BytesMut};

use crate::error::{DecodeError, Unsupported};
use crate::hello;
use crate::model::{BundleFlags, FromSwitch, ToSwitch};
use crate::types::{BundleId, Version, Xid};
use crate::wire::{Put, Reader, patch_length, records};
use consts::*;

/// Reads a whole message, header included, that came from a switch, other than a HELLO.
#[inline]
pub(crate) fn decode_from_switch(message: &Bytes) -> Result<FromSwitch, DecodeError> {
    let message_type = message.get(1).copied().unwrap_or_default();
    let mut body = Reader::body(message);
    let body = &mut body;
    let decoded = match message_type {
        OFPT_ERROR => FromSwitch::Error(error::decode(body)?),
        OFPT_ECHO_REQUEST => FromSwitch::EchoRequest(body.rest()),
        OFPT_ECHO_REPLY => FromSwitch::EchoReply(body.rest()),
        OFPT_EXPERIMENTER => match extension::decode_from_switch(body)? {
            Some(known) => known,
            None => {
                let (experimenter, exp_type, body) = handshake::decode_experimenter(body)?;
                FromSwitch::Experimenter {
                    experimenter,
                    exp_type,
                    body,
                }
            }
        },
        OFPT_FEATURES_REPLY => FromSwitch::Features(handshake::decode_features(body)?),
        OFPT_GET_CONFIG_REPLY => FromSwitch::Config(records::decode_config(body)?),
        OFPT_PACKET_IN => FromSwitch::PacketIn(packet::decode_in(body)?),
        OFPT_FLOW_REMOVED => FromSwitch::FlowRemoved(flow::decode_removed(body)?),
        OFPT_PORT_STATUS => FromSwitch::PortStatus(port::decode_status(body)?),
        OFPT_MULTIPART_REPLY => multipart::decode_reply(body)?,
        OFPT_BARRIER_REPLY => FromSwitch::BarrierReply,
        OFPT_QUEUE_GET_CONFIG_REPLY => FromSwitch::QueueConfig(queue::decode_config(body)?),
        OFPT_ROLE_REPLY => FromSwitch::Role(role::decode(body)?),
        OFPT_GET_ASYNC_REPLY => FromSwitch::AsyncConfig(role::decode_async(body)?),
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
    let mut body = Reader::body(message);
    let body = &mut body;
    let decoded = match message_type {
        OFPT_ERROR => ToSwitch::Error(error::decode(body)?),
        OFPT_ECHO_REQUEST => ToSwitch::EchoRequest(body.rest()),
        OFPT_ECHO_REPLY => ToSwitch::EchoReply(body.rest()),
        OFPT_EXPERIMENTER => match extension::decode_to_switch(body)? {
            Some(known) => known,
            None => {
                let (experimenter, exp_type, body) = handshake::decode_experimenter(body)?;
                ToSwitch::Experimenter {
                    experimenter,
                    exp_type,
                    body,
                }
            }
        },
        OFPT_FEATURES_REQUEST => ToSwitch::FeaturesRequest,
        OFPT_GET_CONFIG_REQUEST => ToSwitch::GetConfigRequest,
        OFPT_SET_CONFIG => ToSwitch::SetConfig(records::decode_config(body)?),
        OFPT_PACKET_OUT => ToSwitch::PacketOut(packet::decode_out(body)?),
        OFPT_FLOW_MOD => ToSwitch::FlowMod(flow::decode_mod(body)?),
        OFPT_GROUP_MOD => ToSwitch::GroupMod(group::decode_mod(body)?),
        OFPT_PORT_MOD => ToSwitch::PortMod(port::decode_mod(body)?),
        OFPT_TABLE_MOD => ToSwitch::TableMod(table::decode_mod(body)?),
        OFPT_METER_MOD => ToSwitch::MeterMod(meter::decode_mod(body)?),
        OFPT_MULTIPART_REQUEST => multipart::decode_request(body)?,
        OFPT_BARRIER_REQUEST => ToSwitch::BarrierRequest,
        OFPT_QUEUE_GET_CONFIG_REQUEST => {
            ToSwitch::QueueConfigRequest(queue::decode_config_request(body)?)
        }
        OFPT_ROLE_REQUEST => ToSwitch::RoleRequest(role::decode(body)?),
        OFPT_GET_ASYNC_REQUEST => ToSwitch::AsyncConfigRequest,
        OFPT_SET_ASYNC => ToSwitch::SetAsyncConfig(role::decode_async(body)?),
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
    let start = put_header(buffer, VERSION, type_to_switch(message)?, xid);
    match message {
        ToSwitch::Hello { bitmap, elements } => {
            hello::encode(Version::V13, bitmap.as_deref(), elements, buffer)?;
        }
        ToSwitch::Error(report) => error::encode(report, buffer)?,
        ToSwitch::SetConfig(config) => records::encode_config(config, buffer),
        ToSwitch::PacketOut(packet) => packet::encode_out(packet, buffer)?,
        ToSwitch::FlowMod(change) => flow::encode_mod(change, buffer)?,
        ToSwitch::GroupMod(change) => group::encode_mod(change, buffer)?,
        ToSwitch::PortMod(change) => port::encode_mod(change, buffer)?,
        ToSwitch::TableMod(change) => table::encode_mod(*change, buffer),
        ToSwitch::MeterMod(change) => meter::encode_mod(change, buffer)?,
        ToSwitch::StatsRequest { more, body } => multipart::encode_request(*more, body, buffer)?,
        ToSwitch::QueueConfigRequest(port) => queue::encode_config_request(*port, buffer),
        ToSwitch::RoleRequest(role) => role::encode(role, buffer)?,
        ToSwitch::SetAsyncConfig(config) => role::encode_async(config, buffer),
        ToSwitch::BundleControl(_) | ToSwitch::BundleAdd(_) | ToSwitch::FlowMonitorCancel(_) => {
            extension::encode_to_switch(message, buffer)?;
        }
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
        ToSwitch::FeaturesRequest
        | ToSwitch::GetConfigRequest
        | ToSwitch::BarrierRequest
        | ToSwitch::AsyncConfigRequest
        | ToSwitch::SetFlowAge => {}
    }
    patch_length(buffer, start, 2);
    Ok(())
}

/// Appends a message that is added to a bundle, header included.
pub(crate) fn encode_into_bundle(
    xid: Xid,
    bundle: BundleId,
    flags: BundleFlags,
    message: &ToSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let start = put_header(buffer, VERSION, OFPT_EXPERIMENTER, xid);
    extension::encode_added(bundle, flags, xid, message, buffer)?;
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
        FromSwitch::Hello {
            bitmap, elements, ..
        } => hello::encode(Version::V13, bitmap.as_deref(), elements, buffer)?,
        FromSwitch::Error(report) => error::encode(report, buffer)?,
        FromSwitch::Features(features) => handshake::encode_features(features, buffer)?,
        FromSwitch::Config(config) => records::encode_config(config, buffer),
        FromSwitch::PacketIn(packet) => packet::encode_in(packet, buffer)?,
        FromSwitch::FlowRemoved(removed) => flow::encode_removed(removed, buffer)?,
        FromSwitch::PortStatus(status) => port::encode_status(status, buffer)?,
        FromSwitch::Stats { more, body } => multipart::encode_reply(*more, body, buffer)?,
        FromSwitch::QueueConfig(reply) => queue::encode_config(reply, buffer)?,
        FromSwitch::Role(role) => role::encode(role, buffer)?,
        FromSwitch::AsyncConfig(config) => role::encode_async(config, buffer),
        FromSwitch::BundleControl(_)
        | FromSwitch::FlowMonitorPaused
        | FromSwitch::FlowMonitorResumed => extension::encode_from_switch(message, buffer)?,
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

fn type_to_switch(message: &ToSwitch) -> Result<u8, Unsupported> {
    Ok(match message {
        ToSwitch::Hello { .. } => OFPT_HELLO,
        ToSwitch::Error(_) => OFPT_ERROR,
        ToSwitch::EchoRequest(_) => OFPT_ECHO_REQUEST,
        ToSwitch::EchoReply(_) => OFPT_ECHO_REPLY,
        ToSwitch::FeaturesRequest => OFPT_FEATURES_REQUEST,
        ToSwitch::GetConfigRequest => OFPT_GET_CONFIG_REQUEST,
        ToSwitch::SetConfig(_) => OFPT_SET_CONFIG,
        ToSwitch::PacketOut(_) => OFPT_PACKET_OUT,
        ToSwitch::FlowMod(_) => OFPT_FLOW_MOD,
        ToSwitch::GroupMod(_) => OFPT_GROUP_MOD,
        ToSwitch::PortMod(_) => OFPT_PORT_MOD,
        ToSwitch::TableMod(_) => OFPT_TABLE_MOD,
        ToSwitch::MeterMod(_) => OFPT_METER_MOD,
        ToSwitch::BarrierRequest => OFPT_BARRIER_REQUEST,
        ToSwitch::StatsRequest { .. } => OFPT_MULTIPART_REQUEST,
        ToSwitch::QueueConfigRequest(_) => OFPT_QUEUE_GET_CONFIG_REQUEST,
        ToSwitch::RoleRequest(_) => OFPT_ROLE_REQUEST,
        ToSwitch::AsyncConfigRequest => OFPT_GET_ASYNC_REQUEST,
        ToSwitch::SetAsyncConfig(_) => OFPT_SET_ASYNC,
        ToSwitch::BundleControl(_)
        | ToSwitch::BundleAdd(_)
        | ToSwitch::FlowMonitorCancel(_)
        | ToSwitch::Experimenter { .. } => OFPT_EXPERIMENTER,
        ToSwitch::SetFlowAge => {
            return Err(unsupported(
                "`set_flow_age`: the ages of flow entries are only in 1.0",
            ));
        }
        ToSwitch::Unknown { message_type, .. } => *message_type,
    })
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
        FromSwitch::QueueConfig(_) => OFPT_QUEUE_GET_CONFIG_REPLY,
        FromSwitch::Role(_) => OFPT_ROLE_REPLY,
        FromSwitch::AsyncConfig(_) => OFPT_GET_ASYNC_REPLY,
        FromSwitch::BundleControl(_)
        | FromSwitch::FlowMonitorPaused
        | FromSwitch::FlowMonitorResumed
        | FromSwitch::Experimenter { .. } => OFPT_EXPERIMENTER,
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

fn unsupported(what: impl Into<String>) -> Unsupported {
    Unsupported::new(Version::V13, what)
}
