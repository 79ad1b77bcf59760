//! What a program knows of the records that it made: a row for each, as the file should hold it.

use std::collections::BTreeMap;

use rusqlite::Connection;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    Clients,
    Projects,
    Invoices,
    Payments,
    Contacts,
    Assignments,
    Entries,
    Expenses,
}

impl Table {
    pub const ALL: [Table; 8] = [
        Table::Clients,
        Table::Projects,
        Table::Invoices,
        Table::Payments,
        Table::Contacts,
        Table::Assignments,
        Table::Entries,
        Table::Expenses,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Table::Clients => "clients",
            Table::Projects => "projects",
            Table::Invoices => "invoices",
            Table::Payments => "invoice_payments",
            Table::Contacts => "contacts",
            Table::Assignments => "task_assignments",
            Table::Entries => "day_entries",
            Table::Expenses => "expenses",
        }
    }

    /// The tag, the id, and what [`Row::shown`] gives.
    fn sql(self) -> &'static str {
        match self {
            Table::Clients => "SELECT name, id, concat_ws('|', active, details, cache_version) FROM clients",
            // The person who makes a project is assigned to it with the same write.
            Table::Projects => {
                "SELECT name, id, concat_ws('|', client_id, active, notes, version, \
                 (SELECT count(*) FROM user_assignments WHERE project_id = projects.id)) FROM projects"
            }
            Table::Invoices => {
                "SELECT subject, id, concat_ws('|', client_id, amount, due_amount, state, version, \
                 (SELECT coalesce(group_concat(quantity || 'x' || unit_price, ' '), '') FROM \
                 (SELECT * FROM invoice_line_items WHERE invoice_id = invoices.id ORDER BY id))) FROM invoices"
            }
            Table::Contacts => "SELECT last_name, id, concat_ws('|', client_id, title, version) FROM contacts",
            // Each has a task of its own, whose name is the tag, besides the first task that time is recorded for.
            Table::Assignments => {
                "SELECT name, task_assignments.id, concat_ws('|', project_id, task_assignments.deactivated, \
                 task_assignments.version) FROM task_assignments JOIN tasks ON tasks.id = task_id WHERE task_id > 3"
            }
            Table::Entries => {
                "SELECT notes, id, concat_ws('|', project_id, hours, is_billed, version) FROM day_entries"
            }
            Table::Expenses => {
                "SELECT notes, id, concat_ws('|', project_id, coalesce((SELECT CAST(bytes AS TEXT) FROM receipts \
                 WHERE expense_id = expenses.id), ''), is_billed, version) FROM expenses"
            }
            Table::Payments => "SELECT notes, id, concat_ws('|', invoice_id, amount) FROM invoice_payments",
        }
    }
}

/// A record's table and its tag, which no other record has.
pub type Key = (Table, String);

#[derive(Clone, Debug, Default)]
pub struct Row {
    /// 0 until the server has told it.
    pub id: i64,
    pub parent: i64,
    pub active: bool,
    pub text: String,
    pub lines: Vec<(i64, i64)>,
    /// Of an invoice, the lines that were made from time and expenses, as they are shown.
    pub gathered: Vec<String>,
    /// Of time and of an expense, the tag of the invoice that they are on.
    pub billed: String,
    /// In cents: of a payment its amount, of an invoice what was paid. Of a time entry its hours, in hundredths.
    pub paid: i64,
    pub payments: usize,
    /// Of an invoice, whether it was sent; of a project, whether it has the first task.
    pub sent: bool,
    /// How often it was written to since it was made.
    pub writes: i64,
}

/// Percent of the invoices' tax, in hundredths.
const TAX: i64 = 725;

pub fn money(cents: i64) -> String {
    let text = format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
    text.strip_suffix('0').map(str::to_owned).unwrap_or(text)
}

impl Row {
    pub fn total(&self) -> i64 {
        let sum: i64 = self.lines.iter().map(|(quantity, price)| quantity * price).sum();
        sum + (sum * TAX + 5_000) / 10_000
    }

    pub fn due(&self) -> i64 {
        self.total() - self.paid
    }

    pub fn state(&self) -> &'static str {
        match () {
            () if self.payments > 0 && self.due() <= 0 => "paid",
            () if !self.sent => "draft",
            () if self.paid > 0 => "partial",
            () => "open",
        }
    }

    pub fn csv(&self) -> String {
        let line = |(quantity, price): &(i64, i64)| format!("Service,A,{quantity},{},,true,,\n", money(*price));
        let lines: String = self.lines.iter().map(line).collect();
        format!("kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\n{lines}")
    }

    pub fn shown(&self, table: Table) -> String {
        let Row { parent, text, writes, .. } = self;
        let (active, billed) = (i64::from(self.active), i64::from(!self.billed.is_empty()));
        match table {
            Table::Clients => format!("{active}|{text}|{writes}"),
            Table::Projects => format!("{parent}|{active}|{text}|{writes}|1"),
            Table::Contacts => format!("{parent}|{text}|{writes}"),
            Table::Expenses => format!("{parent}|{text}|{billed}|{writes}"),
            Table::Entries => format!("{parent}|{}|{billed}|{writes}", money(self.paid)),
            Table::Assignments => format!("{parent}|{}|{writes}", 1 - active),
            Table::Invoices => {
                let line = |(quantity, price): &(i64, i64)| format!("{quantity}.0x{}", money(*price));
                let lines: Vec<String> = self.gathered.iter().cloned().chain(self.lines.iter().map(line)).collect();
                let (total, due, lines) = (money(self.total()), money(self.due()), lines.join(" "));
                format!("{parent}|{total}|{due}|{}|{writes}|{lines}", self.state())
            }
            Table::Payments => format!("{parent}|{}", money(self.paid)),
        }
    }
}

/// Every record of the file: its id, and what it holds. No tag is there twice.
pub fn found(connection: &Connection) -> Result<BTreeMap<Key, (i64, String)>, String> {
    let mut found = BTreeMap::new();
    for table in Table::ALL {
        let mut statement = connection.prepare(table.sql()).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (tag, id, shown): (String, i64, String) =
                (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
            if let Some((other, _)) = found.insert((table, tag.clone()), (id, shown)) {
                return Err(format!("{tag} is in {} twice: {other} and {id}", table.name()));
            }
        }
    }
    Ok(found)
}
