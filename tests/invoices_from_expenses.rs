//! Invoices that are made from expenses, over the API and typed (`docs/spec/time.md`, "Invoices from time").

mod api;
mod billing;
mod common;
mod transfers;

use api::Service;
use billing::{HEAD, asked, elements, refused};
use clientstore::{
    ClientStore, InvoiceKind, NewClient, NewDayEntry, NewExpense, NewInvoice, NewPerson, NewProject, NewTaskAssignment,
    NewUserAssignment, Unbilled,
};
use common::{Clock, assert_whole, builder, day, memory, plain};
use http::Request;
use rust_decimal::Decimal;
use transfers::dumped;

/// Client 1 has the projects 1 and 2, client 2 has project 3. Of the expenses 1 to 6, 5 is not billable and 6 is client 2's.
fn fill(store: &ClientStore) {
    for client in ["SuprCorp", "Other"] {
        store.clients().create(&NewClient::named(client)).unwrap();
    }
    store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
    for (client, name) in [(1, "Website"), (1, "Support"), (2, "Elsewhere")] {
        store.projects().create(&NewProject::of(client, name)).unwrap();
    }
    store.user_assignments().create(&NewUserAssignment::of(1, 2)).unwrap();
    let cost = |project, category, on, cost: &str| {
        NewExpense::of(project, category, day(on)).total_cost(cost.parse::<Decimal>().unwrap())
    };
    for new in [
        NewExpense::of(1, 3, day("2011-03-05")).units(30),
        cost(1, 2, "2011-03-04", "45.5").user_id(2).notes("Lunch, \"with\" the client"),
        cost(1, 2, "2011-03-06", "10"),
        cost(2, 4, "2011-03-04", "99.99"),
        cost(1, 1, "2011-03-04", "500").billable(false),
        cost(3, 1, "2011-03-04", "500"),
    ] {
        store.expenses().create(&new).unwrap();
    }
}

fn service() -> Service {
    let service = Service::new();
    fill(service.api.store());
    service
}

const ALL: &str = "<import-expenses>all</import-expenses>";

/// The expenses that are billed, each with its invoice.
fn billed(store: &ClientStore) -> Vec<(i64, i64)> {
    let expenses = store.expenses().list(&Default::default()).unwrap().map(Result::unwrap);
    let links = expenses.filter_map(|expense| {
        assert_eq!(expense.is_billed, expense.is_closed);
        assert_eq!(expense.is_billed, expense.invoice_id.is_some());
        Some((expense.id.into(), expense.invoice_id?.into()))
    });
    links.collect()
}

const KINDS: [(&str, &str); 4] = [
    (
        "project",
        "Product,\"Support, expenses\",1.00,99.99,99.99,false,false,2\n\
         Product,\"Website, expenses\",1.00,72.00,72.0,false,false,1\n",
    ),
    (
        "task",
        "Product,Support: Other,1.00,99.99,99.99,false,false,2\n\
         Product,Website: Meals,1.00,55.50,55.5,false,false,1\n\
         Product,Website: Mileage,1.00,16.50,16.5,false,false,1\n",
    ),
    (
        "people",
        "Product,\"Support: Admin User, expenses\",1.00,99.99,99.99,false,false,2\n\
         Product,\"Website: Jane Doe, expenses\",1.00,45.50,45.5,false,false,1\n\
         Product,\"Website: Admin User, expenses\",1.00,26.50,26.5,false,false,1\n",
    ),
    (
        "detailed",
        "Product,\"Support: Other, Admin User, 2011-03-04\",1.00,99.99,99.99,false,false,2\n\
         Product,\"Website: Meals, Jane Doe, 2011-03-04: Lunch, \"\"with\"\" the client\",1.00,45.50,45.5,false,false,1\n\
         Product,\"Website: Mileage, Admin User, 2011-03-05\",1.00,16.50,16.5,false,false,1\n\
         Product,\"Website: Meals, Admin User, 2011-03-06\",1.00,10.00,10.0,false,false,1\n",
    ),
];

#[test]
fn each_kind_is_a_document_to_the_byte_in_both_formats() {
    for (kind, lines) in KINDS {
        let service = service();
        let path = service.create("/invoices", &asked(kind, "2,1", ALL));
        let lines = format!("{HEAD}{lines}");
        let expected = include_str!("fixtures/invoice-from-time.xml");
        assert_eq!(
            service.get(&path).body,
            expected.replace("{amount}", "171.99").replace("{lines}", &lines),
            "{kind}"
        );
        let json = service.send(Request::get(&path).header("accept", "application/json").body("").unwrap());
        let lines = lines.replace('"', "\\\"").replace('\n', "\\n");
        let expected = include_str!("fixtures/invoice-from-time.json");
        assert_eq!(json.body, expected.replace("{amount}", "171.99").replace("{lines}", &lines), "{kind}");
        assert_eq!(billed(service.api.store()), [1, 2, 3, 4].map(|id| (id, 1)));
    }
}

#[test]
fn expenses_stand_behind_the_time_and_have_a_period_of_their_own() {
    let service = service();
    let store = service.api.store();
    store.task_assignments().create(&NewTaskAssignment::of(1, 2)).unwrap();
    store.day_entries().create(&NewDayEntry::of(1, 1, 2, day("2011-03-05")).hours(Decimal::TWO)).unwrap();
    let period = "<import-hours>all</import-hours><import-expenses>yes</import-expenses>\
                  <expense-period-start>2011-03-05</expense-period-start><expense-period-end>2011-03-06</expense-period-end>";
    let path = service.create("/invoices", &asked("task", "1,2", period));
    let [csv, start] = elements(&service, &path, ["csv-line-items", "period-start"]);
    let expected = "Service,Website: Programming,2.00,0.00,0.0,false,false,1\n\
                    Product,Website: Mileage,1.00,16.50,16.5,false,false,1\n\
                    Product,Website: Meals,1.00,10.00,10.0,false,false,1\n";
    assert_eq!((csv, start.as_str()), (format!("{HEAD}{expected}"), ""));
    assert_eq!(billed(store), [(1, 1), (3, 1)]);
    for nothing in ["", "<import-expenses>no</import-expenses>"] {
        service.create("/invoices", &asked("task", "1,2", nothing));
    }
    let days = Unbilled::Between(day("2011-03-04"), day("2011-03-04"));
    let rest = NewInvoice::of_projects(1, InvoiceKind::Project, [1, 2]).import_expenses(days);
    let rest = store.invoices().create(&rest).unwrap();
    assert_eq!(store.invoices().get(rest).unwrap().amount.to_string(), "145.49");
    assert_eq!(billed(store), [(1, 1), (2, 4), (3, 1), (4, 4)]);
}

#[test]
fn what_is_asked_wrongly_is_refused_and_nothing_is_billed() {
    let service = service();
    let start = "<import-expenses>yes</import-expenses><expense-period-start>2011-03-05</expense-period-start>";
    for (more, words) in [
        ("<import-expenses>some</import-expenses>".to_owned(), vec!["import-expenses", "all, yes, no"]),
        ("<import-expenses>yes</import-expenses>".to_owned(), vec!["expense-period-start", "import-expenses"]),
        (start.to_owned(), vec!["expense-period-end", "import-expenses"]),
        (format!("{start}<expense-period-end>soon</expense-period-end>"), vec!["expense-period-end", "soon"]),
    ] {
        refused(&service.post("/invoices", &asked("task", "1", &more)), &words);
    }
    assert_eq!(billed(service.api.store()), []);
}

#[test]
fn a_deleted_invoice_frees_its_expenses_at_the_moment_of_the_delete() {
    let service = service();
    let store = service.api.store();
    let before = store.expenses().get(1).unwrap();
    let first = service.create("/invoices", &asked("people", "1", ALL));
    service.create("/invoices", &asked("people", "1,2", ALL));
    assert_eq!(billed(store), [(1, 1), (2, 1), (3, 1), (4, 2)]);
    assert!(store.expenses().delete(1).is_err());
    service.clock.forward(60);
    assert_eq!(service.call("DELETE", &first, "").status, 200);
    assert_eq!(billed(store), [(4, 2)]);
    let mut freed = store.expenses().get(1).unwrap();
    assert_eq!(freed.updated_at, service.clock.now());
    freed.updated_at = before.updated_at;
    assert_eq!(freed, before);
    let again = service.create("/invoices", &asked("people", "1,2", ALL));
    assert_eq!(elements(&service, &again, ["amount"]), ["72.0"]);
}

#[test]
fn a_dump_keeps_what_is_on_which_invoice() {
    let (store, clock) = memory();
    fill(&store);
    for project in [1, 2] {
        let new = NewInvoice::of_projects(1, InvoiceKind::Task, [project]).import_expenses(Unbilled::All);
        store.invoices().create(&new).unwrap();
    }
    let mut json = Vec::new();
    store.dump_json(&mut json, |_| {}).unwrap();
    for document in [dumped(&store).into_bytes(), json] {
        let copy = builder(&clock).open_in_memory().unwrap();
        copy.load([("dump", document.as_slice())], |_| {}).unwrap();
        assert_eq!(dumped(&copy), dumped(&store));
        assert_eq!(billed(&copy), [(1, 1), (2, 1), (3, 1), (4, 2)]);
        copy.invoices().delete(1).unwrap();
        assert_eq!(billed(&copy), [(4, 2)]);
        assert!(copy.check(|_| {}).unwrap().is_clean());
    }
}

#[test]
fn the_file_frees_expenses_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = builder(&Clock::default()).open(&path).unwrap();
    fill(&store);
    for project in [1, 2] {
        let new = NewInvoice::of_projects(1, InvoiceKind::Task, [project]).import_expenses(Unbilled::All);
        store.invoices().create(&new).unwrap();
    }
    let sql = plain(&path);
    for broken in [
        "UPDATE expenses SET is_billed = 0",
        "UPDATE expenses SET invoice_id = 9 WHERE id = 1",
        "UPDATE expenses SET invoice_id = 1 WHERE id = 5",
    ] {
        assert!(sql.execute_batch(broken).is_err(), "{broken}");
    }
    sql.execute_batch("DELETE FROM invoices WHERE id = 1").unwrap();
    assert_eq!(billed(&store), [(4, 2)]);
    assert_whole(&sql);
    assert!(store.check(|_| {}).unwrap().is_clean());
}
