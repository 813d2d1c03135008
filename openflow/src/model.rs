//! The version-neutral vocabulary: what everything above the wire speaks.
//!
//! It is shaped like OpenFlow 1.3, the richer version. What 1.0 can't say is refused when a
//! message is lowered ([`crate::Unsupported`]): tables other than 0, instructions other than
//! apply-actions, groups, meters, masks on anything but IPv4 addresses, IPv6 and most of the
//! fields of 1.3's extensible match.

pub mod action;
pub mod bits;
pub mod extension;
pub mod group;
pub(crate) mod hex;
pub mod inbound;
pub mod meter;
pub mod outbound;
pub mod pattern;
pub mod queue;
pub mod role;
pub mod rule;
pub mod stats;
pub mod table;
pub(crate) mod text;

pub use action::{Action, Instruction};
pub use extension::{
    AgedFlowStats, BundleAdd, BundleControl, BundleFlags, BundleStep, FlowEvent, FlowMonitor,
    FlowUpdate, MonitorFlags,
};
pub use group::{
    Bucket, BucketStats, GroupCommand, GroupDescription, GroupFeatures, GroupMod, GroupStats,
    GroupType,
};
pub use inbound::{
    ErrorReport, Features, FlowRemoved, FlowRemovedReason, FromSwitch, HelloElement, PacketIn,
    PacketInReason, Port, PortStatus, PortStatusReason, SwitchConfig,
};
pub use meter::{
    MeterBand, MeterBandStats, MeterCommand, MeterConfig, MeterFeatures, MeterFlags, MeterMod,
    MeterStats,
};
pub use outbound::{FlowFilter, PacketOut, PortMod, StatsRequest, ToSwitch};
pub use pattern::{Field, Masked, Pattern, RawOxm};
pub use queue::{QueueConfig, QueueConfigReply, QueueFilter, QueueProperty, QueueStats};
pub use role::{AsyncConfig, Role, RoleMessage};
pub use rule::{FlowCommand, FlowFlags, FlowMod, FlowRule, Identity, OwnedIdentity};
pub use stats::{AggregateStats, Description, FlowStats, PortStats, StatsReply, TableStats};
pub use table::{Entries, FieldId, KindId, TableFeatures, TableMod, TableProperty};
