//! `clientstore serve`: the program itself, and its signals.

#![cfg(feature = "cli")]

mod served;

use std::io::{BufRead, BufReader, Read, Write};

use clientstore::ClientStore;
use served::Served;

#[test]
fn the_first_line_says_where_it_listens_and_requests_are_logged_on_standard_error() {
    let served = Served::start(&["--memory"]);
    let (status, _, body) = served.send("GET", "/clients", "").unwrap();
    assert_eq!((status, body.as_str()), (200, "<clients></clients>\n"));
    let mut line = String::new();
    BufReader::new(served.log()).read_line(&mut line).unwrap();
    assert!(line.contains(" INFO 127.0.0.1:") && line.contains(" GET /clients 200 "), "{line}");
    served.kill();
    assert_eq!(served.line(), "", "the address is all that standard output says");
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
    assert!(error.contains("another program has the port; choose another one with --listen"), "{error}");
    assert!(error.contains("--listen 127.0.0.1:0 for one that is free"), "{error}");
    for (arguments, said) in [
        (["--auth", "nobody"], "a colon must stand between"),
        (["--listen", "7557"], "like 127.0.0.1:8080, [::1]:8080 or localhost:8080"),
        (["--listen", "[::1]"], "like 127.0.0.1:8080, [::1]:8080 or localhost:8080"),
        (["--listen", "192.0.2.1:0"], "this machine has no such address"),
        (["--allow-origin", "http://localhost:*"], "there are no wildcards"),
        (["--allow-host", "http://harvest.test/"], "give the name alone, like harvest.test"),
        (["--allow-origin", "localhost"], "like http://localhost:3000"),
        (["--max-connections", "0"], "give a number from 1"),
    ] {
        assert!(failed(&["--memory", arguments[0], arguments[1]]).contains(said), "{arguments:?}");
    }
}

#[test]
fn it_listens_on_each_address_and_says_so() {
    let served = Served::start(&["--memory", "--listen", "127.0.0.1:0"]);
    let second = served.line();
    let second = second.strip_prefix("listening on http://").unwrap().trim_end();
    assert_ne!(served.address(), second);
    for address in [served.address(), second, served.address(), second] {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET /clients HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

/// Where the machine has IPv6.
#[test]
fn it_listens_on_ipv6_alone_and_beside_ipv4() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    // Served adds an address of IPv4.
    let served = Served::start(&["--memory", "--listen", "[::1]:0"]);
    assert!(served.address().starts_with("[::1]:"), "{}", served.address());
    assert_eq!(served.send("GET", "/clients", "").unwrap().0, 200);
    let free = std::net::TcpListener::bind("[::]:0").unwrap().local_addr().unwrap().port();
    let both = [format!("0.0.0.0:{free}"), format!("[::]:{free}")];
    let served = Served::start(&["--memory", "--listen", &both[0], "--listen", &both[1]]);
    assert_eq!(served.line(), format!("listening on http://{}\n", both[1]));
    assert!(std::net::TcpStream::connect(("::1", free)).is_ok());
    assert!(std::net::TcpStream::connect(("127.0.0.1", free)).is_ok());
}

#[test]
fn secrets_come_from_options_files_or_the_environment_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (credentials, token) = (file("credentials", "me:p\u{e4}ss:word\n"), file("token", "sesame\r\n"));
    let basic = "Authorization: Basic bWU6cMOkc3M6d29yZA==\r\n";
    let bearer = "Authorization: Bearer sesame\r\n";
    let asks = |served: &Served| {
        assert_eq!(served.send("GET", "/clients", "").unwrap().0, 401);
        assert_eq!(served.send_with("GET", "/clients", basic, "").unwrap().0, 200);
        assert_eq!(served.send("GET", "/_clientstore/health", "").unwrap().0, 401);
        assert_eq!(served.send_with("GET", "/_clientstore/health", bearer, "").unwrap().0, 200);
    };
    let arguments = ["--memory", "--control", "--auth-file", &credentials, "--control-token-file", &token];
    let mut command = served::command(&arguments);
    // The files come first.
    command.env("CLIENTSTORE_AUTH", "other:word").env("CLIENTSTORE_CONTROL_TOKEN", "other");
    let served = Served::start_as(command);
    asks(&served);
    #[cfg(target_os = "linux")]
    {
        let shown = std::fs::read(format!("/proc/{}/cmdline", served.id())).unwrap();
        assert!(!String::from_utf8_lossy(&shown).contains("sesame"));
    }
    let mut command = served::command(&["--memory", "--control"]);
    command.env("CLIENTSTORE_AUTH", "me:p\u{e4}ss:word").env("CLIENTSTORE_CONTROL_TOKEN", "sesame");
    asks(&Served::start_as(command));

    let (lines, blank) = (file("lines", "me:secret\nme:hidden\n"), file("blank", ""));
    let (nobody, spaced) = (file("nobody", "sesame"), file("spaced", "sesame open"));
    let missing = folder.path().join("missing");
    for (arguments, status, said) in [
        (&["--auth", "sesame"][..], 2, "--auth: a colon must stand between"),
        (&["--auth-file", &nobody], 2, "nobody: a colon must stand between"),
        (&["--auth-file", &blank], 2, "blank: a colon must stand between"),
        (&["--auth-file", &lines], 1, "lines has more than one line"),
        (&["--auth-file", missing.to_str().unwrap()], 1, "missing: No such file"),
        (&["--auth", "a:sesame", "--auth-file", &nobody], 2, "cannot be used with"),
        (&["--control", "--control-token", "sesame open"], 2, "--control-token: the token must be printable ASCII"),
        (&["--control", "--control-token-file", &spaced], 2, "spaced: the token must be printable ASCII"),
        (&["--control", "--control-token-file", &blank], 2, "blank: the token must be printable ASCII"),
        (&["--control-token-file", &token], 2, "--control"),
    ] {
        let output = served::command(&[&["--memory"], arguments].concat()).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(status) && error.contains(said), "{arguments:?}: {error}");
        assert!(!error.contains("sesame") && !error.contains("secret") && !error.contains("hidden"), "{error}");
    }
    for (variable, value) in [("CLIENTSTORE_AUTH", "sesame"), ("CLIENTSTORE_CONTROL_TOKEN", "sesame open")] {
        let output = served::command(&["--memory", "--control"]).env(variable, value).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.contains(variable) && !error.contains("sesame"), "{error}");
    }
}

#[test]
fn the_account_of_the_command_line_is_the_servers() {
    let served = Served::start(&["--memory", "--dialect", "live", "--company", "Muster & Co", "--clock", "24h"]);
    let told = served.send("GET", "/account/who_am_i", "").unwrap().2;
    assert!(told.contains("<name>Muster &amp; Co</name>") && told.contains("<clock>24h</clock>"), "{told}");
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
