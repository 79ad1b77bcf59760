//! The forms and bounds of values, through the API.

mod api;
mod billing;
mod common;

use api::Service;
use billing::{body, elements, lines, refused, service};
use clientstore::Account;

#[test]
fn a_listed_value_is_read_in_any_case_and_with_dashes() {
    let service = service();
    for (element, sent, kept) in [
        ("bill-by", "TASKS", "Tasks"),
        ("bill-by", "people", "People"),
        ("bill-by", "None", "none"),
        ("budget-by", "Project-Cost", "project_cost"),
        ("budget-by", "TASK_FEES", "task_fees"),
        ("estimate-by", "task-fees", "task_fees"),
    ] {
        let name = if element == "estimate-by" { "budget-by" } else { element };
        let fields = format!("<client-id>1</client-id><name>x</name><{element}>{sent}</{element}>");
        let path = service.create("/projects", &format!("<project>{fields}</project>"));
        assert_eq!(elements(&service, &path, [name]), [kept], "{sent}");
    }
    for kind in ["FREE-FORM", "Free_Form", "Project", "TASK", "People", "DETAILED"] {
        assert_eq!(service.post("/invoices", &body(&format!("<kind>{kind}</kind>"))).status, 201, "{kind}");
    }
    refused(&service.post("/invoices", &body("<kind>free form</kind>")), &["kind", "free_form", "detailed"]);
}

#[test]
fn a_currency_has_at_most_255_characters() {
    let service = Service::new();
    let client = |length: usize| format!("<client><name>x</name><currency>{}</currency></client>", "é".repeat(length));
    assert_eq!(service.post("/clients", &client(255)).status, 201);
    refused(&service.post("/clients", &client(256)), &["currency", "255"]);
    assert_eq!(service.get("/clients").ids(), [1]);
}

#[test]
fn a_decimal_has_at_most_12_digits_before_the_point_and_6_after_it() {
    let service = service();
    let project = |fee: &str| format!("<project><client-id>1</client-id><name>x</name><fee>{fee}</fee></project>");
    let path = service.create("/projects", &project("999999999999.999999"));
    assert_eq!(elements(&service, &path, ["fee"]), ["999999999999.999999"]);
    for fee in ["1000000000000", "0.0000001", "-1234567890123.0"] {
        refused(&service.post("/projects", &project(fee)), &["fee"]);
    }
}

#[test]
fn a_page_that_is_no_number_from_1_is_the_first() {
    let service = service();
    service.invoice(1, "");
    for page in ["0", "abc", "", "1"] {
        assert_eq!(service.get(&format!("/invoices?page={page}")).ids(), [1], "{page}");
    }
    assert!(service.get("/invoices?page=2").ids().is_empty());
}

#[test]
fn a_suffix_alone_is_no_record() {
    let service = service();
    for path in ["/clients/.xml", "/clients//.xml", "/.xml"] {
        assert_eq!(service.get(path).status, 404, "{path}");
    }
    assert_eq!(service.get("//clients//1.xml").status, 200);
}

#[test]
fn where_the_decimal_symbol_is_a_comma_lines_may_have_it() {
    let german = Service::of(Account::default().decimal_symbol(','));
    german.client("one");
    let path = german.invoice(1, &lines("Service,A,\"1,5\",\"10,25\",,,,\nService,B,2,0.5,,,,\n"));
    assert_eq!(elements(&german, &path, ["amount"]), ["16.38"]);
    assert!(german.get(&path).body.contains("Service,A,1.50,10.25,15.38,"), "{}", german.get(&path).body);
    let service = service();
    refused(&service.post("/invoices", &body(&lines("Service,A,\"1,5\",1,,,,\n"))), &["csv-line-items"]);
}

#[test]
fn the_lines_of_another_kind_are_checked_and_then_ignored() {
    let service = service();
    let project = |rows: &str| body(&format!("<kind>project</kind>{}", lines(rows)));
    refused(&service.post("/invoices", &project("Service,A,one,1,,,,\n")), &["csv-line-items"]);
    let path = service.create("/invoices", &project("Service,A,1,1,,,,\n"));
    assert_eq!(elements(&service, &path, ["amount"]), ["0.0"]);
    assert!(!service.get(&path).body.contains("Service,A"));
}

#[test]
fn the_due_date_follows_the_format_and_the_day_of_issue() {
    let service = service();
    let path = service.invoice(1, "<issued-at>2011-01-31</issued-at><due-at-human-format>net 30</due-at-human-format>");
    let due = |fields: &str| {
        assert_eq!(service.put(&path, &format!("<invoice>{fields}</invoice>")).status, 200, "{fields}");
        elements(&service, &path, ["due-at", "due-at-human-format"])
    };
    assert_eq!(due(""), ["2011-03-02", "net 30"]);
    assert_eq!(due("<issued-at>2011-02-01</issued-at>"), ["2011-03-03", "net 30"]);
    assert_eq!(due("<due-at-human-format>10 Days</due-at-human-format>"), ["2011-02-11", "10 Days"]);
    assert_eq!(due("<due-at>2012-02-29</due-at>"), ["2012-02-29", "custom"]);
    let both = "<due-at>2013-01-01</due-at><due-at-human-format>Upon Receipt</due-at-human-format>";
    assert_eq!(due(both), ["2011-02-01", "Upon Receipt"]);
    assert_eq!(due("<due-at-human-format>some day</due-at-human-format>"), ["2011-02-01", "some day"]);
}
