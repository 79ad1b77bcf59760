//! Which stores have a file open for writing: one exclusive store, or any number of others.
//!
//! An exclusive store keeps SQLite's write lock between its commits, which keeps other programs from writing. That lock
//! alone would tell a second store only that the file is busy, and it would block a store that already has the file
//! open. So each store that writes also holds a lock on a file beside it: an exclusive lock or a shared one.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::place::{is_at, open_beside, unwritable, with_suffix};
use crate::error::{Error, Result};

/// A store's lock on the file beside. It is released when dropped, and by the system when the program ends.
pub(crate) struct Claim {
    path: PathBuf,
    /// Holds the lock.
    file: File,
}

impl Claim {
    /// Claims a file for this store, alone or shared; the path is absolute. None if this account cannot create or open
    /// the claim's file: then SQLite's own locks decide.
    pub(crate) fn of(path: &Path, alone: bool) -> Result<Option<Self>> {
        let beside = with_suffix(path, "-exclusive");
        // A store that removes its claim, or looks at one, holds the lock for a moment.
        for _ in 0..10 {
            let file = match open_beside(&beside, true)? {
                Ok(file) => file,
                Err(error) if alone => return Err(unwritable(path, error)),
                Err(_) => return Ok(None),
            };
            match if alone { file.try_lock() } else { file.try_lock_shared() } {
                // The process that released the claim has removed the file meanwhile.
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

/// Gives a claim that root has made to the store's owner, so that one left by a crash does not lock the owner out.
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
        // While the lock is still held, so that the claim of another store is not removed.
        if self.is_alone() && is_at(&self.path, &self.file) {
            drop(fs::remove_file(&self.path));
        }
    }
}
