//! What the store asks of a resource: its table, its rules, its filters.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::Connection;

use super::builder::Builder;
use crate::error::{Error, Result};
use crate::record::{Record, Table, Values};
use crate::value::{Value, bound, datetime_text};

/// A kind of record with its rules. A resource never names HTTP.
pub trait Resource: Sync {
    fn table(&self) -> &'static Table;

    /// The spellings of its part of a path, the usual one first; none for what only other resources
    /// show.
    fn paths(&self) -> &'static [&'static str];

    /// The resource that its records belong to, each to one record.
    fn parent(&self) -> Option<&'static Parent> {
        None
    }

    /// Whether a record can be updated once it is there.
    fn updates(&self) -> bool {
        true
    }

    /// The column that counts a record's writes.
    fn version(&self) -> &'static str {
        "version"
    }

    /// The order of its lists.
    fn order(&self) -> Order {
        Order::Id
    }

    /// The changes by name that it has besides update and delete.
    fn actions(&self) -> &'static [Action] {
        &[]
    }

    /// Takes from the store's settings what applying a command must not ask for, like random keys.
    fn draw(&self, _values: &mut Values, _settings: &Builder) {}

    /// Fills in what a create leaves out.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the given values have no record.
    fn complete(&self, connection: &Connection, values: &mut Values, at: DateTime<Utc>) -> Result<()>;

    /// Fills in what follows from an update's values.
    ///
    /// # Errors
    ///
    /// As [`complete`](Self::complete).
    fn revise(&self, _connection: &Connection, _id: i64, _values: &mut Values) -> Result<()> {
        Ok(())
    }

    /// The condition under which a change may happen, in SQL, or an empty string. Its parameters
    /// are the record's columns by their position, the first being the id.
    fn guard(&self, _change: &Change<'_>) -> &'static str {
        ""
    }

    /// Whether [`entail`](Self::entail) has something to do.
    fn entails(&self) -> bool {
        false
    }

    /// The columns of a deleted record that what its end entails depends on.
    fn remembered(&self) -> &'static [&'static str] {
        &[]
    }

    /// Does what a change to a record entails for others, in the change's own transaction.
    ///
    /// # Errors
    ///
    /// Any, and then the change has not happened either.
    fn entail(&self, _connection: &Connection, _done: &Done<'_>) -> Result<()> {
        Ok(())
    }

    /// The text of the element that the document of one record has after its columns, where it is no longer than
    /// `most` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] and [`Error::Corrupt`] where it cannot be read.
    fn attached(&self, _connection: &Connection, _id: i64, _most: usize) -> Result<Attached> {
        Ok(Attached::None)
    }

    /// How long that text is at most once it is escaped, in bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where it cannot be told.
    fn attached_at_most(&self, _connection: &Connection, _id: i64) -> Result<usize> {
        Ok(0)
    }

    /// Why the guard held a change back, where the record itself is there.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where the reason cannot be read.
    fn refusal(&self, connection: &Connection, change: &Change<'_>) -> Result<Error>;

    /// The records that every new store has, while nobody has written to them, as a condition in
    /// SQL; a loaded dump takes their place.
    fn untouched(&self) -> &'static str {
        "0"
    }

    /// The rules that its records keep beyond the form of their values, for a check.
    fn invariants(&self) -> &'static [Invariant] {
        &[]
    }

    /// What compares a record with all that its values follow from, for a check.
    fn audit(&self) -> Option<Audit> {
        None
    }

    /// What a list shows when no query parameter asks for less.
    fn unfiltered(&self) -> Selection {
        Selection::default()
    }

    /// Adds the filter that a query parameter asks for; one it does not know is ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the value cannot be read.
    fn filter(&self, _selection: &mut Selection, _name: &str, _value: &str, _today: NaiveDate) -> Result<()> {
        Ok(())
    }
}

/// The text that the document of one record has after its columns.
#[derive(Debug, PartialEq, Eq)]
pub enum Attached {
    /// It has none.
    None,
    Text(String),
    /// It is longer than was asked for.
    Longer,
}

/// A rule that a check looks for breaches of.
pub struct Invariant {
    /// The column that is wrong then.
    pub(crate) column: &'static str,
    /// What is wrong with it, after its name.
    pub(crate) says: &'static str,
    /// The SQL that gives the ids of the records that break it; it must need no index.
    pub(crate) broken_by: &'static str,
}

/// Tells of each column of a record that is not what it follows from.
pub type Audit = fn(&Connection, i64, &mut dyn FnMut(&'static str, String)) -> Result<()>;

/// A change to the records of a resource, as its rules see it.
pub enum Change<'a> {
    Create(&'a Values),
    Update(i64, &'a Values),
    Act(i64, &'static Action),
    Delete(i64),
}

/// The resource that another's records belong to.
pub struct Parent {
    pub(crate) resource: &'static dyn Resource,
    /// The column of the child that has the parent's id.
    pub(crate) column: &'static str,
    /// Other spellings of the parent's part of the path.
    pub(crate) also: &'static [&'static str],
}

/// A change that has happened, in a transaction that is still open.
pub struct Done<'a> {
    pub(crate) change: Change<'a>,
    /// The record.
    pub(crate) id: i64,
    /// What is [remembered](Resource::remembered) of a deleted record.
    pub(crate) gone: Option<Values>,
    /// The body that an action came with.
    pub(crate) body: Option<Values>,
    pub(crate) at: DateTime<Utc>,
}

impl Done<'_> {
    /// The values that a create or an update gave, or that a deleted record had.
    pub(crate) fn values(&self) -> Option<&Values> {
        self.change.values().or(self.gone.as_ref())
    }
}

impl Change<'_> {
    /// The record that is changed; none for a create.
    pub(crate) fn id(&self) -> Option<i64> {
        match self {
            Change::Create(_) => None,
            Change::Update(id, _) | Change::Act(id, ..) | Change::Delete(id) => Some(*id),
        }
    }

    /// The values that a create or an update gives.
    pub(crate) fn values(&self) -> Option<&Values> {
        match self {
            Change::Create(values) | Change::Update(_, values) => Some(values),
            Change::Act(..) | Change::Delete(_) => None,
        }
    }
}

/// A change by name, one conditional UPDATE.
pub struct Action {
    /// The name, which is the last part of its path.
    pub(crate) name: &'static str,
    /// The resource under whose path it stands, where that is not the record's own; a body is one
    /// of its records.
    pub(crate) under: Option<&'static dyn Resource>,
    /// What it sets, in SQL, the column whose new value is told first.
    pub(crate) set: &'static str,
    /// The condition under which it may happen, in SQL.
    pub(crate) when: &'static str,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By id.
    Id,
    /// Newest created first, ties by id descending.
    Newest,
}

/// Which records of a table a list shows.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub(crate) conditions: Vec<(Cow<'static, str>, Option<Value>)>,
    /// Set where the conditions' index gives the records in another order than the list's.
    pub(crate) sorts: bool,
    /// The part of the list that is shown: its first record, and how many.
    pub(crate) window: Option<(i64, i64)>,
}

impl Selection {
    /// Whether it is the whole list.
    pub(crate) fn is_whole(&self) -> bool {
        self.conditions.is_empty() && self.window.is_none()
    }

    /// Adds a condition with its parameter, a single `?`.
    pub(crate) fn and(&mut self, condition: &'static str, value: impl Into<Option<Value>>) {
        self.conditions.push((Cow::Borrowed(condition), value.into()));
    }

    /// Only records that belong to the one with the id.
    pub(crate) fn belonging_to(&mut self, column: &'static str, id: i64) {
        self.conditions.push((Cow::Owned(format!("{column} = ?")), Some(Value::Integer(id))));
    }

    /// Only records updated at the moment or later.
    pub(crate) fn updated_since(&mut self, moment: DateTime<Utc>) {
        self.and("updated_at >= ?", bound(datetime_text(moment)));
        self.sorts = true;
    }

    /// The same, from a query parameter.
    pub(crate) fn updated_since_text(&mut self, text: &str) -> Result<()> {
        match crate::value::parse_datetime(text.trim_matches(crate::value::is_space)) {
            Some(moment) => {
                self.updated_since(moment);
                Ok(())
            }
            None => Err(Error::invalid(
                "updated_since",
                "cannot be read; send UTC like 2010-09-25 18:30, 2010-09-25T18:30:00Z or 20100925",
            )),
        }
    }

    /// Only records of the client; what is no number has no client.
    pub(crate) fn client_text(&mut self, text: &str) {
        match text.trim_matches(crate::value::is_space).parse::<i64>() {
            Ok(id) => self.and("client_id = ?", Value::Integer(id)),
            Err(_) => self.nothing(),
        }
    }

    /// No record at all.
    pub(crate) fn nothing(&mut self) {
        self.and("0", None);
    }
}

/// A record that the store keeps.
///
/// The trait is sealed, like [`Record`].
pub trait Stored: Record {
    /// What a list of these records can be narrowed by.
    type Filter: Default;

    #[doc(hidden)]
    const RESOURCE: &'static dyn Resource;

    #[doc(hidden)]
    fn select(filter: &Self::Filter, today: NaiveDate) -> Selection;
}
