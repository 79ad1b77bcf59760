//! Every write is a command: a value that carries all it needs, the time included, so that
//! applying it is deterministic.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row};

use super::resource::{Action, Change, Done, Parent, Resource};
use crate::error::{Error, Result, Rule};
use crate::record::Values;
use crate::value::{Kind, Value, datetime_text};

/// The greatest id: up to it, programs of all kinds read every whole number exactly.
pub(crate) const MAX_ID: i64 = 1 << 53;

/// One write.
pub(crate) enum Command {
    /// Makes a record; its id is the next one.
    Create { resource: &'static dyn Resource, values: Values, at: DateTime<Utc> },
    /// Sets the given fields.
    Update { resource: &'static dyn Resource, id: i64, values: Values, at: DateTime<Utc> },
    /// Does a named change; the body is kept by what the action stands under.
    Act { resource: &'static dyn Resource, id: i64, action: &'static Action, body: Option<Values>, at: DateTime<Utc> },
    /// Removes a record.
    Delete { resource: &'static dyn Resource, id: i64, at: DateTime<Utc> },
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
/// A command is one conditional statement, which SQLite itself makes atomic; what it entails for
/// other records is undone with it by a savepoint.
pub(crate) fn apply(connection: &Connection, command: Command) -> Result<Outcome> {
    match command {
        Command::Create { resource, mut values, at } => {
            values.check(true)?;
            complete(connection, resource, &mut values, at)?;
            with_entailments(connection, resource, || {
                let id = insert(connection, resource, &values)?;
                let done = Done { change: Change::Create(&values), id, gone: None, body: None, at };
                resource.entail(connection, &done)?;
                Ok(Outcome::Created(id))
            })
        }
        Command::Update { resource, id, mut values, at } => with_entailments(connection, resource, || {
            update(connection, resource, id, &mut values, at)?;
            let done = Done { change: Change::Update(id, &values), id, gone: None, body: None, at };
            resource.entail(connection, &done)?;
            Ok(Outcome::Updated)
        }),
        Command::Act { resource, id, action, body, at } => with_entailments(connection, resource, || {
            let now = act(connection, resource, id, action, at)?;
            resource.entail(connection, &Done { change: Change::Act(id, action), id, gone: None, body, at })?;
            Ok(Outcome::Acted(now))
        }),
        Command::Delete { resource, id, at } => with_entailments(connection, resource, || {
            let gone = delete(connection, resource, id)?;
            resource.entail(connection, &Done { change: Change::Delete(id), id, gone: Some(gone), body: None, at })?;
            Ok(Outcome::Deleted)
        }),
    }
}

fn with_entailments(
    connection: &Connection,
    resource: &dyn Resource,
    run: impl FnOnce() -> Result<Outcome>,
) -> Result<Outcome> {
    if !resource.entails() {
        return run();
    }
    connection.prepare_cached("SAVEPOINT command")?.execute([])?;
    let result = run();
    // A failure that ended the whole transaction has ended the savepoint, too.
    if result.is_err() && !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK TO command")?.execute([])?;
    }
    if !connection.is_autocommit() {
        connection.prepare_cached("RELEASE command")?.execute([])?;
    }
    result
}

fn complete(
    connection: &Connection,
    resource: &'static dyn Resource,
    values: &mut Values,
    at: DateTime<Utc>,
) -> Result<()> {
    let now = datetime_text(at);
    for name in ["created_at", "updated_at"] {
        if values.table.find(name).is_some() {
            values.default(name, || Value::Text(now.clone()));
        }
    }
    values.default(resource.version(), || Value::Integer(0));
    resource.complete(connection, values, at)
}

fn insert(connection: &Connection, resource: &'static dyn Resource, values: &Values) -> Result<i64> {
    insert_or(connection, resource, values, false)
}

fn insert_or(connection: &Connection, resource: &'static dyn Resource, values: &Values, replaces: bool) -> Result<i64> {
    let change = Change::Create(values);
    let sql = resource.table().sql();
    let text = match (resource.guard(&change), replaces) {
        ("", false) => Cow::Borrowed(&sql.insert_values),
        ("", true) => Cow::Owned(sql.insert_values.replacen("INSERT", "INSERT OR REPLACE", 1)),
        (guard, _) => Cow::Owned(format!("{}SELECT {} WHERE {guard}", sql.insert, sql.parameters)),
    };
    let mut statement = connection.prepare_cached(&text)?;
    bind(&mut statement, values)?;
    let inserted = statement.raw_execute().map_err(|error| exhausted(connection, resource, error));
    match inserted? {
        0 => Err(resource.refusal(connection, &change)?),
        _ => match connection.last_insert_rowid() {
            id if id > MAX_ID => {
                take_back(connection, resource, id)?;
                Err(Error::IdsExhausted { table: resource.table().name })
            }
            id => Ok(id),
        },
    }
}

/// Takes back a new record whose id is above the greatest, and leaves the table's id sequence as it was.
fn take_back(connection: &Connection, resource: &dyn Resource, id: i64) -> Result<()> {
    let table = resource.table().name;
    connection.execute(&format!("DELETE FROM {table} WHERE id = ?1"), [id])?;
    connection.execute("UPDATE sqlite_sequence SET seq = ?1 - 1 WHERE name = ?2", (id, table))?;
    Ok(())
}

fn update(
    connection: &Connection,
    resource: &'static dyn Resource,
    id: i64,
    values: &mut Values,
    at: DateTime<Utc>,
) -> Result<()> {
    values.check(false)?;
    resource.revise(connection, id, values)?;
    values.set("updated_at", Value::Text(datetime_text(at)));
    let change = Change::Update(id, values);
    let table = resource.table();
    let parameter = table.id() + 1;
    let mut sql = format!("UPDATE {} SET {version} = {version} + 1", table.name, version = resource.version());
    for (position, _) in values.given() {
        sql.push_str(&format!(", {} = ?{}", table.columns[position].name, position + 1));
    }
    sql.push_str(&format!(" WHERE id = ?{parameter}"));
    and(&mut sql, resource.guard(&change));
    let mut statement = connection.prepare_cached(&sql)?;
    bind(&mut statement, values)?;
    statement.raw_bind_parameter(parameter, id)?;
    match statement.raw_execute().map_err(constraint)? {
        0 => Err(why_not(connection, resource, &change, id)?),
        _ => Ok(()),
    }
}

fn act(
    connection: &Connection,
    resource: &'static dyn Resource,
    id: i64,
    action: &'static Action,
    at: DateTime<Utc>,
) -> Result<i64> {
    let change = Change::Act(id, action);
    let Action { set, when, .. } = action;
    let mut sql = format!(
        "UPDATE {} SET {set}, {version} = {version} + 1, updated_at = ?2 WHERE id = ?1",
        resource.table().name,
        version = resource.version(),
    );
    and(&mut sql, when);
    let column = set.split(' ').next().unwrap_or_default();
    sql.push_str(&format!(" RETURNING {column}"));
    let mut statement = connection.prepare_cached(&sql)?;
    let now = statement.query_row((id, datetime_text(at)), |row| row.get(0)).optional().map_err(constraint)?;
    match now {
        Some(value) => Ok(value),
        None => Err(why_not(connection, resource, &change, id)?),
    }
}

/// Deletes a record, and gives what is remembered of it.
fn delete(connection: &Connection, resource: &'static dyn Resource, id: i64) -> Result<Values> {
    let change = Change::Delete(id);
    let mut sql = format!("DELETE FROM {} WHERE id = ?1", resource.table().name);
    and(&mut sql, resource.guard(&change));
    let remembered = resource.remembered();
    sql.push_str(&format!(" RETURNING {}", if remembered.is_empty() { "NULL".into() } else { remembered.join(", ") }));
    let mut statement = connection.prepare_cached(&sql)?;
    let gone = |row: &Row<'_>| {
        let mut gone = Values::new(resource.table());
        for (at, name) in remembered.iter().enumerate() {
            gone.set(name, row.get::<_, Value>(at)?);
        }
        Ok(gone)
    };
    match statement.query_row([id], gone).optional().map_err(constraint)? {
        Some(gone) => Ok(gone),
        None => Err(why_not(connection, resource, &change, id)?),
    }
}

/// Adds a record that another's change entails.
pub(crate) fn add(
    connection: &Connection,
    resource: &'static dyn Resource,
    mut values: Values,
    at: DateTime<Utc>,
) -> Result<i64> {
    values.check(true)?;
    complete(connection, resource, &mut values, at)?;
    insert(connection, resource, &values)
}

/// Loads a record as it is given, its id and its read-only fields included; what is not given gets
/// its default.
pub(crate) fn load(
    connection: &Connection,
    resource: &'static dyn Resource,
    mut given: Values,
    at: DateTime<Utc>,
) -> Result<Outcome> {
    given.keep_stored();
    given.check(true)?;
    let mut replaces = false;
    if let Some(Value::Integer(id)) = given.get("id") {
        if !(1..=MAX_ID).contains(id) {
            return Err(Error::invalid("id", format!("is {id}; it must lie between 1 and {MAX_ID}")));
        }
        let sql = format!("SELECT {} FROM {} WHERE id = ?1", resource.untouched(), resource.table().name);
        let untouched = connection.prepare_cached(&sql)?.query_row([id], |row| row.get(0)).optional()?;
        replaces = untouched == Some(true);
        if untouched == Some(false) {
            return Err(Error::refused(Rule::IdIsTaken, [(resource.table().element, 1)]));
        }
    }
    // What is computed gives way to what the document says; texts, which may be long, are never computed where given.
    let typed = |position: &usize| resource.table().columns[*position].kind != Kind::Text;
    let said: Vec<(usize, Value)> =
        given.given().filter(|(position, _)| typed(position)).map(|(at, value)| (at, value.clone())).collect();
    let mut values = given;
    complete(connection, resource, &mut values, at)?;
    for (position, value) in said {
        values.set_at(position, value);
    }
    insert_or(connection, resource, &values, replaces).map(Outcome::Created)
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
    if exists(connection, resource, id)? {
        resource.refusal(connection, change)
    } else {
        Err(Error::NotFound { record: resource.table().element, id })
    }
}

/// Whether a record is there.
pub(crate) fn exists(connection: &Connection, resource: &dyn Resource, id: i64) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {} WHERE id = ?1", resource.table().name);
    Ok(connection.prepare_cached(&sql)?.exists([id])?)
}

/// Whether a record is there and belongs to the other.
pub(crate) fn belongs(connection: &Connection, resource: &dyn Resource, id: i64, to: (&Parent, i64)) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {} WHERE id = ?1 AND {} = ?2", resource.table().name, to.0.column);
    Ok(connection.prepare_cached(&sql)?.exists([id, to.1])?)
}

/// SQLite gives the same error for an id sequence that another program set to its end as for a full disk.
fn exhausted(connection: &Connection, resource: &dyn Resource, error: rusqlite::Error) -> Error {
    let table = resource.table().name;
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

/// A constraint of the schema that the rules before it should have caught says what it is.
fn constraint(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Error::storage("the file refused the change", error),
        _ => error.into(),
    }
}
