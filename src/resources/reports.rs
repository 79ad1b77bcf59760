//! Reports on time and on expenses: the records of a project or of a person between two days.

use super::endpoint::no_record;
use super::people::PEOPLE;
use super::projects::PROJECT;
use super::{Call, Plan};
use crate::error::{Error, Result};
use crate::store::{By, Entity, Filter, Parent};
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
    let Some(id) = call.parent else { return Err(no_record()) };
    call.store.must_exist(of.entity, id, call.reach)?;
    let mut selection = entity.unfiltered(call.store.today());
    selection.by = Some(DAY);
    selection.within(entity, call.reach);
    selection.belonging_to(of.column, id);
    let mut missing = REQUIRED.to_vec();
    // The documentation printed a second `?`.
    let query = call.query.replace('?', "&");
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
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
