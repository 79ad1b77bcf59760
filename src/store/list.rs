//! Reading lists, slice by slice inside one read transaction.
//!
//! A slice goes on after the last id that was read, so nothing is borrowed between two of them: a
//! list can be kept, sent to another thread, or dropped half-way.

use std::collections::VecDeque;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::resource::{Order, Resource, Selection};
use super::{Snapshot, Stored, corrupt};
use crate::error::{Error, Result};
use crate::record::View;
use crate::value::Value;

/// How far a list was read, and how to read on.
pub(crate) struct Cursor {
    resource: &'static dyn Resource,
    view: View,
    state: State,
}

enum State {
    /// Nothing was read yet.
    New(Selection),
    /// In the order of ids: what comes after the last one.
    After(i64, Selection),
    /// The ids in the list's order, found first, and how many of them were read.
    Picked(Vec<i64>, usize),
    End,
}

impl Cursor {
    pub(crate) fn new(resource: &'static dyn Resource, view: View, selection: Selection) -> Self {
        Cursor { resource, view, state: State::New(selection) }
    }

    /// Reads up to `limit` more records; false when the list is at its end.
    pub(crate) fn slice(
        &mut self,
        connection: &Connection,
        limit: usize,
        each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<bool> {
        self.state = match std::mem::replace(&mut self.state, State::End) {
            State::New(selection) if selection.window.is_some() => {
                self.window(connection, &selection, each)?;
                State::End
            }
            State::New(selection) if selection.sorts || self.resource.order() != Order::Id => {
                self.picked(connection, self.pick(connection, &selection)?, 0, limit, each)?
            }
            State::New(selection) => self.after(connection, 0, selection, limit, each)?,
            State::After(id, selection) => self.after(connection, id, selection, limit, each)?,
            State::Picked(ids, read) => self.picked(connection, ids, read, limit, each)?,
            State::End => State::End,
        };
        Ok(!matches!(self.state, State::End))
    }

    fn window(
        &self,
        connection: &Connection,
        selection: &Selection,
        each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let (skip, count) = selection.window.unwrap_or((0, -1));
        let mut sql = self.resource.table().sql().select(self.view).to_owned();
        let mut parameters = conditions(&mut sql, selection);
        sql.push_str(self.order());
        sql.push_str(" LIMIT ? OFFSET ?");
        parameters.extend([Value::Integer(count), Value::Integer(skip)]);
        rows(connection, &sql, parameters, each).map(drop)
    }

    fn after(
        &self,
        connection: &Connection,
        id: i64,
        selection: Selection,
        limit: usize,
        each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<State> {
        let mut sql = self.resource.table().sql().select(self.view).to_owned();
        let mut parameters = conditions(&mut sql, &selection);
        sql.push_str(if selection.conditions.is_empty() { " WHERE id > ?" } else { " AND id > ?" });
        sql.push_str(" ORDER BY id LIMIT ?");
        parameters.extend([Value::Integer(id), Value::Integer(limit as i64)]);
        let mut last = id;
        let count = rows(connection, &sql, parameters, &mut |row| {
            last = row.get(0)?;
            each(row)
        })?;
        Ok(if count < limit { State::End } else { State::After(last, selection) })
    }

    fn pick(&self, connection: &Connection, selection: &Selection) -> Result<Vec<i64>> {
        let mut sql = format!("SELECT id FROM {}", self.resource.table().name);
        let parameters = conditions(&mut sql, selection);
        sql.push_str(self.order());
        let mut ids = Vec::new();
        rows(connection, &sql, parameters, &mut |row| {
            ids.push(row.get(0)?);
            Ok(())
        })?;
        Ok(ids)
    }

    fn picked(
        &self,
        connection: &Connection,
        ids: Vec<i64>,
        read: usize,
        limit: usize,
        each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<State> {
        let end = ids.len().min(read + limit);
        let mut statement = connection.prepare_cached(self.resource.table().sql().one(self.view))?;
        for id in &ids[read..end] {
            let mut rows = statement.query([id])?;
            // In memory, another thread may have deleted it meanwhile.
            if let Some(row) = rows.next()? {
                each(row)?;
            }
        }
        Ok(if end == ids.len() { State::End } else { State::Picked(ids, end) })
    }

    fn order(&self) -> &'static str {
        match self.resource.order() {
            Order::Id => " ORDER BY id",
            Order::Newest => " ORDER BY created_at DESC, id DESC",
        }
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

fn rows(
    connection: &Connection,
    sql: &str,
    parameters: Vec<Value>,
    each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
) -> Result<usize> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        each(row)?;
        count += 1;
    }
    Ok(count)
}

/// Reads a record from a row of `View::Live`.
pub(super) fn record<R: Stored>(row: &Row<'_>) -> Result<R> {
    R::read(|position| row.get_ref(position).map_err(Error::from)).map_err(|error| damaged::<R>(row, error))
}

#[cold]
fn damaged<R: Stored>(row: &Row<'_>, error: Error) -> Error {
    match error {
        Error::Invalid { field, reason, .. } => {
            let id = row.get_ref(0).ok().and_then(|id| match id {
                ValueRef::Integer(id) => Some(id),
                _ => None,
            });
            corrupt(R::TABLE, id.unwrap_or(0), field, reason)
        }
        other => other,
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

pub(super) enum Source<'a> {
    Snapshot(Snapshot),
    Transaction(&'a Connection),
}

impl<'a, R: Stored> List<'a, R> {
    pub(super) fn new(source: Source<'a>, selection: Selection) -> Self {
        let cursor = Cursor::new(R::RESOURCE, View::Live, selection);
        List { source, cursor, read: VecDeque::new(), more: true, failed: None }
    }

    fn fill(&mut self) -> Result<()> {
        let List { source, cursor, read, .. } = self;
        let mut slice = |connection: &Connection| {
            cursor.slice(connection, 256, &mut |row| {
                read.push_back(record(row)?);
                Ok(())
            })
        };
        self.more = match source {
            Source::Snapshot(snapshot) => snapshot.read(slice)?,
            Source::Transaction(connection) => slice(connection)?,
        };
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
