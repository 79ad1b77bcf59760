//! The one writer: commands commit in groups, without a background thread.
//!
//! This is group commit. A caller that finds no leader becomes the leader: it takes the queued commands,
//! applies each, commits once and gives every caller its own result. Then the first caller that queued
//! meanwhile becomes the leader, so that no caller works for the others for long. A caller that is alone
//! queues nothing and wakes no thread. A task must not block, so a blocking task leads for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::apply::apply;
use super::command::{Command, Outcome};
use super::file::File;
#[cfg(feature = "tower")]
use super::queue::Submitted;
use super::queue::{Job, Queue, Reply, Slot, Spawn, State, abandoned, lock};
use crate::error::{Error, Result};
use crate::store::Version;
use crate::store::observe::Listeners;
use crate::store::open::{begin, is_busy};
use crate::store::recorder::Recorder;

/// The most commands that commit together; it bounds how long the first of them waits.
const GROUP: usize = 256;

pub(crate) struct Writer {
    queue: Mutex<Queue>,
    /// Notified when the leader changes.
    leader_changed: Condvar,
    pub(super) connection: Mutex<Connection>,
    busy_timeout: Duration,
    /// None in memory.
    file: Option<File>,
    /// How many commits there may have been.
    commits: AtomicU64,
    /// Who is told of commits.
    pub(super) listeners: Arc<Listeners>,
    /// Records the transactions of undo sessions.
    recorder: Recorder,
}

impl Writer {
    pub(crate) fn new(connection: Connection, file: Option<File>, busy_timeout: Duration) -> Result<Self> {
        let connection = Mutex::new(connection);
        let writer = Writer {
            queue: Mutex::default(),
            leader_changed: Condvar::new(),
            connection,
            busy_timeout,
            file,
            commits: AtomicU64::new(0),
            listeners: Arc::default(),
            recorder: Recorder::default(),
        };
        writer.lock_file(&lock(&writer.connection))?;
        Ok(writer)
    }

    /// Applies a command and commits it, perhaps together with others.
    pub(crate) fn run(self: &Arc<Self>, command: Command) -> Result<Outcome> {
        let slot = Arc::new(Slot::default());
        let job = self.job(Some(command), &slot, None);
        let until = job.until;
        if let Some(job) = self.enter(job)? {
            Leader::of(self).group(job);
        }
        match self.wait(&slot, until)? {
            State::Leads(job) => {
                Leader::of(self).group(*job);
                slot.result()
            }
            State::Done(result) => result,
            State::Waiting => Err(abandoned()),
        }
    }

    /// The same for a task: the future gives the result and blocks no thread. The command is applied even if the
    /// future is dropped.
    #[cfg(feature = "tower")]
    pub(crate) fn submit(self: &Arc<Self>, command: Command, spawn: &Spawn) -> Submitted {
        let slot = Arc::new(Slot::default());
        match self.enter(self.job(Some(command), &slot, Some(Arc::clone(spawn)))) {
            Ok(None) => {}
            Ok(Some(job)) => Leader::of(self).spawn(job),
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
        self.transaction_then(run, |value| value)
    }

    /// The same, with something that is done in the same turn once the transaction is committed.
    pub(crate) fn transaction_then<T, U, E: From<Error>>(
        self: &Arc<Self>,
        run: impl FnOnce(&Connection) -> Result<T, E>,
        then: impl FnOnce(T) -> U,
    ) -> Result<U, E> {
        self.turn(|connection| {
            self.begin(connection)?;
            match run(connection) {
                Ok(value) => {
                    self.finish(connection, true)?;
                    Ok(Ok(then(value)))
                }
                Err(error) => {
                    drop(connection.execute_batch("ROLLBACK"));
                    Ok(Err(error))
                }
            }
        })
        .map_err(|error| self.or_full(error))?
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Says of a failure that the disk is full, where it is.
    pub(crate) fn or_full(&self, error: Error) -> Error {
        match &self.file {
            Some(file) => file.or_full(error),
            None => error,
        }
    }

    /// Runs a closure with the connection to itself and outside any transaction, in turn with the
    /// commands. It may write anything.
    pub(crate) fn alone<T>(self: &Arc<Self>, run: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let result = self.turn(run);
        self.listeners.unknown();
        result
    }

    fn turn<T>(self: &Arc<Self>, run: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let slot = Arc::new(Slot::default());
        // Its reply is never sent: it waits only for its turn.
        let turn = self.job(None, &slot, None);
        let until = turn.until;
        let turn = match self.enter(turn)? {
            Some(turn) => turn,
            None => match self.wait(&slot, until)? {
                State::Leads(turn) => *turn,
                State::Done(_) | State::Waiting => return Err(abandoned()),
            },
        };
        let _leader = Leader::of(self);
        {
            let mut queue = lock(&self.queue);
            queue.inside = Some(thread::current().id());
            self.watch(&mut queue);
        }
        let result = run(&mut self.locked());
        self.commits.fetch_add(1, Ordering::Release);
        drop(turn);
        result
    }

    /// The connection, outside any transaction: for reads of a store in memory, which has no other, and for what only the
    /// writer's connection knows. Waits for the transaction that runs.
    pub(crate) fn connection(&self) -> Result<Locked<'_>> {
        if lock(&self.queue).inside == Some(thread::current().id()) {
            return Err(inside());
        }
        Ok(self.locked())
    }

    /// A value that changes whenever this writer writes.
    pub(crate) fn version(&self) -> Version {
        Version(self.commits.load(Ordering::Acquire))
    }

    /// Locks the connection for this thread.
    fn locked(&self) -> Locked<'_> {
        Locked { writer: self, connection: lock(&self.connection) }
    }

    /// Becomes the leader and returns the job, or queues it.
    fn enter(self: &Arc<Self>, job: Job) -> Result<Option<Job>> {
        let mut queue = lock(&self.queue);
        if !queue.has_leader {
            queue.has_leader = true;
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

    /// Waits for a result or to become the leader. A job that is still queued when its time is over is removed.
    fn wait(&self, slot: &Arc<Slot>, until: Option<Instant>) -> Result<State> {
        if let Some(state) = until.and_then(|until| slot.wait_until(until)) {
            return Ok(state);
        }
        let removed = {
            let mut queue = lock(&self.queue);
            let at = queue.jobs.iter().position(|job| job.reply.is_to(slot));
            at.filter(|_| until.is_some()).and_then(|at| queue.jobs.remove(at))
        };
        match removed {
            Some(_) => Err(self.busy()),
            // The leader is committing it.
            None => Ok(slot.wait()),
        }
    }

    fn busy(&self) -> Error {
        Error::Busy { waited: self.busy_timeout }
    }

    /// While a transaction runs, a blocking task removes the jobs of tasks whose time is over, since a task cannot wait
    /// with a time limit here. Groups of commands are short and need none.
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
        self.lock(connection)?;
        self.listeners.began(connection, self.is_shared());
        self.recorder.tidy(connection)
    }

    /// Locks the file, unless it is locked since the last commit.
    fn lock(&self, connection: &Connection) -> Result<()> {
        self.file.as_ref().map_or(Ok(()), File::is_writable)?;
        if !self.exclusive() || connection.is_autocommit() {
            begin(connection).map_err(|error| if is_busy(&error) { self.busy() } else { error })?;
        }
        Ok(())
    }

    /// Locks the file until the next commit, where the store owns it.
    fn lock_file(&self, connection: &Connection) -> Result<()> {
        if self.exclusive() { self.lock(connection) } else { Ok(()) }
    }

    fn exclusive(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.exclusive)
    }

    /// Whether other programs may write to the file.
    pub(super) fn is_shared(&self) -> bool {
        self.file.as_ref().is_some_and(|file| !file.exclusive)
    }

    /// Applies commands in one transaction; results are returned once it is committed.
    fn commit(&self, commands: impl Iterator<Item = Command>) -> Result<Vec<Result<Outcome>>> {
        let connection = &*self.locked();
        self.begin(connection)?;
        let mut results = Vec::new();
        for command in commands {
            let result = self.apply(connection, command);
            if connection.is_autocommit() {
                // SQLite has rolled the transaction back, because of a full disk or a failed read.
                return Err(result.err().unwrap_or_else(abandoned));
            }
            results.push(result);
        }
        self.finish(connection, false)?;
        Ok(results)
    }

    /// Applies a command inside a transaction.
    pub(crate) fn apply(&self, connection: &Connection, command: Command) -> Result<Outcome> {
        let mark = self.listeners.mark();
        let result = apply(connection, command);
        if result.is_err() {
            self.listeners.forget(mark);
        }
        result
    }

    /// Commits, or rolls back if that fails.
    fn finish(&self, connection: &Connection, large: bool) -> Result<()> {
        if let Err(error) = self.file.as_ref().map_or(Ok(()), File::is_in_place) {
            drop(connection.execute_batch("ROLLBACK"));
            return Err(error);
        }
        let released = self.file.as_ref().and_then(|file| file.readers.before_commit(large));
        let committed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        drop(released);
        if committed.is_ok() {
            // If another process takes the lock first, the next commit waits for it.
            drop(self.lock_file(connection));
        }
        self.commits.fetch_add(1, Ordering::Release);
        // After the file is locked again, so that commits of other programs in between are seen as well.
        if let Some(file) = &self.file {
            file.readers.after_commit();
        }
        committed.map_err(|error| {
            drop(connection.execute_batch("ROLLBACK"));
            Error::storage("committing", error)
        })?;
        // Once readers see it.
        self.listeners.committed();
        self.file.as_ref().map_or(Ok(()), File::is_in_place)
    }
}

/// Removes the jobs of tasks whose time is over. If it is dropped without having run, another may start.
struct Watch(Arc<Writer>);

impl Watch {
    fn run(&self) {
        let mut queue = lock(&self.0.queue);
        loop {
            let now = Instant::now();
            let is_late = |job: &Job| job.spawn.is_some() && job.until.is_some_and(|until| until <= now);
            let (late, kept) = std::mem::take(&mut queue.jobs).into_iter().partition(is_late);
            let late: VecDeque<Job> = late;
            queue.jobs = kept;
            if !late.is_empty() {
                drop(queue);
                late.into_iter().for_each(|job| job.reply.send(Err(self.0.busy())));
                queue = lock(&self.0.queue);
                continue;
            }
            let tasks = queue.jobs.iter().filter(|job| job.spawn.is_some());
            match tasks.filter_map(|job| job.until).min() {
                Some(until) if queue.inside.is_some() => {
                    let left = until.saturating_duration_since(now);
                    queue = self.0.leader_changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
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

/// The connection, locked by one thread. Dropping it rolls back what was not committed.
pub(crate) struct Locked<'a> {
    writer: &'a Writer,
    connection: MutexGuard<'a, Connection>,
}

impl std::ops::Deref for Locked<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl std::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit() && (thread::panicking() || !self.writer.exclusive()) {
            // A panic left it open. Nothing of it was acknowledged, and other programs wait for its lock.
            drop(self.connection.execute_batch("ROLLBACK"));
        }
        // If this fails, the next commit tries again and reports the error.
        drop(self.writer.lock_file(&self.connection));
    }
}

/// The right to write. Dropping it makes the next caller the leader, also after a panic or in a task that never ran.
struct Leader {
    writer: Arc<Writer>,
}

impl Leader {
    fn of(writer: &Arc<Writer>) -> Self {
        Leader { writer: Arc::clone(writer) }
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

    /// Leads in a blocking task, for the job of a task and those of tasks that follow it in the queue.
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

impl Drop for Leader {
    fn drop(&mut self) {
        let next = {
            let mut queue = lock(&self.writer.queue);
            queue.inside = None;
            if queue.watched {
                self.writer.leader_changed.notify_all();
            }
            let next = queue.jobs.pop_front();
            queue.has_leader = next.is_some();
            next
        };
        match next {
            Some(job) if job.spawn.is_some() => Leader::of(&self.writer).spawn(job),
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
