//! The schema of a file, against the one that its version has.

use std::fmt;
use std::sync::OnceLock;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::error::Result;
use crate::store::app::is_apps_object;

/// The schema of new files.
pub(crate) const CURRENT: &str = include_str!("../../../schema.sql");

/// The tables that Litestream 0.5 adds to a file that it follows, by their names and statements. It writes to them for
/// SQLite to lock the file and to begin a new log; nothing of a store is in them.
const LITESTREAM: [(&str, &str); 2] = [
    ("_litestream_seq", "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)"),
    ("_litestream_lock", "CREATE TABLE _litestream_lock (id INTEGER)"),
];

/// A table, index, trigger or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// SQLite's word for it, like `table`.
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Its statement, without comments and needless white space.
    pub(crate) sql: String,
}

/// What is wrong with an object of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Missing,
    Changed,
    Foreign,
}

/// An object that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) object: Object,
    pub(crate) fault: Fault,
}

impl Difference {
    /// Whether rows can be read all the same: triggers and indexes only matter to who writes.
    pub(crate) fn is_readable(&self) -> bool {
        matches!(self.object.kind.as_str(), "trigger" | "index") || self.fault == Fault::Foreign
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Object { kind, name, .. } = &self.object;
        match self.fault {
            Fault::Missing => write!(f, "the {kind} {name} is missing"),
            Fault::Changed => write!(f, "the {kind} {name} is not the one of schema.sql"),
            Fault::Foreign => write!(f, "the {kind} {name} is no part of a clientstore"),
        }
    }
}

/// Where a file's schema differs from the given one.
pub(crate) fn differences(connection: &Connection, expected: &[Object]) -> Result<Vec<Difference>> {
    let found = objects(connection)?;
    let same = |one: &Object, other: &Object| one.kind == other.kind && one.name == other.name;
    let mut differences = Vec::new();
    for object in expected {
        let fault = match found.iter().find(|other| same(object, other)) {
            Some(other) if other.sql == object.sql => continue,
            Some(_) => Fault::Changed,
            None => Fault::Missing,
        };
        differences.push(Difference { object: object.clone(), fault });
    }
    let foreign = found.into_iter().filter(|object| !expected.iter().any(|other| same(object, other)));
    differences.extend(foreign.map(|object| Difference { object, fault: Fault::Foreign }));
    Ok(differences)
}

/// The objects of the current schema.
pub(crate) fn current() -> Result<&'static [Object]> {
    static CURRENT_OBJECTS: OnceLock<Vec<Object>> = OnceLock::new();
    match CURRENT_OBJECTS.get() {
        Some(objects) => Ok(objects),
        None => {
            let made = made_by(CURRENT)?;
            Ok(CURRENT_OBJECTS.get_or_init(|| made))
        }
    }
}

/// The objects that a script makes.
pub(crate) fn made_by(script: &str) -> Result<Vec<Object>> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(script)?;
    objects(&connection)
}

/// The objects of a file, except those that SQLite, Litestream and an app keep for themselves.
pub(crate) fn objects(connection: &Connection) -> Result<Vec<Object>> {
    let mut statement = connection.prepare("SELECT type, name, sql, tbl_name FROM sqlite_schema")?;
    let mut rows = statement.query([])?;
    let mut objects = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |at| -> Result<String> {
            Ok(match row.get_ref(at)? {
                ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                _ => String::new(),
            })
        };
        let object = Object { kind: text(0)?, name: text(1)?, sql: plain(&text(2)?) };
        let is_of_sqlite = ["sqlite_sequence", "sqlite_stat1", "sqlite_stat4"].contains(&object.name.as_str());
        let is_of_litestream = LITESTREAM.contains(&(object.name.as_str(), object.sql.as_str()));
        let is_table_of_others = object.kind == "table" && (is_of_sqlite || is_of_litestream);
        if !(is_table_of_others || is_apps_object(&object.name, &text(3)?)) {
            objects.push(object);
        }
    }
    Ok(objects)
}

/// A statement without its comments, each run of white space outside quotes as one space.
fn plain(sql: &str) -> String {
    let mut plain = String::with_capacity(sql.len());
    let mut characters = sql.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        match character {
            '\'' => quoted = !quoted,
            '-' if !quoted && characters.peek() == Some(&'-') => {
                characters.by_ref().take_while(|next| *next != '\n').for_each(drop);
                if !plain.ends_with(' ') {
                    plain.push(' ');
                }
                continue;
            }
            space if !quoted && space.is_ascii_whitespace() => {
                if !plain.ends_with(' ') {
                    plain.push(' ');
                }
                continue;
            }
            _ => {}
        }
        plain.push(character);
    }
    // A table that was renamed has its name in quotes.
    if let Some((name, rest)) = plain.strip_prefix("CREATE TABLE \"").and_then(|rest| rest.split_once('"'))
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    {
        return format!("CREATE TABLE {name}{rest}");
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The differences of a new file on which a script was run.
    fn after(script: &str) -> Vec<String> {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(CURRENT).unwrap();
        connection.execute_batch(script).unwrap();
        let differences = differences(&connection, current().unwrap()).unwrap();
        differences.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_new_file_has_no_differences_and_neither_does_an_analyzed_one() {
        assert_eq!(after(""), [""; 0]);
        assert_eq!(after("ANALYZE"), [""; 0]);
        assert_eq!(after("VACUUM"), [""; 0]);
    }

    #[test]
    fn every_object_of_the_schema_is_missed() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(CURRENT).unwrap();
        connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        for object in current().unwrap() {
            let Object { kind, name, .. } = object;
            // Each in a transaction that is rolled back, because making the schema anew takes longer.
            let transaction = connection.transaction().unwrap();
            transaction.execute_batch(&format!("DROP {kind} {name}")).unwrap();
            let found: Vec<String> =
                differences(&transaction, current().unwrap()).unwrap().iter().map(ToString::to_string).collect();
            assert!(found.contains(&format!("the {kind} {name} is missing")), "{name}: {found:?}");
        }
    }

    #[test]
    fn what_is_changed_and_what_is_foreign_is_told() {
        let changed = "DROP TRIGGER projects_id_stays; \
                       CREATE TRIGGER projects_id_stays BEFORE UPDATE ON projects WHEN 0 BEGIN SELECT 1; END";
        assert_eq!(after(changed), ["the trigger projects_id_stays is not the one of schema.sql"]);
        assert_eq!(after("CREATE VIEW v AS SELECT 1"), ["the view v is no part of a clientstore"]);
        let replaced = "PRAGMA foreign_keys = OFF; DROP TABLE invoice_payments; \
                        CREATE VIEW invoice_payments AS SELECT * FROM invoice_messages";
        let found = after(replaced);
        assert_eq!(found.first().unwrap(), "the table invoice_payments is missing", "{found:?}");
        assert_eq!(found.last().unwrap(), "the view invoice_payments is no part of a clientstore");
    }

    #[test]
    fn white_space_and_comments_are_no_difference_and_quotes_are() {
        assert_eq!(plain("CREATE  TABLE t (\r\n  x, -- it's a comment\n  y)"), plain("CREATE TABLE t ( x, y)"));
        assert_ne!(plain("SELECT 'a  b'"), plain("SELECT 'a b'"));
        assert_ne!(plain("SELECT '--x'"), plain("SELECT '--y'"));
        assert_ne!(plain("CREATE TABLE t (\"--a\n\" x)"), plain("CREATE TABLE t ( x)"));
    }
}
