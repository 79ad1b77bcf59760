//! From fields to a JSON document's bytes.

use rusqlite::types::ValueRef;

use crate::format::{Unwritable, write_base64};
use crate::record::{Column, Document, Nil};
use crate::value::{Kind, utf8};

/// Writes documents of one kind of record into a buffer.
pub(crate) struct Writer {
    document: &'static Document,
    /// `{"client":{` before one record, and before each of a list.
    open_one: String,
    open_item: String,
    /// After a list.
    end: &'static str,
}

impl Writer {
    pub(crate) fn new(document: &'static Document) -> Self {
        Self::ending(document, "]\n")
    }

    /// The same, for a list inside another document.
    pub(crate) fn nested(document: &'static Document) -> Self {
        Self::ending(document, "]")
    }

    fn ending(document: &'static Document, end: &'static str) -> Self {
        let element = document.element.replace('-', "_");
        let (one, item) = document.json.map_or((&*element, &*element), |names| (names.one, names.item));
        Writer { document, open_one: format!("{{\"{one}\":{{"), open_item: format!("{{\"{item}\":{{"), end }
    }

    pub(crate) fn start_list(&self, out: &mut Vec<u8>) {
        out.push(b'[');
    }

    pub(crate) fn end_list(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.end.as_bytes());
    }

    #[inline]
    pub(crate) fn list_record<'a>(
        &self,
        out: &mut Vec<u8>,
        first: bool,
        columns: &'static [Column],
        get: impl FnMut(usize) -> Option<ValueRef<'a>>,
    ) -> Result<(), Unwritable> {
        if !first {
            out.push(b',');
        }
        out.extend_from_slice(self.open_item.as_bytes());
        members(out, columns, get)?;
        out.extend_from_slice(b"}}");
        Ok(())
    }

    pub(crate) fn single<'a>(
        &self,
        out: &mut Vec<u8>,
        columns: &'static [Column],
        get: impl FnMut(usize) -> Option<ValueRef<'a>>,
        attached: Option<&str>,
    ) -> Result<(), Unwritable> {
        out.extend_from_slice(self.open_one.as_bytes());
        members(out, columns, get)?;
        if let (Some(element), Some(text)) = (self.document.attached, attached) {
            if out.last() != Some(&b'{') {
                out.push(b',');
            }
            write_string(out, element.replace('-', "_").as_bytes());
            out.push(b':');
            write_string(out, text.as_bytes());
        }
        out.extend_from_slice(b"}}\n");
        Ok(())
    }
}

#[inline(always)]
fn members<'a>(
    out: &mut Vec<u8>,
    columns: &'static [Column],
    mut get: impl FnMut(usize) -> Option<ValueRef<'a>>,
) -> Result<(), Unwritable> {
    let mut first = true;
    for (position, column) in columns.iter().enumerate() {
        if let Some(value) = get(position) {
            out.extend_from_slice(&column.member.as_bytes()[usize::from(first)..]);
            write_value(out, column, value).map_err(|reason| Unwritable { column: column.element, reason })?;
            first = false;
        }
    }
    Ok(())
}

#[inline(always)]
fn write_value(out: &mut Vec<u8>, column: &Column, value: ValueRef<'_>) -> Result<(), String> {
    match (column.kind, value) {
        (Kind::Boolean, ValueRef::Integer(number @ 0..=1)) => {
            out.extend_from_slice(if number == 1 { b"true" } else { b"false" });
        }
        (Kind::Integer, ValueRef::Integer(number)) => {
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
        (Kind::Decimal, ValueRef::Text(bytes)) => write_decimal(out, bytes)?,
        (Kind::Text | Kind::Date | Kind::DateTime, ValueRef::Text(bytes)) => {
            if !bytes.is_ascii() {
                utf8(bytes)?;
            }
            write_string(out, bytes);
        }
        (_, ValueRef::Blob(bytes)) if column.computed.is_some() => {
            out.push(b'"');
            write_base64(out, bytes)?;
            out.push(b'"');
        }
        (_, ValueRef::Null) if column.nil != Nil::Never => out.extend_from_slice(b"null"),
        (_, other) => return Err(format!("holds {}, which it may not", other.data_type())),
    }
    Ok(())
}

/// Writes a stored decimal with its own digits; an integral one has no fraction.
fn write_decimal(out: &mut Vec<u8>, text: &[u8]) -> Result<(), String> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if !digits.first().is_some_and(u8::is_ascii_digit)
        || !digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
    {
        return Err("holds no decimal".to_owned());
    }
    out.extend_from_slice(text.strip_suffix(b".0").unwrap_or(text));
    Ok(())
}

/// Writes a JSON string: quotes, backslashes and control characters are escaped, nothing else.
pub(crate) fn write_string(out: &mut Vec<u8>, mut rest: &[u8]) {
    out.push(b'"');
    while let Some(at) = first_escaped(rest) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Where the first byte stands that must be escaped.
#[inline]
fn first_escaped(bytes: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // Eight bytes at once: the high bit of a byte is set where it is less than the other, or a lower one is.
    let any_below = |eight: u64, other: u8| eight.wrapping_sub(EACH * u64::from(other)) & !eight & HIGH;
    let mut chunks = bytes.chunks_exact(8);
    let plain = chunks.by_ref().take_while(|chunk| {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        let eight = u64::from_le_bytes(eight);
        let quote = any_below(eight ^ (EACH * u64::from(b'"')), 1);
        let backslash = any_below(eight ^ (EACH * u64::from(b'\\')), 1);
        any_below(eight, b' ') | quote | backslash == 0
    });
    let start = plain.count() * 8;
    let found = bytes[start..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F));
    found.map(|at| start + at)
}
/// How many bytes one byte of a text is at most once it is escaped: `\u001f`.
pub(crate) const WIDEST: usize = 6;

/// How long a text is once it is escaped, in bytes, without the quotes around it.
pub(crate) fn escaped(bytes: &[u8]) -> usize {
    let more = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
        0..=0x1F => 5,
        _ => 0,
    };
    bytes.len() + bytes.iter().map(more).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_to_escape_is_found_wherever_it_stands() {
        for length in 0..20 {
            for byte in 0..=u8::MAX {
                let mut bytes = vec![b'!'; length];
                for at in 0..length {
                    bytes.fill(b'!');
                    bytes[at] = byte;
                    let is_escaped = matches!(byte, b'"' | b'\\' | 0..=0x1F);
                    assert_eq!(first_escaped(&bytes), is_escaped.then_some(at), "{byte} at {at} of {length}");
                }
            }
        }
    }
}
