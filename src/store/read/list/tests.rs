//! How lists are read: their plans, and what is read at once.

use chrono::NaiveDate;
use rusqlite::StatementStatus;

use super::*;
use crate::resources::projects::PROJECTS;
use crate::store::Reach;
use crate::{ClientStore, Durability, NewClient, NewInvoice, NewPerson, NewProject};

/// 100,000 invoices, ten clients', a state each in turn, a minute and a day apart.
fn store(directory: &tempfile::TempDir) -> ClientStore {
    let path = directory.path().join("store.db");
    let store = ClientStore::builder().durability(Durability::Off).open(&path).unwrap();
    store.clients().create_all((0..10).map(|n| NewClient::named(format!("{n}")))).unwrap();
    store.invoices().create(&NewInvoice::of(1)).unwrap();
    let columns = "due_at, client_id, currency, issued_at, number, client_key, state, closed, updated_at, created_at";
    let sql = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 19999) \
         INSERT INTO invoices ({columns}) SELECT date('2001-01-01', (n % 4000) || ' days'), n % 10 + 1, currency, \
         date('2001-01-01', (n % 4000) || ' days'), n, client_key, \
         CASE n / 10 % 5 WHEN 0 THEN 'draft' WHEN 1 THEN 'open' WHEN 2 THEN 'partial' WHEN 3 THEN 'paid' ELSE 'closed' END, \
         n / 10 % 5 = 4, strftime('%Y-%m-%dT%H:%M:%SZ', '2001-01-01', n || ' minutes'), \
         strftime('%Y-%m-%dT%H:%M:%SZ', '2001-01-01', n || ' minutes') FROM n, invoices WHERE invoices.id = 1"
    );
    rusqlite::Connection::open(&path).unwrap().execute(&sql, []).unwrap();
    store
}

/// How page 1 under a filter is found, how many rows it has, and in how many steps they were read.
fn page(store: &ClientStore, filter: Option<(&str, &str)>) -> (String, usize, i32) {
    let entity = crate::Invoice::ENTITY;
    let mut selection = entity.unfiltered(NaiveDate::from_ymd_opt(2011, 3, 31).unwrap());
    if let Some((name, value)) = filter {
        entity.filter(&mut selection, name, value).unwrap();
    }
    let (sql, parameters) = Cursor::new(entity, View::Live, Selection::default()).page(&selection);
    run(store, &sql, &parameters)
}

#[test]
fn a_person_reads_only_the_projects_that_they_are_assigned_to_and_an_administrator_as_if_there_were_no_roles() {
    let store = ClientStore::open_in_memory().unwrap();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    store.projects().create(&NewProject::of(1, "Website")).unwrap();
    store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
    let selected = |reach| {
        let mut selection = PROJECTS.unfiltered(NaiveDate::MIN);
        selection.within(&PROJECTS, reach);
        selection
    };
    let projects = "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n LIMIT 19999) INSERT INTO projects \
                    (client_id, name, updated_at, created_at) SELECT 1, n, updated_at, created_at FROM n, projects \
                    WHERE projects.id = 1";
    let assigned = "INSERT INTO user_assignments (user_id, project_id, is_project_manager, updated_at, created_at) \
                    SELECT 2, 2000 * id, 1, updated_at, created_at FROM projects WHERE id <= 10";
    store
        .transaction(|tx| {
            tx.connection().execute(projects, [])?;
            tx.connection().execute(assigned, [])?;
            Ok::<_, Error>(tx.connection().execute("UPDATE people SET is_project_manager = 1 WHERE id = 2", [])?)
        })
        .unwrap();
    for reach in [Reach::Seen(2), Reach::Managed(2)] {
        let selection = selected(reach);
        assert!(!selection.is_whole(), "it is never kept for others");
        let (sql, parameters) = Cursor::new(&PROJECTS, View::Live, Selection::default()).ids(&selection);
        let (plan, ids, steps) = run(&store, &sql, &parameters);
        assert!(plan.contains("SEARCH projects USING INTEGER PRIMARY KEY (rowid=?)"), "{plan}");
        assert!(plan.contains("SEARCH mine USING INDEX user_assignments_pair (user_id=?)"), "{plan}");
        assert_eq!(ids, 10);
        assert!(steps < 500, "{steps}");
    }
    for reach in [Reach::All, Reach::Administrator(1)] {
        assert!(selected(reach).is_whole() && !selected(reach).sorts);
    }
}

/// How a statement finds its rows, how many it has, and in how many steps.
fn run(store: &ClientStore, sql: &str, parameters: &[Value]) -> (String, usize, i32) {
    store
        .read(|connection| {
            let parameters = || rusqlite::params_from_iter(parameters);
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let plan: rusqlite::Result<Vec<String>> =
                explain.query_map(parameters(), |row| row.get("detail"))?.collect();
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query(parameters())?;
            let mut count = 0;
            while rows.next()?.is_some() {
                count += 1;
            }
            drop(rows);
            Ok((plan?.join("; "), count, statement.get_status(StatementStatus::VmStep)))
        })
        .unwrap()
}

#[test]
fn pages_of_twenty_thousand_invoices_are_found_by_an_index_and_read_no_more_of_it_than_they_show() {
    // Both by one test, since such a store takes its time.
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    each_single_filter_uses_an_index(&store);
    page_1_reads_no_more_of_its_index_than_it_shows(&store);
}

fn each_single_filter_uses_an_index(store: &ClientStore) {
    for (name, value, index) in [
        ("client", "7", "invoices_client_id (client_id=?)"),
        ("status", "draft", "invoices_state (state=?)"),
        ("state", "closed", "invoices_state (state=?)"),
        ("status", "unpaid", "invoices_state (state=?)"),
        ("status", "pastdue", "invoices_state (state=?)"),
        ("from", "20111201", "invoices_issued_at (issued_at>?)"),
        ("to", "20010102", "invoices_issued_at (issued_at<?)"),
        ("updated_since", "2001-03-11 10:00", "invoices_updated_at (updated_at>?)"),
    ] {
        let (plan, count, _) = page(store, Some((name, value)));
        assert!(plan.starts_with(&format!("SEARCH invoices USING INDEX {index}")), "{name}={value}: {plan}");
        assert!(count > 0, "{name}={value}");
    }
}

fn page_1_reads_no_more_of_its_index_than_it_shows(store: &ClientStore) {
    for filter in [None, Some(("client", "7")), Some(("status", "draft")), Some(("status", "closed"))] {
        let (plan, count, steps) = page(store, filter);
        assert!(plan.contains("USING INDEX") && !plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
        assert_eq!(count, 50, "{filter:?}");
        // A row takes a step for each of its 29 columns, and a few more.
        assert!(steps < 51 * 50, "{filter:?}: {steps}");
    }
}

#[test]
fn each_report_on_time_is_read_by_an_index_in_its_order() {
    let entity = crate::DayEntry::ENTITY;
    let store = ClientStore::open_in_memory().unwrap();
    let filters = [
        ("", ""),
        ("user_id", "1"),
        ("project_id", "1"),
        ("billable", "yes"),
        ("billable", "no"),
        ("only_billed", "yes"),
        ("only_unbilled", "yes"),
        ("is_closed", "no"),
        ("updated_since", "2011-03-31"),
    ];
    for (column, index) in [("project_id", "day_entries_of_project"), ("user_id", "day_entries_of_person")] {
        for (name, value) in filters.into_iter().filter(|(name, _)| *name != column) {
            for mark in [None, Some((Mark { id: 5, by: Some(Value::from("2011-03-05")) }, 9))] {
                let plan = plan_of_report(&store, entity, column, (name, value), mark.as_ref());
                // Of a project's and a person's entries, either index may find those of both.
                let found = plan.starts_with(&format!("SEARCH day_entries USING INDEX {index} ({column}=? AND "))
                    || (name.ends_with("_id") && plan.starts_with("SEARCH day_entries USING INDEX day_entries_of_"));
                assert!(found && !plan.contains("TEMP B-TREE"), "{column} {name}={value}: {plan}");
                assert!(plan.contains("spent_at>? AND spent_at<?"), "{column} {name}={value}: {plan}");
            }
        }
    }
}

#[test]
fn each_report_on_expenses_is_read_by_an_index_in_its_order() {
    let entity = crate::Expense::ENTITY;
    let store = ClientStore::open_in_memory().unwrap();
    let filters = [
        ("", ""),
        ("only_billed", "yes"),
        ("only_unbilled", "yes"),
        ("is_closed", "yes"),
        ("is_closed", "no"),
        ("updated_since", "2011-03-31"),
    ];
    for (column, index) in [("project_id", "expenses_of_project"), ("user_id", "expenses_of_person")] {
        for (name, value) in filters {
            for mark in [None, Some((Mark { id: 5, by: Some(Value::from("2011-03-05")) }, 9))] {
                let plan = plan_of_report(&store, entity, column, (name, value), mark.as_ref());
                let search = format!("SEARCH expenses USING INDEX {index} ({column}=? AND spent_at>? AND spent_at<?)");
                assert!(plan.starts_with(&search) && !plan.contains("TEMP B-TREE"), "{column} {name}={value}: {plan}");
            }
        }
    }
}

/// How a report of a month is read, with a filter besides, from its start or from a mark on.
fn plan_of_report(
    store: &ClientStore,
    entity: &'static Entity,
    column: &'static str,
    filter: (&str, &str),
    mark: Option<&(Mark, i64)>,
) -> String {
    let mut selection = entity.unfiltered(store.today());
    selection.by = Some("spent_at");
    selection.belonging_to(column, 1);
    for (name, value) in [("from", "20110301"), ("to", "20110331"), filter] {
        entity.filter(&mut selection, name, value).unwrap();
    }
    let cursor = Cursor::new(entity, View::Live, Selection::default());
    let (sql, parameters) = cursor.rest(mark, &selection);
    explained(store, &sql, &parameters)
}

fn explained(store: &ClientStore, sql: &str, parameters: &[Value]) -> String {
    store
        .read(|connection| {
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let details = explain.query_map(rusqlite::params_from_iter(parameters), |row| row.get("detail"))?;
            Ok(details.collect::<rusqlite::Result<Vec<String>>>()?.join("; "))
        })
        .unwrap()
}
