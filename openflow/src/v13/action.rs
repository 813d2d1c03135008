//! Actions (OF 1.3.5 §7.2.5).

use bytes::{BufMut, BytesMut};

use super::consts::*;
use super::oxm::{self, Oxm};
use super::{decode_record, encode_record, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{Action, Field, Masked};
use crate::types::{GroupId, PortNo};
use crate::wire::{Reader, pad, pad_to_8, patch_length};

/// Reads actions until nothing is left.
pub(super) fn decode_all(reader: &mut Reader) -> Result<Vec<Action>, DecodeError> {
    reader.list(decode)
}

/// OF 1.3.5 §7.2.5, ofp_action_header and what each type makes of it.
fn decode(reader: &mut Reader) -> Result<Action, DecodeError> {
    let (action_type, mut body) = decode_record(reader, "actions.len")?;
    let body = &mut body;
    let action = match action_type {
        OFPAT_OUTPUT => {
            let port = PortNo(body.u32("actions.port")?);
            let max_len = body.u16("actions.max_len")?;
            body.skip("actions.pad", 6)?;
            Action::Output { port, max_len }
        }
        OFPAT_PUSH_VLAN => Action::PushVlan(decode_ethertype(body)?),
        OFPAT_POP_VLAN => {
            body.skip("actions.pad", 4)?;
            Action::PopVlan
        }
        OFPAT_PUSH_MPLS => Action::PushMpls(decode_ethertype(body)?),
        OFPAT_POP_MPLS => Action::PopMpls(decode_ethertype(body)?),
        OFPAT_SET_QUEUE => Action::SetQueue(body.u32("actions.queue_id")?),
        OFPAT_GROUP => Action::Group(GroupId(body.u32("actions.group_id")?)),
        OFPAT_SET_NW_TTL => {
            let ttl = body.u8("actions.nw_ttl")?;
            body.skip("actions.pad", 3)?;
            Action::SetNwTtl(ttl)
        }
        OFPAT_DEC_NW_TTL => {
            body.skip("actions.pad", 4)?;
            Action::DecNwTtl
        }
        OFPAT_SET_FIELD => decode_set_field(body)?,
        _ => Action::Unknown {
            action_type,
            body: body.rest(),
        },
    };
    body.finish("actions.len")?;
    Ok(action)
}

/// OF 1.3.5 §7.2.5, ofp_action_push and ofp_action_pop_mpls.
fn decode_ethertype(body: &mut Reader) -> Result<u16, DecodeError> {
    let ethertype = body.u16("actions.ethertype")?;
    body.skip("actions.pad", 2)?;
    Ok(ethertype)
}

/// OF 1.3.5 §7.2.5, ofp_action_set_field: one OXM TLV without a mask, padded to a multiple of 8.
fn decode_set_field(body: &mut Reader) -> Result<Action, DecodeError> {
    let at = body.offset();
    let mut whole = body.clone();
    let oxm = oxm::decode_oxm(body)?;
    if body.left() >= 8 {
        return Err(body.error("actions.len", Problem::Length(body.left())));
    }
    body.rest();
    match oxm {
        Oxm::Known {
            field,
            value,
            mask: None,
        } => Ok(Action::SetField { field, value }),
        Oxm::Known { mask: Some(_), .. } => {
            Err(body.error_at(at + 2, "oxm_hasmask", Problem::Value(1)))
        }
        Oxm::Unknown(_) => Ok(Action::Unknown {
            action_type: OFPAT_SET_FIELD,
            body: whole.rest(),
        }),
    }
}

/// Appends actions one after the other.
pub(super) fn encode_all(actions: &[Action], buffer: &mut BytesMut) -> Result<(), Unsupported> {
    actions.iter().try_for_each(|action| encode(action, buffer))
}

/// OF 1.3.5 §7.2.5, ofp_action_header and what each type makes of it.
fn encode(action: &Action, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    match action {
        Action::Output { port, max_len } => {
            put_action(buffer, OFPAT_OUTPUT, 16);
            buffer.put_u32(port.0);
            buffer.put_u16(*max_len);
            pad(buffer, 6);
        }
        Action::Group(group) => put_number(buffer, OFPAT_GROUP, group.0),
        Action::SetQueue(queue) => put_number(buffer, OFPAT_SET_QUEUE, *queue),
        Action::Enqueue { .. } => {
            return Err(unsupported("`enqueue`: it has `set_queue` and `output`"));
        }
        Action::PushVlan(ethertype) => put_ethertype(buffer, OFPAT_PUSH_VLAN, *ethertype),
        Action::PopVlan => put_number(buffer, OFPAT_POP_VLAN, 0),
        Action::PushMpls(ethertype) => put_ethertype(buffer, OFPAT_PUSH_MPLS, *ethertype),
        Action::PopMpls(ethertype) => put_ethertype(buffer, OFPAT_POP_MPLS, *ethertype),
        Action::SetField { field, value } => encode_set_field(*field, *value, buffer)?,
        Action::DecNwTtl => put_number(buffer, OFPAT_DEC_NW_TTL, 0),
        Action::SetNwTtl(ttl) => put_number(buffer, OFPAT_SET_NW_TTL, u32::from(*ttl) << 24),
        Action::Unknown { action_type, body } => {
            encode_record(*action_type, body, "an action", buffer)?
        }
    }
    Ok(())
}

fn encode_set_field(field: Field, value: u128, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let exact = Masked::new(value, field.full_mask());
    if exact.value() != value {
        return Err(unsupported(format!(
            "a value wider than {} bits for `{}`",
            field.bits(),
            field.name()
        )));
    }
    let start = buffer.len();
    put_action(buffer, OFPAT_SET_FIELD, 0);
    oxm::encode_field(field, exact, buffer)?;
    pad_to_8(buffer, start);
    patch_length(buffer, start, 2);
    Ok(())
}

fn put_action(buffer: &mut BytesMut, action_type: u16, length: u16) {
    buffer.put_u16(action_type);
    buffer.put_u16(length);
}

fn put_number(buffer: &mut BytesMut, action_type: u16, number: u32) {
    put_action(buffer, action_type, 8);
    buffer.put_u32(number);
}

fn put_ethertype(buffer: &mut BytesMut, action_type: u16, ethertype: u16) {
    put_number(buffer, action_type, u32::from(ethertype) << 16);
}
