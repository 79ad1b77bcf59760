//! Whole lists that were written, kept for the next request until something is written to the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::budget::{Budget, Charge, LARGE};
use crate::format::Format;
use crate::store::{PIECE, Version};

/// A list's name and how it is written.
pub(super) type Name = (&'static str, Format);

/// The lists that are kept.
#[derive(Default)]
pub(super) struct Lists {
    kept: Mutex<Vec<Kept>>,
    pub(super) budget: Arc<Budget>,
    turn: Mutex<()>,
    /// How long each was the last time, in bytes. Reserving that much at once saves growing the document step by step.
    lengths: Mutex<HashMap<Name, usize>>,
}

struct Kept {
    list: Name,
    /// The store's, when the list began to be read and when it ended.
    version: Version,
    document: Bytes,
}

/// A document that counts in the budget until it is no longer kept and its last bytes are sent.
pub(super) struct Counted {
    pub(super) document: Vec<u8>,
    bytes: usize,
    charge: Charge,
}

impl Counted {
    /// Counts what was added; false where there is no room for it.
    pub(super) fn fits(&mut self) -> bool {
        let added = self.document.len().saturating_sub(self.bytes);
        self.bytes += added;
        self.charge.try_grow(added)
    }

    /// Whether a list of this length is too long to be kept, even if no other is.
    pub(super) fn is_too_long(&self) -> bool {
        self.document.len() > LARGE
    }

    pub(super) fn into_bytes(mut self) -> Bytes {
        self.document.shrink_to_fit();
        self.charge.shrink(self.bytes - self.document.len());
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.document
    }
}

impl Lists {
    /// Keeps lists that count in a budget that is there.
    #[cfg(feature = "server")]
    pub(super) fn counted_in(budget: &Arc<Budget>) -> Self {
        Lists { budget: Arc::clone(budget), ..Lists::default() }
    }

    /// A list, where it is still what the store holds.
    pub(super) fn get(&self, list: Name, version: Version) -> Option<Bytes> {
        let mut kept = lock(&self.kept);
        // An outdated list never becomes current again.
        kept.retain(|kept| kept.version == version);
        kept.iter().find(|kept| kept.list == list).map(|kept| kept.document.clone())
    }

    /// The turn to make a list that is to be kept. One request makes lists at a time, so that none is made twice.
    /// `None` after waiting for another request: look again whether the list is kept now.
    pub(super) fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        self.turn.try_lock().ok().or_else(|| {
            drop(lock(&self.turn));
            None
        })
    }

    /// Room for a list as long as it was the last time; `None` if that is too long to be kept now.
    pub(super) fn room(&self, list: Name) -> Option<Counted> {
        let expected = lock(&self.lengths).get(&list).copied().unwrap_or_default().max(PIECE) + PIECE / 8;
        let charge = self.budget.enter(None);
        charge.try_grow(expected).then(|| Counted { document: Vec::with_capacity(expected), bytes: expected, charge })
    }

    /// Drops all kept lists.
    #[cfg(feature = "server")]
    pub(super) fn forget(&self) {
        lock(&self.kept).clear();
    }

    /// Keeps a list that is whole, with the store's version when it began to be read and now.
    pub(super) fn keep(&self, list: Name, document: Counted, began: Version, now: Version) -> Bytes {
        self.measured(list, document.document.len());
        let document = document.into_bytes();
        if began == now {
            let mut kept = lock(&self.kept);
            kept.retain(|kept| kept.version == now && kept.list != list);
            kept.push(Kept { list, version: now, document: document.clone() });
        }
        document
    }

    /// Remembers how long a list is, in bytes.
    pub(super) fn measured(&self, list: Name, bytes: usize) {
        lock(&self.lengths).insert(list, bytes);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::ClientStore;
    use crate::Dialect;

    const CLIENTS: Name = ("clients", Format::Xml(Dialect::Documented));
    const PROJECTS: Name = ("projects", Format::Xml(Dialect::Documented));

    /// Room with `bytes` bytes written into it, or `None` if they do not fit.
    fn written(lists: &Lists, list: Name, bytes: usize) -> Option<Counted> {
        let mut room = lists.room(list)?;
        room.document.resize(bytes, b' ');
        room.fits().then_some(room)
    }

    #[test]
    fn what_is_kept_and_what_is_outdated_and_still_being_sent_have_room_together() {
        let store = ClientStore::open_in_memory().unwrap();
        let now = store.version().unwrap();
        let lists = Lists::default();
        assert!(written(&lists, CLIENTS, LARGE + 1).is_none());
        assert_eq!(lists.budget.used(), 0);

        let sent = lists.keep(CLIENTS, written(&lists, CLIENTS, LARGE / 2 + 1).unwrap(), now, now);
        assert_eq!(lists.get(CLIENTS, now).unwrap().len(), LARGE / 2 + 1);
        assert!(lists.get(("clients", Format::Xml(Dialect::Live)), now).is_none());
        for outdated in [false, true] {
            if outdated {
                lock(&lists.kept).clear();
            }
            assert!(written(&lists, PROJECTS, LARGE / 2 + 1).is_none());
            assert!(written(&lists, PROJECTS, LARGE / 2 - 1).is_some());
            assert!(lists.room(CLIENTS).is_none(), "it is known to be as long as it was");
        }
        drop(sent);
        assert_eq!(lists.budget.used(), 0);
    }

    #[test]
    fn a_list_is_not_kept_where_something_was_written_before_its_end() {
        let store = ClientStore::open_in_memory().unwrap();
        let lists = Lists::default();
        let began = store.version().unwrap();
        store.clients().create(&crate::NewClient::named("meanwhile")).unwrap();
        let now = store.version().unwrap();
        assert_eq!(lists.keep(CLIENTS, written(&lists, CLIENTS, 7).unwrap(), began, now), "       ");
        assert!(lists.get(CLIENTS, now).is_none() && lists.get(CLIENTS, began).is_none());
    }

    #[test]
    fn one_at_a_time_writes_a_list_that_is_to_be_kept() {
        let (lists, writing) = (Lists::default(), AtomicBool::new(false));
        // False where another had the turn.
        let write = || {
            let Some(_turn) = lists.turn() else { return false };
            assert!(!writing.swap(true, Ordering::SeqCst), "another writes at the same time");
            std::thread::yield_now();
            writing.store(false, Ordering::SeqCst);
            true
        };
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| while write() {});
            while !waits.is_finished() {
                write();
            }
        });
        assert!(write());
    }
}
