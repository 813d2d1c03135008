//! HELLO, FEATURES, GET_CONFIG and SET_CONFIG, EXPERIMENTER (OF 1.3.5 §7.3.1, §7.3.2, §7.5).

use bytes::{BufMut, Bytes, BytesMut};

use super::consts::{OFPHET_VERSIONBITMAP, VERSION};
use super::unsupported;
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{Features, SwitchConfig};
use crate::types::DatapathId;
use crate::wire::{Reader, pad, pad_to_8, patch_length};

/// The bytes of type and length that begin a HELLO's element.
const ELEMENT_HEADER: usize = 4;

/// OF 1.3.5 §7.5.1, ofp_hello: the wire numbers of its version bitmap, lowest first.
///
/// Elements that are not known are skipped, as they must be. Under a header of another version what
/// follows need not be elements at all and is not ours to judge: there the first thing that isn't one
/// ends the search instead of failing.
pub(super) fn decode_hello(
    header_version: u8,
    body: &mut Reader,
) -> Result<Option<Vec<u8>>, DecodeError> {
    let mut bitmaps = None;
    while !body.is_empty() {
        match decode_element(body, &mut bitmaps) {
            Ok(()) => {}
            Err(error) if header_version == VERSION => return Err(error),
            Err(_) => {
                body.rest();
            }
        }
    }
    Ok(bitmaps.map(|bitmaps| {
        (0..=u8::MAX)
            .filter(|version| bitmaps[usize::from(version / 32)] & 1 << (version % 32) != 0)
            .collect()
    }))
}

/// One bit for each number that a version byte can hold.
type Bitmaps = [u32; 8];

/// OF 1.3.5 §7.5.1, ofp_hello_elem_header: its length leaves out the padding to a multiple of 8.
fn decode_element(body: &mut Reader, bitmaps: &mut Option<Bitmaps>) -> Result<(), DecodeError> {
    let element_type = body.u16("elements.type")?;
    let at = body.offset();
    let length = usize::from(body.u16("elements.length")?);
    if length < ELEMENT_HEADER || length - ELEMENT_HEADER > body.left() {
        return Err(body.error_at(at, "elements.length", Problem::Length(length)));
    }
    let mut element = body.sub("elements", length - ELEMENT_HEADER)?;
    body.skip("elements.pad", length.next_multiple_of(8) - length)?;
    if element_type != OFPHET_VERSIONBITMAP {
        return Ok(());
    }
    if !length.is_multiple_of(4) {
        return Err(body.error_at(at, "elements.length", Problem::Length(length)));
    }
    for bitmap in bitmaps.get_or_insert_default() {
        if element.is_empty() {
            break;
        }
        *bitmap |= element.u32("bitmaps")?;
    }
    Ok(())
}

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
        capabilities,
        ports: None,
    })
}

/// OF 1.3.5 §7.3.2, ofp_switch_config.
pub(super) fn decode_config(body: &mut Reader) -> Result<SwitchConfig, DecodeError> {
    Ok(SwitchConfig {
        flags: body.u16("flags")?,
        miss_send_len: body.u16("miss_send_len")?,
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

/// OF 1.3.5 §7.5.1, ofp_hello, with a version bitmap where `versions` is given.
pub(super) fn encode_hello(versions: Option<&[u8]>, buffer: &mut BytesMut) {
    let Some(versions) = versions else {
        return;
    };
    let start = buffer.len();
    buffer.put_u16(OFPHET_VERSIONBITMAP);
    buffer.put_u16(0);
    let mut bitmaps = Bitmaps::default();
    for version in versions {
        bitmaps[usize::from(version / 32)] |= 1 << (version % 32);
    }
    let used = bitmaps
        .iter()
        .rposition(|&bits| bits != 0)
        .map_or(0, |last| last + 1);
    for bits in &bitmaps[..used] {
        buffer.put_u32(*bits);
    }
    patch_length(buffer, start, 2);
    pad_to_8(buffer, start);
}

/// OF 1.3.5 §7.3.1, ofp_switch_features.
pub(super) fn encode_features(
    features: &Features,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    if features.ports.is_some() {
        return Err(unsupported("ports in a features reply"));
    }
    buffer.put_u64(features.datapath_id.0);
    buffer.put_u32(features.buffers);
    buffer.put_u8(features.tables);
    buffer.put_u8(features.auxiliary_id);
    pad(buffer, 2);
    buffer.put_u32(features.capabilities);
    buffer.put_u32(0);
    Ok(())
}

/// OF 1.3.5 §7.3.2, ofp_switch_config.
pub(super) fn encode_config(config: &SwitchConfig, buffer: &mut BytesMut) {
    buffer.put_u16(config.flags);
    buffer.put_u16(config.miss_send_len);
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
