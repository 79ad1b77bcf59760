//! What the store knows of a kind of record: its table, its rules, its filters, and what follows
//! from a change.

use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::Connection;

use super::files::Files;
use super::filter::{Filter, Selection};
use super::rule::{Action, Change, Rule};
use crate::error::{Error, Result};
use crate::record::{Document, Parts, Record, Table, Values};
use crate::store::Builder;
use crate::value::is_space;

/// A kind of record with its rules. It knows neither HTTP nor paths.
///
/// It is data, built by the `const` methods below; what is not plain data is a function that the
/// store calls at a named moment.
pub struct Entity {
    pub(crate) table: &'static Table,
    pub(crate) document: &'static Document,
    /// The kind of record that its records belong to, each to one record.
    pub(crate) parent: Option<Parent>,
    /// The column that counts a record's writes.
    pub(crate) version: &'static str,
    pub(crate) order: Order,
    pub(crate) rules: &'static [Rule],
    pub(crate) filters: &'static [Filter],
    /// The condition in SQL on the records that a person may read who is no administrator; `:actor` is their id, and
    /// columns of the table are named with it. It has no `OR` outside parentheses. None where there are no such records.
    pub(crate) seen: Option<&'static str>,
    /// The same for those that a project manager may read and change.
    pub(crate) managed: Option<&'static str>,
    /// The columns that only an administrator sets in a record that is there.
    pub(crate) reserved: &'static [&'static str],
    /// Takes from the store's settings what applying a command must not ask for, like random keys.
    pub(crate) prepare: Option<fn(&mut Values, &Builder) -> Result<()>>,
    /// The columns that say who made a record.
    pub(crate) signed: &'static [(&'static str, Signature)],
    /// Finds the record that is there already and that a create means, and makes it what the create says.
    pub(crate) existing: Option<Existing>,
    /// Fills in what a create leaves out and no column's default gives.
    pub(crate) complete: Option<Complete>,
    /// Fills in what follows from an update's values.
    pub(crate) revise: Option<Revise>,
    /// Lets go of the records that refer to one that is about to be deleted, in the delete's own transaction.
    pub(crate) release: Option<Release>,
    /// Does what a change entails for other records, in the change's own transaction.
    pub(crate) entail: Option<fn(&Connection, &Done<'_>) -> Result<()>>,
    /// The columns of a deleted record that [`entail`](Self::entail) looks at.
    pub(crate) remembered: &'static [&'static str],
    /// The text of the element that the document of one record has after its columns.
    pub(crate) attached: Option<Attached>,
    /// The records that every new store has while nobody has written to them, as a condition in
    /// SQL; a loaded dump takes their place.
    pub(crate) seeded: Option<&'static str>,
    /// Where the file is kept that a record may have.
    pub(crate) files: Option<&'static Files>,
    /// What is different while documents are loaded, where a rule looks at all records of the kind.
    pub(crate) loading: Option<Loading>,
    /// What a delete does in the place of deleting where other records need the record.
    pub(crate) archiving: Option<Archiving>,
    /// The columns that the file's triggers keep in step with other records, each with the SQL of what it must be where `?1`
    /// was its value before.
    pub(crate) derived: &'static [(&'static str, &'static str)],
    /// What an undo sets first in a record that the file holds back, as long as nobody else has changed it. A step that has
    /// locked a record unlocks it so when it is undone.
    pub(crate) unlocked: Option<&'static str>,
    pub(crate) invariants: &'static [Invariant],
    pub(crate) audit: Option<Audit>,
    /// Whether its records are written together with those of another kind only, and never updated by themselves.
    pub(crate) is_part: bool,
    /// The statement that creates a record, which is the same for every one.
    pub(crate) insert: OnceLock<String>,
}

/// The id of the record that a create means and that is there already; the moment is the command's.
pub type Existing = fn(&Connection, &Values, DateTime<Utc>) -> Result<Option<i64>>;
/// Fills in what a create leaves out; the moment is the command's.
pub type Complete = fn(&Connection, &mut Values, DateTime<Utc>) -> Result<()>;
/// Fills in what follows from an update of the record with the id.
pub type Revise = fn(&Connection, i64, &mut Values) -> Result<()>;
/// Lets go of what refers to the record with the id; the moment is the command's.
pub type Release = fn(&Connection, i64, DateTime<Utc>) -> Result<()>;
/// Names each column of a record that is not what it follows from.
pub type Audit = fn(&Connection, i64, &mut dyn FnMut(&'static str, String)) -> Result<()>;

impl Entity {
    pub(crate) const fn of<R: Record>() -> Self {
        Entity {
            table: R::TABLE,
            document: R::DOCUMENT,
            parent: None,
            version: "version",
            order: Order::Id,
            rules: &[],
            filters: &[],
            seen: None,
            managed: None,
            reserved: &[],
            prepare: None,
            signed: &[],
            existing: None,
            complete: None,
            revise: None,
            release: None,
            entail: None,
            remembered: &[],
            attached: None,
            seeded: None,
            files: None,
            loading: None,
            archiving: None,
            derived: &[],
            unlocked: None,
            invariants: &[],
            audit: None,
            is_part: false,
            insert: OnceLock::new(),
        }
    }

    pub(crate) const fn parent(mut self, parent: Parent) -> Self {
        self.parent = Some(parent);
        self
    }

    pub(crate) const fn version(mut self, column: &'static str) -> Self {
        self.version = column;
        self
    }

    pub(crate) const fn newest_first(mut self) -> Self {
        self.order = Order::Newest;
        self
    }

    pub(crate) const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    pub(crate) const fn filters(mut self, filters: &'static [Filter]) -> Self {
        self.filters = filters;
        self
    }

    pub(crate) const fn seen(mut self, condition: &'static str) -> Self {
        self.seen = Some(condition);
        self
    }

    pub(crate) const fn managed(mut self, condition: &'static str) -> Self {
        self.managed = Some(condition);
        self
    }

    pub(crate) const fn reserved(mut self, columns: &'static [&'static str]) -> Self {
        self.reserved = columns;
        self
    }

    pub(crate) const fn prepare(mut self, prepare: fn(&mut Values, &Builder) -> Result<()>) -> Self {
        self.prepare = Some(prepare);
        self
    }

    pub(crate) const fn signed(mut self, columns: &'static [(&'static str, Signature)]) -> Self {
        self.signed = columns;
        self
    }

    pub(crate) const fn existing(mut self, existing: Existing) -> Self {
        self.existing = Some(existing);
        self
    }

    pub(crate) const fn complete(mut self, complete: Complete) -> Self {
        self.complete = Some(complete);
        self
    }

    pub(crate) const fn revise(mut self, revise: Revise) -> Self {
        self.revise = Some(revise);
        self
    }

    pub(crate) const fn release(mut self, release: Release) -> Self {
        self.release = Some(release);
        self
    }

    pub(crate) const fn entail(
        mut self,
        remembered: &'static [&'static str],
        entail: fn(&Connection, &Done<'_>) -> Result<()>,
    ) -> Self {
        self.remembered = remembered;
        self.entail = Some(entail);
        self
    }

    pub(crate) const fn attached(mut self, attached: Attached) -> Self {
        self.attached = Some(attached);
        self
    }

    pub(crate) const fn seeded(mut self, condition: &'static str) -> Self {
        self.seeded = Some(condition);
        self
    }

    pub(crate) const fn files(mut self, files: &'static Files) -> Self {
        self.files = Some(files);
        self
    }

    pub(crate) const fn loading(mut self, loading: Loading) -> Self {
        self.loading = Some(loading);
        self
    }

    pub(crate) const fn archiving(mut self, archiving: Archiving) -> Self {
        self.archiving = Some(archiving);
        self
    }

    pub(crate) const fn derived(mut self, columns: &'static [(&'static str, &'static str)]) -> Self {
        self.derived = columns;
        self
    }

    pub(crate) const fn unlocked(mut self, sets: &'static str) -> Self {
        self.unlocked = Some(sets);
        self
    }

    pub(crate) const fn invariants(mut self, invariants: &'static [Invariant]) -> Self {
        self.invariants = invariants;
        self
    }

    pub(crate) const fn audit(mut self, audit: Audit) -> Self {
        self.audit = Some(audit);
        self
    }

    pub(crate) const fn part(mut self) -> Self {
        self.is_part = true;
        self
    }

    /// Whether a record can be updated once it is there.
    pub(crate) fn updates(&self) -> bool {
        !self.is_part && self.table.columns.iter().any(|column| column.writable == crate::record::Writable::Always)
    }

    /// The rules that a change must meet.
    pub(crate) fn rules_of<'a>(&'a self, change: &'a Change<'_>) -> impl Iterator<Item = &'a Rule> {
        let own: &[Rule] = match change {
            Change::Act(_, action) => action.rules,
            _ => &[],
        };
        own.iter().chain(self.rules.iter().filter(|rule| rule.concerns(change)))
    }

    /// What a list shows when no filter asks for less; `today` is the store's day.
    pub(crate) fn unfiltered(&self, today: NaiveDate) -> Selection {
        let page = self.filters.iter().find_map(Filter::page_size);
        Selection { window: page.map(|size| (0, size)), ..Selection::on(today) }
    }

    /// Narrows a list by a parameter of a query string. A parameter that is no filter is ignored, and
    /// so is an empty value.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the value cannot be read.
    pub(crate) fn filter(&self, selection: &mut Selection, name: &str, text: &str) -> Result<()> {
        if text.trim_matches(is_space).is_empty() {
            return Ok(());
        }
        match self.filters.iter().find(|filter| filter.names.contains(&name)) {
            Some(filter) => filter.narrow(selection, text),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Entity").field(&self.table.name).finish()
    }
}

/// What a column holds of the person who made the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    Id,
    /// The first and the last name.
    Name,
    Email,
}

/// The kind of record that another's records belong to.
#[derive(Clone, Copy)]
pub struct Parent {
    pub(crate) entity: &'static Entity,
    /// The column of the child that has the parent's id.
    pub(crate) column: &'static str,
}

/// The text that the document of one record has after its columns, given the record's id.
#[derive(Clone, Copy)]
pub struct Attached {
    /// The text; none where it is longer than this many bytes.
    pub(crate) text: fn(&Connection, i64, usize) -> Result<Option<String>>,
    /// How long the text is at most once it is escaped in any format, in bytes.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "only what is written apart is measured"))]
    pub(crate) at_most: fn(&Connection, i64) -> Result<usize>,
    /// What a text says that a request gives, perhaps with commas for decimal points; none where it says nothing. It is read
    /// before the request's transaction, for which others wait.
    pub(crate) read: fn(&str, bool) -> Result<Option<Parts>>,
}

/// What is different while documents are loaded: a rule that looks at all records of a kind, such as that one of the people
/// is an administrator, need not hold before the last one is there.
#[derive(Clone, Copy)]
pub struct Loading {
    /// The columns that hold a value of their own until the end, with those values.
    pub(crate) held: &'static [(&'static str, i64)],
    /// The SQL that lets the seeded records take no place that a loaded one needs; they go at the end.
    pub(crate) aside: &'static str,
    /// Why the end fails where the file refuses it.
    pub(crate) refusal: fn() -> Error,
}

/// How a delete archives a record that others need.
#[derive(Clone, Copy)]
pub struct Archiving {
    /// Whether others need it, as a condition in SQL.
    pub(crate) needed: &'static str,
    pub(crate) action: &'static Action,
    /// What to tell of it.
    pub(crate) hint: &'static str,
}

/// An invariant that a check looks for breaches of.
pub struct Invariant {
    /// The column that is wrong then.
    pub(crate) column: &'static str,
    /// What is wrong with it, after its name.
    pub(crate) says: &'static str,
    /// The SQL that gives the ids of the records that break it; it must need no index.
    pub(crate) broken_by: &'static str,
}

/// A change that has happened, in a transaction that is still open.
pub struct Done<'a> {
    pub(crate) change: Change<'a>,
    /// The record.
    pub(crate) id: i64,
    /// What is [remembered](Entity::remembered) of a deleted record.
    pub(crate) deleted: Option<Values>,
    /// The body that an action came with.
    pub(crate) body: Option<Values>,
    /// The id of the person who acted.
    pub(crate) actor: i64,
    pub(crate) at: DateTime<Utc>,
}

impl Done<'_> {
    /// The values that a create or an update gave, or that a deleted record had.
    pub(crate) fn values(&self) -> Option<&Values> {
        self.change.values().or(self.deleted.as_ref())
    }
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By id.
    Id,
    /// Newest created first, ties by id descending.
    Newest,
}

/// A record that the store keeps.
///
/// The trait is sealed, like [`Record`].
pub trait Stored: Record {
    /// What a list of these records can be narrowed by.
    type Filter: Default;

    #[doc(hidden)]
    const ENTITY: &'static Entity;

    #[doc(hidden)]
    fn select(filter: &Self::Filter, selection: &mut Selection);
}
