//! Flow entries, and the messages that change them.

use serde::{Deserialize, Serialize};

use super::action::{Action, Instruction};
use super::pattern::Pattern;
use crate::types::{BufferId, Cookie, GroupId, PortNo, TableId};

/// Flags of a flow entry (OF 1.3.5 §7.3.4.1, `ofp_flow_mod_flags`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct FlowFlags(pub u16);

impl FlowFlags {
    /// Nothing special.
    pub const NONE: Self = Self(0);
    /// Send a FLOW_REMOVED when the entry expires or is deleted.
    pub const SEND_FLOW_REMOVED: Self = Self(1);
    /// Refuse the entry when it overlaps one of the same priority.
    pub const CHECK_OVERLAP: Self = Self(1 << 1);
    /// Reset the counters of an entry that is overwritten. In 1.0 an overwrite always does; there
    /// this bit means "emergency" and is never sent.
    pub const RESET_COUNTS: Self = Self(1 << 2);
    /// Don't count packets. Not in 1.0.
    pub const NO_PACKET_COUNTS: Self = Self(1 << 3);
    /// Don't count bytes. Not in 1.0.
    pub const NO_BYTE_COUNTS: Self = Self(1 << 4);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a flow entry is to its switch: of two with the same table, priority and pattern there is only one (OF 1.3.5
/// §5.2).
pub type Identity<'a> = (TableId, u16, &'a Pattern);

/// The same, to be kept.
pub type OwnedIdentity = (TableId, u16, Pattern);

/// What identifies a flow entry within a switch, and what it does: an entry without its counters (OF 1.3.5 §5.2 and
/// §7.3.4.1, `ofp_flow_mod`; OF 1.0.2 §5.3.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FlowRule {
    /// The table it stands in; 0 in OpenFlow 1.0.
    pub table: TableId,
    /// Higher wins.
    pub priority: u16,
    /// What it matches.
    pub pattern: Pattern,
    /// Whose it is.
    pub cookie: Cookie,
    /// What it does; empty drops.
    pub instructions: Vec<Instruction>,
    /// Seconds without a packet until it expires; 0 is never.
    pub idle_timeout: u16,
    /// Seconds until it expires; 0 is never.
    pub hard_timeout: u16,
    /// How it behaves.
    pub flags: FlowFlags,
}

impl FlowRule {
    /// A permanent entry of table 0 that performs `actions`.
    #[must_use]
    pub fn new(priority: u16, pattern: Pattern, actions: Vec<Action>) -> Self {
        let instructions = if actions.is_empty() {
            Vec::new()
        } else {
            vec![Instruction::ApplyActions(actions)]
        };
        Self {
            table: TableId(0),
            priority,
            pattern,
            cookie: Cookie(0),
            instructions,
            idle_timeout: 0,
            hard_timeout: 0,
            flags: FlowFlags::NONE,
        }
    }

    /// The same entry with this owner.
    #[must_use]
    pub const fn with_cookie(mut self, cookie: Cookie) -> Self {
        self.cookie = cookie;
        self
    }

    /// The same entry with these flags.
    #[must_use]
    pub const fn with_flags(mut self, flags: FlowFlags) -> Self {
        self.flags = flags;
        self
    }

    /// What it is to its switch.
    #[must_use]
    pub const fn identity(&self) -> Identity<'_> {
        (self.table, self.priority, &self.pattern)
    }

    /// The same, to be kept.
    #[must_use]
    pub fn owned_identity(&self) -> OwnedIdentity {
        (self.table, self.priority, self.pattern.clone())
    }

    /// Whether both are the same entry to a switch: same table, priority and pattern.
    #[must_use]
    pub fn same_identity(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }

    /// Its apply-actions and write-actions, in order.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.instructions.iter().flat_map(Instruction::actions)
    }

    /// The output ports of its apply-actions and write-actions, in order.
    pub fn output_ports(&self) -> impl Iterator<Item = PortNo> + '_ {
        self.actions().filter_map(Action::output_port)
    }
}

/// What a FLOW_MOD asks for (OF 1.3.5 §7.3.4.1, `ofp_flow_mod_command`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FlowCommand {
    /// Add; the same entry is overwritten.
    Add,
    /// Change the instructions of every entry that the pattern covers.
    Modify,
    /// Change the instructions of exactly this entry. Counters, timeouts, cookie and flags stay.
    ModifyStrict,
    /// Delete every entry that the pattern covers.
    Delete,
    /// Delete exactly this entry.
    DeleteStrict,
}

/// A change of a flow table (OF 1.3.5 §7.3.4.1, OF 1.0.2 §5.3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowMod {
    /// What to do.
    pub command: FlowCommand,
    /// The entry, or the pattern of the entries, that it is done to.
    pub rule: FlowRule,
    /// Only entries whose cookie agrees with the rule's in these bits; 0 asks nothing. Not in 1.0.
    pub cookie_mask: u64,
    /// Apply to this kept packet as well.
    pub buffer_id: Option<BufferId>,
    /// Delete only entries that output here.
    pub out_port: Option<PortNo>,
    /// Delete only entries that use this group. Not in 1.0.
    pub out_group: Option<GroupId>,
}

impl FlowMod {
    /// `command` on exactly `rule`, no conditions.
    #[must_use]
    pub const fn new(command: FlowCommand, rule: FlowRule) -> Self {
        Self {
            command,
            rule,
            cookie_mask: 0,
            buffer_id: None,
            out_port: None,
            out_group: None,
        }
    }

    /// Adds `rule`.
    #[must_use]
    pub const fn add(rule: FlowRule) -> Self {
        Self::new(FlowCommand::Add, rule)
    }

    /// Gives the entry that is `rule` by identity the instructions of `rule`.
    #[must_use]
    pub const fn modify_strict(rule: FlowRule) -> Self {
        Self::new(FlowCommand::ModifyStrict, rule)
    }

    /// Deletes the entry that is `rule` by identity.
    #[must_use]
    pub const fn delete_strict(rule: FlowRule) -> Self {
        Self::new(FlowCommand::DeleteStrict, rule)
    }
}
