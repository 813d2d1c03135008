//! Flow matches: the OpenFlow extensible match (OF 1.3.5 §7.2.3).

use bytes::BytesMut;

use super::consts::{OFPMT_OXM, OFPXMC_EXPERIMENTER, OFPXMC_OPENFLOW_BASIC};
use super::record::put_length;
use super::unsupported;
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{Field, Masked, Pattern, RawOxm};
use crate::types::{PortNo, Version};
use crate::wire::{Put, Reader, pad_to_8, tlv};

/// The bytes of type and length that begin an `ofp_match`.
const MATCH_HEADER: usize = 4;

/// One OXM TLV (OF 1.3.5 §7.2.3.2).
pub(super) enum Oxm {
    /// A field of class `OFPXMC_OPENFLOW_BASIC`; the mask is `None` where the TLV has none.
    Known {
        field: Field,
        value: u128,
        mask: Option<u128>,
    },
    /// Any other, as it came.
    Unknown(RawOxm),
}

/// OF 1.3.5 §7.2.3.1, ofp_match with its padding.
#[inline]
pub(super) fn decode_match(reader: &mut Reader) -> Result<Pattern, DecodeError> {
    let at = reader.offset();
    let match_type = reader.u16("match.type")?;
    if match_type != OFPMT_OXM {
        return Err(reader.error_at(at, "match.type", Problem::Value(match_type.into())));
    }
    let length = usize::from(reader.u16("match.length")?);
    if length < MATCH_HEADER || length - MATCH_HEADER > reader.left() {
        return Err(reader.error_at(at + 2, "match.length", Problem::Length(length)));
    }
    if let Some(port) = decode_in_port_alone(reader, length) {
        return Ok(Pattern::new().in_port(port));
    }
    let pattern = decode_fields(&mut reader.sub("match.oxm_fields", length - MATCH_HEADER)?)?;
    reader.skip("match.pad", length.next_multiple_of(8) - length)?;
    Ok(pattern)
}

/// The one field of nearly every PACKET_IN's match: its TLV read whole, with the padding. `None` for any other match, of
/// which nothing is read then.
#[inline]
fn decode_in_port_alone(reader: &mut Reader, length: usize) -> Option<PortNo> {
    let &[0x80, 0, 0, 4, a, b, c, d, _, _, _, _] = reader.unread().first_chunk::<12>()? else {
        return None;
    };
    if length != MATCH_HEADER + 8 {
        return None;
    }
    reader.skip("match", 12).ok()?;
    Some(PortNo(u32::from_be_bytes([a, b, c, d])))
}

/// Fields may come in any order, but each only once (OF 1.3.5 §7.2.3.6, `OFPBMC_DUP_FIELD`).
fn decode_fields(fields: &mut Reader) -> Result<Pattern, DecodeError> {
    let start = fields.offset();
    let mut pattern = Pattern::with_room(count_known(fields));
    let mut seen = 0_u64;
    while !fields.is_empty() {
        let at = fields.offset();
        match decode_oxm(fields)? {
            Oxm::Known { field, value, mask } => {
                // A set of its own, since the pattern leaves out a field whose mask is 0.
                let bit = 1 << field.number();
                if seen & bit != 0 {
                    return Err(fields.error_at(at, field.name(), Problem::Duplicate));
                }
                seen |= bit;
                pattern.set(field, value, mask.unwrap_or(field.full_mask()));
            }
            Oxm::Unknown(oxm) => pattern.push_unknown(oxm),
        }
    }
    if has_duplicates(pattern.unknown()) {
        return Err(fields.error_at(start, "match.oxm_fields", Problem::Duplicate));
    }
    Ok(pattern)
}

/// How many TLVs of basic fields there are, by a look at their headers; as far as they are whole.
fn count_known(fields: &Reader) -> usize {
    let mut bytes = fields.unread();
    let mut count = 0;
    while let [high, low, _, length, rest @ ..] = bytes {
        count += usize::from(u16::from_be_bytes([*high, *low]) == OFPXMC_OPENFLOW_BASIC);
        bytes = rest.get(usize::from(*length)..).unwrap_or_default();
    }
    count
}

/// Whether a field occurs twice. Fields of experimenters are told apart by the experimenter's number,
/// with which their payload begins (OF 1.3.5 §7.2.3.8).
fn has_duplicates(fields: &[RawOxm]) -> bool {
    if fields.len() < 2 {
        return false;
    }
    let mut keys: Vec<_> = fields
        .iter()
        .map(|oxm| {
            let experimenter = match oxm.class {
                OFPXMC_EXPERIMENTER => oxm.payload.get(..4),
                _ => None,
            };
            (oxm.class, oxm.field, experimenter)
        })
        .collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

/// OF 1.3.5 §7.2.3.2: class, field and hasmask, length, payload.
#[inline]
pub(super) fn decode_oxm(reader: &mut Reader) -> Result<Oxm, DecodeError> {
    let at = reader.offset();
    let class = reader.u16("oxm_class")?;
    let field_and_mask = reader.u8("oxm_field")?;
    let number = field_and_mask >> 1;
    let has_mask = field_and_mask & 1 != 0;
    let length = usize::from(reader.u8("oxm_length")?);
    if length > reader.left() {
        return Err(reader.error_at(at + 3, "oxm_length", Problem::Length(length)));
    }
    let known = if class == OFPXMC_OPENFLOW_BASIC {
        Field::from_number(number)
    } else {
        None
    };
    // Switches accept and report masks that the specification does not give a field: Open vSwitch on transport
    // ports, for instance. Such a field is kept as it came, so that one entry of somebody else's does not make
    // all that a switch reports unreadable.
    let known = known.filter(|field| !has_mask || field.maskable());
    let Some(field) = known else {
        let payload = reader.bytes("oxm_value", length)?;
        return Ok(Oxm::Unknown(RawOxm {
            class,
            field: number,
            has_mask,
            payload,
        }));
    };
    let size = usize::from(field.wire_bytes());
    if length != if has_mask { 2 * size } else { size } {
        return Err(reader.error_at(at + 3, "oxm_length", Problem::Length(length)));
    }
    let value = reader.number(field.name(), size)?;
    let mask = if has_mask {
        Some(reader.number("oxm_mask", size)?)
    } else {
        None
    };
    check_value(field, value, mask)
        .map_err(|problem| reader.error_at(at + 4, field.name(), problem))?;
    Ok(Oxm::Known { field, value, mask })
}

/// Whether some packet could have this value. A bit where the mask has none is "don't care"
/// (OF 1.3.5 §7.2.3.5), so whatever stands there is let pass, and the pattern drops it. A bit beyond the
/// field's width that does count is one that no packet has (`OFPBMC_BAD_VALUE`).
fn check_value(field: Field, value: u128, mask: Option<u128>) -> Result<(), Problem> {
    if value & mask.unwrap_or(u128::MAX) & !field.full_mask() == 0 {
        return Ok(());
    }
    Err(Problem::Value(u64::try_from(value).unwrap_or(u64::MAX)))
}

/// OF 1.3.5 §7.2.3.1, ofp_match with its padding. Fields go in the order of their numbers, which puts every
/// prerequisite before what needs it (§7.2.3.6).
pub(super) fn encode_match(pattern: &Pattern, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    buffer.put_u16(OFPMT_OXM);
    buffer.put_u16(0);
    for (field, masked) in pattern.fields() {
        encode_field(field, masked, buffer)?;
    }
    for oxm in pattern.unknown() {
        tlv::put_raw(oxm, Version::V13, buffer)?;
    }
    put_length(buffer, start, 2, "a match")?;
    pad_to_8(buffer, start);
    Ok(())
}

/// One OXM TLV of a basic field. The value of an unmasked one has all bits of the mask.
pub(super) fn encode_field(
    field: Field,
    masked: Masked,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let has_mask = masked.mask() != field.full_mask();
    if has_mask && !field.maskable() {
        return Err(unsupported(format!("a mask on `{}`", field.name())));
    }
    tlv::put_field(
        OFPXMC_OPENFLOW_BASIC,
        field.number(),
        masked.value(),
        has_mask.then_some(masked.mask()),
        field.wire_bytes(),
        buffer,
    );
    Ok(())
}
