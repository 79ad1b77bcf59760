//! Documents that belong to no table, element by element.

use super::write::{Dialect, declare, escape_legal};

/// Writes a document of nested elements.
pub(crate) struct Tree {
    out: Vec<u8>,
    depth: usize,
}

impl Tree {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let mut out = Vec::new();
        declare(&mut out, dialect);
        Tree { out, depth: 0 }
    }

    pub(crate) fn open(&mut self, element: &str) {
        self.indent();
        self.push(&["<", element, ">\n"]);
        self.depth += 1;
    }

    /// Opens an element with an attribute, whose value needs no escaping.
    pub(crate) fn open_with(&mut self, element: &str, attribute: &str, value: &str) {
        self.indent();
        self.push(&["<", element, " ", attribute, "=\"", value, "\">\n"]);
        self.depth += 1;
    }

    pub(crate) fn close(&mut self, element: &str) {
        self.depth -= 1;
        self.indent();
        self.push(&["</", element, ">\n"]);
    }

    pub(crate) fn text(&mut self, element: &str, text: &str) {
        self.indent();
        self.push(&["<", element, ">"]);
        escape_legal(&mut self.out, text);
        self.push(&["</", element, ">\n"]);
    }

    pub(crate) fn boolean(&mut self, element: &str, value: bool) {
        self.typed(element, "boolean", if value { "true" } else { "false" });
    }

    pub(crate) fn integer(&mut self, element: &str, value: i64) {
        self.typed(element, "integer", itoa::Buffer::new().format(value));
    }

    /// An element with a type, whose value needs no escaping.
    pub(crate) fn typed(&mut self, element: &str, type_name: &str, value: &str) {
        self.indent();
        self.push(&["<", element, " type=\"", type_name, "\">", value, "</", element, ">\n"]);
    }

    fn indent(&mut self) {
        self.out.resize(self.out.len() + 2 * self.depth, b' ');
    }

    fn push(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    /// What was written since the last [`clear`](Self::clear).
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// Forgets what was written, but not which elements are open.
    pub(crate) fn clear(&mut self) {
        self.out.clear();
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.out
    }
}
