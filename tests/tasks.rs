//! Tasks, typed, over the API and in the file (`docs/spec/people.md`).

mod api;
mod common;

use api::{DECLARATION, Service};
use clientstore::{ClientStore, Dialect, Error, NewTask, TaskChanges, TaskFilter};
use common::{builder, memory, moment, plain};
use rust_decimal::Decimal;

const NAMES: [&str; 3] = ["Admin", "Programming", "Project Management"];

fn names(store: &ClientStore) -> Vec<String> {
    store.tasks().list(&TaskFilter::default()).unwrap().map(|task| task.unwrap().name).collect()
}

#[test]
fn tasks_come_out_to_the_byte_and_every_call_does_what_it_says() {
    let list = include_str!("fixtures/tasks.xml");
    let live = list.replace("<tasks>", "<tasks type=\"array\">");
    for (dialect, head, list) in [(Dialect::Documented, "", list), (Dialect::Live, DECLARATION, &live)] {
        let service = Service::new().with(|api| api.dialect(dialect));
        for path in ["/tasks", "/tasks.xml", "/tasks/"] {
            assert_eq!(service.get(path).body, format!("{head}{list}"), "{path}");
        }
        for bad in ["", "<name> </name>", "<name>x</name><is-default>maybe</is-default>"] {
            assert_eq!(service.post("/tasks", &format!("<task>{bad}</task>")).status, 400, "{bad}");
        }
        assert_eq!(service.create("/tasks", "<task><name>Travel</name></task>"), "/tasks/4");
        service.clock.forward(60);
        let body = "<task><name>Travel &amp; waiting</name><billable_by_default>false</billable_by_default><id>9</id>\
                    <is-default>true</is-default><default-hourly-rate>12.50</default-hourly-rate>\
                    <deactivated>true</deactivated></task>";
        let answer = service.put("/tasks/4", body);
        assert_eq!((answer.status, answer.location(), &*answer.body), (200, Some("/tasks/4"), ""));
        assert_eq!(service.get("/tasks/4").body, format!("{head}{}", include_str!("fixtures/task.xml")));
        assert_eq!(service.get("/tasks?updated_since=2011-03-31T10:01:00Z").ids(), [4]);
        for method in ["POST", "PUT", "POST"] {
            let answer = service.call(method, "/tasks/4/activate", "");
            assert_eq!((answer.status, answer.location()), (200, Some("/tasks/4")), "{method}");
            assert!(service.get("/tasks/4").body.contains("<deactivated type=\"boolean\">false<"), "{method}");
            service.put("/tasks/4", "<task><deactivated>true</deactivated></task>");
        }
        for id in [1, 2, 3, 4] {
            assert_eq!(service.call("DELETE", &format!("/tasks/{id}"), "").status, 200, "{id}");
        }
        assert_eq!(service.get("/tasks").ids(), [0; 0]);
        for (method, path) in
            [("GET", "/tasks/4"), ("PUT", "/tasks/4"), ("DELETE", "/tasks/4"), ("POST", "/tasks/4/activate")]
        {
            assert_eq!(service.call(method, path, "<task><name>x</name></task>").status, 404, "{method} {path}");
        }
        assert_eq!(service.create("/tasks", "<task><name>x</name></task>"), "/tasks/5", "an id is not used again");
        assert_eq!(service.call("DELETE", "/tasks", "").header("allow"), Some("GET, HEAD, POST"));
        assert_eq!(service.get("/tasks/5/activate").header("allow"), Some("POST, PUT"));
    }
}

#[test]
fn the_typed_access_gives_what_was_set_and_defaults() {
    let (store, clock) = memory();
    assert_eq!(names(&store), NAMES);
    let id =
        store.tasks().create(&NewTask::named("Travel").default_hourly_rate(Decimal::TEN).deactivated(true)).unwrap();
    let task = store.tasks().get(id).unwrap();
    assert_eq!((task.billable_by_default, task.is_default, task.deactivated), (true, false, true));
    assert_eq!((task.default_hourly_rate, task.created_at), (Some(Decimal::TEN), moment("2011-03-31T10:00:00Z")));
    clock.forward(1);
    store.tasks().activate(id).unwrap();
    let task = store.tasks().get(id).unwrap();
    assert_eq!((task.deactivated, task.updated_at), (false, moment("2011-03-31T10:00:01Z")));
    assert!(matches!(store.tasks().activate(99), Err(Error::NotFound { record: "task", id: 99 })));
    let since = TaskFilter::new().updated_since(task.updated_at);
    assert_eq!(store.tasks().list(&since).unwrap().map(|task| task.unwrap().id).collect::<Vec<_>>(), [id]);
}

#[test]
fn a_dump_brings_tasks_back_and_not_the_first_ones_that_were_deleted() {
    let (store, _) = memory();
    store.tasks().delete(2).unwrap();
    store.tasks().update(1, &TaskChanges::new().name("Office")).unwrap();
    store.tasks().create(&NewTask::named("Travel")).unwrap();
    let dumped = |store: &ClientStore| {
        let mut document = Vec::new();
        store.dump(&mut document, |_| {}).unwrap();
        String::from_utf8(document).unwrap()
    };
    let (copy, _) = memory();
    copy.load([("dump", dumped(&store).as_bytes())], |_| {}).unwrap();
    assert_eq!(names(&copy), ["Office", "Project Management", "Travel"]);
    assert_eq!(dumped(&copy), dumped(&store));
}

#[test]
fn a_file_of_an_older_version_gets_the_first_tasks_and_shows_them_before() {
    for (at, schema) in [include_str!("schemas/v1.sql"), include_str!("schemas/v2.sql")].into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let version = format!("PRAGMA application_id = 0x6353746F; PRAGMA user_version = {}", at + 1);
        plain(&path).execute_batch(&format!("{schema}; {version}")).unwrap();
        let reading = ClientStore::builder().read_only(true).open(&path).unwrap();
        assert_eq!(names(&reading), NAMES);
        drop(reading);
        assert!(ClientStore::check_file(&path, |_| {}).unwrap().is_clean());
        let store = ClientStore::open(&path).unwrap();
        assert_eq!(names(&store), NAMES);
        assert_eq!(store.tasks().create(&NewTask::named("x")).unwrap(), 4);
    }
}

#[test]
fn the_file_keeps_the_rules_of_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = builder(&Default::default()).open(&path).unwrap();
    let sql = plain(&path);
    for set in [
        "name = ' '",
        "name = NULL",
        "name = 'x' || char(1)",
        "name = 'x' || char(65535)",
        "billable_by_default = 2",
        "is_default = NULL",
        "deactivated = 'x'",
        "default_hourly_rate = '10'",
        "default_hourly_rate = '1.0' || char(0)",
        "updated_at = '2011'",
        "id = id + 10",
    ] {
        assert!(sql.execute_batch(&format!("UPDATE tasks SET {set}")).is_err(), "the file took: {set}");
    }
    assert_eq!(names(&store), NAMES);
    sql.execute_batch("UPDATE tasks SET name = 'back\\slash \\u0001 \\b' || char(9, 10, 13)").unwrap();
    assert!(store.check(|_| {}).unwrap().is_clean());
}
