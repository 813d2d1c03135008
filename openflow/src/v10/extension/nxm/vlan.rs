//! `NXM_OF_VLAN_TCI`: the VLAN tag's 16 bits as one field, and 1.3's two fields for them.
//!
//! The priority stands in the upper three bits. The 13 below are those of `vlan_vid`: the canonical form indicator is
//! always set here where there is a tag, as `OFPVID_PRESENT` is. A packet without a tag has 16 zeros.

use super::super::super::consts::header;
use super::super::super::unsupported;
use crate::error::Unsupported;
use crate::model::{Field, Masked, Pattern};

/// All bits.
pub(super) const TCI: u128 = 0xffff;
/// The bits of `vlan_vid`.
const VID: u128 = 0x1fff;
/// Where those of `vlan_pcp` begin.
const PCP_SHIFT: u32 = 13;
/// Those of `vlan_pcp`, before they are shifted.
const PCP: u128 = 0b111;
/// The bit that says that there is a tag.
const PRESENT: u128 = header::VLAN_PRESENT as u128;

/// What 1.3 says instead.
#[derive(Clone, Copy)]
pub(super) struct Vlan {
    vid: Masked,
    pcp: Option<Masked>,
}

impl Vlan {
    pub(super) fn terms(self) -> impl Iterator<Item = (Field, Masked)> {
        let pcp = self.pcp.map(|pcp| (Field::VlanPcp, pcp));
        std::iter::once((Field::VlanVid, self.vid)).chain(pcp)
    }
}

/// `None` where 1.3 has no way to say it that [`lower`] turns into the same bytes again.
pub(super) fn raise(tci: Masked) -> Option<Vlan> {
    let none = Masked::new(0, VID);
    if tci == Masked::new(0, TCI) {
        return Some(Vlan {
            vid: none,
            pcp: None,
        });
    }
    let vid = Masked::new(tci.value() & VID, tci.mask() & VID);
    match tci.mask() >> PCP_SHIFT {
        0 if vid != none && vid.mask() != 0 => Some(Vlan { vid, pcp: None }),
        PCP if vid.value() & PRESENT != 0 => Some(Vlan {
            vid,
            pcp: Some(Masked::new(tci.value() >> PCP_SHIFT, PCP)),
        }),
        _ => None,
    }
}

/// Both fields of a pattern that has a `vlan_vid`.
pub(super) fn lower(pattern: &Pattern) -> Result<Masked, Unsupported> {
    let vid = pattern
        .get(Field::VlanVid)
        .unwrap_or_else(|| Masked::new(0, 0));
    match pattern.get(Field::VlanPcp) {
        None if vid == Masked::new(0, VID) => Ok(Masked::new(0, TCI)),
        None => Ok(vid),
        Some(_) if vid.value() & PRESENT == 0 => Err(untagged_priority()),
        Some(pcp) if pcp.mask() != PCP => Err(unsupported("a mask on the match field vlan_pcp")),
        Some(pcp) => Ok(Masked::new(
            pcp.value() << PCP_SHIFT | vid.value(),
            PCP << PCP_SHIFT | vid.mask(),
        )),
    }
}

/// A priority that packets without a tag would be asked for as well.
pub(super) fn untagged_priority() -> Unsupported {
    unsupported(
        "the match field vlan_pcp without a vlan_vid that has the bit 0x1000: add that to the match",
    )
}
