//! The forms of requests and answers.

use clientstore::server::Server;

use crate::support::{CLIENT, NEW, Running, api, get, post};

#[test]
fn an_answer_is_this_to_the_byte() {
    let server = Running::start();
    let mut connection = server.connect();
    connection.send("GET /clients/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answer = String::from_utf8(connection.rest()).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, CLIENT);
    let mut lines: Vec<_> = head.split("\r\n").filter(|line| !line.starts_with("Date: ")).collect();
    lines[1..].sort_unstable();
    let length = format!("Content-Length: {}", CLIENT.len());
    let expected = [
        "HTTP/1.1 200 OK",
        "Connection: close",
        &length,
        "Content-Type: application/xml; charset=utf-8",
        "Status: 200 OK",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn header_names_are_in_title_case() {
    let server = Running::of(Server::new(api().auth("user", "password")));
    for request in
        [get("/clients"), get("/nowhere"), "GET / HTTP/1.1\r\n\r\n".to_owned(), "nonsense\r\n\r\n".to_owned()]
    {
        for line in server.ask(&request).headers {
            let (name, _) = line.split_once(": ").unwrap();
            assert!(name.split('-').all(|word| word.starts_with(|first: char| first.is_ascii_uppercase())), "{line}");
        }
    }
}

#[test]
fn every_answer_carries_its_status_and_its_length() {
    let server = Running::start();
    let invalid = post("/clients", "<client></client>");
    let too_long = "POST /clients HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n";
    for (request, status) in [
        (get("/clients"), "200 OK"),
        (post("/clients", NEW), "201 Created"),
        (post("/clients/1/toggle", ""), "200 OK"),
        (invalid, "400 Bad Request"),
        (get("/clients/99"), "404 Not Found"),
        (post("/clients/1", ""), "405 Method Not Allowed"),
        (get("/clients").replace("localhost", "example.com"), "403 Forbidden"),
        (get("/clients").replace("Host: localhost", "A: b"), "400 Bad Request"),
        (too_long.replace("Host: a", "Host: localhost"), "413 Payload Too Large"),
    ] {
        let answer = server.ask(&request);
        assert_eq!(answer.header("Status"), Some(status), "{request}");
        assert_eq!(answer.line, format!("HTTP/1.1 {status}"));
        assert_eq!(answer.header("Content-Length"), Some(&*answer.body.len().to_string()), "{request}");
        let kind = (!answer.body.is_empty()).then_some("application/xml; charset=utf-8");
        assert_eq!(answer.header("Content-Type"), kind, "{request}");
    }
}

#[test]
fn locations_are_relative_and_hints_printable() {
    let server = Running::start();
    let created = server.ask(&post("/clients.xml", NEW));
    assert_eq!((created.status(), created.header("Location")), (201, Some("/clients/2")));
    assert_eq!(created.text(), "");
    let toggled = server.ask(&post("/clients/2/toggle.xml", ""));
    assert_eq!((toggled.status(), toggled.header("Location")), (200, Some("/clients/2")));
    assert_eq!(server.ask(&get("/clients/2")).header("Location"), None);

    let refused =
        server.ask(&post("/clients", "<client><name>a</name><default-currency>\u{e4}\u{7f}</default-currency><x"));
    assert_eq!(refused.status(), 400);
    assert!(refused.text().starts_with("<hash>\n  <message>"), "{}", refused.text());
    let hint = refused.header("Hint").unwrap();
    assert!(hint.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{hint}");
    assert!(hint.contains("line 1"), "{hint}");
}

#[test]
fn text_of_a_request_cannot_make_headers() {
    let server = Running::start();
    let answer = server.ask(&get("/clients?updated_since=%0D%0AX-Evil:%20yes%0D%0A%0D%0Aevil"));
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.header("X-Evil"), None);
    assert!(answer.header("Hint").is_some_and(|hint| !hint.contains('\r')));
    assert!(answer.text().ends_with("</hash>\n"), "{}", answer.text());
}

#[test]
fn path_forms_and_absolute_targets_are_one_resource() {
    let server = Running::start();
    for path in ["/clients/1", "/clients/1.xml", "/clients/1/", "/clients/1?", "/clients/1.xml?a=b"] {
        assert_eq!(server.ask(&get(path)).text(), CLIENT, "{path}");
        let absolute = format!("http://demo.harvestapp.com{path}");
        // What Host says does not count then.
        let answer = server.ask(&get(&absolute).replace("localhost", "example.com"));
        assert_eq!(answer.text(), CLIENT, "{absolute}");
    }
    let foreign = server.ask(&get("http://example.com/clients"));
    assert_eq!(foreign.status(), 403);
}

#[test]
fn requests_in_one_write_are_answered_in_order() {
    let server = Running::start();
    let mut connection = server.connect();
    let create = |name: &str| post("/clients", &format!("<client><name>{name}</name></client>"));
    connection.send([create("b"), get("/clients/2"), create("c"), get("/clients/3"), get("/clients/9")].concat());
    let answers: Vec<_> = (0..5).map(|_| connection.answer()).collect();
    assert_eq!(answers.iter().map(|answer| answer.status()).collect::<Vec<_>>(), [201, 200, 201, 200, 404]);
    assert!(answers[1].text().contains("<name>b</name>") && answers[3].text().contains("<name>c</name>"));

    let many = 200;
    connection.send(get("/clients/1").repeat(many));
    for _ in 0..many {
        assert_eq!(connection.answer().text(), CLIENT);
    }
}

#[test]
fn a_connection_is_kept_until_asked_otherwise() {
    let server = Running::start();
    let mut connection = server.connect();
    for _ in 0..3 {
        connection.send(get("/clients/1"));
        assert_eq!(connection.answer().text(), CLIENT);
    }
    connection.send(get("/clients/1").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    let last = connection.answer();
    assert_eq!(last.header("Connection"), Some("close"));
    connection.assert_closed();
}

#[test]
fn one_more_line_end_after_a_body_holds_up_nothing() {
    let server = Running::start();
    let mut connection = server.connect();
    for _ in 0..2 {
        connection.send(post("/clients", NEW) + "\r\n");
        assert_eq!(connection.answer().status(), 201);
    }
}

#[test]
fn a_program_that_closes_its_half_gets_its_answer() {
    let server = Running::start();
    let mut connection = server.connect();
    connection.send(post("/clients", NEW) + &get("/clients/1"));
    connection.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(connection.answer().status(), 201);
    assert_eq!(connection.answer().text(), CLIENT);
    connection.assert_closed();
}

#[test]
fn an_offer_of_http_2_is_not_taken() {
    let server = Running::start();
    let mut connection = server.connect();
    let upgrade = "\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAA\r\n\r\n";
    for _ in 0..2 {
        connection.send(get("/clients/1").replace("\r\n\r\n", upgrade));
        assert_eq!(connection.answer().text(), CLIENT);
    }
    let answer = server.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(answer.status(), 400);
}

#[test]
fn expect_is_answered() {
    let server = Running::start();
    let mut connection = server.connect();
    let (head, body) = (post("/clients", NEW).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"), NEW);
    connection.send(head.strip_suffix(body).unwrap());
    assert_eq!(connection.head().line, "HTTP/1.1 100 Continue");
    connection.send(body);
    assert_eq!(connection.answer().header("Location"), Some("/clients/2"));
    connection.send(get("/clients/1"));
    assert_eq!(connection.answer().text(), CLIENT);
}

#[test]
fn bodies_where_none_is_meant_are_ignored() {
    let server = Running::start();
    let mut connection = server.connect();
    for body in ["null", "{}", "<x"] {
        connection.send(post("/clients/1", body).replace("POST", "GET"));
        assert_eq!(connection.answer().text(), CLIENT);
        connection.send(post("/clients", NEW));
        let created = connection.answer();
        let path = created.header("Location").unwrap();
        connection.send(post(path, body).replace("POST", "DELETE"));
        assert_eq!(connection.answer().line, "HTTP/1.1 200 OK");
    }
    let chunked =
        "GET /clients/1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnull\r\n0\r\n\r\n";
    connection.send(chunked);
    assert_eq!(connection.answer().text(), CLIENT);
}

#[test]
fn an_action_needs_no_body_and_no_length() {
    let server = Running::start();
    for method in ["POST", "PUT"] {
        let answer = server.ask(&get("/clients/1/toggle").replace("GET", method));
        assert_eq!((answer.status(), answer.header("Location")), (200, Some("/clients/1")));
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = Running::start();
    let mut connection = server.connect();
    for path in ["/clients/1", "/clients", "/clients/99"] {
        connection.send(get(path).replace("GET", "HEAD"));
        let head = connection.head();
        connection.send(get(path));
        let whole = connection.answer();
        assert_eq!(head.line, whole.line);
        for name in ["Content-Length", "Content-Type", "Status"] {
            assert_eq!(head.header(name), whole.header(name), "{name} of {path}");
        }
    }
}

#[test]
fn http_1_0_is_answered() {
    let server = Running::start();
    let mut connection = server.connect();
    connection.send("GET /clients/1 HTTP/1.0\r\n\r\n");
    let answer = connection.answer();
    assert_eq!((answer.status(), answer.text()), (200, CLIENT));
    assert!(answer.line.starts_with("HTTP/1.0 "), "{}", answer.line);
    connection.assert_closed();

    let mut connection = server.connect();
    for _ in 0..2 {
        connection.send("GET /clients/1 HTTP/1.0\r\nHost: localhost\r\nConnection: Keep-Alive\r\n\r\n");
        let answer = connection.answer();
        assert_eq!(answer.text(), CLIENT);
        assert_eq!(answer.header("Connection").map(str::to_ascii_lowercase).as_deref(), Some("keep-alive"));
    }
}

#[test]
fn wrong_credentials_are_asked_for() {
    let server = Running::of(Server::new(api().auth("user", "pass:word")));
    let answer = server.ask(&get("/clients/1"));
    assert_eq!(answer.line, "HTTP/1.1 401 Unauthorized");
    assert_eq!(answer.header("Www-Authenticate"), Some("Basic realm=\"Harvest\""));
    assert!(answer.text().starts_with("<hash>\n  <message>"));
    for credentials in ["dXNlcjpwYXNzOndvcmQ=", "(dXNlcjpwYXNzOndvcmQ=)"] {
        let with = format!("\r\nAuthorization: Basic {credentials}\r\n\r\n");
        assert_eq!(server.ask(&get("/clients/1").replace("\r\n\r\n", &with)).text(), CLIENT);
    }
}
