//! Ports: PORT_STATUS, PORT_MOD and their counters (OF 1.3.5 §7.2.1, §7.4.3, §7.3.4.3, §7.3.5.6).

use bytes::BytesMut;

use super::consts::*;
use super::flow;
use super::record::low_bits;
use crate::error::{DecodeError, Unsupported};
use crate::model::{Port, PortMod, PortStats, PortStatus};
use crate::types::PortNo;
use crate::wire::records::{self, with_bit};
use crate::wire::{Put, Reader, pad, put_text};

/// OF 1.3.5 §7.4.3, ofp_port_status.
pub(super) fn decode_status(body: &mut Reader) -> Result<PortStatus, DecodeError> {
    Ok(PortStatus {
        reason: records::decode_port_reason(body)?,
        port: decode(body)?,
    })
}

/// OF 1.3.5 §7.2.1, ofp_port.
pub(super) fn decode(reader: &mut Reader) -> Result<Port, DecodeError> {
    let number = PortNo(reader.u32("port_no")?);
    reader.skip("pad", 4)?;
    let mac = reader.mac("hw_addr")?;
    reader.skip("pad2", 2)?;
    let name = reader.text("name", PORT_NAME_LENGTH)?;
    let config = reader.u32("config")?;
    let state = reader.u32("state")?;
    Ok(Port {
        number,
        mac,
        name,
        admin_down: config & OFPPC_PORT_DOWN != 0,
        link_down: state & OFPPS_LINK_DOWN != 0,
        config: config.into(),
        state: state.into(),
        features: [
            reader.u32("curr")?.into(),
            reader.u32("advertised")?.into(),
            reader.u32("supported")?.into(),
            reader.u32("peer")?.into(),
        ],
        current_speed: reader.u32("curr_speed")?,
        max_speed: reader.u32("max_speed")?,
    })
}

/// OF 1.3.5 §7.3.4.3, ofp_port_mod.
pub(super) fn decode_mod(body: &mut Reader) -> Result<PortMod, DecodeError> {
    let port = PortNo(body.u32("port_no")?);
    body.skip("pad", 4)?;
    let mac = body.mac("hw_addr")?;
    body.skip("pad2", 2)?;
    let change = PortMod {
        port,
        mac,
        config: body.u32("config")?.into(),
        mask: body.u32("mask")?.into(),
        advertise: body.u32("advertise")?.into(),
    };
    body.skip("pad3", 4)?;
    Ok(change)
}

/// OF 1.3.5 §7.3.5.6, ofp_port_stats_request.
pub(super) fn decode_request(body: &mut Reader) -> Result<PortNo, DecodeError> {
    let port = PortNo(body.u32("port_no")?);
    body.skip("pad", 4)?;
    Ok(port)
}

/// OF 1.3.5 §7.3.5.6, ofp_port_stats.
pub(super) fn decode_stats(body: &mut Reader) -> Result<PortStats, DecodeError> {
    let port = PortNo(body.u32("port_no")?);
    body.skip("pad", 4)?;
    let counters = records::decode_port_counters(body, port)?;
    Ok(PortStats {
        duration_ns: flow::decode_known_duration(body)?,
        ..counters
    })
}

/// OF 1.3.5 §7.4.3, ofp_port_status.
pub(super) fn encode_status(status: &PortStatus, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    records::encode_port_reason(status.reason, buffer);
    encode(&status.port, buffer)
}

/// OF 1.3.5 §7.2.1, ofp_port. What `admin_down` and `link_down` say goes before `config` and `state`.
pub(super) fn encode(port: &Port, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let config = low_bits(port.config, "the port configuration")?;
    let state = low_bits(port.state, "the port state")?;
    buffer.put_u32(port.number.0);
    pad(buffer, 4);
    buffer.put_slice(&port.mac.0);
    pad(buffer, 2);
    put_text(buffer, &port.name, PORT_NAME_LENGTH);
    buffer.put_u32(with_bit(config, OFPPC_PORT_DOWN, port.admin_down));
    buffer.put_u32(with_bit(state, OFPPS_LINK_DOWN, port.link_down));
    for features in port.features {
        buffer.put_u32(low_bits(features, "the port features")?);
    }
    buffer.put_u32(port.current_speed);
    buffer.put_u32(port.max_speed);
    Ok(())
}

/// OF 1.3.5 §7.3.4.3, ofp_port_mod.
pub(super) fn encode_mod(change: &PortMod, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    buffer.put_u32(change.port.0);
    pad(buffer, 4);
    buffer.put_slice(&change.mac.0);
    pad(buffer, 2);
    buffer.put_u32(low_bits(change.config, "the port configuration")?);
    buffer.put_u32(low_bits(change.mask, "the mask of a port configuration")?);
    buffer.put_u32(low_bits(change.advertise, "the port features")?);
    pad(buffer, 4);
    Ok(())
}

/// OF 1.3.5 §7.3.5.6, ofp_port_stats_request.
pub(super) fn encode_request(port: PortNo, buffer: &mut BytesMut) {
    buffer.put_u32(port.0);
    pad(buffer, 4);
}

/// OF 1.3.5 §7.3.5.6, ofp_port_stats.
pub(super) fn encode_stats(stats: &PortStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    buffer.put_u32(stats.port.0);
    pad(buffer, 4);
    records::encode_port_counters(stats, buffer);
    flow::encode_known_duration(stats.duration_ns, buffer)
}
