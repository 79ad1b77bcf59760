//! The store: the file, its readers and its writer, and the typed access to its records.

mod actor;
mod app;
mod backup;
mod commands;
mod entity;
mod history;
mod keys;
mod observe;
mod open;
mod query;
mod read;
mod recorder;
mod records;
mod schema;
mod snapshot;
mod time;
mod write;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::Connection;

pub(crate) use actor::{ADMINISTRATOR, Actor, Reach, Role};
pub(crate) use backup::{Image, copy};
pub use entity::Stored;
pub(crate) use entity::{
    Action, Archiving, Attached, By, Change, Done, Entity, Files, Filter, Invariant, Kept, Loading, NewFile, On,
    Parent, Rule, Selection, Signature, is_media_type,
};
pub(crate) use history::Way;
#[cfg(feature = "server")]
pub(crate) use keys::random;
#[cfg(feature = "stream")]
pub use observe::ObservationStream;
pub use observe::{ChangeKind, ChangeVersion, Changes, Observation, Observing};
pub(crate) use open::file::differences;
pub use open::{Builder, Durability};
pub use query::Query;
pub use read::List;
pub(crate) use read::{Document, Ended, FileBytes, ListDocument, PIECE, Reads, RecordDocument, Source};
pub(crate) use recorder::{ChangedRow, Recorded, Recording, Row};
pub use records::{Records, Transaction};
pub use schema::Upgrade;
pub(crate) use snapshot::{Snapshot, Version};
pub(crate) use time::Time;
#[cfg(feature = "tower")]
pub(crate) use write::Spawn;
pub(crate) use write::apply;
pub(crate) use write::{
    Command, Composed, Composition, Given, MAX_ID, Outcome, Place, Procedure, Told, Write, add, add_checked, change,
    create, delete_where, load, refusal,
};

use self::history::History;
use self::open::{Access, Claim, Identity, Settings, file};
use self::read::{KeptTexts, Readers};
use self::write::{File, Writer};
use crate::account::Account;
use crate::error::{Error, Result};
use crate::value::whole_seconds;

/// An account's clients, projects and invoices in one SQLite file.
///
/// A store is cheap to clone and every clone is the same store; use it from as many threads as you
/// like. A read sees every write that was acknowledged before it began, by any clone, thread or
/// other program. Writes of many threads commit in groups.
///
/// Every call blocks its thread until it is done: a write until it is on the disk, waiting for other programs and for
/// other threads' transactions up to the builder's `busy_timeout`. In asynchronous code, use `AsyncStore` (the
/// feature `async`), or send requests to `Api`; neither blocks the executor.
///
/// ```
/// use clientstore::{ClientStore, NewClient};
///
/// let store = ClientStore::open_in_memory()?;
/// let id = store.clients().create(&NewClient::named("SuprCorp"))?;
/// assert_eq!(store.clients().get(id)?.name, "SuprCorp");
/// # Ok::<(), clientstore::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientStore {
    inner: Arc<Inner>,
    /// What this handle and its clones have written, where it can be undone.
    history: Option<Arc<History>>,
}

struct Inner {
    path: Option<PathBuf>,
    /// None in memory, where the writer's connection serves the reads as well.
    readers: Option<Arc<Readers>>,
    writer: Arc<Writer>,
    builder: Builder,
    upgrade: Option<Upgrade>,
    time: Arc<Time>,
    /// What searches look into.
    texts: KeptTexts,
    /// Of a file that is written; given up last.
    _claim: Option<Claim>,
}

/// A store that is not kept open by this.
pub(crate) struct WeakStore(Weak<Inner>);

impl WeakStore {
    /// The store, while anybody has it.
    pub(crate) fn upgrade(&self) -> Option<ClientStore> {
        self.0.upgrade().map(|inner| ClientStore { inner, history: None })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Before the writer's connection, which as the last one brings the log into the file.
        if let Some(readers) = &self.readers {
            readers.close();
        }
    }
}

impl std::fmt::Debug for ClientStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientStore").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl ClientStore {
    /// Opens the store at the path; a missing or an empty file becomes a new store.
    ///
    /// An older file is brought up to date in one transaction, after a copy of it was put beside it;
    /// see [`upgrade`](Self::upgrade).
    ///
    /// # Errors
    ///
    /// [`Error::Foreign`] where the file is something else, [`Error::Newer`] where a newer version
    /// wrote it, [`Error::Altered`] where its tables, indexes or triggers are not the program's own;
    /// each is left untouched. [`Error::Busy`] where another program kept it locked,
    /// [`Error::Exclusive`] where another store has declared it its own, [`Error::ReadOnly`] where it cannot be written,
    /// [`Error::Linked`] where the file has several names, [`Error::Unopened`] where it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Builder::default().open(path)
    }

    /// Opens a new store in memory, which is gone with its last clone.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where SQLite has no memory for it.
    pub fn open_in_memory() -> Result<Self> {
        Builder::default().open_in_memory()
    }

    /// How to open a store otherwise than by default.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn open_with(builder: Builder, path: &Path) -> Result<Self> {
        let mut settings = settings(&builder);
        let path = &open::resolve(absolute(path)?);
        let exclusive = builder.exclusive && !builder.read_only;
        let claim = if builder.read_only { None } else { Claim::of(path, exclusive)? };
        let before = Identity::before(path);
        let (connection, upgrade) = if builder.read_only {
            let (connection, its) = file::inspector(path, &settings)?;
            if builder.quick_check {
                file::quick_check(&connection, path)?;
            }
            file::readable(&connection, path)?;
            app::seen(&connection, path, &builder.app_migrations)?;
            settings = its;
            (connection, None)
        } else {
            file::writer(path, &settings, &builder).inspect_err(|_| {
                let made = || std::fs::metadata(path).is_ok_and(|made| made.len() == 0);
                // A full disk had no room for the tables; nobody else makes the file at this moment.
                if before.is_none() && claim.as_ref().is_some_and(Claim::is_alone) && made() {
                    drop(std::fs::remove_file(path));
                }
            })?
        };
        let identity = Identity::of(path, before, settings.access)?;
        let (identity, readers, connection) = if builder.read_only && open::is_brought_along(path) {
            // Litestream waits for every connection to be closed; the writer needs one, and writes nothing.
            let identity = Arc::new(identity.alone());
            let readers = Readers::brought_along(Arc::clone(&identity), settings);
            (identity, readers, file::blank(&settings)?)
        } else {
            let identity = Arc::new(identity);
            let readers = Readers::new(Arc::clone(&identity), settings, builder.readers, exclusive);
            (identity, readers, connection)
        };
        let readers = Arc::new(readers);
        let (read_only, timeout) = (builder.read_only, builder.busy_timeout);
        let file = File { readers: Arc::clone(&readers), identity, exclusive, read_only };
        let writer = Writer::new(connection, Some(file), timeout)?;
        let (path, time) = (Some(path.to_owned()), builder.time());
        let (readers, writer, texts) = (Some(readers), Arc::new(writer), KeptTexts::default());
        let inner = Inner { path, readers, writer, builder, upgrade, time, texts, _claim: claim };
        Ok(ClientStore { inner: Arc::new(inner), history: None })
    }

    fn open_in_memory_with(builder: Builder) -> Result<Self> {
        let connection = file::memory(&settings(&builder), &builder)?;
        Self::of_memory(builder, connection)
    }

    fn of_memory(builder: Builder, connection: Connection) -> Result<Self> {
        let writer = Writer::new(connection, None, builder.busy_timeout)?;
        let (writer, time, texts) = (Arc::new(writer), builder.time(), KeptTexts::default());
        let inner = Inner { path: None, readers: None, writer, builder, upgrade: None, time, texts, _claim: None };
        Ok(ClientStore { inner: Arc::new(inner), history: None })
    }

    /// The store, which is not kept open by what this gives.
    pub(crate) fn downgrade(&self) -> WeakStore {
        WeakStore(Arc::downgrade(&self.inner))
    }

    /// How it was opened.
    pub(crate) fn builder_used(&self) -> &Builder {
        &self.inner.builder
    }

    /// The records of one kind; [`clients`](Self::clients) and its like are short for it.
    pub fn records<R: Stored>(&self) -> Records<'_, R> {
        Records::of_store(self)
    }

    /// Runs several writes in one transaction: all of them happen, or, where the closure gives an
    /// error or panics, none.
    ///
    /// Use the handle it gets; the store itself would wait for the transaction's end, and says so.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient, NewProject};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let project = store.transaction(|tx| {
    ///     let client = tx.clients().create(&NewClient::named("SuprCorp"))?;
    ///     tx.projects().create(&NewProject::of(client, "Website"))
    /// })?;
    /// assert_eq!(store.projects().get(project)?.name, "Website");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// A program's own errors end a transaction as well:
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let result: Result<(), Box<dyn std::error::Error>> = store.transaction(|tx| {
    ///     let hours: u32 = "many".parse()?;
    ///     tx.clients().create(&NewClient::named(format!("{hours} hours")))?;
    ///     Ok(())
    /// });
    /// assert_eq!(result.unwrap_err().to_string(), "invalid digit found in string");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the closure gives, of any type that an [`Error`] can become, and [`Error::Busy`], [`Error::ReadOnly`],
    /// [`Error::Moved`] or [`Error::Storage`] where the transaction cannot begin or commit.
    pub fn transaction<T, E: From<Error>>(&self, run: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        match &self.history {
            None => self.inner.writer.transaction(|connection| run(&Transaction::new(self, connection))),
            Some(history) => self.recorded(history, run),
        }
    }

    /// The same for the parts of this crate that write with the transaction's own connection.
    pub(crate) fn write_together<T>(&self, run: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.transaction(run).map_err(|error| self.inner.writer.or_full(error))
    }

    /// The store's time, to the second.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        whole_seconds(self.inner.time.now())
    }

    /// Its clock.
    pub(crate) fn time(&self) -> &Time {
        &self.inner.time
    }

    /// The day in UTC.
    pub(crate) fn today(&self) -> NaiveDate {
        self.now().date_naive()
    }

    /// The account's settings.
    pub fn account(&self) -> &Account {
        &self.inner.builder.account
    }

    /// Reads with a connection; each statement sees what was committed when it began.
    pub(crate) fn read<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        match &self.inner.readers {
            None => run(&*self.inner.writer.connection()?),
            Some(readers) => {
                let reader = readers.take()?;
                let result = run(&reader);
                readers.put_back(reader);
                result
            }
        }
    }

    /// A value that changes whenever anything is written, by any program.
    pub(crate) fn version(&self) -> Result<Version> {
        match &self.inner.readers {
            None => Ok(self.inner.writer.version()),
            Some(readers) => readers.version(),
        }
    }

    /// The document of one record, written straight from its row unless it is long.
    pub(crate) fn document(&self, document: RecordDocument) -> Result<Document> {
        self.read(|connection| document.short(connection))
    }

    /// An upper bound of the length of one record's document, in bytes. Its texts are not read.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "only what is written apart is measured"))]
    pub(crate) fn document_at_most(&self, document: RecordDocument) -> Result<usize> {
        self.read(|connection| document.at_most(connection))
    }

    /// The document of one record of any length, in a buffer of this capacity. No reader is held while it is written.
    pub(crate) fn long_document(&self, document: RecordDocument, room: usize) -> Result<Vec<u8>> {
        let (taken, attached) = self.read(|connection| document.take(connection))?;
        document.write(&taken, attached.as_deref(), room)
    }

    /// Refuses a record that is not there, or out of reach.
    pub(crate) fn must_exist(&self, entity: &'static Entity, id: i64, reach: Reach) -> Result<()> {
        match self.read(|connection| actor::reaches(connection, entity, id, reach))? {
            true => Ok(()),
            false => Err(Error::NotFound { record: entity.document.element, id }),
        }
    }

    /// What opening has done to an older file; none where it was up to date or new.
    pub fn upgrade(&self) -> Option<&Upgrade> {
        self.inner.upgrade.as_ref()
    }

    /// Where the file stands, unless the store is in memory.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.inner.path.as_deref()
    }

    /// Begins a snapshot; in memory, each read sees the newest state.
    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        let reader = self.inner.readers.as_ref().map(|readers| readers.take_snapshot()).transpose()?;
        Ok(Snapshot { store: self.clone(), reader })
    }
}

/// Opens a file to look at it, whatever its state.
pub(crate) fn inspect(path: &Path) -> Result<Connection> {
    let path = open::resolve(absolute(path)?);
    Ok(file::inspector(&path, &settings(&Builder::default()))?.0)
}

/// SQLite takes some relative paths for something else (`:memory:`, `file:…`), and connections are
/// opened later, perhaps from another working directory.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    open::no_directory(path)?;
    std::path::absolute(path).map_err(|error| Error::storage("looking for the file", error))
}

fn settings(builder: &Builder) -> Settings {
    Settings {
        durability: builder.durability,
        busy_timeout: builder.busy_timeout,
        keeps_log: false,
        links: builder.links,
        access: Access::Write,
    }
}

/// Names the record that holds what cannot be written.
pub(crate) fn corrupt(table: &'static crate::record::Table, id: i64, column: &'static str, reason: String) -> Error {
    Error::Corrupt { table: table.name, id, column, reason }
}
