//! What the tasks of one connection share with those who hold a handle of its switch.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;
use godwit_openflow::codec::encode_to_switch;
use godwit_openflow::model::ToSwitch;
use godwit_openflow::types::{Version, Xid};

use super::close::CloseReason;
use super::metrics::ConnectionMetrics;
use super::outbox::{Outbox, PushError};
use super::sync::Closer;
use crate::limits::Limits;
use crate::switch::SendError;
use crate::switch::pending::Pending;

/// One connection: its queue, its open questions, and the way to end it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: u64,
    pub(crate) peer: SocketAddr,
    pub(crate) outbox: Outbox,
    pub(crate) pending: Pending,
    pub(crate) closer: Closer,
    pub(crate) metrics: Arc<ConnectionMetrics>,
    connected: AtomicBool,
}

impl Link {
    pub(crate) fn new(
        id: u64,
        peer: SocketAddr,
        limits: &Limits,
        metrics: Arc<ConnectionMetrics>,
    ) -> Self {
        Self {
            id,
            peer,
            outbox: Outbox::new(limits.outbox_bytes),
            pending: Pending::default(),
            closer: Closer::default(),
            metrics,
            connected: AtomicBool::new(true),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    /// Nobody gets an answer any more, and nothing more can be sent.
    pub(crate) fn end(&self) {
        self.connected.store(false, Ordering::Release);
        self.outbox.close();
        self.pending.close();
    }

    /// Queues whole messages. A switch that is to blame for a full queue is disconnected.
    pub(crate) fn push(&self, bytes: BytesMut, count: usize) -> Result<(), SendError> {
        self.outbox
            .push(bytes, count)
            .map_err(|error| self.blame(error))
    }

    /// Sends a message before all that waits.
    pub(crate) fn send_urgent(
        &self,
        version: Version,
        xid: Xid,
        message: &ToSwitch,
    ) -> Result<(), SendError> {
        let mut bytes = BytesMut::new();
        encode_to_switch(version, xid, message, &mut bytes)
            .map_err(|source| SendError::Unsupported { index: 0, source })?;
        self.outbox
            .push_urgent(bytes)
            .map_err(|error| self.blame(error))
    }

    pub(crate) fn count_sent(&self, messages: &[ToSwitch]) {
        let count =
            |wanted: fn(&ToSwitch) -> bool| messages.iter().filter(|m| wanted(m)).count() as u64;
        self.metrics
            .flow_mods_sent
            .add(count(|message| matches!(message, ToSwitch::FlowMod(_))));
        self.metrics
            .packet_outs_sent
            .add(count(|message| matches!(message, ToSwitch::PacketOut(_))));
    }

    fn blame(&self, error: PushError) -> SendError {
        match error {
            PushError::Closed => SendError::Disconnected,
            PushError::Full => SendError::QueueFull,
            PushError::Stuck => {
                self.closer.close(CloseReason::QueueFull);
                SendError::QueueFull
            }
        }
    }
}
