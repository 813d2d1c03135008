//! The ledger: who brought what, who stands twice, and what is to be said of an end. No clock.

use std::collections::HashMap;
use std::time::Instant;

use godwit_openflow::model::{FlowRemoved, FlowRemovedReason};
use godwit_openflow::types::DatapathId;

use super::expected::Expected;
use super::{Brought, Ended, Place};

/// See [`super::Carried`], whose methods these are.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    brought: HashMap<Place, Brought>,
    /// By source.
    moves: HashMap<Place, Move>,
    /// The source of each target.
    sources: HashMap<Place, Place>,
    expected: Expected,
    /// Places whose record has changed since that was asked last.
    changed: Vec<Place>,
}

/// A rule that stands twice.
#[derive(Debug)]
struct Move {
    target: Place,
    life: Life,
    /// What the source itself had counted, once that was said.
    counted: Option<Brought>,
    /// What copies at the target had counted that ended before another was installed.
    spent: Brought,
}

/// Which of the two copies stand.
#[derive(Debug)]
enum Life {
    Both,
    Target(End),
    Source(End),
    /// None does, and that was told: what the migration still says of the rule means nothing.
    Neither,
}

/// The end of the other one.
#[derive(Debug)]
struct End {
    removed: FlowRemoved,
    at: Instant,
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Target,
}

impl Ledger {
    /// The places whose record has changed since this was asked last.
    pub(super) fn changed(&mut self) -> Vec<Place> {
        std::mem::take(&mut self.changed)
    }

    pub(super) fn at(&self, place: &Place) -> Option<Brought> {
        self.brought.get(place).copied()
    }

    pub(super) fn set(&mut self, place: Place, brought: Brought) {
        if self.brought.insert(place.clone(), brought) != Some(brought) {
            self.changed.push(place);
        }
    }

    pub(super) fn forget(&mut self, place: &Place) {
        self.take(place);
    }

    fn take(&mut self, place: &Place) -> Brought {
        let taken = self.brought.remove(place);
        if taken.is_some() {
            self.changed.push(place.clone());
        }
        taken.unwrap_or_default()
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Place) -> bool) {
        let gone: Vec<Place> = self
            .brought
            .keys()
            .filter(|at| !keep(at))
            .cloned()
            .collect();
        for place in gone {
            // What stands twice is the migration's business.
            if !self.moves.contains_key(&place) && !self.sources.contains_key(&place) {
                self.forget(&place);
            }
        }
    }

    pub(super) fn bring(&mut self, place: Place, counted: Brought) {
        let Some(source) = self.sources.get(&place).cloned() else {
            return self.set(place, counted);
        };
        let brought = self.would_bring(&source, &place, counted);
        if let Some(moved) = self.moves.get_mut(&source) {
            if matches!(moved.life, Life::Neither) {
                return;
            }
            moved.counted = Some(counted);
        }
        self.set(place, brought);
    }

    /// What the target's rule has brought when the source itself had counted this, or more if it has ended since.
    pub(super) fn would_bring(&self, source: &Place, target: &Place, counted: Brought) -> Brought {
        let before = self.at(source).unwrap_or_default();
        let moved = self
            .moves
            .get(source)
            .filter(|moved| moved.target == *target);
        let Some(moved) = moved else {
            return before.and(counted);
        };
        let counted = match &moved.life {
            Life::Target(End { removed, .. }) => Brought {
                packets: counted.packets.max(removed.packets),
                bytes: counted.bytes.max(removed.bytes),
                ..counted
            },
            _ => counted,
        };
        before.and(counted).and(moved.spent)
    }

    /// Whether the rule that was moved from here has ended at both places.
    pub(super) fn is_over(&self, source: &Place) -> bool {
        let moved = self.moves.get(source);
        moved.is_some_and(|moved| matches!(moved.life, Life::Neither))
    }

    pub(super) fn expect_removal(&mut self, places: impl IntoIterator<Item = Place>, now: Instant) {
        for place in places {
            self.expected.insert(place, now);
        }
    }

    pub(super) fn connection_ended(&mut self, dpid: DatapathId) {
        self.expected.connection_ended(dpid);
    }

    pub(super) fn during(&mut self, source: Place, target: Place) {
        match self.moves.get_mut(&source) {
            Some(moved) if moved.target == target => {
                match &moved.life {
                    Life::Source(End { removed, .. }) => {
                        moved.spent = moved.spent.and(counters(removed));
                        moved.life = Life::Both;
                    }
                    Life::Neither => moved.life = Life::Both,
                    Life::Both | Life::Target(_) => {}
                }
                return;
            }
            Some(moved) => _ = self.sources.remove(&moved.target),
            None => {}
        }
        // What others had left there goes when the rule is put there.
        self.forget(&target);
        if let Some(other) = self.sources.insert(target.clone(), source.clone()) {
            self.moves.remove(&other);
        }
        let moved = Move {
            target,
            life: Life::Both,
            counted: None,
            spent: Brought::default(),
        };
        self.moves.insert(source, moved);
    }

    fn end_move(&mut self, source: &Place) -> Option<Move> {
        let moved = self.moves.remove(source)?;
        self.sources.remove(&moved.target);
        Some(moved)
    }

    pub(super) fn settled(&mut self, source: &Place) -> Option<Ended> {
        let counted = self.moves.get(source)?.counted;
        let target = self.moves.get(source)?.target.clone();
        let brought = self.would_bring(source, &target, counted.unwrap_or_default());
        let moved = self.end_move(source)?;
        self.forget(source);
        match moved.life {
            Life::Source(End { removed, .. }) => {
                self.forget(&target);
                Some(Ended {
                    dpid: target.dpid,
                    removed: sum(removed, brought),
                })
            }
            Life::Neither => None,
            Life::Both | Life::Target(_) => {
                if brought != Brought::default() || self.at(&target).is_some() {
                    self.set(target, brought);
                }
                None
            }
        }
    }

    pub(super) fn undone(&mut self, source: &Place, counted: Brought) -> Option<Ended> {
        let moved = self.end_move(source)?;
        self.forget(&moved.target);
        if matches!(moved.life, Life::Neither) {
            return None;
        }
        let mut elsewhere = Brought {
            packets: counted.packets,
            bytes: counted.bytes,
            ..Brought::default()
        }
        .and(moved.spent);
        if let Life::Source(End { removed, .. }) = &moved.life {
            let ended = counters(removed).and(moved.spent);
            elsewhere.packets = elsewhere.packets.max(ended.packets);
            elsewhere.bytes = elsewhere.bytes.max(ended.bytes);
        }
        let brought = self.at(source).unwrap_or_default().and(elsewhere);
        if let Life::Target(End { removed, .. }) = moved.life {
            self.forget(source);
            return Some(Ended {
                dpid: source.dpid,
                removed: sum(removed, brought),
            });
        }
        if elsewhere != Brought::default() {
            self.set(source.clone(), brought);
        }
        None
    }

    pub(super) fn merged(
        &mut self,
        dpid: DatapathId,
        removed: FlowRemoved,
        now: Instant,
    ) -> Option<FlowRemoved> {
        let place = Place::of_removed(dpid, &removed);
        let expected = self.expected.take(&place, now);
        let (source, side) = if self.moves.contains_key(&place) {
            (place, Side::Source)
        } else if let Some(source) = self.sources.get(&place) {
            (source.clone(), Side::Target)
        } else if expected {
            return None;
        } else {
            let brought = self.take(&place);
            return Some(sum(removed, brought));
        };
        if expected && removed.reason == FlowRemovedReason::Delete {
            return None;
        }
        self.ended(&source, side, End { removed, at: now })
    }

    /// One of the two copies has ended by itself, or somebody else has ended it.
    fn ended(&mut self, source: &Place, side: Side, end: End) -> Option<FlowRemoved> {
        let moved = self.moves.get_mut(source)?;
        match (std::mem::replace(&mut moved.life, Life::Both), side) {
            (Life::Both, Side::Source) => moved.life = Life::Target(end),
            (Life::Both, Side::Target) => moved.life = Life::Source(end),
            // It had been put there again by somebody else.
            (Life::Target(before), Side::Source) => moved.life = Life::Target(before.then(end)),
            (Life::Source(before), Side::Target) => moved.life = Life::Source(before.then(end)),
            (Life::Target(first), Side::Target) | (Life::Source(first), Side::Source) => {
                moved.life = Life::Neither;
                moved.counted = None;
                let (spent, target) = (std::mem::take(&mut moved.spent), moved.target.clone());
                self.forget(&target);
                let brought = self.take(source).and(spent);
                return Some(sum(both(first, end, side), brought));
            }
            (Life::Neither, _) => {
                moved.life = Life::Neither;
                return Some(end.removed);
            }
        }
        None
    }
}

impl End {
    /// Two ends at one place.
    fn then(self, later: Self) -> Self {
        let before = counters(&self.removed);
        Self {
            removed: sum(later.removed, before),
            at: later.at,
        }
    }
}

fn counters(removed: &FlowRemoved) -> Brought {
    Brought {
        packets: removed.packets,
        bytes: removed.bytes,
        ..Brought::default()
    }
}

/// The end of a rule both of whose copies have ended, the one at `side` last.
fn both(first: End, last: End, side: Side) -> FlowRemoved {
    let hard = |end: &End| end.removed.reason == FlowRemovedReason::HardTimeout;
    // A hard timeout counts from the rule's beginning wherever it stands: that the copies' ends are some moments apart
    // comes from rounding, and the other may have been idle by then.
    let by_hard_timeout = hard(&first) || hard(&last);
    let (source, apart) = match side {
        Side::Source => (&last, 0),
        Side::Target => {
            let apart = last.at.saturating_duration_since(first.at).as_nanos();
            (&first, u64::try_from(apart).unwrap_or(u64::MAX))
        }
    };
    FlowRemoved {
        reason: if by_hard_timeout {
            FlowRemovedReason::HardTimeout
        } else {
            last.removed.reason
        },
        duration_ns: source.removed.duration_ns.saturating_add(apart),
        hard_timeout: source.removed.hard_timeout,
        packets: first.removed.packets.saturating_add(last.removed.packets),
        bytes: first.removed.bytes.saturating_add(last.removed.bytes),
        ..last.removed
    }
}

/// The end of a rule with what it had brought.
fn sum(removed: FlowRemoved, brought: Brought) -> FlowRemoved {
    FlowRemoved {
        packets: removed.packets.saturating_add(brought.packets),
        bytes: removed.bytes.saturating_add(brought.bytes),
        duration_ns: removed.duration_ns.saturating_add(brought.duration_ns),
        hard_timeout: match brought.hard_timeout {
            0 => removed.hard_timeout,
            made_with => made_with,
        },
        ..removed
    }
}
