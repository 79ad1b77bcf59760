//! Who may call which endpoint, by the table of `docs/spec/people.md`.

use http::Request;

use super::contacts::CONTACTS;
use super::endpoint::Caller;
use super::endpoints;
use crate::store::{Command, Reach};
use crate::{
    Api, ClientStore, DayEntryChanges, NewClient, NewContact, NewDayEntry, NewExpense, NewInvoice, NewItemCategory,
    NewMessage, NewPayment, NewPerson, NewProject, NewUserAssignment, Receipt, UserAssignmentChanges,
};

const MANAGER: i64 = 2;
/// A project manager who is on the project, but manages another.
const OTHER_MANAGER: i64 = 3;
const REGULAR: i64 = 4;
/// On no project.
const OUTSIDER: i64 = 5;

/// Everybody who is on project 1, which is client 1's and has task 1.
const ON_THE_PROJECT: &[i64] = &[1, MANAGER, OTHER_MANAGER, REGULAR];
const MANAGES: &[i64] = &[1, MANAGER];
const ADMINISTRATORS: &[i64] = &[1];
const SELF: &[i64] = &[1, REGULAR];
/// Whose time entry 1 is; an administrator reaches it by `of_user`.
const OWN: &[i64] = &[REGULAR];
const EVERYBODY: &[i64] = &[1, MANAGER, OTHER_MANAGER, REGULAR, OUTSIDER];

/// A new invoice that bills time.
const FROM_TIME: &str = "<invoice><client-id>1</client-id><kind>task</kind><projects-to-invoice>1</projects-to-invoice>\
                         <import-hours>all</import-hours></invoice>";

/// Each endpoint, who may call it for the records with the ids of [`path`], and a body that fits.
const TABLE: &[(&str, &str, &[i64], &str)] = &[
    ("GET", "/clients", EVERYBODY, ""),
    ("POST", "/clients", ADMINISTRATORS, "<client><name>a</name></client>"),
    ("GET", "/clients/{id}", ON_THE_PROJECT, ""),
    ("PUT", "/clients/{id}", ADMINISTRATORS, "<client><name>a</name></client>"),
    ("DELETE", "/clients/{id}", ADMINISTRATORS, ""),
    ("POST", "/clients/{id}/toggle", ADMINISTRATORS, ""),
    ("GET", "/projects", EVERYBODY, ""),
    ("POST", "/projects", ADMINISTRATORS, "<project><client-id>1</client-id><name>a</name></project>"),
    ("GET", "/projects/{id}", ON_THE_PROJECT, ""),
    ("PUT", "/projects/{id}", MANAGES, "<project><name>a</name></project>"),
    ("DELETE", "/projects/{id}", MANAGES, ""),
    ("POST", "/projects/{id}/toggle", MANAGES, ""),
    ("GET", "/invoices", ADMINISTRATORS, ""),
    ("POST", "/invoices", ADMINISTRATORS, FROM_TIME),
    ("GET", "/invoices/{id}", ADMINISTRATORS, ""),
    ("PUT", "/invoices/{id}", ADMINISTRATORS, "<invoice><notes>a</notes></invoice>"),
    ("DELETE", "/invoices/{id}", ADMINISTRATORS, ""),
    ("POST", "/invoices/{id}/messages/mark_as_sent", ADMINISTRATORS, ""),
    ("POST", "/invoices/{id}/messages/mark_as_draft", ADMINISTRATORS, ""),
    ("POST", "/invoices/{id}/messages/mark_as_closed", ADMINISTRATORS, ""),
    ("POST", "/invoices/{id}/messages/re_open", ADMINISTRATORS, ""),
    ("GET", "/invoices/{invoice_id}/messages", ADMINISTRATORS, ""),
    ("POST", "/invoices/{invoice_id}/messages", ADMINISTRATORS, "<message><body>a</body></message>"),
    ("GET", "/invoices/{invoice_id}/messages/{id}", ADMINISTRATORS, ""),
    ("DELETE", "/invoices/{invoice_id}/messages/{id}", ADMINISTRATORS, ""),
    ("GET", "/invoices/{invoice_id}/payments", ADMINISTRATORS, ""),
    ("POST", "/invoices/{invoice_id}/payments", ADMINISTRATORS, "<payment><amount>1</amount></payment>"),
    ("GET", "/invoices/{invoice_id}/payments/{id}", ADMINISTRATORS, ""),
    ("DELETE", "/invoices/{invoice_id}/payments/{id}", ADMINISTRATORS, ""),
    ("GET", "/invoice_item_categories", ADMINISTRATORS, ""),
    ("POST", "/invoice_item_categories", ADMINISTRATORS, ""),
    ("GET", "/invoice_item_categories/{id}", ADMINISTRATORS, ""),
    ("PUT", "/invoice_item_categories/{id}", ADMINISTRATORS, ""),
    ("DELETE", "/invoice_item_categories/{id}", ADMINISTRATORS, ""),
    ("GET", "/tasks", EVERYBODY, ""),
    ("POST", "/tasks", ADMINISTRATORS, "<task><name>a</name></task>"),
    ("GET", "/tasks/{id}", ON_THE_PROJECT, ""),
    ("PUT", "/tasks/{id}", ADMINISTRATORS, "<task><name>a</name></task>"),
    ("DELETE", "/tasks/{id}", ADMINISTRATORS, ""),
    ("POST", "/tasks/{id}/activate", ADMINISTRATORS, ""),
    ("GET", "/people", EVERYBODY, ""),
    ("POST", "/people", ADMINISTRATORS, "<user><first-name>a</first-name></user>"),
    ("GET", "/people/{id}", SELF, ""),
    ("PUT", "/people/{id}", ADMINISTRATORS, "<user><is-admin>true</is-admin></user>"),
    ("DELETE", "/people/{id}", ADMINISTRATORS, ""),
    ("POST", "/people/{id}/toggle", ADMINISTRATORS, ""),
    ("POST", "/people/{id}/reset_password", ADMINISTRATORS, ""),
    ("GET", "/contacts", ADMINISTRATORS, ""),
    ("POST", "/contacts", ADMINISTRATORS, ""),
    ("GET", "/contacts/{id}", ADMINISTRATORS, ""),
    ("PUT", "/contacts/{id}", ADMINISTRATORS, ""),
    ("DELETE", "/contacts/{id}", ADMINISTRATORS, ""),
    ("GET", "/clients/{client_id}/contacts", ADMINISTRATORS, ""),
    ("GET", "/projects/{project_id}/task_assignments", MANAGES, ""),
    ("POST", "/projects/{project_id}/task_assignments", MANAGES, "<task><id>2</id></task>"),
    (
        "POST",
        "/projects/{project_id}/task_assignments/add_with_create_new_task",
        MANAGES,
        "<task><name>a</name></task>",
    ),
    ("GET", "/projects/{project_id}/task_assignments/{id}", MANAGES, ""),
    (
        "PUT",
        "/projects/{project_id}/task_assignments/{id}",
        MANAGES,
        "<task-assignment><budget>1</budget></task-assignment>",
    ),
    ("DELETE", "/projects/{project_id}/task_assignments/{id}", MANAGES, ""),
    ("GET", "/projects/{project_id}/user_assignments", MANAGES, ""),
    ("POST", "/projects/{project_id}/user_assignments", MANAGES, "<user><id>5</id></user>"),
    ("GET", "/projects/{project_id}/user_assignments/{id}", MANAGES, ""),
    (
        "PUT",
        "/projects/{project_id}/user_assignments/{id}",
        MANAGES,
        "<user-assignment><budget>1</budget></user-assignment>",
    ),
    ("DELETE", "/projects/{project_id}/user_assignments/{id}", MANAGES, ""),
    ("GET", "/daily", EVERYBODY, ""),
    ("GET", "/daily/{day}/{year}", EVERYBODY, ""),
    ("GET", "/daily/show/{id}", OWN, ""),
    ("GET", "/daily/timer/{id}", OWN, ""),
    ("POST", "/daily/timer/{id}", OWN, ""),
    ("POST", "/daily/add", EVERYBODY, "<request><project_id>1</project_id><task_id>1</task_id></request>"),
    ("POST", "/daily/update/{id}", OWN, "<request><notes>a</notes></request>"),
    ("DELETE", "/daily/delete/{id}", OWN, ""),
    ("GET", "/projects/{project_id}/entries", MANAGES, ""),
    ("GET", "/people/{user_id}/entries", SELF, ""),
    ("GET", "/expense_categories", EVERYBODY, ""),
    ("POST", "/expense_categories", ADMINISTRATORS, "<expense-category><name>a</name></expense-category>"),
    ("GET", "/expense_categories/{id}", EVERYBODY, ""),
    ("PUT", "/expense_categories/{id}", ADMINISTRATORS, "<expense-category><name>a</name></expense-category>"),
    ("DELETE", "/expense_categories/{id}", ADMINISTRATORS, ""),
    ("POST", "/expense_categories/{id}/toggle", ADMINISTRATORS, ""),
    ("GET", "/expenses", EVERYBODY, ""),
    ("GET", "/expenses/{day}/{year}", EVERYBODY, ""),
    ("POST", "/expenses", EVERYBODY, "<expense><project-id>1</project-id></expense>"),
    ("GET", "/expenses/{id}", SELF, ""),
    ("PUT", "/expenses/{id}", SELF, "<expense><notes>a</notes></expense>"),
    ("DELETE", "/expenses/{id}", SELF, ""),
    ("GET", "/expenses/{id}/receipt", SELF, ""),
    ("POST", "/expenses/{id}/receipt", SELF, ""),
    ("GET", "/projects/{project_id}/expenses", MANAGES, ""),
    ("GET", "/people/{user_id}/expenses", SELF, ""),
    ("GET", "/account/who_am_i", EVERYBODY, ""),
    ("GET", "/account/rate_limit_status", EVERYBODY, ""),
];

const DAY: chrono::NaiveDate = chrono::NaiveDate::from_ymd_opt(2011, 3, 31).unwrap();

fn store() -> ClientStore {
    let store = ClientStore::open_in_memory().unwrap();
    let people = [("manager", true), ("other", true), ("regular", false), ("outsider", false)];
    for (name, manages) in people {
        let person = NewPerson::named(name, "a", format!("{name}@example.com")).is_project_manager(manages);
        store.people().create(&person).unwrap();
    }
    for name in ["SuprCorp", "Other"] {
        let client = store.clients().create(&NewClient::named(name)).unwrap();
        store.projects().create(&NewProject::of(client, "Website")).unwrap();
        store.contacts().create(&NewContact::of(client, "Jo", "Doe")).unwrap();
    }
    store.task_assignments().create(&crate::NewTaskAssignment::of(1, 1)).unwrap();
    store.task_assignments().create(&crate::NewTaskAssignment::of(1, 3)).unwrap();
    for (project, person, manages) in
        [(1, MANAGER, true), (1, OTHER_MANAGER, false), (1, REGULAR, true), (2, OTHER_MANAGER, true)]
    {
        let id = store.user_assignments().create(&NewUserAssignment::of(project, person)).unwrap();
        let changes = UserAssignmentChanges::new().is_project_manager(manages);
        store.user_assignments().update(id, &changes).unwrap();
    }
    store.day_entries().create(&NewDayEntry::of(REGULAR, 1, 1, DAY)).unwrap();
    store.expenses().create(&NewExpense::of(1, 1, DAY).user_id(REGULAR)).unwrap();
    store.expenses().keep_receipt(1, &Receipt::new("a.txt", "a")).unwrap();
    store.invoices().create(&NewInvoice::of(1)).unwrap();
    store.messages().create(&NewMessage::of(1, "a")).unwrap();
    store.payments().create(&NewPayment::of(1, 1, chrono::DateTime::UNIX_EPOCH)).unwrap();
    store.item_categories().create(&NewItemCategory::named("a")).unwrap();
    store
}

/// The path for person 4, and for project 1 and what belongs to it.
fn path(pattern: &str) -> String {
    let id = if pattern.starts_with("/people") { "4" } else { "1" };
    let parts = pattern.split('/').map(|part| if part.starts_with('{') { id } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn status(api: &Api, method: &str, path: &str, body: &str) -> u16 {
    api.handle(Request::builder().method(method).uri(path).body(body.to_owned()).unwrap()).status().as_u16()
}

#[test]
fn each_endpoint_is_there_for_whom_the_table_of_roles_says_and_hidden_from_everybody_else() {
    let mut store = store();
    for (method, pattern, who, body) in TABLE {
        let path = path(pattern);
        for person in EVERYBODY.iter().rev() {
            let status = status(&Api::new(store.clone()).as_person(*person), method, &path, body);
            // What a rule refuses is there.
            let is_there = matches!(status, 200 | 201 | 400);
            assert_eq!(is_there, who.contains(person), "{method} {path} as person {person}: {status}");
            assert!(is_there || status == 404, "{method} {path} as person {person}: {status}");
            if is_there && *method != "GET" {
                store = self::store();
            }
        }
        let asks = Api::new(store.clone()).auth("owner", "secret");
        assert_eq!(status(&asks, method, &path, body), 401, "{method} {path}");
    }
}

#[test]
fn the_table_of_roles_has_every_endpoint() {
    for (_, endpoint) in endpoints().filter(|(_, endpoint)| endpoint.by != Caller::Stranger) {
        let rows = TABLE
            .iter()
            .filter(|(method, path, ..)| *path == endpoint.path && endpoint.methods.has(&method.parse().unwrap()));
        assert_eq!(rows.count(), 1, "{} {}", endpoint.methods.names(), endpoint.path);
    }
    assert_eq!(TABLE.len(), endpoints().filter(|(_, endpoint)| endpoint.by != Caller::Stranger).count());
}

#[test]
fn an_endpoint_for_others_than_administrators_has_the_condition_on_what_they_reach() {
    for (resource, endpoint) in endpoints() {
        let Some(resource) = resource else { continue };
        let condition = match endpoint.by {
            Caller::Administrator => continue,
            Caller::Manager => resource.entity.managed,
            Caller::Anybody => resource.entity.seen,
            Caller::Stranger => None,
        };
        assert!(condition.is_some_and(|condition| condition.contains(":actor")), "{}", endpoint.path);
    }
}

#[test]
fn lists_have_only_what_the_person_reaches() {
    let store = store();
    let api = Api::new(store);
    let ids = |person, path: &str| -> Vec<i64> {
        let response = api.clone().as_person(person).handle(Request::get(format!("{path}.json")).body("").unwrap());
        let list: serde_json::Value = serde_json::from_slice(&response.into_body().into_bytes().unwrap()).unwrap();
        let records = list.as_array().unwrap().iter().map(|one| one.as_object().unwrap().values().next().unwrap());
        records.map(|record| record["id"].as_i64().unwrap()).collect()
    };
    for (path, of_each) in [
        ("/projects", [&[1, 2][..], &[1], &[1, 2], &[1], &[]]),
        ("/clients", [&[1, 2], &[1], &[1, 2], &[1], &[]]),
        ("/tasks", [&[1, 2, 3], &[1, 3], &[1, 3], &[1, 3], &[]]),
        ("/people", [&[1, 2, 3, 4, 5], &[2], &[3], &[4], &[5]]),
    ] {
        // The administrator's lists, which are kept, before the others' and after them.
        for person in EVERYBODY.iter().chain(EVERYBODY.iter().rev()) {
            let expected = of_each[usize::try_from(person - 1).unwrap()];
            assert_eq!(ids(*person, path), expected, "{path} as person {person}");
        }
    }
}

#[test]
fn what_ends_an_assignment_or_a_role_hides_at_once() {
    let store = store();
    let api = Api::new(store.clone());
    let see = |person| status(&api.clone().as_person(person), "GET", "/projects/1", "");
    let write =
        |person| status(&api.clone().as_person(person), "PUT", "/projects/1", "<project><notes>a</notes></project>");
    assert_eq!((see(MANAGER), write(MANAGER)), (200, 200));
    store.people().update(MANAGER, &crate::PersonChanges::new().is_project_manager(false)).unwrap();
    assert_eq!((see(MANAGER), write(MANAGER)), (200, 404));
    let theirs = store.user_assignments().list(&Default::default()).unwrap();
    let theirs = theirs.map(|one| one.unwrap()).find(|one| one.user_id == MANAGER && one.project_id == 1).unwrap();
    store.user_assignments().update(theirs.id, &UserAssignmentChanges::new().deactivated(true)).unwrap();
    assert_eq!(see(MANAGER), 404);
}

#[test]
fn a_manager_moves_no_project_to_another_client() {
    let store = store();
    let body = "<project><client-id>2</client-id><notes>moved</notes></project>";
    assert_eq!(status(&Api::new(store.clone()).as_person(MANAGER), "PUT", "/projects/1", body), 200);
    let project = store.projects().get(1).unwrap();
    assert_eq!((i64::from(project.client_id), &*project.notes), (1, "moved"));
    assert_eq!(status(&Api::new(store.clone()).as_person(1), "PUT", "/projects/1", body), 200);
    assert_eq!(store.projects().get(1).unwrap().client_id, 2);
}

#[test]
fn a_command_is_held_to_the_role_of_the_moment_in_which_it_is_applied() {
    let store = store();
    let delete = |reach| Command { reach, ..store.deletion(&CONTACTS, None, 1) };
    for reach in [Reach::Administrator(REGULAR), Reach::Seen(REGULAR), Reach::Managed(MANAGER)] {
        assert!(matches!(store.run(delete(reach)), Err(crate::Error::NotFound { id: 1, .. })), "{reach:?}");
    }
    store.run(delete(Reach::Administrator(1))).unwrap();
}

#[test]
fn who_is_not_an_administrator_acts_for_nobody_and_learns_of_nobody() {
    let api = Api::new(store()).as_person(REGULAR);
    for path in ["/projects?of_user=4", "/projects?of_user=1", "/account/who_am_i?of_user=5"] {
        assert_eq!(status(&api, "GET", path, ""), 404, "{path}");
    }
    let whole = |path: &str| {
        let response = api.handle(Request::get(path).body("").unwrap());
        String::from_utf8(response.into_body().into_bytes().unwrap().to_vec()).unwrap()
    };
    assert_eq!(whole("/people/manager@example.com"), whole("/people/nobody@example.com").replace("nobody", "manager"));
    assert_eq!(status(&api, "GET", "/people/REGULAR@example.com", ""), 200);
}

#[test]
fn a_locked_entry_is_changed_by_administrators_alone_and_reports_have_what_is_managed() {
    let store = store();
    store.day_entries().update(1, &DayEntryChanges::new().is_closed(true)).unwrap();
    let api = Api::new(store.clone());
    let update = |person, query: &str| {
        let body = "<request><notes>a</notes></request>";
        status(&api.clone().as_person(person), "POST", &format!("/daily/update/1{query}"), body)
    };
    assert_eq!((update(REGULAR, ""), update(1, "?of_user=4"), update(MANAGER, "?of_user=4")), (400, 200, 404));
    assert_eq!(status(&api.clone().as_person(REGULAR), "POST", "/daily/timer/1", ""), 400);
    assert_eq!(status(&api.clone().as_person(1), "POST", "/daily/timer/1?of_user=4", ""), 200);
    store.day_entries().create(&NewDayEntry::of(OTHER_MANAGER, 1, 1, DAY)).unwrap();
    let ids = |person, path: &str| -> Vec<i64> {
        let uri = format!("{path}.json?from=20110101&to=20111231");
        let response = api.clone().as_person(person).handle(Request::get(uri).body("").unwrap());
        let list: serde_json::Value = serde_json::from_slice(&response.into_body().into_bytes().unwrap()).unwrap();
        list.as_array().unwrap().iter().map(|entry| entry["day_entry"]["id"].as_i64().unwrap()).collect()
    };
    assert_eq!((ids(1, "/projects/1/entries"), ids(MANAGER, "/projects/1/entries")), (vec![1, 2], vec![1, 2]));
    assert_eq!((ids(1, "/people/4/entries"), ids(REGULAR, "/people/4/entries")), (vec![1], vec![1]));
    assert_eq!(ids(OTHER_MANAGER, "/people/3/entries"), [2]);
}

#[test]
fn a_locked_expense_is_changed_by_administrators_alone_and_reports_have_what_is_managed() {
    let store = store();
    let close = |id| {
        let sql = "UPDATE expenses SET is_closed = 1 WHERE id = ?1";
        store.transaction(|tx| Ok::<_, crate::Error>(tx.connection().execute(sql, [id])?)).unwrap();
    };
    let api = Api::new(store.clone());
    let update = |person, body: &str| {
        let body = format!("<expense>{body}</expense>");
        status(&api.clone().as_person(person), "PUT", "/expenses/1", &body)
    };
    let notes = "<notes>a</notes>";
    assert_eq!((update(REGULAR, notes), update(1, notes), update(MANAGER, notes)), (200, 200, 404));
    close(1);
    assert_eq!((update(REGULAR, notes), update(1, notes), update(MANAGER, notes)), (400, 200, 404));
}

#[test]
fn an_expense_is_for_a_project_that_its_maker_sees() {
    let store = store();
    let api = Api::new(store.clone());
    let make = |person, project: i64, more: &str| {
        let body = format!(
            "<expense><project-id>{project}</project-id><expense-category-id>1</expense-category-id>\
             <spent-at>2011-03-31</spent-at>{more}</expense>"
        );
        status(&api.clone().as_person(person), "POST", "/expenses", &body)
    };
    assert_eq!((make(REGULAR, 1, ""), make(REGULAR, 2, ""), make(OTHER_MANAGER, 2, "")), (201, 400, 201));
    let of_user = format!("<user-id>{REGULAR}</user-id>");
    assert_eq!((make(1, 2, &of_user), make(1, 2, "<of_user>9</of_user>"), make(MANAGER, 1, &of_user)), (201, 400, 404));
    let to = |person, project: i64| {
        let body = format!("<expense><project-id>{project}</project-id></expense>");
        status(&api.clone().as_person(person), "PUT", "/expenses/1", &body)
    };
    assert_eq!((to(REGULAR, 1), to(REGULAR, 2), to(1, 2), to(REGULAR, 2), to(REGULAR, 1)), (200, 400, 200, 200, 200));
    let of = |person, path: &str| -> Vec<i64> {
        let response = api.clone().as_person(person).handle(Request::get(path).body("").unwrap());
        let list: serde_json::Value = serde_json::from_slice(&response.into_body().into_bytes().unwrap()).unwrap();
        list.as_array().unwrap().iter().map(|one| one["expense"]["id"].as_i64().unwrap()).collect()
    };
    let span = ".json?from=20110101&to=20111231";
    assert_eq!(of(MANAGER, &format!("/projects/1/expenses{span}")), [1, 2]);
    assert_eq!(of(OTHER_MANAGER, &format!("/projects/2/expenses{span}")), [3, 4]);
    assert_eq!(of(OTHER_MANAGER, &format!("/people/3/expenses{span}")), [3]);
    assert_eq!(of(REGULAR, "/expenses/90/2011.json"), [1, 2, 4]);
    assert_eq!(of(1, "/expenses/90/2011.json?of_user=4"), [1, 2, 4]);
}
