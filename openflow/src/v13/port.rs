//! Ports and PORT_STATUS (OF 1.3.5 §7.2.1, §7.4.3).

use bytes::{BufMut, BytesMut};

use super::consts::*;
use crate::error::DecodeError;
use crate::model::{Port, PortStatus};
use crate::types::PortNo;
use crate::wire::records::{self, with_bit};
use crate::wire::{Reader, pad, put_text};

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
        config,
        state,
        features: [
            reader.u32("curr")?,
            reader.u32("advertised")?,
            reader.u32("supported")?,
            reader.u32("peer")?,
        ],
        current_speed: reader.u32("curr_speed")?,
        max_speed: reader.u32("max_speed")?,
    })
}

/// OF 1.3.5 §7.4.3, ofp_port_status.
pub(super) fn encode_status(status: &PortStatus, buffer: &mut BytesMut) {
    records::encode_port_reason(status.reason, buffer);
    encode(&status.port, buffer);
}

/// OF 1.3.5 §7.2.1, ofp_port. What `admin_down` and `link_down` say goes before `config` and `state`.
pub(super) fn encode(port: &Port, buffer: &mut BytesMut) {
    buffer.put_u32(port.number.0);
    pad(buffer, 4);
    buffer.put_slice(&port.mac.0);
    pad(buffer, 2);
    put_text(buffer, &port.name, PORT_NAME_LENGTH);
    buffer.put_u32(with_bit(port.config, OFPPC_PORT_DOWN, port.admin_down));
    buffer.put_u32(with_bit(port.state, OFPPS_LINK_DOWN, port.link_down));
    for features in port.features {
        buffer.put_u32(features);
    }
    buffer.put_u32(port.current_speed);
    buffer.put_u32(port.max_speed);
}
