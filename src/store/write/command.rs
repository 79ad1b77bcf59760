//! Every write is a command: a value that carries all it needs, the time included, so that
//! applying it is deterministic.

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use rust_decimal::Decimal;

use crate::error::Result;
use crate::format::Node;
#[cfg(feature = "server")]
use crate::record::Unknown;
use crate::record::Values;
use crate::store::actor::Reach;
use crate::store::entity::{Action, Entity, NewFile};
#[cfg(feature = "tower")]
use crate::store::read::PIECE;

/// The greatest id: the greatest number that programs of all kinds read exactly.
pub(crate) const MAX_ID: i64 = 1 << 53;

/// One write.
pub(crate) struct Command {
    pub(crate) entity: &'static Entity,
    /// The record that the changed one must belong to, where the path names one. It is a condition
    /// of the command itself; a new record gets it as its parent.
    pub(crate) parent: Option<i64>,
    pub(crate) write: Write,
    /// The id of the person who acts; rules name it as `:actor`.
    pub(crate) actor: i64,
    /// Which records they may change.
    pub(crate) reach: Reach,
    pub(crate) at: DateTime<Utc>,
}

/// Nobody acts where a document is loaded.
pub(super) const NOBODY: i64 = 0;

impl Command {
    /// Reads the text that is attached to its values, which nobody need wait for. It takes a while where that is
    /// [long](Self::is_long).
    #[must_use]
    pub(crate) fn read(mut self) -> Self {
        if let (Some(attached), Write::Create(values) | Write::Update(_, values)) =
            (self.entity.attached, &mut self.write)
            && let Some(text) = values.attached.take()
        {
            values.parts = Some(Box::new((attached.read)(&text, values.decimal_comma)));
        }
        self
    }

    /// Whether the text that is attached to its values is longer than [`PIECE`].
    #[cfg(feature = "tower")]
    pub(crate) fn is_long(&self) -> bool {
        match &self.write {
            Write::Create(values) | Write::Update(_, values) => {
                values.attached.as_ref().is_some_and(|text| text.len() > PIECE)
            }
            Write::Compose(..) | Write::Act(..) | Write::Keep(..) | Write::Delete(_) | Write::Run(..) => false,
        }
    }

    /// The values of a record that it makes.
    pub(crate) fn made(&mut self) -> Option<&mut Values> {
        match &mut self.write {
            Write::Create(values) | Write::Compose(_, values) => Some(values),
            Write::Update(..) | Write::Act(..) | Write::Keep(..) | Write::Delete(_) | Write::Run(..) => None,
        }
    }

    /// The elements of its document that have no place in a record.
    #[cfg(feature = "server")]
    pub(crate) fn unknown(&self) -> Option<&[Unknown]> {
        match &self.write {
            Write::Create(values)
            | Write::Compose(_, values)
            | Write::Update(_, values)
            | Write::Act(_, _, Some(values))
            | Write::Run(_, _, values) => Some(values.unknown.met()),
            Write::Act(..) | Write::Keep(..) | Write::Delete(_) => None,
        }
    }
}

/// What a command does.
pub(crate) enum Write {
    /// Makes a record; its id is the next one.
    Create(Values),
    /// Makes a record and those that it needs, of the values of one of them.
    Compose(&'static Composition, Values),
    /// Sets the given fields.
    Update(i64, Values),
    /// Does a named change; what the action entails may keep the body.
    Act(i64, &'static Action, Option<Values>),
    /// Keeps a file with a record, in the place of the one it had.
    Keep(i64, NewFile),
    /// Removes a record.
    Delete(i64),
    /// Does what none of the others can, to the record with the id or to a new one.
    Run(&'static Procedure, Option<i64>, Values),
}

/// A change that reads and writes several records, and tells what became of them.
pub(crate) struct Procedure {
    pub(crate) run: fn(&Connection, Given) -> Result<Told>,
}

/// What a [`Procedure`] is given.
pub(crate) struct Given {
    pub(crate) id: Option<i64>,
    pub(crate) parent: Option<i64>,
    pub(crate) values: Values,
    pub(crate) actor: i64,
    pub(crate) at: DateTime<Utc>,
}

/// What a [`Procedure`] tells, as it was in the procedure's own transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: i64,
    /// A number for the typed access, where the procedure has one to tell.
    pub(crate) number: Option<Decimal>,
    /// The document of the answer.
    pub(crate) members: Vec<Node>,
}

/// A create of several records at once.
pub(crate) struct Composition {
    /// What the values are of.
    pub(crate) entity: &'static Entity,
    /// Makes the records; the id is that of the command's own.
    pub(crate) run: fn(&Connection, Composed) -> Result<i64>,
}

/// What a [`Composition`] is made from.
pub(crate) struct Composed {
    pub(crate) parent: Option<i64>,
    pub(crate) values: Values,
    pub(crate) actor: i64,
    pub(crate) at: DateTime<Utc>,
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The new record's id.
    Created(i64),
    Updated,
    /// What the first column that the action sets holds now.
    Acted(i64),
    Deleted,
    /// A delete has archived the record, because others need it; what to tell of that.
    Archived(&'static str),
    Told(Box<Told>),
}
