//! Time tracking over the API, in both formats (`docs/spec/time.md`).

mod api;
mod common;

use api::{Answer, DECLARATION, Service};
use clientstore::Dialect;
use http::Request;

/// A client with an active project, 1, on which the administrator works, with the task 2.
fn company() -> Service {
    let service = Service::new();
    service.client("Iridesco");
    service.project(1, "Click and Type");
    service.create("/projects/1/task_assignments", "<task><id>2</id></task>");
    service
}

fn person(service: &Service, name: &str) -> i64 {
    let body = format!(
        "<user><first-name>{name}</first-name><last-name>Doe</last-name><email>{name}@example.com</email></user>"
    );
    service.create("/people", &body).rsplit_once('/').unwrap().1.parse().unwrap()
}

fn json(service: &Service, method: &str, path: &str, body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    service.send(request.header("accept", "application/json").body(body).unwrap())
}

/// The id and the hours of each entry in a JSON day.
fn entries(answer: &Answer) -> Vec<(i64, String)> {
    let day: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let of = |entry: &serde_json::Value| (entry["id"].as_i64().unwrap(), entry["hours"].to_string());
    day["day_entries"].as_array().unwrap().iter().map(of).collect()
}

#[track_caller]
fn refused(answer: &Answer, hint: &str) {
    assert_eq!((answer.status, answer.hint()), (400, Some(hint)), "{}", answer.whole());
}

const ADD: &str = "<request><notes>Test &amp; rest</notes><hours>2.064</hours><project_id type=\"integer\">1</project_id>\
                   <task-id type=\"integer\">2</task-id><spent_at type=\"date\">Thu, 31 Mar 2011</spent_at></request>";

#[test]
fn a_day_and_its_entries_are_documents_to_the_byte_in_xml() {
    for (dialect, head) in [(Dialect::Documented, ""), (Dialect::Live, DECLARATION)] {
        let service = company().with(|api| api.dialect(dialect));
        let added = service.post("/daily/add", ADD);
        let entry = include_str!("fixtures/day-entry.xml");
        let indented = |root: &str| {
            let lines: String = entry.lines().map(|line| format!("  {line}\n")).collect();
            format!("{head}<{root}>\n{lines}</{root}>\n")
        };
        assert_eq!((added.status, added.location()), (201, Some("/daily/show/1")));
        assert_eq!(added.body, indented("add"));
        for path in ["/daily/show/1", "/daily/show/1.xml", "//daily//show/1/?of_user=1"] {
            assert_eq!(service.get(path).body, indented("timer"), "{path}");
        }
        let day = format!("{head}{}", include_str!("fixtures/daily.xml"));
        for path in ["/daily", "/daily/", "/daily?", "/daily/90/2011", "/daily/090/2011.xml", "/daily/90/2011?slim=0"] {
            assert_eq!(service.get(path).body, day, "{path}");
        }
        let slim = format!("{}</daily>\n", day.split_once("  <projects>").unwrap().0);
        assert_eq!(service.get("/daily/90/2011?slim=1").body, slim);
        let empty = service.get("/daily/005/2012?slim=1&of_user=").body;
        let expected =
            "<daily>\n  <for_day type=\"date\">Thu, 05 Jan 2012</for_day>\n  <day_entries></day_entries>\n</daily>\n";
        assert_eq!(empty, format!("{head}{expected}"));
    }
}

#[test]
fn a_day_and_its_entries_are_documents_to_the_byte_in_json() {
    let service = company();
    let entry = include_str!("fixtures/day-entry.json");
    let body =
        "{\"notes\":\"Test & rest\",\"hours\":2.06,\"project_id\":1,\"task_id\":\"2\",\"spent_at\":\"2011-03-31\"}";
    let added = json(&service, "POST", "/daily/add", body);
    assert_eq!((added.status, added.location(), &*added.body), (201, Some("/daily/show/1"), entry));
    assert_eq!(json(&service, "GET", "/daily/show/1", "").body, entry);
    assert_eq!(service.get("/daily.json").body, include_str!("fixtures/daily.json"));
    let same = json(&service, "POST", "/daily/update/1", &format!("{{\"id\":9,\"request\":{body}}}"));
    assert_eq!((same.status, same.location(), &*same.body), (200, Some("/daily/show/1"), entry));
    let slim = json(&service, "GET", "/daily?slim=1", "").body;
    assert!(
        slim.starts_with("{\"for_day\":\"2011-03-31\",\"day_entries\":[{\"id\":1,") && slim.ends_with("}]}\n"),
        "{slim}"
    );
}

#[test]
fn what_can_be_tracked_stands_by_client_and_project_and_is_active() {
    let service = company();
    for (client, name) in [(2, "Beta"), (3, "alpha"), (4, "Gamma")] {
        assert_eq!(service.client(name), format!("/clients/{client}"));
    }
    for (id, client, name) in [(2, 2, "two"), (3, 3, "z"), (4, 3, "A"), (5, 4, "archived"), (6, 4, "left")] {
        assert_eq!(service.project(client, name), format!("/projects/{id}"));
        service.create(&format!("/projects/{id}/task_assignments"), "<task><id>1</id></task>");
        service.create(&format!("/projects/{id}/task_assignments"), "<task><id>3</id></task>");
    }
    service.put("/projects/5/toggle", "");
    service.put("/projects/6/user_assignments/6", "<user-assignment><deactivated>true</deactivated></user-assignment>");
    service.put("/projects/4/task_assignments/6", "<task-assignment><deactivated>true</deactivated></task-assignment>");
    let day: serde_json::Value = serde_json::from_str(&service.get("/daily.json").body).unwrap();
    let names = |list: &serde_json::Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&day["projects"]), ["A", "z", "two", "Click and Type"]);
    assert_eq!(names(&day["projects"][0]["tasks"]), ["Project Management"]);
    assert_eq!(names(&day["projects"][1]["tasks"]), ["Admin", "Project Management"]);
}

#[test]
fn requests_are_read_in_every_form() {
    let service = company();
    let day = |answer: &Answer| answer.body.split_once("<spent_at type=\"date\">").unwrap().1[..10].to_owned();
    for (spent_at, expected) in [
        ("Tue, 17 Oct 2006", "2006-10-17"),
        ("2009/12/28", "2009-12-28"),
        ("2017-1-18", "2017-01-18"),
        ("20061017", "2006-10-17"),
        ("2006-10-17T23:00:00-05:00", "2006-10-17"),
        ("Mon Dec 28 00:00:00 -0500 2009", "2009-12-28"),
        ("", "2011-03-31"),
    ] {
        let body = format!(
            "<request><hours>1:30</hours><project-id>1</project-id><task_id>2</task_id><spent_at>{spent_at}</spent_at></request>"
        );
        let added = service.post("/daily/add", &body);
        assert_eq!((added.status, day(&added)), (201, expected.to_owned()), "{spent_at}");
        assert!(added.body.contains("<hours type=\"float\">1.5</hours>"), "{}", added.body);
    }
    for form in [
        "notes=n&hours=1&project_id=1&task_id=2&spent_at=2006-10-17",
        "request[notes]=n&request[hours]=1&request[project_id]=1&request[task_id]=2&request[spent_at]=20061017",
    ] {
        let typed = Request::post("/daily/add").header("content-type", "application/x-www-form-urlencoded");
        let answers = [
            service.send(typed.body(form).unwrap()),
            service.post(&format!("/daily/add?{form}").replace('[', "%5B").replace(']', "%5D"), ""),
        ];
        for added in answers {
            assert_eq!((added.status, day(&added)), (201, "2006-10-17".to_owned()), "{form}");
            assert!(added.body.contains("<notes>n</notes>"), "{}", added.body);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_and_the_hint_says_what() {
    let service = company();
    let (jo, add) =
        (person(&service, "jo"), |fields: &str| service.post("/daily/add", &format!("<request>{fields}</request>")));
    let on = "<project_id>1</project_id><task_id>2</task_id>";
    refused(&add("<task_id>2</task_id><hours>1</hours>"), "project-id is required");
    refused(&add("<project_id>1</project_id><hours>1</hours>"), "task-id is required");
    refused(&add(&format!("{on}<hours>24.01</hours>")), "hours is \"24.01\"; an entry has 0 to 24 hours");
    refused(
        &add(&format!("{on}<hours>-0:30</hours>")),
        "hours \"-0:30\" is no number of hours; send one like 1.5 or 1:30",
    );
    refused(&add(&format!("{on}<hours>-1</hours>")), "hours is \"-1\"; an entry has 0 to 24 hours");
    refused(
        &add(&format!("{on}<hours>1</hours><spent_at>soon</spent_at>")),
        "spent-at \"soon\" is no day; send one like 2006-10-17 or Tue, 17 Oct 2006",
    );
    refused(
        &add("<project_id>9</project_id><task_id>2</task_id>"),
        "project-id is 9, but there is no such project; create it first",
    );
    refused(
        &add("<project_id>1</project_id><task_id>9</task_id>"),
        "task-id is 9, but there is no such task; create it first",
    );
    refused(
        &add("<project_id>1</project_id><task_id>3</task_id>"),
        "task-id is 3, and that task is not assigned to project 1; assign it first",
    );
    refused(
        &add(&format!("{on}<of_user>{jo}</of_user>")),
        "project-id is 1, and person 2 is not assigned to that project; assign them first",
    );
    service.create("/projects/1/task_assignments", "<task><id>3</id></task>");
    let third = "<project_id>1</project_id><task_id>3</task_id><hours>1</hours>";
    assert_eq!(add(third).status, 201);
    service.put("/projects/1/task_assignments/2", "<task-assignment><deactivated>true</deactivated></task-assignment>");
    refused(&add(third), "task-id is 3, and that task is not assigned to project 1; assign it first");
    service.put("/projects/1/toggle", "");
    refused(&add(on), "project-id is 1, and that project is not active; activate it first");
    // What an entry has already may be said again.
    let update = |fields: &str| service.put("/daily/update/1", &format!("<request>{fields}</request>"));
    assert_eq!(update("<project_id>1</project_id><task_id>3</task_id><notes>late</notes>").status, 200);
    refused(&update(on), "project-id is 1, and that project is not active; activate it first");
    let malformed = service.post("/daily/add", "<timer><hours>1</hours></timer>");
    assert!(malformed.hint().unwrap().contains("<request>"), "{malformed:?}");
    for path in ["/daily/0/2011", "/daily/366/2011", "/daily/367/2012", "/daily/5/0", "/daily/x/2011", "/daily/1/20110"]
    {
        assert_eq!(service.get(path).status, 404, "{path}");
    }
    assert_eq!(service.get("/daily/366/2012").status, 200);
}

#[test]
fn entries_are_of_one_person_and_of_user_acts_for_another() {
    let service = company();
    let jo = person(&service, "jo");
    service.create("/projects/1/user_assignments", &format!("<user><id>{jo}</id></user>"));
    let of_jo = format!("?of_user={jo}");
    let body = "<request><hours>1</hours><project_id>1</project_id><task_id>2</task_id></request>";
    assert_eq!(service.post(&format!("/daily/add{of_jo}"), body).location(), Some("/daily/show/1"));
    let said = body.replace("<hours>", "<of_user>2</of_user><hours>");
    assert_eq!(service.post("/daily/add", &said).location(), Some("/daily/show/2"));
    assert_eq!(entries(&service.get("/daily.json")), []);
    let both = [(1, "1".to_owned()), (2, "1".to_owned())];
    assert_eq!(entries(&service.get(&format!("/daily.json{of_jo}"))), both);
    for (method, path) in [
        ("GET", "/daily/show/1"),
        ("GET", "/daily/timer/1"),
        ("POST", "/daily/update/1"),
        ("DELETE", "/daily/delete/1"),
    ] {
        for query in ["", "?of_user=1", "?of_user=99", "?of_user=x"] {
            let answer = service.call(method, &format!("{path}{query}"), "<request><notes>x</notes></request>");
            assert_eq!(answer.status, 404, "{method} {path}{query}");
        }
    }
    assert_eq!(entries(&service.get(&format!("/daily.json{of_jo}"))), both);
    assert_eq!(
        service.call("DELETE", &format!("/daily/delete/1{of_jo}"), "").whole(),
        "200\ncontent-length: 0\nstatus: 200 OK\n\n"
    );
    assert_eq!(service.get(&format!("/daily/show/1{of_jo}")).status, 404);
    assert_eq!(service.post("/daily/timer/2", "<request><of_user>2</of_user></request>").status, 200);
}

#[test]
fn a_timer_counts_by_the_clock_and_starting_one_stops_the_other() {
    let service = company();
    let body = "<request><notes>n</notes><hours> </hours><project_id>1</project_id><task_id>2</task_id></request>";
    let added = service.post("/daily/add", body);
    assert!(added.body.contains("<hours type=\"float\">0.0</hours>"), "{}", added.body);
    let started = "<timer_started_at type=\"datetime\">Thu, 31 Mar 2011 10:00:00 +0000</timer_started_at>";
    assert!(added.body.contains(started), "{}", added.body);
    service.clock.forward(1_800);
    let shown: serde_json::Value = serde_json::from_str(&service.get("/daily/show/1.json").body).unwrap();
    assert_eq!((&shown["hours"], &shown["hours_without_timer"]), (&0.5.into(), &0.into()));
    assert_eq!(shown["timer_started_at"], "2011-03-31T10:00:00Z");
    // Without hours a new entry's timer starts, and stops the first.
    let second = service.post(
        "/daily/add",
        "<request><project_id>1</project_id><task_id>2</task_id><spent_at>2009-12-28</spent_at></request>",
    );
    let previous =
        "  <hours_for_previously_running_timer type=\"float\">0.5</hours_for_previously_running_timer>\n</add>\n";
    assert!(second.body.ends_with(previous), "{}", second.body);
    assert!(!service.get("/daily/show/1").body.contains("timer_started_at"));
    service.clock.forward(36);
    let stopped = service.get("/daily/timer/2");
    assert!(stopped.body.contains("<hours type=\"float\">0.01</hours>"), "{}", stopped.body);
    assert!(!stopped.body.contains("timer_started_at") && !stopped.body.contains("previously"), "{}", stopped.body);
    // What is stopped starts again with its time.
    service.post("/daily/timer/1", "");
    service.clock.forward(3_600);
    let other = json(&service, "POST", "/daily/timer/2", "{}");
    let other: serde_json::Value = serde_json::from_str(&other.body).unwrap();
    assert_eq!((&other["id"], &other["hours_for_previously_running_timer"]), (&2.into(), &1.5.into()));
    // Hours that are given to a running timer count from now; the same as are shown change nothing.
    service.clock.forward(3_600);
    let given = service.put("/daily/update/2", "<request><hours>3</hours></request>");
    assert!(given.body.contains("<hours type=\"float\">3.0</hours>"), "{}", given.body);
    service.clock.forward(3_600);
    assert!(service.get("/daily/timer/2").body.contains("<hours type=\"float\">4.0</hours>"));
    // Blank hours start the timer of an entry.
    let blank = service.put("/daily/update/1", "<request><hours></hours><notes>again</notes></request>");
    assert!(blank.body.contains("<notes>again</notes>") && blank.body.contains("timer_started_at"), "{}", blank.body);
    // A day has 24 hours.
    service.clock.forward(90 * 3_600);
    assert!(service.get("/daily/show/1").body.contains("<hours type=\"float\">24.0</hours>"));
    assert!(service.get("/daily/timer/1").body.contains("<hours type=\"float\">24.0</hours>"));
    // The clock may go back.
    service.put("/daily/update/1", "<request><hours></hours></request>");
    service.clock.forward(-3_600);
    assert!(service.get("/daily/timer/1").body.contains("<hours type=\"float\">24.0</hours>"));
}

#[test]
fn only_get_and_post_turn_a_timer() {
    let service = company();
    service.post("/daily/add", ADD);
    for method in ["HEAD", "PUT", "DELETE"] {
        let answer = service.call(method, "/daily/timer/1", "");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, POST")), "{method}");
    }
    assert_eq!(service.call("PUT", "/daily/add", ADD).header("allow"), Some("POST"));
    assert_eq!(service.get("/daily/update/1").header("allow"), Some("POST, PUT"));
    assert_eq!(service.get("/daily/delete/1").header("allow"), Some("DELETE"));
    assert_eq!(service.call("HEAD", "/daily", "").status, 200);
    assert!(!service.get("/daily/show/1").body.contains("timer_started_at"));
}

#[test]
fn what_has_time_is_archived_or_stays() {
    let service = company();
    let (jo, add) =
        (person(&service, "jo"), "<request><hours>1</hours><project_id>1</project_id><task_id>2</task_id></request>");
    service.create("/projects/1/user_assignments", &format!("<user><id>{jo}</id></user>"));
    service.create("/projects/1/task_assignments", "<task><id>3</id></task>");
    service.post(&format!("/daily/add?of_user={jo}"), add);
    let delete = |path: &str| service.call("DELETE", path, "");
    let archived = |path: &str, hint: &str| {
        let answer = delete(path);
        assert_eq!((answer.status, answer.hint(), &*answer.body), (200, Some(hint), ""), "{path}");
        let after = service.get(path).body;
        assert!(after.contains("<deactivated type=\"boolean\">true</deactivated>"), "{path}: {after}");
    };
    let hint = "The assignment has time recorded; it was archived instead.";
    archived("/projects/1/task_assignments/1", hint);
    archived("/projects/1/user_assignments/2", hint);
    archived("/tasks/2", "The task has time recorded; it was archived instead. Activate it to use it again.");
    refused(&delete("/projects/1"), "Project has time or expenses: 1 time entry; make the project inactive instead");
    refused(&delete("/people/2"), "Person has time or expenses: 1 time entry; archive the person instead");
    service
        .put("/projects/1/user_assignments/2", "<user-assignment><deactivated>false</deactivated></user-assignment>");
    service
        .put("/projects/1/task_assignments/1", "<task-assignment><deactivated>false</deactivated></task-assignment>");
    service.post(&format!("/daily/add?of_user={jo}"), add);
    refused(&delete("/people/2"), "Person has time or expenses: 2 time entries; archive the person instead");
    // The last active task stays, with time or without.
    delete("/projects/1/task_assignments/2");
    let last = delete("/projects/1/task_assignments/1");
    assert_eq!((last.status, last.message()), (400, "Project needs at least one task."));
    // Without time all of it goes.
    service.create("/projects/1/task_assignments", "<task><id>3</id></task>");
    for id in [1, 2] {
        assert_eq!(delete(&format!("/daily/delete/{id}?of_user={jo}")).hint(), None);
    }
    for path in
        ["/projects/1/task_assignments/1", "/projects/1/user_assignments/2", "/tasks/2", "/people/2", "/projects/1"]
    {
        let answer = delete(path);
        assert_eq!((answer.status, answer.hint()), (200, None), "{path}");
        assert_eq!(service.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_project_has_the_first_and_the_last_day_with_time() {
    let service = company();
    let days = || {
        let project: serde_json::Value = serde_json::from_str(&service.get("/projects/1.json").body).unwrap();
        ["hint_earliest_record_at", "hint_latest_record_at"]
            .map(|name| project["project"][name].as_str().map(str::to_owned))
    };
    assert_eq!(days(), [None, None]);
    for spent_at in ["2011-03-10", "2011-03-05", "2011-03-20"] {
        service.post("/daily/add", &ADD.replace("Thu, 31 Mar 2011", spent_at));
    }
    assert_eq!(days(), [Some("2011-03-05".to_owned()), Some("2011-03-20".to_owned())]);
    service.put("/daily/update/2", "<request><spent_at>2011-03-15</spent_at></request>");
    service.call("DELETE", "/daily/delete/3", "");
    assert_eq!(days(), [Some("2011-03-10".to_owned()), Some("2011-03-15".to_owned())]);
    for id in [1, 2] {
        service.call("DELETE", &format!("/daily/delete/{id}"), "");
    }
    assert_eq!(days(), [None, None]);
}
