//! What an expense costs: `docs/spec/time.md`, "The cost of an expense".

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};

use crate::error::{Error, Result};
use crate::record::Values;
use crate::resources::invoices::money::{Exact, line_amount};
use crate::value::Value;

const ONE: &str = "1.0";

/// A new expense costs what it says, or its units at the category's price.
pub(super) fn complete(connection: &Connection, values: &mut Values, _: DateTime<Utc>) -> Result<()> {
    if values.integer("invoice_id").is_some() {
        values.set("is_billed", Value::Integer(1));
    }
    if values.text("total_cost").is_some() {
        values.set("units", ONE);
        return Ok(());
    }
    let price = price(connection, values.integer("expense_category_id"))?;
    let cost = match price {
        Some(price) => cost(values.text("units").unwrap_or(ONE), &price)?,
        None => "0.0".to_owned(),
    };
    values.set("total_cost", Value::Text(cost));
    Ok(())
}

/// A cost that is given wins; other units, or another category, cost what its price makes of them.
pub(super) fn revise(connection: &Connection, id: i64, values: &mut Values) -> Result<()> {
    if values.text("total_cost").is_some() {
        values.set("units", ONE);
        return Ok(());
    }
    let stored: Option<(String, i64)> = connection
        .prepare_cached("SELECT units, expense_category_id FROM expenses WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((stored_units, stored_category)) = stored else {
        return Ok(()); // the update finds no record either
    };
    let category = values.integer("expense_category_id").unwrap_or(stored_category);
    let units = values.text("units");
    if units.is_none() && category == stored_category {
        return Ok(());
    }
    if let Some(price) = price(connection, Some(category))? {
        let cost = cost(units.unwrap_or(&stored_units), &price)?;
        values.set("total_cost", Value::Text(cost));
    }
    Ok(())
}

/// What a unit of the category costs, where it has a price. Without a category, a rule refuses the expense.
fn price(connection: &Connection, category: Option<i64>) -> Result<Option<String>> {
    let price = connection
        .prepare_cached("SELECT unit_price FROM expense_categories WHERE id = ?1")?
        .query_row([category], |row| row.get(0))
        .optional()?;
    Ok(price.flatten())
}

fn cost(units: &str, price: &str) -> Result<String> {
    let exact =
        |text| Exact::parse(text).ok_or_else(|| Error::invalid("units", "or the category's price is no decimal"));
    let cost = line_amount(exact(units)?, exact(price)?);
    let cost =
        cost.map_err(|_| Error::invalid("units", "cost more than 12 digits before the point can say; send fewer"));
    Ok(cost?.text(1))
}
