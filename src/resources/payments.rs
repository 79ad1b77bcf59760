//! The payments of an invoice: `invoices.md`.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::Connection;
use rust_decimal::Decimal;

use super::invoices::{INVOICE, Moved, PartFilter, no_such_invoice, touch};
use crate::error::{Error, Result, Rule};
use crate::record::{Fields, Table, Values, record};
use crate::store::{Builder, Change, ClientStore, Done, Parent, Records, Resource, Selection, Stored, Transaction};
use crate::value::Value;

record! {
    /// A payment of an invoice.
    Payment: table "invoice_payments", element "payment", list "payments", documented array true,
    without a place "pay-pal-transaction-id" "authorization" "payment-gateway-id";
    elements {
        /// Money; zero is allowed.
        amount ("amount"): Decimal = required on_create;
        /// When the record was created.
        created_at ("created-at"): DateTime<Utc> = readonly;
        /// Never used again, not even after a delete.
        id ("id"): i64 = readonly;
        /// The invoice.
        invoice_id ("invoice-id"): i64 = required on_create;
        /// Free text.
        notes ("notes"): String = on_create;
        /// When it was paid.
        paid_at ("paid-at"): DateTime<Utc> = required on_create;
        /// Who recorded it.
        recorded_by ("recorded-by"): String = readonly;
        /// The address of who recorded it.
        recorded_by_email ("recorded-by-email"): String = readonly;
        /// When the record was last written to.
        updated_at ("updated-at"): DateTime<Utc> = readonly;
    }
    internal {
        version ("version"): i64 = readonly;
    }
}

/// What a new payment is made from.
pub type NewPayment = Fields<Payment>;

impl NewPayment {
    /// So much, paid at a moment, of an invoice.
    pub fn of(invoice_id: i64, amount: impl Into<Decimal>, paid_at: DateTime<Utc>) -> Self {
        Self::new().invoice_id(invoice_id).amount(amount).paid_at(paid_at)
    }
}

/// What a list of payments is narrowed by.
pub type PaymentFilter = PartFilter;

impl ClientStore {
    /// The payments of all invoices.
    pub fn payments(&self) -> Records<'_, Payment> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The payments of all invoices.
    pub fn payments(&self) -> Records<'_, Payment> {
        self.records()
    }
}

impl Stored for Payment {
    type Filter = PaymentFilter;
    const RESOURCE: &'static dyn Resource = &Payments;

    fn select(filter: &PaymentFilter, _today: NaiveDate) -> Selection {
        filter.selection()
    }
}

pub(crate) struct Payments;

impl Resource for Payments {
    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn paths(&self) -> &'static [&'static str] {
        &["payments"]
    }

    fn parent(&self) -> Option<&'static Parent> {
        Some(&INVOICE)
    }

    fn updates(&self) -> bool {
        false
    }

    fn draw(&self, values: &mut Values, settings: &Builder) {
        values.default("recorded_by", || Value::Text(settings.whose().full_name()));
        values.default("recorded_by_email", || Value::from(settings.whose().email.as_str()));
    }

    fn complete(&self, _connection: &Connection, values: &mut Values, _at: DateTime<Utc>) -> Result<()> {
        for name in ["notes", "recorded_by", "recorded_by_email"] {
            values.default(name, || Value::from(""));
        }
        Ok(())
    }

    fn entails(&self) -> bool {
        true
    }

    fn remembered(&self) -> &'static [&'static str] {
        &["invoice_id", "amount"]
    }

    /// Paying and unpaying move what is due, and the state.
    fn entail(&self, connection: &Connection, done: &Done<'_>) -> Result<()> {
        let amount = done.values().and_then(|values| values.text("amount")).unwrap_or_default();
        let moved = match done.change {
            Change::Delete(_) => Moved::Unpaid(amount),
            _ => Moved::Paid(amount),
        };
        touch(connection, done, moved)
    }

    fn guard(&self, change: &Change<'_>) -> &'static str {
        match change {
            // Only a loaded payment brings its id; it is older than the closing.
            Change::Create(_) => "EXISTS (SELECT 1 FROM invoices WHERE id = ?4 AND (closed = 0 OR ?3 IS NOT NULL))",
            Change::Delete(_) => {
                "EXISTS (SELECT 1 FROM invoices WHERE id = invoice_payments.invoice_id AND closed = 0)"
            }
            _ => "",
        }
    }

    fn refusal(&self, connection: &Connection, change: &Change<'_>) -> Result<Error> {
        let invoice = match change.values().and_then(|values| values.get("invoice_id")) {
            Some(Value::Integer(id)) => *id,
            _ => return Ok(closed()),
        };
        let sql = "SELECT count(*) FROM invoices WHERE id = ?1";
        Ok(if super::count(connection, sql, invoice)? == 0 { no_such_invoice(change) } else { closed() })
    }
}

fn closed() -> Error {
    Error::refused(Rule::InvoiceIsClosed, [("closed invoice", 1)])
}
