//! The messages of an invoice: `invoices.md`.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::Connection;

use super::invoices::{INVOICE, Moved, PartFilter, touch};
use crate::error::{Error, Result};
use crate::record::{Fields, Table, Values, record};
use crate::store::{Builder, Change, ClientStore, Done, Parent, Records, Resource, Selection, Stored, Transaction};
use crate::value::Value;

record! {
    /// A message that was sent with an invoice.
    Message: table "invoice_messages", element "invoice-message" or "message", list "invoice-message"
    or "invoice-messages", documented array true, without a place "attach-pdf" "recipients";
    elements {
        /// Never used again, not even after a delete.
        id ("id"): i64 = readonly;
        /// The invoice.
        invoice_id ("invoice-id"): i64 = required on_create;
        /// Whether the sender gets a copy.
        send_me_a_copy ("send-me-a-copy"): bool = on_create;
        /// What it says.
        body ("body"): String = on_create;
        /// When the record was created.
        created_at ("created-at"): DateTime<Utc> = readonly;
        /// Who sent it.
        sent_by ("sent-by"): String = readonly;
        /// The address of who sent it.
        sent_by_email ("sent-by-email"): String = readonly;
        /// Whether it is a thank-you.
        thank_you ("thank-you"): bool = on_create;
        /// Its subject.
        subject ("subject"): String = on_create;
        /// Whether it links to a payment page.
        include_pay_pal_link ("include-pay-pal-link"): bool = on_create;
        /// When the record was last written to.
        updated_at ("updated-at"): DateTime<Utc> = readonly;
        /// Who it went to, separated by commas.
        full_recipient_list ("full-recipient-list"): String = on_create sent_as("recipients");
        /// The address that it came from.
        sent_from_email ("sent-from-email"): String = readonly;
        /// Who it came from.
        sent_from ("sent-from"): String = readonly;
        /// The day on which a reminder goes out.
        send_reminder_on ("send-reminder-on"): Option<NaiveDate> = readonly;
    }
    internal {
        version ("version"): i64 = readonly;
    }
}

/// What a new message is made from.
pub type NewMessage = Fields<Message>;

impl NewMessage {
    /// A message that goes with an invoice.
    pub fn of(invoice_id: i64, body: impl Into<String>) -> Self {
        Self::new().invoice_id(invoice_id).body(body)
    }
}

/// What a list of messages is narrowed by.
pub type MessageFilter = PartFilter;

impl ClientStore {
    /// The messages of all invoices.
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
    const RESOURCE: &'static dyn Resource = &Messages;

    fn select(filter: &MessageFilter, _today: NaiveDate) -> Selection {
        filter.selection()
    }
}

pub(crate) struct Messages;

impl Resource for Messages {
    fn table(&self) -> &'static Table {
        &TABLE
    }

    fn paths(&self) -> &'static [&'static str] {
        &["messages", "message"]
    }

    fn parent(&self) -> Option<&'static Parent> {
        Some(&INVOICE)
    }

    fn updates(&self) -> bool {
        false
    }

    fn draw(&self, values: &mut Values, settings: &Builder) {
        values.default("sent_by", || Value::Text(settings.whose().full_name()));
        values.default("sent_by_email", || Value::from(settings.whose().email.as_str()));
    }

    fn complete(&self, _connection: &Connection, values: &mut Values, _at: DateTime<Utc>) -> Result<()> {
        for name in ["send_me_a_copy", "thank_you", "include_pay_pal_link"] {
            values.default(name, || Value::Integer(0));
        }
        for name in
            ["body", "subject", "full_recipient_list", "sent_by", "sent_by_email", "sent_from_email", "sent_from"]
        {
            values.default(name, || Value::from(""));
        }
        Ok(())
    }

    fn entails(&self) -> bool {
        true
    }

    fn remembered(&self) -> &'static [&'static str] {
        &["invoice_id"]
    }

    /// A draft that a message goes out with counts as sent.
    fn entail(&self, connection: &Connection, done: &Done<'_>) -> Result<()> {
        if let Change::Create(values) = done.change {
            connection
                .prepare_cached("UPDATE invoices SET sent = 1 WHERE id = ?1")?
                .execute([values.get("invoice_id")])?;
        }
        touch(connection, done, Moved::Marks)
    }

    fn guard(&self, change: &Change<'_>) -> &'static str {
        match change {
            Change::Create(_) => "EXISTS (SELECT 1 FROM invoices WHERE id = ?2)",
            _ => "",
        }
    }

    fn refusal(&self, _connection: &Connection, change: &Change<'_>) -> Result<Error> {
        Ok(super::invoices::no_such_invoice(change))
    }
}
