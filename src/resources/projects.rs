//! Projects: `projects.md`, and rule 3 of `clients.md`.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension};
use rust_decimal::Decimal;

use crate::error::{Error, Result, Rule};
use crate::record::{Fields, Table, Values, record, text_enum};
use crate::store::{Action, Change, ClientStore, Invariant, Records, Resource, Selection, Stored, Transaction};
use crate::value::Value;

record! {
    /// A project of a client.
    Project: table "projects", element "project", list "projects", documented array false,
    without a place "fees" "basecamp-id" "highrise-deal-id" "active-task-assignments-count" "active-user-assignments-count"
    "company-id";
    elements {
        /// Never used again, not even after a delete.
        id ("id"): i64 = readonly;
        /// The client it belongs to; an update may move it.
        client_id ("client-id"): i64 = required;
        /// Not blank.
        name ("name"): String = required;
        /// A short code of the user's own.
        code ("code"): String = writable;
        /// Whether the project is active, which takes an active client.
        active ("active"): bool = writable;
        /// Whether its time is billed.
        billable ("billable"): bool = writable;
        /// What its rates hang on.
        bill_by ("bill-by"): BillBy = writable;
        /// Money an hour, where there is one rate.
        hourly_rate ("hourly-rate"): Option<Decimal> = writable bare_nil;
        /// What its budget hangs on.
        budget_by ("budget-by"): BudgetBy = writable also("estimate-by");
        /// Hours.
        budget ("budget"): Option<Decimal> = writable also("estimate");
        /// Whether to tell when the budget is used up.
        notify_when_over_budget ("notify-when-over-budget"): bool = writable;
        /// Percent of the budget.
        over_budget_notification_percentage ("over-budget-notification-percentage"): Option<Decimal> = writable;
        /// When that was last told.
        over_budget_notified_at ("over-budget-notified-at"): Option<DateTime<Utc>> = readonly bare_nil;
        /// Whether everybody sees the budget.
        show_budget_to_all ("show-budget-to-all"): bool = writable;
        /// When the record was created.
        created_at ("created-at"): DateTime<Utc> = readonly;
        /// When the record was last written to.
        updated_at ("updated-at"): DateTime<Utc> = readonly;
        /// Its first day.
        starts_on ("starts-on"): Option<NaiveDate> = writable;
        /// Its last day.
        ends_on ("ends-on"): Option<NaiveDate> = writable;
        /// The first day with time or expenses.
        hint_earliest_record_at ("hint-earliest-record-at"): Option<NaiveDate> = readonly also("earliest-record-at");
        /// The last such day.
        hint_latest_record_at ("hint-latest-record-at"): Option<NaiveDate> = readonly also("latest-record-at");
        /// Free text.
        notes ("notes"): String = writable;
        /// Money.
        cost_budget ("cost-budget"): Option<Decimal> = writable;
        /// Whether expenses count against the cost budget.
        cost_budget_include_expenses ("cost-budget-include-expenses"): bool = writable
            also("cost-budget-includes-expenses");
        /// Whether it is billed at a fixed fee.
        is_fixed_fee ("is-fixed-fee"): bool = writable;
        /// Money, where the fee is fixed.
        fee ("fee"): Option<Decimal> = writable;
        /// The same as the budget, by its older name.
        estimate ("estimate"): Option<Decimal> = readonly computed("budget");
        /// The same as what the budget hangs on, by its older name.
        estimate_by ("estimate-by"): BudgetBy = readonly computed("budget_by");
    }
    internal {
        version ("version"): i64 = readonly also("cache-version");
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
pub type NewProject = Fields<Project>;
/// What an update of a project sets.
pub type ProjectChanges = Fields<Project>;

impl NewProject {
    /// A client's project with a name and defaults for the rest.
    pub fn of(client_id: i64, name: impl Into<String>) -> Self {
        Self::new().client_id(client_id).name(name)
    }
}

/// What a list of projects is narrowed by; the default is every project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectFilter {
    /// Only those of the client.
    pub client: Option<i64>,
    /// Only those updated at the moment or later.
    pub updated_since: Option<DateTime<Utc>>,
}

impl ClientStore {
    /// The projects.
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
    /// [`Error::Refused`] with [`Rule::ClientIsInactive`] where its client is inactive,
    /// [`Error::NotFound`], [`Error::Busy`] and [`Error::Storage`].
    pub fn toggle(&self, id: i64) -> Result<bool> {
        self.act(id, &TOGGLE).map(|active| active == 1)
    }
}

impl Stored for Project {
    type Filter = ProjectFilter;
    const RESOURCE: &'static dyn Resource = &Projects;

    fn select(filter: &ProjectFilter, _today: NaiveDate) -> Selection {
        let mut selection = Selection::default();
        if let Some(id) = filter.client {
            selection.and("client_id = ?", Value::Integer(id));
        }
        if let Some(moment) = filter.updated_since {
            selection.updated_since(moment);
        }
        selection
    }
}

pub(crate) struct Projects;

/// An active project becomes inactive and the other way round.
static TOGGLE: Action = Action {
    name: "toggle",
    under: None,
    set: "active = 1 - active",
    when: "(active = 1 OR EXISTS (SELECT 1 FROM clients WHERE id = projects.client_id AND clients.active = 1))",
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

impl Resource for Projects {
    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn paths(&self) -> &'static [&'static str] {
        &["projects"]
    }

    fn actions(&self) -> &'static [Action] {
        std::slice::from_ref(&TOGGLE)
    }

    fn complete(&self, _connection: &Connection, values: &mut Values, _at: DateTime<Utc>) -> Result<()> {
        for (name, default) in [
            ("active", 1),
            ("billable", 1),
            ("notify_when_over_budget", 0),
            ("show_budget_to_all", 0),
            ("cost_budget_include_expenses", 0),
            ("is_fixed_fee", 0),
        ] {
            values.default(name, || Value::Integer(default));
        }
        for (name, default) in [
            ("code", ""),
            ("bill_by", "none"),
            ("budget_by", "none"),
            ("notes", ""),
            ("over_budget_notification_percentage", "80.0"),
        ] {
            values.default(name, || Value::from(default));
        }
        Ok(())
    }

    fn guard(&self, change: &Change<'_>) -> &'static str {
        match change {
            Change::Create(_) => "EXISTS (SELECT 1 FROM clients WHERE id = ?2 AND (active = 1 OR ?5 = 0))",
            Change::Update(_, values) => match (values.get("client_id"), values.get("active")) {
                (None, None | Some(Value::Integer(0))) => "",
                (None, Some(_)) => {
                    "EXISTS (SELECT 1 FROM clients WHERE id = projects.client_id AND clients.active = 1)"
                }
                (Some(_), None) => {
                    "EXISTS (SELECT 1 FROM clients WHERE id = ?2 AND (clients.active = 1 OR projects.active = 0))"
                }
                (Some(_), Some(_)) => "EXISTS (SELECT 1 FROM clients WHERE id = ?2 AND (clients.active = 1 OR ?5 = 0))",
            },
            // an action has its own condition
            Change::Act(..) | Change::Delete(_) => "",
        }
    }

    fn refusal(&self, connection: &Connection, change: &Change<'_>) -> Result<Error> {
        let given = change.values().and_then(|values| values.get("client_id"));
        let client = match given {
            Some(Value::Integer(id)) => Some(*id),
            _ => None,
        };
        let active: Option<bool> = match client {
            Some(id) => connection
                .prepare_cached("SELECT active FROM clients WHERE id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()?,
            None => Some(false),
        };
        Ok(match (active, client) {
            (None, Some(id)) => no_such_client(id),
            _ => Error::refused(Rule::ClientIsInactive, [("inactive client", 1)]),
        })
    }

    fn invariants(&self) -> &'static [Invariant] {
        &INVARIANTS
    }

    fn filter(&self, selection: &mut Selection, name: &str, value: &str, _today: NaiveDate) -> Result<()> {
        match name {
            "client" => selection.client_text(value),
            "updated_since" => selection.updated_since_text(value)?,
            _ => {}
        }
        Ok(())
    }
}

/// A reference to a client that is not there.
pub(super) fn no_such_client(id: i64) -> Error {
    Error::invalid("client-id", format!("is {id}, but there is no such client; create it first"))
}
