//! Who is told what a switch says of its own accord.

use std::future::Future;

use bytes::Bytes;
use godwit_openflow::model::{ErrorReport, FlowRemoved, PacketIn, PortStatus};

use super::close::CloseReason;
use crate::switch::SwitchHandle;

/// Told of switches and their messages: for each switch in order, one call at a time, on a task of that switch's
/// own. Switches proceed in parallel.
///
/// A call may wait for the switch (`switch.apply(…).await`): answers are read on another task. While it waits,
/// messages queue up. PACKET_INs, experimenter messages and errors beyond a bound are dropped and counted;
/// changes of ports and rules never are, since state is built on them: a switch with more of them than any
/// honest one could have is disconnected.
pub trait SwitchObserver: Send + Sync + 'static {
    /// The switch is complete. Its messages come when this has returned.
    fn switch_up(&self, switch: &SwitchHandle) -> impl Future<Output = ()> + Send;

    /// The switch has sent a message that answers nothing.
    fn message(
        &self,
        switch: &SwitchHandle,
        message: SwitchMessage,
    ) -> impl Future<Output = ()> + Send;

    /// The connection has ended. A new one of the same switch comes up only when this has returned.
    fn switch_down(
        &self,
        switch: &SwitchHandle,
        reason: &CloseReason,
    ) -> impl Future<Output = ()> + Send;
}

/// A message that answers nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchMessage {
    /// A packet for the controller.
    PacketIn(PacketIn),
    /// A port came, went or changed; [`SwitchHandle::ports`] knows already.
    PortStatus(PortStatus),
    /// A flow entry has ended.
    FlowRemoved(FlowRemoved),
    /// An error that no `apply` or `request` is waiting for: about a message given to
    /// [`send`](SwitchHandle::send), or come too late.
    Error(ErrorReport),
    /// An experimenter's (in 1.0: vendor's) message.
    Experimenter {
        /// Whose.
        experimenter: u32,
        /// In 1.3 the experimenter's type; 0 in 1.0.
        exp_type: u32,
        /// The rest.
        body: Bytes,
    },
    /// A message that the version defines and the model has no word for, such as an answer to a
    /// [`ToSwitch::Unknown`](godwit_openflow::model::ToSwitch::Unknown).
    Unknown {
        /// The type byte of the header.
        message_type: u8,
        /// Everything after the header.
        body: Bytes,
    },
}
