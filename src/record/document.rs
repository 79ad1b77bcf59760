//! How a record stands on the wire: names and wrappers, as data that every format renders.

use std::sync::OnceLock;

use super::names::Names;
use super::{Table, Tag};

/// The documents of a record: of one, and of a list.
#[derive(Debug)]
pub struct Document {
    pub(crate) table: &'static Table,
    /// The root of one record.
    pub(crate) element: &'static str,
    /// Other roots of one record that are read.
    pub(crate) aliases: &'static [&'static str],
    /// The root of a list.
    pub(crate) list: &'static str,
    /// Another root of a list that is read.
    pub(crate) list_alias: Option<&'static str>,
    /// Whether the `documented` dialect, too, marks the list's root as an array.
    pub(crate) documented_array: bool,
    /// The element that the document of one record has after its columns, and no list has.
    pub(crate) attached: Option<&'static str>,
    /// Whether an update may have any root: some programs write one of their own.
    pub(crate) any_root: bool,
    /// Elements of a create that are not stored: they say how the record is made.
    pub(crate) asked: &'static [&'static str],
    /// Elements of other editions or of requests that have no place in the store. They are known: a request that has
    /// them says nothing new, a document that is loaded loses what they hold.
    pub(crate) unplaced: &'static [&'static str],
    /// The wrappers in JSON, where they are not the element's name with underscores.
    pub(crate) json: Option<JsonNames>,
    /// The lines around the fields of a record.
    pub(crate) open: Tag,
    pub(crate) close: Tag,
    pub(crate) names: OnceLock<Names>,
}

/// The names that wrap a record in JSON.
#[derive(Clone, Copy, Debug)]
pub struct JsonNames {
    /// Around one record.
    pub(crate) one: &'static str,
    /// Around each record of a list.
    pub(crate) item: &'static str,
    /// Further ones that are read.
    pub(crate) accepted: &'static [&'static str],
}

/// Whether a name is the given one; dashes and underscores are the same.
pub(crate) fn same_name(sent: &str, dashed: &str) -> bool {
    let same = |(sent, ours)| sent == ours || (sent == b'_' && ours == b'-');
    sent == dashed || (sent.len() == dashed.len() && sent.bytes().zip(dashed.bytes()).all(same))
}

impl Document {
    /// Whether the document of one record may have the root.
    pub(crate) fn is_one(&self, root: &str) -> bool {
        same_name(root, self.element) || self.aliases.iter().any(|name| same_name(root, name))
    }

    /// Whether the document of a list has the root.
    pub(crate) fn is_list(&self, root: &str) -> bool {
        same_name(root, self.list) || self.list_alias.is_some_and(|alias| same_name(root, alias))
    }

    /// The name around one record in JSON.
    pub(crate) fn json_one(&self) -> String {
        self.json.map_or_else(|| self.element.replace('-', "_"), |names| names.one.to_owned())
    }

    /// Whether a request or a list may wrap a record in the name in JSON.
    pub(crate) fn is_wrapper(&self, name: &str) -> bool {
        self.names().find(name).is_some_and(|known| known.is_wrapper)
    }

    /// Whether a record has a field of the name.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.names().find(name).is_some_and(|known| known.is_field)
    }

    /// The names that mean something in the document.
    pub(crate) fn names(&self) -> &Names {
        self.names.get_or_init(|| Names::of(self))
    }
}
