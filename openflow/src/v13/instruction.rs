//! Instructions (OF 1.3.5 §7.2.4).

use bytes::BytesMut;

use super::action;
use super::consts::*;
use super::record::{decode_record, encode_record, put_length};
use crate::error::{DecodeError, Unsupported};
use crate::model::{Action, Instruction};
use crate::types::{MeterId, TableId};
use crate::wire::{Put, Reader, pad};

/// Reads instructions until nothing is left.
pub(super) fn decode_all(reader: &mut Reader) -> Result<Vec<Instruction>, DecodeError> {
    reader.list(decode)
}

/// OF 1.3.5 §7.2.4, ofp_instruction_header and what each type makes of it.
fn decode(reader: &mut Reader) -> Result<Instruction, DecodeError> {
    let (instruction_type, mut body) = decode_record(reader, "instructions.len")?;
    let body = &mut body;
    let instruction = match instruction_type {
        OFPIT_GOTO_TABLE => {
            let table = TableId(body.u8("instructions.table_id")?);
            body.skip("instructions.pad", 3)?;
            Instruction::GotoTable(table)
        }
        OFPIT_WRITE_METADATA => {
            body.skip("instructions.pad", 4)?;
            let value = body.u64("instructions.metadata")?;
            let mask = body.u64("instructions.metadata_mask")?;
            Instruction::WriteMetadata { value, mask }
        }
        OFPIT_WRITE_ACTIONS => Instruction::WriteActions(decode_actions(body)?),
        OFPIT_APPLY_ACTIONS => Instruction::ApplyActions(decode_actions(body)?),
        OFPIT_CLEAR_ACTIONS => {
            body.skip("instructions.pad", 4)?;
            Instruction::ClearActions
        }
        OFPIT_METER => Instruction::Meter(MeterId(body.u32("instructions.meter_id")?)),
        OFPIT_EXPERIMENTER => Instruction::Experimenter {
            experimenter: body.u32("instructions.experimenter")?,
            body: body.rest(),
        },
        _ => Instruction::Unknown {
            instruction_type,
            body: body.rest(),
        },
    };
    body.finish("instructions.len")?;
    Ok(instruction)
}

/// OF 1.3.5 §7.2.4, ofp_instruction_actions.
fn decode_actions(body: &mut Reader) -> Result<Vec<Action>, DecodeError> {
    body.skip("instructions.pad", 4)?;
    action::decode_all(body)
}

/// Appends instructions one after the other.
pub(super) fn encode_all(
    instructions: &[Instruction],
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    instructions
        .iter()
        .try_for_each(|instruction| encode(instruction, buffer))
}

/// OF 1.3.5 §7.2.4, ofp_instruction_header and what each type makes of it.
fn encode(instruction: &Instruction, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    match instruction {
        Instruction::GotoTable(table) => {
            put_instruction(buffer, OFPIT_GOTO_TABLE, 8);
            buffer.put_u8(table.0);
            pad(buffer, 3);
        }
        Instruction::WriteMetadata { value, mask } => {
            put_instruction(buffer, OFPIT_WRITE_METADATA, 24);
            pad(buffer, 4);
            buffer.put_u64(*value);
            buffer.put_u64(*mask);
        }
        Instruction::WriteActions(actions) => encode_actions(OFPIT_WRITE_ACTIONS, actions, buffer)?,
        Instruction::ApplyActions(actions) => encode_actions(OFPIT_APPLY_ACTIONS, actions, buffer)?,
        Instruction::ClearActions => encode_actions(OFPIT_CLEAR_ACTIONS, &[], buffer)?,
        Instruction::Meter(meter) => {
            put_instruction(buffer, OFPIT_METER, 8);
            buffer.put_u32(meter.0);
        }
        Instruction::Experimenter { experimenter, body } => {
            let head = experimenter.to_be_bytes();
            encode_record(OFPIT_EXPERIMENTER, &head, body, "an instruction", buffer)?;
        }
        Instruction::Unknown {
            instruction_type,
            body,
        } => {
            encode_record(*instruction_type, &[], body, "an instruction", buffer)?;
        }
    }
    Ok(())
}

/// OF 1.3.5 §7.2.4, ofp_instruction_actions.
fn encode_actions(
    instruction_type: u16,
    actions: &[Action],
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let start = buffer.len();
    put_instruction(buffer, instruction_type, 0);
    pad(buffer, 4);
    action::encode_all(actions, buffer)?;
    put_length(buffer, start, 2, "an instruction")
}

fn put_instruction(buffer: &mut BytesMut, instruction_type: u16, length: u16) {
    buffer.put_u16(instruction_type);
    buffer.put_u16(length);
}
