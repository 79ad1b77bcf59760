//! The categories that invoice lines can have: `invoices.md`.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::Connection;

use crate::error::{Error, Result, Rule};
use crate::record::{Fields, Table, Values, record};
use crate::store::{Change, ClientStore, Invariant, Records, Resource, Selection, Stored, Transaction};
use crate::value::Value;

record! {
    /// A category of invoice lines. A new store has `Service`, `Expense` and `Product`.
    ItemCategory: table "invoice_item_categories", element "invoice-item-category", list "invoice-item-categories",
    documented array true;
    elements {
        /// Never used again, not even after a delete.
        id ("id"): i64 = readonly;
        /// Not blank.
        name ("name"): String = required;
        /// Whether hours get it.
        use_as_service ("use-as-service"): bool = writable;
        /// Whether expenses get it.
        use_as_expense ("use-as-expense"): bool = writable;
        /// When the record was created.
        created_at ("created-at"): DateTime<Utc> = readonly;
        /// When the record was last written to.
        updated_at ("updated-at"): DateTime<Utc> = readonly;
    }
    internal {
        version ("version"): i64 = readonly;
    }
}

/// What a new category is made from.
pub type NewItemCategory = Fields<ItemCategory>;
/// What an update of a category sets.
pub type ItemCategoryChanges = Fields<ItemCategory>;

impl NewItemCategory {
    /// A category with a name.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new().name(name)
    }
}

/// What a list of categories is narrowed by: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ItemCategoryFilter {}

impl ClientStore {
    /// The categories of invoice lines.
    pub fn item_categories(&self) -> Records<'_, ItemCategory> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The categories of invoice lines.
    pub fn item_categories(&self) -> Records<'_, ItemCategory> {
        self.records()
    }
}

impl Stored for ItemCategory {
    type Filter = ItemCategoryFilter;
    const RESOURCE: &'static dyn Resource = &ItemCategories;

    fn select(_filter: &ItemCategoryFilter, _today: NaiveDate) -> Selection {
        Selection::default()
    }
}

pub(crate) struct ItemCategories;

static INVARIANTS: [Invariant; 2] = [
    Invariant {
        column: "name",
        says: "is blank",
        broken_by: "SELECT id FROM invoice_item_categories WHERE trim(name, char(9, 10, 13, 32)) = ''",
    },
    Invariant {
        column: "id",
        says: "is missing; every store has the two default categories",
        broken_by: "SELECT column1 FROM (VALUES (1), (2)) WHERE column1 NOT IN (SELECT id FROM invoice_item_categories)",
    },
];

impl Resource for ItemCategories {
    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn paths(&self) -> &'static [&'static str] {
        &["invoice_item_categories"]
    }

    fn complete(&self, _connection: &Connection, values: &mut Values, _at: DateTime<Utc>) -> Result<()> {
        for name in ["use_as_service", "use_as_expense"] {
            values.default(name, || Value::Integer(0));
        }
        Ok(())
    }

    fn invariants(&self) -> &'static [Invariant] {
        &INVARIANTS
    }

    fn untouched(&self) -> &'static str {
        "id <= 3 AND version = 0"
    }

    fn guard(&self, change: &Change<'_>) -> &'static str {
        match change {
            Change::Delete(_) => "id > 2",
            _ => "",
        }
    }

    fn refusal(&self, _connection: &Connection, _change: &Change<'_>) -> Result<Error> {
        Ok(Error::refused(Rule::CategoryIsDefault, [("default category", 1)]))
    }
}
