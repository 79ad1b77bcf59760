//! Invoices: `invoices.md`. Their header fields; lines, money, states by messages and payments are
//! to come.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension};
use rust_decimal::Decimal;

use super::projects::no_such_client;
use crate::error::{Error, Result};
use crate::record::{Fields, Table, Values, record, text_enum};
use crate::store::{Change, ClientStore, KeyGenerator, Order, Records, Resource, Selection, Stored, Transaction};
use crate::value::{Value, bound, date_text, in_range, parse_date};

/// So many invoices stand on a page.
const PAGE: i64 = 50;

record! {
    /// An invoice to a client.
    Invoice: table "invoices", element "invoice", list "invoices", documented array true;
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
        currency ("currency"): String = writable;
        /// Today unless given.
        issued_at ("issued-at"): NaiveDate = writable;
        /// The person who made it; 1 until there are people.
        created_by_id ("created-by-id"): i64 = readonly untyped;
        /// Free text.
        notes ("notes"): String = writable;
        /// The one after the newest invoice's unless given.
        number ("number"): String = writable;
        /// The client's own number for it.
        purchase_order ("purchase-order"): String = writable;
        /// 40 hex digits; who has them may see the invoice.
        client_key ("client-key"): String = readonly;
        /// How far it has come.
        state ("state"): State = readonly;
        /// Percent, from 0 to 100.
        tax ("tax"): Option<Decimal> = writable;
        /// Percent, from 0 to 100.
        tax2 ("tax2"): Option<Decimal> = writable;
        /// Money.
        tax_amount ("tax-amount"): Option<Decimal> = readonly;
        /// Money.
        tax2_amount ("tax2-amount"): Option<Decimal> = readonly;
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
    }
    internal {
        kind ("kind"): Kind = writable;
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

/// What a new invoice is made from.
pub type NewInvoice = Fields<Invoice>;
/// What an update of an invoice sets.
pub type InvoiceChanges = Fields<Invoice>;

impl NewInvoice {
    /// A client's invoice with defaults for the rest.
    pub fn of(client_id: i64) -> Self {
        Self::new().client_id(client_id)
    }
}

/// What a list of invoices is narrowed by; the default is every invoice. All conditions combine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvoiceFilter {
    /// Only those of the client.
    pub client: Option<i64>,
    /// Only those issued on the day or later.
    pub from: Option<NaiveDate>,
    /// Only those issued on the day or earlier.
    pub to: Option<NaiveDate>,
    /// Only those updated at the moment or later.
    pub updated_since: Option<DateTime<Utc>>,
    /// Only those of the status.
    pub status: Option<Status>,
    /// Only the page, of 50 invoices each, from 1; without one, all of them.
    pub page: Option<u32>,
}

/// What the status of an invoice can be asked for (`invoices.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Exactly the state.
    Is(State),
    /// Open or partial.
    Unpaid,
    /// Unpaid, and due before today.
    PastDue,
}

impl ClientStore {
    /// The invoices.
    pub fn invoices(&self) -> Records<'_, Invoice> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The invoices.
    pub fn invoices(&self) -> Records<'_, Invoice> {
        self.records()
    }
}

impl Stored for Invoice {
    type Filter = InvoiceFilter;
    const RESOURCE: &'static dyn Resource = &Invoices;

    fn select(filter: &InvoiceFilter, today: NaiveDate) -> Selection {
        let mut selection = Selection::default();
        if let Some(id) = filter.client {
            selection.and("client_id = ?", Value::Integer(id));
        }
        if let Some(day) = filter.from {
            selection.and("issued_at >= ?", bound(date_text(day)));
        }
        if let Some(day) = filter.to {
            selection.and("issued_at <= ?", bound(date_text(day)));
        }
        if let Some(moment) = filter.updated_since {
            selection.updated_since(moment);
        }
        match filter.status {
            Some(Status::Is(state)) => selection.and("state = ?", Value::from(state.as_str())),
            Some(Status::Unpaid) => selection.and("state IN ('open', 'partial')", None),
            Some(Status::PastDue) => {
                selection.and("state IN ('open', 'partial') AND due_at < ?", Value::Text(date_text(today)));
            }
            None => {}
        }
        if let Some(page) = filter.page {
            selection.window = Some((i64::from(page.max(1) - 1) * PAGE, PAGE));
        }
        selection
    }
}

pub(crate) struct Invoices;

impl Resource for Invoices {
    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn order(&self) -> Order {
        Order::Newest
    }

    fn draw(&self, values: &mut Values, keys: &KeyGenerator) {
        values.default("client_key", || Value::Text(keys().iter().map(|byte| format!("{byte:02x}")).collect()));
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
            ("due_amount", "0.0"),
            ("discount_amount", "0.0"),
            ("subject", ""),
            ("notes", ""),
            ("purchase_order", ""),
            ("state", "draft"),
            ("kind", "free_form"),
        ] {
            values.default(name, || Value::from(default));
        }
        values.default("created_by_id", || Value::Integer(1));
        tax_amounts(values);
        Ok(())
    }

    fn revise(&self, connection: &Connection, id: i64, values: &mut Values) -> Result<()> {
        check_percents(values)?;
        tax_amounts(values);
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

    fn refusal(&self, _connection: &Connection, change: &Change<'_>) -> Result<Error> {
        let client = change.values().and_then(|values| values.get("client_id"));
        Ok(no_such_client(match client {
            Some(Value::Integer(id)) => *id,
            _ => 0,
        }))
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
            "page" => filter.page = Some(value.trim().parse().unwrap_or(1)),
            _ => return Ok(()),
        }
        let Selection { conditions, window, .. } = Invoice::select(&filter, today);
        selection.conditions.extend(conditions);
        selection.window = window.or(selection.window);
        Ok(())
    }
}

fn status(text: &str) -> Option<Status> {
    let states = [State::Draft, State::Open, State::Partial, State::Paid, State::Closed];
    match text {
        "unpaid" => Some(Status::Unpaid),
        "pastdue" => Some(Status::PastDue),
        _ => states.into_iter().find(|state| state.as_str() == text).map(Status::Is),
    }
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
    for name in ["tax", "tax2", "discount"] {
        if let Some(text) = values.text(name) {
            let percent: Decimal = text.parse().unwrap_or(Decimal::MAX);
            if percent < Decimal::ZERO || percent > Decimal::ONE_HUNDRED {
                return Err(Error::invalid(name, format!("is {text}; a percent lies between 0 and 100")));
            }
        }
    }
    Ok(())
}

/// A tax has an amount and no tax has none; without lines, the amount is nothing.
fn tax_amounts(values: &mut Values) {
    for (tax, amount) in [("tax", "tax_amount"), ("tax2", "tax2_amount")] {
        match values.get(tax) {
            Some(Value::Null) => values.set(amount, Value::Null),
            Some(_) => values.set(amount, "0.0"),
            None => {}
        }
    }
}

/// The newest created invoice's number with its last run of digits incremented (`invoices.md`).
fn next_number(connection: &Connection) -> Result<String> {
    let newest: Option<String> = connection
        .prepare_cached("SELECT number FROM invoices ORDER BY created_at DESC, id DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(newest.map_or_else(|| "1".to_owned(), |number| following(&number)))
}

fn following(number: &str) -> String {
    let Some(end) = number.rfind(|character: char| character.is_ascii_digit()).map(|at| at + 1) else {
        return format!("{number}1");
    };
    let start = number[..end].rfind(|character: char| !character.is_ascii_digit());
    let start = start.map_or(0, |at| at + number[at..].chars().next().map_or(1, char::len_utf8));
    let mut digits = number.as_bytes()[start..end].to_vec();
    let nines = digits.iter().rev().take_while(|digit| **digit == b'9').count();
    let kept = digits.len() - nines;
    digits[kept..].fill(b'0');
    match kept.checked_sub(1) {
        Some(last) => digits[last] += 1,
        None => digits.insert(0, b'1'),
    }
    format!("{}{}{}", &number[..start], String::from_utf8_lossy(&digits), &number[end..])
}

/// The due date that a human format gives; none where it leaves the date to the body.
fn due_at(format: &str, issued: &str) -> Result<Option<String>> {
    let lower = format.trim().to_ascii_lowercase();
    let days = match lower.as_str() {
        "upon receipt" | "due upon receipt" => Some("0"),
        _ => lower.strip_prefix("net ").or_else(|| lower.strip_suffix(" days")),
    };
    let days = days.map(str::trim).filter(|days| {
        let digits = days.strip_prefix('-').unwrap_or(days);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let (Some(days), Some(issued)) = (days, parse_date(issued)) else {
        return Ok(None);
    };
    let due = days
        .parse()
        .ok()
        .and_then(TimeDelta::try_days)
        .and_then(|days| issued.checked_add_signed(days))
        .and_then(in_range);
    match due {
        Some(due) => Ok(Some(date_text(due))),
        None => Err(Error::invalid("due-at-human-format", "gives a date outside 0001-01-01 to 9999-12-31")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_number_increments_the_last_run_of_digits() {
        for (newest, next) in [
            ("1", "2"),
            ("0099", "0100"),
            ("99", "100"),
            ("A-7-b", "A-8-b"),
            ("INV", "INV1"),
            ("", "1"),
            ("2011/009é", "2011/010é"),
            ("é9", "é10"),
            ("99999999999999999999", "100000000000000000000"),
        ] {
            assert_eq!(following(newest), next, "{newest}");
        }
    }

    #[test]
    fn the_due_date_follows_the_human_format() {
        let due = |format| due_at(format, "2011-03-31").unwrap();
        assert_eq!(due("NET 15").as_deref(), Some("2011-04-15"));
        assert_eq!(due("net 0").as_deref(), Some("2011-03-31"));
        assert_eq!(due("30 Days").as_deref(), Some("2011-04-30"));
        assert_eq!(due("Upon Receipt").as_deref(), Some("2011-03-31"));
        assert_eq!(due("due upon receipt").as_deref(), Some("2011-03-31"));
        assert_eq!(due("custom"), None);
        assert_eq!(due("NET soon"), None);
        assert!(due_at("NET 99999999999999999999", "2011-03-31").is_err());
        assert!(due_at("NET 3000000", "2011-03-31").is_err());
    }
}
