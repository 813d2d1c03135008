//! What Nicira added to 1.0 and Open vSwitch speaks: roles, and flow entries with their ages and with matches that are
//! richer than 1.0's own.
//!
//! Nicira's number begins every body here, followed by the subtype. The names are those of Open vSwitch's
//! `nicira-ext.h`, which is the only specification.

mod flows;
mod nxm;

use bytes::BytesMut;

use super::consts::stats as codes;
use super::unsupported;
use crate::error::{DecodeError, Unsupported};
use crate::model::{FromSwitch, Role, RoleMessage, StatsReply, StatsRequest, ToSwitch};
use crate::wire::records::experimenter_body;
use crate::wire::{Put, Reader, pad};

/// `NX_VENDOR_ID`.
const NICIRA: u32 = 0x0000_2320;

/// The subtypes of messages and, the last one, of statistics.
mod subtype {
    pub(super) const NXT_ROLE_REQUEST: u32 = 10;
    pub(super) const NXT_ROLE_REPLY: u32 = 11;
    pub(super) const NXT_FLOW_AGE: u32 = 18;
    pub(super) const NXST_FLOW: u32 = 0;
}

/// `nx_role`.
mod nx_role {
    pub(super) const OTHER: u32 = 0;
    pub(super) const MASTER: u32 = 1;
    pub(super) const SLAVE: u32 = 2;
}

/// Reads an experimenter's message to a switch, after the header. `None` where it is not one that is known here; then
/// nothing was read.
pub(super) fn decode_to_switch(reader: &mut Reader) -> Result<Option<ToSwitch>, DecodeError> {
    let Some((subtype, mut body)) = experimenter_body(NICIRA, reader) else {
        return Ok(None);
    };
    let message = match subtype {
        subtype::NXT_ROLE_REQUEST => ToSwitch::RoleRequest(decode_role(&mut body)?),
        subtype::NXT_FLOW_AGE => ToSwitch::SetFlowAge,
        _ => return Ok(None),
    };
    *reader = body;
    Ok(Some(message))
}

/// Reads an experimenter's message from a switch, after the header. `None` where it is not one that is known here; then
/// nothing was read.
pub(super) fn decode_from_switch(reader: &mut Reader) -> Result<Option<FromSwitch>, DecodeError> {
    let Some((subtype::NXT_ROLE_REPLY, mut body)) = experimenter_body(NICIRA, reader) else {
        return Ok(None);
    };
    let role = decode_role(&mut body)?;
    *reader = body;
    Ok(Some(FromSwitch::Role(role)))
}

/// Reads an experimenter's statistics request, after the header of the statistics message. `None` where it is not one that is known
/// here; then nothing was read.
pub(super) fn decode_request(reader: &mut Reader) -> Result<Option<StatsRequest>, DecodeError> {
    let Some((subtype::NXST_FLOW, mut body)) = experimenter_body(NICIRA, reader) else {
        return Ok(None);
    };
    body.skip("pad", 4)?;
    let filter = flows::decode_request(&mut body)?;
    *reader = body;
    Ok(Some(StatsRequest::AgedFlows(filter)))
}

/// Reads an experimenter's statistics reply, after the header of the statistics message. `None` where it is not one that is known
/// here; then nothing was read.
pub(super) fn decode_reply(reader: &mut Reader) -> Result<Option<StatsReply>, DecodeError> {
    let Some((subtype::NXST_FLOW, mut body)) = experimenter_body(NICIRA, reader) else {
        return Ok(None);
    };
    body.skip("pad", 4)?;
    let entries = body.list(flows::decode_entry)?;
    *reader = body;
    Ok(Some(StatsReply::AgedFlows(entries)))
}

/// `nx_role_request`.
fn decode_role(body: &mut Reader) -> Result<RoleMessage, DecodeError> {
    Ok(RoleMessage {
        role: match body.u32("role")? {
            nx_role::OTHER => Role::Equal,
            nx_role::MASTER => Role::Master,
            nx_role::SLAVE => Role::Slave,
            other => Role::Unknown(other),
        },
        generation: None,
    })
}

/// Appends the body of [`ToSwitch::RoleRequest`] or [`ToSwitch::SetFlowAge`], after the header of a VENDOR message.
///
/// `NXT_FLOW_AGE` has no body: it can't be taken back.
pub(super) fn encode_to_switch(
    message: &ToSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    match message {
        ToSwitch::RoleRequest(message) => encode_role(subtype::NXT_ROLE_REQUEST, message, buffer),
        ToSwitch::SetFlowAge => {
            put_nicira(subtype::NXT_FLOW_AGE, buffer);
            Ok(())
        }
        _ => Err(not_here()),
    }
}

/// Appends the body of [`FromSwitch::Role`], after the header of a VENDOR message.
pub(super) fn encode_from_switch(
    message: &FromSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    match message {
        FromSwitch::Role(message) => encode_role(subtype::NXT_ROLE_REPLY, message, buffer),
        _ => Err(not_here()),
    }
}

/// `nx_role_request`.
fn encode_role(
    subtype: u32,
    message: &RoleMessage,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    if message.generation.is_some() {
        return Err(unsupported("a generation of a role"));
    }
    let role = match message.role {
        Role::Equal => nx_role::OTHER,
        Role::Master => nx_role::MASTER,
        Role::Slave => nx_role::SLAVE,
        // These numbers were unknown elsewhere, with another meaning.
        Role::Unknown(other) if other > nx_role::SLAVE => other,
        Role::Unknown(other) => return Err(unsupported(format!("the unknown role {other}"))),
        Role::NoChange => {
            return Err(unsupported(
                "a role request without a change: every one sets the role",
            ));
        }
    };
    put_nicira(subtype, buffer);
    buffer.put_u32(role);
    Ok(())
}

/// Appends a whole statistics request (type and flags included) of [`StatsRequest::AgedFlows`].
pub(super) fn encode_request(
    request: &StatsRequest,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let StatsRequest::AgedFlows(filter) = request else {
        return Err(not_here());
    };
    put_stats_head(0, buffer);
    flows::encode_request(filter, buffer)
}

/// Appends a whole statistics reply (type and flags included) of [`StatsReply::AgedFlows`].
pub(super) fn encode_reply(
    more: bool,
    reply: &StatsReply,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let StatsReply::AgedFlows(entries) = reply else {
        return Err(not_here());
    };
    put_stats_head(if more { codes::REPLY_MORE } else { 0 }, buffer);
    entries
        .iter()
        .try_for_each(|entry| flows::encode_entry(entry, buffer))
}

/// `nicira10_stats_msg` of `NXST_FLOW`, after the message's header.
fn put_stats_head(flags: u16, buffer: &mut BytesMut) {
    buffer.put_u16(codes::VENDOR);
    buffer.put_u16(flags);
    put_nicira(subtype::NXST_FLOW, buffer);
    pad(buffer, 4);
}

fn put_nicira(subtype: u32, buffer: &mut BytesMut) {
    buffer.put_u32(NICIRA);
    buffer.put_u32(subtype);
}

fn not_here() -> Unsupported {
    unsupported("this message as a vendor's")
}
