//! The oddities of programs that speak JSON, and how the format of an answer is chosen; each has a test.

mod api;
mod common;

use api::{Answer, Service};
use http::Request;

const JSON: &str = "application/json; charset=utf-8";
const XML: &str = "application/xml; charset=utf-8";

fn send(service: &Service, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let request = headers
        .iter()
        .fold(Request::builder().method(method).uri(path), |request, (name, value)| request.header(*name, *value));
    service.send(request.body(body).unwrap())
}

/// Posts a client and gives the members of its document.
#[track_caller]
fn made(service: &Service, path: &str, headers: &[(&str, &str)], body: &str) -> serde_json::Value {
    let answer = send(service, "POST", path, headers, body);
    assert_eq!(answer.status, 201, "{answer:?}");
    let document = service.get(&format!("{}.json", answer.location().unwrap())).body;
    let mut document: serde_json::Value = serde_json::from_str(&document).unwrap();
    document.as_object_mut().unwrap().values_mut().next().unwrap().take()
}

#[track_caller]
fn refused(service: &Service, path: &str, body: &str) -> Answer {
    let answer = send(service, "POST", path, &[("Content-Type", "application/json")], body);
    assert_eq!((answer.status, answer.header("content-type")), (400, Some(JSON)), "{body}\n{answer:?}");
    answer
}

#[test]
fn null_and_empty_bodies_on_get_delete_and_actions_are_no_body() {
    let service = Service::new();
    let client = service.client("A");
    for body in ["null", "{}", " { } \n", ""] {
        let json = [("Content-Type", "application/json")];
        assert_eq!(send(&service, "GET", &client, &json, body).status, 200, "{body:?}");
        assert_eq!(
            send(&service, "POST", &format!("{client}/toggle"), &json, body).location(),
            Some(&*client),
            "{body:?}"
        );
        let doomed = service.client("B");
        assert_eq!(send(&service, "DELETE", &doomed, &json, body).status, 200, "{body:?}");
        let invoice = service.invoice(1, "");
        assert_eq!(
            send(&service, "POST", &format!("{invoice}/messages/mark_as_sent"), &json, body).status,
            200,
            "{body:?}"
        );
    }
}

#[test]
fn of_a_repeated_field_the_last_value_that_sets_it_counts_as_in_xml() {
    let service = Service::new();
    for (json, xml, shown) in [
        (
            r#"{"name":"A","billable_by_default":false,"billable_by_default":""}"#,
            "<task><name>A</name><billable-by-default>false</billable-by-default><billable-by-default/></task>",
            "false",
        ),
        (
            r#"{"name":"B","billable_by_default":false,"billable_by_default":true}"#,
            "<task><name>B</name><billable-by-default>false</billable-by-default>\
             <billable-by-default>true</billable-by-default></task>",
            "true",
        ),
    ] {
        for path in [service.create("/tasks", xml), service.create("/tasks.json", json)] {
            let document = service.get(&path).body;
            let element = format!("<billable-by-default type=\"boolean\">{shown}</billable-by-default>");
            assert!(document.contains(&element), "{json}: {document}");
        }
    }
}

#[test]
fn an_action_keeps_a_message_in_json() {
    let service = Service::new();
    service.client("A");
    let invoice = service.invoice(1, "");
    service.put(&format!("{invoice}/messages/mark_as_sent"), r#"{"message":{"body":"Here it is"}}"#);
    assert!(service.get(&format!("{invoice}/messages.json")).body.contains(r#""body":"Here it is""#));
}

#[test]
fn suffixes_and_trailing_slashes_choose_the_format() {
    let service = Service::new();
    service.client("A");
    for (path, kind) in [
        ("/clients.json", JSON),
        ("/clients.json/", JSON),
        ("/clients/1.json", JSON),
        ("/clients/1.json?x=y", JSON),
        ("/clients%2Ejson", JSON),
        ("/clients.xml", XML),
        ("/clients/", XML),
        ("/clients", XML),
        ("/nowhere.json", JSON),
        ("/nowhere.xml", XML),
        ("/clients/99.json", JSON),
        ("/clients/1.jsonp", XML),
    ] {
        let answer = service.get(path);
        assert_eq!(answer.header("content-type"), Some(kind), "{path}");
        assert_eq!(answer.body.starts_with(['{', '[']), kind == JSON, "{path}");
    }
    let toggled = service.post("/clients/1/toggle.json", "");
    assert_eq!((toggled.status, toggled.location()), (200, Some("/clients/1")));
}

#[test]
fn accept_chooses_by_its_q_values_and_xml_wins_a_tie() {
    let service = Service::new();
    for (accept, kind) in [
        ("application/json", JSON),
        ("Application/JSON; charset=utf-8", JSON),
        ("application/xml", XML),
        ("text/xml", XML),
        ("application/json, application/xml", XML),
        ("application/json;q=0.9, application/xml;q=0.8", JSON),
        ("text/xml;q=0.5,application/json;q=0.501", JSON),
        ("text/html, application/json;q=0.1, */*", JSON),
        ("application/json;q=0", XML),
        ("application/json;q=x", XML),
        ("*/*", XML),
        ("text/plain", XML),
        ("", XML),
        (",;=,", XML),
        ("application/xml;q=0.2, application/json ; q=0.30", JSON),
    ] {
        assert_eq!(
            send(&service, "GET", "/clients", &[("Accept", accept)], "").header("content-type"),
            Some(kind),
            "{accept}"
        );
    }
    let two = [("Accept", "text/xml;q=0.5"), ("Accept", "application/json")];
    assert_eq!(send(&service, "GET", "/clients", &two, "").header("content-type"), Some(JSON));
    let both = [("Accept", "application/json")];
    assert_eq!(send(&service, "GET", "/clients.xml", &both, "").header("content-type"), Some(XML), "the suffix counts");
    let said = [("Accept", "text/xml"), ("Content-Type", "application/json")];
    assert_eq!(
        send(&service, "POST", "/clients", &said, "{").header("content-type"),
        Some(XML),
        "Accept counts before the body"
    );
}

#[test]
fn without_more_the_bodys_format_is_the_answers() {
    let service = Service::new();
    for (kind, body, expected) in [
        ("application/json", "", JSON),
        ("application/json; charset=UTF-8", "x", JSON),
        ("", "{\"name\":", JSON),
        ("", " [", JSON),
        ("", "<client>", XML),
        ("application/xml", "{\"name\":", JSON),
        ("application/x-www-form-urlencoded", "name=", XML),
        ("application/x-www-form-urlencoded", "<client>", XML),
        ("application/x-www-form-urlencoded", "{", JSON),
    ] {
        let headers = [("Content-Type", kind)];
        let answer = send(&service, "POST", "/clients", if kind.is_empty() { &[] } else { &headers }, body);
        assert_eq!((answer.status, answer.header("content-type")), (400, Some(expected)), "{kind} {body}");
    }
}

#[test]
fn every_error_answers_in_json() {
    let service = Service::new();
    service.client("A");
    service.project(1, "P");
    let answer = |method: &str, path: &str| send(&service, method, path, &[("Accept", "application/json")], "");
    for (method, path, status, message) in [
        ("GET", "/clients/9", 404, "There is no client 9."),
        ("GET", "/nowhere", 404, "There is no such path."),
        ("DELETE", "/clients", 405, "This path takes GET, HEAD, POST."),
        ("DELETE", "/clients/1", 400, "Client has projects or invoices."),
        ("POST", "/clients/1/toggle", 400, "Client has active projects."),
    ] {
        let answer = answer(method, path);
        assert_eq!((answer.status, answer.header("content-type")), (status, Some(JSON)), "{method} {path}");
        assert_eq!(answer.message(), message);
    }
    let locked = Service::new().with(|api| api.auth("jane", "secret"));
    let answer = locked.get("/clients.json");
    assert_eq!((answer.status, answer.header("content-type")), (401, Some(JSON)));
    assert!(service.get("/account/rate_limit_status.json").body.starts_with("{\"last_access_at\":\"2011-"));
}

#[test]
fn locations_are_those_of_xml_and_have_no_suffix() {
    let service = Service::new();
    let created = service.post("/clients.json", r#"{"client":{"name":"A"}}"#);
    assert_eq!(
        (created.status, created.location(), &*created.body, created.header("content-type")),
        (201, Some("/clients/1"), "", None)
    );
    let updated = service.put("/clients/1.json", r#"{"name":"B"}"#);
    assert_eq!((updated.status, updated.location(), &*updated.body), (200, Some("/clients/1"), ""));
}

#[test]
fn a_body_is_wrapped_or_bare_and_unknown_members_are_ignored() {
    let service = Service::new();
    for body in [
        r#"{"client":{"name":"A"}}"#,
        r#"{"name":"A"}"#,
        r#"{"id":1,"client":{"name":"A"},"name":"wrong"}"#,
        r#"{"client":"x","name":"A"}"#,
        r#"{"whatever":{"name":"A"}}"#,
        r#"{"x":{"name":"wrong"},"name":"A"}"#,
        r#"{"name":"wrong","active":"no boolean","client":{"name":"A"}}"#,
        r#"{"client":{"name":"wrong"},"client":{"name":"A"}}"#,
        r#"{"client":{"name":"wrong","name":"A"}}"#,
        r#"{"client":{"\u006eame":"A","id":99,"created_at":"never","x":{"name":[1,{"name":"wrong"}]}}}"#,
        "\u{FEFF} {\"name\":\"A\"} \n",
    ] {
        assert_eq!(made(&service, "/clients", &[], body)["name"], "A", "{body}");
    }
    assert!(refused(&service, "/clients", r#"{"name":{"name":"A"}}"#).message().contains("name cannot be an object"));
}

#[test]
fn names_have_underscores_or_dashes_and_values_come_as_strings_or_numbers() {
    let service = Service::new();
    service.client("A");
    for body in [
        r#"{"client_id":1,"name":7,"budget":12.00,"billable":true,"hourly-rate":"1.5","notify_when_over_budget":0}"#,
        r#"{"client-id":"1","name":"7","budget":"12.00","billable":"1","hourly_rate":1.5,"notify-when-over-budget":"false"}"#,
        r#"{"client-id":" 1 ","name":"7","budget":12,"billable":1,"hourly_rate":1.50,"notify-when-over-budget":"0"}"#,
    ] {
        let project = made(&service, "/projects", &[], body);
        let seen = ["client_id", "name", "budget", "billable", "hourly_rate", "notify_when_over_budget"]
            .map(|name| project[name].to_string());
        assert_eq!(seen, ["1", "\"7\"", "12", "true", "1.5", "false"], "{body}");
    }
    for nothing in ["null", "\"\"", "\" \""] {
        let body = format!(r#"{{"client_id":1,"name":"P","budget":{nothing}}}"#);
        assert!(made(&service, "/projects", &[], &body)["budget"].is_null(), "{nothing}");
    }
    let invoice = made(&service, "/invoices", &[], r#"{"invoice":{"client_id":1,"number":1000}}"#);
    assert_eq!(invoice["number"], "1000");
    assert_eq!(
        made(&service, "/invoices", &[], r#"{"client_id":1,"number":1.50e3}"#)["number"],
        "1.50e3",
        "as it was written"
    );
    assert_eq!(made(&service, "/clients", &[], r#"{"name":"B","active":"1"}"#)["active"], true);
}

#[test]
fn a_decimal_keeps_its_exact_digits() {
    let service = Service::new();
    service.client("A");
    for digits in ["999999999999.999999", "0.1", "123456789012.345678", "-0.000001", "0.3"] {
        let answer = service.post("/projects", &format!(r#"{{"client_id":1,"name":"P","budget":{digits}}}"#));
        let document = service.get(&format!("{}.json", answer.location().unwrap())).body;
        assert!(document.contains(&format!("\"budget\":{digits},")), "{digits}: {document}");
    }
}

#[test]
fn lines_of_an_invoice_come_as_one_text() {
    let service = Service::new();
    service.client("A");
    let lines = "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\nService,\"a\nb\",2,10,,,,\n";
    let body = serde_json::json!({"invoice": {"client_id": 1, "kind": "free_form", "csv_line_items": lines}});
    let invoice = made(&service, "/invoices", &[], &body.to_string());
    assert_eq!(
        (invoice["amount"].to_string().as_str(), invoice["csv_line_items"].as_str().unwrap().contains("\"a\nb\"")),
        ("20", true)
    );
}

#[test]
fn what_does_not_fit_is_refused_with_its_member_or_its_place() {
    let service = Service::new();
    service.client("A");
    for (path, body, message) in [
        ("/clients", "{\n  \"client\": nothing}", "line 2, column 14: this is not JSON"),
        ("/clients", "{\"client\":{}} x", "line 1, column 15: this is not JSON: trailing characters"),
        ("/clients", "[]", "line 1, column 1: the body is a list, not an object like {\"client\":{...}}"),
        ("/clients", "null", "the body is null"),
        ("/clients", "{}", "name is required"),
        ("/clients", "", "this is not JSON: EOF"),
        ("/clients", r#"{"name":true}"#, "name cannot be a boolean"),
        ("/clients", r#"{"name":["A"]}"#, "name cannot be a list"),
        ("/clients", "{\"name\":\"A\",\n\"highrise_id\":1.5}", "line 2: highrise_id \"1.5\" is not an integer"),
        ("/clients", r#"{"name":"\u0000"}"#, "name holds the character U+0000"),
        ("/clients", r#"{"name":"\uFFFE"}"#, "name holds the character U+FFFE"),
        ("/clients", "{\"name\":\"a\nb\"}", "this is not JSON: control character"),
        ("/clients", r#"{"name":"\uD83D"}"#, "line 1, column 16: a string has one half of a surrogate pair"),
        ("/clients", r#"{"name":"A","x":"\uDC00"}"#, "a string has one half of a surrogate pair"),
        (
            "/projects",
            r#"{"client_id":1,"name":"P","over_budget_notification_percentage":"x"}"#,
            "over_budget_notification_percentage \"x\" is not",
        ),
        ("/projects", r#"{"client_id":1,"name":"P","budget":1e2}"#, "budget \"1e2\" is not a decimal"),
    ] {
        let shown = refused(&service, path, body);
        let read = clientstore::json::read_error(shown.body.as_bytes()).unwrap();
        assert!(read.contains(message), "{body}\n{read}");
        assert!(shown.hint().is_some_and(|hint| hint.is_ascii()), "{body}");
    }
    let not_utf8 = Request::post("/clients").body(&b"{\"name\":\"\xE9\"}"[..]).unwrap();
    assert!(service.send(not_utf8).body.contains("line 1, column 10: the document is not UTF-8"));
    let charset = [("Content-Type", "application/json; charset=iso-8859-1")];
    assert!(send(&service, "POST", "/clients", &charset, "{\"name\":\"A\"}").body.contains("send UTF-8"));
}

#[test]
fn forms_are_read_nested_and_flat_from_the_body_or_the_query() {
    let service = Service::new();
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    for (path, body) in [
        ("/clients", "client[name]=Jo+%26%20Co&client[active]=false&client[unknown]=x&name=wrong&commit=Save"),
        ("/clients", "client%5Bname%5D=wrong&client%5Bname%5D=Jo%20%26%20Co&client%5Bactive%5D=0"),
        ("/clients", "name=Jo+%26+Co&active=0"),
        ("/clients?client[name]=Jo%20%26%20Co&client[active]=false", ""),
        ("/clients?client%5Bname%5D=Jo+%26+Co&client%5Bactive%5D=0", " "),
    ] {
        let client = made(&service, path, if body.trim().is_empty() { &[] } else { &form }, body);
        assert_eq!(
            (client["name"].as_str(), &client["active"]),
            (Some("Jo & Co"), &serde_json::Value::Bool(false)),
            "{path} {body}"
        );
    }
    assert_eq!(send(&service, "PUT", "/clients/1?client[name]=B", &[], "").status, 200);
    assert!(service.get("/clients/1.json").body.contains("\"name\":\"B\""));
    for (body, message) in [
        ("client[active]=x", "active"),
        ("name=%FF", "the form is not UTF-8"),
        ("name=%00", "name holds the character U+0000"),
        ("x=y", "name is required"),
    ] {
        let answer = send(&service, "POST", "/clients", &form, body);
        assert!(answer.status == 400 && answer.message().contains(message), "{body}: {answer:?}");
    }
}

#[test]
fn an_empty_list_is_a_pair_of_brackets() {
    assert_eq!(Service::new().get("/clients.json").body, "[]\n");
}

#[test]
fn head_tells_of_the_json_document() {
    let service = Service::new();
    let (head, get) = (service.call("HEAD", "/clients.json", ""), service.get("/clients.json"));
    assert_eq!(head.headers, get.headers);
}
