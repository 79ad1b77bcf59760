//! Files that cannot be written: by their permissions, or because they were opened so.

#![cfg(all(target_os = "linux", feature = "cli"))]

mod common;
mod served;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clientstore::{Api, ClientStore, Error, NewClient};
use common::plain;

struct Store {
    directory: tempfile::TempDir,
}

impl Store {
    /// A closed store with one client.
    fn new() -> Self {
        let store = Store { directory: tempfile::tempdir().unwrap() };
        fs::set_permissions(store.directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        ClientStore::open(store.path()).unwrap().clients().create(&NewClient::named("SuprCorp")).unwrap();
        fs::set_permissions(store.path(), fs::Permissions::from_mode(0o644)).unwrap();
        store
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("store.db")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs the program as an account that may write nothing here; none where this account cannot become another.
    fn as_nobody(&self, arguments: &[&str]) -> Option<Output> {
        let program = self.directory.path().join("program");
        if !program.exists() {
            fs::copy(env!("CARGO_BIN_EXE_clientstore"), &program).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let setpriv = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let may = Command::new("setpriv").args(setpriv).arg(&program).arg("--version").output();
        if !may.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: this account cannot become another");
            return None;
        }
        let arguments = arguments.iter().map(|argument| argument.replace("FILE", self.path().to_str().unwrap()));
        Some(Command::new("setpriv").args(setpriv).arg(program).args(arguments).output().unwrap())
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn who_may_not_write_reads_by_every_command_and_leaves_nothing_behind() {
    let store = Store::new();
    let output = store.directory.path().join("out");
    fs::create_dir(&output).unwrap();
    fs::set_permissions(&output, fs::Permissions::from_mode(0o777)).unwrap();
    let copy = output.join("copy.db");
    for arguments in [
        &["dump", "FILE"][..],
        &["check", "FILE"],
        &["request", "FILE", "GET", "/clients"],
        &["backup", "FILE", copy.to_str().unwrap()],
    ] {
        // Who may write to the directory, but not to the file, might leave a log there that keeps the owner out.
        for mode in [0o755, 0o777] {
            fs::set_permissions(store.directory.path(), fs::Permissions::from_mode(mode)).unwrap();
            drop(fs::remove_file(&copy));
            let Some(output) = store.as_nobody(arguments) else { return };
            assert!(output.status.success(), "{arguments:?} {mode:o}: {}", said(&output));
            assert_eq!(store.names(), ["out", "program", "store.db"], "{arguments:?} {mode:o}");
        }
    }
    assert_eq!(ClientStore::open(copy).unwrap().clients().get(1).unwrap().name, "SuprCorp");
}

#[test]
fn who_may_not_write_reads_what_is_in_the_log_of_a_store_that_is_open() {
    let file = Store::new();
    let store = ClientStore::open(file.path()).unwrap();
    store.clients().create(&NewClient::named("Newer")).unwrap();
    for mode in [0o755, 0o777] {
        fs::set_permissions(file.directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        let Some(output) = file.as_nobody(&["request", "FILE", "GET", "/clients/2"]) else { return };
        assert!(said(&output).contains("<name>Newer</name>"), "{}", said(&output));
    }
    store.clients().create(&NewClient::named("Newest")).unwrap();
    drop(store);
    assert_eq!(file.names(), ["program", "store.db"]);
}

#[test]
fn a_log_that_cannot_be_read_is_told_and_a_request_that_writes_is_told_why() {
    let file = Store::new();
    // A crash leaves the log, and a restart of the machine no shared memory.
    let store = ClientStore::open(file.path()).unwrap();
    store.clients().create(&NewClient::named("Newer")).unwrap();
    let log = fs::read(file.directory.path().join("store.db-wal")).unwrap();
    drop(store);
    let Some(output) = file.as_nobody(&["request", "FILE", "DELETE", "/clients/1"]) else { return };
    assert!(!output.status.success());
    assert!(said(&output).contains("can only be read"), "{}", said(&output));
    fs::write(file.directory.path().join("store.db-wal"), log).unwrap();
    let output = file.as_nobody(&["dump", "FILE"]).unwrap();
    assert!(!output.status.success());
    assert!(said(&output).contains("store.db-wal has to be read as well"), "{}", said(&output));
    assert_eq!(file.names(), ["program", "store.db", "store.db-wal"]);
    assert_eq!(ClientStore::open(file.path()).unwrap().clients().get(1).unwrap().name, "SuprCorp");
}

#[test]
fn a_store_that_only_reads_refuses_writes_with_503_and_says_why() {
    let file = Store::new();
    let api = Api::new(ClientStore::builder().read_only(true).open(file.path()).unwrap());
    let request = http::Request::post("/clients").body("<client><name>x</name></client>").unwrap();
    let response = api.handle(request);
    assert_eq!(response.status(), 503);
    assert!(response.headers().get("retry-after").is_none());
    let hint = response.headers()["hint"].to_str().unwrap();
    assert!(hint.ends_with("can only be read: the store was opened for reading only"), "{hint}");
    assert!(matches!(response.extensions().get::<Error>(), Some(Error::ReadOnly { .. })));
    assert_eq!(api.handle(http::Request::get("/clients/1").body("").unwrap()).status(), 200);
}

#[test]
fn a_backup_is_no_more_readable_than_the_store_and_belongs_to_the_same_account() {
    let file = Store::new();
    let copy = file.directory.path().join("copy.db");
    for mode in [0o600, 0o640, 0o644, 0o400] {
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        // Where this account may.
        drop(std::os::unix::fs::chown(file.path(), Some(65534), Some(65534)));
        let store = ClientStore::builder().read_only(true).open(file.path()).unwrap();
        store.backup(&copy, |_| {}).unwrap();
        let (copied, original) = (fs::metadata(&copy).unwrap(), fs::metadata(file.path()).unwrap());
        assert_eq!(copied.mode() & 0o777, mode);
        assert_eq!((copied.uid(), copied.gid()), (original.uid(), original.gid()));
        fs::remove_file(&copy).unwrap();
    }
}

#[test]
fn what_the_administrator_leaves_beside_a_file_belongs_to_the_files_owner() {
    let file = Store::new();
    if std::os::unix::fs::chown(file.path(), Some(65534), Some(65534)).is_err() {
        eprintln!("skipped: this account cannot give a file away");
        return;
    }
    for read_only in [false, true] {
        let _store = ClientStore::builder().read_only(read_only).open(file.path()).unwrap();
        for name in file.names() {
            let owner = fs::metadata(file.directory.path().join(&name)).unwrap().uid();
            assert_eq!(owner, 65534, "{name}, read only: {read_only}");
        }
    }
}

#[test]
fn serve_says_at_the_start_that_it_cannot_write_and_serves_reads_when_told_to() {
    let file = Store::new();
    let Some(output) = file.as_nobody(&["serve", "FILE", "--listen", "127.0.0.1:0"]) else { return };
    assert!(!output.status.success());
    assert!(said(&output).contains("can only be read"), "{}", said(&output));
    assert!(said(&output).contains("--read-only"), "{}", said(&output));
    let served = served::Served::start(&["--read-only", file.path().to_str().unwrap()]);
    assert_eq!(served.send("GET", "/clients/1", "").unwrap().0, 200);
    let (status, _, body) = served.send("POST", "/clients", "<client><name>x</name></client>").unwrap();
    assert_eq!(status, 503);
    assert!(body.contains("The store can only be read."), "{body}");
    served.signal("TERM");
    assert_eq!(file.names(), ["program", "store.db"]);
}

/// Runs a script with a small disk of its own at `$DISK`; none where this account can mount none.
fn on_a_disk(options: &str, script: &str) -> Option<Output> {
    let disk = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o {options} tmpfs \"$DISK\"");
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script]).env("DISK", disk.path());
        command.env("PROGRAM", env!("CARGO_BIN_EXE_clientstore")).output()
    };
    if !run(&mount).is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this account cannot mount a disk");
        return None;
    }
    Some(run(&format!("{mount} && {script}")).unwrap())
}

#[test]
fn a_read_only_disk_is_read_by_every_command() {
    let script = r#"echo '<client><name>SuprCorp</name></client>' | "$PROGRAM" load "$DISK/store.db" - &&
        mount -o remount,ro "$DISK" && "$PROGRAM" dump "$DISK/store.db" && "$PROGRAM" check "$DISK/store.db" &&
        "$PROGRAM" request "$DISK/store.db" GET /clients/1 && ! "$PROGRAM" request "$DISK/store.db" DELETE /clients/1"#;
    let Some(output) = on_a_disk("size=4m", script) else { return };
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output).matches("<name>SuprCorp</name>").count(), 2, "{}", said(&output));
    assert!(said(&output).contains("can only be read"), "{}", said(&output));
}

#[test]
fn a_load_that_finds_the_disk_full_says_so_and_leaves_no_file() {
    for (size, document) in [("16k", 10), ("64k", 10), ("600k", 2_000_000)] {
        let script = format!(
            r#"{{ printf '<client><name>x</name><details>'; head -c {document} /dev/zero | tr '\0' x
            printf '</details></client>'; }} | "$PROGRAM" load "$DISK/store.db" -; ls -A "$DISK""#
        );
        let Some(output) = on_a_disk(&format!("size={size}"), &script) else { return };
        assert!(said(&output).contains("disk is full"), "{size}: {}", said(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{size}: a file is left");
    }
}

/// Something that is no regular file in the place of one that belongs to the store.
fn in_place_of(path: &Path, what: &str) {
    match what {
        "pipe" => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
        "link" => std::os::unix::fs::symlink("elsewhere", path).unwrap(),
        _ => fs::create_dir(path).unwrap(),
    }
}

#[test]
fn whatever_stands_in_the_place_of_a_file_beside_the_store_is_neither_followed_nor_waited_for() {
    for suffix in ["-exclusive", "-wal", "-shm", "-journal"] {
        for what in ["pipe", "link", "directory"] {
            let file = Store::new();
            let beside = file.directory.path().join(format!("store.db{suffix}"));
            in_place_of(&beside, what);
            for exclusive in [false, true] {
                match ClientStore::builder().exclusive(exclusive).open(file.path()) {
                    Err(Error::Unopened { path, .. }) => assert_eq!(path, beside),
                    other => panic!("{suffix} {what}: {other:?}"),
                }
            }
            assert!(!file.directory.path().join("elsewhere").exists(), "{suffix} {what}");
        }
    }
}

#[test]
fn what_stands_in_the_place_of_a_backup_before_an_upgrade_is_left_alone() {
    let file = Store::new();
    let taken = file.directory.path().join("copy.db");
    for what in ["pipe", "link", "directory"] {
        in_place_of(&taken, what);
        let store = ClientStore::open(file.path()).unwrap();
        assert!(matches!(store.backup(&taken, |_| {}), Err(Error::Exists { .. })), "{what}");
        assert!(!file.directory.path().join("elsewhere").exists());
        drop(fs::remove_file(&taken).or_else(|_| fs::remove_dir(&taken)));
    }
}

#[test]
fn nobody_else_can_open_the_file_that_holds_a_stores_claim() {
    let file = Store::new();
    for exclusive in [false, true] {
        let _store = ClientStore::builder().exclusive(exclusive).open(file.path()).unwrap();
        let mode = fs::metadata(file.directory.path().join("store.db-exclusive")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_log_that_a_long_reader_made_large_is_cut_once_the_reader_is_done() {
    let file = Store::new();
    let log = || fs::metadata(file.directory.path().join("store.db-wal")).unwrap().len();
    let store = ClientStore::open(file.path()).unwrap();
    let reader = plain(&file.path());
    reader.execute_batch("BEGIN; SELECT count(*) FROM clients").unwrap();
    let write = |round: usize| {
        let details = (round % 10).to_string().repeat(1 << 20);
        store.clients().update(1, &clientstore::ClientChanges::new().details(&*details)).unwrap();
    };
    (0..12).for_each(write);
    assert!(log() > 10 << 20, "{}", log());
    drop(reader);
    // One brings it into the file, the next begins it anew.
    (0..4).for_each(write);
    assert!(log() < 7 << 20, "{}", log());
}
