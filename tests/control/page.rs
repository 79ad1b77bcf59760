//! The page as it is served; `tests/page` looks at it in a browser.

use clientstore::ClientStore;
use clientstore::control::Control;

use crate::fake::{Fake, request};

const PARTS: [(&str, &str); 8] = [
    ("", "text/html; charset=utf-8"),
    ("page/page.css", "text/css; charset=utf-8"),
    ("page/page.js", "text/javascript; charset=utf-8"),
    ("page/common.js", "text/javascript; charset=utf-8"),
    ("page/journal.js", "text/javascript; charset=utf-8"),
    ("page/records.js", "text/javascript; charset=utf-8"),
    ("page/settings.js", "text/javascript; charset=utf-8"),
    ("page/icon.svg", "image/svg+xml"),
];

#[test]
fn every_part_is_served_under_a_policy_that_allows_this_server_only() {
    let fake = Fake::start();
    for (part, content_type) in PARTS {
        let answer = fake.ask("GET", &format!("/_clientstore/{part}"), "");
        assert_eq!((answer.status(), answer.header("Content-Type")), (200, Some(content_type)), "{part}");
        assert_eq!(
            answer.header("Content-Security-Policy"),
            Some(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                 base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "{part}"
        );
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"), "{part}");
        let (bytes, mut head) = (answer.body.len(), fake.connect());
        head.send(request("HEAD", &format!("/_clientstore/{part}"), ""));
        assert_eq!(head.head().header("Content-Length"), Some(bytes.to_string().as_str()), "{part}");
        // No part names another server, but for the name of SVG's elements.
        let text = answer.text().replace("http://www.w3.org/2000/svg", "");
        for word in ["http://", "https://", "\"//", "url(", "innerHTML", "style=", "onclick"] {
            assert!(!text.contains(word), "{part}: {word}");
        }
    }
    let (slash, without) = (fake.ask("GET", "/_clientstore/", ""), fake.ask("GET", "/_clientstore", ""));
    assert_eq!(slash.text(), without.text());
}

#[test]
fn it_is_read_only_and_needs_the_token_and_a_host_and_an_origin_of_its_own() {
    let fake = Fake::with(ClientStore::open_in_memory().unwrap(), Control::new().token("sesame").unwrap());
    for (part, _) in PARTS {
        let ask = |method: &str, headers: &str| {
            let answer = fake.running.ask(&format!("{method} /_clientstore/{part} HTTP/1.1\r\n{headers}\r\n"));
            (answer.status(), answer.header("Www-Authenticate").is_some())
        };
        let token = "Authorization: Basic OnNlc2FtZQ==\r\n";
        assert_eq!(ask("GET", &format!("Host: localhost\r\n{token}")), (200, false), "{part}");
        assert_eq!(ask("GET", "Host: localhost\r\n"), (401, true), "{part}");
        assert_eq!(ask("POST", &format!("Host: localhost\r\n{token}")), (405, false), "{part}");
        assert_eq!(ask("GET", &format!("Host: example.com\r\n{token}")), (403, false), "{part}");
        for foreign in ["Origin: http://example.com", "Origin: null", "Sec-Fetch-Site: cross-site"] {
            assert_eq!(
                ask("GET", &format!("Host: localhost\r\n{foreign}\r\n{token}")),
                (403, false),
                "{part} {foreign}"
            );
        }
    }
}
