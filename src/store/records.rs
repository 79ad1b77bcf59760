//! Typed access to the records of one kind, of a store or inside a transaction.

use std::marker::PhantomData;

use rusqlite::Connection;

use super::actor::reaches;
use super::read::{List, Source, record};
use super::write::{self, Command, Composition, Outcome, Procedure, Told};
use super::{Action, ClientStore, MAX_ID, NewFile, Reach, Selection, Stored};
use crate::error::{Error, Result};
use crate::record::{Fields, NewRecord, RecordChanges, Values, View};

/// The handle of a transaction that runs.
///
/// A change that gives an error inside it has changed nothing; whether the transaction goes on is
/// the closure's choice. Its calls block, as the [store's](ClientStore) do.
///
/// ```
/// use clientstore::{ClientStore, NewClient, NewInvoice, NewLineItem, NewProject};
///
/// let store = ClientStore::open_in_memory()?;
/// let invoice = store.transaction(|tx| {
///     let client = tx.clients().create(&NewClient::named("SuprCorp"))?;
///     tx.projects().create(&NewProject::of(client, "Website"))?;
///     tx.invoices().create(&NewInvoice::of(client).lines([NewLineItem::of("Design", 3, 80)]))
/// })?;
/// assert_eq!(store.invoices().get(invoice)?.amount.to_string(), "240.0");
/// # Ok::<(), clientstore::Error>(())
/// ```
pub struct Transaction<'a> {
    store: &'a ClientStore,
    connection: &'a Connection,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(store: &'a ClientStore, connection: &'a Connection) -> Self {
        Transaction { store, connection }
    }

    pub(crate) fn connection(&self) -> &'a Connection {
        self.connection
    }

    pub(crate) fn store(&self) -> &'a ClientStore {
        self.store
    }

    /// Runs a part of the transaction of which either all or nothing has happened.
    pub(crate) fn whole<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        let writer = &self.store.inner.writer;
        let mark = writer.listeners().mark();
        let result = write::whole(self.connection, true, run);
        if result.is_err() {
            writer.listeners().forget(mark);
        }
        result.map_err(|error| writer.or_full(error))
    }

    /// The records of one kind; [`clients`](Self::clients) and its like are short for it.
    pub fn records<R: Stored>(&self) -> Records<'_, R> {
        Records { store: self.store, connection: Some(self.connection), record: PhantomData }
    }
}

impl std::fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction").field("store", self.store).finish_non_exhaustive()
    }
}

/// The records of one kind, such as clients, projects or invoices. Its calls block, as the [store's](ClientStore) do.
pub struct Records<'a, R> {
    store: &'a ClientStore,
    /// Inside a transaction, its connection.
    connection: Option<&'a Connection>,
    record: PhantomData<fn() -> R>,
}

impl<R> std::fmt::Debug for Records<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("store", self.store).finish_non_exhaustive()
    }
}

impl<'a, R: Stored> Records<'a, R> {
    pub(crate) fn of_store(store: &'a ClientStore) -> Self {
        Records { store, connection: None, record: PhantomData }
    }

    /// Creates a record and gives its id; the id was never used before. Read-only fields among the
    /// given ones are ignored.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let id = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// assert_eq!(store.clients().get(id)?.name, "SuprCorp");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where a required field is missing or a value does not fit,
    /// [`Error::Refused`] where a rule forbids it, [`Error::Busy`] and [`Error::Storage`].
    pub fn create(&self, new: &NewRecord<R>) -> Result<R::Id> {
        self.insert(new.fields.values.clone()).map(R::Id::from)
    }

    /// Creates many records in one transaction, all or none, and gives how many.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let count = store.clients().create_all((1..=1_000).map(|n| NewClient::named(format!("Client {n}"))))?;
    /// assert_eq!(count, 1_000);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), for the first that fails.
    pub fn create_all(&self, records: impl IntoIterator<Item = NewRecord<R>>) -> Result<u64> {
        if self.connection.is_none() {
            return self.store.transaction(|tx| tx.records::<R>().create_all(records));
        }
        let mut count = 0;
        for new in records {
            self.insert(new.fields.values)?;
            count += 1;
        }
        Ok(count)
    }

    fn insert(&self, values: Values) -> Result<i64> {
        match self.run(self.store.creation(R::ENTITY, None, values)?)? {
            Outcome::Created(id) => Ok(id),
            other => Err(unexpected(other)),
        }
    }

    /// Reads a record, by its own kind of id or by a number.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient, NewProject};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client_id = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let project_id = store.projects().create(&NewProject::of(client_id, "Website"))?;
    /// assert_eq!(store.projects().get(project_id)?.client_id, client_id);
    /// assert_eq!(store.projects().get(1)?.name, "Website");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// The id of another kind of record does not compile:
    ///
    /// ```compile_fail,E0277
    /// use clientstore::{ClientId, ClientStore};
    ///
    /// fn mistaken(store: &ClientStore, client_id: ClientId) {
    ///     let _ = store.projects().get(client_id);
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Corrupt`] where the file holds what no store writes,
    /// [`Error::Storage`].
    pub fn get(&self, id: impl Into<R::Id>) -> Result<R> {
        let id = id.into().into();
        let get = |connection: &Connection| {
            let mut statement = connection.prepare_cached(R::TABLE.sql().one(View::Live))?;
            let mut rows = statement.query([id])?;
            match rows.next()? {
                Some(row) => record(row),
                None => Err(Error::NotFound { record: R::DOCUMENT.element, id }),
            }
        };
        match self.connection {
            Some(connection) => get(connection),
            None => self.store.read(get),
        }
    }

    /// Reads the records that the filter lets through, one by one.
    ///
    /// ```
    /// use clientstore::{ClientFilter, ClientStore, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// store.clients().create(&NewClient::named("SuprCorp"))?;
    /// for client in store.clients().list(&ClientFilter::new())? {
    ///     println!("{}", client?.name);
    /// }
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where the read cannot begin; the iterator's items have those of
    /// [`get`](Self::get), and end after the first.
    pub fn list(&self, filter: &R::Filter) -> Result<List<'a, R>> {
        Ok(List::new(self.source()?, self.selection(filter)))
    }

    pub(crate) fn selection(&self, filter: &R::Filter) -> Selection {
        let mut selection = Selection::on(self.store.today());
        R::select(filter, &mut selection);
        selection
    }

    pub(crate) fn source(&self) -> Result<Source<'a>> {
        match self.connection {
            Some(connection) => Ok(Source::Transaction(connection)),
            None => self.store.snapshot().map(Source::Snapshot),
        }
    }

    /// Sets the given fields of a record and leaves the others. Read-only fields among them are
    /// ignored. A change that changes nothing is a write all the same.
    ///
    /// ```
    /// use clientstore::{ClientChanges, ClientStore, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let id = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// store.clients().update(id, &ClientChanges::new().details("123 Main St."))?;
    /// assert_eq!(store.clients().get(id)?.name, "SuprCorp");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], and as [`create`](Self::create). [`Error::Invalid`] for messages and
    /// payments, which the API does not update either.
    pub fn update(&self, id: impl Into<R::Id>, changes: &RecordChanges<R>) -> Result<()> {
        if !R::ENTITY.updates() {
            let reason = "cannot be updated; delete it and create another";
            return Err(Error::invalid(R::DOCUMENT.element, reason));
        }
        self.run(self.store.update(R::ENTITY, None, id.into().into(), changes.fields.values.clone())).map(drop)
    }

    /// Updates the record with the id, or creates it with that id where there is none; true where it was created.
    ///
    /// The fields are those of a parsed document, or what a create or an update takes. Those that are not given stay as they
    /// are, or get their default in a new record; read-only fields among them are ignored, the id too. Every rule holds as
    /// for [`create`](Self::create) and [`update`](Self::update).
    ///
    /// ```
    /// use clientstore::{Client, ClientStore, xml};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let whole = xml::read::<Client>(b"<client><name>SuprCorp</name><details>123 Main St.</details></client>")?;
    /// assert!(store.clients().upsert(7, &whole)?, "it is new");
    ///
    /// let short = xml::read::<Client>(b"<client><name>Supr Inc.</name></client>")?;
    /// assert!(!store.clients().upsert(7, &short)?, "it was there");
    /// let client = store.clients().get(7)?;
    /// assert_eq!((client.name.as_str(), client.details.as_str()), ("Supr Inc.", "123 Main St."));
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create) or [`update`](Self::update); [`Error::Invalid`] also where the id does not lie between 1
    /// and 2^53, and where the assignment is there with another id.
    pub fn upsert(&self, id: impl Into<R::Id>, fields: &impl AsRef<Fields<R>>) -> Result<bool> {
        let id = id.into();
        let Some(connection) = self.connection else {
            return self.store.transaction(|tx| tx.records::<R>().upsert(id, fields));
        };
        let (number, values) = (id.into(), fields.as_ref().values.clone());
        if !(1..=MAX_ID).contains(&number) {
            return Err(Error::invalid("id", format!("is {number}; it must lie between 1 and {MAX_ID}")));
        }
        if reaches(connection, R::ENTITY, number, Reach::All)? {
            return self.update(id, &Fields::from_values(values).into()).map(|()| false);
        }
        self.run(self.store.creation_as(R::ENTITY, number, values)?).map(|_| true)
    }

    /// Deletes a record; its id is not used again. A task or an assignment with recorded time is archived instead.
    ///
    /// ```
    /// use clientstore::{ClientStore, Error, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let id = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// store.clients().delete(id)?;
    /// assert!(matches!(store.clients().get(id), Err(Error::NotFound { .. })));
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Refused`] where a rule forbids it, [`Error::Busy`] and
    /// [`Error::Storage`].
    pub fn delete(&self, id: impl Into<R::Id>) -> Result<()> {
        self.run(self.store.deletion(R::ENTITY, None, id.into().into())).map(drop)
    }

    /// Does a named change, and gives what its column holds now.
    pub(crate) fn act(&self, id: impl Into<R::Id>, action: &'static Action) -> Result<i64> {
        match self.run(self.store.action(R::ENTITY, id.into().into(), action, None)?)? {
            Outcome::Acted(now) => Ok(now),
            other => Err(unexpected(other)),
        }
    }

    /// Keeps a file with a record.
    pub(crate) fn keep(&self, id: impl Into<R::Id>, file: NewFile) -> Result<()> {
        self.run(self.store.keeping(R::ENTITY, id.into().into(), file)).map(drop)
    }

    /// Makes a record and those that it needs, and gives its id.
    pub(crate) fn compose(&self, parent: i64, composition: &'static Composition, values: Values) -> Result<i64> {
        match self.run(self.store.composition(R::ENTITY, Some(parent), composition, values)?)? {
            Outcome::Created(id) => Ok(id),
            other => Err(unexpected(other)),
        }
    }

    /// Does what a procedure does, to the record with the id.
    pub(crate) fn procedure(&self, id: i64, procedure: &'static Procedure) -> Result<Told> {
        match self.run(self.store.running(R::ENTITY, None, Some(id), procedure, Values::new(R::TABLE)))? {
            Outcome::Told(told) => Ok(*told),
            other => Err(unexpected(other)),
        }
    }

    /// The records of another kind, of the same store or transaction.
    pub(crate) fn other<O: Stored>(&self) -> Records<'a, O> {
        Records { store: self.store, connection: self.connection, record: PhantomData }
    }

    /// Reads with a connection.
    pub(crate) fn read<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        match self.connection {
            Some(connection) => run(connection),
            None => self.store.read(run),
        }
    }

    /// The store, outside a transaction, which may have written what the store does not see yet.
    pub(crate) fn store_alone(&self) -> Option<&'a ClientStore> {
        self.connection.is_none().then_some(self.store)
    }

    fn run(&self, mut command: Command) -> Result<Outcome> {
        match self.connection {
            Some(connection) => {
                self.store.hash_password(&mut command)?;
                let writer = &self.store.inner.writer;
                writer.apply(connection, command).map_err(|error| writer.or_full(error))
            }
            None => self.store.run(command),
        }
    }
}

fn unexpected(outcome: Outcome) -> Error {
    Error::storage("applying a command", format!("it gave {outcome:?}"))
}
