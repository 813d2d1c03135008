//! MULTIPART: what a switch reports on request (OF 1.3.5 §7.3.5). The bodies are each in the file of their family.

use bytes::BytesMut;

use super::consts::*;
use super::{extension, flow, group, handshake, meter, port, queue, table, unsupported};
use crate::error::{DecodeError, Unsupported};
use crate::model::{FromSwitch, StatsReply, StatsRequest, ToSwitch};
use crate::types::GroupId;
use crate::wire::{Put, Reader, pad, records};

/// OF 1.3.5 §7.3.5, ofp_multipart_request.
pub(super) fn decode_request(body: &mut Reader) -> Result<ToSwitch, DecodeError> {
    let stats_type = body.u16("type")?;
    let more = body.u16("flags")? & OFPMPF_REQ_MORE != 0;
    body.skip("pad", 4)?;
    let body = match stats_type {
        OFPMP_DESC => StatsRequest::Description,
        OFPMP_FLOW => StatsRequest::Flows(flow::stats::decode_filter(body)?),
        OFPMP_AGGREGATE => StatsRequest::Aggregate(flow::stats::decode_filter(body)?),
        OFPMP_TABLE => StatsRequest::Tables,
        OFPMP_PORT_STATS => StatsRequest::Ports(port::decode_request(body)?),
        OFPMP_QUEUE => StatsRequest::Queues(queue::decode_filter(body)?),
        OFPMP_GROUP => {
            let group = GroupId(body.u32("group_id")?);
            body.skip("pad", 4)?;
            StatsRequest::Groups(group)
        }
        OFPMP_GROUP_DESC => StatsRequest::GroupDescription,
        OFPMP_GROUP_FEATURES => StatsRequest::GroupFeatures,
        OFPMP_METER => StatsRequest::Meters(meter::decode_request(body)?),
        OFPMP_METER_CONFIG => StatsRequest::MeterConfig(meter::decode_request(body)?),
        OFPMP_METER_FEATURES => StatsRequest::MeterFeatures,
        OFPMP_TABLE_FEATURES => StatsRequest::TableFeatures(body.list(table::features::decode)?),
        OFPMP_PORT_DESC => StatsRequest::PortDescription,
        OFPMP_EXPERIMENTER => decode_experimenter_request(body)?,
        _ => StatsRequest::Unknown {
            stats_type,
            body: body.rest(),
        },
    };
    Ok(ToSwitch::StatsRequest { more, body })
}

/// OF 1.3.5 §7.3.5.15, ofp_experimenter_multipart_header.
fn decode_experimenter_request(body: &mut Reader) -> Result<StatsRequest, DecodeError> {
    if let Some(request) = extension::decode_request(body)? {
        return Ok(request);
    }
    let (experimenter, exp_type, body) = handshake::decode_experimenter(body)?;
    Ok(StatsRequest::Experimenter {
        experimenter,
        exp_type,
        body,
    })
}

/// OF 1.3.5 §7.3.5, ofp_multipart_reply.
pub(super) fn decode_reply(body: &mut Reader) -> Result<FromSwitch, DecodeError> {
    let stats_type = body.u16("type")?;
    let more = body.u16("flags")? & OFPMPF_REPLY_MORE != 0;
    body.skip("pad", 4)?;
    let body = match stats_type {
        OFPMP_DESC => StatsReply::Description(records::decode_description(body)?),
        OFPMP_FLOW => StatsReply::Flows(body.list(flow::stats::decode)?),
        OFPMP_AGGREGATE => StatsReply::Aggregate(records::decode_aggregate(body)?),
        OFPMP_TABLE => StatsReply::Tables(body.list(table::decode_stats)?),
        OFPMP_PORT_STATS => StatsReply::Ports(body.list(port::decode_stats)?),
        OFPMP_QUEUE => StatsReply::Queues(body.list(queue::decode_stats)?),
        OFPMP_GROUP => StatsReply::Groups(body.list(group::decode_stats)?),
        OFPMP_GROUP_DESC => StatsReply::GroupDescription(body.list(group::decode_description)?),
        OFPMP_GROUP_FEATURES => StatsReply::GroupFeatures(group::decode_features(body)?),
        OFPMP_METER => StatsReply::Meters(body.list(meter::decode_stats)?),
        OFPMP_METER_CONFIG => StatsReply::MeterConfig(body.list(meter::decode_config)?),
        OFPMP_METER_FEATURES => StatsReply::MeterFeatures(meter::decode_features(body)?),
        OFPMP_TABLE_FEATURES => StatsReply::TableFeatures(body.list(table::features::decode)?),
        OFPMP_PORT_DESC => StatsReply::PortDescription(body.list(port::decode)?),
        OFPMP_EXPERIMENTER => decode_experimenter_reply(body)?,
        _ => StatsReply::Unknown {
            stats_type,
            body: body.rest(),
        },
    };
    Ok(FromSwitch::Stats { more, body })
}

/// OF 1.3.5 §7.3.5.15, ofp_experimenter_multipart_header.
fn decode_experimenter_reply(body: &mut Reader) -> Result<StatsReply, DecodeError> {
    if let Some(reply) = extension::decode_reply(body)? {
        return Ok(reply);
    }
    let (experimenter, exp_type, body) = handshake::decode_experimenter(body)?;
    Ok(StatsReply::Experimenter {
        experimenter,
        exp_type,
        body,
    })
}

/// OF 1.3.5 §7.3.5, ofp_multipart_request.
pub(super) fn encode_request(
    more: bool,
    request: &StatsRequest,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u16(request_type(request)?);
    buffer.put_u16(if more { OFPMPF_REQ_MORE } else { 0 });
    pad(buffer, 4);
    match request {
        StatsRequest::Description
        | StatsRequest::Tables
        | StatsRequest::PortDescription
        | StatsRequest::GroupDescription
        | StatsRequest::GroupFeatures
        | StatsRequest::MeterFeatures
        | StatsRequest::AgedFlows(_) => {}
        StatsRequest::Flows(filter) | StatsRequest::Aggregate(filter) => {
            flow::stats::encode_filter(filter, buffer)?;
        }
        StatsRequest::Ports(port) => port::encode_request(*port, buffer),
        StatsRequest::Queues(filter) => queue::encode_filter(*filter, buffer),
        StatsRequest::Groups(group) => {
            buffer.put_u32(group.0);
            pad(buffer, 4);
        }
        StatsRequest::Meters(meter) | StatsRequest::MeterConfig(meter) => {
            meter::encode_request(*meter, buffer);
        }
        StatsRequest::TableFeatures(tables) => tables
            .iter()
            .try_for_each(|table| table::features::encode(table, buffer))?,
        StatsRequest::FlowMonitor(_) => extension::encode_request(request, buffer)?,
        StatsRequest::Experimenter {
            experimenter,
            exp_type,
            body,
        } => handshake::encode_experimenter(*experimenter, *exp_type, body, buffer),
        StatsRequest::Unknown { body, .. } => buffer.put_slice(body),
    }
    Ok(())
}

fn request_type(request: &StatsRequest) -> Result<u16, Unsupported> {
    Ok(match request {
        StatsRequest::Description => OFPMP_DESC,
        StatsRequest::Flows(_) => OFPMP_FLOW,
        StatsRequest::Aggregate(_) => OFPMP_AGGREGATE,
        StatsRequest::Tables => OFPMP_TABLE,
        StatsRequest::Ports(_) => OFPMP_PORT_STATS,
        StatsRequest::Queues(_) => OFPMP_QUEUE,
        StatsRequest::Groups(_) => OFPMP_GROUP,
        StatsRequest::GroupDescription => OFPMP_GROUP_DESC,
        StatsRequest::GroupFeatures => OFPMP_GROUP_FEATURES,
        StatsRequest::Meters(_) => OFPMP_METER,
        StatsRequest::MeterConfig(_) => OFPMP_METER_CONFIG,
        StatsRequest::MeterFeatures => OFPMP_METER_FEATURES,
        StatsRequest::TableFeatures(_) => OFPMP_TABLE_FEATURES,
        StatsRequest::PortDescription => OFPMP_PORT_DESC,
        StatsRequest::FlowMonitor(_) | StatsRequest::Experimenter { .. } => OFPMP_EXPERIMENTER,
        StatsRequest::AgedFlows(_) => return Err(no_aged_flows()),
        StatsRequest::Unknown { stats_type, .. } => *stats_type,
    })
}

/// OF 1.3.5 §7.3.5, ofp_multipart_reply.
pub(super) fn encode_reply(
    more: bool,
    reply: &StatsReply,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u16(reply_type(reply)?);
    buffer.put_u16(if more { OFPMPF_REPLY_MORE } else { 0 });
    pad(buffer, 4);
    match reply {
        StatsReply::Description(description) => records::encode_description(description, buffer),
        StatsReply::Flows(list) => encode_list(list, flow::stats::encode, buffer)?,
        StatsReply::Aggregate(sums) => records::encode_aggregate(sums, buffer),
        StatsReply::Tables(list) => encode_list(list, table::encode_stats, buffer)?,
        StatsReply::Ports(list) => encode_list(list, port::encode_stats, buffer)?,
        StatsReply::PortDescription(list) => encode_list(list, port::encode, buffer)?,
        StatsReply::Queues(list) => encode_list(list, queue::encode_stats, buffer)?,
        StatsReply::Groups(list) => encode_list(list, group::encode_stats, buffer)?,
        StatsReply::GroupDescription(list) => {
            encode_list(list, group::encode_description, buffer)?;
        }
        StatsReply::GroupFeatures(features) => group::encode_features(features, buffer),
        StatsReply::Meters(list) => encode_list(list, meter::encode_stats, buffer)?,
        StatsReply::MeterConfig(list) => encode_list(list, meter::encode_config, buffer)?,
        StatsReply::MeterFeatures(features) => meter::encode_features(features, buffer),
        StatsReply::TableFeatures(list) => encode_list(list, table::features::encode, buffer)?,
        StatsReply::FlowMonitor(_) => extension::encode_reply(reply, buffer)?,
        StatsReply::AgedFlows(_) => {}
        StatsReply::Experimenter {
            experimenter,
            exp_type,
            body,
        } => handshake::encode_experimenter(*experimenter, *exp_type, body, buffer),
        StatsReply::Unknown { body, .. } => buffer.put_slice(body),
    }
    Ok(())
}

fn reply_type(reply: &StatsReply) -> Result<u16, Unsupported> {
    Ok(match reply {
        StatsReply::Description(_) => OFPMP_DESC,
        StatsReply::Flows(_) => OFPMP_FLOW,
        StatsReply::Aggregate(_) => OFPMP_AGGREGATE,
        StatsReply::Tables(_) => OFPMP_TABLE,
        StatsReply::Ports(_) => OFPMP_PORT_STATS,
        StatsReply::Queues(_) => OFPMP_QUEUE,
        StatsReply::Groups(_) => OFPMP_GROUP,
        StatsReply::GroupDescription(_) => OFPMP_GROUP_DESC,
        StatsReply::GroupFeatures(_) => OFPMP_GROUP_FEATURES,
        StatsReply::Meters(_) => OFPMP_METER,
        StatsReply::MeterConfig(_) => OFPMP_METER_CONFIG,
        StatsReply::MeterFeatures(_) => OFPMP_METER_FEATURES,
        StatsReply::TableFeatures(_) => OFPMP_TABLE_FEATURES,
        StatsReply::PortDescription(_) => OFPMP_PORT_DESC,
        StatsReply::FlowMonitor(_) | StatsReply::Experimenter { .. } => OFPMP_EXPERIMENTER,
        StatsReply::AgedFlows(_) => return Err(no_aged_flows()),
        StatsReply::Unknown { stats_type, .. } => *stats_type,
    })
}

fn no_aged_flows() -> Unsupported {
    unsupported("`aged_flows`: the ages of flow entries are only in 1.0")
}

fn encode_list<T>(
    list: &[T],
    encode: impl Fn(&T, &mut BytesMut) -> Result<(), Unsupported>,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    list.iter().try_for_each(|record| encode(record, buffer))
}
