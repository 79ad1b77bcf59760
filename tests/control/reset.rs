//! `state`, `seed`, `reset` and `snapshots`.

use std::time::Instant;

use clientstore::{ClientStore, NewClient, NewInvoice};

use crate::fake::Fake;

fn invoice(fake: &Fake) -> String {
    let id = fake.store.invoices().create(&NewInvoice::of(1)).unwrap();
    fake.store.invoices().get(id).unwrap().client_key
}

#[test]
fn a_reset_to_a_snapshot_brings_back_every_byte_and_the_ids_that_come_next() {
    let fake = Fake::deterministic();
    fake.create("One");
    fake.create("Two");
    fake.ask("DELETE", "/clients/2", "");
    invoice(&fake);
    assert_eq!(fake.control("POST", "snapshots/base", "").0, 201);
    let before = fake.dump();
    let then = invoice(&fake);
    fake.done("PUT", "clock", r#"{"advance_seconds": 86400}"#);
    fake.create("Three");
    fake.ask("DELETE", "/clients/3", "");
    assert_ne!(fake.dump(), before);

    let state = fake.done("POST", "reset", r#"{"snapshot": "base"}"#);
    assert_eq!(fake.dump(), before);
    assert_eq!(state["next_ids"]["clients"], 3);
    assert_eq!(state["records"]["clients"], 1);
    assert_eq!(state["clock"]["now"], "2010-01-01T00:00:00Z");
    assert_eq!(fake.ask("POST", "/clients", "<client><name>X</name></client>").header("Location"), Some("/clients/3"));
    assert_eq!(invoice(&fake), then, "the keys go on as they did");
}

#[test]
fn a_reset_without_a_snapshot_brings_back_the_start() {
    let new = Fake::deterministic();
    let before = new.dump();
    new.create("One");
    let key = invoice(&new);
    new.done("POST", "reset", "{}");
    assert_eq!(new.dump(), before);
    new.create("One");
    assert_eq!(invoice(&new), key);

    let store = ClientStore::open_in_memory().unwrap();
    store.clients().create(&NewClient::named("Seeded")).unwrap();
    let seeded = Fake::over(store);
    let before = seeded.dump();
    seeded.create("Two");
    seeded.done("POST", "reset", "");
    assert_eq!(seeded.dump(), before);
}

#[test]
fn a_reset_clears_the_journal_and_the_faults_and_sets_throttle_and_clock_back() {
    let fake = Fake::deterministic();
    fake.done("PUT", "throttle", r#"{"on": true}"#);
    for _ in 0..101 {
        fake.ask("GET", "/clients/1", "");
    }
    assert_eq!(fake.ask("GET", "/clients", "").status(), 503);
    fake.done("PUT", "faults", r#"{"rules": [{"drop": "request"}]}"#);
    fake.done("PUT", "clock", r#"{"now": "2020-01-01", "frozen": false}"#);
    let state = fake.done("POST", "reset", "{}");
    assert_eq!(state["journal"], serde_json::json!({"entries": 0, "last": 0, "dropped": 0, "cleared": 1}));
    assert_eq!(state["faults"], 0);
    assert_eq!(state["clock"], serde_json::json!({"now": "2010-01-01T00:00:00Z", "frozen": true}));
    assert_eq!(
        (&state["throttle"]["on"], &state["throttle"]["calls"]),
        (&false.into(), &0.into()),
        "as it was at the start"
    );
    assert_eq!(fake.ask("GET", "/clients", "").status(), 200);
    assert_eq!(fake.done("GET", "journal", "")["entries"][0]["number"], 1);
}

#[test]
fn a_snapshot_of_a_taken_name_replaces_it() {
    let fake = Fake::start();
    assert_eq!(fake.control("POST", "snapshots/a", "{}").0, 201);
    fake.create("One");
    assert_eq!(fake.control("POST", "snapshots/a", "").0, 200);
    fake.create("Two");
    assert_eq!(fake.done("POST", "reset", r#"{"snapshot": "a"}"#)["records"]["clients"], 1);
    // It is not used up.
    fake.create("Three");
    assert_eq!(fake.done("POST", "reset", r#"{"snapshot": "a"}"#)["records"]["clients"], 1);
    fake.done("POST", "snapshots/b", "");
    let names: Vec<String> = fake.done("GET", "snapshots", "")["snapshots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|snapshot| snapshot["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn the_101st_snapshot_is_refused_unless_it_replaces_one() {
    let fake = Fake::start();
    for number in 1..=100 {
        assert_eq!(fake.control("POST", &format!("snapshots/{number}"), "").0, 201);
    }
    let (status, body) = fake.control("POST", "snapshots/101", "");
    assert_eq!(status, 409, "{body}");
    let hint = "Take it under the name of one that is no longer needed, which it replaces";
    assert_eq!(body["hint"], hint);
    assert!(body["message"].as_str().unwrap().starts_with("Snapshots are full: 101 would take "), "{body}");
    assert_eq!(fake.control("POST", "snapshots/50", "").0, 200);
    assert_eq!(fake.done("GET", "snapshots", "")["snapshots"].as_array().unwrap().len(), 100);
}

#[test]
fn malformed_resets_and_snapshots_say_why_and_change_nothing() {
    let fake = Fake::start();
    fake.create("One");
    let before = fake.dump();
    for (body, message, at) in [
        (r#"{"snapshot": "nowhere"}"#, "There is no snapshot \"nowhere\"", "snapshot"),
        (r#"{"snapshots": "a"}"#, "there is no key \"snapshots\"; there are: \"snapshot\"", "snapshots"),
        (r#"{"snapshot": 5}"#, "expected a string, not 5", "snapshot"),
        (r#"{"snapshot": "a", "snapshot": "b"}"#, "the key \"snapshot\" is there twice at line 1 column 28", ""),
        ("[]", "", ""),
        ("{", "EOF while parsing an object at line 1 column 1", ""),
        ("{} x", "trailing characters at line 1 column 4", ""),
    ] {
        let (told, place) = fake.refused("POST", "reset", body);
        if !message.is_empty() {
            assert_eq!((told.as_str(), place.as_str()), (message, at), "{body}");
        }
    }
    for name in ["snapshots/a%20b", "snapshots/..%2F", &format!("snapshots/{}", "a".repeat(101))] {
        assert!(fake.refused("POST", name, "").0.ends_with("is no name for a snapshot"), "{name}");
    }
    fake.refused("POST", "snapshots/a", r#"{"name": "b"}"#);
    assert_eq!(fake.done("GET", "snapshots", "")["snapshots"], serde_json::json!([]));
    assert_eq!(fake.dump(), before);
    assert_eq!(fake.done("GET", "journal", "")["last"], 1);
}

#[test]
fn a_store_in_a_file_is_not_reset() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::over(ClientStore::open(folder.path().join("books.db")).unwrap());
    fake.create("Precious");
    assert_eq!(fake.control("POST", "reset", "{}").0, 409);
    assert_eq!(fake.control("POST", "snapshots/a", "").0, 409);
    let state = fake.done("GET", "state", "");
    assert_eq!((&state["resettable"], &state["records"]["clients"]), (&false.into(), &1.into()));
    assert_eq!(fake.done("GET", "journal", "")["last"], 1, "nothing was cleared either");
}

#[test]
fn seed_takes_lists_records_and_dumps_in_either_dialect() {
    let fake = Fake::start();
    let list = "<clients type=\"array\"><client><id type=\"integer\">7</id><name>A</name></client></clients>";
    assert_eq!(fake.done("POST", "seed", list)["records"], 1);
    let record = "<project><name>P</name><client_id>7</client_id></project>";
    assert_eq!(fake.done("POST", "seed", record)["records"], 1);
    assert_eq!(fake.done("POST", "seed", "<clients></clients>")["records"], 0);
    assert_eq!(fake.store.projects().get(1).unwrap().client_id, 7);
    let dump = fake.dump();
    let copy = Fake::start();
    assert_eq!(copy.done("POST", "seed", &dump)["records"], 13);
    assert_eq!(copy.dump(), dump);
}

#[test]
fn seed_takes_the_same_in_json() {
    let fake = Fake::start();
    let list = r#"[{"client":{"id":7,"name":"A"}},{"client":{"name":"B"}}]"#;
    assert_eq!(fake.done("POST", "seed", list)["records"], 2);
    let record = "\n{\"project\":{\"name\":\"P\",\"client_id\":7,\"budget\":0.1}}";
    assert_eq!(fake.done("POST", "seed", record)["records"], 1);
    assert_eq!(fake.done("POST", "seed", "[]")["records"], 0);
    let mut dump = Vec::new();
    fake.store.dump_json(&mut dump, |_| {}).unwrap();
    let copy = Fake::start();
    assert_eq!(copy.done("POST", "seed", std::str::from_utf8(&dump).unwrap())["records"], 14);
    assert_eq!(copy.dump(), fake.dump());
    let before = copy.dump();
    for (document, at) in [
        ("[{\"client\":{\"name\":\"A\"}},\n{\"client\":{\"name\":\" \"}}]", "line 2"),
        ("[{\"client\":{\"name\":\"A\"}},\n\n", "line 3"),
        ("[{\"timer\":{}}]", "line 1"),
    ] {
        let (message, place) = copy.refused("POST", "seed", document);
        assert!(place.starts_with(at), "{document}: {place}, {message}");
    }
    assert_eq!(copy.dump(), before);
}

#[test]
fn a_seed_with_a_fault_is_told_by_its_line_and_loads_nothing() {
    let fake = Fake::start();
    let before = fake.dump();
    for (document, at) in [
        ("<clients>\n<client><name>A</name></client>\n<client><name> </name></client></clients>", "line 3"),
        ("<clients>\n<client>", "line 2"),
        ("<timers/>", "line 1"),
        ("{}", "line 1"),
        ("", "line 1"),
        ("<project><name>P</name><client-id>7</client-id></project>", "line 1"),
    ] {
        let (message, place) = fake.refused("POST", "seed", document);
        assert_eq!(place, at, "{document}: {message}");
        assert!(!message.is_empty());
    }
    assert_eq!(fake.dump(), before);
}

#[test]
fn seed_takes_what_the_api_would_not() {
    let fake = Fake::start();
    let client = format!("<client><name>A</name><details>{}</details></client>\n", "x".repeat(1000));
    let document = format!("<clients>\n{}</clients>\n", client.repeat(4000));
    assert!(document.len() > 4_000_000);
    assert_eq!(fake.done("POST", "seed", &document)["records"], 4000);
}

#[test]
fn ten_thousand_records_are_reset_in_far_less_time_than_they_took_to_seed() {
    let fake = Fake::start();
    let document = format!("<clients>{}</clients>", "<client><name>SuprCorp</name></client>".repeat(10_000));
    let begun = Instant::now();
    fake.done("POST", "seed", &document);
    let seeding = begun.elapsed();
    fake.done("POST", "snapshots/many", "");
    let mut connection = fake.connect();
    let quickest = (0..5)
        .map(|_| {
            fake.create("One more");
            let begun = Instant::now();
            connection.send(crate::fake::request("POST", "/_clientstore/reset", r#"{"snapshot": "many"}"#));
            assert_eq!(connection.answer().status(), 200);
            begun.elapsed()
        })
        .min()
        .unwrap();
    assert!(quickest * 20 < seeding, "{quickest:?}, and {seeding:?} to seed them");
    assert_eq!(fake.done("GET", "state", "")["records"]["clients"], 10_000);
}

#[test]
fn resets_among_requests_leave_nothing_half_done() {
    let fake = Fake::start();
    fake.create("One");
    fake.done("POST", "snapshots/one", "");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut connection = fake.connect();
                for number in 0..100 {
                    let body = format!("<project><name>{number}</name><client-id>1</client-id></project>");
                    connection.send(crate::fake::request("POST", "/projects", &body));
                    assert_eq!(connection.answer().status(), 201);
                    connection.send(crate::fake::request("GET", "/projects", ""));
                    assert_eq!(connection.answer().status(), 200);
                }
            });
        }
        for _ in 0..30 {
            fake.done("POST", "reset", r#"{"snapshot": "one"}"#);
        }
    });
    assert_eq!(fake.done("POST", "reset", r#"{"snapshot": "one"}"#)["next_ids"]["projects"], 1);
}
