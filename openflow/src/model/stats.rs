//! What a switch counts.

use bytes::Bytes;
use serde::Serialize;

use super::inbound::Port;
use super::rule::FlowRule;
use crate::types::PortNo;

/// The body of a statistics reply, or what several put together say.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A reply that this model has no word for.
    Unknown {
        /// The statistics type on the wire.
        stats_type: u16,
        /// Its body.
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
            Self::Description(_) | Self::Aggregate(_) | Self::Unknown { .. } => 1,
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
            (_, part) => return Err(part),
        }
        Ok(())
    }
}

/// A switch's description (OF 1.3.5 §7.3.5.1, `ofp_desc`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct AggregateStats {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// Entries.
    pub flows: u32,
}

/// What a table counts (OF 1.3.5 §7.3.5.4, OF 1.0.2 §5.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableStats {
    /// Its number.
    pub table: u8,
    /// Its name. Only in 1.0.
    pub name: Option<String>,
    /// How many entries it can hold. Only in 1.0.
    pub max_entries: Option<u32>,
    /// Bits of `ofp_flow_wildcards` that it supports. Only in 1.0.
    #[serde(skip)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
