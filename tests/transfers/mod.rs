//! What the tests of dump and load share.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::Path;

use chrono::{DateTime, NaiveDate};
use clientstore::{
    ClientChanges, ClientStore, DayEntryChanges, Error, ExpenseCategoryChanges, ExpenseChanges, ItemCategoryChanges,
    NewClient, NewContact, NewDayEntry, NewExpense, NewExpenseCategory, NewInvoice, NewItemCategory, NewLineItem,
    NewMessage, NewPayment, NewPerson, NewProject, NewTask, NewTaskAssignment, NewUserAssignment, PersonChanges,
    Receipt, TaskAssignmentChanges, TaskChanges, UserAssignmentChanges,
};
use rusqlite::Connection;
use rusqlite::types::Value;
use rust_decimal::Decimal;

use crate::common::plain;

pub fn dumped(store: &ClientStore) -> String {
    let mut document = Vec::new();
    store.dump(&mut document, |_| {}).unwrap();
    String::from_utf8(document).unwrap()
}

pub fn load(store: &ClientStore, document: impl AsRef<[u8]>) -> Result<u64, Error> {
    store.load([("the document", document.as_ref())], |_| {}).map(|loaded| loaded.records)
}

/// Every row of every table, `sqlite_sequence` included, in the order of ids.
pub fn tables(path: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let connection = plain(path);
    let names = rows(&connection, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
    let names = names.into_iter().map(|mut row| match row.remove(0) {
        Value::Text(name) => name,
        other => panic!("{other:?} is no name"),
    });
    names.map(|name| (name.clone(), rows(&connection, &format!("SELECT * FROM {name} ORDER BY 1")))).collect()
}

fn rows(connection: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect()).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

/// Fills a store with what is awkward to write down: texts, gaps among the ids, inactive clients,
/// invoices of every state with every field set or nil.
pub fn fill(store: &ClientStore) {
    for (number, text) in [
        "Fish & Chips <Ltd> \"quoted\" 'twice' ]]>",
        "  spaces around\t\n\nlines\n  ",
        "CR\rCRLF\r\nLF\n",
        "Größe 漢字 \u{1F600} \u{85}\u{2028}\u{FEFF}\u{FFFD}\u{10FFFF}\u{7F}",
        "&amp;&#13;<!-- --><![CDATA[x]]>",
        "x",
    ]
    .into_iter()
    .enumerate()
    {
        let client =
            NewClient::named(text).details(text.repeat(2)).currency("Euro - EUR").highrise_id(number as i64 - 2);
        let id = store.clients().create(&client).unwrap();
        let project = NewProject::of(id, text).notes(text).code(text);
        store.projects().create(&project).unwrap();
    }
    store.projects().toggle(2).unwrap();
    store.clients().toggle(2).unwrap();
    store.clients().update(3, &ClientChanges::new().details("").currency("None")).unwrap();
    // Gaps at the ends of all ids, and one within.
    store.projects().delete(6).unwrap();
    store.projects().delete(4).unwrap();
    store.clients().delete(6).unwrap();
    store.clients().delete(4).unwrap();
    assert_eq!(load(store, include_str!("../fixtures/invoices-every-field.xml")).unwrap(), 6);
    store.invoices().delete(12).unwrap();
    // An invoice with lines, a message and a payment, and again gaps at the ends.
    let lines = [
        NewLineItem::of("Design,\n\"by hand\"", 3, 80).taxed(true),
        NewLineItem::of("", 1, -20).project_id("x".to_owned()),
    ];
    let id = store.invoices().create(&NewInvoice::of(1).tax(Decimal::TEN).lines(lines)).unwrap();
    for text in ["Thank\ryou & <yours>", "Gone"] {
        store.messages().create(&NewMessage::of(id, text).subject(text)).unwrap();
        store.payments().create(&NewPayment::of(id, 5, DateTime::UNIX_EPOCH).notes(text)).unwrap();
    }
    store.messages().delete(2).unwrap();
    store.payments().delete(2).unwrap();
    store.item_categories().update(1, &ItemCategoryChanges::new().name("Work").use_as_expense(true)).unwrap();
    store.item_categories().delete(3).unwrap();
    for name in ["Meals & more", "Gone"] {
        store.item_categories().create(&NewItemCategory::named(name)).unwrap();
    }
    store.item_categories().delete(5).unwrap();
    store.tasks().update(1, &TaskChanges::new().name("Office").default_hourly_rate(Decimal::new(125, 1))).unwrap();
    store.tasks().delete(2).unwrap();
    for name in ["Travel & waiting", "Gone"] {
        store.tasks().create(&NewTask::named(name).deactivated(true)).unwrap();
    }
    store.tasks().delete(5).unwrap();
    store.people().update(1, &PersonChanges::new().department("Office\r & more")).unwrap();
    for (name, email) in [("Jane & Jo", "jane@example.com"), ("Gone", "gone@example.com")] {
        let person = NewPerson::named(name, "<Doe>", email).default_hourly_rate(Decimal::TEN).is_project_manager(true);
        store.people().create(&person).unwrap();
    }
    store.people().toggle(2).unwrap();
    store.people().toggle(2).unwrap();
    store.people().delete(3).unwrap();
    for (client, name) in [(1, "Jö"), (2, "Mo"), (1, "Gone")] {
        store.contacts().create(&NewContact::of(client, name, "O'Neil & Co").title("CTO")).unwrap();
    }
    store.contacts().delete(3).unwrap();
    for (project, task) in [(1, 1), (1, 3), (2, 3), (2, 1)] {
        store.task_assignments().create(&NewTaskAssignment::of(project, task)).unwrap();
    }
    store.task_assignments().update(2, &TaskAssignmentChanges::new().deactivated(true).billable(false)).unwrap();
    store.task_assignments().delete(4).unwrap();
    for project in [1, 2] {
        store.user_assignments().create(&NewUserAssignment::of(project, 2)).unwrap();
    }
    store.user_assignments().update(7, &UserAssignmentChanges::new().budget(Decimal::new(5, 1))).unwrap();
    store.user_assignments().delete(8).unwrap();
    for (user, notes) in [(1, "  a < b & c\n"), (2, ""), (1, "Gone")] {
        let day = NaiveDate::from_ymd_opt(2011, 3, 31).unwrap();
        let entry = NewDayEntry::of(user, 1, 1, day).notes(notes.to_owned()).hours(Decimal::new(125, 2));
        store.day_entries().create(&entry).unwrap();
    }
    store.day_entries().update(1, &DayEntryChanges::new().is_closed(true)).unwrap();
    store.day_entries().start_timer(2).unwrap();
    store.day_entries().delete(3).unwrap();
    let name = ExpenseCategoryChanges::new().name("Room & board").unit_name("night".to_owned());
    store.expense_categories().update(1, &name).unwrap();
    store.expense_categories().delete(2).unwrap();
    for name in ["Fuel", "Gone"] {
        store
            .expense_categories()
            .create(&NewExpenseCategory::priced(name, "l & more", Decimal::new(1485, 3)))
            .unwrap();
    }
    store.expense_categories().delete(6).unwrap();
    for (user, notes) in [(1, "  a < b & c\r\n"), (2, ""), (1, "Gone")] {
        let day = NaiveDate::from_ymd_opt(2011, 3, 31).unwrap();
        let new = NewExpense::of(1, 5, day).user_id(user).notes(notes).units(Decimal::new(-125, 2)).billable(false);
        let id = store.expenses().create(&new).unwrap();
        let bytes: Vec<u8> = (0..=255).collect();
        store.expenses().keep_receipt(id, &Receipt::new("caf\u{e9} <1>.png", bytes)).unwrap();
    }
    store.expenses().update(2, &ExpenseChanges::new().total_cost(Decimal::new(75, 1))).unwrap();
    store.expenses().delete(3).unwrap();
}

/// The number of records that [`fill`] leaves: clients, projects, invoices, lines, messages, payments,
/// categories, tasks, people, contacts, assignments of tasks and people, time entries, expense categories and expenses.
pub const RECORDS: u64 = 4 + 4 + 6 + 2 + 1 + 1 + 3 + 3 + 2 + 2 + 3 + 5 + 2 + 4 + 2;
