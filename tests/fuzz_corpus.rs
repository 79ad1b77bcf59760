//! What is fuzzed, on the stable toolchain: every input of the corpus, and inputs by chance that
//! are made of them. `CLIENTSTORE_FUZZ_ROUNDS` says how many of these for each target,
//! `CLIENTSTORE_FUZZ_SEED` which ones.

mod api;
mod common;
#[cfg(feature = "server")]
#[path = "../fuzz/src/control.rs"]
mod control;
#[path = "../fuzz/src/document.rs"]
mod document;
#[path = "../fuzz/src/file.rs"]
mod file;
#[cfg(feature = "server")]
#[path = "../fuzz/src/hosts.rs"]
mod hosts;
#[path = "../fuzz/src/json.rs"]
mod json;
#[path = "../fuzz/src/lines.rs"]
mod lines;
#[path = "../fuzz/src/load.rs"]
mod load;
#[path = "../fuzz/src/multipart.rs"]
mod multipart;
#[path = "../fuzz/src/request.rs"]
mod request;
mod transfers;
#[path = "../fuzz/src/values.rs"]
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use common::{Random, tell};

/// No input takes longer, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn documents() {
    replay("document", document::run, 3_000);
}

#[test]
fn database_files() {
    replay("file", file::run, 100);
}

#[cfg(feature = "server")]
#[test]
fn control_paths() {
    replay("control", control::run, 200);
}

#[cfg(feature = "server")]
#[test]
fn hosts_and_origins() {
    replay("hosts", hosts::run, 20_000);
}

#[test]
fn json_documents() {
    replay("json", json::run, 3_000);
}

#[test]
fn csv_lines() {
    replay("lines", lines::run, 3_000);
}

#[test]
fn loads() {
    replay("load", load::run, 500);
}

#[test]
fn forms_in_parts() {
    replay("multipart", multipart::run, 2_000);
}

#[test]
fn requests() {
    replay("request", request::run, 2_000);
}

#[test]
fn dates_decimals_and_other_values() {
    replay("values", values::run, 3_000);
}

fn replay(target: &str, run: fn(&[u8]), rounds: u64) {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse().expect("a number"));
    let seed = number("CLIENTSTORE_FUZZ_SEED").unwrap_or(20_110_331);
    let rounds = number("CLIENTSTORE_FUZZ_ROUNDS").unwrap_or(rounds);
    let corpus = corpus(target);
    for (name, input) in &corpus {
        check(run, input, &|| format!("fuzz/corpus/{target}/{name}"));
    }
    let mut random = Random(seed);
    for round in 0..rounds {
        let input = random.crossed(&corpus);
        check(run, &input, &|| format!("{target}, seed {seed}, round {round}"));
    }
    tell(format_args!("fuzzing {target}: {} inputs of the corpus, {rounds} by chance, seed {seed}", corpus.len()));
}

fn check(run: fn(&[u8]), input: &[u8], which: &dyn Fn() -> String) {
    let begun = Instant::now();
    let done = catch_unwind(AssertUnwindSafe(|| run(input)));
    assert!(done.is_ok(), "{}: {:?}", which(), String::from_utf8_lossy(input));
    assert!(begun.elapsed() < PATIENCE, "{}: took {:?}", which(), begun.elapsed());
}

/// The inputs, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut inputs: Vec<(String, Vec<u8>)> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("the corpus is missing: {folder}: {error}"))
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    assert!(!inputs.is_empty(), "the corpus is empty: {folder}");
    inputs.sort();
    inputs
}

impl Random {
    /// An input with pieces of others put in, bytes changed, and pieces taken out or doubled.
    fn crossed(&mut self, corpus: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].1.clone();
        for _ in 0..=self.below(4) {
            let at = self.below(input.len() + 1);
            let end = (at + self.below(16)).min(input.len());
            match self.below(5) {
                0 if at < input.len() => input[at] = self.next() as u8,
                1 if at < input.len() => input[at] ^= 1 << self.below(8),
                2 => drop(input.drain(at..end)),
                3 => {
                    let piece = input[at..end].to_vec();
                    drop(input.splice(at..at, piece));
                }
                _ => {
                    let other = &corpus[self.below(corpus.len())].1;
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(32)).min(other.len());
                    drop(input.splice(at..end, other[from..to].iter().copied()));
                }
            }
        }
        input
    }
}
