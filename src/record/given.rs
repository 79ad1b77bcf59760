//! Records that were stored as JSON or the like before a field was added.

use rusqlite::types::ValueRef;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::{Field, Table};
use crate::value::Value;

/// A field of a record that is read by serde, if it is there.
pub struct Given<T>(Option<T>);

impl<T> Default for Given<T> {
    fn default() -> Self {
        Given(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|field| Given(Some(field)))
    }
}

impl<T: Field> Given<T> {
    /// The field; one that is not there has what a create gives it that is not told, or is nil. One without such a
    /// default is missed.
    pub(crate) fn or_default<E: Error>(self, table: &Table, name: &'static str) -> Result<T, E> {
        if let Some(field) = self.0 {
            return Ok(field);
        }
        let default = match table.columns[table.position(name)].default {
            Some(constant) => T::from_ref(Value::from(constant).as_ref()),
            None => T::from_ref(ValueRef::Null),
        };
        default.map_err(|_| E::missing_field(name))
    }
}
