//! The one writer: commands commit in groups, without a background thread.
//!
//! A caller that finds nobody writing leads: it takes what is queued, applies each command, commits
//! once and hands every caller its own result. Then it hands the lead to the first that queued
//! meanwhile, so that no caller works for the others for long. Alone, a caller queues nothing and
//! wakes nobody.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use rusqlite::Connection;

use super::command::{Command, Outcome, apply};
use super::file::{begin, is_busy};
use crate::error::{Error, Result};

/// So many commands at most commit together; it bounds how long the first of them waits.
const GROUP: usize = 256;

pub(crate) struct Writer {
    queue: Mutex<Queue>,
    connection: Mutex<Connection>,
    busy_timeout: Duration,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Whether somebody leads.
    led: bool,
    /// The thread whose transaction runs now: it must not wait for itself.
    inside: Option<ThreadId>,
}

/// A queued caller, with its command; without one it wants the connection to itself.
struct Job {
    command: Option<Command>,
    caller: Arc<Caller>,
}

#[derive(Default)]
struct Caller {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Waiting,
    /// The caller leads now, its own command first.
    Lead(Option<Command>),
    Done(Result<Outcome>),
}

impl Writer {
    pub(crate) fn new(connection: Connection, busy_timeout: Duration) -> Self {
        Writer { queue: Mutex::default(), connection: Mutex::new(connection), busy_timeout }
    }

    /// Applies a command and commits it, perhaps together with others.
    pub(crate) fn run(&self, command: Command) -> Result<Outcome> {
        match self.enter(Some(command))? {
            State::Lead(command) => {
                let lead = Lead { writer: self };
                let own = Arc::new(Caller::default());
                lead.group(Job { command, caller: Arc::clone(&own) });
                drop(lead);
                own.take_result()
            }
            State::Done(result) => result,
            State::Waiting => Err(abandoned()),
        }
    }

    /// Runs a closure in a transaction of its own, in turn with the commands.
    pub(crate) fn transaction<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.enter(None)?;
        let _lead = Lead { writer: self };
        lock(&self.queue).inside = Some(thread::current().id());
        let connection = self.whole();
        self.begin(&connection)?;
        let result = run(&connection);
        match &result {
            Ok(_) => finish(&connection)?,
            Err(_) => drop(connection.execute_batch("ROLLBACK")),
        }
        result
    }

    fn begin(&self, connection: &Connection) -> Result<()> {
        begin(connection).map_err(
            |error| {
                if is_busy(&error) { Error::Busy { waited: self.busy_timeout } } else { error }
            },
        )
    }

    /// Applies commands in one transaction; a result is given out only for what is on disk.
    fn commit(&self, connection: &Connection, commands: impl Iterator<Item = Command>) -> Result<Vec<Result<Outcome>>> {
        self.begin(connection)?;
        let mut results = Vec::new();
        for command in commands {
            let result = apply(connection, command);
            if connection.is_autocommit() {
                // A full disk or a failed read takes the whole transaction back.
                return Err(result.err().unwrap_or_else(abandoned));
            }
            results.push(result);
        }
        finish(connection)?;
        Ok(results)
    }

    /// The connection, for reads of a store that has no other; waits for the transaction that runs.
    pub(crate) fn connection(&self) -> Result<Whole<'_>> {
        if lock(&self.queue).inside == Some(thread::current().id()) {
            return Err(inside());
        }
        Ok(self.whole())
    }

    /// The connection, outside any transaction.
    fn whole(&self) -> Whole<'_> {
        Whole(lock(&self.connection))
    }

    /// Takes the lead, or queues and waits for it or for the result.
    fn enter(&self, command: Option<Command>) -> Result<State> {
        let caller = {
            let mut queue = lock(&self.queue);
            if !queue.led {
                queue.led = true;
                return Ok(State::Lead(command));
            }
            if queue.inside == Some(thread::current().id()) {
                return Err(inside());
            }
            let caller = Arc::new(Caller::default());
            queue.jobs.push_back(Job { command, caller: Arc::clone(&caller) });
            caller
        };
        let mut state = lock(&caller.state);
        while matches!(*state, State::Waiting) {
            state = caller.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(std::mem::take(&mut *state))
    }
}

/// The connection, held by one thread, outside any transaction again when it is given back.
pub(crate) struct Whole<'a>(MutexGuard<'a, Connection>);

impl std::ops::Deref for Whole<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl Drop for Whole<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // Left by a panic; nothing of it was acknowledged, and other programs wait for its lock.
            drop(self.0.execute_batch("ROLLBACK"));
        }
    }
}

/// The lead; it passes on when dropped, even by a panic.
struct Lead<'a> {
    writer: &'a Writer,
}

impl Lead<'_> {
    /// Commits a command together with those that are queued.
    fn group(&self, first: Job) {
        let mut jobs = vec![first];
        {
            let mut queue = lock(&self.writer.queue);
            while jobs.len() < GROUP && queue.jobs.front().is_some_and(|job| job.command.is_some()) {
                jobs.extend(queue.jobs.pop_front());
            }
        }
        let (commands, callers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.command, job.caller)).unzip();
        let replies = Replies(callers);
        let results = self.writer.commit(&self.writer.whole(), commands.into_iter().flatten());
        replies.send(results);
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queue = lock(&self.writer.queue);
        queue.inside = None;
        match queue.jobs.pop_front() {
            Some(job) => job.caller.resume(State::Lead(job.command)),
            None => queue.led = false,
        }
    }
}

/// Those who wait for a group; dropped unsent, by a panic, each learns that it failed.
struct Replies(Vec<Arc<Caller>>);

impl Replies {
    fn send(mut self, results: Result<Vec<Result<Outcome>>>) {
        let callers = std::mem::take(&mut self.0);
        match results {
            Ok(results) => {
                for (caller, result) in callers.into_iter().zip(results) {
                    caller.resume(State::Done(result));
                }
            }
            Err(error) => {
                for caller in callers {
                    caller.resume(State::Done(Err(error.clone())));
                }
            }
        }
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        for caller in self.0.drain(..) {
            caller.resume(State::Done(Err(abandoned())));
        }
    }
}

impl Caller {
    fn resume(&self, next: State) {
        *lock(&self.state) = next;
        self.wake.notify_one();
    }

    fn take_result(&self) -> Result<Outcome> {
        match std::mem::take(&mut *lock(&self.state)) {
            State::Done(result) => result,
            State::Waiting | State::Lead(_) => Err(abandoned()),
        }
    }
}

/// Commits; where that fails, nothing of the transaction stays.
fn finish(connection: &Connection) -> Result<()> {
    let committed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
    if let Err(error) = committed {
        drop(connection.execute_batch("ROLLBACK"));
        return Err(Error::storage("committing", error));
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn abandoned() -> Error {
    Error::storage("writing", "the transaction was given up; nothing of it was kept")
}

fn inside() -> Error {
    Error::storage(
        "using the store inside its own transaction",
        "the transaction would wait for itself; use the transaction's own handle",
    )
}
