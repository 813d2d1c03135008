//! What a relay does to the probe packets of one direction, every so many of them. No I/O; the time is an argument.

use std::{
    collections::BTreeMap,
    num::NonZeroU64,
    time::{Duration, Instant},
};

use clap::Args;
use serde::Serialize;

use crate::packet::Header;

/// How long a frame that is to change places with its successor waits for one.
const LONGEST_HELD: Duration = Duration::from_millis(50);

/// Every how many of the frames that carry a probe packet what is done. A frame that several fit is lost, or else
/// duplicated.
#[derive(Args, Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// Lose every so many-th frame that carries a probe packet
    #[arg(long, value_name = "N")]
    lose_every: Option<NonZeroU64>,
    /// Deliver every so many-th twice
    #[arg(long, value_name = "N")]
    duplicate_every: Option<NonZeroU64>,
    /// Deliver every so many-th after its flow's next one, if that comes within 50 ms
    #[arg(long, value_name = "N")]
    swap_every: Option<NonZeroU64>,
}

impl Wanted {
    /// Whether anything is to be done at all.
    pub(crate) fn any(&self) -> bool {
        let all = [self.lose_every, self.duplicate_every, self.swap_every];
        all.iter().any(Option::is_some)
    }
}

/// What was done, in frames that carried a probe packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Delivered, each once however often.
    pub(crate) forwarded: u64,
    /// Not delivered.
    pub(crate) lost: u64,
    /// Delivered twice.
    pub(crate) duplicated: u64,
    /// Delivered after the next one of their flow.
    pub(crate) swapped: u64,
}

/// Run and flow of a packet.
type FlowKey = (u32, u32);

#[derive(Debug)]
struct Held {
    frame: Vec<u8>,
    until: Instant,
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Faults {
    wanted: Wanted,
    seen: u64,
    held: BTreeMap<FlowKey, Held>,
    counts: Counts,
}

impl Faults {
    /// Nothing has come yet.
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            seen: 0,
            held: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// What leaves, in its order, when it is `frame`'s turn.
    pub(crate) fn pass(&mut self, frame: Vec<u8>, now: Instant) -> Vec<Vec<u8>> {
        let header = Header::find(&frame).filter(|_| self.wanted.any());
        let Some(header) = header else {
            return vec![frame];
        };
        let flow = (header.run, header.flow);
        self.seen += 1;
        if self.is_turn(self.wanted.lose_every) {
            self.counts.lost += 1;
            return Vec::new();
        }
        let is_duplicated = self.is_turn(self.wanted.duplicate_every);
        let is_swapped = self.is_turn(self.wanted.swap_every) && !is_duplicated;
        if is_swapped && !self.held.contains_key(&flow) {
            let until = now + LONGEST_HELD;
            self.held.insert(flow, Held { frame, until });
            return Vec::new();
        }
        self.counts.forwarded += 1;
        let mut leaving = Vec::with_capacity(1);
        if is_duplicated {
            self.counts.duplicated += 1;
            leaving.push(frame.clone());
        }
        leaving.push(frame);
        if let Some(earlier) = self.held.remove(&flow) {
            self.counts.forwarded += 1;
            self.counts.swapped += 1;
            leaving.push(earlier.frame);
        }
        leaving
    }

    /// When a frame that is held has waited long enough.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.held.values().map(|held| held.until).min()
    }

    /// The frames that have waited long enough at `now`. They leave, and have changed places with none.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let expired = self.held.extract_if(.., |_, held| held.until <= now);
        let leaving: Vec<_> = expired.map(|(_, held)| held.frame).collect();
        self.counts.forwarded += leaving.iter().map(|_| 1).sum::<u64>();
        leaving
    }

    /// What was done by now.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    fn is_turn(&self, every: Option<NonZeroU64>) -> bool {
        every.is_some_and(|every| self.seen.is_multiple_of(every.get()))
    }
}

#[cfg(test)]
mod tests;
