//! Room for what takes memory of many connections together; whoever is slowest gives way to who waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::progress::{Progress, millis};

/// How long a guest may let us wait, while others wait.
const STALLED: Duration = Duration::from_secs(1);
/// How long a guest may stay, while others wait.
const LONG: Duration = Duration::from_secs(10);
/// How often who waits looks for a guest that gives way.
const TICK: Duration = Duration::from_millis(100);

/// Room of a size, in units of its own. Guests enter in the order they came.
///
/// Where there is no room for one more, the guest gives way whose other side has let us wait for longest: its
/// connection is closed.
pub(super) struct Room {
    size: u32,
    free: Arc<Semaphore>,
    guests: Arc<Mutex<Vec<Arc<Entry>>>>,
}

struct Entry {
    progress: Arc<Progress>,
    entered: u64,
}

/// Takes room until it is dropped.
pub(super) struct Guest {
    entry: Arc<Entry>,
    guests: Arc<Mutex<Vec<Arc<Entry>>>>,
    _taken: OwnedSemaphorePermit,
}

impl Drop for Guest {
    fn drop(&mut self) {
        lock(&self.guests).retain(|entry| !Arc::ptr_eq(entry, &self.entry));
    }
}

impl Room {
    pub(super) fn new(size: u32) -> Self {
        Room { size, free: Arc::new(Semaphore::new(size as usize)), guests: Arc::default() }
    }

    /// Takes so much of the room, or all of it where that is less; waits until it is free.
    pub(super) async fn enter(&self, units: usize, progress: &Arc<Progress>) -> Guest {
        let units = u32::try_from(units).unwrap_or(u32::MAX).min(self.size);
        let mut turn = std::pin::pin!(Arc::clone(&self.free).acquire_many_owned(units));
        loop {
            match tokio::time::timeout(TICK, &mut turn).await {
                Ok(Ok(taken)) => {
                    let entry = Arc::new(Entry { progress: Arc::clone(progress), entered: progress.now() });
                    lock(&self.guests).push(Arc::clone(&entry));
                    return Guest { entry, guests: Arc::clone(&self.guests), _taken: taken };
                }
                // It is never closed.
                Ok(Err(_)) => std::future::pending().await,
                Err(_) => {
                    // The other side is not to blame for the wait.
                    progress.moved_on();
                    self.make_room();
                }
            }
        }
    }

    /// Has the slowest of the slow guests give way, if there is one.
    fn make_room(&self) {
        let guests = lock(&self.guests);
        let slowness = |entry: &Entry| {
            let stalled = entry.progress.stalled().filter(|_| !entry.progress.gives_way())?;
            let stayed = entry.progress.now().saturating_sub(entry.entered);
            (stalled >= millis(STALLED) || stayed >= millis(LONG)).then_some((stalled, stayed))
        };
        let slow = guests.iter().filter_map(|entry| Some((slowness(entry)?, entry)));
        if let Some((_, entry)) = slow.max_by_key(|(slowness, _)| *slowness) {
            tracing::debug!("{} was too slow, and gave way", entry.progress.doing());
            entry.progress.give_way();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
