//! The version-neutral vocabulary: what everything above the wire speaks.
//!
//! It is shaped like OpenFlow 1.3, the richer version. What 1.0 can't say is refused when a
//! message is lowered ([`crate::Unsupported`]): tables other than 0, instructions other than
//! apply-actions, groups, meters, masks on anything but IPv4 addresses, IPv6 and most of the
//! fields of 1.3's extensible match.

pub mod action;
pub mod inbound;
pub mod outbound;
pub mod pattern;
pub mod rule;
pub mod stats;

pub use action::{Action, Instruction};
pub use inbound::{
    ErrorReport, Features, FlowRemoved, FlowRemovedReason, FromSwitch, PacketIn, PacketInReason,
    Port, PortStatus, PortStatusReason, SwitchConfig,
};
pub use outbound::{PacketOut, StatsRequest, ToSwitch};
pub use pattern::{Field, Masked, Pattern, RawOxm};
pub use rule::{FlowCommand, FlowFlags, FlowMod, FlowRule};
pub use stats::{AggregateStats, Description, FlowStats, PortStats, StatsReply, TableStats};
