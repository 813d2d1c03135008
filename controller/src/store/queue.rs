//! What waits to be written.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Slice, StoreError};

/// A record's name.
pub(super) type Key = (Slice, u64);

/// A record to be put, or to be deleted.
pub(super) type Change = (Key, Option<Vec<u8>>);

type Answer = oneshot::Sender<Result<(), StoreError>>;

/// Changes and those who wait for them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The place of the next change in the order of all.
    next: u64,
    batches: Vec<Batch>,
    /// At most one for each record, so that it is bounded by their number.
    later: BTreeMap<Key, (u64, Option<Vec<u8>>)>,
    /// Whether the changes in `later` came back from a write that failed, and no others since.
    failed: bool,
    closed: bool,
}

#[derive(Debug)]
struct Batch {
    place: u64,
    changes: Vec<Change>,
    answer: Answer,
}

/// All that waited at one moment, to be written in one transaction.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The last change of each record.
    pub(super) changes: BTreeMap<Key, Option<Vec<u8>>>,
    answers: Vec<Answer>,
    later: BTreeMap<Key, (u64, Option<Vec<u8>>)>,
    /// Whether nothing comes any more.
    pub(super) last: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every operation leaves it whole, so a panic elsewhere can't have torn it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes for which somebody waits.
    pub(super) fn push(&self, changes: Vec<Change>) -> oneshot::Receiver<Result<(), StoreError>> {
        let (answer, written) = oneshot::channel();
        let mut waiting = self.lock();
        // Without a writer the answer is dropped here, and who waits hears that.
        if !waiting.closed {
            let place = waiting.place();
            waiting.batches.push(Batch {
                place,
                changes,
                answer,
            });
            self.changed.notify_one();
        }
        written
    }

    /// Changes for which nobody waits.
    pub(super) fn push_later(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        let place = waiting.place();
        for (key, value) in changes {
            waiting.later.insert(key, (place, value));
        }
        waiting.failed = false;
        self.changed.notify_one();
    }

    /// Waits until there is something to write, and takes it. What could not be written before is given again after
    /// `retry`, or together with what comes before that.
    pub(super) fn take(&self, retry: Duration) -> Taken {
        let mut waiting = self.lock();
        loop {
            let fresh = !waiting.batches.is_empty() || !waiting.later.is_empty() && !waiting.failed;
            if fresh || waiting.closed {
                return waiting.take();
            }
            if waiting.later.is_empty() {
                let woken = self.changed.wait(waiting);
                waiting = woken.unwrap_or_else(PoisonError::into_inner);
            } else {
                let woken = self.changed.wait_timeout(waiting, retry);
                let (woken, timeout) = woken.unwrap_or_else(PoisonError::into_inner);
                waiting = woken;
                if timeout.timed_out() {
                    return waiting.take();
                }
            }
        }
    }

    /// What was taken could not be written: that for which nobody waits is kept, unless it has changed since.
    pub(super) fn put_back(&self, later: BTreeMap<Key, (u64, Option<Vec<u8>>)>) {
        let mut waiting = self.lock();
        waiting.failed = waiting.later.is_empty();
        for (key, change) in later {
            waiting.later.entry(key).or_insert(change);
        }
    }

    /// Nothing comes any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }
}

impl Waiting {
    const fn place(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn take(&mut self) -> Taken {
        let later = std::mem::take(&mut self.later);
        let mut latest: BTreeMap<Key, (u64, Option<Vec<u8>>)> = later.clone();
        let mut answers = Vec::with_capacity(self.batches.len());
        for batch in std::mem::take(&mut self.batches) {
            for (key, value) in batch.changes {
                let is_newer = latest
                    .get(&key)
                    .is_none_or(|(place, _)| *place <= batch.place);
                if is_newer {
                    latest.insert(key, (batch.place, value));
                }
            }
            answers.push(batch.answer);
        }
        Taken {
            changes: latest
                .into_iter()
                .map(|(key, (_, value))| (key, value))
                .collect(),
            answers,
            later,
            last: self.closed,
        }
    }
}

impl Taken {
    /// Tells all who wait how it went, and gives back what is to be tried again if it failed.
    pub(super) fn answer(
        self,
        result: &Result<(), StoreError>,
    ) -> BTreeMap<Key, (u64, Option<Vec<u8>>)> {
        for answer in self.answers {
            // Whoever waited may have given up.
            let _ = answer.send(result.clone());
        }
        self.later
    }
}
