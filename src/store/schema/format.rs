//! The format of a store's file: its versions, and how a file of another one is told.

use std::borrow::Cow;
use std::path::Path;

use rusqlite::{Connection, Statement};

use super::objects::{self, Difference, Object};
use crate::error::{Error, Result};

/// SQLite's `application_id` of every store: the bytes `cSto`.
pub(crate) const APPLICATION_ID: i64 = 0x6353_746F;

/// The format of a file: the schema of new ones, and the steps that bring older ones to it.
#[derive(Clone, Copy)]
pub(crate) struct FileFormat {
    pub(crate) schema: &'static str,
    /// The first leads from version 1 to 2, the last to the schema.
    pub(crate) steps: &'static [Step],
}

/// A step from one version to the next.
pub(crate) struct Step {
    /// The script that brings a file of the version before to this one.
    ///
    /// It runs with foreign keys off. A table that is made anew takes its number in `sqlite_sequence` along. It drops by
    /// name what it makes anew, indexes too, so that a file where one is missing is known to be altered.
    pub(crate) script: &'static str,
    /// The script that lets a connection read a file of the version before like one of the newest: by temporary views in
    /// the place of its tables.
    pub(crate) views: &'static str,
}

/// Versions 1 and 2 have the same tables.
const V2_AS_V4: &str = concat!(include_str!("migrate/v2_read_as_v3.sql"), include_str!("migrate/v3_read_as_v4.sql"));

/// The format of this program's files.
pub(crate) static FILE_FORMAT: FileFormat = FileFormat {
    schema: objects::CURRENT,
    steps: &[
        Step { script: include_str!("migrate/v2_from_v1.sql"), views: V2_AS_V4 },
        Step { script: include_str!("migrate/v3_from_v2.sql"), views: V2_AS_V4 },
        Step { script: include_str!("migrate/v4_from_v3.sql"), views: include_str!("migrate/v3_read_as_v4.sql") },
    ],
};

impl FileFormat {
    /// The version of new files.
    pub(crate) const fn newest(&self) -> i64 {
        self.steps.len() as i64 + 1
    }

    /// The steps from a version to the newest.
    pub(crate) fn steps_from(&self, version: i64) -> &'static [Step] {
        usize::try_from(version - 1).ok().and_then(|at| self.steps.get(at..)).unwrap_or_default()
    }

    /// Lets a connection that only reads read an older file like one of the newest version.
    pub(crate) fn read_as_newest(&self, connection: &Connection) -> rusqlite::Result<()> {
        match identity(connection)? {
            (APPLICATION_ID, version) => match self.steps_from(version).first() {
                Some(step) => connection.execute_batch(step.views),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The objects of a file of the newest version.
    pub(crate) fn objects(&self) -> Result<Cow<'static, [Object]>> {
        if std::ptr::eq(self.schema, objects::CURRENT) {
            return objects::current().map(Cow::Borrowed);
        }
        objects::made_by(self.schema).map(Cow::Owned)
    }
}

/// The file's application id and version.
pub(crate) fn identity(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    Ok((pragma("application_id")?, pragma("user_version")?))
}

/// Runs a statement to its end.
pub(crate) fn run(statement: &mut Statement<'_>) -> rusqlite::Result<()> {
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    Ok(())
}

/// Refuses a file that differs.
pub(crate) fn unaltered(path: &Path, differences: Vec<Difference>) -> Result<()> {
    match differences.first() {
        None => Ok(()),
        Some(first) => {
            Err(Error::Altered { path: path.to_owned(), what: first.to_string(), more: differences.len() - 1 })
        }
    }
}

pub(crate) fn foreign(path: &Path, found: String) -> Error {
    Error::Foreign { path: path.to_owned(), found }
}

pub(crate) fn newer(path: &Path, found: i64) -> Error {
    Error::Newer { path: path.to_owned(), found, supported: FILE_FORMAT.newest() }
}
