//! Every operation under every fault: it has happened or it has not, and the file is whole.
//!
//! `CLIENTSTORE_FAULTS_SEEDS` says how many losses of power are tried at each call, 3 where it does not. A failure
//! names the operation, the fault and the call, which are the same in every run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::DateTime;
use clientstore::{
    ClientStore, Durability, Error, NewClient, NewInvoice, NewItemCategory, NewLineItem, NewMessage, NewPayment,
    NewProject, Result,
};
use clientstore_faults::{Call, Fault, arm, disarm, install, lose_power, power_on};

/// The VFS is the process's.
static TURN: Mutex<()> = Mutex::new(());

type Operation = (&'static str, fn(&ClientStore) -> Result<()>);

const OPERATIONS: &[Operation] = &[
    ("create a client", |store| store.clients().create(&NewClient::named("new")).map(drop)),
    ("update a client", |store| store.clients().update(1, &Default::default()).map(drop)),
    ("toggle a client", |store| store.clients().toggle(2).map(drop)),
    ("delete a client", |store| store.clients().delete(2)),
    ("create clients at once", |store| {
        let details = "x".repeat(3_000);
        store.clients().create_all((0..20).map(|n| NewClient::named(format!("{n}")).details(&*details))).map(drop)
    }),
    ("create a project", |store| store.projects().create(&NewProject::of(1, "new")).map(drop)),
    ("toggle a project", |store| store.projects().toggle(1).map(drop)),
    ("create an invoice", |store| {
        store.invoices().create(&NewInvoice::of(1).lines([NewLineItem::of("a", 1, 20)])).map(drop)
    }),
    ("mark an invoice as sent", |store| store.invoices().mark_as_sent(1)),
    ("delete an invoice", |store| store.invoices().delete(1)),
    ("create a message", |store| store.messages().create(&NewMessage::of(1, "Pay!")).map(drop)),
    ("record a payment", |store| {
        store.invoices().record_payment(&NewPayment::of(1, 10, DateTime::UNIX_EPOCH)).map(drop)
    }),
    ("remove a payment", |store| store.invoices().remove_payment(1)),
    ("create an item category", |store| store.item_categories().create(&NewItemCategory::named("new")).map(drop)),
    ("several in a transaction", |store| {
        store.transaction(|tx| {
            let id = tx.clients().create(&NewClient::named("new"))?;
            tx.projects().create(&NewProject::of(id, "its"))?;
            tx.invoices().create(&NewInvoice::of(id)).map(drop)
        })
    }),
    ("load a document", |store| {
        let list =
            "<clients><client><id>50</id><name>a</name></client><client><id>51</id><name>b</name></client></clients>";
        store.load([("clients.xml", list.as_bytes())]).map(drop)
    }),
    ("read everything", |store| store.dump(&mut std::io::sink(), |_| {}).map(drop)),
];

struct Bench {
    folder: tempfile::TempDir,
    durability: Durability,
    _turn: MutexGuard<'static, ()>,
}

impl Bench {
    fn new(durability: Durability) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        install();
        let bench = Bench { folder: tempfile::tempdir().unwrap(), durability, _turn: turn };
        let store = bench.open("template.db").unwrap();
        store.clients().create_all((0..30).map(|n| NewClient::named(format!("{n}")).details("x".repeat(500)))).unwrap();
        store.projects().create(&NewProject::of(1, "its")).unwrap();
        store.invoices().create(&NewInvoice::of(1).lines([NewLineItem::of("a", 3, 100)])).unwrap();
        store.invoices().record_payment(&NewPayment::of(1, 5, DateTime::UNIX_EPOCH)).unwrap();
        drop(store);
        power_on();
        assert!(!bench.path("template.db-wal").exists());
        bench
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self, name: &str) -> Result<ClientStore> {
        ClientStore::builder().deterministic(7).durability(self.durability).open(self.path(name))
    }

    /// A copy of the filled store.
    fn fresh(&self) -> Result<ClientStore> {
        for suffix in ["", "-wal", "-shm"] {
            drop(std::fs::remove_file(self.path(&format!("store.db{suffix}"))));
        }
        std::fs::copy(self.path("template.db"), self.path("store.db")).unwrap();
        self.open("store.db")
    }

    /// What the file holds when it is opened again; an error where it cannot be, or is not whole.
    fn found(&self) -> std::result::Result<Vec<u8>, String> {
        power_on();
        // It is no file; a loss of power takes it.
        drop(std::fs::remove_file(self.path("store.db-shm")));
        let store = self.open("store.db").map_err(|error| error.to_string())?;
        let report = store.check(|_| {}).map_err(|error| error.to_string())?;
        if report.is_clean() { Ok(dump(&store)) } else { Err(format!("{report:?}")) }
    }

    fn holds(&self, context: &str) -> Vec<u8> {
        self.found().unwrap_or_else(|error| panic!("{context}: {error}"))
    }

    /// What the store holds before and after an operation.
    fn around(&self, run: fn(&ClientStore) -> Result<()>) -> (Vec<u8>, Vec<u8>) {
        let store = self.fresh().unwrap();
        let before = dump(&store);
        run(&store).unwrap();
        let after = dump(&store);
        drop(store);
        (before, after)
    }
}

fn dump(store: &ClientStore) -> Vec<u8> {
    let mut document = Vec::new();
    store.dump(&mut document, |_| {}).unwrap();
    document
}

fn is_typed(error: &Error) -> bool {
    matches!(error, Error::Storage { .. } | Error::Busy { .. } | Error::Unopened { .. } | Error::Load { .. })
}

/// Runs an operation with the fault at its first, second, … call until none is left; how often it came.
fn at_every_call(bench: &Bench, fault: Fault, (name, run): Operation) -> u64 {
    let (before, after) = bench.around(run);
    for n in 1.. {
        let context = format!("{name} with {fault:?} at call {n}");
        let store = bench.fresh().unwrap();
        arm(fault, n);
        let result = catch_unwind(AssertUnwindSafe(|| run(&store))).unwrap_or_else(|_| panic!("{context} panicked"));
        // With a fault for good, closing fails as well.
        drop(store);
        let fired = disarm();
        if let Err(error) = &result {
            assert!(is_typed(error), "{context}: {error:?}");
        }
        let holds = bench.holds(&context);
        if result.is_ok() {
            assert!(holds == after, "{context} was acknowledged and is not there");
        } else {
            assert!(holds == before || holds == after, "{context} has half happened");
        }
        if !fired {
            return n - 1;
        }
    }
    unreachable!()
}

#[test]
fn what_meets_an_io_error_or_a_full_disk_has_happened_or_not() {
    let bench = Bench::new(Durability::Full);
    let mut count = 0;
    for operation in OPERATIONS {
        for for_good in [false, true] {
            for call in [Call::Read, Call::Write, Call::Sync, Call::Truncate] {
                count += at_every_call(&bench, Fault::Error { call, for_good }, *operation);
            }
            count += at_every_call(&bench, Fault::Full { for_good }, *operation);
        }
    }
    println!("{count} errors in {} operations", OPERATIONS.len());
    assert!(count > 500, "{count}");
}

fn seeds() -> u64 {
    std::env::var("CLIENTSTORE_FAULTS_SEEDS").map_or(3, |seeds| seeds.parse().unwrap())
}

#[test]
fn what_a_loss_of_power_meets_has_happened_or_not() {
    let bench = Bench::new(Durability::Full);
    let mut count = 0;
    for operation in OPERATIONS {
        for seed in 0..seeds() {
            count += at_every_call(&bench, Fault::PowerLoss { seed }, *operation);
        }
    }
    println!("{count} losses of power amid {} operations", OPERATIONS.len());
    assert!(count > 100, "{count}");
}

/// How many acknowledged operations a loss of power right after them took, and how many files it damaged.
fn lost_after(durability: Durability) -> (usize, usize) {
    let bench = Bench::new(durability);
    let (mut lost, mut damaged) = (0, 0);
    for (_, run) in OPERATIONS {
        for seed in 0..seeds() {
            let (_, after) = bench.around(*run);
            let store = bench.fresh().unwrap();
            run(&store).unwrap();
            lose_power(seed);
            drop(store);
            match bench.found() {
                Ok(found) => lost += usize::from(found != after),
                Err(_) => damaged += 1,
            }
        }
    }
    println!("{durability:?}: of {} losses right after, {lost} took what was acknowledged, {damaged} the file", {
        OPERATIONS.len() as u64 * seeds()
    });
    (lost, damaged)
}

#[test]
fn what_was_acknowledged_outlasts_a_loss_of_power() {
    assert_eq!(lost_after(Durability::Full), (0, 0));
}

#[test]
fn with_few_syncs_a_loss_of_power_leaves_the_file_whole() {
    let (lost, damaged) = lost_after(Durability::Normal);
    assert!(lost > 10, "{lost}: the losses are none");
    assert_eq!(damaged, 0);
}

/// The proof that the losses are real.
#[test]
fn without_syncs_a_loss_of_power_takes_what_was_acknowledged_and_files() {
    let (lost, damaged) = lost_after(Durability::Off);
    assert!(lost > 10 && damaged > 0, "{lost} lost, {damaged} damaged");
}

#[test]
fn a_file_that_cannot_be_opened_for_an_error_is_opened_once_it_has_passed() {
    let bench = Bench::new(Durability::Full);
    drop(bench.fresh().unwrap());
    let content = bench.holds("before");
    let mut count = 0;
    for call in [Call::Read, Call::Write, Call::Sync, Call::Truncate] {
        for n in 1.. {
            let context = format!("opening with an error at {call:?} {n}");
            power_on();
            arm(Fault::Error { call, for_good: true }, n);
            let opened = catch_unwind(AssertUnwindSafe(|| bench.open("store.db")));
            drop(opened.unwrap_or_else(|_| panic!("{context} panicked")));
            let fired = disarm();
            assert!(bench.holds(&context) == content, "{context}");
            if !fired {
                break;
            }
            count += 1;
        }
    }
    println!("{count} errors while opening");
    assert!(count > 5, "{count}");
}

#[test]
fn a_backup_that_fails_leaves_nothing_behind() {
    let bench = Bench::new(Durability::Full);
    let mut count = 0;
    for call in [Call::Read, Call::Write] {
        for n in 1.. {
            let store = bench.fresh().unwrap();
            let to = bench.path("copy.db");
            arm(Fault::Error { call, for_good: true }, n);
            let result = catch_unwind(AssertUnwindSafe(|| store.backup(&to, |_| {})));
            let fired = disarm();
            drop(store);
            power_on();
            match result.unwrap_or_else(|_| panic!("{call:?} {n} panicked")) {
                Ok(_) => assert!(ClientStore::check_file(&to, |_| {}).unwrap().is_clean()),
                Err(_) => assert!(!to.exists(), "{call:?} {n}"),
            }
            assert_eq!(partial(bench.folder.path()), 0, "{call:?} {n}");
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

fn partial(folder: &Path) -> usize {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains(".partial")).count()
}
