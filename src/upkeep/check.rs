//! Whether a file is whole.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::records::{self, Depth};
use super::report::or_damage;
use super::{Problem, Progress, Report};
use crate::error::Result;
use crate::store::{ClientStore, Reads, differences, inspect};

impl ClientStore {
    /// Checks that the store is whole, and tells what is wrong with it and where; it changes nothing.
    ///
    /// It checks the pages and indexes of the file, and that the tables, indexes and triggers are those of a store. Of
    /// each record it checks that the records it refers to exist, that its values are well-formed, that the rules of
    /// the API hold, and that its amounts follow from its lines, percents and payments. The amounts of an invoice
    /// without lines are not checked, since it may come from a list, which has no lines.
    ///
    /// All is read at one moment; the store may be in use. `progress` is called at each step.
    ///
    /// ```
    /// let store = clientstore::ClientStore::open_in_memory()?;
    /// let report = store.check(|_| {})?;
    /// assert!(report.is_clean(), "{:?}", report.findings());
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Busy`](crate::Error::Busy) and [`Error::Storage`](crate::Error::Storage) where the file cannot be read
    /// at all. Damage is a finding.
    pub fn check(&self, mut progress: impl FnMut(Progress)) -> Result<Report> {
        self.snapshot()?.read(|connection| check(connection, &mut progress))
    }

    /// Checks a file as [`check`](Self::check) does, even one that is too damaged or altered to be opened.
    ///
    /// The file itself stays as it is, to the byte. It may be in use.
    ///
    /// ```no_run
    /// use clientstore::ClientStore;
    ///
    /// let report = ClientStore::check_file("clientstore.db", |_| {})?;
    /// for finding in report.findings() {
    ///     println!("{finding}");
    /// }
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Missing`](crate::Error::Missing), [`Error::Foreign`](crate::Error::Foreign),
    /// [`Error::Newer`](crate::Error::Newer), [`Error::Unopened`](crate::Error::Unopened),
    /// [`Error::Busy`](crate::Error::Busy) and [`Error::Storage`](crate::Error::Storage).
    pub fn check_file(path: impl AsRef<Path>, mut progress: impl FnMut(Progress)) -> Result<Report> {
        let mut report = Report::default();
        let connection = inspect(path.as_ref());
        let Some(connection) = or_damage(&mut report, connection)? else { return Ok(report) };
        connection.execute_batch("BEGIN")?;
        check(&connection, &mut progress)
    }
}

fn check(connection: &Connection, progress: &mut dyn FnMut(Progress)) -> Result<Report> {
    let mut report = Report::default();
    progress(Progress { doing: "checking the pages", done: 0, total: 0 });
    // The rules are checked below, record by record, so that a finding names the record.
    connection.execute_batch("PRAGMA ignore_check_constraints = ON")?;
    let pages = integrity(connection, &mut report);
    connection.execute_batch("PRAGMA ignore_check_constraints = OFF")?;
    or_damage(&mut report, pages)?;
    let depth = schema(connection, &mut report);
    let Some(depth) = or_damage(&mut report, depth)? else { return Ok(report) };
    records::check(connection, depth, &mut report, progress)?;
    Ok(report)
}

fn integrity(connection: &Connection, report: &mut Report) -> Result<()> {
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let said = match row.get_ref(0)? {
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        };
        // SQLite may report one damaged tree in several lines.
        for line in said.lines().filter(|line| *line != "ok" && !line.starts_with("*** in database")) {
            report.add(Problem::Damage, line);
        }
    }
    Ok(())
}

fn schema(connection: &Connection, report: &mut Report) -> Result<Depth> {
    let differences = differences(connection)?;
    let depth = match () {
        () if differences.iter().any(|difference| !difference.is_readable()) => Depth::Nothing,
        // Without its index, each invoice would read all lines.
        () if differences.iter().any(|difference| difference.object.kind == "index") => Depth::Rows,
        () => Depth::Whole,
    };
    for difference in differences {
        report.add(Problem::Schema, difference.to_string());
    }
    Ok(depth)
}
