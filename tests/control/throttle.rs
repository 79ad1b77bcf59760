//! `throttle` and `/account/rate_limit_status`.

use std::time::{Duration, Instant};

use crate::fake::{Fake, request};
use crate::support::Running;

fn status(fake: &Fake) -> String {
    let answer = fake.ask("GET", "/account/rate_limit_status", "");
    assert_eq!(answer.status(), 200);
    answer.text().to_owned()
}

fn field(document: &str, name: &str) -> u64 {
    let rest = document.split_once(&format!("<{name} type=\"integer\">")).unwrap().1;
    rest.split_once('<').unwrap().0.parse().unwrap()
}

#[test]
fn the_status_is_the_apis_document_with_control_and_without() {
    let fake = Fake::deterministic();
    for _ in 0..41 {
        fake.ask("GET", "/clients", "");
    }
    let document = "<hash>\n  <last-access-at type=\"datetime\">2010-01-01T00:00:00+00:00</last-access-at>\n  \
                    <count type=\"integer\">41</count>\n  <timeframe-limit type=\"integer\">15</timeframe-limit>\n  \
                    <max-calls type=\"integer\">100</max-calls>\n  <lockout-seconds type=\"integer\">2</lockout-seconds>\n  \
                    <requests-available type=\"integer\">59</requests-available>\n</hash>\n";
    assert_eq!(status(&fake), document);
    assert_eq!(status(&fake), document, "asking for it does not count");

    let plain = Running::start();
    plain.ask("GET /clients HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = plain.ask("GET /account/rate_limit_status.xml HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((answer.status(), field(answer.text(), "count")), (200, 1));
    let answer = plain.ask("POST /account/rate_limit_status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((answer.status(), answer.header("Allow")), (405, Some("GET, HEAD")));
}

#[test]
fn it_is_off_until_it_is_switched_on() {
    let fake = Fake::deterministic();
    for _ in 0..150 {
        assert_eq!(fake.ask("GET", "/clients", "").status(), 200);
    }
    assert_eq!(fake.done("GET", "throttle", "")["calls"], 150);
    fake.done("PUT", "throttle", r#"{"on": true}"#);
    assert_eq!(fake.ask("GET", "/clients", "").status(), 503);
    fake.done("PUT", "throttle", r#"{"on": false}"#);
    assert_eq!(fake.ask("GET", "/clients", "").status(), 200);
}

#[test]
fn the_call_after_a_hundred_gets_503_and_each_further_one_extends_the_lockout() {
    let fake = Fake::deterministic();
    fake.done("PUT", "throttle", r#"{"on": true}"#);
    let advance = |seconds: u64| fake.done("PUT", "clock", &format!("{{\"advance_seconds\": {seconds}}}"));
    let left = || fake.done("GET", "throttle", "")["lockout_seconds"].as_u64().unwrap();
    for call in 0..100 {
        assert_eq!(fake.ask("GET", "/clients", "").status(), 200, "call {call}");
    }
    let refused = fake.ask("POST", "/clients", "<client><name>A</name></client>");
    assert_eq!((refused.status(), refused.header("Retry-After")), (503, Some("2")));
    assert_eq!(refused.text(), "<hash>\n  <message>Too many calls; wait 2 seconds without one.</message>\n</hash>\n");
    assert_eq!(fake.store.clients().list(&Default::default()).unwrap().count(), 0);
    assert_eq!(left(), 2);
    advance(1);
    assert_eq!(left(), 1);
    // One second too early: all of it again.
    assert_eq!(fake.ask("GET", "/clients", "").header("Retry-After"), Some("2"));
    advance(1);
    assert_eq!(fake.ask("GET", "/clients", "").status(), 503);
    advance(2);
    assert_eq!(left(), 0);
    assert_eq!(fake.ask("GET", "/clients", "").status(), 200);
    assert_eq!(field(&status(&fake), "count"), 1);
}

#[test]
fn a_call_too_many_is_refused_in_the_format_that_suffix_accept_or_body_ask_for() {
    let fake = Fake::deterministic();
    fake.done("PUT", "throttle", r#"{"on": true}"#);
    for _ in 0..100 {
        fake.ask("GET", "/clients", "");
    }
    let json = "{\"message\":\"Too many calls; wait 2 seconds without one.\"}\n";
    let xml = "<hash>\n  <message>Too many calls; wait 2 seconds without one.</message>\n</hash>\n";
    let body = r#"{"client":{"name":"A"}}"#;
    for (method, path, headers, body, expected) in [
        ("GET", "/clients.json", "", "", json),
        ("GET", "/clients/1", "Accept: application/json\r\n", "", json),
        ("POST", "/clients", "Content-Type: application/json\r\n", body, json),
        ("POST", "/clients", "", body, json),
        ("DELETE", "/nowhere.json", "", "", json),
        ("POST", "/clients", "Accept: text/xml\r\n", body, xml),
        ("GET", "/clients.xml", "Accept: application/json\r\n", "", xml),
    ] {
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        let answer = fake.running.ask(&request);
        assert_eq!((answer.status(), answer.text()), (503, expected), "{request}");
        assert_eq!(answer.header("Retry-After"), Some("2"), "{request}");
        let kind = if expected == json { "application/json; charset=utf-8" } else { "application/xml; charset=utf-8" };
        assert_eq!(answer.header("Content-Type"), Some(kind), "{request}");
        assert_eq!(answer.header("Status"), Some("503 Service Unavailable"), "{request}");
    }
    let standing = fake.running.ask("GET /account/rate_limit_status.json HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((standing.status(), standing.header("Content-Type")), (200, Some("application/json; charset=utf-8")));
}

#[test]
fn the_status_tells_the_limits_own_lockout_and_the_calls_that_are_left() {
    let fake = Fake::deterministic();
    fake.done("PUT", "throttle", r#"{"on": true}"#);
    let told = || {
        let document = status(&fake);
        (field(&document, "lockout-seconds"), field(&document, "requests-available"))
    };
    assert_eq!(told(), (2, 100));
    for _ in 0..100 {
        fake.ask("GET", "/clients", "");
    }
    assert_eq!(told(), (2, 0));
    assert_eq!(fake.ask("GET", "/clients", "").status(), 503);
    assert_eq!(told(), (2, 0), "locked out or not");
    fake.done("PUT", "throttle", r#"{"on": false}"#);
    for _ in 0..50 {
        fake.ask("GET", "/clients", "");
    }
    assert_eq!(told(), (2, 0), "never less than none");
}

#[test]
fn calls_older_than_fifteen_seconds_do_not_count() {
    let fake = Fake::deterministic();
    fake.done("PUT", "throttle", r#"{"on": true}"#);
    for call in 0..300 {
        if call % 90 == 0 {
            fake.done("PUT", "clock", r#"{"advance_seconds": 16}"#);
        }
        assert_eq!(fake.ask("GET", "/clients", "").status(), 200, "call {call}");
    }
}

#[test]
fn a_clock_that_stands_still_does_not_make_a_lockout_last() {
    let fake = Fake::start();
    fake.done("PUT", "clock", r#"{"now": "2012-01-01", "frozen": true}"#);
    fake.done("PUT", "throttle", r#"{"on": true}"#);
    let mut connection = fake.connect();
    let mut ask = || {
        connection.send(request("GET", "/clients", ""));
        connection.answer().status()
    };
    // However long the machine takes for them.
    assert!((0..100_000).any(|_| ask() == 503));
    let locked = || fake.done("GET", "throttle", "")["lockout_seconds"].as_u64().unwrap() > 0;
    let begun = Instant::now();
    while locked() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never ends");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(fake.done("GET", "clock", "")["now"], "2012-01-01T00:00:00Z");
    assert_eq!(fake.ask("GET", "/clients", "").status(), 200);
}

#[test]
fn malformed_settings_change_nothing() {
    let fake = Fake::start();
    for (body, at) in
        [("{}", ""), (r#"{"on": 1}"#, "on"), (r#"{"on": true, "max_calls": 5}"#, "max_calls"), ("true", "")]
    {
        assert_eq!(fake.refused("PUT", "throttle", body).1, at, "{body}");
    }
    assert_eq!(fake.done("GET", "throttle", "")["on"], false);
}
