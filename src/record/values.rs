//! The values of some of a record's columns: what a request gives, what a document says.

use rusqlite::types::ValueRef;

use super::{Column, Nil, Parts, Table, Unknown, Unknowns, Writable};
use crate::error::{Error, Result};
use crate::password::Password;
use crate::value::{Kind, Value, is_space};

/// The longest text that a field can have, in bytes: 16 MiB.
pub(crate) const LONGEST_TEXT: usize = 16 << 20;
pub(crate) const TOO_LONG: &str = "is longer than 16 MiB; shorten it";

/// A value, or nothing, for every column of a table.
#[derive(Clone, Debug)]
pub struct Values {
    pub(crate) table: &'static Table,
    /// Up to the last column that has one.
    values: Vec<Option<Value>>,
    /// The text of the table's attached element.
    pub(crate) attached: Option<String>,
    /// What the attached text says, once it was read; it is no longer kept then.
    pub(crate) parts: Option<Box<Result<Option<Parts>>>>,
    /// What a create asks for by the elements that are not stored, by their names.
    asked: Vec<(&'static str, String)>,
    /// What the document besides has, which no column takes.
    pub(crate) unknown: Unknowns,
    /// Whether the attached text may have commas for decimal points.
    pub(crate) decimal_comma: bool,
    /// The password of a new person, until it is hashed.
    pub(crate) password: Option<Password>,
}

impl Values {
    pub(crate) fn new(table: &'static Table) -> Self {
        Values::with_width(table, table.columns.len())
    }

    /// With room for the values of the first `width` columns.
    pub(crate) fn with_width(table: &'static Table, width: usize) -> Self {
        Values {
            table,
            values: Vec::with_capacity(width),
            attached: None,
            parts: None,
            asked: Vec::new(),
            unknown: Unknowns::default(),
            decimal_comma: false,
            password: None,
        }
    }

    /// Up to which column there are values.
    pub(crate) fn width(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn at(&self, position: usize) -> Option<&Value> {
        self.values.get(position)?.as_ref()
    }

    #[inline]
    pub(crate) fn set_at(&mut self, position: usize, value: Value) {
        *self.slot(position) = Some(value);
    }

    #[inline]
    fn slot(&mut self, position: usize) -> &mut Option<Value> {
        while self.values.len() <= position {
            self.values.push(None);
        }
        &mut self.values[position]
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.at(self.table.position(name))
    }

    /// The text of a field, where it is given and not nil.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.set_at(self.table.position(name), value.into());
    }

    /// The text of an element that is not stored, where it is given and not blank.
    pub(crate) fn asked(&self, element: &str) -> Option<&str> {
        let (_, text) = self.asked.iter().find(|(name, _)| *name == element)?;
        Some(text.trim_matches(is_space)).filter(|text| !text.is_empty())
    }

    /// Sets the text of an element that is not stored.
    pub(crate) fn ask(&mut self, element: &'static str, text: String) {
        self.asked.retain(|(name, _)| *name != element);
        self.asked.push((element, text));
    }

    /// Takes the value of a field, which is then not given.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.values.get_mut(self.table.position(name))?.take()
    }

    /// Sets a field unless it is given.
    pub(crate) fn default(&mut self, name: &str, value: impl FnOnce() -> Value) {
        let slot = self.slot(self.table.position(name));
        if slot.is_none() {
            *slot = Some(value());
        }
    }

    /// The integer of a field, where it is given and not nil.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// Sets each column that has a default and is not given; the record's own datetimes are `now`.
    pub(crate) fn default_columns(&mut self, now: &str) {
        for (position, column) in self.table.columns.iter().enumerate() {
            if self.at(position).is_some() {
                continue;
            }
            match column.default {
                Some(constant) => self.set_at(position, constant.into()),
                None if matches!(column.name, "created_at" | "updated_at") => self.set_at(position, Value::from(now)),
                None => {}
            }
        }
    }

    /// Takes a field back.
    pub(crate) fn drop(&mut self, name: &str) {
        let position = self.table.position(name);
        if let Some(value) = self.values.get_mut(position) {
            *value = None;
        }
    }

    /// Drops what a request may not set.
    pub(crate) fn keep_writable(&mut self, creating: bool) {
        for (column, value) in self.table.columns.iter().zip(&mut self.values) {
            let writable = match column.writable {
                Writable::Never => false,
                Writable::OnCreate => creating,
                Writable::Always => true,
            };
            if !writable {
                *value = None;
            }
        }
    }

    /// Drops what is computed and not stored.
    pub(crate) fn keep_stored(&mut self) {
        for (column, value) in self.table.columns.iter().zip(&mut self.values) {
            if column.computed.is_some() {
                *value = None;
            }
        }
    }

    /// Checks every given field against its column, and on `create` that the required ones are
    /// there.
    pub(crate) fn check(&mut self, create: bool) -> Result<()> {
        for (position, column) in self.table.columns.iter().enumerate() {
            let refuse = |reason: String| Err(Error::invalid(column.element, reason));
            let Some(Some(value)) = self.values.get_mut(position) else {
                if create && column.required {
                    return Err(missing(column.element, &self.unknown));
                }
                continue;
            };
            if let Err(reason) = column.kind.check(value) {
                return refuse(reason);
            }
            match value {
                Value::Null if column.nil == Nil::Never => return refuse("cannot be nil".to_owned()),
                Value::Text(text) if text.len() > LONGEST_TEXT => return refuse(TOO_LONG.to_owned()),
                Value::Text(text) if column.kind == Kind::Text => {
                    if text.chars().nth(column.longest).is_some() {
                        return refuse(format!("has more than {} characters; shorten it", column.longest));
                    }
                    if column.unspaced && (text.is_empty() || text.contains(is_space)) {
                        return refuse("is empty or has white space; it may have none".to_owned());
                    }
                    if column.required && text.chars().all(is_space) {
                        return refuse("is required and cannot be blank".to_owned());
                    }
                    if !column.allowed.is_empty() {
                        match column.listed_as(text) {
                            Some(allowed) => *text = allowed.to_owned(),
                            None => return refuse(format!("must be one of {}", column.allowed.join(", "))),
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The given fields, with their positions.
    pub(crate) fn given(&self) -> impl Iterator<Item = (usize, &Value)> {
        self.values.iter().enumerate().filter_map(|(at, value)| Some((at, value.as_ref()?)))
    }
}

/// A required field is missing; perhaps it is there under a mistyped name.
fn missing(element: &'static str, unknown: &Unknowns) -> Error {
    let (reason, line) = match unknown.meant(element) {
        Some(Unknown { element: sent, line, .. }) => {
            (format!("is required; unknown element {sent}: did you mean {element}?"), Some(*line))
        }
        None => ("is required".to_owned(), None),
    };
    Error::Invalid { field: element, reason, line }
}

impl Column {
    /// The listed value that was sent.
    fn listed_as(&self, sent: &str) -> Option<&'static str> {
        self.allowed.iter().copied().find(|allowed| same_value(sent, allowed))
    }

    /// A value as it is stored: a listed one as it is listed.
    pub(super) fn listed<'a>(&self, value: &'a Value) -> ValueRef<'a> {
        match value {
            Value::Text(text) => ValueRef::Text(self.listed_as(text).unwrap_or(text).as_bytes()),
            other => other.as_ref(),
        }
    }
}

/// Whether a listed value is the one that was sent: in any case, with dashes or underscores (`docs/spec/wire.md`).
fn same_value(sent: &str, listed: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    sent.trim_matches(is_space).bytes().map(plain).eq(listed.bytes().map(plain))
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.table, other.table)
            && self.given().eq(other.given())
            && self.attached == other.attached
            && self.asked == other.asked
            && self.password == other.password
    }
}
