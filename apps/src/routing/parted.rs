//! Pairs of hosts whose routes were taken away a short while ago.
//!
//! Open vSwitch remembers for some seconds what became of a conversation's packets, and a rule that is confirmed is not in
//! force for what is remembered until it has gone through that. Where there were no rules for a while, that is: to the
//! controller, which can do nothing with packets that come from another switch. So when such hosts talk again, their first
//! packet is sent when the switches on its way are seen to be up to date.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use godwit_openflow::types::MacAddr;

/// Open vSwitch forgets a conversation after ten seconds without a packet (`max-idle`).
const REMEMBERED: Duration = Duration::from_secs(11);
/// Pairs at the most; more are not remembered.
const MOST: usize = 65_536;

/// The pairs.
#[derive(Debug, Default)]
pub(super) struct Parted(Mutex<BTreeMap<[MacAddr; 2], Instant>>);

fn pair(one: MacAddr, other: MacAddr) -> [MacAddr; 2] {
    [one.min(other), one.max(other)]
}

impl Parted {
    /// A route between these was taken away.
    pub(super) fn note(&self, one: MacAddr, other: MacAddr) {
        let now = Instant::now();
        let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pairs.len() >= MOST {
            pairs.retain(|_, since| now.saturating_duration_since(*since) < REMEMBERED);
        }
        if pairs.len() < MOST {
            pairs.insert(pair(one, other), now);
        }
    }

    /// Whether one was, not long ago. Said once.
    pub(super) fn take(&self, one: MacAddr, other: MacAddr) -> bool {
        let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = pairs.remove(&pair(one, other));
        since.is_some_and(|since| since.elapsed() < REMEMBERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_told_of_once_whoever_comes_first() {
        let [one, other, third] = [1, 2, 3].map(MacAddr::from_u64);
        let parted = Parted::default();
        parted.note(one, other);
        assert!(!parted.take(one, third));
        assert!(parted.take(other, one));
        assert!(!parted.take(one, other));
    }
}
