//! `faults`: what a program sees of each.

use std::time::{Duration, Instant};

use clientstore::ClientStore;
use clientstore::NewClient;

use crate::fake::{Fake, request};
use crate::support::CLIENT;

fn with_one_client() -> Fake {
    let store = ClientStore::open_in_memory().unwrap();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    Fake::over(store)
}

fn rules(fake: &Fake, rules: &str) {
    fake.done("PUT", "faults", &format!("{{\"rules\": [{rules}]}}"));
}

#[test]
fn an_answer_takes_the_place_of_the_apis() {
    let fake = with_one_client();
    rules(
        &fake,
        r#"{"method": "POST", "answer": {"status": 503, "headers": {"Retry-After": "5", "X-Test": "a"},
            "body": "<hash/>"}},
           {"path": "/clients/1", "answer": {"status": 502, "headers": {"content-type": "text/html"}, "body": "Oops"}}"#,
    );
    let answer = fake.ask("POST", "/clients", "<client><name>A</name></client>");
    assert_eq!(answer.line, "HTTP/1.1 503 Service Unavailable");
    assert_eq!(answer.header("Status"), Some("503 Service Unavailable"));
    assert_eq!((answer.header("Retry-After"), answer.header("X-Test")), (Some("5"), Some("a")));
    assert_eq!(answer.header("Content-Type"), Some("application/xml; charset=utf-8"));
    assert_eq!(answer.text(), "<hash/>");
    assert_eq!(fake.store.clients().list(&Default::default()).unwrap().count(), 1, "the API never saw it");
    let answer = fake.ask("GET", "/clients/1.xml", "");
    assert_eq!((answer.status(), answer.header("Content-Type"), answer.text()), (502, Some("text/html"), "Oops"));
    assert_eq!(fake.ask("GET", "/clients", "").status(), 200);
}

#[test]
fn a_dropped_connection_says_nothing_before_the_api_or_after_it() {
    let fake = with_one_client();
    rules(
        &fake,
        r#"{"path": "/clients", "drop": "request", "nth": 1}, {"path": "/clients", "drop": "answer", "nth": 1}"#,
    );
    let new = request("POST", "/clients", "<client><name>A</name></client>");
    let count = || fake.store.clients().list(&Default::default()).unwrap().count();
    for clients in [1, 2] {
        let mut connection = fake.connect();
        connection.send(&new);
        connection.assert_closed();
        assert_eq!(count(), clients);
    }
    assert_eq!(fake.running.ask(&new).status(), 201);
    let entries = fake.done("GET", "journal", "")["entries"].clone();
    let told: Vec<_> = entries.as_array().unwrap().iter().map(|entry| (&entry["status"], &entry["fault"])).collect();
    let (null, drop) = (&serde_json::Value::Null, &"drop".into());
    assert_eq!(told, [(null, drop), (null, drop), (&201.into(), null)]);
}

#[test]
fn a_cut_answer_ends_in_its_body() {
    let fake = with_one_client();
    for cut in [0, 1, 20, CLIENT.len() - 1] {
        rules(&fake, &format!("{{\"path\": \"/clients/*\", \"cut\": {cut}}}"));
        let mut connection = fake.connect();
        connection.send(request("GET", "/clients/1", ""));
        let head = connection.head();
        assert_eq!((head.status(), head.header("Content-Length")), (200, Some(&*CLIENT.len().to_string())));
        assert_eq!(String::from_utf8(connection.rest()).unwrap(), CLIENT[..cut]);
    }
    for whole in [CLIENT.len(), 1_000_000] {
        rules(&fake, &format!("{{\"cut\": {whole}}}"));
        assert_eq!(fake.ask("GET", "/clients/1", "").text(), CLIENT);
    }
    rules(&fake, r#"{"cut": 0}"#);
    assert_eq!(fake.ask("DELETE", "/clients/1", "").status(), 200, "there is nothing to cut");
}

#[test]
fn a_streamed_list_is_cut_where_it_was_told_to() {
    let fake = Fake::start();
    let client = format!("<client><name>A</name><details>{}</details></client>", "x".repeat(500));
    fake.done("POST", "seed", &format!("<clients>{}</clients>", client.repeat(2000)));
    let whole = fake.ask("GET", "/clients", "").body;
    for cut in [10, 100_000, 500_000] {
        // Of a part of the list, though all are in it: a whole one has a length.
        rules(&fake, &format!("{{\"cut\": {cut}}}"));
        let mut connection = fake.connect();
        connection.send(request("GET", "/clients?updated_since=2001-01-01", ""));
        assert_eq!(connection.head().header("Transfer-Encoding"), Some("chunked"));
        let mut body = Vec::new();
        let mut rest = connection.rest();
        while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
            let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
            assert_ne!(size, 0, "the end of the list is not told");
            body.extend_from_slice(&rest[end + 2..end + 2 + size]);
            rest.drain(..end + 2 + size + 2);
        }
        assert!(rest.is_empty());
        assert!(body == whole[..cut], "{cut}: {}", body.len());
    }
}

#[test]
fn a_delay_comes_before_whatever_else() {
    let fake = with_one_client();
    rules(&fake, r#"{"method": "GET", "delay_ms": 150}, {"delay_ms": 150, "answer": {"status": 500}}"#);
    let begun = Instant::now();
    assert_eq!(fake.ask("GET", "/clients/1", "").text(), CLIENT);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    let begun = Instant::now();
    assert_eq!(fake.ask("DELETE", "/clients/1", "").status(), 500);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    let entries = fake.done("GET", "journal", "")["entries"].clone();
    assert_eq!((&entries[0]["fault"], &entries[1]["fault"]), (&"delay".into(), &"answer".into()));
    assert!(entries[0]["duration_ms"].as_f64().unwrap() >= 150.0);
}

#[test]
fn a_long_delay_holds_up_nobody_else_and_no_stop() {
    let mut fake = with_one_client();
    rules(&fake, r#"{"path": "/projects", "delay_ms": 600000}"#);
    let mut slow = fake.connect();
    slow.send(request("GET", "/projects", ""));
    for _ in 0..20 {
        assert_eq!(fake.ask("GET", "/clients/1", "").status(), 200);
    }
    assert!(fake.running.stop() < crate::support::PATIENCE);
}

#[test]
fn a_rule_fires_for_the_requests_it_names() {
    let statuses = |rule: &str, requests: usize| -> Vec<u16> {
        let fake = with_one_client();
        rules(&fake, &format!("{{\"path\": \"/clients/1\", \"answer\": {{\"status\": 500}}{rule}}}"));
        fake.ask("GET", "/clients", "");
        (0..requests).map(|_| fake.ask("GET", "/clients/1", "").status()).collect()
    };
    assert_eq!(statuses("", 3), [500, 500, 500]);
    assert_eq!(statuses(r#", "nth": 2"#, 4), [200, 500, 200, 200]);
    assert_eq!(statuses(r#", "times": 2"#, 4), [500, 500, 200, 200]);
    assert_eq!(statuses(r#", "nth": 2, "times": 2"#, 4), [200, 500, 500, 200]);
    assert_eq!(statuses(r#", "probability": 0"#, 3), [200, 200, 200]);
    assert_eq!(statuses(r#", "probability": 1"#, 3), [500, 500, 500]);
    let drawn = statuses(r#", "probability": 0.5"#, 60);
    assert_eq!(drawn, statuses(r#", "probability": 0.5, "seed": 0"#, 60), "every run draws the same");
    assert_ne!(drawn, statuses(r#", "probability": 0.5, "seed": 1"#, 60));
    let fired = drawn.iter().filter(|status| **status == 500).count();
    assert!((15..45).contains(&fired), "{fired}");
}

#[test]
fn the_first_rule_that_fires_counts_and_is_counted() {
    let fake = with_one_client();
    rules(
        &fake,
        r#"{"method": "GET", "nth": 2, "answer": {"status": 501}}, {"path": "/**", "answer": {"status": 502}}"#,
    );
    let statuses: Vec<u16> = (0..3).map(|_| fake.ask("GET", "/clients", "").status()).collect();
    assert_eq!(statuses, [502, 501, 502]);
    let shown = fake.done("GET", "faults", "");
    let counts: Vec<_> = (0..2).map(|at| (&shown["rules"][at]["matched"], &shown["rules"][at]["fired"])).collect();
    assert_eq!(counts, [(&3.into(), &1.into()), (&2.into(), &2.into())]);
    assert_eq!(fake.done("DELETE", "faults", ""), serde_json::json!({"rules": []}));
    assert_eq!(fake.ask("GET", "/clients", "").status(), 200);
}

#[test]
fn malformed_rules_say_where_and_change_nothing() {
    let fake = with_one_client();
    rules(&fake, r#"{"answer": {"status": 500}}"#);
    for (rule, at) in [
        ("{}", "rules[0]"),
        (r#"{"path": "/clients"}"#, "rules[0]"),
        (r#"{"drop": "request"}, {"delay_ms": -1}"#, "rules[1].delay_ms"),
        (r#"{"delay_ms": 600001}"#, "rules[0].delay_ms"),
        (r#"{"drop": "connection"}"#, "rules[0].drop"),
        (r#"{"drop": "answer", "cut": 5}"#, "rules[0].drop"),
        (r#"{"cut": "5"}"#, "rules[0].cut"),
        (r#"{"cut": 5, "nth": 0}"#, "rules[0].nth"),
        (r#"{"cut": 5, "times": 0}"#, "rules[0].times"),
        (r#"{"cut": 5, "probability": 1.5}"#, "rules[0].probability"),
        (r#"{"cut": 5, "seed": 1}"#, "rules[0].seed"),
        (r#"{"cut": 5, "path": "clients"}"#, "rules[0].path"),
        (r#"{"cut": 5, "method": "get"}"#, "rules[0].method"),
        (r#"{"cut": 5, "url": "/"}"#, "rules[0].url"),
        (r#"{"answer": {}}"#, "rules[0].answer"),
        (r#"{"answer": {"status": 199}}"#, "rules[0].answer.status"),
        (r#"{"answer": {"status": 600}}"#, "rules[0].answer.status"),
        (r#"{"answer": {"status": 204, "body": "x"}}"#, "rules[0].answer.body"),
        (r#"{"answer": {"status": 200, "headers": {"a b": "c"}}}"#, "rules[0].answer.headers"),
        (r#"{"answer": {"status": 200, "headers": {"A": "b\nc"}}}"#, "rules[0].answer.headers.A"),
        (r#"{"answer": {"status": 200, "headers": {"A": "b", "A": "c"}}}"#, "rules[0].answer.headers"),
        (r#"{"answer": {"status": 200, "headers": {"content-length": "5"}}}"#, "rules[0].answer.headers"),
    ] {
        let (message, place) = fake.refused("PUT", "faults", &format!("{{\"rules\": [{rule}]}}"));
        assert_eq!(place, at, "{rule}: {message}");
    }
    let headers: Vec<String> = (0..90_000).map(|n| format!("\"h{n}\":\"\"")).collect();
    let many = format!("{{\"rules\": [{{\"answer\": {{\"status\": 200, \"headers\": {{{}}}}}}}]}}", headers.join(","));
    let many = &many[..many.len().min(1024 * 1024)];
    assert_eq!(fake.refused("PUT", "faults", many).0, "the object has more than 100 keys");
    let rules = vec!["{\"cut\":1}"; 101].join(",");
    let (message, at) = fake.refused("PUT", "faults", &format!("{{\"rules\":[{rules}]}}"));
    assert_eq!((&*message, &*at), ("the array has more than 100 values", "rules"));
    for body in ["{}", "[]", r#"{"rules": {}}"#, r#"{"rules": []"#] {
        fake.refused("PUT", "faults", body);
    }
    assert_eq!(fake.ask("GET", "/clients", "").status(), 500, "the rule from before still stands");
}
