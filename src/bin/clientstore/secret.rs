//! Secrets: given as an option, in a file or in the environment. Errors never show them.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::Usage;

/// The longest secret's file, in bytes.
const MAX_LENGTH: u64 = 4096;

/// A secret from an option, its file or the environment.
pub(crate) struct Secret {
    pub(crate) text: String,
    /// Where it is from, for errors.
    from: String,
}

impl Secret {
    /// Takes what is given; an option and its file exclude each other, and come before the environment.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or the secret is not one line of text.
    pub(crate) fn given(
        name: &str,
        option: Option<&str>,
        file: Option<&Path>,
        variable: &str,
    ) -> Result<Option<Secret>, Box<dyn std::error::Error>> {
        if let Some(option) = option {
            return Ok(Some(Secret { text: option.to_owned(), from: format!("--{name}") }));
        }
        if let Some(file) = file {
            let from = file.display().to_string();
            return Ok(Some(Secret { text: line(file)?, from }));
        }
        match std::env::var(variable) {
            Ok(text) => Ok(Some(Secret { text, from: variable.to_owned() })),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(Usage(format!("{variable} is no UTF-8 text")).into()),
        }
    }

    /// The secret as a token.
    ///
    /// # Errors
    ///
    /// If it is empty or has characters other than printable ASCII.
    pub(crate) fn token(self) -> Result<String, Box<dyn std::error::Error>> {
        if self.text.is_empty() || !self.text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(self.refused("the token must be printable ASCII without spaces"));
        }
        Ok(self.text)
    }

    /// The error for a secret that cannot be used.
    pub(crate) fn refused(&self, reason: &str) -> Box<dyn std::error::Error> {
        Usage(format!("{}: {reason}", self.from)).into()
    }
}

/// The one line of a file.
fn line(path: &Path) -> Result<String, String> {
    let unreadable = |error| format!("cannot read {}: {error}", path.display());
    let file = fs::File::open(path).map_err(unreadable)?;
    warn_if_shared(path, &file);
    let mut bytes = Vec::new();
    file.take(MAX_LENGTH + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= MAX_LENGTH);
    let text = text.ok_or_else(|| format!("{} is no UTF-8 text of at most {MAX_LENGTH} bytes", path.display()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains(['\n', '\r']) {
        return Err(format!("{} has more than one line", path.display()));
    }
    Ok(line.to_owned())
}

/// Warns where other accounts can read a file that holds a secret.
#[cfg(unix)]
pub(crate) fn warn_if_shared(path: &Path, file: &fs::File) {
    use std::os::unix::fs::PermissionsExt;

    // A pipe of the shell exists only for a moment.
    if file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o044 != 0) {
        let path = path.display();
        tracing::warn!("other accounts can read {path}; `chmod 600 {path}` keeps them from it");
    }
}

#[cfg(not(unix))]
pub(crate) fn warn_if_shared(_: &Path, _: &fs::File) {}
