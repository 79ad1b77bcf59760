//! The Rust types a column can have, and their SQL form.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::types::ValueRef;
use rust_decimal::Decimal;

use crate::value::{self, Kind, Value, quoted, utf8};

/// A Rust type that a column can have.
pub trait Field: Sized {
    #[doc(hidden)]
    const KIND: Kind;
    #[doc(hidden)]
    const NULLABLE: bool = false;
    #[doc(hidden)]
    const ALLOWED: &'static [&'static str] = &[];

    #[doc(hidden)]
    fn to_value(&self) -> Value;

    /// Reads the SQL form; the error says what the value holds instead.
    #[doc(hidden)]
    fn from_ref(value: ValueRef<'_>) -> Result<Self, String>;
}

fn text(value: ValueRef<'_>) -> Result<&str, String> {
    match value {
        ValueRef::Text(bytes) => utf8(bytes),
        other => Err(unexpected(other)),
    }
}

fn unexpected(value: ValueRef<'_>) -> String {
    format!("holds {}, which it may not", value.data_type())
}

impl Field for i64 {
    const KIND: Kind = Kind::Integer;

    fn to_value(&self) -> Value {
        Value::Integer(*self)
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, String> {
        match value {
            ValueRef::Integer(number) => Ok(number),
            other => Err(unexpected(other)),
        }
    }
}

impl Field for bool {
    const KIND: Kind = Kind::Boolean;

    fn to_value(&self) -> Value {
        Value::Integer(i64::from(*self))
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, String> {
        match value {
            ValueRef::Integer(0) => Ok(false),
            ValueRef::Integer(1) => Ok(true),
            other => Err(unexpected(other)),
        }
    }
}

impl Field for String {
    const KIND: Kind = Kind::Text;

    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, String> {
        text(value).map(str::to_owned)
    }
}

impl Field for Decimal {
    const KIND: Kind = Kind::Decimal;

    fn to_value(&self) -> Value {
        Value::Text(value::decimal_text(*self))
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, String> {
        let text = text(value)?;
        text.parse().map_err(|_| format!("{} is no decimal", quoted(text)))
    }
}

impl Field for NaiveDate {
    const KIND: Kind = Kind::Date;

    fn to_value(&self) -> Value {
        Value::Text(value::date_text(*self))
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, String> {
        let text = text(value)?;
        value::parse_date(text).ok_or_else(|| format!("{} is no date", quoted(text)))
    }
}

impl Field for DateTime<Utc> {
    const KIND: Kind = Kind::DateTime;

    fn to_value(&self) -> Value {
        Value::Text(value::datetime_text(*self))
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, String> {
        let text = text(value)?;
        value::parse_datetime(text).ok_or_else(|| format!("{} is no datetime", quoted(text)))
    }
}

impl<T: Field> Field for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;
    const ALLOWED: &'static [&'static str] = T::ALLOWED;

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn from_ref(value: ValueRef<'_>) -> Result<Self, String> {
        match value {
            ValueRef::Null => Ok(None),
            other => T::from_ref(other).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_column_may_not_hold_is_named() {
        assert_eq!(i64::from_ref(ValueRef::Real(1.5)).unwrap_err(), "holds Real, which it may not");
        assert_eq!(bool::from_ref(ValueRef::Integer(2)).unwrap_err(), "holds Integer, which it may not");
        assert_eq!(String::from_ref(ValueRef::Blob(b"x")).unwrap_err(), "holds Blob, which it may not");
        assert_eq!(Option::<i64>::from_ref(ValueRef::Null), Ok(None));
    }
}
