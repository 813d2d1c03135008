//! HELLO, the one message whose type and form every version shares (OF 1.3.5 §7.5.1). Its elements came with
//! 1.3, but may follow a header of any version.

use bytes::{Bytes, BytesMut};

use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::HelloElement;
use crate::types::Version;
use crate::wire::{Put, Reader, pad_to_8};

/// Its number in every version's `ofp_type`.
pub(crate) const MESSAGE_TYPE: u8 = 0;

/// OF 1.3.5 §7.5.1, `ofp_hello_elem_type`: `OFPHET_VERSIONBITMAP`.
const VERSION_BITMAP: u16 = 1;

/// The bytes of type and length that begin an element.
const ELEMENT_HEADER: usize = 4;

/// One bit for each number that a version byte can hold: 32 versions a word, the lowest in the lowest bit.
type Bitmaps = [u32; 8];

/// What a HELLO says beyond its header.
#[derive(Debug, Default)]
pub(crate) struct Hello {
    /// The wire numbers of its version bitmap, lowest first.
    pub(crate) bitmap: Option<Vec<u8>>,
    /// Its other elements, in the order they came.
    pub(crate) elements: Vec<HelloElement>,
}

/// OF 1.3.5 §7.5.1, ofp_hello.
///
/// Under a header of another version than 1.3 what follows need not be elements at all and is not ours to judge:
/// there the first thing that isn't one ends the search instead of failing.
pub(crate) fn decode(message: &Bytes) -> Result<Hello, DecodeError> {
    let header_version = message.first().copied().unwrap_or_default();
    let mut body = Reader::body(message);
    let mut bitmaps: Option<Bitmaps> = None;
    let mut elements = Vec::new();
    while !body.is_empty() {
        match decode_element(&mut body) {
            Ok(Element::Versions(words)) => {
                let all = bitmaps.get_or_insert_default();
                all.iter_mut()
                    .zip(words)
                    .for_each(|(all, word)| *all |= word);
            }
            Ok(Element::Other(element)) => elements.push(element),
            Err(error) if header_version == Version::V13.wire() => return Err(error),
            Err(_) => {
                body.rest();
            }
        }
    }
    let bitmap = bitmaps.map(|bitmaps| {
        (0..=u8::MAX)
            .filter(|version| bitmaps[usize::from(version / 32)] & 1 << (version % 32) != 0)
            .collect()
    });
    Ok(Hello { bitmap, elements })
}

enum Element {
    Versions(Bitmaps),
    Other(HelloElement),
}

/// OF 1.3.5 §7.5.1, ofp_hello_elem_header: its length leaves out the padding to a multiple of 8.
fn decode_element(body: &mut Reader) -> Result<Element, DecodeError> {
    let element_type = body.u16("elements.type")?;
    let at = body.offset();
    let length = usize::from(body.u16("elements.length")?);
    if length < ELEMENT_HEADER || length - ELEMENT_HEADER > body.left() {
        return Err(body.error_at(at, "elements.length", Problem::Length(length)));
    }
    let mut element = body.sub("elements", length - ELEMENT_HEADER)?;
    body.skip("elements.pad", length.next_multiple_of(8) - length)?;
    if element_type != VERSION_BITMAP {
        let body = element.rest();
        return Ok(Element::Other(HelloElement { element_type, body }));
    }
    if !length.is_multiple_of(4) {
        return Err(body.error_at(at, "elements.length", Problem::Length(length)));
    }
    let mut bitmaps = Bitmaps::default();
    for bitmap in &mut bitmaps {
        if element.is_empty() {
            break;
        }
        *bitmap = element.u32("bitmaps")?;
    }
    Ok(Element::Versions(bitmaps))
}

/// Appends the body for a connection of `version`: a version bitmap where `versions` is given, then the other elements.
pub(crate) fn encode(
    version: Version,
    versions: Option<&[u8]>,
    elements: &[HelloElement],
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    if let Some(versions) = versions {
        encode_versions(versions, buffer);
    }
    for element in elements {
        let length = ELEMENT_HEADER + element.body.len();
        let wire_length = u16::try_from(length).map_err(|_| {
            Unsupported::new(version, format!("an element of HELLO of {length} bytes"))
        })?;
        if element.element_type == VERSION_BITMAP {
            return Err(Unsupported::new(
                version,
                "a version bitmap among the other elements of HELLO",
            ));
        }
        let start = buffer.len();
        buffer.put_u16(element.element_type);
        buffer.put_u16(wire_length);
        buffer.put_slice(&element.body);
        pad_to_8(buffer, start);
    }
    Ok(())
}

/// OF 1.3.5 §7.5.1, ofp_hello_elem_versionbitmap.
fn encode_versions(versions: &[u8], buffer: &mut BytesMut) {
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
    // At most 8 words, so this fits.
    buffer.put_u16((ELEMENT_HEADER + 4 * used) as u16);
    bitmaps[..used]
        .iter()
        .for_each(|&bits| buffer.put_u32(bits));
    pad_to_8(buffer, start);
}
