//! Applying a command: wholly or not at all, with what it entails.

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::command::{Command, Composed, Composition, Given, Outcome, Write};
use super::complete::complete;
use super::place::{Place, first_row};
use super::rows::{act, delete, insert, update};
use crate::error::{Error, Result};
use crate::record::Values;
use crate::store::actor::{ADMINISTRATOR, Reach, permit};
use crate::store::entity::{Archiving, Change, Done, Entity};
use crate::value::Value;

/// Applies a command, wholly or not at all.
///
/// Where a command is one conditional statement, SQLite itself makes it atomic. A savepoint undoes it
/// together with what it entails, and with what it looked at to complete a record.
pub(crate) fn apply(connection: &Connection, command: Command) -> Result<Outcome> {
    let Command { entity, parent, mut write, actor, reach, at } = command.read();
    // A person who acts for another keeps their own rights.
    let signed_in = reach.person().unwrap_or(actor);
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
            let chosen = values.integer("id");
            whole(connection, entity.entail.is_some() || entity.complete.is_some() || entity.existing.is_some(), || {
                let id = create(connection, entity, values, actor, at)?;
                match chosen {
                    Some(chosen) if chosen != id => {
                        Err(Error::invalid("id", format!("is {chosen}, but this record is there as {id}")))
                    }
                    _ => Ok(Outcome::Created(id)),
                }
            })
        }
        Write::Compose(Composition { run, .. }, values) => {
            whole(connection, true, || run(connection, Composed { parent, values, actor, at }).map(Outcome::Created))
        }
        Write::Update(id, mut values) => {
            values.check(false)?;
            whole(connection, entity.entail.is_some() || entity.revise.is_some(), || {
                change(connection, entity, Place { id, parent, actor: signed_in }, values, at)
                    .map(|()| Outcome::Updated)
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
            act(connection, entity, Place { id, parent, actor: signed_in }, files.action, at)?;
            files.keep(connection, id, &file)?;
            Ok(Outcome::Updated)
        }),
        Write::Run(procedure, id, values) => whole(connection, true, || {
            // A person who acts for another keeps their own rights.
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
pub(super) fn is_needed(connection: &Connection, entity: &Entity, place: Place, archiving: &Archiving) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {}{} AND ({})", entity.table.name, place.condition(entity, 1), archiving.needed);
    let mut statement = connection.prepare_cached(&sql)?;
    statement.clear_bindings();
    place.bind(&mut statement, entity, 1)?;
    Ok(first_row(&mut statement, |_| Ok(()))?.is_some())
}

pub(super) fn entail(connection: &Connection, entity: &Entity, done: Done<'_>) -> Result<()> {
    entity.entail.map_or(Ok(()), |entail| entail(connection, &done))
}

/// Runs several statements of which either all or none have happened; one needs no savepoint.
pub(crate) fn whole<T>(connection: &Connection, several: bool, run: impl FnOnce() -> Result<T>) -> Result<T> {
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

/// Whether a delete is more than one statement.
fn deletes_more(entity: &Entity) -> bool {
    entity.entail.is_some() || entity.archiving.is_some() || entity.release.is_some()
}
