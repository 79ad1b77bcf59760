//! The API's JSON documents: of one record, of a list, of a request's body, of an error.
//!
//! The functions are those of [`xml`](crate::xml). A document in JSON shows every field.
//!
//! ```
//! use clientstore::{Client, NewClient, json};
//!
//! let body = b"{\"client\":{\"name\":\"Company LLC\"}}\n";
//! let new: NewClient = json::read_new::<Client>(body)?;
//! assert_eq!(new, NewClient::named("Company LLC"));
//! assert_eq!(json::write_fields(&new)?, body);
//! # Ok::<(), clientstore::Error>(())
//! ```

#[cfg(feature = "server")]
mod leaves;
mod read;
mod record;
mod scan;
mod write;

#[cfg(feature = "server")]
pub(crate) use leaves::leaves;
pub(crate) use read::{Text, is_object, members, syntax, unescaped, what};
pub(crate) use record::list_record;
pub(crate) use scan::Scan;
pub(crate) use write::{WIDEST, Writer, escaped, write_string};

use crate::error::Result;
use crate::format::{self, Format, Node, Purpose, documents};
use crate::record::{Document, Fields, NewRecord, Record, RecordChanges, Values};

/// Reads the document of one record, wrapped or bare, every field of it.
///
/// ```
/// use clientstore::{Client, json};
///
/// let fields = json::read::<Client>(br#"{"client":{"id":7,"name":"SuprCorp"}}"#)?;
/// assert_eq!(fields.name()?.as_deref(), Some("SuprCorp"));
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Json`](crate::Error::Json) where the document is not JSON, not UTF-8, or no object;
/// [`Error::Invalid`](crate::Error::Invalid) where a value does not fit its type.
pub fn read<R: Record>(document: &[u8]) -> Result<Fields<R>> {
    read_for(document, R::DOCUMENT, Purpose::Document).map(Fields::from_values)
}

/// Reads a list document.
///
/// ```
/// use clientstore::{Client, json};
///
/// let list = json::read_list::<Client>(br#"[{"client":{"name":"SuprCorp"}}]"#)?;
/// assert_eq!(json::read_list::<Client>(&json::write_list(list.clone())?)?, list);
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// # Errors
///
/// As [`read()`].
pub fn read_list<R: Record>(document: &[u8]) -> Result<Vec<Fields<R>>> {
    let mut records = Vec::new();
    record::read_list(document, R::DOCUMENT, |values| {
        records.push(Fields::from_values(values));
        Ok(())
    })?;
    Ok(records)
}

/// Reads the body of a request that creates a record: what a create may set, read-only fields and
/// unknown members ignored.
///
/// ```
/// use clientstore::{Client, ClientStore, json};
///
/// let store = ClientStore::open_in_memory()?;
/// let id = store.clients().create(&json::read_new::<Client>(br#"{"client":{"name":"SuprCorp"}}"#)?)?;
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
/// # Errors
///
/// As [`read()`].
pub fn read_changes<R: Record>(document: &[u8]) -> Result<RecordChanges<R>> {
    read_for(document, R::DOCUMENT, Purpose::Update).map(|values| Fields::from_values(values).into())
}

pub(crate) fn read_for(body: &[u8], document: &'static Document, purpose: Purpose) -> Result<Values> {
    record::read_record(body, document, purpose)
}

/// Reads the message of an error document.
///
/// ```
/// use clientstore::json;
///
/// assert_eq!(json::read_error(&json::write_error("Client has active projects"))?, "Client has active projects");
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Json`](crate::Error::Json) where it is not JSON, or no object with a text `message`.
pub fn read_error(document: &[u8]) -> Result<String> {
    read::read_error(document)
}

/// Writes the document of one record.
///
/// # Errors
///
/// [`Error::Invalid`](crate::Error::Invalid) where a field has a value that no document can carry.
pub fn write<R: Record>(record: &R) -> Result<Vec<u8>> {
    documents::one(record, Format::Json)
}

/// Writes a document of just the given fields, like the body of a request.
///
/// ```
/// use clientstore::{NewClient, json};
///
/// let document = json::write_fields(NewClient::named("SuprCorp").fields())?;
/// assert_eq!(document, b"{\"client\":{\"name\":\"SuprCorp\"}}\n");
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// # Errors
///
/// As [`write()`].
pub fn write_fields<R: Record>(fields: impl AsRef<Fields<R>>) -> Result<Vec<u8>> {
    documents::fields(fields.as_ref(), Format::Json)
}

/// Writes a list document.
///
/// # Errors
///
/// As [`write()`].
pub fn write_list<R: Record>(records: impl IntoIterator<Item = impl Into<Fields<R>>>) -> Result<Vec<u8>> {
    documents::list(records, Format::Json)
}

/// Writes the error document.
///
/// ```
/// let document = clientstore::json::write_error("Client has active projects.");
/// assert_eq!(document, b"{\"message\":\"Client has active projects.\"}\n");
/// ```
pub fn write_error(message: &str) -> Vec<u8> {
    format::tree::write("hash", &[Node::Text("message", message.to_owned())], Format::Json)
}
