//! What does not load: nothing of it stays, and the error says which document, which line and why.

mod common;
mod transfers;

use clientstore::{ClientStore, Error, NewClient, Rule};
use common::{Clock, builder, memory, plain};
use transfers::{RECORDS, dumped, fill, load};

const CLIENT: &str = "<client><id>1</id><name>A</name></client>";

/// A document that is refused, after good records, leaves the store as it was.
#[track_caller]
fn refused(document: impl AsRef<[u8]>, expected: &str) -> Error {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("Before")).unwrap();
    let before = dumped(&store);
    let error = load(&store, document).unwrap_err();
    assert_eq!(error.to_string(), format!("the document: {expected}"));
    assert_eq!(dumped(&store), before);
    error
}

#[test]
fn a_record_that_is_broken_is_named_with_its_line_and_reason() {
    for (record, expected) in [
        ("<client>\n<id>8</id>\n</client>", "line 3: name is required"),
        ("<client><id>8</id>\n<name> </name></client>", "line 3: name is required and cannot be blank"),
        (
            "<client>\n<name>x</name>\n<active>maybe</active></client>",
            "line 5: active \"maybe\" is not a boolean: true, false, 1 or 0",
        ),
        (
            "<client><name>x</name>\n<cache-version>1.5</cache-version></client>",
            "line 4: cache-version \"1.5\" is not an integer, like 42",
        ),
        (
            "<client><name>x</name><created-at>today</created-at></client>",
            "line 3: created-at \"today\" is not a datetime, like 2011-03-31T10:00:00Z",
        ),
        (
            "<client>\n<name>&#1;</name></client>",
            "line 4: name holds the reference &#1; to a character that XML cannot carry; remove it",
        ),
    ] {
        let error = refused(
            format!("<clients>\n<client><id>7</id><name>Good</name></client>\n{record}\n</clients>\n"),
            expected,
        );
        assert!(matches!(&error, Error::Load { source, .. } if matches!(**source, Error::Invalid { .. })), "{error:?}");
    }
}

#[test]
fn an_id_that_is_none_is_refused() {
    for id in ["0", "-1", "-9223372036854775808"] {
        refused(
            format!("<clients>\n<client><id>{id}</id><name>x</name></client></clients>"),
            &format!("line 2: id is {id}; it must lie between 1 and 9007199254740992"),
        );
    }
    refused(
        "<clients><client><id>9223372036854775808</id><name>x</name></client></clients>",
        "line 1: id \"9223372036854775808\" is not an integer, like 42",
    );
}

#[test]
fn a_part_of_an_invoice_that_is_not_there_is_refused_with_its_line() {
    for (list, record, fields) in [
        ("invoice-message", "invoice-message", ""),
        ("payments", "payment", "<amount>5</amount><paid-at>2011-03-31</paid-at>"),
    ] {
        let record = format!("<{record}><id>1</id><invoice-id>7</invoice-id>{fields}</{record}>");
        let error = refused(format!("<{list} type=\"array\">\n{record}\n</{list}>"), "line 2: there is no invoice 7");
        assert!(
            matches!(&error, Error::Load { source, .. } if matches!(**source, Error::NotFound { .. })),
            "{error:?}"
        );
    }
}

#[test]
fn an_id_that_is_taken_is_refused() {
    let error = refused(
        format!("<clients>\n<client><id>2</id><name>x</name></client>\n{CLIENT}\n</clients>"),
        "line 3: The id is taken: 1 client; load into an empty store, or give the record another id",
    );
    let Error::Load { source, line: Some(3), .. } = error else { panic!("{error:?}") };
    assert!(matches!(*source, Error::Refused { rule: Rule::IdIsTaken, .. }));
    refused(
        "<clients><client><id>5</id><name>x</name></client>\n<client><id>5</id><name>y</name></client></clients>",
        "line 2: The id is taken: 1 client; load into an empty store, or give the record another id",
    );
    let (store, _) = memory();
    fill(&store);
    let before = dumped(&store);
    assert!(load(&store, &before).is_err(), "a store does not load its own dump");
    assert_eq!(dumped(&store), before);
}

#[test]
fn a_record_that_breaks_a_rule_is_refused() {
    refused(
        "<projects>\n\n<project><client-id>9</client-id><name>x</name></project></projects>",
        "line 3: client-id is 9, but there is no such client; create it first",
    );
    refused(
        "<invoices>\n<invoice><client-id>9</client-id></invoice></invoices>",
        "line 2: client-id is 9, but there is no such client; create it first",
    );
    refused(
        "<clientstore version=\"1\"><clients>\n<client><id>9</id><name>x</name><active>false</active></client></clients>\n\
         <projects>\n<project><client-id>9</client-id><name>x</name></project></projects></clientstore>",
        "line 4: Client is inactive: 1 inactive client; activate the client first",
    );
    refused(
        "<invoices>\n<invoice><client-id>1</client-id><tax>101</tax></invoice></invoices>",
        "line 2: tax is 101.0; a percent lies between 0 and 100",
    );
    refused(
        "<projects>\n<project><client-id>1</client-id><name>x</name><bill-by>hand</bill-by></project></projects>",
        "line 2: bill-by must be one of none, Tasks, People, Project",
    );
}

#[test]
fn of_two_categories_with_the_id_of_a_default_one_the_second_is_refused() {
    let category = |name: &str| format!("<invoice-item-category><id>2</id><name>{name}</name></invoice-item-category>");
    let list = format!(
        "<invoice-item-categories>\n{}\n{}</invoice-item-categories>",
        category("Expense"),
        category("Product")
    );
    let taken = "The id is taken: 1 invoice-item-category;";
    for (document, line) in [(list.clone(), 3), (format!("<clientstore version=\"1\">\n{list}</clientstore>"), 4)] {
        let (store, _) = memory();
        let before = dumped(&store);
        let error = load(&store, document).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the document: line {line}: {taken}")), "{error}");
        assert_eq!(dumped(&store), before);
    }
    // The default one itself gives way, once.
    let (store, _) = memory();
    let one = format!("<invoice-item-categories>{}</invoice-item-categories>", category("Product"));
    assert_eq!(load(&store, one).unwrap(), 1);
    assert_eq!(store.item_categories().get(2).unwrap().name, "Product");
}

#[test]
fn a_document_that_is_malformed_or_another_is_refused() {
    let lists = "<clients>, <projects>, <invoices> or another of the API's";
    for (document, expected) in [
        ("", "line 1: the document is empty; a root element is missing".to_owned()),
        ("null", "line 1: text stands outside the root element".to_owned()),
        ("\n<timer/>", format!("line 2: the root element is <timer>; a dump has <clientstore>, a list {lists}")),
        ("<html/>", format!("line 1: the root element is <html>; a dump has <clientstore>, a list {lists}")),
        ("<clientstore/>", "line 1: the dump has no version".to_owned()),
        ("<clientstore version=\"2\"/>", "line 1: the dump has version 2, this program reads version 1".to_owned()),
        ("<clientstore version=\"1\">\n<people/></clientstore>", "line 2: a dump has no <people>".to_owned()),
        ("<!DOCTYPE clients>\n<clients/>", "line 1: a DOCTYPE is not accepted; remove it".to_owned()),
        ("<clients>\n<client><name>A</name></client>\n", "line 3: the document ends before its elements do".to_owned()),
        (
            "<clients>\n<client><name>A</name></client>\n</clients>\n<clients/>",
            "line 4: a second root element follows the first".to_owned(),
        ),
        (
            "<clients>\n<client><name>A</name></client>\n</clients>\nmore",
            "line 3: text stands outside the root element".to_owned(),
        ),
        ("<clients>\nmore</clients>", "line 1: text stands in <clients>, between its records".to_owned()),
        (
            "<clients>\n<client><name>A & B</name></client></clients>",
            "line 2: <name>: `&` stands alone in text; write `&amp;`".to_owned(),
        ),
        (
            "<?xml version=\"1.0\" encoding=\"latin1\"?>\n<clients/>",
            "line 1: the document says its encoding is \"latin1\"; send UTF-8".to_owned(),
        ),
        (
            "<clientstore version=\"1\">\n<next-ids>\n<clients>many</clients></next-ids></clientstore>",
            "line 3: \"many\" is not an integer, like 42".to_owned(),
        ),
    ] {
        let error = refused(document, &expected);
        assert!(matches!(&error, Error::Load { source, .. } if matches!(**source, Error::Xml { .. })), "{error:?}");
    }
    refused(b"<clients>\n<client>\n<name>\xE9</name></client></clients>", "line 3: <name>: the document is not UTF-8");
}

#[test]
fn a_single_record_is_told_by_its_line() {
    refused("\n<client/>", "line 2: name is required");
}

#[test]
fn a_dump_cut_off_anywhere_loads_nothing() {
    let (store, _) = memory();
    fill(&store);
    let document = dumped(&store);
    let (copy, _) = memory();
    let empty = dumped(&copy);
    let end = document.trim_end().len();
    for at in (0..end).step_by(97).chain(end - 20..end) {
        let error = load(&copy, &document.as_bytes()[..at]).unwrap_err();
        assert!(matches!(error, Error::Load { .. }), "{at}: {error:?}");
    }
    assert_eq!(dumped(&copy), empty);
    assert_eq!(load(&copy, &document).unwrap(), RECORDS);
}

#[test]
fn of_several_documents_one_that_is_refused_keeps_all_out_and_is_named() {
    let (store, _) = memory();
    let good = format!("<clients>{CLIENT}</clients>");
    let bad = "<projects>\n<project><client-id>1</client-id><name/></project></projects>";
    let error = store.load([("projects.xml", bad.as_bytes()), ("clients.xml", good.as_bytes())]).unwrap_err();
    assert_eq!(error.to_string(), "projects.xml: line 2: name is required and cannot be blank");
    let error = store.load([("clients.xml", good.as_bytes()), ("again.xml", good.as_bytes())]).unwrap_err();
    assert!(error.to_string().starts_with("again.xml: line 1: The id is taken"), "{error}");
    let error = store.load([("clients.xml", good.as_bytes()), ("x.xml", b"<x/>")]).unwrap_err();
    assert!(error.to_string().starts_with("x.xml: line 1: the root element is <x>"), "{error}");
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 0);
    assert_eq!(store.load([("clients.xml", good.as_bytes())]).unwrap().records, 1);
}

#[test]
fn a_refused_load_leaves_every_table_of_a_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = builder(&Clock::default()).open(&path).unwrap();
    fill(&store);
    let before = transfers::tables(&path);
    let mut document = String::from("<clientstore version=\"1\"><next-ids><clients>900</clients></next-ids><clients>");
    document.push_str(&"<client><name>x</name></client>\n".repeat(1_000));
    let error = load(&store, format!("{document}<client/></clients></clientstore>")).unwrap_err();
    assert_eq!(error.to_string(), "the document: line 1001: name is required");
    assert_eq!(transfers::tables(&path), before);
    let found: String = plain(&path).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
}

#[test]
fn an_input_that_fails_is_a_storage_error_and_loads_nothing() {
    use std::io::{BufReader, Read};
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the cable is out"))
        }
    }
    let store = ClientStore::open_in_memory().unwrap();
    let begun = format!("<clients>{CLIENT}");
    let error = store.load([("a pipe", BufReader::new(begun.as_bytes().chain(Broken)))]).unwrap_err();
    assert!(error.to_string().ends_with("reading the document: the cable is out"), "{error}");
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 0);
}
