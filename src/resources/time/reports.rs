//! Reports on time: the entries of a project or of a person between two days.

use super::super::endpoint::no_record;
use super::super::people::PEOPLE;
use super::super::projects::PROJECT;
use super::super::{Call, Plan};
use super::{DAY, DAY_ENTRIES, PERSON};
use crate::error::{Error, Result};
use crate::store::Entity;
use crate::value::is_space;

/// What every report must be given.
const REQUIRED: [&str; 2] = ["from", "to"];

pub(super) fn of_project(call: &Call<'_>) -> Result<Plan> {
    report(call, PROJECT.entity, PROJECT.column)
}

pub(super) fn of_person(call: &Call<'_>) -> Result<Plan> {
    report(call, &PEOPLE, PERSON.column)
}

fn report(call: &Call<'_>, of: &'static Entity, column: &'static str) -> Result<Plan> {
    let Some(id) = call.parent else { return Err(no_record()) };
    call.store.must_exist(of, id, call.reach)?;
    let mut selection = DAY_ENTRIES.unfiltered(call.store.today());
    selection.by = Some(DAY);
    selection.within(&DAY_ENTRIES, call.reach);
    selection.belonging_to(column, id);
    let mut missing = REQUIRED.to_vec();
    // The documentation printed a second `?`.
    let query = call.query.replace('?', "&");
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        // Of the two that the path may name, the other narrows the report.
        if name == column {
            continue;
        }
        DAY_ENTRIES.filter(&mut selection, &name, &value)?;
        missing.retain(|required| *required != name || value.trim_matches(is_space).is_empty());
    }
    match missing.first() {
        Some(name) => Err(Error::invalid(name, "is required; send from and to, each a day like 20110331")),
        None => Ok(Plan::List { entity: &DAY_ENTRIES, selection }),
    }
}
