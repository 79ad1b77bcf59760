//! The check of a file: a whole one passes, and each fault made on purpose is reported with its place.

mod common;
mod transfers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clientstore::{ClientStore, Error, NewClient, NewInvoice, NewLineItem, Problem, Report};
use common::plain;
use transfers::{RECORDS, fill};

struct File {
    directory: tempfile::TempDir,
}

impl File {
    /// A closed store that holds some of everything.
    fn filled() -> Self {
        let file = File { directory: tempfile::tempdir().unwrap() };
        fill(&ClientStore::open(file.path()).unwrap());
        file
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("store.db")
    }

    /// Runs SQL with no CHECK and no trigger in its way; the schema is whole again afterwards.
    fn broken_by(self, sql: &str) -> Self {
        let connection = plain(&self.path());
        let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").unwrap();
        let triggers: Vec<(String, String)> =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        drop(statement);
        connection.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
        for (name, _) in &triggers {
            connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
        }
        connection.execute_batch(sql).unwrap();
        for (_, sql) in &triggers {
            connection.execute_batch(sql).unwrap();
        }
        drop(connection);
        self
    }

    /// Checks the file, which must not change by it.
    #[track_caller]
    fn checked(&self) -> Report {
        let before = self.contents();
        let report = ClientStore::check_file(self.path(), |_| {}).unwrap();
        assert!(self.contents() == before, "the check changed something");
        report
    }

    fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect()
    }

    #[track_caller]
    fn finds(&self, lines: &[&str]) {
        let report = self.checked();
        assert_eq!(said(&report), lines);
        assert_eq!(report.count(), lines.len() as u64);
    }
}

fn said(report: &Report) -> Vec<String> {
    report.findings().iter().map(ToString::to_string).collect()
}

#[test]
fn a_store_that_holds_some_of_everything_is_whole() {
    let file = File::filled();
    let report = file.checked();
    assert_eq!(said(&report), [""; 0]);
    assert!(report.is_clean() && !report.is_partial());
    assert_eq!((report.records(), report.count()), (RECORDS, 0));
}

#[test]
fn an_open_store_is_checked_as_well_on_disk_and_in_memory() {
    let file = File::filled();
    for store in [ClientStore::open(file.path()).unwrap(), ClientStore::open_in_memory().unwrap()] {
        store.clients().create(&NewClient::named("x")).unwrap();
        let mut last = None;
        let report = store.check(|progress| last = Some(progress)).unwrap();
        assert_eq!(said(&report), [""; 0]);
        let last = last.unwrap();
        assert_eq!((last.doing, last.done, last.total), ("checking the records", report.records(), report.records()));
        assert!(store.clients().create(&NewClient::named(" ")).is_err(), "its CHECKs are on again");
        store.clients().create(&NewClient::named("y")).unwrap();
    }
}

#[test]
fn the_check_sees_what_a_log_holds_that_a_crash_has_left() {
    let file = File::filled();
    let store = ClientStore::open(file.path()).unwrap();
    plain(&file.path()).execute_batch("UPDATE clients SET details = CAST(x'FF' AS TEXT) WHERE id = 1").unwrap();
    let left = File { directory: tempfile::tempdir().unwrap() };
    for name in ["store.db", "store.db-wal"] {
        std::fs::copy(file.directory.path().join(name), left.directory.path().join(name)).unwrap();
    }
    drop(store);
    let bytes = |name| std::fs::read(left.directory.path().join(name)).unwrap();
    let before = ["store.db", "store.db-wal"].map(bytes);
    let report = ClientStore::check_file(left.path(), |_| {}).unwrap();
    assert_eq!(said(&report).len(), 1, "{report:?}");
    assert!(["store.db", "store.db-wal"].map(bytes) == before, "the log stays for the next writer");
}

#[test]
fn text_that_is_not_utf_8_or_that_xml_cannot_carry_is_found() {
    let file = File::filled();
    plain(&file.path()).execute_batch("UPDATE clients SET details = CAST(x'61FF' AS TEXT) WHERE id = 2").unwrap();
    file.finds(&["malformed value: clients 2: details is not UTF-8: invalid utf-8 sequence of 1 bytes from index 1"]);
    let file = File::filled().broken_by("UPDATE projects SET notes = 'a' || char(11) WHERE id = 3");
    file.finds(&["malformed value: projects 3: notes holds the character U+000B, which XML cannot carry; remove it"]);
}

#[test]
fn texts_that_are_no_dates_and_no_decimals_are_found() {
    for (sql, line) in [
        (
            "UPDATE invoices SET issued_at = '2011-02-31' WHERE id = 7",
            "malformed value: invoices 7: issued_at \"2011-02-31\" is not a date, like 2011-03-31",
        ),
        (
            "UPDATE clients SET created_at = '2011-19-01T00:00:00Z' WHERE id = 1",
            "malformed value: clients 1: created_at \"2011-19-01T00:00:00Z\" is not a datetime, like 2011-03-31T10:00:00Z",
        ),
        (
            "UPDATE projects SET budget = '1.2.3' WHERE id = 1",
            "malformed value: projects 1: budget \"1.2.3\" is not a decimal, like 253.44",
        ),
        (
            "UPDATE projects SET budget = '01.50' WHERE id = 1",
            "malformed value: projects 1: budget \"01.50\" is not in its canonical form",
        ),
    ] {
        let file = File::filled();
        // The file's CHECKs let these pass.
        plain(&file.path()).execute_batch(sql).unwrap();
        file.finds(&[line]);
    }
}

#[test]
fn values_beyond_the_checks_are_found() {
    for (sql, line) in [
        (
            "UPDATE clients SET active = 7 WHERE id = 3",
            "malformed value: clients 3: active holds Integer(7), which is no Boolean",
        ),
        (
            "UPDATE projects SET bill_by = 'Moon' WHERE id = 1",
            "malformed value: projects 1: bill_by \"Moon\" is none of none, Tasks, People, Project",
        ),
        ("UPDATE clients SET name = char(9, 32) WHERE id = 1", "broken rule: clients 1: name is blank"),
        ("UPDATE projects SET name = '' WHERE id = 1", "broken rule: projects 1: name is blank"),
        (
            "UPDATE invoice_item_categories SET name = '' WHERE id = 1",
            "broken rule: invoice_item_categories 1: name is blank",
        ),
        (
            "UPDATE invoices SET client_key = 'a b' WHERE id = 7",
            "broken rule: invoices 7: client_key is not 1 to 64 characters without white space",
        ),
        (
            "UPDATE invoices SET tax = '120.0', tax_amount = '0.0' WHERE id = 7",
            "broken rule: invoices 7: tax or tax2 or the discount does not lie between 0 and 100 percent",
        ),
        (
            "UPDATE clients SET id = -5 WHERE id = 5; UPDATE projects SET client_id = -5 WHERE client_id = 5",
            "malformed value: clients -5: id is not positive",
        ),
    ] {
        let file = File::filled().broken_by(sql);
        let said = said(&file.checked());
        assert!(said.contains(&line.to_owned()), "{sql}: {said:#?}");
    }
}

#[test]
fn the_rules_of_the_api_are_checked() {
    File::filled()
        .broken_by("UPDATE clients SET active = 0 WHERE id = 1")
        .finds(&["broken rule: projects 1: active is true while its client is inactive"]);
    File::filled()
        .broken_by("DELETE FROM invoice_item_categories WHERE id = 2")
        .finds(&["broken rule: invoice_item_categories 2: id is missing; every store has the two default categories"]);
    let file = File::filled();
    plain(&file.path()).execute_batch("UPDATE clients SET last_invoice_kind = 'task' WHERE id = 1").unwrap();
    file.finds(&["broken rule: clients 1: last_invoice_kind is not the kind of its newest invoice"]);
}

#[test]
fn references_to_what_is_not_there_are_found() {
    let file = File::filled().broken_by(
        "UPDATE projects SET client_id = 99 WHERE id = 1; \
         UPDATE invoice_payments SET invoice_id = 99 WHERE id = (SELECT min(id) FROM invoice_payments)",
    );
    let report = file.checked();
    assert_eq!(report.count_of(Problem::Reference), 2, "{report:?}");
    let first = report.findings().iter().find(|finding| finding.problem == Problem::Reference).unwrap();
    assert_eq!((first.table, first.id), (Some("invoice_payments"), Some(1)));
    assert_eq!(first.description, "refers to one of the invoices that is not there");
}

#[test]
fn broken_links_between_an_invoice_and_what_it_bills_are_found() {
    for (table, what) in [("day_entries", "entry"), ("expenses", "expense")] {
        let broken = |invoice: i64, billed: i64| {
            let set = format!("invoice_id = {invoice}, is_billed = {billed} WHERE id = (SELECT min(id) FROM {table})");
            File::filled().broken_by(&format!("UPDATE {table} SET {set}"))
        };
        broken(99, 1)
            .finds(&[&format!("missing reference: {table} 1: refers to one of the invoices that is not there")]);
        broken(7, 0).finds(&[&format!("broken rule: {table} 1: is_billed is false while the {what} is on an invoice")]);
    }
}

/// A store whose invoice 1 has a discount, a tax and two lines, and is paid in part.
fn invoiced() -> File {
    let file = File { directory: tempfile::tempdir().unwrap() };
    let store = ClientStore::open(file.path()).unwrap();
    store.clients().create(&NewClient::named("x")).unwrap();
    let lines = [NewLineItem::of("a", 3, 100).taxed(true), NewLineItem::of("b", 1, 20)];
    let new = NewInvoice::of(1).tax(rust_decimal::Decimal::TEN).discount(rust_decimal::Decimal::TEN).lines(lines);
    store.invoices().create(&new).unwrap();
    store.invoices().mark_as_sent(1).unwrap();
    let payment = clientstore::NewPayment::of(1, 15, common::moment("2011-03-31T10:00:00Z"));
    store.payments().create(&payment).unwrap();
    file
}

#[test]
fn what_an_invoice_comes_to_is_computed_again() {
    invoiced().finds(&[]);
    for (set, line) in [
        ("amount = '1.0'", "amount is 1.0, and comes to 315.0"),
        ("due_amount = '0.0'", "due_amount is 0.0, and comes to 300.0"),
        ("discount_amount = '0.0'", "discount_amount is 0.0, and comes to 32.0"),
        ("tax_amount = '0.0'", "tax_amount is 0.0, and comes to 27.0"),
        ("state = 'paid'", "state is paid, and comes to partial"),
        ("sent = 0", "state is partial, and comes to draft"),
    ] {
        let file = invoiced();
        plain(&file.path()).execute_batch(&format!("UPDATE invoices SET {set}")).unwrap();
        file.finds(&[&format!("wrong total: invoices 1: {line}")]);
    }
    let file = invoiced();
    plain(&file.path()).execute_batch("UPDATE invoice_line_items SET amount = '30.0' WHERE id = 1").unwrap();
    let said = said(&file.checked());
    assert_eq!(said[0], "wrong total: invoices 1: amount is 315.0, and comes to 47.7", "{said:#?}");
    assert_eq!(said.last().unwrap(), "wrong total: invoice_line_items 1: amount is 30.0; 3.0 at 100.0 come to 300.0");
    let file = invoiced();
    plain(&file.path()).execute_batch("DELETE FROM invoice_payments").unwrap();
    file.finds(&[
        "wrong total: invoices 1: due_amount is 300.0, and comes to 315.0",
        "wrong total: invoices 1: state is partial, and comes to open",
    ]);
}

#[test]
fn an_id_that_would_be_given_again_is_found() {
    let file = File::filled();
    plain(&file.path())
        .execute_batch(
            "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'clients'; DELETE FROM sqlite_sequence WHERE name = 'projects'",
        )
        .unwrap();
    file.finds(&[
        "id sequence: clients: sqlite_sequence says that 1 was given last; 5 was",
        "id sequence: projects: sqlite_sequence has no number for it; 5 is given",
    ]);
}

#[test]
fn every_trigger_and_index_is_missed_and_the_file_is_refused_but_read() {
    let template = File::filled();
    let mut statement_of = plain(&template.path());
    let objects: Vec<(String, String)> = statement_of
        .transaction()
        .unwrap()
        .prepare("SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'index')")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    drop(statement_of);
    assert!(objects.len() > 30);
    for (kind, name) in objects {
        let file = File { directory: tempfile::tempdir().unwrap() };
        std::fs::copy(template.path(), file.path()).unwrap();
        plain(&file.path()).execute_batch(&format!("DROP {kind} {name}")).unwrap();
        file.finds(&[&format!("altered schema: the {kind} {name} is missing")]);
        let before = file.contents();
        match ClientStore::open(file.path()) {
            Err(Error::Altered { path, what, more: 0 }) => {
                assert_eq!((path, what), (file.path(), format!("the {kind} {name} is missing")));
            }
            other => panic!("{other:?}"),
        }
        let store = ClientStore::builder().read_only(true).open(file.path()).unwrap();
        store.dump(&mut Vec::new(), |_| {}).unwrap();
        drop(store);
        assert!(file.contents() == before, "{name}");
    }
}

#[test]
fn a_table_in_anothers_place_is_found_and_not_read() {
    let file = File::filled();
    plain(&file.path())
        .execute_batch(
            "ALTER TABLE invoice_messages RENAME TO other; CREATE VIEW invoice_messages AS WITH RECURSIVE n (id) AS \
             (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT other.* FROM other, n",
        )
        .unwrap();
    let report = file.checked();
    assert!(report.is_partial());
    assert_eq!(said(&report)[0], "altered schema: the table invoice_messages is missing");
    for read_only in [false, true] {
        let result = ClientStore::builder().read_only(read_only).open(file.path());
        assert!(matches!(result, Err(Error::Altered { .. })), "{result:?}");
    }
}

#[test]
fn a_read_only_store_writes_nothing() {
    let file = File::filled();
    let before = file.contents();
    let store = ClientStore::builder().read_only(true).open(file.path()).unwrap();
    assert!(store.clients().get(1).is_ok());
    assert!(matches!(store.clients().create(&NewClient::named("x")), Err(Error::ReadOnly { .. })));
    assert!(matches!(store.transaction(|tx| tx.clients().delete(5)), Err(Error::ReadOnly { .. })));
    drop(store);
    assert!(file.contents() == before);
    let missing = file.directory.path().join("missing.db");
    assert!(matches!(ClientStore::builder().read_only(true).open(&missing), Err(Error::Missing { .. })));
    assert!(!missing.exists());
}

/// The page on which an object of the schema begins.
fn page(path: &Path, name: &str) -> usize {
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    plain(path).query_row(sql, [name], |row| row.get::<_, i64>(0)).unwrap() as usize
}

#[test]
fn damaged_pages_are_found() {
    for name in ["clients", "clients_updated_at", "invoice_line_items"] {
        let file = File::filled();
        let at = (page(&file.path(), name) - 1) * 4096;
        let mut bytes = std::fs::read(file.path()).unwrap();
        bytes[at..at + 64].fill(0xAA);
        std::fs::write(file.path(), bytes).unwrap();
        let report = file.checked();
        assert!(report.count_of(Problem::Damage) > 0, "{name}: {report:?}");
    }
}

#[test]
fn a_file_that_is_cut_short_is_damaged() {
    let file = File::filled();
    let length = std::fs::metadata(file.path()).unwrap().len();
    for left in [4096, length / 2, length - 4096] {
        let cut = File { directory: tempfile::tempdir().unwrap() };
        std::fs::write(cut.path(), &std::fs::read(file.path()).unwrap()[..left as usize]).unwrap();
        let report = cut.checked();
        assert!(report.count_of(Problem::Damage) > 0, "{left}: {report:?}");
    }
}

#[test]
fn an_index_that_lost_an_entry_is_found() {
    let file = File::filled();
    let connection = plain(&file.path());
    connection.execute_batch("PRAGMA writable_schema = ON").unwrap();
    // For a moment, the index is none of the table's.
    connection
        .execute_batch(
            "CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'clients_updated_at'; \
             DELETE FROM sqlite_schema WHERE name = 'clients_updated_at'; PRAGMA writable_schema = RESET; \
             UPDATE clients SET updated_at = '2030-01-01T00:00:00Z' WHERE id = 1; PRAGMA writable_schema = ON; \
             INSERT INTO sqlite_schema SELECT * FROM kept; PRAGMA writable_schema = RESET; DROP TABLE kept",
        )
        .unwrap();
    drop(connection);
    let report = file.checked();
    assert_eq!(said(&report)[0], "damaged file: row 1 missing from index clients_updated_at", "{report:?}");
}

#[test]
fn of_many_findings_a_hundred_are_kept_and_all_are_counted() {
    let file = File { directory: tempfile::tempdir().unwrap() };
    let store = ClientStore::open(file.path()).unwrap();
    store.clients().create_all((0..1000).map(|_| NewClient::named("x"))).unwrap();
    drop(store);
    plain(&file.path())
        .execute_batch("UPDATE clients SET created_at = '2011-02-31T00:00:00Z'; DROP TRIGGER clients_deleted")
        .unwrap();
    let report = file.checked();
    assert_eq!((report.count(), report.count_of(Problem::Value), report.count_of(Problem::Schema)), (1001, 1000, 1));
    assert_eq!(report.findings().len(), 101);
    assert_eq!(report.findings()[0].problem, Problem::Schema);
}

#[test]
fn what_is_no_store_cannot_be_checked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    assert!(matches!(ClientStore::check_file(&path, |_| {}), Err(Error::Missing { .. })));
    for content in [&b""[..], b"text", &[7; 10_000]] {
        std::fs::write(&path, content).unwrap();
        assert!(matches!(ClientStore::check_file(&path, |_| {}), Err(Error::Foreign { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
    assert!(matches!(ClientStore::check_file(directory.path(), |_| {}), Err(Error::Foreign { .. })));
}

#[test]
fn a_mutated_file_is_refused_or_read_and_nothing_hangs() {
    let template = File::filled();
    let whole = std::fs::read(template.path()).unwrap();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let (mut opened, mut found) = (0, 0);
    for round in 0..300 {
        let file = File { directory: tempfile::tempdir().unwrap() };
        let mut bytes = whole.clone();
        for _ in 0..1 + random(20) {
            let page = random(bytes.len() / 4096) * 4096;
            // The heads of pages and the first page, where the schema is, are hit often.
            let at = if random(2) == 0 { page + random(64) } else { random(bytes.len()) };
            bytes[at] = random(256) as u8;
        }
        std::fs::write(file.path(), &bytes).unwrap();
        let begun = std::time::Instant::now();
        match ClientStore::check_file(file.path(), |_| {}) {
            Ok(report) => found += u32::from(!report.is_clean()),
            Err(Error::Foreign { .. } | Error::Newer { .. } | Error::Unopened { .. } | Error::Storage { .. }) => {}
            Err(other) => panic!("round {round}: {other:?}"),
        }
        if let Ok(store) = ClientStore::builder().durability(clientstore::Durability::Off).open(file.path()) {
            opened += 1;
            // Any of these may be a typed error.
            let _ = store.dump(&mut Vec::new(), |_| {});
            let _ = store.clients().create(&NewClient::named("x"));
            let _ = store.invoices().delete(7);
            let _ = store.clients().list(&Default::default()).map(Iterator::count);
        }
        assert!(begun.elapsed().as_secs() < 120, "round {round} took {:?}", begun.elapsed());
    }
    assert!(opened > 50 && found > 150, "{opened} opened, {found} with findings");
}

#[test]
fn ids_that_have_run_out_are_an_error_of_their_own_and_a_check_finds_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    drop(ClientStore::open(&path).unwrap());
    for last in ["9223372036854775807", "1e300"] {
        plain(&path)
            .execute_batch(&format!(
                "DELETE FROM sqlite_sequence WHERE name = 'clients';
                 INSERT INTO sqlite_sequence (name, seq) VALUES ('clients', {last})"
            ))
            .unwrap();
        let report = ClientStore::check_file(&path, |_| {}).unwrap();
        assert_eq!(report.count_of(Problem::Sequence), 1, "{last}: {:?}", report.findings());
        let store = ClientStore::open(&path).unwrap();
        for _ in 0..2 {
            let refused = store.clients().create(&NewClient::named("x"));
            assert!(matches!(refused, Err(Error::IdsExhausted { table: "clients" })), "{last}: {refused:?}");
        }
        store
            .transaction(|tx| {
                let category = tx.item_categories().create(&clientstore::NewItemCategory::named("kept"))?;
                let refused = tx.clients().create(&NewClient::named("x"));
                assert!(matches!(refused, Err(Error::IdsExhausted { table: "clients" })), "{last}: {refused:?}");
                tx.item_categories().delete(category)
            })
            .unwrap();
    }
    let near = "UPDATE sqlite_sequence SET seq = 9223372036854775000 WHERE name = 'clients'";
    plain(&path).execute_batch(near).unwrap();
    let report = ClientStore::check_file(&path, |_| {}).unwrap();
    assert_eq!(report.count_of(Problem::Sequence), 1, "{:?}", report.findings());
}
