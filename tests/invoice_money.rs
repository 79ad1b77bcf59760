//! Money: totals, state and what is due, against a computation of their own (`invoices.md`).

mod api;
mod billing;
mod common;

use billing::{body, elements, lines, refused, service};
use clientstore::{Invoice, InvoiceChanges, NewClient, NewInvoice, NewLineItem, NewPayment, State, Transaction};
use common::{memory, moment};
use rust_decimal::Decimal;

/// The totals of an invoice as its document shows them.
#[track_caller]
fn totals(service: &api::Service, path: &str) -> [String; 5] {
    elements(service, path, ["discount-amount", "tax-amount", "tax2-amount", "amount", "due-amount"])
}

#[test]
fn the_checks_of_the_specification_come_out() {
    let service = service();
    let percents = "<discount>10</discount><tax>5</tax>";
    let line = lines("Service,A,1,300,,true,true\n");
    let path = service.invoice(1, &format!("{percents}<tax2>2</tax2>{line}"));
    assert_eq!(totals(&service, &path), ["30.0", "13.5", "5.4", "288.9", "288.9"]);
    let mixed = lines("Service,A,1,100,,true,\nService,B,2,100,,,\n");
    let path = service.invoice(1, &format!("{percents}{mixed}"));
    assert_eq!(totals(&service, &path), ["30.0", "4.5", "", "274.5", "274.5"]);
    let path = service.invoice(1, &lines("Service,A,3,0.485,,,\n"));
    assert_eq!(totals(&service, &path), ["0.0", "", "", "1.46", "1.46"]);
}

#[test]
fn an_update_of_a_percent_moves_the_totals() {
    let service = service();
    let path = service.invoice(1, &lines("Service,A,1,0.5,,true,true\n"));
    for (fields, expected) in [
        ("<tax>1</tax>", ["0.0", "0.01", "", "0.51", "0.51"]),
        ("<tax2>0.999999</tax2>", ["0.0", "0.01", "0.0", "0.51", "0.51"]),
        ("<discount>0</discount><tax>0</tax>", ["0.0", "0.0", "0.0", "0.5", "0.5"]),
        ("<tax2>100</tax2>", ["0.0", "0.0", "0.5", "1.0", "1.0"]),
        ("<discount>100</discount>", ["0.5", "0.0", "0.0", "0.0", "0.0"]),
        ("<discount></discount><tax nil=\"true\"/><tax2/>", ["0.0", "", "", "0.5", "0.5"]),
    ] {
        assert_eq!(service.put(&path, &format!("<invoice>{fields}</invoice>")).status, 200);
        assert_eq!(totals(&service, &path), expected, "{fields}");
    }
}

#[test]
fn what_is_out_of_range_is_refused_and_nothing_changes() {
    let service = service();
    let path = service.invoice(1, &format!("<tax>100</tax>{}", lines("Service,A,1,2,,true,\n")));
    let paid = billing::pay(&service, &path, "999999999999");
    service.clock.forward(60);
    let before = [service.get(&path).body, service.get("/invoices").body, service.get(&paid).body];
    let big = lines("Service,A,1,999999999999.99,,true,\n");
    for (fields, field) in [
        ("<tax>100.000001</tax>", "tax"),
        ("<tax2>-0.000001</tax2>", "tax2"),
        ("<discount>101</discount>", "discount"),
        ("<discount>ten</discount>", "discount"),
        ("<tax>1234567890123</tax>", "tax"),
        ("<tax2>0.1234567</tax2>", "tax2"),
        (&*lines("Service,A,999999999999,2,,,\n"), "amount"),
        (&*lines("Service,A,1,999999999999,,,\nService,A,1,1,,,\n"), "amount"),
        (&*lines("Service,A,-1,999999999999.99,,,\nService,A,-1,0.01,,,\n"), "amount"),
        (&*format!("<tax>0.1</tax>{big}"), "amount"),
        // What is due would be too far below zero.
        (&*lines("Service,A,-1,2,,,\n"), "amount"),
    ] {
        let fields = format!("<subject>new</subject>{fields}");
        refused(&service.put(&path, &body(&fields)), &[field]);
        if !fields.contains("-1,2,") {
            refused(&service.post("/invoices", &body(&fields)), &[field]);
        }
    }
    for amount in ["ten", "", "1e3", "1234567890123", "0.1234567"] {
        refused(&service.post(&format!("{path}/payments"), &billing::payment(amount)), &["amount"]);
    }
    refused(&service.post(&format!("{path}/payments"), &billing::payment("1")), &["amount"]);
    assert_eq!([service.get(&path).body, service.get("/invoices").body, service.get(&paid).body], before);
    assert_eq!(service.get(&format!("{path}/payments")).ids(), [1]);
    let most = service.invoice(1, &format!("<tax>0</tax>{big}"));
    assert_eq!(elements(&service, &most, ["amount"]), ["999999999999.99"], "the largest is no rounder than the rest");
}

/// A generator of numbers that gives the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((u128::from(self.0 >> 11) * u128::from(limit.unsigned_abs())) >> 53).unwrap()
    }

    fn one_in(&mut self, times: i64) -> bool {
        self.below(times) == 0
    }

    /// Millionths, often with few digits, so that halves of a cent are met.
    fn millionths(&mut self, whole: i64) -> i64 {
        let unit = [1_000_000, 500_000, 100_000, 10_000, 5_000, 1_000, 1][usize::try_from(self.below(7)).unwrap()];
        self.below(whole * 1_000_000 / unit) * unit
    }

    fn signed(&mut self, whole: i64) -> i64 {
        let magnitude = self.millionths(whole);
        if self.one_in(5) { -magnitude } else { magnitude }
    }

    fn percent(&mut self) -> Option<i64> {
        match self.below(5) {
            0 => None,
            1 => Some([0, 100_000_000][usize::try_from(self.below(2)).unwrap()]),
            _ => Some(self.millionths(100)),
        }
    }

    fn line(&mut self) -> Line {
        let [quantity, price] = [self.signed(40), self.signed(3_000)];
        Line { quantity, price, taxed: self.one_in(2), taxed2: self.one_in(2) }
    }
}

struct Line {
    quantity: i64,
    price: i64,
    taxed: bool,
    taxed2: bool,
}

/// What an invoice should be; money and percents in millionths.
#[derive(Default)]
struct Model {
    lines: Vec<Line>,
    discount: Option<i64>,
    taxes: [Option<i64>; 2],
    payments: Vec<(i64, i64)>,
    sent: bool,
    closed: bool,
}

fn decimal(millionths: i128) -> Decimal {
    Decimal::from_i128_with_scale(millionths, 6)
}

fn small(millionths: i64) -> Decimal {
    decimal(millionths.into())
}

/// A fraction in whole cents, by its remainder: half or more goes away from zero. In millionths.
fn rounded(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = ((numerator * 100) / denominator, (numerator * 100) % denominator);
    let away = if rest.abs() * 2 >= denominator { numerator.signum() } else { 0 };
    (whole + away) * 10_000
}

const M: i128 = 1_000_000;

impl Model {
    fn sum(&self, counts: impl Fn(&Line) -> bool) -> i128 {
        let amount = |line: &Line| rounded(i128::from(line.quantity) * i128::from(line.price), M * M);
        self.lines.iter().filter(|line| counts(line)).map(amount).sum()
    }

    /// amount, due-amount, discount-amount, the taxes' amounts, state.
    fn expected(&self) -> (Decimal, Decimal, Decimal, [Option<Decimal>; 2], State) {
        let all = self.sum(|_| true);
        let discount = i128::from(self.discount.unwrap_or(0));
        let discounted = rounded(all * discount, 100 * M * M);
        // Each factor is in millionths: T in M, (100 - discount) in M, tax in M, over 10 000.
        let tax = |percent: Option<i64>, taxed: i128| {
            percent.map(|percent| rounded(taxed * (100 * M - discount) * i128::from(percent), 10_000 * M * M * M))
        };
        let taxes = [tax(self.taxes[0], self.sum(|line| line.taxed)), tax(self.taxes[1], self.sum(|line| line.taxed2))];
        let amount = all - discounted + taxes.iter().flatten().sum::<i128>();
        let paid: i128 = self.payments.iter().map(|(_, amount)| i128::from(*amount)).sum();
        let state = if self.closed {
            State::Closed
        } else if !self.payments.is_empty() && amount <= paid {
            State::Paid
        } else if !self.sent {
            State::Draft
        } else if paid > 0 {
            State::Partial
        } else {
            State::Open
        };
        (decimal(amount), decimal(amount - paid), decimal(discounted), taxes.map(|tax| tax.map(decimal)), state)
    }

    #[track_caller]
    fn check(&self, tx: &Transaction<'_>, id: i64, seen: &mut [u64; 5]) {
        let Invoice { amount, due_amount, discount_amount, tax_amount, tax2_amount, state, .. } =
            tx.invoices().get(id).unwrap();
        let found = (amount, due_amount, discount_amount, [tax_amount, tax2_amount], state);
        assert_eq!(found, self.expected(), "invoice {id}");
        seen[state as usize] += 1;
    }

    fn write(&mut self, random: &mut Random, mut fields: NewInvoice, all: bool) -> NewInvoice {
        if all || random.one_in(2) {
            self.lines = (0..random.below(4)).map(|_| random.line()).collect();
            let line = |line: &Line| {
                NewLineItem::of("x", small(line.quantity), small(line.price)).taxed(line.taxed).taxed2(line.taxed2)
            };
            fields = fields.lines(self.lines.iter().map(line));
        }
        if all || random.one_in(2) {
            self.discount = random.percent();
            self.taxes = [random.percent(), random.percent()];
            let [tax, tax2] = self.taxes.map(|tax| tax.map(small));
            fields = fields.discount(self.discount.map(small)).tax(tax).tax2(tax2);
        }
        fields
    }

    /// One random change that the state allows.
    fn change(&mut self, random: &mut Random, tx: &Transaction<'_>, id: i64) {
        let (_, due, _, _, state) = self.expected();
        let invoices = tx.invoices();
        match (random.below(8), state) {
            (0 | 1, _) => {
                let changes = self.write(random, InvoiceChanges::new(), false);
                invoices.update(id, &changes).unwrap();
            }
            (2, State::Closed) | (3, State::Closed) => {
                invoices.reopen(id).unwrap();
                self.closed = false;
            }
            (2, State::Draft) => {
                invoices.mark_as_sent(id).unwrap();
                self.sent = true;
            }
            (2, State::Open) => {
                invoices.mark_as_draft(id).unwrap();
                self.sent = false;
            }
            (3, State::Open | State::Partial) => {
                invoices.close(id).unwrap();
                self.closed = true;
            }
            (_, State::Closed) => {}
            (4, _) if !self.payments.is_empty() => {
                let (payment, _) = self.payments.pop().unwrap();
                invoices.remove_payment(payment).unwrap();
            }
            _ => {
                let amount = match random.below(4) {
                    0 => i64::try_from(due.mantissa()).unwrap(),
                    1 => 0,
                    _ => random.signed(3_000),
                };
                let payment = NewPayment::of(id, small(amount), moment("2011-03-31T09:00:00Z"));
                self.payments.push((invoices.record_payment(&payment).unwrap(), amount));
            }
        }
    }
}

#[test]
fn a_hundred_thousand_changes_come_to_what_they_should() {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("one")).unwrap();
    let mut random = Random(20_110_331);
    let (mut cases, mut seen) = (0, [0; 5]);
    while cases < 100_000 {
        store
            .transaction(|tx| {
                for _ in 0..500 {
                    let mut model = Model::default();
                    let new = model.write(&mut random, NewInvoice::of(1).number("1"), true);
                    let id = tx.invoices().create(&new)?;
                    model.check(tx, id, &mut seen);
                    for _ in 0..9 {
                        model.change(&mut random, tx, id);
                        model.check(tx, id, &mut seen);
                    }
                    cases += 10;
                }
                Ok(())
            })
            .unwrap();
    }
    assert!(seen.iter().all(|times| *times > 1_000), "every state is met: {seen:?}");
}
