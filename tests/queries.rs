//! Queries by the typed access: what they find, in which order, and how much of it.

mod common;

use chrono::TimeDelta;
use clientstore::{
    Client, ClientChanges, ClientFilter, ClientStore, ContactFilter, Error, InvoiceFilter, NewClient, NewContact,
    NewInvoice, NewLineItem, NewProject, ProjectFilter, Query, TaskFilter,
};
use common::{Clock, builder, memory};

const NAMES: [&str; 6] = ["Zephyr", "alder & Sons", "Łódź Film", "Öffentlich", "Alder", "σίσυφος"];

/// Stores with the same clients, in memory and in a file.
fn stores(folder: &tempfile::TempDir) -> [ClientStore; 2] {
    let in_file = builder(&Clock::default()).open(folder.path().join("store.db")).unwrap();
    let stores = [memory().0, in_file];
    for store in &stores {
        store.clients().create_all(NAMES.map(NewClient::named)).unwrap();
        store.clients().update(2, &ClientChanges::new().details("12 Side St.\nBoston").highrise_id(7)).unwrap();
        store.clients().toggle(5).unwrap();
    }
    stores
}

fn ids(query: &Query<'_, Client>) -> Vec<i64> {
    query.list().unwrap().map(|client| client.unwrap().id.into()).collect()
}

#[test]
fn counts_and_parts_of_lists_agree_with_the_list() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        let all = || store.clients().query(&ClientFilter::new());
        assert_eq!((all().count().unwrap(), all().exists().unwrap()), (6, true));
        assert_eq!(ids(&all()), [1, 2, 3, 4, 5, 6]);
        assert_eq!(ids(&all().limit(2)), [1, 2]);
        assert_eq!(ids(&all().offset(4)), [5, 6]);
        assert_eq!(ids(&all().limit(2).offset(3)), [4, 5]);
        assert_eq!(ids(&all().offset(3).limit(2)), [4, 5]);
        assert_eq!(ids(&all().limit(0)), [0; 0]);
        assert_eq!(ids(&all().offset(u64::MAX)), [0; 0]);
        assert_eq!(all().limit(2).offset(3).count().unwrap(), 6, "limit and offset do not count");
        assert!(all().limit(0).exists().unwrap());
        assert_eq!(all().first().unwrap().unwrap().id, 1);
        assert_eq!(all().offset(2).first().unwrap().unwrap().id, 3);
        assert_eq!(all().offset(6).first().unwrap(), None);
        assert_eq!(all().limit(0).first().unwrap(), None);
        let none = || all().equal_to(|client| client.id(), 99);
        assert_eq!((none().count().unwrap(), none().exists().unwrap(), none().first().unwrap()), (0, false, None));
    }
}

#[test]
fn an_order_goes_by_letters_whatever_their_case_by_numbers_and_nil_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        let all = || store.clients().query(&ClientFilter::new());
        assert_eq!(ids(&all().order_by(|client| client.name())), [5, 2, 1, 4, 3, 6]);
        assert_eq!(ids(&all().order_by(|client| client.name().descending()).limit(3)), [6, 3, 4]);
        assert_eq!(ids(&all().order_by(|client| client.active())), [5, 1, 2, 3, 4, 6]);
        assert_eq!(ids(&all().order_by(|client| client.highrise_id()).offset(4)), [6, 2]);
        assert_eq!(ids(&all().order_by(|client| client.id().descending()).limit(2)), [6, 5]);
        assert_eq!(ids(&all().order_by(|client| client.name()).order_by(|client| client.id())), [1, 2, 3, 4, 5, 6]);
        for price in [100, 9, 20] {
            store.invoices().create(&NewInvoice::of(1).lines([NewLineItem::of("x", 1, price)])).unwrap();
        }
        let invoices = store.invoices().query(&InvoiceFilter::new()).order_by(|invoice| invoice.amount());
        let amounts = invoices.list().unwrap().map(|invoice| invoice.unwrap().amount.to_string());
        assert_eq!(amounts.collect::<Vec<_>>(), ["9.0", "20.0", "100.0"]);
        let at_least = store.invoices().query(&InvoiceFilter::new()).at_least(|invoice| invoice.amount(), 20);
        assert_eq!(at_least.count().unwrap(), 2);
        let equal = store.invoices().query(&InvoiceFilter::new()).equal_to(|invoice| invoice.amount(), 9);
        assert_eq!(equal.count().unwrap(), 1);
    }
}

#[test]
fn a_long_list_in_an_order_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        store.clients().create_all((0..700).map(|n| NewClient::named(format!("{:03}", 700 - n)))).unwrap();
        let query = store.clients().query(&ClientFilter::new()).order_by(|client| client.name());
        let names: Vec<String> = query.list().unwrap().map(|client| client.unwrap().name).collect();
        assert_eq!(names.len(), 706);
        assert!(names[..700].is_sorted(), "{names:?}");
        assert_eq!(ids(&query.offset(1).limit(600))[599], 106);
    }
}

#[test]
fn a_search_finds_parts_of_names_and_of_any_text_in_any_language() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        let search = |text: &str| ids(&store.clients().query(&ClientFilter::new()).search(text));
        assert_eq!(search("alder"), [2, 5]);
        assert_eq!(search("ALD son"), [2]);
        assert_eq!(search("boston alder"), [2], "each word in any text");
        assert_eq!(search("łÓDŹ"), [3]);
        assert_eq!(search("öff"), [4]);
        assert_eq!(search("ΣΊΣΥΦΟΣ"), [6]);
        assert_eq!(search("lodz"), [0; 0]);
        assert_eq!(search("%"), [0; 0], "no character is special");
        assert_eq!(search("&"), [2]);
        assert_eq!(search("dollar"), [0; 0], "the currency is no text of somebody's own");
        assert_eq!(search("  "), [1, 2, 3, 4, 5, 6]);
        let by_name = |text: &str| {
            store.clients().query(&ClientFilter::new()).contains(|client| client.name(), text).count().unwrap()
        };
        assert_eq!((by_name("alder"), by_name("boston")), (2, 0));
    }
}

#[test]
fn conditions_searches_and_filters_combine() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        let active = |text: &str| {
            let clients = store.clients().query(&ClientFilter::new()).equal_to(|client| client.active(), true);
            clients.search(text)
        };
        assert_eq!(ids(&active("alder")), [2]);
        assert_eq!(active("alder").search("film").count().unwrap(), 0);
        assert_eq!(ids(&active("").search("i").order_by(|client| client.name().descending()).limit(2)), [3, 4]);
        let nil = store.clients().query(&ClientFilter::new()).equal_to(|client| client.highrise_id(), None);
        assert_eq!(nil.count().unwrap(), 5);
        let since = store.clients().get(2).unwrap().updated_at;
        assert_eq!(
            store.clients().query(&ClientFilter::new().updated_since(since)).search("alder").count().unwrap(),
            2
        );
        let later = store.clients().query(&ClientFilter::new().updated_since(since + TimeDelta::seconds(1)));
        assert!(!later.search("alder").exists().unwrap());

        store.projects().create(&NewProject::of(1, "Website").notes("for Boston")).unwrap();
        store.projects().create(&NewProject::of(2, "Website")).unwrap();
        let of_first = store.projects().query(&ProjectFilter::new().client(1)).search("web boston");
        assert_eq!(of_first.first().unwrap().unwrap().client_id, 1);
        assert_eq!(of_first.count().unwrap(), 1);
        store.contacts().create(&NewContact::of(3, "Zoë", "Ångström")).unwrap();
        assert!(store.contacts().query(&ContactFilter::new()).search("ångström zoë").exists().unwrap());
        let tasks = store.tasks().query(&TaskFilter::new()).contains(|task| task.name(), "PROGRAM");
        assert_eq!(tasks.first().unwrap().unwrap().name, "Programming");
    }
}

#[test]
fn a_search_sees_every_write_that_was_acknowledged_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let [memory, in_file] = stores(&folder);
    let other = ClientStore::open(folder.path().join("store.db")).unwrap();
    for (reader, writer) in [(&memory, &memory), (&in_file, &in_file), (&in_file, &other)] {
        let found = |text: &str| reader.clients().query(&ClientFilter::new()).search(text).count().unwrap();
        assert_eq!(found("newcomer"), 0);
        let id = writer.clients().create(&NewClient::named("Newcomer")).unwrap();
        assert_eq!(found("newcomer"), 1);
        writer.clients().update(id, &ClientChanges::new().name("Old hand")).unwrap();
        assert_eq!((found("newcomer"), found("OLD HAND")), (0, 1));
        writer.clients().delete(id).unwrap();
        assert_eq!(found("old hand"), 0);
    }
}

#[test]
fn a_search_inside_a_transaction_sees_what_the_transaction_wrote() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder) {
        let ended: Result<(), Error> = store.transaction(|tx| {
            tx.clients().create(&NewClient::named("Newcomer"))?;
            let query = tx.clients().query(&ClientFilter::new()).search("NEWCOMER");
            assert_eq!((query.count()?, query.first()?.map(|client| client.name)), (1, Some("Newcomer".to_owned())));
            Err(Error::NotFound { record: "client", id: 0 })
        });
        assert!(matches!(ended, Err(Error::NotFound { id: 0, .. })));
        assert!(!store.clients().query(&ClientFilter::new()).search("newcomer").exists().unwrap());
    }
}

#[test]
fn a_search_that_finds_more_than_is_given_by_ids_finds_all_of_it() {
    let (store, _) = memory();
    store.clients().create_all((0..12_000).map(|n| NewClient::named(format!("Client {n}")))).unwrap();
    let query = || store.clients().query(&ClientFilter::new()).search("client");
    assert_eq!(query().count().unwrap(), 12_000);
    assert_eq!(ids(&query().limit(3).offset(11_000)), [11_001, 11_002, 11_003]);
    assert_eq!(query().search("1199").count().unwrap(), 12);
}

/// `cargo test --release --test queries -- --ignored --nocapture` tells how long a search takes.
#[test]
#[ignore = "a measurement"]
fn how_long_a_search_over_a_hundred_thousand_clients_takes() {
    let folder = tempfile::tempdir().unwrap();
    let store = ClientStore::open(folder.path().join("store.db")).unwrap();
    let clients = (0..100_000).map(|n| {
        let name = format!("{} {} {n}", ["Łódź", "Alder", "Юг"][n % 3], ["Film", "Harbor", "漢字"][n / 7 % 3]);
        NewClient::named(name).details(format!("{n} Side St.\nBoston, MA"))
    });
    store.clients().create_all(clients).unwrap();
    let query = |text: &str| store.clients().query(&ClientFilter::new()).search(text).limit(50);
    for text in ["nowhere", "łódź 99", "юг 漢字 4", "boston", "a"] {
        let mut times: Vec<_> = (0..30)
            .map(|_| {
                let start = std::time::Instant::now();
                let found = query(text).list().unwrap().count();
                (start.elapsed(), found)
            })
            .collect();
        let first = times.remove(0);
        times.sort();
        println!(
            "{text:10} {:4} found, median {:?}, longest {:?}; first {:?}",
            first.1, times[14].0, times[28].0, first.0
        );
        store.clients().update(1, &ClientChanges::new().details("x")).unwrap();
    }
}
