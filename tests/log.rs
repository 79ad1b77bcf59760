//! What the program says on standard error and on standard output: it never blocks the program and never ends it.
//!
//! `CLIENTSTORE_LOG_REQUESTS` says how many requests are logged where nobody reads; without it, 10,000, of which
//! the pipe and the program's own room hold about half.

#![cfg(all(feature = "cli", unix))]

mod served;

use std::io::{BufRead, BufReader, Read, Write, pipe};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use clientstore::{ClientStore, NewClient};
use served::Served;

const CLIENT: &str = "<client><name>A</name></client>";

fn requests() -> usize {
    std::env::var("CLIENTSTORE_LOG_REQUESTS").map_or(10_000, |count| count.parse().unwrap())
}

/// Asks for a missing path `times` times on one connection, and reads every answer.
fn ask(served: &Served, times: usize) {
    const AT_ONCE: usize = 500;
    let request = format!("GET /nothing HTTP/1.1\r\nHost: {}\r\n\r\n", served.address());
    let mut stream = served.connect().unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut body = 0;
    while body == 0 || !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
        let line = std::str::from_utf8(&answer).unwrap().lines().last().unwrap_or_default();
        if let (Some(length), b'\n') = (line.strip_prefix("Content-Length: "), byte[0]) {
            body = length.parse().unwrap();
        }
    }
    let mut rest = vec![0; body];
    stream.read_exact(&mut rest).unwrap();
    answer.extend(rest);
    assert!(answer.starts_with(b"HTTP/1.1 404 "), "{}", String::from_utf8_lossy(&answer));
    // The answers differ in their dates alone.
    let mut left = times - 1;
    while left > 0 {
        let now = left.min(AT_ONCE);
        stream.write_all(request.repeat(now).as_bytes()).unwrap();
        let mut answers = vec![0; answer.len() * now];
        stream.read_exact(&mut answers).unwrap();
        assert!(answers.chunks(answer.len()).all(|answer| answer.starts_with(b"HTTP/1.1 404 ")));
        left -= now;
    }
}

#[test]
fn a_log_that_nobody_reads_hinders_no_request_and_no_signal() {
    let served = Served::start(&["--memory"]);
    ask(&served, requests());
    assert!(served.signal("TERM").success());
}

#[test]
fn lines_that_were_dropped_are_counted_once_they_can_be_written_again() {
    let served = Served::start(&["--memory"]);
    ask(&served, requests());
    let mut log = BufReader::new(served.log());
    let (found, patience) = std::sync::mpsc::channel::<()>();
    let process = served.id().to_string();
    std::thread::spawn(move || {
        if patience.recv_timeout(Duration::from_secs(60)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            drop(Command::new("kill").arg(process).status());
        }
    });
    let mut written = 0;
    let dropped = loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "no count came");
        match line.strip_prefix("clientstore: ").and_then(|line| line.strip_suffix(" log lines were dropped\n")) {
            Some(dropped) => break dropped.parse::<usize>().unwrap(),
            None => written += usize::from(line.contains("GET /nothing 404")),
        }
    };
    drop(found);
    assert!(dropped > 0);
    assert_eq!(written + dropped, requests());
    ask(&served, 1);
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert!(line.contains("GET /nothing 404"), "{line}");
}

#[test]
fn a_reader_of_the_log_that_goes_away_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let served = Served::start(&[file.to_str().unwrap()]);
    drop(served.log());
    for _ in 0..20 {
        assert_eq!(served.send("POST", "/clients", CLIENT).unwrap().0, 201);
    }
    assert!(served.signal("TERM").success());
    assert_eq!(ClientStore::open(&file).unwrap().clients().list(&Default::default()).unwrap().count(), 20);
}

/// Starts a server whose standard output is the pipe, and gives its address.
fn start_into(out: std::io::PipeWriter) -> (std::process::Child, String) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = served::command(&["--memory", "--listen", &free]);
    let mut process = command.stdout(out).stderr(Stdio::piped()).spawn().unwrap();
    let begun = std::time::Instant::now();
    while TcpStream::connect(&free).is_err() {
        assert!(process.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    (process, free)
}

fn end(mut process: std::process::Child) -> String {
    assert!(Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap().success());
    assert!(process.wait().unwrap().success());
    let mut log = String::new();
    process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    log
}

#[test]
fn a_standard_output_that_nobody_reads_or_has_is_no_hindrance() {
    let (reader, mut writer) = pipe().unwrap();
    // As much as the pipe takes.
    writer.write_all(&[0; 64 * 1024]).unwrap();
    let (process, address) = start_into(writer);
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(stream, "GET /clients HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    end(process);
    drop(reader);

    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let (process, _) = start_into(writer);
    let log = end(process);
    assert!(log.contains("clientstore: cannot write to standard output: Broken pipe"), "{log}");
}

#[test]
fn a_command_does_its_work_without_a_reader_of_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    ClientStore::open(path("store.db")).unwrap().clients().create(&NewClient::named("A")).unwrap();
    std::fs::write(path("clients.xml"), format!("<clients>{CLIENT}</clients>")).unwrap();
    let status = |arguments: &[&str]| {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_clientstore"));
        command.args(arguments).stdout(Stdio::null()).stderr(writer).status().unwrap().code()
    };
    assert_eq!(status(&["load", &path("loaded.db"), &path("clients.xml")]), Some(0));
    assert_eq!(ClientStore::open(path("loaded.db")).unwrap().clients().get(1).unwrap().name, "A");
    assert_eq!(status(&["generate", &path("generated.db"), "--clients", "3"]), Some(0));
    assert!(ClientStore::open(path("generated.db")).unwrap().clients().get(3).is_ok());
    assert_eq!(status(&["backup", &path("store.db"), &path("backup.db")]), Some(0));
    assert_eq!(ClientStore::open(path("backup.db")).unwrap().clients().get(1).unwrap().name, "A");
    // Errors are said nowhere, and told by the status.
    assert_eq!(status(&["check", &path("nowhere.db")]), Some(2));
    for arguments in [
        &["dump", &path("nowhere.db")][..],
        &["request", &path("nowhere.db"), "GET", "/clients"],
        &["load", &path("loaded.db"), &path("clients.xml"), &path("nowhere.xml")],
        &["serve", folder.path().to_str().unwrap()],
    ] {
        assert_eq!(status(arguments), Some(1), "{arguments:?}");
    }
    assert_eq!(status(&["--nonsense"]), Some(2));
}

#[test]
fn each_refusal_is_logged_with_its_reason_and_who_asked() {
    let served = Served::start(&[
        "--memory",
        "--auth",
        "me:secret",
        "--control",
        "--max-body",
        "1K",
        "--allow-origin",
        "http://localhost:3000",
    ]);
    let auth = "Authorization: Basic bWU6c2VjcmV0\r\n";
    let encoded = format!("{auth}Content-Encoding: br\r\n");
    let raw = |text: String| {
        let mut stream = served.connect().unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        let peer = stream.local_addr().unwrap();
        stream.read_to_string(&mut answer).unwrap();
        (peer.to_string(), answer.split(' ').nth(1).unwrap_or_default().parse::<u16>().unwrap())
    };
    let ask = |line: &str, headers: &str, body: &str| {
        let length = body.len();
        let host = if headers.contains("Host:") { String::new() } else { format!("Host: {}\r\n", served.address()) };
        raw(format!("{line} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"))
    };
    let long = "x".repeat(2000);
    let mut expected = Vec::new();
    for (status, line, headers, body, reason) in [
        (404, "GET /clients/9", auth, "", "there is no client 9"),
        (404, "GET /nothing", auth, "", "There is no such path."),
        (405, "PATCH /clients/1", auth, "", "This path takes "),
        (400, "POST /clients", auth, "<client/>", "name"),
        (400, "POST /clients", auth, "<client><name>\u{1b}[2J</name>", "line 1"),
        (401, "GET /clients", "", "", "asks for a user and a password"),
        (401, "GET /clients", "Authorization: Basic bWU6d3Jvbmc=\r\n", "", "Authentication failed for API request."),
        (403, "GET /clients", "Host: evil.example\r\n", "", "does not answer to this host name"),
        (403, "GET /clients", "Origin: http://evil.example\r\n", "", "a web page of another origin"),
        (413, "POST /clients", auth, &long, "The body is too long."),
        (415, "POST /clients", &encoded, CLIENT, "br"),
        (404, "GET /_clientstore/nothing", auth, "", "There is no such control path"),
        (400, "PUT /_clientstore/clock", auth, "{\"now\": 5}", "at now: "),
        (409, "POST /_clientstore/journal/verify", auth, "{\"count\": 99}", "Expected "),
    ] {
        let (peer, answered) = ask(line, headers, body);
        assert_eq!(answered, status, "{line} {headers}");
        expected.push((peer, line, status, reason));
    }
    let (peer, status) = raw(format!(
        "POST /clients HTTP/1.1\r\nHost: {}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        served.address()
    ));
    expected.push((peer, "POST /clients", status, "can be read in two ways"));
    let (nonsense, status) = raw("nonsense\r\n\r\n".to_owned());
    assert_eq!(status, 400);
    served.signal("TERM");
    let log = served.stop().1;
    for (peer, line, status, reason) in expected {
        let said = log.lines().find(|said| said.contains(&format!("{peer} {line} {status} ")));
        assert!(said.is_some_and(|said| said.contains(reason)), "{peer} {line} {status} {reason}: {said:?}\n{log}");
    }
    assert!(log.contains(&format!("{nonsense} sent no request of HTTP/1.1: ")), "{log}");
    assert!(!log.contains("secret") && !log.contains("wrong\"") && !log.contains('\u{1b}'), "{log}");
}

#[test]
fn an_unknown_element_of_a_create_or_an_update_is_named_in_the_log_in_xml_and_in_json() {
    let served = Served::start(&["--memory"]);
    let json = "Content-Type: application/json\r\nAccept: application/json\r\n";
    let paths: &[(&str, &str, &str)] = &[
        ("clients", "client", "<name>A</name>"),
        ("projects", "project", "<client-id>1</client-id><name>A</name>"),
        ("invoices", "invoice", "<client-id>1</client-id>"),
        ("invoices/1/payments", "payment", "<amount>1</amount><paid-at>2011-03-31T10:00:00Z</paid-at>"),
        ("tasks", "task", "<name>A</name>"),
    ];
    let mut expected = Vec::new();
    for (at, (path, record, known)) in paths.iter().enumerate() {
        // Members, as the elements are.
        let members: String = known
            .split("</")
            .filter_map(|element| element.rsplit_once('<')?.1.split_once('>'))
            .map(|(name, value)| format!("\"{}\": \"{value}\",\n", name.replace('-', "_")))
            .collect();
        let xml = |unknown: &str| format!("<{record}>{known}\n<{unknown}>x</{unknown}></{record}>");
        let object = |unknown: &str| format!("{{\"{record}\": {{{members}\"{unknown}\": 1}}}}");
        let line = members.lines().count() + 1;
        let mut requests = vec![
            ("POST", format!("/{path}"), "", xml(&format!("xml-post-{at}")), 201, format!("xml-post-{at} (line 2)")),
            ("POST", format!("/{path}"), json, object(&format!("jp{at}")), 201, format!("jp{at} (line {line})")),
        ];
        if !path.contains('/') {
            let one = format!("/{path}/1");
            requests.extend([
                ("PUT", one.clone(), "", xml(&format!("xml-put-{at}")), 200, format!("xml-put-{at} (line 2)")),
                ("PUT", one, json, object(&format!("ju{at}")), 200, format!("ju{at} (line {line})")),
            ]);
        }
        for (method, path, headers, body, status, named) in requests {
            // Tasks of one name are one too many.
            let body = if method == "POST" { body.replace(">A<", ">B<") } else { body };
            let answer = served.send_with(method, &path, headers, &body).unwrap();
            assert_eq!(answer.0, status, "{method} {path} {body}: {}", answer.2);
            expected.push(format!("{method} \"{path}\" has elements that are not known and ignored: {named}"));
        }
    }
    // All are known.
    assert_eq!(served.send("POST", "/clients", "<client><name>C</name></client>").unwrap().0, 201);
    let log = served.stop().1;
    for line in &expected {
        assert_eq!(log.lines().filter(|said| said.ends_with(&**line)).count(), 1, "{line}\n{log}");
    }
    assert_eq!(log.matches("not known").count(), expected.len(), "{log}");
}
