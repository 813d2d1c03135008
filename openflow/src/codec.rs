//! Frames: cutting a byte stream by the length in each header, and joining frame and model.

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::Decoder;

use crate::error::{DecodeError, FrameError, Problem, Unsupported};
use crate::model::{BundleFlags, FromSwitch, ToSwitch};
use crate::types::{BundleId, Version, Xid};
use crate::wire::HEADER_LENGTH;
use crate::{hello, v10, v13};

/// One whole message as bytes: at least a header, and exactly as long as the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    bytes: Bytes,
}

impl Frame {
    /// Takes the bytes of one message.
    ///
    /// # Errors
    /// When the header's length is below 8 or not the number of bytes.
    pub fn new(bytes: Bytes) -> Result<Self, FrameError> {
        let length = match bytes.get(2..4) {
            Some(&[high, low]) => u16::from_be_bytes([high, low]),
            _ => return Err(FrameError::Truncated),
        };
        if usize::from(length) < HEADER_LENGTH {
            return Err(FrameError::TooShort { length });
        }
        if usize::from(length) != bytes.len() {
            return Err(FrameError::Truncated);
        }
        Ok(Self { bytes })
    }

    /// The version byte.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.bytes[0]
    }

    /// The type byte.
    #[must_use]
    pub fn message_type(&self) -> u8 {
        self.bytes[1]
    }

    /// The transaction id.
    #[must_use]
    pub fn xid(&self) -> Xid {
        Xid(u32::from_be_bytes([
            self.bytes[4],
            self.bytes[5],
            self.bytes[6],
            self.bytes[7],
        ]))
    }

    /// The message, header included.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Reads the message as one from a switch. A HELLO is read whatever its version.
    ///
    /// # Errors
    /// When the bytes are not what their version and type say.
    pub fn from_switch(&self) -> Result<FromSwitch, DecodeError> {
        match Version::from_wire(self.version()) {
            _ if self.message_type() == hello::MESSAGE_TYPE => {
                hello::decode(&self.bytes).map(|hello| FromSwitch::Hello {
                    bitmap: hello.bitmap,
                    elements: hello.elements,
                    header_version: self.version(),
                })
            }
            Some(Version::V10) => v10::decode_from_switch(&self.bytes),
            Some(Version::V13) => v13::decode_from_switch(&self.bytes),
            None => Err(self.unspoken()),
        }
    }

    /// Reads the message as one to a switch. A HELLO is read whatever its version.
    ///
    /// # Errors
    /// When the bytes are not what their version and type say.
    pub fn to_switch(&self) -> Result<ToSwitch, DecodeError> {
        match Version::from_wire(self.version()) {
            _ if self.message_type() == hello::MESSAGE_TYPE => {
                hello::decode(&self.bytes).map(|hello| ToSwitch::Hello {
                    bitmap: hello.bitmap,
                    elements: hello.elements,
                })
            }
            Some(Version::V10) => v10::decode_to_switch(&self.bytes),
            Some(Version::V13) => v13::decode_to_switch(&self.bytes),
            None => Err(self.unspoken()),
        }
    }

    fn unspoken(&self) -> DecodeError {
        DecodeError {
            version: self.version(),
            message_type: self.message_type(),
            field: "version",
            offset: 0,
            problem: Problem::Version,
        }
    }
}

/// Appends `message`, for a switch, in `version`. On an error the buffer is as it was.
///
/// # Errors
/// When the version can't express the message, or it is larger than 65,535 bytes.
pub fn encode_to_switch(
    version: Version,
    xid: Xid,
    message: &ToSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    whole(version, buffer, |buffer| match version {
        Version::V10 => v10::encode_to_switch(xid, message, buffer),
        Version::V13 => v13::encode_to_switch(xid, message, buffer),
    })
}

/// Appends `message` as one that is added to a bundle (ONF EXT-230, `onf_bundle_add_msg`): the bytes of a
/// [`BundleAdd`](crate::model::BundleAdd) without properties, of a message that stays the caller's. On an error the
/// buffer is as it was.
///
/// # Errors
/// In 1.0, which has no bundles; when the version can't express the message, it is itself about bundles, or it is
/// larger than 65,535 bytes.
pub fn encode_into_bundle(
    version: Version,
    xid: Xid,
    bundle: BundleId,
    flags: BundleFlags,
    message: &ToSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    whole(version, buffer, |buffer| match version {
        Version::V10 => Err(Unsupported::new(version, "bundles")),
        Version::V13 => v13::encode_into_bundle(xid, bundle, flags, message, buffer),
    })
}

/// Appends `message`, for a controller, in `version`. On an error the buffer is as it was.
///
/// # Errors
/// When the version can't express the message, or it is larger than 65,535 bytes.
pub fn encode_from_switch(
    version: Version,
    xid: Xid,
    message: &FromSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    whole(version, buffer, |buffer| match version {
        Version::V10 => v10::encode_from_switch(xid, message, buffer),
        Version::V13 => v13::encode_from_switch(xid, message, buffer),
    })
}

fn whole(
    version: Version,
    buffer: &mut BytesMut,
    encode: impl FnOnce(&mut BytesMut) -> Result<(), Unsupported>,
) -> Result<(), Unsupported> {
    let start = buffer.len();
    let result = encode(buffer).and_then(|()| {
        if buffer.len() - start > usize::from(u16::MAX) {
            Err(Unsupported::new(
                version,
                "a message of more than 65,535 bytes",
            ))
        } else {
            Ok(())
        }
    });
    if result.is_err() {
        buffer.truncate(start);
    }
    result
}

/// Cuts frames from a byte stream; nothing else. The header's 16-bit length caps what is buffered.
#[derive(Debug, Clone, Copy, Default)]
pub struct FrameCodec;

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = FrameError;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        if source.len() < HEADER_LENGTH {
            return Ok(None);
        }
        let length = u16::from_be_bytes([source[2], source[3]]);
        let needed = usize::from(length);
        if needed < HEADER_LENGTH {
            return Err(FrameError::TooShort { length });
        }
        if source.remaining() < needed {
            source.reserve(needed - source.remaining());
            return Ok(None);
        }
        Ok(Some(Frame {
            bytes: source.split_to(needed).freeze(),
        }))
    }

    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        match self.decode(source)? {
            Some(frame) => Ok(Some(frame)),
            None if source.is_empty() => Ok(None),
            None => Err(FrameError::Truncated),
        }
    }
}
