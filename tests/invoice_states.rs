//! The states of an invoice (`invoices.md`): what messages, payments and actions do to them.

mod api;
mod billing;
mod common;

use api::Service;
use billing::{elements, lines, pay, payment, refused, sent, service, state};
use clientstore::{ClientStore, InvoiceState, NewClient, NewInvoice, NewLineItem, NewPayment, Rule};
use common::{memory, moment, refusal};
use rust_decimal::Decimal;

const STATES: [&str; 5] = ["draft", "open", "partial", "paid", "closed"];

/// An invoice of 100 in a state, its path.
fn invoice(service: &Service, in_state: &str) -> String {
    let path =
        if in_state == "draft" { service.invoice(1, &lines("Service,Work,1,100,,,\n")) } else { sent(service, "100") };
    match in_state {
        "partial" => drop(pay(service, &path, "40")),
        "paid" => drop(pay(service, &path, "100")),
        "closed" => assert_eq!(service.put(&format!("{path}/messages/mark_as_closed"), "").status, 200),
        _ => {}
    }
    assert_eq!(state(service, &path).0, in_state);
    path
}

#[test]
fn every_action_does_its_transition_or_is_refused() {
    // What each action makes of each state; nothing where it is refused.
    let table: [(&str, [&str; 5], &str); 4] = [
        ("mark_as_sent", ["open", "", "", "", ""], "only a draft"),
        ("mark_as_draft", ["", "draft", "", "", ""], "only an open invoice"),
        ("mark_as_closed", ["", "closed", "closed", "", ""], "a paid invoice needs no closing"),
        ("re_open", ["", "", "", "", "open"], "only a closed invoice"),
    ];
    for (action, becomes, hint) in table {
        for (from, to) in STATES.into_iter().zip(becomes) {
            for method in ["POST", "PUT"] {
                for message in ["", "<invoice-message><body>b</body></invoice-message>"] {
                    let service = service();
                    let path = invoice(&service, from);
                    service.clock.forward(60);
                    let before = service.get(&path).body;
                    let answer = service.call(method, &format!("{path}/messages/{action}"), message);
                    let messages = service.get(&format!("{path}/messages")).ids().len();
                    if to.is_empty() {
                        refused(&answer, &[hint]);
                        assert_eq!((service.get(&path).body, messages), (before, 0), "{from} {action}");
                    } else {
                        assert_eq!((answer.status, answer.location(), &*answer.body), (200, Some(&*path), ""));
                        assert_eq!(elements(&service, &path, ["state", "updated-at"]), [to, "2011-03-31T10:01:00Z"]);
                        let stored = !message.is_empty() && action != "re_open";
                        assert_eq!(messages, usize::from(stored), "{from} {action}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_action_never_happens_by_get_nor_on_no_invoice() {
    let service = service();
    for (from, action) in
        [("draft", "mark_as_sent"), ("open", "mark_as_draft"), ("open", "mark_as_closed"), ("closed", "re_open")]
    {
        let path = format!("{}/messages/{action}", invoice(&service, from));
        for method in ["GET", "HEAD", "DELETE"] {
            let answer = service.call(method, &path, "");
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST, PUT")), "{method} {path}");
        }
        assert_eq!(state(&service, path.split("/messages").next().unwrap()).0, from);
        for path in [format!("/invoices/99/messages/{action}"), format!("/invoices/x/messages/{action}")] {
            assert_eq!(service.post(&path, "").status, 404);
        }
        assert_eq!(service.post(&path.replace("/messages", ""), "").status, 404);
    }
}

#[test]
fn the_message_of_an_action_is_stored_whole_or_nothing_happens() {
    let service = service();
    let path = invoice(&service, "draft");
    let action = format!("{path}/message/mark_as_sent.xml");
    for malformed in ["<client/>", "<message><body>", "<message><thank-you>maybe</thank-you></message>"] {
        refused(&service.post(&action, malformed), &["line 1"]);
        assert_eq!(state(&service, &path).0, "draft");
    }
    let body = "<message><body>B &amp; b</body><subject>S</subject><recipients>a@example.com, b@example.com</recipients>\
                <thank-you>true</thank-you><attach-pdf>true</attach-pdf></message>";
    assert_eq!(service.put(&action, body).status, 200);
    assert_eq!(
        elements(&service, &format!("{path}/messages/1"), ["body", "subject", "full-recipient-list", "thank-you"]),
        ["B &amp; b", "S", "a@example.com, b@example.com", "true"]
    );
    refused(&service.put(&action, body), &["only a draft"]);
    assert_eq!(service.get(&format!("{path}/messages")).ids(), [1]);
}

#[test]
fn a_message_makes_a_draft_sent_and_no_other_state_another() {
    for (from, to) in
        [("draft", "open"), ("open", "open"), ("partial", "partial"), ("paid", "paid"), ("closed", "closed")]
    {
        let service = service();
        let path = invoice(&service, from);
        service.clock.forward(60);
        let message = service.create(&format!("{path}/messages"), "<message><body>b</body></message>");
        assert_eq!(elements(&service, &path, ["state", "updated-at"]), [to, "2011-03-31T10:01:00Z"]);
        service.clock.forward(60);
        assert_eq!(service.call("DELETE", &message, "").status, 200);
        assert_eq!(elements(&service, &path, ["state", "updated-at"]), [to, "2011-03-31T10:02:00Z"], "it was sent");
    }
}

#[test]
fn payments_move_the_state_and_what_is_due_there_and_back() {
    for (sum, from, amount, to, due) in [
        ("100", "draft", "40", "draft", "60.0"),
        ("100", "draft", "0", "draft", "100.0"),
        ("100", "draft", "100", "paid", "0.0"),
        ("100", "open", "0", "open", "100.0"),
        ("100", "open", "-5.5", "open", "105.5"),
        ("100", "open", "0.01", "partial", "99.99"),
        ("100", "open", "100", "paid", "0.0"),
        ("100", "open", "130.25", "paid", "-30.25"),
        ("0", "draft", "0", "paid", "0.0"),
        ("0", "open", "0", "paid", "0.0"),
        ("-20", "open", "0", "paid", "-20.0"),
        ("-20", "open", "-20.5", "open", "0.5"),
    ] {
        let service = service();
        let path = match from {
            "draft" => service.invoice(1, &lines(&format!("Service,Work,1,{sum},,,\n"))),
            _ => sent(&service, sum),
        };
        let before = state(&service, &path);
        assert_eq!(before.0, from);
        service.clock.forward(60);
        let paid = pay(&service, &path, amount);
        assert_eq!(state(&service, &path), (to.to_owned(), due.to_owned()), "{sum} {from} {amount}");
        assert_eq!(elements(&service, &path, ["updated-at"]), ["2011-03-31T10:01:00Z"]);
        service.clock.forward(60);
        assert_eq!(service.call("DELETE", &paid, "").status, 200);
        assert_eq!((state(&service, &path), service.get(&paid).status), (before, 404));
        assert_eq!(elements(&service, &path, ["updated-at"]), ["2011-03-31T10:02:00Z"]);
    }
}

#[test]
fn a_closed_invoice_takes_no_payment_and_gives_none_back() {
    let service = service();
    let path = invoice(&service, "partial");
    assert_eq!(service.post(&format!("{path}/messages/mark_as_closed"), "").status, 200);
    let before = service.get(&path).body;
    service.clock.forward(60);
    for amount in ["60", "0"] {
        refused(&service.post(&format!("{path}/payments"), &payment(amount)), &["re_open"]);
    }
    refused(&service.call("DELETE", &format!("{path}/payments/1"), ""), &["re_open"]);
    assert_eq!(service.get(&path).body, before);
    assert_eq!(service.get(&format!("{path}/payments")).ids(), [1]);
    assert_eq!(service.post(&format!("{path}/messages/re_open"), "").status, 200);
    assert_eq!(state(&service, &path), ("partial".to_owned(), "60.0".to_owned()), "it opens as far as it was paid");
    pay(&service, &path, "60");
    assert_eq!(state(&service, &path).0, "paid");
}

#[test]
fn a_payment_says_how_much_and_when() {
    let service = service();
    let path = invoice(&service, "open");
    let before = service.get(&path).body;
    service.clock.forward(60);
    let when = "<paid-at>2011-03-31T09:00:00Z</paid-at>";
    for (fields, named) in [
        (when, "amount"),
        (&*format!("<amount></amount>{when}"), "amount"),
        (&*format!("<amount nil=\"true\"/>{when}"), "amount"),
        (&*format!("<amount>ten</amount>{when}"), "amount"),
        ("<amount>1</amount>", "paid-at"),
        ("<amount>1</amount><paid-at>soon</paid-at>", "paid-at"),
    ] {
        refused(&service.post(&format!("{path}/payments"), &format!("<payment>{fields}</payment>")), &[named]);
    }
    assert_eq!(service.get(&path).body, before);
    assert_eq!(service.get(&format!("{path}/payments")).ids(), [0; 0]);
}

#[test]
fn a_state_is_never_assigned_but_follows_the_lines() {
    let service = service();
    let path = service.invoice(1, &format!("<state>paid</state>{}", lines("Service,Work,1,100,,,\n")));
    assert_eq!(state(&service, &path).0, "draft");
    for given in STATES {
        assert_eq!(service.put(&path, &format!("<invoice><state>{given}</state></invoice>")).status, 200);
        assert_eq!(state(&service, &path).0, "draft", "{given}");
    }
    pay(&service, &path, "50");
    for (price, expected, due) in [("50", "paid", "0.0"), ("51", "draft", "1.0"), ("20", "paid", "-30.0")] {
        let changed = format!("<invoice>{}</invoice>", lines(&format!("Service,Work,1,{price},,,\n")));
        assert_eq!(service.put(&path, &changed).status, 200);
        assert_eq!(state(&service, &path), (expected.to_owned(), due.to_owned()));
    }
}

/// A typed store with client 1 and invoice 1 of 100.
fn store() -> ClientStore {
    let (store, _) = memory();
    store.clients().create(&NewClient::named("one")).unwrap();
    store.invoices().create(&NewInvoice::of(1).lines([NewLineItem::of("Work", 1, 100)])).unwrap();
    store
}

fn paid(amount: i64) -> NewPayment {
    NewPayment::of(1, amount, moment("2011-03-31T09:00:00Z"))
}

#[test]
fn the_typed_transitions_have_names() {
    let store = store();
    let invoices = store.invoices();
    let now = || invoices.get(1).unwrap().state;
    assert_eq!(refusal(invoices.mark_as_draft(1)), (Rule::InvoiceIsNotOpen, vec![("draft invoice", 1)]));
    invoices.mark_as_sent(1).unwrap();
    assert_eq!(now(), InvoiceState::Open);
    assert_eq!(refusal(invoices.mark_as_sent(1)), (Rule::InvoiceIsNotDraft, vec![("open invoice", 1)]));
    invoices.mark_as_draft(1).unwrap();
    assert_eq!(now(), InvoiceState::Draft);
    assert_eq!(refusal(invoices.close(1)), (Rule::InvoiceIsNotOpenOrPartial, vec![("draft invoice", 1)]));
    invoices.mark_as_sent(1).unwrap();
    let payment = invoices.record_payment(&paid(100)).unwrap();
    assert_eq!(now(), InvoiceState::Paid);
    assert_eq!(refusal(invoices.close(1)), (Rule::InvoiceIsNotOpenOrPartial, vec![("paid invoice", 1)]));
    invoices.remove_payment(payment).unwrap();
    let payment = invoices.record_payment(&paid(1)).unwrap();
    assert_eq!(now(), InvoiceState::Partial);
    assert_eq!(refusal(invoices.reopen(1)), (Rule::InvoiceIsNotClosed, vec![("partially paid invoice", 1)]));
    invoices.close(1).unwrap();
    assert_eq!(now(), InvoiceState::Closed);
    assert_eq!(refusal(invoices.record_payment(&paid(1))).0, Rule::InvoiceIsClosed);
    assert_eq!(refusal(invoices.remove_payment(payment)).0, Rule::InvoiceIsClosed);
    invoices.reopen(1).unwrap();
    assert_eq!(now(), InvoiceState::Partial);
    assert_eq!(store.messages().list(&Default::default()).unwrap().count(), 0);
}

#[test]
fn eight_threads_that_pay_and_unpay_leave_sums_and_state_right() {
    let directory = tempfile::tempdir().unwrap();
    let file = common::builder(&Default::default())
        .durability(clientstore::Durability::Off)
        .open(directory.path().join("store.db"))
        .unwrap();
    file.clients().create(&NewClient::named("one")).unwrap();
    file.invoices().create(&NewInvoice::of(1).lines([NewLineItem::of("Work", 1, 100)])).unwrap();
    for store in [store(), file] {
        store.invoices().mark_as_sent(1).unwrap();
        let right = || {
            store
                .transaction(|tx| {
                    let payments = tx.payments().list(&Default::default())?;
                    let sum: Decimal = payments.map(|payment| payment.unwrap().amount).sum();
                    let invoice = tx.invoices().get(1)?;
                    assert_eq!(invoice.due_amount, invoice.amount - sum);
                    let state = match sum {
                        sum if sum >= invoice.amount => InvoiceState::Paid,
                        sum if sum > Decimal::ZERO => InvoiceState::Partial,
                        _ => InvoiceState::Open,
                    };
                    assert_eq!(invoice.state, state);
                    Ok::<_, clientstore::Error>(sum)
                })
                .unwrap()
        };
        std::thread::scope(|scope| {
            for thread in 0..8_i64 {
                let (store, right) = (store.clone(), &right);
                scope.spawn(move || {
                    for round in 0..20 {
                        let payment = store.invoices().record_payment(&paid(thread * 7 + round)).unwrap();
                        if round % 5 == 0 {
                            right();
                        }
                        // Each document is of one moment, too.
                        let invoice = store.invoices().get(1).unwrap();
                        assert_eq!(invoice.due_amount <= Decimal::ZERO, invoice.state == InvoiceState::Paid);
                        if round != 19 {
                            store.invoices().remove_payment(payment).unwrap();
                        }
                    }
                });
            }
        });
        assert_eq!(right(), Decimal::from((0..8).map(|thread| thread * 7 + 19).sum::<i64>()));
        assert_eq!(store.payments().list(&Default::default()).unwrap().count(), 8);
    }
}

#[test]
fn a_hundred_concurrent_creations_get_a_hundred_numbers_in_order() {
    let store = store();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            let store = store.clone();
            scope.spawn(move || {
                for _ in 0..10 {
                    store.invoices().create(&NewInvoice::of(1)).unwrap();
                }
            });
        }
    });
    let newest_first: Vec<(i64, String)> = store
        .invoices()
        .list(&Default::default())
        .unwrap()
        .map(Result::unwrap)
        .map(|one| (one.id.into(), one.number))
        .collect();
    assert_eq!(newest_first, (1..=101).rev().map(|id| (id, id.to_string())).collect::<Vec<_>>());
}
