//! Statistics requests and replies (OF 1.0.2 §5.3.5, `ofp_stats_request` and `ofp_stats_reply`).

use bytes::BytesMut;

use super::consts::stats as codes;
use super::flow::{check_out_group, encode_duration, lower_out_port, raise_out_port};
use super::{action, extension, pattern, port, put_text, put_vendor, queue, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::outbound::FlowFilter;
use crate::model::{
    Description, FlowFlags, FlowRule, FlowStats, FromSwitch, PortStats, StatsReply, StatsRequest,
    TableStats,
};
use crate::types::{Cookie, TableId};
use crate::wire::records;
use crate::wire::{Put, Reader, pad, patch_length};

/// OF 1.0.2 §5.3.5, `ofp_stats_request`, which has no flags.
pub(super) fn decode_request(reader: &mut Reader) -> Result<StatsRequest, DecodeError> {
    let stats_type = reader.u16("type")?;
    reader.skip("flags", 2)?;
    Ok(match stats_type {
        codes::DESC => StatsRequest::Description,
        codes::FLOW | codes::AGGREGATE => {
            let body = reader.clone().rest();
            let filter = decode_filter(reader)?;
            match stats_type {
                // Of the emergency flows, which the model has no word for.
                _ if filter.table.0 == codes::EMERGENCY_TABLE => {
                    StatsRequest::Unknown { stats_type, body }
                }
                codes::FLOW => StatsRequest::Flows(filter),
                _ => StatsRequest::Aggregate(filter),
            }
        }
        codes::TABLE => StatsRequest::Tables,
        codes::PORT => {
            let number = reader.u16("port_no")?;
            reader.skip("pad", 6)?;
            StatsRequest::Ports(port::raise(number))
        }
        codes::QUEUE => StatsRequest::Queues(queue::decode_filter(reader)?),
        codes::VENDOR => match extension::decode_request(reader)? {
            Some(request) => request,
            None => StatsRequest::Experimenter {
                experimenter: reader.u32("vendor")?,
                exp_type: 0,
                body: reader.rest(),
            },
        },
        _ => StatsRequest::Unknown {
            stats_type,
            body: reader.rest(),
        },
    })
}

fn decode_filter(reader: &mut Reader) -> Result<FlowFilter, DecodeError> {
    let pattern = pattern::decode(reader)?;
    let table = TableId(reader.u8("table_id")?);
    reader.skip("pad", 1)?;
    Ok(FlowFilter {
        table,
        out_port: raise_out_port(reader.u16("out_port")?),
        out_group: None,
        cookie: Cookie(0),
        cookie_mask: 0,
        pattern,
    })
}

pub(super) fn decode_reply(reader: &mut Reader) -> Result<FromSwitch, DecodeError> {
    let stats_type = reader.u16("type")?;
    let more = reader.u16("flags")? & codes::REPLY_MORE != 0;
    let body = match stats_type {
        codes::DESC => StatsReply::Description(records::decode_description(reader)?),
        codes::FLOW => StatsReply::Flows(reader.list(decode_flow)?),
        codes::AGGREGATE => StatsReply::Aggregate(records::decode_aggregate(reader)?),
        codes::TABLE => StatsReply::Tables(reader.list(decode_table)?),
        codes::PORT => StatsReply::Ports(reader.list(decode_port)?),
        codes::QUEUE => StatsReply::Queues(reader.list(queue::decode_stats)?),
        codes::VENDOR => match extension::decode_reply(reader)? {
            Some(reply) => reply,
            None => StatsReply::Experimenter {
                experimenter: reader.u32("vendor")?,
                exp_type: 0,
                body: reader.rest(),
            },
        },
        _ => StatsReply::Unknown {
            stats_type,
            body: reader.rest(),
        },
    };
    Ok(FromSwitch::Stats { more, body })
}

/// OF 1.0.2 §5.3.5, `ofp_flow_stats`. It says nothing of flags.
fn decode_flow(reader: &mut Reader) -> Result<FlowStats, DecodeError> {
    let start = reader.offset();
    let length = usize::from(reader.u16("length")?);
    let after_length = length.wrapping_sub(2);
    if length < codes::FLOW_LENGTH || !length.is_multiple_of(8) || after_length > reader.left() {
        return Err(reader.error_at(start, "length", Problem::Length(length)));
    }
    let mut entry = reader.sub("flow_stats", after_length)?;
    let table = TableId(entry.u8("table_id")?);
    entry.skip("pad", 1)?;
    let pattern = pattern::decode(&mut entry)?;
    let duration_ns = records::decode_duration(&mut entry)?;
    let priority = entry.u16("priority")?;
    let idle_timeout = entry.u16("idle_timeout")?;
    let hard_timeout = entry.u16("hard_timeout")?;
    entry.skip("pad2", 6)?;
    let cookie = Cookie(entry.u64("cookie")?);
    let packets = entry.u64("packet_count")?;
    let bytes = entry.u64("byte_count")?;
    let instructions = action::decode_instructions(entry, &pattern)?;
    Ok(FlowStats {
        rule: FlowRule {
            table,
            priority,
            pattern,
            cookie,
            instructions,
            idle_timeout,
            hard_timeout,
            flags: FlowFlags::NONE,
        },
        duration_ns,
        packets,
        bytes,
    })
}

fn decode_table(reader: &mut Reader) -> Result<TableStats, DecodeError> {
    let table = reader.u8("table_id")?;
    reader.skip("pad", 3)?;
    Ok(TableStats {
        table,
        name: Some(reader.text("name", codes::TABLE_NAME_LENGTH)?),
        wildcards: Some(reader.u32("wildcards")?),
        max_entries: Some(reader.u32("max_entries")?),
        active: reader.u32("active_count")?,
        lookups: reader.u64("lookup_count")?,
        matched: reader.u64("matched_count")?,
    })
}

fn decode_port(reader: &mut Reader) -> Result<PortStats, DecodeError> {
    let number = reader.u16("port_no")?;
    reader.skip("pad", 6)?;
    records::decode_port_counters(reader, port::raise(number))
}

pub(super) fn encode_request(
    request: &StatsRequest,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    match request {
        StatsRequest::Description => put_head(codes::DESC, 0, buffer),
        StatsRequest::Flows(filter) => {
            put_head(codes::FLOW, 0, buffer);
            encode_filter(filter, buffer)?;
        }
        StatsRequest::Aggregate(filter) => {
            put_head(codes::AGGREGATE, 0, buffer);
            encode_filter(filter, buffer)?;
        }
        StatsRequest::Tables => put_head(codes::TABLE, 0, buffer),
        StatsRequest::Ports(number) => {
            put_head(codes::PORT, 0, buffer);
            buffer.put_u16(port::lower(*number)?);
            pad(buffer, 6);
        }
        StatsRequest::Queues(filter) => {
            put_head(codes::QUEUE, 0, buffer);
            queue::encode_filter(filter, buffer)?;
        }
        StatsRequest::AgedFlows(_) => return extension::encode_request(request, buffer),
        StatsRequest::Experimenter {
            experimenter,
            exp_type,
            body,
        } => {
            put_head(codes::VENDOR, 0, buffer);
            put_vendor(*experimenter, *exp_type, body, buffer)?;
        }
        StatsRequest::Unknown { stats_type, body } => {
            if !is_of_emergency_flows(*stats_type, body) {
                check_unknown(*stats_type)?;
            }
            put_head(*stats_type, 0, buffer);
            buffer.put_slice(body);
        }
        StatsRequest::PortDescription => {
            return Err(unsupported(
                "a request for port descriptions: its features reply lists the ports",
            ));
        }
        StatsRequest::Groups(_) | StatsRequest::GroupDescription | StatsRequest::GroupFeatures => {
            return Err(unsupported("a request about groups"));
        }
        StatsRequest::Meters(_) | StatsRequest::MeterConfig(_) | StatsRequest::MeterFeatures => {
            return Err(unsupported("a request about meters"));
        }
        StatsRequest::TableFeatures(_) => {
            return Err(unsupported("a request about the features of tables"));
        }
        StatsRequest::FlowMonitor(_) => return Err(unsupported("flow monitors")),
    }
    Ok(())
}

/// Whether the body of a request is one that [`decode_request`] keeps as bytes though its type is known.
fn is_of_emergency_flows(stats_type: u16, body: &[u8]) -> bool {
    matches!(stats_type, codes::FLOW | codes::AGGREGATE)
        && body.get(codes::TABLE_OFFSET) == Some(&codes::EMERGENCY_TABLE)
}

fn encode_filter(filter: &FlowFilter, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    if filter.cookie_mask != 0 || filter.cookie != Cookie(0) {
        return Err(unsupported(
            "cookie_mask: it reports flow entries whatever their cookie",
        ));
    }
    check_out_group(filter.out_group)?;
    if filter.table.0 == codes::EMERGENCY_TABLE {
        return Err(unsupported(
            "table 254: there that number asks for the emergency flow cache",
        ));
    }
    pattern::encode(&filter.pattern, buffer)?;
    buffer.put_u8(filter.table.0);
    pad(buffer, 1);
    buffer.put_u16(lower_out_port(filter.out_port)?);
    Ok(())
}

pub(super) fn encode_reply(
    more: bool,
    body: &StatsReply,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let flags = if more { codes::REPLY_MORE } else { 0 };
    match body {
        StatsReply::Description(description) => {
            put_head(codes::DESC, flags, buffer);
            encode_description(description, buffer)?;
        }
        StatsReply::Flows(flows) => {
            put_head(codes::FLOW, flags, buffer);
            flows
                .iter()
                .try_for_each(|flow| encode_flow(flow, buffer))?;
        }
        StatsReply::Aggregate(aggregate) => {
            put_head(codes::AGGREGATE, flags, buffer);
            records::encode_aggregate(aggregate, buffer);
        }
        StatsReply::Tables(tables) => {
            put_head(codes::TABLE, flags, buffer);
            tables
                .iter()
                .try_for_each(|table| encode_table(table, buffer))?;
        }
        StatsReply::Ports(ports) => {
            put_head(codes::PORT, flags, buffer);
            ports
                .iter()
                .try_for_each(|port| encode_port(port, buffer))?;
        }
        StatsReply::Queues(queues) => {
            put_head(codes::QUEUE, flags, buffer);
            queues
                .iter()
                .try_for_each(|stats| queue::encode_stats(stats, buffer))?;
        }
        StatsReply::Experimenter {
            experimenter,
            exp_type,
            body,
        } => {
            put_head(codes::VENDOR, flags, buffer);
            put_vendor(*experimenter, *exp_type, body, buffer)?;
        }
        StatsReply::AgedFlows(_) => return extension::encode_reply(more, body, buffer),
        StatsReply::Unknown { stats_type, body } => {
            check_unknown(*stats_type)?;
            put_head(*stats_type, flags, buffer);
            buffer.put_slice(body);
        }
        StatsReply::PortDescription(_) => {
            return Err(unsupported(
                "port descriptions: its features reply lists the ports",
            ));
        }
        StatsReply::Groups(_) | StatsReply::GroupDescription(_) | StatsReply::GroupFeatures(_) => {
            return Err(unsupported("a report about groups"));
        }
        StatsReply::Meters(_) | StatsReply::MeterConfig(_) | StatsReply::MeterFeatures(_) => {
            return Err(unsupported("a report about meters"));
        }
        StatsReply::TableFeatures(_) => {
            return Err(unsupported("a report about the features of tables"));
        }
        StatsReply::FlowMonitor(_) => return Err(unsupported("flow monitors")),
    }
    Ok(())
}

/// A number that means something in 1.0 was unknown elsewhere, with another meaning.
fn check_unknown(stats_type: u16) -> Result<(), Unsupported> {
    if stats_type <= codes::QUEUE || stats_type == codes::VENDOR {
        return Err(unsupported(format!(
            "unknown statistics of type {stats_type}"
        )));
    }
    Ok(())
}

fn put_head(stats_type: u16, flags: u16, buffer: &mut BytesMut) {
    buffer.put_u16(stats_type);
    buffer.put_u16(flags);
}

/// OF 1.0.2 §5.3.5, `ofp_desc_stats`.
fn encode_description(description: &Description, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    for (what, text, size) in [
        (
            "manufacturer",
            &description.manufacturer,
            codes::DESCRIPTION_LENGTH,
        ),
        ("hardware", &description.hardware, codes::DESCRIPTION_LENGTH),
        ("software", &description.software, codes::DESCRIPTION_LENGTH),
        ("serial number", &description.serial, codes::SERIAL_LENGTH),
        ("datapath", &description.datapath, codes::DESCRIPTION_LENGTH),
    ] {
        put_text(what, text, size, buffer)?;
    }
    Ok(())
}

/// OF 1.0.2 §5.3.5, `ofp_flow_stats`.
fn encode_flow(flow: &FlowStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    let rule = &flow.rule;
    if rule.flags != FlowFlags::NONE {
        return Err(unsupported(format!(
            "the flow flags {:#06x} in a report",
            rule.flags.0
        )));
    }
    buffer.put_u16(0);
    buffer.put_u8(rule.table.0);
    pad(buffer, 1);
    pattern::encode(&rule.pattern, buffer)?;
    encode_duration(flow.duration_ns, buffer)?;
    buffer.put_u16(rule.priority);
    buffer.put_u16(rule.idle_timeout);
    buffer.put_u16(rule.hard_timeout);
    pad(buffer, 6);
    buffer.put_u64(rule.cookie.0);
    buffer.put_u64(flow.packets);
    buffer.put_u64(flow.bytes);
    action::encode_instructions(&rule.instructions, &rule.pattern, buffer)?;
    patch_length(buffer, start, 0);
    Ok(())
}

/// What is not known of the name, the wildcards and the capacity is written as nothing.
fn encode_table(table: &TableStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    buffer.put_u8(table.table);
    pad(buffer, 3);
    let name = table.name.as_deref().unwrap_or_default();
    put_text("table name", name, codes::TABLE_NAME_LENGTH, buffer)?;
    buffer.put_u32(table.wildcards.unwrap_or_default());
    buffer.put_u32(table.max_entries.unwrap_or_default());
    buffer.put_u32(table.active);
    buffer.put_u64(table.lookups);
    buffer.put_u64(table.matched);
    Ok(())
}

/// OF 1.0.2 §5.3.5, `ofp_port_stats`.
fn encode_port(stats: &PortStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    if stats.duration_ns.is_some() {
        return Err(unsupported("how long a port has been there"));
    }
    buffer.put_u16(port::lower(stats.port)?);
    pad(buffer, 6);
    records::encode_port_counters(stats, buffer);
    Ok(())
}
