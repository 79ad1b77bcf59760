//! What a check finds.

use std::collections::BTreeMap;
use std::fmt;

use rusqlite::ErrorCode;

use crate::error::{Error, Result};

/// At most this many findings of each problem are kept; the others are only counted.
const KEPT: u64 = 100;

/// A kind of thing that can be wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Problem {
    /// Pages or indexes of the file are damaged (SQLite's `integrity_check`).
    Damage,
    /// A table, an index or a trigger is missing, altered, or not part of a store.
    Schema,
    /// A record refers to one that is not there.
    Reference,
    /// A value that no store writes: not UTF-8, not a date or a decimal where one must be, not one of the listed
    /// values, or with a character that XML cannot carry.
    Value,
    /// A rule of the API is broken.
    Rule,
    /// An amount or a state does not follow from the lines, the percents and the payments.
    Total,
    /// An id might be given twice, or no id is left.
    Sequence,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Problem::Damage => "damaged file",
            Problem::Schema => "altered schema",
            Problem::Reference => "missing reference",
            Problem::Value => "malformed value",
            Problem::Rule => "broken rule",
            Problem::Total => "wrong total",
            Problem::Sequence => "id sequence",
        })
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of thing.
    pub problem: Problem,
    /// The table, if it is about one.
    pub table: Option<&'static str>,
    /// The record's id, if it is about one.
    pub id: Option<i64>,
    /// The column, if it is about one.
    pub column: Option<&'static str>,
    /// What is wrong.
    pub description: String,
}

impl fmt::Display for Finding {
    /// `malformed value: invoices 7: due_at "2011-02-31" is not a date, like 2011-03-31`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.problem)?;
        match (self.table, self.id) {
            (Some(table), Some(id)) => write!(f, "{table} {id}: ")?,
            (Some(table), None) => write!(f, "{table}: ")?,
            _ => {}
        }
        if let Some(column) = self.column {
            write!(f, "{column} ")?;
        }
        f.write_str(&self.description)
    }
}

/// What a check has found.
///
/// ```
/// use clientstore::{ClientStore, NewClient, Problem};
///
/// let store = ClientStore::open_in_memory()?;
/// store.clients().create(&NewClient::named("SuprCorp"))?;
/// let report = store.check(|_| {})?;
/// assert!(report.kinds().contains(&("client", 1)));
/// if !report.is_clean() {
///     println!("{} findings in {} records, the first of them:", report.count(), report.records());
///     for finding in report.findings() {
///         println!("{finding}");
///     }
/// }
/// assert_eq!(report.count_of(Problem::Damage), 0);
/// assert!(!report.is_partial(), "everything could be looked at");
/// # Ok::<(), clientstore::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
    counts: BTreeMap<Problem, u64>,
    pub(super) kinds: Vec<(&'static str, u64)>,
    pub(super) partial: bool,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.counts.is_empty()
    }

    /// What is wrong, by problem; of each problem the first hundred.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many findings there are, including those above the first hundred of a problem.
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many findings of a problem there are.
    pub fn count_of(&self, problem: Problem) -> u64 {
        self.counts.get(&problem).copied().unwrap_or_default()
    }

    /// How many records were read.
    pub fn records(&self) -> u64 {
        self.kinds.iter().map(|(_, count)| count).sum()
    }

    /// How many records of each kind were read, by the name of its element such as `client`; kinds without records are
    /// left out.
    pub fn kinds(&self) -> &[(&'static str, u64)] {
        &self.kinds
    }

    /// Whether something could not be looked at, because tables or indexes are damaged or altered.
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    pub(super) fn add(&mut self, problem: Problem, description: impl Into<String>) {
        self.add_at(problem, (None, None, None), description);
    }

    /// Adds a finding at a place: table, id and column.
    pub(super) fn add_at(
        &mut self,
        problem: Problem,
        (table, id, column): (Option<&'static str>, Option<i64>, Option<&'static str>),
        description: impl Into<String>,
    ) {
        let count = self.counts.entry(problem).or_default();
        *count += 1;
        if *count <= KEPT {
            let at = self.findings.partition_point(|finding| finding.problem <= problem);
            self.findings.insert(at, Finding { problem, table, id, column, description: description.into() });
        }
    }
}

/// Turns damage that SQLite reports as an error into a finding; `None` then.
pub(super) fn or_damage<T>(report: &mut Report, result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Storage { source, .. } | Error::Unopened { source, .. })
            if source.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code)
                == Some(ErrorCode::DatabaseCorrupt) =>
        {
            report.partial = true;
            report.add(Problem::Damage, source.to_string());
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
