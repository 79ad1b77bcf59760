//! The claim of a file that one store declares its own.
//!
//! Other programs are kept from writing by SQLite's own write lock, which the store keeps between its
//! commits. That alone would tell a second store no more than that the file is busy, so the claim is
//! a lock on a file beside it as well, which a second store finds when it opens.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::backup::with_suffix;
use crate::error::{Error, Result};

/// Given up when it is dropped, or by the system when the program ends in whatever way.
pub(crate) struct Claim {
    path: PathBuf,
    /// Holds the lock.
    _file: File,
}

fn beside(path: &Path) -> PathBuf {
    with_suffix(path, "-exclusive")
}

impl Claim {
    /// Claims a file; the path is absolute.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let beside = beside(path);
        let failed = |error| Error::storage("claiming the file", error);
        let file = File::options().create(true).truncate(false).write(true).open(&beside).map_err(failed)?;
        // Who only looks whether there is a claim holds the lock for a moment.
        for _ in 0..10 {
            match file.try_lock() {
                Ok(()) => return Ok(Claim { path: beside, _file: file }),
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Err(Error::Exclusive { path: path.to_owned() })
    }

    /// Refuses a file that somebody has claimed.
    pub(crate) fn none_on(path: &Path) -> Result<()> {
        // Without a claim's file, and where it cannot be read, SQLite's own locks decide.
        let Ok(file) = File::open(beside(path)) else { return Ok(()) };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Err(Error::Exclusive { path: path.to_owned() }),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Before the lock goes, so that nobody's claim is removed but this one.
        drop(fs::remove_file(&self.path));
    }
}
