//! A person's day: the entries, and what time can be recorded for. It may be long, so it is measured before it is built.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::entry;
use crate::error::Result;
use crate::format::Node;

/// What a day takes without counting it, in bytes.
pub(super) const SHORT: usize = 256 * 1024;

/// What one byte of a text comes to at most: itself, and what escapes it in the document.
const OF_A_BYTE: usize = 7;
/// What an entry comes to besides its texts: its nodes and its elements.
const OF_AN_ENTRY: usize = 2_500;
const OF_A_PROJECT: usize = 1_800;
const OF_A_TASK: usize = 600;

/// The day that is asked for.
#[derive(Clone, Copy)]
pub(super) struct Day {
    pub(super) user: i64,
    pub(super) day: NaiveDate,
    /// Without the projects.
    pub(super) is_slim: bool,
    pub(super) now: DateTime<Utc>,
}

/// A row of what a person can record time for.
enum Trackable<'r> {
    Project(&'r Row<'r>),
    Task(&'r Row<'r>),
}

impl Day {
    /// Its members; none where they come to more than `most` bytes.
    pub(super) fn members(self, connection: &Connection, most: usize) -> Result<Option<Vec<Node>>> {
        let mut used = 0;
        let mut entries = Vec::new();
        entry::each_of_day(connection, self.user, self.day, &mut |row| {
            used += size(row, OF_AN_ENTRY);
            if used <= most {
                entries.push(entry::members(row, self.now)?);
            }
            Ok(used <= most)
        })?;
        let mut projects: Vec<(Vec<Node>, Vec<Vec<Node>>)> = Vec::new();
        if !self.is_slim && used <= most {
            each_trackable(connection, self.user, &mut |trackable| {
                used += trackable.size();
                if used <= most {
                    match trackable {
                        Trackable::Project(row) => projects.push((project(row)?, Vec::new())),
                        Trackable::Task(row) => {
                            if let Some((_, tasks)) = projects.last_mut() {
                                tasks.push(task(row)?);
                            }
                        }
                    }
                }
                Ok(used <= most)
            })?;
        }
        if used > most {
            return Ok(None);
        }
        let mut members = vec![Node::LongDate("for_day", self.day), Node::List("day_entries", "day_entry", entries)];
        if !self.is_slim {
            let whole = |(mut project, tasks): (Vec<Node>, Vec<Vec<Node>>)| {
                project.push(Node::List("tasks", "task", tasks));
                project
            };
            members.push(Node::List("projects", "project", projects.into_iter().map(whole).collect()));
        }
        Ok(Some(members))
    }

    /// What its members and its document come to at most, in bytes.
    pub(super) fn at_most(self, connection: &Connection) -> Result<usize> {
        let mut most = OF_AN_ENTRY;
        entry::each_of_day(connection, self.user, self.day, &mut |row| {
            most += size(row, OF_AN_ENTRY);
            Ok(true)
        })?;
        if !self.is_slim {
            each_trackable(connection, self.user, &mut |trackable| {
                most += trackable.size();
                Ok(true)
            })?;
        }
        Ok(most)
    }
}

impl Trackable<'_> {
    fn size(&self) -> usize {
        match self {
            Trackable::Project(row) => size(row, OF_A_PROJECT),
            Trackable::Task(row) => size(row, OF_A_TASK),
        }
    }
}

/// What a row comes to, with so much besides its texts.
fn size(row: &Row<'_>, besides: usize) -> usize {
    let text = |at: usize| match row.get_ref(at) {
        Ok(ValueRef::Text(text)) => text.len(),
        _ => 0,
    };
    besides + OF_A_BYTE * (0..row.as_ref().column_count()).map(text).sum::<usize>()
}

/// Gives each active project that a person is assigned to, and after it each of its active tasks, until `each` has enough.
fn each_trackable(
    connection: &Connection,
    user: i64,
    each: &mut dyn FnMut(Trackable<'_>) -> Result<bool>,
) -> Result<()> {
    let sql = "SELECT projects.id, projects.name, code, projects.billable, clients.name, clients.id, currency, currency_symbol \
               FROM user_assignments AS assigned CROSS JOIN projects ON projects.id = assigned.project_id \
               CROSS JOIN clients ON clients.id = projects.client_id \
               WHERE assigned.user_id = ?1 AND assigned.deactivated = 0 AND projects.active = 1 \
               ORDER BY clients.name COLLATE NOCASE, clients.id, projects.name COLLATE NOCASE, projects.id";
    let of_project = "SELECT tasks.name, tasks.id, assigned.billable \
                      FROM task_assignments AS assigned CROSS JOIN tasks ON tasks.id = assigned.task_id \
                      WHERE assigned.project_id = ?1 AND assigned.deactivated = 0 \
                      ORDER BY tasks.name COLLATE NOCASE, tasks.id";
    let (mut statement, mut of_project) = (connection.prepare_cached(sql)?, connection.prepare_cached(of_project)?);
    let mut rows = statement.query([user])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        if !each(Trackable::Project(row))? {
            return Ok(());
        }
        let mut assigned = of_project.query([id])?;
        while let Some(row) = assigned.next()? {
            if !each(Trackable::Task(row))? {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn project(row: &Row<'_>) -> Result<Vec<Node>> {
    let mut members = Vec::with_capacity(9);
    members.extend([
        Node::Text("name", row.get(1)?),
        Node::Text("code", row.get(2)?),
        Node::Integer("id", row.get(0)?),
        Node::Boolean("billable", row.get(3)?),
        Node::Text("client", row.get(4)?),
        Node::Integer("client_id", row.get(5)?),
        Node::Text("client_currency", row.get(6)?),
        Node::Text("client_currency_symbol", row.get(7)?),
    ]);
    Ok(members)
}

fn task(row: &Row<'_>) -> Result<Vec<Node>> {
    Ok(vec![Node::Text("name", row.get(0)?), Node::Integer("id", row.get(1)?), Node::Boolean("billable", row.get(2)?)])
}
