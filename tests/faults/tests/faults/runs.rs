//! Several operations in a row, with checkpoints between them, and losses of power at any of their calls.
//!
//! `CLIENTSTORE_FAULTS_RUNS` says how many losses there are, 40 where it does not, and `CLIENTSTORE_FAULTS_SEED` where they
//! begin.

use std::hash::{DefaultHasher, Hash, Hasher};

use clientstore::{ClientChanges, ClientStore, Durability, NewClient, NewInvoice, NewLineItem, NewProject, Result};
use clientstore_faults::{Fault, arm, disarm};

use crate::bench::{Bench, calls_of, dump, number, survives};
use crate::common::Random;

const OPERATIONS: u64 = 25;

/// An operation; most write 100 pages, so that SQLite's checkpoint, at 1,000, comes at every tenth or so.
fn operate(store: &ClientStore, random: &mut Random) -> Result<()> {
    match random.below(10) {
        0 => store.clients().create(&NewClient::named("new")).map(drop),
        1 => store.invoices().create(&NewInvoice::of(1).lines([NewLineItem::of("a", 3, 100)])).map(drop),
        2 => store.projects().create(&NewProject::of(1, "its")).map(drop),
        _ => {
            let first = 1 + random.below(20) as i64;
            let letter = char::from(b'a' + random.below(26) as u8);
            let changes = ClientChanges::new().details(String::from(letter).repeat(40_000));
            store.transaction(|tx| (first..first + 10).try_for_each(|id| tx.clients().update(id, &changes)))
        }
    }
}

fn hash(dump: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    dump.hash(&mut hasher);
    hasher.finish()
}

/// What is there after each operation.
fn states(bench: &Bench, seed: u64) -> Vec<u64> {
    let store = bench.fresh().unwrap();
    let mut random = Random(seed);
    let mut states = vec![hash(&dump(&store))];
    for _ in 0..OPERATIONS {
        operate(&store, &mut random).unwrap();
        states.push(hash(&dump(&store)));
    }
    states
}

/// Operates until something goes wrong; how many were acknowledged.
fn run(store: ClientStore, seed: u64) -> usize {
    let mut random = Random(seed);
    (0..OPERATIONS).take_while(|_| operate(&store, &mut random).is_ok()).count()
}

#[test]
fn after_a_loss_of_power_in_a_run_of_operations_the_first_of_them_are_there_and_all_that_were_acknowledged() {
    let begin = number("CLIENTSTORE_FAULTS_SEED", 1);
    let runs = number("CLIENTSTORE_FAULTS_RUNS", 40);
    let (mut losses, mut acknowledged, mut pending, mut closing) = (0, 0, 0, 0);
    for exclusive in [false, true] {
        let bench = Bench::new(Durability::Full, exclusive);
        let mut random = Random(begin);
        // A sequence of operations for each 20 losses.
        for sequence in 0..runs.div_ceil(40) {
            let seed = begin + 2 * sequence + u64::from(exclusive);
            let states = states(&bench, seed);
            let store = bench.fresh().unwrap();
            let total = calls_of(Fault::PowerLoss { seed: 0 }, || run(store, seed));
            for _ in 0..20.min(runs / 2 - 20 * sequence) {
                // With 0 and 1 all is lost, or stays.
                let most = if random.below(3) == 0 { 2 } else { 1 << 20 };
                let fault = Fault::PowerLoss { seed: random.below(most) as u64 };
                let n = 1 + random.below(total as usize) as u64;
                let context =
                    format!("operations of seed {seed}, exclusive {exclusive}, with {fault:?} at call {n} of {total}");
                let store = bench.fresh().unwrap();
                arm(fault, n);
                let done = survives(&context, || run(store, seed));
                assert!(disarm(), "{context} has not come");
                let holds = hash(&bench.holds(&context));
                let there = states.iter().rposition(|state| *state == holds);
                let Some(there) = there else {
                    panic!("{context}: {done} were acknowledged; it holds no state there was")
                };
                assert!(there >= done && there <= done + 1, "{context}: {done} were acknowledged, {there} are there");
                losses += 1;
                acknowledged += done as u64;
                pending += u64::from(there > done);
                closing += u64::from(done as u64 == OPERATIONS);
            }
        }
    }
    println!(
        "{losses} losses of power in runs of {OPERATIONS} operations: {acknowledged} were acknowledged and are there, \
         {pending} pending ones as well; {closing} came while the store was closed"
    );
}
