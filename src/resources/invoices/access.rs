//! Typed access to invoices: what they are made from, listed by and changed by.

use chrono::{DateTime, NaiveDate, Utc};

use super::gather;
use super::line_csv;
use super::lines::{self, LineItem, NewLineItem};
use super::payments::{NewPayment, Payment, PaymentId};
use super::{
    CLOSE, FROM, INVOICES, Invoice, InvoiceId, InvoiceKind, InvoiceState, MARK_AS_DRAFT, MARK_AS_SENT, PAGE, RE_OPEN,
    STATUS, TO,
};
use crate::error::Result;
#[cfg(doc)]
use crate::error::{Error, Rule};
use crate::record::{Fields, NewRecord, RecordChanges, filter};
use crate::resources::clients::ClientId;
use crate::resources::projects::ProjectId;
use crate::store::{ClientStore, Entity, Filter, Records, Selection, Stored, Transaction};
use crate::value::date_text;

/// What a new invoice is made from.
pub type NewInvoice = NewRecord<Invoice>;
/// What an update of an invoice sets.
pub type InvoiceChanges = RecordChanges<Invoice>;

impl NewInvoice {
    /// A client's invoice with defaults for the rest.
    pub fn of(client_id: impl Into<ClientId>) -> Self {
        Self::new().client_id(client_id)
    }

    /// A client's invoice made from the time and the expenses of its projects that are billable and on no invoice, a line
    /// for each project, task, person or entry, as the kind says. [`import_hours`](Self::import_hours) and
    /// [`import_expenses`](Self::import_expenses) say what is gathered; without them it is nothing. Lines that are given
    /// are ignored, unless the kind is free form: then the projects are.
    ///
    /// ```
    /// use clientstore::chrono::NaiveDate;
    /// use clientstore::rust_decimal::Decimal;
    /// use clientstore::{ClientStore, InvoiceKind, NewClient, NewDayEntry, NewInvoice, NewProject, NewTaskAssignment, Unbilled};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let project = store.projects().create(&NewProject::of(client, "Website"))?;
    /// store.task_assignments().create(&NewTaskAssignment::of(project, 2))?;
    /// let day = NaiveDate::from_ymd_opt(2011, 3, 31).unwrap_or_default();
    /// let entry = store.day_entries().create(&NewDayEntry::of(1, project, 2, day).hours(Decimal::TWO))?;
    ///
    /// let new = NewInvoice::of_projects(client, InvoiceKind::Task, [project]).import_hours(Unbilled::All);
    /// let id = store.invoices().create(&new)?;
    /// assert_eq!(store.invoices().lines(id)?[0].description, "Website: Programming");
    /// assert!(store.day_entries().get(entry)?.is_billed);
    /// store.invoices().delete(id)?;
    /// assert!(!store.day_entries().get(entry)?.is_billed);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn of_projects<P: Into<ProjectId>>(
        client_id: impl Into<ClientId>,
        kind: InvoiceKind,
        projects: impl IntoIterator<Item = P>,
    ) -> Self {
        let mut new = Self::of(client_id);
        new.fields.values.set("kind", kind.as_str());
        let ids: Vec<String> = projects.into_iter().map(|project| project.into().to_string()).collect();
        new.fields.values.ask(gather::PROJECTS, ids.join(","));
        new
    }

    /// Which hours of the [projects](Self::of_projects) are gathered. Days become the invoice's period.
    #[must_use]
    pub fn import_hours(self, unbilled: Unbilled) -> Self {
        let mut new = match unbilled {
            Unbilled::All => self,
            Unbilled::Between(first, last) => self.period_start(first).period_end(last),
        };
        new.fields.values.ask(gather::HOURS, unbilled.as_str().to_owned());
        new
    }

    /// Which expenses of the [projects](Self::of_projects) are gathered.
    #[must_use]
    pub fn import_expenses(mut self, unbilled: Unbilled) -> Self {
        let values = &mut self.fields.values;
        if let Unbilled::Between(first, last) = unbilled {
            values.ask(gather::EXPENSES_FROM, date_text(first));
            values.ask(gather::EXPENSES_TO, date_text(last));
        }
        values.ask(gather::EXPENSES, unbilled.as_str().to_owned());
        self
    }

    /// The lines.
    #[must_use]
    pub fn lines(mut self, lines: impl IntoIterator<Item = NewLineItem>) -> Self {
        self.fields.values.attached = Some(line_csv::of_new(lines));
        self
    }
}

impl InvoiceChanges {
    /// The lines, in the place of all that the invoice has.
    #[must_use]
    pub fn lines(mut self, lines: impl IntoIterator<Item = NewLineItem>) -> Self {
        self.fields.values.attached = Some(line_csv::of_new(lines));
        self
    }
}

impl Fields<Invoice> {
    /// The lines as `csv-line-items`, where they are given.
    pub fn csv_line_items(&self) -> Option<&str> {
        self.values.attached.as_deref()
    }
}

filter! {
    /// What a list of invoices is narrowed by; the default is every invoice. All conditions combine.
    InvoiceFilter {
        /// Only those of the client.
        client: ClientId,
        /// Only those issued on the day or later.
        from: NaiveDate,
        /// Only those issued on the day or earlier.
        to: NaiveDate,
        /// Only those updated at the moment or later.
        updated_since: DateTime<Utc>,
        /// Only those of the status.
        status: InvoiceStatus,
    }
    number {
        /// Only the page, of 50 invoices each, from 1; without one, all of them.
        page: u32,
    }
}

/// What the status of an invoice can be asked for (`docs/spec/invoices.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvoiceStatus {
    /// Exactly the state.
    Is(InvoiceState),
    /// Open or partial.
    Unpaid,
    /// Unpaid, and due before today.
    PastDue,
}

/// Which of the time or the expenses that are on no invoice go on a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unbilled {
    /// All of them.
    All,
    /// Those from the first day to the last.
    Between(NaiveDate, NaiveDate),
}

impl Unbilled {
    fn as_str(self) -> &'static str {
        match self {
            Unbilled::All => "all",
            Unbilled::Between(..) => "yes",
        }
    }
}

impl ClientStore {
    /// The invoices.
    ///
    /// ```
    /// use clientstore::{ClientStore, InvoiceFilter, InvoiceState, InvoiceStatus, NewClient, NewInvoice, NewLineItem};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let id = store.invoices().create(&NewInvoice::of(client).lines([NewLineItem::of("Design", 3, 80)]))?;
    /// assert_eq!(store.invoices().lines(id)?[0].description, "Design");
    /// store.invoices().mark_as_sent(id)?;
    /// assert_eq!(store.invoices().list(&InvoiceFilter::new().status(InvoiceStatus::Unpaid))?.count(), 1);
    /// store.invoices().close(id)?;
    /// store.invoices().reopen(id)?;
    /// store.invoices().mark_as_draft(id)?;
    /// assert_eq!(store.invoices().get(id)?.state, InvoiceState::Draft);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
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
            Filter::CLIENT.integer(selection, id.into());
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

impl From<InvoiceState> for InvoiceStatus {
    fn from(state: InvoiceState) -> Self {
        InvoiceStatus::Is(state)
    }
}

impl InvoiceStatus {
    fn as_str(self) -> &'static str {
        match self {
            InvoiceStatus::Is(state) => state.as_str(),
            InvoiceStatus::Unpaid => "unpaid",
            InvoiceStatus::PastDue => "pastdue",
        }
    }
}

impl Records<'_, Invoice> {
    /// The lines of an invoice, in their order.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Corrupt`] and [`Error::Storage`].
    pub fn lines(&self, id: impl Into<InvoiceId>) -> Result<Vec<LineItem>> {
        let id = id.into();
        self.get(id)?;
        self.read(|connection| lines::of(connection, id))
    }

    /// Marks a draft as sent.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with [`Rule::InvoiceIsNotDraft`] in any other state, [`Error::NotFound`],
    /// [`Error::Busy`] and [`Error::Storage`].
    pub fn mark_as_sent(&self, id: impl Into<InvoiceId>) -> Result<()> {
        self.act(id, &MARK_AS_SENT).map(drop)
    }

    /// Makes an open invoice a draft again.
    ///
    /// # Errors
    ///
    /// As [`mark_as_sent`](Self::mark_as_sent), with [`Rule::InvoiceIsNotOpen`].
    pub fn mark_as_draft(&self, id: impl Into<InvoiceId>) -> Result<()> {
        self.act(id, &MARK_AS_DRAFT).map(drop)
    }

    /// Closes an open or partially paid invoice, writing off what is due.
    ///
    /// # Errors
    ///
    /// As [`mark_as_sent`](Self::mark_as_sent), with [`Rule::InvoiceIsNotOpenOrPartial`].
    pub fn close(&self, id: impl Into<InvoiceId>) -> Result<()> {
        self.act(id, &CLOSE).map(drop)
    }

    /// Opens a closed invoice again.
    ///
    /// # Errors
    ///
    /// As [`mark_as_sent`](Self::mark_as_sent), with [`Rule::InvoiceIsNotClosed`].
    pub fn reopen(&self, id: impl Into<InvoiceId>) -> Result<()> {
        self.act(id, &RE_OPEN).map(drop)
    }

    /// Records a payment and gives its id; what is due and the state move with it.
    ///
    /// ```
    /// use chrono::Utc;
    /// use clientstore::{ClientStore, NewClient, NewInvoice, NewLineItem, NewPayment, InvoiceState};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let id = store.invoices().create(&NewInvoice::of(client).lines([NewLineItem::of("Design", 3, 80)]))?;
    /// store.invoices().mark_as_sent(id)?;
    /// store.invoices().record_payment(&NewPayment::of(id, 100, Utc::now()))?;
    /// let invoice = store.invoices().get(id)?;
    /// assert_eq!((invoice.state, invoice.due_amount.to_string().as_str()), (InvoiceState::Partial, "140.0"));
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`], [`Error::Refused`] with [`Rule::InvoiceIsClosed`], [`Error::NotFound`] where
    /// there is no such invoice, [`Error::Busy`] and [`Error::Storage`].
    pub fn record_payment(&self, payment: &NewPayment) -> Result<PaymentId> {
        self.other().create(payment)
    }

    /// Removes a payment; what is due and the state move with it.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with [`Rule::InvoiceIsClosed`], [`Error::NotFound`], [`Error::Busy`] and
    /// [`Error::Storage`].
    pub fn remove_payment(&self, payment_id: impl Into<PaymentId>) -> Result<()> {
        self.other::<Payment>().delete(payment_id)
    }
}
