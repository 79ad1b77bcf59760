//! Invoices from time and expenses against an independent computation: many random companies, whose every invoice has to be right to
//! the cent, bill nothing twice, and free all that it billed when it is deleted.
//!
//! `CLIENTSTORE_COMPANIES=10000` makes that many companies.

mod common;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use clientstore::{
    BillBy, ClientStore, DayEntryFilter, InvoiceId, InvoiceKind, NewClient, NewDayEntry, NewExpense, NewInvoice,
    NewPerson, NewProject, NewTask, NewTaskAssignment, NewUserAssignment, Unbilled, UserAssignmentChanges,
};
use common::{Random, day, memory, tell};
use rust_decimal::Decimal;

const PEOPLE: [i64; 3] = [1, 2, 3];
const TASKS: [i64; 3] = [1, 2, 3];
/// The categories that have no price of their own.
const CATEGORIES: [i64; 3] = [1, 2, 4];
const KINDS: [InvoiceKind; 4] = [InvoiceKind::Project, InvoiceKind::Task, InvoiceKind::People, InvoiceKind::Detailed];

fn companies() -> usize {
    std::env::var("CLIENTSTORE_COMPANIES").map_or(500, |count| count.parse().unwrap())
}

/// A project, with its rates in millionths.
struct Project {
    id: i64,
    bill_by: BillBy,
    rate: Option<i64>,
    /// By task: whether it is billable, and its rate.
    tasks: BTreeMap<i64, (bool, Option<i64>)>,
    /// By person.
    people: BTreeMap<i64, Option<i64>>,
}

impl Project {
    fn price(&self, user: i64, task: i64) -> i64 {
        let rate = match self.bill_by {
            BillBy::Project => self.rate,
            BillBy::Tasks => self.tasks[&task].1,
            BillBy::People => self.people[&user],
            _ => None,
        };
        rate.unwrap_or(0)
    }
}

struct Entry {
    id: i64,
    user: i64,
    project: i64,
    task: i64,
    day: NaiveDate,
    /// In hundredths.
    hours: i64,
    invoice: Option<i64>,
}

struct Expense {
    id: i64,
    user: i64,
    project: i64,
    category: i64,
    day: NaiveDate,
    /// In cents.
    cost: i64,
    billable: bool,
    invoice: Option<i64>,
}

/// A client with its projects, their time and their expenses.
struct Company {
    client: i64,
    projects: Vec<Project>,
    entries: Vec<Entry>,
    expenses: Vec<Expense>,
    /// The amounts of its invoices, in cents.
    invoices: BTreeMap<i64, i128>,
}

/// A rate with up to six digits after its point, or none.
fn rate(random: &mut Random) -> Option<i64> {
    let rate = match random.below(4) {
        0 => return None,
        1 => 1_000_000 * (1 + random.below(200)),
        2 => 10_000 * (1 + random.below(20_000)),
        _ => 1 + random.below(200_000_000),
    };
    Some(rate as i64)
}

fn decimal(rate: Option<i64>) -> Option<Decimal> {
    rate.map(|rate| Decimal::new(rate, 6))
}

fn random_day(random: &mut Random) -> NaiveDate {
    day("2011-01-01") + Days::new(random.below(60) as u64)
}

impl Company {
    fn new(store: &ClientStore, random: &mut Random) -> Self {
        let client = store.clients().create(&NewClient::named("c")).unwrap().into();
        let mut company = Company {
            client,
            projects: Vec::new(),
            entries: Vec::new(),
            expenses: Vec::new(),
            invoices: BTreeMap::new(),
        };
        for _ in 0..1 + random.below(3) {
            company.add_project(store, random);
        }
        for _ in 0..random.below(16) {
            company.add_entry(store, random);
        }
        for _ in 0..random.below(6) {
            company.add_expense(store, random);
        }
        company
    }

    fn add_project(&mut self, store: &ClientStore, random: &mut Random) {
        let bill_by = random.of(&[BillBy::None, BillBy::Project, BillBy::Tasks, BillBy::People]);
        let own = rate(random);
        let new = NewProject::of(self.client, "p").bill_by(bill_by).hourly_rate(decimal(own));
        let id: i64 = store.projects().create(&new).unwrap().into();
        let mut project = Project { id, bill_by, rate: own, tasks: BTreeMap::new(), people: BTreeMap::new() };
        for task in TASKS {
            let (billable, rate) = (random.percent(75), rate(random));
            let new = NewTaskAssignment::of(id, task).billable(billable).hourly_rate(decimal(rate));
            store.task_assignments().create(&new).unwrap();
            project.tasks.insert(task, (billable, rate));
        }
        for user in PEOPLE {
            let rate = rate(random);
            // The administrator is on the project from its beginning.
            let assigned = store.user_assignments().create(&NewUserAssignment::of(id, user)).unwrap();
            let changes = UserAssignmentChanges::new().hourly_rate(decimal(rate));
            store.user_assignments().update(assigned, &changes).unwrap();
            project.people.insert(user, rate);
        }
        self.projects.push(project);
    }

    fn add_entry(&mut self, store: &ClientStore, random: &mut Random) {
        let project = self.projects[random.below(self.projects.len())].id;
        let (user, task, day) = (random.of(&PEOPLE), random.of(&TASKS), random_day(random));
        let hours = random.below(1_000) as i64;
        let new = NewDayEntry::of(user, project, task, day).hours(Decimal::new(hours, 2)).is_closed(random.percent(10));
        let id = store.day_entries().create(&new).unwrap().into();
        self.entries.push(Entry { id, user, project, task, day, hours, invoice: None });
    }

    fn add_expense(&mut self, store: &ClientStore, random: &mut Random) {
        let project = self.projects[random.below(self.projects.len())].id;
        let (user, category, day) = (random.of(&PEOPLE), random.of(&CATEGORIES), random_day(random));
        let (cost, billable) = (random.below(100_000) as i64, random.percent(80));
        let new =
            NewExpense::of(project, category, day).user_id(user).total_cost(Decimal::new(cost, 2)).billable(billable);
        let id = store.expenses().create(&new).unwrap().into();
        self.expenses.push(Expense { id, user, project, category, day, cost, billable, invoice: None });
    }

    /// Makes an invoice, and compares it with what it should be.
    fn bill(&mut self, store: &ClientStore, random: &mut Random) -> InvoiceId {
        let kind = random.of(&KINDS);
        let mut chosen: Vec<i64> = self.projects.iter().map(|project| project.id).collect();
        chosen.retain(|_| random.percent(70));
        let days = [random_day(random), random_day(random)];
        let unbilled = random.percent(50).then(|| Unbilled::Between(days[0], days[1]));
        let discount = random.below(101) as i64;
        let new = NewInvoice::of_projects(self.client, kind, chosen.iter().copied())
            .import_hours(unbilled.unwrap_or(Unbilled::All))
            .discount(Some(Decimal::from(discount)));
        let with_expenses = random.percent(60);
        let new = if with_expenses { new.import_expenses(unbilled.unwrap_or(Unbilled::All)) } else { new };
        let id = store.invoices().create(&new).unwrap();

        let is_within = |day| unbilled.is_none() || (days[0] <= day && day <= days[1]);
        let mut groups: BTreeMap<(i64, i64, i64), i64> = BTreeMap::new();
        for entry in &mut self.entries {
            let project = self.projects.iter().find(|project| project.id == entry.project).unwrap();
            let is_wanted = chosen.contains(&entry.project) && is_within(entry.day) && project.tasks[&entry.task].0;
            if is_wanted && entry.invoice.is_none() {
                let one_for = match kind {
                    InvoiceKind::Task => entry.task,
                    InvoiceKind::People => entry.user,
                    InvoiceKind::Detailed => entry.id,
                    _ => 0,
                };
                *groups.entry((entry.project, one_for, project.price(entry.user, entry.task))).or_default() +=
                    entry.hours;
                entry.invoice = Some(id.into());
            }
        }
        let cents = |hours: i64, price: i64| (i128::from(hours) * i128::from(price) + 500_000) / 1_000_000;
        let mut expected: Vec<(String, i64, i64, i128)> = groups
            .iter()
            .map(|((project, _, price), hours)| (project.to_string(), *hours, *price, cents(*hours, *price)))
            .collect();
        let mut costs: BTreeMap<(i64, i64), i64> = BTreeMap::new();
        for expense in &mut self.expenses {
            let is_wanted = with_expenses && chosen.contains(&expense.project) && is_within(expense.day);
            if is_wanted && expense.billable && expense.invoice.is_none() {
                let one_for = match kind {
                    InvoiceKind::Task => expense.category,
                    InvoiceKind::People => expense.user,
                    InvoiceKind::Detailed => expense.id,
                    _ => 0,
                };
                *costs.entry((expense.project, one_for)).or_default() += expense.cost;
                expense.invoice = Some(id.into());
            }
        }
        let products =
            costs.iter().map(|((project, _), cost)| (project.to_string(), 100, cost * 10_000, i128::from(*cost)));
        expected.extend(products);
        let scaled = |decimal: Decimal, digits: u32| (decimal * Decimal::from(10_i64.pow(digits))).normalize();
        let lines = store.invoices().lines(id).unwrap();
        let mut kinds = Vec::new();
        let mut actual: Vec<(String, i64, i64, i128)> = lines
            .into_iter()
            .map(|line| {
                assert!(!line.taxed && !line.taxed2);
                kinds.push(line.kind);
                let [quantity, price, amount] =
                    [scaled(line.quantity, 2), scaled(line.unit_price, 6), scaled(line.amount, 2)]
                        .map(|scaled| i64::try_from(scaled).unwrap());
                (line.project_id.unwrap(), quantity, price, amount.into())
            })
            .collect();
        let products = kinds.iter().rev().take_while(|kind| *kind == "Product").count();
        assert!(products == costs.len() && kinds[..groups.len()].iter().all(|kind| kind == "Service"), "{kinds:?}");
        expected.sort();
        actual.sort();
        assert_eq!(actual, expected);
        let sum: i128 = expected.iter().map(|line| line.3).sum();
        let amount = sum - (sum * i128::from(discount) + 50) / 100;
        self.invoices.insert(id.into(), amount);
        id
    }

    /// Everything in the store is as it should be.
    fn hold(&self, store: &ClientStore) {
        for project in &self.projects {
            let entries = store.day_entries().list(&DayEntryFilter::new().project(project.id)).unwrap();
            let mut billed: Vec<i64> =
                entries.map(Result::unwrap).filter(|entry| entry.is_billed).map(|entry| entry.id.into()).collect();
            billed.sort_unstable();
            let expected = self.entries.iter().filter(|entry| entry.project == project.id && entry.invoice.is_some());
            assert_eq!(billed, expected.map(|entry| entry.id).collect::<Vec<_>>());
        }
        for expense in &self.expenses {
            let stored = store.expenses().get(expense.id).unwrap();
            let invoice = stored.invoice_id.map(i64::from);
            assert_eq!((invoice, stored.is_billed), (expense.invoice, expense.invoice.is_some()));
        }
        for (id, amount) in &self.invoices {
            let invoice = store.invoices().get(*id).unwrap();
            let [amount_there, due] = [invoice.amount, invoice.due_amount].map(|amount| amount * Decimal::ONE_HUNDRED);
            assert_eq!(
                (amount_there, due),
                (Decimal::from_i128_with_scale(*amount, 0), Decimal::from_i128_with_scale(*amount, 0))
            );
        }
    }

    fn delete(&mut self, store: &ClientStore, invoice: i64) {
        store.invoices().delete(invoice).unwrap();
        self.invoices.remove(&invoice);
        self.entries.iter_mut().filter(|entry| entry.invoice == Some(invoice)).for_each(|entry| entry.invoice = None);
        let billed = self.expenses.iter_mut().filter(|expense| expense.invoice == Some(invoice));
        billed.for_each(|expense| expense.invoice = None);
    }
}

#[test]
fn the_invoices_of_random_companies_are_right_to_the_cent_and_bill_nothing_twice() {
    let (store, _) = memory();
    for user in &PEOPLE[1..] {
        store.people().create(&NewPerson::named("Jo", "Doe", format!("{user}@example.com"))).unwrap();
    }
    for task in TASKS {
        if store.tasks().get(task).is_err() {
            store.tasks().create(&NewTask::named("t")).unwrap();
        }
    }
    let mut random = Random(0xB111);
    let (mut invoices, mut billed, mut expenses, mut deleted) = (0, 0, 0, 0);
    for _ in 0..companies() {
        let mut company = Company::new(&store, &mut random);
        for _ in 0..1 + random.below(4) {
            company.bill(&store, &mut random);
            invoices += 1;
            company.hold(&store);
            if random.percent(30) {
                let at = random.below(company.invoices.len());
                let invoice = *company.invoices.keys().nth(at).unwrap();
                company.delete(&store, invoice);
                deleted += 1;
                company.hold(&store);
            }
            company.add_entry(&store, &mut random);
        }
        billed += company.entries.iter().filter(|entry| entry.invoice.is_some()).count();
        expenses += company.expenses.iter().filter(|expense| expense.invoice.is_some()).count();
        if random.percent(50) {
            for invoice in company.invoices.keys().copied().collect::<Vec<_>>() {
                company.delete(&store, invoice);
                deleted += 1;
            }
            assert!(company.entries.iter().all(|entry| entry.invoice.is_none()));
            assert!(company.expenses.iter().all(|expense| expense.invoice.is_none()));
            company.hold(&store);
        }
    }
    assert!(store.check(|_| {}).unwrap().is_clean());
    tell(format_args!(
        "{} companies, {invoices} invoices, {billed} entries and {expenses} expenses billed, {deleted} invoices deleted",
        companies()
    ));
    assert!(
        invoices > companies() && billed > companies() && expenses > companies() / 10 && deleted > companies() / 10
    );
}
