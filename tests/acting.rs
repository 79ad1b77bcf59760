//! Who acts in a call, and what is written of them.

mod api;
mod common;

use api::Service;
use clientstore::{NewClient, NewInvoice, NewPerson};

/// A store with a client, an invoice of it, and person 2, Jane Doe.
fn service() -> Service {
    let service = Service::new();
    let store = service.api.store();
    store.clients().create(&NewClient::named("SuprCorp")).unwrap();
    store.invoices().create(&NewInvoice::of(1)).unwrap();
    store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
    service
}

#[test]
fn what_an_administrator_writes_for_another_person_is_theirs() {
    let service = service();
    for (path, body) in [
        ("/invoices?of_user=2", "<invoice><client-id>1</client-id></invoice>"),
        ("/invoices/2/messages?of_user=2", "<invoice-message><body>Hello</body></invoice-message>"),
        ("/invoices/2/messages/mark_as_closed?of_user=2", "<invoice-message><body>Bye</body></invoice-message>"),
        ("/invoices/1/payments?of_user=2", "<payment><amount>1</amount><paid-at>2011-03-31</paid-at></payment>"),
        ("/projects?of_user=2", "<project><name>Website</name><client-id>1</client-id></project>"),
    ] {
        assert!(service.post(path, body).status < 300, "{path}");
    }
    let store = service.api.store();
    assert_eq!([1, 2].map(|id| store.invoices().get(id).unwrap().created_by_id), [1, 2]);
    let sent =
        [1, 2].map(|id| store.messages().get(id).unwrap()).map(|message| (message.sent_by, message.sent_by_email));
    assert_eq!(sent, [(); 2].map(|()| ("Jane Doe".to_owned(), "jane@example.com".to_owned())));
    let payment = store.payments().get(1).unwrap();
    assert_eq!((&*payment.recorded_by, &*payment.recorded_by_email), ("Jane Doe", "jane@example.com"));
    let assigned: Vec<i64> =
        store.user_assignments().list(&Default::default()).unwrap().map(|one| one.unwrap().user_id.into()).collect();
    assert_eq!(assigned, [2]);
    assert!(service.get("/account/who_am_i?of_user=2").body.contains("<email>jane@example.com</email>"));
}

#[test]
fn nobody_acts_for_a_person_who_is_not_there() {
    let service = service();
    for id in ["7", "0", "-2", "jane", "99999999999999999999"] {
        assert_eq!(service.get(&format!("/clients?of_user={id}")).status, 404, "{id}");
    }
    assert_eq!(service.get("/clients?of_user=").status, 200);
}

#[test]
fn what_the_typed_access_writes_is_the_first_persons() {
    let store = service().api.store().clone();
    store.people().update(1, &clientstore::PersonChanges::new().first_name("Eva")).unwrap();
    store.messages().create(&clientstore::NewMessage::of(1, "Hello")).unwrap();
    let message = store.messages().get(1).unwrap();
    assert_eq!((&*message.sent_by, &*message.sent_by_email), ("Eva User", "admin@example.com"));
}
