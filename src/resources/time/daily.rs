//! The calls of `/daily`.

use chrono::{DateTime, NaiveDate, Utc};

use super::super::people::of_user;
use super::super::{Answer, Call, LongTree, Plan, Telling};
use super::day::{Day, SHORT};
use super::request::{Hours, Request};
use super::{DAY_ENTRIES, PERSON, entry, timers};
use crate::error::Result;
use crate::format::Node;
use crate::record::Values;
use crate::store::{ClientStore, Procedure, Reads, Snapshot};
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
    let day = Day { user, day, is_slim, now: call.store.now() };
    let members = move |snapshot: &mut Snapshot, most| snapshot.read(|connection| day.members(connection, most));
    let mut snapshot = call.store.snapshot()?;
    if let Some(members) = members(&mut snapshot, SHORT)? {
        return Ok(Plan::Tree("daily", members));
    }
    let most = snapshot.read(|connection| day.at_most(connection))?;
    let make = move |store: &ClientStore| Ok(members(&mut store.snapshot()?, usize::MAX)?.unwrap_or_default());
    Ok(Plan::Long(LongTree { root: "daily", most, make: Box::new(make) }))
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
