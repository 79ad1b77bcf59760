//! Where one observer waits.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::touched::TableSet;

/// An observer's place: the tables that it looks at, and what it was told.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(super) tables: TableSet,
    told: Mutex<Told>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct Told {
    /// How many commits to its tables it was told of.
    commits: u64,
    closed: bool,
}

/// Why a wait has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    Changed,
    TimedOut,
    Closed,
}

impl Seat {
    pub(super) fn new(tables: TableSet) -> Self {
        Seat { tables, told: Mutex::default(), rung: Condvar::new() }
    }

    pub(super) fn tell(&self, commits: u64) {
        let mut told = self.told();
        if commits > told.commits {
            told.commits = commits;
            drop(told);
            self.rung.notify_all();
        }
    }

    /// Ends all waiting, for good.
    pub(super) fn close(&self) {
        self.told().closed = true;
        self.rung.notify_all();
    }

    /// Waits until it is told of more commits than were seen.
    pub(super) fn wait(&self, seen: u64, until: Option<Instant>) -> Woken {
        let mut told = self.told();
        loop {
            if told.closed {
                return Woken::Closed;
            }
            if told.commits > seen {
                return Woken::Changed;
            }
            told = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.rung.wait(told).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return Woken::TimedOut,
                Some(left) => self.rung.wait_timeout(told, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    /// Whether what is due may be read.
    pub(super) fn wait_no_longer(&self) -> Woken {
        if self.told().closed { Woken::Closed } else { Woken::Changed }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
