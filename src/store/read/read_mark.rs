//! Saves readers the system calls of SQLite's file locks, while each still sees every commit.
//!
//! In write-ahead mode a reader holds a shared lock on a read mark, which says how far into the log it
//! reads. Taking the lock and releasing it are two system calls, and for a point read they cost more
//! than the read itself. SQLite counts the locks that the connections of one process have on a mark,
//! and makes a system call for the first and the last only. So one connection stays in a read
//! transaction on the newest mark, and all other readers begin without a system call. Each of them
//! still compares the log's header in shared memory, and so sees what any program has committed. The
//! connection that holds the mark reads nothing that a caller is shown.
//!
//! A checkpoint cannot go past a mark that is held. So a mark is held for at most [`TICK`] at a time and
//! only while there are many reads, and the writer has it released before a commit that may be
//! followed by a checkpoint.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use crate::error::Result;
use crate::store::open::{self, Settings};

/// The longest time that a mark is held before the newest one takes its place.
const TICK: Duration = Duration::from_millis(20);
/// The number of reads since the last commit, or within a tick, from which on a mark is held.
const BUSY: u32 = 16;
/// The count of reads from which on those of the current tick are counted.
const COUNTING: u32 = BUSY + 1;

/// Holds the newest read mark of a file's write-ahead log while there are many reads.
pub(crate) struct ReadMark {
    shared: Arc<Shared>,
}

struct Shared {
    /// Opens the connection.
    open: Box<dyn Fn() -> Result<Connection> + Send + Sync>,
    /// The reads since the last commit, up to [`BUSY`]. While a mark is held: [`COUNTING`] and the reads of this tick.
    reads: AtomicU32,
    state: Mutex<State>,
    closing: Condvar,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    /// The thread that moves to the newest mark at each tick, while a mark is held.
    thread: Option<JoinHandle<()>>,
    closed: bool,
}

/// No mark is held until this is dropped.
pub(crate) struct Released<'a>(#[expect(dead_code, reason = "the lock is held")] MutexGuard<'a, State>);

impl ReadMark {
    pub(crate) fn new(path: &Path, settings: &Settings) -> Self {
        // It does not wait for a lock of another process: readers work without a held mark.
        let (path, settings) = (path.to_owned(), Settings { busy_timeout: Duration::ZERO, ..*settings });
        let shared = Shared {
            open: Box::new(move || open::reader(&path, &settings)),
            reads: AtomicU32::new(0),
            state: Mutex::default(),
            closing: Condvar::new(),
        };
        ReadMark { shared: Arc::new(shared) }
    }

    /// Counts a read that is about to begin.
    #[inline]
    pub(crate) fn count(&self) {
        if self.shared.reads.fetch_add(1, Relaxed) == BUSY {
            self.hold();
        }
    }

    /// Moves to the newest mark, or starts the thread that holds marks.
    #[cold]
    fn hold(&self) {
        // The thread that has the lock does the same, or commits, and later reads are counted from 0.
        let Ok(mut state) = self.shared.state.try_lock() else { return };
        if state.thread.is_some() {
            self.shared.hold_newest(&mut state);
        } else if !state.closed {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new().name("clientstore read mark".to_owned()).spawn(move || shared.run());
            // Without the thread, readers take their own locks.
            state.thread = thread.ok();
        }
    }

    /// Releases the mark until the guard is dropped.
    pub(crate) fn release(&self) -> Released<'_> {
        let state = self.shared.state();
        state.release();
        Released(state)
    }

    /// Must be called after a commit: the held mark is no longer the newest.
    pub(crate) fn outdated(&self) {
        self.shared.reads.store(0, Relaxed);
    }

    /// Closes the connection, for good.
    pub(crate) fn close(&self) {
        let mut state = self.shared.state();
        state.closed = true;
        drop(state.connection.take());
        let thread = state.thread.take();
        drop(state);
        self.shared.closing.notify_all();
        if let Some(thread) = thread {
            // If it panicked, the panic hook has reported it.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves to the newest mark at each tick, until a tick has few reads.
    fn run(&self) {
        let mut state = self.state();
        loop {
            if state.closed {
                return;
            }
            self.hold_newest(&mut state);
            state = self.closing.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
            if self.reads.load(Relaxed) < COUNTING + BUSY {
                state.release();
                state.thread = None;
                self.reads.store(0, Relaxed);
                return;
            }
        }
    }

    /// Holds the newest mark instead of the present one. If that fails, no mark is held and readers
    /// take their own locks.
    fn hold_newest(&self, state: &mut State) {
        state.release();
        if state.connection.is_none() && !state.closed {
            state.connection = (self.open)().ok();
        }
        if let Some(connection) = &state.connection {
            drop(begin(connection));
        }
        self.reads.store(COUNTING, Relaxed);
    }
}

fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    // The first read of a transaction takes the lock.
    connection.prepare_cached("SELECT 1 FROM sqlite_schema LIMIT 1")?.query_row([], |_| Ok(()))
}

impl State {
    fn release(&self) {
        if let Some(connection) = &self.connection
            && !connection.is_autocommit()
        {
            drop(connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])));
        }
    }
}
