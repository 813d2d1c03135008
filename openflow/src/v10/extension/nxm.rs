//! NXM, Nicira's extensible match, from which 1.3's was made: the same form, other numbers (`nx-match` in
//! `nicira-ext.h`).
//!
//! | NXM | model |
//! |---|---|
//! | a field that 1.3 has too | that field; a port has 16 bits here, and the DSCP stands in the upper six of eight |
//! | `NXM_OF_VLAN_TCI` | `vlan_vid` and `vlan_pcp`, where these say the same and are written as the same bytes |
//! | class 0x8000 | the field of 1.3: how Open vSwitch writes what has no number of its own here, such as `metadata` |
//! | registers, fragments, connection tracking and all others | kept as they came |

mod vlan;

use bytes::BytesMut;

use super::super::consts::header;
use super::super::{port, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{Field, Masked, Pattern, RawOxm};
use crate::types::{PortNo, Version};
use crate::wire::{Reader, tlv};

/// `NXM_OF_*`.
const CLASS_OF: u16 = 0x0000;
/// `NXM_NX_*`.
const CLASS_NX: u16 = 0x0001;
/// OF 1.3.5 §7.2.3.3, `OFPXMC_OPENFLOW_BASIC`.
const CLASS_BASIC: u16 = 0x8000;
/// OF 1.3.5 §7.2.3.3, `OFPXMC_EXPERIMENTER`.
const CLASS_EXPERIMENTER: u16 = 0xffff;

/// `NXM_OF_VLAN_TCI`, of class [`CLASS_OF`].
const VLAN_TCI: u8 = 4;
/// `NXM_NX_COOKIE`, of class [`CLASS_NX`]; `NXM_NX_MPLS_TTL` has the same number and one byte.
const COOKIE: u8 = 30;
const COOKIE_BYTES: usize = 8;

/// The fields that mean the same as one of 1.3's, each with its class and number.
const TWINS: [(Field, u16, u8); 29] = [
    (Field::InPort, CLASS_OF, 0),
    (Field::EthDst, CLASS_OF, 1),
    (Field::EthSrc, CLASS_OF, 2),
    (Field::EthType, CLASS_OF, 3),
    (Field::IpDscp, CLASS_OF, 5),
    (Field::IpProto, CLASS_OF, 6),
    (Field::Ipv4Src, CLASS_OF, 7),
    (Field::Ipv4Dst, CLASS_OF, 8),
    (Field::TcpSrc, CLASS_OF, 9),
    (Field::TcpDst, CLASS_OF, 10),
    (Field::UdpSrc, CLASS_OF, 11),
    (Field::UdpDst, CLASS_OF, 12),
    (Field::Icmpv4Type, CLASS_OF, 13),
    (Field::Icmpv4Code, CLASS_OF, 14),
    (Field::ArpOp, CLASS_OF, 15),
    (Field::ArpSpa, CLASS_OF, 16),
    (Field::ArpTpa, CLASS_OF, 17),
    (Field::TunnelId, CLASS_NX, 16),
    (Field::ArpSha, CLASS_NX, 17),
    (Field::ArpTha, CLASS_NX, 18),
    (Field::Ipv6Src, CLASS_NX, 19),
    (Field::Ipv6Dst, CLASS_NX, 20),
    (Field::Icmpv6Type, CLASS_NX, 21),
    (Field::Icmpv6Code, CLASS_NX, 22),
    (Field::Ipv6NdTarget, CLASS_NX, 23),
    (Field::Ipv6NdSll, CLASS_NX, 24),
    (Field::Ipv6NdTll, CLASS_NX, 25),
    (Field::Ipv6Flabel, CLASS_NX, 27),
    (Field::IpEcn, CLASS_NX, 28),
];

/// How the value of a field stands on the wire.
#[derive(Clone, Copy)]
enum Form {
    /// As in 1.3.
    Same,
    /// A port's number in 1.0's 16 bits.
    Port,
    /// The upper six of eight bits.
    UpperSix,
}

impl Form {
    const fn of(field: Field, class: u16) -> Self {
        match field {
            Field::InPort if class != CLASS_BASIC => Self::Port,
            Field::IpDscp if class != CLASS_BASIC => Self::UpperSix,
            _ => Self::Same,
        }
    }

    /// The bytes of a value.
    const fn size(self, field: Field) -> u8 {
        match self {
            Self::Port => 2,
            Self::Same | Self::UpperSix => field.wire_bytes(),
        }
    }

    /// The bits that must be 0 where they are compared.
    const fn strays(self, field: Field) -> u128 {
        match self {
            Self::Same => !field.full_mask(),
            Self::Port => 0,
            Self::UpperSix => (1 << header::DSCP_SHIFT) - 1,
        }
    }

    /// `wire` has no more bytes than [`Self::size`] says.
    fn raise(self, wire: u128) -> u128 {
        match self {
            Self::Same => wire,
            Self::Port => port::raise((wire & 0xffff) as u16).0.into(),
            Self::UpperSix => wire >> header::DSCP_SHIFT,
        }
    }

    fn lower(self, value: u128) -> Result<u128, Unsupported> {
        Ok(match self {
            Self::Same => value,
            Self::Port => port::lower(PortNo((value & 0xffff_ffff) as u32))?.into(),
            Self::UpperSix => value << header::DSCP_SHIFT,
        })
    }
}

/// A cookie and the bits of it that are compared.
pub(super) type MaskedCookie = (u64, u64);

/// Reads fields until nothing is left.
pub(super) fn decode(fields: &mut Reader) -> Result<Pattern, DecodeError> {
    let mut terms = Terms::default();
    let start = fields.offset();
    while !fields.is_empty() {
        terms.add(Tlv::decode(fields)?)?;
    }
    terms.finish(fields, start)
}

/// Reads fields until nothing is left, where a cookie may stand among them: in requests.
pub(super) fn decode_with_cookie(
    fields: &mut Reader,
) -> Result<(Pattern, Option<MaskedCookie>), DecodeError> {
    let mut terms = Terms::default();
    let mut cookie = None;
    let start = fields.offset();
    while !fields.is_empty() {
        let mut tlv = Tlv::decode(fields)?;
        if !tlv.is_cookie() {
            terms.add(tlv)?;
            continue;
        }
        let value = tlv.body.u64("cookie")?;
        let mask = if tlv.has_mask {
            tlv.body.u64("cookie_mask")?
        } else {
            u64::MAX
        };
        if cookie.replace((value, mask)).is_some() {
            return Err(fields.error_at(tlv.at, "cookie", Problem::Duplicate));
        }
    }
    // A mask of 0 asks nothing.
    let cookie = cookie.filter(|&(_, mask)| mask != 0);
    Ok((terms.finish(fields, start)?, cookie))
}

/// One field as it stands on the wire.
struct Tlv<'a> {
    at: usize,
    class: u16,
    number: u8,
    has_mask: bool,
    body: Reader<'a>,
}

impl<'a> Tlv<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let at = reader.offset();
        let class = reader.u16("nxm_vendor")?;
        let number_and_mask = reader.u8("nxm_field")?;
        let length = usize::from(reader.u8("nxm_length")?);
        if length > reader.left() {
            return Err(reader.error_at(at + 3, "nxm_length", Problem::Length(length)));
        }
        Ok(Self {
            at,
            class,
            number: number_and_mask >> 1,
            has_mask: number_and_mask & 1 != 0,
            body: reader.sub("nxm_value", length)?,
        })
    }

    fn is_cookie(&self) -> bool {
        let length = COOKIE_BYTES * (1 + usize::from(self.has_mask));
        (self.class, self.number) == (CLASS_NX, COOKIE) && self.body.left() == length
    }

    /// The field of 1.3 that this is. As on 1.3, one with a mask that 1.3 doesn't give it is kept as it came.
    fn known(&self) -> Option<Field> {
        let field = if self.class == CLASS_BASIC {
            Field::from_number(self.number)
        } else {
            TWINS
                .iter()
                .find(|&&(_, class, number)| (class, number) == (self.class, self.number))
                .map(|&(field, ..)| field)
        };
        field.filter(|field| !self.has_mask || field.maskable())
    }

    /// The value and the mask, each of `size` bytes; without a mask, all bits count.
    fn numbers(&mut self, size: u8) -> Result<(u128, u128), DecodeError> {
        let size = usize::from(size);
        let length = self.body.left();
        if length != size * (1 + usize::from(self.has_mask)) {
            let problem = Problem::Length(length);
            return Err(self.body.error_at(self.at + 3, "nxm_length", problem));
        }
        let value = self.body.number("nxm_value", size)?;
        let mask = if self.has_mask {
            self.body.number("nxm_mask", size)?
        } else {
            u128::MAX
        };
        Ok((value, mask))
    }

    fn raise(&mut self, field: Field) -> Result<Masked, DecodeError> {
        let at = self.body.offset();
        let form = Form::of(field, self.class);
        let (wire, mask) = self.numbers(form.size(field))?;
        if wire & mask & form.strays(field) != 0 {
            let problem = Problem::Value(u64::try_from(wire).unwrap_or(u64::MAX));
            return Err(self.body.error_at(at, field.name(), problem));
        }
        Ok(Masked::new(form.raise(wire), mask & field.full_mask()))
    }

    fn into_raw(mut self) -> RawOxm {
        RawOxm {
            class: self.class,
            field: self.number,
            has_mask: self.has_mask,
            payload: self.body.rest(),
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Terms {
    pattern: Pattern,
    /// One bit for each field: the pattern itself leaves out those whose mask is 0.
    seen: u64,
}

impl Terms {
    fn add(&mut self, mut tlv: Tlv) -> Result<(), DecodeError> {
        if (tlv.class, tlv.number) == (CLASS_OF, VLAN_TCI) {
            return self.add_vlan(tlv);
        }
        match tlv.known() {
            Some(field) => {
                let masked = tlv.raise(field)?;
                self.require(field, masked, &tlv)?;
            }
            None => self.pattern.push_unknown(tlv.into_raw()),
        }
        Ok(())
    }

    fn add_vlan(&mut self, mut tlv: Tlv) -> Result<(), DecodeError> {
        let whole = tlv.body.clone();
        let (value, mask) = tlv.numbers(2)?;
        match vlan::raise(Masked::new(value, mask & 0xffff)) {
            Some(vlan) => {
                for (field, masked) in vlan.terms() {
                    self.require(field, masked, &tlv)?;
                }
            }
            None => {
                tlv.body = whole;
                self.pattern.push_unknown(tlv.into_raw());
            }
        }
        Ok(())
    }

    fn require(&mut self, field: Field, masked: Masked, tlv: &Tlv) -> Result<(), DecodeError> {
        let bit = 1 << field.number();
        if self.seen & bit != 0 {
            return Err(tlv.body.error_at(tlv.at, field.name(), Problem::Duplicate));
        }
        self.seen |= bit;
        self.pattern.set(field, masked.value(), masked.mask());
        Ok(())
    }

    /// `fields` is what was read, from `start` on.
    fn finish(self, fields: &Reader, start: usize) -> Result<Pattern, DecodeError> {
        let mut keys: Vec<_> = self.pattern.unknown().iter().map(key).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(fields.error_at(start, "match", Problem::Duplicate));
        }
        Ok(self.pattern)
    }
}

/// What tells fields apart: with experimenters also whose it is, with which the payload begins (OF 1.3.5 §7.2.3.8), and
/// with Nicira's also the length, since one number stands for two fields.
fn key(oxm: &RawOxm) -> (u16, u8, usize, Option<&[u8]>) {
    let experimenter = match oxm.class {
        CLASS_EXPERIMENTER => oxm.payload.get(..4),
        _ => None,
    };
    let size = oxm.payload.len() / (1 + usize::from(oxm.has_mask));
    (oxm.class, oxm.field, size, experimenter)
}

/// Appends fields one after the other, in the order of 1.3's numbers, which puts every prerequisite before what needs it.
pub(super) fn encode(pattern: &Pattern, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    for (field, masked) in pattern.fields() {
        match field {
            Field::VlanVid => encode_vlan(vlan::lower(pattern)?, buffer),
            // It stood in the one field of both.
            Field::VlanPcp if pattern.get(Field::VlanVid).is_some() => {}
            Field::VlanPcp => return Err(vlan::untagged_priority()),
            _ => encode_field(field, masked, buffer)?,
        }
    }
    pattern
        .unknown()
        .iter()
        .try_for_each(|oxm| tlv::put_raw(oxm, Version::V10, buffer))
}

fn encode_vlan(tci: Masked, buffer: &mut BytesMut) {
    let mask = (tci.mask() != vlan::TCI).then_some(tci.mask());
    tlv::put_field(CLASS_OF, VLAN_TCI, tci.value(), mask, 2, buffer);
}

fn encode_field(field: Field, masked: Masked, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let has_mask = masked.mask() != field.full_mask();
    if has_mask && !field.maskable() {
        return Err(unsupported(format!(
            "a mask on the match field {}",
            field.name()
        )));
    }
    let (class, number) = TWINS
        .iter()
        .find(|(twin, ..)| *twin == field)
        .map_or((CLASS_BASIC, field.number()), |&(_, class, number)| {
            (class, number)
        });
    let form = Form::of(field, class);
    let value = form.lower(masked.value())?;
    let mask = has_mask.then_some(masked.mask());
    tlv::put_field(class, number, value, mask, form.size(field), buffer);
    Ok(())
}

/// Appends a cookie, of which the bits of `mask` are compared.
pub(super) fn encode_cookie(cookie: u64, mask: u64, buffer: &mut BytesMut) {
    let mask = (mask != u64::MAX).then_some(mask.into());
    tlv::put_field(CLASS_NX, COOKIE, cookie.into(), mask, 8, buffer);
}
