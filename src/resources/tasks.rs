//! Tasks, the kinds of work: `docs/spec/people.md`.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{Caller, Endpoint, Resource};
use crate::error::Result;
use crate::record::{NewRecord, RecordChanges, filter, record};
use crate::store::{
    Action, Archiving, ClientStore, Entity, Filter, Invariant, Records, Selection, Stored, Transaction,
};

record! {
    /// A kind of work. A new store has `Admin`, `Programming` and `Project Management`.
    Task: table "tasks", id TaskId, element "task", list "tasks", documented array false;
    elements {
        /// Never used again, not even after a delete.
        id: TaskId = readonly;
        /// Not blank.
        name: String = required searched;
        /// Whether new assignments of it are billable.
        billable_by_default: bool = writable default(1);
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
        /// Whether every new project gets it.
        is_default: bool = writable default(0);
        /// Money an hour that new assignments of it have.
        default_hourly_rate: Option<Decimal> = writable;
        /// Whether it is archived.
        deactivated: bool = writable default(0);
    }
    internal {
        version: i64 = readonly default(0);
    }
}

/// What a new task is made from.
pub type NewTask = NewRecord<Task>;
/// What an update of a task sets.
pub type TaskChanges = RecordChanges<Task>;

impl NewTask {
    /// A task with a name and defaults for the rest.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new().name(name)
    }
}

filter! {
    /// What a list of tasks is narrowed by; the default is every task.
    TaskFilter {
        /// Only those updated at the moment or later.
        updated_since: DateTime<Utc>,
    }
}

impl ClientStore {
    /// The tasks.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewTask};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let id = store.tasks().create(&NewTask::named("Design").deactivated(true))?;
    /// store.tasks().activate(id)?;
    /// assert!(!store.tasks().get(id)?.deactivated);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn tasks(&self) -> Records<'_, Task> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The tasks.
    pub fn tasks(&self) -> Records<'_, Task> {
        self.records()
    }
}

impl Records<'_, Task> {
    /// Makes a task active that was archived; one that is active stays so.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound), [`Error::Busy`](crate::Error::Busy) and
    /// [`Error::Storage`](crate::Error::Storage).
    pub fn activate(&self, id: impl Into<TaskId>) -> Result<()> {
        self.act(id, &ACTIVATE).map(drop)
    }
}

impl Stored for Task {
    type Filter = TaskFilter;
    const ENTITY: &'static Entity = &TASKS;

    fn select(filter: &TaskFilter, selection: &mut Selection) {
        if let Some(moment) = filter.updated_since {
            Filter::UPDATED_SINCE.moment(selection, moment);
        }
    }
}

pub(crate) static TASKS: Entity = Entity::of::<Task>()
    .seen(SEEN)
    .filters(&[Filter::UPDATED_SINCE])
    .seeded("id <= 3 AND version = 0")
    .archiving(Archiving {
        needed: "EXISTS (SELECT 1 FROM day_entries WHERE day_entries.task_id = tasks.id)",
        action: &ARCHIVE,
        hint: "The task has time recorded; it was archived instead. Activate it to use it again.",
    })
    .invariants(&INVARIANTS);

/// The tasks of the projects that the person is assigned to.
const SEEN: &str = "tasks.id IN (SELECT theirs.task_id FROM user_assignments AS mine, task_assignments AS theirs \
                    WHERE mine.user_id = :actor AND mine.deactivated = 0 AND theirs.project_id = mine.project_id \
                    AND theirs.deactivated = 0)";

pub(crate) static RESOURCE: Resource = Resource {
    entity: &TASKS,
    endpoints: &[
        Endpoint::list("/tasks").by(Caller::Anybody),
        Endpoint::create("/tasks"),
        Endpoint::get("/tasks/{id}").by(Caller::Anybody),
        Endpoint::update("/tasks/{id}"),
        Endpoint::delete("/tasks/{id}"),
        Endpoint::act("/tasks/{id}/activate", &ACTIVATE),
    ],
};

static ARCHIVE: Action = Action { name: "archive", sets: &[("deactivated", "1")], rules: &[] };
static ACTIVATE: Action = Action { name: "activate", sets: &[("deactivated", "0")], rules: &[] };

static INVARIANTS: [Invariant; 1] = [Invariant {
    column: "name",
    says: "is blank",
    broken_by: "SELECT id FROM tasks WHERE trim(name, char(9, 10, 13, 32)) = ''",
}];
