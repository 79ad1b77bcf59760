//! Who may control: the token, foreign hosts and origins, and that without control there is nothing.

use clientstore::control::Control;
use clientstore::server::Server;
use clientstore::{Api, ClientStore, Error};

use crate::fake::{Fake, request};
use crate::support::{Running, api, get};

#[test]
fn without_control_the_paths_say_how_to_get_them() {
    let server = Running::start();
    for path in ["/_clientstore", "/_clientstore/", "/_clientstore/health", "/_clientstore/nothing"] {
        let answer = server.ask(&get(path));
        assert_eq!(answer.status(), 404, "{path}");
        assert!(
            answer.text().starts_with("<hash>\n  <message>This server has no control paths. "),
            "{}",
            answer.text()
        );
        assert!(answer.text().contains("--control"));
    }
    assert!(server.ask(&get("/_clientstores")).text().contains("There is no such path."));
}

#[test]
fn the_root_says_what_this_is_and_where_to_look() {
    for answer in [Running::start().ask(&get("/")), Fake::start().ask("GET", "/", "")] {
        assert_eq!(answer.status(), 404);
        for part in ["This is clientstore", "/clients", "--control", "/_clientstore/"] {
            assert!(answer.text().contains(part), "{}", answer.text());
        }
    }
}

#[test]
fn health_answers_as_soon_as_the_server_does() {
    let fake = Fake::start();
    let health = fake.done("GET", "health", "");
    assert_eq!((&health["status"], &health["version"]), (&"ready".into(), &env!("CARGO_PKG_VERSION").into()));
    let head = fake.connect();
    let mut head = head;
    head.send(request("HEAD", "/_clientstore/health", ""));
    let answer = head.head();
    assert_eq!(answer.status(), 200);
}

#[test]
fn the_token_is_asked_for_on_every_path() {
    let fake = Fake::with(ClientStore::open_in_memory().unwrap(), Control::new().token("sesame").unwrap());
    let ask = |authorization: &str| {
        let head = format!("GET /_clientstore/health HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n");
        fake.running.ask(&head).status()
    };
    // :sesame, anybody:sesame, sesame:
    for admitted in ["Bearer sesame", "bearer sesame", "Basic OnNlc2FtZQ==", "Basic YW55Ym9keTpzZXNhbWU="] {
        assert_eq!(ask(&format!("Authorization: {admitted}\r\n")), 200, "{admitted}");
    }
    for refused in ["Bearer sesam", "Bearer sesames", "Bearer ", "Basic c2VzYW1lOg==", "Basic x", "sesame"] {
        assert_eq!(ask(&format!("Authorization: {refused}\r\n")), 401, "{refused}");
    }
    for path in ["health", "state", "snapshots", "journal", "faults", "clock", "throttle", "nothing", ""] {
        let answer = fake.ask("GET", &format!("/_clientstore/{path}"), "");
        assert_eq!(answer.status(), 401, "{path}");
        assert_eq!(answer.header("Www-Authenticate"), Some("Basic realm=\"clientstore control\""));
    }
    assert_eq!(fake.ask("POST", "/_clientstore/reset", "").status(), 401);
    assert_eq!(fake.ask("GET", "/clients", "").status(), 200, "the API asks for no token");
}

#[test]
fn the_documented_answer_to_a_wrong_token_is_the_one() {
    let fake = Fake::with(ClientStore::open_in_memory().unwrap(), Control::new().token("sesame").unwrap());
    let answer = fake.ask("GET", "/_clientstore/health", "");
    let documented = include_str!("../../docs/control.md").split("```json\n").nth(1).unwrap();
    assert_eq!(answer.text(), documented.split("```").next().unwrap());
}

#[test]
fn control_asks_for_the_token_or_the_apis_credentials_wherever_either_is_set() {
    // me:secret, any:sesame, me:wrong
    let (credentials, token, wrong) = ("Basic bWU6c2VjcmV0", "Basic YW55OnNlc2FtZQ==", "Basic bWU6d3Jvbmc=");
    let open = || Api::new(ClientStore::open_in_memory().unwrap());
    let locked = || open().auth("me", "secret");
    let guarded = || Control::new().token("sesame").unwrap();
    for (api, control, by_credentials, by_token) in [
        (open(), Control::new(), 200, 200),
        (open(), guarded(), 401, 200),
        (locked(), Control::new(), 200, 401),
        (locked(), guarded(), 200, 200),
    ] {
        let is_open = by_credentials == by_token && format!("{api:?}").contains("asks_for_credentials: false");
        let server = Running::of(Server::new(api).control(control));
        for path in ["health", "journal", "state", "records/clients", "faults", "", "page/page.js"] {
            let ask = |authorization: &str| {
                let head = format!("GET /_clientstore/{path} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n");
                server.ask(&head).status()
            };
            let with = |sent: &str| ask(&format!("Authorization: {sent}\r\n"));
            assert_eq!((with(credentials), with(token)), (by_credentials, by_token), "{path}");
            let refused = if is_open { 200 } else { 401 };
            assert_eq!((ask(""), with(wrong)), (refused, refused), "{path}");
        }
    }
}

#[test]
fn an_empty_token_is_an_error() {
    for token in ["", " ", "\t"] {
        assert!(matches!(Control::new().token(token), Err(Error::Invalid { .. })), "{token:?}");
    }
}

#[test]
fn nothing_that_is_printed_for_debugging_shows_a_secret() {
    let api = Api::new(ClientStore::open_in_memory().unwrap()).auth("me", "hunter2");
    let control = Control::new().token("sesame").unwrap();
    let builder = clientstore::testing::Server::builder().auth("me", "hunter2");
    let server = Server::new(api.clone()).control(control.clone());
    for printed in [format!("{api:?}"), format!("{control:?}"), format!("{server:#?}"), format!("{builder:?}")] {
        assert!(!printed.contains("hunter2") && !printed.contains("sesame"), "{printed}");
    }
    let started = clientstore::testing::Server::builder().auth("me", "hunter2").start();
    assert!(!format!("{started:?}").contains("hunter2"));
    assert!(started.control("GET", "health", "").contains("ready"), "its own calls need none");
}

#[test]
fn foreign_hosts_and_origins_are_refused_and_change_nothing() {
    let fake = Fake::start();
    fake.create("SuprCorp");
    for foreign in ["Host: example.com\r\n", "Host: localhost\r\nOrigin: http://example.com\r\n"] {
        for (method, path) in [("POST", "reset"), ("GET", "journal"), ("DELETE", "journal"), ("GET", "health")] {
            let answer = fake.running.ask(&format!("{method} /_clientstore/{path} HTTP/1.1\r\n{foreign}\r\n"));
            assert_eq!(answer.status(), 403, "{method} {path} {foreign}");
        }
    }
    assert_eq!(fake.store.clients().get(1).unwrap().name, "SuprCorp");
}

#[test]
fn an_allowed_origin_may_control() {
    let server = Running::of(Server::new(api()).allow_origin("http://localhost:3000").unwrap().control(Control::new()));
    let answer =
        server.ask("GET /_clientstore/health HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:3000\r\n\r\n");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("http://localhost:3000"));
}

#[test]
fn unknown_paths_and_parameters_are_told() {
    let fake = Fake::start();
    assert_eq!(fake.control("GET", "jurnal", "").0, 404);
    assert_eq!(fake.control("GET", "snapshots/one/two", "").0, 405);
    assert_eq!(fake.refused("GET", "clock?x=1", "").0, "This path takes no query parameters");
    // Paths that only begin alike are the API's.
    assert_eq!(fake.ask("GET", "/_clientstores", "").header("Content-Type"), Some("application/xml; charset=utf-8"));
}

#[test]
fn a_body_that_is_too_long_is_refused_in_json() {
    let fake = Fake::start();
    let long = format!("{{\"on\": true}}{}", " ".repeat(1024 * 1024));
    let (status, value) = fake.control("PUT", "throttle", &long);
    assert_eq!((status, value["hint"].as_str()), (413, Some("Send at most 1048576 bytes")));
    assert_eq!(fake.done("GET", "throttle", "")["on"], false);
}

#[test]
fn control_calls_count_nowhere() {
    let fake = Fake::start();
    fake.done("PUT", "faults", r#"{"rules": [{"drop": "request"}]}"#);
    fake.done("PUT", "throttle", r#"{"on": true}"#);
    for _ in 0..110 {
        fake.done("GET", "health", "");
    }
    assert_eq!(fake.done("GET", "faults", "")["rules"][0]["matched"], 0);
    assert_eq!(fake.done("GET", "journal", "")["entries"], serde_json::json!([]));
    assert_eq!(fake.done("GET", "throttle", "")["calls"], 0);
}
