//! The calls of `/daily`.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::Connection;

use super::super::people::of_user;
use super::super::{Answer, Call, Plan, Telling};
use super::request::{Hours, Request};
use super::{DAY_ENTRIES, PERSON, entry, timers};
use crate::error::Result;
use crate::format::Node;
use crate::record::Values;
use crate::store::{Procedure, Reads};
use crate::value::{Value, date_text, is_space};

/// Where an entry is found.
const SHOW: &str = "/daily/show/";

pub(super) fn today(call: &Call<'_>) -> Result<Plan> {
    of_day(call, call.store.today())
}

pub(super) fn day(call: &Call<'_>) -> Result<Plan> {
    of_day(call, call.date()?)
}

fn of_day(call: &Call<'_>, day: NaiveDate) -> Result<Plan> {
    let user = of_user(call, None)?;
    let is_slim = parameter(call, "slim").is_some_and(|value| value == "1");
    let now = call.store.now();
    let members = call.store.snapshot()?.read(|connection| {
        let mut members = vec![
            Node::LongDate("for_day", day),
            Node::List("day_entries", "day_entry", entry::of_day(connection, user, day, now)?),
        ];
        if !is_slim {
            members.push(Node::List("projects", "project", projects(connection, user)?));
        }
        Ok(members)
    })?;
    Ok(Plan::Tree("daily", members))
}

/// What a person can record time for: the active projects that they are assigned to, with their active tasks.
fn projects(connection: &Connection, user: i64) -> Result<Vec<Vec<Node>>> {
    let sql = "SELECT projects.id, projects.name, code, projects.billable, clients.name, clients.id, currency, currency_symbol \
               FROM user_assignments AS assigned CROSS JOIN projects ON projects.id = assigned.project_id \
               CROSS JOIN clients ON clients.id = projects.client_id \
               WHERE assigned.user_id = ?1 AND assigned.deactivated = 0 AND projects.active = 1 \
               ORDER BY clients.name COLLATE NOCASE, clients.id, projects.name COLLATE NOCASE, projects.id";
    let of_project = "SELECT tasks.name, tasks.id, assigned.billable \
                      FROM task_assignments AS assigned CROSS JOIN tasks ON tasks.id = assigned.task_id \
                      WHERE assigned.project_id = ?1 AND assigned.deactivated = 0 \
                      ORDER BY tasks.name COLLATE NOCASE, tasks.id";
    let (mut statement, mut of_project) = (connection.prepare_cached(sql)?, connection.prepare_cached(of_project)?);
    let mut rows = statement.query([user])?;
    let mut projects = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let mut tasks = Vec::new();
        let mut assigned = of_project.query([id])?;
        while let Some(row) = assigned.next()? {
            tasks.push(vec![
                Node::Text("name", row.get(0)?),
                Node::Integer("id", row.get(1)?),
                Node::Boolean("billable", row.get(2)?),
            ]);
        }
        projects.push(vec![
            Node::Text("name", row.get(1)?),
            Node::Text("code", row.get(2)?),
            Node::Integer("id", id),
            Node::Boolean("billable", row.get(3)?),
            Node::Text("client", row.get(4)?),
            Node::Integer("client_id", row.get(5)?),
            Node::Text("client_currency", row.get(6)?),
            Node::Text("client_currency_symbol", row.get(7)?),
            Node::List("tasks", "task", tasks),
        ]);
    }
    Ok(projects)
}

pub(super) fn show(call: &Call<'_>) -> Result<Plan> {
    let (user, id) = (of_user(call, None)?, call.record_id()?);
    let now: DateTime<Utc> = call.store.now();
    let members = call.store.read(|connection| entry::one(connection, id, user, now))?;
    Ok(Plan::Tree("timer", vec![Node::Bare("day_entry", members)]))
}

/// Starts or stops the timer. A body of a POST may say for whom.
pub(super) fn timer(call: &Call<'_>) -> Result<Plan> {
    let named = if call.body.is_none() { None } else { Request::read(call)?.of_user };
    let user = of_user(call, named)?;
    let telling = Telling { root: "timer", created: false, location: None };
    Ok(write(call, user, Some(call.record_id()?), &timers::TOGGLE, Values::new(DAY_ENTRIES.table), telling))
}

pub(super) fn add(call: &Call<'_>) -> Result<Plan> {
    let request = Request::read(call)?;
    let user = of_user(call, request.of_user)?;
    let mut values = Values::new(DAY_ENTRIES.table);
    values.set(PERSON.column, Value::Integer(user));
    values.set(super::DAY, Value::Text(date_text(call.store.today())));
    request.values(&mut values);
    let telling = Telling { root: "add", created: true, location: Some(SHOW) };
    Ok(write(call, user, None, &timers::ADD, values, telling))
}

pub(super) fn update(call: &Call<'_>) -> Result<Plan> {
    let request = Request::read(call)?;
    let user = of_user(call, request.of_user)?;
    let mut values = Values::new(DAY_ENTRIES.table);
    request.values(&mut values);
    let procedure = if request.hours == Some(Hours::Timer) { &timers::UPDATE_AND_START } else { &timers::UPDATE };
    let telling = Telling { root: "timer", created: false, location: Some(SHOW) };
    Ok(write(call, user, Some(call.record_id()?), procedure, values, telling))
}

pub(super) fn delete(call: &Call<'_>) -> Result<Plan> {
    let user = of_user(call, None)?;
    let command = call.store.deletion(&DAY_ENTRIES, Some(user), call.record_id()?);
    Ok(Plan::Write { command: Box::new(command), answer: Answer::Deleted })
}

fn write(
    call: &Call<'_>,
    user: i64,
    id: Option<i64>,
    procedure: &'static Procedure,
    values: Values,
    telling: Telling,
) -> Plan {
    let command = call.store.running(&DAY_ENTRIES, Some(user), id, procedure, values);
    Plan::Write { command: Box::new(command), answer: Answer::Told(telling) }
}

/// A parameter of the query, where it is not blank.
fn parameter(call: &Call<'_>, name: &str) -> Option<String> {
    let (_, value) = call.parameters().find(|(given, _)| given == name)?;
    Some(value.trim_matches(is_space).to_owned()).filter(|value| !value.is_empty())
}
