//! HELLO (OF 1.0.2 §5.5.1; its elements are OF 1.3.5 §7.5.1), FEATURES_REPLY (OF 1.0.2 §5.3.1,
//! `ofp_switch_features`) and the switch's configuration (§5.3.2, `ofp_switch_config`).

use bytes::{BufMut, Bytes, BytesMut};

use super::consts::{action_type, hello, port as port_consts};
use super::port;
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{Features, SwitchConfig};
use crate::types::DatapathId;
use crate::wire::{Reader, pad, pad_to_8, patch_length};

/// The versions of the bitmap in `message`, all of which `reader` steps over: it may follow a 1.0 header too.
pub(super) fn decode_hello(
    message: &Bytes,
    reader: &mut Reader,
) -> Result<Option<Vec<u8>>, DecodeError> {
    reader.rest();
    crate::v13::decode_hello(message)
}

pub(super) fn decode_features(reader: &mut Reader) -> Result<Features, DecodeError> {
    let datapath_id = DatapathId(reader.u64("datapath_id")?);
    let buffers = reader.u32("n_buffers")?;
    let tables = reader.u8("n_tables")?;
    reader.skip("pad", 3)?;
    let capabilities = reader.u32("capabilities")?;
    reader.skip("actions", 4)?;
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
        ports: Some(ports),
    })
}

pub(super) fn decode_config(reader: &mut Reader) -> Result<SwitchConfig, DecodeError> {
    Ok(SwitchConfig {
        flags: reader.u16("flags")?,
        miss_send_len: reader.u16("miss_send_len")?,
    })
}

/// The version bitmap where there is one: 32 versions a word, the lowest in the lowest bit. Its padding is
/// not part of its length.
pub(super) fn encode_hello(bitmap: Option<&[u8]>, buffer: &mut BytesMut) {
    let Some(versions) = bitmap else { return };
    let mut words = [0_u32; 8];
    for &version in versions {
        words[usize::from(version / 32)] |= 1 << (version % 32);
    }
    let count = 1 + words.iter().rposition(|&word| word != 0).unwrap_or(0);
    let start = buffer.len();
    buffer.put_u16(hello::VERSION_BITMAP);
    buffer.put_u16(0);
    words[..count].iter().for_each(|&word| buffer.put_u32(word));
    patch_length(buffer, start, 2);
    pad_to_8(buffer, start);
}

/// Claims every action of the specification, since the model doesn't keep which ones a switch has. Leaves
/// out the auxiliary id.
pub(super) fn encode_features(
    features: &Features,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    buffer.put_u64(features.datapath_id.0);
    buffer.put_u32(features.buffers);
    buffer.put_u8(features.tables);
    pad(buffer, 3);
    buffer.put_u32(features.capabilities);
    buffer.put_u32(action_type::ALL_BITS);
    for description in features.ports.iter().flatten() {
        port::encode(description, buffer)?;
    }
    Ok(())
}

pub(super) fn encode_config(config: SwitchConfig, buffer: &mut BytesMut) {
    buffer.put_u16(config.flags);
    buffer.put_u16(config.miss_send_len);
}
