//! Ports: their numbers (OF 1.0.2 §5.2.1, `ofp_port`), their descriptions (`ofp_phy_port`) and PORT_STATUS
//! (§5.4.3, `ofp_port_status`).

use bytes::{BufMut, BytesMut};

use super::consts::port;
use super::unsupported;
use crate::error::{DecodeError, Unsupported};
use crate::model::{Port, PortStatus};
use crate::types::PortNo;
use crate::wire::records::{self, with_bit};
use crate::wire::{Reader, put_text};

/// The 32-bit number of a 16-bit one: reserved numbers become 1.3's, `OFPP_NONE` becomes ANY. Numbers that
/// 1.0 gives no meaning (0xff01 to 0xfff7) stay as they are.
pub(super) const fn raise(number: u16) -> PortNo {
    if number >= port::FIRST_RESERVED {
        PortNo(number as u32 | 0xffff_0000)
    } else {
        PortNo(number as u32)
    }
}

/// The 16-bit number of a 32-bit one.
pub(super) fn lower(number: PortNo) -> Result<u16, Unsupported> {
    match u16::try_from(number.0) {
        Ok(physical) if physical <= port::MAX => Ok(physical),
        _ if number >= PortNo::IN_PORT => Ok((number.0 & 0xffff) as u16),
        _ => Err(unsupported(format!(
            "port {number}: its port numbers end at {}",
            port::MAX
        ))),
    }
}

pub(super) fn decode(reader: &mut Reader) -> Result<Port, DecodeError> {
    let number = raise(reader.u16("port_no")?);
    let mac = reader.mac("hw_addr")?;
    let name = reader.text("name", port::NAME_LENGTH)?;
    let config = reader.u32("config")?;
    let state = reader.u32("state")?;
    Ok(Port {
        number,
        mac,
        name,
        admin_down: config & port::CONFIG_DOWN != 0,
        link_down: state & port::STATE_LINK_DOWN != 0,
        config,
        state,
        features: [
            reader.u32("curr")?,
            reader.u32("advertised")?,
            reader.u32("supported")?,
            reader.u32("peer")?,
        ],
        current_speed: 0,
        max_speed: 0,
    })
}

pub(super) fn decode_status(reader: &mut Reader) -> Result<PortStatus, DecodeError> {
    Ok(PortStatus {
        reason: records::decode_port_reason(reader)?,
        port: decode(reader)?,
    })
}

/// The bits of `config` and `state` that say "down" are those of `admin_down` and `link_down`. Leaves out
/// the speeds.
pub(super) fn encode(description: &Port, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    buffer.put_u16(lower(description.number)?);
    buffer.put_slice(&description.mac.0);
    put_text(buffer, &description.name, port::NAME_LENGTH);
    buffer.put_u32(with_bit(
        description.config,
        port::CONFIG_DOWN,
        description.admin_down,
    ));
    buffer.put_u32(with_bit(
        description.state,
        port::STATE_LINK_DOWN,
        description.link_down,
    ));
    for bits in description.features {
        buffer.put_u32(bits);
    }
    Ok(())
}

pub(super) fn encode_status(status: &PortStatus, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    records::encode_port_reason(status.reason, buffer);
    encode(&status.port, buffer)
}
