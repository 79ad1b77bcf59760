//! Contacts, and the assignments of tasks and people: typed and over the API (`docs/spec/people.md`).

mod api;
mod common;

use api::{DECLARATION, Service};
use clientstore::{
    AssignmentFilter, ContactFilter, Dialect, Error, NewClient, NewContact, NewPerson, NewProject, NewTask,
    NewTaskAssignment, NewUserAssignment, PersonChanges, Rule, TaskAssignmentChanges, TaskChanges,
    UserAssignmentChanges,
};
use common::{invalid, memory, refusal};
use rust_decimal::Decimal;

const TASKS: &str = "/projects/1/task_assignments";
const USERS: &str = "/projects/1/user_assignments";

/// Client 1 with project 1; person 2 at 12.50 an hour.
fn service(dialect: Dialect) -> Service {
    let service = Service::new().with(|api| api.dialect(dialect));
    service.client("SuprCorp");
    service.project(1, "Website");
    service.create(
        "/people",
        "<user><first-name>Jane</first-name><last-name>Doe</last-name><email>jane@example.com</email>\
         <default-hourly-rate>12.50</default-hourly-rate></user>",
    );
    service
}

#[test]
fn contacts_come_out_to_the_byte_and_every_call_does_what_it_says() {
    for (dialect, head) in [(Dialect::Documented, ""), (Dialect::Live, DECLARATION)] {
        let service = service(dialect);
        service.client("Other");
        let body = "<contact><client-id>1</client-id><first-name>Jo</first-name><last-name>Doe</last-name></contact>";
        assert_eq!(service.create("/contacts", body), "/contacts/1");
        assert_eq!(service.create("/contacts", &body.replace(">1<", ">2<")), "/contacts/2");
        service.clock.forward(60);
        let changes = "<contact><first-name>J&amp;</first-name><email>jo@example.com</email>\
                       <phone-office>1</phone-office><phone_mobile>2</phone_mobile><fax>3</fax><title>CTO</title></contact>";
        let answer = service.put("/contacts/1", changes);
        assert_eq!((answer.status, answer.location()), (200, Some("/contacts/1")));
        let list = format!("{head}{}", include_str!("fixtures/contacts.xml"));
        for path in ["/clients/1/contacts", "/clients/1/contacts.xml", "/clients/1/contacts/"] {
            assert_eq!(service.get(path).body, list, "{path}");
        }
        assert_eq!(service.get("/contacts/1").body, format!("{head}{}", include_str!("fixtures/contact.xml")));
        assert_eq!(service.get("/contacts").ids(), [1, 2]);
        for path in ["/contacts", "/clients/1/contacts"] {
            assert_eq!(service.get(&format!("{path}?updated_since=2011-03-31T10:01:00Z")).ids(), [1], "{path}");
        }
        for field in ["client-id", "first-name", "last-name"] {
            let (before, rest) = body.split_once(&format!("<{field}>")).unwrap();
            let (_, after) = rest.split_once(&format!("</{field}>")).unwrap();
            assert_eq!(service.post("/contacts", &format!("{before}{after}")).status, 400, "{field}");
        }
        assert_eq!(service.get("/clients/9/contacts").status, 404);
        assert_eq!(service.post("/contacts", &body.replace(">1<", ">9<")).status, 400);
        assert_eq!(service.put("/contacts/1", "<contact><client-id>9</client-id></contact>").status, 400);
        assert_eq!(service.put("/contacts/1", "<contact><client-id>2</client-id></contact>").status, 200);
        assert_eq!(service.get("/clients/1/contacts").ids(), [0; 0]);
        assert_eq!(service.get("/clients/2/contacts").ids(), [1, 2]);
        assert_eq!(service.call("DELETE", "/contacts/1", "").status, 200);
        for method in ["GET", "PUT", "DELETE"] {
            assert_eq!(service.call(method, "/contacts/1", changes).status, 404, "{method}");
        }
        assert_eq!(service.call("DELETE", "/clients/2", "").status, 200, "contacts do not hold it back");
        assert_eq!(service.get("/contacts").ids(), [0; 0]);
    }
}

#[test]
fn task_assignments_come_out_to_the_byte_and_every_call_does_what_it_says() {
    for (dialect, head) in [(Dialect::Documented, ""), (Dialect::Live, DECLARATION)] {
        let service = service(dialect);
        service.put("/tasks/1", "<task><billable-by-default>false</billable-by-default></task>");
        service.put("/tasks/2", "<task><default-hourly-rate>80</default-hourly-rate></task>");
        for (body, id) in [
            ("<task><id>1</id></task>", 1),
            ("<task><name>x</name><id type=\"integer\">2</id><is-default>maybe</is-default></task>", 2),
            ("<task-assignment><task-id>3</task-id><billable>maybe</billable><id>1</id></task-assignment>", 3),
        ] {
            assert_eq!(service.create(TASKS, body), format!("{TASKS}/{id}"), "{body}");
        }
        service.clock.forward(60);
        let body = "<task-assignment><billable>1</billable><deactivated>true</deactivated><hourly-rate>5</hourly-rate>\
                    <budget>7.25</budget><task-id>3</task-id><project-id>9</project-id></task-assignment>";
        let answer = service.put(&format!("{TASKS}/1"), body);
        assert_eq!((answer.status, answer.location()), (200, Some(&*format!("{TASKS}/1"))));
        let list = include_str!("fixtures/task-assignments.xml");
        let live = list.replace("<task-assignments>", "<task-assignments type=\"array\">");
        let list = if head.is_empty() { list } else { &live };
        assert_eq!(service.get(TASKS).body, format!("{head}{list}"));
        let one = service.get(&format!("{TASKS}/1"));
        assert_eq!(one.body, format!("{head}{}", include_str!("fixtures/task-assignment.xml")));
        assert_eq!(service.get(&format!("{TASKS}?updated_since=2011-03-31T10:01:00Z")).ids(), [1]);
        // Some programs have a root of their own.
        for (root, budget) in [("taskassignment", "1.5"), ("task", "2.5"), ("hash", "3.5")] {
            let body = format!("<{root}><budget>{budget}</budget></{root}>");
            assert_eq!(service.put(&format!("{TASKS}/2"), &body).status, 200, "{root}");
            assert!(service.get(&format!("{TASKS}/2")).body.contains(&format!(">{budget}</budget>")), "{root}");
        }
        for (method, path) in [("GET", "9"), ("PUT", "9"), ("DELETE", "9")] {
            assert_eq!(service.call(method, &format!("{TASKS}/{path}"), body).status, 404, "{method}");
        }
        service.project(1, "Other");
        for method in ["GET", "PUT", "DELETE"] {
            let other = service.call(method, "/projects/2/task_assignments/1", body);
            assert_eq!(other.status, 404, "{method}: it is another project's");
        }
        assert_eq!(service.get("/projects/9/task_assignments").status, 404);
    }
}

#[test]
fn user_assignments_come_out_to_the_byte_and_every_call_does_what_it_says() {
    for (dialect, head) in [(Dialect::Documented, ""), (Dialect::Live, DECLARATION)] {
        let service = service(dialect);
        assert_eq!(service.get(USERS).ids(), [1], "the person who made the project");
        assert_eq!(service.create(USERS, "<user><id>2</id></user>"), format!("{USERS}/2"));
        service.clock.forward(60);
        let body = "<user-assignment><is-project-manager>true</is-project-manager><budget>7.25</budget>\
                    <hourly-rate>5</hourly-rate><user-id>9</user-id></user-assignment>";
        let answer = service.put(&format!("{USERS}/1"), body);
        assert_eq!((answer.status, answer.location()), (200, Some(&*format!("{USERS}/1"))));
        let list = include_str!("fixtures/user-assignments.xml");
        let live = list.replace("<user-assignments>", "<user-assignments type=\"array\">");
        let list = if head.is_empty() { list } else { &live };
        assert_eq!(service.get(USERS).body, format!("{head}{list}"));
        let one = service.get(&format!("{USERS}/1"));
        assert_eq!(one.body, format!("{head}{}", include_str!("fixtures/user-assignment.xml")));
        let body = "<userassignment><deactivated>true</deactivated></userassignment>";
        assert_eq!(service.put(&format!("{USERS}/2"), body).status, 200);
        assert_eq!(
            service.create(USERS, "<user-assignment><user-id>2</user-id></user-assignment>"),
            format!("{USERS}/2")
        );
        assert!(
            service.get(&format!("{USERS}/2")).body.contains("<deactivated type=\"boolean\">false<"),
            "active again"
        );
        for id in [1, 2] {
            assert_eq!(
                service.call("DELETE", &format!("{USERS}/{id}"), "").status,
                200,
                "{id}: the last one may go, too"
            );
        }
        assert_eq!(service.get(USERS).ids(), [0; 0]);
    }
}

#[test]
fn json_and_forms_assign_like_xml_and_an_id_of_zero_is_none() {
    let service = service(Dialect::Live);
    for (base, one, key) in [(TASKS, "task", "task_id"), (USERS, "user", "user_id")] {
        let dashed = key.replace('_', "-");
        for body in [
            format!("{{\"{one}\":{{\"id\":1}}}}"),
            format!("{{\"{one}\":{{\"id\":\"1\",\"name\":\"x\",\"is_default\":\"maybe\"}}}}"),
            format!("{{\"{one}_assignment\":{{\"{key}\":1}}}}"),
            format!("{{\"{one}-assignment\":{{\"{dashed}\":1,\"id\":0}}}}"),
            format!("{{\"{key}\":1}}"),
            format!("<{one}><id>1</id></{one}>"),
            format!("{one}[id]=1"),
            format!("{one}_assignment[{key}]=1"),
        ] {
            let kind = if body.contains('=') { "application/x-www-form-urlencoded" } else { "" };
            let request = http::Request::post(base).header("content-type", kind).body(body.clone()).unwrap();
            let answer = service.send(request);
            assert_eq!((answer.status, answer.location()), (201, Some(&*format!("{base}/1"))), "{body}: {answer:?}");
        }
        for body in [
            format!("{{\"{one}\":{{\"id\":0}}}}"),
            format!("{{\"{one}\":{{}}}}"),
            format!("{{\"{one}\":{{\"id\":null}}}}"),
            format!("{{\"{one}_assignment\":{{\"{key}\":0}}}}"),
            format!("<{one}><id>0</id></{one}>"),
            format!("<{one}></{one}>"),
            format!("<{one}-assignment><id>1</id></{one}-assignment>"),
            format!("<{one}-assignment><{dashed}></{dashed}></{one}-assignment>"),
        ] {
            let answer = service.post(base, &body);
            assert_eq!(answer.status, 400, "{body}");
            assert!(answer.hint().unwrap().contains("is required"), "{body}: {answer:?}");
        }
        for body in ["", "x", "<hash><id>1</id></hash>", "{", "[]"] {
            assert_eq!(service.post(base, body).status, 400, "{body}");
        }
        for body in [format!("<{one}><id>9</id></{one}>"), format!("{{\"{one}\":{{\"id\":-1}}}}")] {
            assert_eq!(service.post(base, &body).status, 400, "{body}: there is none");
        }
        let gone = base.replace('1', "9");
        assert_eq!(service.post(&gone, &format!("<{one}><id>1</id></{one}>")).status, 404);
        assert_eq!(service.get(base).ids(), [1], "{base}");
    }
}

#[test]
fn what_is_archived_is_not_assigned_and_what_is_assigned_becomes_active_again() {
    let service = service(Dialect::Documented);
    let again = |base: &str, body: &str| {
        let path = service.create(base, body);
        service.put(&path, "<x><deactivated>true</deactivated><budget>5</budget></x>");
        assert_eq!(service.create(base, body), path);
        let shown = service.get(&path).body;
        assert!(shown.contains("<deactivated type=\"boolean\">false<") && shown.contains(">5.0</budget>"), "{shown}");
        service.put(&path, "<x><deactivated>true</deactivated></x>");
        path
    };
    let task = again(TASKS, "<task><id>2</id></task>");
    let user = again(USERS, "<user><id>2</id></user>");
    service.put("/tasks/2", "<task><deactivated>true</deactivated></task>");
    service.post("/people/2/toggle", "");
    for (base, body, path) in [(TASKS, "<task><id>2</id></task>", task), (USERS, "<user><id>2</id></user>", user)] {
        let answer = service.post(base, body);
        assert_eq!(answer.status, 400, "{base}");
        assert!(answer.hint().unwrap().contains("archived"), "{answer:?}");
        assert!(service.get(&path).body.contains("<deactivated type=\"boolean\">true<"), "{path}");
    }
    service.post("/tasks/2/activate", "");
    assert_eq!(service.create(TASKS, "<task><id>2</id></task>"), format!("{TASKS}/1"));
}

#[test]
fn a_task_is_made_and_assigned_at_once_or_the_active_one_of_its_name_is_assigned() {
    let service = service(Dialect::Live);
    let path = format!("{TASKS}/add_with_create_new_task");
    let body = "<task><name>Travel</name><billable-by-default>0</billable-by-default><is-default>true</is-default>\
                <default-hourly-rate>8</default-hourly-rate></task>";
    assert_eq!(service.create(&path, body), format!("{TASKS}/1"));
    let (task, assignment) = (service.get("/tasks/4").body, service.get(&format!("{TASKS}/1")).body);
    assert!(task.contains("<name>Travel<") && task.contains("<is-default type=\"boolean\">true<"), "{task}");
    for part in ["<task-id type=\"integer\">4<", "<billable type=\"boolean\">false<", ">8.0</hourly-rate>"] {
        assert!(assignment.contains(part), "{part}: {assignment}");
    }
    // It is there and active.
    assert_eq!(service.create(&path, "{\"task\":{\"name\":\"Travel\"}}"), format!("{TASKS}/1"));
    assert_eq!(service.create(&path, "{\"task\":{\"name\":\"Programming\"}}"), format!("{TASKS}/2"));
    assert_eq!(service.get("/tasks").ids(), [1, 2, 3, 4]);
    // An archived one of the name is left alone.
    service.put("/tasks/4", "<task><deactivated>true</deactivated></task>");
    assert_eq!(service.create(&path, body), format!("{TASKS}/3"));
    assert_eq!(service.get("/tasks").ids(), [1, 2, 3, 4, 5]);
    for bad in [
        "",
        "<task></task>",
        "<task><name> </name></task>",
        "<task><name>x</name><is-default>maybe</is-default></task>",
    ] {
        assert_eq!(service.post(&path, bad).status, 400, "{bad}");
    }
    assert_eq!(
        service.post("/projects/9/task_assignments/add_with_create_new_task", "<task><name>New</name></task>").status,
        404
    );
    assert_eq!(service.get("/tasks").ids(), [1, 2, 3, 4, 5], "no task without its assignment");
    assert_eq!(service.get(&path).header("allow"), Some("POST"));
}

#[test]
fn the_last_active_task_of_a_project_stays() {
    let service = service(Dialect::Documented);
    for id in [1, 2] {
        service.create(TASKS, &format!("<task><id>{id}</id></task>"));
    }
    service.put(&format!("{TASKS}/1"), "<task-assignment><deactivated>true</deactivated></task-assignment>");
    let answer = service.call("DELETE", &format!("{TASKS}/2"), "");
    assert_eq!((answer.status, answer.message()), (400, "Project needs at least one task."));
    assert_eq!(service.call("DELETE", &format!("{TASKS}/1"), "").status, 200, "an archived one goes");
    assert_eq!(service.get(TASKS).ids(), [2]);
    assert_eq!(service.call("DELETE", "/tasks/2", "").status, 200, "it goes with its task");
    assert_eq!(service.get(TASKS).ids(), [0; 0]);
    service.create(TASKS, "<task><id>1</id></task>");
    assert_eq!(service.call("DELETE", "/projects/1", "").status, 200, "and with its project");
}

#[test]
fn a_new_project_gets_who_makes_it_who_joins_every_project_and_the_default_tasks() {
    let (store, _) = memory();
    let person = |name: &str| NewPerson::named(name, "x", format!("{name}@example.com"));
    let joining = person("a").has_access_to_all_future_projects(true).default_hourly_rate(Decimal::TEN);
    for new in [joining.clone(), person("b"), joining.email("c@example.com").is_active(false)] {
        store.people().create(&new).unwrap();
    }
    store.tasks().update(2, &TaskChanges::new().is_default(true).default_hourly_rate(Decimal::ONE)).unwrap();
    store.tasks().update(3, &TaskChanges::new().is_default(true).deactivated(true)).unwrap();
    let client = store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    let project = store.projects().create(&NewProject::of(client, "Website")).unwrap();
    let people: Vec<_> = store.user_assignments().list(&Default::default()).unwrap().map(Result::unwrap).collect();
    let people: Vec<_> = people.iter().map(|one| (one.user_id, one.project_id, one.hourly_rate)).collect();
    assert_eq!(people, [(1, project, None), (2, project, Some(Decimal::TEN))], "and nobody who is archived");
    let tasks: Vec<_> = store.task_assignments().list(&Default::default()).unwrap().map(Result::unwrap).collect();
    let tasks: Vec<_> = tasks.iter().map(|one| (one.task_id, one.billable, one.hourly_rate)).collect();
    assert_eq!(tasks, [(2, true, Some(Decimal::ONE))], "and none that is archived");
    // All of it or nothing.
    let failed: Result<(), Error> = store.transaction(|tx| {
        tx.projects().create(&NewProject::of(client, "x"))?;
        Err(Error::Missing { path: "x".into() })
    });
    assert!(failed.is_err());
    assert_eq!(store.user_assignments().list(&Default::default()).unwrap().count(), 2);
    store.projects().delete(project).unwrap();
    assert_eq!(store.user_assignments().list(&Default::default()).unwrap().count(), 0);
    assert_eq!(store.task_assignments().list(&Default::default()).unwrap().count(), 0);
}

#[test]
fn the_typed_access_gives_what_was_set_and_refuses_alike() {
    let (store, _) = memory();
    let client = store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    let [one, two] = ["one", "two"].map(|name| store.projects().create(&NewProject::of(client, name)).unwrap());
    let jane = store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
    let (tasks, users) = (store.task_assignments(), store.user_assignments());
    let assigned = tasks.create(&NewTaskAssignment::of(one, 2).billable(false).budget(Decimal::TEN)).unwrap();
    let found = tasks.get(assigned).unwrap();
    assert_eq!(
        (found.billable, found.budget, found.hourly_rate, found.estimate),
        (false, Some(Decimal::TEN), None, None)
    );
    tasks.update(assigned, &TaskAssignmentChanges::new().deactivated(true)).unwrap();
    assert_eq!(tasks.create(&NewTaskAssignment::of(one, 2)).unwrap(), assigned);
    assert!(!tasks.get(assigned).unwrap().deactivated);
    assert_eq!(refusal(tasks.delete(assigned)).0, Rule::ProjectNeedsTask);
    let made = tasks.create_with_new_task(two, &NewTask::named("Travel")).unwrap();
    assert_eq!((tasks.get(made).unwrap().task_id, store.tasks().get(4).unwrap().name), (4, "Travel".to_owned()));
    let failed = tasks.create_with_new_task(9, &NewTask::named("Gone"));
    assert!(matches!(failed, Err(Error::NotFound { record: "project", id: 9 })));
    assert_eq!(store.tasks().list(&Default::default()).unwrap().count(), 4);
    assert!(matches!(tasks.create(&NewTaskAssignment::of(9, 1)), Err(Error::NotFound { record: "project", id: 9 })));
    assert_eq!(invalid(tasks.create(&NewTaskAssignment::of(one, 9))).0, "task-id");
    assert_eq!(invalid(users.create(&NewUserAssignment::of(one, 9))).0, "user-id");
    let assigned = users.create(&NewUserAssignment::of(one, jane).is_project_manager(true)).unwrap();
    users.update(assigned, &UserAssignmentChanges::new().deactivated(true)).unwrap();
    store.people().update(jane, &PersonChanges::new().is_active(false)).unwrap();
    assert_eq!(invalid(users.create(&NewUserAssignment::of(one, jane))).0, "user-id");
    let of = |project| AssignmentFilter { project: Some(project), ..Default::default() };
    assert_eq!(users.list(&of(one)).unwrap().map(|one| one.unwrap().user_id).collect::<Vec<_>>(), [1, jane]);
    assert_eq!(tasks.list(&of(two)).unwrap().map(|one| one.unwrap().task_id).collect::<Vec<_>>(), [4]);
    store.people().delete(jane).unwrap();
    assert!(matches!(users.get(assigned), Err(Error::NotFound { .. })), "it goes with its person");
    let contact = store.contacts().create(&NewContact::of(client, "Jo", "Doe")).unwrap();
    let of = ContactFilter { client: Some(client), ..Default::default() };
    assert_eq!(store.contacts().list(&of).unwrap().map(|one| one.unwrap().id).collect::<Vec<_>>(), [contact]);
    assert_eq!(invalid(store.contacts().create(&NewContact::of(9, "Jo", "Doe"))).0, "client-id");
}
