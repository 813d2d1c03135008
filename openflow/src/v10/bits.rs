//! Sets of bits that 1.0 and 1.3 number differently: `ofp_capabilities` (OF 1.0.2 §5.3.1), `ofp_port_config`,
//! `ofp_port_state` and `ofp_port_features` (§5.2.1).
//!
//! A bit that means something in both versions has 1.3's number in the model, every other of 1.0's 32 bits stands 32
//! places higher there. So each bit of 1.0 has one place in the model, and no two share one.

#[cfg(test)]
mod tests;

use super::unsupported;
use crate::error::Unsupported;
use crate::model::bits::{ONLY_1_0_SHIFT, capability, port_config, port_feature, port_state};

/// One of 1.0's sets of bits.
pub(super) struct BitSet {
    /// What one of its bits is called in a refusal.
    what: &'static str,
    /// Bits that mean the same in both versions: 1.0's, and the model's.
    shared: &'static [(u32, u64)],
    /// The names of bits that 1.0 has not.
    foreign: &'static [(u64, &'static str)],
}

pub(super) const CAPABILITIES: BitSet = BitSet {
    what: "capability",
    shared: &[
        (1, capability::FLOW_STATS),
        (1 << 1, capability::TABLE_STATS),
        (1 << 2, capability::PORT_STATS),
        (1 << 5, capability::IP_REASSEMBLY),
        (1 << 6, capability::QUEUE_STATS),
    ],
    foreign: &[
        (capability::GROUP_STATS, "group statistics"),
        (capability::PORT_BLOCKED, "port blocked"),
    ],
};

pub(super) const PORT_CONFIG: BitSet = BitSet {
    what: "port configuration",
    shared: &[
        (1, port_config::PORT_DOWN),
        (1 << 2, port_config::NO_RECEIVE),
        (1 << 5, port_config::NO_FORWARD),
        (1 << 6, port_config::NO_PACKET_IN),
    ],
    foreign: &[],
};

pub(super) const PORT_STATE: BitSet = BitSet {
    what: "port state",
    shared: &[(1, port_state::LINK_DOWN)],
    foreign: &[(port_state::BLOCKED, "blocked"), (port_state::LIVE, "live")],
};

pub(super) const PORT_FEATURES: BitSet = BitSet {
    what: "port feature",
    shared: &[
        (1, port_feature::SPEED_10_MB_HALF_DUPLEX),
        (1 << 1, port_feature::SPEED_10_MB),
        (1 << 2, port_feature::SPEED_100_MB_HALF_DUPLEX),
        (1 << 3, port_feature::SPEED_100_MB),
        (1 << 4, port_feature::SPEED_1_GB_HALF_DUPLEX),
        (1 << 5, port_feature::SPEED_1_GB),
        (1 << 6, port_feature::SPEED_10_GB),
        (1 << 7, port_feature::COPPER),
        (1 << 8, port_feature::FIBER),
        (1 << 9, port_feature::AUTO_NEGOTIATION),
        (1 << 10, port_feature::PAUSE),
        (1 << 11, port_feature::ASYMMETRIC_PAUSE),
    ],
    foreign: &[
        (port_feature::SPEED_40_GB, "40 Gb/s"),
        (port_feature::SPEED_100_GB, "100 Gb/s"),
        (port_feature::SPEED_1_TB, "1 Tb/s"),
        (port_feature::SPEED_OTHER, "of another speed"),
    ],
};

impl BitSet {
    /// The model's bits of 1.0's.
    pub(super) fn raise(&self, wire: u32) -> u64 {
        let mut only = wire;
        let mut raised = 0;
        for &(bit, neutral) in self.shared {
            if wire & bit != 0 {
                only &= !bit;
                raised |= neutral;
            }
        }
        raised | u64::from(only) << ONLY_1_0_SHIFT
    }

    /// 1.0's bits of the model's; the lowest that it can't say is named.
    pub(super) fn lower(&self, bits: u64) -> Result<u32, Unsupported> {
        let mut lowered = (bits >> ONLY_1_0_SHIFT) as u32;
        let mut left = bits & u64::from(u32::MAX);
        for &(bit, _) in self.shared {
            // 32 bits higher would be a second place for a bit that has one.
            left |= u64::from(lowered & bit) << ONLY_1_0_SHIFT;
            lowered &= !bit;
        }
        for &(bit, neutral) in self.shared {
            if left & neutral != 0 {
                left &= !neutral;
                lowered |= bit;
            }
        }
        if left == 0 {
            return Ok(lowered);
        }
        let lowest = 1 << left.trailing_zeros();
        Err(unsupported(
            match self.foreign.iter().find(|(bit, _)| *bit == lowest) {
                Some((_, name)) => format!("the {} `{name}`", self.what),
                None => format!("the {} {lowest:#x}", self.what),
            },
        ))
    }
}
