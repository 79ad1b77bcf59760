//! What a test needs and a machine may not have.

use std::io::Write;
use std::process::{Command, Stdio};

/// Whether a tool is there, which the probe finds out by running it. Where it is not, that is said past the
/// capture of `cargo test`, and a failure where `CLIENTSTORE_SKIPS_NOTHING` is set.
pub fn is_there(test: &str, needs: &str, probe: &[&str]) -> bool {
    let mut command = Command::new(probe[0]);
    command.args(&probe[1..]).stdout(Stdio::null()).stderr(Stdio::null());
    let is_there = command.status().is_ok_and(|status| status.success());
    is_there || may_be_skipped(test, needs, std::env::var_os("CLIENTSTORE_SKIPS_NOTHING").is_some())
}

/// Says that a test is skipped; always false.
pub fn may_be_skipped(test: &str, needs: &str, is_ci: bool) -> bool {
    let message = format!("SKIPPED, NOT TESTED: {test} needs {needs}");
    assert!(!is_ci, "{message}");
    std::io::stderr().write_all(format!("\n{message}\n").as_bytes()).unwrap();
    false
}
