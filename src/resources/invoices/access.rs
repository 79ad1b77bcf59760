//! Typed access to invoices: what they are made from, listed by and changed by.

use chrono::{DateTime, NaiveDate, Utc};

use super::lines::{self, LineItem, NewLineItem};
use super::payments::{NewPayment, Payment};
use super::{CLOSE, FROM, INVOICE, INVOICES, Invoice, MARK_AS_DRAFT, MARK_AS_SENT, PAGE, RE_OPEN, STATUS, State, TO};
use crate::error::Result;
#[cfg(doc)]
use crate::error::{Error, Rule};
use crate::record::Fields;
use crate::store::{ClientStore, Entity, Filter, Records, Selection, Stored, Transaction};

/// What a new invoice is made from.
pub type NewInvoice = Fields<Invoice>;
/// What an update of an invoice sets.
pub type InvoiceChanges = Fields<Invoice>;

impl NewInvoice {
    /// A client's invoice with defaults for the rest.
    pub fn of(client_id: i64) -> Self {
        Self::new().client_id(client_id)
    }

    /// The lines, in the place of all that the invoice has.
    #[must_use]
    pub fn lines(mut self, lines: impl IntoIterator<Item = NewLineItem>) -> Self {
        self.values.attached = Some(lines::csv_of(lines));
        self
    }

    /// The lines as `csv-line-items`, where they are given.
    pub fn csv_line_items(&self) -> Option<&str> {
        self.values.attached.as_deref()
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

/// What the status of an invoice can be asked for (`docs/spec/invoices.md`).
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

/// What a list of the messages or the payments of invoices is narrowed by; the default is those of every
/// invoice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartFilter {
    /// Only those of the invoice.
    pub invoice: Option<i64>,
}

impl PartFilter {
    pub(crate) fn narrow(&self, selection: &mut Selection) {
        if let Some(id) = self.invoice {
            selection.belonging_to(INVOICE.column, id);
        }
    }
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
    const ENTITY: &'static Entity = &INVOICES;

    fn select(filter: &InvoiceFilter, selection: &mut Selection) {
        if let Some(id) = filter.client {
            Filter::CLIENT.integer(selection, id);
        }
        if let Some(day) = filter.from {
            FROM.day(selection, day);
        }
        if let Some(day) = filter.to {
            TO.day(selection, day);
        }
        if let Some(moment) = filter.updated_since {
            Filter::UPDATED_SINCE.moment(selection, moment);
        }
        if let Some(status) = filter.status {
            STATUS.choice(selection, status.as_str());
        }
        if let Some(page) = filter.page {
            PAGE.page(selection, page);
        }
    }
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Status::Is(state) => state.as_str(),
            Status::Unpaid => "unpaid",
            Status::PastDue => "pastdue",
        }
    }
}

impl Records<'_, Invoice> {
    /// The lines of an invoice, in their order.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Corrupt`] and [`Error::Storage`].
    pub fn lines(&self, id: i64) -> Result<Vec<LineItem>> {
        self.get(id)?;
        self.read(|connection| lines::of(connection, id))
    }

    /// Marks a draft as sent.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with [`Rule::InvoiceIsNotDraft`] in any other state, [`Error::NotFound`],
    /// [`Error::Busy`] and [`Error::Storage`].
    pub fn mark_as_sent(&self, id: i64) -> Result<()> {
        self.act(id, &MARK_AS_SENT).map(drop)
    }

    /// Makes an open invoice a draft again.
    ///
    /// # Errors
    ///
    /// As [`mark_as_sent`](Self::mark_as_sent), with [`Rule::InvoiceIsNotOpen`].
    pub fn mark_as_draft(&self, id: i64) -> Result<()> {
        self.act(id, &MARK_AS_DRAFT).map(drop)
    }

    /// Closes an open or partially paid invoice, writing off what is due.
    ///
    /// # Errors
    ///
    /// As [`mark_as_sent`](Self::mark_as_sent), with [`Rule::InvoiceIsNotOpenOrPartial`].
    pub fn close(&self, id: i64) -> Result<()> {
        self.act(id, &CLOSE).map(drop)
    }

    /// Opens a closed invoice again.
    ///
    /// # Errors
    ///
    /// As [`mark_as_sent`](Self::mark_as_sent), with [`Rule::InvoiceIsNotClosed`].
    pub fn reopen(&self, id: i64) -> Result<()> {
        self.act(id, &RE_OPEN).map(drop)
    }

    /// Records a payment and gives its id; what is due and the state move with it.
    ///
    /// ```
    /// use chrono::Utc;
    /// use clientstore::{ClientStore, NewClient, NewInvoice, NewLineItem, NewPayment, State};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let id = store.invoices().create(&NewInvoice::of(client).lines([NewLineItem::of("Design", 3, 80)]))?;
    /// store.invoices().mark_as_sent(id)?;
    /// store.invoices().record_payment(&NewPayment::of(id, 100, Utc::now()))?;
    /// let invoice = store.invoices().get(id)?;
    /// assert_eq!((invoice.state, invoice.due_amount.to_string().as_str()), (State::Partial, "140.0"));
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`], [`Error::Refused`] with [`Rule::InvoiceIsClosed`], [`Error::NotFound`] where
    /// there is no such invoice, [`Error::Busy`] and [`Error::Storage`].
    pub fn record_payment(&self, payment: &NewPayment) -> Result<i64> {
        self.other().create(payment)
    }

    /// Removes a payment; what is due and the state move with it.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with [`Rule::InvoiceIsClosed`], [`Error::NotFound`], [`Error::Busy`] and
    /// [`Error::Storage`].
    pub fn remove_payment(&self, payment_id: i64) -> Result<()> {
        self.other::<Payment>().delete(payment_id)
    }
}
