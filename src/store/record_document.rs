//! The document of one record, and records whose texts are long: these are taken from the store first, and written
//! apart.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row};

use super::document::PIECE;
use super::{Entity, Reach, corrupt, list};
use crate::error::{Error, Result};
use crate::format::{Format, Unwritable, Writer};
use crate::record::Column;

/// What the tags of a column and its indentation come to at most, in bytes; in JSON, its name and the quotes.
const TAGS: usize = 128;

/// Which record's document it is, and its format.
#[derive(Clone, Copy)]
pub(crate) struct RecordDocument {
    pub(crate) entity: &'static Entity,
    /// The record that it belongs to, where its path names one.
    pub(crate) parent: Option<i64>,
    pub(crate) id: i64,
    pub(crate) reach: Reach,
    pub(crate) format: Format,
}

/// The document of one record.
pub(crate) enum Document {
    Short(Vec<u8>),
    /// It is longer than [`PIECE`]; it is to be written apart.
    Long,
}

impl RecordDocument {
    /// The document, unless it is long.
    pub(super) fn short(self, connection: &Connection) -> Result<Document> {
        let RecordDocument { entity, id, .. } = self;
        self.with_row(connection, |row| {
            let attached = match entity.attached {
                None => None,
                Some(attached) => match (attached.text)(connection, id, PIECE)? {
                    None => return Ok(Document::Long),
                    text => text,
                },
            };
            let (mut out, mut texts) = (Vec::with_capacity(1024), Texts::up_to(PIECE));
            let get = |position| texts.get(row, position);
            let written = self.writer().single(&mut out, self.columns(), get, attached.as_deref());
            if texts.are_long() || out.len() > PIECE {
                return Ok(Document::Long);
            }
            written.map_err(|error| damaged(entity, id, error))?;
            Ok(Document::Short(out))
        })
    }

    /// Takes the record from the store to be measured, and tells how long what is attached is at most.
    pub(super) fn take_to_measure(self, connection: &Connection) -> Result<(Taken, usize)> {
        let RecordDocument { entity, id, .. } = self;
        self.with_row(connection, |row| {
            let attached = entity.attached.map_or(Ok(0), |attached| (attached.at_most)(connection, id))?;
            Ok((Taken::of(row, entity, self.columns())?, attached))
        })
    }

    /// How long the document is at most, in bytes, given how long what is attached is.
    pub(super) fn at_most(self, taken: &Taken, attached: usize) -> usize {
        longest(&self.writer(), taken.values.iter().map(ValueRef::from)) + attached + TAGS
    }

    /// Takes the record from the store with what is attached to it.
    pub(super) fn take(self, connection: &Connection) -> Result<(Taken, Option<String>)> {
        let RecordDocument { entity, id, .. } = self;
        self.with_row(connection, |row| {
            let attached = entity.attached.map(|attached| (attached.text)(connection, id, usize::MAX));
            Ok((Taken::of(row, entity, self.columns())?, attached.transpose()?.flatten()))
        })
    }

    /// Writes the document of the record that was taken, into this much room.
    pub(super) fn write(self, taken: &Taken, attached: Option<&str>, room: usize) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(room);
        self.writer()
            .single(&mut out, self.columns(), |position| taken.get(position), attached)
            .map_err(|error| damaged(self.entity, taken.id, error))?;
        Ok(out)
    }

    fn writer(self) -> Writer {
        Writer::new(self.entity.document, self.format)
    }

    fn columns(self) -> &'static [Column] {
        self.entity.table.columns_of(self.format.view())
    }

    /// Reads the record's row, where it belongs to the one that its path names.
    fn with_row<T>(self, connection: &Connection, run: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        let Entity { table, document, .. } = self.entity;
        let one = table.sql().one(self.format.view());
        let reached = self.entity.reached(self.reach);
        let narrow = reached.map(|(condition, _)| format!("{one} AND {condition}"));
        let mut statement = connection.prepare_cached(narrow.as_deref().unwrap_or(one))?;
        let mut rows = match reached {
            None => statement.query([self.id]),
            Some((_, actor)) => statement.query([self.id, actor]),
        }?;
        match rows.next()? {
            Some(row) if self.belongs(row)? => run(row),
            _ => Err(Error::NotFound { record: document.element, id: self.id }),
        }
    }

    /// Whether a row belongs to the record that the path names.
    fn belongs(self, row: &Row<'_>) -> Result<bool> {
        match (&self.entity.parent, self.parent) {
            (Some(named), Some(id)) => Ok(row.get::<_, i64>(self.entity.table.position(named.column))? == id),
            _ => Ok(true),
        }
    }
}

/// The texts of a record that is being written, as far as they are short together.
pub(super) struct Texts {
    most: usize,
    length: usize,
}

impl Texts {
    pub(super) fn up_to(most: usize) -> Self {
        Texts { most, length: 0 }
    }

    /// A column's value; none once the texts are long.
    pub(super) fn get<'a>(&mut self, row: &'a Row<'_>, position: usize) -> Option<ValueRef<'a>> {
        let value = row.get_ref(position).ok()?;
        if let ValueRef::Text(text) = value {
            self.length += text.len();
        }
        (!self.are_long()).then_some(value)
    }

    pub(super) fn are_long(&self) -> bool {
        self.length > self.most
    }
}

/// How long a record's document is at most without what is attached, in bytes.
pub(super) fn longest<'a>(writer: &Writer, values: impl Iterator<Item = ValueRef<'a>>) -> usize {
    let length = |value| if let ValueRef::Text(text) = value { writer.escaped(text) } else { 0 };
    values.map(|value| length(value) + TAGS).sum::<usize>() + TAGS
}

/// A record whose texts are long, taken from the store: the store need not wait for it to be written.
pub(crate) struct Taken {
    pub(super) id: i64,
    values: Vec<Value>,
}

impl Taken {
    pub(super) fn of(row: &Row<'_>, entity: &'static Entity, columns: &[Column]) -> Result<Self> {
        let read = |position: usize| {
            Value::try_from(row.get_ref(position)?).map_err(|error| {
                let column = columns[position].element;
                damaged(entity, list::id(row), Unwritable { column, reason: error.to_string() })
            })
        };
        Ok(Taken { id: list::id(row), values: (0..columns.len()).map(read).collect::<Result<_>>()? })
    }

    pub(super) fn get(&self, position: usize) -> Option<ValueRef<'_>> {
        self.values.get(position).map(ValueRef::from)
    }
}

#[cold]
pub(super) fn damaged(entity: &'static Entity, id: i64, Unwritable { column, reason }: Unwritable) -> Error {
    corrupt(entity.table, id, column, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Dialect;
    use crate::{Client, ClientStore, Invoice, NewClient, NewInvoice, NewLineItem, Stored};

    const FORMATS: [Format; 3] = [Format::Xml(Dialect::Documented), Format::Xml(Dialect::Live), Format::Json];

    /// The document of a record that is long, and how long it is at most.
    fn long<R: Stored>(store: &ClientStore, id: i64, format: Format) -> (Vec<u8>, usize) {
        let document = RecordDocument { entity: R::ENTITY, parent: None, id, reach: Reach::All, format };
        assert!(matches!(store.document(document).unwrap(), Document::Long), "{format:?}");
        let most = store.document_at_most(document).unwrap();
        (store.long_document(document, most).unwrap(), most)
    }

    #[test]
    fn a_long_document_is_no_longer_than_it_may_be_in_every_format() {
        let store = ClientStore::open_in_memory().unwrap();
        for text in ["a", "\u{e9}", "<", "&", "\"", "\\", "\n"] {
            let id = store.clients().create(&NewClient::named("Long").details(text.repeat(PIECE + 1))).unwrap();
            for format in FORMATS {
                let (document, most) = long::<Client>(&store, id, format);
                assert!((document.len()..document.len() + 4_000).contains(&most), "{text:?} {format:?}: {most}");
            }
        }
    }

    #[test]
    fn what_is_attached_is_no_longer_than_it_may_be_in_every_format() {
        let store = ClientStore::open_in_memory().unwrap();
        let client = store.clients().create(&NewClient::named("SuprCorp")).unwrap();
        for (text, count) in [("a", 1), ("&", 1), ("\"", 1), ("\\", 1), ("\n", 1), (",", 3_000), ("\"", 3_000)] {
            let line = || NewLineItem::of(text.repeat((PIECE + 1).div_ceil(count)), 1, 1);
            let new = NewInvoice::of(client).lines((0..count).map(|_| line()));
            let id = store.invoices().create(&new).unwrap();
            for format in FORMATS {
                let (document, most) = long::<Invoice>(&store, id, format);
                assert!(document.len() <= most, "{text:?} {format:?}: {} of {most}", document.len());
            }
        }
    }
}
