//! Removals that a migration causes, so that they are told from others.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use godwit_openflow::types::DatapathId;

use super::Place;

/// How long a removal is waited for. It comes before the barrier that confirms the deletion, and then waits for
/// the switch's dispatcher, which may itself wait for a switch.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Removals that are waited for at a time: those of the largest tables, several times. Beyond it the oldest are forgotten,
/// and apps hear of the end of rules that have moved.
pub(super) const EXPECTED: usize = 262_144;

/// Places whose rule is about to be removed, each once.
#[derive(Debug, Default)]
pub(super) struct Expected {
    since: HashMap<Place, Instant>,
    /// In the order in which they were said; those that have come, or were said again, stand here until they are old.
    order: VecDeque<(Instant, Place)>,
}

impl Expected {
    pub(super) fn insert(&mut self, place: Place, now: Instant) {
        while let Some((said, _)) = self.order.front()
            && (now.duration_since(*said) > PATIENCE || self.order.len() >= EXPECTED)
        {
            self.forget_oldest();
        }
        self.since.insert(place.clone(), now);
        self.order.push_back((now, place));
    }

    /// Whether this one was waited for. It is no longer.
    pub(super) fn take(&mut self, place: &Place, now: Instant) -> bool {
        self.since
            .remove(place)
            .is_some_and(|said| now.duration_since(said) <= PATIENCE)
    }

    pub(super) fn connection_ended(&mut self, dpid: DatapathId) {
        self.since.retain(|place, _| place.dpid != dpid);
        self.order.retain(|(_, place)| place.dpid != dpid);
    }

    fn forget_oldest(&mut self) {
        if let Some((said, place)) = self.order.pop_front()
            && self.since.get(&place) == Some(&said)
        {
            self.since.remove(&place);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.since.len().max(self.order.len())
    }
}
