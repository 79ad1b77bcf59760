//! Every operation under every fault.

use clientstore::Durability;
use clientstore_faults::{Call, Fault, arm, disarm, lose_power};

use crate::bench::{Bench, Calls, Counts, assert_typed, calls_of, dump, errors, losses, seeds, survives};
use crate::operations::{GENERATE, Operation, READS, WRITES};

/// In the short form each fault comes at no more than this many calls of an operation; at fewer if the store has the file to
/// itself.
const MOST: u64 = 5;
const MOST_EXCLUSIVE: u64 = 2;

/// What the store holds before and after an operation, and its answer.
fn around(bench: &Bench, (name, run): Operation) -> (Vec<u8>, Vec<u8>, String) {
    let store = bench.fresh().unwrap();
    let before = dump(&store);
    let answer = run(&store).unwrap();
    let after = dump(&store);
    assert_eq!(before == after, READS.iter().any(|(read, _)| *read == name), "{name}");
    (before, after, answer)
}

/// Runs an operation with each fault at calls from the first to the last.
fn at_calls(bench: &Bench, faults: &[Fault], most: u64, operation: Operation, counts: &mut Counts) {
    let (before, after, answer) = around(bench, operation);
    let (name, run) = operation;
    for (place, fault) in faults.iter().enumerate() {
        let store = bench.fresh().unwrap();
        let calls = Calls::spread(calls_of(*fault, move || run(&store).unwrap()), most);
        counts.calls += calls.total;
        for n in calls.from(place) {
            let context = format!("{name} with {fault:?} at call {n}");
            let store = bench.fresh().unwrap();
            arm(*fault, n);
            let result = survives(&context, || run(&store));
            // With a fault for good, closing fails as well.
            survives(&context, || drop(store));
            counts.faults += u64::from(disarm());
            let holds = bench.holds(&context);
            match result {
                Ok(said) => {
                    assert!(holds == after, "{context} was acknowledged and is not there");
                    let is_page = name == "check" && matches!(fault, Fault::Error { call: Call::Read, .. });
                    assert!(said == answer || is_page && tells_the_page(&said), "{context} answered {said}");
                }
                Err(error) => {
                    assert_typed(&error, &context);
                    assert!(holds == before || holds == after, "{context} has half happened");
                }
            }
        }
    }
}

/// For a check, a page that cannot be read is a finding, with SQLite's code of the error (`SQLITE_IOERR` and more).
fn tells_the_page(said: &str) -> bool {
    let code = said.split("error code=").nth(1).and_then(|rest| rest.split('"').next());
    code.is_some_and(|code| code.parse::<u32>().is_ok_and(|code| code & 0xFF == 10))
}

fn all(exclusive: bool, faults: &[Fault], what: &str) {
    let bench = Bench::new(Durability::Full, exclusive);
    let mut counts = Counts::default();
    let most = if exclusive { MOST_EXCLUSIVE } else { MOST };
    for operation in WRITES.iter().chain(READS) {
        at_calls(&bench, faults, most, *operation, &mut counts);
    }
    let Counts { faults, calls } = counts;
    let mode = if exclusive { " of a store that owns its file" } else { "" };
    let number = WRITES.len() + READS.len();
    println!("{faults} {what} amid {number} operations{mode}, spread over {calls} calls");
    assert!(faults > 150, "{faults}");
}

#[test]
fn what_meets_an_io_error_or_a_full_disk_has_happened_or_not() {
    all(false, &errors(), "errors and full disks");
}

#[test]
fn what_a_loss_of_power_meets_has_happened_or_not() {
    all(false, &losses().collect::<Vec<_>>(), "losses of power");
}

#[test]
fn what_meets_an_error_in_exclusive_mode_has_happened_or_not() {
    all(true, &errors(), "errors and full disks");
}

#[test]
fn what_a_loss_of_power_meets_in_exclusive_mode_has_happened_or_not() {
    all(true, &losses().collect::<Vec<_>>(), "losses of power");
}

#[test]
fn what_meets_a_fault_while_records_are_generated_has_happened_or_not() {
    let bench = Bench::empty(Durability::Full, false);
    drop(bench.open("template.db").unwrap());
    let mut counts = Counts::default();
    let faults: Vec<_> = errors().into_iter().chain(losses()).collect();
    at_calls(&bench, &faults, MOST, GENERATE, &mut counts);
    println!("{} faults while records were generated, spread over {} calls", counts.faults, counts.calls);
    assert!(counts.faults > 20, "{}", counts.faults);
}

/// How many acknowledged operations a loss of power right after them, or after the store was closed, took, and how many
/// files it damaged.
fn lost_after(durability: Durability, exclusive: bool) -> (usize, usize) {
    let bench = Bench::new(durability, exclusive);
    let (mut lost, mut damaged) = (0, 0);
    for operation in WRITES {
        let (_, after, _) = around(&bench, *operation);
        for (seed, closes) in (0..seeds()).flat_map(|seed| [(seed, false), (seed, true)]) {
            let store = bench.fresh().unwrap();
            operation.1(&store).unwrap();
            let store = (!closes).then_some(store);
            lose_power(seed);
            drop(store);
            match bench.found() {
                Ok(found) => lost += usize::from(found != after),
                Err(_) => damaged += 1,
            }
        }
    }
    let mode = if exclusive { ", exclusive" } else { "" };
    let number = WRITES.len() as u64 * seeds() * 2;
    println!(
        "{durability:?}{mode}: of {number} losses right after, {lost} took what was acknowledged, {damaged} the file"
    );
    (lost, damaged)
}

#[test]
fn what_was_acknowledged_outlasts_a_loss_of_power() {
    assert_eq!(lost_after(Durability::Full, false), (0, 0));
    assert_eq!(lost_after(Durability::Full, true), (0, 0));
}

#[test]
fn with_few_syncs_a_loss_of_power_leaves_the_file_whole() {
    let (lost, damaged) = lost_after(Durability::Normal, false);
    assert!(lost > 10, "{lost}: the losses are none");
    assert_eq!(damaged, 0);
}

/// The proof that the losses are real.
#[test]
fn without_syncs_a_loss_of_power_takes_what_was_acknowledged_and_files() {
    let (lost, damaged) = lost_after(Durability::Off, false);
    assert!(lost > 10 && damaged > 0, "{lost} lost, {damaged} damaged");
}
