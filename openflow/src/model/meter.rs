//! Meters: rate limits that flow entries share (OF 1.3.5 §5.7). Not in 1.0.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::hex;
use crate::types::MeterId;

/// What a METER_MOD asks for (OF 1.3.5 §7.3.4.4, `ofp_meter_mod_command`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeterCommand {
    /// A new meter.
    Add,
    /// Other bands for a meter that is there.
    Modify,
    /// Delete one meter, or all ([`MeterId::ALL`]), and the flow entries that use them.
    Delete,
}

/// Flags of a meter (OF 1.3.5 §7.3.4.4, `ofp_meter_flags`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct MeterFlags(pub u16);

impl MeterFlags {
    /// Rates are in kilobits per second.
    pub const KBPS: Self = Self(1);
    /// Rates are in packets per second.
    pub const PKTPS: Self = Self(1 << 1);
    /// Bursts count.
    pub const BURST: Self = Self(1 << 2);
    /// Statistics are kept.
    pub const STATS: Self = Self(1 << 3);
}

/// What happens to packets above a rate (OF 1.3.5 §7.3.4.4, `ofp_meter_band_header`). Rates are in kilobits or packets per
/// second, bursts in kilobits or packets, according to the meter's flags.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum MeterBand {
    /// They are dropped.
    Drop {
        /// From this rate on.
        rate: u32,
        /// Size of bursts.
        burst: u32,
    },
    /// Their DSCP field is given a higher drop precedence.
    DscpRemark {
        /// From this rate on.
        rate: u32,
        /// Size of bursts.
        burst: u32,
        /// How many levels of drop precedence to add.
        precedence_level: u8,
    },
    /// What an experimenter says.
    Experimenter {
        /// From this rate on.
        rate: u32,
        /// Size of bursts.
        burst: u32,
        /// Whose.
        experimenter: u32,
        /// What follows the experimenter's number.
        #[serde(with = "hex")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        body: Bytes,
    },
    /// A band that this model has no word for, kept as it came.
    Unknown {
        /// The band's type on the wire.
        band_type: u16,
        /// Everything after the four bytes of type and length.
        #[serde(with = "hex")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        body: Bytes,
    },
}

/// A change of the meter table (OF 1.3.5 §7.3.4.4, `ofp_meter_mod`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterMod {
    /// What to do.
    pub command: MeterCommand,
    /// How rates are meant.
    pub flags: MeterFlags,
    /// Which meter.
    pub meter: MeterId,
    /// Its bands.
    pub bands: Vec<MeterBand>,
}

/// A meter as it stands in the switch (OF 1.3.5 §7.3.5.13, `ofp_meter_config`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MeterConfig {
    /// How rates are meant.
    pub flags: MeterFlags,
    /// Which meter.
    pub meter: MeterId,
    /// Its bands.
    pub bands: Vec<MeterBand>,
}

impl MeterConfig {
    /// Whether two meters of one number do the same. Rates are in kilobits where nothing is said, and the size of bursts
    /// means something only with the flag for it (OF 1.3.5 §7.3.4.4).
    #[must_use]
    pub fn does_the_same(&self, other: &Self) -> bool {
        self.meant() == other.meant()
    }

    fn meant(&self) -> (MeterFlags, Vec<MeterBand>) {
        let has = |flag: MeterFlags| self.flags.0 & flag.0 != 0;
        let mut flags = self.flags;
        if !has(MeterFlags::PKTPS) {
            flags.0 |= MeterFlags::KBPS.0;
        }
        let mut bands = self.bands.clone();
        if !has(MeterFlags::BURST) {
            for band in &mut bands {
                match band {
                    MeterBand::Drop { burst, .. }
                    | MeterBand::DscpRemark { burst, .. }
                    | MeterBand::Experimenter { burst, .. } => *burst = 0,
                    MeterBand::Unknown { .. } => {}
                }
            }
        }
        (flags, bands)
    }

    /// The message that makes it, changes it, or deletes it. What is deleted is named by its number alone: some switches
    /// refuse the rest.
    #[must_use]
    pub fn message(mut self, command: MeterCommand) -> MeterMod {
        if command == MeterCommand::Delete {
            self.bands.clear();
        }
        MeterMod {
            command,
            flags: self.flags,
            meter: self.meter,
            bands: self.bands,
        }
    }
}

/// What a band has counted (OF 1.3.5 §7.3.5.12, `ofp_meter_band_stats`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MeterBandStats {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What a meter has counted (OF 1.3.5 §7.3.5.12, `ofp_meter_stats`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MeterStats {
    /// Which meter.
    pub meter: MeterId,
    /// How many flow entries use it.
    pub flows: u32,
    /// Packets that came in.
    pub packets: u64,
    /// Bytes that came in.
    pub bytes: u64,
    /// How long it has been there, in nanoseconds.
    pub duration_ns: u64,
    /// Each of its bands, in order.
    pub bands: Vec<MeterBandStats>,
}

impl MeterStats {
    /// A meter of which nothing is known to have been counted, not even by band.
    #[must_use]
    pub const fn silent(meter: MeterId) -> Self {
        Self {
            meter,
            flows: 0,
            packets: 0,
            bytes: 0,
            duration_ns: 0,
            bands: Vec::new(),
        }
    }
}

/// What a switch's meters can do (OF 1.3.5 §7.3.5.14, `ofp_meter_features`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterFeatures {
    /// How many meters there may be.
    pub max_meters: u32,
    /// One bit for each band type that the switch has.
    pub band_types: u32,
    /// Bits of `ofp_meter_flags`.
    pub capabilities: u32,
    /// How many bands a meter may have.
    pub max_bands: u8,
    /// The highest colour value.
    pub max_color: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(flags: MeterFlags, rate: u32, burst: u32) -> MeterConfig {
        MeterConfig {
            flags,
            meter: MeterId(1),
            bands: vec![MeterBand::Drop { rate, burst }],
        }
    }

    #[test]
    fn meters_are_the_same_that_do_the_same() {
        const NONE: MeterFlags = MeterFlags(0);
        const BURST: MeterFlags = MeterFlags(MeterFlags::KBPS.0 | MeterFlags::BURST.0);
        for (one, other, same) in [
            (meter(NONE, 5, 0), meter(MeterFlags::KBPS, 5, 0), true),
            (meter(NONE, 5, 0), meter(MeterFlags::PKTPS, 5, 0), false),
            (meter(NONE, 5, 0), meter(NONE, 6, 0), false),
            (meter(NONE, 5, 0), meter(NONE, 5, 7), true),
            (meter(BURST, 5, 0), meter(BURST, 5, 7), false),
            (meter(NONE, 5, 0), meter(MeterFlags::STATS, 5, 0), false),
        ] {
            assert_eq!(one.does_the_same(&other), same, "{one:?} {other:?}");
        }
    }
}
