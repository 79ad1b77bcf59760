//! Migration by invented versions: what happens on the way to them is real.

use std::cell::Cell;
use std::process::Command;
use std::time::Duration;

use super::super::builder::Durability;
use super::*;
use crate::{ClientStore, NewClient, NewItemCategory};

/// Says to the child which file to bring up to date, and before which step to die.
const FILE: &str = "CLIENTSTORE_MIGRATED_FILE";
const STEP: &str = "CLIENTSTORE_DIES_BEFORE_STEP";

const CATEGORIES: &str = "CREATE TABLE invoice_item_categories (";
const STRICTER: &str = "CREATE TABLE invoice_item_categories (\n    CHECK (length(name) < 100),";

/// The first version as it is kept, and two more: one makes a table anew, one adds an index and
/// another trigger.
fn versions() -> &'static [Version] {
    let first = include_str!("../../../tests/schemas/v1.sql");
    let table = &first[first.find(CATEGORIES).unwrap()..];
    let table = &table[..table.find(") STRICT;").unwrap()];
    // A table's CHECKs follow its columns.
    let stricter = format!("{table},\n    CHECK (length(name) < 100)\n) STRICT;");
    let second = first.replace(&format!("{table}) STRICT;"), &stricter);
    assert!(second != first && !second.contains(STRICTER));
    let triggers: Vec<&str> =
        first.split("\n\n").filter(|part| part.contains("CREATE TRIGGER invoice_item_categories_")).collect();
    let script = format!(
        "{}; INSERT INTO new_categories SELECT * FROM invoice_item_categories; \
         UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'invoice_item_categories') \
         WHERE name = 'new_categories'; DROP TABLE invoice_item_categories; \
         ALTER TABLE new_categories RENAME TO invoice_item_categories; {}",
        stricter.trim_end_matches(';').replace(CATEGORIES, "CREATE TABLE new_categories ("),
        triggers.join("\n"),
    );
    let trigger = "CREATE TRIGGER clients_named AFTER INSERT ON clients WHEN NEW.name = 'x' BEGIN SELECT 1; END;";
    let index = "CREATE INDEX clients_name ON clients (name);";
    let third = format!("{second}\n{index}\n{trigger}");
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    Box::leak(Box::new([
        Version { schema: first, from_before: "" },
        Version { schema: leak(second), from_before: leak(script) },
        Version { schema: leak(third), from_before: leak(format!("{index} {trigger}")) },
    ]))
}

fn settings() -> Settings {
    Settings { durability: Durability::Full, busy_timeout: Duration::from_secs(5), keeps_log: false }
}

/// A file of version 1 with a client and a category whose id was the greatest that was given.
fn first(directory: &tempfile::TempDir) -> PathBuf {
    let path = directory.path().join("store.db");
    let store = ClientStore::open(&path).unwrap();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    for name in ["Meals", "Gone"] {
        store.item_categories().create(&NewItemCategory::named(name)).unwrap();
    }
    store.item_categories().delete(5).unwrap();
    path
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    connection
}

fn prepare(path: &Path, versions: &[Version], step: &dyn Fn()) -> Result<Option<Upgrade>> {
    Preparation { connection: &open(path), path: Some(path), settings: &settings(), versions, step }.run()
}

/// What a file holds; any difference of its schema from that of its version is a failure.
fn contents(path: &Path) -> (i64, Vec<(i64, String)>, i64) {
    let connection = open(path);
    let (id, version) = identity(&connection).unwrap();
    assert_eq!(id, APPLICATION_ID);
    let expected = schema::made_by(versions()[version as usize - 1].schema).unwrap();
    assert_eq!(differences(&connection, &expected).unwrap(), []);
    whole(path).unwrap();
    let sql = "SELECT id, name FROM clients UNION ALL SELECT id, name FROM invoice_item_categories";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let rows = rows.map(std::result::Result::unwrap).collect();
    let sequence = "SELECT seq FROM sqlite_sequence WHERE name = 'invoice_item_categories'";
    (version, rows, connection.query_row(sequence, [], |row| row.get(0)).unwrap())
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_first_version_is_the_one_that_is_kept() {
    let kept = schema::made_by(include_str!("../../../tests/schemas/v1.sql")).unwrap();
    assert_eq!(schema::made_by(VERSIONS[0].schema).unwrap(), kept);
}

#[test]
fn the_newest_version_is_the_schema_and_every_version_leads_to_the_next() {
    assert_eq!(VERSIONS.last().unwrap().schema, schema::CURRENT);
    for upto in 2..=VERSIONS.len() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(VERSIONS[upto - 2].schema).unwrap();
        connection.execute_batch(VERSIONS[upto - 1].from_before).unwrap();
        let expected = schema::made_by(VERSIONS[upto - 1].schema).unwrap();
        assert_eq!(differences(&connection, &expected).unwrap(), []);
    }
}

#[test]
fn an_older_file_is_brought_up_to_date_and_kept_beside_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = first(&directory);
    let before = contents(&path);
    let upgrade = prepare(&path, versions(), &|| {}).unwrap().unwrap();
    let backup = directory.path().join("store.db.v1-backup");
    assert_eq!(upgrade, Upgrade { from: 1, to: 3, backup: backup.clone() });
    let said = format!("brought from format version 1 to 3; the file as it was is {}", backup.display());
    assert_eq!(upgrade.to_string(), said);
    assert_eq!(contents(&path), (3, before.1.clone(), before.2));
    assert_eq!(contents(&backup), before);
    assert_eq!(prepare(&path, versions(), &|| {}).unwrap(), None);
    assert_eq!(names(directory.path()), ["store.db", "store.db.v1-backup"]);
    let keys: bool = {
        let connection = open(&path);
        let (settings, step) = (settings(), || {});
        let again = Preparation {
            connection: &connection,
            path: Some(&path),
            settings: &settings,
            versions: versions(),
            step: &step,
        };
        again.run().unwrap();
        connection.pragma_query_value(None, "foreign_keys", |row| row.get(0)).unwrap()
    };
    assert!(keys, "foreign keys are on again");
}

#[test]
fn a_backup_that_is_there_already_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = first(&directory);
    fs::write(directory.path().join("store.db.v1-backup"), "precious").unwrap();
    let upgrade = prepare(&path, versions(), &|| {}).unwrap().unwrap();
    assert_eq!(upgrade.backup, directory.path().join("store.db.v1-backup-2"));
    assert_eq!(contents(&upgrade.backup).0, 1);
    assert_eq!(fs::read_to_string(directory.path().join("store.db.v1-backup")).unwrap(), "precious");
}

#[test]
fn rows_that_the_new_version_refuses_leave_the_file_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = first(&directory);
    let long = "x".repeat(200);
    ClientStore::open(&path).unwrap().item_categories().create(&NewItemCategory::named(long)).unwrap();
    let before = fs::read(&path).unwrap();
    let error = prepare(&path, versions(), &|| {}).unwrap_err();
    let said =
        "it has format version 1, and cannot be brought to version 3: CHECK constraint failed: length(name) < 100";
    assert!(matches!(&error, Error::Unopened { hint, .. } if hint.starts_with(said)), "{error}");
    assert!(fs::read(&path).unwrap() == before);
    assert_eq!(names(directory.path()), ["store.db"]);
}

#[test]
fn an_altered_older_file_is_refused_and_left_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = first(&directory);
    open(&path).execute_batch("DROP TRIGGER clients_deleted").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(prepare(&path, versions(), &|| {}), Err(Error::Altered { more: 0, .. })));
    assert!(fs::read(&path).unwrap() == before);
    assert_eq!(names(directory.path()), ["store.db"]);
}

#[test]
fn a_script_that_leads_elsewhere_is_an_error_and_leaves_the_file_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = first(&directory);
    let before = contents(&path);
    let versions = versions();
    for script in ["", "CREATE TABLE other (x)", "DROP TABLE missing", "DELETE FROM clients; CREATE"] {
        let wrong = [
            Version { schema: versions[0].schema, from_before: "" },
            Version { schema: versions[1].schema, from_before: script },
        ];
        assert!(matches!(prepare(&path, &wrong, &|| {}), Err(Error::Unopened { .. })), "{script}");
        assert_eq!(contents(&path), before);
    }
    assert_eq!(names(directory.path()), ["store.db"]);
}

#[test]
fn a_newer_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = first(&directory);
    prepare(&path, versions(), &|| {}).unwrap();
    assert!(matches!(prepare(&path, VERSIONS, &|| {}), Err(Error::Newer { found: 3, supported: 1, .. })));
}

#[test]
fn a_process_that_is_killed_at_any_step_leaves_the_old_file_or_the_new_one_and_a_backup() {
    let steps = {
        let directory = tempfile::tempdir().unwrap();
        let steps = Cell::new(0);
        prepare(&first(&directory), versions(), &|| steps.set(steps.get() + 1)).unwrap();
        steps.get()
    };
    assert!(steps > 12, "{steps}");
    for step in 1..=steps + 1 {
        let directory = tempfile::tempdir().unwrap();
        let path = first(&directory);
        let before = contents(&path);
        let test = "store::migrate::tests::child";
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(FILE, &path)
            .env(STEP, step.to_string())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.success(), step > steps, "step {step} of {steps}");
        let after = contents(&path);
        assert_eq!((&after.1, after.2), (&before.1, before.2), "step {step}");
        let backup = directory.path().join("store.db.v1-backup");
        if backup.exists() {
            assert_eq!(contents(&backup), before, "step {step}");
        }
        assert!(after.0 == 1 || (after.0 == 3 && step > steps && backup.exists()), "step {step}: {after:?}");
        prepare(&path, versions(), &|| {}).unwrap();
        assert_eq!(contents(&path), (3, before.1, before.2), "step {step}");
        let backups =
            names(directory.path()).into_iter().filter(|name| name.contains("-backup") && !name.contains("partial"));
        assert!(backups.count() > 0, "step {step}");
    }
}

/// Brings a file up to date, and dies on its way as it is told.
#[test]
#[ignore = "the child of the test that kills it"]
fn child() {
    let path = PathBuf::from(std::env::var_os(FILE).expect("a file"));
    let dies: u32 = std::env::var(STEP).unwrap().parse().unwrap();
    let steps = Cell::new(0);
    prepare(&path, versions(), &|| {
        steps.set(steps.get() + 1);
        if steps.get() == dies {
            std::process::abort();
        }
    })
    .unwrap();
}
