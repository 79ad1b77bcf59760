//! Making rows what they were, under the rules of the file.
//!
//! The order in which rows must be written depends on the rules: a client comes before its projects and goes after them. So a row
//! that the file refuses is tried again after the others, as long as that helps. What the file's triggers change on the way is
//! set right in the same manner.

use std::collections::HashSet;

use rusqlite::types::Value as Stored;
use rusqlite::{Connection, ErrorCode};

use crate::error::{Error, Result};
use crate::record::Values;
use crate::resources;
use crate::store::{ADMINISTRATOR, Change, ChangedRow, Entity, Recorded, Recording, Row, Way, refusal};
use crate::value::Value;

/// A row that a step has changed, seen in the direction of the replay.
struct Target<'a> {
    row: &'a ChangedRow,
    entity: Option<&'static Entity>,
    expected: Option<&'a Row>,
    wanted: Option<&'a Row>,
    /// By which it stands in order: records before those that refer to them.
    rank: usize,
}

/// Undoes a recorded step or does it again, all of it or nothing.
pub(super) fn replay(connection: &Connection, step: &Recorded, way: Way, recording: Recording<'_>) -> Result<()> {
    let mut targets: Vec<Target<'_>> = step.rows.iter().map(|row| Target::of(row, way)).collect();
    for target in &targets {
        if !target.is(&target.now(connection)?, target.expected) {
            return Err(target.changed_since());
        }
    }
    // What comes, or stays, before what goes; and what goes after all that refers to it.
    targets.sort_by_key(|target| match target.wanted {
        Some(_) => (false, target.rank),
        None => (true, usize::MAX - target.rank),
    });
    put_all(connection, &targets)?;
    for target in &targets {
        target.derive(connection)?;
    }
    for sequence in &step.sequences {
        let (from, to) = match way {
            Way::Back => (sequence.after, sequence.before),
            Way::Forth => (sequence.before, sequence.after),
        };
        // Otherwise somebody else has got ids since.
        if recording.sequence(&sequence.table) == from {
            let sql = "UPDATE main.sqlite_sequence SET seq = ?2 WHERE name = ?1";
            connection.prepare_cached(sql)?.execute((&sequence.table, to))?;
        }
    }
    // What belongs to the step, but was added by somebody else, has gone with it.
    let known: HashSet<_> = step.rows.iter().map(|row| (row.table.name.as_str(), row.id)).collect();
    for row in recording.stop()?.rows {
        let other = Target::of(&row, Way::Forth);
        if !known.contains(&(row.table.name.as_str(), row.id)) && !other.is(&row.before, row.after.as_ref()) {
            return Err(other.changed_since());
        }
    }
    Ok(())
}

/// Writes rows until each is as it should be.
fn put_all(connection: &Connection, targets: &[Target<'_>]) -> Result<()> {
    loop {
        let (mut written, mut failed) = (0, None);
        for target in targets {
            let now = target.now(connection)?;
            if target.is(&now, target.wanted) {
                continue;
            }
            match target.put(connection, now.is_some()) {
                Ok(()) => written += 1,
                Err(error) if is_constraint(&error) => {
                    failed.get_or_insert((target, error));
                }
                Err(error) => return Err(error.into()),
            }
        }
        match failed {
            Some((target, error)) if written == 0 => return Err(target.refused(connection, error)?),
            None if written == 0 => return Ok(()),
            _ => {}
        }
    }
}

impl<'a> Target<'a> {
    fn of(row: &'a ChangedRow, way: Way) -> Self {
        let (before, after) = (row.before.as_ref(), row.after.as_ref());
        let (expected, wanted) = match way {
            Way::Back => (after, before),
            Way::Forth => (before, after),
        };
        let name = row.table.name.as_str();
        let mut entities = resources::entities();
        let rank = entities.clone().position(|entity| entity.table.name == name).unwrap_or(usize::MAX / 2);
        // A file belongs to its record.
        let is_its =
            |entity: &&Entity| entity.table.name == name || entity.files.is_some_and(|files| files.table == name);
        Target { row, entity: entities.find(is_its), expected, wanted, rank }
    }

    /// The kind of record that the row is, unless it is a file of one.
    fn record(&self) -> Option<&'static Entity> {
        self.entity.filter(|entity| entity.table.name == self.row.table.name)
    }

    fn now(&self, connection: &Connection) -> Result<Option<Row>> {
        self.row.table.row(connection, self.row.id)
    }

    /// Makes the row what it is to be.
    fn put(&self, connection: &Connection, is_there: bool) -> rusqlite::Result<()> {
        let ChangedRow { table, id, .. } = self.row;
        let put = || table.put(connection, *id, self.wanted, is_there);
        let (error, unlocked) = match (put(), self.record().and_then(|entity| entity.unlocked)) {
            (Err(error), Some(unlocked)) if is_there && is_constraint(&error) => (error, unlocked),
            (result, _) => return result,
        };
        let sql = format!("UPDATE main.{} SET {unlocked} WHERE {} = ?1", table.name, table.key);
        // Another row may be in the way, whose turn comes.
        if connection.prepare_cached(&sql)?.execute([id]).is_err() { Err(error) } else { put() }
    }

    /// The columns that follow from other records, if the row is a record.
    fn derived(&self) -> &'static [(&'static str, &'static str)] {
        self.record().map_or(&[], |entity| entity.derived)
    }

    /// Whether the row is as it should be, but for what follows from other records.
    fn is(&self, now: &Option<Row>, wanted: Option<&Row>) -> bool {
        let is_derived = |column: &str| self.derived().iter().any(|(derived, _)| *derived == column);
        match (now, wanted) {
            (None, None) => true,
            (Some(now), Some(wanted)) => {
                let mut columns = self.row.table.columns.iter().zip(now.iter().zip(wanted));
                columns.all(|(column, (now, wanted))| now == wanted || is_derived(column))
            }
            _ => false,
        }
    }

    /// Sets what follows from other records, which may not be what it was.
    fn derive(&self, connection: &Connection) -> Result<()> {
        let Some(wanted) = self.wanted else { return Ok(()) };
        let table = &self.row.table;
        for (column, sql) in self.derived() {
            let Some(value) = table.columns.iter().position(|name| name == column).map(|at| &wanted[at]) else {
                continue;
            };
            let name = &table.name;
            let sql = format!("UPDATE {name} SET {column} = {sql} WHERE id = ?2 AND {column} IS NOT {sql}");
            connection.prepare_cached(&sql)?.execute((value, self.row.id))?;
        }
        Ok(())
    }

    fn changed_since(&self) -> Error {
        let record = self.entity.map_or("row", |entity| entity.document.element);
        Error::ChangedSince { record, id: self.row.id }
    }

    /// Which rule forbids the row, or else what the file says.
    fn refused(&self, connection: &Connection, error: rusqlite::Error) -> Result<Error> {
        let said = Error::storage("the file refused the change", error);
        let Some(entity) = self.record() else { return Ok(said) };
        let mut values = Values::new(entity.table);
        for (column, value) in self.row.table.columns.iter().zip(self.wanted.into_iter().flatten()) {
            if let Some(at) = entity.table.find(column) {
                values.set_at(at, typed(value));
            }
        }
        let id = self.row.id;
        let change = match (self.wanted, self.now(connection)?) {
            (None, _) => Change::Delete(id),
            (Some(_), None) => Change::Create(&values),
            (Some(_), Some(_)) => Change::Update(id, &values),
        };
        match refusal(connection, entity, &change, ADMINISTRATOR)? {
            refused @ Error::Refused { .. } => Ok(refused),
            _ => Ok(said),
        }
    }
}

fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// The value as records have it, which have no others.
fn typed(value: &Stored) -> Value {
    match value {
        Stored::Integer(number) => Value::Integer(*number),
        Stored::Text(text) => Value::Text(text.clone()),
        Stored::Null | Stored::Real(_) | Stored::Blob(_) => Value::Null,
    }
}
