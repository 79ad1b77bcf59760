//! Dump and load: what goes out comes in again, wholly.

mod common;
mod transfers;

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use clientstore::{Api, ClientChanges, ClientStore, Dialect, Error, InvoiceState, NewClient, NewProject};
use common::{Clock, builder, memory};
use http::Request;
use transfers::{RECORDS, dumped, fill, load, tables};

#[test]
fn a_dump_loads_into_an_empty_store_which_dumps_the_same_and_has_equal_tables() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first.db", "second.db"].map(|name| folder.path().join(name));
    let store = builder(&Clock::default()).open(&first).unwrap();
    fill(&store);
    // Another clock: nothing of the copy is of its own making.
    let clock = Clock::default();
    clock.forward(1_000_000);
    let copy = builder(&clock).key_generator(|| [9; 20]).open(&second).unwrap();
    let document = dumped(&store);
    assert_eq!(load(&copy, &document).unwrap(), RECORDS);
    assert_eq!(dumped(&copy), document);
    let (ours, theirs) = (tables(&first), tables(&second));
    let names: Vec<&str> = ours.iter().map(|(name, _)| name.as_str()).collect();
    let parts = ["invoice_item_categories", "invoice_line_items", "invoice_messages", "invoice_payments"];
    assert_eq!(
        names,
        [
            &["clients", "contacts", "day_entries", "expense_categories", "expenses"][..],
            &parts,
            &["invoices", "people", "projects", "receipts", "sqlite_sequence"],
            &["task_assignments", "tasks", "user_assignments"],
        ]
        .concat()
    );
    let rows: usize = ours.iter().map(|(_, rows)| rows.len()).sum();
    assert_eq!(
        rows as u64,
        RECORDS + 2 + 15,
        "two receipts, and a row of sqlite_sequence for each of the other tables"
    );
    assert_eq!(ours, theirs);
}

#[test]
fn stores_in_memory_are_dumped_and_loaded_alike() {
    let (store, _) = memory();
    fill(&store);
    let (copy, _) = memory();
    assert_eq!(load(&copy, dumped(&store)).unwrap(), RECORDS);
    assert_eq!(dumped(&copy), dumped(&store));
    let [ours, theirs] = [&store, &copy].map(|store| {
        let clients: Vec<_> = store.clients().list(&Default::default()).unwrap().map(Result::unwrap).collect();
        let projects: Vec<_> = store.projects().list(&Default::default()).unwrap().map(Result::unwrap).collect();
        let invoices: Vec<_> = store.invoices().list(&Default::default()).unwrap().map(Result::unwrap).collect();
        (clients, projects, invoices)
    });
    assert_eq!(ours, theirs);
}

#[test]
fn a_dump_to_the_byte() {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    store.clients().create(&NewClient::named("Gone")).unwrap();
    store.clients().delete(2).unwrap();
    assert_eq!(dumped(&store), include_str!("fixtures/dump.xml"));
}

#[test]
fn a_dump_brings_back_the_default_categories_as_they_were_changed_or_deleted() {
    let (store, _) = memory();
    let empty = dumped(&store);
    let (copy, _) = memory();
    assert_eq!(load(&copy, &empty).unwrap(), 3 + 3 + 1 + 4);
    assert_eq!(dumped(&copy), empty);
    store.item_categories().delete(3).unwrap();
    assert_eq!(load(&copy, dumped(&store)).unwrap(), 2 + 3 + 1 + 4);
    assert_eq!(dumped(&copy), dumped(&store));
}

#[test]
fn ids_that_were_given_once_stay_used_though_their_records_are_gone() {
    let (store, _) = memory();
    fill(&store);
    let (copy, _) = memory();
    load(&copy, dumped(&store)).unwrap();
    assert_eq!(copy.clients().create(&NewClient::named("New")).unwrap(), 7);
    assert_eq!(copy.projects().create(&NewProject::of(1, "New")).unwrap(), 7);
    assert_eq!(copy.invoices().create(&clientstore::NewInvoice::of(1)).unwrap(), 14);
}

#[test]
fn a_store_with_the_greatest_id_that_a_document_may_bring_goes_on_behind_it() {
    let (store, _) = memory();
    load(&store, "<clients><client><id>9007199254740992</id><name>x</name></client></clients>").unwrap();
    let document = dumped(&store);
    assert!(document.contains("<clients type=\"integer\">9007199254740993</clients>"));
    let (copy, _) = memory();
    assert_eq!(
        load(&copy, &document).unwrap(),
        1 + 3 + 3 + 1 + 4,
        "three are the default categories, three the first tasks, one the administrator, and four categories of expenses"
    );
    assert_eq!(dumped(&copy), document);
    assert!(matches!(copy.clients().create(&NewClient::named("y")), Err(Error::IdsExhausted { table: "clients" })));
    assert_eq!(dumped(&copy), document);
}

#[test]
fn progress_is_told_upwards_to_the_number_of_records() {
    let (store, _) = memory();
    fill(&store);
    let mut told = Vec::new();
    let count = store.dump(&mut Vec::new(), |progress| told.push(progress.done)).unwrap();
    assert_eq!((count, told.last()), (RECORDS, Some(&RECORDS)));
    assert!(told.is_sorted(), "{told:?}");
}

/// The API's list.
fn list(store: &ClientStore, dialect: Dialect, path: &str) -> String {
    let response = Api::new(store.clone()).dialect(dialect).handle(Request::get(path).body("").unwrap());
    assert_eq!(response.status(), 200);
    String::from_utf8(response.into_body().into_bytes().unwrap().to_vec()).unwrap()
}

#[test]
fn lists_of_the_api_in_either_dialect_load_in_any_order() {
    let (store, _) = memory();
    fill(&store);
    for dialect in [Dialect::Documented, Dialect::Live] {
        let documents = ["/invoices", "/projects", "/clients"].map(|path| list(&store, dialect, path));
        let (copy, _) = memory();
        let named = documents.iter().map(|document| ("a list", document.as_bytes()));
        assert_eq!(copy.load(named, |_| {}).unwrap().records, 4 + 4 + 6);
        for (path, document) in ["/invoices", "/projects", "/clients"].iter().zip(&documents) {
            // A list does not tell an invoice's kind, so the copy's are all free form.
            let kinds = ["project", "task", "people", "detailed"];
            let expected = kinds.iter().fold(document.clone(), |document, kind| {
                document.replace(&format!("<last-invoice-kind>{kind}<"), "<last-invoice-kind>free_form<")
            });
            assert_eq!(list(&copy, dialect, path), expected, "{path}");
        }
    }
}

#[test]
fn what_a_documented_list_leaves_out_gets_its_default() {
    let (store, clock) = memory();
    clock.forward(3600);
    assert_eq!(load(&store, include_str!("fixtures/clients-list.xml")).unwrap(), 2);
    let client = store.clients().get(11073).unwrap();
    assert_eq!((client.name.as_str(), client.active, client.details.as_str()), ("Fish & Chips", false, ""));
    assert_eq!((client.currency.as_str(), client.currency_symbol.as_str()), ("United States Dollar - USD", "$"));
    assert_eq!((client.cache_version, client.created_at, client.updated_at), (0, clock.now(), clock.now()));
    assert_eq!(store.clients().create(&NewClient::named("Next")).unwrap(), 11074);
}

#[test]
fn read_only_fields_are_kept_and_a_record_without_an_id_gets_the_next() {
    let (store, _) = memory();
    let clients = "<clients><client><id>5</id><name>A</name><cache_version>7</cache_version>\
                   <created-at>1999-12-31</created-at></client><client><name>B</name></client></clients>";
    let invoices = "<invoices><invoice><client_id>6</client_id><amount>5</amount><state>paid</state>\
                    <tax>5</tax><tax_amount>0.25</tax_amount></invoice></invoices>";
    assert_eq!(store.load([("i", invoices.as_bytes()), ("c", clients.as_bytes())], |_| {}).unwrap().records, 3);
    let client = store.clients().get(5).unwrap();
    assert_eq!((client.cache_version, client.created_at), (7, common::moment("1999-12-31T00:00:00Z")));
    assert_eq!(store.clients().get(6).unwrap().last_invoice_kind.as_deref(), Some("free_form"));
    let invoice = store.invoices().get(1).unwrap();
    assert_eq!((invoice.state, invoice.amount.to_string().as_str()), (InvoiceState::Paid, "5.0"));
    assert_eq!(invoice.tax_amount.to_string(), "0.25");
    assert_eq!(invoice.client_key, "07".repeat(20), "what a list leaves out is drawn");
}

#[test]
fn a_dumped_list_is_the_live_list_of_the_api() {
    let (store, _) = memory();
    fill(&store);
    for (name, path, records) in [
        ("clients", "/clients", 4),
        ("projects", "/projects", 4),
        ("invoices", "/invoices", 6),
        ("invoice-item-categories", "/invoice_item_categories", 3),
        ("tasks", "/tasks", 3),
        ("users", "/people", 2),
        ("contacts", "/contacts", 2),
        ("invoice-message", "/invoices/13/messages", 1),
        ("payments", "/invoices/13/payments", 1),
    ] {
        let mut document = Vec::new();
        assert_eq!(store.dump_list(name, &mut document, |_| {}).unwrap(), records, "{name}");
        assert_eq!(String::from_utf8(document).unwrap(), list(&store, Dialect::Live, path), "{name}");
    }
    let error = store.dump_list("people", &mut Vec::new(), |_| {}).unwrap_err();
    let lists = "clients, projects, invoices, invoice-line-items, invoice-message, payments, invoice-item-categories, tasks, \
         users, contacts, task-assignments, user-assignments, day-entries, \
         expense-categories, expenses";
    assert_eq!(error.to_string(), format!("list must be one of {lists}"));
}

#[test]
fn a_dumped_list_of_invoices_has_no_pages() {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    store.invoices().create_all((0..120).map(|_| clientstore::NewInvoice::of(1))).unwrap();
    assert_eq!(store.dump_list("invoices", &mut Vec::new(), |_| {}).unwrap(), 120);
}

/// Passes what is written on, and does something before each piece.
struct Meanwhile<'a, F>(&'a mut Vec<u8>, F);

impl<F: FnMut()> Write for Meanwhile<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        (self.1)();
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_dump_of_a_file_shows_one_moment_though_it_is_written_to_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let store = builder(&Clock::default()).open(folder.path().join("store.db")).unwrap();
    fill(&store);
    let before = dumped(&store);
    let (mut document, mut writes) = (Vec::new(), 0);
    let out = &mut Meanwhile(&mut document, || {
        let client = store.clients().create(&NewClient::named("Meanwhile")).unwrap();
        store.projects().create(&NewProject::of(client, "Meanwhile")).unwrap();
        store.clients().update(1, &ClientChanges::new().name(format!("Write {writes}"))).unwrap();
        writes += 1;
    });
    store.dump(out, |_| {}).unwrap();
    assert!(writes > 3, "{writes}");
    assert_eq!(String::from_utf8(document).unwrap(), before);
    assert_ne!(dumped(&store), before);
}

#[test]
fn a_dump_of_memory_shows_one_moment_though_it_is_written_to_meanwhile() {
    let (store, _) = memory();
    let (begun, done) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // Each client comes with a project named like it, in one transaction.
                let pair = store.transaction(|tx| {
                    let client = tx.clients().create(&NewClient::named("Pair"))?;
                    tx.projects().create(&NewProject::of(client, "Pair"))
                });
                assert!(pair.is_ok());
                begun.store(true, Ordering::Relaxed);
            }
        });
        while !begun.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        for _ in 0..20 {
            let document = dumped(&store);
            let (clients, projects) = (document.matches("<client>").count(), document.matches("<project>").count());
            assert_eq!(clients, projects);
            assert!(document.contains(&format!("<clients type=\"integer\">{}</clients>", clients + 1)));
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn an_output_that_fails_is_a_storage_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("no space"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (store, _) = memory();
    let error = store.dump(&mut Full, |_| {}).unwrap_err();
    assert!(matches!(error, Error::Storage { doing: "writing the document", .. }), "{error}");
    assert_eq!(error.to_string(), "writing the document: no space");
    assert_eq!(store.clients().create(&NewClient::named("After")).unwrap(), 1, "nothing is locked");
}
