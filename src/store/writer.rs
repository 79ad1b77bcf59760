//! The one writer: commands commit in groups, without a background thread.
//!
//! A caller that finds nobody writing leads: it takes what is queued, applies each command, commits
//! once and hands every caller its own result. Then it hands the lead to the first that queued
//! meanwhile, so that no caller works for the others for long. Alone, a caller queues nothing and
//! wakes nobody. A task, which must not block, has a blocking task lead for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::Version;
use super::command::{Command, Outcome, apply};
use super::file::{begin, is_busy, or_full};
use super::place::Identity;
#[cfg(feature = "tower")]
use super::queue::Submitted;
use super::queue::{Job, Queue, Reply, Slot, Spawn, State, abandoned, lock};
use super::readers::Readers;
use crate::error::{Error, Result};

/// At most this many commands commit together; it bounds how long the first of them waits.
const GROUP: usize = 256;

pub(crate) struct Writer {
    queue: Mutex<Queue>,
    /// Told when the lead is passed on.
    passed: Condvar,
    connection: Mutex<Connection>,
    busy_timeout: Duration,
    /// None in memory.
    file: Option<File>,
    /// How often something may have been committed.
    commits: AtomicU64,
}

/// What a writer knows of its file.
pub(crate) struct File {
    pub(crate) readers: Arc<Readers>,
    pub(crate) identity: Arc<Identity>,
    /// Whether it is the store's own: then it stays locked between commits.
    pub(crate) exclusive: bool,
    pub(crate) read_only: bool,
}

impl Writer {
    pub(crate) fn new(connection: Connection, file: Option<File>, busy_timeout: Duration) -> Result<Self> {
        let connection = Mutex::new(connection);
        let writer = Writer {
            queue: Mutex::default(),
            passed: Condvar::new(),
            connection,
            busy_timeout,
            file,
            commits: AtomicU64::new(0),
        };
        writer.hold(&lock(&writer.connection))?;
        Ok(writer)
    }

    /// Applies a command and commits it, perhaps together with others.
    pub(crate) fn run(self: &Arc<Self>, command: Command) -> Result<Outcome> {
        let slot = Arc::new(Slot::default());
        let job = self.job(Some(command), &slot, None);
        let until = job.until;
        if let Some(job) = self.enter(job)? {
            Lead::of(self).group(job);
        }
        match self.wait(&slot, until)? {
            State::Lead(job) => {
                Lead::of(self).group(*job);
                slot.result()
            }
            State::Done(result) => result,
            State::Waiting => Err(abandoned()),
        }
    }

    /// The same for a task: the future gives the result, and blocks no thread meanwhile. Dropped,
    /// it leaves the command to be applied all the same.
    #[cfg(feature = "tower")]
    pub(crate) fn submit(self: &Arc<Self>, command: Command, spawn: &Spawn) -> Submitted {
        let slot = Arc::new(Slot::default());
        match self.enter(self.job(Some(command), &slot, Some(Arc::clone(spawn)))) {
            Ok(None) => {}
            Ok(Some(job)) => Lead::of(self).spawn(job),
            Err(error) => slot.resume(State::Done(Err(error))),
        }
        Submitted(slot)
    }

    /// Runs a closure in a transaction of its own, in turn with the commands.
    ///
    /// An error of the closure is given as it is.
    pub(crate) fn transaction<T, E: From<Error>>(
        self: &Arc<Self>,
        run: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.alone(|connection| {
            self.begin(connection)?;
            let result = run(connection);
            match &result {
                Ok(_) => self.finish(connection, true)?,
                Err(_) => drop(connection.execute_batch("ROLLBACK")),
            }
            Ok(result)
        })
        .map_err(|error| self.or_full(error))?
    }

    /// Says of a failure that the disk is full, where it is.
    pub(super) fn or_full(&self, error: Error) -> Error {
        match &self.file {
            Some(file) => or_full(file.identity.path(), error),
            None => error,
        }
    }

    /// Runs a closure with the connection to itself and outside any transaction, in turn with the
    /// commands.
    pub(crate) fn alone<T>(self: &Arc<Self>, run: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let slot = Arc::new(Slot::default());
        // Its reply is never sent: the turn is all it waits for.
        let turn = self.job(None, &slot, None);
        let until = turn.until;
        let turn = match self.enter(turn)? {
            Some(turn) => turn,
            None => match self.wait(&slot, until)? {
                State::Lead(turn) => *turn,
                State::Done(_) | State::Waiting => return Err(abandoned()),
            },
        };
        let _lead = Lead::of(self);
        {
            let mut queue = lock(&self.queue);
            queue.inside = Some(thread::current().id());
            self.watch(&mut queue);
        }
        let result = run(&mut self.whole());
        self.commits.fetch_add(1, Ordering::Release);
        drop(turn);
        result
    }

    /// The connection, for reads of a store that has no other; waits for the transaction that runs.
    pub(crate) fn connection(&self) -> Result<Whole<'_>> {
        if lock(&self.queue).inside == Some(thread::current().id()) {
            return Err(inside());
        }
        Ok(self.whole())
    }

    /// What differs once this has written anything.
    pub(crate) fn version(&self) -> Version {
        Version(self.commits.load(Ordering::Acquire))
    }

    /// The connection, with nothing written.
    fn whole(&self) -> Whole<'_> {
        Whole { writer: self, connection: lock(&self.connection) }
    }

    /// Takes the lead, which gives the job back, or queues it.
    fn enter(self: &Arc<Self>, job: Job) -> Result<Option<Job>> {
        let mut queue = lock(&self.queue);
        if !queue.led {
            queue.led = true;
            return Ok(Some(job));
        }
        if queue.inside == Some(thread::current().id()) {
            return Err(inside());
        }
        queue.jobs.push_back(job);
        self.watch(&mut queue);
        Ok(None)
    }

    fn job(&self, command: Option<Command>, slot: &Arc<Slot>, spawn: Option<Spawn>) -> Job {
        let until = Instant::now().checked_add(self.busy_timeout);
        Job { command, reply: Reply::to(slot), spawn, until }
    }

    /// Waits for a result or for the lead, and gives up a job that is still queued when its time is over.
    fn wait(&self, slot: &Arc<Slot>, until: Option<Instant>) -> Result<State> {
        if let Some(state) = until.and_then(|until| slot.wait_until(until)) {
            return Ok(state);
        }
        let given_up = {
            let mut queue = lock(&self.queue);
            let at = queue.jobs.iter().position(|job| job.reply.is_to(slot));
            at.filter(|_| until.is_some()).and_then(|at| queue.jobs.remove(at))
        };
        match given_up {
            Some(_) => Err(self.busy()),
            // Somebody commits it at this moment.
            None => Ok(slot.wait()),
        }
    }

    fn busy(&self) -> Error {
        Error::Busy { waited: self.busy_timeout }
    }

    /// Has a blocking task give up the jobs of tasks, which cannot wait for a time themselves, while somebody has the
    /// connection to himself. Groups of commands are short.
    fn watch(self: &Arc<Self>, queue: &mut Queue) {
        if queue.watched || queue.inside.is_none() {
            return;
        }
        if let Some(spawn) = queue.jobs.iter().find_map(|job| job.spawn.clone()) {
            queue.watched = true;
            let watch = Watch(Arc::clone(self));
            spawn(Box::new(move || watch.run()));
        }
    }

    fn begin(&self, connection: &Connection) -> Result<()> {
        if let Some(file) = self.file.as_ref().filter(|file| file.read_only) {
            let path = file.identity.path().to_owned();
            return Err(Error::ReadOnly { path, reason: "the store was opened for reading only" });
        }
        if self.exclusive() && !connection.is_autocommit() {
            return Ok(());
        }
        begin(connection).map_err(|error| if is_busy(&error) { self.busy() } else { error })
    }

    /// Locks a file that is the store's own until the next commit.
    fn hold(&self, connection: &Connection) -> Result<()> {
        if self.exclusive() { self.begin(connection) } else { Ok(()) }
    }

    fn exclusive(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.exclusive)
    }

    /// Refuses to acknowledge what was written to a file that is no longer in its place.
    fn is_in_place(&self) -> Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.identity.check())
    }

    /// Applies commands in one transaction; a result is given out only for what is on disk.
    fn commit(&self, commands: impl Iterator<Item = Command>) -> Result<Vec<Result<Outcome>>> {
        let connection = &*self.whole();
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
        self.finish(connection, false)?;
        Ok(results)
    }

    /// Commits; where that fails, nothing of the transaction stays.
    fn finish(&self, connection: &Connection, large: bool) -> Result<()> {
        if let Err(error) = self.is_in_place() {
            drop(connection.execute_batch("ROLLBACK"));
            return Err(error);
        }
        let let_go = self.file.as_ref().and_then(|file| file.readers.before_commit(large));
        let committed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        drop(let_go);
        if committed.is_ok() {
            // If another process takes the lock first, the next commit waits for it.
            drop(self.hold(connection));
        }
        self.commits.fetch_add(1, Ordering::Release);
        // After that: what others wrote in between is then seen as well.
        if let Some(file) = &self.file {
            file.readers.after_commit();
        }
        committed.map_err(|error| {
            drop(connection.execute_batch("ROLLBACK"));
            Error::storage("committing", error)
        })?;
        self.is_in_place()
    }
}

/// Gives up what has waited for too long; also where it never runs, another may.
struct Watch(Arc<Writer>);

impl Watch {
    fn run(&self) {
        let mut queue = lock(&self.0.queue);
        loop {
            let now = Instant::now();
            let late = |job: &Job| job.spawn.is_some() && job.until.is_some_and(|until| until <= now);
            let (given_up, kept) = std::mem::take(&mut queue.jobs).into_iter().partition(late);
            let given_up: VecDeque<Job> = given_up;
            queue.jobs = kept;
            if !given_up.is_empty() {
                drop(queue);
                given_up.into_iter().for_each(|job| job.reply.send(Err(self.0.busy())));
                queue = lock(&self.0.queue);
                continue;
            }
            let tasks = queue.jobs.iter().filter(|job| job.spawn.is_some());
            match tasks.filter_map(|job| job.until).min() {
                Some(until) if queue.inside.is_some() => {
                    let left = until.saturating_duration_since(now);
                    queue = self.0.passed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
                }
                _ => return,
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        lock(&self.0.queue).watched = false;
    }
}

/// The connection, held by one thread; given back, nothing that it wrote is left uncommitted.
pub(crate) struct Whole<'a> {
    writer: &'a Writer,
    connection: MutexGuard<'a, Connection>,
}

impl std::ops::Deref for Whole<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl std::ops::DerefMut for Whole<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Whole<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit() && (thread::panicking() || !self.writer.exclusive()) {
            // Left by a panic; nothing of it was acknowledged, and other programs wait for its lock.
            drop(self.connection.execute_batch("ROLLBACK"));
        }
        // Where that fails, the next commit tries again, and says so.
        drop(self.writer.hold(&self.connection));
    }
}

/// The lead; it passes on when dropped, even by a panic or with a task that never ran.
struct Lead {
    writer: Arc<Writer>,
}

impl Lead {
    fn of(writer: &Arc<Writer>) -> Self {
        Lead { writer: Arc::clone(writer) }
    }

    /// Commits a job's command together with those that are queued.
    fn group(&self, first: Job) {
        let mut jobs = vec![first];
        {
            let mut queue = lock(&self.writer.queue);
            while jobs.len() < GROUP && queue.jobs.front().is_some_and(|job| job.command.is_some()) {
                jobs.extend(queue.jobs.pop_front());
            }
        }
        let (commands, replies): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.command, job.reply)).unzip();
        match self.writer.commit(commands.into_iter().flatten()) {
            Ok(results) => replies.into_iter().zip(results).for_each(|(reply, result)| reply.send(result)),
            Err(error) => replies.into_iter().for_each(|reply| reply.send(Err(self.writer.or_full(error.clone())))),
        }
    }

    /// Leads in a blocking task, for a job of a task and the tasks' jobs right after it.
    fn spawn(self, job: Job) {
        let Some(spawn) = job.spawn.clone() else { return };
        spawn(Box::new(move || {
            let mut next = Some(job);
            while let Some(job) = next {
                self.group(job);
                let mut queue = lock(&self.writer.queue);
                let is_task = queue.jobs.front().is_some_and(|job| job.spawn.is_some());
                next = if is_task { queue.jobs.pop_front() } else { None };
            }
        }));
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let next = {
            let mut queue = lock(&self.writer.queue);
            queue.inside = None;
            if queue.watched {
                self.writer.passed.notify_all();
            }
            let next = queue.jobs.pop_front();
            queue.led = next.is_some();
            next
        };
        match next {
            Some(job) if job.spawn.is_some() => Lead::of(&self.writer).spawn(job),
            Some(job) => job.lead(),
            None => {}
        }
    }
}

fn inside() -> Error {
    Error::storage(
        "using the store inside its own transaction",
        "the transaction would wait for itself; use the transaction's own handle",
    )
}
