//! How a store is opened.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::account::Account;
use crate::error::Result;
use crate::store::ClientStore;
use crate::store::keys::{Key, Keys, draw};
use crate::store::time::{Clock, Time};

/// What an acknowledged write survives; SQLite's `synchronous` under a write-ahead log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// A power loss: every commit is synced to the disk (`synchronous=FULL`).
    #[default]
    Full,
    /// A crash of the program; a power loss may take the last commits (`synchronous=NORMAL`).
    Normal,
    /// A crash of the program; a power loss may damage the file (`synchronous=OFF`). For tests.
    Off,
}

/// Opens a [`ClientStore`] otherwise than by default.
///
/// ```
/// use std::time::Duration;
/// use clientstore::ClientStore;
///
/// let store = ClientStore::builder().busy_timeout(Duration::from_secs(1)).open_in_memory()?;
/// # assert_eq!(store.clients().list(&Default::default())?.count(), 0);
/// # Ok::<(), clientstore::Error>(())
/// ```
#[derive(Clone)]
pub struct Builder {
    pub(crate) clock: Clock,
    pub(crate) frozen: Option<DateTime<Utc>>,
    pub(crate) keys: Keys,
    /// The clock of a store that was open before; none for one of its own.
    pub(crate) time: Option<Arc<Time>>,
    pub(crate) durability: Durability,
    pub(crate) busy_timeout: Duration,
    pub(crate) readers: usize,
    pub(crate) create: bool,
    pub(crate) read_only: bool,
    pub(crate) exclusive: bool,
    pub(crate) quick_check: bool,
    pub(crate) links: bool,
    pub(crate) account: Account,
    pub(crate) app_migrations: Vec<&'static str>,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            clock: Arc::new(Utc::now),
            frozen: None,
            time: None,
            keys: Keys::Given(Arc::new(draw)),
            durability: Durability::Full,
            busy_timeout: Duration::from_secs(5),
            readers: 8,
            create: true,
            read_only: false,
            exclusive: false,
            quick_check: false,
            links: false,
            account: Account::default(),
            app_migrations: Vec::new(),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("durability", &self.durability)
            .field("busy_timeout", &self.busy_timeout)
            .field("readers", &self.readers)
            .field("create", &self.create)
            .field("read_only", &self.read_only)
            .field("exclusive", &self.exclusive)
            .field("quick_check", &self.quick_check)
            .field("hard_links", &self.links)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Where timestamps and "today" come from; the system's clock by default. Fractions of a second
    /// are dropped.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        (self.frozen, self.time) = (None, None);
        self
    }

    /// Where invoices' client keys come from, 20 bytes each; the system's random numbers by
    /// default. A person who guesses a key can open the invoice, so use another generator in tests only.
    #[must_use]
    pub fn key_generator(mut self, keys: impl Fn() -> [u8; 20] + Send + Sync + 'static) -> Self {
        self.keys = Keys::Given(Arc::new(move || Ok(keys())));
        self
    }

    /// Makes everything that varies from run to run follow from the seed: the clock stands still at
    /// 2010-01-01T00:00:00Z, and each client key follows from the seed and the number of keys that the
    /// store has made before. It takes the place of [`clock`](Self::clock) and
    /// [`key_generator`](Self::key_generator).
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient};
    ///
    /// let store = ClientStore::builder().deterministic(7).open_in_memory()?;
    /// let id = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// assert_eq!(store.clients().get(id)?.created_at.to_string(), "2010-01-01 00:00:00 UTC");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    #[must_use]
    pub fn deterministic(mut self, seed: u64) -> Self {
        self.frozen = NaiveDate::from_ymd_opt(2010, 1, 1).map(|day| day.and_time(NaiveTime::MIN).and_utc());
        self.time = None;
        self.keys = Keys::seeded(seed);
        self
    }

    /// What an acknowledged write survives; [`Durability::Full`] by default.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long a write waits for another program that has the file locked, and for other threads' transactions of this
    /// store; 5 seconds by default. Then it is [`Error::Busy`](crate::Error::Busy), and nothing was written.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How many idle reader connections are kept open; 8 by default, each with up to 2,000 KiB of cache while it
    /// is in steady use. More can read at once; what they opened is closed again, as is what was long not needed.
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// Whether [`open`](Self::open) makes a file that is not there; true by default.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Whether the store only reads; false by default. Then nothing is made, brought up to date or
    /// written, a write is [`Error::ReadOnly`](crate::Error::ReadOnly), and a file without some of its
    /// triggers or indexes is opened as well. A file that this account cannot write, or on a read-only disk, is read
    /// without making anything beside it; if a log stands beside it that cannot be read that way, it is
    /// [`Error::Unopened`](crate::Error::Unopened).
    ///
    /// A file that `litestream restore -f` brings along, which has `FILE-txid` beside it, is opened for each read and
    /// closed after it, since Litestream waits for that.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Whether the file is the store's own while it is open; false by default.
    ///
    /// Then reads are faster, because nobody else's writes have to be looked for, and each reader
    /// in steady use keeps up to 16 MiB of the file in memory. Other programs can
    /// still read the file, but not write it, so that Litestream cannot follow it, and a second store that is to write it is refused with
    /// [`Error::Exclusive`](crate::Error::Exclusive) when it opens. Where another store has the file open for writing,
    /// opening it so is [`Error::InUse`](crate::Error::InUse). A store in memory is its own anyway, and one that only reads claims
    /// nothing.
    ///
    /// ```no_run
    /// use clientstore::ClientStore;
    ///
    /// let store = ClientStore::builder().exclusive(true).open("books.db")?;
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    #[must_use]
    pub fn exclusive(mut self, exclusive: bool) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// Whether opening first runs SQLite's `quick_check`; false by default.
    ///
    /// For a file that comes from a stranger. It reads every page, so it takes about a second for each
    /// gigabyte; a file with damaged pages, or with values that the schema's CHECKs forbid, is refused with
    /// [`Error::Unopened`](crate::Error::Unopened) and left untouched.
    /// [`check_file`](ClientStore::check_file) looks at more, and lists all that is wrong. A store's tables,
    /// indexes and triggers are compared with those of the schema in any case.
    ///
    /// ```no_run
    /// use clientstore::ClientStore;
    ///
    /// let store = ClientStore::builder().quick_check(true).open("from-a-stranger.db")?;
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    #[must_use]
    pub fn quick_check(mut self, quick_check: bool) -> Self {
        self.quick_check = quick_check;
        self
    }

    /// Whether a file with several names (hard links) is opened; false by default.
    ///
    /// SQLite names a file's log after the path that it was opened at. Two programs that open one file by two names have
    /// two logs for it, and lose each other's writes. Allow it only where every program uses the same name.
    ///
    /// ```no_run
    /// use clientstore::ClientStore;
    ///
    /// let store = ClientStore::builder().hard_links(true).open("books.db")?;
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    #[must_use]
    pub fn hard_links(mut self, allowed: bool) -> Self {
        self.links = allowed;
        self
    }

    /// Whose account it is, as `/account/who_am_i` tells; a new store's first person is its administrator.
    ///
    /// ```
    /// use clientstore::{Account, ClientStore};
    ///
    /// let account = Account::default().company("Example & Sons");
    /// let store = ClientStore::builder().account(account).open_in_memory()?;
    /// # assert_eq!(store.account().company, "Example & Sons");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.account = account;
        self
    }

    /// The migrations of the app's own tables, which are kept in the store's file; none by default.
    ///
    /// Each is a script of SQL. Opening runs those that the file has not seen yet, in the order in which they are given, in the same
    /// transaction as the store's own: all of them take effect or none. So a script that was published stays as it is, and
    /// what changes later is one more at the end. The table `app_version` keeps how many the file has seen.
    ///
    /// The names of the app's tables, indexes, triggers and views begin with `app_`; a script that would define others or write to
    /// the store's tables is refused. A table may refer to the store's, such as `REFERENCES clients ON DELETE CASCADE`;
    /// without an action, such a row keeps the record from being deleted. Triggers and views should name the app's tables
    /// only: those that name the store's may keep a later version from bringing the file up to date.
    ///
    /// Every store leaves such tables alone, also one that is opened without migrations: `check` and `dump` pass over them, and
    /// `backup` copies them. Opening for reading only runs none.
    ///
    /// ```
    /// use clientstore::ClientStore;
    ///
    /// let migrations = [
    ///     "CREATE TABLE app_windows (name TEXT PRIMARY KEY, width INTEGER, height INTEGER) STRICT",
    ///     "ALTER TABLE app_windows ADD COLUMN is_open INTEGER NOT NULL DEFAULT 0",
    /// ];
    /// let store = ClientStore::builder().app_migrations(&migrations).open_in_memory()?;
    /// assert_eq!(store.app_version()?, 2);
    /// store.transaction(|tx| tx.app(|sql| sql.execute("INSERT INTO app_windows VALUES ('main', 800, 600, 1)", [])))?;
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Opening gives [`Error::NewerApp`](crate::Error::NewerApp) where the file has seen more migrations than these, and
    /// [`Error::Unopened`](crate::Error::Unopened) where one fails; the file stays as it was.
    #[must_use]
    pub fn app_migrations(mut self, migrations: &[&'static str]) -> Self {
        self.app_migrations = migrations.to_vec();
        self
    }

    /// Draws the salt of a password.
    pub(crate) fn draw_salt(&self) -> Result<[u8; 16]> {
        match &self.keys {
            Keys::Seeded { .. } => {
                let mut salt = [0; 16];
                salt.copy_from_slice(&self.keys.next()?[..16]);
                Ok(salt)
            }
            // Also where a program draws its client keys itself: those need not be random.
            Keys::Given(_) => draw(),
        }
    }

    /// Draws a client key.
    pub(crate) fn new_key(&self) -> Result<Key> {
        self.keys.next()
    }

    pub(crate) fn time(&self) -> Arc<Time> {
        self.time.clone().unwrap_or_else(|| Arc::new(Time::new(Arc::clone(&self.clock), self.frozen)))
    }

    /// The same with a clock that goes on when the store is opened again.
    pub(crate) fn that_goes_on(mut self) -> Self {
        self.time = Some(Arc::new(Time::new(Arc::clone(&self.clock), self.frozen)));
        self
    }

    /// Opens a store again: its clock and its count of client keys go on where they were.
    pub(crate) fn going_on(&self) -> Self {
        Builder { keys: self.keys.shared(), ..self.clone() }
    }

    /// Opens the file at the path, as [`ClientStore::open`] does.
    ///
    /// # Errors
    ///
    /// As [`ClientStore::open`], and [`Error::Missing`](crate::Error::Missing) where there is no
    /// file and [`create`](Self::create) is off. With [`quick_check`](Self::quick_check),
    /// [`Error::Unopened`](crate::Error::Unopened) where the file is damaged.
    pub fn open(self, path: impl AsRef<Path>) -> Result<ClientStore> {
        ClientStore::open_with(self, path.as_ref())
    }

    /// Opens a new store in memory.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`](crate::Error::Storage) where SQLite has no memory for it.
    pub fn open_in_memory(self) -> Result<ClientStore> {
        ClientStore::open_in_memory_with(self)
    }
}
