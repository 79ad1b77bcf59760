//! The API's XML documents: of one record, of a list, of a request's body, of an error.
//!
//! What is read is given as [`Fields`]: a document says some of a record's fields, and in the
//! `documented` dialect seldom all of them. [`Fields::complete`] makes the record of them
//! where all are there, [`Fields::unknown`] tells what the document has besides.
//!
//! ```
//! use clientstore::{Client, Dialect, NewClient, xml};
//!
//! let body = b"<client>\n  <name>Company LLC</name>\n</client>\n";
//! let new: NewClient = xml::read_new::<Client>(body)?;
//! assert_eq!(new, NewClient::named("Company LLC"));
//! assert_eq!(xml::write_fields(&new, Dialect::Documented)?, body);
//! # Ok::<(), clientstore::Error>(())
//! ```

mod declaration;
mod fault;
#[cfg(feature = "server")]
mod leaves;
mod names;
mod read;
mod source;
mod tokens;
mod tree;
mod write;

pub(crate) use declaration::is_utf8_name;
#[cfg(feature = "server")]
pub(crate) use leaves::{Leaf, leaves};
pub(crate) use names::find_illegal;
pub(crate) use read::{at_line, end, list, next, read_integer, record, skip};
pub(crate) use source::Stream;
pub(crate) use tokens::{Token, Tokens};
pub(crate) use tree::Tree;
pub use write::Dialect;
pub(crate) use write::{WIDEST, Writer, escaped};

use self::source::Slice;
use crate::error::Result;
use crate::format::{self, Format, Node, Purpose, documents};
use crate::record::{Document, Fields, NewRecord, Record, RecordChanges, Unknowns, Values};

/// Reads the document of one record, every element of it.
///
/// ```
/// use clientstore::{Client, xml};
///
/// let fields = xml::read::<Client>(b"<client><id type=\"integer\">7</id><name>SuprCorp</name></client>")?;
/// assert_eq!(fields.name()?.as_deref(), Some("SuprCorp"));
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Xml`](crate::Error::Xml) where the document is not well-formed, not UTF-8, or has another root;
/// [`Error::Invalid`](crate::Error::Invalid) where a value does not fit its type. Both carry the line.
pub fn read<R: Record>(document: &[u8]) -> Result<Fields<R>> {
    read_for(document, R::DOCUMENT, Purpose::Document).map(Fields::from_values)
}

/// Reads a list document.
///
/// ```
/// use clientstore::{Client, Dialect, xml};
///
/// let document = b"<clients>\n  <client>\n    <name>SuprCorp</name>\n  </client>\n</clients>\n";
/// let list = xml::read_list::<Client>(document)?;
/// assert_eq!(xml::write_list(list, Dialect::Documented)?, document);
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// # Errors
///
/// As [`read()`].
pub fn read_list<R: Record>(document: &[u8]) -> Result<Vec<Fields<R>>> {
    let mut records = Vec::new();
    read::read_list(Slice::new(document), R::DOCUMENT, &mut |values| {
        records.push(Fields::from_values(values));
        Ok(())
    })?;
    Ok(records)
}

/// Reads the body of a request that creates a record: what a create may set, read-only fields and
/// unknown elements ignored.
///
/// ```
/// use clientstore::{Client, ClientStore, xml};
///
/// let store = ClientStore::open_in_memory()?;
/// let id = store.clients().create(&xml::read_new::<Client>(b"<client>\n  <name>SuprCorp</name>\n</client>\n")?)?;
/// assert_eq!(store.clients().get(id)?.name, "SuprCorp");
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// # Errors
///
/// As [`read()`]. That required fields are there is checked when the record is created.
pub fn read_new<R: Record>(document: &[u8]) -> Result<NewRecord<R>> {
    read_for(document, R::DOCUMENT, Purpose::Create).map(|values| Fields::from_values(values).into())
}

/// Reads the body of a request that updates a record: what an update may set.
///
/// ```
/// use clientstore::{ClientStore, NewClient, xml};
///
/// let store = ClientStore::open_in_memory()?;
/// let id = store.clients().create(&NewClient::named("SuprCorp"))?;
/// store.clients().update(id, &xml::read_changes(b"<client><details>123 Main St.</details></client>")?)?;
/// assert_eq!(store.clients().get(id)?.details, "123 Main St.");
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// # Errors
///
/// As [`read()`].
pub fn read_changes<R: Record>(document: &[u8]) -> Result<RecordChanges<R>> {
    read_for(document, R::DOCUMENT, Purpose::Update).map(|values| Fields::from_values(values).into())
}

pub(crate) fn read_for(body: &[u8], document: &'static Document, purpose: Purpose) -> Result<Values> {
    read::read_record(Slice::new(body), document, purpose)
}

/// Reads the message of an error document.
///
/// ```
/// use clientstore::{Dialect, xml};
///
/// let document = xml::write_error("Client has active projects", Dialect::Documented);
/// assert_eq!(xml::read_error(&document)?, "Client has active projects");
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Xml`](crate::Error::Xml) where it is not well-formed, or no `<hash>` with a `<message>`.
pub fn read_error(document: &[u8]) -> Result<String> {
    let mut tokens = Tokens::new(Slice::new(document));
    let root = read::root(&mut tokens)?;
    if root != "hash" {
        return Err(tokens.error(format!("the root element is <{root}>, not <hash>")));
    }
    let mut message = None;
    loop {
        let found = match next!(tokens) {
            Token::Start { name, .. } => &*name == "message",
            Token::End => break,
            _ => continue,
        };
        if found {
            message = Some(read::text(&mut tokens, None, &mut Unknowns::default())?);
        } else {
            skip(&mut tokens)?;
        }
    }
    end(&mut tokens)?;
    message.ok_or_else(|| tokens.error("the error document has no <message>"))
}

/// Writes the document of one record.
///
/// # Errors
///
/// [`Error::Invalid`](crate::Error::Invalid) where a field has a value that no document can carry.
pub fn write<R: Record>(record: &R, dialect: Dialect) -> Result<Vec<u8>> {
    documents::one(record, Format::Xml(dialect))
}

/// Writes a document of just the given fields, like the body of a request, in either dialect.
///
/// ```
/// use clientstore::{Dialect, NewClient, xml};
///
/// let document = xml::write_fields(NewClient::named("SuprCorp").fields(), Dialect::Documented)?;
/// assert_eq!(document, b"<client>\n  <name>SuprCorp</name>\n</client>\n");
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// # Errors
///
/// As [`write()`].
pub fn write_fields<R: Record>(fields: impl AsRef<Fields<R>>, dialect: Dialect) -> Result<Vec<u8>> {
    documents::fields(fields.as_ref(), Format::Xml(dialect))
}

/// Writes a list document.
///
/// # Errors
///
/// As [`write()`].
pub fn write_list<R: Record>(
    records: impl IntoIterator<Item = impl Into<Fields<R>>>,
    dialect: Dialect,
) -> Result<Vec<u8>> {
    documents::list(records, Format::Xml(dialect))
}

/// Writes the error document; a character that XML cannot carry becomes U+FFFD.
///
/// ```
/// use clientstore::{Dialect, xml};
///
/// let document = xml::write_error("Client has active projects.", Dialect::Documented);
/// assert_eq!(document, b"<hash>\n  <message>Client has active projects.</message>\n</hash>\n");
/// ```
pub fn write_error(message: &str, dialect: Dialect) -> Vec<u8> {
    format::tree::write("hash", &[Node::Text("message", message.to_owned())], Format::Xml(dialect))
}
