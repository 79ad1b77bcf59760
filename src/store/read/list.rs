//! Reading lists, slice by slice inside one read transaction.
//!
//! A slice goes on after the last id that was read, so nothing is borrowed between two of them: a
//! list can be kept, or dropped half-way.

use std::borrow::Cow;
use std::collections::VecDeque;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::error::{Error, Result};
use crate::record::View;
use crate::store::entity::{Entity, Order, Selection};
use crate::store::{Snapshot, Stored, corrupt};
use crate::value::Value;

/// How far a list was read, and how to read on.
pub(crate) struct Cursor {
    entity: &'static Entity,
    view: View,
    state: State,
}

/// What is done with a row, and where the slice goes on.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&Row<'_>) -> Result<Step>;

/// Where a slice goes on after a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// At the row after it, in the same slice.
    On,
    /// At the row after it, in the next slice.
    EndAfter,
    /// At this row, in the next slice.
    EndBefore,
}

enum State {
    /// Nothing was read yet.
    New(Selection),
    /// In the order of ids, or of another column: what comes after the mark, up to the id that was the last when the
    /// list began. Where records are written meanwhile, in memory, the list has an end all the same.
    After(Mark, i64, Selection),
    /// The ids in the list's order, found first, and how many of them were read.
    Picked(Vec<i64>, usize),
    End,
}

/// Up to where a list was read.
struct Mark {
    id: i64,
    /// What the column holds there that the list ascends by.
    by: Option<Value>,
}

impl Cursor {
    pub(crate) fn new(entity: &'static Entity, view: View, selection: Selection) -> Self {
        Cursor { entity, view, state: State::New(selection) }
    }

    /// A statement that names each table that the list is read from, before the first of it was read.
    pub(crate) fn statement(&self) -> String {
        match &self.state {
            State::New(selection) => self.page(selection).0,
            State::After(..) | State::Picked(..) | State::End => String::new(),
        }
    }

    /// Reads on until `each` ends the slice or the list is at its end; true when it may go on.
    pub(crate) fn slice(&mut self, connection: &Connection, each: Each<'_>) -> Result<bool> {
        self.state = match std::mem::replace(&mut self.state, State::End) {
            State::New(selection) if selection.window.is_some() => self.window(connection, &selection, each)?,
            State::New(selection) if selection.by.is_some() => self.after(connection, None, selection, each)?,
            State::New(selection) if selection.sorts || self.entity.order != Order::Id => {
                self.picked(connection, self.pick(connection, &selection)?, 0, each)?
            }
            State::New(selection) => self.after(connection, None, selection, each)?,
            State::After(mark, last, selection) => self.after(connection, Some((mark, last)), selection, each)?,
            State::Picked(ids, read) => self.picked(connection, ids, read, each)?,
            State::End => State::End,
        };
        Ok(!matches!(self.state, State::End))
    }

    /// A window is a page, read with one statement where it is short.
    fn window(&self, connection: &Connection, selection: &Selection, each: Each<'_>) -> Result<State> {
        let (sql, parameters) = self.page(selection);
        let mut read = 0;
        let stopped_at = rows(connection, &sql, parameters, None, &mut |row| {
            let step = each(row)?;
            read += usize::from(step != Step::EndBefore);
            Ok(step)
        })?;
        Ok(match stopped_at {
            Some(_) => State::Picked(self.pick(connection, selection)?, read),
            None => State::End,
        })
    }

    /// The statement that counts what is selected, whatever the window.
    pub(crate) fn count(entity: &Entity, selection: &Selection) -> (String, Vec<Value>) {
        let mut sql = format!("SELECT count(*) FROM {}", entity.table.name);
        let parameters = conditions(&mut sql, selection);
        (sql, parameters)
    }

    /// The statement that has a row where anything is selected.
    pub(crate) fn any(entity: &Entity, selection: &Selection) -> (String, Vec<Value>) {
        let mut sql = format!("SELECT 1 FROM {}", entity.table.name);
        let parameters = conditions(&mut sql, selection);
        sql.push_str(" LIMIT 1");
        (sql, parameters)
    }

    pub(crate) fn page(&self, selection: &Selection) -> (String, Vec<Value>) {
        let mut sql = self.entity.table.sql().select(self.view).to_owned();
        let mut parameters = conditions(&mut sql, selection);
        self.arrange(&mut sql, &mut parameters, selection);
        (sql, parameters)
    }

    fn after(
        &self,
        connection: &Connection,
        read: Option<(Mark, i64)>,
        selection: Selection,
        each: Each<'_>,
    ) -> Result<State> {
        let (sql, parameters) = self.rest(read.as_ref(), &selection);
        let Some(stopped_at) = rows(connection, &sql, parameters, selection.by, each)? else { return Ok(State::End) };
        let last = match read {
            Some((_, last)) => last,
            None => {
                let sql = format!("SELECT max(id) FROM {}", self.entity.table.name);
                connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?
            }
        };
        Ok(State::After(stopped_at, last, selection))
    }

    /// The statement that reads what was not read yet.
    fn rest(&self, read: Option<&(Mark, i64)>, selection: &Selection) -> (String, Vec<Value>) {
        let mut sql = self.entity.table.sql().select(self.view).to_owned();
        let mut parameters = conditions(&mut sql, selection);
        if let Some((Mark { id, by }, last)) = read {
            sql.push_str(if selection.conditions.is_empty() { " WHERE " } else { " AND " });
            match (selection.by, by) {
                (Some(column), Some(value)) => {
                    sql.push_str(&format!("({column}, id) > (?, ?) AND id <= ?"));
                    parameters.push(value.clone());
                }
                _ => sql.push_str("id > ? AND id <= ?"),
            }
            parameters.extend([Value::Integer(*id), Value::Integer(*last)]);
        }
        sql.push_str(&self.order(selection));
        (sql, parameters)
    }

    fn ids(&self, selection: &Selection) -> (String, Vec<Value>) {
        let mut sql = format!("SELECT id FROM {}", self.entity.table.name);
        let mut parameters = conditions(&mut sql, selection);
        self.arrange(&mut sql, &mut parameters, selection);
        (sql, parameters)
    }

    fn pick(&self, connection: &Connection, selection: &Selection) -> Result<Vec<i64>> {
        let (sql, parameters) = self.ids(selection);
        let mut ids = Vec::new();
        rows(connection, &sql, parameters, None, &mut |row| {
            ids.push(row.get(0)?);
            Ok(Step::On)
        })?;
        Ok(ids)
    }

    /// Adds the order, and the window where there is one.
    fn arrange(&self, sql: &mut String, parameters: &mut Vec<Value>, selection: &Selection) {
        sql.push_str(&self.order(selection));
        if let Some((skip, count)) = selection.window {
            sql.push_str(" LIMIT ? OFFSET ?");
            parameters.extend([Value::Integer(count), Value::Integer(skip)]);
        }
    }

    fn picked(&self, connection: &Connection, ids: Vec<i64>, read: usize, each: Each<'_>) -> Result<State> {
        let mut statement = connection.prepare_cached(self.entity.table.sql().one(self.view))?;
        for (at, id) in ids.iter().enumerate().skip(read) {
            let mut rows = statement.query([id])?;
            // In memory, another thread may have deleted it meanwhile.
            let step = rows.next()?.map_or(Ok(Step::On), &mut *each)?;
            if step != Step::On {
                drop(rows);
                return Ok(State::Picked(ids, at + usize::from(step == Step::EndAfter)));
            }
        }
        Ok(State::End)
    }

    fn order(&self, selection: &Selection) -> Cow<'static, str> {
        if let Some(order) = &selection.order {
            return Cow::Owned(order.clone());
        }
        if let Some(column) = selection.by {
            return Cow::Owned(format!(" ORDER BY {column}, id"));
        }
        Cow::Borrowed(match self.entity.order {
            Order::Id => " ORDER BY id",
            // The plus keeps SQLite from reading all in this order, where the conditions have an index.
            Order::Newest if selection.sorts => " ORDER BY +created_at DESC, id DESC",
            Order::Newest => " ORDER BY created_at DESC, id DESC",
        })
    }
}

fn conditions(sql: &mut String, selection: &Selection) -> Vec<Value> {
    let mut parameters = Vec::with_capacity(selection.conditions.len() + 2);
    for (at, (condition, value)) in selection.conditions.iter().enumerate() {
        sql.push_str(if at == 0 { " WHERE " } else { " AND " });
        sql.push_str(condition);
        parameters.extend(value.clone());
    }
    parameters
}

/// Reads rows until `each` ends the slice, and gives the mark after which to go on then; `by` is the column of the order.
fn rows(
    connection: &Connection,
    sql: &str,
    parameters: Vec<Value>,
    by: Option<&str>,
    each: Each<'_>,
) -> Result<Option<Mark>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
    while let Some(row) = rows.next()? {
        let before = match each(row)? {
            Step::On => continue,
            Step::EndAfter => 0,
            Step::EndBefore => 1,
        };
        let by = by.map(|column| row.get(column)).transpose()?;
        return Ok(Some(Mark { id: row.get::<_, i64>("id")? - before, by }));
    }
    Ok(None)
}

/// Reads a record from a row of `View::Live`.
pub(crate) fn record<R: Stored>(row: &Row<'_>) -> Result<R> {
    R::read(|position| row.get_ref(position).map_err(Error::from)).map_err(|error| damaged::<R>(row, error))
}

#[cold]
fn damaged<R: Stored>(row: &Row<'_>, error: Error) -> Error {
    match error {
        Error::Invalid { field, reason, .. } => corrupt(R::TABLE, id(row), field, reason),
        other => other,
    }
}

/// The id of a row that may be damaged, 0 where it cannot be told.
pub(crate) fn id(row: &Row<'_>) -> i64 {
    match row.get_ref("id") {
        Ok(ValueRef::Integer(id)) => id,
        _ => 0,
    }
}

/// The records of a list, read as they are asked for, all as they were at one moment.
///
/// Made by [`Records::list`](crate::Records::list). In memory there is one moment to every 256
/// records.
pub struct List<'a, R> {
    source: Source<'a>,
    cursor: Cursor,
    read: VecDeque<R>,
    more: bool,
    /// What ended the list, for after the records before it.
    failed: Option<Error>,
}

/// Where a list is read from.
pub(crate) enum Source<'a> {
    Snapshot(Snapshot),
    Transaction(&'a Connection),
}

/// What a list is read from.
pub(crate) trait Reads {
    fn read<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T>;
}

impl Reads for Snapshot {
    fn read<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        match &self.reader {
            Some(reader) => run(reader),
            None => self.store.read(run),
        }
    }
}

impl Reads for Source<'_> {
    fn read<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        match self {
            Source::Snapshot(snapshot) => snapshot.read(run),
            Source::Transaction(connection) => run(connection),
        }
    }
}

impl<'a, R: Stored> List<'a, R> {
    pub(crate) fn new(source: Source<'a>, selection: Selection) -> Self {
        let cursor = Cursor::new(R::ENTITY, View::Live, selection);
        List { source, cursor, read: VecDeque::new(), more: true, failed: None }
    }

    fn fill(&mut self) -> Result<()> {
        let List { source, cursor, read, .. } = self;
        self.more = source.read(|connection| {
            cursor.slice(connection, &mut |row| {
                read.push_back(record(row)?);
                Ok(if read.len() < 256 { Step::On } else { Step::EndAfter })
            })
        })?;
        Ok(())
    }
}

impl<R: Stored> Iterator for List<'_, R> {
    type Item = Result<R>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.read.is_empty() && self.more {
            if let Err(error) = self.fill() {
                self.more = false;
                self.failed = Some(error);
            }
        }
        self.read.pop_front().map(Ok).or_else(|| self.failed.take().map(Err))
    }
}

impl<R> std::fmt::Debug for List<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("List").field("more", &self.more).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
