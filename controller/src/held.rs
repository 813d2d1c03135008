//! Writes to a switch whose work is being moved away: held in order, and made later, there or at its new place.
//!
//! Whoever writes asks to be [admitted](HeldWrites::admit), and is told at one moment which writes go out now and which
//! are held. Whoever moves a switch's work [freezes](HeldWrites::freeze) it, waits until what was being sent is
//! [through](HeldWrites::written), and at the end [takes](HeldWrites::take) what was held, until nothing is.
//!
//! # Putting right
//!
//! Whoever compares what a switch holds with what others want, and puts it right, [waits](HeldWrites::put_right) until
//! nobody writes to that switch, and writers wait for him: so nothing that was just taken away is put back. Whoever is
//! about to move work says so first and then waits until nothing is [being put right](HeldWrites::all_right).
//!
//! # What is promised
//!
//! What is held here is in memory only, and ends with the process. That an app's commands were held is said to nobody:
//! an app that needs its rules over a restart says so when its switch is [compared](crate::App::desired). Who answers a
//! request before its write is in force has to have it on the disk before that, and to hold it
//! [again](HeldWrites::freeze_again) in the next run, before any switch is heard: static entries are the only such
//! writes. A route that is asked for is not held but leads round the frozen switch.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use godwit_openflow::model::FlowMod;
use godwit_openflow::types::DatapathId;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::limits::APPLY_DEADLINE;
use crate::metrics::write_metric;

/// Writes that are held for one switch at most: a minute of 1,000 a second.
pub const MOST_HELD: usize = 65_536;

/// When no more than so many are taken, or this often has been taken, writers wait until the switch is thawed: else one
/// who writes as fast as his writes are made would never see the end of it. So few are made in some two milliseconds.
const LAST_TAKEN: usize = 256;

/// See [`LAST_TAKEN`].
const MOST_TAKES: u32 = 8;

/// A write that is held.
#[derive(Debug, Clone)]
pub struct HeldWrite {
    /// Its place in the order of all held writes.
    pub number: u64,
    /// The switch that it was meant for.
    pub dpid: DatapathId,
    /// Who wrote: an app's name.
    pub writer: &'static str,
    /// What.
    pub write: FlowMod,
    /// Since when it is held.
    pub since: SystemTime,
}

/// Why a write was not held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// The switch takes writes now.
    #[error("the switch is not frozen")]
    NotFrozen,
    /// Too many are held already.
    #[error("{MOST_HELD} writes are held for switch {0} already")]
    Full(DatapathId),
}

/// What becomes of writes.
#[derive(Debug)]
pub struct Admission {
    /// Those that go out now, in their order.
    pub now: Vec<(DatapathId, FlowMod)>,
    /// To be kept until those are confirmed or given up.
    pub guard: WriteGuard,
    /// The switches for which the writes were held.
    pub held: BTreeSet<DatapathId>,
    /// The switches for which none of the writes was taken, since too many are held.
    pub refused: BTreeSet<DatapathId>,
}

/// The writes held for all frozen switches. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct HeldWrites {
    inner: Arc<Mutex<Inner>>,
    /// Told of every write that is through, and of every switch that is thawed.
    changed: Arc<Notify>,
}

/// What is held for one switch.
#[derive(Debug, Default)]
struct Held {
    writes: Vec<HeldWrite>,
    takes: u32,
    /// It is about to be thawed, and writers wait for that.
    thaws: bool,
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    frozen: BTreeMap<DatapathId, Held>,
    /// How many admissions to write to a switch are not given back.
    under_way: BTreeMap<DatapathId, usize>,
    /// Switches that are being put right, or are about to be.
    putting_right: BTreeSet<DatapathId>,
    refused: u64,
}

impl Inner {
    /// Whether writers have to wait until it is decided what becomes of their writes.
    fn is_undecided(&self, dpid: DatapathId) -> bool {
        self.putting_right.contains(&dpid) || self.frozen.get(&dpid).is_some_and(|held| held.thaws)
    }

    fn hold(
        &mut self,
        dpid: DatapathId,
        writer: &'static str,
        writes: Vec<FlowMod>,
    ) -> Result<u64, HoldError> {
        let held = self.frozen.get(&dpid).ok_or(HoldError::NotFrozen)?;
        if held.writes.len() + writes.len() > MOST_HELD {
            self.refused += writes.len() as u64;
            return Err(HoldError::Full(dpid));
        }
        self.append(dpid, writer, writes);
        Ok(self.last)
    }

    fn append(&mut self, dpid: DatapathId, writer: &'static str, writes: Vec<FlowMod>) {
        let Some(held) = self.frozen.get_mut(&dpid) else {
            return;
        };
        let since = SystemTime::now();
        for write in writes {
            self.last += 1;
            held.writes.push(HeldWrite {
                number: self.last,
                dpid,
                writer,
                write,
                since,
            });
        }
    }
}

/// Leave to write to some switches. Who freezes one of them waits until it is dropped.
#[derive(Debug)]
pub struct WriteGuard {
    writes: HeldWrites,
    switches: BTreeSet<DatapathId>,
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        let mut inner = self.writes.lock();
        for dpid in &self.switches {
            if let Some(count) = inner.under_way.get_mut(dpid) {
                *count -= 1;
                if *count == 0 {
                    inner.under_way.remove(dpid);
                }
            }
        }
        drop(inner);
        self.writes.changed.notify_waiters();
    }
}

/// Leave to put a switch right. Until it is dropped nobody else writes to it.
#[derive(Debug)]
pub struct PuttingRight {
    writes: HeldWrites,
    dpid: DatapathId,
}

impl Drop for PuttingRight {
    fn drop(&mut self) {
        self.writes.lock().putting_right.remove(&self.dpid);
        self.writes.changed.notify_waiters();
    }
}

impl HeldWrites {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every operation leaves it whole, so a panic elsewhere can't have torn it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on writes to this switch are held.
    pub fn freeze(&self, dpid: DatapathId) {
        self.lock().frozen.entry(dpid).or_default();
    }

    /// The same, behind these writes, which were held in an earlier run of the controller and have been promised since.
    /// Nothing else may be held for it yet. There may be more of them than [`MOST_HELD`]: what was promised is bounded
    /// by whoever kept it.
    pub fn freeze_again(&self, dpid: DatapathId, writer: &'static str, writes: Vec<FlowMod>) {
        let mut inner = self.lock();
        inner.frozen.entry(dpid).or_default();
        inner.append(dpid, writer, writes);
    }

    /// Whether writes to this switch are held.
    #[must_use]
    pub fn is_frozen(&self, dpid: DatapathId) -> bool {
        self.lock().frozen.contains_key(&dpid)
    }

    /// Waits until the writes that were being sent when this switch was frozen are confirmed or given up: they count as
    /// before the freeze. It takes no longer than the deadline of a batch, [`APPLY_DEADLINE`].
    pub async fn written(&self, dpid: DatapathId) {
        self.until(|inner| {
            !inner.under_way.contains_key(&dpid) && !inner.putting_right.contains(&dpid)
        })
        .await;
    }

    /// Leave to put a switch right, when nobody is writing to it: `None` when somebody still is after so long, somebody
    /// else puts it right, or it is frozen. It is to be given back within [`APPLY_DEADLINE`]; writers don't wait longer.
    pub async fn put_right(&self, dpid: DatapathId, patience: Duration) -> Option<PuttingRight> {
        let leave = {
            let mut inner = self.lock();
            if inner.frozen.contains_key(&dpid) || !inner.putting_right.insert(dpid) {
                return None;
            }
            PuttingRight {
                writes: self.clone(),
                dpid,
            }
        };
        let silent = self.until(|inner| !inner.under_way.contains_key(&dpid));
        tokio::time::timeout(patience, silent).await.ok()?;
        (!self.is_frozen(dpid)).then_some(leave)
    }

    /// Waits until no switch is being put right. Takes no longer than [`APPLY_DEADLINE`].
    pub async fn all_right(&self) {
        let waiting = self.until(|inner| inner.putting_right.is_empty());
        if tokio::time::timeout(APPLY_DEADLINE, waiting).await.is_err() {
            tracing::warn!("a switch is being put right for longer than it should take");
        }
    }

    /// Leave to write to a switch now; `None` when it is frozen. Waits while it is being thawed or put right.
    pub async fn begin_write(&self, dpid: DatapathId) -> Option<WriteGuard> {
        let mut inner = self.decided(|inner| inner.is_undecided(dpid)).await;
        (!inner.frozen.contains_key(&dpid)).then(|| self.guard(&mut inner, BTreeSet::from([dpid])))
    }

    /// Waits until no such switch is being thawed or put right any more. Who is stuck in that holds nobody up for longer
    /// than a batch may take: what is written to a frozen switch then is held, too.
    async fn decided(&self, is_undecided: impl Fn(&Inner) -> bool) -> MutexGuard<'_, Inner> {
        let patience = Instant::now() + APPLY_DEADLINE;
        let mut is_over = false;
        loop {
            let notified = self.changed.notified();
            tokio::pin!(notified);
            // Before the look, so that no change in between is missed.
            notified.as_mut().enable();
            {
                let inner = self.lock();
                if is_over || !is_undecided(&inner) {
                    return inner;
                }
            }
            if tokio::time::timeout_at(patience, notified).await.is_err() {
                tracing::warn!(
                    "a switch is being thawed or put right for longer than it should take"
                );
                is_over = true;
            }
        }
    }

    async fn until(&self, holds: impl Fn(&Inner) -> bool) {
        loop {
            let notified = self.changed.notified();
            tokio::pin!(notified);
            // Before the look, so that no change in between is missed.
            notified.as_mut().enable();
            if holds(&self.lock()) {
                return;
            }
            notified.await;
        }
    }

    fn guard(&self, inner: &mut Inner, switches: BTreeSet<DatapathId>) -> WriteGuard {
        for &dpid in &switches {
            *inner.under_way.entry(dpid).or_default() += 1;
        }
        WriteGuard {
            writes: self.clone(),
            switches,
        }
    }

    /// Sorts writes at one moment into those that go out now and those that are held, behind those that are held
    /// already. The writes for one switch are held all or none. Waits while one of the switches is being thawed or put
    /// right.
    pub async fn admit(
        &self,
        writer: &'static str,
        writes: Vec<(DatapathId, FlowMod)>,
    ) -> Admission {
        let is_undecided = |inner: &Inner| writes.iter().any(|(dpid, _)| inner.is_undecided(*dpid));
        let mut inner = self.decided(is_undecided).await;
        let mut now = Vec::with_capacity(writes.len());
        let mut later: BTreeMap<DatapathId, Vec<FlowMod>> = BTreeMap::new();
        for (dpid, write) in writes {
            if inner.frozen.contains_key(&dpid) {
                later.entry(dpid).or_default().push(write);
            } else {
                now.push((dpid, write));
            }
        }
        let (mut held, mut refused) = (BTreeSet::new(), BTreeSet::new());
        for (dpid, writes) in later {
            let taken = inner.hold(dpid, writer, writes).is_ok();
            (if taken { &mut held } else { &mut refused }).insert(dpid);
        }
        let switches = now.iter().map(|(dpid, _)| *dpid).collect();
        Admission {
            now,
            guard: self.guard(&mut inner, switches),
            held,
            refused,
        }
    }

    /// Holds a write to a frozen switch, behind those that are held already. Gives its number.
    ///
    /// # Errors
    /// When the switch is not frozen, or holds too many.
    pub fn hold(
        &self,
        dpid: DatapathId,
        writer: &'static str,
        write: FlowMod,
    ) -> Result<u64, HoldError> {
        self.lock().hold(dpid, writer, vec![write])
    }

    /// Holds writes to a frozen switch, all or none, in their order.
    ///
    /// # Errors
    /// When the switch is not frozen, or would hold too many.
    pub fn hold_all(
        &self,
        dpid: DatapathId,
        writer: &'static str,
        writes: Vec<FlowMod>,
    ) -> Result<(), HoldError> {
        self.lock().hold(dpid, writer, writes).map(|_| ())
    }

    /// Takes what is held for a switch by now, in order. When nothing is, the switch takes writes from now on, in the
    /// same moment, so that none can overtake another: whoever thaws calls this until it gives nothing, and must not be
    /// dropped in between. That comes to an end however fast others write, since they are made to wait for it when
    /// little is left.
    #[must_use]
    pub fn take(&self, dpid: DatapathId) -> Vec<HeldWrite> {
        let mut inner = self.lock();
        let Some(held) = inner.frozen.get_mut(&dpid) else {
            return Vec::new();
        };
        let taken = std::mem::take(&mut held.writes);
        held.takes += 1;
        held.thaws = taken.len() <= LAST_TAKEN || held.takes >= MOST_TAKES;
        if taken.is_empty() {
            inner.frozen.remove(&dpid);
            drop(inner);
            self.changed.notify_waiters();
        }
        taken
    }

    /// All writes that are held, in the order in which they came.
    #[must_use]
    pub fn list(&self) -> Vec<HeldWrite> {
        let mut all: Vec<_> = self
            .lock()
            .frozen
            .values()
            .flat_map(|held| &held.writes)
            .cloned()
            .collect();
        all.sort_by_key(|held| held.number);
        all
    }

    /// Appends how many writes are held, and how many could not be.
    pub(crate) fn metrics(&self, out: &mut String) {
        let inner = self.lock();
        let held: usize = inner.frozen.values().map(|held| held.writes.len()).sum();
        let refused = inner.refused;
        drop(inner);
        write_metric(
            out,
            "godwit_held_writes",
            "gauge",
            "Rule writes held for switches whose work is being moved away.",
            held as u64,
        );
        write_metric(
            out,
            "godwit_held_writes_refused_total",
            "counter",
            "Rule writes refused because too many were held for their switch.",
            refused,
        );
    }
}
