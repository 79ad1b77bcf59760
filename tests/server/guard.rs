//! Web pages that attack local servers.

use clientstore::server::Server;

use crate::support::{Answer, CLIENT, NEW, Running, api, get, post};

fn with(request: &str, header: &str) -> String {
    request.replacen("\r\n\r\n", &format!("\r\n{header}\r\n\r\n"), 1)
}

fn from_host(host: &str) -> String {
    get("/clients/1").replace("localhost", host)
}

fn assert_forbidden(answer: &Answer) {
    assert!(answer.line.ends_with(" 403 Forbidden"), "{}", answer.line);
    assert_eq!(answer.header("Status"), Some("403 Forbidden"));
    assert!(answer.header("Hint").is_some());
    assert!(answer.text().starts_with("<hash>\n  <message>"), "{}", answer.text());
    assert_eq!(answer.header("Access-Control-Allow-Origin"), None);
}

#[test]
fn only_hosts_that_no_page_can_have_are_answered() {
    let server = Running::start();
    for host in ["localhost:7557", "a.localhost", "127.0.0.1", "192.168.1.7:80", "[::1]:7557", "demo.harvestapp.com"] {
        assert_eq!(server.ask(&from_host(host)).text(), CLIENT, "{host}");
    }
    for host in ["example.com", "localhost.example.com", "harvestapp.com", "evilharvestapp.com", "127.0.0.1.nip.io"] {
        assert_forbidden(&server.ask(&from_host(host)));
        assert_forbidden(&server.ask(&from_host(host).replace("1.1\r\n", "1.0\r\n")));
    }
}

#[test]
fn a_refused_host_changes_nothing() {
    let server = Running::start();
    let mut connection = server.connect();
    connection.send(post("/clients", NEW).replace("localhost", "example.com"));
    assert_forbidden(&connection.answer());
    connection.assert_closed();
    assert_eq!(server.ask(&get("/clients/2")).status(), 404);
}

#[test]
fn an_allowed_host_is_answered() {
    let server = Running::of(Server::new(api()).allow_host("harvest.test"));
    assert_eq!(server.ask(&from_host("Harvest.Test:7557")).text(), CLIENT);
    assert_forbidden(&server.ask(&from_host("a.harvest.test")));
}

#[test]
fn one_host_is_needed() {
    let server = Running::start();
    for request in [
        "GET /clients/1 HTTP/1.1\r\n\r\n".to_owned(),
        with(&get("/clients/1"), "Host: localhost"),
        with(&get("/clients/1"), "Host: example.com"),
        from_host("local host"),
        from_host("localhost/"),
        from_host("a@localhost"),
        from_host(""),
    ] {
        let answer = server.ask(&request);
        assert_eq!(answer.status(), 400, "{request}");
    }
}

#[test]
fn pages_of_other_origins_are_refused() {
    let server = Running::start();
    for header in [
        "Origin: http://example.com",
        "Origin: https://localhost",
        "Origin: http://localhost:3000",
        "Origin: null",
        "Origin: http://localhost\r\nOrigin: http://example.com",
        "Sec-Fetch-Site: cross-site",
        "Origin: http://localhost\r\nSec-Fetch-Site: cross-site",
    ] {
        assert_forbidden(&server.ask(&with(&get("/clients/1"), header)));
        assert_forbidden(&server.ask(&with(&post("/clients", NEW), header)));
    }
    for header in ["Origin: http://localhost", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none"] {
        assert_eq!(server.ask(&with(&get("/clients/1"), header)).text(), CLIENT);
    }
    assert_eq!(server.ask(&get("/clients/2")).status(), 404);
    let preflight = get("/clients").replace("GET", "OPTIONS");
    let asked = "Origin: http://example.com\r\nAccess-Control-Request-Method: POST";
    assert_forbidden(&server.ask(&with(&preflight, asked)));
}

#[test]
fn pages_of_an_allowed_origin_can_read_their_answers() {
    let server = Running::of(Server::new(api()).allow_origin("http://localhost:3000/"));
    let page = |request: &str| with(request, "Origin: http://localhost:3000\r\nSec-Fetch-Site: cross-site");
    let too_long = "POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n";
    for request in [get("/clients/1"), post("/clients", NEW), get("/clients/99"), too_long.to_owned()] {
        let answer = server.ask(&page(&request));
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("http://localhost:3000"), "{request}");
        assert_eq!(answer.header("Vary"), Some("Origin"));
        assert_eq!(answer.header("Access-Control-Expose-Headers"), Some("Location, Hint, Retry-After, Status"));
    }
    assert_forbidden(&server.ask(&with(&get("/clients/1"), "Origin: http://localhost:3001")));
    assert_eq!(server.ask(&get("/clients/1")).header("Access-Control-Allow-Origin"), None);
}

#[test]
fn a_preflight_of_an_allowed_origin_is_200() {
    let server = Running::of(Server::new(api().auth("user", "password")).allow_origin("http://localhost:3000"));
    let asked = "Origin: http://localhost:3000\r\nAccess-Control-Request-Method: PUT\r\n\
                 Access-Control-Request-Headers: authorization, content-type";
    let answer = server.ask(&with(&get("/clients/1").replace("GET", "OPTIONS"), asked));
    assert_eq!(answer.line, "HTTP/1.1 200 OK");
    assert_eq!(answer.header("Status"), Some("200 OK"));
    assert_eq!(answer.header("Content-Length"), Some("0"));
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("http://localhost:3000"));
    assert_eq!(answer.header("Access-Control-Allow-Methods"), Some("GET, HEAD, POST, PUT, DELETE"));
    assert_eq!(answer.header("Access-Control-Allow-Headers"), Some("authorization, content-type"));
    assert!(answer.header("Access-Control-Max-Age").is_some());
    // Without a page that asks, it is a method like others.
    assert_eq!(server.ask(&get("/clients/1").replace("GET", "OPTIONS")).status(), 401);
}
