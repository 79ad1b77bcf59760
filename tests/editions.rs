//! Documents of each edition of the API load, dump and load again, and nothing of them is lost.

mod common;

use clientstore::{BudgetBy, ClientStore, Error, LoadOptions, NewClient, NewInvoice, NewProject, ProjectChanges, Rule};

const EDITIONS: &[(&str, &str)] = &[
    ("2008-clients.xml", include_str!("fixtures/editions/2008-clients.xml")),
    ("2008-projects.xml", include_str!("fixtures/editions/2008-projects.xml")),
    ("2010-clients.xml", include_str!("fixtures/editions/2010-clients.xml")),
    ("2010-projects.xml", include_str!("fixtures/editions/2010-projects.xml")),
    ("2013-invoices.xml", include_str!("fixtures/editions/2013-invoices.xml")),
    ("2015-messages.xml", include_str!("fixtures/editions/2015-messages.xml")),
    ("2017-projects.xml", include_str!("fixtures/editions/2017-projects.xml")),
    ("2019-clients.xml", include_str!("fixtures/editions/2019-clients.xml")),
];

fn dump(store: &ClientStore) -> Vec<u8> {
    let mut document = Vec::new();
    store.dump(&mut document, |_| {}).unwrap();
    document
}

#[test]
fn documents_of_each_edition_load_dump_and_load_again_without_a_named_loss() {
    let store = ClientStore::open_in_memory().unwrap();
    let loaded = store
        .load_with(
            EDITIONS.iter().map(|(name, text)| (*name, text.as_bytes())),
            LoadOptions::new().strict(true),
            |_| {},
        )
        .unwrap();
    assert_eq!((loaded.records, loaded.unknown), (7, vec![]));
    assert!(store.check(|_| {}).unwrap().is_clean());
    let old = store.projects().get(70).unwrap();
    assert_eq!((old.budget_by, old.budget.unwrap().to_string()), (BudgetBy::Project, "120.0".to_owned()));
    assert_eq!(old.estimate, old.budget);
    let late = store.projects().get(71).unwrap();
    assert_eq!(
        (late.budget_by, late.is_fixed_fee, late.fee.unwrap().to_string()),
        (BudgetBy::TaskFees, true, "5000.0".into())
    );
    let client = store.clients().get(43).unwrap();
    assert_eq!((client.statement_key.as_deref(), client.details.as_str()), (Some("a1b2c3"), "Hafen 3"));
    let invoice = store.invoices().get(301).unwrap();
    assert_eq!((invoice.client_key.as_str(), invoice.client_name.as_str()), ("short-key_7", "Boats & Co"));
    assert_eq!(invoice.tax_amount.to_string(), "0.0");
    let message = store.messages().get(12).unwrap();
    assert_eq!((message.sent_from.as_str(), message.send_reminder_on), ("Office", Some(common::day("2015-06-01"))));

    let copy = ClientStore::open_in_memory().unwrap();
    copy.load_with([("dump", dump(&store).as_slice())], LoadOptions::new().strict(true), |_| {}).unwrap();
    assert_eq!(dump(&copy), dump(&store));
}

#[test]
fn what_has_no_place_is_named_with_its_line_and_refused_where_it_must_not_be_lost() {
    let document = b"<clients>\n<client>\n<name>Jo</name>\n<detials>x</detials></client></clients>".as_slice();
    let store = ClientStore::open_in_memory().unwrap();
    let error =
        store.load_with([("clients.xml", document)], LoadOptions::new().strict(true), |_| {}).unwrap_err().to_string();
    assert!(error.starts_with("clients.xml: line 4: the element <detials> is not known"), "{error}");
    let loaded = store.load([("clients.xml", document)], |_| {}).unwrap();
    assert_eq!(loaded.unknown[0].1[0].to_string(), "detials (line 4)");
}

#[test]
fn a_mistyped_name_of_a_required_element_is_recognised() {
    let fields = clientstore::xml::read_new::<clientstore::Client>(b"<client><nam>Jo</nam></client>").unwrap();
    let error = ClientStore::open_in_memory().unwrap().clients().create(&fields).unwrap_err();
    assert_eq!(error.to_string(), "line 1: name is required; unknown element nam: did you mean name?");
}

#[test]
fn an_update_of_a_project_honours_active_under_the_toggles_rule() {
    let store = ClientStore::open_in_memory().unwrap();
    let client = store.clients().create(&NewClient::named("x")).unwrap();
    let id = store.projects().create(&NewProject::of(client, "p")).unwrap();
    store.projects().update(id, &ProjectChanges::new().active(false)).unwrap();
    assert!(!store.projects().get(id).unwrap().active);
    store.clients().toggle(client).unwrap();
    let error = store.projects().update(id, &ProjectChanges::new().active(true)).unwrap_err();
    assert!(matches!(error, Error::Refused { rule: Rule::ClientIsInactive, .. }), "{error}");
    store.clients().toggle(client).unwrap();
    store.projects().update(id, &ProjectChanges::new().active(true)).unwrap();
}

#[test]
fn the_next_number_is_one_that_no_invoice_has_and_never_longer_than_it_may_be() {
    let store = ClientStore::open_in_memory().unwrap();
    store.clients().create(&NewClient::named("x")).unwrap();
    let next = |given: Option<&str>| {
        let invoice = given.map_or(NewInvoice::of(1), |number| NewInvoice::of(1).number(number));
        let id = store.invoices().create(&invoice).unwrap();
        store.invoices().get(id).unwrap().number
    };
    for taken in ["8", "9", "7"] {
        next(Some(taken));
    }
    assert_eq!(next(None), "10");
    next(Some(&"9".repeat(1_000_000)));
    assert_eq!(next(None), "1");
}

#[test]
fn ids_above_two_to_the_53_are_refused_and_used_up_ids_are_a_typed_error() {
    let store = ClientStore::open_in_memory().unwrap();
    let list = |id: i64| format!("<clients>\n<client><id>{id}</id><name>x</name></client></clients>");
    let error = store.load([("c", list((1 << 53) + 1).as_bytes())], |_| {}).unwrap_err().to_string();
    assert!(error.contains("line 2: id is 9007199254740993"), "{error}");
    store.load([("c", list(1 << 53).as_bytes())], |_| {}).unwrap();
    for _ in 0..2 {
        let error = store.clients().create(&NewClient::named("y")).unwrap_err();
        assert!(matches!(error, Error::IdsExhausted { table: "clients" }), "{error}");
        assert!(error.to_string().contains("9007199254740992"), "{error}");
    }
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 1);
    let file = tempfile::NamedTempFile::new().unwrap();
    let store = ClientStore::open(file.path()).unwrap();
    store.clients().create(&NewClient::named("x")).unwrap();
    common::plain(file.path()).execute_batch("UPDATE sqlite_sequence SET seq = 9223372036854775807").unwrap();
    let error = store.clients().create(&NewClient::named("y")).unwrap_err();
    assert!(matches!(error, Error::IdsExhausted { .. }), "{error}");
}

#[test]
fn a_text_longer_than_16_mib_is_refused_with_its_line() {
    let store = ClientStore::open_in_memory().unwrap();
    let long = "x".repeat((16 << 20) + 1);
    for text in [long.clone(), format!("<![CDATA[{long}]]>"), format!("{}&amp;{}", &long[..9 << 20], &long[..9 << 20])]
    {
        let list = format!("<clients>\n<client><name>x</name>\n<details>{text}</details></client></clients>");
        let error = store.load([("c", list.as_bytes())], |_| {}).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("16 MiB"), "{error}");
    }
}
