//! Line items.

use rusqlite::Connection;
use rust_decimal::Decimal;

use super::InvoiceId;
use super::money::{Exact, Share, line_amount};
use crate::error::{Error, Result};
use crate::record::{Describe, NewRecord, Parts, Values, View, record};
use crate::resources::Resource;
use crate::store::{Entity, On, Rule, add_checked};
use crate::value::Value;

/// The columns of the CSV.
pub(super) const HEADER: [&str; 8] =
    ["kind", "description", "quantity", "unit_price", "amount", "taxed", "taxed2", "project_id"];

record! {
    /// A line of an invoice.
    LineItem: table "invoice_line_items", id LineItemId, element "invoice-line-item", list "invoice-line-items", documented array true;
    elements {
        /// Lines stand in the order of their ids.
        id: LineItemId = readonly;
        /// The invoice.
        invoice_id: InvoiceId = readonly;
        /// What is billed: `Service`, `Product`, or any other text.
        kind: String = writable default_text("");
        /// What it is for.
        description: String = writable default_text("");
        /// How many.
        quantity: Decimal = required;
        /// Money for each.
        unit_price: Decimal = required;
        /// Quantity times unit price, in whole cents.
        amount: Decimal = readonly;
        /// Whether the first tax applies.
        taxed: bool = writable default(0);
        /// Whether the second tax applies.
        taxed2: bool = writable default(0);
        /// The project, as it was sent; there may be none of the number.
        project_id: Option<String> = writable;
    }
    internal {
        version: i64 = readonly default(0);
    }
}

/// What a new line is made from.
pub type NewLineItem = NewRecord<LineItem>;

impl NewLineItem {
    /// A quantity of something, at a price each.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient, NewInvoice, NewLineItem};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let lines = [NewLineItem::of("Design", 3, 80).taxed(true), NewLineItem::of("Hosting", 1, 20)];
    /// let id = store.invoices().create(&NewInvoice::of(client).tax(rust_decimal::Decimal::TEN).lines(lines))?;
    /// assert_eq!(store.invoices().get(id)?.amount.to_string(), "284.0");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn of(description: impl Into<String>, quantity: impl Into<Decimal>, unit_price: impl Into<Decimal>) -> Self {
        Self::new().kind("Service").description(description).quantity(quantity).unit_price(unit_price)
    }
}

/// No path leads to the lines; only the dump lists them.
pub(crate) static LINES: Resource = Resource { entity: &LINE_ITEMS, endpoints: &[] };

static LINE_ITEMS: Entity =
    Entity::of::<LineItem>().part().complete(|_, values, _| amount(values)).rules(&[HAS_INVOICE]).audit(audit);

const HAS_INVOICE: Rule = Rule {
    on: On::Create,
    condition: "EXISTS (SELECT 1 FROM invoices WHERE invoices.id = :invoice_id)",
    refusal: |_, change| Ok(super::no_such_invoice(change)),
};

fn audit(connection: &Connection, id: i64, tell: &mut dyn FnMut(&'static str, String)) -> Result<()> {
    let (quantity, unit_price, amount): (String, String, String) = connection
        .prepare_cached("SELECT quantity, unit_price, amount FROM invoice_line_items WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let exact = |text: &str| Exact::parse(text).unwrap_or_default();
    match line_amount(exact(&quantity), exact(&unit_price)) {
        Ok(product) if product == exact(&amount) => {}
        Ok(product) => tell("amount", format!("is {amount}; {quantity} at {unit_price} come to {}", product.text(1))),
        Err(error) => tell("amount", format!("is {amount}; it cannot be computed: {error}")),
    }
    Ok(())
}

/// The lines that a request or a document gives; none where it gives none, or its header discards them.
pub(super) fn given(values: &Values) -> Result<Option<&Parts>> {
    match values.parts.as_deref() {
        Some(Ok(lines)) => Ok(lines.as_ref()),
        Some(Err(error)) => Err(error.clone()),
        None => Ok(None),
    }
}

/// Puts lines in the place of an invoice's own.
pub(super) fn replace(connection: &Connection, invoice: i64, lines: &Parts) -> Result<()> {
    if let Some(refused) = &lines.refused {
        return Err(refused.clone());
    }
    connection.prepare_cached("DELETE FROM invoice_line_items WHERE invoice_id = ?1")?.execute([invoice])?;
    let mut texts = lines.texts();
    let insert = "INSERT INTO invoice_line_items \
                  (kind, description, quantity, unit_price, amount, taxed, taxed2, project_id, invoice_id) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6 = 'true', ?7 = 'true', nullif(?8, ''), ?9)";
    add_checked(connection, &LINE_ITEMS, insert, |statement| {
        for at in 1..=HEADER.len() {
            let Some(text) = texts.next() else { return Ok(false) };
            statement.raw_bind_parameter(at, text)?;
        }
        statement.raw_bind_parameter(HEADER.len() + 1, invoice)?;
        Ok(true)
    })
}

/// The lines of an invoice.
pub(super) fn of(connection: &Connection, invoice: InvoiceId) -> Result<Vec<LineItem>> {
    let sql = format!("{} WHERE invoice_id = ?1 ORDER BY id", TABLE.sql().select(View::Live));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([i64::from(invoice)])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(LineItem::read(|position| row.get_ref(position).map_err(Error::from))?);
    }
    Ok(lines)
}

/// Whether an invoice has lines.
pub(super) fn any(connection: &Connection, invoice: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM invoice_line_items WHERE invoice_id = ?1";
    Ok(connection.prepare_cached(sql)?.exists([invoice])?)
}

/// What the lines of an invoice count.
pub(super) fn shares(connection: &Connection, invoice: i64) -> Result<Vec<Share>> {
    let mut statement =
        connection.prepare_cached("SELECT amount, taxed, taxed2 FROM invoice_line_items WHERE invoice_id = ?1")?;
    let rows = statement.query_map([invoice], |row| {
        let amount: String = row.get(0)?;
        Ok(Share { amount: Exact::parse(&amount).unwrap_or_default(), taxed: row.get(1)?, taxed2: row.get(2)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn amount(line: &mut Values) -> Result<()> {
    let exact = |name| line.text(name).and_then(Exact::parse).unwrap_or_default();
    let amount = line_amount(exact("quantity"), exact("unit_price"))?;
    line.set("amount", Value::Text(amount.text(1)));
    Ok(())
}
