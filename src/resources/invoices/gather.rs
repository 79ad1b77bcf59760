//! Invoices made from time and expenses (`docs/spec/time.md`, "Invoices from time").

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row};

use super::InvoiceKind;
use super::lines;
use super::money::{Exact, line_amount};
use crate::error::{Error, Result};
use crate::record::{Parts, Values};
use crate::resources::expenses;
use crate::resources::time::DAY_ENTRIES;
use crate::store::{Entity, corrupt};
use crate::value::{Kind, Value, datetime_text, quoted};

pub(super) const PROJECTS: &str = "projects-to-invoice";
pub(super) const HOURS: &str = "import-hours";
pub(super) const EXPENSES: &str = "import-expenses";
pub(super) const EXPENSES_FROM: &str = "expense-period-start";
pub(super) const EXPENSES_TO: &str = "expense-period-end";

const SOURCES: [&Source; 2] = [&TIME, &EXPENSE];

/// A description has at most this many characters; names and notes may have millions.
const LONGEST_DESCRIPTION: usize = 1000;

/// What invoices are made from: records of one kind that are billed.
struct Source {
    entity: &'static Entity,
    /// The element that asks for them.
    element: &'static str,
    /// The elements of the first and the last day.
    days: [&'static str; 2],
    /// The column of what is summed.
    column: &'static str,
    /// The kind of the lines.
    line: &'static str,
    /// What a description has after a project's or a person's name.
    suffix: &'static str,
    /// Whether the sum is the price of one, and not a quantity of something at a price.
    is_cost: bool,
    /// The billable records of the project `?1` from the day `?2` to the day `?3` that are on no invoice, in the order of
    /// their days. Its columns are those of [`Piece::read`].
    select: &'static str,
    /// Puts the record `?1` on the invoice `?2`, at the moment `?3`.
    bill: &'static str,
    /// Takes all records off the invoice `?1`, at the moment `?2`.
    free: &'static str,
}

/// A timer that runs is left out, since its hours are not known yet.
const TIME: Source = Source {
    entity: &DAY_ENTRIES,
    element: HOURS,
    days: ["period-start", "period-end"],
    column: "hours",
    line: "Service",
    suffix: "",
    is_cost: false,
    select: "SELECT entry.id, entry.hours, \
             CASE projects.bill_by WHEN 'Project' THEN projects.hourly_rate WHEN 'Tasks' THEN assigned.hourly_rate \
             WHEN 'People' THEN (SELECT worker.hourly_rate FROM user_assignments AS worker \
             WHERE worker.user_id = entry.user_id AND worker.project_id = entry.project_id) END, \
             entry.task_id, entry.user_id, substr(projects.name, 1, 1000), substr(tasks.name, 1, 1000), \
             substr(people.first_name, 1, 1000) || ' ' || substr(people.last_name, 1, 1000), entry.spent_at, \
             substr(entry.notes, 1, 1000) \
             FROM day_entries AS entry CROSS JOIN task_assignments AS assigned \
             ON assigned.project_id = entry.project_id AND assigned.task_id = entry.task_id AND assigned.billable = 1 \
             CROSS JOIN projects ON projects.id = entry.project_id CROSS JOIN tasks ON tasks.id = entry.task_id \
             CROSS JOIN people ON people.id = entry.user_id \
             WHERE entry.project_id = ?1 AND entry.spent_at BETWEEN ?2 AND ?3 AND entry.is_billed = 0 \
             AND entry.invoice_id IS NULL AND entry.timer_started_at IS NULL ORDER BY entry.spent_at, entry.id",
    bill: "UPDATE day_entries SET is_billed = 1, is_closed = 1, invoice_id = ?2, version = version + 1, updated_at = ?3 \
           WHERE id = ?1",
    free: "UPDATE day_entries SET is_billed = 0, is_closed = 0, invoice_id = NULL, version = version + 1, \
           updated_at = ?2 WHERE invoice_id = ?1",
};

const EXPENSE: Source = Source {
    entity: &expenses::EXPENSES,
    element: EXPENSES,
    days: [EXPENSES_FROM, EXPENSES_TO],
    column: "total_cost",
    line: "Product",
    suffix: ", expenses",
    is_cost: true,
    select: "SELECT expense.id, expense.total_cost, NULL, expense.expense_category_id, expense.user_id, \
             substr(projects.name, 1, 1000), substr(expense_categories.name, 1, 1000), \
             substr(people.first_name, 1, 1000) || ' ' || substr(people.last_name, 1, 1000), expense.spent_at, \
             nullif(substr(expense.notes, 1, 1000), '') \
             FROM expenses AS expense CROSS JOIN projects ON projects.id = expense.project_id \
             CROSS JOIN expense_categories ON expense_categories.id = expense.expense_category_id \
             CROSS JOIN people ON people.id = expense.user_id \
             WHERE expense.project_id = ?1 AND expense.spent_at BETWEEN ?2 AND ?3 AND expense.billable = 1 \
             AND expense.is_billed = 0 AND expense.invoice_id IS NULL ORDER BY expense.spent_at, expense.id",
    bill: "UPDATE expenses SET is_billed = 1, is_closed = 1, invoice_id = ?2, version = version + 1, updated_at = ?3 \
           WHERE id = ?1",
    free: "UPDATE expenses SET is_billed = 0, is_closed = 0, invoice_id = NULL, version = version + 1, \
           updated_at = ?2 WHERE invoice_id = ?1",
};

/// Puts on a new invoice what its request asks for, with a line for each project, task, person or record.
pub(super) fn gather(
    connection: &Connection,
    invoice: i64,
    kind: InvoiceKind,
    values: &Values,
    at: DateTime<Utc>,
) -> Result<()> {
    let projects = projects(connection, values)?;
    let mut lines = Lines { kind, lines: Vec::new() };
    for source in SOURCES {
        let Some(days) = Days::asked(values, source)? else { continue };
        for project in &projects {
            lines.gather(connection, source, (*project, &days), (invoice, at))?;
        }
    }
    lines::replace(connection, invoice, &lines.into_parts()?)
}

/// Takes off an invoice that is about to be deleted what is on it.
pub(super) fn release(connection: &Connection, invoice: i64, at: DateTime<Utc>) -> Result<()> {
    for source in SOURCES {
        connection.prepare_cached(source.free)?.execute((invoice, datetime_text(at)))?;
    }
    Ok(())
}

/// The projects, each once, in the order of the request.
fn projects(connection: &Connection, values: &Values) -> Result<Vec<i64>> {
    let client = values.integer("client_id").unwrap_or_default();
    let mut of_client = connection.prepare_cached("SELECT 1 FROM projects WHERE id = ?1 AND client_id = ?2")?;
    let mut met = BTreeSet::new();
    let mut projects = Vec::new();
    let listed = values.asked(PROJECTS).unwrap_or_default().split(',').map(str::trim);
    for text in listed.filter(|text| !text.is_empty()) {
        let Ok(id) = text.parse() else {
            let reason = format!("has {}; it must be ids of projects, separated by commas", quoted(text));
            return Err(Error::invalid(PROJECTS, reason));
        };
        if met.contains(&id) {
            continue;
        }
        if !of_client.exists([id, client])? {
            let reason = format!("has {id}, but client {client} has no such project; name projects of the client");
            return Err(Error::invalid(PROJECTS, reason));
        }
        met.insert(id);
        projects.push(id);
    }
    Ok(projects)
}

/// The days from which something is gathered, in the text of dates.
struct Days {
    first: String,
    last: String,
}

impl Days {
    /// What a request asks for; none where it asks for nothing.
    fn asked(values: &Values, source: &Source) -> Result<Option<Days>> {
        let element = source.element;
        let asked = values.asked(element).unwrap_or("no");
        match asked.to_ascii_lowercase().as_str() {
            "no" => Ok(None),
            "all" => Ok(Some(Days { first: "0001-01-01".to_owned(), last: "9999-12-31".to_owned() })),
            "yes" => {
                let [first, last] = source.days.map(|name| {
                    day(values, name).and_then(|day| {
                        let reason = || format!("is required where {element} is yes; give it, or ask for all");
                        day.ok_or_else(|| Error::invalid(name, reason()))
                    })
                });
                Ok(Some(Days { first: first?, last: last? }))
            }
            _ => Err(Error::invalid(element, format!("is {}; it must be one of all, yes, no", quoted(asked)))),
        }
    }
}

/// The day that an element says, which may be a field of the invoice.
fn day(values: &Values, element: &'static str) -> Result<Option<String>> {
    let value = match values.table.columns.iter().position(|column| column.element == element) {
        Some(position) => values.at(position).cloned(),
        None => {
            let asked = values.asked(element).map(|text| Kind::Date.read(text)).transpose();
            asked.map_err(|reason| Error::invalid(element, reason))?
        }
    };
    Ok(match value {
        Some(Value::Text(day)) => Some(day),
        _ => None,
    })
}

/// One record that is billed.
struct Piece {
    id: i64,
    quantity: Exact,
    unit_price: Exact,
    /// The task or the category.
    subject: i64,
    person: i64,
    project_name: String,
    subject_name: String,
    person_name: String,
    day: String,
    notes: Option<String>,
}

impl Piece {
    fn read(row: &Row<'_>, source: &Source) -> Result<Self> {
        let id = row.get(0)?;
        let exact = |at, column| {
            let text: Option<String> = row.get(at)?;
            let read = text.as_deref().map_or(Some(Exact::ZERO), Exact::parse);
            read.ok_or_else(|| corrupt(source.entity.table, id, column, "is no decimal".to_owned()))
        };
        Ok(Piece {
            id,
            quantity: exact(1, source.column)?,
            unit_price: exact(2, "hourly_rate")?,
            subject: row.get(3)?,
            person: row.get(4)?,
            project_name: row.get(5)?,
            subject_name: row.get(6)?,
            person_name: row.get(7)?,
            day: row.get(8)?,
            notes: row.get(9)?,
        })
    }

    fn description(&self, kind: InvoiceKind, suffix: &str) -> String {
        let Piece { project_name, subject_name, person_name, day, .. } = self;
        let mut text = match kind {
            InvoiceKind::FreeForm | InvoiceKind::Project => format!("{project_name}{suffix}"),
            InvoiceKind::Task => format!("{project_name}: {subject_name}"),
            InvoiceKind::People => format!("{project_name}: {person_name}{suffix}"),
            InvoiceKind::Detailed => format!("{project_name}: {subject_name}, {person_name}, {day}"),
        };
        if let (InvoiceKind::Detailed, Some(notes)) = (kind, &self.notes) {
            text = format!("{text}: {notes}");
        }
        if let Some((end, _)) = text.char_indices().nth(LONGEST_DESCRIPTION) {
            text.truncate(end);
        }
        text
    }
}

/// A line that is being made.
struct Line {
    kind: &'static str,
    description: String,
    quantity: Exact,
    unit_price: Exact,
    project: i64,
}

/// The lines of an invoice that is made.
struct Lines {
    kind: InvoiceKind,
    lines: Vec<Line>,
}

impl Lines {
    /// Gathers what a project has, and marks it as billed. What has another price has a line of its own.
    fn gather(
        &mut self,
        connection: &Connection,
        source: &Source,
        (project, Days { first, last }): (i64, &Days),
        (invoice, at): (i64, DateTime<Utc>),
    ) -> Result<()> {
        let mut statement = connection.prepare_cached(source.select)?;
        let mut rows = statement.query((project, first, last))?;
        let mut places: BTreeMap<(i64, Exact), usize> = BTreeMap::new();
        let mut billed = Vec::new();
        while let Some(row) = rows.next()? {
            let piece = Piece::read(row, source)?;
            let one_for = match self.kind {
                InvoiceKind::FreeForm | InvoiceKind::Project => project,
                InvoiceKind::Task => piece.subject,
                InvoiceKind::People => piece.person,
                InvoiceKind::Detailed => piece.id,
            };
            let next = self.lines.len();
            let place = *places.entry((one_for, piece.unit_price)).or_insert(next);
            match self.lines.get_mut(place) {
                Some(line) => {
                    let sum = if source.is_cost { &mut line.unit_price } else { &mut line.quantity };
                    *sum = Exact::sum([*sum, piece.quantity].into_iter())?;
                }
                None => self.lines.push(Line {
                    kind: source.line,
                    description: piece.description(self.kind, source.suffix),
                    quantity: if source.is_cost { Exact::ONE } else { piece.quantity },
                    unit_price: if source.is_cost { piece.quantity } else { piece.unit_price },
                    project,
                }),
            }
            billed.push(piece.id);
        }
        let mut bill = connection.prepare_cached(source.bill)?;
        for id in billed {
            bill.execute((id, invoice, datetime_text(at)))?;
        }
        Ok(())
    }

    fn into_parts(self) -> Result<Parts> {
        let mut parts = Parts::default();
        for Line { kind, description, quantity, unit_price, project } in self.lines {
            let amount = line_amount(quantity, unit_price)?;
            let [quantity, unit_price, amount] = [quantity, unit_price, amount].map(|exact| exact.text(1));
            let project = project.to_string();
            for text in [kind, &description, &quantity, &unit_price, &amount, "false", "false", &project] {
                parts.push(text);
            }
        }
        Ok(parts)
    }
}
