//! What the product costs, each case beside a floor that a bare program sets in the same run.
//!
//! `cargo bench --bench floors` prints a line a case, `case | ratio | aim | ok`, or `MISS` at its end;
//! `cargo bench --bench floors -- list` only the cases with `list` in their names. How each came about
//! is on standard error.

mod common;

use std::process::Command;

use common::cases::CASES;
use common::data::Data;
use common::harness::{Case, report};
use common::wire;

fn main() {
    wire::serve_if_asked();
    let wanted: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted = |case: &&Case| wanted.is_empty() || wanted.iter().any(|wanted| case.name.contains(&**wanted));
    let data = Data::new();
    print_machine();
    println!("case | ratio | aim | ok");
    for case in CASES.iter().filter(is_wanted) {
        report(case.name, &(case.run)(&data), case.aim);
    }
}

/// What the numbers were made with.
fn print_machine() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let compiler = Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    println!("# {}, {cores} cores", model.map_or("a processor without a name", |(_, name)| name));
    println!("# {}, SQLite {}", String::from_utf8_lossy(&compiler).trim(), rusqlite::version());
}
