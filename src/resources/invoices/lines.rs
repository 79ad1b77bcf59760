//! Line items, and `csv-line-items` in both directions.

use std::borrow::Cow;

use rusqlite::Connection;
use rust_decimal::Decimal;

use super::InvoiceId;
use super::money::{Exact, Share, line_amount};
use crate::error::{Error, Result};
use crate::record::{Describe, NewRecord, Parts, Values, View, record};
use crate::resources::Resource;
use crate::store::{Entity, On, Rule, add_checked};
use crate::value::{Kind, Value, is_space};

/// The element of the lines, for errors.
const ELEMENT: &str = "csv-line-items";
const HEADER: [&str; 8] = ["kind", "description", "quantity", "unit_price", "amount", "taxed", "taxed2", "project_id"];

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

/// The CSV of new lines, the way in that every sender uses.
pub(super) fn csv_of(lines: impl IntoIterator<Item = NewLineItem>) -> String {
    let mut csv = Csv::new();
    for line in lines {
        csv.push(HEADER.map(|name| match line.fields.values.get(name) {
            Some(Value::Text(text)) => Cow::Borrowed(text.as_str()),
            Some(Value::Integer(1)) => Cow::Borrowed("true"),
            _ => Cow::Borrowed(""),
        }));
    }
    csv.into_text()
}

/// The CSV of an invoice's lines; none where it is longer than `most` bytes.
pub(super) fn csv(connection: &Connection, invoice: i64, most: usize) -> Result<Option<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, description, quantity, unit_price, amount, taxed, taxed2, project_id \
         FROM invoice_line_items WHERE invoice_id = ?1 ORDER BY id",
    )?;
    let mut rows = statement.query([invoice])?;
    let (mut csv, mut texts) = (Csv::new(), 0);
    while let Some(row) = rows.next()? {
        let text = |at| Ok::<_, Error>(row.get_ref(at)?.as_str_or_null().map_err(rusqlite::Error::from)?.unwrap_or(""));
        let two_decimals = |text: &str| Exact::parse(text).map_or_else(|| text.to_owned(), |exact| exact.text(2));
        let boolean = |at| Ok::<_, Error>(if row.get(at)? { "true" } else { "false" });
        let cells = [
            Cow::Borrowed(text(0)?),
            Cow::Borrowed(text(1)?),
            Cow::Owned(two_decimals(text(2)?)),
            Cow::Owned(two_decimals(text(3)?)),
            Cow::Borrowed(text(4)?),
            Cow::Borrowed(boolean(5)?),
            Cow::Borrowed(boolean(6)?),
            Cow::Borrowed(text(7)?),
        ];
        // Each is followed by a comma or a line end.
        texts += cells.iter().map(|cell| cell.len() + 1).sum::<usize>();
        if texts > most {
            return Ok(None);
        }
        csv.push(cells);
    }
    Ok(Some(csv.into_text()))
}

/// How long the CSV of an invoice's lines is at most once it is escaped, in bytes.
pub(super) fn csv_at_most(connection: &Connection, invoice: i64) -> Result<usize> {
    // A byte becomes six at most, in JSON, where the two quotes that a quote becomes are four. Besides come the escaped
    // quotes and the separators of eight cells, two booleans, and digits that two numbers may get.
    let sql = "SELECT sum(6 * octet_length(kind || description || coalesce(project_id, '')) \
               + octet_length(quantity || unit_price || amount) + 64) FROM invoice_line_items WHERE invoice_id = ?1";
    let lines: Option<i64> = connection.prepare_cached(sql)?.query_row([invoice], |row| row.get(0))?;
    Ok(usize::try_from(lines.unwrap_or(0)).unwrap_or(usize::MAX)
        + HEADER.iter().map(|name| name.len() + 1).sum::<usize>())
}

/// CSV that is written line by line.
struct Csv {
    writer: csv::Writer<Vec<u8>>,
    is_indented: bool,
}

impl Csv {
    fn new() -> Self {
        let mut csv = Csv { writer: Self::writer(Vec::new(), false), is_indented: false };
        csv.push(HEADER.map(Cow::Borrowed));
        csv
    }

    fn writer(written: Vec<u8>, is_indented: bool) -> csv::Writer<Vec<u8>> {
        let style = if is_indented { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).quote_style(style).from_writer(written)
    }

    fn push(&mut self, cells: [Cow<'_, str>; 8]) {
        // White space before a record is removed unless it is quoted.
        let is_indented = cells[0].starts_with(is_space);
        if is_indented != self.is_indented {
            let writer = std::mem::replace(&mut self.writer, Self::writer(Vec::new(), is_indented));
            self.writer = Self::writer(writer.into_inner().unwrap_or_default(), is_indented);
            self.is_indented = is_indented;
        }
        // Neither a vector nor eight cells a row can fail.
        let _ = self.writer.write_record(cells.iter().map(|cell| cell.as_bytes()));
    }

    fn into_text(self) -> String {
        String::from_utf8(self.writer.into_inner().unwrap_or_default()).unwrap_or_default()
    }
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

/// Reads the CSV, whose numbers may have decimal commas where the account has; none where its header is another. A line
/// has a text for each name of the header; a line that is well-formed may still be refused where the lines are used.
pub(super) fn read(text: &str, decimal_comma: bool) -> Result<Option<Parts>> {
    let (unindented, whole) = unindent(text);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(unindented.as_bytes());
    let mut records = reader.records();
    let header = match records.next() {
        Some(Ok(header)) => header,
        _ => return Ok(None),
    };
    if header.iter().ne(HEADER) {
        return Ok(None);
    }
    if !whole {
        return Err(Error::invalid(ELEMENT, "is malformed: a quoted cell is not closed, or text follows its end"));
    }
    let mut lines = Parts::default();
    for (at, record) in records.enumerate() {
        let refuse = |why: String| Error::invalid(ELEMENT, format!("line {} {why}", at + 1));
        let record = record.map_err(|error| refuse(format!("is malformed: {error}")))?;
        let mut line = line(&record, decimal_comma).map_err(refuse)?;
        if lines.refused.is_none() {
            match complete(&mut line) {
                Ok(()) => push(&mut lines, &line),
                Err(error) => lines.refused = Some(error),
            }
        }
    }
    Ok(Some(lines))
}

/// Checks the values of a line, and computes its amount.
fn complete(line: &mut Values) -> Result<()> {
    // The invoice is not known yet, and may not exist; so the one that is checked here is none.
    line.set("invoice_id", Value::Integer(0));
    line.check(true)?;
    amount(line)
}

fn amount(line: &mut Values) -> Result<()> {
    let exact = |name| line.text(name).and_then(Exact::parse).unwrap_or_default();
    let amount = line_amount(exact("quantity"), exact("unit_price"))?;
    line.set("amount", Value::Text(amount.text(1)));
    Ok(())
}

fn push(lines: &mut Parts, line: &Values) {
    for name in HEADER {
        lines.push(match line.get(name) {
            Some(Value::Text(text)) => text,
            Some(Value::Integer(1)) => "true",
            _ => "",
        });
    }
}

/// Removes white space at the start of records, outside quotes; false where the quotes are
/// malformed.
fn unindent(text: &str) -> (String, bool) {
    enum At {
        Record,
        Cell,
        Plain,
        Quoted,
        Closed,
    }
    let mut kept = String::with_capacity(text.len());
    let mut at = At::Record;
    let mut whole = true;
    for character in text.chars() {
        at = match (at, character) {
            (At::Record, space) if is_space(space) => {
                at = At::Record;
                continue;
            }
            (At::Record | At::Cell, '"') => At::Quoted,
            // A quote after the closing one is an escaped one, and the cell goes on.
            (At::Quoted, '"') => At::Closed,
            (At::Closed, '"') => At::Quoted,
            (At::Quoted, _) => At::Quoted,
            (_, ',') => At::Cell,
            (_, '\n' | '\r') => At::Record,
            (At::Closed, ' ' | '\t') => At::Closed,
            (At::Closed, _) => {
                whole = false;
                At::Plain
            }
            _ => At::Plain,
        };
        kept.push(character);
    }
    (kept, whole && !matches!(at, At::Quoted))
}

fn line(record: &csv::StringRecord, decimal_comma: bool) -> Result<Values, String> {
    if !(7..=8).contains(&record.len()) {
        return Err(format!("has {} cells; it must have 7 or 8", record.len()));
    }
    let cell = |at: usize| record.get(at).unwrap_or_default();
    let mut values = Values::new(&TABLE);
    values.set("kind", cell(0));
    values.set("description", cell(1));
    for (name, at) in [("quantity", 2), ("unit_price", 3)] {
        let text = if decimal_comma { Cow::Owned(cell(at).replacen(',', ".", 1)) } else { Cow::Borrowed(cell(at)) };
        values.set(name, Kind::Decimal.read(&text).map_err(|why| format!("has no {name}: {why}"))?);
    }
    // The amount in cell 4 is computed, whatever it says.
    for (name, at) in [("taxed", 5), ("taxed2", 6)] {
        let text = if cell(at).trim().is_empty() { "false" } else { cell(at) };
        values.set(name, Kind::Boolean.read(text).map_err(|why| format!("has no {name}: {why}"))?);
    }
    let project = cell(7).trim();
    values.set("project_id", if project.is_empty() { Value::Null } else { Value::from(project) });
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\n";

    fn cells(text: &str) -> Vec<(String, String)> {
        rows(&read(&format!("{HEAD}{text}"), false).unwrap().unwrap())
            .iter()
            .map(|row| (row[1].clone(), row[2].clone()))
            .collect()
    }

    fn rows(lines: &Parts) -> Vec<Vec<String>> {
        let texts: Vec<String> = lines.texts().map(str::to_owned).collect();
        texts.chunks(HEADER.len()).map(<[String]>::to_vec).collect()
    }

    #[test]
    fn senders_indent_quote_and_leave_cells_blank() {
        assert_eq!(cells("  \tService,A,1,2,,,,\n"), [("A".into(), "1.0".into())]);
        assert_eq!(
            cells("\n   \n Service,\"A, \"\"b\"\"\n  c\",1.50,2,3,true,false,7\n\n"),
            [("A, \"b\"\n  c".into(), "1.5".into())]
        );
        assert_eq!(
            cells("Service,A,1,2,,,\nService,5\" pipe,2,2,,1,0,"),
            [("A".into(), "1.0".into()), ("5\" pipe".into(), "2.0".into())]
        );
        assert_eq!(cells("Service,\"A\" ,1,2,,,\n"), [("A ".into(), "1.0".into())]);
        let quoted =
            "  \"kind\",\"description\",\"quantity\",\"unit_price\",\"amount\",\"taxed\",\"taxed2\",\"project_id\"\n";
        assert_eq!(rows(&read(quoted, false).unwrap().unwrap()).len(), 0);
    }

    #[test]
    fn decimal_commas_are_read_where_the_account_has_them() {
        let text = format!("{HEAD}Service,A,\"1,5\",\"2,25\",,,,\nService,B,1.5,2,,,\n");
        let lines = rows(&read(&text, true).unwrap().unwrap());
        let numbers: Vec<_> = lines.iter().map(|row| (row[2].as_str(), row[3].as_str())).collect();
        assert_eq!(numbers, [("1.5", "2.25"), ("1.5", "2.0")]);
        assert!(read(&text, false).unwrap_err().to_string().contains("line 1 has no quantity"));
        let grouped = format!("{HEAD}Service,A,\"1,000,5\",1,,,,\n");
        assert!(read(&grouped, true).is_err(), "a comma is no thousands separator as well");
    }

    #[test]
    fn another_header_discards_the_lines() {
        for header in [
            "",
            "kind,description\nService,A",
            "description,kind,quantity,unit_price,amount,taxed,taxed2,project_id",
            "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id,more",
        ] {
            assert!(read(header, false).unwrap().is_none(), "{header}");
        }
    }

    #[test]
    fn a_malformed_line_is_refused_with_its_number() {
        for (row, said) in [
            ("Service,A,1,2,3,true", "line 1 has 6 cells"),
            ("Service,A,1,2,,,\nService,A,1,2,,,,,", "line 2 has 9 cells"),
            ("Service,A,,2,,,", "line 1 has no quantity"),
            ("Service,A,one,2,,,", "line 1 has no quantity"),
            ("Service,A,1,1e3,,,", "line 1 has no unit_price"),
            ("Service,A,1,2,,maybe,", "line 1 has no taxed"),
            ("Service,\"A,1,2,,,", "not closed"),
            ("Service,\"A\"b,1,2,,,", "text follows"),
        ] {
            let error = read(&format!("{HEAD}{row}"), false).unwrap_err().to_string();
            assert!(error.starts_with("csv-line-items") && error.contains(said), "{error}");
        }
    }
}
