//! The queue of a writer's callers: their jobs, and where each caller waits for its result.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::ThreadId;
use std::time::Instant;
#[cfg(feature = "tower")]
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::command::{Command, Outcome};
use crate::error::{Error, Result};

/// Starts a blocking task, for callers that are tasks themselves.
pub(crate) type Spawn = Arc<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) jobs: VecDeque<Job>,
    /// Whether there is a leader.
    pub(crate) has_leader: bool,
    /// The thread whose transaction runs now: it must not wait for itself.
    pub(crate) inside: Option<ThreadId>,
    /// Whether a blocking task removes jobs of tasks whose time is over.
    pub(crate) watched: bool,
}

/// A queued caller with its command. A caller without one wants the connection to itself.
pub(crate) struct Job {
    pub(crate) command: Option<Command>,
    pub(crate) reply: Reply,
    /// Starts the blocking task that leads for a caller that is a task; a thread leads itself.
    pub(crate) spawn: Option<Spawn>,
    /// When it is removed if it is still queued; none if the busy timeout has no end.
    pub(crate) until: Option<Instant>,
}

impl Job {
    /// Makes its caller the leader, with this job first.
    pub(crate) fn lead(self) {
        if let Some(slot) = self.reply.0.clone() {
            slot.resume(State::Leads(Box::new(self)));
        }
    }
}

/// Where a caller waits, be it a thread or a task.
#[derive(Default)]
pub(crate) struct Slot {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    state: State,
    waker: Option<Waker>,
}

#[derive(Default)]
pub(crate) enum State {
    #[default]
    Waiting,
    /// The caller is the leader now, with its own job first.
    Leads(Box<Job>),
    Done(Result<Outcome>),
}

impl Slot {
    pub(crate) fn resume(&self, next: State) {
        let waker = {
            let mut waiting = lock(&self.waiting);
            waiting.state = next;
            waiting.waker.take()
        };
        self.wake.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits until the moment; none if the time was over first.
    pub(crate) fn wait_until(&self, until: Instant) -> Option<State> {
        let mut waiting = lock(&self.waiting);
        while matches!(waiting.state, State::Waiting) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            waiting = self.wake.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(std::mem::take(&mut waiting.state))
    }

    pub(crate) fn wait(&self) -> State {
        let mut waiting = lock(&self.waiting);
        while matches!(waiting.state, State::Waiting) {
            waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut waiting.state)
    }

    pub(crate) fn result(&self) -> Result<Outcome> {
        match self.wait() {
            State::Done(result) => result,
            State::Waiting | State::Leads(_) => Err(abandoned()),
        }
    }
}

/// The promise of a result. If it is dropped unsent, by a panic, the caller gets an error.
pub(crate) struct Reply(Option<Arc<Slot>>);

impl Reply {
    pub(crate) fn to(slot: &Arc<Slot>) -> Self {
        Reply(Some(Arc::clone(slot)))
    }

    pub(crate) fn is_to(&self, slot: &Arc<Slot>) -> bool {
        self.0.as_ref().is_some_and(|to| Arc::ptr_eq(to, slot))
    }

    pub(crate) fn send(mut self, result: Result<Outcome>) {
        if let Some(slot) = self.0.take() {
            slot.resume(State::Done(result));
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.resume(State::Done(Err(abandoned())));
        }
    }
}

/// A command that a task has submitted.
#[cfg(feature = "tower")]
pub(crate) struct Submitted(pub(crate) Arc<Slot>);

#[cfg(feature = "tower")]
impl Future for Submitted {
    type Output = Result<Outcome>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut waiting = lock(&self.0.waiting);
        match std::mem::take(&mut waiting.state) {
            State::Done(result) => Poll::Ready(result),
            State::Waiting | State::Leads(_) => {
                waiting.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn abandoned() -> Error {
    Error::storage("writing", "the transaction was given up; nothing of it was kept")
}
