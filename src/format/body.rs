//! The body of a request: its format, and what it may set.

use super::xml;
use crate::error::{Error, Result};
use crate::record::{Column, Document, Values, Writable};

/// Which fields of a body count; the others are ignored with all they contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What a create may set.
    Create,
    /// The same under another record's path, which gives the column of this name.
    CreateUnder(&'static str),
    /// What an update may set.
    Update,
    /// Every column.
    Document,
}

impl Purpose {
    pub(super) fn takes(self, column: &Column) -> bool {
        match self {
            Purpose::Create => column.writable != Writable::Never,
            Purpose::CreateUnder(parent) => column.writable != Writable::Never && column.name != parent,
            Purpose::Update => column.writable == Writable::Always,
            Purpose::Document => true,
        }
    }

    /// The element that sets a column.
    pub(super) fn element(self, column: &Column) -> &'static str {
        match (self, column.sent_as) {
            (Purpose::Document, _) | (_, None) => column.element,
            (_, Some(element)) => element,
        }
    }
}

/// A request's body, as it came.
#[derive(Clone, Copy, Default)]
pub(crate) struct RequestBody<'a> {
    pub(crate) bytes: &'a [u8],
    /// The value of `Content-Type`, empty where there is none.
    pub(crate) content_type: &'a str,
}

impl RequestBody<'_> {
    pub(crate) fn is_blank(&self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }

    /// Reads the fields that it may set.
    ///
    /// # Errors
    ///
    /// [`Error::Xml`] where it is not well-formed or not the document asked for, [`Error::Invalid`] where a
    /// value does not fit.
    pub(crate) fn read(&self, document: &'static Document, purpose: Purpose) -> Result<Values> {
        let charset = self.content_type.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
        });
        if let Some(charset) = charset.filter(|charset| !xml::is_utf8_name(charset)) {
            let shown = crate::value::quoted(charset);
            return Err(Error::Xml { line: 1, reason: format!("the body's charset is {shown}; send UTF-8") });
        }
        xml::read_for(self.bytes, document, purpose).map_err(|error| match (error, self.other_format()) {
            (Error::Xml { line, reason }, Some(format)) => {
                let reason = format!("{reason}; the body is {format}, send XML: <{0}>...</{0}>", document.element);
                Error::Xml { line, reason }
            }
            (error, _) => error,
        })
    }

    /// What it is that is no XML, where its type or its first byte tells.
    fn other_format(&self) -> Option<&'static str> {
        let says = |part| self.content_type.to_ascii_lowercase().contains(part);
        match self.bytes.trim_ascii_start().first()? {
            b'<' => None,
            b'{' | b'[' => Some("JSON"),
            _ if says("json") => Some("JSON"),
            _ if says("form-urlencoded") || says("form-data") => Some("a form"),
            _ => None,
        }
    }
}
