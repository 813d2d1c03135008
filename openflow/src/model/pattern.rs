//! What a flow entry matches: a set of header fields, each with a value and a mask.

pub mod field;
mod prerequisites;
mod terms;
mod text;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

pub use field::Field;
pub use prerequisites::MissingPrerequisite;
pub(crate) use text::FieldValue;
pub use text::PatternError;

use terms::Terms;

use crate::types::{MacAddr, PortNo};

/// A field's value under a mask, both right-aligned (OF 1.3.5 §7.2.3.5). Bits outside the mask are 0 in the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Masked {
    value: u128,
    mask: u128,
}

impl Masked {
    /// `value` in the bits of `mask`; the value's other bits are cleared.
    #[must_use]
    pub const fn new(value: u128, mask: u128) -> Self {
        Self {
            value: value & mask,
            mask,
        }
    }

    /// The value; 0 where the mask is 0.
    #[must_use]
    pub const fn value(self) -> u128 {
        self.value
    }

    /// The bits that are compared.
    #[must_use]
    pub const fn mask(self) -> u128 {
        self.mask
    }

    /// Whether every value that `other` admits is admitted here.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.mask & other.mask == self.mask && other.value & self.mask == self.value
    }

    /// Whether some value is admitted by both.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        (self.value ^ other.value) & self.mask & other.mask == 0
    }
}

/// A match field that this library doesn't know, kept as it came (OF 1.3.5 §7.2.3.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawOxm {
    /// The OXM class.
    pub class: u16,
    /// The field's number within the class, 7 bits.
    pub field: u8,
    /// Whether the payload holds a mask in its second half.
    pub has_mask: bool,
    /// The payload.
    pub payload: Bytes,
}

/// What a flow entry matches (OF 1.3.5 §7.2.3): every field named here, none other.
///
/// The empty pattern matches every packet. A field whose mask is 0 is left out, so patterns that
/// admit the same packets are equal, prerequisites apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pattern {
    fields: Terms,
    unknown: Vec<RawOxm>,
}

impl Pattern {
    /// Matches every packet.
    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }

    /// Matches every packet, with room for `count` known fields, so that no more is allocated while they are set.
    #[inline]
    pub(crate) fn with_room(count: usize) -> Self {
        Self {
            fields: Terms::with_room(count),
            unknown: Vec::new(),
        }
    }

    /// Requires all bits of `field` to be those of `value`; bits beyond the field's width are dropped.
    #[must_use]
    #[inline]
    pub fn with(self, field: Field, value: u128) -> Self {
        self.with_masked(field, value, field.full_mask())
    }

    /// Requires the bits of `field` under `mask` to be those of `value`.
    #[must_use]
    #[inline]
    pub fn with_masked(mut self, field: Field, value: u128, mask: u128) -> Self {
        self.set(field, value, mask);
        self
    }

    /// Requires the bits of `field` under `mask` to be those of `value`, instead of what was required before.
    #[inline]
    pub fn set(&mut self, field: Field, value: u128, mask: u128) {
        let masked = Masked::new(value, mask & field.full_mask());
        if masked.mask() == 0 {
            self.fields.remove(field);
        } else {
            self.fields.insert(field, masked);
        }
    }

    /// Requires nothing of `field` any more.
    pub fn remove(&mut self, field: Field) -> Option<Masked> {
        self.fields.remove(field)
    }

    /// Adds a field that this library doesn't know.
    pub fn push_unknown(&mut self, oxm: RawOxm) {
        self.unknown.push(oxm);
    }

    /// What is required of `field`.
    #[must_use]
    #[inline]
    pub fn get(&self, field: Field) -> Option<Masked> {
        self.fields.get(field)
    }

    /// The value of `field`, if all its bits are required.
    #[must_use]
    #[inline]
    pub fn exact(&self, field: Field) -> Option<u128> {
        self.get(field)
            .filter(|masked| masked.mask() == field.full_mask())
            .map(Masked::value)
    }

    /// The one ingress port whose packets match, if it asks for one.
    #[must_use]
    pub fn ingress_port(&self) -> Option<PortNo> {
        let port = self.exact(Field::InPort)?;
        u32::try_from(port).ok().map(PortNo)
    }

    /// The known fields, in the order of their OXM numbers.
    pub fn fields(&self) -> impl Iterator<Item = (Field, Masked)> + '_ {
        self.fields.iter()
    }

    /// The fields that this library doesn't know, in the order they came.
    #[must_use]
    pub fn unknown(&self) -> &[RawOxm] {
        &self.unknown
    }

    /// Whether every packet matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.unknown.is_empty()
    }

    /// Whether every packet that `other` matches is matched here too.
    ///
    /// Unknown fields are compared as bytes: they cover only themselves, so the answer errs
    /// towards `false`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.fields.iter().all(|(field, mine)| {
            other
                .fields
                .get(field)
                .is_some_and(|theirs| mine.covers(theirs))
        }) && self.unknown.iter().all(|oxm| other.unknown.contains(oxm))
    }

    /// Whether some packet may be matched by both; unknown fields are taken to overlap.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.fields.iter().all(|(field, mine)| {
            other
                .fields
                .get(field)
                .is_none_or(|theirs| mine.overlaps(theirs))
        })
    }

    /// The packets that both match; `None` when there are none.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        if !self.overlaps(other) {
            return None;
        }
        let mut both = self.clone();
        for (field, theirs) in other.fields() {
            let mine = both.get(field).unwrap_or(Masked::new(0, 0));
            both.set(
                field,
                mine.value() | theirs.value(),
                mine.mask() | theirs.mask(),
            );
        }
        for oxm in &other.unknown {
            if !both.unknown.contains(oxm) {
                both.unknown.push(oxm.clone());
            }
        }
        Some(both)
    }
}

/// Readable constructors for the fields that forwarding uses.
impl Pattern {
    /// Packets that came in on `port`.
    #[must_use]
    #[inline]
    pub fn in_port(self, port: PortNo) -> Self {
        self.with(Field::InPort, port.0.into())
    }

    /// Packets to this station.
    #[must_use]
    pub fn eth_dst(self, mac: MacAddr) -> Self {
        self.with(Field::EthDst, mac.to_u64().into())
    }

    /// Packets from this station.
    #[must_use]
    pub fn eth_src(self, mac: MacAddr) -> Self {
        self.with(Field::EthSrc, mac.to_u64().into())
    }

    /// Packets of this ethertype.
    #[must_use]
    pub fn eth_type(self, ethertype: u16) -> Self {
        self.with(Field::EthType, ethertype.into())
    }

    /// Packets from this IPv4 address; the ethertype is for the caller to set.
    #[must_use]
    pub fn ipv4_src(self, address: Ipv4Addr) -> Self {
        self.with(Field::Ipv4Src, u32::from(address).into())
    }

    /// Packets to this IPv4 address; the ethertype is for the caller to set.
    #[must_use]
    pub fn ipv4_dst(self, address: Ipv4Addr) -> Self {
        self.with(Field::Ipv4Dst, u32::from(address).into())
    }

    /// Packets to this IPv6 address; the ethertype is for the caller to set.
    #[must_use]
    pub fn ipv6_dst(self, address: Ipv6Addr) -> Self {
        self.with(Field::Ipv6Dst, u128::from(address))
    }
}
