//! A VFS for SQLite that fails where it is told to, and forgets what was not synced.
//!
//! It stands in for the system's own for every connection of the process, and passes all else through, locks and
//! shared memory included. What a loss of power may take is in `disk.rs`: bytes that were not synced, and entries of
//! directories that were not. What other code does to files, without SQLite, lasts at once.

mod disk;
mod vfs;

use std::collections::HashMap;
use std::ffi::c_int;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

use disk::Disk;
pub use vfs::install;

/// A call that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Read,
    Write,
    Sync,
    Truncate,
}

/// What is to go wrong.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The n-th of the calls fails; with `for_good`, all after it as well.
    Error { call: Call, for_good: bool },
    /// The n-th write finds the disk full; with `for_good`, all after it as well.
    Full { for_good: bool },
    /// At the n-th write, sync or truncate the power goes: see [`lose_power`].
    PowerLoss { seed: u64 },
}

#[derive(Default)]
struct State {
    armed: Option<(Fault, u64)>,
    count: u64,
    fired: bool,
    is_off: bool,
    open: HashMap<usize, Open>,
    disk: Disk,
}

/// A file that is open.
struct Open {
    /// The system's methods.
    methods: usize,
    path: Option<PathBuf>,
    /// Whether its next sync is its directory's as well.
    syncs_directory: bool,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the n-th call from now on go wrong; n counts from 1.
pub fn arm(fault: Fault, n: u64) {
    let mut state = state();
    (state.armed, state.count, state.fired) = (Some((fault, n)), 0, false);
}

/// Lets all calls work again; whether the fault has come.
pub fn disarm() -> bool {
    let mut state = state();
    state.armed = None;
    std::mem::take(&mut state.fired)
}

/// How many calls since [`arm`] could have met the fault.
pub fn calls() -> u64 {
    state().count
}

/// The power goes: of what was not synced, each sector is lost or stays, as the seed decides, and so is each file that
/// was made or deleted; with 0 all is lost, with 1 all stays. Until [`power_on`], every call fails.
pub fn lose_power(seed: u64) {
    state().lose_power(seed);
}

/// To be called once every connection was closed.
pub fn power_on() {
    let mut state = state();
    assert!(state.open.is_empty(), "{} files are open", state.open.len());
    *state = State::default();
}

impl State {
    /// What a call answers with instead of being made.
    fn verdict(&mut self, call: Call) -> Option<c_int> {
        if self.is_off {
            return Some(error(call));
        }
        let (fault, n) = self.armed?;
        let (fits, for_good) = match fault {
            Fault::Error { call: failing, for_good } => (failing == call, for_good),
            Fault::Full { for_good } => (call == Call::Write, for_good),
            Fault::PowerLoss { .. } => (call != Call::Read, false),
        };
        self.count += u64::from(fits);
        if !fits || self.count < n || self.count > n && !for_good {
            return None;
        }
        self.fired = true;
        match fault {
            Fault::PowerLoss { seed } => self.lose_power(seed),
            Fault::Full { .. } => return Some(ffi::SQLITE_FULL),
            Fault::Error { .. } => {}
        }
        Some(error(call))
    }

    fn lose_power(&mut self, seed: u64) {
        self.is_off = true;
        std::mem::take(&mut self.disk).lose(seed);
    }
}

fn error(call: Call) -> c_int {
    match call {
        Call::Read => ffi::SQLITE_IOERR_READ,
        Call::Write => ffi::SQLITE_IOERR_WRITE,
        Call::Sync => ffi::SQLITE_IOERR_FSYNC,
        Call::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
    }
}
