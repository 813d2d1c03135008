//! What has to survive the process: records under names and numbers, written all or none, on the disk when the
//! writer is told so.
//!
//! A *slice* belongs to one app or one part of the controller and holds records by number. The records are JSON, so that
//! one who has to look into a data directory can read them.
//!
//! | file | what it does |
//! |---|---|
//! | `queue` | what waits to be written, in the order in which it came |
//! | `writer` | the thread that writes all that waits in one transaction |
//! | `disk` | the file, opened anew after an error |

mod disk;
mod queue;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use disk::Disk;
use queue::{Change, Queue};
use writer::Writer;

/// Batches that may wait to be written. All that wait go into one transaction, so more only wait when thousands are made
/// during one write to the disk; who makes them waits then.
const QUEUE_DEPTH: usize = 1024;

/// The name of a slice. Each is listed here, so that no two parts use the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slice(pub &'static str);

impl Slice {
    /// States of switches, by datapath id.
    pub const SWITCHES: Self = Self("switches");
    /// Routes, by their numbers.
    pub const ROUTES: Self = Self("routes");
    /// Static entries, by their numbers.
    pub const ENTRIES: Self = Self("entries");
    /// Groups and meters that were asked for, in no order.
    pub const SHARED: Self = Self("shared");
    /// Migrations, by their numbers.
    pub const MIGRATIONS: Self = Self("migrations");
    /// What migrations under way are about to do, in the order in which they do it.
    pub const JOURNAL: Self = Self("journal");
    /// What is carried over for rules that took the place of others.
    pub const CARRIED: Self = Self("carried");
    /// The same for groups and meters.
    pub const CARRIED_SHARED: Self = Self("carried_shared");
    /// Drains, by their numbers.
    pub const DRAINS: Self = Self("drains");
    /// What apps are disabled.
    pub const APPS: Self = Self("apps");
    /// The access list, by the numbers of its rules.
    pub const ACL: Self = Self("acl");
    /// What links cost, in one record.
    pub const COSTS: Self = Self("costs");
    /// Single numbers and values: the last number given out of each kind.
    pub const VALUES: Self = Self("values");
}

/// The numbers of the records of [`Slice::VALUES`].
pub mod values {
    /// No route has a higher number than this.
    pub const LAST_ROUTE: u64 = 1;
    /// No static entry has a higher number than this.
    pub const LAST_ENTRY: u64 = 3;
    /// No drain has a higher number than this.
    pub const LAST_DRAIN: u64 = 4;
    /// No rule of the access list has a higher number than this.
    pub const LAST_ACL: u64 = 5;
}

/// What can be done about a damaged store.
const REMEDY: &str = "put a copy in its place, or move it away to start with nothing known, which removes the rules of \
     before from the switches";

/// A store that could not be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk is full.
    #[error("the data directory's disk is full")]
    Full,
    /// It can't be read or written.
    #[error("the store can't be used: {0}")]
    Unusable(String),
    /// The file is damaged.
    #[error("the store {} is damaged: {why}; {REMEDY}", path.display())]
    Torn {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A record is not what it should be.
    #[error("record {key} of `{slice}` in the store {} can't be read: {why}; {REMEDY}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The slice.
        slice: &'static str,
        /// The record's number.
        key: u64,
        /// Why.
        why: String,
    },
}

/// Changes that are made all or none.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    changes: Vec<Change>,
}

impl Batch {
    /// Puts a record.
    ///
    /// # Errors
    /// When the value can't be said as JSON: a map with keys that are no text.
    pub fn put<T: Serialize>(
        &mut self,
        slice: Slice,
        key: u64,
        value: &T,
    ) -> Result<(), StoreError> {
        let bytes =
            serde_json::to_vec(value).map_err(|error| StoreError::Unusable(error.to_string()))?;
        self.changes.push(((slice, key), Some(bytes)));
        Ok(())
    }

    /// Deletes a record, if there is one.
    pub fn delete(&mut self, slice: Slice, key: u64) {
        self.changes.push(((slice, key), None));
    }

    /// Adds the changes of another batch, behind those of this one.
    pub fn append(&mut self, other: Self) {
        self.changes.extend(other.changes);
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// The store. Clones are the same; when the last is dropped, what waits is written.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    disk: Arc<Disk>,
    queue: Arc<Queue>,
    room: Semaphore,
    // Dropped last: it waits for the thread.
    _writer: Writer,
}

impl Store {
    /// A store that lasts as long as the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::on(Disk::in_memory())
    }

    /// The store in this file, which is made if it is not there. What a process that was killed left half written is
    /// undone. A file that is refused is left as it is.
    ///
    /// # Errors
    /// When the file can't be made, read or written, is damaged, or is used by another process.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::on(Disk::open(path)?))
    }

    fn on(disk: Disk) -> Self {
        let disk = Arc::new(disk);
        let queue = Arc::new(Queue::default());
        let writer = Writer::start(Arc::clone(&disk), Arc::clone(&queue));
        let inner = Inner {
            disk,
            queue,
            room: Semaphore::new(QUEUE_DEPTH),
            _writer: writer,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// All records of a slice that have been written by now, in the order of their numbers.
    ///
    /// # Errors
    /// When one can't be read.
    pub fn load<T: DeserializeOwned>(&self, slice: Slice) -> Result<Vec<(u64, T)>, StoreError> {
        let read = self
            .inner
            .disk
            .read(slice)?
            .into_iter()
            .map(|(key, bytes)| {
                let record: Result<T, serde_json::Error> = serde_json::from_slice(&bytes);
                let record = record.map_err(|error| self.damaged(slice, key, error.to_string()))?;
                Ok((key, record))
            });
        read.collect()
    }

    /// An error that says why a record is not what it should be, and in which file.
    #[must_use]
    pub fn damaged(&self, slice: Slice, key: u64, why: String) -> StoreError {
        StoreError::Damaged {
            path: self.inner.disk.path.clone().unwrap_or_default(),
            slice: slice.0,
            key,
            why,
        }
    }

    /// Makes these changes, all or none. When this returns they are on the disk, and with them whatever was to be
    /// written before. Once begun it is carried through, also when nobody waits any more.
    ///
    /// # Errors
    /// When they could not be made; then none is.
    pub async fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let ended = || StoreError::Unusable("its writer has ended".into());
        // Held until it is written, so that no more than so many ever wait.
        let _room = self.inner.room.acquire().await.map_err(|_| ended())?;
        let written = self.inner.queue.push(batch.changes);
        written.await.map_err(|_| ended())?
    }

    /// Makes these changes soon, behind all that was to be written before. What can't be written is logged, counted and
    /// tried again; for what the controller can do without after a restart, such as how much a route had carried a
    /// second ago. Of several changes of one record only the last is made.
    pub fn write_later(&self, batch: Batch) {
        self.inner.queue.push_later(batch.changes);
    }

    /// Waits until all that was to be written is on the disk.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.write(Batch::default()).await
    }

    /// How many writes to the disk have failed.
    #[must_use]
    pub fn failed_writes(&self) -> u64 {
        self.inner.disk.failures.load(Ordering::Relaxed)
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::in_memory()
    }
}
