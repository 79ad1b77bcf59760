//! Totals and state, settled in the transaction of the change that moves them.

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::State;
use super::lines::shares;
use super::money::{Exact, Percents, totals};
use crate::error::Result;
use crate::value::datetime_text;

/// Writes to an invoice what its lines, percents, payments and marks come to.
pub(crate) fn settle(connection: &Connection, id: i64) -> Result<()> {
    let exact = |text: Option<String>| text.as_deref().and_then(Exact::parse);
    let (percents, sent, closed) = connection
        .prepare_cached("SELECT discount, tax, tax2, sent, closed FROM invoices WHERE id = ?1")?
        .query_row([id], |row| {
            let percents = Percents { discount: exact(row.get(0)?), tax: exact(row.get(1)?), tax2: exact(row.get(2)?) };
            Ok((percents, row.get(3)?, row.get(4)?))
        })?;
    let totals = totals(&shares(connection, id)?, percents)?;
    let payments = payments(connection, id)?;
    let paid = Exact::sum(payments.iter().copied())?;
    let due = Exact::sum([totals.amount, Exact(-paid.0)].into_iter())?;
    let state = state(sent, closed, !payments.is_empty(), paid, due);
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
            totals.tax.map(text),
            totals.tax2.map(text),
            state.as_str(),
        ))?;
    Ok(())
}

/// The first that fits (`invoices.md`, State).
pub(super) fn state(sent: bool, closed: bool, has_payment: bool, paid: Exact, due: Exact) -> State {
    match () {
        () if closed => State::Closed,
        () if has_payment && due <= Exact::ZERO => State::Paid,
        () if !sent => State::Draft,
        () if paid > Exact::ZERO => State::Partial,
        () => State::Open,
    }
}

pub(super) fn payments(connection: &Connection, id: i64) -> Result<Vec<Exact>> {
    let mut statement = connection.prepare_cached("SELECT amount FROM invoice_payments WHERE invoice_id = ?1")?;
    let rows = statement.query_map([id], |row| row.get::<_, String>(0))?;
    Ok(rows.map(|text| text.map(|text| Exact::parse(&text).unwrap_or_default())).collect::<rusqlite::Result<_>>()?)
}

/// Counts a write to an invoice that came through its messages or payments, and settles it.
pub(crate) fn touch(connection: &Connection, id: i64, at: DateTime<Utc>) -> Result<()> {
    connection
        .prepare_cached("UPDATE invoices SET version = version + 1, updated_at = ?2 WHERE id = ?1")?
        .execute((id, datetime_text(at)))?;
    settle(connection, id)
}
