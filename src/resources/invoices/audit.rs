//! What a check looks at in invoices.

use rusqlite::{Connection, Row};

use super::State;
use super::lines::shares;
use super::money::{Exact, Percents, totals};
use super::settle::{payments, state};
use crate::error::Result;
use crate::record::Field;
use crate::store::Invariant;

pub(super) static INVARIANTS: [Invariant; 5] = [
    Invariant {
        column: "client_key",
        says: "is not 40 hex digits",
        broken_by: "SELECT id FROM invoices NOT INDEXED WHERE length(client_key) <> 40 OR client_key GLOB '*[^0-9a-f]*'",
    },
    Invariant {
        column: "closed",
        says: "does not agree with the state",
        broken_by: "SELECT id FROM invoices NOT INDEXED WHERE (state = 'closed') <> closed",
    },
    Invariant {
        column: "tax_amount",
        says: "is there without a tax, or missing with one",
        broken_by: "SELECT id FROM invoices NOT INDEXED WHERE (tax IS NULL) <> (tax_amount IS NULL)",
    },
    Invariant {
        column: "tax2_amount",
        says: "is there without a tax, or missing with one",
        broken_by: "SELECT id FROM invoices NOT INDEXED WHERE (tax2 IS NULL) <> (tax2_amount IS NULL)",
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
/// Lists of the API have neither lines nor payments: what an invoice comes to is known where it has
/// lines, and what is due where it has lines or payments.
pub(super) fn audit(connection: &Connection, id: i64, tell: &mut dyn FnMut(&'static str, String)) -> Result<()> {
    let lines = shares(connection, id)?;
    let payments = payments(connection, id)?;
    if lines.is_empty() && payments.is_empty() {
        return Ok(());
    }
    let stored = connection
        .prepare_cached(
            "SELECT amount, due_amount, discount_amount, tax_amount, tax2_amount, discount, tax, tax2, state, sent, \
             closed FROM invoices WHERE id = ?1",
        )?
        .query_row([id], stored)?;
    let mut compare = |column, stored: Option<Exact>, follows: Option<Exact>| {
        let text = |exact: Option<Exact>| exact.map_or("nothing".to_owned(), |exact| exact.text(1));
        if stored != follows {
            tell(column, format!("is {}, and comes to {}", text(stored), text(follows)));
        }
    };
    let mut amount = stored.amount;
    if !lines.is_empty() {
        match totals(&lines, stored.percents) {
            Ok(totals) => {
                amount = totals.amount;
                compare("amount", Some(stored.amount), Some(totals.amount));
                compare("discount_amount", stored.discount, Some(totals.discount));
                compare("tax_amount", stored.tax, totals.tax);
                compare("tax2_amount", stored.tax2, totals.tax2);
            }
            Err(error) => tell("amount", format!("cannot be computed: {error}")),
        }
    }
    let mut compare = |column, stored: String, follows: String| {
        if stored != follows {
            tell(column, format!("is {stored}, and comes to {follows}"));
        }
    };
    let paid = Exact(payments.iter().map(|payment| payment.0).sum());
    let due = Exact(amount.0 - paid.0);
    compare("due_amount", stored.due.text(1), due.text(1));
    let follows = state(stored.sent, stored.closed, !payments.is_empty(), paid, due);
    compare("state", stored.state.as_str().to_owned(), follows.as_str().to_owned());
    Ok(())
}

struct Stored {
    amount: Exact,
    due: Exact,
    discount: Option<Exact>,
    tax: Option<Exact>,
    tax2: Option<Exact>,
    percents: Percents,
    state: State,
    sent: bool,
    closed: bool,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let exact = |at| -> rusqlite::Result<Option<Exact>> {
        Ok(row.get::<_, Option<String>>(at)?.as_deref().and_then(Exact::parse))
    };
    Ok(Stored {
        amount: exact(0)?.unwrap_or_default(),
        due: exact(1)?.unwrap_or_default(),
        discount: exact(2)?,
        tax: exact(3)?,
        tax2: exact(4)?,
        percents: Percents { discount: exact(5)?, tax: exact(6)?, tax2: exact(7)? },
        state: State::from_ref(row.get_ref(8)?).unwrap_or(State::Draft),
        sent: row.get(9)?,
        closed: row.get(10)?,
    })
}
