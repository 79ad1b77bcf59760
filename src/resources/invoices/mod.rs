//! Invoices: `invoices.md`.

mod access;
mod audit;
mod defaults;
mod lines;
mod money;
mod settle;

use std::num::{IntErrorKind, ParseIntError};

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension};
use rust_decimal::Decimal;

pub use self::access::{InvoiceChanges, InvoiceFilter, NewInvoice, PartFilter, Status};
use self::defaults::{due_at, next_number};
pub(crate) use self::lines::LineItems;
pub use self::lines::{LineItem, NewLineItem};
use self::settle::settle;
pub(crate) use self::settle::{Moved, touch};
use super::messages::Messages;
use super::projects::no_such_client;
use crate::error::{Error, Result, Rule};
use crate::record::{Field, Table, Values, record, text_enum};
use crate::store::{
    Action, Attached, Audit, Builder, Change, Done, Invariant, Order, Parent, Resource, Selection, Stored, add,
};
use crate::value::{Value, date_text, parse_date};

/// So many invoices stand on a page.
const PAGE: i64 = 50;
/// What the totals depend on besides the lines.
const PERCENTS: [&str; 3] = ["tax", "tax2", "discount"];

record! {
    /// An invoice to a client.
    Invoice: table "invoices", element "invoice", list "invoices", documented array true,
    attached "csv-line-items", without a place "projects-to-invoice" "import-hours" "import-expenses" "expense-period-start"
    "expense-period-end" "expense-summary-type";
    elements {
        /// Never used again, not even after a delete.
        id ("id"): i64 = readonly;
        /// The grand total.
        amount ("amount"): Decimal = readonly;
        /// The amount less the payments; may be negative.
        due_amount ("due-amount"): Decimal = readonly;
        /// Follows the human format where there is one; set without one, it makes the format `custom`.
        due_at ("due-at"): NaiveDate = writable;
        /// `NET n`, `n days`, `upon receipt`, or any other text; kept as it was given.
        due_at_human_format ("due-at-human-format"): String = writable;
        /// The last day it bills.
        period_end ("period-end"): Option<NaiveDate> = writable;
        /// The first day it bills.
        period_start ("period-start"): Option<NaiveDate> = writable;
        /// Whom it is for.
        client_id ("client-id"): i64 = required;
        /// A line above the items.
        subject ("subject"): String = writable;
        /// The client's unless given.
        currency ("currency"): String = writable at_most(255);
        /// Today unless given.
        issued_at ("issued-at"): NaiveDate = writable;
        /// The person who made it; 1 until there are people.
        created_by_id ("created-by-id"): i64 = readonly;
        /// Free text.
        notes ("notes"): String = writable;
        /// The one after the newest invoice's unless given.
        number ("number"): String = writable;
        /// The client's own number for it.
        purchase_order ("purchase-order"): String = writable;
        /// 40 hex digits, or what a loaded document has, at most 64 characters; who has it may see the invoice.
        client_key ("client-key"): String = readonly at_most(64) unspaced;
        /// How far it has come.
        state ("state"): State = readonly;
        /// Percent, from 0 to 100.
        tax ("tax"): Option<Decimal> = writable;
        /// Percent, from 0 to 100.
        tax2 ("tax2"): Option<Decimal> = writable;
        /// Money; zero without the tax.
        tax_amount ("tax-amount"): Decimal = readonly;
        /// Money; zero without the tax.
        tax2_amount ("tax2-amount"): Decimal = readonly also("tax-amount2");
        /// Money.
        discount_amount ("discount-amount"): Decimal = readonly;
        /// Percent, from 0 to 100.
        discount ("discount"): Option<Decimal> = writable;
        /// The recurring invoice it came from.
        recurring_invoice_id ("recurring-invoice-id"): Option<i64> = readonly;
        /// The estimate it came from.
        estimate_id ("estimate-id"): Option<i64> = readonly;
        /// The retainer it draws on.
        retainer_id ("retainer-id"): Option<i64> = readonly;
        /// When the record was last written to.
        updated_at ("updated-at"): DateTime<Utc> = readonly;
        /// When the record was created.
        created_at ("created-at"): DateTime<Utc> = readonly;
        /// The client's name when the record was read.
        client_name ("client-name"): String = readonly
            computed("coalesce((SELECT name FROM clients WHERE clients.id = invoices.client_id), '')");
    }
    internal {
        kind ("kind"): Kind = writable;
        sent ("sent"): bool = readonly;
        closed ("closed"): bool = readonly;
        version ("version"): i64 = readonly;
    }
}

text_enum! {
    /// How far an invoice has come.
    State {
        /// Not sent.
        Draft = "draft",
        /// Sent, nothing paid.
        Open = "open",
        /// Paid in part.
        Partial = "partial",
        /// Nothing is due.
        Paid = "paid",
        /// Written off.
        Closed = "closed",
    }
}

text_enum! {
    /// What an invoice was made from.
    Kind {
        /// Lines of the user's own.
        FreeForm = "free_form",
        /// Projects.
        Project = "project",
        /// Tasks.
        Task = "task",
        /// People.
        People = "people",
        /// Each time entry.
        Detailed = "detailed",
    }
}

pub(crate) struct Invoices;

/// What messages and payments belong to; some programs write its part of the path in the singular.
pub(crate) static INVOICE: Parent = Parent { resource: &Invoices, column: "invoice_id", also: &["invoice"] };

/// The changes of state that an invoice's messages bring (`invoices.md`).
static ACTIONS: [Action; 4] = [
    Action { name: "mark_as_sent", under: Some(&Messages), set: "sent = 1", when: "state = 'draft'" },
    Action { name: "mark_as_draft", under: Some(&Messages), set: "sent = 0", when: "state = 'open'" },
    Action {
        name: "mark_as_closed",
        under: Some(&Messages),
        set: "closed = 1, state = 'closed'",
        when: "state IN ('open', 'partial')",
    },
    Action { name: "re_open", under: Some(&Messages), set: "closed = 0, state = 'open'", when: "state = 'closed'" },
];
pub(crate) static MARK_AS_SENT: &Action = &ACTIONS[0];
static MARK_AS_DRAFT: &Action = &ACTIONS[1];
pub(crate) static CLOSE: &Action = &ACTIONS[2];
/// The one action that keeps no message.
static RE_OPEN: &Action = &ACTIONS[3];

impl Resource for Invoices {
    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn paths(&self) -> &'static [&'static str] {
        &["invoices"]
    }

    fn actions(&self) -> &'static [Action] {
        &ACTIONS
    }

    fn order(&self) -> Order {
        Order::Newest
    }

    fn draw(&self, values: &mut Values, settings: &Builder) {
        if values.text("client_key").is_none_or(str::is_empty) {
            let key = settings.draw_key();
            values.set("client_key", Value::Text(key.iter().map(|byte| format!("{byte:02x}")).collect()));
        }
    }

    fn complete(&self, connection: &Connection, values: &mut Values, at: DateTime<Utc>) -> Result<()> {
        check_percents(values)?;
        if values.get("currency").is_none() {
            let currency: Option<String> = match values.get("client_id") {
                Some(Value::Integer(id)) => connection
                    .prepare_cached("SELECT currency FROM clients WHERE id = ?1")?
                    .query_row([id], |row| row.get(0))
                    .optional()?,
                _ => None,
            };
            // Files of older versions may have longer ones.
            if currency.as_ref().is_some_and(|currency| currency.chars().count() > 255) {
                return Err(Error::invalid("currency", "of the client has more than 255 characters; give another"));
            }
            // Without a client the guard refuses the invoice.
            values.set("currency", currency.as_deref().unwrap_or_default());
        }
        if values.get("number").is_none() {
            values.set("number", Value::Text(next_number(connection)?));
        }
        values.default("issued_at", || Value::Text(date_text(at.date_naive())));
        if values.get("due_at_human_format").is_none() {
            let format = if values.get("due_at").is_some() { "custom" } else { "upon receipt" };
            values.set("due_at_human_format", format);
        }
        let issued = values.text("issued_at").unwrap_or_default().to_owned();
        if let Some(due) = due_at(values.text("due_at_human_format").unwrap_or_default(), &issued)? {
            values.set("due_at", Value::Text(due));
        }
        values.default("due_at", || Value::Text(issued));
        for (name, default) in [
            ("amount", "0.0"),
            ("tax_amount", "0.0"),
            ("tax2_amount", "0.0"),
            ("discount_amount", "0.0"),
            ("subject", ""),
            ("notes", ""),
            ("purchase_order", ""),
            ("state", "draft"),
            ("kind", "free_form"),
        ] {
            values.default(name, || Value::from(default));
        }
        let amount = values.text("amount").unwrap_or_default().to_owned();
        values.default("due_amount", || Value::Text(amount));
        values.default("created_by_id", || Value::Integer(1));
        // Only a document that is loaded gives a state.
        let state = values.text("state").unwrap_or_default();
        let (sent, closed) = (i64::from(state != "draft"), i64::from(state == "closed"));
        values.default("sent", || Value::Integer(sent));
        values.default("closed", || Value::Integer(closed));
        Ok(())
    }

    fn revise(&self, connection: &Connection, id: i64, values: &mut Values) -> Result<()> {
        check_percents(values)?;
        // Without lines, the amount stays as it was loaded; that of a tax that goes does not.
        for (tax, amount) in [("tax", "tax_amount"), ("tax2", "tax2_amount")] {
            if values.get(tax) == Some(&Value::Null) {
                values.set(amount, "0.0");
            }
        }
        if values.get("due_at_human_format").is_none() && values.get("due_at").is_some() {
            values.set("due_at_human_format", "custom");
        }
        if values.get("due_at_human_format").is_none() && values.get("issued_at").is_none() {
            return Ok(());
        }
        let stored: Option<(String, String)> = connection
            .prepare_cached("SELECT due_at_human_format, issued_at FROM invoices WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((format, issued)) = stored else {
            return Ok(()); // the update finds no record either
        };
        let format = values.text("due_at_human_format").unwrap_or(&format);
        let issued = values.text("issued_at").unwrap_or(&issued);
        if let Some(due) = due_at(format, issued)? {
            values.set("due_at", Value::Text(due));
        }
        Ok(())
    }

    fn guard(&self, change: &Change<'_>) -> &'static str {
        match change {
            Change::Create(_) => "EXISTS (SELECT 1 FROM clients WHERE id = ?8)",
            Change::Update(_, values) if values.get("client_id").is_some() => {
                "EXISTS (SELECT 1 FROM clients WHERE clients.id = ?8)"
            }
            _ => "",
        }
    }

    fn entails(&self) -> bool {
        true
    }

    fn entail(&self, connection: &Connection, done: &Done<'_>) -> Result<()> {
        match done.change {
            Change::Create(values) => {
                let Some(lines) = lines::given(values)? else { return Ok(()) };
                // Without time and expenses, the other kinds have no lines.
                if values.text("kind") == Some(Kind::FreeForm.as_str()) {
                    lines::replace(connection, done.id, lines)?;
                    settle(connection, done.id, Moved::Lines)?;
                }
            }
            Change::Update(id, values) => {
                let mut moves = PERCENTS.iter().any(|name| values.get(name).is_some());
                let had_lines = lines::any(connection, id)?;
                if let Some(lines) = lines::given(values)? {
                    lines::replace(connection, id, lines)?;
                    moves = true;
                }
                // One that has no lines, and had none, keeps the amounts that it was loaded with.
                if moves && (had_lines || lines::any(connection, id)?) {
                    settle(connection, id, Moved::Lines)?;
                }
            }
            Change::Act(id, action) => {
                if let Some(mut message) = done.body.clone().filter(|_| action.name != RE_OPEN.name) {
                    message.set("invoice_id", Value::Integer(id));
                    add(connection, &Messages, message, done.at)?;
                }
                settle(connection, id, Moved::Marks)?;
            }
            Change::Delete(_) => {}
        }
        Ok(())
    }

    fn attached(&self, connection: &Connection, id: i64, most: usize) -> Result<Attached> {
        Ok(lines::csv(connection, id, most)?.map_or(Attached::Longer, Attached::Text))
    }

    fn attached_at_most(&self, connection: &Connection, id: i64) -> Result<usize> {
        lines::csv_at_most(connection, id)
    }

    fn refusal(&self, connection: &Connection, change: &Change<'_>) -> Result<Error> {
        if let Change::Act(id, action) = change {
            let rule = match action.name {
                "mark_as_sent" => Rule::InvoiceIsNotDraft,
                "mark_as_draft" => Rule::InvoiceIsNotOpen,
                "re_open" => Rule::InvoiceIsNotClosed,
                _ => Rule::InvoiceIsNotOpenOrPartial,
            };
            let state: State = connection
                .prepare_cached("SELECT state FROM invoices WHERE id = ?1")?
                .query_row([id], |row| Ok(State::from_ref(row.get_ref(0)?).unwrap_or(State::Draft)))?;
            let what = match state {
                State::Draft => "draft invoice",
                State::Open => "open invoice",
                State::Partial => "partially paid invoice",
                State::Paid => "paid invoice",
                State::Closed => "closed invoice",
            };
            return Ok(Error::refused(rule, [(what, 1)]));
        }
        let client = change.values().and_then(|values| values.get("client_id"));
        Ok(no_such_client(match client {
            Some(Value::Integer(id)) => *id,
            _ => 0,
        }))
    }

    fn invariants(&self) -> &'static [Invariant] {
        &audit::INVARIANTS
    }

    fn audit(&self) -> Option<Audit> {
        Some(audit::audit)
    }

    fn unfiltered(&self) -> Selection {
        Selection { window: Some((0, PAGE)), ..Selection::default() }
    }

    fn filter(&self, selection: &mut Selection, name: &str, value: &str, today: NaiveDate) -> Result<()> {
        let mut filter = InvoiceFilter::default();
        match name {
            "client" => {
                selection.client_text(value);
                return Ok(());
            }
            "updated_since" => return selection.updated_since_text(value),
            "from" => filter.from = day("from", value)?,
            "to" => filter.to = day("to", value)?,
            "status" | "state" => match status(value) {
                Some(status) => filter.status = Some(status),
                None => selection.nothing(),
            },
            "page" => filter.page = Some(page(value.trim())),
            _ => return Ok(()),
        }
        let Selection { conditions, sorts, window, .. } = Invoice::select(&filter, today);
        selection.conditions.extend(conditions);
        selection.sorts |= sorts;
        selection.window = window.or(selection.window);
        Ok(())
    }
}

/// An invoice that a message or a payment names is not there.
pub(super) fn no_such_invoice(change: &Change<'_>) -> Error {
    let id = match change.values().and_then(|values| values.get("invoice_id")) {
        Some(Value::Integer(id)) => *id,
        _ => 0,
    };
    Error::NotFound { record: "invoice", id }
}

fn status(text: &str) -> Option<Status> {
    let states = [State::Draft, State::Open, State::Partial, State::Paid, State::Closed];
    match text {
        "unpaid" => Some(Status::Unpaid),
        "pastdue" => Some(Status::PastDue),
        _ => states.into_iter().find(|state| state.as_str() == text).map(Status::Is),
    }
}

/// What is no number is the first page; a number beyond all pages is past the end.
fn page(text: &str) -> u32 {
    text.parse().unwrap_or_else(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => u32::MAX,
        _ => 1,
    })
}

fn day(name: &'static str, text: &str) -> Result<Option<NaiveDate>> {
    match text.trim() {
        "" => Ok(None),
        text => match parse_date(text) {
            Some(date) => Ok(Some(date)),
            None => Err(Error::invalid(name, "cannot be read; send a date like 20110331 or 2011-03-31")),
        },
    }
}

fn check_percents(values: &Values) -> Result<()> {
    for name in PERCENTS {
        if let Some(text) = values.text(name) {
            let percent: Decimal = text.parse().unwrap_or(Decimal::MAX);
            if percent < Decimal::ZERO || percent > Decimal::ONE_HUNDRED {
                return Err(Error::invalid(name, format!("is {text}; a percent lies between 0 and 100")));
            }
        }
    }
    Ok(())
}
