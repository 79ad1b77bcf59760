//! A copy of the file, by SQLite's own way of copying a database that is in use.

mod image;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::error::{Error, Result};
use crate::store::keys::draw;
use crate::store::open::{is_at, unwritable, with_suffix};

pub(crate) use image::Image;

/// The number of pages copied between two progress calls.
const PAGES: i32 = 1024;

/// Copies what a connection sees to a new file, which gets its name only once it was verified and is
/// on the disk. The path is absolute. The file may be read by those who may read the original.
///
/// The connection should be inside a transaction: then it sees one moment, and other connections may
/// write meanwhile.
pub(crate) fn copy<T>(
    source: &Connection,
    original: Option<&Path>,
    to: &Path,
    progress: &mut dyn FnMut(u64, u64),
    verify: impl FnOnce(&Path) -> Result<T>,
) -> Result<T> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(Error::Exists { path: to.to_owned() });
    }
    let partial = Partial::beside(to)?;
    pages(source, &partial.path, progress)?;
    let verified = verify(&partial.path)?;
    partial.publish(original, to)?;
    Ok(verified)
}

fn pages(source: &Connection, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
    let mut copy = Connection::open(to)?;
    // It is synced once, when it is whole; half of it is thrown away.
    copy.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF")?;
    // A transaction sees one moment from its first read on; the steps of a copy are none, and begin
    // anew, perhaps for ever, whenever something was written between two of them.
    source.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0))?;
    let backup = Backup::new(source, &mut copy)?;
    loop {
        let step = backup.step(PAGES)?;
        let pages = backup.progress();
        let number = |count: i32| u64::from(count.unsigned_abs());
        progress(number(pages.pagecount - pages.remaining), number(pages.pagecount));
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => return Err(Error::storage("copying the pages", "another program kept the store locked; try again")),
        }
    }
}

/// A file that is not whole yet, gone when it is dropped.
struct Partial {
    path: PathBuf,
    /// The file that was made, whatever stands at the path later.
    file: File,
}

impl Partial {
    fn beside(to: &Path) -> Result<Self> {
        let path = with_suffix(to, &format!(".{:08x}.partial", u32::from_ne_bytes(draw()?)));
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| unwritable(to, error))?;
        Ok(Partial { path, file })
    }

    fn publish(self, original: Option<&Path>, to: &Path) -> Result<()> {
        let syncing = |error| Error::storage("syncing the copy", error);
        if !is_at(&self.path, &self.file) {
            return Err(Error::storage("naming the copy", "another file has been put in its place"));
        }
        if let Some(original) = original {
            permit_as(&fs::metadata(original).map_err(syncing)?, &self.file).map_err(syncing)?;
        }
        self.file.sync_all().map_err(syncing)?;
        // Unlike a rename, a link never writes over what appeared meanwhile.
        match fs::hard_link(&self.path, to) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::Exists { path: to.to_owned() });
            }
            // Not every file system has links.
            Err(_) if fs::symlink_metadata(to).is_ok() => return Err(Error::Exists { path: to.to_owned() }),
            Err(_) => fs::rename(&self.path, to).map_err(|error| unwritable(to, error))?,
        }
        drop(self);
        sync_directory(to)
    }
}

/// Lets a copy be read by those who may read the original, and by nobody else: what is allowed to a group is allowed to
/// that group only.
#[cfg(unix)]
fn permit_as(original: &fs::Metadata, copy: &File) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    // The administrator may give it away, others may give it to a group of theirs.
    if fchown(copy, Some(original.uid()), Some(original.gid())).is_err() {
        drop(fchown(copy, None, Some(original.gid())));
    }
    let group = if copy.metadata()?.gid() == original.gid() { 0o070 } else { 0 };
    copy.set_permissions(fs::Permissions::from_mode(original.mode() & (0o707 | group)))
}

#[cfg(not(unix))]
fn permit_as(original: &fs::Metadata, copy: &File) -> std::io::Result<()> {
    copy.set_permissions(original.permissions())
}

impl Drop for Partial {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            drop(fs::remove_file(with_suffix(&self.path, suffix)));
        }
    }
}

/// Makes a file's new name last; not every system lets a directory be synced.
fn sync_directory(of: &Path) -> Result<()> {
    match of.parent() {
        Some(directory) if cfg!(unix) => File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| Error::storage("syncing the copy's directory", error)),
        _ => Ok(()),
    }
}
