//! Who acts, and which records they reach.

use rusqlite::{Connection, OptionalExtension};

use super::entity::{Entity, Selection};
use crate::error::{Error, Result};
use crate::value::Value;

/// The id of the account's first administrator, who acts where nobody else does.
pub(crate) const ADMINISTRATOR: i64 = 1;

/// The person who acts in a call, and their role as it was when the call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    /// The id of the person.
    pub(crate) id: i64,
    pub(crate) role: Role,
}

/// What a person may see and change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nobody is asked who they are, and everybody may do everything.
    Open,
    Administrator,
    ProjectManager,
    Regular,
}

/// Which records of a kind a call reaches. Others are as if they were not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All of them, for every person.
    #[default]
    All,
    /// All of them, as long as the person is an administrator.
    Administrator(i64),
    /// Those that the person may read; see [`Entity::seen`].
    Seen(i64),
    /// Those that the person manages; see [`Entity::managed`].
    Managed(i64),
}

impl Reach {
    /// The person who has signed in, where somebody has.
    pub(crate) fn person(self) -> Option<i64> {
        match self {
            Reach::All => None,
            Reach::Administrator(id) | Reach::Seen(id) | Reach::Managed(id) => Some(id),
        }
    }
}

impl Actor {
    /// Person 1 with every right: who acts where nobody is asked who they are.
    pub(crate) const FIRST: Actor = Actor { id: ADMINISTRATOR, role: Role::Open };

    /// Whether they may do everything.
    pub(crate) fn is_administrator(self) -> bool {
        matches!(self.role, Role::Open | Role::Administrator)
    }
}

/// Fits no record, and names the acting person as every such condition does.
const NONE: &str = ":actor IS NULL";

const IS_ADMINISTRATOR: &str = "SELECT 1 FROM people WHERE id = ?1 AND is_admin = 1 AND is_active = 1";

impl Entity {
    /// The condition on the records that are reached, with the person whom it names as `:actor`; none where that is all.
    pub(crate) fn reached(&self, reach: Reach) -> Option<(&'static str, i64)> {
        match reach {
            Reach::All | Reach::Administrator(_) => None,
            Reach::Seen(actor) => Some((self.seen.unwrap_or(NONE), actor)),
            Reach::Managed(actor) => Some((self.managed.unwrap_or(NONE), actor)),
        }
    }
}

impl Selection {
    /// Only the records of the entity that the call reaches. All that is reached is no condition, so that an
    /// administrator's lists are read as if there were no roles.
    pub(crate) fn within(&mut self, entity: &Entity, reach: Reach) {
        if let Some((condition, actor)) = entity.reached(reach) {
            self.and(condition, Value::Integer(actor));
            // Found once, by the index of the assignments, and not again for each part of the list.
            self.sorts = true;
        }
    }
}

/// Whether a record is there for the call.
pub(super) fn reaches(connection: &Connection, entity: &Entity, id: i64, reach: Reach) -> Result<bool> {
    let sql = format!("SELECT 1 FROM {} WHERE id = ?1", entity.table.name);
    Ok(match entity.reached(reach) {
        None => connection.prepare_cached(&sql)?.exists([id])?,
        Some((condition, actor)) => {
            connection.prepare_cached(&format!("{sql} AND {condition}"))?.exists([id, actor])?
        }
    })
}

/// Refuses, in its own transaction, a change of what the acting person does not reach at this moment.
pub(super) fn permit(connection: &Connection, entity: &Entity, id: Option<i64>, reach: Reach) -> Result<()> {
    let is_permitted = match (reach, id) {
        (Reach::All, _) => true,
        (Reach::Administrator(actor), _) => {
            connection.prepare_cached(IS_ADMINISTRATOR)?.query_row([actor], |_| Ok(())).optional()?.is_some()
        }
        (_, Some(id)) => reaches(connection, entity, id, reach)?,
        (_, None) => false,
    };
    match is_permitted {
        true => Ok(()),
        false => Err(Error::NotFound { record: entity.document.element, id: id.unwrap_or_default() }),
    }
}
