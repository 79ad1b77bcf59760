//! The table of answers: each status with all of its headers and its body, to the byte, in both
//! dialects.

mod api;
mod common;

use api::{DECLARATION, Service, answer, frames};
use clientstore::{Api, Dialect, Error};
use common::{Clock, builder, plain};
use http::Request;

const CLIENT: &str = "<client><name>SuprCorp</name></client>";

/// An answer without a body.
fn bare(status: &str, location: Option<&str>) -> String {
    let location = location.map(|path| format!("location: {path}\n")).unwrap_or_default();
    format!("{}\ncontent-length: 0\n{location}status: {status}\n\n", &status[..3])
}

/// An answer with a document, and one more header, which stands in order.
fn document(status: &str, more: &str, body: &str) -> String {
    let mut headers = vec![
        format!("content-length: {}\n", body.len()),
        "content-type: application/xml; charset=utf-8\n".to_owned(),
        format!("status: {status}\n"),
    ];
    if !more.is_empty() {
        headers.push(format!("{more}\n"));
    }
    headers.sort();
    format!("{}\n{}\n{body}", &status[..3], headers.concat())
}

#[test]
fn every_answer_of_a_clients_life_to_the_byte() {
    for (service, declaration) in [(Service::new(), ""), (Service::live(), DECLARATION)] {
        let error = |message: &str| format!("{declaration}{}", api::error(message));
        let empty =
            if declaration.is_empty() { "<clients></clients>\n" } else { "<clients type=\"array\"></clients>\n" };
        let steps = [
            ("GET /clients", "", document("200 OK", "", &format!("{declaration}{empty}"))),
            ("POST /clients", CLIENT, bare("201 Created", Some("/clients/1"))),
            ("PUT /clients/1", "<client><details>x</details></client>", bare("200 OK", Some("/clients/1"))),
            ("POST /clients/1/toggle", "", bare("200 OK", Some("/clients/1"))),
            ("PUT /clients/1/toggle", "", bare("200 OK", Some("/clients/1"))),
            (
                "POST /projects",
                "<project><client-id>1</client-id><name>Website</name></project>",
                bare("201 Created", Some("/projects/1")),
            ),
            (
                "POST /clients/1/toggle",
                "",
                document(
                    "400 Bad Request",
                    "hint: Client has active projects: 1 active project; deactivate, move or delete them first",
                    &error("Client has active projects."),
                ),
            ),
            (
                "PUT /clients/1",
                "<client><active>false</active></client>",
                document(
                    "400 Bad Request",
                    "hint: Client has active projects: 1 active project; deactivate, move or delete them first",
                    &error("Client has active projects."),
                ),
            ),
            ("PUT /projects/1/toggle", "", bare("200 OK", Some("/projects/1"))),
            ("POST /clients/1/toggle", "", bare("200 OK", Some("/clients/1"))),
            (
                "POST /projects/1/toggle",
                "",
                document(
                    "400 Bad Request",
                    "hint: Client is inactive: 1 inactive client; activate the client first",
                    &error("Client is inactive."),
                ),
            ),
            ("POST /invoices", "<invoice><client-id>1</client-id></invoice>", bare("201 Created", Some("/invoices/1"))),
            (
                "DELETE /clients/1",
                "",
                document(
                    "400 Bad Request",
                    "hint: Client has projects or invoices: 1 project and 1 invoice; \
                     delete or move them first, or deactivate the client instead",
                    &error("Client has projects or invoices."),
                ),
            ),
            (
                "POST /clients",
                "<client/>",
                document("400 Bad Request", "hint: name is required", &error("name is required")),
            ),
            ("PUT /invoices/1", "<invoice><notes>x</notes></invoice>", bare("200 OK", Some("/invoices/1"))),
            ("DELETE /invoices/1", "", bare("200 OK", None)),
            ("DELETE /projects/1", "", bare("200 OK", None)),
            ("DELETE /clients/1", "", bare("200 OK", None)),
            ("DELETE /clients/1", "", document("404 Not Found", "", &error("There is no client 1."))),
            ("GET /nowhere", "", document("404 Not Found", "", &error("There is no such path."))),
            (
                "PATCH /clients",
                "",
                document(
                    "405 Method Not Allowed",
                    "allow: GET, HEAD, POST",
                    &error("This path takes GET, HEAD, POST."),
                ),
            ),
        ];
        for (request, body, expected) in steps {
            let (method, path) = request.split_once(' ').unwrap();
            assert_eq!(service.call(method, path, body).whole(), expected, "{request}");
        }
    }
}

#[test]
fn an_id_is_not_used_again() {
    let service = Service::new();
    assert_eq!(service.client("First"), "/clients/1");
    assert_eq!(service.call("DELETE", "/clients/1", "").status, 200);
    assert_eq!(service.client("Second"), "/clients/2");
}

#[test]
fn a_clients_document_in_both_dialects_to_the_byte() {
    let body = include_str!("fixtures/client-post.xml");
    let shared = "    <id type=\"integer\">1</id>\n    <name>Company LLC</name>\n    \
                  <active type=\"boolean\">true</active>\n    <details>123 Main St.\nThird Floor\n\
                  New York, NY 10011\nUSA\n212-555-1212\n212-555-1213 (fax)\nhttp://www.company.com</details>\n";
    let live = "    <highrise-id type=\"integer\" nil=\"true\"></highrise-id>\n    \
                <cache-version type=\"integer\">0</cache-version>\n    \
                <currency>United States Dollar - USD</currency>\n    <currency-symbol>$</currency-symbol>\n    \
                <default-invoice-timeframe nil=\"true\"></default-invoice-timeframe>\n    \
                <last-invoice-kind nil=\"true\"></last-invoice-kind>\n    \
                <created-at type=\"datetime\">2011-03-31T10:00:00Z</created-at>\n    \
                <updated-at type=\"datetime\">2011-03-31T10:00:00Z</updated-at>\n    \
                <statement-key nil=\"true\"></statement-key>\n";
    for (service, declaration, root, more) in
        [(Service::new(), "", "<clients>", ""), (Service::live(), DECLARATION, "<clients type=\"array\">", live)]
    {
        service.create("/clients", body);
        let list = format!("{declaration}{root}\n  <client>\n{shared}{more}  </client>\n</clients>\n");
        assert_eq!(service.get("/clients").whole(), document("200 OK", "", &list));
        let fields = format!("{shared}{more}").replace("    <", "  <");
        let one = format!("{declaration}<client>\n{fields}</client>\n");
        assert_eq!(service.get("/clients/1").whole(), document("200 OK", "", &one));
    }
}

#[test]
fn every_successful_write_moves_updated_at_and_counts() {
    let service = Service::live();
    let path = service.client("SuprCorp");
    let writes = [("PUT", "", "<client/>"), ("POST", "/toggle", ""), ("PUT", "/toggle", ""), ("PUT", "", CLIENT)];
    for (count, (method, action, body)) in (1..).zip(writes) {
        service.clock.forward(1);
        assert_eq!(service.call(method, &format!("{path}{action}"), body).status, 200);
        assert_eq!(service.put(&path, "<client><name/></client>").status, 400);
        let client = service.get(&path).body;
        assert!(client.contains(&format!("<cache-version type=\"integer\">{count}<")), "{client}");
        assert!(client.contains(&format!("<updated-at type=\"datetime\">2011-03-31T10:00:0{count}Z<")), "{client}");
        assert!(client.contains("<created-at type=\"datetime\">2011-03-31T10:00:00Z<"), "{client}");
    }
}

#[test]
fn a_store_that_another_program_keeps_locked_answers_503_with_retry_after() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = builder(&Clock::default()).busy_timeout(std::time::Duration::ZERO).open(&path).unwrap();
    let api = Api::new(store);
    let other = plain(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = answer(api.handle(Request::post("/clients").body(CLIENT).unwrap()));
    let message = "The store is busy: somebody else is writing to it; try again in a second.";
    let expected = document("503 Service Unavailable", "retry-after: 1", &api::error(message));
    assert_eq!(refused.whole(), expected);
    for (path, header, value) in [
        ("/clients.json", "Host", "localhost"),
        ("/clients", "Accept", "application/json"),
        ("/clients", "Content-Type", "application/json"),
        ("/clients", "Host", "localhost"),
    ] {
        let request = Request::post(path).header(header, value).body(r#"{"client":{"name":"A"}}"#).unwrap();
        let in_json = expected
            .replace("application/xml", "application/json")
            .replace(&api::error(message), &format!("{{\"message\":\"{message}\"}}\n"))
            .replace(
                &format!("content-length: {}", api::error(message).len()),
                &format!("content-length: {}", message.len() + 15),
            );
        assert_eq!(answer(api.handle(request)).whole(), in_json, "{path} {header}");
    }
    assert_eq!(answer(api.handle(Request::get("/clients").body("").unwrap())).body, "<clients></clients>\n");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(answer(api.handle(Request::post("/clients").body(CLIENT).unwrap())).status, 201);
}

#[test]
fn a_damaged_file_answers_500_without_internals_and_the_error_goes_along() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let api = Api::new(builder(&Clock::default()).open(&path).unwrap());
    assert_eq!(api.handle(Request::post("/clients").body(CLIENT).unwrap()).status(), 201);
    plain(&path)
        .execute_batch("PRAGMA ignore_check_constraints = ON; UPDATE clients SET name = CAST(x'FF' AS TEXT)")
        .unwrap();
    for target in ["/clients/1", "/clients", "/clients.xml?updated_since=2001-01-01"] {
        let response = api.handle(Request::get(target).body("").unwrap());
        let error = response.extensions().get::<Error>().cloned();
        assert!(matches!(error, Some(Error::Corrupt { table: "clients", id: 1, .. })), "{error:?}");
        let shown = answer(response);
        let message = api::error("Something went wrong here; it is no fault of the request.");
        assert_eq!(shown.whole(), document("500 Internal Server Error", "", &message), "{target}");
    }
}

#[test]
fn the_error_behind_an_answer_is_among_its_extensions() {
    let service = Service::new();
    let error = |method: &str, path: &str, body: &str| {
        let request = Request::builder().method(method).uri(path).body(body.to_owned()).unwrap();
        service.api.handle(request).extensions().get::<Error>().cloned()
    };
    assert!(error("POST", "/clients", CLIENT).is_none());
    assert!(matches!(error("GET", "/clients/9", ""), Some(Error::NotFound { record: "client", id: 9 })));
    assert!(matches!(error("PUT", "/clients/1", "<x/>"), Some(Error::Xml { line: 1, .. })));
    assert!(matches!(error("POST", "/clients", "<client/>"), Some(Error::Invalid { field: "name", .. })));
}

#[test]
fn an_api_is_cheap_to_clone_and_answers_from_many_threads() {
    let service = Service::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let api = service.api.clone();
            scope.spawn(move || {
                for _ in 0..25 {
                    let created = answer(api.handle(Request::post("/clients").body(CLIENT).unwrap()));
                    let path = created.location().unwrap().to_owned();
                    assert_eq!(answer(api.handle(Request::get(path).body("").unwrap())).status, 200);
                }
            });
        }
    });
    assert_eq!(service.get("/clients").ids(), (1..=100).collect::<Vec<_>>());
}

#[test]
fn a_whole_body_is_one_frame_and_an_empty_one_is_none() {
    let service = Service::new().with(|api| api.dialect(Dialect::Live));
    let handle =
        |method: &str| service.api.handle(Request::builder().method(method).uri("/clients").body(CLIENT).unwrap());
    assert_eq!(frames(handle("POST").into_body()), [[0; 0]; 0]);
    let whole = handle("GET").into_body().into_bytes().unwrap();
    assert_eq!(frames(handle("GET").into_body()), [whole.to_vec()]);
}
