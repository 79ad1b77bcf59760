//! Whether each record is as a store writes it.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::report::or_damage;
use super::{Problem, Progress, Report};
use crate::error::Result;
use crate::record::{Column, Nil, View};
use crate::resources::entities;
use crate::store::Entity;
use crate::value::{Value, quoted, utf8};

/// The greatest id that every program can hold exactly, 2 to the power of 53; above, ids are on their way to run out.
const GREATEST: i64 = 1 << 53;

/// How much of the records an altered schema lets be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    Nothing,
    /// All that needs no index.
    Rows,
    Whole,
}

pub(super) fn check(
    connection: &Connection,
    depth: Depth,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    report.partial |= depth < Depth::Whole;
    if depth == Depth::Nothing {
        return Ok(());
    }
    let total = total(connection);
    let total = or_damage(report, total)?.unwrap_or_default();
    let mut tell = |done| progress(Progress { doing: "checking the records", done, total });
    tell(0);
    for entity in entities() {
        let rows = rows(connection, entity, depth, report, &mut tell);
        or_damage(report, rows)?;
        let invariants = invariants(connection, entity, report);
        or_damage(report, invariants)?;
        let sequence = sequence(connection, entity, report);
        or_damage(report, sequence)?;
    }
    let references = references(connection, report);
    or_damage(report, references).map(drop)
}

fn total(connection: &Connection) -> Result<u64> {
    entities().try_fold(0, |sum, entity| {
        let sql = format!("SELECT count(*) FROM {}", entity.table.name);
        Ok(sum + connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
    })
}

fn rows(
    connection: &Connection,
    entity: &Entity,
    depth: Depth,
    report: &mut Report,
    tell: &mut dyn FnMut(u64),
) -> Result<()> {
    let table = entity.table;
    let audit = entity.audit.filter(|_| depth == Depth::Whole);
    // Not through an index: what a damaged one leaves out would not be looked at.
    let mut statement = connection.prepare(&format!("{} NOT INDEXED", table.sql().select(View::Internal)))?;
    let mut rows = statement.query([])?;
    let before = report.records();
    let mut read = 0;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(table.id())?;
        let mut whole = true;
        if id < 1 {
            report.add_at(Problem::Value, (Some(table.name), Some(id), Some("id")), "is not positive");
        }
        let stored = table.columns.iter().enumerate().filter(|(_, column)| column.computed.is_none());
        for (position, column) in stored {
            if let Err(reason) = value(column, row, position)? {
                report.add_at(Problem::Value, (Some(table.name), Some(id), Some(column.name)), reason);
                whole = false;
            }
        }
        // What follows from malformed values cannot be told.
        if let Some(audit) = audit.filter(|_| whole) {
            audit(connection, id, &mut |column, reason| {
                report.add_at(Problem::Total, (Some(table.name), Some(id), Some(column)), reason);
            })?;
        }
        read += 1;
        match report.kinds.last_mut().filter(|(kind, _)| *kind == entity.document.element) {
            Some((_, count)) => *count = read,
            None => report.kinds.push((entity.document.element, read)),
        }
        if read.is_multiple_of(256) {
            tell(before + read);
        }
    }
    tell(before + read);
    Ok(())
}

/// What is wrong with a value, if anything.
fn value(column: &Column, row: &Row<'_>, position: usize) -> Result<Result<(), String>> {
    let value = match row.get_ref(position)? {
        ValueRef::Null if column.nil == Nil::Never => return Ok(Err("is NULL, which it may not be".to_owned())),
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(bytes) => match utf8(bytes) {
            Ok(text) => Value::from(text),
            Err(reason) => return Ok(Err(reason)),
        },
        other => return Ok(Err(format!("holds {}, which it may not", other.data_type()))),
    };
    if let Value::Text(text) = &value
        && !column.allowed.is_empty()
        && !column.allowed.contains(&text.as_str())
    {
        return Ok(Err(format!("{} is none of {}", quoted(text), column.allowed.join(", "))));
    }
    Ok(column.kind.check(&value))
}

fn invariants(connection: &Connection, entity: &Entity, report: &mut Report) -> Result<()> {
    for invariant in entity.invariants {
        let mut statement = connection.prepare(invariant.broken_by)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let place = (Some(entity.table.name), Some(row.get(0)?), Some(invariant.column));
            report.add_at(Problem::Rule, place, invariant.says);
        }
    }
    Ok(())
}

fn sequence(connection: &Connection, entity: &Entity, report: &mut Report) -> Result<()> {
    let name = entity.table.name;
    // A file of an older version may lack the table; what is read in its place has no sequence.
    let sql = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1)";
    if !connection.query_row(sql, [name], |row| row.get::<_, bool>(0))? {
        return Ok(());
    }
    let greatest: Option<i64> =
        connection.query_row(&format!("SELECT max(id) FROM {name} NOT INDEXED"), [], |row| row.get(0))?;
    let mut statement = connection.prepare("SELECT seq FROM sqlite_sequence WHERE name = ?1")?;
    let mut rows = statement.query([name])?;
    let mut given = None;
    let mut entries = 0;
    let place = (Some(name), None, None);
    while let Some(row) = rows.next()? {
        match row.get_ref(0)? {
            ValueRef::Integer(number) => given = Some(number),
            other => {
                let description = format!("sqlite_sequence holds {}, which is no whole number", shown(other));
                report.add_at(Problem::Sequence, place, description);
            }
        }
        entries += 1;
    }
    if entries > 1 {
        report.add_at(Problem::Sequence, place, format!("sqlite_sequence has {entries} rows for it; it must be one"));
    }
    match (greatest, given) {
        (Some(greatest), None) => {
            report.add_at(
                Problem::Sequence,
                place,
                format!("sqlite_sequence has no number for it; {greatest} is given"),
            );
        }
        (Some(greatest), Some(given)) if given < greatest => {
            let description = format!("sqlite_sequence says that {given} was given last; {greatest} was");
            report.add_at(Problem::Sequence, place, description);
        }
        _ => {}
    }
    if let Some(given) = given.filter(|given| !(0..=GREATEST).contains(given)) {
        let description = format!("sqlite_sequence says that {given} was given last; it must be 0 to {GREATEST}");
        report.add_at(Problem::Sequence, place, description);
    }
    Ok(())
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Real(number) => format!("{number:e}"),
        ValueRef::Text(text) => quoted(&String::from_utf8_lossy(text)),
        other => other.data_type().to_string(),
    }
}

fn references(connection: &Connection, report: &mut Report) -> Result<()> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let table: String = row.get(0)?;
        let name = entities().map(|entity| entity.table.name).find(|name| *name == table);
        let parent: String = row.get(2)?;
        report.add_at(
            Problem::Reference,
            (name, row.get(1)?, None),
            format!("refers to one of the {parent} that is not there"),
        );
    }
    Ok(())
}
