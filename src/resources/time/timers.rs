//! Timers: one runs for each person. What starts or stops them is one transaction, with the writes of `/daily`.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};
use rust_decimal::Decimal;

use super::{DAY_ENTRIES, entry};
use crate::error::Result;
use crate::format::Node;
use crate::record::{Field, Values};
use crate::store::{Given, Place, Procedure, Told, change, corrupt, create};
use crate::value::{Value, datetime_text, decimal_text};

/// Makes an entry; without hours, its timer starts.
pub(super) static ADD: Procedure = Procedure {
    run: |connection, Given { mut values, actor, at, .. }| {
        values.check(true)?;
        let starts = values.get("hours").is_none();
        let id = create(connection, &DAY_ENTRIES, values, actor, at)?;
        let stopped = if starts { start(connection, id, actor, at)? } else { None };
        told(connection, id, stopped, at)
    },
};

/// Sets fields of an entry. A timer that runs goes on, and hours that are given count from now.
pub(super) static UPDATE: Procedure = Procedure {
    run: |connection, given| {
        let at = given.at;
        let id = update(connection, given)?;
        told(connection, id, None, at)
    },
};

/// Sets fields of an entry and starts its timer, unless it runs.
pub(super) static UPDATE_AND_START: Procedure = Procedure {
    run: |connection, given| {
        let (actor, at) = (given.actor, given.at);
        let id = update(connection, given)?;
        let stopped = start(connection, id, actor, at)?;
        told(connection, id, stopped, at)
    },
};

/// Stops the timer of an entry where it runs, and starts it where it does not.
pub(super) static TOGGLE: Procedure = Procedure {
    run: |connection, Given { id, parent, actor, at, .. }| {
        let id = id.unwrap_or_default();
        let user = entry::person(connection, id)?;
        if parent.is_some_and(|named| named != user) {
            return Err(entry::no_such(id));
        }
        let stopped = match timer(connection, id)? {
            Some(running) => {
                stop(connection, &running, actor, at)?;
                None
            }
            None => start(connection, id, actor, at)?,
        };
        told(connection, id, stopped, at)
    },
};

/// Starts the timer of an entry, unless it runs. The number is the hours of the other entry whose timer that has stopped.
pub(super) static START: Procedure = Procedure {
    run: |connection, Given { id, actor, at, .. }| {
        let id = id.unwrap_or_default();
        let number = start(connection, id, actor, at)?;
        Ok(Told { id, number, members: Vec::new() })
    },
};

/// Stops the timer of an entry, where it runs. The number is the entry's hours.
pub(super) static STOP: Procedure = Procedure {
    run: |connection, Given { id, actor, at, .. }| {
        let id = id.unwrap_or_default();
        entry::person(connection, id)?;
        let number = match timer(connection, id)? {
            Some(running) => stop(connection, &running, actor, at)?,
            None => hours(connection, id)?,
        };
        Ok(Told { id, number: Some(number), members: Vec::new() })
    },
};

/// What an entry became, and the hours of the one whose timer it has stopped.
fn told(connection: &Connection, id: i64, stopped: Option<Decimal>, at: DateTime<Utc>) -> Result<Told> {
    let user = entry::person(connection, id)?;
    let mut members = vec![Node::Bare("day_entry", entry::one(connection, id, user, at)?)];
    members.extend(stopped.map(|hours| Node::Float("hours_for_previously_running_timer", hours)));
    Ok(Told { id, number: stopped, members })
}

fn update(connection: &Connection, Given { id, parent, mut values, actor, at }: Given) -> Result<i64> {
    let id = id.unwrap_or_default();
    values.check(false)?;
    if values.get("hours").is_some() && timer(connection, id)?.is_some() {
        values.set("timer_started_at", Value::Text(datetime_text(at)));
    }
    change(connection, &DAY_ENTRIES, Place { id, parent, actor }, values, at)?;
    Ok(id)
}

/// An entry whose timer runs.
struct Running {
    id: i64,
    hours: Decimal,
    started: DateTime<Utc>,
}

/// The timer of an entry, where it runs.
fn timer(connection: &Connection, id: i64) -> Result<Option<Running>> {
    running(
        connection,
        "SELECT id, hours, timer_started_at FROM day_entries WHERE id = ?1 AND timer_started_at IS NOT NULL",
        id,
    )
}

fn running(connection: &Connection, sql: &str, id: i64) -> Result<Option<Running>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let id = row.get(0)?;
    let damaged = |column| move |reason| corrupt(DAY_ENTRIES.table, id, column, reason);
    let hours = Decimal::from_ref(row.get_ref(1)?).map_err(damaged("hours"))?;
    let started = DateTime::from_ref(row.get_ref(2)?).map_err(damaged("timer-started-at"))?;
    Ok(Some(Running { id, hours, started }))
}

/// Starts the timer of an entry, unless it runs, and gives the hours of the one that it has stopped.
fn start(connection: &Connection, id: i64, actor: i64, at: DateTime<Utc>) -> Result<Option<Decimal>> {
    let user = entry::person(connection, id)?;
    let sql = "SELECT id, hours, timer_started_at FROM day_entries WHERE user_id = ?1 AND timer_started_at IS NOT NULL";
    let stopped = match running(connection, sql, user)? {
        Some(other) if other.id == id => return Ok(None),
        // Also where it is locked, since only one can run.
        Some(other) => {
            let hours = entry::with_timer(other.hours, other.started, at);
            let sql = "UPDATE day_entries SET hours = ?2, timer_started_at = NULL, version = version + 1, updated_at = ?3 \
                       WHERE id = ?1";
            connection.prepare_cached(sql)?.execute((other.id, decimal_text(hours), datetime_text(at)))?;
            Some(hours)
        }
        None => None,
    };
    let mut values = Values::new(DAY_ENTRIES.table);
    values.set("timer_started_at", Value::Text(datetime_text(at)));
    change(connection, &DAY_ENTRIES, Place { id, parent: None, actor }, values, at)?;
    Ok(stopped)
}

/// Stops a timer, and gives the entry's hours.
fn stop(connection: &Connection, running: &Running, actor: i64, at: DateTime<Utc>) -> Result<Decimal> {
    let hours = entry::with_timer(running.hours, running.started, at);
    let mut values = Values::new(DAY_ENTRIES.table);
    values.set("hours", Value::Text(decimal_text(hours)));
    values.set("timer_started_at", Value::Null);
    change(connection, &DAY_ENTRIES, Place { id: running.id, parent: None, actor }, values, at)?;
    Ok(hours)
}

fn hours(connection: &Connection, id: i64) -> Result<Decimal> {
    let mut statement = connection.prepare_cached("SELECT hours FROM day_entries WHERE id = ?1")?;
    let text: Option<Value> = statement.query_row([id], |row| row.get(0)).optional()?;
    let text = text.ok_or_else(|| entry::no_such(id))?;
    Decimal::from_ref(text.as_ref()).map_err(|reason| corrupt(DAY_ENTRIES.table, id, "hours", reason))
}
