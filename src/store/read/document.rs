//! List documents, straight from SQLite's rows to bytes, piece by piece.

use std::io::Write;

use super::list::{self, Cursor, Reads, Step};
use super::record_document::{PIECE, Taken, Texts, damaged, longest};
use crate::error::{Error, Result};
use crate::format::xml::Dialect;
use crate::format::{Format, Writer};
use crate::record::{Column, View};
use crate::store::{Entity, Records, Selection, Snapshot, Stored};

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
    pub(crate) fn new(source: S, entity: &'static Entity, selection: Selection, format: Format) -> Self {
        let writer = Writer::new(entity.document, format).of_week(selection.week);
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
        let ListDocument { source, cursor, writer, entity, columns, begun, records } = self;
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
                    long = Some(longest(writer, (0..columns.len()).filter_map(|position| row.get_ref(position).ok())));
                    return Ok(Step::EndBefore);
                }
                written.map_err(|error| damaged(entity, list::id(row), error))?;
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
        let ListDocument { source, cursor, entity, columns, .. } = self;
        let mut taken = None;
        source.read(|connection| {
            cursor.slice(connection, &mut |row| {
                taken = Some(Taken::of(row, entity, columns)?);
                Ok(Step::EndAfter)
            })
        })?;
        Ok(taken)
    }

    /// Appends a record that was taken.
    pub(crate) fn write_taken(&mut self, taken: &Taken, out: &mut Vec<u8>) -> Result<()> {
        let written = self.writer.list_record(out, self.records == 0, self.columns, |position| taken.get(position));
        written.map_err(|error| damaged(self.entity, taken.id, error))?;
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

    const FORMATS: [Format; 3] = [Format::Xml(Dialect::Documented), Format::Xml(Dialect::Live), Format::Json];

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
                for filter in [ClientFilter::default(), ClientFilter::new().updated_since(moment)] {
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
        let texts = ["<", "&", "a", "\u{e9}", "\"", "\n"];
        store.clients().create_all(texts.map(long)).unwrap();
        filled(&store, 70);
        let clients = store.clients();
        for window in [None, Some((60, 75)), Some((70, 2))] {
            for (sorts, format) in [false, true].into_iter().flat_map(|sorts| FORMATS.map(|format| (sorts, format))) {
                let selection = || Selection { window, sorts, ..clients.selection(&ClientFilter::default()) };
                let document = || {
                    let source = clients.source().unwrap();
                    ListDocument::new(source, crate::Client::ENTITY, selection(), format)
                };
                let (mut whole, mut in_place) = (Vec::new(), document());
                while in_place.piece(&mut whole).unwrap() {}
                let (parts, long) = apart(document(), &mut || {});
                assert!(parts == whole, "{window:?} {sorts} {format:?}");
                let all = if window == Some((70, 2)) { 2 } else { texts.len() };
                assert_eq!(long, all, "{window:?} {sorts} {format:?}");
            }
        }
    }

    #[test]
    fn a_long_record_that_goes_while_room_is_awaited_is_left_out() {
        let store = ClientStore::open_in_memory().unwrap();
        for format in FORMATS {
            let mut empty = Vec::new();
            store.clients().write_list_as(&ClientFilter::default(), format, &mut empty).unwrap();
            let long = store.clients().create(&NewClient::named("Long").details("a".repeat(2 * PIECE))).unwrap();
            let source = store.clients().source().unwrap();
            let selection = store.clients().selection(&ClientFilter::default());
            let document = ListDocument::new(source, crate::Client::ENTITY, selection, format);
            let (document, long) = apart(document, &mut || store.clients().delete(long).unwrap());
            assert_eq!((document, long), (empty, 0), "{format:?}");
        }
    }
}
