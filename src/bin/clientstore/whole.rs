//! Small files that other programs wait for: written whole or not at all.

use std::fs;
use std::path::Path;

use crate::cannot_write;

/// Writes a file in one step, replacing the one that is there.
///
/// # Errors
///
/// What cannot be written and why.
pub(crate) fn write(path: &Path, contents: &str) -> Result<(), String> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    fs::write(&part, contents).and_then(|()| fs::rename(&part, path)).map_err(|error| {
        drop(fs::remove_file(&part));
        cannot_write(path, &error)
    })
}
