//! Rules: conditions in SQL that a change carries with it, so that they hold in its transaction.

use rusqlite::Connection;

use super::entity::{Change, Entity};
use crate::error::{Error, Result};

/// A condition that a change must meet, and the refusal that it means otherwise.
///
/// The condition is SQL. In it, `:column` is what the column holds after the change: the value that
/// a create or an update gives, what an action sets, or else the stored value. `table.column` is
/// always the stored value; a create has none. `:actor` is the id of the person who acts, 0 where a document is loaded.
/// The same sentence stands in `schema.sql`, for other
/// programs.
pub struct Rule {
    pub(crate) on: On,
    pub(crate) condition: &'static str,
    /// Says why a change was refused that did not meet the condition.
    pub(crate) refusal: fn(&Connection, &Change<'_>) -> Result<Error>,
}

/// The changes that a rule is about. An update or an action is concerned only where it sets a column
/// that the condition names as `:column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Create,
    /// An update or an action.
    Change,
    /// A create, an update or an action.
    Write,
    Delete,
}

/// A change by name, one conditional UPDATE.
pub struct Action {
    /// The name, which is the last part of its path.
    pub(crate) name: &'static str,
    /// The columns that it sets, each to an SQL expression over the stored record. What the first
    /// one holds then is told.
    pub(crate) sets: &'static [(&'static str, &'static str)],
    /// What must hold besides the entity's own rules; there, every column is the stored one.
    pub(crate) rules: &'static [Rule],
}

/// What conditions call the acting person.
const ACTOR: &str = "actor";

/// The number of the parameter that stands for the acting person, behind those of the columns and of the place.
pub(crate) fn actor(entity: &Entity) -> usize {
    entity.table.columns.len() + 3
}

impl Rule {
    pub(crate) fn concerns(&self, change: &Change<'_>) -> bool {
        match change {
            Change::Create(_) => matches!(self.on, On::Create | On::Write),
            Change::Delete(_) => self.on == On::Delete,
            Change::Update(_, values) => self.sets(|column| values.get(column).is_some()),
            Change::Act(_, action) => self.sets(|column| action.expression(column).is_some()),
        }
    }

    fn sets(&self, is_set: impl Fn(&str) -> bool) -> bool {
        matches!(self.on, On::Change | On::Write)
            && parts(self.condition)
                .any(|part| matches!(part, Part::Column(column) if column != ACTOR && is_set(column)))
    }

    /// The columns that the condition names.
    #[cfg(test)]
    pub(crate) fn columns(&self) -> impl Iterator<Item = &'static str> {
        parts(self.condition).filter_map(|part| match part {
            Part::Column(column) => (column != ACTOR).then_some(column),
            Part::Text(_) => None,
        })
    }

    /// The condition for a change, with a numbered parameter where it names a value that is given.
    pub(crate) fn sql(&self, entity: &Entity, change: &Change<'_>) -> String {
        let table = entity.table;
        let mut sql = String::with_capacity(self.condition.len() + 16);
        for part in parts(self.condition) {
            let column = match part {
                Part::Text(text) => {
                    sql.push_str(text);
                    continue;
                }
                Part::Column(ACTOR) => {
                    sql.push_str(&format!("?{}", actor(entity)));
                    continue;
                }
                Part::Column(column) => column,
            };
            match change {
                Change::Create(_) => sql.push_str(&format!("?{}", table.position(column) + 1)),
                Change::Update(_, values) if values.get(column).is_some() => {
                    sql.push_str(&format!("?{}", table.position(column) + 1));
                }
                Change::Act(_, action) if action.expression(column).is_some() => {
                    sql.push_str(&format!("({})", action.expression(column).unwrap_or_default()));
                }
                _ => sql.push_str(&format!("{}.{}", table.name, table.columns[table.position(column)].name)),
            }
        }
        sql
    }
}

impl Action {
    fn expression(&self, column: &str) -> Option<&'static str> {
        self.sets.iter().find(|(name, _)| *name == column).map(|(_, expression)| *expression)
    }
}

/// The rules that a change must meet.
pub(crate) fn of<'a>(entity: &'a Entity, change: &'a Change<'_>) -> impl Iterator<Item = &'a Rule> {
    let own: &[Rule] = match change {
        Change::Act(_, action) => action.rules,
        _ => &[],
    };
    own.iter().chain(entity.rules.iter().filter(|rule| rule.concerns(change)))
}

/// A condition's text, and the columns that it names.
enum Part<'a> {
    Text(&'a str),
    Column(&'a str),
}

/// Takes a condition apart; it has no text literals with colons.
fn parts(condition: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = condition;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(named) = rest.strip_prefix(':') {
            let length = named.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            let (column, after) = named.split_at(length);
            rest = after;
            return Some(Part::Column(column));
        }
        let (text, after) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
        rest = after;
        Some(Part::Text(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Values;
    use crate::resources::projects::PROJECTS;
    use crate::value::Value;

    const RULE: Rule = Rule {
        on: On::Write,
        condition: "EXISTS (SELECT 1 FROM clients WHERE id = :client_id AND (active = 1 OR :active = 0))",
        refusal: |_, _| unreachable!(),
    };
    static TOGGLE: Action = Action { name: "toggle", sets: &[("active", "1 - projects.active")], rules: &[] };

    #[test]
    fn a_column_is_named_and_stands_for_its_value_after_the_change() {
        let mut values = Values::new(PROJECTS.table);
        let parameter = |column| format!("?{}", PROJECTS.table.position(column) + 1);
        let sql = |change: &Change<'_>| RULE.sql(&PROJECTS, change).split_once("id = ").unwrap().1.to_owned();
        let expected = |client: &str, active: &str| format!("{client} AND (active = 1 OR {active} = 0))");
        assert_eq!(sql(&Change::Create(&values)), expected(&parameter("client_id"), &parameter("active")));
        values.set("client_id", Value::Integer(1));
        assert_eq!(sql(&Change::Update(1, &values)), expected(&parameter("client_id"), "projects.active"));
        assert_eq!(sql(&Change::Act(1, &TOGGLE)), expected("projects.client_id", "(1 - projects.active)"));
        assert_eq!(sql(&Change::Delete(1)), expected("projects.client_id", "projects.active"));
    }

    #[test]
    fn an_update_is_concerned_where_it_sets_a_column_that_is_named() {
        let mut values = Values::new(PROJECTS.table);
        values.set("name", Value::from("a"));
        assert!(!RULE.concerns(&Change::Update(1, &values)));
        values.set("active", Value::Integer(1));
        assert!(RULE.concerns(&Change::Update(1, &values)));
        assert!(RULE.concerns(&Change::Act(1, &TOGGLE)));
        assert!(RULE.concerns(&Change::Create(&values)));
        assert!(!RULE.concerns(&Change::Delete(1)));
    }
}
