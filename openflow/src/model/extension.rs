//! What experimenters added and Open vSwitch speaks: bundles (ONF EXT-230), flow monitors (ONF EXT-187), and Nicira's
//! flow entries with their ages. Nicira's roles are [`super::role`].

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::action::Instruction;
use super::hex;
use super::outbound::ToSwitch;
use super::pattern::Pattern;
use super::rule::FlowRule;
use crate::types::{BundleId, Cookie, PortNo, TableId, Xid};

/// A step in the life of a bundle (ONF EXT-230, `onf_bundle_ctrl_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BundleStep {
    /// Open it.
    OpenRequest,
    /// It is open.
    OpenReply,
    /// No message follows.
    CloseRequest,
    /// It is closed.
    CloseReply,
    /// Put all of it in force.
    CommitRequest,
    /// All of it is in force.
    CommitReply,
    /// Forget it.
    DiscardRequest,
    /// It is forgotten.
    DiscardReply,
    /// Some other number.
    Unknown(u16),
}

/// How a bundle is put in force (ONF EXT-230, `onf_bundle_flags`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BundleFlags(pub u16);

impl BundleFlags {
    /// All or nothing, and no packet sees a part of it.
    pub const ATOMIC: Self = Self(1);
    /// In the order of the messages.
    pub const ORDERED: Self = Self(1 << 1);
}

/// Opens, closes, commits or discards a bundle, or says that this was done (ONF EXT-230, `onf_bundle_ctrl_msg`). Not in 1.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleControl {
    /// Which bundle.
    pub bundle: BundleId,
    /// What to do, or what was done.
    pub step: BundleStep,
    /// How it is put in force.
    pub flags: BundleFlags,
    /// Properties, as they came.
    #[serde(with = "hex", default)]
    pub properties: Bytes,
}

/// Adds a message to a bundle (ONF EXT-230, `onf_bundle_add_msg`). Not in 1.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleAdd {
    /// Which bundle.
    pub bundle: BundleId,
    /// As when it was opened.
    pub flags: BundleFlags,
    /// The transaction id of the message; that of the message around it must be the same.
    pub xid: Xid,
    /// The message.
    #[serde(deserialize_with = "ToSwitch::within")]
    pub message: Box<ToSwitch>,
    /// Properties, as they came.
    #[serde(with = "hex", default)]
    pub properties: Bytes,
}

/// What a flow monitor reports (ONF EXT-187, `onf_flow_monitor_flags`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MonitorFlags(pub u16);

impl MonitorFlags {
    /// The entries that are there at first.
    pub const INITIAL: Self = Self(1);
    /// New entries.
    pub const ADD: Self = Self(1 << 1);
    /// Entries that go.
    pub const DELETE: Self = Self(1 << 2);
    /// Entries that change.
    pub const MODIFY: Self = Self(1 << 3);
    /// With their actions.
    pub const ACTIONS: Self = Self(1 << 4);
    /// What this controller itself changes, in full.
    pub const OWN: Self = Self(1 << 5);
}

/// Asks to be told of changes of flow entries (ONF EXT-187, `onf_flow_monitor_request`). Not in 1.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowMonitor {
    /// The monitor's number.
    pub monitor: u32,
    /// What to report.
    pub flags: MonitorFlags,
    /// Entries that output here.
    pub out_port: Option<PortNo>,
    /// Of this table, or of all.
    pub table: TableId,
    /// That this pattern covers.
    pub pattern: Pattern,
}

/// What has happened to a flow entry (ONF EXT-187, `onf_flow_update_event`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowEvent {
    /// It is new, or was there at first.
    Added,
    /// It is gone.
    Deleted,
    /// It has changed.
    Modified,
}

/// A change that a flow monitor reports (ONF EXT-187, `onf_flow_update_header`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FlowUpdate {
    /// An entry in full (`onf_flow_update_full`).
    Full {
        /// What has happened.
        event: FlowEvent,
        /// Why it is gone: `ofp_flow_removed_reason`; 0 otherwise.
        reason: u16,
        /// Its table.
        table: TableId,
        /// Its priority.
        priority: u16,
        /// Its idle timeout in seconds.
        idle_timeout: u16,
        /// Its hard timeout in seconds.
        hard_timeout: u16,
        /// Its cookie.
        cookie: Cookie,
        /// What it matches.
        pattern: Pattern,
        /// What it does, where that was asked for.
        instructions: Vec<Instruction>,
    },
    /// This controller's own message has taken effect (`onf_flow_update_abbrev`).
    Abbreviated {
        /// The message's transaction id.
        xid: Xid,
    },
    /// An update that this model has no word for, kept as it came.
    Unknown {
        /// The event's number on the wire.
        event: u16,
        /// Everything after the four bytes of length and event.
        #[serde(with = "hex")]
        body: Bytes,
    },
}

/// A flow entry with its counters and ages (Nicira's `nx_flow_stats`). Only in 1.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgedFlowStats {
    /// The entry.
    pub rule: FlowRule,
    /// How long it has lived, in nanoseconds.
    pub duration_ns: u64,
    /// Packets it has counted; `None` where the switch does not keep them.
    pub packets: Option<u64>,
    /// Bytes it has counted; `None` where the switch does not keep them.
    pub bytes: Option<u64>,
    /// Seconds since a packet matched it last, at most 65,534; `None` where the switch does not say.
    pub idle_age: Option<u16>,
    /// Seconds since it was last changed, at most 65,534; `None` where the switch does not say.
    pub hard_age: Option<u16>,
}
