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
