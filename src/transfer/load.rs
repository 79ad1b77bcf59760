//! Reading the whole store's document, or single lists of the API.

use std::collections::HashSet;
use std::io::{BufRead, Chain, Cursor, Read};

use super::load_json::{self, Beginning};
use super::loader::{Content, Loader};
use super::{NEXT_IDS, ROOT, VERSION};
use crate::error::{Error, Result};
use crate::format::xml::{Stream, Token, Tokens, end, list, next, read_integer, record, skip};
use crate::record::{Unknown, Unknowns};
use crate::resources::{by_element, by_list, entities};
use crate::store::{ClientStore, Entity, Transaction};
use crate::upkeep::Progress;

/// What documents brought into a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// How many records they held.
    pub records: u64,
    /// How many of each kind, by the name of its element such as `client`, in the order in which they were loaded.
    pub kinds: Vec<(&'static str, u64)>,
    /// How many of them were there already and were updated, or kept; see [`LoadOptions::update`].
    pub met: u64,
    /// The documents that had elements without a place in the store, and those elements; what they held was not loaded.
    pub unknown: Vec<(String, Vec<Unknown>)>,
}

/// How documents are loaded.
///
/// ```
/// use clientstore::{ClientStore, LoadOptions, NewClient};
///
/// let store = ClientStore::open_in_memory()?;
/// store.clients().create(&NewClient::named("SuprCorp").details("123 Main St."))?;
///
/// let short = b"<client><id>1</id><name>Supr Inc.</name></client>";
/// store.load_with([("client.xml", short.as_slice())], LoadOptions::new().update(true), |_| {})?;
/// let client = store.clients().get(1)?;
/// assert_eq!((client.name.as_str(), client.details.as_str()), ("Supr Inc.", "123 Main St."));
/// # Ok::<(), clientstore::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    strict: bool,
    update: bool,
}

impl LoadOptions {
    /// Elements without a place are left out, and a record whose id is taken is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a document with an element that has no place in the store is refused, with an [`Error::Load`] that names the
    /// element and its line; false by default.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Whether a record whose id is taken updates the one that is there, through the rules; false by default.
    ///
    /// Then the fields that the document gives are set, as by [`Records::update`](crate::Records::update), and those that it
    /// leaves out stay as they are. Read-only fields of such a record are ignored. Messages, payments and the lines of
    /// invoices, which nothing updates, stay as they are.
    #[must_use]
    pub fn update(mut self, update: bool) -> Self {
        self.update = update;
        self
    }
}

impl ClientStore {
    /// Loads documents in one transaction, all or nothing, and tells how many records they held and what was left out.
    ///
    /// A document is a [`dump`](Self::dump), or a list or a record of the API in JSON or in either dialect of
    /// XML, given with a name for errors. Ids and read-only fields are kept; what a document leaves out gets its
    /// default. Lists are loaded in the order of their references, whatever the order they are
    /// given in. Documents are read as streams. `progress` is told how many records are loaded so far, now and then.
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
    /// let loaded = store.load([("clients.xml", list.as_slice())], |_| {})?;
    /// assert_eq!(loaded.kinds, [("client", 1)]);
    /// assert_eq!(loaded.unknown[0].1[0].to_string(), "fax (line 1)");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn load<R: BufRead>(
        &self,
        documents: impl IntoIterator<Item = (impl Into<String>, R)>,
        progress: impl FnMut(Progress),
    ) -> Result<Loaded> {
        self.load_with(documents, LoadOptions::new(), progress)
    }

    /// The same with other options.
    ///
    /// ```
    /// use clientstore::{ClientStore, LoadOptions};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let list = b"<clients><client><name>Jo</name><fax>555</fax></client></clients>";
    /// assert!(store.load_with([("clients.xml", list.as_slice())], LoadOptions::new().strict(true), |_| {}).is_err());
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and as the options say.
    pub fn load_with<R: BufRead>(
        &self,
        documents: impl IntoIterator<Item = (impl Into<String>, R)>,
        options: LoadOptions,
        mut progress: impl FnMut(Progress),
    ) -> Result<Loaded> {
        let opened = open_all(documents)?;
        self.write_together(|tx| load(tx, opened, options, &mut progress))
    }
}

impl Transaction<'_> {
    /// Loads documents as a part of the transaction, all or nothing; otherwise as [`ClientStore::load`].
    ///
    /// An import that also changes records, or whose documents follow from one another, is one transaction then.
    ///
    /// ```
    /// use clientstore::{ClientChanges, ClientStore, LoadOptions};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let list = b"<clients><client><id>7</id><name>Jo</name></client></clients>";
    /// store.transaction(|tx| {
    ///     tx.load([("clients.xml", list.as_slice())], LoadOptions::new(), |_| {})?;
    ///     tx.clients().update(7, &ClientChanges::new().details("imported"))
    /// })?;
    /// assert_eq!(store.clients().get(7)?.details, "imported");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ClientStore::load`], and as the options say. Nothing of the documents was loaded then; the transaction can go on.
    pub fn load<R: BufRead>(
        &self,
        documents: impl IntoIterator<Item = (impl Into<String>, R)>,
        options: LoadOptions,
        mut progress: impl FnMut(Progress),
    ) -> Result<Loaded> {
        let opened = open_all(documents)?;
        self.whole(|| load(self, opened, options, &mut progress))
    }
}

/// What a document is, its name, and the document.
type Named<R> = (Content, String, Opened<R>);

/// Looks at the beginning of each document, and puts them in the order of their references.
fn open_all<R: BufRead>(documents: impl IntoIterator<Item = (impl Into<String>, R)>) -> Result<Vec<Named<R>>> {
    let mut opened = Vec::new();
    for (name, input) in documents {
        let name = name.into();
        let (content, document) = open(input).map_err(|error| in_document(&name, error))?;
        opened.push((content, name, document));
    }
    opened.sort_by_key(|(content, ..)| content.rank());
    Ok(opened)
}

fn load<R: BufRead>(
    tx: &Transaction<'_>,
    documents: Vec<Named<R>>,
    options: LoadOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Loaded> {
    let store = tx.store();
    let mut loader = Loader {
        store,
        connection: tx.connection(),
        at: store.now(),
        strict: options.strict,
        update: options.update,
        is_dump: false,
        kinds: Vec::new(),
        records: 0,
        met: 0,
        progress,
        unknown: Unknowns::default(),
        replacements: HashSet::new(),
        held: Vec::new(),
        aside: Vec::new(),
    };
    let mut unknown = Vec::new();
    for (content, name, document) in documents {
        loader.is_dump = matches!(content, Content::Dump);
        loader.document(&content, document).map_err(|error| in_document(&name, error))?;
        let met = std::mem::take(&mut loader.unknown).into_vec();
        if !met.is_empty() {
            unknown.push((name, met));
        }
    }
    loader.finish()?;
    loader.tell();
    Ok(Loaded { records: loader.records, kinds: loader.kinds, met: loader.met, unknown })
}

/// A document whose beginning was read already: the beginning again, then the rest.
type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// A document whose kind is known from its root or its first name.
enum Opened<R> {
    Xml(Box<Tokens<Stream<Whole<R>>>>),
    Json(Whole<R>),
}

fn open<R: BufRead>(mut input: R) -> Result<(Content, Opened<R>)> {
    let beginning = Beginning::of(&mut input).map_err(|error| Error::storage("reading the document", error))?;
    match beginning.json {
        Some(start) => {
            // The parser does not skip a byte order mark.
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

    /// An id that was given once is never given again, even if its record is gone.
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
