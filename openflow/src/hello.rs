//! HELLO, the one message whose type and form every version shares (OF 1.3.5 §7.5.1). Its elements came with
//! 1.3, but may follow a header of any version.

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, Problem};
use crate::types::Version;
use crate::wire::{Reader, pad_to_8, patch_length};

/// Its number in every version's `ofp_type`.
pub(crate) const MESSAGE_TYPE: u8 = 0;

/// OF 1.3.5 §7.5.1, `ofp_hello_elem_type`: `OFPHET_VERSIONBITMAP`.
const VERSION_BITMAP: u16 = 1;

/// The bytes of type and length that begin an element.
const ELEMENT_HEADER: usize = 4;

/// One bit for each number that a version byte can hold: 32 versions a word, the lowest in the lowest bit.
type Bitmaps = [u32; 8];

/// OF 1.3.5 §7.5.1, ofp_hello: the wire numbers of its version bitmap, lowest first.
///
/// Elements that are not known are skipped, as they must be. Under a header of another version than 1.3 what
/// follows need not be elements at all and is not ours to judge: there the first thing that isn't one
/// ends the search instead of failing.
pub(crate) fn decode(message: &Bytes) -> Result<Option<Vec<u8>>, DecodeError> {
    let header_version = message.first().copied().unwrap_or_default();
    let mut body = Reader::body(message.clone());
    let mut bitmaps = None;
    while !body.is_empty() {
        match decode_element(&mut body, &mut bitmaps) {
            Ok(()) => {}
            Err(error) if header_version == Version::V13.wire() => return Err(error),
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
    if element_type != VERSION_BITMAP {
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

/// Appends the body, with a version bitmap where `versions` is given.
pub(crate) fn encode(versions: Option<&[u8]>, buffer: &mut BytesMut) {
    let Some(versions) = versions else { return };
    let mut bitmaps = Bitmaps::default();
    for version in versions {
        bitmaps[usize::from(version / 32)] |= 1 << (version % 32);
    }
    let used = bitmaps
        .iter()
        .rposition(|&bits| bits != 0)
        .map_or(0, |last| last + 1);
    let start = buffer.len();
    buffer.put_u16(VERSION_BITMAP);
    buffer.put_u16(0);
    bitmaps[..used]
        .iter()
        .for_each(|&bits| buffer.put_u32(bits));
    patch_length(buffer, start, 2);
    pad_to_8(buffer, start);
}
