//! Reader connections, kept for the next reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::Version;
use super::file::{self, Settings};
use super::keeper::{self, Keeper};
use super::place::Identity;
use crate::error::Result;

/// At every so manieth commit, what readers hold of the log is let go, so that a checkpoint can go
/// past it; a log that is due grows by no more than these.
const COMMITS: u32 = 32;

/// How much of a file of its own a reader keeps in memory, in KiB. Where no locks are taken, reading pages is
/// the most of what a read costs.
const OWN_CACHE: i64 = 16_384;
/// The same for a file that is shared, a quarter of SQLite's default: what one reader does not use, others may,
/// and many slow programs would use all of it.
const SHARED_CACHE: i64 = 500;
/// The same for a reader that is at a list that is being sent: a slow program may be long at it, and
/// there may be many of them.
const LITTLE_CACHE: i64 = 128;

/// The idle reader connections of a file.
///
/// A reader takes one and brings it back; where none is idle it opens one more, so that a list that
/// a slow program reads holds up nobody.
pub(crate) struct Readers {
    identity: Arc<Identity>,
    settings: Settings,
    kept: usize,
    idle: Mutex<Vec<Reader>>,
    begin: Begin,
    commits: AtomicU32,
    /// Where writes are looked for, of a shared file.
    watcher: Mutex<Option<Connection>>,
}

/// How a read begins.
enum Begin {
    /// Others may write as well: SQLite looks, at each read.
    Shared(Keeper),
    /// Nobody else writes: a transaction stays open until there was a commit, or is let go.
    Own { commits: AtomicU64, lets_go: AtomicBool },
}

/// Nothing is held, but by reads that are under way, until it is dropped.
pub(crate) struct LetGo<'a> {
    _shared: Option<keeper::LetGo<'a>>,
    own: Option<&'a AtomicBool>,
}

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        if let Some(lets_go) = self.own {
            lets_go.store(false, Ordering::SeqCst);
        }
    }
}

/// A connection that reads.
pub(crate) struct Reader {
    connection: Connection,
    /// The commits that its open transaction sees.
    sees: Option<u64>,
    /// Whether it keeps as little of the file in memory as [`LITTLE_CACHE`].
    keeps_little: bool,
}

impl std::ops::Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Reader {
    /// Lets go of what it keeps of the file in memory, until it is given back.
    pub(super) fn keep_little(&mut self) -> Result<()> {
        self.connection.pragma_update(None, "cache_size", -LITTLE_CACHE)?;
        self.keeps_little = true;
        Ok(())
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
    /// `exclusive` says that nobody else writes the file.
    pub(crate) fn new(identity: Arc<Identity>, settings: Settings, kept: usize, exclusive: bool) -> Self {
        let begin = match exclusive {
            true => Begin::Own { commits: AtomicU64::new(0), lets_go: AtomicBool::new(false) },
            false => Begin::Shared(Keeper::new(identity.path(), &settings)),
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

    /// A reader each of whose statements sees all that was committed when it was taken.
    pub(crate) fn take(&self) -> Result<Reader> {
        self.identity.check_at_times()?;
        let reader = self.idle().pop();
        let mut reader = match reader {
            Some(reader) => reader,
            None => self.open()?,
        };
        match &self.begin {
            Begin::Shared(keeper) => keeper.count(),
            Begin::Own { lets_go, .. } if lets_go.load(Ordering::SeqCst) => reader.end()?,
            Begin::Own { commits, .. } => {
                // Looked at before the transaction begins to see, which may thus see more than that.
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
        let connection = file::reader(self.identity.path(), &self.settings)?;
        // Another file may have taken its place just then.
        self.identity.check()?;
        connection.pragma_update(None, "cache_size", -self.cache())?;
        Ok(Reader { connection, sees: None, keeps_little: false })
    }

    fn cache(&self) -> i64 {
        if matches!(self.begin, Begin::Own { .. }) { OWN_CACHE } else { SHARED_CACHE }
    }

    /// A reader whose statements all see one moment.
    pub(crate) fn take_at_one_moment(&self) -> Result<Reader> {
        let mut reader = self.take()?;
        if reader.sees.is_none() {
            reader.begin()?;
        }
        Ok(reader)
    }

    /// What differs once anything was committed, by whomever.
    pub(crate) fn version(&self) -> Result<Version> {
        let keeper = match &self.begin {
            Begin::Shared(keeper) => keeper,
            Begin::Own { commits, .. } => return Ok(Version(commits.load(Ordering::Acquire))),
        };
        self.identity.check_at_times()?;
        keeper.count();
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *watcher {
            Some(connection) => connection,
            none => none.insert(file::reader(self.identity.path(), &self.settings)?),
        };
        // It tells this one connection, outside any transaction, whether others have committed.
        let version: i64 = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        Ok(Version(version.cast_unsigned()))
    }

    pub(crate) fn give_back(&self, mut reader: Reader) {
        let keeps = match &self.begin {
            Begin::Shared(_) => false,
            Begin::Own { lets_go, .. } => reader.sees.is_some() && !lets_go.load(Ordering::SeqCst),
        };
        if !keeps && reader.end().is_err() {
            return;
        }
        if std::mem::take(&mut reader.keeps_little)
            && reader.connection.pragma_update(None, "cache_size", -self.cache()).is_err()
        {
            return;
        }
        let mut idle = self.idle();
        if idle.len() < self.kept {
            idle.push(reader);
        }
    }

    /// To be called before a commit and kept until after it. `large` says that the commit may be worth
    /// a checkpoint by itself.
    pub(crate) fn before_commit(&self, large: bool) -> Option<LetGo<'_>> {
        if !large && !self.commits.fetch_add(1, Ordering::Relaxed).is_multiple_of(COMMITS) {
            return None;
        }
        Some(match &self.begin {
            Begin::Shared(keeper) => LetGo { _shared: Some(keeper.let_go()), own: None },
            Begin::Own { lets_go, .. } => {
                lets_go.store(true, Ordering::SeqCst);
                // A reader that cannot end its transaction is of no use.
                self.idle().retain_mut(|reader| reader.end().is_ok());
                LetGo { _shared: None, own: Some(lets_go) }
            }
        })
    }

    /// To be called after a commit, and before anybody is told of it.
    pub(crate) fn after_commit(&self) {
        match &self.begin {
            Begin::Shared(keeper) => keeper.outdated(),
            Begin::Own { commits, .. } => drop(commits.fetch_add(1, Ordering::Release)),
        }
    }

    /// Closes the connections that are idle, and opens no more of its own.
    pub(crate) fn close(&self) {
        if let Begin::Shared(keeper) = &self.begin {
            keeper.close();
        }
        self.idle().clear();
        drop(self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
