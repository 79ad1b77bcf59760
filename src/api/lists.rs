//! Whole lists that were written, kept for the next request until something is written to the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::store::{ClientStore, Resource, Version};
use crate::xml::Dialect;

/// So many bytes of lists are kept; a longer one is not.
const KEPT: usize = 32 * 1024 * 1024;

/// The lists that are kept.
#[derive(Default)]
pub(super) struct Lists {
    kept: Mutex<Vec<Kept>>,
    /// How long each was the last time, in bytes: growing a buffer to that costs as much as filling it.
    lengths: Mutex<HashMap<List, usize>>,
}

type List = (&'static str, Dialect);

struct Kept {
    list: List,
    /// The store's, when the list began to be read and when it ended.
    version: Version,
    pieces: Arc<[Bytes]>,
    bytes: usize,
}

impl Lists {
    /// The pieces of a list, where they are still what the store holds.
    pub(super) fn get(&self, resource: &dyn Resource, dialect: Dialect, version: Version) -> Option<Arc<[Bytes]>> {
        let mut kept = self.kept();
        // What is outdated stays so.
        kept.retain(|kept| kept.version == version);
        let list = (resource.table().list, dialect);
        kept.iter().find(|kept| kept.list == list).map(|kept| Arc::clone(&kept.pieces))
    }

    fn keep(&self, new: Kept) {
        let mut kept = self.kept();
        kept.retain(|kept| kept.version == new.version && kept.list != new.list);
        if kept.iter().map(|kept| kept.bytes).sum::<usize>() + new.bytes <= KEPT {
            kept.push(new);
        }
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
    pieces: Vec<Bytes>,
    bytes: usize,
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
        let (lists, store) = (Arc::clone(lists), store.clone());
        Keeping { lists, store, list, version, pieces: Vec::new(), bytes: 0 }
    }

    /// How long the list was the last time, in bytes; 0 where it was never read.
    pub(super) fn expected(&self) -> usize {
        self.lists.lengths().get(&self.list).copied().unwrap_or_default()
    }

    /// Adds the next piece; false when the list is too long to be kept.
    pub(super) fn add(&mut self, piece: &Bytes) -> bool {
        self.bytes += piece.len();
        self.pieces.push(piece.clone());
        self.bytes <= KEPT
    }

    /// Keeps the list, unless something was written since it began.
    pub(super) fn finish(self) {
        let Keeping { lists, store, list, version, pieces, bytes } = self;
        lists.lengths().insert(list, bytes);
        if store.version().is_ok_and(|now| now == version) {
            lists.keep(Kept { list, version, pieces: pieces.into(), bytes });
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

        let mut first = keeping(clients);
        assert!(first.add(&piece));
        assert!(!keeping(clients).add(&Bytes::from(vec![b' '; KEPT + 1])));
        first.finish();
        assert!(lists.get(clients, Dialect::Documented, version).is_some());
        assert!(lists.get(clients, Dialect::Live, version).is_none());

        // There is room for one of the two.
        let mut second = keeping(projects);
        assert!(second.add(&piece));
        second.finish();
        assert!(lists.get(projects, Dialect::Documented, version).is_none());
        assert!(lists.get(clients, Dialect::Documented, version).is_some());
    }

    #[test]
    fn a_list_is_not_kept_where_something_was_written_before_its_end() {
        let store = ClientStore::open_in_memory().unwrap();
        let lists = Arc::new(Lists::default());
        let clients = by_list("clients").unwrap();
        let mut keeping = Keeping::new(&lists, &store, clients, Dialect::Documented, store.version().unwrap());
        assert!(keeping.add(&Bytes::from_static(b"<clients></clients>\n")));
        store.clients().create(&NewClient::named("meanwhile")).unwrap();
        keeping.finish();
        assert!(lists.kept().is_empty());
    }
}
