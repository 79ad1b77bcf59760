//! What the assignments of tasks and of people have in common: `docs/spec/people.md`.

use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};

use super::projects::{PROJECT, ProjectId};
use super::{Answer, Call, Plan};
use crate::error::{Error, Result};
use crate::format::Purpose;
use crate::record::{Column, Document, Table, Tag, Values, column, filter};
use crate::store::{Filter, On, Rule, Selection};
use crate::value::{Value, datetime_text};

filter! {
    /// What a list of assignments is narrowed by; the default is those of all projects.
    AssignmentFilter {
        /// Only those of the project.
        project: ProjectId,
        /// Only those updated at the moment or later.
        updated_since: DateTime<Utc>,
    }
}

impl AssignmentFilter {
    pub(super) fn narrow(&self, selection: &mut Selection) {
        if let Some(id) = self.project {
            selection.belonging_to(PROJECT.column, id.into());
        }
        if let Some(moment) = self.updated_since {
            Filter::UPDATED_SINCE.moment(selection, moment);
        }
    }
}

/// What a delete tells that has archived an assignment.
pub(super) const ARCHIVED: &str = "The assignment has time recorded; it was archived instead.";

pub(super) const HAS_PROJECT: Rule = Rule {
    on: On::Create,
    condition: "EXISTS (SELECT 1 FROM projects WHERE projects.id = :project_id)",
    refusal: |_, change| {
        let id = change.integer("project_id").unwrap_or_default();
        Ok(Error::NotFound { record: PROJECT.entity.document.element, id })
    },
};

/// Gives a new assignment what it takes from its task or person, column by column; the statement reads them by the id.
pub(super) fn inherit(
    connection: &Connection,
    values: &mut Values,
    sql: &str,
    id: &str,
    columns: &[&str],
) -> Result<()> {
    let read = |row: &rusqlite::Row<'_>| (0..columns.len()).map(|at| row.get(at)).collect();
    let found: Option<Vec<Value>> = connection.prepare_cached(sql)?.query_row([values.integer(id)], read).optional()?;
    for (column, value) in columns.iter().zip(found.into_iter().flatten()) {
        values.default(column, || value);
    }
    Ok(())
}

/// The assignment of a pair that is there already, active again; the first statement finds it with its `deactivated`,
/// the second activates it.
pub(super) fn again(
    connection: &Connection,
    pair: [Option<i64>; 2],
    (find, activate): (&str, &str),
    at: DateTime<Utc>,
) -> Result<Option<i64>> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found: Option<(i64, bool)> = connection.prepare_cached(find)?.query_row(pair, read).optional()?;
    if let Some((id, true)) = found {
        connection.prepare_cached(activate)?.execute((id, datetime_text(at)))?;
    }
    Ok(found.map(|(id, _)| id))
}

/// The two documents that name what is assigned: that of the task or person with its id, and that of an assignment.
pub(super) struct Named {
    pub(super) one: &'static Document,
    pub(super) assignment: &'static Document,
    /// The column of the assignment.
    pub(super) column: &'static str,
}

/// A document of which only the column of one id is read.
pub(super) const fn naming(table: &'static Table, element: &'static str) -> Document {
    Document {
        table,
        element,
        aliases: &[],
        list: "",
        list_alias: None,
        documented_array: false,
        attached: None,
        any_root: false,
        asked: &[],
        unplaced: &[],
        json: None,
        open: Tag::open_line(element),
        close: Tag::close_line(element),
        names: OnceLock::new(),
    }
}

/// The table of one column that a [`naming`] document has.
pub(super) const fn of_column(columns: &'static [Column]) -> Table {
    Table { name: "", columns, sql: OnceLock::new() }
}

pub(super) static ID: Table = of_column(&[column!(id: Option<i64>).writable()]);

impl Named {
    /// The plan of a call that assigns what its body names.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the body names nothing, and what reading it gives.
    pub(super) fn plan(&self, call: &Call<'_>) -> Result<Plan> {
        let resource = call.records()?;
        let mut values = Values::new(resource.entity.table);
        values.set(self.column, Value::Integer(self.id(call)?));
        let command = call.store.creation(resource.entity, call.parent, values)?;
        Ok(Plan::Write { command: Box::new(command), answer: Answer::Created { resource, parent: call.parent } })
    }

    fn id(&self, call: &Call<'_>) -> Result<i64> {
        let read = |document: &'static Document| {
            let values = call.body.read(document, Purpose::Create)?;
            Ok::<_, Error>(values.integer(document.table.columns[0].name).filter(|id| *id != 0))
        };
        match (read(self.assignment), read(self.one)) {
            (Ok(Some(id)), _) | (_, Ok(Some(id))) => Ok(id),
            (Ok(_), _) | (_, Ok(_)) => {
                let element = self.assignment.table.columns[0].element;
                Err(Error::invalid(
                    element,
                    format!("is required; name it as in <{0}><id>1</id></{0}>", self.one.element),
                ))
            }
            (_, Err(error)) => Err(error),
        }
    }
}
