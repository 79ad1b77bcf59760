//! A time entry as `/daily` shows it: with names, and with the time of a timer that runs.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension, Row};
use rust_decimal::{Decimal, RoundingStrategy};

use super::DAY_ENTRIES;
use crate::error::{Error, Result};
use crate::format::Node;
use crate::record::Field;
use crate::store::corrupt;

/// The most hours that an entry has.
pub(super) const DAY: Decimal = Decimal::from_parts(24, 0, 0, false, 0);
const SECONDS_OF_AN_HOUR: i64 = 3600;

/// Hours in hundredths; a half goes up.
pub(super) fn hundredths(hours: Decimal) -> Decimal {
    hours.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// The hours with those of a timer that has run from the one moment to the other: at most the 24 of a day.
pub(super) fn with_timer(hours: Decimal, started: DateTime<Utc>, now: DateTime<Utc>) -> Decimal {
    let seconds = (now - started).num_seconds().max(0);
    hundredths(hours + Decimal::from(seconds) / Decimal::from(SECONDS_OF_AN_HOUR)).min(DAY)
}

/// The columns of an entry, and where they come from.
const SELECT: &str = "SELECT entry.id, spent_at, entry.user_id, clients.name, entry.project_id, projects.name, \
                      entry.task_id, tasks.name, hours, entry.notes, timer_started_at, entry.created_at, entry.updated_at \
                      FROM day_entries AS entry CROSS JOIN projects ON projects.id = entry.project_id \
                      CROSS JOIN clients ON clients.id = projects.client_id CROSS JOIN tasks ON tasks.id = entry.task_id";

/// The members of a person's entry.
///
/// # Errors
///
/// [`Error::NotFound`] where there is none, or it is another person's; [`Error::Corrupt`] and [`Error::Storage`].
pub(super) fn one(connection: &Connection, id: i64, user: i64, now: DateTime<Utc>) -> Result<Vec<Node>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE entry.id = ?1 AND entry.user_id = ?2"))?;
    let mut rows = statement.query([id, user])?;
    match rows.next()? {
        Some(row) => members(row, now),
        None => Err(no_such(id)),
    }
}

/// Gives the row of each of a person's entries of a day, by id, until `each` has enough.
pub(super) fn each_of_day(
    connection: &Connection,
    user: i64,
    day: NaiveDate,
    each: &mut dyn FnMut(&Row<'_>) -> Result<bool>,
) -> Result<()> {
    let sql = format!("{SELECT} WHERE entry.user_id = ?1 AND entry.spent_at = ?2 ORDER BY entry.id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((user, crate::value::date_text(day)))?;
    while let Some(row) = rows.next()? {
        if !each(row)? {
            break;
        }
    }
    Ok(())
}

pub(super) fn no_such(id: i64) -> Error {
    Error::NotFound { record: DAY_ENTRIES.document.element, id }
}

/// The person whose entry it is.
pub(super) fn person(connection: &Connection, id: i64) -> Result<i64> {
    let mut statement = connection.prepare_cached("SELECT user_id FROM day_entries WHERE id = ?1")?;
    statement.query_row([id], |row| row.get(0)).optional()?.ok_or_else(|| no_such(id))
}

/// The members of the entry in a row.
pub(super) fn members(row: &Row<'_>, now: DateTime<Utc>) -> Result<Vec<Node>> {
    let id: i64 = row.get(0)?;
    let text = |at: usize, column| field::<String>(row, at, id, column);
    let number = |at: usize, column| field::<i64>(row, at, id, column);
    let hours: Decimal = field(row, 8, id, "hours")?;
    let started: Option<DateTime<Utc>> = field(row, 10, id, "timer-started-at")?;
    let so_far = started.map_or_else(|| hundredths(hours), |started| with_timer(hours, started, now));
    let mut members = Vec::with_capacity(14);
    members.extend([
        Node::Integer("id", id),
        Node::Date("spent_at", field(row, 1, id, "spent-at")?),
        Node::Integer("user_id", number(2, "user-id")?),
        Node::Text("client", text(3, "client")?),
        Node::Text("project_id", number(4, "project-id")?.to_string()),
        Node::Text("project", text(5, "project")?),
        Node::Text("task_id", number(6, "task-id")?.to_string()),
        Node::Text("task", text(7, "task")?),
        Node::Float("hours", so_far),
        Node::InJson(Box::new(Node::Float("hours_without_timer", hundredths(hours)))),
        Node::Text("notes", field::<Option<String>>(row, 9, id, "notes")?.unwrap_or_default()),
    ]);
    members.extend(started.map(|started| Node::LongDateTime("timer_started_at", started)));
    members.extend([
        Node::LongDateTime("created_at", field(row, 11, id, "created-at")?),
        Node::LongDateTime("updated_at", field(row, 12, id, "updated-at")?),
    ]);
    Ok(members)
}

fn field<T: Field>(row: &Row<'_>, at: usize, id: i64, column: &'static str) -> Result<T> {
    T::from_ref(row.get_ref(at)?).map_err(|reason| corrupt(DAY_ENTRIES.table, id, column, reason))
}
