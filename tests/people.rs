//! People, typed, over the API and in the file (`docs/spec/people.md`).

mod api;
mod common;

use api::{DECLARATION, Service};
use clientstore::{Account, ClientStore, Dialect, Error, NewPerson, Person, PersonChanges, PersonFilter, Rule};
use common::{builder, invalid, memory, moment, plain, refusal};
use rust_decimal::Decimal;

fn people(store: &ClientStore) -> Vec<Person> {
    store.people().list(&PersonFilter::default()).unwrap().map(Result::unwrap).collect()
}

const JANE: &str =
    "<user><first-name>Jane</first-name><last-name>Doe</last-name><email>jane@example.com</email></user>";

#[test]
fn people_come_out_to_the_byte_and_every_call_does_what_it_says() {
    let list = include_str!("fixtures/people.xml");
    let live = list.replace("<users>", "<users type=\"array\">");
    for (dialect, head, list) in [(Dialect::Documented, "", list), (Dialect::Live, DECLARATION, &live)] {
        let service = Service::new().with(|api| api.dialect(dialect));
        assert_eq!(service.create("/people", JANE), "/people/2");
        for path in ["/people", "/people.xml", "/people/"] {
            assert_eq!(service.get(path).body, format!("{head}{list}"), "{path}");
        }
        service.clock.forward(60);
        let body = "<user><first_name>J&amp;ne</first_name><has-access-to-all-future-projects>\n true \n\
                    </has-access-to-all-future-projects><default-hourly-rate>12.50</default-hourly-rate>\
                    <cost-rate>7</cost-rate><is-contractor>true</is-contractor>\
                    <is-project-manager>1</is-project-manager><telephone>1</telephone><department>D</department>\
                    <timezone>Central Time (US &amp; Canada)</timezone><password>x</password><id>9</id></user>";
        let answer = service.put("/people/2", body);
        assert_eq!((answer.status, answer.location(), &*answer.body), (200, Some("/people/2"), ""));
        assert_eq!(service.get("/people/2").body, format!("{head}{}", include_str!("fixtures/person.xml")));
        assert_eq!(service.get("/people?updated_since=2011-03-31T10:01:00Z").ids(), [2]);
        for (method, active) in [("POST", "false"), ("PUT", "true")] {
            let answer = service.call(method, "/people/2/toggle", "");
            assert_eq!((answer.status, answer.location()), (200, Some("/people/2")), "{method}");
            assert!(service.get("/people/2").body.contains(&format!("<is-active type=\"boolean\">{active}<")));
        }
        let before = service.get("/people/2").body;
        service.clock.forward(60);
        for method in ["POST", "PUT"] {
            let answer = service.call(method, "/people/2/reset_password", "");
            assert_eq!((answer.status, answer.location()), (200, Some("/people/2")), "{method}");
        }
        assert_eq!(service.get("/people/2").body, before, "it does nothing else");
        assert_eq!(service.call("DELETE", "/people/2", "").status, 200);
        for (method, path) in [
            ("GET", "/people/2"),
            ("PUT", "/people/2"),
            ("DELETE", "/people/2"),
            ("POST", "/people/2/toggle"),
            ("POST", "/people/2/reset_password"),
        ] {
            assert_eq!(service.call(method, path, JANE).status, 404, "{method} {path}");
        }
        assert_eq!(service.create("/people", JANE), "/people/3", "an id is not used again");
        assert_eq!(service.get("/people/3/toggle").header("allow"), Some("POST, PUT"));
    }
}

#[test]
fn a_person_needs_a_name_and_an_e_mail_address_of_their_own() {
    let service = Service::new();
    service.create("/people", JANE);
    for field in ["first-name", "last-name", "email"] {
        let (open, close) = (format!("<{field}>"), format!("</{field}>"));
        let (before, rest) = JANE.split_once(&open).unwrap();
        let (_, after) = rest.split_once(&close).unwrap();
        for without in [format!("{before}{after}"), format!("{before}{open} {close}{after}")] {
            let answer = service.post("/people", &without);
            assert_eq!(answer.status, 400, "{without}");
            assert!(answer.hint().unwrap().contains(field), "{answer:?}");
        }
    }
    for email in ["jane@example.com", "JANE@Example.COM"] {
        let answer = service.post("/people", &JANE.replace("jane@example.com", email));
        assert_eq!(answer.status, 400, "{email}");
        assert_eq!(answer.hint(), Some("email is that of person 2; each person has an address of their own"));
        assert_eq!(service.put("/people/1", &format!("<user><email>{email}</email></user>")).status, 400, "{email}");
        assert_eq!(service.put("/people/2", &format!("<user><email>{email}</email></user>")).status, 200, "{email}");
    }
}

#[test]
fn an_e_mail_address_stands_for_the_id_in_every_path() {
    let service = Service::new();
    service.create("/people", JANE);
    let one = service.get("/people/2").body;
    for path in
        ["jane@example.com", "jane@example.com.xml", "jane@example.com/", "JANE%40example%2Ecom", "Jane@Example.com"]
    {
        assert_eq!(service.get(&format!("/people/{path}")).body, one, "{path}");
    }
    let json = service.get("/people/2.json").body;
    assert_eq!(service.get("/people/jane@example.com.json").body, json);
    let answer = service.put("/people/jane@example.com.xml", "<user><department>D</department></user>");
    assert_eq!((answer.status, answer.location()), (200, Some("/people/2")));
    for action in ["toggle", "toggle.json", "reset_password"] {
        let answer = service.post(&format!("/people/jane@example.com/{action}"), "");
        assert_eq!((answer.status, answer.location()), (200, Some("/people/2")), "{action}");
    }
    assert!(service.get("/people/2").body.contains("<is-active type=\"boolean\">true<"), "archived and back");
    for nobody in ["joe@example.com", "jane%2540example.com", "jane", "-1", "99"] {
        assert_eq!(service.get(&format!("/people/{nobody}")).status, 404, "{nobody}");
    }
    assert_eq!(service.get("/clients/jane@example.com").status, 404);
    // Decoded once: an address may hold what looks like an escape.
    service.create("/people", &JANE.replace("jane@example.com", "100%25@example.com"));
    assert!(service.get("/people/100%2525@example.com").body.contains("<id type=\"integer\">3<"));
    assert_eq!(service.get("/people/100%25@example.com").status, 404);
    assert_eq!(service.call("DELETE", "/people/jane@example.com", "").status, 200);
    assert_eq!(service.get("/people/2").status, 404);
}

#[test]
fn the_acting_person_and_the_last_active_administrator_stay() {
    let service = Service::new();
    service.create("/people", JANE);
    let refused = |method: &str, path: &str, body: &str, said: &str| {
        let before = service.get("/people").body;
        let answer = service.call(method, path, body);
        assert_eq!((answer.status, answer.message()), (400, said), "{method} {path} {body}");
        assert_eq!(service.get("/people").body, before);
    };
    refused("DELETE", "/people/1", "", "Person is acting.");
    refused("POST", "/people/1/toggle", "", "Person is acting.");
    refused("PUT", "/people/admin@example.com/toggle", "", "Person is acting.");
    refused("PUT", "/people/1", "<user><is-active>false</is-active></user>", "Person is acting.");
    let last = "Person is the last active administrator.";
    refused("PUT", "/people/1", "<user><is-admin>false</is-admin></user>", last);
    assert_eq!(service.put("/people/2", "<user><is-admin>true</is-admin></user>").status, 200);
    assert_eq!(service.put("/people/1", "<user><is-admin>false</is-admin></user>").status, 200);
    refused("DELETE", "/people/2", "", last);
    refused("POST", "/people/2/toggle", "", last);
    refused("PUT", "/people/2", "<user><is-active>false</is-active></user>", last);
    refused("PUT", "/people/2", "<user><is-admin>false</is-admin><department>x</department></user>", last);
    assert_eq!(service.put("/people/2", "<user><department>x</department></user>").status, 200);
}

#[test]
fn the_typed_access_gives_what_was_set_and_defaults_and_refuses_alike() {
    let (store, clock) = memory();
    let jane = NewPerson::named("Jane", "Doe", "jane@example.com").default_hourly_rate(Decimal::TEN);
    let id = store.people().create(&jane).unwrap();
    let person = store.people().get(id).unwrap();
    assert_eq!(
        (person.is_active, person.is_admin, person.is_contractor, &*person.timezone),
        (true, false, false, "UTC")
    );
    assert_eq!((person.default_hourly_rate, person.created_at), (Some(Decimal::TEN), moment("2011-03-31T10:00:00Z")));
    assert_eq!(store.people().get_by_email("JANE@example.com").unwrap(), person);
    assert!(matches!(store.people().get_by_email("x"), Err(Error::NoPerson { email }) if email == "x"));
    clock.forward(1);
    assert!(!store.people().toggle(id).unwrap());
    assert!(store.people().toggle(id).unwrap());
    let since = PersonFilter { updated_since: Some(moment("2011-03-31T10:00:01Z")) };
    assert_eq!(store.people().list(&since).unwrap().map(|person| person.unwrap().id).collect::<Vec<_>>(), [id]);
    assert_eq!(invalid(store.people().create(&jane)).0, "email");
    assert_eq!(refusal(store.people().delete(1)).0, Rule::PersonActs);
    assert_eq!(refusal(store.people().toggle(1)).0, Rule::PersonActs);
    let demoted = PersonChanges::new().is_admin(false);
    assert_eq!(refusal(store.people().update(1, &demoted)).0, Rule::PersonIsLastAdministrator);
    store.people().update(id, &PersonChanges::new().is_admin(true)).unwrap();
    store.people().update(1, &demoted).unwrap();
    assert_eq!(refusal(store.people().delete(id)).0, Rule::PersonIsLastAdministrator);
}

#[test]
fn the_account_names_the_first_person_of_a_new_file_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let account = || Account::default().email("jo@example.com").administrator("Jo", " ");
    let store = ClientStore::builder().account(account()).open(&path).unwrap();
    let first = store.people().get(1).unwrap();
    assert_eq!((&*first.email, &*first.first_name, &*first.last_name), ("jo@example.com", "Jo", "User"));
    assert!(first.is_admin && first.is_active);
    drop(store);
    let store = ClientStore::builder().account(account().email("other@example.com")).open(&path).unwrap();
    assert_eq!(store.people().get(1).unwrap(), first);
}

#[test]
fn who_am_i_shows_the_person_as_they_are_now() {
    let service = Service::new();
    let body = "<user><first-name>Jo</first-name><timezone>Berlin</timezone><email>jo@example.com</email></user>";
    assert_eq!(service.put("/people/1", body).status, 200);
    let shown = service.get("/account/who_am_i").body;
    for line in ["<first-name>Jo<", "<timezone>Berlin<", "<email>jo@example.com<", "<admin type=\"boolean\">true<"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

#[test]
fn the_file_keeps_the_rules_of_people() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = builder(&Default::default()).open(&path).unwrap();
    store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
    let sql = plain(&path);
    let before = people(&store);
    let row = |id: &str, email: &str, admin: u8| {
        format!(
            "people (id, email, first_name, last_name, is_admin, created_at, updated_at) VALUES
             ({id}, '{email}', 'x', 'y', {admin}, '2011-01-01T00:00:00Z', '2011-01-01T00:00:00Z')"
        )
    };
    let mut statements = vec![
        "DELETE FROM people WHERE id = 1".to_owned(),
        "DELETE FROM people".to_owned(),
        format!("REPLACE INTO {}", row("1", "x", 0)),
        format!("INSERT INTO {} ON CONFLICT (id) DO UPDATE SET is_admin = 0", row("1", "x", 1)),
    ];
    for insert in ["INSERT", "REPLACE", "INSERT OR IGNORE"] {
        statements.push(format!("{insert} INTO {}", row("NULL", "Jane@Example.com", 1)));
        statements.push(format!("{insert} INTO {}", row("3", "admin@example.com", 1)));
    }
    for update in ["UPDATE", "UPDATE OR IGNORE", "UPDATE OR REPLACE"] {
        for set in [
            "email = 'JANE@example.com' WHERE id = 1",
            "email = 'x'",
            "is_admin = 0",
            "is_active = 0",
            "is_active = 0 WHERE id = 1",
            "id = id + 10",
        ] {
            statements.push(format!("{update} people SET {set}"));
        }
    }
    for set in ["email = ' '", "first_name = ''", "last_name = char(9)", "is_active = 2", "default_hourly_rate = '5'"] {
        statements.push(format!("UPDATE people SET {set} WHERE id = 2"));
    }
    for recursive in ["OFF", "ON"] {
        sql.execute_batch(&format!("PRAGMA recursive_triggers = {recursive}")).unwrap();
        for statement in &statements {
            assert!(sql.execute_batch(statement).is_err(), "the file took: {statement}");
            assert_eq!(people(&store), before, "{statement}");
        }
    }
    sql.execute_batch("UPDATE people SET is_admin = 1 WHERE id = 2; UPDATE people SET is_admin = 0 WHERE id = 1")
        .unwrap();
    sql.execute_batch("DELETE FROM people WHERE id = 1").unwrap();
    assert!(store.check(|_| {}).unwrap().is_clean());
}

#[test]
fn a_check_finds_two_people_of_one_address_and_a_store_without_administrator() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = builder(&Default::default()).open(&path).unwrap();
    store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com")).unwrap();
    drop(store);
    plain(&path)
        .execute_batch(
            "DROP INDEX people_email; DROP TRIGGER people_email_is_free_on_update; DROP TRIGGER people_updated;
             UPDATE people SET email = 'Admin@example.com', is_admin = 0",
        )
        .unwrap();
    let report = ClientStore::check_file(&path, |_| {}).unwrap();
    let said: Vec<String> = report.findings().iter().map(ToString::to_string).collect();
    for part in ["people 2: email is that of another person, too", "people 1: is_admin is true for no active person"] {
        assert!(said.iter().any(|finding| finding.contains(part)), "{part}: {said:?}");
    }
}

fn dumped(store: &ClientStore) -> String {
    let mut document = Vec::new();
    store.dump(&mut document, |_| {}).unwrap();
    String::from_utf8(document).unwrap()
}

#[test]
fn a_dump_brings_people_back_whoever_is_the_administrator_and_whoever_was_deleted() {
    let (store, _) = memory();
    let jane = NewPerson::named("Jane", "Doe", "jane@example.com").is_admin(true);
    store.people().create(&jane).unwrap();
    store.people().update(1, &PersonChanges::new().is_admin(false)).unwrap();
    let (copy, _) = memory();
    copy.load([("dump", dumped(&store).as_bytes())]).unwrap();
    assert_eq!(dumped(&copy), dumped(&store), "person 1 is no administrator");
    // Without person 1, whose address another has now.
    let document = dumped(&store);
    let (before, rest) = document.split_once("    <user>\n").unwrap();
    let (_, after) = rest.split_once("    </user>\n").unwrap();
    let without = format!("{before}{after}").replace("jane@example.com", "admin@example.com");
    let (copy, _) = memory();
    copy.load([("dump", without.as_bytes())]).unwrap();
    assert_eq!(
        people(&copy).iter().map(|person| (person.id, &*person.email)).collect::<Vec<_>>(),
        [(2, "admin@example.com")]
    );
    assert_eq!(dumped(&copy), without);
    assert!(copy.check(|_| {}).unwrap().is_clean());
}

#[test]
fn a_dump_without_an_active_administrator_is_refused_whole() {
    let (store, _) = memory();
    let document = dumped(&store).replace("<is-admin type=\"boolean\">true", "<is-admin type=\"boolean\">false");
    let empty = {
        let (before, rest) = document.split_once("    <user>\n").unwrap();
        format!("{before}{}", rest.split_once("    </user>\n").unwrap().1)
    };
    for document in [document, empty] {
        let before = dumped(&store);
        let refused = store.load([("dump", document.as_bytes())]);
        assert_eq!(refusal(refused).0, Rule::PersonIsLastAdministrator);
        assert_eq!(dumped(&store), before);
    }
}
