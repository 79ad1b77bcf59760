//! `clientstore serve` as the child of another program: it ends with that program, and tells it its port.

#![cfg(all(feature = "cli", unix))]

mod served;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use served::Served;

/// Waits until something holds, with a limit that no machine is too slow for.
fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A shell that starts a server and waits; gives the shell, what both say, the server's process and its address.
fn started_by_a_shell(option: &str) -> (Child, BufReader<std::process::ChildStdout>, String, String) {
    let script = r#""$0" serve --memory --quiet --listen 127.0.0.1:0 $1 & echo $!; wait"#;
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_clientstore"), option]);
    let mut shell = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(shell.stdout.take().unwrap());
    let mut lines = [String::new(), String::new()];
    for line in &mut lines {
        said.read_line(line).unwrap();
    }
    lines.sort_by_key(|line| line.starts_with("listening"));
    let address = lines[1].trim_end().strip_prefix("listening on http://").unwrap().to_owned();
    (shell, said, lines[0].trim_end().to_owned(), address)
}

#[test]
fn it_ends_with_the_program_that_started_it_even_with_one_that_is_killed() {
    let (mut shell, mut said, _, address) = started_by_a_shell("--exit-with-parent");
    TcpStream::connect(&address).unwrap();
    shell.kill().unwrap();
    shell.wait().unwrap();
    // The pipe ends when its last writer, the server, has ended.
    said.read_to_string(&mut String::new()).unwrap();
    TcpStream::connect(&address).unwrap_err();

    let (mut shell, _said, server, address) = started_by_a_shell("");
    shell.kill().unwrap();
    shell.wait().unwrap();
    TcpStream::connect(&address).expect("without the option it goes on");
    assert!(Command::new("kill").arg(&server).status().unwrap().success());
}

#[test]
fn it_ends_with_its_standard_input_and_closes_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let mut command = served::command(&[file.to_str().unwrap(), "--exit-on-stdin-end"]);
    command.args(["--listen", "127.0.0.1:0"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut said = BufReader::new(process.stdout.take().unwrap());
    said.read_line(&mut String::new()).unwrap();
    assert!(process.try_wait().unwrap().is_none(), "an input that is open keeps it");
    drop(process.stdin.take());
    assert!(process.wait().unwrap().success());
    let mut log = String::new();
    process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("stopping: standard input has ended"), "{log}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["store.db"], "the log is in the file again");
}

#[test]
fn without_the_option_an_input_that_ends_means_nothing() {
    let mut command = served::command(&["--memory", "--quiet"]);
    command.stdin(Stdio::null());
    let served = Served::start_as(command);
    assert_eq!(served.send("GET", "/clients", "").unwrap().0, 200);
}

fn ports(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_ports_stand_in_a_file_from_when_it_listens_until_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ports");
    fs::write(&path, "1\n2\n").unwrap(); // of a server that was killed
    let served =
        Served::start(&["--memory", "--quiet", "--listen", "127.0.0.1:0", "--port-file", path.to_str().unwrap()]);
    let second = served.line();
    let port = |address: &str| address.trim_end().rsplit_once(':').unwrap().1.to_owned();
    // The first line of standard output is said later.
    assert_eq!(ports(&path), [port(served.address()), port(&second)]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    assert!(served.signal("TERM").success());
    assert!(!path.exists());
}

#[test]
fn a_program_can_wait_for_the_file_of_ports() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ports");
    let mut command = served::command(&["--memory", "--quiet", "--listen", "127.0.0.1:0", "--port-file"]);
    let mut process = command.arg(&path).stdout(Stdio::null()).spawn().unwrap();
    until("the file is written", || path.exists());
    let connected = TcpStream::connect(format!("127.0.0.1:{}", ports(&path)[0]));
    process.kill().unwrap();
    process.wait().unwrap();
    connected.unwrap();
}

#[test]
fn no_other_file_is_taken_for_the_ports() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    fs::write(&path, "buy milk\n").unwrap();
    let output = served::command(&["--memory", "--port-file"]).arg(&path).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("is no file of ports; name another"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "buy milk\n");
    let output =
        served::command(&["--memory", "--listen", "127.0.0.1:0", "--port-file", "/nowhere/ports"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("there is no directory /nowhere"), "{error}");
}
