//! Bundles: messages that a switch keeps until it is told to put all of them in force (ONF EXT-230).

use bytes::BytesMut;

use super::super::consts::{OFPT_EXPERIMENTER, VERSION};
use super::super::unsupported;
use super::{ONF, exp_type};
use crate::codec::{self, Frame};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{BundleAdd, BundleControl, BundleFlags, BundleStep, ToSwitch};
use crate::types::{BundleId, Version, Xid};
use crate::wire::{HEADER_LENGTH, Put, Reader, pad};

/// ONF EXT-230, `onf_bundle_ctrl_type`.
mod ctrl_type {
    pub(super) const OPEN_REQUEST: u16 = 0;
    pub(super) const OPEN_REPLY: u16 = 1;
    pub(super) const CLOSE_REQUEST: u16 = 2;
    pub(super) const CLOSE_REPLY: u16 = 3;
    pub(super) const COMMIT_REQUEST: u16 = 4;
    pub(super) const COMMIT_REPLY: u16 = 5;
    pub(super) const DISCARD_REQUEST: u16 = 6;
    pub(super) const DISCARD_REPLY: u16 = 7;
}

/// How deep bundles nest: one is not put into another.
const DEPTH: usize = 1;

/// ONF EXT-230, onf_bundle_ctrl_msg.
pub(super) fn decode_control(body: &mut Reader) -> Result<BundleControl, DecodeError> {
    Ok(BundleControl {
        bundle: BundleId(body.u32("bundle_id")?),
        step: match body.u16("type")? {
            ctrl_type::OPEN_REQUEST => BundleStep::OpenRequest,
            ctrl_type::OPEN_REPLY => BundleStep::OpenReply,
            ctrl_type::CLOSE_REQUEST => BundleStep::CloseRequest,
            ctrl_type::CLOSE_REPLY => BundleStep::CloseReply,
            ctrl_type::COMMIT_REQUEST => BundleStep::CommitRequest,
            ctrl_type::COMMIT_REPLY => BundleStep::CommitReply,
            ctrl_type::DISCARD_REQUEST => BundleStep::DiscardRequest,
            ctrl_type::DISCARD_REPLY => BundleStep::DiscardReply,
            other => BundleStep::Unknown(other),
        },
        flags: BundleFlags(body.u16("flags")?),
        properties: body.rest(),
    })
}

/// ONF EXT-230, onf_bundle_ctrl_msg.
pub(super) fn encode_control(control: &BundleControl, buffer: &mut BytesMut) {
    buffer.put_u32(control.bundle.0);
    buffer.put_u16(match control.step {
        BundleStep::OpenRequest => ctrl_type::OPEN_REQUEST,
        BundleStep::OpenReply => ctrl_type::OPEN_REPLY,
        BundleStep::CloseRequest => ctrl_type::CLOSE_REQUEST,
        BundleStep::CloseReply => ctrl_type::CLOSE_REPLY,
        BundleStep::CommitRequest => ctrl_type::COMMIT_REQUEST,
        BundleStep::CommitReply => ctrl_type::COMMIT_REPLY,
        BundleStep::DiscardRequest => ctrl_type::DISCARD_REQUEST,
        BundleStep::DiscardReply => ctrl_type::DISCARD_REPLY,
        BundleStep::Unknown(other) => other,
    });
    buffer.put_u16(control.flags.0);
    buffer.put_slice(&control.properties);
}

/// ONF EXT-230, onf_bundle_add_msg: a whole message, and behind it properties, if there are any, on a multiple of 8 bytes.
pub(super) fn decode_add(body: &mut Reader) -> Result<BundleAdd, DecodeError> {
    let bundle = BundleId(body.u32("bundle_id")?);
    body.skip("pad", 2)?;
    let flags = BundleFlags(body.u16("flags")?);
    let at = body.offset();
    let inner = cut_message(body)?;
    let xid = inner.xid();
    let length = inner.bytes().len();
    // The offsets in the error of a message count from its own beginning.
    let message = inner
        .to_switch()
        .map_err(|error| body.error_at(at + error.offset, error.field, error.problem))?;
    if !body.is_empty() {
        body.skip("pad", length.next_multiple_of(8) - length)?;
    }
    Ok(BundleAdd {
        bundle,
        flags,
        xid,
        message: Box::new(message),
        properties: body.rest(),
    })
}

/// The message in a bundle: of this version, and itself not about bundles, so that nothing nests.
fn cut_message(body: &mut Reader) -> Result<Frame, DecodeError> {
    let at = body.offset();
    let mut header = body.clone();
    let version = header.u8("message.version")?;
    if version != VERSION {
        return Err(body.error("message.version", Problem::Version));
    }
    header.skip("message.type", 1)?;
    let length = usize::from(header.u16("message.length")?);
    if length < HEADER_LENGTH || length > body.left() {
        return Err(body.error_at(at + 2, "message.length", Problem::Length(length)));
    }
    let bytes = body.bytes("message", length)?;
    if is_about_bundles(&bytes) {
        return Err(body.error_at(at, "message", Problem::TooMany(DEPTH)));
    }
    Frame::new(bytes).map_err(|_| body.error_at(at + 2, "message.length", Problem::Length(length)))
}

fn is_about_bundles(message: &[u8]) -> bool {
    let number = |at: usize| {
        message
            .get(at..)
            .and_then(|bytes| bytes.first_chunk().copied())
            .map(u32::from_be_bytes)
    };
    let exp_type = number(HEADER_LENGTH + 4);
    message.get(1) == Some(&OFPT_EXPERIMENTER)
        && number(HEADER_LENGTH) == Some(ONF)
        && (exp_type == Some(exp_type::BUNDLE_CONTROL)
            || exp_type == Some(exp_type::BUNDLE_ADD_MESSAGE))
}

/// ONF EXT-230, onf_bundle_add_msg.
pub(super) fn encode_add(add: &BundleAdd, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let length = encode_added(add.bundle, add.flags, add.xid, &add.message, buffer)?;
    if !add.properties.is_empty() {
        pad(buffer, length.next_multiple_of(8) - length);
        buffer.put_slice(&add.properties);
    }
    Ok(())
}

/// ONF EXT-230, onf_bundle_add_msg without properties. Gives the length of the message in it.
pub(in super::super) fn encode_added(
    bundle: BundleId,
    flags: BundleFlags,
    xid: Xid,
    message: &ToSwitch,
    buffer: &mut BytesMut,
) -> Result<usize, Unsupported> {
    let nests = || unsupported("a message about bundles in a bundle");
    buffer.put_u32(bundle.0);
    pad(buffer, 2);
    buffer.put_u16(flags.0);
    if matches!(message, ToSwitch::BundleControl(_) | ToSwitch::BundleAdd(_)) {
        return Err(nests());
    }
    let start = buffer.len();
    codec::encode_to_switch(Version::V13, xid, message, buffer)?;
    // One kept as bytes would be refused when it is read.
    if is_about_bundles(&buffer[start..]) {
        return Err(nests());
    }
    Ok(buffer.len() - start)
}
