//! What is due when: a queue of deadlines in which each can be moved.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Deadlines by key, at most one for each. Every operation costs O(log n).
#[derive(Debug)]
pub(crate) struct Schedule<K> {
    by_time: BTreeSet<(Instant, K)>,
    by_key: BTreeMap<K, Instant>,
}

impl<K: Ord + Copy> Schedule<K> {
    pub(crate) const fn new() -> Self {
        Self {
            by_time: BTreeSet::new(),
            by_key: BTreeMap::new(),
        }
    }

    /// Sets or moves a deadline.
    pub(crate) fn set(&mut self, key: K, at: Instant) {
        self.cancel(key);
        self.by_time.insert((at, key));
        self.by_key.insert(key, at);
    }

    /// Sets a deadline, or moves it if that makes it sooner.
    pub(crate) fn hasten(&mut self, key: K, at: Instant) {
        if self.by_key.get(&key).is_none_or(|known| at < *known) {
            self.set(key, at);
        }
    }

    pub(crate) fn cancel(&mut self, key: K) {
        if let Some(at) = self.by_key.remove(&key) {
            self.by_time.remove(&(at, key));
        }
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.by_key.contains_key(&key)
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out what is due, the longest overdue first.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let (at, key) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.by_time.pop_first();
        self.by_key.remove(&key);
        Some(key)
    }
}

impl<K: Ord + Copy> Default for Schedule<K> {
    fn default() -> Self {
        Self::new()
    }
}
