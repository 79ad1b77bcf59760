//! Which tasks a project has: `docs/spec/people.md`.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::projects::PROJECT;
use super::{Endpoint, Resource};
use crate::error::{self, Error};
use crate::record::{Fields, record};
use crate::store::{Change, ClientStore, Entity, Filter, Invariant, On, Records, Rule, Selection, Stored, Transaction};

record! {
    /// A task that a project has. A project has each task at most once.
    TaskAssignment: table "task_assignments", element "task-assignment", list "task-assignments", documented array false;
    elements {
        /// The project.
        project_id: i64 = required on_create;
        /// The task.
        task_id: i64 = required on_create;
        /// Whether its time is billed; a new assignment takes it from the task.
        billable: bool = writable;
        /// Whether it is archived.
        deactivated: bool = writable default(0);
        /// Money an hour; a new assignment takes it from the task.
        hourly_rate: Option<Decimal> = writable;
        /// Hours, or money where the project's budget is one of money.
        budget: Option<Decimal> = writable;
        /// Never used again, not even after a delete.
        id: i64 = readonly;
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
        /// Always none; the budget had this name once.
        estimate: Option<Decimal> = readonly computed("NULL");
    }
    internal {
        version: i64 = readonly default(0);
    }
}

/// What a new task assignment is made from.
pub type NewTaskAssignment = Fields<TaskAssignment>;
/// What an update of a task assignment sets.
pub type TaskAssignmentChanges = Fields<TaskAssignment>;

impl NewTaskAssignment {
    /// A task of a project, with the task's defaults.
    pub fn of(project_id: i64, task_id: i64) -> Self {
        Self::new().project_id(project_id).task_id(task_id)
    }
}

/// What a list of assignments is narrowed by; the default is those of all projects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssignmentFilter {
    /// Only those of the project.
    pub project: Option<i64>,
    /// Only those updated at the moment or later.
    pub updated_since: Option<DateTime<Utc>>,
}

impl AssignmentFilter {
    pub(super) fn narrow(&self, selection: &mut Selection) {
        if let Some(id) = self.project {
            selection.belonging_to(PROJECT.column, id);
        }
        if let Some(moment) = self.updated_since {
            Filter::UPDATED_SINCE.moment(selection, moment);
        }
    }
}

impl ClientStore {
    /// The task assignments of all projects.
    pub fn task_assignments(&self) -> Records<'_, TaskAssignment> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The task assignments of all projects.
    pub fn task_assignments(&self) -> Records<'_, TaskAssignment> {
        self.records()
    }
}

impl Stored for TaskAssignment {
    type Filter = AssignmentFilter;
    const ENTITY: &'static Entity = &TASK_ASSIGNMENTS;

    fn select(filter: &AssignmentFilter, selection: &mut Selection) {
        filter.narrow(selection);
    }
}

pub(crate) static TASK_ASSIGNMENTS: Entity = Entity::of::<TaskAssignment>()
    .parent(PROJECT)
    .filters(&[Filter::UPDATED_SINCE])
    .rules(&[HAS_PROJECT, HAS_TASK, TASK_IS_ACTIVE, IS_ONE_OF_SEVERAL])
    .complete(|connection, values, _| {
        let task = values.integer("task_id").unwrap_or_default();
        defaults(
            connection,
            "SELECT billable_by_default, default_hourly_rate FROM tasks WHERE id = ?1",
            task,
            values,
            &["billable", "hourly_rate"],
        )
    })
    .invariants(&INVARIANTS);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &TASK_ASSIGNMENTS,
    endpoints: &[
        Endpoint::list("/projects/{project_id}/task_assignments"),
        Endpoint::create("/projects/{project_id}/task_assignments"),
        Endpoint::get("/projects/{project_id}/task_assignments/{id}"),
        Endpoint::update("/projects/{project_id}/task_assignments/{id}"),
        Endpoint::delete("/projects/{project_id}/task_assignments/{id}"),
    ],
};

pub(super) const HAS_PROJECT: Rule = Rule {
    on: On::Create,
    condition: "EXISTS (SELECT 1 FROM projects WHERE projects.id = :project_id)",
    refusal: |_, change| {
        let id = change.integer("project_id").unwrap_or_default();
        Ok(Error::NotFound { record: PROJECT.entity.document.element, id })
    },
};

const HAS_TASK: Rule = Rule {
    on: On::Create,
    condition: "EXISTS (SELECT 1 FROM tasks WHERE tasks.id = :task_id)",
    refusal: |_, change| Ok(no_such_task(change)),
};

/// Only a loaded assignment brings its id; its task may have been archived since.
const TASK_IS_ACTIVE: Rule = Rule {
    on: On::Create,
    condition: ":id IS NOT NULL OR EXISTS (SELECT 1 FROM tasks WHERE tasks.id = :task_id AND tasks.deactivated = 0)",
    refusal: |_, change| {
        let id = change.integer("task_id").unwrap_or_default();
        Ok(Error::invalid("task-id", format!("is {id}, and that task is archived; activate it first")))
    },
};

const IS_ONE_OF_SEVERAL: Rule = Rule {
    on: On::Delete,
    condition: "task_assignments.deactivated = 1 OR EXISTS (SELECT 1 FROM task_assignments AS other WHERE \
                other.project_id = task_assignments.project_id AND other.deactivated = 0 AND other.id <> task_assignments.id)",
    refusal: |_, _| Ok(Error::refused(error::Rule::ProjectNeedsTask, [("active task of the project", 1)])),
};

fn no_such_task(change: &Change<'_>) -> Error {
    let id = change.integer("task_id").unwrap_or_default();
    Error::invalid("task-id", format!("is {id}, but there is no such task; create it first"))
}

static INVARIANTS: [Invariant; 1] = [Invariant {
    column: "task_id",
    says: "is assigned to the project twice",
    broken_by: "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY project_id, task_id ORDER BY id) AS number \
                FROM task_assignments NOT INDEXED) WHERE number > 1",
}];

/// Gives a new assignment what it takes from another record, column by column.
pub(super) fn defaults(
    connection: &rusqlite::Connection,
    sql: &str,
    id: i64,
    values: &mut crate::record::Values,
    columns: &[&str],
) -> crate::error::Result<()> {
    use crate::value::Value;
    use rusqlite::OptionalExtension;

    let found = connection
        .prepare_cached(sql)?
        .query_row([id], |row| (0..columns.len()).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<Value>>>())
        .optional()?;
    for (column, value) in columns.iter().zip(found.into_iter().flatten()) {
        values.default(column, || value);
    }
    Ok(())
}
