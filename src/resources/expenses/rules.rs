//! What must hold of an expense.

use crate::error::{self, Error};
use crate::resources::people::HAS_PERSON;
use crate::store::{Invariant, On, Rule};

pub(super) const IS_BILLED: Invariant = Invariant {
    column: "is_billed",
    says: "is false while the expense is on an invoice",
    broken_by: "SELECT id FROM expenses NOT INDEXED WHERE invoice_id IS NOT NULL AND is_billed = 0",
};

pub(super) static RULES: [Rule; 8] = [
    HAS_PROJECT,
    PROJECT_IS_SEEN_AT_CHANGE,
    HAS_CATEGORY,
    HAS_PERSON,
    INVOICE_IS_THERE,
    STAYS_WHILE_LOCKED,
    IS_OPEN_TO_OTHERS,
    IS_KEPT_WHILE_LOCKED,
];

const HAS_PROJECT: Rule = Rule {
    on: On::Write,
    condition: "EXISTS (SELECT 1 FROM projects WHERE projects.id = :project_id)",
    refusal: |_, change| Ok(no_such_project(change.integer("project_id").unwrap_or_default())),
};

/// To others than administrators, a project that they are not assigned to is not there.
const PROJECT_IS_SEEN_AT_CHANGE: Rule = Rule {
    on: On::Change,
    condition: ":project_id = expenses.project_id \
                OR EXISTS (SELECT 1 FROM people WHERE people.id = :actor AND people.is_admin = 1) \
                OR EXISTS (SELECT 1 FROM user_assignments AS mine \
                WHERE mine.project_id = :project_id AND mine.user_id = :actor AND mine.deactivated = 0)",
    refusal: |_, change| Ok(no_such_project(change.integer("project_id").unwrap_or_default())),
};

pub(super) fn no_such_project(id: i64) -> Error {
    Error::invalid("project-id", format!("is {id}, but there is no such project; create it first"))
}

const HAS_CATEGORY: Rule = Rule {
    on: On::Write,
    condition: "EXISTS (SELECT 1 FROM expense_categories WHERE expense_categories.id = :expense_category_id)",
    refusal: |_, change| {
        let id = change.integer("expense_category_id").unwrap_or_default();
        Ok(Error::invalid("expense-category-id", format!("is {id}, but there is no such category; create it first")))
    },
};

/// Only a loaded expense brings its invoice.
const INVOICE_IS_THERE: Rule = Rule {
    on: On::Create,
    condition: ":invoice_id IS NULL \
                OR (:is_billed = 1 AND EXISTS (SELECT 1 FROM invoices WHERE invoices.id = :invoice_id))",
    refusal: |_, change| {
        let id = change.integer("invoice_id").unwrap_or_default();
        Ok(Error::invalid("invoice-id", format!("is {id}, but there is no such invoice, or is-billed is false")))
    },
};

const STAYS_WHILE_LOCKED: Rule = Rule {
    on: On::Change,
    condition: "(expenses.is_closed = 0 AND expenses.invoice_id IS NULL) OR (:project_id = expenses.project_id AND \
                :expense_category_id = expenses.expense_category_id AND :spent_at = expenses.spent_at)",
    refusal: |_, _| Ok(Error::refused(error::Rule::ExpenseIsLocked, [("locked expense", 1)])),
};

/// Every update sets when it was; keeping a receipt sets nothing.
pub(super) const IS_OPEN_TO_OTHERS: Rule = Rule {
    on: On::Change,
    condition: ":updated_at IS NULL OR (expenses.is_closed = 0 AND expenses.invoice_id IS NULL) \
                OR EXISTS (SELECT 1 FROM people WHERE people.id = :actor AND people.is_admin = 1)",
    refusal: |_, _| Ok(Error::refused(error::Rule::ExpenseIsLocked, [("locked expense", 1)])),
};

const IS_KEPT_WHILE_LOCKED: Rule = Rule {
    on: On::Delete,
    condition: "expenses.is_closed = 0 AND expenses.invoice_id IS NULL",
    refusal: |_, _| Ok(Error::refused(error::Rule::ExpenseIsLocked, [("locked expense", 1)])),
};
