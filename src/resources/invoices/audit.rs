//! What a check looks at in invoices.

use rusqlite::Connection;

use super::lines::shares;
use super::money::{Exact, totals};
use super::settle::{Stored, payments, state};
use crate::error::Result;
use crate::store::Invariant;

pub(super) static INVARIANTS: [Invariant; 3] = [
    Invariant {
        column: "client_key",
        says: "is not 1 to 64 characters without white space",
        broken_by: "SELECT id FROM invoices NOT INDEXED WHERE length(client_key) NOT BETWEEN 1 AND 64 \
                    OR client_key GLOB '*[' || char(9, 10, 13, 32) || ']*'",
    },
    Invariant {
        column: "closed",
        says: "does not agree with the state",
        broken_by: "SELECT id FROM invoices NOT INDEXED WHERE (state = 'closed') <> closed",
    },
    Invariant {
        column: "tax",
        says: "or tax2 or the discount does not lie between 0 and 100 percent",
        broken_by: "SELECT id FROM invoices NOT INDEXED WHERE CAST(tax AS REAL) NOT BETWEEN 0 AND 100 \
                    OR CAST(tax2 AS REAL) NOT BETWEEN 0 AND 100 OR CAST(discount AS REAL) NOT BETWEEN 0 AND 100",
    },
];

/// Compares an invoice with its lines, percents and payments.
///
/// Lists of the API have neither lines nor payments: what an invoice comes to, and what of that is
/// due, is known where it has lines. Without any, more may be paid than there are payments, not less.
pub(super) fn audit(connection: &Connection, id: i64, tell: &mut dyn FnMut(&'static str, String)) -> Result<()> {
    let lines = shares(connection, id)?;
    let payments = payments(connection, id)?;
    if lines.is_empty() && payments.is_empty() {
        return Ok(());
    }
    let stored = Stored::of(connection, id)?;
    let mut compare = |column, stored: Exact, follows: Exact| {
        if stored != follows {
            tell(column, format!("is {}, and comes to {}", stored.text(1), follows.text(1)));
        }
    };
    let mut amount = stored.totals.amount;
    if !lines.is_empty() {
        match totals(&lines, stored.percents) {
            Ok(totals) => {
                amount = totals.amount;
                compare("amount", stored.totals.amount, totals.amount);
                compare("discount_amount", stored.totals.discount, totals.discount);
                compare("tax_amount", stored.totals.tax, totals.tax);
                compare("tax2_amount", stored.totals.tax2, totals.tax2);
            }
            Err(error) => tell("amount", format!("cannot be computed: {error}")),
        }
    }
    let sum: i128 = payments.iter().map(|payment| payment.0).sum();
    let mut due = Exact(amount.0 - sum);
    if lines.is_empty() {
        due = due.min(stored.due);
    }
    let mut compare = |column, stored: String, follows: String| {
        if stored != follows {
            tell(column, format!("is {stored}, and comes to {follows}"));
        }
    };
    compare("due_amount", stored.due.text(1), due.text(1));
    let follows = state(stored.sent, stored.closed, !payments.is_empty(), Exact(amount.0 - due.0), due);
    compare("state", stored.state.as_str().to_owned(), follows.as_str().to_owned());
    Ok(())
}
