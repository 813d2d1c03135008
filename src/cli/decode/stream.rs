//! One direction of a TCP connection, put back into order (RFC 9293 §3.4).

use std::collections::BTreeMap;
use std::time::Duration;

use super::time::Time;

/// How much is held of one direction while bytes before it are awaited, in bytes.
pub(super) const MAX_HELD: usize = 1 << 20;

/// What a held segment costs beside its bytes, so that empty ones are bounded too.
const SEGMENT_COST: usize = 64;

/// How long bytes that their receiver has acknowledged may still turn up, out of order, in the capture.
const ACKNOWLEDGED_PATIENCE: Duration = Duration::from_secs(1);

/// The position of the sequence number 0 of a stream's start, so that earlier bytes have a position too.
const ORIGIN: u64 = 1 << 32;

/// What a stream delivers, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery<'a> {
    /// The next bytes, with the time of the packet that brought them.
    Data(&'a [u8], Option<Time>),
    /// This many bytes are missing here.
    Gap(u64),
}

#[derive(Debug)]
struct Held {
    bytes: Vec<u8>,
    time: Option<Time>,
}

/// The bytes of one direction. Positions are sequence numbers that don't wrap.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The next byte that is due; `None` before the first segment.
    next: Option<u64>,
    held: BTreeMap<u64, Held>,
    held_cost: usize,
    /// Since when the receiver is known to have what is missing here.
    acknowledged: Option<Time>,
}

impl Stream {
    /// Begins at a sequence number: the one after SYN's.
    pub(super) fn start(&mut self, sequence: u32) {
        *self = Self {
            next: Some(ORIGIN + u64::from(sequence)),
            ..Self::default()
        };
    }

    /// Whether the first byte's sequence number is known.
    pub(super) const fn is_started(&self) -> bool {
        self.next.is_some()
    }

    /// What is held, in bytes of memory.
    pub(super) const fn held_cost(&self) -> usize {
        self.held_cost
    }

    /// Takes a segment. What is due is delivered at once; what comes too early is held, at most `room` bytes of it;
    /// when there is more, what is missing is given up. A stream without a start starts here.
    pub(super) fn push(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        time: Option<Time>,
        room: usize,
        deliver: &mut dyn FnMut(Delivery<'_>),
    ) {
        if bytes.is_empty() {
            return;
        }
        if self.next.is_none() {
            self.start(sequence);
        }
        let Some(next) = self.next else { return };
        let position = position(next, sequence);
        if position <= next {
            self.deliver_due(position, bytes, time, deliver);
            self.deliver_held(deliver);
            return;
        }
        self.hold(position, bytes, time);
        while self.held_cost > room.min(MAX_HELD) {
            self.give_up_missing(deliver);
        }
    }

    /// Takes what the receiver has acknowledged. Bytes that it has and that are still missing here a while later are
    /// not in the capture: nobody will send them again.
    pub(super) fn acknowledge(
        &mut self,
        sequence: u32,
        now: Option<Time>,
        deliver: &mut dyn FnMut(Delivery<'_>),
    ) {
        let (Some(next), Some(now)) = (self.next, now) else {
            return;
        };
        if self.held.is_empty() || position(next, sequence) <= next {
            return;
        }
        let since = *self.acknowledged.get_or_insert(now);
        if now.since(since) >= ACKNOWLEDGED_PATIENCE {
            self.give_up_missing(deliver);
        }
    }

    /// Delivers all that is held, with the gaps in it: nothing more will come.
    pub(super) fn finish(&mut self, deliver: &mut dyn FnMut(Delivery<'_>)) {
        while !self.held.is_empty() {
            self.give_up_missing(deliver);
        }
    }

    fn hold(&mut self, position: u64, bytes: &[u8], time: Option<Time>) {
        // A retransmission may be longer than what it repeats.
        if let Some(held) = self.held.get(&position) {
            if held.bytes.len() >= bytes.len() {
                return;
            }
            self.held_cost -= held.bytes.len() + SEGMENT_COST;
        }
        self.held_cost += bytes.len() + SEGMENT_COST;
        let bytes = bytes.to_vec();
        self.held.insert(position, Held { bytes, time });
    }

    /// Delivers what is new of bytes that begin at or before the next that is due.
    fn deliver_due(
        &mut self,
        position: u64,
        bytes: &[u8],
        time: Option<Time>,
        deliver: &mut dyn FnMut(Delivery<'_>),
    ) {
        let Some(next) = self.next.as_mut() else {
            return;
        };
        let known = usize::try_from(*next - position).unwrap_or(usize::MAX);
        if let Some(new) = bytes.get(known..).filter(|new| !new.is_empty()) {
            *next += new.len() as u64;
            self.acknowledged = None;
            deliver(Delivery::Data(new, time));
        }
    }

    fn deliver_held(&mut self, deliver: &mut dyn FnMut(Delivery<'_>)) {
        while let (Some(next), Some(entry)) = (self.next, self.held.first_entry()) {
            if *entry.key() > next {
                return;
            }
            let (position, held) = entry.remove_entry();
            self.held_cost -= held.bytes.len() + SEGMENT_COST;
            self.deliver_due(position, &held.bytes, held.time, deliver);
        }
    }

    fn give_up_missing(&mut self, deliver: &mut dyn FnMut(Delivery<'_>)) {
        let (Some(next), Some((&position, _))) = (self.next, self.held.first_key_value()) else {
            return;
        };
        if position > next {
            deliver(Delivery::Gap(position - next));
            self.next = Some(position);
        }
        self.acknowledged = None;
        self.deliver_held(deliver);
    }
}

/// The position of a sequence number: the one nearest to `next`.
fn position(next: u64, sequence: u32) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "sequence numbers are compared modulo 2^32 (RFC 9293 §3.4)"
    )]
    let distance = sequence.wrapping_sub(next as u32) as i32;
    next.saturating_add_signed(i64::from(distance))
}

#[cfg(test)]
mod tests;
