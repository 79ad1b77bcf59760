//! `clientstore man` and `clientstore completions`: made from what the command line takes.

#![cfg(feature = "cli")]

use std::fs;
use std::process::Command;

const COMMANDS: [&str; 10] =
    ["serve", "request", "dump", "load", "check", "backup", "generate", "health", "completions", "man"];

fn clientstore(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_clientstore")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man1");
    clientstore(&["man", pages.to_str().unwrap()]);
    let mut names: Vec<String> =
        fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut expected: Vec<String> = COMMANDS.iter().map(|command| format!("clientstore-{command}.1")).collect();
    expected.push("clientstore.1".to_owned());
    expected.sort();
    assert_eq!(names, expected);
    for command in COMMANDS {
        let page = fs::read_to_string(pages.join(format!("clientstore-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains(".SH OPTIONS"), "{page}");
    }
    let serve = fs::read_to_string(pages.join("clientstore-serve.1")).unwrap();
    assert!(serve.contains("\\-\\-exit\\-with\\-parent") && serve.contains("CLIENTSTORE_LISTEN"), "{serve}");
}

#[test]
fn every_shell_completes_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = String::from_utf8(clientstore(&["completions", shell])).unwrap();
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} does not know {command}");
        }
        assert!(script.contains("exit-on-stdin-end"), "{shell} does not know the options");
    }
}
