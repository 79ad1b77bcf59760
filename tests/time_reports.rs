//! Reports on time, over the API and typed (`docs/spec/time.md`, "Reports").

mod api;
mod common;

use api::{Answer, DECLARATION, Service};
use clientstore::{
    ClientStore, DayEntryChanges, DayEntryFilter, Dialect, NewDayEntry, NewPerson, NewTaskAssignment,
    NewUserAssignment, TaskAssignmentChanges,
};
use common::day;
use rust_decimal::Decimal;

/// Two people on two projects, on both with a billable and an unbillable task.
fn company() -> Service {
    let service = Service::new();
    service.client("Iridesco");
    let store = service.api.store();
    store.people().create(&NewPerson::named("Jo", "Doe", "jo@example.com")).unwrap();
    for project in [1, 2] {
        service.project(1, "Click and Type");
        store.user_assignments().create(&NewUserAssignment::of(project, 2)).unwrap();
        for task in [1, 2] {
            let id = store.task_assignments().create(&NewTaskAssignment::of(project, task)).unwrap();
            store.task_assignments().update(id, &TaskAssignmentChanges::new().billable(task == 2)).unwrap();
        }
    }
    service
}

fn entry(store: &ClientStore, (user, project, task): (i64, i64, i64), on: &str) -> i64 {
    store
        .day_entries()
        .create(&NewDayEntry::of(user, project, task, day(on)).hours(Decimal::new(150, 2)))
        .unwrap()
        .into()
}

const ALL: &str = "from=20110301&to=2011-03-31";

#[test]
fn a_report_is_a_document_to_the_byte_in_both_formats() {
    for (dialect, head) in [(Dialect::Documented, ""), (Dialect::Live, DECLARATION)] {
        let service = company().with(|api| api.dialect(dialect));
        let store = service.api.store();
        entry(store, (1, 1, 2), "2011-03-30");
        let new = NewDayEntry::of(1, 1, 1, day("2011-03-29")).notes("a & b".to_owned()).is_closed(true);
        store.day_entries().create(&new.hours(Decimal::TWO)).unwrap();
        store.day_entries().start_timer(1).unwrap();
        service.clock.forward(3_600);
        let xml = format!("{head}{}", include_str!("fixtures/day-entries.xml"));
        for path in
            ["/projects/1/entries", "/projects/1/entries.xml", "/people/1/entries", "/people/admin@example.com/entries"]
        {
            assert_eq!(service.get(&format!("{path}?{ALL}")).body, xml, "{path}");
            let path = format!("{}.json?{ALL}", path.trim_end_matches(".xml"));
            assert_eq!(service.get(&path).body, include_str!("fixtures/day-entries.json"), "{path}");
        }
        let empty = format!("{head}<day-entries type=\"array\"></day-entries>\n");
        assert_eq!(service.get(&format!("/projects/2/entries?{ALL}")).body, empty);
        assert_eq!(service.get(&format!("/projects/2/entries.json?{ALL}")).body, "[]\n");
    }
}

#[test]
fn from_and_to_are_required_and_the_hint_says_so() {
    let service = company();
    for (query, missing) in [
        ("", "from"),
        ("?to=20110331", "from"),
        ("?from=&to=20110331", "from"),
        ("?from=20110301", "to"),
        ("?from=20110301&to=+", "to"),
    ] {
        for path in ["/projects/1/entries", "/people/1/entries"] {
            let answer = service.get(&format!("{path}{query}"));
            let hint = format!("{missing} is required; send from and to, each a day like 20110331");
            assert_eq!((answer.status, answer.hint()), (400, Some(&*hint)), "{path}{query}");
        }
    }
    assert_eq!(service.get("/projects/1/entries?from=soon&to=20110331").status, 400);
    for path in ["/projects/9/entries", "/people/9/entries", "/people/nobody@example.com/entries"] {
        assert_eq!(service.get(&format!("{path}?{ALL}")).status, 404, "{path}");
    }
    assert_eq!(service.call("POST", "/projects/1/entries", "").header("allow"), Some("GET, HEAD"));
}

#[test]
fn every_filter_narrows_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let clock = common::Clock::default();
    let store = common::builder(&clock).open(folder.path().join("store.db")).unwrap();
    let loaded = company();
    let mut document = Vec::new();
    loaded.api.store().dump(&mut document, |_| {}).unwrap();
    store.load([("dump", &*document)], |_| {}).unwrap();
    let service = Service { api: clientstore::Api::new(store), clock };
    let store = service.api.store();
    let days = ["2011-03-03", "2011-03-02", "2011-03-01", "2011-03-02", "2011-04-01", "2011-02-28"];
    for (at, on) in days.into_iter().enumerate() {
        let (user, task) = (1 + at as i64 % 2, if at < 3 { 1 } else { 2 });
        entry(store, (user, 1, task), on);
    }
    entry(store, (1, 2, 2), "2011-03-02");
    service.clock.forward(60);
    store.day_entries().update(2, &DayEntryChanges::new().is_closed(true)).unwrap();
    let sql = common::plain(&folder.path().join("store.db"));
    sql.execute_batch("UPDATE day_entries SET is_billed = 1 WHERE id IN (1, 2)").unwrap();
    let ids = |path: &str| service.get(path).ids();
    for (query, expected) in [
        ("", &[3, 2, 4, 1][..]),
        ("&user_id=1", &[3, 1]),
        ("&user_id=2", &[2, 4]),
        ("&user_id=x", &[]),
        ("&user_id=", &[3, 2, 4, 1]),
        ("&project_id=2", &[3, 2, 4, 1]),
        ("&billable=yes", &[4]),
        ("&billable=no", &[3, 2, 1]),
        ("&billable=maybe", &[3, 2, 4, 1]),
        ("&only_billed=yes", &[2, 1]),
        ("&only_billed=no", &[3, 2, 4, 1]),
        ("&only_unbilled=yes", &[3, 4]),
        ("&only_unbilled=true", &[3, 2, 4, 1]),
        ("&is_closed=yes", &[2]),
        ("&is_closed=no", &[3, 4, 1]),
        ("?is_closed=no", &[3, 4, 1]),
        ("?is_closed=no?billable=yes", &[4]),
        ("&updated_since=2011-03-31+10:01", &[2]),
        ("&other=1", &[3, 2, 4, 1]),
    ] {
        assert_eq!(ids(&format!("/projects/1/entries?{ALL}{query}")), expected, "{query}");
    }
    assert_eq!(ids(&format!("/people/1/entries?{ALL}")), [3, 7, 1]);
    assert_eq!(ids(&format!("/people/1/entries?{ALL}&project_id=2&user_id=2")), [7]);
    assert_eq!(ids("/projects/1/entries?from=20110302&to=20110302"), [2, 4]);
    let typed = |filter: DayEntryFilter| -> Vec<i64> {
        store.day_entries().list(&filter).unwrap().map(|entry| entry.unwrap().id.into()).collect()
    };
    let of_project = DayEntryFilter::new().project(1);
    assert_eq!(typed(DayEntryFilter::new()), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(typed(of_project.clone()), [6, 3, 2, 4, 1, 5]);
    assert_eq!(typed(of_project.clone().billable(true).to(day("2011-03-31"))), [6, 4]);
    assert_eq!(typed(of_project.clone().billed(false).from(day("2011-03-01"))), [3, 4, 5]);
    assert_eq!(typed(of_project.closed(true).user(2)), [2]);
}

#[test]
fn a_long_report_is_read_piece_by_piece_in_the_order_of_its_days() {
    let service = company();
    let store = service.api.store();
    let notes = "n".repeat(3_000);
    let new = (0..400u32).map(|at| {
        let on = chrono::NaiveDate::from_ymd_opt(2011, 3, 1 + at * 7 % 10).unwrap();
        NewDayEntry::of(1 + i64::from(at % 3 == 0), 1, 2, on).notes(notes.clone()).hours(Decimal::new(i64::from(at), 2))
    });
    store.day_entries().create_all(new).unwrap();
    // One alone is longer than a piece.
    let long = NewDayEntry::of(1, 1, 2, day("2011-03-05")).notes("x".repeat(200_000));
    store.day_entries().create(&long).unwrap();
    let of = |answer: &Answer, name: &str| -> Vec<String> {
        let list: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        list.as_array().unwrap().iter().map(|entry| entry["day_entry"][name].to_string()).collect()
    };
    let report = service.get(&format!("/projects/1/entries.json?{ALL}"));
    assert_eq!(report.header("content-length"), None, "it is sent in pieces");
    let keys: Vec<(String, i64)> =
        of(&report, "spent_at").into_iter().zip(of(&report, "id").iter().map(|id| id.parse().unwrap())).collect();
    assert!(keys.len() == 401 && keys.is_sorted(), "{} entries", keys.len());
    let sum: Decimal = of(&report, "hours").iter().map(|hours| hours.parse::<Decimal>().unwrap()).sum();
    assert_eq!(sum, Decimal::new((0..400).sum(), 2));
    let xml = service.get(&format!("/projects/1/entries?{ALL}")).ids();
    assert_eq!(xml, keys.iter().map(|(_, id)| *id).collect::<Vec<_>>());
    let of_people: usize =
        [1, 2].map(|id| service.get(&format!("/people/{id}/entries?{ALL}")).ids().len()).iter().sum();
    assert_eq!(of_people, 401);
}
