//! `person`: as whom all calls act.

use clientstore::NewPerson;
use clientstore::testing::Server;

use crate::fake::Fake;

#[test]
fn all_calls_act_as_the_person_until_a_reset() {
    let fake = Fake::deterministic();
    let body = "<user><first-name>Jane</first-name><last-name>Doe</last-name><email>jane@example.com</email></user>";
    assert_eq!(fake.ask("POST", "/people", body).status(), 201);
    assert_eq!(fake.done("PUT", "person", "{\"id\": 2}")["id"], 2);
    assert_eq!(fake.done("GET", "person", "")["id"], 2);
    assert!(fake.ask("GET", "/account/who_am_i", "").text().contains("<email>jane@example.com</email>"));
    assert_eq!(fake.ask("GET", "/invoices", "").status(), 404);
    assert_eq!(fake.done("DELETE", "person", "")["id"], serde_json::Value::Null);
    assert_eq!(fake.ask("GET", "/invoices", "").status(), 200);
    fake.done("PUT", "person", "{\"id\": 2}");
    fake.done("POST", "reset", "");
    assert_eq!(fake.ask("GET", "/invoices", "").status(), 200);
}

#[test]
fn a_person_who_is_not_there_is_refused_and_nothing_changes() {
    let fake = Fake::start();
    for body in ["{\"id\": 2}", "{\"id\": \"1\"}", "{}", "{\"id\": 1, \"name\": \"a\"}"] {
        let (status, error) = fake.control("PUT", "person", body);
        assert_eq!(status, 400, "{body}: {error}");
    }
    assert_eq!(fake.done("GET", "person", "")["id"], serde_json::Value::Null);
}

#[test]
fn a_rust_test_acts_as_a_person_whoever_signs_in() {
    let server = Server::builder().auth("owner", "secret").start();
    let jane = server.store().people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
    let ask = || {
        use base64::Engine;
        let sent = base64::engine::general_purpose::STANDARD.encode("owner:secret");
        let url = format!("{}/account/who_am_i", server.url());
        let answer = ureq::get(&url).header("authorization", format!("Basic {sent}")).call();
        answer.map(|mut answer| answer.body_mut().read_to_string().unwrap())
    };
    server.as_person(jane);
    assert!(ask().unwrap().contains("jane@example.com"));
    server.store().people().toggle(jane).unwrap();
    assert!(matches!(ask(), Err(ureq::Error::StatusCode(401))), "archived");
    server.control("DELETE", "person", "");
    assert!(ask().unwrap().contains("admin@example.com"));
}

#[test]
#[should_panic(expected = "There is no person 7")]
fn a_rust_test_cannot_act_as_nobody() {
    Server::start().as_person(7);
}
