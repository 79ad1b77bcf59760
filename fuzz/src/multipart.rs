//! A form in parts that brings a receipt: a line with its `Content-Type`, and the body.

use clientstore::{Api, ClientStore, NewClient, NewExpense, NewProject, Receipt};
use http::{Request, Response};

/// What the expense has before.
const FORMER: &[u8] = b"the former";

pub fn run(data: &[u8]) {
    thread_local! {
        static API: Api = api();
    }
    API.with(|api| send(api, data));
}

fn api() -> Api {
    let store = ClientStore::open_in_memory().unwrap();
    let client = store.clients().create(&NewClient::named("Iridesco")).unwrap();
    let project = store.projects().create(&NewProject::of(client, "Website")).unwrap();
    let day = chrono::NaiveDate::from_ymd_opt(2011, 3, 31).unwrap();
    store.expenses().create(&NewExpense::of(project, 1, day)).unwrap();
    Api::new(store)
}

fn send(api: &Api, data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (kind, body) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let request = Request::post("/expenses/1/receipt").header("Content-Type", kind).body(body);
    // What no header can carry is no case of this one.
    let Ok(request) = request else { return };
    api.store().expenses().keep_receipt(1, &Receipt::new("former.txt", FORMER)).unwrap();
    let status = api.handle(request).status().as_u16();
    let (head, kept) = shown(api);
    match status {
        200 => {
            assert!(!kept.is_empty() && body.windows(kept.len()).any(|part| part == kept), "{kept:?} is no part of it");
            assert!(head.headers()["content-disposition"].to_str().is_ok_and(|name| !name.contains(['\r', '\n'])));
            assert_eq!(head.headers()["x-content-type-options"], "nosniff");
        }
        400 => assert_eq!(kept, FORMER, "a form that is refused leaves the former receipt"),
        other => panic!("it is answered with {other}"),
    }
}

fn shown(api: &Api) -> (Response<()>, Vec<u8>) {
    let (head, body) = api.handle(Request::get("/expenses/1/receipt").body("").unwrap()).into_parts();
    assert_eq!(head.status, 200);
    (Response::from_parts(head, ()), body.into_bytes().unwrap().to_vec())
}
