//! The conditions that a statement carries for the rules, and why it met none.

use rusqlite::{Connection, ErrorCode};

use super::place::{Place, bind_actor, first_row};
use crate::error::{Error, Result};
use crate::record::Values;
use crate::store::entity::{Change, Entity};

/// The conditions that a change must meet, after `before` where there are any.
pub(super) fn conditions(entity: &Entity, change: &Change<'_>, before: &str) -> String {
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
pub(super) fn why_not(connection: &Connection, entity: &Entity, place: Place, change: &Change<'_>) -> Result<Error> {
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
pub(crate) fn refusal(connection: &Connection, entity: &Entity, change: &Change<'_>, actor: i64) -> Result<Error> {
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
pub(super) fn constraint(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Error::storage("the file refused the change", error),
        _ => error.into(),
    }
}
