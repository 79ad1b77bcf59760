//! Paths and methods: which request reaches what.

mod api;
mod common;

use api::{Service, error};

/// Client 1 is active, with project 1, client 2 is inactive, invoice 1 is for client 1.
fn filled() -> Service {
    let service = Service::new();
    service.client("SuprCorp");
    service.create("/clients", "<client><name>Idle</name><active>false</active></client>");
    service.project(1, "Website");
    service.invoice(1, "");
    service
}

#[test]
fn a_list_has_four_path_forms() {
    let service = filled();
    for list in ["/clients", "/projects", "/invoices"] {
        let plain = service.get(list);
        assert_eq!(plain.status, 200);
        for form in ["/", "?", ".xml", ".xml?", "/?", ".xml/", "?unknown=1"] {
            assert_eq!(service.get(&format!("{list}{form}")), plain, "{list}{form}");
        }
    }
}

#[test]
fn a_record_has_four_path_forms() {
    let service = filled();
    for record in ["/clients/1", "/projects/1", "/invoices/1"] {
        let plain = service.get(record);
        assert_eq!(plain.status, 200);
        for form in ["/", "?", ".xml", ".xml?x=y", "/?"] {
            assert_eq!(service.get(&format!("{record}{form}")), plain, "{record}{form}");
        }
    }
}

#[test]
fn writes_take_every_path_form_and_answer_with_the_plain_one() {
    let service = filled();
    let body = "<client><name>New</name></client>";
    for (form, location) in [("/clients.xml", "/clients/3"), ("/clients/", "/clients/4"), ("/clients?", "/clients/5")] {
        assert_eq!(service.post(form, body).location(), Some(location), "{form}");
    }
    for form in ["/clients/3.xml", "/clients/3/", "/clients/3?a=b", "/clients/3/toggle.xml", "/clients/3/toggle/"] {
        assert_eq!(service.put(form, body).location(), Some("/clients/3"), "{form}");
    }
    assert_eq!(service.call("DELETE", "/clients/4.xml", "").status, 200);
    assert_eq!(service.call("DELETE", "/clients/5/", "").status, 200);
    assert_eq!(service.get("/clients").ids(), [1, 2, 3]);
}

#[test]
fn the_absolute_form_of_a_proxys_request_is_its_path() {
    let service = filled();
    for (absolute, path) in [
        ("http://demo.harvestapp.com/clients", "/clients"),
        ("http://demo.harvestapp.com:80/clients/1.xml", "/clients/1"),
        ("https://demo.harvestapp.com/invoices?client=1", "/invoices?client=1"),
        ("http://clients/projects/1", "/projects/1"),
    ] {
        assert_eq!(service.get(absolute), service.get(path), "{absolute}");
        assert_eq!(service.get(path).status, 200, "{path}");
    }
    assert_eq!(service.get("http://clients").status, 404);
}

#[test]
fn percent_encoded_characters_of_a_path_are_themselves() {
    let service = filled();
    let plain = service.get("/clients/1");
    for path in ["/%63lients/1", "/clients/%31", "/clients/1%2Exml", "/clients/1%2exml"] {
        assert_eq!(service.get(path), plain, "{path}");
    }
    for path in ["/clients/%FF", "/%", "/clients%00", "/clients/1%20", "/clients/%2B1", "/cli%C3%A9nts"] {
        assert_eq!(service.get(path).message(), "There is no such path.", "{path}");
    }
}

#[test]
fn a_dot_belongs_to_a_suffix_only_if_it_names_a_format() {
    let service = filled();
    for path in [
        "/clients.jsonp",
        "/clients.XML",
        "/clients.JSON",
        "/clients.json.xml",
        "/clients.xml.xml",
        "/clients.xm",
        "/clients.",
        "/clients/1.0",
        "/clients/1.",
        "/clients/1.xml.xml",
        "/clients.xml/1",
        "/clients/1.xml/toggle",
        "/.xml",
    ] {
        let answer = service.get(path);
        assert_eq!((answer.status, answer.message()), (404, "There is no such path."), "{path}");
    }
}

#[test]
fn a_run_of_slashes_counts_as_one() {
    let service = filled();
    for path in ["//clients", "/clients//", "///clients///1", "/clients//1//"] {
        assert_eq!(service.get(path).status, 200, "{path}");
    }
}

#[test]
fn other_paths_are_not_there_whatever_the_method() {
    let service = filled();
    for path in [
        "/",
        "//",
        "/client",
        "/Clients",
        "/clients/abc",
        "/clients/-1",
        "/clients/1a",
        "/clients/99999999999999999999",
        "/clients/1/2",
        "/clients/1/togle",
        "/clients/1/toggle/now",
        "/invoices/1/toggle",
        "/account",
        "/account/who_am_i/1",
        "/account/nobody",
        "/sqlite_sequence",
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let answer = service.call(method, path, "");
            assert_eq!(answer.status, 404, "{method} {path}");
            let is_root = path.trim_matches('/').is_empty();
            let says = if is_root { "This is clientstore, " } else { "There is no such path." };
            assert!(answer.message().starts_with(says), "{method} {path}: {}", answer.message());
        }
    }
}

#[test]
fn an_id_may_have_leading_zeros() {
    let service = filled();
    assert_eq!(service.get("/clients/0001"), service.get("/clients/1"));
    assert_eq!(service.put("/clients/0001/toggle", "").status, 400);
    assert_eq!(service.get("/clients/0").message(), "There is no client 0.");
}

#[test]
fn a_record_that_is_not_there_is_named() {
    let service = filled();
    for (method, path, record) in [
        ("GET", "/clients/7", "client 7"),
        ("PUT", "/clients/7", "client 7"),
        ("DELETE", "/clients/7", "client 7"),
        ("POST", "/clients/7/toggle", "client 7"),
        ("GET", "/projects/7.xml", "project 7"),
        ("PUT", "/projects/7/toggle", "project 7"),
        ("GET", "/invoices/9223372036854775807", "invoice 9223372036854775807"),
    ] {
        let body = if path.contains("toggle") { "" } else { "<client></client>" };
        let answer = service.call(method, path, body);
        assert_eq!(answer.status, 404, "{method} {path}");
        assert_eq!(answer.message(), format!("There is no {record}."), "{method} {path}");
    }
}

#[test]
fn a_method_that_a_path_does_not_have_is_refused_with_those_it_has() {
    let service = filled();
    for (path, allowed) in [
        ("/clients", "GET, HEAD, POST"),
        ("/projects.xml", "GET, HEAD, POST"),
        ("/invoices/", "GET, HEAD, POST"),
        ("/clients/1", "GET, HEAD, PUT, DELETE"),
        ("/projects/99", "GET, HEAD, PUT, DELETE"),
        ("/invoices/1.xml", "GET, HEAD, PUT, DELETE"),
        ("/clients/1/toggle", "POST, PUT"),
        ("/projects/1/toggle.xml", "POST, PUT"),
        ("/account/who_am_i", "GET, HEAD"),
    ] {
        let mut refused = 0;
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "PROPFIND"] {
            if allowed.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let answer = service.call(method, path, "<client><name>X</name></client>");
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
            if method != "HEAD" {
                assert_eq!(answer.body, error(&format!("This path takes {allowed}.")), "{method} {path}");
            }
            refused += 1;
        }
        assert_eq!(refused, 10 - allowed.split(", ").count(), "{path}");
    }
    assert_eq!(service.get("/clients").ids(), [1, 2], "nothing was created");
}

#[test]
fn actions_take_post_and_put() {
    let service = filled();
    let active = |path: &str| service.get(path).body.contains("<active type=\"boolean\">true</active>");
    for path in ["/clients/2", "/projects/1"] {
        for method in ["POST", "PUT"] {
            let before = active(path);
            let answer = service.call(method, &format!("{path}/toggle"), "");
            assert_eq!((answer.status, answer.location(), &*answer.body), (200, Some(path), ""), "{method} {path}");
            assert_eq!(active(path), !before, "{method} {path}");
        }
    }
}

#[test]
fn get_and_head_never_change_anything() {
    let service = filled().with(|api| api.dialect(clientstore::Dialect::Live));
    let state = || ["/clients", "/projects", "/invoices"].map(|list| service.get(list).body);
    let before = state();
    service.clock.forward(60);
    for method in ["GET", "HEAD"] {
        for path in ["/clients", "/clients/1", "/clients/1/toggle", "/clients/2/toggle.xml", "/projects/1/toggle"] {
            service.call(method, path, "<client><name>Changed</name></client>");
        }
        service.call(method, "/clients?_method=delete&name=x", "");
        service.call(method, "/clients/1?_method=delete", "");
    }
    assert_eq!(state(), before);
}

#[test]
fn head_is_get_without_the_body() {
    let service = filled();
    for path in [
        "/clients",
        "/clients/1",
        "/projects/1.xml",
        "/invoices?status=draft",
        "/account/who_am_i",
        "/clients/9",
        "/nowhere",
        "/clients?updated_since=x",
        "/clients/1/toggle",
    ] {
        let mut get = service.get(path);
        assert_ne!(get.body, "", "{path}");
        get.body.clear();
        assert_eq!(service.call("HEAD", path, ""), get, "{path}");
    }
}

#[test]
fn a_body_on_get_and_delete_is_ignored() {
    let service = filled();
    let plain = service.get("/clients/1");
    for body in ["null", "{}", "<client><name>X</name></client>", "\0\u{FFFF}", "<!DOCTYPE x>"] {
        assert_eq!(service.call("GET", "/clients/1", body), plain, "{body}");
        let path = service.client("Short");
        assert_eq!(service.call("DELETE", &path, body).status, 200, "{body}");
    }
    assert_eq!(service.get("/clients").ids(), [1, 2]);
}
