//! Groups and meters.

use std::fmt::{self, Display, Formatter};

use super::flow::Actions;
use super::{Bits, Hex, Name, Seconds, experimenter, joined};
use crate::model::{
    Bucket, GroupCommand, GroupDescription, GroupFeatures, GroupMod, GroupStats, GroupType,
    MeterBand, MeterCommand, MeterConfig, MeterFeatures, MeterFlags, MeterMod, MeterStats,
};
use crate::types::{GroupId, MeterId};

/// The names of group types, at the index of their numbers.
const TYPES: [&str; 4] = ["all", "select", "indirect", "fast_failover"];

impl Display for GroupType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str(TYPES[0]),
            Self::Select => f.write_str(TYPES[1]),
            Self::Indirect => f.write_str(TYPES[2]),
            Self::FastFailover => f.write_str(TYPES[3]),
            Self::Unknown(number) => write!(f, "{number}"),
        }
    }
}

/// The number of a group, or what stands for several.
pub(super) struct Group(pub(super) GroupId);

impl Display for Group {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            GroupId::ALL => f.write_str("ALL"),
            GroupId::ANY => f.write_str("ANY"),
            GroupId(number) => write!(f, "{number}"),
        }
    }
}

impl Display for Bucket {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("bucket=")?;
        if self.weight != 0 {
            write!(f, "weight:{},", self.weight)?;
        }
        if let Some(port) = self.watch_port {
            write!(f, "watch_port:{},", Name(port))?;
        }
        if let Some(group) = self.watch_group {
            write!(f, "watch_group:{},", Group(group))?;
        }
        write!(f, "actions={}", Actions(&self.actions))
    }
}

fn group(
    f: &mut Formatter<'_>,
    group: GroupId,
    group_type: GroupType,
    buckets: &[Bucket],
) -> fmt::Result {
    write!(f, "group_id={},type={group_type}", Group(group))?;
    buckets.iter().try_for_each(|bucket| write!(f, ",{bucket}"))
}

impl Display for GroupCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "ADD",
            Self::Modify => "MOD",
            Self::Delete => "DEL",
        })
    }
}

impl Display for GroupMod {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.command)?;
        group(f, self.group, self.group_type, &self.buckets)
    }
}

impl Display for GroupDescription {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        group(f, self.group, self.group_type, &self.buckets)
    }
}

impl Display for GroupStats {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "group_id={},duration={},ref_count={},packet_count={},byte_count={}",
            Group(self.group),
            Seconds(self.duration_ns),
            self.references,
            self.packets,
            self.bytes,
        )?;
        for (number, bucket) in self.buckets.iter().enumerate() {
            let (packets, bytes) = (bucket.packets, bucket.bytes);
            write!(
                f,
                ",bucket{number}:packet_count={packets},byte_count={bytes}"
            )?;
        }
        Ok(())
    }
}

/// OF 1.3.5 §7.3.5.10, ofp_group_capabilities.
const GROUP_CAPABILITIES: &[(u64, &str)] = &[
    (1, "select_weight"),
    (1 << 1, "select_liveness"),
    (1 << 2, "chaining"),
    (1 << 3, "chaining_checks"),
];

impl Display for GroupFeatures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let types = [
            (1, TYPES[0]),
            (1 << 1, TYPES[1]),
            (1 << 2, TYPES[2]),
            (1 << 3, TYPES[3]),
        ];
        write!(
            f,
            "types: {}, capabilities: {}",
            Bits(self.types.into(), &types),
            Bits(self.capabilities.into(), GROUP_CAPABILITIES),
        )?;
        for ((name, most), actions) in TYPES.iter().zip(self.max_groups).zip(self.actions) {
            write!(f, ", {name}: max_groups={most} actions={actions:#010x}")?;
        }
        Ok(())
    }
}

/// The number of a meter, or what stands for several or for what is no entry's.
pub(super) struct Meter(pub(super) MeterId);

impl Display for Meter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            MeterId::SLOW_PATH => f.write_str("slowpath"),
            MeterId::CONTROLLER => f.write_str("controller"),
            MeterId::ALL => f.write_str("all"),
            MeterId(number) => write!(f, "{number}"),
        }
    }
}

const METER_FLAGS: &[(u64, &str)] = &[
    (1, "kbps"),
    (1 << 1, "pktps"),
    (1 << 2, "burst"),
    (1 << 3, "stats"),
];

impl Display for MeterFlags {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Bits(self.0.into(), METER_FLAGS).fmt(f)
    }
}

impl Display for MeterBand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sizes = |f: &mut Formatter<'_>, name, rate, burst| {
            write!(f, "type={name} rate={rate}")?;
            match burst {
                0 => Ok(()),
                burst => write!(f, " burst_size={burst}"),
            }
        };
        match self {
            Self::Drop { rate, burst } => sizes(f, "drop", *rate, *burst),
            Self::DscpRemark {
                rate,
                burst,
                precedence_level,
            } => {
                sizes(f, "dscp_remark", *rate, *burst)?;
                write!(f, " prec_level={precedence_level}")
            }
            Self::Experimenter {
                rate,
                burst,
                experimenter: whose,
                body,
            } => {
                sizes(f, "experimenter", *rate, *burst)?;
                f.write_str(" ")?;
                experimenter(f, *whose, body)
            }
            Self::Unknown { band_type, body } => {
                write!(f, "type={band_type} body={}", Hex(body))
            }
        }
    }
}

fn meter(
    f: &mut Formatter<'_>,
    meter: MeterId,
    flags: MeterFlags,
    bands: &[MeterBand],
) -> fmt::Result {
    write!(f, "meter={} {flags} bands=", Meter(meter))?;
    match bands {
        [] => f.write_str("none"),
        bands => joined(f, bands, ", "),
    }
}

impl Display for MeterCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "ADD",
            Self::Modify => "MOD",
            Self::Delete => "DEL",
        })
    }
}

impl Display for MeterMod {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.command)?;
        meter(f, self.meter, self.flags, &self.bands)
    }
}

impl Display for MeterConfig {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        meter(f, self.meter, self.flags, &self.bands)
    }
}

impl Display for MeterStats {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "meter:{} flow_count:{} packet_in_count:{} byte_in_count:{} duration:{} bands:",
            Meter(self.meter),
            self.flows,
            self.packets,
            self.bytes,
            Seconds(self.duration_ns),
        )?;
        for (number, band) in self.bands.iter().enumerate() {
            let (packets, bytes) = (band.packets, band.bytes);
            write!(f, " {number}: packet_count:{packets} byte_count:{bytes}")?;
        }
        Ok(())
    }
}

/// OF 1.3.5 §7.3.4.4, ofp_meter_band_type: a bit for each number.
const BAND_TYPES: &[(u64, &str)] = &[(1 << 1, "drop"), (1 << 2, "dscp_remark")];

impl Display for MeterFeatures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "max_meter:{} max_bands:{} max_color:{} band_types: {} capabilities: {}",
            self.max_meters,
            self.max_bands,
            self.max_color,
            Bits(self.band_types.into(), BAND_TYPES),
            Bits(self.capabilities.into(), METER_FLAGS),
        )
    }
}
