//! Writing the whole store.

use std::io::Write;

use rusqlite::{Connection, OptionalExtension};

use super::{NEXT_IDS, ROOT, VERSION};
use crate::error::{Error, Result};
use crate::format::xml::Tree;
use crate::format::{Dialect, Format};
use crate::resources::{by_list, entities};
use crate::store::{ClientStore, Entity, ListDocument, Reads, Selection, Source};
use crate::upkeep::Progress;

impl ClientStore {
    /// Writes the whole store as one document, as it is at one moment, and gives how many records
    /// it holds. `progress` is told how many are written so far, now and then.
    ///
    /// The document is `<clientstore version="1">`: the ids that come next, then the list of every
    /// resource in the `live` dialect, with the columns that no API document shows after the
    /// others. [`load`](Self::load) takes it.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let mut document = Vec::new();
    /// store.dump(&mut document, |_| {})?;
    ///
    /// let copy = ClientStore::open_in_memory()?;
    /// copy.load([("the dump", document.as_slice())], |_| {})?;
    /// assert_eq!(copy.clients().get(1)?, store.clients().get(1)?);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] where the file holds what no store writes, [`Error::Storage`], also where
    /// `out` cannot be written to.
    pub fn dump(&self, out: &mut impl Write, mut progress: impl FnMut(Progress)) -> Result<u64> {
        self.dump_as(Format::Xml(Dialect::Live), out, &mut progress)
    }

    /// Writes the whole store as one document in JSON, which [`load`](Self::load) takes as well; otherwise as
    /// [`dump`](Self::dump).
    ///
    /// The document is `{"clientstore":{"version":"1","next_ids":{...},"clients":[...],...}}`.
    ///
    /// ```
    /// let mut document = Vec::new();
    /// clientstore::ClientStore::open_in_memory()?.dump_json(&mut document, |_| {})?;
    /// assert!(document.starts_with(b"{\"clientstore\":{\"version\":"));
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`dump`](Self::dump).
    pub fn dump_json(&self, out: &mut impl Write, mut progress: impl FnMut(Progress)) -> Result<u64> {
        self.dump_as(Format::Json, out, &mut progress)
    }

    fn dump_as(&self, format: Format, out: &mut impl Write, progress: &mut dyn FnMut(Progress)) -> Result<u64> {
        self.snapshot()?.read(|connection| {
            let mut frame = Frame::new(format);
            let ids = entities().map(|entity| Ok((entity.document.list, next_id(connection, entity)?)));
            frame.start(&ids.collect::<Result<Vec<_>>>()?);
            let mut records = 0;
            for entity in entities() {
                frame.start_list(entity.document.list);
                put(out, &frame.take())?;
                let list = ListDocument::nested(Source::Transaction(connection), entity, format);
                records += write(list, out, &mut |written| progress(written_so_far(records + written)))?;
            }
            frame.end();
            put(out, &frame.take())?;
            Ok(records)
        })
    }

    /// Writes the list document of one resource in the `live` dialect, given the list's root, like
    /// `clients`; otherwise as [`dump`](Self::dump).
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let mut document = Vec::new();
    /// assert_eq!(store.dump_list("clients", &mut document, |_| {})?, 1);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`dump`](Self::dump), and [`Error::Invalid`] where there is no such list.
    pub fn dump_list(&self, list: &str, out: &mut impl Write, mut progress: impl FnMut(Progress)) -> Result<u64> {
        self.dump_list_as(list, Format::Xml(Dialect::Live), out, &mut progress)
    }

    /// Writes the list document of one resource in JSON; otherwise as [`dump_list`](Self::dump_list).
    ///
    /// # Errors
    ///
    /// As [`dump_list`](Self::dump_list).
    pub fn dump_list_json(&self, list: &str, out: &mut impl Write, mut progress: impl FnMut(Progress)) -> Result<u64> {
        self.dump_list_as(list, Format::Json, out, &mut progress)
    }

    fn dump_list_as(
        &self,
        list: &str,
        format: Format,
        out: &mut impl Write,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<u64> {
        let entity = by_list(list).ok_or_else(|| {
            let lists: Vec<&str> = entities().map(|entity| entity.document.list).collect();
            Error::invalid("list", format!("must be one of {}", lists.join(", ")))
        })?;
        let list = ListDocument::new(self.snapshot()?, entity, Selection::default(), format);
        write(list, out, &mut |written| progress(written_so_far(written)))
    }
}

/// What stands around the lists of the whole store's document.
enum Frame {
    Xml(Tree),
    Json(Vec<u8>),
}

impl Frame {
    fn new(format: Format) -> Self {
        match format {
            Format::Xml(_) => Frame::Xml(Tree::new(Dialect::Live)),
            Format::Json => Frame::Json(Vec::new()),
        }
    }

    /// Writes all before the first list: the version, and the next id of each resource.
    fn start(&mut self, next_ids: &[(&'static str, i64)]) {
        match self {
            Frame::Xml(tree) => {
                tree.open_with(ROOT, "version", VERSION);
                tree.open(NEXT_IDS);
                next_ids.iter().for_each(|(list, id)| tree.integer(list, *id));
                tree.close(NEXT_IDS);
            }
            Frame::Json(out) => {
                let ids: Vec<String> =
                    next_ids.iter().map(|(list, id)| format!("\"{}\":{id}", underscored(list))).collect();
                let next_ids = underscored(NEXT_IDS);
                let start = format!("{{\"{ROOT}\":{{\"version\":\"{VERSION}\",\"{next_ids}\":{{{}}}", ids.join(","));
                out.extend_from_slice(start.as_bytes());
            }
        }
    }

    /// Writes what stands between two lists. In XML that is nothing, as a list brings its own name.
    fn start_list(&mut self, list: &str) {
        if let Frame::Json(out) = self {
            out.extend_from_slice(format!(",\"{}\":", underscored(list)).as_bytes());
        }
    }

    /// Writes all after the last list.
    fn end(&mut self) {
        match self {
            Frame::Xml(tree) => tree.close(ROOT),
            Frame::Json(out) => out.extend_from_slice(b"}}\n"),
        }
    }

    /// Takes what was written since the last call.
    fn take(&mut self) -> Vec<u8> {
        match self {
            Frame::Xml(tree) => {
                let bytes = tree.bytes().to_vec();
                tree.clear();
                bytes
            }
            Frame::Json(out) => std::mem::take(out),
        }
    }
}

fn underscored(name: &str) -> String {
    name.replace('-', "_")
}

/// How many records of a kind there are, and the id that the next one gets.
#[cfg(feature = "server")]
pub(crate) struct Count {
    pub(crate) table: &'static str,
    pub(crate) records: u64,
    pub(crate) next_id: i64,
}

#[cfg(feature = "server")]
impl ClientStore {
    /// Counts every resource, all at one moment.
    pub(crate) fn counts(&self) -> Result<Vec<Count>> {
        self.snapshot()?.read(|connection| {
            let count = |entity: &'static Entity| {
                let table = entity.table.name;
                let sql = format!("SELECT count(*) FROM {table}");
                let records: i64 = connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
                let next_id = next_id(connection, entity)?;
                Ok(Count { table, records: records.unsigned_abs(), next_id })
            };
            entities().map(count).collect()
        })
    }
}

/// The id that the next record gets. Once the greatest id is given, it stays that.
fn next_id(connection: &Connection, entity: &Entity) -> Result<i64> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")?
        .query_row([entity.table.name], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or(0).saturating_add(1))
}

/// The progress of a dump. The total is not known, since counting all records first would take a while.
fn written_so_far(done: u64) -> Progress {
    Progress { doing: "writing the records", done, total: 0 }
}

fn write<S: Reads>(mut list: ListDocument<S>, out: &mut impl Write, progress: &mut dyn FnMut(u64)) -> Result<u64> {
    let mut piece = Vec::new();
    loop {
        piece.clear();
        let more = list.piece(&mut piece)?;
        put(out, &piece)?;
        progress(list.records());
        if !more {
            return Ok(list.records());
        }
    }
}

fn put(out: &mut impl Write, bytes: &[u8]) -> Result<()> {
    out.write_all(bytes).map_err(|error| Error::storage("writing the document", error))
}
