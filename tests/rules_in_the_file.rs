//! The rules against plain SQL of another program, with foreign keys off: the file refuses.

mod common;

use clientstore::{ClientStore, NewClient, NewInvoice, NewProject};
use common::{builder, plain};
use rusqlite::Connection;

/// Client 1 is inactive, with inactive project 1 and invoice 1; client 2 is active, with active
/// project 2 and invoice 2; client 3 is active and has nothing.
struct File {
    _directory: tempfile::TempDir,
    store: ClientStore,
    sql: Connection,
}

fn file() -> File {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = builder(&Default::default()).open(&path).unwrap();
    for name in ["one", "two", "three"] {
        store.clients().create(&NewClient::named(name)).unwrap();
    }
    store.projects().create(&NewProject::of(1, "asleep").active(false)).unwrap();
    store.projects().create(&NewProject::of(2, "awake")).unwrap();
    store.invoices().create(&NewInvoice::of(1)).unwrap();
    store.invoices().create(&NewInvoice::of(2)).unwrap();
    store.clients().toggle(1).unwrap();
    let sql = plain(&path);
    let keys: i64 = sql.query_row("PRAGMA foreign_keys", [], |row| row.get(0)).unwrap();
    assert_eq!(keys, 0, "the triggers stand alone");
    File { _directory: directory, store, sql }
}

/// What no statement may break, whatever it returned.
fn forbidden_states(sql: &Connection) -> Vec<&'static str> {
    let states = [
        (
            "an inactive client has an active project",
            "SELECT 1 FROM projects JOIN clients ON clients.id = client_id WHERE projects.active AND NOT clients.active",
        ),
        ("a project has no client", "SELECT 1 FROM projects WHERE client_id NOT IN (SELECT id FROM clients)"),
        ("an invoice has no client", "SELECT 1 FROM invoices WHERE client_id NOT IN (SELECT id FROM clients)"),
        ("a name is blank", "SELECT 1 FROM clients WHERE trim(name, char(9, 10, 13, 32)) = ''"),
        ("a client is gone", "SELECT 1 WHERE (SELECT count(*) FROM clients WHERE id IN (1, 2)) < 2"),
        ("a project is gone", "SELECT 1 WHERE (SELECT count(*) FROM projects WHERE id IN (1, 2)) < 2"),
        ("an invoice is gone", "SELECT 1 WHERE (SELECT count(*) FROM invoices WHERE id IN (1, 2)) < 2"),
        ("an id is not positive", "SELECT 1 FROM (SELECT id FROM clients UNION SELECT id FROM projects) WHERE id < 1"),
        (
            "a client has not the kind of its newest invoice",
            "SELECT 1 FROM clients WHERE last_invoice_kind IS NOT
                (SELECT kind FROM invoices WHERE client_id = clients.id ORDER BY created_at DESC, id DESC LIMIT 1)",
        ),
    ];
    let holds = |query: &str| sql.prepare(query).unwrap().exists([]).unwrap();
    states.into_iter().filter(|(_, query)| holds(query)).map(|(name, _)| name).collect()
}

/// Columns and values of rows that other programs might insert; `?` stands for what varies.
const CLIENT: &str = "clients (id, name, active, created_at, updated_at) VALUES (?, 'x', ?, '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z')";
const PROJECT: &str = "projects (id, client_id, name, active, created_at, updated_at) VALUES (?, ?, 'x', ?, '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z')";
const INVOICE: &str = "invoices (id, client_id, currency, due_at, issued_at, number, client_key, created_at, updated_at) VALUES \
    (?, ?, 'x', '2011-01-01', '2011-01-01', '1', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z')";

fn row(template: &str, values: &[&str]) -> String {
    values.iter().fold(template.to_owned(), |row, value| row.replacen('?', value, 1))
}

#[test]
fn the_templates_of_the_attacks_are_good_rows() {
    let file = file();
    let File { sql, .. } = &file;
    for good in [row(CLIENT, &["NULL", "0"]), row(PROJECT, &["NULL", "3", "1"]), row(INVOICE, &["NULL", "3"])] {
        assert_eq!(sql.execute(&format!("INSERT INTO {good}"), []).unwrap(), 1, "{good}");
    }
    assert!(forbidden_states(sql).is_empty());
}

/// Statements that the file must refuse with an error, whatever conflict clause they carry.
fn refused() -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    for insert in ["INSERT", "INSERT OR ABORT", "INSERT OR FAIL", "INSERT OR ROLLBACK", "INSERT OR IGNORE", "REPLACE"] {
        for project in [["NULL", "1", "1"], ["NULL", "9", "1"], ["NULL", "9", "0"], ["NULL", "0", "0"]] {
            statements.push(format!("{insert} INTO {}", row(PROJECT, &project)));
        }
        statements.push(format!("{insert} INTO {}", row(INVOICE, &["NULL", "9"])));
        // Another client's: it would be replaced, and no trigger told of the client that it leaves.
        statements.push(format!("{insert} INTO {}", row(INVOICE, &["1", "2"])));
        statements.push(format!("{insert} INTO {}", row(INVOICE, &["'2'", "3"])));
    }
    for insert in ["REPLACE", "INSERT OR REPLACE"] {
        statements.push(format!("{insert} INTO {}", row(CLIENT, &["2", "0"])));
        statements.push(format!("{insert} INTO {}", row(PROJECT, &["1", "1", "1"])));
        statements.push(format!("{insert} INTO {}", row(PROJECT, &["2", "9", "1"])));
        statements.push(format!("{insert} INTO {}", row(INVOICE, &["1", "9"])));
    }
    for update in
        ["UPDATE", "UPDATE OR ABORT", "UPDATE OR FAIL", "UPDATE OR IGNORE", "UPDATE OR REPLACE", "UPDATE OR ROLLBACK"]
    {
        for set in [
            "clients SET active = 0 WHERE id = 2",
            "clients SET active = 0",
            "clients SET active = 1 - active",
            "clients SET (name, active) = ('x', 0) WHERE name = 'two'",
            "clients SET active = p.active FROM projects AS p WHERE p.id = 1 AND clients.id = 2",
            "projects SET active = 1 WHERE id = 1",
            "projects SET active = 1",
            "projects SET client_id = 1 WHERE id = 2",
            "projects SET client_id = 1, active = 1",
            "projects SET client_id = 9",
            "projects SET client_id = client_id + 100",
            "invoices SET client_id = 9",
            "invoices SET client_id = -1 WHERE id = 2",
        ] {
            statements.push(format!("{update} {set}"));
        }
        for table in ["clients", "projects", "invoices"] {
            for column in ["id", "rowid", "oid", "_rowid_"] {
                statements.push(format!("{update} {table} SET {column} = {column} + 100"));
                statements.push(format!("{update} {table} SET {column} = 3 - {column} WHERE id < 3"));
                statements.push(format!("{update} {table} SET {column} = 3 WHERE id = 2"));
                statements.push(format!("{update} {table} SET {column} = 77 WHERE id = 1"));
            }
        }
    }
    for delete in ["DELETE FROM clients WHERE id = 1", "DELETE FROM clients WHERE id = 2", "DELETE FROM clients"] {
        statements.push(delete.to_owned());
        statements.push(format!("{delete} RETURNING id"));
    }
    for upsert in [
        format!("{} ON CONFLICT DO UPDATE SET active = 0", row(CLIENT, &["2", "1"])),
        format!("{} ON CONFLICT (id) DO UPDATE SET active = excluded.active", row(CLIENT, &["2", "0"])),
        format!("{} ON CONFLICT (id) DO UPDATE SET id = 55", row(CLIENT, &["2", "1"])),
        format!("{} ON CONFLICT (id) DO UPDATE SET active = 1", row(PROJECT, &["1", "1", "0"])),
        format!("{} ON CONFLICT (id) DO UPDATE SET client_id = 1", row(PROJECT, &["2", "2", "1"])),
        format!("{} ON CONFLICT (id) DO UPDATE SET client_id = 9", row(INVOICE, &["1", "1"])),
        format!("{} ON CONFLICT (id) DO UPDATE SET rowid = 9", row(INVOICE, &["1", "1"])),
        format!("{} ON CONFLICT (id) DO UPDATE SET client_id = excluded.client_id", row(INVOICE, &["1", "2"])),
        format!("{} ON CONFLICT DO NOTHING", row(INVOICE, &["1", "2"])),
    ] {
        statements.push(format!("INSERT INTO {upsert}"));
    }
    statements
}

#[test]
fn the_file_refuses_every_statement_that_breaks_a_rule() {
    let file = file();
    let File { sql, store, .. } = &file;
    let counts = "SELECT count(*), total(id), total(active) FROM (SELECT id, active FROM clients UNION ALL
                  SELECT id + 100, active FROM projects UNION ALL SELECT id + 10000, 0 FROM invoices)";
    let state =
        || -> (i64, f64, f64) { sql.query_row(counts, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap() };
    let before = state();
    for statement in refused() {
        let result = sql.execute_batch(&statement);
        assert!(result.is_err(), "the file took: {statement}");
        assert_eq!(state(), before, "it changed something: {statement}");
        assert_eq!(forbidden_states(sql), [""; 0], "{statement}");
    }
    assert_eq!(store.clients().list(&Default::default()).unwrap().map(Result::unwrap).count(), 3);
}

/// Statements that may do something or nothing, but leave no forbidden state.
fn risky() -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    for insert in ["INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE", "INSERT OR FAIL", "REPLACE"] {
        for id in ["NULL", "0", "-1", "1", "2", "3", "9"] {
            for flag in ["0", "1"] {
                statements.push(format!("{insert} INTO {}", row(CLIENT, &[id, flag])));
                for client in ["0", "1", "2", "3", "9"] {
                    statements.push(format!("{insert} INTO {}", row(PROJECT, &[id, client, flag])));
                }
            }
            for client in ["0", "1", "2", "3", "9"] {
                statements.push(format!("{insert} INTO {}", row(INVOICE, &[id, client])));
            }
        }
    }
    for table in ["clients", "projects"] {
        statements.push(format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}"));
        statements.push(format!("UPDATE OR IGNORE {table} SET active = 'yes'"));
        statements.push(format!("UPDATE OR IGNORE {table} SET name = ' ', active = 1 - active"));
        statements.push(format!("UPDATE OR REPLACE {table} SET name = NULL"));
        statements.push(format!("UPDATE OR REPLACE {table} SET active = NULL"));
        statements.push(format!("UPDATE {table} SET active = 1 - active WHERE id IN (SELECT id FROM {table} LIMIT 1)"));
        statements.push(format!("UPDATE {table} SET active = 1 - active WHERE id = 2"));
    }
    for verb in ["UPDATE", "UPDATE OR IGNORE", "UPDATE OR REPLACE"] {
        statements.push(format!("{verb} invoices SET client_id = 3 - client_id, kind = 'task'"));
        statements
            .push(format!("{verb} invoices SET created_at = '2009-01-01T00:00:00Z', client_id = 1, rowid = rowid"));
    }
    for change in ["NOTHING", "UPDATE SET kind = 'task'", "UPDATE SET client_id = 3, kind = 'people'"] {
        statements.push(format!("INSERT INTO {} ON CONFLICT DO {change}", row(INVOICE, &["1", "1"])));
    }
    statements.push("INSERT OR REPLACE INTO invoices SELECT * FROM invoices".to_owned());
    statements.push("DELETE FROM clients WHERE id = 3".to_owned());
    statements.push("UPDATE projects SET client_id = 5 - client_id WHERE client_id IN (2, 3)".to_owned());
    statements.push("WITH x AS (SELECT 1) UPDATE clients SET active = 0 WHERE id = (SELECT * FROM x)".to_owned());
    statements
}

#[test]
fn no_statement_of_another_program_leaves_a_forbidden_state() {
    for recursive in ["OFF", "ON"] {
        let file = file();
        let File { sql, .. } = &file;
        sql.execute_batch(&format!("PRAGMA recursive_triggers = {recursive}")).unwrap();
        let mut took = 0;
        for statement in risky().into_iter().chain(refused()) {
            sql.execute_batch("SAVEPOINT attack").unwrap();
            took += usize::from(sql.execute_batch(&statement).is_ok());
            assert_eq!(forbidden_states(sql), [""; 0], "recursive triggers {recursive}: {statement}");
            if sql.is_autocommit() {
                continue; // an OR ROLLBACK took the savepoint with it
            }
            sql.execute_batch("ROLLBACK TO attack; RELEASE attack").unwrap();
        }
        assert!(took > 10, "the statements reach the rules");
    }
}

#[test]
fn the_file_refuses_every_statement_of_a_program_with_foreign_keys_on_too() {
    let file = file();
    let File { sql, .. } = &file;
    sql.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    for statement in refused() {
        assert!(sql.execute_batch(&statement).is_err(), "the file took: {statement}");
        assert_eq!(forbidden_states(sql), [""; 0], "{statement}");
    }
}

#[test]
fn the_file_refuses_what_no_document_can_carry() {
    let file = file();
    let File { sql, .. } = &file;
    let columns: Vec<(&str, &str)> = [
        ("clients", "name details currency currency_symbol default_invoice_timeframe last_invoice_kind created_at updated_at"),
        (
            "projects",
            "name code bill_by hourly_rate budget_by budget over_budget_notification_percentage over_budget_notified_at \
             created_at updated_at starts_on ends_on hint_earliest_record_at hint_latest_record_at notes cost_budget",
        ),
        (
            "invoices",
            "amount due_amount due_at due_at_human_format period_end period_start subject currency issued_at notes number \
             purchase_order client_key state tax tax2 discount_amount discount updated_at created_at kind",
        ),
    ]
    .into_iter()
    .flat_map(|(table, columns)| columns.split_whitespace().map(move |column| (table, column)))
    .collect();
    for (table, column) in columns {
        for code in (0..32).filter(|code| ![9, 10, 13].contains(code)).chain([0xFFFE, 0xFFFF]) {
            // Behind a good value, and alone.
            for value in [format!("coalesce({column}, '2011-01-01') || char({code})"), format!("char({code}) || 'x'")] {
                let statement = format!("UPDATE {table} SET {column} = {value}");
                assert!(sql.execute_batch(&statement).is_err(), "the file took: {statement}");
            }
        }
    }
    for good in ["char(9, 10, 13, 32)", "char(65533)", "char(127, 128, 159)", "char(57344, 1114111)", "''"] {
        sql.execute_batch(&format!("UPDATE clients SET details = {good}; UPDATE invoices SET notes = {good}")).unwrap();
    }
}

#[test]
fn the_file_refuses_values_of_the_wrong_kind() {
    let file = file();
    let File { sql, .. } = &file;
    for set in [
        "clients SET name = ''",
        "clients SET name = char(10, 32)",
        "clients SET name = NULL",
        "clients SET name = x'41'",
        "clients SET active = 2",
        "clients SET highrise_id = 'x'",
        "clients SET updated_at = '2011-01-01 00:00:00'",
        "clients SET updated_at = CURRENT_TIMESTAMP",
        "projects SET bill_by = 'tasks'",
        "projects SET budget_by = 'hours'",
        "projects SET budget = 'ten'",
        "projects SET budget = '10'",
        "projects SET starts_on = '2011'",
        "invoices SET state = 'sent'",
        "invoices SET tax = '5'",
        "invoices SET tax_amount = NULL",
        "invoices SET client_key = 'x y'",
        "invoices SET kind = 'free-form'",
    ] {
        assert!(sql.execute_batch(&format!("UPDATE {set}")).is_err(), "the file took: {set}");
    }
}

#[test]
fn ids_are_not_used_again_whichever_program_deletes() {
    let file = file();
    let File { sql, store, .. } = &file;
    sql.execute_batch("DELETE FROM clients WHERE id = 3; DELETE FROM projects; DELETE FROM invoices").unwrap();
    assert_eq!(store.clients().create(&NewClient::named("x")).unwrap(), 4);
    assert_eq!(store.projects().create(&NewProject::of(2, "x")).unwrap(), 3);
    assert_eq!(store.invoices().create(&NewInvoice::of(2)).unwrap(), 3);
    sql.execute_batch(&format!("INSERT INTO {}", row(CLIENT, &["NULL", "1"]))).unwrap();
    assert_eq!(sql.last_insert_rowid(), 5);
}

#[test]
fn the_last_invoice_kind_follows_what_other_programs_write() {
    let file = file();
    let File { sql, store, .. } = &file;
    let kind = |id| store.clients().get(id).unwrap().last_invoice_kind;
    assert_eq!((kind(2).as_deref(), kind(3)), (Some("free_form"), None));
    sql.execute_batch("UPDATE invoices SET client_id = 3, kind = 'task' WHERE id = 2").unwrap();
    assert_eq!((kind(2), kind(3).as_deref()), (None, Some("task")));
    sql.execute_batch("DELETE FROM invoices WHERE id = 2").unwrap();
    assert_eq!(kind(3), None);
}

#[test]
fn an_invoice_that_is_put_under_another_client_is_refused_with_the_way_to_move_it() {
    for recursive in ["OFF", "ON"] {
        let file = file();
        let File { sql, store, .. } = &file;
        sql.execute_batch(&format!("PRAGMA recursive_triggers = {recursive}")).unwrap();
        for insert in ["REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE", "INSERT"] {
            let statement = format!("{insert} INTO {}", row(INVOICE, &["2", "3"]));
            let error = sql.execute_batch(&statement).expect_err(&statement);
            assert_eq!(error.to_string(), "the invoice is another client's; an UPDATE moves it", "{statement}");
            assert_eq!(store.invoices().get(2).unwrap().client_id, 2, "{statement}");
        }
        let statement = format!("REPLACE INTO {}", row(INVOICE, &["2", "2"]).replace("'1', 'a", "'replaced', 'a"));
        sql.execute_batch(&statement).unwrap();
        assert_eq!(store.invoices().get(2).unwrap().number, "replaced", "of the same client it is replaced");
    }
}

#[test]
fn a_client_that_is_replaced_keeps_the_kind_of_its_newest_invoice_and_one_without_has_what_it_is_given() {
    let file = file();
    let File { sql, store, .. } = &file;
    let kind = |id| store.clients().get(id).unwrap().last_invoice_kind;
    let given = |id: &str, kind: &str| {
        let client = row(CLIENT, &[id, "1"]);
        client.replace("(id,", "(last_invoice_kind, id,").replace("VALUES (", &format!("VALUES ({kind}, "))
    };
    sql.execute_batch("UPDATE invoices SET kind = 'task' WHERE id = 2").unwrap();
    for insert in ["REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE"] {
        for value in ["NULL", "'people'"] {
            sql.execute_batch(&format!("{insert} INTO {}", given("2", value))).unwrap();
            assert_eq!(kind(2).as_deref(), Some("task"), "{insert} {value}");
        }
    }
    sql.execute_batch(&format!("INSERT INTO {} ON CONFLICT DO UPDATE SET name = 'y'", given("2", "NULL"))).unwrap();
    assert_eq!(kind(2).as_deref(), Some("task"));
    // As it is loaded from a list.
    sql.execute_batch(&format!("INSERT INTO {}; REPLACE INTO {}", given("8", "'people'"), given("3", "'task'")))
        .unwrap();
    assert_eq!((kind(8).as_deref(), kind(3).as_deref()), (Some("people"), Some("task")));
}
