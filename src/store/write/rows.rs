//! The statements of commands, one for each change of a row.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, Row};

use super::command::MAX_ID;
use super::place::{Place, bind, bind_actor, first_row};
use super::refusal::{conditions, constraint, refusal, why_not};
use crate::error::{Error, Result};
use crate::record::Values;
use crate::store::entity::{Action, Change, Entity};
use crate::value::{Value, datetime_text};

pub(super) fn insert(connection: &Connection, entity: &Entity, values: &Values, actor: i64) -> Result<i64> {
    insert_or(connection, entity, values, actor, false)
}

pub(super) fn insert_or(
    connection: &Connection,
    entity: &Entity,
    values: &Values,
    actor: i64,
    replaces: bool,
) -> Result<i64> {
    let change = Change::Create(values);
    let insert = entity.insert.get_or_init(|| {
        let sql = entity.table.sql();
        format!("{}SELECT {}{}", sql.insert, sql.parameters, conditions(entity, &change, " WHERE "))
    });
    let replace = replaces.then(|| insert.replacen("INSERT", "INSERT OR REPLACE", 1));
    let mut statement = connection.prepare_cached(replace.as_ref().unwrap_or(insert))?;
    bind(&mut statement, values)?;
    bind_actor(&mut statement, entity, actor)?;
    match statement.raw_execute().map_err(|error| exhausted(connection, entity, error))? {
        0 => Err(refusal(connection, entity, &change, actor)?),
        _ => match connection.last_insert_rowid() {
            id @ ..=MAX_ID => Ok(id),
            id => {
                take_back(connection, entity, id)?;
                Err(Error::IdsExhausted { table: entity.table.name })
            }
        },
    }
}

/// Removes a record whose id is too great, so that no id but those that documents can carry was ever given.
pub(super) fn take_back(connection: &Connection, entity: &Entity, id: i64) -> Result<()> {
    connection.execute(&format!("DELETE FROM {} WHERE id = ?1", entity.table.name), [id])?;
    let sql = "UPDATE sqlite_sequence SET seq = ?2 WHERE name = ?1 AND seq = ?3";
    connection.execute(sql, (entity.table.name, id - 1, id))?;
    Ok(())
}

/// SQLite gives the same error for an id sequence that another program set to its end as for a full disk.
pub(super) fn exhausted(connection: &Connection, entity: &Entity, error: rusqlite::Error) -> Error {
    let table = entity.table.name;
    let is_last = || {
        let sql = format!(
            "SELECT max(ifnull((SELECT max(id) FROM {table}), 0),
                        ifnull((SELECT max(CAST(seq AS INTEGER)) FROM sqlite_sequence WHERE name = ?1), 0)) >= {MAX_ID}"
        );
        connection.query_row(&sql, [table], |row| row.get(0)).unwrap_or(false)
    };
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) if is_last() => Error::IdsExhausted { table },
        _ => constraint(error),
    }
}

pub(super) fn update(
    connection: &Connection,
    entity: &Entity,
    place: Place,
    values: &mut Values,
    at: DateTime<Utc>,
) -> Result<()> {
    if let Some(revise) = entity.revise {
        revise(connection, place.id, values)?;
    }
    values.set("updated_at", Value::Text(datetime_text(at)));
    let change = Change::Update(place.id, values);
    let table = entity.table;
    // Behind the parameters of the columns.
    let first = table.columns.len() + 1;
    let mut sql = format!("UPDATE {} SET {version} = {version} + 1", table.name, version = entity.version);
    for (position, _) in values.given() {
        sql.push_str(&format!(", {} = ?{}", table.columns[position].name, position + 1));
    }
    sql.push_str(&place.condition(entity, first));
    sql.push_str(&conditions(entity, &change, " AND "));
    let mut statement = connection.prepare_cached(&sql)?;
    bind(&mut statement, values)?;
    place.bind(&mut statement, entity, first)?;
    match statement.raw_execute().map_err(constraint)? {
        0 => Err(why_not(connection, entity, place, &change)?),
        _ => Ok(()),
    }
}

pub(super) fn act(
    connection: &Connection,
    entity: &Entity,
    place: Place,
    action: &'static Action,
    at: DateTime<Utc>,
) -> Result<i64> {
    let change = Change::Act(place.id, action);
    let mut sql = format!("UPDATE {} SET {version} = {version} + 1", entity.table.name, version = entity.version);
    for (column, expression) in action.sets {
        sql.push_str(&format!(", {column} = {expression}"));
    }
    sql.push_str(", updated_at = ?1");
    sql.push_str(&place.condition(entity, 2));
    sql.push_str(&conditions(entity, &change, " AND "));
    sql.push_str(" RETURNING ");
    sql.push_str(action.sets.first().map_or("id", |(column, _)| column));
    let mut statement = connection.prepare_cached(&sql)?;
    statement.clear_bindings();
    statement.raw_bind_parameter(1, datetime_text(at))?;
    place.bind(&mut statement, entity, 2)?;
    match first_row(&mut statement, |row| row.get(0)).map_err(constraint)? {
        Some(value) => Ok(value),
        None => Err(why_not(connection, entity, place, &change)?),
    }
}

/// Deletes a record, and gives what is remembered of it.
pub(super) fn delete(connection: &Connection, entity: &Entity, place: Place) -> Result<Values> {
    let change = Change::Delete(place.id);
    let mut sql = format!("DELETE FROM {}{}", entity.table.name, place.condition(entity, 1));
    sql.push_str(&conditions(entity, &change, " AND "));
    let remembered = entity.remembered;
    sql.push_str(" RETURNING ");
    sql.push_str(&if remembered.is_empty() { "NULL".to_owned() } else { remembered.join(", ") });
    let mut statement = connection.prepare_cached(&sql)?;
    statement.clear_bindings();
    place.bind(&mut statement, entity, 1)?;
    let deleted = |row: &Row<'_>| {
        let mut deleted = Values::new(entity.table);
        for (at, name) in remembered.iter().enumerate() {
            deleted.set(name, row.get::<_, Value>(at)?);
        }
        Ok(deleted)
    };
    match first_row(&mut statement, deleted).map_err(constraint)? {
        Some(deleted) => Ok(deleted),
        None => Err(why_not(connection, entity, place, &change)?),
    }
}
