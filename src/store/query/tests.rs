//! How queries find their records: the plan of each.

use super::*;
use crate::record::Describe;
use crate::{Client, ClientFilter, ClientStore, InvoiceFilter, NewClient, NewProject, ProjectFilter};

/// How the query's list, its count and the question whether there is a record are read.
fn plans<R: Stored>(query: &Query<'_, R>) -> [String; 3] {
    let selection = query.narrowed().unwrap();
    let page = Cursor::new(R::ENTITY, crate::record::View::Live, Selection::default()).page(&selection);
    [page, Cursor::count(R::ENTITY, &selection), Cursor::any(R::ENTITY, &selection)].map(|(sql, parameters)| {
        let explain = |connection: &rusqlite::Connection| {
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let details = explain.query_map(rusqlite::params_from_iter(&parameters), |row| row.get("detail"))?;
            Ok(details.collect::<rusqlite::Result<Vec<String>>>()?.join("; "))
        };
        query.records.read(explain).unwrap()
    })
}

fn store() -> ClientStore {
    let store = ClientStore::open_in_memory().unwrap();
    store.clients().create_all((0..20_000).map(|n| NewClient::named(format!("Client {n}")))).unwrap();
    store.projects().create_all((1..200).map(|n| NewProject::of(n, format!("Project {n}")))).unwrap();
    store
}

#[test]
fn each_query_finds_its_records_as_its_description_says() {
    let store = store();
    let clients = || store.clients().query(&ClientFilter::new());
    let projects = || store.projects().query(&ProjectFilter::new());
    let invoices = || store.invoices().query(&InvoiceFilter::new());
    let moment = store.clients().get(1).unwrap().updated_at;

    // Nothing narrows it: a list is in the order of the table, and a count reads the smallest index.
    let [list, count, any] = plans(&clients().limit(10));
    assert_eq!(list, "SCAN clients");
    assert_eq!(count, "SCAN clients USING COVERING INDEX clients_updated_at");
    assert!(any.starts_with("SCAN clients"), "{any}");

    // Conditions with an index.
    for plan in plans(&projects().equal_to(|project| project.client_id(), 7)) {
        assert!(plan.starts_with("SEARCH projects USING") && plan.contains("(client_id=?)"), "{plan}");
    }
    for plan in
        plans(&store.projects().query(&ProjectFilter::new().client(7)).equal_to(|project| project.active(), true))
    {
        assert!(plan.starts_with("SEARCH projects USING INDEX projects_") && plan.contains("(client_id=?)"), "{plan}");
    }
    for plan in plans(&clients().equal_to(|client| client.id(), 7)) {
        assert!(plan.starts_with("SEARCH clients USING INTEGER PRIMARY KEY (rowid=?)"), "{plan}");
    }
    let [_, count, any] = plans(&clients().at_least(|client| client.updated_at(), moment));
    for plan in [count, any] {
        assert_eq!(plan, "SEARCH clients USING COVERING INDEX clients_updated_at (updated_at>?)");
    }
    let open = invoices().equal_to(|invoice| invoice.state(), crate::InvoiceState::Open);
    for plan in plans(&open) {
        assert!(plan.contains("INDEX invoices_state (state=?)") && !plan.contains("TEMP B-TREE"), "{plan}");
    }

    // Orders with an index, both ways.
    let [list, ..] = plans(&clients().order_by(|client| client.updated_at()).limit(10));
    assert_eq!(list, "SCAN clients USING INDEX clients_updated_at");
    let [list, ..] = plans(&clients().order_by(|client| client.updated_at().descending()).limit(10));
    assert_eq!(list, "SCAN clients USING INDEX clients_updated_at");
    let [list, ..] = plans(&clients().order_by(|client| client.id().descending()).limit(10));
    assert_eq!(list, "SCAN clients");

    // Those that are said to read each record.
    let [list, ..] = plans(&clients().order_by(|client| client.name()).limit(10));
    assert_eq!(list, "SCAN clients; USE TEMP B-TREE FOR ORDER BY");
    for plan in plans(&clients().equal_to(|client| client.highrise_id(), 7)) {
        assert_eq!(plan, "SCAN clients");
    }
}

#[test]
fn a_search_reads_only_what_it_finds_and_a_scan_where_it_finds_much_or_runs_in_a_transaction() {
    let store = store();
    let by_id = "SEARCH clients USING INTEGER PRIMARY KEY (rowid=?)";
    let few = store.clients().query(&ClientFilter::new()).search("client 1999");
    for plan in plans(&few).into_iter().chain(plans(&few.equal_to(|client| client.active(), true).limit(5))) {
        assert!(plan.starts_with(by_id), "{plan}");
    }
    let named = store.clients().query(&ClientFilter::new()).contains(|client| client.name(), "1999");
    assert!(plans(&named).iter().all(|plan| plan.starts_with(by_id)));
    let within = store.projects().query(&ProjectFilter::new().client(7)).search("website");
    assert!(plans(&within).iter().all(|plan| plan.starts_with("SEARCH projects USING")), "{:?}", plans(&within));

    let many = store.clients().query(&ClientFilter::new()).search("client");
    assert!(plans(&many).iter().all(|plan| plan == "SCAN clients"), "{:?}", plans(&many));
    let unkept = store.clients().query(&ClientFilter::new()).contains(|client| client.currency(), "dollar");
    assert!(plans(&unkept).iter().all(|plan| plan == "SCAN clients"), "{:?}", plans(&unkept));
    store
        .transaction(|tx| {
            let few = tx.clients().query(&ClientFilter::new()).search("client 1999");
            assert!(plans(&few).iter().all(|plan| plan == "SCAN clients"), "{:?}", plans(&few));
            Ok::<_, crate::Error>(())
        })
        .unwrap();
}

#[test]
fn the_texts_are_read_once_until_something_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = ClientStore::builder().durability(crate::Durability::Off).open(folder.path().join("store.db")).unwrap();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    let texts = || store.texts(Client::TABLE).unwrap().unwrap();
    assert!(std::sync::Arc::ptr_eq(&texts(), &texts()));
    let before = texts();
    let other = ClientStore::open(folder.path().join("store.db")).unwrap();
    other.clients().create(&NewClient::named("Łódź")).unwrap();
    assert!(!std::sync::Arc::ptr_eq(&before, &texts()));
    assert_eq!(texts().find(&Words::of("łódź"), 9).unwrap(), [2]);
}

#[test]
fn every_kind_of_record_that_has_a_text_of_peoples_own_is_searched() {
    for entity in crate::resources::entities() {
        let searched = entity.table.searched().count();
        let is_assignment = entity.table.name.ends_with("_assignments");
        assert_eq!(searched > 0, !is_assignment && !entity.is_part, "{}", entity.table.name);
        let mut columns = entity.table.columns.iter().filter(|column| column.searched);
        assert!(columns.all(|column| column.kind == Kind::Text && column.computed.is_none()));
    }
}
