//! Looking after a store: is the file whole, and a copy of it.

mod backup;
mod check;
mod records;
mod report;

pub use report::{Finding, Problem, Report};

/// How far a check, a backup, a dump, a load or a [`Generator`](crate::Generator) has come.
///
/// ```
/// use clientstore::{ClientStore, Generator, Progress};
///
/// let store = ClientStore::open_in_memory()?;
/// let show = |Progress { doing, done, total, .. }: Progress| println!("{doing}: {done} of {total}");
/// Generator::new(1).clients(10).run(&store, show)?;
/// store.check(show)?;
/// # Ok::<(), clientstore::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done, like `checking the records`.
    pub doing: &'static str,
    /// How much of it is done.
    pub done: u64,
    /// How much there is of it: pages of a copy, records otherwise; 0 where that cannot be told.
    pub total: u64,
}
