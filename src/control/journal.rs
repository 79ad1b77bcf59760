//! `journal`: the requests so far, and how they were answered.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use tokio::sync::Notify;

use super::entry::{Content, Entry};
use super::secrets;
use crate::api::Api;

/// The most entries that are kept, and the most bytes they may take.
const MAX_ENTRIES: usize = 10_000;
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The most of a body that is kept, in bytes.
const MAX_BODY: usize = 256 * 1024;
/// The most bytes that the bodies of all unfinished requests may take. Above it, only [`LITTLE`] of each further body
/// is kept.
const MAX_PENDING: usize = 32 * 1024 * 1024;
const LITTLE: usize = 1024;

/// What the journals of all accounts of a server take together.
#[derive(Default)]
pub(super) struct Room {
    /// The bytes of their entries.
    bytes: AtomicUsize,
    /// How many journals there are.
    journals: AtomicUsize,
    /// The bytes that the bodies of unfinished requests take.
    pending: AtomicUsize,
}

impl Room {
    /// Whether a journal of this many bytes must drop entries. One that takes no more than its part never has to, so that what
    /// others are asked does not empty it.
    fn is_short(&self, bytes: usize) -> bool {
        let part = MAX_BYTES / self.journals.load(Ordering::Relaxed).max(1);
        bytes > part && self.bytes.load(Ordering::Relaxed) > MAX_BYTES
    }
}

pub(super) struct Journal {
    state: Mutex<State>,
    room: Arc<Room>,
    changed: Notify,
    is_closed: AtomicBool,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    extent: Extent,
}

/// The range of the journal's numbers.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Extent {
    entries: usize,
    pub(super) last: u64,
    pub(super) dropped: u64,
    pub(super) cleared: u64,
}

impl State {
    /// The position of the first entry after the number.
    fn position(&self, after: u64) -> usize {
        let first = self.extent.last - self.entries.len() as u64;
        usize::try_from(after.saturating_sub(first)).unwrap_or(usize::MAX).min(self.entries.len())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let bytes = self.state().bytes;
        self.room.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.room.journals.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Journal {
    fn default() -> Self {
        Journal::within(&Arc::default())
    }
}

impl Journal {
    /// An empty one that shares its room.
    pub(super) fn within(room: &Arc<Room>) -> Self {
        room.journals.fetch_add(1, Ordering::Relaxed);
        let (state, changed, is_closed) = Default::default();
        Journal { state, room: Arc::clone(room), changed, is_closed }
    }

    /// Begins to record a request.
    pub(super) fn begin(journal: &Arc<Journal>, api: &Api, head: &Parts, route: Option<String>) -> Recording {
        let cleared = journal.state().extent.cleared;
        let begun = (!api.store().time().is_still()).then(Instant::now);
        let entry = Some(Entry::of(head, api, route));
        Recording { journal: Arc::clone(journal), cleared, begun, pending: 0, entry }
    }

    /// The entries after the number, and the range of the journal's numbers.
    pub(super) fn after(&self, number: u64) -> (Vec<Arc<Entry>>, Extent) {
        let state = self.state();
        let entries = state.entries.range(state.position(number)..).cloned().collect();
        (entries, Extent { entries: state.entries.len(), ..state.extent })
    }

    /// An entry by its number; `None` if it was cleared or dropped meanwhile.
    pub(super) fn entry(&self, cleared: u64, number: u64) -> Option<Arc<Entry>> {
        let state = self.state();
        let entry = state.entries.get(state.position(number.checked_sub(1)?))?;
        (state.extent.cleared == cleared && entry.number == number).then(|| Arc::clone(entry))
    }

    pub(super) fn extent(&self) -> Extent {
        let state = self.state();
        Extent { entries: state.entries.len(), ..state.extent }
    }

    /// Forgets all entries. Requests that began before are not recorded.
    pub(super) fn clear(&self) -> Extent {
        let extent = {
            let mut state = self.state();
            self.room.bytes.fetch_sub(state.bytes, Ordering::Relaxed);
            let cleared = state.extent.cleared + 1;
            *state = State { extent: Extent { cleared, ..Extent::default() }, ..State::default() };
            state.extent
        };
        self.changed.notify_waiters();
        extent
    }

    /// Notified when the journal changes from now on.
    pub(super) fn changed(&self) -> &Notify {
        &self.changed
    }

    /// Ends all waits for an entry.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    fn push(&self, mut entry: Entry, cleared: u64) {
        {
            let mut state = self.state();
            if state.extent.cleared != cleared {
                return;
            }
            state.extent.last += 1;
            entry.number = state.extent.last;
            state.bytes += entry.bytes();
            self.room.bytes.fetch_add(entry.bytes(), Ordering::Relaxed);
            state.entries.push_back(Arc::new(entry));
            while state.entries.len() > MAX_ENTRIES || self.room.is_short(state.bytes) {
                let Some(oldest) = state.entries.pop_front() else { break };
                state.bytes -= oldest.bytes();
                self.room.bytes.fetch_sub(oldest.bytes(), Ordering::Relaxed);
                state.extent.dropped += 1;
            }
        }
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered; dropped, it becomes an entry.
pub(crate) struct Recording {
    journal: Arc<Journal>,
    cleared: u64,
    /// `None` if durations must not vary.
    begun: Option<Instant>,
    /// Its share of the journal's `pending`.
    pending: usize,
    entry: Option<Entry>,
}

impl Recording {
    /// The body, or its beginning, and how long all of it was.
    pub(crate) fn body(&mut self, headers: &HeaderMap, body: &Bytes, whole: usize) {
        let Some(entry) = &mut self.entry else { return };
        entry.body_bytes = whole;
        let length = body.len().min(MAX_BODY);
        let taken = self.journal.room.pending.fetch_add(length, Ordering::Relaxed) + length;
        self.pending += length;
        let kept = &body[..if taken <= MAX_PENDING { length } else { length.min(LITTLE) }];
        // At most a part of one character is cut off.
        let is_cut = |error: &std::str::Utf8Error| error.error_len().is_none() && kept.len() < whole;
        let kept = match std::str::from_utf8(kept) {
            Err(error) if is_cut(&error) => &kept[..error.valid_up_to()],
            _ => kept,
        };
        let kept = secrets::body(kept, headers).into_owned();
        entry.body = String::from_utf8(kept).map_or_else(|error| Content::Binary(error.into_bytes()), Content::Text);
    }

    /// Records whether the caller was admitted.
    pub(crate) fn signed_in(&mut self, is_admitted: bool) {
        if let Some(entry) = self.entry.as_mut().filter(|_| is_admitted) {
            entry.admitted();
        }
    }

    pub(crate) fn fault(&mut self, what: &'static str) {
        if let Some(entry) = &mut self.entry {
            entry.fault = Some(what);
        }
    }

    pub(crate) fn status(&mut self, status: StatusCode) {
        if let Some(entry) = &mut self.entry {
            entry.status = Some(status.as_u16());
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(mut entry) = self.entry.take() {
            // To the microsecond.
            let took = self.begun.map_or(Duration::ZERO, |begun| begun.elapsed());
            entry.duration_ms = took.as_micros() as f64 / 1e3;
            self.journal.push(entry, self.cleared);
        }
        self.journal.room.pending.fetch_sub(self.pending, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::ClientStore;

    #[test]
    fn the_bodies_of_requests_in_flight_are_bounded_together() {
        let api = Api::new(ClientStore::open_in_memory().unwrap());
        let (journal, body) = (Arc::new(Journal::default()), Bytes::from(vec![b'x'; MAX_BODY]));
        let record = || {
            let (head, ()) = Request::get("/clients").body(()).unwrap().into_parts();
            let mut recording = Journal::begin(&journal, &api, &head, None);
            recording.body(&head.headers, &body, body.len());
            recording
        };
        let kept = |recording: &Recording| recording.entry.as_ref().unwrap().bytes();
        let mut recordings: Vec<Recording> = (0..1000).map(|_| record()).collect();
        assert!(recordings.iter().map(kept).sum::<usize>() < MAX_PENDING + 1000 * 2 * LITTLE);
        assert!(kept(&recordings[0]) > MAX_BODY && kept(&recordings[999]) < 2 * LITTLE);
        recordings.clear();
        assert_eq!(journal.room.pending.load(Ordering::Relaxed), 0);
        assert!(kept(&record()) > MAX_BODY, "there is room again");
        assert!(journal.state().bytes <= MAX_BYTES);
    }

    #[test]
    fn journals_share_their_room_and_each_keeps_its_part() {
        let api = Api::new(ClientStore::open_in_memory().unwrap());
        let room = Arc::new(Room::default());
        let [little, much, more] = [(); 3].map(|()| Arc::new(Journal::within(&room)));
        let record = |journal: &Arc<Journal>, bytes: usize| {
            let (head, ()) = Request::get("/clients").body(()).unwrap().into_parts();
            let mut recording = Journal::begin(journal, &api, &head, None);
            recording.body(&head.headers, &Bytes::from(vec![b'x'; bytes]), bytes);
        };
        record(&little, 10);
        (0..200).for_each(|_| record(&much, 200_000));
        assert!(room.bytes.load(Ordering::Relaxed) <= MAX_BYTES);
        (0..200).for_each(|_| record(&more, 200_000));
        record(&much, 200_000);
        let bytes = [&little, &much, &more].map(|journal| journal.state().bytes);
        assert_eq!(room.bytes.load(Ordering::Relaxed), bytes.iter().sum::<usize>());
        assert!(room.bytes.load(Ordering::Relaxed) <= MAX_BYTES);
        let extent = little.extent();
        assert_eq!((extent.entries, extent.dropped), (1, 0));
        drop(much);
        more.clear();
        assert_eq!(room.bytes.load(Ordering::Relaxed), bytes[0]);
    }

    #[test]
    fn what_is_kept_is_counted_whole_and_goes_at_its_bound() {
        let api = Api::new(ClientStore::open_in_memory().unwrap());
        let journal = Arc::new(Journal::default());
        for _ in 0..600 {
            let method = "M".repeat(30_000);
            let request = Request::builder().method(method.as_str()).uri(format!("/?{method}")).header("a", &method);
            drop(Journal::begin(&journal, &api, &request.body(()).unwrap().into_parts().0, None));
        }
        let state = journal.state();
        assert!(state.bytes <= MAX_BYTES && state.extent.dropped > 20, "{} {}", state.bytes, state.extent.dropped);
        assert_eq!(state.bytes, state.entries.iter().map(|entry| entry.bytes()).sum::<usize>());
    }
}
