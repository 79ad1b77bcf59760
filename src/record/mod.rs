//! What a record is: a table of columns, described once, that drives the SQL, the row mapping and
//! the XML in both directions.

mod columns;
mod define;
mod document;
mod field;
mod fields;
mod given;
mod id;
mod names;
mod parts;
mod request;
mod sql;
mod tag;
mod unknown;
mod values;

pub use columns::{ColumnOf, Columns};
pub(crate) use define::{column, dashed, dashed_bytes, filter, record, setter, text_enum};
pub(crate) use document::same_name;
pub use document::{Document, JsonNames};
pub use field::Field;
pub use fields::Fields;
pub use given::Given;
pub(crate) use id::id_type;
pub(crate) use names::Known;
pub use parts::Parts;
pub use request::{NewRecord, RecordChanges};
use sql::Sql;
pub(crate) use tag::Tag;
pub use unknown::Unknown;
pub(crate) use unknown::Unknowns;
pub use values::Values;
pub(crate) use values::{LONGEST_TEXT, TOO_LONG};

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::{Serialize, de::DeserializeOwned};

use crate::error::Result;
use crate::value::{Kind, Value};

/// How a nil is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nil {
    /// The column is NOT NULL.
    Never,
    /// `<tax type="decimal" nil="true"></tax>`.
    Typed,
    /// `<hourly-rate nil="true"></hourly-rate>`.
    Bare,
}

/// Which requests may set a column; the others ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writable {
    Never,
    OnCreate,
    Always,
}

/// Which documents show a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// Both dialects.
    Both,
    /// The `live` dialect only.
    Live,
    /// None but the whole-store dump.
    Internal,
}

/// One column of a record's table, and its element.
#[derive(Debug)]
pub struct Column {
    /// The SQL name; the element's is the same with dashes.
    pub(crate) name: &'static str,
    pub(crate) element: &'static str,
    /// What stands before the value in JSON: a comma, the name and a colon. Names have nothing to escape.
    pub(crate) member: &'static str,
    pub(crate) kind: Kind,
    pub(crate) nil: Nil,
    pub(crate) writable: Writable,
    pub(crate) required: bool,
    pub(crate) view: View,
    /// The element that a request sets it by, where that is another.
    pub(crate) sent_as: Option<&'static str>,
    /// Another edition's element, read where the column's own is missing, or is an empty text.
    pub(crate) also: Option<&'static str>,
    /// The SQL that a computed column is read by; the file has no such column, and no document sets it.
    pub(crate) computed: Option<&'static str>,
    /// What a create gives it that gives it nothing.
    pub(crate) default: Option<Constant>,
    /// The only values a text may have, read in any case and with dashes for underscores; empty for any.
    pub(crate) allowed: &'static [&'static str],
    /// A text has at most this many characters.
    pub(crate) longest: usize,
    /// A text is not empty and has no white space.
    pub(crate) unspaced: bool,
    /// Whether a search looks into it.
    pub(crate) searched: bool,
    /// A day may come in any form that programs sent, not only in those of `docs/spec/wire.md`.
    pub(crate) any_day: bool,
    pub(crate) open: Tag,
    pub(crate) nil_tag: Tag,
    pub(crate) close: Tag,
}

impl Column {
    pub(crate) const fn new<T: Field>(name: &'static str, element: &'static str, member: &'static str) -> Self {
        let type_name = T::KIND.type_name();
        Column {
            name,
            element,
            member,
            kind: T::KIND,
            nil: match (T::NULLABLE, T::KIND) {
                (false, _) => Nil::Never,
                (true, Kind::Text) => Nil::Bare,
                (true, _) => Nil::Typed,
            },
            writable: Writable::Never,
            required: false,
            view: View::Both,
            sent_as: None,
            also: None,
            computed: None,
            default: None,
            allowed: T::ALLOWED,
            longest: LONGEST_TEXT,
            unspaced: false,
            searched: false,
            any_day: false,
            open: Tag::open(element, type_name, false),
            nil_tag: Tag::open(element, type_name, true).then_close(element),
            close: Tag::close(element),
        }
    }

    pub(crate) const fn readonly(self) -> Self {
        self
    }

    pub(crate) const fn writable(mut self) -> Self {
        self.writable = Writable::Always;
        self
    }

    pub(crate) const fn on_create(mut self) -> Self {
        self.writable = Writable::OnCreate;
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self.writable()
    }

    /// The default of a number or a boolean.
    pub(crate) const fn default(mut self, number: i64) -> Self {
        self.default = Some(Constant::Integer(number));
        self
    }

    /// The default of a text, or of what is kept as one.
    pub(crate) const fn default_text(mut self, text: &'static str) -> Self {
        self.default = Some(Constant::Text(text));
        self
    }

    /// A request sets it by an element of another name.
    pub(crate) const fn sent_as(mut self, element: &'static str) -> Self {
        self.sent_as = Some(element);
        self
    }

    /// Another edition's element says the same.
    pub(crate) const fn also(mut self, element: &'static str) -> Self {
        self.also = Some(element);
        self
    }

    /// A text has at most this many characters.
    pub(crate) const fn at_most(mut self, longest: usize) -> Self {
        self.longest = longest;
        self
    }

    /// A text is not empty and has no white space.
    pub(crate) const fn unspaced(mut self) -> Self {
        self.unspaced = true;
        self
    }

    /// A search looks into it.
    pub(crate) const fn searched(mut self) -> Self {
        self.searched = true;
        self
    }

    /// A day may come in any form that programs sent.
    pub(crate) const fn any_day(mut self) -> Self {
        self.any_day = true;
        self
    }

    /// The column is not stored but read by an SQL expression.
    pub(crate) const fn computed(mut self, sql: &'static str) -> Self {
        self.computed = Some(sql);
        self
    }

    pub(crate) const fn live(mut self) -> Self {
        self.view = View::Live;
        self
    }

    pub(crate) const fn internal(mut self) -> Self {
        self.view = View::Internal;
        self
    }

    /// A nil is written without a type.
    pub(crate) const fn bare_nil(mut self) -> Self {
        self.nil = Nil::Bare;
        self.nil_tag = Tag::open(self.element, None, true).then_close(self.element);
        self
    }
}

/// A default value.
#[derive(Clone, Copy, Debug)]
pub enum Constant {
    Integer(i64),
    Text(&'static str),
}

impl From<Constant> for Value {
    fn from(constant: Constant) -> Self {
        match constant {
            Constant::Integer(number) => Value::Integer(number),
            Constant::Text(text) => Value::from(text),
        }
    }
}

/// A record's table: its SQL name and its columns, those of the documents in the specification's order first.
#[derive(Debug)]
pub struct Table {
    /// The SQL name.
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) sql: OnceLock<Sql>,
}

impl Table {
    /// The columns that a document shows; a view's columns stand before those of the next.
    pub(crate) fn columns_of(&self, view: View) -> &'static [Column] {
        let end = self.columns.iter().take_while(|column| column.view <= view).count();
        &self.columns[..end]
    }

    /// The names of the columns that a search looks into.
    pub(crate) fn searched(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().filter(|column| column.searched).map(|column| column.name)
    }

    pub(crate) fn sql(&self) -> &Sql {
        self.sql.get_or_init(|| Sql::of(self))
    }

    /// The position of the id.
    pub(crate) fn id(&self) -> usize {
        self.position("id")
    }

    /// The position of a column by its SQL name, where there is one.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The position of a column by its SQL name.
    ///
    /// # Panics
    ///
    /// When there is none: the name is always a literal of this crate.
    pub(crate) fn position(&self, name: &str) -> usize {
        self.find(name).unwrap_or_else(|| panic!("{} has no column {name}", self.name))
    }
}

/// A record of the API: [`Client`](crate::Client), [`Project`](crate::Project),
/// [`Invoice`](crate::Invoice) and so on.
///
/// With serde, a record is a map of its fields. One that was stored by an earlier version of this crate can still be
/// read: a field that was added since gets its default, or is `None`.
///
/// The trait is sealed; it names what the generic functions of [`xml`](crate::xml) take.
pub trait Record: Describe + Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    /// The type of its ids, like [`ClientId`](crate::ClientId).
    type Id: Copy
        + Ord
        + Hash
        + Debug
        + Display
        + FromStr<Err = ParseIntError>
        + From<i64>
        + Into<i64>
        + PartialEq<i64>
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static;
}

/// The machinery behind [`Record`], written by the `record!` macro.
pub trait Describe: Sized + 'static {
    #[doc(hidden)]
    const TABLE: &'static Table;

    #[doc(hidden)]
    const DOCUMENT: &'static Document;

    /// Reads the record from the columns of `View::Live`, by their position.
    #[doc(hidden)]
    fn read<'a>(get: impl FnMut(usize) -> Result<rusqlite::types::ValueRef<'a>>) -> Result<Self>;

    /// Every element's value, in the columns' order.
    #[doc(hidden)]
    fn fields(&self) -> Fields<Self>;
}
