//! Threads for what takes long.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// A thread that has nothing to do ends after this time.
const IDLE: Duration = Duration::from_secs(5);

/// Runs slow work for tasks, a few at a time. The others wait in the order of coming, and hold nothing meanwhile.
///
/// It has its own threads, because an allocator keeps freed memory for the thread that freed it: in a runtime's large
/// pool, each of very many threads would keep some.
#[derive(Clone)]
pub(super) struct Lane {
    width: usize,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

type Job = Box<dyn FnOnce() + Send>;

impl Lane {
    /// A lane for at most `width` tasks at the same time.
    pub(super) fn of(width: usize) -> Self {
        Lane { width, shared: Arc::default() }
    }

    /// Runs the work when its turn comes, unless the task has gone by then.
    pub(super) async fn run<T: Send + 'static>(&self, run: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let (sender, result) = oneshot::channel();
        self.enter(Box::new(move || {
            if !sender.is_closed() {
                drop(sender.send(run()));
            }
        }))?;
        result.await.unwrap_or_else(|error| Err(Error::storage("working apart", error)))
    }

    fn enter(&self, job: Job) -> Result<()> {
        let mut state = self.shared.state();
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() || state.threads == self.width {
            self.shared.wake.notify_one();
            return Ok(());
        }
        state.threads += 1;
        let shared = Arc::clone(&self.shared);
        let started = thread::Builder::new().name("apart".to_owned()).spawn(move || shared.work());
        if let Err(error) = started {
            state.threads -= 1;
            if state.threads == 0 {
                state.jobs.clear();
                return Err(Error::storage("starting a thread", error));
            }
        }
        Ok(())
    }
}

impl Shared {
    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // The panic hook has reported it. The task that waits gets an error.
                drop(catch_unwind(AssertUnwindSafe(job)));
                state = self.state();
                continue;
            }
            state.idle += 1;
            let (woken, timeout) = self.wake.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_run_at_the_same_time_than_the_lane_is_wide_and_one_that_panics_takes_nothing_with_it() {
        let lane = Lane::of(2);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            assert!(lane.run(|| -> Result<()> { panic!("a test's panic") }).await.is_err());
            let tasks: Vec<_> = (0..50)
                .map(|number| {
                    let (lane, running, most) = (lane.clone(), Arc::clone(&running), Arc::clone(&most));
                    tokio::spawn(async move {
                        let work = move || {
                            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                            thread::yield_now();
                            running.fetch_sub(1, Ordering::SeqCst);
                            Ok(number)
                        };
                        lane.run(work).await.unwrap()
                    })
                })
                .collect();
            for (number, task) in tasks.into_iter().enumerate() {
                assert_eq!(task.await.unwrap(), number);
            }
        });
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
        assert!(lane.shared.state().threads <= 2);
    }
}
