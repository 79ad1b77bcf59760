//! Random and malformed requests: every answer keeps to the rules of answers, none is our fault, and the store is
//! whole at the end. `CLIENTSTORE_RANDOM_REQUESTS` says how many each test sends.

mod api;
mod common;
mod random;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use api::Service;
use clientstore::{Api, Client, ClientStore, DayEntryChanges, Dialect, Durability, Invoice, Project, json, xml};
use common::{Clock, Random, assert_whole, builder, plain};

/// Where nobody says how many.
const REQUESTS: usize = 8_000;

fn requests() -> usize {
    let given = std::env::var("CLIENTSTORE_RANDOM_REQUESTS");
    given.map_or(REQUESTS, |count| count.parse().expect("CLIENTSTORE_RANDOM_REQUESTS is a number"))
}

#[test]
fn random_requests_never_fail_nor_break_the_store_documented() {
    run(1, Dialect::Documented);
}

#[test]
fn random_requests_never_fail_nor_break_the_store_live() {
    run(2, Dialect::Live);
}

#[test]
fn more_random_requests_never_fail_nor_break_the_store_documented() {
    run(3, Dialect::Documented);
}

#[test]
fn more_random_requests_never_fail_nor_break_the_store_live() {
    run(4, Dialect::Live);
}

fn run(seed: u64, dialect: Dialect) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let clock = Clock::default();
    let store = builder(&clock).durability(Durability::Off).open(&path).unwrap();
    let service = Service { api: Api::new(store.clone()).dialect(dialect), clock };
    // What has time recorded stays, so that there is something to record time for, and approved time stays.
    service.client("SuprCorp");
    service.project(1, "Website");
    for task in [1, 2] {
        service.create("/projects/1/task_assignments", &format!("<task><id>{task}</id></task>"));
        let of = format!("<project_id>1</project_id><task_id>{task}</task_id>");
        service.create("/daily/add", &format!("<request>{of}<hours>1</hours></request>"));
        store.day_entries().update(task, &DayEntryChanges::new().is_closed(true)).unwrap();
    }
    let (statuses, in_json) = send(&service, seed);
    // The requests went everywhere.
    for status in [200, 201, 400, 404, 405] {
        assert!(statuses.get(&status).is_some_and(|count| *count > requests() / 100), "{statuses:?}");
    }
    assert!(in_json > requests() / 4, "{in_json} answers with a body in JSON");
    check(&store, &path);
}

/// How many answers had each status, and how many were in JSON.
fn send(service: &Service, seed: u64) -> (BTreeMap<u16, usize>, usize) {
    let mut random = Random(seed);
    let mut statuses = BTreeMap::new();
    let mut in_json = 0;
    let mut newest = 0;
    for number in 0..requests() {
        let request = random.request(newest);
        let shown = request.clone();
        let answer = catch_unwind(AssertUnwindSafe(|| service.send(request)));
        let answer = answer.unwrap_or_else(|_| panic!("seed {seed}, request {number}: {shown:?}"));
        assert!(answer.status < 500, "seed {seed}, request {number}: {shown:?}\n{}", answer.whole());
        let is_json = answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        in_json += usize::from(is_json);
        if answer.status >= 400 && shown.method() != http::Method::HEAD {
            let body = answer.body.as_bytes();
            let read = if is_json { json::read_error(body) } else { xml::read_error(body) };
            assert!(read.is_ok(), "seed {seed}, request {number}: {shown:?}");
        }
        if let Some(id) = answer.location().filter(|_| answer.status == 201).and_then(|path| path.rsplit('/').next()) {
            newest = newest.max(id.parse().unwrap());
        }
        if random.percent(5) {
            service.clock.forward(1 + random.below(100_000) as i64);
        }
        *statuses.entry(answer.status).or_default() += 1;
    }
    (statuses, in_json)
}

/// The file is whole, its rules hold, every record is readable, and a dump of it loads again.
fn check(store: &ClientStore, path: &std::path::Path) {
    assert_whole(&plain(path));
    let read = |list: &str| {
        let mut document = Vec::new();
        let count = store.dump_list(list, &mut document, |_| {}).unwrap();
        assert!(count > 0, "{list} is empty");
        (document, count as usize)
    };
    let ((clients, client_count), (projects, project_count), (invoices, invoice_count)) =
        (read("clients"), read("projects"), read("invoices"));
    read("day-entries");
    assert_eq!(xml::read_list::<Client>(&clients).unwrap().len(), client_count);
    assert_eq!(xml::read_list::<Project>(&projects).unwrap().len(), project_count);
    assert_eq!(xml::read_list::<Invoice>(&invoices).unwrap().len(), invoice_count);

    let (mut dump, mut again) = (Vec::new(), Vec::new());
    store.dump(&mut dump, |_| {}).unwrap();
    let copy = ClientStore::open_in_memory().unwrap();
    copy.load([("the dump", dump.as_slice())], |_| {}).unwrap();
    copy.dump(&mut again, |_| {}).unwrap();
    assert!(dump == again, "the second dump differs");

    let (mut in_json, mut again) = (Vec::new(), Vec::new());
    store.dump_json(&mut in_json, |_| {}).unwrap();
    let copy = ClientStore::open_in_memory().unwrap();
    copy.load([("the dump in JSON", in_json.as_slice())], |_| {}).unwrap();
    copy.dump(&mut again, |_| {}).unwrap();
    assert!(dump == again, "the dump of what came by JSON differs");
}
