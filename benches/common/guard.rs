//! The guard: a short form of each case, compared with the ratios of earlier runs.
//!
//! A case and its floor still take turns, and what does not wait for the disk is measured in processor time, so
//! that other work on the machine changes the ratios little. Cases of durable writes are left out: how long
//! a sync takes changes from one moment to the next.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use serde::Deserialize;

use super::data::Data;
use super::harness::{Aim, Case, shorten, sorted};

const RATIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ratios.toml");
/// How many runs a recorded ratio is the median of.
const RUNS: usize = 5;
/// A spread counts for at least this part of its ratio, and for at least [`LEAST_SPREAD`]: five runs in a row
/// differ less than runs on different days.
const LEAST_SPREAD_OF_RATIO: f64 = 0.1;
/// In parts of the floor, for cases that cost next to nothing beside it.
const LEAST_SPREAD: f64 = 0.02;
/// A case is worse if it is off by more than its spread times this.
const MARGIN: f64 = 1.5;

/// What [`RUNS`] runs gave for a case.
#[derive(Clone, Copy, Deserialize)]
struct Recorded {
    /// The median.
    ratio: f64,
    /// The highest less the lowest.
    spread: f64,
}

impl Recorded {
    fn of(ratios: &[f64]) -> Self {
        let ratios = sorted(ratios.iter().copied());
        Recorded { ratio: ratios[ratios.len() / 2], spread: ratios[ratios.len() - 1] - ratios[0] }
    }

    /// The worst ratio that passes.
    fn limit(self, aim: Aim) -> f64 {
        let margin = MARGIN * self.spread.max(LEAST_SPREAD_OF_RATIO * self.ratio).max(LEAST_SPREAD);
        match aim {
            Aim::AtMost(_) | Aim::Shown => self.ratio + margin,
            Aim::AtLeast(_) => self.ratio - margin,
        }
    }

    fn admits(self, value: f64, aim: Aim) -> bool {
        match aim {
            Aim::AtMost(_) | Aim::Shown => value <= self.limit(aim),
            Aim::AtLeast(_) => value >= self.limit(aim),
        }
    }
}

fn guarded(cases: &[Case]) -> impl Iterator<Item = &Case> {
    cases.iter().filter(|case| !case.syncs)
}

/// Fails where one of the wanted cases is worse than recorded, twice in a row, or where cases and recorded ratios
/// are not of the same names.
pub fn compare(cases: &[Case], wanted: &[&Case]) -> ExitCode {
    shorten();
    let recorded: BTreeMap<String, Recorded> = toml::from_str(&std::fs::read_to_string(RATIOS).unwrap()).unwrap();
    let mut failed: Vec<String> = recorded
        .keys()
        .filter(|name| !guarded(cases).any(|case| case.name == **name))
        .map(|name| format!("{name}: no such case"))
        .collect();
    let data = Data::new();
    println!("case | ratio | recorded | worst that passes | ok");
    for case in wanted.iter().filter(|case| !case.syncs) {
        let Some(recorded) = recorded.get(case.name) else {
            failed.push(format!("{}: no recorded ratio", case.name));
            continue;
        };
        let passes = || {
            let outcome = (case.run)(&data);
            let passes = recorded.admits(outcome.value, case.aim);
            let (limit, verdict) = (recorded.limit(case.aim), if passes { "ok" } else { "WORSE" });
            println!("{} | {:.3} | {:.3} | {limit:.3} | {verdict}", case.name, outcome.value, recorded.ratio);
            eprintln!("    {}", outcome.note);
            passes
        };
        if !passes() && !passes() {
            failed.push(format!("{}: worse than recorded, twice in a row", case.name));
        }
    }
    for reason in &failed {
        println!("{reason}");
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("If it is meant to be so: cargo bench --bench floors -- --record");
    ExitCode::FAILURE
}

/// Measures all cases that are guarded [`RUNS`] times, and writes what they gave in place of the recorded ratios.
pub fn record(cases: &[Case]) -> ExitCode {
    shorten();
    let mut ratios = vec![Vec::new(); guarded(cases).count()];
    for run in 1..=RUNS {
        // Each run makes its own files: where they lie in memory and on the disk is a part of the spread.
        let data = Data::new();
        for (case, ratios) in guarded(cases).zip(&mut ratios) {
            let value = (case.run)(&data).value;
            println!("run {run} of {RUNS} | {} | {value:.3}", case.name);
            ratios.push(value);
        }
    }
    let mut file = String::from(
        "# What the short form of each guarded case of benches/floors.rs costs beside its floor: the median of five runs, and\n\
         # how far the highest was from the lowest. Written by: cargo bench --bench floors -- --record\n\n",
    );
    for (case, ratios) in guarded(cases).zip(&ratios) {
        let Recorded { ratio, spread } = Recorded::of(ratios);
        writeln!(file, "\"{}\" = {{ ratio = {ratio:.4}, spread = {spread:.4} }}", case.name).unwrap();
    }
    std::fs::write(RATIOS, file).unwrap();
    ExitCode::SUCCESS
}
