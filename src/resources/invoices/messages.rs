//! The messages of an invoice: `docs/spec/invoices.md`.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::Connection;

use super::{INVOICE, InvoiceId, Moved, no_such_invoice, touch};
use crate::error::Result;
use crate::record::{NewRecord, filter, record};
use crate::resources::{Endpoint, Resource};
use crate::store::{Change, ClientStore, Done, Entity, On, Records, Rule, Selection, Signature, Stored, Transaction};

record! {
    /// A message that was sent with an invoice.
    Message: table "invoice_messages", id MessageId, element "invoice-message" or "message", list "invoice-message"
    or "invoice-messages", documented array true, json "message" or "invoice_message" in "message",
    without a place "attach-pdf" "recipients";
    elements {
        /// Never used again, not even after a delete.
        id: MessageId = readonly;
        /// The invoice.
        invoice_id: InvoiceId = required on_create;
        /// Whether the sender gets a copy.
        send_me_a_copy: bool = on_create default(0);
        /// What it says.
        body: String = on_create searched default_text("");
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
        /// Who sent it.
        sent_by: String = readonly searched default_text("");
        /// The address of who sent it.
        sent_by_email: String = readonly searched default_text("");
        /// Whether it is a thank-you.
        thank_you: bool = on_create default(0);
        /// Its subject.
        subject: String = on_create searched default_text("");
        /// Whether it links to a payment page.
        include_pay_pal_link: bool = on_create default(0);
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
        /// Who it went to, separated by commas.
        full_recipient_list: String = on_create searched sent_as("recipients") default_text("");
        /// The address that it came from.
        sent_from_email: String = readonly default_text("");
        /// Who it came from.
        sent_from: String = readonly default_text("");
        /// The day on which a reminder goes out.
        send_reminder_on: Option<NaiveDate> = readonly;
    }
    internal {
        version: i64 = readonly default(0);
    }
}

/// What a new message is made from.
pub type NewMessage = NewRecord<Message>;

impl NewMessage {
    /// A message that goes with an invoice.
    pub fn of(invoice_id: impl Into<InvoiceId>, body: impl Into<String>) -> Self {
        Self::new().invoice_id(invoice_id).body(body)
    }
}

filter! {
    /// What a list of messages is narrowed by; the default is those of every invoice.
    MessageFilter {
        /// Only those of the invoice.
        invoice: InvoiceId,
    }
}

impl ClientStore {
    /// The messages of all invoices.
    ///
    /// ```
    /// use clientstore::{ClientStore, MessageFilter, NewClient, NewInvoice, NewMessage};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let invoice = store.invoices().create(&NewInvoice::of(client))?;
    /// store.messages().create(&NewMessage::of(invoice, "Here is your invoice.").subject("Invoice 1"))?;
    /// assert_eq!(store.messages().list(&MessageFilter::new().invoice(invoice))?.count(), 1);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn messages(&self) -> Records<'_, Message> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The messages of all invoices.
    pub fn messages(&self) -> Records<'_, Message> {
        self.records()
    }
}

impl Stored for Message {
    type Filter = MessageFilter;
    const ENTITY: &'static Entity = &MESSAGES;

    fn select(filter: &MessageFilter, selection: &mut Selection) {
        if let Some(id) = filter.invoice {
            selection.belonging_to(INVOICE.column, id.into());
        }
    }
}

pub(crate) static MESSAGES: Entity = Entity::of::<Message>()
    .parent(INVOICE)
    .rules(&[HAS_INVOICE])
    .signed(&[("sent_by", Signature::Name), ("sent_by_email", Signature::Email)])
    .entail(&["invoice_id"], entail);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &MESSAGES,
    endpoints: &[
        Endpoint::list("/invoices/{invoice_id}/messages").also(ALSO),
        Endpoint::create("/invoices/{invoice_id}/messages").also(ALSO),
        Endpoint::get("/invoices/{invoice_id}/messages/{id}").also(ALSO_ONE),
        Endpoint::delete("/invoices/{invoice_id}/messages/{id}").also(ALSO_ONE),
    ],
};

/// Some programs write parts of the path in the singular.
const ALSO: &[&str] =
    &["/invoices/{invoice_id}/message", "/invoice/{invoice_id}/messages", "/invoice/{invoice_id}/message"];
const ALSO_ONE: &[&str] = &[
    "/invoices/{invoice_id}/message/{id}",
    "/invoice/{invoice_id}/messages/{id}",
    "/invoice/{invoice_id}/message/{id}",
];

const HAS_INVOICE: Rule = Rule {
    on: On::Create,
    condition: "EXISTS (SELECT 1 FROM invoices WHERE invoices.id = :invoice_id)",
    refusal: |_, change| Ok(no_such_invoice(change)),
};

/// A draft that a message goes out with counts as sent.
fn entail(connection: &Connection, done: &Done<'_>) -> Result<()> {
    if let Change::Create(values) = done.change {
        connection.prepare_cached("UPDATE invoices SET sent = 1 WHERE id = ?1")?.execute([values.get("invoice_id")])?;
    }
    touch(connection, done, Moved::Marks)
}
