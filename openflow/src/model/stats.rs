//! What a switch counts.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::extension::{AgedFlowStats, FlowUpdate};
use super::group::{GroupDescription, GroupFeatures, GroupStats};
use super::hex;
use super::inbound::Port;
use super::meter::{MeterConfig, MeterFeatures, MeterStats};
use super::queue::QueueStats;
use super::rule::FlowRule;
use super::table::TableFeatures;
use crate::types::PortNo;

/// The body of a statistics reply, or what several put together say (OF 1.3.5 §7.3.5, `ofp_multipart_reply`; OF 1.0.2
/// §5.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    content = "body",
    rename_all = "snake_case",
    deny_unknown_fields
)]
pub enum StatsReply {
    /// The switch's description.
    Description(Description),
    /// Flow entries, each with its counters.
    Flows(Vec<FlowStats>),
    /// The sums over flow entries.
    Aggregate(AggregateStats),
    /// Every table.
    Tables(Vec<TableStats>),
    /// Port counters.
    Ports(Vec<PortStats>),
    /// The ports themselves. Not in 1.0.
    PortDescription(Vec<Port>),
    /// The counters of queues.
    Queues(Vec<QueueStats>),
    /// The counters of groups. Not in 1.0.
    Groups(Vec<GroupStats>),
    /// The groups themselves. Not in 1.0.
    GroupDescription(Vec<GroupDescription>),
    /// What groups can do. Not in 1.0.
    GroupFeatures(GroupFeatures),
    /// The counters of meters. Not in 1.0.
    Meters(Vec<MeterStats>),
    /// The meters themselves. Not in 1.0.
    MeterConfig(Vec<MeterConfig>),
    /// What meters can do. Not in 1.0.
    MeterFeatures(MeterFeatures),
    /// What tables can do. Not in 1.0.
    TableFeatures(Vec<TableFeatures>),
    /// Changes of flow entries (ONF EXT-187). Not in 1.0.
    FlowMonitor(Vec<FlowUpdate>),
    /// Flow entries, each with its counters and ages (Nicira's `NXST_FLOW`). Only in 1.0.
    AgedFlows(Vec<AgedFlowStats>),
    /// An experimenter's (in 1.0: vendor's) reply, kept as bytes.
    Experimenter {
        /// Whose.
        experimenter: u32,
        /// The experimenter's type; 1.0 has none, and this is 0.
        exp_type: u32,
        /// The rest.
        #[serde(with = "hex")]
        body: Bytes,
    },
    /// A reply that this model has no word for.
    Unknown {
        /// The statistics type on the wire.
        stats_type: u16,
        /// Its body.
        #[serde(with = "hex")]
        body: Bytes,
    },
}

impl StatsReply {
    /// How many records this reply holds; 1 where it is a single record.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Flows(list) => list.len(),
            Self::Tables(list) => list.len(),
            Self::Ports(list) => list.len(),
            Self::PortDescription(list) => list.len(),
            Self::Queues(list) => list.len(),
            Self::Groups(list) => list.len(),
            Self::GroupDescription(list) => list.len(),
            Self::Meters(list) => list.len(),
            Self::MeterConfig(list) => list.len(),
            Self::TableFeatures(list) => list.len(),
            Self::FlowMonitor(list) => list.len(),
            Self::AgedFlows(list) => list.len(),
            Self::Description(_)
            | Self::Aggregate(_)
            | Self::GroupFeatures(_)
            | Self::MeterFeatures(_)
            | Self::Experimenter { .. }
            | Self::Unknown { .. } => 1,
        }
    }

    /// Whether it is a list without a record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Joins a later part of the same reply to this one.
    ///
    /// # Errors
    /// Gives the part back when it is of another kind, or of a kind that comes in one part.
    pub fn append(&mut self, part: Self) -> Result<(), Self> {
        match (self, part) {
            (Self::Flows(all), Self::Flows(mut part)) => all.append(&mut part),
            (Self::Tables(all), Self::Tables(mut part)) => all.append(&mut part),
            (Self::Ports(all), Self::Ports(mut part)) => all.append(&mut part),
            (Self::PortDescription(all), Self::PortDescription(mut part)) => all.append(&mut part),
            (Self::Queues(all), Self::Queues(mut part)) => all.append(&mut part),
            (Self::Groups(all), Self::Groups(mut part)) => all.append(&mut part),
            (Self::GroupDescription(all), Self::GroupDescription(mut part)) => {
                all.append(&mut part);
            }
            (Self::Meters(all), Self::Meters(mut part)) => all.append(&mut part),
            (Self::MeterConfig(all), Self::MeterConfig(mut part)) => all.append(&mut part),
            (Self::TableFeatures(all), Self::TableFeatures(mut part)) => all.append(&mut part),
            (Self::FlowMonitor(all), Self::FlowMonitor(mut part)) => all.append(&mut part),
            (Self::AgedFlows(all), Self::AgedFlows(mut part)) => all.append(&mut part),
            (_, part) => return Err(part),
        }
        Ok(())
    }
}

/// A switch's description (OF 1.3.5 §7.3.5.1, `ofp_desc`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Who made it.
    pub manufacturer: String,
    /// What hardware it is.
    pub hardware: String,
    /// What software it runs.
    pub software: String,
    /// Its serial number.
    pub serial: String,
    /// What a person calls this datapath.
    pub datapath: String,
}

/// A flow entry with its counters (OF 1.3.5 §7.3.5.2, `ofp_flow_stats`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowStats {
    /// The entry.
    pub rule: FlowRule,
    /// How long it has lived, in nanoseconds.
    pub duration_ns: u64,
    /// Packets it has counted.
    pub packets: u64,
    /// Bytes it has counted.
    pub bytes: u64,
}

/// The sums over flow entries (OF 1.3.5 §7.3.5.3, `ofp_aggregate_stats_reply`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AggregateStats {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// Entries.
    pub flows: u32,
}

/// What a table counts (OF 1.3.5 §7.3.5.4, OF 1.0.2 §5.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TableStats {
    /// Its number.
    pub table: u8,
    /// Its name. Only in 1.0.
    pub name: Option<String>,
    /// How many entries it can hold. Only in 1.0.
    pub max_entries: Option<u32>,
    /// Bits of `ofp_flow_wildcards` that it supports. Only in 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wildcards: Option<u32>,
    /// Entries in it now.
    pub active: u32,
    /// Packets looked up.
    pub lookups: u64,
    /// Packets that matched.
    pub matched: u64,
}

/// What a port counts (OF 1.3.5 §7.3.5.6, `ofp_port_stats`). A counter that the switch does not
/// keep is `None` (all ones on the wire).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PortStats {
    /// The port.
    #[serde(rename = "number")]
    pub port: PortNo,
    /// Packets received.
    pub rx_packets: Option<u64>,
    /// Packets sent.
    pub tx_packets: Option<u64>,
    /// Bytes received.
    pub rx_bytes: Option<u64>,
    /// Bytes sent.
    pub tx_bytes: Option<u64>,
    /// Packets dropped on reception.
    pub rx_dropped: Option<u64>,
    /// Packets dropped on sending.
    pub tx_dropped: Option<u64>,
    /// Reception errors, framing, overruns and CRC included.
    pub rx_errors: Option<u64>,
    /// Sending errors.
    pub tx_errors: Option<u64>,
    /// Frame alignment errors.
    pub rx_frame_errors: Option<u64>,
    /// Packets lost to receiver overrun.
    pub rx_overrun_errors: Option<u64>,
    /// CRC errors.
    pub rx_crc_errors: Option<u64>,
    /// Collisions.
    pub collisions: Option<u64>,
    /// How long the port has been there, in nanoseconds. Not in 1.0.
    pub duration_ns: Option<u64>,
}
