//! Totals and state, settled in the transaction of the change that moves them.

use rusqlite::{Connection, Row};

use super::InvoiceState;
use super::lines::shares;
use super::money::{Exact, Percents, Totals, totals};
use crate::error::Result;
use crate::record::Field;
use crate::store::Done;
use crate::value::{Value, datetime_text};

/// What has moved an invoice.
#[derive(Clone, Copy)]
pub(crate) enum Moved<'a> {
    /// Its lines, or the percents on them.
    Lines,
    /// A payment of so much was recorded.
    Paid(&'a str),
    /// A payment of so much was removed.
    Unpaid(&'a str),
    /// It was sent, drafted, closed or opened, or a message came or went.
    Marks,
}

/// What an invoice holds, as far as it settles.
pub(super) struct Stored {
    pub(super) totals: Totals,
    pub(super) due: Exact,
    pub(super) percents: Percents,
    pub(super) state: InvoiceState,
    pub(super) sent: bool,
    pub(super) closed: bool,
}

impl Stored {
    pub(super) fn of(connection: &Connection, id: i64) -> Result<Self> {
        let read = |row: &Row<'_>| {
            let exact = |at| -> rusqlite::Result<Option<Exact>> {
                Ok(row.get::<_, Option<String>>(at)?.as_deref().and_then(Exact::parse))
            };
            let money = |at| exact(at).map(Option::unwrap_or_default);
            Ok(Stored {
                totals: Totals { amount: money(0)?, discount: money(2)?, tax: money(3)?, tax2: money(4)? },
                due: money(1)?,
                percents: Percents { discount: exact(5)?, tax: exact(6)?, tax2: exact(7)? },
                state: InvoiceState::from_ref(row.get_ref(8)?).unwrap_or(InvoiceState::Draft),
                sent: row.get(9)?,
                closed: row.get(10)?,
            })
        };
        let sql = "SELECT amount, due_amount, discount_amount, tax_amount, tax2_amount, discount, tax, tax2, state, sent, \
                   closed FROM invoices WHERE id = ?1";
        Ok(connection.prepare_cached(sql)?.query_row([id], read)?)
    }
}

/// Writes to an invoice what its lines, percents, payments and marks come to.
///
/// One without lines may have been loaded from a list, which has neither lines nor payments: its
/// totals stay, and what is due moves by each payment, since others may be paid that are not here.
pub(crate) fn settle(connection: &Connection, id: i64, moved: Moved<'_>) -> Result<()> {
    let stored = Stored::of(connection, id)?;
    let lines = shares(connection, id)?;
    let payments = payments(connection, id)?;
    let sum = Exact::sum(payments.iter().copied())?;
    let less = |amount: Exact, paid: Exact| Exact::sum([amount, Exact(-paid.0)].into_iter());
    let (totals, due) = match moved {
        Moved::Lines => {
            let totals = totals(&lines, stored.percents)?;
            (totals, less(totals.amount, sum)?)
        }
        _ if !lines.is_empty() => (stored.totals, less(stored.totals.amount, sum)?),
        Moved::Paid(amount) => (stored.totals, less(stored.due, Exact::parse(amount).unwrap_or_default())?),
        Moved::Unpaid(amount) => {
            let amount = Exact::parse(amount).unwrap_or_default();
            (stored.totals, less(stored.due, Exact(-amount.0))?)
        }
        Moved::Marks => (stored.totals, stored.due),
    };
    let paid = Exact(totals.amount.0 - due.0);
    // Only a payment makes an invoice paid, and only the removal of one ends that.
    let was_paid = stored.state == InvoiceState::Paid && matches!(moved, Moved::Paid(_) | Moved::Marks);
    let state = state(stored.sent, stored.closed, was_paid || !payments.is_empty() || paid != Exact::ZERO, paid, due);
    let text = |exact: Exact| exact.text(1);
    connection
        .prepare_cached(
            "UPDATE invoices SET amount = ?2, due_amount = ?3, discount_amount = ?4, tax_amount = ?5, \
             tax2_amount = ?6, state = ?7 WHERE id = ?1",
        )?
        .execute((
            id,
            text(totals.amount),
            text(due),
            text(totals.discount),
            text(totals.tax),
            text(totals.tax2),
            state.as_str(),
        ))?;
    Ok(())
}

/// The first that fits (`docs/spec/invoices.md`, State).
pub(super) fn state(sent: bool, closed: bool, has_payment: bool, paid: Exact, due: Exact) -> InvoiceState {
    match () {
        () if closed => InvoiceState::Closed,
        () if has_payment && due <= Exact::ZERO => InvoiceState::Paid,
        () if !sent => InvoiceState::Draft,
        () if paid > Exact::ZERO => InvoiceState::Partial,
        () => InvoiceState::Open,
    }
}

pub(super) fn payments(connection: &Connection, id: i64) -> Result<Vec<Exact>> {
    let mut statement = connection.prepare_cached("SELECT amount FROM invoice_payments WHERE invoice_id = ?1")?;
    let rows = statement.query_map([id], |row| row.get::<_, String>(0))?;
    Ok(rows.map(|text| text.map(|text| Exact::parse(&text).unwrap_or_default())).collect::<rusqlite::Result<_>>()?)
}

/// Counts a write to the invoice that a message or a payment belongs to, and settles it.
pub(crate) fn touch(connection: &Connection, done: &Done<'_>, moved: Moved<'_>) -> Result<()> {
    let Some(Value::Integer(id)) = done.values().and_then(|values| values.get("invoice_id")) else { return Ok(()) };
    connection
        .prepare_cached("UPDATE invoices SET version = version + 1, updated_at = ?2 WHERE id = ?1")?
        .execute((id, datetime_text(done.at)))?;
    settle(connection, *id, moved)
}
