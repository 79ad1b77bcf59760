//! The guard: fails where something costs more than `benches/ratios.toml` admits, twice in a row.
//!
//! `cargo bench --bench guard` runs a short form of the cases of `floors`, and counts what requests allocate and how
//! often writes sync; with words after it, only what has one of them in its name. `-- --counts` compares what is counted
//! and no times, so that no other work on the machine matters. `-- --record` measures `benches/ratios.toml` anew.

mod bodies;
#[path = "../common/mod.rs"]
mod common;
mod recorded;
mod syncs;

use std::alloc::System;
use std::process::ExitCode;

use common::cases::CASES;
use common::counts::ALLOCATED;
use common::data::Data;
use common::harness::{Aim, Case, shorten};
use common::wire;
use recorded::{Measured, Quantity};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Something that is guarded.
struct Row {
    name: &'static str,
    measure: Box<dyn Fn(&Data) -> Measured>,
}

fn main() -> ExitCode {
    wire::serve_if_asked();
    syncs::write_if_asked();
    ALLOCATED.get_or_init(|| || ALLOCATOR.stats().bytes_allocated as u64);
    shorten();
    let (options, wanted): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let rows = rows();
    if options.iter().any(|option| option == "--record") {
        return recorded::record(&rows);
    }
    let is_wanted = |row: &&Row| wanted.is_empty() || wanted.iter().any(|wanted| row.name.contains(&**wanted));
    let counts_only = options.iter().any(|option| option == "--counts");
    recorded::compare(&rows, is_wanted, counts_only)
}

fn rows() -> Vec<Row> {
    // In the short form, what has a million clients has no more than what has a hundred thousand.
    let is_its_own = |case: &&Case| !case.by_the_clock && !case.name.contains("1,000,000");
    let cases = CASES.iter().filter(is_its_own);
    let cases = cases.map(|case| Row { name: case.name, measure: Box::new(move |data| measured(case, data)) });
    let bodies = bodies::CASES.iter().map(|&(name, run)| Row { name, measure: Box::new(run) });
    let syncs =
        syncs::WRITES.iter().map(|write| Row { name: write.name, measure: Box::new(move |data| write.measured(data)) });
    cases.chain(bodies).chain(syncs).collect()
}

/// What a case of `floors` costs in its short form.
fn measured(case: &Case, data: &Data) -> Measured {
    let outcome = (case.run)(data);
    eprintln!("    {}", outcome.note);
    let cost = match case.aim {
        Aim::AtMost(_) | Aim::Shown => outcome.value,
        Aim::AtLeast(_) => 1.0 / outcome.value,
    };
    let mut measured = Measured::from([(Quantity::Time, cost)]);
    if let Some(counts) = outcome.counts {
        measured.insert(Quantity::Allocated, counts.allocated);
        measured.insert(Quantity::Reads, counts.reads);
        eprintln!(
            "    counted: {:.1} bytes allocated, {:.3} reads beside {:.3}",
            counts.allocated, counts.reads, counts.floor_reads
        );
    }
    measured
}
