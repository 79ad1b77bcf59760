//! How each record is made from its number among the records of its kind.

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::calendar::{DAY, WEEK, moment, spread};
use super::countries::{COUNTRIES, Country};
use super::random::{Random, Topic};
use super::words::{DUE, INVOICE_NOTES, LINES, PAYMENT_NOTES, PHASES, PROJECT_NOTES, PROJECTS, TRADES, WORDS};
use super::{Generator, Made};
use crate::resources::clients::{Client, NewClient};
use crate::resources::invoices::messages::NewMessage;
use crate::resources::invoices::payments::{NewPayment, Payment};
use crate::resources::invoices::{Invoice, NewInvoice, NewLineItem};
use crate::resources::projects::{BillBy, BudgetBy, NewProject, Project};
use crate::value::Value;

/// Clients are from the first year, invoices from the four years after it.
const YEAR: u64 = 52 * WEEK;
const INVOICING: u64 = 4 * YEAR;

/// What its projects and invoices need to know of a client.
pub(super) struct Profile {
    pub(super) country: &'static Country,
    name: String,
    pub(super) host: String,
    contact: String,
    active: bool,
    pub(super) worked: u64,
    random: Random,
}

impl Profile {
    pub(super) fn of(making: &Generator, index: u64) -> Self {
        let mut random = Random::new(making.seed, Topic::Client, index);
        let country = random.weighted(&COUNTRIES);
        let last = random.pick(country.last_names);
        let (word, trade, form) = (random.pick(WORDS), random.pick(TRADES), random.pick(country.forms));
        let (name, host) = match random.below(10) {
            0 => (format!("{last} & Sons"), last.to_owned()),
            1 => (format!("{last} & {} {form}", random.pick(country.last_names)), last.to_owned()),
            2 | 3 => (format!("{last} {trade}"), format!("{last}-{trade}")),
            4 | 5 => (format!("{word} {trade}"), format!("{word}-{trade}")),
            6 => (format!("The {word} {trade} Group"), word.to_owned()),
            _ => (format!("{word} {trade} {form}"), format!("{word}-{trade}")),
        };
        let contact = format!("{} {}", random.pick(country.first_names), random.pick(country.last_names));
        let active = random.percent(88);
        let worked = spread(&mut random, index, u64::from(making.clients), 0, YEAR);
        Profile { country, name, host: host_name(&host), contact, active, worked, random }
    }

    pub(super) fn client(mut self) -> Made<Client> {
        let details = if self.random.percent(6) { String::new() } else { self.address() };
        let mut client =
            NewClient::named(self.name).active(self.active).details(details).currency(self.country.currency);
        if self.random.percent(15) {
            client = client.highrise_id(self.random.within(1_000_000, 99_999_999));
        }
        Made { record: client, at: moment(self.worked) }
    }

    fn address(&mut self) -> String {
        let Profile { country, random, .. } = self;
        let (city, telephone) = random.pick(country.cities);
        let mut lines = Vec::with_capacity(8);
        if random.percent(35) {
            lines.push(format!("Attn: {}", self.contact));
        }
        let street = random.pick(country.streets);
        lines.push(random.filled(street));
        if random.percent(35) {
            let floor = random.pick(country.floors);
            lines.push(random.filled(floor));
        }
        lines.push(random.filled(city));
        lines.push(country.name.to_owned());
        if random.percent(90) {
            lines.push(random.filled(telephone));
        }
        if random.percent(30) {
            lines.push(random.filled(telephone) + country.fax);
        }
        if random.percent(75) {
            lines.push(format!("http://www.{}.example", self.host));
        }
        lines.join("\n")
    }
}

/// A name as a part of a host name: letters that are not ASCII are replaced by similar ones or left out.
pub(super) fn host_name(name: &str) -> String {
    let mut host = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            'ä' | 'ö' | 'ü' | 'ß' => host.push_str(match character {
                'ä' => "ae",
                'ö' => "oe",
                'ü' => "ue",
                _ => "ss",
            }),
            'á' | 'å' | 'Å' => host.push('a'),
            'è' | 'é' | 'ë' => host.push('e'),
            'ō' | 'Ō' => host.push('o'),
            ' ' | '-' if !host.ends_with('-') => host.push('-'),
            letter if letter.is_ascii_alphanumeric() => host.push(letter.to_ascii_lowercase()),
            _ => {}
        }
    }
    match host.trim_matches('-') {
        "" => "office".to_owned(),
        host => host.to_owned(),
    }
}

/// A project by its number. The projects of a client are next to each other.
pub(super) fn project(making: &Generator, index: u64) -> Made<Project> {
    let client = index / u64::from(making.projects_per_client);
    let profile = Profile::of(making, client);
    let mut random = Random::new(making.seed, Topic::Project, index);
    let rate = profile.country.rate;
    let (topic, letters) = random.pick(PROJECTS);
    let phase = if random.percent(40) { random.pick(PHASES) } else { "" };
    let worked = profile.worked + random.below(20 * DAY);
    let mut project = NewProject::of(client as i64 + 1, format!("{topic}{phase}"))
        .active(profile.active && random.percent(70))
        .billable(random.percent(92));
    if random.percent(50) {
        project = project.code(format!("{letters}-{:02}", random.within(1, 99)));
    }
    project = match random.below(10) {
        0..4 => project.bill_by(BillBy::Project).hourly_rate(Decimal::from(random.within(10, 36) * 5 * rate)),
        4..7 => project.bill_by(BillBy::Tasks),
        7..9 => project.bill_by(BillBy::People),
        _ => project,
    };
    let hours = Decimal::new(random.within(4, 160) * 25, 1);
    project = match random.below(10) {
        0..4 => project.budget_by(BudgetBy::Project).budget(hours),
        4 => project.budget_by(BudgetBy::ProjectCost).cost_budget(Decimal::from(random.within(10, 500) * 100 * rate)),
        5 => project.budget_by(BudgetBy::Task).budget(hours),
        6 => project.budget_by(BudgetBy::Person).budget(hours),
        _ => project,
    };
    if random.percent(25) {
        project = project
            .notify_when_over_budget(true)
            .over_budget_notification_percentage(Decimal::from(random.within(10, 19) * 5))
            .show_budget_to_all(random.percent(50));
    }
    if random.percent(60) {
        let starts = moment(worked).date_naive() + TimeDelta::days(random.within(0, 30));
        project = project.starts_on(starts);
        if random.percent(60) {
            project = project.ends_on(starts + TimeDelta::days(random.within(14, 400)));
        }
    }
    if random.percent(20) {
        project = project.notes(random.pick(PROJECT_NOTES));
    }
    Made { record: project, at: moment(worked) }
}

/// How far an invoice gets on its way.
#[derive(Clone, Copy)]
enum Fate {
    Draft,
    Open,
    Partial,
    Paid,
    Closed,
}

/// The history of an invoice.
pub(super) struct Story {
    profile: Profile,
    fate: Fate,
    random: Random,
    /// The seconds of work at which its last event happened.
    worked: u64,
}

/// An invoice by its number. Each round makes one for every client, so that the invoices of all clients follow each
/// other in time. Only invoices of the last round are still open.
pub(super) fn invoice(making: &Generator, index: u64) -> (Made<Invoice>, Story) {
    let clients = u64::from(making.clients);
    let (round, client) = (index / clients, index % clients);
    let rounds = u64::from(making.invoices_per_client);
    let profile = Profile::of(making, client);
    let mut random = Random::new(making.seed, Topic::Invoice, index);
    let key: [u8; 20] = random.bytes();
    let fate = if round + 1 == rounds {
        random.weighted(&[
            (15, Fate::Draft),
            (35, Fate::Open),
            (10, Fate::Partial),
            (36, Fate::Paid),
            (4, Fate::Closed),
        ])
    } else {
        random.weighted(&[(2, Fate::Draft), (5, Fate::Open), (3, Fate::Partial), (85, Fate::Paid), (5, Fate::Closed)])
    };
    // A week after the last client was made.
    let worked = spread(&mut random, index, clients * rounds, YEAR + WEEK, INVOICING);
    let issued = moment(worked).date_naive();
    let (first, last) = month_before(issued);
    let mut invoice = NewInvoice::of(client as i64 + 1).issued_at(issued).lines(lines(
        making,
        client,
        profile.country.rate,
        &mut random,
    ));
    let due = random.weighted(DUE);
    if due == "custom" {
        invoice = invoice.due_at(issued + TimeDelta::days(random.within(5, 90)));
    }
    invoice = invoice.due_at_human_format(due);
    if random.percent(80) {
        let (topic, _) = random.pick(PROJECTS);
        invoice = invoice.subject(format!("{topic}, {}", first.format("%B %Y")));
    }
    if random.percent(50) {
        invoice = invoice.period_start(first).period_end(last);
    }
    if random.percent(40) {
        invoice = invoice.notes(random.pick(INVOICE_NOTES));
    }
    if random.percent(25) {
        invoice = invoice.purchase_order(random.filled("PO-%####"));
    }
    if let Some(tax) = profile.country.tax.filter(|_| random.percent(60)) {
        invoice = invoice.tax(Decimal::new(tax, 1));
        if random.percent(5) {
            invoice = invoice.tax2(Decimal::new(random.within(10, 60), 1));
        }
    }
    if random.percent(8) {
        invoice = invoice.discount(Decimal::from(random.pick(&[5, 10, 15])));
    }
    invoice.fields.values.set("client_key", Value::Text(key.iter().map(|byte| format!("{byte:02x}")).collect()));
    (Made { record: invoice, at: moment(worked) }, Story { profile, fate, random, worked })
}

/// The first and the last day of the month before a day.
fn month_before(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let month = day.with_day(1).unwrap_or(day);
    (month - Months::new(1), month - TimeDelta::days(1))
}

fn lines(making: &Generator, client: u64, rate: i64, random: &mut Random) -> Vec<NewLineItem> {
    let count = random.weighted(&[(35, 1), (30, 2), (18, 3), (10, 4), (5, 6), (2, 9)]);
    let projects = u64::from(making.projects_per_client);
    let line = |_| {
        let (kind, description, least, most) = random.pick(LINES);
        let quantity = match kind {
            "Service" => Decimal::new(random.within(1, 160) * 25, 2),
            _ => Decimal::from(random.weighted(&[(70, 1), (20, 2), (10, 5)])),
        };
        let cents = if kind == "Service" || rate > 1 { 0 } else { random.pick(&[0, 0, 95, 99]) };
        let price = Decimal::new(random.within(least, most) * 500 * rate + cents, 2);
        let mut line = NewLineItem::of(description, quantity, price).kind(kind).taxed(kind != "Expense");
        if projects > 0 && random.percent(80) {
            line = line.project_id((client * projects + random.below(projects) + 1).to_string());
        }
        line.taxed2(random.percent(20))
    };
    (0..count).map(line).collect()
}

impl Story {
    pub(super) fn is_sent(&self) -> bool {
        !matches!(self.fate, Fate::Draft)
    }

    /// When it goes out.
    pub(super) fn sending(&mut self) -> DateTime<Utc> {
        self.later(5 * 60, DAY)
    }

    /// The message that it goes out with; a third are marked as sent without one.
    pub(super) fn message(&mut self, invoice: &Invoice, company: &str) -> Option<NewMessage> {
        if self.random.percent(34) {
            return None;
        }
        let contact = &self.profile.contact;
        let number = &invoice.number;
        let body = format!(
            "Dear {contact},\n\nplease find invoice {number} below. If you have any questions, \
             just reply to this message.\n\nKind regards,\n{company}"
        );
        let message = NewMessage::of(invoice.id, body)
            .subject(format!("Invoice {number} from {company}"))
            .full_recipient_list(format!("billing@{}.example", self.profile.host))
            .send_me_a_copy(self.random.percent(30));
        Some(message)
    }

    /// The payments: the whole amount, sometimes in two parts, or only a part of it.
    pub(super) fn payments(&mut self, invoice: &Invoice) -> Vec<Made<Payment>> {
        let part = (invoice.amount * Decimal::new(self.random.within(2, 8), 1)).round_dp(2);
        let amounts = match self.fate {
            Fate::Partial => vec![part],
            Fate::Paid if self.random.percent(10) => vec![part, invoice.amount - part],
            Fate::Paid => vec![invoice.amount],
            Fate::Draft | Fate::Open | Fate::Closed => vec![],
        };
        let pay = |amount| {
            let at = self.later(DAY, 30 * DAY);
            let mut payment = NewPayment::of(invoice.id, amount, at);
            if self.random.percent(50) {
                let note = self.random.pick(PAYMENT_NOTES);
                payment = payment.notes(self.random.filled(note));
            }
            Made { record: payment, at }
        };
        amounts.into_iter().map(pay).collect()
    }

    /// When it was written off, if it was.
    pub(super) fn closing(&mut self) -> Option<DateTime<Utc>> {
        matches!(self.fate, Fate::Closed).then(|| self.later(40 * DAY, 80 * DAY))
    }

    /// A moment of work after the last event.
    fn later(&mut self, least: u64, most: u64) -> DateTime<Utc> {
        self.worked += least + self.random.below(most - least);
        moment(self.worked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_plain_letters_digits_and_dashes() {
        for (name, host) in [
            ("Blue Ridge-Bakery", "blue-ridge-bakery"),
            ("Salt & Light-Yoga", "salt-light-yoga"),
            ("Müller", "mueller"),
            ("Groß-Foods", "gross-foods"),
            ("O'Brien", "obrien"),
            ("Åkesson", "akesson"),
            ("渡辺", "office"),
            ("渡辺-Wines", "wines"),
        ] {
            assert_eq!(host_name(name), host);
        }
        for (_, country) in COUNTRIES {
            for name in country.last_names.iter().chain(WORDS) {
                let letters = name.chars().filter(|character| character.is_alphanumeric()).count();
                let host = host_name(name);
                assert!(host.len() >= letters || host == "office", "{name} is {host}");
            }
        }
    }

    #[test]
    fn a_month_before_is_whole() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(month_before(day("2012-03-31")), (day("2012-02-01"), day("2012-02-29")));
        assert_eq!(month_before(day("2013-01-01")), (day("2012-12-01"), day("2012-12-31")));
    }
}
