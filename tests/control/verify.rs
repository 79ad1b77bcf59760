//! `journal/verify`.

use serde_json::{Value, json};

use crate::fake::Fake;

fn asked() -> Fake {
    let fake = Fake::start();
    fake.ask(
        "POST",
        "/clients",
        "<client><name>SuprCorp</name><details></details><highrise_id nil=\"true\"/></client>",
    );
    fake.ask("POST", "/clients?source=import", "<client><name>SuprCorp, Inc.</name></client>");
    fake.ask("POST", "/projects", "<project><name>Shop</name><client-id type=\"integer\">1</client-id><budget>12.50</budget><billable>1</billable></project>");
    fake.ask("GET", "/clients", "");
    fake.ask("PUT", "/clients/9", "no XML");
    fake
}

fn verify(fake: &Fake, expectation: &str) -> (u16, Value) {
    fake.control("POST", "journal/verify", expectation)
}

#[test]
fn the_fields_of_json_are_found_wrapped_and_bare() {
    let fake = Fake::start();
    fake.ask("POST", "/clients", r#"{"client":{"name":"Supr\u0043orp","highrise_id":null,"active":true}}"#);
    fake.ask("POST", "/projects", r#"{"name":"Shop","client_id":1,"budget":12.50,"x":{"y":"z"}}"#);
    for (expectation, number) in [
        (r#"{"body": {"name": "SuprCorp", "active": true, "highrise-id": null}, "count": 1}"#, 1),
        (r#"{"body": {"client-id": 1, "budget": 12.5, "x/y": "z"}, "count": 1}"#, 2),
    ] {
        let (status, value) = verify(&fake, expectation);
        assert_eq!((status, &value["numbers"]), (200, &json!([number])), "{value}");
    }
    assert_eq!(verify(&fake, r#"{"body": {"name": "Other"}}"#).0, 409);
}

#[test]
fn what_was_expected_and_came_is_200_with_its_numbers() {
    let fake = asked();
    for (expectation, numbers) in [
        ("", json!([1, 2, 3, 4, 5])),
        (r#"{"count": {"at_least": 5}}"#, json!([1, 2, 3, 4, 5])),
        (r#"{"method": "POST", "path": "/clients", "count": 2}"#, json!([1, 2])),
        (r#"{"path": "/clients**", "count": {"at_least": 2, "at_most": 4}}"#, json!([1, 2, 4, 5])),
        (r#"{"body": {"name": "SuprCorp"}, "count": 1}"#, json!([1])),
        (r#"{"body": {"client_id": 1, "budget": 12.5, "billable": true}}"#, json!([3])),
        (r#"{"body": {"client-id": "1", "budget": "12.50"}}"#, json!([3])),
        (r#"{"body": {"details": null, "highrise-id": null}}"#, json!([1])),
        (r#"{"body": {"details": ""}}"#, json!([1])),
        (r#"{"query": {"source": "import"}}"#, json!([2])),
        (r#"{"headers": {"Host": "127.0.0.1:7557"}, "method": "GET"}"#, json!([4])),
        (r#"{"status": 404}"#, json!([])),
        (r#"{"status": 201, "method": "POST"}"#, json!([1, 2, 3])),
        (r#"{"method": "DELETE", "count": 0}"#, json!([])),
        (r#"{"method": "DELETE", "count": {"at_most": 1}}"#, json!([])),
    ] {
        let (status, value) = verify(&fake, expectation);
        if numbers == json!([]) && !expectation.contains("count") {
            assert_eq!(status, 409, "{expectation}: {value}");
            continue;
        }
        assert_eq!((status, &value["verified"]), (200, &true.into()), "{expectation}: {value}");
        assert_eq!(value["numbers"], numbers, "{expectation}");
        assert_eq!(value["count"], numbers.as_array().unwrap().len());
    }
}

#[test]
fn elements_in_elements_are_found_by_their_path() {
    let fake = Fake::start();
    let body = "<client><name>A<!-- not B --></name><contacts><contact><name>B</name></contact>\
                <contact><name>C</name></contact></contacts></client>";
    fake.ask("POST", "/clients", body);
    for (path, value, status) in [
        ("name", "A", 200),
        ("contacts/contact/name", "B", 200),
        ("contacts/contact/name", "C", 200),
        ("contacts/contact/name", "D", 409),
        ("contact/name", "B", 409),
        ("client/name", "A", 409),
    ] {
        let expectation = json!({"body": {path: value}}).to_string();
        assert_eq!(verify(&fake, &expectation).0, status, "{expectation}");
    }
}

#[test]
fn what_did_not_come_is_409_with_the_difference_to_the_nearest() {
    let fake = asked();
    let (status, value) =
        verify(&fake, r#"{"method": "POST", "path": "/clients", "body": {"name": "SuperCorp", "details": ""}}"#);
    assert_eq!(status, 409);
    assert_eq!(
        value,
        json!({
            "verified": false,
            "count": 0,
            "numbers": [],
            "message": "Expected at least 1 request POST /clients with name \"SuperCorp\" and details \"\", but 0 of 5 fit.\n\
                        The nearest is number 1, POST /clients:\n  \
                        body name: expected \"SuperCorp\", found \"SuprCorp\"",
            "nearest": {
                "number": 1,
                "differences": [{"at": "body.name", "expected": "SuperCorp", "found": "SuprCorp"}],
            },
        })
    );
    let (_, value) = verify(&fake, r#"{"method": "PATCH", "path": "/clients/9", "status": 200, "query": {"page": 2}}"#);
    assert_eq!(value["nearest"]["number"], 5);
    assert_eq!(
        value["message"],
        "Expected at least 1 request PATCH /clients/9 with ?page 2 and status 200, but 0 of 5 fit.\n\
         The nearest is number 5, PUT /clients/9:\n  method: expected \"PATCH\", found \"PUT\"\n  \
         query page: expected 2, found nothing\n  status: expected 200, found \"400\""
    );
}

#[test]
fn too_many_are_409_with_their_numbers() {
    let fake = asked();
    let (status, value) = verify(&fake, r#"{"method": "POST", "count": {"at_most": 2}}"#);
    assert_eq!(status, 409);
    assert_eq!(value["numbers"], json!([1, 2, 3]));
    assert_eq!(value["message"], "Expected at most 2 requests POST, but 3 of 5 fit.");
    assert_eq!(value.get("nearest"), None);
    let message =
        |count: &str| verify(&fake, &format!("{{\"method\": \"GET\", \"count\": {count}}}")).1["message"].clone();
    assert_eq!(message("0"), "Expected no request GET, but 1 of 5 fit.");
    assert!(message("2").as_str().unwrap().starts_with("Expected exactly 2 requests GET, but 1 of 5 fit.\n"));
    assert!(message(r#"{"at_least": 2, "at_most": 3}"#).as_str().unwrap().starts_with("Expected 2 to 3 requests GET"));
}

#[test]
fn an_empty_journal_has_nothing_near() {
    let fake = Fake::start();
    let (status, value) = verify(&fake, r#"{"method": "GET"}"#);
    assert_eq!((status, &value["message"]), (409, &"Expected at least 1 request GET, but 0 of 0 fit.".into()));
}

#[test]
fn malformed_expectations_say_where() {
    let fake = asked();
    for (body, at) in [
        (r#"{"verb": "GET"}"#, "verb"),
        (r#"{"method": "FETCH"}"#, "method"),
        (r#"{"path": ""}"#, "path"),
        (r#"{"body": "<client/>"}"#, "body"),
        (r#"{"body": {"name": ["A"]}}"#, "body.name"),
        (r#"{"body": {"name": "A", "name": "B"}}"#, "body"),
        (r#"{"count": -1}"#, "count"),
        (r#"{"count": "1"}"#, "count"),
        (r#"{"count": {}}"#, "count"),
        (r#"{"count": {"exactly": 1}}"#, "count.exactly"),
        (r#"{"count": {"at_least": 3, "at_most": 2}}"#, "count"),
        (r#"{"status": 70000}"#, "status"),
    ] {
        let (message, place) = fake.refused("POST", "journal/verify", body);
        assert_eq!(place, at, "{body}: {message}");
    }
}
