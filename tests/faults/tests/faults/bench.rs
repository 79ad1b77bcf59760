//! A store to break, and how it is broken.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::DateTime;
use clientstore::{
    Builder, ClientStore, Durability, Error, InvoiceKind, NewClient, NewContact, NewDayEntry, NewExpense, NewInvoice,
    NewItemCategory, NewLineItem, NewMessage, NewPayment, NewPerson, NewProject, NewTaskAssignment, NewUserAssignment,
    Receipt, Result, Unbilled,
};
use clientstore_faults::{Call, Fault, arm, calls, disarm, install, power_on};
use rust_decimal::Decimal;

use crate::operations::DAY;

/// The VFS is the process's.
static TURN: Mutex<()> = Mutex::new(());

/// How the power is lost.
pub fn losses() -> impl Iterator<Item = Fault> {
    (0..seeds()).map(|seed| Fault::PowerLoss { seed })
}

/// Every error, and full disks.
pub fn errors() -> Vec<Fault> {
    let calls = [Call::Read, Call::Write, Call::Sync, Call::Truncate];
    let errors = calls.into_iter().flat_map(|call| [false, true].map(|for_good| Fault::Error { call, for_good }));
    errors.chain([false, true].map(|for_good| Fault::Full { for_good })).collect()
}

pub fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |number| number.parse().unwrap())
}

pub fn seeds() -> u64 {
    number("CLIENTSTORE_FAULTS_SEEDS", 3)
}

/// The calls, out of `total`, that a fault comes at.
pub struct Calls {
    pub total: u64,
    stride: u64,
}

impl Calls {
    /// At most `most` calls unless the variable says another number. All calls if it is 0.
    pub fn spread(total: u64, most: u64) -> Self {
        let most = if most == 0 { 0 } else { number("CLIENTSTORE_FAULTS_CALLS", most) };
        Calls { total, stride: if most == 0 { 1 } else { total.div_ceil(most).max(1) } }
    }

    /// They begin elsewhere by the fault's place in its list, so that together faults come at more of them. The one after
    /// the last is never met.
    pub fn from(&self, place: usize) -> impl Iterator<Item = u64> + use<> {
        let first = 1 + place as u64 % self.stride;
        (first..=self.total).step_by(self.stride as usize)
    }
}

/// What was done.
#[derive(Default)]
pub struct Counts {
    /// Faults that came.
    pub faults: u64,
    /// Calls that they could have come at.
    pub calls: u64,
}

/// How often a fault could come while something is done.
pub fn calls_of<T>(fault: Fault, run: impl FnOnce() -> T) -> u64 {
    arm(fault, u64::MAX);
    drop(run());
    let count = calls();
    disarm();
    count
}

/// Does something; a panic is a failure.
pub fn survives<T>(context: &str, run: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| panic!("{context} panicked"))
}

pub struct Bench {
    pub folder: tempfile::TempDir,
    pub durability: Durability,
    pub exclusive: bool,
    _turn: MutexGuard<'static, ()>,
}

impl Bench {
    /// With a filled store as the template.
    pub fn new(durability: Durability, exclusive: bool) -> Self {
        let bench = Bench::empty(durability, exclusive);
        let store = bench.open("template.db").unwrap();
        store.clients().create_all((0..30).map(|n| NewClient::named(format!("{n}")).details("x".repeat(500)))).unwrap();
        store.projects().create(&NewProject::of(1, "its")).unwrap();
        store.projects().create(&NewProject::of(3, "asleep").active(false)).unwrap();
        store.contacts().create(&NewContact::of(1, "Jim", "Doe")).unwrap();
        // Each project has the assignment of person 1 already.
        store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
        store.user_assignments().create(&NewUserAssignment::of(1, 2)).unwrap();
        for task in [1, 2] {
            store.task_assignments().create(&NewTaskAssignment::of(1, task)).unwrap();
        }
        for _ in 1..=4 {
            store.invoices().create(&NewInvoice::of(1).lines([NewLineItem::of("a", 3, 100)])).unwrap();
        }
        store.invoices().record_payment(&NewPayment::of(1, 5, DateTime::UNIX_EPOCH)).unwrap();
        store.messages().create(&NewMessage::of(1, "Pay!")).unwrap();
        store.item_categories().create(&NewItemCategory::named("Meals")).unwrap();
        for sent in [2, 3] {
            store.invoices().mark_as_sent(sent).unwrap();
        }
        store.invoices().close(3).unwrap();
        // What the projects 3 and 4 have is on no invoice, and on invoice 5.
        for (client, project) in [(4, 3), (5, 4)] {
            store.projects().create(&NewProject::of(client, "with time")).unwrap();
            store.task_assignments().create(&NewTaskAssignment::of(project, 1)).unwrap();
            store.day_entries().create(&NewDayEntry::of(1, project, 1, DAY).hours(Decimal::TWO)).unwrap();
            let expense = store.expenses().create(&NewExpense::of(project, 2, DAY).total_cost(Decimal::TEN)).unwrap();
            store.expenses().keep_receipt(expense, &Receipt::new("a.txt", b"lunch ".repeat(2_000))).unwrap();
        }
        let billing = NewInvoice::of_projects(5, InvoiceKind::People, [4]);
        store.invoices().create(&billing.import_hours(Unbilled::All).import_expenses(Unbilled::All)).unwrap();
        drop(store);
        power_on();
        assert!(!bench.path("template.db-wal").exists());
        bench
    }

    pub fn empty(durability: Durability, exclusive: bool) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        install();
        Bench { folder: tempfile::tempdir().unwrap(), durability, exclusive, _turn: turn }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn builder(&self) -> Builder {
        ClientStore::builder().deterministic(7).durability(self.durability)
    }

    pub fn open(&self, name: &str) -> Result<ClientStore> {
        self.builder().exclusive(self.exclusive).open(self.path(name))
    }

    /// A copy of the template.
    pub fn fresh(&self) -> Result<ClientStore> {
        self.copy();
        self.open("store.db")
    }

    pub fn copy(&self) {
        self.clear();
        std::fs::copy(self.path("template.db"), self.path("store.db")).unwrap();
    }

    /// Removes all but the template, and what the VFS remembers of it.
    pub fn clear(&self) {
        power_on();
        for name in self.names() {
            if name != "template.db" {
                std::fs::remove_file(self.path(&name)).unwrap();
            }
        }
    }

    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The machine begins anew.
    pub fn restart(&self) {
        power_on();
        // It is no file; a loss of power takes it.
        drop(std::fs::remove_file(self.path("store.db-shm")));
    }

    /// What the file holds when it is opened again; an error where it cannot be, or is not whole.
    pub fn found(&self) -> std::result::Result<Vec<u8>, String> {
        self.restart();
        let store = self.open("store.db").map_err(|error| error.to_string())?;
        let report = store.check(|_| {}).map_err(|error| error.to_string())?;
        if report.is_clean() { Ok(dump(&store)) } else { Err(format!("{report:?}")) }
    }

    pub fn holds(&self, context: &str) -> Vec<u8> {
        self.found().unwrap_or_else(|error| panic!("{context}: {error}"))
    }
}

pub fn dump(store: &ClientStore) -> Vec<u8> {
    let mut document = Vec::new();
    store.dump(&mut document, |_| {}).unwrap();
    document
}

#[track_caller]
pub fn assert_typed(error: &Error, context: &(impl Debug + ?Sized)) {
    let typed =
        matches!(error, Error::Storage { .. } | Error::Busy { .. } | Error::Unopened { .. } | Error::Load { .. });
    assert!(typed, "{context:?}: {error:?}");
}
