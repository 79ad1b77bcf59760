//! Who works on a project: `docs/spec/people.md`.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::assignments::{ARCHIVED, AssignmentFilter, HAS_PROJECT, ID, Named, again, inherit, naming, of_column};
use super::people::{HAS_PERSON, PersonId};
use super::projects::{PROJECT, ProjectId, is_managed};
use super::{Caller, Endpoint, Resource};
use crate::error::Error;
use crate::record::{Document, NewRecord, RecordChanges, Table, column, record};
use crate::store::{
    Action, Archiving, ClientStore, Entity, Filter, Invariant, On, Records, Rule, Selection, Stored, Transaction,
};

record! {
    /// Somebody who works on a project. A person is assigned to a project at most once.
    UserAssignment: table "user_assignments", id UserAssignmentId, element "user-assignment", list "user-assignments", documented array false, any root true;
    elements {
        /// Never used again, not even after a delete.
        id: UserAssignmentId = readonly;
        /// The person.
        user_id: PersonId = required on_create;
        /// The project.
        project_id: ProjectId = required on_create;
        /// Whether it is archived.
        deactivated: bool = writable default(0);
        /// Money an hour; a new assignment takes it from the person.
        hourly_rate: Option<Decimal> = writable;
        /// Whether they manage the project.
        is_project_manager: bool = writable default(0);
        /// Hours, or money where the project's budget is one of money.
        budget: Option<Decimal> = writable;
        /// Always none; the budget had this name once.
        estimate: Option<Decimal> = readonly computed("NULL");
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
    }
    internal {
        version: i64 = readonly default(0);
    }
}

/// What a new user assignment is made from.
pub type NewUserAssignment = NewRecord<UserAssignment>;
/// What an update of a user assignment sets.
pub type UserAssignmentChanges = RecordChanges<UserAssignment>;

impl NewUserAssignment {
    /// A person on a project, with the person's defaults. Where they are on the project already, creating it gives that
    /// assignment, active again, and sets nothing else.
    pub fn of(project_id: impl Into<ProjectId>, user_id: impl Into<PersonId>) -> Self {
        Self::new().project_id(project_id).user_id(user_id)
    }
}

impl ClientStore {
    /// The user assignments of all projects.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient, NewPerson, NewProject, NewUserAssignment};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let project = store.projects().create(&NewProject::of(client, "Website"))?;
    /// let jane = store.people().create(&NewPerson::named("Jane", "Doe", "jane@example.com"))?;
    /// let id = store.user_assignments().create(&NewUserAssignment::of(project, jane).is_project_manager(true))?;
    /// assert_eq!(store.user_assignments().get(id)?.user_id, jane);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn user_assignments(&self) -> Records<'_, UserAssignment> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The user assignments of all projects.
    pub fn user_assignments(&self) -> Records<'_, UserAssignment> {
        self.records()
    }
}

impl Stored for UserAssignment {
    type Filter = AssignmentFilter;
    const ENTITY: &'static Entity = &USER_ASSIGNMENTS;

    fn select(filter: &AssignmentFilter, selection: &mut Selection) {
        filter.narrow(selection);
    }
}

pub(crate) static USER_ASSIGNMENTS: Entity = Entity::of::<UserAssignment>()
    .parent(PROJECT)
    .managed(is_managed!("user_assignments.project_id"))
    .filters(&[Filter::UPDATED_SINCE])
    .rules(&[HAS_PROJECT, HAS_PERSON, PERSON_IS_ACTIVE, IS_SINGLE])
    .existing(|connection, values, at| {
        let pair = [values.integer("project_id"), values.integer("user_id")];
        again(
            connection,
            pair,
            (FIND, "UPDATE user_assignments SET deactivated = 0, version = version + 1, updated_at = ?2 WHERE id = ?1"),
            at,
        )
    })
    .complete(|connection, values, _| {
        let sql = "SELECT default_hourly_rate FROM people WHERE id = ?1";
        inherit(connection, values, sql, "user_id", &["hourly_rate"])
    })
    .archiving(Archiving {
        needed: "EXISTS (SELECT 1 FROM day_entries WHERE day_entries.user_id = user_assignments.user_id \
                 AND day_entries.project_id = user_assignments.project_id)",
        action: &ARCHIVE,
        hint: ARCHIVED,
    })
    .invariants(&INVARIANTS);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &USER_ASSIGNMENTS,
    endpoints: &[
        Endpoint::list("/projects/{project_id}/user_assignments").by(Caller::Manager),
        Endpoint::make("/projects/{project_id}/user_assignments", |call| NAMED.plan(call)).by(Caller::Manager),
        Endpoint::get("/projects/{project_id}/user_assignments/{id}").by(Caller::Manager),
        Endpoint::update("/projects/{project_id}/user_assignments/{id}").by(Caller::Manager),
        Endpoint::delete("/projects/{project_id}/user_assignments/{id}").by(Caller::Manager),
    ],
};

static ARCHIVE: Action = Action { name: "archive", sets: &[("deactivated", "1")], rules: &[] };

/// The body of a call that assigns a person.
static NAMED: Named = Named { one: &ONE, assignment: &ASSIGNMENT, column: "user_id" };
static ONE: Document = naming(&ID, "user");
static ASSIGNMENT: Document = naming(&USER_ID, "user-assignment");
static USER_ID: Table = of_column(&[column!(user_id: Option<i64>).writable()]);

/// An archived person is not assigned again.
const FIND: &str = "SELECT id, deactivated FROM user_assignments WHERE project_id = ?1 AND user_id = ?2 \
                    AND EXISTS (SELECT 1 FROM people WHERE people.id = user_id AND people.is_active = 1)";

/// Only a loaded assignment brings its id; its person may have been archived since.
const PERSON_IS_ACTIVE: Rule = Rule {
    on: On::Create,
    condition: ":id IS NOT NULL OR EXISTS (SELECT 1 FROM people WHERE people.id = :user_id AND people.is_active = 1)",
    refusal: |_, change| {
        let id = change.integer("user_id").unwrap_or_default();
        Ok(Error::invalid("user-id", format!("is {id}, and that person is archived; activate them first")))
    },
};

const IS_SINGLE: Rule = Rule {
    on: On::Create,
    condition: "NOT EXISTS (SELECT 1 FROM user_assignments AS other WHERE other.project_id = :project_id \
                AND other.user_id = :user_id AND other.id IS NOT :id)",
    refusal: |_, change| {
        let id = change.integer("user_id").unwrap_or_default();
        Ok(Error::invalid("user-id", format!("is {id}, and that person is assigned to the project already")))
    },
};

static INVARIANTS: [Invariant; 1] = [Invariant {
    column: "user_id",
    says: "is assigned to the project twice",
    broken_by: "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY project_id, user_id ORDER BY id) AS number \
                FROM user_assignments NOT INDEXED) WHERE number > 1",
}];
