//! Signing in with a password or a token, in process and over HTTP (`docs/spec/people.md`).

mod common;
mod served;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clientstore::{Api, ClientStore, NewPerson};
use common::memory;
use http::Request;
use served::{Served, command};

const JANE: &str = "<user><first-name>Jane</first-name><last-name>Doe</last-name><email>jane@example.com</email>\
                    <password>correct horse</password><password-confirmation>correct horse</password-confirmation></user>";

/// Long enough for anything that is to come, on any machine.
const PATIENCE: Duration = Duration::from_secs(300);

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The status and the body of a call with a header `Authorization`.
fn call(api: &Api, method: &str, path: &str, authorization: Option<&str>, body: &str) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(sent) = authorization {
        request = request.header("authorization", sent);
    }
    let response = api.handle(request.body(body.to_owned()).unwrap());
    let status = response.status().as_u16();
    (status, String::from_utf8(response.into_body().into_bytes().unwrap().to_vec()).unwrap())
}

/// An API that asks for credentials, where Jane Doe has signed up as person 2.
fn api() -> (Api, String) {
    let api = Api::new(memory().0).auth("owner", "secret");
    let owner = basic("owner", "secret");
    assert_eq!(call(&api, "POST", "/people", Some(&owner), JANE).0, 201);
    (api, owner)
}

fn dump(store: &ClientStore) -> String {
    let mut dump = Vec::new();
    store.dump(&mut dump, |_| {}).unwrap();
    String::from_utf8(dump).unwrap()
}

/// The hash of person 2's password, which a dump alone shows.
fn hash(store: &ClientStore) -> String {
    let dump = dump(store);
    let after = dump.rsplit_once("<password-hash>").unwrap().1;
    after.split_once('<').unwrap().0.to_owned()
}

/// The e-mail address that `who_am_i` shows.
fn who(api: &Api, path: &str, authorization: Option<&str>) -> Result<String, u16> {
    match call(api, "GET", path, authorization, "") {
        (200, document) => Ok(document.split_once("<email>").unwrap().1.split_once('<').unwrap().0.to_owned()),
        (status, _) => Err(status),
    }
}

#[test]
fn a_person_signs_in_with_their_address_in_any_case_and_their_password() {
    let (api, owner) = api();
    let who = |sent: &str| who(&api, "/account/who_am_i", Some(sent));
    let jane = Ok("jane@example.com".to_owned());
    assert_eq!(who(&owner), Ok("admin@example.com".to_owned()));
    for user in ["jane@example.com", "JANE@example.COM"] {
        assert_eq!(who(&basic(user, "correct horse")), jane, "{user}");
    }
    let with_parentheses = basic("jane@example.com", "correct horse").replace("Basic ", "Basic (") + ")";
    assert_eq!(who(&with_parentheses), jane);
    for (user, password) in [("jane@example.com", "correct"), ("jane@example.com", ""), ("admin@example.com", "")] {
        assert_eq!(who(&basic(user, password)), Err(401), "{user} {password}");
    }
    assert_eq!(call(&api, "GET", "/invoices", Some(&basic("jane@example.com", "correct horse")), "").0, 404);
}

#[test]
fn an_archived_person_is_not_admitted() {
    let (api, owner) = api();
    let jane = basic("jane@example.com", "correct horse");
    assert!(who(&api, "/account/who_am_i", Some(&jane)).is_ok());
    assert_eq!(call(&api, "POST", "/people/2/toggle", Some(&owner), "").0, 200);
    let (status, document) = call(&api, "GET", "/account/who_am_i", Some(&jane), "");
    assert!(status == 401 && document.contains("archived"), "{status} {document}");
    // So is person 1, whose credentials are the server's own.
    call(&api, "POST", "/people/2/toggle", Some(&owner), "");
    api.store().people().update(2, &clientstore::PersonChanges::new().is_admin(true)).unwrap();
    assert_eq!(call(&api, "POST", "/people/1/toggle", Some(&jane), "").0, 200);
    assert_eq!(who(&api, "/account/who_am_i", Some(&owner)), Err(401));
}

/// What is remembered of a sign-in never outlives the person's archiving, nor does a refusal outlive their return.
#[test]
fn who_signs_in_while_being_archived_and_activated_is_admitted_as_the_last_acknowledged_change_has_it() {
    let (api, owner) = api();
    let jane = basic("jane@example.com", "correct horse");
    // Odd while a toggle is under way; every second one archives.
    let changes = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    let (admitted, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(SeqCst) {
                    let before = changes.load(SeqCst);
                    let signed_in = who(&api, "/account/who_am_i", Some(&jane));
                    if !before.is_multiple_of(2) || changes.load(SeqCst) != before {
                        continue;
                    }
                    let (expected, seen) = match (before / 2).is_multiple_of(2) {
                        true => (Ok("jane@example.com".to_owned()), &admitted),
                        false => (Err(401), &refused),
                    };
                    assert_eq!(signed_in, expected, "after {before}");
                    seen.fetch_add(1, SeqCst);
                }
            });
        }
        let begun = Instant::now();
        for round in 0..16 {
            // Each state is seen before it changes.
            let seen = if round % 2 == 0 { &admitted } else { &refused };
            let least = seen.load(SeqCst);
            while seen.load(SeqCst) == least && begun.elapsed() < PATIENCE {
                std::thread::yield_now();
            }
            changes.fetch_add(1, SeqCst);
            assert_eq!(call(&api, "POST", "/people/2/toggle", Some(&owner), "").0, 200);
            changes.fetch_add(1, SeqCst);
        }
        done.store(true, SeqCst);
    });
    assert!(admitted.into_inner() >= 8 && refused.into_inner() >= 8, "each state was seen each time");
}

#[test]
fn a_password_and_its_confirmation_agree_and_are_kept_as_a_hash_that_no_document_shows() {
    let (api, owner) = api();
    for (password, confirmation) in [("a", "b"), ("a", ""), ("", "a")] {
        let body = format!(
            "<user><first-name>a</first-name><last-name>b</last-name><email>a@example.com</email>\
             <password>{password}</password><password-confirmation>{confirmation}</password-confirmation></user>"
        );
        assert_eq!(call(&api, "POST", "/people", Some(&owner), &body).0, 400, "{password} {confirmation}");
    }
    let kept = hash(api.store());
    assert!(kept.starts_with("$argon2id$"), "{kept}");
    let json = "{\"user\":{\"first_name\":\"Joe\",\"last_name\":\"Doe\",\"email\":\"joe@example.com\",\
                \"password\":\"open\",\"password_confirmation\":\"open\"}}";
    assert_eq!(call(&api, "POST", "/people", Some(&owner), json).0, 201);
    assert!(who(&api, "/account/who_am_i", Some(&basic("joe@example.com", "open"))).is_ok());
    for path in ["/people", "/people/2", "/people.json", "/people/2.json"] {
        let document = call(&api, "GET", path, Some(&owner), "").1;
        assert!(!document.contains("argon2") && !document.contains("password"), "{document}");
    }
    // An update sets none.
    let change = "<user><password>new</password><password-confirmation>new</password-confirmation></user>";
    assert_eq!(call(&api, "PUT", "/people/2", Some(&owner), change).0, 200);
    assert!(dump(api.store()).contains(&kept));
}

#[test]
fn a_password_counts_without_its_confirmation_too() {
    let (api, owner) = api();
    let json = r#"{"user":{"email":"frank@example.com","first_name":"Frank","last_name":"Doe","password":"secure"}}"#;
    assert_eq!(call(&api, "POST", "/people", Some(&owner), json).0, 201);
    let null = r#"{"user":{"email":"simon@example.com","first_name":"Simon","last_name":"Stir","password":"secure",
                   "password_confirmation":null}}"#;
    assert_eq!(call(&api, "POST", "/people", Some(&owner), null).0, 201);
    let xml = "<user><first-name>Gary</first-name><last-name>Doe</last-name><email>gary@example.com</email>\
               <password>secure</password></user>";
    assert_eq!(call(&api, "POST", "/people", Some(&owner), xml).0, 201);
    for email in ["frank@example.com", "simon@example.com", "gary@example.com"] {
        assert!(who(&api, "/account/who_am_i", Some(&basic(email, "secure"))).is_ok(), "{email}");
        assert!(who(&api, "/account/who_am_i", Some(&basic(email, ""))).is_err(), "{email}");
    }
    // A confirmation without a password confirms nothing.
    let alone =
        r#"{"user":{"email":"joe@example.com","first_name":"a","last_name":"b","password_confirmation":"secure"}}"#;
    assert_eq!(call(&api, "POST", "/people", Some(&owner), alone).0, 400);
}

#[test]
fn a_loaded_dump_keeps_the_passwords() {
    let (api, _) = api();
    let dump = dump(api.store());
    let copy = ClientStore::open_in_memory().unwrap();
    copy.load([("dump.xml", dump.as_bytes())], |_| {}).unwrap();
    let copy = Api::new(copy).auth("owner", "secret");
    assert!(who(&copy, "/account/who_am_i", Some(&basic("jane@example.com", "correct horse"))).is_ok());
}

#[test]
fn with_a_seed_the_salt_follows_from_it_and_otherwise_no_two_are_alike() {
    let of_seed = |seed: Option<u64>| {
        let builder = ClientStore::builder();
        let store = seed.map_or(builder.clone(), |seed| builder.deterministic(seed)).open_in_memory().unwrap();
        store.people().create(&NewPerson::named("a", "b", "a@example.com").password("same")).unwrap();
        hash(&store)
    };
    assert_eq!(of_seed(Some(7)), of_seed(Some(7)));
    assert_ne!(of_seed(Some(7)), of_seed(Some(8)));
    assert_ne!(of_seed(None), of_seed(None));
}

#[test]
fn a_token_admits_as_the_first_person_and_only_where_it_is_set() {
    let store = memory().0;
    let api = Api::new(store.clone()).auth_token("t0ken");
    let admin = Ok("admin@example.com".to_owned());
    assert_eq!(who(&api, "/account/who_am_i?access_token=t0ken", None), admin);
    assert_eq!(who(&api, "/account/who_am_i", Some("Bearer t0ken")), admin);
    assert_eq!(who(&api, "/account/who_am_i", Some("bearer  t0ken")), admin);
    for (path, sent) in [
        ("/account/who_am_i", None),
        ("/account/who_am_i?access_token=", None),
        ("/account/who_am_i?access_token=t0ke", None),
        ("/account/who_am_i", Some("Bearer t0ken0")),
        ("/account/who_am_i", Some("Bearer ")),
    ] {
        assert_eq!(who(&api, path, sent), Err(401), "{path} {sent:?}");
    }
    let without = Api::new(store).auth("owner", "secret");
    assert_eq!(who(&without, "/account/who_am_i?access_token=t0ken", None), Err(401));
    assert_eq!(who(&without, "/account/who_am_i", Some("Bearer ")), Err(401));
    assert_eq!(who(&without, "/account/who_am_i?access_token=old", Some(&basic("owner", "secret"))), admin);
}

#[test]
fn any_code_or_refresh_token_is_exchanged_for_the_token() {
    let api = Api::new(memory().0).auth_token("t0ken\"");
    let document = "{\"token_type\":\"bearer\",\"expires_in\":64799,\"access_token\":\"t0ken\\\"\",\
                    \"refresh_token\":\"t0ken\\\"\"}\n";
    for body in [
        "grant_type=authorization_code&code=any&client_id=1",
        "refresh_token=old",
        "{\"code\":\"any\"}",
        " {\"grant_type\":\"refresh_token\",\"refresh_token\":\"old\"}",
    ] {
        assert_eq!(call(&api, "POST", "/oauth2/token", None, body), (200, document.to_owned()), "{body}");
    }
    for body in ["", "code=", "{\"code\":\"\"}", "{\"code\":", "{}"] {
        assert_eq!(call(&api, "POST", "/oauth2/token", None, body).0, 400, "{body}");
    }
    assert_eq!(call(&api, "GET", "/oauth2/token", None, "").0, 401);
    for without in [Api::new(memory().0), Api::new(memory().0).auth("owner", "secret")] {
        assert_eq!(call(&without, "POST", "/oauth2/token", None, "code=any").0, 404);
    }
}

#[test]
fn a_served_api_signs_people_in_and_says_no_secret_in_its_log_or_journal() {
    let mut command = command(&["--memory", "--control", "--auth", "owner:secret"]);
    command.env("CLIENTSTORE_AUTH_TOKEN", "t0ken");
    let served = Served::start_as(command);
    let header = |sent: &str| format!("Authorization: {sent}\r\n");
    let (owner, jane) = (header(&basic("owner", "secret")), header(&basic("jane@example.com", "correct horse")));
    assert_eq!(served.send_with("POST", "/people", &owner, JANE).unwrap().0, 201);
    for _ in 0..2 {
        let (status, _, document) = served.send_with("GET", "/account/who_am_i", &jane, "").unwrap();
        assert!(status == 200 && document.contains("jane@example.com"), "{status} {document}");
    }
    assert_eq!(served.send_with("POST", "/clients", &jane, "<client><name>a</name></client>").unwrap().0, 404);
    let wrong = header(&basic("jane@example.com", "wrong horse"));
    assert_eq!(served.send_with("GET", "/clients", &wrong, "").unwrap().0, 401);
    assert_eq!(served.send("GET", "/clients?access_token=t0ken", "").unwrap().0, 200);
    assert_eq!(served.send("POST", "/oauth2/token", "refresh_token=t0ken").unwrap().0, 200);
    // A person's password is none for the control paths.
    assert_eq!(served.send_with("GET", "/_clientstore/journal", &jane, "").unwrap().0, 401);
    let (status, _, journal) = served.send_with("GET", "/_clientstore/journal", &owner, "").unwrap();
    assert_eq!(status, 200);
    for kept in ["jane@example.com\\\", password right", "jane@example.com\\\", password wrong", "access_token=***"] {
        assert!(journal.contains(kept), "{kept}: {journal}");
    }
    let (_, log) = served.stop();
    assert!(log.contains("GET /account/who_am_i 200"), "{log}");
    for said in [journal, log] {
        for secret in ["t0ken", "horse", "argon2", &STANDARD.encode("jane@example.com:correct horse")] {
            assert!(!said.contains(secret), "{secret}: {said}");
        }
    }
}

#[test]
fn a_token_comes_from_an_option_a_file_or_the_environment_and_has_no_spaces() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "t0ken\n").unwrap();
    let served = Served::start(&["--memory", "--auth-token-file", file.to_str().unwrap()]);
    assert_eq!(served.send_with("GET", "/clients", "Authorization: Bearer t0ken\r\n", "").unwrap().0, 200);
    assert_eq!(served.send("GET", "/clients", "").unwrap().0, 401);
    for token in ["", "two words"] {
        let output = command(&["--memory", "--auth-token", token]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("--auth-token: the token must be") && !said.contains("two words"), "{said}");
    }
}
