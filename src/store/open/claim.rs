//! Who has a file open for writing: one store alone, which has declared it its own, or any number.
//!
//! Other programs are kept from writing a store's own file by SQLite's own write lock, which the store keeps between its
//! commits. That alone would tell a second store no more than that the file is busy, and it would come in the way of a
//! store that has the file open already. So each store that writes holds a lock on a file beside it as well: an exclusive
//! one, or one that is shared.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::place::{is_at, open_beside, unwritable, with_suffix};
use crate::error::{Error, Result};

/// Given up when it is dropped, or by the system when the program ends in whatever way.
pub(crate) struct Claim {
    path: PathBuf,
    /// Holds the lock.
    file: File,
}

impl Claim {
    /// Claims a file, for this store alone or along with others; the path is absolute. None where this account cannot
    /// make or open the claim's file: then SQLite's own locks decide.
    pub(crate) fn of(path: &Path, alone: bool) -> Result<Option<Self>> {
        let beside = with_suffix(path, "-exclusive");
        // Who looks at a claim that is being given up holds the lock for a moment.
        for _ in 0..10 {
            let file = match open_beside(&beside, true)? {
                Ok(file) => file,
                Err(error) if alone => return Err(unwritable(path, error)),
                Err(_) => return Ok(None),
            };
            match if alone { file.try_lock() } else { file.try_lock_shared() } {
                // The process that gave the claim up has removed the file meanwhile.
                Ok(()) if !is_at(&beside, &file) => {}
                Ok(()) => {
                    belong_to_owner(path, &file);
                    return Ok(Some(Claim { path: beside, file }));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
                Err(TryLockError::Error(error)) if alone => return Err(Error::storage("claiming the file", error)),
                Err(TryLockError::Error(_)) => return Ok(None),
            }
        }
        let path = path.to_owned();
        match alone && open_beside(&beside, false)?.is_ok_and(|file| file.try_lock_shared().is_ok()) {
            true => Err(Error::InUse { path }),
            false => Err(Error::Exclusive { path }),
        }
    }

    /// Whether no other store has the file open for writing.
    pub(crate) fn is_alone(&self) -> bool {
        self.file.try_lock().is_ok()
    }
}

/// What the administrator leaves after a crash must not keep the store's owner out.
#[cfg(unix)]
fn belong_to_owner(path: &Path, claim: &File) {
    use std::os::unix::fs::{MetadataExt, fchown};

    if let (Ok(store), Ok(found)) = (fs::metadata(path), claim.metadata())
        && found.uid() == 0
        && store.uid() != 0
        && found.nlink() == 1
    {
        drop(fchown(claim, Some(store.uid()), Some(store.gid())));
    }
}

#[cfg(not(unix))]
fn belong_to_owner(_: &Path, _: &File) {}

impl Drop for Claim {
    fn drop(&mut self) {
        // Before the lock goes, so that nobody's claim is removed but this one.
        if self.is_alone() && is_at(&self.path, &self.file) {
            drop(fs::remove_file(&self.path));
        }
    }
}
