//! What the benches share: realistic clients, the same on every run, and the harness.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// What a client is made from.
pub struct Fixture {
    pub name: String,
    pub details: String,
}

const FIRST: &[&str] = &["Jane", "Omar", "Lucía", "Peter", "Mei", "Ana", "Tom", "Ingrid", "Ravi", "Zoë"];
const LAST: &[&str] = &["Miller", "Okafor", "Fernández", "Novak", "Chen", "Silva", "Baker", "Larsen", "Patel", "Groß"];
const WORDS: &[&str] =
    &["Northwind", "Harbor", "Acme", "Blue Ridge", "Summit", "Pixel", "Old Mill", "Granite", "Delta"];
const TRADES: &[&str] = &["Partners", "& Sons", "Design", "Logistics", "Consulting", "Foods", "Media", "Labs"];
const FORMS: &[&str] = &["Inc.", "LLC", "GmbH", "Ltd.", "Co."];
const STREETS: &[&str] = &["Old Post Rd", "Market St", "Washington Ave", "Hauptstraße", "King's Cross Rd", "5th Ave"];
const CITIES: &[&str] = &["Springfield, MA", "Boulder, CO", "Portland, OR", "Albany, NY", "Madison, WI", "Mobile, AL"];

/// Clients with names like people's firms have, and addresses of about 130 bytes in six lines.
pub fn clients(count: usize) -> Vec<Fixture> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut draw = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below
    };
    (0..count)
        .map(|_| {
            let mut pick = |from: &'static [&'static str]| from[draw(from.len())];
            let (first, last, word) = (pick(FIRST), pick(LAST), pick(WORDS));
            let name = format!("{word} {} {}", pick(TRADES), pick(FORMS));
            let (street, city) = (pick(STREETS), pick(CITIES));
            let details = format!(
                "Attn: {first} {last}\n{} {street}, Suite {}\n{city} {:05}\nUnited States\nPhone: +1 ({}) 555-{:04}\nbilling@{}.example",
                1 + draw(9_999),
                100 + draw(900),
                draw(100_000),
                200 + draw(800),
                draw(10_000),
                word.to_lowercase().replace(' ', "-"),
            );
            Fixture { name, details }
        })
        .collect()
}

/// How long a function takes.
pub fn time<T>(run: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(run());
    start.elapsed()
}

/// Runs the case and its floor in turn, and gives the median of the rounds' ratios.
///
/// Who goes first changes with each round, so that neither always finds the caches the other's.
pub fn ratio(rounds: usize, mut case: impl FnMut() -> Duration, mut floor: impl FnMut() -> Duration) -> f64 {
    case();
    floor();
    let mut ratios: Vec<f64> = (0..rounds)
        .map(|round| {
            let (ours, theirs) = if round % 2 == 0 {
                let ours = case();
                (ours, floor())
            } else {
                let theirs = floor();
                (case(), theirs)
            };
            ours.as_secs_f64() / theirs.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[rounds / 2]
}

/// What a ratio should be.
pub enum Aim {
    AtMost(f64),
    AtLeast(f64),
    /// Printed for the reader; no aim is set.
    Shown,
}

/// Prints a case's line.
pub fn report(case: &str, ratio: f64, aim: Aim) {
    let (aim, verdict) = match aim {
        Aim::AtMost(most) => (format!("{most:.2}"), if ratio <= most { "ok" } else { "MISS" }),
        Aim::AtLeast(least) => (format!("at least {least:.2}"), if ratio >= least { "ok" } else { "MISS" }),
        Aim::Shown => ("-".to_owned(), ""),
    };
    println!("{case} | {ratio:.3} | {aim} | {verdict}");
}
