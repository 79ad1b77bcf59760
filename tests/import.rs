//! Importing: records by their ids, and documents as a part of a transaction.

mod common;
mod transfers;

use clientstore::{
    Client, ClientChanges, ClientStore, Error, InvoiceChanges, LoadOptions, NewClient, NewInvoice, NewLineItem,
    NewPayment, NewPerson, NewProject, NewTask, NewTaskAssignment, Project, Rule, json, xml,
};
use common::{invalid, memory, refusal};
use transfers::{RECORDS, dumped, fill};

const TWO_CLIENTS: &str = "<clients type=\"array\"><client><id>7</id><name>Jo</name><details>Side St.</details></client>\
                           <client><id>9</id><name>Łódź</name></client></clients>";

fn names(store: &ClientStore) -> Vec<String> {
    store.clients().list(&Default::default()).unwrap().map(|client| client.unwrap().name).collect()
}

#[test]
fn an_upsert_creates_by_the_id_and_then_updates_only_what_is_given() {
    let (store, clock) = memory();
    let short = json::read::<Client>(br#"{"client":{"id":3,"name":"Jo","currency":"Euro - EUR"}}"#).unwrap();
    assert!(store.clients().upsert(7, &short).unwrap());
    let made = store.clients().get(7).unwrap();
    assert_eq!((made.name.as_str(), made.currency_symbol.as_str(), made.active), ("Jo", "€", true));
    clock.forward(5);
    assert!(!store.clients().upsert(7, &ClientChanges::new().details("Side St.")).unwrap());
    let changed = store.clients().get(7).unwrap();
    let mut expected = made;
    (expected.details, expected.cache_version, expected.updated_at) = ("Side St.".to_owned(), 1, clock.now());
    assert_eq!(changed, expected);
    assert_eq!(store.clients().create(&NewClient::named("next")).unwrap(), 8, "the id counts as given");
}

#[test]
fn an_upsert_obeys_the_rules_of_a_create_and_of_an_update() {
    let (store, _) = memory();
    assert_eq!(invalid(store.clients().upsert(1, &ClientChanges::new().details("x"))).0, "name");
    assert_eq!(invalid(store.clients().upsert(0, &NewClient::named("x"))).0, "id");
    assert_eq!(invalid(store.clients().upsert((1 << 53) + 1, &NewClient::named("x"))).0, "id");
    store.clients().upsert(1, &NewClient::named("x")).unwrap();
    store.projects().upsert(4, &NewProject::of(1, "Website")).unwrap();
    assert_eq!(
        refusal(store.clients().upsert(1, &ClientChanges::new().active(false))).0,
        Rule::ClientHasActiveProjects
    );
    let project = xml::read::<Project>(b"<project><name>Shop</name><client-id>99</client-id></project>").unwrap();
    assert!(matches!(store.projects().upsert(4, &project), Err(Error::Invalid { .. })), "there is no client 99");
    assert_eq!(store.projects().get(4).unwrap().name, "Website");
}

#[test]
fn an_upsert_of_an_invoice_keeps_its_key_and_counts_its_lines_anew() {
    let (store, clock) = memory();
    store.clients().create(&NewClient::named("x")).unwrap();
    let invoice = NewInvoice::of(1).lines([NewLineItem::of("Design", 3, 80)]);
    assert!(store.invoices().upsert(5, &invoice).unwrap());
    let before = store.invoices().get(5).unwrap();
    assert_eq!(before.amount.to_string(), "240.0");
    store.invoices().upsert(5, &InvoiceChanges::new().lines([NewLineItem::of("Design", 1, 80)])).unwrap();
    let after = store.invoices().get(5).unwrap();
    assert_eq!((after.amount.to_string(), after.client_key), ("80.0".to_owned(), before.client_key));
    let payment = NewPayment::of(5, 10, clock.now());
    assert!(store.payments().upsert(2, &payment).unwrap());
    assert_eq!(store.invoices().get(5).unwrap().due_amount.to_string(), "70.0");
    invalid(store.payments().upsert(2, &payment));
}

#[test]
fn an_upsert_of_an_assignment_that_is_there_with_another_id_is_refused_and_changes_nothing() {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("x")).unwrap();
    store.projects().create(&NewProject::of(1, "Website")).unwrap();
    let task = store.tasks().create(&NewTask::named("Research")).unwrap();
    let there = store.task_assignments().create(&NewTaskAssignment::of(1, task)).unwrap();
    let before = store.task_assignments().get(there).unwrap();
    let error = store.task_assignments().upsert(99, &NewTaskAssignment::of(1, task)).unwrap_err();
    assert_eq!(error.to_string(), format!("id is 99, but this record is there as {there}"));
    assert_eq!(store.task_assignments().get(there).unwrap(), before);
}

#[test]
fn an_import_is_one_transaction_that_rolls_back_whole() {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("before")).unwrap();
    let before = dumped(&store);
    let import = |fails: bool| {
        store.transaction(|tx| {
            let loaded = tx.load([("clients.xml", TWO_CLIENTS.as_bytes())], LoadOptions::new(), |_| {})?;
            assert_eq!((loaded.records, loaded.met), (2, 0));
            tx.clients().upsert(9, &ClientChanges::new().details("imported"))?;
            tx.projects().create(&NewProject::of(7, "Website"))?;
            if fails { tx.clients().delete(7) } else { Ok(()) }
        })
    };
    assert_eq!(refusal(import(true)).0, Rule::ClientHasProjectsOrInvoices);
    assert_eq!(dumped(&store), before);
    import(false).unwrap();
    assert_eq!(names(&store), ["before", "Jo", "Łódź"]);
    assert_eq!(store.clients().get(9).unwrap().details, "imported");
}

#[test]
fn a_load_that_fails_inside_a_transaction_has_loaded_nothing_and_the_transaction_goes_on() {
    let (store, _) = memory();
    let broken = TWO_CLIENTS.replace("</clients>", "<client><id>7</id><name>again</name></client></clients>");
    store
        .transaction(|tx| {
            tx.clients().create(&NewClient::named("first"))?;
            let refused = tx.load([("clients.xml", broken.as_bytes())], LoadOptions::new(), |_| {});
            assert!(matches!(refused, Err(Error::Load { line: Some(1), .. })), "{refused:?}");
            tx.load([("clients.json", br#"[{"client":{"name":"last"}}]"#.as_slice())], LoadOptions::new(), |_| {})
        })
        .unwrap();
    assert_eq!(names(&store), ["first", "last"]);
}

#[test]
fn a_load_that_updates_sets_what_a_short_document_gives_and_nothing_else() {
    let (store, _) = memory();
    store.clients().upsert(7, &NewClient::named("old").details("123 Main St.").currency("Euro - EUR")).unwrap();
    let before = store.clients().get(7).unwrap();
    let documents = || [("clients.xml", TWO_CLIENTS.as_bytes())];
    assert_eq!(refusal_of_load(store.load(documents(), |_| {})), Rule::IdIsTaken);
    let loaded = store.load_with(documents(), LoadOptions::new().update(true), |_| {}).unwrap();
    assert_eq!((loaded.records, loaded.met, loaded.kinds), (2, 1, vec![("client", 2)]));
    let mut expected = before;
    (expected.name, expected.details, expected.cache_version) = ("Jo".to_owned(), "Side St.".to_owned(), 1);
    assert_eq!(store.clients().get(7).unwrap(), expected);
    let short = json_list();
    store.load_with([("short.json", short)], LoadOptions::new().update(true), |_| {}).unwrap();
    (expected.name, expected.cache_version) = ("Jo Ltd.".to_owned(), 2);
    assert_eq!(store.clients().get(7).unwrap(), expected);
}

fn json_list() -> &'static [u8] {
    br#"[{"client":{"id":7,"name":"Jo Ltd.","created_at":"2001-01-01T00:00:00Z"}}]"#
}

fn refusal_of_load<T: std::fmt::Debug>(result: Result<T, Error>) -> Rule {
    match result {
        Err(Error::Load { source, .. }) => refusal(Err::<T, _>(*source)).0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_load_that_updates_obeys_the_rules_and_changes_nothing_where_one_refuses() {
    let (store, _) = memory();
    store.clients().upsert(7, &NewClient::named("old")).unwrap();
    store.projects().create(&NewProject::of(7, "Website")).unwrap();
    let before = dumped(&store);
    let inactive =
        TWO_CLIENTS.replace("<name>Łódź", "<name>new").replace("<id>7</id>", "<id>7</id><active>false</active>");
    let result = store.load_with([("clients.xml", inactive.as_bytes())], LoadOptions::new().update(true), |_| {});
    assert_eq!(refusal_of_load(result), Rule::ClientHasActiveProjects);
    assert_eq!(dumped(&store), before);
}

#[test]
fn a_short_document_of_the_first_person_leaves_an_administrator_an_administrator() {
    let (store, _) = memory();
    let before = store.people().get(1).unwrap();
    let person = b"<user><id>1</id><first-name>Ann</first-name></user>";
    store.load_with([("person.xml", person.as_slice())], LoadOptions::new().update(true), |_| {}).unwrap();
    let after = store.people().get(1).unwrap();
    assert_eq!((after.first_name.as_str(), after.email), ("Ann", before.email));
    assert!(after.is_admin);
}

#[test]
fn a_dump_that_is_loaded_again_meets_every_record_and_keeps_amounts_and_lines() {
    let (store, _) = memory();
    fill(&store);
    let dump = dumped(&store);
    let invoices = |store: &ClientStore| -> Vec<_> {
        let list = store.invoices().list(&Default::default()).unwrap().map(Result::unwrap);
        list.map(|invoice| (invoice.id, invoice.amount, invoice.due_amount, invoice.state)).collect()
    };
    let before = invoices(&store);
    let loaded = store.load_with([("the dump", dump.as_bytes())], LoadOptions::new().update(true), |_| {}).unwrap();
    // Six records are still as a new store has them; those of the dump take their place.
    assert_eq!((loaded.records, loaded.met), (RECORDS, RECORDS - 6));
    assert_eq!(invoices(&store), before);
    assert!(store.check(|_| {}).unwrap().is_clean());

    // Into a new store it is what a load is: the records that a new store has make way.
    let (copy, _) = memory();
    copy.load_with([("the dump", dump.as_bytes())], LoadOptions::new().update(true), |_| {}).unwrap();
    let copied = dumped(&copy);
    let different = copied.lines().zip(dump.lines()).find(|(copied, dumped)| copied != dumped);
    assert_eq!(different, None);
    assert_eq!(copied.lines().count(), dump.lines().count());
}

#[test]
fn strictness_holds_for_records_that_are_updated_too() {
    let (store, _) = memory();
    store.clients().upsert(7, &NewClient::named("old")).unwrap();
    let document = b"<client><id>7</id><name>new</name><fax>1</fax></client>";
    let options = LoadOptions::new().update(true);
    let result = store.load_with([("client.xml", document.as_slice())], options.strict(true), |_| {});
    assert!(result.unwrap_err().to_string().contains("fax"));
    let loaded = store.load_with([("client.xml", document.as_slice())], options, |_| {}).unwrap();
    assert_eq!(loaded.unknown[0].1[0].element, "fax");
    assert_eq!(names(&store), ["new"]);
}

#[test]
fn a_person_is_imported_with_a_password() {
    let (store, _) = memory();
    let jane = NewPerson::named("Jane", "Doe", "jane@example.com").password("correct horse");
    assert!(store.transaction(|tx| tx.people().upsert(20, &jane)).unwrap());
    assert_eq!(store.people().get(20).unwrap().email, "jane@example.com");
}
