//! Reader connections, kept for the next reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::read_mark::{self, ReadMark};
use crate::error::Result;
use crate::store::Version;
use crate::store::open::{self, Identity, Settings};

/// At every 32nd commit all read marks are released, so that a checkpoint can go past them. A log that is due for a
/// checkpoint grows by at most this many commits.
const COMMITS: u32 = 32;

/// The page cache of a reader in steady use, in KiB, where the store owns the file. No locks are taken there, so reading
/// pages is most of what a read costs.
const OWN_CACHE: i64 = 16_384;
/// The same for a file that other programs share; this is SQLite's default.
const SHARED_CACHE: i64 = 2_000;
/// The same for a new reader, and for one whose list is being sent: there may be many of them, and a slow client keeps
/// one for long.
const LITTLE_CACHE: i64 = 128;
/// A reader is in steady use once it was returned this often in a row without having sent a list.
const STEADY: u32 = 16;
/// A reader that stayed idle during this many reads is closed, which frees its memory.
const UNUSED: u64 = 4_096;

/// The pool of a file's reader connections.
///
/// A read takes a connection and returns it. If none is idle, one more is opened, so that a list that is sent to a
/// slow client delays no other read.
pub(crate) struct Readers {
    identity: Arc<Identity>,
    settings: Settings,
    kept: usize,
    idle: Mutex<Idle>,
    begin: Begin,
    commits: AtomicU32,
    /// The connection that asks whether other programs have committed, for a shared file.
    watcher: Mutex<Option<Connection>>,
}

#[derive(Default)]
struct Idle {
    /// The one that was returned last is taken first, so unneeded ones stay at the front.
    readers: Vec<Reader>,
    /// How often a reader was returned.
    returns: u64,
}

/// How a read begins.
enum Begin {
    /// Other programs may write: SQLite looks for their commits at each read.
    Shared(ReadMark),
    /// No other program writes: a read transaction stays open until the next commit, or until marks are released.
    Own { commits: AtomicU64, releasing: AtomicBool },
    /// Litestream replaces pages between reads. It waits until no process has the file open, and gives no notice.
    BroughtAlong,
}

/// No read mark is held until this is dropped, except by reads in progress.
pub(crate) struct Released<'a> {
    _shared: Option<read_mark::Released<'a>>,
    own: Option<&'a AtomicBool>,
}

impl Drop for Released<'_> {
    fn drop(&mut self) {
        if let Some(releasing) = self.own {
            releasing.store(false, Ordering::SeqCst);
        }
    }
}

/// A connection that reads.
pub(crate) struct Reader {
    connection: Connection,
    /// The commits that its open transaction sees.
    sees: Option<u64>,
    /// How often it was returned, up to [`STEADY`]. Below that, its cache is [`LITTLE_CACHE`].
    uses: u32,
    /// What [`Idle::returns`] was when it was returned.
    returned: u64,
}

impl std::ops::Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Reader {
    /// Reduces the page cache until the reader is in steady use again.
    pub(crate) fn keep_little(&mut self) -> Result<()> {
        if std::mem::take(&mut self.uses) >= STEADY {
            self.set_cache(LITTLE_CACHE)?;
        }
        Ok(())
    }

    /// Sets the page cache's size in KiB; SQLite frees the pages beyond it.
    fn set_cache(&self, cache: i64) -> Result<()> {
        Ok(self.connection.pragma_update(None, "cache_size", -cache)?)
    }

    fn begin(&mut self) -> Result<()> {
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.sees = None;
        if !self.connection.is_autocommit() {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(())
    }
}

impl Readers {
    /// `exclusive` says that no other program writes the file.
    pub(crate) fn new(identity: Arc<Identity>, settings: Settings, kept: usize, exclusive: bool) -> Self {
        let begin = match exclusive {
            true => Begin::Own { commits: AtomicU64::new(0), releasing: AtomicBool::new(false) },
            false => Begin::Shared(ReadMark::new(identity.path(), &settings)),
        };
        Readers {
            identity,
            settings,
            kept,
            idle: Mutex::default(),
            begin,
            commits: AtomicU32::new(0),
            watcher: Mutex::default(),
        }
    }

    /// The readers of a file that Litestream brings along: each opens it for one read.
    pub(crate) fn brought_along(identity: Arc<Identity>, settings: Settings) -> Self {
        let (commits, watcher) = (AtomicU32::new(0), Mutex::default());
        Readers { identity, settings, kept: 0, idle: Mutex::default(), begin: Begin::BroughtAlong, commits, watcher }
    }

    /// A reader whose statements see all that was committed before it was taken.
    pub(crate) fn take(&self) -> Result<Reader> {
        self.identity.check_sometimes()?;
        let reader = self.idle().readers.pop();
        let mut reader = match reader {
            Some(reader) => reader,
            None => self.open()?,
        };
        match &self.begin {
            Begin::Shared(mark) => mark.count(),
            Begin::BroughtAlong => {}
            Begin::Own { releasing, .. } if releasing.load(Ordering::SeqCst) => reader.end()?,
            Begin::Own { commits, .. } => {
                // Read before the transaction begins, which may therefore see later commits, but never fewer.
                let now = commits.load(Ordering::Acquire);
                if reader.sees != Some(now) {
                    reader.end()?;
                    reader.begin()?;
                    reader.sees = Some(now);
                }
            }
        }
        Ok(reader)
    }

    fn open(&self) -> Result<Reader> {
        self.identity.check()?;
        let connection = open::reader(self.identity.path(), &self.settings)?;
        // Another file may have been put in its place meanwhile.
        self.identity.check()?;
        let reader = Reader { connection, sees: None, uses: 0, returned: 0 };
        reader.set_cache(LITTLE_CACHE)?;
        Ok(reader)
    }

    fn cache(&self) -> i64 {
        if matches!(self.begin, Begin::Own { .. }) { OWN_CACHE } else { SHARED_CACHE }
    }

    /// A reader whose statements all see one snapshot.
    pub(crate) fn take_snapshot(&self) -> Result<Reader> {
        let mut reader = self.take()?;
        if reader.sees.is_none() {
            reader.begin()?;
        }
        Ok(reader)
    }

    /// A value that changes whenever anything is committed, by any program.
    pub(crate) fn version(&self) -> Result<Version> {
        let mark = match &self.begin {
            Begin::Shared(mark) => mark,
            Begin::Own { commits, .. } => return Ok(Version(commits.load(Ordering::Acquire))),
            Begin::BroughtAlong => return Ok(Version(open::brought_along_to(self.identity.path()))),
        };
        self.identity.check_sometimes()?;
        mark.count();
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *watcher {
            Some(connection) => connection,
            none => none.insert(open::reader(self.identity.path(), &self.settings)?),
        };
        // Outside a transaction, `data_version` changes on this connection when another one has committed.
        let version: i64 = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        Ok(Version(version.cast_unsigned()))
    }

    pub(crate) fn put_back(&self, mut reader: Reader) {
        let keeps = match &self.begin {
            Begin::BroughtAlong => return,
            Begin::Shared(_) => false,
            Begin::Own { releasing, .. } => reader.sees.is_some() && !releasing.load(Ordering::SeqCst),
        };
        if !keeps && reader.end().is_err() {
            return;
        }
        if reader.uses < STEADY {
            reader.uses += 1;
            if reader.uses == STEADY && reader.set_cache(self.cache()).is_err() {
                return;
            }
        }
        let mut idle = self.idle();
        idle.returns += 1;
        reader.returned = idle.returns;
        let unused = match idle.readers.first() {
            Some(first) if idle.returns - first.returned > UNUSED => Some(idle.readers.remove(0)),
            _ => None,
        };
        if idle.readers.len() < self.kept {
            idle.readers.push(reader);
        }
        drop(idle);
        // Closed after the lock is released, so that no read waits for it.
        drop(unused);
    }

    /// Must be called before a commit; the guard is kept until after it. `large` says that the commit alone may be
    /// followed by a checkpoint.
    pub(crate) fn before_commit(&self, large: bool) -> Option<Released<'_>> {
        if !large && !self.commits.fetch_add(1, Ordering::Relaxed).is_multiple_of(COMMITS) {
            return None;
        }
        Some(match &self.begin {
            Begin::Shared(mark) => Released { _shared: Some(mark.release()), own: None },
            Begin::Own { releasing, .. } => {
                releasing.store(true, Ordering::SeqCst);
                // A reader that cannot end its transaction is closed.
                self.idle().readers.retain_mut(|reader| reader.end().is_ok());
                Released { _shared: None, own: Some(releasing) }
            }
            // Nothing is written.
            Begin::BroughtAlong => Released { _shared: None, own: None },
        })
    }

    /// Must be called after a commit, before any caller is told of it.
    pub(crate) fn after_commit(&self) {
        match &self.begin {
            Begin::Shared(mark) => mark.outdated(),
            Begin::Own { commits, .. } => drop(commits.fetch_add(1, Ordering::Release)),
            Begin::BroughtAlong => {}
        }
    }

    /// Closes the idle connections and the one that holds the read mark.
    pub(crate) fn close(&self) {
        if let Begin::Shared(mark) = &self.begin {
            mark.close();
        }
        self.idle().readers.clear();
        drop(self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::open::Access;
    use crate::{ClientStore, Durability};

    /// The readers of an empty store.
    fn readers() -> (tempfile::TempDir, Readers) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        drop(ClientStore::builder().durability(Durability::Off).open(&path).unwrap());
        let settings = Settings {
            durability: Durability::Off,
            busy_timeout: Duration::from_secs(60),
            keeps_log: false,
            links: false,
            access: Access::Write,
        };
        let identity = Arc::new(Identity::of(&path, None, Access::Write).unwrap());
        (directory, Readers::new(identity, settings, 8, false))
    }

    /// How much of the file a reader may keep in memory, in KiB.
    fn cache(reader: &Reader) -> i64 {
        -reader.pragma_query_value(None, "cache_size", |row| row.get::<_, i64>(0)).unwrap()
    }

    fn read_once(readers: &Readers) {
        readers.put_back(readers.take().unwrap());
    }

    #[test]
    fn a_reader_in_steady_use_has_all_of_its_cache() {
        let (_directory, readers) = readers();
        (0..STEADY).for_each(|_| {
            let reader = readers.take().unwrap();
            assert_eq!(cache(&reader), LITTLE_CACHE);
            readers.put_back(reader);
        });
        assert_eq!(cache(&readers.take().unwrap()), SHARED_CACHE);
    }

    #[test]
    fn a_reader_at_a_list_that_is_being_sent_keeps_little_until_it_is_in_steady_use_again() {
        let (_directory, readers) = readers();
        (0..STEADY).for_each(|_| read_once(&readers));
        let mut reader = readers.take_snapshot().unwrap();
        assert_eq!(cache(&reader), SHARED_CACHE);
        reader.keep_little().unwrap();
        assert_eq!(cache(&reader), LITTLE_CACHE);
        readers.put_back(reader);
        assert_eq!(cache(&readers.idle().readers[0]), LITTLE_CACHE);
        (0..STEADY).for_each(|_| read_once(&readers));
        assert_eq!(cache(&readers.idle().readers[0]), SHARED_CACHE);
    }

    #[test]
    fn readers_that_are_no_longer_needed_are_closed() {
        let (_directory, readers) = readers();
        let taken: Vec<_> = (0..5).map(|_| readers.take().unwrap()).collect();
        taken.into_iter().for_each(|reader| readers.put_back(reader));
        assert_eq!(readers.idle().readers.len(), 5);
        (0..UNUSED + 8).for_each(|_| read_once(&readers));
        assert_eq!(readers.idle().readers.len(), 1);
    }
}
