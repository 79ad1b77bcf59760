//! The calls about expenses that other records have not: the week, and making one for somebody.

use chrono::{Datelike, Days, NaiveDate};

use super::{EXPENSES, FROM, PERSON, TO, rules};
use crate::account::WeekStart;
use crate::error::Result;
use crate::format::Purpose;
use crate::resources::people::of_user;
use crate::resources::projects::{PROJECT, PROJECTS};
use crate::resources::{Answer, Call, Plan};
use crate::value::in_range;

pub(super) fn this_week(call: &Call<'_>) -> Result<Plan> {
    of_week(call, call.store.today())
}

pub(super) fn week(call: &Call<'_>) -> Result<Plan> {
    of_week(call, call.date()?)
}

/// The expenses of a person in the week that has the day.
fn of_week(call: &Call<'_>, day: NaiveDate) -> Result<Plan> {
    let (first, last) = week_of(day, call.store.account().week_start_day);
    let mut selection = EXPENSES.unfiltered(call.store.today());
    selection.belonging_to(PERSON.column, of_user(call, None)?);
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

/// Makes an expense of the acting person, or of the one that an administrator names in the body.
pub(super) fn create(call: &Call<'_>) -> Result<Plan> {
    let resource = call.records()?;
    let values = call.body.read(EXPENSES.document, Purpose::Create)?;
    let person = match values.integer(PERSON.column) {
        // A rule says whether they are there.
        Some(named) if call.actor.is_administrator() => named,
        named => of_user(call, named)?,
    };
    if let Some(project) = values.integer(PROJECT.column)
        && call.store.must_exist(&PROJECTS, project, call.reach).is_err()
    {
        return Err(rules::no_such_project(project));
    }
    let command = call.store.creation(&EXPENSES, Some(person), values)?;
    Ok(Plan::Write { command: Box::new(command), answer: Answer::Created { resource, parent: None } })
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
