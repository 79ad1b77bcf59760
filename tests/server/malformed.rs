//! What is no HTTP request, or two at once.

use crate::support::{CLIENT, NEW, Running, get, post};

/// Every request is followed by another one, which must never be seen.
#[test]
fn what_is_no_request_gets_a_bare_400_and_a_close() {
    let server = Running::start();
    for request in [
        "nonsense\r\n\r\n",
        "GET  /clients HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /clients HTTP/1.1 now\r\nHost: localhost\r\n\r\n",
        "GET /clients HTTP/3.0\r\nHost: localhost\r\n\r\n",
        "GET clients HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /cl\x01ients HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /clients\r\n\r\n",
        "GET /clients HTTP/1.1\r\nHost: localhost\r\nA: b\r\n folded\r\n\r\n",
        "GET /clients HTTP/1.1\r\nHost : localhost\r\n\r\n",
        "GET /clients HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        "GET /clients HTTP/1.1\r\nHost: localhost\r\nA: b\0c\r\n\r\n",
        "POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\n",
        "POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0, 4\r\n\r\n",
        "POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: +4\r\n\r\n",
        "POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: -4\r\n\r\n",
        "POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /clients HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        "POST /clients HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST /clients HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /clients HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /clients HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    ] {
        let mut connection = server.connect();
        connection.send([request, &post("/clients", NEW)].concat());
        let answer = connection.answer();
        assert_eq!(answer.status(), 400, "{request}");
        assert_eq!(answer.header("Connection"), Some("close"), "{request}");
        assert_eq!(answer.text(), "", "{request}");
        connection.assert_closed();
    }
    assert_eq!(server.ask(&get("/clients/2")).status(), 404);
}

#[test]
fn a_body_that_breaks_its_encoding_is_400_and_a_close() {
    let server = Running::start();
    for chunks in ["x\r\n", "5\r\n<cliX", "-1\r\n", "fffffffffffffffff\r\n"] {
        let mut connection = server.connect();
        let head = "POST /clients HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        connection.send([head, chunks, &post("/clients", NEW)].concat());
        assert_eq!(connection.answer().status(), 400, "{chunks}");
        connection.assert_closed();
    }
    // Half a body, and the end.
    let mut connection = server.connect();
    connection.send(post("/clients", NEW).strip_suffix("</client>").unwrap());
    connection.stream.shutdown(std::net::Shutdown::Write).unwrap();
    let rest = String::from_utf8(connection.rest()).unwrap();
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 400 "), "{rest}");
    assert_eq!(server.ask(&get("/clients/2")).status(), 404);
}

#[test]
fn a_bad_request_after_good_ones_is_refused_alone() {
    let server = Running::start();
    let mut connection = server.connect();
    connection.send(get("/clients/1") + "nonsense\r\n\r\n" + &post("/clients", NEW));
    assert_eq!(connection.answer().text(), CLIENT);
    assert_eq!(connection.answer().status(), 400);
    connection.assert_closed();
    assert_eq!(server.ask(&get("/clients/2")).status(), 404);
}

#[test]
fn a_head_over_the_limit_gets_431() {
    let server = Running::start();
    let fits = format!("\r\nA: {}\r\n\r\n", "a".repeat(30_000));
    assert_eq!(server.ask(&get("/clients/1").replace("\r\n\r\n", &fits)).text(), CLIENT);
    let long = format!("\r\nA: {}\r\n\r\n", "a".repeat(33_000));
    let many = format!("\r\n{}\r\n", "A: b\r\n".repeat(1_000));
    let path = get(&format!("/{}", "a".repeat(100_000)));
    let endless = format!("GET /{}", "a".repeat(1_000_000));
    for request in [get("/clients/1").replace("\r\n\r\n", &long), get("/").replace("\r\n\r\n", &many), path, endless] {
        let mut connection = server.connect();
        connection.send(&request);
        let answer = connection.answer();
        assert_eq!(answer.line, "HTTP/1.1 431 Request Header Fields Too Large");
        connection.assert_closed();
    }
    let server = Running::limited(|limits| limits.max_head = 1_000);
    let long = format!("\r\nA: {}\r\n\r\n", "a".repeat(1_000));
    assert_eq!(server.ask(&get("/clients/1").replace("\r\n\r\n", &long)).status(), 431);
}
