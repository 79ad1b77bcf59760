//! Whether an older file is as its version left it.
//!
//! No schema of an older version is kept for that. The file's objects are made in memory, the steps run over them, and
//! what comes out must be the newest schema.

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection};

use super::format::{APPLICATION_ID, FileFormat, Step, identity, run};
use super::objects::{self, Difference, Fault, Object, differences, objects};
use crate::error::Result;

impl FileFormat {
    /// Where a file's schema differs from that of its version.
    pub(crate) fn differences(&self, connection: &Connection) -> Result<Vec<Difference>> {
        let expected = self.objects()?;
        match identity(connection)? {
            (APPLICATION_ID, version) if (1..self.newest()).contains(&version) => {
                of_older(connection, version, self.steps_from(version), &expected)
            }
            _ => differences(connection, &expected),
        }
    }
}

/// Where the schema of an older file differs from what its version had.
///
/// What a step makes anew under the same name is right once the step has run, so a change to it is not told.
fn of_older(connection: &Connection, version: i64, steps: &[Step], newest: &[Object]) -> Result<Vec<Difference>> {
    let found = objects(connection)?;
    let is_newest = |object: &Object| newest.iter().any(|other| other.kind == object.kind && other.name == object.name);
    let is_named = |name: &str| steps.iter().any(|step| names(step.script, name));
    // A trigger would go unseen with a table that is made anew, and a column would be lost with it.
    let foreign = found.iter().filter(|object| !is_newest(object) && !is_named(&object.name));
    let mut differences: Vec<_> =
        foreign.map(|object| Difference { object: object.clone(), fault: Fault::Foreign }).collect();
    for object in found.iter().filter(|object| object.kind == "table") {
        let Some(kept) = newest.iter().find(|other| other.name == object.name) else { continue };
        if columns(connection, &object.name)?.iter().any(|column| !names(&kept.sql, column) && !is_named(column)) {
            differences.push(Difference { object: object.clone(), fault: Fault::Changed });
        }
    }
    let is_found = |object: &Object| found.iter().any(|other| other.kind == object.kind && other.name == object.name);
    let missing = newest.iter().filter(|object| !is_found(object));
    let missing = missing.filter(|object| is_dropped(object, steps));
    differences.splice(..0, missing.map(|object| Difference { object: object.clone(), fault: Fault::Missing }));
    let copy = copy(&found)?;
    if steps.iter().try_for_each(|step| run_script(&copy, step.script)).is_err() {
        if differences.is_empty() {
            let object =
                Object { kind: "schema".to_owned(), name: format!("of version {version}"), sql: String::new() };
            differences.push(Difference { object, fault: Fault::Changed });
        }
        return Ok(differences);
    }
    for difference in objects::differences(&copy, newest)? {
        if !differences.iter().any(|other| other.object.name == difference.object.name) {
            differences.push(difference);
        }
    }
    Ok(differences)
}

/// An empty database in memory with the objects. One that cannot be made there is missing in it.
fn copy(found: &[Object]) -> Result<Connection> {
    let copy = Connection::open_in_memory()?;
    copy.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF")?;
    // Indexes and triggers need their tables. A virtual table would run its module's code.
    let of = |is_table: bool| found.iter().filter(move |object| (object.kind == "table") == is_table);
    for object in of(true).chain(of(false)).filter(|object| !object.sql.starts_with("CREATE VIRTUAL")) {
        drop(copy.execute(&object.sql, []));
    }
    Ok(copy)
}

fn run_script(connection: &Connection, script: &str) -> rusqlite::Result<()> {
    let mut statements = Batch::new(connection, script);
    while let Some(mut statement) = statements.next()? {
        run(&mut statement)?;
    }
    Ok(())
}

/// Whether a step drops the object and none before it makes it, so that every file before that step has it.
fn is_dropped(object: &Object, steps: &[Step]) -> bool {
    let (kind, name) = (object.kind.to_ascii_uppercase(), &object.name);
    let drops = |step: &Step| step.script.contains(&format!("DROP {kind} {name};"));
    let makes = |step: &Step| step.script.contains(&format!("CREATE {kind} {name} "));
    steps.iter().position(drops).is_some_and(|at| !steps[..at].iter().any(makes))
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached("SELECT name FROM pragma_table_info(?1, 'main')")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Whether a script has the name as a word.
fn names(script: &str, name: &str) -> bool {
    let is_of_word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    script.match_indices(name).any(|(at, found)| {
        let before = at.checked_sub(1).map(|at| script.as_bytes()[at]);
        !is_of_word(before) && !is_of_word(script.as_bytes().get(at + found.len()).copied())
    })
}
