//! Documents in JSON beside their twins in XML, compared to the byte; and records that go through both formats.

mod api;
mod common;
mod transfers;

use api::{DECLARATION, Service};
use clientstore::{
    Api, Client, ClientStore, Contact, Dialect, ExpenseCategory, Fields, Invoice, ItemCategory, Message, NewClient,
    NewInvoice, Payment, Person, Project, Record, Task, TaskAssignment, UserAssignment, json, xml,
};
use common::{builder, memory, text};
use proptest::prelude::*;
use quick_xml::events::{BytesStart, Event};
use rust_decimal::Decimal;

const GENERATED: &str = include_str!("fixtures/generated.xml");

macro_rules! twins {
    ($($path:literal: $name:literal;)*) => {
        [$(($path, include_str!(concat!("fixtures/twins/", $name, ".xml")),
            include_str!(concat!("fixtures/twins/", $name, ".json")))),*]
    };
}

/// Paths, with their documents in the `live` dialect and in JSON.
const TWINS: [(&str, &str, &str); 27] = twins! {
    "/clients": "clients";
    "/clients?updated_since=2112-12-31": "empty-list";
    "/clients/1": "client";
    "/projects": "projects";
    "/projects/1": "project";
    "/invoices": "invoices";
    "/invoices/4": "invoice";
    "/invoices/99": "error";
    "/invoices/4/messages": "messages";
    "/invoices/4/messages/3": "message";
    "/invoices/4/payments": "payments";
    "/invoices/4/payments/3": "payment";
    "/invoice_item_categories": "item-categories";
    "/invoice_item_categories/1": "item-category";
    "/tasks": "tasks";
    "/tasks/1": "task";
    "/people": "people";
    "/people/2": "person";
    "/contacts": "contacts";
    "/contacts/1": "contact";
    "/projects/1/task_assignments": "task-assignments";
    "/projects/1/task_assignments/1": "task-assignment";
    "/projects/1/user_assignments": "user-assignments";
    "/projects/1/user_assignments/1": "user-assignment";
    "/expense_categories": "expense-categories";
    "/expense_categories/3": "expense-category";
    "/account/who_am_i": "who-am-i";
};

fn generated() -> Service {
    let service = Service::live();
    assert_eq!(service.api.store().load([("generated.xml", GENERATED.as_bytes())], |_| {}).unwrap().records, 52);
    service
}

#[test]
fn every_resource_answers_with_its_fixture_in_each_format() {
    let service = generated();
    for (path, xml, json) in TWINS {
        assert_eq!(service.get(path).body, xml, "{path}");
        let (before, query) =
            path.split_once('?').map_or((path, String::new()), |(path, query)| (path, format!("?{query}")));
        assert_eq!(service.get(&format!("{before}.json{query}")).body, json, "{path}");
    }
}

/// The same document in JSON, by the rules alone: what has a type is no string, what holds elements is an object,
/// a list is one of wrapped records.
fn twin(document: &str) -> String {
    let mut reader = quick_xml::Reader::from_str(document);
    let (item, json) = loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let root = start.name().0.to_owned();
                break (root.clone(), value(&mut reader, &start, &root));
            }
            Event::Eof => panic!("no root"),
            _ => {}
        }
    };
    let one = match item.as_str() {
        "hash" => return json + "\n",
        "invoice-message" => "message",
        "invoice-item-category" => "invoice_category",
        "task-assignment" => "task_assignment",
        "user-assignment" => "user_assignment",
        "expense-category" => "expense_category",
        other => other,
    };
    if json.starts_with('[') { json + "\n" } else { format!("{{\"{one}\":{json}}}\n") }
}

fn value(reader: &mut quick_xml::Reader<&[u8]>, start: &BytesStart<'_>, name: &str) -> String {
    let attribute = |name| start.try_get_attribute(name).unwrap().map(|found| found.value.into_owned());
    let (kind, is_nil) = (attribute("type").unwrap_or_default(), attribute("nil").is_some());
    let mut content = String::new();
    let mut members = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let child = start.name().0.to_owned();
                let value = value(reader, &start, &child);
                members.push((child, value));
            }
            Event::Text(found) => content.push_str(&found),
            Event::GeneralRef(name) => content.push_str(match &*name {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "#13" => "\r",
                other => panic!("{other:?}"),
            }),
            Event::End(_) => break,
            other => panic!("{other:?}"),
        }
    }
    let string = |text: &str| serde_json::to_string(text).unwrap();
    if kind == "array" {
        let wrapper = |element: &str| match element {
            "invoice" => "invoices".to_owned(),
            "invoice-message" => "message".to_owned(),
            "invoice-item-category" => "invoice_category".to_owned(),
            other => other.replace('-', "_"),
        };
        let items: Vec<String> =
            members.iter().map(|(element, value)| format!("{{\"{}\":{value}}}", wrapper(element))).collect();
        return format!("[{}]", items.join(","));
    }
    if !members.is_empty() {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("{}:{value}", string(&name.replace('-', "_")))).collect();
        return format!("{{{}}}", members.join(","));
    }
    match kind.as_str() {
        _ if is_nil => "null".to_owned(),
        "decimal" => content.strip_suffix(".0").unwrap_or(&content).to_owned(),
        "integer" | "boolean" => content,
        // Typed in JSON alone.
        _ if name == "created-by-id" => content,
        _ => string(&content),
    }
}

#[test]
fn a_document_in_json_is_its_twin_in_xml_by_the_rules() {
    for (path, xml, json) in TWINS {
        assert_eq!(twin(xml), json, "{path}");
    }
}

fn round_trip<R: Record>(xml_list: &str, json_list: &str, xml_one: &str, json_one: &str) {
    let from_json = json::read_list::<R>(json_list.as_bytes()).unwrap();
    assert_eq!(from_json, xml::read_list::<R>(xml_list.as_bytes()).unwrap());
    let records: Vec<R> = from_json.iter().map(|fields| fields.complete().unwrap()).collect();
    assert_eq!(text(&json::write_list(&records).unwrap()), json_list);
    let one = json::read::<R>(json_one.as_bytes()).unwrap();
    assert_eq!(one, xml::read::<R>(xml_one.as_bytes()).unwrap());
    assert_eq!(text(&json::write_fields(&one).unwrap()), json_one);
}

#[test]
fn the_library_reads_and_writes_every_records_documents() {
    let pair =
        |path: &str| TWINS.iter().find(|(other, ..)| *other == path).map(|(_, xml, json)| (*xml, *json)).unwrap();
    fn check<R: Record>(list: (&str, &str), one: (&str, &str)) {
        round_trip::<R>(list.0, list.1, one.0, one.1);
    }
    check::<Client>(pair("/clients"), pair("/clients/1"));
    check::<Project>(pair("/projects"), pair("/projects/1"));
    check::<Invoice>(pair("/invoices"), pair("/invoices/4"));
    check::<Message>(pair("/invoices/4/messages"), pair("/invoices/4/messages/3"));
    check::<Payment>(pair("/invoices/4/payments"), pair("/invoices/4/payments/3"));
    check::<ItemCategory>(pair("/invoice_item_categories"), pair("/invoice_item_categories/1"));
    check::<Task>(pair("/tasks"), pair("/tasks/1"));
    check::<Person>(pair("/people"), pair("/people/2"));
    check::<Contact>(pair("/contacts"), pair("/contacts/1"));
    check::<TaskAssignment>(pair("/projects/1/task_assignments"), pair("/projects/1/task_assignments/1"));
    check::<ExpenseCategory>(pair("/expense_categories"), pair("/expense_categories/3"));
    check::<UserAssignment>(pair("/projects/1/user_assignments"), pair("/projects/1/user_assignments/1"));
    assert_eq!(json::read_error(pair("/invoices/99").1.as_bytes()).unwrap(), "There is no invoice 99.");
    assert!(xml::read_error(DECLARATION.as_bytes()).is_err());
}

#[test]
fn a_list_goes_from_the_rows_as_the_records_write_it() {
    let service = generated();
    let store = service.api.store();
    let mut document = Vec::new();
    store.invoices().write_list_json(&Default::default(), &mut document).unwrap();
    let (_, _, json) = TWINS.iter().find(|(path, ..)| *path == "/invoices").unwrap();
    assert_eq!(text(&document), *json);
}

#[test]
fn a_dump_in_json_loads_to_the_same_bytes_in_every_table() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first.db"), folder.path().join("second.db"));
    let store = builder(&Default::default()).open(&first).unwrap();
    transfers::fill(&store);
    let mut document = Vec::new();
    assert_eq!(store.dump_json(&mut document, |_| {}).unwrap(), transfers::RECORDS);
    let copy = builder(&Default::default()).open(&second).unwrap();
    assert_eq!(copy.load([("the dump", &*document)], |_| {}).unwrap().records, transfers::RECORDS);
    assert_eq!(transfers::tables(&second), transfers::tables(&first));
    let mut again = Vec::new();
    copy.dump_json(&mut again, |_| {}).unwrap();
    assert_eq!(text(&again), text(&document));
}

#[test]
fn a_dump_in_json_is_the_fixture() {
    let mut document = Vec::new();
    generated().api.store().dump_json(&mut document, |_| {}).unwrap();
    assert_eq!(text(&document), include_str!("fixtures/twins/dump.json"));
}

fn load(store: &ClientStore, document: &str) -> Result<u64, String> {
    // As small as a read can be: what decides the format may come in pieces.
    let input = std::io::BufReader::with_capacity(1, document.as_bytes());
    store.load([("x.json", input)], |_| {}).map(|loaded| loaded.records).map_err(|error| error.to_string())
}

#[test]
fn lists_and_records_in_json_are_loaded_and_what_is_none_is_refused_with_its_place() {
    let (store, _) = memory();
    for (document, count) in [
        ("[]", 0),
        (" \n[ ]\n", 0),
        (r#"{"client":{"id":7,"name":"A"}}"#, 1),
        (r#"[{"client":{"id":8,"name":"B"}},{"client":{"id":9,"name":"C"}}]"#, 2),
        ("\u{FEFF}[{\"project\":{\"id\":3,\"client_id\":7,\"name\":\"P\"}}]", 1),
    ] {
        assert_eq!(load(&store, document), Ok(count), "{document}");
    }
    for (document, message) in [
        (
            "[\n{\"client\":{\"name\":\"D\"}},\n{\"client\":{\"id\":7,\"name\":\"E\"}}]",
            "x.json: line 3: The id is taken",
        ),
        (
            "[{\"client\":{\"name\":\"D\"}},\n7]",
            "x.json: line 2, column 1: here stands a number, not {\"client\":{...}}",
        ),
        (
            "[{\"client\":{\"name\":\"D\"}},\n{\"project\":{}}]",
            "x.json: line 2, column 1: the object is not {\"client\"",
        ),
        (
            "[{\"client\":{\"name\":\"D\"}},\n{\"client\":{\n\"active\":\"x\"}}]",
            "x.json: line 3: active \"x\" is not a boolean",
        ),
        ("[{\"client\":{\"name\":\"D\"}}", "x.json: line 1, column 24: this is not JSON: EOF while parsing a list"),
        ("[{\"client\":{\"name\":\"D\"}}] x", "x.json: line 1, column 27: this is not JSON: trailing characters"),
        ("{}", "x.json: line 1, column 1: the object has no name"),
        ("[{\"nobody\":{}}]", "x.json: line 1, column 1: the first name is \"nobody\""),
        ("{\"clientstore\":{\"version\":\"2\"}}", "the dump has version \"2\", this program reads version 1"),
        ("{\"clientstore\":{\"clients\":[]}}", "the dump does not begin with its version"),
        ("{\"clientstore\":{\"version\":\"1\",\"x\":[]}}", "a dump has no \"x\""),
    ] {
        let refused = load(&store, document).unwrap_err();
        assert!(refused.contains(message), "{document}\n{refused}");
    }
    let deep = "[".repeat(1_000_000);
    assert!(load(&store, &deep).unwrap_err().contains("more than 32 levels"), "a list of lists");
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 3);
}

#[test]
fn documents_of_both_formats_are_loaded_in_the_order_of_their_references() {
    let (store, _) = memory();
    let projects = r#"[{"project":{"id":1,"client_id":5,"name":"P"}}]"#;
    let clients = "<clients><client><id>5</id><name>A</name></client></clients>";
    assert_eq!(store.load([("p", projects.as_bytes()), ("c", clients.as_bytes())], |_| {}).unwrap().records, 2);
}

fn any_text() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        "\"", "\\", "\\u0041", "/", "\r\n", "\n", "\t", "&amp;", "]]>", "🦀", "\u{7F}", "\u{2028}",
    ]);
    let any = prop::char::ranges(
        vec!['\t'..='\n', ' '..='\u{D7FF}', '\u{E000}'..='\u{FFFD}', '\u{10000}'..='\u{10FFFF}'].into(),
    );
    prop::collection::vec(prop_oneof![hard.prop_map(str::to_owned), any.prop_map(String::from)], 0..12)
        .prop_map(|parts| parts.concat())
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    (-999_999_999_999_999_999_i64..=999_999_999_999_999_999, 0..=6_u32)
        .prop_map(|(digits, scale)| Decimal::new(digits / 10_i64.pow(6 - scale), scale))
}

/// Through each format into the other and back.
fn both_ways<R: Record>(fields: &Fields<R>) -> Result<(), TestCaseError> {
    let in_json = json::write_fields(fields).unwrap();
    let from_json = json::read::<R>(&in_json).unwrap();
    prop_assert_eq!(&from_json, fields);
    let in_xml = xml::write_fields(&from_json, Dialect::Live).unwrap();
    let from_xml = xml::read::<R>(&in_xml).unwrap();
    prop_assert_eq!(&from_xml, fields);
    prop_assert_eq!(json::write_fields(&from_xml).unwrap(), in_json);
    Ok(())
}

proptest! {
    #[test]
    fn a_record_is_the_same_through_json_and_xml_and_back(
        name in any_text(), details in any_text(), active in any::<bool>(), highrise in any::<Option<i64>>(),
        subject in any_text(), tax in any_decimal(), client in any::<i64>(),
    ) {
        let new = NewClient::named(name).details(details).active(active);
        let new = match highrise { Some(id) => new.highrise_id(id), None => new };
        both_ways(new.fields())?;
        both_ways(NewInvoice::of(client).subject(subject).tax(tax).fields())?;
    }

    #[test]
    fn a_parser_of_json_reads_what_is_written(name in any_text()) {
        let written = json::write_fields(NewClient::named(name.clone())).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&written).unwrap();
        prop_assert_eq!(&read["client"]["name"], &serde_json::Value::String(name));
    }
}

#[test]
fn an_api_over_any_store_answers_in_json() {
    let (store, _) = memory();
    let request = http::Request::get("/clients.json").body("").unwrap();
    assert_eq!(Api::new(store).handle(request).into_body().into_bytes().unwrap(), "[]\n");
}
