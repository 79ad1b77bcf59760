//! A file of version 1 that is brought up to date.

use std::path::Path;

use clientstore::{Durability, Error};
use clientstore_faults::{Call, Fault, arm, disarm, lose_power, power_on};
use rusqlite::Connection;

use crate::bench::{Bench, Calls, assert_typed, calls_of, errors, losses, seeds, survives};

/// In the short form each fault comes at no more than this many calls, and at every one of the last calls, which come after
/// the copy's pages.
const MOST: u64 = 6;
const LAST: u64 = 20;

const ROWS: &str = "
    INSERT INTO clients (id, name, last_invoice_kind, created_at, updated_at) VALUES
        (1, 'right', NULL, '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'),
        (2, 'stale', NULL, '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'),
        (3, 'listed', 'people', '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z');
    INSERT INTO clients (name, details, created_at, updated_at)
        WITH n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20)
        SELECT 'client ' || n, printf('%3000s', n), '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z' FROM n;
    INSERT INTO projects (client_id, name, created_at, updated_at)
        VALUES (1, 'its', '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z');
    INSERT INTO invoices (id, client_id, kind, currency, due_at, issued_at, number, client_key, created_at, updated_at)
        SELECT column1, column1, 'task', 'x', '2011-01-01', '2011-01-01', column1,
            'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z'
        FROM (VALUES (1), (2));
    UPDATE clients SET last_invoice_kind = NULL WHERE name = 'stale';
";

/// A file of version 1 as the template.
fn bench(journal: &str) -> Bench {
    let bench = Bench::empty(Durability::Full, false);
    let sql = Connection::open(bench.path("template.db")).unwrap();
    sql.execute_batch(&format!("PRAGMA journal_mode = {journal}")).unwrap();
    sql.execute_batch(include_str!("../../../schemas/v1.sql")).unwrap();
    sql.execute_batch("PRAGMA application_id = 0x6353746F; PRAGMA user_version = 1").unwrap();
    sql.execute_batch(ROWS).unwrap();
    drop(sql);
    power_on();
    assert_eq!(bench.names(), ["template.db"]);
    bench
}

/// The version, the schema and the rows.
fn contents(path: &Path, context: &str) -> (i64, String) {
    let read = || -> rusqlite::Result<_> {
        let sql = Connection::open(path)?;
        let whole: String = sql.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        assert_eq!(whole, "ok", "{context}");
        let version = sql.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let mut statement = sql.prepare(
            "SELECT 1, name, sql, NULL FROM sqlite_schema UNION ALL SELECT 2, id, name || details, last_invoice_kind FROM clients \
             UNION ALL SELECT 3, id, name, client_id FROM projects UNION ALL SELECT 4, id, kind, client_id FROM invoices \
             UNION ALL SELECT 5, id, name, NULL FROM invoice_item_categories UNION ALL SELECT 6, name, seq, NULL \
             FROM sqlite_sequence ORDER BY 1, 2",
        )?;
        let mut rows = statement.query([])?;
        let mut text = String::new();
        while let Some(row) = rows.next()? {
            for column in 0..4 {
                text.push_str(&format!("{:?}|", row.get_ref(column)?));
            }
        }
        Ok((version, text))
    };
    read().unwrap_or_else(|error| panic!("{context}: {}: {error}", path.display()))
}

struct Expected {
    old: (i64, String),
    new: (i64, String),
}

impl Expected {
    fn of(bench: &Bench) -> Self {
        let store = bench.fresh().unwrap();
        assert_eq!(store.clients().get(2).unwrap().last_invoice_kind.as_deref(), Some("task"));
        assert_eq!(store.clients().get(3).unwrap().last_invoice_kind.as_deref(), Some("people"));
        drop(store);
        let path = |name| bench.path(name);
        let expected =
            Expected { old: contents(&path("template.db"), "before"), new: contents(&path("store.db"), "after") };
        assert_eq!((expected.old.0, expected.new.0), (1, 4));
        expected
    }

    /// The file is the old one or the new one, its backups are whole, nothing else is there, and it can be opened.
    fn hold(&self, bench: &Bench, opened: bool, lost_power: bool, context: &str) {
        bench.restart();
        let found = contents(&bench.path("store.db"), context);
        assert!(found == self.old || found == self.new, "{context}: neither the old file nor the new one");
        let is_new = found == self.new;
        assert!(is_new || !opened, "{context} was acknowledged and is not there");
        let mut backups = 0;
        for name in bench.names() {
            match name.as_str() {
                "template.db" | "store.db" => {}
                // One that holds nothing to take back stays until the next write.
                "store.db-journal" => {}
                name if name.contains(".partial") => assert!(lost_power, "{context}: {name} is left"),
                name if name.starts_with("store.db.v1-backup") => {
                    assert!(contents(&bench.path(name), context) == self.old, "{context}: {name} is not the old file");
                    backups += 1;
                }
                name => panic!("{context}: {name} is left"),
            }
        }
        assert!(backups > 0 || !is_new, "{context}: the old file is nowhere");
        let store = bench.open("store.db").unwrap_or_else(|error| panic!("{context}, later: {error}"));
        assert!(store.check(|_| {}).unwrap().is_clean(), "{context}");
        drop(store);
        assert!(contents(&bench.path("store.db"), context) == self.new, "{context}, later");
        for suffix in ["wal", "shm", "journal"] {
            assert!(!bench.path(&format!("store.db-{suffix}")).exists(), "{context}, later: the {suffix} is left");
        }
    }
}

#[test]
fn an_upgrade_that_meets_a_fault_leaves_the_old_file_or_the_new_one_and_a_backup() {
    for journal in ["WAL", "DELETE"] {
        let bench = bench(journal);
        let expected = Expected::of(&bench);
        let (mut count, mut calls, mut news) = ([0, 0], 0, 0);
        for (place, fault) in errors().into_iter().chain(losses()).enumerate() {
            let loses = matches!(fault, Fault::PowerLoss { .. });
            bench.copy();
            let total = calls_of(fault, || bench.open("store.db").unwrap());
            calls += total;
            let last = total.saturating_sub(LAST) + 1;
            let last = if matches!(fault, Fault::Error { call: Call::Read, .. }) { total + 1 } else { last };
            for n in Calls::spread(total, MOST).from(place).filter(|n| *n < last).chain(last..=total) {
                let context = format!("bringing a file with journal {journal} up to date with {fault:?} at call {n}");
                bench.copy();
                arm(fault, n);
                let opened = survives(&context, || bench.open("store.db").map(drop));
                count[usize::from(loses)] += u64::from(disarm());
                if let Err(error) = &opened {
                    assert_typed(error, &context);
                    assert!(!matches!(error, Error::Load { .. }), "{context}: {error:?}");
                } else {
                    news += 1;
                }
                expected.hold(&bench, opened.is_ok(), loses, &context);
            }
        }
        for seed in 0..seeds() {
            let store = bench.fresh().unwrap();
            lose_power(seed);
            drop(store);
            expected.hold(&bench, true, true, &format!("a loss of power with seed {seed} after an upgrade, {journal}"));
        }
        let [errors, losses] = count;
        println!(
            "{errors} errors and {losses} losses of power in upgrades of a file with journal {journal}, spread over \
             {calls} calls; {news} were acknowledged all the same"
        );
        assert!(errors > 50 && losses > 50, "{errors} {losses}");
    }
}
