//! The example `terminal`, driven in tmux as by a person: keys are sent, and what stands on the screen is read.
//!
//! `cargo test` builds the example; `cargo test --test terminal` alone takes the one that `cargo build --example terminal` made.

#![cfg(unix)]

mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clientstore::{ClientStore, Error, NewClient, NewProject};

/// Longer than any machine takes.
const LONG: Duration = Duration::from_secs(60);
const WIDE: (u16, u16) = (120, 24);

fn tmux_is_there() -> bool {
    tools::is_there("the test of the example `terminal`", "tmux", &["tmux", "-V"])
}

/// The example's program, beside this one. One that is older than its source is not what is to be tested.
fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let program = here.parent().unwrap().with_file_name("examples").join("terminal");
    let made = fs::metadata(&program).and_then(|it| it.modified()).ok();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/terminal");
    let written = fs::read_dir(source).unwrap().map(|file| file.unwrap().metadata().unwrap().modified().unwrap()).max();
    assert!(made >= written, "{} is missing or old: cargo build --example terminal", program.display());
    program
}

/// The app in a terminal of its own, with a tmux of its own.
struct Screen {
    socket: PathBuf,
}

impl Screen {
    fn start(folder: &Path, name: &str, store: &Path, (width, height): (u16, u16)) -> Screen {
        let screen = Screen { socket: folder.join(format!("{name}.tmux")) };
        let (width, height) = (width.to_string(), height.to_string());
        // What stands on the terminal before and after the app, and for as long as anybody looks.
        let script = "echo before; \"$0\" \"$1\"; echo \"ended with $?\"; exec sleep 600";
        let program = program();
        screen.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &width, "-y", &height, "-c"], |command| {
            command.arg(folder).args(["sh", "-c", script]).arg(program).arg(store);
        });
        screen
    }

    fn tmux(&self, arguments: &[&str], more: impl FnOnce(&mut Command)) -> String {
        let mut command = Command::new("tmux");
        command.arg("-u").arg("-S").arg(&self.socket).args(arguments).env_remove("TMUX").env("TERM", "xterm-256color");
        more(&mut command);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p"], |_| {})
    }

    /// Presses keys, by tmux's names for them.
    fn press(&self, keys: &[&str]) -> &Self {
        self.tmux(&["send-keys"], |command| _ = command.args(keys));
        self
    }

    fn types(&self, text: &str) -> &Self {
        self.tmux(&["send-keys", "-l", text], |_| {});
        self
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> &Self {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if holds(&text) {
                return self;
            }
            assert!(begun.elapsed() < LONG, "the screen should show {what}:\n{text}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn shows(&self, expected: &str) -> &Self {
        self.until(expected, |text| text.contains(expected))
    }

    #[track_caller]
    fn shows_no(&self, unexpected: &str) -> &Self {
        self.until(&format!("no {unexpected:?}"), |text| !text.contains(unexpected))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        Command::new("tmux").arg("-S").arg(&self.socket).arg("kill-server").output().ok();
    }
}

/// A folder, and in it a store with three clients, of which the first has an active project. The app lists the second last.
fn store() -> (tempfile::TempDir, PathBuf, ClientStore) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = ClientStore::open(&path).unwrap();
    store.clients().create_all(["Alder & Sons", "Łódź Film", "SuprCorp"].map(NewClient::named)).unwrap();
    store.projects().create(&NewProject::of(1, "Website")).unwrap();
    (folder, path, store)
}

fn names(store: &ClientStore) -> Vec<String> {
    store.clients().list(&Default::default()).unwrap().map(|client| client.unwrap().name).collect()
}

#[test]
fn a_client_that_is_typed_into_a_new_file_is_seen_and_kept() {
    if !tmux_is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let screen = Screen::start(folder.path(), "one", &path, WIDE);
    screen.shows("0 clients").press(&["n"]).shows("Name of the new client");
    screen.press(&["Enter"]).shows("The name ").types("Łódź").press(&["Tab"]).types("12 Side St.").press(&["Enter"]);
    screen.types("Boston").press(&["C-s"]).shows("Added Łódź.").shows("1 client").shows("> Łódź");
    screen.shows("12 Side St.").shows("Boston");
    let client = ClientStore::open(&path).unwrap().clients().get(1).unwrap();
    assert_eq!((client.name.as_str(), client.details.as_str()), ("Łódź", "12 Side St.\nBoston"));
    screen.press(&["q"]).shows("ended with 0").shows("before").shows_no("Łódź");
    assert_eq!(screen.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"], |_| {}), "0 1\n");
}

#[test]
fn a_search_narrows_the_list_with_each_key() {
    if !tmux_is_there() {
        return;
    }
    let (folder, path, _store) = store();
    let screen = Screen::start(folder.path(), "one", &path, WIDE);
    screen.shows("3 clients").press(&["/"]).shows("Search:").types("s").shows("2 clients with “s”");
    screen.shows_no("Łódź Film").types("upr").shows("1 client with “supr”").shows("> SuprCorp").shows_no("Alder");
    screen.press(&["Enter"]).shows_no("Search:").shows("1 client with “supr”");
    screen.press(&["Escape"]).shows("3 clients").shows("Łódź Film").shows("> SuprCorp");
}

#[test]
fn an_edit_is_undone_and_done_again() {
    if !tmux_is_there() {
        return;
    }
    let (folder, path, store) = store();
    let screen = Screen::start(folder.path(), "one", &path, WIDE);
    screen.shows("> Alder & Sons").press(&["u"]).shows("There is nothing to undo.");
    screen.press(&["Down", "Down", "e"]).shows("Name of client 2").types(" AG").press(&["Home", "Delete"]).types("L");
    screen.press(&["Tab"]).types("Lodz").press(&["C-s"]).shows("Saved Lódź Film AG.").shows("> Lódź Film AG");
    let client = store.clients().get(2).unwrap();
    assert_eq!((client.name.as_str(), client.details.as_str()), ("Lódź Film AG", "Lodz"));
    screen.press(&["u"]).shows("Undone.").shows("> Łódź Film").shows_no("AG");
    screen.press(&["r"]).shows("Done again.").shows("> Lódź Film AG");
    screen.press(&["d"]).shows("Deleted Lódź Film AG.").shows("2 clients").press(&["u"]).shows("3 clients");
    assert_eq!(names(&store), ["Alder & Sons", "Lódź Film AG", "SuprCorp"]);
}

#[test]
fn a_change_that_a_rule_refuses_is_told_in_words() {
    if !tmux_is_there() {
        return;
    }
    let (folder, path, store) = store();
    let screen = Screen::start(folder.path(), "one", &path, WIDE);
    screen.shows("> Alder & Sons").shows("1 active project");
    screen.press(&["t"]).shows("The client stays active: it has 1 active project.");
    screen.press(&["d"]).shows("The client cannot be deleted: it has 1 project.");
    store.projects().toggle(1).unwrap();
    screen.shows("0 active projects").press(&["t"]).shows("Alder & Sons is inactive now.");
    screen.shows("Alder & Sons (inactive)").press(&["t"]).shows("Alder & Sons is active now.").shows_no("(inactive)");
}

#[test]
fn an_export_is_imported_into_another_file_and_a_list_updates_what_is_there() {
    if !tmux_is_there() {
        return;
    }
    let (folder, path, store) = store();
    let screen = Screen::start(folder.path(), "one", &path, WIDE);
    screen.shows("3 clients").press(&["x"]).shows("Export to a new file:").types("all.xml").press(&["Enter"]);
    screen.shows("to all.xml.").press(&["x"]).types("all.xml").press(&["Enter"]).shows("all.xml cannot be made");
    screen.press(&["Escape"]).shows_no("Export to");

    let copy = folder.path().join("copy.db");
    let other = Screen::start(folder.path(), "other", &copy, WIDE);
    other.shows("0 clients").press(&["i"]).types("none.xml").press(&["Enter"]).shows("none.xml cannot be read");
    other.press(&["Escape"]).shows_no("Import").press(&["i"]).types("all.xml").press(&["Enter"]);
    other.shows("3 clients, 1 project").shows("> Alder & Sons").shows("1 active project");
    assert_eq!(names(&ClientStore::open(&copy).unwrap()), names(&store));

    let list =
        "<clients><client><id>2</id><name>Film AG</name></client><client><name>Newcomer</name></client></clients>";
    fs::write(folder.path().join("list.xml"), list).unwrap();
    fs::write(folder.path().join("broken.xml"), list.replace("Newcomer", " ")).unwrap();
    screen.press(&["i"]).types("broken.xml").press(&["Enter"]).shows("broken.xml: line 1: name").shows("3 clients");
    screen.press(&["Escape"]).shows_no("Import").press(&["i"]).types("list.xml").press(&["Enter"]);
    screen.shows("Imported 2 clients from list.xml.").shows("4 clients").shows("Film AG").shows_no("Łódź Film");
    screen.press(&["u"]).shows("3 clients").shows("Łódź Film");
}

#[test]
fn two_apps_on_one_file_see_each_others_changes() {
    if !tmux_is_there() {
        return;
    }
    let (folder, path, store) = store();
    let one = Screen::start(folder.path(), "one", &path, WIDE);
    let other = Screen::start(folder.path(), "other", &path, WIDE);
    one.shows("3 clients");
    other.shows("3 clients").press(&["Down", "Down"]).shows("> Łódź Film");
    one.press(&["n"]).shows("Name of the new client").types("Bosch").press(&["Enter"]).shows("> Bosch");
    other.shows("4 clients").shows("Bosch").shows("> Łódź Film");
    other.press(&["e"]).shows("Name of client 2").types(" AG").press(&["Enter"]).shows("Saved Łódź Film AG.");
    one.shows("Łódź Film AG").shows("> Bosch").press(&["Down", "Down", "d"]).shows("Deleted Łódź Film AG.");
    other.shows("3 clients").press(&["u"]).shows("Somebody else has");

    // How long it takes from a program's commit to the other's screen; printed, since it depends on the machine.
    let mut longest = Duration::ZERO;
    for number in 0..20 {
        let name = format!("Timed {number};");
        let begun = Instant::now();
        store.clients().create(&NewClient::named(&name)).unwrap();
        one.shows(&format!("{} clients", 4 + number));
        longest = longest.max(begun.elapsed());
    }
    println!("a commit was on the other's screen after at most {longest:?}");
}

#[test]
fn a_terminal_that_is_narrow_or_resized_shows_the_list_and_all_keys() {
    if !tmux_is_there() {
        return;
    }
    let (folder, path, _store) = store();
    let screen = Screen::start(folder.path(), "one", &path, (24, 12));
    let keys =
        |text: &str| ["/ search", "e edit", "x export", "q quit", "> Alder & Sons"].iter().all(|it| text.contains(it));
    screen.until("the keys", keys).shows_no("Client 1");
    screen.press(&["t"]).shows("stays active").shows("1 active").until("the keys", keys);
    screen.tmux(&["resize-window", "-x", "100", "-y", "30"], |_| {});
    screen.shows("Client 1").until("the keys", keys);
    screen.tmux(&["resize-window", "-x", "4", "-y", "2"], |_| {});
    screen.shows_no("Client 1");
    screen.tmux(&["resize-window", "-x", "40", "-y", "30"], |_| {});
    screen.shows("Client 1").until("the keys", keys).press(&["q"]).shows("ended with 0");
}

#[test]
fn a_file_that_is_no_store_is_told_on_a_terminal_that_is_as_it_was() {
    if !tmux_is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text");
    fs::write(&path, "no store".repeat(200)).unwrap();
    assert!(matches!(ClientStore::open(&path), Err(Error::Foreign { .. })));
    let screen = Screen::start(folder.path(), "one", &path, WIDE);
    screen.shows("is not a clientstore file").shows("ended with 1").shows("before");
}

#[test]
fn without_a_terminal_the_app_says_so_and_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let output = Command::new(program()).arg(&path).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("needs a terminal"), "{output:?}");
    assert!(output.stdout.is_empty() && !path.exists());
}
