//! Making a new file's tables, and bringing an older file up to date.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection, ErrorCode};

use super::format::{APPLICATION_ID, FileFormat, Step, foreign, identity, newer, run, unaltered};
use super::objects::differences;
use crate::account::Account;
use crate::error::{Error, Result};
use crate::store::app;
use crate::store::backup::copy;
use crate::store::open::{Settings, begin, reader, with_suffix};
use crate::value::is_space;
use crate::xml::find_illegal;

/// The first version that has people.
const WITH_PEOPLE: i64 = 4;

/// What opening an older file has done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upgrade {
    /// The version that the file had.
    pub from: i64,
    /// The version that it has now.
    pub to: i64,
    /// Where the file stands as it was, beside it: `FILE.v1-backup` for version 1.
    pub backup: PathBuf,
}

impl fmt::Display for Upgrade {
    /// `brought from format version 1 to 2; the file as it was is store.db.v1-backup`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Upgrade { from, to, backup } = self;
        write!(f, "brought from format version {from} to {to}; the file as it was is {}", backup.display())
    }
}

/// A new file, or an older one.
pub(crate) struct Preparation<'a> {
    pub(crate) connection: &'a Connection,
    /// None in memory.
    pub(crate) path: Option<&'a Path>,
    pub(crate) settings: &'a Settings,
    /// Whose account it is: its administrator is the first person of a file that had none.
    pub(crate) account: &'a Account,
    pub(crate) format: &'a FileFormat,
    /// The scripts of the app's own tables.
    pub(crate) app: &'a [&'static str],
    /// Called before each step.
    pub(crate) step: &'a dyn Fn(),
}

impl Preparation<'_> {
    /// Makes a new file's tables or brings an older file up to date, in one transaction.
    pub(crate) fn run(&self) -> Result<Option<Upgrade>> {
        let done = (APPLICATION_ID, self.format.newest());
        let path = self.path.unwrap_or(Path::new(":memory:"));
        if identity(self.connection)? == done && app::seen(self.connection, path, self.app)? == self.app.len() {
            return Ok(None);
        }
        // A table can be made anew under the references to it; a transaction could not change this.
        self.connection.execute_batch("PRAGMA foreign_keys = OFF")?;
        let result = self.transaction();
        self.connection.execute_batch("PRAGMA foreign_keys = ON")?;
        result
    }

    fn transaction(&self) -> Result<Option<Upgrade>> {
        (self.step)();
        begin(self.connection)?;
        let mut backup = None;
        let result = self.bring_up_to_date(&mut backup).and_then(|upgrade| {
            app::migrate(self.connection, self.path.unwrap_or(Path::new(":memory:")), self.app)?;
            (self.step)();
            self.connection.execute_batch("COMMIT").inspect_err(|error| {
                // The disk may have all of it, and then the next to open the file finds the new version.
                if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
                    backup = None;
                }
            })?;
            Ok(upgrade)
        });
        if result.is_err() {
            drop(self.connection.execute_batch("ROLLBACK"));
            if let Some(backup) = backup {
                // The file is what it was.
                drop(fs::remove_file(backup));
            }
        }
        result
    }

    fn bring_up_to_date(&self, backup: &mut Option<PathBuf>) -> Result<Option<Upgrade>> {
        let (connection, to) = (self.connection, self.format.newest());
        let path = self.path.unwrap_or(Path::new(":memory:"));
        match identity(connection)? {
            (APPLICATION_ID, found) if found == to => Ok(None),
            (APPLICATION_ID, found) if found > to => Err(newer(path, found)),
            (APPLICATION_ID, from) if from >= 1 => {
                unaltered(path, self.format.differences(connection)?)?;
                (self.step)();
                let saved = backup.insert(self.back_up(path, from)?).clone();
                self.migrate(from).map_err(|error| failed(path, (from, to), error))?;
                self.name_administrator(from)?;
                connection.pragma_update(None, "user_version", to)?;
                Ok(Some(Upgrade { from, to, backup: saved }))
            }
            (id, _) => {
                let empty: bool =
                    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?;
                if !empty {
                    return Err(foreign(path, format!("an SQLite database with application id {id:#010x}")));
                }
                connection.execute_batch(self.format.schema)?;
                self.name_administrator(0)?;
                connection.pragma_update(None, "application_id", APPLICATION_ID)?;
                connection.pragma_update(None, "user_version", to)?;
                Ok(None)
            }
        }
    }

    /// Gives the first person the name and the address of the account's administrator, in a file that had no people.
    fn name_administrator(&self, from: i64) -> Result<()> {
        if from >= WITH_PEOPLE || self.format.newest() < WITH_PEOPLE {
            return Ok(());
        }
        let Account { email, first_name, last_name, .. } = self.account;
        let account = Account::default();
        let email = or_default(email, account.email);
        let names = (or_default(first_name, account.first_name), or_default(last_name, account.last_name));
        let sql = "UPDATE people SET email = ?1, first_name = ?2, last_name = ?3 WHERE id = 1";
        self.connection.execute(sql, (email, names.0, names.1))?;
        Ok(())
    }

    /// Keeps the file as it is beside it, under a name that is free.
    fn back_up(&self, path: &Path, version: i64) -> Result<PathBuf> {
        // SQLite copies what a connection sees only while it writes nothing itself; the transaction
        // that has begun keeps others from writing.
        let source = reader(path, self.settings)?;
        source.execute_batch("BEGIN")?;
        let mut number = 1;
        loop {
            let again = if number == 1 { String::new() } else { format!("-{number}") };
            let to = with_suffix(path, &format!(".v{version}-backup{again}"));
            match copy(&source, Some(path), &to, &mut |_, _| (self.step)(), whole) {
                Err(Error::Exists { .. }) => number += 1,
                result => return result.map(|()| to),
            }
        }
    }

    fn migrate(&self, from: i64) -> Result<()> {
        for Step { script, .. } in self.format.steps_from(from) {
            let mut statements = Batch::new(self.connection, script);
            while let Some(mut statement) = statements.next()? {
                (self.step)();
                run(&mut statement)?;
            }
        }
        (self.step)();
        if let Some(difference) = differences(self.connection, &self.format.objects()?)?.first() {
            return Err(Error::storage("bringing the file up to date", difference.to_string()));
        }
        if self.connection.prepare("PRAGMA foreign_key_check")?.exists([])? {
            return Err(Error::storage("bringing the file up to date", "a record refers to one that is not there"));
        }
        Ok(())
    }
}

/// A text of the account as the file can hold it: what no document can carry becomes U+FFFD, a blank one the default.
fn or_default(text: &str, default: String) -> String {
    if text.chars().all(is_space) {
        return default;
    }
    let is_illegal = |character: char| find_illegal(character.encode_utf8(&mut [0; 4])).is_some();
    text.chars().map(|character| if is_illegal(character) { '\u{FFFD}' } else { character }).collect()
}

fn whole(copy: &Path) -> Result<()> {
    let connection = Connection::open(copy)?;
    // A value that no store writes is as it was; whether it has a place is for the new version to say.
    connection.execute_batch("PRAGMA ignore_check_constraints = ON")?;
    let said: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(Error::storage("verifying the backup", said)) }
}

fn failed(path: &Path, (from, to): (i64, i64), error: Error) -> Error {
    let Error::Storage { source, .. } = error else { return error };
    let hint = format!(
        "it has format version {from}, and cannot be brought to version {to}: {source}. It was left as it was; \
         clientstore check {} may say what is wrong with it",
        path.display()
    );
    Error::Unopened { path: path.to_owned(), hint, source }
}

#[cfg(test)]
mod tests;
