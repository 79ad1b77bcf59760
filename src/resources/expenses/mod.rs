//! Expenses and their receipts: `docs/spec/time.md`.

mod calls;
mod cost;
mod receipts;
mod rules;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

pub use self::receipts::Receipt;
use super::expense_categories::ExpenseCategoryId;
use super::invoices::InvoiceId;
use super::people::PersonId;
use super::projects::{PROJECT, ProjectId, is_managed};
use super::reports::{self, DAY, FROM, IS_CLOSED, ONLY_BILLED, ONLY_UNBILLED, PERSON, TO};
use super::{Caller, Endpoint, Resource};
use crate::record::{NewRecord, RecordChanges, filter, record};
use crate::store::{ClientStore, Entity, Filter, Records, Selection, Stored, Transaction};

record! {
    /// Money that a person has spent for a project on a day.
    Expense: table "expenses", id ExpenseId, element "expense", list "expenses", documented array false;
    elements {
        /// Never used again, not even after a delete.
        id: ExpenseId = readonly;
        /// Free text.
        notes: String = writable searched default_text("");
        /// What it cost: the units times the category's price, in whole cents, unless another cost is given.
        total_cost: Decimal = writable;
        /// How many units of the category; 1 where a cost is given.
        units: Decimal = writable default_text("1.0");
        /// The project.
        project_id: ProjectId = required;
        /// The category.
        expense_category_id: ExpenseCategoryId = required;
        /// Whether a client pays it.
        billable: bool = writable default(1);
        /// The day.
        spent_at: NaiveDate = required any_day;
        /// The person; person 1 where nobody is named.
        user_id: PersonId = on_create also("of-user") default(1);
        /// Whether it is closed, which locks it: its project, its category and its day stay.
        is_closed: bool = readonly default(0);
        /// Whether it was billed.
        is_billed: bool = readonly default(0);
        /// The invoice that it is on, which locks it as well.
        invoice_id: Option<InvoiceId> = readonly;
        /// Whether it has a receipt.
        has_receipt: bool = readonly computed("EXISTS (SELECT 1 FROM receipts WHERE receipts.expense_id = expenses.id)");
        /// The path of its receipt.
        receipt_url: Option<String> = readonly
            computed("(SELECT '/expenses/' || expense_id || '/receipt' FROM receipts WHERE expense_id = expenses.id)");
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
    }
    internal {
        version: i64 = readonly default(0);
        receipt_name: Option<String> = readonly computed("(SELECT name FROM receipts WHERE expense_id = expenses.id)");
        receipt_type: Option<String> = readonly computed("(SELECT type FROM receipts WHERE expense_id = expenses.id)");
        receipt_base64: Option<String> = readonly computed("(SELECT bytes FROM receipts WHERE expense_id = expenses.id)");
    }
}

/// What a new expense is made from.
pub type NewExpense = NewRecord<Expense>;
/// What an update of an expense sets.
pub type ExpenseChanges = RecordChanges<Expense>;

impl NewExpense {
    /// An expense for a project on a day, of person 1: one unit of the category, or nothing where that has no price.
    pub fn of(
        project_id: impl Into<ProjectId>,
        expense_category_id: impl Into<ExpenseCategoryId>,
        spent_at: NaiveDate,
    ) -> Self {
        Self::new().project_id(project_id).expense_category_id(expense_category_id).spent_at(spent_at)
    }
}

filter! {
    /// What a list of expenses is narrowed by; the default is every expense. All conditions combine.
    ///
    /// A list of a person's or of a project's expenses ascends by day and then by id, any other by id.
    ExpenseFilter {
        /// Only those of the person.
        user: PersonId,
        /// Only those for the project.
        project: ProjectId,
        /// Only those of the category.
        category: ExpenseCategoryId,
        /// Only those of the day or later.
        from: NaiveDate,
        /// Only those of the day or earlier.
        to: NaiveDate,
        /// Only those that were billed, or those that were not.
        billed: bool,
        /// Only those that are closed, or those that are not.
        closed: bool,
        /// Only those updated at the moment or later.
        updated_since: DateTime<Utc>,
    }
}

impl ClientStore {
    /// The expenses.
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use clientstore::{ClientStore, NewClient, NewExpense, NewProject, Receipt};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let project = store.projects().create(&NewProject::of(client, "Website"))?;
    /// let day = NaiveDate::from_ymd_opt(2011, 3, 31).unwrap();
    /// // Category 3 is Mileage, at 0.55 a mile.
    /// let id = store.expenses().create(&NewExpense::of(project, 3, day).units(30))?;
    /// assert_eq!(store.expenses().get(id)?.total_cost.to_string(), "16.5");
    ///
    /// store.expenses().keep_receipt(id, &Receipt::new("fuel.txt", "30 miles"))?;
    /// assert_eq!(store.expenses().receipt(id)?.content_type, "text/plain");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn expenses(&self) -> Records<'_, Expense> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The expenses.
    pub fn expenses(&self) -> Records<'_, Expense> {
        self.records()
    }
}

impl Stored for Expense {
    type Filter = ExpenseFilter;
    const ENTITY: &'static Entity = &EXPENSES;

    fn select(filter: &ExpenseFilter, selection: &mut Selection) {
        if let Some(id) = filter.user {
            selection.belonging_to(PERSON.column, id.into());
        }
        if let Some(id) = filter.project {
            selection.belonging_to(PROJECT.column, id.into());
        }
        if let Some(id) = filter.category {
            selection.belonging_to("expense_category_id", id.into());
        }
        let days = (filter.from, filter.to);
        reports::narrow(selection, days, filter.billed, filter.closed, filter.updated_since);
        if filter.user.is_some() || filter.project.is_some() {
            selection.by = Some(DAY);
        }
    }
}

pub(crate) static EXPENSES: Entity = Entity::of::<Expense>()
    .parent(PERSON)
    .seen("expenses.user_id = :actor")
    .managed(is_managed!("expenses.project_id"))
    .filters(&[FROM, TO, ONLY_BILLED, ONLY_UNBILLED, IS_CLOSED, Filter::UPDATED_SINCE])
    .rules(&rules::RULES)
    .unlocked("is_closed = 0, is_billed = 0, invoice_id = NULL")
    .invariants(&[rules::IS_BILLED])
    .complete(cost::complete)
    .revise(cost::revise)
    .files(&receipts::FILES);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &EXPENSES,
    endpoints: &[
        Endpoint::read("/expenses", calls::this_week).by(Caller::Anybody),
        Endpoint::read("/expenses/{day}/{year}", calls::week).by(Caller::Anybody),
        Endpoint::make("/expenses", calls::create).by(Caller::Anybody),
        Endpoint::get("/expenses/{id}").by(Caller::Anybody),
        Endpoint::update("/expenses/{id}").by(Caller::Anybody),
        Endpoint::delete("/expenses/{id}").by(Caller::Anybody),
        Endpoint::read("/expenses/{id}/receipt", receipts::show).by(Caller::Anybody),
        Endpoint::make("/expenses/{id}/receipt", receipts::keep)
            .takes_file(receipts::PART, receipts::LONGEST_BODY)
            .by(Caller::Anybody),
        Endpoint::read("/projects/{project_id}/expenses", |call| reports::of_project(call, &EXPENSES))
            .by(Caller::Manager),
        Endpoint::read("/people/{user_id}/expenses", |call| reports::of_person(call, &EXPENSES)).by(Caller::Anybody),
    ],
};
