//! Options of `clientstore serve` from the environment and from a file.

#![cfg(feature = "cli")]

mod served;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use served::Served;

struct Settings(tempfile::TempDir);

impl Settings {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("serve.toml"), text).unwrap();
        Settings(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `serve --config` with further arguments, in the folder of the file.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = served::command(&["--config", "serve.toml"]);
        command.args(arguments).current_dir(self.0.path());
        command
    }

    /// What is said of settings that cannot be used.
    fn refused(&self, variables: &[(&str, &str)], arguments: &[&str]) -> String {
        let output = self.command(arguments).envs(variables.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    }
}

fn is_live(served: &Served) -> bool {
    served.send("GET", "/clients", "").unwrap().2.starts_with("<?xml")
}

/// Whether a request leaves a line in the log.
fn logs(served: &Served) -> bool {
    served.send("GET", "/clients", "").unwrap();
    served.stop().1.contains("GET /clients")
}

#[test]
fn options_come_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let (file, ports) = (folder.path().join("books.db"), folder.path().join("ports"));
    let mut command = served::command(&[]);
    command.env("CLIENTSTORE_FILE", &file).env("CLIENTSTORE_PORT_FILE", &ports);
    command.env("CLIENTSTORE_DIALECT", "live").env("CLIENTSTORE_QUIET", "1").env("CLIENTSTORE_MAX_BODY", "100");
    command.env("CLIENTSTORE_COMPANY", "Muster, Sons & Co").env("CLIENTSTORE_EMAIL", "");
    let served = Served::start_as(command);
    assert!(is_live(&served) && file.exists() && ports.exists());
    assert_eq!(served.send("POST", "/clients", &"x".repeat(101)).unwrap().0, 413);
    let told = served.send("GET", "/account/who_am_i", "").unwrap().2;
    assert!(told.contains("<name>Muster, Sons &amp; Co</name>"), "{told}");
    assert!(told.contains("<email>admin@example.com</email>"), "an empty variable is none: {told}");
    assert!(!logs(&served));
}

#[test]
fn options_come_from_a_file() {
    let settings = Settings::new(
        "file = 'books.db'\nport-file = 'ports'\ndialect = 'live'\nquiet = true\nmax-body = 100\ncompany = 'Muster, Sons & Co'\n",
    );
    let served = Served::start_as(settings.command(&[]));
    assert!(is_live(&served) && settings.path("books.db").exists() && settings.path("ports").exists());
    assert_eq!(served.send("POST", "/clients", &"x".repeat(101)).unwrap().0, 413);
    let told = served.send("GET", "/account/who_am_i", "").unwrap().2;
    assert!(told.contains("<name>Muster, Sons &amp; Co</name>"), "{told}");
    assert!(!logs(&served));
}

#[test]
fn an_option_that_may_be_given_more_than_once_takes_a_list() {
    let command = |settings: &Settings| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clientstore"));
        command.args(["serve", "--config", "serve.toml", "--port-file", "ports"]).current_dir(settings.0.path());
        command.stdout(std::process::Stdio::piped()).stdin(std::process::Stdio::piped());
        command
    };
    let addresses = |mut command: Command| {
        let mut process = command.arg("--exit-on-stdin-end").spawn().unwrap();
        let mut said = std::io::BufReader::new(process.stdout.take().unwrap());
        let mut lines = [String::new(), String::new()];
        for line in &mut lines {
            std::io::BufRead::read_line(&mut said, line).unwrap();
        }
        drop(process.stdin.take());
        assert!(process.wait().unwrap().success());
        lines.iter().filter(|line| line.starts_with("listening on http://127.0.0.1:")).count()
    };
    let list = Settings::new("memory = true\nquiet = true\nlisten = ['127.0.0.1:0', '127.0.0.1:0']\n");
    assert_eq!(addresses(command(&list)), 2);
    let mut listed = command(&Settings::new(""));
    let none = Settings::new("memory = true\n");
    listed
        .current_dir(none.0.path())
        .env("CLIENTSTORE_LISTEN", "127.0.0.1:0, 127.0.0.1:0")
        .env("CLIENTSTORE_QUIET", "true");
    assert_eq!(addresses(listed), 2);
}

#[test]
fn the_command_line_comes_before_the_environment_and_that_before_the_file() {
    let settings = Settings::new("memory = true\ndialect = 'live'\n");
    assert!(is_live(&Served::start_as(settings.command(&[]))));
    let mut command = settings.command(&[]);
    command.env("CLIENTSTORE_DIALECT", "documented");
    assert!(!is_live(&Served::start_as(command)));
    let mut command = settings.command(&["--dialect", "live"]);
    command.env("CLIENTSTORE_DIALECT", "documented");
    assert!(is_live(&Served::start_as(command)));
}

#[test]
fn a_switch_can_be_set_to_off() {
    let settings = Settings::new("memory = true\nquiet = true\n");
    let mut command = settings.command(&[]);
    command.env("CLIENTSTORE_QUIET", "false");
    assert!(logs(&Served::start_as(command)));
}

#[test]
fn an_option_keeps_out_those_of_lower_sources_that_it_excludes() {
    let settings = Settings::new("memory = true\nauth-file = 'missing'\n");
    let mut command = settings.command(&["books.db"]);
    command.env("CLIENTSTORE_AUTH", "me:secret");
    let served = Served::start_as(command);
    assert!(settings.path("books.db").exists(), "the command line names a file");
    assert_eq!(served.send("GET", "/clients", "").unwrap().0, 401);
    let known = "Authorization: Basic bWU6c2VjcmV0\r\n";
    assert_eq!(served.send_with("GET", "/clients", known, "").unwrap().0, 200);
}

#[test]
fn the_file_of_options_can_be_named_by_the_environment() {
    let settings = Settings::new("memory = true\ndialect = 'live'\n");
    let mut command = served::command(&[]);
    command.env("CLIENTSTORE_CONFIG", settings.path("serve.toml"));
    assert!(is_live(&Served::start_as(command)));
}

#[test]
fn keys_that_are_not_known_are_named_with_what_they_may_mean() {
    let said = Settings::new("memory = true\nlisten_on = 'x'\nport_file = 'y'\nzzz = 1\n").refused(&[], &[]);
    assert!(said.contains("serve.toml: not known: "), "{said}");
    assert!(said.contains("port_file (is it port-file?)") && said.contains("listen_on (is it listen?)"), "{said}");
    assert!(said.contains("zzz;") && said.contains("clientstore serve --help"), "{said}");
    assert!(Settings::new("config = 'other.toml'\n").refused(&[], &[]).contains("not known: config"));
}

#[test]
fn a_value_that_cannot_be_used_is_told_with_its_source() {
    let plain = Settings::new("memory = true\n");
    for (text, said) in [
        ("listen = '7557'\n", "serve.toml: invalid value '7557' for '--listen <ADDRESS>'"),
        ("memory = 'yes'\n", "serve.toml: memory: give true or false"),
        ("dialect = true\n", "serve.toml: dialect: give a text or a number"),
        ("seed = [true]\n", "serve.toml: seed: give a text or a number"),
        ("seed = { a = 1 }\n", "serve.toml: seed: give a text, or a list"),
        ("memory = true\nexclusive = true\n", "serve.toml: the argument '--memory' cannot be used with"),
        ("memory = true\nmemory = true\n", "serve.toml: line 2: duplicate key"),
        ("memory = true\ncompany = 'A\n", "serve.toml: line 2: "),
    ] {
        let error = Settings::new(text).refused(&[], &[]);
        assert!(error.contains(said), "{text}: {error}");
    }
    for (variable, value, said) in [
        ("CLIENTSTORE_LISTEN", "7557", "clientstore: the environment: invalid value '7557' for '--listen <ADDRESS>'"),
        ("CLIENTSTORE_QUIET", "maybe", "clientstore: CLIENTSTORE_QUIET: give true or false"),
    ] {
        let error = plain.refused(&[(variable, value)], &[]);
        assert!(error.contains(said), "{error}");
    }
    let error = plain.refused(&[("CLIENTSTORE_DIALECT", "live")], &["--listen", "7557"]);
    assert!(error.starts_with("error: invalid value '7557' for '--listen <ADDRESS>'"), "{error}");
    let missing = served::command(&["--config", "/nowhere/serve.toml"]).output().unwrap();
    let error = String::from_utf8(missing.stderr).unwrap();
    assert!(
        missing.status.code() == Some(1) && error.contains("cannot read /nowhere/serve.toml: No such file"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn secrets_in_the_file_are_asked_for_and_never_shown() {
    use std::os::unix::fs::PermissionsExt;

    let settings = Settings::new("memory = true\nquiet = true\nauth = 'me:secret'\n");
    let mode = |mode| fs::set_permissions(settings.path("serve.toml"), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let served = Served::start_as(settings.command(&[]));
    assert_eq!(served.send("GET", "/clients", "").unwrap().0, 401);
    assert!(served.stop().1.contains("other accounts can read serve.toml"));
    mode(0o600);
    assert_eq!(Served::start_as(settings.command(&[])).stop().1, "");

    for text in ["auth = 'secret'\nmemory = true\n", "auth = 'me:secret\n", "auth = 'me:secret'\nlisten = 'x'\n"] {
        let error = Settings::new(text).refused(&[], &[]);
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn the_help_of_every_option_is_reachable_beside_a_broken_file() {
    assert!(Path::new(env!("CARGO_BIN_EXE_clientstore")).exists());
    let output = Settings::new("nonsense = 1\n").command(&["--help"]).output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("CLIENTSTORE_LISTEN"));
}
