//! `journal`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fake::{Fake, request};
use crate::support::at_some_pace;

fn numbers(fake: &Fake, query: &str) -> Vec<u64> {
    let listing = fake.done("GET", &format!("journal{query}"), "");
    listing["entries"].as_array().unwrap().iter().map(|entry| entry["number"].as_u64().unwrap()).collect()
}

#[test]
fn an_entry_tells_the_request_and_its_answer() {
    let fake = Fake::deterministic();
    let body = "<client><name>Zoë</name></client>";
    let head =
        "POST /clients.xml?a=1&b HTTP/1.1\r\nHost: localhost\r\nX-One: 1\r\nContent-Type: text/xml\r\nX-One: 2\r\n";
    fake.running.ask(&format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
    assert_eq!(
        fake.done("GET", "journal", ""),
        json!({
            "entries": [{
                "number": 1,
                "time": "2010-01-01T00:00:00.000Z",
                "method": "POST",
                "path": "/clients.xml",
                "query": "a=1&b",
                "headers": {"content-length": "34", "content-type": "text/xml", "host": "localhost", "x-one": "1, 2"},
                "body": body,
                "body_bytes": 34,
                "route": "/clients",
                "status": 201,
                "fault": null,
                "duration_ms": 0.0,
            }],
            "last": 1,
            "dropped": 0,
            "cleared": 0,
        })
    );
}

#[test]
fn every_answer_is_in_it_also_the_refusals() {
    let fake = Fake::start();
    fake.running.ask("GET /clients HTTP/1.1\r\nHost: example.com\r\n\r\n");
    fake.ask("GET", "/nothing", "");
    fake.ask("PATCH", "/clients", "");
    fake.running.ask(&format!("POST /clients HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: {}\r\n\r\n", 1 << 30));
    fake.ask("POST", "/clients", "<client><name></name></client>");
    let listing = fake.done("GET", "journal", "");
    let told: Vec<_> = listing["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["status"].as_u64().unwrap(), entry["route"].as_str()))
        .collect();
    let clients = Some("/clients");
    assert_eq!(told, [(403, clients), (404, None), (405, None), (413, clients), (400, clients)]);
}

#[test]
fn routes_name_what_a_path_led_to() {
    let fake = Fake::start();
    for (method, path, route) in [
        ("GET", "/clients/", "/clients"),
        ("GET", "/clients/5.xml", "/clients/{id}"),
        ("POST", "/clients/5/toggle", "/clients/{id}/toggle"),
        ("PUT", "/projects/5/toggle.xml", "/projects/{id}/toggle"),
        ("GET", "/invoices/5/payments/6", "/invoices/{invoice_id}/payments/{id}"),
        ("POST", "/invoices/5/messages", "/invoices/{invoice_id}/messages"),
        ("POST", "/invoices/5/messages/mark_as_sent", "/invoices/{id}/messages/mark_as_sent"),
        ("GET", "/account/who_am_i", "/account/who_am_i"),
        ("GET", "/account/rate_limit_status", "/account/rate_limit_status"),
    ] {
        fake.ask(method, path, "");
        let entries = fake.done("GET", "journal?limit=1", "")["entries"].clone();
        assert_eq!(entries[0]["route"], route, "{method} {path}");
    }
}

#[test]
fn bodies_are_kept_to_a_limit_and_as_base64_where_they_are_no_text() {
    let fake = Fake::start();
    let long = "é".repeat(200_000);
    fake.ask("POST", "/clients", &format!("x{long}"));
    let mut connection = fake.connect();
    connection.send(b"POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n\xff\xfe");
    connection.answer();
    let entries = fake.done("GET", "journal", "")["entries"].clone();
    // The limit falls into a character.
    assert_eq!(entries[0]["body"].as_str().unwrap().len(), 256 * 1024 - 1);
    assert_eq!(entries[0]["body_bytes"], 400_001);
    assert_eq!((&entries[1]["body"], &entries[1]["body_base64"]), (&Value::Null, &"//4=".into()));
}

#[test]
fn the_query_narrows_it_down() {
    let fake = Fake::start();
    fake.create("One");
    fake.ask("GET", "/clients/1", "");
    fake.ask("GET", "/clients/2", "");
    fake.ask("GET", "/clients.xml", "");
    fake.ask("PUT", "/clients/1/toggle", "");
    for (query, expected) in [
        ("", &[1, 2, 3, 4, 5][..]),
        ("?method=GET", &[2, 3, 4]),
        ("?path=/clients", &[1, 4]),
        ("?path=/clients/*", &[2, 3]),
        ("?path=/clients/**", &[2, 3, 5]),
        ("?path=%2Fclients%2F%2A", &[2, 3]),
        ("?status=404", &[3]),
        ("?after=3", &[4, 5]),
        ("?limit=2", &[4, 5]),
        ("?limit=0", &[]),
        ("?after=1&limit=1&method=GET", &[4]),
        ("?after=5", &[]),
    ] {
        assert_eq!(numbers(&fake, query), expected, "{query}");
    }
    for (query, at) in [
        ("?method=get", "method"),
        ("?path=clients", "path"),
        ("?status=ok", "status"),
        ("?status=99", "status"),
        ("?after=-1", "after"),
        ("?limit=all", "limit"),
        ("?wait=61", "wait"),
        ("?since=5", "since"),
        ("?after=1&after=2", "after"),
    ] {
        assert_eq!(fake.refused("GET", &format!("journal{query}"), "").1, at);
    }
}

#[test]
fn a_wait_ends_with_the_next_entry_that_fits() {
    let fake = Fake::start();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| (numbers(&fake, "?wait=60&method=POST"), Instant::now()));
        std::thread::sleep(Duration::from_millis(100));
        fake.ask("GET", "/clients", "");
        std::thread::sleep(Duration::from_millis(100));
        let before = Instant::now();
        fake.create("One");
        let (numbers, at) = waiting.join().unwrap();
        assert_eq!(numbers, [2]);
        assert!(at >= before);
    });
    assert_eq!(numbers(&fake, "?wait=60"), [1, 2], "where there are some, nobody waits");
    let begun = Instant::now();
    assert!(numbers(&fake, "?wait=1&after=2").is_empty());
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_wait_ends_where_the_journal_is_cleared_or_the_server_stops() {
    let fake = Fake::start();
    fake.create("One");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| fake.done("GET", "journal?wait=60&after=1", ""));
        std::thread::sleep(Duration::from_millis(100));
        fake.done("POST", "reset", "");
        assert_eq!(waiting.join().unwrap()["cleared"], 1);
    });
    assert_eq!(fake.done("GET", "journal?wait=60&after=1", "")["last"], 0, "it was cleared in between");
    // It is a wait once the server has read it.
    at_some_pace(|pace| {
        let mut fake = Fake::start();
        let mut connection = fake.connect();
        connection.send(request("GET", "/_clientstore/journal?wait=60", ""));
        std::thread::sleep(pace);
        let stopped = fake.running.stop();
        stopped < Duration::from_secs(50) && connection.is_answered() && connection.answer().status() == 200
    });
}

#[test]
fn what_was_begun_before_it_was_cleared_is_not_in_it() {
    at_some_pace(|pace| {
        let fake = Fake::start();
        let delay = (pace * 3).as_millis();
        fake.done("PUT", "faults", &format!(r#"{{"rules": [{{"path": "/clients", "delay_ms": {delay}}}]}}"#));
        std::thread::scope(|scope| {
            let slow = scope.spawn(|| fake.ask("GET", "/clients", "").status());
            // It has begun by then.
            std::thread::sleep(pace);
            let cleared = fake.done("DELETE", "journal", "");
            assert_eq!((&cleared["entries"], &cleared["cleared"]), (&json!([]), &1.into()));
            assert_eq!(slow.join().unwrap(), 200);
        });
        let is_empty = numbers(&fake, "").is_empty();
        fake.ask("GET", "/projects", "");
        is_empty && numbers(&fake, "") == [1]
    });
}

#[test]
fn the_oldest_entries_go_where_there_are_too_many() {
    let fake = Fake::start();
    let mut connection = fake.connect();
    let request = request("GET", "/clients/1", "");
    for _ in 0..101 {
        connection.send(request.repeat(100));
        for _ in 0..100 {
            connection.answer();
        }
    }
    let listing = fake.done("GET", "journal?limit=1", "");
    assert_eq!((&listing["last"], &listing["dropped"]), (&10_100.into(), &100.into()));
    assert_eq!(fake.done("GET", "state", "")["journal"]["entries"], 10_000);
    // And where they are too large.
    fake.done("DELETE", "journal", "");
    let body = "x".repeat(256 * 1024);
    for _ in 0..130 {
        fake.ask("POST", "/clients", &body);
    }
    let listing = fake.done("GET", "journal?limit=0", "");
    assert_eq!(listing["last"], 130);
    assert!(listing["dropped"].as_u64().unwrap() > 1, "{listing}");
}

#[test]
fn a_list_that_is_sent_piece_by_piece_is_an_entry_once_it_is_sent() {
    let fake = Fake::start();
    let client = format!("<client><name>A</name><details>{}</details></client>", "x".repeat(500));
    fake.done("POST", "seed", &format!("<clients>{}</clients>", client.repeat(2000)));
    fake.ask("GET", "/clients", "");
    assert_eq!(numbers(&fake, "?status=200"), [1]);
}

#[test]
fn no_secret_of_a_request_is_in_it() {
    let api = clientstore::Api::new(clientstore::ClientStore::open_in_memory().unwrap()).auth("me", "hunter2");
    let server = clientstore::server::Server::new(api).control(clientstore::control::Control::new());
    let server = crate::support::Running::of(server);
    // me:hunter2, then me:hunter3
    for (authorization, status) in [("Basic bWU6aHVudGVyMg==", 200), ("Basic bWU6aHVudGVyMw==", 401)] {
        let head = format!(
            "GET /clients?access_token=hunter2 HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\
             Proxy-Authorization: Bearer hunter2\r\nCookie: session=hunter2\r\nX-Api-Key: hunter2\r\n\
             Content-Length: 38\r\n\r\n<user><password>hunter2</password></x>"
        );
        assert_eq!(server.ask(&head).status(), status);
    }
    let mut request = request("GET", "/_clientstore/journal", "");
    request.insert_str(request.len() - 2, "Authorization: Basic bWU6aHVudGVyMg==\r\n");
    let answer = server.ask(&request);
    let text = answer.text();
    for secret in ["hunter2", "hunter3", "bWU6"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    for kept in
        ["user \\\"me\\\", password right", "user \\\"me\\\", password wrong", "access_token=***", "session=***"]
    {
        assert!(text.contains(kept), "{kept}: {text}");
    }
}

#[test]
fn a_long_journal_is_sent_piece_by_piece() {
    let fake = Fake::start();
    for _ in 0..4 {
        fake.ask("POST", "/clients", &"\u{1}".repeat(262_144));
    }
    let answer = fake.ask("GET", "/_clientstore/journal", "");
    assert_eq!(answer.header("Transfer-Encoding"), Some("chunked"));
    let listing: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(listing["entries"].as_array().unwrap().len(), 4);
    assert_eq!(listing["entries"][3]["body"].as_str().unwrap().len(), 262_144);
}

#[test]
fn patterns_that_take_long_to_compare_are_refused_and_others_take_no_time() {
    let fake = Fake::start();
    let path = format!("/{}", "a".repeat(30_000));
    for _ in 0..100 {
        fake.ask("GET", &path, "");
    }
    let (message, at) = fake.refused("GET", &format!("journal?path=/*{}b", "a".repeat(15_000)), "");
    assert_eq!((&*message, &*at), ("the pattern is longer than 200 bytes", "path"));
    assert!(numbers(&fake, &format!("?path=/*{}b", "a".repeat(150))).is_empty());
    assert_eq!(numbers(&fake, "?path=/*").len(), 100);
}
