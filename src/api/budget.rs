//! The one budget of bytes: what is held of long requests and long answers, for all connections together.
//!
//! A guest that needs more than is free waits, and guests that keep the server waiting give way to it. Guests that
//! wait are served in the order of coming, except that one that fits into what is free need not wait for one that
//! does not fit. The oldest guest never waits, whatever is free. So one guest always goes on, and the bytes held may
//! exceed the budget by what it takes.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(feature = "server")]
use std::task::Context;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::store::PIECE;

/// The whole budget, in bytes.
pub(crate) const BYTES: usize = 40 * 1024 * 1024;
/// The part of it that is reserved for guests who take at most [`SMALL`].
const RESERVED: usize = 8 * 1024 * 1024;
/// What a small guest takes at most, in bytes.
const SMALL: usize = PIECE;
/// The part of the budget that is open to every guest, in bytes.
pub(crate) const LARGE: usize = BYTES - RESERVED;

/// How long a guest may keep the server waiting at a time, while others wait.
const STALLED: Duration = Duration::from_millis(250);
/// The longest time a guest that keeps the server waiting may stay while others wait.
const LONG: Duration = Duration::from_secs(3);

/// The connection that bytes are held for.
pub(crate) trait Guest: Send + Sync {
    /// For how long the other side has kept the server waiting, or `None` if it has not.
    fn stalled(&self) -> Option<Duration>;

    /// From now on the server keeps the other side waiting, not the other way round.
    fn excuse(&self);

    /// Makes the connection close and free what it holds.
    fn give_way(&self);
}

#[derive(Default)]
pub(crate) struct Budget {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    used: usize,
    next: u64,
    entries: BTreeMap<u64, Entry>,
    /// How many of them wait.
    waiting: usize,
    /// Woken when a guest begins to wait.
    watcher: Option<Waker>,
}

struct Entry {
    /// `None` for bytes that belong to no connection, such as kept lists.
    guest: Option<Arc<dyn Guest>>,
    entered: Instant,
    bytes: usize,
    /// How many bytes it waits for; 0 if it does not wait.
    wanted: usize,
    waker: Option<Waker>,
    leaves: bool,
}

impl State {
    fn fits(&self, number: u64, bytes: usize) -> bool {
        let has = self.entries.get(&number).map_or(0, |entry| entry.bytes);
        let limit = if has + bytes <= SMALL { BYTES } else { LARGE };
        self.used + bytes <= limit || self.is_first(number)
    }

    /// Whether it is held for the guest that has been there for longest.
    fn is_first(&self, number: u64) -> bool {
        let guest = |entry: &Entry| entry.guest.as_ref().map(|guest| Arc::as_ptr(guest).cast::<()>());
        let first = self.entries.values().find_map(guest);
        first.is_some() && self.entries.get(&number).and_then(guest) == first
    }

    fn take(&mut self, number: u64, bytes: usize) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.bytes += bytes;
            self.used += bytes;
        }
    }

    /// Gives waiting guests the bytes they want, if they fit.
    fn settle(&mut self) {
        if self.waiting == 0 {
            return;
        }
        let waiting: Vec<_> = self.entries.iter().filter(|(_, entry)| entry.wanted > 0).map(|(at, _)| *at).collect();
        for number in waiting {
            let wanted = self.entries.get(&number).map_or(0, |entry| entry.wanted);
            if self.fits(number, wanted) {
                self.take(number, wanted);
                self.waiting -= 1;
                if let Some(entry) = self.entries.get_mut(&number) {
                    entry.wanted = 0;
                    if let Some(waker) = entry.waker.take() {
                        waker.wake();
                    }
                }
            }
        }
    }
}

impl Budget {
    /// Begins to count bytes for a guest; it holds none yet.
    pub(crate) fn enter(self: &Arc<Self>, guest: Option<Arc<dyn Guest>>) -> Charge {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let entry = Entry { guest, entered: Instant::now(), bytes: 0, wanted: 0, waker: None, leaves: false };
        state.entries.insert(number, entry);
        Charge { budget: Arc::clone(self), number }
    }

    /// Ready once a guest waits.
    #[cfg(feature = "server")]
    pub(crate) fn poll_pressed(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.waiting > 0 {
            return Poll::Ready(());
        }
        state.watcher = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Makes slow guests give way to those that wait, the slowest first. Call it now and then while a guest waits.
    #[cfg(feature = "server")]
    pub(crate) fn make_room(&self) {
        let mut state = self.state();
        let wanted: usize = state.entries.values().map(|entry| entry.wanted).sum();
        let leaving: usize = state.entries.values().filter(|entry| entry.leaves).map(|entry| entry.bytes).sum();
        // At most the whole budget: guests that want more together get it one after the other.
        let mut short = (state.used + wanted.min(LARGE)).saturating_sub(LARGE + leaving);
        let mut slow = Vec::new();
        for (number, entry) in &state.entries {
            let Some(guest) = &entry.guest else { continue };
            if entry.wanted > 0 {
                guest.excuse();
            } else if let Some(stalled) = guest.stalled().filter(|_| !entry.leaves && entry.bytes > 0)
                && (stalled >= STALLED || entry.entered.elapsed() >= LONG)
            {
                slow.push((stalled, *number));
            }
        }
        slow.sort_unstable_by(|one, other| other.cmp(one));
        for (_, number) in slow {
            if short == 0 {
                break;
            }
            if let Some(entry) = state.entries.get_mut(&number) {
                short = short.saturating_sub(entry.bytes);
                entry.leaves = true;
                entry.guest.iter().for_each(|guest| guest.give_way());
            }
        }
    }

    /// How many bytes are taken.
    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.state().used
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one guest takes of the budget, until it is dropped.
pub(crate) struct Charge {
    budget: Arc<Budget>,
    number: u64,
}

impl Charge {
    /// A separate charge for something else that is held for the same guest.
    #[cfg(feature = "tower")]
    pub(crate) fn another(&self) -> Charge {
        let guest = self.budget.state().entries.get(&self.number).and_then(|entry| entry.guest.clone());
        self.budget.enter(guest)
    }

    /// Gives back all but `but` bytes and returns how many that were. The caller takes them again with what it waits
    /// for.
    #[cfg(feature = "tower")]
    pub(crate) fn let_go(&self, but: usize) -> usize {
        let held = self.budget.state().entries.get(&self.number).map_or(0, |entry| entry.bytes);
        let less = held.saturating_sub(but);
        self.shrink(less);
        less
    }

    /// Moves bytes from this charge to another of the same budget.
    #[cfg(feature = "tower")]
    pub(crate) fn hand_over(&self, bytes: usize, to: &Charge) {
        let mut state = self.budget.state();
        let Some(entry) = state.entries.get_mut(&self.number) else { return };
        let part = bytes.min(entry.bytes);
        entry.bytes -= part;
        if let Some(other) = state.entries.get_mut(&to.number) {
            other.bytes += part;
        }
    }

    /// The same bytes, which this charge counts until they are sent or dropped.
    pub(crate) fn count(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        Bytes::from_owner(CountedBytes { bytes, _charge: Arc::clone(self) })
    }

    /// Takes more where it is free and nobody waits; false where not.
    pub(crate) fn try_grow(&self, bytes: usize) -> bool {
        let mut state = self.budget.state();
        let fits = bytes == 0 || state.waiting == 0 && state.fits(self.number, bytes);
        if fits {
            state.take(self.number, bytes);
        }
        fits
    }

    /// Gives back a part of what it takes.
    pub(crate) fn shrink(&self, bytes: usize) {
        let mut state = self.budget.state();
        if let Some(entry) = state.entries.get_mut(&self.number) {
            let less = bytes.min(entry.bytes);
            entry.bytes -= less;
            state.used -= less;
        }
        state.settle();
    }

    /// Takes more, and waits until it is free.
    pub(crate) fn grow(self: &Arc<Self>, bytes: usize) -> impl Future<Output = ()> + Send + use<> {
        let charge = Arc::clone(self);
        let mut asked = false;
        poll_fn(move |cx| {
            let mut state = charge.budget.state();
            if !std::mem::replace(&mut asked, true) {
                // A guest that fits need not wait for others that want more.
                if bytes == 0 || state.fits(charge.number, bytes) {
                    state.take(charge.number, bytes);
                    return Poll::Ready(());
                }
                if let Some(entry) = state.entries.get_mut(&charge.number) {
                    entry.wanted = bytes;
                    entry.guest.iter().for_each(|guest| guest.excuse());
                }
                state.waiting += 1;
                if let Some(watcher) = state.watcher.take() {
                    watcher.wake();
                }
            }
            match state.entries.get_mut(&charge.number) {
                Some(entry) if entry.wanted > 0 => {
                    entry.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }
        })
    }
}

/// Bytes on their way, with the charge that counts them.
struct CountedBytes {
    bytes: Bytes,
    _charge: Arc<Charge>,
}

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        if let Some(entry) = state.entries.remove(&self.number) {
            state.used -= entry.bytes;
            state.waiting -= usize::from(entry.wanted > 0);
        }
        state.settle();
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[derive(Default)]
    struct Program {
        stalls: AtomicBool,
        gave_way: AtomicBool,
    }

    impl Guest for Program {
        fn stalled(&self) -> Option<Duration> {
            self.stalls.load(Ordering::Relaxed).then_some(STALLED)
        }

        fn excuse(&self) {}

        fn give_way(&self) {
            self.gave_way.store(true, Ordering::Relaxed);
        }
    }

    fn enter(budget: &Arc<Budget>) -> (Arc<Program>, Arc<Charge>) {
        let program = Arc::new(Program::default());
        let guest: Arc<dyn Guest> = Arc::clone(&program) as _;
        (program, Arc::new(budget.enter(Some(guest))))
    }

    fn is_ready(future: Pin<&mut impl Future<Output = ()>>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn who_does_not_fit_waits_until_others_are_done_or_give_way() {
        let budget = Arc::new(Budget::default());
        let (_first, held) = enter(&budget);
        assert!(held.try_grow(LARGE / 2));
        let (slow, stalled) = enter(&budget);
        assert!(stalled.try_grow(LARGE / 2));
        let (_, late) = enter(&budget);
        assert!(!late.try_grow(LARGE / 2));
        let mut waits = Box::pin(late.grow(LARGE / 2));
        assert!(!is_ready(waits.as_mut()));

        budget.make_room();
        assert!(!slow.gave_way.load(Ordering::Relaxed), "it did not stall");
        slow.stalls.store(true, Ordering::Relaxed);
        budget.make_room();
        assert!(slow.gave_way.load(Ordering::Relaxed));
        assert!(!is_ready(waits.as_mut()));
        drop(stalled);
        assert!(is_ready(waits.as_mut()));
        assert_eq!(budget.used(), LARGE);
        drop((held, late, waits));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_part_is_for_small_guests_alone() {
        let budget = Arc::new(Budget::default());
        let (_, _first) = enter(&budget);
        let (_, large) = enter(&budget);
        assert!(large.try_grow(LARGE) && !large.try_grow(1));
        for _ in 0..RESERVED / SMALL {
            let (_, small) = enter(&budget);
            assert!(small.try_grow(SMALL) && !small.try_grow(1));
            std::mem::forget(small);
        }
        let (_, small) = enter(&budget);
        assert!(!small.try_grow(1));
    }

    #[test]
    fn who_came_first_goes_on_where_all_want_more_and_so_all_come_to_an_end() {
        let budget = Arc::new(Budget::default());
        let charges: Vec<_> = (0..4).map(|_| enter(&budget).1).collect();
        assert!(charges.iter().all(|charge| charge.try_grow(LARGE / 4)));
        let mut waits: Vec<_> = charges.iter().map(|charge| Box::pin(charge.grow(LARGE))).collect();
        let mut charges = charges.into_iter().collect::<std::collections::VecDeque<_>>();
        assert!(waits[1..].iter_mut().all(|wait| !is_ready(wait.as_mut())));
        while !waits.is_empty() {
            assert!(is_ready(waits.remove(0).as_mut()));
            assert!(waits.iter_mut().all(|wait| !is_ready(wait.as_mut())));
            drop(charges.pop_front());
        }
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn who_gives_up_waiting_leaves_nothing_behind() {
        let budget = Arc::new(Budget::default());
        let (_, _first) = enter(&budget);
        let (_, large) = enter(&budget);
        assert!(large.try_grow(LARGE));
        let (_, late) = enter(&budget);
        let mut waits = Box::pin(late.grow(LARGE));
        assert!(!is_ready(waits.as_mut()));
        drop((waits, late, large));
        assert_eq!((budget.used(), budget.state().waiting), (0, 0));
    }
}
