//! Queues of ports (OF 1.3.5 §7.2.2, OF 1.0.2 §5.2.2).

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::hex;
use crate::types::{PortNo, QueueId};

/// What is configured for a queue (OF 1.3.5 §7.2.2, `ofp_queue_prop_header`). Rates are in tenths of a percent of the
/// port's; above 1000 they are not set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum QueueProperty {
    /// The rate that it gets at least.
    MinRate {
        /// In tenths of a percent.
        rate: u16,
    },
    /// The rate that it gets at most. Not in 1.0.
    MaxRate {
        /// In tenths of a percent.
        rate: u16,
    },
    /// What an experimenter says. Not in 1.0.
    Experimenter {
        /// Whose.
        experimenter: u32,
        /// The rest.
        #[serde(with = "hex")]
        body: Bytes,
    },
    /// A property that this model has no word for, kept as it came.
    Unknown {
        /// The property's number on the wire.
        property: u16,
        /// Everything after the eight bytes of its header.
        #[serde(with = "hex")]
        body: Bytes,
    },
}

/// A queue as it is configured (OF 1.3.5 §7.2.2, `ofp_packet_queue`; OF 1.0.2 §5.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// Its number.
    pub queue: QueueId,
    /// Its port; 1.0 says that only once for all queues of a reply, and this is that one.
    pub port: PortNo,
    /// What is configured for it.
    pub properties: Vec<QueueProperty>,
}

/// The queues of a port (OF 1.3.5 §7.3.6, `ofp_queue_get_config_reply`; OF 1.0.2 §5.3.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfigReply {
    /// The port that was asked about.
    pub port: PortNo,
    /// Its queues.
    pub queues: Vec<QueueConfig>,
}

/// Which queues a statistics request is about (OF 1.3.5 §7.3.5.8, `ofp_queue_stats_request`; OF 1.0.2 §5.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueFilter {
    /// Of this port, or of all ([`PortNo::ANY`]).
    pub port: PortNo,
    /// This one, or all ([`QueueId::ALL`]).
    pub queue: QueueId,
}

/// What a queue has counted (OF 1.3.5 §7.3.5.8, `ofp_queue_stats`; OF 1.0.2 §5.3.5). A counter that the switch does not
/// keep is `None` (all ones on the wire).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct QueueStats {
    /// Its port.
    pub port: PortNo,
    /// Its number.
    pub queue: QueueId,
    /// Bytes sent.
    pub tx_bytes: Option<u64>,
    /// Packets sent.
    pub tx_packets: Option<u64>,
    /// Packets dropped for want of room.
    pub tx_errors: Option<u64>,
    /// How long it has been there, in nanoseconds. Not in 1.0.
    pub duration_ns: Option<u64>,
}
