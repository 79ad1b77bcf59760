//! The categories that invoice lines can have: `docs/spec/invoices.md`.

use chrono::{DateTime, Utc};

use super::{Endpoint, Resource};
use crate::error::{self, Error};
use crate::record::{NewRecord, RecordChanges, filter, record};
use crate::store::{ClientStore, Entity, Invariant, On, Records, Rule, Selection, Stored, Transaction};

record! {
    /// A category of invoice lines. A new store has `Service`, `Expense` and `Product`.
    ItemCategory: table "invoice_item_categories", id ItemCategoryId, element "invoice-item-category", list "invoice-item-categories",
    documented array true, json "invoice_category" or "invoice_item_category" in "invoice_category";
    elements {
        /// Never used again, not even after a delete.
        id: ItemCategoryId = readonly;
        /// Not blank.
        name: String = required searched;
        /// Whether hours get it.
        use_as_service: bool = writable default(0);
        /// Whether expenses get it.
        use_as_expense: bool = writable default(0);
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
    }
    internal {
        version: i64 = readonly default(0);
    }
}

/// What a new category is made from.
pub type NewItemCategory = NewRecord<ItemCategory>;
/// What an update of a category sets.
pub type ItemCategoryChanges = RecordChanges<ItemCategory>;

impl NewItemCategory {
    /// A category with a name.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new().name(name)
    }
}

filter! {
    /// What a list of categories is narrowed by: nothing.
    ItemCategoryFilter {}
}

impl ClientStore {
    /// The categories of invoice lines.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewItemCategory};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let id = store.item_categories().create(&NewItemCategory::named("Travel").use_as_expense(true))?;
    /// assert_eq!(store.item_categories().get(id)?.name, "Travel");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
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
    const ENTITY: &'static Entity = &ITEM_CATEGORIES;

    fn select(_filter: &ItemCategoryFilter, _selection: &mut Selection) {}
}

pub(crate) static ITEM_CATEGORIES: Entity =
    Entity::of::<ItemCategory>().rules(&[IS_NO_DEFAULT]).seeded("id <= 3 AND version = 0").invariants(&INVARIANTS);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &ITEM_CATEGORIES,
    endpoints: &[
        Endpoint::list("/invoice_item_categories"),
        Endpoint::create("/invoice_item_categories"),
        Endpoint::get("/invoice_item_categories/{id}"),
        Endpoint::update("/invoice_item_categories/{id}"),
        Endpoint::delete("/invoice_item_categories/{id}"),
    ],
};

const IS_NO_DEFAULT: Rule = Rule {
    on: On::Delete,
    condition: ":id > 2",
    refusal: |_, _| Ok(Error::refused(error::Rule::CategoryIsDefault, [("default category", 1)])),
};

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
