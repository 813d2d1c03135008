//! Packets that wait for a route between two hosts: how many there may be.
//!
//! When a network starts, all hosts may begin to talk to all others within a second, and each of them is to be served. A
//! host that floods must not take the room of the others, so each has a share of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use godwit_openflow::types::MacAddr;

/// Packets that wait, of all hosts together. Each is a task and up to 64 KiB of data, mostly much less.
pub(super) const ALL: usize = 4096;

/// Packets of one host that wait: it asks for an address and sends the first packet, to some hundreds at once.
const OF_ONE: usize = 512;

/// How many packets wait. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    of: HashMap<MacAddr, usize>,
    turned_away: u64,
}

/// The place of one packet that waits; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    source: MacAddr,
    waiting: Waiting,
}

impl Waiting {
    /// A place for a packet of this host; none when it, or all together, have as many as they may.
    pub(super) fn enter(&self, source: MacAddr) -> Option<Place> {
        self.with(|counts| {
            let of_this = counts.of.get(&source).copied().unwrap_or_default();
            if counts.all >= ALL || of_this >= OF_ONE {
                counts.turned_away += 1;
                return None;
            }
            counts.all += 1;
            counts.of.insert(source, of_this + 1);
            Some(Place {
                source,
                waiting: self.clone(),
            })
        })
    }

    /// How many packets had to go without a route because too many waited.
    pub(super) fn turned_away(&self) -> u64 {
        self.with(|counts| counts.turned_away)
    }

    /// How many wait.
    pub(super) fn len(&self) -> u64 {
        self.with(|counts| u64::try_from(counts.all).unwrap_or(u64::MAX))
    }

    fn with<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> T {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.with(|counts| {
            counts.all = counts.all.saturating_sub(1);
            if let Some(count) = counts.of.get_mut(&self.source) {
                *count -= 1;
                if *count == 0 {
                    counts.of.remove(&self.source);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: u8) -> MacAddr {
        MacAddr([2, 0, 0, 0, 0, number])
    }

    #[test]
    fn one_host_that_floods_leaves_room_for_the_others() {
        let waiting = Waiting::default();
        let flood: Vec<Place> = (0..2 * OF_ONE)
            .filter_map(|_| waiting.enter(host(1)))
            .collect();
        assert_eq!(flood.len(), OF_ONE);
        assert_eq!(waiting.turned_away(), OF_ONE as u64);
        assert!(waiting.enter(host(2)).is_some());
        drop(flood);
        assert_eq!(waiting.len(), 0);
        assert!(waiting.enter(host(1)).is_some());
    }

    #[test]
    fn all_together_are_bounded_too() {
        let waiting = Waiting::default();
        let hosts = (0..=u8::MAX).cycle();
        let all: Vec<Option<Place>> = hosts
            .take(ALL + 1)
            .map(|number| waiting.enter(host(number)))
            .collect();
        assert_eq!(all.iter().flatten().count(), ALL);
        assert_eq!(waiting.turned_away(), 1);
    }
}
