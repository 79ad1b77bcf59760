//! The typed access for asynchronous code.

use std::marker::PhantomData;

use crate::error::{Error, Result};
use crate::record::{NewRecord, RecordChanges};
use crate::store::{ClientStore, Records, Stored, Transaction};

/// A store for asynchronous code: the calls of [`ClientStore`], none of which blocks the executor.
///
/// Made by [`ClientStore::to_async`], and cheap to clone. Each call runs in a blocking task of the Tokio runtime that
/// awaits it. A call that has begun goes on to its end, also where its future is dropped.
///
/// ```
/// use clientstore::{ClientFilter, ClientStore, Error, NewClient, NewProject};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let store = ClientStore::open_in_memory()?.to_async();
/// let id = store.clients().create(&NewClient::named("SuprCorp")).await?;
/// store
///     .transaction(move |tx| {
///         tx.projects().create(&NewProject::of(id, "Website"))?;
///         tx.clients().toggle(id).unwrap_err();
///         Ok::<_, Error>(())
///     })
///     .await?;
/// // What only one kind of record has.
/// assert!(!store.projects().call(|projects| projects.toggle(1)).await?);
/// assert_eq!(store.clients().list(&ClientFilter::new()).await?.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AsyncStore {
    store: ClientStore,
}

/// The records of one kind, for asynchronous code; see [`AsyncStore`].
pub struct AsyncRecords<R> {
    store: ClientStore,
    record: PhantomData<fn() -> R>,
}

impl<R> Clone for AsyncRecords<R> {
    fn clone(&self) -> Self {
        AsyncRecords { store: self.store.clone(), record: PhantomData }
    }
}

impl<R> std::fmt::Debug for AsyncRecords<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AsyncRecords").field("store", &self.store).finish_non_exhaustive()
    }
}

impl ClientStore {
    /// The store for asynchronous code.
    #[cfg_attr(docsrs, doc(cfg(feature = "async")))]
    pub fn to_async(&self) -> AsyncStore {
        AsyncStore { store: self.clone() }
    }
}

/// The kinds of records by their names.
macro_rules! kinds {
    ($($name:ident: $record:ident,)*) => {
        impl AsyncStore {
            $(
                #[doc = concat!("As [`ClientStore::", stringify!($name), "`].")]
                pub fn $name(&self) -> AsyncRecords<crate::$record> {
                    self.records()
                }
            )*
        }
    };
}

kinds! {
    clients: Client,
    contacts: Contact,
    projects: Project,
    tasks: Task,
    people: Person,
    task_assignments: TaskAssignment,
    user_assignments: UserAssignment,
    day_entries: DayEntry,
    expense_categories: ExpenseCategory,
    expenses: Expense,
    invoices: Invoice,
    messages: Message,
    payments: Payment,
    item_categories: ItemCategory,
}

impl AsyncStore {
    /// The store itself, whose calls block.
    pub fn store(&self) -> &ClientStore {
        &self.store
    }

    /// The records of one kind; [`clients`](Self::clients) and its like are short for it.
    pub fn records<R: Stored>(&self) -> AsyncRecords<R> {
        AsyncRecords { store: self.store.clone(), record: PhantomData }
    }

    /// As [`ClientStore::transaction`]. The closure may block: it runs on a thread for that.
    ///
    /// # Errors
    ///
    /// As [`ClientStore::transaction`]; [`Error::Storage`] where the runtime shuts down before it has begun.
    pub async fn transaction<T: Send + 'static, E: From<Error> + Send + 'static>(
        &self,
        run: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.call(move |store| store.transaction(run)).await
    }

    /// Any other call of the store, such as a load or a backup, off the executor.
    ///
    /// # Errors
    ///
    /// Those of the closure; [`Error::Storage`] where the runtime shuts down before it has begun.
    pub async fn call<T: Send + 'static, E: From<Error> + Send + 'static>(
        &self,
        run: impl FnOnce(&ClientStore) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let store = self.store.clone();
        off_the_executor(move || run(&store)).await
    }
}

impl<R: Stored + Send> AsyncRecords<R> {
    /// As [`Records::create`].
    ///
    /// # Errors
    ///
    /// As [`Records::create`].
    pub async fn create(&self, new: &NewRecord<R>) -> Result<R::Id> {
        let new = new.clone();
        self.call(move |records| records.create(&new)).await
    }

    /// As [`Records::create_all`].
    ///
    /// # Errors
    ///
    /// As [`Records::create_all`].
    pub async fn create_all<I>(&self, records: I) -> Result<u64>
    where
        I: IntoIterator<Item = NewRecord<R>> + Send + 'static,
    {
        self.call(move |all| all.create_all(records)).await
    }

    /// As [`Records::get`].
    ///
    /// # Errors
    ///
    /// As [`Records::get`].
    pub async fn get(&self, id: impl Into<R::Id>) -> Result<R> {
        let id = id.into();
        self.call(move |records| records.get(id)).await
    }

    /// The records that the filter lets through, all as they were at one moment; as [`Records::list`].
    ///
    /// # Errors
    ///
    /// As [`Records::list`].
    pub async fn list(&self, filter: &R::Filter) -> Result<Vec<R>>
    where
        R::Filter: Clone + Send + 'static,
    {
        let filter = filter.clone();
        self.call(move |records| records.list(&filter)?.collect()).await
    }

    /// As [`Records::update`].
    ///
    /// # Errors
    ///
    /// As [`Records::update`].
    pub async fn update(&self, id: impl Into<R::Id>, changes: &RecordChanges<R>) -> Result<()> {
        let (id, changes) = (id.into(), changes.clone());
        self.call(move |records| records.update(id, &changes)).await
    }

    /// As [`Records::delete`].
    ///
    /// # Errors
    ///
    /// As [`Records::delete`].
    pub async fn delete(&self, id: impl Into<R::Id>) -> Result<()> {
        let id = id.into();
        self.call(move |records| records.delete(id)).await
    }

    /// Any call of [`Records`], such as the toggle of a client, off the executor.
    ///
    /// # Errors
    ///
    /// Those of the closure; [`Error::Storage`] where the runtime shuts down before it has begun.
    pub async fn call<T: Send + 'static>(
        &self,
        run: impl FnOnce(Records<'_, R>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.store.clone();
        off_the_executor(move || run(store.records())).await
    }
}

/// Runs a call in a blocking task. A panic in it goes on here.
async fn off_the_executor<T: Send + 'static, E: From<Error> + Send + 'static>(
    run: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match tokio::task::spawn_blocking(run).await {
        Ok(result) => result,
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Err(cancelled) => Err(Error::storage("beginning a call", cancelled).into()),
    }
}
