//! Money: totals and what is due (`invoices.md`); `tests/model` compares them with a computation of its own.

mod api;
mod billing;
mod common;

use billing::{body, elements, lines, refused, service};

/// The totals of an invoice as its document shows them.
#[track_caller]
fn totals(service: &api::Service, path: &str) -> [String; 5] {
    elements(service, path, ["discount-amount", "tax-amount", "tax2-amount", "amount", "due-amount"])
}

#[test]
fn the_checks_of_the_specification_come_out() {
    let service = service();
    let percents = "<discount>10</discount><tax>5</tax>";
    let line = lines("Service,A,1,300,,true,true\n");
    let path = service.invoice(1, &format!("{percents}<tax2>2</tax2>{line}"));
    assert_eq!(totals(&service, &path), ["30.0", "13.5", "5.4", "288.9", "288.9"]);
    let mixed = lines("Service,A,1,100,,true,\nService,B,2,100,,,\n");
    let path = service.invoice(1, &format!("{percents}{mixed}"));
    assert_eq!(totals(&service, &path), ["30.0", "4.5", "0.0", "274.5", "274.5"]);
    let path = service.invoice(1, &lines("Service,A,3,0.485,,,\n"));
    assert_eq!(totals(&service, &path), ["0.0", "0.0", "0.0", "1.46", "1.46"]);
}

#[test]
fn an_update_of_a_percent_moves_the_totals() {
    let service = service();
    let path = service.invoice(1, &lines("Service,A,1,0.5,,true,true\n"));
    for (fields, expected) in [
        ("<tax>1</tax>", ["0.0", "0.01", "0.0", "0.51", "0.51"]),
        ("<tax2>0.999999</tax2>", ["0.0", "0.01", "0.0", "0.51", "0.51"]),
        ("<discount>0</discount><tax>0</tax>", ["0.0", "0.0", "0.0", "0.5", "0.5"]),
        ("<tax2>100</tax2>", ["0.0", "0.0", "0.5", "1.0", "1.0"]),
        ("<discount>100</discount>", ["0.5", "0.0", "0.0", "0.0", "0.0"]),
        ("<discount></discount><tax nil=\"true\"/><tax2/>", ["0.0", "0.0", "0.0", "0.5", "0.5"]),
    ] {
        assert_eq!(service.put(&path, &format!("<invoice>{fields}</invoice>")).status, 200);
        assert_eq!(totals(&service, &path), expected, "{fields}");
    }
}

#[test]
fn what_is_out_of_range_is_refused_and_nothing_changes() {
    let service = service();
    let path = service.invoice(1, &format!("<tax>100</tax>{}", lines("Service,A,1,2,,true,\n")));
    let paid = billing::pay(&service, &path, "999999999999");
    service.clock.forward(60);
    let before = [service.get(&path).body, service.get("/invoices").body, service.get(&paid).body];
    let big = lines("Service,A,1,999999999999.99,,true,\n");
    for (fields, field) in [
        ("<tax>100.000001</tax>", "tax"),
        ("<tax2>-0.000001</tax2>", "tax2"),
        ("<discount>101</discount>", "discount"),
        ("<discount>ten</discount>", "discount"),
        ("<tax>1234567890123</tax>", "tax"),
        ("<tax2>0.1234567</tax2>", "tax2"),
        (&*lines("Service,A,999999999999,2,,,\n"), "amount"),
        (&*lines("Service,A,1,999999999999,,,\nService,A,1,1,,,\n"), "amount"),
        (&*lines("Service,A,-1,999999999999.99,,,\nService,A,-1,0.01,,,\n"), "amount"),
        (&*format!("<tax>0.1</tax>{big}"), "amount"),
        // What is due would be too far below zero.
        (&*lines("Service,A,-1,2,,,\n"), "amount"),
    ] {
        let fields = format!("<subject>new</subject>{fields}");
        refused(&service.put(&path, &body(&fields)), &[field]);
        if !fields.contains("-1,2,") {
            refused(&service.post("/invoices", &body(&fields)), &[field]);
        }
    }
    for amount in ["ten", "", "1e3", "1234567890123", "0.1234567"] {
        refused(&service.post(&format!("{path}/payments"), &billing::payment(amount)), &["amount"]);
    }
    refused(&service.post(&format!("{path}/payments"), &billing::payment("1")), &["amount"]);
    assert_eq!([service.get(&path).body, service.get("/invoices").body, service.get(&paid).body], before);
    assert_eq!(service.get(&format!("{path}/payments")).ids(), [1]);
    let most = service.invoice(1, &format!("<tax>0</tax>{big}"));
    assert_eq!(elements(&service, &most, ["amount"]), ["999999999999.99"], "the largest is no rounder than the rest");
}
