//! Which record a statement changes, and how its parameters are bound.

use rusqlite::Row;

use crate::error::Result;
use crate::record::Values;
use crate::store::entity::{Entity, actor_parameter};

/// The record that a command changes, the one that it must belong to, and who changes it.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) id: i64,
    pub(crate) parent: Option<i64>,
    pub(crate) actor: i64,
}

impl Place {
    /// The condition that finds it, with the number of its first parameter.
    pub(super) fn condition(self, entity: &Entity, first: usize) -> String {
        match (entity.parent, self.parent) {
            (Some(named), Some(_)) => format!(" WHERE id = ?{first} AND {} = ?{}", named.column, first + 1),
            _ => format!(" WHERE id = ?{first}"),
        }
    }

    pub(super) fn bind(self, statement: &mut rusqlite::Statement<'_>, entity: &Entity, first: usize) -> Result<()> {
        statement.raw_bind_parameter(first, self.id)?;
        if let (Some(_), Some(id)) = (entity.parent, self.parent) {
            statement.raw_bind_parameter(first + 1, id)?;
        }
        bind_actor(statement, entity, self.actor)
    }
}

/// Binds the acting person, where the statement's rules name them.
pub(super) fn bind_actor(statement: &mut rusqlite::Statement<'_>, entity: &Entity, actor: i64) -> Result<()> {
    let parameter = actor_parameter(entity.table);
    if statement.parameter_count() >= parameter {
        statement.raw_bind_parameter(parameter, actor)?;
    }
    Ok(())
}

/// Runs a statement whose parameters are bound to its end, and gives what its row says.
pub(super) fn first_row<T>(
    statement: &mut rusqlite::Statement<'_>,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let mut rows = statement.raw_query();
    let Some(row) = rows.next()? else { return Ok(None) };
    let value = read(row)?;
    rows.next()?;
    Ok(Some(value))
}

pub(super) fn bind(statement: &mut rusqlite::Statement<'_>, values: &Values) -> Result<()> {
    // A cached statement may still hold what an earlier command bound.
    statement.clear_bindings();
    for (position, value) in values.given() {
        statement.raw_bind_parameter(position + 1, value)?;
    }
    Ok(())
}
