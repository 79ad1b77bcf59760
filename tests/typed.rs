//! The types of the public interface: fields that are read, and records that serde keeps.

mod common;

use clientstore::{
    BudgetBy, Client, ClientChanges, ClientId, Invoice, NewClient, NewInvoice, NewProject, NewTask, Project, ProjectId,
    Record, Task, json, xml,
};
use common::{day, invalid, memory};
use rust_decimal::Decimal;

#[test]
fn each_field_of_a_parsed_document_can_be_read_and_nil_is_not_absent() {
    let documents = [
        xml::read::<Project>(
            b"<project><client-id>7</client-id><name>Website</name><active>false</active><budget>12.5</budget>\
              <starts-on>2011-03-31</starts-on><fee nil=\"true\"/><budget-by>Project-Cost</budget-by></project>",
        ),
        json::read::<Project>(
            br#"{"project":{"client_id":7,"name":"Website","active":false,"budget":12.5,"starts_on":"2011-03-31",
                "fee":null,"budget_by":"Project-Cost"}}"#,
        ),
    ];
    for fields in documents.map(Result::unwrap) {
        assert_eq!(fields.client_id().unwrap(), Some(ClientId::from(7)));
        assert_eq!(fields.name().unwrap().as_deref(), Some("Website"));
        assert_eq!(fields.active().unwrap(), Some(false));
        assert_eq!(fields.budget().unwrap(), Some(Some(Decimal::new(125, 1))));
        assert_eq!(fields.starts_on().unwrap(), Some(Some(day("2011-03-31"))));
        assert_eq!(fields.budget_by().unwrap(), Some(BudgetBy::ProjectCost), "as it is listed");
        assert_eq!((fields.fee().unwrap(), fields.cost_budget().unwrap()), (Some(None), None), "nil, and absent");
        assert_eq!((fields.id().unwrap(), fields.created_at().unwrap()), (None, None));
    }
}

#[test]
fn a_field_that_is_none_of_the_listed_values_is_told_when_it_is_read() {
    let fields = xml::read::<Project>(b"<project><name>x</name><budget-by>moon</budget-by></project>").unwrap();
    assert_eq!(fields.name().unwrap().as_deref(), Some("x"));
    let (field, _) = invalid(fields.budget_by());
    assert_eq!(field, "budget-by");
}

#[test]
fn what_a_request_sets_can_be_read() {
    assert_eq!(NewClient::named("x").fields().name().unwrap().as_deref(), Some("x"));
    assert_eq!(ClientChanges::new().highrise_id(None).fields().highrise_id().unwrap(), Some(None));
    assert_eq!(ClientChanges::new().fields().highrise_id().unwrap(), None);
}

/// The record as a map, and the record without each of its fields in turn, where that can be read.
fn without_each<R: Record>(record: &R) -> (Vec<String>, Vec<String>) {
    let map = serde_json::to_value(record).unwrap();
    assert_eq!(serde_json::from_value::<R>(map.clone()).unwrap(), *record);
    let names: Vec<String> = map.as_object().unwrap().keys().cloned().collect();
    names.into_iter().partition(|name| {
        let mut less = map.clone();
        less.as_object_mut().unwrap().remove(name);
        match serde_json::from_value::<R>(less) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.to_string(), format!("missing field `{name}`"));
                false
            }
        }
    })
}

#[test]
fn a_stored_record_is_read_without_the_fields_that_have_a_default_and_no_others() {
    let (store, _) = memory();
    let client = store.clients().create(&NewClient::named("x")).unwrap();
    let project = store.projects().create(&NewProject::of(client, "p")).unwrap();
    let invoice = store.invoices().create(&NewInvoice::of(client)).unwrap();
    let task = store.tasks().create(&NewTask::named("t")).unwrap();

    let (_, needed) = without_each::<Client>(&store.clients().get(client).unwrap());
    assert_eq!(needed, ["created_at", "currency_symbol", "id", "name", "updated_at"]);
    let (_, needed) = without_each::<Task>(&store.tasks().get(task).unwrap());
    assert_eq!(needed, ["created_at", "id", "name", "updated_at"]);
    let (optional, _) = without_each::<Invoice>(&store.invoices().get(invoice).unwrap());
    assert!(optional.iter().any(|name| name == "discount") && optional.iter().any(|name| name == "state"));

    let stored = r#"{"id":3,"client_id":1,"name":"Old","created_at":"2011-03-31T10:00:00Z",
        "updated_at":"2011-03-31T10:00:00Z","estimate_by":"none"}"#;
    let read: Project = serde_json::from_str(stored).unwrap();
    let made = store.projects().get(project).unwrap();
    assert_eq!((read.id, read.active, read.budget_by), (ProjectId::from(3), made.active, made.budget_by));
    assert_eq!(read.over_budget_notification_percentage, made.over_budget_notification_percentage);
    assert_eq!(read.starts_on, None);
}

#[test]
fn a_stored_record_whose_field_has_another_type_is_refused() {
    let (store, _) = memory();
    let client = store.clients().create(&NewClient::named("x")).unwrap();
    let mut map = serde_json::to_value(store.clients().get(client).unwrap()).unwrap();
    map["active"] = serde_json::Value::Null;
    assert!(serde_json::from_value::<Client>(map).is_err(), "nil where there is none");
}

#[test]
fn a_transaction_ends_with_an_error_of_the_programs_own() {
    #[derive(Debug)]
    enum Failure {
        Store(clientstore::Error),
        Changed,
    }
    impl From<clientstore::Error> for Failure {
        fn from(error: clientstore::Error) -> Self {
            Failure::Store(error)
        }
    }
    let (store, _) = memory();
    let changed: Result<(), Failure> = store.transaction(|tx| {
        tx.clients().create(&NewClient::named("x"))?;
        Err(Failure::Changed)
    });
    assert!(matches!(changed, Err(Failure::Changed)));
    let missing: Result<(), Failure> = store.transaction(|tx| {
        tx.clients().create(&NewClient::named("x"))?;
        tx.clients().delete(99)?;
        Ok(())
    });
    assert!(matches!(missing, Err(Failure::Store(clientstore::Error::NotFound { id: 99, .. }))));
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 0, "neither has changed anything");
}

#[test]
fn a_load_tells_its_progress_up_to_the_number_of_records() {
    let (store, _) = memory();
    let list = format!("<clients>{}</clients>", "<client><name>x</name></client>".repeat(2_500));
    let mut told = Vec::new();
    let loaded = store.load([("the list", list.as_bytes())], |progress| told.push((progress.doing, progress.done)));
    assert_eq!(loaded.unwrap().records, 2_500);
    assert_eq!(told, [1_000, 2_000, 2_500].map(|done| ("loading the records", done)));
}
