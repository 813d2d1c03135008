//! FEATURES_REPLY (OF 1.0.2 §5.3.1, `ofp_switch_features`).

use bytes::BytesMut;

use super::bits::CAPABILITIES;
use super::consts::{action_type, port as port_consts};
use super::{port, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::Features;
use crate::types::DatapathId;
use crate::wire::{Put, Reader, pad};

pub(super) fn decode_features(reader: &mut Reader) -> Result<Features, DecodeError> {
    let datapath_id = DatapathId(reader.u64("datapath_id")?);
    let buffers = reader.u32("n_buffers")?;
    let tables = reader.u8("n_tables")?;
    reader.skip("pad", 3)?;
    let capabilities = CAPABILITIES.raise(reader.u32("capabilities")?);
    let actions = reader.u32("actions")?;
    if !reader.left().is_multiple_of(port_consts::LENGTH) {
        return Err(reader.error("ports", Problem::Length(reader.left())));
    }
    let mut ports = Vec::with_capacity(reader.left() / port_consts::LENGTH);
    while !reader.is_empty() {
        ports.push(port::decode(reader)?);
    }
    Ok(Features {
        datapath_id,
        buffers,
        tables,
        auxiliary_id: 0,
        capabilities,
        actions: Some(actions),
        ports: Some(ports),
    })
}

/// Where nothing is said of the actions, every one of the specification is claimed.
pub(super) fn encode_features(
    features: &Features,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    if features.auxiliary_id != 0 {
        return Err(unsupported(format!(
            "the auxiliary connection {}: each switch has one connection",
            features.auxiliary_id
        )));
    }
    buffer.put_u64(features.datapath_id.0);
    buffer.put_u32(features.buffers);
    buffer.put_u8(features.tables);
    pad(buffer, 3);
    buffer.put_u32(CAPABILITIES.lower(features.capabilities)?);
    buffer.put_u32(features.actions.unwrap_or(action_type::ALL_BITS));
    for description in features.ports.iter().flatten() {
        port::encode(description, buffer)?;
    }
    Ok(())
}
