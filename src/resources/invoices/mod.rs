//! Invoices: `docs/spec/invoices.md`.

mod access;
mod audit;
mod defaults;
mod gather;
mod line_csv;
mod lines;
pub(crate) mod messages;
pub(crate) mod money;
pub(crate) mod payments;
mod settle;

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension};
use rust_decimal::Decimal;

pub use self::access::{InvoiceChanges, InvoiceFilter, InvoiceStatus, NewInvoice, Unbilled};
use self::defaults::{due_at, next_number};
pub(crate) use self::lines::LINES;
pub use self::lines::{LineItem, LineItemId, NewLineItem};
use self::messages::MESSAGES;
use self::settle::settle;
pub(crate) use self::settle::{Moved, touch};
use super::clients::ClientId;
use super::projects::no_such_client;
use super::{Endpoint, Resource};
use crate::error::{self, Error, Result};
use crate::record::{Field, Values, record, text_enum};
use crate::store::{Action, Attached, By, Change, Done, Entity, Filter, On, Parent, Rule, Signature, add};
use crate::value::{Kind, Value, date_text};

/// What the totals depend on besides the lines.
const PERCENTS: [&str; 3] = ["tax", "tax2", "discount"];

record! {
    /// An invoice to a client.
    Invoice: table "invoices", id InvoiceId, element "invoice", list "invoices", documented array true,
    attached "csv-line-items", json "invoice" in "invoices",
    asked "projects-to-invoice" "import-hours" "import-expenses" "expense-period-start" "expense-period-end",
    without a place "expense-summary-type";
    elements {
        /// Never used again, not even after a delete.
        id: InvoiceId = readonly;
        /// The grand total.
        amount: Decimal = readonly default_text("0.0");
        /// The amount less the payments; may be negative.
        due_amount: Decimal = readonly;
        /// Follows the human format where there is one; set without one, it makes the format `custom`.
        due_at: NaiveDate = writable;
        /// `NET n`, `n days`, `upon receipt`, or any other text; kept as it was given.
        due_at_human_format: String = writable;
        /// The last day it bills.
        period_end: Option<NaiveDate> = writable;
        /// The first day it bills.
        period_start: Option<NaiveDate> = writable;
        /// Whom it is for.
        client_id: ClientId = required;
        /// A line above the items.
        subject: String = writable searched default_text("");
        /// The client's unless given.
        currency: String = writable at_most(255);
        /// Today unless given.
        issued_at: NaiveDate = writable;
        /// The person who made it; 1 until there are people.
        created_by_id: i64 = readonly default(1);
        /// Free text.
        notes: String = writable searched default_text("");
        /// The one after the newest invoice's unless given.
        number: String = writable searched;
        /// The client's own number for it.
        purchase_order: String = writable searched default_text("");
        /// 40 hex digits, or what a loaded document has, at most 64 characters; who has it may see the invoice.
        client_key: String = readonly at_most(64) unspaced;
        /// How far it has come.
        state: InvoiceState = readonly default_text("draft");
        /// Percent, from 0 to 100.
        tax: Option<Decimal> = writable;
        /// Percent, from 0 to 100.
        tax2: Option<Decimal> = writable;
        /// Money; zero without the tax.
        tax_amount: Decimal = readonly default_text("0.0");
        /// Money; zero without the tax.
        tax2_amount: Decimal = readonly also("tax-amount2") default_text("0.0");
        /// Money.
        discount_amount: Decimal = readonly default_text("0.0");
        /// Percent, from 0 to 100.
        discount: Option<Decimal> = writable;
        /// The recurring invoice it came from.
        recurring_invoice_id: Option<i64> = readonly;
        /// The estimate it came from.
        estimate_id: Option<i64> = readonly;
        /// The retainer it draws on.
        retainer_id: Option<i64> = readonly;
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
        /// The client's name when the record was read.
        client_name: String = readonly
            computed("coalesce((SELECT name FROM clients WHERE clients.id = invoices.client_id), '')");
    }
    internal {
        kind: InvoiceKind = writable default_text("free_form");
        sent: bool = readonly;
        closed: bool = readonly;
        version: i64 = readonly default(0);
    }
}

text_enum! {
    /// How far an invoice has come.
    InvoiceState {
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
    InvoiceKind {
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

/// What messages and payments belong to.
pub(crate) const INVOICE: Parent = Parent { entity: &INVOICES, column: "invoice_id" };

pub(crate) static INVOICES: Entity = Entity::of::<Invoice>()
    .newest_first()
    .rules(&[HAS_CLIENT])
    .filters(&[Filter::CLIENT, Filter::UPDATED_SINCE, FROM, TO, STATUS, PAGE])
    .prepare(|values, settings| {
        if values.text("client_key").is_none_or(str::is_empty) {
            let key = settings.new_key()?;
            values.set("client_key", Value::Text(key.iter().map(|byte| format!("{byte:02x}")).collect()));
        }
        Ok(())
    })
    .signed(&[("created_by_id", Signature::Id)])
    .complete(complete)
    .revise(revise)
    .release(gather::release)
    .entail(&[], entail)
    .attached(Attached { text: line_csv::of_invoice, at_most: line_csv::at_most, read: line_csv::read })
    .invariants(&audit::INVARIANTS)
    .audit(audit::audit);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &INVOICES,
    endpoints: &[
        Endpoint::list("/invoices"),
        Endpoint::create("/invoices"),
        Endpoint::get("/invoices/{id}"),
        Endpoint::update("/invoices/{id}"),
        Endpoint::delete("/invoices/{id}"),
        // The changes of state stand under the messages, which keep their body.
        Endpoint::act("/invoices/{id}/messages/mark_as_sent", &MARK_AS_SENT)
            .also(&["/invoices/{id}/message/mark_as_sent"])
            .keeping(&MESSAGES),
        Endpoint::act("/invoices/{id}/messages/mark_as_draft", &MARK_AS_DRAFT)
            .also(&["/invoices/{id}/message/mark_as_draft"])
            .keeping(&MESSAGES),
        Endpoint::act("/invoices/{id}/messages/mark_as_closed", &CLOSE)
            .also(&["/invoices/{id}/message/mark_as_closed"])
            .keeping(&MESSAGES),
        // The one that keeps no message; a body is read all the same.
        Endpoint::act("/invoices/{id}/messages/re_open", &RE_OPEN)
            .also(&["/invoices/{id}/message/re_open"])
            .keeping(&MESSAGES),
    ],
};

pub(super) const FROM: Filter =
    Filter { names: &["from"], by: By::Value { kind: Kind::Date, condition: "issued_at >= ?", sorts: true } };
pub(super) const TO: Filter =
    Filter { names: &["to"], by: By::Value { kind: Kind::Date, condition: "issued_at <= ?", sorts: true } };
pub(super) const STATUS: Filter = Filter {
    names: &["status", "state"],
    by: By::Choice(&[
        ("draft", "state = 'draft'"),
        ("open", "state = 'open'"),
        ("partial", "state = 'partial'"),
        ("paid", "state = 'paid'"),
        ("closed", "state = 'closed'"),
        ("unpaid", "state IN ('open', 'partial')"),
        ("pastdue", "state IN ('open', 'partial') AND due_at < ?"),
    ]),
};
/// A page has 50 invoices.
pub(super) const PAGE: Filter = Filter { names: &["page"], by: By::Page(50) };

const HAS_CLIENT: Rule = Rule {
    on: On::Write,
    condition: "EXISTS (SELECT 1 FROM clients WHERE clients.id = :client_id)",
    refusal: |_, change| Ok(no_such_client(change)),
};

pub(crate) static MARK_AS_SENT: Action = Action {
    name: "mark_as_sent",
    sets: &[("sent", "1")],
    rules: &[Rule {
        on: On::Change,
        condition: "state = 'draft'",
        refusal: |connection, change| not_in_state(connection, change, error::Rule::InvoiceIsNotDraft),
    }],
};
static MARK_AS_DRAFT: Action = Action {
    name: "mark_as_draft",
    sets: &[("sent", "0")],
    rules: &[Rule {
        on: On::Change,
        condition: "state = 'open'",
        refusal: |connection, change| not_in_state(connection, change, error::Rule::InvoiceIsNotOpen),
    }],
};
pub(crate) static CLOSE: Action = Action {
    name: "mark_as_closed",
    sets: &[("closed", "1"), ("state", "'closed'")],
    rules: &[Rule {
        on: On::Change,
        condition: "state IN ('open', 'partial')",
        refusal: |connection, change| not_in_state(connection, change, error::Rule::InvoiceIsNotOpenOrPartial),
    }],
};
static RE_OPEN: Action = Action {
    name: "re_open",
    sets: &[("closed", "0"), ("state", "'open'")],
    rules: &[Rule {
        on: On::Change,
        condition: "state = 'closed'",
        refusal: |connection, change| not_in_state(connection, change, error::Rule::InvoiceIsNotClosed),
    }],
};

/// Refuses a change of state, and says which one the invoice has.
fn not_in_state(connection: &Connection, change: &Change<'_>, rule: error::Rule) -> Result<Error> {
    let state: InvoiceState = connection
        .prepare_cached("SELECT state FROM invoices WHERE id = ?1")?
        .query_row([change.id()], |row| Ok(InvoiceState::from_ref(row.get_ref(0)?).unwrap_or(InvoiceState::Draft)))?;
    let what = match state {
        InvoiceState::Draft => "draft invoice",
        InvoiceState::Open => "open invoice",
        InvoiceState::Partial => "partially paid invoice",
        InvoiceState::Paid => "paid invoice",
        InvoiceState::Closed => "closed invoice",
    };
    Ok(Error::refused(rule, [(what, 1)]))
}

fn complete(connection: &Connection, values: &mut Values, at: DateTime<Utc>) -> Result<()> {
    check_percents(values)?;
    if values.get("currency").is_none() {
        let currency: Option<String> = match values.integer("client_id") {
            Some(id) => connection
                .prepare_cached("SELECT currency FROM clients WHERE id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()?,
            None => None,
        };
        // Files of older versions may have longer ones.
        if currency.as_ref().is_some_and(|currency| currency.chars().count() > 255) {
            return Err(Error::invalid("currency", "of the client has more than 255 characters; give another"));
        }
        // Without a client the rule refuses the invoice.
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
    let amount = values.text("amount").unwrap_or_default().to_owned();
    values.default("due_amount", || Value::Text(amount));
    // Only a document that is loaded gives a state.
    let state = values.text("state").unwrap_or_default();
    let (sent, closed) = (i64::from(state != "draft"), i64::from(state == "closed"));
    values.default("sent", || Value::Integer(sent));
    values.default("closed", || Value::Integer(closed));
    if values.integer("closed") != Some(closed) {
        return Err(Error::invalid("closed", "contradicts the state; it is true just where the state is closed"));
    }
    Ok(())
}

fn revise(connection: &Connection, id: i64, values: &mut Values) -> Result<()> {
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

fn entail(connection: &Connection, done: &Done<'_>) -> Result<()> {
    match done.change {
        Change::Create(values) => {
            let given = lines::given(values)?;
            let kind = values.get("kind").and_then(|kind| InvoiceKind::from_ref(kind.as_ref()).ok());
            match kind.unwrap_or(InvoiceKind::FreeForm) {
                InvoiceKind::FreeForm => match given {
                    Some(lines) => lines::replace(connection, done.id, lines)?,
                    None => return Ok(()),
                },
                kind => {
                    given.and_then(|lines| lines.refused.clone()).map_or(Ok(()), Err)?;
                    gather::gather(connection, done.id, kind, values, done.at)?;
                }
            }
            settle(connection, done.id, Moved::Lines)?;
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
                add(connection, &MESSAGES, message, done.actor, done.at)?;
            }
            settle(connection, id, Moved::Marks)?;
        }
        Change::Delete(_) => {}
    }
    Ok(())
}

/// An invoice that a message or a payment names is not there.
pub(super) fn no_such_invoice(change: &Change<'_>) -> Error {
    Error::NotFound { record: "invoice", id: change.integer("invoice_id").unwrap_or_default() }
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
