//! A program that writes to records of its own over one connection, and remembers what was
//! acknowledged, and what was not yet when the server was killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::common::Random;
use crate::rows::{Key, Row, Table, money};

/// What a write does to the program's records: new rows, and none for those that go.
pub type Effects = Vec<(Key, Option<Row>)>;

pub struct Program {
    prefix: String,
    random: Random,
    serial: u64,
    /// What was acknowledged.
    pub rows: BTreeMap<Key, Row>,
    /// The write that was not acknowledged.
    pub pending: Option<(String, Effects)>,
    /// Every id that was given.
    pub given: Vec<(Table, i64, String)>,
    /// The client that all programs share, by its id.
    pub shared: i64,
    /// How often this program's toggles of it were acknowledged, and how often they were not.
    pub shared_toggles: (i64, i64),
    pub acknowledged: BTreeMap<&'static str, u64>,
    pub refused: u64,
}

struct Request {
    kind: &'static str,
    method: &'static str,
    path: String,
    body: String,
    effects: Effects,
    /// A rule may refuse it for what other programs do.
    contested: bool,
}

impl Program {
    pub fn new(number: usize, seed: u64) -> Self {
        Program {
            prefix: format!("p{number}-"),
            random: Random(seed),
            serial: 0,
            rows: BTreeMap::new(),
            pending: None,
            given: Vec::new(),
            shared: 0,
            shared_toggles: (0, 0),
            acknowledged: BTreeMap::new(),
            refused: 0,
        }
    }

    /// Whether a tag is of this program's records.
    pub fn owns(&self, tag: &str) -> bool {
        tag.starts_with(&self.prefix)
    }

    /// Writes until the server is gone.
    pub fn run(&mut self, stream: TcpStream) -> Result<(), String> {
        let mut stream = BufReader::new(stream);
        loop {
            let request = self.next();
            let said = format!("{} {} {}", request.method, request.path, request.body);
            match exchange(&mut stream, &request) {
                Ok((200 | 201, id)) => self.done(request, id),
                Ok((400, _)) if request.contested => self.refused += 1,
                // Another program held the file; nothing was changed.
                Ok((503, _)) => self.refused += 1,
                Ok((status, _)) => return Err(format!("{said}\nis answered with {status}")),
                Err(_) => {
                    if request.kind == "shared toggle" {
                        self.shared_toggles.1 += 1;
                    }
                    self.pending = Some((said, request.effects));
                    return Ok(());
                }
            }
        }
    }

    fn done(&mut self, request: Request, id: Option<i64>) {
        *self.acknowledged.entry(request.kind).or_default() += 1;
        if request.kind == "shared toggle" {
            self.shared_toggles.0 += 1;
        }
        for ((table, tag), row) in request.effects {
            match row {
                Some(mut row) => {
                    if row.id == 0 {
                        row.id = id.unwrap_or_default();
                        self.given.push((table, row.id, tag.clone()));
                    }
                    self.rows.insert((table, tag), row);
                }
                None => drop(self.rows.remove(&(table, tag))),
            }
        }
    }

    fn tag(&mut self) -> String {
        self.serial += 1;
        format!("{}{}", self.prefix, self.serial)
    }

    /// One of the program's records that fit.
    fn pick(&mut self, table: Table, fits: impl Fn(&Row) -> bool) -> Option<(Key, Row)> {
        let some: Vec<&Key> =
            self.rows.iter().filter(|((of, _), row)| *of == table && fits(row)).map(|(key, _)| key).collect();
        if some.is_empty() {
            return None;
        }
        let key = some[self.random.below(some.len())].clone();
        let row = self.rows[&key].clone();
        Some((key, row))
    }

    fn next(&mut self) -> Request {
        loop {
            let request = match self.random.below(100) {
                0..10 => Some(self.create_client()),
                10..24 => self.change_client(),
                24..34 => self.create_project(),
                34..44 => self.change_project(),
                44..49 => self.contact(),
                49..53 => self.assign(),
                53..58 => self.record_time(),
                58..62 => self.expense(),
                62..65 => self.create_invoice(),
                65..67 => self.invoice_from_time(),
                67..78 => self.change_invoice(),
                78..95 => self.pay(),
                _ => Some(self.toggle_shared()),
            };
            if let Some(request) = request {
                return request;
            }
        }
    }

    fn create_client(&mut self) -> Request {
        let (tag, text) = (self.tag(), self.text());
        let body = self.body("client", &[("name", &tag), ("details", &text)]);
        let row = Row { active: true, text, ..Row::default() };
        request("client created", "POST", "/clients".to_owned(), body, vec![((Table::Clients, tag), Some(row))])
    }

    /// A record's document, half of them in JSON. No value has anything to escape in XML.
    fn body(&mut self, root: &str, fields: &[(&str, &str)]) -> String {
        if self.random.percent(50) {
            let members = fields.iter().map(|(name, value)| (name.replace('-', "_"), (*value).into()));
            let record = serde_json::Value::Object(members.collect());
            return serde_json::json!({ root: record }).to_string();
        }
        let elements: String = fields.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
        format!("<{root}>{elements}</{root}>")
    }

    fn text(&mut self) -> String {
        "x".repeat(self.random.below(400)) + &self.random.below(1_000_000).to_string()
    }

    fn change_client(&mut self) -> Option<Request> {
        let (key, mut row) = self.pick(Table::Clients, |_| true)?;
        let (id, path) = (row.id, format!("/clients/{}", row.id));
        let under = |of: Table| self.rows.iter().filter(move |((table, _), row)| *table == of && row.parent == id);
        let dependents = under(Table::Projects).count() + under(Table::Invoices).count();
        let active = under(Table::Projects).filter(|(_, row)| row.active).count();
        row.writes += 1;
        Some(match self.random.below(4) {
            0 if dependents == 0 => {
                let effects = self.gone(Table::Contacts, id).chain([(key, None)]).collect();
                request("client deleted", "DELETE", path, String::new(), effects)
            }
            1 | 2 if !row.active || active == 0 => {
                row.active = !row.active;
                let path = format!("{path}/toggle");
                request("client toggled", "POST", path, String::new(), vec![(key, Some(row))])
            }
            _ => {
                row.text = self.text();
                let body = self.body("client", &[("details", &row.text)]);
                request("client updated", "PUT", path, body, vec![(key, Some(row))])
            }
        })
    }

    fn create_project(&mut self) -> Option<Request> {
        let contested = self.random.percent(10);
        let parent = if contested { self.shared } else { self.pick(Table::Clients, |row| row.active)?.1.id };
        let (tag, text) = (self.tag(), self.text());
        let id = parent.to_string();
        let body = self.body("project", &[("client-id", &id), ("name", &tag), ("notes", &text)]);
        let row = Row { parent, active: true, text, ..Row::default() };
        let effects = vec![((Table::Projects, tag), Some(row))];
        Some(Request { contested, ..request("project created", "POST", "/projects".to_owned(), body, effects) })
    }

    fn change_project(&mut self) -> Option<Request> {
        let (key, mut row) = self.pick(Table::Projects, |_| true)?;
        let path = format!("/projects/{}", row.id);
        let contested = row.parent == self.shared;
        let has_time = self.gone(Table::Entries, row.id).next().is_some();
        let parent = self.rows.values().find(|client| client.id == row.parent && client.parent == 0);
        let has_expenses = self.gone(Table::Expenses, row.id).next().is_some();
        row.writes += 1;
        Some(match self.random.below(5) {
            0 if !has_time && !has_expenses => {
                let effects = self.gone(Table::Assignments, row.id).chain([(key, None)]).collect();
                request("project deleted", "DELETE", path, String::new(), effects)
            }
            1..4 if row.active || contested || parent.is_some_and(|client| client.active) => {
                row.active = !row.active;
                let path = format!("{path}/toggle");
                let effects = vec![(key, Some(row))];
                Request { contested, ..request("project toggled", "PUT", path, String::new(), effects) }
            }
            _ => {
                row.text = self.text();
                let body = self.body("project", &[("notes", &row.text)]);
                request("project updated", "PUT", path, body, vec![(key, Some(row))])
            }
        })
    }

    /// The records that go with the one that they belong to.
    fn gone(&self, table: Table, parent: i64) -> impl Iterator<Item = (Key, Option<Row>)> {
        let of = self.rows.iter().filter(move |((of, _), row)| *of == table && row.parent == parent);
        of.map(|(key, _)| (key.clone(), None))
    }

    fn contact(&mut self) -> Option<Request> {
        if self.random.percent(40)
            && let Some((key, mut row)) = self.pick(Table::Contacts, |_| true)
        {
            let path = format!("/contacts/{}", row.id);
            if self.random.percent(30) {
                return Some(request("contact deleted", "DELETE", path, String::new(), vec![(key, None)]));
            }
            row.writes += 1;
            row.text = self.text();
            let body = format!("<contact><title>{}</title></contact>", row.text);
            return Some(request("contact updated", "PUT", path, body, vec![(key, Some(row))]));
        }
        let parent = self.pick(Table::Clients, |_| true)?.1.id;
        let tag = self.tag();
        let body = format!(
            "<contact><client-id>{parent}</client-id><first-name>x</first-name><last-name>{tag}</last-name></contact>"
        );
        let effects = vec![((Table::Contacts, tag), Some(Row { parent, ..Row::default() }))];
        Some(request("contact created", "POST", "/contacts".to_owned(), body, effects))
    }

    /// A task is made and assigned, or an assignment is archived.
    fn assign(&mut self) -> Option<Request> {
        if self.random.percent(40)
            && let Some((key, mut row)) = self.pick(Table::Assignments, |_| true)
        {
            (row.active, row.writes) = (!row.active, row.writes + 1);
            let path = format!("/projects/{}/task_assignments/{}", row.parent, row.id);
            let body = format!("<x><deactivated>{}</deactivated></x>", !row.active);
            return Some(request("assignment changed", "PUT", path, body, vec![(key, Some(row))]));
        }
        let parent = self.pick(Table::Projects, |_| true)?.1.id;
        let tag = self.tag();
        let path = format!("/projects/{parent}/task_assignments/add_with_create_new_task");
        let body = format!("<task><name>{tag}</name></task>");
        let effects = vec![((Table::Assignments, tag), Some(Row { parent, active: true, ..Row::default() }))];
        Some(request("task assigned", "POST", path, body, effects))
    }

    /// A project gets the first task, or time is recorded for it, or changed.
    fn record_time(&mut self) -> Option<Request> {
        let hours = self.random.below(2_401) as i64;
        let said = format!("<hours>{}.{:02}</hours>", hours / 100, hours % 100);
        if self.random.percent(40)
            && let Some((key, mut row)) = self.pick(Table::Entries, |row| row.billed.is_empty())
        {
            if self.random.percent(30) {
                let path = format!("/daily/delete/{}", row.id);
                return Some(request("time deleted", "DELETE", path, String::new(), vec![(key, None)]));
            }
            (row.paid, row.writes) = (hours, row.writes + 1);
            let (path, body) = (format!("/daily/update/{}", row.id), format!("<request>{said}</request>"));
            return Some(request("time changed", "PUT", path, body, vec![(key, Some(row))]));
        }
        let (key, mut project) = self.pick(Table::Projects, |row| row.active)?;
        let parent = project.id;
        if !project.sent {
            project.sent = true;
            let (path, body) = (format!("/projects/{parent}/task_assignments"), "<task><id>1</id></task>");
            return Some(request("first task assigned", "POST", path, body.to_owned(), vec![(key, Some(project))]));
        }
        let tag = self.tag();
        let body = format!(
            "<request>{said}<project_id>{parent}</project_id><task_id>1</task_id><notes>{tag}</notes></request>"
        );
        let effects = vec![((Table::Entries, tag), Some(Row { parent, paid: hours, ..Row::default() }))];
        // Whether the project has the task is not told where the server was killed before it said so.
        let made = request("time recorded", "POST", "/daily/add".to_owned(), body, effects);
        Some(Request { contested: true, ..made })
    }

    /// An expense is made or deleted, or gets a receipt.
    fn expense(&mut self) -> Option<Request> {
        if self.random.percent(60)
            && let Some((key, mut row)) = self.pick(Table::Expenses, |row| row.billed.is_empty())
        {
            let path = format!("/expenses/{}", row.id);
            if self.random.percent(30) {
                return Some(request("expense deleted", "DELETE", path, String::new(), vec![(key, None)]));
            }
            row.writes += 1;
            row.text = self.text();
            let part = "Content-Disposition: form-data; name=\"expense[receipt]\"; filename=\"a.txt\"";
            let body = format!("{BOUNDARY}\r\n{part}\r\n\r\n{}\r\n{BOUNDARY}--", row.text);
            return Some(request("receipt kept", "POST", format!("{path}/receipt"), body, vec![(key, Some(row))]));
        }
        let parent = self.pick(Table::Projects, |_| true)?.1.id;
        let tag = self.tag();
        let body = format!(
            "<expense><project-id>{parent}</project-id><expense-category-id>1</expense-category-id>\
             <spent-at>2011-03-31</spent-at><notes>{tag}</notes></expense>"
        );
        let effects = vec![((Table::Expenses, tag), Some(Row { parent, ..Row::default() }))];
        Some(request("expense created", "POST", "/expenses".to_owned(), body, effects))
    }

    fn lines(&mut self) -> Vec<(i64, i64)> {
        let mut line = || (1 + self.random.below(9) as i64, self.random.below(100_000) as i64);
        let count = line().0 % 4;
        (0..count).map(|_| line()).collect()
    }

    fn create_invoice(&mut self) -> Option<Request> {
        let parent = self.pick(Table::Clients, |_| true)?.1.id;
        let row = Row { parent, lines: self.lines(), ..Row::default() };
        let tag = self.tag();
        let (id, csv) = (parent.to_string(), row.csv());
        let fields = [("client-id", &*id), ("subject", &tag), ("tax", "7.25"), ("csv-line-items", &csv)];
        let body = self.body("invoice", &fields);
        let effects = vec![((Table::Invoices, tag), Some(row))];
        Some(request("invoice created", "POST", "/invoices".to_owned(), body, effects))
    }

    /// Time and expenses that are billed by another invoice now, or by none.
    fn billed_anew(&self, fits: impl Fn(&Row) -> bool, invoice: &str) -> Effects {
        let parts = self.rows.iter().filter(|((of, _), _)| matches!(of, Table::Entries | Table::Expenses));
        let anew = |(key, row): (&Key, &Row)| {
            let billed = invoice.to_owned();
            (key.clone(), Some(Row { billed, writes: row.writes + 1, ..row.clone() }))
        };
        parts.filter(|(_, row)| fits(row)).map(anew).collect()
    }

    /// An invoice of the time and the expenses of a project that are on none.
    fn invoice_from_time(&mut self) -> Option<Request> {
        let unbilled = |row: &Row, project: i64| row.parent == project && row.billed.is_empty();
        let with_some = |program: &Self, table| {
            let parts = program.rows.iter().filter(move |((of, _), row)| *of == table && row.billed.is_empty());
            parts.map(|(_, row)| row.parent).collect::<Vec<_>>()
        };
        let some = [with_some(self, Table::Entries), with_some(self, Table::Expenses)].concat();
        let project = self.pick(Table::Projects, |row| some.contains(&row.id))?.1;
        let of = |table| self.rows.iter().filter(move |((of, _), row)| *of == table && unbilled(row, project.id));
        let hours: i64 = of(Table::Entries).map(|(_, row)| row.paid).sum();
        // The project has no rate, and the expenses cost nothing.
        let line = |is_there: bool, quantity: String| is_there.then(|| format!("{quantity}x0.0"));
        let lines = [
            line(of(Table::Entries).next().is_some(), money(hours)),
            line(of(Table::Expenses).next().is_some(), "1.0".to_owned()),
        ];
        let gathered = lines.into_iter().flatten().collect();
        let tag = self.tag();
        let (client, of) = (project.parent.to_string(), project.id.to_string());
        let mut effects = self.billed_anew(|row| unbilled(row, project.id), &tag);
        let body = self.body(
            "invoice",
            &[
                ("client-id", &client),
                ("subject", &tag),
                ("tax", "7.25"),
                ("kind", "project"),
                ("projects-to-invoice", &of),
                ("import-hours", "all"),
                ("import-expenses", "all"),
            ],
        );
        effects.push(((Table::Invoices, tag), Some(Row { parent: project.parent, gathered, ..Row::default() })));
        Some(request("invoice created from time", "POST", "/invoices".to_owned(), body, effects))
    }

    fn change_invoice(&mut self) -> Option<Request> {
        let (key, mut row) = self.pick(Table::Invoices, |_| true)?;
        let path = format!("/invoices/{}", row.id);
        row.writes += 1;
        Some(match self.random.below(5) {
            0 => {
                let freed = self.billed_anew(|part| part.billed == key.1, "");
                let kind = if freed.is_empty() { "invoice deleted" } else { "invoice from time deleted" };
                let payments =
                    self.rows.iter().filter(|((of, _), part)| *of == Table::Payments && part.parent == row.id);
                let gone = payments.map(|(key, _)| (key.clone(), None)).chain([(key, None)]);
                request(kind, "DELETE", path, String::new(), gone.chain(freed).collect())
            }
            1 if row.state() == "draft" => {
                row.sent = true;
                let path = format!("{path}/messages/mark_as_sent");
                request("invoice marked", "PUT", path, String::new(), vec![(key, Some(row))])
            }
            _ => {
                (row.lines, row.gathered) = (self.lines(), Vec::new());
                let body = self.body("invoice", &[("csv-line-items", &row.csv())]);
                request("invoice updated", "PUT", path, body, vec![(key, Some(row))])
            }
        })
    }

    fn pay(&mut self) -> Option<Request> {
        let (key, mut row) = self.pick(Table::Invoices, |_| true)?;
        let path = format!("/invoices/{}/payments", row.id);
        row.writes += 1;
        if self.random.percent(30)
            && let Some((part_key, part)) = self.pick(Table::Payments, |part| part.parent == row.id)
        {
            row.paid -= part.paid;
            row.payments -= 1;
            let effects = vec![(part_key, None), (key, Some(row))];
            return Some(request("payment removed", "DELETE", format!("{path}/{}", part.id), String::new(), effects));
        }
        let paid = if self.random.percent(40) { row.due() } else { self.random.below(50_000) as i64 };
        row.paid += paid;
        row.payments += 1;
        let tag = self.tag();
        let sign = if paid < 0 { "-" } else { "" };
        let amount = format!("{sign}{}.{:02}", paid.abs() / 100, paid.abs() % 100);
        let body = self.body("payment", &[("amount", &amount), ("paid-at", "2011-03-31"), ("notes", &tag)]);
        let part = Row { parent: row.id, paid, ..Row::default() };
        let effects = vec![((Table::Payments, tag), Some(part)), (key, Some(row))];
        Some(request("payment recorded", "POST", path, body, effects))
    }

    fn toggle_shared(&mut self) -> Request {
        let path = format!("/clients/{}/toggle", self.shared);
        Request { contested: true, ..request("shared toggle", "POST", path, String::new(), Vec::new()) }
    }
}

/// What stands before each part of a form.
const BOUNDARY: &str = "--B";

fn request(kind: &'static str, method: &'static str, path: String, body: String, effects: Effects) -> Request {
    Request { kind, method, path, body, effects, contested: false }
}

/// Sends a request and gives the answer's status, and the id that its Location ends in.
fn exchange(stream: &mut BufReader<TcpStream>, request: &Request) -> std::io::Result<(u16, Option<i64>)> {
    let Request { method, path, body, .. } = request;
    let kind = if body.starts_with(BOUNDARY) { "Content-Type: multipart/form-data; boundary=B\r\n" } else { "" };
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{kind}Content-Length: {length}\r\n\r\n");
    stream.get_mut().write_all((head + body).as_bytes())?;
    let (mut status, mut id, mut length) = (None, None, 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 || !line.ends_with("\r\n") {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if status.is_none() {
            status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        } else if let Some(path) = line.strip_prefix("Location: ") {
            id = path.rsplit('/').next().and_then(|id| id.parse().ok());
        } else if let Some(text) = line.strip_prefix("Content-Length: ") {
            length = text.parse().unwrap_or(0);
        } else if line.is_empty() {
            break;
        }
    }
    std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink())?;
    status.map(|status| (status, id)).ok_or(std::io::ErrorKind::InvalidData.into())
}
