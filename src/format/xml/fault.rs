//! Why a document cannot be read on.

use quick_xml::errors::Error as Unread;

/// Why a token cannot be had; `Tokens::error` adds the line.
pub(crate) enum Fault {
    Malformed(String),
    /// What stands for no character that XML can carry.
    Character(String),
    /// quick-xml found no event.
    Unread(Unread),
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Fault::Malformed(reason.to_owned())
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Fault::Malformed(reason)
    }
}
