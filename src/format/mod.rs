//! The formats of documents: a document's data rendered as XML or JSON, and read from them.

mod body;
mod days;
mod documents;
mod fill;
mod form;
pub mod json;
mod multipart;
pub(crate) mod tree;
pub mod xml;

use std::io::Write;

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use chrono::NaiveDate;
use rusqlite::types::ValueRef;

pub(crate) use body::{BodyFormat, Purpose, RequestBody};
pub(crate) use days::parse_any_day;
pub(crate) use multipart::Contents;
#[cfg(feature = "tower")]
pub(crate) use multipart::{FilePart, Piece, Reader, Spooled, spool};
pub(crate) use tree::Node;
pub use xml::Dialect;

use crate::record::{Column, Document, View};

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Xml(Dialect),
    Json,
}

impl Format {
    /// The columns that a document in this format shows.
    pub(crate) fn view(self) -> View {
        match self {
            Format::Xml(Dialect::Documented) => View::Both,
            Format::Xml(Dialect::Live) | Format::Json => View::Live,
        }
    }
}

/// What a stored value cannot be written for; the store adds which record's it is.
#[derive(Debug)]
pub(crate) struct Unwritable {
    /// The element's name.
    pub(crate) column: &'static str,
    pub(crate) reason: String,
}

/// Writes the documents of one kind of record, in one format, into a buffer.
pub(crate) enum Writer {
    Xml(xml::Writer),
    Json(json::Writer),
}

impl Writer {
    pub(crate) fn new(document: &'static Document, format: Format) -> Self {
        match format {
            Format::Xml(dialect) => Writer::Xml(xml::Writer::new(document, dialect)),
            Format::Json => Writer::Json(json::Writer::new(document)),
        }
    }

    /// The same, for a list inside the whole store's document.
    pub(crate) fn nested(document: &'static Document, format: Format) -> Self {
        match format {
            Format::Xml(_) => Writer::Xml(xml::Writer::nested(document)),
            Format::Json => Writer::Json(json::Writer::nested(document)),
        }
    }

    /// A list that names the first and the last day of its week, which only XML does.
    pub(crate) fn of_week(self, week: Option<(NaiveDate, NaiveDate)>) -> Self {
        match self {
            Writer::Xml(writer) => Writer::Xml(writer.of_week(week)),
            json => json,
        }
    }

    pub(crate) fn start_list(&self, out: &mut Vec<u8>) {
        match self {
            Writer::Xml(writer) => writer.start_list(out),
            Writer::Json(writer) => writer.start_list(out),
        }
    }

    pub(crate) fn end_list(&self, out: &mut Vec<u8>, empty: bool) {
        match self {
            Writer::Xml(writer) => writer.end_list(out, empty),
            Writer::Json(writer) => writer.end_list(out),
        }
    }

    /// Writes a record of a list; `get` gives the value of a column by its position.
    #[inline]
    pub(crate) fn list_record<'a>(
        &self,
        out: &mut Vec<u8>,
        first: bool,
        columns: &'static [Column],
        get: impl FnMut(usize) -> Option<ValueRef<'a>>,
    ) -> Result<(), Unwritable> {
        match self {
            Writer::Xml(writer) => writer.list_record(out, first, columns, get),
            Writer::Json(writer) => writer.list_record(out, first, columns, get),
        }
    }

    /// How long a text is once it is escaped, in bytes, without the quotes around it.
    pub(crate) fn escaped(&self, text: &[u8]) -> usize {
        match self {
            Writer::Xml(_) => xml::escaped(text),
            Writer::Json(_) => json::escaped(text),
        }
    }

    /// How many bytes one byte of a text is at most once it is escaped.
    pub(crate) fn widest(&self) -> usize {
        match self {
            Writer::Xml(_) => xml::WIDEST,
            Writer::Json(_) => json::WIDEST,
        }
    }

    /// Writes the document of one record: the columns that `get` has a value for, and what is
    /// attached.
    pub(crate) fn single<'a>(
        &self,
        out: &mut Vec<u8>,
        columns: &'static [Column],
        get: impl FnMut(usize) -> Option<ValueRef<'a>>,
        attached: Option<&str>,
    ) -> Result<(), Unwritable> {
        match self {
            Writer::Xml(writer) => writer.single(out, columns, get, attached),
            Writer::Json(writer) => writer.single(out, columns, get, attached),
        }
    }
}

/// Writes bytes in base64.
fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), String> {
    let mut encoder = EncoderWriter::new(out, &STANDARD);
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.map(drop).map_err(|error| error.to_string())
}
