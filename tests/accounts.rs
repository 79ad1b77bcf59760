//! Many accounts on one server, and in the library.

#![cfg(feature = "cli")]

mod common;
mod served;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;

use clientstore::{AccountName, Accounts, ClientStore, Error, NewClient};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use served::Served;

/// Names that a host must not be mistaken for.
const NAMES: [&str; 9] = ["demo", "db", "harvestapp", "localhost", "com", "127", "1", "test", "other"];

/// A directory in which each of the accounts has one client with its name.
fn directory(names: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let accounts = Accounts::in_directory(directory.path(), ClientStore::builder());
    for name in names {
        accounts.create(*name).unwrap().clients().create(&NewClient::named(*name)).unwrap();
    }
    directory
}

fn serve(directory: &Path, more: &[&str]) -> Served {
    Served::start(&[&["--accounts", directory.to_str().unwrap()], more].concat())
}

/// The status and the body of an answer to a request with these header lines, the host among them.
fn ask(served: &Served, method: &str, path: &str, headers: &[&str], body: &str) -> (u16, String) {
    let mut stream = served.connect().unwrap();
    let (headers, length) = (headers.join("\r\n"), body.len());
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\n{headers}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn get(served: &Served, host: &str, path: &str) -> (u16, String) {
    ask(served, "GET", path, &[&format!("Host: {host}")], "")
}

/// A control call for an account that is named by its host; the answer must be 200 or 201.
#[track_caller]
fn control(served: &Served, account: &str, method: &str, path: &str, body: &str) -> serde_json::Value {
    let host = format!("Host: {account}.localhost");
    let (status, answer) = ask(served, method, &format!("/_clientstore/{path}"), &[&host], body);
    assert!(status < 300, "{method} {path} of {account}: {status} {answer}");
    serde_json::from_str(&answer).unwrap()
}

fn post(served: &Served, account: &str, name: &str) -> u16 {
    let host = format!("Host: {account}.localhost");
    let body = format!("<client><name>{name}</name></client>");
    ask(served, "POST", "/clients", &[&host], &body).0
}

fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".db"));
    names.sort();
    names
}

#[test]
fn a_host_or_a_header_leads_to_its_account_and_what_leads_nowhere_is_404_and_leaves_nothing() {
    let directory = directory(&["demo", "other"]);
    let served = serve(directory.path(), &["--account-domain", "Harvest.Test"]);
    for host in
        ["demo.localhost", "DEMO.Localhost:7557", "demo.harvestapp.com.", "demo.harvest.test", "demo.HARVEST.test:80"]
    {
        let (status, body) = get(&served, host, "/clients/1");
        assert!(status == 200 && body.contains("<name>demo</name>"), "{host}: {status} {body}");
    }
    for host in ["nobody.localhost", "localhost", "127.0.0.1", "[::1]:7557", "a.demo.localhost", "-a.localhost"] {
        assert_eq!(get(&served, host, "/clients/1").0, 404, "{host}");
    }
    for host in ["demo.db", "demo.example.com", "harvest.test", "..", "0.0.0.0"] {
        assert_eq!(get(&served, host, "/clients/1").0, 403, "{host}");
    }
    let header = |lines: &[&str]| ask(&served, "GET", "/clients/1", lines, "");
    let (status, body) = header(&["Host: 127.0.0.1", "X-Clientstore-Account: Other"]);
    assert!(status == 200 && body.contains("<name>other</name>"), "{status} {body}");
    assert_eq!(header(&["Host: demo.localhost", "X-Clientstore-Account: DEMO"]).0, 200);
    assert_eq!(header(&["Host: demo.localhost", "X-Clientstore-Account: other"]).0, 400);
    assert_eq!(header(&["Host: localhost", "X-Clientstore-Account: demo", "X-Clientstore-Account: demo"]).0, 400);
    for name in ["nobody", "../demo", "demo.db", "", "demo/../other"] {
        assert_eq!(header(&["Host: localhost", &format!("X-Clientstore-Account: {name}")]).0, 404, "{name:?}");
    }
    let (_, body) = get(&served, "demo.localhost", "/account/who_am_i");
    assert!(body.contains("<full-domain>demo.harvest.test</full-domain>"), "{body}");
    assert_eq!(files(directory.path()), ["demo.db", "other.db"]);
}

#[test]
fn an_account_is_made_on_demand_where_that_is_asked_for() {
    let directory = directory(&[]);
    let served = serve(directory.path(), &["--create-accounts"]);
    assert_eq!(post(&served, "New-1", "SuprCorp"), 201);
    assert_eq!(get(&served, "new-1.harvestapp.com", "/clients/1").0, 200);
    assert_eq!(get(&served, "new_1.localhost", "/clients/1").0, 404);
    let (_, body) = get(&served, "new-1.localhost", "/account/who_am_i");
    assert!(body.contains("<full-domain>new-1.harvestapp.com</full-domain>"), "{body}");
    drop(served);
    assert_eq!(files(directory.path()), ["new-1.db"]);
}

/// The account that a host is for, by the words of the documentation.
fn expected(host: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host.as_str(), |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name);
    let account = [".localhost", ".harvestapp.com", ".harvest.test"].iter().find_map(|end| name.strip_suffix(end))?;
    NAMES.contains(&account).then(|| account.to_owned())
}

fn hosts() -> impl Strategy<Value = String> {
    let traps = [
        "DEMO",
        "..",
        ".",
        "",
        "demo.db",
        "..%2fdemo",
        "../demo",
        "demo%00",
        "-",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "127.0.0.1",
        "demo\\",
        "xn--demo",
        "demo_",
        "user@demo",
        "demo:80",
    ];
    let label = || {
        prop_oneof![
            4 => proptest::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
            1 => proptest::sample::select(traps.to_vec()).prop_map(str::to_owned),
            1 => "[a-zA-Z0-9._:\\[\\]-]{0,12}",
        ]
    };
    let begin = prop_oneof![label(), proptest::collection::vec(label(), 2..5).prop_map(|labels| labels.join("."))];
    let domain = proptest::sample::select(vec![".localhost", ".LocalHost", ".harvestapp.com", ".harvest.test", ""]);
    let plain = proptest::sample::select(vec!["", ".", ":80", ":", ":080", ":7557", ".:7557"]);
    let odd =
        proptest::sample::select(vec!["..", ":x", ":80:80", ":65536", "/", "#", "?", " x", "@x.localhost", ".db"]);
    (begin, domain, prop_oneof![3 => plain, 1 => odd]).prop_map(|(begin, domain, end)| format!("{begin}{domain}{end}"))
}

#[test]
fn no_host_is_ever_answered_from_another_account() {
    let directory = directory(&NAMES);
    let served = serve(directory.path(), &["--account-domain", "harvest.test", "--open-accounts", "3", "--quiet"]);
    let (mut answered, mut refused) = (0, 0);
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        config.clone(),
        proptest::test_runner::TestRng::deterministic_rng(config.rng_algorithm),
    );
    for _ in 0..config.cases {
        let host = hosts().new_tree(&mut runner).unwrap().current();
        let (status, body) = get(&served, &host, "/clients/1");
        match expected(&host) {
            Some(name) if status == 200 => {
                answered += 1;
                assert!(body.contains(&format!("<name>{name}</name>")), "{host:?}: {body}");
            }
            // What only looks like a host is refused.
            expected => {
                refused += 1;
                assert!(matches!(status, 400 | 403 | 404), "{host:?}: {status} {body}");
                let is_plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
                assert!(expected.is_none() || !is_plain, "{host:?} is {expected:?}, and got {status}");
            }
        }
    }
    assert!(answered > 40 && refused > 40, "{answered} answered, {refused} refused");
}

#[test]
fn control_paths_act_on_the_account_of_the_host_and_never_answer_to_names_of_the_service() {
    let served = Served::start(&["--memory", "--accounts", "--control", "--deterministic", "7"]);
    for account in ["one", "two"] {
        assert_eq!(post(&served, account, account), 201);
    }
    // Faults, clock, throttle and person of the one are none of the other's.
    control(&served, "one", "PUT", "faults", r#"{"rules": [{"answer": {"status": 418}}]}"#);
    control(&served, "one", "PUT", "clock", r#"{"now": "2012-03-01T00:00:00Z"}"#);
    control(&served, "one", "PUT", "throttle", r#"{"on": true}"#);
    control(&served, "one", "PUT", "person", r#"{"id": 1}"#);
    control(&served, "one", "POST", "snapshots/kept", "");
    assert_eq!(get(&served, "one.localhost", "/clients/1").0, 418);
    let (status, body) = get(&served, "two.localhost", "/clients/1");
    assert!(status == 200 && body.contains("<name>two</name>"), "{status} {body}");
    let state = control(&served, "two", "GET", "state", "");
    assert_eq!((&state["clock"]["now"], &state["faults"]), (&"2010-01-01T00:00:00Z".into(), &0.into()));
    assert_eq!((&state["throttle"]["on"], &state["snapshots"]), (&false.into(), &0.into()));
    assert_eq!(control(&served, "two", "GET", "person", "")["id"], serde_json::Value::Null);
    let paths = |account| control(&served, account, "GET", "journal", "")["entries"].as_array().unwrap().len();
    assert_eq!((paths("one"), paths("two")), (2, 2));

    control(&served, "two", "POST", "reset", "");
    assert_eq!(get(&served, "two.localhost", "/clients/1").0, 404);
    assert_eq!(control(&served, "one", "GET", "state", "")["records"]["clients"], 1);
    assert_eq!((paths("one"), paths("two")), (2, 1));

    let state = |lines: &[&str]| ask(&served, "GET", "/_clientstore/state", lines, "").0;
    assert_eq!(state(&["Host: 127.0.0.1", "X-Clientstore-Account: one"]), 200);
    assert_eq!(state(&["Host: one.harvestapp.com"]), 403);
    assert_eq!(state(&["Host: one.harvestapp.com", "X-Clientstore-Account: one"]), 403);
    assert_eq!(state(&["Host: 127.0.0.1"]), 404);
    assert_eq!(state(&["Host: one.localhost", "Origin: http://two.localhost"]), 403);
    let (status, body) = get(&served, "127.0.0.1", "/_clientstore/health");
    assert!(status == 200 && body.contains("ready"), "{status} {body}");
}

#[test]
fn sixteen_tests_that_share_a_server_and_reset_their_accounts_never_see_each_other() {
    const ROUNDS: usize = 6;
    let directory = tempfile::tempdir().unwrap();
    let seed = directory.path().join("seed.xml");
    std::fs::write(&seed, "<client><name>Seeded</name></client>").unwrap();
    let seed = seed.to_str().unwrap();
    let served =
        &Served::start(&["--memory", "--accounts", "--control", "--deterministic", "7", "--quiet", "--seed", seed]);
    thread::scope(|scope| {
        for worker in 0..16 {
            scope.spawn(move || {
                let account = format!("worker-{worker}");
                for round in 0..ROUNDS {
                    let own = format!("{account} {round}");
                    control(served, &account, "POST", "reset", "");
                    for created in 0..3 {
                        assert_eq!(post(served, &account, &format!("{own} {created}")), 201);
                    }
                    let advance = format!(r#"{{"advance_seconds": {}}}"#, worker * 86_400);
                    let clock = control(served, &account, "PUT", "clock", &advance);
                    assert_eq!(clock["now"], format!("2010-01-{:02}T00:00:00Z", worker + 1));
                    let (_, list) = get(served, &format!("{account}.localhost"), "/clients");
                    let names: Vec<&str> = list.split("<name>").skip(1).collect();
                    assert_eq!(names.len(), 4, "{list}");
                    let is_right = |name: &&str| name.starts_with(&own) || name.starts_with("Seeded");
                    assert!(names.iter().all(is_right), "{account}: {list}");
                    let expectation = r#"{"method": "POST", "path": "/clients", "count": 3}"#;
                    control(served, &account, "POST", "journal/verify", expectation);
                    let journal = control(served, &account, "GET", "journal", "");
                    assert_eq!(journal["entries"].as_array().unwrap().len(), 4);
                }
            });
        }
    });
}

#[test]
fn an_account_whose_file_was_closed_goes_on_with_its_clock_its_faults_and_its_journal() {
    let directory = directory(&["one", "two", "three"]);
    let served = serve(directory.path(), &["--control", "--open-accounts", "1"]);
    control(&served, "one", "PUT", "clock", r#"{"now": "2012-03-01T00:00:00Z", "frozen": true}"#);
    control(&served, "one", "PUT", "faults", r#"{"rules": [{"path": "/projects", "answer": {"status": 418}}]}"#);
    assert_eq!(get(&served, "one.localhost", "/clients/1").0, 200);
    for account in ["two", "three"] {
        assert_eq!(get(&served, &format!("{account}.localhost"), "/clients/1").0, 200);
        // The log is gone with the file's last connection.
        assert!(!directory.path().join("one.db-wal").exists(), "it was closed");
    }
    assert_eq!(control(&served, "one", "GET", "clock", "")["now"], "2012-03-01T00:00:00Z");
    assert_eq!(get(&served, "one.localhost", "/projects").0, 418);
    assert_eq!(control(&served, "one", "GET", "journal", "")["entries"].as_array().unwrap().len(), 2);
}

#[test]
fn accounts_that_are_only_read_refuse_writes_with_503_and_say_why() {
    let directory = directory(&["demo"]);
    let served = serve(directory.path(), &["--read-only"]);
    assert_eq!(get(&served, "demo.localhost", "/clients/1").0, 200);
    assert_eq!(get(&served, "other.localhost", "/clients/1").0, 404);
    assert_eq!(post(&served, "demo", "x"), 503);
    assert_eq!(files(directory.path()), ["demo.db"]);
}

#[test]
fn options_that_do_not_fit_together_are_refused() {
    let directory = directory(&[]);
    let path = directory.path().to_str().unwrap();
    for (arguments, said) in [
        (&["--accounts"][..], "--accounts needs a directory, or --memory"),
        (&["--memory", "--accounts", path], "give --accounts without a directory"),
        (&["books.db", "--accounts", path], "cannot be used with"),
        (&["--accounts", path, "--exclusive"], "cannot be used with"),
        (&["--accounts", path, "--domain", "demo.harvestapp.com"], "cannot be used with"),
        (&["--create-accounts"], "required"),
        (&["--accounts", path, "--seed", "x.xml"], "--seed fills accounts in memory only"),
        (&["--accounts", path, "--account-domain", "127.0.0.1"], "--account-domain"),
        (&["--accounts", path, "--account-domain", ".harvest.test"], "--account-domain"),
    ] {
        let output = served::command(arguments).args(["--listen", "127.0.0.1:0"]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && error.contains(said), "{arguments:?}: {error}");
    }
    let missing = directory.path().join("missing");
    let output = served::command(&["--accounts", missing.to_str().unwrap()]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && error.contains("there is no directory"), "{error}");
}

#[test]
fn a_file_of_options_can_ask_for_accounts_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("serve.toml");
    std::fs::write(&config, "memory = true\naccounts = true\ncontrol = true\n").unwrap();
    let served = Served::start(&["--config", config.to_str().unwrap()]);
    assert_eq!(post(&served, "one", "SuprCorp"), 201);
    let mut command = served::command(&["--memory"]);
    command.env("CLIENTSTORE_ACCOUNTS", "true");
    assert_eq!(post(&Served::start_as(command), "one", "SuprCorp"), 201);
}

/// The process's open files, and what it takes of memory in KiB.
#[cfg(target_os = "linux")]
fn taken(served: &Served) -> (usize, u64) {
    let process = PathBuf::from(format!("/proc/{}", served.id()));
    let status = std::fs::read_to_string(process.join("status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes = peak.trim().strip_suffix(" kB").unwrap().trim().parse().unwrap();
    (std::fs::read_dir(process.join("fd")).unwrap().count(), kilobytes)
}

/// Accounts under a mixed load of creates, lists and reads: each answers with what is its own.
#[cfg(target_os = "linux")]
fn mixed_load(count: usize, rounds: usize) -> (usize, u64) {
    let directory = directory(&[]);
    let served = &serve(directory.path(), &["--create-accounts", "--quiet"]);
    thread::scope(|scope| {
        for worker in 0..8 {
            scope.spawn(move || {
                for round in 0..rounds {
                    for account in (worker..count).step_by(8) {
                        let name = format!("account-{account}");
                        assert_eq!(post(served, &name, &format!("{name} {round}")), 201);
                        let (status, list) = get(served, &format!("{name}.harvestapp.com"), "/clients");
                        assert_eq!(status, 200);
                        assert_eq!(list.matches("<name>").count(), round + 1);
                        assert_eq!(list.matches(&format!("<name>{name} ")).count(), round + 1, "{list}");
                        assert_eq!(get(served, &format!("{name}.localhost"), "/account/who_am_i").0, 200);
                    }
                }
            });
        }
    });
    assert_eq!(files(directory.path()).len(), count);
    taken(served)
}

#[cfg(target_os = "linux")]
#[test]
fn many_accounts_need_neither_open_files_nor_memory_for_each() {
    // 8 more may be at a request, each with a few files of its own and the connection.
    let (files, kilobytes) = mixed_load(80, 2);
    assert!(files < 500 && kilobytes < 128 << 10, "{files} files, {kilobytes} KiB");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes minutes; docs/reliability.md has its figures"]
fn a_thousand_accounts_under_mixed_load_take_less_than_128_mb() {
    let (files, kilobytes) = mixed_load(1_000, 3);
    common::tell(format_args!("1,000 accounts, 9,000 requests: {files} open files, {kilobytes} KiB at most"));
    assert!(files < 500 && kilobytes < 128 << 10, "{files} files, {kilobytes} KiB");
}

#[test]
fn accounts_of_a_directory_are_made_found_listed_and_kept_apart() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = Accounts::in_directory(directory.path(), ClientStore::builder()).keep_open(2);
    assert!(matches!(accounts.get("demo"), Err(Error::NoAccount { name }) if name == "demo"));
    assert!(std::fs::read_dir(directory.path()).unwrap().next().is_none(), "nothing is left of the attempt");
    for name in ["demo", "a", "b", "c"] {
        accounts.create(name).unwrap().clients().create(&NewClient::named(name)).unwrap();
    }
    assert!(matches!(accounts.create("DEMO"), Err(Error::AccountExists { .. })));
    for name in ["../demo", "demo.db", "", "a/b", "-a"] {
        assert!(matches!(accounts.get(name), Err(Error::Invalid { .. })), "{name:?}");
    }
    std::fs::write(directory.path().join("Upper.db"), b"").unwrap();
    std::fs::write(directory.path().join("notes.txt"), b"").unwrap();
    let names = accounts.names().unwrap();
    assert_eq!(names.iter().map(AccountName::as_str).collect::<Vec<_>>(), ["a", "b", "c", "demo"]);
    for name in &names {
        assert_eq!(accounts.get(name).unwrap().clients().get(1).unwrap().name, name.as_str());
        assert_eq!(accounts.get(name).unwrap().account().domain, format!("{name}.harvestapp.com"));
    }
    accounts.close_idle(std::time::Duration::ZERO);
    let logs = std::fs::read_dir(directory.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().ends_with("-wal"));
    assert_eq!(logs.count(), 0, "all are closed");
}

#[test]
fn a_store_that_somebody_has_is_the_one_that_is_found_also_where_it_is_kept_for_nobody() {
    let directory = directory(&["one", "two", "three"]);
    let builder = ClientStore::builder().deterministic(7);
    let accounts = Accounts::in_directory(directory.path(), builder).keep_open(1);
    let one = accounts.get("one").unwrap();
    let created = accounts.get("two").unwrap().clients().create(&NewClient::named("x")).unwrap();
    drop(accounts.get("three").unwrap());
    // It shares its writer with the other: a transaction inside a transaction is refused, and not waited for.
    let nested = one.transaction(|_| accounts.get("one").unwrap().clients().create(&NewClient::named("y")).map(drop));
    assert!(matches!(nested, Err(Error::Storage { .. })), "{nested:?}");
    assert_eq!(accounts.get("two").unwrap().clients().get(created).unwrap().name, "x");
}

#[test]
fn client_keys_of_a_seed_go_on_after_an_account_was_closed() {
    let keys = |keep_open: usize| {
        let directory = directory(&["one", "two"]);
        let accounts = Accounts::in_directory(directory.path(), ClientStore::builder().deterministic(7));
        let accounts = accounts.keep_open(keep_open);
        let mut keys = Vec::new();
        for _ in 0..3 {
            for name in ["one", "two"] {
                let store = accounts.get(name).unwrap();
                let invoice = store.invoices().create(&clientstore::NewInvoice::of(1)).unwrap();
                keys.push(store.invoices().get(invoice).unwrap().client_key);
            }
        }
        keys
    };
    let (reopened, kept) = (keys(1), keys(2));
    assert_eq!(reopened, kept);
    assert_ne!(reopened[0], reopened[2]);
}

#[test]
fn accounts_in_memory_begin_alike_and_are_never_closed() {
    let like = ClientStore::builder().deterministic(7).open_in_memory().unwrap();
    like.clients().create(&NewClient::named("Seeded")).unwrap();
    let accounts = Accounts::in_memory(&like).unwrap().domain("harvest.test");
    like.clients().create(&NewClient::named("too late")).unwrap();
    let one = accounts.get("one").unwrap();
    assert_eq!(one.clients().create(&NewClient::named("x")).unwrap(), 2);
    let two = accounts.get("two").unwrap();
    assert_eq!(
        (two.clients().list(&Default::default()).unwrap().count(), one.account().domain.as_str()),
        (1, "one.harvest.test")
    );
    drop((one, two));
    assert_eq!(accounts.get("one").unwrap().clients().get(2).unwrap().name, "x", "nothing of it is closed");
    assert!(matches!(accounts.create("one"), Err(Error::AccountExists { .. })));
    assert_eq!(accounts.names().unwrap().len(), 2);
}
