//! The same of groups and meters: what one had counted goes along when it is moved to another switch.
//!
//! No switch says when somebody deletes one. That is seen by those that are read: one that is not there, or is younger
//! than what was brought to it, is not the one that it was brought to.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use godwit_openflow::model::{GroupStats, MeterStats};
use godwit_openflow::types::{DatapathId, GroupId, MeterId};
use serde::{Deserialize, Serialize};

use super::{Carried, Inner};
use crate::store::{Batch, Slice, Store, StoreError};

/// How much younger one may seem than it is: durations may come in whole seconds, and clocks run differently, of which this
/// is the reciprocal.
const YOUNGER: (Duration, u32) = (Duration::from_secs(1), 1000);

/// What names a group or a meter on its switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shared {
    /// A group.
    Group(GroupId),
    /// A meter.
    Meter(MeterId),
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => write!(f, "group {}", group.0),
            Self::Meter(meter) => write!(f, "meter {}", meter.0),
        }
    }
}

/// A group or a meter to a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SharedPlace {
    /// The switch.
    pub dpid: DatapathId,
    /// Which one there.
    pub shared: Shared,
}

/// Packets and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What a group or a meter has counted. A counter that the switch doesn't have (all ones, OF 1.3.5 §5.8) is 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SharedCount {
    /// All that went through it.
    pub all: Tally,
    /// What each of its buckets or bands has counted.
    pub parts: Vec<Tally>,
    /// How long it has been there, in nanoseconds.
    pub duration_ns: u64,
}

impl Tally {
    const fn known(packets: u64, bytes: u64) -> Self {
        const fn known(count: u64) -> u64 {
            if count == u64::MAX { 0 } else { count }
        }
        Self {
            packets: known(packets),
            bytes: known(bytes),
        }
    }

    fn add_to(self, packets: &mut u64, bytes: &mut u64) {
        *packets = packets.saturating_add(self.packets);
        *bytes = bytes.saturating_add(self.bytes);
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self {
            packets: self.packets.saturating_add(more.packets),
            bytes: self.bytes.saturating_add(more.bytes),
        }
    }
}

impl SharedCount {
    /// What it has counted in all that had this before and has counted `more` since. What parts had counted is left out
    /// when there are more or fewer of them now: then they are others.
    #[must_use]
    pub fn and(&self, more: &Self) -> Self {
        let parts = if more.parts.is_empty() {
            self.parts.clone()
        } else if self.parts.len() == more.parts.len() {
            let both = self.parts.iter().zip(&more.parts);
            both.map(|(one, other)| one.and(*other)).collect()
        } else {
            more.parts.clone()
        };
        Self {
            all: self.all.and(more.all),
            parts,
            duration_ns: self.duration_ns.saturating_add(more.duration_ns),
        }
    }

    /// Adds this to what a switch says of the group.
    pub fn add_to_group(&self, stats: &mut GroupStats) {
        self.all.add_to(&mut stats.packets, &mut stats.bytes);
        stats.duration_ns = stats.duration_ns.saturating_add(self.duration_ns);
        if self.parts.len() == stats.buckets.len() {
            for (bucket, before) in stats.buckets.iter_mut().zip(&self.parts) {
                before.add_to(&mut bucket.packets, &mut bucket.bytes);
            }
        }
    }

    /// Adds this to what a switch says of the meter.
    pub fn add_to_meter(&self, stats: &mut MeterStats) {
        self.all.add_to(&mut stats.packets, &mut stats.bytes);
        stats.duration_ns = stats.duration_ns.saturating_add(self.duration_ns);
        if self.parts.len() == stats.bands.len() {
            for (band, before) in stats.bands.iter_mut().zip(&self.parts) {
                before.add_to(&mut band.packets, &mut band.bytes);
            }
        }
    }
}

impl From<&GroupStats> for SharedCount {
    fn from(stats: &GroupStats) -> Self {
        let parts = stats.buckets.iter();
        Self {
            all: Tally::known(stats.packets, stats.bytes),
            parts: parts
                .map(|bucket| Tally::known(bucket.packets, bucket.bytes))
                .collect(),
            duration_ns: stats.duration_ns,
        }
    }
}

impl From<&MeterStats> for SharedCount {
    fn from(stats: &MeterStats) -> Self {
        let parts = stats.bands.iter();
        Self {
            all: Tally::known(stats.packets, stats.bytes),
            parts: parts
                .map(|band| Tally::known(band.packets, band.bytes))
                .collect(),
            duration_ns: stats.duration_ns,
        }
    }
}

/// What was brought to one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Brought {
    count: SharedCount,
    /// It was there then.
    since: Instant,
}

impl Brought {
    /// Whether one that is so old by the answer to a question asked at this time is not the one that this was brought to.
    /// One that has no age is not known to be another.
    fn is_anothers(&self, duration_ns: u64, asked: Instant) -> bool {
        let at_least = asked.saturating_duration_since(self.since);
        let (rounding, drift) = YOUNGER;
        let seems = Duration::from_nanos(duration_ns) + rounding + at_least / drift;
        duration_ns > 0 && seems < at_least
    }
}

/// See [`Carried`], whose methods these are. No clock.
#[derive(Debug, Default)]
pub(super) struct SharedLedger {
    brought: HashMap<SharedPlace, Brought>,
    /// By source.
    moves: HashMap<SharedPlace, SharedPlace>,
    /// Places whose record has changed since that was asked last.
    changed: Vec<SharedPlace>,
}

impl SharedLedger {
    fn at(&self, place: SharedPlace) -> Option<&SharedCount> {
        self.brought.get(&place).map(|brought| &brought.count)
    }

    fn set(&mut self, place: SharedPlace, count: SharedCount, since: Instant) {
        self.brought.insert(place, Brought { count, since });
        self.changed.push(place);
    }

    fn forget(&mut self, place: SharedPlace) {
        if self.brought.remove(&place).is_some() {
            self.changed.push(place);
        }
    }

    fn is_target(&self, place: SharedPlace) -> bool {
        self.moves.values().any(|target| *target == place)
    }

    pub(super) fn during(&mut self, source: SharedPlace, target: SharedPlace) {
        if self.moves.insert(source, target) != Some(target) {
            // What others had left there goes when this is put there.
            self.forget(target);
        }
    }

    pub(super) fn would_bring(&self, source: SharedPlace, counted: &SharedCount) -> SharedCount {
        let before = self.at(source);
        before.map_or_else(|| counted.clone(), |before| before.and(counted))
    }

    pub(super) fn settled(&mut self, source: SharedPlace, now: Instant) {
        let Some(target) = self.moves.remove(&source) else {
            return;
        };
        let brought = self.at(target).or_else(|| self.at(source)).cloned();
        if let Some(brought) = brought {
            self.set(target, brought, now);
        }
        self.forget(source);
    }

    pub(super) fn undone(&mut self, source: SharedPlace, counted: &SharedCount, now: Instant) {
        let Some(target) = self.moves.remove(&source) else {
            return;
        };
        self.forget(target);
        // It has been where it was all the time.
        let counted = SharedCount {
            duration_ns: 0,
            ..counted.clone()
        };
        if counted.all != Tally::default() {
            let brought = self.would_bring(source, &counted);
            self.set(source, brought, now);
        }
    }

    /// What was brought to those of a switch.
    fn on(&self, dpid: DatapathId) -> impl Iterator<Item = (SharedPlace, &Brought)> {
        let all = self.brought.iter();
        all.filter(move |(place, _)| place.dpid == dpid)
            .map(|(place, brought)| (*place, brought))
    }

    /// These, and only these among the `asked` ones, are on the switch and so old, in nanoseconds.
    pub(super) fn seen(&mut self, look: &Look, seen: &HashMap<Shared, u64>) {
        let gone = |(place, brought): &(SharedPlace, &Brought)| {
            if !(look.kind)(place.shared) || brought.since > look.asked || self.is_target(*place) {
                return false;
            }
            match seen.get(&place.shared) {
                Some(age) => brought.is_anothers(*age, look.asked),
                None => !self.moves.contains_key(place),
            }
        };
        let gone: Vec<SharedPlace> = self
            .on(look.dpid)
            .filter(gone)
            .map(|(place, _)| place)
            .collect();
        for place in gone {
            self.forget(place);
        }
    }
}

/// A look at the groups or the meters of a switch, begun before it is asked.
#[derive(Debug)]
pub struct Look {
    dpid: DatapathId,
    /// Which of both it is at.
    kind: fn(Shared) -> bool,
    asked: Instant,
    /// What had been brought there.
    known: HashMap<Shared, Brought>,
}

/// One record in the store.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    place: SharedPlace,
    count: SharedCount,
    since: SystemTime,
}

impl Carried {
    /// The groups of a switch are about to be asked for.
    #[must_use]
    pub fn look_at_groups(&self, dpid: DatapathId) -> Look {
        self.look(dpid, |shared| matches!(shared, Shared::Group(_)))
    }

    /// The meters of a switch are about to be asked for.
    #[must_use]
    pub fn look_at_meters(&self, dpid: DatapathId) -> Look {
        self.look(dpid, |shared| matches!(shared, Shared::Meter(_)))
    }

    fn look(&self, dpid: DatapathId, kind: fn(Shared) -> bool) -> Look {
        let asked = Instant::now();
        let known = self.with(|inner| {
            let here = inner.shared.on(dpid);
            here.map(|(place, brought)| (place.shared, brought.clone()))
                .collect()
        });
        Look {
            dpid,
            kind,
            asked,
            known,
        }
    }

    /// What was brought to the groups or meters that a switch says it has, each with its age in nanoseconds. What was
    /// brought to others is forgotten: somebody has deleted them. One that a migration has taken away in the meantime is
    /// said to have what it had when the look began.
    #[must_use]
    pub fn seen(
        &self,
        look: Look,
        seen: impl IntoIterator<Item = (Shared, u64)>,
    ) -> HashMap<Shared, SharedCount> {
        let seen: HashMap<Shared, u64> = seen.into_iter().collect();
        self.with(|inner| {
            inner.shared.seen(&look, &seen);
            let mut carried = HashMap::new();
            for (shared, brought) in look.known {
                let age = seen.get(&shared);
                if age.is_some_and(|age| !brought.is_anothers(*age, look.asked)) {
                    carried.insert(shared, brought.count);
                }
            }
            let here = inner.shared.on(look.dpid);
            let here = here.filter(|(place, _)| seen.contains_key(&place.shared));
            carried.extend(here.map(|(place, brought)| (place.shared, brought.count.clone())));
            carried
        })
    }

    /// As [`Self::during`], of groups and meters.
    pub fn during_shared(&self, moves: impl IntoIterator<Item = (SharedPlace, SharedPlace)>) {
        self.with(|inner| {
            for (source, target) in moves {
                inner.shared.during(source, target);
            }
        });
    }

    /// What one that goes from here brings with it when it has counted this here.
    #[must_use]
    pub fn would_bring_shared(&self, source: SharedPlace, counted: &SharedCount) -> SharedCount {
        self.with(|inner| inner.shared.would_bring(source, counted))
    }

    /// One has come to this place and brings this in all ([`Self::would_bring_shared`]). Saying it again changes nothing.
    pub fn bring_shared(&self, place: SharedPlace, total: SharedCount) {
        let now = Instant::now();
        self.with(|inner| inner.shared.set(place, total, now));
    }

    /// As [`Self::settled`], of groups and meters.
    pub fn settled_shared(&self, sources: impl IntoIterator<Item = SharedPlace>) {
        let now = Instant::now();
        self.with(|inner| {
            for source in sources {
                inner.shared.settled(source, now);
            }
        });
    }

    /// As [`Self::undone`], of groups and meters.
    pub fn undone_shared(&self, sources: impl IntoIterator<Item = (SharedPlace, SharedCount)>) {
        let now = Instant::now();
        self.with(|inner| {
            for (source, counted) in sources {
                inner.shared.undone(source, &counted, now);
            }
        });
    }
}

impl Inner {
    pub(super) fn load_shared(&mut self, store: &Store) -> Result<(), StoreError> {
        let (now, clock) = (Instant::now(), SystemTime::now());
        for (number, record) in store.load(Slice::CARRIED_SHARED)? {
            let Record {
                place,
                count,
                since,
            } = record;
            self.shared_numbers.take(place, number);
            // By a clock that was put back since, it has just come.
            let age = clock.duration_since(since).unwrap_or_default();
            let since = now.checked_sub(age).unwrap_or(now);
            self.shared.set(place, count, since);
        }
        self.shared.changed.clear();
        Ok(())
    }

    pub(super) fn shared_changes(&mut self, batch: &mut Batch) {
        for place in std::mem::take(&mut self.shared.changed) {
            let Some(Brought { count, since }) = self.shared.brought.get(&place) else {
                if let Some(number) = self.shared_numbers.give_back(&place) {
                    batch.delete(Slice::CARRIED_SHARED, number);
                }
                continue;
            };
            let clock = SystemTime::now();
            let record = Record {
                place,
                count: count.clone(),
                since: clock.checked_sub(since.elapsed()).unwrap_or(clock),
            };
            let number = self.shared_numbers.of(&place);
            if let Err(error) = batch.put(Slice::CARRIED_SHARED, number, &record) {
                tracing::error!(%error, "what a group or meter brought with it can't be kept");
            }
        }
    }
}

#[cfg(test)]
mod tests;
