//! Records that are put in as they are given: those of documents, and those that a change entails.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};

use super::command::{MAX_ID, NOBODY};
use super::complete::complete;
use super::place::bind_actor;
use super::refusal::conditions;
use super::rows::{exhausted, insert, insert_or};
use crate::error::{self, Error, Result};
use crate::record::Values;
use crate::store::entity::{Change, Entity};
use crate::value::{Kind, Value};

/// Adds a record that another's change entails.
pub(crate) fn add(
    connection: &Connection,
    entity: &Entity,
    mut values: Values,
    actor: i64,
    at: DateTime<Utc>,
) -> Result<i64> {
    values.check(true)?;
    complete(connection, entity, &mut values, actor, at)?;
    insert(connection, entity, &values, actor)
}

/// Adds records that were checked already, as long as `next` binds one more to the statement.
pub(crate) fn add_checked(
    connection: &Connection,
    entity: &Entity,
    insert: &str,
    mut next: impl FnMut(&mut rusqlite::Statement<'_>) -> Result<bool>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(insert)?;
    while next(&mut statement)? {
        statement.raw_execute().map_err(|error| exhausted(connection, entity, error))?;
        if connection.last_insert_rowid() > MAX_ID {
            return Err(Error::IdsExhausted { table: entity.table.name });
        }
    }
    Ok(())
}

/// Loads a record as it is given, its id and its read-only fields included; what is not given gets
/// its default. Gives the id.
pub(crate) fn load(connection: &Connection, entity: &Entity, mut given: Values, at: DateTime<Utc>) -> Result<i64> {
    let file = entity.files.map_or(Ok(None), |files| files.take(&mut given))?;
    given.keep_stored();
    given.check(true)?;
    let mut replaces = false;
    if let Some(id) = given.integer("id") {
        if !(1..=MAX_ID).contains(&id) {
            return Err(Error::invalid("id", format!("is {id}; it must lie between 1 and {MAX_ID}")));
        }
        let seeded = entity.seeded.unwrap_or("0");
        let sql = format!("SELECT {seeded} FROM {} WHERE id = ?1", entity.table.name);
        let is_seeded = connection.prepare_cached(&sql)?.query_row([id], |row| row.get(0)).optional()?;
        replaces = is_seeded == Some(true);
        if is_seeded == Some(false) {
            return Err(Error::refused(error::Rule::IdIsTaken, [(entity.document.element, 1)]));
        }
    }
    // What is computed gives way to what the document says; texts, which may be long, are never computed where given.
    let typed = |position: &usize| entity.table.columns[*position].kind != Kind::Text;
    let said: Vec<(usize, Value)> =
        given.given().filter(|(position, _)| typed(position)).map(|(at, value)| (at, value.clone())).collect();
    let mut values = given;
    complete(connection, entity, &mut values, NOBODY, at)?;
    for (position, value) in said {
        values.set_at(position, value);
    }
    let id = insert_or(connection, entity, &values, NOBODY, replaces)?;
    if let (Some(files), Some(file)) = (entity.files, file) {
        files.keep(connection, id, &file)?;
    }
    Ok(id)
}

/// Deletes the records that meet a condition and whose own rules let them go.
pub(crate) fn delete_where(connection: &Connection, entity: &Entity, condition: &str) -> Result<()> {
    let rules = conditions(entity, &Change::Delete(0), " AND ");
    let mut statement = connection.prepare(&format!("DELETE FROM {} WHERE ({condition}){rules}", entity.table.name))?;
    bind_actor(&mut statement, entity, NOBODY)?;
    statement.raw_execute()?;
    Ok(())
}
