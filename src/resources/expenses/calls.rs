//! The calls about expenses that other records have not: the week, reports, and making one for somebody.

use chrono::{Datelike, Days, NaiveDate};

use super::{DAY, EXPENSES, FROM, PERSON, PROJECT, TO};
use crate::account::WeekStart;
use crate::error::{Error, Result};
use crate::format::Purpose;
use crate::resources::endpoint::no_record;
use crate::resources::people::PEOPLE;
use crate::resources::projects::PROJECTS;
use crate::resources::{Answer, Call, Plan};
use crate::store::{ADMINISTRATOR, Entity};
use crate::value::{Value, in_range, is_space};

/// What every report must be given.
const REQUIRED: [&str; 2] = ["from", "to"];

pub(super) fn this_week(call: &Call<'_>) -> Result<Plan> {
    of_week(call, call.store.today())
}

pub(super) fn week(call: &Call<'_>) -> Result<Plan> {
    let Some(path) = call.day else { return Err(no_record()) };
    let day = path.date().ok_or(Error::NotFound { record: "day", id: path.day })?;
    of_week(call, day)
}

/// The expenses of a person in the week that has the day.
fn of_week(call: &Call<'_>, day: NaiveDate) -> Result<Plan> {
    let (first, last) = week_of(day, call.store.account().week_start_day);
    let mut selection = EXPENSES.unfiltered(call.store.today());
    selection.belonging_to(PERSON, of_user(call)?.unwrap_or(ADMINISTRATOR));
    FROM.day(&mut selection, first);
    TO.day(&mut selection, last);
    selection.sorts = true;
    selection.week = Some((first, last));
    Ok(Plan::List { entity: &EXPENSES, selection })
}

/// The first and the last day of the week that has the day, as far as there are dates.
fn week_of(day: NaiveDate, start: WeekStart) -> (NaiveDate, NaiveDate) {
    let weekday = day.weekday();
    let before = match start {
        WeekStart::Monday => weekday.num_days_from_monday(),
        WeekStart::Sunday => weekday.num_days_from_sunday(),
        WeekStart::Saturday => (weekday.num_days_from_sunday() + 1) % 7,
    };
    let first = day.checked_sub_days(Days::new(before.into())).and_then(in_range);
    let last = day.checked_add_days(Days::new((6 - before).into())).and_then(in_range);
    (first.unwrap_or(day), last.unwrap_or(day))
}

/// Whom the query names for the acting administrator to act for.
fn of_user(call: &Call<'_>) -> Result<Option<i64>> {
    let named = form_urlencoded::parse(call.query.as_bytes()).find(|(name, _)| name == "of_user");
    let Some(text) = named.as_ref().map(|(_, id)| id.trim_matches(is_space)).filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    // No person has an id that is no number.
    let id = text.parse().unwrap_or_default();
    call.store.must_exist(&PEOPLE, id)?;
    Ok(Some(id))
}

/// Makes an expense of the acting person, or of the one that the query or the body names.
pub(super) fn create(call: &Call<'_>) -> Result<Plan> {
    let Some(resource) = call.resource else { return Err(no_record()) };
    let mut values = call.body.read(EXPENSES.document, Purpose::Create)?;
    match of_user(call)? {
        Some(person) => values.set(PERSON, Value::Integer(person)),
        None => values.default(PERSON, || Value::Integer(ADMINISTRATOR)),
    }
    let command = call.store.creation(&EXPENSES, None, values);
    Ok(Plan::Write { command, answer: Answer::Created { resource, parent: None } })
}

pub(super) fn of_project(call: &Call<'_>) -> Result<Plan> {
    report(call, &PROJECTS, PROJECT)
}

pub(super) fn of_person(call: &Call<'_>) -> Result<Plan> {
    report(call, &PEOPLE, PERSON)
}

fn report(call: &Call<'_>, of: &'static Entity, column: &'static str) -> Result<Plan> {
    let Some(id) = call.parent else { return Err(no_record()) };
    call.store.must_exist(of, id)?;
    let mut selection = EXPENSES.unfiltered(call.store.today());
    selection.by = Some(DAY);
    selection.belonging_to(column, id);
    let mut missing = REQUIRED.to_vec();
    // The documentation printed a second `?`.
    let query = call.query.replace('?', "&");
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        EXPENSES.filter(&mut selection, &name, &value)?;
        missing.retain(|required| *required != name || value.trim_matches(is_space).is_empty());
    }
    match missing.first() {
        Some(name) => Err(Error::invalid(name, "is required; send from and to, each a day like 20110331")),
        None => Ok(Plan::List { entity: &EXPENSES, selection }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_the_accounts_first_day_and_has_seven() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (start, first, last) in [
            (WeekStart::Monday, "2011-03-28", "2011-04-03"),
            (WeekStart::Sunday, "2011-03-27", "2011-04-02"),
            (WeekStart::Saturday, "2011-03-26", "2011-04-01"),
        ] {
            for within in 0..7 {
                let within = day(first) + Days::new(within);
                assert_eq!(week_of(within, start), (day(first), day(last)), "{within} {start}");
            }
        }
        assert_eq!(week_of(day("0001-01-01"), WeekStart::Sunday), (day("0001-01-01"), day("0001-01-06")));
        assert_eq!(week_of(day("9999-12-31"), WeekStart::Monday), (day("9999-12-27"), day("9999-12-31")));
    }
}
