//! Bodies and the headers about them: what a request may say in which form, and how it is refused.

mod api;
mod common;

use api::{Answer, Service, error};
use http::Request;

const CLIENT: &str = "<client><name>SuprCorp</name></client>";

#[track_caller]
fn typed(service: &Service, content_type: impl AsRef<[u8]>, body: &str) -> Answer {
    service.send(Request::post("/clients").header("Content-Type", content_type.as_ref()).body(body).unwrap())
}

/// The Hint of a refusal, which the error document repeats.
#[track_caller]
fn refused(answer: Answer) -> String {
    assert_eq!(answer.status, 400, "{answer:?}");
    let hint = answer.hint().unwrap();
    assert_eq!(answer.message(), hint.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
    hint.to_owned()
}

#[test]
fn a_content_type_is_not_needed_and_never_refused() {
    let service = Service::new();
    assert_eq!(service.post("/clients", CLIENT).status, 201);
    for content_type in [
        "application/xml",
        "text/xml",
        "text/xml; charset=utf-8",
        "application/xml;charset=UTF-8",
        "application/xml ; charset=\"utf-8\" ; q=1",
        "TEXT/XML; Charset=US-ASCII",
        "text/xml; boundary=x",
        "application/x-www-form-urlencoded",
        "text/plain; charset",
        "nonsense",
        "",
    ] {
        assert_eq!(typed(&service, content_type, CLIENT).status, 201, "{content_type}");
    }
}

#[test]
fn a_charset_other_than_utf_8_or_ascii_is_refused_and_named() {
    let service = Service::new();
    for (content_type, charset) in [
        ("text/xml; charset=iso-8859-1", "iso-8859-1"),
        ("application/xml;charset=\"windows-1252\"", "windows-1252"),
        ("text/xml; q=1; CHARSET = UTF-16", "UTF-16"),
        ("text/xml; charset=utf-8x", "utf-8x"),
    ] {
        let hint = refused(typed(&service, content_type, CLIENT));
        assert_eq!(hint, format!("line 1: the body's charset is \"{charset}\"; send UTF-8"), "{content_type}");
    }
    assert_eq!(service.get("/clients").ids(), [0; 0]);
}

#[test]
fn a_charset_that_is_no_ascii_is_another_one() {
    let answer = typed(&Service::new(), "text/xml; charset=utf-8\u{e9}", CLIENT);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.hint(), Some("line 1: the body's charset is \"utf-8\\u{e9}\"; send UTF-8"));
    assert_eq!(answer.message(), "line 1: the body's charset is \"utf-8\u{e9}\"; send UTF-8");
}

#[test]
fn what_does_not_read_a_body_does_not_mind_its_charset() {
    let service = Service::new();
    let path = service.client("SuprCorp");
    for (method, path) in [("GET", path.clone()), ("PUT", format!("{path}/toggle")), ("DELETE", path.clone())] {
        let request = Request::builder().method(method).uri(&path).header("Content-Type", "text/xml; charset=latin1");
        assert_eq!(service.send(request.body("\u{e9}").unwrap()).status, 200, "{method} {path}");
    }
}

#[test]
fn xml_answers_where_nothing_else_fits() {
    let service = Service::new();
    let path = service.client("SuprCorp");
    let plain = service.get(&path);
    for accept in [
        "application/xml",
        "text/xml",
        "*/*",
        "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8",
        "application/xml;q=0",
        "image/png",
        ";;,",
        "",
    ] {
        for path in [&*path, "/clients/9"] {
            let request = Request::get(path).header("Accept", accept).header("Accept", "text/plain");
            let answer = service.send(request.body("").unwrap());
            assert_eq!(answer, if path == "/clients/9" { service.get(path) } else { plain.clone() }, "{accept}");
        }
    }
}

#[test]
fn an_action_needs_no_body_and_minds_none() {
    let service = Service::new();
    let toggle = service.client("SuprCorp") + "/toggle";
    for body in ["", "{}", "null", "<client/>", "<broken", "\0"] {
        assert_eq!(service.put(&toggle, body).status, 200, "{body}");
        let request = Request::post(&*toggle).header("Content-Length", body.len());
        assert_eq!(service.send(request.body(body).unwrap()).status, 200, "{body}");
    }
}

#[test]
fn names_come_dashed_or_underscored_and_unknown_or_read_only_ones_are_ignored() {
    let service = Service::live();
    service.client("SuprCorp");
    let answer = service.post(
        "/clients",
        "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><!-- c --><?p i?>\n<client attribute=\"x\">\n  \
         <id type=\"integer\">77</id><highrise_id type=\"integer\"> 5\n</highrise_id><cache-version>9</cache-version>\
         <created-at>1999-01-01</created-at><name>First</name><unknown><name>Inner</name></unknown>\
         <name type=\"string\"><![CDATA[R&D]]> &#x41;</name><active type=\"boolean\"> 0 </active></client>\n",
    );
    assert_eq!(answer.location(), Some("/clients/2"));
    let body = service.get("/clients/2").body;
    for line in [
        "<id type=\"integer\">2</id>",
        "<name>R&amp;D A</name>",
        "<active type=\"boolean\">false</active>",
        "<highrise-id type=\"integer\">5</highrise-id>",
        "<cache-version type=\"integer\">0</cache-version>",
        "<created-at type=\"datetime\">2011-03-31T10:00:00Z</created-at>",
    ] {
        assert!(body.contains(&format!("  {line}\n")), "{line} in {body}");
    }
}

#[test]
fn nil_empties_and_empty_elements_follow_their_type() {
    let service = Service::live();
    service.client("SuprCorp");
    let project = service.project(1, "Website");
    service.put(&project, "<project><budget>5</budget><notes>x</notes><billable>false</billable></project>");
    let answer = service.put(
        &project,
        "<project><budget type=\"decimal\"></budget><over-budget-notification-percentage nil=\"true\"/>\
         <notes nil=\"true\">x</notes><billable type=\"boolean\"/><name nil=\"false\">Shop</name></project>",
    );
    assert_eq!(answer.status, 200);
    let body = service.get(&project).body;
    for line in [
        "<budget type=\"decimal\" nil=\"true\"></budget>",
        "<over-budget-notification-percentage type=\"decimal\" nil=\"true\"></over-budget-notification-percentage>",
        "<notes></notes>",
        "<billable type=\"boolean\">false</billable>",
        "<name>Shop</name>",
        "<hourly-rate nil=\"true\"></hourly-rate>",
    ] {
        assert!(body.contains(&format!("  {line}\n")), "{line} in {body}");
    }
}

#[test]
fn text_is_kept_to_the_byte_and_goes_out_verbatim() {
    let service = Service::new();
    let details = "  Größe\r\n\tzwei & drei <vier>\r\u{1F600}\n ]]&gt;\n";
    let body = "<client><name> x </name><details>  Größe\r\n\tzwei &amp; drei &lt;vier>&#13;&#x1F600;\n ]]&amp;gt;\n</details></client>";
    let path = service.create("/clients", body);
    assert_eq!(
        service.get(&path).body,
        format!(
            "<client>\n  <id type=\"integer\">1</id>\n  <name> x </name>\n  <active type=\"boolean\">true</active>\n  \
             <details>{}</details>\n</client>\n",
            details
                .replace("\r\n", "\n")
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('\r', "&#13;")
        )
    );
}

#[test]
fn an_input_that_cannot_be_taken_is_refused_with_its_field_and_line() {
    let service = Service::new();
    service.client("SuprCorp");
    let client = |fields: &str| ("/clients", format!("<client>\n{fields}</client>"));
    let project = |fields: &str| ("/projects", format!("<project>\n<client-id>1</client-id>\n{fields}</project>"));
    let invoice = |fields: &str| ("/invoices", format!("<invoice>\n<client-id>1</client-id>\n{fields}</invoice>"));
    for ((path, body), expected) in [
        (client(""), "name is required"),
        (client("<name> \t\n</name>"), "name is required and cannot be blank"),
        (client("<name nil=\"true\">x</name>"), "name is required and cannot be blank"),
        (
            client("<name>x</name>\n<active>yes</active>"),
            "line 3: active \"yes\" is not a boolean: true, false, 1 or 0",
        ),
        (
            client("<name>x</name>\n\n<highrise_id>1.5</highrise_id>"),
            "line 4: highrise-id \"1.5\" is not an integer, like 42",
        ),
        (client("<name>a\u{1}b</name>"), "line 2: name holds the character U+0001, which XML cannot carry; remove it"),
        (
            client("<name>&#0;</name>"),
            "line 2: name holds the reference &#0; to a character that XML cannot carry; remove it",
        ),
        (
            project("<name>x</name><budget-by>money</budget-by>"),
            "budget-by must be one of project, project_cost, task, person, task_fees, none",
        ),
        (project("<name>x</name>\n<budget>1,5</budget>"), "line 4: budget \"1,5\" is not a decimal, like 253.44"),
        (
            project("<name>x</name>\n<starts-on>2011-02-30</starts-on>"),
            "line 4: starts-on \"2011-02-30\" is not a date, like 2011-03-31",
        ),
        (
            project("<client-id>9</client-id><name>x</name>"),
            "client-id is 9, but there is no such client; create it first",
        ),
        (project("<name>x</name><client-id/>"), "line 3: client-id is required and cannot be empty"),
        (invoice("<client-id>9</client-id>"), "client-id is 9, but there is no such client; create it first"),
        (invoice("<tax>100.5</tax>"), "tax is 100.5; a percent lies between 0 and 100"),
        (invoice("<discount>-1</discount>"), "discount is -1.0; a percent lies between 0 and 100"),
        (
            invoice("<issued-at>9999-12-31</issued-at><due-at-human-format>NET 1</due-at-human-format>"),
            "due-at-human-format gives a date outside 0001-01-01 to 9999-12-31",
        ),
        (
            invoice("<tax2>1234567890123</tax2>"),
            "line 3: tax2 \"1234567890123\" has more than 12 digits before the point",
        ),
    ] {
        assert_eq!(refused(service.post(path, &body)), expected, "{body}");
    }
    assert_eq!(service.get("/clients").ids(), [1]);
    assert_eq!((service.get("/projects").ids(), service.get("/invoices").ids()), (vec![], vec![]));
}

#[test]
fn a_document_that_is_not_well_formed_is_refused_with_its_line_and_never_repaired() {
    let service = Service::new();
    let deep = "<a>".repeat(32);
    let wide: String = (0..65).map(|number| format!(" a{number}=\"\"")).collect();
    for (body, line, word) in [
        ("", 1, "empty"),
        ("  \n ", 2, "empty"),
        ("null", 1, "text stands outside"),
        ("<client>\n<name>Fish & Chips</name>\n</client>", 2, "&amp;"),
        ("<client><name>x</client>", 1, "name"),
        ("<client>\n<name>x</name>\n", 3, "ends before its elements do"),
        ("<client/><client/>", 1, "second root"),
        ("<clients><client><name>x</name></client></clients>", 1, "<clients>, not <client>"),
        ("<project><name>x</name></project>", 1, "<project>, not <client>"),
        ("\n<!DOCTYPE client><client><name>x</name></client>", 2, "DOCTYPE"),
        ("<client><name>&undefined;</name></client>", 1, "undefined"),
        ("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><client><name>x</name></client>", 1, "ISO-8859-1"),
        (&*format!("<client>{deep}"), 1, "deeper than 32"),
        (&*format!("<client{wide}><name>x</name></client>"), 1, "more than 64 attributes"),
    ] {
        let answer = service.post("/clients", body);
        assert_eq!(answer.status, 400, "{body}");
        let hint = answer.hint().unwrap();
        assert!(hint.starts_with(&format!("line {line}: ")) && hint.contains(word), "{body}: {hint}");
    }
    let not_utf8 = Request::post("/clients").body(b"<client>\n<name>\xE9</name></client>".as_slice()).unwrap();
    assert_eq!(service.send(not_utf8).hint(), Some("line 2: <name>: the document is not UTF-8"));
    assert_eq!(service.get("/clients").ids(), [0; 0]);
}

#[test]
fn a_form_in_parts_is_refused_with_the_document_to_send() {
    let service = Service::new();
    let outside = "line 1: text stands outside the root element";
    let hint = refused(typed(&service, "Multipart/Form-Data; boundary=b", "--b\r\n"));
    assert!(hint.ends_with("; the body is a form in parts, send XML: <client>...</client>"), "{hint}");
    // What looks like XML is read as such, and other text is just text.
    for (content_type, body) in [("text/plain", "<client/>x"), ("text/xml", "name=x"), ("", "null")] {
        assert_eq!(refused(typed(&service, content_type, body)), outside, "{body}");
    }
    assert_eq!(typed(&service, "application/json", CLIENT).status, 400, "JSON is taken at its word");
    assert_eq!(typed(&service, "application/x-www-form-urlencoded", "\n<client><name>x</name></client>").status, 201);
}

#[test]
fn a_refused_update_changes_nothing() {
    let service = Service::live();
    let path = service.client("SuprCorp");
    let before = service.get(&path);
    service.clock.forward(5);
    for body in ["", "<client><name/></client>", "<client><name>New</name><active>maybe</active></client>", "<x/>"] {
        assert_eq!(service.put(&path, body).status, 400, "{body}");
    }
    assert_eq!(service.get(&path), before);
}

#[test]
fn a_hint_is_one_line_of_printable_ascii_whatever_the_request_holds() {
    let service = Service::new();
    for (sent, shown) in [
        ("a\nLocation: /evil", "a\\nLocation: /evil"),
        ("a&#13;&#10;Set-Cookie: x=1&#13;&#10;&#13;&#10;body", "a\\r\\nSet-Cookie: x=1\\r\\n\\r\\nbody"),
        ("näin &#x1F600;", "n\\u{e4}in \\u{1f600}"),
        ("a\tb&#x7F;&#x85;", "a\\tb\\u{7f}\\u{85}"),
    ] {
        let answer = service.post("/clients", &format!("<client><name>x</name><active>{sent}</active></client>"));
        let hint = answer.hint().unwrap();
        assert_eq!(hint, format!("line 1: active \"{shown}\" is not a boolean: true, false, 1 or 0"), "{sent}");
        assert_eq!(answer.location(), None);
        assert_eq!(answer.header("set-cookie"), None);
    }
    let long = service.post("/clients", &format!("<{}/>", "é".repeat(600)));
    let hint = long.hint().unwrap();
    assert!(hint.starts_with("line 1: ") && hint.ends_with("..."), "{hint}");
    assert!((500..520).contains(&hint.len()), "{}", hint.len());
}

#[test]
fn an_error_document_escapes_what_a_request_holds() {
    let service = Service::new();
    let answer = service.post("/clients", "<client><name>x</name><active>&lt;b&gt; &amp;</active></client>");
    assert_eq!(answer.body, error("line 1: active \"&lt;b&gt; &amp;\" is not a boolean: true, false, 1 or 0"));
}
