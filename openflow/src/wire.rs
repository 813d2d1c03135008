//! Reading and writing the bytes of one message: a cursor that knows where it is, so that every
//! error names its field and offset, and writers that fill in lengths afterwards.

pub(crate) mod records;

use bytes::{BufMut, Bytes, BytesMut};
use nom::IResult;
use nom::bytes::complete::take;
use nom::number::complete::{be_u8, be_u16, be_u32, be_u64};

use crate::error::{DecodeError, Problem};
use crate::types::MacAddr;

/// The size of `ofp_header` (OF 1.3.5 §7.1).
pub(crate) const HEADER_LENGTH: usize = 8;

/// A cursor over a part of one message. Slices that it hands out share the message's memory.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    message: Bytes,
    at: usize,
    end: usize,
}

impl Reader {
    /// Over everything after the header of a whole message. A frame is never shorter than its header.
    pub(crate) fn body(message: Bytes) -> Self {
        let end = message.len();
        Self {
            message,
            at: HEADER_LENGTH.min(end),
            end,
        }
    }

    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    pub(crate) const fn left(&self) -> usize {
        self.end - self.at
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.left() == 0
    }

    pub(crate) fn error(&self, field: &'static str, problem: Problem) -> DecodeError {
        self.error_at(self.at, field, problem)
    }

    /// An error about a field that began at `offset`.
    pub(crate) fn error_at(
        &self,
        offset: usize,
        field: &'static str,
        problem: Problem,
    ) -> DecodeError {
        DecodeError {
            version: self.message.first().copied().unwrap_or_default(),
            message_type: self.message.get(1).copied().unwrap_or_default(),
            field,
            offset,
            problem,
        }
    }

    fn unread(&self) -> &[u8] {
        &self.message[self.at..self.end]
    }

    /// Steps over the `size` bytes of a value that was read from them, or says that they were not there.
    fn step<T>(
        &mut self,
        field: &'static str,
        size: usize,
        value: Option<T>,
    ) -> Result<T, DecodeError> {
        match value {
            Some(value) => {
                self.at += size;
                Ok(value)
            }
            None => Err(self.error(
                field,
                Problem::Truncated {
                    needed: size,
                    left: self.left(),
                },
            )),
        }
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.step(field, 1, value(be_u8(self.unread())))
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.step(field, 2, value(be_u16(self.unread())))
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.step(field, 4, value(be_u32(self.unread())))
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.step(field, 8, value(be_u64(self.unread())))
    }

    /// A number of `size` bytes, at most 16; of more, the last 16 count.
    pub(crate) fn number(&mut self, field: &'static str, size: usize) -> Result<u128, DecodeError> {
        let read = value(take(size)(self.unread())).map(|bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |number, &byte| number << 8 | u128::from(byte))
        });
        self.step(field, size, read)
    }

    pub(crate) fn mac(&mut self, field: &'static str) -> Result<MacAddr, DecodeError> {
        let octets = self.unread().first_chunk().copied();
        self.step(field, 6, octets.map(MacAddr))
    }

    /// The next `length` bytes, sharing the message's memory.
    pub(crate) fn bytes(
        &mut self,
        field: &'static str,
        length: usize,
    ) -> Result<Bytes, DecodeError> {
        let start = self.at;
        self.skip(field, length)?;
        Ok(self.message.slice(start..self.at))
    }

    /// Steps over padding, whose value means nothing.
    pub(crate) fn skip(&mut self, field: &'static str, length: usize) -> Result<(), DecodeError> {
        let skipped = value(take(length)(self.unread())).map(|_| ());
        self.step(field, length, skipped)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> Bytes {
        let rest = self.message.slice(self.at..self.end);
        self.at = self.end;
        rest
    }

    /// A cursor over the next `length` bytes, which this one steps over.
    pub(crate) fn sub(&mut self, field: &'static str, length: usize) -> Result<Self, DecodeError> {
        let start = self.at;
        self.skip(field, length)?;
        Ok(Self {
            message: self.message.clone(),
            at: start,
            end: self.at,
        })
    }

    /// A text in a field of fixed size, padded with zeros; bytes that are not UTF-8 are replaced.
    pub(crate) fn text(
        &mut self,
        field: &'static str,
        length: usize,
    ) -> Result<String, DecodeError> {
        let text = value(take(length)(self.unread())).map(|bytes: &[u8]| {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(length);
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        });
        self.step(field, length, text)
    }

    /// As many records as there are; `read` takes at least one byte or fails, so this ends.
    pub(crate) fn list<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut records = Vec::new();
        while !self.is_empty() {
            records.push(read(self)?);
        }
        Ok(records)
    }

    /// Checks that nothing is left: a structure of fixed size must not be longer than it is.
    pub(crate) fn finish(&self, field: &'static str) -> Result<(), DecodeError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.error(field, Problem::Length(self.left())))
        }
    }
}

/// What a parser read, without what it left.
fn value<T>(result: IResult<&[u8], T, ()>) -> Option<T> {
    result.ok().map(|(_, value)| value)
}

/// Appends `count` zero bytes.
pub(crate) fn pad(buffer: &mut BytesMut, count: usize) {
    buffer.put_bytes(0, count);
}

/// Appends zeros until what was written since `start` is a multiple of 8 bytes.
pub(crate) fn pad_to_8(buffer: &mut BytesMut, start: usize) {
    let length = buffer.len() - start;
    pad(buffer, length.next_multiple_of(8) - length);
}

/// Appends a text in a field of `size` bytes, cut at a character's end to leave a zero, padded with zeros.
pub(crate) fn put_text(buffer: &mut BytesMut, text: &str, size: usize) {
    let limit = text.len().min(size.saturating_sub(1));
    let end = (0..=limit)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    buffer.put_slice(&text.as_bytes()[..end]);
    pad(buffer, size - end);
}

/// Writes the bytes between `start` and the end as a length at `start + offset`.
///
/// What is written is bounded by 64 KiB before it comes here; a length beyond that saturates, and the
/// receiver refuses the message.
pub(crate) fn patch_length(buffer: &mut BytesMut, start: usize, offset: usize) {
    let length = u16::try_from(buffer.len() - start).unwrap_or(u16::MAX);
    let at = start + offset;
    buffer[at..at + 2].copy_from_slice(&length.to_be_bytes());
}
