//! The service's limit on calls: at most a number of them in a while, then a lockout that each further call
//! begins anew.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::store::Time;
use crate::value::whole_seconds;

/// The number of calls that are taken within [`WINDOW`].
pub(crate) const MAX_CALLS: u64 = 100;
/// The time that calls are counted for.
pub(crate) const WINDOW: Duration = Duration::from_secs(15);
/// How long a lockout lasts after the last call that was refused.
pub(crate) const LOCKOUT: Duration = Duration::from_secs(2);

/// The length in milliseconds of the slots in which calls are counted, so that a busy server keeps few numbers.
const SLOT: u128 = 100;

/// Counts calls; off, it refuses none.
#[derive(Default)]
pub(crate) struct Throttle {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_on: bool,
    /// Slots and their calls, the oldest first.
    slots: VecDeque<(u128, u64)>,
    calls: u64,
    /// When the lockout is over, in time that has passed.
    locked_until: Option<Duration>,
    last_call: Option<DateTime<Utc>>,
}

/// How the limit stands.
pub(crate) struct Standing {
    #[cfg(feature = "server")]
    pub(crate) is_on: bool,
    /// The calls of the last [`WINDOW`].
    pub(crate) calls: u64,
    /// How many seconds the lockout still lasts; 0 where there is none.
    #[cfg(feature = "server")]
    pub(crate) lockout_seconds: u64,
    pub(crate) last_call: DateTime<Utc>,
}

impl Throttle {
    /// Counts a call. Where it is one too many, gives the seconds to wait.
    pub(super) fn admit(&self, time: &Time) -> Result<(), u64> {
        let now = time.passed();
        let mut state = self.state();
        state.last_call = Some(time.now());
        state.forget(now);
        if state.is_on && (state.locked_until.is_some() || state.calls >= MAX_CALLS) {
            state.locked_until = Some(now + LOCKOUT);
            return Err(LOCKOUT.as_secs());
        }
        state.count(now);
        Ok(())
    }

    pub(crate) fn standing(&self, time: &Time) -> Standing {
        let now = time.passed();
        let mut state = self.state();
        state.forget(now);
        Standing {
            #[cfg(feature = "server")]
            is_on: state.is_on,
            calls: state.calls,
            #[cfg(feature = "server")]
            lockout_seconds: {
                let left = state.locked_until.map_or(Duration::ZERO, |until| until.saturating_sub(now));
                left.as_millis().div_ceil(1000) as u64
            },
            last_call: whole_seconds(state.last_call.unwrap_or_else(|| time.now())),
        }
    }

    /// Switches it; off, nobody is locked out.
    #[cfg(feature = "server")]
    pub(crate) fn switch(&self, on: bool) {
        let mut state = self.state();
        state.is_on = on;
        if !on {
            state.locked_until = None;
        }
    }

    /// Makes it what it was at the start: off, with no calls counted.
    #[cfg(feature = "server")]
    pub(crate) fn reset(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, now: Duration) {
        let slot = now.as_millis() / SLOT;
        match self.slots.back_mut() {
            Some((last, calls)) if *last == slot => *calls += 1,
            _ => self.slots.push_back((slot, 1)),
        }
        self.calls += 1;
    }

    /// Drops the calls that are too old to count, and a lockout that is over with all before it.
    fn forget(&mut self, now: Duration) {
        if self.locked_until.is_some_and(|until| until <= now) {
            self.locked_until = None;
            self.slots.clear();
            self.calls = 0;
        }
        // A slot's calls count until the last moment of it is too old.
        while let Some((slot, calls)) = self.slots.front().copied()
            && (slot + 1) * SLOT + WINDOW.as_millis() <= now.as_millis()
        {
            self.slots.pop_front();
            self.calls -= calls;
        }
    }
}
