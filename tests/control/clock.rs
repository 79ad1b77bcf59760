//! `clock`, and determinism.

use std::thread::sleep;
use std::time::Duration;

use clientstore::{ClientStore, NewInvoice};

use crate::fake::{Fake, request};

#[test]
fn every_timestamp_default_date_and_the_date_header_follow() {
    let fake = Fake::start();
    fake.done("PUT", "clock", r#"{"now": "2012-02-28T23:59:58Z", "frozen": true}"#);
    fake.create("One");
    assert_eq!(fake.store.clients().get(1).unwrap().created_at.to_string(), "2012-02-28 23:59:58 UTC");
    let moved = fake.done("PUT", "clock", r#"{"advance_seconds": 2}"#);
    assert_eq!(moved, serde_json::json!({"now": "2012-02-29T00:00:00Z", "frozen": true}));
    fake.ask("POST", "/clients/1/toggle", "");
    fake.ask("POST", "/clients/1/toggle", "");
    assert_eq!(fake.store.clients().get(1).unwrap().updated_at.to_string(), "2012-02-29 00:00:00 UTC");
    let id = fake.store.invoices().create(&NewInvoice::of(1)).unwrap();
    assert_eq!(fake.store.invoices().get(id).unwrap().issued_at.to_string(), "2012-02-29");
    let answer = fake.ask("GET", "/clients/1", "");
    assert_eq!(answer.header("Date"), Some("Wed, 29 Feb 2012 00:00:00 GMT"));
    let entry = &fake.done("GET", "journal?method=GET", "")["entries"][0];
    assert_eq!(entry["time"].as_str().unwrap().split('.').next(), Some("2012-02-29T00:00:00"));
}

#[test]
fn a_set_clock_goes_on_and_a_frozen_one_stands() {
    let fake = Fake::start();
    assert_eq!(fake.done("GET", "clock", "")["frozen"], false);
    fake.done("PUT", "clock", r#"{"now": "2030-06-01T12:00:00Z"}"#);
    sleep(Duration::from_millis(1100));
    let later = fake.done("GET", "clock", "");
    let later = later["now"].as_str().unwrap();
    assert!(("2030-06-01T12:00:01Z".."2030-06-01T12:30:00Z").contains(&later), "{later}");
    let frozen = fake.done("PUT", "clock", r#"{"frozen": true}"#);
    sleep(Duration::from_millis(1100));
    assert_eq!(fake.done("GET", "clock", ""), frozen);
    fake.done("PUT", "clock", r#"{"frozen": false}"#);
    sleep(Duration::from_millis(1100));
    assert_ne!(fake.done("GET", "clock", "")["now"], frozen["now"]);
    let real = fake.done("DELETE", "clock", "");
    let year = real_year();
    assert!(real["now"].as_str().unwrap().starts_with(&year), "{real}");
}

/// The year of a store that nobody has set.
fn real_year() -> String {
    Fake::start().done("GET", "clock", "")["now"].as_str().unwrap()[..4].to_owned()
}

#[test]
fn malformed_settings_say_why_and_change_nothing() {
    let fake = Fake::deterministic();
    for (body, at) in [
        ("", ""),
        ("{}", ""),
        (r#"{"now": "yesterday"}"#, "now"),
        (r#"{"now": 5}"#, "now"),
        (r#"{"now": "9999-12-31"}"#, "now"),
        (r#"{"frozen": "yes"}"#, "frozen"),
        (r#"{"frozen": true, "advance": 5}"#, "advance"),
        (r#"{"advance_seconds": 1.5}"#, "advance_seconds"),
        (r#"{"advance_seconds": 9223372036854775807}"#, "advance_seconds"),
        (r#"{"advance_seconds": 300000000000}"#, "advance_seconds"),
        (r#"{"now": "2020-01-01", "advance_seconds": -99999999999}"#, "advance_seconds"),
        ("null", ""),
        ("nonsense", ""),
    ] {
        assert_eq!(fake.refused("PUT", "clock", body).1, at, "{body}");
    }
    assert_eq!(fake.done("GET", "clock", "")["now"], "2010-01-01T00:00:00Z");
}

#[test]
fn two_runs_of_the_same_requests_give_the_same_bytes() {
    let mut requests = Vec::new();
    let mut add = |method: &str, path: &str, body: &str| requests.push(request(method, path, body));
    add("PUT", "/_clientstore/throttle", r#"{"on": true}"#);
    add("POST", "/clients", "<client><name>One</name></client>");
    add("POST", "/invoices", "<invoice><client-id>1</client-id></invoice>");
    add("GET", "/invoices/1", "");
    add("POST", "/invoices", "<invoice><client-id>1</client-id></invoice>");
    add("GET", "/invoices", "");
    add("GET", "/account/rate_limit_status", "");
    add("PUT", "/_clientstore/clock", r#"{"advance_seconds": 3600}"#);
    add(
        "POST",
        "/invoices/1/messages",
        "<invoice-message><body>Hello</body><recipients>a@b.c</recipients></invoice-message>",
    );
    add("GET", "/invoices/1/messages", "");
    add("PUT", "/_clientstore/faults", r#"{"rules": [{"probability": 0.5, "answer": {"status": 500}}]}"#);
    for _ in 0..260 {
        add("GET", "/clients/1", "");
    }
    add("GET", "/nothing", "");
    add("GET", "/_clientstore/journal", "");
    add("GET", "/_clientstore/state", "");
    let run = |seed: u64| {
        let fake = Fake::over(ClientStore::builder().deterministic(seed).open_in_memory().unwrap());
        let mut connection = fake.connect();
        let mut bytes = String::new();
        for request in &requests {
            connection.send(request);
            let answer = connection.answer();
            bytes.push_str(&format!("{}\n{:?}\n{}\n", answer.line, answer.headers, answer.text()));
        }
        bytes
    };
    let first = run(7);
    sleep(Duration::from_millis(1100));
    let second = run(7);
    let differing = first.lines().zip(second.lines()).find(|(one, other)| one != other);
    assert_eq!(differing, None);
    assert_eq!(first, second);
    assert!(first.contains("503 Service Unavailable") && first.contains("500 Internal Server Error"));
    assert_ne!(run(8), first, "the keys follow from the seed");
}

#[test]
fn timers_stand_with_a_frozen_clock_and_count_what_it_leaps_over() {
    let fake = Fake::start();
    fake.done("PUT", "clock", r#"{"now": "2012-02-28T23:00:00Z", "frozen": true}"#);
    fake.create("One");
    fake.ask("POST", "/projects", "<project><client-id>1</client-id><name>x</name></project>");
    fake.ask("POST", "/projects/1/task_assignments", "<task><id>1</id></task>");
    let hours = |method: &str, path: &str, body: &str| {
        let answer = fake.ask(method, path, body);
        let body = String::from_utf8(answer.body).unwrap();
        let rest = body.split_once("<hours type=\"float\">").unwrap_or_else(|| panic!("{body}")).1;
        rest.split_once('<').unwrap().0.to_owned()
    };
    let start = "<request><project_id>1</project_id><task_id>1</task_id></request>";
    assert_eq!(hours("POST", "/daily/add", start), "0.0");
    sleep(Duration::from_millis(1100));
    assert_eq!(hours("GET", "/daily/show/1", ""), "0.0");
    fake.done("PUT", "clock", r#"{"advance_seconds": 5400}"#);
    assert_eq!(hours("GET", "/daily/show/1", ""), "1.5");
    assert_eq!(hours("GET", "/daily/timer/1", ""), "1.5");
    fake.done("PUT", "clock", r#"{"advance_seconds": 5400}"#);
    assert_eq!(hours("GET", "/daily/show/1", ""), "1.5", "a timer that was stopped");
}
