//! The file, or memory in its place.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, ReadableDatabase as _, StorageBackend as _};
use redb::{TableDefinition, TableError};

use super::queue::Key;
use super::{Slice, StoreError};

/// All records, by slice and number.
const RECORDS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("records");

/// Memory for what was read and written of late. A route takes less than a kilobyte.
const CACHE_BYTES: usize = 16 << 20;

/// How far a repair says it has come when it goes back to the transaction before the last.
const BACK_TO_BEFORE: Range<f64> = 0.1..0.5;

/// The records of a slice by their numbers.
type Records = Vec<(u64, Vec<u8>)>;

/// Where records are kept. After an error the database is closed, and opened anew when it is needed: it takes nothing
/// more until then, also when the disk has room again.
#[derive(Debug)]
pub(super) struct Disk {
    /// `None` in memory.
    pub(super) path: Option<PathBuf>,
    database: RwLock<Option<Database>>,
    pub(super) failures: AtomicU64,
    /// Whether the last transaction was found torn and is left out.
    pub(super) lacks_last: Arc<AtomicBool>,
}

impl Disk {
    pub(super) fn in_memory() -> Self {
        Self {
            path: None,
            database: RwLock::new(None),
            failures: AtomicU64::new(0),
            lacks_last: Arc::default(),
        }
    }

    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let disk = Self {
            path: Some(path.to_owned()),
            ..Self::in_memory()
        };
        // Also a link that leads nowhere is there: what it was to lead to is not to be begun anew in its place.
        match std::fs::symlink_metadata(path) {
            Ok(_) => disk.check(path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => disk.make(path)?,
            Err(error) => return Err(disk.error(error.into())),
        }
        match disk.ready() {
            // What is known can be read all the same, and is written again once there is room.
            Err(StoreError::Full) => {}
            opened => opened?,
        }
        Ok(disk)
    }

    /// Makes the file under another name first: one of this name is a store, or is damaged.
    fn make(&self, path: &Path) -> Result<(), StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let new = Path::new(&name);
        let making = || {
            match std::fs::remove_file(new) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => drop(builder().create(new)?),
            }
            std::fs::rename(new, path)?;
            let directory = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
            Ok(())
        };
        making().map_err(|error| {
            // On a full disk it would only take room.
            _ = std::fs::remove_file(new);
            self.error(error)
        })
    }

    /// Whether the file can be used, tried on a copy: a file that is refused stays as it is.
    fn check(&self, path: &Path) -> Result<(), StoreError> {
        let file = File::open(path).map_err(|error| self.error(error.into()))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
            return Err(self.error(redb::Error::DatabaseAlreadyOpen));
        }
        self.copied(path).map(drop)
    }

    /// Opens the database if it is not open.
    fn ready(&self) -> Result<(), StoreError> {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if database.is_none() {
            *database = Some(self.opened(|| match &self.path {
                Some(path) => builder().open(path),
                None => builder().create_with_backend(InMemoryBackend::new()),
            })?);
        }
        Ok(())
    }

    fn opened(
        &self,
        open: impl FnOnce() -> Result<Database, redb::DatabaseError>,
    ) -> Result<Database, StoreError> {
        // A file that another program has written into may be worse than the checks of the database expect.
        match catch_unwind(AssertUnwindSafe(open)) {
            Ok(opened) => opened.map_err(|error| self.error(error.into())),
            Err(_) => Err(self.torn("it can't be made sense of")),
        }
    }

    /// A copy in memory: to open the file itself takes room on the disk, and may change it.
    fn copied(&self, path: &Path) -> Result<Database, StoreError> {
        let copy = InMemoryBackend::new();
        let copying = || {
            let bytes = std::fs::read(path)?;
            copy.set_len(bytes.len() as u64)?;
            copy.write(0, &bytes)?;
            Ok(bytes.len())
        };
        let length = copying().map_err(|error| self.error(redb::Error::Io(error)))?;
        if length == 0 {
            return Err(self.torn("it is empty"));
        }
        let mut builder = builder();
        let lacks_last = Arc::clone(&self.lacks_last);
        builder.set_repair_callback(move |repair| {
            let goes_back = BACK_TO_BEFORE.contains(&repair.progress());
            lacks_last.fetch_or(goes_back, Ordering::Relaxed);
        });
        let opened = self.opened(|| builder.create_with_backend(copy))?;
        if self.lacks_last.load(Ordering::Relaxed) {
            tracing::warn!(path = %path.display(), "the last write to the store is not whole and is left out");
        }
        Ok(opened)
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
            // What the database says of a file that is none of its own.
            redb::Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
                self.torn(&error.to_string())
            }
            // What it says of one that is too short, on the disk and in memory.
            redb::Error::Io(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::InvalidInput
                ) =>
            {
                self.torn("a part of it is missing")
            }
            redb::Error::Corrupted(why) => self.torn(&why),
            redb::Error::UpgradeRequired(version) => self.torn(&format!(
                "it says that it has format {version}, which no store has"
            )),
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
