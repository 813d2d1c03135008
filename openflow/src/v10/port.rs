//! Ports: their numbers (OF 1.0.2 §5.2.1, `ofp_port`), their descriptions (`ofp_phy_port`) and PORT_STATUS
//! (§5.4.3, `ofp_port_status`).

use bytes::{BufMut, BytesMut};

use super::consts::{port, reason};
use super::unsupported;
use crate::error::{DecodeError, Unsupported};
use crate::model::{Port, PortStatus, PortStatusReason};
use crate::types::PortNo;
use crate::wire::{Reader, pad, put_text};

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
    let reason = match reader.u8("reason")? {
        reason::PORT_ADD => PortStatusReason::Add,
        reason::PORT_DELETE => PortStatusReason::Delete,
        reason::PORT_MODIFY => PortStatusReason::Modify,
        other => PortStatusReason::Unknown(other),
    };
    reader.skip("pad", 7)?;
    Ok(PortStatus {
        reason,
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
    buffer.put_u8(match status.reason {
        PortStatusReason::Add => reason::PORT_ADD,
        PortStatusReason::Delete => reason::PORT_DELETE,
        PortStatusReason::Modify => reason::PORT_MODIFY,
        PortStatusReason::Unknown(other) => other,
    });
    pad(buffer, 7);
    encode(&status.port, buffer)
}

const fn with_bit(bits: u32, bit: u32, set: bool) -> u32 {
    if set { bits | bit } else { bits & !bit }
}
