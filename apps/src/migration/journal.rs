//! The journal of migrations: what is about to be done is on the disk before it is sent.
//!
//! The records of a migration under way, in their order:
//!
//! | record | on the disk before | what a new run makes of it |
//! |---|---|---|
//! | begun | the first message | reads what the switches hold and undoes what of the rounds took effect |
//! | counted, before the cut | `move` deletes live rules | what they had counted is not lost |
//! | past the last flip | (while the old way drains) | from here on it finishes instead |
//! | counted, before the removal | old rules are deleted | the final numbers; without it the old way is drained again |
//! | back | the first undo after a limit was crossed or a path died | it goes back after all, and says why |
//! | anew | a deleted rule is put back | what the old one had counted stands |
//! | owed | (with the end) | a switch that was gone is put right when it returns |
//! | the end | others see the end | replaces all others: the migration as it is remembered |
//!
//! There is no record for each round. The first record has all of them, and what a switch holds says which took
//! effect, also for a round that did so in part, which no number of records could say. `move` has two rounds a flow;
//! a write to the disk before each would cost more than the migration.

mod hook;
mod plan;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use godwit_controller::carried::{Brought, SharedCount};
use godwit_controller::store::{Batch, Slice, Store, StoreError};
use godwit_openflow::types::DatapathId;
use serde::{Deserialize, Serialize};

use super::drain::{Reading, Readings};
use super::planning::Planned;
use super::record::{Migration, MigrationId, Saved};
use crate::plan::FlowId;
use crate::plan::entry::EntryStep;
use crate::routing::Routing;
use crate::routing::counters::Tally;

pub use hook::{Hook, Moment};
pub(super) use plan::{Listed, PlanRecord};

/// Records of one migration at most; the rest of a record's number is the migration's.
const RECORD_BITS: u32 = 16;

/// A migration that is about to send its first message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Begun {
    /// The key that it was asked for with.
    pub(super) key: Option<String>,
    /// When it was asked for.
    pub(super) started_at: SystemTime,
    /// Whether the source was drained before, as that of a way back is.
    pub(super) was_drained: bool,
    /// What is to be done.
    pub(super) plan: PlanRecord,
}

/// What the rule of a flow on a switch had counted.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) dpid: DatapathId,
    pub(super) flow: FlowId,
    packets: u64,
    bytes: u64,
}

impl Counted {
    pub(super) const fn new(dpid: DatapathId, flow: FlowId, tally: Tally) -> Self {
        let Tally { packets, bytes } = tally;
        Self {
            dpid,
            flow,
            packets,
            bytes,
        }
    }

    pub(super) const fn tally(&self) -> Tally {
        Tally {
            packets: self.packets,
            bytes: self.bytes,
        }
    }
}

/// What a rule of no route had counted, by its index among the moved.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct CountedOther {
    index: usize,
    packets: u64,
    bytes: u64,
    age_ns: u64,
    /// What it had brought there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Brought>,
}

impl CountedOther {
    pub(super) const fn new(index: usize, reading: &Reading, before: Option<Brought>) -> Self {
        Self {
            index,
            packets: reading.tally.packets,
            bytes: reading.tally.bytes,
            age_ns: reading.age_ns,
            before,
        }
    }

    const fn reading(&self) -> (usize, Reading) {
        let Self { packets, bytes, .. } = *self;
        let reading = Reading {
            tally: Tally { packets, bytes },
            age_ns: self.age_ns,
        };
        (self.index, reading)
    }
}

/// What a group or a meter brings with it in all, by its index among the moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CountedShared {
    pub(super) index: usize,
    pub(super) total: SharedCount,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Begun(Box<Begun>),
    Counted {
        routes: Vec<Counted>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        others: Vec<CountedOther>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shared: Vec<CountedShared>,
    },
    Past,
    Back(String),
    Anew(Vec<Counted>),
    Owed(Owed),
}

/// What a switch that is gone has to be told when it returns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Owed {
    pub(super) dpid: DatapathId,
    /// Whether the steps are to be undone, not done.
    pub(super) undone: bool,
    pub(super) steps: Vec<EntryStep>,
}

/// Something owed, as it stands in the journal.
#[derive(Debug)]
pub(super) struct Debt {
    pub(super) key: u64,
    pub(super) owed: Owed,
}

impl Debt {
    pub(super) const fn migration(&self) -> MigrationId {
        self.key >> RECORD_BITS
    }

    /// It is paid.
    pub(super) fn strike(&self, store: &Store) {
        let mut batch = Batch::default();
        batch.delete(Slice::JOURNAL, self.key);
        // Paid twice does no harm.
        store.write_later(batch);
    }
}

/// Writes the records of one migration.
#[derive(Debug)]
pub(super) struct Journal {
    store: Store,
    hook: Hook,
    id: MigrationId,
    next: AtomicU64,
}

impl Journal {
    /// A migration begins.
    pub(super) async fn begin(
        store: Store,
        hook: Hook,
        id: MigrationId,
        begun: Begun,
    ) -> Result<Self, StoreError> {
        let journal = Self {
            store,
            hook,
            id,
            next: AtomicU64::new(0),
        };
        journal.write(&Record::Begun(Box::new(begun))).await?;
        Ok(journal)
    }

    /// The counters of rules that are about to be deleted. `batch` has what else is to be written with them.
    pub(super) async fn counted(
        &self,
        batch: Batch,
        readings: &Readings,
        others: Vec<CountedOther>,
        shared: Vec<CountedShared>,
    ) -> Result<(), StoreError> {
        let counted =
            |(&(dpid, flow), reading): (_, &Reading)| Counted::new(dpid, flow, reading.tally);
        let routes = readings.iter().map(counted).collect();
        let record = Record::Counted {
            routes,
            others,
            shared,
        };
        self.write_with(batch, &record).await
    }

    /// The last flip is done.
    pub(super) async fn past(&self) -> Result<(), StoreError> {
        self.write(&Record::Past).await
    }

    /// It goes back.
    pub(super) async fn back(&self, why: String) -> Result<(), StoreError> {
        self.write(&Record::Back(why)).await
    }

    /// Rules are about to be put back; what was counted in all before stands.
    pub(super) async fn anew(&self, totals: Vec<Counted>) -> Result<(), StoreError> {
        self.write(&Record::Anew(totals)).await
    }

    /// The end: the migrations as they are remembered take the place of the records, and what is still owed.
    /// `batch` has what else is to be written with them.
    pub(super) async fn end(
        &self,
        mut batch: Batch,
        ended: &[Saved],
        owed: &[Owed],
    ) -> Result<(), StoreError> {
        for saved in ended {
            batch.put(Slice::MIGRATIONS, saved.id(), saved)?;
        }
        let next = self.next.load(Ordering::Acquire);
        for number in 0..next {
            batch.delete(Slice::JOURNAL, self.id << RECORD_BITS | number);
        }
        for Debt { key, owed } in self.debts(owed) {
            batch.put(Slice::JOURNAL, key, &Record::Owed(owed))?;
        }
        self.commit(batch).await
    }

    /// What is owed, under the numbers that it has behind all other records.
    pub(super) fn debts(&self, owed: &[Owed]) -> Vec<Debt> {
        let next = self.next.load(Ordering::Acquire);
        let debt = |(number, owed): (u64, &Owed)| Debt {
            key: self.id << RECORD_BITS | number,
            owed: owed.clone(),
        };
        (next..).zip(owed).map(debt).collect()
    }

    async fn write(&self, record: &Record) -> Result<(), StoreError> {
        self.write_with(Batch::default(), record).await
    }

    async fn write_with(&self, mut batch: Batch, record: &Record) -> Result<(), StoreError> {
        let number = self.next.fetch_add(1, Ordering::AcqRel);
        batch.put(Slice::JOURNAL, self.id << RECORD_BITS | number, record)?;
        self.commit(batch).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.hook.reach(Moment::Before).await?;
        self.store.write(batch).await?;
        self.hook.reach(Moment::After).await
    }
}

/// A migration that an earlier run did not bring to an end.
#[derive(Debug)]
pub(super) struct Unfinished {
    pub(super) id: MigrationId,
    pub(super) begun: Begun,
    pub(super) progress: Progress,
    pub(super) journal: Journal,
}

/// How far it had come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// What rules had counted before they were deleted.
    pub(super) counted: Vec<Counted>,
    /// The same of rules of no route, by their index among the moved.
    pub(super) others: BTreeMap<usize, Reading>,
    /// What those had brought to where they were counted.
    pub(super) before: BTreeMap<usize, Brought>,
    /// What groups and meters bring with them in all, by their index among the moved.
    pub(super) shared: Vec<CountedShared>,
    /// What rules that were put back had counted in all before.
    pub(super) anew: Vec<Counted>,
    /// Whether the last flip was done.
    pub(super) is_past: bool,
    /// Whether the final numbers are among [`Self::counted`]: old rules may be gone.
    pub(super) is_final: bool,
    /// Why it went back.
    pub(super) back: Option<String>,
}

impl Progress {
    fn take(&mut self, record: Record) {
        match record {
            Record::Begun(_) | Record::Owed(_) => {}
            Record::Counted {
                routes,
                others,
                shared,
            } => {
                self.is_final |= self.is_past;
                self.counted.extend(routes);
                self.others.extend(others.iter().map(CountedOther::reading));
                let before = others.iter();
                self.before
                    .extend(before.filter_map(|other| Some((other.index, other.before?))));
                // Of one that was counted twice the later says more.
                self.shared.extend(shared);
            }
            Record::Past => self.is_past = true,
            Record::Back(why) => self.back = Some(why),
            Record::Anew(totals) => self.anew.extend(totals),
        }
    }

    /// Gives the routes the numbers that their rules can't be asked for any more.
    pub(super) fn recount(&self, routing: &Routing) {
        for counted in &self.counted {
            routing.table().with(counted.flow, |route| {
                route.counters.ended(counted.dpid, counted.tally());
            });
        }
        begin_anew(routing, &self.anew);
    }
}

/// Rules of routes have been put back, or are about to be: they count from zero, and these totals stand.
pub(super) fn begin_anew(routing: &Routing, totals: &[Counted]) {
    for total in totals {
        routing.table().with(total.flow, |route| {
            route.counters.restarted_at(total.dpid, total.tally());
        });
    }
}

/// What an earlier run has left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Migrations that are over.
    pub(super) finished: Vec<Saved>,
    /// Those that are not.
    pub(super) unfinished: Vec<Unfinished>,
    /// What switches have to be told when they return.
    pub(super) debts: Vec<Debt>,
}

/// Reads what an earlier run has left.
pub(super) fn left(store: &Store, hook: &Hook) -> Result<Left, StoreError> {
    let finished = store.load::<Saved>(Slice::MIGRATIONS)?;
    let mut records: BTreeMap<MigrationId, Vec<(u64, Record)>> = BTreeMap::new();
    let mut debts = Vec::new();
    for (number, record) in store.load::<Record>(Slice::JOURNAL)? {
        if let Record::Owed(owed) = record {
            debts.push(Debt { key: number, owed });
            continue;
        }
        let own = records.entry(number >> RECORD_BITS).or_default();
        own.push((number, record));
    }
    let unfinished = records.into_iter().map(|(id, records)| {
        let mut begun = None;
        let mut progress = Progress::default();
        let mut next = 0;
        for (number, record) in records {
            next = (number & ((1 << RECORD_BITS) - 1)) + 1;
            match record {
                Record::Begun(first) => begun = Some(*first),
                later => progress.take(later),
            }
        }
        let begun = begun.ok_or_else(|| {
            let why = format!("it is missing, and migration {id} has later ones");
            store.damaged(Slice::JOURNAL, id << RECORD_BITS, why)
        })?;
        let journal = Journal {
            store: store.clone(),
            hook: hook.clone(),
            id,
            next: AtomicU64::new(next),
        };
        Ok(Unfinished {
            id,
            begun,
            progress,
            journal,
        })
    });
    Ok(Left {
        finished: finished.into_iter().map(|(_, saved)| saved).collect(),
        unfinished: unfinished.collect::<Result<_, StoreError>>()?,
        debts,
    })
}

impl Begun {
    pub(super) fn new(
        migration: &Migration,
        was_drained: bool,
        planned: &Planned,
        via: &HashMap<FlowId, Vec<DatapathId>>,
    ) -> Self {
        Self {
            key: migration.key().map(str::to_owned),
            started_at: migration.started_at(),
            was_drained,
            plan: PlanRecord::of(planned, via),
        }
    }
}

#[cfg(test)]
mod tests;
