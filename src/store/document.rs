//! List documents, straight from SQLite's rows to bytes, piece by piece.

use std::io::Write;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row};

use super::list::{self, Cursor, Reads, Step};
use super::resource::Attached;
use super::{Records, Resource, Selection, Snapshot, Stored, corrupt};
use crate::error::{Error, Result};
use crate::record::{Column, View};
use crate::xml::{self, Dialect, Unwritable, Writer};

/// How long a piece is, in bytes; it ends with the record that reaches it.
pub(crate) const PIECE: usize = 64 * 1024;

/// The document of a list, written as it is asked for.
///
/// Nothing is borrowed between two pieces, so it can be sent to another thread, or dropped half-way.
pub(crate) struct ListDocument<S = Snapshot> {
    source: S,
    cursor: Cursor,
    writer: Writer,
    resource: &'static dyn Resource,
    columns: &'static [Column],
    begun: bool,
    records: u64,
}

/// What a piece of a list's document ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A record that is not the last.
    Between,
    /// The document.
    Whole,
    /// Nothing was written: the next record is longer than a piece, and comes to this many bytes at most.
    BeforeLong(usize),
}

impl<S: Reads> ListDocument<S> {
    pub(crate) fn new(source: S, resource: &'static dyn Resource, selection: Selection, dialect: Dialect) -> Self {
        Self::written_by(Writer::new(resource.table(), dialect), source, resource, selection, xml::view(dialect))
    }

    /// A list inside the whole store's document: every record with every column.
    pub(crate) fn nested(source: S, resource: &'static dyn Resource) -> Self {
        let writer = Writer::nested(resource.table());
        Self::written_by(writer, source, resource, Selection::default(), View::Internal)
    }

    fn written_by(
        writer: Writer,
        source: S,
        resource: &'static dyn Resource,
        selection: Selection,
        view: View,
    ) -> Self {
        ListDocument {
            source,
            cursor: Cursor::new(resource, view, selection),
            writer,
            resource,
            columns: resource.table().columns_of(view),
            begun: false,
            records: 0,
        }
    }

    /// Appends the next piece; false when it was the last.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] and [`Error::Storage`]; what was appended is then no whole record.
    pub(crate) fn piece(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        Ok(self.write(out, usize::MAX)? == Ended::Between)
    }

    /// Appends the next piece where it is short: a record with long texts is left to [`take_long`](Self::take_long).
    ///
    /// # Errors
    ///
    /// As [`piece`](Self::piece).
    pub(crate) fn short_piece(&mut self, out: &mut Vec<u8>) -> Result<Ended> {
        self.write(out, PIECE)
    }

    /// Appends records until they fill a piece, up to one whose texts are longer than `most` together.
    fn write(&mut self, out: &mut Vec<u8>, most: usize) -> Result<Ended> {
        let ListDocument { source, cursor, writer, resource, columns, begun, records } = self;
        let start = out.len();
        let full = start + PIECE;
        if !std::mem::replace(begun, true) {
            writer.start_list(out);
        }
        let mut long = None;
        let more = source.read(|connection| {
            cursor.slice(connection, &mut |row| {
                let (before, mut texts) = (out.len(), Texts::up_to(most));
                let written = writer.list_record(out, *records == 0, columns, |position| texts.get(row, position));
                if texts.are_long() || out.len() - before > most {
                    out.truncate(before);
                    long = Some(longest((0..columns.len()).filter_map(|position| row.get_ref(position).ok())));
                    return Ok(Step::EndBefore);
                }
                written.map_err(|error| damaged(*resource, list::id(row), error))?;
                *records += 1;
                Ok(if out.len() < full { Step::On } else { Step::EndAfter })
            })
        })?;
        match long {
            Some(long) if out.len() == start => Ok(Ended::BeforeLong(long)),
            _ if more => Ok(Ended::Between),
            _ => {
                writer.end_list(out, *records == 0);
                Ok(Ended::Whole)
            }
        }
    }

    /// Takes the next record from the store, to be written apart; none where it is gone meanwhile.
    pub(crate) fn take_long(&mut self) -> Result<Option<Taken>> {
        let ListDocument { source, cursor, resource, columns, .. } = self;
        let mut taken = None;
        source.read(|connection| {
            cursor.slice(connection, &mut |row| {
                taken = Some(Taken::of(row, *resource, columns)?);
                Ok(Step::EndAfter)
            })
        })?;
        Ok(taken)
    }

    /// Appends a record that was taken.
    pub(crate) fn write_taken(&mut self, taken: &Taken, out: &mut Vec<u8>) -> Result<()> {
        let written = self.writer.list_record(out, self.records == 0, self.columns, |position| taken.get(position));
        written.map_err(|error| damaged(self.resource, taken.id, error))?;
        self.records += 1;
        Ok(())
    }

    /// How many records were written so far.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }
}

impl ListDocument {
    /// Keeps little of the file in memory, for a list that may be read for long.
    pub(crate) fn keep_little(&mut self) -> Result<()> {
        self.source.keep_little()
    }
}

impl<S> std::fmt::Debug for ListDocument<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListDocument").field("records", &self.records).finish_non_exhaustive()
    }
}

/// The texts of a record that is being written, as far as they are short together.
struct Texts {
    most: usize,
    length: usize,
}

impl Texts {
    fn up_to(most: usize) -> Self {
        Texts { most, length: 0 }
    }

    /// A column's value; none once the texts are long.
    fn get<'a>(&mut self, row: &'a Row<'_>, position: usize) -> Option<ValueRef<'a>> {
        let value = row.get_ref(position).ok()?;
        if let ValueRef::Text(text) = value {
            self.length += text.len();
        }
        (!self.are_long()).then_some(value)
    }

    fn are_long(&self) -> bool {
        self.length > self.most
    }
}

/// What the tags of a column and its indentation come to at most, in bytes.
const TAGS: usize = 128;

/// How long a record's document is at most without what is attached, in bytes.
fn longest<'a>(values: impl Iterator<Item = ValueRef<'a>>) -> usize {
    let length = |value| if let ValueRef::Text(text) = value { xml::escaped(text) } else { 0 };
    values.map(|value| length(value) + TAGS).sum::<usize>() + TAGS
}

/// A record whose texts are long, taken from the store: the store need not wait for it to be written.
pub(crate) struct Taken {
    id: i64,
    values: Vec<Value>,
}

impl Taken {
    fn of(row: &Row<'_>, resource: &'static dyn Resource, columns: &[Column]) -> Result<Self> {
        let read = |position: usize| {
            Value::try_from(row.get_ref(position)?).map_err(|error| {
                let column = columns[position].element;
                damaged(resource, list::id(row), Unwritable { column, reason: error.to_string() })
            })
        };
        Ok(Taken { id: list::id(row), values: (0..columns.len()).map(read).collect::<Result<_>>()? })
    }

    fn get(&self, position: usize) -> Option<ValueRef<'_>> {
        self.values.get(position).map(ValueRef::from)
    }
}

/// The document of one record.
pub(crate) enum Document {
    Short(Vec<u8>),
    /// It is longer than [`PIECE`]; it is to be written apart.
    Long,
}

/// The document of one record, unless it is long.
pub(super) fn one(
    connection: &Connection,
    resource: &'static dyn Resource,
    id: i64,
    parent: Option<i64>,
    dialect: Dialect,
) -> Result<Document> {
    let table = resource.table();
    let view = xml::view(dialect);
    let mut out = Vec::with_capacity(1024);
    let mut texts = Texts::up_to(PIECE);
    with_row(connection, (resource, id, parent), view, |row| {
        let attached = match table.attached {
            Some(_) => resource.attached(connection, id, PIECE)?,
            None => Attached::None,
        };
        let attached = match &attached {
            Attached::None => None,
            Attached::Text(text) => Some(text.as_str()),
            Attached::Longer => return Ok(Document::Long),
        };
        let written = Writer::new(table, dialect).single(
            &mut out,
            table.columns_of(view),
            |position| texts.get(row, position),
            attached,
        );
        if texts.are_long() || out.len() > PIECE {
            return Ok(Document::Long);
        }
        written.map_err(|error| damaged(resource, id, error))?;
        Ok(Document::Short(std::mem::take(&mut out)))
    })
}

/// A long record, taken from the store to be measured, and how long what is attached is at most.
pub(super) fn take_to_measure(
    connection: &Connection,
    record: (&'static dyn Resource, i64, Option<i64>),
    dialect: Dialect,
) -> Result<(Taken, usize)> {
    let (resource, id, _) = record;
    let view = xml::view(dialect);
    with_row(connection, record, view, |row| {
        let attached = resource.attached_at_most(connection, id)?;
        Ok((Taken::of(row, resource, resource.table().columns_of(view))?, attached))
    })
}

/// How long the document of a record is at most, in bytes.
pub(super) fn at_most((taken, attached): &(Taken, usize)) -> usize {
    longest(taken.values.iter().map(ValueRef::from)) + attached + TAGS
}

/// A long record, taken from the store with what is attached to it.
pub(super) fn take_one(
    connection: &Connection,
    record: (&'static dyn Resource, i64, Option<i64>),
    dialect: Dialect,
) -> Result<(Taken, Attached)> {
    let (resource, id, _) = record;
    let table = resource.table();
    let view = xml::view(dialect);
    with_row(connection, record, view, |row| {
        let taken = Taken::of(row, resource, table.columns_of(view))?;
        let attached = match table.attached {
            Some(_) => resource.attached(connection, id, usize::MAX)?,
            None => Attached::None,
        };
        Ok((taken, attached))
    })
}

/// Writes the document of a record that was taken, into so much room.
pub(super) fn write_one(
    (taken, attached): (Taken, Attached),
    resource: &'static dyn Resource,
    dialect: Dialect,
    room: usize,
) -> Result<Vec<u8>> {
    let table = resource.table();
    let attached = match &attached {
        Attached::Text(text) => Some(text.as_str()),
        Attached::None | Attached::Longer => None,
    };
    let mut out = Vec::with_capacity(room);
    Writer::new(table, dialect)
        .single(&mut out, table.columns_of(xml::view(dialect)), |position| taken.get(position), attached)
        .map_err(|error| damaged(resource, taken.id, error))?;
    Ok(out)
}

/// Reads the row of one record, where it belongs to the one that its path names.
fn with_row<T>(
    connection: &Connection,
    (resource, id, parent): (&'static dyn Resource, i64, Option<i64>),
    view: View,
    run: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<T> {
    let table = resource.table();
    let mut statement = connection.prepare_cached(table.sql().one(view))?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) if belongs(row, resource, parent)? => run(row),
        _ => Err(Error::NotFound { record: table.element, id }),
    }
}

/// Whether a row belongs to the record that its path names.
fn belongs(row: &Row<'_>, resource: &dyn Resource, parent: Option<i64>) -> Result<bool> {
    match (resource.parent(), parent) {
        (Some(named), Some(id)) => Ok(row.get::<_, i64>(resource.table().position(named.column))? == id),
        _ => Ok(true),
    }
}

#[cold]
fn damaged(resource: &'static dyn Resource, id: i64, Unwritable { column, reason }: Unwritable) -> Error {
    corrupt(resource.table(), id, column, reason)
}

impl<R: Stored> Records<'_, R> {
    /// Writes the list document straight from the rows, in pieces of 64 KiB, and gives how many
    /// records it holds.
    ///
    /// It is what [`list`](Self::list) and [`xml::write_list`] write, without a struct in between,
    /// and in memory no longer than a piece.
    ///
    /// ```
    /// use clientstore::{ClientStore, Dialect, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// store.clients().create(&NewClient::named("SuprCorp"))?;
    ///
    /// let mut document = Vec::new();
    /// let count = store.clients().write_list(&Default::default(), Dialect::Documented, &mut document)?;
    /// assert_eq!(count, 1);
    /// assert!(document.starts_with(b"<clients>\n  <client>\n    <id type=\"integer\">1</id>\n"));
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] where the file holds what no store writes, [`Error::Storage`], also where
    /// `out` cannot be written to.
    pub fn write_list(&self, filter: &R::Filter, dialect: Dialect, out: &mut impl Write) -> Result<u64> {
        let mut document = ListDocument::new(self.source()?, R::RESOURCE, self.selection(filter), dialect);
        let mut piece = Vec::with_capacity(PIECE + PIECE / 8);
        loop {
            piece.clear();
            let more = document.piece(&mut piece)?;
            out.write_all(&piece).map_err(|error| Error::storage("writing the list", error))?;
            if !more {
                return Ok(document.records());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClientFilter, ClientStore, NewClient};

    fn filled(store: &ClientStore, clients: usize) {
        let details = "123 Main St.\nAnytown & Söhne, NY 12345\n".repeat(40);
        let client = |number| NewClient::named(format!("Client {number}")).details(&*details);
        store.clients().create_all((0..clients).map(client)).unwrap();
    }

    #[test]
    fn the_pieces_make_the_document_that_the_typed_list_makes() {
        let folder = tempfile::tempdir().unwrap();
        let moment = chrono::DateTime::UNIX_EPOCH;
        for store in [ClientStore::open_in_memory(), ClientStore::open(folder.path().join("store.db"))] {
            let store = store.unwrap();
            for clients in [0, 1, 200] {
                filled(&store, clients);
                for filter in [ClientFilter::default(), ClientFilter { updated_since: Some(moment) }] {
                    for dialect in [Dialect::Documented, Dialect::Live] {
                        let typed: Vec<_> = store.clients().list(&filter).unwrap().map(Result::unwrap).collect();
                        let mut straight = Vec::new();
                        let count = store.clients().write_list(&filter, dialect, &mut straight).unwrap();
                        assert_eq!(count, typed.len() as u64);
                        assert_eq!(straight, xml::write_list(&typed, dialect).unwrap());
                    }
                }
            }
        }
    }

    #[test]
    fn a_piece_ends_with_the_record_that_fills_it() {
        let store = ClientStore::open_in_memory().unwrap();
        filled(&store, 100);
        let clients = store.clients();
        let selection = clients.selection(&ClientFilter::default());
        let source = clients.source().unwrap();
        let mut document = ListDocument::new(source, crate::Client::RESOURCE, selection, Dialect::Documented);
        let mut piece = Vec::new();
        assert!(document.piece(&mut piece).unwrap());
        assert!((PIECE..PIECE + 2_000).contains(&piece.len()), "{}", piece.len());
        assert!(piece.ends_with(b"</client>\n"));
    }

    /// The whole document, with the records that are long written apart, and how many those were.
    fn apart<S: Reads>(mut document: ListDocument<S>, meanwhile: &mut dyn FnMut()) -> (Vec<u8>, usize) {
        let (mut all, mut long) = (Vec::new(), 0);
        loop {
            let mut piece = Vec::new();
            match document.short_piece(&mut piece).unwrap() {
                Ended::Between => assert!(!piece.is_empty() && piece.len() <= 2 * PIECE, "{}", piece.len()),
                Ended::Whole => {
                    all.extend(piece);
                    return (all, long);
                }
                Ended::BeforeLong(most) => {
                    assert!(piece.is_empty());
                    meanwhile();
                    if let Some(taken) = document.take_long().unwrap() {
                        document.write_taken(&taken, &mut piece).unwrap();
                        assert!(piece.len() <= most && most < piece.len() + 4_000, "{} of {most}", piece.len());
                        long += 1;
                    }
                }
            }
            all.extend(piece);
        }
    }

    #[test]
    fn long_records_are_written_apart_in_every_kind_of_list_and_make_the_same_document() {
        let store = ClientStore::open_in_memory().unwrap();
        filled(&store, 70);
        let long = |text: &str| NewClient::named(format!("Long {text}")).details(text.repeat(PIECE));
        store.clients().create_all([long("<"), long("&"), long("a"), long("\u{e9}")]).unwrap();
        filled(&store, 70);
        let clients = store.clients();
        for window in [None, Some((60, 75)), Some((70, 2))] {
            for sorts in [false, true] {
                let selection =
                    || Selection { window, sorts, ..clients.selection(&ClientFilter { updated_since: None }) };
                let document = || {
                    let source = clients.source().unwrap();
                    ListDocument::new(source, crate::Client::RESOURCE, selection(), Dialect::Live)
                };
                let (mut whole, mut in_place) = (Vec::new(), document());
                while in_place.piece(&mut whole).unwrap() {}
                let (parts, long) = apart(document(), &mut || {});
                assert!(parts == whole, "{window:?} {sorts}");
                assert_eq!(long, if window == Some((70, 2)) { 2 } else { 4 }, "{window:?} {sorts}");
            }
        }
    }

    #[test]
    fn a_long_record_that_goes_while_room_is_awaited_is_left_out() {
        let store = ClientStore::open_in_memory().unwrap();
        store.clients().create(&NewClient::named("Long").details("a".repeat(2 * PIECE))).unwrap();
        let source = store.clients().source().unwrap();
        let selection = store.clients().selection(&ClientFilter::default());
        let document = ListDocument::new(source, crate::Client::RESOURCE, selection, Dialect::Documented);
        let (document, long) = apart(document, &mut || store.clients().delete(1).unwrap());
        assert_eq!((String::from_utf8(document).unwrap().as_str(), long), ("<clients></clients>\n", 0));
    }
}
