//! Projects: `docs/spec/projects.md`, and rule 3 of `docs/spec/clients.md`.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::Connection;
use rust_decimal::Decimal;

use super::clients::ClientId;
use super::{Caller, Endpoint, Resource, count};
use crate::error::{self, Error, Result};
use crate::record::{NewRecord, RecordChanges, filter, record, text_enum};
use crate::store::{
    Action, Change, ClientStore, Done, Entity, Filter, Invariant, MAX_ID, On, Parent, Records, Rule, Selection, Stored,
    Transaction,
};
use crate::value::datetime_text;

record! {
    /// A project of a client.
    Project: table "projects", id ProjectId, element "project", list "projects", documented array false,
    without a place "fees" "basecamp-id" "highrise-deal-id" "active-task-assignments-count" "active-user-assignments-count"
    "company-id";
    elements {
        /// Never used again, not even after a delete.
        id: ProjectId = readonly;
        /// The client it belongs to; an update may move it.
        client_id: ClientId = required;
        /// Not blank.
        name: String = required searched;
        /// A short code of the user's own.
        code: String = writable searched default_text("");
        /// Whether the project is active, which takes an active client.
        active: bool = writable default(1);
        /// Whether its time is billed.
        billable: bool = writable default(1);
        /// What its rates hang on.
        bill_by: BillBy = writable default_text("none");
        /// Money an hour, where there is one rate.
        hourly_rate: Option<Decimal> = writable bare_nil;
        /// What its budget hangs on.
        budget_by: BudgetBy = writable also("estimate-by") default_text("none");
        /// Hours.
        budget: Option<Decimal> = writable also("estimate");
        /// Whether to tell when the budget is used up.
        notify_when_over_budget: bool = writable default(0);
        /// Percent of the budget.
        over_budget_notification_percentage: Option<Decimal> = writable default_text("80.0");
        /// When that was last told.
        over_budget_notified_at: Option<DateTime<Utc>> = readonly bare_nil;
        /// Whether everybody sees the budget.
        show_budget_to_all: bool = writable default(0);
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
        /// Its first day.
        starts_on: Option<NaiveDate> = writable;
        /// Its last day.
        ends_on: Option<NaiveDate> = writable;
        /// The first day with time or expenses.
        hint_earliest_record_at: Option<NaiveDate> = readonly also("earliest-record-at");
        /// The last such day.
        hint_latest_record_at: Option<NaiveDate> = readonly also("latest-record-at");
        /// Free text.
        notes: String = writable searched default_text("");
        /// Money.
        cost_budget: Option<Decimal> = writable;
        /// Whether expenses count against the cost budget.
        cost_budget_include_expenses: bool = writable also("cost-budget-includes-expenses") default(0);
        /// Whether it is billed at a fixed fee.
        is_fixed_fee: bool = writable default(0);
        /// Money, where the fee is fixed.
        fee: Option<Decimal> = writable;
        /// The same as the budget, by its older name.
        estimate: Option<Decimal> = readonly computed("budget");
        /// The same as what the budget hangs on, by its older name.
        estimate_by: BudgetBy = readonly computed("budget_by");
    }
    internal {
        version: i64 = readonly also("cache-version") default(0);
    }
}

text_enum! {
    /// What a project's rates hang on.
    BillBy {
        /// It has none.
        None = "none",
        /// The task.
        Tasks = "Tasks",
        /// The person.
        People = "People",
        /// The project: its hourly rate.
        Project = "Project",
    }
}

text_enum! {
    /// What a project's budget hangs on.
    BudgetBy {
        /// Hours of the project.
        Project = "project",
        /// Money of the project.
        ProjectCost = "project_cost",
        /// Hours of each task.
        Task = "task",
        /// Hours of each person.
        Person = "person",
        /// Money of each task.
        TaskFees = "task_fees",
        /// It has none.
        None = "none",
    }
}

/// What a new project is made from.
pub type NewProject = NewRecord<Project>;
/// What an update of a project sets.
pub type ProjectChanges = RecordChanges<Project>;

impl NewProject {
    /// A client's project with a name and defaults for the rest.
    pub fn of(client_id: impl Into<ClientId>, name: impl Into<String>) -> Self {
        Self::new().client_id(client_id).name(name)
    }
}

filter! {
    /// What a list of projects is narrowed by; the default is every project.
    ProjectFilter {
        /// Only those of the client.
        client: ClientId,
        /// Only those updated at the moment or later.
        updated_since: DateTime<Utc>,
    }
}

impl ClientStore {
    /// The projects.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient, NewProject, ProjectFilter};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let id = store.projects().create(&NewProject::of(client, "Website").code("W1"))?;
    /// assert!(!store.projects().toggle(id)?, "it is inactive now");
    /// assert_eq!(store.projects().list(&ProjectFilter::new().client(client))?.count(), 1);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn projects(&self) -> Records<'_, Project> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The projects.
    pub fn projects(&self) -> Records<'_, Project> {
        self.records()
    }
}

impl Records<'_, Project> {
    /// Makes an active project inactive and the other way round; true when it is active now.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with [`ClientIsInactive`](error::Rule::ClientIsInactive) where its client is inactive,
    /// [`Error::NotFound`], [`Error::Busy`] and [`Error::Storage`].
    pub fn toggle(&self, id: impl Into<ProjectId>) -> Result<bool> {
        self.act(id, &TOGGLE).map(|active| active == 1)
    }
}

impl Stored for Project {
    type Filter = ProjectFilter;
    const ENTITY: &'static Entity = &PROJECTS;

    fn select(filter: &ProjectFilter, selection: &mut Selection) {
        if let Some(id) = filter.client {
            Filter::CLIENT.integer(selection, id.into());
        }
        if let Some(moment) = filter.updated_since {
            Filter::UPDATED_SINCE.moment(selection, moment);
        }
    }
}

/// The condition that the acting person manages a project, given the column with the project's id.
macro_rules! is_managed {
    ($project:literal) => {
        concat!(
            $project,
            " IN (SELECT mine.project_id FROM people, user_assignments AS mine \
             WHERE people.id = :actor AND people.is_project_manager = 1 AND people.is_active = 1 \
             AND mine.user_id = people.id AND mine.is_project_manager = 1 AND mine.deactivated = 0)"
        )
    };
}
pub(super) use is_managed;

pub(crate) static PROJECTS: Entity = Entity::of::<Project>()
    .filters(&[Filter::CLIENT, Filter::UPDATED_SINCE])
    .seen(
        "projects.id IN (SELECT mine.project_id FROM user_assignments AS mine \
         WHERE mine.user_id = :actor AND mine.deactivated = 0)",
    )
    .managed(is_managed!("projects.id"))
    // With another client, a project manager would see a client that is none of theirs.
    .reserved(&["client_id"])
    .rules(&[HAS_CLIENT, HAS_ACTIVE_CLIENT, HAS_NO_TIME, HAS_NO_EXPENSES])
    .entail(&[], entail)
    .derived(&[
        (
            "hint_earliest_record_at",
            "ifnull((SELECT min(ifnull(?1, spent_at), spent_at) FROM day_entries WHERE project_id = projects.id \
             ORDER BY spent_at LIMIT 1), ?1)",
        ),
        (
            "hint_latest_record_at",
            "ifnull((SELECT max(ifnull(?1, spent_at), spent_at) FROM day_entries WHERE project_id = projects.id \
             ORDER BY spent_at DESC LIMIT 1), ?1)",
        ),
    ])
    .invariants(&INVARIANTS);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &PROJECTS,
    endpoints: &[
        Endpoint::list("/projects").by(Caller::Anybody),
        Endpoint::create("/projects"),
        Endpoint::get("/projects/{id}").by(Caller::Anybody),
        Endpoint::update("/projects/{id}").by(Caller::Manager),
        Endpoint::delete("/projects/{id}").by(Caller::Manager),
        Endpoint::act("/projects/{id}/toggle", &TOGGLE).by(Caller::Manager),
    ],
};

/// A new project gets the person who makes it, everybody who joins each new project, and the default tasks.
fn entail(connection: &Connection, done: &Done<'_>) -> Result<()> {
    let Change::Create(_) = done.change else { return Ok(()) };
    let at = datetime_text(done.at);
    let people = "INSERT INTO user_assignments (user_id, project_id, hourly_rate, created_at, updated_at) \
                  SELECT id, ?1, default_hourly_rate, ?2, ?2 FROM people \
                  WHERE id = ?3 OR (has_access_to_all_future_projects = 1 AND is_active = 1) ORDER BY id";
    let tasks = "INSERT INTO task_assignments (project_id, task_id, billable, hourly_rate, created_at, updated_at) \
                 SELECT ?1, id, billable_by_default, default_hourly_rate, ?2, ?2 FROM tasks \
                 WHERE is_default = 1 AND deactivated = 0 ORDER BY id";
    let added = connection.prepare_cached(people)?.execute((done.id, &at, done.actor))?;
    within_ids(connection, added, "user_assignments")?;
    let added = connection.prepare_cached(tasks)?.execute((done.id, &at))?;
    within_ids(connection, added, "task_assignments")
}

/// Refuses what was added with ids above the greatest.
fn within_ids(connection: &Connection, added: usize, table: &'static str) -> Result<()> {
    match added > 0 && connection.last_insert_rowid() > MAX_ID {
        true => Err(Error::IdsExhausted { table }),
        false => Ok(()),
    }
}

/// What assignments belong to.
pub(super) const PROJECT: Parent = Parent { entity: &PROJECTS, column: "project_id" };

/// An active project becomes inactive and the other way round.
static TOGGLE: Action = Action { name: "toggle", sets: &[("active", "1 - active")], rules: &[] };

const HAS_CLIENT: Rule = Rule {
    on: On::Write,
    condition: "EXISTS (SELECT 1 FROM clients WHERE clients.id = :client_id)",
    refusal: |_, change| Ok(no_such_client(change)),
};

const HAS_NO_TIME: Rule = Rule {
    on: On::Delete,
    condition: "NOT EXISTS (SELECT 1 FROM day_entries WHERE day_entries.project_id = projects.id)",
    refusal: |connection, change| {
        let sql = "SELECT count(*) FROM day_entries WHERE project_id = ?1";
        let entries = count(connection, sql, change.id().unwrap_or_default())?;
        Ok(Error::refused(error::Rule::ProjectHasTimeOrExpenses, [("time entry", entries)]))
    },
};

/// No inactive client ever has an active project (`docs/spec/clients.md`, rule 3).
const HAS_ACTIVE_CLIENT: Rule = Rule {
    on: On::Write,
    condition: ":active = 0 OR EXISTS (SELECT 1 FROM clients WHERE clients.id = :client_id AND clients.active = 1)",
    refusal: |_, _| Ok(Error::refused(error::Rule::ClientIsInactive, [("inactive client", 1)])),
};

const HAS_NO_EXPENSES: Rule = Rule {
    on: On::Delete,
    condition: "NOT EXISTS (SELECT 1 FROM expenses WHERE expenses.project_id = projects.id)",
    refusal: |connection, change| {
        let sql = "SELECT count(*) FROM expenses WHERE project_id = ?1";
        let expenses = count(connection, sql, change.id().unwrap_or_default())?;
        Ok(Error::refused(error::Rule::ProjectHasTimeOrExpenses, [("expense", expenses)]))
    },
};

static INVARIANTS: [Invariant; 2] = [
    Invariant {
        column: "name",
        says: "is blank",
        broken_by: "SELECT id FROM projects WHERE trim(name, char(9, 10, 13, 32)) = ''",
    },
    Invariant {
        column: "active",
        says: "is true while its client is inactive",
        broken_by: "SELECT projects.id FROM projects NOT INDEXED CROSS JOIN clients ON clients.id = client_id \
                    WHERE projects.active <> 0 AND clients.active = 0",
    },
];

/// A reference to a client that is not there.
pub(super) fn no_such_client(change: &Change<'_>) -> Error {
    let id = change.integer("client_id").unwrap_or_default();
    Error::invalid("client-id", format!("is {id}, but there is no such client; create it first"))
}
