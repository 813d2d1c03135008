//! What is counted about connections.

use std::sync::atomic::{AtomicU64, Ordering};

use super::close::CloseReason;

/// Counters of all connections together, since the start. Each grows only.
#[derive(Debug, Default)]
pub struct ConnectionMetrics {
    pub(crate) accepted: Counter,
    pub(crate) ready: Counter,
    pub(crate) handshakes_failed: Counter,
    pub(crate) duplicates_refused: Counter,
    pub(crate) packet_ins: Counter,
    pub(crate) packet_ins_dropped: Counter,
    pub(crate) messages_dropped: Counter,
    pub(crate) flow_mods_sent: Counter,
    pub(crate) packet_outs_sent: Counter,
    pub(crate) errors_received: Counter,
    pub(crate) decode_errors: Counter,
    closed: [Counter; CloseReason::LABELS.len()],
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Connections accepted.
    pub accepted: u64,
    /// Switches that completed the handshake.
    pub ready: u64,
    /// Connections that ended before that, those that never sent a byte left out.
    pub handshakes_failed: u64,
    /// Connections refused because their datapath id was taken.
    pub duplicates_refused: u64,
    /// PACKET_INs received from complete switches.
    pub packet_ins: u64,
    /// Those of them that no app saw: too many at once, or from a switch not yet complete.
    pub packet_ins_dropped: u64,
    /// Experimenter messages, errors nobody waited for and the like that came faster than they were taken.
    pub messages_dropped: u64,
    /// FLOW_MODs handed to the connections.
    pub flow_mods_sent: u64,
    /// PACKET_OUTs handed to the connections.
    pub packet_outs_sent: u64,
    /// ERRORs received.
    pub errors_received: u64,
    /// Messages that can't be decoded.
    pub decode_errors: u64,
    /// Connections ended, by [`CloseReason::label`].
    pub closed: Vec<(&'static str, u64)>,
}

impl ConnectionMetrics {
    /// All counters now.
    #[must_use]
    pub fn snapshot(&self) -> ConnectionCounts {
        ConnectionCounts {
            accepted: self.accepted.get(),
            ready: self.ready.get(),
            handshakes_failed: self.handshakes_failed.get(),
            duplicates_refused: self.duplicates_refused.get(),
            packet_ins: self.packet_ins.get(),
            packet_ins_dropped: self.packet_ins_dropped.get(),
            messages_dropped: self.messages_dropped.get(),
            flow_mods_sent: self.flow_mods_sent.get(),
            packet_outs_sent: self.packet_outs_sent.get(),
            errors_received: self.errors_received.get(),
            decode_errors: self.decode_errors.get(),
            closed: CloseReason::LABELS
                .iter()
                .zip(&self.closed)
                .map(|(label, c)| (*label, c.get()))
                .collect(),
        }
    }

    pub(crate) fn closed(&self, reason: &CloseReason, was_ready: bool) {
        self.closed[reason.index()].add(1);
        if !was_ready && *reason != CloseReason::Probe {
            self.handshakes_failed.add(1);
        }
        if matches!(reason, CloseReason::Duplicate { .. }) {
            self.duplicates_refused.add(1);
        }
    }
}

/// A number that grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        if count > 0 {
            self.0.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
