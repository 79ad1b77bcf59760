//! Recording what a transaction changes, row by row, with the values before and after it.
//!
//! Temporary triggers on the writer's connection hand each row, as it was, to a function before it is first written to; so what
//! the file's own triggers change is recorded as well. They are there only while somebody has an undo session, and nothing of
//! them is in the file. SQLite's session extension would do the same, but rusqlite needs libclang to build it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::error::Result;

/// The values of a row, in the order of its table's columns.
pub(crate) type Row = Vec<Value>;

/// What a transaction has changed.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// By table and id.
    pub(crate) rows: Vec<ChangedRow>,
    /// The last ids that were given before and after it, where that is another.
    pub(crate) sequences: Vec<Sequence>,
}

/// A row before and after a transaction; none where it was not there.
#[derive(Debug)]
pub(crate) struct ChangedRow {
    pub(crate) table: Arc<Shape>,
    pub(crate) id: i64,
    pub(crate) before: Option<Row>,
    pub(crate) after: Option<Row>,
}

/// The last id that a table has given, before and after a transaction; 0 where it has given none.
#[derive(Debug)]
pub(crate) struct Sequence {
    pub(crate) table: String,
    pub(crate) before: i64,
    pub(crate) after: i64,
}

/// A table whose key is an integer.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: String,
    /// The name of its key.
    pub(crate) key: String,
    pub(crate) columns: Vec<String>,
}

/// The function that the triggers call: a table's number, the id, and the row, where there was one.
const FUNCTION: &str = "clientstore_was";
/// What the names of the triggers begin with.
const PREFIX: &str = "clientstore_was_";
/// Tables of the program around the store are its own to undo.
const TABLES: &str = "SELECT name FROM main.sqlite_schema WHERE type = 'table' \
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'app\\_%' ESCAPE '\\' ORDER BY name";

type Was = HashMap<(usize, i64), Option<Row>>;

/// Records transactions of a writer's connection.
#[derive(Default)]
pub(crate) struct Recorder {
    sessions: AtomicUsize,
    /// Whether the triggers may be there.
    installed: AtomicBool,
    tables: Mutex<Vec<Arc<Shape>>>,
    /// The rows that the transaction has written to, as they were; none while nothing is recorded.
    was: Arc<Mutex<Option<Was>>>,
}

impl Recorder {
    /// One more session records from now on.
    pub(crate) fn enter(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    /// A session has ended.
    pub(crate) fn leave(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    /// Removes the triggers after the last session.
    #[inline]
    pub(crate) fn tidy(&self, connection: &Connection) -> Result<()> {
        if self.installed.load(Ordering::Relaxed) && self.sessions.load(Ordering::Relaxed) == 0 {
            self.installed.store(false, Ordering::Relaxed);
            for name in triggers(connection)? {
                connection.execute_batch(&format!("DROP TRIGGER temp.{name}"))?;
            }
        }
        Ok(())
    }

    /// Records what the transaction that runs changes from now on.
    pub(crate) fn start<'a>(&'a self, connection: &'a Connection) -> Result<Recording<'a>> {
        self.install(connection)?;
        *lock(&self.was) = Some(Was::new());
        // From here on, an error ends the recording.
        let mut recording = Recording { recorder: self, connection, sequences: HashMap::new() };
        recording.sequences = sequences(connection)?;
        Ok(recording)
    }

    /// Adds the triggers, if they are not there or a rollback has taken them away.
    fn install(&self, connection: &Connection) -> Result<()> {
        if self.installed.load(Ordering::Relaxed) && !triggers(connection)?.is_empty() {
            return Ok(());
        }
        let was = Arc::clone(&self.was);
        connection.create_scalar_function(FUNCTION, -1, FunctionFlags::SQLITE_UTF8, move |context| {
            if let Some(was) = &mut *lock(&was) {
                let (table, id) = (context.get::<i64>(0)?, context.get(1)?);
                let values =
                    || (2..context.len()).map(|at| context.get::<Value>(at)).collect::<rusqlite::Result<Row>>();
                if let std::collections::hash_map::Entry::Vacant(new) = was.entry((table as usize, id)) {
                    new.insert(if context.len() == 2 { None } else { Some(values()?) });
                }
            }
            Ok(None::<i64>)
        })?;
        let mut tables = lock(&self.tables);
        tables.clear();
        let mut statement = connection.prepare(TABLES)?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        for name in names {
            if let Some(shape) = Shape::of(connection, name?)? {
                connection.execute_batch(&shape.triggers(tables.len()))?;
                tables.push(Arc::new(shape));
            }
        }
        self.installed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Shape {
    fn of(connection: &Connection, name: String) -> Result<Option<Self>> {
        let mut statement = connection.prepare_cached("SELECT name, pk, type FROM pragma_table_info(?1)")?;
        let columns = statement.query_map([&name], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)? > 0, row.get::<_, String>(2)?))
        })?;
        let columns = columns.collect::<rusqlite::Result<Vec<_>>>()?;
        let mut keys = columns.iter().filter(|(_, is_key, _)| *is_key);
        let key = match (keys.next(), keys.next()) {
            (Some((key, _, kind)), None) if kind.eq_ignore_ascii_case("INTEGER") => key.clone(),
            _ => return Ok(None),
        };
        Ok(Some(Shape { name, key, columns: columns.into_iter().map(|(name, ..)| name).collect() }))
    }

    fn triggers(&self, number: usize) -> String {
        let Shape { name, key, columns } = self;
        let row = |of: &str| -> String { columns.iter().map(|column| format!(", {of}.{column}")).collect() };
        let (old, replaced) = (row("OLD"), row("replaced"));
        // An insert that replaces a row fires no trigger of a delete.
        format!(
            "CREATE TEMP TRIGGER {PREFIX}{name}_replaced BEFORE INSERT ON main.{name} BEGIN
                SELECT {FUNCTION}({number}, replaced.{key}{replaced}) FROM {name} AS replaced WHERE replaced.{key} = NEW.{key};
            END;
            CREATE TEMP TRIGGER {PREFIX}{name}_inserted AFTER INSERT ON main.{name} BEGIN
                SELECT {FUNCTION}({number}, NEW.{key});
            END;
            CREATE TEMP TRIGGER {PREFIX}{name}_updated BEFORE UPDATE ON main.{name} BEGIN
                SELECT {FUNCTION}({number}, OLD.{key}{old});
            END;
            CREATE TEMP TRIGGER {PREFIX}{name}_deleted BEFORE DELETE ON main.{name} BEGIN
                SELECT {FUNCTION}({number}, OLD.{key}{old});
            END;"
        )
    }

    /// The row with the id, where there is one.
    pub(crate) fn row(&self, connection: &Connection, id: i64) -> Result<Option<Row>> {
        let sql = format!("SELECT {} FROM main.{} WHERE {} = ?1", self.columns.join(", "), self.name, self.key);
        let width = self.columns.len();
        let read = |row: &rusqlite::Row<'_>| (0..width).map(|at| row.get(at)).collect();
        Ok(connection.prepare_cached(&sql)?.query_row([id], read).optional()?)
    }

    /// Makes the row with the id what it is to be, with no regard to what that entails.
    pub(crate) fn put(
        &self,
        connection: &Connection,
        id: i64,
        row: Option<&Row>,
        is_there: bool,
    ) -> rusqlite::Result<()> {
        let Shape { name, key, columns } = self;
        let Some(row) = row else {
            connection.prepare_cached(&format!("DELETE FROM main.{name} WHERE {key} = ?1"))?.execute([id])?;
            return Ok(());
        };
        let sql = if is_there {
            let sets: Vec<String> =
                columns.iter().enumerate().map(|(at, name)| format!("{name} = ?{}", at + 1)).collect();
            let at = columns.iter().position(|column| column == key).unwrap_or_default() + 1;
            format!("UPDATE main.{name} SET {} WHERE {key} = ?{at}", sets.join(", "))
        } else {
            let parameters: Vec<String> = (1..=columns.len()).map(|at| format!("?{at}")).collect();
            format!("INSERT INTO main.{name} ({}) VALUES ({})", columns.join(", "), parameters.join(", "))
        };
        connection.prepare_cached(&sql)?.execute(params_from_iter(row)).map(drop)
    }
}

/// A transaction that is recorded, until this is dropped.
pub(crate) struct Recording<'a> {
    recorder: &'a Recorder,
    connection: &'a Connection,
    sequences: HashMap<String, i64>,
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        *lock(&self.recorder.was) = None;
    }
}

impl Recording<'_> {
    /// The last id that the table had given as the recording began.
    pub(crate) fn sequence(&self, table: &str) -> i64 {
        self.sequences.get(table).copied().unwrap_or_default()
    }

    /// What has changed since it began.
    pub(crate) fn stop(self) -> Result<Recorded> {
        let was = lock(&self.recorder.was).take().unwrap_or_default();
        let mut recorded = Recorded::default();
        let tables = lock(&self.recorder.tables);
        let mut rows: Vec<_> = was.into_iter().collect();
        rows.sort_unstable_by_key(|(row, _)| *row);
        for ((table, id), before) in rows {
            let Some(table) = tables.get(table) else { continue };
            let after = table.row(self.connection, id)?;
            if before != after {
                recorded.rows.push(ChangedRow { table: Arc::clone(table), id, before, after });
            }
        }
        let now = sequences(self.connection)?;
        for table in tables.iter().map(|table| &table.name) {
            let (before, after) = (self.sequence(table), now.get(table).copied().unwrap_or_default());
            if before != after {
                recorded.sequences.push(Sequence { table: table.clone(), before, after });
            }
        }
        Ok(recorded)
    }
}

/// The last id that each table has given.
fn sequences(connection: &Connection) -> Result<HashMap<String, i64>> {
    let mut statement = connection.prepare_cached("SELECT name, seq FROM main.sqlite_sequence")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn triggers(connection: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT name FROM temp.sqlite_schema WHERE type = 'trigger' AND substr(name, 1, length(?1)) = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map([PREFIX], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
