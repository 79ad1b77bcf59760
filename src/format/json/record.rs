//! The fields of a record, found in one pass over its document. Values that no field takes are passed over, and nothing is
//! made of them; of a field that is repeated only the last value that sets it is read.

use std::borrow::Cow;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::read::{LONGEST_NAME, Name, Text, elements, is_object, plain_text, syntax, what};
use crate::error::{Error, Result};
use crate::format::Purpose;
use crate::format::fill::{Filler, Found, field_value, meaning};
use crate::record::{Column, Document, Known, Unknowns, Values};
use crate::value::{Kind, Value};

/// Reads the document of one record, wrapped or bare.
pub(crate) fn read_record(body: &[u8], document: &'static Document, purpose: Purpose) -> Result<Values> {
    let text = Text::new(body)?;
    if !text.is_object() {
        let whole = text.parse()?;
        return Err(text.error(whole, format!("the body is {}, not an object like {}", what(whole), example(document))));
    }
    let found = Object::read(&text, text.as_str(), document, purpose)?;
    found.wrapped.or(found.sole).unwrap_or(found.bare).values(&text)
}

/// Reads a list of records, one at a time.
pub(super) fn read_list(
    body: &[u8],
    document: &'static Document,
    mut each: impl FnMut(Values) -> Result<()>,
) -> Result<()> {
    let text = Text::new(body)?;
    if !text.is_list() {
        let whole = text.parse()?;
        return Err(text.error(whole, format!("the document is {}, not a list", what(whole))));
    }
    elements(text.as_str(), &mut |item| each(list_record(&text, item, document)?))
}

/// Reads a record of a list, which stands in its wrapper.
pub(crate) fn list_record(text: &Text<'_>, item: &str, document: &'static Document) -> Result<Values> {
    if !is_object(item) {
        return Err(text.error(item, format!("here stands {}, not {}", what(item), example(document))));
    }
    match Object::read(text, item, document, Purpose::Document)?.wrapped {
        Some(fields) => fields.values(text),
        None => Err(text.error(item, format!("the object is not {}", example(document)))),
    }
}

fn example(document: &Document) -> String {
    format!("{{\"{}\":{{...}}}}", document.json_one())
}

/// What the members of an object say of a record's fields.
struct Fields<'a> {
    document: &'static Document,
    purpose: Purpose,
    /// What each name was found to be, and its value as it is written.
    found: Vec<(Found, &'a str)>,
    /// A bit for each of the first 64 columns that was found.
    seen: u64,
    unknown: Unknowns,
}

/// Room for the fields of most documents.
const MOSTLY: usize = 16;

impl<'a> Fields<'a> {
    fn new(document: &'static Document, purpose: Purpose) -> Self {
        Fields { document, purpose, found: Vec::new(), seen: 0, unknown: Unknowns::default() }
    }

    fn meaning(&self, known: Option<&Known>, name: &str) -> Found {
        known.map_or(Found::Nothing, |known| meaning(self.document, known, name, self.purpose))
    }

    /// Keeps what a field says; what it said before is forgotten.
    fn keep(&mut self, found: Found, raw: &'a str) {
        let bit = match found {
            Found::Column(position @ 0..64) => 1 << position,
            _ => 0,
        };
        let is_new = bit != 0 && self.seen & bit == 0;
        self.seen |= bit;
        match self.found.iter_mut().find(|(other, _)| !is_new && *other == found) {
            Some((_, kept)) => {
                // What leaves the field as it is leaves it as it was said before, too.
                let leaves = match found {
                    Found::Column(position) | Found::StandIn { position, .. } if may_be_blank(raw) => {
                        matches!(value(&self.document.table.columns[position], raw), Ok(None))
                    }
                    _ => false,
                };
                if !leaves {
                    *kept = raw;
                }
            }
            None => {
                if self.found.capacity() == 0 {
                    self.found.reserve(MOSTLY);
                }
                self.found.push((found, raw));
            }
        }
    }

    /// Takes in a member: its name, and its value where that was read already.
    fn member<M: MapAccess<'a>>(
        &mut self,
        text: &Text<'a>,
        map: &mut M,
        (name, found): (&Cow<'a, str>, Found),
        read: Option<&'a str>,
    ) -> Result<(), M::Error> {
        let mut raw = || match read {
            Some(raw) => Ok(raw),
            None => map.next_value::<&RawValue>().map(RawValue::get),
        };
        match (found, name) {
            (Found::Ignored, _) => pass_over(map, read)?,
            // The name's own place tells its line.
            (Found::Nothing, Cow::Borrowed(name)) => {
                pass_over(map, read)?;
                self.unknown.add(name, || text.line(name));
            }
            (Found::Nothing, Cow::Owned(name)) => {
                let raw = raw()?;
                self.unknown.add(name, || text.line(raw));
            }
            (Found::Unplaced, name) => match raw()? {
                "null" | "\"\"" => {}
                raw => self.unknown.add(name, || text.line(raw)),
            },
            _ => {
                let raw = raw()?;
                self.keep(found, raw);
            }
        }
        Ok(())
    }

    /// The values of the fields.
    fn values(self, text: &Text<'_>) -> Result<Values> {
        let Fields { document, purpose, found, unknown, .. } = self;
        let mut filler = Filler::new(document, purpose, document.table.columns.len());
        filler.values.unknown = unknown;
        for (found, raw) in found {
            let refuse = |field, reason| Error::Invalid { field, reason, line: Some(text.line(raw)) };
            let plain = |field| {
                plain_text(raw)
                    .map(|text| text.unwrap_or_default().into_owned())
                    .map_err(|reason| refuse(field, reason))
            };
            match found {
                Found::Column(position) | Found::StandIn { position, .. } => {
                    let column = &document.table.columns[position];
                    if let Some(value) = value(column, raw).map_err(|reason| refuse(column.element, reason))? {
                        filler.set(found, value);
                    }
                }
                Found::Attached => filler.values.attached = Some(plain(document.attached.unwrap_or_default())?),
                Found::Asked(element) => filler.values.ask(element, plain(element)?),
                Found::Ignored | Found::Unplaced | Found::Nothing => {}
            }
        }
        Ok(filler.finish())
    }
}

fn pass_over<'a, M: MapAccess<'a>>(map: &mut M, read: Option<&'a str>) -> Result<(), M::Error> {
    match read {
        Some(_) => Ok(()),
        None => map.next_value::<IgnoredAny>().map(drop),
    }
}

/// Whether a value is null, or a string that may have nothing but white space, also by escapes; told without an allocation.
fn may_be_blank(raw: &str) -> bool {
    raw == "null" || raw.bytes().all(|byte| matches!(byte, b'"' | b' ' | b'\\' | b't' | b'n' | b'r'))
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

/// An object that is a record, wrapped or bare; which of these is known at its end.
struct Object<'r, 'a> {
    text: &'r Text<'a>,
    /// The object itself, as it is written.
    whole: &'a str,
    /// The fields of the object itself.
    bare: Fields<'a>,
    /// Those in the last wrapper that is an object.
    wrapped: Option<Fields<'a>>,
    /// Those in the object that the only member is, where its name is that of no field.
    sole: Option<Fields<'a>>,
    /// The name of the first member.
    first: Option<Cow<'a, str>>,
    /// Whether a member has another name.
    several: bool,
}

impl<'r, 'a> Object<'r, 'a> {
    fn read(text: &'r Text<'a>, whole: &'a str, document: &'static Document, purpose: Purpose) -> Result<Self> {
        let bare = Fields::new(document, purpose);
        let object = Object { text, whole, bare, wrapped: None, sole: None, first: None, several: false };
        let mut deserializer = serde_json::Deserializer::from_str(whole);
        let read = deserializer.deserialize_map(object).and_then(|object| deserializer.end().map(|()| object));
        read.map_err(|error| syntax(&error))
    }

    /// The fields in the next value, where it is an object; else the value, where it had to be read.
    fn inside<M: MapAccess<'a>>(&self, map: &mut M, name: &Cow<'a, str>) -> Result<Inside<'a>, M::Error> {
        let Object { text, whole, bare, .. } = self;
        let within = || Within { text, fields: Fields::new(bare.document, bare.purpose) };
        match name {
            // What is borrowed stands in the text, and its value behind it.
            Cow::Borrowed(name) => match behind(whole, name) {
                object if is_object(object) => {
                    // What it is matters, not where it ends.
                    map.next_value_seed(within()).map(|fields| Inside::Fields(fields, &object[..1]))
                }
                _ => Ok(Inside::Unread),
            },
            Cow::Owned(_) => {
                let raw = map.next_value::<&RawValue>()?.get();
                if !is_object(raw) {
                    return Ok(Inside::Other(raw));
                }
                // It was parsed already, so that this cannot fail.
                let fields = within().deserialize(&mut serde_json::Deserializer::from_str(raw));
                Ok(fields.map_or(Inside::Other(raw), |fields| Inside::Fields(fields, raw)))
            }
        }
    }
}

/// What a value holds.
enum Inside<'a> {
    Fields(Fields<'a>, &'a str),
    Other(&'a str),
    Unread,
}

/// What stands behind a name and its colon.
fn behind<'a>(text: &'a str, name: &str) -> &'a str {
    let is_blank = |character| matches!(character, ' ' | '\t' | '\n' | '\r');
    let end = (name.as_ptr() as usize).saturating_sub(text.as_ptr() as usize) + name.len();
    let value = text.get(end..).and_then(|rest| rest.strip_prefix('"')?.trim_start_matches(is_blank).strip_prefix(':'));
    value.map_or("", |value| value.trim_start_matches(is_blank))
}

impl<'a> Visitor<'a> for Object<'_, 'a> {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<Self, M::Error> {
        let document = self.bare.document;
        while let Some(Name(name)) = map.next_key()? {
            let known = document.names().find(&name);
            let (is_wrapper, is_field) = known.map_or((false, false), |known| (known.is_wrapper, known.is_field));
            // Of long names that have escapes only the beginning is known: each counts as another.
            let is_another = |first: &Cow<'_, str>| *first != name || name.len() >= LONGEST_NAME - 3;
            self.several |= self.first.as_ref().is_some_and(is_another);
            let found = self.bare.meaning(known, &name);
            let mut raw = None;
            if is_wrapper || (!is_field && !self.several) {
                let inside = self.inside(&mut map, &name)?;
                let fields = match inside {
                    Inside::Fields(fields, object) => {
                        raw = Some(object);
                        Some(fields)
                    }
                    Inside::Other(other) => {
                        raw = Some(other);
                        None
                    }
                    Inside::Unread => None,
                };
                match is_wrapper {
                    true => self.wrapped = fields.or(self.wrapped),
                    false => self.sole = fields,
                }
            }
            if self.several {
                self.sole = None;
            }
            self.bare.member(self.text, &mut map, (&name, found), raw)?;
            self.first.get_or_insert(name);
        }
        Ok(self)
    }
}

/// An object's members that are fields.
struct Within<'r, 'a> {
    text: &'r Text<'a>,
    fields: Fields<'a>,
}

impl<'a> DeserializeSeed<'a> for Within<'_, 'a> {
    type Value = Fields<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Fields<'a>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Within<'_, 'a> {
    type Value = Fields<'a>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<Fields<'a>, M::Error> {
        let names = self.fields.document.names();
        while let Some(Name(name)) = map.next_key()? {
            let found = self.fields.meaning(names.find(&name), &name);
            self.fields.member(self.text, &mut map, (&name, found), None)?;
        }
        Ok(self.fields)
    }
}
