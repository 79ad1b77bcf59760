//! Every write is a command: a value that carries all it needs, the time included, so that
//! applying it is deterministic.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row};
use rust_decimal::Decimal;

use crate::error::{self, Error, Result};
use crate::format::Node;
#[cfg(feature = "server")]
use crate::record::Unknown;
use crate::record::Values;
use crate::store::actor::{ADMINISTRATOR, Reach, permit};
use crate::store::entity::{Action, Archiving, Change, Done, Entity, NewFile, Signature, actor_parameter};
#[cfg(feature = "tower")]
use crate::store::read::PIECE;
use crate::value::{Kind, Value, datetime_text};

/// The greatest id: the greatest number that programs of all kinds read exactly.
pub(crate) const MAX_ID: i64 = 1 << 53;

/// One write.
pub(crate) struct Command {
    pub(crate) entity: &'static Entity,
    /// The record that the changed one must belong to, where the path names one. It is a condition
    /// of the command itself; a new record gets it as its parent.
    pub(crate) parent: Option<i64>,
    pub(crate) write: Write,
    /// The id of the person who acts; rules name it as `:actor`.
    pub(crate) actor: i64,
    /// Which records they may change.
    pub(crate) reach: Reach,
    pub(crate) at: DateTime<Utc>,
}

/// Nobody acts where a document is loaded.
const NOBODY: i64 = 0;

impl Command {
    /// Reads the text that is attached to its values, which nobody need wait for. It takes a while where that is
    /// [long](Self::is_long).
    #[must_use]
    pub(crate) fn read(mut self) -> Self {
        if let (Some(attached), Write::Create(values) | Write::Update(_, values)) =
            (self.entity.attached, &mut self.write)
            && let Some(text) = values.attached.take()
        {
            values.parts = Some(Box::new((attached.read)(&text, values.decimal_comma)));
        }
        self
    }

    /// Whether the text that is attached to its values is longer than [`PIECE`].
    #[cfg(feature = "tower")]
    pub(crate) fn is_long(&self) -> bool {
        match &self.write {
            Write::Create(values) | Write::Update(_, values) => {
                values.attached.as_ref().is_some_and(|text| text.len() > PIECE)
            }
            Write::Compose(..) | Write::Act(..) | Write::Keep(..) | Write::Delete(_) | Write::Run(..) => false,
        }
    }

    /// The values of a record that it makes.
    pub(crate) fn made(&mut self) -> Option<&mut Values> {
        match &mut self.write {
            Write::Create(values) | Write::Compose(_, values) => Some(values),
            Write::Update(..) | Write::Act(..) | Write::Keep(..) | Write::Delete(_) | Write::Run(..) => None,
        }
    }

    /// The elements of its document that have no place in a record.
    #[cfg(feature = "server")]
    pub(crate) fn unknown(&self) -> Option<&[Unknown]> {
        match &self.write {
            Write::Create(values)
            | Write::Compose(_, values)
            | Write::Update(_, values)
            | Write::Act(_, _, Some(values))
            | Write::Run(_, _, values) => Some(values.unknown.met()),
            Write::Act(..) | Write::Keep(..) | Write::Delete(_) => None,
        }
    }
}

/// What a command does.
pub(crate) enum Write {
    /// Makes a record; its id is the next one.
    Create(Values),
    /// Makes a record and those that it needs, of the values of one of them.
    Compose(&'static Composition, Values),
    /// Sets the given fields.
    Update(i64, Values),
    /// Does a named change; what the action entails may keep the body.
    Act(i64, &'static Action, Option<Values>),
    /// Keeps a file with a record, in the place of the one it had.
    Keep(i64, NewFile),
    /// Removes a record.
    Delete(i64),
    /// Does what none of the others can, to the record with the id or to a new one.
    Run(&'static Procedure, Option<i64>, Values),
}

/// A change that reads and writes several records, and tells what became of them.
pub(crate) struct Procedure {
    pub(crate) run: fn(&Connection, Given) -> Result<Told>,
}

/// What a [`Procedure`] is given.
pub(crate) struct Given {
    pub(crate) id: Option<i64>,
    pub(crate) parent: Option<i64>,
    pub(crate) values: Values,
    pub(crate) actor: i64,
    pub(crate) at: DateTime<Utc>,
}

/// What a [`Procedure`] tells, as it was in the procedure's own transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: i64,
    /// A number for the typed access, where the procedure has one to tell.
    pub(crate) number: Option<Decimal>,
    /// The document of the answer.
    pub(crate) members: Vec<Node>,
}

/// A create of several records at once.
pub(crate) struct Composition {
    /// What the values are of.
    pub(crate) entity: &'static Entity,
    /// Makes the records; the id is that of the command's own.
    pub(crate) run: fn(&Connection, Composed) -> Result<i64>,
}

/// What a [`Composition`] is made from.
pub(crate) struct Composed {
    pub(crate) parent: Option<i64>,
    pub(crate) values: Values,
    pub(crate) actor: i64,
    pub(crate) at: DateTime<Utc>,
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The new record's id.
    Created(i64),
    Updated,
    /// What the first column that the action sets holds now.
    Acted(i64),
    Deleted,
    /// A delete has archived the record, because others need it; what to tell of that.
    Archived(&'static str),
    Told(Box<Told>),
}

/// Applies a command, wholly or not at all.
///
/// Where a command is one conditional statement, SQLite itself makes it atomic. A savepoint undoes it
/// together with what it entails, and with what it looked at to complete a record.
pub(crate) fn apply(connection: &Connection, command: Command) -> Result<Outcome> {
    let Command { entity, parent, mut write, actor, reach, at } = command.read();
    match &mut write {
        // What is made belongs to what its path names.
        Write::Create(_) | Write::Compose(..) | Write::Run(..) => {
            permit(connection, entity.parent.map_or(entity, |named| named.entity), parent, reach)?;
        }
        Write::Update(id, values) => {
            permit(connection, entity, Some(*id), reach)?;
            if let Reach::Managed(_) = reach {
                entity.reserved.iter().for_each(|column| values.drop(column));
            }
        }
        Write::Act(id, ..) | Write::Keep(id, _) | Write::Delete(id) => permit(connection, entity, Some(*id), reach)?,
    }
    match write {
        Write::Create(mut values) => {
            if let (Some(named), Some(id)) = (entity.parent, parent) {
                values.set(named.column, Value::Integer(id));
            }
            values.check(true)?;
            whole(connection, entity.entail.is_some() || entity.complete.is_some() || entity.existing.is_some(), || {
                create(connection, entity, values, actor, at).map(Outcome::Created)
            })
        }
        Write::Compose(Composition { run, .. }, values) => {
            whole(connection, true, || run(connection, Composed { parent, values, actor, at }).map(Outcome::Created))
        }
        Write::Update(id, mut values) => {
            values.check(false)?;
            whole(connection, entity.entail.is_some() || entity.revise.is_some(), || {
                // Whoever acts for another is still who they are.
                let actor = reach.person().unwrap_or(actor);
                change(connection, entity, Place { id, parent, actor }, values, at).map(|()| Outcome::Updated)
            })
        }
        Write::Act(id, action, body) => whole(connection, entity.entail.is_some(), || {
            let now = act(connection, entity, Place { id, parent, actor }, action, at)?;
            entail(connection, entity, Done { change: Change::Act(id, action), id, deleted: None, body, actor, at })?;
            Ok(Outcome::Acted(now))
        }),
        Write::Keep(id, file) => whole(connection, true, || {
            let Some(files) = entity.files else {
                return Err(Error::storage("keeping a file", "records of this kind have none"));
            };
            let actor = reach.person().unwrap_or(actor);
            act(connection, entity, Place { id, parent, actor }, files.action, at)?;
            files.keep(connection, id, &file)?;
            Ok(Outcome::Updated)
        }),
        Write::Run(procedure, id, values) => whole(connection, true, || {
            // Whoever acts for another is still who they are.
            let actor = reach.person().unwrap_or(ADMINISTRATOR);
            let told = (procedure.run)(connection, Given { id, parent, values, actor, at })?;
            Ok(Outcome::Told(Box::new(told)))
        }),
        Write::Delete(id) => whole(connection, deletes_more(entity), || {
            let place = Place { id, parent, actor };
            if let Some(archiving) = &entity.archiving
                && is_needed(connection, entity, place, archiving)?
            {
                let action = archiving.action;
                act(connection, entity, place, action, at)?;
                let change = Change::Act(id, action);
                entail(connection, entity, Done { change, id, deleted: None, body: None, actor, at })?;
                return Ok(Outcome::Archived(archiving.hint));
            }
            if let Some(release) = entity.release {
                release(connection, id, at)?;
            }
            let deleted = Some(delete(connection, entity, place)?);
            entail(connection, entity, Done { change: Change::Delete(id), id, deleted, body: None, actor, at })?;
            Ok(Outcome::Deleted)
        }),
    }
}

/// Makes a record of values that were checked, with what that entails, and gives its id; or makes the one that is there
/// already what they say.
pub(crate) fn create(
    connection: &Connection,
    entity: &Entity,
    mut values: Values,
    actor: i64,
    at: DateTime<Utc>,
) -> Result<i64> {
    if let Some(existing) = entity.existing
        && let Some(id) = existing(connection, &values, at)?
    {
        return Ok(id);
    }
    complete(connection, entity, &mut values, actor, at)?;
    let id = insert(connection, entity, &values, actor)?;
    entail(connection, entity, Done { change: Change::Create(&values), id, deleted: None, body: None, actor, at })?;
    Ok(id)
}

/// Sets fields of a record, whose values were checked, with what that entails.
pub(crate) fn change(
    connection: &Connection,
    entity: &Entity,
    place: Place,
    mut values: Values,
    at: DateTime<Utc>,
) -> Result<()> {
    update(connection, entity, place, &mut values, at)?;
    let Place { id, actor, .. } = place;
    let change = Change::Update(id, &values);
    entail(connection, entity, Done { change, id, deleted: None, body: None, actor, at })
}

/// Whether a record is there and other records need it, so that a delete archives it.
fn is_needed(connection: &Connection, entity: &Entity, place: Place, archiving: &Archiving) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {}{} AND ({})", entity.table.name, place.condition(entity, 1), archiving.needed);
    let mut statement = connection.prepare_cached(&sql)?;
    statement.clear_bindings();
    place.bind(&mut statement, entity, 1)?;
    Ok(first_row(&mut statement, |_| Ok(()))?.is_some())
}

/// Whether a delete is more than one statement.
fn deletes_more(entity: &Entity) -> bool {
    entity.entail.is_some() || entity.archiving.is_some() || entity.release.is_some()
}

fn entail(connection: &Connection, entity: &Entity, done: Done<'_>) -> Result<()> {
    entity.entail.map_or(Ok(()), |entail| entail(connection, &done))
}

/// Runs several statements of which either all or none have happened; one needs no savepoint.
fn whole(connection: &Connection, several: bool, run: impl FnOnce() -> Result<Outcome>) -> Result<Outcome> {
    if !several {
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

/// Gives a new record all that it was not given.
fn complete(
    connection: &Connection,
    entity: &Entity,
    values: &mut Values,
    actor: i64,
    at: DateTime<Utc>,
) -> Result<()> {
    sign(connection, entity, values, actor)?;
    values.default_columns(&datetime_text(at));
    entity.complete.map_or(Ok(()), |complete| complete(connection, values, at))
}

/// Says in a new record who made it. What is loaded without saying so counts as the administrator's.
fn sign(connection: &Connection, entity: &Entity, values: &mut Values, actor: i64) -> Result<()> {
    let actor = if actor == NOBODY { ADMINISTRATOR } else { actor };
    for (column, signature) in entity.signed {
        if values.get(column).is_some() {
            continue;
        }
        let sql = match signature {
            Signature::Id => {
                values.set(column, Value::Integer(actor));
                continue;
            }
            Signature::Name => "SELECT first_name || ' ' || last_name FROM people WHERE id = ?1",
            Signature::Email => "SELECT email FROM people WHERE id = ?1",
        };
        let text: Option<String> = connection.prepare_cached(sql)?.query_row([actor], |row| row.get(0)).optional()?;
        text.into_iter().for_each(|text| values.set(column, Value::Text(text)));
    }
    Ok(())
}

fn insert(connection: &Connection, entity: &Entity, values: &Values, actor: i64) -> Result<i64> {
    insert_or(connection, entity, values, actor, false)
}

fn insert_or(connection: &Connection, entity: &Entity, values: &Values, actor: i64, replaces: bool) -> Result<i64> {
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
fn take_back(connection: &Connection, entity: &Entity, id: i64) -> Result<()> {
    connection.execute(&format!("DELETE FROM {} WHERE id = ?1", entity.table.name), [id])?;
    let sql = "UPDATE sqlite_sequence SET seq = ?2 WHERE name = ?1 AND seq = ?3";
    connection.execute(sql, (entity.table.name, id - 1, id))?;
    Ok(())
}

/// SQLite gives the same error for an id sequence that another program set to its end as for a full disk.
fn exhausted(connection: &Connection, entity: &Entity, error: rusqlite::Error) -> Error {
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

/// The record that a command changes, the one that it must belong to, and who changes it.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) id: i64,
    pub(crate) parent: Option<i64>,
    pub(crate) actor: i64,
}

impl Place {
    /// The condition that finds it, with the number of its first parameter.
    fn condition(self, entity: &Entity, first: usize) -> String {
        match (entity.parent, self.parent) {
            (Some(named), Some(_)) => format!(" WHERE id = ?{first} AND {} = ?{}", named.column, first + 1),
            _ => format!(" WHERE id = ?{first}"),
        }
    }

    fn bind(self, statement: &mut rusqlite::Statement<'_>, entity: &Entity, first: usize) -> Result<()> {
        statement.raw_bind_parameter(first, self.id)?;
        if let (Some(_), Some(id)) = (entity.parent, self.parent) {
            statement.raw_bind_parameter(first + 1, id)?;
        }
        bind_actor(statement, entity, self.actor)
    }
}

/// Binds the acting person, where the statement's rules name them.
fn bind_actor(statement: &mut rusqlite::Statement<'_>, entity: &Entity, actor: i64) -> Result<()> {
    let parameter = actor_parameter(entity.table);
    if statement.parameter_count() >= parameter {
        statement.raw_bind_parameter(parameter, actor)?;
    }
    Ok(())
}

fn update(
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

fn act(
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
fn delete(connection: &Connection, entity: &Entity, place: Place) -> Result<Values> {
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

/// Runs a statement whose parameters are bound to its end, and gives what its row says.
fn first_row<T>(
    statement: &mut rusqlite::Statement<'_>,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let mut rows = statement.raw_query();
    let Some(row) = rows.next()? else { return Ok(None) };
    let value = read(row)?;
    rows.next()?;
    Ok(Some(value))
}

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

fn bind(statement: &mut rusqlite::Statement<'_>, values: &Values) -> Result<()> {
    // A cached statement may still hold what an earlier command bound.
    statement.clear_bindings();
    for (position, value) in values.given() {
        statement.raw_bind_parameter(position + 1, value)?;
    }
    Ok(())
}

/// The conditions that a change must meet, after `before` where there are any.
fn conditions(entity: &Entity, change: &Change<'_>, before: &str) -> String {
    let mut sql = String::new();
    for rule in entity.rules_of(change) {
        sql.push_str(if sql.is_empty() { before } else { " AND " });
        sql.push('(');
        sql.push_str(&rule.sql(entity.table, change));
        sql.push(')');
    }
    sql
}

/// Why a change to a record has changed nothing.
fn why_not(connection: &Connection, entity: &Entity, place: Place, change: &Change<'_>) -> Result<Error> {
    let sql = format!("SELECT 1 FROM {}{}", entity.table.name, place.condition(entity, 1));
    let mut statement = connection.prepare_cached(&sql)?;
    statement.clear_bindings();
    place.bind(&mut statement, entity, 1)?;
    match first_row(&mut statement, |_| Ok(()))? {
        Some(()) => refusal(connection, entity, change, place.actor),
        None => Ok(Error::NotFound { record: entity.document.element, id: place.id }),
    }
}

/// The refusal of the first rule that a change does not meet.
fn refusal(connection: &Connection, entity: &Entity, change: &Change<'_>, actor: i64) -> Result<Error> {
    let first = entity.table.columns.len() + 1;
    for rule in entity.rules_of(change) {
        let mut sql = format!("SELECT ({})", rule.sql(entity.table, change));
        if change.id().is_some() {
            sql.push_str(&format!(" FROM {} WHERE id = ?{first}", entity.table.name));
        }
        let mut statement = connection.prepare_cached(&sql)?;
        statement.clear_bindings();
        for (position, value) in change.values().into_iter().flat_map(Values::given) {
            // A condition names few of the columns.
            if position < statement.parameter_count() {
                statement.raw_bind_parameter(position + 1, value)?;
            }
        }
        if let Some(id) = change.id() {
            statement.raw_bind_parameter(first, id)?;
        }
        bind_actor(&mut statement, entity, actor)?;
        if first_row(&mut statement, |row| row.get::<_, Option<bool>>(0))?.flatten() != Some(true) {
            return (rule.refusal)(connection, change);
        }
    }
    // Another program's trigger, or none of ours, has kept the row from being written.
    Err(Error::storage("applying a command", "the file took no row, and no rule says why"))
}

/// A constraint of the schema that the rules before it should have caught says what it is.
fn constraint(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Error::storage("the file refused the change", error),
        _ => error.into(),
    }
}
