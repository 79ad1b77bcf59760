//! Web pages that attack local servers.

use clientstore::control::Control;
use clientstore::server::{AllowError, Server};

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
    let server = Running::of(Server::new(api()).allow_host("harvest.test").unwrap());
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
        from_host("localhost:80@evil.example"),
        from_host("user:password@localhost"),
        from_host("127.0.0.1 x"),
        from_host("127.0.0.1,evil.example"),
        from_host("[::1]x"),
        from_host("[::1].evil.example"),
        from_host("localhost:http"),
        from_host("localhost:80:80"),
        from_host("localhost:65536"),
        get("http://user@localhost/clients/1"),
        get("http://evil.example@localhost/clients/1"),
        get("http://localhost/clients/1").replace("Host: localhost", "Host: local host"),
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
    let server = Running::of(Server::new(api()).allow_origin("http://localhost:3000/").unwrap());
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
    let server =
        Running::of(Server::new(api().auth("user", "password")).allow_origin("http://localhost:3000").unwrap());
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

#[test]
fn addresses_that_stand_for_all_addresses_are_no_hosts() {
    let server = Running::start();
    for host in ["0.0.0.0", "0.0.0.0:7557", "[::]", "[::]:7557", "[0:0:0:0:0:0:0:0]", "[::ffff:0.0.0.0]", "0.1.2.3"] {
        assert_forbidden(&server.ask(&from_host(host)));
        assert_forbidden(&server.ask(&get(&format!("http://{host}/clients/1"))));
        assert_forbidden(&server.ask(&post("/clients", NEW).replace("localhost", host)));
    }
    // What a container's mapped port is reached as.
    for host in ["127.0.0.1:8080", "localhost:8080"] {
        assert_eq!(server.ask(&from_host(host)).text(), CLIENT, "{host}");
    }
}

#[test]
fn pages_that_only_a_referer_tells_of_are_refused() {
    let server = Running::start();
    for page in [
        "http://example.com/",
        "http://example.com",
        "https://localhost/",
        "http://localhost:3000/app",
        "http://localhost@example.com/",
        "http://example.com/?http://localhost/",
        "http://localhost.example.com/",
        "//localhost/",
        "about:blank",
        "null",
        "http://localhost/\r\nReferer: http://example.com/",
    ] {
        assert_forbidden(&server.ask(&with(&get("/clients/1"), &format!("Referer: {page}"))));
        assert_forbidden(&server.ask(&with(&post("/clients", NEW), &format!("Referer: {page}"))));
    }
    for page in ["http://localhost/", "http://LOCALHOST:80/_clientstore/?a#b", "http://localhost", ""] {
        assert_eq!(server.ask(&with(&get("/clients/1"), &format!("Referer: {page}"))).text(), CLIENT, "{page}");
    }
    assert_eq!(server.ask(&get("/clients/2")).status(), 404);
    let server = Running::of(Server::new(api()).allow_origin("http://localhost:3000").unwrap());
    assert_eq!(server.ask(&with(&get("/clients/1"), "Referer: http://localhost:3000/app")).text(), CLIENT);
}

#[test]
fn names_of_the_service_are_for_programs_and_never_for_pages_or_control() {
    let server = Running::of(Server::new(api()).control(Control::new()).allow_host("harvestapp.com").unwrap());
    for host in ["demo.harvestapp.com", "evil.harvestapp.com:7557", "a.b.HARVESTAPP.com.", "harvestapp.com"] {
        assert_eq!(server.ask(&from_host(host)).text(), CLIENT, "{host}");
        assert_eq!(server.ask(&get(&format!("http://{host}/clients/1"))).text(), CLIENT, "{host}");
        for path in
            ["/_clientstore", "/_clientstore/", "/_clientstore/state", "/_clientstore/journal", "/_clientstore/x"]
        {
            assert_forbidden(&server.ask(&get(path).replace("localhost", host)));
            assert_forbidden(&server.ask(&get(&format!("http://{host}{path}"))));
        }
        assert_forbidden(&server.ask(&post("/_clientstore/reset", "").replace("localhost", host)));
        for header in [
            format!("Origin: http://{host}"),
            format!("Referer: http://{host}/"),
            "Origin: null".to_owned(),
            "Sec-Fetch-Site: same-origin".to_owned(),
            "Sec-Fetch-Site: same-site".to_owned(),
        ] {
            assert_forbidden(&server.ask(&with(&from_host(host), &header)));
            assert_forbidden(&server.ask(&with(&post("/clients", NEW).replace("localhost", host), &header)));
        }
        // Somebody typed the address.
        assert_eq!(server.ask(&with(&from_host(host), "Sec-Fetch-Site: none")).text(), CLIENT, "{host}");
    }
    assert_eq!(server.ask(&get("/clients/2")).status(), 404);
    assert_eq!(server.ask(&get("/_clientstore/state")).status(), 200);
    let server = Running::of(Server::new(api()).allow_origin("http://localhost:3000").unwrap());
    let page = with(&from_host("demo.harvestapp.com"), "Origin: http://localhost:3000");
    assert_eq!(server.ask(&page).header("Access-Control-Allow-Origin"), Some("http://localhost:3000"));
}

#[test]
fn a_name_with_a_leading_dot_allows_all_names_below_it() {
    let server = Running::of(Server::new(api()).allow_host(".harvest.test").unwrap());
    for host in ["a.harvest.test", "a.b.Harvest.Test:80"] {
        assert_eq!(server.ask(&from_host(host)).text(), CLIENT, "{host}");
    }
    for host in ["harvest.test", "xharvest.test", "a.harvest.test.example"] {
        assert_forbidden(&server.ask(&from_host(host)));
    }
}

#[test]
fn what_could_never_match_is_not_allowed() {
    let server = || Server::new(api());
    for origin in ["http://localhost:*", "http://*.example.com", "null", "localhost", "http://localhost/app"] {
        let Err(AllowError::Origin { given, reason }) = server().allow_origin(origin) else { panic!("{origin}") };
        assert!(given == origin && !reason.is_empty());
    }
    for host in ["*.harvest.test", "http://harvest.test", "harvest.test:80", "0.0.0.0", "[::]", ""] {
        let Err(AllowError::Host { given, reason }) = server().allow_host(host) else { panic!("{host}") };
        assert!(given == host && !reason.is_empty());
    }
    // Browsers leave out a scheme's own port.
    let server = Running::of(server().allow_origin("http://app.example:80").unwrap());
    let answer = server.ask(&with(&get("/clients/1"), "Origin: http://app.example"));
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("http://app.example"));
}
