//! Ports: their numbers (OF 1.0.2 §5.2.1, `ofp_port`), their descriptions (`ofp_phy_port`), PORT_STATUS (§5.4.3,
//! `ofp_port_status`) and PORT_MOD (§5.3.3, `ofp_port_mod`).

use bytes::BytesMut;

use super::bits::{PORT_CONFIG, PORT_FEATURES, PORT_STATE};
use super::consts::port;
use super::{put_text, unsupported};
use crate::error::{DecodeError, Unsupported};
use crate::model::bits::{port_config, port_state};
use crate::model::{Port, PortMod, PortStatus};
use crate::types::PortNo;
use crate::wire::records;
use crate::wire::{Put, Reader, pad};

/// The 32-bit number of a 16-bit one. What lies beyond `OFPP_MAX` becomes 1.3's with the same low bits: the reserved
/// numbers theirs, `OFPP_NONE` ANY, and numbers that neither version gives a meaning (0xff01 to 0xfff7) others such.
#[inline]
pub(super) const fn raise(number: u16) -> PortNo {
    if number > port::MAX {
        PortNo(number as u32 | 0xffff_0000)
    } else {
        PortNo(number as u32)
    }
}

/// The 16-bit number of a 32-bit one.
pub(super) fn lower(number: PortNo) -> Result<u16, Unsupported> {
    match u16::try_from(number.0) {
        Ok(physical) if physical <= port::MAX => Ok(physical),
        _ if number > PortNo::MAX => Ok((number.0 & 0xffff) as u16),
        _ => Err(unsupported(format!(
            "port {number}: its port numbers end at {}",
            port::MAX
        ))),
    }
}

/// OF 1.0.2 §5.2.1, `ofp_phy_port`.
pub(super) fn decode(reader: &mut Reader) -> Result<Port, DecodeError> {
    let number = raise(reader.u16("port_no")?);
    let mac = reader.mac("hw_addr")?;
    let name = reader.text("name", port::NAME_LENGTH)?;
    let config = PORT_CONFIG.raise(reader.u32("config")?);
    let state = PORT_STATE.raise(reader.u32("state")?);
    let mut features = |field| Ok(PORT_FEATURES.raise(reader.u32(field)?));
    Ok(Port {
        number,
        mac,
        name,
        admin_down: config & port_config::PORT_DOWN != 0,
        link_down: state & port_state::LINK_DOWN != 0,
        config,
        state,
        features: [
            features("curr")?,
            features("advertised")?,
            features("supported")?,
            features("peer")?,
        ],
        current_speed: 0,
        max_speed: 0,
    })
}

/// OF 1.0.2 §5.4.3, `ofp_port_status`.
pub(super) fn decode_status(reader: &mut Reader) -> Result<PortStatus, DecodeError> {
    Ok(PortStatus {
        reason: records::decode_port_reason(reader)?,
        port: decode(reader)?,
    })
}

/// OF 1.0.2 §5.3.3, `ofp_port_mod`.
pub(super) fn decode_mod(reader: &mut Reader) -> Result<PortMod, DecodeError> {
    let port_mod = PortMod {
        port: raise(reader.u16("port_no")?),
        mac: reader.mac("hw_addr")?,
        config: PORT_CONFIG.raise(reader.u32("config")?),
        mask: PORT_CONFIG.raise(reader.u32("mask")?),
        advertise: PORT_FEATURES.raise(reader.u32("advertise")?),
    };
    reader.skip("pad", 4)?;
    Ok(port_mod)
}

/// OF 1.0.2 §5.2.1, `ofp_phy_port`. The bits of `config` and `state` that say "down" are those of `admin_down` and
/// `link_down`.
pub(super) fn encode(description: &Port, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    if description.current_speed != 0 || description.max_speed != 0 {
        return Err(unsupported(
            "the speeds of a port: it only has bits for some of them",
        ));
    }
    buffer.put_u16(lower(description.number)?);
    buffer.put_slice(&description.mac.0);
    put_text("port name", &description.name, port::NAME_LENGTH, buffer)?;
    let config = with_bit(
        description.config,
        port_config::PORT_DOWN,
        description.admin_down,
    );
    let state = with_bit(
        description.state,
        port_state::LINK_DOWN,
        description.link_down,
    );
    buffer.put_u32(PORT_CONFIG.lower(config)?);
    buffer.put_u32(PORT_STATE.lower(state)?);
    for bits in description.features {
        buffer.put_u32(PORT_FEATURES.lower(bits)?);
    }
    Ok(())
}

/// `bits`, in which `bit` says `set`.
const fn with_bit(bits: u64, bit: u64, set: bool) -> u64 {
    if set { bits | bit } else { bits & !bit }
}

/// OF 1.0.2 §5.4.3, `ofp_port_status`.
pub(super) fn encode_status(status: &PortStatus, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    records::encode_port_reason(status.reason, buffer);
    encode(&status.port, buffer)
}

/// OF 1.0.2 §5.3.3, `ofp_port_mod`.
pub(super) fn encode_mod(port_mod: &PortMod, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    buffer.put_u16(lower(port_mod.port)?);
    buffer.put_slice(&port_mod.mac.0);
    buffer.put_u32(PORT_CONFIG.lower(port_mod.config)?);
    buffer.put_u32(PORT_CONFIG.lower(port_mod.mask)?);
    buffer.put_u32(PORT_FEATURES.lower(port_mod.advertise)?);
    pad(buffer, 4);
    Ok(())
}
