//! A look at the records: whole documents, and no trace of it.

use clientstore::control::Control;
use clientstore::server::Server;
use clientstore::{Api, ClientStore};

use crate::fake::Fake;
use crate::support::{Running, get};

fn look(fake: &Fake, path: &str) -> (u16, String) {
    let answer = fake.ask("GET", &format!("/_clientstore/records/{path}"), "");
    (answer.status(), answer.text().to_owned())
}

#[test]
fn a_list_and_a_record_are_the_apis_documents_in_the_live_dialect() {
    let fake = Fake::deterministic();
    for name in ["One", "Two", "Three"] {
        fake.create(name);
    }
    assert_eq!(fake.ask("POST", "/invoices", "<invoice><client-id>1</client-id></invoice>").status(), 201);
    let live = Running::of(Server::new(Api::new(fake.store.clone()).dialect(clientstore::Dialect::Live)));
    for path in ["clients", "clients/2", "invoices", "invoices/1", "invoices/1/payments", "tasks"] {
        let answer = live.ask(&get(&format!("/{path}")));
        assert_eq!(look(&fake, path), (200, answer.text().to_owned()), "{path}");
    }
}

#[test]
fn skip_and_limit_show_a_part_of_a_list() {
    let fake = Fake::start();
    for number in 1..=60 {
        fake.create(&format!("Client {number}"));
    }
    let ids = |query: &str| -> Vec<u32> {
        let (status, document) = look(&fake, &format!("clients{query}"));
        assert_eq!(status, 200);
        let ids = document.split("<id type=\"integer\">").skip(1);
        ids.map(|rest| rest.split('<').next().unwrap().parse().unwrap()).collect()
    };
    assert_eq!(ids(""), (1..=50).collect::<Vec<_>>());
    assert_eq!(ids("?skip=50"), (51..=60).collect::<Vec<_>>());
    assert_eq!(ids("?limit=2&skip=3"), [4, 5]);
    assert!(ids("?skip=60").is_empty());
    assert!(ids("?skip=9223372036854775807&limit=1000").is_empty());
    for (query, at) in [
        ("skip=-1", "skip"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("page=2", "page"),
        ("skip=1&skip=2", "skip"),
    ] {
        assert_eq!(fake.refused("GET", &format!("records/clients?{query}"), "").1, at);
    }
}

#[test]
fn looking_is_neither_journaled_counted_nor_faulted() {
    let api = Api::new(ClientStore::open_in_memory().unwrap());
    let server = Running::of(Server::new(api).control(Control::new()));
    let control = |method: &str, path: &str, body: &str| {
        server.ask(&crate::fake::request(method, &format!("/_clientstore/{path}"), body)).text().to_owned()
    };
    control("PUT", "faults", r#"{"rules": [{"drop": "request"}]}"#);
    control("PUT", "throttle", r#"{"on": true}"#);
    for _ in 0..101 {
        assert_eq!(
            control("GET", "records/clients", ""),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clients type=\"array\"></clients>\n"
        );
    }
    assert!(control("GET", "journal", "").contains("\"last\": 0"));
    assert!(control("GET", "throttle", "").contains("\"calls\": 0"));
}

#[test]
fn what_is_not_there_is_told_in_json_and_nothing_is_written_by_looking() {
    let fake = Fake::start();
    for path in ["records/clients/5", "records/invoices/5/payments", "records/nothing", "records/account/who_am_i"] {
        assert_eq!(fake.control("GET", path, "").0, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(fake.control(method, "records/clients/1", "").0, 405, "{method}");
    }
    assert_eq!(fake.control("POST", "records/clients", "<client><name>A</name></client>").0, 405);
    assert_eq!(fake.done("GET", "state", "")["records"]["clients"], 0);
}
