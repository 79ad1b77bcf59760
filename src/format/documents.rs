//! Whole documents of records in memory, in either format.

use rusqlite::types::ValueRef;

use super::{Format, Unwritable, Writer};
use crate::error::{Error, Result};
use crate::record::{Fields, Record};
use crate::value::Value;

/// The document of one record: every field that the format shows.
pub(super) fn one<R: Record>(record: &R, format: Format) -> Result<Vec<u8>> {
    let fields = record.fields();
    let columns = R::TABLE.columns_of(format.view());
    let mut out = Vec::new();
    let writer = Writer::new(R::DOCUMENT, format);
    writer.single(&mut out, columns, |position| get(&fields, position), None).map_err(invalid)?;
    Ok(out)
}

/// A document of just the given fields.
pub(super) fn fields<R: Record>(fields: &Fields<R>, format: Format) -> Result<Vec<u8>> {
    let attached = fields.values.attached.as_deref();
    let mut out = Vec::new();
    let writer = Writer::new(R::DOCUMENT, format);
    writer.single(&mut out, R::TABLE.columns, |position| get(fields, position), attached).map_err(invalid)?;
    Ok(out)
}

/// A list document.
pub(super) fn list<R: Record>(
    records: impl IntoIterator<Item = impl Into<Fields<R>>>,
    format: Format,
) -> Result<Vec<u8>> {
    let columns = R::TABLE.columns_of(format.view());
    let writer = Writer::new(R::DOCUMENT, format);
    let mut out = Vec::new();
    writer.start_list(&mut out);
    let mut empty = true;
    for fields in records {
        let fields = fields.into();
        writer.list_record(&mut out, empty, columns, |position| get(&fields, position)).map_err(invalid)?;
        empty = false;
    }
    writer.end_list(&mut out, empty);
    Ok(out)
}

fn get<R>(fields: &Fields<R>, position: usize) -> Option<ValueRef<'_>> {
    fields.values.at(position).map(Value::as_ref)
}

fn invalid(Unwritable { column, reason }: Unwritable) -> Error {
    Error::invalid(column, reason)
}
