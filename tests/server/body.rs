//! Bodies over the limit.

use crate::support::{Answer, CLIENT, Connection, NEW, Running, get, post};

const MIB: usize = 1024 * 1024;

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut request = b"POST /clients HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(10_000) {
        request.extend(format!("{:x}\r\n", chunk.len()).bytes());
        request.extend(chunk);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    request
}

fn with_length(length: usize) -> String {
    format!("POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n")
}

fn assert_too_long(mut connection: Connection) {
    let answer: Answer = connection.answer();
    assert_eq!(answer.line, "HTTP/1.1 413 Payload Too Large");
    assert_eq!(answer.header("Connection"), Some("close"));
    assert_eq!(answer.header("Hint"), Some("Send at most 1048576 bytes"));
    assert_eq!(answer.text(), "<hash>\n  <message>The body is too long.</message>\n</hash>\n");
    connection.assert_closed();
}

#[test]
fn a_body_at_the_limit_is_read() {
    let server = Running::start();
    let mut connection = server.connect();
    let mut body = NEW.as_bytes().to_vec();
    body.resize(MIB, b' ');
    connection.send(with_length(body.len()));
    connection.send(&body);
    assert_eq!(connection.answer().status(), 201);
    connection.send(chunked(&body));
    assert_eq!(connection.answer().status(), 201);
    connection.send(chunked(NEW.as_bytes()));
    assert_eq!(connection.answer().status(), 201);
}

/// What asks for JSON: the suffix, `Accept`, the type of the body, or what it begins with.
const ASKING: [(&str, &str, &str, bool); 9] = [
    ("/clients.json", "", " ", true),
    ("/clients", "Accept: application/json\r\n", " ", true),
    ("/clients", "Content-Type: application/json\r\n", " ", true),
    ("/clients", "", "\n {\"client\":", true),
    ("/clients", "Content-Type: text/plain\r\n", "[", true),
    ("/clients", "", "<client>", false),
    ("/clients", "Accept: text/xml\r\nContent-Type: application/json\r\n", "{", false),
    ("/clients.xml", "Accept: application/json\r\n", "{", false),
    ("/clients", "Content-Type: application/x-www-form-urlencoded\r\n", "name=", false),
];

fn assert_too_long_in(is_json: bool, mut connection: Connection, request: &str) {
    let answer = connection.answer();
    let (kind, body) = match is_json {
        true => ("application/json; charset=utf-8", "{\"message\":\"The body is too long.\"}\n"),
        false => ("application/xml; charset=utf-8", "<hash>\n  <message>The body is too long.</message>\n</hash>\n"),
    };
    assert_eq!((answer.status(), answer.text()), (413, body), "{request}");
    assert_eq!(answer.header("Content-Type"), Some(kind), "{request}");
    assert_eq!(answer.header("Content-Length"), Some(&*body.len().to_string()), "{request}");
    assert_eq!(answer.header("Hint"), Some("Send at most 1000 bytes"), "{request}");
    connection.assert_closed();
}

#[test]
fn the_refusal_is_in_the_format_that_suffix_accept_or_body_ask_for() {
    let server = Running::limited(|limits| limits.max_body = 1000);
    for (path, headers, begin, is_json) in ASKING {
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}");
        let mut connection = server.connect();
        let more = " ".repeat(2000);
        let length = begin.len() + more.len();
        connection.send(format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{begin}\r\n{:x}\r\n{more}\r\n0\r\n\r\n",
            begin.len(),
            more.len()
        ));
        assert_too_long_in(is_json, connection, &head);
        // Announced as too long, it is not looked at.
        let mut connection = server.connect();
        connection.send(format!("{head}Content-Length: {length}\r\n\r\n"));
        let says = is_json && !begin.contains(['{', '[']);
        assert_too_long_in(says, connection, &head);
    }
}

#[test]
fn a_program_that_sends_everything_first_sees_why_it_was_refused() {
    let server = Running::start();
    for length in [MIB + 1, 10 * MIB] {
        let body = vec![b' '; length];
        let mut connection = server.connect();
        connection.send(with_length(length));
        connection.send(&body);
        assert_too_long(connection);

        let mut connection = server.connect();
        connection.send(chunked(&body));
        assert_too_long(connection);
    }
}

#[test]
fn a_body_that_is_announced_too_long_is_refused_before_it_comes() {
    let server = Running::start();
    for method in ["POST", "PUT", "GET", "DELETE"] {
        let mut connection = server.connect();
        connection.send(with_length(MIB + 1).replace("POST", method));
        assert_too_long(connection);
    }
}

#[test]
fn the_refusal_comes_instead_of_the_100() {
    let server = Running::start();
    let mut connection = server.connect();
    connection.send(with_length(MIB + 1).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"));
    assert_too_long(connection);
}

#[test]
fn what_is_thrown_away_is_limited() {
    let server = Running::limited(|limits| limits.max_discard = 100_000);
    let mut connection = server.connect();
    connection.send(with_length(usize::MAX >> 1));
    let mut sent = 0;
    use std::io::Write;
    while connection.stream.write_all(&[b' '; 65_536]).is_ok() {
        sent += 65_536;
        assert!(sent < 200 * MIB, "it reads on and on");
    }

    let server = Running::limited(|limits| limits.discard_timeout = std::time::Duration::from_millis(100));
    let mut connection = server.connect();
    connection.send(with_length(MIB + 1));
    assert_eq!(connection.answer().status(), 413);
    // This side neither sends nor closes.
    connection.assert_closed();
    while connection.stream.write_all(b" ").is_ok() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn the_limit_can_be_set() {
    let server = Running::limited(|limits| limits.max_body = NEW.len());
    let mut connection = server.connect();
    connection.send(post("/clients", NEW));
    assert_eq!(connection.answer().status(), 201);
    connection.send(get("/clients/1"));
    assert_eq!(connection.answer().text(), CLIENT);
    connection.send(post("/clients", &format!("{NEW} ")));
    assert_eq!(connection.answer().status(), 413);
}
