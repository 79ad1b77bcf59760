//! `clientstore serve`: the program itself, and its signals.

#![cfg(feature = "cli")]

mod served;

use clientstore::ClientStore;
use served::Served;

#[test]
fn the_first_line_says_where_it_listens_and_requests_are_logged_on_standard_error() {
    let served = Served::start(&["--memory"]);
    let (status, _, body) = served.send("GET", "/clients", "").unwrap();
    assert_eq!((status, body.as_str()), (200, "<clients></clients>\n"));
    let (out, log) = served.stop();
    assert_eq!(out, "", "the address is all that standard output says");
    assert!(log.contains("GET /clients 200"), "{log}");
}

#[test]
fn quiet_logs_no_request() {
    let served = Served::start(&["--memory", "--quiet"]);
    served.send("GET", "/clients", "").unwrap();
    assert_eq!(served.stop(), (String::new(), String::new()));
}

#[test]
fn the_dialect_and_the_credentials_are_the_servers() {
    let served = Served::start(&["--memory", "--dialect", "live", "--auth", "me@example.com:se:cret"]);
    assert_eq!(served.send("GET", "/clients", "").unwrap().0, 401);
    let authorization = "Authorization: Basic bWVAZXhhbXBsZS5jb206c2U6Y3JldA==\r\n";
    let (status, _, body) = served.send_with("GET", "/clients", authorization, "").unwrap();
    assert_eq!(status, 200);
    assert!(body.ends_with("<clients type=\"array\"></clients>\n"), "{body}");
}

#[test]
fn sizes_are_given_in_bytes_or_with_a_letter() {
    let body = |length: usize| format!("<client><name>{}</name></client>", "x".repeat(length - 30));
    for (size, bytes) in [("1K", 1024), ("2k", 2048), ("1KiB", 1024), ("1500", 1500), ("0.1", 0), ("K", 0), ("1T", 0)] {
        let arguments = ["--memory", "--quiet", "--max-body", size];
        if bytes == 0 {
            let refused = std::process::Command::new(env!("CARGO_BIN_EXE_clientstore"))
                .args([&["serve"], &arguments[..]].concat())
                .output()
                .unwrap();
            let said = String::from_utf8(refused.stderr).unwrap();
            assert!(said.contains("give a whole number of bytes, or of K, M or G, like 65536, 64K or 1M"), "{said}");
            continue;
        }
        let served = Served::start(&arguments);
        assert_eq!(served.send("POST", "/clients", &body(bytes)).unwrap().0, 201, "{size}");
        assert_eq!(served.send("POST", "/clients", &body(bytes + 1)).unwrap().0, 413, "{size}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_stops_it_and_closes_the_file() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        let served = Served::start(&[file.to_str().unwrap()]);
        assert_eq!(served.send("POST", "/clients", "<client><name>A</name></client>").unwrap().0, 201);
        assert!(served.signal(signal).success(), "{signal}");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["store.db"], "the log is in the file again");
        assert_eq!(ClientStore::open(&file).unwrap().clients().get(1).unwrap().name, "A");
    }
}

#[test]
fn what_cannot_be_served_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().to_str().unwrap();
    let failed = |arguments: &[&str]| {
        let output = served::command(arguments).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(failed(&[directory]).ends_with("is not a clientstore file (a directory); it was left untouched\n"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = failed(&["--memory", "--listen", &address]);
    assert!(error.starts_with(&format!("clientstore: cannot listen on {address}: ")), "{error}");
    for (arguments, said) in [
        (["--auth", "nobody"], "a colon must stand between"),
        (["--listen", "7557"], "like 127.0.0.1:8080"),
        (["--allow-host", "http://harvest.test/"], "give a name alone, like harvest.test"),
        (["--allow-origin", "localhost"], "like http://localhost:3000"),
        (["--max-connections", "0"], "give a number from 1"),
    ] {
        assert!(failed(&["--memory", arguments[0], arguments[1]]).contains(said), "{arguments:?}");
    }
}

#[test]
fn a_seeded_deterministic_server_is_the_same_each_time_and_resets_to_its_seed() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let projects =
        file("projects.xml", "<projects><project><name>P</name><client-id>1</client-id></project></projects>");
    let clients = file("clients.xml", "<clients><client><name>A</name></client></clients>");
    let run = || {
        let arguments = ["--memory", "--control", "--deterministic", "7", "--seed", &projects, &clients];
        let served = Served::start(&arguments);
        served.send("POST", "/invoices", "<invoice><client-id>1</client-id></invoice>").unwrap();
        let invoice = served.exchange("GET", "/invoices/1", "", "").unwrap();
        assert_eq!(served.send("POST", "/_clientstore/reset", "").unwrap().0, 200);
        assert_eq!(served.send("GET", "/projects/1", "").unwrap().0, 200, "the seed is there");
        assert_eq!(served.send("GET", "/invoices/1", "").unwrap().0, 404);
        invoice
    };
    let first = run();
    assert!(first.contains("Date: Fri, 01 Jan 2010 00:00:00 GMT"), "{first}");
    assert_eq!(run(), first);

    let output = served::command(&["--memory", "--seed", &projects]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("projects.xml: line 1: "), "{error}");
    let output = served::command(&["--memory", "--seed", "nowhere.xml"]).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("clientstore: cannot read nowhere.xml: "));
}

#[test]
fn control_paths_are_there_only_when_asked_for_and_may_ask_for_a_token() {
    let served = Served::start(&["--memory"]);
    assert_eq!(served.send("GET", "/_clientstore/health", "").unwrap().0, 404);
    let served = Served::start(&["--memory", "--control", "--control-token", "sesame"]);
    assert_eq!(served.send("GET", "/_clientstore/health", "").unwrap().0, 401);
    let token = "Authorization: Bearer sesame\r\n";
    assert_eq!(served.send_with("GET", "/_clientstore/health", token, "").unwrap().0, 200);
    let refused = |arguments: &[&str]| {
        let output = served::command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["--memory", "--control-token", "sesame"]).contains("--control"));
    assert!(refused(&["--memory", "--control", "--control-token", "a b"]).contains("without spaces"));
    assert!(refused(&["--memory", "--deterministic", "x"]).contains("--deterministic"));
}
