//! Reports on time and on expenses: the records of a project or of a person between two days.

use chrono::{DateTime, NaiveDate, Utc};

use super::people::PEOPLE;
use super::projects::PROJECT;
use super::{Call, Plan};
use crate::error::{Error, Result};
use crate::store::{By, Entity, Filter, Parent, Selection};
use crate::value::{Kind, is_space};

/// The person whose time or expense it is.
pub(super) const PERSON: Parent = Parent { entity: &PEOPLE, column: "user_id" };
/// The column that reports ascend by.
pub(super) const DAY: &str = "spent_at";

pub(super) const FROM: Filter =
    Filter { names: &["from"], by: By::Value { kind: Kind::Date, condition: "spent_at >= ?", sorts: false } };
pub(super) const TO: Filter =
    Filter { names: &["to"], by: By::Value { kind: Kind::Date, condition: "spent_at <= ?", sorts: false } };
pub(super) const ONLY_BILLED: Filter = Filter { names: &["only_billed"], by: By::Switch(&[("yes", "is_billed = 1")]) };
pub(super) const ONLY_UNBILLED: Filter =
    Filter { names: &["only_unbilled"], by: By::Switch(&[("yes", "is_billed = 0")]) };
pub(super) const IS_CLOSED: Filter =
    Filter { names: &["is_closed"], by: By::Switch(&[("yes", "is_closed = 1"), ("no", "is_closed = 0")]) };

/// What `yes` and `no` filters take for a boolean.
pub(super) fn yes_or_no(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

/// Narrows a list of the typed access by what the filters of time and of expenses have in common.
pub(super) fn narrow(
    selection: &mut Selection,
    (from, to): (Option<NaiveDate>, Option<NaiveDate>),
    billed: Option<bool>,
    closed: Option<bool>,
    updated_since: Option<DateTime<Utc>>,
) {
    if let Some(day) = from {
        FROM.day(selection, day);
    }
    if let Some(day) = to {
        TO.day(selection, day);
    }
    match billed {
        Some(true) => ONLY_BILLED.switch(selection, "yes"),
        Some(false) => ONLY_UNBILLED.switch(selection, "yes"),
        None => {}
    }
    if let Some(is) = closed {
        IS_CLOSED.switch(selection, yes_or_no(is));
    }
    if let Some(moment) = updated_since {
        Filter::UPDATED_SINCE.moment(selection, moment);
    }
}

/// What every report must be given.
const REQUIRED: [&str; 2] = ["from", "to"];

/// A report on the entity's records of the project that the path names.
pub(super) fn of_project(call: &Call<'_>, entity: &'static Entity) -> Result<Plan> {
    report(call, entity, PROJECT)
}

/// A report on the entity's records of the person whom the path names.
pub(super) fn of_person(call: &Call<'_>, entity: &'static Entity) -> Result<Plan> {
    report(call, entity, PERSON)
}

fn report(call: &Call<'_>, entity: &'static Entity, of: Parent) -> Result<Plan> {
    let id = call.parent_id()?;
    call.store.must_exist(of.entity, id, call.reach)?;
    let mut selection = entity.unfiltered(call.store.today());
    selection.by = Some(DAY);
    selection.within(entity, call.reach);
    selection.belonging_to(of.column, id);
    let mut missing = REQUIRED.to_vec();
    for (name, value) in call.parameters() {
        // Of the two that the path may name, the other narrows the report.
        if name == of.column {
            continue;
        }
        entity.filter(&mut selection, &name, &value)?;
        missing.retain(|required| *required != name || value.trim_matches(is_space).is_empty());
    }
    match missing.first() {
        Some(name) => Err(Error::invalid(name, "is required; send from and to, each a day like 20110331")),
        None => Ok(Plan::List { entity, selection }),
    }
}
