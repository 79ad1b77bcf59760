//! Which rows a transaction has written to.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::hooks::Action;

/// The names of a file's tables, in order, so that a table is a number.
#[derive(Clone, Debug)]
pub(crate) struct Tables(Arc<[String]>);

/// A set of tables, one bit for each; the last bit stands for all that are beyond it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TableSet(u64);

/// The most tables that are told apart.
pub(super) const TOLD_APART: usize = 64;

impl Tables {
    pub(super) fn new(mut names: Vec<String>) -> Self {
        names.sort_unstable();
        Tables(names.into())
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.0.binary_search_by(|table| table.as_str().cmp(name)).ok()
    }

    /// The tables that a statement may read: those whose names stand in it.
    pub(super) fn named_in(&self, sql: &str) -> TableSet {
        let named = (0..self.0.len()).filter(|at| sql.contains(&self.0[*at]));
        named.fold(TableSet::default(), TableSet::with)
    }
}

impl TableSet {
    pub(super) fn with(self, table: usize) -> Self {
        TableSet(self.0 | 1 << table.min(TOLD_APART - 1))
    }

    pub(super) fn contains(self, at: usize) -> bool {
        self.0 & (1 << at) != 0
    }
}

/// One write to a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    pub(super) table: usize,
    pub(super) id: i64,
    pub(super) change: Net,
}

/// Changed rows, by their tables and ids.
pub(super) type Rows = BTreeMap<(usize, i64), Net>;

/// Whether a row was there before a change, and whether it is there after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Net {
    pub(super) before: bool,
    pub(super) after: bool,
}

impl Net {
    pub(super) fn of(action: Action) -> Self {
        Net { before: action != Action::SQLITE_INSERT, after: action != Action::SQLITE_DELETE }
    }
}

/// What several writes, in their order, come to for each row.
pub(super) fn net(touches: impl IntoIterator<Item = Touch>) -> Rows {
    let mut rows = Rows::new();
    for Touch { table, id, change } in touches {
        rows.entry((table, id)).and_modify(|net: &mut Net| net.after = change.after).or_insert(change);
    }
    // What came and went again has not changed.
    rows.retain(|_, net| net.before || net.after);
    rows
}
