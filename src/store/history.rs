//! What an undo session has written, transaction by transaction.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::recorder::{Recorded, Recording};
use super::write::Writer;
use super::{ClientStore, Transaction};
use crate::error::{Error, Result};

/// The transactions of a session that can be undone, and those that were.
pub(crate) struct History {
    writer: Arc<Writer>,
    /// The most transactions that are kept.
    longest: usize,
    past: Mutex<Past>,
}

#[derive(Default)]
struct Past {
    done: VecDeque<Arc<Recorded>>,
    undone: Vec<Arc<Recorded>>,
}

/// Which way to go in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Back,
    Forth,
}

impl Drop for History {
    fn drop(&mut self) {
        self.writer.recorder().leave();
    }
}

impl History {
    fn new(writer: &Arc<Writer>, longest: usize) -> Self {
        writer.recorder().enter();
        History { writer: Arc::clone(writer), longest, past: Mutex::default() }
    }

    /// The transaction that a step would undo, or do again.
    pub(crate) fn next(&self, way: Way) -> Option<Arc<Recorded>> {
        let past = self.past();
        match way {
            Way::Back => past.done.back().cloned(),
            Way::Forth => past.undone.last().cloned(),
        }
    }

    fn add(&self, recorded: Recorded) {
        // What came and went in one transaction has used ids up.
        if recorded.rows.is_empty() && recorded.sequences.is_empty() {
            return;
        }
        let mut past = self.past();
        past.undone.clear();
        past.done.push_back(Arc::new(recorded));
        if past.done.len() > self.longest {
            past.done.pop_front();
        }
    }

    fn step(&self, way: Way) {
        let past = &mut *self.past();
        match way {
            Way::Back => past.undone.extend(past.done.pop_back()),
            Way::Forth => past.done.extend(past.undone.pop()),
        }
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientStore {
    /// The same store with a history of its own.
    pub(crate) fn with_history(&self, longest: usize) -> Self {
        let history = Some(Arc::new(History::new(&self.inner.writer, longest)));
        ClientStore { inner: Arc::clone(&self.inner), history }
    }

    /// The same store without a history.
    pub(crate) fn without_history(&self) -> Self {
        ClientStore { inner: Arc::clone(&self.inner), history: None }
    }

    /// Runs a transaction that is added to the history.
    pub(super) fn recorded<T, E: From<Error>>(
        &self,
        history: &History,
        run: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let recorder = self.inner.writer.recorder();
        let run = |connection: &Connection| {
            let recording = recorder.start(connection)?;
            let value = run(&Transaction::new(self, connection))?;
            Ok((value, recording.stop()?))
        };
        self.inner.writer.transaction_then(run, |(value, recorded)| {
            history.add(recorded);
            value
        })
    }

    /// Goes a step in the history, as `replay` does it; false where there is none.
    pub(crate) fn step(
        &self,
        way: Way,
        replay: impl FnOnce(&Connection, &Recorded, Recording<'_>) -> Result<()>,
    ) -> Result<bool> {
        let Some(history) = &self.history else { return Ok(false) };
        let recorder = self.inner.writer.recorder();
        let run = |connection: &Connection| match history.next(way) {
            Some(recorded) => {
                replay(connection, &recorded, recorder.start(connection)?)?;
                Ok(true)
            }
            None => Ok(false),
        };
        let stepped = self.inner.writer.transaction_then(run, |stepped| {
            if stepped {
                history.step(way);
            }
            stepped
        });
        stepped.map_err(|error| self.inner.writer.or_full(error))
    }

    /// Whether there is a step to go in the history.
    pub(crate) fn can_step(&self, way: Way) -> bool {
        self.history.as_ref().is_some_and(|history| history.next(way).is_some())
    }
}
