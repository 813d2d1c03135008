//! Several controllers on one switch: roles, and who is told what (OF 1.3.5 §6.3.5, §7.3.9, §7.3.10).
//!
//! In 1.0 the role is Nicira's extension, which Open vSwitch has; there is no generation there.

use serde::{Deserialize, Serialize};

/// What a controller is to a switch (OF 1.3.5 §7.3.9, `ofp_controller_role`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// As it was: only asks. Not in 1.0.
    NoChange,
    /// One of several with full access; called "other" by Nicira's extension.
    Equal,
    /// The only one with full access beside the equal ones.
    Master,
    /// Reads only.
    Slave,
    /// Some other number.
    Unknown(u32),
}

/// A ROLE_REQUEST, or the reply (OF 1.3.5 §7.3.9, `ofp_role_request`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleMessage {
    /// The role wished for, or held.
    pub role: Role,
    /// Orders the elections of a master. Always there in 1.3, where all ones mean that there is none yet; never in 1.0.
    pub generation: Option<u64>,
}

/// Which asynchronous messages a controller gets (OF 1.3.5 §7.3.10, `ofp_async_config`). In each pair the first is for the
/// roles equal and master, the second for slave; one bit for each reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AsyncConfig {
    /// By `ofp_packet_in_reason`.
    pub packet_in: [u32; 2],
    /// By `ofp_port_reason`.
    pub port_status: [u32; 2],
    /// By `ofp_flow_removed_reason`.
    pub flow_removed: [u32; 2],
}
