//! Backups: whole copies of a store that is in use, or none at all.

mod common;
mod transfers;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clientstore::{ClientStore, Durability, Error, NewClient, NewProject, Problem};
use common::plain;
use transfers::{RECORDS, dumped, fill};

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn filled(&self) -> ClientStore {
        let store = ClientStore::open(self.path("store.db")).unwrap();
        fill(&store);
        store
    }
}

#[test]
fn a_backup_holds_all_that_the_store_holds_on_disk_and_in_memory() {
    let folder = Folder::new();
    let memory = ClientStore::open_in_memory().unwrap();
    fill(&memory);
    for (store, name) in [(folder.filled(), "disk.db"), (memory, "memory.db")] {
        let mut steps = Vec::new();
        let report = store.backup(folder.path(name), |progress| steps.push(progress)).unwrap();
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(report.records(), RECORDS);
        assert_eq!(steps.first().unwrap().doing, "copying the pages");
        let last = steps.last().unwrap();
        assert_eq!((last.doing, last.done, last.total), ("checking the records", RECORDS, RECORDS));
        assert_eq!(dumped(&ClientStore::open(folder.path(name)).unwrap()), dumped(&store));
    }
    assert_eq!(names(folder.0.path()), ["disk.db", "memory.db", "store.db"]);
}

#[test]
fn a_backup_comes_to_its_end_however_much_is_written() {
    let folder = Folder::new();
    let store = ClientStore::builder().durability(Durability::Off).open(folder.path("store.db")).unwrap();
    store.clients().create_all((0..5000).map(|n| NewClient::named(format!("{n}")).details("x".repeat(1000)))).unwrap();
    let mut steps = 0;
    let copied = store.backup(folder.path("copy.db"), |progress| {
        store.clients().create(&NewClient::named(format!("meanwhile {steps}"))).unwrap();
        steps += u32::from(progress.doing == "copying the pages");
        assert!(steps < 100, "{progress:?}");
    });
    assert!(copied.unwrap().is_clean());
    assert!(steps > 1);
    let copy = ClientStore::open(folder.path("copy.db")).unwrap();
    assert_eq!(copy.clients().list(&Default::default()).unwrap().count(), 5000);
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_backup_under_writes_is_the_store_at_one_moment() {
    let folder = Folder::new();
    let store = ClientStore::builder().durability(Durability::Off).open(folder.path("store.db")).unwrap();
    store.clients().create_all((0..5000).map(|n| NewClient::named(format!("{n}")).details("x".repeat(1000)))).unwrap();
    let before = store.clients().list(&Default::default()).unwrap().count();
    let (done, written) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        // Also when a backup fails: the scope waits for the writer.
        let _stop = StopOnDrop(&done);
        // A client and its project are there together, or neither is.
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                store
                    .transaction(|tx| {
                        let id = tx.clients().create(&NewClient::named("new"))?;
                        tx.projects().create(&NewProject::of(id, "its"))
                    })
                    .unwrap();
                written.fetch_add(1, Ordering::Relaxed);
                // A log that cannot be checkpointed meanwhile would fill the disk at full speed.
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        for round in 0..5 {
            // Each has more in it than the one before.
            let (seen, begun) = (written.load(Ordering::Relaxed), Instant::now());
            while written.load(Ordering::Relaxed) <= seen + 1 {
                assert!(begun.elapsed() < Duration::from_secs(120), "the writer writes no more");
                std::thread::sleep(Duration::from_millis(1));
            }
            let report = store.backup(folder.path(&format!("{round}.db")), |_| {}).unwrap();
            assert!(report.is_clean(), "{report:?}");
        }
    });
    let mut last = before;
    for round in 0..5 {
        let copy = ClientStore::open(folder.path(&format!("{round}.db"))).unwrap();
        let clients = copy.clients().list(&Default::default()).unwrap().count();
        let projects = copy.projects().list(&Default::default()).unwrap().count();
        assert_eq!(clients, before + projects);
        assert!(clients > last || round == 0, "{clients} after {last}");
        last = clients;
    }
}

#[test]
fn a_backup_never_writes_over_a_file() {
    let folder = Folder::new();
    let store = folder.filled();
    std::fs::write(folder.path("precious"), "precious").unwrap();
    std::fs::create_dir(folder.path("inner")).unwrap();
    for name in ["precious", "inner", "store.db"] {
        match store.backup(folder.path(name), |_| {}) {
            Err(Error::Exists { path }) => assert_eq!(path, folder.path(name)),
            other => panic!("{other:?}"),
        }
    }
    // One that appears meanwhile is not written over either.
    let late = folder.path("late");
    let result = store.backup(&late, |_| std::fs::write(&late, "precious").unwrap());
    assert!(matches!(result, Err(Error::Exists { .. })), "{result:?}");
    for name in ["precious", "late"] {
        assert_eq!(std::fs::read_to_string(folder.path(name)).unwrap(), "precious");
    }
    drop(store);
    assert_eq!(names(folder.0.path()), ["inner", "late", "precious", "store.db"]);
}

#[test]
fn a_backup_into_a_missing_directory_says_what_to_do() {
    let folder = Folder::new();
    let error = folder.filled().backup(folder.path("nowhere").join("b.db"), |_| {}).unwrap_err();
    let (nowhere, file) = (folder.path("nowhere"), folder.path("nowhere").join("b.db"));
    let said = format!("cannot open {}: there is no directory {}; make it first", file.display(), nowhere.display());
    assert_eq!(error.to_string(), said);
}

#[test]
fn a_copy_that_is_damaged_is_no_backup_and_is_not_left() {
    let folder = Folder::new();
    drop(folder.filled());
    let page: i64 = plain(&folder.path("store.db"))
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'invoices_newest'", [], |row| row.get(0))
        .unwrap();
    let mut bytes = std::fs::read(folder.path("store.db")).unwrap();
    bytes[(page as usize - 1) * 4096..][..64].fill(0xAA);
    std::fs::write(folder.path("store.db"), bytes).unwrap();
    let store = ClientStore::builder().read_only(true).open(folder.path("store.db")).unwrap();
    let result = store.backup(folder.path("backup.db"), |_| {});
    assert!(matches!(result, Err(Error::Storage { doing: "verifying the backup", .. })), "{result:?}");
    drop(store);
    assert_eq!(names(folder.0.path()), ["store.db"]);
}

#[test]
fn a_copy_that_is_damaged_on_its_way_is_no_backup() {
    let folder = Folder::new();
    let store = folder.filled();
    let result = store.backup(folder.path("backup.db"), |progress| {
        // Between the copying and the check, as a bad disk would.
        if progress.doing == "copying the pages" {
            return;
        }
        for name in names(folder.0.path()).iter().filter(|name| name.ends_with(".partial")) {
            std::fs::File::options().write(true).open(folder.path(name)).unwrap().set_len(8192).unwrap();
        }
    });
    assert!(matches!(result, Err(Error::Storage { doing: "verifying the backup", .. })), "{result:?}");
    drop(store);
    assert_eq!(names(folder.0.path()), ["store.db"]);
}

#[test]
fn what_is_wrong_with_records_is_reported_and_the_copy_is_kept() {
    let folder = Folder::new();
    let store = folder.filled();
    plain(&folder.path("store.db")).execute_batch("UPDATE clients SET details = CAST(x'FF' AS TEXT)").unwrap();
    let report = store.backup(folder.path("backup.db"), |_| {}).unwrap();
    assert_eq!((report.count(), report.count_of(Problem::Value)), (4, 4));
    assert!(folder.path("backup.db").exists());
}

#[test]
fn a_store_without_a_trigger_is_backed_up_read_only() {
    let folder = Folder::new();
    drop(folder.filled());
    plain(&folder.path("store.db")).execute_batch("DROP TRIGGER clients_deleted").unwrap();
    let store = ClientStore::builder().read_only(true).open(folder.path("store.db")).unwrap();
    assert_eq!(store.backup(folder.path("backup.db"), |_| {}).unwrap().count_of(Problem::Schema), 1);
}

#[cfg(unix)]
#[test]
fn who_may_not_read_the_store_may_not_read_its_backup() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let store = folder.filled();
    for mode in [0o600, 0o640, 0o644] {
        std::fs::set_permissions(folder.path("store.db"), PermissionsExt::from_mode(mode)).unwrap();
        let to = folder.path(&format!("{mode}.db"));
        store
            .backup(&to, |_| {
                let partial = names(folder.0.path()).into_iter().find(|name| name.ends_with(".partial")).unwrap();
                let mode = std::fs::metadata(folder.path(&partial)).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
            })
            .unwrap();
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, mode);
    }
}
