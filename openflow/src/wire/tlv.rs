//! Writing the TLVs of a match: 1.3's OXM and Nicira's NXM, from which it was made, have the same form
//! (OF 1.3.5 §7.2.3.2): class, number with a bit for the mask, length, value, mask.

use bytes::BytesMut;

use super::Put;
use crate::error::Unsupported;
use crate::model::RawOxm;
use crate::types::Version;

/// Appends a field whose value and mask have `size` bytes each, at most 16; without a mask the value counts whole.
pub(crate) fn put_field(
    class: u16,
    number: u8,
    value: u128,
    mask: Option<u128>,
    size: u8,
    buffer: &mut BytesMut,
) {
    buffer.put_u16(class);
    buffer.put_u8(number << 1 | u8::from(mask.is_some()));
    buffer.put_u8(if mask.is_some() { 2 * size } else { size });
    put_number(buffer, value, size);
    if let Some(mask) = mask {
        put_number(buffer, mask, size);
    }
}

/// Appends a field as it came.
pub(crate) fn put_raw(
    oxm: &RawOxm,
    version: Version,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let size = oxm.payload.len();
    let length = u8::try_from(size)
        .map_err(|_| Unsupported::new(version, format!("a match field of {size} bytes")))?;
    if oxm.field > 0x7f {
        let what = format!("match field number {}", oxm.field);
        return Err(Unsupported::new(version, what));
    }
    buffer.put_u16(oxm.class);
    buffer.put_u8(oxm.field << 1 | u8::from(oxm.has_mask));
    buffer.put_u8(length);
    buffer.put_slice(&oxm.payload);
    Ok(())
}

/// The low `size` bytes of `number`, highest first.
fn put_number(buffer: &mut BytesMut, number: u128, size: u8) {
    let bytes = number.to_be_bytes();
    buffer.put_slice(&bytes[bytes.len() - usize::from(size)..]);
}
