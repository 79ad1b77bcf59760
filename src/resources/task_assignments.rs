//! Which tasks a project has: `docs/spec/people.md`.

use chrono::{DateTime, Utc};
use rusqlite::OptionalExtension;
use rust_decimal::Decimal;

use super::assignments::{ARCHIVED, AssignmentFilter, HAS_PROJECT, ID, Named, again, inherit, naming, of_column};
use super::projects::{PROJECT, ProjectId, is_managed};
use super::tasks::{NewTask, TASKS, TaskId};
use super::{Answer, Call, Caller, Endpoint, Plan, Resource};
use crate::error::{self, Error, Result};
use crate::format::Purpose;
use crate::record::{Document, NewRecord, RecordChanges, Table, column, record};
use crate::store::{
    Action, Archiving, Change, ClientStore, Composed, Composition, Entity, Filter, Invariant, On, Records, Rule,
    Selection, Stored, Transaction, create,
};

record! {
    /// A task that a project has. A project has each task at most once.
    TaskAssignment: table "task_assignments", id TaskAssignmentId, element "task-assignment", list "task-assignments", documented array false, any root true;
    elements {
        /// The project.
        project_id: ProjectId = required on_create;
        /// The task.
        task_id: TaskId = required on_create;
        /// Whether its time is billed; a new assignment takes it from the task.
        billable: bool = writable;
        /// Whether it is archived.
        deactivated: bool = writable default(0);
        /// Money an hour; a new assignment takes it from the task.
        hourly_rate: Option<Decimal> = writable;
        /// Hours, or money where the project's budget is one of money.
        budget: Option<Decimal> = writable;
        /// Never used again, not even after a delete.
        id: TaskAssignmentId = readonly;
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
pub type NewTaskAssignment = NewRecord<TaskAssignment>;
/// What an update of a task assignment sets.
pub type TaskAssignmentChanges = RecordChanges<TaskAssignment>;

impl NewTaskAssignment {
    /// A task of a project, with the task's defaults. Where the project has the task already, creating it gives that
    /// assignment, active again, and sets nothing else.
    pub fn of(project_id: impl Into<ProjectId>, task_id: impl Into<TaskId>) -> Self {
        Self::new().project_id(project_id).task_id(task_id)
    }
}

impl ClientStore {
    /// The task assignments of all projects.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient, NewProject, NewTask, NewTaskAssignment};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let project = store.projects().create(&NewProject::of(client, "Website"))?;
    /// let task = store.tasks().create(&NewTask::named("Design"))?;
    /// store.task_assignments().create(&NewTaskAssignment::of(project, task))?;
    /// let id = store.task_assignments().create_with_new_task(project, &NewTask::named("Testing"))?;
    /// assert_eq!(store.task_assignments().get(id)?.project_id, project);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
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
    .managed(is_managed!("task_assignments.project_id"))
    .filters(&[Filter::UPDATED_SINCE])
    .rules(&[HAS_PROJECT, HAS_TASK, TASK_IS_ACTIVE, IS_SINGLE, IS_ONE_OF_SEVERAL])
    // A new project may have none, and has none again once its first is undone.
    .unlocked("deactivated = 1")
    .existing(|connection, values, at| {
        let pair = [values.integer("project_id"), values.integer("task_id")];
        again(
            connection,
            pair,
            (FIND, "UPDATE task_assignments SET deactivated = 0, version = version + 1, updated_at = ?2 WHERE id = ?1"),
            at,
        )
    })
    .complete(|connection, values, _| {
        let sql = "SELECT billable_by_default, default_hourly_rate FROM tasks WHERE id = ?1";
        inherit(connection, values, sql, "task_id", &["billable", "hourly_rate"])
    })
    .archiving(Archiving {
        needed: "EXISTS (SELECT 1 FROM day_entries WHERE day_entries.task_id = task_assignments.task_id \
                 AND day_entries.project_id = task_assignments.project_id)",
        action: &ARCHIVE,
        hint: ARCHIVED,
    })
    .invariants(&INVARIANTS);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &TASK_ASSIGNMENTS,
    endpoints: &[
        Endpoint::list("/projects/{project_id}/task_assignments").by(Caller::Manager),
        Endpoint::make("/projects/{project_id}/task_assignments", |call| NAMED.plan(call)).by(Caller::Manager),
        Endpoint::make("/projects/{project_id}/task_assignments/add_with_create_new_task", with_new_task)
            .by(Caller::Manager),
        Endpoint::get("/projects/{project_id}/task_assignments/{id}").by(Caller::Manager),
        Endpoint::update("/projects/{project_id}/task_assignments/{id}").by(Caller::Manager),
        Endpoint::delete("/projects/{project_id}/task_assignments/{id}").by(Caller::Manager),
    ],
};

static ARCHIVE: Action = Action { name: "archive", sets: &[("deactivated", "1")], rules: &[IS_ONE_OF_SEVERAL] };

/// The body of a call that assigns a task.
static NAMED: Named = Named { one: &ONE, assignment: &ASSIGNMENT, column: "task_id" };
static ONE: Document = naming(&ID, "task");
static ASSIGNMENT: Document = naming(&TASK_ID, "task-assignment");
static TASK_ID: Table = of_column(&[column!(task_id: Option<i64>).writable()]);

/// An archived task is not assigned again.
const FIND: &str = "SELECT id, deactivated FROM task_assignments WHERE project_id = ?1 AND task_id = ?2 \
                    AND EXISTS (SELECT 1 FROM tasks WHERE tasks.id = task_id AND tasks.deactivated = 0)";

/// Makes a task and assigns it, or assigns the active one of that name.
fn with_new_task(call: &Call<'_>) -> Result<Plan> {
    let resource = call.records()?;
    let task = call.body.read(TASKS.document, Purpose::Create)?;
    let command = call.store.composition(resource.entity, call.parent, &WITH_NEW_TASK, task)?;
    Ok(Plan::Write { command: Box::new(command), answer: Answer::Created { resource, parent: call.parent } })
}

static WITH_NEW_TASK: Composition = Composition {
    entity: &TASKS,
    run: |connection, Composed { parent, mut values, actor, at }| {
        values.check(true)?;
        let sql = "SELECT id FROM tasks WHERE name = ?1 AND deactivated = 0 ORDER BY id LIMIT 1";
        let known = connection.prepare_cached(sql)?.query_row([values.get("name")], |row| row.get(0)).optional()?;
        let task = match known {
            Some(task) => task,
            None => create(connection, &TASKS, values, actor, at)?,
        };
        let assignment = NewTaskAssignment::of(parent.unwrap_or_default(), task);
        create(connection, &TASK_ASSIGNMENTS, assignment.fields.values, actor, at)
    },
};

impl Records<'_, TaskAssignment> {
    /// Makes a task and assigns it to a project, in one transaction, and gives the assignment's id. Where an active task
    /// has the name already, that one is assigned.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where the task has no name or a value does not fit, [`Error::NotFound`] where there is no such
    /// project, [`Error::Busy`] and [`Error::Storage`].
    pub fn create_with_new_task(&self, project_id: impl Into<ProjectId>, task: &NewTask) -> Result<TaskAssignmentId> {
        self.compose(project_id.into().into(), &WITH_NEW_TASK, task.fields.values.clone()).map(TaskAssignmentId::from)
    }
}

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

const IS_SINGLE: Rule = Rule {
    on: On::Create,
    condition: "NOT EXISTS (SELECT 1 FROM task_assignments AS other WHERE other.project_id = :project_id \
                AND other.task_id = :task_id AND other.id IS NOT :id)",
    refusal: |_, change| {
        let id = change.integer("task_id").unwrap_or_default();
        Ok(Error::invalid("task-id", format!("is {id}, and that task is assigned to the project already")))
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
