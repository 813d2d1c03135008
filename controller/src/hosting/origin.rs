//! What waits of one switch for one app.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::Commands;
use crate::limits::{CHANGE_QUEUE, PACKET_IN_QUEUE, PACKET_IN_QUEUE_BYTES};

/// One switch as one app knows it; or, of events that come from no switch, all the rest.
#[derive(Debug, Default)]
pub(super) struct Origin {
    packets: AtomicUsize,
    bytes: AtomicUsize,
    events: AtomicUsize,
    work: Mutex<Work>,
}

#[derive(Debug, Default)]
struct Work {
    waiting: VecDeque<(Commands, Ticket)>,
    /// A task is at it.
    under_way: bool,
}

/// A place for one packet or event, until what came of it is done. So what waits is bounded wherever it waits.
#[derive(Debug)]
pub(super) struct Ticket {
    origin: Arc<Origin>,
    /// The length of the packet; `None` for an event.
    packet: Option<usize>,
}

impl Ticket {
    /// A place for a packet, if there is one.
    pub(super) fn of_packet(origin: &Arc<Origin>, bytes: usize) -> Option<Self> {
        let packets = origin.packets.fetch_add(1, Ordering::AcqRel);
        let waiting = origin.bytes.fetch_add(bytes, Ordering::AcqRel);
        let ticket = Self {
            origin: Arc::clone(origin),
            packet: Some(bytes),
        };
        // Dropped when there is no room, it gives back what it has taken.
        (packets < PACKET_IN_QUEUE && waiting < PACKET_IN_QUEUE_BYTES).then_some(ticket)
    }

    /// A place for an event, if there is one.
    pub(super) fn of_event(origin: &Arc<Origin>) -> Option<Self> {
        let events = origin.events.fetch_add(1, Ordering::AcqRel);
        let ticket = Self {
            origin: Arc::clone(origin),
            packet: None,
        };
        (events < CHANGE_QUEUE).then_some(ticket)
    }

    pub(super) const fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Origin {
            packets,
            bytes,
            events,
            ..
        } = &*self.origin;
        match self.packet {
            Some(length) => {
                packets.fetch_sub(1, Ordering::AcqRel);
                bytes.fetch_sub(length, Ordering::AcqRel);
            }
            None => _ = events.fetch_sub(1, Ordering::AcqRel),
        }
    }
}

impl Origin {
    fn work(&self) -> MutexGuard<'_, Work> {
        // Every operation leaves it whole.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no commands wait or are being carried out.
    pub(super) fn is_idle(&self) -> bool {
        !self.work().under_way
    }

    /// Whether nothing waits for the app or has been begun by it.
    pub(super) fn is_empty(&self) -> bool {
        self.packets.load(Ordering::Acquire) == 0 && self.events.load(Ordering::Acquire) == 0
    }

    /// Puts commands behind the others. Whether somebody has to begin with them.
    pub(super) fn push(&self, commands: Commands, ticket: Ticket) -> bool {
        let mut work = self.work();
        work.waiting.push_back((commands, ticket));
        !std::mem::replace(&mut work.under_way, true)
    }

    /// The next commands. Without any, nobody is at it any more.
    pub(super) fn pop(&self) -> Option<(Commands, Ticket)> {
        let mut work = self.work();
        let next = work.waiting.pop_front();
        work.under_way = next.is_some();
        next
    }
}
