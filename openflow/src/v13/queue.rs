//! Queues: QUEUE_GET_CONFIG and their counters (OF 1.3.5 §7.2.2, §7.3.6, §7.3.5.8).

use bytes::BytesMut;

use super::consts::*;
use super::flow;
use super::record::{Extent, put_length};
use crate::error::{DecodeError, Unsupported};
use crate::model::{QueueConfig, QueueConfigReply, QueueFilter, QueueProperty, QueueStats};
use crate::types::{PortNo, QueueId};
use crate::wire::records::NOT_COUNTED;
use crate::wire::{Put, Reader, pad};

/// Properties of experimenters may have any number of bytes.
const QUEUE: Extent = Extent {
    field: "queues.len",
    before: 8,
    least: 16,
    step: 1,
};

const PROPERTY: Extent = Extent {
    field: "properties.len",
    before: 2,
    least: 8,
    step: 1,
};

/// OF 1.3.5 §7.3.6, ofp_queue_get_config_request.
pub(super) fn decode_config_request(body: &mut Reader) -> Result<PortNo, DecodeError> {
    let port = PortNo(body.u32("port")?);
    body.skip("pad", 4)?;
    Ok(port)
}

/// OF 1.3.5 §7.3.6, ofp_queue_get_config_reply.
pub(super) fn decode_config(body: &mut Reader) -> Result<QueueConfigReply, DecodeError> {
    let port = PortNo(body.u32("port")?);
    body.skip("pad", 4)?;
    Ok(QueueConfigReply {
        port,
        queues: body.list(decode_queue)?,
    })
}

/// OF 1.3.5 §7.2.2, ofp_packet_queue.
fn decode_queue(reader: &mut Reader) -> Result<QueueConfig, DecodeError> {
    let queue = QueueId(reader.u32("queues.queue_id")?);
    let port = PortNo(reader.u32("queues.port")?);
    let mut body = QUEUE.decode(reader)?;
    body.skip("queues.pad", 6)?;
    Ok(QueueConfig {
        queue,
        port,
        properties: body.list(decode_property)?,
    })
}

/// OF 1.3.5 §7.2.2, ofp_queue_prop_header and what each property makes of it.
fn decode_property(reader: &mut Reader) -> Result<QueueProperty, DecodeError> {
    let number = reader.u16("properties.property")?;
    let mut body = PROPERTY.decode(reader)?;
    body.skip("properties.pad", 4)?;
    let property = match number {
        OFPQT_MIN_RATE => QueueProperty::MinRate {
            rate: decode_rate(&mut body)?,
        },
        OFPQT_MAX_RATE => QueueProperty::MaxRate {
            rate: decode_rate(&mut body)?,
        },
        OFPQT_EXPERIMENTER => {
            let experimenter = body.u32("properties.experimenter")?;
            body.skip("properties.pad", 4)?;
            QueueProperty::Experimenter {
                experimenter,
                body: body.rest(),
            }
        }
        property => QueueProperty::Unknown {
            property,
            body: body.rest(),
        },
    };
    body.finish(PROPERTY.field)?;
    Ok(property)
}

/// OF 1.3.5 §7.2.2, ofp_queue_prop_min_rate and ofp_queue_prop_max_rate.
fn decode_rate(body: &mut Reader) -> Result<u16, DecodeError> {
    let rate = body.u16("properties.rate")?;
    body.skip("properties.pad", 6)?;
    Ok(rate)
}

/// OF 1.3.5 §7.3.5.8, ofp_queue_stats_request.
pub(super) fn decode_filter(body: &mut Reader) -> Result<QueueFilter, DecodeError> {
    Ok(QueueFilter {
        port: PortNo(body.u32("port_no")?),
        queue: QueueId(body.u32("queue_id")?),
    })
}

/// OF 1.3.5 §7.3.5.8, ofp_queue_stats.
pub(super) fn decode_stats(body: &mut Reader) -> Result<QueueStats, DecodeError> {
    let port = PortNo(body.u32("port_no")?);
    let queue = QueueId(body.u32("queue_id")?);
    let mut counter = |field| {
        let value = body.u64(field)?;
        Ok((value != NOT_COUNTED).then_some(value))
    };
    Ok(QueueStats {
        port,
        queue,
        tx_bytes: counter("tx_bytes")?,
        tx_packets: counter("tx_packets")?,
        tx_errors: counter("tx_errors")?,
        duration_ns: flow::decode_known_duration(body)?,
    })
}

/// OF 1.3.5 §7.3.6, ofp_queue_get_config_request.
pub(super) fn encode_config_request(port: PortNo, buffer: &mut BytesMut) {
    buffer.put_u32(port.0);
    pad(buffer, 4);
}

/// OF 1.3.5 §7.3.6, ofp_queue_get_config_reply.
pub(super) fn encode_config(
    reply: &QueueConfigReply,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u32(reply.port.0);
    pad(buffer, 4);
    for queue in &reply.queues {
        let start = buffer.len();
        buffer.put_u32(queue.queue.0);
        buffer.put_u32(queue.port.0);
        pad(buffer, 8);
        for property in &queue.properties {
            encode_property(property, buffer)?;
        }
        put_length(buffer, start, QUEUE.before, "a queue")?;
    }
    Ok(())
}

/// OF 1.3.5 §7.2.2, ofp_queue_prop_header and what each property makes of it.
fn encode_property(property: &QueueProperty, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    buffer.put_u16(match property {
        QueueProperty::MinRate { .. } => OFPQT_MIN_RATE,
        QueueProperty::MaxRate { .. } => OFPQT_MAX_RATE,
        QueueProperty::Experimenter { .. } => OFPQT_EXPERIMENTER,
        QueueProperty::Unknown { property, .. } => *property,
    });
    pad(buffer, 6);
    match property {
        QueueProperty::MinRate { rate } | QueueProperty::MaxRate { rate } => {
            buffer.put_u16(*rate);
            pad(buffer, 6);
        }
        QueueProperty::Experimenter { experimenter, body } => {
            buffer.put_u32(*experimenter);
            pad(buffer, 4);
            buffer.put_slice(body);
        }
        QueueProperty::Unknown { body, .. } => buffer.put_slice(body),
    }
    put_length(buffer, start, PROPERTY.before, "a property of a queue")
}

/// OF 1.3.5 §7.3.5.8, ofp_queue_stats_request.
pub(super) fn encode_filter(filter: QueueFilter, buffer: &mut BytesMut) {
    buffer.put_u32(filter.port.0);
    buffer.put_u32(filter.queue.0);
}

/// OF 1.3.5 §7.3.5.8, ofp_queue_stats.
pub(super) fn encode_stats(stats: &QueueStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    buffer.put_u32(stats.port.0);
    buffer.put_u32(stats.queue.0);
    for counter in [stats.tx_bytes, stats.tx_packets, stats.tx_errors] {
        buffer.put_u64(counter.unwrap_or(NOT_COUNTED));
    }
    flow::encode_known_duration(stats.duration_ns, buffer)
}
