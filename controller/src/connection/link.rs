//! What the tasks of one connection share with those who hold a handle of its switch.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;
use godwit_openflow::codec::encode_to_switch;
use godwit_openflow::model::{BundleStep, ToSwitch};
use godwit_openflow::types::{BundleId, Version, Xid};

use super::close::CloseReason;
use super::metrics::ConnectionMetrics;
use super::outbox::{Outbox, PushError};
use super::sync::Closer;
use crate::limits::Limits;
use crate::switch::pending::Pending;
use crate::switch::{SendError, bundle};

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
    takes_bundles: Arc<AtomicBool>,
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
            takes_bundles: Arc::default(),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    /// Whether the switch is known to take bundles (ONF EXT-230).
    pub(crate) fn takes_bundles(&self) -> bool {
        self.takes_bundles.load(Ordering::Acquire)
    }

    /// It does not take them after all.
    pub(crate) fn takes_no_bundles(&self) {
        self.takes_bundles.store(false, Ordering::Release);
    }

    /// Opens a bundle and discards it, to learn whether the switch takes them. Nothing waits for the answer: until it is
    /// there batches are sent as to a switch that does not.
    pub(crate) fn probe_bundles(&self, version: Version) -> Result<(), SendError> {
        if version == Version::V10 {
            return Ok(());
        }
        let open = self.pending.xids().block(2);
        self.pending
            .expect_bundles(open, Arc::clone(&self.takes_bundles));
        let bundle = BundleId(open.0);
        let steps = [BundleStep::OpenRequest, BundleStep::DiscardRequest];
        for (xid, step) in (open.0..).zip(steps) {
            let message = ToSwitch::BundleControl(bundle::control(bundle, step));
            self.send_urgent(version, Xid(xid), &message)?;
        }
        Ok(())
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

    pub(crate) fn count_sent<'a>(&self, messages: impl IntoIterator<Item = &'a ToSwitch>) {
        let (mut flow_mods, mut packet_outs) = (0, 0);
        for message in messages {
            match message {
                ToSwitch::FlowMod(_) => flow_mods += 1,
                ToSwitch::PacketOut(_) => packet_outs += 1,
                _ => {}
            }
        }
        self.metrics.flow_mods_sent.add(flow_mods);
        self.metrics.packet_outs_sent.add(packet_outs);
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
