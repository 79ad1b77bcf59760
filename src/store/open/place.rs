//! The identity of a file: which file a path names before it is opened, and whether it is still there while it is open.

use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::error::{Error, Result};

/// Reads check the file's identity at most once in this time, in milliseconds; each write checks it.
const CHECK_INTERVAL: u64 = 20;
/// What SQLite keeps beside a file while it is open in write-ahead mode.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// For reading and writing.
    Write,
    /// For reading, with the existing log and shared memory; no file is made beside it.
    Read,
    /// For reading, as a file that does not change; without a log.
    Immutable,
}

/// Follows symbolic links in the last part of a path, since the files beside a store are named after the file itself.
pub(crate) fn resolve(path: PathBuf) -> PathBuf {
    let mut found = path.clone();
    // Linux follows at most 40 links, too.
    for _ in 0..40 {
        match (fs::read_link(&found), found.parent()) {
            (Ok(target), Some(parent)) => found = parent.join(target),
            _ => return found,
        }
    }
    path
}

/// Refuses a path that ends in a slash, which can only be a directory's; SQLite would drop the slash.
pub(crate) fn no_directory(path: &Path) -> Result<()> {
    let last = path.as_os_str().as_encoded_bytes().last().copied();
    if !last.is_some_and(|last| std::path::is_separator(last.into())) {
        return Ok(());
    }
    let source = std::sync::Arc::new(IoError::from(ErrorKind::IsADirectory));
    let hint = "the path ends in a slash, as a directory's does; give the name of a file".to_owned();
    Err(Error::Unopened { path: path.to_owned(), hint, source })
}

/// How a store that only reads can open the file. A process that cannot write the file must not create files beside it,
/// since they might lock the owner out.
pub(crate) fn access(path: &Path) -> Access {
    if may_write(path) && path.parent().is_none_or(may_write) {
        return Access::Write;
    }
    let holds = |suffix| fs::symlink_metadata(with_suffix(path, suffix)).map(|found| found.len() > 0).ok();
    match (holds("-wal"), holds("-journal"), holds("-shm")) {
        (None, None | Some(false), _) | (Some(false), None | Some(false), None) => Access::Immutable,
        _ => Access::Read,
    }
}

#[cfg(unix)]
fn may_write(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn may_write(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir() || !found.permissions().readonly())
}

/// Whether a file's disk is full. SQLite reports some failures of a full disk as I/O errors.
#[cfg(unix)]
pub(crate) fn is_full(path: &Path) -> bool {
    let of = path.parent().unwrap_or(path);
    rustix::fs::statvfs(of).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < 64 << 10)
}

#[cfg(not(unix))]
pub(crate) fn is_full(_: &Path) -> bool {
    false
}

/// The number of hard links to a file.
#[cfg(unix)]
pub(crate) fn links(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(found)
}

#[cfg(not(unix))]
pub(crate) fn links(_: &Metadata) -> u64 {
    1
}

/// Refuses a file where something other than a regular file has the name of its log.
pub(crate) fn only_files_beside(path: &Path) -> Result<()> {
    for suffix in ["-wal", "-shm", "-journal"] {
        let beside = with_suffix(path, suffix);
        if fs::symlink_metadata(&beside).is_ok_and(|found| !found.is_file()) {
            return Err(no_regular_file(beside));
        }
    }
    Ok(())
}

fn no_regular_file(path: PathBuf) -> Error {
    let source = std::sync::Arc::new(IoError::from(ErrorKind::InvalidInput));
    let hint = "it is not a regular file, but has the name of one that belongs to the store; remove it".to_owned();
    Error::Unopened { path, hint, source }
}

/// Opens a regular file that belongs to the store. It follows no link and waits for no pipe. With `creates`, a missing
/// file is created with mode 0600.
#[cfg(unix)]
pub(crate) fn open_beside(path: &Path, creates: bool) -> Result<std::io::Result<File>> {
    use rustix::fs::{Mode, OFlags};

    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match rustix::fs::open(path, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) if creates => {
            rustix::fs::open(path, flags | OFlags::CREATE, Mode::RUSR | Mode::WUSR)
        }
        opened => opened,
    };
    match opened {
        Ok(file) => {
            let file = File::from(file);
            match file.metadata() {
                Ok(found) if !found.is_file() => Err(no_regular_file(path.to_owned())),
                Ok(_) => Ok(Ok(file)),
                Err(error) => Ok(Err(error)),
            }
        }
        // A link, a directory, a socket, or a device without a driver.
        Err(_) if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) => {
            Err(no_regular_file(path.to_owned()))
        }
        Err(error) => Ok(Err(error.into())),
    }
}

#[cfg(not(unix))]
pub(crate) fn open_beside(path: &Path, creates: bool) -> Result<std::io::Result<File>> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(no_regular_file(path.to_owned()));
    }
    Ok(File::options().read(true).write(true).create(creates).truncate(false).open(path))
}

/// A file's device and inode.
#[cfg(unix)]
fn number(found: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;

    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// Whether the file at the path is the one that is open.
pub(crate) fn is_at(path: &Path, open: &File) -> bool {
    match (fs::symlink_metadata(path), open.metadata()) {
        (Ok(there), Ok(open)) => number(&there) == number(&open),
        _ => false,
    }
}

/// Whether `litestream restore -f` keeps bringing a file up to date: then the file says beside it how far it is.
pub(crate) fn is_brought_along(path: &Path) -> bool {
    txid(path).is_file()
}

fn txid(path: &Path) -> PathBuf {
    with_suffix(path, "-txid")
}

/// A value that changes whenever Litestream has brought the file along, or its log has changed.
pub(crate) fn brought_along_to(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in [path, &txid(path), &with_suffix(path, "-wal")] {
        let found = fs::metadata(path).ok().filter(|found| found.len() > 0);
        found.map(|found| (found.len(), found.modified().ok())).hash(&mut hasher);
    }
    hasher.finish()
}

/// The identity of the file that a store has open, and of the files beside it.
pub(crate) struct Identity {
    path: PathBuf,
    /// The file and those beside it, with their device and inode when it was opened.
    files: Vec<(PathBuf, (u64, u64))>,
    /// The path where a log must not appear, for a file that was opened as immutable.
    unexpected: Option<PathBuf>,
    is_gone: AtomicBool,
    opened: Instant,
    /// When it was checked last, in milliseconds since it was opened.
    checked: AtomicU64,
}

impl Identity {
    /// The identity of the file at the path before it is opened, for comparison afterwards.
    pub(crate) fn before(path: &Path) -> Option<(u64, u64)> {
        fs::metadata(path).ok().map(|found| number(&found))
    }

    /// The identity of a file that has just been opened.
    pub(crate) fn of(path: &Path, before: Option<(u64, u64)>, access: Access) -> Result<Self> {
        let gone = || Error::Moved { path: path.to_owned() };
        let now = Self::before(path).ok_or_else(gone)?;
        if before.is_some_and(|before| before != now) {
            return Err(gone());
        }
        let mut files = vec![(path.to_owned(), now)];
        let beside = BESIDE.map(|suffix| with_suffix(path, suffix));
        files.extend(beside.into_iter().filter_map(|beside| Self::before(&beside).map(|number| (beside, number))));
        let unexpected = (access == Access::Immutable).then(|| with_suffix(path, "-wal"));
        let (is_gone, checked) = (AtomicBool::new(false), AtomicU64::new(0));
        Ok(Identity { path: path.to_owned(), files, unexpected, is_gone, opened: Instant::now(), checked })
    }

    /// The same without the files beside it, which come and go with the connections where none stays open.
    pub(crate) fn alone(mut self) -> Self {
        self.files.truncate(1);
        self
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fails once the path names another file or none.
    pub(crate) fn check(&self) -> Result<()> {
        let stays = |(path, number): &(PathBuf, _)| Self::before(path) == Some(*number);
        if self.is_gone.load(Ordering::Relaxed) || !self.files.iter().all(stays) {
            self.is_gone.store(true, Ordering::Relaxed);
            return Err(Error::Moved { path: self.path.clone() });
        }
        match &self.unexpected {
            Some(log) if fs::metadata(log).is_ok_and(|log| log.len() > 0) => {
                Err(Error::storage("reading the file", "another program has begun to write to it; open it again"))
            }
            _ => Ok(()),
        }
    }

    /// The same, at most once in [`CHECK_INTERVAL`].
    pub(crate) fn check_sometimes(&self) -> Result<()> {
        let now = self.opened.elapsed().as_millis() as u64;
        let checked = self.checked.load(Ordering::Relaxed);
        if now < checked + CHECK_INTERVAL && !self.is_gone.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.checked.store(now, Ordering::Relaxed);
        self.check()
    }
}

/// A path with something after its end.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}

pub(crate) fn unwritable(path: &Path, error: std::io::Error) -> Error {
    let hint = match path.parent() {
        Some(parent) if error.kind() == ErrorKind::NotFound => {
            format!("there is no directory {}; make it first", parent.display())
        }
        _ => error.to_string(),
    };
    Error::Unopened { path: path.to_owned(), hint, source: std::sync::Arc::new(error) }
}
