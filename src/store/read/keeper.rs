//! Spares readers the system calls of SQLite's file locks, without anybody reading what is stale.
//!
//! A reader of a write-ahead log holds a shared lock on the mark it reads up to, which takes one
//! system call to get and one to give back; for a point read these cost more than the reading.
//! SQLite counts the locks that connections of one process have on a mark, and calls the system only
//! for the first and the last. So while one connection, the keeper, stays in a read transaction on
//! the newest mark, all other readers begin without a system call. Each of them still compares the
//! log's header in shared memory, and sees what any program has committed; the keeper reads nothing
//! that anybody is shown.
//!
//! A mark that is held keeps checkpoints from going past it. So nothing is held for longer than
//! [`TICK`], or without readers that gain by it, and the writer has it let go while it commits
//! what may be checkpointed.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use crate::error::Result;
use crate::store::open::{self, Settings};

/// For so long at most the keeper holds a mark.
const TICK: Duration = Duration::from_millis(20);
/// The number of reads since the last commit, or within a tick, that make a keeper worthwhile.
const BUSY: u32 = 16;
/// More reads than that were counted already, or are not counted.
const KEPT: u32 = BUSY + 1;

/// Keeps the newest mark of a file's write-ahead log while it is read much.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
}

struct Shared {
    /// Opens the connection.
    open: Box<dyn Fn() -> Result<Connection> + Send + Sync>,
    /// The reads since the last commit, up to [`BUSY`]; then, on top of [`KEPT`], those of this tick.
    reads: AtomicU32,
    state: Mutex<State>,
    closing: Condvar,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    /// The thread that moves the keeper on; none while nothing is held.
    mover: Option<JoinHandle<()>>,
    closed: bool,
}

/// Nothing is held, nor will be, until it is dropped.
pub(crate) struct LetGo<'a>(#[expect(dead_code, reason = "it is held")] MutexGuard<'a, State>);

impl Keeper {
    pub(crate) fn new(path: &Path, settings: &Settings) -> Self {
        // Do not wait for a lock that another process holds: readers work without a keeper.
        let (path, settings) = (path.to_owned(), Settings { busy_timeout: Duration::ZERO, ..*settings });
        let shared = Shared {
            open: Box::new(move || open::reader(&path, &settings)),
            reads: AtomicU32::new(0),
            state: Mutex::default(),
            closing: Condvar::new(),
        };
        Keeper { shared: Arc::new(shared) }
    }

    /// Counts a read that is about to begin.
    #[inline]
    pub(crate) fn count(&self) {
        if self.shared.reads.fetch_add(1, Relaxed) == BUSY {
            self.keep();
        }
    }

    /// Moves the keeper on, or has a thread begin to.
    #[cold]
    fn keep(&self) {
        // Who has the lock does it, or commits, and the reads after that count anew.
        let Ok(mut state) = self.shared.state.try_lock() else { return };
        if state.mover.is_some() {
            self.shared.hold(&mut state);
        } else if !state.closed {
            let shared = Arc::clone(&self.shared);
            let mover = thread::Builder::new().name("clientstore keeper".to_owned()).spawn(move || shared.run());
            // Without one, readers take their own locks.
            state.mover = mover.ok();
        }
    }

    /// Lets the mark go until what it gives is dropped.
    pub(crate) fn let_go(&self) -> LetGo<'_> {
        let state = self.shared.state();
        state.let_go();
        LetGo(state)
    }

    /// To be called after a commit: what is held is no longer the newest mark.
    pub(crate) fn outdated(&self) {
        self.shared.reads.store(0, Relaxed);
    }

    /// Closes the connection, for good.
    pub(crate) fn close(&self) {
        let mut state = self.shared.state();
        state.closed = true;
        drop(state.connection.take());
        let mover = state.mover.take();
        drop(state);
        self.shared.closing.notify_all();
        if let Some(mover) = mover {
            // It only leaves its loop; a panic there has been printed.
            drop(mover.join());
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves on at each tick, until one has few reads.
    fn run(&self) {
        let mut state = self.state();
        loop {
            if state.closed {
                return;
            }
            self.hold(&mut state);
            state = self.closing.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
            if self.reads.load(Relaxed) < KEPT + BUSY {
                state.let_go();
                state.mover = None;
                self.reads.store(0, Relaxed);
                return;
            }
        }
    }

    /// Holds the newest mark in place of what is held. Where that fails, nothing is held, and
    /// readers take their own locks.
    fn hold(&self, state: &mut State) {
        state.let_go();
        if state.connection.is_none() && !state.closed {
            state.connection = (self.open)().ok();
        }
        if let Some(connection) = &state.connection {
            drop(hold(connection));
        }
        self.reads.store(KEPT, Relaxed);
    }
}

fn hold(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    // It is the first read that takes the lock.
    connection.prepare_cached("SELECT 1 FROM sqlite_schema LIMIT 1")?.query_row([], |_| Ok(()))
}

impl State {
    fn let_go(&self) {
        if let Some(connection) = &self.connection
            && !connection.is_autocommit()
        {
            drop(connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])));
        }
    }
}
