//! The typed access to clients and projects: defaults, updates, filters, order, times; and to the parts of
//! invoices, which have a file of their own.

mod common;

use clientstore::{
    BillBy, BudgetBy, Client, ClientChanges, ClientFilter, ClientId, ClientStore, Error, MessageFilter, NewClient,
    NewInvoice, NewMessage, NewPayment, NewProject, PaymentFilter, Project, ProjectChanges, ProjectFilter, ProjectId,
};
use common::{builder, day, invalid, memory, moment};
use rust_decimal::Decimal;

#[test]
fn a_new_client_has_the_defaults() {
    let (store, clock) = memory();
    let id = store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    let client = store.clients().get(id).unwrap();
    let Client {
        id,
        name,
        active,
        details,
        highrise_id,
        cache_version,
        currency,
        currency_symbol,
        default_invoice_timeframe,
        last_invoice_kind,
        created_at,
        updated_at,
        ..
    } = client;
    assert_eq!((id, name.as_str(), active, details.as_str(), cache_version), (1.into(), "SuprCorp", true, "", 0));
    assert_eq!((currency.as_str(), currency_symbol.as_str()), ("United States Dollar - USD", "$"));
    assert_eq!((highrise_id, default_invoice_timeframe, last_invoice_kind), (None, None, None));
    assert_eq!((created_at, updated_at), (clock.now(), clock.now()));
}

#[test]
fn clients_may_have_the_same_name() {
    let (store, _) = memory();
    let ids = [(); 2].map(|()| store.clients().create(&NewClient::named("twin")).unwrap());
    assert_eq!(ids, [1, 2]);
}

#[test]
fn an_update_sets_what_is_given_and_leaves_the_rest() {
    let (store, clock) = memory();
    let new = NewClient::named("a").details("b").highrise_id(3).active(false).currency("Euro - EUR");
    let id = store.clients().create(&new).unwrap();
    let before = store.clients().get(id).unwrap();
    clock.forward(5);
    store.clients().update(id, &ClientChanges::new().details("c").highrise_id(None)).unwrap();
    let mut expected = before.clone();
    expected.details = "c".to_owned();
    expected.highrise_id = None;
    expected.cache_version = 1;
    expected.updated_at = clock.now();
    assert_eq!(store.clients().get(id).unwrap(), expected);
    assert!(expected.updated_at > before.updated_at);
}

#[test]
fn every_write_to_a_client_moves_its_version_and_its_time() {
    let (store, clock) = memory();
    let id = store.clients().create(&NewClient::named("x")).unwrap();
    let created = clock.now();
    for version in 1..=4 {
        clock.forward(1);
        if version % 2 == 0 {
            store.clients().toggle(id).unwrap();
        } else {
            store.clients().update(id, &ClientChanges::new().name("y")).unwrap();
        }
        let client = store.clients().get(id).unwrap();
        assert_eq!((client.cache_version, client.updated_at, client.created_at), (version, clock.now(), created));
    }
}

#[test]
fn a_projects_writes_move_its_time_and_not_its_clients() {
    let (store, clock) = memory();
    store.clients().create(&NewClient::named("x")).unwrap();
    let client = store.clients().get(1).unwrap();
    let id = store.projects().create(&NewProject::of(1, "p")).unwrap();
    clock.forward(1);
    assert!(!store.projects().toggle(id).unwrap());
    assert_eq!(store.projects().get(id).unwrap().updated_at, clock.now());
    clock.forward(1);
    store.projects().update(id, &ProjectChanges::new()).unwrap();
    assert_eq!(store.projects().get(id).unwrap().updated_at, clock.now());
    assert_eq!(store.clients().get(1).unwrap(), client);
}

#[test]
fn the_clocks_fractions_of_a_second_are_dropped() {
    let store = ClientStore::builder().clock(|| moment("2011-03-31T10:00:00.987Z")).open_in_memory().unwrap();
    store.clients().create(&NewClient::named("x")).unwrap();
    assert_eq!(store.clients().get(1).unwrap().created_at, moment("2011-03-31T10:00:00Z"));
}

#[test]
fn the_symbol_follows_the_currencys_code() {
    let (store, _) = memory();
    for (code, symbol) in [
        ("USD", "$"),
        ("CAD", "$"),
        ("AUD", "$"),
        ("NZD", "$"),
        ("HKD", "$"),
        ("SGD", "$"),
        ("MXN", "$"),
        ("EUR", "€"),
        ("GBP", "£"),
        ("JPY", "¥"),
        ("CNY", "¥"),
        ("CHF", "CHF"),
        ("SEK", "kr"),
        ("NOK", "kr"),
        ("DKK", "kr"),
        ("INR", "₹"),
        ("BRL", "R$"),
        ("ZAR", "R"),
        ("ILS", "₪"),
        ("RUB", "₽"),
        ("PLN", "zł"),
        ("TRY", "TRY"),
    ] {
        let label = format!("Some - Money - {code}");
        let id = store.clients().create(&NewClient::named("x").currency(&*label)).unwrap();
        let client = store.clients().get(id).unwrap();
        assert_eq!((client.currency, client.currency_symbol.as_str()), (label, symbol));
    }
}

#[test]
fn the_symbol_follows_a_changed_currency_unless_it_is_sent_with_it() {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("x").currency_symbol("US$")).unwrap();
    let symbol = || store.clients().get(1).unwrap().currency_symbol;
    assert_eq!(symbol(), "US$");
    for (changes, expected) in [
        (ClientChanges::new().name("y"), "US$"),
        (ClientChanges::new().currency("Euro - EUR"), "€"),
        (ClientChanges::new().currency_symbol("EU"), "EU"),
        (ClientChanges::new().currency("Pound - GBP").currency_symbol("quid"), "quid"),
        (ClientChanges::new().currency("Pound - GBP"), "£"),
    ] {
        store.clients().update(1, &changes).unwrap();
        assert_eq!(symbol(), expected, "{changes:?}");
    }
}

#[test]
fn a_list_is_ordered_by_id_and_shows_inactive_clients_too() {
    let (store, clock) = memory();
    store.clients().create_all((0..600).map(|number| NewClient::named("x").active(number % 2 == 0))).unwrap();
    clock.forward(1);
    store.clients().update(300, &ClientChanges::new().name("y")).unwrap();
    let ids: Vec<ClientId> = store.clients().list(&ClientFilter::new()).unwrap().map(|c| c.unwrap().id).collect();
    assert_eq!(ids, (1..=600).collect::<Vec<_>>());
}

#[test]
fn lists_are_filtered_by_the_last_update() {
    let (store, clock) = memory();
    store.clients().create_all((0..5).map(|_| NewClient::named("x"))).unwrap();
    clock.forward(60);
    for id in [4, 2] {
        store.clients().update(id, &ClientChanges::new()).unwrap();
        store.projects().create(&NewProject::of(id, "p")).unwrap();
    }
    let clients = |since: chrono::DateTime<chrono::Utc>| -> Vec<ClientId> {
        let filter = ClientFilter::new().updated_since(since);
        store.clients().list(&filter).unwrap().map(|client| client.unwrap().id).collect()
    };
    assert_eq!(clients(moment("2011-03-31T10:00:00Z")), [1, 2, 3, 4, 5]);
    assert_eq!(clients(moment("2011-03-31T10:00:01Z")), [2, 4], "in the order of ids");
    assert_eq!(clients(moment("2011-03-31T10:01:00Z")), [2, 4], "the moment itself counts");
    assert_eq!(clients(moment("2011-03-31T10:01:01Z")), [0; 0]);
    assert_eq!(clients(chrono::DateTime::<chrono::Utc>::MIN_UTC), [1, 2, 3, 4, 5]);
    assert_eq!(clients(chrono::DateTime::<chrono::Utc>::MAX_UTC), [0; 0]);
}

#[test]
fn projects_are_filtered_by_client_and_update_together() {
    let (store, clock) = memory();
    store.clients().create_all((0..3).map(|_| NewClient::named("x"))).unwrap();
    for client in [2, 1, 2, 1] {
        store.projects().create(&NewProject::of(client, "p")).unwrap();
        clock.forward(60);
    }
    let projects = |client: Option<i64>, updated_since: Option<&str>| -> Vec<ProjectId> {
        let mut filter = ProjectFilter::new();
        if let Some(client) = client {
            filter = filter.client(client);
        }
        if let Some(since) = updated_since {
            filter = filter.updated_since(moment(since));
        }
        store.projects().list(&filter).unwrap().map(|project| project.unwrap().id).collect()
    };
    assert_eq!(projects(None, None), [1, 2, 3, 4]);
    assert_eq!(projects(Some(1), None), [2, 4]);
    assert_eq!(projects(Some(2), Some("2011-03-31T10:01:00Z")), [3]);
    assert_eq!(projects(None, Some("2011-03-31T10:02:00Z")), [3, 4]);
    assert_eq!(projects(Some(3), None), [0; 0]);
    assert_eq!(projects(Some(99), None), [0; 0]);
}

#[test]
fn a_new_project_has_the_defaults() {
    let (store, clock) = memory();
    store.clients().create(&NewClient::named("x")).unwrap();
    let id = store.projects().create(&NewProject::of(1, "Website")).unwrap();
    let project = store.projects().get(id).unwrap();
    assert_eq!((project.client_id, project.name.as_str(), project.code.as_str()), (1.into(), "Website", ""));
    assert_eq!((project.active, project.billable, project.notes.as_str()), (true, true, ""));
    assert_eq!((project.bill_by, project.budget_by), (BillBy::None, BudgetBy::None));
    assert_eq!(project.over_budget_notification_percentage, Some(Decimal::from(80)));
    assert_eq!((project.hourly_rate, project.budget, project.cost_budget), (None, None, None));
    assert_eq!((project.starts_on, project.ends_on, project.over_budget_notified_at), (None, None, None));
    assert_eq!((project.hint_earliest_record_at, project.hint_latest_record_at), (None, None));
    let flags = [project.notify_when_over_budget, project.show_budget_to_all, project.cost_budget_include_expenses];
    assert_eq!(flags, [false; 3]);
    assert_eq!((project.created_at, project.updated_at), (clock.now(), clock.now()));
}

#[test]
fn a_projects_fields_are_set_and_set_back() {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("x")).unwrap();
    store.clients().create(&NewClient::named("y")).unwrap();
    let id =
        store.projects().create(&NewProject::of(1, "p").budget(Decimal::from(5)).starts_on(day("2011-01-01"))).unwrap();
    let changes = ProjectChanges::new()
        .client_id(2)
        .bill_by(BillBy::Project)
        .budget_by(BudgetBy::Person)
        .budget(None)
        .starts_on(None)
        .ends_on(day("9999-12-31"))
        .hourly_rate(Decimal::new(999_999_999_999_999_999, 6));
    store.projects().update(id, &changes).unwrap();
    let project = store.projects().get(id).unwrap();
    assert_eq!((project.client_id, project.bill_by, project.budget_by), (2.into(), BillBy::Project, BudgetBy::Person));
    assert_eq!((project.budget, project.starts_on, project.ends_on), (None, None, Some(day("9999-12-31"))));
    assert_eq!(project.hourly_rate.unwrap().to_string(), "999999999999.999999");
}

#[test]
fn typed_values_that_the_documents_cannot_hold_are_refused() {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("x")).unwrap();
    let new = || NewProject::of(1, "p");
    for decimal in [Decimal::new(1, 7), Decimal::from(1_000_000_000_000_i64), Decimal::MAX, Decimal::MIN] {
        assert_eq!(invalid(store.projects().create(&new().budget(decimal))).0, "budget", "{decimal}");
    }
    for date in [chrono::NaiveDate::MAX, chrono::NaiveDate::MIN] {
        assert_eq!(invalid(store.projects().create(&new().ends_on(date))).0, "ends-on", "{date}");
    }
    assert_eq!(store.projects().list(&Default::default()).unwrap().count(), 0);
}

#[test]
fn loading_many_is_one_transaction() {
    let directory = tempfile::tempdir().unwrap();
    let store = builder(&Default::default()).open(directory.path().join("store.db")).unwrap();
    let many = |count: i64| (1..=count).map(|number| NewClient::named(format!("Client {number}")));
    let bad = many(1000).chain([NewClient::named(" ")]).chain(many(1000));
    assert_eq!(invalid(store.clients().create_all(bad)).0, "name");
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 0);
    assert_eq!(store.clients().create_all(many(100_000)).unwrap(), 100_000);
    let mut expected = 1..;
    for client in store.clients().list(&Default::default()).unwrap() {
        let number = expected.next().unwrap();
        assert_eq!(client.unwrap().name, format!("Client {number}"));
    }
    assert_eq!(expected.next(), Some(100_001));
}

#[test]
fn loading_inside_a_transaction_goes_with_it() {
    let (store, _) = memory();
    let result: Result<(), Error> = store.transaction(|tx| {
        assert_eq!(tx.clients().create_all((0..10).map(|_| NewClient::named("x")))?, 10);
        assert_eq!(tx.clients().list(&Default::default())?.count(), 10);
        tx.clients().delete(11)
    });
    assert!(matches!(result, Err(Error::NotFound { .. })));
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 0);
}

#[test]
fn records_go_through_serde() {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("Fish & Chips\n").highrise_id(7)).unwrap();
    store.projects().create(&NewProject::of(1, "p").bill_by(BillBy::Tasks).budget(Decimal::new(2425, 2))).unwrap();
    let (client, project) = (store.clients().get(1).unwrap(), store.projects().get(1).unwrap());
    let json = serde_json::to_value(&client).unwrap();
    assert_eq!(json["name"], "Fish & Chips\n");
    assert_eq!(json["highrise_id"], 7);
    assert_eq!(json["created_at"], "2011-03-31T10:00:00Z");
    assert_eq!(serde_json::from_value::<Client>(json).unwrap(), client);
    let json = serde_json::to_value(&project).unwrap();
    assert_eq!((&json["bill_by"], &json["budget"]), (&"Tasks".into(), &"24.25".into()));
    assert_eq!(serde_json::from_value::<Project>(json).unwrap(), project);
}

#[test]
fn read_only_fields_of_a_record_are_no_part_of_a_new_one() {
    let (store, clock) = memory();
    store.clients().create(&NewClient::named("x").details("d").active(false)).unwrap();
    store.clients().toggle(1).unwrap();
    clock.forward(60);
    let copy = store.clients().create(&NewClient::from(&store.clients().get(1).unwrap())).unwrap();
    let client = store.clients().get(copy).unwrap();
    assert_eq!((client.id, client.details.as_str(), client.active, client.cache_version), (2.into(), "d", true, 0));
    assert_eq!(client.created_at, clock.now());
}

#[test]
fn messages_and_payments_are_listed_by_their_invoice() {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("x")).unwrap();
    for invoice in 1..=2 {
        store.invoices().create(&NewInvoice::of(1)).unwrap();
        store.messages().create(&NewMessage::of(invoice, "Pay!")).unwrap();
        store.invoices().record_payment(&NewPayment::of(invoice, 10, moment("2011-03-31T10:00:00Z"))).unwrap();
    }
    for (invoice, ids) in [(None, vec![1, 2]), (Some(2), vec![2]), (Some(3), vec![])] {
        let (of_messages, of_payments) = match invoice {
            None => (MessageFilter::new(), PaymentFilter::new()),
            Some(id) => (MessageFilter::new().invoice(id), PaymentFilter::new().invoice(id)),
        };
        let messages = store.messages().list(&of_messages).unwrap().map(|message| message.unwrap().id);
        let payments = store.payments().list(&of_payments).unwrap().map(|payment| payment.unwrap().id);
        assert_eq!(messages.collect::<Vec<_>>(), ids, "{invoice:?}");
        assert_eq!(payments.collect::<Vec<_>>(), ids, "{invoice:?}");
    }
}

#[test]
fn the_invoice_that_a_part_names_and_that_is_not_there_is_told() {
    let (store, _) = memory();
    let message = store.messages().create(&NewMessage::of(9, "Pay!")).map(drop);
    let payment = store.invoices().record_payment(&NewPayment::of(9, 10, moment("2011-03-31T10:00:00Z"))).map(drop);
    for result in [message, payment] {
        assert!(matches!(result, Err(Error::NotFound { record: "invoice", id: 9 })), "{result:?}");
    }
}
