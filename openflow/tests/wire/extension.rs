//! What experimenters added and Open vSwitch speaks: bundles and flow monitors on 1.3, Nicira's messages on 1.0.

mod bundle;
mod captured;
mod hostile;
mod monitor;
mod nicira;
mod nxm;
mod ovs;
mod round_trip;

use bytes::Bytes;
use godwit_openflow::types::{Version, Xid};

use crate::common::{Message, Wire, hex, unhex};

const V10: Wire = Wire {
    version: Version::V10,
    xid: Xid(0x0102_0304),
    vectors: "v10",
};

const V13: Wire = Wire {
    version: Version::V13,
    xid: Xid(0x0a0b_0c0d),
    vectors: "v13",
};

/// A frame of these hex digits, between which spaces may stand, with its length filled in.
fn frame(digits: &str) -> Bytes {
    let digits: String = digits.split_whitespace().collect();
    let mut bytes = bytes::BytesMut::from(&unhex(&digits)[..]);
    let length = u16::try_from(bytes.len()).expect("a frame's size");
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes.freeze()
}

/// The message is written as these digits after the header, and they are read as the message.
fn check_both_ways<M: Message>(wire: Wire, message: &M, body: &str) {
    let body: String = body.split_whitespace().collect();
    let bytes = wire.encode(message).expect("expressible");
    assert_eq!(hex(&bytes[8..]), body, "{message:?}");
    assert_eq!(M::decode(bytes).as_ref(), Ok(message));
}

/// The field and the offset that are at fault.
fn fault<M: Message>(bytes: Bytes) -> (&'static str, usize) {
    let error = M::decode(bytes).expect_err("bytes that are wrong");
    (error.field, error.offset)
}
