//! The queue between a switch's reader and its observer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::task::coop::consume_budget;

use super::close::CloseReason;
use super::metrics::ConnectionMetrics;
use super::observer::{SwitchMessage, SwitchObserver};
use super::sync::lock;
use crate::limits::{CHANGE_QUEUE, LLDP_QUEUE, PACKET_IN_QUEUE, PACKET_IN_QUEUE_BYTES};
use crate::switch::SwitchHandle;

/// Messages in the order they came. Bounded by kind, so that a flood of packets never costs a change of state.
#[derive(Debug)]
pub(crate) struct Deliveries {
    state: Mutex<State>,
    due: Notify,
    metrics: Arc<ConnectionMetrics>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<SwitchMessage>,
    packets: usize,
    packet_bytes: usize,
    lldp: usize,
    changes: usize,
    closed: Option<CloseReason>,
}

/// More changes than may wait.
#[derive(Debug)]
pub(crate) struct TooManyChanges;

/// How a message is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Dropped when too many wait: each is worth less the later it comes.
    Packet {
        bytes: usize,
    },
    Lldp,
    Change,
}

impl Kind {
    fn of(message: &SwitchMessage) -> Self {
        match message {
            SwitchMessage::PacketIn(packet) if is_lldp(&packet.data) => Self::Lldp,
            SwitchMessage::PacketIn(packet) => Self::Packet {
                bytes: packet.data.len(),
            },
            SwitchMessage::Error(report) => Self::Packet {
                bytes: report.data.len(),
            },
            SwitchMessage::Experimenter { body, .. } | SwitchMessage::Unknown { body, .. } => {
                Self::Packet { bytes: body.len() }
            }
            SwitchMessage::PortStatus(_) | SwitchMessage::FlowRemoved(_) => Self::Change,
        }
    }
}

/// Whether an Ethernet frame is of the Link Layer Discovery Protocol, as the probes of links are.
pub(crate) fn is_lldp(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&[0x88, 0xcc])
}

impl Deliveries {
    pub(crate) fn new(metrics: Arc<ConnectionMetrics>) -> Self {
        Self {
            state: Mutex::default(),
            due: Notify::new(),
            metrics,
        }
    }

    pub(crate) fn push(&self, message: SwitchMessage) -> Result<(), TooManyChanges> {
        let kind = Kind::of(&message);
        {
            let mut state = lock(&self.state);
            if state.closed.is_some() {
                return Ok(());
            }
            if !state.has_room(kind) {
                if kind == Kind::Change {
                    return Err(TooManyChanges);
                }
                self.count_dropped(&message);
                return Ok(());
            }
            state.account(kind, usize::wrapping_add);
            state.queue.push_back(message);
        }
        self.due.notify_one();
        Ok(())
    }

    /// The connection has ended: packets are not worth an answer any more, changes still count.
    pub(crate) fn close(&self, reason: CloseReason) {
        {
            let mut state = lock(&self.state);
            state
                .queue
                .retain(|message| Kind::of(message) == Kind::Change);
            state.closed.get_or_insert(reason);
        }
        self.due.notify_one();
    }

    /// The next message, or why there will be none.
    async fn next(&self) -> Result<SwitchMessage, CloseReason> {
        // An observer that never waits must not keep other switches waiting.
        consume_budget().await;
        loop {
            {
                let mut state = lock(&self.state);
                if let Some(message) = state.queue.pop_front() {
                    let kind = Kind::of(&message);
                    state.account(kind, usize::saturating_sub);
                    return Ok(message);
                }
                if let Some(reason) = &state.closed {
                    return Err(reason.clone());
                }
            }
            self.due.notified().await;
        }
    }

    fn count_dropped(&self, message: &SwitchMessage) {
        match message {
            SwitchMessage::PacketIn(_) => self.metrics.packet_ins_dropped.add(1),
            _ => self.metrics.messages_dropped.add(1),
        }
    }
}

impl State {
    const fn has_room(&self, kind: Kind) -> bool {
        match kind {
            Kind::Packet { bytes } => {
                self.packets < PACKET_IN_QUEUE && self.packet_bytes + bytes <= PACKET_IN_QUEUE_BYTES
            }
            Kind::Lldp => self.lldp < LLDP_QUEUE,
            Kind::Change => self.changes < CHANGE_QUEUE,
        }
    }

    fn account(&mut self, kind: Kind, change: fn(usize, usize) -> usize) {
        match kind {
            Kind::Packet { bytes } => {
                self.packets = change(self.packets, 1);
                self.packet_bytes = change(self.packet_bytes, bytes);
            }
            Kind::Lldp => self.lldp = change(self.lldp, 1),
            Kind::Change => self.changes = change(self.changes, 1),
        }
    }
}

/// Tells the observer of one switch, from its coming to its going.
pub(crate) struct Narrator<O> {
    pub(crate) switch: SwitchHandle,
    pub(crate) observer: Arc<O>,
    pub(crate) deliveries: Arc<Deliveries>,
}

impl<O: SwitchObserver> Narrator<O> {
    pub(crate) async fn run(self) {
        self.observer.switch_up(&self.switch).await;
        let reason = loop {
            match self.deliveries.next().await {
                Ok(message) => self.observer.message(&self.switch, message).await,
                Err(reason) => break reason,
            }
        };
        self.observer.switch_down(&self.switch, &reason).await;
    }
}

#[cfg(test)]
mod tests;
