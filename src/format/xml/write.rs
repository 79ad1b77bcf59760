//! From fields to a document's bytes.

use chrono::NaiveDate;
use rusqlite::types::ValueRef;

use crate::format::{Unwritable, write_base64};
use crate::record::{Column, Document};
use crate::value::{Kind, date_text, is_xml_char, utf8};

/// What names the first and the last day of a list's week, before its records.
pub(super) const WEEK: [&str; 2] = ["for_week_start_day", "for_week_end_day"];

const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Which of the service's two ways of writing a document is meant (`docs/spec/README.md`).
///
/// Reading always accepts both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// The documents as the published page prints them: no XML declaration, clients with four
    /// elements.
    #[default]
    Documented,
    /// The documents as the service sent them: an XML declaration, every element,
    /// `type="array"` on every list.
    Live,
}

/// Writes documents of one kind of record into a buffer.
pub(crate) struct Writer {
    document: &'static Document,
    dialect: Dialect,
    indent: usize,
    /// The first and the last day of the week that a list names before its records.
    week: Option<(NaiveDate, NaiveDate)>,
}

impl Writer {
    pub(crate) fn new(document: &'static Document, dialect: Dialect) -> Self {
        Writer { document, dialect, indent: 0, week: None }
    }

    /// The same, for a document inside another: deeper, and without a declaration.
    pub(crate) fn nested(document: &'static Document) -> Self {
        Writer { document, dialect: Dialect::Live, indent: 2, week: None }
    }

    /// Names the days of a list's week before its records, in the words of time tracking (`docs/spec/time.md`).
    pub(crate) fn of_week(self, week: Option<(NaiveDate, NaiveDate)>) -> Self {
        Writer { week, ..self }
    }

    pub(crate) fn start_list(&self, out: &mut Vec<u8>) {
        self.declare(out);
        self.indent(out, 0);
        out.push(b'<');
        out.extend_from_slice(self.document.list.as_bytes());
        if self.week.is_none() && (self.dialect == Dialect::Live || self.document.documented_array) {
            out.extend_from_slice(b" type=\"array\"");
        }
        out.push(b'>');
        if let Some((first, last)) = self.week {
            out.push(b'\n');
            for (name, day) in WEEK.into_iter().zip([first, last]) {
                let line = format!("  <{name} type=\"date\">{}</{name}>\n", date_text(day));
                out.extend_from_slice(line.as_bytes());
            }
        }
    }

    /// Ends a list; an empty one has its two tags on one line.
    pub(crate) fn end_list(&self, out: &mut Vec<u8>, empty: bool) {
        if !empty || self.week.is_some() {
            self.indent(out, 0);
        }
        self.close(out, self.document.list);
    }

    /// Writes a record of a list, after the line end that the tag before it left out.
    #[inline]
    pub(crate) fn list_record<'a>(
        &self,
        out: &mut Vec<u8>,
        first: bool,
        columns: &'static [Column],
        get: impl FnMut(usize) -> Option<ValueRef<'a>>,
    ) -> Result<(), Unwritable> {
        if first && self.week.is_none() {
            out.push(b'\n');
        }
        self.start_record(out, 2);
        self.columns(out, 2, columns, get)?;
        self.end_record(out, 2);
        Ok(())
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
        self.declare(out);
        self.start_record(out, 0);
        self.columns(out, 0, columns, get)?;
        if let (Some(element), Some(text)) = (self.document.attached, attached) {
            self.indent(out, 2);
            out.push(b'<');
            out.extend_from_slice(element.as_bytes());
            out.push(b'>');
            write_text(out, text.as_bytes()).map_err(|reason| Unwritable { column: element, reason })?;
            self.close(out, element);
        }
        self.end_record(out, 0);
        Ok(())
    }

    fn start_record(&self, out: &mut Vec<u8>, deeper: usize) {
        out.extend_from_slice(self.document.open.indented(self.indent + deeper));
    }

    fn end_record(&self, out: &mut Vec<u8>, deeper: usize) {
        out.extend_from_slice(self.document.close.indented(self.indent + deeper));
    }

    #[inline(always)]
    fn columns<'a>(
        &self,
        out: &mut Vec<u8>,
        deeper: usize,
        columns: &'static [Column],
        mut get: impl FnMut(usize) -> Option<ValueRef<'a>>,
    ) -> Result<(), Unwritable> {
        let indent = self.indent + deeper + 2;
        for (position, column) in columns.iter().enumerate() {
            if let Some(value) = get(position) {
                write_value(out, column, value, indent)
                    .map_err(|reason| Unwritable { column: column.element, reason })?;
            }
        }
        Ok(())
    }

    fn declare(&self, out: &mut Vec<u8>) {
        if self.indent == 0 {
            declare(out, self.dialect);
        }
    }

    #[inline]
    fn indent(&self, out: &mut Vec<u8>, deeper: usize) {
        out.extend_from_slice(&b"        "[..self.indent + deeper]);
    }

    #[inline]
    fn close(&self, out: &mut Vec<u8>, element: &str) {
        out.extend_from_slice(b"</");
        out.extend_from_slice(element.as_bytes());
        out.extend_from_slice(b">\n");
    }
}

/// The `live` dialect's XML declaration.
pub(super) fn declare(out: &mut Vec<u8>, dialect: Dialect) {
    if dialect == Dialect::Live {
        out.extend_from_slice(DECLARATION);
    }
}

/// Escapes a text from anywhere; what XML cannot carry becomes U+FFFD.
pub(super) fn escape_legal(out: &mut Vec<u8>, text: &str) {
    let legal: String =
        text.chars().map(|character| if is_xml_char(character) { character } else { '\u{FFFD}' }).collect();
    // Every character is legal, so nothing can be refused.
    drop(write_text(out, legal.as_bytes()));
}

#[inline(always)]
fn write_value(out: &mut Vec<u8>, column: &Column, value: ValueRef<'_>, indent: usize) -> Result<(), String> {
    let boolean = column.kind == Kind::Boolean;
    match value {
        ValueRef::Text(bytes) if !boolean && column.kind != Kind::Integer => {
            out.extend_from_slice(column.open.indented(indent));
            write_text(out, bytes)?;
        }
        ValueRef::Integer(number @ 0..=1) if boolean => {
            out.extend_from_slice(column.open.indented(indent));
            out.extend_from_slice(if number == 1 { b"true" } else { b"false" });
        }
        ValueRef::Integer(number) if column.kind == Kind::Integer => {
            out.extend_from_slice(column.open.indented(indent));
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
        ValueRef::Null if column.nil != crate::record::Nil::Never => {
            out.extend_from_slice(column.nil_tag.indented(indent));
            return Ok(());
        }
        ValueRef::Blob(bytes) if column.computed.is_some() => {
            out.extend_from_slice(column.open.indented(indent));
            write_base64(out, bytes)?;
        }
        other => return Err(format!("holds {}, which it may not", other.data_type())),
    }
    out.extend_from_slice(column.close.bytes());
    Ok(())
}

/// Escapes a stored text, and refuses what XML cannot carry.
#[inline(always)]
fn write_text(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), String> {
    let look = super::names::Look::at(bytes);
    if !look.plain()
        && let Some(character) = look.find_illegal(utf8(bytes)?)
    {
        return Err(format!("holds the character U+{:04X}, which XML cannot carry", u32::from(character)));
    }
    if look.control() {
        escape(out, bytes, |rest| rest.iter().position(|byte| matches!(byte, b'&' | b'<' | b'>' | b'\r')));
    } else {
        escape(out, bytes, |rest| memchr::memchr3(b'&', b'<', b'>', rest));
    }
    Ok(())
}

/// How many bytes one byte of a text is at most once it is escaped: `&amp;`.
pub(crate) const WIDEST: usize = 5;

/// How long a text is once it is escaped, in bytes.
pub(crate) fn escaped(bytes: &[u8]) -> usize {
    let count = |is: fn(&u8) -> bool| bytes.iter().filter(|byte| is(byte)).count();
    bytes.len() + 3 * count(|byte| matches!(byte, b'<' | b'>')) + 4 * count(|byte| matches!(byte, b'&' | b'\r'))
}

/// Escapes what `find` finds.
fn escape(out: &mut Vec<u8>, mut rest: &[u8], find: impl Fn(&[u8]) -> Option<usize>) {
    while let Some(at) = find(rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(match rest[at] {
            b'&' => b"&amp;".as_slice(),
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            _ => b"&#13;",
        });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}
