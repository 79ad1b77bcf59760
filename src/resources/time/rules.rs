//! What must hold of time entries.

use rusqlite::Connection;

use crate::error::{self, Error, Result};
use crate::store::{Change, Invariant, On, Rule};

pub(super) static RULES: [Rule; 16] = [
    HAS_PERSON,
    HAS_PROJECT,
    HAS_TASK,
    HAS_INVOICE,
    IS_BILLED_ON_AN_INVOICE,
    HOURS_OF_A_DAY,
    RUNS_ALONE,
    STAYS_WHERE_LOCKED,
    IS_OPEN_TO_OTHERS,
    IS_FREE_AT_DELETE,
    PROJECT_IS_ACTIVE,
    PROJECT_IS_ACTIVE_AT_CHANGE,
    PERSON_IS_ASSIGNED,
    PERSON_IS_ASSIGNED_AT_CHANGE,
    TASK_IS_ASSIGNED,
    TASK_IS_ASSIGNED_AT_CHANGE,
];

const HAS_PERSON: Rule = Rule {
    on: On::Create,
    condition: "EXISTS (SELECT 1 FROM people WHERE people.id = :user_id)",
    refusal: |_, change| no_such(change, "user-id", "user_id", "person"),
};

const HAS_PROJECT: Rule = Rule {
    on: On::Write,
    condition: "EXISTS (SELECT 1 FROM projects WHERE projects.id = :project_id)",
    refusal: |_, change| no_such(change, "project-id", "project_id", "project"),
};

const HAS_TASK: Rule = Rule {
    on: On::Write,
    condition: "EXISTS (SELECT 1 FROM tasks WHERE tasks.id = :task_id)",
    refusal: |_, change| no_such(change, "task-id", "task_id", "task"),
};

const HAS_INVOICE: Rule = Rule {
    on: On::Create,
    condition: ":invoice_id IS NULL OR EXISTS (SELECT 1 FROM invoices WHERE invoices.id = :invoice_id)",
    refusal: |_, change| no_such(change, "invoice-id", "invoice_id", "invoice"),
};

/// Only a loaded entry says what invoice it is on.
const IS_BILLED_ON_AN_INVOICE: Rule = Rule {
    on: On::Create,
    condition: ":invoice_id IS NULL OR :is_billed = 1",
    refusal: |_, change| {
        let id = change.integer("invoice_id").unwrap_or_default();
        Ok(Error::invalid("is-billed", format!("is false, but the entry is on invoice {id}; it must be true")))
    },
};

fn no_such(change: &Change<'_>, element: &'static str, column: &str, what: &str) -> Result<Error> {
    let id = change.integer(column).unwrap_or_default();
    Ok(Error::invalid(element, format!("is {id}, but there is no such {what}; create it first")))
}

const HOURS_OF_A_DAY: Rule = Rule {
    on: On::Write,
    condition: "CAST(:hours AS REAL) BETWEEN 0 AND 24",
    refusal: |_, change| {
        let hours = change.values().and_then(|values| values.text("hours")).unwrap_or_default();
        Ok(Error::invalid("hours", format!("is {hours}; an entry has 0 to 24 hours")))
    },
};

/// Only a loaded entry brings its timer along; otherwise starting one stops the other.
const RUNS_ALONE: Rule = Rule {
    on: On::Create,
    condition: ":timer_started_at IS NULL OR NOT EXISTS (SELECT 1 FROM day_entries AS other \
                WHERE other.user_id = :user_id AND other.timer_started_at IS NOT NULL AND other.id IS NOT :id)",
    refusal: |_, change| {
        let id = change.integer("user_id").unwrap_or_default();
        Ok(Error::invalid(
            "timer-started-at",
            format!("is given, but another timer of person {id} runs; stop it first"),
        ))
    },
};

const STAYS_WHERE_LOCKED: Rule = Rule {
    on: On::Change,
    condition: "(:project_id = day_entries.project_id AND :task_id = day_entries.task_id AND :spent_at = day_entries.spent_at) \
                OR (day_entries.is_closed = 0 AND day_entries.is_billed = 0 AND day_entries.invoice_id IS NULL)",
    refusal: locked,
};

/// Every update sets when it was.
const IS_OPEN_TO_OTHERS: Rule = Rule {
    on: On::Change,
    condition: ":updated_at IS NULL \
                OR (day_entries.is_closed = 0 AND day_entries.is_billed = 0 AND day_entries.invoice_id IS NULL) \
                OR EXISTS (SELECT 1 FROM people WHERE people.id = :actor AND people.is_admin = 1)",
    refusal: locked,
};

const IS_FREE_AT_DELETE: Rule = Rule {
    on: On::Delete,
    condition: "day_entries.is_closed = 0 AND day_entries.is_billed = 0 AND day_entries.invoice_id IS NULL",
    refusal: locked,
};

fn locked(_: &Connection, _: &Change<'_>) -> Result<Error> {
    Ok(Error::refused(error::Rule::EntryIsLocked, [("locked time entry", 1)]))
}

/// Only a loaded entry brings its id; its project may have been archived since.
const PROJECT_IS_ACTIVE: Rule = Rule {
    on: On::Create,
    condition: ":id IS NOT NULL \
                OR EXISTS (SELECT 1 FROM projects WHERE projects.id = :project_id AND projects.active = 1)",
    refusal: project_is_inactive,
};

const PROJECT_IS_ACTIVE_AT_CHANGE: Rule = Rule {
    on: On::Change,
    condition: "(:project_id = day_entries.project_id AND :task_id = day_entries.task_id) \
                OR EXISTS (SELECT 1 FROM projects WHERE projects.id = :project_id AND projects.active = 1)",
    refusal: project_is_inactive,
};

fn project_is_inactive(connection: &Connection, change: &Change<'_>) -> Result<Error> {
    let id = after(connection, change, "project_id")?;
    Ok(Error::invalid("project-id", format!("is {id}, and that project is not active; activate it first")))
}

const PERSON_IS_ASSIGNED: Rule = Rule {
    on: On::Create,
    condition: ":id IS NOT NULL OR EXISTS (SELECT 1 FROM user_assignments AS assigned \
                WHERE assigned.user_id = :user_id AND assigned.project_id = :project_id AND assigned.deactivated = 0)",
    refusal: person_is_not_assigned,
};

const PERSON_IS_ASSIGNED_AT_CHANGE: Rule = Rule {
    on: On::Change,
    condition: "(:project_id = day_entries.project_id AND :task_id = day_entries.task_id) \
                OR EXISTS (SELECT 1 FROM user_assignments AS assigned \
                WHERE assigned.user_id = :user_id AND assigned.project_id = :project_id AND assigned.deactivated = 0)",
    refusal: person_is_not_assigned,
};

fn person_is_not_assigned(connection: &Connection, change: &Change<'_>) -> Result<Error> {
    let (person, project) = (after(connection, change, "user_id")?, after(connection, change, "project_id")?);
    let reason = format!("is {project}, and person {person} is not assigned to that project; assign them first");
    Ok(Error::invalid("project-id", reason))
}

const TASK_IS_ASSIGNED: Rule = Rule {
    on: On::Create,
    condition: ":id IS NOT NULL OR EXISTS (SELECT 1 FROM task_assignments AS assigned \
                WHERE assigned.task_id = :task_id AND assigned.project_id = :project_id AND assigned.deactivated = 0)",
    refusal: task_is_not_assigned,
};

const TASK_IS_ASSIGNED_AT_CHANGE: Rule = Rule {
    on: On::Change,
    condition: "(:project_id = day_entries.project_id AND :task_id = day_entries.task_id) \
                OR EXISTS (SELECT 1 FROM task_assignments AS assigned \
                WHERE assigned.task_id = :task_id AND assigned.project_id = :project_id AND assigned.deactivated = 0)",
    refusal: task_is_not_assigned,
};

fn task_is_not_assigned(connection: &Connection, change: &Change<'_>) -> Result<Error> {
    let (task, project) = (after(connection, change, "task_id")?, after(connection, change, "project_id")?);
    let reason = format!("is {task}, and that task is not assigned to project {project}; assign it first");
    Ok(Error::invalid("task-id", reason))
}

/// What a column would hold after the change.
fn after(connection: &Connection, change: &Change<'_>, column: &str) -> Result<i64> {
    match (change.integer(column), change.id()) {
        (Some(id), _) => Ok(id),
        (None, Some(id)) => {
            let sql = format!("SELECT {column} FROM day_entries WHERE id = ?1");
            Ok(connection.query_row(&sql, [id], |row| row.get(0))?)
        }
        (None, None) => Ok(0),
    }
}

pub(super) static INVARIANTS: [Invariant; 4] = [
    Invariant {
        column: "is_billed",
        says: "is false while the entry is on an invoice",
        broken_by: "SELECT id FROM day_entries NOT INDEXED WHERE invoice_id IS NOT NULL AND is_billed = 0",
    },
    Invariant {
        column: "timer_started_at",
        says: "is set while another timer of the person runs",
        broken_by: "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY id) AS number \
                    FROM day_entries NOT INDEXED WHERE timer_started_at IS NOT NULL) WHERE number > 1",
    },
    Invariant {
        column: "hours",
        says: "is not between 0 and 24",
        broken_by: "SELECT id FROM day_entries NOT INDEXED WHERE CAST(hours AS REAL) NOT BETWEEN 0 AND 24",
    },
    Invariant {
        column: "spent_at",
        says: "is outside the days that its project has as its first and its last with time",
        broken_by: "SELECT day_entries.id FROM day_entries NOT INDEXED CROSS JOIN projects ON projects.id = project_id \
                    WHERE (spent_at BETWEEN hint_earliest_record_at AND hint_latest_record_at) IS NOT 1",
    },
];
