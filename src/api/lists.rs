//! Whole lists that were written, kept for the next request until something is written to the store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::store::{ClientStore, Resource, Version};
use crate::xml::Dialect;

/// So many bytes of lists are kept, with those that are being read to be kept; a longer one is not.
const KEPT: usize = 32 * 1024 * 1024;

/// The lists that are kept.
#[derive(Default)]
pub(super) struct Lists {
    kept: Mutex<Vec<Kept>>,
    taken: Arc<AtomicUsize>,
    /// Whether a list is being read to be kept. One at a time: of many slow programs, each would have a part of it.
    keeping: AtomicBool,
    /// How long each was the last time, in bytes: growing a buffer to that costs as much as filling it.
    lengths: Mutex<HashMap<List, usize>>,
}

type List = (&'static str, Dialect);

struct Kept {
    list: List,
    /// The store's, when the list began to be read and when it ended.
    version: Version,
    pieces: Arc<Pieces>,
}

/// The pieces of a list that is kept, or is to be.
///
/// All of them have room in [`KEPT`] together, those too that are outdated and still being sent.
#[derive(Debug)]
pub(super) struct Pieces {
    pieces: Vec<Bytes>,
    bytes: usize,
    /// What all pieces take, in bytes.
    taken: Arc<AtomicUsize>,
}

impl Pieces {
    /// Adds a piece; false where there is no room for it.
    fn add(&mut self, piece: &Bytes) -> bool {
        let fits = self.taken.fetch_add(piece.len(), Ordering::Relaxed) + piece.len() <= KEPT;
        self.bytes += piece.len();
        if fits {
            self.pieces.push(piece.clone());
        }
        fits
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl std::ops::Deref for Pieces {
    type Target = [Bytes];

    fn deref(&self) -> &[Bytes] {
        &self.pieces
    }
}

impl Lists {
    /// The pieces of a list, where they are still what the store holds.
    pub(super) fn get(&self, resource: &dyn Resource, dialect: Dialect, version: Version) -> Option<Arc<Pieces>> {
        let mut kept = self.kept();
        // What is outdated stays so.
        kept.retain(|kept| kept.version == version);
        let list = (resource.table().list, dialect);
        kept.iter().find(|kept| kept.list == list).map(|kept| Arc::clone(&kept.pieces))
    }

    fn keep(&self, new: Kept) {
        let mut kept = self.kept();
        kept.retain(|kept| kept.version == new.version && kept.list != new.list);
        kept.push(new);
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lengths(&self) -> MutexGuard<'_, HashMap<List, usize>> {
        self.lengths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A list that is being written, to be kept once it is whole.
pub(super) struct Keeping {
    lists: Arc<Lists>,
    store: ClientStore,
    list: List,
    version: Version,
    /// None where there was no room for them, or another list is being read to be kept.
    pieces: Option<(Pieces, Turn)>,
    bytes: usize,
}

/// Nobody else reads a list to keep it until this is dropped.
struct Turn(Arc<Lists>);

impl Turn {
    fn take(lists: &Arc<Lists>) -> Option<Self> {
        (!lists.keeping.swap(true, Ordering::Acquire)).then(|| Turn(Arc::clone(lists)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.keeping.store(false, Ordering::Release);
    }
}

impl Keeping {
    /// `version` is the store's before the list began to be read.
    pub(super) fn new(
        lists: &Arc<Lists>,
        store: &ClientStore,
        resource: &dyn Resource,
        dialect: Dialect,
        version: Version,
    ) -> Self {
        let list = (resource.table().list, dialect);
        let none = || Pieces { pieces: Vec::new(), bytes: 0, taken: Arc::clone(&lists.taken) };
        let pieces = Turn::take(lists).map(|turn| (none(), turn));
        let (lists, store) = (Arc::clone(lists), store.clone());
        Keeping { lists, store, list, version, pieces, bytes: 0 }
    }

    /// How long the list was the last time, in bytes; 0 where it was never read.
    pub(super) fn expected(&self) -> usize {
        self.lists.lengths().get(&self.list).copied().unwrap_or_default()
    }

    /// Adds the next piece. Where there is no room for it, the list is not kept.
    pub(super) fn add(&mut self, piece: &Bytes) {
        self.bytes += piece.len();
        self.pieces = self.pieces.take().and_then(|(mut pieces, turn)| pieces.add(piece).then_some((pieces, turn)));
    }

    /// Keeps the list, unless something was written since it began.
    pub(super) fn finish(self) {
        let Keeping { lists, store, list, version, pieces, bytes } = self;
        lists.lengths().insert(list, bytes);
        if let Some((pieces, _turn)) = pieces
            && store.version().is_ok_and(|now| now == version)
        {
            lists.keep(Kept { list, version, pieces: Arc::new(pieces) });
        }
    }
}

impl std::fmt::Debug for Keeping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeping").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewClient;
    use crate::resources::by_list;

    #[test]
    fn a_list_that_is_too_long_is_not_kept_and_others_stay() {
        let store = ClientStore::open_in_memory().unwrap();
        let lists = Arc::new(Lists::default());
        let version = store.version().unwrap();
        let [clients, projects] = ["clients", "projects"].map(|list| by_list(list).unwrap());
        let keeping =
            |resource: &'static dyn Resource| Keeping::new(&lists, &store, resource, Dialect::Documented, version);
        let piece = Bytes::from(vec![b' '; KEPT / 2 + 1]);

        let mut long = keeping(clients);
        long.add(&Bytes::from(vec![b' '; KEPT + 1]));
        long.finish();
        assert!(lists.get(clients, Dialect::Documented, version).is_none());
        let mut first = keeping(clients);
        first.add(&piece);
        // One at a time.
        let mut beside = keeping(projects);
        beside.add(&Bytes::from_static(b"<projects></projects>\n"));
        beside.finish();
        assert!(lists.get(projects, Dialect::Documented, version).is_none());
        first.finish();
        let sent = lists.get(clients, Dialect::Documented, version).unwrap();
        assert!(lists.get(clients, Dialect::Live, version).is_none());

        // There is room for one of the two, also while the outdated one is still being sent.
        for outdated in [false, true] {
            if outdated {
                lists.kept().clear();
            }
            let mut second = keeping(projects);
            second.add(&piece);
            second.finish();
            assert!(lists.get(projects, Dialect::Documented, version).is_none());
            assert_eq!(lists.get(clients, Dialect::Documented, version).is_none(), outdated);
        }
        drop(sent);
        assert_eq!(lists.taken.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_list_is_not_kept_where_something_was_written_before_its_end() {
        let store = ClientStore::open_in_memory().unwrap();
        let lists = Arc::new(Lists::default());
        let clients = by_list("clients").unwrap();
        let mut keeping = Keeping::new(&lists, &store, clients, Dialect::Documented, store.version().unwrap());
        keeping.add(&Bytes::from_static(b"<clients></clients>\n"));
        store.clients().create(&NewClient::named("meanwhile")).unwrap();
        keeping.finish();
        assert!(lists.kept().is_empty());
    }
}
