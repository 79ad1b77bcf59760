//! Which elements are open, and what may stand where.

use super::tokens::Fault;

/// Deeper documents are refused (`wire.md`).
const MAX_DEPTH: usize = 32;

/// How far the document has come.
#[derive(Default)]
pub(super) struct Outline {
    /// The names of the open elements, one after the other, and where each starts.
    names: String,
    open: Vec<usize>,
    /// The last start was that of an empty element, whose end comes next.
    pub(super) empty: bool,
    seen_root: bool,
    /// A token was looked for.
    pub(super) begun: bool,
}

impl Outline {
    #[inline]
    pub(super) fn open(&mut self, name: &str) -> Result<(), Fault> {
        if !self.is_inside() && self.seen_root {
            return Err("a second root element follows the first".into());
        }
        if self.open.len() == MAX_DEPTH {
            return Err(format!("elements are nested deeper than {MAX_DEPTH} levels").into());
        }
        self.seen_root = true;
        self.open.push(self.names.len());
        self.names.push_str(name);
        Ok(())
    }

    #[inline]
    pub(super) fn close(&mut self) {
        self.names.truncate(self.open.pop().unwrap_or_default());
    }

    /// The name of the innermost element that is open.
    #[inline]
    pub(super) fn name(&self) -> Option<&str> {
        self.open.last().map(|start| &self.names[*start..])
    }

    /// The length of the end tag that the text starts with, as it is mostly written.
    #[inline]
    pub(super) fn end(&self, text: &[u8]) -> Option<usize> {
        let name = self.name()?;
        let rest = text.strip_prefix(b"</")?.strip_prefix(name.as_bytes())?;
        rest.starts_with(b">").then_some(name.len() + 3)
    }

    #[inline]
    pub(super) fn is_inside(&self) -> bool {
        !self.open.is_empty()
    }

    pub(super) fn seen_root(&self) -> bool {
        self.seen_root
    }

    pub(super) fn check_inside(&self) -> Result<(), Fault> {
        if self.is_inside() { Ok(()) } else { Err("text stands outside the root element".into()) }
    }
}
