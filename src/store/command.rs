//! Every write is a command: a value that carries all it needs, the time included, so that
//! applying it is deterministic.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::resource::{Action, Change, Resource};
use crate::error::{Error, Result};
use crate::record::Values;
use crate::value::{Value, datetime_text};

/// One write.
pub(crate) enum Command {
    /// Makes a record; its id is the next one.
    Create { resource: &'static dyn Resource, values: Values, at: DateTime<Utc> },
    /// Sets the given fields.
    Update { resource: &'static dyn Resource, id: i64, values: Values, at: DateTime<Utc> },
    /// Does a named change.
    Act { resource: &'static dyn Resource, id: i64, action: &'static Action, at: DateTime<Utc> },
    /// Removes a record.
    Delete { resource: &'static dyn Resource, id: i64 },
}

/// What a command did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The new record's id.
    Created(i64),
    Updated,
    /// What the first column that the action sets holds now.
    Acted(i64),
    Deleted,
}

/// Applies a command, wholly or not at all.
///
/// Each command is one conditional statement, which SQLite itself makes atomic.
pub(crate) fn apply(connection: &Connection, command: Command) -> Result<Outcome> {
    match command {
        Command::Create { resource, values, at } => create(connection, resource, values, at),
        Command::Update { resource, id, values, at } => update(connection, resource, id, values, at),
        Command::Act { resource, id, action, at } => act(connection, resource, id, action, at),
        Command::Delete { resource, id } => delete(connection, resource, id),
    }
}

fn create(
    connection: &Connection,
    resource: &'static dyn Resource,
    mut values: Values,
    at: DateTime<Utc>,
) -> Result<Outcome> {
    values.check(true)?;
    let now = datetime_text(at);
    values.default("created_at", || Value::Text(now.clone()));
    values.default("updated_at", || Value::Text(now));
    values.default(resource.version(), || Value::Integer(0));
    resource.complete(connection, &mut values, at)?;
    let change = Change::Create(&values);
    let sql = resource.table().sql();
    let guard = resource.guard(&change);
    let mut statement = if guard.is_empty() {
        connection.prepare_cached(&sql.insert_values)?
    } else {
        connection.prepare_cached(&format!("{}SELECT {} WHERE {guard}", sql.insert, sql.parameters))?
    };
    bind(&mut statement, &values)?;
    match statement.raw_execute().map_err(constraint)? {
        0 => Err(resource.refusal(connection, &change)?),
        _ => Ok(Outcome::Created(connection.last_insert_rowid())),
    }
}

fn update(
    connection: &Connection,
    resource: &'static dyn Resource,
    id: i64,
    mut values: Values,
    at: DateTime<Utc>,
) -> Result<Outcome> {
    values.check(false)?;
    resource.revise(connection, id, &mut values)?;
    values.set("updated_at", Value::Text(datetime_text(at)));
    let change = Change::Update(id, &values);
    let table = resource.table();
    let mut sql = format!("UPDATE {} SET {version} = {version} + 1", table.name, version = resource.version());
    for (position, _) in values.given() {
        sql.push_str(&format!(", {} = ?{}", table.columns[position].name, position + 1));
    }
    sql.push_str(" WHERE id = ?1");
    and(&mut sql, resource.guard(&change));
    let mut statement = connection.prepare_cached(&sql)?;
    bind(&mut statement, &values)?;
    statement.raw_bind_parameter(1, id)?;
    match statement.raw_execute().map_err(constraint)? {
        0 => Err(why_not(connection, resource, &change, id)?),
        _ => Ok(Outcome::Updated),
    }
}

fn act(
    connection: &Connection,
    resource: &'static dyn Resource,
    id: i64,
    action: &'static Action,
    at: DateTime<Utc>,
) -> Result<Outcome> {
    let change = Change::Act(id, action);
    let Action { set, .. } = action;
    let mut sql = format!(
        "UPDATE {} SET {set}, {version} = {version} + 1, updated_at = ?2 WHERE id = ?1",
        resource.table().name,
        version = resource.version(),
    );
    and(&mut sql, resource.guard(&change));
    let column = set.split(' ').next().unwrap_or_default();
    sql.push_str(&format!(" RETURNING {column}"));
    let mut statement = connection.prepare_cached(&sql)?;
    let now = statement.query_row((id, datetime_text(at)), |row| row.get(0)).optional().map_err(constraint)?;
    match now {
        Some(value) => Ok(Outcome::Acted(value)),
        None => Err(why_not(connection, resource, &change, id)?),
    }
}

fn delete(connection: &Connection, resource: &'static dyn Resource, id: i64) -> Result<Outcome> {
    let change = Change::Delete(id);
    let mut sql = format!("DELETE FROM {} WHERE id = ?1", resource.table().name);
    and(&mut sql, resource.guard(&change));
    match connection.prepare_cached(&sql)?.execute([id]).map_err(constraint)? {
        0 => Err(why_not(connection, resource, &change, id)?),
        _ => Ok(Outcome::Deleted),
    }
}

fn bind(statement: &mut rusqlite::Statement<'_>, values: &Values) -> Result<()> {
    // A cached statement may still hold what an earlier command bound.
    statement.clear_bindings();
    for (position, value) in values.given() {
        statement.raw_bind_parameter(position + 1, value)?;
    }
    Ok(())
}

fn and(sql: &mut String, guard: &str) {
    if !guard.is_empty() {
        sql.push_str(" AND ");
        sql.push_str(guard);
    }
}

fn why_not(connection: &Connection, resource: &dyn Resource, change: &Change<'_>, id: i64) -> Result<Error> {
    let table = resource.table();
    let exists = format!("SELECT 1 FROM {} WHERE id = ?1", table.name);
    if connection.prepare_cached(&exists)?.exists([id])? {
        resource.refusal(connection, change)
    } else {
        Err(Error::NotFound { record: table.element, id })
    }
}

/// A constraint of the schema that the rules before it should have caught says what it is.
fn constraint(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Error::storage("the file refused the change", error),
        _ => error.into(),
    }
}
