//! Time: `docs/spec/time.md`.

mod daily;
mod day;
mod entry;
mod request;
mod rules;
mod timers;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::invoices::InvoiceId;
use super::people::PersonId;
use super::projects::{ProjectId, is_managed};
use super::reports::{self, DAY, FROM, IS_CLOSED, ONLY_BILLED, ONLY_UNBILLED, PERSON, TO};
use super::tasks::TaskId;
use super::{Caller, Endpoint, Resource};
use crate::error::Result;
use crate::record::{NewRecord, RecordChanges, Values, filter, record};
use crate::store::{By, ClientStore, Entity, Filter, Records, Selection, Stored, Transaction};
use crate::value::{Kind, Value, decimal_text};

record! {
    /// The time that a person has worked on a task of a project on a day.
    DayEntry: table "day_entries", id DayEntryId, element "day-entry", list "day-entries", documented array true;
    elements {
        /// Never used again, not even after a delete.
        id: DayEntryId = readonly;
        /// Free text; none where it is empty.
        notes: Option<String> = writable searched;
        /// The day.
        spent_at: NaiveDate = required;
        /// 0 to 24, in hundredths. The time of a timer that runs is not among them until it stops.
        hours: Decimal = writable default_text("0.0");
        /// The person.
        user_id: PersonId = required on_create;
        /// The project, to which the person is assigned.
        project_id: ProjectId = required;
        /// The task, which is assigned to the project.
        task_id: TaskId = required;
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
        /// Always false.
        adjustment_record: bool = readonly computed("0");
        /// Since when its timer runs; none where it does not.
        timer_started_at: Option<DateTime<Utc>> = readonly;
        /// Whether it is approved, which locks it: its project, its task and its day stay.
        is_closed: bool = writable default(0);
        /// Whether it is on an invoice, which locks it as well.
        is_billed: bool = readonly default(0);
    }
    internal {
        invoice_id: Option<InvoiceId> = readonly;
        version: i64 = readonly default(0);
    }
}

/// What a new time entry is made from.
pub type NewDayEntry = NewRecord<DayEntry>;
/// What an update of a time entry sets.
pub type DayEntryChanges = RecordChanges<DayEntry>;

impl NewDayEntry {
    /// Time of a person for a task of a project on a day: none yet, and without a timer.
    pub fn of(
        user_id: impl Into<PersonId>,
        project_id: impl Into<ProjectId>,
        task_id: impl Into<TaskId>,
        spent_at: NaiveDate,
    ) -> Self {
        Self::new().user_id(user_id).project_id(project_id).task_id(task_id).spent_at(spent_at)
    }
}

filter! {
    /// What a list of time entries is narrowed by; the default is every entry.
    ///
    /// A list of a person's or of a project's entries ascends by day and then by id, any other by id.
    DayEntryFilter {
        /// Only those of the person.
        user: PersonId,
        /// Only those of the project.
        project: ProjectId,
        /// Only those of the day or later.
        from: NaiveDate,
        /// Only those of the day or earlier.
        to: NaiveDate,
        /// Only those that are billable by their task assignment, or those that are not.
        billable: bool,
        /// Only those on an invoice, or those on none.
        billed: bool,
        /// Only those that are approved, or those that are not.
        closed: bool,
        /// Only those updated at the moment or later.
        updated_since: DateTime<Utc>,
    }
}

impl ClientStore {
    /// The time entries.
    ///
    /// ```
    /// use clientstore::chrono::NaiveDate;
    /// use clientstore::rust_decimal::Decimal;
    /// use clientstore::{ClientStore, DayEntryFilter, NewClient, NewDayEntry, NewProject, NewTaskAssignment};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let project = store.projects().create(&NewProject::of(client, "Website"))?;
    /// store.task_assignments().create(&NewTaskAssignment::of(project, 2))?;
    /// let day = NaiveDate::from_ymd_opt(2011, 3, 31).unwrap_or_default();
    /// let id = store.day_entries().create(&NewDayEntry::of(1, project, 2, day).hours(Decimal::TWO))?;
    /// assert_eq!(store.day_entries().list(&DayEntryFilter::new().from(day))?.count(), 1);
    ///
    /// assert_eq!(store.day_entries().start_timer(id)?, None, "no other timer was stopped");
    /// assert!(store.day_entries().stop_timer(id)? >= Decimal::TWO);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn day_entries(&self) -> Records<'_, DayEntry> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The time entries.
    pub fn day_entries(&self) -> Records<'_, DayEntry> {
        self.records()
    }
}

impl Records<'_, DayEntry> {
    /// Starts the timer of an entry; one that runs goes on. Another timer of the same person is stopped, and the hours
    /// of its entry are given.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound), [`Error::Busy`](crate::Error::Busy) and
    /// [`Error::Storage`](crate::Error::Storage).
    pub fn start_timer(&self, id: impl Into<DayEntryId>) -> Result<Option<Decimal>> {
        self.procedure(id.into().into(), &timers::START).map(|told| told.number)
    }

    /// Stops the timer of an entry, where it runs, and gives the entry's hours.
    ///
    /// # Errors
    ///
    /// As [`start_timer`](Self::start_timer).
    pub fn stop_timer(&self, id: impl Into<DayEntryId>) -> Result<Decimal> {
        self.procedure(id.into().into(), &timers::STOP).map(|told| told.number.unwrap_or_default())
    }
}

impl Stored for DayEntry {
    type Filter = DayEntryFilter;
    const ENTITY: &'static Entity = &DAY_ENTRIES;

    fn select(filter: &DayEntryFilter, selection: &mut Selection) {
        if let Some(id) = filter.user {
            selection.belonging_to(PERSON.column, id.into());
        }
        if let Some(id) = filter.project {
            PROJECT_ID.integer(selection, id.into());
        }
        if let Some(is) = filter.billable {
            BILLABLE.switch(selection, reports::yes_or_no(is));
        }
        let days = (filter.from, filter.to);
        reports::narrow(selection, days, filter.billed, filter.closed, filter.updated_since);
        if filter.user.is_some() || filter.project.is_some() {
            selection.by = Some(DAY);
        }
    }
}

const USER_ID: Filter =
    Filter { names: &["user_id"], by: By::Value { kind: Kind::Integer, condition: "user_id = ?", sorts: false } };
const PROJECT_ID: Filter =
    Filter { names: &["project_id"], by: By::Value { kind: Kind::Integer, condition: "project_id = ?", sorts: false } };
const BILLABLE: Filter = Filter {
    names: &["billable"],
    by: By::Switch(&[
        (
            "yes",
            "EXISTS (SELECT 1 FROM task_assignments AS assigned WHERE assigned.project_id = day_entries.project_id \
             AND assigned.task_id = day_entries.task_id AND assigned.billable = 1)",
        ),
        (
            "no",
            "NOT EXISTS (SELECT 1 FROM task_assignments AS assigned WHERE assigned.project_id = day_entries.project_id \
             AND assigned.task_id = day_entries.task_id AND assigned.billable = 1)",
        ),
    ]),
};
pub(crate) static DAY_ENTRIES: Entity = Entity::of::<DayEntry>()
    .parent(PERSON)
    .seen("day_entries.user_id = :actor")
    .managed(is_managed!("day_entries.project_id"))
    .filters(&[FROM, TO, USER_ID, PROJECT_ID, BILLABLE, ONLY_BILLED, ONLY_UNBILLED, IS_CLOSED, Filter::UPDATED_SINCE])
    .rules(&rules::RULES)
    .unlocked("is_closed = 0, is_billed = 0, invoice_id = NULL")
    .complete(|_, values, _| {
        tidy(values);
        Ok(())
    })
    .revise(|_, _, values| {
        tidy(values);
        Ok(())
    })
    .invariants(&rules::INVARIANTS);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &DAY_ENTRIES,
    endpoints: &[
        Endpoint::read("/daily", daily::today).by(Caller::Anybody),
        Endpoint::read("/daily/{day}/{year}", daily::day).by(Caller::Anybody),
        Endpoint::read("/daily/show/{id}", daily::show).by(Caller::Anybody),
        Endpoint::changing_get("/daily/timer/{id}", daily::timer).by(Caller::Anybody),
        Endpoint::make("/daily/timer/{id}", daily::timer).by(Caller::Anybody),
        Endpoint::make("/daily/add", daily::add).by(Caller::Anybody),
        Endpoint::make("/daily/update/{id}", daily::update).or_put().by(Caller::Anybody),
        Endpoint::remove("/daily/delete/{id}", daily::delete).by(Caller::Anybody),
        Endpoint::read("/projects/{project_id}/entries", |call| reports::of_project(call, &DAY_ENTRIES))
            .by(Caller::Manager),
        Endpoint::read("/people/{user_id}/entries", |call| reports::of_person(call, &DAY_ENTRIES)).by(Caller::Anybody),
    ],
};

/// Hours are kept in hundredths, and empty notes are none.
fn tidy(values: &mut Values) {
    if values.text("notes") == Some("") {
        values.set("notes", Value::Null);
    }
    let hours = values.text("hours").and_then(|hours| hours.parse().ok());
    if let Some(hours) = hours.filter(|hours| *hours <= entry::DAY) {
        values.set("hours", Value::Text(decimal_text(entry::hundredths(hours))));
    }
}
