//! Several controllers on one switch: ROLE and ASYNC (OF 1.3.5 §7.3.9, §7.3.10).

use bytes::BytesMut;

use super::consts::*;
use super::unsupported;
use crate::error::{DecodeError, Unsupported};
use crate::model::{AsyncConfig, Role, RoleMessage};
use crate::wire::{Put, Reader, pad};

/// OF 1.3.5 §7.3.9, ofp_role_request, which is also the reply.
pub(super) fn decode(body: &mut Reader) -> Result<RoleMessage, DecodeError> {
    let role = match body.u32("role")? {
        OFPCR_ROLE_NOCHANGE => Role::NoChange,
        OFPCR_ROLE_EQUAL => Role::Equal,
        OFPCR_ROLE_MASTER => Role::Master,
        OFPCR_ROLE_SLAVE => Role::Slave,
        other => Role::Unknown(other),
    };
    body.skip("pad", 4)?;
    Ok(RoleMessage {
        role,
        generation: Some(body.u64("generation_id")?),
    })
}

/// OF 1.3.5 §7.3.10, ofp_async_config.
pub(super) fn decode_async(body: &mut Reader) -> Result<AsyncConfig, DecodeError> {
    let mut masks = |field| Ok([body.u32(field)?, body.u32(field)?]);
    Ok(AsyncConfig {
        packet_in: masks("packet_in_mask")?,
        port_status: masks("port_status_mask")?,
        flow_removed: masks("flow_removed_mask")?,
    })
}

/// OF 1.3.5 §7.3.9, ofp_role_request, which is also the reply.
pub(super) fn encode(message: &RoleMessage, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let generation = message
        .generation
        .ok_or_else(|| unsupported("a role without a generation"))?;
    buffer.put_u32(match message.role {
        Role::NoChange => OFPCR_ROLE_NOCHANGE,
        Role::Equal => OFPCR_ROLE_EQUAL,
        Role::Master => OFPCR_ROLE_MASTER,
        Role::Slave => OFPCR_ROLE_SLAVE,
        Role::Unknown(other) => other,
    });
    pad(buffer, 4);
    buffer.put_u64(generation);
    Ok(())
}

/// OF 1.3.5 §7.3.10, ofp_async_config.
pub(super) fn encode_async(config: &AsyncConfig, buffer: &mut BytesMut) {
    for masks in [config.packet_in, config.port_status, config.flow_removed] {
        masks.into_iter().for_each(|mask| buffer.put_u32(mask));
    }
}
