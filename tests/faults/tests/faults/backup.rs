//! Opening and backing up under errors.

use clientstore::{ClientStore, Durability};
use clientstore_faults::{Call, Fault, arm, disarm, power_on};

use crate::bench::{Bench, survives};

#[test]
fn a_file_that_cannot_be_opened_for_an_error_is_opened_once_it_has_passed() {
    let mut count = 0;
    for exclusive in [false, true] {
        let bench = Bench::new(Durability::Full, exclusive);
        drop(bench.fresh().unwrap());
        let content = bench.holds("before");
        for call in [Call::Read, Call::Write, Call::Sync, Call::Truncate] {
            for n in 1.. {
                let context = format!("opening, exclusive {exclusive}, with an error at {call:?} {n}");
                power_on();
                arm(Fault::Error { call, for_good: true }, n);
                survives(&context, || drop(bench.open("store.db")));
                let fired = disarm();
                assert!(bench.holds(&context) == content, "{context}");
                if !fired {
                    break;
                }
                count += 1;
            }
        }
    }
    println!("{count} errors while opening");
    assert!(count > 10, "{count}");
}

#[test]
fn a_backup_that_fails_leaves_nothing_behind() {
    let bench = Bench::new(Durability::Full, false);
    let mut count = 0;
    for call in [Call::Read, Call::Write] {
        for n in 1.. {
            let store = bench.fresh().unwrap();
            let to = bench.path("copy.db");
            arm(Fault::Error { call, for_good: true }, n);
            let result = survives(&format!("{call:?} {n}"), || store.backup(&to, |_| {}));
            let fired = disarm();
            drop(store);
            power_on();
            match result {
                Ok(_) => assert!(ClientStore::check_file(&to, |_| {}).unwrap().is_clean()),
                Err(_) => assert!(!to.exists(), "{call:?} {n}"),
            }
            let partial = bench.names().into_iter().filter(|name| name.contains(".partial")).count();
            assert_eq!(partial, 0, "{call:?} {n}");
            drop(std::fs::remove_file(to));
            if !fired {
                break;
            }
            count += 1;
        }
    }
    println!("{count} errors in a backup");
    assert!(count > 10, "{count}");
}
