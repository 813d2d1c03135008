//! What must hold of any bytes at all: one set of checks for the fuzzers (`fuzz/`) and for the tests that run without one.
//!
//! Each check panics when a law is broken; that is how a fuzzer and a test hear of it.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken law is said by a panic"
)]

mod network;

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use godwit_openflow::types::{Version, Xid};
use godwit_openflow::{DecodeError, Frame, FrameCodec, Unsupported, codec};
use tokio_util::codec::Decoder;

pub use network::{lldp, packet};

/// Runs some work and says how many bytes of memory it asked for in all, given back or not.
pub type Measure = fn(&mut dyn FnMut()) -> u64;

/// How many bytes of memory may be asked for to read `length` bytes.
///
/// A list in memory is larger than on the wire, where an action takes 8 bytes, and a list that grows asks for twice its
/// size on the way.
#[must_use]
pub const fn allocation_limit(length: usize) -> u64 {
    4096 + 64 * length as u64
}

/// The bytes as one message of `version`, whatever they say of their version and length.
///
/// In both directions: they can be read or are refused, without a panic and without much memory; and what was read is
/// written as bytes from which the same is read. Bytes that were written so are canonical: they are written the same
/// again.
pub fn message(version: Version, data: &[u8], measure: Measure) {
    if let Some(frame) = framed(version, data) {
        check_frame(&frame, measure);
    }
}

/// The bytes with a header that is true of them; none if they are less than a header.
fn framed(version: Version, data: &[u8]) -> Option<Frame> {
    let data = &data[..data.len().min(usize::from(u16::MAX))];
    let mut bytes = BytesMut::from(data);
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    *bytes.get_mut(0)? = version.wire();
    bytes.get_mut(2..4)?.copy_from_slice(&length.to_be_bytes());
    Frame::new(bytes.freeze()).ok()
}

fn check_frame(frame: &Frame, measure: Measure) {
    check_allocations(frame, measure);
    let Some(version) = Version::from_wire(frame.version()) else {
        return;
    };
    check_round_trip(frame, Frame::from_switch, |message, buffer| {
        codec::encode_from_switch(version, frame.xid(), message, buffer)
    });
    check_round_trip(frame, Frame::to_switch, |message, buffer| {
        codec::encode_to_switch(version, frame.xid(), message, buffer)
    });
}

fn check_allocations(frame: &Frame, measure: Measure) {
    let length = frame.bytes().len();
    let limit = allocation_limit(length);
    let asked = [
        measure(&mut || drop(frame.from_switch())),
        measure(&mut || drop(frame.to_switch())),
    ];
    assert!(
        asked.into_iter().all(|asked| asked <= limit),
        "{asked:?} bytes of memory for a message of {length}: {:02x?}",
        frame.bytes(),
    );
}

fn check_round_trip<T: Debug + PartialEq>(
    frame: &Frame,
    decode: impl Fn(&Frame) -> Result<T, DecodeError>,
    encode: impl Fn(&T, &mut BytesMut) -> Result<(), Unsupported>,
) {
    let read = match decode(frame) {
        Ok(read) => read,
        Err(error) => {
            assert!(error.offset <= frame.bytes().len(), "{error}");
            return;
        }
    };
    let Some(written) = write(&read, &encode) else {
        return;
    };
    let again = decode(&Frame::new(written.clone()).unwrap());
    assert_eq!(again.as_ref(), Ok(&read), "written as {written:02x?}");
    assert_eq!(write(&read, &encode), Some(written));
}

/// `None` for the one thing that is read and refused when it is to be written: SCTP's ports in 1.0. Some switches compare
/// them and others don't, so that a rule with them may match more than it says.
fn write<T: Debug>(
    message: &T,
    encode: impl Fn(&T, &mut BytesMut) -> Result<(), Unsupported>,
) -> Option<Bytes> {
    let mut buffer = BytesMut::new();
    match encode(message, &mut buffer) {
        Ok(()) => Some(buffer.freeze()),
        Err(error) if error.version == Version::V10 && error.what.contains("sctp_") => None,
        Err(error) => panic!("what was read is not written: {error}: {message:?}"),
    }
}

/// Messages that this library wrote: the very bytes are written again.
pub fn canonical(version: Version, bytes: &[u8]) {
    let frame = Frame::new(Bytes::copy_from_slice(bytes)).unwrap();
    let again = |result: Result<Option<Bytes>, DecodeError>| {
        result.is_ok_and(|again| again.is_some_and(|again| again == bytes))
    };
    let up = frame.from_switch().map(|read| {
        write(&read, |message, buffer| {
            codec::encode_from_switch(version, frame.xid(), message, buffer)
        })
    });
    let down = frame.to_switch().map(|read| {
        write(&read, |message, buffer| {
            codec::encode_to_switch(version, frame.xid(), message, buffer)
        })
    });
    assert!(
        again(up) || again(down),
        "neither direction writes {bytes:02x?} again"
    );
}

/// The bytes as a stream of messages.
///
/// They are cut where the headers say, whether they come at once or in two pieces; the frames are all of the stream up
/// to where it ends or goes wrong; and each of them is as [`message`] says.
pub fn frames(data: &[u8], measure: Measure) {
    let whole = cut(&[data]);
    let middle = data
        .first()
        .map_or(0, |&byte| usize::from(byte) % data.len());
    let (front, back) = data.split_at(middle);
    assert_eq!(cut(&[front, back]), whole);
    let joined: Vec<u8> = whole
        .iter()
        .flat_map(|frame| frame.bytes().to_vec())
        .collect();
    assert!(data.starts_with(&joined));
    for frame in &whole {
        check_frame(frame, measure);
    }
}

fn cut(pieces: &[&[u8]]) -> Vec<Frame> {
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Ok(Some(frame)) = FrameCodec.decode(&mut buffer) {
            let xid: Xid = frame.xid();
            assert_eq!(xid.0.to_be_bytes(), frame.bytes()[4..8]);
            frames.push(frame);
        }
    }
    frames
}
