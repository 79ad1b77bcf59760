//! The file: made, opened again, or refused and left as it was.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Barrier;

use clientstore::{ClientStore, Error, NewClient, NewInvoice, NewProject};
use common::plain;
use rusqlite::Connection;

/// The version of new files.
const VERSION: i64 = 4;

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Every file of a directory with its bytes.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), std::fs::read(&path).unwrap_or_default())).collect()
}

/// Opens what must be refused, and checks that nothing in its directory changed.
#[track_caller]
fn refused(path: &Path) -> Error {
    let before = contents(path.parent().unwrap());
    let error = ClientStore::open(path).expect_err("it was opened");
    assert!(contents(path.parent().unwrap()) == before, "refusing it changed something: {error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    error
}

#[track_caller]
fn foreign(path: &Path) -> String {
    match refused(path) {
        Error::Foreign { path: named, found } => {
            assert_eq!(named, path);
            found
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_file_becomes_a_new_store_and_is_there_when_opened_again() {
    let directory = directory();
    let path = directory.path().join("store.db");
    let id = ClientStore::open(&path).unwrap().clients().create(&NewClient::named("SuprCorp")).unwrap();
    let store = ClientStore::builder().create(false).open(&path).unwrap();
    assert_eq!(store.clients().get(id).unwrap().name, "SuprCorp");
    drop(store);
    assert_eq!(contents(directory.path()).len(), 1, "closed, the store is one file");
}

#[test]
fn a_missing_file_is_missing_where_none_shall_be_made() {
    let directory = directory();
    let path = directory.path().join("store.db");
    match ClientStore::builder().create(false).open(&path) {
        Err(Error::Missing { path: named }) => assert_eq!(named, path),
        other => panic!("{other:?}"),
    }
    assert!(contents(directory.path()).is_empty());
}

#[test]
fn a_file_in_a_missing_directory_is_an_error_that_says_what_to_do() {
    let directory = directory();
    let folder = directory.path().join("missing");
    let path = folder.join("store.db");
    let error = ClientStore::open(&path).unwrap_err();
    assert!(matches!(error, Error::Unopened { .. }), "{error:?}");
    let said = format!("cannot open {}: there is no directory {}; make it first", path.display(), folder.display());
    assert_eq!(error.to_string(), said);
}

#[test]
fn an_empty_file_becomes_a_new_store() {
    let directory = directory();
    let path = directory.path().join("store.db");
    std::fs::write(&path, b"").unwrap();
    let store = ClientStore::builder().create(false).open(&path).unwrap();
    assert_eq!(store.clients().create(&NewClient::named("x")).unwrap(), 1);
}

#[test]
fn the_file_says_whose_it_is() {
    let directory = directory();
    let path = directory.path().join("store.db");
    drop(ClientStore::open(&path).unwrap());
    let sql = plain(&path);
    let pragma = |name: &str| -> i64 { sql.pragma_query_value(None, name, |row| row.get(0)).unwrap() };
    assert_eq!(pragma("application_id").to_be_bytes()[4..], *b"cSto");
    assert_eq!(pragma("user_version"), VERSION);
    let mode: String = sql.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let check: String = sql.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn an_acknowledged_write_is_in_the_files_before_the_store_is_closed() {
    let directory = directory();
    let path = directory.path().join("store.db");
    let store = ClientStore::open(&path).unwrap();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    // What a crash at this moment leaves behind.
    let left = tempfile::tempdir().unwrap();
    for (file, bytes) in contents(directory.path()) {
        if !file.to_str().unwrap().ends_with("-shm") {
            std::fs::write(left.path().join(file.file_name().unwrap()), bytes).unwrap();
        }
    }
    let after = ClientStore::open(left.path().join("store.db")).unwrap();
    assert_eq!(after.clients().get(1).unwrap().name, "SuprCorp");
}

#[test]
fn a_directory_is_refused() {
    let directory = directory();
    let path = directory.path().join("inner");
    std::fs::create_dir(&path).unwrap();
    assert_eq!(foreign(&path), "a directory");
}

#[test]
fn a_file_of_something_else_is_refused() {
    let directory = directory();
    let path = directory.path().join("notes.txt");
    for text in ["x", "SQLite format 3\0", "Dear diary,\n", &"long ".repeat(10_000)] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(foreign(&path), "no SQLite database", "{text:?}");
    }
}

#[test]
fn a_database_of_another_program_is_refused() {
    let directory = directory();
    let path = directory.path().join("other.db");
    plain(&path).execute_batch("CREATE TABLE clients (id INTEGER PRIMARY KEY); PRAGMA user_version = 1").unwrap();
    assert_eq!(foreign(&path), "an SQLite database of another program");
    plain(&path).execute_batch("PRAGMA application_id = 0x0f055112").unwrap();
    assert_eq!(foreign(&path), "an SQLite database with application id 0x0f055112");
}

#[test]
fn a_database_of_another_program_with_a_write_ahead_log_is_refused() {
    let directory = directory();
    let path = directory.path().join("other.db");
    plain(&path).execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(foreign(&path), "an SQLite database of another program");
    let other = plain(&path);
    other.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(foreign(&path), "an SQLite database of another program", "while it is open");
    let left = leave_behind(&path, other);
    assert_eq!(foreign(&left.path().join("other.db")), "an SQLite database of another program", "after a crash");
}

#[test]
fn a_database_that_is_cut_short_is_still_known_by_its_header() {
    let directory = directory();
    let path = directory.path().join("some.db");
    plain(&path).execute_batch("CREATE TABLE a (x UNIQUE); CREATE TABLE b (x UNIQUE)").unwrap();
    let cut = |path: &Path| std::fs::File::options().write(true).open(path).unwrap().set_len(4096).unwrap();
    cut(&path);
    assert_eq!(foreign(&path), "an SQLite database of another program");
    let path = directory.path().join("store.db");
    drop(ClientStore::open(&path).unwrap());
    cut(&path);
    let before = contents(directory.path());
    let result = ClientStore::open(&path);
    assert!(matches!(result, Err(Error::Unopened { .. })), "{result:?}");
    assert!(contents(directory.path()) == before);
}

#[test]
fn a_file_that_a_loss_of_power_met_while_it_was_made_becomes_a_new_store() {
    // The head of a journal that was synced: magic number, records, nonce, size in pages, sector and page size.
    let journal = |pages: u8| {
        let mut head = vec![0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7];
        head.extend([0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, pages, 0, 0, 2, 0, 0, 0, 16, 0]);
        head.resize(512, 0);
        head
    };
    let directory = directory();
    let path = directory.path().join("store.db");
    let torn = [vec![0; 512], vec![7; 7680]].concat();
    std::fs::write(&path, &torn).unwrap();
    assert_eq!(foreign(&path), "no SQLite database", "without a journal");
    std::fs::write(directory.path().join("store.db-journal"), journal(2)).unwrap();
    assert_eq!(foreign(&path), "no SQLite database", "with the journal of a file that had pages");
    std::fs::write(directory.path().join("store.db-journal"), journal(0)).unwrap();
    let store = ClientStore::open(&path).unwrap();
    assert_eq!(store.clients().create(&NewClient::named("x")).unwrap(), 1);
    assert!(store.check(|_| {}).unwrap().is_clean());
}

/// What a crash of a connection leaves behind: the file and its log.
fn leave_behind(path: &Path, connection: Connection) -> tempfile::TempDir {
    let left = tempfile::tempdir().unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    for file in [name.to_owned(), format!("{name}-wal")] {
        std::fs::copy(path.parent().unwrap().join(&file), left.path().join(&file)).unwrap();
    }
    drop(connection);
    left
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let directory = directory();
    let path = directory.path().join("store.db");
    drop(ClientStore::open(&path).unwrap());
    plain(&path).execute_batch("PRAGMA user_version = 99").unwrap();
    match refused(&path) {
        Error::Newer { path: named, found, supported } => {
            assert_eq!((named.as_path(), found, supported), (path.as_path(), 99, VERSION));
        }
        other => panic!("{other:?}"),
    }
    plain(&path).execute_batch(&format!("PRAGMA user_version = {VERSION}")).unwrap();
    ClientStore::open(&path).expect("it was left untouched");
}

#[test]
fn a_file_whose_log_makes_it_newer_is_refused() {
    let directory = directory();
    let path = directory.path().join("store.db");
    drop(ClientStore::open(&path).unwrap());
    let newer = plain(&path);
    newer.execute_batch("PRAGMA user_version = 99").unwrap();
    let left = leave_behind(&path, newer);
    let (path, log) = (left.path().join("store.db"), left.path().join("store.db-wal"));
    let bytes = || [std::fs::read(&path).unwrap(), std::fs::read(&log).unwrap()];
    let before = bytes();
    assert!(matches!(ClientStore::open(&path), Err(Error::Newer { found: 99, .. })));
    assert!(bytes() == before);
}

#[test]
fn a_newer_file_is_neither_read_nor_checked() {
    for in_the_log in [false, true] {
        let directory = directory();
        let path = directory.path().join("store.db");
        drop(ClientStore::open(&path).unwrap());
        let newer = plain(&path);
        newer.execute_batch("PRAGMA user_version = 99").unwrap();
        let left = if in_the_log { leave_behind(&path, newer) } else { directory };
        let path = left.path().join("store.db");
        let read = ClientStore::builder().read_only(true).open(&path);
        assert!(matches!(read, Err(Error::Newer { found: 99, .. })), "{read:?}");
        let checked = ClientStore::check_file(&path, |_| {});
        assert!(matches!(checked, Err(Error::Newer { found: 99, .. })), "{checked:?}");
    }
}

#[test]
fn ids_are_not_used_again_after_deletes_and_reopening() {
    let directory = directory();
    let path = directory.path().join("store.db");
    for round in 1..=3 {
        let store = ClientStore::open(&path).unwrap();
        let client = store.clients().create(&NewClient::named("x")).unwrap();
        let project = store.projects().create(&NewProject::of(client, "p")).unwrap();
        let invoice = store.invoices().create(&NewInvoice::of(client)).unwrap();
        assert_eq!((client, project, invoice), (round.into(), round.into(), round.into()));
        store.projects().delete(project).unwrap();
        store.invoices().delete(invoice).unwrap();
        store.clients().delete(client).unwrap();
    }
}

#[test]
fn two_stores_on_one_file_are_one() {
    let directory = directory();
    let path = directory.path().join("store.db");
    let (first, second) = (ClientStore::open(&path).unwrap(), ClientStore::open(&path).unwrap());
    first.clients().create(&NewClient::named("x")).unwrap();
    second.clients().toggle(1).unwrap();
    assert!(!first.clients().get(1).unwrap().active);
    drop(second);
    first.clients().toggle(1).unwrap();
    assert!(ClientStore::open(&path).unwrap().clients().get(1).unwrap().active);
}

#[test]
fn odd_paths_are_taken_as_they_are() {
    let mut names =
        vec!["with space.db", "what?.db", "100%.db", "%41.db", "a#b.db", "naïve 🦀.db", "a&b=c;mode=memory.db"];
    if cfg!(unix) {
        names.extend(["back\\slash.db", "file:x?mode=memory", "\"quoted\".db", ":memory:"]);
    }
    for name in names {
        let directory = directory();
        let path = directory.path().join(name);
        ClientStore::open(&path).unwrap().clients().create(&NewClient::named(name)).unwrap();
        assert_eq!(contents(directory.path()).into_keys().collect::<Vec<_>>(), std::slice::from_ref(&path), "{name}");
        let store = ClientStore::open(&path).unwrap();
        assert_eq!(store.clients().get(1).unwrap().name, name);
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf_8_is_taken_as_it_is() {
    use std::os::unix::ffi::OsStrExt;
    let directory = directory();
    let path = directory.path().join(std::ffi::OsStr::from_bytes(b"caf\xE9.db"));
    ClientStore::open(&path).unwrap().clients().create(&NewClient::named("x")).unwrap();
    assert_eq!(ClientStore::open(&path).unwrap().clients().get(1).unwrap().name, "x");
}

#[test]
fn threads_that_make_the_same_file_at_once_all_get_it() {
    for _ in 0..20 {
        let directory = directory();
        let path = directory.path().join("store.db");
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    ClientStore::open(&path).unwrap().clients().create(&NewClient::named("x")).unwrap();
                });
            }
        });
        assert_eq!(ClientStore::open(&path).unwrap().clients().list(&Default::default()).unwrap().count(), 8);
    }
}

#[test]
fn every_setting_of_the_builder_opens_a_store() {
    for durability in [clientstore::Durability::Full, clientstore::Durability::Normal, clientstore::Durability::Off] {
        for readers in [0, 1, 100] {
            let directory = directory();
            let builder = ClientStore::builder().durability(durability).readers(readers);
            let store = builder.open(directory.path().join("store.db")).unwrap();
            store.clients().create(&NewClient::named("x")).unwrap();
            let lists = [(); 3].map(|()| store.clients().list(&Default::default()).unwrap());
            for list in lists {
                assert_eq!(list.count(), 1);
            }
        }
    }
}

#[test]
fn a_damaged_value_is_a_typed_error_that_names_its_place() {
    let directory = directory();
    let path = directory.path().join("store.db");
    let store = ClientStore::open(&path).unwrap();
    store.clients().create_all((0..3).map(|_| NewClient::named("x"))).unwrap();
    // Text that is not UTF-8 cannot be refused by the file.
    plain(&path).execute_batch("UPDATE clients SET details = CAST(x'FF' AS TEXT) WHERE id = 2").unwrap();
    match store.clients().get(2) {
        Err(Error::Corrupt { table: "clients", id: 2, column: "details", .. }) => {}
        other => panic!("{other:?}"),
    }
    let listed: Vec<_> = store.clients().list(&Default::default()).unwrap().collect();
    assert!(matches!(&listed[..], [Ok(first), Err(Error::Corrupt { id: 2, .. })] if first.id == 1), "{listed:?}");
}
