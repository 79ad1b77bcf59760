//! What a writer tells of its commits, and to whom.
//!
//! SQLite's update hook names each row that is written to. A commit adds one to the count of each table that it has
//! written to, and wakes one thread, which tells the observers of these tables. So a commit costs the same with one observer
//! and with a hundred, and no observer holds it back. While nobody listens, a commit costs one look at a number.
//!
//! What other programs commit is seen by SQLite's `data_version` on the writer's own connection, which changes for commits of
//! other connections only. The same thread looks at it, and so does each transaction as it begins. What they have written to
//! is not known, so it counts for every table.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Action;

use super::feed::Feed;
use super::seat::Seat;
use super::touched::{Net, TOLD_APART, TableSet, Tables, Touch};
use crate::error::{Error, Result};

/// How often other programs' commits are looked for, while there are observers.
const POLL: Duration = Duration::from_millis(20);
/// How long commits are gathered before observers are told again.
const GATHER: Duration = Duration::from_millis(10);

pub(crate) struct Listeners {
    /// How many observers there are, and one more if there is a feed.
    count: Arc<AtomicUsize>,
    tables: OnceLock<Tables>,
    /// How many commits have written to each table.
    commits: [AtomicU64; TOLD_APART],
    /// The rows that the open transaction has written to.
    touched: Arc<Mutex<Vec<Touch>>>,
    /// What `data_version` was last.
    data_version: AtomicI64,
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    seats: Vec<Arc<Seat>>,
    feed: Option<Feed>,
    /// Whether there were commits that the observers were not told of.
    pending: bool,
    /// The thread that tells them, and its sign to stop.
    thread: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Default for Listeners {
    fn default() -> Self {
        Listeners {
            count: Arc::default(),
            tables: OnceLock::new(),
            commits: std::array::from_fn(|_| AtomicU64::new(0)),
            touched: Arc::default(),
            data_version: AtomicI64::new(0),
            state: Mutex::default(),
            woken: Condvar::new(),
        }
    }
}

impl Listeners {
    /// Whether anybody listens.
    #[inline]
    pub(crate) fn is_any(&self) -> bool {
        self.count.load(Ordering::Acquire) > 0
    }

    /// One more listens from now on. The connection is the writer's, with no transaction of a caller on it.
    fn listen(&self, connection: &mut Connection) -> Result<()> {
        if self.tables.get().is_none() {
            let tables = Tables::new(names(connection)?);
            self.hook(connection, tables.clone())?;
            // Only with the connection locked, so nobody else has done it meanwhile.
            drop(self.tables.set(tables));
        }
        if !self.is_any() {
            self.data_version.store(data_version(connection)?, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn hook(&self, connection: &mut Connection, tables: Tables) -> Result<()> {
        let (count, touched) = (Arc::clone(&self.count), Arc::clone(&self.touched));
        connection.update_hook(Some(move |action: Action, database: &str, table: &str, id: i64| {
            if count.load(Ordering::Relaxed) > 0
                && database == rusqlite::MAIN_DB.to_str().unwrap_or_default()
                && let Some(table) = tables.find(table)
            {
                lock(&touched).push(Touch { table, id, change: Net::of(action) });
            }
        }))?;
        Ok(())
    }

    /// A transaction has begun; `shared` says that other programs may write as well.
    pub(crate) fn began(&self, connection: &Connection, shared: bool) {
        if self.is_any() {
            lock(&self.touched).clear();
            if shared {
                self.look(connection);
            }
        }
    }

    /// How many rows the open transaction has written to.
    pub(crate) fn mark(&self) -> usize {
        if self.is_any() { lock(&self.touched).len() } else { 0 }
    }

    /// What was written to since the mark was undone.
    pub(crate) fn forget(&self, mark: usize) {
        if self.is_any() {
            lock(&self.touched).truncate(mark);
        }
    }

    /// The open transaction was committed.
    #[inline]
    pub(crate) fn committed(&self) {
        if self.is_any() {
            self.tell(&std::mem::take(&mut *lock(&self.touched)));
        }
    }

    fn tell(&self, touches: &[Touch]) {
        if touches.is_empty() {
            return;
        }
        let mut state = lock(&self.state);
        if let Some(feed) = &mut state.feed {
            feed.committed(touches);
        }
        let written = touches.iter().fold(TableSet::default(), |tables, touch| tables.with(touch.table));
        self.count_for(&mut state, written);
    }

    /// Something was written, and nobody knows what.
    pub(crate) fn unknown(&self) {
        if self.is_any() {
            let mut state = lock(&self.state);
            if let Some(feed) = &mut state.feed {
                feed.unknown();
            }
            self.count_for(&mut state, (0..TOLD_APART).fold(TableSet::default(), TableSet::with));
        }
    }

    fn count_for(&self, state: &mut State, tables: TableSet) {
        for at in (0..TOLD_APART).filter(|at| tables.contains(*at)) {
            self.commits[at].fetch_add(1, Ordering::Release);
        }
        if !state.seats.is_empty() && !std::mem::replace(&mut state.pending, true) {
            self.woken.notify_one();
        }
    }

    /// Looks for commits of other connections, with the writer's.
    pub(crate) fn look(&self, connection: &Connection) {
        // Where it fails, whatever is read next fails as well, and says why.
        if let Ok(now) = data_version(connection)
            && self.data_version.swap(now, Ordering::Relaxed) != now
        {
            self.unknown();
        }
    }

    /// Does something with the feed, which is kept from now on.
    pub(crate) fn feed<T>(&self, connection: &mut Connection, run: impl FnOnce(&Feed, &Tables) -> T) -> Result<T> {
        if lock(&self.state).feed.is_none() {
            self.listen(connection)?;
            lock(&self.state).feed = Some(Feed::new());
        }
        let mut state = lock(&self.state);
        let feed = state.feed.get_or_insert_with(Feed::new);
        Ok(run(feed, self.tables.get().unwrap_or(&Tables::new(Vec::new()))))
    }

    /// Seats an observer of all that a statement reads. `poll`, where there is one, looks for other programs' commits.
    pub(crate) fn seat(
        self: &Arc<Self>,
        connection: &mut Connection,
        sql: &str,
        poll: Option<impl Fn() + Send + 'static>,
    ) -> Result<Arc<Seat>> {
        self.listen(connection)?;
        let tables = self.tables.get().map(|tables| tables.named_in(sql)).unwrap_or_default();
        let seat = Arc::new(Seat::new(tables));
        let mut state = lock(&self.state);
        state.seats.push(Arc::clone(&seat));
        if state.thread.is_none() {
            let (stop, listeners) = (Arc::new(AtomicBool::new(false)), Arc::clone(self));
            let its = Arc::clone(&stop);
            let thread = thread::Builder::new().name("clientstore observers".to_owned());
            match thread.spawn(move || listeners.run(&its, poll.as_ref())) {
                Ok(thread) => state.thread = Some((stop, thread)),
                Err(error) => {
                    state.seats.pop();
                    self.count.fetch_sub(1, Ordering::Release);
                    return Err(Error::storage("starting the thread that tells observers", error));
                }
            }
        }
        Ok(seat)
    }

    /// The observer is gone.
    pub(super) fn leave(&self, seat: &Arc<Seat>) {
        let mut state = lock(&self.state);
        state.seats.retain(|other| !Arc::ptr_eq(other, seat));
        self.count.fetch_sub(1, Ordering::Release);
        if state.seats.is_empty()
            && let Some((stop, thread)) = state.thread.take()
        {
            stop.store(true, Ordering::Release);
            drop(state);
            self.woken.notify_all();
            // If it panicked, the panic hook has reported it.
            drop(thread.join());
        }
    }

    /// How many commits there were to the tables, all in all.
    pub(super) fn commits(&self, tables: TableSet) -> u64 {
        let counts = self.commits.iter().enumerate().filter(|(at, _)| tables.contains(*at));
        counts.map(|(_, commits)| commits.load(Ordering::Acquire)).sum()
    }

    /// Tells the observers of commits until it is to stop.
    fn run(&self, stop: &AtomicBool, poll: Option<&impl Fn()>) {
        let mut state = lock(&self.state);
        while !stop.load(Ordering::Acquire) {
            if state.pending {
                state.pending = false;
                let seats = state.seats.clone();
                drop(state);
                seats.iter().for_each(|seat| seat.tell(self.commits(seat.tables)));
                thread::sleep(GATHER);
                state = lock(&self.state);
            } else if let Some(poll) = poll {
                let (woken, waited) = self.woken.wait_timeout(state, POLL).unwrap_or_else(PoisonError::into_inner);
                state = woken;
                if waited.timed_out() && !state.pending {
                    drop(state);
                    poll();
                    state = lock(&self.state);
                }
            } else {
                state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

fn names(connection: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn data_version(connection: &Connection) -> Result<i64> {
    Ok(connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
