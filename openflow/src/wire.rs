//! Reading and writing the bytes of one message: a cursor that knows where it is, so that every
//! error names its field and offset, and writers that fill in lengths afterwards.

pub(crate) mod records;
pub(crate) mod tlv;

use bytes::{Bytes, BytesMut};
use nom::IResult;
use nom::bytes::complete::take;

use crate::error::{DecodeError, Problem};
use crate::types::MacAddr;

/// The size of `ofp_header` (OF 1.3.5 §7.1).
pub(crate) const HEADER_LENGTH: usize = 8;

/// A cursor over a part of one message. Slices that it hands out share the message's memory; cursors over parts of
/// the part only borrow it, so that they cost nothing.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    message: &'a Bytes,
    at: usize,
    unread: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Over everything after the header of a whole message. A frame is never shorter than its header.
    pub(crate) fn body(message: &'a Bytes) -> Self {
        let at = HEADER_LENGTH.min(message.len());
        Self {
            message,
            at,
            unread: &message[at..],
        }
    }

    /// Where in the message it stands, in bytes.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    pub(crate) const fn left(&self) -> usize {
        self.unread.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.unread.is_empty()
    }

    /// A look at what is left, without reading it.
    pub(crate) const fn unread(&self) -> &'a [u8] {
        self.unread
    }

    pub(crate) fn error(&self, field: &'static str, problem: Problem) -> DecodeError {
        self.error_at(self.at, field, problem)
    }

    /// An error about a field that began at `offset`.
    #[cold]
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

    #[cold]
    fn truncated(&self, field: &'static str, needed: usize) -> DecodeError {
        let left = self.left();
        self.error(field, Problem::Truncated { needed, left })
    }

    /// The next `size` bytes.
    #[inline]
    fn take(&mut self, field: &'static str, size: usize) -> Result<&'a [u8], DecodeError> {
        let taken: IResult<_, _, ()> = take(size)(self.unread);
        match taken {
            Ok((rest, taken)) => {
                self.at += size;
                self.unread = rest;
                Ok(taken)
            }
            Err(_) => Err(self.truncated(field, size)),
        }
    }

    /// The next `N` bytes; as `take`, for the numbers that most of a message consists of.
    #[inline]
    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        match self.unread.split_first_chunk() {
            Some((array, rest)) => {
                self.at += N;
                self.unread = rest;
                Ok(*array)
            }
            None => Err(self.truncated(field, N)),
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array(field).map(u8::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.array(field).map(u64::from_be_bytes)
    }

    /// A number of `size` bytes, at most 16; of more, the last 16 count.
    pub(crate) fn number(&mut self, field: &'static str, size: usize) -> Result<u128, DecodeError> {
        match size {
            1 => self.u8(field).map(u128::from),
            2 => self.u16(field).map(u128::from),
            4 => self.u32(field).map(u128::from),
            6 => self.mac(field).map(|octets| octets.to_u64().into()),
            8 => self.u64(field).map(u128::from),
            16 => self.array(field).map(u128::from_be_bytes),
            _ => Ok(self
                .take(field, size)?
                .iter()
                .fold(0, |number, &byte| number << 8 | u128::from(byte))),
        }
    }

    #[inline]
    pub(crate) fn mac(&mut self, field: &'static str) -> Result<MacAddr, DecodeError> {
        self.array(field).map(MacAddr)
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
    #[inline]
    pub(crate) fn skip(&mut self, field: &'static str, length: usize) -> Result<(), DecodeError> {
        self.take(field, length).map(|_| ())
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> Bytes {
        let start = self.at;
        self.at += self.unread.len();
        self.unread = &[];
        self.message.slice(start..self.at)
    }

    /// A cursor over the next `length` bytes, which this one steps over.
    #[inline]
    pub(crate) fn sub(&mut self, field: &'static str, length: usize) -> Result<Self, DecodeError> {
        let at = self.at;
        let unread = self.take(field, length)?;
        Ok(Self {
            message: self.message,
            at,
            unread,
        })
    }

    /// A text in a field of fixed size, up to its first zero or its end. Each byte that is not UTF-8 becomes a question
    /// mark, so that the text still fits its field.
    pub(crate) fn text(
        &mut self,
        field: &'static str,
        length: usize,
    ) -> Result<String, DecodeError> {
        let bytes = self.take(field, length)?;
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(length);
        let mut text = String::with_capacity(end);
        for chunk in bytes[..end].utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| '?'));
        }
        Ok(text)
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

/// Appends numbers, highest byte first.
///
/// The same as `bytes::BufMut`, whose functions for a `BytesMut` are not compiled into their callers in another crate:
/// there each number is a call and a copy of a length that is not known beforehand.
pub(crate) trait Put {
    fn put_slice(&mut self, bytes: &[u8]);

    fn put_bytes(&mut self, byte: u8, count: usize);

    #[inline]
    fn put_u8(&mut self, number: u8) {
        self.put_slice(&[number]);
    }

    #[inline]
    fn put_u16(&mut self, number: u16) {
        self.put_slice(&number.to_be_bytes());
    }

    #[inline]
    fn put_u32(&mut self, number: u32) {
        self.put_slice(&number.to_be_bytes());
    }

    #[inline]
    fn put_u64(&mut self, number: u64) {
        self.put_slice(&number.to_be_bytes());
    }
}

impl Put for BytesMut {
    #[inline]
    fn put_slice(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn put_bytes(&mut self, byte: u8, count: usize) {
        match count {
            1 => self.put_slice(&[byte]),
            2 => self.put_slice(&[byte; 2]),
            4 => self.put_slice(&[byte; 4]),
            6 => self.put_slice(&[byte; 6]),
            _ => self.resize(self.len() + count, byte),
        }
    }
}

/// Appends `count` zero bytes.
#[inline]
pub(crate) fn pad(buffer: &mut BytesMut, count: usize) {
    buffer.put_bytes(0, count);
}

/// Appends zeros until what was written since `start` is a multiple of 8 bytes.
pub(crate) fn pad_to_8(buffer: &mut BytesMut, start: usize) {
    let length = buffer.len() - start;
    pad(buffer, length.next_multiple_of(8) - length);
}

/// Appends a text in a field of `size` bytes, padded with zeros. It may fill its field: then there is no zero at its
/// end. A longer one is cut at a character's end.
pub(crate) fn put_text(buffer: &mut BytesMut, text: &str, size: usize) {
    let text = &text.as_bytes()[..text.floor_char_boundary(size)];
    buffer.put_slice(text);
    pad(buffer, size - text.len());
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
