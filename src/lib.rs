//! An account of the classic Harvest time-tracking API in one SQLite file.
//!
//! [`ClientStore`] keeps clients, projects and invoices, applies the API's toggle and delete rules
//! as transactions, and [`xml`] reads and writes the API's exact documents.
//!
//! ```
//! use clientstore::{ClientStore, Dialect, Error, NewClient, NewProject, Rule, xml};
//!
//! let store = ClientStore::open_in_memory()?; // or ClientStore::open("clientstore.db")
//! let id = store.clients().create(&NewClient::named("SuprCorp").details("123 Main St."))?;
//!
//! let document = xml::write(&store.clients().get(id)?, Dialect::Documented)?;
//! assert_eq!(
//!     String::from_utf8_lossy(&document),
//!     "<client>\n  <id type=\"integer\">1</id>\n  <name>SuprCorp</name>\n  \
//!      <active type=\"boolean\">true</active>\n  <details>123 Main St.</details>\n</client>\n"
//! );
//!
//! store.projects().create(&NewProject::of(id, "Website"))?;
//! let refused = store.clients().toggle(id);
//! assert!(matches!(refused, Err(Error::Refused { rule: Rule::ClientHasActiveProjects, .. })));
//! # Ok::<(), Error>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod account;
mod api;
#[cfg(feature = "server")]
pub mod control;
mod error;
mod format;
mod generate;
mod password;
mod record;
mod resources;
#[cfg(feature = "server")]
pub mod server;
mod store;
#[cfg(feature = "server")]
pub mod testing;
mod transfer;
mod upkeep;
mod value;

pub use {chrono, rusqlite, rust_decimal};

pub use account::{Account, Clock, TimeFormat, WeekStart};
#[cfg(feature = "tower")]
pub use api::HandleFuture;
pub use api::{Api, Body};
pub use error::{Error, Obstacle, Result, Rule};
pub use format::json;
pub use format::xml::{self, Dialect};
pub use generate::Generator;
pub use record::{ColumnOf, Columns, Fields, NewRecord, Record, RecordChanges, Unknown};
pub use resources::assignments::AssignmentFilter;
pub use resources::clients::{Client, ClientChanges, ClientFilter, ClientId, NewClient};
pub use resources::contacts::{Contact, ContactChanges, ContactFilter, ContactId, NewContact};
pub use resources::expense_categories::{
    ExpenseCategory, ExpenseCategoryChanges, ExpenseCategoryFilter, ExpenseCategoryId, NewExpenseCategory,
};
pub use resources::expenses::{Expense, ExpenseChanges, ExpenseFilter, ExpenseId, NewExpense, Receipt};
pub use resources::invoices::messages::{Message, MessageFilter, MessageId, NewMessage};
pub use resources::invoices::payments::{NewPayment, Payment, PaymentFilter, PaymentId};
pub use resources::invoices::{
    Invoice, InvoiceChanges, InvoiceFilter, InvoiceId, InvoiceKind, InvoiceState, InvoiceStatus, LineItem, LineItemId,
    NewInvoice, NewLineItem, Unbilled,
};
pub use resources::item_categories::{
    ItemCategory, ItemCategoryChanges, ItemCategoryFilter, ItemCategoryId, NewItemCategory,
};
pub use resources::people::{NewPerson, Person, PersonChanges, PersonFilter, PersonId};
pub use resources::projects::{BillBy, BudgetBy, NewProject, Project, ProjectChanges, ProjectFilter, ProjectId};
pub use resources::task_assignments::{NewTaskAssignment, TaskAssignment, TaskAssignmentChanges, TaskAssignmentId};
pub use resources::tasks::{NewTask, Task, TaskChanges, TaskFilter, TaskId};
pub use resources::time::{DayEntry, DayEntryChanges, DayEntryFilter, DayEntryId, NewDayEntry};
pub use resources::user_assignments::{NewUserAssignment, UserAssignment, UserAssignmentChanges, UserAssignmentId};
pub use store::{Builder, ClientStore, Durability, List, Query, Records, Stored, Transaction, Upgrade};
pub use transfer::{LoadOptions, Loaded};
pub use upkeep::{Finding, Problem, Progress, Report};

/// The README's code compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// So does that of the tasks of an app.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct Tasks;
