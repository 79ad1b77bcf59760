//! Reading the whole store's document, or single lists of the API.

use std::collections::HashSet;
use std::io::{BufRead, Chain, Cursor, Read};

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::load_json::{self, Beginning};
use super::{NEXT_IDS, ROOT, VERSION};
use crate::error::{Error, Result, Rule};
use crate::format::xml::{Stream, Token, Tokens, end, list, next, read_integer, record, skip};
use crate::record::{Constant, Unknown, Unknowns, Values};
use crate::resources::{by_element, by_list, entities};
use crate::store::{ClientStore, Entity, Loading, MAX_ID, delete_where, load};
use crate::value::Value;

/// What documents brought into a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// How many records they held.
    pub records: u64,
    /// How many of each kind, by the name of its element such as `client`, in the order in which they were loaded.
    pub kinds: Vec<(&'static str, u64)>,
    /// The documents that had elements without a place in the store, and those elements; what they held was not loaded.
    pub unknown: Vec<(String, Vec<Unknown>)>,
}

impl ClientStore {
    /// Loads documents in one transaction, all or nothing, and tells how many records they held and what was left out.
    ///
    /// A document is a [`dump`](Self::dump), or a list or a record of the API in JSON or in either dialect of
    /// XML, given with a name for errors. Ids and read-only fields are kept; what a document leaves out gets its
    /// default. Lists are loaded in the order of their references, whatever the order they are
    /// given in. Documents are read as streams.
    ///
    /// # Errors
    ///
    /// [`Error::Load`] with the document's name and, as its source, [`Error::Xml`], [`Error::Json`] or
    /// [`Error::Invalid`] where it is malformed, [`Error::Refused`] where a record breaks a rule or
    /// its id is taken, or [`Error::NotFound`] where a message's or a payment's invoice is not
    /// there. [`Error::Busy`] and [`Error::Storage`].
    ///
    /// ```
    /// use clientstore::ClientStore;
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let list = b"<clients><client><name>Jo</name><fax>555</fax></client></clients>";
    /// let loaded = store.load([("clients.xml", list.as_slice())])?;
    /// assert_eq!(loaded.kinds, [("client", 1)]);
    /// assert_eq!(loaded.unknown[0].1[0].to_string(), "fax (line 1)");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn load<R: BufRead>(&self, documents: impl IntoIterator<Item = (impl Into<String>, R)>) -> Result<Loaded> {
        self.load_documents(documents, false)
    }

    /// The same, but a document with an element that has no place in the store is refused.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`Error::Load`] with an [`Error::Xml`] that names the element and its line.
    pub fn load_strictly<R: BufRead>(
        &self,
        documents: impl IntoIterator<Item = (impl Into<String>, R)>,
    ) -> Result<Loaded> {
        self.load_documents(documents, true)
    }

    fn load_documents<R: BufRead>(
        &self,
        documents: impl IntoIterator<Item = (impl Into<String>, R)>,
        strict: bool,
    ) -> Result<Loaded> {
        let mut opened = Vec::new();
        for (name, input) in documents {
            let name = name.into();
            let (content, document) = open(input).map_err(|error| in_document(&name, error))?;
            opened.push((content, name, document));
        }
        opened.sort_by_key(|(content, ..)| content.rank());
        self.transaction(|tx| {
            let mut loader = Loader {
                store: self,
                connection: tx.connection(),
                at: self.now(),
                strict,
                kinds: Vec::new(),
                unknown: Unknowns::default(),
                replacements: HashSet::new(),
                held: Vec::new(),
                aside: Vec::new(),
            };
            let mut unknown = Vec::new();
            for (content, name, document) in opened {
                loader.document(&content, document).map_err(|error| in_document(&name, error))?;
                let met = std::mem::take(&mut loader.unknown).into_vec();
                if !met.is_empty() {
                    unknown.push((name, met));
                }
            }
            loader.finish()?;
            let records = loader.kinds.iter().map(|(_, count)| count).sum();
            Ok(Loaded { records, kinds: loader.kinds, unknown })
        })
    }
}

/// What a document is, by its root or its first name.
pub(super) enum Content {
    Dump,
    /// An empty list, as the service wrote it in 2010 whatever the records.
    Nothing,
    List(&'static Entity),
    Record(&'static Entity),
}

impl Content {
    /// Before it comes what it refers to.
    fn rank(&self) -> Option<usize> {
        match self {
            Content::Dump | Content::Nothing => None,
            Content::List(entity) | Content::Record(entity) => {
                entities().position(|other| other.table.name == entity.table.name)
            }
        }
    }
}

/// The rest of a document whose beginning was read, and the beginning again before it.
type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// A document, of which the root or the first name is known.
enum Opened<R> {
    Xml(Box<Tokens<Stream<Whole<R>>>>),
    Json(Whole<R>),
}

fn open<R: BufRead>(mut input: R) -> Result<(Content, Opened<R>)> {
    let beginning = Beginning::of(&mut input).map_err(|error| Error::storage("reading the document", error))?;
    match beginning.json {
        Some(start) => {
            // The parser knows no byte order mark.
            let read = beginning.read.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&beginning.read).to_vec();
            Ok((start.content()?, Opened::Json(Cursor::new(read).chain(input))))
        }
        None => {
            let mut tokens = Box::new(Tokens::new(Stream::new(Cursor::new(beginning.read).chain(input))));
            Ok((root(&mut tokens)?, Opened::Xml(tokens)))
        }
    }
}

fn root<R: BufRead>(tokens: &mut Tokens<Stream<R>>) -> Result<Content> {
    let (name, version, is_array) = loop {
        if let Token::Start { name, .. } = next!(tokens) {
            let version = name.attribute("version").map(str::to_owned);
            break (name.to_owned(), version, name.attribute("type") == Some("array"));
        }
    };
    if name == ROOT {
        return match version.as_deref() {
            Some(VERSION) => Ok(Content::Dump),
            Some(other) => {
                Err(tokens.error(format!("the dump has version {other}, this program reads version {VERSION}")))
            }
            None => Err(tokens.error("the dump has no version")),
        };
    }
    if name == "nil-classes" {
        return Ok(Content::Nothing);
    }
    // The list of messages and one message have the same root.
    let list = by_list(&name).filter(|entity| is_array || !entity.document.is_one(&name));
    list.map(Content::List).or_else(|| by_element(&name).map(Content::Record)).ok_or_else(|| {
        let first: Vec<String> = entities().take(3).map(|entity| format!("<{}>", entity.document.list)).collect();
        let first = first.join(", ");
        tokens
            .error(format!("the root element is <{name}>; a dump has <{ROOT}>, a list {first} or another of the API's"))
    })
}

pub(super) struct Loader<'a> {
    store: &'a ClientStore,
    connection: &'a Connection,
    at: DateTime<Utc>,
    /// Whether an element that has no place is an error.
    strict: bool,
    /// How many records of each kind were loaded.
    kinds: Vec<(&'static str, u64)>,
    /// The elements of the document at hand that have no place.
    unknown: Unknowns,
    /// The ids of what may have taken a default record's place, which it does not give up again.
    replacements: HashSet<(&'static str, i64)>,
    /// The records that hold other values until the end, each with its own.
    held: Vec<(&'static Entity, i64, Vec<i64>)>,
    /// The kinds whose seeded records go at the end.
    aside: Vec<&'static Entity>,
}

impl Loader<'_> {
    fn document<R: BufRead>(&mut self, content: &Content, document: Opened<R>) -> Result<()> {
        let mut tokens = match document {
            Opened::Xml(tokens) => tokens,
            Opened::Json(input) => return load_json::load(input, content, self),
        };
        match content {
            Content::Dump => self.dump(&mut tokens)?,
            Content::Nothing => drop(skip(&mut tokens)?),
            Content::List(entity) => self.list(entity, &mut tokens)?,
            Content::Record(entity) => record(&mut tokens, entity.document, &mut |values| self.add(entity, values))?,
        }
        end(&mut tokens)
    }

    fn dump<R: BufRead>(&mut self, tokens: &mut Tokens<Stream<R>>) -> Result<()> {
        loop {
            let name = match next!(tokens) {
                Token::Start { name, .. } => name.to_owned(),
                Token::End => return Ok(()),
                _ => continue,
            };
            match by_list(&name) {
                Some(entity) => {
                    self.make_way(entity)?;
                    self.list(entity, tokens)?;
                }
                None if name == NEXT_IDS => self.next_ids(tokens)?,
                None => return Err(tokens.error(format!("a dump has no <{name}>"))),
            }
        }
    }

    fn list<R: BufRead>(&mut self, entity: &'static Entity, tokens: &mut Tokens<Stream<R>>) -> Result<()> {
        let mut between = Unknowns::default();
        list(tokens, entity.document, &mut between, &mut |values| self.add(entity, values))?;
        self.note(&between)
    }

    /// Counts elements that have no place, or refuses them.
    fn note(&mut self, met: &Unknowns) -> Result<()> {
        match met.met().first() {
            Some(Unknown { element, line, .. }) if self.strict => {
                let reason = format!("the element <{element}> is not known; what it holds would be lost");
                Err(Error::Xml { line: *line, reason })
            }
            _ => {
                self.unknown.append(met);
                Ok(())
            }
        }
    }

    pub(super) fn add(&mut self, entity: &'static Entity, mut values: Values) -> Result<()> {
        self.store.prepare(entity, &mut values);
        if let (Some(_), Some(id)) = (entity.seeded, values.integer("id"))
            && !self.replacements.insert((entity.table.name, id))
        {
            return Err(Error::refused(Rule::IdIsTaken, [(entity.document.element, 1)]));
        }
        self.note(&values.unknown)?;
        let own = entity.loading.map(|loading| hold(&mut values, loading.held));
        let id = load(self.connection, entity, values, self.at)?;
        if let Some(own) = own {
            self.held.push((entity, id, own));
        }
        let element = entity.document.element;
        match self.kinds.iter_mut().rev().find(|(kind, _)| *kind == element) {
            Some((_, count)) => *count += 1,
            None => self.kinds.push((element, 1)),
        }
        Ok(())
    }

    /// Removes the records of a new store that the dumped one may have deleted.
    pub(super) fn make_way(&mut self, entity: &'static Entity) -> Result<()> {
        match (entity.seeded, entity.loading) {
            (Some(_), Some(loading)) => {
                self.connection.execute(loading.aside, [])?;
                self.aside.push(entity);
                Ok(())
            }
            (Some(seeded), None) => delete_where(self.connection, entity, seeded),
            (None, _) => Ok(()),
        }
    }

    /// Gives the records the values that they could not have before the last one was there.
    fn finish(&mut self) -> Result<()> {
        for (entity, id, own) in self.held.drain(..) {
            let Some(loading) = entity.loading else { continue };
            let sets: Vec<String> =
                loading.held.iter().zip(&own).map(|((column, _), value)| format!("{column} = {value}")).collect();
            let sql = format!("UPDATE {} SET {} WHERE id = ?1", entity.table.name, sets.join(", "));
            self.connection.prepare_cached(&sql)?.execute([id]).map_err(|error| refused(error, loading))?;
        }
        for entity in self.aside.drain(..) {
            let (Some(seeded), Some(loading)) = (entity.seeded, entity.loading) else { continue };
            let sql = format!("SELECT id FROM {} WHERE {seeded}", entity.table.name);
            let left: Vec<i64> = {
                let mut statement = self.connection.prepare(&sql)?;
                let ids = statement.query_map([], |row| row.get(0))?;
                ids.collect::<rusqlite::Result<_>>()?
            };
            for id in left.into_iter().filter(|id| !self.replacements.contains(&(entity.table.name, *id))) {
                let sql = format!("DELETE FROM {} WHERE id = ?1", entity.table.name);
                self.connection.execute(&sql, [id]).map_err(|error| refused(error, loading))?;
            }
        }
        Ok(())
    }

    /// An id that was given once stays used, though its record is gone.
    fn next_ids<R: BufRead>(&mut self, tokens: &mut Tokens<Stream<R>>) -> Result<()> {
        loop {
            let entity = match next!(tokens) {
                Token::Start { name, .. } => by_list(&name),
                Token::End => return Ok(()),
                _ => continue,
            };
            let Some(entity) = entity else {
                skip(tokens)?;
                continue;
            };
            let next = read_integer(tokens)?;
            self.next_id(entity, next).map_err(|error| match error {
                Error::Invalid { reason, .. } => {
                    tokens.error(format!("the next id of {} {reason}", entity.document.list))
                }
                other => other,
            })?;
        }
    }

    /// The id that a kind of record gets next, at least.
    pub(super) fn next_id(&self, entity: &Entity, next: i64) -> Result<()> {
        let (name, last) = (entity.table.name, next.saturating_sub(1));
        if last > MAX_ID {
            return Err(Error::invalid(NEXT_IDS, format!("is above {MAX_ID}, the greatest id")));
        }
        if last > 0 {
            self.connection.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0 \
                 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
                [name],
            )?;
            self.connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", (name, last))?;
        }
        Ok(())
    }
}

/// Lets columns hold values, and gives those that they will have.
fn hold(values: &mut Values, held: &[(&'static str, i64)]) -> Vec<i64> {
    let mut own = Vec::with_capacity(held.len());
    for (name, value) in held {
        let column = &values.table.columns[values.table.position(name)];
        let default = match column.default {
            Some(Constant::Integer(number)) => number,
            _ => *value,
        };
        own.push(values.integer(name).unwrap_or(default));
        values.set(name, Value::Integer(*value));
    }
    own
}

fn refused(error: rusqlite::Error, loading: Loading) -> Error {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => (loading.refusal)(),
        _ => error.into(),
    }
}

fn in_document(name: &str, error: Error) -> Error {
    let document = name.to_owned();
    match error {
        Error::Load { line, source, .. } => Error::Load { document, line, source },
        Error::Xml { .. } | Error::Json { .. } | Error::Invalid { .. } => {
            Error::Load { document, line: None, source: Box::new(error) }
        }
        other => other,
    }
}
