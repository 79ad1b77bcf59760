//! The categories of expenses: `docs/spec/time.md`, "Expense categories".

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{Caller, Endpoint, Resource, count};
use crate::error::{self, Error, Result};
use crate::record::{NewRecord, RecordChanges, filter, record};
use crate::store::{Action, ClientStore, Entity, Filter, Invariant, On, Records, Rule, Selection, Stored, Transaction};

record! {
    /// What money is spent on. A new store has `Lodging`, `Meals`, `Mileage` and `Other`.
    ExpenseCategory: table "expense_categories", id ExpenseCategoryId, element "expense-category", list "expense-categories", documented array false;
    elements {
        /// Never used again, not even after a delete.
        id: ExpenseCategoryId = readonly;
        /// Not blank.
        name: String = required searched;
        /// What is counted, such as a mile; none where the cost is told.
        unit_name: Option<String> = writable searched;
        /// Money a unit; none where the cost is told.
        unit_price: Option<Decimal> = writable;
        /// Whether it is archived.
        deactivated: bool = writable default(0);
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
    }
    internal {
        version: i64 = readonly default(0);
    }
}

/// What a new expense category is made from.
pub type NewExpenseCategory = NewRecord<ExpenseCategory>;
/// What an update of an expense category sets.
pub type ExpenseCategoryChanges = RecordChanges<ExpenseCategory>;

impl NewExpenseCategory {
    /// A category with a name, whose expenses tell their cost.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new().name(name)
    }

    /// A category with a name, whose expenses are counted in units of a price.
    pub fn priced(name: impl Into<String>, unit_name: impl Into<String>, unit_price: impl Into<Decimal>) -> Self {
        Self::named(name).unit_name(unit_name.into()).unit_price(unit_price.into())
    }
}

filter! {
    /// What a list of expense categories is narrowed by; the default is every category.
    ExpenseCategoryFilter {
        /// Only those updated at the moment or later.
        updated_since: DateTime<Utc>,
    }
}

impl ClientStore {
    /// The categories of expenses.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewExpenseCategory};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let id = store.expense_categories().create(&NewExpenseCategory::priced("Parking", "hour", 3))?;
    /// assert!(store.expense_categories().toggle(id)?, "it is archived now");
    /// store.expense_categories().delete(id)?;
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn expense_categories(&self) -> Records<'_, ExpenseCategory> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The categories of expenses.
    pub fn expense_categories(&self) -> Records<'_, ExpenseCategory> {
        self.records()
    }
}

impl Records<'_, ExpenseCategory> {
    /// Archives a category that is active and the other way round; true when it is archived now.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Busy`] and [`Error::Storage`].
    pub fn toggle(&self, id: impl Into<ExpenseCategoryId>) -> Result<bool> {
        self.act(id, &TOGGLE).map(|deactivated| deactivated == 1)
    }
}

impl Stored for ExpenseCategory {
    type Filter = ExpenseCategoryFilter;
    const ENTITY: &'static Entity = &EXPENSE_CATEGORIES;

    fn select(filter: &ExpenseCategoryFilter, selection: &mut Selection) {
        if let Some(moment) = filter.updated_since {
            Filter::UPDATED_SINCE.moment(selection, moment);
        }
    }
}

pub(crate) static EXPENSE_CATEGORIES: Entity = Entity::of::<ExpenseCategory>()
    // Every person sees them, since an expense has to name one.
    .seen(":actor IS NOT NULL")
    .filters(&[Filter::UPDATED_SINCE])
    .rules(&[HAS_NO_EXPENSES])
    .seeded("id <= 4 AND version = 0")
    .invariants(&INVARIANTS);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &EXPENSE_CATEGORIES,
    endpoints: &[
        Endpoint::list("/expense_categories").by(Caller::Anybody),
        Endpoint::create("/expense_categories"),
        Endpoint::get("/expense_categories/{id}").by(Caller::Anybody),
        Endpoint::update("/expense_categories/{id}"),
        Endpoint::delete("/expense_categories/{id}"),
        Endpoint::act("/expense_categories/{id}/toggle", &TOGGLE),
    ],
};

static TOGGLE: Action = Action { name: "toggle", sets: &[("deactivated", "1 - deactivated")], rules: &[] };

const HAS_NO_EXPENSES: Rule = Rule {
    on: On::Delete,
    condition: "NOT EXISTS (SELECT 1 FROM expenses WHERE expenses.expense_category_id = expense_categories.id)",
    refusal: |connection, change| {
        let sql = "SELECT count(*) FROM expenses WHERE expense_category_id = ?1";
        let expenses = count(connection, sql, change.id().unwrap_or_default())?;
        Ok(Error::refused(error::Rule::CategoryHasExpenses, [("expense", expenses)]))
    },
};

static INVARIANTS: [Invariant; 1] = [Invariant {
    column: "name",
    says: "is blank",
    broken_by: "SELECT id FROM expense_categories WHERE trim(name, char(9, 10, 13, 32)) = ''",
}];
