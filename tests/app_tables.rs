//! The app's own tables in the store's file: their migrations, what their SQL may do, and who leaves them alone.

mod common;

use std::path::{Path, PathBuf};

use clientstore::rusqlite::{self, Connection};
use clientstore::{Client, ClientStore, Error, LoadOptions, NewClient, Problem};
use common::{Clock, builder, plain};

const NOTES: &str = "CREATE TABLE app_notes (id INTEGER PRIMARY KEY AUTOINCREMENT, \
                     client_id INTEGER REFERENCES clients ON DELETE CASCADE, note TEXT NOT NULL UNIQUE) STRICT; \
                     CREATE INDEX app_notes_client ON app_notes (client_id); \
                     CREATE TRIGGER app_notes_counted AFTER INSERT ON app_notes BEGIN \
                     UPDATE app_counts SET notes = notes + 1; END; \
                     CREATE TABLE app_counts (notes INTEGER); INSERT INTO app_counts VALUES (0); \
                     CREATE VIEW app_long AS SELECT note FROM app_notes WHERE length(note) > 10";
const MARKED: &str = "ALTER TABLE app_notes ADD COLUMN marked INTEGER NOT NULL DEFAULT 0";

fn open(path: &Path, migrations: &[&'static str]) -> Result<ClientStore, Error> {
    builder(&Clock::default()).app_migrations(migrations).open(path)
}

fn note(store: &ClientStore, client: i64, text: &str) -> Result<(), Error> {
    let sql = "INSERT INTO app_notes (client_id, note) VALUES (?1, ?2)";
    store.transaction(|tx| tx.app(|app| app.execute(sql, (client, text)).map(drop)))
}

fn notes(store: &ClientStore) -> Vec<String> {
    store
        .read_app(|app| {
            let mut notes = app.prepare("SELECT note FROM app_notes ORDER BY id")?;
            let notes = notes.query_map([], |row| row.get(0))?;
            notes.collect()
        })
        .unwrap()
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

/// What an error says, with what it comes from.
fn told<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn migrations_run_once_in_their_order_and_a_longer_list_goes_on_where_the_file_is() {
    let (_folder, path) = folder();
    let store = open(&path, &[NOTES]).unwrap();
    assert_eq!(store.app_version().unwrap(), 1);
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    note(&store, 1, "pays late").unwrap();
    drop(store);
    for _ in 0..2 {
        let store = open(&path, &[NOTES, MARKED]).unwrap();
        assert_eq!(store.app_version().unwrap(), 2);
        let row = |app: &Connection| {
            app.query_row("SELECT note, marked, notes FROM app_notes, app_counts", [], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            })
        };
        assert_eq!(store.read_app(row).unwrap(), ("pays late".to_owned(), 0, 1));
    }
}

#[test]
fn a_migration_that_fails_leaves_the_file_as_it_was_and_a_new_one_unmade() {
    let (_folder, path) = folder();
    drop(open(&path, &[NOTES]).unwrap());
    for broken in [
        "CREATE TABLE app_more (x); CREATE TABLE app_more (x)",
        "CREATE TABLE app_more (x); SELECT nonsense",
        "CREATE TABLE app_more (x); CREATE TABLE other (x)",
        "CREATE TABLE app_more (x); ALTER TABLE app_more RENAME TO other",
        "CREATE TABLE app_more (id REFERENCES clients); INSERT INTO app_more VALUES (7)",
    ] {
        let error = open(&path, &[NOTES, MARKED, broken]).unwrap_err();
        assert!(matches!(error, Error::Unopened { .. } | Error::Altered { .. }), "{broken}: {error:?}");
        let file = plain(&path);
        let version: i64 = file.query_row("SELECT version FROM app_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, 1, "{broken}");
        let columns = "SELECT count(*) FROM pragma_table_info('app_notes') WHERE name = 'marked'";
        let more = "SELECT count(*) FROM sqlite_schema WHERE name IN ('app_more', 'other')";
        for sql in [columns, more] {
            assert_eq!(file.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{broken}");
        }
    }
    assert!(told(open(&path, &[NOTES, "SELECT nonsense"])).contains("the app's migration 2 failed: "));

    let (_folder, new) = folder();
    assert!(open(&new, &["SELECT nonsense"]).is_err());
    assert!(!new.exists(), "a file that could not be made is not left behind");
    assert!(ClientStore::builder().app_migrations(&["SELECT nonsense"]).open_in_memory().is_err());
}

#[test]
fn a_file_of_a_newer_app_is_refused_and_left_as_it_was() {
    let (_folder, path) = folder();
    drop(open(&path, &[NOTES, MARKED]).unwrap());
    let before = std::fs::read(&path).unwrap();
    for read_only in [false, true] {
        let opened = ClientStore::builder().app_migrations(&[NOTES]).read_only(read_only).open(&path);
        assert!(matches!(opened, Err(Error::NewerApp { found: 2, supported: 1, .. })), "{opened:?}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(ClientStore::open(&path).unwrap().app_version().unwrap(), 2, "who has no migrations asks for none");
}

#[test]
fn migrations_of_the_app_run_in_the_transaction_that_brings_an_older_file_up_to_date() {
    let (_folder, path) = folder();
    let older = include_str!("schemas/v3.sql");
    let file = Connection::open(&path).unwrap();
    file.execute_batch(older).unwrap();
    file.pragma_update(None, "application_id", 0x6353_746F).unwrap();
    file.pragma_update(None, "user_version", 3).unwrap();
    drop(file);
    assert!(open(&path, &[NOTES, "SELECT nonsense"]).is_err());
    let version =
        |path: &Path| plain(path).pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(version(&path), 3, "neither the store's step nor the app's");
    let beside = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    let copies = beside.filter(|name| name.to_string_lossy().contains("backup"));
    assert_eq!(copies.count(), 0, "no copy is left of a file that stayed");
    let store = open(&path, &[NOTES]).unwrap();
    assert_eq!((store.upgrade().unwrap().to, store.app_version().unwrap()), (4, 1));
}

#[test]
fn a_transaction_reaches_records_and_the_apps_tables_and_rolls_both_back() {
    let (_folder, path) = folder();
    for store in
        [open(&path, &[NOTES]).unwrap(), ClientStore::builder().app_migrations(&[NOTES]).open_in_memory().unwrap()]
    {
        let import = |fails: bool| {
            store.transaction(|tx| {
                let id: i64 = tx.clients().create(&NewClient::named("SuprCorp"))?.into();
                tx.app(|app| app.execute("INSERT INTO app_notes (client_id, note) VALUES (?1, 'imported')", [id]))?;
                let document = b"<client><name>Jo</name></client>".as_slice();
                tx.load([("client.xml", document)], LoadOptions::new(), |_| {})?;
                let name: String = tx.app(|app| {
                    app.query_row("SELECT name FROM clients JOIN app_notes ON client_id = clients.id", [], |row| {
                        row.get(0)
                    })
                })?;
                assert_eq!(name, "SuprCorp");
                if fails { tx.clients().get(99).map(drop) } else { Ok(()) }
            })
        };
        assert!(matches!(import(true), Err(Error::NotFound { id: 99, .. })));
        assert_eq!((notes(&store).len(), store.clients().list(&Default::default()).unwrap().count()), (0, 0));
        import(false).unwrap();
        assert_eq!(
            (notes(&store), store.clients().list(&Default::default()).unwrap().count()),
            (vec!["imported".to_owned()], 2)
        );
        store.clients().delete(1).unwrap();
        assert_eq!(notes(&store).len(), 0, "the reference cascades");
    }
}

#[test]
fn sql_of_the_app_that_fails_has_changed_nothing_and_the_transaction_goes_on() {
    let (_folder, path) = folder();
    let store = open(&path, &[NOTES]).unwrap();
    store
        .transaction(|tx| {
            let twice = "INSERT INTO app_notes (note) VALUES ('a'); INSERT INTO app_notes (note) VALUES ('a')";
            let failed = tx.app(|app| app.execute_batch(twice));
            assert!(matches!(failed, Err(Error::Storage { .. })), "{failed:?}");
            tx.app(|app| app.execute("INSERT INTO app_notes (note) VALUES ('b')", []).map(drop))
        })
        .unwrap();
    assert_eq!(notes(&store), ["b"]);
}

#[test]
fn the_apps_sql_writes_to_the_apps_tables_only() {
    let (_folder, path) = folder();
    for store in
        [open(&path, &[NOTES]).unwrap(), ClientStore::builder().app_migrations(&[NOTES]).open_in_memory().unwrap()]
    {
        store.clients().create(&NewClient::named("SuprCorp")).unwrap();
        let client = store.clients().get(1).unwrap();
        let denied = [
            "UPDATE clients SET name = 'x'",
            "DELETE FROM clients",
            "INSERT INTO tasks SELECT * FROM tasks",
            "UPDATE sqlite_sequence SET seq = 100",
            "CREATE TABLE app_other (x)",
            "CREATE TEMP TABLE clients (x)",
            "CREATE TEMP TRIGGER app_t AFTER INSERT ON app_notes BEGIN DELETE FROM clients; END",
            "DROP TABLE app_notes",
            "DROP TRIGGER clients_id_stays",
            "COMMIT",
            "SAVEPOINT app",
            "ATTACH ':memory:' AS other",
            "PRAGMA foreign_keys = OFF",
            "PRAGMA writable_schema = ON",
            "PRAGMA user_version = 7",
        ];
        for sql in denied {
            let result = store.transaction(|tx| tx.app(|app| app.execute_batch(sql)));
            assert!(told(result).contains("tables whose names begin with app_"), "{sql}");
            let result = store.read_app(|app| app.execute_batch(sql));
            assert!(told(result).contains("the app's SQL"), "{sql}");
        }
        let result = store.read_app(|app| app.execute("INSERT INTO app_notes (note) VALUES ('a')", []));
        assert!(told(result).contains("the app's SQL"), "a read writes nothing");
        // A statement that the store keeps compiled is refused all the same.
        assert_eq!(store.clients().get(1).unwrap(), client);
        store.clients().create(&NewClient::named("after")).unwrap();
        assert_eq!(store.clients().get(2).unwrap().name, "after", "the store's own SQL is not the app's");
        note(&store, 1, "fine").unwrap();
    }
}

#[test]
fn a_trigger_of_the_apps_changes_no_record_whoever_fires_it() {
    let (_folder, path) = folder();
    let cascading = "CREATE TABLE app_links (client_id INTEGER REFERENCES clients ON DELETE CASCADE); \
                     CREATE TRIGGER app_links_gone AFTER DELETE ON app_links BEGIN DELETE FROM clients; END";
    let store = open(&path, &[cascading]).unwrap();
    store.clients().create_all(["a", "b"].map(NewClient::named)).unwrap();
    let linked = store.transaction(|tx| tx.app(|app| app.execute("INSERT INTO app_links VALUES (1)", [])));
    assert_eq!(linked.unwrap(), 1);
    assert!(store.transaction(|tx| tx.app(|app| app.execute("DELETE FROM app_links", []))).is_err());
    assert!(store.clients().delete(1).is_err());
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 2);
}

#[test]
fn every_store_takes_the_apps_tables_and_still_refuses_other_foreign_ones() {
    let (_folder, path) = folder();
    drop(open(&path, &[NOTES, MARKED]).unwrap());
    drop(ClientStore::open(&path).unwrap());
    drop(ClientStore::builder().read_only(true).open(&path).unwrap());
    assert!(ClientStore::check_file(&path, |_| {}).unwrap().is_clean());
    for (foreign, undo) in [
        ("CREATE TABLE apple (x)", "DROP TABLE apple"),
        ("CREATE VIEW x_app_ AS SELECT 1", "DROP VIEW x_app_"),
        ("CREATE TRIGGER app_evil AFTER INSERT ON clients BEGIN SELECT 1; END", "DROP TRIGGER app_evil"),
        ("CREATE INDEX app_names ON clients (name)", "DROP INDEX app_names"),
        ("CREATE TRIGGER evil AFTER INSERT ON app_notes BEGIN SELECT 1; END", "DROP TRIGGER evil"),
    ] {
        plain(&path).execute_batch(foreign).unwrap();
        for migrations in [&[][..], &[NOTES, MARKED]] {
            let opened = open(&path, migrations);
            assert!(matches!(opened, Err(Error::Altered { more: 0, .. })), "{foreign}: {opened:?}");
        }
        let report = ClientStore::check_file(&path, |_| {}).unwrap();
        assert_eq!(report.count_of(Problem::Schema), 1, "{foreign}");
        plain(&path).execute_batch(undo).unwrap();
    }
    open(&path, &[NOTES, MARKED]).unwrap();
}

#[test]
fn a_backup_has_the_apps_tables_and_a_dump_has_not() {
    let (_folder, path) = folder();
    let store = open(&path, &[NOTES]).unwrap();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    note(&store, 1, "pays late").unwrap();
    let copy = path.with_file_name("copy.db");
    store.backup(&copy, |_| {}).unwrap();
    assert_eq!(notes(&open(&copy, &[NOTES]).unwrap()), ["pays late"]);
    let mut dump = Vec::new();
    store.dump(&mut dump, |_| {}).unwrap();
    assert!(!String::from_utf8(dump.clone()).unwrap().contains("pays late"));
    let other = path.with_file_name("other.db");
    let other = open(&other, &[NOTES]).unwrap();
    other.load([("the dump", dump.as_slice())], |_| {}).unwrap();
    assert_eq!((notes(&other).len(), other.clients().get(1).unwrap()), (0, store.clients().get(1).unwrap()));
}

#[test]
fn a_table_of_the_apps_can_be_a_full_text_index() {
    let (_folder, path) = folder();
    let index = "CREATE VIRTUAL TABLE app_search USING fts5 (text, tokenize = 'trigram')";
    let store = open(&path, &[index]).unwrap();
    store.transaction(|tx| tx.app(|app| app.execute("INSERT INTO app_search VALUES ('Łódź Film')", []))).unwrap();
    let found = |app: &Connection| {
        app.query_row("SELECT count(*) FROM app_search WHERE text MATCH 'łódź'", [], |row| row.get::<_, i64>(0))
    };
    assert_eq!(store.read_app(found).unwrap(), 1);
    drop(store);
    assert_eq!(open(&path, &[index]).unwrap().read_app(found).unwrap(), 1);
}

#[test]
fn a_read_sees_records_and_the_apps_tables_at_one_moment() {
    let (_folder, path) = folder();
    let store = open(&path, &[NOTES]).unwrap();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    let count = |app: &Connection, sql: &str| app.query_row(sql, [], |row| row.get::<_, i64>(0));
    let (clients, notes) = store
        .read_app(|app| {
            let clients = count(app, "SELECT count(*) FROM clients")?;
            // Meanwhile, another writes to both.
            let writes = || {
                let other = ClientStore::open(&path).unwrap();
                other.clients().create(&NewClient::named("other")).unwrap();
                note(&other, 1, "new").unwrap();
            };
            std::thread::scope(|scope| scope.spawn(writes).join().unwrap());
            Ok::<_, rusqlite::Error>((clients, count(app, "SELECT count(*) FROM app_notes")?))
        })
        .unwrap();
    assert_eq!((clients, notes), (1, 0));
    let _: Client = store.clients().get(2).unwrap();
}
