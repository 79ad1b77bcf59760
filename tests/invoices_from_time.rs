//! Invoices that are made from time, over the API and typed (`docs/spec/time.md`, "Invoices from time").

mod api;
mod billing;
mod common;
mod transfers;

use api::Service;
use billing::{HEAD, asked, body, element, elements, refused};
use clientstore::{
    BillBy, ClientStore, DayEntryChanges, InvoiceKind, NewClient, NewDayEntry, NewInvoice, NewPerson, NewProject,
    NewTaskAssignment, NewUserAssignment, ProjectChanges, Rule, Unbilled,
};
use common::{Clock, assert_whole, builder, day, invalid, memory, plain, refusal};
use http::Request;
use rust_decimal::Decimal;
use transfers::dumped;

/// Client 1 has the projects 1, billed by its tasks, and 2, billed by people; client 2 has project 3. Task 1 of project 1
/// is not billable. The entries are 1 to 7, of which 5 is not billable and 7 is client 2's.
fn fill(store: &ClientStore) {
    for client in ["SuprCorp", "Other"] {
        store.clients().create(&NewClient::named(client)).unwrap();
    }
    store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
    let website = NewProject::of(1, "Website, new").bill_by(BillBy::Tasks);
    store.projects().create(&website).unwrap();
    store.projects().create(&NewProject::of(1, "Support").bill_by(BillBy::People)).unwrap();
    store.projects().create(&NewProject::of(2, "Elsewhere")).unwrap();
    for (project, task, rate) in [(1, 2, "80"), (1, 3, "0.485"), (2, 2, "999"), (3, 2, "999")] {
        let new = NewTaskAssignment::of(project, task).hourly_rate(Some(rate.parse().unwrap()));
        store.task_assignments().create(&new).unwrap();
    }
    store.task_assignments().create(&NewTaskAssignment::of(1, 1).billable(false)).unwrap();
    store.user_assignments().create(&NewUserAssignment::of(1, 2)).unwrap();
    store.user_assignments().create(&NewUserAssignment::of(2, 2).hourly_rate(Some(Decimal::from(70)))).unwrap();
    for (user, project, task, on, hours, notes) in [
        (1, 1, 2, "2011-03-02", "2.5", None),
        (2, 1, 2, "2011-03-01", "1.25", Some("the \"first\" page\nand more")),
        (1, 1, 3, "2011-03-03", "3", None),
        (2, 2, 2, "2011-03-31", "0.1", None),
        (1, 1, 1, "2011-03-02", "8", None),
        (1, 2, 2, "2011-04-01", "1", None),
        (1, 3, 2, "2011-03-01", "1", None),
    ] {
        let new = NewDayEntry::of(user, project, task, day(on)).hours(hours.parse::<Decimal>().unwrap());
        let new = if let Some(notes) = notes { new.notes(notes.to_owned()) } else { new };
        store.day_entries().create(&new).unwrap();
    }
}

fn service() -> Service {
    let service = Service::new();
    fill(service.api.store());
    service
}

const ALL: &str = "<import-hours>all</import-hours>";

/// The entries that are billed.
fn billed(store: &ClientStore) -> Vec<i64> {
    let entries = store.day_entries().list(&Default::default()).unwrap().map(Result::unwrap);
    let billed = entries.filter(|entry| {
        assert_eq!(entry.is_billed, entry.is_closed, "{entry:?}");
        entry.is_billed
    });
    billed.map(|entry| entry.id.into()).collect()
}

/// The lines of an invoice, without their header.
#[track_caller]
fn rows(service: &Service, path: &str) -> String {
    let csv = element(&service.get(path).body, "csv-line-items").unwrap();
    csv.strip_prefix(HEAD).unwrap().replace("&quot;", "\"")
}

/// What each kind makes of the projects 2 and 1: the amount and the lines.
const KINDS: [(&str, &str, &str); 4] = [
    (
        "project",
        "308.46",
        "Service,Support,0.10,70.00,7.0,false,false,2\n\
         Service,Support,1.00,0.00,0.0,false,false,2\n\
         Service,\"Website, new\",3.75,80.00,300.0,false,false,1\n\
         Service,\"Website, new\",3.00,0.485,1.46,false,false,1\n",
    ),
    (
        "task",
        "308.46",
        "Service,Support: Programming,0.10,70.00,7.0,false,false,2\n\
         Service,Support: Programming,1.00,0.00,0.0,false,false,2\n\
         Service,\"Website, new: Programming\",3.75,80.00,300.0,false,false,1\n\
         Service,\"Website, new: Project Management\",3.00,0.485,1.46,false,false,1\n",
    ),
    (
        "people",
        "308.46",
        "Service,Support: Jane Doe,0.10,70.00,7.0,false,false,2\n\
         Service,Support: Admin User,1.00,0.00,0.0,false,false,2\n\
         Service,\"Website, new: Jane Doe\",1.25,80.00,100.0,false,false,1\n\
         Service,\"Website, new: Admin User\",2.50,80.00,200.0,false,false,1\n\
         Service,\"Website, new: Admin User\",3.00,0.485,1.46,false,false,1\n",
    ),
    (
        "detailed",
        "308.46",
        "Service,\"Support: Programming, Jane Doe, 2011-03-31\",0.10,70.00,7.0,false,false,2\n\
         Service,\"Support: Programming, Admin User, 2011-04-01\",1.00,0.00,0.0,false,false,2\n\
         Service,\"Website, new: Programming, Jane Doe, 2011-03-01: the \"\"first\"\" page\nand more\",1.25,80.00,100.0,false,false,1\n\
         Service,\"Website, new: Programming, Admin User, 2011-03-02\",2.50,80.00,200.0,false,false,1\n\
         Service,\"Website, new: Project Management, Admin User, 2011-03-03\",3.00,0.485,1.46,false,false,1\n",
    ),
];

#[test]
fn each_kind_is_a_document_to_the_byte_in_both_formats() {
    for (kind, amount, lines) in KINDS {
        let service = service();
        let path = service.create("/invoices", &asked(kind, "2, 1,2", ALL));
        let expected = include_str!("fixtures/invoice-from-time.xml")
            .replace("{amount}", amount)
            .replace("{lines}", &format!("{HEAD}{lines}"));
        assert_eq!(service.get(&path).body, expected, "{kind}");
        let json = service.send(Request::get(&path).header("accept", "application/json").body("").unwrap());
        let expected = include_str!("fixtures/invoice-from-time.json")
            .replace("{amount}", amount)
            .replace("{lines}", &format!("{HEAD}{lines}").replace('"', "\\\"").replace('\n', "\\n"));
        assert_eq!(json.body, expected, "{kind}");
        assert_eq!(billed(service.api.store()), [1, 2, 3, 4, 6]);
    }
}

#[test]
fn a_request_asks_in_each_format_and_by_each_spelling() {
    let json = format!(
        "{{\"invoice\":{{\"client_id\":1,\"kind\":\"task\",\"projects_to_invoice\":1,\"import_hours\":\"ALL\",\
         \"csv_line_items\":\"{}\"}}}}",
        HEAD.replace('\n', "\\n")
    );
    for (content, body) in [
        (
            "application/xml",
            asked("Task", " 1 ,", "<import_hours> all </import_hours><import-expenses>no</import-expenses>"),
        ),
        ("application/json", json),
        (
            "application/json",
            "{\"client-id\":1,\"kind\":\"task\",\"projects-to-invoice\":\"1\",\"import-hours\":\"all\"}".into(),
        ),
        (
            "application/x-www-form-urlencoded",
            "invoice[client_id]=1&invoice[kind]=task&invoice[projects_to_invoice]=1&invoice[import_hours]=all".into(),
        ),
    ] {
        let service = service();
        let request = Request::post("/invoices").header("content-type", content);
        let answer = service.send(request.body(body.clone()).unwrap());
        assert_eq!(answer.status, 201, "{body} {answer:?}");
        assert_eq!(billed(service.api.store()), [1, 2, 3], "{body}");
    }
}

#[test]
fn only_what_is_asked_for_is_gathered() {
    let period = |first: &str, last: &str| {
        format!("<import-hours>yes</import-hours><period-start>{first}</period-start><period-end>{last}</period-end>")
    };
    for (kind, projects, more, expected) in [
        ("project", "1,2", ALL.to_owned(), vec![1, 2, 3, 4, 6]),
        ("project", "2", ALL.to_owned(), vec![4, 6]),
        ("project", "", ALL.to_owned(), vec![]),
        ("project", "1,2", String::new(), vec![]),
        ("project", "1,2", "<import-hours>no</import-hours>".to_owned(), vec![]),
        ("project", "1,2", "<import-hours></import-hours>".to_owned(), vec![]),
        ("detailed", "1,2", period("2011-03-02", "2011-03-31"), vec![1, 3, 4]),
        ("people", "1,2", period("2011-03-01", "2011-03-01"), vec![2]),
        ("people", "1,2", period("2011-03-02", "2011-03-01"), vec![]),
        ("free_form", "1,2,3,none", ALL.to_owned(), vec![]),
        ("free-form", "", "<import-hours>perhaps</import-hours>".to_owned(), vec![]),
    ] {
        let service = service();
        let path = service.create("/invoices", &asked(kind, projects, &more));
        assert_eq!(billed(service.api.store()), expected, "{kind} {projects} {more}");
        assert_eq!(rows(&service, &path).is_empty(), expected.is_empty());
    }
}

#[test]
fn the_price_follows_the_bill_by_of_the_project() {
    for (bill_by, rate, expected) in [
        (BillBy::None, Some(50), "3.75,0.00,0.0"),
        (BillBy::Project, Some(50), "3.75,50.00,187.5"),
        (BillBy::Project, None, "3.75,0.00,0.0"),
        (BillBy::Tasks, Some(50), "3.75,80.00,300.0"),
        (BillBy::People, Some(50), "3.75,0.00,0.0"),
    ] {
        let service = service();
        let store = service.api.store();
        let changes = ProjectChanges::new().bill_by(bill_by).hourly_rate(rate.map(Decimal::from));
        store.projects().update(1, &changes).unwrap();
        let path = service.create("/invoices", &asked("task", "1", ALL));
        let first = format!("Service,\"Website, new: Programming\",{expected},false,false,1\n");
        assert!(rows(&service, &path).starts_with(&first), "{bill_by:?} {}", rows(&service, &path));
    }
}

#[test]
fn what_is_billed_is_not_gathered_again_until_its_invoice_is_deleted() {
    let service = service();
    let store = service.api.store();
    let before = store.day_entries().get(1).unwrap();
    service.clock.forward(60);
    let first = service.create("/invoices", &asked("people", "1", ALL));
    let entry = store.day_entries().get(1).unwrap();
    assert_eq!(entry.updated_at, service.clock.now());
    assert_eq!(refusal(store.day_entries().delete(1)).0, Rule::EntryIsLocked);
    let second = service.create("/invoices", &asked("people", "1,2", ALL));
    let [amount] = elements(&service, &second, ["amount"]);
    assert_eq!((amount.as_str(), billed(store)), ("7.0", vec![1, 2, 3, 4, 6]));
    service.clock.forward(60);
    assert_eq!(service.call("DELETE", &first, "").status, 200);
    assert_eq!(billed(store), [4, 6]);
    let mut freed = store.day_entries().get(1).unwrap();
    assert_eq!(freed.updated_at, service.clock.now());
    freed.updated_at = before.updated_at;
    assert_eq!(freed, before);
    let third = service.create("/invoices", &asked("people", "1,2", ALL));
    assert_eq!(elements(&service, &third, ["amount"]), ["301.46"]);
}

#[test]
fn a_running_timer_is_left_out_until_it_stops() {
    let service = service();
    let store = service.api.store();
    store.day_entries().start_timer(1).unwrap();
    service.create("/invoices", &asked("task", "1", ALL));
    assert_eq!(billed(store), [2, 3]);
    service.clock.forward(3600);
    store.day_entries().stop_timer(1).unwrap();
    let rest = service.create("/invoices", &asked("task", "1", ALL));
    assert_eq!(elements(&service, &rest, ["amount"]), ["280.0"]);
}

#[test]
fn approved_time_and_time_of_archived_projects_and_people_is_gathered() {
    let service = service();
    let store = service.api.store();
    store.day_entries().update(1, &DayEntryChanges::new().is_closed(true)).unwrap();
    store.people().toggle(2).unwrap();
    store.projects().toggle(1).unwrap();
    service.create("/invoices", &asked("task", "1", ALL));
    assert_eq!(billed(store), [1, 2, 3]);
}

#[test]
fn what_is_asked_wrongly_is_refused_and_nothing_is_billed() {
    let service = service();
    for (projects, more, words) in [
        ("3", "", vec!["projects-to-invoice", "has 3", "client 1"]),
        ("1,9", "", vec!["projects-to-invoice", "has 9"]),
        ("1;2", "", vec!["projects-to-invoice", "1;2"]),
        ("Website", "", vec!["projects-to-invoice"]),
        ("99999999999999999999", "", vec!["projects-to-invoice"]),
        ("1", "<import-hours>some</import-hours>", vec!["import-hours", "all, yes, no"]),
        ("1", "<import-hours>yes</import-hours>", vec!["period-start", "import-hours"]),
        ("1", "<import-hours>yes</import-hours><period-start>2011-01-01</period-start>", vec!["period-end"]),
        ("1", "<import-hours>yes</import-hours><period-start>soon</period-start>", vec!["period-start"]),
    ] {
        for kind in ["project", "task", "people", "detailed"] {
            let hours = if more.is_empty() { ALL } else { more };
            refused(&service.post("/invoices", &asked(kind, projects, hours)), &words);
        }
    }
    for row in ["Service,A,1\n", "Service,A,1,x,,,\n", "Service,A,999999999999,999999999999,,,\n"] {
        let answer = service.post("/invoices", &asked("task", "1", &format!("{ALL}{}", billing::lines(row))));
        assert_eq!(answer.status, 400, "{row}: lines are checked, although they are ignored");
    }
    // What an invoice cannot hold is no invoice.
    let store = service.api.store();
    let costly = ProjectChanges::new().bill_by(BillBy::Project).hourly_rate(Some("999999999999".parse().unwrap()));
    store.projects().update(1, &costly).unwrap();
    refused(&service.post("/invoices", &asked("task", "1", ALL)), &["amount"]);
    assert_eq!(billed(store), [0; 0]);
    assert_eq!(store.invoices().list(&Default::default()).unwrap().count(), 0);
    assert_eq!(service.create("/invoices", &body("")), "/invoices/1", "no id is lost");
}

#[test]
fn an_update_gathers_nothing() {
    let service = service();
    let path = service.create("/invoices", &asked("task", "1", ""));
    assert_eq!(service.put(&path, &asked("task", "1", ALL)).status, 200);
    assert_eq!((billed(service.api.store()), rows(&service, &path)), (vec![], String::new()));
}

#[test]
fn a_description_has_at_most_a_thousand_characters() {
    let service = service();
    let store = service.api.store();
    let long = "\u{e9}".repeat(3_000);
    store.projects().update(2, &ProjectChanges::new().name(long.clone())).unwrap();
    store.day_entries().update(3, &DayEntryChanges::new().notes(long.clone())).unwrap();
    for (kind, project) in [("project", 2), ("task", 2), ("people", 2), ("detailed", 2), ("detailed", 1)] {
        let path = service.create("/invoices", &asked(kind, &project.to_string(), ALL));
        let id: i64 = path.rsplit_once('/').unwrap().1.parse().unwrap();
        let longest = store.invoices().lines(id).unwrap().iter().map(|line| line.description.chars().count()).max();
        assert_eq!(longest, Some(1_000), "{kind}");
        store.invoices().delete(id).unwrap();
    }
}

#[test]
fn the_typed_access_makes_invoices_of_projects() {
    let (store, _) = memory();
    fill(&store);
    let invoices = store.invoices();
    let days = Unbilled::Between(day("2011-03-02"), day("2011-03-31"));
    let id = invoices.create(&NewInvoice::of_projects(1, InvoiceKind::People, [2, 1]).import_hours(days)).unwrap();
    let invoice = invoices.get(id).unwrap();
    assert_eq!(invoice.amount.to_string(), "208.46");
    assert_eq!((invoice.period_start, invoice.period_end), (Some(day("2011-03-02")), Some(day("2011-03-31"))));
    assert_eq!(billed(&store), [1, 3, 4]);
    let rest = NewInvoice::of_projects(1, InvoiceKind::Detailed, [1]).import_hours(Unbilled::All);
    let rest = invoices.create(&rest.import_expenses(Unbilled::All)).unwrap();
    assert_eq!(invoices.lines(rest).unwrap()[0].quantity.to_string(), "1.25");
    let nothing = invoices.create(&NewInvoice::of_projects(1, InvoiceKind::Task, [1, 2])).unwrap();
    assert!(invoices.lines(nothing).unwrap().is_empty());
    let elsewhere = NewInvoice::of_projects(1, InvoiceKind::Task, [3]).import_hours(Unbilled::All);
    assert_eq!(invalid(invoices.create(&elsewhere)), ("projects-to-invoice", None));
    assert_ne!(elsewhere, NewInvoice::of_projects(1, InvoiceKind::Task, [2]).import_hours(Unbilled::All));
    // In a transaction that fails, nothing was billed.
    let _ = store.transaction(|tx| {
        tx.invoices().create(&NewInvoice::of_projects(1, InvoiceKind::Task, [2]).import_hours(Unbilled::All))?;
        tx.clients().get(99).map(drop)
    });
    assert_eq!(billed(&store), [1, 2, 3, 4]);
    assert!(store.check(|_| {}).unwrap().is_clean());
}

#[test]
fn a_dump_keeps_what_is_on_which_invoice() {
    let (store, clock) = memory();
    fill(&store);
    for project in [1, 2] {
        let new = NewInvoice::of_projects(1, InvoiceKind::Task, [project]).import_hours(Unbilled::All);
        store.invoices().create(&new).unwrap();
    }
    let mut json = Vec::new();
    store.dump_json(&mut json, |_| {}).unwrap();
    for document in [dumped(&store).into_bytes(), json] {
        let copy = builder(&clock).open_in_memory().unwrap();
        copy.load([("dump", document.as_slice())], |_| {}).unwrap();
        assert_eq!(dumped(&copy), dumped(&store));
        assert!(copy.check(|_| {}).unwrap().is_clean());
        copy.invoices().delete(1).unwrap();
        assert_eq!(billed(&copy), [4, 6]);
        copy.invoices().delete(2).unwrap();
        assert_eq!(billed(&copy), [0; 0]);
    }
    let link = "<is-billed type=\"boolean\">true</is-billed>\n      <invoice-id type=\"integer\">1</invoice-id>";
    assert!(dumped(&store).contains(link));
    for broken in [
        "<is-billed>false</is-billed><invoice-id>1</invoice-id>",
        "<is-billed>true</is-billed><invoice-id>9</invoice-id>",
    ] {
        let copy = builder(&clock).open_in_memory().unwrap();
        let document = dumped(&store).replace(link, broken);
        assert!(copy.load([("dump", document.as_bytes())], |_| {}).is_err(), "{broken}");
    }
}

#[test]
fn the_file_frees_what_is_on_an_invoice_and_lets_no_link_be_broken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = builder(&Clock::default()).open(&path).unwrap();
    fill(&store);
    for project in [1, 2] {
        let new = NewInvoice::of_projects(1, InvoiceKind::Task, [project]).import_hours(Unbilled::All);
        store.invoices().create(&new).unwrap();
    }
    let sql = plain(&path);
    for broken in [
        "UPDATE day_entries SET is_billed = 0",
        "UPDATE OR REPLACE day_entries SET is_billed = 0 WHERE id = 1",
        "UPDATE day_entries SET invoice_id = 9 WHERE id = 1",
        "UPDATE day_entries SET invoice_id = 1 WHERE id = 5",
        "UPDATE day_entries SET invoice_id = 'x' WHERE id = 1",
        "DELETE FROM day_entries WHERE id = 1",
        "UPDATE invoices SET id = 9 WHERE id = 1",
    ] {
        assert!(sql.execute_batch(broken).is_err(), "{broken}");
    }
    sql.execute_batch("DELETE FROM invoices WHERE id = 1").unwrap();
    assert_eq!(billed(&store), [4, 6]);
    let links: i64 =
        sql.query_row("SELECT count(*) FROM day_entries WHERE invoice_id IS NOT NULL", [], |row| row.get(0)).unwrap();
    assert_eq!(links, 2);
    assert_whole(&sql);
    assert!(store.check(|_| {}).unwrap().is_clean());
}
