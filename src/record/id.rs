//! The ids of records, a type for each kind of record, so that one is never taken for another's.

/// Declares the type of a record's ids.
macro_rules! id_type {
    ($id:ident of $record:ident) => {
        #[doc = concat!("The id of a [`", stringify!($record), "`]: a number that no other one has or had.")]
        ///
        /// In JSON and wherever it is shown, it is the number alone.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $id(i64);

        impl From<i64> for $id {
            #[inline]
            fn from(number: i64) -> Self {
                $id(number)
            }
        }

        impl From<$id> for i64 {
            #[inline]
            fn from(id: $id) -> i64 {
                id.0
            }
        }

        impl PartialEq<i64> for $id {
            fn eq(&self, number: &i64) -> bool {
                self.0 == *number
            }
        }

        impl std::fmt::Display for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $id {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($id)
            }
        }

        impl $crate::record::Field for $id {
            const KIND: $crate::value::Kind = $crate::value::Kind::Integer;

            #[inline]
            fn to_value(&self) -> $crate::value::Value {
                $crate::value::Value::Integer(self.0)
            }

            #[inline]
            fn from_ref(value: rusqlite::types::ValueRef<'_>) -> Result<Self, String> {
                <i64 as $crate::record::Field>::from_ref(value).map($id)
            }
        }
    };
}

pub(crate) use id_type;

#[cfg(test)]
mod tests {
    use crate::{ClientId, ProjectId};

    #[test]
    fn an_id_is_shown_parsed_and_kept_as_its_number() {
        let id = ClientId::from(7);
        assert_eq!((id.to_string().as_str(), format!("{id:>3}").as_str()), ("7", "  7"));
        assert_eq!("7".parse::<ClientId>(), Ok(id));
        assert!("seven".parse::<ClientId>().is_err());
        assert_eq!(serde_json::to_string(&id).unwrap(), "7");
        assert_eq!(serde_json::from_str::<ClientId>("7").unwrap(), id);
        assert_eq!(i64::from(id), 7);
        assert!(ProjectId::from(1) < ProjectId::from(2));
    }
}
