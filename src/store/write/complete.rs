//! What a new record gets that it was not given.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};

use super::command::NOBODY;
use crate::error::Result;
use crate::record::Values;
use crate::store::actor::ADMINISTRATOR;
use crate::store::entity::{Entity, Signature};
use crate::value::{Value, datetime_text};

/// Gives a new record all that it was not given.
pub(super) fn complete(
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
pub(super) fn sign(connection: &Connection, entity: &Entity, values: &mut Values, actor: i64) -> Result<()> {
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
