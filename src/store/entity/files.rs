//! Files that are kept with records, such as the receipt of an expense.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rusqlite::{Connection, MAIN_DB, OptionalExtension};

use super::rule::Action;
use crate::error::{Error, Result};
use crate::format::Contents;
use crate::record::Values;
use crate::value::{Kind, Value};

/// Where the files of a kind of record are kept, at most one a record: a table with the columns `name`, `type` and
/// `bytes`.
pub struct Files {
    pub(crate) table: &'static str,
    /// The column with the record's id, which is the table's key.
    pub(crate) owner: &'static str,
    /// What such a file is called.
    pub(crate) called: &'static str,
    /// The longest one, in bytes.
    pub(crate) longest: usize,
    /// The record's computed columns by which a dump carries the name, the type and, in base64, the bytes.
    pub(crate) dumped: [&'static str; 3],
    /// What keeping a file is to the record itself.
    pub(crate) action: &'static Action,
}

/// A file to keep with a record.
#[derive(Clone, Debug)]
pub(crate) struct NewFile {
    pub(crate) name: String,
    /// Its media type.
    pub(crate) content_type: String,
    pub(crate) bytes: Contents,
}

/// A file that is kept with a record, without its bytes.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) files: &'static Files,
    /// The record's.
    pub(crate) id: i64,
    pub(crate) name: String,
    /// Its media type.
    pub(crate) content_type: String,
    /// In bytes.
    pub(crate) length: usize,
}

/// The longest name, in characters.
const LONGEST_NAME: usize = 255;
/// The longest media type, in characters.
const LONGEST_TYPE: usize = 127;

/// Whether a text is a media type without parameters, like `image/png`.
pub(crate) fn is_media_type(text: &str) -> bool {
    let is_token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    text.len() <= LONGEST_TYPE && text.split_once('/').is_some_and(|(kind, of)| is_token(kind) && is_token(of))
}

impl Files {
    /// Keeps a file with a record, in the place of the one it had. The bytes are written as they are, without a copy of
    /// them all.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the file cannot be kept, [`Error::Storage`].
    pub(crate) fn keep(&self, connection: &Connection, id: i64, file: &NewFile) -> Result<()> {
        let NewFile { name, content_type, bytes } = file;
        let refuse = |reason: String| Err(Error::invalid(self.called, reason));
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return refuse(format!("has a name of {} characters; send 1 to {LONGEST_NAME}", name.chars().count()));
        }
        if let Err(reason) = Kind::Text.check(&Value::from(name.as_str())) {
            return refuse(format!("has a name that {reason}"));
        }
        if !is_media_type(content_type) {
            return refuse("has no media type; send one like image/png".to_owned());
        }
        if bytes.len() == 0 || bytes.len() > self.longest {
            return refuse(format!("has {} bytes; send 1 to {}", bytes.len(), self.longest));
        }
        let Files { table, owner, .. } = self;
        let room = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        connection
            .prepare_cached(&format!(
                "INSERT OR REPLACE INTO {table} ({owner}, name, type, bytes) VALUES (?1, ?2, ?3, zeroblob(?4))"
            ))?
            .execute((id, name, content_type, room))?;
        let mut blob = connection.blob_open(MAIN_DB, *table, "bytes", id, false)?;
        let mut written = 0;
        bytes.each(|piece| {
            blob.write_at(piece, written)?;
            written += piece.len();
            Ok(())
        })?;
        Ok(blob.close()?)
    }

    /// The file of a record.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] where it has none, [`Error::Storage`].
    pub(crate) fn find(&'static self, connection: &Connection, id: i64) -> Result<Kept> {
        let Files { table, owner, called, .. } = self;
        let sql = format!("SELECT name, type, length(bytes) FROM {table} WHERE {owner} = ?1");
        let found = connection
            .prepare_cached(&sql)?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?)))
            .optional()?;
        let Some((name, content_type, length)) = found else { return Err(Error::NotFound { record: called, id }) };
        let length = usize::try_from(length).unwrap_or_default();
        Ok(Kept { files: self, id, name, content_type, length })
    }

    /// Takes the file that a dumped record has from the record's values.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where a part of it is missing or cannot be read.
    pub(crate) fn take(&self, values: &mut Values) -> Result<Option<NewFile>> {
        let [name, content_type, bytes] = self.dumped.map(|column| match values.take(column) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        });
        match (name, content_type, bytes) {
            (None, None, None) => Ok(None),
            (Some(name), Some(content_type), Some(bytes)) => {
                let bytes = STANDARD.decode(bytes.trim_ascii()).map_err(|error| {
                    let reason = format!("is not in base64: {error}");
                    Error::invalid(self.called, reason)
                })?;
                Ok(Some(NewFile { name, content_type, bytes: Contents::Held(bytes.into()) }))
            }
            _ => Err(Error::invalid(self.called, "needs a name, a type and its bytes")),
        }
    }
}

impl Kept {
    /// Reads a part of its bytes, from an offset on.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`], also where the file is gone or another one meanwhile.
    pub(crate) fn read_at(&self, connection: &Connection, offset: usize, most: usize) -> Result<Bytes> {
        let mut part = vec![0; most.min(self.length.saturating_sub(offset))];
        let blob = connection.blob_open(MAIN_DB, self.files.table, "bytes", self.id, true)?;
        if blob.len() != self.length {
            return Err(Error::storage("reading a file that is kept with a record", "it was replaced meanwhile"));
        }
        blob.read_at_exact(&mut part, offset)?;
        blob.close()?;
        Ok(part.into())
    }
}
