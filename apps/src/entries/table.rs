//! The static entries: what was asked for, where it stands now, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use godwit_controller::carried::Place;
use godwit_controller::{Desired, Owner};
use godwit_openflow::model::{FlowMod, FlowRule};
use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::SharedTable;

/// The number of an entry, given out once and for all.
pub type EntryId = u32;

/// Entries at most: more than ten switches of 10,000 have.
pub const MOST_ENTRIES: usize = 131_072;

/// What an entry is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "EntryState")]
pub enum State {
    /// It is being sent to its switch.
    Installing,
    /// Its switch has confirmed it.
    Active,
    /// Its switch was frozen when it was asked for: it is held until the switch's work has its new place.
    Queued,
    /// It is being taken away.
    Removing,
    /// Its switch was frozen when it was to be taken away: the removal is held.
    Leaving,
    /// It was held, and refused when its time came.
    Refused,
}

/// A flow entry that somebody asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StaticEntry {
    /// The switch that it was asked for.
    pub home: DatapathId,
    /// What that switch was called.
    pub home_name: String,
    /// The switch where it stands.
    pub place: DatapathId,
    /// As it stands there.
    pub rule: FlowRule,
    /// What it is at.
    pub state: State,
    /// Why it was refused.
    pub problem: Option<String>,
    /// What whoever asked for it calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When its hard timeout is over, by the wall clock: for the next run of the controller.
    ends_at: Option<SystemTime>,
    /// The same by the clock that nobody sets.
    #[serde(skip)]
    ends: Option<Instant>,
    /// Where it has timed out while it was being moved.
    #[serde(skip)]
    timed_out_at: Option<DatapathId>,
}

impl StaticEntry {
    /// An entry that is asked for now. `rule` has the entry's cookie.
    pub(super) fn new(
        home: DatapathId,
        home_name: impl Into<String>,
        rule: FlowRule,
        state: State,
    ) -> Self {
        let mut entry = Self {
            home,
            home_name: home_name.into(),
            place: home,
            rule,
            state,
            problem: None,
            name: None,
            ends_at: None,
            ends: None,
            timed_out_at: None,
        };
        entry.begin();
        entry
    }

    /// The same, under this name.
    pub(super) fn named(mut self, name: Option<&str>) -> Self {
        self.name = name.map(str::to_owned);
        self
    }

    /// Its hard timeout begins now.
    fn begin(&mut self) {
        let seconds = self.rule.hard_timeout;
        let timeout = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
        self.ends_at = timeout.and_then(|timeout| SystemTime::now().checked_add(timeout));
        self.ends = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    }

    /// It was held, and has been put here in this form.
    pub(super) fn put(&mut self, place: DatapathId, rule: FlowRule) {
        (self.place, self.rule) = (place, rule);
        // Its removal may be held behind it.
        if self.state == State::Queued {
            self.state = State::Active;
            self.begin();
        }
    }

    /// As the next run of the controller takes it up; `None` when it was being taken away.
    pub(super) fn taken_up(mut self) -> Option<Self> {
        self.state = match self.state {
            State::Removing | State::Leaving => return None,
            // Unless its switch is frozen again it is to be there: whoever asked for it may have been told so.
            State::Installing | State::Queued | State::Active => State::Active,
            State::Refused => State::Refused,
        };
        let left = |end: SystemTime| end.duration_since(SystemTime::now()).unwrap_or_default();
        self.ends = self
            .ends_at
            .and_then(|end| Instant::now().checked_add(left(end)));
        Some(self)
    }

    /// The entry as its switch should hold it from now on, with what is left of its hard timeout; `None` when that is
    /// over.
    fn as_of_now(&self) -> Option<FlowRule> {
        let mut rule = self.rule.clone();
        if let Some(end) = self.ends {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            rule.hard_timeout = u16::try_from(seconds).unwrap_or(u16::MAX);
        }
        Some(rule)
    }
}

/// An entry that is the same to its switch as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    /// The index of the entry among those that were to be added.
    pub index: usize,
    /// The other entry; `None` when it is among those, too.
    pub other: Option<EntryId>,
}

/// Why entries were not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    Duplicate(Duplicate),
    Full,
}

/// All entries.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: BTreeMap<EntryId, StaticEntry>,
    by_identity: HashMap<Place, EntryId>,
    /// Groups and meters.
    pub(super) shared: SharedTable,
    last: EntryId,
    /// Switches whose rules somebody is changing, and how many do.
    leased: BTreeMap<DatapathId, usize>,
    /// What an earlier run held, or was taking away, as it left it; until it is known what is frozen again.
    left: BTreeMap<EntryId, StaticEntry>,
}

impl Table {
    /// The entries of an earlier run, of which the last one made had the number `last`.
    pub(super) fn load(
        entries: Vec<(EntryId, StaticEntry)>,
        last: EntryId,
        is_drained: impl Fn(DatapathId) -> bool,
    ) -> Self {
        let mut table = Self {
            last,
            ..Self::default()
        };
        for (id, entry) in entries {
            table.last = table.last.max(id);
            if matches!(
                entry.state,
                State::Queued | State::Removing | State::Leaving
            ) {
                table.left.insert(id, entry.clone());
            }
            // What was held is made before the end of a migration is written down. So this was about to be held when
            // the switch was thawed, and nobody was told that it will be there.
            if entry.state == State::Queued && is_drained(entry.place) {
                continue;
            }
            if let Some(entry) = entry.taken_up() {
                table.put(id, entry);
            }
        }
        table
    }

    /// A switch is frozen again, as it was in the earlier run: what was held for it, or about to be, is what it was.
    /// Gives the writes. An entry is only made in the place of another when that one is leaving. So of those that are
    /// one to the switch the numbers say in which order they were asked for.
    pub(super) fn held_again(&mut self, place: DatapathId) -> Vec<FlowMod> {
        let left = std::mem::take(&mut self.left);
        let (here, elsewhere) = left
            .into_iter()
            .partition(|(_, entry)| entry.place == place);
        self.left = elsewhere;
        let mut writes = Vec::new();
        for (id, mut entry) in here {
            let rule = entry.rule.clone();
            if entry.state == State::Queued {
                writes.push(FlowMod::add(rule));
            } else {
                // It may have been held itself before, and be there since.
                entry.state = State::Leaving;
                writes.push(FlowMod::delete_strict(rule));
            }
            self.remove(id);
            self.put(id, entry);
        }
        writes
    }

    /// What is left of an earlier run and was not held again: its records are not what it is.
    pub(super) fn outdated(&mut self) -> Vec<EntryId> {
        std::mem::take(&mut self.left).into_keys().collect()
    }

    fn put(&mut self, id: EntryId, entry: StaticEntry) {
        // What stands nowhere, or will be gone when its turn comes, is in nobody's way.
        if !matches!(entry.state, State::Refused | State::Leaving) {
            self.by_identity
                .insert(Place::of(entry.place, &entry.rule), id);
        }
        self.entries.insert(id, entry);
    }

    pub(super) const fn last(&self) -> EntryId {
        self.last
    }

    pub(super) fn get(&self, id: EntryId) -> Option<&StaticEntry> {
        self.entries.get(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (EntryId, &StaticEntry)> {
        self.entries.iter().map(|(&id, entry)| (id, entry))
    }

    /// Adds entries, all or none, and gives out their numbers and with them their cookies.
    pub(super) fn insert(
        &mut self,
        entries: Vec<StaticEntry>,
    ) -> Result<Vec<(EntryId, StaticEntry)>, NoRoom> {
        let mut seen = HashSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let identity = Place::of(entry.place, &entry.rule);
            let other = self.by_identity.get(&identity).copied();
            if other.is_some() || !seen.insert(identity) {
                return Err(NoRoom::Duplicate(Duplicate { index, other }));
            }
        }
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let room = self.entries.len() + entries.len() <= MOST_ENTRIES;
        if !room || self.last.checked_add(count).is_none() {
            return Err(NoRoom::Full);
        }
        let mut added = Vec::with_capacity(entries.len());
        for mut entry in entries {
            self.last += 1;
            entry.rule.cookie = Owner::Entries.cookie(self.last);
            self.put(self.last, entry.clone());
            added.push((self.last, entry));
        }
        Ok(added)
    }

    /// Changes an entry, also its rule and place. Gives it as it is then.
    pub(super) fn update(
        &mut self,
        id: EntryId,
        change: impl FnOnce(&mut StaticEntry),
    ) -> Option<StaticEntry> {
        let mut entry = self.remove(id)?;
        change(&mut entry);
        self.put(id, entry.clone());
        Some(entry)
    }

    pub(super) fn remove(&mut self, id: EntryId) -> Option<StaticEntry> {
        let entry = self.entries.remove(&id)?;
        let identity = Place::of(entry.place, &entry.rule);
        if self.by_identity.get(&identity) == Some(&id) {
            self.by_identity.remove(&identity);
        }
        Some(entry)
    }

    pub(super) fn at(&self, place: DatapathId) -> Vec<EntryId> {
        let there = self.iter().filter(|(_, entry)| entry.place == place);
        there.map(|(id, _)| id).collect()
    }

    pub(super) fn lease(&mut self, switches: &BTreeSet<DatapathId>) {
        for &dpid in switches {
            *self.leased.entry(dpid).or_default() += 1;
        }
        // What an earlier move left behind there and timed out is no part of the next.
        for entry in self.entries.values_mut() {
            if switches.contains(&entry.place) {
                entry.timed_out_at = None;
            }
        }
    }

    pub(super) fn release(&mut self, switches: &BTreeSet<DatapathId>) {
        for dpid in switches {
            if let Some(count) = self.leased.get_mut(dpid) {
                *count -= 1;
                if *count == 0 {
                    self.leased.remove(dpid);
                }
            }
        }
    }

    /// What a switch should hold, and which entries are left as they are wherever they are seen: those that are being
    /// changed themselves, and those on switches that are being changed, which may stand on two. Also the entries there
    /// whose hard timeout is over.
    pub(super) fn desired(
        &self,
        dpid: DatapathId,
        is_frozen: impl Fn(DatapathId) -> bool,
    ) -> (Desired, Vec<EntryId>) {
        let (mut desired, mut over) = (Desired::default(), Vec::new());
        // An entry may be given up while a migration that has taken it in puts it there.
        desired.again = self.leased.contains_key(&dpid) || is_frozen(dpid);
        if !desired.again {
            self.shared.desire(dpid, &mut desired);
        }
        let mut frozen: BTreeMap<DatapathId, bool> = BTreeMap::new();
        for (id, entry) in self.iter() {
            let changes = matches!(
                entry.state,
                State::Installing | State::Queued | State::Removing | State::Leaving
            );
            let place = entry.place;
            let busy = changes
                || self.leased.contains_key(&place)
                || *frozen.entry(place).or_insert_with(|| is_frozen(place));
            if busy {
                desired.busy.push(Owner::Entries.cookie(id));
            } else if place == dpid && entry.state == State::Active {
                match entry.as_of_now() {
                    Some(rule) => desired.rules.push(rule),
                    None => over.push(id),
                }
            }
        }
        (desired, over)
    }

    /// An entry has timed out on a switch. Whether it is over: where it was being moved to it says nothing, unless it
    /// is moved there in the end.
    pub(super) fn timed_out(&mut self, id: EntryId, dpid: DatapathId) -> bool {
        match self.entries.get_mut(&id) {
            Some(entry) if entry.place != dpid => {
                entry.timed_out_at = Some(dpid);
                false
            }
            Some(_) => true,
            None => false,
        }
    }

    /// An entry stands at another place in another form from now on; `None` when it is over, since it has timed out
    /// there already.
    pub(super) fn moved(
        &mut self,
        id: EntryId,
        to: DatapathId,
        rule: Result<FlowRule, String>,
    ) -> Option<StaticEntry> {
        if self.entries.get(&id)?.timed_out_at == Some(to) {
            self.remove(id);
            return None;
        }
        self.update(id, |entry| match rule {
            Ok(rule) => {
                entry.place = to;
                entry.rule = rule;
                entry.timed_out_at = None;
            }
            Err(why) => {
                entry.state = State::Refused;
                entry.problem = Some(why);
            }
        })
    }
}
