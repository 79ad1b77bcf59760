//! Invoices loaded from a list of the API, which has neither their lines nor their payments: what happens to
//! them keeps what they came with (`invoices.md`, Money).

mod api;
mod billing;
mod common;

use api::Service;
use billing::{HEAD, element, elements, lines, pay, payment, service};

/// A service with client 1 and invoice 7, loaded from a list.
fn loaded(state: &str, amount: &str, due: &str) -> Service {
    let service = service();
    let document = format!(
        "<invoices type=\"array\"><invoice><id>7</id><amount>{amount}</amount><due-amount>{due}</due-amount>\
         <client-id>1</client-id><number>n</number><state>{state}</state><tax>5</tax><tax-amount>5.0</tax-amount>\
         <tax2 nil=\"true\"/><discount>10.0</discount><discount-amount>10.5</discount-amount></invoice></invoices>"
    );
    assert_eq!(service.api.store().load([("invoices.xml", document.as_bytes())], |_| {}).unwrap().records, 1);
    service
}

const PATH: &str = "/invoices/7";
const MONEY: [&str; 6] = ["amount", "due-amount", "discount-amount", "tax-amount", "tax2-amount", "state"];

#[track_caller]
fn holds(service: &Service, [amount, due, state]: [&str; 3]) {
    assert_eq!(elements(service, PATH, MONEY), [amount, due, "10.5", "5.0", "0.0", state]);
    let report = service.api.store().check(|_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings());
}

#[test]
fn an_update_keeps_the_totals_also_when_it_sends_back_the_whole_document() {
    let service = loaded("partial", "94.5", "40.0");
    holds(&service, ["94.5", "40.0", "partial"]);
    assert_eq!(service.put(PATH, "<invoice><subject>new</subject></invoice>").status, 200);
    assert_eq!(service.put(PATH, &service.get(PATH).body).status, 200);
    let percents = "<invoice><tax>20</tax><tax2 nil=\"true\"/><discount>0</discount></invoice>";
    assert_eq!(service.put(PATH, percents).status, 200);
    holds(&service, ["94.5", "40.0", "partial"]);
    assert_eq!(elements(&service, PATH, ["subject", "tax", "csv-line-items"]), ["new", "20.0", HEAD]);
}

#[test]
fn a_tax_that_comes_has_no_amount_yet_and_one_that_goes_takes_its_own_along() {
    let service = loaded("open", "94.5", "94.5");
    assert_eq!(service.put(PATH, "<invoice><tax nil=\"true\"/><tax2>2</tax2></invoice>").status, 200);
    assert_eq!(elements(&service, PATH, MONEY), ["94.5", "94.5", "10.5", "0.0", "0.0", "open"]);
}

#[test]
fn messages_and_actions_keep_the_totals_and_what_is_due() {
    let service = loaded("partial", "94.5", "40.0");
    let message = service.create("/invoices/7/messages", "<message><body>x</body></message>");
    holds(&service, ["94.5", "40.0", "partial"]);
    assert_eq!(service.call("DELETE", &message, "").status, 200);
    assert_eq!(service.post("/invoices/7/messages/mark_as_closed", "").status, 200);
    holds(&service, ["94.5", "40.0", "closed"]);
    assert_eq!(service.post("/invoices/7/messages/re_open", "").status, 200);
    holds(&service, ["94.5", "40.0", "partial"]);
    let service = loaded("draft", "94.5", "94.5");
    for (action, state) in [("mark_as_sent", "open"), ("mark_as_draft", "draft")] {
        assert_eq!(service.post(&format!("/invoices/7/messages/{action}"), "").status, 200);
        holds(&service, ["94.5", "94.5", state]);
    }
}

#[test]
fn what_is_paid_stays_paid_whatever_it_came_to() {
    for amount in ["94.5", "0.0"] {
        let service = loaded("paid", amount, "0.0");
        service.create("/invoices/7/messages", "<message><body>x</body></message>");
        holds(&service, [amount, "0.0", "paid"]);
    }
}

#[test]
fn payments_move_what_is_due_from_where_it_was() {
    let service = loaded("partial", "94.5", "40.0");
    let first = pay(&service, PATH, "15");
    holds(&service, ["94.5", "25.0", "partial"]);
    let second = pay(&service, PATH, "25");
    holds(&service, ["94.5", "0.0", "paid"]);
    for (payment, due) in [(second, "25.0"), (first, "40.0")] {
        assert_eq!(service.call("DELETE", &payment, "").status, 200);
        holds(&service, ["94.5", due, "partial"]);
    }
    let service = loaded("open", "94.5", "94.5");
    let only = pay(&service, PATH, "94.5");
    holds(&service, ["94.5", "0.0", "paid"]);
    assert_eq!(service.call("DELETE", &only, "").status, 200);
    holds(&service, ["94.5", "94.5", "open"]);
    let nothing = loaded("open", "0.0", "0.0");
    let only = pay(&nothing, PATH, "0");
    holds(&nothing, ["0.0", "0.0", "paid"]);
    assert_eq!(nothing.call("DELETE", &only, "").status, 200);
    holds(&nothing, ["0.0", "0.0", "open"]);
}

#[test]
fn its_payments_can_be_loaded_too_and_are_not_counted_twice() {
    let service = loaded("partial", "94.5", "40.0");
    let payments = "<payments type=\"array\"><payment><id>3</id><amount>54.5</amount><invoice-id>7</invoice-id>\
                    <paid-at>2011-03-31T09:00:00Z</paid-at></payment></payments>";
    service.api.store().load([("payments.xml", payments.as_bytes())], |_| {}).unwrap();
    holds(&service, ["94.5", "40.0", "partial"]);
    pay(&service, PATH, "40");
    holds(&service, ["94.5", "0.0", "paid"]);
    assert_eq!(service.call("DELETE", "/invoices/7/payments/3", "").status, 200);
    holds(&service, ["94.5", "54.5", "partial"]);
}

#[test]
fn payments_that_are_loaded_for_an_invoice_with_lines_count_from_its_next_change() {
    let service = service();
    let path = billing::sent(&service, "100");
    let payments = "<payments type=\"array\"><payment><id>3</id><amount>30</amount><invoice-id>1</invoice-id>\
                    <paid-at>2011-03-31T09:00:00Z</paid-at></payment></payments>";
    service.api.store().load([("payments.xml", payments.as_bytes())], |_| {}).unwrap();
    service.create(&format!("{path}/messages"), "<message><body>x</body></message>");
    assert_eq!(billing::state(&service, &path), ("partial".to_owned(), "70.0".to_owned()));
    pay(&service, &path, "70");
    assert_eq!(billing::state(&service, &path), ("paid".to_owned(), "0.0".to_owned()));
}

#[test]
fn lines_take_the_place_of_what_was_loaded() {
    let service = loaded("partial", "94.5", "40.0");
    pay(&service, PATH, "20");
    let line = lines("Service,A,1,200,,true,\n");
    assert_eq!(service.put(PATH, &format!("<invoice>{line}</invoice>")).status, 200);
    assert_eq!(elements(&service, PATH, MONEY), ["189.0", "169.0", "20.0", "9.0", "0.0", "partial"]);
    // Without the lines that it had, it comes to nothing.
    assert_eq!(service.put(PATH, &format!("<invoice>{}</invoice>", lines(""))).status, 200);
    assert_eq!(elements(&service, PATH, MONEY), ["0.0", "-20.0", "0.0", "0.0", "0.0", "paid"]);
    assert!(service.api.store().check(|_| {}).unwrap().is_clean());
}

#[test]
fn a_payment_after_which_what_is_due_would_be_too_far_below_zero_is_refused_and_nothing_changes() {
    let service = loaded("open", "94.5", "94.5");
    pay(&service, PATH, "999999999999.99");
    let before = service.get(PATH).body;
    billing::refused(&service.post("/invoices/7/payments", &payment("999999999999.99")), &["amount"]);
    assert_eq!(service.get(PATH).body, before);
}

#[test]
fn an_invoice_loaded_without_what_is_due_owes_all_of_it() {
    let service = service();
    let document = "<invoice><id>7</id><amount>94.5</amount><client-id>1</client-id><state>open</state></invoice>";
    service.api.store().load([("invoice.xml", document.as_bytes())], |_| {}).unwrap();
    assert_eq!(element(&service.get(PATH).body, "due-amount").unwrap(), "94.5");
}
