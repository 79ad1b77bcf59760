//! Every public operation of a store, with what it answers.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate};
use clientstore::{
    Api, ClientChanges, ClientStore, DayEntryFilter, Dialect, Error, Generator, InvoiceChanges, InvoiceFilter,
    InvoiceKind, ItemCategoryChanges, MessageFilter, NewClient, NewContact, NewDayEntry, NewExpense, NewInvoice,
    NewItemCategory, NewLineItem, NewMessage, NewPayment, NewPerson, NewProject, NewUserAssignment, ProjectChanges,
    ProjectFilter, Receipt, Records, Result, Stored, Unbilled,
};
use rust_decimal::Decimal;

/// The day of all time and of all expenses.
pub const DAY: NaiveDate = NaiveDate::from_ymd_opt(2011, 3, 31).unwrap();

pub type Operation = (&'static str, fn(&ClientStore) -> Result<String>);

/// What an operation answers with, as a text.
fn said<T: std::fmt::Debug>(result: Result<T>) -> Result<String> {
    result.map(|answer| format!("{answer:?}"))
}

fn listed<R: Stored + std::fmt::Debug>(records: Records<'_, R>, filter: &R::Filter) -> Result<String> {
    said(records.list(filter)?.collect::<Result<Vec<_>>>())
}

fn written<R: Stored>(records: Records<'_, R>, filter: &R::Filter) -> Result<String> {
    let mut document = Vec::new();
    records.write_list(filter, Dialect::Live, &mut document)?;
    Ok(String::from_utf8(document).unwrap())
}

/// Sends a request in JSON; an answer that the store cannot be read or written is an error, as JSON says it.
fn requested(store: &ClientStore, method: &str, path: &str, body: &str) -> Result<String> {
    let request = http::Request::builder().method(method).uri(path).header("Accept", "application/json");
    let response = Api::new(store.clone()).handle(request.body(body).unwrap());
    let (status, location) = (response.status(), response.headers().get("location").cloned());
    let body = String::from_utf8(response.into_body().into_bytes()?.to_vec()).unwrap();
    if status.is_success() {
        return Ok(format!("{status} {location:?} {body}"));
    }
    assert!(
        status.is_server_error() && body.starts_with("{\"message\":\"") && body.ends_with("\"}\n"),
        "{status} {body}"
    );
    Err(Error::Storage { doing: "answering a request", source: Arc::new(std::io::Error::other(body)) })
}

pub const WRITES: &[Operation] = &[
    ("create a client", |store| said(store.clients().create(&NewClient::named("new")))),
    ("update a client", |store| said(store.clients().update(1, &ClientChanges::new().details("y")))),
    ("toggle a client", |store| said(store.clients().toggle(2))),
    ("delete a client", |store| said(store.clients().delete(2))),
    ("create clients at once", |store| {
        let details = "x".repeat(3_000);
        said(store.clients().create_all((0..20).map(|n| NewClient::named(format!("{n}")).details(&*details))))
    }),
    ("create a project", |store| said(store.projects().create(&NewProject::of(1, "new")))),
    ("update a project", |store| said(store.projects().update(1, &ProjectChanges::new().notes("y")))),
    ("move a project", |store| said(store.projects().update(1, &ProjectChanges::new().client_id(2)))),
    ("toggle a project", |store| said(store.projects().toggle(1))),
    ("delete a project", |store| said(store.projects().delete(1))),
    ("create an invoice", |store| {
        said(store.invoices().create(&NewInvoice::of(1).lines([NewLineItem::of("a", 1, 20)])))
    }),
    ("update an invoice", |store| said(store.invoices().update(1, &InvoiceChanges::new().notes("y")))),
    ("give an invoice other lines", |store| {
        said(store.invoices().update(1, &InvoiceChanges::new().lines([NewLineItem::of("b", 2, 7)])))
    }),
    ("move an invoice", |store| said(store.invoices().update(2, &InvoiceChanges::new().client_id(2)))),
    ("mark an invoice as sent", |store| said(store.invoices().mark_as_sent(4))),
    ("mark an invoice as a draft", |store| said(store.invoices().mark_as_draft(2))),
    ("close an invoice", |store| said(store.invoices().close(2))),
    ("reopen an invoice", |store| said(store.invoices().reopen(3))),
    ("delete an invoice", |store| said(store.invoices().delete(1))),
    ("create a message", |store| said(store.messages().create(&NewMessage::of(1, "Pay!")))),
    ("delete a message", |store| said(store.messages().delete(1))),
    ("record a payment", |store| said(store.invoices().record_payment(&NewPayment::of(2, 10, DateTime::UNIX_EPOCH)))),
    ("remove a payment", |store| said(store.invoices().remove_payment(1))),
    ("create an item category", |store| said(store.item_categories().create(&NewItemCategory::named("new")))),
    ("update an item category", |store| said(store.item_categories().update(3, &ItemCategoryChanges::new().name("y")))),
    ("delete an item category", |store| said(store.item_categories().delete(4))),
    ("record time", |store| said(store.day_entries().create(&NewDayEntry::of(1, 3, 1, DAY).hours(Decimal::ONE)))),
    ("create an expense", |store| said(store.expenses().create(&NewExpense::of(3, 3, DAY).units(30)))),
    ("keep a receipt", |store| {
        said(store.expenses().keep_receipt(1, &Receipt::new("b.txt", b"another ".repeat(5_000))))
    }),
    ("delete an expense with its receipt", |store| said(store.expenses().delete(1))),
    ("invoice time and expenses", |store| {
        let new = NewInvoice::of_projects(4, InvoiceKind::Detailed, [3]);
        said(store.invoices().create(&new.import_hours(Unbilled::All).import_expenses(Unbilled::All)))
    }),
    ("delete an invoice of time and expenses", |store| said(store.invoices().delete(5))),
    ("several in a transaction", |store| {
        said(store.transaction(|tx| {
            let id = tx.clients().create(&NewClient::named("new"))?;
            tx.projects().create(&NewProject::of(id, "its"))?;
            tx.invoices().create(&NewInvoice::of(id))
        }))
    }),
    ("load a document of each format", |store| {
        let list =
            "<clients><client><id>50</id><name>a</name></client><client><id>51</id><name>b</name></client></clients>";
        let more =
            r#"[{"project":{"id":50,"client_id":51,"name":"c"}},{"project":{"id":51,"client_id":1,"name":"d"}}]"#;
        said(store.load([("clients.xml", list.as_bytes()), ("projects.json", more.as_bytes())], |_| {}))
    }),
    ("create a person", |store| said(store.people().create(&NewPerson::named("Ada", "Byron", "ada@example.com")))),
    ("archive a person", |store| said(store.people().toggle(2))),
    ("delete a person with their assignments", |store| said(store.people().delete(2))),
    ("create a contact", |store| said(store.contacts().create(&NewContact::of(1, "Ada", "Byron")))),
    ("delete a contact", |store| said(store.contacts().delete(1))),
    ("delete a task with its assignments", |store| said(store.tasks().delete(2))),
    ("assign a person", |store| said(store.user_assignments().create(&NewUserAssignment::of(2, 2)))),
    ("unassign a person", |store| said(store.user_assignments().delete(3))),
    ("make a task and assign it by a request in JSON", |store| {
        requested(store, "POST", "/projects/1/task_assignments/add_with_create_new_task", r#"{"task":{"name":"new"}}"#)
    }),
    ("create a client by a request in JSON", |store| {
        requested(store, "POST", "/clients", r#"{"client":{"name":"new","details":"of JSON"}}"#)
    }),
    ("update an invoice by a request in JSON", |store| {
        requested(
            store,
            "PUT",
            "/invoices/1",
            r#"{"tax":7.25,"csv_line_items":"kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\nService,c,3,4,,true,,\n"}"#,
        )
    }),
];

/// Only in a new store.
pub const GENERATE: Operation = ("generate records", |store| said(Generator::new(1).clients(5).run(store, |_| {})));

pub const READS: &[Operation] = &[
    ("get a client", |store| said(store.clients().get(1))),
    ("get a project", |store| said(store.projects().get(1))),
    ("get an invoice", |store| said(store.invoices().get(1))),
    ("get an invoice's lines", |store| said(store.invoices().lines(1))),
    ("get a message", |store| said(store.messages().get(1))),
    ("get a payment", |store| said(store.payments().get(1))),
    ("get an item category", |store| said(store.item_categories().get(1))),
    ("get a person by e-mail", |store| said(store.people().get_by_email("jane@example.com"))),
    ("get a contact", |store| said(store.contacts().get(1))),
    ("list people", |store| listed(store.people(), &Default::default())),
    ("list task assignments", |store| listed(store.task_assignments(), &Default::default())),
    ("write a list of user assignments", |store| written(store.user_assignments(), &Default::default())),
    ("list clients", |store| listed(store.clients(), &Default::default())),
    ("list a client's projects", |store| listed(store.projects(), &ProjectFilter::new().client(1))),
    ("list a page of invoices", |store| listed(store.invoices(), &InvoiceFilter::new().page(1))),
    ("list an invoice's messages", |store| listed(store.messages(), &MessageFilter::new().invoice(1))),
    ("list payments", |store| listed(store.payments(), &Default::default())),
    ("list item categories", |store| listed(store.item_categories(), &Default::default())),
    ("list a project's time", |store| listed(store.day_entries(), &DayEntryFilter::new().project(3))),
    ("read a receipt", |store| said(store.expenses().receipt(1))),
    ("write a list of clients", |store| written(store.clients(), &Default::default())),
    ("write a list of projects", |store| written(store.projects(), &Default::default())),
    ("write a list of invoices", |store| written(store.invoices(), &Default::default())),
    ("write a list of messages", |store| written(store.messages(), &Default::default())),
    ("write a list of payments", |store| written(store.payments(), &Default::default())),
    ("write a list of item categories", |store| written(store.item_categories(), &Default::default())),
    ("read everything", |store| {
        let mut document = Vec::new();
        store.dump(&mut document, |_| {})?;
        Ok(String::from_utf8(document).unwrap())
    }),
    ("list invoices by a request in JSON", |store| requested(store, "GET", "/invoices", "")),
    ("read everything in JSON", |store| {
        let mut document = Vec::new();
        store.dump_json(&mut document, |_| {})?;
        Ok(String::from_utf8(document).unwrap())
    }),
    ("dump a list", |store| {
        let mut document = Vec::new();
        store.dump_list("invoices", &mut document, |_| {})?;
        Ok(String::from_utf8(document).unwrap())
    }),
    ("check", |store| {
        let report = store.check(|_| {})?;
        Ok(format!("{:?} in {} records", report.findings(), report.records()))
    }),
];
