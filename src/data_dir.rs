//! The data directory: one controller at a time.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use godwit_controller::{Store, StoreError};

/// The file whose lock says that a controller uses the directory. The operating system gives the lock
/// back when the process ends, however it ends.
pub(crate) const LOCK_FILE: &str = "godwit.lock";

/// The file that holds what survives the process.
pub(crate) const STORE_FILE: &str = "godwit.redb";

/// A data directory that this process holds.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// A data directory that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It can't be made or written to.
    #[error("the data directory {} can't be used: {source}", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another controller uses it.
    #[error("the data directory {} is used by another controller{holder}; give this one its own with --data-dir", path.display())]
    Taken {
        /// The directory.
        path: PathBuf,
        /// ` (process N)`, where it said so.
        holder: String,
    },
}

impl DataDir {
    /// Makes the directory if need be, and locks it.
    pub(crate) fn take(path: &Path) -> Result<Self, DataDirError> {
        let unusable = |source| DataDirError::Unusable {
            path: path.to_owned(),
            source,
        };
        std::fs::create_dir_all(path).map_err(unusable)?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut lock = options.open(path.join(LOCK_FILE)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who holds it is a help, not a need.
                let _ = lock.read_to_string(&mut holder);
                let holder = holder
                    .trim()
                    .parse::<u32>()
                    .map(|id| format!(" (process {id})"))
                    .unwrap_or_default();
                return Err(DataDirError::Taken {
                    path: path.to_owned(),
                    holder,
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let note = |lock: &mut File| {
            let text = format!("{}\n", std::process::id());
            // Over what is there: that needs no room.
            lock.rewind()?;
            lock.write_all(text.as_bytes())?;
            lock.set_len(text.len() as u64)
        };
        match note(&mut lock) {
            // The lock holds all the same.
            Err(error) if error.kind() == ErrorKind::StorageFull => {}
            noted => noted.map_err(unusable)?,
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Opens the store in it.
    pub(crate) fn open_store(&self) -> Result<Store, StoreError> {
        Store::open(&self.path.join(STORE_FILE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_in_use_is_refused_and_says_by_whom() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        let held = DataDir::take(&path).unwrap();
        let error = DataDir::take(&path).unwrap_err().to_string();
        assert!(
            error.contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        drop(held);
        DataDir::take(&path).unwrap();
    }

    #[test]
    fn a_directory_that_can_not_be_made_is_named() {
        let error = DataDir::take(Path::new("/dev/null/godwit"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("/dev/null/godwit"), "{error}");
    }
}
