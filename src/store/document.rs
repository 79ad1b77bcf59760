//! List documents, straight from SQLite's rows to bytes, piece by piece.

use std::io::Write;

use rusqlite::{Connection, Row};

use super::list::{self, Cursor, Place, Reads};
use super::{Entity, Records, Selection, Snapshot, Stored, corrupt};
use crate::error::{Error, Result};
use crate::format::xml::Dialect;
use crate::format::{Format, Unwritable, Writer};
use crate::record::{Column, View};

/// How long a piece is, in bytes; it ends with the record that reaches it.
pub(crate) const PIECE: usize = 64 * 1024;

/// The document of a list, written as it is asked for.
///
/// Nothing is borrowed between two pieces, so it can be sent to another thread, or dropped half-way.
pub(crate) struct ListDocument<S = Snapshot> {
    source: S,
    cursor: Cursor,
    writer: Writer,
    entity: &'static Entity,
    columns: &'static [Column],
    begun: bool,
    records: u64,
}

/// A place in a list's document, between two pieces.
pub(crate) struct Mark {
    place: Place,
    begun: bool,
    records: u64,
}

impl<S: Reads> ListDocument<S> {
    pub(crate) fn new(source: S, entity: &'static Entity, selection: Selection, format: Format) -> Self {
        let writer = Writer::new(entity.document, format);
        Self::written_by(writer, source, entity, selection, format.view())
    }

    /// A list inside the whole store's document: every record with every column.
    pub(crate) fn nested(source: S, entity: &'static Entity, format: Format) -> Self {
        let writer = Writer::nested(entity.document, format);
        Self::written_by(writer, source, entity, Selection::default(), View::Internal)
    }

    fn written_by(writer: Writer, source: S, entity: &'static Entity, selection: Selection, view: View) -> Self {
        ListDocument {
            source,
            cursor: Cursor::new(entity, view, selection),
            writer,
            entity,
            columns: entity.table.columns_of(view),
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
        let ListDocument { source, cursor, writer, entity, columns, begun, records } = self;
        let full = out.len() + PIECE;
        if !std::mem::replace(begun, true) {
            writer.start_list(out);
        }
        let more = source.read(|connection| {
            cursor.slice(connection, &mut |row| {
                writer
                    .list_record(out, *records == 0, columns, |position| row.get_ref(position).ok())
                    .map_err(|error| damaged(entity, row, error))?;
                *records += 1;
                Ok(out.len() < full)
            })
        })?;
        if !more {
            writer.end_list(out, *records == 0);
        }
        Ok(more)
    }

    /// Where the next piece begins.
    pub(crate) fn mark(&self) -> Mark {
        Mark { place: self.cursor.place(), begun: self.begun, records: self.records }
    }

    /// Makes the pieces since the mark again.
    pub(crate) fn go_back(&mut self, mark: Mark) {
        self.cursor.go_back(mark.place);
        (self.begun, self.records) = (mark.begun, mark.records);
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

/// The document of one record.
pub(super) fn one(
    connection: &Connection,
    entity: &'static Entity,
    parent: Option<i64>,
    id: i64,
    format: Format,
) -> Result<Vec<u8>> {
    let Entity { table, document, .. } = *entity;
    let view = format.view();
    let not_found = || Error::NotFound { record: document.element, id };
    let mut statement = connection.prepare_cached(table.sql().one(view))?;
    let mut rows = statement.query([id])?;
    let row = rows.next()?.ok_or_else(not_found)?;
    if !belongs(row, entity, parent)? {
        return Err(not_found());
    }
    let attached = entity.attached.map(|attached| attached(connection, id)).transpose()?.flatten();
    let mut out = Vec::with_capacity(1024);
    Writer::new(document, format)
        .single(&mut out, table.columns_of(view), |position| row.get_ref(position).ok(), attached.as_deref())
        .map_err(|error| damaged(entity, row, error))?;
    Ok(out)
}

/// Whether a row belongs to the record that its path names.
fn belongs(row: &Row<'_>, entity: &Entity, parent: Option<i64>) -> Result<bool> {
    match (&entity.parent, parent) {
        (Some(named), Some(id)) => Ok(row.get::<_, i64>(entity.table.position(named.column))? == id),
        _ => Ok(true),
    }
}

#[cold]
fn damaged(entity: &'static Entity, row: &Row<'_>, Unwritable { column, reason }: Unwritable) -> Error {
    corrupt(entity.table, list::id(row), column, reason)
}

impl<R: Stored> Records<'_, R> {
    /// Writes the list document straight from the rows, in pieces of 64 KiB, and gives how many
    /// records it holds.
    ///
    /// It is what [`list`](Self::list) and [`xml::write_list`](crate::xml::write_list) write, without a struct in between,
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
        self.write_list_as(filter, Format::Xml(dialect), out)
    }

    /// Writes the list document in JSON; otherwise as [`write_list`](Self::write_list).
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// store.clients().create(&NewClient::named("SuprCorp"))?;
    ///
    /// let mut document = Vec::new();
    /// store.clients().write_list_json(&Default::default(), &mut document)?;
    /// assert!(document.starts_with(b"[{\"client\":{\"id\":1,"));
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`write_list`](Self::write_list).
    pub fn write_list_json(&self, filter: &R::Filter, out: &mut impl Write) -> Result<u64> {
        self.write_list_as(filter, Format::Json, out)
    }

    fn write_list_as(&self, filter: &R::Filter, format: Format, out: &mut impl Write) -> Result<u64> {
        let mut document = ListDocument::new(self.source()?, R::ENTITY, self.selection(filter), format);
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
                        assert_eq!(straight, crate::xml::write_list(&typed, dialect).unwrap());
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
        let mut document =
            ListDocument::new(source, crate::Client::ENTITY, selection, Format::Xml(Dialect::Documented));
        let mut piece = Vec::new();
        assert!(document.piece(&mut piece).unwrap());
        assert!((PIECE..PIECE + 2_000).contains(&piece.len()), "{}", piece.len());
        assert!(piece.ends_with(b"</client>\n"));
    }

    #[test]
    fn pieces_are_made_again_from_a_mark_on_in_every_kind_of_list() {
        let store = ClientStore::open_in_memory().unwrap();
        filled(&store, 200);
        let clients = store.clients();
        for window in [None, Some((10, 150))] {
            let selection = || Selection { window, ..clients.selection(&ClientFilter::default()) };
            let read = |goes_back: bool| {
                let source = clients.source().unwrap();
                let mut document =
                    ListDocument::new(source, crate::Client::ENTITY, selection(), Format::Xml(Dialect::Documented));
                let (mut all, mut pieces) = (Vec::new(), 0);
                loop {
                    if goes_back {
                        let mark = document.mark();
                        document.piece(&mut Vec::new()).unwrap();
                        document.go_back(mark);
                    }
                    pieces += 1;
                    if !document.piece(&mut all).unwrap() {
                        return (all, pieces);
                    }
                }
            };
            let (whole, pieces) = read(false);
            assert!(pieces > 3, "{window:?}: {pieces}");
            assert_eq!(read(true), (whole.clone(), pieces), "{window:?}");
            let records = whole.windows(8).filter(|bytes| *bytes == b"<client>").count();
            assert_eq!(records, window.map_or(200, |(_, count)| count as usize));
        }
    }
}
