//! Files from strangers: `quick_check` refuses damaged ones before anything of them is used.

#[cfg(feature = "cli")]
mod api;
mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clientstore::{ClientStore, Error, NewClient};
use common::plain;

/// A page of a table that opening alone does not read.
fn damaged_page(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    // The last page is a leaf of the clients.
    let at = bytes.len() - 4096;
    bytes[at..at + 64].fill(0xAA);
    std::fs::write(path, bytes).unwrap();
}

fn forbidden_value(path: &Path) {
    let sql = "PRAGMA ignore_check_constraints = ON; UPDATE clients SET active = 7 WHERE id = 9";
    plain(path).execute_batch(sql).unwrap();
}

/// A damaged store; where it has a log, then one that a crash has left.
fn damaged(folder: &Path, damage: fn(&Path), has_log: bool) -> PathBuf {
    let whole = folder.join("whole.db");
    let store = ClientStore::open(&whole).unwrap();
    let clients = (0..200).map(|n| NewClient::named(format!("{n}")).details("x".repeat(1_000)));
    store.clients().create_all(clients).unwrap();
    drop(store);
    damage(&whole);
    let path = folder.join("store.db");
    let sql = plain(&whole);
    if has_log {
        sql.execute_batch("UPDATE clients SET details = 'in the log' WHERE id = 1").unwrap();
        std::fs::copy(folder.join("whole.db-wal"), folder.join("store.db-wal")).unwrap();
    }
    std::fs::copy(&whole, &path).unwrap();
    path
}

/// The file and its log; what both processes share of the log is neither.
fn contents(path: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let log = path.with_extension("db-wal");
    [path.to_owned(), log].into_iter().map(|path| (path.clone(), std::fs::read(path).ok())).collect()
}

#[test]
fn a_damaged_file_is_refused_and_left_untouched() {
    for (damage, has_log) in [(damaged_page as fn(&Path), false), (damaged_page, true), (forbidden_value, true)] {
        let folder = tempfile::tempdir().unwrap();
        let path = damaged(folder.path(), damage, has_log);
        let before = contents(&path);
        for read_only in [false, true] {
            let opened = ClientStore::builder().quick_check(true).read_only(read_only).open(&path);
            let error = opened.expect_err("it was opened");
            let Error::Unopened { hint, .. } = &error else { panic!("{error:?}") };
            assert!(hint.starts_with("it is damaged: ") && hint.contains("clientstore check"), "{hint}");
            assert!(contents(&path) == before, "a log: {has_log}, read only: {read_only}");
        }
        assert!(ClientStore::open(&path).is_ok(), "without it, the file is opened");
    }
}

#[test]
fn whole_files_and_new_ones_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    for read_only in [false, false, true] {
        let store = ClientStore::builder().quick_check(true).read_only(read_only).open(&path).unwrap();
        assert_eq!(store.item_categories().list(&Default::default()).unwrap().count(), 3);
    }
}

#[cfg(feature = "cli")]
#[test]
fn every_command_that_reads_a_file_can_look_at_it_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = damaged(folder.path(), damaged_page, false);
    let path = path.to_str().unwrap();
    let document = folder.path().join("clients.xml");
    std::fs::write(&document, "<clients></clients>").unwrap();
    for command in [
        &["dump", path][..],
        &["request", path, "GET", "/account/who_am_i"],
        &["load", path, document.to_str().unwrap()],
        &["serve", path, "--listen", "127.0.0.1:0"],
    ] {
        let output = api::run(&[command, &["--quick-check"][..]].concat(), b"");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
        assert!(said.contains("it is damaged: ") && said.lines().count() == 1, "{command:?}: {said}");
    }
}
