//! Queues: QUEUE_GET_CONFIG_REQUEST and the reply (OF 1.0.2 §5.3.4, `ofp_queue_get_config_reply`), their properties
//! (§5.2.2, `ofp_packet_queue`) and their statistics (§5.3.5, `ofp_queue_stats`).

use bytes::BytesMut;

use super::consts::{port as port_consts, queue as codes};
use super::{port, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{QueueConfig, QueueConfigReply, QueueFilter, QueueProperty, QueueStats};
use crate::types::{PortNo, QueueId};
use crate::wire::records::NOT_COUNTED;
use crate::wire::{Put, Reader, pad, patch_length};

/// OF 1.0.2 §5.3.4, `ofp_queue_get_config_request`.
pub(super) fn decode_config_request(reader: &mut Reader) -> Result<PortNo, DecodeError> {
    let number = port::raise(reader.u16("port")?);
    reader.skip("pad", 2)?;
    Ok(number)
}

/// OF 1.0.2 §5.3.4, `ofp_queue_get_config_reply`.
pub(super) fn decode_config_reply(reader: &mut Reader) -> Result<QueueConfigReply, DecodeError> {
    let number = port::raise(reader.u16("port")?);
    reader.skip("pad", 6)?;
    Ok(QueueConfigReply {
        port: number,
        queues: reader.list(|reader| decode_queue(reader, number))?,
    })
}

/// OF 1.0.2 §5.2.2, `ofp_packet_queue`.
fn decode_queue(reader: &mut Reader, number: PortNo) -> Result<QueueConfig, DecodeError> {
    let start = reader.offset();
    let queue = QueueId(reader.u32("queue_id")?);
    let mut properties = decode_rest(reader, "queue len", start, codes::LENGTH)?;
    properties.skip("pad", 2)?;
    Ok(QueueConfig {
        queue,
        port: number,
        properties: properties.list(decode_property)?,
    })
}

/// OF 1.0.2 §5.2.2, `ofp_queue_prop_header` and what follows it.
fn decode_property(reader: &mut Reader) -> Result<QueueProperty, DecodeError> {
    let start = reader.offset();
    let property = reader.u16("property")?;
    let length_at = reader.offset();
    let mut body = decode_rest(reader, "property len", start, codes::PROPERTY_LENGTH)?;
    body.skip("pad", 4)?;
    if property != codes::MIN_RATE {
        return Ok(QueueProperty::Unknown {
            property,
            body: body.rest(),
        });
    }
    let length = reader.offset() - start;
    if length != codes::MIN_RATE_LENGTH {
        return Err(reader.error_at(length_at, "property len", Problem::Length(length)));
    }
    Ok(QueueProperty::MinRate {
        rate: body.u16("rate")?,
    })
}

/// What follows the length of a structure that began at `start` and has at least `least` bytes.
fn decode_rest<'a>(
    reader: &mut Reader<'a>,
    field: &'static str,
    start: usize,
    least: usize,
) -> Result<Reader<'a>, DecodeError> {
    let length_at = reader.offset();
    let length = usize::from(reader.u16(field)?);
    let read = reader.offset() - start;
    if length < least || length - read > reader.left() {
        return Err(reader.error_at(length_at, field, Problem::Length(length)));
    }
    reader.sub(field, length - read)
}

/// OF 1.0.2 §5.3.5, `ofp_queue_stats_request`.
pub(super) fn decode_filter(reader: &mut Reader) -> Result<QueueFilter, DecodeError> {
    let number = reader.u16("port_no")?;
    reader.skip("pad", 2)?;
    Ok(QueueFilter {
        port: port::raise(other_wildcard(number)),
        queue: QueueId(reader.u32("queue_id")?),
    })
}

/// Alone among the requests of 1.0, the one for queue statistics names every port `OFPP_ALL` rather than `OFPP_NONE`.
/// The two numbers change places, so that ANY asks for every port and no number is lost.
const fn other_wildcard(number: u16) -> u16 {
    match number {
        port_consts::ALL => port_consts::NONE,
        port_consts::NONE => port_consts::ALL,
        other => other,
    }
}

/// OF 1.0.2 §5.3.5, `ofp_queue_stats`.
pub(super) fn decode_stats(reader: &mut Reader) -> Result<QueueStats, DecodeError> {
    let number = port::raise(reader.u16("port_no")?);
    reader.skip("pad", 2)?;
    let queue = QueueId(reader.u32("queue_id")?);
    let mut counter = |field| {
        let value = reader.u64(field)?;
        Ok((value != NOT_COUNTED).then_some(value))
    };
    Ok(QueueStats {
        port: number,
        queue,
        tx_bytes: counter("tx_bytes")?,
        tx_packets: counter("tx_packets")?,
        tx_errors: counter("tx_errors")?,
        duration_ns: None,
    })
}

/// OF 1.0.2 §5.3.4, `ofp_queue_get_config_request`.
pub(super) fn encode_config_request(
    number: PortNo,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u16(port::lower(number)?);
    pad(buffer, 2);
    Ok(())
}

/// OF 1.0.2 §5.3.4, `ofp_queue_get_config_reply`.
pub(super) fn encode_config_reply(
    reply: &QueueConfigReply,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u16(port::lower(reply.port)?);
    pad(buffer, 6);
    for queue in &reply.queues {
        if queue.port != reply.port {
            return Err(unsupported(format!(
                "a queue of port {} in the reply about port {}: one reply is about one port",
                queue.port, reply.port
            )));
        }
        encode_queue(queue, buffer)?;
    }
    Ok(())
}

fn encode_queue(queue: &QueueConfig, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    buffer.put_u32(queue.queue.0);
    pad(buffer, 4);
    for property in &queue.properties {
        encode_property(property, buffer)?;
    }
    patch_length(buffer, start, 4);
    Ok(())
}

fn encode_property(property: &QueueProperty, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    match property {
        QueueProperty::MinRate { rate } => {
            put_property_head(codes::MIN_RATE, buffer);
            buffer.put_u16(*rate);
            pad(buffer, 6);
        }
        QueueProperty::MaxRate { .. } => {
            return Err(unsupported("the maximum rate of a queue"));
        }
        QueueProperty::Experimenter { experimenter, .. } => {
            return Err(unsupported(format!(
                "the queue property of experimenter {experimenter:#010x}"
            )));
        }
        QueueProperty::Unknown {
            property: codes::MIN_RATE,
            body,
        } => {
            return Err(unsupported(format!(
                "the unknown queue property {} with {} bytes",
                codes::MIN_RATE,
                body.len()
            )));
        }
        QueueProperty::Unknown { property, body } => {
            put_property_head(*property, buffer);
            buffer.put_slice(body);
        }
    }
    patch_length(buffer, start, 2);
    Ok(())
}

/// `ofp_queue_prop_header`, whose length is filled in afterwards.
fn put_property_head(property: u16, buffer: &mut BytesMut) {
    buffer.put_u16(property);
    pad(buffer, 6);
}

/// OF 1.0.2 §5.3.5, `ofp_queue_stats_request`.
pub(super) fn encode_filter(
    filter: &QueueFilter,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u16(other_wildcard(port::lower(filter.port)?));
    pad(buffer, 2);
    buffer.put_u32(filter.queue.0);
    Ok(())
}

/// OF 1.0.2 §5.3.5, `ofp_queue_stats`.
pub(super) fn encode_stats(stats: &QueueStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    if stats.duration_ns.is_some() {
        return Err(unsupported("how long a queue has been there"));
    }
    buffer.put_u16(port::lower(stats.port)?);
    pad(buffer, 2);
    buffer.put_u32(stats.queue.0);
    for counter in [stats.tx_bytes, stats.tx_packets, stats.tx_errors] {
        buffer.put_u64(counter.unwrap_or(NOT_COUNTED));
    }
    Ok(())
}
