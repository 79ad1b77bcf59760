//! From a JSON document to fields.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::scan::Scan;
use crate::error::{Error, Result};
use crate::format::Purpose;
use crate::format::fill::{Filler, Found, field_value};
use crate::format::xml::find_illegal;
use crate::record::{Column, Document, Values};
use crate::value::{Kind, Value};

/// Reads the document of one record, wrapped or bare.
pub(crate) fn read_record(body: &[u8], document: &'static Document, purpose: Purpose) -> Result<Values> {
    let text = Text::new(body)?;
    if !text.is_object() {
        let whole = text.parse()?;
        return Err(text.error(whole, format!("the body is {}, not an object like {}", what(whole), example(document))));
    }
    record(&text, document, purpose)
}

/// Reads a list of records, one at a time.
pub(super) fn read_list(
    body: &[u8],
    document: &'static Document,
    mut each: impl FnMut(Values) -> Result<()>,
) -> Result<()> {
    let text = Text::new(body)?;
    let whole = text.parse()?;
    if !whole.starts_with('[') {
        return Err(text.error(whole, format!("the document is {}, not a list", what(whole))));
    }
    elements(whole, &mut |item| each(list_record(&text, item, document)?))
}

/// Reads a record of a list, which stands in its wrapper.
pub(crate) fn list_record(text: &Text<'_>, item: &str, document: &'static Document) -> Result<Values> {
    if !is_object(item) {
        return Err(text.error(item, format!("here stands {}, not {}", what(item), example(document))));
    }
    let mut wrapped = None;
    members(item, &mut |name, value| {
        if is_object(value) && document.is_wrapper(&unescaped(name)) {
            wrapped = Some(value);
        }
        Ok(())
    })?;
    match wrapped {
        Some(object) => fields(text, object, document, Purpose::Document),
        None => Err(text.error(item, format!("the object is not {}", example(document)))),
    }
}

/// Reads the message of an error document.
pub(super) fn read_error(body: &[u8]) -> Result<String> {
    let text = Text::new(body)?;
    let whole = text.parse()?;
    let mut message = None;
    if is_object(whole) {
        members(whole, &mut |name, value| {
            if value.starts_with('"') && unescaped(name) == "message" {
                message = Some(value);
            }
            Ok(())
        })?;
    }
    match message {
        Some(message) => Ok(unescaped(message).into_owned()),
        None => Err(text.error(whole, "the error document has no message".to_owned())),
    }
}

fn example(document: &Document) -> String {
    format!("{{\"{}\":{{...}}}}", document.json_one())
}

/// A document's text: UTF-8, no deeper than may be, every surrogate in its pair.
pub(crate) struct Text<'a> {
    text: &'a str,
    /// Where the text starts in its document: lines and columns before it.
    start: (u64, u64),
}

impl<'a> Text<'a> {
    /// A whole document. A byte order mark is skipped.
    pub(super) fn new(document: &'a [u8]) -> Result<Self> {
        let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
        if let Err((at, reason)) = Scan::whole(document) {
            let (line, column) = position(&document[..at], (1, 1));
            return Err(Error::Json { line, column, reason: reason.to_owned() });
        }
        match std::str::from_utf8(document) {
            Ok(text) => Ok(Text { text, start: (1, 1) }),
            Err(error) => {
                let (line, column) = position(&document[..error.valid_up_to()], (1, 1));
                Err(Error::Json { line, column, reason: "the document is not UTF-8".to_owned() })
            }
        }
    }

    /// A part of a document that was scanned and parsed already, which starts at a line and a column.
    pub(crate) fn part(text: &'a str, start: (u64, u64)) -> Self {
        Text { text, start }
    }

    /// Parses the whole text, and gives it without the white space around it.
    pub(super) fn parse(&self) -> Result<&'a str> {
        serde_json::from_str::<&RawValue>(self.text).map(RawValue::get).map_err(|error| syntax(&error))
    }

    /// Whether the text begins like an object; the rest need not be JSON.
    fn is_object(&self) -> bool {
        is_object(self.text.trim_start_matches([' ', '\t', '\n', '\r']))
    }

    /// The line and the column of a part of the text.
    fn position(&self, part: &str) -> (u64, u64) {
        let at = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        position(self.text.as_bytes().get(..at).unwrap_or_default(), self.start)
    }

    /// What is wrong with a part of the text.
    pub(crate) fn error(&self, part: &str, reason: String) -> Error {
        let (line, column) = self.position(part);
        Error::Json { line, column, reason }
    }
}

/// The line and the column right after some text.
fn position(before: &[u8], start: (u64, u64)) -> (u64, u64) {
    match memchr::memrchr(b'\n', before) {
        Some(end) => (start.0 + memchr::memchr_iter(b'\n', before).count() as u64, (before.len() - end) as u64),
        None => (start.0, start.1 + before.len() as u64),
    }
}

/// What the parser found wrong, and where.
pub(crate) fn syntax(error: &serde_json::Error) -> Error {
    let reason = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = reason.strip_suffix(&place).unwrap_or(&reason);
    Error::Json {
        line: (error.line() as u64).max(1),
        column: (error.column() as u64).max(1),
        reason: format!("this is not JSON: {reason}"),
    }
}

pub(crate) fn is_object(value: &str) -> bool {
    value.starts_with('{')
}

/// What a value is, in words.
pub(crate) fn what(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The fields of a text that is an object: of a record, wrapped or bare.
fn record(text: &Text<'_>, document: &'static Document, purpose: Purpose) -> Result<Values> {
    let mut wrapped = None;
    // The only member, and whether there is no other.
    let mut only: Option<(&str, &str)> = None;
    let mut several = false;
    members(text.text, &mut |name, value| {
        if is_object(value) && document.is_wrapper(&unescaped(name)) {
            wrapped = Some(value);
        }
        match &mut only {
            Some(_) if several => {}
            Some((first, last)) if *first == name || unescaped(first) == unescaped(name) => *last = value,
            Some(_) => several = true,
            None => only = Some((name, value)),
        }
        Ok(())
    })?;
    let sole = only.filter(|(name, value)| !several && is_object(value) && !document.has_field(&unescaped(name)));
    fields(text, wrapped.or(sole.map(|(_, value)| value)).unwrap_or(text.text), document, purpose)
}

/// The fields in an object. A repeated member: the last wins.
fn fields(text: &Text<'_>, object: &str, document: &'static Document, purpose: Purpose) -> Result<Values> {
    let mut filler = Filler::new(document, purpose, document.table.columns.len());
    let plain = |field, raw: &str| {
        let refuse = |reason| Error::Invalid { field, reason, line: Some(text.position(raw).0) };
        plain_text(raw).map(|text| text.unwrap_or_default().into_owned()).map_err(refuse)
    };
    members(object, &mut |name, raw| {
        let name = unescaped(name);
        let found = filler.find(&name);
        match found {
            Found::Column(position) | Found::StandIn { position, .. } => {
                let column = &document.table.columns[position];
                let read = value(column, raw).map_err(|reason| {
                    let line = Some(text.position(raw).0);
                    Error::Invalid { field: column.element, reason, line }
                })?;
                if let Some(value) = read {
                    filler.set(found, value);
                }
            }
            Found::Attached => {
                filler.values.attached = Some(plain(document.attached.unwrap_or_default(), raw)?);
            }
            Found::Asked(element) => filler.values.ask(element, plain(element, raw)?),
            Found::Unplaced if raw == "null" || raw == "\"\"" => {}
            Found::Unplaced | Found::Nothing => filler.values.unknown.add(&name, || text.position(raw).0),
            Found::Ignored => {}
        }
        Ok(())
    })?;
    Ok(filler.finish())
}

/// What a member says; `None` leaves the field as it is.
fn value(column: &Column, raw: &str) -> Result<Option<Value>, String> {
    if column.kind == Kind::Boolean && (raw == "true" || raw == "false") {
        return Ok(Some(Value::Integer(i64::from(raw == "true"))));
    }
    match plain_text(raw)? {
        Some(text) => field_value(column, text, false),
        None => field_value(column, Cow::Borrowed(""), true),
    }
}

/// The text of a text or a number, as it was written; none of null.
fn plain_text(raw: &str) -> Result<Option<Cow<'_, str>>, String> {
    match raw.as_bytes().first() {
        Some(b'"') => {
            let text = unescaped(raw);
            match find_illegal(&text) {
                Some(character) => Err(format!(
                    "holds the character U+{:04X}, which XML cannot carry; remove it",
                    u32::from(character)
                )),
                None => Ok(Some(text)),
            }
        }
        Some(b'n') => Ok(None),
        Some(b'-' | b'0'..=b'9') => Ok(Some(Cow::Borrowed(raw))),
        _ => Err(format!("cannot be {}", what(raw))),
    }
}

/// The text of a string that was parsed already.
pub(crate) fn unescaped(raw: &str) -> Cow<'_, str> {
    let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw);
    let Some(first) = memchr::memchr(b'\\', inner.as_bytes()) else { return Cow::Borrowed(inner) };
    // Never longer than its escaped form.
    let mut text = String::with_capacity(inner.len());
    let (plain, mut rest) = inner.split_at(first);
    text.push_str(plain);
    while let Some(escape) = rest.strip_prefix('\\') {
        let (character, after) = escaped(escape);
        text.push(character);
        let plain = memchr::memchr(b'\\', after.as_bytes()).unwrap_or(after.len());
        text.push_str(&after[..plain]);
        rest = &after[plain..];
    }
    Cow::Owned(text)
}

/// The character of an escape whose backslash was read, and what follows.
fn escaped(escape: &str) -> (char, &str) {
    let unit = |text: &str| text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let (kind, rest) = escape.split_at(escape.len().min(1));
    let character = match kind {
        "b" => '\u{8}',
        "f" => '\u{C}',
        "n" => '\n',
        "r" => '\r',
        "t" => '\t',
        "u" => {
            let high = unit(rest).unwrap_or_default();
            let rest = rest.get(4..).unwrap_or_default();
            let Some(low) = rest.strip_prefix("\\u").and_then(unit).filter(|_| (0xD800..0xDC00).contains(&high)) else {
                return (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), rest);
            };
            let pair = 0x10000 + ((high - 0xD800) << 10) + low.wrapping_sub(0xDC00);
            return (char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER), rest.get(6..).unwrap_or_default());
        }
        other => other.chars().next().unwrap_or('\\'),
    };
    (character, rest)
}

/// Gives each member of an object: its name and its value, both as they are written.
pub(crate) fn members<'a>(object: &'a str, each: &mut dyn FnMut(&'a str, &'a str) -> Result<()>) -> Result<()> {
    struct Members<'e, 'a> {
        each: &'e mut dyn FnMut(&'a str, &'a str) -> Result<()>,
        failed: &'e mut Option<Error>,
    }

    impl<'a> Visitor<'a> for Members<'_, 'a> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(name) = map.next_key::<&'a RawValue>()? {
                let value: &'a RawValue = map.next_value()?;
                if let Err(error) = (self.each)(name.get(), value.get()) {
                    *self.failed = Some(error);
                    return Err(A::Error::custom("refused"));
                }
            }
            Ok(())
        }
    }

    let mut failed = None;
    let visitor = Members { each, failed: &mut failed };
    let mut deserializer = serde_json::Deserializer::from_str(object);
    let read = deserializer.deserialize_map(visitor).and_then(|()| deserializer.end());
    read.map_err(|error| failed.take().unwrap_or_else(|| syntax(&error)))
}

/// Gives each element of a list.
fn elements<'a>(list: &'a str, each: &mut dyn FnMut(&'a str) -> Result<()>) -> Result<()> {
    struct Elements<'e, 'a> {
        each: &'e mut dyn FnMut(&'a str) -> Result<()>,
        failed: &'e mut Option<Error>,
    }

    impl<'a> Visitor<'a> for Elements<'_, 'a> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
            while let Some(item) = list.next_element::<&'a RawValue>()? {
                if let Err(error) = (self.each)(item.get()) {
                    *self.failed = Some(error);
                    return Err(A::Error::custom("refused"));
                }
            }
            Ok(())
        }
    }

    let mut failed = None;
    let visitor = Elements { each, failed: &mut failed };
    let read = serde_json::Deserializer::from_str(list).deserialize_seq(visitor);
    read.map_err(|error| failed.take().unwrap_or_else(|| syntax(&error)))
}
