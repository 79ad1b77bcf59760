//! Looking after a store: is the file whole, and a copy of it.

mod backup;
mod check;
mod records;
mod report;

pub use report::{Finding, Problem, Report};

/// How far a check or a backup has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done, like `checking the records`.
    pub doing: &'static str,
    /// How much of it is done.
    pub done: u64,
    /// How much there is of it: pages of a copy, records of a check; 0 where that cannot be told.
    pub total: u64,
}
