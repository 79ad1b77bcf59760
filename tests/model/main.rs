//! Random operations on the API against a plain model of the specification: every answer, and the
//! whole store, to the byte.
//!
//! `CLIENTSTORE_MODEL_OPS` says how many operations, `CLIENTSTORE_MODEL_SEED` which ones; a failure
//! prints the seed and the fewest operations that still fail.

#[path = "../api/mod.rs"]
mod api;
mod bodies;
#[path = "../common/mod.rs"]
mod common;
mod generate;
mod invoices;
mod json_answers;
mod json_bodies;
mod lists;
mod op;
mod people;
mod read;
mod schema;
mod state;
mod values;
mod world;
mod write;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{Random, tell};
use op::{Op, shown};
use world::{Counts, Setting, World};

/// The default number of operations.
const SHORT: u64 = 50_000;
/// The number of operations on one store before the next store.
const EPISODE: u64 = 1_000;
/// The number of operations between two comparisons of the whole store.
const BETWEEN_DUMPS: usize = 100;

fn given(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[test]
fn every_answer_and_the_whole_store_are_what_the_specification_says() {
    let operations = given("CLIENTSTORE_MODEL_OPS", SHORT);
    let seed = given("CLIENTSTORE_MODEL_SEED", 20_110_331);
    let episodes = operations.div_ceil(EPISODE);
    let (next, counts) = (AtomicU64::new(0), Mutex::new(Counts::default()));
    let failure = Mutex::new(None);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while failure.lock().unwrap().is_none() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= episodes {
                        return;
                    }
                    match episode(seed, number) {
                        Ok(done) => counts.lock().unwrap().add(done),
                        Err(found) => drop(failure.lock().unwrap().get_or_insert((number, found))),
                    }
                }
            });
        }
    });
    if let Some((number, Failure { ops, said })) = failure.into_inner().unwrap() {
        let setting = setting(number);
        let (ops, said) = shrunk(setting, ops, said);
        let list: String = ops.iter().map(shown).collect();
        panic!(
            "seed {seed}, episode {number}, {setting:?}; the last of these {} operations fails:\n{list}\n{said}\n\
             again: CLIENTSTORE_MODEL_SEED={seed} CLIENTSTORE_MODEL_OPS={} cargo test --test model",
            ops.len(),
            (number + 1) * EPISODE,
        );
    }
    let counts = counts.into_inner().unwrap();
    report(&counts, seed, episodes * EPISODE, started.elapsed());
    if operations >= SHORT {
        everything_was_met(&counts);
    }
}

struct Failure {
    ops: Vec<Op>,
    said: String,
}

fn setting(episode: u64) -> Setting {
    Setting { live: episode % 2 == 1, file: episode / 2 % 2 == 1 }
}

fn episode(seed: u64, number: u64) -> Result<Counts, Failure> {
    let mut random = Random(seed ^ number.wrapping_mul(0xD134_2543_DE82_EF95));
    let mut world = World::new(setting(number));
    let mut ops = Vec::new();
    for at in 1..=EPISODE as usize {
        ops.push(generate::operation(&mut random, &world.model));
        let done =
            world.step(&ops[at - 1]).and_then(|()| if at % BETWEEN_DUMPS == 0 { world.compare() } else { Ok(()) });
        if let Err(said) = done {
            return Err(Failure { ops, said });
        }
    }
    match world.whole() {
        Ok(()) => Ok(world.counts),
        Err(said) => Err(Failure { ops, said }),
    }
}

/// How the operations fail, and how many of them it takes; none where they do not.
fn replayed(setting: Setting, ops: &[Op]) -> Option<(usize, String)> {
    let mut world = World::new(setting);
    for (at, op) in ops.iter().enumerate() {
        if let Err(said) = world.step(op) {
            return Some((at + 1, said));
        }
    }
    world.whole().err().map(|said| (ops.len(), said))
}

/// Leaves out what is not needed to fail, in ever smaller pieces.
fn shrunk(setting: Setting, mut ops: Vec<Op>, mut said: String) -> (Vec<Op>, String) {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let end = Instant::now() + Duration::from_secs(60);
    let mut piece = ops.len() / 2;
    while piece > 0 && Instant::now() < end {
        let mut at = 0;
        while at < ops.len() && Instant::now() < end {
            let mut fewer = ops.clone();
            fewer.drain(at..(at + piece).min(ops.len()));
            match replayed(setting, &fewer) {
                Some((needed, now)) => {
                    fewer.truncate(needed);
                    (ops, said) = (fewer, now);
                }
                None => at += piece,
            }
        }
        piece /= 2;
    }
    let mut plain = ops.clone();
    plain.iter_mut().for_each(op::simplify);
    if let Some((_, now)) = replayed(setting, &plain) {
        (ops, said) = (plain, now);
    }
    std::panic::set_hook(quiet);
    (ops, said)
}

fn report(counts: &Counts, seed: u64, operations: u64, took: Duration) {
    tell(format_args!("model, seed {seed}: {operations} operations in {:.1} s", took.as_secs_f64()));
    let mut statuses = std::collections::BTreeMap::<u16, u64>::new();
    for (label, answers) in &counts.calls {
        let answers: Vec<String> = answers
            .iter()
            .map(|(status, count)| {
                *statuses.entry(*status).or_default() += count;
                format!("{status}: {count}")
            })
            .collect();
        println!("{label:50} {}", answers.join(", "));
    }
    tell(format_args!("model, answers by status: {statuses:?}"));
    println!("refusals by what their Hint must name: {:?}", counts.refusals);
    tell(format_args!("model: {:?}", counts.others));
}

/// A test that meets nothing proves nothing.
fn everything_was_met(counts: &Counts) {
    let calls: u64 = counts.calls.values().flat_map(|answers| answers.values()).sum();
    for what in ["asked for JSON", "asked for XML"] {
        let count = counts.others.get(what).unwrap_or(&0);
        assert!(*count > calls * 2 / 5, "{what}: {count} of {calls}");
    }
    let met = |label: &str, status| counts.calls.get(label).and_then(|answers| answers.get(&status)).unwrap_or(&0);
    for path in ["/clients", "/projects", "/invoices", "/invoice_item_categories", "/tasks", "/people", "/contacts"] {
        for (label, status) in [("POST", 201), ("POST", 400), ("GET", 200)] {
            assert!(*met(&format!("{label} {path}"), status) > 50, "{label} {path} {status}");
        }
        for (label, status) in [("GET", 200), ("GET", 404), ("PUT", 200), ("PUT", 400), ("PUT", 404), ("DELETE", 200)] {
            assert!(*met(&format!("{label} {path}/#"), status) > 2, "{label} {path}/# {status}");
        }
    }
    for path in ["/clients", "/projects", "/people"] {
        for status in [200, 400, 404] {
            assert!(*met(&format!("POST {path}/#/toggle"), status) > 2, "POST {path}/#/toggle {status}");
        }
    }
    for (label, status) in [
        ("POST /expense_categories", 201),
        ("POST /expense_categories", 400),
        ("PUT /expense_categories/#", 200),
        ("DELETE /expense_categories/#", 200),
        ("POST /expense_categories/#/toggle", 200),
    ] {
        assert!(*met(label, status) > 2, "{label} {status}");
    }
    for path in ["messages", "payments"] {
        for (label, status) in [("POST", 201), ("POST", 400), ("POST", 404), ("GET", 200)] {
            assert!(*met(&format!("{label} /invoices/#/{path}"), status) > 10, "{label} {path} {status}");
        }
        assert!(*met(&format!("DELETE /invoices/#/{path}/#"), 200) > 10, "DELETE {path}");
    }
    for path in ["task_assignments", "user_assignments"] {
        for (label, status) in [("POST", 201), ("POST", 400), ("POST", 404), ("GET", 200)] {
            assert!(*met(&format!("{label} /projects/#/{path}"), status) > 10, "{label} {path} {status}");
        }
        for (label, status) in [("GET", 200), ("PUT", 200), ("PUT", 400), ("DELETE", 200), ("DELETE", 404)] {
            assert!(*met(&format!("{label} /projects/#/{path}/#"), status) > 10, "{label} {path}/# {status}");
        }
    }
    for status in [201, 400, 404] {
        let label = "POST /projects/#/task_assignments/add_with_create_new_task";
        assert!(*met(label, status) > 5, "{label} {status}");
    }
    assert!(*met("GET /clients/#/contacts", 200) > 10, "contacts of a client");
    for rule in ["acting", "archived", "email", "at least one task", "is required"] {
        assert!(counts.refusals.get(rule).is_some_and(|count| *count > 5), "{rule}: {:?}", counts.refusals);
    }
    for action in ["mark_as_sent", "mark_as_draft", "mark_as_closed", "re_open"] {
        for status in [200, 400, 404] {
            assert!(*met(&format!("POST /invoices/#/messages/{action}"), status) > 5, "{action} {status}");
        }
    }
    for rule in ["active project", "project", "invoice", "inactive", "closed", "default", "csv-line-items", "amount"] {
        assert!(counts.refusals.get(rule).is_some_and(|count| *count > 5), "{rule}: {:?}", counts.refusals);
    }
    for what in [
        "file reopened",
        "dump loaded into a new store",
        "dump in JSON loaded into a new store",
        "list loaded",
        "list in JSON loaded",
        "dump compared",
        "dump in JSON compared",
    ] {
        assert!(counts.others.get(what).is_some_and(|count| *count > 20), "{what}: {:?}", counts.others);
    }
}
