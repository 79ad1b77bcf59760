//! From a JSON document to fields.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::scan::Scan;
use crate::error::{Error, Result};
use crate::format::xml::find_illegal;

/// Reads the message of an error document.
pub(super) fn read_error(body: &[u8]) -> Result<String> {
    let text = Text::new(body)?;
    let whole = text.parse()?;
    let mut message = None;
    if is_object(whole) {
        members(whole, &mut |name, value| {
            if value.starts_with('"') && name == "message" {
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

    pub(super) fn as_str(&self) -> &'a str {
        self.text
    }

    /// Whether the text begins like an object; the rest need not be JSON.
    pub(super) fn is_object(&self) -> bool {
        self.begins_with('{')
    }

    /// Whether the text begins like a list; the rest need not be JSON.
    pub(super) fn is_list(&self) -> bool {
        self.begins_with('[')
    }

    fn begins_with(&self, first: char) -> bool {
        self.text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with(first)
    }

    /// The line in which a part of the text begins.
    pub(super) fn line(&self, part: &str) -> u64 {
        self.position(part).0
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

/// The text of a text or a number, as it was written; none of null.
pub(super) fn plain_text(raw: &str) -> Result<Option<Cow<'_, str>>, String> {
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

/// The name of a member: a part of the text where nothing in it is escaped, and else at most the first [`LONGEST_NAME`]
/// bytes of it.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

/// No field has a longer name, in bytes.
pub(super) const LONGEST_NAME: usize = 256;

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(name.into()))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(name[..name.floor_char_boundary(LONGEST_NAME)].to_owned().into()))
            }
        }

        deserializer.deserialize_str(Names)
    }
}

/// Gives each member of an object: its name, and its value as it is written.
pub(crate) fn members<'a>(object: &'a str, each: &mut dyn FnMut(Cow<'a, str>, &'a str) -> Result<()>) -> Result<()> {
    struct Members<'e, 'a> {
        each: &'e mut dyn FnMut(Cow<'a, str>, &'a str) -> Result<()>,
        failed: &'e mut Option<Error>,
    }

    impl<'a> Visitor<'a> for Members<'_, 'a> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(Name(name)) = map.next_key()? {
                let value: &'a RawValue = map.next_value()?;
                if let Err(error) = (self.each)(name, value.get()) {
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
pub(super) fn elements<'a>(list: &'a str, each: &mut dyn FnMut(&'a str) -> Result<()>) -> Result<()> {
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
    let mut deserializer = serde_json::Deserializer::from_str(list);
    let read = deserializer.deserialize_seq(visitor).and_then(|()| deserializer.end());
    read.map_err(|error| failed.take().unwrap_or_else(|| syntax(&error)))
}
