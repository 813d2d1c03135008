//! What rules that took the place of others had counted before: a counter belongs to the logical rule, not to the
//! switch that it happens to stand on.
//!
//! The same goes for its end: while a rule is moved it stands twice, and apps are told once that it is gone, when the
//! last copy is, with all that it has counted wherever it stood.
//!
//! ```text
//!  during(source, target) ─▶ both stand ─┬─ source ends ─▶ target alone ─┬─ target ends ─▶ told once
//!                                        └─ target ends ─▶ source alone ─┴─ source ends ─▶ told once
//!  settled: the target stands for it, the source's record is gone      undone: the other way round
//! ```

mod expected;
mod ledger;
mod shared;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use godwit_openflow::model::{FlowRemoved, FlowRule, Pattern};
use godwit_openflow::types::{DatapathId, TableId};
use serde::{Deserialize, Serialize};

use self::ledger::Ledger;
use self::shared::SharedLedger;
pub use self::shared::{Look, Shared, SharedCount, SharedPlace, Tally};
use crate::store::{Batch, Slice, Store, StoreError};

/// What a rule brought with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Brought {
    /// Packets counted before.
    pub packets: u64,
    /// Bytes counted before.
    pub bytes: u64,
    /// How long it had been there before, in nanoseconds: when the rule was put where it stands now.
    pub duration_ns: u64,
    /// The hard timeout that it was made with, in seconds; the rule itself has only what remained of it.
    pub hard_timeout: u16,
}

impl Brought {
    /// What a rule brings on that had come with this and leaves with `more`.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self {
            packets: self.packets.saturating_add(more.packets),
            bytes: self.bytes.saturating_add(more.bytes),
            duration_ns: self.duration_ns.saturating_add(more.duration_ns),
            hard_timeout: match self.hard_timeout {
                0 => more.hard_timeout,
                made_with => made_with,
            },
        }
    }
}

/// A rule to a switch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The switch.
    pub dpid: DatapathId,
    /// The table.
    pub table: TableId,
    /// The priority.
    pub priority: u16,
    /// What it matches.
    pub pattern: Pattern,
}

impl Place {
    /// Of a rule.
    #[must_use]
    pub fn of(dpid: DatapathId, rule: &FlowRule) -> Self {
        Self {
            dpid,
            table: rule.table,
            priority: rule.priority,
            pattern: rule.pattern.clone(),
        }
    }

    /// Of a rule that has ended.
    fn of_removed(dpid: DatapathId, removed: &FlowRemoved) -> Self {
        Self {
            dpid,
            table: removed.table,
            priority: removed.priority,
            pattern: removed.pattern.clone(),
        }
    }
}

/// A rule that has ended although nothing was heard of it now: what apps are to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The switch that it stood on last.
    pub dpid: DatapathId,
    /// Its end, with all that it has counted.
    pub removed: FlowRemoved,
}

/// What all moved rules, groups and meters brought with them. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Carried {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    ledger: Ledger,
    shared: SharedLedger,
    numbers: Numbers<Place>,
    shared_numbers: Numbers<SharedPlace>,
    store: Option<Store>,
}

/// The numbers under which places stand in the store.
#[derive(Debug)]
struct Numbers<P> {
    given: HashMap<P, u64>,
    last: u64,
}

/// One record in the store.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    place: Place,
    brought: Brought,
}

impl Carried {
    /// What a store holds of it, and will hold.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let mut inner = Inner {
            store: Some(store.clone()),
            ..Inner::default()
        };
        for (number, Record { place, brought }) in store.load(Slice::CARRIED)? {
            inner.numbers.take(place.clone(), number);
            inner.ledger.set(place, brought);
        }
        inner.ledger.changed();
        inner.load_shared(store)?;
        Ok(Self {
            inner: Arc::new(Mutex::new(inner)),
        })
    }

    /// Does something, and has what it changed written soon.
    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        // Every operation leaves it whole, so a panic elsewhere can't have torn it.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let done = act(&mut inner);
        inner.write_changes();
        done
    }

    /// A rule has come to this place and brings this. Saying it again changes nothing. While the rule
    /// [is being moved](Self::during) `brought` is what the source itself has counted, and what that had brought is added.
    pub fn bring(&self, place: Place, brought: Brought) {
        self.with(|Inner { ledger, .. }| ledger.bring(place, brought));
    }

    /// What the rule at this place brought with it.
    #[must_use]
    pub fn at(&self, place: &Place) -> Option<Brought> {
        self.with(|Inner { ledger, .. }| ledger.at(place))
    }

    /// All that the rule at this place has counted, wherever it stood, when this is what its switch says now.
    #[must_use]
    pub fn total(&self, place: &Place, packets: u64, bytes: u64) -> (u64, u64) {
        let before = self.at(place).unwrap_or_default();
        (
            before.packets.saturating_add(packets),
            before.bytes.saturating_add(bytes),
        )
    }

    /// The rule at this place is gone, and what it brought with it.
    pub fn forget(&self, place: &Place) {
        self.with(|Inner { ledger, .. }| ledger.forget(place));
    }

    /// This is all that a switch holds: what others had brought there is forgotten. Of rules without
    /// SEND_FLOW_REMOVED that somebody else deleted nothing else would tell.
    pub fn keep_only(&self, dpid: DatapathId, stands: impl Fn(&Place) -> bool) {
        self.with(|Inner { ledger, .. }| {
            ledger.retain(|place| place.dpid != dpid || stands(place))
        });
    }

    /// Rules at these places are about to be deleted by a migration: their FLOW_REMOVED are nobody's business, one
    /// each, within half a minute. Only rules with SEND_FLOW_REMOVED are to be named: the others never end audibly, and
    /// the end of what is put there next would not be heard.
    pub fn expect_removal(&self, places: impl IntoIterator<Item = Place>) {
        let now = Instant::now();
        self.with(|Inner { ledger, .. }| ledger.expect_removal(places, now));
    }

    /// The connection of this switch has ended: it will not say any more that a rule was removed.
    pub fn connection_ended(&self, dpid: DatapathId) {
        self.with(|Inner { ledger, .. }| ledger.connection_ended(dpid));
    }

    /// From now on these rules stand at two places, the source and the target, until [`Self::settled`] or
    /// [`Self::undone`]. To be said before the target's is installed; again when it is installed again.
    pub fn during(&self, moves: impl IntoIterator<Item = (Place, Place)>) {
        self.with(|Inner { ledger, .. }| {
            for (source, target) in moves {
                ledger.during(source, target);
            }
        });
    }

    /// The rules of these sources stand at their targets now, and only there. What the source's had counted
    /// [was brought](Self::bring) before. Gives those that have ended meanwhile: the caller publishes them.
    #[must_use = "apps have to be told of these ends"]
    pub fn settled<'a>(&self, sources: impl IntoIterator<Item = &'a Place>) -> Vec<Ended> {
        self.with(|Inner { ledger, .. }| {
            let ended = sources.into_iter().filter_map(|at| ledger.settled(at));
            ended.collect()
        })
    }

    /// The rules of these sources stand there as before, and nowhere else. `counted` is what the copy at the target had
    /// counted, nothing when it was never used. Gives those that have ended meanwhile: the caller publishes them.
    #[must_use = "apps have to be told of these ends"]
    pub fn undone<'a>(
        &self,
        sources: impl IntoIterator<Item = (&'a Place, Brought)>,
    ) -> Vec<Ended> {
        self.with(|Inner { ledger, .. }| {
            let ended = sources
                .into_iter()
                .filter_map(|(source, counted)| ledger.undone(source, counted));
            ended.collect()
        })
    }

    /// What apps hear of the end of a rule: with all that it has counted wherever it stood, or nothing when a
    /// migration ended it or it lives on elsewhere.
    #[must_use]
    pub fn merged(&self, dpid: DatapathId, removed: FlowRemoved) -> Option<FlowRemoved> {
        let now = Instant::now();
        self.with(|Inner { ledger, .. }| ledger.merged(dpid, removed, now))
    }

    /// Puts into a batch what [`Self::settled`] will make of these moves, each with what the source has counted, so
    /// that it is written all or none with what else is due: first this and the writing of the batch, then
    /// [`Self::bring`] and [`Self::settled`].
    ///
    /// # Errors
    /// When a record can't be said as JSON.
    pub fn records_for_batch<'a>(
        &self,
        batch: &mut Batch,
        moves: impl IntoIterator<Item = (&'a Place, &'a Place, Brought)>,
    ) -> Result<(), StoreError> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for (source, target, counted) in moves {
            if !inner.ledger.is_over(source) {
                let brought = inner.ledger.would_bring(source, target, counted);
                let number = inner.numbers.of(target);
                let place = target.clone();
                batch.put(Slice::CARRIED, number, &Record { place, brought })?;
            }
            if let Some(&number) = inner.numbers.given.get(source) {
                batch.delete(Slice::CARRIED, number);
            }
        }
        Ok(())
    }
}

impl<P: Clone + Eq + std::hash::Hash> Numbers<P> {
    fn of(&mut self, place: &P) -> u64 {
        if let Some(&number) = self.given.get(place) {
            return number;
        }
        self.last += 1;
        self.given.insert(place.clone(), self.last);
        self.last
    }

    fn take(&mut self, place: P, number: u64) {
        self.last = self.last.max(number);
        self.given.insert(place, number);
    }

    fn give_back(&mut self, place: &P) -> Option<u64> {
        self.given.remove(place)
    }
}

impl<P> Default for Numbers<P> {
    fn default() -> Self {
        Self {
            given: HashMap::new(),
            last: 0,
        }
    }
}

impl Inner {
    fn write_changes(&mut self) {
        let changed = self.ledger.changed();
        let mut batch = Batch::default();
        self.shared_changes(&mut batch);
        let Some(store) = self.store.clone() else {
            return;
        };
        for place in changed {
            match self.ledger.at(&place) {
                Some(brought) => {
                    let number = self.numbers.of(&place);
                    if let Err(error) =
                        batch.put(Slice::CARRIED, number, &Record { place, brought })
                    {
                        tracing::error!(%error, "what a rule brought with it can't be kept");
                    }
                }
                None => {
                    if let Some(number) = self.numbers.give_back(&place) {
                        batch.delete(Slice::CARRIED, number);
                    }
                }
            }
        }
        if !batch.is_empty() {
            store.write_later(batch);
        }
    }
}

#[cfg(test)]
mod tests;
