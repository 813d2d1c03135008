//! What waits to be sent to one switch.

use std::sync::Mutex;
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::sync::lock;
use crate::limits::{FULL_QUEUE_GRACE, OUTBOX_MESSAGES, OUTBOX_URGENT_BYTES};

/// A queue of encoded messages, bounded in bytes and messages, that the writer empties in one go: whatever has
/// become due while a write was under way leaves together in the next.
///
/// Echo replies, errors and the handshake are urgent and stand before all else.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    due: Notify,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    urgent: BytesMut,
    regular: BytesMut,
    messages: usize,
    /// What the writer has taken and not yet written.
    in_flight: Load,
    closed: bool,
}

#[derive(Debug, Default)]
struct Load {
    bytes: usize,
    messages: usize,
    since: Option<Instant>,
}

/// Nothing was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PushError {
    /// There is no room now.
    Full,
    /// There is no room, and the switch is to blame: it takes too little.
    Stuck,
    /// The connection has ended.
    Closed,
}

impl Outbox {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            state: Mutex::default(),
            due: Notify::new(),
            max_bytes,
        }
    }

    /// Queues `count` whole messages, all or none.
    pub(crate) fn push(&self, bytes: BytesMut, count: usize) -> Result<(), PushError> {
        {
            let mut state = lock(&self.state);
            if state.closed {
                return Err(PushError::Closed);
            }
            let total = state.regular.len() + state.in_flight.bytes + bytes.len();
            let messages = state.messages + state.in_flight.messages + count;
            if total > self.max_bytes || messages > OUTBOX_MESSAGES {
                return Err(if state.in_flight.longer_than(FULL_QUEUE_GRACE) {
                    PushError::Stuck
                } else {
                    PushError::Full
                });
            }
            state.messages += count;
            append(&mut state.regular, bytes);
        }
        self.due.notify_one();
        Ok(())
    }

    /// Queues a message that stands before all else.
    pub(crate) fn push_urgent(&self, bytes: BytesMut) -> Result<(), PushError> {
        {
            let mut state = lock(&self.state);
            if state.closed {
                return Err(PushError::Closed);
            }
            if state.urgent.len() + bytes.len() > OUTBOX_URGENT_BYTES {
                return Err(PushError::Stuck);
            }
            append(&mut state.urgent, bytes);
        }
        self.due.notify_one();
        Ok(())
    }

    /// Everything that is due, in order; `None` when nothing is and nothing will be. Whoever takes says
    /// [`written`](Self::written) afterwards.
    pub(crate) async fn take(&self) -> Option<BytesMut> {
        loop {
            {
                let mut state = lock(&self.state);
                if !state.urgent.is_empty() || !state.regular.is_empty() {
                    return Some(state.take());
                }
                if state.closed {
                    return None;
                }
            }
            self.due.notified().await;
        }
    }

    pub(crate) fn written(&self) {
        lock(&self.state).in_flight = Load::default();
    }

    /// Takes no more. What is queued can still be taken.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.due.notify_one();
    }
}

impl State {
    fn take(&mut self) -> BytesMut {
        let regular = std::mem::take(&mut self.regular);
        self.in_flight = Load {
            bytes: regular.len(),
            messages: std::mem::take(&mut self.messages),
            since: Some(Instant::now()),
        };
        let mut all = std::mem::take(&mut self.urgent);
        append(&mut all, regular);
        all
    }
}

impl Load {
    fn longer_than(&self, duration: Duration) -> bool {
        self.since.is_some_and(|since| since.elapsed() > duration)
    }
}

/// Takes the buffer over where nothing is to be copied together.
fn append(queue: &mut BytesMut, bytes: BytesMut) {
    if queue.is_empty() {
        *queue = bytes;
    } else {
        queue.extend_from_slice(&bytes);
    }
}
