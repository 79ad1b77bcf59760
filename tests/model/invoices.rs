//! Invoices: dates, numbers, lines, money, states, and the messages and payments that move them
//! (`invoices.md`).

use crate::op::{Body, Call, Csv, Header, Listed};
use crate::read::{Given, flawed, typed};
use crate::schema::{Kind, Resource};
use crate::state::{Expected, Model, Outcome, Reason, Record};
use crate::values::{MILLION, cents, date, date_text, decimal, decimal_text};

/// The first amount that has more than 12 digits before its point.
const LIMIT: i128 = 1_000_000_000_000 * MILLION;

/// The due date by the human format; none where the format leaves it to the body.
fn due(format: &str, issued: &str) -> Result<Option<String>, Reason> {
    let words = format.trim().to_ascii_lowercase();
    let days = match words.as_str() {
        "upon receipt" | "due upon receipt" => Some("0"),
        words => words.strip_prefix("net ").or(words.strip_suffix(" days")),
    };
    let whole = |days: &&str| {
        let digits = days.strip_prefix('-').unwrap_or(days);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let Some(days) = days.filter(whole) else { return Ok(None) };
    let day = days.parse::<i64>().ok().and_then(|days| date(issued).unwrap().checked_add(days));
    day.and_then(date_text).map(Some).ok_or_else(|| Reason::bad("due-at"))
}

/// The number after another: its last run of digits is incremented.
fn following(number: &str) -> String {
    let characters: Vec<char> = number.chars().collect();
    let Some(last) = characters.iter().rposition(char::is_ascii_digit) else {
        return format!("{number}1");
    };
    let first = characters[..last].iter().rposition(|one| !one.is_ascii_digit()).map_or(0, |at| at + 1);
    let mut digits: Vec<u32> = characters[first..=last].iter().map(|one| one.to_digit(10).unwrap()).collect();
    let mut carry = 1;
    for digit in digits.iter_mut().rev() {
        *digit += carry;
        carry = *digit / 10;
        *digit %= 10;
    }
    if carry > 0 {
        digits.insert(0, carry);
    }
    let run: String = digits.into_iter().filter_map(|digit| char::from_digit(digit, 10)).collect();
    let part = |characters: &[char]| characters.iter().collect::<String>();
    format!("{}{run}{}", part(&characters[..first]), part(&characters[last + 1..]))
}

/// The lines of a text; none where the header discards them. Every line that is wrong is told.
fn lines(csv: &Csv) -> Result<Option<Vec<Record>>, Vec<Reason>> {
    if let Header::Other(_) = csv.header {
        return Ok(None);
    }
    let (mut records, mut wrong) = (Vec::new(), Vec::new());
    for row in &csv.rows {
        match line(row) {
            Ok(record) => records.push(record),
            Err(reason) => wrong.push(reason),
        }
    }
    if !csv.torn.is_empty() {
        wrong.push(Reason::bad("csv-line-items"));
    }
    if wrong.is_empty() { Ok(Some(records)) } else { Err(wrong) }
}

fn line(row: &[String]) -> Result<Record, Reason> {
    let bad = || Reason::bad("csv-line-items");
    if !(7..=8).contains(&row.len()) {
        return Err(bad());
    }
    let mut record = Record::new(Resource::Lines);
    record.set("kind", &*row[0]);
    record.set("description", &*row[1]);
    let (quantity, price) = (decimal(&row[2]).ok_or_else(bad)?, decimal(&row[3]).ok_or_else(bad)?);
    let amount = cents(quantity * price, MILLION * MILLION);
    record.set("quantity", decimal_text(quantity, 1));
    record.set("unit-price", decimal_text(price, 1));
    record.set("amount", decimal_text(within(amount)?, 1));
    for (name, cell) in [("taxed", &row[5]), ("taxed2", &row[6])] {
        record.set(name, if cell.is_empty() { "false".to_owned() } else { typed(Kind::Boolean, cell).unwrap() });
    }
    record.put("project-id", row.get(7).filter(|cell| !cell.is_empty()).cloned());
    Ok(record)
}

fn within(millionths: i128) -> Result<i128, Reason> {
    if millionths.abs() < LIMIT { Ok(millionths) } else { Err(Reason::bad("amount")) }
}

/// Writes what an invoice comes to, and its state. Of one from a list, whose lines nobody knows, it is
/// known what was paid elsewhere.
fn settle(invoice: &mut Record, lines: &[&Record], payments: &[i128], elsewhere: Option<i128>) -> Result<(), Reason> {
    if elsewhere.is_none() {
        total(invoice, lines)?;
    }
    let elsewhere = elsewhere.unwrap_or(0);
    let paid = elsewhere + within(payments.iter().sum())?;
    let due = within(decimal(invoice.text("amount")).unwrap() - paid)?;
    invoice.set("due-amount", decimal_text(due, 1));
    let state = match () {
        () if invoice.is("closed") => "closed",
        () if (elsewhere != 0 || !payments.is_empty()) && due <= 0 => "paid",
        () if !invoice.is("sent") => "draft",
        () if paid > 0 => "partial",
        () => "open",
    };
    invoice.set("state", state);
    Ok(())
}

fn total(invoice: &mut Record, lines: &[&Record]) -> Result<(), Reason> {
    let amount = |line: &&Record| decimal(line.text("amount")).unwrap();
    let taxed = |by: &str| lines.iter().filter(|line| line.is(by)).map(&amount).sum::<i128>();
    let percent = |invoice: &Record, name| invoice.get(name).map(|text| decimal(text).unwrap());
    let sum = within(lines.iter().map(&amount).sum())?;
    let discount = percent(invoice, "discount").unwrap_or(0);
    let discounted = within(cents(sum * discount, 100 * MILLION * MILLION))?;
    let mut total = sum - discounted;
    for (tax, by, field) in [("tax", "taxed", "tax-amount"), ("tax2", "taxed2", "tax2-amount")] {
        let base = within(taxed(by))?;
        let tax = percent(invoice, tax).map(|tax| {
            // Amounts are in whole cents, which keeps the product in range.
            cents(base / 10_000 * (100 * MILLION - discount) * tax, 100 * 10_000 * MILLION * MILLION)
        });
        let tax = within(tax.unwrap_or(0))?;
        total += tax;
        invoice.set(field, decimal_text(tax, 1));
    }
    invoice.set("discount-amount", decimal_text(discounted, 1));
    invoice.set("amount", decimal_text(within(total)?, 1));
    Ok(())
}

/// Without lines, a tax that goes takes its amount along.
fn keep_taxes(invoice: &mut Record) {
    for (tax, field) in [("tax", "tax-amount"), ("tax2", "tax2-amount")] {
        if invoice.get(tax).is_none() {
            invoice.set(field, "0.0");
        }
    }
}

impl Model {
    /// The records of a list of invoices, those whose client is there.
    pub fn listed_invoices(&mut self, list: &[Listed]) -> Vec<i64> {
        let list: Vec<&Listed> = list.iter().filter(|one| self.find(Resource::Clients, one.client).is_some()).collect();
        let mut ids = Vec::new();
        for Listed { client, amount, paid, state } in list {
            let mut invoice = Record::new(Resource::Invoices);
            for name in ["created-at", "updated-at"] {
                invoice.set(name, self.now_text());
            }
            for name in ["due-at", "issued-at"] {
                invoice.set(name, date_text(self.now.div_euclid(86_400)).unwrap());
            }
            for (name, text) in [
                ("client-id", client.to_string()),
                ("amount", decimal_text(*amount, 1)),
                ("due-amount", decimal_text(amount - paid, 1)),
                ("state", (*state).to_owned()),
                ("sent", (*state != "draft").to_string()),
                ("closed", (*state == "closed").to_string()),
                ("tax", "5.0".to_owned()),
                ("tax-amount", "1.05".to_owned()),
                ("due-at-human-format", "custom".to_owned()),
                ("currency", "Euro - EUR".to_owned()),
                ("number", format!("L-{}", amount / MILLION)),
                ("client-key", self.key.clone()),
            ] {
                invoice.set(name, text);
            }
            let id = self.insert(Resource::Invoices, invoice);
            self.elsewhere.insert(id, *paid);
            self.newest_kind(*client);
            ids.push(id);
        }
        ids
    }

    fn payments_of(&self, invoice: i64) -> Vec<(i64, i128)> {
        let ids = self.of(Resource::Payments, "invoice-id", invoice);
        let amount = |id: i64| decimal(self.find(Resource::Payments, id).unwrap().text("amount")).unwrap();
        ids.into_iter().map(|id| (id, amount(id))).collect()
    }

    /// Settles an invoice as it would be, and keeps it where nothing is out of range.
    fn keep(&mut self, id: i64, mut invoice: Record, payments: &[i128]) -> Result<(), Vec<Reason>> {
        let lines: Vec<&Record> = self.lines_of(id).collect();
        settle(&mut invoice, &lines, payments, self.elsewhere.get(&id).copied()).map_err(|reason| vec![reason])?;
        self.table_mut(Resource::Invoices).records.insert(id, invoice);
        Ok(())
    }

    fn amounts(&self, invoice: i64) -> Vec<i128> {
        self.payments_of(invoice).into_iter().map(|(_, amount)| amount).collect()
    }

    /// A client knows the kind of its newest invoice.
    pub fn newest_kind(&mut self, client: i64) {
        let of_client = |id: &i64| self.find(Resource::Invoices, *id).unwrap().number("client-id") == client;
        let newest = self.in_order(Resource::Invoices).into_iter().find(of_client);
        let kind = newest.map(|id| self.find(Resource::Invoices, id).unwrap().text("kind").to_owned());
        self.table_mut(Resource::Clients).records.get_mut(&client).unwrap().put("last-invoice-kind", kind);
    }

    /// The invoice's client; what is wrong with it is told.
    fn client_of(&self, given: &mut Given) -> Option<&Record> {
        let id = given.text("client-id")?.parse().unwrap();
        let client = self.find(Resource::Clients, id);
        if client.is_none() {
            given.faults.push(Reason::bad("client-id"));
        }
        client
    }

    pub fn create_invoice(&mut self, mut given: Given) -> Result<i64, Vec<Reason>> {
        let mut invoice = self.made(Resource::Invoices, &given);
        let client = self.client_of(&mut given);
        invoice.set("client-key", &*self.key);
        if given.text("currency").is_none() {
            invoice.put("currency", client.map(|client| client.text("currency").to_owned()));
        }
        if given.text("number").is_none() {
            let newest = self.in_order(Resource::Invoices).first().copied();
            let newest = newest.map(|id| self.find(Resource::Invoices, id).unwrap().text("number"));
            let mut number = newest.map_or("1".to_owned(), following);
            let invoices = &self.table(Resource::Invoices).records;
            while invoices.values().any(|invoice| invoice.text("number") == number) {
                number = following(&number);
            }
            invoice.set("number", number);
        }
        if given.text("issued-at").is_none() {
            invoice.set("issued-at", date_text(self.now.div_euclid(86_400)).unwrap());
        }
        if given.text("due-at-human-format").is_none() {
            let format = if given.text("due-at").is_some() { "custom" } else { "upon receipt" };
            invoice.set("due-at-human-format", format);
        }
        match due(invoice.text("due-at-human-format"), invoice.text("issued-at")) {
            Ok(Some(due)) => invoice.set("due-at", due),
            Ok(None) if given.text("due-at").is_none() => invoice.set("due-at", invoice.text("issued-at").to_owned()),
            Ok(None) => {}
            Err(reason) => given.faults.push(reason),
        }
        let free_form = given.text("kind").is_none_or(|kind| kind == "free_form");
        // Those of another kind are checked and then ignored.
        let lines = match given.lines.as_ref().map(lines) {
            Some(Err(reasons)) => {
                given.faults.extend(reasons);
                None
            }
            Some(Ok(lines)) => lines.filter(|_| free_form),
            None => None,
        };
        if let Err(reason) = settle(&mut invoice, &lines.iter().flatten().collect::<Vec<_>>(), &[], None) {
            given.faults.push(reason);
        }
        if !given.faults.is_empty() {
            return Err(given.faults);
        }
        let client = invoice.number("client-id");
        let id = self.insert(Resource::Invoices, invoice);
        self.add_lines(id, lines.unwrap_or_default());
        self.newest_kind(client);
        Ok(id)
    }

    fn add_lines(&mut self, invoice: i64, lines: Vec<Record>) {
        for mut line in lines {
            line.set("invoice-id", invoice.to_string());
            self.insert(Resource::Lines, line);
        }
    }

    pub fn update_invoice(&mut self, id: i64, mut given: Given) -> Result<(), Vec<Reason>> {
        self.client_of(&mut given);
        let old = self.find(Resource::Invoices, id).unwrap().clone();
        let mut invoice = old.clone();
        invoice.take(&given);
        let formatted = given.text("due-at-human-format").is_some();
        if !formatted && given.text("due-at").is_some() {
            invoice.set("due-at-human-format", "custom");
        }
        if formatted || given.text("issued-at").is_some() {
            match due(invoice.text("due-at-human-format"), invoice.text("issued-at")) {
                Ok(Some(due)) => invoice.set("due-at", due),
                Ok(None) => {}
                Err(reason) => given.faults.push(reason),
            }
        }
        let lines = match given.lines.as_ref().map(lines) {
            Some(Err(reasons)) => {
                given.faults.extend(reasons);
                None
            }
            Some(Ok(lines)) => lines,
            None => None,
        };
        let standing: Vec<&Record> = match &lines {
            Some(lines) => lines.iter().collect(),
            None => self.lines_of(id).collect(),
        };
        let elsewhere = self.elsewhere.get(&id).copied().filter(|_| standing.is_empty());
        if elsewhere.is_some() {
            keep_taxes(&mut invoice);
        }
        if let Err(reason) = settle(&mut invoice, &standing, &self.amounts(id), elsewhere) {
            given.faults.push(reason);
        }
        if !given.faults.is_empty() {
            return Err(given.faults);
        }
        if elsewhere.is_none() {
            self.elsewhere.remove(&id);
        }
        let clients = [old.number("client-id"), invoice.number("client-id")];
        self.table_mut(Resource::Invoices).records.insert(id, invoice);
        self.touch(Resource::Invoices, id);
        if let Some(lines) = lines {
            for line in self.of(Resource::Lines, "invoice-id", id) {
                self.table_mut(Resource::Lines).records.remove(&line);
            }
            self.add_lines(id, lines);
        }
        clients.into_iter().for_each(|client| self.newest_kind(client));
        Ok(())
    }

    pub fn parts_go(&mut self, invoice: i64) {
        for resource in [Resource::Lines, Resource::Messages, Resource::Payments] {
            for id in self.of(resource, "invoice-id", invoice) {
                self.table_mut(resource).records.remove(&id);
            }
        }
    }

    fn is_closed(&self, invoice: i64) -> Option<Reason> {
        self.find(Resource::Invoices, invoice).unwrap().is("closed").then(|| Reason::bad("closed"))
    }

    /// A message or a payment, and what it does to its invoice.
    pub fn create_part(&mut self, resource: Resource, invoice: i64, given: &Given) -> Result<i64, Vec<Reason>> {
        let mut record = self.made(resource, given);
        record.set("invoice-id", invoice.to_string());
        let mut payments = self.amounts(invoice);
        let mut changed = self.find(Resource::Invoices, invoice).unwrap().clone();
        if resource == Resource::Payments {
            if let Some(reason) = self.is_closed(invoice) {
                return Err(vec![reason]);
            }
            payments.push(decimal(record.text("amount")).unwrap());
        } else {
            changed.set("sent", "true");
        }
        self.keep(invoice, changed, &payments)?;
        self.touch(Resource::Invoices, invoice);
        Ok(self.insert(resource, record))
    }

    pub fn delete_part(&mut self, resource: Resource, id: i64) -> Outcome {
        let invoice = self.find(resource, id).unwrap().number("invoice-id");
        let mut payments = self.payments_of(invoice);
        if resource == Resource::Payments {
            if let Some(reason) = self.is_closed(invoice) {
                return Err(vec![reason]);
            }
            payments.retain(|(payment, _)| *payment != id);
        }
        let amounts: Vec<i128> = payments.into_iter().map(|(_, amount)| amount).collect();
        self.keep(invoice, self.find(Resource::Invoices, invoice).unwrap().clone(), &amounts)?;
        self.touch(Resource::Invoices, invoice);
        self.table_mut(resource).records.remove(&id);
        Ok(Expected::Deleted)
    }

    pub fn mark(&mut self, id: i64, action: &str, call: &Call, mut wrong: Vec<Reason>) -> Outcome {
        let message = match &call.body {
            Body::Document(_) if flawed(&call.body) => {
                wrong.push(Reason::Bad(Vec::new()));
                None
            }
            Body::Document(_) => Some(Given::of(Resource::Messages, &call.body, true)),
            _ => None,
        };
        wrong.extend(message.iter().flat_map(|given| given.faults.clone()));
        let Some(old) = self.find(Resource::Invoices, id) else { return Err(wrong) };
        let mut invoice = old.clone();
        let (from, mark, value): (&[&str], _, _) = match action {
            "mark_as_sent" => (&["draft"], "sent", "true"),
            "mark_as_draft" => (&["open"], "sent", "false"),
            "mark_as_closed" => (&["open", "partial"], "closed", "true"),
            _ => (&["closed"], "closed", "false"),
        };
        if !from.contains(&invoice.text("state")) {
            wrong.push(Reason::Bad(Vec::new()));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        invoice.set(mark, value);
        self.keep(id, invoice, &self.amounts(id))?;
        self.touch(Resource::Invoices, id);
        if let Some(given) = message.filter(|_| action != "re_open") {
            let mut record = self.made(Resource::Messages, &given);
            record.set("invoice-id", id.to_string());
            self.insert(Resource::Messages, record);
        }
        Ok(Expected::Changed(format!("/invoices/{id}")))
    }
}
