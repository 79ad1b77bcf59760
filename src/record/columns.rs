//! The fields of a record, as a query names them.

use std::fmt;
use std::marker::PhantomData;

use super::{Column, Describe};
use crate::value::Kind;

/// The fields of one kind of record, by their names: what queries order and compare by.
///
/// ```
/// use clientstore::{ClientFilter, ClientStore, NewClient};
///
/// let store = ClientStore::open_in_memory()?;
/// store.clients().create_all(["Alder", "Zephyr"].map(NewClient::named))?;
/// let last = store.clients().query(&ClientFilter::new()).order_by(|client| client.name().descending()).first()?;
/// assert_eq!(last.unwrap().name, "Zephyr");
/// # Ok::<(), clientstore::Error>(())
/// ```
pub struct Columns<R> {
    record: PhantomData<fn() -> R>,
}

impl<R> Columns<R> {
    pub(crate) fn new() -> Self {
        Columns { record: PhantomData }
    }
}

impl<R: Describe> fmt::Debug for Columns<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(R::TABLE.columns.iter().map(|column| column.name)).finish()
    }
}

/// A field of a record, with values of the type `T`.
pub struct ColumnOf<R, T> {
    pub(crate) position: usize,
    pub(crate) descending: bool,
    column: PhantomData<fn() -> (R, T)>,
}

impl<R: Describe, T> ColumnOf<R, T> {
    pub(crate) fn at(position: usize) -> Self {
        ColumnOf { position, descending: false, column: PhantomData }
    }

    /// The greatest value first, in an order by the field.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    pub(crate) fn column(&self) -> &'static Column {
        &R::TABLE.columns[self.position]
    }
}

impl<R: Describe, T> fmt::Debug for ColumnOf<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColumnOf")
            .field("name", &self.column().name)
            .field("descending", &self.descending)
            .finish_non_exhaustive()
    }
}

impl Column {
    /// The SQL that reads the column.
    pub(crate) fn sql(&self) -> &'static str {
        self.computed.unwrap_or(self.name)
    }

    /// The SQL by which values of the column are ordered, given the name of the function that ignores case.
    pub(crate) fn sorted_by(&self, folded: &str) -> String {
        match self.kind {
            Kind::Decimal => self.number(),
            Kind::Text if self.allowed.is_empty() => format!("{folded}({})", self.sql()),
            _ => self.sql().to_owned(),
        }
    }

    /// A decimal is kept as a text, and compared as a number.
    pub(crate) fn number(&self) -> String {
        format!("CAST({} AS REAL)", self.sql())
    }
}
