//! The rules of the page, of `clients.md` and of `projects.md`, through the typed API: the typed
//! error, the counts, and the record as it was. `rules_in_the_file.rs` has the file's side.

mod common;

use clientstore::{Client, ClientChanges, ClientStore, Error, NewClient, NewInvoice, NewProject, ProjectChanges, Rule};
use common::{invalid, memory, refusal};

/// A store with one client that has `active` and `inactive` projects and `invoices`.
fn with(active: usize, inactive: usize, invoices: usize) -> ClientStore {
    let (store, clock) = memory();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    for number in 0..active + inactive {
        store.projects().create(&NewProject::of(1, "p").active(number < active)).unwrap();
    }
    for _ in 0..invoices {
        store.invoices().create(&NewInvoice::of(1)).unwrap();
    }
    clock.forward(60);
    store
}

/// Runs a change that must be refused, and checks that the client and the projects did not change.
#[track_caller]
fn refused<T: std::fmt::Debug>(
    store: &ClientStore,
    change: impl FnOnce(&ClientStore) -> Result<T, Error>,
) -> (Rule, Vec<(&'static str, u64)>) {
    let all = || {
        let clients: Vec<Client> = store.clients().list(&Default::default()).unwrap().map(Result::unwrap).collect();
        let projects: Vec<_> = store.projects().list(&Default::default()).unwrap().map(Result::unwrap).collect();
        (clients, projects)
    };
    let before = all();
    let refusal = refusal(change(store));
    assert_eq!(all(), before, "a refused change changed something");
    refusal
}

#[test]
fn a_client_with_active_projects_is_not_deactivated_by_a_toggle() {
    let store = with(2, 1, 1);
    let expected = (Rule::ClientHasActiveProjects, vec![("active project", 2)]);
    assert_eq!(refused(&store, |store| store.clients().toggle(1)), expected);
    let message = store.clients().toggle(1).unwrap_err().to_string();
    assert!(message.contains("Client has active projects") && message.contains("2 active projects"), "{message}");
}

#[test]
fn a_client_with_active_projects_is_not_deactivated_by_an_update() {
    let store = with(1, 0, 0);
    let changes = ClientChanges::new().active(false).name("Other");
    let expected = (Rule::ClientHasActiveProjects, vec![("active project", 1)]);
    assert_eq!(refused(&store, |store| store.clients().update(1, &changes)), expected);
    store.clients().update(1, &changes.clone().active(true)).unwrap();
    assert_eq!(store.clients().get(1).unwrap().name, "Other");
}

#[test]
fn a_client_with_inactive_projects_only_is_toggled_back_and_forth() {
    let store = with(0, 2, 3);
    assert!(!store.clients().toggle(1).unwrap());
    assert!(!store.clients().get(1).unwrap().active);
    assert!(store.clients().toggle(1).unwrap());
    assert!(store.clients().get(1).unwrap().active);
    store.clients().update(1, &ClientChanges::new().active(false)).unwrap();
    assert!(!store.clients().get(1).unwrap().active);
}

#[test]
fn a_client_with_projects_or_invoices_is_not_deleted() {
    let rule = Rule::ClientHasProjectsOrInvoices;
    for (active, inactive, invoices) in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 3, 4)] {
        let store = with(active, inactive, invoices);
        let expected = (rule, vec![("project", (active + inactive) as u64), ("invoice", invoices as u64)]);
        assert_eq!(refused(&store, |store| store.clients().delete(1)), expected);
    }
    let message = with(1, 0, 2).clients().delete(1).unwrap_err().to_string();
    assert!(message.contains("1 project and 2 invoices"), "{message}");
}

#[test]
fn a_client_is_deleted_once_nothing_stands_in_the_way() {
    let store = with(1, 0, 1);
    store.projects().delete(1).unwrap();
    assert_eq!(refused(&store, |store| store.clients().delete(1)).1, [("project", 0), ("invoice", 1)]);
    store.invoices().delete(1).unwrap();
    store.clients().delete(1).unwrap();
    assert!(matches!(store.clients().get(1), Err(Error::NotFound { record: "client", id: 1 })));
}

#[test]
fn an_inactive_client_gets_no_active_project() {
    let store = with(0, 1, 0);
    let other = store.clients().create(&NewClient::named("Other")).unwrap();
    let moving = store.projects().create(&NewProject::of(other, "moving")).unwrap();
    store.clients().toggle(1).unwrap();
    let expected = (Rule::ClientIsInactive, vec![("inactive client", 1)]);
    assert_eq!(refused(&store, |store| store.projects().create(&NewProject::of(1, "new"))), expected);
    assert_eq!(refused(&store, |store| store.projects().toggle(1)), expected);
    let here = ProjectChanges::new().client_id(1).name("moved");
    assert_eq!(refused(&store, |store| store.projects().update(moving, &here)), expected);
}

#[test]
fn an_inactive_client_keeps_and_gets_inactive_projects() {
    let store = with(0, 1, 0);
    store.clients().toggle(1).unwrap();
    let other = store.clients().create(&NewClient::named("Other")).unwrap();
    let moving = store.projects().create(&NewProject::of(other, "moving").active(false)).unwrap();
    store.projects().create(&NewProject::of(1, "asleep").active(false)).unwrap();
    store.projects().update(moving, &ProjectChanges::new().client_id(1)).unwrap();
    assert_eq!(store.projects().get(moving).unwrap().client_id, 1);
    store.projects().update(moving, &ProjectChanges::new().name("renamed").client_id(1)).unwrap();
    assert_eq!(store.projects().get(moving).unwrap().name, "renamed");
}

#[test]
fn an_update_of_a_projects_activity_stands_under_the_toggles_rule() {
    let store = with(1, 1, 0);
    store.projects().update(1, &ProjectChanges::new().active(false).code("A")).unwrap();
    store.projects().update(2, &ProjectChanges::new().active(true).code("B")).unwrap();
    let (first, second) = (store.projects().get(1).unwrap(), store.projects().get(2).unwrap());
    assert_eq!((first.active, first.code.as_str()), (false, "A"));
    assert_eq!((second.active, second.code.as_str()), (true, "B"));
    store.projects().toggle(2).unwrap();
    store.clients().toggle(1).unwrap();
    let refused = store.projects().update(1, &ProjectChanges::new().active(true).code("C"));
    assert!(matches!(refused, Err(clientstore::Error::Refused { rule: Rule::ClientIsInactive, .. })), "{refused:?}");
    assert_eq!(store.projects().get(1).unwrap().code, "A");
}

#[test]
fn projects_and_invoices_are_of_an_existing_client() {
    let store = with(1, 0, 1);
    assert_eq!(invalid(store.projects().create(&NewProject::of(9, "p"))), ("client-id", None));
    assert_eq!(invalid(store.projects().create(&NewProject::of(9, "p").active(false))), ("client-id", None));
    assert_eq!(invalid(store.projects().update(1, &ProjectChanges::new().client_id(9))), ("client-id", None));
    assert_eq!(invalid(store.invoices().create(&NewInvoice::of(9))), ("client-id", None));
    let moved = clientstore::InvoiceChanges::new().client_id(9).subject("moved");
    assert_eq!(invalid(store.invoices().update(1, &moved)), ("client-id", None));
    assert_eq!(store.projects().get(1).unwrap().client_id, 1);
    assert_eq!(store.invoices().get(1).unwrap().subject, "");
    let message = store.projects().create(&NewProject::of(9, "p")).unwrap_err().to_string();
    assert!(message.contains('9'), "{message}");
}

#[test]
fn required_fields_are_required_and_not_blank() {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("x")).unwrap();
    store.projects().create(&NewProject::of(1, "p")).unwrap();
    assert_eq!(invalid(store.clients().create(&NewClient::new())).0, "name");
    assert_eq!(invalid(store.projects().create(&NewProject::new().name("p"))).0, "client-id");
    assert_eq!(invalid(store.projects().create(&NewProject::new().client_id(1))).0, "name");
    assert_eq!(invalid(store.invoices().create(&NewInvoice::new())).0, "client-id");
    for blank in ["", " ", "\t\n\r "] {
        assert_eq!(invalid(store.clients().create(&NewClient::named(blank))).0, "name", "{blank:?}");
        assert_eq!(invalid(store.clients().update(1, &ClientChanges::new().name(blank))).0, "name", "{blank:?}");
        assert_eq!(invalid(store.projects().create(&NewProject::of(1, blank))).0, "name", "{blank:?}");
        assert_eq!(invalid(store.projects().update(1, &ProjectChanges::new().name(blank))).0, "name", "{blank:?}");
    }
    store.clients().create(&NewClient::named("\u{A0}")).expect("only XML's white space is blank");
}

#[test]
fn a_record_that_is_not_there_is_not_found() {
    let (store, _) = memory();
    #[track_caller]
    fn missing<T: std::fmt::Debug>(result: Result<T, Error>, kind: &str) {
        match result {
            Err(Error::NotFound { record, id: 5 }) => assert_eq!(record, kind),
            other => panic!("{other:?}"),
        }
    }
    missing(store.clients().get(5), "client");
    missing(store.clients().update(5, &ClientChanges::new().name("x").active(false)), "client");
    missing(store.clients().toggle(5), "client");
    missing(store.clients().delete(5), "client");
    missing(store.projects().get(5), "project");
    missing(store.projects().update(5, &ProjectChanges::new().client_id(9)), "project");
    missing(store.projects().toggle(5), "project");
    missing(store.projects().delete(5), "project");
    missing(store.invoices().get(5), "invoice");
    missing(store.invoices().update(5, &clientstore::InvoiceChanges::new().due_at_human_format("NET 5")), "invoice");
    missing(store.invoices().delete(5), "invoice");
}

#[test]
fn a_change_that_changes_nothing_is_a_write() {
    let (store, clock) = memory();
    store.clients().create(&NewClient::named("x")).unwrap();
    for round in 1..=2 {
        clock.forward(10);
        store.clients().update(1, &ClientChanges::new()).unwrap();
        let client = store.clients().get(1).unwrap();
        assert_eq!((client.cache_version, client.updated_at), (round, clock.now()));
    }
}

#[test]
fn a_project_with_invoices_of_its_client_is_deleted() {
    let store = with(1, 0, 1);
    store.projects().delete(1).unwrap();
    assert!(matches!(store.projects().get(1), Err(Error::NotFound { .. })));
}
