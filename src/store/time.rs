//! The store's time: the builder's clock, which can be set, moved and stopped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time.
pub(crate) type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// How the time differs from the builder's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    Running { ahead: TimeDelta },
    Frozen(DateTime<Utc>),
}

impl Setting {
    /// The clock's time, or, frozen, that moment.
    pub(crate) fn start(frozen: Option<DateTime<Utc>>) -> Self {
        frozen.map_or(Setting::Running { ahead: TimeDelta::zero() }, Setting::Frozen)
    }
}

pub(crate) struct Time {
    clock: Clock,
    /// Whether the setting ever was other than the clock itself, which needs no lock.
    is_set: AtomicBool,
    state: Mutex<State>,
    /// When real time began to count as time that passes; none where it does not.
    began: Option<Instant>,
}

struct State {
    setting: Setting,
    /// By how much the time was moved forward, all in all.
    moved: Duration,
}

impl Time {
    /// As [`Setting::start`] says, until it is set.
    pub(crate) fn new(clock: Clock, frozen: Option<DateTime<Utc>>) -> Self {
        let state = State { setting: Setting::start(frozen), moved: Duration::ZERO };
        let began = frozen.is_none().then(Instant::now);
        Time { clock, is_set: AtomicBool::new(frozen.is_some()), state: Mutex::new(state), began }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        if !self.is_set.load(Ordering::Acquire) {
            return (self.clock)();
        }
        self.of(self.setting())
    }

    fn of(&self, setting: Setting) -> DateTime<Utc> {
        match setting {
            Setting::Frozen(moment) => moment,
            Setting::Running { ahead } => {
                let now = (self.clock)();
                now.checked_add_signed(ahead).unwrap_or(now)
            }
        }
    }

    /// How much time has passed: real time, and what was leapt over. Where the time depends on the
    /// requests alone, real time does not count.
    pub(crate) fn passed(&self) -> Duration {
        let moved = if self.is_set.load(Ordering::Acquire) { self.state().moved } else { Duration::ZERO };
        self.began.map_or(Duration::ZERO, |began| began.elapsed()) + moved
    }

    pub(crate) fn setting(&self) -> Setting {
        self.state().setting
    }

    /// Sets it as it once was; no time passes by that.
    pub(crate) fn restore(&self, setting: Setting) {
        self.state().setting = setting;
        self.is_set.store(true, Ordering::Release);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "server")]
impl Time {
    pub(crate) fn is_frozen(&self) -> bool {
        matches!(self.setting(), Setting::Frozen(_))
    }

    /// Sets it, where the change of the present time, and of whether it stands still, is one. What
    /// lies between now and a later time has passed.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(DateTime<Utc>, bool) -> Option<(DateTime<Utc>, bool)>,
    ) -> Option<DateTime<Utc>> {
        let mut state = self.state();
        let before = self.of(state.setting);
        let (now, frozen) = change(before, matches!(state.setting, Setting::Frozen(_)))?;
        state.moved += (now - before).to_std().unwrap_or_default();
        state.setting = match frozen {
            true => Setting::Frozen(now),
            false => Setting::Running { ahead: now - (self.clock)() },
        };
        self.is_set.store(true, Ordering::Release);
        Some(now)
    }

    /// Whether real time counts for nothing.
    pub(crate) fn is_still(&self) -> bool {
        self.began.is_none()
    }
}
