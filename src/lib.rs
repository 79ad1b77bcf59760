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
//!
//! # Features
//!
//! Records, the store, XML and JSON are always there. The default features make the command line; a library user switches them
//! off and names what is needed:
//!
//! - `bundled` (default): SQLite, compiled in; without it, the system's own is linked, 3.38 or newer.
//! - `api`: `Api`, the API in process.
//! - `tower`: `tower::Service` for `Api`; brings `api`.
//! - `server`: `server::Server`, the API over HTTP/1.1; brings `tower`.
//! - `tls`: `server::Tls`, HTTPS; brings `server`.
//! - `testing` (default): `testing::Server`, a server for tests; brings `server`.
//! - `generate`: `Generator`, which fills a store with made-up records.
//! - `cli` (default): the command line `clientstore`; brings `generate`, `server` and `tls`.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "api"),
    allow(dead_code, unused_imports, reason = "without the API, nothing calls its endpoints and what they need")
)]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod account;
mod accounts;
#[cfg(feature = "api")]
mod api;
#[cfg(feature = "async")]
mod asynchronous;
#[cfg(feature = "server")]
pub mod control;
mod error;
mod format;
#[cfg(feature = "generate")]
mod generate;
mod password;
mod record;
mod resources;
#[cfg(feature = "server")]
pub mod server;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod transfer;
mod undo;
mod upkeep;
mod value;

pub use {chrono, rusqlite, rust_decimal};

pub use account::{Account, Clock, TimeFormat, WeekStart};
pub use accounts::{AccountName, Accounts};
#[cfg(feature = "tower")]
pub use api::HandleFuture;
#[cfg(feature = "api")]
pub use api::{Api, Body};
#[cfg(feature = "async")]
pub use asynchronous::{AsyncRecords, AsyncStore};
pub use error::{Error, Obstacle, Result, Rule};
pub use format::json;
pub use format::xml::{self, Dialect};
#[cfg(feature = "generate")]
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
#[cfg(feature = "stream")]
pub use store::ObservationStream;
pub use store::{
    Builder, ChangeKind, ChangeVersion, Changes, ClientStore, Durability, List, Observation, Observing, Query, Records,
    Stored, Transaction, Upgrade,
};
pub use transfer::{LoadOptions, Loaded};
pub use undo::UndoSession;
pub use upkeep::{Finding, Problem, Progress, Report};

/// The README's code compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// So does that of the tasks of an app.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct Tasks;
