//! The document of one record, and records whose texts are long: these are taken from the store first, and written
//! apart.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use super::list;
use crate::error::{Error, Result};
use crate::format::{Format, Unwritable, Writer};
use crate::record::Column;
use crate::store::{Entity, Reach, corrupt};

/// How long a piece is, in bytes; it ends with the record that reaches it.
pub(crate) const PIECE: usize = 64 * 1024;

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
    /// The document, unless it is long; then its texts are not read.
    pub(crate) fn short(self, connection: &Connection) -> Result<Document> {
        let RecordDocument { entity, id, .. } = self;
        let short = entity.table.sql().short(self.format.view());
        let document = self.with_row(connection, short, &[id, PIECE as i64], |row| {
            let attached = match entity.attached {
                None => None,
                Some(attached) => match (attached.text)(connection, id, PIECE)? {
                    None => return Ok(Document::Long),
                    text => text,
                },
            };
            let mut out = Vec::with_capacity(1024);
            let written =
                self.writer().single(&mut out, self.columns(), |at| row.get_ref(at).ok(), attached.as_deref());
            if out.len() > PIECE {
                return Ok(Document::Long);
            }
            written.map_err(|error| damaged(entity, id, error))?;
            Ok(Document::Short(out))
        });
        match document {
            Err(Error::NotFound { .. }) => self.texts(connection).map(|_| Document::Long),
            document => document,
        }
    }

    /// How long the document is at most, in bytes, without a look at its texts: as if each byte were escaped.
    pub(crate) fn at_most(self, connection: &Connection) -> Result<usize> {
        let attached = self.entity.attached.map_or(Ok(0), |attached| (attached.at_most)(connection, self.id))?;
        Ok(self.writer().widest() * self.texts(connection)? + TAGS * (self.columns().len() + 2) + attached)
    }

    /// How many bytes its texts have together.
    fn texts(self, connection: &Connection) -> Result<usize> {
        let Entity { table, parent, .. } = self.entity;
        let column = parent.as_ref().filter(|_| self.parent.is_some()).map_or("NULL", |parent| parent.column);
        let octets = table.sql().octets(self.format.view());
        let sql = format!("SELECT {octets}, {column} FROM {} WHERE id = ?1", table.name);
        let reached = self.entity.reached(self.reach);
        let sql = reached.map_or_else(|| sql.clone(), |(condition, _)| format!("{sql} AND {condition}"));
        let parameters = [self.id].into_iter().chain(reached.map(|(_, actor)| actor));
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(parameters))?;
        match rows.next()? {
            Some(row) if self.parent.is_none() || self.parent == row.get(1)? => {
                Ok(usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX))
            }
            _ => Err(self.not_found()),
        }
    }

    /// Takes the record from the store with what is attached to it.
    pub(crate) fn take(self, connection: &Connection) -> Result<(Taken, Option<String>)> {
        let RecordDocument { entity, id, .. } = self;
        let one = entity.table.sql().one(self.format.view());
        self.with_row(connection, one, &[id], |row| {
            let attached = entity.attached.map(|attached| (attached.text)(connection, id, usize::MAX));
            Ok((Taken::of(row, entity, self.columns())?, attached.transpose()?.flatten()))
        })
    }

    /// Writes the document of the record that was taken, in no more memory than it needs, and at first in no more than
    /// there is room for.
    pub(crate) fn write(self, taken: &Taken, attached: Option<&str>, room: usize) -> Result<Vec<u8>> {
        let writer = self.writer();
        let attached_length = attached.map_or(0, |text| writer.escaped(text.as_bytes()) + TAGS);
        let length = longest(&writer, taken.values.iter().map(ValueRef::from)) + attached_length;
        let mut out = Vec::with_capacity(length.min(room));
        writer
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

    /// Reads the record's row with a statement, where it is reached and belongs to the one that its path names.
    fn with_row<T>(
        self,
        connection: &Connection,
        sql: &str,
        parameters: &[i64],
        run: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        let reached = self.entity.reached(self.reach);
        let narrow = reached.map(|(condition, _)| format!("{sql} AND {condition}"));
        let mut statement = connection.prepare_cached(narrow.as_deref().unwrap_or(sql))?;
        let parameters = parameters.iter().copied().chain(reached.map(|(_, actor)| actor));
        let mut rows = statement.query(params_from_iter(parameters))?;
        match rows.next()? {
            Some(row) if self.belongs(row)? => run(row),
            _ => Err(self.not_found()),
        }
    }

    fn not_found(self) -> Error {
        Error::NotFound { record: self.entity.document.element, id: self.id }
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
pub(crate) struct Texts {
    most: usize,
    length: usize,
}

impl Texts {
    pub(crate) fn up_to(most: usize) -> Self {
        Texts { most, length: 0 }
    }

    /// A column's value; none once the texts are long.
    pub(crate) fn get<'a>(&mut self, row: &'a Row<'_>, position: usize) -> Option<ValueRef<'a>> {
        let value = row.get_ref(position).ok()?;
        if let ValueRef::Text(text) = value {
            self.length += text.len();
        }
        (!self.are_long()).then_some(value)
    }

    pub(crate) fn are_long(&self) -> bool {
        self.length > self.most
    }
}

/// How long a record's document is at most without what is attached, in bytes.
pub(crate) fn longest<'a>(writer: &Writer, values: impl Iterator<Item = ValueRef<'a>>) -> usize {
    let length = |value| if let ValueRef::Text(text) = value { writer.escaped(text) } else { 0 };
    values.map(|value| length(value) + TAGS).sum::<usize>() + TAGS
}

/// A record whose texts are long, taken from the store: the store need not wait for it to be written.
pub(crate) struct Taken {
    pub(crate) id: i64,
    values: Vec<Value>,
}

impl Taken {
    pub(crate) fn of(row: &Row<'_>, entity: &'static Entity, columns: &[Column]) -> Result<Self> {
        let read = |position: usize| {
            Value::try_from(row.get_ref(position)?).map_err(|error| {
                let column = columns[position].element;
                damaged(entity, list::id(row), Unwritable { column, reason: error.to_string() })
            })
        };
        Ok(Taken { id: list::id(row), values: (0..columns.len()).map(read).collect::<Result<_>>()? })
    }

    pub(crate) fn get(&self, position: usize) -> Option<ValueRef<'_>> {
        self.values.get(position).map(ValueRef::from)
    }
}

#[cold]
pub(crate) fn damaged(entity: &'static Entity, id: i64, Unwritable { column, reason }: Unwritable) -> Error {
    corrupt(entity.table, id, column, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Dialect;
    use crate::{Client, ClientStore, Invoice, Message, NewClient, NewInvoice, NewLineItem, NewMessage, Stored};

    const FORMATS: [Format; 3] = [Format::Xml(Dialect::Documented), Format::Xml(Dialect::Live), Format::Json];

    /// The document of a record that is long, and how long it is at most.
    fn long<R: Stored>(store: &ClientStore, id: impl Into<i64>, format: Format) -> (Vec<u8>, usize) {
        let document = RecordDocument { entity: R::ENTITY, parent: None, id: id.into(), reach: Reach::All, format };
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
                assert!(document.len() <= most, "{text:?} {format:?}: {} of {most}", document.len());
                assert!(document.capacity() < document.len() + 4_000, "{text:?} {format:?}: {}", document.capacity());
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

    #[test]
    fn a_long_record_is_not_found_under_a_parent_that_is_not_its_own() {
        let store = ClientStore::open_in_memory().unwrap();
        let client = store.clients().create(&NewClient::named("SuprCorp")).unwrap();
        let [own, other] = [1, 2].map(|_| store.invoices().create(&NewInvoice::of(client)).unwrap());
        let id = store.messages().create(&NewMessage::of(own, "a".repeat(2 * PIECE))).unwrap();
        let (own, other, id): (i64, i64, i64) = (own.into(), other.into(), id.into());
        for (parent, id, is_there) in [(own, id, true), (other, id, false), (own, id + 1, false)] {
            let (entity, reach, format) = (Message::ENTITY, Reach::All, Format::Json);
            let document = RecordDocument { entity, parent: Some(parent), id, reach, format };
            let (found, most) = (store.document(document), store.document_at_most(document));
            match is_there {
                true => assert!(matches!(found, Ok(Document::Long)) && most.is_ok()),
                false => assert!(matches!((found, most), (Err(Error::NotFound { .. }), Err(Error::NotFound { .. })))),
            }
        }
    }
}
