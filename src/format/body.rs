//! The body of a request: its format, and what it may set.

use bytes::Bytes;

use super::multipart::{self, Contents, FilePart, Spooled};
use super::{form, json, xml};
use crate::error::{Error, Result};
use crate::record::{Column, Document, Values, Writable};

/// Which fields of a body count; the others are ignored with all they contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What a create may set.
    Create,
    /// The same under another record's path, which gives the column of this name.
    CreateUnder(&'static str),
    /// What an update may set.
    Update,
    /// Every column.
    Document,
}

impl Purpose {
    pub(super) fn takes(self, column: &Column) -> bool {
        match self {
            Purpose::Create => column.writable != Writable::Never,
            Purpose::CreateUnder(parent) => column.writable != Writable::Never && column.name != parent,
            Purpose::Update => column.writable == Writable::Always,
            Purpose::Document => true,
        }
    }

    /// The element that sets a column.
    pub(super) fn element(self, column: &Column) -> &'static str {
        match (self, column.sent_as) {
            (Purpose::Document, _) | (_, None) => column.element,
            (_, Some(element)) => element,
        }
    }
}

/// A request's body, as it came.
#[derive(Clone, Copy, Default)]
pub(crate) struct RequestBody<'a> {
    pub(crate) bytes: &'a [u8],
    /// The value of `Content-Type`, empty where there is none.
    pub(crate) content_type: &'a str,
    /// What the bytes are a part of, where they can be shared.
    pub(crate) owner: Option<&'a Bytes>,
    /// The request's query, which stands for an empty body where it is a form.
    pub(crate) query: &'a str,
    /// The body as a form that was read as it came; then the bytes are only its beginning.
    pub(crate) spooled: Option<&'a Spooled>,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFormat {
    Xml,
    Json,
    Form,
}

impl RequestBody<'_> {
    /// The last file that the parts of this name hold; none where there is no such part with a file name.
    ///
    /// # Errors
    ///
    /// [`Error::Form`] where the body is no form in parts, [`Error::Storage`] where the file could not be spooled.
    pub(crate) fn file(&self, name: &'static str) -> Result<Option<(FilePart, Contents)>> {
        match self.spooled {
            Some(Spooled(form)) => (**form).clone(),
            None => Ok(multipart::file(self.bytes, self.content_type, name)?.map(|part| {
                let bytes = self.share(&self.bytes[part.place.clone()]);
                (part, Contents::Held(bytes))
            })),
        }
    }

    /// A part of its bytes to keep; a copy only where they cannot be shared.
    fn share(&self, part: &[u8]) -> Bytes {
        match self.owner {
            Some(owner) if !part.is_empty() => owner.slice_ref(part),
            _ => Bytes::copy_from_slice(part),
        }
    }

    /// What the body is, by its type, else by its first character.
    pub(crate) fn format(&self) -> BodyFormat {
        let kind = self.content_type.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/json") {
            return BodyFormat::Json;
        }
        let bytes = self.bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(self.bytes);
        match bytes.trim_ascii_start().first() {
            Some(b'{' | b'[') => BodyFormat::Json,
            Some(b'<') => BodyFormat::Xml,
            _ if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") => BodyFormat::Form,
            _ => BodyFormat::Xml,
        }
    }

    /// Whether there is no body: nothing, or the `null` or `{}` that JSON programs send for nothing.
    pub(crate) fn is_none(&self) -> bool {
        let is_nothing = |nothing: &[u8]| {
            let mut bytes = self.bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
            nothing.iter().all(|byte| bytes.next() == Some(byte)) && bytes.next().is_none()
        };
        self.is_blank() || is_nothing(b"{}") || self.bytes.trim_ascii() == b"null"
    }

    fn is_blank(&self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }

    /// Reads the fields that it may set.
    ///
    /// # Errors
    ///
    /// [`Error::Xml`], [`Error::Json`] or [`Error::Form`] where it is not well-formed or not the document asked
    /// for, [`Error::Invalid`] where a value does not fit.
    pub(crate) fn read(&self, document: &'static Document, purpose: Purpose) -> Result<Values> {
        let format = self.format();
        let charset = self.content_type.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
        });
        if let Some(charset) = charset.filter(|charset| !xml::is_utf8_name(charset)) {
            let reason = format!("the body's charset is {}; send UTF-8", crate::value::quoted(charset));
            return Err(match format {
                BodyFormat::Xml => Error::Xml { line: 1, reason },
                BodyFormat::Json => Error::Json { line: 1, column: 1, reason },
                BodyFormat::Form => Error::Form { reason },
            });
        }
        if self.is_blank() && form::says_something(self.query.as_bytes(), document) {
            return form::read(self.query.as_bytes(), document, purpose);
        }
        match format {
            BodyFormat::Xml => {
                xml::read_for(self.bytes, document, purpose).map_err(|error| self.explain(error, document))
            }
            BodyFormat::Json => json::read_for(self.bytes, document, purpose),
            BodyFormat::Form => form::read(self.bytes, document, purpose),
        }
    }

    /// Adds what is wanted to what is wrong, where the type says that the body is of another kind.
    fn explain(&self, error: Error, document: &Document) -> Error {
        match error {
            Error::Xml { line, reason } if self.content_type.to_ascii_lowercase().contains("multipart/form-data") => {
                let reason =
                    format!("{reason}; the body is a form in parts, send XML: <{0}>...</{0}>", document.element);
                Error::Xml { line, reason }
            }
            other => other,
        }
    }
}
