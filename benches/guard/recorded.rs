//! The recorded ratios and counts, and what is worse than they are.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use serde::Deserialize;

use super::Row;
use super::common::data::Data;
use super::common::harness::sorted;

const RATIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ratios.toml");
/// How many runs a recorded value is the median of.
const RUNS: usize = 5;
/// A value is worse if it is off by more than its spread times this.
const MARGIN: f64 = 1.5;

const HEAD: &str = "\
# What is guarded: the median of five runs, and how far the highest was from the lowest. Some of the runs were on a busy
# machine. Written by: cargo bench --bench guard -- --record
#
# time: processor time beside the floor's. allocated: bytes, for one operation, or for one byte of the body. reads: calls that
# read a file, for one operation. syncs: calls that sync a file or a directory, beside the floor's.

";

/// What is measured of a row.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Quantity {
    /// Processor time beside the floor's.
    Time,
    /// Bytes allocated.
    Allocated,
    /// Calls that read a file.
    Reads,
    /// Calls that sync, beside the floor's.
    Syncs,
}

impl Quantity {
    fn name(self) -> &'static str {
        match self {
            Quantity::Time => "time",
            Quantity::Allocated => "allocated",
            Quantity::Reads => "reads",
            Quantity::Syncs => "syncs",
        }
    }

    /// A spread counts for at least this part of the value, and for at least so much: five runs in a row differ less than
    /// runs on different days, and than machines do.
    fn least_spread(self) -> (f64, f64) {
        match self {
            Quantity::Time => (0.2, 0.03),
            Quantity::Allocated => (0.04, 0.02),
            Quantity::Reads => (0.05, 0.1),
            Quantity::Syncs => (0.02, 0.0),
        }
    }
}

/// What a run gave for a row.
pub type Measured = BTreeMap<Quantity, f64>;

/// What [`RUNS`] runs gave.
#[derive(Clone, Copy, Deserialize)]
struct Recorded {
    /// The median.
    median: f64,
    /// The highest less the lowest.
    spread: f64,
}

impl Recorded {
    fn of(values: &[f64]) -> Self {
        let values = sorted(values.iter().copied());
        Recorded { median: values[values.len() / 2], spread: values[values.len() - 1] - values[0] }
    }

    /// The highest value that passes.
    fn limit(self, quantity: Quantity) -> f64 {
        let (part, least) = quantity.least_spread();
        self.median + MARGIN * self.spread.max(part * self.median).max(least)
    }
}

type File = BTreeMap<String, BTreeMap<Quantity, Recorded>>;

/// Fails where one of the wanted rows is worse than recorded, twice in a row, or where rows and recorded values are not
/// of the same names.
pub fn compare(rows: &[Row], is_wanted: impl Fn(&&Row) -> bool, counts_only: bool) -> ExitCode {
    let recorded: File = toml::from_str(&std::fs::read_to_string(RATIOS).unwrap()).unwrap();
    let mut failed: Vec<String> = recorded
        .keys()
        .filter(|name| !rows.iter().any(|row| row.name == **name))
        .map(|name| format!("{name}: no such row"))
        .collect();
    let data = Data::new();
    println!("row | what | found | recorded | worst that passes | ok");
    for row in rows.iter().filter(is_wanted) {
        let Some(recorded) = recorded.get(row.name) else {
            failed.push(format!("{}: nothing recorded", row.name));
            continue;
        };
        let worse = || {
            let mut worse = Vec::new();
            let mut measured = (row.measure)(&data);
            measured.retain(|quantity, _| !(counts_only && *quantity == Quantity::Time));
            let is_missing = |quantity: &&Quantity| {
                !(measured.contains_key(quantity) || counts_only && **quantity == Quantity::Time)
            };
            for quantity in recorded.keys().filter(is_missing) {
                println!("{} | {} | not measured here", row.name, quantity.name());
                if std::env::var_os("CLIENTSTORE_SKIPS_NOTHING").is_some() {
                    worse.push(format!("{}, which is not measured here", quantity.name()));
                }
            }
            for (quantity, value) in measured {
                let what = quantity.name();
                let Some(recorded) = recorded.get(&quantity) else {
                    worse.push(format!("{what}, which is not recorded"));
                    continue;
                };
                let limit = recorded.limit(quantity);
                let verdict = if value <= limit { "ok" } else { "WORSE" };
                println!("{} | {what} | {value:.3} | {:.3} | {limit:.3} | {verdict}", row.name, recorded.median);
                if value > limit {
                    worse.push(what.to_owned());
                }
            }
            worse
        };
        if !worse().is_empty() {
            let again = worse();
            if !again.is_empty() {
                failed.push(format!("{}: worse than recorded, twice in a row: {}", row.name, again.join(", ")));
            }
        }
    }
    for reason in &failed {
        println!("{reason}");
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("If it is meant to be so: cargo bench --bench guard -- --record");
    ExitCode::FAILURE
}

/// Measures all rows [`RUNS`] times, and writes what they gave in place of what was recorded.
pub fn record(rows: &[Row]) -> ExitCode {
    let mut values = vec![BTreeMap::<Quantity, Vec<f64>>::new(); rows.len()];
    for run in 1..=RUNS {
        // Each run makes its own files: where they lie in memory and on the disk is a part of the spread.
        let data = Data::new();
        for (row, values) in rows.iter().zip(&mut values) {
            for (quantity, value) in (row.measure)(&data) {
                println!("run {run} of {RUNS} | {} | {} | {value:.3}", row.name, quantity.name());
                values.entry(quantity).or_default().push(value);
            }
        }
    }
    let mut file = String::from(HEAD);
    for (row, values) in rows.iter().zip(&values) {
        writeln!(file, "[\"{}\"]", row.name).unwrap();
        for (quantity, values) in values {
            let Recorded { median, spread } = Recorded::of(values);
            writeln!(file, "{} = {{ median = {median:.4}, spread = {spread:.4} }}", quantity.name()).unwrap();
        }
        file.push('\n');
    }
    std::fs::write(RATIOS, file.trim_end().to_owned() + "\n").unwrap();
    ExitCode::SUCCESS
}
