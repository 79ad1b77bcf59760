//! Files of older versions, made from the schemas that are kept: opened, they are of the newest.

mod common;

use std::path::{Path, PathBuf};

use clientstore::{ClientStore, Error, Problem};
use common::{assert_whole, plain};

/// The schema of each version, the first being 1.
const KEPT: &[&str] = &[
    include_str!("schemas/v1.sql"),
    include_str!("schemas/v2.sql"),
    include_str!("schemas/v3.sql"),
    include_str!("schemas/v4.sql"),
];

/// Client 1 has invoice 1 and what `REPLACE` of version 1 left of invoice 2, which went to client 2; client 3 was replaced
/// itself, and has invoice 3; client 4 was loaded from a list.
const STALE: &str = "
    INSERT INTO clients (id, name, last_invoice_kind, cache_version, created_at, updated_at) VALUES
        (1, 'left', 'people', 5, '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'),
        (2, 'reached', 'people', 0, '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'),
        (3, 'replaced', NULL, 0, '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'),
        (4, 'listed', 'detailed', 0, '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z');
    INSERT INTO invoices (id, client_id, kind, currency, due_at, issued_at, number, client_key, created_at, updated_at)
        SELECT column1, column1, column2, 'x', '2011-01-01', '2011-01-01', column1,
            'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'
        FROM (VALUES (1, 'task'), (2, 'people'), (3, 'project'));
    UPDATE clients SET last_invoice_kind = iif(id = 1, 'people', NULL) WHERE id IN (1, 3);
";

fn kept(folder: &Path, version: usize, rows: &str) -> PathBuf {
    let path = folder.join("store.db");
    let sql = plain(&path);
    sql.execute_batch(KEPT[version - 1]).unwrap();
    sql.execute_batch(&format!("PRAGMA application_id = 0x6353746F; PRAGMA user_version = {version}; {rows}")).unwrap();
    path
}

fn kinds(store: &ClientStore) -> Vec<(String, Option<String>)> {
    let clients = store.clients().list(&Default::default()).unwrap().map(Result::unwrap);
    clients.map(|client| (client.name, client.last_invoice_kind)).collect()
}

#[test]
fn every_schema_is_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(std::fs::read_dir(folder.join("tests/schemas")).unwrap().count(), KEPT.len());
    assert_eq!(include_str!("../schema.sql"), *KEPT.last().unwrap(), "the newest is the schema");
}

#[test]
fn a_file_of_every_version_is_opened_and_whole() {
    for version in 1..=KEPT.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = kept(folder.path(), version, STALE);
        let store = ClientStore::builder().create(false).open(&path).unwrap();
        match store.upgrade() {
            None => assert_eq!(version, KEPT.len(), "only the newest needs nothing"),
            Some(upgrade) => {
                assert_eq!((upgrade.from, upgrade.to), (version as i64, KEPT.len() as i64));
                assert_eq!(upgrade.backup, folder.path().join(format!("store.db.v{version}-backup")));
            }
        }
        let report = store.check(|_| {}).unwrap();
        assert_eq!(report.is_clean(), version == 1, "rows that only a store of version 1 has: {report:?}");
        store.clients().toggle(4).unwrap();
        drop(store);
        assert_eq!(ClientStore::open(&path).unwrap().upgrade(), None, "it is brought up to date once");
    }
}

#[test]
fn the_kinds_that_version_1_left_stale_are_right_in_version_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = kept(folder.path(), 1, STALE);
    let named = |kinds: [Option<&str>; 4]| {
        let names = ["left", "reached", "replaced", "listed"].map(str::to_owned);
        names.into_iter().zip(kinds.map(|kind| kind.map(str::to_owned))).collect::<Vec<_>>()
    };
    let before = named([Some("people"), Some("people"), None, Some("detailed")]);
    let old = ClientStore::check_file(&path, |_| {}).unwrap();
    assert_eq!((old.findings().len(), old.count_of(Problem::Rule)), (2, 2), "{old:?}");
    assert_eq!(kinds(&ClientStore::builder().read_only(true).open(&path).unwrap()), before);
    let store = ClientStore::open(&path).unwrap();
    assert_eq!(kinds(&store), named([Some("task"), Some("people"), Some("project"), Some("detailed")]));
    let client = store.clients().get(1).unwrap();
    assert_eq!((client.cache_version, client.updated_at.to_string().as_str()), (5, "2011-01-01 00:00:00 UTC"));
    let backup = store.upgrade().unwrap().backup.clone();
    assert_eq!(kinds(&ClientStore::builder().read_only(true).open(backup).unwrap()), before);
}

#[test]
fn a_file_that_is_brought_up_to_date_is_guarded_like_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = kept(folder.path(), 1, STALE);
    let move_away = "REPLACE INTO invoices (id, client_id, currency, due_at, issued_at, number, client_key, created_at, updated_at)
        SELECT id, 2, currency, due_at, issued_at, number, client_key, created_at, updated_at FROM invoices WHERE id = 1";
    let transaction = plain(&path);
    transaction.execute_batch(&format!("BEGIN; {move_away}; ROLLBACK")).expect("version 1 takes it");
    drop(transaction);
    drop(ClientStore::open(&path).unwrap());
    let sql = plain(&path);
    let error = sql.execute_batch(move_away).unwrap_err();
    assert_eq!(error.to_string(), "the invoice is another client's; an UPDATE moves it");
    sql.execute_batch("UPDATE clients SET last_invoice_kind = NULL WHERE id = 4").unwrap();
    assert_whole(&sql);
}

#[test]
fn an_older_file_that_is_only_read_or_checked_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = kept(folder.path(), 1, "");
    let before = std::fs::read(&path).unwrap();
    assert!(ClientStore::check_file(&path, |_| {}).unwrap().is_clean());
    let store = ClientStore::builder().read_only(true).open(&path).unwrap();
    assert_eq!((store.upgrade(), kinds(&store)), (None, vec![]));
    drop(store);
    assert!(std::fs::read(&path).unwrap() == before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_older_file_whose_records_have_no_place_stays_as_it_is_and_the_error_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = kept(folder.path(), 1, STALE);
    // Its kind is to be put right, and its row is one that no store takes.
    let wrong = |id| {
        let sql = format!("PRAGMA ignore_check_constraints = ON; UPDATE clients SET details = char(1) WHERE id = {id}");
        plain(&path).execute_batch(&sql).unwrap();
    };
    wrong(3);
    let before = std::fs::read(&path).unwrap();
    let error = ClientStore::open(&path).unwrap_err();
    assert!(matches!(error, Error::Unopened { .. }), "{error:?}");
    let said = "it has format version 1, and cannot be brought to version 4: CHECK constraint failed: name || details";
    assert!(error.to_string().contains(said), "{error}");
    assert!(std::fs::read(&path).unwrap() == before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "without a backup, for nothing was done");
    plain(&path).execute_batch("UPDATE clients SET details = ''").unwrap();
    ClientStore::open(&path).expect("put right, it has a place");
}

#[cfg(feature = "cli")]
#[test]
fn the_command_line_says_that_a_file_was_brought_up_to_date_and_where_the_old_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = kept(folder.path(), 1, STALE);
    let load = |list: &str| {
        std::fs::write(folder.path().join("list.xml"), list).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_clientstore"));
        let output = command.arg("load").arg(&path).arg(folder.path().join("list.xml")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = format!(
        "clientstore: {path} was brought from format version 1 to 4; the file as it was is {path}.v1-backup\n",
        path = path.display()
    );
    let client = "<clients><client><name>new</name></client></clients>";
    let first = load(client);
    assert!(first.starts_with(&said), "{first}");
    assert!(!load(client).contains("brought"));
}
