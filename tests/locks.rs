//! What busy readers hold of a file, how long, and what a file is that a store has declared its own.

mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clientstore::{Builder, ClientChanges, ClientStore, Durability, Error, NewClient};
use common::plain;

fn builder() -> Builder {
    ClientStore::builder().durability(Durability::Off).busy_timeout(Duration::from_secs(60))
}

/// A file with one client.
fn file() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    builder().open(&path).unwrap().clients().create(&NewClient::named("0")).unwrap();
    (directory, path)
}

fn name(store: &ClientStore) -> String {
    store.clients().get(1).unwrap().name
}

/// Reads so often that the store takes it for busy.
fn read_busily(store: &ClientStore) {
    for _ in 0..100 {
        name(store);
    }
}

fn rename(connection: &rusqlite::Connection, to: &str) -> rusqlite::Result<usize> {
    connection.execute("UPDATE clients SET name = ?1", [to])
}

/// The length of the write-ahead log, in bytes.
fn log(path: &Path) -> u64 {
    std::fs::metadata(path.with_file_name("store.db-wal")).map_or(0, |log| log.len())
}

/// The threads of this process that hold a read mark.
#[cfg(target_os = "linux")]
fn mark_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| "clientstore read mark".starts_with(name.trim()) && name.len() > 12).count()
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < patience, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_busy_reader_sees_what_another_connection_has_just_committed() {
    let (_directory, path) = file();
    let store = builder().open(&path).unwrap();
    let other = plain(&path);
    for round in 0..500 {
        for _ in 0..round % 40 {
            name(&store);
        }
        let to = format!("round {round}");
        rename(&other, &to).unwrap();
        assert_eq!(name(&store), to);
    }
}

#[test]
fn a_busy_reader_sees_what_its_own_store_has_just_written() {
    let (_directory, path) = file();
    for exclusive in [false, true] {
        let store = builder().exclusive(exclusive).open(&path).unwrap();
        for round in 0..500 {
            for _ in 0..round % 40 {
                name(&store);
            }
            let to = format!("round {round}");
            store.clients().update(1, &ClientChanges::default().name(&to)).unwrap();
            assert_eq!(name(&store), to);
            assert_eq!(store.clients().list(&Default::default()).unwrap().next().unwrap().unwrap().name, to);
        }
    }
}

#[test]
fn busy_readers_hold_back_no_checkpoint_for_long() {
    for exclusive in [false, true] {
        let (_directory, path) = file();
        let store = builder().exclusive(exclusive).open(&path).unwrap();
        let done = AtomicBool::new(false);
        let mut longest = 0;
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    name(&store);
                }
            });
            // 24 MB of log, where nothing of it is used again.
            for round in 0..24 {
                let details = format!("{round}").repeat(10_000);
                for _ in 0..50 {
                    store.clients().update(1, &ClientChanges::default().details(&*details)).unwrap();
                }
                longest = longest.max(log(&path));
            }
            done.store(true, Ordering::Relaxed);
        });
        // It is due at 4 MB, and at every 32nd commit.
        assert!((1..16 << 20).contains(&longest), "exclusive {exclusive}: {longest} bytes");
    }
}

#[test]
fn idle_readers_hold_back_no_checkpoint() {
    for exclusive in [false, true] {
        let (_directory, path) = file();
        let store = builder().exclusive(exclusive).open(&path).unwrap();
        // Three readers at once, which nobody needs afterwards.
        let lists = [(); 3].map(|()| store.clients().list(&Default::default()).unwrap());
        lists.into_iter().for_each(|list| assert_eq!(list.count(), 1));
        let details = "x".repeat(10_000);
        for _ in 0..1_000 {
            store.clients().update(1, &ClientChanges::default().details(&*details)).unwrap();
        }
        // 8 MB of log, where nothing of it is used again. It is due at 4 MB.
        let log = log(&path);
        assert!((1..6 << 20).contains(&log), "exclusive {exclusive}: {log} bytes");
    }
}

#[test]
fn readers_that_have_fallen_silent_hold_nothing() {
    let (_directory, path) = file();
    let store = builder().open(&path).unwrap();
    let other = plain(&path);
    other.busy_timeout(Duration::ZERO).unwrap();
    for round in 0..3 {
        read_busily(&store);
        rename(&other, &format!("round {round}")).unwrap();
        wait_until("the log can be emptied", || {
            let busy: i64 = other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
            busy == 0
        });
        assert_eq!(log(&path), 0);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_store_that_is_closed_leaves_no_thread_and_no_log() {
    let (_directory, path) = file();
    for _ in 0..20 {
        let store = builder().open(&path).unwrap();
        store.clients().create(&NewClient::named("new")).unwrap();
        read_busily(&store);
        drop(store);
        assert_eq!(log(&path), 0);
        assert!(!path.with_file_name("store.db-shm").exists());
    }
    // Other tests of this process have their own for a while.
    wait_until("no thread is left", || mark_threads() == 0);
}

#[test]
fn a_file_that_a_store_declares_its_own_is_refused_to_every_other_that_writes() {
    let (directory, path) = file();
    let store = builder().exclusive(true).open(&path).unwrap();
    for exclusive in [false, true] {
        match builder().exclusive(exclusive).open(&path) {
            Err(error @ Error::Exclusive { .. }) => assert_eq!(
                error.to_string(),
                format!(
                    "{} is open in a program that declared it its own; close it there, or go through that program",
                    path.display()
                )
            ),
            other => panic!("{other:?}"),
        }
    }
    // Who only reads may.
    assert_eq!(name(&builder().read_only(true).open(&path).unwrap()), "0");
    assert!(ClientStore::check_file(&path, |_| {}).unwrap().is_clean());
    store.clients().create(&NewClient::named("written")).unwrap();
    drop(store);
    assert!(!directory.path().join("store.db-exclusive").exists());
    let store = builder().open(&path).unwrap();
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 2);
}

#[test]
fn nobody_writes_to_a_file_that_a_store_declared_its_own() {
    let (_directory, path) = file();
    let store = builder().exclusive(true).open(&path).unwrap();
    let other = plain(&path);
    other.busy_timeout(Duration::ZERO).unwrap();
    let refused = || {
        let refused = rename(&other, "by another").unwrap_err();
        assert_eq!(refused.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy));
    };
    refused();
    store.clients().update(1, &ClientChanges::default().name("its own")).unwrap();
    refused();
    let failed: Result<(), _> = store.transaction(|tx| {
        tx.clients().create(&NewClient::named("gone"))?;
        tx.clients().delete(7)
    });
    assert!(matches!(failed, Err(Error::NotFound { .. })));
    refused();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.transaction(|tx| -> Result<(), Error> {
            tx.clients().create(&NewClient::named("gone as well")).unwrap();
            panic!("on purpose")
        })
    }));
    assert!(panicked.is_err());
    refused();
    assert_eq!(
        other.query_row("SELECT group_concat(name) FROM clients", [], |row| row.get(0)),
        Ok("its own".to_owned())
    );
    drop(store);
    rename(&other, "by another").unwrap();
}

#[test]
fn a_claim_that_a_crash_has_left_keeps_nobody_out() {
    let (_directory, path) = file();
    std::fs::write(path.with_file_name("store.db-exclusive"), "").unwrap();
    for exclusive in [false, true] {
        assert_eq!(name(&builder().exclusive(exclusive).open(&path).unwrap()), "0");
    }
}

#[test]
fn a_store_that_only_reads_claims_nothing() {
    let (_directory, path) = file();
    let reading = builder().read_only(true).exclusive(true).open(&path).unwrap();
    let store = builder().open(&path).unwrap();
    store.clients().update(1, &ClientChanges::default().name("seen")).unwrap();
    assert_eq!(name(&reading), "seen");
}

#[test]
fn a_file_that_somebody_writes_cannot_be_declared_ones_own_meanwhile() {
    let (directory, path) = file();
    let other = plain(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = builder().busy_timeout(Duration::from_millis(20)).exclusive(true).open(&path);
    assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
    other.execute_batch("COMMIT").unwrap();
    assert!(!directory.path().join("store.db-exclusive").exists());
    builder().exclusive(true).open(&path).unwrap();
}
