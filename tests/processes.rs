//! Two processes on one file. The other process is this binary again, running `the_other_process`.

mod common;

use std::io::{BufRead, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clientstore::{ClientChanges, ClientStore, Durability, Error, NewClient, NewProject};
use common::plain;

const TASK: &str = "CLIENTSTORE_TEST_TASK";
const PATH: &str = "CLIENTSTORE_TEST_PATH";

/// Starts another process on the file.
fn start(task: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "the_other_process", "--nocapture"])
        .env(TASK, task)
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[track_caller]
fn succeed(mut child: Child) {
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
}

fn open(path: &Path) -> ClientStore {
    ClientStore::builder().durability(Durability::Off).busy_timeout(Duration::from_secs(120)).open(path).unwrap()
}

#[test]
#[ignore = "it is the other process of the tests here"]
fn the_other_process() {
    let Some(path) = std::env::var_os(PATH) else {
        return;
    };
    let path = Path::new(&path);
    match std::env::var(TASK).unwrap().as_str() {
        "write" => write(&open(path), "theirs"),
        "toggle" => toggle(&open(path)),
        "create" => write(&open(path), "new"),
        "hold" => {
            let sql = plain(path);
            sql.execute_batch("BEGIN IMMEDIATE").unwrap();
            println!("\nheld");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        "one write" => {
            let store = ClientStore::builder().busy_timeout(Duration::from_secs(120)).open(path).unwrap();
            store.clients().create(&NewClient::named("theirs")).unwrap();
        }
        "busy" => {
            let store = ClientStore::builder().busy_timeout(Duration::from_millis(50)).open(path).unwrap();
            let result = store.clients().create(&NewClient::named("theirs"));
            assert!(matches!(result, Err(Error::Busy { .. })), "{result:?}");
        }
        "relative" => {
            std::env::set_current_dir(path.parent().unwrap()).unwrap();
            let store = open(Path::new(path.file_name().unwrap()));
            std::env::set_current_dir(std::env::temp_dir()).unwrap();
            store.clients().create(&NewClient::named("x")).unwrap();
            assert_eq!(store.clients().get(1).unwrap().name, "x", "readers open the same file");
        }
        "move" => std::fs::rename(path, path.with_extension("moved")).unwrap(),
        "replace" => {
            let other = path.with_extension("other");
            drop(open(&other));
            std::fs::rename(&other, path).unwrap();
        }
        "delete" => std::fs::remove_file(path).unwrap(),
        "delete the log" => std::fs::remove_file(beside(path, "-wal")).unwrap(),
        "open a link" => {
            let link = path.with_extension("link");
            std::fs::hard_link(path, &link).unwrap();
            let before = std::fs::read(path).unwrap();
            let refused = ClientStore::open(&link);
            assert!(matches!(refused, Err(Error::Linked { links: 2, .. })), "{refused:?}");
            let refused = ClientStore::builder().read_only(true).open(&link);
            assert!(matches!(refused, Err(Error::Linked { links: 2, .. })), "{refused:?}");
            assert_eq!(std::fs::read(path).unwrap(), before);
            assert!(!beside(&link, "-wal").exists());
        }
        "exclusive" => {
            let refused = ClientStore::builder().exclusive(true).open(path);
            assert!(matches!(refused, Err(Error::InUse { .. })), "{refused:?}");
        }
        other => panic!("no task {other}"),
    }
}

/// What stands beside the file.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn write(store: &ClientStore, name: &str) {
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let id = store.clients().create(&NewClient::named(name)).unwrap();
                    assert_eq!(store.clients().get(id).unwrap().name, name);
                    store.clients().update(id, &ClientChanges::new().details("updated")).unwrap();
                }
            });
        }
    });
}

fn toggle(store: &ClientStore) {
    for _ in 0..150 {
        match store.clients().toggle(1) {
            Ok(_) | Err(Error::Refused { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn two_processes_write_one_file_and_neither_is_told_that_it_is_locked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = open(&path);
    let other = start("write", &path);
    write(&store, "ours");
    succeed(other);
    let clients: Vec<_> = store.clients().list(&Default::default()).unwrap().map(Result::unwrap).collect();
    for name in ["ours", "theirs"] {
        assert_eq!(clients.iter().filter(|client| client.name == name && client.details == "updated").count(), 200);
    }
}

#[test]
fn a_write_of_another_process_is_seen_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = open(&path);
    for written in 1..=3 {
        succeed(start("one write", &path));
        assert_eq!(store.clients().list(&Default::default()).unwrap().count(), written);
        assert_eq!(store.clients().get(written as i64).unwrap().name, "theirs");
    }
}

#[test]
fn toggles_of_one_process_racing_projects_of_another_leave_no_forbidden_state() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = open(&path);
    store.clients().create(&NewClient::named("contested")).unwrap();
    let other = start("toggle", &path);
    for _ in 0..150 {
        match store.projects().create(&NewProject::of(1, "p")) {
            Ok(id) => {
                assert!(store.clients().get(1).unwrap().active);
                store.projects().delete(id).unwrap();
            }
            Err(Error::Refused { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    succeed(other);
}

#[test]
fn processes_that_make_the_same_file_at_once_all_get_it() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let others: Vec<Child> = (0..3).map(|_| start("create", &path)).collect();
        write(&open(&path), "new");
        others.into_iter().for_each(succeed);
        assert_eq!(open(&path).clients().list(&Default::default()).unwrap().count(), 4 * 200);
    }
}

/// Runs `then` while another process has the file locked.
fn while_held(path: &Path, then: impl FnOnce()) {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "the_other_process", "--nocapture"])
        .env(TASK, "hold")
        .env(PATH, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "held"));
    then();
    drop(holder.stdin.take());
    lines.for_each(drop);
    assert!(holder.wait().unwrap().success());
}

#[test]
fn a_lock_that_outlasts_the_busy_timeout_is_busy_and_names_the_wait() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let timeout = Duration::from_millis(120);
    let store = ClientStore::builder().busy_timeout(timeout).open(&path).unwrap();
    store.clients().create(&NewClient::named("x")).unwrap();
    while_held(&path, || {
        for result in [
            store.clients().create(&NewClient::named("y")).map(drop),
            store.clients().toggle(1).map(drop),
            store.transaction(|tx| tx.clients().delete(1)),
        ] {
            match result {
                Err(error @ Error::Busy { waited }) => {
                    assert_eq!(waited, timeout);
                    assert!(error.to_string().contains("120ms"), "{error}");
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(store.clients().get(1).unwrap().name, "x", "readers do not wait");
        ClientStore::builder().busy_timeout(timeout).open(&path).expect("nor does opening");
    });
    store.clients().toggle(1).unwrap();
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 1);
}

#[test]
fn a_transaction_that_panicked_does_not_keep_the_file_from_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = open(&path);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        store.transaction(|tx| -> Result<(), Error> {
            tx.clients().create(&NewClient::named("lost"))?;
            panic!("on purpose");
        })
    }));
    assert!(panicked.is_err());
    succeed(start("one write", &path));
    assert_eq!(store.clients().get(1).unwrap().name, "theirs");
}

#[test]
fn closing_one_of_two_stores_on_a_file_keeps_the_locks_of_the_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = open(&path);
    store
        .transaction(|tx| {
            tx.clients().create(&NewClient::named("ours"))?;
            drop(open(&path));
            succeed(start("busy", &path));
            Ok::<_, Error>(())
        })
        .unwrap();
    succeed(start("one write", &path));
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 2);
}

#[test]
fn a_relative_path_is_a_path_and_stays_where_it_was() {
    let names: &[&str] = if cfg!(unix) { &["store.db", "file:store.db", ":memory:"] } else { &["store.db"] };
    for name in names {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        succeed(start("relative", &path));
        let store = ClientStore::builder().create(false).open(&path).unwrap();
        assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 1, "{name}");
    }
}

/// Has another process do something to a file that is open, and checks that it is neither written nor read after that.
fn gone_after(task: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = open(&path);
    store.clients().create(&NewClient::named("kept")).unwrap();
    succeed(start(task, &path));
    let written = [
        store.clients().create(&NewClient::named("lost")).map(drop),
        store.clients().toggle(1).map(drop),
        store.transaction(|tx| tx.clients().delete(1)),
    ];
    for result in written {
        match result {
            Err(error @ Error::Moved { .. }) => {
                let begin = format!("the file at {} is no longer the one that was opened", path.display());
                assert!(error.to_string().starts_with(&begin), "{error}");
            }
            other => panic!("{task}: {other:?}"),
        }
    }
    let read = store.clients().get(1);
    assert!(matches!(read, Err(Error::Moved { .. })), "{task}: {read:?}");
    (directory, path)
}

#[test]
fn a_file_that_was_moved_while_it_was_open_acknowledges_nothing_and_is_whole_where_its_log_comes_along() {
    let (_directory, path) = gone_after("move");
    let moved = path.with_extension("moved");
    std::fs::rename(beside(&path, "-wal"), beside(&moved, "-wal")).unwrap();
    let store = open(&moved);
    let clients = store.clients().list(&Default::default()).unwrap().map(|client| client.unwrap().name);
    assert_eq!(clients.collect::<Vec<_>>(), ["kept"]);
}

#[test]
fn a_file_that_was_replaced_while_it_was_open_acknowledges_nothing() {
    gone_after("replace");
}

#[test]
fn a_file_that_was_deleted_while_it_was_open_acknowledges_nothing() {
    gone_after("delete");
}

#[test]
fn a_log_that_was_deleted_while_it_was_open_acknowledges_nothing() {
    gone_after("delete the log");
}

#[test]
fn a_second_name_of_a_file_is_refused_to_another_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = open(&path);
    store.clients().create(&NewClient::named("x")).unwrap();
    succeed(start("open a link", &path));
    store.clients().create(&NewClient::named("y")).unwrap();
    drop(store);
    assert!(matches!(ClientStore::check_file(&path, |_| {}), Err(Error::Linked { .. })));
    let store = ClientStore::builder().hard_links(true).open(&path).unwrap();
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 2);
}

#[test]
#[cfg(unix)]
fn a_file_that_another_process_writes_is_refused_as_ones_own_at_the_start_and_neither_fails_later() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let link = directory.path().join("link.db");
    std::os::unix::fs::symlink("store.db", &link).unwrap();
    let store = open(&path);
    for path in [&path, &link] {
        succeed(start("exclusive", path));
        store.clients().create(&NewClient::named("x")).unwrap();
        succeed(start("one write", path));
    }
    drop(store);
    let store = ClientStore::builder().exclusive(true).open(&link).unwrap();
    assert!(matches!(ClientStore::open(&path), Err(Error::Exclusive { .. })));
    drop(store);
    assert_eq!(open(&path).clients().list(&Default::default()).unwrap().count(), 4);
    assert!(!beside(&path, "-exclusive").exists());
}
