//! Observing a list of records.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use rusqlite::Connection;

use super::listeners::Listeners;
use super::seat::{Seat, Woken};
use crate::error::{Error, Result};
use crate::record::View;
use crate::store::entity::Selection;
use crate::store::read::{Cursor, Reads, Step, record};
use crate::store::{ClientStore, Stored};

/// How long a read that has failed waits for a change before it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The records that a filter lets through, again after each change.
///
/// Made by [`ClientStore::observe`]; it is an iterator whose `next` waits for a new value.
pub struct Observation<R> {
    seated: Seated,
    store: ClientStore,
    select: Box<dyn Fn(NaiveDate) -> Selection + Send>,
    last: Option<Arc<Vec<R>>>,
    /// How many commits to its tables there were before the last value was read, or when the last wait ended.
    seen: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was read yet, or there was a change that nobody has read.
    Due,
    Read,
    Failed,
}

/// A seat, which is given up when this is dropped.
struct Seated {
    seat: Arc<Seat>,
    listeners: Arc<Listeners>,
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.listeners.leave(&self.seat);
    }
}

impl ClientStore {
    /// Observes the records that a filter lets through: the first value is the list as it is now, and each further one
    /// the list after commits that changed it, by this store or by another program.
    ///
    /// An observation is an iterator that blocks; [`next_timeout`](Observation::next_timeout) waits for a limited time,
    /// [`on_change`](Observation::on_change) calls a function for each value, and with the feature `stream`,
    /// `into_stream` makes it a `Stream`.
    ///
    /// Each value is read in one snapshot, so it is a state that the store was in. Commits that come faster than they
    /// are read, or within 10 ms of each other, are one change. Nobody waits for an observer. A value that equals the one
    /// before it is not given again. An observation looks at what is stored: a clock that moves on is no change.
    ///
    /// While there are observers, one thread looks for the commits of other programs every 20 ms, which takes some
    /// microseconds; nobody does so for a store in memory or an [exclusive](crate::Builder::exclusive) one. Each
    /// observation keeps its last value, to compare the next with it.
    ///
    /// ```
    /// use clientstore::{Client, ClientFilter, ClientStore, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let mut clients = store.observe::<Client>(&ClientFilter::new())?;
    /// assert_eq!(clients.next().unwrap()?.len(), 0);
    ///
    /// store.clients().create(&NewClient::named("SuprCorp"))?;
    /// assert_eq!(clients.next().unwrap()?[0].name, "SuprCorp");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where SQLite or the system's threads fail, and inside a transaction of this store. A value that
    /// cannot be read is an error of the iterator's item; the next one is tried again.
    pub fn observe<R: Stored>(&self, filter: &R::Filter) -> Result<Observation<R>>
    where
        R::Filter: Clone + Send + 'static,
    {
        let filter = filter.clone();
        let select = move |today| {
            let mut selection = Selection::on(today);
            R::select(&filter, &mut selection);
            selection
        };
        let sql = Cursor::new(R::ENTITY, View::Live, select(self.today())).statement();
        let seat = self.inner.writer.seat(&sql)?;
        let seated = Seated { seat, listeners: Arc::clone(self.inner.writer.listeners()) };
        let mut observation = Observation {
            seated,
            store: self.clone(),
            select: Box::new(select),
            last: None,
            seen: 0,
            state: State::Due,
        };
        observation.begin();
        Ok(observation)
    }
}

impl<R: Stored> Observation<R> {
    /// The next value, or none if the list has not changed before the time is over.
    ///
    /// ```
    /// use std::time::Duration;
    /// use clientstore::{Client, ClientFilter, ClientStore};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let mut clients = store.observe::<Client>(&ClientFilter::new())?;
    /// assert_eq!(clients.next_timeout(Duration::ZERO).unwrap()?.len(), 0);
    /// assert!(clients.next_timeout(Duration::from_millis(10)).is_none());
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<Arc<Vec<R>>>> {
        self.next_until(Instant::now().checked_add(timeout))
    }

    /// Waits until something was committed that may change the list, and tells whether it was before the time is over.
    /// The list is not read; the next value is.
    ///
    /// What was committed since the last value was read or the last wait has ended counts, before either what was committed
    /// since the observation was made. So a program that reads what it shows by a query after each wait misses nothing.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        let changed = self.seated.seat.wait(self.seen, Instant::now().checked_add(timeout)) == Woken::Changed;
        if changed {
            self.begin();
            self.state = State::Due;
        }
        changed
    }

    /// Calls a function with each value, the present one first, on a thread of its own, until the handle is dropped.
    ///
    /// A function that takes long misses the values between, and gets the newest one after it. When the handle is
    /// dropped, a call that is running still ends, and none comes after it.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use clientstore::{Client, ClientFilter, ClientStore};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let (send, receive) = mpsc::channel();
    /// let observing = store.observe::<Client>(&ClientFilter::new())?.on_change(move |clients| {
    ///     send.send(clients.map(|clients| clients.len())).ok();
    /// })?;
    /// assert_eq!(receive.recv().unwrap()?, 0);
    /// drop(observing);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where the system has no thread for it.
    pub fn on_change(self, mut call: impl FnMut(Result<Arc<Vec<R>>>) + Send + 'static) -> Result<Observing>
    where
        R: Send + Sync + 'static,
    {
        let seat = Arc::downgrade(&self.seated.seat);
        let run = move || self.for_each(&mut call);
        let thread = thread::Builder::new().name("clientstore observer".to_owned()).spawn(run);
        // It ends by itself once the seat is closed.
        thread.map(drop).map_err(|error| Error::storage("starting the thread of an observer", error))?;
        Ok(Observing { seat })
    }

    fn next_until(&mut self, until: Option<Instant>) -> Option<Result<Arc<Vec<R>>>> {
        loop {
            let woken = match self.state {
                State::Due => self.seated.seat.wait_no_longer(),
                State::Read => self.seated.seat.wait(self.seen, until),
                State::Failed => self.wait_to_retry(until),
            };
            if woken != Woken::Changed {
                return None;
            }
            // Before the read, so that what is committed meanwhile is a change.
            self.begin();
            match self.read() {
                Ok(value) if self.last.as_deref() == Some(&value) => self.state = State::Read,
                Ok(value) => {
                    self.state = State::Read;
                    let value = Arc::new(value);
                    self.last = Some(Arc::clone(&value));
                    return Some(Ok(value));
                }
                Err(error) => {
                    self.state = State::Failed;
                    return Some(Err(error));
                }
            }
        }
    }

    fn wait_to_retry(&self, until: Option<Instant>) -> Woken {
        let retry = Instant::now() + RETRY;
        match self.seated.seat.wait(self.seen, Some(until.map_or(retry, |until| until.min(retry)))) {
            Woken::TimedOut if until.is_none_or(|until| retry <= until) => Woken::Changed,
            woken => woken,
        }
    }

    fn begin(&mut self) {
        self.seen = self.seated.listeners.commits(self.seated.seat.tables);
    }

    fn read(&self) -> Result<Vec<R>> {
        let mut cursor = Cursor::new(R::ENTITY, View::Live, (self.select)(self.store.today()));
        let mut records = Vec::new();
        let all = |connection: &Connection| {
            cursor.slice(connection, &mut |row| {
                records.push(record(row)?);
                Ok(Step::On)
            })
        };
        self.store.snapshot()?.read(all)?;
        Ok(records)
    }
}

impl<R: Stored> Iterator for Observation<R> {
    type Item = Result<Arc<Vec<R>>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None)
    }
}

impl<R> std::fmt::Debug for Observation<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observation").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Calls a function for each change of a list, until it is dropped; see [`Observation::on_change`].
#[derive(Debug)]
#[must_use = "the function is called until this is dropped"]
pub struct Observing {
    seat: Weak<Seat>,
}

impl Drop for Observing {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.upgrade() {
            seat.close();
        }
    }
}
