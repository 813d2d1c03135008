//! Structures that carry their own length: reading no further than it says, and writing one that is true.

use bytes::BytesMut;

use super::unsupported;
use crate::error::{DecodeError, Problem, Unsupported};
use crate::wire::{Put, Reader};

/// Where a structure's length stands, and which lengths it may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// The length's name.
    pub(super) field: &'static str,
    /// Bytes of the structure before its length.
    pub(super) before: usize,
    /// The length of the structure without what may follow its fixed fields, in bytes. At least that of what ends
    /// with the length itself.
    pub(super) least: usize,
    /// What follows has a multiple of so many bytes.
    pub(super) step: usize,
}

impl Extent {
    /// Reads the length, and gives what follows it within the structure.
    pub(super) fn decode<'a>(self, reader: &mut Reader<'a>) -> Result<Reader<'a>, DecodeError> {
        let at = reader.offset();
        let length = usize::from(reader.u16(self.field)?);
        let read = self.before + 2;
        let fits = length >= self.least.max(read)
            && (length - self.least).is_multiple_of(self.step)
            && length - read <= reader.left();
        if !fits {
            return Err(reader.error_at(at, self.field, Problem::Length(length)));
        }
        reader.sub(self.field, length - read)
    }
}

/// Fills in the length of a structure that began at `start` and ends here, at `offset` within it.
pub(super) fn put_length(
    buffer: &mut BytesMut,
    start: usize,
    offset: usize,
    what: &str,
) -> Result<(), Unsupported> {
    let length = buffer.len() - start;
    let wire_length = wire_length(length, what)?;
    let at = start + offset;
    buffer[at..at + 2].copy_from_slice(&wire_length.to_be_bytes());
    Ok(())
}

/// The length of `what`, if it fits into its field.
pub(super) fn wire_length(length: usize, what: &str) -> Result<u16, Unsupported> {
    u16::try_from(length).map_err(|_| unsupported(format!("{what} of {length} bytes")))
}

/// The bytes of the type and length that begin an action or instruction.
const RECORD_HEADER: usize = 4;

/// Reads the type and length that begin every action and every instruction, and gives its type and
/// what follows (OF 1.3.5 §7.2.4 and §7.2.5: their lengths are multiples of 8).
pub(super) fn decode_record<'a>(
    reader: &mut Reader<'a>,
    field: &'static str,
) -> Result<(u16, Reader<'a>), DecodeError> {
    let record_type = reader.u16(field)?;
    let body = Extent {
        field,
        before: 2,
        least: 8,
        step: 8,
    };
    Ok((record_type, body.decode(reader)?))
}

/// Appends an action or instruction that is kept as bytes: `head` and `body` follow type and length.
pub(super) fn encode_record(
    record_type: u16,
    head: &[u8],
    body: &[u8],
    what: &str,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let length = RECORD_HEADER + head.len() + body.len();
    if !length.is_multiple_of(8) {
        return Err(unsupported(format!("{what} of {length} bytes")));
    }
    buffer.put_u16(record_type);
    buffer.put_u16(wire_length(length, what)?);
    buffer.put_slice(head);
    buffer.put_slice(body);
    Ok(())
}

/// The low 32 bits of what the model numbers as 1.3 does; the others are those that only 1.0 defines.
pub(super) fn low_bits(bits: u64, what: &str) -> Result<u32, Unsupported> {
    u32::try_from(bits).map_err(|_| {
        unsupported(format!(
            "{what} {bits:#x}: those above the lowest 32 are only of 1.0"
        ))
    })
}
