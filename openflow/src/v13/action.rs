//! Actions (OF 1.3.5 §7.2.5).

use bytes::BytesMut;

use super::consts::*;
use super::oxm::{self, Oxm};
use super::record::{decode_record, encode_record, put_length};
use super::unsupported;
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{Action, Field, Masked};
use crate::types::{GroupId, PortNo, QueueId};
use crate::wire::{Put, Reader, pad, pad_to_8};

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
        OFPAT_COPY_TTL_OUT => decode_bare(body, Action::CopyTtlOut)?,
        OFPAT_COPY_TTL_IN => decode_bare(body, Action::CopyTtlIn)?,
        OFPAT_SET_MPLS_TTL => Action::SetMplsTtl(decode_ttl(body, "actions.mpls_ttl")?),
        OFPAT_DEC_MPLS_TTL => decode_bare(body, Action::DecMplsTtl)?,
        OFPAT_POP_VLAN => decode_bare(body, Action::PopVlan)?,
        OFPAT_PUSH_MPLS => Action::PushMpls(decode_ethertype(body)?),
        OFPAT_POP_MPLS => Action::PopMpls(decode_ethertype(body)?),
        OFPAT_SET_QUEUE => Action::SetQueue(QueueId(body.u32("actions.queue_id")?)),
        OFPAT_GROUP => Action::Group(GroupId(body.u32("actions.group_id")?)),
        OFPAT_SET_NW_TTL => Action::SetNwTtl(decode_ttl(body, "actions.nw_ttl")?),
        OFPAT_DEC_NW_TTL => decode_bare(body, Action::DecNwTtl)?,
        OFPAT_SET_FIELD => decode_set_field(body)?,
        OFPAT_PUSH_PBB => Action::PushPbb(decode_ethertype(body)?),
        OFPAT_POP_PBB => decode_bare(body, Action::PopPbb)?,
        OFPAT_EXPERIMENTER => Action::Experimenter {
            experimenter: body.u32("actions.experimenter")?,
            body: body.rest(),
        },
        _ => Action::Unknown {
            action_type,
            body: body.rest(),
        },
    };
    body.finish("actions.len")?;
    Ok(action)
}

/// OF 1.3.5 §7.2.5: an action of which the type says all, an ofp_action_header with its padding.
fn decode_bare(body: &mut Reader, action: Action) -> Result<Action, DecodeError> {
    body.skip("actions.pad", 4)?;
    Ok(action)
}

/// OF 1.3.5 §7.2.5, ofp_action_nw_ttl and ofp_action_mpls_ttl.
fn decode_ttl(body: &mut Reader, field: &'static str) -> Result<u8, DecodeError> {
    let ttl = body.u8(field)?;
    body.skip("actions.pad", 3)?;
    Ok(ttl)
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
        Action::SetQueue(queue) => put_number(buffer, OFPAT_SET_QUEUE, queue.0),
        Action::Enqueue { .. } => {
            return Err(unsupported("`enqueue`: it has `set_queue` and `output`"));
        }
        Action::PushVlan(ethertype) => put_ethertype(buffer, OFPAT_PUSH_VLAN, *ethertype),
        Action::PopVlan => put_number(buffer, OFPAT_POP_VLAN, 0),
        Action::PushMpls(ethertype) => put_ethertype(buffer, OFPAT_PUSH_MPLS, *ethertype),
        Action::PopMpls(ethertype) => put_ethertype(buffer, OFPAT_POP_MPLS, *ethertype),
        Action::SetField { field, value } => encode_set_field(*field, *value, buffer)?,
        Action::DecNwTtl => put_number(buffer, OFPAT_DEC_NW_TTL, 0),
        Action::SetNwTtl(ttl) => put_ttl(buffer, OFPAT_SET_NW_TTL, *ttl),
        Action::CopyTtlOut => put_number(buffer, OFPAT_COPY_TTL_OUT, 0),
        Action::CopyTtlIn => put_number(buffer, OFPAT_COPY_TTL_IN, 0),
        Action::SetMplsTtl(ttl) => put_ttl(buffer, OFPAT_SET_MPLS_TTL, *ttl),
        Action::DecMplsTtl => put_number(buffer, OFPAT_DEC_MPLS_TTL, 0),
        Action::PushPbb(ethertype) => put_ethertype(buffer, OFPAT_PUSH_PBB, *ethertype),
        Action::PopPbb => put_number(buffer, OFPAT_POP_PBB, 0),
        Action::Experimenter { experimenter, body } => {
            let head = experimenter.to_be_bytes();
            encode_record(OFPAT_EXPERIMENTER, &head, body, "an action", buffer)?;
        }
        Action::Unknown { action_type, body } => {
            encode_record(*action_type, &[], body, "an action", buffer)?;
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
    put_length(buffer, start, 2, "an action")
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

fn put_ttl(buffer: &mut BytesMut, action_type: u16, ttl: u8) {
    put_number(buffer, action_type, u32::from(ttl) << 24);
}
