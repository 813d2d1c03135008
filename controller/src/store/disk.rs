//! The file, or memory in its place.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, ReadableDatabase as _, StorageBackend as _};
use redb::{TableDefinition, TableError};

use super::queue::Key;
use super::{Slice, StoreError};

/// All records, by slice and number.
const RECORDS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("records");

/// Memory for what was read and written of late. A route takes less than a kilobyte.
const CACHE_BYTES: usize = 16 << 20;

/// The records of a slice by their numbers.
type Records = Vec<(u64, Vec<u8>)>;

/// Where records are kept. After an error the database is closed, and opened anew when it is needed: it takes nothing
/// more until then, also when the disk has room again.
#[derive(Debug)]
pub(super) struct Disk {
    /// `None` in memory.
    path: Option<PathBuf>,
    database: RwLock<Option<Database>>,
    pub(super) failures: AtomicU64,
}

impl Disk {
    pub(super) fn in_memory() -> Self {
        Self {
            path: None,
            database: RwLock::new(None),
            failures: AtomicU64::new(0),
        }
    }

    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let disk = Self {
            path: Some(path.to_owned()),
            ..Self::in_memory()
        };
        match disk.ready() {
            // What is known can be read all the same, and is written again once there is room.
            Err(StoreError::Full) => drop(disk.copied(path)?),
            opened => opened?,
        }
        Ok(disk)
    }

    /// Opens the database if it is not open.
    fn ready(&self) -> Result<(), StoreError> {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if database.is_none() {
            // A file that another program has written into may be worse than the checks of the database expect.
            let opened = catch_unwind(AssertUnwindSafe(|| self.create()));
            let opened = opened.unwrap_or_else(|_| Err(self.torn("it can't be made sense of")));
            *database = Some(opened?);
        }
        Ok(())
    }

    fn create(&self) -> Result<Database, StoreError> {
        let opened = match &self.path {
            Some(path) => builder().create(path),
            None => builder().create_with_backend(InMemoryBackend::new()),
        };
        opened.map_err(|error| self.error(error.into()))
    }

    /// A copy in memory, to be read while the disk is full: to open the file itself takes room on the disk.
    fn copied(&self, path: &Path) -> Result<Database, StoreError> {
        let copy = InMemoryBackend::new();
        let copying = || {
            let bytes = std::fs::read(path)?;
            if bytes.is_empty() {
                return Err(ErrorKind::StorageFull.into());
            }
            copy.set_len(bytes.len() as u64)?;
            copy.write(0, &bytes)
        };
        copying().map_err(|error| self.error(redb::Error::Io(error)))?;
        let opened = builder().create_with_backend(copy);
        opened.map_err(|error| self.error(error.into()))
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        self.ready()?;
        let result = {
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            match database.as_ref() {
                Some(database) => work(database),
                // Closed since by another's error.
                None => Err(redb::Error::PreviousIo),
            }
        };
        result.map_err(|error| {
            self.close();
            self.error(error)
        })
    }

    pub(super) fn read(&self, slice: Slice) -> Result<Records, StoreError> {
        match (self.with(|database| records(database, slice)), &self.path) {
            (Err(StoreError::Full), Some(path)) => {
                records(&self.copied(path)?, slice).map_err(|error| self.error(error))
            }
            (read, _) => read,
        }
    }

    /// Makes these changes, all or none, and waits for the disk.
    pub(super) fn write(&self, changes: &BTreeMap<Key, Option<Vec<u8>>>) -> Result<(), StoreError> {
        let written = self.with(|database| {
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(RECORDS)?;
                for ((slice, number), value) in changes {
                    match value {
                        Some(bytes) => _ = table.insert((slice.0, *number), bytes.as_slice())?,
                        None => _ = table.remove((slice.0, *number))?,
                    }
                }
            }
            transaction.commit()?;
            Ok(())
        });
        if written.is_err() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        written
    }

    /// A write that has panicked.
    pub(super) fn given_up(&self) -> StoreError {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.close();
        StoreError::Unusable("writing it has failed in a way that was not foreseen".into())
    }

    fn close(&self) {
        if self.path.is_none() {
            // Memory would be lost.
            return;
        }
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *database = None;
    }

    fn error(&self, error: redb::Error) -> StoreError {
        match error {
            redb::Error::Io(error)
                if matches!(
                    error.kind(),
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded
                ) =>
            {
                StoreError::Full
            }
            // What the database says of a file that is none of its own, or too short.
            redb::Error::Io(error)
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidData | ErrorKind::UnexpectedEof
                ) =>
            {
                self.torn(&error.to_string())
            }
            redb::Error::Corrupted(why) => self.torn(&why),
            error => StoreError::Unusable(match &self.path {
                Some(path) => format!("{}: {error}", path.display()),
                None => error.to_string(),
            }),
        }
    }

    fn torn(&self, why: &str) -> StoreError {
        StoreError::Torn {
            path: self.path.clone().unwrap_or_default(),
            why: why.to_owned(),
        }
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    // Each page has a checksum: all are checked, so that no damaged record is ever believed.
    builder.set_check_integrity_on_open(true);
    builder
}

fn records(database: &Database, slice: Slice) -> Result<Records, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(RECORDS) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        table => table?,
    };
    let range = table.range((slice.0, 0)..=(slice.0, u64::MAX))?;
    range
        .map(|record| {
            let (key, value) = record?;
            Ok((key.value().1, value.value().to_vec()))
        })
        .collect()
}
