//! Some of a record's fields, typed.

use std::fmt;
use std::marker::PhantomData;

use super::{Describe, Field, Record, Unknown, Values};
use crate::error::{Error, Result};

/// Some of the fields of a record, as a document or a request says them.
///
/// Each field has a getter by its name, which gives nothing where the field is not given. A field that can be nil gives
/// `Some(None)` where it is.
///
/// ```
/// use clientstore::{Project, xml};
///
/// let document = b"<project><name>Website</name><fee type=\"decimal\" nil=\"true\"/><active>maybe</active></project>";
/// assert!(xml::read::<Project>(document).is_err(), "a value of a wrong type");
///
/// let fields = xml::read::<Project>(b"<project><name>Website</name><fee type=\"decimal\" nil=\"true\"/></project>")?;
/// assert_eq!(fields.name()?.as_deref(), Some("Website"));
/// assert_eq!(fields.fee()?, Some(None));
/// assert_eq!(fields.client_id()?, None);
/// # Ok::<(), clientstore::Error>(())
/// ```
///
/// [`NewRecord`](crate::NewRecord) and [`RecordChanges`](crate::RecordChanges) are made of it.
pub struct Fields<R> {
    pub(crate) values: Values,
    record: PhantomData<fn() -> R>,
}

impl<R: Describe> Fields<R> {
    /// No field given.
    pub(crate) fn new() -> Self {
        Self::from_values(Values::new(R::TABLE))
    }

    pub(crate) fn from_values(values: Values) -> Self {
        Fields { values, record: PhantomData }
    }

    pub(crate) fn with(mut self, position: usize, value: &impl Field) -> Self {
        self.values.set_at(position, value.to_value());
        self
    }

    /// The field of a name of this crate.
    pub(crate) fn get<T: Field>(&self, name: &'static str) -> Result<Option<T>> {
        let position = R::TABLE.position(name);
        let Some(value) = self.values.at(position) else { return Ok(None) };
        let column = &R::TABLE.columns[position];
        T::from_ref(column.listed(value)).map(Some).map_err(|reason| Error::invalid(column.element, reason))
    }

    /// The elements of the document that these fields were read from that have no place in the record; none where they
    /// were set one by one.
    ///
    /// ```
    /// use clientstore::{Client, xml};
    ///
    /// let fields = xml::read::<Client>(b"<client><name>Jo</name><detials>12 Side St.</detials></client>")?;
    /// assert_eq!(fields.unknown()[0].to_string(), "detials (line 1)");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn unknown(&self) -> &[Unknown] {
        self.values.unknown.met()
    }

    /// The whole record, where every one of its fields is given.
    ///
    /// ```
    /// use clientstore::{Client, ClientStore, Dialect, NewClient, xml};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let id = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let client = store.clients().get(id)?;
    /// let document = xml::write(&client, Dialect::Live)?;
    /// assert_eq!(xml::read::<Client>(&document)?.complete()?, client);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with the first field that is missing or does not fit.
    pub fn complete(&self) -> Result<R> {
        R::read(|position| {
            let column = &R::TABLE.columns[position];
            match self.values.at(position) {
                Some(value) => Ok(column.listed(value)),
                None => Err(Error::invalid(column.element, "is missing")),
            }
        })
    }
}

impl<R> Clone for Fields<R> {
    fn clone(&self) -> Self {
        Fields { values: self.values.clone(), record: PhantomData }
    }
}

impl<R> PartialEq for Fields<R> {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl<R> Eq for Fields<R> {}

impl<R: Describe> fmt::Debug for Fields<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.values.table;
        let given = self.values.given().map(|(at, value)| (table.columns[at].name, value));
        write!(f, "{} ", R::DOCUMENT.element)?;
        f.debug_map().entries(given).finish()
    }
}

impl<R: Record> From<&R> for Fields<R> {
    fn from(record: &R) -> Self {
        record.fields()
    }
}

impl<R> AsRef<Fields<R>> for Fields<R> {
    fn as_ref(&self) -> &Fields<R> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewClient, NewInvoice, NewLineItem, NewPerson, NewProject};

    #[test]
    fn fields_are_equal_where_they_set_the_same_of_the_same_kind() {
        let named = NewClient::named("a");
        assert_eq!(named, NewClient::named("a"));
        for other in [NewClient::named("b"), NewClient::new(), named.clone().details("")] {
            assert_ne!(named, other);
        }
        let jane = NewPerson::named("Jane", "Doe", "jane@example.com");
        assert_ne!(jane.clone().password("a"), jane.clone().password("b"));
        assert_eq!(format!("{:?}", jane.clone().password("a")), format!("{jane:?}"), "a password is not shown");
        let invoice = NewInvoice::of(1);
        let lines = || invoice.clone().lines([NewLineItem::of("a", 1, 2)]);
        assert_eq!(lines(), lines());
        assert_ne!(lines(), invoice);
        assert_ne!(lines(), invoice.clone().lines([]));
        assert_ne!(Values::new(NewClient::new().fields.values.table), NewProject::new().fields.values);
    }

    #[test]
    fn fields_are_shown_by_their_names() {
        assert_eq!(format!("{:?}", NewClient::named("a")), "client {\"name\": Text(\"a\")}");
    }
}
