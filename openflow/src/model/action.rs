//! What a flow entry does with a packet.

mod text;

use bytes::Bytes;

use super::pattern::Field;
use crate::types::{GroupId, MeterId, PortNo, QueueId, TableId};

/// One action (OF 1.3.5 §7.2.5, OF 1.0.2 §5.2.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Send out of a port; to the controller at most `max_len` bytes of the packet.
    Output {
        /// Where to.
        port: PortNo,
        /// Bytes of the packet sent when `port` is the controller; [`Action::NO_BUFFER`] is all of them.
        max_len: u16,
    },
    /// Process through a group. Not in 1.0.
    Group(GroupId),
    /// Choose the queue of the output port. In 1.0 it is part of `ENQUEUE`.
    SetQueue(QueueId),
    /// OpenFlow 1.0's `ENQUEUE`: a queue together with its port.
    Enqueue {
        /// Where to.
        port: PortNo,
        /// The queue of that port.
        queue: QueueId,
    },
    /// Push a VLAN tag with this ethertype. Not in 1.0.
    PushVlan(u16),
    /// Remove the outermost VLAN tag.
    PopVlan,
    /// Push an MPLS label with this ethertype. Not in 1.0.
    PushMpls(u16),
    /// Remove the outermost MPLS label; what is below has this ethertype. Not in 1.0.
    PopMpls(u16),
    /// Write a value into a header field, in the low bits of `value`.
    SetField {
        /// The field.
        field: Field,
        /// The value, right-aligned, in the field's width.
        value: u128,
    },
    /// Decrement the IP time to live. Not in 1.0.
    DecNwTtl,
    /// Set the IP time to live. Not in 1.0.
    SetNwTtl(u8),
    /// Copy the time to live outwards. Not in 1.0.
    CopyTtlOut,
    /// Copy the time to live inwards. Not in 1.0.
    CopyTtlIn,
    /// Set the MPLS time to live. Not in 1.0.
    SetMplsTtl(u8),
    /// Decrement the MPLS time to live. Not in 1.0.
    DecMplsTtl,
    /// Push a PBB service tag with this ethertype. Not in 1.0.
    PushPbb(u16),
    /// Remove the outermost PBB service tag. Not in 1.0.
    PopPbb,
    /// An experimenter's (in 1.0: vendor's) action.
    Experimenter {
        /// Whose.
        experimenter: u32,
        /// What follows the experimenter's number, with its padding.
        body: Bytes,
    },
    /// An action that this model has no word for, kept as it came: the wire type and what follows
    /// type and length.
    Unknown {
        /// The action's type on the wire.
        action_type: u16,
        /// Everything after the four bytes of type and length.
        body: Bytes,
    },
}

impl Action {
    /// As an [`Action::Output::max_len`]: the whole packet (OF 1.3.5 §7.2.5, `OFPCML_NO_BUFFER`).
    pub const NO_BUFFER: u16 = 0xffff;

    /// Sends whole packets out of `port`.
    ///
    /// `max_len` means something only towards the controller; it is 0 elsewhere, as switches report it.
    #[must_use]
    pub const fn output(port: PortNo) -> Self {
        let max_len = if port.0 == PortNo::CONTROLLER.0 {
            Self::NO_BUFFER
        } else {
            0
        };
        Self::Output { port, max_len }
    }

    /// The port that it sends out of.
    #[must_use]
    pub const fn output_port(&self) -> Option<PortNo> {
        match self {
            Self::Output { port, .. } | Self::Enqueue { port, .. } => Some(*port),
            _ => None,
        }
    }
}

/// One instruction of a flow entry (OF 1.3.5 §7.2.4). OpenFlow 1.0 knows only apply-actions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Instruction {
    /// Go on in a later table.
    GotoTable(TableId),
    /// Write these bits of the metadata register.
    WriteMetadata {
        /// The bits.
        value: u64,
        /// Which of them to write.
        mask: u64,
    },
    /// Merge into the packet's action set.
    WriteActions(Vec<Action>),
    /// Perform now, in order.
    ApplyActions(Vec<Action>),
    /// Empty the packet's action set.
    ClearActions,
    /// Pass through a meter first.
    Meter(MeterId),
    /// An experimenter's instruction.
    Experimenter {
        /// Whose.
        experimenter: u32,
        /// What follows the experimenter's number.
        body: Bytes,
    },
    /// An instruction that this model has no word for, kept as it came.
    Unknown {
        /// The instruction's type on the wire.
        instruction_type: u16,
        /// Everything after the four bytes of type and length.
        body: Bytes,
    },
}

impl Instruction {
    /// The actions that it applies or writes, in order; none of any other instruction.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        match self {
            Self::ApplyActions(actions) | Self::WriteActions(actions) => actions,
            _ => &[],
        }
    }
}
