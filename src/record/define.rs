//! The macros that turn a record's description into its struct; data only, the logic is in the
//! traits and functions beside it.

/// Describes a record: its names, its columns in the specification's order, then the internal ones.
///
/// `id` names the type of its ids, which is declared here; the column `id` is of it, and so are the columns of other
/// records that refer to one.
///
/// A column is `name: type = mode attributes;`. Its element has the same name with dashes. The mode is one
/// of `readonly`, `writable`, `required`, `on_create` and the attributes are those of
/// [`Column`](crate::record::Column)'s builder.
macro_rules! record {
    (
        $(#[$doc:meta])*
        $record:ident: table $table:literal, id $id:ident, element $element:literal $(or $alias:literal)*,
        list $list:literal $(or $list_alias:literal)?, documented array $array:literal $(, attached $attached:literal)?
        $(, any root $any_root:literal)? $(, json $one:literal $(or $accepted:literal)* in $item:literal)?
        $(, asked $($asked:literal)*)? $(, without a place $($unplaced:literal)*)?;
        elements {
            $( $(#[$column_doc:meta])* $name:ident: $type:ty = $mode:ident
                $($attribute:ident $(($argument:expr))?)*; )*
        }
        internal {
            $( $internal:ident: $internal_type:ty = $internal_mode:ident
                $($internal_attribute:ident $(($internal_argument:expr))?)*; )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        #[non_exhaustive]
        pub struct $record {
            $( $(#[$column_doc])* pub $name: $type, )*
        }

        $crate::record::id_type! { $id of $record }

        pub(crate) static TABLE: $crate::record::Table = $crate::record::Table {
            name: $table,
            columns: &[
                $( $crate::record::column!($name: $type)
                    .$mode()$(.$attribute($($argument)?))*, )*
                $( $crate::record::column!($internal: $internal_type)
                    .$internal_mode()$(.$internal_attribute($($internal_argument)?))*.internal(), )*
            ],
            sql: std::sync::OnceLock::new(),
        };

        pub(crate) static DOCUMENT: $crate::record::Document = $crate::record::Document {
            table: &TABLE,
            element: $element,
            aliases: &[$($alias),*],
            list: $list,
            list_alias: [$(Some($list_alias),)? None][0],
            documented_array: $array,
            attached: [$(Some($attached),)? None][0],
            any_root: [$($any_root,)? false][0],
            asked: &[$($($asked),*)?],
            unplaced: &[$($($unplaced),*)?],
            json: [$(Some($crate::record::JsonNames { one: $one, item: $item, accepted: &[$($accepted),*] }),)? None][0],
            open: $crate::record::Tag::open_line($element),
            close: $crate::record::Tag::close_line($element),
            names: std::sync::OnceLock::new(),
        };

        impl $crate::record::Record for $record {
            type Id = $id;
        }

        impl $crate::record::Describe for $record {
            const TABLE: &'static $crate::record::Table = &TABLE;
            const DOCUMENT: &'static $crate::record::Document = &DOCUMENT;

            fn read<'a>(
                mut get: impl FnMut(usize) -> $crate::Result<rusqlite::types::ValueRef<'a>>,
            ) -> $crate::Result<Self> {
                let mut position = 0..;
                Ok($record {
                    $( $name: {
                        let at = position.next().unwrap_or_default();
                        $crate::record::Field::from_ref(get(at)?)
                            .map_err(|reason| $crate::Error::invalid($crate::record::dashed!($name), reason))?
                    }, )*
                })
            }

            fn fields(&self) -> $crate::record::Fields<Self> {
                let mut position = 0..;
                $crate::record::Fields::new()
                    $( .with(position.next().unwrap_or_default(), &self.$name) )*
            }
        }

        impl<'de> serde::Deserialize<'de> for $record {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                struct Given {
                    $( #[serde(default)] $name: $crate::record::Given<$type>, )*
                }

                let given = Given::deserialize(deserializer)?;
                Ok($record { $( $name: given.$name.or_default(&TABLE, stringify!($name))?, )* })
            }
        }

        impl $crate::record::Fields<$record> {
            $(
                $(#[$column_doc])*
                ///
                /// None where it is not given.
                ///
                /// # Errors
                ///
                /// [`Error::Invalid`](crate::Error::Invalid) where it is given and does not fit.
                pub fn $name(&self) -> $crate::Result<Option<$type>> {
                    self.get(stringify!($name))
                }
            )*
        }

        impl $crate::record::Columns<$record> {
            $(
                $(#[$column_doc])*
                pub fn $name(self) -> $crate::record::ColumnOf<$record, $type> {
                    $crate::record::ColumnOf::at(TABLE.position(stringify!($name)))
                }
            )*
        }

        impl $crate::record::NewRecord<$record> {
            $( $crate::record::setter! { create $mode $($attribute)*; $(#[$column_doc])* $name: $type } )*
        }

        impl $crate::record::RecordChanges<$record> {
            $( $crate::record::setter! { update $mode $($attribute)*; $(#[$column_doc])* $name: $type } )*
        }
    };
}

/// A column, whose element has its name with dashes.
macro_rules! column {
    ($name:ident: $type:ty) => {
        $crate::record::Column::new::<$type>(
            stringify!($name),
            $crate::record::dashed!($name),
            concat!(",\"", stringify!($name), "\":"),
        )
    };
}

/// A name with dashes for its underscores, as a constant.
macro_rules! dashed {
    ($name:ident) => {{
        const NAME: &str = stringify!($name);
        const BYTES: [u8; NAME.len()] = $crate::record::dashed_bytes(NAME);
        const DASHED: &str = match std::str::from_utf8(&BYTES) {
            Ok(dashed) => dashed,
            Err(_) => NAME,
        };
        DASHED
    }};
}

/// The bytes of a name, a dash for each underscore.
pub(crate) const fn dashed_bytes<const LENGTH: usize>(name: &str) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let mut at = 0;
    while at < LENGTH {
        bytes[at] = match name.as_bytes()[at] {
            b'_' => b'-',
            byte => byte,
        };
        at += 1;
    }
    bytes
}

/// The setter of a column that a create or an update may set.
macro_rules! setter {
    ($request:ident readonly $($attribute:ident)*; $(#[$doc:meta])* $name:ident: $type:ty) => {};
    (update on_create $($attribute:ident)*; $(#[$doc:meta])* $name:ident: $type:ty) => {};
    (update required on_create $($attribute:ident)*; $(#[$doc:meta])* $name:ident: $type:ty) => {};
    ($request:ident $mode:ident $($attribute:ident)*; $(#[$doc:meta])* $name:ident: $type:ty) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name(self, $name: impl Into<$type>) -> Self {
            self.with(TABLE.position(stringify!($name)), &$name.into())
        }
    };
}

/// A text column with a fixed set of values.
macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $( $(#[$variant_doc:meta])* $variant:ident = $text:literal, )* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_doc])* #[serde(rename = $text)] $variant, )*
        }

        impl $name {
            /// The value as the documents write it.
            pub const fn as_str(self) -> &'static str {
                match self { $( $name::$variant => $text, )* }
            }
        }

        impl $crate::record::Field for $name {
            const KIND: $crate::value::Kind = $crate::value::Kind::Text;
            const ALLOWED: &'static [&'static str] = &[$($text),*];

            fn to_value(&self) -> $crate::value::Value {
                $crate::value::Value::from(self.as_str())
            }

            fn from_ref(value: rusqlite::types::ValueRef<'_>) -> Result<Self, String> {
                match value.as_bytes().unwrap_or_default() {
                    $( bytes if bytes == $text.as_bytes() => Ok($name::$variant), )*
                    other => Err(format!(
                        "is {}, which is none of {}",
                        $crate::value::quoted(&String::from_utf8_lossy(other)),
                        [$($text),*].join(", ")
                    )),
                }
            }
        }
    };
}

/// What a list is narrowed by: conditions, each of which may be set. One in the second block, a plain number, takes no
/// other type.
macro_rules! filter {
    (
        $(#[$doc:meta])*
        $filter:ident { $( $(#[$condition_doc:meta])* $condition:ident: $type:ty, )* }
        $(number { $(#[$number_doc:meta])* $number:ident: $number_type:ty, })?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $filter {
            $( $condition: Option<$type>, )*
            $( $number: Option<$number_type>, )?
        }

        impl $filter {
            /// No condition: everything is listed.
            pub fn new() -> Self {
                Self::default()
            }

            $(
                $(#[$condition_doc])*
                #[must_use]
                pub fn $condition(mut self, $condition: impl Into<$type>) -> Self {
                    self.$condition = Some($condition.into());
                    self
                }
            )*

            $(
                $(#[$number_doc])*
                #[must_use]
                pub fn $number(mut self, $number: $number_type) -> Self {
                    self.$number = Some($number);
                    self
                }
            )?
        }
    };
}

pub(crate) use {column, dashed, filter, record, setter, text_enum};
