//! FEATURES and EXPERIMENTER (OF 1.3.5 §7.3.1, §7.5.5).

use bytes::{Bytes, BytesMut};

use super::record::low_bits;
use super::unsupported;
use crate::error::{DecodeError, Unsupported};
use crate::model::Features;
use crate::types::DatapathId;
use crate::wire::{Put, Reader, pad};

/// OF 1.3.5 §7.3.1, ofp_switch_features.
pub(super) fn decode_features(body: &mut Reader) -> Result<Features, DecodeError> {
    let datapath_id = DatapathId(body.u64("datapath_id")?);
    let buffers = body.u32("n_buffers")?;
    let tables = body.u8("n_tables")?;
    let auxiliary_id = body.u8("auxiliary_id")?;
    body.skip("pad", 2)?;
    let capabilities = body.u32("capabilities")?;
    body.skip("reserved", 4)?;
    Ok(Features {
        datapath_id,
        buffers,
        tables,
        auxiliary_id,
        capabilities: capabilities.into(),
        actions: None,
        ports: None,
    })
}

/// OF 1.3.5 §7.5.5, ofp_experimenter_header: whose, the experimenter's type, the rest.
pub(super) fn decode_experimenter(body: &mut Reader) -> Result<(u32, u32, Bytes), DecodeError> {
    Ok((
        body.u32("experimenter")?,
        body.u32("exp_type")?,
        body.rest(),
    ))
}

/// OF 1.3.5 §7.3.1, ofp_switch_features.
pub(super) fn encode_features(
    features: &Features,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    if features.ports.is_some() {
        return Err(unsupported("ports in a features reply"));
    }
    if features.actions.is_some() {
        return Err(unsupported(
            "the action types of a switch in a features reply",
        ));
    }
    buffer.put_u64(features.datapath_id.0);
    buffer.put_u32(features.buffers);
    buffer.put_u8(features.tables);
    buffer.put_u8(features.auxiliary_id);
    pad(buffer, 2);
    buffer.put_u32(low_bits(features.capabilities, "the capabilities")?);
    buffer.put_u32(0);
    Ok(())
}

/// OF 1.3.5 §7.5.5, ofp_experimenter_header.
pub(super) fn encode_experimenter(
    experimenter: u32,
    exp_type: u32,
    body: &[u8],
    buffer: &mut BytesMut,
) {
    buffer.put_u32(experimenter);
    buffer.put_u32(exp_type);
    buffer.put_slice(body);
}
