//! The payments of an invoice: `docs/spec/invoices.md`.

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use rust_decimal::Decimal;

use super::{INVOICE, InvoiceId, Moved, no_such_invoice, touch};
use crate::error::{self, Error, Result};
use crate::record::{NewRecord, filter, record};
use crate::resources::{Endpoint, Resource};
use crate::store::{Change, ClientStore, Done, Entity, On, Records, Rule, Selection, Signature, Stored, Transaction};

record! {
    /// A payment of an invoice.
    Payment: table "invoice_payments", id PaymentId, element "payment", list "payments", documented array true,
    without a place "pay-pal-transaction-id" "authorization" "payment-gateway-id";
    elements {
        /// Money; zero is allowed.
        amount: Decimal = required on_create;
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
        /// Never used again, not even after a delete.
        id: PaymentId = readonly;
        /// The invoice.
        invoice_id: InvoiceId = required on_create;
        /// Free text.
        notes: String = on_create searched default_text("");
        /// When it was paid.
        paid_at: DateTime<Utc> = required on_create;
        /// Who recorded it.
        recorded_by: String = readonly searched default_text("");
        /// The address of who recorded it.
        recorded_by_email: String = readonly searched default_text("");
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
    }
    internal {
        version: i64 = readonly default(0);
    }
}

/// What a new payment is made from.
pub type NewPayment = NewRecord<Payment>;

impl NewPayment {
    /// So much, paid at a moment, of an invoice.
    pub fn of(invoice_id: impl Into<InvoiceId>, amount: impl Into<Decimal>, paid_at: DateTime<Utc>) -> Self {
        Self::new().invoice_id(invoice_id).amount(amount).paid_at(paid_at)
    }
}

filter! {
    /// What a list of payments is narrowed by; the default is those of every invoice.
    PaymentFilter {
        /// Only those of the invoice.
        invoice: InvoiceId,
    }
}

impl ClientStore {
    /// The payments of all invoices.
    ///
    /// ```
    /// use clientstore::chrono::Utc;
    /// use clientstore::{ClientStore, NewClient, NewInvoice, NewPayment, PaymentFilter};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let invoice = store.invoices().create(&NewInvoice::of(client))?;
    /// store.payments().create(&NewPayment::of(invoice, 100, Utc::now()).notes("By bank"))?;
    /// assert_eq!(store.payments().list(&PaymentFilter::new().invoice(invoice))?.count(), 1);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
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
    const ENTITY: &'static Entity = &PAYMENTS;

    fn select(filter: &PaymentFilter, selection: &mut Selection) {
        if let Some(id) = filter.invoice {
            selection.belonging_to(INVOICE.column, id.into());
        }
    }
}

pub(crate) static PAYMENTS: Entity = Entity::of::<Payment>()
    .parent(INVOICE)
    .rules(&[HAS_INVOICE, INVOICE_IS_OPEN, INVOICE_IS_OPEN_AT_DELETE])
    .signed(&[("recorded_by", Signature::Name), ("recorded_by_email", Signature::Email)])
    .entail(&["invoice_id", "amount"], entail);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &PAYMENTS,
    endpoints: &[
        Endpoint::list("/invoices/{invoice_id}/payments").also(&["/invoice/{invoice_id}/payments"]),
        Endpoint::create("/invoices/{invoice_id}/payments").also(&["/invoice/{invoice_id}/payments"]),
        Endpoint::get("/invoices/{invoice_id}/payments/{id}").also(&["/invoice/{invoice_id}/payments/{id}"]),
        Endpoint::delete("/invoices/{invoice_id}/payments/{id}").also(&["/invoice/{invoice_id}/payments/{id}"]),
    ],
};

const HAS_INVOICE: Rule = Rule {
    on: On::Create,
    condition: "EXISTS (SELECT 1 FROM invoices WHERE invoices.id = :invoice_id)",
    refusal: |_, change| Ok(no_such_invoice(change)),
};

/// Only a loaded payment brings its id; it is older than the closing.
const INVOICE_IS_OPEN: Rule = Rule {
    on: On::Create,
    condition: ":id IS NOT NULL OR EXISTS (SELECT 1 FROM invoices WHERE invoices.id = :invoice_id AND closed = 0)",
    refusal: |_, _| Ok(closed()),
};

const INVOICE_IS_OPEN_AT_DELETE: Rule = Rule {
    on: On::Delete,
    condition: "EXISTS (SELECT 1 FROM invoices WHERE invoices.id = :invoice_id AND closed = 0)",
    refusal: |_, _| Ok(closed()),
};

/// Paying and unpaying move what is due, and the state.
fn entail(connection: &Connection, done: &Done<'_>) -> Result<()> {
    let amount = done.values().and_then(|values| values.text("amount")).unwrap_or_default();
    let moved = match done.change {
        Change::Delete(_) => Moved::Unpaid(amount),
        _ => Moved::Paid(amount),
    };
    touch(connection, done, moved)
}

fn closed() -> Error {
    Error::refused(error::Rule::InvoiceIsClosed, [("closed invoice", 1)])
}
