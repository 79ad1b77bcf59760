//! A new store, whose name is as new as its content.

use clientstore::{Durability, NewClient};
use clientstore_faults::{Fault, arm, disarm, lose_power};

use crate::bench::{Bench, Calls, calls_of, errors, losses, seeds, survives};

/// In the short form each error comes at no more than this many calls; a loss of power comes at every call.
const MOST: u64 = 8;

/// How far it came until something went wrong.
#[derive(Clone, Copy, Debug, Default)]
struct Acknowledged {
    open: bool,
    create: bool,
}

fn make(bench: &Bench) -> Acknowledged {
    let Ok(store) = bench.open("store.db") else { return Acknowledged::default() };
    Acknowledged { open: true, create: store.clients().create(&NewClient::named("new")).is_ok() }
}

/// What was acknowledged is there, and what was not stands in nobody's way.
fn holds(bench: &Bench, done: Acknowledged, context: &str) {
    bench.restart();
    if done.open {
        assert!(bench.path("store.db").exists(), "{context}: the store is gone");
    }
    let store = bench.open("store.db").unwrap_or_else(|error| panic!("{context}: {error}"));
    let report = store.check(|_| {}).unwrap();
    assert!(report.is_clean(), "{context}: {report:?}");
    let clients = store.clients().list(&Default::default()).unwrap().map(Result::unwrap);
    let names: Vec<_> = clients.map(|client| client.name).collect();
    let is_there = names == ["new"];
    assert!(is_there || names.is_empty() && !done.create, "{context}: {done:?}, and then {names:?}");
    store.clients().create(&NewClient::named("next")).unwrap_or_else(|error| panic!("{context}: {error}"));
}

#[test]
fn a_new_store_that_was_acknowledged_outlasts_a_loss_of_power_and_one_that_was_not_can_be_made_again() {
    let (mut count, mut names) = (0, 0);
    for exclusive in [false, true] {
        let bench = Bench::empty(Durability::Full, exclusive);
        for (place, fault) in losses().chain(errors()).enumerate() {
            bench.clear();
            let total = calls_of(fault, || make(&bench));
            let most = if matches!(fault, Fault::PowerLoss { .. }) { 0 } else { MOST };
            for n in Calls::spread(total, most).from(place) {
                let context = format!("a new store, exclusive {exclusive}, with {fault:?} at call {n}");
                bench.clear();
                arm(fault, n);
                let done = survives(&context, || make(&bench));
                count += u64::from(disarm());
                names += u64::from(!bench.path("store.db").exists());
                holds(&bench, done, &context);
            }
        }
        for seed in 0..seeds() {
            for creates in [false, true] {
                let context =
                    format!("a loss of power with seed {seed} after a new store was opened, created {creates}");
                bench.clear();
                let store = bench.open("store.db").unwrap();
                if creates {
                    store.clients().create(&NewClient::named("new")).unwrap();
                }
                lose_power(seed);
                drop(store);
                holds(&bench, Acknowledged { open: true, create: creates }, &context);
            }
        }
    }
    println!("{count} faults while a store was made and first written; {names} took the file's name with them");
    assert!(count > 100 && names > 0, "{count} {names}");
}
