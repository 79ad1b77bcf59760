//! Migration by the real versions and by invented ones after them.

use std::cell::Cell;
use std::process::Command;
use std::time::Duration;

use super::super::format::FILE_FORMAT;
use super::super::objects;
use super::*;
use crate::ClientStore;
use crate::store::Durability;
use crate::store::open::Access;

/// Says to the child which file to bring up to date, to which version, and before which step to die.
const FILE: &str = "CLIENTSTORE_MIGRATED_FILE";
const TO: &str = "CLIENTSTORE_MIGRATED_TO";
const STEP: &str = "CLIENTSTORE_DIES_BEFORE_STEP";

const CATEGORIES: &str = "CREATE TABLE invoice_item_categories (";

/// The versions as they are kept.
const KEPT: &[&str] = &[
    include_str!("../../../../tests/schemas/v1.sql"),
    include_str!("../../../../tests/schemas/v2.sql"),
    include_str!("../../../../tests/schemas/v3.sql"),
    include_str!("../../../../tests/schemas/v4.sql"),
];

/// The real version that the invented ones follow, and the last of those.
const REAL: i64 = KEPT.len() as i64;
const INVENTED: i64 = REAL + 2;

/// The format with two more versions: one makes a table anew, one adds an index and another trigger.
fn invented() -> [FileFormat; 2] {
    let last = objects::CURRENT;
    let table = &last[last.find(CATEGORIES).unwrap()..];
    let table = &table[..table.find(") STRICT;").unwrap()];
    // A table's CHECKs follow its columns.
    let stricter = format!("{table},\n    CHECK (length(name) < 100)\n) STRICT;");
    let next = last.replace(&format!("{table}) STRICT;"), &stricter);
    assert!(next != last);
    let triggers: Vec<&str> =
        last.split("\n\n").filter(|part| part.contains("CREATE TRIGGER invoice_item_categories_")).collect();
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
    let newest = format!("{next}\n{index}\n{trigger}");
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let step = |Step { script, views }: &Step| Step { script, views };
    let steps = |more: &[&'static str]| -> &'static [Step] {
        let more = more.iter().map(|script| Step { script, views: "" });
        Vec::leak(FILE_FORMAT.steps.iter().map(step).chain(more).collect())
    };
    let (script, added) = (leak(script), leak(format!("{index} {trigger}")));
    [
        FileFormat { schema: leak(next), steps: steps(&[script]) },
        FileFormat { schema: leak(newest), steps: steps(&[script, added]) },
    ]
}

/// The format whose newest version is the given one.
fn format_of(version: i64) -> FileFormat {
    match version - REAL {
        ..0 => FileFormat { schema: KEPT[version as usize - 1], steps: &FILE_FORMAT.steps[..version as usize - 1] },
        0 => FILE_FORMAT,
        more => invented()[more as usize - 1],
    }
}

fn newest() -> FileFormat {
    format_of(INVENTED)
}

fn settings() -> Settings {
    // A process that dies loses nothing that it wrote; only a power loss would, which the faults' tests try.
    Settings {
        durability: Durability::Off,
        busy_timeout: Duration::from_secs(5),
        keeps_log: false,
        links: false,
        access: Access::Write,
    }
}

/// What a file of each real version can hold: a category whose id was the greatest that was given, three clients with
/// a right kind, a stale one, and one of a list without invoices.
const ROWS: &str = "
    INSERT INTO clients (id, name, last_invoice_kind, created_at, updated_at) VALUES
        (1, 'right', NULL, '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'),
        (2, 'stale', NULL, '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'),
        (3, 'listed', 'people', '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z');
    INSERT INTO invoices (id, client_id, kind, currency, due_at, issued_at, number, client_key, created_at, updated_at)
        SELECT id, 1 + id / 2, iif(id = 2, 'detailed', 'task'), 'x', '2011-01-01', '2011-01-01', id,
            'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'
        FROM (SELECT 1 AS id UNION ALL SELECT 2 UNION ALL SELECT 3);
    UPDATE clients SET last_invoice_kind = 'detailed' WHERE name = 'stale';
    INSERT INTO invoice_item_categories (name, created_at, updated_at) VALUES
        ('Meals', '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'),
        ('Gone', '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z');
    DELETE FROM invoice_item_categories WHERE name = 'Gone';
";

/// A file of a real version.
fn older(directory: &tempfile::TempDir, version: i64) -> PathBuf {
    let path = directory.path().join("store.db");
    let connection = Connection::open(&path).unwrap();
    // Otherwise each of the schema's statements would wait for the disk.
    connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
    connection.execute_batch(KEPT[version as usize - 1]).unwrap();
    connection.execute_batch(ROWS).unwrap();
    connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    connection.pragma_update(None, "user_version", version).unwrap();
    path
}

fn first(directory: &tempfile::TempDir) -> PathBuf {
    older(directory, 1)
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    connection
}

fn prepare(path: &Path, format: FileFormat, step: &dyn Fn()) -> Result<Option<Upgrade>> {
    Preparation {
        connection: &open(path),
        path: Some(path),
        settings: &settings(),
        account: &Account::default(),
        format: &format,
        app: &[],
        step,
    }
    .run()
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
struct Contents {
    version: i64,
    rows: Vec<(i64, String, Option<String>)>,
    sequence: i64,
}

impl Contents {
    /// What they are once they were brought to a version.
    fn brought_to(mut self, to: i64) -> Self {
        for (_, name, kind) in &mut self.rows {
            if name == "stale" && self.version == 1 {
                assert_eq!(kind.replace("task".to_owned()).as_deref(), Some("detailed"));
            }
        }
        Contents { version: to, ..self }
    }
}

/// What a file holds; any difference of its schema from that of its version is a failure.
fn contents(path: &Path) -> Contents {
    let connection = open(path);
    let (id, version) = identity(&connection).unwrap();
    assert_eq!(id, APPLICATION_ID);
    let expected = objects::made_by(format_of(version).schema).unwrap();
    assert_eq!(differences(&connection, &expected).unwrap(), []);
    whole(path).unwrap();
    let sql = "SELECT id, name, last_invoice_kind FROM clients UNION ALL SELECT id, name, NULL \
               FROM invoice_item_categories UNION ALL SELECT id, number, kind FROM invoices";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let rows = rows.map(std::result::Result::unwrap).collect();
    let sequence = "SELECT seq FROM sqlite_sequence WHERE name = 'invoice_item_categories'";
    Contents { version, rows, sequence: connection.query_row(sequence, [], |row| row.get(0)).unwrap() }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_newest_version_is_the_schema_and_every_version_leads_to_the_next() {
    assert_eq!((FILE_FORMAT.schema, FILE_FORMAT.newest()), (KEPT[KEPT.len() - 1], REAL));
    for (step, schemas) in FILE_FORMAT.steps.iter().zip(KEPT.windows(2)) {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(schemas[0]).unwrap();
        connection.execute_batch(step.script).unwrap();
        let expected = objects::made_by(schemas[1]).unwrap();
        assert_eq!(differences(&connection, &expected).unwrap(), []);
    }
}

/// What is told of an older file on which a script was run.
fn told(connection: &Connection) -> Vec<String> {
    FILE_FORMAT.differences(connection).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_altered_in_an_older_file_is_told_by_name() {
    for version in 1..REAL {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(older(&directory, version)).unwrap();
        assert_eq!(told(&connection), [""; 0], "as it was left");
        connection.execute_batch("ANALYZE; PRAGMA foreign_keys = OFF").unwrap();
        assert_eq!(told(&connection), [""; 0]);
        for (script, said) in [
            ("DROP TRIGGER clients_deleted", "the trigger clients_deleted is missing"),
            ("DROP INDEX projects_active", "the index projects_active is missing"),
            ("DROP TABLE invoice_payments", "the table invoice_payments is missing"),
            ("CREATE VIEW own AS SELECT 1", "the view own is no part of a clientstore"),
            ("CREATE TABLE own (x)", "the table own is no part of a clientstore"),
            (
                "CREATE TRIGGER own AFTER INSERT ON clients BEGIN SELECT 1; END",
                "the trigger own is no part of a clientstore",
            ),
            ("ALTER TABLE clients ADD COLUMN own TEXT", "the table clients is not the one of schema.sql"),
            ("ALTER TABLE clients RENAME COLUMN details TO own", "the table clients is not the one of schema.sql"),
        ] {
            let transaction = connection.transaction().unwrap();
            transaction.execute_batch(script).unwrap();
            let told = told(&transaction);
            assert!(told.contains(&said.to_owned()), "version {version}, {script}: {told:?}");
        }
    }
}

#[test]
fn an_older_file_is_brought_up_to_date_and_kept_beside_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = first(&directory);
    let before = contents(&path);
    let upgrade = prepare(&path, newest(), &|| {}).unwrap().unwrap();
    let backup = directory.path().join("store.db.v1-backup");
    assert_eq!(upgrade, Upgrade { from: 1, to: INVENTED, backup: backup.clone() });
    let said = format!("brought from format version 1 to {INVENTED}; the file as it was is {}", backup.display());
    assert_eq!(upgrade.to_string(), said);
    assert_eq!(contents(&path), before.clone().brought_to(INVENTED));
    assert_eq!(contents(&backup), before);
    assert_eq!(prepare(&path, newest(), &|| {}).unwrap(), None);
    assert_eq!(names(directory.path()), ["store.db", "store.db.v1-backup"]);
    let keys: bool = {
        let connection = open(&path);
        let (settings, step, format) = (settings(), || {}, newest());
        let again = Preparation {
            connection: &connection,
            path: Some(&path),
            settings: &settings,
            account: &Account::default(),
            format: &format,
            app: &[],
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
    let upgrade = prepare(&path, newest(), &|| {}).unwrap().unwrap();
    assert_eq!(upgrade.backup, directory.path().join("store.db.v1-backup-2"));
    assert_eq!(contents(&upgrade.backup).version, 1);
    assert_eq!(fs::read_to_string(directory.path().join("store.db.v1-backup")).unwrap(), "precious");
}

#[test]
fn rows_that_the_new_version_refuses_leave_the_file_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = first(&directory);
    let long = "UPDATE invoice_item_categories SET name = printf('%200s', name)";
    open(&path).execute_batch(long).unwrap();
    let before = fs::read(&path).unwrap();
    let error = prepare(&path, newest(), &|| {}).unwrap_err();
    let said = format!(
        "it has format version 1, and cannot be brought to version {INVENTED}: \
         CHECK constraint failed: length(name) < 100"
    );
    assert!(matches!(&error, Error::Unopened { hint, .. } if hint.starts_with(&said)), "{error}");
    assert!(fs::read(&path).unwrap() == before);
    assert_eq!(names(directory.path()), ["store.db"]);
}

#[test]
fn an_altered_older_file_is_refused_and_left_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = first(&directory);
    open(&path).execute_batch("DROP TRIGGER clients_deleted").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(prepare(&path, newest(), &|| {}), Err(Error::Altered { more: 0, .. })));
    assert!(fs::read(&path).unwrap() == before);
    assert_eq!(names(directory.path()), ["store.db"]);
}

#[test]
fn a_script_that_leads_elsewhere_is_an_error_and_leaves_the_file_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = first(&directory);
    let before = contents(&path);
    for script in ["", "CREATE TABLE other (x)", "DROP TABLE missing", "DELETE FROM clients; CREATE"] {
        let wrong = FileFormat { schema: KEPT[1], steps: Vec::leak(vec![Step { script, views: "" }]) };
        assert!(prepare(&path, wrong, &|| {}).is_err(), "{script}");
        assert_eq!(contents(&path), before);
    }
    assert_eq!(names(directory.path()), ["store.db"]);
}

#[test]
fn a_newer_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = first(&directory);
    prepare(&path, newest(), &|| {}).unwrap();
    assert!(
        matches!(prepare(&path, FILE_FORMAT, &|| {}), Err(Error::Newer { found: INVENTED, supported, .. }) if supported == REAL)
    );
    assert!(matches!(ClientStore::open(&path), Err(Error::Newer { found: INVENTED, .. })));
}

#[test]
fn a_process_that_is_killed_at_any_step_leaves_the_old_file_or_the_new_one_and_a_backup() {
    for (from, to) in (1..REAL).map(|from| (from, REAL)).chain([(REAL, INVENTED)]) {
        killed_at_every_step(from, to);
    }
}

fn killed_at_every_step(from: i64, to: i64) {
    let steps = {
        let directory = tempfile::tempdir().unwrap();
        let steps = Cell::new(0);
        let step = || steps.set(steps.get() + 1);
        prepare(&older(&directory, from), format_of(to), &step).unwrap();
        steps.get()
    };
    println!("from {from} to {to}: {steps} steps");
    assert!(steps > 6, "{steps}");
    // Each kill is a process of its own. So of many steps, those between the first and the last ones are sampled; all of
    // them with CLIENTSTORE_KILLED_STEPS=all.
    let all = std::env::var_os("CLIENTSTORE_KILLED_STEPS").is_some_and(|steps| steps == "all");
    let every = (steps / 5).max(1);
    let sampled = |step: u32| all || step == 1 || step + 2 >= steps || step.is_multiple_of(every);
    for step in (1..=steps + 1).filter(|step| sampled(*step)) {
        let context = format!("from {from} to {to}, step {step} of {steps}");
        let directory = tempfile::tempdir().unwrap();
        let path = older(&directory, from);
        let before = contents(&path);
        let test = "store::schema::migrate::tests::child";
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(FILE, &path)
            .env(TO, to.to_string())
            .env(STEP, step.to_string())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.success(), step > steps, "{context}");
        let after = contents(&path);
        let backup = directory.path().join(format!("store.db.v{from}-backup"));
        if backup.exists() {
            assert_eq!(contents(&backup), before, "{context}");
        }
        if after != before {
            assert_eq!(after, before.clone().brought_to(to), "{context}");
            assert!(step > steps && backup.exists(), "{context}");
        }
        prepare(&path, format_of(to), &|| {}).unwrap();
        assert_eq!(contents(&path), before.brought_to(to), "{context}");
        let backups =
            names(directory.path()).into_iter().filter(|name| name.contains("-backup") && !name.contains("partial"));
        assert!(backups.count() > 0, "{context}");
    }
}

/// Brings a file up to date, and dies on its way as it is told.
#[test]
#[ignore = "the child of the test that kills it"]
fn child() {
    let path = PathBuf::from(std::env::var_os(FILE).expect("a file"));
    let to: i64 = std::env::var(TO).unwrap().parse().unwrap();
    let dies: u32 = std::env::var(STEP).unwrap().parse().unwrap();
    let steps = Cell::new(0);
    prepare(&path, format_of(to), &|| {
        steps.set(steps.get() + 1);
        if steps.get() == dies {
            std::process::abort();
        }
    })
    .unwrap();
}
