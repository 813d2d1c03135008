//! Counts by intervals of equal length. They begin at multiples of it on the machine's monotonic clock, so that those of
//! two processes are the same ones.

use std::collections::BTreeMap;

/// How many intervals are kept: ten minutes of 10 ms. A summary of more is of no use to whoever reads it as one line.
const MOST: usize = 1 << 16;

/// A `T` for each interval in which something happened.
#[derive(Debug)]
pub(crate) struct Intervals<T> {
    length_ns: u64,
    kept: BTreeMap<u64, T>,
    left_out: u64,
}

impl<T: Default> Intervals<T> {
    /// Intervals of `length_ms` milliseconds, at least one.
    pub(crate) fn of_ms(length_ms: u64) -> Self {
        Self {
            length_ns: length_ms.max(1) * 1_000_000,
            kept: BTreeMap::new(),
            left_out: 0,
        }
    }

    /// The interval that has the moment `at_ns`. `None`, and counted, when it would be one too many.
    pub(crate) fn at(&mut self, at_ns: u64) -> Option<&mut T> {
        let start = at_ns - at_ns % self.length_ns;
        if self.kept.len() >= MOST && !self.kept.contains_key(&start) {
            self.left_out += 1;
            return None;
        }
        Some(self.kept.entry(start).or_default())
    }

    /// The intervals' starts and what they have, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.kept.iter().map(|(start, value)| (*start, value))
    }

    /// How often [`Intervals::at`] was asked for one too many.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests;
