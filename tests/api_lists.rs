//! Lists: their roots, and how long ones are streamed.

mod api;
mod common;

use api::{DECLARATION, Service, answer, frames};
use clientstore::{Api, ClientStore, Dialect, Durability, NewClient};
use common::{Clock, builder, plain};
use http::{Request, Response};
use http_body::Body as _;

fn asked(api: &Api, method: &str, path: &str) -> Response<clientstore::Body> {
    api.handle(Request::builder().method(method).uri(path).body("").unwrap())
}

/// Stores in memory and in a file, with `clients` clients of about 600 bytes each.
fn stores(folder: &tempfile::TempDir, clients: usize) -> [ClientStore; 2] {
    let builder = || builder(&Clock::default()).durability(Durability::Off);
    let stores = [builder().open_in_memory().unwrap(), builder().open(folder.path().join("store.db")).unwrap()];
    let details = "123 Main St.\nFish & Chips\n".repeat(20);
    for store in &stores {
        let client = |number| NewClient::named(format!("Client {number}")).details(&*details);
        assert_eq!(store.clients().create_all((1..=clients).map(client)).unwrap(), clients as u64);
    }
    stores
}

#[test]
fn empty_lists_are_their_roots_in_both_dialects() {
    for (service, list, document) in [
        (Service::new(), "clients", "<clients></clients>\n".to_owned()),
        (Service::new(), "projects", "<projects></projects>\n".to_owned()),
        (Service::new(), "invoices", "<invoices type=\"array\"></invoices>\n".to_owned()),
        (Service::live(), "clients", format!("{DECLARATION}<clients type=\"array\"></clients>\n")),
        (Service::live(), "projects", format!("{DECLARATION}<projects type=\"array\"></projects>\n")),
        (Service::live(), "invoices", format!("{DECLARATION}<invoices type=\"array\"></invoices>\n")),
    ] {
        assert_eq!(service.get(&format!("/{list}")).body, document, "{list}");
    }
}

#[test]
fn projects_and_invoices_are_the_same_in_both_dialects_but_for_declaration_and_root() {
    let (documented, live) = (Service::new(), Service::live());
    for service in [&documented, &live] {
        service.client("SuprCorp");
        service.project(1, "Website");
        service.invoice(1, "<subject>A &amp; B</subject><number>2011-007</number><tax>5</tax>");
    }
    for path in ["/projects/1", "/invoices/1", "/invoices"] {
        assert_eq!(live.get(path).body, format!("{DECLARATION}{}", documented.get(path).body), "{path}");
    }
    let body = documented.get("/projects").body.replace("<projects>", "<projects type=\"array\">");
    assert_eq!(live.get("/projects").body, format!("{DECLARATION}{body}"));
}

#[test]
fn an_invoice_to_the_byte() {
    let service = Service::new();
    service.client("SuprCorp");
    service.invoice(1, "");
    let list = include_str!("fixtures/invoices-live.xml");
    let invoice = list.rsplit_once("  <invoice>\n").unwrap().1.split_once("  </invoice>").unwrap().0;
    // The fixture's was made one second later.
    let fields = invoice.replace("    <", "  <").replace("10:00:01Z", "10:00:00Z");
    // The single invoice alone has its lines, here none.
    let lines = "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\n";
    let lines = format!("  <csv-line-items>{lines}</csv-line-items>\n");
    assert_eq!(service.get("/invoices/1").body, format!("<invoice>\n{fields}{lines}</invoice>\n"));
}

/// A part of the clients, though all are in it; only whole lists are kept.
const PART: &str = "/clients?updated_since=2011-03-31";

#[test]
fn a_long_list_is_streamed_and_the_same_as_its_pieces() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder, 500) {
        for dialect in [Dialect::Documented, Dialect::Live] {
            let api = Api::new(store.clone()).dialect(dialect);
            let response = asked(&api, "GET", PART);
            assert_eq!(response.headers().get("content-length"), None);
            assert_eq!(response.headers()["content-type"], "application/xml; charset=utf-8");
            assert_eq!(response.headers()["status"], "200 OK");
            assert_eq!(response.headers().len(), 2);
            let hint = response.body().size_hint();
            assert_eq!((hint.lower(), hint.upper()), (0, None));
            assert!(!response.body().is_end_stream());
            let pieces = frames(response.into_body());
            assert!(pieces.len() > 3, "{}", pieces.len());
            assert!(pieces.iter().all(|piece| piece.len() < 70_000), "a piece is about 64 KiB");
            let whole = asked(&api, "GET", PART).into_body().into_bytes().unwrap();
            assert_eq!(pieces.concat(), whole);
            let mut written = Vec::new();
            store.clients().write_list(&Default::default(), dialect, &mut written).unwrap();
            assert_eq!(whole, written);
            // All of it is read at once, and kept.
            let response = asked(&api, "GET", "/clients");
            assert_eq!(response.body().size_hint().exact(), Some(written.len() as u64));
            assert_eq!(response.headers()["content-length"], written.len().to_string());
            assert_eq!(response.into_body().into_bytes().unwrap(), written);
        }
    }
}

#[test]
fn a_short_list_has_its_length() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder, 80) {
        let response = asked(&Api::new(store), "GET", "/clients");
        let length: u64 = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
        assert_eq!(response.body().size_hint().exact(), Some(length));
        assert!(length > 40_000, "{length}");
        assert_eq!(response.into_body().into_bytes().unwrap().len() as u64, length);
    }
}

#[test]
fn head_of_a_long_list_has_its_headers_and_no_body() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder, 500) {
        let api = Api::new(store);
        let head = asked(&api, "HEAD", PART);
        assert_eq!(head.headers(), asked(&api, "GET", PART).headers());
        assert!(head.body().is_end_stream());
        assert_eq!(answer(head).body, "");
    }
}

#[test]
fn a_streamed_list_of_a_file_shows_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let [_, store] = stores(&folder, 500);
    let api = Api::new(store.clone());
    let before = asked(&api, "GET", PART).into_body().into_bytes().unwrap();
    let begun = asked(&api, "GET", PART);
    assert_eq!(asked(&api, "DELETE", "/clients/499").status(), 200);
    assert_eq!(asked(&api, "POST", "/clients/500/toggle").status(), 200);
    store.clients().create(&NewClient::named("New")).unwrap();
    assert_eq!(frames(begun.into_body()).concat(), before);
    assert_ne!(asked(&api, "GET", PART).into_body().into_bytes().unwrap(), before);
}

#[test]
fn a_streamed_list_that_is_dropped_half_way_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(&folder, 500) {
        let api = Api::new(store);
        for _ in 0..50 {
            let begun = asked(&api, "GET", PART);
            assert!(begun.headers().get("content-length").is_none());
        }
        assert_eq!(asked(&api, "POST", "/clients/1/toggle").status(), 200);
        let inactive = asked(&api, "GET", "/clients/1").into_body().into_bytes().unwrap();
        assert!(inactive.windows(9).any(|bytes| bytes == b">false</a"));
    }
}

#[test]
fn damage_in_the_middle_of_a_streamed_list_is_an_error_of_its_body() {
    let folder = tempfile::tempdir().unwrap();
    let [_, store] = stores(&folder, 500);
    plain(&folder.path().join("store.db"))
        .execute_batch(
            "PRAGMA ignore_check_constraints = ON; UPDATE clients SET name = CAST(x'FF' AS TEXT) WHERE id = 400",
        )
        .unwrap();
    let response = asked(&Api::new(store), "GET", PART);
    assert_eq!(response.status(), 200);
    let error = response.into_body().into_bytes().unwrap_err();
    assert!(matches!(error, clientstore::Error::Corrupt { table: "clients", id: 400, .. }), "{error}");
}

#[test]
fn damage_in_a_list_that_is_to_be_kept_is_told_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let [_, store] = stores(&folder, 500);
    plain(&folder.path().join("store.db"))
        .execute_batch("UPDATE clients SET name = CAST(x'FF' AS TEXT) WHERE id = 400")
        .unwrap();
    let response = asked(&Api::new(store), "GET", "/clients");
    assert_eq!(response.status(), 500);
    let error = response.extensions().get::<clientstore::Error>();
    assert!(matches!(error, Some(clientstore::Error::Corrupt { table: "clients", id: 400, .. })), "{error:?}");
}

#[test]
fn a_list_that_was_kept_is_the_list_that_the_store_holds() {
    let folder = tempfile::tempdir().unwrap();
    let own = builder(&Clock::default()).durability(Durability::Off).exclusive(true);
    let own = own.open(folder.path().join("own.db")).unwrap();
    own.clients().create_all((0..500).map(|number| NewClient::named(format!("{number}")))).unwrap();
    for store in stores(&folder, 500).into_iter().chain([own]) {
        let (api, live) = (Api::new(store.clone()), Api::new(store.clone()).dialect(Dialect::Live));
        for round in 0..20 {
            let fresh = |dialect| {
                let mut document = Vec::new();
                store.clients().write_list(&Default::default(), dialect, &mut document).unwrap();
                document
            };
            // In one, in pieces, and as it was kept of either; more of them on each round's first.
            for _ in 0..3 {
                for (api, dialect) in [(&api, Dialect::Documented), (&live, Dialect::Live)] {
                    let whole = asked(api, "GET", "/clients").into_body().into_bytes().unwrap();
                    assert!(whole == fresh(dialect), "round {round}");
                    let pieces = frames(asked(api, "GET", "/clients").into_body());
                    assert!(pieces.concat() == whole, "round {round}");
                }
            }
            match (round % 4, folder.path().join("store.db")) {
                (0, _) => drop(store.clients().create(&NewClient::named("new")).unwrap()),
                (1, _) => drop(api.handle(Request::put("/clients/7").body("<client><name>x</name></client>").unwrap())),
                // Half a list was read before the write.
                (2, _) => {
                    let half = asked(&api, "GET", "/clients").into_body();
                    store.clients().delete(100 + round).unwrap();
                    let rest = half.into_bytes().unwrap();
                    assert!(rest.starts_with(b"<clients>"));
                }
                (_, path) => drop(plain(&path).execute("UPDATE clients SET name = name || '!'", []).unwrap()),
            }
        }
    }
}
