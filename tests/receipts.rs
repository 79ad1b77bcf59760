//! Receipts over the API, typed and in dumps (`docs/spec/time.md`, "Receipts").

mod api;
mod common;

use api::Service;
use clientstore::{Api, ClientStore, NewClient, NewExpense, NewProject, Receipt};
use common::{builder, day};
use http::{Request, Response};

/// A store with one expense.
fn store() -> ClientStore {
    filled(builder(&common::Clock::default()).open_in_memory().unwrap())
}

fn filled(store: ClientStore) -> ClientStore {
    let client = store.clients().create(&NewClient::named("Iridesco")).unwrap();
    let project = store.projects().create(&NewProject::of(client, "Website")).unwrap();
    store.expenses().create(&NewExpense::of(project, 1, day("2011-03-31"))).unwrap();
    store
}

const TYPE: &str = "multipart/form-data; boundary=__X_ATTACH_BOUNDARY__";

/// A form with a receipt, as the programs sent it.
fn form(file_name: &str, content_type: Option<&str>, bytes: &[u8]) -> Vec<u8> {
    let typed = content_type.map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
    let disposition = format!("Content-Disposition: form-data; name=\"expense[receipt]\"; filename=\"{file_name}\"");
    let head = format!("--__X_ATTACH_BOUNDARY__\r\n{disposition}\r\n{typed}\r\n");
    [head.as_bytes(), bytes, b"\r\n--__X_ATTACH_BOUNDARY__--\r\n"].concat()
}

fn post(path: &str, content_type: &str, body: Vec<u8>) -> Request<Vec<u8>> {
    Request::post(path).header("content-type", content_type).body(body).unwrap()
}

fn sent(api: &Api, body: Vec<u8>) -> u16 {
    api.handle(post("/expenses/1/receipt", TYPE, body)).status().as_u16()
}

fn shown(api: &Api) -> (Response<()>, Vec<u8>) {
    let (head, body) = api.handle(Request::get("/expenses/1/receipt").body("").unwrap()).into_parts();
    (Response::from_parts(head, ()), body.into_bytes().unwrap().to_vec())
}

#[test]
fn a_receipt_comes_back_as_it_was_sent_and_replaces_the_former_one() {
    let clock = common::Clock::default();
    let service = Service { api: Api::new(filled(builder(&clock).open_in_memory().unwrap())), clock };
    let before = service.get("/expenses/1/receipt");
    assert_eq!((before.status, before.message()), (404, "There is no receipt 1."));
    service.clock.forward(60);
    for bytes in ["GIF89a one", "GIF89a\r\n--\r\ntwo\n"] {
        let answer = service.send(post("/expenses/1/receipt", TYPE, form("lunch.gif", None, bytes.as_bytes())));
        assert_eq!((answer.status, answer.location(), &*answer.body), (200, Some("/expenses/1/receipt"), ""));
        let answer = service.get("/expenses/1/receipt");
        assert_eq!((answer.header("content-type"), &*answer.body), (Some("image/gif"), bytes));
        assert_eq!(answer.header("content-disposition"), Some("inline; filename=\"lunch.gif\""));
        let head = service.call("HEAD", "/expenses/1/receipt", "");
        assert_eq!(head.header("content-length"), Some(&*bytes.len().to_string()));
    }
    let expense = service.api.store().expenses().get(1).unwrap();
    assert_eq!((expense.has_receipt, expense.receipt_url.as_deref()), (true, Some("/expenses/1/receipt")));
    assert_eq!(expense.updated_at, service.clock.now(), "a receipt is a write to its expense");
    let answer = service.send(post("/expenses/9/receipt", TYPE, form("a.gif", None, b"x")));
    assert_eq!((answer.status, answer.message()), (404, "There is no expense 9."));
    service.api.store().expenses().delete(1).unwrap();
    assert_eq!(service.get("/expenses/1/receipt").status, 404);
}

#[test]
fn a_missing_final_boundary_is_forgiven() {
    let api = Api::new(store());
    let whole = form("a.png", None, b"\x89PNG\r\n\x1a\n123");
    for cut in [0, 2, 4] {
        assert_eq!(sent(&api, whole[..whole.len() - cut].to_vec()), 200);
        assert_eq!(shown(&api).1, b"\x89PNG\r\n\x1a\n123");
    }
}

#[test]
fn no_receipt_runs_as_a_page() {
    let api = Api::new(store());
    let page = b"<html><script>alert(1)</script></html>";
    for (name, told, served) in [
        ("a.html", Some("text/html"), None),
        ("a.svg", Some("image/svg+xml"), None),
        ("a.xml", Some("text/xml"), None),
        ("a.xhtml", Some("application/xhtml+xml"), None),
        ("a.js", Some("text/javascript"), None),
        ("a.html", None, None),
        ("a.html", Some("text/html; charset=utf-8"), None),
        ("a", Some("TEXT/HTML"), None),
        ("a", Some("no type"), None),
        ("a.png", Some("image/png"), Some("image/png")),
        ("a.txt", None, Some("text/plain")),
        ("a", Some("text/plain; charset=utf-8"), Some("text/plain")),
        ("a", Some("application/pdf"), Some("application/pdf")),
        ("a", Some("Image/JPEG"), Some("image/jpeg")),
    ] {
        assert_eq!(sent(&api, form(name, told, page)), 200, "{name} {told:?}");
        let (head, bytes) = shown(&api);
        assert_eq!(bytes, page);
        let header = |name: &str| head.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-type"), served.unwrap_or("application/octet-stream"), "{name} {told:?}");
        let kind = if served.is_some() { "inline" } else { "attachment" };
        assert_eq!(header("content-disposition"), format!("{kind}; filename=\"{name}\""));
    }
}

#[test]
fn a_body_without_a_receipt_is_refused_with_a_hint() {
    let clock = common::Clock::default();
    let service = Service { api: Api::new(filled(builder(&clock).open_in_memory().unwrap())), clock };
    let other =
        |from: &str, to: &str| String::from_utf8(form("a.gif", None, b"x")).unwrap().replace(from, to).into_bytes();
    for (content_type, body) in [
        (TYPE, Vec::new()),
        (TYPE, b"@/home/jo/lunch.gif".to_vec()),
        (TYPE, other("; filename=\"a.gif\"", "")),
        (TYPE, other("a.gif", "")),
        (TYPE, other("expense[receipt]", "receipt")),
        (TYPE, form("a.gif", None, b"")),
        (TYPE, form(&"a".repeat(256), None, b"x")),
        (TYPE, form("a.gif", None, &vec![0; 10 * 1024 * 1024 + 1])),
        (TYPE, other("\r\n\r\nx", "\r\nContent-Length: 2\r\n\r\nx")),
        (TYPE, other("\r\n\r\nx", &("\r\nA: b".repeat(10_000) + "\r\n\r\nx"))),
        (TYPE, other("x\r\n", &("x\r\n".to_owned() + &"--__X_ATTACH_BOUNDARY__\r\n\r\n\r\n".repeat(10_000)))),
        ("multipart/form-data", form("a.gif", None, b"x")),
        ("image/gif", b"GIF89a".to_vec()),
        ("", b"<expense/>".to_vec()),
    ] {
        let answer = service.send(post("/expenses/1/receipt", content_type, body));
        assert_eq!(answer.status, 400, "{content_type} {answer:?}");
    }
    let answer = service.send(post("/expenses/1/receipt", TYPE, other("; filename=\"a.gif\"", "")));
    let hint = "receipt is required; send it in the part expense[receipt], with a file name";
    assert_eq!(answer.hint(), Some(hint));
    assert_eq!(service.get("/expenses/1/receipt").status, 404, "none was kept");
}

#[test]
fn the_longest_receipt_is_sent_in_pieces_from_one_moment_and_loads_from_a_dump() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(builder(&common::Clock::default()).open(folder.path().join("store.db")).unwrap());
    let api = Api::new(store.clone());
    let bytes: Vec<u8> = (0..10 * 1024 * 1024_u32).map(|at| (at ^ (at >> 8)) as u8).collect();
    assert_eq!(sent(&api, form("scan.tiff", Some("image/tiff"), &bytes)), 200);
    let response = api.handle(Request::get("/expenses/1/receipt").body("").unwrap());
    assert_eq!(response.headers()["content-length"], bytes.len().to_string());
    // What is written meanwhile is not seen.
    store.expenses().keep_receipt(1, &Receipt::new("b.txt", vec![b'b'; 10 * 1024 * 1024])).unwrap();
    let frames = api::frames(response.into_body());
    assert!(frames.iter().all(|frame| frame.len() <= 128 * 1024), "a piece is no longer than 128 KiB");
    assert!(frames.concat() == bytes);
    assert!(store.check(|_| {}).unwrap().is_clean());

    let mut document = Vec::new();
    store.dump(&mut document, |_| {}).unwrap();
    let copy = ClientStore::open_in_memory().unwrap();
    copy.load([("the dump", &*document)], |_| {}).unwrap();
    assert!(copy.expenses().receipt(1).unwrap() == store.expenses().receipt(1).unwrap());
}

#[test]
fn a_dump_with_a_receipt_loads_and_is_dumped_the_same_in_both_formats() {
    let store = store();
    let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at ^ (at >> 8)) as u8).collect();
    store.expenses().keep_receipt(1, &Receipt::new("scan & more.tiff", bytes)).unwrap();
    let dumped = |store: &ClientStore, json: bool| {
        let mut document = Vec::new();
        match json {
            true => store.dump_json(&mut document, |_| {}).unwrap(),
            false => store.dump(&mut document, |_| {}).unwrap(),
        };
        document
    };
    for json in [false, true] {
        let copy = ClientStore::open_in_memory().unwrap();
        copy.load([("the dump", &*dumped(&store, json))], |_| {}).unwrap();
        assert!(copy.expenses().receipt(1).unwrap() == store.expenses().receipt(1).unwrap(), "json: {json}");
        assert!(dumped(&copy, json) == dumped(&store, json), "json: {json}");
    }
}

#[test]
fn a_dump_carries_a_receipt_in_base64_and_a_broken_one_is_refused() {
    let store = store();
    store.expenses().keep_receipt(1, &Receipt::new("a.txt", "two miles")).unwrap();
    let mut document = Vec::new();
    store.dump(&mut document, |_| {}).unwrap();
    let document = String::from_utf8(document).unwrap();
    let dumped = "      <receipt-name>a.txt</receipt-name>\n      <receipt-type>text/plain</receipt-type>\n      \
                  <receipt-base64>dHdvIG1pbGVz</receipt-base64>\n";
    assert!(document.contains(dumped), "{document}");
    for (from, to) in [
        ("dHdvIG1pbGVz", "d*"),
        ("dHdvIG1pbGVz", ""),
        ("<receipt-name>a.txt</receipt-name>", ""),
        ("text/plain", "plain"),
    ] {
        let copy = ClientStore::open_in_memory().unwrap();
        let broken = document.replace(from, to);
        assert!(copy.load([("the dump", broken.as_bytes())], |_| {}).is_err(), "{to}");
        assert_eq!(copy.expenses().list(&Default::default()).unwrap().count(), 0);
    }
}
