//! Reader connections, kept for the next reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::keeper::{self, Keeper};
use crate::error::Result;
use crate::store::Version;
use crate::store::open::{self, Identity, Settings};

/// After this many commits readers let go of the part of the log that they hold, so that a checkpoint can pass it. A log
/// that is due for a checkpoint grows by at most this many commits.
const COMMITS: u32 = 32;

/// How much of a file of its own a reader in steady use keeps in memory, in KiB. Where no locks are taken, reading
/// pages is the most of what a read costs.
const OWN_CACHE: i64 = 16_384;
/// The same for a file that is shared; it is SQLite's default.
const SHARED_CACHE: i64 = 2_000;
/// The same for a reader that is new, or at a list that is being sent: a slow program may be long at it, and there
/// may be many of them.
const LITTLE_CACHE: i64 = 128;
/// A reader is in steady use once it was given back this often, without a list that was being sent in between.
const STEADY: u32 = 16;
/// A reader that was idle during this many reads is closed, and its memory is free again.
const UNUSED: u64 = 4_096;

/// The idle reader connections of a file.
///
/// A reader takes one and brings it back; where none is idle it opens one more, so that a list that
/// a slow program reads holds up nobody.
pub(crate) struct Readers {
    identity: Arc<Identity>,
    settings: Settings,
    kept: usize,
    idle: Mutex<Idle>,
    begin: Begin,
    commits: AtomicU32,
    /// Where writes are looked for, of a shared file.
    watcher: Mutex<Option<Connection>>,
}

#[derive(Default)]
struct Idle {
    /// The one that was given back last is taken first, so those that nobody needs stay at the front.
    readers: Vec<Reader>,
    /// How often a reader was given back.
    given: u64,
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
    /// How often it was given back, up to [`STEADY`]; less than that, and it keeps only [`LITTLE_CACHE`] in memory.
    uses: u32,
    /// What [`Idle::given`] was when it was given back.
    given: u64,
}

impl std::ops::Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Reader {
    /// Lets go of what it keeps of the file in memory, until it is in steady use again.
    pub(crate) fn keep_little(&mut self) -> Result<()> {
        if std::mem::take(&mut self.uses) >= STEADY {
            self.keep(LITTLE_CACHE)?;
        }
        Ok(())
    }

    /// Keeps up to this many KiB of the file in memory; SQLite frees what is more.
    fn keep(&self, cache: i64) -> Result<()> {
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
        let reader = self.idle().readers.pop();
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
        let connection = open::reader(self.identity.path(), &self.settings)?;
        // Another file may have taken its place just then.
        self.identity.check()?;
        let reader = Reader { connection, sees: None, uses: 0, given: 0 };
        reader.keep(LITTLE_CACHE)?;
        Ok(reader)
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
            none => none.insert(open::reader(self.identity.path(), &self.settings)?),
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
        if reader.uses < STEADY {
            reader.uses += 1;
            if reader.uses == STEADY && reader.keep(self.cache()).is_err() {
                return;
            }
        }
        let mut idle = self.idle();
        idle.given += 1;
        reader.given = idle.given;
        let unused = match idle.readers.first() {
            Some(first) if idle.given - first.given > UNUSED => Some(idle.readers.remove(0)),
            _ => None,
        };
        if idle.readers.len() < self.kept {
            idle.readers.push(reader);
        }
        drop(idle);
        // Closed only now, so that nobody waits for it.
        drop(unused);
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
                self.idle().readers.retain_mut(|reader| reader.end().is_ok());
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
        readers.give_back(readers.take().unwrap());
    }

    #[test]
    fn a_reader_in_steady_use_has_all_of_its_cache() {
        let (_directory, readers) = readers();
        (0..STEADY).for_each(|_| {
            let reader = readers.take().unwrap();
            assert_eq!(cache(&reader), LITTLE_CACHE);
            readers.give_back(reader);
        });
        assert_eq!(cache(&readers.take().unwrap()), SHARED_CACHE);
    }

    #[test]
    fn a_reader_at_a_list_that_is_being_sent_keeps_little_until_it_is_in_steady_use_again() {
        let (_directory, readers) = readers();
        (0..STEADY).for_each(|_| read_once(&readers));
        let mut reader = readers.take_at_one_moment().unwrap();
        assert_eq!(cache(&reader), SHARED_CACHE);
        reader.keep_little().unwrap();
        assert_eq!(cache(&reader), LITTLE_CACHE);
        readers.give_back(reader);
        assert_eq!(cache(&readers.idle().readers[0]), LITTLE_CACHE);
        (0..STEADY).for_each(|_| read_once(&readers));
        assert_eq!(cache(&readers.idle().readers[0]), SHARED_CACHE);
    }

    #[test]
    fn readers_that_are_no_longer_needed_are_closed() {
        let (_directory, readers) = readers();
        let taken: Vec<_> = (0..5).map(|_| readers.take().unwrap()).collect();
        taken.into_iter().for_each(|reader| readers.give_back(reader));
        assert_eq!(readers.idle().readers.len(), 5);
        (0..UNUSED + 8).for_each(|_| read_once(&readers));
        assert_eq!(readers.idle().readers.len(), 1);
    }
}
