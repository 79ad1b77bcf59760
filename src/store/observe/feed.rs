//! The change feed: which records were created, updated and deleted since a version.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use super::touched::{Net, Rows, Tables, Touch, net};
use crate::error::Result;
use crate::record::Describe;
use crate::store::{ClientStore, Stored};

/// How many changed rows are remembered.
const REMEMBERED: usize = 16_384;

/// A state of an open store, as [`ClientStore::change_version`] and [`Changes::version`] tell it.
///
/// It means something to the store that gave it, and to its clones, only: with another store, or with the same file opened
/// again, the changes since it are unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChangeVersion {
    store: u64,
    commits: u64,
}

/// What has happened to a record between two versions, all in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It was not there before.
    Created,
    /// It was written to. The write may have left every field as it was.
    Updated,
    /// It is no longer there.
    Deleted,
}

/// The changes since a version; see [`ClientStore::changes_since`].
#[derive(Clone, Debug)]
pub struct Changes {
    version: ChangeVersion,
    /// None where they are unknown.
    known: Option<(Tables, Rows)>,
}

impl Changes {
    /// The version up to which these changes go; ask for those since it next time.
    pub fn version(&self) -> ChangeVersion {
        self.version
    }

    /// Whether it is known which records have changed. If not, read anew whatever you show.
    pub fn are_known(&self) -> bool {
        self.known.is_some()
    }

    /// Whether it is certain that nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.known.as_ref().is_some_and(|(_, rows)| rows.is_empty())
    }

    /// The changed records of a kind, by their ids; none where it is unknown which ones those are.
    pub fn of<R: Stored>(&self) -> Option<Vec<(R::Id, ChangeKind)>> {
        let (tables, rows) = self.known.as_ref()?;
        let Some(table) = tables.find(<R as Describe>::TABLE.name) else { return Some(Vec::new()) };
        let kind = |net: &Net| match (net.before, net.after) {
            (false, _) => ChangeKind::Created,
            (true, true) => ChangeKind::Updated,
            (true, false) => ChangeKind::Deleted,
        };
        let of_table = rows.range((table, i64::MIN)..=(table, i64::MAX));
        Some(of_table.map(|((_, id), net)| (R::Id::from(*id), kind(net))).collect())
    }
}

/// The last changed rows, with the commit that changed each.
pub(crate) struct Feed {
    store: u64,
    /// The number of the last commit.
    commits: u64,
    /// The commit since which all changes are known.
    known_since: u64,
    touches: VecDeque<(u64, Touch)>,
}

impl Feed {
    pub(super) fn new() -> Self {
        static STORES: AtomicU64 = AtomicU64::new(0);
        let store = STORES.fetch_add(1, Ordering::Relaxed);
        Feed { store, commits: 0, known_since: 0, touches: VecDeque::new() }
    }

    pub(super) fn committed(&mut self, touches: &[Touch]) {
        self.commits += 1;
        self.touches.extend(touches.iter().map(|touch| (self.commits, *touch)));
        while self.touches.len() > REMEMBERED {
            if let Some((commit, _)) = self.touches.pop_front() {
                self.known_since = commit;
            }
        }
    }

    /// Something was written, and nobody knows what.
    pub(super) fn unknown(&mut self) {
        self.commits += 1;
        self.known_since = self.commits;
        self.touches.clear();
    }

    pub(super) fn version(&self) -> ChangeVersion {
        ChangeVersion { store: self.store, commits: self.commits }
    }

    pub(super) fn since(&self, version: ChangeVersion, tables: &Tables) -> Changes {
        let is_known = version.store == self.store && version.commits >= self.known_since;
        let known = is_known.then(|| {
            let from = self.touches.partition_point(|(commit, _)| *commit <= version.commits);
            (tables.clone(), net(self.touches.range(from..).map(|(_, touch)| *touch)))
        });
        Changes { version: self.version(), known }
    }
}

impl ClientStore {
    /// The present version, to ask for the [changes since it](Self::changes_since) later. Take it before you read what you
    /// show: then no change is missed.
    ///
    /// # Errors
    ///
    /// As [`changes_since`](Self::changes_since).
    pub fn change_version(&self) -> Result<ChangeVersion> {
        self.inner.writer.feed(|feed, _| feed.version())
    }

    /// Which records were created, updated and deleted since a version, by this store or its clones.
    ///
    /// This store remembers the last 16,384 changed rows in memory. Where more have changed, and where another program has
    /// written to the file, the answer is that the changes are unknown, and what is shown has to be read anew.
    ///
    /// The feed is kept from the first call of this function or of [`change_version`](Self::change_version) until the
    /// store is closed; a store that never asks for it pays nothing. The parts of an invoice, such as its lines, and what
    /// a project's assignments are, are changes of their own kinds of records.
    ///
    /// ```
    /// use clientstore::{ChangeKind, Client, ClientStore, NewClient, Project};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let version = store.change_version()?;
    /// let id = store.clients().create(&NewClient::named("SuprCorp"))?;
    ///
    /// let changes = store.changes_since(version)?;
    /// assert_eq!(changes.of::<Client>(), Some(vec![(id, ChangeKind::Created)]));
    /// assert_eq!(changes.of::<Project>(), Some(vec![]));
    /// assert!(store.changes_since(changes.version())?.is_empty());
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Storage`](crate::Error::Storage) where SQLite fails, and inside a transaction of this store.
    pub fn changes_since(&self, version: ChangeVersion) -> Result<Changes> {
        self.inner.writer.feed(|feed, tables| feed.since(version, tables))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::hooks::Action;

    use super::*;

    fn touch(id: i64, action: Action) -> Touch {
        Touch { table: 0, id, change: Net::of(action) }
    }

    #[test]
    fn a_feed_that_has_forgotten_changes_says_that_they_are_unknown() {
        let tables = Tables::new(vec!["clients".to_owned()]);
        let mut feed = Feed::new();
        let first = feed.version();
        feed.committed(&[touch(1, Action::SQLITE_INSERT)]);
        let second = feed.version();
        let many: Vec<Touch> = (2..2 + REMEMBERED as i64).map(|id| touch(id, Action::SQLITE_INSERT)).collect();
        feed.committed(&many);
        assert!(!feed.since(first, &tables).are_known());
        assert!(feed.since(second, &tables).are_known());
        feed.committed(&[touch(1, Action::SQLITE_UPDATE)]);
        assert!(!feed.since(second, &tables).are_known());
        assert!(feed.since(feed.version(), &tables).is_empty());
        assert!(!feed.since(Feed::new().version(), &tables).are_known());
    }

    #[test]
    fn several_writes_to_a_row_come_to_one_change() {
        use Action::{SQLITE_DELETE as DELETE, SQLITE_INSERT as INSERT, SQLITE_UPDATE as UPDATE};
        let kind = |actions: &[Action]| {
            let rows = net(actions.iter().map(|action| touch(1, *action)));
            rows.values().next().map(|net| (net.before, net.after))
        };
        assert_eq!(kind(&[INSERT, UPDATE]), Some((false, true)));
        assert_eq!(kind(&[INSERT, DELETE]), None);
        assert_eq!(kind(&[UPDATE, DELETE]), Some((true, false)));
        assert_eq!(kind(&[DELETE, INSERT]), Some((true, true)));
    }
}
