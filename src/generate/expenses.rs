//! Expenses: what people pay for on a day at work.

use rust_decimal::Decimal;

use super::random::{Random, Topic};
use super::time::{AtWork, Work};
use super::{Generator, Made};
use crate::resources::expenses::{Expense, NewExpense};

/// How many expenses a person has on a day at work, by weight.
const EXPENSES_OF_A_DAY: [(u64, u32); 3] = [(93, 0), (5, 1), (2, 2)];

/// What an expense comes to.
#[derive(Clone, Copy)]
enum Cost {
    /// From and to, in cents.
    Cents(i64, i64),
    /// Units of the category, which has a price.
    Units(i64, i64),
}

/// A category that every new store has, what is paid for in it, and notes that are written on it.
type Kind = (i64, Cost, &'static [&'static str]);

const KINDS: [(u64, Kind); 4] = [
    (15, (1, Cost::Cents(7_900, 21_900), &["Hotel, one night", "Two nights near the office", "Guest house"])),
    (45, (2, Cost::Cents(790, 6_400), &["Lunch with the team", "Dinner with the client", "Coffee and sandwiches"])),
    (30, (3, Cost::Units(4, 260), &["To the client and back", "To the station", "Site visit"])),
    (10, (4, Cost::Cents(480, 14_900), &["Parking", "Printing", "Train ticket", "Cables and adapters"])),
];

impl Work {
    /// What a person has spent on a day, mostly nothing. None has a receipt.
    pub(super) fn expenses(&self, making: &Generator, index: u64) -> Vec<Made<Expense>> {
        let Some(mut at_work) = self.day(making, index) else { return Vec::new() };
        at_work.random = Random::new(making.seed, Topic::Expense, index);
        let count = at_work.random.weighted(&EXPENSES_OF_A_DAY);
        (0..count)
            .map(|_| {
                let record = expense(&mut at_work);
                Made { record, at: at_work.evening() }
            })
            .collect()
    }
}

/// An expense for one of the projects that a person works on.
fn expense(at_work: &mut AtWork<'_>) -> NewExpense {
    let (project, _) = at_work.project();
    let (user, day) = (at_work.user, at_work.day);
    let random: &mut Random = &mut at_work.random;
    let (category, cost, notes) = random.weighted(&KINDS);
    let expense = NewExpense::of(*project, category, day).user_id(user).billable(random.percent(80));
    let expense = match cost {
        Cost::Cents(least, most) => expense.total_cost(Decimal::new(random.within(least, most), 2)),
        Cost::Units(least, most) => expense.units(Decimal::from(random.within(least, most))),
    };
    match random.percent(70) {
        true => expense.notes(random.pick(notes).to_owned()),
        false => expense,
    }
}
