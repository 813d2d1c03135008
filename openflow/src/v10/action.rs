//! Actions (OF 1.0.2 §5.2.4), and the one instruction of the model that they are in 1.0.
//!
//! `SET_TP_SRC` and `SET_TP_DST` write the ports of whatever the packet carries. Raised, they take the
//! field of the protocol that the flow's pattern names; where it names none (or in a PACKET_OUT), TCP's.
//! `SET_VLAN_VID` and `SET_VLAN_PCP` also add a tag where there is none, which the model doesn't say.

use bytes::BytesMut;

use super::consts::{action_type as kind, header};
use super::{port, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{Action, Field, Instruction, Pattern};
use crate::types::QueueId;
use crate::wire::{Put, Reader, pad};

/// `ofp_action_header` without its padding.
const TYPE_AND_LENGTH: usize = 4;

/// The actions of a flow entry, with what `pattern` says of the packets that they are for.
pub(super) fn decode_instructions(
    reader: Reader,
    pattern: &Pattern,
) -> Result<Vec<Instruction>, DecodeError> {
    let actions = decode_list(reader, ip_proto(pattern))?;
    Ok(if actions.is_empty() {
        Vec::new()
    } else {
        vec![Instruction::ApplyActions(actions)]
    })
}

/// Everything in `reader`, for packets of this IP protocol if it is known.
pub(super) fn decode_list(
    mut reader: Reader,
    ip_proto: Option<u8>,
) -> Result<Vec<Action>, DecodeError> {
    let mut actions = Vec::new();
    while !reader.is_empty() {
        let action_type = reader.u16("action type")?;
        let length_at = reader.offset();
        let length = usize::from(reader.u16("action len")?);
        let fits = match action_type {
            kind::SET_DL_SRC | kind::SET_DL_DST | kind::ENQUEUE => length == 16,
            kind::OUTPUT..kind::ENQUEUE => length == 8,
            _ => length >= 8 && length.is_multiple_of(8),
        };
        if !fits || length - TYPE_AND_LENGTH > reader.left() {
            return Err(reader.error_at(length_at, "action len", Problem::Length(length)));
        }
        let body = reader.sub("action", length - TYPE_AND_LENGTH)?;
        actions.push(decode(action_type, body, ip_proto)?);
    }
    Ok(actions)
}

/// `body` has the length that belongs to the type; what is left of it is padding.
fn decode(action_type: u16, mut body: Reader, ip_proto: Option<u8>) -> Result<Action, DecodeError> {
    let set = |field, value: u128| Action::SetField { field, value };
    Ok(match action_type {
        kind::OUTPUT => Action::Output {
            port: port::raise(body.u16("port")?),
            max_len: body.u16("max_len")?,
        },
        kind::SET_VLAN_VID => {
            let at = body.offset();
            let vid = body.u16("vlan_vid")?;
            if vid > header::VLAN_ID {
                return Err(body.error_at(at, "vlan_vid", Problem::Value(vid.into())));
            }
            set(Field::VlanVid, (vid | header::VLAN_PRESENT).into())
        }
        kind::SET_VLAN_PCP => {
            let at = body.offset();
            let pcp = body.u8("vlan_pcp")?;
            if pcp > header::VLAN_PCP_MAX {
                return Err(body.error_at(at, "vlan_pcp", Problem::Value(pcp.into())));
            }
            set(Field::VlanPcp, pcp.into())
        }
        kind::STRIP_VLAN => Action::PopVlan,
        kind::SET_DL_SRC => set(Field::EthSrc, body.mac("dl_addr")?.to_u64().into()),
        kind::SET_DL_DST => set(Field::EthDst, body.mac("dl_addr")?.to_u64().into()),
        kind::SET_NW_SRC => set(Field::Ipv4Src, body.u32("nw_addr")?.into()),
        kind::SET_NW_DST => set(Field::Ipv4Dst, body.u32("nw_addr")?.into()),
        kind::SET_NW_TOS => set(
            Field::IpDscp,
            (body.u8("nw_tos")? >> header::DSCP_SHIFT).into(),
        ),
        kind::SET_TP_SRC => decode_transport(&mut body, transport_fields(ip_proto).0)?,
        kind::SET_TP_DST => decode_transport(&mut body, transport_fields(ip_proto).1)?,
        kind::ENQUEUE => {
            let port = port::raise(body.u16("port")?);
            body.skip("pad", 6)?;
            Action::Enqueue {
                port,
                queue: QueueId(body.u32("queue_id")?),
            }
        }
        kind::VENDOR => Action::Experimenter {
            experimenter: body.u32("vendor")?,
            body: body.rest(),
        },
        _ => Action::Unknown {
            action_type,
            body: body.rest(),
        },
    })
}

fn decode_transport(body: &mut Reader, field: Field) -> Result<Action, DecodeError> {
    let at = body.offset();
    let value = u128::from(body.u16("tp_port")?);
    if value > field.full_mask() {
        return Err(body.error_at(at, "tp_port", Problem::Value(value as u64)));
    }
    Ok(Action::SetField { field, value })
}

const fn transport_fields(ip_proto: Option<u8>) -> (Field, Field) {
    match ip_proto {
        Some(header::IP_PROTO_UDP) => (Field::UdpSrc, Field::UdpDst),
        Some(header::IP_PROTO_SCTP) => (Field::SctpSrc, Field::SctpDst),
        Some(header::IP_PROTO_ICMP) => (Field::Icmpv4Type, Field::Icmpv4Code),
        _ => (Field::TcpSrc, Field::TcpDst),
    }
}

fn ip_proto(pattern: &Pattern) -> Option<u8> {
    pattern
        .exact(Field::IpProto)
        .and_then(|number| u8::try_from(number).ok())
}

/// Nothing but a single apply-actions, or nothing at all.
pub(super) fn encode_instructions(
    instructions: &[Instruction],
    pattern: &Pattern,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    match instructions {
        [] => Ok(()),
        [Instruction::ApplyActions(actions)] => encode_list(actions, ip_proto(pattern), buffer),
        [Instruction::ApplyActions(_), other, ..] | [other, ..] => Err(unsupported(format!(
            "the instruction {}: a flow entry has one list of actions and nothing else",
            instruction_name(other)
        ))),
    }
}

const fn instruction_name(instruction: &Instruction) -> &'static str {
    match instruction {
        Instruction::GotoTable(_) => "goto_table",
        Instruction::WriteMetadata { .. } => "write_metadata",
        Instruction::WriteActions(_) => "write_actions",
        Instruction::ApplyActions(_) => "apply_actions, a second time",
        Instruction::ClearActions => "clear_actions",
        Instruction::Meter(_) => "meter",
        Instruction::Experimenter { .. } => "of an experimenter",
        Instruction::Unknown { .. } => "of an unknown type",
    }
}

/// For packets of this IP protocol if it is known.
pub(super) fn encode_list(
    actions: &[Action],
    ip_proto: Option<u8>,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    actions
        .iter()
        .try_for_each(|action| encode(action, ip_proto, buffer))
}

fn encode(action: &Action, ip_proto: Option<u8>, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    match action {
        Action::Output { port, max_len } => {
            let port = port::lower(*port)?;
            put_head(kind::OUTPUT, 8, buffer);
            buffer.put_u16(port);
            buffer.put_u16(*max_len);
        }
        Action::PopVlan => {
            put_head(kind::STRIP_VLAN, 8, buffer);
            pad(buffer, 4);
        }
        Action::Enqueue { port, queue } => {
            let port = port::lower(*port)?;
            put_head(kind::ENQUEUE, 16, buffer);
            buffer.put_u16(port);
            pad(buffer, 6);
            buffer.put_u32(queue.0);
        }
        Action::SetField { field, value } => {
            return encode_set_field(*field, *value, ip_proto, buffer);
        }
        Action::Experimenter { experimenter, body } => {
            let length = whole_length(body.len() + TYPE_AND_LENGTH + 4).ok_or_else(|| {
                unsupported(format!(
                    "the action of experimenter {experimenter:#010x} with {} bytes after that number: \
                     with 8 before them they have to be a multiple of 8",
                    body.len()
                ))
            })?;
            put_head(kind::VENDOR, length, buffer);
            buffer.put_u32(*experimenter);
            buffer.put_slice(body);
        }
        Action::Unknown { action_type, body } => {
            // A number that means something in 1.0 was unknown elsewhere, with another meaning.
            let foreign = *action_type <= kind::ENQUEUE || *action_type == kind::VENDOR;
            let length = whole_length(body.len() + TYPE_AND_LENGTH)
                .filter(|_| !foreign)
                .ok_or_else(|| {
                    unsupported(format!(
                        "the unknown action of type {action_type} with {} bytes",
                        body.len()
                    ))
                })?;
            put_head(*action_type, length, buffer);
            buffer.put_slice(body);
        }
        Action::SetQueue(_) => {
            return Err(unsupported(
                "set_queue by itself: use enqueue, which names the port as well",
            ));
        }
        Action::Group(_) => return Err(unsupported("the action group")),
        Action::PushVlan(_) => return Err(unsupported("the action push_vlan")),
        Action::PushMpls(_) => return Err(unsupported("the action push_mpls")),
        Action::PopMpls(_) => return Err(unsupported("the action pop_mpls")),
        Action::DecNwTtl => return Err(unsupported("the action dec_nw_ttl")),
        Action::SetNwTtl(_) => return Err(unsupported("the action set_nw_ttl")),
        Action::CopyTtlOut => return Err(unsupported("the action copy_ttl_out")),
        Action::CopyTtlIn => return Err(unsupported("the action copy_ttl_in")),
        Action::SetMplsTtl(_) => return Err(unsupported("the action set_mpls_ttl")),
        Action::DecMplsTtl => return Err(unsupported("the action dec_mpls_ttl")),
        Action::PushPbb(_) => return Err(unsupported("the action push_pbb")),
        Action::PopPbb => return Err(unsupported("the action pop_pbb")),
    }
    Ok(())
}

/// The length of an action, if it can be one.
fn whole_length(length: usize) -> Option<u16> {
    u16::try_from(length)
        .ok()
        .filter(|length| length.is_multiple_of(8))
}

fn encode_set_field(
    field: Field,
    value: u128,
    ip_proto: Option<u8>,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let refuse = |why: &str| Err(unsupported(format!("set_field of {}{why}", field.name())));
    if value > field.full_mask() {
        return refuse(": the value is too large for it");
    }
    // Which protocol a transport field belongs to is lost, so it must not contradict the pattern.
    // Beside a protocol without ports it is read as TCP's.
    let contradicts = |protocol| {
        ip_proto.is_some() && transport_fields(ip_proto) != transport_fields(Some(protocol))
    };
    let octets = value.to_be_bytes();
    let [.., c, d, e, f] = octets;
    match field {
        Field::VlanVid if value & u128::from(header::VLAN_PRESENT) == 0 => {
            return refuse(" without the bit 0x1000, which says that there is a tag");
        }
        Field::VlanVid => put_small(kind::SET_VLAN_VID, [e & 0x0f, f, 0, 0], buffer),
        Field::VlanPcp => put_small(kind::SET_VLAN_PCP, [f, 0, 0, 0], buffer),
        Field::EthSrc | Field::EthDst => {
            let source = field == Field::EthSrc;
            put_head(
                if source {
                    kind::SET_DL_SRC
                } else {
                    kind::SET_DL_DST
                },
                16,
                buffer,
            );
            buffer.put_slice(&octets[10..]);
            pad(buffer, 6);
        }
        Field::Ipv4Src => put_small(kind::SET_NW_SRC, [c, d, e, f], buffer),
        Field::Ipv4Dst => put_small(kind::SET_NW_DST, [c, d, e, f], buffer),
        Field::IpDscp => put_small(kind::SET_NW_TOS, [f << header::DSCP_SHIFT, 0, 0, 0], buffer),
        Field::TcpSrc | Field::TcpDst if contradicts(header::IP_PROTO_TCP) => {
            return refuse(" where the match has another ip_proto than 6");
        }
        Field::UdpSrc | Field::UdpDst if contradicts(header::IP_PROTO_UDP) => {
            return refuse(" where the match has another ip_proto than 17");
        }
        Field::Icmpv4Type | Field::Icmpv4Code if contradicts(header::IP_PROTO_ICMP) => {
            return refuse(" where the match has another ip_proto than 1");
        }
        Field::TcpSrc | Field::UdpSrc | Field::Icmpv4Type => {
            put_small(kind::SET_TP_SRC, [e, f, 0, 0], buffer)
        }
        Field::TcpDst | Field::UdpDst | Field::Icmpv4Code => {
            put_small(kind::SET_TP_DST, [e, f, 0, 0], buffer)
        }
        _ => return refuse(""),
    }
    Ok(())
}

fn put_head(action_type: u16, length: u16, buffer: &mut BytesMut) {
    buffer.put_u16(action_type);
    buffer.put_u16(length);
}

/// An action of 8 bytes in all.
fn put_small(action_type: u16, body: [u8; 4], buffer: &mut BytesMut) {
    put_head(action_type, 8, buffer);
    buffer.put_slice(&body);
}
