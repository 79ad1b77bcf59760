//! The lists' query parameters.

mod api;
mod common;

use api::{Answer, Service};

/// Clients 1 to 4, of which 3 is inactive, each with a project; made one minute after another from
/// 2011-03-31T10:00:00Z on.
fn filled() -> Service {
    let service = Service::new();
    for id in 1..=4 {
        service.client("SuprCorp");
        service.project(id, "Website");
        service.clock.forward(60);
    }
    assert_eq!(service.put("/projects/3/toggle", "").status, 200);
    assert_eq!(service.put("/clients/3/toggle", "").status, 200);
    service
}

#[track_caller]
fn refused(answer: &Answer, hint: &str) {
    assert_eq!((answer.status, answer.hint(), answer.message()), (400, Some(hint), hint));
}

#[test]
fn lists_are_ordered_by_id_with_the_inactive_ones() {
    let service = filled();
    for list in ["/clients", "/projects"] {
        assert_eq!(service.get(list).ids(), [1, 2, 3, 4], "{list}");
    }
}

#[test]
fn updated_since_takes_every_form_and_includes_its_moment() {
    let service = filled();
    // Written to: 1 at 10:00, 2 at 10:01, 4 at 10:03, 3 last at 10:04.
    for (value, ids) in [
        ("2011-03-31+10:01", &[2, 3, 4][..]),
        ("2011-03-31%2010%3A01", &[2, 3, 4]),
        ("2011-03-31+10:01:00", &[2, 3, 4]),
        ("2011-03-31+10:01:01", &[3, 4]),
        ("2011-03-31+10:03:00+UTC", &[3, 4]),
        ("2011-03-31+10:03:00+%2B0000", &[3, 4]),
        ("2011-03-31T10:03:00Z", &[3, 4]),
        ("2011-03-31T10:03:01Z", &[3]),
        ("2011-03-31T12:03:00%2B02:00", &[3, 4]),
        ("2011-03-31T10:04:00.999Z", &[3]),
        ("2011-03-31T10:04:01Z", &[]),
        ("2011-03-31+9:59", &[1, 2, 3, 4]),
        ("2011-03-31", &[1, 2, 3, 4]),
        ("20110331", &[1, 2, 3, 4]),
        ("2011-04-01", &[]),
        ("2112-12-31", &[]),
        ("20101231", &[1, 2, 3, 4]),
        ("0001-01-01", &[1, 2, 3, 4]),
        ("9999-12-31T23:59:59Z", &[]),
        ("+2011-03-31%0A", &[1, 2, 3, 4]),
    ] {
        for list in ["/clients", "/projects.xml"] {
            assert_eq!(service.get(&format!("{list}?updated_since={value}")).ids(), ids, "{list} {value}");
        }
    }
}

#[test]
fn updated_since_that_cannot_be_read_is_refused_with_a_hint() {
    let service = filled();
    let hint = "updated_since cannot be read; send UTC like 2010-09-25 18:30, 2010-09-25T18:30:00Z or 20100925";
    for value in [
        "yesterday",
        "2011-02-30",
        "2011-03-31T25:00:00Z",
        "2011-03-31+10",
        "2011-3-31",
        "03/31/2011",
        "1301565600",
        "2011-03-31T10:00:00+CET",
        "0000-01-01",
        "%FF",
        "2011-03-31%00",
        "2011-03-31T10:00:00Z%0D%0AX-Evil:+1",
    ] {
        for list in ["/clients", "/projects", "/invoices"] {
            refused(&service.get(&format!("{list}?updated_since={value}")), hint);
        }
    }
}

#[test]
fn projects_are_filtered_by_client() {
    let service = filled();
    service.project(2, "Shop");
    for (query, ids) in [
        ("client=2", &[2, 5][..]),
        ("client=+2", &[2, 5]),
        ("client=%32", &[2, 5]),
        ("client=002", &[2, 5]),
        ("client=9", &[]),
        ("client=abc", &[]),
        ("client=2abc", &[]),
        ("client=", &[1, 2, 3, 4, 5]),
        ("client=99999999999999999999", &[]),
        ("client=2&updated_since=2011-03-31T10:02:00Z", &[5]),
        ("client=1&updated_since=2011-03-31T10:02:00Z", &[]),
        ("client_id=2", &[1, 2, 3, 4, 5]),
    ] {
        assert_eq!(service.get(&format!("/projects?{query}")).ids(), ids, "{query}");
    }
    assert_eq!(service.get("/projects?client=9").body, "<projects></projects>\n");
    assert_eq!(service.get("/clients?client=2").ids(), [1, 2, 3, 4], "clients have no such filter");
}

#[test]
fn unknown_parameters_are_ignored() {
    let service = filled();
    for query in
        ["x", "x=y&&=&z==", "_method=delete", "page=2", "from=x&to=y", "%FF=%FE", "status=draft", "UPDATED_SINCE=x"]
    {
        assert_eq!(service.get(&format!("/clients?{query}")).ids(), [1, 2, 3, 4], "{query}");
    }
    assert_eq!(service.get("/clients?x=1&updated_since=2011-03-31T10:04:00Z&y=2").ids(), [3]);
    assert_eq!(service.get("/clients/1?updated_since=never").status, 200, "a record has no filter");
}

/// Invoices 1 to 6 for clients 1 and 2, issued on the first days of March 2011; 7 is issued last.
fn billed() -> Service {
    let service = Service::new();
    service.client("First");
    service.client("Second");
    let mut list = String::from("<invoices type=\"array\">");
    for (id, state) in (1..).zip(["draft", "open", "partial", "paid", "closed", "open"]) {
        let client = 2 - id % 2;
        // Invoice 2 is due long before today, the other open ones today or later.
        let due = if id == 2 { "2011-03-30" } else { "2011-03-31" };
        list.push_str(&format!(
            "<invoice><id>{id}</id><client-id>{client}</client-id><state>{state}</state>\
             <issued-at>2011-03-0{id}</issued-at><due-at>{due}</due-at>\
             <created-at>2011-03-0{id}T00:00:00Z</created-at><updated-at>2011-03-1{id}T00:00:00Z</updated-at></invoice>"
        ));
    }
    list.push_str("</invoices>");
    assert_eq!(service.api.store().load([("invoices", list.as_bytes())], |_| {}).unwrap().records, 6);
    service.invoice(1, "<issued-at>2011-03-07</issued-at>");
    service
}

#[test]
fn invoices_are_filtered_by_the_days_they_are_issued() {
    let service = billed();
    for (query, ids) in [
        ("", &[7, 6, 5, 4, 3, 2, 1][..]),
        ("from=20110305", &[7, 6, 5]),
        ("from=2011-03-05", &[7, 6, 5]),
        ("to=20110302", &[2, 1]),
        ("to=2011-03-02", &[2, 1]),
        ("from=20110302&to=2011-03-04", &[4, 3, 2]),
        ("from=20110303&to=20110303", &[3]),
        ("from=20110304&to=20110302", &[]),
        ("from=&to=20110301", &[1]),
        ("from=20110307&to=", &[7]),
        ("from=&to=", &[7, 6, 5, 4, 3, 2, 1]),
        ("from=+20110307", &[7]),
    ] {
        assert_eq!(service.get(&format!("/invoices?{query}")).ids(), ids, "{query}");
    }
    for name in ["from", "to"] {
        for value in ["x", "2011-02-30", "2011-03", "20110331T10:00:00Z", "0", "%0A%C3%A9"] {
            let hint = format!("{name} cannot be read; send a date like 20110331 or 2011-03-31");
            refused(&service.get(&format!("/invoices?{name}={value}")), &hint);
        }
    }
}

#[test]
fn invoices_are_filtered_by_status_which_may_be_called_state() {
    let service = billed();
    for (value, ids) in [
        ("draft", &[7, 1][..]),
        ("open", &[6, 2]),
        ("partial", &[3]),
        ("paid", &[4]),
        ("closed", &[5]),
        ("unpaid", &[6, 3, 2]),
        ("pastdue", &[2]),
        ("Draft", &[]),
        ("all", &[]),
        ("", &[7, 6, 5, 4, 3, 2, 1]),
        ("draft'", &[]),
        ("%00", &[]),
    ] {
        for name in ["status", "state"] {
            let answer = service.get(&format!("/invoices?{name}={value}"));
            assert_eq!(answer.ids(), ids, "{name}={value}");
        }
    }
    assert_eq!(service.get("/invoices?status=all").body, "<invoices type=\"array\"></invoices>\n");
}

#[test]
fn pastdue_is_what_is_unpaid_and_due_before_today_in_utc() {
    let service = billed();
    service.clock.forward(14 * 3600 - 1);
    assert_eq!(service.get("/invoices?status=pastdue").ids(), [2], "a second to midnight");
    service.clock.forward(1);
    assert_eq!(service.get("/invoices?status=pastdue").ids(), [6, 3, 2]);
}

#[test]
fn filters_of_invoices_combine() {
    let service = billed();
    for (query, ids) in [
        ("client=1", &[7, 5, 3, 1][..]),
        ("client=abc", &[]),
        ("client=1&status=draft", &[7, 1]),
        ("client=2&status=unpaid&to=20110305", &[2]),
        ("updated_since=2011-03-15", &[7, 6, 5]),
        ("updated_since=20110315&client=2", &[6]),
        ("updated_since=2011-03-12+0:00&client=2&from=20110303&to=20110306&state=open&page=1", &[6]),
        ("client=2&page=2", &[]),
        ("status=nonsense&client=1", &[]),
    ] {
        assert_eq!(service.get(&format!("/invoices?{query}")).ids(), ids, "{query}");
    }
}

#[test]
fn invoices_come_fifty_a_page_the_newest_first() {
    let service = Service::new();
    service.client("SuprCorp");
    let all: String = (1..=120).map(|_| "<invoice><client-id>1</client-id></invoice>").collect();
    service.api.store().load([("invoices", format!("<invoices>{all}</invoices>").as_bytes())], |_| {}).unwrap();
    service.clock.forward(-60);
    service.invoice(1, "");
    // The last one was created a minute before the others.
    let page = |query: &str| service.get(&format!("/invoices?{query}")).ids();
    let ids = |range: std::ops::RangeInclusive<i64>| range.rev().collect::<Vec<_>>();
    let last: Vec<i64> = ids(1..=20).into_iter().chain([121]).collect();
    for (query, expected) in [
        ("", ids(71..=120)),
        ("page=1", ids(71..=120)),
        ("page=2", ids(21..=70)),
        ("page=3", last.clone()),
        ("page=+3+", last),
        ("page=4", vec![]),
        ("page=4294967295", vec![]),
        ("page=4294967296", vec![]),
        ("page=99999999999999999999999999", vec![]),
        ("page=0", ids(71..=120)),
        ("page=abc", ids(71..=120)),
        ("page=-1", ids(71..=120)),
        ("page=", ids(71..=120)),
        ("page=2&client=1", ids(21..=70)),
        ("page=1&client=2", vec![]),
    ] {
        assert_eq!(page(query), expected, "{query}");
    }
    assert_eq!(service.get("/invoices?page=4").body, "<invoices type=\"array\"></invoices>\n");
}
