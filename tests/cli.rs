//! The command line: `request`, `dump`, `load`, `check` and `backup`.
#![cfg(feature = "cli")]

mod api;
mod common;

use std::path::PathBuf;
use std::process::Output;

use api::{DECLARATION, printed, run};
use clientstore::{ClientStore, NewClient, NewProject};
use tempfile::TempDir;

const CLIENT: &str = "<client><name>SuprCorp</name></client>";

/// What the filled store holds; item categories, tasks and the user are those of each new store.
const FILLED: &str =
    "1 client, 1 project, 3 invoice item categories, 3 tasks, 1 user, 1 user assignment and 4 expense categories";

/// A folder with a store that holds client 1 with project 1.
struct Folder(TempDir);

impl Folder {
    fn empty() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn filled() -> Self {
        let folder = Self::empty();
        let store = ClientStore::open(folder.path("store.db")).unwrap();
        store.clients().create(&NewClient::named("Fish & Chips")).unwrap();
        store.projects().create(&NewProject::of(1, "Website")).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path as an argument.
    fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, content: &str) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.at(name)
    }

    /// The names of the files, those of an open store's log aside.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
        names.sort();
        names
    }
}

#[track_caller]
fn succeeded(output: Output) -> String {
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(0), "".into()));
    String::from_utf8(output.stdout).unwrap()
}

/// A command that failed has said so in one line, and nothing else.
#[track_caller]
fn failed(output: Output, sentence: &str) {
    let (out, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((error.as_str(), out.as_str()), (&*format!("clientstore: {sentence}\n"), ""));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn request_prints_status_headers_and_body_to_the_byte() {
    let folder = Folder::filled();
    let output = succeeded(run(&["request", &folder.at("store.db"), "GET", "/clients/1"], b""));
    let (head, body) = output.split_once("\n\n").unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "HTTP/1.1 200 OK");
    lines.sort_unstable();
    let length = format!("Content-Length: {}", body.len());
    assert_eq!(lines, [&*length, "Content-Type: application/xml; charset=utf-8", "Status: 200 OK"]);
    assert_eq!(
        body,
        "<client>\n  <id type=\"integer\">1</id>\n  <name>Fish &amp; Chips</name>\n  \
         <active type=\"boolean\">true</active>\n  <details></details>\n</client>\n"
    );
}

#[test]
fn request_exits_with_0_for_2xx_and_with_1_otherwise() {
    let folder = Folder::filled();
    for (method, path, status) in [
        ("GET", "/clients", 200),
        ("HEAD", "/clients", 200),
        ("get", "clients/1.xml", 200),
        ("POST", "/clients", 201),
        ("put", "/clients/1", 200),
        ("POST", "/clients/1/toggle", 400),
        ("DELETE", "/clients/1", 400),
        ("GET", "/clients?updated_since=x", 400),
        ("GET", "/clients/9", 404),
        ("PATCH", "/clients", 405),
        ("DELETE", "/projects/1", 200),
        ("DELETE", "/clients/1", 200),
    ] {
        // The exit status is compared where the answer is read.
        let answer = printed(&api::request(&folder.path("store.db"), method, path, CLIENT));
        assert_eq!(answer.status, status, "{method} {path}");
    }
}

#[test]
fn request_writes_header_names_in_title_case() {
    let folder = Folder::filled();
    let output = run(&["request", &folder.at("store.db"), "DELETE", "/clients/1"], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("HTTP/1.1 400 Bad Request\n"), "{text}");
    for name in ["\nHint: Client has projects", "\nContent-Type: ", "\nContent-Length: ", "\nStatus: 400 Bad Request\n"]
    {
        assert!(text.contains(name), "{name} in {text}");
    }
}

#[test]
fn request_takes_its_body_from_a_file_or_standard_input_and_answers_in_a_dialect() {
    let folder = Folder::filled();
    let store = folder.at("store.db");
    let body = folder.write("body.xml", CLIENT);
    let post = |source: &str| run(&["request", &store, "POST", "/clients", "--body", source], CLIENT.as_bytes());
    assert_eq!(printed(&post(&body)).location(), Some("/clients/2"));
    assert_eq!(printed(&post("-")).location(), Some("/clients/3"));
    let live = printed(&run(&["request", &store, "GET", "/clients/3", "--dialect", "live"], b""));
    assert!(live.body.starts_with(&format!("{DECLARATION}<client>\n")), "{}", live.body);
    assert!(live.body.contains("<cache-version type=\"integer\">0</cache-version>"), "{}", live.body);
    let documented = printed(&run(&["request", &store, "GET", "/clients/3", "--dialect", "documented"], b""));
    assert!(documented.body.starts_with("<client>\n"), "{}", documented.body);
}

#[test]
fn request_says_what_is_missing_or_wrong() {
    let folder = Folder::filled();
    let (store, missing, text) =
        (folder.at("store.db"), folder.at("missing.db"), folder.write("text.db", "no database\n"));
    failed(run(&["request", &missing, "GET", "/clients"], b""), &format!("there is no file {missing}"));
    failed(
        run(&["request", &text, "GET", "/clients"], b""),
        &format!("{text} is not a clientstore file (no SQLite database); it was left untouched"),
    );
    let body = folder.at("missing.xml");
    failed(
        run(&["request", &store, "POST", "/clients", "--body", &body], b""),
        &format!("cannot read {body}: No such file or directory (os error 2)"),
    );
    failed(
        run(&["request", &store, "G T", "/clients"], b""),
        "\"G T\" is no HTTP method; use GET, POST, PUT or DELETE",
    );
    failed(
        run(&["request", &store, "GET", "/a b"], b""),
        "\"/a b\" is no path of a request (invalid uri character); percent-encode it",
    );
    assert_eq!(folder.names(), ["store.db", "text.db"]);
    assert_eq!(std::fs::read_to_string(&text).unwrap(), "no database\n");
}

#[test]
fn what_is_no_command_is_a_usage_error() {
    let folder = Folder::filled();
    let store = folder.at("store.db");
    for arguments in [
        &["frobnicate"][..],
        &[],
        &["request", &store],
        &["request", &store, "GET"],
        &["request", &store, "GET", "/clients", "--dialect", "modern"],
        &["dump"],
        &["dump", &store, "clients", "projects"],
        &["load"],
        &["load", &store],
        &["check"],
        &["backup", &store],
    ] {
        let output = run(arguments, b"");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("--help"), "{arguments:?}");
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let commands = ["serve", "request", "dump", "load", "check", "backup", "generate", "health", "completions", "man"];
    for command in commands {
        for arguments in [&[command, "--help"], &["help", command]] {
            let help = succeeded(run(arguments, b""));
            let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{help}"));
            assert!(examples.contains(&format!("  clientstore {command} ")), "{help}");
            assert!(help.contains("exit status"), "{help}");
        }
    }
    let help = succeeded(run(&["--help"], b""));
    assert!(help.contains("Examples:\n  clientstore serve "), "{help}");
    assert!(help.contains("Exit status:\n  0 "), "{help}");
    let serve = succeeded(run(&["serve", "--help"], b""));
    assert!(serve.lines().next().unwrap().contains("old programs need --dialect live"), "{serve}");
    for command in commands {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
    assert_eq!(succeeded(run(&["--version"], b"")), concat!("clientstore ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn dump_and_load_carry_a_store_over_through_files_and_pipes() {
    let folder = Folder::filled();
    let (store, file) = (folder.at("store.db"), folder.at("backup.xml"));
    let document = succeeded(run(&["dump", &store], b""));
    assert!(document.starts_with(&format!("{DECLARATION}<clientstore version=\"1\">\n")), "{document}");
    assert_eq!(succeeded(run(&["dump", &store, "--output", "-"], b"")), document);
    assert_eq!(succeeded(run(&["dump", &store, "--output", &file], b"")), "");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), document);
    for (copy, source) in [(folder.at("a.db"), &*file), (folder.at("b.db"), "-")] {
        let output = run(&["load", &copy, source], document.as_bytes());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("loaded {FILLED} into {copy}\n"));
        assert_eq!(succeeded(run(&["dump", &copy], b"")), document);
    }
}

#[test]
fn dump_writes_one_list_as_the_api_would() {
    let folder = Folder::filled();
    let store = folder.at("store.db");
    for list in ["clients", "projects", "invoices"] {
        let path = format!("/{list}");
        let answer = printed(&run(&["request", &store, "GET", &path, "--dialect", "live"], b""));
        assert_eq!(succeeded(run(&["dump", &store, list], b"")), answer.body, "{list}");
        let file = folder.at(list);
        assert_eq!(succeeded(run(&["dump", &store, list, "-o", &file], b"")), "");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), answer.body, "{list}");
    }
}

#[cfg(unix)]
#[test]
fn a_dump_can_be_read_by_nobody_else_and_no_more_than_the_store() {
    use std::os::unix::fs::PermissionsExt;

    for (store, dumped) in [(0o666, 0o600), (0o640, 0o600), (0o400, 0o400)] {
        let folder = Folder::filled();
        let permissions = std::fs::Permissions::from_mode(store);
        std::fs::set_permissions(folder.path("store.db"), permissions).unwrap();
        succeeded(run(&["dump", &folder.at("store.db"), "--output", &folder.at("all.xml")], b""));
        let mode = std::fs::metadata(folder.path("all.xml")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, dumped, "{store:o}: {mode:o}");
    }
}

#[test]
fn a_directorys_name_is_no_stores() {
    let folder = Folder::filled();
    let document = folder.write("client.xml", CLIENT);
    let trail = folder.at("trail/");
    let no_store =
        format!("cannot open {trail}: the path ends in a slash, as a directory's does; give the name of a file");
    failed(run(&["load", &trail, &document], b""), &no_store);
    failed(run(&["serve", &trail], b""), &no_store);
    failed(run(&["request", &trail, "GET", "/clients"], b""), &no_store);
    failed(run(&["backup", &folder.at("store.db"), &trail], b""), &no_store);
    failed(run(&["generate", &trail], b""), &format!("{trail} is a directory's name; name a new file"));
    assert_eq!(folder.names(), ["client.xml", "store.db"]);
}

#[test]
fn request_answers_for_the_account_that_is_given() {
    let folder = Folder::filled();
    let store = folder.at("store.db");
    let whose = |arguments: &[&str]| {
        let request = [&["request", &store, "GET", "/account/who_am_i", "--dialect", "live"], arguments].concat();
        run(&request, b"")
    };
    let told = succeeded(whose(&[
        "--company=Muster & Co",
        "--domain=muster.example.com",
        "--base-uri=http://localhost:7557",
        "--decimal-symbol=,",
        "--time-format=hours_minutes",
        "--clock=24h",
        "--week-start-day=sunday",
        "--administrator=Eva Maria Muster",
        "--email=eva@example.com",
    ]));
    for element in [
        "<name>Muster &amp; Co</name>",
        "<full-domain>muster.example.com</full-domain>",
        "<base-uri>http://localhost:7557</base-uri>",
        "<decimal-symbol>,</decimal-symbol>",
        "<thousands-separator>.</thousands-separator>",
        "<time-format>hours_minutes</time-format>",
        "<clock>24h</clock>",
        "<week-start-day>Sunday</week-start-day>",
        // The file was made for another administrator.
        "<first-name>Admin</first-name>",
        "<last-name>User</last-name>",
        "<email>admin@example.com</email>",
    ] {
        assert!(told.contains(element), "{element}: {told}");
    }
    let told = succeeded(whose(&["--thousands-separator= "]));
    assert!(told.contains("<thousands-separator> </thousands-separator>"), "{told}");
    for (wrong, said) in [
        (&["--clock=13h"][..], "expected 12h or 24h"),
        (&["--time-format=x"], "expected decimal or hours_minutes"),
        (&["--week-start-day=Friday"], "expected Saturday, Sunday or Monday"),
        (&["--administrator=Eva"], "give a first and a last name"),
        (&["--thousands-separator=."], "--decimal-symbol and --thousands-separator must differ"),
    ] {
        let output = whose(wrong);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.contains(said), "{wrong:?}: {error}");
    }
}

#[test]
fn a_decimal_comma_of_the_account_is_read_in_lines() {
    let folder = Folder::filled();
    let store = folder.at("store.db");
    let lines =
        "kind,description,quantity,unit_price,amount,taxed,taxed2,project_id\nService,Work,2,\"1,50\",3,false,false,\n";
    let invoice = format!("<invoice><client-id>1</client-id><csv-line-items>{lines}</csv-line-items></invoice>");
    let request = ["request", &store, "POST", "/invoices", "--body", "-"];
    assert_eq!(run(&request, invoice.as_bytes()).status.code(), Some(1));
    succeeded(run(&[&request[..], &["--decimal-symbol", ","]].concat(), invoice.as_bytes()));
}

#[test]
fn dump_never_writes_over_a_file() {
    let folder = Folder::filled();
    let (store, file) = (folder.at("store.db"), folder.write("backup.xml", "precious"));
    let there = |file: &str| format!("{file} is there already; name another, or move it away first");
    failed(run(&["dump", &store, "--output", &file], b""), &there(&file));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    failed(run(&["dump", &store, "--output", &store], b""), &there(&store));
    assert_eq!(ClientStore::open(&store).unwrap().clients().get(1).unwrap().name, "Fish & Chips");
}

#[test]
fn dump_says_what_is_missing_or_wrong_and_leaves_no_file() {
    let folder = Folder::filled();
    let (store, missing, file) = (folder.at("store.db"), folder.at("missing.db"), folder.at("out.xml"));
    failed(run(&["dump", &missing], b""), &format!("there is no file {missing}"));
    failed(run(&["dump", &missing, "-o", &file], b""), &format!("there is no file {missing}"));
    let lists = "list must be one of clients, projects, invoices, invoice-line-items, invoice-message, payments, \
                 invoice-item-categories, tasks, users, contacts, task-assignments, user-assignments, \
                 day-entries, expense-categories, expenses";
    failed(run(&["dump", &store, "people"], b""), lists);
    failed(run(&["dump", &store, "people", "-o", &file], b""), &format!("cannot write {file}: {lists}"));
    let nowhere = folder.at("nowhere/out.xml");
    failed(
        run(&["dump", &store, "-o", &nowhere], b""),
        &format!("cannot write {nowhere}: there is no directory {}; make it first", folder.at("nowhere")),
    );
    assert_eq!(folder.names(), ["store.db"]);
}

#[test]
fn a_dump_that_fails_half_way_leaves_no_file() {
    let folder = Folder::filled();
    let (store, file) = (folder.at("store.db"), folder.at("out.xml"));
    common::plain(&folder.path("store.db"))
        .execute_batch("PRAGMA ignore_check_constraints = ON; UPDATE clients SET name = CAST(x'FF' AS TEXT)")
        .unwrap();
    let output = run(&["dump", &store, "-o", &file], b"");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let error = String::from_utf8(output.stderr).unwrap();
    let expected = format!("clientstore: cannot write {file}: the store is damaged: clients 1: name is not UTF-8");
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert_eq!(folder.names(), ["store.db"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let folder = Folder::filled();
    let full = std::process::Command::new(env!("CARGO_BIN_EXE_clientstore"))
        .args(["dump", &folder.at("store.db")])
        .stdout(std::fs::File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8(full.stderr).unwrap();
    assert_eq!(said, "clientstore: cannot write to standard output: No space left on device (os error 28)\n");
    assert_eq!(full.status.code(), Some(1));
}

/// What a command gives whose output nobody reads to its end.
#[cfg(unix)]
fn unread(arguments: &[&str]) -> (Option<i32>, String) {
    use std::process::{Command, Stdio};
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_clientstore"));
    let output = command.args(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
#[cfg(unix)]
fn a_reader_that_has_enough_ends_a_command_quietly() {
    let folder = Folder::filled();
    let store = folder.at("store.db");
    for arguments in [
        &["dump", &store][..],
        &["dump", &store, "clients"],
        &["request", &store, "GET", "/clients"],
        &["check", &store],
    ] {
        assert_eq!(unread(arguments), (Some(141), String::new()), "{arguments:?}");
    }
}

#[test]
fn one_record_is_one_record() {
    let folder = Folder::empty();
    let (store, document) = (folder.at("store.db"), folder.write("client.xml", CLIENT));
    let output = run(&["load", &store, &document], b"");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("loaded 1 client into {store}\n"));
}

#[test]
fn load_takes_lists_in_any_order() {
    let folder = Folder::filled();
    let store = folder.at("store.db");
    let lists = ["user-assignments", "projects", "clients"]
        .map(|list| folder.write(list, &succeeded(run(&["dump", &store, list], b""))));
    let copy = folder.at("copy.db");
    let output = run(&["load", &copy, &lists[0], &lists[1], &lists[2]], b"");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!("loaded 1 client, 1 project and 1 user assignment into {copy}\n")
    );
    assert_eq!(succeeded(run(&["dump", &copy], b"")), succeeded(run(&["dump", &store], b"")));
}

#[test]
fn load_says_what_is_wrong_with_a_document_and_loads_nothing() {
    let folder = Folder::filled();
    let store = folder.at("store.db");
    let before = succeeded(run(&["dump", &store], b""));
    let bad = folder
        .write("bad.xml", "<clients>\n<client><name>Good</name></client>\n<client><name/></client>\n</clients>\n");
    failed(run(&["load", &store, &bad], b""), &format!("{bad}: line 3: name is required and cannot be blank"));
    failed(
        run(&["load", &store, "-"], b"<clients>\n<client>"),
        "standard input: line 2: the document ends before its elements do",
    );
    failed(
        run(&["load", &store, "-"], before.as_bytes()),
        "standard input: line 21: The id is taken: 1 client; load into an empty store, or give the record another id",
    );
    let missing = folder.at("missing.xml");
    failed(
        run(&["load", &store, &bad, &missing], b""),
        &format!("cannot read {missing}: No such file or directory (os error 2)"),
    );
    failed(
        run(&["load", &bad, "-"], b"<clients/>"),
        &format!("{bad} is not a clientstore file (no SQLite database); it was left untouched"),
    );
    assert_eq!(succeeded(run(&["dump", &store], b"")), before);
}

#[test]
fn load_makes_no_store_for_a_document_that_is_not_there() {
    let folder = Folder::empty();
    let output = run(&["load", &folder.at("new.db"), &folder.at("missing.xml")], b"");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn load_that_fails_leaves_no_new_store_behind() {
    let folder = Folder::empty();
    let bad =
        folder.write("bad.xml", "<clients>\n<client><name>Good</name></client>\n<client><name/></client>\n</clients>");
    let new = folder.at("new.db");
    failed(run(&["load", &new, &bad], b""), &format!("{bad}: line 3: name is required and cannot be blank"));
    assert_eq!(folder.names(), ["bad.xml"]);
    // One that was there stays, though it is empty.
    std::fs::write(folder.path("old.db"), "").unwrap();
    assert_eq!(run(&["load", &folder.at("old.db"), &bad], b"").status.code(), Some(1));
    assert_eq!(folder.names(), ["bad.xml", "old.db"]);
}

#[test]
fn load_names_the_file_that_it_cannot_read_or_open() {
    let folder = Folder::filled();
    let (store, inner, nowhere) = (folder.at("store.db"), folder.at("inner"), folder.at("nowhere"));
    std::fs::create_dir(&inner).unwrap();
    let sentence = format!("cannot read {inner}: it is a directory; name the documents in it");
    failed(run(&["load", &store, &inner], b""), &sentence);
    let sentence = format!("cannot open {nowhere}/new.db: there is no directory {nowhere}; make it first");
    failed(run(&["load", &format!("{nowhere}/new.db"), "-"], b"<clients/>"), &sentence);
    std::fs::File::options().write(true).open(&store).unwrap().set_len(4096).unwrap();
    let sentence = format!(
        "cannot open {store}: it is damaged: database disk image is malformed; clientstore check {store} says where, \
         a backup brings it back"
    );
    failed(run(&["load", &store, "-"], b"<clients/>"), &sentence);
    failed(run(&["dump", &store], b""), &sentence);
}

/// The exit status of a check, and the lines it prints.
fn check(file: &str) -> (Option<i32>, Vec<String>) {
    let output = run(&["check", file], b"");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code(), String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn check_exits_with_0_for_a_whole_file_and_leaves_it_alone() {
    let folder = Folder::filled();
    let store = folder.at("store.db");
    let before = std::fs::read(&store).unwrap();
    assert_eq!(check(&store), (Some(0), vec![format!("{store} is whole: {FILLED} checked")]));
    assert!(std::fs::read(&store).unwrap() == before);
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 1);
}

#[test]
fn check_exits_with_1_for_findings_and_prints_a_line_each_up_to_a_hundred_of_a_problem() {
    let folder = Folder::filled();
    let store = folder.at("store.db");
    ClientStore::open(&store).unwrap().clients().create_all((0..149).map(|_| NewClient::named("x"))).unwrap();
    common::plain(&folder.path("store.db"))
        .execute_batch("UPDATE clients SET created_at = '2011-02-31T00:00:00Z'; DROP INDEX projects_active")
        .unwrap();
    let counted = "150 clients, 1 project, 3 invoice item categories, 3 tasks, 1 user, 1 user assignment and 4 expense categories";
    let (status, lines) = check(&store);
    assert_eq!((status, lines.len()), (Some(1), 1 + 100 + 1 + 1 + 1));
    assert_eq!(lines[0], "altered schema: the index projects_active is missing");
    let malformed = "created_at \"2011-02-31T00:00:00Z\" is not a datetime, like 2011-03-31T10:00:00Z";
    assert_eq!(lines[1], format!("malformed value: clients 1: {malformed}"));
    assert_eq!(lines[101], "malformed value: and 50 more");
    assert_eq!(lines[102], format!("{store}: 151 findings, {counted} checked; see clientstore check --help"));
    assert_eq!(lines[103], "because of the altered schema, not all of it could be checked");
}

#[test]
fn check_exits_with_2_for_what_cannot_be_checked() {
    let folder = Folder::filled();
    let (missing, text) = (folder.at("missing.db"), folder.write("text.db", "no database\n"));
    for (file, sentence) in [
        (&missing, format!("there is no file {missing}")),
        (&text, format!("{text} is not a clientstore file (no SQLite database); it was left untouched")),
    ] {
        let output = run(&["check", file], b"");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("clientstore: {sentence}\n"));
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    }
    assert_eq!(folder.names(), ["store.db", "text.db"]);
}

#[test]
fn a_file_without_a_trigger_is_served_by_nobody_and_dumped_all_the_same() {
    let folder = Folder::filled();
    let store = folder.at("store.db");
    let whole = succeeded(run(&["dump", &store], b""));
    common::plain(&folder.path("store.db")).execute_batch("DROP TRIGGER clients_deleted").unwrap();
    let sentence = format!(
        "{store}: the trigger clients_deleted is missing; `clientstore check` lists all that is wrong, `clientstore \
         dump` still reads it. The file was left untouched"
    );
    for arguments in [&["serve", &store][..], &["request", &store, "GET", "/clients"], &["load", &store, "-"]] {
        failed(run(arguments, b"<clients/>"), &sentence);
    }
    let document = succeeded(run(&["dump", &store], b""));
    assert_eq!(document, whole);
    let new = folder.at("new.db");
    assert_eq!(run(&["load", &new, "-"], document.as_bytes()).status.code(), Some(0));
    assert_eq!(check(&new).0, Some(0));
}

#[test]
fn backup_copies_a_store_and_says_how_much() {
    let folder = Folder::filled();
    let (store, copy) = (folder.at("store.db"), folder.at("backup.db"));
    let whole = succeeded(run(&["dump", &store], b""));
    let output = run(&["backup", &store, &copy], b"");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("backed up {FILLED} to {copy}\n"));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert_eq!(succeeded(run(&["dump", &copy], b"")), whole);
    failed(
        run(&["backup", &store, &copy], b""),
        &format!("{copy} is there already; name another, or move it away first"),
    );
    let missing = folder.at("missing.db");
    failed(run(&["backup", &missing, &folder.at("x.db")], b""), &format!("there is no file {missing}"));
    assert_eq!(folder.names(), ["backup.db", "store.db"]);
}

#[test]
fn backup_tells_what_is_wrong_with_the_store_that_it_copied() {
    let folder = Folder::filled();
    let (store, copy) = (folder.at("store.db"), folder.at("backup.db"));
    common::plain(&folder.path("store.db")).execute_batch("DROP TRIGGER clients_deleted").unwrap();
    let output = run(&["backup", &store, &copy], b"");
    let said = format!(
        "altered schema: the trigger clients_deleted is missing\nclientstore: {copy} is a copy of the store, with its 1 \
         finding; see clientstore check --help\n"
    );
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(1), said));
    assert_eq!(folder.names(), ["backup.db", "store.db"]);
}

#[test]
fn backup_killed_at_any_moment_leaves_a_whole_copy_or_none_of_its_name() {
    let folder = Folder::filled();
    let (store, copy) = (folder.at("store.db"), folder.path("backup.db"));
    let client = || NewClient::named("x").details("y".repeat(4000));
    ClientStore::open(&store).unwrap().clients().create_all((0..3000).map(|_| client())).unwrap();
    let mut whole = 0;
    for round in 0..20 {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_clientstore"))
            .args(["backup", &store])
            .arg(&copy)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(round * 15));
        child.kill().unwrap();
        child.wait().unwrap();
        if copy.exists() {
            assert!(ClientStore::check_file(&copy, |_| {}).unwrap().is_clean());
            std::fs::remove_file(&copy).unwrap();
            whole += 1;
        }
    }
    assert!(whole < 20, "none was killed half-way");
    assert!(ClientStore::check_file(&store, |_| {}).unwrap().is_clean());
}
