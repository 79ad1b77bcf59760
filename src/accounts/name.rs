//! The names of accounts.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, Result};

/// The longest name, in bytes: that of a label in a host's name.
const LONGEST: usize = 63;

/// The name of an account: what stands before the domain in its host, such as `demo` in `demo.harvestapp.com`.
///
/// It is a label of a host's name, in lower case: 1 to 63 of `a` to `z`, `0` to `9` and `-`, and the dash neither first nor
/// last. So no name is a path, and no two names are one file.
///
/// ```
/// use clientstore::AccountName;
///
/// assert_eq!("Demo".parse::<AccountName>()?.as_str(), "demo");
/// assert!("../demo".parse::<AccountName>().is_err());
/// assert!("demo.db".parse::<AccountName>().is_err());
/// # Ok::<(), clientstore::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountName(Arc<str>);

impl AccountName {
    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the account that a file holds; none where the file's name is not that of an account's file.
    pub(super) fn of_file(file: &str) -> Option<Self> {
        let name: AccountName = file.strip_suffix(".db")?.parse().ok()?;
        // `Demo.db` is not what `demo` leads to.
        file.starts_with(name.as_str()).then_some(name)
    }

    /// The name of the account's file.
    pub(super) fn file(&self) -> String {
        format!("{self}.db")
    }
}

/// Reads a name in any case.
impl FromStr for AccountName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_right = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !(1..=LONGEST).contains(&text.len())
            || !text.bytes().all(is_right)
            || text.starts_with('-')
            || text.ends_with('-')
            || cfg!(windows) && is_device(text)
        {
            let said = "is 1 to 63 letters, digits and dashes, and neither begins nor ends with a dash";
            return Err(Error::invalid("account name", said));
        }
        Ok(AccountName(text.to_ascii_lowercase().into()))
    }
}

/// Whether Windows takes a file of this name, whatever its extension, for a device.
fn is_device(name: &str) -> bool {
    let is = |device: &str| name.eq_ignore_ascii_case(device);
    let is_numbered = |kind: &str| {
        let (begin, number) = name.split_at(name.len().min(3));
        begin.eq_ignore_ascii_case(kind) && number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    ["con", "prn", "aux", "nul"].into_iter().any(is) || ["com", "lpt"].into_iter().any(is_numbered)
}

impl TryFrom<&str> for AccountName {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        text.parse()
    }
}

impl From<&AccountName> for AccountName {
    fn from(name: &AccountName) -> Self {
        name.clone()
    }
}

impl AsRef<str> for AccountName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for AccountName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_label_in_lower_case_and_never_a_path() {
        for (text, name) in [("demo", "demo"), ("DEMO", "demo"), ("a", "a"), ("7", "7"), ("a--b", "a--b")] {
            assert_eq!(text.parse::<AccountName>().unwrap().as_str(), name);
        }
        let long = "a".repeat(LONGEST + 1);
        for text in
            ["", ".", "..", "demo.db", "a/b", "a\\b", "-a", "a-", "a b", "a_b", "b\u{fc}cher", "\u{212a}", "a\0", &long]
        {
            assert!(text.parse::<AccountName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_file_is_that_of_the_account_that_leads_to_it_alone() {
        assert_eq!(AccountName::of_file("demo.db").unwrap().file(), "demo.db");
        for file in ["Demo.db", "demo", "demo.db-wal", "demo.db.v1-backup", ".db", "demo.sqlite", "a.b.db", "demo.DB"] {
            assert_eq!(AccountName::of_file(file), None, "{file}");
        }
    }

    #[test]
    fn devices_of_windows_are_known_by_any_case() {
        assert!(["nul", "CON", "com1", "LPT9"].into_iter().all(is_device));
        assert!(!["null", "com", "com12", "comx", "demo"].into_iter().any(is_device));
    }
}
